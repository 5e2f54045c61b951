"""The model of one raw history: r from dated outputs and several imperfect counts of the effort behind them.

    log2 A = (r / lambda) log2(1 + E / E0)       Jones' law integrated: A = (1 + E/E0)^(1/beta), r = lambda / beta
    E      = integral of R^lambda dt              R is effort per year, E0 = prior_effort * (E at the last observation)
    gain_i ~ Gamma(mean = growth of log2 A, variance = mean * jump_size + 2 TIMING_SD^2)         between records
    output = elo_per_doubling * (log2 A + wander) + stated error * error_scale                  measurements
    log P_p = level_p + loading_p * log C + drift_p + scatter_p                   C = integral of R dt

P_p is what proxy p counts since the first observation. wander and drift are random walks in log elapsed time, so that a law
without bends (constant in log time) errs alike in each e-fold of it; scatter is independent. Levels, and the jumps where
`regime` changes, have flat priors and are projected out exactly; walks are made independent by fixed rotations, so that
everything that differs between fits of one shape is data. It must not know views, other domains or growth after ASARA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .sources import DataError

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

__all__ = ["PARAMETERS", "History", "build_series", "history", "natural"]

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

STATED_ERROR_PRIOR, UNSTATED_ERROR_PRIOR = (0.0, 0.3), (float(np.log(0.2)), 2.0)
"""log of the true over the stated error; or of an unstated error in doublings, almost free."""

BEND_PRIOR = (float(np.log(1.5)), 0.3)
"""log of the sd of log R per e-fold of elapsed time: over such a while effort typically changes by a factor of 2.5 to 12."""

ELO_PRIOR = (float(np.log(78.0)), 0.2)
"""log of Elo per doubling of speed: 56 to 108, which covers measured 59 to 110, falling with strength and thinking time."""

LOADING_SD = 0.25
"""sd of the log loading of a proxy other than the anchor: doubling effort raises the count by 2^0.66 to 2^1.5 (5-95 %)."""

DRIFT_PRIOR = (float(np.log(0.3)), 0.7)
"""log of the sd of a proxy's drift against effort, in logs per e-fold of elapsed time: 0.1 to 0.95."""

SCATTER_PRIOR = (float(np.log(0.1)), 0.7)
"""log of the sd of a proxy's scatter, in logs: counting, batches, dates of entry; 3 to 30 %."""

TIMING_SD = 0.01
"""sd of a record's output in doublings: runs of one record differ by 0.5 to 1 %."""

LEAST_GAIN = 0.001
"""A tie of records counts as this gain in doublings, a tenth of the timing error; a Gamma density has no value at 0."""

SEGMENT = 0.1
"""Effort per year is constant in pieces at least this long in log elapsed time, or as long as observations are apart."""

PASSING = 1 / 12
"""A regime of a measured series that lasts less than this, in years, is a jump on its way."""

DAYS_A_YEAR = 365.25


@dataclass(frozen=True, kw_only=True)
class History:
    """One raw history as arrays of the model; the first observation is the origin, the others are dim `gain`.

    `years_in` (gain, segment): time since the origin in each piece of constant effort. `rotation` (proxy, contrast, gain)
    turns logs of counts into independent `contrasts` (proxy, contrast) whose variance is drift^2 `walk` + scatter^2 where
    `seen`. For records `output` (gain) holds gains in doublings, `shown` where they count. For measurements
    `output_rotation` (contrast, gain) turns log2 A into what `output` (contrast) measures, with variance
    elo^2 wander^2 `output_walk` + error_scale^2. `anchor` (proxy) is 1 for the proxy whose loading is 1. `log2_output` (all
    observations) is the output in doublings or Elo, `error` (gain) its stated error, `level` (gain) numbers free levels and `jumped`
    marks the first observation after a jump. `total_effort` is what the anchor counted in all, in its unit.
    """

    id: str
    kind: str
    proxies: tuple[str, ...]
    years: np.ndarray
    years_in: np.ndarray
    log_step: np.ndarray
    anchor: np.ndarray
    rotation: np.ndarray
    walk: np.ndarray
    contrasts: np.ndarray
    seen: np.ndarray
    output: np.ndarray
    shown: np.ndarray
    output_rotation: np.ndarray
    output_walk: np.ndarray
    log2_output: np.ndarray
    error: np.ndarray
    level: np.ndarray
    jumped: np.ndarray
    total_effort: float
    error_prior: tuple[float, float]
    elo_prior: tuple[float, float]


