"""Fits of raw histories: the posterior of r, what it looks like beside simpler readings, replicates, and the reduction to a
likelihood over (log r, log lambda).

It samples with the thresholds of `sampling` and writes no distribution of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..base.errors import DataError
from ..base.stats import ENDS
from ..inference import sampling as inference
from ..returns.compiled import compile_density
from .arrays import History, as_history
from .model import LOG_LAMBDA_RANGE, LOG_R_PRIOR, TIMING_SD, build_series, priors_of, to_natural_scale
from .reduction import Draws, reduce_draws

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["fit_series", "is_identified", "likelihood_of", "naive_slope", "replicate"]

DRAWS = 8000
"""Posterior draws of a fit, in four chains."""

TARGET_ACCEPT = (0.97, 0.995)
"""NUTS acceptance: the first try, and the one retry."""

LOG_R_GRID = (-4.0, 4.0, 161)
"""Grid of log r of a stored likelihood: first, last, number."""

LAMBDA_NODES, WINDOW = 15, 3
"""Nodes of log lambda of a stored likelihood, over LOG_LAMBDA_RANGE; and those of a window that is sampled at a time, which
shares one with the next. Narrow, so that each node has draws however improbable its lambda."""

NARROWED = 0.9
"""Counts of effort identify r if they leave at most this share of the width that the 5-95 % interval of log r has without them."""


def fit_series(
    history: History,
    *,
    seed: int,
    draws: int = DRAWS,
    log_r_prior: tuple[float, float] = LOG_R_PRIOR,
    log_lambda_range: tuple[float, float] = LOG_LAMBDA_RANGE,
) -> xr.Dataset:
    """Posterior draws of `model.PARAMETERS`, `log_effort` and `log2_a`, dims (chain, draw) and of the latter two gain.

    `attrs` has max_rhat, min_ess and divergences. Raises NotConverged where the thresholds of `sampling` fail twice.
    """
    if draws < 1 or draws % inference.CHAINS:
        raise DataError("draws", draws, f"a positive multiple of {inference.CHAINS}")
    compiled = compile_density(
        build_series(history, log_r_prior=log_r_prior, log_lambda_range=log_lambda_range)
    )
    tree, diagnostics = inference.sample_converged(
        compiled,
        name=f"series {history.id}",
        tries=[(target_accept, inference.RETRY_TUNE) for target_accept in TARGET_ACCEPT],
        draws=draws,
        seed=seed,
    )
    latents = tree["posterior"].to_dataset()
    values = to_natural_scale(latents, history, priors_of(history, log_r_prior), log_lambda_range)
    return values.assign_attrs(id=history.id, **diagnostics)


def is_identified(with_effort: xr.Dataset, without: xr.Dataset) -> bool:
    """Whether counts of effort say anything of r: see NARROWED."""
    return log_width(with_effort) <= NARROWED * log_width(without)


def log_width(draws: xr.Dataset) -> float:
    """Width of the 5-95 % interval of log r."""
    low, high = np.quantile(np.log(draws.r.values), ENDS)
    return float(high - low)


def likelihood_of(series: xr.Dataset, *, seed: int) -> xr.DataArray:
    """The log likelihood over (log r, log lambda) of a raw history, from all of its effort and with its jumps.

    Draws come from overlapping windows of log lambda, so that the curve is known for each lambda that a view may hold.
    """
    import xarray as xr

    history = as_history(series)
    edges = np.linspace(*LOG_LAMBDA_RANGE, LAMBDA_NODES + 1)
    windows = []
    for start in range(0, LAMBDA_NODES - 1, WINDOW - 1):
        limits = (float(edges[start]), float(edges[min(start + WINDOW, LAMBDA_NODES)]))
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


def naive_slope(series: xr.Dataset, name: str, elo_per_doubling: float) -> tuple[float, float]:
    """Slope and its standard error of a regression of log2 A on the log2 of what a proxy counts, from the second observation
    on, with independent errors and no prior effort: how r is usually read off such data."""
    from scipy.stats import linregress

    count = series.effort.sel(proxy=name).values[1:]
    output = series.output.values[1:]
    log2_a = output / elo_per_doubling if series.output.attrs["units"] == "Elo" else -np.log2(output)
    at = np.isfinite(count) & (count > 0)
    line = cast("Any", linregress(np.log2(count[at]), log2_a[at]))
    return float(line.slope), float(line.stderr)


@dataclass(frozen=True, kw_only=True)
class Replicates:
    """Paths of log2 A relative to the origin at each later observation, (draw, gain): what was observed, the law with the
    levels and jumps that the data give it, and data made anew by the model."""

    observed: np.ndarray
    law: np.ndarray
    data: np.ndarray


def replicate(draws: xr.Dataset, history: History, *, seed: int, most: int = 2000) -> Replicates:
    """Posterior predictive histories of the same dates and effort; of `most` draws, evenly taken."""
    rng = np.random.default_rng(seed)
    flat = {name: values.values.reshape(-1, *values.shape[2:]) for name, values in draws.data_vars.items()}
    at = np.linspace(0, len(flat["r"]) - 1, min(most, len(flat["r"]))).astype(int)
    law = flat["log2_a"][at]
    irregularity = flat["irregularity"][at, None]
    if history.kind == "record":
        gain = np.diff(law, axis=1, prepend=0.0)
        variance = gain * irregularity + 2 * TIMING_SD**2
        made = rng.gamma(gain**2 / variance, variance / gain)
        jumped = history.shown == 0
        made[:, jumped] = gain[:, jumped] = np.diff(history.log2_output)[jumped]
        return Replicates(
            observed=history.log2_output[1:] - history.log2_output[0],
            law=np.cumsum(gain, axis=1),
            data=np.cumsum(made, axis=1),
        )
    elo = flat["elo_per_doubling"][at, None]
    scale = np.median(elo)
    observed = (history.log2_output - history.log2_output[0])[1:] / scale
    law = law * elo / scale
    clock = np.log(history.years)
    steps = rng.standard_normal(law.shape) * np.sqrt(np.diff(clock, prepend=clock[0]))
    noise = np.cumsum(steps, axis=1) * irregularity * elo / scale
    noise += rng.standard_normal(law.shape) * history.error * flat["error_scale"][at, None] / scale
    made = law + noise
    for level in np.unique(history.level):
        group = history.level == level
        law[:, group] += (observed[group] - law[:, group]).mean(axis=1, keepdims=True)
        made[:, group] += (observed[group] - made[:, group]).mean(axis=1, keepdims=True)
    return Replicates(observed=observed, law=law, data=made)
