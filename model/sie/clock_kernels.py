"""A path under clocks, compiled: the time and the pace at a level, the level by a time, the shortest window, its extremes.

The path's own nodes stay as they are; what acts from outside is a list of operations on (years, log2 pace) at a level, one after the
other, as numbers: CLOCK (a factor on the pace that depends on time), PAUSE (a wait at a level), CAP (stretches at a
constant pace). So every answer is exact between nodes and beyond the last one, and a path may have any number of operations.
`clock` makes the numbers. It knows paths and no growth law.
"""

from __future__ import annotations

import math

import numpy as np

from .cells import end_shape
from .growth import LN2
from .kernels import kernel
from .path import BEYOND
from .windows import node_level, pace_near, time_at

__all__ = [
    "CAP",
    "CLOCK",
    "KNOT",
    "PAUSE",
    "STRETCH",
    "at_nodes",
    "capped_stretches",
    "extremes",
    "levels_by",
    "shortest",
    "times_at",
]

CLOCK, PAUSE, CAP = 1.0, 2.0, 3.0
"""Operations. Each is (kind, size of what follows, ...): CLOCK (constant, years and log2 factor of each knot, constant + factor
integrated until each), PAUSE (level, years), CAP (log2 pace, [from level, to level, years there, years there] of each stretch)."""

KNOT, STRETCH = 3, 4
"""Numbers of a knot and of a stretch."""

FAR = 24
"""Stops beyond the last node without a ceiling, each about twice as far as the one before; much further, times that are subtracted
from each other would leave only rounding."""

OCTAVES = 0.5
"""Change of a factor, in octaves, between stops."""

STEPS = 64
"""Stops between two knots at most."""

HALVINGS = 60
"""Halvings of an interval in which a level is looked for."""

FLAT = 1e-12
"""Octaves below which a factor counts as constant between two knots."""

NEWTON = 200
"""Newton's steps at most; a few do, but where a factor fades to next to nothing."""

GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0

SECTIONS = 30
"""Golden sections of an interval in which an extreme is looked for."""

ROUNDING = 1e-7
"""Relative differences from which a value counts as lower than its neighbour."""


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
def arrival(x, leaving, years, log2_pace, reach, stretch, tail, left, clock, upto):
    """(years, log2 pace) of a path under its first operations at level x; `leaving` after a pause there."""
    t, p = _own(x, years, log2_pace, reach, stretch, tail, left)
    return _clocked(x, t, p, leaving, clock, upto)


@kernel
def _level_by(t, years, log2_pace, reach, stretch, tail, left, clock, upto):
    """The last level that is reached by t, by bisection."""
    end = left if left < math.inf else math.inf
    if not arrival(end, False, years, log2_pace, reach, stretch, tail, left, clock, upto)[0] > t:
        return end
    low, high = 0.0, reach
    if left == math.inf:
        while (
            high < 1e300
            and not arrival(high, False, years, log2_pace, reach, stretch, tail, left, clock, upto)[0] > t
        ):
            low, high = high, 2.0 * high
    cells = len(years) - 1
    if high == reach:
        first, last = 0, cells
        while last - first > 1:
            middle = (first + last) // 2
            x = node_level(middle, reach, stretch, cells)
            if arrival(x, False, years, log2_pace, reach, stretch, tail, left, clock, upto)[0] > t:
                last = middle
            else:
                first = middle
        low, high = node_level(first, reach, stretch, cells), node_level(last, reach, stretch, cells)
    for _ in range(HALVINGS):
        x = 0.5 * (low + high)
        if arrival(x, False, years, log2_pace, reach, stretch, tail, left, clock, upto)[0] > t:
            high = x
        else:
            low = x
    return low


@kernel
def levels_by(begin, end, years, log2_pace, reach, stretch, tail, left, clock, at, levels):
    """Fill `levels` with what is gained by each time in `at`."""
    upto = clock.shape[1]
    for i in range(begin, end):
        for k in range(at.shape[1]):
            levels[i, k] = _level_by(
                at[i, k], years[i], log2_pace[i], reach[i], stretch[i], tail[i], left[i], clock[i], upto
            )


