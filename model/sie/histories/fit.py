"""Fits of raw histories: the posterior of r, what it looks like beside simpler readings, replicates, and the reduction to a
likelihood over (log r, log lambda).

It samples with the thresholds of `inference.converged` and writes no distribution of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, NotConverged
from ..base.stats import ENDS
from ..data.history_units import ELO
from ..inference.chains import CHAINS
from ..inference.converged import Try, sample_converged
from .arrays import History, as_history, log2_outputs
from .density import TIMING_SD
from .model import LOG_LAMBDA_RANGE, LOG_R_PRIOR, compiled, priors_of, to_natural_scale
from .reduction import Draws, reduce_draws

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["fit_series", "is_identified", "likelihood_of", "naive_slope", "r_at_lambda", "replicate"]

DRAWS = 10000
"""Posterior draws of a fit, in four chains."""

TRIES = (
    Try(0.95, 600, "low_rank"),
    Try(0.99, 1000, "low_rank"),
    Try(0.99, 2000, "low_rank", longer=4),
    Try(0.998, 4000, "diag", longer=4),
)
"""The first try, and retries for histories whose posterior has an odd shape: few records, counts that contradict each other."""

LOG_R_GRID = (-4.0, 4.0, 161)
"""Grid of log r of a stored likelihood: first, last, number."""

LAMBDA_NODES, WINDOW = 15, 3
"""Nodes of log lambda of a stored likelihood, over LOG_LAMBDA_RANGE; and those of a window that is sampled at a time, which
shares one with the next. Narrow, so that each node has draws however improbable its lambda."""

NO_GAIN = 1e-9
"""Least expected gain in doublings; smaller ones leave nothing to draw."""

NARROWED = 0.9
"""Counts of effort identify r if they leave at most this share of the width that the 5-95 % interval of log r has without them."""

FEW_OBSERVATIONS = 12
"""Up to so many observations, more of them may be what a fit that fails needs."""


def fit_series(
    history: History,
    *,
    seed: int,
    draws: int = DRAWS,
    log_r_prior: tuple[float, float] = LOG_R_PRIOR,
    log_lambda_range: tuple[float, float] = LOG_LAMBDA_RANGE,
) -> xr.Dataset:
    """Posterior draws of `model.PARAMETERS`, `log_effort` and `log2_a`, dims (chain, draw) and of the latter two gain.

    `attrs` has max_rhat, min_ess and divergences. Raises NotConverged where the thresholds of `inference.converged` fail in all TRIES; the
    message says what to change in the data.
    """
    if draws < 1 or draws % CHAINS:
        raise DataError("draws", draws, f"a positive multiple of {CHAINS}")
    try:
        tree, diagnostics = sample_converged(
            compiled(history, log_r_prior=log_r_prior, log_lambda_range=log_lambda_range),
            name=f"series {history.id}",
            tries=TRIES,
            draws=draws,
            seed=seed,
        )
    except NotConverged as error:
        raise NotConverged(f"{error}; {_cures(history)}") from None
    latents = tree["posterior"].to_dataset()
    values = to_natural_scale(latents, history, priors_of(history, log_r_prior), log_lambda_range)
    return values.assign_attrs(id=history.id, **diagnostics)


def _cures(history: History) -> str:
    """What to change in a history whose fit fails."""
    cures, anchor = [], history.anchor
    if others := [name for name in history.proxies if name != anchor]:
        cures.append(f"keep the effort {anchor} and leave out {' and '.join(others)}")
    for i, (low, high) in enumerate(history.switches):
        if low < high:
            between = f"{history.regimes[i]} or {history.regimes[i + 1]}"
            cures.append(f"date the change of regime (no line '{between}')")
    if len(history.regimes) > 1:
        cures.append("name fewer regimes")
    if len(history.years) < FEW_OBSERVATIONS:
        cures.append(f"give more than {len(history.years) + 1} observations")
    if anchor is not None and not others:
        cures.append(f"empty the values of {anchor} that differ little from those before (a coarser effort)")
    return f"change its file, whichever of this is true to the data: {', or '.join(cures)}"


def is_identified(with_effort: xr.Dataset, without: xr.Dataset) -> bool:
    """Whether counts of effort say anything of r: see NARROWED."""
    return log_width(with_effort) <= NARROWED * log_width(without)


def log_width(draws: xr.Dataset) -> float:
    """Width of the 5-95 % interval of log r."""
    low, high = np.quantile(np.log(draws.r.values), ENDS)
    return float(high - low)


def likelihood_of(
    series: xr.Dataset, *, seed: int, on_progress: Callable[[str], object] = lambda _: None
) -> xr.DataArray:
    """The log likelihood over (log r, log lambda) of a raw history, from all of its effort and with its jumps.

    Draws come from overlapping windows of log lambda, so that the curve is known for each lambda that a view may hold.
    """
    import xarray as xr

    history = as_history(series)
    edges = np.linspace(*LOG_LAMBDA_RANGE, LAMBDA_NODES + 1)
    windows = []
    starts = range(0, LAMBDA_NODES - 1, WINDOW - 1)
    for i, start in enumerate(starts, start=1):
        limits = (float(edges[start]), float(edges[min(start + WINDOW, LAMBDA_NODES)]))
        ends = f"{np.exp(limits[0]):.2g} to {np.exp(limits[1]):.2g}"
        on_progress(f"{history.id}: lambda {ends} ({i} of {len(starts)})")
        draws = fit_series(history, seed=seed + start, log_lambda_range=limits)
        log_r, log_lambda = np.log(draws.r.values), np.log(draws["lambda"].values)
        effective = draws.attrs["min_ess"]
        windows.append(
            Draws(log_r=log_r, log_lambda=log_lambda, log_lambda_range=limits, effective=effective)
        )
    log_r, (mean, sd) = np.linspace(*LOG_R_GRID), LOG_R_PRIOR
    log_prior = xr.DataArray(
        np.repeat(-(((log_r - mean) / sd) ** 2)[:, None] / 2, LAMBDA_NODES, axis=1),
        dims=("log_r", "log_lambda"),
        coords={"log_r": log_r, "log_lambda": (edges[1:] + edges[:-1]) / 2},
    )
    return reduce_draws(windows, log_prior)


def r_at_lambda(table: xr.DataArray, value: float, *, draws: int = DRAWS) -> xr.Dataset:
    """r at one lambda by a likelihood (`likelihood_of`) and LOG_R_PRIOR, as equally probable values in place of draws."""
    import xarray as xr

    x, (mean, sd) = table.log_r.values, LOG_R_PRIOR
    log_p = table.interp(log_lambda=np.log(value)).values - ((x - mean) / sd) ** 2 / 2
    mass = np.exp(log_p - log_p.max())
    below = (np.cumsum(mass) - mass / 2) / mass.sum()
    r = np.exp(np.interp((np.arange(draws) + 0.5) / draws, below, x))
    return xr.Dataset({"r": (("chain", "draw"), r[None])})


def naive_slope(series: xr.Dataset, name: str, elo_per_doubling: float) -> tuple[float, float]:
    """Slope and its standard error of a regression of log2 A on the log2 of what a proxy counts, from the second observation
    on, with independent errors, no prior effort and a level for each instrument: how r is usually read off such data."""
    count = series.effort.sel(proxy=name).values[1:]
    log2_a = log2_outputs(series)[1:]
    if series.output.attrs["units"] == ELO:
        log2_a = log2_a / elo_per_doubling
    at = np.isfinite(count) & (count > 0)
    levels = series.instrument.values[1:][at]
    x, y = np.log2(count[at]), log2_a[at]
    for level in np.unique(levels):
        x[levels == level] -= x[levels == level].mean()
        y[levels == level] -= y[levels == level].mean()
    left = max(len(x) - len(np.unique(levels)) - 1, 1)
    slope = (x @ y) / (x @ x)
    return float(slope), float(np.sqrt(((y - slope * x) ** 2).sum() / left / (x @ x)))


@dataclass(frozen=True, kw_only=True)
class Replicates:
    """Paths of log2 A relative to the origin at each later observation, (draw, gain): what was observed, the law with the
    levels and jumps that the data give it, and data made anew by the model; `by_ai` what AI made, from the observation by people before. After the last observation that was fitted, the law
    and the data go on from that one."""

    observed: np.ndarray
    law: np.ndarray
    data: np.ndarray
    by_ai: np.ndarray


def replicate(draws: xr.Dataset, history: History, *, seed: int, most: int = 2000) -> Replicates:
    """Posterior predictive histories of the same dates and effort; of `most` draws, evenly taken."""
    rng = np.random.default_rng(seed)
    flat = {name: np.concatenate(values.values) for name, values in draws.data_vars.items()}
    at = np.linspace(0, len(flat["r"]) - 1, min(most, len(flat["r"]))).astype(int)
    law = flat["log2_a"][at]
    irregularity = flat["irregularity"][at, None]
    later = np.arange(law.shape[1]) >= history.fitted
    if history.kind == "record":
        observed = history.log2_output[1:] - history.log2_output[0]
        gain = np.maximum(np.diff(law, axis=1, prepend=0.0), NO_GAIN)
        variance = gain * irregularity + 2 * TIMING_SD**2
        made = rng.gamma(gain**2 / variance, variance / gain)
        given = (history.shown == 0) & ~later
        made[:, given] = gain[:, given] = np.diff(history.log2_output)[given]
        law, made = np.cumsum(gain, axis=1), np.cumsum(made, axis=1)
        if later.any():
            for path in (law, made):
                path[:, later] += observed[history.fitted - 1] - path[:, history.fitted - 1 : history.fitted]
        by_ai = _by_ai(history, observed, np.ones(len(observed)))
        return Replicates(observed=observed, law=law, data=made, by_ai=by_ai)
    elo = flat["elo_of"][at]
    scale = np.median(elo, axis=0)
    observed = _in_doublings(history, scale)
    law = np.cumsum(np.diff(law, axis=1, prepend=0.0) * elo / scale, axis=1)
    clock = np.log(history.years)
    steps = rng.standard_normal(law.shape) * np.sqrt(np.diff(clock, prepend=clock[0]))
    noise = np.cumsum(steps * elo / scale, axis=1) * irregularity
    noise += rng.standard_normal(law.shape) * history.error * flat["error_scale"][at, None] / scale
    made = law + noise
    for level in np.unique(history.level[~later]):
        group = (history.level == level) & ~later
        law[:, group] += (observed[group] - law[:, group]).mean(axis=1, keepdims=True)
        made[:, group] += (observed[group] - made[:, group]).mean(axis=1, keepdims=True)
    if later.any():
        last = slice(history.fitted - 1, history.fitted)
        moved = np.diff(flat["log2_a"][at], axis=1, prepend=0.0)[:, later]
        wandered = steps[:, later] * irregularity
        error = np.hypot(history.error[later], history.error[last]) * flat["error_scale"][at, None]
        on_scale = elo[:, later] / scale[later]
        law[:, later] = observed[last] + np.cumsum(moved * on_scale, axis=1)
        made[:, later] = law[:, later] + np.cumsum(wandered * on_scale, axis=1)
        made[:, later] += error / scale[later] * rng.standard_normal(error.shape)
    return Replicates(observed=observed, law=law, data=made, by_ai=_by_ai(history, observed, scale))


def _by_ai(history: History, observed: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """What AI made in doublings relative to the origin: that of the last observation by people (or the first), and the rest on its scale."""
    years, outputs = history.by_ai.T
    last = np.maximum(np.searchsorted(np.concatenate([[0.0], history.years]), years, side="right") - 1, 0)
    reached = np.concatenate([[0.0], observed])[last]
    return reached + (outputs - history.log2_output[last]) / np.concatenate([scale[:1], scale])[last]


def _in_doublings(history: History, scale: np.ndarray) -> np.ndarray:
    """Measured outputs relative to the origin in doublings, at so much a doubling (gain,); each instrument goes on where the last ended."""
    moved = np.diff(history.log2_output) / scale
    moved[np.diff(history.instrument, prepend=history.instrument[0]) != 0] = 0.0
    return np.cumsum(moved)
