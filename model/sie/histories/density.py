"""The log density of one raw history and its gradient, written out: the equations of `model` over standard normal latents.

One compiled function serves every history, as a vector from `law.pack`; a graph took a minute to compile for each shape.
"""

from __future__ import annotations

import math

import numpy as np
from numba import carray, cfunc

from ..base.kernels import DENSITY, cached, kernel, status
from .law import (
    BEND,
    ELO,
    ERROR_SCALE,
    HEAD,
    IRREGULARITY,
    LAMBDA,
    LN2,
    LOG_NORMAL,
    PRIOR_EFFORT,
    SPREAD,
    R,
    contrast,
    law,
    share_of,
)

__all__ = ["density_c", "log_density"]

TIMING_SD = 0.01
"""sd of a record's output in doublings: runs of one record differ by 0.5 to 1 %."""

LOADING_SD = 0.25
"""sd of the log loading of a proxy other than the anchor: doubling effort raises the count by 2^0.66 to 2^1.5 (5-95 %)."""

DRIFT_PRIOR = (math.log(0.3), 0.7)
"""log of the sd of a proxy's drift against effort, in logs per e-fold of elapsed time: 0.1 to 0.95."""

SCATTER_PRIOR = (math.log(0.1), 0.7)
"""log of the sd of a proxy's scatter, in logs: counting, batches, dates of entry; 3 to 30 %."""

TIE_TERMS = 4
"""Terms of the series for the probability of a tie; LEAST_GAIN is a small part of the size of single gains."""

LARGE = 10.0
"""From here on the asymptotic series of the digamma function is exact to 1e-12."""

DRIFT_MEAN, DRIFT_SD = DRIFT_PRIOR
SCATTER_MEAN, SCATTER_SD = SCATTER_PRIOR


@kernel
def digamma(x):
    """Slope of lgamma for x > 0 (DLMF 5.5.2 and 5.11.2)."""
    below = 0.0
    while x < LARGE:
        below -= 1 / x
        x += 1
    y = 1 / (x * x)
    return (
        below
        + math.log(x)
        - 0.5 / x
        - y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132)))))
    )


@kernel
def log_gain(gain, jump, observed, tied):
    """Log density of the gain between two records, or the log probability of a tie, with its slopes on `gain` and log `jump`.

    Gamma with mean `gain` and variance gain * jump + 2 TIMING_SD^2. The probability of a tie is a power series (DLMF 8.7.1), which
    neither underflows nor loses its slope at a small shape.
    """
    variance = gain * jump + 2 * TIMING_SD**2
    shape, x = gain * gain / variance, observed * gain / variance
    if tied:
        term, total, on_shape, on_x = 1.0, 1.0, 0.0, 0.0
        term_shape, term_x = 0.0, 0.0
        for k in range(1, TIE_TERMS + 1):
            term_shape = (term_shape - term / (shape + k)) * x / (shape + k)
            term_x = (term_x * x + term) / (shape + k)
            term = term * x / (shape + k)
            total += term
            on_shape += term_shape
            on_x += term_x
        last = math.log(total / shape)
        on_shape, on_x = on_shape / total - 1 / shape, on_x / total
    else:
        last, on_shape, on_x = -math.log(observed), 0.0, 0.0
    log_p = shape * math.log(x) - x - math.lgamma(shape) + last
    on_shape += math.log(x) - digamma(shape)
    on_x += shape / x - 1
    square = variance * variance
    on_gain = on_shape * (2 * gain * variance - gain * gain * jump) / square
    on_gain += on_x * observed * (variance - gain * jump) / square
    on_jump = -(on_shape * gain + on_x * observed) * gain * gain * jump / square
    return log_p, on_gain, on_jump


