"""Paths of software after ASARA: when each level is reached, for every draw at once.

    tau(x) = integral of dx / v(x),   v(0) = speedup recent_doublings_per_year
    lambda = p / e(0),   beta(0) = p / r

Time is the integral, never the state: a singularity is a finite limit of tau, not an overflow. A path lies on NODES points
spread evenly from ASARA to its `reach`: the ceiling or, without one, a level from which the pace is exponential, whose tail is
exact. Within a cell the log pace is a line and a parabola: the time of a cell is exact for an exponential, corrected for
curvature (fourth order), and divided where it bends too much. The only hot loop; it knows the growth law but no event.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numba import njit, prange

from .growth import input_gain
from .mechanisms import LAW, MECHANISMS, RETRAINING
from .path import END_VARIABLES, ENDS, WORK, compute_path, grids
from .sources import DataError, plain
from .windows import level_at, shortest_window, time_at

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "BLOCK",
    "NODES",
    "doublings_by",
    "laws",
    "shortest_years",
    "simulate",
    "summaries",
    "years_at",
]

NODES = 129
"""Points of a path; the error of a time falls with their fourth power."""

FEWEST = 5
"""Nodes that a path needs at least."""

BLOCK = 65536
"""Draws that `summaries` holds at a time."""

_KERNELS = threading.RLock()
"""Held while a parallel kernel runs."""

_INPUTS = ("r_asara", "parallel", "speedup", "recent_doublings_per_year", "doublings_left")
_CARRIED = (*_INPUTS, "doublings_per_year_of_progress", "conversion")

CHUNK = 256
"""Draws that a thread takes at a time."""


def laws(draws: xr.Dataset, *, retraining: str = "none") -> np.ndarray:
    """The growth law of each draw, one `mechanisms.LAW` each, in the order of the draws (chain, draw).

    lambda = p / e(0) and beta(0) = p / r, so that a negative r stands for a negative beta. Raises DataError for numbers outside
    their range, and for a technology of experiments where returns fall with a shape other than 1: no closed form.
    """
    if retraining not in RETRAINING:
        raise DataError("retraining", retraining, "one of " + ", ".join(RETRAINING))
    r, parallel, left = (_column(draws, name) for name in ("r_asara", "parallel", "doublings_left"))
    _check(r, (r != 0) & ~np.isnan(r), "r_asara", "a number other than 0")
    _check(parallel, (parallel > 0) & (parallel < math.inf), "parallel", "a number above 0")
    _check(left, left > 0, "doublings_left", "a number above 0")
    law = np.empty(r.size, dtype=LAW)
    for name, mechanism in MECHANISMS.items():
        law[name] = value = _column(draws, name) if name in draws else mechanism.off
        _check(value, mechanism.allowed(value), name, mechanism.want)
    if np.any(~np.isnan(law["experiment_beta"]) & (left < math.inf) & (law["shape"] != 1)):
        raise DataError(
            "experiment_beta",
            plain("returns that fall to a ceiling with another shape"),
            "shape 1 (or no ceiling) where experiments have a technology of their own",
        )
    law["beta"], law["doublings_left"], law["retraining"] = parallel / r, left, RETRAINING[retraining]
    law["lambda_"] = parallel / _gains_at_asara(law)
    return law


def _check(values: np.ndarray | float, good: np.ndarray | bool, name: str, want: str) -> None:
    if not np.all(good):
        raise DataError(name, float(np.ravel(values)[np.argmin(good)]), want)


def _column(draws: xr.Dataset, name: str) -> np.ndarray:
    return _aligned(draws, name).values.astype(float).ravel()


def _aligned(draws: xr.Dataset, name: str) -> xr.DataArray:
    found, wanted = draws[name], draws.r_asara
    if found.dims == wanted.dims:
        return found
    return found.broadcast_like(wanted).transpose(*wanted.dims)


def simulate(draws: xr.Dataset, *, nodes: int = NODES, retraining: str = "none") -> xr.Dataset:
    """The path of each draw of `tree.prior` or `tree.posterior`; the same call before and after evidence.

    Reads `r_asara`, `parallel`, `speedup`, `recent_doublings_per_year`, `doublings_left` (inf: no ceiling) and the mechanisms of
    `mechanisms.MECHANISMS` that the draws have. Returns dims (chain, draw, doubling) where `doubling` is the fraction of the way to `reach`
    labour doublings: `years` since ASARA (inf where a level is never reached) and `log2_pace` (log2 of doublings a year; -inf at
    the ceiling); dims (chain, draw): `reach`, `tail_slope` (k beyond the reach; 0 at a ceiling), `end_years` (when the ceiling
    or, without one, infinite software is reached: the time of the singularity), `peak_log2_pace`, `most_ahead` (the most
    doublings above the recent trend) and the inputs that events need. `retraining` is a name of `mechanisms.RETRAINING`.
    Raises DataError for numbers outside their range.
    """
    import xarray as xr

    if nodes < FEWEST:
        raise DataError("nodes", nodes, f"at least {FEWEST}")
    law = laws(draws, retraining=retraining)
    start, recent = _start(draws)
    tables = grids(nodes)
    years, log2_pace, ends = _paths(law, start, recent, tables)
    shape, dims = draws.r_asara.shape, draws.r_asara.dims
    grid, over = (*shape, nodes), (*dims, "doubling")
    paths = xr.Dataset(
        {
            "years": (over, years.reshape(grid), {"unit": "years since ASARA"}),
            "log2_pace": (over, log2_pace.reshape(grid), {"unit": "log2 of software doublings per year"}),
            **_end_variables(ends, shape, dims),
        },
        coords={"doubling": np.linspace(0, 1, nodes)},
        attrs={
            key: draws.attrs[key] for key in ("independent_draws", "effective_draws") if key in draws.attrs
        }
        | {"retraining": retraining},
    )
    return paths.assign({name: _aligned(draws, name) for name in _CARRIED if name in draws})


def summaries(
    draws: xr.Dataset, gains: np.ndarray, *, nodes: int = NODES, retraining: str = "none"
) -> Iterator[xr.Dataset]:
    """What events need of each path without the path, a block of draws at a time, so that memory stays bounded.

    `gains` (gain, chain, draw) are doublings; each block has dims (draw,) with the (chain, draw) variables of `simulate`, and
    `shortest_years` (gain, draw) as `shortest_years` would give them.
    """
    import xarray as xr

    used = [name for name in (*_CARRIED, *MECHANISMS) if name in draws]
    flat = xr.Dataset({name: ("draw", _aligned(draws, name).values.ravel()) for name in used})
    flat.attrs = draws.attrs
    gains = np.asarray(gains, dtype=float).reshape(len(gains), draws.r_asara.size)
    tables = grids(nodes)
    for first in range(0, flat.sizes["draw"], BLOCK):
        block = flat.isel(draw=slice(first, first + BLOCK))
        start, recent = _start(block)
        wanted = np.ascontiguousarray(gains[:, first : first + BLOCK].T)
        shortest, ends = _summaries(laws(block, retraining=retraining), start, recent, wanted, tables)
        found = xr.Dataset(_end_variables(ends, block.r_asara.shape, ("draw",)))
        found["shortest_years"] = (("gain", "draw"), shortest.T)
        yield found.assign({name: block[name] for name in _CARRIED if name in block})


def _start(draws: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """log2 of the pace at ASARA and the recent pace, doublings a year, (draw,) each."""
    speedup, recent = (
        np.ascontiguousarray(_column(draws, name)) for name in ("speedup", "recent_doublings_per_year")
    )
    pace = speedup * recent
    if not np.all((pace > 0) & (pace < math.inf)):
        raise DataError(
            "speedup",
            plain("a pace at ASARA that is not a positive number"),
            "speedup and recent pace above 0",
        )
    return np.log2(pace), recent


def _end_variables(ends: np.ndarray, shape: tuple, dims: tuple) -> dict:
    return {
        name: (dims, ends[:, k].reshape(shape), {"unit": unit})
        for k, (name, unit) in enumerate(END_VARIABLES.items())
    }


def shortest_years(paths: xr.Dataset, doublings: np.ndarray) -> np.ndarray:
    """The least time in which a path gains this many doublings, anywhere along it; inf where the ceiling is nearer.

    `doublings` has the shape of the draws; so has the result. 0 where the pace grows without limit.
    """
    shape = paths.reach.shape
    gain = np.ascontiguousarray(np.broadcast_to(doublings, shape), dtype=float).ravel()
    return _shortest(*_flat(paths), gain).reshape(shape)


def doublings_by(paths: xr.Dataset, years: np.ndarray) -> np.ndarray:
    """Software doublings gained by each of these times, (chain, draw, time); inf after a singularity without a ceiling."""
    at = np.ascontiguousarray(years, dtype=float)
    return _levels(*_flat(paths), at).reshape(*paths.reach.shape, len(at))


def years_at(paths: xr.Dataset, doublings: np.ndarray) -> np.ndarray:
    """When each of these levels is reached, (chain, draw, level); inf where it never is."""
    at = np.ascontiguousarray(doublings, dtype=float)
    return _times(*_flat(paths), at).reshape(*paths.reach.shape, len(at))


def _flat(paths: xr.Dataset) -> tuple[np.ndarray, ...]:
    nodes = paths.sizes["doubling"]
    grid = (np.ascontiguousarray(paths[name].values).reshape(-1, nodes) for name in ("years", "log2_pace"))
    return (
        *grid,
        *(
            np.ascontiguousarray(paths[name].values).ravel()
            for name in ("reach", "tail_slope", "doublings_left")
        ),
    )


def _one_at_a_time(kernel: Callable) -> Callable:
    """A parallel kernel that threads call in turn: Numba's work queue, its only layer on some machines, takes one caller."""

    def call(*arrays):
        with _KERNELS:
            return kernel(*arrays)

    return call


