"""What drives a view's answers, from the draws it already has: nothing is simulated again.

    share_k    = Cov(log f_k, log r) / Var(log r)                 of the variance of log r at ASARA; sum 1, may be negative
    movement_i = E |P(event | x_i) - P(event)| - the same with x_i shuffled

Every function takes arrays over draws and the events' indicators, and depends on the order of neither draws nor inputs.
Shapley effects are in `shapley`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ..base.stats import Z95
from ..data.priors import View
from ..data.quantities import ADJUSTMENTS
from .shapley import normal_scores

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "crossings",
    "happened",
    "independent_inputs",
    "movement",
    "tornado",
    "variance_shares",
    "varying_inputs",
    "worth",
]

WINDOW = 0.1
"""Share of the draws in the lowest and in the highest window, whose medians are the 5 and the 95 % quantile."""

CLASSES = 20
"""Classes of equal probability into which an input is known, for the expected movement."""

CURVE_CLASSES = 100
"""Classes of equal probability behind the curve of a probability over an input."""

DEGREE = 3
"""Degree of that curve's log odds in the input's normal score."""


def varying_inputs(draws: xr.Dataset, view: View) -> dict[str, np.ndarray]:
    """The quantities that move a view's answers, by name, over draws: all it states that vary, and `r_target`.

    `r_target` is r of language models, through which alone r_typical and spread act.
    """
    names = [*(["r_target"] if "r_target" in draws else []), *view.entries]
    columns = {name: draws[name].values.ravel() for name in names}
    return {name: column for name, column in columns.items() if np.ptp(column) > 0}


def independent_inputs(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those among which an answer is shared out: r_target stands for r_typical and spread, which act through it alone."""
    hidden = ("r_typical", "spread") if "r_target" in inputs else ()
    return {name: column for name, column in inputs.items() if name not in hidden}


def happened(paths: xr.Dataset, events: list[str]) -> np.ndarray:
    """Whether each event happens on each path, bool (event, draw)."""
    from ..growth.events import EVENTS
    from ..growth.paths import shortest_years

    shortest = {
        gain: shortest_years(paths, gain(paths))
        for gain in {EVENTS[name].gain for name in events}
        if gain is not None
    }
    return np.stack(
        [
            np.ravel(event.indicators(paths, shortest)).astype(bool)
            for event in (EVENTS[name] for name in events)
        ]
    )


def worth(credences: xr.Dataset) -> np.ndarray:
    """How many independent draws each event's indicator is worth, (event,), from a table of `credences`."""
    n = credences.attrs["draws"]
    smoothed = (credences.p.values * n + 0.5) / (n + 1)
    return smoothed * (1 - smoothed) / credences.mcse.values**2


def variance_shares(draws: xr.Dataset, *, effective: float | None = None) -> xr.Dataset:
    """Shares of the variance of log r at ASARA by term of the chain, dims (term,); exact for these draws, sum 1.

    A term that moves against the others has a negative share. A view that states r at ASARA has the one term `r_asara`; terms that
    do not vary have share 0.

    Parameters
    ----------
    draws : xr.Dataset
        Draws of `prior` or a group of `fit`, dims (chain, draw).
    effective : float, optional
        Effective number of draws, for `se` (default: all are independent).

    Returns
    -------
    xr.Dataset
        `share` (term) and its standard error `se`; NaN where r does not vary.
    """
    import xarray as xr

    chain = ["r_target", *(name for name in ADJUSTMENTS if name in draws)]
    names = chain if "r_target" in draws else ["r_asara"]
    terms = np.log(np.stack([draws[name].values.ravel() for name in names]))
    terms -= terms.mean(axis=1, keepdims=True)
    log_r = terms.sum(axis=0)
    variance = float(log_r @ log_r)
    if variance == 0:
        share, se = np.full(len(names), math.nan), np.full(len(names), math.nan)
    else:
        share = terms @ log_r / variance
        influence = (terms - share[:, None] * log_r) * log_r * (log_r.size / variance)
        se = influence.std(axis=1) / math.sqrt(log_r.size if effective is None else effective)
    return xr.Dataset({"share": ("term", share), "se": ("term", se)}, coords={"term": names})


def tornado(inputs: Mapping[str, np.ndarray], indicators: np.ndarray, *, effective: np.ndarray) -> xr.Dataset:
    """P(event) given an input near its 5 % and near its 95 % quantile: in the lowest and the highest tenth of the draws.

    Parameters
    ----------
    inputs : mapping of str to np.ndarray
        Values of each input over draws, (draw,).
    indicators : np.ndarray
        Whether each event happens, bool (event, draw).
    effective : np.ndarray
        Effective number of draws of each event's indicator, (event,).

    Returns
    -------
    xr.Dataset
        `p` and its `mcse` (event, input, end); the `value` of the quantile (input, end), in the input's unit. Ends are "low" and
        "high"; events are by position.
    """
    import xarray as xr

    shape = (len(indicators), len(inputs), 2)
    p, mcse, value = np.empty(shape), np.empty(shape), np.empty(shape[1:])
    worth = effective / indicators.shape[1]
    for i, column in enumerate(inputs.values()):
        low, high, *value[i] = np.quantile(column, [WINDOW, 1 - WINDOW, WINDOW / 2, 1 - WINDOW / 2])
        for end, inside in enumerate((column <= low, column >= high)):
            found, size = indicators[:, inside].sum(axis=1), int(inside.sum())
            smoothed = (found + 0.5) / (size + 1)
            p[:, i, end] = found / size
            mcse[:, i, end] = np.sqrt(smoothed * (1 - smoothed) / (size * worth))
    return xr.Dataset(
        {
            "p": (("event", "input", "end"), p),
            "mcse": (("event", "input", "end"), mcse),
            "value": (("input", "end"), value),
        },
        coords={"input": list(inputs), "end": ["low", "high"]},
    )


