"""A shortest doubling time is min(v, 1 / time) along the whole path: against brute force, and nothing where it does not bind."""

import math

import numpy as np
import pytest
import xarray as xr
from clocked_paths import log2_gains
from hypothesis import given, settings
from hypothesis import strategies as st
from test_clocks import EDGE, by_brute_force, random_pairs
from trajectories import draws_of

import sie
from sie.growth.events import EVENTS
from sie.growth.paths import laws
from sie.growth.trajectory import follow
from sie.inference.prior_draws import prior

POINTS = 400_001
"""Points of an integral by brute force, up to nearly the ceiling."""

CELL = 2e-3
"""Relative error of a time that begins or ends within a cell, whose pace is a line between its nodes."""

DECADES = 100.0
"""Years up to which levels are compared: no event looks further."""

FAR = 300.0
"""Doublings up to which a path without a ceiling is integrated."""


def random_laws(seed, size, **changes):
    rng = np.random.default_rng(seed)
    return draws_of(
        np.exp(rng.uniform(np.log(0.5), np.log(3.6), size)),
        np.exp(rng.uniform(np.log(0.15), np.log(0.6), size)),
        np.where(rng.random(size) < 0.5, rng.uniform(20, 150, size), math.inf),
        speedup=np.exp(rng.uniform(0, np.log(32), size)),
        labour_share_asara=np.where(rng.random(size) < 0.5, 1.0, rng.uniform(0.3, 1, size)),
        sigma=rng.uniform(0.5, 1.6, size),
        **changes,
    )


def integrated(draws):
    """(levels, years, log2 pace) of each law along its path, by the trapezoidal rule on the closed form of the pace."""
    for law, start, shortest in zip(
        laws(draws), draws.pace_asara.values.ravel(), draws.shortest_doubling.values.ravel(), strict=True
    ):
        x = np.linspace(0, min(law["doublings_left"] * 0.95, FAR), POINTS)
        free = np.log2(start) + log2_gains(np.array([law]), x[None])[0]
        pace = np.minimum(free, -np.log2(shortest))
        slow = 2.0**-pace
        yield x, np.concatenate([[0.0], np.cumsum((slow[1:] + slow[:-1]) / 2 * np.diff(x))]), pace


@pytest.mark.slow
def test_levels_times_windows_and_peaks_are_those_of_brute_force():
    rng = np.random.default_rng(3)
    size = 40
    draws = random_laws(3, size, shortest_doubling=np.exp(rng.uniform(np.log(0.002), np.log(0.5), size)))
    paths = sie.simulate(draws)
    recent = draws.recent_doublings_per_year.values.ravel()
    gains = rng.uniform(3, 19, size)
    shortest = sie.shortest_years(paths, gains[None]).ravel()
    held = 0
    for i, (x, years, pace) in enumerate(integrated(draws)):
        one = paths.isel(draw=slice(i, i + 1))
        levels = np.quantile(x[years < DECADES], [0.1, 0.3, 0.6, 0.9])
        wanted = np.interp(levels, x, years)
        np.testing.assert_allclose(sie.years_at(one, levels).ravel(), wanted, rtol=5e-4, atol=1e-5)
        np.testing.assert_allclose(sie.doublings_by(one, wanted).ravel(), levels, rtol=2e-3)
        assert one.peak_log2_pace.item() == pytest.approx(pace.max(), abs=2e-3)
        step = round(gains[i] / (x[1] - x[0]))
        assert shortest[i] == pytest.approx(np.min(years[step:] - years[:-step]), rel=1e-3)
        ahead = x - recent[i] * years
        if ahead.argmax() < POINTS - 1:
            assert one.most_ahead.item() == pytest.approx(ahead.max(), rel=1e-3, abs=1e-3)
        held += np.any(pace == pace.max()) and np.ptp(pace) > 0
    assert held > size / 2


