"""Rows on quantities of a view other than r: what inputs.csv may hold, what is refused, and what the bundled rows mean."""

import dataclasses
import math
import types

import numpy as np
import pytest

import sie
from sie.data.correlations import Correlation
from sie.data.quantities import ADJUSTMENTS, QUANTITIES, SERIAL_PENALTY
from sie.data.rows import INFORMED
from sie.data.wording import input_in_words, input_number_in_words
from sie.growth.accounting import parallel_share
from sie.inference.groups import with_latents
from sie.returns.design import design


@pytest.fixture(scope="module")
def inputs():
    """The bundled rows on inputs."""
    return sie.read_inputs()


def median(rows, row):
    return rows.value.sel(estimate=row, quantile=0.5).item()


def test_the_rows_in_the_evidence_are_those_of_the_table(evidence, inputs):
    rows = evidence.isel(estimate=evidence.kind.values == "input")
    assert rows.estimate.values.tolist() == inputs.estimate.values.tolist()
    for name in inputs.data_vars:
        if name not in ("output_data", "input_data"):
            np.testing.assert_array_equal(rows[name].values, inputs[name].values)
    for name, idx in (("output_data", rows.output_idx), ("input_data", rows.input_idx)):
        assert evidence[name].values[idx.values].tolist() == inputs[name].values.tolist()
    assert set(rows.domain_idx.values) == {-1}
    assert not rows.includes.any()


def test_other_rows_have_no_quantity_and_inputs_no_growth(evidence):
    is_input = evidence.kind.values == "input"
    for name in ("quantity", "scale", "bound", "unit", "distance"):
        assert set(evidence[name].values[~is_input]) == {""}
    assert np.isnan(evidence.growth.values[is_input]).all()
    assert np.isnan(evidence.ratio.values[is_input]).all()
    assert not evidence.measure_sd.values[is_input].any()


def test_every_quantity_of_a_row_is_one_of_a_view_or_will_be():
    assert set(INFORMED) - set(QUANTITIES) <= {"lambda", "frontier_share", "lambda*labour_share"}
    assert set(ADJUSTMENTS) <= set(INFORMED)
    assert all(INFORMED[name] == QUANTITIES[name].units for name in INFORMED if name in QUANTITIES)


def test_a_row_gives_an_error_or_says_how_far_its_number_may_be_off(inputs):
    alone = np.isnan(inputs.se.values) & np.isnan(inputs.value.sel(quantile=0.05).values)
    assert alone.any()
    assert (inputs.definition_sd.values[alone] > 0).all()
    assert alone[inputs.bound.values != ""].all()


@pytest.mark.parametrize("name", sie.view_names())
def test_a_view_reads_rows_on_what_it_states_as_uncertain_in_their_unit(name, evidence, inputs):
    """The rules, written out: whatever else is left out shares output data with a row that is used or reflected."""
    view = sie.read_view(name)
    rows = sie.usable(evidence, view)
    used, why = set(rows.estimate.values.tolist()), dict(rows.attrs["left_out"])
    for row in inputs.estimate.values.tolist():
        one = inputs.sel(estimate=row)
        unread = [
            quantity
            for quantity in one.quantity.item().split("*")
            if quantity not in view
            or view[quantity].prior.family == "fixed"
            or view[quantity].unit != one.unit.item()
        ]
        if one.distance == "whole" and "gained_before_asara" not in view:
            unread.append("ceiling")
        if not unread and row not in used:
            assert why[row].startswith(("the view already reflects it", "same output data as "))
        if unread:
            assert row not in used


def test_the_reference_reads_every_preferred_row(evidence, inputs):
    rows = sie.usable(evidence, sie.read_view("reference"))
    wanted = inputs.estimate.values[inputs.preferred.values > 0].tolist()
    assert rows.estimate.values[rows.kind.values == "input"].tolist() == wanted
    why = dict(rows.attrs["left_out"])
    assert why["compute_poll_2025"] == "same output data as greenblatt_2026_share, which is preferred"


