"""The trend behind METR's time horizons, fitted to measurements that share part of their error.

    y(t) = level + log(1 + log(g) b t) / log(g)        (level + b t where g = 1)
    theta_i ~ Normal(y(t_i), model_spread)              a model's true log2 horizon
    theta_i ~ SplitNormal(m_i + shift_i, sqrt(1 - s) (low_i, high_i))      given its measurement m_i and the sides of its interval
    shift_i = sqrt(s) ((high_i + low_i) / 2 u + (high_i - low_i) / 2 |u|)   |u| rounded at 0: sqrt(u^2 + 1) - 1

b doublings a year at t = 0, the last date; g the duration of a doubling over that of the doubling before; s the share of the
error's variance that all models have in common, u ~ Normal(0, 1) its score. theta has a closed integral; the few parameters
left are sampled by importance from a Student t around the mode.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ..base.errors import NotConverged
from ..data.families import Prior
from ..inference.reweighting import MAX_KHAT

__all__ = ["FITTED", "doublings_after", "fit_trend", "log_densities", "measured", "trend_at", "years_until"]

FITTED = ("horizon", "doublings_per_year", "doubling_ratio", "model_spread", "shared_error")
"""The parameters of the fit, besides the score u of the shared error. `horizon` is 2^level."""

PROPOSALS = 15
"""log2 of the draws from the proposal."""

PROPOSAL_DF = 5
"""Degrees of freedom of the proposal."""

LEAST_EFFECTIVE = 0.05
"""Least share of the proposal's draws that must be effective."""

STRAIGHT = 1e-9
"""A trend whose ratio of doublings is this close to 1, in logs, is straight."""

STEP = 1e-3
"""Step of the finite differences that give the curvature at the mode, in standard scores."""


def doublings_after(
    years: np.ndarray, doublings_per_year: np.ndarray, doubling_ratio: np.ndarray
) -> np.ndarray:
    """Doublings of the horizon gained after t = 0; inf from the date at which it is infinite, elementwise."""
    log_ratio = np.log(doubling_ratio)
    straight = np.abs(log_ratio) < STRAIGHT
    safe = np.where(straight, 1.0, log_ratio)
    with np.errstate(divide="ignore", invalid="ignore"):
        bent = np.log(np.maximum(1 + safe * doublings_per_year * years, 0.0)) / safe
    return np.where(straight, doublings_per_year * years, bent)


def years_until(
    doublings: np.ndarray, doublings_per_year: np.ndarray, doubling_ratio: np.ndarray
) -> np.ndarray:
    """Years after t = 0 until so many doublings are gained, elementwise; the inverse of `doublings_after`."""
    log_ratio = np.log(doubling_ratio)
    straight = np.abs(log_ratio) < STRAIGHT
    safe = np.where(straight, 1.0, log_ratio)
    return np.where(straight, doublings, np.expm1(safe * doublings) / safe) / doublings_per_year


def fit_trend(
    years: np.ndarray,
    log2_horizon: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    priors: Mapping[str, Prior],
    *,
    draws: int,
    seed: int,
) -> tuple[dict[str, np.ndarray], float]:
    """Posterior draws of `FITTED` and of `shared_score`, shape (draws,) each; and how many of them are effective.

    `low` and `high` are the error's standard deviations on either side. Raises NotConverged where the importance sampling is not to be
    believed.
    """
    free = [name for name in FITTED if priors[name].family != "fixed"]

    def parameters(scores: np.ndarray) -> dict[str, np.ndarray]:
        column = dict(zip(free, scores.T, strict=False))
        return {name: priors[name].at(column.get(name, np.zeros(len(scores)))) for name in FITTED}

    def log_posterior(scores: np.ndarray) -> np.ndarray:
        values = parameters(scores) | {"shared_score": scores[:, -1]}
        likelihood = log_densities(values, trend_at(values, years), log2_horizon, low, high).sum(axis=1)
        return likelihood - 0.5 * np.square(scores).sum(axis=1)

    scores, effective = _sample(log_posterior, len(free) + 1, draws, seed)
    return parameters(scores) | {"shared_score": scores[:, -1]}, min(effective, float(draws))


def trend_at(values: Mapping[str, np.ndarray], years: np.ndarray) -> np.ndarray:
    """log2 of the trend's horizon, (draw, time), at years after t = 0: (time,), or each draw's own (draw, time)."""
    horizon, pace, ratio = (
        values[name][:, None] for name in ("horizon", "doublings_per_year", "doubling_ratio")
    )
    return np.log2(horizon) + doublings_after(years, pace, ratio)


