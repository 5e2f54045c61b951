"""What a report saves of a view's inputs: plain data that gives the same draws again, and the strict reader of saved reports.

A saved report is what `sie report --json` writes, or the draws of one view from `--out`. It holds each view's priors with their
units, the rows that were used, the level of each domain, the seed, the number of draws, the versions and the credences; a report
without one of these is refused. Version 1 knew no levels: it is read and shown, never computed again. It computes nothing itself.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from types import MappingProxyType
from typing import Any

from ..base.errors import DataError, moved, plain
from ..base.reading import read_json as read_document
from ..data.exogenous import EXOGENOUS, Exogenous, read_numbers
from ..data.families import Prior
from ..data.priors import Correlation, Entry, View, read_saved_view, to_toml
from ..data.quantities import EVENT_NAMES, GIVEN
from ..data.rows import LEVELS
from ..data.schema import (
    LINE,
    Field,
    anything,
    by_name,
    checked,
    matching,
    number,
    one_of,
    optional,
    whole,
    words,
)
from ..data.views import check_name

__all__ = [
    "INPUTS",
    "RUN",
    "Saved",
    "check_credences",
    "check_levels",
    "inputs_of",
    "read_json",
    "versions",
    "view_of",
]

PACKAGES = ("sie", "arviz-stats", "numba", "numpy", "nutpie", "pymc", "pytensor", "scipy", "xarray")
"""What can move a number of a report."""

NO_LIMIT = "inf"
"""A prior's inf in JSON, which has no such number."""

_WHAT = "a report that sie report --json wrote"


@dataclass(frozen=True, kw_only=True)
class Saved:
    """One view of a saved report. `credences` maps (event, given) to (p, mcse), `levels` a domain to its level.

    `levels` is None for a report of version 1, whose `inputs_sha256` did not cover them.
    """

    view: View
    inputs_sha256: str
    rows_used: tuple[str, ...]
    levels: Mapping[str, str] | None
    credences: Mapping[tuple[str, str], tuple[float, float]]
    seed: int
    draws: int
    versions: Mapping[str, str]


def versions() -> dict[str, str]:
    """The version of Python and of each package that can move a number."""
    return {"python": python_version(), **{name: version(name) for name in PACKAGES}}


def inputs_of(view: View) -> dict[str, dict]:
    """What a view states, by quantity: family, numbers, parts, unit and what else moves a number, without provenance.

    `correlations` is a list beside the quantities, where there are any; so are the tables of what acts from outside.
    """
    found: dict[str, Any] = {}
    for name, entry in view.entries.items():
        own = {"reached": True} if entry.reached else {}
        own |= {"against": entry.against} if entry.against else {}
        found[name] = {**_prior_as_data(entry.prior), "unit": entry.unit, **own}
    if view.correlations:
        found["correlations"] = [
            {"between": list(pair.between), "rank": pair.rank} for pair in view.correlations
        ]
    return found | {name: dict(table.numbers) for name, table in view.exogenous.items()}


