"""Credences of several views in one, with weights that are data.

    linear       P = sum_v w_v P_v
    logarithmic  logit P = sum_v w_v logit(f + (1 - 2 f) P_v)                     (externally Bayesian at f = 0; Genest & Zidek 1986)

The floor f is the probability of an event, and of its opposite, that the logarithmic pool leaves in every view. At f = 0 a view that
gives an event 0 has a veto: the pool is 0 whatever the others say. And a probability estimated as 0 of n draws has no log odds; put at
about 1/n, the pool would depend on n.

Only credences of one event are pooled: "P(SIE)" has a different meaning in each. `weights.toml`, beside the views, has the weights with
their reasons.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["OTHER_FLOORS", "pool"]

OTHER_FLOORS = (0.001, 0.05)
"""Floors at which the logarithmic pool is given beside its own: nothing fixes a floor to better than this."""


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
