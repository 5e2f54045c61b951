"""Clocks, pauses and caps against brute force, closed forms and the public tool, with and without a ceiling."""

import math

import numpy as np
import public_tool
import pytest
import xarray as xr
from clocked_paths import BruteForce
from trajectories import draws_of

import sie
from sie.growth.events import EVENTS
from sie.growth.paths import laws

EDGE = 0.02
"""Relative distance from an event's threshold within which it is not judged."""

STEPS = 8000


def random_pairs(seed, size):
    """(draws, what acts on each of them): laws with and without a ceiling, and a factor, a cap and a pause for each."""
    rng = np.random.default_rng(seed)

    def loguniform(low, high):
        return np.exp(rng.uniform(np.log(low), np.log(high), size))

    draws = draws_of(
        loguniform(0.4, 3.6),
        loguniform(0.15, 0.6),
        np.where(rng.random(size) < 0.5, rng.uniform(30, 150, size), math.inf),
        speedup=loguniform(1, 32),
        labour_share_asara=np.where(rng.random(size) < 0.5, 1.0, rng.uniform(0.3, 1, size)),
        sigma=rng.uniform(0.5, 1.6, size),
    )
    knots = np.concatenate([[0.0], np.sort(rng.uniform(0.3, 8, 3))])
    factors = np.concatenate([rng.uniform(-4, 0, (size, 1)), rng.uniform(-2, 4, (size, 3))], axis=1)
    factors *= rng.random(size)[:, None] < 0.6
    constant = np.where(rng.random(size) < 0.4, loguniform(0.03, 0.5), 0.0)
    cap = np.where(rng.random(size) < 0.5, np.log2(loguniform(5, 2000)), math.inf)
    left = np.minimum(draws.doublings_left.values.ravel(), 100)
    return draws, {
        "clock": (knots, factors, constant),
        "cap": cap,
        "cap_first": rng.random(size) < 0.5,
        "pause_at": rng.uniform(0, 0.9, size) * left,
        "pause_years": np.where(rng.random(size) < 0.6, loguniform(0.02, 3), 0.0),
    }


def clocked(draws, acting):
    """The paths under what acts on each of them."""
    (knots, factors, constant), cap, first = acting["clock"], acting["cap"], acting["cap_first"]
    paths = sie.simulate(draws)
    paths = sie.capped(paths, log2_pace=np.where(first, cap, math.inf)[None])
    paths = sie.on_clock(paths, (knots, factors[None], constant[None]))
    return sie.capped(paths, log2_pace=np.where(first, math.inf, cap)[None])


def by_brute_force(draws, acting):
    (knots, factors, constant), left = acting["clock"], draws.doublings_left.values.ravel()
    slopes = np.diff(factors, axis=1) / np.diff(knots)

    def factor(t):
        line = factors[:, 0] + sum(
            slope * np.clip(t - begin, 0, end - begin)
            for slope, begin, end in zip(slopes.T, knots, knots[1:], strict=False)
        )
        return np.log2(constant + np.exp2(line))

    reach = np.where(np.isinf(left), 600.0, left * (1 - 1e-9))
    step = np.round(acting["pause_at"] / reach * STEPS).astype(int)
    start = np.log2(draws.pace_asara.values).ravel()
    brute = BruteForce(
        laws(draws),
        start,
        factor=factor,
        cap=acting["cap"],
        cap_first=acting["cap_first"],
        pause_step=step,
        pause_years=acting["pause_years"],
        steps=STEPS,
    )
    return brute, step * reach / STEPS


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_every_event_on_clocked_paths_is_that_of_brute_force(seed):
    """2,000 pairs of a law and clocks in all."""
    size = 1000
    draws, acting = random_pairs(seed, size)
    brute, pause_at = by_brute_force(draws, acting)
    paths = clocked(draws, acting)
    paths = sie.paused(paths, doublings=pause_at[None], years=acting["pause_years"][None])
    recent = draws.recent_doublings_per_year.values.ravel()
    judged, wrong = 0, []
    for name, event in EVENTS.items():
        if event.gain is not None:
            gains = event.gain(paths).ravel()
            found, right, at = (
                sie.shortest_years(paths, gains[None]).ravel(),
                brute.shortest(gains),
                event.years,
            )
            ours, truth = found <= at, right <= at
            clear = np.abs(np.log(np.maximum(right, 1e-9) / at)) > EDGE
            np.testing.assert_array_equal(np.isnan(found), False)
        elif name == "gain_500x":
            at = math.log2(500) * draws.conversion.values.ravel()
            right = brute.ahead(recent)
            ours, truth = event.happens(paths).ravel(), (right >= at) & (draws.r_asara.values.ravel() > 1)
            clear = (np.abs(right / at - 1) > EDGE) & ~((brute.last > np.log2(recent)) & (right < at))
        elif name in ("pace_doubles", "pace_above_5x"):
            at = (
                np.log2(5 * recent)
                if name == "pace_above_5x"
                else np.log2(2 * draws.pace_asara.values.ravel())
            )
            ours, truth = event.happens(paths).ravel(), brute.peak >= at
            clear = np.abs(brute.peak - at) > EDGE
        else:
            continue
        clear &= truth | ~brute.rises
        judged += int(clear.sum())
        wrong += [(name, int(i)) for i in np.flatnonzero(clear & (ours != truth))]
    print(f"{judged} events judged, {len(wrong)} wrong {wrong[:5]}")
    assert judged > 8 * size
    assert wrong == []