def history(
    series: xr.Dataset,
    *,
    proxies: tuple[str, ...] | None = None,
    anchor: str | None = None,
    jumps: bool = True,
    independent_errors: bool = False,
) -> History:
    """A series (`sie.read_series`) as the model sees it, with all proxies (the default) or those named.

    The first proxy with two counts is the anchor unless `anchor` names another. Where `regime` changes, an unknown jump is
    allowed (`jumps=False` ignores it). `independent_errors` takes every error, of records too, as independent around the law:
    what a regression does; only for comparison. Proxies that merely count the observations are no effort and never used.
    """
    records = (series.kind == "record").all().item()
    measured = independent_errors or not records
    if not (records and independent_errors):
        series = series.isel(observation=ends(series))
    years = elapsed(series)
    names = tuple(str(name) for name in series.proxy.values)
    used = [name for name in efforts(series) if proxies is None or name in proxies]
    for name in (*(proxies or ()), *([anchor] if anchor else [])):
        if name not in used:
            raise DataError(f"series {series.attrs['id']} proxy", name, f"one of {', '.join(used) or 'none'}")
    n = len(years)
    years_in, log_step = _segments(years)
    rotation, walk = np.zeros((len(names), n, n)), np.zeros((len(names), n))
    contrasts, seen = np.zeros((len(names), n)), np.zeros((len(names), n))
    for p, name in enumerate(names):
        log_count = log_counts(series, name)
        at = np.flatnonzero(np.isfinite(log_count))
        if name not in used or len(at) < 2:
            continue
        turn, spread = _rotate(np.log(years[at]), np.ones((len(at), 1)), np.ones(len(at)))
        rows = slice(len(turn))
        rotation[p, rows, at] = turn.T
        walk[p, rows], contrasts[p, rows], seen[p, rows] = spread, turn @ log_count[at], 1
    anchored = anchor or (used[0] if used else names[0] if names else None)
    is_elo = series.output.attrs["units"] == "Elo"
    values = series.output.values if is_elo else -np.log2(series.output.values)
    change = series.regime.values[1:] != series.regime.values[:-1]
    error = series.output_error.values[1:]
    stated = np.isfinite(error).all() and not independent_errors
    if not stated:
        error = np.full(n, np.exp(ELO_PRIOR[0]) if is_elo else 1.0)
    level = np.zeros(n)
    output_rotation, output_walk = np.zeros((n, n)), np.zeros(n)
    if measured:
        starts = np.flatnonzero(change | _passing(series)[1:])
        steps = [np.arange(n) >= i for i in starts if jumps and i > 0]
        level = np.sum(steps, axis=0) + np.zeros(n)
        turn, spread = _rotate(np.log(years), np.column_stack([np.ones(n), *steps]), error)
        rows = slice(len(turn))
        output_rotation[rows], output_walk[rows] = turn, spread
        output, shown = np.zeros(n), np.arange(n) < len(turn)
        output[rows] = turn @ values[1:]
    else:
        shown = ~(change & jumps)
        output = np.where(shown, np.maximum(np.diff(values), LEAST_GAIN), 1.0)
    return History(
        id=series.attrs["id"],
        kind="measurement" if measured else "record",
        proxies=names,
        years=years,
        years_in=years_in,
        log_step=log_step,
        anchor=np.array([float(name == anchored) for name in names]),
        rotation=rotation,
        walk=walk * (not independent_errors),
        contrasts=contrasts,
        seen=seen,
        output=output,
        shown=shown.astype(float),
        output_rotation=output_rotation,
        output_walk=output_walk * (not independent_errors),
        log2_output=values,
        error=error,
        level=level,
        jumped=change & jumps,
        total_effort=_total(series, anchored) if used else np.nan,
        error_prior=STATED_ERROR_PRIOR if stated else UNSTATED_ERROR_PRIOR,
        elo_prior=ELO_PRIOR if is_elo else (0.0, 0.0),
    )


