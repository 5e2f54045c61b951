"""What is read off a computed path: when a level is reached, the level by a time, the shortest time for a gain.

Between two nodes the log pace is a line and the cell's time is shared out accordingly; beyond the last node without a ceiling the
pace is exponential.
"""

from __future__ import annotations

import math

import numpy as np

from ...base.kernels import kernel
from ..law import LN2
from .cells import STEEP, end_shape, time_in_cell, years_towards_ceiling
from .path import BEYOND

__all__ = ["level_at", "node_level", "pace_near", "place", "shortest_window", "time_at"]


@kernel
def node_level(j, reach, stretch, cells):
    """Doublings at node j (any fraction): even up to the reach, or ever wider apart where the grid is stretched."""
    if stretch == 0.0:
        return j * (reach / cells)
    return reach * math.expm1(stretch * j / cells) / math.expm1(stretch)


@kernel
def place(x, reach, stretch, cells):
    """The inverse of `node_level`."""
    if stretch == 0.0:
        return x / (reach / cells)
    return math.log1p(x / reach * math.expm1(stretch)) / stretch * cells


@kernel
def time_at(x, years, log2_pace, reach, stretch, tail, left):
    """Years until a path is at x doublings, x being at least 0; inf where it never is."""
    cells = len(years) - 1
    if x > reach * (1.0 + 1e-12):
        return math.inf if left < math.inf else years[cells] + _tail_years(x - reach, log2_pace[cells], tail)
    j = max(0, min(int(place(x, reach, stretch, cells)), cells - 1))
    begin = node_level(j, reach, stretch, cells)
    width = node_level(j + 1, reach, stretch, cells) - begin
    part = min(1.0, max(0.0, (x - begin) / width))
    if part <= 0.0:
        return years[j]
    if part >= 1.0:
        return years[j + 1]
    span = years[j + 1] - years[j]
    if math.isinf(log2_pace[j + 1]):
        slope, power = end_shape(span, width, log2_pace[j - 1], log2_pace[j])
        return years[j] + years_towards_ceiling(width, part, log2_pace[j], slope, power)
    return min(years[j + 1], years[j] + time_in_cell(part, span, width, log2_pace[j], log2_pace[j + 1]))


@kernel
def _tail_years(gain, log2_pace, tail):
    """Years for a gain beyond the last node, where log2 of the pace rises by `tail` a doubling."""
    s = tail * gain * LN2
    step = gain * math.exp(-log2_pace * LN2)
    if abs(s) < 1e-9:
        return step
    return step * -math.expm1(-s) / s if s > -700.0 else math.inf


@kernel
def level_at(t, years, log2_pace, reach, stretch, tail, left):
    """Doublings gained by t, t being at least 0; the inverse of `time_at`."""
    cells = len(years) - 1
    if t >= years[cells]:
        if left < math.inf:
            return left
        grown = (t - years[cells]) * math.exp(log2_pace[cells] * LN2)
        if abs(tail) < 1e-9:
            return reach + grown
        inner = 1.0 - grown * tail * LN2
        return reach - math.log(inner) / (tail * LN2) if inner > 0.0 else math.inf
    j = max(0, min(np.searchsorted(years, t, side="right") - 1, cells - 1))
    begin = node_level(j, reach, stretch, cells)
    width = node_level(j + 1, reach, stretch, cells) - begin
    low, high, span = log2_pace[j], log2_pace[j + 1], years[j + 1] - years[j]
    if math.isinf(high):
        slope, power = end_shape(span, width, log2_pace[j - 1], low)
        least, most = 0.0, 1.0
        for _ in range(50):
            middle = 0.5 * (least + most)
            if years[j] + years_towards_ceiling(width, middle, low, slope, power) > t:
                most = middle
            else:
                least = middle
        return begin + least * width
    s = (high - low) * LN2
    if span < math.inf and abs(s) < STEEP:
        part = (t - years[j]) / span
        grown = -part * math.expm1(-s)
    else:
        part = (t - years[j]) * math.exp(low * LN2) / width
        grown = part * s
    if abs(s) >= 1e-6:
        part = -math.log1p(-grown) / s if grown < 1.0 else 1.0
    return begin + min(1.0, part) * width


