"""The explosion conditions of Whitfill & Wu (2025), found from computed paths and their exact tails at random parameters."""

import numpy as np
import pytest
from trajectories import jones

import sie

DRAWS = 20000

MARGIN = 0.02
"""Least distance from a boundary."""

COMPLEMENTS = [(0.01, 0.98), (0.9, 0.98)]
SUBSTITUTES = [(1.02, 100.0), (1.02, 1.1)]


@pytest.fixture
def rng():
    return np.random.default_rng(20)


def loguniform(rng, lower, upper):
    return np.exp(rng.uniform(np.log(lower), np.log(upper), DRAWS))


@pytest.fixture
def common(rng):
    """lambda, beta and the labour share of many laws, and paces at ASARA."""
    return {
        "lambda_": rng.uniform(0.1, 1.2, DRAWS),
        "beta": rng.uniform(-0.5, 1.5, DRAWS),
        "labour_share_asara": rng.uniform(0.02, 0.98, DRAWS),
        "speedup": loguniform(rng, 1, 100),
    }


def assert_explodes_iff(condition, draws, *distances):
    """Software is infinite in finite time iff the condition holds, at every draw away from all boundaries."""
    away = np.min(np.abs(distances), axis=0) > MARGIN
    assert min(np.sum(condition & away), np.sum(~condition & away)) > DRAWS / 10
    explodes = np.isfinite(sie.simulate(draws).end_years.values[0])
    np.testing.assert_array_equal(explodes[away], condition[away])


@pytest.mark.parametrize("sigma", COMPLEMENTS)
def test_with_complements_software_explodes_iff_ideas_get_easier(common, rng, sigma):
    draws = jones(**common, sigma=loguniform(rng, *sigma))
    assert_explodes_iff(common["beta"] < 0, draws, common["beta"])


def test_with_cobb_douglas_software_explodes_iff_the_labour_share_of_lambda_exceeds_beta(common):
    excess = common["labour_share_asara"] * common["lambda_"] - common["beta"]
    assert_explodes_iff(excess > 0, jones(**common, sigma=1.0), excess)


@pytest.mark.parametrize("sigma", SUBSTITUTES)
def test_with_substitutes_software_explodes_iff_lambda_exceeds_beta(common, rng, sigma):
    excess = common["lambda_"] - common["beta"]
    assert_explodes_iff(excess > 0, jones(**common, sigma=loguniform(rng, *sigma)), excess)


@pytest.mark.slow
@pytest.mark.parametrize("sigma", COMPLEMENTS + SUBSTITUTES)
def test_two_technologies_explode_as_the_comments_say(common, rng, sigma):
    beta_exp = rng.uniform(-0.5, 1.5, DRAWS)
    draws = jones(
        **common,
        sigma=loguniform(rng, *sigma),
        epsilon=loguniform(rng, 0.1, 10),
        experiment_beta=beta_exp,
    )
    cog, exp = common["lambda_"] - common["beta"], common["lambda_"] - beta_exp
    both, either = (cog > 0) & (exp > 0), (cog > 0) | (exp > 0)
    condition = both | (common["beta"] < 0) if sigma[1] < 1 else either
    assert_explodes_iff(condition, draws, cog, exp, common["beta"], beta_exp)
