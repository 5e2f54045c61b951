"""The hierarchical model of r: from observed domain values through the adjustments to r at ASARA.

    log r_d     = log r_typical + spread * remoteness_d * z_d                       z_d ~ Normal(0, 1)
    log r_hat_i = log r_d(i) + sum_k x_ik log f_k + delta_i + eps_i                 a published estimate of r
    log f_hat_j = sum_k x_jk log f_k + delta_j + eps_j                              a published estimate of adjustments
    r_asara     = r_target * prod_k f_k

x = 1 where a row already includes an adjustment; eps is Student-t from the row's own quantiles; delta has the row's fixed
`definition_sd`, half of its variance shared by rows on the same input data. Every prior enters as its quantile curve at a
standard normal `score`, as data: one compiled graph serves every view and every selection of rows.
The only file that writes a distribution; it must not know growth after ASARA.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .evidence import TARGET
from .priors import ADJUSTMENTS, CHAIN, SCORE_LIMIT, Prior, View
from .sources import DataError, plain

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

__all__ = ["DoubleCounting", "at_asara", "build", "labour_doublings"]

INTERVALS = 256
"""Pieces of a prior's quantile curve, each a sixteenth of a standard deviation wide; cubic within."""

NORMAL_DF = 1e6
"""Degrees of freedom at which a Student-t error counts as normal."""

LOWEST_DF = 1.0
"""Tails fatter than a Cauchy's are not believed of any published interval."""


class DoubleCounting(ValueError):
    """Evidence would be used twice: two rows on the same output data, or a row that the view already reflects."""


def build(rows: xr.Dataset, view: View) -> pm.Model:
    """The model of a view and the rows that may update it (`sie.usable`), ready for `sie.fit`.

    Latents: `score` (quantity; the chain's quantities at standard normal scores), `z` (domain), and the definition errors
    `z_output` and `z_input`; `quantity` and `r` are on the natural scale. Everything that differs between views is `pm.Data`. A `steepening` derived from `gained_before_asara` is no part of the graph, since no
    usable row includes it. The model carries `model.view`, from which `fit` draws the growth inputs.

    Raises DoubleCounting, or DataError for a view that states r at ASARA (evidence cannot move it; use `sie.prior`) and
    for rows measured against other inputs than labour.
    """
    if view.states_r_asara:
        raise DataError(
            view.name,
            plain("r_asara stated directly, which evidence cannot move"),
            "a view that states the chain",
        )
    _refuse_double_counting(rows, view)
    _refuse_other_inputs(rows, view)

    import pymc as pm
    import pytensor.tensor as pt

    loadings, df, scale = _row_errors(rows)
    dims = {dim: rows[dim].values.tolist() for dim in ("domain", "adjustment", "output_data", "input_data")}
    coords = {
        "quantity": list(CHAIN),
        "interval": np.linspace(-SCORE_LIMIT, SCORE_LIMIT, INTERVALS, endpoint=False),
        "power": range(4),
        "estimate": rows.estimate.values.tolist(),
        "effect": [name for names in dims.values() for name in names],
        **dims,
    }
    with pm.Model(coords=coords, check_bounds=False) as model:
        cubic = pm.Data("cubic", _cubics(view), dims=("quantity", "interval", "power"))
        remoteness = pm.Data("remoteness", rows.remoteness.values, dims="domain")
        loadings = pm.Data("loadings", loadings, dims=("estimate", "effect"))
        df = pm.Data("df", df, dims="estimate")
        scale = pm.Data("scale", scale, dims="estimate")
        observed = pm.Data("observed", np.log(rows.value.sel(quantile=0.5).values), dims="estimate")

        score = pm.Normal("score", dims="quantity")
        quantity = _interpolate(pt, cubic, score)
        log_r_typical, spread, log_factor = quantity[0], quantity[1], quantity[2:]
        z = pm.Normal("z", dims="domain")
        log_r = log_r_typical + spread * remoteness * z
        pm.Deterministic("r", pt.exp(log_r), dims="domain")
        pm.Deterministic("factor", pt.exp(log_factor), dims="adjustment")
        z_output = pm.Normal("z_output", dims="output_data")
        z_input = pm.Normal("z_input", dims="input_data")
        effect = pt.concatenate([log_r, log_factor, z_output, z_input])
        pm.StudentT(
            "log_estimate", nu=df, mu=loadings @ effect, sigma=scale, observed=observed, dims="estimate"
        )
    model.view = view
    return model


