"""The hierarchical model of r: from observed domain values through the adjustments to r at ASARA.

    log r_d     = log r_typical + spread * remoteness_d * z_d                       z_d ~ Normal(0, 1)
    log r_hat_i = log r_d(i) + sum_k x_ik log f_k + c_i + delta_i + eps_i           an estimate of r, at its domain's level
    log f_hat_j = sum_k x_jk log f_k + c_j + delta_j + eps_j                        a published estimate of adjustments
    r_asara     = r_target * prod_k f_k

x = 1 where a row already includes an adjustment; c = m_i . (log q, log g_l, log g_c) is what it was measured against (`inputs`).
A row's own errors are integrated once into a log density over the deviation (`row_density`): a published estimate, a growth rate
and the likelihood of a whole series are the same kind of data. What rows share stays latent: half of the variance of the
definition errors on one input data, and its growth. Every prior enters as its quantile curve at a standard normal `score`
(`prior_curves`), as data: one compiled graph serves every view, every level and every selection of rows.
The only file that writes a distribution; it must not know growth after ASARA.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, DoubleCounting, plain
from ..data.distributions import SCORE_LIMIT
from ..data.evidence import TARGET
from ..data.priors import View
from ..data.quantities import ADJUSTMENTS, CHAIN, INPUT_SHARES, QUANTITIES
from .compiled import random_part
from .inputs import INPUT_FLOWS, LEAST_SHARE, MOST_LOG_SHIFT, TERMS, input_terms, levels_of, unmatched
from .levels import growth_shapes, loadings, row_errors
from .prior_curves import GRAPH, curve_of, curves, part_combinations
from .row_density import PIECES

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

__all__ = ["at_asara", "build", "labour_doublings"]

LATENTS = ("score", "z", "z_input", "z_growth")
"""The free variables of the graph, all standard normal before evidence."""

_IS_BOTTLENECK = [float(name == "compute_bottleneck") for name in ADJUSTMENTS]


def build(rows: xr.Dataset, view: View, *, likelihoods: Mapping[str, xr.DataArray] | None = None) -> pm.Model:
    """The model of a view and the rows that may update it (`sie.usable`), ready for `sie.fit`.

    Latents: `score` (quantity; what the view states, at standard normal scores), `z` (domain), the shared definition errors
    `z_input` (input_data) and the shared errors of input growth `z_growth` (flow, input_data). `r` and `factor` are on the
    natural scale; `log_estimate` (estimate) is what each row is expected to show, `log_likelihood` (estimate) its own density.
    Everything that differs between views and rows is `pm.Data`. A `steepening` derived from `gained_before_asara` is no part
    of the graph, since no usable row includes it. The model carries `model.view`, from which `fit` draws the growth inputs,
    `model.errors` (one `Error` a row) and `model.as_built`: `log_density` has the same log density, written out for speed; a model
    to which another term is added is sampled from its graph.

    `likelihoods` are those of the rows at the levels `series` and `epoch` (default: those of the evidence folder). Raises
    DoubleCounting, or DataError for a view that states r at ASARA (evidence cannot move it; use `sie.prior`), for rows
    measured against inputs of which the view or the row says too little, and for a missing or stale likelihood.
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

    estimates, errors = row_errors(rows, view, likelihoods)
    pieces = [error.cubic() for error in errors]
    parts, log_weight = part_combinations(view)
    knots, cubics = curves(view)
    dims = {dim: rows[dim].values.tolist() for dim in ("domain", "adjustment", "input_data")}
    coords = {
        "quantity": list(GRAPH),
        "combination": range(len(log_weight)),
        "curve": range(len(cubics)),
        "interval": range(cubics.shape[1]),
        "power": range(4),
        "estimate": rows.estimate.values.tolist(),
        "effect": [name for names in dims.values() for name in names],
        "flow": list(INPUT_FLOWS),
        "term": list(TERMS),
        "shape": ["median", "scale", "skew"],
        "span": ["start", "step"],
        "tail": ["below", "above"],
        "piece": range(PIECES),
        **dims,
    }
    with pm.Model(coords=coords, check_bounds=False) as model:
        knot = pm.Data("knots", knots, dims=("curve", "interval", "span"))
        cubic = pm.Data("cubic", cubics, dims=("curve", "interval", "power"))
        pm.Data("parts", parts, dims=("combination", "quantity"))
        pm.Data("log_weight", log_weight, dims="combination")
        derived = pm.Data("derived", float(view.derives_compute_bottleneck))
        remoteness = pm.Data("remoteness", rows.remoteness.values, dims="domain")
        loading = pm.Data("loadings", loadings(rows), dims=("estimate", "effect"))
        terms = pm.Data("terms", input_terms(rows, view), dims=("estimate", "term"))
        growth = pm.Data("growth", growth_shapes(rows), dims=("estimate", "flow", "shape"))
        input_idx = pm.Data("input_idx", rows.input_idx.values.astype("int64"), dims="estimate")
        observed = pm.Data("observed", estimates, dims="estimate")
        grid = pm.Data("grid", _stack([(e.start, e.step) for e in errors], 2), dims=("estimate", "span"))
        error = pm.Data(
            "error", _stack([cubics for cubics, _ in pieces], PIECES, 4), dims=("estimate", "piece", "power")
        )
        tails = pm.Data("tails", _stack([tail for _, tail in pieces], 2), dims=("estimate", "tail"))

        score = pm.Normal("score", dims="quantity")
        quantity = _at_score(pt, knot, cubic, score)
        log_r_typical, spread, log_stated = quantity[0], quantity[1], quantity[2 : len(CHAIN)]
        log_labour_returns, share = _input_shares(pt, *(quantity[GRAPH.index(name)] for name in INPUT_SHARES))
        log_factor = log_stated + derived * log_labour_returns * np.array(_IS_BOTTLENECK)
        z = pm.Normal("z", dims="domain")
        log_r = log_r_typical + spread * remoteness * z
        pm.Deterministic("r", pt.exp(log_r), dims="domain")
        pm.Deterministic("factor", pt.exp(log_factor), dims="adjustment")

        z_input = pm.Normal("z_input", dims="input_data")
        z_growth = pm.Normal("z_growth", dims=("flow", "input_data"))
        median, scale, skew = (growth[:, :, i] for i in range(3))
        log_growth = median + scale * pt.expm1(skew * z_growth[:, input_idx].T) / skew
        log_all = pt.log(share * pt.exp(log_growth[:, 0]) + (1 - share) * pt.exp(log_growth[:, 1]))
        against = terms[:, 0] * log_all + (terms[:, 1:] * log_growth).sum(axis=1)
        log_estimate = loading @ pt.concatenate([log_r, log_factor, z_input]) + against
        pm.Deterministic("log_estimate", log_estimate, dims="estimate")
        log_likelihood = _log_density(pt, grid, error, tails, log_estimate - observed)
        pm.Deterministic("log_likelihood", log_likelihood, dims="estimate")
        pm.Potential("evidence", log_likelihood.sum())
    model.view, model.errors, model.as_built = view, errors, random_part(model)
    model.histories = rows.estimate.values[levels_of(rows) == "series"].tolist()
    return model