@kernel
def log_contrasts(observed, mean, walk, of_walk, of_noise):
    """Log density of contrasts with variance `walk * of_walk + of_noise`; its slopes on `mean` (contrast), on the log of a factor of
    all means, and on half the logs of `of_walk` and `of_noise`."""
    total, on_scale, on_walk, on_noise = 0.0, 0.0, 0.0, 0.0
    push = np.empty(len(observed))
    for c in range(len(observed)):
        variance = of_walk * walk[c] + of_noise
        off = observed[c] - mean[c]
        total += LOG_NORMAL - 0.5 * math.log(variance) - 0.5 * off * off / variance
        push[c] = off / variance
        on_variance = (off * push[c] - 1) / variance
        on_walk += on_variance * of_walk * walk[c]
        on_noise += on_variance * of_noise
        on_scale += push[c] * mean[c]
    return total, push, on_scale, on_walk, on_noise


@kernel
def log_density(x, gradient, data):
    """The log density at the latents x, in the order of `latents_of`; fills its gradient. `data` is from `pack`."""
    n, segments, proxies = int(data[1]), int(data[2]), int(data[3])
    regimes, instruments = int(data[4]), int(data[5])
    value, log_rate, count, powered, step, before, unit, r_of, after, own = law(x, data)
    lam, on_value = math.exp(value[LAMBDA]), np.zeros(len(value))
    total = 0.0
    for i in range(len(x)):
        total += LOG_NORMAL - 0.5 * x[i] * x[i]
        gradient[i] = -x[i]
    edges = HEAD + n * segments
    log_step = edges + 2 * n
    years = log_step + segments - 1
    switches = years + n
    at = switches + 2 * (regimes - 1)

    loading_at = len(value) + segments - 1
    on_log_effort = np.zeros(n)
    log_effort = np.log(count)
    for p in range(proxies):
        free, rows = data[at], int(data[at + 1])
        at += 2
        rotation = data[at : at + rows * n].reshape((rows, n))
        walk, seen = at + rows * n, at + rows * n + rows
        at += rows * n + 2 * rows
        loading = math.exp(LOADING_SD * free * x[loading_at + p])
        drift = math.exp(2 * (DRIFT_MEAN + DRIFT_SD * x[loading_at + proxies + p]))
        scatter = math.exp(2 * (SCATTER_MEAN + SCATTER_SD * x[loading_at + 2 * proxies + p]))
        log_p, push, on_loading, on_drift, on_scatter = log_contrasts(
            data[seen : seen + rows],
            loading * (rotation @ log_effort),
            data[walk : walk + rows],
            drift,
            scatter,
        )
        total += log_p
        on_log_effort += loading * (push @ rotation)
        gradient[loading_at + p] += LOADING_SD * free * on_loading
        gradient[loading_at + proxies + p] += DRIFT_SD * on_drift
        gradient[loading_at + 2 * proxies + p] += SCATTER_SD * on_scatter

    tilt_at = loading_at + 3 * proxies
    scale_at = tilt_at + (2 * regimes - 1 if regimes > 1 else 0)
    on_gain = np.zeros(n)
    if instruments == 0:
        jump = math.exp(value[IRREGULARITY])
        for i in range(n):
            if data[at + n + i] > 0:
                log_p, on_gain[i], on_jump = log_gain(
                    own[i] * unit[i], jump, data[at + i], data[at + 2 * n + i] > 0
                )
                total += log_p
                on_value[IRREGULARITY] += on_jump
    else:
        noise, path, on_path = math.exp(2 * value[ERROR_SCALE]), np.cumsum(own * unit), np.zeros(n)
        for b in range(instruments):
            rows = int(data[at])
            rotation = data[at + 1 : at + 1 + rows * n].reshape((rows, n))
            walk, seen = at + 1 + rows * n, at + 1 + rows * n + rows
            at += 1 + rows * n + 2 * rows
            log_elo = value[ELO] + (data[8] * x[scale_at + b] if instruments > 1 else 0.0)
            elo, wander = math.exp(log_elo), math.exp(2 * (log_elo + value[IRREGULARITY]))
            log_p, push, on_mean, on_wander, on_noise = log_contrasts(
                data[seen : seen + rows], elo * (rotation @ path), data[walk : walk + rows], wander, noise
            )
            total += log_p
            on_path += elo * (push @ rotation)
            on_value[IRREGULARITY] += on_wander
            on_value[ERROR_SCALE] += on_noise
            on_value[ELO] += on_mean + on_wander
            if instruments > 1:
                gradient[scale_at + b] += data[8] * (on_mean + on_wander)
        reached = 0.0
        for i in range(n - 1, -1, -1):
            reached += on_path[i]
            on_gain[i] = reached

    spread = math.exp(value[SPREAD])
    if regimes == 1:
        for i in range(n):
            on_value[R] += on_gain[i] * unit[i] * own[i]
    else:
        on_r = np.zeros(regimes)
        for i in range(n):
            on_own = on_gain[i] * unit[i]
            on_r[0] += on_own
            for b in range(regimes - 1):
                on_r[b + 1] += on_own * after[b, i]
                on_r[b] -= on_own * after[b, i]
                if 0 < after[b, i] < 1:
                    start = data[years + i - 1] if i else 0.0
                    low, high = data[switches + 2 * b], data[switches + 2 * b + 1]
                    score = x[tilt_at + regimes + b]
                    on_moment = -on_own * (r_of[b + 1] - r_of[b]) / (data[years + i] - start)
                    gradient[tilt_at + regimes + b] += on_moment * (high - low) * share_of(score)[1]
        on_mean, sd = 0.0, data[10 + 2 * R]
        of_mean = math.hypot(sd, spread / math.sqrt(regimes))
        for k in range(regimes):
            on_log_r = on_r[k] * r_of[k]
            on_mean += on_log_r
            for j in range(1, regimes):
                part = spread * contrast(k, j)
                gradient[tilt_at + j] += on_log_r * part
                on_value[SPREAD] += on_log_r * part * x[tilt_at + j]
        gradient[tilt_at] += on_mean * of_mean
        on_value[SPREAD] += on_mean * x[tilt_at] * spread * spread / regimes / of_mean

    prior_effort = math.exp(value[PRIOR_EFFORT])
    on_effort, on_step, on_total, on_lam = np.zeros(n), np.empty(n), 0.0, 0.0
    for i in range(n):
        on_unit = on_gain[i] * own[i]
        on_lam -= on_unit * unit[i] / lam
        on_ratio = on_unit / ((1 + step[i] / before[i]) * lam * LN2)
        on_step[i] = on_ratio / before[i]
        on_before = -on_step[i] * step[i] / before[i]
        if i:
            on_effort[i - 1] += on_before
        on_total += on_before
    effort = (before[n - 1] + step[n - 1]) / (1 + prior_effort)  # E0 + E, and E0 = E prior_effort
    on_value[PRIOR_EFFORT] += on_total * effort * prior_effort
    on_effort[n - 1] += on_total * prior_effort
    on_powered, on_rate = np.zeros(segments), np.zeros(segments)
    later_effort, later_count = 0.0, 0.0
    for i in range(n - 1, -1, -1):
        later_effort += on_effort[i]
        later_count += on_log_effort[i] / count[i]
        for s in range(int(data[edges + 2 * i]), int(data[edges + 2 * i + 1])):
            spent = data[HEAD + i * segments + s]
            on_powered[s] += spent * (later_effort + on_step[i])
            on_rate[s] += spent * later_count
    bend, later = math.exp(value[BEND]), 0.0
    for s in range(segments - 1, 0, -1):
        on_lam += on_powered[s] * powered[s] * log_rate[s]
        on_log_rate = on_powered[s] * powered[s] * lam + on_rate[s] * math.exp(log_rate[s])
        later += on_log_rate
        on_value[BEND] += on_log_rate * log_rate[s]
        gradient[len(value) + s - 1] += later * bend * math.sqrt(data[log_step + s - 1])
    for k in range(len(value)):
        if k != LAMBDA:
            gradient[k] += on_value[k] * data[10 + 2 * k]
    gradient[LAMBDA] += on_lam * lam * (data[7] - data[6]) * share_of(x[LAMBDA])[1]
    return total


@cached(cfunc, DENSITY)
def density_c(size, x, gradient, value, data):
    """`log_density` as nutpie calls it."""
    slopes = carray(gradient, (size,))
    value[0] = log_density(carray(x, (size,)), slopes, carray(data, (int(data[0]),)))
    return status(value[0], slopes)
