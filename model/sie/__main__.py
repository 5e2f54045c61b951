"""The `sie` command from its first import on: an interrupt ends it with one line and the code of interrupts."""

import os
import signal
import sys

from .base.exit_codes import BAD_INPUT, INTERRUPTED

__all__ = ["main"]

LEAST_MEMORY = 2**29
"""Bytes of address space below which libraries abort while they are imported, some with messages and codes of their own."""


def main() -> None:
    """Import the command line and run it; until it minds interrupts itself, and after, they end the process here."""
    signal.signal(signal.SIGINT, _interrupted)
    if (limit := _memory_limit()) is not None:
        if limit < LEAST_MEMORY:
            found, want = (
                f"a limit of {limit >> 20} MiB of memory",
                f"at least {LEAST_MEMORY >> 20} (ulimit -v)",
            )
            sys.stderr.write(f"sie: found {found}, want {want}\n")
            sys.exit(BAD_INPUT)
        # Each thread of OpenBLAS reserves memory, and raises an interrupt where it gets none.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from . import cli

    cli.main()


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