@pytest.mark.slow
def test_events_under_a_boost_and_a_pause_are_those_of_brute_force():
    """The limit acts last: on the pace that the law, a factor of calendar time and a pause leave."""
    size = 1000
    draws, acting = random_pairs(11, size)
    acting["cap_first"] = np.zeros(size, dtype=bool)
    brute, pause_at = by_brute_force(draws, acting)
    knots, factors, constant = acting["clock"]
    limit = np.where(np.isinf(acting["cap"]), 0.0, 2.0 ** -acting["cap"])
    paths = sie.simulate(draws.assign(shortest_doubling=(("chain", "draw"), limit[None])))
    paths = sie.on_clock(paths, (knots, factors[None], constant[None]))
    paths = sie.paused(paths, doublings=pause_at[None], years=acting["pause_years"][None])
    judged, wrong = 0, []
    for name in ("years_3_in_1y", "years_3_in_4m", "ooms_5_in_1y", "half_year_beats_three"):
        gains, at = EVENTS[name].gain(paths).ravel(), EVENTS[name].years
        found, right = sie.shortest_years(paths, gains[None]).ravel(), brute.shortest(gains)
        clear = (np.abs(np.log(np.maximum(right, 1e-9) / at)) > EDGE) & ((right <= at) | ~brute.rises)
        judged += int(clear.sum())
        wrong += [(name, int(i)) for i in np.flatnonzero(clear & ((found <= at) != (right <= at)))]
    assert judged > 3 * size
    assert wrong == []
    for at in (
        np.log2(5 * draws.recent_doublings_per_year.values.ravel()),
        np.log2(2 * paths.pace_asara.values.ravel()),
    ):
        clear = (np.abs(brute.peak - at) > EDGE) & ((brute.peak >= at) | ~brute.rises)
        np.testing.assert_array_equal(
            (paths.peak_log2_pace.values.ravel() >= at)[clear], (brute.peak >= at)[clear]
        )


def test_without_a_ceiling_nothing_is_infinite_in_finite_time():
    """r of 3: a singularity without the limit; with it, levels far beyond the nodes come at an even pace."""
    free, held = (sie.simulate(draws_of(3.0, 0.5, math.inf, shortest_doubling=s)) for s in (0.0, 0.01))
    assert math.isfinite(free.end_years.item())
    assert held.end_years.item() == math.inf
    assert held.peak_log2_pace.item() == pytest.approx(math.log2(100))
    early, late, later = sie.years_at(held, np.array([50.0, 1e5, 1e6])).ravel()
    assert later - late == pytest.approx(9e3, rel=1e-9)
    assert late - early == pytest.approx((1e5 - 50) / 100, rel=1e-9)
    assert sie.shortest_years(held, np.full((1, 1), 700.0)).item() == pytest.approx(7.0, rel=1e-9)


def test_a_limit_below_the_start_holds_from_asara_until_the_law_is_slower():
    """Without a ceiling and with r of 1/2 the pace falls by 2^(-p x): it meets the limit where 32 2^(-p x) = 20."""
    paths = sie.simulate(draws_of(0.5, 0.4, math.inf, shortest_doubling=0.05))
    cross = math.log2(32 / 20) / 0.4
    assert paths.pace_asara.item() == 20
    level = cross + 3.0
    beyond = (2 ** (0.4 * 3.0) - 1) / (20 * 0.4 * math.log(2))
    assert sie.years_at(paths, np.array([cross, level])).ravel() == pytest.approx(
        [cross / 20, cross / 20 + beyond], rel=1e-5
    )


@pytest.mark.slow
def test_none_changes_nothing_bit_for_bit():
    draws = random_laws(1, 300)
    plain, zero = sie.simulate(draws), sie.simulate(draws.assign(shortest_doubling=0 * draws.r_asara))
    xr.testing.assert_equal(zero.drop_vars("shortest_doubling"), plain)
    for events in (sie.credences, lambda paths: sie.stream([paths])):
        if events is sie.credences:
            xr.testing.assert_identical(events(zero), events(plain))
    xr.testing.assert_identical(
        sie.stream([draws.assign(shortest_doubling=0 * draws.r_asara)]), sie.stream([draws])
    )


def test_draws_that_the_limit_does_not_reach_are_as_without_it():
    draws = random_laws(2, 300)
    free = sie.simulate(draws)
    above = free.peak_log2_pace > 7
    held = sie.simulate(draws.assign(shortest_doubling=0 * draws.r_asara + 2.0**-7))
    assert 20 < int(above.sum()) < 280
    for name in ("years", "log2_pace", "end_years", "peak_log2_pace", "most_ahead"):
        xr.testing.assert_equal(held[name].where(~above), free[name].where(~above))
    assert bool((held.peak_log2_pace <= 7).all())


