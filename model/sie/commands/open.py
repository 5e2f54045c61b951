"""`sie open`: what a report said, from the draws that it saved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..files import refuse_unwritable, write_atomically
from .options import bibliography

__all__ = ["open_"]


def open_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE ...", help="Draws (.nc) that sie report --out wrote.")
    ],
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write the whole report as one HTML file here."),
    ] = None,
) -> None:
    """Tables of saved results, without sampling."""
    from .. import report as reports
    from ..saved import open_with_works
    from ..sections import as_html

    refuse_unwritable("--html", html, inputs=files)
    opened = [open_with_works(file) for file in files]
    results = [result for result, _ in opened]
    if html is not None:
        works = bibliography(None) | {key: work for _, cited in opened for key, work in cited.items()}
        write_atomically(html, as_html(results, works).encode())
    print("\n".join(reports.as_text(result) for result in results))
    print(reports.event_wordings())
    print(reports.CONDITIONS)
