"""The growth law after ASARA, as the slope of the log pace over software gained.

    d log2 v / dx = k(x) = lambda e(x) - beta(x)

x is doublings of software since ASARA in units of parallel labour, v doublings a year. With labour's share 1 the input
grows one for one with software, e = 1, so lambda is p (`parallel`). Returns fall towards the ceiling H doublings away:

    beta(x) = beta_now / (1 - (G + x) / (G + H)),    beta(0) = p / r

Pure functions on floats, compiled by numba where they are called; they know nothing of draws, time or events.
"""

from __future__ import annotations

import math

from numba import njit

__all__ = ["log2_pace_gain", "pace_slope", "returns_at"]


@njit(cache=True)
def pace_slope(x: float, r: float, parallel: float, left: float) -> float:
    """k(x): doublings of the pace per doubling of software, x doublings after ASARA and `left` doublings below the ceiling.

    With G gained before and returns falling linearly, beta(x) = beta(0) / (1 - x / H) whatever G is. -inf at the ceiling.
    """
    if x >= left:
        return -math.inf
    return parallel - parallel / r / (1.0 - x / left)


@njit(cache=True)
def log2_pace_gain(x: float, r: float, parallel: float, left: float) -> float:
    """log2 of the pace at x over the pace at ASARA: the integral of `pace_slope` from 0 to x. -inf at the ceiling."""
    if x >= left:
        return -math.inf
    return parallel * x + parallel / r * left * math.log1p(-x / left)


@njit(cache=True)
def returns_at(x: float, r: float, left: float) -> float:
    """r at x: it falls by the same amount with every doubling and is 0 at the ceiling (Davidson 2025)."""
    return r * max(0.0, 1.0 - x / left)
