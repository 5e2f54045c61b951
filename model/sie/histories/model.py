"""The model of one raw history: r from dated outputs and several imperfect counts of the effort behind them.

    log2 A = (r / lambda) log2(1 + E / E0)       Jones' law integrated: A = (1 + E/E0)^(1/beta), r = lambda / beta
    E      = integral of R^lambda dt              R is effort per year, E0 = prior_effort * (E at the last observation)
    gain_i ~ Gamma(mean = growth of log2 A, variance = mean * jump_size + 2 TIMING_SD^2)         between records, ties censored
    output = elo_per_doubling * (log2 A + wander) + stated error * error_scale                  measurements
    log P_p = level_p + loading_p * log C + drift_p + scatter_p                   C = integral of R dt

P_p is what proxy p counts since the first observation. wander and drift are random walks in log elapsed time, so that a law
without bends (constant in log time) errs alike in each e-fold of it; scatter is independent. Levels, and the jumps where
`regime` changes, have flat priors and are projected out exactly; walks are made independent by fixed rotations, so that
everything that differs between fits of one shape is data.

r depends on lambda, and lambda is told only by timing: whether gains come when effort is intense. Where the model holds, it
is recovered (tests draw truths from the prior; with lambda 0.34 to 0.55 on the speedrun's own dates, 60 posterior medians had the
median 0.41 and none gave lambda above 1 more than 0.59). The speedrun itself says 1.65 (1.29 to 2.01), with authors alone 0.76,
without any effort 1.44, and less firmly in coarser pieces; gains that were made to feed the counts in proportion move 0.41 to 0.70.
So lambda there is the bursts of a young repository as much as duplication of work, and a view takes r at its own lambda without
learning it (`likelihoods.over_log_r`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from .arrays import History

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

__all__ = ["PARAMETERS", "build_series", "priors_of", "to_natural_scale"]

PARAMETERS = ("r", "lambda", "prior_effort", "irregularity", "error_scale", "bend", "elo_per_doubling")
"""One standard normal score each; `irregularity` is jump_size of records and wander of measurements."""

LOG_R_PRIOR = (0.0, 1.5)
"""Mean and sd of log r, wide and divided out afterwards: 5-95 % are 0.08 and 12."""

LOG_LAMBDA_RANGE = (float(np.log(0.1)), float(np.log(4.0)))
"""log lambda is uniform here and divided out afterwards; from much duplication to Epoch's medians with room (1.3 to 2.1)."""

PRIOR_EFFORT_PRIOR = (float(np.log(0.1)), 2.3)
"""log of E0 over the history's own effort. Median: 3.5 doublings of effort seen; 5-95 %: a start from next to nothing (9
doublings) to a field with four times the history's effort behind it (a third of a doubling). Only the bend of a curve tells."""

JUMP_SIZE_PRIOR = (float(np.log(0.2)), 0.8)
"""log of the typical size of single gains, in doublings: 0.05 to 0.75, from tuning to a new architecture."""

WANDER_PRIOR = (float(np.log(0.3)), 0.8)
"""log of the sd of a measured path around the law, in doublings per e-fold of elapsed time: 0.08 to 1.1."""

BEND_PRIOR = (float(np.log(1.5)), 0.3)
"""log of the sd of log R per e-fold of elapsed time: over such a while effort typically changes by a factor of 2.5 to 12."""

LOADING_SD = 0.25
"""sd of the log loading of a proxy other than the anchor: doubling effort raises the count by 2^0.66 to 2^1.5 (5-95 %)."""

DRIFT_PRIOR = (float(np.log(0.3)), 0.7)
"""log of the sd of a proxy's drift against effort, in logs per e-fold of elapsed time: 0.1 to 0.95."""

SCATTER_PRIOR = (float(np.log(0.1)), 0.7)
"""log of the sd of a proxy's scatter, in logs: counting, batches, dates of entry; 3 to 30 %."""

TIMING_SD = 0.01
"""sd of a record's output in doublings: runs of one record differ by 0.5 to 1 %."""

