"""The curves of every family of priors: quantiles, probabilities and log densities, in closed form but for a mixture's quantiles.

With z a standard normal score and Phi its distribution, a family with quantile function q has x = q(Phi(z)); the upper half is computed
from Phi(-z), so that both tails keep their relative accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, plain
from ..base.stats import Z90, Z95

if TYPE_CHECKING:
    from .families import Prior

__all__ = [
    "BEND",
    "MOST_SKEW",
    "SCORE_LIMIT",
    "beta_shapes",
    "log_density",
    "log_skew",
    "masses",
    "quantile",
    "two_slopes",
]

SCORE_LIMIT = 8.0
"""Standard scores are clipped here (probability 1e-15), so that no draw leaves the finite range of its prior."""


BEND = 0.5
"""Distance from the median, in standard scores, over which the two tails of the family `quantiles` are blended."""

MOST_SKEW = 6.0
"""How many times longer one side of the family `quantiles` may be than the other, in log; at 6.7 its curve would stand still."""


def quantile(prior: Prior, score: np.ndarray | float) -> np.ndarray:
    """The value at a standard normal score, elementwise."""
    from scipy.special import betaincinv, erfinv, ndtr, ndtri

    z = np.clip(np.asarray(score, dtype=float), -SCORE_LIMIT, SCORE_LIMIT)
    n = prior.numbers
    match prior.family:
        case "fixed":
            return np.full_like(z, n[0])
        case "uniform":
            return n[0] + (n[1] - n[0]) * ndtr(z)
        case "loguniform":
            return np.exp(math.log(n[0]) + math.log(n[1] / n[0]) * ndtr(z))
        case "normal":
            return (n[0] + n[1]) / 2 + (n[1] - n[0]) / (2 * Z90) * z
        case "lognormal":
            return np.exp(math.log(n[0] * n[1]) / 2 + math.log(n[1] / n[0]) / (2 * Z90) * z)
        case "quantiles":
            middle, slope, bend = two_slopes(n)
            return np.exp(middle + slope * z + bend * (np.hypot(z, BEND) - BEND))
        case "halfnormal":
            low, high = math.sqrt(2) * erfinv(ndtr(np.minimum(z, 0))), -ndtri(ndtr(-np.maximum(z, 0)) / 2)
            return _halfnormal_scale(n[0]) * np.where(z < 0, low, high)
        case "beta":
            (a, b), low = prior.shapes, z < 0
            found = np.empty_like(z)
            found[low] = betaincinv(a, b, ndtr(z[low]))
            found[~low] = 1 - betaincinv(b, a, ndtr(-z[~low]))
            return found
        case _:
            return _inverted(prior, z)


def masses(prior: Prior, x: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a value at most x and of one above it, each to its own relative accuracy."""
    from scipy.special import betainc, betaincc, erf, erfc, ndtr

    x = np.asarray(x, dtype=float)
    n = prior.numbers
    with np.errstate(divide="ignore"):
        match prior.family:
            case "fixed":
                return (x >= n[0]).astype(float), (x < n[0]).astype(float)
            case "uniform":
                x = np.clip(x, n[0], n[1])
                return (x - n[0]) / (n[1] - n[0]), (n[1] - x) / (n[1] - n[0])
            case "loguniform":
                x = np.clip(x, n[0], n[1])
                return np.log(x / n[0]) / math.log(n[1] / n[0]), np.log(n[1] / x) / math.log(n[1] / n[0])
            case "normal":
                score = (x - (n[0] + n[1]) / 2) / ((n[1] - n[0]) / (2 * Z90))
                return ndtr(score), ndtr(-score)
            case "lognormal":
                scale = math.log(n[1] / n[0]) / (2 * Z90)
                score = (np.log(np.maximum(x, 0)) - math.log(n[0] * n[1]) / 2) / scale
                return ndtr(score), ndtr(-score)
            case "quantiles":
                score = _score_of(n, np.log(np.maximum(x, 0)))
                return ndtr(score), ndtr(-score)
            case "halfnormal":
                x = np.maximum(x, 0) / (_halfnormal_scale(n[0]) * math.sqrt(2))
                return erf(x), erfc(x)
            case "beta":
                x = np.clip(x, 0, 1)
                return betainc(*prior.shapes, x), betaincc(*prior.shapes, x)
            case _:
                of_parts = [masses(part, x) for part in prior.parts]
                return (
                    sum((w * below for w, (below, _) in zip(n, of_parts, strict=True)), np.zeros(())),
                    sum((w * above for w, (_, above) in zip(n, of_parts, strict=True)), np.zeros(())),
                )


