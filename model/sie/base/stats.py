"""Quantiles used to report results; R-hat and effective sample sizes of many parameters at once (Vehtari et al. 2021).

    rank-normalised split R-hat: the larger of the draws' and of their distances from the median
    bulk ESS of the rank-normalised draws; tail ESS: the smaller of the indicators of the 5 and the 95 % quantile

The same digits as ArviZ, which computes them one parameter at a time: a refit in a fraction of a second cannot wait for
hundreds of calls.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

__all__ = ["ENDS", "INTERVAL", "QUANTILES", "Z90", "Z95", "quantile_errors", "worst"]

Z90, Z95 = 1.6448536269514722, 1.959963984540054
"""Standard deviations on each side of the middle 90 % and 95 % of a normal distribution."""

INTERVAL, QUANTILES = (0.05, 0.5, 0.95), (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles of everything uncertain that is reported, in short and in full."""

ENDS = (0.05, 0.95)
"""Ends of the reported 90 % interval, and the quantiles of the tail ESS."""

BLOCK = 12
"""Parameters that a thread takes at a time."""

BLOM = 3 / 8
"""Offset of a rank before its normal score (Blom 1958)."""

ONE_ERROR = 0.8413447460685429
"""Probability that a normal number is below its mean and one standard deviation."""


def quantile_errors(values: np.ndarray, levels: Sequence[float], sizes: np.ndarray | float) -> np.ndarray:
    """Monte Carlo standard error of the quantiles of draws at some levels, `sizes` being the effective size at each.

    Half the width of the interval of order statistics that holds the quantile with one error on either side (Vehtari et al. 2021). Draws may be
    inf: the error is inf where the interval reaches them, 0 where it has nothing else.
    """
    from scipy.special import betaincinv

    level = np.array(levels)
    ends = (
        betaincinv(sizes * level + 1, sizes * (1 - level) + 1, side) for side in (1 - ONE_ERROR, ONE_ERROR)
    )
    low, high = (np.quantile(values, end, method="inverted_cdf") for end in ends)
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(low), 0.0, (high - low) / 2)


def worst(draws: np.ndarray) -> tuple[float, float]:
    """The largest R-hat and the least bulk or tail ESS over parameters that vary; draws (parameter, chain, draw).

    (NaN, NaN) where none varies or a draw is not finite.
    """
    if not np.isfinite(draws).all():
        return math.nan, math.nan
    draws = draws[np.ptp(draws, axis=(1, 2)) > 0]
    if not len(draws):
        return math.nan, math.nan
    blocks = [draws[first : first + BLOCK] for first in range(0, len(draws), BLOCK)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(_worst, blocks))
    return max(rhat for rhat, _ in found), min(ess for _, ess in found)


def _worst(draws: np.ndarray) -> tuple[float, float]:
    split = _split(draws)
    scores = _normal_scores(split)
    folded = _normal_scores(np.abs(split - np.median(split, axis=(1, 2), keepdims=True)))
    rhat = max(_rhat(scores).max(), _rhat(folded).max())
    quantiles = np.quantile(draws, ENDS, axis=(1, 2))
    tails = [_split((draws <= quantile[:, None, None]).astype(float)) for quantile in quantiles]
    return float(rhat), min(float(_ess(values).min()) for values in (scores, *tails))


def _split(draws: np.ndarray) -> np.ndarray:
    """Halves of chains as chains of their own; the last draw of an odd number is left out."""
    half = draws.shape[2] // 2
    return np.concatenate([draws[:, :, :half], draws[:, :, -half:]], axis=1)


def _normal_scores(values: np.ndarray) -> np.ndarray:
    """The normal score of each value's rank among those of its parameter; equal values share their mean rank."""
    flat = values.reshape(len(values), -1)
    size = flat.shape[1]
    order = np.argsort(flat, axis=1)
    ordered = np.take_along_axis(flat, order, axis=1)
    twice = np.broadcast_to(np.arange(0, 2 * size, 2), flat.shape)
    differs = ordered[:, 1:] != ordered[:, :-1]
    tied = np.flatnonzero(~differs.all(axis=1))
    if tied.size:
        twice = twice.copy()
        edge = np.ones((tied.size, 1), dtype=bool)
        starts = np.concatenate([edge, differs[tied]], axis=1)
        ends = np.concatenate([differs[tied], edge], axis=1)
        at = np.arange(size)
        first = np.maximum.accumulate(np.where(starts, at, 0), axis=1)
        last = np.minimum.accumulate(np.where(ends, at, size)[:, ::-1], axis=1)[:, ::-1]
        twice[tied] = first + last
    scores = np.empty_like(flat)
    np.put_along_axis(scores, order, _scores(size)[twice], axis=1)
    return scores.reshape(values.shape)


@functools.lru_cache(maxsize=8)
def _scores(size: int) -> np.ndarray:
    """Normal scores of the ranks 1, 3/2, 2, ... size."""
    from scipy.special import ndtri

    ranks = 1 + np.arange(2 * size - 1) / 2
    return ndtri((ranks - BLOM) / (size - 2 * BLOM + 1))


def _rhat(values: np.ndarray) -> np.ndarray:
    """R-hat of each parameter, (parameter,)."""
    draws = values.shape[2]
    between = draws * values.mean(axis=2).var(axis=1, ddof=1)
    within = values.var(axis=2, ddof=1).mean(axis=1)
    return np.sqrt((between / within + draws - 1) / draws)


def _ess(values: np.ndarray) -> np.ndarray:
    """Effective sample size of each parameter's mean by Geyer's initial monotone sequence, (parameter,)."""
    from scipy.fft import irfft, next_fast_len, rfft

    chains, draws = values.shape[1:]
    size = next_fast_len(2 * draws, real=True)
    spectrum = np.abs(np.asarray(rfft(values - values.mean(axis=2, keepdims=True), n=size, axis=2))) ** 2
    covariance = np.asarray(irfft(spectrum.mean(axis=1), n=size, axis=1))[:, :draws] / draws
    mean_variance = covariance[:, 0] * draws / (draws - 1)
    variance = covariance[:, 0] + values.mean(axis=2).var(axis=1, ddof=1)
    rho = 1 - (mean_variance[:, None] - covariance) / variance[:, None]
    rho[:, 0] = 1
    total = chains * draws
    return np.array([total / max(_correlation_time(row), 1 / math.log10(total)) for row in rho])


def _correlation_time(rho: np.ndarray) -> float:
    """The integrated autocorrelation time from autocorrelations by lag."""
    pairs = rho[: 2 * (len(rho) // 2)].reshape(-1, 2).sum(axis=1)
    last = (len(rho) - 3) // 2
    negative = np.flatnonzero(pairs[: last + 1] <= 0)
    end = max(int(negative[0]) if len(negative) else last, 1)
    return float(-1 + 2 * np.minimum.accumulate(pairs[:end]).sum() + max(rho[2 * end], 0.0))