TIE_TERMS = 4
"""Terms of the series for the probability of a tie; LEAST_GAIN is a small part of the size of single gains."""


def build_series(
    history: History,
    *,
    log_r_prior: tuple[float, float] = LOG_R_PRIOR,
    log_lambda_range: tuple[float, float] = LOG_LAMBDA_RANGE,
) -> pm.Model:
    """The model of a history, for `fit_series`: latents are standard normal `score` (parameter), `flow` (bend), `loading`,
    `drift` and `scatter` (proxy); `to_natural_scale` turns draws of them into quantities.

    Histories of one kind and shape share one compiled graph, whatever their data, proxies in use, anchor and jumps.
    """
    import pymc
    import pytensor.tensor

    pm, pt = cast("Any", pymc), cast("Any", pytensor.tensor)  # which annotate no operators of graphs
    n, segments = history.years_in.shape
    coords = {
        "parameter": list(PARAMETERS),
        "moment": ["mean", "sd"],
        "gain": np.arange(1, n + 1),
        "contrast": np.arange(n),
        "segment": np.arange(segments),
        "bend": [str(i) for i in range(1, segments)],
        "proxy": list(history.proxies),
    }
    with pm.Model(coords=coords, check_bounds=False) as model:
        prior = pm.Data("prior", priors_of(history, log_r_prior), dims=("parameter", "moment"))
        low_high = pm.Data("log_lambda_range", np.array(log_lambda_range), dims="moment")
        years_in = pm.Data("years_in", history.years_in, dims=("gain", "segment"))
        log_step = pm.Data("log_step", history.log_step, dims="bend")
        output = pm.Data("output", history.output, dims="gain")
        shown = pm.Data("shown", history.shown, dims="gain")

        score = pm.Normal("score", dims="parameter")
        log_value = prior[:, 0] + prior[:, 1] * score
        share = (1 + pt.erf(score[1] / np.sqrt(2))) / 2
        log_lambda = low_high[0] + (low_high[1] - low_high[0]) * share
        flow = pm.Normal("flow", dims="bend")
        steps = pt.cumsum(pt.sqrt(log_step) * flow) * pt.exp(log_value[5])
        log_rate = pt.concatenate([pt.zeros(1), steps])
        log_effort, gain = _law(pt, years_in, log_rate, log_value[0], log_lambda, log_value[2])

        if history.proxies:
            _proxies(pm, pt, history, log_effort)
        if history.kind == "record":
            tied = pm.Data("tied", history.tied, dims="gain")
            variance = gain * pt.exp(log_value[3]) + 2 * TIMING_SD**2
            log_density = _log_gain(pt, gain**2 / variance, output * gain / variance, output, tied)
            pm.Potential("observed_output", shown * log_density, dims="gain")
        else:
            turn = pm.Data("output_rotation", history.output_rotation, dims=("contrast", "gain"))
            walk = pm.Data("output_walk", history.output_walk, dims="contrast")
            elo = pt.exp(log_value[6])
            variance = elo**2 * pt.exp(2 * log_value[3]) * walk + pt.exp(2 * log_value[4])
            sigma = pt.switch(shown > 0, pt.sqrt(variance), 1.0)
            pm.Normal(
                "observed_output",
                mu=elo * (turn @ pt.cumsum(gain)),
                sigma=sigma,
                observed=output,
                dims="contrast",
            )
    model.history = history
    return model


def _law(pt, years_in, log_rate, log_r, log_lambda, log_prior_effort):
    """(log C at each observation after the first, growth of log2 A up to it since the last), however small a growth."""
    lam = pt.exp(log_lambda)
    log_effort = pt.log(years_in @ pt.exp(log_rate))
    steps = pt.concatenate([years_in[:1], pt.diff(years_in, axis=0)]) @ pt.exp(lam * log_rate)
    effort = pt.cumsum(steps)
    before = pt.concatenate([pt.zeros(1), effort[:-1]]) + effort[-1] * pt.exp(log_prior_effort)
    return log_effort, pt.exp(log_r - log_lambda) * pt.log1p(steps / before) / np.log(2)


