"""Tables of credences as Markdown, LaTeX and CSV, and figures as SVG and PDF: complete, and harmless where they are read."""

import csv
import io
import json
import re

import pytest

import sie
from sie.growth.events import EVENTS
from sie.page.export import Block, as_csv, export
from sie.plots.style import save

FEW = ("--priors-only", "--draws", "1000")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("export")


def written(command, path, *args):
    code, _, err = command(*args, "--table", path)
    assert (code, err) == (0, "")
    return path.read_text(encoding="utf-8")


def test_csv_has_the_credences_of_the_json(command, folder):
    views = ("davidson_2025", "davidson_houlden_2025")
    text = written(command, folder / "r.csv", "report", *views, *FEW, "--json", folder / "r.json")
    stored = [
        {"view": view["view"], **each}
        for view in json.loads((folder / "r.json").read_text())["views"]
        for each in view["credences"]
    ]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [{**row, "p": float(row["p"]), "mcse": float(row["mcse"])} for row in rows] == stored
    assert len(rows) == 2 * len(EVENTS)


def test_markdown_and_latex_have_a_row_an_event_of_as_many_cells_as_the_head(command, folder):
    text = written(command, folder / "r.md", "report", "davidson_2025", *FEW)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 2 + len(EVENTS)
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {6}
    assert "All credences are conditional" in text
    tex = written(command, folder / "r.tex", "report", "davidson_2025", *FEW)
    rows = [line for line in tex.splitlines() if line.endswith(r" \\")]
    assert len(rows) == 1 + len(EVENTS)
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {4}


def test_the_table_of_all_views_has_its_pools(command, folder):
    views = ("davidson_2025", "davidson_houlden_2025")
    rows = written(command, folder / "t.csv", "table", *views, *FEW, "--event", "r_above_1").splitlines()
    assert [row.split(",")[0] for row in rows] == ["view", *views, "linear pool", "logarithmic pool"]
    tex = written(command, folder / "t.tex", "table", *views, *FEW, "--event", "r_above_1")
    assert r"davidson\_houlden\_2025 & 11 of 12" in tex


def test_latex_and_markdown_obey_nothing_that_a_label_says(tmp_path):
    label = r"50% of a_b & c#d $x$ {y} ~z^2 \input{f} | <b> [l](u) *s* `c`"
    for ending in (".tex", ".md"):
        export(tmp_path / f"t{ending}", [Block(label, ("a", "b"), [[label, "1"]])], [label], "")
    tex = (tmp_path / "t.tex").read_text()
    body = re.sub(r"\\text(?:backslash|asciitilde|asciicircum)\{\}|\\[&%$#_{}]|\$[<>]\$", "", tex)
    body = re.sub(r"\\(?:begin|end)\{table\}|\\centering|\\hline|\\caption\{|\\(?:begin|end)\{tabular\}(?:\{lr\})?|\\\\", "", body)  # fmt: skip
    assert re.findall(r"[\\%$#_^~{]", body) == []
    assert body.count("&") == 2
    for letter in "|<>[]*`_#":
        assert re.search(rf"(?<!\\){re.escape(letter)}", re.sub(r"(?m)^\| | \| | \|$|^\*\*|\*\*$", "", (tmp_path / "t.md").read_text())) is None, letter  # fmt: skip


@pytest.mark.parametrize("name", ["=1+1", "+a", "-a", "@a"])
def test_no_name_is_a_formula_to_a_spreadsheet(name):
    text = as_csv([{"view": name, "event": "e", "given": "priors", "p": 0.5, "mcse": 0.1}])
    assert text.splitlines()[1] == f"'{name},e,priors,0.5,0.1"


@pytest.mark.parametrize("kind", ["svg", "pdf", "png"])
def test_a_figure_is_written_in_the_format_asked_for_with_the_same_bytes(kind, tmp_path):
    start = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}[kind]
    for name in "ab":
        save(sie.plot_prior(sie.read_view("reference"), "sigma"), tmp_path / f"{name}.{kind}")
    assert (tmp_path / f"a.{kind}").read_bytes().startswith(start)
    assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


@pytest.mark.slow
def test_the_figures_of_a_report_are_in_the_format_asked_for(command, tmp_path):
    view = "davidson_houlden_2025"
    assert command("report", view, *FEW, "--out", tmp_path, "--figures", "svg")[0] == 0
    assert {path.suffix for path in tmp_path.iterdir()} == {".csv", ".nc", ".svg"}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ("--table", "credences.doc"),
            "want a name that ends in .md (Markdown) or .tex (LaTeX) or .csv (CSV)",
        ),
        (("--figures", "gif"), "--figures: found 'gif', want one of png, svg, pdf"),
        (("--table", "nowhere/t.md"), "no folder nowhere"),
        (("--table", "t.csv", "--json", "t.csv"), "another target of this command"),
    ],
)
def test_a_format_or_place_that_there_is_not_is_refused_at_once(
    args, message, command, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    code, out, err = command("report", "davidson_2025", *args)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert list(tmp_path.iterdir()) == []