def student_error(value: np.ndarray, se: float) -> tuple[float, float]:
    """(degrees of freedom, scale) of the Student-t error of log r that has an estimate's own quantiles.

    `value` holds the 5, 25, 50, 75, 95 % quantiles (NaN where not given). All five fix both numbers: the ratio of the 5-95 %
    to the 25-75 % range gives the degrees of freedom, since Epoch's posteriors are peaked with fat tails. Three quantiles,
    or a standard error (se / r to first order), give a normal error.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri, stdtrit

    if math.isnan(value[0]):
        return NORMAL_DF, se / value[2]
    log = np.log(value)
    if math.isnan(value[1]):
        return NORMAL_DF, (log[4] - log[0]) / (2 * ndtri(0.95))
    ratio = (log[4] - log[0]) / (log[3] - log[1])

    def excess(log_df: float) -> float:
        return stdtrit(math.exp(log_df), 0.95) / stdtrit(math.exp(log_df), 0.75) - ratio

    lowest, highest = math.log(LOWEST_DF), math.log(NORMAL_DF)
    if excess(highest) >= 0:
        df = NORMAL_DF
    elif excess(lowest) <= 0:
        df = LOWEST_DF
    else:
        df = math.exp(brentq(excess, lowest, highest))
    return df, (log[3] - log[1]) / (2 * stdtrit(df, 0.75))


def at_asara(draws: xr.Dataset, view: View) -> xr.Dataset:
    """Draws of what a view states, extended by what follows from them at ASARA. One code path for prior and posterior.

        conversion = capabilities post_training,   recent_doublings_per_year = recent_pace conversion
        G = gained_before_asara,   G + H = ceiling,   steepening = 1 - (G / (G + H))^shape

    A recent pace that is stated in labour doublings needs no conversion; G is 0 where steepening is stated.
    Adds `conversion` (labour doublings per doubling of training efficiency), `steepening` where it is derived, `r_asara`,
    `recent_doublings_per_year`, `doublings_gained` (G) and `doublings_left` (H), the last three in labour doublings.
    """
    draws = draws.copy()
    if not view.states_r_asara:
        draws["conversion"] = draws.capabilities * draws.post_training
    draws["recent_doublings_per_year"] = draws.recent_pace * (
        1 if view["recent_pace"].unit == "labour doublings per year" else draws.conversion
    )
    total = labour_doublings(draws.ceiling, view["ceiling"].unit, draws)
    if "gained_before_asara" in view:
        gained = labour_doublings(draws.gained_before_asara, view["gained_before_asara"].unit, draws)
        draws["steepening"] = 1 - (gained / total) ** draws["shape"]
    else:
        gained = total * 0
    draws["doublings_gained"], draws["doublings_left"] = gained, total - gained
    if not view.states_r_asara:
        draws["r_asara"] = draws.r_target
        for name in ADJUSTMENTS:
            draws["r_asara"] = draws.r_asara * draws[name]
    return draws


def labour_doublings(distance: xr.DataArray, unit: str, draws: xr.Dataset) -> xr.DataArray:
    """A distance of software progress in labour doublings, from years of progress or OOMs of training efficiency.

        labour_doublings = years doublings_per_year_of_progress = ooms log2(10) conversion

    The only place where distances are converted.
    """
    match unit:
        case "labour doublings":
            return distance
        case "years of progress":
            return distance * draws.doublings_per_year_of_progress
        case "OOMs of training efficiency":
            return distance * math.log2(10) * draws.conversion
        case _:
            raise DataError("unit", unit, "a unit of distance")


def _refuse_double_counting(rows: xr.Dataset, view: View) -> None:
    ids = rows.estimate.values.tolist()
    for row in ids:
        if row in view.reflects:
            raise DoubleCounting(
                f"{view.name}: found row {row}, want none that the view already reflects (use sie.usable)"
            )
    seen: dict[int, str] = {}
    for row, output in zip(ids, rows.output_idx.values.tolist(), strict=True):
        if output in seen:
            name = rows.output_data.values[output]
            raise DoubleCounting(
                f"{view.name}: found rows {seen[output]} and {row} on the same output data {name}, want one (use sie.usable)"
            )
        seen[output] = row


def _refuse_other_inputs(rows: xr.Dataset, view: View) -> None:
    for row, kind, measured in zip(rows.estimate.values, rows.kind.values, rows.input.values, strict=True):
        if kind == "r" and measured != "labour":
            raise DataError(
                f"{view.name} row {row} input",
                str(measured),
                "labour (the view states the compute factor against labour)",
            )
    derived = "steepening" not in view
    if derived and rows.includes.sel(adjustment="steepening").any():
        raise DataError(
            f"{view.name} rows", plain("a row that includes steepening"), "none (the view derives steepening)"
        )


def _on_graph_scale(name: str, prior: Prior, scores: np.ndarray) -> np.ndarray:
    """Quantities enter the graph as logs, all but the spread, which may be zero."""
    values = prior.at(scores)
    return values if name == "spread" else np.log(np.maximum(values, np.finfo(float).tiny))


def _row_errors(rows: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What each row's expected log is made of, loadings (estimate, effect), and its Student-t df and scale (estimate,).

    Half of a definition error's variance belongs to the input data where another row shares them, else all of it is the
    row's own. An own definition error beside a normal error only widens its scale, so that no latent is spent on it.
    """
    errors = [student_error(value, se) for value, se in zip(rows.value.values, rows.se.values, strict=True)]
    df, scale = np.array(errors).reshape(-1, 2).T
    input_idx, definition_sd = rows.input_idx.values, rows.definition_sd.values
    shared = np.bincount(input_idx, minlength=rows.sizes["input_data"])[input_idx] > 1
    own_sd = np.where(shared, definition_sd / math.sqrt(2), definition_sd)
    shared_sd = np.where(shared, definition_sd / math.sqrt(2), 0.0)
    normal = df == NORMAL_DF
    latent_sd = np.where(normal, 0.0, own_sd)
    domain = np.eye(rows.sizes["domain"])[rows.domain_idx.values] * (rows.kind.values == "r")[:, None]
    output = np.eye(rows.sizes["output_data"])[rows.output_idx.values] * latent_sd[:, None]
    common = np.eye(rows.sizes["input_data"])[input_idx] * shared_sd[:, None]
    loadings = np.concatenate([domain, rows.includes.values, output, common], axis=1)
    return loadings, df, np.where(normal, np.hypot(scale, own_sd), scale)


