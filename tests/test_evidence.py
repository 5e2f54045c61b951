"""Evidence: what reading accepts and refuses, and which rows a view may be confronted with."""

import csv
import dataclasses
from datetime import date

import numpy as np
import pytest
from conftest import row_changed
from scipy import stats

import sie
from sie.base.reading import data_folder
from sie.data.evidence import INPUTS, TARGET, evidence_files
from sie.data.quotes import find_quote
from sie.data.row_rules import READ
from sie.returns.selection import domains_at

SOURCES = data_folder("evidence").parent.parent / "shared" / "sources"
VIEWS = sie.view_names()


def left_out(rows):
    return dict(rows.attrs["left_out"])


def test_the_bundled_evidence_reads_and_its_ids_are_unique(evidence):
    ids = evidence.estimate.values.tolist()
    assert len(set(ids)) == len(ids) > 20
    assert set(evidence.kind.values) == {"r", "factor", "input", "growth", "series"}
    estimates = evidence.kind.isin(["r", "factor"]).values
    assert np.all(evidence.value.sel(quantile=0.5).values[estimates] > 0)
    assert np.all(np.isnan(evidence.value.values[evidence.kind.isin(["growth", "series"]).values]))
    assert np.all(np.isnan(evidence.growth.values[evidence.kind.values != "growth"]))


def test_every_line_of_the_files_is_a_row(evidence):
    ids = []
    for name in ("returns.csv", "factors.csv", "inputs.csv", "growth.csv", "series.csv"):
        with (data_folder("evidence") / name).open(newline="", encoding="utf-8") as stream:
            ids += [row["id"] for row in csv.DictReader(stream)]
    assert evidence.estimate.values.tolist() == ids


def test_numbers_are_read_as_they_stand(evidence):
    row = evidence.sel(estimate="vision_2024")
    assert row.value.values.tolist() == [0.821, 1.243, 1.437, 1.597, 2.420]
    assert np.isnan(row.se)
    assert row.definition_sd == 0.4
    assert evidence.domain.values[row.domain_idx] == "computer vision"
    assert not row.includes.any()
    assert evidence.includes.sel(estimate="alexnet_2020", adjustment="hardware_scale") == 1


TABLES = ("returns.csv", "factors.csv", "inputs.csv", "growth.csv", "series.csv")


def cells_of(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_every_bundled_row_says_last_whether_it_was_read_in_the_primary_work(evidence):
    for name in TABLES:
        rows = cells_of(data_folder("evidence") / name)
        assert list(rows[0])[-1] == "read"
        assert {row["read"] for row in rows} <= set(READ)
        assert evidence.read.sel(estimate=[row["id"] for row in rows]).values.tolist() == [
            row["read"] for row in rows
        ]
    assert sie.read_inputs().read.equals(evidence.read.sel(estimate=sie.read_inputs().estimate))


def test_a_text_that_we_hold_was_read(evidence):
    """Of sources whose text is held, second-hand are only numbers that these take from others' works."""
    held = [sie.read_sources()[source].text is not None for source in evidence.source.values]
    second_hand = (evidence.read.values == "second-hand") & (evidence.quote.values != "")
    assert np.all(np.array(held)[second_hand])
    assert evidence.estimate.values[second_hand].tolist() == [
        "algorithms_2025",
        "post_training_anthropic_2024",
        "algorithms_growth",
    ]


def test_a_row_need_not_say_where_it_was_read(evidence, evidence_copy):
    """Neither in a table whose header is older than the column, nor in an empty cell."""
    for name in TABLES[1:]:
        path = evidence_copy / name
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join(line.rpartition(",")[0] for line in lines) + "\n", encoding="utf-8")
    row_changed(evidence_copy / TABLES[0], "vision_2024", {"read": ""})
    found = sie.read_evidence(evidence_copy)
    said = found.read.values != ""
    assert found.estimate.values[said].tolist() == [
        row["id"] for row in cells_of(evidence_copy / TABLES[0]) if row["id"] != "vision_2024"
    ]
    assert found.drop_vars("read").drop_attrs().identical(evidence.drop_vars("read").drop_attrs())
    assert set(sie.read_inputs(evidence_copy).read.values) == {""}


