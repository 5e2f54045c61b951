"""Timelines to ASARA as their authors state them: `priors/timelines/NAME.toml` to a frozen `Timeline`."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ..base.errors import DataError, Problems, plain
from ..base.reading import data_folder, read_toml
from .bibliography import SOURCE_KEY, read_sources
from .families import Prior
from .prior_tables import read_entry
from .priors import Entry
from .quantities import Quantity
from .schema import DATE, LINE, anything, checked, known, meant, one_of
from .views import check_range

__all__ = ["ABOUT", "AHEAD", "DEFAULT_TIMELINE", "QUANTITIES", "Timeline", "read_timeline", "timeline_names"]

AHEAD = ("suite_bias", "trend_error", "software_share", "compute_ahead", "asara_horizon", "pace")
"""Quantities that the measurements do not inform."""

DEFAULT_TIMELINE = "superexponential"
"""The timeline that is used unless another is named: of the bundled ones, the backtest supports it most (`sie timeline --backtest`)."""

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "horizon": Quantity(meaning="horizon of the trend at the last model", units=("minutes",)),
        "doublings_per_year": Quantity(
            meaning="slope of the trend at the last model", units=("horizon doublings per year",)
        ),
        "doubling_ratio": Quantity(
            meaning="duration of a doubling over that of the one before; 1 is exponential"
        ),
        "model_spread": Quantity(meaning="spread of models around the trend", units=("horizon doublings",)),
        "shared_error": Quantity(
            meaning="share of the measurement variance that all models of a task suite have in common",
            lower_included=True,
            upper=1.0,
        ),
        "suite_bias": Quantity(meaning="horizon on AI R&D as it is done over horizon on the suite's tasks"),
        "trend_error": Quantity(
            meaning="horizon doublings per unit of AI progress from the last model to ASARA over those in the fitted years"
        ),
        "software_share": Quantity(
            meaning="share of the trend that comes from software", lower_included=True, upper=1.0
        ),
        "compute_ahead": Quantity(
            meaning="growth rate of training compute from the last model to ASARA over that in the fitted years"
        ),
        "asara_horizon": Quantity(meaning="horizon at ASARA", units=("work months",)),
        "pace": Quantity(meaning="pace of software alone", units=("OOMs of training efficiency per year",)),
    }
)
"""What a timeline states."""

ABOUT = {
    "label": meant(LINE, "name of the timeline"),
    "source": meant(known(None, SOURCE_KEY), "work that states the beliefs"),
    "release": meant(LINE, "release of METR's task suite whose measurements count"),
    "since": meant(DATE, "date of release from which models count"),
    "models": meant(one_of(("frontier", "all")), "whether only models that were the best at release count"),
}
"""The keys of a timeline beside its tables."""

_FIELDS = {
    **ABOUT,
    **dict.fromkeys(QUANTITIES, anything("a table")),
}


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
        entries = dict(self.entries)
        for name, prior in priors.items():
            if name not in entries:
                raise DataError(
                    f"{self.name} replace {name}",
                    plain("an unknown quantity"),
                    "one of " + ", ".join(entries),
                )
            check_range(f"{self.name} [{name}]", name, prior, QUANTITIES)
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
    source = str(table.get("source"))
    fields = _FIELDS | {"source": known(sources, SOURCE_KEY)}
    with Problems() as problems:
        top = problems.attempt(checked, where, table, fields)
        entries = {
            name: problems.attempt(
                read_entry, f"{where} [{name}]", name, table[name], source, sources, QUANTITIES
            )
            for name in QUANTITIES
            if name in table
        }
    entries = {
        name: dataclasses.replace(entry, source=entry.source or source) for name, entry in entries.items()
    }
    about = {key: value for key, value in top.items() if key not in (*QUANTITIES, "source")}
    return Timeline(name=path.stem, **about, entries=MappingProxyType(entries))