def davidson_houlden(draws, seed=1):
    """(prior draws of their view, the public tool's numbers of each)."""
    found = sie.prior(sie.read_view("davidson_houlden_2025"), draws=draws, seed=seed)
    return found, [
        found[name].values.ravel() for name in ("r_asara", "parallel", "doublings_left", "speedup")
    ]


PUBLISHED = (0.387, 0.251, 0.097, 0.059)
"""The public tool's own table with its gradual boost, from 2,000 simulations, in the order of its events."""


def of_the_tool(paths):
    """Whether each of the tool's events happens, (event, draw)."""
    return np.array(
        [
            (sie.shortest_years(paths, np.full(paths.reach.shape, float(gain))) < years).ravel()
            for gain, years in public_tool.EVENTS
        ]
    )


def boosted(draws):
    paths = sie.simulate(draws)
    f = (paths.pace_asara / paths.recent_doublings_per_year).values
    return sie.on_clock(paths, sie.gradual_boost(start=0.1, end=f, years=5.0, speedup=f))


@pytest.mark.slow
def test_the_public_tools_table_with_its_gradual_boost_comes_back():
    draws, _ = davidson_houlden(2000)
    p = of_the_tool(boosted(draws)).mean(axis=1)
    print(p.round(3))
    published = np.array(PUBLISHED)
    error = np.sqrt(2 * published * (1 - published) / 2000)
    assert np.all(np.abs(p - published) < 3 * error)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["boost", "retraining"])
def test_the_public_tools_own_trajectories_tell_the_same_events(kind):
    """Its steps of a doubling are coarse: the same steps, finer, agree but for a few draws at the edge."""
    draws, numbers = davidson_houlden(4000, seed=2)
    paths = boosted(draws) if kind == "boost" else sie.simulate(draws, retraining="tool")
    found = public_tool.times(*numbers, gradual=kind == "boost", retraining=kind == "retraining", parts=64)
    told = np.array([public_tool.happened(found, *event, parts=64) for event in public_tool.EVENTS])
    apart = np.mean(told != of_the_tool(paths), axis=1)
    print(kind, told.mean(axis=1).round(4), of_the_tool(paths).mean(axis=1).round(4), apart)
    assert np.all(apart < 0.005)


@pytest.mark.slow
def test_trajectories_with_the_public_tools_retraining_are_its_own():
    r, p, left, f = np.array([[0.6, 1.2, 2.5], [0.5, 0.3, 0.6], [60.0, 88.0, 120.0], [2.0, 8.0, 32.0]])
    found = public_tool.times(r, p, left, f, retraining=True, parts=512, horizon=50.0)
    paths = sie.simulate(draws_of(r, p, left, speedup=f), retraining="tool")
    levels = np.arange(1.0, 41.0)
    for i, years in enumerate(found[:, 512 : 41 * 512 : 512]):
        done = np.isfinite(years)
        assert done.sum() > 15
        np.testing.assert_allclose(sie.years_at(paths, levels)[0, i][done], years[done], rtol=3e-3)


@pytest.mark.parametrize("case", [{"r": 5.0, "parallel": 1.5}, {"r": -0.5, "parallel": 0.8}, {"r": 2.0, "parallel": 0.8, "labour_share_asara": 0.4, "sigma": 5.0}])  # fmt: skip
def test_the_public_tools_retraining_is_refused_where_it_divides_by_nothing(case, refused):
    with refused("retraining tool", "1 of 1 laws", "|1 - k|"):
        sie.simulate(draws_of(**case), retraining="tool")


