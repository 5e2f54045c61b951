"""What the tabs of one explorer share (the desk: views, evidence, fits) and what each has of its own (its history).

The app file is loaded by marimo's server in this process, so the desk is opened before and found here.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import DataError, NotConverged, RefitNeeded
from ..data.bibliography import Source, read_sources
from ..data.priors import View, read_view, view_names
from ..inference.answers import Answer
from ..inference.workbench import Workbench
from .controls import priors_of
from .painters import Painters
from .state import State, edited, from_query, start

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Desk", "History", "answered", "desk", "edit", "open_desk", "opening", "use_painters"]

SEED, DRAWS = 1, 4000
"""What the explorer shows is what `sie report` says with this seed and so many draws."""

ONE_EDIT_SECONDS = 1.0
"""Moves of one slider that follow each other within this time are undone together."""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What every tab reads: views by label, the evidence and its default levels, the works that are cited, the fits.

    `painters` draw figures; where there are none, this process does.
    """

    views: Mapping[str, View]
    first: View
    evidence: xr.Dataset
    folder: Path | None
    works: Mapping[str, Source]
    levels: Mapping[str, str]
    bench: Workbench
    painters: Painters | None = None

    def chosen(self, levels: Mapping[str, str | None]) -> dict[str, str]:
        """Those of some levels by domain that are not the default."""
        return {domain: level for domain, level in levels.items() if level and level != self.levels[domain]}


_open: list[Desk] = []


def open_desk(
    view: str = "davidson_2025",
    *,
    evidence: Path | None = None,
    seed: int = SEED,
    draws: int = DRAWS,
) -> Desk:
    """Read views and evidence, and let `desk` find them. Raises DataError for bad input."""
    from ..data.evidence import read_evidence
    from ..returns.selection import default_levels, usable

    works = {**read_sources(), **(read_sources(evidence) if evidence is not None else {})}
    views = [read_view(name, sources=works) for name in view_names()]
    first = read_view(view, sources=works)
    rows = read_evidence(evidence)
    usable(rows, first)
    if first.name not in view_names() or view.endswith(".toml"):
        views = [first, *(other for other in views if other.name != first.name)]
    named = {other.label: other for other in views}
    desk = Desk(
        views=named,
        first=named[first.label],
        evidence=rows,
        folder=evidence,
        works=works,
        levels=default_levels(rows),
        bench=Workbench(rows, seed=seed, draws=draws),
    )
    _open[:] = [desk]
    return desk


def use_painters(desk: Desk, painters: Painters) -> Desk:
    """The desk with processes that draw its figures, for `desk` to find."""
    _open[:] = [found := dataclasses.replace(desk, painters=painters)]
    return found


def desk() -> Desk:
    """The open desk; the bundled one where none was opened."""
    return _open[0] if _open else open_desk()


def opening(desk: Desk, query: Mapping[str, str | list[str]]) -> tuple[State, str]:
    """The state in a URL, or the first view with words of what was wrong with the URL."""
    single = {name: value if isinstance(value, str) else value[-1] for name, value in query.items() if value}
    if not single:
        return start(desk.first), ""
    try:
        state = from_query(single, sources=desk.works)
        desk.bench.rows(edited(state), levels=state.levels)
        return state, ""
    except DataError as error:
        return start(desk.first), str(error)


class History:
    """The states of one tab, the last at the end, its last answer, and the state that its sliders are at."""

    def __init__(self) -> None:
        self.states: list[State] = []
        self.now: State | None = None
        self.answer: Answer | None = None
        self.edits = 0
        self._shown: State | None = None
        self._noted = 0.0

    @property
    def counted(self) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
        """The rows that count in the last answer, and those left out with the reason; nothing of either before it."""
        return self.answer.counted if self.answer is not None else ((), ())

    def note(self, state: State) -> None:
        """Remember a state; moves of one slider in quick succession count as one."""
        self.now = state
        if state != self._shown:
            self._shown, self.edits = state, self.edits + 1
        if self.states and state == self.states[-1]:
            return
        now = time.monotonic()
        quick = now - self._noted < ONE_EDIT_SECONDS
        if quick and len(self.states) > 1 and _same_but_one(self.states[-2], self.states[-1], state):
            self.states.pop()
        self.states.append(state)
        self._noted = now

    def undo(self) -> State | None:
        """The state before the last, which becomes the last; None where there is none."""
        if len(self.states) < 2:
            return None
        self.states.pop()
        return self.states[-1]


def _same_but_one(first: State, second: State, third: State) -> bool:
    """Whether two steps moved the prior of one and the same quantity."""
    if not first.author is second.author is third.author:
        return False
    if first.reflects != third.reflects or first.levels != third.levels:
        return False
    steps = [
        {name for name in a.author.entries if a.prior(name) != b.prior(name)}
        for a, b in ((first, second), (second, third))
    ]
    return steps[0] == steps[1] and len(steps[0]) == 1


def edit(
    desk: Desk,
    history: History,
    start: State,
    *,
    sliders: Mapping[str, float | list[float]],
    rows: Mapping[str, bool],
    levels: Mapping[str, str | None],
) -> str:
    """Bring a tab's history to where its controls stand; in words why a slider's value was not taken ("" where all were)."""
    now, refused = priors_of(start, sliders)
    now = now.reflecting(tuple(row for row, counts in rows.items() if not counts))
    history.note(now.at_levels(desk.chosen(levels)))
    return refused


def answered(
    bench: Workbench, history: History, *, stale: Callable[[Answer, str], object]
) -> tuple[Answer, str]:
    """The answer to where a tab's controls stand and, in words, why it is not the one asked for ("" where it is).

    `stale` is told the old answer and the reason before a refit starts, so that old numbers can be marked as such.
    """
    before = history.answer
    view, levels = edited(history.now), history.now.levels
    try:
        try:
            answer = bench.instant(view, levels=levels)
        except RefitNeeded as why:
            if before is not None:
                stale(before, str(why))
            answer = bench.refit(view, levels=levels)
    except (NotConverged, DataError) as error:
        if before is None:
            raise
        return before, str(error)
    history.answer = answer
    return answer, ""
