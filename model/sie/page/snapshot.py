"""What a report saves of a view's inputs: plain data that gives the same draws again, and the strict reader of saved reports.

A saved report is what `sie report --json` writes, or the draws of one view from `--out`. It holds each view's priors with their
units, the rows that were used, the level of each domain, the seed, the number of draws, the versions and the credences; a report
without one of these is refused. Version 1 knew no levels: it is read and shown, never computed again. It computes nothing itself.
"""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from types import MappingProxyType
from typing import Any

from ..base.errors import DataError, plain
from ..base.reading import read_json as read_document
from ..data.families import Prior
from ..data.priors import Entry, View, read_view, to_toml
from ..data.quantities import EVENT_NAMES, GIVEN
from ..data.rows import LEVELS
from ..data.views import check_name

__all__ = [
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
    """What a view states, by quantity: family, numbers, parts and unit, without provenance."""
    return {name: {**_prior_as_data(entry.prior), "unit": entry.unit} for name, entry in view.entries.items()}


def view_of(where: str, name: Any, label: object, inputs: object) -> View:
    """The view with these inputs, checked as a view file is. Raises DataError that starts with `where`."""
    check_name(f"{where} view", name)
    if not isinstance(label, str) or not label.strip() or not label.isprintable():
        raise DataError(f"{where} {name} label", label, "a line of text")
    if not isinstance(inputs, dict) or not inputs:
        raise DataError(f"{where} {name} inputs", inputs, "the view's priors by quantity")
    entries = {}
    for quantity, item in inputs.items():
        if not isinstance(item, dict) or not isinstance(item.get("unit"), str):
            raise DataError(f"{where} {name} inputs {quantity}", item, "family, numbers, parts and unit")
        entries[quantity] = Entry(
            prior=_prior_from_data(f"{where} {name} inputs {quantity}", item, ("unit",)),
            unit=item["unit"],
            basis="ours",
            locator="saved report",
            note="read from a saved report, which holds no provenance",
        )
    view = View(
        name=name,
        label=label,
        source="sie_project",
        reflects=(),
        entries=MappingProxyType(entries),
        concludes=MappingProxyType({}),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "view.toml"
        path.write_text(to_toml(view), encoding="utf-8")
        try:
            read_view(str(path))
        except DataError as error:
            told = error.where.replace(path.name, name, 1)
            raise DataError(f"{where} {told}", error.found, error.want) from None
    return view


def _prior_as_data(prior: Prior) -> dict:
    return {
        "family": prior.family,
        "numbers": [NO_LIMIT if number == math.inf else number for number in prior.numbers],
        "parts": [_prior_as_data(part) for part in prior.parts],
    }


def _prior_from_data(where: str, item: object, also: tuple[str, ...] = ()) -> Prior:
    keys = {"family", "numbers", "parts", *also}
    if not isinstance(item, dict) or set(item) != keys:
        raise DataError(where, item, "a table of " + ", ".join(sorted(keys)))
    if not isinstance(item["numbers"], list) or not isinstance(item["parts"], list):
        raise DataError(where, item, "lists of numbers and of parts")
    numbers = [math.inf if number == NO_LIMIT else number for number in item["numbers"]]
    parts = tuple(_prior_from_data(f"{where} parts", part) for part in item["parts"])
    if not isinstance(item["family"], str):
        raise DataError(f"{where} family", item["family"], "the name of a family")
    try:
        return Prior(family=item["family"], numbers=tuple(numbers), parts=parts)
    except DataError as error:
        raise DataError(where, error.found, error.want) from None


def read_json(path: Path) -> dict[str, Saved]:
    """A saved report by view. Raises DataError where something is missing, unknown to JSON or not what it must be."""
    document = read_document(path, want=_WHAT)
    for key, kind, want in (
        ("version", int, "1 or 2"),
        ("seed", int, "a whole number"),
        ("draws", int, "a whole number"),
        ("versions", dict, "versions by package"),
        ("views", list, "a list of views"),
    ):
        if not isinstance(document, dict) or key not in document:
            raise DataError(f"{path.name} {key}", plain("nothing"), f"{want}, as in {_WHAT}")
        if not isinstance(document[key], kind) or isinstance(document[key], bool):
            raise DataError(f"{path.name} {key}", document[key], want)
    if document["version"] not in (1, 2):
        raise DataError(f"{path.name} version", document["version"], "1 or 2")
    if not document["views"]:
        raise DataError(f"{path.name} views", plain("nothing"), "at least one view")
    saved = {}
    for item in document["views"]:
        read = _saved(path.name, item, document)
        if read.view.name in saved:
            raise DataError(f"{path.name} views", read.view.name, "each view once")
        saved[read.view.name] = read
    return saved


def _saved(where: str, item: Any, document: Mapping) -> Saved:
    needed = ("view", "label", "inputs", "inputs_sha256", "rows_used", "credences")
    levels = ("levels",) if document["version"] > 1 else ()
    for key in (*needed, *levels):
        if not isinstance(item, dict) or key not in item:
            raise DataError(f"{where} {key}", plain("nothing"), f"what {_WHAT} holds")
    view = view_of(where, item["view"], item["label"], item["inputs"])
    if not isinstance(item["inputs_sha256"], str) or not re.fullmatch("[0-9a-f]{64}", item["inputs_sha256"]):
        raise DataError(f"{where} {view.name} inputs_sha256", item["inputs_sha256"], "64 hexadecimal digits")
    rows = item["rows_used"]
    if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
        raise DataError(f"{where} {view.name} rows_used", rows, "a list of row ids")
    return Saved(
        view=view,
        inputs_sha256=item["inputs_sha256"],
        rows_used=tuple(rows),
        levels=check_levels(f"{where} {view.name}", item["levels"]) if levels else None,
        credences=check_credences(f"{where} {view.name}", item["credences"]),
        seed=document["seed"],
        draws=document["draws"],
        versions=MappingProxyType({str(name): str(text) for name, text in document["versions"].items()}),
    )


def check_levels(where: str, levels: object) -> Mapping[str, str]:
    """The level of each domain, as a report lists them."""
    if not isinstance(levels, dict) or not all(domain.isprintable() for domain in levels):
        raise DataError(f"{where} levels", levels, "levels by domain")
    for domain, level in levels.items():
        if not isinstance(level, str) or level not in LEVELS:
            raise DataError(f"{where} levels {domain}", level, "one of " + ", ".join(LEVELS))
    return MappingProxyType(levels)


def check_credences(where: str, items: object) -> Mapping[tuple[str, str], tuple[float, float]]:
    """Credences as a report lists them, by (event, given)."""
    if not isinstance(items, list) or not items:
        raise DataError(f"{where} credences", items, "a list of event, given, p, mcse")
    found = {}
    for item in items:
        if not isinstance(item, dict) or set(item) != {"event", "given", "p", "mcse"}:
            raise DataError(f"{where} credences", item, "event, given, p and mcse")
        key = (item["event"], item["given"])
        if key[0] not in EVENT_NAMES or key[1] not in GIVEN or key in found:
            raise DataError(
                f"{where} credences", plain(f"{key[0]!r} given {key[1]!r}"), "each known event once"
            )
        for name, top in (("p", 1.0), ("mcse", math.inf)):
            number = item[name]
            if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= top:
                raise DataError(
                    f"{where} credences {key[0]} {name}", number, "a probability" if top == 1 else "an error"
                )
        found[key] = (float(item["p"]), float(item["mcse"]))
    return MappingProxyType(found)