def log_density(prior: Prior, x: np.ndarray | float) -> np.ndarray:
    """Log density at x, elementwise; -inf outside the support."""
    from scipy.special import betaln, logsumexp, xlog1py, xlogy

    x = np.asarray(x, dtype=float)
    n = prior.numbers
    with np.errstate(divide="ignore", invalid="ignore"):
        match prior.family:
            case "uniform":
                log = np.full_like(x, -math.log(n[1] - n[0]))
            case "loguniform":
                log = -np.log(x) - math.log(math.log(n[1] / n[0]))
            case "normal":
                scale = (n[1] - n[0]) / (2 * Z90)
                log = _log_phi((x - (n[0] + n[1]) / 2) / scale) - math.log(scale)
            case "lognormal":
                scale = math.log(n[1] / n[0]) / (2 * Z90)
                log = _log_phi((np.log(x) - math.log(n[0] * n[1]) / 2) / scale) - math.log(scale) - np.log(x)
            case "quantiles":
                _, slope, bend = two_slopes(n)
                score = _score_of(n, np.log(x))
                log = _log_phi(score) - np.log(slope + bend * score / np.hypot(score, BEND)) - np.log(x)
            case "halfnormal":
                scale = _halfnormal_scale(n[0])
                log = math.log(2) + _log_phi(x / scale) - math.log(scale)
            case "beta":
                a, b = prior.shapes
                log = xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b)
            case _:
                terms = [
                    math.log(w) + log_density(part, x)
                    for w, part in zip(n, prior.parts, strict=True)
                    if w > 0
                ]
                log = np.asarray(logsumexp(terms, axis=0))
    low, high = prior.support
    return np.where((x >= low) & (x <= high) & ~np.isnan(log), log, -np.inf)


def _inverted(prior: Prior, z: np.ndarray) -> np.ndarray:
    """Quantiles of a mixture, between the quantiles of its parts (Chandrupatla 1997)."""
    from scipy.optimize.elementwise import find_root
    from scipy.special import ndtr

    def excess(x, score):
        below, above = masses(prior, x)
        return np.where(score < 0, below - ndtr(score), ndtr(-score) - above)

    ends = np.stack([quantile(part, z) for _, part in prior.leaves])
    low, high = ends.min(axis=0), ends.max(axis=0)
    found = find_root(
        excess, (low, high), args=(z,), tolerances={"xatol": 0, "xrtol": 1e-15, "fatol": 0, "frtol": 0}
    )
    # At a quantile of a part, rounding may leave both ends on one side.
    nearest = np.where(np.abs(excess(low, z)) <= np.abs(excess(high, z)), low, high)
    return np.where(np.isfinite(found.x), found.x, nearest)


def _log_phi(x: np.ndarray) -> np.ndarray:
    return -0.5 * x * x - 0.5 * math.log(2 * math.pi)


def log_skew(numbers: Sequence[float]) -> float:
    """How many times longer the upper side of three quantiles is than the lower, in log."""
    low, middle, high = map(math.log, numbers)
    return (high - middle) / (middle - low)


def two_slopes(numbers: Sequence[float]) -> tuple[float, float, float]:
    """m, s and k of the family `quantiles`, whose log is a hyperbola in the score, through its 5, 50 and 95 % points.

        log x = m + s z + k (sqrt(z^2 + c^2) - c),   c = BEND

    Its tails are those of two log-normals, of standard deviations s + k and s - k.
    """
    low, middle, high = map(math.log, numbers)
    slope = (high - low) / (2 * Z90)
    return middle, slope, (high + low - 2 * middle) / (2 * (math.hypot(Z90, BEND) - BEND))


def _score_of(numbers: Sequence[float], log_x: np.ndarray) -> np.ndarray:
    """The standard score at which the hyperbola of `two_slopes` has this value."""
    middle, slope, bend = two_slopes(numbers)
    u, square = log_x - middle + bend * BEND, slope**2 - bend**2
    with np.errstate(invalid="ignore"):
        score = (slope * u - bend * np.sqrt(u**2 + BEND**2 * square)) / square
    return np.where(np.isneginf(log_x), -np.inf, score)


def _halfnormal_scale(q95: float) -> float:
    return q95 / Z95


def beta_shapes(q05: float, q95: float) -> tuple[float, float]:
    """The shape parameters (a, b) whose 5 % and 95 % quantiles are these."""
    from scipy.optimize import root
    from scipy.special import betaincinv, logit

    middle, half = (q05 + q95) / 2, (q95 - q05) / (2 * Z90)
    size = max(middle * (1 - middle) / half**2 - 1, 0.2)
    start = np.log([middle * size, (1 - middle) * size])

    def miss(log_shapes: np.ndarray) -> list[float]:
        a, b = np.exp(np.clip(log_shapes, -20, 20))
        got = np.clip(betaincinv(a, b, [0.05, 0.95]), 1e-300, 1 - 1e-16)
        return list(logit(got) - logit([q05, q95]))

    found = root(miss, start, tol=1e-12)
    if np.abs(miss(found.x)).max() > 1e-6:
        raise DataError(
            "prior beta", plain(f"q05 {q05:g} and q95 {q95:g}"), "quantiles that a beta distribution can have"
        )
    a, b = np.exp(found.x)
    return float(a), float(b)
