"""One path: the time and the pace of each of its nodes, and how it ends, from the law of one draw.

Nodes run from ASARA to the reach: the ceiling or, without one, a level from which the pace is exponential, whose tail is
exact. They are even in x or, where that would leave them too far apart, ever wider apart: x = reach (e^(s u) - 1) / (e^s - 1) with u
even and s the `stretch`, since what happens below a far ceiling happens early. `pace` gives the log pace at the nodes, `cells` the time between them.
"""

from __future__ import annotations

import math

import numpy as np

from ...base.kernels import kernel
from ..law import LN2, input_level, pace_slope, retrained
from .cells import (
    BEND,
    HUGE,
    cells_on_grid,
    divided_cell,
    end_shape,
    last_cell,
    parts_by_bend,
    time_in_cell,
    years_towards_ceiling,
)
from .elementary import log2
from .pace import (
    ceiling_power,
    input_on_grid,
    integrates_slope,
    pace_on_grid,
    parts_by_input,
    retraining_on_grid,
    smooth_on_grid,
    smooth_on_stretched_grid,
    steepness,
)

__all__ = ["BEYOND", "ENDS", "END_VARIABLES", "WORK", "compute_path", "grids"]

END_VARIABLES = {
    "reach": "labour doublings",
    "tail_slope": "doublings of the pace per doubling of software",
    "end_years": "years since ASARA",
    "peak_log2_pace": "log2 of software doublings per year",
    "most_ahead": "labour doublings",
    "stretch": "1",
}
"""What `compute_path` says of a whole path, with units, in its order."""

ENDS = len(END_VARIABLES)

WORK = 13
"""Rows of scratch space that `compute_path` needs, each as long as a path."""

WIDEST = 2.0
"""Doublings between even nodes, from which they are placed ever wider apart."""

FIRST = 1.0
"""Doublings of the first cell there."""

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


@kernel
def compute_path(law, start, recent, tables, work, years, log2_pace, ends):
    """Fill `years`, `log2_pace` and `ends` (END_VARIABLES) of one path. Returns whether the pace has a single peak."""
    n = len(years) - 1
    reach, direct = _reach(law), integrates_slope(law)
    width, stretch = reach / n, _stretch(reach, n)
    ceiling = law.doublings_left < math.inf and law.beta != 0.0 and not direct
    grid, x = tables[1] if ceiling else tables[0], work[8]
    last = n - 1 if ceiling else n
    for j in range(n + 1):
        x[j] = width * j
    if stretch > 0.0:
        grid = work[9:]
        _stretched(grid, x, reach, stretch, ceiling, last)
    w, log2_w, inverse, dy = grid[0], grid[1], grid[2], grid[3]
    gain, level, base, smooth = work[0], work[1], work[2], work[3]
    k, root, cell, bend = work[4], work[5], work[6], work[7]
    power, beta_now, shaped = ceiling_power(law)

    input_on_grid(law, x, last, gain, level)
    steep = 0.0 if law.labour_share_asara == 1.0 and law.automation == 1.0 else steepness(law)
    base[:] = 0.0
    smooth[:] = 0.0
    if shaped and not direct:
        if stretch == 0.0:
            smooth_on_grid(law, width, smooth, base, beta_now)
        else:
            smooth_on_stretched_grid(law, x, smooth, base, beta_now)
    if law.retraining > 0.0:
        retraining_on_grid(law, x, last, gain, steep, base)
    if direct:
        for j in range(last + 1):
            log2_pace[j], k[j] = start + base[j], pace_slope(x[j], law)
    else:
        fall = 0.0 if ceiling else law.beta
        pole = power / (LN2 * reach) if ceiling else law.beta
        pace_on_grid(start, law.lambda_, level, power, log2_w, fall, x, base, last, log2_pace)
        for j in range(last + 1):
            k[j] = law.lambda_ * gain[j] - pole * inverse[j] - beta_now * smooth[j]
        if law.retraining > 0.0:
            for j in range(last + 1):
                k[j] = retrained(k[j], law.retraining)
    cells_on_grid(log2_pace, k, w, log2_w, dy, reach, last, root, bend, cell)

    for j in range(1, last + 1):
        wide = x[j] - x[j - 1]
        if abs(bend[j]) > BEND or steep * wide >= 1.0:
            change = law.lambda_ * abs(gain[j] - gain[j - 1])
            parts = max(parts_by_bend(bend[j]), parts_by_input(steep, wide, change))
            if parts > 1:
                cell[j] = divided_cell(
                    x[j - 1], x[j], dy[j], log2_pace[j - 1], base[j - 1], start, law, parts
                )
    peak, ahead, single_peak = _add_up(law, cell, log2_pace, k, x, recent, last, years)

    tail, end = 0.0, math.inf
    if ceiling:
        log2_pace[n] = -math.copysign(math.inf, law.beta)
        wide = reach - x[n - 1]
        more = last_cell(law, reach, wide, log2_pace[n - 1], base[n - 1], start, k[n - 1], power)
        years[n] = end = years[n - 1] + more
        peak = max(peak, log2_pace[n])
        ahead = max(ahead, reach - recent * end)
        fall = log2_pace[n - 1] - math.log2(recent)
        if fall > 0.0 and years[n - 1] < math.inf and law.beta > 0.0:
            slope, power = end_shape(more, wide, log2_pace[n - 2], log2_pace[n - 1])
            part = 1.0 - math.exp(-fall * LN2 / power) if power > 0.0 else 1.0
            time = years[n - 1] + years_towards_ceiling(wide, part, log2_pace[n - 1], slope, power)
            ahead = max(ahead, x[n - 1] + part * wide - recent * time)
    elif law.doublings_left < math.inf:
        end = years[n]
    else:
        # A slope that is positive here but not in the end makes a very fast path, no singularity.
        tail = k[n] if k[n] <= 0.0 or pace_slope(_ENDLESS, law) > 0.0 else 0.0
        if tail > 0.0 or log2_pace[n] > BEYOND:
            end = years[n] + (math.exp(-log2_pace[n] * LN2) / (tail * LN2) if tail > 0.0 else 0.0)
            peak = ahead = math.inf
        elif log2_pace[n] > math.log2(recent):
            ahead = _ahead_beyond(reach, years[n], log2_pace[n], tail, recent)
    ends[0], ends[1], ends[2], ends[3], ends[4], ends[5] = reach, tail, end, peak, ahead, stretch
    return single_peak and law.beta >= 0.0


