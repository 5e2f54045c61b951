"""`sie open`: what a report said, from the draws that it saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.errors import DataError, plain
from ..base.files import refuse_unwritable, write_atomically
from ..data.bibliography import Source
from .options import Html, bibliography

if TYPE_CHECKING:
    from ..page.text import Result

__all__ = ["open_"]


def open_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE ...", help="Draws (.nc) that sie report --out wrote.")
    ],
    html: Html = None,
) -> None:
    """Print reports from saved draws, without sampling."""
    from ..page import text as reports
    from ..page.saved import open_with_works

    refuse_unwritable("--html", html, inputs=files)
    opened = [open_with_works(file) for file in files]
    results = [result for result, _ in opened]
    if html is not None:
        works = bibliography(None) | {key: work for _, cited in opened for key, work in cited.items()}
        write_atomically(html, _page(files, results, works).encode())
    print("\n".join(reports.as_text(result) for result in results))
    print(reports.event_wordings())
    print(reports.conditions([result.view for result in results]))


def _page(files: list[Path], results: list[Result], works: dict[str, Source]) -> str:
    """The page, or a DataError for draws that pass the file checks but do not make a report."""
    from ..page.document import render
    from ..page.payload import payload_of

    try:
        return render([payload_of(result, works, wide=False) for result in results])
    except DataError:
        raise
    except Exception as error:  # what a forged file lacks shows only when it is used
        where = ", ".join(file.name for file in files)
        raise DataError(
            where,
            plain(f"draws that make no page ({type(error).__name__})"),
            "a file that sie report --out wrote",
        ) from None
