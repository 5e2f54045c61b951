"""The law of one raw history over standard normal latents: the effort and the software that they stand for.

    latents: score (parameter), flow (bend), loading, drift, scatter (proxy), tilt (regime), date (switch),
             scale (instrument)

`pack` puts a history into one vector, of which every history is read by the same compiled functions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..base.kernels import kernel

if TYPE_CHECKING:
    from .arrays import History

__all__ = ["PARAMETERS", "latents_of", "law", "pack", "paths"]

PARAMETERS = (
    "r",
    "lambda",
    "prior_effort",
    "irregularity",
    "error_scale",
    "bend",
    "elo_per_doubling",
    "regime_spread",
)
"""One standard normal score each; `irregularity` is jump_size of records and wander of measurements."""

R, LAMBDA, PRIOR_EFFORT, IRREGULARITY, ERROR_SCALE, BEND, ELO, SPREAD = range(len(PARAMETERS))

LN2 = math.log(2.0)
LOG_NORMAL = -0.5 * math.log(2 * math.pi)
HEAD = 9 + 2 * len(PARAMETERS)
"""Numbers before the arrays: the length, the sizes, lambda's range, the sd between instruments, and mean and sd of the log of each
parameter."""


def latents_of(history: History) -> tuple[dict[str, tuple[str, ...]], dict[str, Sequence]]:
    """The dims of each latent and the labels of each dim, in the order in which `log_density` takes them."""
    regimes = list(history.regimes) if len(history.regimes) > 1 else []
    coords: dict[str, Sequence] = {
        "parameter": list(PARAMETERS),
        "bend": [str(i) for i in range(1, len(history.log_step) + 1)],
        "proxy": list(history.proxies),
        "regime": regimes,
        "switch": regimes[1:],
        "instrument": list(history.measured) if len(history.measured) > 1 else [],
    }
    dims = {"score": "parameter", "flow": "bend", **dict.fromkeys(("loading", "drift", "scatter"), "proxy")}
    dims |= {"tilt": "regime", "date": "switch", "scale": "instrument"}
    return {name: (dim,) for name, dim in dims.items() if len(coords[dim])}, coords


def pack(history: History, prior: np.ndarray, log_lambda_range: tuple[float, float]) -> np.ndarray:
    """A history as one vector: `prior` (parameter, moment) is mean and sd of the log of each of PARAMETERS."""
    n, segments = history.years_in.shape
    spent = np.diff(history.years_in, axis=0, prepend=0.0)
    edges = [np.flatnonzero(row)[[0, -1]] + [0, 1] for row in spent]
    sizes = [n, segments, len(history.proxies), len(history.regimes), len(history.measured)]
    parts = [
        [*sizes, *log_lambda_range, history.instrument_sd],
        prior.ravel(),
        spent.ravel(),
        np.ravel(edges),
        history.log_step,
        history.years,
        history.switches.ravel(),
    ]
    for name, count in history.proxies.items():
        parts += [
            [name != history.anchor, len(count.values)],
            count.rotation.ravel(),
            count.walk,
            count.values,
        ]
    if history.kind == "record":
        parts += [history.gains, history.shown, history.tied]
    for outputs in history.measured.values():
        parts += [[len(outputs.values)], outputs.rotation.ravel(), outputs.walk, outputs.values]
    values = np.concatenate([np.asarray(part, dtype=float) for part in parts])
    return np.concatenate([[len(values) + 1.0], values])


@kernel
def share_of(score):
    """Standard normal distribution function and density."""
    return 0.5 * math.erfc(-score / math.sqrt(2.0)), math.exp(-0.5 * score * score + LOG_NORMAL)


@kernel
def contrast(k, j):
    """Entry k of the j-th of the orthonormal vectors that sum to zero (Helmert)."""
    return (1.0 if k < j else -float(j) if k == j else 0.0) / math.sqrt(j * (j + 1.0))


@kernel
def law(x, data):
    """What the latents say of effort and of software.

    Of several regimes the latents are the mean of log r_k, the contrasts between them, and log r given both: data tell the first two
    apart, and log r from neither.

    (log of each parameter, log rate of effort (segment), effort C (gain), rate^lambda (segment), growth of E (gain), E before each
    gain, growth of log2 A by r 1 (gain), r of each regime, share of each gain that lies after each switch (switch, gain), r of each gain)
    """
    n, segments, proxies, regimes = int(data[1]), int(data[2]), int(data[3]), int(data[4])
    value = np.empty(len(PARAMETERS))
    for k in range(len(value)):
        value[k] = data[9 + 2 * k] + data[10 + 2 * k] * x[k]
    value[LAMBDA] = data[6] + (data[7] - data[6]) * share_of(x[LAMBDA])[0]
    edges = HEAD + n * segments
    at = edges + 2 * n
    log_rate = np.zeros(segments)
    bend = math.exp(value[BEND])
    for s in range(segments - 1):
        log_rate[s + 1] = log_rate[s] + bend * math.sqrt(data[at + s]) * x[len(value) + s]
    at += segments - 1
    lam = math.exp(value[LAMBDA])
    rate, powered = np.exp(log_rate), np.exp(lam * log_rate)
    count, effort, step = np.empty(n), np.empty(n), np.empty(n)
    reached_count, reached = 0.0, 0.0
    for i in range(n):
        step[i] = 0.0
        for s in range(int(data[edges + 2 * i]), int(data[edges + 2 * i + 1])):
            spent = data[HEAD + i * segments + s]
            step[i] += spent * powered[s]
            reached_count += spent * rate[s]
        reached += step[i]
        count[i], effort[i] = reached_count, reached
    ahead = reached * math.exp(value[PRIOR_EFFORT])
    before, unit = np.empty(n), np.empty(n)
    for i in range(n):
        before[i] = (effort[i - 1] if i else 0.0) + ahead
        unit[i] = math.log1p(step[i] / before[i]) / (lam * LN2)
    first = len(value) + segments - 1 + 3 * proxies
    r_of, after = np.full(regimes, math.exp(value[R])), np.zeros((regimes - 1, n))
    if regimes > 1:
        middle, sd = data[9 + 2 * R], data[10 + 2 * R]
        spread = math.exp(value[SPREAD])
        of_mean = math.hypot(sd, spread / math.sqrt(regimes))
        value[R] = middle + sd / of_mean * (sd * x[first] + spread / math.sqrt(regimes) * x[R])
        for k in range(regimes):
            log_r = middle + of_mean * x[first]
            for j in range(1, regimes):
                log_r += spread * contrast(k, j) * x[first + j]
            r_of[k] = math.exp(log_r)
    own = np.full(n, r_of[0])
    years, switches = at, at + n
    for b in range(regimes - 1):
        low, high = data[switches + 2 * b], data[switches + 2 * b + 1]
        moment = low + (high - low) * share_of(x[first + regimes + b])[0]
        for i in range(n):
            start = data[years + i - 1] if i else 0.0
            end = data[years + i]
            after[b, i] = min(max((end - moment) / (end - start), 0.0), 1.0)
            own[i] += after[b, i] * (r_of[b + 1] - r_of[b])
    return value, log_rate, count, powered, step, before, unit, r_of, after, own


@kernel
def paths(draws, data):
    """The log of each parameter (draw, parameter), log C and log2 A at each observation after the first (draw, gain), r of each regime
    (draw, regime) and the year of each switch (draw, switch), of many latents (draw, latent)."""
    n, segments, proxies, regimes = int(data[1]), int(data[2]), int(data[3]), int(data[4])
    value = np.empty((len(draws), len(PARAMETERS)))
    log_effort, log2_a = np.empty((len(draws), n)), np.empty((len(draws), n))
    r_of, year = np.empty((len(draws), regimes)), np.empty((len(draws), regimes - 1))
    first = len(PARAMETERS) + segments - 1 + 3 * proxies + regimes
    switches = HEAD + n * segments + 2 * n + segments - 1 + n
    for d in range(len(draws)):
        value[d], _, count, _, _, _, unit, r_of[d], _, own = law(draws[d], data)
        log_effort[d] = np.log(count)
        log2_a[d] = np.cumsum(own * unit)
        for b in range(regimes - 1):
            low, high = data[switches + 2 * b], data[switches + 2 * b + 1]
            year[d, b] = low + (high - low) * share_of(draws[d, first + b])[0]
    return value, log_effort, log2_a, r_of, year
