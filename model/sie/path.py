"""The kernel that computes one path: the pace and the time of each of its nodes, from the law of one draw.

    tau = integral of dx / v = integral of dy w / v,   dx = reach w dy

Nodes are even in x. Time is integrated in y: x itself without a ceiling (w = 1), and -log of the share w of the way still to go
below one, in which the pole of beta is a straight line. Within a cell log(v / w) is a line and a parabola: exact for an
exponential and for a power of w, corrected for curvature (fourth order), and divided where it bends too much. What has no closed
form (a fall of r of another shape, retraining) is integrated along x first. It knows the growth law and no event.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .elementary import exp2, log2
from .growth import (
    AUTOMATION,
    BETA,
    EXPERIMENT_BETA,
    GAIN,
    GAINED,
    KAPPA,
    KAPPA_LATER,
    LAMBDA,
    LEFT,
    LN2,
    RETRAIN,
    SHAPE,
    SHARE,
    SWITCH,
    TASK_KAPPA,
    beta,
    input_gain,
    input_level,
    pace_slope,
    research_input,
    retrained,
)

__all__ = [
    "BEYOND",
    "ENDS",
    "END_VARIABLES",
    "HUGE",
    "WORK",
    "compute_path",
    "grids",
    "years_towards_ceiling",
]

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

HUGE = 1e290
"""Years, or years a doubling, that count as never."""

BEYOND = 1000.0
"""log2 of a pace at which no time passes any more."""

_BEND = 0.025
"""Curvature of a cell (nats off its chord) from which it is divided."""

_MOST_PARTS = 256
"""Parts that a cell is divided into at most."""

_ENDLESS = 1e9
"""Doublings at which the slope of a law without a ceiling is taken as its limit."""

_DEEP = 20.0
"""Nats of the way still to go over which a last cell whose power changes is divided."""

_GAUSS = (0.1127016653792583, 0.5, 0.8872983346207417)
_GAUSS_WEIGHT = (5 / 18, 8 / 18, 5 / 18)


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
    reach, direct = _reach(law), _direct(law)
    width = reach / n
    ceiling = law[LEFT] < math.inf and law[BETA] != 0.0 and not direct
    grid = tables[1] if ceiling else tables[0]
    w, log2_w, inverse, dy = grid[0], grid[1], grid[2], grid[3]
    last = n - 1 if ceiling else n
    gain, level, base, smooth = work[0], work[1], work[2], work[3]
    k, root, cell, bend = work[4], work[5], work[6], work[7]
    power, beta_now, shaped = _pole(law)

    _input_on_grid(law, width, last, gain, level)
    steep = 0.0 if law[SHARE] == 1.0 and law[AUTOMATION] == 1.0 else _steepness(law)
    base[:] = 0.0
    smooth[:] = 0.0
    if shaped and not direct:
        _smooth_on_grid(law, width, smooth, base, beta_now)
    if law[RETRAIN] > 0.0:
        _retraining_on_grid(law, width, last, gain, steep, base)
    if direct:
        for j in range(last + 1):
            log2_pace[j], k[j] = start + base[j], pace_slope(j * width, law)
    else:
        fall = 0.0 if ceiling else law[BETA] * width
        pole = power / (LN2 * reach) if ceiling else law[BETA]
        _pace_on_grid(start, law[LAMBDA], level, power, log2_w, fall, base, last, log2_pace)
        for j in range(last + 1):
            k[j] = law[LAMBDA] * gain[j] - pole * inverse[j] - beta_now * smooth[j]
        if law[RETRAIN] > 0.0:
            for j in range(last + 1):
                k[j] = retrained(k[j], law[RETRAIN])
    _cells(log2_pace, k, w, log2_w, dy, reach, last, root, bend, cell)

    time, peak, ahead = 0.0, start, 0.0
    single_peak, falls = True, False
    years[0] = 0.0
    may_be_steep = steep * width >= 1.0
    for j in range(1, last + 1):
        more = cell[j]
        if may_be_steep or abs(bend[j]) > _BEND:
            parts = _parts_by_bend(bend[j])
            if may_be_steep:
                parts = max(parts, _parts_by_input(steep, width, law[LAMBDA] * abs(gain[j] - gain[j - 1])))
            if parts > 1:
                end = width * j
                more = _divided_cell(
                    end - width, end, dy[j], log2_pace[j - 1], base[j - 1], start, law, parts
                )
        time = time + more if more < HUGE else math.inf
        years[j] = time
        high = log2_pace[j]
        if k[j - 1] > 0.0 and k[j] < 0.0:
            peak = max(peak, log2_pace[j - 1] + width * k[j - 1] * k[j - 1] / (2.0 * (k[j - 1] - k[j])))
        peak = max(peak, high)
        ahead = max(ahead, width * j - recent * time)
        if high < log2_pace[j - 1]:
            falls = True
        elif falls and high > log2_pace[j - 1]:
            single_peak = False

    tail, end = 0.0, math.inf
    if ceiling:
        log2_pace[n] = -math.copysign(math.inf, law[BETA])
        years[n] = end = time + _last_cell(
            law, reach, width, log2_pace[n - 1], base[n - 1], start, k[n - 1], power
        )
        peak = max(peak, log2_pace[n])
        ahead = max(ahead, reach - recent * end)
    elif law[LEFT] < math.inf:
        end = time
    else:
        tail = k[n]
        if pace_slope(_ENDLESS, law) <= 0.0 < tail:
            tail = 0.0
            peak = ahead = math.inf
        elif log2_pace[n] > BEYOND:
            end = time
        elif tail > 0.0:
            end = time + math.exp(-log2_pace[n] * LN2) / (tail * LN2)
        if tail > 0.0 or log2_pace[n] > BEYOND:
            peak = ahead = math.inf
        elif tail == 0.0 and math.exp(log2_pace[n] * LN2) > recent:
            ahead = math.inf
    ends[0], ends[1], ends[2], ends[3], ends[4] = reach, tail, end, peak, ahead
    return single_peak and law[BETA] >= 0.0


@njit(cache=True, error_model="numpy")
def _pace_on_grid(start, lambda_, level, power, log2_w, fall, base, last, log2_pace):
    """log2 of the pace at the nodes, where the law has a closed form but for `base`."""
    for j in range(last + 1):
        log2_pace[j] = start + lambda_ * level[j] + power * log2_w[j] - fall * j + base[j]


@njit(cache=True, error_model="numpy")
def _cells(log2_pace, k, w, log2_w, dy, reach, last, root, bend, cell):
    """Bend and time of the cell before each node, undivided; `root` is scratch."""
    for j in range(last + 1):
        root[j] = exp2(0.5 * (log2_w[j] - log2_pace[j]))
    for j in range(1, last + 1):
        s = LN2 * (log2_pace[j] - log2_pace[j - 1] - (log2_w[j] - log2_w[j - 1]))
        bend[j] = LN2 * reach * dy[j] * (k[j - 1] * w[j - 1] - k[j] * w[j]) / 8.0
        cell[j] = reach * dy[j] * _mean_slowness(root[j - 1], root[j], s, bend[j])


@njit(cache=True, error_model="numpy")
def _reach(law):
    """Doublings that the grid spans: to the ceiling or, without one, to where the pace is exponential or beyond all bounds."""
    if law[LEFT] < math.inf:
        return law[LEFT]
    x, limit = 64.0, pace_slope(_ENDLESS, law)
    if law[SWITCH] < math.inf:
        x = max(x, 2.0 * law[SWITCH])
    while x < 4e6:
        k = pace_slope(x, law)
        if abs(k - limit) < 1e-10:
            break
        if k > 0.0 and law[LAMBDA] * input_level(x, law) - law[BETA] * x > 400.0:
            break
        x *= 2.0
    return x


@njit(cache=True, error_model="numpy")
def _direct(law):
    """Whether the whole slope is integrated by quadrature: where retraining bounds it at the ceiling."""
    return law[RETRAIN] >= 2.0 or (law[RETRAIN] == 1.0 and law[BETA] < 0.0 and law[LEFT] < math.inf)


@njit(cache=True, error_model="numpy")
def _pole(law):
    """(power of w with which the pace falls at the ceiling, beta_now, whether the shape is not 1)."""
    if law[LEFT] == math.inf:
        return 0.0, law[BETA], False
    if law[SHAPE] == 1.0:
        return law[BETA] * law[LEFT] * LN2, law[BETA], False
    whole = law[GAINED] + law[LEFT]
    beta_now = law[BETA] * (1.0 - (law[GAINED] / whole) ** law[SHAPE])
    return beta_now * whole / law[SHAPE] * LN2, beta_now, True


@njit(cache=True, error_model="numpy")
def _input_on_grid(law, width, last, gain, level):
    """`growth.research_input` at the nodes: a loop that is vectorised for a constant share and for a plain CES."""
    a, epsilon, kappa = law[SHARE], law[GAIN], law[KAPPA]
    plain = law[SWITCH] == math.inf and law[AUTOMATION] == 1.0 and math.isnan(law[EXPERIMENT_BETA])
    apart = 1.0 - epsilon
    tilt = -abs(kappa * apart) * width
    if plain and (a == 1.0 or kappa * apart == 0.0):
        constant = a + (1.0 - a) * epsilon
        for j in range(last + 1):
            gain[j] = constant
            level[j] = constant * width * j
    elif plain and -tilt * last > 1e-4:
        rises = kappa * apart > 0.0
        fixed, falling = (a, 1.0 - a) if rises else (1.0 - a, a)
        share_fixed, share_falling = (a, 0.0) if rises else (0.0, a)
        along = width if rises else width * epsilon
        for j in range(last + 1):
            fallen = exp2(tilt * j)
            whole = fixed + falling * fallen
            share = (share_fixed + share_falling * fallen) / whole
            gain[j] = epsilon + apart * share
            level[j] = along * j + log2(whole) / kappa
    else:
        for j in range(last + 1):
            gain[j], level[j] = research_input(j * width, law)


@njit(cache=True, error_model="numpy")
def _steepness(law):
    """How fast shares can change, per doubling."""
    return abs(law[KAPPA]) + abs(law[TASK_KAPPA]) + abs(law[KAPPA_LATER])


@njit(cache=True, error_model="numpy")
def _parts_by_bend(bend):
    return int(min(_MOST_PARTS, math.ceil(math.sqrt(abs(bend) / _BEND)))) if abs(bend) > _BEND else 1


@njit(cache=True, error_model="numpy")
def _parts_by_input(steep, width, change):
    """Parts of a cell within which shares may turn, `change` being what k changes by over it."""
    if change * width <= 1e-3:
        return 1
    return int(min(_MOST_PARTS, max(1.0, min(width * steep * 2.0, 200.0 * math.sqrt(change * width)))))


@njit(cache=True, error_model="numpy")
def _smooth_beta(x, law):
    """beta(x) less its pole at the ceiling, for a shape other than 1, in units of beta_now."""
    whole = law[GAINED] + law[LEFT]
    w, shape = (law[LEFT] - x) / whole, law[SHAPE]
    if w * (shape + 1.0) < 1e-4:
        return (shape - 1.0) / (2.0 * shape) + w * (shape * shape - 1.0) / (12.0 * shape)
    return -1.0 / math.expm1(shape * math.log1p(-w)) - 1.0 / (shape * w)


@njit(cache=True, error_model="numpy")
def _smooth_on_grid(law, width, smooth, base, beta_now):
    """`_smooth_beta` at the nodes, and what it takes from the log pace until each: its integral, by cubics through four nodes."""
    n = len(smooth) - 1
    shape, whole = law[SHAPE], law[GAINED] + law[LEFT]
    for j in range(1, n):
        u = (law[GAINED] + j * width) / whole
        smooth[j] = 1.0 / (1.0 - exp2(shape * log2(u))) - whole / (shape * width * (n - j))
    smooth[0], smooth[n] = _smooth_beta(0.0, law), _smooth_beta(law[LEFT], law)
    scale = -beta_now * width / 24.0
    base[1] = scale * (9.0 * smooth[0] + 19.0 * smooth[1] - 5.0 * smooth[2] + smooth[3])
    for j in range(2, n):
        base[j] = base[j - 1] + scale * (13.0 * (smooth[j - 1] + smooth[j]) - smooth[j - 2] - smooth[j + 1])
    base[n] = base[n - 1] + scale * (
        9.0 * smooth[n] + 19.0 * smooth[n - 1] - 5.0 * smooth[n - 2] + smooth[n - 3]
    )


@njit(cache=True, error_model="numpy")
def _retraining_on_grid(law, width, last, gain, steep, base):
    """Add to `base` what retraining takes from the log pace until each node."""
    total = 0.0
    for j in range(1, last + 1):
        parts = _parts_by_input(steep, width, law[LAMBDA] * abs(gain[j] - gain[j - 1]))
        for m in range(parts):
            total += _retraining(width * (j - 1 + m / parts), width / parts, law)
        base[j] += total


@njit(cache=True, error_model="numpy")
def _retraining(x, width, law):
    """What retraining takes from the log pace over [x, x + width]: k becomes k less k^2 / (1 + k) where k > 0. The interval is cut
    where k changes sign, so that the integrand is smooth. Other rules, and ours below some ceilings, integrate the whole slope."""
    direct = _direct(law)
    if not direct:
        first, second = _untrained(x, law), _untrained(x + width, law)
        if (first > 0.0) != (second > 0.0) and not math.isinf(second):
            cut = width * first / (first - second)
            x, width = (x, cut) if first > 0.0 else (x + cut, width - cut)
    total = 0.0
    for g in range(3):
        at = x + _GAUSS[g] * width
        if direct:
            total += _GAUSS_WEIGHT[g] * pace_slope(at, law)
        else:
            k = _untrained(at, law)
            total -= _GAUSS_WEIGHT[g] * (k * k / (1.0 + k) if k > 0.0 else 0.0)
    return total * width


@njit(cache=True, error_model="numpy")
def _untrained(x, law):
    """k(x) without retraining."""
    return law[LAMBDA] * input_gain(x, law) - beta(x, law)


@njit(cache=True, error_model="numpy")
def _mean_slowness(root, end_root, s, bend):
    """Mean of w / v over a cell: `root` and `end_root` are (v / w)^(-1/2) at its ends, s the nats that v / w gains over it, `bend`
    the nats of v / w above the chord of its log at the middle. inf where the pace is none."""
    begin, end = root * root, end_root * end_root
    q = s * s
    line = 1.0 + q * (1.0 / 24.0 + q * (1.0 / 1920.0 + q * (1.0 / 322560.0 + q * (1.0 / 92897280.0))))
    parabola = 1.0 / 6.0 + q * (1.0 / 240.0 + q * (1.0 / 26880.0 + q * (1.0 / 5806080.0)))
    flat = root * end_root * (line - 4.0 * bend * (parabola - bend / 15.0))
    i = 1.0 / s
    cube = i * i * i
    line = (begin - end) * i
    parabola = ((s - 2.0) * begin + (s + 2.0) * end) * cube
    square = 4.0 * ((q - 6.0 * s + 12.0) * begin - (q + 6.0 * s + 12.0) * end) * cube * i * i
    steep = line - 4.0 * bend * (parabola - bend * square)
    mean = flat if abs(s) < 1.0 else steep
    return mean if begin + end < HUGE else math.inf


@njit(cache=True, error_model="numpy")
def _divided_cell(x, end, dy, low, base, start, law, parts):
    """Time of a cell from x to `end`, `dy` in y, cut into equal parts of y, each with its own exact ends."""
    reach, ceiling = law[LEFT], law[LEFT] < math.inf and law[BETA] != 0.0 and not _direct(law)
    power, beta_now, shaped = _pole(law)
    if not ceiling:
        reach = (end - x) / dy
    years, h, before = 0.0, dy / parts, x
    w = 1.0 - x / reach if ceiling else 1.0
    log_w = math.log2(w)
    low -= log_w
    root, last_k = exp2(-0.5 * low), w * pace_slope(x, law)
    for m in range(1, parts + 1):
        if ceiling:
            w = math.exp(log_w * LN2 - m * h)
        at = reach * (1.0 - w) if ceiling else x + m * (end - x) / parts
        if law[RETRAIN] > 0.0:
            base += _retraining(before, at - before, law)
        if shaped and ceiling:
            base -= beta_now * (at - before) * _smooth_beta(0.5 * (before + at), law)
        high = start + base - math.log2(w)
        if not _direct(law):
            high += law[LAMBDA] * input_level(at, law)
            high += power * math.log2(w) if ceiling else -law[BETA] * at
        k = w * pace_slope(at, law)
        end_root = exp2(-0.5 * high)
        bend = LN2 * reach * h * (last_k - k) / 8.0
        years += reach * h * _mean_slowness(root, end_root, (high - low) * LN2, bend)
        low, last_k, root, before = high, k, end_root, at
    return years


@njit(cache=True, error_model="numpy")
def _last_cell(law, reach, width, low, base, start, k, power):
    """Time of the cell that ends at the ceiling. Where experiments have a technology of their own the power of w itself changes on
    the way: the cell is divided deep into it, and ends with the power that holds there."""
    if math.isnan(law[EXPERIMENT_BETA]) or law[SHARE] == 1.0:
        return years_towards_ceiling(width, 1.0, low, k, power)
    distance = width * math.exp(-_DEEP)
    before, at = reach - width, reach - distance
    years = _divided_cell(before, at, _DEEP, low, base, start, law, _MOST_PARTS)
    k = pace_slope(at, law)
    low = start + base + law[LAMBDA] * input_level(at, law) + power * math.log2(distance / reach)
    return years + years_towards_ceiling(distance, 1.0, low, k, -k * distance * LN2)


@njit(cache=True, error_model="numpy")
def _moment(log_left, left_power, exponent):
    """Integral of z^(exponent - 1) from z = left to 1, `left_power` being left^exponent."""
    return -log_left if abs(exponent) < 1e-9 else (1.0 - left_power) / exponent


@njit(cache=True, error_model="numpy")
def years_towards_ceiling(distance, part, low, slope, power):
    """Time to cross the first `part` (0 to 1) of the `distance` left to the ceiling, where v falls as the distance to a power.

    `low` and `slope` are the log2 pace and k at the start; what is left of k without its pole acts through the mean and the
    variance of the place at which time is spent. inf at the ceiling iff the power is at least 1.
    """
    left, b = 1.0 - part, 1.0 - power
    if left <= 0.0 and b <= 0.0:
        return math.inf
    log_left = math.log(left) if left > 0.0 else -math.inf
    scale = math.exp(b * log_left) if left > 0.0 else 0.0
    whole = _moment(log_left, scale, b)
    smooth = slope * LN2 * distance + power
    if whole < math.inf and whole > 0.0:
        mean = _moment(log_left, scale * left, b + 1.0) / whole
        variance = _moment(log_left, scale * left * left, b + 2.0) / whole - mean * mean
        whole *= math.exp(-smooth * (1.0 - mean)) * (1.0 + 0.5 * smooth * smooth * max(variance, 0.0))
    years = distance * math.exp(-low * LN2) * whole
    return years if years < HUGE else math.inf
