"""The log density of a `Design` and its gradient, written out in one loop over the evidence rows.

    d_i = L_i . (log r, log f, z_input) + t_i . (log q_i, log g_L, log g_C) - log r_hat_i
    log p = log sum_c w_c prod_i f_i(d_i(c)) - sum of x^2 / 2 + constant                   x all latents, standard normal

in the letters of `equations` and `inputs`, which say what this must equal: tests hold values and gradients of this and of the
graph together for every form of a view. The sum is over the combinations c of the parts of mixtures, each quantity at its
part's own quantile curve: a mixture's own curve may jump, which NUTS cannot follow. Without a mixture there is one combination.
It exists for speed alone: the compiled graph allocates an array at each of its 200 steps.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import carray, cfunc, types

from ..base.kernels import cached, kernel
from ..data.families import SCORE_LIMIT
from ..data.quantities import ADJUSTMENTS
from .equations import LEAST_SHARE, MOST_LOG_SHIFT
from .prior_curves import CELLS
from .row_density import PIECES

if TYPE_CHECKING:
    from .design import Design

__all__ = ["density_c", "expand_c", "log_density", "log_parts", "pack"]

HEAD = 13
"""Numbers before the arrays of packed data, see `pack`."""

LOG_NORMAL = -0.5 * math.log(2 * math.pi)


def pack(design: Design) -> np.ndarray:
    """A design in one vector, as `log_density` reads it; loadings without their zeros."""
    knots, cubic = design.curves
    parts, log_weight = design.parts
    rows, columns = np.nonzero(design.loadings)
    first = np.searchsorted(rows, np.arange(len(design.loadings) + 1))
    arrays = [
        parts,
        log_weight,
        *_curves(knots, cubic),
        *(design.remoteness, design.terms, design.growth, design.input_idx, design.observed),
        *(design.row_grids[name] for name in ("grid", "error", "tails", "sd")),
        *(first, columns, design.loadings[rows, columns]),
    ]
    curves, most_pieces, _ = cubic.shape
    combinations, quantities = parts.shape
    head = [
        HEAD + sum(array.size for array in arrays),
        quantities,
        len(design.remoteness),
        len(ADJUSTMENTS),
        design.rows.sizes["input_data"],
        len(design.observed),
        len(columns),
        most_pieces,
        PIECES,
        ADJUSTMENTS.index("compute_bottleneck"),
        float(design.view.derives_compute_bottleneck),
        combinations,
        curves,
    ]
    return np.concatenate([np.array(head, dtype=float), *(array.ravel().astype(float) for array in arrays)])


def _curves(knots: np.ndarray, cubic: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first piece of each cell (curve, CELLS + 1), by which a piece is found fast, and each piece as six numbers."""
    edges = np.linspace(-SCORE_LIMIT, SCORE_LIMIT, CELLS + 1)
    first = np.array([np.searchsorted(start, edges, side="right") - 1 for start in knots[..., 0]])
    return first.reshape(len(knots), CELLS + 1), np.concatenate([knots, cubic], axis=2)


@kernel
def _quantile(data, first, start, score):
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
def _curve(data, start, pieces, position):
    """Value and slope at a position between 0 and `pieces` of the cubics that begin at `start`."""
    piece = min(int(position), pieces - 1) if position > 0 else 0
    t, at = position - piece, start + 4 * piece
    c1, c2, c3 = data[at + 1], data[at + 2], data[at + 3]
    return data[at] + t * (c1 + t * (c2 + t * c3)), c1 + t * (2 * c2 + t * 3 * c3)