def view_of(where: str, name: Any, label: object, inputs: object) -> View:
    """The view with these inputs, checked as a view file is. Raises DataError that starts with `where`."""
    check_name(f"{where} view", name)
    line = LINE.of(f"{where} {name} label", label)
    if not isinstance(inputs, dict) or not inputs:
        raise DataError(f"{where} {name} inputs", inputs, "the view's priors by quantity")
    entries = {}
    beside = ("correlations", *EXOGENOUS)
    for quantity, item in ((key, item) for key, item in inputs.items() if key not in beside):
        place = f"{where} {name} inputs {quantity}"
        entries[quantity] = Entry(
            prior=_prior_from_data(place, item, {"unit": words(), **_OWN}),
            unit=item["unit"],
            reached=item.get("reached", False),
            against=item.get("against"),
            **_NO_ORIGIN,
        )
    correlations = _correlations(f"{where} {name} inputs correlations", inputs.get("correlations", []))
    exogenous = {
        key: Exogenous(numbers=read_numbers(f"{where} {name} inputs {key}", key, inputs[key]), **_NO_ORIGIN)
        for key in EXOGENOUS
        if key in inputs
    }
    view = View(
        name=name,
        label=line,
        source="sie_project",
        reflects=(),
        entries=MappingProxyType(entries),
        concludes=MappingProxyType({}),
        correlations=correlations,
        exogenous=MappingProxyType(exogenous),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "view.toml"
        path.write_text(to_toml(view), encoding="utf-8")
        try:
            read_saved_view(path)
        except DataError as error:
            raise moved(error, lambda place: f"{where} {place.replace(path.name, name, 1)}") from None
    return view


def _correlations(where: str, items: object) -> tuple[Correlation, ...]:
    """The correlations of a view; what they may be is checked with the view."""
    read = [checked(where, item, _CORRELATION) for item in _LIST.of(where, items)]
    return tuple(
        Correlation(between=tuple(item["between"]), rank=item["rank"], **_NO_ORIGIN) for item in read
    )


_NO_ORIGIN = {
    "basis": "ours",
    "locator": "saved report",
    "note": "read from a saved report, which holds no provenance",
}


def _prior_as_data(prior: Prior) -> dict:
    return {
        "family": prior.family,
        "numbers": [NO_LIMIT if number == math.inf else number for number in prior.numbers],
        "parts": [_prior_as_data(part) for part in prior.parts],
    }


_LIST = Field(lambda items: items if isinstance(items, list) else None, "a list")
_CORRELATION = {"between": _LIST, "rank": anything("a rank")}
_OWN = dict.fromkeys(("reached", "against"), optional(anything()))
_PRIOR = {"family": words("the name of a family"), "numbers": _LIST, "parts": _LIST}


def _prior_from_data(where: str, item: object, also: Mapping[str, Field] = MappingProxyType({})) -> Prior:
    values = checked(where, item, {**_PRIOR, **also}, want="a prior's family, numbers and parts")
    numbers = [math.inf if number == NO_LIMIT else number for number in values["numbers"]]
    parts = tuple(_prior_from_data(f"{where} parts", part) for part in values["parts"])
    try:
        return Prior(family=values["family"], numbers=tuple(numbers), parts=parts)
    except DataError as error:
        raise moved(error, lambda _: where) from None


_DIGEST = matching("[0-9a-f]{64}", "64 hexadecimal digits")
_VERSIONS = by_name(words(), "versions by package")
_ROWS = Field(
    lambda rows: rows if isinstance(rows, list) and all(isinstance(row, str) for row in rows) else None,
    "a list of row ids",
)
INPUTS = {"inputs_sha256": _DIGEST, "rows_used": _ROWS}
"""What a report and a ledger say of the inputs of a view, its priors and levels apart."""

RUN = {"seed": whole(), "draws": whole(), "versions": _VERSIONS}
"""What a report and a ledger say of how an answer was computed."""

_REPORT = {
    "version": Field(lambda number: number if number in (1, 2) and number is not True else None, "1 or 2"),
    **RUN,
    "views": Field(lambda views: views if isinstance(views, list) and views else None, "a list of views"),
}


def read_json(path: Path) -> dict[str, Saved]:
    """A saved report by view. Raises DataError where something is missing, unknown to JSON or not what it must be."""
    document = read_document(path, want=_WHAT)
    document = checked(path.name, document, _REPORT, others=True, want=_WHAT)
    saved = {}
    for item in document["views"]:
        read = _saved(path.name, item, document)
        if read.view.name in saved:
            raise DataError(f"{path.name} views", read.view.name, "each view once")
        saved[read.view.name] = read
    return saved


def _saved(where: str, item: Any, document: Mapping) -> Saved:
    has_levels = document["version"] > 1
    keys = ("view", "label", "inputs", "credences", *(("levels",) if has_levels else ()))
    fields = {**dict.fromkeys(keys, anything(f"what {_WHAT} holds")), **INPUTS}
    item = checked(where, item, fields, others=True, want=f"a view, as in {_WHAT}")
    view = view_of(where, item["view"], item["label"], item["inputs"])
    place = f"{where} {view.name}"
    return Saved(
        view=view,
        inputs_sha256=item["inputs_sha256"],
        rows_used=tuple(item["rows_used"]),
        levels=check_levels(place, item["levels"]) if has_levels else None,
        credences=check_credences(place, item["credences"]),
        **{key: document[key] for key in RUN},
    )


def check_levels(where: str, levels: object) -> Mapping[str, str]:
    """The level of each domain, as a report lists them."""
    read = by_name(anything(), "levels by domain").of(f"{where} levels", levels)
    return MappingProxyType({key: _LEVEL.of(f"{where} levels {key}", level) for key, level in read.items()})


_LEVEL = one_of(LEVELS)
_CREDENCE = {
    "event": one_of(EVENT_NAMES),
    "given": one_of(GIVEN),
    "p": number(0, "a probability", high=1),
    "mcse": number(0, "an error of at least 0"),
}


def check_credences(where: str, items: object) -> Mapping[tuple[str, str], tuple[float, float]]:
    """Credences as a report lists them, by (event, given)."""
    if not isinstance(items, list) or not items:
        raise DataError(f"{where} credences", items, "a list of event, given, p, mcse")
    found = {}
    for item in items:
        row = checked(f"{where} credences", item, _CREDENCE, want="event, given, p and mcse")
        key = (row["event"], row["given"])
        if key in found:
            raise DataError(f"{where} credences", plain(f"{key[0]} given {key[1]} twice"), "each once")
        found[key] = (row["p"], row["mcse"])
    return MappingProxyType(found)
