"""`sie explore`: the page of a view in a browser, with a refit of every edit."""

from __future__ import annotations

import sys
from functools import partial
from typing import Annotated

import typer

from ..base.imports import require
from ..data.bibliography import REFERENCE
from .options import DEFAULT_DRAWS, Evidence, Levels, bibliography, chosen_levels
from .waiting import progress

__all__ = ["explore"]


def explore(
    view: Annotated[
        str, typer.Argument(metavar="[VIEW]", help="A name under priors/ or a path ending in .toml.")
    ] = REFERENCE,
    port: Annotated[int, typer.Option(metavar="N", help="Port on this machine (0: any free port).")] = 0,
    evidence: Evidence = None,
    levels: Levels = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
) -> None:
    """Change priors and evidence in a browser; served on this machine only, until Ctrl-C."""
    require("serve", "sie explore")
    from ..data.evidence import read_evidence
    from ..data.priors import read_view
    from ..inference.workbench import Workbench
    from ..page.document import render
    from ..page.payload import view_payload
    from ..page.serving.questions import refit
    from ..page.serving.server import listen, serve
    from ..returns.selection import usable

    with listen(port) as listener:
        works = bibliography(evidence)
        first, rows = read_view(view, sources=works), read_evidence(evidence)
        chosen = chosen_levels(levels, rows)
        usable(rows, first, levels=chosen)
        print("sie explore: the first fit", file=sys.stderr, flush=True)
        with progress() as on_progress:
            payload = view_payload(
                first,
                rows,
                levels=chosen,
                draws=DEFAULT_DRAWS,
                wide=True,
                mechanisms=None,
                folder=evidence,
                works=works,
                on_progress=on_progress,
            )
            page = render([payload], served=True)
        answer = partial(refit, bench=Workbench(rows, seed=1), folder=evidence, works=works)
        serve(page, answer, listener=listener, browser=not no_browser)
