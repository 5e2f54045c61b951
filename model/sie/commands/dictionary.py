"""`sie dictionary`: what each column of an evidence table and each key of a TOML file means."""

from __future__ import annotations

from typing import Annotated

import typer

from ..base.errors import DataError

__all__ = ["dictionary"]


def dictionary(
    table: Annotated[
        str | None,
        typer.Argument(
            metavar="[TABLE]", help="Only tables whose name has these letters, as in returns.csv."
        ),
    ] = None,
) -> None:
    """The data dictionary: every column of the evidence and every key of a view, with unit and meaning."""
    from ..page.dictionary import as_text, tables

    everything = tables()
    chosen = [each for each in everything if (table or "") in each.name]
    if not chosen:
        raise DataError("sie dictionary", table, "letters of " + ", ".join(each.name for each in everything))
    print(as_text(chosen))
