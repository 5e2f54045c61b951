"""Priors with separate parts: one map for density and draws, and posteriors against weighted draws of a broad prior."""

import numpy as np
import pytest
from arviz_stats.base import array_stats
from calls import density_at
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp, ndtr
from scipy.stats import norm

import sie
from sie.returns.compiled import compile_density
from sie.returns.design import design
from sie.returns.log_density import log_parts
from sie.returns.prior_curves import MOST_COMBINATIONS, quantile_curve

BROAD = {"capabilities": sie.lognormal(0.3, 12.0), "labour_share": sie.uniform(0, 1)}
"""Priors that reach wherever the mixtures below do."""

SEPARATE = {
    "two lognormals": sie.mixture([0.5, 0.5], [sie.lognormal(0.9, 1.1), sie.lognormal(3.6, 4.4)]),
    "two narrow lognormals": sie.mixture([0.5, 0.5], [sie.lognormal(0.975, 1.025), sie.lognormal(3.9, 4.1)]),
    "two uniforms": sie.mixture([0.5, 0.5], [sie.uniform(1, 1.25), sie.uniform(2.5, 4)]),
}


@pytest.fixture(scope="module")
def reference():
    return sie.read_view("reference")


@pytest.fixture(scope="module")
def rows(evidence, reference):
    return sie.usable(evidence, reference)


@pytest.fixture(scope="module")
def broad(rows, reference):
    """100,000 posterior draws under BROAD."""
    tree = sie.fit(sie.build(rows, reference.replace(**BROAD)), seed=77, draws=100_000)
    return tree["posterior"].to_dataset()


def weighted(broad, view, indicator):
    """Probability and its error under a view's priors, from weighted draws of the broad ones."""
    log_weight = sum(
        view[name].prior.logpdf(broad[name].values) - prior.logpdf(broad[name].values)
        for name, prior in BROAD.items()
    )
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    p = (weight * indicator).sum()
    influence = weight * (indicator - p)
    size = float(array_stats.ess(influence, method="mean"))
    return p, np.sqrt(influence.size * (influence**2).sum() / size) if size else np.nan


def assert_agrees(rows, reference, broad, priors, seed):
    view = reference.replace(**priors)
    posterior = sie.fit(sie.build(rows, view), seed=seed)["posterior"].to_dataset()
    for indicator_of in (
        lambda draws: (draws.r_asara.values > 1).astype(float),
        lambda draws: (draws.capabilities.values > 2).astype(float),
    ):
        wanted, error = weighted(broad, view, indicator_of(broad))
        found = indicator_of(posterior)
        size = float(array_stats.ess(found, method="mean")) if np.ptp(found) else found.size
        mcse = np.sqrt((wanted * (1 - wanted) + 1 / size) / size)
        assert abs(found.mean() - wanted) < 4 * np.hypot(error, mcse)
        assert error < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("name", SEPARATE)
def test_a_posterior_under_separate_parts_is_that_of_weighted_draws(rows, reference, broad, name):
    assert_agrees(rows, reference, broad, {"capabilities": SEPARATE[name]}, seed=1)


def random_part(rng, families):
    centre, ratio = np.exp(rng.uniform(np.log(0.7), np.log(5))), np.exp(rng.uniform(np.log(1.05), np.log(3)))
    match rng.choice(families):
        case "uniform":
            return sie.uniform(centre / ratio, centre * ratio)
        case "loguniform":
            return sie.loguniform(centre / ratio, centre * ratio)
        case "halfnormal":
            return sie.halfnormal(centre)
        case _:
            return sie.lognormal(centre / ratio, centre * ratio)


def random_mixture(rng, families=("uniform", "loguniform", "halfnormal", "lognormal")):
    count = rng.integers(2, 4)
    parts = [random_part(rng, families) for _ in range(count)]
    if rng.random() < 0.3:
        parts[0] = sie.mixture([0.4, 0.6], [parts[0], random_part(rng, families)])
    weights = rng.dirichlet(np.full(count, 2.0))
    return sie.mixture(weights / weights.sum(), parts)


def random_shares(rng):
    low, high = sorted(rng.uniform(0.05, 0.95, 2))
    middle = (low + high) / 2
    return sie.mixture([0.5, 0.5], [sie.beta(low / 2, low), sie.uniform(middle, (1 + middle) / 2)])


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.release) for seed in range(2, 5))]
)
def test_posteriors_under_random_mixtures_of_every_family_are_those_of_weighted_draws(
    rows, reference, broad, seed
):
    rng = np.random.default_rng(seed)
    assert_agrees(rows, reference, broad, {"capabilities": random_mixture(rng)}, seed=seed)
    priors = {"capabilities": random_mixture(rng), "labour_share": random_shares(rng)}
    assert_agrees(rows, reference, broad, priors, seed=seed)


