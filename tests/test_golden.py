"""Default credences against `golden.csv`, whose history says why a number moved; the tables of the documentation are made from that file."""

import csv
from pathlib import Path

import pytest

import sie
from sie.page.text import compute

GOLDEN = {
    (row["view"], row["event"], row["given"]): (float(row["p"]), float(row["mcse"]))
    for row in csv.DictReader((Path(__file__).parent / "golden.csv").read_text(encoding="utf-8").splitlines())
}


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
