"""What a terminal shows while a command works: what it does, for how long, and, where the steps are counted, how long it will take."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

__all__ = ["bar", "each", "progress"]

COUNT = re.compile(r"\b(\d+) of (\d+)\b")
"""How a message says which step of how many has begun."""


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Show progress and the library's log in one line of a terminal; elsewhere only log, so that an error is the only line.

    A message with `3 of 15` in it gives the time that is left, once a step has ended.
    """
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console, log = Console(stderr=True), logging.getLogger("sie")
    if not console.is_terminal or log.isEnabledFor(logging.INFO):
        yield log.info
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("starting", total=None)
        known = [0]

        def tell(text: str) -> None:
            if count := COUNT.search(text):
                step, steps = int(count[1]), int(count[2])
                if known[0] != steps:
                    known[0] = steps
                    shown.reset(task, total=steps, completed=step - 1)
                shown.update(task, completed=step - 1)
            shown.update(task, description=text)

        handler = logging.Handler()
        handler.emit = lambda record: tell(record.getMessage())
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        try:
            yield tell
        finally:
            log.removeHandler(handler)
            log.setLevel(logging.NOTSET)


def each[T](
    items: Iterable[T], on_progress: Callable[[str], None]
) -> Iterator[tuple[T, Callable[[str], None]]]:
    """Each of several items, with a function that reports progress as `message (2 of 15)`."""
    listed = list(items)
    for i, item in enumerate(listed, start=1):
        which = f" ({i} of {len(listed)})" if len(listed) > 1 else ""
        yield item, lambda text, which=which: on_progress(f"{text}{which}")


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar over a number of items with the time left, on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done, cells: None
        return
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, cells: shown.update(task, completed=done, total=cells)