@kernel
def _stretch(reach, cells):
    """s of a stretched grid whose first cell is FIRST doublings wide, by bisection; 0 where even nodes are close enough."""
    if reach <= WIDEST * cells:
        return 0.0
    low, high = 0.0, 100.0
    for _ in range(60):
        s = 0.5 * (low + high)
        if reach * math.expm1(s / cells) > FIRST * math.expm1(s):
            low = s
        else:
            high = s
    return high


@kernel
def _stretched(grid, x, reach, stretch, ceiling, last):
    """Fill the levels x of a stretched grid and, as in `grids`, w, log2 w, 1 / w and dy of the cell before."""
    n = len(x) - 1
    for j in range(n + 1):
        x[j] = reach * math.expm1(stretch * j / n) / math.expm1(stretch)
    for j in range(last + 1):
        w = 1.0 - x[j] / reach if ceiling else 1.0
        grid[0, j], grid[1, j], grid[2, j] = w, log2(w), 1.0 / w
        if j > 0:
            grid[3, j] = math.log(grid[0, j - 1] / w) if ceiling else (x[j] - x[j - 1]) / reach


@kernel
def _ahead_beyond(reach, years, log2_pace, tail, recent):
    """Most doublings ahead of the trend beyond the last node without a ceiling: where the pace has fallen to the recent one."""
    if tail == 0.0:
        return math.inf
    slowness = math.exp(-log2_pace * LN2)
    return reach - recent * years + (log2_pace - math.log2(recent) + (recent * slowness - 1.0) / LN2) / -tail


@kernel
def _add_up(law, cell, log2_pace, k, x, recent, last, years):
    """Fill `years` from the time of each cell. Returns (log2 of the peak pace, most doublings ahead of the trend, single peak)."""
    time, peak, ahead, single_peak, falls = 0.0, log2_pace[0], 0.0, True, False
    log2_recent = math.log2(recent)
    years[0] = 0.0
    for j in range(1, last + 1):
        time = time + cell[j] if cell[j] < HUGE else math.inf
        years[j] = time
        low, high, width = log2_pace[j - 1], log2_pace[j], x[j] - x[j - 1]
        if k[j - 1] > 0.0 > k[j]:
            rise = width * k[j - 1] * k[j - 1] / (2.0 * (k[j - 1] - k[j]))
            if rise > _LINEAR and abs(high - low - width * (k[j - 1] + k[j]) / 2.0) > _LINEAR:
                rise = _rise(x[j - 1], x[j], law)
            peak = max(peak, low + rise)
        peak = max(peak, high)
        ahead = max(ahead, x[j] - recent * time)
        if low > log2_recent > high:
            part = (low - log2_recent) / (low - high)
            slow = years[j - 1] + time_in_cell(part, cell[j], width, low, high)
            ahead = max(ahead, x[j - 1] + part * width - recent * slow)
        if high < low:
            falls = True
        elif falls and high > low:
            single_peak = False
    return peak, ahead, single_peak


@kernel
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


@kernel
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
