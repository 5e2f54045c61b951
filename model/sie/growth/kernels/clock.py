"""A path under clocks, compiled: the time and the pace at a level, and the level by a time.

The path's own nodes stay as they are; what acts from outside is a list of operations on (years, log2 pace) at a level, one after the
other, as numbers: CLOCK (a factor on the pace that depends on time), PAUSE (a wait at a level), CAP (stretches at a
constant pace). So every answer is exact between nodes and beyond the last one, and a path may have any number of operations.
A path is (years, log2_pace, reach, stretch, tail, left, clock). `clock` makes the numbers.
"""

from __future__ import annotations

import math

from ...base.kernels import kernel
from ..law import LN2
from .cells import end_shape
from .path import BEYOND
from .windows import node_level, pace_near, time_at

__all__ = [
    "CAP",
    "CLOCK",
    "FLAT",
    "KNOT",
    "PAUSE",
    "STRETCH",
    "arrival",
    "at_nodes",
    "level_by",
    "levels_by",
    "times_at",
]

CLOCK, PAUSE, CAP = 1.0, 2.0, 3.0
"""Operations. Each is (kind, size of what follows, ...): CLOCK (constant, years and log2 factor of each knot, constant + factor
integrated until each), PAUSE (level, years), CAP (log2 pace, [from level, to level, years there, years there] of each stretch)."""

KNOT, STRETCH = 3, 4
"""Numbers of a knot and of a stretch."""

FAR = 1e300
"""Doublings beyond which no level is looked for."""

HALVINGS = 60
"""Halvings of an interval in which a level is looked for."""

FLAT = 1e-12
"""Octaves below which a factor counts as constant between two knots."""

NEWTON = 200
"""Newton's steps at most; a few do, but where a factor fades to next to nothing."""


@kernel
def _factor_time(t, clock, first, size):
    """(years, log2 factor) under a CLOCK operation where `t` have passed without it: B(years) = t, b = constant + 2^(line in years)."""
    constant, knots = clock[first], (size - 1) // KNOT
    times, rates, integral = first + 1, first + 1 + knots, first + 1 + 2 * knots
    k = 0
    while k < knots - 1 and clock[integral + k + 1] <= t:
        k += 1
    slope = (
        (clock[rates + k + 1] - clock[rates + k]) * LN2 / (clock[times + k + 1] - clock[times + k])
        if k < knots - 1
        else 0.0
    )
    factor, grown = math.exp(min(clock[rates + k], BEYOND) * LN2), t - clock[integral + k]
    if t == math.inf:
        return math.inf, math.log2(constant + factor)
    if abs(clock[rates + min(k + 1, knots - 1)] - clock[rates + k]) < FLAT:
        slope, years = 0.0, grown / (constant + factor)
    elif constant == 0.0:
        inner = slope * grown / factor
        years = math.log1p(inner) / slope if inner > -1.0 else math.inf
    else:
        years = _mixed_time(grown, constant, factor, slope)
    return clock[times + k] + years, math.log2(constant + factor * math.exp(min(slope * years, 700.0)))


@kernel
def _mixed_time(grown, constant, factor, slope):
    """u with constant u + factor (e^(slope u) - 1) / slope = grown, by Newton's steps from the side on which they do not pass it."""
    low, high = grown / (constant + factor), grown / constant
    if slope > 0.0:
        low, high = 0.0, min(low, math.log1p(slope * grown / factor) / slope)
    u = high if slope > 0.0 else low
    for _ in range(NEWTON):
        growth = math.expm1(min(slope * u, 700.0))
        miss = constant * u + factor * growth / slope - grown
        if miss > 0.0:
            high = u
        else:
            low = u
        after = u - miss / (constant + factor + factor * growth)
        after = after if low <= after <= high else 0.5 * (low + high)
        if abs(after - u) <= 1e-15 * u:
            break
        u = after
    return u


@kernel
def _capped_time(x, t, p, leaving, clock, first, size):
    """(years, log2 pace) under a CAP operation at level x, where they are (t, p) without it."""
    cap, gone = clock[first], 0.0
    slowest = math.exp(-cap * LN2)
    for i in range(first + 1, first + size, STRETCH):
        begin, end = clock[i], clock[i + 1]
        if not begin < x:
            break
        if x < end or (x == end and not leaving):
            return clock[i + 2] + gone + (x - begin) * slowest, min(p, cap)
        gone += (end - begin) * slowest - (clock[i + 3] - clock[i + 2])
    return t + gone, min(p, cap)


