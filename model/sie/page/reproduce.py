"""What the sources state about r, growth and P(SIE), beside what this model computes: one table, one verdict a figure.

`evidence/figures.csv` has a row for each figure: the words that print it, the number, the size of its rounding, the formula of
`recompute.FORMULAS` with the numbers that its source starts from, and, where the two differ, why. A figure that the source
itself gets wrong stays, marked as such. Nothing here is an input of any view.
"""

from __future__ import annotations

import csv
import inspect
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..base.errors import DataError, plain
from ..base.files import strict_json
from ..base.reading import data_folder
from ..data.bibliography import Source, check_provenance, read_sources
from ..data.schema import WORDS, Field, once, one_of, optional, words
from ..data.tables import read_table

__all__ = [
    "VERDICTS",
    "Figure",
    "Recomputed",
    "as_csv",
    "as_json",
    "as_text",
    "figures",
    "reproduce_figures",
    "summary",
]

VERDICTS = ("reproduced", "within rounding", "differs")
"""Within half a unit of the last digit printed; within a whole one, since inputs are rounded too (of a credence: within two of its
Monte Carlo errors more); further away."""

SLIPS = ("", "source", "ours", "definition")
"""Whose doing a difference is: the source's own slip, our reading or assumption, another definition or unit."""

ERRORS = 2.0
"""Monte Carlo standard errors that count beyond the rounding of a credence."""

EXACT = 1e-9
"""Error of the arithmetic."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number that a source states. `upper` is its other end where it states a range (inf for a bound from below)."""

    id: str
    what: str
    source: str
    via: str
    locator: str
    quote: str
    basis: str
    stated: float
    upper: float
    rounding: float
    formula: str
    given: Mapping[str, float | str]
    slip: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Recomputed:
    """A figure with what the model computes (`mcse` None where nothing is drawn), the difference and the verdict.

    `difference` is computed less stated, 0 within a stated range, else from its nearer end.
    """

    figure: Figure
    computed: float
    mcse: float | None
    difference: float
    verdict: str


def figures(
    path: Path | str | None = None, *, sources: Mapping[str, Source] | None = None
) -> tuple[Figure, ...]:
    """The figures that sources state about r, growth and P(SIE): the rows of `figures.csv`, checked.

    Parameters
    ----------
    path : Path or str, optional
        The table (default: the bundled one).
    sources : mapping of str to Source, optional
        The bibliography that its rows must cite (default: the bundled one).

    Returns
    -------
    tuple of Figure
        In the order of the file.

    Raises
    ------
    DataError
        At the first problem, such as an id that is there twice or a quote that does not print its number.
    """
    path = data_folder("evidence") / "figures.csv" if path is None else Path(path)
    sources = read_sources() if sources is None else sources
    rules = (
        _check_slip,
        _check_rounding,
        _check_given,
        lambda where, row: check_provenance(where, row | {"note": row["what"]}, _printed(row), sources),
        once("id", want="an id of its own"),
    )
    return tuple(Figure(**{**row, "upper": _upper(row)}) for _, row in read_table(path, _fields(), rules))


def _fields() -> dict[str, Field]:
    """What every column may hold."""
    from .recompute import FORMULAS

    number = Field(lambda text: None if math.isnan(value := float(text)) else value, "a number")
    slip = Field(
        lambda text: text if text in SLIPS else None,
        "one of source, ours, definition with a reason, or neither",
    )
    return {
        **dict.fromkeys(("id", "what"), words("a value")),
        **dict.fromkeys(("source", "via", "locator", "quote", "basis"), WORDS),
        "stated": number,
        "upper": optional(number, math.nan),
        "rounding": number,
        "formula": one_of(FORMULAS, "a name of recompute.FORMULAS"),
        "given": optional(Field(_given, "key=value, each key once, joined by ;"), MappingProxyType({})),
        "slip": slip,
        "reason": WORDS,
    }


def _upper(row: Mapping[str, Any]) -> float:
    return row["stated"] if math.isnan(row["upper"]) else row["upper"]


def _printed(row: Mapping[str, Any]) -> list[float]:
    """The finite numbers that a quote must print; none where they were refused."""
    if "stated" not in row or "upper" not in row:
        return []
    return [number for number in dict.fromkeys((row["stated"], _upper(row))) if math.isfinite(number)]


def _check_slip(where: str, row: Mapping[str, Any]) -> None:
    if bool(row["slip"]) != bool(row["reason"]):
        raise DataError(
            f"{where} slip", row["slip"], "one of source, ours, definition with a reason, or neither"
        )


def _check_rounding(where: str, row: Mapping[str, Any]) -> None:
    if not (row["rounding"] >= 0 and row["stated"] <= _upper(row)):
        raise DataError(f"{where} rounding", row["rounding"], "at least 0, and stated at most upper")


def _check_given(where: str, row: Mapping[str, Any]) -> None:
    from .recompute import FORMULAS

    try:
        inspect.signature(FORMULAS[row["formula"]]).bind(**row["given"])
    except TypeError as error:
        want = f"the arguments of {row['formula']} ({error})"
        raise DataError(f"{where} given", dict(row["given"]), want) from None


