"""What "SIE" can mean, as events of a path, and the probability of each with its Monte Carlo error.

    credence = happened / draws,   smoothed = (happened + 1/2) / (draws + 1)
    mcse = (smoothed (1 - smoothed) / effective_draws)^(1/2)

Estimates of P(SIE) in the literature use different definitions: each event has its wording and source, and they are never
pooled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..base.errors import DataError, plain
from ..data.quantities import DOUBLINGS_PER_OOM, EVENT_NAMES

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["EVENTS", "Event", "credences", "gain_within", "stream"]

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
    return lambda paths: amount * paths.doublings_per_year_of_progress.values


def _ooms_5(paths: xr.Dataset) -> np.ndarray:
    return 5 * DOUBLINGS_PER_OOM * paths.conversion.values


def _gain_500x(paths: xr.Dataset) -> np.ndarray:
    """Whether the most that a path is ahead of the recent trend reaches the threshold in training efficiency."""
    enough = paths.most_ahead.values >= math.log2(TREND_GAIN) * paths.conversion.values
    return enough & (paths.r_asara.values > 1)


def _log2_start(paths: xr.Dataset) -> np.ndarray:
    return np.log2(paths.speedup.values * paths.recent_doublings_per_year.values)


_EVENTS = (
    Event(
        name="r_above_1",
        wording="r at ASARA is above 1: the pace rises at first",
        source="davidson_2025_reply",
        happens=lambda paths: paths.r_asara.values > 1,
    ),
    Event(
        name="r_above_0_75",
        wording="r at ASARA is above 0.75: progress is very fast already",
        source="kwa_2026",
        happens=lambda paths: paths.r_asara.values > 0.75,
    ),
    Event(
        name="pace_doubles",
        wording="the pace of software reaches twice its pace at ASARA",
        source="sie_project",
        happens=lambda paths: paths.peak_log2_pace.values >= _log2_start(paths) + 1,
    ),
    gain_within(
        "years_3_in_1y",
        years_of_progress=3,
        years=1,
        wording="3 years of total AI progress at the recent pace within some year",
        source="davidson_houlden_2025",
    ),
    gain_within(
        "years_10_in_1y",
        years_of_progress=10,
        years=1,
        wording="10 years of total AI progress at the recent pace within some year",
        source="davidson_houlden_2025",
    ),
    gain_within(
        "years_3_in_4m",
        years_of_progress=3,
        years=MONTHS_4,
        wording="3 years of total AI progress at the recent pace within some 4 months",
        source="davidson_houlden_2025",
    ),
    gain_within(
        "years_10_in_4m",
        years_of_progress=10,
        years=MONTHS_4,
        wording="10 years of total AI progress at the recent pace within some 4 months",
        source="davidson_houlden_2025",
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
        happens=lambda paths: (
            paths.peak_log2_pace.values > np.log2(FAST_PACE * paths.recent_doublings_per_year.values)
        ),
    ),
)

EVENTS: Mapping[str, Event] = MappingProxyType({event.name: event for event in _EVENTS})
"""Every event that a report has, in its order."""

assert tuple(EVENTS) == EVENT_NAMES


def credences(paths: xr.Dataset, *, events: Iterable[str | Event] | None = None) -> xr.Dataset:
    """Probability of each event and its Monte Carlo standard error, dims (event,).

    `mcse` comes from the effective sample size of the event's indicator over chains, and from (s + 1/2) / (n + 1) in place of
    s / n, so that 0 of n is not certainty. Reweighted draws count as no more than their effective number.

    Parameters
    ----------
    paths : xr.Dataset
        Paths of `simulate`, with dims (chain, draw).
    events : iterable of str or Event, optional
        Names in `EVENTS`, or events of your own (default: all of `EVENTS`).

    Returns
    -------
    xr.Dataset
        Dim `event`: `p`, the share of draws in which the event happens, `mcse`, and the event's `wording`; attribute `draws`.

    Raises
    ------
    DataError
        For an unknown name, or paths that `simulate` cannot have made.

    Examples
    --------
    >>> table = sie.credences(sie.simulate(tree["posterior"].to_dataset()), events=["r_above_1", "gain_500x"])
    >>> p = float(table.p.sel(event="gain_500x"))
    """
    from .paths import shortest_years

    chosen = [_event(event) for event in (EVENTS.values() if events is None else events)]
    independent = bool(paths.attrs.get("independent_draws"))
    gains = list(dict.fromkeys(event.gain for event in chosen if event.gain is not None))
    wanted = [np.broadcast_to(gain(paths), paths.doublings_left.shape) for gain in gains]
    shortest = dict(zip(gains, shortest_years(paths, np.array(wanted)), strict=True)) if gains else {}
    indicators = [event.indicators(paths, shortest) for event in chosen]
    counts = [int(indicator.sum()) for indicator in indicators]
    most = paths.attrs.get("effective_draws", math.inf)
    sizes = [min(most, _effective_size(indicator, independent)) for indicator in indicators]
    return _table(chosen, counts, sizes, draws=paths.doublings_left.size)


def stream(
    blocks: Iterable[xr.Dataset], *, events: Iterable[str | Event] | None = None, retraining: str = "none"
) -> xr.Dataset:
    """Credences of any number of independent draws, a block at a time, storing no path.

    The same as `credences` of `simulate`, but for memory, and for the draws, which count as independent (no chains).

    Parameters
    ----------
    blocks : iterable of xr.Dataset
        Draws as `simulate` takes them, such as those of `prior` with one seed each.
    events : iterable of str or Event, optional
        Names in `EVENTS`, or events of your own (default: all). `happens` may use what `simulate` returns over (chain, draw), not
        the path itself.
    retraining : str, optional
        As in `simulate`.

    Returns
    -------
    xr.Dataset
        As from `credences`.

    Raises
    ------
    DataError
        If there are no draws, and as in `simulate` and `credences`.
    """
    from .paths import summaries

    chosen = [_event(event) for event in (EVENTS.values() if events is None else events)]
    gains = list(dict.fromkeys(event.gain for event in chosen if event.gain is not None))
    counts, draws = np.zeros(len(chosen), dtype=int), 0
    for block in blocks:
        wanted = [np.broadcast_to(gain(_with_left(block)), block.r_asara.shape) for gain in gains]
        for found in summaries(
            block, np.array(wanted).reshape(len(gains), block.r_asara.size), retraining=retraining
        ):
            within = dict(zip(gains, found.shortest_years.values, strict=True))
            draws += found.sizes["draw"]
            counts += [int(event.indicators(found, within).sum()) for event in chosen]
    if not draws:
        raise DataError("stream", plain("no draws"), "at least one block of draws")
    return _table(chosen, counts.tolist(), [float(draws)] * len(chosen), draws=draws)


def _with_left(draws: xr.Dataset) -> xr.Dataset:
    """Draws whose variables all have the dims of the draws, as events read them."""
    return draws.broadcast_like(draws.r_asara)


def _table(events: list[Event], counts: list[int], sizes: list[float], *, draws: int) -> xr.Dataset:
    """Probabilities and their errors from how often events happened and how many independent draws that is worth."""
    import xarray as xr

    smoothed = [(count + 0.5) / (draws + 1) for count in counts]
    mcse = [math.sqrt(p * (1 - p) / size) for p, size in zip(smoothed, sizes, strict=True)]
    return xr.Dataset(
        {
            "p": ("event", [count / draws for count in counts], {"unit": "probability"}),
            "mcse": ("event", mcse, {"unit": "probability"}),
            "wording": ("event", [event.wording for event in events]),
        },
        coords={"event": [event.name for event in events]},
        attrs={"draws": int(draws)},
    )


def _event(event: str | Event) -> Event:
    if isinstance(event, Event):
        return event
    if event not in EVENTS:
        raise DataError("event", event, "one of " + ", ".join(EVENTS))
    return EVENTS[event]


def _effective_size(indicator: np.ndarray, independent: bool) -> float:
    """How many independent draws an event's indicator (chain, draw) is worth."""
    if independent or indicator.min() == indicator.max():
        return float(indicator.size)
    from arviz_stats.base import array_stats

    return float(cast("Any", array_stats.ess(indicator.astype(float), method="mean")))