@pytest.mark.slow
def test_a_cap_that_never_binds_changes_nothing_even_where_a_path_ends_in_many_infinite_times():
    r, left = np.linspace(0.4, 3.6, 400), np.linspace(30, 40000, 400)
    paths = sie.simulate(draws_of(r, 0.3, left, speedup=4.0))
    assert np.isinf(paths.years.values).sum(axis=-1).max() > 3
    capped = sie.capped(paths, log2_pace=1e4)
    assert not any(
        np.isnan(capped[name].values).any() for name in ("years", "log2_pace", "most_ahead", "end_years")
    )
    for name in ("years", "end_years", "peak_log2_pace"):
        np.testing.assert_array_equal(capped[name], paths[name])
    xr.testing.assert_equal(sie.credences(capped), sie.credences(paths))


def test_a_window_may_begin_or_end_at_a_pause():
    """Half of 24 doublings lie before the pause, and there is as much room behind it: no window has to wait."""
    paths = sie.simulate(draws_of(1.2, 0.3, 88.0, speedup=16.0))
    paused = sie.paused(paths, doublings=12.0, years=1.0)
    x = np.linspace(0, 64, 64001)
    t = sie.years_at(paths, x).ravel()
    own = np.array([t[i + 24000] - t[i] for i in range(40000)])
    begins = np.array([t[i + 24000] - t[i] for i in range(12000, 40000)])
    assert sie.shortest_years(paths, 24.0).item() == pytest.approx(own.min(), rel=1e-5)
    assert sie.shortest_years(paused, 24.0).item() == pytest.approx(begins.min(), rel=1e-5)
    short = sie.paused(sie.simulate(draws_of(0.5, 0.3, 88.0, speedup=16.0)), doublings=12.0, years=1.0)
    assert sie.shortest_years(short, 12.0).item() == pytest.approx(
        sie.years_at(short, [12.0]).item(), rel=1e-9
    )


def test_clocks_hold_beyond_the_nodes_of_a_path_without_a_ceiling():
    """r = 0.7 without a ceiling: 2^(-k x) falls for ever, and hardware that doubles makes up for it."""
    r, p, x, g = 0.7, 0.3, np.array([10.0, 100.0, 400.0, 3000.0]), 0.5
    k = p * (1 - 1 / r)
    tau = (2 ** (-k * x) - 1) / (-k * math.log(2)) / 32
    paths = sie.simulate(draws_of(r, p))
    assert paths.reach.item() < 100
    grown = sie.on_clock(paths, sie.hardware_growth(parallel=g, doublings_per_year=1.0))
    np.testing.assert_allclose(
        sie.years_at(grown, x).ravel(), np.log2(1 + g * math.log(2) * tau) / g, rtol=1e-9
    )
    np.testing.assert_allclose(sie.doublings_by(grown, sie.years_at(grown, x).ravel()).ravel(), x, rtol=1e-9)
    paused = sie.paused(paths, doublings=100.0, years=7.0)
    np.testing.assert_allclose(sie.years_at(paused, x).ravel(), tau + 7.0 * (x > 100), rtol=1e-9)
    capped = sie.capped(sie.simulate(draws_of(1.5, p)), log2_pace=math.log2(50.0))
    fast = math.log2(50 / 32) / (p * (1 - 1 / 1.5))
    before = (1 - 2 ** (-p / 3 * fast)) / (p / 3 * math.log(2)) / 32
    np.testing.assert_allclose(sie.years_at(capped, x).ravel()[1:], before + (x[1:] - fast) / 50, rtol=1e-9)
    assert sie.shortest_years(capped, 40.0).item() == pytest.approx(40 / 50, rel=1e-9)
    assert capped.end_years.item() == math.inf


def test_the_lead_over_the_trend_is_found_beyond_the_nodes_too():
    r, p, start = 0.95, 0.3, 60.0
    k, recent = p * (1 / r - 1), 4.0
    x = math.log2(start / recent) / k
    ahead = x - recent * (2 ** (k * x) - 1) / (k * math.log(2)) / start
    paths = sie.simulate(draws_of(r, p, speedup=start / recent, recent=recent))
    assert x > paths.reach.item()
    assert paths.most_ahead.item() == pytest.approx(ahead, rel=1e-9)
    assert sie.paused(paths, doublings=1.0, years=2.0).most_ahead.item() == pytest.approx(ahead - 8, rel=1e-6)


