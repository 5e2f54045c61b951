"""What is looked for along a path under clocks, compiled: the shortest window, the extremes, stretches above a cap.

A path is looked at in `stops` that miss no kink: at its nodes, at pauses, at the ends of capped stretches, and where a factor has
a knot or has changed by OCTAVES. Between two stops it is smooth, and golden section finds what lies there.
"""

from __future__ import annotations

import math

import numpy as np

from ...base.kernels import kernel
from .clock import CAP, HALVINGS, KNOT, PAUSE, STRETCH, arrival, level_by
from .path import BEYOND
from .windows import node_level

__all__ = [
    "GOLDEN",
    "ROUNDING",
    "SECTIONS",
    "capped_stretches",
    "extremes",
    "in_order",
    "room",
    "shortest",
    "stops",
    "window",
]

FAR = 24
"""Stops beyond the last node without a ceiling, each about twice as far as the one before; much further, times that are subtracted
from each other would leave only rounding."""

OCTAVES = 0.5
"""Change of a factor, in octaves, between stops."""

STEPS = 64
"""Stops between two knots at most."""

GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0

SECTIONS = 30
"""Golden sections of an interval in which an extreme is looked for."""

ROUNDING = 1e-7
"""Relative differences from which a value counts as lower than its neighbour."""

FURTHEST = 1e300
"""Doublings beyond which no crossing is looked for."""


@kernel
def room(nodes, clock):
    """Stops that a path may have at most."""
    return nodes + FAR + STEPS * clock.shape[1]


@kernel
def stops(path, found):
    """Fill `found` with the stops of a path, in order; returns how many."""
    years, _, reach, stretch, _, left, clock = path
    cells = len(years) - 1
    n = cells + 1
    for j in range(n):
        found[j] = min(node_level(j, reach, stretch, cells), left)
    if left == math.inf:
        width = reach - node_level(cells - 1, reach, stretch, cells)
        for j in range(FAR):
            found[n + j] = reach + width * 2.0**j
        n += FAR
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
            n = _stops_of_factor(path, first, size, found, n)
        i = first + size
    return in_order(found, n, left)


@kernel
def _stops_of_factor(path, first, size, found, n):
    """Add levels at the knots of a CLOCK operation, and between them where its factor has changed by OCTAVES."""
    clock, knots = path[6], (size - 1) // KNOT
    times, rates = first + 1, first + 1 + knots
    for k in range(knots):
        change = abs(clock[rates + k + 1] - clock[rates + k]) if k < knots - 1 else 0.0
        parts = int(min(float(STEPS), max(1.0, math.ceil(change / OCTAVES))))
        step = OCTAVES / change * (clock[times + k + 1] - clock[times + k]) if parts > 1 else 0.0
        for m in range(parts):
            found[n] = level_by(clock[times + k] + m * step, path, first + size)
            n += 1
    return n


@kernel
def in_order(found, n, most):
    """Sort the first n numbers, without those that are infinite, above `most` or the same as the one before."""
    some, kept = np.sort(found[:n]), 0
    for x in some:
        if 0.0 <= x <= most and x < math.inf and (kept == 0 or x > found[kept - 1]):
            found[kept] = x
            kept += 1
    return kept


@kernel
def window(x, gain, path):
    """Time of the window of `gain` doublings that begins at x, after a pause there."""
    first = arrival(x, True, path)[0]
    return max(0.0, arrival(x + gain, False, path)[0] - first) if first < math.inf else math.inf


@kernel
def _best_window(low, high, gain, path):
    """Least time of a window that begins between two levels, by golden section."""
    for _ in range(SECTIONS):
        a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        if window(a, gain, path) < window(b, gain, path):
            high = b
        else:
            low = a
    return window(0.5 * (low + high), gain, path)


@kernel
def _shortest(gain, path, looked, found, times):
    """Least time of any window of `gain` doublings: at a stop, a gain before a stop, or between two of these."""
    left, n = path[5], 0
    if gain > left:
        return math.inf
    if left == math.inf and arrival(math.inf, False, path)[1] > BEYOND:
        return 0.0
    for x in looked:
        found[n], found[n + 1] = x, x - gain
        n += 2
    found[n] = min(left - gain, looked[-1])
    n = in_order(found, n + 1, left - gain)
    for k in range(n):
        times[k] = window(found[k], gain, path)
    best = times[:n].min()
    for k in range(n):
        low, high = max(k - 1, 0), min(k + 1, n - 1)
        lowest = times[k] <= times[low] and times[k] <= times[high]
        if lowest and times[k] < math.inf and max(times[low], times[high]) > times[k] * (1.0 + ROUNDING):
            best = min(best, _best_window(found[low], found[k], gain, path))
            best = min(best, _best_window(found[k], found[high], gain, path))
    return best


