"""Every figure of the sources, recomputed: no difference without a reason, no reason without a difference."""

import csv
import dataclasses
import io
import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import public_tool
import pytest
import xarray as xr

import sie
from sie.base.reading import data_folder
from sie.data.quotes import find_quote
from sie.growth.outcome import BUILDOUT, read_buildout
from sie.inference.prior_draws import prior
from sie.page import reproduce
from sie.page.recompute import ARITHMETIC, COMPUTED_BY, FORMULAS

SOURCES = Path(__file__).parents[2] / "shared" / "sources"
FIGURES = sie.figures()
BY_ID = {figure.id: figure for figure in FIGURES}
CREDENCES = {
    *("reply_p_chain", "greenblatt_50", "greenblatt_60", "report_p", "bottlenecks_p"),
    *("dh_3_1y", "dh_10_1y", "dh_3_4m", "dh_10_4m", "takeover_feasible", "takeover_likely"),
}


@pytest.fixture(scope="module")
def rows():
    return {row.figure.id: row for row in sie.reproduce_figures()}


def rounds_to(computed, figure):
    """Whether a number, printed to the last digit that the source prints, is the source's."""
    if figure.stated <= computed <= figure.upper:
        return True
    end = min((figure.stated, figure.upper), key=lambda at: abs(computed - at))
    places = -round(math.log10(2 * figure.rounding))
    return math.isclose(round(computed, places), end, abs_tol=1e-9) or math.isclose(
        abs(computed - end), figure.rounding, rel_tol=1e-6
    )


@pytest.mark.slow
def test_no_difference_is_unexplained(rows):
    """`reproduce_figures` refuses an unexplained one; here each verdict is told again, by rounding to the printed digits."""
    assert len(rows) >= 60
    for row in rows.values():
        assert (row.verdict == "differs") == bool(row.figure.reason)
        rounds = rounds_to(row.computed, row.figure)
        assert (row.verdict in ("reproduced", "adds up")) == rounds, row.figure.id
        if row.verdict == "adds up":
            assert COMPUTED_BY[row.figure.formula] == ARITHMETIC
        if row.verdict == "reproduced":
            assert COMPUTED_BY[row.figure.formula] != ARITHMETIC
        if row.verdict == "within its error":
            assert abs(row.difference) <= row.figure.rounding + 2 * row.mcse


@pytest.mark.slow
def test_a_number_that_does_not_round_to_the_printed_one_differs(rows):
    """A doubling in 15.39 months is not one in 16."""
    row = rows["report_training"]
    assert row.computed == pytest.approx(15.39, abs=0.005)
    assert row.verdict == "differs"
    near = dataclasses.replace(row.figure, stated=15.0, upper=15.0, slip="", reason="")
    assert sie.reproduce_figures([near])[0].verdict == "adds up"


def test_a_division_of_two_quoted_numbers_reproduces_nothing(rows):
    for row in rows.values():
        if row.figure.formula in ("ratio", "relative_exponent", "doubling_months", "median", "chain"):
            assert row.verdict in ("adds up", "differs")
    assert rows["takeover_consistent"].verdict == "adds up"
    assert rows["r3_day_1"].verdict == rows["deep_takeoff"].verdict == "reproduced"


@pytest.mark.parametrize(
    ("figure", "formula", "low", "high"),
    [
        ("kwa_speedup", "ratio", {"top": 44.5, "bottom": 1.925}, {"top": 45.5, "bottom": 1.915}),
        ("kwa_medium", "ratio", {"top": 345, "bottom": 17.355}, {"top": 351, "bottom": 17.345}),
        (
            "ai_futures_eli",
            "taste_returns",
            {"taste": 0.2845, "beta": 0.3185},
            {"taste": 0.2855, "beta": 0.3175},
        ),
        (
            "ww_elasticities",
            "relative_exponent",
            {"first": 1.45, "second": 1.185},
            {"first": 1.55, "second": 1.175},
        ),
        ("report_runtime", "doubling_months", {"factor": 18.5, "years": 4}, {"factor": 17.5, "years": 6}),
        ("report_training", "doubling_months", {"factor": 44.5, "years": 6}, {"factor": 43.5, "years": 8}),
    ],
)
def test_inputs_that_print_alike_give_a_figure_that_rounding_explains(rows, figure, formula, low, high):
    row = rows[figure]
    assert row.figure.slip == "rounded"
    assert FORMULAS[formula](**low) <= row.figure.stated + row.figure.rounding
    assert FORMULAS[formula](**high) >= row.figure.stated - row.figure.rounding


