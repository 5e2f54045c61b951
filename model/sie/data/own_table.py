"""A user's own table (a CSV file or DataFrame) as the text of a series file, with errors that refer to the table as given.

Order, date, kind and output come first, each number as it was given; what is missing is an empty cell. Nothing else is changed:
what a column may hold is the business of `data.histories`, which reads the text.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..base.errors import DataError, moved, plain
from ..base.files import csv_text
from ..base.reading import read_text
from .histories import OBSERVATION_KINDS, Observations, read_observations

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EXAMPLES", "as_cell", "as_text", "read_given", "read_own"]

EXAMPLES = "authors [authors], team [persons], gpu [GPU hours]"
"""Columns of effort, for a table that has none."""


def as_text(history: object, kind: str) -> tuple[str, str | None]:
    """A history as the text of a series file, and the name of the file it was read from; None for a table."""
    if isinstance(history, str | Path):
        path = Path(history)
        text = read_text(path)
        try:
            lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error:
            return text, path.name  # which the reader refuses
        header, *rows = lines
        if {"order", "kind"} <= {*header}:
            return text, path.name
        for line, row in enumerate(rows, start=2):
            if len(row) != len(header):
                raise DataError(f"{path.name} line {line}", plain(f"{len(row)} cells"), f"{len(header)}")
        return _arranged(path.name, header, rows, kind), path.name
    if not all(hasattr(history, part) for part in ("columns", "iloc", "reset_index")):
        found = plain(f"a value of type {type(history).__name__}")
        raise DataError("history", found, "the path of a CSV file, or a pandas DataFrame")
    frame = cast("pd.DataFrame", history)
    if frame.index.name == "date" and "date" not in frame:
        frame = frame.reset_index()
    header = [str(column).strip() for column in frame.columns]
    columns = [[as_cell(value) for value in frame.iloc[:, j].tolist()] for j in range(len(header))]
    return _arranged("history", header, [list(row) for row in zip(*columns, strict=True)], kind), None


def _arranged(where: str, header: list[str], rows: list[list[str]], kind: str) -> str:
    """A table as the text of a series file: order, date, kind and output first; numbered, and of one kind, where it does not say."""
    output = [name for name in header if name.split(" [")[0] == "output"]
    for column, found in (("date", "date" in header), ("output [UNIT]", bool(output))):
        if not found:
            want = (
                f"the columns date, output [UNIT] and <effort> [UNIT], as in output [minutes] and {EXAMPLES}"
            )
            raise DataError(f"{where} header", plain(f"no column {column}"), want)
    if "order" not in header:
        header, rows = (
            ["order", *header],
            [[str(number), *row] for number, row in enumerate(rows, start=1)],
        )
    if "kind" not in header:
        header, rows = [*header, "kind"], [[*row, kind] for row in rows]
    first = [header.index(name) for name in ("order", "date", "kind", output[0])]
    places = [*first, *(j for j in range(len(header)) if j not in first)]
    return csv_text([header[j] for j in places], [[row[j] for j in places] for row in rows])


def as_cell(value: object) -> str:
    """A value of a table as the cell of a CSV file; what is not a number, a day or missing, as text that the reader judges."""
    import pandas as pd

    if hasattr(value, "dtype"):
        value = value.item()  # type: ignore[attr-defined]
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return ""
    if isinstance(value, datetime.date):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return str(value)


def read_given(text: str, id: str, shown: str | None, aside: Path) -> Observations:
    """The observations, or a refusal that names a line of the file, or the place in the table, that was given."""
    file = aside / f"{id}.csv"
    try:
        file.write_bytes(text.encode())
    except UnicodeEncodeError:
        raise DataError(shown or "history", plain("half a character"), "whole text") from None

    def place(where: str) -> str:
        rest = where.removeprefix(file.name)
        if shown is None and (line := re.match(r" line (\d+)", rest)):
            return f"history.iloc[{int(line[1]) - 2}]{rest[line.end() :]}"
        return f"{shown or 'history'}{rest}"

    try:
        return read_observations(file)
    except DataError as error:
        raise moved(error, place) from None


def read_own(path: Path) -> Observations:
    """The observations of a file that need not be in an evidence folder."""
    if not path.is_file():
        raise DataError(str(path), plain("no such file"), "a series: date,output [UNIT],<effort> [UNIT],...")
    text, shown = as_text(path, OBSERVATION_KINDS[0])
    with tempfile.TemporaryDirectory() as aside:
        return read_given(text, "own", shown, Path(aside))
