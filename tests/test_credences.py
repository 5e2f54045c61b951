"""Credences: the published tables come back, and their Monte Carlo errors are honest."""

import math

import numpy as np
import pytest
import xarray as xr

import sie
from sie.data.quantities import EVENT_NAMES
from sie.growth.events import EVENTS, Event, gain_within
from sie.inference.prior_draws import prior

SEEDS = [1, 2, 3]

PUBLISHED = {
    "years_3_in_1y": 0.565,
    "years_3_in_4m": 0.426,
    "years_10_in_1y": 0.167,
    "years_10_in_4m": 0.125,
    "doublings_26_in_4m": 0.413,
}
"""Davidson & Houlden's own calculation rerun with many draws; it counts 26 doublings for 3 years within 4 months."""

TOLERANCE = 0.012


@pytest.fixture(scope="module", params=SEEDS)
def davidson_houlden(request):
    """Every event and the public tool's, over 20000 draws of Davidson & Houlden's beliefs."""
    paths = sie.simulate(prior(sie.read_view("davidson_houlden_2025"), draws=20000, seed=request.param))
    return sie.credences(
        paths, events=[*EVENTS, gain_within("doublings_26_in_4m", doublings=26, years=4 / 12)]
    )


@pytest.fixture(scope="module")
def davidson():
    """Draws of Davidson's own beliefs."""
    return prior(sie.read_view("davidson_2025"), draws=20000, seed=1)


@pytest.mark.parametrize(("event", "p"), PUBLISHED.items(), ids=list(PUBLISHED))
def test_davidson_and_houldens_table_comes_back(event, p, davidson_houlden):
    assert davidson_houlden.p.sel(event=event).item() == pytest.approx(p, abs=TOLERANCE)


def test_davidson_and_houldens_r_is_above_1_where_their_loguniform_says(davidson_houlden):
    table = davidson_houlden.sel(event="r_above_1")
    assert table.p.item() == pytest.approx(math.log(3.6) / math.log(9), abs=4 * table.mcse.item())


def test_davidsons_chain_has_his_median(davidson):
    assert np.median(davidson.r_asara) == pytest.approx(1.2, rel=0.03)


@pytest.mark.parametrize(("quantile", "r"), [(0.05, 0.446), (0.95, 3.225)])
def test_davidsons_chain_has_his_spread(quantile, r, davidson):
    assert abs(math.log(np.quantile(davidson.r_asara, quantile) / r)) < math.log(1.15)


def test_davidsons_chain_has_his_probability_of_r_above_1(davidson):
    table = sie.credences(sie.simulate(davidson), events=["r_above_1"])
    assert table.p.item() == pytest.approx(0.583, abs=0.05)


def test_events_come_in_the_order_of_their_names(davidson):
    assert tuple(EVENTS) == EVENT_NAMES
    table = sie.credences(sie.simulate(davidson.isel(draw=slice(20))))
    assert tuple(table.event.values) == EVENT_NAMES
    assert all(event.name == name and event.wording and event.source for name, event in EVENTS.items())


def test_events_come_in_the_order_asked_for(davidson):
    names = ["years_3_in_4m", "r_above_1", "years_3_in_1y"]
    table = sie.credences(sie.simulate(davidson.isel(draw=slice(20))), events=names)
    assert table.event.values.tolist() == names


def test_an_events_credence_does_not_depend_on_the_others(davidson):
    paths = sie.simulate(davidson.isel(draw=slice(500)))
    every = sie.credences(paths)
    for name in EVENT_NAMES:
        alone = sie.credences(paths, events=[name])
        assert alone.p.item() == every.p.sel(event=name).item()
        assert alone.mcse.item() == every.mcse.sel(event=name).item()


