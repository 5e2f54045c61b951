"""The log density of a `Design` and its gradient, written out in one loop over the evidence rows.

    d_i = L_i . (log r, log f, z_input, g(q)) + t_i . (log q_i, log g_L, log g_C) - log r_hat_i
    log p = log sum_c w_c prod_i f_i(d_i(c)) - sum of x^2 / 2 + constant                   x all latents, standard normal

in the letters of `observed`, which says what this must equal: tests hold values and gradients of this and of the
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
from ..data.evidence import TARGET
from ..data.families import SCORE_LIMIT
from ..data.quantities import ADJUSTMENTS, QUANTITIES, SERIAL_PENALTY
from .equations import LEAST_SHARE, MOST_LOG_SHIFT
from .history_density import HistoryDensity
from .observed import LABOUR_PENALTY
from .prior_curves import CELLS, GRAPH
from .row_density import PIECES

if TYPE_CHECKING:
    from .design import Design

__all__ = ["density_c", "expand_c", "log_density", "log_parts", "pack"]

HEAD = 20
"""Numbers before the arrays of packed data, see `pack`."""

LOG_NORMAL = -0.5 * math.log(2 * math.pi)

SCALES = ("log", "logit", "linear")
"""Scales of rows on other quantities, by their number in packed data."""

_AT = {name: GRAPH.index(name) for name in GRAPH}
CAPABILITIES, POST_TRAINING, BOTTLENECK = (
    _AT[name] for name in ("capabilities", "post_training", "compute_bottleneck")
)
SHARE, GAIN, SPEEDUP, LAMBDA, SIGMA, FRONTIER, MEASURE_SD, SHARE_SPREAD = (
    _AT[name]
    for name in (
        "labour_share",
        "experiment_gain",
        "speedup",
        "lambda",
        "sigma",
        "frontier_share",
        "measure_sd",
        "share_spread",
    )
)


def pack(design: Design) -> np.ndarray:
    """A design in one vector, as `log_density` reads it, without the rows that stand beside; loadings without their zeros."""
    of = design.only(np.flatnonzero(~design.beside))
    knots, cubic = of.curves
    parts, log_weight = of.parts
    rows, columns = np.nonzero(of.loadings)
    first = np.searchsorted(rows, np.arange(len(of.loadings) + 1))
    copula = of.copula if of.copula is not None else np.zeros((0, 0))
    histories, tables = _tables(of)
    arrays = [
        parts,
        log_weight,
        *_curves(knots, cubic),
        copula,
        *(of.remoteness, of.terms, of.growth, of.relative, of.history_idx),
        *(_places(of.share_of), _places(of.measure_of), of.observed),
        *(of.row_grids[name] for name in ("grid", "error", "tails", "sd")),
        *(_inputs(of), histories, tables),
        *(first, columns, of.loadings[rows, columns]),
    ]
    curves, most_pieces, _ = cubic.shape
    combinations, quantities = parts.shape
    view = of.view
    head = [
        HEAD + sum(array.size for array in arrays),
        quantities,
        len(of.remoteness),
        len(ADJUSTMENTS),
        of.rows.sizes["input_data"],
        len(of.observed),
        len(columns),
        most_pieces,
        PIECES,
        float(view.derives_compute_bottleneck),
        combinations,
        curves,
        len(copula),
        len(of.names["history"]),
        len(of.names["measure"]),
        len(of.inputs),
        len(tables),
        of.coords["domain"].index(TARGET),
        float(view["speedup"].reached) if view.derives_compute_bottleneck else 0.0,
        float("z_lambda" in design.latents),
    ]
    return np.concatenate([np.array(head, dtype=float), *(array.ravel().astype(float) for array in arrays)])


def _places(one_hot: np.ndarray) -> np.ndarray:
    """The column of each row's 1, or -1."""
    return np.where(one_hot.any(axis=1), one_hot.argmax(axis=1) if one_hot.size else 0, -1)