@pytest.mark.parametrize(
    ("name", "edit", "row", "why"),
    [
        ("davidson_2025", {}, "ord_2026_lambda_sec", "on lambda, which the view does not state"),
        ("davidson_2025", {}, "anthropic_2026_elasticity", "on lambda, which the view does not state"),
        (
            "davidson_2025",
            {"sigma": sie.fixed(1)},
            "whitfill_wu_compute",
            "on sigma, which the view fixes",
        ),
        (
            "reference",
            {"labour_share": sie.fixed(0.5)},
            "anthropic_2026_elasticity",
            "on labour_share, which the view fixes",
        ),
        (
            "reference",
            {"labour_share": sie.fixed(0.5)},
            "greenblatt_2026_share",
            "on labour_share, which the view fixes",
        ),
        (
            "reference",
            {"hardware_scale": sie.fixed(1)},
            "gundlach_2025_origin",
            "on hardware_scale, which the view fixes",
        ),
        ("greenblatt_2025", {}, "compute_poll_2025", "the view already reflects it"),
        (
            "greenblatt_2025",
            {},
            "greenblatt_2026_share",
            "same output data as compute_poll_2025, which the view already reflects",
        ),
    ],
)
def test_why_a_view_does_not_read_a_row(name, edit, row, why, evidence):
    view = sie.read_view(name).replace(**edit)
    assert dict(sie.usable(evidence, view).attrs["left_out"])[row] == why


@pytest.mark.parametrize(
    ("unit", "row", "why"),
    [
        (
            "OOMs of training efficiency",
            "davidson_2025_ceiling",
            "on the whole distance; the ceiling of the view is what is left at ASARA",
        ),
        (
            "years of progress",
            "greenblatt_2025_ceiling",
            "on ceiling in OOMs of training efficiency; the view states it in years of progress",
        ),
    ],
)
def test_why_a_view_of_what_is_left_does_not_read_a_row(unit, row, why, evidence):
    view = dataclasses.replace(sie.read_view("davidson_2025"), reflects=())
    ceiling = dataclasses.replace(view["ceiling"], unit=unit)
    view = dataclasses.replace(view, entries=types.MappingProxyType({**view.entries, "ceiling": ceiling}))
    assert dict(sie.usable(evidence, view).attrs["left_out"])[row] == why


def test_what_is_left_is_read_where_both_distances_have_its_unit(evidence):
    """`distance` left of a view that states the whole distance is the difference of two quantities."""
    view = sie.read_view("reference")
    gained = dataclasses.replace(view["gained_before_asara"], unit="labour doublings")
    other = dataclasses.replace(
        view, entries=types.MappingProxyType({**view.entries, "gained_before_asara": gained})
    )
    assert {"eth_davidson_2025_ceiling", "greenblatt_2025_ceiling"} <= set(
        sie.usable(evidence, view).estimate.values
    )
    why = dict(sie.usable(evidence, other).attrs["left_out"])
    assert (
        why["eth_davidson_2025_ceiling"]
        == "on what is left in OOMs of training efficiency; the view states gained_before_asara in another unit"
    )


def test_rows_on_one_input_data_alone_share_an_error(evidence):
    """The latents of a design are those of data that two rows have in common."""
    of = design(sie.usable(evidence, sie.read_view("reference")), sie.read_view("reference"))
    data = of.rows.input_data.values[of.rows.input_idx.values]
    alike = {
        name for apart in (True, False) for name in data if ((data == name) & (of.beside == apart)).sum() > 1
    }
    assert of.coords["input_data"] == sorted(alike)
    assert data[of.coords["estimate"].index("ord_2026_lambda_sec")] in of.coords["input_data"]


def test_one_author_counts_once_on_a_share(inputs):
    poll, new = (inputs.sel(estimate=row) for row in ("compute_poll_2025", "greenblatt_2026_share"))
    assert poll.output_data == new.output_data
    assert (poll.preferred, new.preferred) == (0, 1)


def test_the_three_exponents_of_parallel_agents_share_one_error(inputs):
    rows = inputs.isel(estimate=inputs.source.values == "ord_2026")
    assert set(rows.quantity.values) == {"lambda"}
    assert len(set(rows.input_data.values)) == 1 < len(set(rows.output_data.values)) == 3


