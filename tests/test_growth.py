"""Growth against its closed forms, against quadrature and against itself on finer grids."""

import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from trajectories import draws_of

import sie
from sie.growth import law as growth
from sie.growth.paths import NODES, laws
from sie.growth.readings import levels

few = settings(max_examples=30)

FAR = 1e7
"""A ceiling so far, in doublings, that returns stay constant over any path that matters."""

FINE = 2**13 + 1
"""Nodes below a far ceiling that leave a doubling to the first cell."""

R = st.floats(0.01, 100)
PARALLEL = st.floats(0.01, 2)
LEFT = st.floats(0.5, 10000)


def law_of(r, parallel, left):
    """The growth law of one path."""
    return laws(draws_of(r, parallel, left))[0]


def pace_slope(x, r, parallel, left):
    return growth.pace_slope(x, law_of(r, parallel, left))


def log2_pace_gain(x, r, parallel, left):
    return growth.log2_pace_gain(x, law_of(r, parallel, left))


def returns_at(x, r, left):
    return growth.returns_at(x, law_of(r, 0.3, left))


def path_of(r, parallel, left, *, pace=32.0, nodes=NODES):
    """(years, log2_pace) of one path."""
    paths = sie.simulate(draws_of(r, parallel, left, speedup=pace, recent=1.0), nodes=nodes)
    return paths.years.values[0, 0], paths.log2_pace.values[0, 0]


def years_to(x, r, parallel, left, *, pace=32.0):
    """Time to gain x doublings, by adaptive quadrature of the law."""
    law = law_of(r, parallel, left)
    integral = quad(lambda s: 2 ** -growth.log2_pace_gain(s, law), 0, x, epsrel=1e-10, epsabs=0, limit=500)
    return integral[0] / pace


@pytest.mark.slow
@few
@given(r=st.floats(0.1, 20), parallel=PARALLEL, left=st.floats(0.5, 500), part=st.floats(0.01, 0.98))
def test_the_gain_in_pace_is_the_integral_of_its_slope(r, parallel, left, part):
    integral, _ = quad(pace_slope, 0, part * left, args=(r, parallel, left), epsrel=1e-10, limit=200)
    assert log2_pace_gain(part * left, r, parallel, left) == pytest.approx(integral, rel=1e-7, abs=1e-9)


@given(r=R, parallel=PARALLEL, left=LEFT, part=st.floats(0, 0.99))
def test_the_pace_rises_iff_returns_are_above_1(r, parallel, left, part):
    x = part * left
    returns = returns_at(x, r, left)
    if abs(returns - 1) > 0.02:
        assert (pace_slope(x, r, parallel, left) > 0) == (returns > 1)


@given(r=R, parallel=PARALLEL, left=LEFT)
def test_growth_ends_at_the_ceiling(r, parallel, left):
    for x in (left, 2 * left):
        assert pace_slope(x, r, parallel, left) == -math.inf
        assert log2_pace_gain(x, r, parallel, left) == -math.inf
        assert returns_at(x, r, left) == 0


def test_returns_fall_by_the_same_amount_with_every_doubling():
    levels = [returns_at(x, 1.7, 10.0) for x in range(11)]
    np.testing.assert_allclose(np.diff(levels), -0.17)


@pytest.mark.parametrize("r", [0.5, 0.8, 1.25, 3.0])
@pytest.mark.parametrize("parallel", [0.3, 1.0])
def test_with_constant_returns_doubling_times_form_a_geometric_series(r, parallel):
    paths = sie.simulate(draws_of(r, parallel, FAR, speedup=32.0, recent=1.0), nodes=FINE)
    doubling_times = np.diff(sie.years_at(paths, np.arange(12.0)).ravel())
    np.testing.assert_allclose(
        doubling_times[1:] / doubling_times[:-1], 2 ** (parallel * (1 / r - 1)), rtol=1e-4
    )


@pytest.mark.parametrize(("r", "ratio"), [(0.5, 2.0), (2.0, 2**-0.5)])
def test_doubling_times_change_by_the_ratio_of_the_papers(r, ratio):
    first, second = (years_to(n, r, 1.0, FAR) for n in (1, 2))
    assert (second - first) / first == pytest.approx(ratio, rel=1e-6)


