"""The `sie` command from its first import on: an interrupt ends it with one line and the code of interrupts."""

import os
import signal
import sys
from contextlib import suppress

from .base.exit_codes import BAD_INPUT, INTERRUPTED

__all__ = ["main"]

THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Numbers of threads that libraries read while they are imported."""

LEAST_MEMORY = 2**29
"""Bytes of address space below which libraries abort while they are imported, some with messages and codes of their own."""


def main() -> None:
    """Import the command line and run it; until it minds interrupts itself, and after, they end the process here."""
    signal.signal(signal.SIGINT, _interrupted)
    for name in THREADS:
        if not os.environ.get(name):  # numba would warn of one that is set to nothing
            os.environ.pop(name, None)
    limit = _memory_limit()
    if (problem := _unfit(limit)) is not None:
        with suppress(OSError):
            sys.stderr.write(f"{problem}\n")
        sys.exit(BAD_INPUT)
    if limit is not None:
        # Each thread of OpenBLAS reserves memory, and raises an interrupt where it gets none.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from . import cli

    cli.main()


def _unfit(limit: int | None) -> str | None:
    """What of the environment no library survives, in one line; None where there is nothing. `limit` is of memory."""
    if limit is not None and limit < LEAST_MEMORY:
        return f"sie: found a limit of {limit >> 20} MiB of memory, want at least {LEAST_MEMORY >> 20} (ulimit -v)"
    if sys.flags.optimize > 1:
        return "sie: found Python without docstrings (-OO, PYTHONOPTIMIZE=2), want at most -O: libraries read theirs"
    for name in THREADS:
        value = os.environ.get(name, "")
        levels = value.split(",") if name == "OMP_NUM_THREADS" else [value]
        if value and not all(level.strip().isdecimal() and int(level) > 0 for level in levels):
            return f"{name}: found {value[:100]!a}, want a whole number above 0, or it unset"
    return None


def _memory_limit() -> int | None:
    """The bytes of address space that this process may use; None without a limit."""
    if sys.platform == "win32":
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _interrupted(signum, frame) -> None:
    os.write(2, b"sie: interrupted\n")
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
