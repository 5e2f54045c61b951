"""The hierarchical model of r as a PyMC graph: from observed domain values through the adjustments to r at ASARA.

    log r_d = log r_typical + spread * remoteness_d * z_d                       z_d ~ Normal(0, 1)

and each row as in `equations`. A row's own errors are integrated once into a density over its deviation (`row_density`); what
rows share stays latent: half of the variance of the definition errors on one input data, and its growth. Every prior enters as
its quantile curve at a standard normal `score` (`prior_curves`), as data: one compiled graph serves every view, every level and
every selection of rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..data.families import SCORE_LIMIT
from ..data.priors import View
from ..data.quantities import ADJUSTMENTS, CHAIN, INPUT_SHARES, QUANTITIES
from .design import Design, design
from .equations import expected, labour_returns, share_before
from .inputs import TERMS
from .prior_curves import GRAPH
from .row_density import PIECES

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

__all__ = ["build", "design_of", "is_as_built"]

OF_ROWS = ("observed", "loadings", "terms", "growth", "input_idx", "remoteness")
"""Arrays of a design that `pm.set_data` may change in its model."""

_IS_BOTTLENECK = np.array([float(name == "compute_bottleneck") for name in ADJUSTMENTS])


def build(rows: xr.Dataset, view: View, *, likelihoods: Mapping[str, xr.DataArray] | None = None) -> pm.Model:
    """The model of a view and the rows that may update it (`sie.usable`), ready for `sie.fit`.

    Latents: `score` (quantity; what the view states, at standard normal scores), `z` (domain), the shared definition errors
    `z_input` (input_data) and the shared errors of input growth `z_growth` (flow, input_data). `r` and `factor` are on the
    natural scale; `log_estimate` (estimate) is what each row is expected to show, `log_likelihood` (estimate) its own density.
    Everything that differs between views and rows is `pm.Data`. A `steepening` derived from `gained_before_asara` is no part
    of the graph, since no usable row includes it. `model.design` is what it was made from: `log_density` has the same log
    density, written out for speed; a model to which another term is added is sampled from its graph.

    Parameters
    ----------
    rows : xr.Dataset
        As `usable` returns them.
    view : View
        A view that states the chain from observed domains to r at ASARA.
    likelihoods : mapping of str to xr.DataArray, optional
        Those of the rows at the levels "series" and "epoch", by id (`epoch_` before it at that level); default: those of the
        evidence folder.

    Returns
    -------
    pm.Model
        Not yet sampled.

    Raises
    ------
    DoubleCounting
        For rows that the view already reflects, two rows on one output data, or one domain at two levels.
    DataError
        For a view that states r at ASARA (evidence cannot move it; use `prior`), rows measured against inputs of which the view or
        the row says too little, and a missing or stale likelihood.

    Examples
    --------
    >>> view = sie.read_view("davidson_2025")
    >>> model = sie.build(sie.usable(sie.read_evidence(), view), view)
    >>> tree = sie.fit(model, seed=1)
    """
    return graph(design(rows, view, likelihoods=likelihoods))


def graph(of: Design) -> pm.Model:
    """The PyMC model of a design."""
    import pymc
    import pytensor.tensor

    pm, pt = cast("Any", pymc), cast("Any", pytensor.tensor)  # which annotate no operators of graphs
    knots, cubics = of.curves
    parts, log_weight = of.parts
    coords = {
        **of.coords,
        "combination": range(len(log_weight)),
        "curve": range(len(cubics)),
        "interval": range(cubics.shape[1]),
        "power": range(4),
        "effect": [name for dim in ("domain", "adjustment", "input_data") for name in of.coords[dim]],
        "term": list(TERMS),
        "shape": ["median", "scale", "skew"],
        "span": ["start", "step"],
        "tail": ["below", "above"],
        "piece": range(PIECES),
    }
    dims = {
        "observed": ("estimate",),
        "loadings": ("estimate", "effect"),
        "terms": ("estimate", "term"),
        "growth": ("estimate", "flow", "shape"),
        "input_idx": ("estimate",),
        "remoteness": ("domain",),
    }
    with pm.Model(coords=coords, check_bounds=False) as model:
        knot = pm.Data("knots", knots, dims=("curve", "interval", "span"))
        cubic = pm.Data("cubic", cubics, dims=("curve", "interval", "power"))
        pm.Data("parts", parts, dims=("combination", "quantity"))
        pm.Data("log_weight", log_weight, dims="combination")
        derived = pm.Data("derived", float(of.view.derives_compute_bottleneck))
        data = SimpleNamespace(
            **{name: pm.Data(name, getattr(of, name), dims=dims[name]) for name in OF_ROWS}
        )
        grid = pm.Data("grid", of.row_grids["grid"], dims=("estimate", "span"))
        error = pm.Data("error", of.row_grids["error"], dims=("estimate", "piece", "power"))
        tails = pm.Data("tails", of.row_grids["tails"], dims=("estimate", "tail"))

        score = pm.Normal("score", dims="quantity")
        quantity = _at_score(pt, knot, cubic, score)
        log_r_typical, spread, log_stated = quantity[0], quantity[1], quantity[2 : len(CHAIN)]
        inputs = {name: quantity[GRAPH.index(name)] for name in INPUT_SHARES}
        inputs = {
            name: value if QUANTITIES[name].lower_included else pt.exp(value)
            for name, value in inputs.items()
        }
        log_returns = pt.log(labour_returns(inputs["labour_share"], inputs["experiment_gain"]))
        log_factor = log_stated + derived * log_returns * _IS_BOTTLENECK
        z = pm.Normal("z", dims="domain")
        log_r = log_r_typical + spread * data.remoteness * z
        pm.Deterministic("r", pt.exp(log_r), dims="domain")
        pm.Deterministic("factor", pt.exp(log_factor), dims="adjustment")

        z_input = pm.Normal("z_input", dims="input_data")
        z_growth = pm.Normal("z_growth", dims=("flow", "input_data"))
        log_estimate = expected(
            pt,
            data,
            log_r=log_r,
            log_factor=log_factor,
            z_input=z_input,
            z_growth=z_growth,
            share=share_before(pt, **inputs),
        )
        pm.Deterministic("log_estimate", log_estimate, dims="estimate")
        log_likelihood = _log_density(pt, grid, error, tails, log_estimate - data.observed)
        pm.Deterministic("log_likelihood", log_likelihood, dims="estimate")
        pm.Potential("evidence", log_likelihood.sum())
    model.design, model.view, model.terms_as_built = of, of.view, _terms(model)
    return model


def design_of(model: pm.Model) -> Design:
    """The design of a model from `build`, with the data of its rows as they are now."""
    of: Design = cast("Any", model).design
    now = {name: model[name].get_value() for name in OF_ROWS}
    if all(np.array_equal(value, getattr(of, name)) for name, value in now.items()):
        return of
    return replace(of, **now)


def is_as_built(model: pm.Model) -> bool:
    """Whether `log_density` is a model's density: other data of its rows leave it so, another term or other priors do not."""
    of: Design | None = getattr(model, "design", None)
    if of is None or cast("Any", model).terms_as_built != _terms(model):
        return False
    knots, cubics = of.curves
    parts, log_weight = of.parts
    fixed = {"knots": knots, "cubic": cubics, "parts": parts, "log_weight": log_weight, **of.row_grids}
    return all(np.array_equal(model[name].get_value(), value) for name, value in fixed.items())


def _terms(model: pm.Model) -> tuple:
    """What the log density is a sum over."""
    return (*model.basic_RVs, *model.potentials)


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