@kernel
def _share_before(share, gain, log_speedup, log_parallel, log_sigma):
    """Labour's share before the jump in labour, and its slopes in the five (`equations.share_before`)."""
    labour_returns, kappa = share + gain * (1 - share), 1 - math.exp(-log_sigma)
    per_returns = kappa * log_speedup * math.exp(-log_parallel)
    shift = per_returns * labour_returns
    moves = -MOST_LOG_SHIFT < shift < MOST_LOG_SHIFT
    ratio = math.exp(min(max(shift, -MOST_LOG_SHIFT), MOST_LOG_SHIFT))
    before = 1 - (1 - share) * ratio
    if not LEAST_SHARE < before < 1:
        return min(max(before, LEAST_SHARE), 1.0), 0.0, 0.0, 0.0, 0.0, 0.0
    of_shift = -(1 - share) * ratio if moves else 0.0
    return (
        before,
        ratio + of_shift * per_returns * (1 - gain),
        of_shift * per_returns * (1 - share),
        of_shift * kappa * labour_returns * math.exp(-log_parallel),
        -of_shift * shift,
        of_shift * math.exp(-log_sigma) * log_speedup * labour_returns * math.exp(-log_parallel),
    )


@kernel
def log_density(x, gradient, data):
    """The log density at the latents x = (score, z, z_input, z_growth); fills its gradient. `data` is from `pack`."""
    combinations = int(data[11])
    total = given_parts(x, gradient, data, 0)
    if combinations > 1:
        one = np.empty(len(x))
        mass = 1.0
        for c in range(1, combinations):
            log_p = given_parts(x, one, data, c)
            largest = max(total, log_p)
            before, more = mass * math.exp(total - largest), math.exp(log_p - largest)
            mass, total = before + more, largest
            for i in range(len(x)):
                gradient[i] = (gradient[i] * before + one[i] * more) / mass
        total += math.log(mass)
    for i in range(len(x)):
        gradient[i] -= x[i]
        total += LOG_NORMAL - 0.5 * x[i] * x[i]
    return total


