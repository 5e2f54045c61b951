"""Which check finds which fault: the tables of docs/checks.md, measured again. A sound model passes them all."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from broken_models import FAULTS, FIT, RIGHT_MODEL, SLOW, TWICE, doubled, sound

from sie.base.errors import DoubleCounting
from sie.returns.design import design

PAGE = Path(__file__).parents[1] / "docs" / "checks.md"
CHECKS = {**RIGHT_MODEL, **FIT}
WORDS = ("found", "not found", "no verdict")
WORLDS = ("calibration, 60 worlds", "ranks again, 60 worlds")
ELSEWHERE = [fault for fault in FAULTS if {"row", "rows"} & {*fault.split()}]
"""Faults that quicker checks find too, so that worlds are drawn for them before a release alone."""


def marks(head, fault):
    """When a pair is measured again, beside every change."""
    return [pytest.mark.release if fault in ELSEWHERE else pytest.mark.long] if head in WORLDS else []


def tables():
    """(fault, check) to what the page says that the check does: the words before the number, of both tables."""
    said, heads = {}, []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if cells and cells[0] == "fault":
            heads = cells[1:]
        elif cells and cells[0] in FAULTS:
            said |= {
                (cells[0], head): cell.partition(":")[0] for head, cell in zip(heads, cells[1:], strict=True)
            }
    return said


def test_the_page_has_every_fault_and_every_check():
    said = tables()
    assert set(said) == set(product(FAULTS, CHECKS))
    assert set(said.values()) == set(WORDS)


def test_a_sound_model_is_found_by_no_check():
    assert {word for (fault, _), word in tables().items() if fault == "none"} == {"not found", "no verdict"}


def test_every_fault_is_found_by_a_check():
    said = tables()
    for fault in list(FAULTS)[1:]:
        assert "found" in [said[fault, head] for head in CHECKS]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("head", "fault"),
    [
        pytest.param(head, fault, marks=marks(head, fault))
        for head, check in CHECKS.items()
        if check not in SLOW
        for fault in FAULTS
    ],
)
def test_each_check_finds_what_the_page_says(head, fault):
    finding = CHECKS[head](fault)
    assert finding.word == tables()[fault, head], finding.number


@pytest.mark.slow
def test_the_refusal_of_double_counting_goes_by_the_name_of_the_data():
    """A row that is entered twice as if of other data is accepted: the refusal sees names, not numbers."""
    twice = doubled(sound(), np.array([sound().coords["estimate"].index(TWICE)]))
    with pytest.raises(DoubleCounting, match=f"{TWICE} and {TWICE} again on the same output data"):
        design(twice.rows, sound().view)
    unused = np.setdiff1d(np.arange(twice.rows.sizes["output_data"]), twice.rows.output_idx.values)[0]
    output = twice.rows.output_idx.copy()
    output[-1] = unused
    accepted = design(twice.rows.assign(output_idx=output), sound().view)
    assert accepted.coords["estimate"][-1] == f"{TWICE} again"
