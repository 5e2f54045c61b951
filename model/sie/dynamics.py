"""Paths of software after ASARA: when each level is reached, for every draw at once.

    tau(x) = integral of dx / v(x)

Time is the integral, never the state: a singularity is a finite limit of tau, not an overflow. A path lies on NODES points
spread evenly from ASARA to the ceiling; between points the log pace is taken as linear, so that the integral of a cell is
exact for an exponential. The only hot loop; it knows the growth law but no event.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit, prange

from .growth import log2_pace_gain

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["NODES", "doublings_by", "shortest_years", "simulate"]

NODES = 129
"""Points of a path; the error of a time falls with their square."""

_NEEDED = (
    *("r_asara", "parallel", "speedup", "recent_doublings_per_year", "doublings_left"),
    *("doublings_per_year_of_progress", "conversion"),
)


def simulate(draws: xr.Dataset) -> xr.Dataset:
    """The path of each draw of `tree.prior` or `tree.posterior`; the same call before and after evidence.

    Returns dims (chain, draw, doubling) where `doubling` is the fraction of the way to the ceiling: `years` since ASARA (inf
    where a level is never reached) and `log2_pace` (log2 of doublings a year; -inf at the ceiling); and the inputs that
    events need, dims (chain, draw).
    """
    import xarray as xr

    inputs = {
        name: draws[name].broadcast_like(draws.r_asara).transpose(*draws.r_asara.dims) for name in _NEEDED
    }
    r, parallel, speedup, recent, left = (
        np.ascontiguousarray(inputs[name].values, dtype=float).ravel() for name in _NEEDED[:5]
    )
    years, log2_pace = _paths(r, parallel, speedup * recent, left, NODES)
    shape = (*draws.r_asara.shape, NODES)
    dims = (*draws.r_asara.dims, "doubling")
    paths = xr.Dataset(
        {"years": (dims, years.reshape(shape)), "log2_pace": (dims, log2_pace.reshape(shape))},
        coords={"doubling": np.linspace(0, 1, NODES)},
        attrs={key: value for key, value in draws.attrs.items() if key == "independent_draws"},
    )
    paths.years.attrs["unit"] = "years since ASARA"
    paths.log2_pace.attrs["unit"] = "log2 of software doublings per year"
    return paths.assign(inputs)


def shortest_years(paths: xr.Dataset, doublings: np.ndarray) -> np.ndarray:
    """The least time in which a path gains this many doublings, anywhere along it; inf where the ceiling is nearer.

    `doublings` has the shape of the draws; so has the result.
    """
    shape = paths.doublings_left.shape
    years, log2_pace, left = _flat(paths)
    return _shortest(
        years, log2_pace, left, np.ascontiguousarray(np.broadcast_to(doublings, shape), dtype=float).ravel()
    ).reshape(shape)


def doublings_by(paths: xr.Dataset, years: np.ndarray) -> np.ndarray:
    """Software doublings gained by each of these times, (chain, draw, time)."""
    shape = paths.doublings_left.shape
    at = np.ascontiguousarray(years, dtype=float)
    return _levels(*_flat(paths), at).reshape(*shape, len(at))


def _flat(paths: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    nodes = paths.sizes["doubling"]
    years = np.ascontiguousarray(paths.years.values).reshape(-1, nodes)
    log2_pace = np.ascontiguousarray(paths.log2_pace.values).reshape(-1, nodes)
    return years, log2_pace, np.ascontiguousarray(paths.doublings_left.values).ravel()


@njit(cache=True)
def _cell_years(width: float, low: float, high: float) -> float:
    """Time to cross a cell whose log2 pace is linear between its ends."""
    slope = (high - low) * math.log(2.0)
    if high == -math.inf:
        return math.inf
    if abs(slope) < 1e-6:
        return width * 2.0**-low * (1.0 - slope / 2.0)
    if slope < 0.0:
        return width * 2.0**-high * math.expm1(slope) / slope
    return width * 2.0**-low * -math.expm1(-slope) / slope


@njit(cache=True)
def _within_cell(elapsed: float, width: float, low: float, high: float) -> float:
    """Doublings gained after `elapsed` years in a cell; the inverse of `_cell_years`."""
    if high == -math.inf:
        return min(width, elapsed * 2.0**low)
    slope = (high - low) * math.log(2.0)
    part = elapsed * 2.0**low / width
    if abs(slope) < 1e-6:
        return width * min(1.0, part)
    grown = part * slope
    return width if grown >= 1.0 else min(width, -width * math.log1p(-grown) / slope)


@njit(cache=True, parallel=True)
def _paths(r, parallel, pace, left, nodes):
    n = len(r)
    years = np.empty((n, nodes))
    log2_pace = np.empty((n, nodes))
    for i in prange(n):
        width = left[i] / (nodes - 1)
        start = math.log2(pace[i])
        years[i, 0] = 0.0
        log2_pace[i, 0] = start
        for j in range(1, nodes - 1):
            log2_pace[i, j] = start + log2_pace_gain(j * width, r[i], parallel[i], left[i])
            years[i, j] = years[i, j - 1] + _cell_years(width, log2_pace[i, j - 1], log2_pace[i, j])
        last = nodes - 2
        log2_pace[i, last + 1] = -math.inf
        # Near the ceiling the pace falls as the distance to the power b: the last cell takes finite time iff b < 1.
        b = parallel[i] / r[i] * left[i] * math.log(2.0)
        years[i, last + 1] = (
            years[i, last] + width * 2.0 ** -log2_pace[i, last] / (1.0 - b) if b < 1.0 else math.inf
        )
    return years, log2_pace


@njit(cache=True)
def _time_at(x, years, log2_pace, width):
    """Time at which a path is at x doublings."""
    cells = len(years) - 1
    j = min(int(x / width), cells - 1)
    rest = x - j * width
    if rest <= 0.0:
        return years[j]
    if log2_pace[j + 1] == -math.inf:
        return (
            years[j] + (years[j + 1] - years[j]) * rest / width
            if rest >= width * (1 - 1e-12)
            else years[j] + rest * 2.0 ** -log2_pace[j]
        )
    high = log2_pace[j] + (log2_pace[j + 1] - log2_pace[j]) * rest / width
    return years[j] + _cell_years(rest, log2_pace[j], high)


@njit(cache=True, parallel=True)
def _shortest(years, log2_pace, left, doublings):
    n, nodes = years.shape
    shortest = np.empty(n)
    for i in prange(n):
        gain, best = doublings[i], math.inf
        width = left[i] / (nodes - 1)
        if gain <= left[i]:
            for j in range(nodes):
                x = j * width
                if x + gain <= left[i]:
                    best = min(best, _time_at(x + gain, years[i], log2_pace[i], width) - years[i, j])
                if x - gain >= 0.0 and years[i, j] < math.inf:
                    best = min(best, years[i, j] - _time_at(x - gain, years[i], log2_pace[i], width))
        shortest[i] = best
    return shortest


@njit(cache=True, parallel=True)
def _levels(years, log2_pace, left, at):
    n, nodes = years.shape
    levels = np.empty((n, len(at)))
    for i in prange(n):
        width = left[i] / (nodes - 1)
        for k in range(len(at)):
            j = min(np.searchsorted(years[i], at[k], side="right") - 1, nodes - 2)
            levels[i, k] = j * width + _within_cell(
                at[k] - years[i, j], width, log2_pace[i, j], log2_pace[i, j + 1]
            )
    return levels
