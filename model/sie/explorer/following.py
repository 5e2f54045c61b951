"""What follows an answer on the page: densities, evidence, address and figures, each put in its place by a thread of its own.

Numbers come first. A cell of the app that ran again for each edit would tell the page so in a dozen messages, and the page reads the
whole output of a cell anew at each; a thread sends nothing but what changed, once an edit has stood for a while.
"""

from __future__ import annotations

import math
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..base.errors import NotConverged
from ..inference.answers import Answer
from ..inference.workbench import Workbench
from .figures import FIGURES, shown, svg
from .painters import Painters

if TYPE_CHECKING:
    import marimo as mo

__all__ = ["Following", "Standing", "follow", "follow_figures"]

FOLLOW_AFTER_SECONDS = 0.04
"""Densities, evidence and address follow once an answer has stood for so long."""

DRAW_AFTER_SECONDS = 0.12
"""Figures are drawn once an answer has stood for so long: not while a key is held down."""

REFIT_AFTER_SECONDS = 0.6
"""A reweighted answer is replaced by that of a refit once its figures have stood for so long."""

LOOK_AFTER_SECONDS = 2.0
"""How often a thread that waits for an edit looks whether its page is still there."""


class Following:
    """What a page holds of its `standing` answer: the threads that follow that end when this is gone, with the page."""

    def __init__(self) -> None:
        self.standing = Standing()


class Standing:
    """The answer that stands on one page, the event of its tornado, and how long both have stood."""

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.event = ""
        self._changed = threading.Condition()
        self._count = 0
        self._since = math.inf

    def pause(self) -> None:
        """An edit is being answered: what follows the last one is not wanted any more."""
        with self._changed:
            self._count, self._since = self._count + 1, math.inf
            self._changed.notify_all()

    def show(self, answer: Answer) -> None:
        """An answer stands from now on."""
        with self._changed:
            self.answer = answer
            self._stand()

    def choose(self, event: str) -> None:
        """The tornado is of this event from now on."""
        with self._changed:
            self.event = event
            if self.answer is not None:
                self._stand()

    def stands(self, count: int) -> bool:
        """Whether nothing has changed since what `wait` counted."""
        return self._count == count

    def wait(self, seen: int, seconds: float) -> int | None:
        """The count of what has stood for so long, if it is another than `seen` before it is time to look at the page."""
        until = time.monotonic() + LOOK_AFTER_SECONDS
        with self._changed:
            while (now := time.monotonic()) < until:
                ripe = self._since + seconds if self._count != seen else math.inf
                if ripe <= now:
                    return self._count
                self._changed.wait(min(ripe, until) - now)
        return None

    def lasts(self, count: int, seconds: float) -> bool:
        """Wait so long, or until something changes; whether nothing did."""
        until = time.monotonic() + seconds
        with self._changed:
            while self._count == count and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)
            return self._count == count

    def _stand(self) -> None:
        self._count, self._since = self._count + 1, time.monotonic()
        self._changed.notify_all()


def follow[T](
    following: Following, what: Callable[[], T], html: Callable[[T], str], *, shown: T
) -> mo.Thread:
    """Start a thread that keeps the output of the present cell at the `html` of `what` there is, which is `shown` at first."""

    def run(page: weakref.ref[Following], standing: Standing) -> None:
        import marimo as mo

        seen, last, own = 0, shown, mo.current_thread()
        while (seen := _next(page, standing, own, seen, FOLLOW_AFTER_SECONDS)) is not None:
            if (now := what()) != last:
                text, last = html(now), now
                if not own.should_exit:
                    mo.output.replace(mo.Html(text))

    return _started(run, following)


def follow_figures(
    following: Following,
    bench: Workbench,
    painters: Painters | None,
    html: Callable[[Mapping[str, str]], str],
    *,
    settle: Callable[[], object],
) -> mo.Thread:
    """Start a thread that draws the figures of each answer into the output of the present cell, then refits a reweighted one.

    `html` is that of figures, SVG by name; `settle` is called once a refit is there. Without `painters` this process draws.
    """

    def run(page: weakref.ref[Following], standing: Standing) -> None:
        import marimo as mo

        seen, last, own = 0, None, mo.current_thread()
        drawn: dict[str, str] = {}
        while (seen := _next(page, standing, own, seen, DRAW_AFTER_SECONDS)) is not None:
            answer, event = standing.answer, standing.event
            names = ("tornado",) if answer is last else tuple(FIGURES)
            of = shown(answer, event=event)
            if standing.stands(seen):
                drawn |= painters.svgs(names, of) if painters else {name: svg(name, of) for name in names}
            if not standing.stands(seen):
                last = None  # some of what is drawn is of this answer, some of another
                continue
            mo.output.replace(mo.Html(html(drawn)))
            last = answer
            if not answer.exact and standing.lasts(seen, REFIT_AFTER_SECONDS):
                _refit(bench, answer)
                if standing.stands(seen):
                    settle()

    return _started(run, following)


def _started(run: Callable[[weakref.ref[Following], Standing], None], following: Following) -> mo.Thread:
    import marimo as mo

    thread = mo.Thread(target=run, args=(weakref.ref(following), following.standing), daemon=True)
    thread.start()
    return thread


def _next(
    page: weakref.ref[Following], standing: Standing, thread: mo.Thread, seen: int, seconds: float
) -> int | None:
    """The count of the next answer to follow; None when the page or the cell of the thread is gone."""
    while not thread.should_exit and page() is not None:
        if (count := standing.wait(seen, seconds)) is not None:
            return count
    return None


def _refit(bench: Workbench, answer: Answer) -> None:
    try:
        bench.refit(answer.view, levels=answer.levels)
    except NotConverged:
        return  # the reweighted answer stays, and says that it is one