@kernel
def shortest(begin, end, years, log2_pace, reach, stretch, tail, left, clock, gain, answers):
    """Fill `answers` with the shortest time of each gain."""
    size = room(years.shape[1], clock)
    looked, found, times = np.empty(size), np.empty(2 * size + 1), np.empty(2 * size + 1)
    for i in range(begin, end):
        path = (years[i], log2_pace[i], reach[i], stretch[i], tail[i], left[i], clock[i])
        n = stops(path, looked)
        for k in range(gain.shape[1]):
            answers[i, k] = _shortest(gain[i, k], path, looked[:n], found, times)


@kernel
def _ahead(x, recent, path):
    return x - recent * arrival(x, False, path)[0]


@kernel
def _most_ahead(low, high, recent, path):
    """Most doublings ahead of the recent trend between two levels, by golden section."""
    for _ in range(SECTIONS):
        a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        if _ahead(a, recent, path) > _ahead(b, recent, path):
            high = b
        else:
            low = a
    return _ahead(0.5 * (low + high), recent, path)


@kernel
def extremes(begin, end, years, log2_pace, reach, stretch, tail, left, clock, recent, found):
    """Fill `found` with (years at the end, log2 of the peak pace, most doublings ahead of the recent trend) of each path."""
    looked = np.empty(room(years.shape[1], clock))
    for i in range(begin, end):
        path = (years[i], log2_pace[i], reach[i], stretch[i], tail[i], left[i], clock[i])
        last, final = arrival(left[i], False, path)
        endless = left[i] == math.inf and final > math.log2(recent[i])
        peak, ahead = final, math.inf if endless else 0.0
        n = stops(path, looked)
        for k in range(n):
            peak = max(peak, arrival(looked[k], False, path)[1], arrival(looked[k], True, path)[1])
            if endless:
                continue
            low, high, value = (
                looked[max(k - 1, 0)],
                looked[min(k + 1, n - 1)],
                _ahead(looked[k], recent[i], path),
            )
            ahead = max(ahead, value)
            if value >= _ahead(low, recent[i], path) and value >= _ahead(high, recent[i], path):
                ahead = max(ahead, _most_ahead(low, high, recent[i], path))
        found[i, 0], found[i, 1], found[i, 2] = last, peak, ahead


@kernel
def capped_stretches(begin, end, years, log2_pace, reach, stretch, tail, left, clock, cap, found, counts):
    """Fill `found` with (from level, to level, years there, years there) of each stretch along which the pace exceeds a cap, and
    `counts` with how many there are, which may be more than there is room for."""
    looked, most = np.empty(room(years.shape[1], clock)), found.shape[1]
    found[begin:end] = math.inf
    for i in range(begin, end):
        path = (years[i], log2_pace[i], reach[i], stretch[i], tail[i], left[i], clock[i])
        n, m, goes_on = stops(path, looked), -1, False
        for k in range(n):
            a, b = looked[k], looked[k + 1] if k + 1 < n else left[i]
            since, first = arrival(a, True, path)
            until, last = arrival(b, False, path)
            goes_on = goes_on and arrival(a, False, path)[0] == since
            if not b > a or not (first > cap[i] or last > cap[i]) or since == math.inf:
                goes_on = False
                continue
            if not first > cap[i]:
                x = _crossing(a, b, cap[i], path)
                a, since = x, arrival(x, True, path)[0]
            if not last > cap[i]:
                b = _crossing(a, b, cap[i], path)
                until = arrival(b, False, path)[0]
            if not goes_on:
                m += 1
            if m < most:
                if not goes_on:
                    found[i, m, 0], found[i, m, 2] = a, since
                found[i, m, 1], found[i, m, 3] = b, until
            goes_on = last > cap[i]
        counts[i] = m + 1


@kernel
def _crossing(low, high, cap, path):
    """Where the pace crosses a cap between two levels, `high` being inf beyond the last stop."""
    rising = arrival(high, False, path)[1] > cap
    if high == math.inf:
        high = low + 1.0
        while high < FURTHEST and (arrival(high, False, path)[1] > cap) != rising:
            low, high = high, 2.0 * high
    for _ in range(HALVINGS):
        x = 0.5 * (low + high)
        if (arrival(x, False, path)[1] > cap) == rising:
            high = x
        else:
            low = x
    return 0.5 * (low + high)
