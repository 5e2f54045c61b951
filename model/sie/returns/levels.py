"""Each evidence row as numbers for the model: its log estimate, its own error, and what its expected log is made of.

    published        a row of returns.csv or factors.csv       Student-t from its own quantiles
    growth           a row of growth.csv                       output growth, skewed as stated; input growth stays in the model
    series, epoch    a likelihood over log r                   of a raw history, or Epoch's own for a growth row

A series' likelihood is a curve for each lambda, the power of its own effort in the pace. r is lambda / beta against that effort, and
every factor that turns r into r at ASARA leaves beta alone, so lambda is what p = lambda e(0) becomes without it:

    stated compute factor     r against labour, with compute growing as it did    lambda = p / compute_bottleneck
    derived compute factor    r against all inputs, times e^c_i for the row's own  lambda = p / e(0) x e^c_i

One loading matrix (estimate, effect) with effects log r_d, log f_k and the definition errors that rows on one input data
share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..base.stats import QUANTILES
from ..data.priors import View
from .equations import labour_returns, log_input_growth
from .inputs import INPUT_FLOWS, growth_of_inputs, is_growth_ratio, levels_of
from .likelihoods import name_of, over_log_r, read_likelihood
from .row_density import RowDensity, growth_density, growth_shape, likelihood_density, published_density

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["growth_shapes", "lambda_from", "lambda_values", "loadings", "own_estimates", "row_densities"]

LAMBDA_VALUES = 2**16
"""About so many values of lambda, all equally probable, over which a series' likelihood is averaged."""

SIMULATED = 20000
"""Draws behind the quantiles of a ratio of growth rates."""

LAMBDA_FROM = ("parallel", "labour_share", "experiment_gain")
"""What lambda follows from where a view states no compute factor."""


def row_densities(
    rows: xr.Dataset, view: View, likelihoods: Mapping[str, xr.DataArray] | None = None
) -> tuple[np.ndarray, tuple[RowDensity, ...]]:
    """Each row's log estimate (estimate,) and the density of its own error, its part of the definition error included.

    `likelihoods` by id (`epoch_` before it at that level); by default those of the evidence folder, which raise DataError
    where one is missing or stale.
    """
    own_sd, _ = _definition_sds(rows)
    return _densities(rows, own_sd, lambda_values(rows, view), likelihoods)


def own_estimates(
    rows: xr.Dataset, draws: xr.Dataset, *, likelihoods: Mapping[str, xr.DataArray] | None = None
) -> np.ndarray:
    """5, 25, 50, 75, 95 % of r as each row of growth or series has it, against the input that it names (estimate, quantile).

    Without its definition error. Output growth over input growth for growth rows; labour's share, for those measured against
    all inputs, and lambda, for series, are those of `draws`, whose compute factor is e(0) where it is derived.
    """
    values = {
        name: draws[name].values.ravel() for name in (*LAMBDA_FROM, "compute_bottleneck") if name in draws
    }
    returns = labour_returns(values["labour_share"], values["experiment_gain"])
    against_all = np.allclose(values.get("compute_bottleneck", np.nan), returns)
    lambdas = _lambdas(rows, values, against_all=against_all)
    centres, densities = _densities(rows, np.zeros(rows.sizes["estimate"]), lambdas, likelihoods)
    ratio, growth, share = is_growth_ratio(rows), growth_shapes(rows), float(draws.labour_share.median())
    found = np.empty((len(centres), len(QUANTILES)))
    for i, against in enumerate(rows.input.values.tolist()):
        log_r = centres[i] + densities[i].quantile((np.arange(SIMULATED) + 0.5) / SIMULATED)
        if ratio[i]:
            log_growth = _log_growth(growth[i])
            weights = {"labour": (1, 0), "compute": (0, 1), "all": (share, 1 - share)}[against]
            log_r = log_r - np.log(weights @ np.exp(log_growth))
        found[i] = np.exp(np.quantile(log_r, QUANTILES))
    return found


def _log_growth(shapes: np.ndarray) -> np.ndarray:
    """Log growth of both inputs (flow, draw), independent of each other."""
    scores = np.random.default_rng(0).standard_normal((len(INPUT_FLOWS), SIMULATED))
    return log_input_growth(np, shapes[:, None], scores)