def test_gurobi_grew_by_four_speedups_in_the_years_since_the_release_before_the_first(evidence):
    speedups = np.array([1.13, 1.086, 1.131, 1.006])
    dates = [date(2021, 11, 9), date(2022, 11, 14), date(2023, 12, 4), date(2024, 11, 19), date(2025, 11, 18)]
    gains, since = np.log(speedups), [(dates[-1] - day).days / 365.25 for day in dates]
    row, lp = (evidence.sel(estimate=name) for name in ("gurobi_growth", "lp_growth"))
    low, median, high = row.growth.sel(flow="output").values
    assert median == pytest.approx(gains.sum() / since[0], abs=5e-4)
    error = stats.t.ppf(0.95, 3) * gains.std(ddof=1) / 2
    assert low == pytest.approx(gains.mean() - error, abs=5e-4)
    assert high == lp.growth.sel(flow="output", growth_quantile=0.95).item() > gains.mean() + error
    for other in (gains[1:].sum() / since[1], gains.sum() / since[1]):
        assert f"{other:.3f}" in row.note.item()
    assert row.definition_sd.item() == pytest.approx(
        np.hypot(lp.definition_sd.item(), np.log(2.1) / stats.norm.ppf(0.95)), abs=5e-3
    )
    for name in ("input_idx", "domain_idx", "measure", "measure_sd", "ratio"):
        assert row[name].equals(lp[name].drop_vars("estimate").assign_coords(estimate=row.estimate)), name
    assert row.growth.sel(flow="labour").values.tolist() == lp.growth.sel(flow="labour").values.tolist()
    assert row.output_idx != lp.output_idx


def test_quantiles_or_a_standard_error_are_nan_where_not_given(evidence):
    evidence = evidence.sel(estimate=evidence.kind.isin(["r", "factor"]))
    quantiles = np.isfinite(evidence.value).sum("quantile")
    np.testing.assert_array_equal(np.isfinite(evidence.se), quantiles == 1)


def test_each_output_data_has_one_preferred_row(evidence):
    for kinds in (["r", "factor", "input"], ["growth"], ["series"]):
        rows = evidence.sel(estimate=evidence.kind.isin(kinds))
        preferred = rows.output_idx.values[rows.preferred.values == 1]
        assert sorted(preferred) == sorted(set(rows.output_idx.values))


def test_reading_twice_gives_the_same(evidence):
    assert evidence.identical(sie.read_evidence(data_folder("evidence")))


def test_the_hash_covers_every_file_that_is_read():
    assert [path.name for path in evidence_files()] == [
        "domains.csv",
        "factors.csv",
        "growth.csv",
        "inputs.csv",
        "returns.csv",
        "series.csv",
        "sources.toml",
        "alexnet.csv",
        "cifar10.csv",
        "nanogpt_speedrun.csv",
        "stockfish.csv",
        "stockfish_builds.csv",
    ]


@pytest.mark.parametrize("view", VIEWS)
def test_used_and_left_out_rows_make_up_all(view, evidence):
    rows = sie.usable(evidence, sie.read_view(view))
    used, out = rows.estimate.values.tolist(), left_out(rows)
    assert len(out) == len(rows.attrs["left_out"])
    assert not set(used) & set(out)
    assert sorted([*used, *out]) == sorted(evidence.estimate.values)


@pytest.mark.parametrize("view", VIEWS)
def test_usable_rows_are_preferred_unreflected_and_against_labour(view, evidence):
    view = sie.read_view(view)
    rows = sie.usable(evidence, view)
    assert not set(rows.estimate.values) & set(view.reflects)
    assert rows.preferred.values.all()
    assert set(rows.input.values[rows.kind.values == "r"]) <= {"labour"}
    assert len(set(rows.output_idx.values)) == rows.sizes["estimate"]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("vision_2024", "the view already reflects it"),
        ("vision_2025", "same output data as vision_2024, which the view already reflects"),
        ("rl_2025", "same output data as rl_2024, which is preferred"),
        ("stockfish_2024", "measured against compute; the view states the compute factor against labour"),
        ("openai_2025", "measured against all; the view states the compute factor against labour"),
    ],
)
def test_a_row_is_left_out_with_its_reason(row, why, evidence):
    levels = dict.fromkeys(domains_at(evidence, "published"), "published")
    assert left_out(sie.usable(evidence, sie.read_view("davidson_2025"), levels=levels))[row] == why


def test_a_view_that_reflects_nothing_of_a_pair_keeps_the_preferred(evidence):
    view = dataclasses.replace(sie.read_view("davidson_2025"), reflects=())
    rows = sie.usable(evidence, view, levels={"computer vision": "published"})
    assert "vision_2024" in rows.estimate.values
    assert left_out(rows)["vision_2025"] == "same output data as vision_2024, which is preferred"


