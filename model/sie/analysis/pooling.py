"""Credences of several views in one: pooled over views, and over the mechanisms of one view, with weights that are data.

    linear       P = sum_v w_v P_v
    logarithmic  logit P = sum_v w_v logit P_v                                    (externally Bayesian; Genest & Zidek 1986)

Only credences of one event are pooled: "P(SIE)" has a different meaning in each. Over mechanisms the weighted mean is the law of
total probability for one view. `weights.toml`, beside the views, has the weights with their reasons and the mechanisms' priors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..data.priors import View
from ..data.weights import Mechanism, Weights

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["by_mechanism", "pool", "with_mechanism"]


def with_mechanism(view: View, mechanism: Mechanism) -> View:
    """The view with what the mechanism says in place of its own, where the view states the quantity at all."""
    return view.replace(**{name: entry.prior for name, entry in mechanism.entries.items() if name in view})


def by_mechanism(view: View, weights: Weights, *, events: Sequence[str], draws: int, seed: int) -> xr.Dataset:
    """Credences from a view's priors under each mechanism, and their mean under the weights.

    The same random numbers serve every mechanism.

    Parameters
    ----------
    view : View
        The view; a mechanism's priors replace its own where it states the quantity.
    weights : Weights
        From `read_weights`.
    events : sequence of str
        Names in `EVENTS`.
    draws : int
        Draws under each mechanism, a multiple of 4.
    seed : int
        From 0 to 2**63 - 1.

    Returns
    -------
    xr.Dataset
        `p` and `mcse` (mechanism, event); `weight` (mechanism), sum 1; `p_mean` and `mcse_mean` (event) by the law of total
        probability. The error of the mean is at most the weighted mean of the errors, which the mechanisms have in common.

    Raises
    ------
    DataError
        For an unknown event, a seed or a number of draws that is none.
    """
    import xarray as xr

    from ..growth.credences import credences
    from ..growth.paths import simulate
    from ..inference.prior_draws import prior

    tables = [
        credences(
            simulate(prior(with_mechanism(view, mechanism), draws=draws, seed=seed)), events=list(events)
        )
        for mechanism in weights.mechanisms.values()
    ]
    share = weights.of_mechanisms()
    p, mcse = (np.stack([table[name].values for table in tables]) for name in ("p", "mcse"))
    return xr.Dataset(
        {
            "p": (("mechanism", "event"), p),
            "mcse": (("mechanism", "event"), mcse),
            "weight": ("mechanism", share),
            "p_mean": ("event", share @ p),
            "mcse_mean": ("event", share @ mcse),
        },
        coords={"mechanism": list(weights.mechanisms), "event": list(events)},
    )


def pool(
    p: np.ndarray, mcse: np.ndarray, weights: np.ndarray, *, draws: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The `linear` and the `logarithmic` pool of credences of the same events, each with its Monte Carlo error.

    Errors are upper bounds: views that share a seed share random numbers, so that errors add as if they were the same. In the
    logarithmic pool p is (s + 1/2) / (n + 1), so that a view whose draws never show an event does not rule it out for all.

    Parameters
    ----------
    p : np.ndarray
        Credences (view, event), from 0 to 1.
    mcse : np.ndarray
        Their Monte Carlo standard errors (view, event).
    weights : np.ndarray
        (view,), at least 0, sum 1.
    draws : int
        Number n of draws behind each credence.

    Returns
    -------
    dict of str to tuple of np.ndarray
        For "linear" and "logarithmic", the pooled credence (event,) and its error (event,).

    Raises
    ------
    ValueError
        If the weights are negative or do not sum to 1.

    References
    ----------
    Genest & Zidek (1986) for the logarithmic pool, which is externally Bayesian.
    """
    if not math.isclose(float(weights.sum()), 1.0) or np.any(weights < 0):
        raise ValueError(f"weights: found {weights.tolist()}, want numbers of at least 0 that sum to 1")
    smoothed = (p * draws + 0.5) / (draws + 1)
    odds = weights @ np.log(smoothed / (1 - smoothed))
    logarithmic = 1 / (1 + np.exp(-odds))
    error = weights @ (mcse / (smoothed * (1 - smoothed)))
    return {
        "linear": (weights @ p, weights @ mcse),
        "logarithmic": (logarithmic, logarithmic * (1 - logarithmic) * error),
    }
