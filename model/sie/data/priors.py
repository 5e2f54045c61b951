"""From the TOML of an author's beliefs to a `View`: every key, unit, number and quote checked, no defaults.

What a view is, is in `views`.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..base.errors import UNKNOWN, DataError, Problems, plain
from ..base.reading import data_folder, parse_toml, read_toml
from .bibliography import PROVENANCE, REFERENCE, Source, read_sources
from .correlations import Correlation, check_correlations
from .draws import draw
from .exogenous import EXOGENOUS, check_together
from .families import is_finite
from .prior_tables import ORIGIN_KEYS, origin_of, read_correlations, read_entry, read_exogenous, top_keys
from .quantities import (
    CHAIN,
    EVENT_NAMES,
    GROWTH,
    HISTORY_SHARES,
    OOMS,
    QUANTITIES,
    RETIRED,
    STATED_INSTEAD,
    TRAINING_PACE,
    YEARS_OF_PROGRESS,
)
from .schema import LINE, Rule, checked, number
from .view_toml import to_toml
from .views import Conclusion, Entry, View, check_name, refuse_atom

__all__ = [
    "ALTERNATIVES",
    "WEIGHTS",
    "Conclusion",
    "Correlation",
    "Entry",
    "View",
    "draw",
    "parse_view",
    "read_entry",
    "read_saved_view",
    "read_view",
    "to_toml",
    "view_names",
    "view_path",
]

WEIGHTS = "weights.toml"
"""The file beside the views that weighs them; no view itself."""

ALTERNATIVES = "alternatives.toml"
"""The file beside the views that lists other choices; no view itself."""


def view_names() -> list[str]:
    """The names of the bundled views, sorted.

    Returns
    -------
    list of str
        Names that `read_view` takes.
    """
    return sorted(
        path.stem for path in data_folder("priors").glob("*.toml") if path.name not in (WEIGHTS, ALTERNATIVES)
    )


def view_path(view: str) -> Path:
    """The file of a view: a path iff it ends in `.toml`, else a name under `priors/`."""
    if view.endswith(".toml"):
        return Path(view)
    if view not in view_names():
        beside = f"{Path(view).stem}.toml"
        if os.path.isfile(beside):
            raise DataError("view", plain(f"{view!r}, no bundled view"), f"{beside}, which is a file here")
        raise DataError("view", view, "a path ending in .toml or one of " + ", ".join(view_names()))
    return data_folder("priors") / f"{view}.toml"


def read_view(view: Path | str, *, sources: Mapping[str, Source] | None = None) -> View:
    """Read and check a view.

    Parameters
    ----------
    view : Path or str
        A bundled name (`view_names`), or a path ending in `.toml`.
    sources : mapping of str to Source, optional
        The bibliography that its tables must cite (default: the bundled one).

    Returns
    -------
    View
        Frozen; `View.replace` makes another.

    Raises
    ------
    DataError
        At the first problem: an unknown name; a key that is missing, unknown or of the wrong type; a unit or number that the
        quantity cannot have; a quote that does not print its number.

    Examples
    --------
    >>> view = sie.read_view("davidson_2025")
    >>> view["capabilities"].prior.family
    'lognormal'
    """
    return _read(view_path(str(view)), sources, retired=False)


def parse_view(name: str, text: str, *, sources: Mapping[str, Source] | None = None) -> View:
    """The view in the text of a file `NAME.toml`, as `read_view` reads it, with no `path`."""
    check_name("the name of a view", name)
    return _view(name, parse_toml(f"{name}.toml", text), sources, retired=False)


def read_saved_view(path: Path, *, sources: Mapping[str, Source] | None = None) -> View:
    """`read_view` for a view that was saved, perhaps with quantities that views state no more (`View.retired`)."""
    return _read(path, sources, retired=True)


def _read(path: Path, sources: Mapping[str, Source] | None, *, retired: bool) -> View:
    check_name("the name of a view", path.stem)
    view = _view(path.stem, read_toml(path), sources, retired=retired)
    return dataclasses.replace(view, path=path)


def _view(
    name: str, table: Mapping[str, Any], sources: Mapping[str, Source] | None, *, retired: bool
) -> View:
    where = f"{name}.toml"
    sources = read_sources() if sources is None else sources
    fields = top_keys(sources)
    with Problems() as problems:
        top = problems.attempt(lambda: checked(where, table, fields, others=True))
        source = str(table.get("source"))
        if source not in sources:  # which is refused once, not for every table
            sources = {**sources, source: dataclasses.replace(next(iter(sources.values())), text=source)}
        other = (*fields, "concludes", "correlations", *EXOGENOUS)
        tables = {name: item for name, item in table.items() if name not in other}
        old = tuple(name for name in RETIRED if retired and name in tables)
        names = _quantities_of(where, tables, problems, old, fields)
        read = partial(read_entry, may_borrow=name != REFERENCE)
        known_as = {name: RETIRED if name in old else QUANTITIES for name in names}
        entries = {
            quantity: problems.attempt(
                read, f"{where} [{quantity}]", quantity, tables[quantity], source, sources, known_as[quantity]
            )
            for quantity in names
        }
        concludes = problems.attempt(_read_conclusions, where, table.get("concludes", {}), source, sources)
        pairs = table.get("correlations", [])
        correlations = problems.attempt(read_correlations, where, pairs, source, sources)
        exogenous = {
            name: problems.attempt(read_exogenous, f"{where} [{name}]", name, table[name], source, sources)
            for name in EXOGENOUS
            if name in table
        }
        if not problems:
            problems.attempt(_check_distances, where, entries)
            problems.attempt(_check_against, where, entries)
            priors = {name: entry.prior for name, entry in entries.items()}
            problems.attempt(check_correlations, where, correlations, priors)
            problems.attempt(check_together, where, exogenous, priors.get("shortest_doubling"))
    found = View(
        name=name,
        label=top["label"],
        source=source,
        reflects=tuple(top["reflects"]),
        entries=MappingProxyType(entries),
        concludes=MappingProxyType(concludes),
        correlations=correlations,
        exogenous=MappingProxyType(exogenous),
    )
    with Problems() as problems:
        for quantity in found.informed:
            problems.attempt(refuse_atom, f"{where} [{quantity}]", entries[quantity].prior)
    return found


def _quantities_of(
    where: str, tables: Mapping[str, object], problems: Problems, old: tuple[str, ...], top: Collection[str]
) -> list[str]:
    """The quantities of a view for which there are tables; which must be there depends on how it states r. A view with an `old` quantity,
    of an earlier version, need not have those that have come since. `top` has its keys above all tables."""
    derives = "r_asara" not in tables and "compute_bottleneck" not in tables
    if "r_asara" in tables:
        names, may_lack = ["r_asara", "conversion", "gained_before_asara"], {"gained_before_asara"}
        other = "parallel" if "lambda" in tables else "lambda"
    else:
        last = "gained_before_asara" if "gained_before_asara" in tables else "steepening"
        names = [*CHAIN[:-1], last]
        may_lack = {"compute_bottleneck", *(name for name in names if QUANTITIES[name].optional)}
        other = "parallel" if derives else "lambda"
    names += [name for name in GROWTH if old or name != other]
    names += HISTORY_SHARES if derives else ()
    may_lack |= {*_SINCE, "parallel", "lambda"} if old else set()
    for name in (name for name in RETIRED if name in tables and name not in old):
        found = plain("a quantity of an earlier version")
        problems.refuse(f"{where} [{name}]", found, STATED_INSTEAD[name])
    want = "only " + ", ".join(names)
    surplus = [name for name in tables if name not in (*names, *RETIRED)]
    for name in (name for name in surplus if name not in QUANTITIES):  # before the one that is then missing
        is_table = isinstance(tables[name], dict | list)
        problems.refuse(f"{where} {name}", plain(UNKNOWN), want if is_table else "only " + ", ".join(top))
    for name in names:
        if name not in tables and name not in may_lack:
            problems.refuse(f"{where} [{name}]", plain("nothing"), "a table (the quantity is required)")
    for name in (name for name in surplus if name in QUANTITIES):
        problems.refuse(f"{where} {name}", plain("a table that this kind of view may not have"), want)
    return [name for name in (*names, *old) if name in tables]


_SINCE = ("software_share", "shortest_doubling", *HISTORY_SHARES)
"""Quantities that a view of an earlier version could not state."""


def _check_distances(where: str, entries: Mapping[str, Entry]) -> None:
    """`gained_before_asara` and `ceiling` are compared draw by draw, which must not depend on what evidence moves."""
    if "gained_before_asara" not in entries:
        return
    units = (entries["gained_before_asara"].unit, entries["ceiling"].unit)
    moved = {OOMS} | ({YEARS_OF_PROGRESS} if entries["recent_pace"].unit == TRAINING_PACE else set())
    if len({unit in moved for unit in units}) == 2:
        raise DataError(
            f"{where} [gained_before_asara] unit",
            units[0],
            f"a unit that depends on the conversion as that of the ceiling does ({units[1]!r})",
        )


def _check_against(where: str, entries: Mapping[str, Entry]) -> None:
    """What `r_typical` is measured against follows from the form of the view; a table that says so must agree."""
    stated = entries["r_typical"].against if "r_typical" in entries else None
    means = "labour" if "compute_bottleneck" in entries else "all"
    if stated is not None and stated != means:
        how = "states" if means == "labour" else "derives"
        raise DataError(
            f"{where} [r_typical] against", stated, f"{means} (the view {how} the compute factor)"
        )


def _read_conclusions(
    where: str, tables: object, source: str, sources: Mapping[str, Source]
) -> dict[str, Conclusion]:
    if not isinstance(tables, dict):
        raise DataError(f"{where} [concludes]", tables, "tables [concludes.EVENT]")
    with Problems() as problems:
        return {
            name: problems.attempt(
                _read_conclusion, f"{where} [concludes.{name}]", name, item, source, sources
            )
            for name, item in tables.items()
        }


def _read_conclusion(
    where: str, name: str, table: object, source: str, sources: Mapping[str, Source]
) -> Conclusion:
    if name != "r_asara" and name not in EVENT_NAMES:
        raise DataError(where, plain("an unknown event"), "r_asara or one of " + ", ".join(EVENT_NAMES))
    if not isinstance(table, dict):
        raise DataError(where, table, "a table")
    allowed = (("q05", "q50", "q95"),) if name == "r_asara" else (("p",), ("p_low", "p_high"), ("says",))
    keys = [key for key in table if key not in PROVENANCE]
    order = next((names for names in allowed if set(names) == set(keys)), None)
    if order is None:
        want = " or ".join(" and ".join(names) for names in allowed)
        raise DataError(where, plain(", ".join(keys) or "no numbers"), want)
    if order == ("says",):
        rules = (_in_the_quote, origin_of(source, [], sources))
        values = checked(where, table, {"says": LINE, **ORIGIN_KEYS}, rules)
        return Conclusion(numbers=MappingProxyType({}), **values)
    field = number(0, "a number of at least 0") if name == "r_asara" else number(0, "a probability", high=1)
    numbers = [value for key in order if is_finite(value := table[key])]
    rules = (_ascending(order), origin_of(source, numbers, sources))
    values = checked(where, table, {**dict.fromkeys(keys, field), **ORIGIN_KEYS}, rules)
    return Conclusion(numbers=MappingProxyType({key: values.pop(key) for key in keys}), **values)


def _in_the_quote(where: str, values: Mapping[str, Any]) -> None:
    if values["says"] not in (values["quote"] or ""):
        raise DataError(f"{where} says", values["says"], "words of the quote")


def _ascending(keys: tuple[str, ...]) -> Rule:
    def rule(where: str, values: Mapping[str, Any]) -> None:
        stated = [values[key] for key in keys]
        if stated != sorted(stated):
            raise DataError(where, stated, "numbers in ascending order")

    return rule