def test_what_acts_on_a_path_acts_in_the_order_in_which_it_was_applied():
    """A constant pace of 8: a pause of a year at 4 doublings, twice the pace after it, and a cap."""
    paths = sie.simulate(draws_of(1.0, 0.3, math.inf, speedup=2.0))
    twice = (np.array([0.0]), np.array([1.0]))
    late = sie.on_clock(sie.paused(paths, doublings=4.0, years=1.0), twice)
    assert sie.years_at(late, [4.0, 8.0]).ravel() == pytest.approx([0.25, 1.0])
    later = sie.paused(sie.on_clock(paths, twice), doublings=4.0, years=1.0)
    assert sie.years_at(later, [4.0, 8.0]).ravel() == pytest.approx([0.25, 1.5])
    slow = sie.capped(later, log2_pace=2.0)
    assert sie.years_at(slow, [4.0, 8.0]).ravel() == pytest.approx([1.0, 3.0])
    assert sie.years_at(sie.on_clock(slow, twice), [4.0, 8.0]).ravel() == pytest.approx([0.5, 1.5])
    assert sie.doublings_by(later, [0.25, 0.75, 1.25, 1.5]).ravel() == pytest.approx([4.0, 4.0, 4.0, 8.0])


def test_a_gradual_boost_is_one_plus_f_times_the_recent_pace():
    """r = 1: the pace is (1 + f) 4 alone, f from 0.1 to each draw's own speed-up."""
    f = np.array([2.0, 8.0, 32.0])
    paths = sie.simulate(draws_of(1.0, 0.3, math.inf, speedup=f))
    late = sie.on_clock(paths, sie.gradual_boost(start=0.1, end=f, years=5.0, speedup=f))
    rate = np.log(f / 0.1) / 5
    for t in (1.0, 4.0, 9.0):
        u = min(t, 5.0)
        x = 4 * (t + 0.1 * np.expm1(rate * u) / rate + f * (t - u))
        np.testing.assert_allclose(sie.doublings_by(late, [t]).ravel(), x, rtol=1e-9)


@pytest.mark.parametrize("left", [math.inf, 60.0])
def test_a_clocked_path_comes_back_from_a_file(left, tmp_path):
    paths = boosted(draws_of([0.7, 1.3], 0.3, left))
    paths = sie.capped(sie.paused(paths, doublings=5.0, years=0.5), log2_pace=5.5)
    paths.to_netcdf(tmp_path / "paths.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "paths.nc", engine="h5netcdf") as again:
        xr.testing.assert_equal(sie.credences(again), sie.credences(paths))
    levels = np.array([1.0, 5.0, 20.0, 50.0])
    times = sie.years_at(paths, levels)
    np.testing.assert_allclose(
        sie.doublings_by(paths, times[..., [0, 2, 3]]),
        np.broadcast_to(levels[[0, 2, 3]], (1, 2, 3)),
        rtol=1e-6,
    )


@pytest.mark.parametrize(
    ("clock", "found"),
    [
        ((np.array([0.0, 1.0]), np.array([0.0, -math.inf])), "a factor that is no number"),
        ((np.array([0.0, 1.0]), np.array([0.0, math.nan])), "a factor that is no number"),
        ((np.array([1.0, 2.0]), np.array([0.0, 1.0])), "knots that do not rise from 0"),
        ((np.array([0.0, 1.0]), np.zeros((3, 2))), "an array of shape (3, 2)"),
        ((np.array([0.0, 1.0]), np.zeros(2), -1.0), "found -1.0"),
    ],
)
def test_a_clock_that_is_none_is_refused(clock, found, refused):
    with refused("clock", found):
        sie.on_clock(sie.simulate(draws_of([1.0, 1.2], left=40.0)), clock)


@pytest.mark.parametrize("numbers", [{"doublings": -1.0, "years": 1.0}, {"doublings": 1.0, "years": math.nan}, {"doublings": math.inf, "years": 1.0}])  # fmt: skip
def test_a_pause_that_is_none_is_refused(numbers, refused):
    with refused("pause", "at least 0"):
        sie.paused(sie.simulate(draws_of(left=40.0)), **numbers)


@pytest.mark.parametrize("octaves", [-30.0, -3.0, -1e-13, 1e-13, 3.0, 30.0])
@pytest.mark.parametrize("constant", [0.0, 1e-6, 0.3, 40.0])
def test_a_factor_is_integrated_exactly_whether_it_rises_or_fades(octaves, constant):
    """r = 1 and a pace of 1: what is gained is the integral of b, in closed form."""
    paths = sie.simulate(draws_of(1.0, 0.3, math.inf, speedup=0.25))
    late = sie.on_clock(paths, (np.array([0.0, 4.0]), np.array([-2.0, octaves - 2.0]), constant))
    rate = octaves * math.log(2) / 4
    for t in (0.01, 1.0, 3.9, 4.1, 50.0):
        u = min(t, 4.0)
        grown = constant * t + 0.25 * math.expm1(rate * u) / rate + 2.0 ** (octaves - 2) * (t - u)
        assert sie.doublings_by(late, [t]).item() == pytest.approx(grown, rel=1e-8)
