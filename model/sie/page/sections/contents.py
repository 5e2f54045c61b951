"""What every section is made from: the results, their bibliography, and how a number is traced to its source."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...data.bibliography import Source
from ...data.priors import Conclusion, Entry
from ..page import Cell, Line
from ..saved import versions
from ..text import Result

if TYPE_CHECKING:
    import xarray as xr

    from ..calibration_record import Record

__all__ = ["Contents", "citation", "origin", "place", "slug"]


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a page is about: results of one or more views, the bibliography that they cite, and calibrations of them."""

    results: list[Result]
    works: Mapping[str, Source]
    calibrations: Sequence[Record] = ()

    @property
    def evidence(self) -> xr.Dataset | None:
        """Every evidence row that there was, used or not; None for priors only."""
        return next((result.evidence for result in self.results if result.evidence is not None), None)

    @property
    def versions(self) -> dict[str, str]:
        """What drew the numbers: the versions that a saved file names, or those that run."""
        saved = self.results[0].tree.attrs.get("versions")
        return versions() if saved is None else json.loads(saved)


def citation(key: str, works: Mapping[str, Source]) -> Line:
    """A work by authors and year, linked where it has an address."""
    if key not in works:
        return Line(key)
    work = works[key]
    return Line(f"{work.authors} ({work.year})", href=work.url or None)


def place(source: str, locator: str, via: str | None, works: Mapping[str, Source]) -> tuple[Line, ...]:
    work = citation(source, works)
    place = Line(f"{work.text}: {locator}", kind="small", href=work.href)
    return (place, Line(f"read at {via}", kind="small")) if via else (place,)


def origin(item: Entry | Conclusion, source: str, works: Mapping[str, Source]) -> Cell:
    """Quote, note and place of a number, linked to its source."""
    found = [Line(item.quote, kind="quote")] if item.quote else []
    found += [Line(item.note)] if item.note else []
    return (*found, *place(item.source or source, item.locator, item.via, works))


def slug(name: str) -> str:
    """The name of a view in the address of its section; different names differ."""
    return "".join(
        letter if letter.isalnum() and letter.isascii() else "-" if letter == "_" else f"-{ord(letter):x}-"
        for letter in name
    )
