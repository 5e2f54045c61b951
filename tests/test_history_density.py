"""The density of a raw history over the deviation and lambda: the stored table at its nodes, smooth between, and its draws."""

import numpy as np
import pytest
from scipy.special import logsumexp

import sie
from sie.returns.history_density import HistoryDensity, history_density

LOG_R = np.linspace(-4, 4, 161)
LOG_LAMBDA = np.linspace(-2.4, 0.9, 15)


def made_up():
    """A ridge log r = log lambda / 2 + 0.2, skewed, likelier at large lambda."""
    away = LOG_R[:, None] - LOG_LAMBDA / 2 - 0.2
    return -0.5 * (away / 0.3) ** 2 + 0.2 * np.tanh(3 * away) + 3 * LOG_LAMBDA


@pytest.fixture(scope="module", params=["made up", "stockfish", "nanogpt_speedrun"])
def table(request):
    if request.param == "made up":
        return LOG_R, LOG_LAMBDA, made_up()
    stored = sie.read_likelihood(request.param).transpose("log_r", "log_lambda")
    return stored.log_r.values, stored.log_lambda.values, stored.values


def normalised(log_r, log_likelihood):
    return log_likelihood - logsumexp(log_likelihood, axis=0) - np.log(log_r[1] - log_r[0])


def test_at_its_nodes_it_is_the_stored_table_with_area_1_for_every_lambda(table):
    log_r, log_lambda, log_likelihood = table
    centre, density = history_density(log_r, log_lambda, log_likelihood, 0.0, usual=0.6)
    wanted = normalised(log_r, log_likelihood)
    found = density.log_density(log_r[:, None] - centre, log_lambda)
    near = wanted > wanted.max(axis=0) - 6
    assert np.abs(found - wanted)[near].max() < 0.05
    step = log_r[1] - log_r[0]
    apart = np.abs(np.exp(found) - np.exp(wanted)).sum(axis=0) * step / 2
    assert apart.max() < 0.01


def test_a_definition_error_is_convolved_given_lambda(table):
    log_r, log_lambda, log_likelihood = table
    sd = 0.4
    centre, density = history_density(log_r, log_lambda, log_likelihood, sd, usual=0.6)
    weight = np.exp(normalised(log_r, log_likelihood))
    at = np.linspace(-1, 1, 9)
    kernel = np.exp(-0.5 * ((at[:, None] + centre - log_r) / sd) ** 2) / sd / np.sqrt(2 * np.pi)
    wanted = kernel @ weight * (log_r[1] - log_r[0])
    np.testing.assert_allclose(
        np.exp(density.log_density(at[:, None], log_lambda)), wanted, rtol=0.03, atol=1e-3
    )


def test_beyond_the_ends_the_curve_of_the_last_lambda_stands(table):
    centre, density = history_density(*table, 0.3, usual=0.6)
    at, (low, high) = np.linspace(-1, 1, 7), table[1][[0, -1]]
    for beyond, end in ((low - 3, low), (high + 3, high)):
        np.testing.assert_allclose(density.log_density(at, beyond), density.log_density(at, end), rtol=1e-12)
    assert np.isfinite(centre)


def test_it_is_smooth_across_every_node(table):
    _, density = history_density(*table, 0.3, usual=0.6)
    inner, h = table[1][1:-1], 1e-6
    at = np.linspace(-0.8, 0.8, 5)[:, None]
    left, middle, right = (density.log_density(at, inner + side * h) for side in (-1, 0, 1))
    np.testing.assert_allclose(right - middle, middle - left, atol=1e-9)


def test_its_draws_follow_its_density():
    """At lambdas between the nodes: the mass below a draw is the u that it was drawn at, and no lambda is favoured."""
    centre, density = history_density(LOG_R, LOG_LAMBDA, made_up(), 0.3, usual=0.6)
    assert np.isfinite(centre)
    rng = np.random.default_rng(1)
    log_lambda, u = rng.uniform(*LOG_LAMBDA[[0, -1]], 100), rng.random(100)
    drawn = density.draw(u, log_lambda)
    grid = np.linspace(-5, 5, 1001)
    mass = np.exp(density.log_density(grid[:, None], log_lambda))
    below = np.cumsum(mass, axis=0) - mass / 2
    below = np.stack(
        [np.interp(x, grid, column / column[-1]) for x, column in zip(drawn, below.T, strict=True)]
    )
    np.testing.assert_allclose(below, u, atol=0.02)
    assert abs((below - u).mean()) < 2e-3
    np.testing.assert_allclose(mass.sum(axis=0) * (grid[1] - grid[0]), 1, atol=0.01)


def test_one_lambda_of_a_density_is_a_density_of_its_own():
    _, density = history_density(LOG_R, LOG_LAMBDA, made_up(), 0.3, usual=0.6)
    at = np.linspace(-1, 1, 11)
    for log_lambda in (-2.0, -0.35, 0.9):
        one = density.at_lambda(log_lambda)
        np.testing.assert_allclose(one.log_density(at), density.log_density(at, log_lambda), atol=2e-3)
    assert isinstance(density, HistoryDensity)