@njit(cache=True, error_model="numpy")
def _gains_at_asara(law):
    """e(0) of each law; its `lambda_` is not read."""
    gains = np.empty(len(law))
    for i in range(len(law)):
        gains[i] = input_gain(0.0, law[i])
    return gains


@_one_at_a_time
@njit(cache=True, error_model="numpy", parallel=True)
def _paths(law, start, recent, tables):
    n, nodes = len(law), tables.shape[2]
    years = np.empty((n, nodes))
    log2_pace = np.empty((n, nodes))
    ends = np.empty((n, ENDS))
    for c in prange((n + CHUNK - 1) // CHUNK):
        work = np.empty((WORK, nodes))
        for i in range(CHUNK * c, min(n, CHUNK * (c + 1))):
            compute_path(law[i], start[i], recent[i], tables, work, years[i], log2_pace[i], ends[i])
    return years, log2_pace, ends


@_one_at_a_time
@njit(cache=True, error_model="numpy", parallel=True)
def _summaries(law, start, recent, gains, tables):
    n, nodes = len(law), tables.shape[2]
    shortest = np.empty(gains.shape)
    ends = np.empty((n, ENDS))
    for c in prange((n + CHUNK - 1) // CHUNK):
        work = np.empty((WORK, nodes))
        years = np.empty(nodes)
        log2_pace = np.empty(nodes)
        for i in range(CHUNK * c, min(n, CHUNK * (c + 1))):
            single_peak = compute_path(law[i], start[i], recent[i], tables, work, years, log2_pace, ends[i])
            for g in range(gains.shape[1]):
                shortest[i, g] = shortest_window(
                    gains[i, g], years, log2_pace, ends[i, 0], ends[i, 1], law[i].doublings_left, single_peak
                )
    return shortest, ends


@_one_at_a_time
@njit(cache=True, error_model="numpy", parallel=True)
def _shortest(years, log2_pace, reach, tail, left, doublings):
    shortest = np.empty(len(years))
    for i in prange(len(years)):
        shortest[i] = shortest_window(doublings[i], years[i], log2_pace[i], reach[i], tail[i], left[i], False)
    return shortest


@_one_at_a_time
@njit(cache=True, error_model="numpy", parallel=True)
def _times(years, log2_pace, reach, tail, left, at):
    times = np.empty((len(years), len(at)))
    for i in prange(len(years)):
        for k in range(len(at)):
            times[i, k] = time_at(at[k], years[i], log2_pace[i], reach[i], tail[i], left[i])
    return times


@_one_at_a_time
@njit(cache=True, error_model="numpy", parallel=True)
def _levels(years, log2_pace, reach, tail, left, at):
    levels = np.empty((len(years), len(at)))
    for i in prange(len(years)):
        for k in range(len(at)):
            levels[i, k] = level_at(at[k], years[i], log2_pace[i], reach[i], tail[i], left[i])
    return levels