@pytest.mark.parametrize("retraining", ["none", "slower"])
def test_credences_of_stored_paths_and_of_a_stream_agree(retraining):
    rng = np.random.default_rng(4)
    limit = np.where(rng.random(400) < 0.3, 0.0, np.exp(rng.uniform(np.log(0.003), np.log(0.3), 400)))
    draws = random_laws(4, 400, shortest_doubling=limit)
    table = sie.credences(sie.simulate(draws, retraining=retraining))
    np.testing.assert_array_equal(table.p, sie.stream([draws], retraining=retraining).p)


def test_pace_doubles_is_counted_from_the_pace_that_the_limit_leaves():
    for limit, doubles in ((0.0, 1), (1 / 70, 1), (1 / 60, 0), (1 / 30, 0)):
        paths = sie.simulate(draws_of(3.0, 0.5, 100.0, shortest_doubling=limit))
        assert sie.credences(paths, events="pace_doubles").p.item() == doubles


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(st.floats(0.5, 3), st.floats(0.001, 1), st.booleans(), st.floats(0.001, 1))
def test_limits_that_fall_slow_every_path(r, limit, ceiling, part):
    left = 60.0 if ceiling else math.inf
    slow, fast = (sie.simulate(draws_of(r, 0.4, left, shortest_doubling=s)) for s in (limit, limit * part))
    levels = np.linspace(0, 50, 26)
    assert np.all(sie.years_at(slow, levels) >= sie.years_at(fast, levels) * (1 - 1e-9))
    assert np.all(np.diff(sie.years_at(slow, levels)) >= 2 * limit * (1 - CELL))


def test_a_cap_by_hand_and_the_limit_are_the_same_and_together_the_lower():
    draws = random_laws(6, 100)
    for seconds in (0.02, 0.2):
        limited = sie.simulate(draws.assign(shortest_doubling=0 * draws.r_asara + 0.05))
        both = sie.capped(limited, log2_pace=-math.log2(seconds))
        by_hand = sie.capped(sie.simulate(draws), log2_pace=-math.log2(max(seconds, 0.05)))
        gains = np.full((1, 100), 7.0)
        np.testing.assert_allclose(
            sie.shortest_years(both, gains), sie.shortest_years(by_hand, gains), rtol=CELL
        )
        np.testing.assert_allclose(both.peak_log2_pace, by_hand.peak_log2_pace, rtol=1e-12)


@pytest.mark.slow
def test_a_view_with_a_limit_has_fewer_explosions():
    view = sie.read_view("davidson_houlden_2025")
    slower = view.replace(shortest_doubling=sie.lognormal(0.01, 0.1))
    plain, held = (sie.credences(sie.simulate(prior(of, draws=4000, seed=1))) for of in (view, slower))
    assert held.p.sel(event="years_10_in_4m") < plain.p.sel(event="years_10_in_4m") / 2
    assert held.p.sel(event="r_above_1") == plain.p.sel(event="r_above_1")


def test_the_command_line_says_where_the_pace_is_held(command):
    told = ("--r", 1.5, "--shortest-doubling", 0.02)
    path = follow(r=1.5, ceiling=88.0, parallel=0.3, speedup=8.0, recent_pace=4.0, shortest_doubling=0.02)
    assert path.pace(20.0) == 50
    assert path.pace(0.0) == 32
    assert " 50 " in command("grow", *told)[1]
    said = command("explain", *told)[1]
    assert (
        "A doubling of software takes at least 0.24 months: from 7.03 doublings to 47.1 doublings the pace is held at 50"
        in said
    )
    assert "no singularity" in command("grow", "--r", 3, "--ceiling", "inf", "--shortest-doubling", 0.01)[1]
    assert (
        "--shortest-doubling changes nothing here: it acts with a pace above"
        in command("grow", "--shortest-doubling", 1e-4)[1]
    )
    code, out, err = command("grow", "--shortest-doubling", -1)
    assert (code, out, err) == (2, "", "--shortest-doubling: found -1.0, want a number of at least 0\n")