@kernel
def _clocked(x, t, p, leaving, clock, upto):
    """(years, log2 pace) at level x under the operations before entry `upto`, where they are (t, p) of the path itself."""
    i = 0
    while i < upto:
        kind, size = clock[i], int(clock[i + 1])
        if kind == CLOCK:
            t, rate = _factor_time(t, clock, i + 2, size)
            p += rate
        elif kind == PAUSE:
            if x > clock[i + 2] or (leaving and x == clock[i + 2]):
                t += clock[i + 3]
        else:
            t, p = _capped_time(x, t, p, leaving, clock, i + 2, size)
        i += 2 + size
    return t, p


@kernel
def _own(x, years, log2_pace, reach, stretch, tail, left):
    """(years, log2 pace) of the path itself at level x, which may be inf without a ceiling."""
    cells = len(years) - 1
    if x == math.inf:
        if tail > 0.0:
            return years[cells] + math.exp(-log2_pace[cells] * LN2) / (tail * LN2), math.inf
        end = years[cells] if log2_pace[cells] > BEYOND else math.inf
        return end, log2_pace[cells] if tail == 0.0 else -math.inf
    p = pace_near(x, log2_pace, reach, stretch, tail)
    if math.isinf(log2_pace[cells]) and x < reach:
        begin = node_level(cells - 1, reach, stretch, cells)
        if x > begin:
            span, low, width = years[cells] - years[cells - 1], log2_pace[cells - 1], reach - begin
            _, power = end_shape(span, width, log2_pace[cells - 2], low)
            p = low + power * math.log2((reach - x) / width)
    return time_at(x, years, log2_pace, reach, stretch, tail, left), p


@kernel
def _under(x, leaving, path, upto):
    """(years, log2 pace) at level x under the operations before entry `upto`."""
    years, log2_pace, reach, stretch, tail, left, clock = path
    t, p = _own(x, years, log2_pace, reach, stretch, tail, left)
    return _clocked(x, t, p, leaving, clock, upto)


@kernel
def arrival(x, leaving, path):
    """(years, log2 pace) of a path at level x, which may be inf without a ceiling; `leaving` after a pause there."""
    return _under(x, leaving, path, len(path[6]))


@kernel
def level_by(t, path, upto):
    """The last level that is reached by t under the operations before entry `upto`, by bisection."""
    cells, reach, stretch, left = len(path[0]) - 1, path[2], path[3], path[5]
    if not _under(left, False, path, upto)[0] > t:
        return left
    low, high = 0.0, reach
    if left == math.inf:
        while high < FAR and not _under(high, False, path, upto)[0] > t:
            low, high = high, 2.0 * high
    if high == reach:
        first, last = 0, cells
        while last - first > 1:
            middle = (first + last) // 2
            if _under(node_level(middle, reach, stretch, cells), False, path, upto)[0] > t:
                last = middle
            else:
                first = middle
        low, high = node_level(first, reach, stretch, cells), node_level(last, reach, stretch, cells)
    for _ in range(HALVINGS):
        x = 0.5 * (low + high)
        if _under(x, False, path, upto)[0] > t:
            high = x
        else:
            low = x
    return low


@kernel
def levels_by(begin, end, years, log2_pace, reach, stretch, tail, left, clock, at, levels):
    """Fill `levels` with what is gained by each time in `at`."""
    for i in range(begin, end):
        path = (years[i], log2_pace[i], reach[i], stretch[i], tail[i], left[i], clock[i])
        for k in range(at.shape[1]):
            levels[i, k] = level_by(at[i, k], path, clock.shape[1])


@kernel
def times_at(begin, end, years, log2_pace, reach, stretch, tail, left, clock, at, times):
    """Fill `times` with when each level is reached."""
    for i in range(begin, end):
        path = (years[i], log2_pace[i], reach[i], stretch[i], tail[i], left[i], clock[i])
        for k in range(at.shape[1]):
            times[i, k] = arrival(at[i, k], False, path)[0]


@kernel
def at_nodes(begin, end, years, log2_pace, reach, stretch, tail, left, clock, times, paces):
    """Fill `times` and `paces` with when each node is reached, and log2 of the pace there."""
    cells, upto = years.shape[1] - 1, clock.shape[1]
    for i in range(begin, end):
        for j in range(cells + 1):
            x = min(node_level(j, reach[i], stretch[i], cells), left[i])
            times[i, j], paces[i, j] = _clocked(x, years[i, j], log2_pace[i, j], False, clock[i], upto)