@pytest.mark.parametrize(
    ("rarer", "commoner"),
    [
        ("years_10_in_1y", "years_3_in_1y"),
        ("years_10_in_4m", "years_3_in_4m"),
        ("years_3_in_4m", "years_3_in_1y"),
        ("years_10_in_4m", "years_10_in_1y"),
        ("years_3_in_4m", "half_year_beats_three"),
        ("half_year_beats_three", "years_3_in_1y"),
        ("r_above_1", "r_above_0_75"),
        ("gain_500x", "r_above_1"),
        ("pace_doubles", "r_above_1"),
        ("doublings_26_in_4m", "years_3_in_4m"),
    ],
)
def test_a_stricter_event_is_no_more_probable(rarer, commoner, davidson_houlden):
    assert davidson_houlden.p.sel(event=rarer) <= davidson_houlden.p.sel(event=commoner)


def one_draw_inputs(**changes):
    """One draw that stays well clear of every boundary, with some inputs changed."""
    inputs = {
        "r_asara": 3.0,
        "parallel": 0.5,
        "pace_asara": 32.0,
        "recent_doublings_per_year": 4.0,
        "doublings_left": 200.0,
        "software_share": 0.5,
        "conversion": 2.8,
    } | changes
    return xr.Dataset({name: (("chain", "draw"), [[float(value)]]) for name, value in inputs.items()})


def one_draw(**changes):
    """The path of `one_draw_inputs`."""
    return sie.simulate(one_draw_inputs(**changes))


@pytest.mark.parametrize("event", EVENT_NAMES)
def test_an_explosion_is_every_event(event):
    assert sie.credences(one_draw(), events=[event]).p.item() == 1


@pytest.mark.parametrize("event", EVENT_NAMES)
def test_a_fizzle_is_no_event(event):
    assert sie.credences(one_draw(r_asara=0.3, pace_asara=4.0), events=[event]).p.item() == 0


@pytest.mark.parametrize(
    ("event", "below", "above"),
    [
        ("r_above_1", {"r_asara": 0.98}, {"r_asara": 1.02}),
        ("r_above_0_75", {"r_asara": 0.73}, {"r_asara": 0.77}),
        ("pace_above_5x", {"r_asara": 0.5, "pace_asara": 4 * 4.9}, {"r_asara": 0.5, "pace_asara": 4 * 5.1}),
        ("years_3_in_1y", {"doublings_left": 23.0}, {"doublings_left": 30.0}),
        ("years_10_in_4m", {"doublings_left": 79.0}, {"doublings_left": 100.0}),
        ("ooms_5_in_1y", {"doublings_left": 46.0}, {"doublings_left": 55.0}),
        ("gain_500x", {"doublings_left": 25.0}, {"doublings_left": 32.0}),
        ("gain_500x", {"conversion": 30.0}, {"conversion": 10.0}),
    ],
)
def test_an_event_starts_at_its_threshold(event, below, above):
    assert sie.credences(one_draw(**below), events=[event]).p.item() == 0
    assert sie.credences(one_draw(**above), events=[event]).p.item() == 1


def test_the_pace_doubles_where_its_closed_form_peak_does():
    r, parallel, left = np.linspace(1.1, 3, 101), 0.5, 20.0
    peak = parallel * left * (1 - 1 / r - np.log(r) / r)
    clear = np.abs(peak - 1) > 0.02
    draws = one_draw_inputs(parallel=parallel, doublings_left=left).isel(draw=np.zeros(r.size, dtype=int))
    draws["r_asara"] = (("chain", "draw"), r[None])
    happens = EVENTS["pace_doubles"].happens(sie.simulate(draws))[0]
    np.testing.assert_array_equal(happens[clear], peak[clear] > 1)


def test_a_constant_pace_gains_as_much_as_it_lasts():
    paths = one_draw(r_asara=1.0, pace_asara=8.0, doublings_left=1e9)
    events = [gain_within(str(gain), doublings=gain, years=1) for gain in (7.9, 8.1)]
    assert sie.credences(paths, events=events).p.values.tolist() == [1, 0]


def test_years_of_progress_are_counted_in_the_views_own_unit():
    events = [
        gain_within("years", years_of_progress=2, years=1),
        gain_within("doublings", doublings=12, years=1),
    ]
    for speedup in (1.0, 4.0):
        paths = one_draw(r_asara=1.0, pace_asara=4 * speedup, doublings_left=1e9, software_share=4 / 6)
        years, doublings = sie.credences(paths, events=events).p.values
        assert years == doublings == (speedup == 4)


