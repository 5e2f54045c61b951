"""Processes that draw figures, so that an edit is answered while the figures of the last one are drawn.

Matplotlib is Python throughout: in the process that answers edits, each figure would hold up the next answer.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable
from multiprocessing.connection import Connection

from .figures import Shown, svg

__all__ = ["Painters"]

SHARES = (("tornado", "r"), ("fan", "waterfall"))
"""The figures that each process draws: they take about as long."""

NICE = 5
"""How far the processes stand back behind those that answer edits, where there are more of them than cores."""


class Painters:
    """Processes that draw. Each draws the `first` figures at once, since to load what that needs takes seconds.

    They end when this process does, however it ends: their pipes close.
    """

    def __init__(self, first: Shown) -> None:
        context, self._pipes = multiprocessing.get_context("spawn"), []
        self._asking = threading.Lock()
        before = signal.signal(
            signal.SIGINT, signal.SIG_IGN
        )  # inherited: an interrupt is for this process to answer
        try:
            for names in SHARES:
                here, there = context.Pipe()
                context.Process(target=_paint, args=(there, names, first), daemon=True).start()
                there.close()
                self._pipes.append(here)
        finally:
            signal.signal(signal.SIGINT, before)

    def svgs(self, names: Iterable[str], of: Shown) -> dict[str, str]:
        """Figures by name; drawn here from the time on when a process is gone."""
        shares = [[name for name in share if name in names] for share in SHARES]
        with self._asking:
            try:
                for pipe, share in zip(self._pipes, shares, strict=True):
                    pipe.send((share, of))
                return {name: drawn for pipe in self._pipes for name, drawn in pipe.recv().items()}
            except (EOFError, OSError, ValueError):
                for pipe in self._pipes:
                    pipe.close()
                self._pipes = []
        return {name: svg(name, of) for name in names}


def _paint(pipe: Connection, names: tuple[str, ...], first: Shown) -> None:
    from numba import set_num_threads

    set_num_threads(1)  # the other cores draw other figures, or answer
    if hasattr(os, "nice"):
        os.nice(NICE)
    for name in names:
        svg(name, first)
    while True:
        try:
            names, of = pipe.recv()
            pipe.send({name: svg(name, of) for name in names})
        except (EOFError, OSError):
            return
