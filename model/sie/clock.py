"""What acts on a path from outside: a pace of calendar time, a pause at a level, a cap. Each turns paths into paths.

An exogenous factor b(t) on the pace is an exact change of clock: the path that would reach x at tau(x) reaches it at t(x).

    B(t) = integral of b,   t(x) = inf{t : B(t) >= tau(x)}

It knows paths and no growth law.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .growth import LN2
from .sources import DataError, plain

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["capped", "gradual_boost", "hardware_growth", "on_clock", "paused"]


def gradual_boost(*, start: float, end: float, years: float) -> tuple[np.ndarray, np.ndarray]:
    """Knots of a boost that grows exponentially from `start` to `end` over some years and stays: (years, log2 of the factor).

    Davidson & Houlden (2025) let the boost from AI rise from 0.1 to f_max over five years; with f_max at ASARA as the pace of
    the paths, the factors are 0.1 / f_max and 1.
    """
    if not (start > 0 and end > 0 and years > 0):
        raise DataError("gradual boost", (start, end, years), "numbers above 0")
    return np.array([0.0, years]), np.log2([start, end])


def hardware_growth(
    *, parallel: float, doublings_per_year: float, years: float = math.inf
) -> tuple[np.ndarray, np.ndarray]:
    """Knots of hardware C that goes on doubling, C(t)^lambda (Cobb-Douglas, copies and experiments both scaling).

    `parallel` is lambda. Growth stops after `years`.
    """
    end = min(years, 1e6)
    return np.array([0.0, end]), np.array([0.0, parallel * doublings_per_year * end])


def on_clock(paths: xr.Dataset, knots: tuple[np.ndarray, np.ndarray]) -> xr.Dataset:
    """The paths when their pace is multiplied by b(t), log2 b being linear between knots (years, log2 factor), then constant.

    Exact at every node. inf where B stays below tau. Raises DataError for paths with retraining, whose slope is one of the
    pace itself.
    """
    times, rates = (np.asarray(values, dtype=float) for values in knots)
    if paths.attrs.get("retraining", "none") != "none":
        raise DataError(
            "clock",
            plain(f"paths with retraining {paths.attrs['retraining']!r}"),
            "paths without (the slope depends on the pace)",
        )
    if times.ndim != 1 or times.shape != rates.shape or times[0] != 0 or not np.all(np.diff(times) > 0):
        raise DataError(
            "clock", plain("knots that do not rise from 0"), "years that rise from 0, each with a log2 factor"
        )
    if np.isnan(rates).any() or np.any(rates == math.inf):
        raise DataError("clock", plain("a factor that is no number"), "log2 factors below infinity")
    years = _clock_time(paths.years.values, times, rates)
    changed = paths.copy()
    changed["years"] = (paths.years.dims, years, paths.years.attrs)
    log2_pace = paths.log2_pace.values + np.interp(np.minimum(years, times[-1]), times, rates)
    changed["log2_pace"] = (paths.log2_pace.dims, log2_pace, paths.log2_pace.attrs)
    end_years = _clock_time(paths.end_years.values, times, rates)
    changed["end_years"] = (paths.end_years.dims, end_years, paths.end_years.attrs)
    return _seen_anew(changed)


def paused(paths: xr.Dataset, *, doublings: float, years: float) -> xr.Dataset:
    """The paths with a pause of some years when a level is reached: every later level comes so much later."""
    if not (doublings >= 0 and 0 <= years < math.inf):
        raise DataError("pause", (doublings, years), "a level and a time of at least 0")
    changed = paths.copy()
    x = paths.doubling.values * paths.reach.values[..., None]
    late = np.where(x > doublings, years, 0.0)
    changed["years"] = (paths.years.dims, paths.years.values + late, paths.years.attrs)
    left = paths.doublings_left.values
    end = paths.end_years.values + np.where(left > doublings, years, 0.0)
    changed["end_years"] = (paths.end_years.dims, end, paths.end_years.attrs)
    return _seen_anew(changed)


def capped(paths: xr.Dataset, *, log2_pace: float | np.ndarray) -> xr.Dataset:
    """The paths when their pace is held at or below a cap, min(v, cap): a threshold of 5x is log2(5 x recent pace).

    `log2_pace` is one number or one for each draw. Where the pace crosses the cap within a cell, the cell is cut there.
    """
    cap = np.broadcast_to(np.asarray(log2_pace, dtype=float), paths.reach.shape)[..., None]
    if np.isnan(cap).any():
        raise DataError("cap", plain("not a number"), "log2 of doublings a year")
    years, pace = paths.years.values, paths.log2_pace.values
    width = (paths.reach.values / (paths.sizes["doubling"] - 1))[..., None]
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        cells = np.diff(years, axis=-1)
        low, high = pace[..., :-1], pace[..., 1:]
        slowest = width * np.exp2(-cap)
        rising, falling = (low < cap) & (high > cap), (low > cap) & (high < cap)
        part = np.clip((cap - low) / (high - low), 0.0, 1.0)
        share = np.where(part > 0, np.expm1(-(high - low) * LN2 * part) / np.expm1(-(high - low) * LN2), 0.0)
        share = np.where(np.isnan(share), part, share)
        cells = np.where((low >= cap) & (high >= cap), slowest, cells)
        cells = np.where(rising, cells * share + slowest * (1 - part), cells)
        cells = np.where(falling, slowest * part + cells * (1 - share), cells)
    changed = paths.copy()
    start = np.zeros((*years.shape[:-1], 1))
    changed["years"] = (
        paths.years.dims,
        np.concatenate([start, np.cumsum(cells, axis=-1)], axis=-1),
        paths.years.attrs,
    )
    changed["log2_pace"] = (paths.log2_pace.dims, np.minimum(pace, cap), paths.log2_pace.attrs)
    rises = paths.tail_slope.values > 0
    changed["tail_slope"] = (
        paths.reach.dims,
        np.where(rises, 0.0, paths.tail_slope.values),
        paths.tail_slope.attrs,
    )
    end = np.where(np.isinf(paths.doublings_left.values), math.inf, changed.years.values[..., -1])
    changed["end_years"] = (paths.reach.dims, end, paths.end_years.attrs)
    return _seen_anew(changed)


def _clock_time(tau: np.ndarray, times: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """inf{t : B(t) >= tau} for log2 b linear between knots and constant after the last."""
    slopes = np.append(np.diff(rates) / np.diff(times), 0.0) * LN2
    factor = np.exp2(np.minimum(rates, 1000.0))
    spans = np.append(np.diff(times), math.inf)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        gains = np.where(
            np.abs(slopes[:-1]) * spans[:-1] < 1e-9,
            factor[:-1] * spans[:-1],
            factor[:-1] * np.expm1(slopes[:-1] * spans[:-1]) / slopes[:-1],
        )
        integral = np.concatenate([[0.0], np.cumsum(gains)])
        piece = np.searchsorted(integral, tau, side="right") - 1
        grown = (tau - integral[piece]) / factor[piece]
        slope = slopes[piece]
        inner = np.where(slope * grown > -1, np.log1p(np.maximum(slope * grown, -1.0)) / slope, math.inf)
        return np.where(np.isinf(tau), math.inf, times[piece] + np.where(np.abs(slope) < 1e-12, grown, inner))


def _seen_anew(paths: xr.Dataset) -> xr.Dataset:
    """The path's peak and the most it is ahead of the recent trend, from its nodes (and its end without a ceiling)."""
    x = paths.doubling.values * paths.reach.values[..., None]
    recent = paths.recent_doublings_per_year.values[..., None]
    with np.errstate(invalid="ignore"):
        ahead = np.nanmax(x - recent * paths.years.values, axis=-1)
    endless = np.isinf(paths.doublings_left.values)
    singular = endless & np.isfinite(paths.end_years.values)
    steady = (
        endless & (paths.tail_slope.values == 0) & (paths.log2_pace.values[..., -1] > np.log2(recent[..., 0]))
    )
    peak = paths.log2_pace.values.max(axis=-1)
    paths["most_ahead"] = (
        paths.reach.dims,
        np.where(singular | steady, math.inf, ahead),
        paths.most_ahead.attrs,
    )
    paths["peak_log2_pace"] = (
        paths.reach.dims,
        np.where(singular, math.inf, peak),
        paths.peak_log2_pace.attrs,
    )
    return paths