def mcse_of(indicator, *, independent):
    """The error that a made-up event with this indicator gets."""
    attrs = {"independent_draws": 1} if independent else {}
    paths = xr.Dataset({"doublings_left": (("chain", "draw"), np.ones(indicator.shape))}, attrs=attrs)
    return sie.credences(
        paths, events=[Event(name="made_up", wording="", source="", happens=lambda _: indicator)]
    )


@pytest.mark.parametrize("independent", [True, False])
@pytest.mark.parametrize("happens", [True, False])
def test_none_or_all_of_the_draws_is_not_certainty(happens, independent):
    table = mcse_of(np.full((4, 250), happens), independent=independent)
    assert table.p.item() == float(happens)
    assert 0 < table.mcse.item() < 0.001


@pytest.mark.parametrize("p", [0.01, 0.3, 0.9])
def test_the_error_of_independent_draws_is_binomial(p):
    indicator = np.random.default_rng(1).random((4, 2500)) < p
    table = mcse_of(indicator, independent=True)
    assert table.mcse.item() == pytest.approx(
        math.sqrt(indicator.mean() * (1 - indicator.mean()) / 10000), rel=0.01
    )
    assert table.attrs["draws"] == 10000


def test_the_error_of_a_chain_without_memory_is_close_to_binomial():
    indicator = np.random.default_rng(1).random((4, 2500)) < 0.3
    assert mcse_of(indicator, independent=False).mcse.item() == pytest.approx(
        math.sqrt(0.21 / 10000), rel=0.15
    )


def test_the_error_of_a_chain_with_memory_is_larger_than_binomial():
    rng, steps = np.random.default_rng(1), np.empty((4, 2500))
    steps[:, 0] = rng.standard_normal(4)
    for t in range(1, 2500):
        steps[:, t] = 0.9 * steps[:, t - 1] + math.sqrt(1 - 0.81) * rng.standard_normal(4)
    assert mcse_of(steps > 0, independent=False).mcse.item() > 2 * math.sqrt(0.25 / 10000)


@pytest.mark.slow
def test_the_stated_error_is_the_scatter_over_seeds():
    view = sie.read_view("davidson_houlden_2025")
    tables = [
        sie.credences(sie.simulate(prior(view, draws=400, seed=seed)), events=["r_above_1"])
        for seed in range(60)
    ]
    assert np.std([table.p.item() for table in tables]) == pytest.approx(tables[0].mcse.item(), rel=0.3)


def test_an_unknown_event_is_refused(davidson, refused):
    with refused("event", "'sie'", "r_above_1"):
        sie.credences(sie.simulate(davidson.isel(draw=slice(2))), events=["sie"])


@pytest.mark.parametrize("gain", [{}, {"doublings": 1, "years_of_progress": 1}])
def test_an_event_gains_doublings_or_years(gain, refused):
    with refused("event both", "either doublings or years_of_progress"):
        gain_within("both", years=1, **gain)


def test_events_without_a_gain_are_streamed_too():
    events = ["r_above_1", "pace_doubles"]
    draws = prior(sie.read_view("davidson_houlden_2025"), draws=1000, seed=1)
    streamed = sie.stream([draws], events=events)
    assert streamed.equals(sie.credences(sie.simulate(draws), events=events))


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, "neither happens nor gain"),
        ({"happens": lambda paths: None, "gain": lambda paths: None}, "happens and gain"),
        ({"happens": 3}, "found happens"),
        ({"gain": lambda paths: None, "years": 0.0}, "found 0.0"),
        ({"gain": lambda paths: None, "years": math.nan}, "found nan"),
    ],
)
def test_an_event_that_says_nothing_is_refused_when_it_is_made(given, found, refused):
    with refused("event mine", found):
        Event(name="mine", wording="", source="", **given)
