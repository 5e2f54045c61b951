"""The probability of each event with its Monte Carlo standard error.

    credence = count / draws,   smoothed = (count + 1/2) / (draws + 1)
    mcse = (smoothed (1 - smoothed) / effective_draws)^(1/2)

`count` is the number of draws in which the event happens. The effective sample size is that of the event's indicator over chains.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, check_holds, plain
from .events import EVENTS, Event

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "as_table",
    "block_indicators",
    "credences",
    "effective_sizes",
    "event_years",
    "indicators",
    "probabilities",
    "standard_errors",
    "stream",
]


def credences(paths: xr.Dataset, *, events: str | Event | Iterable[str | Event] | None = None) -> xr.Dataset:
    """Probability of each event and its Monte Carlo standard error, dims (event,).

    `mcse` comes from the effective sample size of the event's indicator over chains, and from (s + 1/2) / (n + 1) in place of
    s / n, so that 0 of n is not certainty. Reweighted draws count as no more than their effective number.

    Parameters
    ----------
    paths : xr.Dataset
        Paths of `simulate`, with dims (chain, draw).
    events : str, Event or iterable of these, optional
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
    chosen = _chosen(events)
    needed = ("doublings_left", *(["log2_pace"] if any(event.name in EVENTS for event in chosen) else []))
    check_holds("paths", paths, needed, "paths of sie.simulate")
    shape = np.atleast_2d(paths.doublings_left).shape
    p, mcse = probabilities(
        indicators(paths, chosen).values.reshape(len(chosen), *shape),
        independent=bool(paths.attrs.get("independent_draws")),
        most=paths.attrs.get("effective_draws", math.inf),
    )
    return as_table(chosen, p, mcse, draws=paths.doublings_left.size)