@kernel
def pace_near(x, log2_pace, reach, stretch, tail):
    """log2 of the pace at x, linear between nodes and beyond the last."""
    cells = len(log2_pace) - 1
    if x >= reach:
        return log2_pace[cells] + (tail * (x - reach) if x > reach else 0.0)
    j = min(int(place(x, reach, stretch, cells)), cells - 1)
    begin = node_level(j, reach, stretch, cells)
    part = (x - begin) / (node_level(j + 1, reach, stretch, cells) - begin)
    return log2_pace[j] if part <= 0.0 else log2_pace[j] + part * (log2_pace[j + 1] - log2_pace[j])


@kernel
def _window(x, gain, years, log2_pace, reach, stretch, tail, left):
    first = time_at(x, years, log2_pace, reach, stretch, tail, left)
    if first == math.inf:
        return math.inf
    return max(0.0, time_at(x + gain, years, log2_pace, reach, stretch, tail, left) - first)


@kernel
def _pace_ahead(x, log2_pace, reach, stretch, tail, scale):
    """log2 of the pace near x, a line between nodes in their number, `scale` of which are even nodes a doubling."""
    cells = len(log2_pace) - 1
    at = x * scale if stretch == 0.0 else place(x, reach, stretch, cells)
    if at >= cells:
        return log2_pace[cells] + (tail * (x - reach) if x > reach else 0.0)
    j = int(at)
    part = at - j
    return log2_pace[j] if part <= 0.0 else log2_pace[j] + part * (log2_pace[j + 1] - log2_pace[j])


@kernel
def shortest_window(gain, years, log2_pace, reach, stretch, tail, left, single_peak):
    """Least time of any window of `gain` doublings. A window's time is least where the pace at its ends is equal, the pace
    rising into it, or where the path starts or ends; with a single peak there is one such place, found by bisection."""
    cells = len(years) - 1
    if gain > left:
        return math.inf
    if left == math.inf and (tail > 0.0 or log2_pace[cells] > BEYOND):
        return 0.0
    top, width, scale = left - gain if left < math.inf else reach, reach / cells, cells / reach
    best = time_at(gain, years, log2_pace, reach, stretch, tail, left)
    first, last = 0, min(int(place(top, reach, stretch, cells)), cells)
    before = _pace_ahead(gain, log2_pace, reach, stretch, tail, scale) - log2_pace[0]
    if single_peak:
        if not before > 0.0:
            return best
        while last - first > 1:
            middle = (first + last) // 2
            x = middle * width if stretch == 0.0 else node_level(middle, reach, stretch, cells)
            if _pace_ahead(x + gain, log2_pace, reach, stretch, tail, scale) > log2_pace[middle]:
                first = middle
            else:
                last = middle
        x = node_level(first, reach, stretch, cells)
        before = _pace_ahead(x + gain, log2_pace, reach, stretch, tail, scale) - log2_pace[first]
    best = min(best, _window(top, gain, years, log2_pace, reach, stretch, tail, left))
    begin = node_level(first, reach, stretch, cells)
    for j in range(first + 1, last + 2):
        end = j * width if stretch == 0.0 else node_level(j, reach, stretch, cells)
        if end < top:
            here = log2_pace[j]
        else:
            end, here = top, _pace_ahead(top, log2_pace, reach, stretch, tail, scale)
        after = _pace_ahead(end + gain, log2_pace, reach, stretch, tail, scale) - here
        if before > 0.0 and not after > 0.0:
            step = end - begin
            x = begin + (step * before / (before - after) if after > -math.inf else 0.0)
            best = min(best, _window(x, gain, years, log2_pace, reach, stretch, tail, left))
            if not after > -math.inf:
                best = min(best, _window(x + 0.5 * step, gain, years, log2_pace, reach, stretch, tail, left))
        if end >= top:
            break
        before, begin = after, end
    return best
