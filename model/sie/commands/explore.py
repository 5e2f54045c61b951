"""`sie explore`: the model in a browser, with a slider for every prior."""

from __future__ import annotations

from typing import Annotated

import typer

from ..base.imports import require
from .options import Evidence

__all__ = ["explore"]


def explore(
    view: Annotated[
        str, typer.Argument(metavar="[VIEW]", help="A name under priors/ or a path ending in .toml.")
    ] = "davidson_2025",
    port: Annotated[int, typer.Option(metavar="N", help="Port on this machine (0: any free port).")] = 2718,
    evidence: Evidence = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
) -> None:
    """Change priors and evidence in a browser; served on this machine only, until Ctrl-C."""
    require("serve", "sie explore")
    from ..explorer.serve import serve

    serve(view, port=port, evidence=evidence, browser=not no_browser)
