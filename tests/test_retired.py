"""What was saved when views stated doublings_per_year_of_progress is shown as it was, and nothing is computed from it."""

import json
import re

import h5py
import numpy as np
import pytest
import xarray as xr

import sie
from sie.page.ledger import read_ledger
from sie.page.saved import open_saved
from sie.page.snapshot import read_json
from sie.page.text import as_text, compute, write_folder

NEW = ("software_share", "shortest_doubling")
"""Quantities that no view of that time stated."""

DERIVED = ("lambda", "labour_share_asara", "epsilon", "pace_asara")
"""Variables that no draws of that time had."""


@pytest.fixture(scope="module")
def result():
    return compute(sie.read_view("davidson_houlden_2025"), None, seed=3, draws=1000)


@pytest.fixture
def old_json(command, tmp_path):
    """A report as it was saved then."""
    path = tmp_path / "old.json"
    assert (
        command("report", "davidson_houlden_2025", "--priors-only", "--draws", 1000, "--json", path)[0] == 0
    )
    document = json.loads(path.read_text())
    inputs = document["views"][0]["inputs"]
    for name in NEW:
        del inputs[name]
    inputs["doublings_per_year_of_progress"] = {"family": "fixed", "numbers": [8.0], "parts": [], "unit": "1"}
    path.write_text(json.dumps(document))
    return path


@pytest.fixture
def old_draws(result, tmp_path):
    """Draws as they were saved then."""
    write_folder([result], tmp_path)
    path = tmp_path / "davidson_houlden_2025.nc"
    with h5py.File(path, "r+") as file:
        text = file.attrs["view_toml"]
        for name in NEW:
            text = re.sub(rf"\n\[{name}\]\n(?:.+\n)+", "", text)
        text += '\n[doublings_per_year_of_progress]\nfamily = "fixed"\nvalue = 8\nunit = "1"\nbasis = "ours"\nlocator = "here"\nnote = "of a test"\n'
        file.attrs["view_toml"] = text
        group = file["prior"]
        group["doublings_per_year_of_progress"] = np.full(group["r_asara"].shape, 8.0)
        for scale, dim in zip(("chain", "draw"), group["doublings_per_year_of_progress"].dims, strict=True):
            dim.attach_scale(group[scale])
        for name in (*NEW, *DERIVED):
            del group[name]
    return path


@pytest.mark.slow
def test_saved_draws_tell_the_same_report(result, old_draws, command):
    opened = open_saved(old_draws)
    assert opened.view.retired == ("doublings_per_year_of_progress",)
    xr.testing.assert_identical(opened.credences["priors"], result.credences["priors"])
    assert as_text(opened).split("pace at ASARA")[0] == as_text(result).split("pace at ASARA")[0]
    code, _, err = command("open", old_draws, "--html", old_draws.with_suffix(".html"))
    assert (code, err) == (0, "")
    page = old_draws.with_suffix(".html").read_text().replace("<wbr>", "")
    assert "doublings_per_year_of_progress" in page


@pytest.mark.slow
def test_a_ledger_of_that_time_is_read_and_a_change_is_said(old_json, tmp_path, command):
    ledger = tmp_path / "ledger.jsonl"
    assert command("ledger", "add", ledger, old_json, "--date", "2026-01-01")[0] == 0
    report = tmp_path / "now.json"
    command("report", "davidson_houlden_2025", "--priors-only", "--draws", 1000, "--json", report)
    assert command("ledger", "add", ledger, report, "--date", "2026-02-01")[0] == 0
    assert [entry.view.retired for entry in read_ledger(ledger)] == [("doublings_per_year_of_progress",), ()]
    shown = command("ledger", "show", ledger)[1]
    assert "doublings_per_year_of_progress: fixed 8 -> not stated" in shown
    assert "software_share: not stated -> fixed 0.5" in shown


@pytest.mark.slow
@pytest.mark.parametrize("saved", ["old_json", "old_draws"])
def test_nothing_is_computed_from_it(saved, request, command):
    path = request.getfixturevalue(saved)
    code, out, err = command("diff", path, "davidson_houlden_2025")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(
        "davidson_houlden_2025 [doublings_per_year_of_progress]: found a quantity of an earlier version"
    )


def test_no_draw_is_taken_from_it(old_json, refused):
    view = read_json(old_json)["davidson_houlden_2025"].view
    with refused(
        "davidson_houlden_2025 [doublings_per_year_of_progress]", "found a quantity of an earlier version"
    ):
        sie.prior(view, draws=1000, seed=1)


def test_no_view_of_now_states_it(view_text, write_view, refused):
    old = '\n[doublings_per_year_of_progress]\nfamily = "fixed"\nvalue = 8\nunit = "1"\nbasis = "ours"\nlocator = "here"\nnote = "of a test"\n'
    with refused(
        "view.toml [doublings_per_year_of_progress]",
        "an earlier version",
        "[software_share], the recent pace",
    ):
        sie.read_view(write_view(view_text + old))