def _cubics(view: View) -> np.ndarray:
    """Each prior's quantile curve over standard scores as cubics in t in [0, 1], (quantity, interval, power 0 to 3).

    The slope at a knot is the harmonic mean of the slopes beside it (Fritsch & Butland 1984), which keeps a cubic monotone.
    A derived steepening is 0 on the log scale: it multiplies r after sampling.
    """
    knots = np.linspace(-SCORE_LIMIT, SCORE_LIMIT, INTERVALS + 1)
    curve = np.stack(
        [_on_graph_scale(name, view[name].prior, knots) if name in view else 0 * knots for name in CHAIN]
    )
    rise = np.diff(curve, axis=1)
    left, right = rise[:, :-1], rise[:, 1:]
    inner = np.where(
        (left > 0) & (right > 0), 2 * left * right / np.where(left + right > 0, left + right, 1), 0.0
    )
    slope = np.concatenate([rise[:, :1], inner, rise[:, -1:]], axis=1)
    start, end = slope[:, :-1], slope[:, 1:]
    return np.stack([curve[:, :-1], start, 3 * rise - 2 * start - end, start + end - 2 * rise], axis=-1)


def _interpolate(pt, cubic, score):
    """Each quantity's curve at its score."""
    position = (pt.clip(score, -SCORE_LIMIT, SCORE_LIMIT) + SCORE_LIMIT) * (INTERVALS / (2 * SCORE_LIMIT))
    interval = pt.clip(pt.floor(position), 0, INTERVALS - 1)
    t = position - interval
    c = cubic[np.arange(len(CHAIN)), pt.cast(interval, "int64")]
    return c[:, 0] + t * (c[:, 1] + t * (c[:, 2] + t * c[:, 3]))


def from_latents(latents: xr.Dataset, remoteness: np.ndarray, view: View) -> xr.Dataset:
    """Sampled `score` (quantity) and `z` (domain) as the chain's quantities, `r` (domain) and `r_target`, by name."""
    draws = latents[["score", "z"]]
    for name in CHAIN:
        if name in view:
            score = latents.score.sel(quantity=name, drop=True)
            draws[name] = score.copy(data=view[name].prior.at(score.values))
    draws["r"] = draws.r_typical * np.exp(draws.spread * latents.z * remoteness)
    draws["r_target"] = draws.r.sel(domain=TARGET, drop=True)
    return draws