@pytest.mark.slow
def test_the_density_of_a_mixture_is_the_weighted_sum_of_those_of_its_parts(rows, reference):
    cap, spread = (
        SEPARATE["two lognormals"],
        sie.mixture([0.3, 0.7], [sie.uniform(0, 0.2), sie.halfnormal(2)]),
    )
    whole = compile_density(sie.build(rows, reference.replace(capabilities=cap, spread=spread)))
    x = np.random.default_rng(3).standard_normal((20, whole.n_dim)) * 1.5
    terms = []
    for v, one in zip(cap.numbers, cap.parts, strict=True):
        for w, other in zip(spread.numbers, spread.parts, strict=True):
            part = compile_density(sie.build(rows, reference.replace(capabilities=one, spread=other)))
            terms.append([np.log(v * w) + density_at(part, point)[0] for point in x])
    found = [density_at(whole, point) for point in x]
    np.testing.assert_allclose([value for value, _ in found], logsumexp(terms, axis=0), rtol=1e-12)
    for point, (_, gradient) in zip(x, found, strict=True):
        step = 1e-6 * np.eye(len(point))
        slopes = [(density_at(whole, point + h)[0] - density_at(whole, point - h)[0]) / 2e-6 for h in step]
        np.testing.assert_allclose(gradient, slopes, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_each_combination_of_parts_has_its_share_of_the_density(rows, reference):
    """Which part a draw of a mixture belongs to is drawn by these."""
    view = reference.replace(capabilities=SEPARATE["two lognormals"], spread=SEPARATE["two uniforms"])
    of = design(rows, view)
    compiled = compile_density(of)
    x = np.random.default_rng(4).standard_normal((5, compiled.n_dim))
    found = log_parts(x, compiled.user_data)
    assert found.shape == (5, len(of.parts[0])) == (5, 4)
    normal = norm.logpdf(x).sum(axis=1)
    np.testing.assert_allclose(
        logsumexp(found, axis=1) + normal, [density_at(compiled, point)[0] for point in x], rtol=1e-12
    )


@pytest.mark.slow
def test_too_many_combinations_of_parts_are_refused(rows, reference, refused):
    parts = [sie.lognormal(low, 2 * low) for low in (1, 1.5, 2, 2.5, 3)]
    many = sie.mixture([0.2] * 5, parts)
    four = dict.fromkeys(("capabilities", "post_training", "hardware_scale", "r_typical"), many)
    with refused("reference mixtures of r_typical, capabilities", "625 combinations", str(MOST_COMBINATIONS)):
        sie.fit(sie.build(rows, reference.replace(**four)), seed=1)


POSITIVE = st.floats(0.01, 50)
RATIO = st.floats(1.02, 20)
SIMPLE = st.one_of(
    st.builds(lambda c, k: sie.uniform(c / k, c * k), POSITIVE, RATIO),
    st.builds(lambda c, k: sie.loguniform(c / k, c * k), POSITIVE, RATIO),
    st.builds(lambda c, k: sie.lognormal(c / k, c * k), POSITIVE, RATIO),
    st.builds(sie.halfnormal, POSITIVE),
    st.builds(
        lambda low, part: sie.beta(low, low + part * (0.99 - low)), st.floats(0.05, 0.9), st.floats(0.05, 1)
    ),
)
MIXTURE = st.builds(
    lambda parts, share: sie.mixture([share, 1 - share], parts),
    st.tuples(SIMPLE, SIMPLE),
    st.floats(0.05, 0.95),
)


@pytest.mark.slow
@given(prior=st.one_of(SIMPLE, MIXTURE), log=st.booleans())
def test_curves_map_scores_as_the_priors_do(prior, log):
    """|F(q(z)) - Phi(z)| within 6 standard deviations, and the score of a value is its inverse."""
    z = np.linspace(-6, 6, 1501) + 1e-3
    curve = quantile_curve(prior, log=log)
    values = np.exp(curve.at(z)) if log else curve.at(z)
    assert np.abs(prior.cdf(values) - ndtr(z)).max() < 1e-6
    assert (np.diff(values) >= -1e-12 * np.abs(values[1:])).all()
    exact = prior.at(z)
    np.testing.assert_allclose(prior.at(prior.score(exact)), exact, rtol=1e-7)
