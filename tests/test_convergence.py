"""R-hat and effective sample sizes of many parameters at once."""

import math

import numpy as np
import pytest

from sie.base.stats import worst


def chains(phi, draws, rng):
    """Five autoregressions of four chains, (parameter, chain, draw)."""
    noise = rng.normal(size=(5, 4, draws))
    values = np.zeros_like(noise)
    for t in range(1, draws):
        values[:, :, t] = phi * values[:, :, t - 1] + noise[:, :, t]
    return values


@pytest.mark.parametrize("draws", [250, 251, 1000])
@pytest.mark.parametrize("phi", [-0.9, -0.5, 0.0, 0.3, 0.9, 0.99])
def test_the_worst_of_many_is_what_arviz_finds_one_by_one(phi, draws):
    from arviz_stats.base import array_stats

    values = chains(phi, draws, np.random.default_rng(draws))
    values[2, :, draws // 2 :] += 0.5
    values[3] = np.round(values[3])  # ties
    rhat = max(array_stats.rhat(column) for column in values)
    ess = min(
        min(array_stats.ess(column, method="bulk"), array_stats.ess(column, method="tail", prob=(0.05, 0.95)))
        for column in values
    )
    assert worst(values) == pytest.approx((float(rhat), float(ess)), rel=1e-9)


def test_parameters_that_do_not_vary_are_no_parameters():
    values = chains(0.3, 400, np.random.default_rng(1))
    with_constants = np.concatenate([values, np.ones((3, 4, 400))])
    assert worst(with_constants) == worst(values)
    assert all(math.isnan(number) for number in worst(np.ones((3, 4, 400))))


def test_a_draw_that_is_not_finite_is_no_convergence():
    values = chains(0.3, 400, np.random.default_rng(1))
    values[0, 0, 0] = np.inf
    assert all(math.isnan(number) for number in worst(values))
