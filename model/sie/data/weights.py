"""The weights of views and mechanisms, with their reasons: `priors/weights.toml` to frozen `Weights`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ..base.errors import DataError, Problems, plain
from ..base.reading import data_folder, read_toml
from .bibliography import Source, read_sources
from .families import is_finite
from .prior_tables import ORIGIN_KEYS, origin_of, read_entry
from .priors import WEIGHTS, Entry
from .schema import LINE, Field, anything, checked, number, optional

__all__ = ["OTHERS", "Mechanism", "Weights", "read_weights"]

OTHERS = "others"
"""The table of views that have none of their own."""

REPLACEABLE = ("compute_bottleneck", "labour_share", "sigma", "experiment_gain", "shape")
"""What a mechanism may state in place of a view."""


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """One way in which compute limits research: its weight, and priors in place of a view's own."""

    name: str
    label: str
    weight: float
    entries: Mapping[str, Entry]


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What a view weighs in a pool and a mechanism within a view; not normalised."""

    views: Mapping[str, float]
    mechanisms: Mapping[str, Mechanism]
    quotes: tuple[tuple[str, str, str], ...]
    """(where, source, quote) of every table that quotes."""

    def of(self, names: Sequence[str]) -> np.ndarray:
        """The weights of these views, which sum to 1. Raises DataError where all of them are 0."""
        found = np.array([self.views.get(name, self.views[OTHERS]) for name in names])
        return _normalised("weights of views", found)

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
        of the range of its quantity, a quote that does not print its number.
    """
    path = data_folder("priors") / WEIGHTS if path is None else Path(path)
    sources = read_sources() if sources is None else sources
    file = path.name
    tables = checked(file, read_toml(path), {"views": _tables("views"), "mechanisms": _tables("mechanisms")})
    quotes: list[tuple[str, str, str]] = []
    with Problems() as problems:
        if OTHERS not in tables["views"]:
            problems.refuse(f"{file} [views.{OTHERS}]", plain("nothing"), "a weight for every other view")
        read = {
            name: problems.attempt(_read_weight, f"{file} [views.{name}]", item, {}, sources)
            for name, item in tables["views"].items()
        }
        found = {
            name: problems.attempt(_read_mechanism, f"{file} [mechanisms.{name}]", name, item, sources)
            for name, item in tables["mechanisms"].items()
        }
    for kind, items in tables.items():
        for name, item in items.items():
            parts = {f"{kind}.{name}": item} | {
                f"{kind}.{name}.{key}": item[key] for key in REPLACEABLE if key in item
            }
            quotes += [
                (f"{file} [{place}]", part["source"], part["quote"])
                for place, part in parts.items()
                if "quote" in part
            ]
    weights = Weights(
        views=MappingProxyType({name: values["weight"] for name, values in read.items()}),
        mechanisms=MappingProxyType(found),
        quotes=tuple(quotes),
    )
    weights.of_mechanisms()
    return weights


_WEIGHT = number(0, "a number of at least 0")


def _tables(kind: str) -> Field:
    return Field(lambda found: found if isinstance(found, dict) and found else None, f"tables [{kind}.NAME]")


def _read_weight(
    where: str, item: object, also: Mapping[str, Field], sources: Mapping[str, Source]
) -> dict[str, Any]:
    fields = {"weight": _WEIGHT, **ORIGIN_KEYS, **also}
    numbers = [item["weight"]] if isinstance(item, dict) and is_finite(item.get("weight")) else []
    rules = (origin_of("", numbers, sources),)
    return checked(where, item, fields, rules, want="a table with a weight and its basis")


def _read_mechanism(where: str, name: str, item: Any, sources: Mapping[str, Source]) -> Mechanism:
    also = {"label": LINE, **dict.fromkeys(REPLACEABLE, optional(anything("a table")))}
    with Problems() as problems:
        values = problems.attempt(_read_weight, where, item, also, sources)
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
