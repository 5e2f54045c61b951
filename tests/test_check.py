"""`sie check` on the tables and series of evidence: every kind of file, one line a problem."""

import csv
import shutil

import pytest

from sie.base.reading import data_folder
from sie.data.priors import view_names


@pytest.mark.parametrize(
    "file",
    [
        *("domains.csv", "returns.csv", "factors.csv", "growth.csv", "series.csv", "inputs.csv"),
        *("series/nanogpt_speedrun.csv", "series/stockfish.csv", "series/alexnet.csv", "series/cifar10.csv"),
    ],
)
def test_every_kind_of_file_is_checked_alone(file, command):
    code, out, err = command("check", data_folder("evidence") / file)
    assert (code, err) == (0, "")
    assert out.startswith("1 data sets checked, no problem")


def test_one_series_anywhere_is_checked(command, tmp_path):
    path = tmp_path / "mine.csv"
    text = (data_folder("evidence") / "series" / "cifar10.csv").read_text()
    path.write_text(text)
    assert command("check", path)[0] == 0
    path.write_text(text.replace(",340.6,", ",3406,"))
    code, out, err = command("check", path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert (
        err
        == "mine.csv line 4 output: found 3406.0, want a record no worse than 404.1 (or kind measurement)\n"
    )


def test_an_evidence_folder_is_checked_with_its_series(command, evidence_copy):
    path = evidence_copy / "series" / "stockfish.csv"
    path.write_text(path.read_text().replace("[Elo]", "[points]"))
    code, _, err = command("check", evidence_copy / "series.csv")
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith(
        "stockfish.csv header output: found 'points', want one of the units milliseconds, seconds"
    )


def test_a_table_alone_is_checked_against_the_bundled_series(command, tmp_path):
    path = tmp_path / "series.csv"
    path.write_text((data_folder("evidence") / "series.csv").read_text().replace("alexnet.csv", "other.csv"))
    code, _, err = command("check", path)
    assert (code, err.splitlines()) == (
        2,
        [
            "series.csv line 4 file: found 'other.csv', want a file in series/",
            "series/alexnet.csv: found a file that no row of series.csv names, want one row for each file",
        ],
    )


def test_quotes_of_inputs_are_looked_up(command, evidence_copy, tmp_path):
    path = evidence_copy / "inputs.csv"
    path.write_text(path.read_text().replace("SE(.34)", "SE (.35)"))
    texts = tmp_path / "texts"
    texts.mkdir()
    for name in (
        "greenblatt_mallen_2025_comments.txt",
        "eth_davidson_2025_report.txt",
        "whitfill_wu_2025_post.txt",
    ):
        (texts / name).write_text("2.58-0.10 SE(.34)(.18) MCSE[.68][0.30]")
    _, _, err = command("check", "--sources", texts, path)
    assert "evidence row whitfill_wu_compute quote: found '2.58-0.10 SE (.35)" in err
    _, _, err = command("check", "--sources", texts, data_folder("evidence") / "returns.csv")
    assert "whitfill_wu_compute" not in err


# Every problem of a file, one line each, each naming its line or key


def with_cells(path, changes):
    """Give cells of a CSV file other values: {(line, column): value}."""
    with path.open(newline="", encoding="utf-8") as stream:
        lines = list(csv.reader(stream))
    for (line, column), value in changes.items():
        at = next(i for i, name in enumerate(lines[0]) if name.split(" [")[0] == column)
        lines[line - 1][at] = value
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(lines)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("domains.csv", {(2, "level"): "raw", (3, "note"): "", (3, "remoteness"): "far", (5, "level"): ""}),
        (
            "returns.csv",
            {(2, "r_q05"): "x", (2, "steepening"): "2", (3, "domain"): "bread", (4, "source"): "no"},
        ),
        ("factors.csv", {(2, "id"): "A b", (2, "locator"): "", (2, "f_se"): "-1", (4, "output_data"): ""}),
        (
            "growth.csv",
            {(2, "output_q05"): "x", (2, "labour"): "heads", (3, "input"): "", (3, "basis"): "no"},
        ),
        (
            "series.csv",
            {(2, "file"): "../x", (2, "definition_sd"): "", (3, "preferred"): "yes", (3, "note"): ""},
        ),
        ("inputs.csv", {(2, "q50"): "x", (2, "unit"): "", (3, "se"): "0", (4, "scale"): "power"}),
        (
            "series/stockfish.csv",
            {(2, "date"): "2020", (2, "kind"): "x", (4, "output"): "", (5, "order"): "a"},
        ),
        ("series/alexnet.csv", {(3, "order"): "1", (4, "author_years"): "1"}),
        ("metr_horizons.csv", {(2, "date"): "2020", (2, "frontier"): "x", (3, "p50_minutes"): "0"}),
        ("idea_production/fits.csv", {(2, "r_q05"): "9", (2, "via"): "", (3, "naive"): "x"}),
        ("idea_production/rl.csv", {(2, "authors"): "0", (4, "year"): "x"}),
    ],
)
def test_a_table_with_several_faults_gives_a_line_for_each(file, changes, command, evidence_copy):
    with_cells(evidence_copy / file, changes)
    code, out, err = command("check", "--evidence", evidence_copy)
    assert (code, out) == (2, "")
    told = [line for line in err.splitlines() if line.startswith(f"{file.split('/')[-1]} ")]
    assert len(told) == len(err.splitlines()) == len(changes), err
    for line, column in changes:
        assert any(text.startswith(f"{file.split('/')[-1]} line {line} {column}: found ") for text in told), (
            err
        )