@kernel
def stops(years, log2_pace, reach, stretch, tail, left, clock, found):
    """Levels at which a path is looked at, in order: its nodes, places beyond, pauses, ends of capped stretches, and where a
    factor has knots or has changed by OCTAVES. Fills `found`; returns how many."""
    cells, n = len(years) - 1, 0
    for j in range(cells + 1):
        found[n] = min(node_level(j, reach, stretch, cells), left)
        n += 1
    if left == math.inf:
        width = reach - node_level(cells - 1, reach, stretch, cells)
        for j in range(FAR):
            found[n] = reach + width * (2.0**j)
            n += 1
    i = 0
    while i < len(clock):
        kind, first, size = clock[i], i + 2, int(clock[i + 1])
        if kind == PAUSE:
            found[n] = clock[first]
            n += 1
        elif kind == CAP:
            for m in range(first + 1, first + size, STRETCH):
                found[n], found[n + 1] = clock[m], clock[m + 1]
                n += 2
        else:
            knots = (size - 1) // KNOT
            for k in range(knots):
                t = clock[first + 1 + k]
                change = (
                    abs(clock[first + 2 + knots + k] - clock[first + 1 + knots + k]) if k < knots - 1 else 0.0
                )
                parts = int(min(float(STEPS), max(1.0, math.ceil(change / OCTAVES))))
                step = OCTAVES / change * (clock[first + 2 + k] - t) if parts > 1 else 0.0
                for m in range(parts):
                    found[n] = _level_by(
                        t + m * step, years, log2_pace, reach, stretch, tail, left, clock, first + size
                    )
                    n += 1
        i = first + size
    return _in_order(found, n, left)


@kernel
def _in_order(found, n, most):
    """Sort the first n numbers, without those that are infinite, above `most` or the same as the one before."""
    some, kept = np.sort(found[:n]), 0
    for x in some:
        if 0.0 <= x <= most and x < math.inf and (kept == 0 or x > found[kept - 1]):
            found[kept] = x
            kept += 1
    return kept


@kernel
def _window(x, gain, years, log2_pace, reach, stretch, tail, left, clock):
    upto = len(clock)
    first = arrival(x, True, years, log2_pace, reach, stretch, tail, left, clock, upto)[0]
    if first == math.inf:
        return math.inf
    last = arrival(x + gain, False, years, log2_pace, reach, stretch, tail, left, clock, upto)[0]
    return max(0.0, last - first)


@kernel
def _best_window(low, high, gain, years, log2_pace, reach, stretch, tail, left, clock):
    """Least time of a window that begins between two levels, by golden section."""
    for _ in range(SECTIONS):
        a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        if _window(a, gain, years, log2_pace, reach, stretch, tail, left, clock) < _window(
            b, gain, years, log2_pace, reach, stretch, tail, left, clock
        ):
            high = b
        else:
            low = a
    return _window(0.5 * (low + high), gain, years, log2_pace, reach, stretch, tail, left, clock)


@kernel
def _shortest(gain, years, log2_pace, reach, stretch, tail, left, clock, looked, found, times):
    """Least time of any window of `gain` doublings: at a stop, a gain before a stop, or between two of these."""
    if gain > left:
        return math.inf
    if (
        left == math.inf
        and arrival(math.inf, False, years, log2_pace, reach, stretch, tail, left, clock, len(clock))[1]
        > BEYOND
    ):
        return 0.0
    top, count, n = left - gain, len(looked), 0
    for k in range(count):
        found[n], found[n + 1] = looked[k], looked[k] - gain
        n += 2
    found[n] = min(top, looked[count - 1])
    n = _in_order(found, n + 1, top)
    best = math.inf
    for k in range(n):
        times[k] = _window(found[k], gain, years, log2_pace, reach, stretch, tail, left, clock)
        best = min(best, times[k])
    for k in range(n):
        low, high = max(k - 1, 0), min(k + 1, n - 1)
        least, most = times[k] * (1.0 + ROUNDING), max(times[low], times[high])
        if times[k] == math.inf or not (times[k] <= times[low] and times[k] <= times[high] and most > least):
            continue
        best = min(
            best,
            _best_window(found[low], found[k], gain, years, log2_pace, reach, stretch, tail, left, clock),
        )
        best = min(
            best,
            _best_window(found[k], found[high], gain, years, log2_pace, reach, stretch, tail, left, clock),
        )
    return best


@kernel
def shortest(begin, end, years, log2_pace, reach, stretch, tail, left, clock, gain, answers):
    """Fill `answers` with the shortest time of a gain."""
    size = room(years.shape[1], clock)
    looked, found, times = np.empty(size), np.empty(2 * size + 1), np.empty(2 * size + 1)
    for i in range(begin, end):
        path = (years[i], log2_pace[i], reach[i], stretch[i], tail[i], left[i], clock[i])
        n = stops(*path, looked)
        answers[i] = _shortest(gain[i], *path, looked[:n], found, times)


@kernel
def room(nodes, clock):
    """Stops that a path may have at most."""
    return nodes + FAR + STEPS * clock.shape[1]


@kernel
def _ahead(x, recent, years, log2_pace, reach, stretch, tail, left, clock):
    return x - recent * arrival(x, False, years, log2_pace, reach, stretch, tail, left, clock, len(clock))[0]


