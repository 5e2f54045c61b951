"""The weights of views and mechanisms, with their reasons: `priors/weights.toml` to frozen `Weights`.

A group of authors has one vote, split between its views in the pool in proportion to their weights:

    w_v = vote_g u_v / sum_{u in g} u_u,   normalised over groups; u_v = 0 where the view that supersedes v is in the pool
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ..base.errors import UNKNOWN, DataError, Problems, plain
from ..base.reading import data_folder, read_toml
from .bibliography import Source, read_sources
from .families import is_finite
from .prior_tables import ORIGIN_KEYS, origin_of, read_entry
from .priors import WEIGHTS, Entry
from .quantities import QUANTITIES, Quantity
from .schema import Field, anything, checked, optional
from .weight_keys import GROUP, LOGARITHMIC, MECHANISM, REPLACEABLE, VIEW

__all__ = ["OTHERS", "Group", "Mechanism", "Weights", "read_weights"]

OTHERS = "others"
"""The table of views that have none of their own."""

HISTORY: Mapping[str, Quantity] = MappingProxyType(
    {
        "compute_over_labour": Quantity(
            meaning="growth of compute over that of labour, in logs, in the history that r was measured in",
            lower_included=True,
        ),
        "frontier_share": QUANTITIES["frontier_share"],
    }
)
"""Assumed for the history behind r in views that state r against labour, or at ASARA, without describing it."""


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """One way in which compute limits research: its weight, and priors in place of a view's own."""

    name: str
    label: str
    weight: float
    entries: Mapping[str, Entry]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Views of the same authors, which share one vote; `superseded` names for a view that its author gave up the one in its place."""

    name: str
    label: str
    weight: float
    note: str
    views: tuple[str, ...]
    superseded: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What a view and its group weigh in a pool and a mechanism within a view, not normalised; the `floor` of the logarithmic pool."""

    views: Mapping[str, float]
    groups: Mapping[str, Group]
    floor: float
    """Probability that the logarithmic pool leaves an event, and its opposite, in every view."""
    mechanisms: Mapping[str, Mechanism]
    history: Mapping[str, Entry]
    quotes: tuple[tuple[str, str, str], ...]
    """(where, source, quote) of every table that quotes."""

    def of(self, names: Sequence[str]) -> np.ndarray:
        """The weights in a pool of these views, which sum to 1. Raises DataError where all of them are 0."""
        own = {name: self._own(name, names) for name in names}
        return _normalised("weights of views", np.array([self._share(name, own) for name in names]))

    def any_of(self, names: Sequence[str]) -> bool:
        """Whether any view in a pool of these has a vote."""
        own = {name: self._own(name, names) for name in names}
        return any(self._share(name, own) > 0 for name in names)

    def group_of(self, name: str) -> Group | None:
        """The group of a view; None where the view is a group of its own."""
        return next((group for group in self.groups.values() if name in group.views), None)

    def superseded_by(self, name: str, names: Sequence[str]) -> str | None:
        """The view in a pool of these that takes the place of one that its author gave up; None where there is none."""
        group = self.group_of(name)
        if group is None:
            return None
        later = group.superseded.get(name)
        while later is not None and later not in names:
            later = group.superseded.get(later)
        return later

    def _own(self, name: str, names: Sequence[str]) -> float:
        """What a view weighs beside others of its group, 0 where it has been replaced."""
        return 0.0 if self.superseded_by(name, names) else self.views.get(name, self.views[OTHERS])

    def _share(self, name: str, own: Mapping[str, float]) -> float:
        """A view's part of its group's vote; of one that is in no group, its own weight."""
        group = self.group_of(name)
        if group is None or not own[name]:
            return own[name]
        return group.weight * own[name] / sum(own.get(view, 0.0) for view in group.views)

    def of_mechanisms(self) -> np.ndarray:
        """The weights of the mechanisms, which sum to 1."""
        return _normalised("weights of mechanisms", np.array([m.weight for m in self.mechanisms.values()]))


def _normalised(where: str, weights: np.ndarray) -> np.ndarray:
    if not weights.sum() > 0:
        raise DataError(where, plain("only zeros"), "at least one above 0")
    return weights / weights.sum()