def test_figures_with_several_faults_give_a_line_for_each(command, tmp_path):
    path = shutil.copy(data_folder("evidence") / "figures.csv", tmp_path / "figures.csv")
    changes = {(2, "stated"): "x", (2, "formula"): "guess", (3, "source"): "nobody", (4, "slip"): "x"}
    with_cells(path, changes)
    code, _, err = command("check", path)
    assert (code, len(err.splitlines())) == (2, len(changes)), err


def test_cells_too_many_and_too_few_are_told_with_the_other_faults(command, evidence_copy):
    path = evidence_copy / "domains.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[2], lines[3] = "one,two", lines[3].replace(",published,", ",raw,").replace(",series,", ",raw,")
    path.write_text("\n".join(lines) + "\nthree\n", encoding="utf-8")
    _, _, err = command("check", path)
    assert [line.split(":")[0] for line in err.splitlines() if line.startswith("domains.csv")] == [
        "domains.csv line 3",
        f"domains.csv line {len(lines) + 1}",
        *(["domains.csv line 4 level"] if ",raw," in lines[3] else []),
    ]


SPOILT_VIEW = {
    'family  = "': 'family  = "log-',
    "reflects =": "colour = 'red'\nreflects =",
    "[spread]": "[spred]",
    'basis   = "transcribed"': 'basis   = "guessed"',
}


def test_a_view_with_several_faults_gives_a_line_for_each(command, view_text, write_view):
    text = view_text
    for old, new in SPOILT_VIEW.items():
        assert old in text
        text = text.replace(old, new, 1)
    code, out, err = command("check", write_view(text))
    assert (code, out) == (2, "")

    def line(start):
        return [each.startswith(start) for each in text.splitlines()].index(True) + 1

    assert [each.split(": found")[0] for each in err.splitlines()] == [
        f"view.toml line {line('colour')} colour",
        f"view.toml line {line('[spred]')} spred",
        "view.toml [spread]",
        f"view.toml line {line('[r_typical]') + 1} [r_typical] family",
        *(each.split(": found")[0] for each in err.splitlines() if "'guessed'" in each),
    ]
    assert len(err.splitlines()) == 5


def test_another_command_stops_at_the_first_problem(command, view_text, write_view):
    text = view_text.replace("[spread]", "[spred]").replace("[shape]", "[shapes]")
    code, out, err = command("report", write_view(text), "--priors-only")
    assert (code, out, err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(
    ("file", "faults"),
    [
        (
            "weights.toml",
            {"weight  = 1": "weight  = -1", "label   =": "name    =", 'unit    = "1"': "unit = 2"},
        ),
        ("timelines/exponential.toml", {"since   = 2023-01-01": "since   = 9", "[pace]": "[speed]"}),
        ("../evidence/buildout.toml", {"basis": "bases", 'unit    = "years"': 'unit    = "weeks"'}),
        ("../evidence/sources.toml", {"year": "years", "licence": "license"}),
    ],
)
def test_a_toml_file_with_several_faults_gives_a_line_for_each(file, faults, tmp_path):
    from sie.base.errors import DataError
    from sie.data.bibliography import read_sources
    from sie.data.timelines import read_timeline
    from sie.data.weights import read_weights
    from sie.growth.outcome import read_buildout

    original = data_folder("priors") / file
    text = original.read_text(encoding="utf-8")
    for old, new in faults.items():
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / original.name
    path.write_text(text, encoding="utf-8")
    read = {
        "weights.toml": read_weights,
        "exponential.toml": read_timeline,
        "buildout.toml": read_buildout,
        "sources.toml": read_sources,
    }[path.name]
    with pytest.raises(DataError) as refusal:
        read(path)
    told = [str(refusal.value), *map(str, refusal.value.others)]
    assert len(set(told)) == len(told) >= len(faults)
    assert all(line.startswith(f"{path.name} ") or path.suffix == ".toml" for line in told)


def test_two_bad_views_are_both_told(command, tmp_path):
    for name in view_names()[:2]:
        text = (data_folder("priors") / f"{name}.toml").read_text(encoding="utf-8")
        (tmp_path / f"{name}.toml").write_text(text.replace("[shape]", "[shapes]"), encoding="utf-8")
    _, _, err = command("check", *sorted(tmp_path.glob("*.toml")))
    assert len(err.splitlines()) == 4


BUNDLED = sorted(
    path
    for folder in ("evidence", "priors")
    for path in data_folder(folder).rglob("*")
    if path.suffix in (".csv", ".toml")
)


@pytest.mark.slow
@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_bundled_file_is_read_for_what_it_is(command, path):
    code, out, err = command("check", path)
    assert (code, err) == (0, ""), err
    assert out == f"1 data sets checked, no problem: {path.name}\n"


@pytest.mark.slow
def test_a_work_that_nothing_cites_is_a_remark_and_the_bundled_ones_are_all_cited(command, evidence_copy):
    code, out, err = command("check")
    assert (code, err) == (0, "")
    assert "remark" not in out
    path = evidence_copy / "sources.toml"
    work = '\n[unread_2026]\nauthors = "A"\ntitle = "T"\nyear = 2026\nno_url = "none"\nlicence = "none"\n'
    path.write_text(path.read_text("utf-8") + work, encoding="utf-8")
    code, out, err = command("check", "--evidence", evidence_copy)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "remark: sources.toml [unread_2026]: no row, view or figure cites it"