def at_asara(draws: xr.Dataset, view: View) -> xr.Dataset:
    """Draws of what a view states, extended by what follows from them at ASARA. One code path for prior and posterior.

        conversion = capabilities post_training,   recent_doublings_per_year = recent_pace conversion
        G = gained_before_asara,   G + H = ceiling,   steepening = 1 - (G / (G + H))^shape

    A recent pace that is stated in labour doublings needs no conversion; G is 0 where steepening is stated.
    Adds `conversion` (labour doublings per doubling of training efficiency), `compute_bottleneck` where it is derived
    (e(0), on r against all inputs), `steepening` where it is derived, `r_asara`, `recent_doublings_per_year`, `doublings_gained` (G) and `doublings_left` (H), the last three in labour doublings.
    """
    draws = draws.copy()
    if not view.states_r_asara:
        draws["conversion"] = draws.capabilities * draws.post_training
    if view.derives_compute_bottleneck:
        draws["compute_bottleneck"] = draws.labour_share + draws.experiment_gain * (1 - draws.labour_share)
    draws["recent_doublings_per_year"] = draws.recent_pace * (
        1 if view["recent_pace"].unit == "labour doublings per year" else draws.conversion
    )
    total = labour_doublings(draws.ceiling, view["ceiling"].unit, draws)
    if "gained_before_asara" in view:
        gained = labour_doublings(draws.gained_before_asara, view["gained_before_asara"].unit, draws)
        draws["steepening"] = 1 - (gained / total) ** draws["shape"]
    else:
        gained = 0 * np.minimum(total, 1)
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
    levels: dict[str, str] = {}
    for at, level in zip(rows.domain_idx.values.tolist(), levels_of(rows).tolist(), strict=True):
        if level and levels.setdefault(name := rows.domain.values[at], level) != level:
            raise DoubleCounting(
                f"{view.name}: found {name} at the levels {levels[name]} and {level}, want one (use sie.usable)"
            )