def _inputs(of: Design) -> np.ndarray:
    """The place of each quantity that rows are on, -1 for the labour penalty, -2 for what no row here is on; its scale; whether
    its curve is in logs: (input, 3)."""
    found = np.empty((len(of.inputs), 3))
    for i, (name, scale) in enumerate(of.inputs):
        place = _AT.get(name, -1 if name == LABOUR_PENALTY else -2)
        found[i] = place, SCALES.index(scale), place >= 0 and not QUANTITIES[name].lower_included
    return found


def _tables(of: Design) -> tuple[np.ndarray, np.ndarray]:
    """Where each row's history begins among the tables, -1 for others; each as its grids, cells and bicubic pieces."""
    start, parts, size = np.full(len(of.observed), -1), [], 0
    for i, row in enumerate(of.densities):
        if isinstance(row, HistoryDensity):
            start[i] = size
            parts += [
                np.array([row.start, row.step, row.log_lambda, row.step_lambda, row.cells]),
                row.cubic.ravel(),
            ]
            size += 5 + row.cubic.size
    return start, np.concatenate(parts) if parts else np.zeros(0)


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
def _history(data, start, pieces, deviation, log_lambda):
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
def _share_at_asara(share, log_speedup, log_lambda, log_sigma, reached):
    """Labour's share at ASARA, and its slopes in the four (`equations.share_at_asara`)."""
    kappa, per = 1 - math.exp(-log_sigma), math.exp(-log_lambda) / (1.0 if reached else share)
    shift = kappa * log_speedup * per
    moves = -MOST_LOG_SHIFT < shift < MOST_LOG_SHIFT
    shift = min(max(shift, -MOST_LOG_SHIFT), MOST_LOG_SHIFT)
    if reached:
        rest = (1 - share) * math.exp(-shift)
        if rest >= 1 - LEAST_SHARE:
            return LEAST_SHARE, 0.0, 0.0, 0.0, 0.0
        after, of_share, of_shift = 1 - rest, math.exp(-shift), rest
    else:
        odds = share * math.exp(shift)
        after = odds / (odds + 1 - share)
        of_shift = after * (1 - after)
        of_share = of_shift / (share * (1 - share)) if share < 1 else 0.0
        if moves:
            of_share -= of_shift * shift / share
    if not moves:
        of_shift = 0.0
    return (
        after,
        of_share,
        of_shift * kappa * per,
        -of_shift * shift,
        of_shift * math.exp(-log_sigma) * log_speedup * per,
    )


@kernel
def _on_scale(value, scale, in_logs):
    """A quantity, given in logs or itself, on the scale of a row, and its slope."""
    natural = math.exp(value) if in_logs else value
    if scale == 0:
        return (value, 1.0) if in_logs else (math.log(value), 1 / value)
    if scale == 1:
        logit = math.log(natural) - math.log1p(-natural)
        return logit, 1 / (1 - natural) if in_logs else 1 / (natural * (1 - natural))
    return natural, natural if in_logs else 1.0


