"""Data tables: a CSV with a documented header as checked cells, one refusal a line."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from ..base.errors import DataError, plain
from ..base.reading import read_text

__all__ = ["PROVENANCE", "number", "read_lines", "read_table"]

PROVENANCE = ("basis", "source", "via", "locator", "quote", "note")
"""The columns that say where a row's numbers come from (`bibliography.check_provenance`)."""

LARGEST = 1e6
"""Larger numbers are taken for mistakes unless a column says otherwise."""


def read_lines(
    path: Path, check_header: Callable[[list[str]], object]
) -> tuple[list[str], list[tuple[str, dict[str, str]]]]:
    """A CSV file as its header, checked first, and its rows, each as (where, cells by column). Raises DataError."""
    try:
        lines = list(csv.reader(io.StringIO(read_text(path), newline=""), strict=True))
    except csv.Error as error:
        raise DataError(path.name, plain(f"a CSV error: {error}"), "comma-separated values") from None
    header = lines[0]
    check_header(header)
    if len(set(header)) != len(header):
        raise DataError(f"{path.name} header", plain("a column twice"), "each column once")
    rows, line = [], 1
    for cells in lines[1:]:
        line += 1 + sum(cell.count("\n") for cell in cells)
        if len(cells) != len(header):
            raise DataError(f"{path.name} line {line}", plain(f"{len(cells)} cells"), f"{len(header)}")
        rows.append((f"{path.name} line {line}", dict(zip(header, cells, strict=True))))
    if not rows:
        raise DataError(path.name, plain("a header and no rows"), "at least one row")
    return header, rows


def read_table(path: Path, columns: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """The rows of a table whose header has exactly these columns, in any order."""

    def check(header: list[str]) -> None:
        for column in header:
            if column not in columns:
                raise DataError(f"{path.name} header", column, "only the columns " + ",".join(columns))
        for column in columns:
            if column not in header:
                raise DataError(
                    f"{path.name} header", plain(f"no column {column}"), "the columns " + ",".join(columns)
                )

    return read_lines(path, check)[1]


def number(where: str, key: str, text: str, *, low: float, high: float = LARGEST, want: str) -> float:
    """A cell as a finite number from `low` to `high`, or a DataError that says what is wanted."""
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if not text.isascii() or not math.isfinite(value) or value < low or value > high:
        raise DataError(f"{where} {key}", text if text else plain("nothing"), want)
    return value
