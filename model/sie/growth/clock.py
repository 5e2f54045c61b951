"""What acts on a path from outside: a pace of calendar time, a pause at a level, a cap. Each turns paths into paths.

An exogenous factor b(t) on the pace is an exact change of clock: the path that would reach x at tau(x) reaches it at t(x).

    B(t) = integral of b,   t(x) = inf{t : B(t) >= tau(x)}

A pause is a wait at a level, a cap is min(v, cap). They hold along the whole path, beyond its nodes too, and act in the order in which
they were applied: each changes the path that it is given, whose pace at a level is what the earlier ones made of it. A factor
that shall go on in calendar time while a cap holds is therefore applied after the cap. The shortest doubling time of a law is a cap
that always acts last. The paths keep their own times and paces as `own_years` and `own_log2_pace`, and what acts on them as
`clock`, numbers that `kernels.clock` reads.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, plain
from ..data.exogenous import FOR_EVER
from .calendar import Clock
from .kernels.clock import CAP, CLOCK, FLAT, PAUSE, STRETCH, at_nodes
from .kernels.clock_search import capped_stretches, extremes
from .kernels.path import BEYOND
from .readings import amounts, over_draws

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["capped", "limited", "on_clock", "paused"]

_RECOMPUTED = ("years", "log2_pace", "end_years", "peak_log2_pace", "most_ahead")
"""What depends on what acts on a path."""

ROOM = 8
"""Stretches above a cap for which there is room at first."""


def on_clock(paths: xr.Dataset, clock: Clock | tuple) -> xr.Dataset:
    """The paths when their pace is multiplied by a factor b(t) of calendar time.

    Parameters
    ----------
    paths : xr.Dataset
        Paths of `simulate`, without retraining; an earlier clock, pause or cap stays in force.
    clock : Clock or tuple
        A clock of `gradual_boost` or `hardware_growth`; or (years, log2 factor) of its knots, with years that rise from 0 and a
        factor of shape (knot,) or (chain, draw, knot). The log factor is linear between knots and constant after the last.

    Returns
    -------
    xr.Dataset
        Paths like those of `simulate`, with `years`, `log2_pace`, `peak_log2_pace` and what else depends on time computed anew.

    Raises
    ------
    DataError
        For paths with retraining, whose slope is one of the pace itself; for knots whose years do not rise from 0, or whose
        factors are not finite or do not fit the draws; for a negative constant.
    """
    times, rates, constant = clock if isinstance(clock, Clock) else Clock(*clock)
    times, shape = np.asarray(times, dtype=float), paths.reach.shape
    if paths.attrs.get("retraining", "none") != "none":
        raise DataError(
            "clock",
            plain(f"paths with retraining {paths.attrs['retraining']!r}"),
            "paths without (the slope depends on the pace)",
        )
    rising = times.ndim == 1 and times.size > 0 and times[0] == 0 and np.all(np.diff(times) > 0)
    if not rising or not np.isfinite(times).all():
        raise DataError(
            "clock", plain("knots that do not rise from 0"), "years that rise from 0, each with a log2 factor"
        )
    rates = _each(rates, (*shape, len(times)), "clock", "a log2 factor for each of its years")
    constant = _each(constant, shape, "clock constant", "a number of at least 0, or one for each draw")
    if not np.isfinite(rates).all():
        raise DataError("clock", plain("a factor that is no number"), "finite log2 factors")
    if not np.all((constant >= 0) & (constant < math.inf)):
        raise DataError("clock constant", float(constant.min()), "numbers of at least 0")
    gained = np.concatenate(
        [np.zeros((*shape, 1)), np.cumsum(_gained(times, rates, constant), axis=-1)], axis=-1
    )
    numbers = [constant[..., None], np.broadcast_to(times, rates.shape), rates, gained]
    changed = _with(_unlimited(paths), CLOCK, np.concatenate(numbers, axis=-1))
    return limited(_recompute_summaries(changed, peak=None))


def paused(
    paths: xr.Dataset,
    *,
    doublings: float | np.ndarray,
    years: float | np.ndarray,
    longest: float = FOR_EVER,
) -> xr.Dataset:
    """The paths with a pause at a level: every later level is reached later by the length of the pause.

    A factor that depends on time stands still during the pause if it was applied before the pause.

    Parameters
    ----------
    paths : xr.Dataset
        Paths of `simulate`.
    doublings : float or np.ndarray
        Software doublings since ASARA at which the pause begins, at least 0; one number or one for each draw.
    years : float or np.ndarray
        Length of the pause, from 0 to `longest` years; one number or one for each draw.
    longest : float, optional
        Years that a pause may last (default: 1e6, beyond which windows drown in rounding unless a clock makes time run faster).

    Returns
    -------
    xr.Dataset
        Paths like those of `simulate`.

    Raises
    ------
    DataError
        If a number is negative or not finite, if there is not one of it for each draw, or if the pause is longer than `longest`.
    """
    shape, want = paths.reach.shape, "a number, or one for each draw"
    at = {"pause doublings": doublings, "pause years": years}
    numbers = [amounts(where, _each(value, shape, where, want)) for where, value in at.items()]
    if np.any(numbers[1] > longest):
        raise DataError(
            "pause years",
            float(numbers[1].max()),
            f"at most {longest:g} (beyond, windows drown in rounding)",
        )
    paths = _unlimited(paths)
    changed = _with(paths, PAUSE, np.stack(numbers, axis=-1))
    return limited(_recompute_summaries(changed, peak=paths.peak_log2_pace.values))


def capped(paths: xr.Dataset, *, log2_pace: float | np.ndarray) -> xr.Dataset:
    """The paths when their pace is held at or below a cap, min(v, cap).

    A threshold of 5x is log2(5 x recent pace).

    Parameters
    ----------
    paths : xr.Dataset
        Paths of `simulate`.
    log2_pace : float or np.ndarray
        The cap as log2 of software doublings per year; inf for no cap. One number or one for each draw.

    Returns
    -------
    xr.Dataset
        Paths like those of `simulate`.

    Raises
    ------
    DataError
        If the cap is NaN or -inf, or there is not one for each draw.

    Examples
    --------
    >>> held = sie.capped(paths, log2_pace=np.log2(5 * paths.recent_doublings_per_year))
    """
    shape = paths.reach.shape
    cap = _each(log2_pace, shape, "cap", "log2 of doublings a year, or one for each draw")
    if np.isnan(cap).any() or np.any(cap == -math.inf):
        raise DataError("cap", plain("not a number"), "log2 of doublings a year")
    return limited(_capped(_unlimited(paths), cap))


def limited(paths: xr.Dataset) -> xr.Dataset:
    """The paths whose pace is at most 1 / `shortest_doubling`, those as they are that never exceed it."""
    import xarray as xr

    if "shortest_doubling" not in paths or not (paths.shortest_doubling > 0).any():
        return paths
    cap = _limit(paths)
    binding = paths.peak_log2_pace.values > cap
    if not binding.any():
        return paths
    before = paths.clock.shape[-1] if "clock" in paths else 0
    found = _capped(paths, np.where(binding, cap, math.inf))
    mask = paths.reach.copy(data=binding)
    kept = {name: xr.where(mask, found[name], paths[name], keep_attrs=True) for name in _RECOMPUTED}
    return found.assign(kept).assign_attrs(limit_entries=found.clock.shape[-1] - before)


def _limit(paths: xr.Dataset) -> np.ndarray:
    """log2 of the fastest pace that a shortest doubling time allows; inf for none."""
    with np.errstate(divide="ignore"):
        return -np.log2(paths.shortest_doubling.values)


def _unlimited(paths: xr.Dataset) -> xr.Dataset:
    """The paths before their shortest doubling time acted, with a peak of inf where it did, for an operation that comes before it."""
    if not (entries := paths.attrs.get("limit_entries", 0)):
        return paths
    peak = np.where(paths.peak_log2_pace.values >= _limit(paths), math.inf, paths.peak_log2_pace.values)
    paths = paths.assign(peak_log2_pace=paths.peak_log2_pace.copy(data=peak)).assign_attrs(limit_entries=0)
    left = paths.clock.shape[-1] - entries
    if left:
        return paths.drop_vars("clock").assign(clock=paths.clock[..., :left])
    own = {"years": paths.own_years, "log2_pace": paths.own_log2_pace}
    return paths.drop_vars(["clock", *(f"own_{name}" for name in own)]).assign(own)


def _capped(paths: xr.Dataset, cap: np.ndarray) -> xr.Dataset:
    shape = paths.reach.shape
    flat, room = np.ascontiguousarray(cap).ravel(), ROOM
    while True:
        found, counts = np.empty((flat.size, room, STRETCH)), np.empty(flat.size, dtype=np.int64)
        over_draws(capped_stretches, paths, flat, found, counts, clocked=True)
        if (most := counts.max(initial=0)) <= room:
            break
        room = most
    used = found[:, : max(1, most)].reshape(*shape, -1)
    changed = _with(paths, CAP, np.concatenate([cap[..., None], used], axis=-1))
    return _recompute_summaries(changed, peak=np.minimum(paths.peak_log2_pace.values, cap))


def _each(values: np.ndarray | float, shape: tuple, where: str, want: str) -> np.ndarray:
    """Numbers for each draw."""
    try:
        return np.broadcast_to(np.asarray(values, dtype=float), shape)
    except ValueError:
        raise DataError(where, plain(f"an array of shape {np.shape(values)}"), want) from None


def _gained(times: np.ndarray, rates: np.ndarray, constant: np.ndarray) -> np.ndarray:
    """Integral of b between knots."""
    spans, octaves = np.diff(times), np.diff(rates, axis=-1)
    rises, flat = octaves * math.log(2), np.abs(octaves) < FLAT
    with np.errstate(over="ignore"):
        factor = np.exp2(np.minimum(rates[..., :-1], BEYOND))
        mean = np.where(flat, 1.0, np.expm1(rises) / np.where(flat, 1.0, rises))
        return (constant[..., None] + factor * mean) * spans


def _with(paths: xr.Dataset, kind: float, numbers: np.ndarray) -> xr.Dataset:
    """The paths with one more operation, their own nodes kept."""
    head = np.broadcast_to([kind, numbers.shape[-1]], (*numbers.shape[:-1], 2))
    before = [paths.clock.values] if "clock" in paths else []
    dims = paths.reach.dims
    changed = paths.drop_vars("clock", errors="ignore")
    if not before:
        changed = changed.assign(own_years=paths.years, own_log2_pace=paths.log2_pace)
    return changed.assign(clock=((*dims, "entry"), np.concatenate([*before, head, numbers], axis=-1)))


def _recompute_summaries(paths: xr.Dataset, *, peak: np.ndarray | None) -> xr.Dataset:
    """The paths with times and paces of their nodes, end, peak and lead over the recent trend recomputed under their clocks."""
    shape, nodes = paths.reach.shape, paths.sizes["doubling"]
    draws = paths.reach.size
    times, paces, found = np.empty((draws, nodes)), np.empty((draws, nodes)), np.empty((draws, 3))
    over_draws(at_nodes, paths, times, paces, clocked=True)
    recent = np.ascontiguousarray(paths.recent_doublings_per_year.values, dtype=float).ravel()
    over_draws(extremes, paths, recent, found, clocked=True)
    ends = {"end_years": found[:, 0].reshape(shape), "most_ahead": found[:, 2].reshape(shape)}
    ends["peak_log2_pace"] = found[:, 1].reshape(shape) if peak is None else peak
    new = {name: (paths.reach.dims, value, paths[name].attrs) for name, value in ends.items()}
    for name, value in {"years": times, "log2_pace": paces}.items():
        new[name] = (paths[name].dims, value.reshape(*shape, nodes), paths[name].attrs)
    return paths.assign(new)