def _refuse_other_inputs(rows: xr.Dataset, view: View) -> None:
    for row, why in unmatched(rows, view).items():
        raise DataError(
            f"{view.name} row {row} input", plain(why), "rows that match the view (use sie.usable)"
        )
    derived = "steepening" not in view
    if derived and rows.includes.sel(adjustment="steepening").any():
        raise DataError(
            f"{view.name} rows", plain("a row that includes steepening"), "none (the view derives steepening)"
        )


def _stack(arrays: list, *shape: int) -> np.ndarray:
    """Arrays of this shape along a first dim, none of them too."""
    return np.array(arrays, dtype=float).reshape(-1, *shape)


def _at_score(pt, knot, cubic, score):
    """Each quantity's curve at its score."""
    score = pt.clip(score, -SCORE_LIMIT, SCORE_LIMIT)
    piece = (knot[: len(GRAPH), :, 0] <= score[:, None]).sum(axis=1) - 1
    span = knot[np.arange(len(GRAPH)), piece]
    return _cubic(cubic[np.arange(len(GRAPH)), piece], (score - span[:, 0]) / span[:, 1])


def _cubic(c, t):
    return c[:, 0] + t * (c[:, 1] + t * (c[:, 2] + t * c[:, 3]))


def _interpolate(pt, cubic, row, position, pieces):
    """Each row's cubics at a position between 0 and `pieces`."""
    piece = pt.clip(pt.floor(position), 0, pieces - 1)
    return _cubic(cubic[row, pt.cast(piece, "int64")], position - piece)


def _log_density(pt, grid, error, tails, deviation):
    """Each row's error at its deviation, with straight tails beyond the pieces."""
    position = (deviation - grid[:, 0]) / grid[:, 1]
    inside = pt.clip(position, 0, PIECES)
    beyond = position - inside
    slope = pt.switch(beyond < 0, tails[:, 0], tails[:, 1])
    return _interpolate(pt, error, pt.arange(deviation.shape[0]), inside, PIECES) + beyond * slope


def _input_shares(pt, log_share, gain, log_speedup, log_parallel, log_sigma):
    """log e(0), and labour's share before the jump in labour (`inputs`)."""
    share = pt.exp(log_share)
    log_labour_returns = pt.log(share + gain * (1 - share))
    kappa = 1 - pt.exp(-log_sigma)
    log_shift = kappa * log_speedup * pt.exp(log_labour_returns - log_parallel)
    before = 1 - (1 - share) * pt.exp(pt.clip(log_shift, -MOST_LOG_SHIFT, MOST_LOG_SHIFT))
    return log_labour_returns, pt.clip(before, LEAST_SHARE, 1)


def from_latents(latents: xr.Dataset, remoteness: np.ndarray, view: View) -> xr.Dataset:
    """The sampled latents, and by name what evidence moves, `r` (domain) and `r_target`, by name."""
    draws = latents[list(LATENTS)]
    for name in view.informed:
        score = latents.score.sel(quantity=name, drop=True)
        values = curve_of(name, view[name].prior).at(score.values)
        draws[name] = score.copy(data=values if QUANTITIES[name].lower_included else np.exp(values))
    draws["r"] = draws.r_typical * np.exp(draws.spread * latents.z * remoteness)
    draws["r_target"] = draws.r.sel(domain=TARGET, drop=True)
    return draws