@pytest.mark.slow
def test_the_public_tool_s_steps_give_the_12_percent_that_paths_exceed(rows):
    """10 years within 4 months, stepped by whole doublings over four years from the priors of the same table."""
    draw, n = np.random.default_rng(1), 100_000

    def loguniform(low, high):
        return np.exp(draw.uniform(np.log(low), np.log(high), n))

    stepped = public_tool.times(
        loguniform(0.4, 3.6), loguniform(0.15, 0.6), 8 * draw.uniform(6, 16, n), loguniform(2, 32)
    )
    assert round(100 * public_tool.happened(stepped, 80, 1 / 3).mean()) == 12
    assert rows["dh_10_4m"].computed == pytest.approx(0.128, abs=0.003)


def test_what_an_author_has_corrected_is_no_slip_of_the_source(rows):
    for name in ("deep_returns_old", "deep_takeoff_4_old"):
        assert rows[name].figure.slip == "corrected"


@pytest.mark.parametrize(
    "figure", ["reply_fall_2030", "ww_phi_0", "r09_15", "r09_30", "ww_factor_9", "kwa_taste"]
)
def test_figures_that_follow_from_what_their_authors_wrote_are_theirs(rows, figure):
    """An OOM of training counted as two of software, an equation without lambda, doublings that are completed, 9/3."""
    row = rows[figure]
    assert row.verdict in ("reproduced", "adds up")
    assert row.figure.reason == ""


def test_a_what_if_with_another_input_is_no_one_s_error(rows):
    for name in ("ww_factor_9_authors", "kwa_taste_exact"):
        assert rows[name].figure.slip == "inputs"


def test_every_credence_that_an_author_states_has_its_error(rows):
    for name in CREDENCES:
        assert 0 < rows[name].mcse < 0.005


@pytest.mark.parametrize(
    ("figure", "computed"),
    [
        ("deep_q", 0.4 * math.log(4) + 0.6 * math.log(1.6)),
        ("first_estimate_3x", 2.03),
        ("dh_footnote_24", 3.53),
        ("greenblatt_squared_parallel", 1.244),
    ],
)
def test_a_figure_that_its_source_gets_wrong_is_shown_as_such(rows, figure, computed):
    row = rows[figure]
    assert row.verdict == "differs"
    assert row.figure.slip in ("source", "definition")
    assert row.computed == pytest.approx(computed, abs=0.005)


def test_the_table_that_differs_by_a_point_between_sections(rows):
    assert rows["dh_10_1y"].verdict == "reproduced"
    assert rows["dh_10_1y_other"].verdict == "differs"
    assert rows["dh_10_1y"].computed == rows["dh_10_1y_other"].computed


@pytest.mark.skipif(not SOURCES.is_dir(), reason="the sources' texts are not here")
@pytest.mark.parametrize("figure", [pytest.param(figure, id=figure.id) for figure in FIGURES if figure.quote])
def test_every_quote_stands_in_its_source(figure):
    text = (SOURCES / sie.read_sources()[figure.source].text).read_text(encoding="utf-8")
    assert find_quote(figure.quote, text)


@pytest.mark.skipif(not SOURCES.is_dir(), reason="the sources' texts are not here")
@pytest.mark.parametrize("name", BUILDOUT)
def test_every_quote_of_the_outcome_stands_in_its_source(name):
    text = (SOURCES / sie.read_sources()["greenblatt_2025"].text).read_text(encoding="utf-8")
    assert find_quote(read_buildout()[name].quote, text)


def test_the_first_year_of_a_path_is_its_closed_form():
    """Of a constant slope k = p (1 - 1 / r): 2^(k x) = 1 / (1 - k v ln 2) after a year, where the pace v starts at 2 doublings."""
    k = 0.6 * (1 - 1 / 1.056)
    gain = -math.log2(1 - 2 * k * math.log(2)) / k
    assert FORMULAS["first_year"](1.056, 4.0, 0.6) == pytest.approx(2**gain, rel=1e-6)


def test_a_distance_that_half_of_the_paths_cover_in_five_years_takes_five():
    years, mcse = FORMULAS["median_years"]("ai_futures_2025", 0.5, 5.0)
    assert years == pytest.approx(5, rel=1e-3)
    assert mcse < 0.05


@pytest.mark.slow
def test_a_higher_r_covers_the_same_distance_sooner():
    years = [FORMULAS["median_years"]("ai_futures_2025", 0.5, 5.0, r)[0] for r in (0.89, 1.0, 1.14)]
    assert years == sorted(years, reverse=True)


