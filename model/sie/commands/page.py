"""`sie page` and `sie site`: answers that open in a browser without a server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
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
    check_html,
    check_sampling,
    chosen_levels,
    read_views,
)
from .waiting import each, progress

if TYPE_CHECKING:
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
    """Write the answer as one self-contained HTML file, with priors and rows that can be changed in the browser."""
    from ..data.evidence import evidence_files
    from ..page.document import render

    run = Run(seed=seed, draws=draws, priors_only=priors_only, evidence=evidence, levels=levels)
    read = read_views("sie page", views or [REFERENCE], run.works)
    check_html("--out", out)
    refuse_unwritable("--out", out, inputs=[*(view.path for view in read), *evidence_files(evidence)])
    make = run.maker(read)
    with progress() as on_progress:
        payloads = [make(view, on_progress=tell) for view, tell in each(read, on_progress)]
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

    run = Run(seed=seed, draws=draws, priors_only=priors_only, evidence=evidence, levels=levels)
    read = read_views("sie site", views, run.works)
    if any(view.name == "index" for view in read):
        raise DataError("sie site", "index", "a view of another name (index.html is the list of views)")
    refuse_unwritable("DIR", folder, folder=True)
    make, listed, pages = run.maker(read), [], {}
    with progress() as on_progress:
        reference_first = sorted(read, key=lambda view: view.name != REFERENCE)
        for view, tell in each(reference_first, on_progress):
            payload = make(view, on_progress=tell)
            pages[f"{view.name}.html"] = render([payload])
            listed.append({key: value for key, value in payload.items() if key != "sets"})
        on_progress("writing the pages")
        make_folder(folder)
        for name, text in {**pages, "index.html": index(listed)}.items():
            write_atomically(folder / name, text.encode())
    print(f"{folder}: {len(pages)} pages and index.html")


@dataclass(frozen=True, kw_only=True)
class Run:
    """The options shared by page and site. Raises DataError for an invalid seed or number of draws."""

    seed: int
    draws: int
    priors_only: bool
    evidence: Path | None
    levels: list[str] | None

    def __post_init__(self) -> None:
        check_sampling(self.seed, self.draws)

    @cached_property
    def works(self) -> dict[str, Source]:
        """The bibliography."""
        return bibliography(self.evidence)

    def maker(self, views: list[View]) -> Callable[..., dict[str, Any]]:
        """What makes the payload of a view, once every view is known to fit the evidence and the levels."""
        from ..data.evidence import read_evidence
        from ..page.payload import view_payload
        from ..returns.selection import usable

        rows = read_evidence(self.evidence)
        chosen = chosen_levels(self.levels, rows, without="--priors-only" if self.priors_only else None)
        for view in views:
            usable(rows, view, levels=chosen)
        return partial(
            view_payload,
            evidence=None if self.priors_only else rows,
            levels=chosen,
            seed=self.seed,
            draws=self.draws,
            wide=True,
            mechanisms=None,
            folder=self.evidence,
            works=self.works,
        )
