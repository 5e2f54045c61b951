"""The time of one cell of a path, between two nodes.

    tau = integral of dx / v = integral of dy w / v,   dx = reach w dy

y is x itself without a ceiling (w = 1), and -log of the share w of the way still to go below one, in which the pole of beta is a
straight line. Within a cell log(v / w) is a line and a parabola: exact for an exponential and for a power of w, corrected for
curvature (fourth order), and divided where it bends too much.
"""

from __future__ import annotations

import math

from ...base.kernels import kernel
from ..law import LN2, input_level, pace_slope
from .elementary import exp2
from .pace import MOST_PARTS, ceiling_power, integrates_slope, retraining, smooth_beta

__all__ = [
    "BEND",
    "HUGE",
    "STEEP",
    "cells_on_grid",
    "divided_cell",
    "end_shape",
    "last_cell",
    "parts_by_bend",
    "time_in_cell",
    "years_towards_ceiling",
]

HUGE = 1e290
"""Years, or years a doubling, that count as never."""

BEND = 0.025
"""Curvature of a cell (nats off its chord) from which it is divided."""

STEEP = 40.0
"""Nats that the pace may change over a cell for its time to be shared out within it; beyond, time is counted from its start."""

_FLAT = 1e-4
"""Nats below which the pace of a cell counts as constant, to second order."""

_DEEP = 20.0
"""Nats of the way still to go over which a last cell whose power changes is divided."""


@kernel
def cells_on_grid(log2_pace, k, w, log2_w, dy, reach, last, root, bend, cell):
    """Bend and time of the cell before each node, undivided; `root` is scratch."""
    for j in range(last + 1):
        root[j] = exp2(0.5 * (log2_w[j] - log2_pace[j]))
    for j in range(1, last + 1):
        s = LN2 * (log2_pace[j] - log2_pace[j - 1] - (log2_w[j] - log2_w[j - 1]))
        bend[j] = LN2 * reach * dy[j] * (k[j - 1] * w[j - 1] - k[j] * w[j]) / 8.0
        cell[j] = reach * dy[j] * _mean_slowness(root[j - 1], root[j], s, bend[j])


@kernel
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


@kernel
def time_in_cell(part, span, width, low, high):
    """Years into a cell, which lasts `span`, to its `part` (0 to 1), the log2 pace being a line from `low` to `high`."""
    rise = high - low
    s = rise * LN2
    if abs(s) < _FLAT:
        share = part * (1.0 + 0.5 * s * (1.0 - part) * (1.0 + s * (1.0 - 2.0 * part) / 6.0))
    elif abs(s) < STEEP:
        share = (1.0 - exp2(-rise * part)) / (1.0 - exp2(-rise))
    if span < math.inf and abs(s) < STEEP:
        return span * share
    return min(span, width * math.exp(-low * LN2) * -math.expm1(-s * part) / s)


@kernel
def end_shape(span, width, before, low):
    """(slope, power) of the last cell: the power from its finite time or, where it has none, from the fall of the cell before."""
    power = 1.0 - width * math.exp(-low * LN2) / span if 0.0 < span < math.inf else max(1.0, before - low)
    return -power / (LN2 * width), power


@kernel
def parts_by_bend(bend):
    return int(min(MOST_PARTS, math.ceil(math.sqrt(abs(bend) / BEND)))) if abs(bend) > BEND else 1


@kernel
def divided_cell(x, end, dy, low, base, start, law, parts):
    """Time of a cell from x to `end`, `dy` in y, cut into equal parts of y, each with its own exact ends."""
    reach, ceiling = (
        law.doublings_left,
        law.doublings_left < math.inf and law.beta != 0.0 and not integrates_slope(law),
    )
    power, beta_now, shaped = ceiling_power(law)
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
        if law.retraining > 0.0:
            base += retraining(before, at - before, law)
        if shaped and ceiling:
            base -= beta_now * (at - before) * smooth_beta(0.5 * (before + at), law)
        high = start + base - math.log2(w)
        if not integrates_slope(law):
            high += law.lambda_ * input_level(at, law)
            high += power * math.log2(w) if ceiling else -law.beta * at
        k = w * pace_slope(at, law)
        end_root = exp2(-0.5 * high)
        bend = LN2 * reach * h * (last_k - k) / 8.0
        years += reach * h * _mean_slowness(root, end_root, (high - low) * LN2, bend)
        low, last_k, root, before = high, k, end_root, at
    return years


@kernel
def last_cell(law, reach, width, low, base, start, k, power):
    """Time of the cell that ends at the ceiling. Where experiments have a technology of their own the power of w itself changes on
    the way: the cell is divided deep into it, and ends with the power that holds there."""
    if math.isnan(law.experiment_beta) or law.labour_share_asara == 1.0:
        return years_towards_ceiling(width, 1.0, low, k, power)
    distance = width * math.exp(-_DEEP)
    before, at = reach - width, reach - distance
    years = divided_cell(before, at, _DEEP, low, base, start, law, MOST_PARTS)
    k = pace_slope(at, law)
    low = start + base + law.lambda_ * input_level(at, law) + power * math.log2(distance / reach)
    return years + years_towards_ceiling(distance, 1.0, low, k, -k * distance * LN2)


@kernel
def _moment(log_left, left_power, exponent):
    """Integral of z^(exponent - 1) from z = left to 1, `left_power` being left^exponent."""
    return -log_left if abs(exponent) < 1e-9 else (1.0 - left_power) / exponent


@kernel
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
