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

import numpy as np
from numba import carray, cfunc, types

from ..base.kernels import DENSITY, cached, kernel, status
from ..data.families import SCORE_LIMIT
from ..data.quantities import INPUT_SHARES
from .density_parts import curve as curve_at
from .density_parts import history as history_at
from .density_parts import on_scale, quantile, share_at_asara
from .packing import HEAD, PLACES
from .prior_curves import CELLS

__all__ = ["density_c", "expand_c", "given_parts", "log_density", "log_parts"]

LOG_NORMAL = -0.5 * math.log(2 * math.pi)

CAPABILITIES, POST_TRAINING, BOTTLENECK = (
    PLACES[name] for name in ("capabilities", "post_training", "compute_bottleneck")
)
SHARE, GAIN, SPEEDUP, LAMBDA, SIGMA, FRONTIER, MEASURE_SD, SHARE_SPREAD = (
    PLACES[name] for name in INPUT_SHARES
)


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
    measure_idx = history_idx + rows
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
    z_share = z_growth + 2 * histories
    z_measure = z_share + histories * int(data[20])
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
        value[k], slope[k] = quantile(data, cells + (CELLS + 1) * own, curve + 6 * most_pieces * own, inside)
        if inside != score:
            slope[k] = 0.0
    log_lambda, of_score, pull_lambda = 0.0, 0.0, 0.0
    if has_lambda:
        inside = min(max(x[z_lambda], -SCORE_LIMIT), SCORE_LIMIT)
        own = curves - 1
        log_lambda, of_score = quantile(
            data, cells + (CELLS + 1) * own, curve + 6 * most_pieces * own, inside
        )
        if inside != x[z_lambda]:
            of_score = 0.0

    share, gain = math.exp(value[SHARE]), value[GAIN]
    frontier, measure_sd, spread = value[FRONTIER], value[MEASURE_SD], value[SHARE_SPREAD]
    conversion = math.exp(value[CAPABILITIES] + value[POST_TRAINING])
    after, of_share, of_speedup, of_lambda, of_sigma = share_at_asara(
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
            effect[j], effect_slope[j] = on_scale(
                value[place], data[other + 3 * j + 1], data[other + 3 * j + 2] > 0
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
            rise_c = math.exp(data[shape + 5] * x[z_growth + histories + own])
            counted = data[shape] + data[shape + 1] * (rise_l - 1) / data[shape + 2]
            log_c = data[shape + 3] + data[shape + 4] * (rise_c - 1) / data[shape + 5]
            in_measure = int(data[measure_idx + i])
            z_m = x[z_measure + in_measure] if in_measure >= 0 else 0.0
            z_s = x[z_share + own] if derived else 0.0
            log_l = counted + measure_sd * z_m
            log_c += ratio * log_l
            odds = share * math.exp(spread * z_s)
            then, rest = odds / (odds + 1 - share), (1 - share) / (odds + 1 - share)
            labour, compute = math.exp(log_l), (1 - frontier) * math.exp(log_c)
            both = then * labour + rest * compute
            against = of_labour * counted + of_compute * log_c
            if of_all != 0:
                against += of_all * math.log(both)
        deviation += against

        sd, begins, push_lambda = data[normal + i], int(data[history + i]), 0.0
        if begins >= 0:
            log_error, push, push_lambda = history_at(
                data, table + begins, pieces, deviation, log_lambda + against
            )
            pull_lambda += push_lambda
        elif sd > 0:
            log_error = LOG_NORMAL - math.log(sd) - 0.5 * (deviation / sd) ** 2
            push = -deviation / sd**2
        else:
            position = (deviation - data[grid + 2 * i]) / data[grid + 2 * i + 1]
            inside = min(max(position, 0.0), float(pieces))
            log_error, push = curve_at(data, error + 4 * pieces * i, pieces, inside)
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
                on_c += of_all * rest * compute / both
                on_l = of_all * then * labour / both + ratio * on_c
                on_then = push * of_all * (labour - compute) / both  # pyright: ignore[reportOperatorIssue]
                pull[FRONTIER] -= push * of_all * rest * math.exp(log_c) / both
            gradient[z_growth + own] += push * (of_labour + on_l) * data[shape + 1] * rise_l
            gradient[z_growth + histories + own] += push * on_c * data[shape + 4] * rise_c
            pull[MEASURE_SD] += push * on_l * z_m
            if in_measure >= 0:
                gradient[z_measure + in_measure] += push * on_l * measure_sd
            if share < 1:
                pull_share += on_then * then * rest / (share * (1 - share))
            pull[SHARE_SPREAD] += on_then * then * rest * z_s
            if derived:
                gradient[z_share + own] += on_then * then * rest * spread

    for j in range(others):
        place, part = int(data[other + 3 * j]), effect_pull[j] * effect_slope[j]
        if place >= 0:
            pull[place] += part
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
    combinations = int(data[10])
    log_p = np.empty((len(x), combinations))
    unused = np.empty(x.shape[1])
    for i in range(len(x)):
        for c in range(combinations):
            log_p[i, c] = given_parts(x[i], unused, data, c)
    return log_p


_doubles, _count = types.CPointer(types.double), types.uint64


@cached(cfunc, DENSITY)
def density_c(size, x, gradient, value, data):
    """`log_density` as nutpie calls it."""
    slopes = carray(gradient, (size,))
    value[0] = log_density(carray(x, (size,)), slopes, carray(data, (int(data[0]),)))
    return status(value[0], slopes)


@cached(cfunc, types.int64(_count, _count, _doubles, _doubles, _doubles))
def expand_c(size, expanded, x, out, data):
    """What is stored of a draw: all of it."""
    for i in range(size):
        out[i] = x[i]
    return 0