def build_series(
    past: History,
    *,
    log_r_prior: tuple[float, float] = LOG_R_PRIOR,
    log_lambda_range: tuple[float, float] = LOG_LAMBDA_RANGE,
) -> pm.Model:
    """The model of a history, for `fit_series`: latents are standard normal `score` (parameter), `flow` (bend), `loading`,
    `drift` and `scatter` (proxy); `natural` turns draws of them into quantities.

    Histories of one kind and shape share one compiled graph, whatever their data, proxies in use, anchor and jumps.
    """
    import pymc as pm
    import pytensor.tensor as pt

    n, segments = past.years_in.shape
    coords = {
        "parameter": list(PARAMETERS),
        "moment": ["mean", "sd"],
        "gain": np.arange(1, n + 1),
        "contrast": np.arange(n),
        "segment": np.arange(segments),
        "bend": [str(i) for i in range(1, segments)],
        "proxy": list(past.proxies),
    }
    with pm.Model(coords=coords, check_bounds=False) as model:
        prior = pm.Data("prior", priors_of(past, log_r_prior), dims=("parameter", "moment"))
        low_high = pm.Data("log_lambda_range", np.array(log_lambda_range), dims="moment")
        years_in = pm.Data("years_in", past.years_in, dims=("gain", "segment"))
        log_step = pm.Data("log_step", past.log_step, dims="bend")
        output = pm.Data("output", past.output, dims="gain")
        shown = pm.Data("shown", past.shown, dims="gain")

        score = pm.Normal("score", dims="parameter")
        log_value = prior[:, 0] + prior[:, 1] * score
        share = (1 + pt.erf(score[1] / np.sqrt(2))) / 2
        log_lambda = low_high[0] + (low_high[1] - low_high[0]) * share
        flow = pm.Normal("flow", dims="bend")
        steps = pt.cumsum(pt.sqrt(log_step) * flow) * pt.exp(log_value[5])
        log_rate = pt.concatenate([pt.zeros(1), steps])
        log_effort, log2_a = _law(pt, years_in, log_rate, log_value[0], log_lambda, log_value[2])

        if past.proxies:
            _proxies(pm, pt, past, log_effort)
        if past.kind == "record":
            gain = pt.concatenate([log2_a[:1], pt.diff(log2_a)])
            variance = gain * pt.exp(log_value[3]) + 2 * TIMING_SD**2
            alpha = pt.switch(shown > 0, gain**2 / variance, 1.0)
            beta = pt.switch(shown > 0, gain / variance, 1.0)
            pm.Gamma("observed_output", alpha=alpha, beta=beta, observed=output, dims="gain")
        else:
            turn = pm.Data("output_rotation", past.output_rotation, dims=("contrast", "gain"))
            walk = pm.Data("output_walk", past.output_walk, dims="contrast")
            elo = pt.exp(log_value[6])
            variance = elo**2 * pt.exp(2 * log_value[3]) * walk + pt.exp(2 * log_value[4])
            sigma = pt.switch(shown > 0, pt.sqrt(variance), 1.0)
            pm.Normal(
                "observed_output", mu=elo * (turn @ log2_a), sigma=sigma, observed=output, dims="contrast"
            )
    model.past = past
    return model


def _law(pt, years_in, log_rate, log_r, log_lambda, log_prior_effort):
    """(log C, log2 A) at each observation after the first; `pt` is pytensor.tensor or numpy."""
    lam = pt.exp(log_lambda)
    effort = years_in @ pt.exp(lam * log_rate)
    log_effort = pt.log(years_in @ pt.exp(log_rate))
    relative = effort / (effort[-1] * pt.exp(log_prior_effort))
    return log_effort, pt.exp(log_r - log_lambda) * pt.log1p(relative) / np.log(2)


def _proxies(pm, pt, past, log_effort) -> None:
    """Counts of effort around the latent one."""
    rotation = pm.Data("rotation", past.rotation, dims=("proxy", "contrast", "gain"))
    walk = pm.Data("walk", past.walk, dims=("proxy", "contrast"))
    seen = pm.Data("seen", past.seen, dims=("proxy", "contrast"))
    anchor = pm.Data("anchor", past.anchor, dims="proxy")
    contrasts = pm.Data("contrasts", past.contrasts, dims=("proxy", "contrast"))
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


def priors_of(past: History, log_r_prior: tuple[float, float] = LOG_R_PRIOR) -> np.ndarray:
    """Mean and sd of the log of each of PARAMETERS (lambda's are not used: it is uniform)."""
    irregularity = JUMP_SIZE_PRIOR if past.kind == "record" else WANDER_PRIOR
    rows = [log_r_prior, (0.0, 1.0), PRIOR_EFFORT_PRIOR, irregularity, past.error_prior, BEND_PRIOR]
    return np.array([*rows, past.elo_prior])


def natural(latents: xr.Dataset, past: History, prior: np.ndarray, log_lambda_range) -> xr.Dataset:
    """Draws of the latents as PARAMETERS on their natural scale, with `log_effort` (log C) and `log2_a`, (chain, draw, gain)."""
    import xarray as xr
    from scipy.special import ndtr

    dims = ("chain", "draw")
    score = latents.score.transpose(*dims, "parameter").values
    log_value = prior[:, 0] + prior[:, 1] * score
    low, high = log_lambda_range
    log_value[..., 1] = low + (high - low) * ndtr(score[..., 1])
    flow = latents.flow.transpose(*dims, "bend").values
    steps = np.cumsum(np.sqrt(past.log_step) * flow, axis=-1) * np.exp(log_value[..., 5, None])
    log_rate = np.concatenate([np.zeros((*steps.shape[:2], 1)), steps], axis=-1)
    lam = np.exp(log_value[..., 1, None])
    effort = np.exp(lam * log_rate) @ past.years_in.T
    relative = effort / (effort[..., -1:] * np.exp(log_value[..., 2, None]))
    log2_a = np.exp(log_value[..., 0, None]) / lam * np.log1p(relative) / np.log(2)
    log_effort = np.log(np.exp(log_rate) @ past.years_in.T)
    values = {name: (dims, np.exp(log_value[..., i])) for i, name in enumerate(PARAMETERS)}
    paths = {"log_effort": ((*dims, "gain"), log_effort), "log2_a": ((*dims, "gain"), log2_a)}
    return xr.Dataset(values | paths, coords={dim: latents[dim] for dim in dims})