def _given(text: str) -> dict[str, float | str] | None:
    """`key=value; key=value` as keyword arguments; a value that reads as a number is one. None where it is no such text."""
    given: dict[str, float | str] = {}
    for item in filter(None, (part.strip() for part in text.split(";"))):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not key or not value or key in given:
            return None
        try:
            given[key] = float(value)
        except ValueError:
            given[key] = value
    return given


def reproduce_figures(chosen: Iterable[Figure] | None = None) -> tuple[Recomputed, ...]:
    """Every figure that a source states, recomputed.

    Parameters
    ----------
    chosen : iterable of Figure, optional
        From `figures` (default: all of the bundled ones).

    Returns
    -------
    tuple of Recomputed
        In order: the figure, what the model computes, the difference and the verdict.

    Raises
    ------
    DataError
        For a difference beyond rounding that no reason explains, and for a reason that explains none.
    """
    return tuple(_recomputed(figure) for figure in (figures() if chosen is None else chosen))


def _recomputed(figure: Figure) -> Recomputed:
    from .recompute import FORMULAS

    value = FORMULAS[figure.formula](**figure.given)
    computed, mcse = value if isinstance(value, tuple) else (float(value), None)
    nearest = min(max(computed, figure.stated), figure.upper)
    difference = 0.0 if computed == nearest else computed - nearest
    verdict = _verdict(abs(difference), figure.rounding, mcse)
    if (verdict == "differs") != bool(figure.reason):
        what = f"{computed:.6g}, which {'differs from' if verdict == 'differs' else 'agrees with'} {figure.stated:g}"
        raise DataError(
            f"figure {figure.id}",
            plain(what),
            "a reason for the difference" if verdict == "differs" else "no reason for a difference",
        )
    return Recomputed(figure=figure, computed=computed, mcse=mcse, difference=difference, verdict=verdict)


def _verdict(difference: float, rounding: float, mcse: float | None) -> str:
    """A credence has no rounded inputs: beyond its rounding only its Monte Carlo error counts."""
    more = rounding if mcse is None else ERRORS * mcse
    if difference <= rounding + EXACT:
        return "reproduced"
    return "within rounding" if difference <= rounding + more + EXACT else "differs"


def summary(rows: Iterable[Recomputed]) -> str:
    """How many figures have each verdict, and whose doing the differences are."""
    rows = tuple(rows)
    counts = [f"{sum(row.verdict == verdict for row in rows)} {verdict}" for verdict in VERDICTS]
    names = {
        "source": "the source's own slip",
        "ours": "our reading or assumption",
        "definition": "another definition",
    }
    slips = [
        f"{number} {name}"
        for key, name in names.items()
        if (number := sum(row.figure.slip == key for row in rows))
    ]
    return f"{len(rows)} figures: {', '.join(counts)} ({', '.join(slips)})"


def as_text(rows: Iterable[Recomputed], *, width: int = 130) -> str:
    """The table as text: each figure with its quote and, where it differs, the reason below."""
    from rich.console import Console
    from rich.table import Table

    rows = tuple(rows)
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, markup=False, emoji=False, no_color=True)
    for source in dict.fromkeys(row.figure.source for row in rows):
        table = Table(box=None, pad_edge=False, title=source, title_justify="left", padding=(0, 2, 0, 0))
        for name in ("figure", "stated", "computed", "difference"):
            first = name == "figure"
            table.add_column(name, justify="left" if first else "right", no_wrap=not first, overflow="fold")
        table.add_column("verdict", overflow="fold")
        for row in rows:
            if row.figure.source == source:
                table.add_row(*_cells(row))
        console.print(table)
        console.print()
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _cells(row: Recomputed) -> tuple[str, ...]:
    figure = row.figure
    words = f"“{figure.quote}”" if figure.quote else f"read at: {figure.via}"
    error = f" ± {row.mcse:.2g}" if row.mcse is not None else ""
    verdict = row.verdict
    if figure.reason:
        verdict += f" ({figure.slip}): {figure.reason}"
    return (
        f"{figure.what} [{figure.locator}] {words}",
        _stated(figure),
        f"{row.computed:.4g}{error}",
        f"{row.difference:+.2g}" if row.difference else "0",
        verdict,
    )


def _stated(figure: Figure) -> str:
    if figure.upper == figure.stated:
        return f"{figure.stated:.6g}"
    return (
        f"above {figure.stated:.6g}" if math.isinf(figure.upper) else f"{figure.stated:g} to {figure.upper:g}"
    )


def _record(row: Recomputed) -> dict:
    figure = row.figure
    return {
        "id": figure.id,
        "what": figure.what,
        "source": figure.source,
        "via": figure.via,
        "locator": figure.locator,
        "quote": figure.quote,
        "stated": figure.stated,
        "upper": figure.upper if math.isfinite(figure.upper) else None,
        "computed": row.computed,
        "mcse": row.mcse,
        "difference": row.difference,
        "verdict": row.verdict,
        "slip": figure.slip,
        "reason": figure.reason,
    }


def as_json(rows: Iterable[Recomputed]) -> str:
    """The table as strict JSON; `upper` is null for a bound from below."""
    return strict_json({"figures": [_record(row) for row in rows]})


def as_csv(rows: Iterable[Recomputed]) -> str:
    """The table as CSV."""
    records = [_record(row) for row in rows]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue()