def test_a_view_that_reflects_the_other_of_a_pair_loses_the_preferred(evidence, view_text, write_view):
    view = sie.read_view(write_view(view_text.replace('"vision_2024"', '"vision_2025"')))
    assert (
        left_out(sie.usable(evidence, view))["vision_2024"]
        == "same output data as vision_2025, which the view already reflects"
    )


def test_a_steepening_row_cannot_inform_a_view_that_derives_it(evidence, view_text, write_view):
    text = view_text.replace('    "davidson_2025_steepening",\n', "")
    blocks = [block for block in text.split("\n\n") if not block.startswith("[steepening]")]
    gained = "[gained_before_asara]\nfamily = 'fixed'\nvalue = 3\nunit = 'OOMs of training efficiency'\nbasis = 'ours'"
    derived = sie.read_view(
        write_view("\n\n".join([*blocks, gained + "\nlocator = 'here'\nnote = 'a test'\n"]))
    )
    why = "includes steepening, which the view derives from gained_before_asara"
    assert left_out(sie.usable(evidence, derived))["davidson_2025_steepening"] == why


def test_a_view_that_states_r_does_not_claim_to_derive_steepening(evidence):
    out = left_out(sie.usable(evidence, sie.read_view("davidson_houlden_2025")))
    assert "gained_before_asara" not in out.get("davidson_2025_steepening", "")


def test_usable_leaves_the_evidence_as_it_was(evidence):
    before = evidence.copy(deep=True)
    sie.usable(evidence, sie.read_view("davidson_2025"))
    assert evidence.identical(before)


def test_a_reflected_row_that_does_not_exist_is_refused(evidence, view_text, write_view, refused):
    view = sie.read_view(write_view(view_text.replace('"vision_2024"', '"vision_1924"')))
    with refused("view reflects", "'vision_1924'", "the id of an evidence row"):
        sie.usable(evidence, view)


RETURNS = ("returns.csv", "vision_2024")
FACTORS = ("factors.csv", "toy_ml_2025")
GROWTH = ("growth.csv", "vision_growth")
COMPUTE = ("factors.csv", "davidson_2025_compute")
SAT = ("growth.csv", "sat_growth")
SPEEDRUN = ("series.csv", "nanogpt_speedrun")
STEEP = ("factors.csv", "davidson_2025_steepening")
FORTY = " ".join(["1.7", *39 * ["word"]])


