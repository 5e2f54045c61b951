"""Tables for a terminal or a text file: aligned columns, or ruled tables whose long cells wrap."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["aligned", "new_console", "new_table", "rendered"]


def aligned(rows: Sequence[Sequence[str]], *, indent: int = 2, left: int = 1) -> list[str]:
    """Rows as lines with columns of equal width, the first `left` of them aligned left, the others right; no trailing blanks."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        (
            " " * indent
            + "  ".join(
                cell.ljust(width) if column < left else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
        ).rstrip()
        for row in rows
    ]


def new_console(file: IO[str], width: int) -> Console:
    """A console that prints plain text of this width, whatever the terminal can do."""
    from rich.console import Console

    return Console(file=file, width=width, highlight=False, markup=False, emoji=False, no_color=True)


def rendered(blocks: Iterable[str | Table], width: int) -> str:
    """Lines and tables as text of this width, without trailing blanks."""
    out = io.StringIO()
    console = new_console(out, width)
    for block in blocks:
        console.print(block)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def new_table(*columns: str, wrap_first: bool = False) -> Table:
    """A ruled table whose first column holds words and whose others hold numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(columns[0], no_wrap=not wrap_first)
    for column in columns[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    return table
