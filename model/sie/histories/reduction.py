"""Posterior draws of a history reduced to a likelihood over (log r, log lambda): a polynomial with straight falling tails.

log L(log r, log lambda) = log posterior density - log prior density + constant
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Draws", "reduce_draws"]

DEGREES = (2, 3, 4, 5, 6, 7)
"""Degrees of the polynomial that a log likelihood may have where there are draws; Schwarz's criterion chooses."""

KNOWN = 20.0
"""Draws that a column of the grid must have by the fit; others continue the last that has, at the same fall per column."""

BEYOND = 2.0
"""Draws that a column of the grid must have, by the fit, beyond a point for the polynomial to be believed there; from where
there are fewer, tails are straight."""

LEAST_TAIL_SLOPE = 1.0
"""Least fall of the log likelihood per unit of log r in a straight tail, so that every tail decays."""

RIDGE = 1e-6
"""Keeps the Newton steps of a polynomial's fit solvable; relative to the curvature."""

NEWTON_STEPS, SMALL_GAIN = 200, 1e-6
"""Newton's steps end at this many, or where the log likelihood gains less."""


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Posterior draws of a history under log lambda uniform on a range, and their effective number."""

    log_r: np.ndarray
    log_lambda: np.ndarray
    log_lambda_range: tuple[float, float]
    effective: float


def reduce_draws(windows: Sequence[Draws], log_prior: xr.DataArray) -> xr.DataArray:
    """The log likelihood on the grid of `log_prior`, from posterior draws under that known prior in one or more windows.

    Lindsey's method (Efron & Tibshirani 1996): counts of draws in the grid's cells are Poisson with log mean
    log prior + polynomial(log r, log lambda), and the polynomial is the log likelihood; windows of log lambda that overlap
    share it, so that lambdas which the data make improbable have their draws too. Schwarz's criterion, from effective
    numbers of draws, sets the degree. Where there are too few draws to believe the polynomial, tails in log r go on in a straight
    line that falls.
    """
    x, y = log_prior.log_r.values, log_prior.log_lambda.values
    drawn, inside = [], []
    for window in windows:
        counts = np.histogram2d(
            np.ravel(window.log_r), np.ravel(window.log_lambda), bins=[_edges(x), _edges(y)]
        )[0]
        drawn.append(counts.ravel() * window.effective / np.size(window.log_r))
        within = (y >= window.log_lambda_range[0]) & (y <= window.log_lambda_range[1])
        inside.append(np.tile(within, len(x)))
    pooled = np.concatenate([np.ravel(window.log_r) for window in windows])
    u = (x - pooled.mean()) / pooled.std()
    v = (y - y.mean()) / (y[-1] - y.mean())
    counts, inside = np.array(drawn), np.array(inside)
    fits = [_fit(counts, inside, log_prior.values, _polynomials(u, v, degree)) for degree in DEGREES]
    value, fitted, _ = min(fits, key=lambda fit: fit[2])
    return log_prior.copy(data=_straighten(x, value, fitted))


def _polynomials(u: np.ndarray, v: np.ndarray, degree: int) -> np.ndarray:
    """Hermite in log r times Legendre in log lambda up to a total degree, (log_r, log_lambda, term), without the constant."""
    from numpy.polynomial import hermite_e, legendre

    h, p = hermite_e.hermevander(u, degree), legendre.legvander(v, degree)
    terms = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i) if i + j]
    return np.stack([np.outer(h[:, i], p[:, j]) / np.sqrt(1.0 + i) for i, j in terms], axis=-1)


def _fit(
    counts: np.ndarray, inside: np.ndarray, log_prior: np.ndarray, basis: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """(log likelihood, expected counts, Schwarz's criterion) of the maximum-likelihood polynomial, by damped Newton steps.

    `counts` and `inside` have dims (window, cell).
    """
    flat = basis.reshape(-1, basis.shape[-1])
    total = counts.sum(axis=1, keepdims=True)
    weights, step, objective = np.zeros(flat.shape[1]), np.zeros(flat.shape[1]), -np.inf
    for _ in range(NEWTON_STEPS):
        trial = weights + step
        score = flat @ trial
        log_mean = np.where(inside, log_prior.ravel() + score, -np.inf)
        peak = log_mean.max(axis=1, keepdims=True)
        mass = np.exp(log_mean - peak)
        norm = mass.sum(axis=1, keepdims=True)
        value = float((counts @ score).sum() - (total * (peak + np.log(norm))).sum())
        if not value >= objective:  # also where a step overflows
            step /= 2
            continue
        gained, objective, weights = value - objective, value, trial
        mean = total * mass / norm
        if gained < SMALL_GAIN:
            break
        curvature = (flat * mean.sum(axis=0)[:, None]).T @ flat
        centre = mean @ flat
        curvature -= (centre / total).T @ centre
        curvature[np.diag_indices_from(curvature)] *= 1 + RIDGE
        step = np.linalg.solve(curvature, flat.T @ (counts - mean).sum(axis=0))
    bic = flat.shape[1] * np.log(counts.sum()) - 2 * objective
    return (flat @ weights).reshape(log_prior.shape), mean.sum(axis=0).reshape(log_prior.shape), bic


def _straighten(x: np.ndarray, value: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Each column of a log likelihood, with straight falling tails where the fit has too few draws; 0 at the largest.

    Each side has one slope, the median over the columns: slopes that differed from lambda to lambda would leave a tail between two of
    them that hardly falls.
    """
    out, step = value.copy(), x[1] - x[0]
    known = np.flatnonzero(fitted.sum(axis=0) >= KNOWN)
    first, last = {}, {}
    for j in known:
        enough = min(BEYOND, fitted[:, j].sum() / 4)
        first[j] = int(np.searchsorted(np.cumsum(fitted[:, j]), enough))
        last[j] = len(x) - 1 - int(np.searchsorted(np.cumsum(fitted[::-1, j]), enough))
    rising = [(value[i + 1, j] - value[i, j]) / step for j, i in first.items() if i > 0]
    falling = [(value[i, j] - value[i - 1, j]) / step for j, i in last.items() if i < len(x) - 1]
    up = max(float(np.median(rising or [0.0])), LEAST_TAIL_SLOPE)
    down = min(float(np.median(falling or [0.0])), -LEAST_TAIL_SLOPE)
    for j in known:
        i, k = first[j], last[j]
        out[:i, j] = value[i, j] + up * (x[:i] - x[i])
        out[k + 1 :, j] = value[k, j] + down * (x[k + 1 :] - x[k])
    for j in known:
        top = out[:, j].argmax()
        out[top:, j] = np.minimum.accumulate(out[top:, j])
        out[: top + 1, j] = np.minimum.accumulate(out[top::-1, j])[::-1]
    level = out.max(axis=0)
    for j in range(known[-1] + 1, out.shape[1]):
        out[:, j] = out[:, j - 1] + min(level[known[-1]] - level[known[-2]], 0.0)
    for j in range(known[0] - 1, -1, -1):
        out[:, j] = out[:, j + 1] + min(level[known[0]] - level[known[1]], 0.0)
    return out - out.max()


def _edges(grid: np.ndarray) -> np.ndarray:
    half = (grid[1] - grid[0]) / 2
    return np.concatenate([grid - half, [grid[-1] + half]])
