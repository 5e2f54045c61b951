"""Paths under clocks by brute force: the law's closed form on a fine grid, dt/dx by Runge and Kutta, every window tried."""

import math

import numpy as np
from numba import njit

from sie.growth import law as growth

FAR = 600.0
"""Doublings that a path without a ceiling is followed."""

NEVER = 1e10
"""Years from which windows are not tried."""


@njit
def log2_gains(law, x):
    """log2 of the pace over that at ASARA, (law, level)."""
    gains = np.empty((len(law), x.shape[1]))
    for i in range(len(law)):
        for j in range(x.shape[1]):
            gains[i, j] = growth.log2_pace_gain(x[i, j], law[i])
    return gains


class BruteForce:
    """Nodes (x, years) and log2 paces of laws under a factor on the pace, a cap and a pause, `steps` steps each.

    `rises` says where a path without a ceiling is followed to a place from which its pace rises on, so that what has not happened by
    then may happen later. `factor(years)` gives log2 b for all draws; `cap` is (draw,) log2 paces; `cap_first` (draw,) whether the cap acts before the
    factor or on the pace that each level has under it; a pause of `pause_years` comes after the step number `pause_step`.
    """

    def __init__(self, law, start, *, factor, cap, cap_first, pause_step, pause_years, steps):
        left = law["doublings_left"]
        reach = np.where(np.isinf(left), FAR, left * (1 - 1e-9))
        self.left, h = left, reach / steps
        x = np.arange(2 * steps + 1) / 2 * h[:, None]
        own = np.ascontiguousarray((start[:, None] + log2_gains(law, x)).T)
        x = x.T

        def log2_pace(j, t):
            return np.minimum(own[j], np.where(cap_first, cap, math.inf)) + factor(t)

        years, paces = np.zeros((steps + 1, len(law))), np.empty((steps + 1, len(law)))
        paces[0] = log2_pace(0, years[0])
        with np.errstate(over="ignore"):
            for n in range(steps):
                t, j = years[n], 2 * n
                a = np.exp2(-log2_pace(j, t))
                b = np.exp2(-log2_pace(j + 1, t + h / 2 * a))
                c = np.exp2(-log2_pace(j + 1, t + h / 2 * b))
                d = np.exp2(-log2_pace(j + 2, t + h * c))
                years[n + 1] = np.minimum(t + h / 6 * (a + 2 * b + 2 * c + d), 2 * NEVER)
                paces[n + 1] = log2_pace(j + 2, years[n + 1])
        cap = np.where(cap_first, math.inf, cap)
        with np.errstate(over="ignore"):
            slow = h * (np.exp2(-np.minimum(paces[1:], cap)) + np.exp2(-np.minimum(paces[:-1], cap))) / 2
        steps_taken = np.where((paces[1:] < cap) & (paces[:-1] < cap), np.diff(years, axis=0), slow)
        years[1:], paces = np.minimum(np.cumsum(steps_taken, axis=0), 2 * NEVER), np.minimum(paces, cap)
        self.peak = paces.max(axis=0)
        self.last, self.rises = paces[-1], np.isinf(left) & (own[-1] > own[-3])
        self.paths = []
        for i, step in enumerate(pause_step):
            levels, t = x[::2, i], years[:, i]
            late = np.where(np.arange(steps + 1) > step, pause_years[i], 0.0)
            at = step + 1
            levels = np.insert(levels, at, levels[step])
            t = np.insert(t + late, at, t[step] + pause_years[i])
            self.paths.append((levels, t))

    def shortest(self, gains):
        """Least time of a window of each draw's gain: those that begin and those that end at any node."""
        found = np.full(len(gains), math.inf)
        for i, (gain, (x, t)) in enumerate(zip(gains, self.paths, strict=True)):
            if gain > self.left[i]:
                continue
            starts, ends = (x + gain <= x[-1]) & (t < NEVER), (x - gain >= 0) & (t < NEVER)
            from_nodes = np.interp(x[starts] + gain, x, t) - t[starts]
            to_nodes = t[ends] - np.interp(x[ends] - gain, x, t)
            found[i] = min(from_nodes.min(initial=math.inf), to_nodes.min(initial=math.inf))
        return found

    def ahead(self, recent):
        """Most doublings above the recent trend at any node."""
        return np.array([np.max(x - pace * t) for pace, (x, t) in zip(recent, self.paths, strict=True)])
