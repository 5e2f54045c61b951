"""The model of one raw history: r from dated outputs and several imperfect counts of the effort behind them.

    log2 A = (r / lambda) log2(1 + E / E0)       Jones' law integrated: A = (1 + E/E0)^(1/beta), r = lambda / beta
    E      = integral of R^lambda dt              R is effort per year, E0 = prior_effort * (E at the last observation)
    log r_k = log r + regime_spread * tilt_k      regime k, where there are several: d log2 A = (r_k / lambda) d log2(E + E0)
    gain_i ~ Gamma(mean = growth of log2 A, variance = mean * jump_size + 2 TIMING_SD^2)         between records, ties censored
    output = elo_j * (log2 A + wander) + stated error * error_scale                 measurements by instrument j
    log elo_j = log elo_per_doubling + INSTRUMENT_SD * scale_j                      where there are several
    log P_p = level_p + loading_p * log C + drift_p + scatter_p                   C = integral of R dt

P_p is what proxy p counts since the first observation. wander and drift are random walks in log elapsed time, so that a law
without bends (constant in log time) errs alike in each e-fold of it; scatter is independent. Levels, and jumps where a regime or
an instrument changes, have flat priors and are projected out exactly; a switch of regime without a date is uniform over the years
that it may have come in. Walks are made independent by fixed rotations. `density` is this over standard normal latents, with its
gradient.

r depends on lambda, and lambda is told only by timing: whether gains come when effort is intense. Where the model holds, it
is recovered (tests draw truths from the prior; with lambda 0.34 to 0.55 on the speedrun's own dates, 60 posterior medians had the
median 0.41 and none gave lambda above 1 more than 0.59). The speedrun itself says 1.65 (1.29 to 2.01), with authors alone 0.76,
without any effort 1.44, and less firmly in coarser pieces; gains that were made to feed the counts in proportion move 0.41 to 0.70.
So lambda there is the bursts of a young repository as much as duplication of work, and a view takes r at its own lambda without
learning it (`likelihoods.over_log_r`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import History
from .law import PARAMETERS, latents_of, pack, paths

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["PARAMETERS", "compiled", "priors_of", "to_natural_scale"]

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

REGIME_SPREAD_PRIOR = (float(np.log(0.3)), 0.7)
"""log of the sd of log r over the regimes of a history, among them how far the scale of its outputs bends: 0.1 to 0.95."""


def compiled(
    history: History,
    *,
    log_r_prior: tuple[float, float] = LOG_R_PRIOR,
    log_lambda_range: tuple[float, float] = LOG_LAMBDA_RANGE,
):
    """A history ready for nutpie."""
    from ..returns.compiled import for_nutpie
    from .density import density_c

    packed = pack(history, priors_of(history, log_r_prior), log_lambda_range)
    return for_nutpie(*latents_of(history), density_c, packed)


def priors_of(history: History, log_r_prior: tuple[float, float] = LOG_R_PRIOR) -> np.ndarray:
    """Mean and sd of the log of each of PARAMETERS (lambda's are not used: it is uniform)."""
    irregularity = JUMP_SIZE_PRIOR if history.kind == "record" else WANDER_PRIOR
    rows = [log_r_prior, (0.0, 1.0), PRIOR_EFFORT_PRIOR, irregularity, history.error_prior, BEND_PRIOR]
    return np.array([*rows, history.elo_prior, REGIME_SPREAD_PRIOR])


def to_natural_scale(
    latents: xr.Dataset, history: History, prior: np.ndarray, log_lambda_range
) -> xr.Dataset:
    """Draws of the latents as PARAMETERS on their natural scale, with `log_effort` (log C), `log2_a` and `elo_of`, output per doubling,
    (chain, draw, gain), `r_of` (chain, draw, regime), and `switch_year`, years since the first observation, (chain, draw, switch)."""
    import xarray as xr

    dims = ("chain", "draw")
    named, _ = latents_of(history)
    parts = [latents[name].transpose(*dims, ...).values for name in named]
    shape = parts[0].shape[:2]
    every = np.concatenate([part.reshape(-1, part.shape[-1]) for part in parts], axis=1)
    found = paths(every, pack(history, prior, log_lambda_range))
    log_value, log_effort, log2_a, r_of, year = (part.reshape(*shape, -1) for part in found)
    values: dict[str, Any] = {name: (dims, np.exp(log_value[..., i])) for i, name in enumerate(PARAMETERS)}
    values |= {"log_effort": ((*dims, "gain"), log_effort), "log2_a": ((*dims, "gain"), log2_a)}
    values["r_of"] = ((*dims, "regime"), r_of)
    values["switch_year"] = ((*dims, "switch"), year)
    scale = latents.scale.values if "scale" in latents else np.zeros((*shape, history.instrument.max() + 1))
    log_elo = log_value[..., PARAMETERS.index("elo_per_doubling"), None] + history.instrument_sd * scale
    values["elo_of"] = ((*dims, "gain"), np.exp(log_elo[..., history.instrument]))
    return xr.Dataset(values, {dim: latents[dim] for dim in dims} | {"regime": list(history.regimes)})
