"""The `sie` command from its first import on: an interrupt ends it with one line and the code of interrupts."""

import os
import signal

from .base.exit_codes import INTERRUPTED

__all__ = ["main"]


def main() -> None:
    """Import the command line and run it; until it minds interrupts itself, and after, they end the process here."""
    signal.signal(signal.SIGINT, _interrupted)
    from . import cli

    cli.main()


def _interrupted(signum, frame) -> None:
    os.write(2, b"sie: interrupted\n")
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
