"""When events happen, P(event by year), the time to so many times the software, and P(X years of progress): closed forms, brute force."""

import datetime
import json
import math

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import sie
from sie.base.stats import quantile_errors
from sie.growth.events import EVENTS
from sie.growth.readings import levels
from sie.growth.trajectory import follow

START, RECENT, P = 16.0, 4.0, 0.3


def single(r, ceiling=math.inf, **others):
    """The path of one draw without mechanisms: v = START 2^(k x), k = P (1 - 1/r)."""
    return follow(
        r=r, ceiling=ceiling, parallel=P, speedup=START / RECENT, recent_pace=RECENT, **others
    ).paths


def time_to(x, k):
    return (1 - 2 ** (-k * x)) / (START * k * math.log(2)) if k else x / START


def happened(paths, event):
    return sie.event_years(paths, events=event).item()


@pytest.mark.parametrize("r", [1.5, 3.0])
def test_a_pace_that_rises_with_software_doubles_at_its_closed_form(r):
    k = P * (1 - 1 / r)
    assert happened(single(r), "pace_doubles") == pytest.approx(time_to(1 / k, k), rel=1e-6)
    # 16 a year at ASARA against 5 times 4: a quarter more
    assert happened(single(r), "pace_above_5x") == pytest.approx(time_to(math.log2(1.25) / k, k), rel=1e-6)