def movement(
    inputs: Mapping[str, np.ndarray], indicators: np.ndarray, *, effective: np.ndarray
) -> xr.Dataset:
    """How far each credence would move on average if one input were known to a twentieth of its probability.

    Mean absolute movement less what it would be if the input's values were shuffled among the draws (exact: the hypergeometric
    mean, no random numbers). The interval of an input that does not matter covers 0.

    Parameters
    ----------
    inputs : mapping of str to np.ndarray
        Values of each input over draws, (draw,).
    indicators : np.ndarray
        Whether each event happens, bool (event, draw).
    effective : np.ndarray
        Effective number of draws of each event's indicator, (event,).

    Returns
    -------
    xr.Dataset
        Dims (event, input), in probability: `moved`, its 95 % interval `lower` to `upper`, and the `null` taken off.
    """
    import xarray as xr

    n = indicators.shape[1]
    p = indicators.mean(axis=1)
    shape = (len(indicators), len(inputs))
    moved, null, se = np.empty(shape), np.empty(shape), np.empty(shape)
    widen = np.sqrt(np.maximum(n / effective, 1))
    for i, column in enumerate(inputs.values()):
        of = _classes(column, CLASSES)
        size = np.bincount(of)
        for e, indicator in enumerate(indicators):
            counts = np.bincount(of, weights=indicator, minlength=len(size))
            away = counts / size - p[e]
            moved[e, i] = size @ np.abs(away) / n
            null[e, i] = widen[e] * sum(
                size_k / n * _mean_away(n, int(indicator.sum()), int(size_k)) for size_k in size
            )
            influence = np.sign(away)[of] * (indicator - p[e])
            se[e, i] = influence.std() / math.sqrt(n) * widen[e]
    moved = moved - null
    return xr.Dataset(
        {
            "moved": (("event", "input"), moved),
            "lower": (("event", "input"), moved - Z95 * se),
            "upper": (("event", "input"), moved + Z95 * se),
            "null": (("event", "input"), null),
        },
        coords={"input": list(inputs)},
    )


def crossings(
    inputs: Mapping[str, np.ndarray], indicators: np.ndarray, *, effective: np.ndarray
) -> xr.Dataset:
    """The value of each input at which P(event | input) crosses a half.

    The log odds are a cubic in the input's normal score, fitted to all draws; `lower` and `upper` are where its 95 % band crosses
    (ends of the input's range where the band does not). A crossing counts where the curve lies beyond its own 95 % band on both
    sides of a half.

    Parameters
    ----------
    inputs : mapping of str to np.ndarray
        Values of each input over draws, (draw,).
    indicators : np.ndarray
        Whether each event happens, bool (event, draw).
    effective : np.ndarray
        Effective number of draws of each event's indicator, (event,).

    Returns
    -------
    xr.Dataset
        Dims (event, input), in the input's unit: `value`, `lower`, `upper`; NaN where the probability never crosses a half.
    """
    import xarray as xr

    shape = (len(indicators), len(inputs))
    found = {name: np.full(shape, math.nan) for name in ("value", "lower", "upper")}
    n = indicators.shape[1]
    for i, column in enumerate(inputs.values()):
        of = _classes(column, CURVE_CLASSES)
        size = np.bincount(of)
        score = np.bincount(of, weights=normal_scores(column[None])[0]) / size
        powers = np.arange(min(DEGREE, len(size) - 1) + 1)
        span = np.linspace(score.min(), score.max(), 2001)
        for e, indicator in enumerate(indicators):
            counts = np.bincount(of, weights=indicator, minlength=len(size))
            log_odds, error = _curve(
                score[:, None] ** powers, counts, size, span[:, None] ** powers, n / effective[e]
            )
            at = _crossing(span, log_odds, error)
            for name, position in at.items():
                found[name][e, i] = _at_score(column, position)
    return xr.Dataset(
        {name: (("event", "input"), values) for name, values in found.items()}, coords={"input": list(inputs)}
    )


def _classes(column: np.ndarray, count: int) -> np.ndarray:
    """The class of each draw, 0, 1, ...: equally probable, but equal values stay together."""
    edges = np.unique(np.quantile(column, np.arange(1, count) / count))
    return np.unique(np.searchsorted(edges, column, side="left"), return_inverse=True)[1]


@lru_cache(maxsize=4096)
def _mean_away(n: int, happened: int, size: int) -> float:
    """E |share of a random class of `size` draws - share of all|, where `happened` of `n` draws have the event.

    De Moivre's mean deviation for the hypergeometric distribution: 2 m (n - happened - size + m) P(m) / n at the first m above
    the mean.
    """
    from scipy.stats import hypergeom

    first = size * happened // n + 1
    if first > min(size, happened):
        return 0.0
    return (
        2 * first * (n - happened - size + first) / n * float(hypergeom.pmf(first, n, happened, size)) / size
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
