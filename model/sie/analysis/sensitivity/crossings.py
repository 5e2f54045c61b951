"""Where, along one input, the probability of an event crosses one half."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...base.stats import Z95
from .measures import classes, events_of
from .shapley import normal_scores

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["crossings"]

CURVE_CLASSES = 100
"""Classes of equal probability behind the curve of a probability over an input."""

DEGREE = 3
"""Degree of that curve's log odds in the input's normal score."""


def crossings(
    inputs: Mapping[str, np.ndarray], indicators: xr.DataArray | np.ndarray, *, effective: np.ndarray
) -> xr.Dataset:
    """The value of each input at which P(event | input) crosses a half.

    The log odds are a cubic in the input's normal score, fitted to all draws; `lower` and `upper` are where its 95 % band crosses
    (ends of the input's range where the band does not). A crossing counts where the curve lies beyond its own 95 % band on both
    sides of a half.

    Parameters
    ----------
    inputs : mapping of str to np.ndarray
        Values of each input over draws, (draw,).
    indicators : xr.DataArray or np.ndarray
        Whether each event happens, bool (event, draw); a coordinate `event` names the events of the result.
    effective : np.ndarray
        Effective sample size of each event's indicator, (event,).

    Returns
    -------
    xr.Dataset
        Dims (event, input), in the input's unit: `value`, `lower`, `upper`; NaN where the probability never crosses a half.
    """
    import xarray as xr

    indicators, events = events_of(indicators)
    effective = np.asarray(effective)
    shape = (len(indicators), len(inputs))
    crossing = {name: np.full(shape, math.nan) for name in ("value", "lower", "upper")}
    n = indicators.shape[1]
    for i, column in enumerate(inputs.values()):
        members = classes(column, CURVE_CLASSES)
        size = np.bincount(members)
        score = np.bincount(members, weights=normal_scores(column[None])[0]) / size
        powers = np.arange(min(DEGREE, len(size) - 1) + 1)
        span = np.linspace(score.min(), score.max(), 2001)
        for e, indicator in enumerate(indicators):
            counts = np.bincount(members, weights=indicator, minlength=len(size))
            log_odds, error = _curve(
                score[:, None] ** powers, counts, size, span[:, None] ** powers, n / effective[e]
            )
            for name, position in _crossing(span, log_odds, error).items():
                crossing[name][e, i] = _at_score(column, position)
    return xr.Dataset(
        {name: (("event", "input"), values) for name, values in crossing.items()},
        coords={**events, "input": list(inputs)},
    )


def _curve(
    basis: np.ndarray, counts: np.ndarray, size: np.ndarray, at: np.ndarray, widen: float
) -> tuple[np.ndarray, np.ndarray]:
    """Fitted log odds along `at` and half the width of their 95 % band, by penalised Newton steps (binomial counts)."""
    from scipy.special import expit

    coefficient = np.zeros(basis.shape[1])
    penalty = 1e-2 * np.eye(basis.shape[1])
    for _ in range(60):
        p = expit(basis @ coefficient)
        curvature = (basis * (size * np.maximum(p * (1 - p), 1e-9))[:, None]).T @ basis + penalty
        step = np.linalg.solve(curvature, basis.T @ (counts - size * p) - penalty @ coefficient)
        length = math.sqrt(float(step @ step))
        coefficient += step * min(1.0, 2.0 / length if length > 0 else 1.0)
        if length < 1e-9:
            break
    variance = np.einsum("ij,ij->i", at @ np.linalg.inv(curvature), at) * max(widen, 1.0)
    return at @ coefficient, Z95 * np.sqrt(variance)


def _crossing(span: np.ndarray, log_odds: np.ndarray, error: np.ndarray) -> dict[str, float]:
    """Scores at which the curve and the ends of its band cross 0; empty where the curve stays on one side."""
    if not (np.any(log_odds - error > 0) and np.any(log_odds + error < 0)):
        return {}
    turns = np.flatnonzero(np.diff(np.sign(log_odds)) != 0)
    middle = turns[np.argmin(np.abs(span[turns]))]
    low, high = middle, middle + 1
    sign = np.sign(log_odds[high] - log_odds[low])
    while low > 0 and sign * log_odds[low] + error[low] > 0:
        low -= 1
    while high < len(span) - 1 and sign * log_odds[high] - error[high] < 0:
        high += 1
    share = log_odds[middle] / (log_odds[middle] - log_odds[middle + 1])
    value = span[middle] + share * (span[middle + 1] - span[middle])
    return {"value": float(value), "lower": float(span[low]), "upper": float(span[high])}


def _at_score(column: np.ndarray, score: float) -> float:
    from scipy.special import ndtr

    return float(np.quantile(column, ndtr(score)))