def elapsed(series: xr.Dataset) -> np.ndarray:
    """Years from the first observation to each later one; equal dates are spread evenly over their day."""
    day = np.round(series.years.values * DAYS_A_YEAR)
    _, first, count = np.unique(day, return_index=True, return_counts=True)
    place = np.arange(len(day)) - np.repeat(first, count)
    exact = day + place / np.repeat(count, count)
    return (exact[1:] - exact[0]) / DAYS_A_YEAR


def ends(series: xr.Dataset) -> list[int]:
    """The observations at which pieces of constant effort end: the origin, then each at least SEGMENT further in log time.

    Both sides of a change of regime are kept, and where effort is not always observed, what was. How many records share a
    gain depends on when people submit and says nothing of r; measurements close in time share the walk that they err by.
    """
    years = np.concatenate([[0.0], elapsed(series)])
    regime = series.regime.values
    observed = np.isfinite(series.effort.values).any(axis=1)
    rare = observed & (not observed.all())
    kept = [0]
    for i in range(1, len(years)):
        last = i + 1 == len(years) or regime[i + 1] != regime[i]
        first = regime[i] != regime[i - 1]
        far = kept[-1] == 0 or np.log(years[i] / years[kept[-1]]) >= SEGMENT
        if first or last or far or rare[i]:
            replaces = last and not (first or far or rare[i]) and len(kept) > 1 and not rare[kept[-1]]
            if replaces and regime[kept[-2]] == regime[kept[-1]]:
                kept.pop()
            kept.append(i)
    return kept


def _passing(series: xr.Dataset) -> np.ndarray:
    """Which observations lie in a regime that is only the way to another: their own levels are unknown too."""
    regime, years = series.regime.values, series.years.values
    lasting = {name: np.ptp(years[regime == name]) for name in np.unique(regime)}
    return np.array([len(lasting) > 1 and lasting[name] < PASSING for name in regime])


def efforts(series: xr.Dataset) -> list[str]:
    """The proxies that say something of effort: two counts or more, and not of the observations themselves."""
    return [
        str(name)
        for name in series.proxy.values
        if series.effort_kind.sel(proxy=name) != "output count"
        and np.isfinite(log_counts(series, name)).sum() >= 2
    ]


def log_counts(series: xr.Dataset, name: str) -> np.ndarray:
    """log of what a proxy counted since the first observation (all of it, where not observed then); NaN where nothing.

    A flow is integrated over time first.
    """
    proxy = series.sel(proxy=name)
    count = proxy.effort.values
    if proxy.effort_kind == "flow":
        from scipy.integrate import cumulative_trapezoid

        count = cumulative_trapezoid(count, np.concatenate([[0.0], elapsed(series)]), initial=0.0)
    since = count[1:] - (count[0] if np.isfinite(count[0]) else 0)
    return np.log(since, out=np.full(len(since), np.nan), where=since > 0)


def _total(series: xr.Dataset, name: str) -> float:
    return float(np.exp(np.nanmax(log_counts(series, name))))


def _segments(years: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(years in each piece of constant effort up to each observation, log time between the middles of pieces)."""
    edges = [0.0]
    for time in np.unique(years):
        if edges[-1] == 0 or np.log(time / edges[-1]) >= SEGMENT:
            edges.append(float(time))
    if edges[-1] < years[-1]:
        edges[-1] = float(years[-1])
    edges = np.array(edges)
    within = np.clip(years[:, None] - edges[:-1], 0, np.diff(edges))
    middle = (edges[1:] + edges[:-1]) / 2
    return within, np.diff(np.log(middle))


def _rotate(clock: np.ndarray, free: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rotation, walk): rows that ignore the `free` columns and turn a random walk on the clock plus independent errors of
    this size into independent numbers of variance walk * (sd of the walk)^2 + 1."""
    from scipy.linalg import null_space

    basis = null_space((free / error[:, None]).T).T
    covariance = np.minimum.outer(clock - clock[0], clock - clock[0]) / np.outer(error, error)
    walk, vectors = np.linalg.eigh(basis @ covariance @ basis.T)
    return vectors.T @ basis / error, np.maximum(walk, 0.0)