@pytest.mark.parametrize("r", [1.1, 1.5, 3.0])
@pytest.mark.parametrize("parallel", [0.3, 1.0])
def test_returns_above_1_reach_every_level_in_finite_time(r, parallel):
    paths = sie.simulate(draws_of(r, parallel, FAR, speedup=32.0, recent=1.0), nodes=FINE)
    limit = 1 / (32 * math.log(2) * parallel * (1 - 1 / r))
    assert sie.years_at(paths, np.array([FAR / 1000])).item() == pytest.approx(limit, rel=1e-3)


@pytest.mark.parametrize("parallel", [0.3, 1.0])
def test_returns_of_1_give_a_constant_pace(parallel):
    paths, x = (
        sie.simulate(draws_of(1.0, parallel, FAR, speedup=32.0, recent=1.0), nodes=FINE),
        np.arange(0, 76.0),
    )
    np.testing.assert_allclose(sie.years_at(paths, x).ravel(), x / 32, rtol=1e-3)
    np.testing.assert_allclose(paths.log2_pace.values[0, 0, levels(paths)[0, 0] < 76], 5, atol=1e-2)


CASES = [(0.4, 0.3), (0.8, 0.6), (1.2, 0.3), (1.7, 0.6), (3.6, 0.15)]


@pytest.mark.parametrize("left", [20.0, 60.0, 130.0])
@pytest.mark.parametrize(("r", "parallel"), CASES)
@pytest.mark.parametrize(("part", "error"), [(0.5, 1e-4), (0.9, 1e-3)])
def test_years_to_a_level_within_a_century_agree_with_quadrature(r, parallel, left, part, error):
    years, _ = path_of(r, parallel, left)
    nodes = [node for node in range(4, int(part * NODES), 8) if years[node] < 100]
    exact = [years_to(node * left / (NODES - 1), r, parallel, left) for node in nodes]
    np.testing.assert_allclose(years[nodes], exact, rtol=error)


