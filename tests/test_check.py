"""`sie check` on the tables and series of evidence: every kind of file, one line a problem."""

import pytest

from sie.base.reading import data_folder


@pytest.mark.parametrize(
    "file",
    [
        *("domains.csv", "returns.csv", "factors.csv", "growth.csv", "series.csv", "elasticities.csv"),
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
        "stockfish.csv header output: found 'points', want one of the units minutes, seconds"
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


def test_quotes_of_elasticities_are_looked_up(command, evidence_copy, tmp_path):
    path = evidence_copy / "elasticities.csv"
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
    assert (
        "whitfill_wu_compute"
        not in command("check", "--sources", texts, data_folder("evidence") / "returns.csv")[2]
    )
