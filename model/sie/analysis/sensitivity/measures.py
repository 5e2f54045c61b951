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

from ...base.stats import Z95
from ...data.priors import View
from ...data.quantities import ADJUSTMENTS

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "classes",
    "effective_sample_size",
    "events_of",
    "independent_inputs",
    "movement",
    "tornado",
    "variance_shares",
    "varying_inputs",
]

WINDOW = 0.1
"""Share of the draws in the lowest and in the highest window, whose medians are the 5 and the 95 % quantile."""

CLASSES = 20
"""Classes of equal probability into which an input is known, for the expected movement."""


def varying_inputs(draws: xr.Dataset, view: View) -> dict[str, np.ndarray]:
    """The quantities that move a view's answers, by name, over draws: all it states that vary, and `r_target`.

    `r_target` is r of language models, through which alone r_typical and spread act.
    """
    names = [*(["r_target"] if "r_target" in draws else []), *view.entries]
    columns = {name: draws[name].values.ravel() for name in names}
    return {name: column for name, column in columns.items() if np.ptp(column) > 0}


def independent_inputs(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inputs without r_typical and spread where r_target is among them: they act through it alone."""
    hidden = ("r_typical", "spread") if "r_target" in inputs else ()
    return {name: column for name, column in inputs.items() if name not in hidden}


def effective_sample_size(credences: xr.Dataset) -> np.ndarray:
    """The effective sample size of each event's indicator, (event,), from a table of `credences`."""
    n = credences.attrs["draws"]
    smoothed = (credences.p.values * n + 0.5) / (n + 1)
    return smoothed * (1 - smoothed) / credences.mcse.values**2


def events_of(indicators: xr.DataArray | np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Indicators as a plain array (event, draw), and the coordinates of their events, if they have names."""
    if isinstance(indicators, np.ndarray):
        return indicators, {}
    coords = {"event": indicators["event"].values} if "event" in indicators.coords else {}
    values = indicators.transpose("event", ...).values
    return values.reshape(len(values), -1), coords


def variance_shares(draws: xr.Dataset, *, effective: float | None = None) -> xr.Dataset:
    """Shares of the variance of log r at ASARA by term of the chain, dims (term,); exact for these draws, sum 1.

    A term that moves against the others has a negative share. A view that states r at ASARA has the one term `r_asara`; terms that
    do not vary have share 0.

    Parameters
    ----------
    draws : xr.Dataset
        Draws of `prior` or a group of `fit`, dims (chain, draw).
    effective : float, optional
        Effective sample size, for `se` (default: the number of draws).

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


def tornado(
    inputs: Mapping[str, np.ndarray], indicators: xr.DataArray | np.ndarray, *, effective: np.ndarray
) -> xr.Dataset:
    """P(event) given an input near its 5 % and near its 95 % quantile: in the lowest and the highest tenth of the draws.

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
        `p` and its `mcse` (event, input, end); the `value` of the quantile (input, end), in the input's unit. Ends are "low" and
        "high". The coordinate `credence` (event) is P(event) over all draws.
    """
    import xarray as xr

    indicators, events = events_of(indicators)
    shape = (len(indicators), len(inputs), 2)
    p, mcse, value = np.empty(shape), np.empty(shape), np.empty(shape[1:])
    efficiency = np.asarray(effective) / indicators.shape[1]
    for i, column in enumerate(inputs.values()):
        low, high, *value[i] = np.quantile(column, [WINDOW, 1 - WINDOW, WINDOW / 2, 1 - WINDOW / 2])
        for end, inside in enumerate((column <= low, column >= high)):
            counts, size = indicators[:, inside].sum(axis=1), int(inside.sum())
            smoothed = (counts + 0.5) / (size + 1)
            p[:, i, end] = counts / size
            mcse[:, i, end] = np.sqrt(smoothed * (1 - smoothed) / (size * efficiency))
    return xr.Dataset(
        {
            "p": (("event", "input", "end"), p),
            "mcse": (("event", "input", "end"), mcse),
            "value": (("input", "end"), value),
        },
        coords={
            **events,
            "input": list(inputs),
            "end": ["low", "high"],
            "credence": ("event", indicators.mean(axis=1)),
        },
    )


def movement(
    inputs: Mapping[str, np.ndarray], indicators: xr.DataArray | np.ndarray, *, effective: np.ndarray
) -> xr.Dataset:
    """How far each credence would move on average if one input were known to a twentieth of its probability.

    Mean absolute movement less what it would be if the input's values were shuffled among the draws (exact: the hypergeometric
    mean, no random numbers). The interval of an input that does not matter covers 0.

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
        Dims (event, input), in probability: `moved`, its 95 % interval `lower` to `upper`, and the `null` taken off.
    """
    import xarray as xr

    indicators, events = events_of(indicators)
    n = indicators.shape[1]
    p = indicators.mean(axis=1)
    shape = (len(indicators), len(inputs))
    moved, null, se = np.empty(shape), np.empty(shape), np.empty(shape)
    widen = np.sqrt(np.maximum(n / np.asarray(effective), 1))
    for i, column in enumerate(inputs.values()):
        class_idx = classes(column, CLASSES)
        size = np.bincount(class_idx)
        for e, indicator in enumerate(indicators):
            counts = np.bincount(class_idx, weights=indicator, minlength=len(size))
            away = counts / size - p[e]
            moved[e, i] = size @ np.abs(away) / n
            null[e, i] = widen[e] * sum(
                size_k / n * _mean_away(n, int(indicator.sum()), int(size_k)) for size_k in size
            )
            influence = np.sign(away)[class_idx] * (indicator - p[e])
            se[e, i] = influence.std() / math.sqrt(n) * widen[e]
    moved = moved - null
    return xr.Dataset(
        {
            "moved": (("event", "input"), moved),
            "lower": (("event", "input"), moved - Z95 * se),
            "upper": (("event", "input"), moved + Z95 * se),
            "null": (("event", "input"), null),
        },
        coords={**events, "input": list(inputs)},
    )


def classes(column: np.ndarray, count: int) -> np.ndarray:
    """The class of each draw, 0, 1, ...: equally probable, but equal values stay together."""
    edges = np.unique(np.quantile(column, np.arange(1, count) / count))
    return np.unique(np.searchsorted(edges, column, side="left"), return_inverse=True)[1]


@lru_cache(maxsize=4096)
def _mean_away(n: int, count: int, size: int) -> float:
    """E |share of a random class of `size` draws - share of all|, where `count` of `n` draws have the event.

    De Moivre's mean deviation for the hypergeometric distribution: 2 m (n - count - size + m) P(m) / n at the first m above
    the mean.
    """
    from scipy.stats import hypergeom

    first = size * count // n + 1
    if first > min(size, count):
        return 0.0
    return 2 * first * (n - count - size + first) / n * float(hypergeom.pmf(first, n, count, size)) / size