@pytest.mark.parametrize(
    ("middle", "p"), [(1.0, 0.5), (6.0, 0.95), (0.5, 0.05), (3.0, 0.5 + math.erf(0.7131) / 2)]
)
def test_a_log_normal_of_two_halves_has_the_points_that_it_is_told(middle, p):
    """5 and 95 % points six times below and twice above the median; 0.7131 = ln 3 / ln 6 x 1.6449 / sqrt 2."""
    assert FORMULAS["chance_above_1"](middle, 6.0, 2.0) == pytest.approx(p, abs=1e-4)


def test_a_horizon_twice_as_long_is_reached_one_doubling_later():
    earlier, later = (FORMULAS["horizon_year"]("TH1.0", "2025-03-19", hours) for hours in (100.0, 200.0))
    assert later - earlier == pytest.approx(FORMULAS["horizon_doubling"]("TH1.0", "2025-03-19") / 12)


def test_the_slowing_by_retraining_rises_with_the_quantile_and_never_speeds_up():
    delays = [FORMULAS["retraining_delay"]("eth_davidson_2025", 1e3, q) for q in (0.0, 0.5, 0.95)]
    assert delays == sorted(delays)
    assert delays[0] == pytest.approx(1, abs=1e-3)


def test_every_formula_is_used():
    assert set(FORMULAS) == {figure.formula for figure in FIGURES}


def test_no_formula_hands_back_one_of_its_numbers(rows):
    """A figure that is handed to its formula would reproduce itself. (The toy model counts in twos and threes.)"""
    for row in rows.values():
        if row.figure.formula != "toy":
            assert row.computed not in row.figure.given.values(), row.figure.id


def test_a_difference_without_a_reason_is_refused(refused):
    wrong = dataclasses.replace(BY_ID["deep_takeoff"], stated=1.9, upper=1.9)
    with refused("figure deep_takeoff", "which differs from 1.9", "a reason for the difference"):
        sie.reproduce_figures([wrong])


def test_a_reason_that_explains_nothing_is_refused(refused):
    wrong = dataclasses.replace(BY_ID["deep_takeoff"], reason="none")
    with refused("figure deep_takeoff", "which agrees with 0.9", "no reason"):
        sie.reproduce_figures([wrong])


@pytest.mark.parametrize(
    ("cells", "where", "found"),
    [
        ({"stated": "1.7"}, "quote", "no 1.7"),
        ({"stated": "much"}, "stated", "'much'"),
        ({"formula": "guess"}, "formula", "'guess'"),
        ({"given": "{'share': 0.4}"}, "given", "{'share': 0.4}"),
        ({"given": "share"}, "given", "'share'"),
        ({"slip": "source"}, "slip", "'source'"),
        ({"rounding": "-1"}, "rounding", "-1.0"),
        ({"rounding": "0.02"}, "rounding", "0.02"),
        ({"rounding": "0.5"}, "rounding", "0.5"),
        ({"source": "nobody"}, "source", "'nobody'"),
        ({"id": "deep_q"}, "id", "'deep_q'"),
    ],
)
def test_a_wrong_row_is_refused(cells, where, found, figures_with, refused):
    with refused("figures.csv line", f" {where}: found", found):
        sie.figures(figures_with("deep_takeoff", **cells))


def test_a_range_counts_from_its_nearer_end():
    report = BY_ID["report_p"]
    above = dataclasses.replace(report, stated=0.1, upper=0.2, rounding=0.05, reason="too low", slip="ours")
    [row] = sie.reproduce_figures([above])
    assert row.difference == pytest.approx(row.computed - 0.2)


def test_the_table_is_written_as_csv_and_json(rows):
    some = [rows["thread_3x"], rows["report_p"]]
    first, second = json.loads(reproduce.as_json(some))["figures"]
    assert first["upper"] is None
    assert second["mcse"] == rows["report_p"].mcse
    read = list(csv.DictReader(io.StringIO(reproduce.as_csv(some))))
    assert [float(line["computed"]) for line in read] == [row.computed for row in some]


def test_the_page_says_every_quote_and_reason(rows):
    page = " ".join(reproduce.as_text(rows.values(), width=4000).split())
    for row in rows.values():
        assert row.figure.quote in page
        assert row.figure.reason in page


def test_the_summary_counts_every_figure_and_what_computes_it(rows):
    first, *kinds, last = reproduce.summary(rows.values()).splitlines()
    assert first.startswith(f"{len(FIGURES)} figures: ")
    counted = {line.split(":")[0].removeprefix("  by "): int(line.split(":")[1].split()[0]) for line in kinds}
    assert counted == Counter(COMPUTED_BY[figure.formula] for figure in FIGURES)
    assert set(counted) == {"the growth engine", "the model", "an equation", "plain arithmetic"}
    assert "not a reproduction" in last


