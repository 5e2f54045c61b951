"""What is read off a computed path: when a level is reached, the level by a time, the shortest time for a gain.

Between two nodes the log pace is a line and the cell's time is shared out accordingly; beyond the last node without a ceiling the
pace is exponential. It knows nodes and no growth law.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .cells import years_towards_ceiling
from .elementary import exp2
from .growth import LN2
from .path import BEYOND

__all__ = ["level_at", "shortest_window", "time_at"]

_STEEP = 40.0
"""Nats that the pace may change over a cell for its time to be shared out within it; beyond, time is counted from its start."""

_FLAT = 1e-4
"""Nats below which the pace of a cell counts as constant, to second order."""


@njit(cache=True, error_model="numpy")
def time_at(x, years, log2_pace, reach, tail, left):
    """Years until a path is at x doublings; inf where it never is."""
    cells = len(years) - 1
    width = reach / cells
    if x > reach * (1.0 + 1e-12):
        return math.inf if left < math.inf else years[cells] + _tail_years(x - reach, log2_pace[cells], tail)
    j = min(int(x / width), cells - 1)
    part = min(1.0, max(0.0, x / width - j))
    if part <= 0.0:
        return years[j]
    if part >= 1.0:
        return years[j + 1]
    span = years[j + 1] - years[j]
    if math.isinf(log2_pace[j + 1]):
        slope, power = _end_shape(span, width, log2_pace[j - 1], log2_pace[j])
        return years[j] + years_towards_ceiling(width, part, log2_pace[j], slope, power)
    rise = log2_pace[j + 1] - log2_pace[j]
    s = rise * LN2
    if abs(s) < _FLAT:
        share = part * (1.0 + 0.5 * s * (1.0 - part) * (1.0 + s * (1.0 - 2.0 * part) / 6.0))
    elif abs(s) < _STEEP:
        share = (1.0 - exp2(-rise * part)) / (1.0 - exp2(-rise))
    if span < math.inf and abs(s) < _STEEP:
        return years[j] + span * share
    return min(years[j + 1], years[j] + width * math.exp(-log2_pace[j] * LN2) * -math.expm1(-s * part) / s)


@njit(cache=True, error_model="numpy")
def _tail_years(gain, log2_pace, tail):
    """Years for a gain beyond the last node, where log2 of the pace rises by `tail` a doubling."""
    s = tail * gain * LN2
    step = gain * math.exp(-log2_pace * LN2)
    if abs(s) < 1e-9:
        return step
    return step * -math.expm1(-s) / s if s > -700.0 else math.inf


@njit(cache=True, error_model="numpy")
def _end_shape(span, width, before, low):
    """(slope, power) of the last cell: the power from its finite time or, where it has none, from the fall of the cell before."""
    power = 1.0 - width * math.exp(-low * LN2) / span if 0.0 < span < math.inf else max(1.0, before - low)
    return -power / (LN2 * width), power


@njit(cache=True, error_model="numpy")
def level_at(t, years, log2_pace, reach, tail, left):
    """Doublings gained by t; the inverse of `time_at`."""
    cells = len(years) - 1
    width = reach / cells
    if t >= years[cells]:
        if left < math.inf:
            return left
        grown = (t - years[cells]) * math.exp(log2_pace[cells] * LN2)
        if abs(tail) < 1e-9:
            return reach + grown
        inner = 1.0 - grown * tail * LN2
        return reach - math.log(inner) / (tail * LN2) if inner > 0.0 else math.inf
    j = min(np.searchsorted(years, t, side="right") - 1, cells - 1)
    low, high, span = log2_pace[j], log2_pace[j + 1], years[j + 1] - years[j]
    if math.isinf(high):
        slope, power = _end_shape(span, width, log2_pace[j - 1], low)
        least, most = 0.0, 1.0
        for _ in range(50):
            middle = 0.5 * (least + most)
            if years[j] + years_towards_ceiling(width, middle, low, slope, power) > t:
                most = middle
            else:
                least = middle
        return (j + least) * width
    s = (high - low) * LN2
    if span < math.inf and abs(s) < _STEEP:
        part = (t - years[j]) / span
        grown = -part * math.expm1(-s)
    else:
        part = (t - years[j]) * math.exp(low * LN2) / width
        grown = part * s
    if abs(s) >= 1e-6:
        part = -math.log1p(-grown) / s if grown < 1.0 else 1.0
    return (j + min(1.0, part)) * width


@njit(cache=True, error_model="numpy")
def _pace_near(at, log2_pace, tail, width):
    """log2 of the pace `at` so many cells from ASARA, linear between nodes."""
    cells = len(log2_pace) - 1
    if at >= cells:
        return log2_pace[cells] + (tail * (at - cells) * width if at > cells else 0.0)
    j = int(at)
    part = at - j
    return log2_pace[j] if part <= 0.0 else log2_pace[j] + part * (log2_pace[j + 1] - log2_pace[j])


@njit(cache=True, error_model="numpy")
def _window(x, gain, years, log2_pace, reach, tail, left):
    first = time_at(x, years, log2_pace, reach, tail, left)
    if first == math.inf:
        return math.inf
    return max(0.0, time_at(x + gain, years, log2_pace, reach, tail, left) - first)


@njit(cache=True, error_model="numpy")
def shortest_window(gain, years, log2_pace, reach, tail, left, single_peak):
    """Least time of any window of `gain` doublings. A window's time is least where the pace at its ends is equal, the pace
    rising into it, or where the path starts or ends; with a single peak there is one such place, found by bisection."""
    cells = len(years) - 1
    if gain > left:
        return math.inf
    if left == math.inf and (tail > 0.0 or log2_pace[cells] > BEYOND):
        return 0.0
    width = reach / cells
    top = (left - gain if left < math.inf else reach) / width
    whole = min(int(top), cells)
    ahead = gain / width
    best = time_at(gain, years, log2_pace, reach, tail, left)
    first, last = 0, whole
    before = _pace_near(ahead, log2_pace, tail, width) - log2_pace[0]
    if single_peak:
        if not before > 0.0:
            return best
        while last - first > 1:
            middle = (first + last) // 2
            if _pace_near(middle + ahead, log2_pace, tail, width) > log2_pace[middle]:
                first = middle
            else:
                last = middle
        before = _pace_near(first + ahead, log2_pace, tail, width) - log2_pace[first]
    best = min(best, _window(top * width, gain, years, log2_pace, reach, tail, left))
    for j in range(first + 1, last + 2):
        at = min(float(j), top)
        after = _pace_near(at + ahead, log2_pace, tail, width) - _pace_near(at, log2_pace, tail, width)
        if before > 0.0 and not after > 0.0:
            step = at - (j - 1)
            x = (j - 1 + (step * before / (before - after) if after > -math.inf else 0.0)) * width
            best = min(best, _window(x, gain, years, log2_pace, reach, tail, left))
            if not after > -math.inf:
                x = min(top * width, x + 0.5 * step * width)
                best = min(best, _window(x, gain, years, log2_pace, reach, tail, left))
        before = after
        if at >= top:
            break
    return best
