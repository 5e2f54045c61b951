"""The definitions of a software intelligence explosion, as events of a path.

Estimates of P(SIE) in the literature use different definitions: each event has its wording and source, and they are never
pooled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, plain
from ..data.quantities import DOUBLINGS_PER_OOM, EVENT_NAMES
from .event_times import at_asara, when_ahead, when_pace

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["EVENTS", "Event", "gain_within", "pace_at_asara"]

MONTHS_4 = 4 / 12
"""Four months, in years."""

FAST_PACE = 5.0
"""The report's threshold: a pace this many times the recent one."""

TREND_GAIN = 500.0
"""Greenblatt's threshold: effective compute gained above trend."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One precise meaning of a software intelligence explosion, as an event that a path has or has not.

    Either `happens(paths)`, or `gain(paths)` doublings within some window of `years`. Events with the same `gain` share one search
    along the paths.

    Attributes
    ----------
    name : str
        Label in tables; those of the built-in events are the keys of `EVENTS`.
    wording : str
        The definition in words.
    source : str
        Key of the work (`read_sources`) that uses the definition.
    happens : callable, optional
        Takes paths of `simulate` and returns a bool for each draw, (chain, draw).
    gain : callable, optional
        Takes paths of `simulate` and returns labour doublings for each draw, (chain, draw).
    years : float
        Longest window in which `gain` counts, above 0; inf, the default, for any time.
    within : str
        The time limit in words.
    when : callable, optional
        Beside `happens`: takes paths and returns the years after ASARA at which it has happened, (chain, draw).

    Raises
    ------
    DataError
        If both or neither of `happens` and `gain` are given, or `years` is not above 0.

    Examples
    --------
    >>> fast = sie.Event(name="r_above_2", wording="r above 2", source="ours", happens=lambda paths: paths.r_asara.values > 2)
    >>> table = sie.credences(paths, events=[fast, "r_above_1"])
    """

    name: str
    wording: str
    source: str
    happens: Callable[[xr.Dataset], np.ndarray] | None = None
    gain: Callable[[xr.Dataset], np.ndarray] | None = None
    years: float = math.inf
    within: str = "no time limit"
    when: Callable[[xr.Dataset], np.ndarray] | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("happens", "gain") if getattr(self, name) is not None]
        if len(given) != 1 or not callable(getattr(self, given[0])):
            raise DataError(
                f"event {self.name}",
                plain(" and ".join(given) or "neither happens nor gain"),
                "one function of paths: happens, or gain with years",
            )
        if not self.years > 0:
            raise DataError(f"event {self.name} years", self.years, "a number above 0")

    def indicators(
        self, paths: xr.Dataset, shortest: Mapping[Callable[[xr.Dataset], np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """Whether the event happens on each path.

        Parameters
        ----------
        paths : xr.Dataset
            From `simulate`, or a block of them from `growth.paths.summaries`.
        shortest : Mapping
            By `gain`, the least years in which each path gains it, (draw,).

        Returns
        -------
        np.ndarray
            Bool over draws.
        """
        if self.gain is not None:
            return shortest[self.gain] <= self.years
        assert self.happens is not None
        return self.happens(paths)


def gain_within(
    name: str,
    *,
    doublings: float | None = None,
    years_of_progress: float | None = None,
    years: float,
    wording: str = "",
    source: str = "",
) -> Event:
    """The event that a path gains some amount of software within some window of time, anywhere along it.

    Parameters
    ----------
    name : str
        Label in tables.
    doublings : float, optional
        The amount in labour doublings. Give this or `years_of_progress`.
    years_of_progress : float, optional
        The amount in years of total AI progress at the recent pace, converted draw by draw.
    years : float
        Length of the window in years, above 0.
    wording : str, optional
        The definition in words (default: made from the numbers).
    source : str, optional
        Key of the work that uses the definition.

    Returns
    -------
    Event
        For `credences`.

    Raises
    ------
    DataError
        If both or neither of `doublings` and `years_of_progress` are given, or `years` is not above 0.

    Examples
    --------
    >>> sie.gain_within("years_5_in_1y", years_of_progress=5, years=1).wording
    '5 years of progress within 1 years'
    """
    if (doublings is None) == (years_of_progress is None):
        raise DataError(
            f"event {name}", (doublings, years_of_progress), "either doublings or years_of_progress"
        )
    amount = (
        f"{doublings:g} doublings" if doublings is not None else f"{years_of_progress:g} years of progress"
    )
    return Event(
        name=name,
        wording=wording or f"{amount} within {years:.3g} years",
        source=source,
        gain=_doublings(doublings) if doublings is not None else _years_of_progress(years_of_progress),
        years=years,
        within="any window",
    )


@cache
def _doublings(amount: float) -> Callable[[xr.Dataset], np.ndarray]:
    return lambda paths: np.full(paths.doublings_left.shape, amount)


@cache
def _years_of_progress(amount: float) -> Callable[[xr.Dataset], np.ndarray]:
    return lambda paths: amount * (paths.recent_doublings_per_year.values / paths.software_share.values)


def pace_at_asara(draws: xr.Dataset) -> xr.DataArray:
    """The pace at ASARA, labour doublings a year: that of the jump in labour, unless a shortest doubling time holds it lower or the boost
    comes gradually."""
    pace = draws.pace_asara
    if "boost_start" in draws:
        pace = pace.where(
            draws.boost_start.isnull(), (1 + draws.boost_start) * draws.recent_doublings_per_year
        )
    if "shortest_doubling" not in draws:
        return pace
    limit = 1 / draws.shortest_doubling.where(draws.shortest_doubling > 0)
    return pace.where(~(limit < pace), limit)


def _ooms_5(paths: xr.Dataset) -> np.ndarray:
    return 5 * DOUBLINGS_PER_OOM * paths.conversion.values


def _gain_500x(paths: xr.Dataset) -> np.ndarray:
    """Whether the most that a path is ahead of the recent trend reaches the threshold in training efficiency."""
    return (paths.most_ahead.values >= _trend_gain(paths)) & (paths.r_asara.values > 1)


def _trend_gain(paths: xr.Dataset) -> np.ndarray:
    return math.log2(TREND_GAIN) * paths.conversion.values


def _log2_start(paths: xr.Dataset) -> np.ndarray:
    return np.log2(paths.pace_asara.values)


def _log2_fast(paths: xr.Dataset) -> np.ndarray:
    return np.log2(FAST_PACE * paths.recent_doublings_per_year.values)


_WINDOWS = {"1y": (1, "some year"), "4m": (MONTHS_4, "some 4 months")}
"""Davidson & Houlden's windows, in years and in words."""

_EVENTS = (
    Event(
        name="r_above_1",
        wording="r at ASARA is above 1: the pace rises at first",
        source="davidson_2025_reply",
        happens=lambda paths: paths.r_asara.values > 1,
        when=at_asara,
    ),
    Event(
        name="r_above_0_75",
        wording="r at ASARA is above 0.75: progress is very fast already",
        source="kwa_2026",
        happens=lambda paths: paths.r_asara.values > 0.75,
        when=at_asara,
    ),
    Event(
        name="pace_doubles",
        wording="the pace of software reaches twice its pace at ASARA",
        source="sie_project",
        happens=lambda paths: paths.peak_log2_pace.values >= _log2_start(paths) + 1,
        when=lambda paths: when_pace(paths, _log2_start(paths) + 1),
    ),
    *(
        gain_within(
            f"years_{amount}_in_{name}",
            years_of_progress=amount,
            years=years,
            wording=f"{amount} years of total AI progress at the recent pace within {window}",
            source="davidson_houlden_2025",
        )
        for name, (years, window) in _WINDOWS.items()
        for amount in (3, 10)
    ),
    Event(
        name="ooms_5_in_1y",
        wording="5 orders of magnitude of effective training compute from software within some year",
        source="davidson_2025_compute_bottlenecks",
        gain=_ooms_5,
        years=1,
        within="any window",
    ),
    Event(
        name="gain_500x",
        wording="r at ASARA above 1 and software at some time more than 500x above the recent trend, in effective compute",
        source="greenblatt_2025",
        happens=_gain_500x,
        within="from ASARA",
        when=lambda paths: when_ahead(paths, _trend_gain(paths)),
    ),
    gain_within(
        "half_year_beats_three",
        years_of_progress=3,
        years=0.5,
        wording="some half year gains more than three recent years of total AI progress",
        source="kwa_2026",
    ),
    Event(
        name="pace_above_5x",
        wording="the pace of software exceeds 5 times the recent pace",
        source="eth_davidson_2025",
        happens=lambda paths: paths.peak_log2_pace.values > _log2_fast(paths),
        when=lambda paths: when_pace(paths, _log2_fast(paths)),
    ),
)

EVENTS: Mapping[str, Event] = MappingProxyType({event.name: event for event in _EVENTS})
"""Every event that a report has, in its order."""

assert tuple(EVENTS) == EVENT_NAMES, "data/quantities.EVENT_NAMES names the events, in this order"
