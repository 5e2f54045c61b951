"""What the log density is made of, each a compiled function that also gives its slopes."""

from __future__ import annotations

import math

from ..base.kernels import kernel
from ..data.families import SCORE_LIMIT
from .asara import LEAST_SHARE, MOST_LOG
from .prior_curves import CELLS

__all__ = ["curve", "history", "on_scale", "quantile", "share_at_asara"]


@kernel
def quantile(data, first, start, score):
    """Value and slope of a quantile curve at a score: its cells begin at `first`, its pieces at `start`."""
    place = (score + SCORE_LIMIT) * (CELLS / (2 * SCORE_LIMIT))
    cell = min(int(place), CELLS - 1) if place > 0 else 0  # NaN is in the first, and its value NaN
    low, high = int(data[first + cell]), int(data[first + cell + 1])
    while low < high:
        middle = (low + high + 1) // 2
        if data[start + 6 * middle] <= score:
            low = middle
        else:
            high = middle - 1
    at = start + 6 * low
    width = data[at + 1]
    t, c1, c2, c3 = (score - data[at]) / width, data[at + 3], data[at + 4], data[at + 5]
    return data[at + 2] + t * (c1 + t * (c2 + t * c3)), (c1 + t * (2 * c2 + t * 3 * c3)) / width


@kernel
def curve(data, start, pieces, position):
    """Value and slope at a position between 0 and `pieces` of the cubics that begin at `start`."""
    piece = min(int(position), pieces - 1) if position > 0 else 0
    t, at = position - piece, start + 4 * piece
    c1, c2, c3 = data[at + 1], data[at + 2], data[at + 3]
    return data[at] + t * (c1 + t * (c2 + t * c3)), c1 + t * (2 * c2 + t * 3 * c3)


@kernel
def history(data, start, pieces, deviation, log_lambda):
    """Log density of a raw history (`history_density`), and its slopes in the deviation and in log lambda."""
    cells = int(data[start + 4])
    position = (deviation - data[start]) / data[start + 1]
    inside = min(max(position, 0.0), float(pieces))
    piece = min(int(inside), pieces - 1)
    place = (log_lambda - data[start + 2]) / data[start + 3]
    within = min(max(place, 0.0), float(cells))
    cell = min(int(within), cells - 1)
    t, u = inside - piece, within - cell
    at = start + 5 + 16 * (piece * cells + cell)
    value, of_t, of_u, of_tu, power, slope_power = 0.0, 0.0, 0.0, 0.0, 1.0, 0.0
    for i in range(4):
        c0, c1, c2, c3 = data[at + 4 * i], data[at + 4 * i + 1], data[at + 4 * i + 2], data[at + 4 * i + 3]
        along = c0 + u * (c1 + u * (c2 + u * c3))
        rise = c1 + u * (2 * c2 + u * 3 * c3)
        value += along * power
        of_t += along * slope_power
        of_u += rise * power
        of_tu += rise * slope_power
        slope_power = (i + 1) * power
        power *= t
    if position != inside:
        beyond = position - inside
        if (beyond < 0) == (of_t < 0):
            of_t, of_tu = 0.0, 0.0
        value += beyond * of_t
        of_u += beyond * of_tu
    if within != place:
        of_u = 0.0
    return value, of_t / data[start + 1], of_u / data[start + 3]


@kernel
def share_at_asara(share, log_speedup, log_lambda, log_sigma, reached):
    """Labour's share at ASARA, and its slopes in the four (`asara.share_at_asara`)."""
    kappa, per = 1 - math.exp(-log_sigma), math.exp(-log_lambda) / (1.0 if reached else share)
    whole = kappa * log_speedup * per
    shift = min(max(whole, -MOST_LOG), MOST_LOG)
    if reached:
        after, of_share, of_shift = (
            share - (1 - share) * math.expm1(-shift),
            math.exp(-shift),
            (1 - share) * math.exp(-shift),
        )
    else:
        rising, falling = share * math.exp(min(shift, 0.0)), (1 - share) * math.exp(-max(shift, 0.0))
        after = rising / (rising + falling)
        of_shift = after * falling / (rising + falling)
        of_share = of_shift / (share * (1 - share)) if share < 1 else 0.0
        if shift == whole:
            of_share -= of_shift * shift / share
    if after <= LEAST_SHARE:
        return LEAST_SHARE, 0.0, 0.0, 0.0, 0.0
    if shift != whole:
        of_shift = 0.0
    return (
        after,
        of_share,
        of_shift * kappa * per,
        -of_shift * shift,
        of_shift * math.exp(-log_sigma) * log_speedup * per,
    )


@kernel
def on_scale(value, scale, in_logs):
    """A quantity, given in logs or itself, on the scale of a row, and its slope."""
    natural = math.exp(value) if in_logs else value
    if scale == 0:
        return (value, 1.0) if in_logs else (math.log(value), 1 / value)
    if scale == 1:
        logit = math.log(natural) - math.log1p(-natural)
        return logit, 1 / (1 - natural) if in_logs else 1 / (natural * (1 - natural))
    return natural, natural if in_logs else 1.0