@kernel
def given_parts(x, gradient, data, combination):
    """log w_c and the log likelihood at the combination's parts; fills its gradient."""
    domains, factors, inputs = int(data[2]), int(data[3]), int(data[4])
    quantities, rows, loaded, pieces = int(data[1]), int(data[5]), int(data[6]), int(data[8])
    most_pieces, derived, curves = int(data[7]), data[10], int(data[12])
    parts = HEAD
    log_weight = parts + int(data[11]) * quantities
    cells = log_weight + int(data[11])
    curve = cells + (CELLS + 1) * curves
    remoteness = curve + 6 * most_pieces * curves
    terms = remoteness + domains
    growth = terms + 3 * rows
    input_idx = growth + 6 * rows
    observed = input_idx + rows
    grid = observed + rows
    error = grid + 2 * rows
    tails = error + 4 * pieces * rows
    normal = tails + 2 * rows
    first = normal + rows
    column = first + rows + 1
    loading = column + loaded
    z, z_input = quantities, quantities + domains
    z_growth, shares = z_input + inputs, 2 + factors
    bottleneck = 2 + int(data[9])

    total = data[log_weight + combination]
    for i in range(len(x)):
        gradient[i] = 0.0

    value, slope, pull = np.empty(quantities), np.empty(quantities), np.zeros(quantities)
    for k in range(quantities):
        inside = min(max(x[k], -SCORE_LIMIT), SCORE_LIMIT)
        own = int(data[parts + combination * quantities + k])
        value[k], slope[k] = _quantile(data, cells + (CELLS + 1) * own, curve + 6 * most_pieces * own, inside)
        if inside != x[k]:
            slope[k] = 0.0
    share, gain = math.exp(value[shares]), value[shares + 1]
    labour_returns = share + gain * (1 - share)
    before, of_share, of_gain, of_speedup, of_parallel, of_sigma = _share_before(
        share, gain, value[shares + 2], value[shares + 3], value[shares + 4]
    )
    value[bottleneck] += derived * math.log(labour_returns)
    pull_before = 0.0

    for i in range(rows):
        deviation = -data[observed + i]
        for j in range(int(data[first + i]), int(data[first + i + 1])):
            at = int(data[column + j])
            if at < domains:
                effect = value[0] + value[1] * data[remoteness + at] * x[z + at]
            elif at < domains + factors:
                effect = value[2 + at - domains]
            else:
                effect = x[z_input + at - domains - factors]
            deviation += data[loading + j] * effect

        own = int(data[input_idx + i])
        of_all, of_labour, of_compute = data[terms + 3 * i], data[terms + 3 * i + 1], data[terms + 3 * i + 2]
        grown = of_all != 0 or of_labour != 0 or of_compute != 0
        if grown:
            shape = growth + 6 * i
            rise_l = math.exp(data[shape + 2] * x[z_growth + own])
            rise_c = math.exp(data[shape + 5] * x[z_growth + inputs + own])
            log_l = data[shape] + data[shape + 1] * (rise_l - 1) / data[shape + 2]
            log_c = data[shape + 3] + data[shape + 4] * (rise_c - 1) / data[shape + 5]
            labour, compute = math.exp(log_l), math.exp(log_c)
            both = before * labour + (1 - before) * compute
            deviation += of_all * math.log(both) + of_labour * log_l + of_compute * log_c

        sd = data[normal + i]
        if sd > 0:
            log_error = LOG_NORMAL - math.log(sd) - 0.5 * (deviation / sd) ** 2
            push = -deviation / sd**2
        else:
            position = (deviation - data[grid + 2 * i]) / data[grid + 2 * i + 1]
            inside = min(max(position, 0.0), float(pieces))
            log_error, push = _curve(data, error + 4 * pieces * i, pieces, inside)
            if position != inside:
                push = data[tails + 2 * i] if position < 0 else data[tails + 2 * i + 1]
                log_error += (position - inside) * push
            push /= data[grid + 2 * i + 1]
        total += log_error

        for j in range(int(data[first + i]), int(data[first + i + 1])):
            at, part = int(data[column + j]), push * data[loading + j]
            if at < domains:
                pull[0] += part
                pull[1] += part * data[remoteness + at] * x[z + at]
                gradient[z + at] += part * value[1] * data[remoteness + at]
            elif at < domains + factors:
                pull[2 + at - domains] += part
            else:
                gradient[z_input + at - domains - factors] += part
        if grown:
            on_l = of_all * before * labour / both + of_labour
            on_c = of_all * (1 - before) * compute / both + of_compute
            gradient[z_growth + own] += push * on_l * data[shape + 1] * rise_l
            gradient[z_growth + inputs + own] += push * on_c * data[shape + 4] * rise_c
            pull_before += push * of_all * (labour - compute) / both  # pyright: ignore[reportOperatorIssue]

    per_returns = derived * pull[bottleneck] / labour_returns
    pull[shares] = share * (pull_before * of_share + per_returns * (1 - gain))
    pull[shares + 1] = pull_before * of_gain + per_returns * (1 - share)
    pull[shares + 2] = pull_before * of_speedup
    pull[shares + 3] = pull_before * of_parallel
    pull[shares + 4] = pull_before * of_sigma
    for k in range(quantities):
        gradient[k] += pull[k] * slope[k]
    return total


@kernel
def log_parts(x, data):
    """log w_c and the log likelihood of each combination of parts at each of many latents x (draw, latent): (draw, combination)."""
    combinations = int(data[11])
    log_p = np.empty((len(x), combinations))
    unused = np.empty(x.shape[1])
    for i in range(len(x)):
        for c in range(combinations):
            log_p[i, c] = given_parts(x[i], unused, data, c)
    return log_p


_doubles, _count = types.CPointer(types.double), types.uint64


@cached(cfunc, types.int64(_count, _doubles, _doubles, _doubles, _doubles))
def density_c(size, x, gradient, value, data):
    """As nutpie calls it: 0, or 3 where something is not finite."""
    slopes = carray(gradient, (size,))
    value[0] = log_density(carray(x, (size,)), slopes, carray(data, (int(data[0]),)))
    finite = math.isfinite(value[0])
    for i in range(size):
        finite = finite and math.isfinite(slopes[i])
    return 0 if finite else 3


@cached(cfunc, types.int64(_count, _count, _doubles, _doubles, _doubles))
def expand_c(size, expanded, x, out, data):
    """What is stored of a draw: all of it."""
    for i in range(size):
        out[i] = x[i]
    return 0