def test_the_numbers_follow_from_what_the_notes_say(inputs):
    assert median(inputs, "anthropic_2026_elasticity") == pytest.approx(math.log(2) / math.log(40), abs=0.005)
    assert median(inputs, "gundlach_2025_origin") == pytest.approx(math.log(100) / math.log(22000), abs=0.005)
    gains = math.log2(1.5), math.log2(1.18)
    assert median(inputs, "marginal_output_comment_2025") == pytest.approx(gains[0] / sum(gains), abs=0.005)
    assert median(inputs, "idea_elasticities_2024") == pytest.approx(0.246 / (0.246 + 0.111), abs=0.005)
    assert median(inputs, "compute_poll_2025") == pytest.approx(1 - math.log10(2.5), abs=0.005)
    share = median(inputs, "compute_poll_2025")
    assert median(inputs, "davidson_lambda_2025") == pytest.approx(0.4 * share)
    assert median(inputs, "greenblatt_lambda_2025") == pytest.approx(0.55 * share)


def test_an_exponent_on_serial_labour_alone_is_the_product_in_parallel_labour():
    """Pace (L^k)^s C^(1-s), so that lambda = k s + 1 - s, labour's share k s / lambda, and their product k s."""
    k, s = SERIAL_PENALTY, 0.6
    lambda_ = k * s + 1 - s
    assert lambda_ * parallel_share(s) == pytest.approx(k * s)


ROW = ("inputs.csv", "greenblatt_2026_share")
SIGMA = ("inputs.csv", "whitfill_wu_compute")
CEILING = ("inputs.csv", "davidson_2025_ceiling")
BOUND = ("inputs.csv", "gundlach_2025_origin")
SHARE_AT, SIGMA_AT, CEILING_AT, BOUND_AT = (f"inputs.csv line {line}" for line in (8, 13, 18, 21))


@pytest.mark.parametrize(
    ("row", "cells", "where", "found", "want"),
    [
        (ROW, {"quantity": "lamda"}, f"{SHARE_AT} quantity", "'lamda'", "one of lambda, parallel"),
        (ROW, {"quantity": "r_typical"}, f"{SHARE_AT} quantity", "'r_typical'", "one of lambda, parallel"),
        (ROW, {"scale": "probit"}, f"{SHARE_AT} scale", "'probit'", "one of log, logit, linear"),
        (ROW, {"scale": ""}, f"{SHARE_AT} scale", "nothing", "one of log, logit, linear"),
        (SIGMA, {"scale": "logit"}, f"{SIGMA_AT} scale", "'logit'", "log or linear"),
        (ROW, {"unit": "years"}, f"{SHARE_AT} unit", "'years'", "one of 1"),
        (CEILING, {"unit": "1"}, f"{CEILING_AT} unit", "'1'", "OOMs of training efficiency"),
        (ROW, {"q95": "1.2"}, f"{SHARE_AT} q95", "1.2", "between 0 and 1 (scale is logit)"),
        (ROW, {"q05": "0"}, f"{SHARE_AT} q05", "0.0", "between 0 and 1 (scale is logit)"),
        (SIGMA, {"q50": "-0.1", "basis": "ours"}, f"{SIGMA_AT} q50", "-0.1", "above 0 (scale is log)"),
        (
            BOUND,
            {"q05": "0.1", "q95": "0.5"},
            f"{BOUND_AT} q50",
            "other numbers",
            "q50 alone, which is the bound",
        ),
        (BOUND, {"se": "0.1"}, f"{BOUND_AT} q50", "other numbers", "q50 alone, which is the bound"),
        (BOUND, {"bound": "above"}, f"{BOUND_AT} bound", "'above'", "one of upper, lower"),
        (BOUND, {"definition_sd": "0"}, f"{BOUND_AT} definition_sd", "0.0", "above 0"),
        (CEILING, {"definition_sd": "0"}, f"{CEILING_AT} definition_sd", "0.0", "above 0"),
        (CEILING, {"q50": ""}, f"{CEILING_AT} q50", "no number", "or q50 alone"),
        (ROW, {"q50": ""}, f"{SHARE_AT} q50", "other numbers", "five quantiles"),
        (ROW, {"q50": "0.8"}, f"{SHARE_AT} q05", "[0.3, 0.8, 0.7]", "ascending"),
        (SIGMA, {"se": "0"}, f"{SIGMA_AT} se", "'0'", "a number above 0"),
        (SIGMA, {"se": "30", "basis": "ours"}, f"{SIGMA_AT} se", "30.0", "at most 10"),
        (CEILING, {"distance": ""}, f"{CEILING_AT} distance", "nothing", "one of left, whole"),
        (SIGMA, {"distance": "left"}, f"{SIGMA_AT} distance", "'left'", "nothing (sigma has none)"),
        (ROW, {"labour": ""}, f"{SHARE_AT} labour", "nothing", "one of parallel, serial"),
        (SIGMA, {"labour": "serial"}, f"{SIGMA_AT} labour", "'serial'", "nothing (sigma has none)"),
        (ROW, {"preferred": "0"}, f"{SHARE_AT} preferred", "no preferred row", "exactly one"),
        (ROW, {"id": "vision_2024"}, f"{SHARE_AT} id", "'vision_2024'", "(returns.csv line 2 has it)"),
        (ROW, {"id": "toy_ml_2025"}, f"{SHARE_AT} id", "'toy_ml_2025'", "(factors.csv line 2 has it)"),
        (
            ROW,
            {"output_data": "toy_ml_experiments"},
            f"{SHARE_AT} preferred",
            "toy_ml_2025 preferred too",
            "exactly one",
        ),
        (SIGMA, {"q50": "2.6"}, f"{SIGMA_AT} quote", "no 2.6 in it", "every stated number"),
    ],
)
def test_a_wrong_row_on_an_input_is_refused(row, cells, where, found, want, evidence_with, refused):
    with refused(f"{where}: found", found, want):
        sie.read_evidence(evidence_with(*row, **cells))


