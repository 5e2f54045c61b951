"""Credences of several views in one: pooled over views, and over the mechanisms of one view, with weights that are data.

    linear       P = sum_v w_v P_v
    logarithmic  logit P = sum_v w_v logit(f + (1 - 2 f) P_v)                     (externally Bayesian at f = 0; Genest & Zidek 1986)

The floor f is the probability of an event, and of its opposite, that the logarithmic pool leaves in every view. At f = 0 a view that
gives an event 0 has a veto: the pool is 0 whatever the others say. And a probability estimated as 0 of n draws has no log odds; put at
about 1/n, the pool would depend on n.

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

__all__ = ["OTHER_FLOORS", "by_mechanism", "pool", "with_mechanism"]

OTHER_FLOORS = (0.001, 0.05)
"""Floors at which the logarithmic pool is given beside its own: nothing fixes a floor to better than this."""


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
    p: np.ndarray, mcse: np.ndarray, weights: np.ndarray, *, floor: float
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The `linear` and the `logarithmic` pool of credences of the same events, each with its Monte Carlo error.

    Errors are upper bounds: views that share a seed share random numbers, so that errors add as if they were the same.

    Parameters
    ----------
    p : np.ndarray
        Credences (view, event), from 0 to 1.
    mcse : np.ndarray
        Their Monte Carlo standard errors (view, event).
    weights : np.ndarray
        (view,), at least 0, sum 1.
    floor : float
        Probability f of an event and of its opposite that the logarithmic pool leaves in every view, from 0 to below 1/2. At 0 a view
        with a weight has a veto where it gives an event 0, and settles it where it gives it 1: the pool is 0 or 1, NaN with both.

    Returns
    -------
    dict of str to tuple of np.ndarray
        For "linear" and "logarithmic", the pooled credence (event,) and its error (event,).

    Raises
    ------
    ValueError
        If the weights are negative or do not sum to 1, or the floor is out of range.

    References
    ----------
    Genest & Zidek (1986) for the logarithmic pool, which is externally Bayesian.
    """
    if not math.isclose(float(weights.sum()), 1.0) or np.any(weights < 0):
        raise ValueError(f"weights: found {weights.tolist()}, want numbers of at least 0 that sum to 1")
    if not 0 <= 2 * floor < 1:
        raise ValueError(f"floor: found {floor}, want a number from 0 to below 1/2")
    voting = weights > 0
    shares = weights[voting]
    left = floor + (1 - 2 * floor) * p[voting]
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithmic = 1 / (1 + np.exp(-(shares @ np.log(left / (1 - left)))))
        errors = shares @ ((1 - 2 * floor) * mcse[voting] / (left * (1 - left)))
        settled = (logarithmic == 0) | (logarithmic == 1)
        error = np.where(settled, 0.0, logarithmic * (1 - logarithmic) * errors)
    return {"linear": (weights @ p, weights @ mcse), "logarithmic": (logarithmic, error)}
