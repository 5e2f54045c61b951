"""The jump in labour at ASARA: labour's share after it, the pace, and lambda from p, against closed forms and brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sie
from sie.data.quantities import LABOUR_PACE
from sie.growth.paths import laws
from sie.inference.prior_draws import prior
from sie.returns.asara import lambda_of, pace_over_recent, returns_to_input, share_at_asara
from sie.returns.equations import at_asara

SIZE = 3000


@pytest.fixture(scope="module")
def jumps():
    """Random labour shares, elasticities, speed-ups, exponents p and gains, wide of what any view states."""
    rng = np.random.default_rng(5)

    def log_uniform(low, high):
        return np.exp(rng.uniform(np.log(low), np.log(high), SIZE))

    return {
        "parallel": log_uniform(0.01, 2),
        "epsilon": np.where(rng.random(SIZE) < 0.3, 0.0, log_uniform(0.01, 3)),
        "labour_share": np.where(rng.random(SIZE) < 0.1, 1.0, rng.uniform(0.02, 1, SIZE)),
        "sigma": np.where(rng.random(SIZE) < 0.1, 1.0, log_uniform(0.05, 20)),
        "speedup": log_uniform(0.5, 100),
    }


def inputs(jumps):
    return {name: jumps[name] for name in ("labour_share", "sigma", "speedup")}


@pytest.mark.parametrize("reached", [False, True])
def test_p_is_lambda_times_the_returns_that_the_jump_leaves(jumps, reached):
    found = lambda_of(np, **jumps, reached=reached)
    share = share_at_asara(np, 1 / found, **inputs(jumps), reached=reached)
    np.testing.assert_allclose(
        found * returns_to_input(share, jumps["epsilon"]), jumps["parallel"], rtol=1e-9
    )


def test_share_and_pace_are_those_of_a_ces_after_a_jump_in_labour(jumps):
    """J, the CES and its exponent written out, where no power overflows."""
    lambda_, (a, sigma, speedup) = 0.7, inputs(jumps).values()
    kappa, jump = 1 - 1 / sigma, speedup ** (1 / (lambda_ * a))
    with np.errstate(all="ignore"):
        powered = jump**kappa
        level = np.where(sigma == 1, jump**a, (a * powered + 1 - a) ** (1 / kappa))
        pace, share = level**lambda_, a * powered / (a * powered + 1 - a)
    clear = (powered > 1e-8) & (powered < 1e200) & (np.abs(kappa) > 0.01) | (sigma == 1)
    assert clear.sum() > SIZE / 2
    found = pace_over_recent(np, 1 / lambda_, **inputs(jumps), reached=False)
    np.testing.assert_allclose(found[clear], pace[clear], rtol=1e-7)
    found = share_at_asara(np, 1 / lambda_, **inputs(jumps), reached=False)
    np.testing.assert_allclose(found[clear], share[clear], rtol=1e-7)


def test_at_sigma_1_the_speedup_is_reached_to_the_last_bit_and_the_share_stays():
    one = {
        "labour_share": np.linspace(0.01, 1, 200),
        "sigma": np.ones(200),
        "speedup": np.linspace(0.3, 80, 200),
    }
    for reached in (False, True):
        np.testing.assert_array_equal(pace_over_recent(np, 3.0, **one, reached=reached), one["speedup"])
        np.testing.assert_array_equal(share_at_asara(np, 3.0, **one, reached=reached), one["labour_share"])


@pytest.mark.slow
@given(
    st.floats(0.01, 0.99),
    st.floats(0.5, 50),
    st.floats(0.1, 5),
    st.sampled_from([-1, 1]),
    st.floats(1e-12, 1e-5),
)
def test_near_sigma_1_everything_is_smooth(a, speedup, u, side, away):
    near = {"labour_share": a, "sigma": 1 + side * away, "speedup": speedup, "reached": False}
    pace, share = (float(of(np, u, **near)) for of in (pace_over_recent, share_at_asara))
    first = np.log(speedup) ** 2 * u / a * side * away  # of t log(speedup)
    assert np.log(pace / speedup) == pytest.approx(first * (1 - a) / 2, rel=0.3, abs=1e-13)
    assert share - a == pytest.approx((1 - a) * np.log(speedup) * u * side * away, rel=0.3, abs=1e-13)


def test_complements_bound_the_pace_by_what_compute_allows():
    """At sigma 0.5 and a share of 0.55 no jump in labour makes more than 1 / 0.45 to the power lambda."""
    bound = 0.45 ** -np.array([0.3, 0.5, 1.0])
    for power, most in zip((0.3, 0.5, 1.0), bound, strict=True):
        told = {"labour_share": 0.55, "sigma": 0.5, "reached": False}
        paces = pace_over_recent(np, 1 / power, speedup=np.array([1.2, 4.0, 1e6]), **told)
        assert np.all(np.diff(paces) > 0)
        assert paces[-1] == pytest.approx(most, rel=1e-9)
    assert bound[1] == pytest.approx(1.49, abs=0.01)


def test_a_reached_speedup_leaves_the_share_that_goes_with_it(jumps):
    """The share of the jump that reaches this pace: pace and share agree, whichever is stated."""
    u = 1 / 0.7
    pace = pace_over_recent(np, u, **inputs(jumps), reached=False)
    share = share_at_asara(np, u, **inputs(jumps), reached=False)
    a, sigma, _ = inputs(jumps).values()
    again = share_at_asara(np, u, labour_share=a, sigma=sigma, speedup=pace, reached=True)
    clear = (share > 1e-4) & (pace < 1e100)
    assert clear.sum() > SIZE / 2
    np.testing.assert_allclose(again[clear], share[clear], rtol=1e-6)


def test_a_speedup_that_its_sigma_forbids_leaves_labour_next_to_none():
    told = {"labour_share": 0.4, "sigma": 0.2, "speedup": 8.0, "reached": True}
    assert 0 < share_at_asara(np, 1 / 0.5, **told) < 1e-290


def test_of_several_solutions_lambda_is_the_largest():
    """Where substitutes let the share rise and p is large, p = lambda e(0) has three solutions."""
    told = {"labour_share": 0.02, "sigma": 5.0, "speedup": 30.0, "epsilon": 0.0}
    lambdas = np.linspace(0.5, 1000, 2_000_000)
    share = share_at_asara(np, 1 / lambdas, labour_share=0.02, sigma=5.0, speedup=30.0, reached=False)
    for parallel in (10.0, 1.0):
        crossings = lambdas[1:][np.diff(np.sign(lambdas * share - parallel)) != 0]
        found = float(lambda_of(np, parallel, **told, reached=False))
        if parallel == 10:
            assert len(crossings) == 3
        assert found == pytest.approx(crossings.max(), rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("reached", [False, True])
def test_pytensor_gives_the_same_and_its_gradient(reached):
    import pytensor
    import pytensor.tensor as pt

    names = ("parallel", "epsilon", "labour_share", "sigma", "speedup")
    symbols = [pt.dscalar(name) for name in names]

    def answers(xp, values):
        jump = dict(zip(names[2:], values[2:], strict=True)) | {"reached": reached}
        lambda_ = lambda_of(xp, values[0], epsilon=values[1], **jump)
        parts = [of(xp, 1 / lambda_, **jump) for of in (share_at_asara, pace_over_recent)]
        return [lambda_, *parts]

    found = answers(pt, symbols)
    compiled = pytensor.function(
        symbols,
        [
            *found,
            *(
                slope
                for each in found
                for slope in pytensor.grad(each, symbols, disconnected_inputs="ignore")
            ),
        ],
    )
    rng = np.random.default_rng(2)
    for _ in range(10):
        values = np.array(
            [
                rng.uniform(0.1, 1),
                rng.uniform(0, 1),
                rng.uniform(0.1, 0.9),
                rng.uniform(0.7, 3),
                rng.uniform(1.1, 20),
            ]
        )
        results = compiled(*values)
        np.testing.assert_allclose(results[:3], answers(np, values), rtol=1e-12)
        steps = np.eye(5) * 1e-6
        slopes = [(np.array(answers(np, values + h)) - answers(np, values - h)) / 2e-6 for h in steps]
        np.testing.assert_allclose(
            np.reshape(results[3:], (3, 5)), np.transpose(slopes), rtol=2e-4, atol=1e-6
        )


@pytest.fixture
def with_lambda():
    """A view that states lambda, sigma off 1 and experiments that get cheaper."""
    view = sie.read_view("reference")
    assert "lambda" in view
    assert view["sigma"].prior != sie.fixed(1)
    assert view["experiment_gain"].prior != sie.fixed(0)
    return view


def test_a_view_that_states_lambda_has_p_and_growth_runs_on_both(with_lambda):
    draws = prior(with_lambda, draws=4000, seed=1)
    epsilon = draws.experiment_gain / draws.conversion
    np.testing.assert_allclose(draws.epsilon, epsilon)
    np.testing.assert_allclose(
        draws.parallel,
        draws["lambda"] * (draws.labour_share_asara + (1 - draws.labour_share_asara) * epsilon),
    )
    law = laws(draws)
    for field, name in (
        ("lambda_", "lambda"),
        ("labour_share_asara", "labour_share_asara"),
        ("epsilon", "epsilon"),
    ):
        np.testing.assert_allclose(law[field], draws[name].values.ravel())
    paths = sie.simulate(draws)
    np.testing.assert_allclose(paths.log2_pace[..., 0], np.log2(draws.pace_asara))
    assert {"lambda", "parallel", "labour_share", "labour_share_asara", "epsilon", "pace_asara"} <= set(draws)


@settings(deadline=None, max_examples=5)
@given(st.sampled_from(sie.view_names()))
def test_what_follows_is_the_same_for_arrays_and_for_labelled_draws(name):
    view = sie.read_view(name)
    draws = prior(view, draws=400, seed=3)
    columns = {str(key): value.values.ravel() for key, value in draws.items()}
    for key, value in at_asara(columns, view).items():
        np.testing.assert_array_equal(value, draws[key].values.ravel(), err_msg=key)


@pytest.mark.parametrize("name", sie.view_names())
def test_cobb_douglas_views_are_as_they_were(name):
    """At sigma 1 the share stays, the stated speed-up is the pace over the recent one, and lambda is p / e(0)."""
    view = sie.read_view(name)
    if view["sigma"].prior != sie.fixed(1):
        return
    draws = prior(view, draws=400, seed=1)
    own = 1 if view["recent_pace"].unit == LABOUR_PACE else draws.conversion
    np.testing.assert_array_equal(draws.pace_asara, draws.recent_pace * own * draws.speedup)
    np.testing.assert_array_equal(draws.labour_share_asara, draws.labour_share)
    returns = draws.labour_share + (1 - draws.labour_share) * draws.experiment_gain / draws.conversion
    np.testing.assert_allclose(draws["lambda"], draws.parallel / returns, rtol=1e-15)