@pytest.mark.parametrize(
    ("row", "cells", "where", "found", "want"),
    [
        (RETURNS, {"id": "Vision 2024"}, "returns.csv line 2 id", "'Vision 2024'", "lower-case"),
        (RETURNS, {"id": ""}, "returns.csv line 2 id", "nothing", "lower-case"),
        (RETURNS, {"id": "rl_2024"}, "returns.csv line 4 id", "'rl_2024'", "(returns.csv line 2 has it)"),
        (FACTORS, {"id": "rl_2024"}, "factors.csv line 2 id", "'rl_2024'", "(returns.csv line 4 has it)"),
        (
            ("returns.csv", "vision_2025"),
            {"preferred": "1"},
            "returns.csv line 3 preferred",
            "vision_2024",
            "exactly one",
        ),
        (RETURNS, {"preferred": "0"}, "returns.csv line 2 preferred", "no preferred row", "exactly one"),
        (RETURNS, {"preferred": "yes"}, "returns.csv line 2 preferred", "'yes'", "0 or 1"),
        (
            FACTORS,
            {"output_data": "dorner_2021_atari"},
            "factors.csv line 2 preferred",
            "rl_2024",
            "exactly one",
        ),
        (RETURNS, {"domain": "bread"}, "returns.csv line 2 domain", "'bread'", "language models"),
        (
            RETURNS,
            {"source": "nobody_1999"},
            "returns.csv line 2 source",
            "'nobody_1999'",
            "a key of sources.toml",
        ),
        (RETURNS, {"source": ""}, "returns.csv line 2 source", "nothing", "a key of sources.toml"),
        (RETURNS, {"input": "capital"}, "returns.csv line 2 input", "'capital'", ", ".join(INPUTS)),
        (RETURNS, {"input": ""}, "returns.csv line 2 input", "nothing", ", ".join(INPUTS)),
        (RETURNS, {"output_data": ""}, "returns.csv line 2 output_data", "nothing", "the data"),
        (FACTORS, {"input_data": ""}, "factors.csv line 2 input_data", "nothing", "the data"),
        (RETURNS, {"hardware_scale": "2"}, "returns.csv line 2 hardware_scale", "'2'", "0 or 1"),
        (RETURNS, {"steepening": ""}, "returns.csv line 2 steepening", "nothing", "0 or 1"),
        (FACTORS, {"capabilities": "0"}, "factors.csv line 2 capabilities", "no adjustment", "at least one"),
        (RETURNS, {"r_q05": "1.3"}, "returns.csv line 2 r_q05", "[1.3, 1.243", "ascending"),
        (RETURNS, {"r_q25": "1.437"}, "returns.csv line 2 r_q05", "1.437, 1.437", "ascending"),
        (RETURNS, {"r_q05": "-0.8"}, "returns.csv line 2 r_q05", "'-0.8'", "a number above 0"),
        (RETURNS, {"r_q05": "0"}, "returns.csv line 2 r_q05", "'0'", "a number above 0"),
        (RETURNS, {"r_q50": "about 1"}, "returns.csv line 2 r_q50", "'about 1'", "a number above 0"),
        (RETURNS, {"r_q50": "nan"}, "returns.csv line 2 r_q50", "'nan'", "a number above 0"),
        (RETURNS, {"r_q95": "inf"}, "returns.csv line 2 r_q95", "'inf'", "a number above 0"),
        (RETURNS, {"r_q95": "2_4"}, "returns.csv line 2 r_q95", "'2_4'", "a number above 0"),
        (RETURNS, {"r_q50": ""}, "returns.csv line 2 r_q50", "other numbers", "five quantiles"),
        (RETURNS, {"r_se": "0.1"}, "returns.csv line 2 r_q50", "other numbers", "five quantiles"),
        (FACTORS, {"f_se": ""}, "factors.csv line 2 f_q50", "other numbers", "q50 with se"),
        (FACTORS, {"f_se": "-0.4"}, "factors.csv line 2 f_se", "'-0.4'", "a number above 0"),
        (RETURNS, {"definition_sd": "-0.1"}, "returns.csv line 2 definition_sd", "'-0.1'", "at least 0"),
        (RETURNS, {"definition_sd": ""}, "returns.csv line 2 definition_sd", "nothing", "at least 0"),
        (RETURNS, {"definition_sd": "nan"}, "returns.csv line 2 definition_sd", "'nan'", "at least 0"),
        (RETURNS, {"basis": "guessed"}, "returns.csv line 2 basis", "'guessed'", "stated"),
        (RETURNS, {"quote": "r was 1.437"}, "returns.csv line 2 quote", "a quote", "transcribed"),
        (RETURNS, {"via": ""}, "returns.csv line 2 via", "nothing", "transcribed"),
        (RETURNS, {"locator": ""}, "returns.csv line 2 locator", "nothing", "the place"),
        (RETURNS, {"basis": "stated"}, "returns.csv line 2 quote", "nothing", "stated"),
        (FACTORS, {"quote": FORTY}, "factors.csv line 2 quote", "40 words", "fewer than 40"),
        (FACTORS, {"note": ""}, "factors.csv line 2 note", "nothing", "derived"),
        (RETURNS, {"read": "first-hand"}, "returns.csv line 2 read", "'first-hand'", "primary, second-hand"),
        (SPEEDRUN, {"read": "yes"}, "series.csv line 2 read", "'yes'", "one of primary, second-hand"),
        (
            ("inputs.csv", "whitfill_wu_compute"),
            {"read": "second-hand"},
            "inputs.csv line 13 read",
            "'second-hand'",
            "primary or nothing (basis is stated",
        ),
        (FACTORS, {"basis": "stated"}, "factors.csv line 2 quote", "no 0.4 in it", "every stated number"),
        (
            ("domains.csv", "computer vision"),
            {"remoteness": "0.9"},
            "domains.csv line 3 remoteness",
            "'0.9'",
            "at least 1",
        ),
        (
            ("domains.csv", "computer vision"),
            {"remoteness": "far"},
            "domains.csv line 3 remoteness",
            "'far'",
            "at least 1",
        ),
        (("domains.csv", "computer vision"), {"note": ""}, "domains.csv line 3 note", "nothing", "reason"),
        (
            ("domains.csv", "computer vision"),
            {"level": ""},
            "domains.csv line 3 level",
            "nothing",
            "one of published",
        ),
        (
            ("domains.csv", "computer vision"),
            {"level": "r"},
            "domains.csv line 3 level",
            "'r'",
            "one of published",
        ),
        (GROWTH, {"labour": ""}, "growth.csv line 2 labour", "nothing", "one of parallel, serial"),
        (GROWTH, {"labour": "serial"}, "growth.csv line 2 labour", "'serial'", "divided by 0.7"),
        (FACTORS, {"labour": "serial"}, "factors.csv line 2 labour", "'serial'", "divided by 0.7"),
        (COMPUTE, {"labour": ""}, "factors.csv line 7 labour", "nothing", "one of parallel, serial"),
        (COMPUTE, {"labour": "heads"}, "factors.csv line 7 labour", "'heads'", "one of parallel, serial"),
        (STEEP, {"labour": "parallel"}, "factors.csv line 10 labour", "'parallel'", "no number of the row"),
        (COMPUTE, {"history": ""}, "factors.csv line 7 history", "nothing", "the input_data of the history"),
        (COMPUTE, {"history": "heads"}, "factors.csv line 7 history", "'heads'", "openalex_vision_authors"),
        (
            STEEP,
            {"history": "openalex_vision_authors"},
            "factors.csv line 10 history",
            "'openalex",
            "nothing (the row has no compute_bottleneck)",
        ),
        (GROWTH, {"measure": "author"}, "growth.csv line 2 measure", "'author'", "authors, publications"),
        (
            GROWTH,
            {"measure_sd": "0.41"},
            "growth.csv line 2 measure_sd",
            "0.41",
            "at most definition_sd, 0.4",
        ),
        (GROWTH, {"measure_sd": "-1"}, "growth.csv line 2 measure_sd", "'-1'", "at least 0"),
        (
            ("returns.csv", "stockfish_2024"),
            {"measure": "", "measure_sd": "0.1"},
            "returns.csv line 9 measure_sd",
            "0.1",
            "0 where no labour is counted",
        ),
        (
            GROWTH,
            {"ratio_q05": "1", "ratio_q95": "2"},
            "growth.csv line 2 ratio_q05",
            "1.0",
            "nothing (the growth of compute is known)",
        ),
        (
            ("series.csv", "alexnet"),
            {"ratio_q05": "1", "ratio_q95": "2"},
            "series.csv line 4 ratio_q05",
            "1.0",
            "nothing (growth.csv has the growth of compute of openalex_vision_authors)",
        ),
        (
            RETURNS,
            {"ratio_q05": "1", "ratio_q95": "2"},
            "returns.csv line 2 ratio_q05",
            "1.0",
            "nothing (growth.csv has the growth of compute of openalex_vision_authors)",
        ),
        (SAT, {"ratio_q95": ""}, "growth.csv line 5 ratio_q95", "nothing", "both ratio_q05 and ratio_q95"),
        (SAT, {"ratio_q95": "1"}, "growth.csv line 5 ratio_q05", "[2.1, 1.0]", "ascending"),
        (SPEEDRUN, {"ratio_q05": "0"}, "series.csv line 2 ratio_q05", "'0'", "a ratio of growth rates"),
        (
            ("domains.csv", "computer vision"),
            {"domain": ""},
            "domains.csv line 3 domain",
            "nothing",
            "no other line",
        ),
        (
            ("domains.csv", "computer vision"),
            {"domain": TARGET},
            "domains.csv line 3 domain",
            f"'{TARGET}'",
            "no other line",
        ),
        (("domains.csv", TARGET), {"remoteness": "2"}, f"domains.csv {TARGET}", "2", "remoteness 1"),
        (("domains.csv", TARGET), {"domain": "LLMs"}, f"domains.csv {TARGET}", "nothing", "remoteness 1"),
    ],
)
def test_a_wrong_row_is_refused(row, cells, where, found, want, evidence_with, refused):
    folder = evidence_with(*row, **cells)
    with refused(f"{where}: found", found, want):
        sie.read_evidence(folder)