def _log_gain(pt, alpha, x, output, tied):
    """log of the Gamma(alpha) density of an output at x = output * rate, and of the probability of no more where tied.

    The probability is a power series (DLMF 8.7.1), which neither underflows nor loses its slope at small alpha.
    """
    term = total = pt.ones_like(alpha)
    for k in range(1, TIE_TERMS + 1):
        term = term * x / (alpha + k)
        total = total + term
    last = pt.switch(tied > 0, pt.log(total / alpha), -pt.log(output))
    return alpha * pt.log(x) - x - pt.gammaln(alpha) + last


def _proxies(pm, pt, history, log_effort) -> None:
    """Counts of effort around the latent one."""
    rotation = pm.Data("rotation", history.rotation, dims=("proxy", "contrast", "gain"))
    walk = pm.Data("walk", history.walk, dims=("proxy", "contrast"))
    seen = pm.Data("seen", history.seen, dims=("proxy", "contrast"))
    anchor = pm.Data("anchor", history.anchor, dims="proxy")
    contrasts = pm.Data("contrasts", history.contrasts, dims=("proxy", "contrast"))
    loading = pt.exp(LOADING_SD * pm.Normal("loading", dims="proxy") * (1 - anchor))
    drift = pt.exp(DRIFT_PRIOR[0] + DRIFT_PRIOR[1] * pm.Normal("drift", dims="proxy"))
    scatter = pt.exp(SCATTER_PRIOR[0] + SCATTER_PRIOR[1] * pm.Normal("scatter", dims="proxy"))
    sd = pt.sqrt(drift[:, None] ** 2 * walk + scatter[:, None] ** 2)
    pm.Normal(
        "observed_proxy",
        mu=loading[:, None] * pt.dot(rotation, log_effort),
        sigma=pt.switch(seen > 0, sd, 1.0),
        observed=contrasts,
        dims=("proxy", "contrast"),
    )


def priors_of(history: History, log_r_prior: tuple[float, float] = LOG_R_PRIOR) -> np.ndarray:
    """Mean and sd of the log of each of PARAMETERS (lambda's are not used: it is uniform)."""
    irregularity = JUMP_SIZE_PRIOR if history.kind == "record" else WANDER_PRIOR
    rows = [log_r_prior, (0.0, 1.0), PRIOR_EFFORT_PRIOR, irregularity, history.error_prior, BEND_PRIOR]
    return np.array([*rows, history.elo_prior])


def to_natural_scale(
    latents: xr.Dataset, history: History, prior: np.ndarray, log_lambda_range
) -> xr.Dataset:
    """Draws of the latents as PARAMETERS on their natural scale, with `log_effort` (log C) and `log2_a`, (chain, draw, gain)."""
    import xarray as xr
    from scipy.special import ndtr

    dims = ("chain", "draw")
    score = latents.score.transpose(*dims, "parameter").values
    log_value = prior[:, 0] + prior[:, 1] * score
    low, high = log_lambda_range
    log_value[..., 1] = low + (high - low) * ndtr(score[..., 1])
    flow = latents.flow.transpose(*dims, "bend").values
    steps = np.cumsum(np.sqrt(history.log_step) * flow, axis=-1) * np.exp(log_value[..., 5, None])
    log_rate = np.concatenate([np.zeros((*steps.shape[:2], 1)), steps], axis=-1)
    lam = np.exp(log_value[..., 1, None])
    effort = np.exp(lam * log_rate) @ history.years_in.T
    relative = effort / (effort[..., -1:] * np.exp(log_value[..., 2, None]))
    log2_a = np.exp(log_value[..., 0, None]) / lam * np.log1p(relative) / np.log(2)
    log_effort = np.log(np.exp(log_rate) @ history.years_in.T)
    values = {name: (dims, np.exp(log_value[..., i])) for i, name in enumerate(PARAMETERS)}
    paths = {"log_effort": ((*dims, "gain"), log_effort), "log2_a": ((*dims, "gain"), log2_a)}
    return xr.Dataset(values | paths, coords={dim: latents[dim] for dim in dims})
