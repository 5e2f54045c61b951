"""`sie equations`: the whole model on one page."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["equations"]


def equations(
    view: Annotated[
        str | None,
        typer.Argument(metavar="[VIEW]", help="Also show the priors of this view, with their quotes."),
    ] = None,
) -> None:
    """Every equation, variable and event of the model, read from the code."""
    from ..data.priors import read_view
    from ..page.equations import as_text

    print(as_text(read_view(view) if view is not None else None), end="")
