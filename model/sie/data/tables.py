"""Data tables: a CSV with a documented header as checked cells; every refusal names its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..base.errors import DataError, Problems, plain
from ..base.reading import read_text
from .schema import Field, Rule, checked

__all__ = ["read_cells", "read_lines", "read_table"]


def read_lines(
    path: Path, check_header: Callable[[list[str]], object], problems: Problems
) -> tuple[list[str], list[tuple[str, dict[str, str]]]]:
    """A CSV file as its header, checked first, and its whole rows, each as (where, cells by column). Raises DataError."""
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
        where = f"{path.name} line {line}"
        if len(cells) == len(header):
            rows.append((where, dict(zip(header, cells, strict=True))))
        else:
            problems.refuse(where, plain(f"{len(cells)} cells"), f"{len(header)}")
    if not lines[1:]:
        problems.refuse(path.name, plain("a header and no rows"), "at least one row")
    return header, rows


def read_cells(path: Path, columns: Collection[str]) -> list[dict[str, str]]:
    """The rows of a table whose header has exactly these columns, in any order, as text."""
    with Problems() as problems:
        return [cells for _, cells in _lines_of(path, columns, problems)]


def read_table(
    path: Path, fields: Mapping[str, Field], rules: Iterable[Rule] = (), *, may_lack: Collection[str] = ()
) -> list[tuple[str, dict[str, Any]]]:
    """The rows of a table that has exactly these columns, in any order: each as (where, values by column).

    Columns that it `may_lack` have optional fields, and are empty where the header has none of them.
    """
    with Problems() as problems:
        return [
            (where, problems.attempt(checked, where, cells, fields, rules))
            for where, cells in _lines_of(path, fields, problems, may_lack)
        ]


def _lines_of(
    path: Path, columns: Collection[str], problems: Problems, may_lack: Collection[str] = ()
) -> list[tuple[str, dict[str, str]]]:
    def check(header: list[str]) -> None:
        where, want = f"{path.name} header", "the columns " + ",".join(columns)
        with Problems() as problems:
            for column in header:
                if column not in columns:
                    problems.refuse(where, column, f"only {want}")
            for column in columns:
                if column not in header and column not in may_lack:
                    problems.refuse(where, plain(f"no column {column}"), want)

    return read_lines(path, check, problems)[1]
