"""When a path first does what an event asks, compiled: a pace, a lead over a trend, or a gain within a time.

    PACE    log2 v(x) >= a                             has happened at tau(x)
    LEAD    x - b tau(x) >= a                          at tau(x)
    WINDOW  tau(x + a) - tau(x) <= b                   at tau(x + a), the end of the window

The first such x is looked for from stop to stop (`clock_search`), between two stops where what is asked has its highest value near
one of them, and then by bisection. It takes paths with a clock and, as those whose clock is empty, without.
"""

from __future__ import annotations

import math

import numpy as np

from ...base.kernels import kernel
from .clock import HALVINGS, arrival
from .clock_search import GOLDEN, ROUNDING, SECTIONS, in_order, room, stops, window

__all__ = ["LEAD", "PACE", "WINDOW", "first_times"]

PACE, LEAD, WINDOW = 1.0, 2.0, 3.0
"""What is asked."""


@kernel
def _excess(x, kind, a, b, path):
    """By how much a path exceeds what is asked at level x; it has happened where this is not below 0."""
    if kind == WINDOW:
        return b - window(x, a, path)
    years, pace = arrival(x, False, path)
    return max(pace, arrival(x, True, path)[1]) - a if kind == PACE else x - b * years - a


@kernel
def _time(x, kind, a, path):
    """When it has happened, x being the first level."""
    years, pace = arrival(x + a if kind == WINDOW else x, False, path)
    return arrival(x, True, path)[0] if kind == PACE and pace < a else years


@kernel
def _crossing(low, high, kind, a, b, path):
    """The first level from which it has happened, not yet at `low`, at `high` it has."""
    for _ in range(HALVINGS):
        x = 0.5 * (low + high)
        if _excess(x, kind, a, b, path) >= 0.0:
            high = x
        else:
            low = x
    return high


@kernel
def _highest(low, high, kind, a, b, path):
    """Where the excess is highest between two levels, by golden section."""
    for _ in range(SECTIONS):
        first, second = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        if _excess(first, kind, a, b, path) > _excess(second, kind, a, b, path):
            high = second
        else:
            low = first
    return 0.5 * (low + high)


@kernel
def _levels(kind, a, path, looked, found):
    """Fill `found` with the levels at which it is looked for, in order: the stops, and of a window also where its end is one."""
    if kind != WINDOW:
        found[: len(looked)] = looked
        return len(looked)
    last, n = path[5] - a, 0
    for x in looked:
        found[n], found[n + 1] = x, x - a
        n += 2
    found[n] = min(last, looked[-1])
    return in_order(found, n + 1, last)


@kernel
def _first(kind, a, b, path, looked, found):
    """When it has first happened; where it never does, when it is nearest to it."""
    if kind == WINDOW and a > path[5]:
        return math.inf
    n = _levels(kind, a, path, looked, found)
    before, here, best, most = -math.inf, _excess(found[0], kind, a, b, path), found[0], -math.inf
    for k in range(n):
        if here >= 0.0:
            return _time(_crossing(found[max(k - 1, 0)], found[k], kind, a, b, path), kind, a, path)
        if here > most:
            best, most = found[k], here
        after = _excess(found[k + 1], kind, a, b, path) if k + 1 < n else -math.inf
        slack = ROUNDING * (abs(here) + abs(a) + abs(b))
        if here > -math.inf and here >= max(before, after) and min(before, after) < here - slack:
            for low, high in ((found[max(k - 1, 0)], found[k]), (found[k], found[min(k + 1, n - 1)])):
                x = _highest(low, high, kind, a, b, path)
                value = _excess(x, kind, a, b, path)
                if value >= 0.0:
                    return _time(_crossing(low, x, kind, a, b, path), kind, a, path)
                if value > most:
                    best, most = x, value
        before, here = here, after
    return _time(best, kind, a, path)


@kernel
def first_times(begin, end, years, log2_pace, reach, stretch, tail, left, clock, wanted, kind, a, b, times):
    """Fill `times` with when each path has first done what is asked; inf for those that are not `wanted`."""
    size = room(years.shape[1], clock)
    looked, found = np.empty(size), np.empty(2 * size + 1)
    for i in range(begin, end):
        times[i] = math.inf
        if wanted[i]:
            path = (years[i], log2_pace[i], reach[i], stretch[i], tail[i], left[i], clock[i])
            n = stops(path, looked)
            times[i] = _first(kind[i], a[i], b[i], path, looked[:n], found)