@pytest.mark.parametrize(("r", "parallel"), CASES)
def test_the_error_of_a_time_falls_with_the_fourth_power_of_the_nodes(r, parallel):
    exact = years_to(30.0, r, parallel, 60.0)
    errors = [
        path_of(r, parallel, 60.0, nodes=nodes)[0][(nodes - 1) // 2] / exact - 1 for nodes in (65, 129, 257)
    ]
    order = np.polyfit(np.log([1 / 64, 1 / 128, 1 / 256]), np.log(np.abs(errors)), 1)[0]
    assert order == pytest.approx(4, abs=0.3)


@pytest.mark.parametrize("b", [0.2, 0.5, 0.8])
def test_a_ceiling_that_slows_growth_little_is_reached_in_finite_time(b):
    left, r = 2.0, 1.0
    parallel = b * r / (left * math.log(2))
    years, _ = path_of(r, parallel, left)
    integral, _ = quad(lambda x: 2 ** (-parallel * x) * left**b, 0, left, weight="alg", wvar=(0, -b))
    assert years[-1] == pytest.approx(integral / 32, rel=1e-2)


def test_a_ceiling_that_slows_growth_much_is_never_reached():
    years, log2_pace = path_of(1.2, 0.3, 60.0)
    assert years[-1] == math.inf
    assert np.all(np.isfinite(years[:-1]))
    assert log2_pace[-1] == -math.inf


@given(r=R, parallel=PARALLEL, left=LEFT, pace=st.floats(0.1, 1000))
@example(r=5.0, parallel=2.0, left=10000.0, pace=1.0)
@example(r=0.01, parallel=2.0, left=10000.0, pace=1.0)
@example(r=100.0, parallel=2.0, left=10000.0, pace=1.0)
@example(r=1.0, parallel=1.0, left=10.0, pace=1.0)
def test_time_never_runs_backwards(r, parallel, left, pace):
    years, log2_pace = path_of(r, parallel, left, pace=pace)
    assert not np.isnan(years).any()
    assert not np.isnan(log2_pace).any()
    assert years[0] == 0
    assert np.all(years[1:] >= years[:-1])


@given(r=st.floats(0.2, 5), parallel=st.floats(0.1, 1), left=st.floats(5, 100))
def test_time_passes_between_any_two_levels(r, parallel, left):
    years, _ = path_of(r, parallel, left)
    finite = years[np.isfinite(years)]
    assert np.all(np.diff(finite) > 0)


@few
@given(r=st.floats(0.2, 5), parallel=st.floats(0.1, 1), left=st.floats(5, 100))
def test_a_higher_r_is_never_slower(r, parallel, left):
    slow, _ = path_of(r, parallel, left)
    fast, _ = path_of(1.1 * r, parallel, left)
    assert np.all(fast[:-1] <= slow[:-1] * (1 + 1e-12))


def test_twice_the_pace_takes_half_the_time():
    slow, fast = path_of(1.2, 0.3, 60.0, pace=8.0)[0], path_of(1.2, 0.3, 60.0, pace=16.0)[0]
    np.testing.assert_allclose(slow[:-1], 2 * fast[:-1], rtol=1e-12)


def test_simulate_starts_each_path_at_its_pace():
    paths = sie.simulate(draws_of([0.8, 1.2], 0.3, [40.0, 60.0], speedup=[2.0, 8.0], recent=[3.0, 4.0]))
    np.testing.assert_allclose(2 ** paths.log2_pace.isel(doubling=0), [[6, 32]])
    assert paths.years.dims == ("chain", "draw", "doubling")
    assert paths.sizes == {"chain": 1, "draw": 2, "doubling": NODES}
    np.testing.assert_array_equal(paths.years.isel(chain=0, draw=1), path_of(1.2, 0.3, 60.0)[0])


def test_simulate_broadcasts_a_single_value_over_the_draws():
    draws = draws_of(np.linspace(0.5, 3, 200), 0.3, 60.0)
    xr.testing.assert_equal(sie.simulate(draws.assign(parallel=0.3)).years, sie.simulate(draws).years)


def test_simulate_does_not_depend_on_the_order_of_dims():
    draws = draws_of(np.linspace(0.5, 3, 20), np.linspace(0.2, 0.6, 20), 60.0)
    draws = xr.concat([draws, draws.isel(draw=slice(None, None, -1))], "chain")
    mixed = draws.assign(parallel=draws.parallel.transpose("draw", "chain"))
    xr.testing.assert_equal(sie.simulate(mixed).years, sie.simulate(draws).years)


@few
@given(r=st.floats(0.3, 4), parallel=st.floats(0.1, 0.8), left=st.floats(5, 100))
def test_doublings_by_a_time_invert_the_time_to_a_level(r, parallel, left):
    paths = sie.simulate(draws_of(r, parallel, left))
    years = paths.years.values.ravel()[:-1]
    np.testing.assert_allclose(
        sie.doublings_by(paths, years).ravel(), paths.doubling.values[:-1] * left, rtol=1e-6, atol=1e-9
    )


@few
@given(r=st.floats(0.3, 4), parallel=st.floats(0.1, 0.8), left=st.floats(5, 100), part=st.floats(0.01, 0.98))
def test_doublings_by_a_time_invert_it_between_nodes(r, parallel, left, part):
    paths = sie.simulate(draws_of(r, parallel, left))
    at = sie.years_at(paths, np.array([part * left])).ravel()
    assert sie.doublings_by(paths, at).item() == pytest.approx(part * left, rel=1e-6)


def test_nothing_is_gained_at_once_and_the_ceiling_is_never_passed():
    paths = sie.simulate(draws_of([0.4, 1.2, 3.6], 0.3, [20.0, 60.0, 130.0]))
    levels = sie.doublings_by(paths, np.array([0.0, 1e-3, 1.0, 1e3, 1e9, 1e300]))
    assert levels.shape == (1, 3, 6)
    assert np.all(levels[..., 0] == 0)
    assert np.all(np.diff(levels, axis=-1) >= 0)
    assert np.all(levels <= paths.doublings_left.values[..., None])


@pytest.mark.parametrize("left", [30.0, 90.0])
@pytest.mark.parametrize(("r", "parallel"), CASES)
@pytest.mark.parametrize("gain", [5.0, 24.0])
def test_the_shortest_time_is_the_least_over_all_windows(r, parallel, left, gain):
    x = np.linspace(0, left, 60001)[:-1]
    law = law_of(r, parallel, left)
    slowness = np.array([2 ** -growth.log2_pace_gain(at, law) for at in x]) / 32
    years = np.concatenate([[0], np.cumsum((slowness[1:] + slowness[:-1]) / 2 * np.diff(x))])
    starts = x[x + gain <= x[-1]]
    brute = np.min(np.interp(starts + gain, x, years) - years[: len(starts)])
    found = sie.shortest_years(sie.simulate(draws_of(r, parallel, left)), np.array([[gain]])).item()
    assert found == pytest.approx(brute, rel=2e-3)


def test_a_gain_beyond_the_ceiling_takes_for_ever():
    paths = sie.simulate(draws_of(2.0, 0.3, [23.9, 24.1, 60.0]))
    shortest = sie.shortest_years(paths, np.full((1, 3), 24.0))
    assert shortest[0, 0] == math.inf
    assert np.isfinite(shortest[0, 2])


@few
@given(r=R, parallel=PARALLEL, left=st.floats(0.5, 500), gain=st.floats(0.1, 400))
def test_the_shortest_time_is_a_time(r, parallel, left, gain):
    shortest = sie.shortest_years(sie.simulate(draws_of(r, parallel, left)), np.array([[gain]])).item()
    assert shortest >= 0
    if gain > left:
        assert shortest == math.inf


@few
@given(r=st.floats(0.3, 4), parallel=st.floats(0.1, 0.8), left=st.floats(30, 100))
def test_more_takes_longer(r, parallel, left):
    paths = sie.simulate(draws_of(np.full(4, r), parallel, left))
    shortest = sie.shortest_years(paths, np.array([[2.0, 8.0, 16.0, 24.0]]))
    assert np.all(np.diff(shortest) > 0)


def test_events_see_the_draws_in_their_order():
    paths = sie.simulate(draws_of([0.5, 3.0, 0.5], 0.3, 60.0))
    slow, fast, again = sie.shortest_years(paths, np.full((1, 3), 10.0))[0]
    assert slow == again > fast


@pytest.mark.parametrize("amount", [-1e9, -5.0, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("ask", ["years_at", "shortest_years"])
def test_a_level_below_zero_or_without_end_is_refused(ask, amount, refused):
    paths = sie.simulate(draws_of([0.8, 1.2], left=40.0))
    with refused(ask, f"found {amount}", "finite numbers of at least 0"):
        getattr(sie, ask)(paths, [amount] if ask == "years_at" else amount)


@pytest.mark.parametrize("years", [-1e-9, math.nan, -math.inf])
def test_a_time_before_asara_is_refused(years, refused):
    with refused("doublings_by", f"found {years}"):
        sie.doublings_by(sie.simulate(draws_of(left=40.0)), [years])


def test_levels_of_another_shape_than_the_draws_are_refused(refused):
    with refused("years_at", "shape (3, 4)"):
        sie.years_at(sie.simulate(draws_of([0.8, 1.2], left=40.0)), np.ones((3, 4)))


def test_levels_may_be_each_draws_own():
    paths, own = sie.simulate(draws_of([0.8, 1.2], left=40.0)), np.array([[[1.0, 5.0], [2.0, 9.0]]])
    found = sie.years_at(paths, own)
    for i in range(2):
        np.testing.assert_array_equal(found[0, i], sie.years_at(paths, own[0, i])[0, i])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("years", math.nan),
        ("log2_pace", math.nan),
        ("reach", -1.0),
        ("reach", math.nan),
        ("doublings_left", 0.0),
    ],
)
def test_paths_that_are_none_are_refused(name, value, refused):
    paths = sie.simulate(draws_of([0.8, 1.2], left=40.0))
    with refused(f"paths {name}", "as sie.simulate makes them"):
        sie.shortest_years(paths.assign({name: paths[name] * 0 + value}), 10.0)


def test_a_gain_below_zero_is_refused_where_paths_are_not_stored(refused):
    with refused("summaries", "found -24.0"):
        sie.stream([draws_of(left=40.0).assign(software_share=-0.5)])
