"""`sie page` and `sie site`: answers that open in a browser without a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..base.errors import DataError
from ..base.files import make_folder, refuse_unwritable, write_atomically
from ..data.bibliography import REFERENCE
from .options import (
    DEFAULT_DRAWS,
    Draws,
    Evidence,
    Levels,
    PriorsOnly,
    Seed,
    ViewNames,
    bibliography,
    check_sampling,
    chosen_levels,
    progress,
    read_views,
)

if TYPE_CHECKING:
    import xarray as xr

    from ..data.bibliography import Source
    from ..data.priors import View

__all__ = ["page", "site"]


def page(
    views: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[VIEW ...]", help="Names under priors/ or paths ending in .toml (default: reference)."
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The page, one HTML file.")] = Path(
        "page.html"
    ),
    seed: Seed = 1,
    draws: Draws = DEFAULT_DRAWS,
    priors_only: PriorsOnly = False,
    evidence: Evidence = None,
    levels: Levels = None,
) -> None:
    """One self-contained HTML file with the answer, whose priors and rows move in the browser."""
    from ..page.document import render

    check_sampling(seed, draws)
    works = bibliography(evidence)
    read = read_views("sie page", views or [REFERENCE], works)
    inputs = [view.path for view in read]
    refuse_unwritable("--out", out, inputs=inputs)
    rows, chosen = _rows("sie page", read, evidence, levels, priors_only)
    with progress() as on_progress:
        make = _maker(works, rows, chosen, seed, draws, evidence, on_progress)
        payloads = [make(view) for view in read]
        on_progress("writing the page")
        write_atomically(out, render(payloads).encode())
    print(f"{out}: {', '.join(view.label for view in read)}")


def site(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder for one page a view and an index.")],
    views: ViewNames = None,
    seed: Seed = 1,
    draws: Draws = DEFAULT_DRAWS,
    priors_only: PriorsOnly = False,
    evidence: Evidence = None,
    levels: Levels = None,
) -> None:
    """A page for each view and an index, ready for any static host."""
    from ..page.document import index, render

    check_sampling(seed, draws)
    works = bibliography(evidence)
    read = read_views("sie site", views, works)
    if any(view.name == "index" for view in read):
        raise DataError("sie site", "index", "a view of another name (index.html is the list of views)")
    refuse_unwritable("DIR", folder, folder=True)
    rows, chosen = _rows("sie site", read, evidence, levels, priors_only)
    with progress() as on_progress:
        make, listed = _maker(works, rows, chosen, seed, draws, evidence, on_progress), []
        pages = {}
        for view in sorted(read, key=lambda view: view.name != REFERENCE):
            payload = make(view)
            pages[f"{view.name}.html"] = render([payload])
            listed.append({key: value for key, value in payload.items() if key != "sets"})
        on_progress("writing the pages")
        make_folder(folder)
        for name, text in {**pages, "index.html": index(listed)}.items():
            write_atomically(folder / name, text.encode())
    print(f"{folder}: {len(pages)} pages and index.html")


def _rows(
    command: str, views: list[View], evidence: Path | None, levels: list[str] | None, priors_only: bool
) -> tuple[xr.Dataset | None, dict[str, str]]:
    from ..data.evidence import read_evidence
    from ..returns.selection import usable

    rows = read_evidence(evidence)
    chosen = chosen_levels(levels, rows, without="--priors-only" if priors_only else None)
    for view in views:
        usable(rows, view, levels=chosen)
    return (None if priors_only else rows), chosen


def _maker(
    works: dict[str, Source],
    rows: xr.Dataset | None,
    levels: dict[str, str],
    seed: int,
    draws: int,
    folder: Path | None,
    on_progress: Callable[[str], None],
) -> Callable[[View], dict[str, Any]]:
    from ..page.payload import view_payload

    return lambda view: view_payload(
        view,
        rows,
        levels=levels,
        seed=seed,
        draws=draws,
        wide=True,
        mechanisms=None,
        folder=folder,
        works=works,
        on_progress=on_progress,
    )
