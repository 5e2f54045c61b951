"""The figures that sources state about r, growth and P(SIE): the table `evidence/figures.csv`, checked.

Each row has the words that print a figure, the number, the size of its rounding, the formula of `recompute.FORMULAS` with the
numbers that its source starts from, and, where the model differs, why. A figure that the source itself gets wrong stays, marked
as such. Nothing here is an input of any view.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import DataError, plain
from ..base.reading import data_folder
from ..data.bibliography import Source, check_provenance, read_sources
from ..data.tables import PROVENANCE, read_table

__all__ = ["SLIPS", "Figure", "figures"]

COLUMNS = (
    *("id", "what", *(key for key in PROVENANCE if key != "note")),
    *("stated", "upper", "rounding", "formula", "given", "slip", "reason"),
)
"""Columns of `figures.csv`; `what` takes the place of a note."""

SLIPS = {
    "source": "the source's own slip",
    "ours": "our reading or assumption",
    "definition": "another definition",
}
"""What explains a difference, by the key in the column `slip`."""


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
    if cells["slip"] not in ("", *SLIPS) or bool(cells["slip"]) != bool(cells["reason"]):
        raise DataError(
            f"{where} slip", cells["slip"], f"one of {', '.join(SLIPS)} with a reason, or neither"
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
