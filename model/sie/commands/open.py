"""`sie open`: what a report said, from the draws that it saved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["open_"]


def open_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE ...", help="Draws (.nc) that sie report --out wrote.")
    ],
) -> None:
    """Tables of saved results, without sampling."""
    from .. import report as reports
    from ..saved import open_saved

    results = [open_saved(file) for file in files]
    print("\n".join(reports.as_text(result) for result in results))
    print(reports.event_wordings())
    print(reports.CONDITIONS)