@kernel
def log_density(x, gradient, data):
    """The log density at the latents x, in the order of `design.LATENTS`; fills its gradient. `data` is from `pack`."""
    combinations = int(data[10])
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
    quantities, domains, factors, inputs = int(data[1]), int(data[2]), int(data[3]), int(data[4])
    rows, loaded, most_pieces, pieces = int(data[5]), int(data[6]), int(data[7]), int(data[8])
    derived, combinations, curves, correlated = data[9], int(data[10]), int(data[11]), int(data[12])
    histories, measures, others, table_size = int(data[13]), int(data[14]), int(data[15]), int(data[16])
    target, reached, has_lambda = int(data[17]), data[18] > 0, data[19] > 0
    parts = HEAD
    log_weight = parts + combinations * quantities
    cells = log_weight + combinations
    curve = cells + (CELLS + 1) * curves
    copula = curve + 6 * most_pieces * curves
    remoteness = copula + correlated * correlated
    terms = remoteness + domains
    growth = terms + 3 * rows
    relative = growth + 6 * rows
    history_idx = relative + rows
    share_idx = history_idx + rows
    measure_idx = share_idx + rows
    observed = measure_idx + rows
    grid = observed + rows
    error = grid + 2 * rows
    tails = error + 4 * pieces * rows
    normal = tails + 2 * rows
    other = normal + rows
    history = other + 3 * others
    table = history + rows
    first = table + table_size
    column = first + rows + 1
    loading = column + loaded
    z, z_input = quantities, quantities + domains
    z_growth = z_input + inputs
    z_share = z_growth + 2 * inputs
    z_measure = z_share + histories
    z_lambda = z_measure + measures

    total = data[log_weight + combination]
    for i in range(len(x)):
        gradient[i] = 0.0

    value, slope, pull = np.empty(quantities), np.empty(quantities), np.zeros(quantities)
    for k in range(quantities):
        score = x[k]
        if correlated:
            score = 0.0
            for j in range(k + 1):
                score += data[copula + k * correlated + j] * x[j]
        inside = min(max(score, -SCORE_LIMIT), SCORE_LIMIT)
        own = int(data[parts + combination * quantities + k])
        value[k], slope[k] = _quantile(data, cells + (CELLS + 1) * own, curve + 6 * most_pieces * own, inside)
        if inside != score:
            slope[k] = 0.0
    log_lambda, of_score, pull_lambda = 0.0, 0.0, 0.0
    if has_lambda:
        inside = min(max(x[z_lambda], -SCORE_LIMIT), SCORE_LIMIT)
        own = curves - 1
        log_lambda, of_score = _quantile(
            data, cells + (CELLS + 1) * own, curve + 6 * most_pieces * own, inside
        )
        if inside != x[z_lambda]:
            of_score = 0.0

    share, gain = math.exp(value[SHARE]), value[GAIN]
    frontier, measure_sd, spread = value[FRONTIER], value[MEASURE_SD], value[SHARE_SPREAD]
    conversion = math.exp(value[CAPABILITIES] + value[POST_TRAINING])
    after, of_share, of_speedup, of_lambda, of_sigma = _share_at_asara(
        share, value[SPEEDUP], value[LAMBDA], value[SIGMA], reached
    )
    epsilon = gain / conversion
    returns = after + (1 - after) * epsilon
    r_target = math.exp(value[0] + value[1] * data[remoteness + target] * x[z + target])
    cheaper = r_target * gain * (1 - share)
    value[BOTTLENECK] += derived * (math.log(returns) - math.log1p(cheaper))

    effect, effect_slope, effect_pull = np.zeros(others), np.zeros(others), np.zeros(others)
    for j in range(others):
        place = int(data[other + 3 * j])
        if place >= 0:
            effect[j], effect_slope[j] = _on_scale(
                value[place], data[other + 3 * j + 1], data[other + 3 * j + 2] > 0
            )
        elif place == -1:
            on_joint = SERIAL_PENALTY + (1 - SERIAL_PENALTY) * share
            effect[j], effect_slope[j] = _on_scale(
                value[LAMBDA] + math.log(on_joint), data[other + 3 * j + 1], True
            )

    pull_share = 0.0
    for i in range(rows):
        deviation = -data[observed + i]
        for j in range(int(data[first + i]), int(data[first + i + 1])):
            at = int(data[column + j])
            if at < domains:
                loads = value[0] + value[1] * data[remoteness + at] * x[z + at]
            elif at < domains + factors:
                loads = value[2 + at - domains]
            elif at < domains + factors + inputs:
                loads = x[z_input + at - domains - factors]
            else:
                loads = effect[at - domains - factors - inputs]
            deviation += data[loading + j] * loads

        own = int(data[history_idx + i])
        of_all, of_labour, of_compute = data[terms + 3 * i], data[terms + 3 * i + 1], data[terms + 3 * i + 2]
        grown = of_all != 0 or of_labour != 0 or of_compute != 0
        against = 0.0
        if grown:
            shape, ratio = growth + 6 * i, data[relative + i]
            rise_l = math.exp(data[shape + 2] * x[z_growth + own])
            rise_c = math.exp(data[shape + 5] * x[z_growth + inputs + own])
            counted = data[shape] + data[shape + 1] * (rise_l - 1) / data[shape + 2]
            log_c = data[shape + 3] + data[shape + 4] * (rise_c - 1) / data[shape + 5]
            in_history, in_measure = int(data[share_idx + i]), int(data[measure_idx + i])
            z_m = x[z_measure + in_measure] if in_measure >= 0 else 0.0
            z_s = x[z_share + in_history] if in_history >= 0 else 0.0
            log_l = counted + measure_sd * z_m
            log_c += ratio * log_l
            odds = share * math.exp(spread * z_s)
            then = odds / (odds + 1 - share)
            labour, compute = math.exp(log_l), (1 - frontier) * math.exp(log_c)
            both = then * labour + (1 - then) * compute
            against = of_labour * counted + of_compute * log_c
            if of_all != 0:
                against += of_all * math.log(both)
        deviation += against

        sd, begins, push_lambda = data[normal + i], int(data[history + i]), 0.0
        if begins >= 0:
            log_error, push, push_lambda = _history(
                data, table + begins, pieces, deviation, log_lambda + against
            )
            pull_lambda += push_lambda
        elif sd > 0:
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
            elif at < domains + factors + inputs:
                gradient[z_input + at - domains - factors] += part
            else:
                effect_pull[at - domains - factors - inputs] += part
        if grown:
            push += push_lambda
            on_then, on_c, on_l = 0.0, of_compute, of_compute * ratio
            if of_all != 0:
                on_c += of_all * (1 - then) * compute / both
                on_l = of_all * then * labour / both + ratio * on_c
                on_then = push * of_all * (labour - compute) / both
                pull[FRONTIER] -= push * of_all * (1 - then) * math.exp(log_c) / both
            gradient[z_growth + own] += push * (of_labour + on_l) * data[shape + 1] * rise_l
            gradient[z_growth + inputs + own] += push * on_c * data[shape + 4] * rise_c
            pull[MEASURE_SD] += push * on_l * z_m
            if in_measure >= 0:
                gradient[z_measure + in_measure] += push * on_l * measure_sd
            if share < 1:
                pull_share += on_then * then * (1 - then) / (share * (1 - share))
            pull[SHARE_SPREAD] += on_then * then * (1 - then) * z_s
            if in_history >= 0:
                gradient[z_share + in_history] += on_then * then * (1 - then) * spread

    for j in range(others):
        place, part = int(data[other + 3 * j]), effect_pull[j] * effect_slope[j]
        if place >= 0:
            pull[place] += part
        elif place == -1:
            pull[LAMBDA] += part
            pull_share += part * (1 - SERIAL_PENALTY) / (SERIAL_PENALTY + (1 - SERIAL_PENALTY) * share)
    if derived:
        on_after = pull[BOTTLENECK] * (1 - epsilon) / returns
        on_epsilon = pull[BOTTLENECK] * (1 - after) / returns
        on_cheaper = -pull[BOTTLENECK] / (1 + cheaper)
        pull_share += on_after * of_share - on_cheaper * r_target * gain
        pull[SPEEDUP] += on_after * of_speedup
        pull[LAMBDA] += on_after * of_lambda
        pull[SIGMA] += on_after * of_sigma
        pull[GAIN] += on_epsilon / conversion + on_cheaper * r_target * (1 - share)
        pull[CAPABILITIES] -= on_epsilon * epsilon
        pull[POST_TRAINING] -= on_epsilon * epsilon
        pull[0] += on_cheaper * cheaper
        pull[1] += on_cheaper * cheaper * data[remoteness + target] * x[z + target]
        gradient[z + target] += on_cheaper * cheaper * value[1] * data[remoteness + target]
    pull[SHARE] += pull_share * share
    for k in range(quantities):
        if correlated:
            for j in range(k + 1):
                gradient[j] += data[copula + k * correlated + j] * pull[k] * slope[k]
        else:
            gradient[k] += pull[k] * slope[k]
    if has_lambda:
        gradient[z_lambda] += pull_lambda * of_score
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
