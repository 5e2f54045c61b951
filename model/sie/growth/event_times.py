"""When an event has happened on a path, in years after ASARA: what `events` asks of `kernels.first_times`.

The time is that of the first level at which it has happened; of a path on which it never does, one that means nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["at_asara", "when_ahead", "when_gained_within", "when_pace"]


def at_asara(paths: xr.Dataset) -> np.ndarray:
    """At ASARA itself."""
    return np.zeros(paths.reach.shape)


def when_pace(paths: xr.Dataset, log2_pace: np.ndarray) -> np.ndarray:
    """When the pace first reaches this much, log2 of doublings a year."""
    from .kernels.first_times import PACE

    return _first(paths, PACE, log2_pace, 0.0)


def when_ahead(paths: xr.Dataset, doublings: np.ndarray) -> np.ndarray:
    """When software is first so many doublings ahead of the recent trend."""
    from .kernels.first_times import LEAD

    return _first(paths, LEAD, doublings, paths.recent_doublings_per_year.values)


def when_gained_within(
    paths: xr.Dataset, doublings: np.ndarray, years: float, wanted: np.ndarray
) -> np.ndarray:
    """When the first window of at most `years` ends in which so many doublings are gained; inf for paths that are not `wanted`."""
    from .kernels.first_times import WINDOW

    return _first(paths, WINDOW, doublings, years, wanted)


def _first(
    paths: xr.Dataset,
    kind: float,
    a: np.ndarray,
    b: np.ndarray | float,
    wanted: np.ndarray | bool = True,
) -> np.ndarray:
    from .kernels.first_times import first_times
    from .readings import over_draws

    shape, times = paths.reach.shape, np.empty(paths.reach.size)
    numbers = (
        np.ascontiguousarray(np.broadcast_to(each, shape), dtype=float).ravel() for each in (kind, a, b)
    )
    chosen = np.broadcast_to(wanted, shape).ravel()
    over_draws(first_times, paths, chosen, *numbers, times, clocked=True)
    return times.reshape(shape)
