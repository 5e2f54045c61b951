"""The table of all evidence: every row on a line, with the r that it implies by hand, and why it counts or does not."""

import numpy as np
import pytest
import xarray as xr

import sie


@pytest.fixture(scope="module")
def view():
    return sie.read_view("davidson_2025")


@pytest.fixture(scope="module")
def table(evidence, view):
    return sie.evidence_table(evidence, view)


def middle(words):
    return float(words.split()[0])


def test_every_row_has_a_line_and_those_left_out_their_reason(table, evidence, view):
    rows = sie.usable(evidence, view)
    assert table.index.tolist() == evidence.estimate.values.tolist()
    assert table.index[table["used"]].tolist() == rows.estimate.values.tolist()
    assert table.loc[~table["used"], "why left out"].to_dict() == dict(rows.attrs["left_out"])
    assert (table["why left out"] != "").equals(~table["used"])


def test_every_row_on_r_that_identifies_it_implies_an_r_and_no_other_does(table, evidence):
    on_r = (evidence.domain_idx.values >= 0) & evidence.identified.values
    assert ((table["implied r"] != "") == on_r).all()
    assert (table["domain"] != "").tolist() == (evidence.domain_idx.values >= 0).tolist()


@pytest.mark.parametrize("row", ["sat_growth", "lp_growth", "alexnet_growth"])
def test_growth_implies_the_ratio_of_output_to_labour(table, evidence, row):
    output, labour = evidence.growth.sel(
        estimate=row, flow=["output", "labour"], growth_quantile=0.5
    ).values.tolist()
    assert middle(table.loc[row, "implied r"]) == pytest.approx(output / labour, rel=0.05)


def test_a_published_estimate_implies_itself_and_a_standard_error_is_one_of_its_logarithm(table):
    assert table.loc["vision_2024", "estimate"] == f"r {table.loc['vision_2024', 'implied r']}"
    assert table.loc["algorithms_2025", "estimate"] == "r 4 ± 1"
    low, high = 4 * np.exp(np.array([-1.645, 1.645]) * 1 / 4)
    assert table.loc["algorithms_2025", "implied r"] == f"4 ({low:.3g}–{high:.3g})"
    assert table.loc["alexnet_2020", "estimate"].endswith("; includes hardware_scale")


def test_a_raw_history_is_read_under_the_lambda_of_the_draws(table, evidence, view):
    draws = xr.Dataset({"labour_share": ("draw", [0.6, 0.6]), "lambda_histories": ("draw", [0.3, 0.3])})
    other = sie.evidence_table(evidence, view, draws=draws)
    changed = table.index[table["implied r"] != other["implied r"]]
    assert "nanogpt_speedrun" in changed
    assert set(table.loc[changed, "kind"]) == {"series"}


def test_levels_decide_what_is_used_and_not_what_is_implied(table, evidence, view):
    other = sie.evidence_table(evidence, view, levels={"SAT solvers": "published"})
    assert other["implied r"].equals(table["implied r"])
    assert table.index[table["used"] != other["used"]].tolist() == ["sat_2024", "sat_growth"]