def log_densities(
    values: Mapping[str, np.ndarray],
    trend: np.ndarray,
    log2_horizon: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> np.ndarray:
    """log density of each measurement given each draw, (draw, measurement), the models' true horizons integrated out.

    `trend` is that of `trend_at` at the models' dates; -inf where it is infinite.
    """
    from scipy.special import log_ndtr

    reached = np.isfinite(trend)
    mean = np.where(reached, trend, 0.0)
    share, spread = values["shared_error"][:, None], values["model_spread"][:, None]
    centre = log2_horizon + _shift(values, low, high)
    terms = []
    for side, sign in ((low, -1.0), (high, 1.0)):
        own = np.sqrt(1 - share) * side
        total = np.square(own) + np.square(spread)
        reach = sign * (mean - centre) * own / (spread * np.sqrt(total))
        terms.append(
            np.log(own) - 0.5 * np.log(total) - 0.5 * np.square(mean - centre) / total + log_ndtr(reach)
        )
    norm = math.log(2) - 0.5 * math.log(2 * math.pi) - np.log(np.sqrt(1 - share) * (low + high))
    return np.where(reached, np.logaddexp(*terms) + norm, -np.inf)


def measured(
    values: Mapping[str, np.ndarray],
    trend: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """A measurement drawn for each draw, log2 (draw, measurement): the trend, a model's distance from it, and the error."""
    true = trend + values["model_spread"][:, None] * rng.standard_normal(trend.shape)
    sides = np.where(rng.random(trend.shape) < high / (low + high), high, -low)
    own = np.sqrt(1 - values["shared_error"][:, None]) * sides * np.abs(rng.standard_normal(trend.shape))
    return true - own - _shift(values, low, high)


def _shift(values: Mapping[str, np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """What the error that all models share adds to each measurement's centre, (draw, measurement)."""
    share, score = values["shared_error"][:, None], values["shared_score"][:, None]
    return np.sqrt(share) * (
        (high + low) / 2 * score + (high - low) / 2 * (np.sqrt(np.square(score) + 1) - 1)
    )


def _sample(log_density, size: int, draws: int, seed: int) -> tuple[np.ndarray, float]:
    """Draws (draws, size) from an unnormalised log density of standard scores, and the effective size behind them.

    Importance sampling, then resampling.
    """
    import arviz_stats  # noqa: F401  registers the accessor
    import xarray as xr
    from scipy.optimize import minimize
    from scipy.stats import multivariate_t

    steps = np.eye(size) * STEP

    def falls(point: np.ndarray) -> tuple[float, np.ndarray]:
        values = log_density(np.concatenate([[point], point + steps, point - steps]))
        return -values[0], (values[1 + size :] - values[1 : 1 + size]) / (2 * STEP)

    mode = minimize(falls, np.full(size, 0.1), jac=True, method="BFGS").x
    corners = np.array(
        [[mode + i + j, mode + i - j, mode - i + j, mode - i - j] for i in steps for j in steps]
    )
    values = log_density(corners.reshape(-1, size)).reshape(size, size, 4)
    curvature = -(values @ [1.0, -1.0, -1.0, 1.0]) / (4 * STEP**2)
    # No direction is wider than the prior, whose curvature in standard scores is 1.
    eigenvalues, axes = np.linalg.eigh((curvature + curvature.T) / 2)
    scale = (axes / np.maximum(eigenvalues, 1.0)) @ axes.T
    proposal = multivariate_t(mode, scale, df=PROPOSAL_DF)  # pyright: ignore[reportArgumentType]
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, size])))
    proposed = proposal.rvs(size=2**PROPOSALS, random_state=rng)
    log_ratio = log_density(proposed) - proposal.logpdf(proposed)
    log_weights, khat = xr.DataArray(-log_ratio[None, :], dims=("chain", "draw")).azstats.psislw(
        dim=["chain", "draw"]
    )
    weights = np.exp(log_weights.values.ravel())
    weights /= weights.sum()
    effective = 1 / np.square(weights).sum()
    if not float(khat) <= MAX_KHAT or effective < LEAST_EFFECTIVE * len(weights):
        raise NotConverged(
            f"time horizons: found k-hat {float(khat):.2f} and {effective / len(weights):.0%} effective draws,"
            f" want at most {MAX_KHAT} and at least {LEAST_EFFECTIVE:.0%}"
        )
    places = (np.arange(draws) + rng.random()) / draws
    chosen = np.searchsorted(np.cumsum(weights), places)
    return proposed[rng.permutation(np.minimum(chosen, len(weights) - 1))], effective