@pytest.mark.parametrize("years", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("r", [0.6, 1.5])
def test_the_first_window_short_enough_ends_at_its_closed_form(r, years):
    k, gain = P * (1 - 1 / r), 6.0
    paths = single(r)
    got = happened(paths, sie.gain_within("some", doublings=gain, years=years))
    needed = time_to(gain, k)
    if r < 1:  # the first window is the shortest
        assert got == (pytest.approx(needed, rel=1e-6) if needed <= years else math.inf)
    else:
        begin = max(0.0, math.log2((1 - 2 ** (-k * gain)) / (years * START * k * math.log(2))) / k)
        assert got == pytest.approx(time_to(begin + gain, k), rel=1e-6)


def test_a_constant_pace_gains_in_its_first_window_or_never():
    paths = single(1.0)
    for years, expected in ((6.1 / START, 6 / START), (5.9 / START, math.inf)):
        got = happened(paths, sie.gain_within("some", doublings=6.0, years=years))
        assert got == pytest.approx(expected, rel=1e-9)
    assert happened(paths, "pace_doubles") == math.inf


def test_software_is_500x_ahead_of_the_trend_at_its_closed_form():
    k = P * (1 - 1 / 1.5)
    paths = single(1.5).assign(conversion=xr.ones_like(single(1.5).reach) * 2.5)
    ahead = 2.5 * math.log2(500)
    x = brentq(lambda x: x - RECENT * time_to(x, k) - ahead, 1e-6, 60)
    assert happened(paths, "gain_500x") == pytest.approx(time_to(x, k), rel=1e-5)


def test_an_event_on_r_has_happened_at_asara():
    assert [happened(single(r), "r_above_1") for r in (0.9, 1.5)] == [math.inf, 0.0]


LEVELS = 4001
"""Levels at which brute force looks."""


def by_brute_force(paths, event):
    """When a windowed event has happened on each path, every window that begins at one of LEVELS tried in order."""
    gains, found = np.ravel(event.gain(paths)), []
    for i, gain in enumerate(gains):
        one = paths.isel(chain=[i // paths.sizes["draw"]], draw=[i % paths.sizes["draw"]])
        last = min(one.doublings_left.item() - gain, one.reach.item())
        if last < 0:
            found.append(math.inf)
            continue
        begins = np.linspace(0, last, LEVELS)
        leaves, arrives = (sie.years_at(one, x)[0, 0] for x in (begins, begins + gain))
        with np.errstate(invalid="ignore"):
            short = np.flatnonzero(arrives - leaves <= event.years)
        found.append(arrives[short[0]] if short.size else math.inf)
    return np.array(found)


WORLDS = {
    "as they are": lambda paths: paths,
    "capped": lambda paths: sie.capped(paths, log2_pace=np.log2(8 * paths.recent_doublings_per_year.values)),
    "on hardware that grows": lambda paths: sie.on_clock(
        paths, sie.hardware_growth(parallel=paths.parallel.values, doublings_per_year=1.0, years=5)
    ),
}


@pytest.fixture(scope="module")
def drawn():
    """A few draws of views with ceilings and of one whose r may be anything."""
    return {
        name: sie.prior(sie.read_view(name), draws=1000, seed=2).isel(draw=slice(0, 40))
        for name in ("davidson_houlden_2025", "reference")
    }


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("view", ["davidson_houlden_2025", "reference"])
def test_the_time_of_a_windowed_event_is_that_of_the_first_window_that_brute_force_finds(drawn, view, world):
    paths = WORLDS[world](sie.simulate(drawn[view]))
    for name in ("years_3_in_1y", "years_3_in_4m", "half_year_beats_three", "ooms_5_in_1y"):
        got, expected = np.ravel(sie.event_years(paths, events=name)), by_brute_force(paths, EVENTS[name])
        both = np.isfinite(got) & np.isfinite(expected)
        # a window that only just is short enough may lie between two levels of the search
        assert (np.isfinite(got) != np.isfinite(expected)).mean() <= 0.02, name
        np.testing.assert_allclose(got[both], expected[both], rtol=0.02, atol=2e-4, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("view", ["davidson_houlden_2025", "reference"])
def test_the_time_at_which_a_pace_or_a_lead_is_reached_is_on_the_path(drawn, view, world):
    paths = WORLDS[world](sie.simulate(drawn[view]))
    times = np.linspace(0, 15, 1501)
    x = sie.doublings_by(paths, times)
    lead = x - paths.recent_doublings_per_year.values[..., None] * times
    reached = lead >= (math.log2(500) * paths.conversion.values)[..., None]
    first = np.where(reached.any(axis=-1), times[reached.argmax(axis=-1)], math.inf)
    first[paths.r_asara.values <= 1] = math.inf
    got = sie.event_years(paths, events="gain_500x").values[0]
    soon = (first < 14) & np.isfinite(got)
    np.testing.assert_allclose(got[soon], first[soon], atol=0.0101)
    got = sie.event_years(paths, events="pace_doubles").values[0]
    happens = np.isfinite(got)
    assert happens.any()
    at = sie.doublings_by(paths, np.where(happens, got, 0.0)[..., None])[..., 0]
    for place in np.argwhere(happens & (got > 1e-6)):
        i = tuple(place)
        nodes, pace = levels(paths)[i], paths.log2_pace.values[i]
        doubled = math.log2(paths.pace_asara.values[i]) + 1
        assert np.interp(at[i], nodes, pace) == pytest.approx(doubled, abs=0.02)
        assert (pace[nodes < at[i] * (1 - 1e-6)] <= doubled + 1e-6).all()


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("view", ["davidson_houlden_2025", "reference"])
def test_an_event_has_a_time_on_just_the_paths_on_which_it_is_counted(drawn, view, world):
    paths = WORLDS[world](sie.simulate(drawn[view]))
    years, table = sie.event_years(paths), sie.credences(paths)
    np.testing.assert_array_equal(np.isfinite(years).mean(("chain", "draw")), table.p)
    assert (years.values >= 0).all()


def test_an_event_of_ones_own_needs_to_say_when(drawn, refused):
    paths = sie.simulate(drawn["reference"])
    fast = {
        "name": "r_above_2",
        "wording": "r above 2",
        "source": "ours",
        "happens": lambda p: p.r_asara.values > 2,
    }
    with refused("event r_above_2", "happens without when"):
        sie.event_years(paths, events=sie.Event(**fast))
    told = sie.Event(**fast, when=lambda p: np.full(p.r_asara.shape, 0.25))
    years = sie.event_years(paths, events=[told]).values[0]
    np.testing.assert_array_equal(years, np.where(paths.r_asara > 2, 0.25, math.inf))


# P(event by year)

LATE = sie.Event(
    name="late",
    wording="",
    source="",
    happens=lambda p: np.isfinite(p.late.values),
    when=lambda p: p.late.values,
)


def made_up(seed, size=400, dated=None):
    """Times of an event after ASARA that never happens in a third of the draws, and dates of ASARA."""
    rng = np.random.default_rng(seed)
    late = np.where(rng.random((4, size // 4)) < 1 / 3, math.inf, rng.exponential(3, (4, size // 4)))
    dims = ("chain", "draw")
    paths = xr.Dataset({name: (dims, np.ones(late.shape)) for name in ("reach", "doublings_left")})
    paths = paths.assign(late=(dims, late)).assign_attrs(independent_draws=1)
    dates = xr.Dataset({"years": ("draw", rng.gamma(2, 2, dated or size))}, attrs={"now": "2026-02-05"})
    return paths, dates


YEARS = [2026, 2027, 2030, 2035, 2060, 2400]


@pytest.mark.parametrize("name", ["years_3_in_1y", "pace_doubles"])
def test_p_by_year_is_a_plain_double_loop_over_draws(drawn, name):
    paths = sie.simulate(drawn["davidson_houlden_2025"])
    _, dates = made_up(1, size=60)
    table = sie.credences_by_year(paths, dates, years=YEARS, events=[name])
    after = np.ravel(sie.event_years(paths, events=name))
    for year in YEARS:
        end, count, come = (datetime.date(year, 12, 31) - datetime.date(2026, 2, 5)).days / 365.25, 0, 0
        for asara in dates.years.values:
            come += asara <= end
            for years in after:
                count += asara + years <= end
        assert table.p.sel(event=name, year=year).item() == pytest.approx(
            count / (60 * after.size), abs=1e-12
        )
        assert table.p.sel(event="asara", year=year).item() == pytest.approx(come / 60)


@pytest.mark.slow
def test_p_by_year_never_falls_and_ends_at_the_credence(drawn):
    paths = sie.simulate(drawn["davidson_houlden_2025"])
    dates = sie.asara_dates(
        sie.read_timeline("exponential"), now=datetime.date(2026, 2, 5), seed=1, draws=1000
    )
    table = sie.credences_by_year(paths, dates, years=[*range(2026, 2100), 9999])
    assert (table.p.diff("year") >= 0).all()
    assert (table.p <= table.ever + 1e-12).all()
    credences = sie.credences(paths)
    np.testing.assert_allclose(table.p.sel(event=credences.event, year=9999), credences.p, atol=1e-3)
    np.testing.assert_array_equal(table.ever.sel(event=credences.event), credences.p)
    np.testing.assert_array_equal(table.ever_mcse.sel(event=credences.event), credences.mcse)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "dated"), [(400, 400), (40, 4000), (4000, 40)])
def test_the_error_of_p_by_year_is_its_spread_over_other_draws(size, dated):
    tables = [
        sie.credences_by_year(*made_up(seed, size, dated), years=[2028, 2032, 2035], events=[LATE])
        for seed in range(500)
    ]
    of = [table.sel(event="late") for table in tables]
    spread = np.std([table.p.values for table in of], axis=0)
    error = np.sqrt(np.mean([np.square(table.mcse.values) for table in of], axis=0))
    np.testing.assert_allclose(error, spread, rtol=0.12)


def test_no_p_by_year_is_certain():
    paths, dates = made_up(1)
    far = dates.assign(years=dates.years + 1000)
    table = sie.credences_by_year(paths, far, years=[2027], events=[LATE])
    assert table.p.sel(event="late", year=2027).item() == 0
    assert table.mcse.sel(event="late", year=2027).item() > 1e-3


def test_a_year_before_now_and_other_data_are_refused(refused):
    paths, dates = made_up(1)
    with refused("years", "2020", "a year from 2026 to 9999"):
        sie.credences_by_year(paths, dates, years=[2020, 2030], events=[LATE])
    with refused("dates", "without years"):
        sie.credences_by_year(paths, paths, years=[2030], events=[LATE])


@pytest.mark.slow
def test_the_command_prints_p_by_year_of_a_view(command, tmp_path):
    path, plot = tmp_path / "by.json", tmp_path / "by.png"
    options = ("--view", "davidson_houlden_2025", "--draws", 4000, "--event", "years_3_in_1y", "--year", 2030)
    code, out, err = command("timeline", "exponential", *options, "--json", path, "--plot", plot)
    assert (code, err) == (0, "")
    document = json.loads(path.read_text())
    [one] = [row for row in document["by_year"] if (row["event"], row["year"]) == ("years_3_in_1y", 2030)]
    assert f"{100 * one['p']:.1f} ({100 * one['mcse']:.2f})" in out
    assert "drawn independently" in out
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_the_figure_by_year_has_a_line_for_asara_and_for_each_event():
    table = sie.credences_by_year(*made_up(1), years=[2027, 2030, 2040], events=[LATE])
    ax = sie.plot_by_year(table)
    lines = {line.get_label(): line.get_ydata() for line in ax.lines}
    assert list(lines) == ["ASARA", "late"]
    np.testing.assert_array_equal(lines["late"], table.p.sel(event="late"))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("end of the year", "probability that it has happened")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--event", "r_above_1"), "--event: found no --view, want a view for whose takeoff it is"),
        (("--backtest", "--now", "2026-03-01"), "--now: found --backtest, want one of the two"),
        (("--backtest", "--view", "reference"), "--view: found --backtest, want one of the two"),
        (("--view", "reference", "--year", 2020), "--year: found 2020, want a year from 2026 to 9999"),
        (("--view", "no_such_view"), "view: found 'no_such_view', want "),
        (("--view", "reference", "--event", "nope"), "--event: found 'nope', want one of r_above_1, "),
    ],
)
def test_options_that_make_no_sense_are_one_line(command, options, found):
    code, out, err = command("timeline", *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(found)


# Time to so many times the software


def test_the_time_to_ten_times_the_software_is_its_closed_form():
    r = np.exp(np.random.default_rng(1).normal(0.2, 0.3, (4, 500)))
    draws = xr.Dataset({"r_asara": (("chain", "draw"), r)})
    numbers = {
        "parallel": P,
        "pace_asara": START,
        "recent_doublings_per_year": RECENT,
        "doublings_left": math.inf,
    }
    draws = draws.assign({name: draws.r_asara * 0 + value for name, value in numbers.items()})
    times = sie.software_times(sie.simulate(draws.assign(software_share=1 + 0 * draws.r_asara)))
    for factor in (10, 1000):
        k = P * (1 - 1 / r)
        expected = np.quantile(time_to_each(math.log2(factor), k), [0.05, 0.5, 0.95])
        np.testing.assert_allclose(times.years.sel(factor=factor), expected, rtol=0.01)
    np.testing.assert_array_equal(times.reached, 1)


def time_to_each(x, k):
    return -np.expm1(-k * x * math.log(2)) / (START * k * math.log(2))


def test_software_that_never_gets_there_is_infinitely_late():
    paths = sie.simulate(sie.prior(sie.read_view("davidson_houlden_2025"), draws=1000, seed=1))
    left = float(paths.doublings_left.quantile(0.3))
    times = sie.software_times(paths, factors=[10, 2**left])
    assert times.reached.values.tolist() == [1.0, pytest.approx(0.7, abs=0.002)]
    assert np.isfinite(times.years.values[0]).all()
    assert np.isfinite(times.years.values[1]).tolist() == [True, True, False]
    assert times.years_mcse.values[1, 2] == 0


def test_the_error_of_a_quantile_is_that_of_its_density():
    draws = np.random.default_rng(1).standard_normal(40000)
    from scipy.stats import norm

    levels = np.array([0.05, 0.5, 0.95])
    expected = np.sqrt(levels * (1 - levels) / 10000) / norm.pdf(norm.ppf(levels))
    np.testing.assert_allclose(quantile_errors(draws, levels, 10000.0), expected, rtol=0.15)


@pytest.mark.parametrize("factor", [1.0, 0.5, math.inf, math.nan])
def test_a_factor_that_is_no_multiple_is_refused(refused, factor):
    with refused("software_times factors", "finite numbers above 1"):
        sie.software_times(single(1.5), factors=[10, factor])


def test_the_report_and_its_json_tell_the_times(command, tmp_path):
    path = tmp_path / "out.json"
    code, out, _ = command("report", "davidson_houlden_2025", "--draws", 1000, "--json", path)
    assert code == 0
    [view] = json.loads(path.read_text())["views"]
    assert [row["factor"] for row in view["software_times"]] == [10, 100, 1000]
    for row in view["software_times"]:
        assert f"{row['factor']:,.0f} times" in out
        assert f"{row['q50']:.3g} ({row['q50_mcse']:.2g})" in out


# P(X years of progress)


@pytest.fixture(scope="module")
def curve():
    paths = sie.simulate(sie.prior(sie.read_view("davidson_houlden_2025"), draws=4000, seed=1))
    return sie.progress_curve(paths), sie.credences(paths)


@pytest.mark.parametrize(("years", "window", "event"), [(3, 1, "years_3_in_1y"), (10, 1, "years_10_in_1y"), (3, 4 / 12, "years_3_in_4m"), (10, 4 / 12, "years_10_in_4m")])  # fmt: skip
def test_at_3_and_10_years_the_curve_is_the_event(curve, years, window, event):
    of = curve[0].sel(window=window, years_of_progress=years)
    assert of.p.item() == curve[1].p.sel(event=event).item()
    assert of.mcse.item() == curve[1].mcse.sel(event=event).item()


def test_more_progress_or_less_time_is_never_more_probable(curve):
    assert (curve[0].p.diff("years_of_progress") <= 0).all()
    assert (curve[0].p.sel(window=1) >= curve[0].p.sel(window=4 / 12)).all()


def test_a_curve_over_nothing_is_refused(refused):
    with refused("progress_curve years_of_progress", "numbers above 0"):
        sie.progress_curve(single(1.5), years_of_progress=[0, 1])
    with refused("event 0.25 in 0 years", "above 0"):
        sie.progress_curve(single(1.5), windows=[0])


def test_the_figure_has_a_line_a_window_and_marks_the_events(curve):
    ax = sie.plot_progress(curve[0], title="a title")
    lines = {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}
    assert list(lines) == ["within 1 year", "within 4 months"]
    np.testing.assert_array_equal(lines["within 1 year"].get_ydata(), curve[0].p.sel(window=1))
    assert ax.get_xlabel() == "at least so many years of total AI progress at the recent pace"
    marks = [line for line in ax.lines if line.get_marker() in ("o", "s")]
    assert all(list(line.get_xdata()) == [3, 10] for line in marks)


# Davidson & Houlden's speed-up calculator


def test_the_speedup_is_that_of_the_public_tool_at_its_defaults():
    # r 1.4 and labour's share 0.5 are r_cog 0.7: 0.9 before, (0.7 x 1.5 + 0.7) / 0.3 x 1.224 after
    before, after = 0.7 * 0.627 + 0.7 * 1.224, (0.7 * 1.5 + 0.7) / 0.3 * 1.224
    got = sie.balanced_speedup(0.7, labour_share=0.5, compute_growth=1.224, labour_growth=0.627)
    assert got == pytest.approx(after / before)


def test_where_labour_grew_as_compute_the_speedup_is_one_plus_quality_over_one_minus_r():
    got = sie.balanced_speedup(
        0.6, labour_share=0.5, compute_growth=1.0, labour_growth=1.0, compute_quality=0.4
    )
    assert got == pytest.approx((1 + 0.5 * 0.4) / (1 - 0.6))


@pytest.mark.parametrize("quality", [0.0, 0.5])
def test_the_speedup_is_what_the_law_of_motion_settles_at(quality):
    r, share, compute, labour = 0.6, 0.4, 0.8, 0.3

    def settled(grows):
        # d log S / dt = L^a C^(1 - a) S^(-a / r): r of the law is r / a
        def law(t, log_s):
            log_l, log_c = grows(t, log_s), compute * t
            return np.exp(share * log_l + (1 - share) * log_c - share / r * log_s)

        path = solve_ivp(law, (0, 200), [0.0], method="LSODA", rtol=1e-9, atol=1e-9, t_eval=[190, 200])
        return (path.y[0, 1] - path.y[0, 0]) / 10

    before = settled(lambda t, log_s: labour * t)
    after = settled(lambda t, log_s: log_s + (1 + quality) * compute * t)
    got = sie.balanced_speedup(
        r, labour_share=share, compute_growth=compute, labour_growth=labour, compute_quality=quality
    )
    assert got == pytest.approx(after / before, rel=1e-4)


@pytest.mark.parametrize(
    ("change", "where"),
    [({"r": 1.0}, "r"), ({"r": 0.0}, "r"), ({"labour_share": 0.0}, "labour_share"), ({"compute_growth": 0.0}, "compute_growth"), ({"labour_growth": -1.0}, "labour_growth"), ({"compute_quality": math.nan}, "compute_quality")],
)  # fmt: skip
def test_numbers_without_a_balanced_path_are_refused(refused, change, where):
    numbers = {"r": 0.7, "labour_share": 0.5, "compute_growth": 1.0, "labour_growth": 0.5} | change
    with refused(f"balanced_speedup {where}", "numbers "):
        sie.balanced_speedup(numbers.pop("r"), **numbers)
