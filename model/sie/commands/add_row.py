"""`sie add-row`: add a row of evidence of your own to a table of an evidence folder."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from ..base.errors import DataError, moved, plain
from ..data.bibliography import REFERENCE
from ..data.evidence import read_evidence
from ..data.own_rows import TABLES, cells_of
from ..data.priors import read_view
from ..data.schema import cell

__all__ = ["add_row"]

TOLD = ("input", "definition_sd", "ratio_q05", "ratio_q95", "labour", "basis", "source")
"""Columns of which the command says what it filled in."""

NUMBER = cell(1, "a number of at least 1")


def add_row(
    table: Annotated[
        str,
        typer.Argument(
            metavar="|".join(TABLES),
            help="returns: estimates of r. factors: of adjustments. inputs: of any other quantity. growth: growth of output and inputs.",
        ),
    ],
    columns: Annotated[
        list[str],
        typer.Argument(
            metavar="COLUMN=VALUE ...",
            help='id=mine domain="computer vision" r_q05=0.8 r_q50=1.2 r_q95=1.9 note="..." and other columns (sie dictionary).',
        ),
    ],
    into: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="An evidence folder; one that does not exist is made as a copy of the bundled one.",
        ),
    ],
    remoteness: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="How much further a new domain lies from frontier AI R&D than language models, from 1 to 100.",
        ),
    ] = None,
) -> None:
    """Add a row of evidence of your own to an evidence folder."""
    from ..histories.own_folder import write_row
    from ..returns.selection import usable

    cells: dict[str, object] = {}
    for word in columns:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise DataError("COLUMN=VALUE", word, "a column and its value, as in r_q50=1.2")
        if name in cells:
            raise DataError(f"{name}=", plain("it twice"), "each column once")
        cells[name] = value
    if "id" not in cells:
        want = "an id for the row: lower-case letters, digits and underscores, as in id=mine"
        raise DataError("id=", plain("nothing"), want)
    id = str(cells.pop("id"))
    if "remoteness" in cells and remoteness is None:  # as in Python, beside the columns
        remoteness = NUMBER.of("remoteness", cells.pop("remoteness"))
    is_new = not into.exists()
    try:
        file = write_row(table, id, cells, into=into, remoteness=remoteness)
    except DataError as error:
        raise moved(
            error, lambda where: f"--{where}" if where.split()[0] in ("into", "remoteness") else where
        ) from None
    if is_new:
        print(f"{into}: made as a copy of the bundled evidence")
    print(f"{file}: {id} written")
    filled = {
        name: cell for name, cell in cells_of(table, id, cells).items() if name in TOLD and name not in cells
    }
    if filled:
        print("filled in: " + ", ".join(f"{name} {cell}" for name, cell in filled.items()))
    rows = usable(read_evidence(into), read_view(REFERENCE))
    why = dict(rows.attrs["left_out"]).get(id)
    print(f"in {REFERENCE} the row {'is left out: ' + why if why else 'counts'}")
    print(f"next: sie report {REFERENCE} --evidence {shlex.quote(str(into))}")
