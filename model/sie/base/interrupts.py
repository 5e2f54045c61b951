"""Ctrl-C reaches every process of a terminal at once; those of a cluster leave it to the process that started them."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tornado.ioloop import IOLoop

__all__ = ["deaf_loop"]


def deaf_loop() -> IOLoop:
    """A running event loop that ignores Ctrl-C, as do the processes that it starts; they end with this process."""
    from distributed.utils import LoopRunner

    _start_tracker()
    blocked = hasattr(signal, "pthread_sigmask")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if blocked else set()
    try:
        runner = LoopRunner()
        runner.start()
    finally:
        if blocked:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return runner.loop  # pyright: ignore[reportReturnType]


def _start_tracker() -> None:
    """Start multiprocessing's resource tracker with its warnings off, so that it removes semaphores silently after an interrupt."""
    from multiprocessing import resource_tracker

    name = "PYTHONWARNINGS"
    before = os.environ.get(name)
    os.environ[name] = "ignore:resource_tracker"
    try:
        resource_tracker.ensure_running()
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before