def read_weights(path: Path | str | None = None, *, sources: Mapping[str, Source] | None = None) -> Weights:
    """Read and check the weights of views and of mechanisms.

    Parameters
    ----------
    path : Path or str, optional
        A TOML file (default: the bundled `weights.toml`).
    sources : mapping of str to Source, optional
        The bibliography that its tables must cite (default: the bundled one).

    Returns
    -------
    Weights
        Not normalised; `Weights.of` and `Weights.of_mechanisms` give weights that sum to 1.

    Raises
    ------
    DataError
        At the first problem: a key that is missing or unknown, a weight that is negative, mechanisms that all weigh 0, a prior out
        of the range of its quantity, a quote that does not print its number, a view that two groups have, a view that takes its own place.
    """
    path = data_folder("priors") / WEIGHTS if path is None else Path(path)
    sources = read_sources() if sources is None else sources
    file = path.name
    kinds = {
        "views": _tables("views"),
        "groups": optional(_tables("groups"), MappingProxyType({})),
        "logarithmic": anything("a table with the floor of the logarithmic pool"),
        "mechanisms": _tables("mechanisms"),
        "history": _tables("history"),
    }
    tables = checked(file, read_toml(path), kinds)
    with Problems() as problems:
        if OTHERS not in tables["views"]:
            problems.refuse(f"{file} [views.{OTHERS}]", plain("nothing"), "a weight for every other view")
        read = {
            name: problems.attempt(_read_table, f"{file} [views.{name}]", item, VIEW, sources)
            for name, item in tables["views"].items()
        }
        groups = {
            name: problems.attempt(_read_group, f"{file} [groups.{name}]", name, item, sources)
            for name, item in (tables["groups"] or {}).items()
        }
        logarithmic = problems.attempt(
            _read_table, f"{file} [logarithmic]", tables["logarithmic"], LOGARITHMIC, sources
        )
        found = {
            name: problems.attempt(_read_mechanism, f"{file} [mechanisms.{name}]", name, item, sources)
            for name, item in tables["mechanisms"].items()
        }
        history = problems.attempt(_read_history, file, tables["history"], sources)
    _check_once(file, groups)
    parts = {"logarithmic": tables["logarithmic"]}
    for kind in ("views", "groups", "mechanisms", "history"):
        for name, item in (tables[kind] or {}).items():
            parts[f"{kind}.{name}"] = item
            parts |= {f"{kind}.{name}.{key}": item[key] for key in REPLACEABLE if key in item}
    quotes = [
        (f"{file} [{place}]", part["source"], part["quote"])
        for place, part in parts.items()
        if "quote" in part
    ]
    weights = Weights(
        views=MappingProxyType({name: values["weight"] for name, values in read.items()}),
        groups=MappingProxyType(groups),
        floor=logarithmic["floor"],
        mechanisms=MappingProxyType(found),
        history=MappingProxyType(history),
        quotes=tuple(quotes),
    )
    weights.of_mechanisms()
    return weights


def _tables(kind: str) -> Field:
    return Field(lambda found: found if isinstance(found, dict) and found else None, f"tables [{kind}.NAME]")


def _read_table(
    where: str, item: object, fields: Mapping[str, Field], sources: Mapping[str, Source]
) -> dict[str, Any]:
    """A table of which the first field is a number and has a basis."""
    name = next(iter(fields))
    numbers = [item[name]] if isinstance(item, dict) and is_finite(item.get(name)) else []
    rules = (origin_of("", numbers, sources),)
    return checked(where, item, {**fields, **ORIGIN_KEYS}, rules, want=f"a table with a {name} and its basis")


def _read_group(where: str, name: str, item: object, sources: Mapping[str, Source]) -> Group:
    values = _read_table(where, item, GROUP, sources)
    superseded = values["superseded"] or {}
    for view, later in superseded.items():
        for each in (view, later):
            if each not in values["views"]:
                raise DataError(f"{where} superseded", each, "views of this group")
        seen = {view}
        while later is not None:
            if later in seen:
                raise DataError(f"{where} superseded", later, "no view that takes its own place")
            seen.add(later)
            later = superseded.get(later)
    return Group(
        name=name,
        label=values["label"],
        weight=values["weight"],
        note=values["note"] or values["quote"],
        views=tuple(values["views"]),
        superseded=MappingProxyType(dict(superseded)),
    )


def _check_once(file: str, groups: Mapping[str, Group]) -> None:
    """A view has one vote: it is in one group at most."""
    seen: dict[str, str] = {}
    for group in groups.values():
        for view in group.views:
            if view in seen:
                raise DataError(
                    f"{file} [groups.{group.name}] views", view, f"a view that {seen[view]} has not"
                )
            seen[view] = group.name


def _read_history(file: str, tables: Mapping[str, Any], sources: Mapping[str, Source]) -> dict[str, Entry]:
    with Problems() as problems:
        for name in sorted(tables.keys() ^ HISTORY.keys()):
            want = f"only {' and '.join(HISTORY)}" if name in tables else "a table"
            found = plain(UNKNOWN if name in tables else "nothing")
            problems.refuse(f"{file} [history.{name}]", found, want)
        return {
            name: problems.attempt(
                read_entry, f"{file} [history.{name}]", name, tables[name], "", sources, HISTORY
            )
            for name in HISTORY
            if name in tables
        }


def _read_mechanism(where: str, name: str, item: Any, sources: Mapping[str, Source]) -> Mechanism:
    with Problems() as problems:
        values = problems.attempt(_read_table, where, item, MECHANISM, sources)
        entries = {
            quantity: problems.attempt(
                read_entry, f"{where[:-1]}.{quantity}]", quantity, item[quantity], "", sources
            )
            for quantity in REPLACEABLE
            if isinstance(item, dict) and quantity in item
        }
        if not entries:
            problems.refuse(where, plain("no prior"), "at least one of " + ", ".join(REPLACEABLE))
    return Mechanism(
        name=name, label=values["label"], weight=values["weight"], entries=MappingProxyType(entries)
    )
