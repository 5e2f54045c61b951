"""The figures that sources state about r, growth and P(SIE): the table `evidence/figures.csv`, checked.

Each row has the words that print a figure, the number, half a unit of the last digit printed (`rounding`), the formula of
`recompute.FORMULAS` with the numbers that its source starts from, and, where the result differs, why. A figure that the source itself
gets wrong stays, marked as such. Nothing here is an input of any view.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..base.errors import DataError
from ..base.reading import data_folder
from ..data.bibliography import ORIGIN, Source, check_provenance, read_sources
from ..data.schema import WORDS, Field, meant, once, one_of, optional, words
from ..data.tables import read_table

__all__ = ["SLIPS", "Figure", "fields", "figures"]

SLIPS = {
    "source": "the source's own slip",
    "corrected": "corrected by its author",
    "rounded": "inputs that the source rounds",
    "inputs": "another input than the source's",
    "ours": "our reading or assumption",
    "definition": "another definition",
}
"""What explains a difference, by the key in the column `slip`."""

_SLIP = f"one of {', '.join(SLIPS)} with a reason, or neither"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number that a source states. `upper` is its other end where it states a range (inf for a bound from below).

    `rounding` is half a unit of its last digit printed.
    """

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
    rules = (
        _check_slip,
        _check_rounding,
        _check_given,
        lambda where, row: check_provenance(where, row | {"note": row["what"]}, _printed(row), sources),
        once("id", want="an id of its own"),
    )
    return tuple(Figure(**{**row, "upper": _upper(row)}) for _, row in read_table(path, fields(), rules))


def fields() -> dict[str, Field]:
    """What every column may hold."""
    from .recompute import FORMULAS

    number = Field(lambda text: None if math.isnan(value := float(text)) else value, "a number")
    slip = Field(
        lambda text: text if text in ("", *SLIPS) else None,
        _SLIP,
    )
    given = optional(Field(_given, "key=value, each key once, joined by ;"), MappingProxyType({}))
    return {
        "id": meant(words("a value"), "name of the figure"),
        "what": meant(words("a value"), "what the figure is"),
        **{key: field for key, field in ORIGIN.items() if key != "note"},
        "stated": meant(number, "the figure as printed, or the lower end of a range", "as printed"),
        "upper": meant(optional(number, math.nan), "upper end of a range, inf if open", "as printed"),
        "rounding": meant(number, "half a unit of the last digit printed", "as printed"),
        "formula": meant(
            one_of(FORMULAS, "a name of recompute.FORMULAS"), "formula by which sie reproduce computes it"
        ),
        "given": meant(given, "numbers that the formula starts from, key=value joined by ;"),
        "slip": meant(slip, "what explains a difference (needs a reason)"),
        "reason": meant(WORDS, "why the result differs (needs a slip)"),
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
        raise DataError(f"{where} slip", row["slip"], _SLIP)


def _check_rounding(where: str, row: Mapping[str, Any]) -> None:
    if not (row["rounding"] >= 0 and row["stated"] <= _upper(row)):
        raise DataError(f"{where} rounding", row["rounding"], "at least 0, and stated at most upper")
    unit = 2 * row["rounding"]
    ends = [end for end in (row["stated"], _upper(row)) if math.isfinite(end)]
    if unit and not (_is_whole(math.log10(unit)) and all(_is_whole(end / unit) for end in ends)):
        want = f"half a power of ten of which {' and '.join(f'{end:g}' for end in ends)} is a whole multiple"
        raise DataError(f"{where} rounding", row["rounding"], want)


def _is_whole(number: float) -> bool:
    return math.isfinite(number) and math.isclose(number, round(number), rel_tol=1e-9, abs_tol=1e-9)


def _check_given(where: str, row: Mapping[str, Any]) -> None:
    from .recompute import FORMULAS

    try:
        inspect.signature(FORMULAS[row["formula"]]).bind(**row["given"])
    except TypeError as error:
        want = f"the arguments of {row['formula']} ({error})"
        raise DataError(f"{where} given", dict(row["given"]), want) from None


def _given(text: str) -> dict[str, float | str] | None:
    """`key=value; key=value` as keyword arguments, numbers where values parse as such; None if the text has another form."""
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
