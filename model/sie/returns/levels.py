"""Each evidence row as numbers for the model: its estimate on its own scale, its own error, and what its expected value is made of.

    published        a row of returns.csv or factors.csv       Student-t from its own quantiles
    input            a row of inputs.csv                       the same on its scale, or a bound
    growth           a row of growth.csv                       output growth, skewed as stated; input growth stays in the model
    epoch            Epoch's own likelihood over log r of a growth row
    series           a likelihood over log r and log lambda    of a raw history (`history_density`)

One loading matrix (estimate, effect) with effects log r_d, log f_k, the definition errors that rows on one input data share, and
the other quantities that rows are on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ..base.stats import QUANTILES
from ..data.constructors import fixed
from ..data.priors import View
from ..data.quantities import ADJUSTMENTS, SERIAL_PENALTY
from ..data.row_rules import PRODUCT
from .history_density import HistoryDensity, history_density, likelihood_density
from .inputs import INPUT_FLOWS, growth_of_inputs, is_growth_ratio, levels_of, ratio_of_inputs
from .likelihoods import name_of, read_likelihood
from .observed import LEFT, log_input_growth, on_scale
from .row_density import (
    RowDensity,
    bound_density,
    estimate_density,
    growth_density,
    growth_shape,
    published_density,
)

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "beside",
    "definition_sds",
    "growth_shapes",
    "inputs_of",
    "loadings",
    "own_estimates",
    "row_densities",
]

NONE = fixed(0)

SIMULATED = 20000
"""Draws behind the quantiles of a ratio of growth rates."""

USUAL_LAMBDA = 0.6
"""The lambda at whose curve a history's density is centred; which one it is changes no answer."""


def row_densities(
    rows: xr.Dataset,
    own_sd: np.ndarray,
    likelihoods: Mapping[str, xr.DataArray] | None = None,
) -> tuple[np.ndarray, tuple[RowDensity | HistoryDensity, ...]]:
    """Each row's estimate on its own scale (estimate,) and the density of its own error, `own_sd` (estimate,) of it by definition.

    `likelihoods` by id (`epoch_` before it at that level); by default those of the evidence folder, which raise DataError
    where one is missing or stale.
    """
    ratio, level = is_growth_ratio(rows), levels_of(rows)
    centres, densities = np.empty(len(own_sd)), []
    for i, row in enumerate(rows.estimate.values.tolist()):
        value, se, sd = rows.value.values[i], float(rows.se.values[i]), float(own_sd[i])
        if ratio[i]:
            output = rows.growth.sel(flow="output").values[i]
            centres[i], density = math.log(output[1]), growth_density(output, sd)
        elif level[i] == "input":
            centres[i], density = _on_own_scale(rows.isel(estimate=i), value, se, sd)
        elif name := name_of(row, level[i]):
            table = (
                likelihoods[name]
                if likelihoods is not None
                else read_likelihood(name, rows.attrs.get("folder"))
            )
            centres[i], density = _of_history(table, sd)
        else:
            centres[i], density = math.log(value[2]), published_density(value, se, sd)
        densities.append(density)
    return centres, tuple(densities)


def _of_history(table: xr.DataArray, sd: float) -> tuple[float, RowDensity | HistoryDensity]:
    table = table.transpose("log_r", "log_lambda")
    arrays = (table.log_r.values, table.log_lambda.values, table.values)
    return _of_table(*(np.ascontiguousarray(array, dtype=float).tobytes() for array in arrays), sd)


@lru_cache(maxsize=32)
def _of_table(
    log_r: bytes, log_lambda: bytes, log_likelihood: bytes, sd: float
) -> tuple[float, RowDensity | HistoryDensity]:
    """The same by content: an edit of a view reads the histories as the fit before it did."""
    x, y = np.frombuffer(log_r), np.frombuffer(log_lambda)
    values = np.frombuffer(log_likelihood).reshape(len(x), len(y))
    if len(y) == 1:
        return likelihood_density(x, values[:, 0], sd)
    return history_density(x, y, values, sd, usual=USUAL_LAMBDA)


def _on_own_scale(row: xr.Dataset, value: np.ndarray, se: float, sd: float) -> tuple[float, RowDensity]:
    """A row on another quantity. What counts serial labour becomes what counts parallel labour by a constant: the odds of a share, and
    the elasticity of progress to labour (`data.row_rules`)."""
    scale = row.scale.item()
    with np.errstate(invalid="ignore"):
        quantiles = on_scale(np, value, scale)
    middle = float(value[2])
    slope = {"log": lambda: 1 / middle, "logit": lambda: 1 / (middle * (1 - middle)), "linear": lambda: 1.0}[
        scale
    ]()
    if row.quantity.item() in ("labour_share", PRODUCT) and row.labour.item() == "serial":
        quantiles = quantiles + math.log(SERIAL_PENALTY)
    if bound := row.bound.item():
        return float(quantiles[2]), bound_density(sd, upper=bound == "upper")
    return float(quantiles[2]), estimate_density(quantiles, se * slope, sd)