@kernel
def extremes(begin, end, years, log2_pace, reach, stretch, tail, left, clock, recent, found):
    """Fill `found` with (years at the end, log2 of the peak pace, most doublings ahead of the recent trend) of each path."""
    looked, upto = np.empty(room(years.shape[1], clock)), clock.shape[1]
    for i in range(begin, end):
        path = (years[i], log2_pace[i], reach[i], stretch[i], tail[i], left[i], clock[i])
        last, final = arrival(left[i], False, *path, upto)
        endless = left[i] == math.inf and final > math.log2(recent[i])
        peak, ahead = max(final, -math.inf), math.inf if endless else 0.0
        n = stops(*path, looked)
        for k in range(n):
            peak = max(
                peak, arrival(looked[k], False, *path, upto)[1], arrival(looked[k], True, *path, upto)[1]
            )
            low, high = looked[max(k - 1, 0)], looked[min(k + 1, n - 1)]
            value = _ahead(looked[k], recent[i], *path)
            ahead = max(ahead, value)
            if endless or value < _ahead(low, recent[i], *path) or value < _ahead(high, recent[i], *path):
                continue
            for _ in range(SECTIONS):
                a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
                if _ahead(a, recent[i], *path) > _ahead(b, recent[i], *path):
                    high = b
                else:
                    low = a
            ahead = max(ahead, _ahead(0.5 * (low + high), recent[i], *path))
        found[i, 0], found[i, 1], found[i, 2] = last, peak, ahead


@kernel
def capped_stretches(begin, end, years, log2_pace, reach, stretch, tail, left, clock, cap, found, counts):
    """Fill `found` with (from level, to level, years there, years there) of each stretch along which the pace exceeds a cap, and
    `counts` with how many there are, which may be more than there is room for."""
    looked, upto = np.empty(room(years.shape[1], clock)), clock.shape[1]
    for i in range(begin, end):
        path = (years[i], log2_pace[i], reach[i], stretch[i], tail[i], left[i], clock[i])
        n = stops(*path, looked)
        found[i, :, :] = math.inf
        m, open_ = -1, False
        for k in range(n):
            low = looked[k]
            high = looked[k + 1] if k + 1 < n else left[i]
            if not high > low:
                continue
            since, first = arrival(low, True, *path, upto)
            until, last = arrival(high, False, *path, upto)
            open_ = open_ and arrival(low, False, *path, upto)[0] == since
            if not (first > cap[i] or last > cap[i]) or since == math.inf:
                open_ = False
                continue
            a, b = low, high
            if not first > cap[i]:
                a, since = _crossing(low, high, cap[i], *path), 0.0
                since = arrival(a, True, *path, upto)[0]
                open_ = False
            if not last > cap[i]:
                b = _crossing(low, high, cap[i], *path)
                until = arrival(b, False, *path, upto)[0]
            if not open_:
                m += 1
                if m < found.shape[1]:
                    found[i, m, 0], found[i, m, 2] = a, since
            if m < found.shape[1]:
                found[i, m, 1], found[i, m, 3] = b, until
            open_ = last > cap[i]
        counts[i] = m + 1


@kernel
def _crossing(low, high, cap, years, log2_pace, reach, stretch, tail, left, clock):
    """Where the pace crosses a cap between two levels, `high` being inf beyond the last stop."""
    rising = arrival(high, False, years, log2_pace, reach, stretch, tail, left, clock, len(clock))[1] > cap
    if high == math.inf:
        high = low + 1.0
        while (
            high < 1e300
            and (
                arrival(high, False, years, log2_pace, reach, stretch, tail, left, clock, len(clock))[1] > cap
            )
            != rising
        ):
            low, high = high, 2.0 * high
    for _ in range(HALVINGS):
        x = 0.5 * (low + high)
        if (
            arrival(x, False, years, log2_pace, reach, stretch, tail, left, clock, len(clock))[1] > cap
        ) == rising:
            high = x
        else:
            low = x
    return 0.5 * (low + high)


@kernel
def times_at(begin, end, years, log2_pace, reach, stretch, tail, left, clock, at, times):
    """Fill `times` with when each level is reached."""
    for i in range(begin, end):
        for k in range(at.shape[1]):
            times[i, k] = arrival(
                at[i, k],
                False,
                years[i],
                log2_pace[i],
                reach[i],
                stretch[i],
                tail[i],
                left[i],
                clock[i],
                clock.shape[1],
            )[0]


@kernel
def at_nodes(begin, end, years, log2_pace, reach, stretch, tail, left, clock, times, paces):
    """Fill `times` and `paces` with when each node is reached, and log2 of the pace there."""
    cells = years.shape[1] - 1
    for i in range(begin, end):
        for j in range(cells + 1):
            x = min(node_level(j, reach[i], stretch[i], cells), left[i])
            times[i, j], paces[i, j] = _clocked(
                x, years[i, j], log2_pace[i, j], False, clock[i], clock.shape[1]
            )