def spoil_header(old, new):
    return lambda text: text.replace(old, new, 1)


@pytest.mark.parametrize("file", ["domains.csv", "returns.csv", "factors.csv"])
@pytest.mark.parametrize(
    ("spoil", "where", "found"),
    [
        (lambda text: "", "", "an empty file"),
        (lambda text: "\n \n", "", "an empty file"),
        (lambda text: text.splitlines()[0] + "\n", "", "a header and no rows"),
        (spoil_header("note", "notes"), " header", "'notes'"),
        (spoil_header(",note", ""), " header", "no column note"),
        (spoil_header("note", "note,note"), " header", "a column twice"),
        (spoil_header("\n", "\n\n"), " line 2", "0 cells"),
        (lambda text: text + "one,two\n", " line ", "2 cells"),
        (lambda text: text + '"open', "", "a CSV error"),
        (
            lambda text: text.encode().replace(b"Ours", b"\xffurs", 1).replace(b"n", b"\xff", 1),
            " line 1",
            "not UTF-8",
        ),
    ],
    ids=[
        "empty",
        "blank",
        "header-only",
        "unknown-column",
        "missing-column",
        "column-twice",
        "blank-line",
        "few-cells",
        "open-quote",
        "latin",
    ],
)
def test_a_wrong_table_is_refused(file, spoil, where, found, evidence_copy, refused):
    path = evidence_copy / file
    content = spoil(path.read_text(encoding="utf-8"))
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with refused(f"{file}{where}", found):
        sie.read_evidence(evidence_copy)