def inputs_of(rows: xr.Dataset, view: View) -> list[list[tuple[str, str]]]:
    """What each row on another quantity than r and adjustments is on, as quantities of `observed.input_value` with their scale.

    More than one for a product, which is on the log scale; none for other rows.
    """
    if "quantity" not in rows:
        return [[] for _ in range(rows.sizes["estimate"])]
    named = (rows[name].values.tolist() for name in ("quantity", "scale", "distance"))
    found = []
    for quantity, scale, distance in zip(*named, strict=True):
        if not quantity or quantity in ADJUSTMENTS:
            found.append([])
        elif distance == "left" and "gained_before_asara" in view:
            found.append([(LEFT, scale)])
        else:
            found.append([(name, scale) for name in quantity.split("*")])
    return found


def beside(on: list[list[tuple[str, str]]], view: View) -> np.ndarray:
    """Which rows, by what they are `on` (`inputs_of`), are on quantities that no other row touches (estimate,)."""
    return np.array(
        [bool(row) and not any(name in view.informed for name, _ in row) for row in on], dtype=bool
    )


def loadings(
    rows: xr.Dataset, shared: np.ndarray, on: list[list[tuple[str, str]]], inputs: tuple
) -> np.ndarray:
    """What each row's expected value is made of (estimate, effect): its domain's log r, adjustments, `shared` definition errors, `inputs`."""
    of_domain = rows.domain_idx.values >= 0
    domain = np.eye(rows.sizes["domain"])[rows.domain_idx.values] * of_domain[:, None]
    others = np.array([[float(each in row) for each in inputs] for row in on]).reshape(len(on), len(inputs))
    factors = rows.includes.values.astype(float)
    if "quantity" in rows:
        factors = factors + (rows.quantity.values[:, None] == np.array(ADJUSTMENTS))
    return np.concatenate([domain, factors, shared, others], axis=1)


def growth_shapes(rows: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Median, scale and skew of the log growth of each row's inputs (estimate, flow, shape), 0, 0, 1 where unknown; and whether
    compute's is relative to labour's (estimate,)."""
    growth, ratio = growth_of_inputs(rows), ratio_of_inputs(rows)
    shapes = np.tile([0.0, 0.0, 1.0], (*growth.shape[:2], 1))
    for at in zip(*np.nonzero(~np.isnan(growth[..., 1])), strict=True):
        shapes[at] = growth_shape(growth[at])
    compute = INPUT_FLOWS.index("compute")
    relative = np.isnan(growth[:, compute, 1]) & ~np.isnan(ratio[:, 0])
    for i in np.flatnonzero(relative):
        low, high = ratio[i]
        shapes[i, compute] = growth_shape(np.array([low, math.sqrt(low * high), high]))
    return shapes, relative


def own_estimates(
    rows: xr.Dataset, draws: xr.Dataset, *, likelihoods: Mapping[str, xr.DataArray] | None = None
) -> np.ndarray:
    """5, 25, 50, 75, 95 % of r as each row of growth or series has it, against the input that it names (estimate, quantile).

    Without its definition error. Output growth over input growth for growth rows; labour's share, for those measured against
    all inputs, and lambda, for series, are the medians of `draws`.
    """
    centres, densities = row_densities(rows, np.zeros(rows.sizes["estimate"]), likelihoods)
    ratio, share = is_growth_ratio(rows), float(draws.labour_share.median())
    growth, relative = growth_shapes(rows)
    usual = float(draws.lambda_histories.median()) if "lambda_histories" in draws else USUAL_LAMBDA
    found = np.empty((len(centres), len(QUANTILES)))
    for i, against in enumerate(rows.input.values.tolist()):
        density = densities[i]
        density = density.at_lambda(math.log(usual)) if isinstance(density, HistoryDensity) else density
        log_r = centres[i] + density.quantile((np.arange(SIMULATED) + 0.5) / SIMULATED)
        if ratio[i]:
            log_growth = _log_growth(growth[i])
            log_growth[1] += relative[i] * log_growth[0]
            weights = {"labour": (1, 0), "compute": (0, 1), "all": (share, 1 - share)}[against]
            log_r = log_r - np.log(weights @ np.exp(log_growth))
        found[i] = np.exp(np.quantile(log_r, QUANTILES))
    return found


def _log_growth(shapes: np.ndarray) -> np.ndarray:
    """Log growth of both inputs (flow, draw), independent of each other."""
    scores = np.random.default_rng(0).standard_normal((len(INPUT_FLOWS), SIMULATED))
    return log_input_growth(np, shapes[:, None], scores)


def definition_sds(rows: xr.Dataset, view: View, beside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The row's own and the shared part of its definition error, (estimate,) each.

    Half of the variance is shared with the other rows on the input data, if there are any. What the row's error holds for how
    labour is counted is left out where the view has an error of its own for that. `beside` marks rows that are read apart from
    the others and share nothing with them.
    """
    variance = rows.definition_sd.values**2
    if "measure_sd" in rows and "measure_sd" in view and view["measure_sd"].prior != NONE:
        variance = variance - rows.measure_sd.values**2
    sd = np.sqrt(np.maximum(variance, 0))
    group = rows.input_idx.values + rows.sizes["input_data"] * beside
    shared = np.bincount(group, minlength=1)[group] > 1
    half = sd / math.sqrt(2)
    return np.where(shared, half, sd), np.where(shared, half, 0.0)
