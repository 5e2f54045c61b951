"""What is asked of paths: when a level is reached, the level by a time, the shortest time for a gain; checked, then compiled.

No compiled function takes a level, a time or a path that was not checked here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, plain
from ..base.kernels import in_chunks, kernel
from .kernels.windows import level_at, shortest_window, time_at

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "CHUNK",
    "FEWEST",
    "amounts",
    "doublings_by",
    "levels",
    "over_draws",
    "shortest_years",
    "years_at",
]

CHUNK = 1024
"""Draws that a thread takes at a time."""

GRID = ("years", "log2_pace")
"""The nodes of a path."""

PATH = ("reach", "stretch", "tail_slope", "doublings_left")
"""What a path has beside its nodes, in the order in which the kernels take it."""

FEWEST = 5
"""Nodes that a path needs at least."""


def shortest_years(paths: xr.Dataset, doublings: np.ndarray) -> np.ndarray:
    """The least time in which a path gains this many doublings, anywhere along it.

    Parameters
    ----------
    paths : xr.Dataset
        Paths of `simulate`.
    doublings : np.ndarray
        Labour doublings, finite and at least 0, of the shape of the draws (chain, draw), or several gains of that shape
        (gain, chain, draw).

    Returns
    -------
    np.ndarray
        Years, of the same shape; inf where the ceiling is nearer than the gain, 0 where the pace grows without limit.

    Raises
    ------
    DataError
        If a gain is negative or not finite, or the paths are not as `simulate` makes them.
    """
    gains = amounts("shortest_years", doublings)
    shape = np.broadcast_shapes(gains.shape, paths.reach.shape)
    each = np.ascontiguousarray(np.broadcast_to(gains, shape).reshape(-1, paths.reach.size).T)
    shortest = np.empty(each.shape)
    over_draws(*_kernel("shortest", paths), each, shortest)
    return shortest.T.reshape(shape)


def doublings_by(paths: xr.Dataset, years: np.ndarray) -> np.ndarray:
    """Software doublings gained by each of these times.

    Parameters
    ----------
    paths : xr.Dataset
        Paths of `simulate`.
    years : np.ndarray
        Years since ASARA, at least 0, inf for the end of time: (time,), the same for every draw, or each draw's own
        (chain, draw, time).

    Returns
    -------
    np.ndarray
        Labour doublings (chain, draw, time); inf after a singularity without a ceiling.

    Raises
    ------
    DataError
        If a time is negative or NaN, if the shape fits neither, or if the paths are not as `simulate` makes them.
    """
    return _at_each("doublings_by", paths, amounts("doublings_by", years, endless=True), "levels")


def years_at(paths: xr.Dataset, doublings: np.ndarray) -> np.ndarray:
    """The time at which each of these levels is reached.

    Parameters
    ----------
    paths : xr.Dataset
        Paths of `simulate`.
    doublings : np.ndarray
        Labour doublings since ASARA, finite and at least 0: (level,), the same for every draw, or each draw's own
        (chain, draw, level).

    Returns
    -------
    np.ndarray
        Years since ASARA (chain, draw, level); inf where a level is never reached.

    Raises
    ------
    DataError
        If a level is negative or not finite, if the shape fits neither, or if the paths are not as `simulate` makes them.
    """
    return _at_each("years_at", paths, amounts("years_at", doublings), "times")


def levels(paths: xr.Dataset) -> np.ndarray:
    """Doublings at each node, (chain, draw, doubling); even from ASARA to the reach, or ever wider apart below a far ceiling."""
    u, reach = paths.doubling.values, paths.reach.values[..., None]
    stretch = _stretch(paths).values[..., None]
    grown = np.expm1(np.where(stretch > 0, stretch, 1.0))
    return reach * np.where(stretch > 0, np.expm1(stretch * u) / grown, u)


def _stretch(paths: xr.Dataset) -> xr.DataArray:
    """How uneven the nodes are: not at all in paths that do not say."""
    return paths.stretch if "stretch" in paths else 0 * paths.tail_slope


def amounts(where: str, values: np.ndarray, *, endless: bool = False) -> np.ndarray:
    """Numbers of at least 0, finite unless `endless`. Raises DataError for any other."""
    values = np.asarray(values, dtype=float)
    bad = ~(values >= 0) if endless else ~((values >= 0) & (values < math.inf))
    if bad.any():
        raise DataError(where, float(values[bad][0]), f"{'' if endless else 'finite '}numbers of at least 0")
    return values


def _at_each(where: str, paths: xr.Dataset, at: np.ndarray, what: str) -> np.ndarray:
    """A kernel's answer at each of some numbers, the same for every draw or each draw's own."""
    shape = paths.reach.shape
    if at.ndim != 1 and (at.ndim != len(shape) + 1 or at.shape[:-1] != shape):
        raise DataError(
            where, plain(f"an array of shape {at.shape}"), f"one of shape (n,) or {(*shape, 'n')}"
        )
    own = np.ascontiguousarray(np.broadcast_to(at, (*shape, at.shape[-1]))).reshape(-1, at.shape[-1])
    found = np.empty(own.shape)
    over_draws(*_kernel(what, paths), own, found)
    return found.reshape(*shape, at.shape[-1])


def _kernel(what: str, paths: xr.Dataset) -> tuple[Callable, xr.Dataset]:
    """What answers for paths, and the paths: the kernels of clocks are compiled for paths that have one only."""
    if "clock" not in paths:
        return {"shortest": _shortest, "levels": _levels, "times": _times}[what], paths
    from .kernels.clock import levels_by, times_at
    from .kernels.clock_search import shortest

    return {"shortest": shortest, "levels": levels_by, "times": times_at}[what], paths


def over_draws(kernel: Callable, paths: xr.Dataset, *arrays: np.ndarray, clocked: bool = False) -> None:
    """Call a kernel on chunks of draws: kernel(first, last, ...), the checked paths and then `arrays`, which it reads or fills.

    Kernels of clocks take the paths' own nodes and the numbers of their clock, which may be none.
    """
    path = _checked(paths, clocked=clocked or "clock" in paths)
    in_chunks(lambda first, last: kernel(first, last, *path, *arrays), len(path[0]), CHUNK)


def _checked(paths: xr.Dataset, *, clocked: bool) -> tuple[np.ndarray, ...]:
    """Nodes and shape of each path, as the kernels take them. Raises DataError for what no path has."""
    nodes = paths.sizes["doubling"]
    names = [f"own_{name}" for name in GRID] if "clock" in paths else GRID
    if nodes < FEWEST:
        raise DataError("paths", plain(f"{nodes} nodes"), f"at least {FEWEST}")
    grid = [np.ascontiguousarray(paths[name].values, dtype=float).reshape(-1, nodes) for name in names]
    whole = paths.assign(stretch=_stretch(paths))
    each = [np.ascontiguousarray(whole[name].values, dtype=float).ravel() for name in PATH]
    reach, stretch, tail, left = each
    wanted = {
        "years": ~np.isnan(grid[0].min(initial=0.0)),
        "log2_pace": ~np.isnan(grid[1].min(initial=0.0)),
        "reach": (reach > 0) & (reach < math.inf),
        "stretch": (stretch >= 0) & (stretch < math.inf),
        "tail_slope": np.isfinite(tail),
        "doublings_left": left > 0,
    }
    for name, good in wanted.items():
        if not np.all(good):
            raise DataError(
                f"paths {name}", plain("numbers that no path has"), "paths as sie.simulate makes them"
            )
    if not clocked:
        return (*grid, *each)
    clock = paths.clock.values if "clock" in paths else np.empty((*paths.reach.shape, 0))
    return (*grid, *each, _whole(np.ascontiguousarray(clock).reshape(len(reach), -1)))


def _whole(clock: np.ndarray) -> np.ndarray:
    """The numbers of clocks, if their operations fit into them."""
    at, most = 0, clock.shape[1]
    while at < most and at + 2 <= most and np.all(clock[:, at : at + 2] == clock[:1, at : at + 2]):
        at += 2 + max(0, int(clock[0, at + 1]))
    if (at != most and len(clock)) or np.isnan(clock).any():
        raise DataError(
            "paths clock",
            plain("numbers that no clock has"),
            "paths as sie.on_clock and its siblings make them",
        )
    return clock


@kernel
def _shortest(begin, end, years, log2_pace, reach, stretch, tail, left, gain, shortest):
    for i in range(begin, end):
        for k in range(gain.shape[1]):
            shortest[i, k] = shortest_window(
                gain[i, k], years[i], log2_pace[i], reach[i], stretch[i], tail[i], left[i], False
            )


@kernel
def _times(begin, end, years, log2_pace, reach, stretch, tail, left, at, times):
    for i in range(begin, end):
        for k in range(at.shape[1]):
            times[i, k] = time_at(at[i, k], years[i], log2_pace[i], reach[i], stretch[i], tail[i], left[i])


@kernel
def _levels(begin, end, years, log2_pace, reach, stretch, tail, left, at, levels):
    for i in range(begin, end):
        for k in range(at.shape[1]):
            levels[i, k] = level_at(at[i, k], years[i], log2_pace[i], reach[i], stretch[i], tail[i], left[i])
