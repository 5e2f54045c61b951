"""`sie dictionary`: what each column of an evidence table and each key of a TOML file means."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from ..base.errors import DataError

__all__ = ["dictionary"]


def dictionary(
    table: Annotated[
        str | None,
        typer.Argument(
            metavar="[TABLE]",
            help="Only tables whose name contains this, as in returns.csv, or this column or key of any table.",
        ),
    ] = None,
) -> None:
    """The data dictionary: every column of the evidence and every key of a view, with unit and meaning."""
    from ..page.dictionary import as_text, tables

    everything = tables()
    chosen = [each for each in everything if (table or "") in each.name]
    if not chosen:  # a column, then
        named = [
            replace(each, columns=tuple(c for c in each.columns if c.name == table)) for each in everything
        ]
        chosen = [each for each in named if each.columns]
    if not chosen:
        names = ", ".join(each.name for each in everything)
        raise DataError(
            "sie dictionary", table, f"a column or key, or part of the name of a table, one of {names}"
        )
    print(as_text(chosen))