@pytest.mark.parametrize("file", ["domains.csv", "returns.csv", "factors.csv", "sources.toml"])
def test_a_missing_file_is_refused(file, evidence_copy, refused):
    (evidence_copy / file).unlink()
    with refused(str(evidence_copy / file), "no such file"):
        sie.read_evidence(evidence_copy)


def test_a_missing_folder_is_refused(tmp_path, refused):
    with refused(str(tmp_path / "none"), "no such folder"):
        sie.read_evidence(tmp_path / "none")


@pytest.mark.parametrize(
    ("old", "new", "where", "found"),
    [
        ('authors = "Deep"\n', "", "sources.toml [deep_2025] authors", "nothing"),
        ('authors = "Deep"', "authors = 3", "sources.toml [deep_2025] authors", "3"),
        ('authors = "Deep"', 'authors = "Deep"\ndoi = "x"', "sources.toml [deep_2025] doi", "an unknown key"),
        (
            'text = "kwa_2026_shortform.txt"',
            'text = "../kwa.txt"',
            "sources.toml [kwa_2026] text",
            "'../kwa.txt'",
        ),
        (
            'url = "https://arxiv.org/abs/2507.23181"',
            'url = "https://t.co/aigbiia2Kr"',
            "sources.toml [whitfill_wu_2025] url",
            "t.co",
        ),
        (
            'url = "https://arxiv.org/abs/2507.23181"',
            'url = "https://www.bit.ly/x"',
            "sources.toml [whitfill_wu_2025] url",
            "bit.ly",
        ),
        (
            'url = "https://arxiv.org/abs/2507.23181"',
            'url = "arXiv 2507.23181"',
            "sources.toml [whitfill_wu_2025] url",
            "arXiv",
        ),
        (
            'url = "https://arxiv.org/abs/2507.23181"',
            'url = "javascript:alert(1)"',
            "sources.toml [whitfill_wu_2025] url",
            "javascript",
        ),
        (
            'url = "https://arxiv.org/abs/2507.23181"',
            'url = ""',
            "sources.toml [whitfill_wu_2025] url",
            "neither",
        ),
        ('no_url = "this repository"', "", "sources.toml [sie_project] url", "neither"),
        (
            'no_url = "this repository"',
            'no_url = "x"\nurl = "https://example.org"',
            "sources.toml [sie_project] url",
            "both",
        ),
        ("[eth_davidson_2025]", "loose = 1\n[eth_davidson_2025]", "sources.toml [loose]", "1"),
        ("[eth_davidson_2025]", "[eth_davidson_2025", "sources.toml", "a TOML syntax error"),
    ],
)
def test_a_wrong_bibliography_is_refused(old, new, where, found, evidence_copy, changed, refused):
    changed(evidence_copy / "sources.toml", old, new)
    with refused(where, found):
        sie.read_evidence(evidence_copy)


def quotes():
    """(where, source key, quote) of everything in evidence/ and priors/ that quotes."""
    evidence = sie.read_evidence()
    for i, row in enumerate(evidence.estimate.values):
        yield row, evidence.source.values[i], evidence.quote.values[i]
    for name in VIEWS:
        view = sie.read_view(name)
        for key, item in [*view.entries.items(), *view.concludes.items()]:
            yield f"{name} [{key}]", item.source or view.source, item.quote


@pytest.mark.skipif(not SOURCES.is_dir(), reason="the sources' texts are not here")
@pytest.mark.parametrize(("source", "quote"), [pytest.param(s, q, id=where) for where, s, q in quotes() if q])
def test_every_quote_stands_in_its_source(source, quote):
    text = (SOURCES / sie.read_sources()[source].text).read_text(encoding="utf-8")
    assert find_quote(quote, text)
