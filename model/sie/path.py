"""One path: the time and the pace of each of its nodes, and how it ends, from the law of one draw.

Nodes are even in x, from ASARA to the reach: the ceiling or, without one, a level from which the pace is exponential, whose tail
is exact. `pace` gives the log pace at the nodes, `cells` the time between them. It knows the growth law and no event.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .cells import BEND, HUGE, cells_on_grid, divided_cell, last_cell, parts_by_bend
from .growth import LN2, input_level, pace_slope, retrained
from .pace import (
    ceiling_power,
    input_on_grid,
    integrates_slope,
    pace_on_grid,
    parts_by_input,
    retraining_on_grid,
    smooth_on_grid,
    steepness,
)

__all__ = ["BEYOND", "ENDS", "END_VARIABLES", "WORK", "compute_path", "grids"]

END_VARIABLES = {
    "reach": "labour doublings",
    "tail_slope": "doublings of the pace per doubling of software",
    "end_years": "years since ASARA",
    "peak_log2_pace": "log2 of software doublings per year",
    "most_ahead": "labour doublings",
}
"""What `compute_path` says of a whole path, with units, in its order."""

ENDS = len(END_VARIABLES)

WORK = 8
"""Rows of scratch space that `compute_path` needs, each as long as a path."""

BEYOND = 1000.0
"""log2 of a pace at which no time passes any more."""

_ENDLESS = 1e9
"""Doublings at which the slope of a law without a ceiling is taken as its limit."""

_ROUNDED = 1e-6
"""What rounding may do to the slope there, where levels so far apart are subtracted from each other."""

_LINEAR = 1e-3
"""Doublings of the pace that a cell may lie off a slope that falls linearly, before its peak is looked for in earnest."""


def grids(nodes: int) -> np.ndarray:
    """(w, log2 w, 1 / w, dy) at each node, without a ceiling and below one: dims (ceiling, row, node). dy is of the cell before."""
    cells = nodes - 1
    w = 1 - np.arange(cells) / cells
    tables = np.zeros((2, 4, nodes))
    tables[0] = np.array([1.0, 0.0, 1.0, 1 / cells])[:, None]
    tables[1, :3, :cells] = w, np.log2(w), 1 / w
    tables[1, 3, 1:cells] = np.log(w[:-1] / w[1:])
    return tables


@njit(cache=True, error_model="numpy")
def compute_path(law, start, recent, tables, work, years, log2_pace, ends):
    """Fill `years`, `log2_pace` and `ends` (END_VARIABLES) of one path. Returns whether the pace has a single peak."""
    n = len(years) - 1
    reach, direct = _reach(law), integrates_slope(law)
    width = reach / n
    ceiling = law.doublings_left < math.inf and law.beta != 0.0 and not direct
    grid = tables[1] if ceiling else tables[0]
    w, log2_w, inverse, dy = grid[0], grid[1], grid[2], grid[3]
    last = n - 1 if ceiling else n
    gain, level, base, smooth = work[0], work[1], work[2], work[3]
    k, root, cell, bend = work[4], work[5], work[6], work[7]
    power, beta_now, shaped = ceiling_power(law)

    input_on_grid(law, width, last, gain, level)
    steep = 0.0 if law.labour_share == 1.0 and law.automation == 1.0 else steepness(law)
    base[:] = 0.0
    smooth[:] = 0.0
    if shaped and not direct:
        smooth_on_grid(law, width, smooth, base, beta_now)
    if law.retraining > 0.0:
        retraining_on_grid(law, width, last, gain, steep, base)
    if direct:
        for j in range(last + 1):
            log2_pace[j], k[j] = start + base[j], pace_slope(j * width, law)
    else:
        fall = 0.0 if ceiling else law.beta * width
        pole = power / (LN2 * reach) if ceiling else law.beta
        pace_on_grid(start, law.lambda_, level, power, log2_w, fall, base, last, log2_pace)
        for j in range(last + 1):
            k[j] = law.lambda_ * gain[j] - pole * inverse[j] - beta_now * smooth[j]
        if law.retraining > 0.0:
            for j in range(last + 1):
                k[j] = retrained(k[j], law.retraining)
    cells_on_grid(log2_pace, k, w, log2_w, dy, reach, last, root, bend, cell)

    for j in range(1, last + 1):
        if abs(bend[j]) > BEND or steep * width >= 1.0:
            change = law.lambda_ * abs(gain[j] - gain[j - 1])
            parts = max(parts_by_bend(bend[j]), parts_by_input(steep, width, change))
            if parts > 1:
                end = width * j
                cell[j] = divided_cell(
                    end - width, end, dy[j], log2_pace[j - 1], base[j - 1], start, law, parts
                )
    peak, ahead, single_peak = _add_up(law, cell, log2_pace, k, width, recent, last, years)

    tail, end = 0.0, math.inf
    if ceiling:
        log2_pace[n] = -math.copysign(math.inf, law.beta)
        more = last_cell(law, reach, width, log2_pace[n - 1], base[n - 1], start, k[n - 1], power)
        years[n] = end = years[n - 1] + more
        peak = max(peak, log2_pace[n])
        ahead = max(ahead, reach - recent * end)
    elif law.doublings_left < math.inf:
        end = years[n]
    else:
        # A slope that is positive here but not in the end makes a very fast path, no singularity.
        tail = k[n] if k[n] <= 0.0 or pace_slope(_ENDLESS, law) > 0.0 else 0.0
        if tail > 0.0 or log2_pace[n] > BEYOND:
            end = years[n] + (math.exp(-log2_pace[n] * LN2) / (tail * LN2) if tail > 0.0 else 0.0)
            peak = ahead = math.inf
        elif tail == 0.0 and log2_pace[n] > math.log2(recent):
            ahead = math.inf
    ends[0], ends[1], ends[2], ends[3], ends[4] = reach, tail, end, peak, ahead
    return single_peak and law.beta >= 0.0


@njit(cache=True, error_model="numpy")
def _add_up(law, cell, log2_pace, k, width, recent, last, years):
    """Fill `years` from the time of each cell. Returns (log2 of the peak pace, most doublings ahead of the trend, single peak)."""
    time, peak, ahead, single_peak, falls = 0.0, log2_pace[0], 0.0, True, False
    years[0] = 0.0
    for j in range(1, last + 1):
        time = time + cell[j] if cell[j] < HUGE else math.inf
        years[j] = time
        low, high = log2_pace[j - 1], log2_pace[j]
        if k[j - 1] > 0.0 > k[j]:
            rise = width * k[j - 1] * k[j - 1] / (2.0 * (k[j - 1] - k[j]))
            if rise > _LINEAR and abs(high - low - width * (k[j - 1] + k[j]) / 2.0) > _LINEAR:
                rise = _rise(width * (j - 1), width * j, law)
            peak = max(peak, low + rise)
        peak = max(peak, high)
        ahead = max(ahead, width * j - recent * time)
        if high < low:
            falls = True
        elif falls and high > low:
            single_peak = False
    return peak, ahead, single_peak


@njit(cache=True, error_model="numpy")
def _rise(x, end, law):
    """Doublings by which the pace rises from x to the place before `end` where its slope changes sign."""
    low, high = x, end
    for _ in range(50):
        middle = 0.5 * (low + high)
        if pace_slope(middle, law) > 0.0:
            low = middle
        else:
            high = middle
    parts = 64
    width, total = (low - x) / parts, 0.0
    for m in range(parts):  # midpoints: the slope may be steep, but it is smooth and falls
        total += pace_slope(x + (m + 0.5) * width, law)
    return total * width


@njit(cache=True, error_model="numpy")
def _reach(law):
    """Doublings that the grid spans: to the ceiling or, without one, to where the pace is exponential or beyond all bounds."""
    if law.doublings_left < math.inf:
        return law.doublings_left
    x, limit = 64.0, pace_slope(_ENDLESS, law)
    if law.sigma_switch < math.inf:
        x = max(x, 2.0 * law.sigma_switch)
    while x < 4e6:
        k = pace_slope(x, law)
        if abs(k - limit) < _ROUNDED and abs(k - pace_slope(2.0 * x, law)) < 1e-10:
            break
        if k > 0.0 and law.lambda_ * input_level(x, law) - law.beta * x > 400.0:
            break
        x *= 2.0
    return x