@pytest.mark.slow
def test_the_command_writes_what_it_prints(tmp_path, command, rows):
    table, document = tmp_path / "table.csv", tmp_path / "table.json"
    code, out, err = command("reproduce", "--csv", table, "--json", document, "--differences")
    assert (code, err) == (0, "")
    assert out.endswith(reproduce.summary(rows.values()) + "\n")
    assert len(json.loads(document.read_text("utf-8"))["figures"]) == len(FIGURES)
    assert table.read_text("utf-8") == reproduce.as_csv(rows.values())


def test_the_command_refuses_one_target_for_both(tmp_path, command):
    code, out, err = command("reproduce", "--csv", tmp_path / "a", "--json", tmp_path / "a")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


# ---- Greenblatt's outcome


def paths_with(years_to_first, *, left=200.0, draws=1000):
    """Paths of a constant pace whose first doubling takes this long."""
    values = {
        "r_asara": 1.0,
        "parallel": 1e-6,
        "pace_asara": 1 / years_to_first,
        "recent_doublings_per_year": 1 / years_to_first,
        "doublings_left": left,
        "software_share": 0.5,
        "conversion": 2.0,
    }
    return sie.simulate(
        xr.Dataset(
            {name: (("chain", "draw"), np.full((1, draws), float(value))) for name, value in values.items()}
        )
    )


def buildout(**priors):
    """The bundled priors of the outcome with some replaced."""
    return {
        name: dataclasses.replace(entry, prior=priors.get(name, entry.prior))
        for name, entry in read_buildout().items()
    }


FIXED = {
    "gain": sie.fixed(1.0),
    "lead_time": sie.fixed(2.0),
    "compute_trend": sie.fixed(1e-9),
    "held_back": sie.fixed(1e-9),
}


def feasible(paths, **priors):
    return sie.takeover_before_buildout(paths, seed=1, priors=buildout(**{**FIXED, **priors}))


@pytest.mark.parametrize("slack", [-0.02, 0.02])
def test_the_outcome_happens_when_the_gain_comes_before_the_lead_time(slack):
    """1 OOM is log2(10) x conversion 2 = 6.64 labour doublings, in 2 years."""
    per_doubling = 2 / (2 * math.log2(10)) * (1 - slack)
    table = feasible(paths_with(per_doubling))
    assert table.p.sel(part="feasible").item() == (1 if slack > 0 else 0)


def test_compute_on_its_trend_counts_towards_the_gain():
    slow = paths_with(1e3)
    assert feasible(slow).p.sel(part="feasible").item() == 0
    enough = sie.fixed(1.01 * math.log2(10) / 2)
    assert feasible(slow, compute_trend=enough).p.sel(part="feasible").item() == 1


def test_holding_back_for_the_lead_time_leaves_nothing():
    table = feasible(paths_with(0.01), held_back=sie.fixed(2.0))
    assert table.p.sel(part="feasible").item() == 1
    assert table.p.sel(part="likely").item() == 0


def test_the_outcome_is_likely_only_where_it_is_feasible():
    paths = sie.simulate(prior(sie.read_view("greenblatt_2025"), draws=4000, seed=1))
    table = sie.takeover_before_buildout(paths, seed=1)
    assert table.p.sel(part="likely") < table.p.sel(part="feasible")
    assert 0 < table.p.sel(part="from_software") < 1
    assert np.all(table.mcse > 0)
    again = sie.takeover_before_buildout(paths, seed=1)
    assert table.equals(again)


def test_the_outcome_is_no_event_of_a_report():
    assert not {"feasible", "likely", "takeover_before_buildout"} & set(sie.EVENTS)


def test_a_buildout_without_a_quantity_is_refused(tmp_path, refused):
    text = (data_folder("evidence") / "buildout.toml").read_text("utf-8")
    path = tmp_path / "buildout.toml"
    path.write_text(text.replace("[held_back]", "[pause]"), encoding="utf-8")
    with refused("buildout.toml", "pause", "held_back"):
        read_buildout(path)


def test_a_buildout_in_another_unit_is_refused(tmp_path, refused):
    text = (data_folder("evidence") / "buildout.toml").read_text("utf-8")
    path = tmp_path / "buildout.toml"
    path.write_text(text.replace('unit    = "years"', 'unit    = "months"', 1), encoding="utf-8")
    with refused("buildout.toml [lead_time] unit", "'months'", "years"):
        read_buildout(path)