def stream(
    blocks: Iterable[xr.Dataset],
    *,
    events: str | Event | Iterable[str | Event] | None = None,
    retraining: str = "none",
) -> xr.Dataset:
    """Credences of any number of independent draws, a block at a time, storing no path.

    The same as `credences` of `simulate`, but for memory, and for the draws, which count as independent (no chains).

    Parameters
    ----------
    blocks : iterable of xr.Dataset
        Draws as `simulate` takes them, such as those of `prior` with one seed each.
    events : str, Event or iterable of these, optional
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
    chosen = _chosen(events)
    counts, draws = np.zeros(len(chosen), dtype=int), 0
    for block in blocks:
        for happens in block_indicators(block, chosen, retraining=retraining):
            counts += happens.sum(axis=1)
            draws += happens.shape[1]
    if not draws:
        raise DataError("stream", plain("no draws"), "at least one block of draws")
    return as_table(chosen, counts / draws, standard_errors(counts, draws, draws), draws=draws)


def indicators(paths: xr.Dataset, events: Iterable[str | Event]) -> xr.DataArray:
    """Whether each event happens on each path of `simulate`, bool (event, draw)."""
    import xarray as xr

    from .readings import shortest_years

    chosen, shape = _chosen(events), paths.doublings_left.shape
    gains = _gains(chosen)
    amounts = np.array([np.broadcast_to(gain(paths), shape) for gain in gains])
    shortest = dict(zip(gains, shortest_years(paths, amounts), strict=True)) if gains else {}
    happens = np.array([np.ravel(event.indicators(paths, shortest)) for event in chosen], dtype=bool)
    return xr.DataArray(happens, {"event": [event.name for event in chosen]}, ("event", "draw"))


def event_years(
    paths: xr.Dataset, *, events: str | Event | Iterable[str | Event] | None = None
) -> xr.DataArray:
    """When each event has happened on each path, in years after ASARA; inf where it never does.

    An event on r at ASARA has happened at ASARA; one on the pace, or on software above a trend, when that is first reached; one on a
    gain within a time at the end of the first window short enough.

    Parameters
    ----------
    paths : xr.Dataset
        Paths of `simulate`.
    events : str, Event or iterable of these, optional
        Names in `EVENTS`, or events of your own, with `when` where they have `happens` (default: all of `EVENTS`).

    Returns
    -------
    xr.DataArray
        Years since ASARA, dims `event` and those of the draws: finite on just the paths on which `credences` counts the event.

    Raises
    ------
    DataError
        For an unknown name, or an event that has `happens` but not `when`.

    Examples
    --------
    >>> years = sie.event_years(paths, events="years_3_in_1y")
    >>> within_two = float((years <= 2).mean())
    """
    import xarray as xr

    from .event_times import when_gained_within

    chosen, dims, shape = _chosen(events), paths.reach.dims, paths.reach.shape
    for event in chosen:
        if event.gain is None and event.when is None:
            raise DataError(
                f"event {event.name}", plain("happens without when"), "when it has happened, a function"
            )
    happens = indicators(paths, chosen).values.reshape(len(chosen), *shape)
    found = []
    for event, mask in zip(chosen, happens, strict=True):
        if event.gain is not None:
            years = when_gained_within(paths, event.gain(paths), event.years, mask)
        else:
            assert event.when is not None
            years = event.when(paths)
        found.append(np.where(mask, years, math.inf))
    return xr.DataArray(
        np.array(found),
        {"event": [event.name for event in chosen]},
        ("event", *dims),
        attrs={"unit": "years since ASARA"},
    )


def block_indicators(
    draws: xr.Dataset, events: Sequence[Event], *, retraining: str = "none"
) -> Iterator[np.ndarray]:
    """Whether each event happens in each draw, bool (event, draw), a block of draws at a time, storing no path."""
    from .paths import summaries

    gains = _gains(events)
    aligned = draws.broadcast_like(draws.r_asara)  # events read variables with the dims of the draws
    amounts = [np.broadcast_to(gain(aligned), draws.r_asara.shape) for gain in gains]
    for block in summaries(
        draws, np.array(amounts).reshape(len(gains), draws.r_asara.size), retraining=retraining
    ):
        shortest = dict(zip(gains, block.shortest_years.values, strict=True))
        yield np.array([event.indicators(block, shortest) for event in events], dtype=bool)


def probabilities(
    indicators: np.ndarray, *, independent: bool = False, most: float = math.inf
) -> tuple[np.ndarray, np.ndarray]:
    """Probability of each event and its Monte Carlo standard error, (event,) each, from indicators (event, chain, draw).

    The effective sample size is that of the chains, or all draws if they are `independent`, and at most `most`.
    """
    counts, draws = indicators.sum(axis=(1, 2)), math.prod(indicators.shape[1:])
    sizes = np.full(len(indicators), float(draws)) if independent else effective_sizes(indicators)
    return counts / draws, standard_errors(counts, draws, np.minimum(sizes, most))


def effective_sizes(values: np.ndarray) -> np.ndarray:
    """Effective sample size of the mean of each event's values (event, chain, draw); all draws where they do not vary."""
    from arviz_stats.base import array_stats

    values = values.astype(float)
    varies = np.ptp(values, axis=(1, 2)) > 0
    sizes = np.full(len(values), float(math.prod(values.shape[1:])))
    if varies.any():
        sizes[varies] = array_stats.ess(values[varies], method="mean")
    return sizes


def standard_errors(counts: np.ndarray, draws: float, sizes: np.ndarray | float) -> np.ndarray:
    """Monte Carlo standard error of counts / draws, (event,), given each event's effective sample size."""
    smoothed = (counts + 0.5) / (draws + 1)  # so that 0 of n is not certainty
    return np.sqrt(smoothed * (1 - smoothed) / sizes)


def as_table(events: Sequence[Event], p: np.ndarray, mcse: np.ndarray, *, draws: int) -> xr.Dataset:
    """Probabilities of events and their errors, as `credences` returns them."""
    import xarray as xr

    return xr.Dataset(
        {
            "p": ("event", p, {"unit": "probability"}),
            "mcse": ("event", mcse, {"unit": "probability"}),
            "wording": ("event", [event.wording for event in events]),
        },
        coords={"event": [event.name for event in events]},
        attrs={"draws": draws},
    )


def _gains(events: Iterable[Event]) -> list:
    """Each different `gain` of some events, once."""
    return list(dict.fromkeys(event.gain for event in events if event.gain is not None))


def _chosen(events: str | Event | Iterable[str | Event] | None) -> list[Event]:
    """Events by name or as given; all of `EVENTS` for None, and one alone too."""
    if isinstance(events, str | Event):
        events = [events]
    return [_event(event) for event in (EVENTS.values() if events is None else events)]


def _event(event: object) -> Event:
    if isinstance(event, Event):
        return event
    if not isinstance(event, str) or event not in EVENTS:
        raise DataError("event", event, "one of " + ", ".join(EVENTS))
    return EVENTS[event]
