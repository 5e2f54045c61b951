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

from ..base.errors import DataError, plain
from ..base.files import strict_json
from ..base.reading import data_folder
from ..data.bibliography import Source, check_provenance, read_sources
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

COLUMNS = (
    *("id", "what", "source", "via", "locator", "quote", "basis", "stated", "upper", "rounding"),
    *("formula", "given", "slip", "reason"),
)

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
    found: dict[str, Figure] = {}
    for where, cells in read_table(path, COLUMNS):
        figure = _figure(where, cells, sources)
        if figure.id in found:
            raise DataError(f"{where} id", figure.id, "an id of its own")
        found[figure.id] = figure
    return tuple(found.values())


def _figure(where: str, cells: dict[str, str], sources: Mapping[str, Source]) -> Figure:
    from .recompute import FORMULAS

    for key in ("id", "what", "formula"):
        if not cells[key]:
            raise DataError(f"{where} {key}", plain("nothing"), "a value")
    where = f"figure {cells['id']}"
    if cells["formula"] not in FORMULAS:
        raise DataError(f"{where} formula", cells["formula"], "a name of recompute.FORMULAS")
    if cells["slip"] not in SLIPS or bool(cells["slip"]) != bool(cells["reason"]):
        raise DataError(
            f"{where} slip", cells["slip"], "one of source, ours, definition with a reason, or neither"
        )
    stated, rounding = (_number(where, key, cells[key]) for key in ("stated", "rounding"))
    upper = _number(where, "upper", cells["upper"]) if cells["upper"] else stated
    if not (rounding >= 0 and stated <= upper):
        raise DataError(f"{where} rounding", cells["rounding"], "at least 0, and stated at most upper")
    given = _given(where, cells["given"])
    try:
        inspect.signature(FORMULAS[cells["formula"]]).bind(**given)
    except TypeError as error:
        raise DataError(
            f"{where} given", cells["given"], f"the arguments of {cells['formula']} ({error})"
        ) from None
    printed = [number for number in dict.fromkeys((stated, upper)) if math.isfinite(number)]
    check_provenance(where, {**cells, "note": cells["what"]}, printed, sources)
    return Figure(
        **{key: cells[key] for key in COLUMNS if key not in ("stated", "upper", "rounding", "given")},
        stated=stated,
        upper=upper,
        rounding=rounding,
        given=given,
    )


def _number(where: str, key: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise DataError(f"{where} {key}", text, "a number")
    return number


def _given(where: str, text: str) -> dict[str, float | str]:
    """`key=value; key=value` as keyword arguments; a value that reads as a number is one."""
    given: dict[str, float | str] = {}
    for item in filter(None, (part.strip() for part in text.split(";"))):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not key or not value or key in given:
            raise DataError(f"{where} given", item, "key=value, each key once, joined by ;")
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
