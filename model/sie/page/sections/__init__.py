"""The report as a page: which sections it has, each made by one function from the same results, tables and docstrings.

To add a section, write a function that takes `Contents` and returns sections (none where it has nothing to say), and name it
in `SECTIONS`. Sections hold plain text and numbers; `page` makes them HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ...analysis.result import conditions
from ...data.bibliography import Source
from ..page import Section, render
from ..text import Result
from .answer import headline, side_by_side
from .calibration import calibration
from .contents import Contents
from .evidence import evidence
from .reference import diagnostics, model, sources, variables
from .views import views

if TYPE_CHECKING:
    from ..calibration_record import Record

__all__ = ["SECTIONS", "Contents", "as_html"]

TITLE = "How probable is a software intelligence explosion?"

MEANING = (
    "r, the returns to software R&D, is how many times AI software doubles for each doubling of cumulative research input. Once AI does the "
    "research, progress at fixed hardware speeds up if and only if r is above 1: a software intelligence explosion (SIE). ASARA stands for "
    "AI systems that fully automate AI R&D."
)

SECTIONS: tuple[Callable[[Contents], list[Section]], ...] = (
    *(headline, side_by_side, views, evidence),
    *(calibration, model, variables, diagnostics, sources),
)
"""What makes the sections of a page, in their order."""


def as_html(
    results: list[Result], works: Mapping[str, Source], *, calibrations: Sequence[Record] = ()
) -> str:
    """The report of these views as one self-contained HTML file; the same results give the same text."""
    contents = Contents(results=results, works=works, calibrations=calibrations)
    attrs = results[0].tree.attrs
    names = ", ".join(result.view.label for result in results)
    facts = [
        ("Views", names if len(results) < 4 else str(len(results))),
        (
            "Evidence rows",
            "none, priors only" if contents.evidence is None else str(contents.evidence.sizes["estimate"]),
        ),
        ("Draws", f"{attrs['draws']:,} of each view"),
        ("Seed", str(attrs["seed"])),
        ("Made with", f"sie {contents.versions['sie']}"),
    ]
    summary = (MEANING, conditions([result.view for result in results]))
    sections = [section for make in SECTIONS for section in make(contents)]
    return render(title=TITLE, summary=summary, facts=facts, sections=sections)
