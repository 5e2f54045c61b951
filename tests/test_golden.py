"""Default credences against `golden.csv`, whose history says why a number moved, and against the table in the README."""

import csv
from pathlib import Path

import pytest

import sie
from sie.data.wording import authored_in_words, hundredths
from sie.page.text import compute

GOLDEN = {
    (row["view"], row["event"], row["given"]): (float(row["p"]), float(row["mcse"]))
    for row in csv.DictReader((Path(__file__).parent / "golden.csv").read_text(encoding="utf-8").splitlines())
}
README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("view", sie.view_names())
def test_default_credences_are_within_4_mcse_of_the_golden_ones(view):
    result = compute(sie.read_view(view), sie.read_evidence(), seed=1, draws=20000)
    found = {
        (view, event, given)
        for given in result.given
        for event in result.credences[given].event.values.tolist()
    }
    assert found == {key for key in GOLDEN if key[0] == view}
    for _, event, given in found:
        credence = result.credences[given].sel(event=event)
        p, mcse = GOLDEN[view, event, given]
        error = (mcse**2 + credence.mcse.item() ** 2) ** 0.5
        assert abs(credence.p.item() - p) < 4 * error, (event, given)


def test_the_table_in_the_readme_shows_the_golden_credences():
    columns = [
        ("davidson_2025", "priors"),
        ("davidson_2025", "evidence"),
        ("davidson_houlden_2025", "priors"),
        ("reference", "priors"),
        ("reference", "evidence"),
    ]
    lines = [
        [cell.strip(" `") for cell in line.strip("|").split("|")]
        for line in README.splitlines()
        if "|" in line
    ]
    table = {cells[0]: cells[1:] for cells in lines if cells[0] in sie.EVENTS}
    authors = {cells[0]: cells[1:] for cells in lines if cells[0] in sie.view_names()}
    assert list(authors) == sie.view_names()
    for view, cells in authors.items():
        found = [
            GOLDEN.get((view, event, given))
            for event in ("r_above_1", "years_3_in_1y")
            for given in ("priors", "evidence")
        ]
        numbers = ["-" if credence is None else hundredths(credence[0]) for credence in found]
        assert cells == [authored_in_words(sie.read_view(view)), *numbers]
    assert list(table) == list(sie.EVENTS)
    for event, cells in table.items():
        assert cells == [hundredths(GOLDEN[view, event, given][0]) for view, given in columns]
