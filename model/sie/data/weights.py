"""The weights of views and mechanisms, with their reasons: `priors/weights.toml` to frozen `Weights`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ..base.errors import DataError, plain
from ..base.reading import data_folder, read_toml
from .bibliography import Source, check_provenance, read_sources
from .families import Prior
from .prior_tables import read_prior
from .priors import WEIGHTS, Entry
from .quantities import QUANTITIES
from .tables import PROVENANCE

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
    table = read_toml(path)
    _only_keys(path.name, table, ("views", "mechanisms"))
    views, mechanisms = table["views"], table["mechanisms"]
    if OTHERS not in views:
        raise DataError(f"{path.name} [views.{OTHERS}]", plain("nothing"), "a weight for every other view")
    read = {}
    for name, item in views.items():
        where = f"{path.name} [views.{name}]"
        read[name] = _weight(where, item, (), sources)
    found = {}
    for name, item in mechanisms.items():
        where = f"{path.name} [mechanisms.{name}]"
        weight = _weight(where, item, ("label", *REPLACEABLE), sources)
        if not isinstance(item.get("label"), str) or not item["label"].strip():
            raise DataError(f"{where} label", item.get("label", plain("nothing")), "a line of text")
        entries = {
            quantity: _entry(f"{path.name} [mechanisms.{name}.{quantity}]", quantity, item[quantity], sources)
            for quantity in REPLACEABLE
            if quantity in item
        }
        if not entries:
            raise DataError(where, plain("no prior"), "at least one of " + ", ".join(REPLACEABLE))
        found[name] = Mechanism(
            name=name, label=item["label"], weight=weight, entries=MappingProxyType(entries)
        )
    tables = {f"views.{name}": item for name, item in views.items()}
    for name, item in mechanisms.items():
        tables[f"mechanisms.{name}"] = item
        tables |= {f"mechanisms.{name}.{key}": item[key] for key in found[name].entries}
    weights = Weights(
        views=MappingProxyType(read),
        mechanisms=MappingProxyType(found),
        quotes=tuple(
            (f"{path.name} [{name}]", item["source"], item["quote"])
            for name, item in tables.items()
            if "quote" in item
        ),
    )
    weights.of_mechanisms()
    return weights


def _only_keys(where: str, table: Mapping, keys: tuple[str, ...]) -> None:
    for key in table:
        if key not in keys:
            raise DataError(f"{where} {key}", plain("an unknown key"), "only " + ", ".join(keys))
    for key in keys:
        if not isinstance(table.get(key), dict) or not table[key]:
            raise DataError(f"{where} [{key}]", plain("nothing"), f"tables [{key}.NAME]")


def _weight(where: str, item: object, also: tuple[str, ...], sources: Mapping[str, Source]) -> float:
    if not isinstance(item, dict):
        raise DataError(where, item, "a table with a weight and its basis")
    for key in item:
        if key not in ("weight", *PROVENANCE, *also):
            raise DataError(
                f"{where} {key}",
                plain("an unknown key"),
                "only " + ", ".join(("weight", *PROVENANCE, *also)),
            )
    weight = item.get("weight", plain("nothing"))
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < math.inf:
        raise DataError(f"{where} weight", weight, "a number of at least 0")
    check_provenance(where, _record(where, item), [weight], sources)
    return float(weight)


def _record(where: str, item: Mapping) -> dict[str, Any]:
    for key in PROVENANCE:
        if key in item and (not isinstance(item[key], str) or not item[key].strip()):
            raise DataError(f"{where} {key}", item[key], "a string")
    return {key: item.get(key) for key in PROVENANCE}


def _entry(where: str, name: str, item: Any, sources: Mapping[str, Source]) -> Entry:
    prior = read_prior(where, item, ("unit", *PROVENANCE))
    if item.get("unit") not in QUANTITIES[name].units:
        raise DataError(
            f"{where} unit", item.get("unit", plain("nothing")), "one of " + "; ".join(QUANTITIES[name].units)
        )
    low, high = prior.support
    limit = QUANTITIES[name]
    at_zero = low == limit.lower and not limit.lower_included and prior.family == "fixed"
    if low < limit.lower or high > limit.upper or at_zero:
        raise DataError(
            where,
            plain(f"a {prior.family} prior that reaches from {low:g} to {high:g}"),
            f"values from {limit.lower:g} to {limit.upper:g}",
        )
    record = _record(where, item)
    check_provenance(where, record, _numbers(prior), sources)
    return Entry(prior=prior, unit=item["unit"], **record)


def _numbers(prior: Prior) -> list[float]:
    return [*prior.numbers, *(number for part in prior.parts for number in _numbers(part))]
