"""What several commands share: options, progress and the bibliography that a user's own evidence extends."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ..sources import DataError, Source, read_sources

__all__ = [
    "BAD_INPUT",
    "DEFAULT_DRAWS",
    "LEAST_DRAWS",
    "Draws",
    "Evidence",
    "Seed",
    "bibliography",
    "check_sampling",
    "log_to_standard_error",
    "progress",
]

DEFAULT_DRAWS = 20000
LEAST_DRAWS = 1000

BAD_INPUT = 2
"""Exit code of bad input."""

Evidence = Annotated[
    Path | None,
    typer.Option("--evidence", metavar="DIR", help="An evidence folder (default: the bundled one)."),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Seed of every random number.")]
Draws = Annotated[
    int,
    typer.Option(metavar="N", help="Draws that reach growth and credences, prior and posterior each."),
]


def check_sampling(seed: int, draws: int) -> None:
    """Refuse a seed or a number of draws that no command takes."""
    if seed < 0:
        raise DataError("--seed", seed, "a whole number of at least 0")
    if draws < LEAST_DRAWS or draws % 4:
        raise DataError("--draws", draws, f"a multiple of 4, at least {LEAST_DRAWS}")


def bibliography(evidence: Path | None) -> dict[str, Source]:
    """The bundled works and those of the user's own evidence folder."""
    return {**read_sources(), **(read_sources(evidence) if evidence is not None else {})}


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Say on a terminal what is going on, what the library logs too; elsewhere only log it, so that an error is the only line."""
    from rich.console import Console

    console, log = Console(stderr=True), logging.getLogger("sie")
    if not console.is_terminal or log.isEnabledFor(logging.INFO):
        yield log.info
        return
    with console.status("starting") as status:
        shown = logging.Handler()
        shown.emit = lambda record: status.update(record.getMessage())
        log.addHandler(shown)
        log.setLevel(logging.INFO)
        try:
            yield status.update
        finally:
            log.removeHandler(shown)
            log.setLevel(logging.NOTSET)


def log_to_standard_error() -> None:
    """Let the library's log through, each line with the seconds since the start."""
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(logging.Formatter("%(relativeCreated)8.0f ms  %(name)s: %(message)s"))
    log = logging.getLogger("sie")
    log.handlers = [stream]
    log.setLevel(logging.INFO)
    log.propagate = False