def test_an_estimate_below_0_is_read_on_the_linear_scale(inputs):
    row = inputs.sel(estimate="whitfill_wu_frontier")
    assert (median(inputs, "whitfill_wu_frontier"), row.scale) == (-0.10, "linear")


@pytest.mark.parametrize(
    ("row", "number", "what"),
    [
        ("greenblatt_2026_share", "0.55 (0.3–0.7)", "labour_share (serial labour)"),
        ("whitfill_wu_compute", "2.58 ± 0.68", "sigma"),
        ("davidson_2025_ceiling", "10", "ceiling (whole, OOMs of training efficiency)"),
        ("gundlach_2025_origin", "at most 0.46", "hardware_scale"),
        ("eth_davidson_2025_ceiling", "at least 2", "ceiling (left, OOMs of training efficiency)"),
    ],
)
def test_a_row_on_an_input_in_words(row, number, what, inputs):
    one = inputs.sel(estimate=row)
    assert (input_number_in_words(one), input_in_words(one)) == (number, what)


def test_the_table_of_inputs_cuts_off_no_word(evidence, inputs, capsys):
    import sys

    from sie.commands.evidence_tables import PAGE_WIDTH, print_inputs
    from sie.page.tables import new_console

    print_inputs(new_console(sys.stdout, PAGE_WIDTH), evidence)
    out = capsys.readouterr().out
    assert "…" not in out
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    for row in inputs.estimate.values.tolist():
        one = inputs.sel(estimate=row)
        told = (one.quantity, one.labour, one.distance, one.scale, one.source)
        assert all(text.item() in lines[row] for text in told)
        assert input_number_in_words(one) in lines[row]


def test_a_row_on_what_is_correlated_with_the_chain_is_left_out_with_the_reason(evidence):
    pair = Correlation(
        between=("ceiling", "capabilities"), rank=0.4, basis="ours", locator="test", note="test"
    )
    view = dataclasses.replace(sie.read_view("reference"), correlations=(pair,))
    rows = sie.usable(evidence, view)
    assert "davidson_2025_ceiling" not in rows.estimate
    why = dict(rows.attrs["left_out"])["davidson_2025_ceiling"]
    assert why.startswith("on ceiling, which the view correlates with capabilities")
    assert "greenblatt_2026_share" in rows.estimate


def test_predictions_need_the_labels_of_latents(evidence):
    view = sie.read_view("reference")
    of = design(sie.usable(evidence, view), view)
    draws = with_latents(sie.prior(view, draws=4, seed=1), of, seed=1)
    assert of.expected(draws).shape == (4, 1, len(of.observed))
    with pytest.raises(sie.DataError, match="without labels of history"):
        of.expected(draws.drop_vars("history"))
