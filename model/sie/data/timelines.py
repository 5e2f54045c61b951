"""Timelines to ASARA as their authors state them: `priors/timelines/NAME.toml` to a frozen `Timeline`."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ..base.errors import DataError, plain
from ..base.reading import data_folder, read_toml
from .bibliography import check_provenance, read_sources
from .families import Prior
from .prior_tables import read_prior
from .priors import Entry
from .tables import PROVENANCE

__all__ = ["AHEAD", "UNITS", "Timeline", "read_timeline", "timeline_names"]

AHEAD = ("suite_bias", "trend_error", "software_share", "compute_ahead", "asara_horizon", "pace")
"""What the measurements do not inform."""

UNITS: Mapping[str, str] = MappingProxyType(
    {
        "horizon": "minutes",
        "doublings_per_year": "horizon doublings per year",
        "doubling_ratio": "1",
        "model_spread": "horizon doublings",
        "shared_error": "1",
        "suite_bias": "1",
        "trend_error": "1",
        "software_share": "1",
        "compute_ahead": "1",
        "asara_horizon": "work months",
        "pace": "OOMs of training efficiency per year",
    }
)

_KEYS = ("label", "source", "release", "since", "models")


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Beliefs about the way to ASARA, and which of METR's measurements inform them.

    `timeline["pace"]` is the entry of a quantity.

    Attributes
    ----------
    name : str
        Name of the timeline, its file's without the ending.
    label : str
        A line of text for tables and figures.
    release : str
        The task suite of METR's measurements.
    since : datetime.date
        Date from which models count.
    models : str
        "frontier" (best at their release) or "all".
    entries : mapping of str to Entry
        Prior, unit and provenance of each quantity.
    """

    name: str
    label: str
    release: str
    since: datetime.date
    models: str
    entries: Mapping[str, Entry]

    def __getitem__(self, quantity: str) -> Entry:
        return self.entries[quantity]

    def replace(self, **priors: Prior) -> Timeline:
        """The same timeline with other priors, which keep their units; their basis becomes `ours`.

        Parameters
        ----------
        **priors : Prior
            By the name of a quantity of the timeline.

        Returns
        -------
        Timeline
            A new timeline of the same name.

        Raises
        ------
        DataError
            For an unknown quantity, or a prior that leaves the range of its quantity.
        """
        import dataclasses

        entries = dict(self.entries)
        for name, prior in priors.items():
            if name not in entries:
                raise DataError(
                    f"{self.name} replace {name}",
                    plain("an unknown quantity"),
                    "one of " + ", ".join(entries),
                )
            _check_range(f"{self.name} [{name}]", name, prior)
            entries[name] = dataclasses.replace(
                entries[name], prior=prior, basis="ours", locator="Timeline.replace", note="changed in Python"
            )
        return dataclasses.replace(self, entries=MappingProxyType(entries))


def timeline_names() -> list[str]:
    """The names of the bundled timelines, sorted."""
    return sorted(path.stem for path in (data_folder("priors") / "timelines").glob("*.toml"))


def read_timeline(timeline: Path | str) -> Timeline:
    """Read and check a timeline.

    Parameters
    ----------
    timeline : Path or str
        A bundled name, or a path ending in `.toml`.

    Returns
    -------
    Timeline
        Frozen; `Timeline.replace` makes another.

    Raises
    ------
    DataError
        At the first problem: an unknown name; a key that is missing, unknown or of the wrong type; a unit or number that the
        quantity cannot have; a quote that does not print its number.
    """
    timeline = str(timeline)
    if not timeline.endswith(".toml") and timeline not in timeline_names():
        raise DataError(
            "timeline", timeline, "a path ending in .toml or one of " + ", ".join(timeline_names())
        )
    path = (
        Path(timeline)
        if timeline.endswith(".toml")
        else data_folder("priors") / "timelines" / f"{timeline}.toml"
    )
    where, table, sources = path.name, read_toml(path), read_sources()
    for name in (*_KEYS, *UNITS):
        if name not in table:
            raise DataError(f"{where} {name}", plain("nothing"), "a value (all keys and tables are required)")
    for name in table:
        if name not in (*_KEYS, *UNITS):
            raise DataError(f"{where} {name}", plain("an unknown key"), "only " + ", ".join((*_KEYS, *UNITS)))
    if type(table["since"]) is not datetime.date:
        raise DataError(f"{where} since", table["since"], "a date such as 2023-01-01")
    if table["models"] not in ("frontier", "all"):
        raise DataError(f"{where} models", table["models"], "frontier or all")
    if table["source"] not in sources:
        raise DataError(f"{where} source", table["source"], "a key of sources.toml")
    return Timeline(
        name=path.stem,
        label=str(table["label"]),
        release=str(table["release"]),
        since=table["since"],
        models=table["models"],
        entries=MappingProxyType(
            {
                name: _read_entry(f"{where} [{name}]", name, table[name], table["source"], sources)
                for name in UNITS
            }
        ),
    )


def _read_entry(where: str, name: str, table: object, source: str, sources: Mapping) -> Entry:
    if not isinstance(table, dict):
        raise DataError(where, table, "a table with a family, its numbers, unit and basis")
    prior = read_prior(where, table, ("unit", *PROVENANCE))
    if table.get("unit") != UNITS[name]:
        raise DataError(f"{where} unit", table.get("unit"), UNITS[name])
    _check_range(where, name, prior)
    record: dict[str, Any] = {key: table.get(key) for key in PROVENANCE}
    for key, value in record.items():
        if value is not None and not isinstance(value, str):
            raise DataError(f"{where} {key}", value, "a string")
    numbers = [*prior.numbers, *(number for part in prior.parts for number in part.numbers)]
    check_provenance(where, {**record, "source": record["source"] or source}, numbers, sources)
    return Entry(prior=prior, unit=table["unit"], **record)


def _check_range(where: str, name: str, prior: Prior) -> None:
    low, high = prior.support
    share = name in ("software_share", "shared_error")
    if (
        low == np.inf
        or low < 0
        or (low == 0 and prior.family == "fixed" and not share)
        or (share and high > 1)
    ):
        raise DataError(
            where,
            plain(f"a {prior.family} prior that reaches from {low:g} to {high:g}"),
            "values from 0 to 1" if share else "values above 0",
        )