def _densities(
    rows: xr.Dataset,
    own_sd: np.ndarray,
    lambdas: np.ndarray,
    likelihoods: Mapping[str, xr.DataArray] | None,
) -> tuple[np.ndarray, tuple[RowDensity, ...]]:
    ratio, level = is_growth_ratio(rows), levels_of(rows)
    centres, densities = np.empty(len(own_sd)), []
    for i, row in enumerate(rows.estimate.values.tolist()):
        if ratio[i]:
            output = rows.growth.sel(flow="output").values[i]
            centres[i], density = math.log(output[1]), growth_density(output, float(own_sd[i]))
        elif name := name_of(row, level[i]):
            log_r, log_likelihood = _likelihood(name, rows, lambdas[i], likelihoods)
            centres[i], density = likelihood_density(log_r, log_likelihood, float(own_sd[i]))
        else:
            value, se = rows.value.values[i], float(rows.se.values[i])
            centres[i], density = math.log(value[2]), published_density(value, se, float(own_sd[i]))
        densities.append(density)
    return centres, tuple(densities)


def loadings(rows: xr.Dataset) -> np.ndarray:
    """What each row's expected log is made of (estimate, effect): its domain's log r, adjustments, shared definition error."""
    _, shared_sd = _definition_sds(rows)
    domain = np.eye(rows.sizes["domain"])[rows.domain_idx.values] * (rows.kind.values != "factor")[:, None]
    shared = np.eye(rows.sizes["input_data"])[rows.input_idx.values] * shared_sd[:, None]
    return np.concatenate([domain, rows.includes.values, shared], axis=1)


def growth_shapes(rows: xr.Dataset) -> np.ndarray:
    """Median, scale and skew of the log growth of each row's inputs (estimate, flow, shape); 0, 0, 1 where unknown."""
    growth = growth_of_inputs(rows)
    shapes = np.tile([0.0, 0.0, 1.0], (*growth.shape[:2], 1))
    for at in zip(*np.nonzero(~np.isnan(growth[..., 1])), strict=True):
        shapes[at] = growth_shape(growth[at])
    return shapes


def lambda_values(rows: xr.Dataset, view: View) -> np.ndarray:
    """Equally probable values of lambda (estimate, value), the power of each row's own effort in the pace: see the module.

    The product of midpoint rules over the quantiles of what lambda follows from, so that no answer holds a sampling error of
    lambda. The growth of a history's inputs is taken at its median, and labour's share in it as that at ASARA. A view that
    states r at ASARA has no compute factor; lambda is then p / e(0).
    """
    from scipy.special import ndtri

    names = lambda_from(view)
    uncertain = [name for name in names if view[name].prior.family != "fixed"]
    count = round(LAMBDA_VALUES ** (1 / max(len(uncertain), 1)))
    scores = ndtri((np.arange(count) + 0.5) / count)
    nodes = np.meshgrid(*(view[name].prior.at(scores if name in uncertain else 0.0) for name in names))
    values = {name: node.ravel() for name, node in zip(names, nodes, strict=True)}
    return _lambdas(rows, values, against_all=view.derives_compute_bottleneck)


def lambda_from(view: View) -> tuple[str, ...]:
    """The quantities of a view that lambda follows from."""
    return ("parallel", "compute_bottleneck") if "compute_bottleneck" in view else LAMBDA_FROM


def _lambdas(rows: xr.Dataset, values: Mapping[str, np.ndarray], *, against_all: bool) -> np.ndarray:
    factor = (
        values["compute_bottleneck"]
        if "compute_bottleneck" in values
        else labour_returns(values["labour_share"], values["experiment_gain"])
    )
    lambdas = np.broadcast_to(values["parallel"] / factor, (rows.sizes["estimate"], np.size(factor)))
    if not against_all:
        return lambdas
    lambdas = lambdas.copy()
    growth = growth_of_inputs(rows)[..., 1]
    for i, against in enumerate(rows.input.values.tolist()):
        if against in INPUT_FLOWS and not np.isnan(growth[i]).any():
            share = values["labour_share"]
            lambdas[i] *= (share * growth[i, 0] + (1 - share) * growth[i, 1]) / growth[
                i, INPUT_FLOWS.index(against)
            ]
    return lambdas


def _definition_sds(rows: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Each row's own and shared part: half of the variance is shared with the other rows on the input data, if there are any."""
    input_idx, definition_sd = rows.input_idx.values, rows.definition_sd.values
    shared = np.bincount(input_idx, minlength=rows.sizes["input_data"])[input_idx] > 1
    half = definition_sd / math.sqrt(2)
    return np.where(shared, half, definition_sd), np.where(shared, half, 0.0)


def _likelihood(
    name: str, rows: xr.Dataset, lambdas: np.ndarray, likelihoods: Mapping[str, xr.DataArray] | None
) -> tuple[np.ndarray, np.ndarray]:
    """(log r, log likelihood), with lambda integrated out over these draws."""
    folder = rows.attrs.get("folder")
    table = likelihoods[name] if likelihoods is not None else read_likelihood(name, folder)
    return table.log_r.values, over_log_r(table, lambdas)
