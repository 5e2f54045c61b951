"""`sie reproduce`: every figure that the sources state about r, growth and P(SIE), recomputed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..base.files import refuse_unwritable, write_atomically
from .options import Json
from .waiting import progress

__all__ = ["reproduce"]


def reproduce(
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the table as CSV here.")
    ] = None,
    json: Json = None,
    differences: Annotated[
        bool, typer.Option("--differences", help="Show only figures that differ, with the reasons.")
    ] = False,
) -> None:
    """Recompute the figures that sources state, and show where and why the model differs."""
    from ..page import reproduce as reproduction
    from ..page.figures import figures

    chosen = figures()
    refuse_unwritable("--csv", csv)
    refuse_unwritable("--json", json, others=[csv] if csv is not None else [])
    with progress() as on_progress:
        on_progress(f"recomputing {len(chosen)} figures")
        rows = reproduction.reproduce_figures(chosen)
    if csv is not None:
        write_atomically(csv, reproduction.as_csv(rows).encode())
    if json is not None:
        write_atomically(json, reproduction.as_json(rows).encode())
    print(reproduction.as_text([row for row in rows if row.verdict == "differs" or not differences]))
    print(reproduction.summary(rows))
