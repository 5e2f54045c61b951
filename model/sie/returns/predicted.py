"""What a design says at draws of a posterior or of a world: what each row should show, how likely it is, and what it might show."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, plain
from ..data.quantities import ADJUSTMENTS
from .history_density import HistoryDensity
from .observed import expected, input_value, measured_against

if TYPE_CHECKING:
    import xarray as xr

    from .design import Design

__all__ = ["errors_at", "expected_at", "likelihood_at", "log_lambda_at", "values_of"]

OWN_STREAM = 8
"""The stream of the latents that draws lack."""

SHARES = ("labour_share", "frontier_share", "share_spread", "measure_sd")
"""What the growth of all inputs in a history follows from, besides latents."""


def values_of(draws: xr.Dataset, name: str, *dims: str) -> np.ndarray:
    """A variable of draws, dims (chain, draw, ...)."""
    return draws[name].transpose("chain", "draw", *dims).values


def _effects(of: Design, draws: xr.Dataset) -> list[np.ndarray]:
    """What the rows' expected values are made of, (chain, draw, ...) each, at draws of a posterior: log r of the domains, log
    factors (0 for adjustments in no row), shared definition errors and the other quantities that rows are on."""
    log_r = np.log(values_of(draws, "r", "domain"))
    log_factor = np.zeros((*log_r.shape[:2], len(ADJUSTMENTS)))
    for i, name in enumerate(ADJUSTMENTS):
        if of.included[i] and name in draws:
            log_factor[..., i] = np.log(values_of(draws, name))
    values = {
        str(name): draws[name].transpose("chain", "draw").values
        for name in draws
        if draws[name].dims == ("chain", "draw")
    }
    inputs = [input_value(np, name, scale, values) for name, scale in of.inputs]
    stacked = np.stack(inputs, axis=-1) if inputs else np.empty((*log_r.shape[:2], 0))
    return [log_r, log_factor, _latent(of, draws, "z_input", "input_data"), stacked]


def _against(of: Design, draws: xr.Dataset) -> np.ndarray:
    """What each row was measured against, c, (chain, draw, estimate)."""
    latents = {"z_growth": ("flow", "history"), "z_share": ("history",), "z_measure": ("measure",)}
    values = {name: _latent(of, draws, name, *dims) for name, dims in latents.items() if name in of.latents}
    return measured_against(
        np, of, values | {name: values_of(draws, name) for name in SHARES if name in draws}
    )


def _latent(of: Design, draws: xr.Dataset, name: str, *dims: str) -> np.ndarray:
    """A latent by the labels of the design, (chain, draw, ...); those that the draws lack, of rows that were not fitted, as they are a
    priori."""
    shape = (*draws.r_target.shape, *(len(of.coords[dim]) for dim in dims))
    stream = np.random.SeedSequence([OWN_STREAM, zlib.crc32(name.encode())])
    found = np.random.default_rng(stream).standard_normal(shape)
    if name in draws:
        there = values_of(draws, name, *dims)
        if not dims:
            return there
        if dims[-1] not in draws.coords:
            raise DataError(
                "draws", plain(f"{name} without labels of {dims[-1]}"), "draws as sie.fit labels them"
            )
        labels = draws[dims[-1]].values.tolist()
        for i, label in enumerate(of.coords[dims[-1]]):
            if label in labels:
                found[..., i] = there[..., labels.index(label)]
    return found


def expected_at(of: Design, draws: xr.Dataset) -> xr.DataArray:
    """What each row should show, dims (chain, draw, estimate), at draws of a posterior or of a world."""
    log_r, log_factor, z_input, inputs = _effects(of, draws)
    values = expected(
        np,
        of,
        log_r=log_r,
        log_factor=log_factor,
        z_input=z_input,
        inputs=inputs,
        against=_against(of, draws),
    )
    rows = (*log_r.shape[:2], len(of.observed))
    return _by_estimate(of, draws, np.broadcast_to(values, rows))


def likelihood_at(of: Design, draws: xr.Dataset) -> xr.DataArray:
    """Each row's own log density, dims (chain, draw, estimate), at draws of a posterior or of a world."""
    deviation = expected_at(of, draws).values - of.observed
    log_lambda = log_lambda_at(of, draws)
    columns = np.empty_like(deviation)
    for i, row in enumerate(of.densities):
        own = (log_lambda[..., i],) if isinstance(row, HistoryDensity) else ()
        columns[..., i] = row.log_density(deviation[..., i], *own)
    return _by_estimate(of, draws, columns)


def errors_at(of: Design, draws: xr.Dataset, u: np.ndarray) -> np.ndarray:
    """Each row's own error below which its density has mass u, (chain, draw, estimate) as u."""
    log_lambda = log_lambda_at(of, draws)
    columns = np.empty_like(u)
    for i, row in enumerate(of.densities):
        own = (log_lambda[..., i],) if isinstance(row, HistoryDensity) else ()
        columns[..., i] = row.draw(u[..., i], *own)
    return columns


def log_lambda_at(of: Design, draws: xr.Dataset) -> np.ndarray:
    """The log of lambda against each row's own effort, (chain, draw, estimate); NaN without histories."""
    if of.lambda_curve is None:
        return np.full((*draws.r_target.shape, len(of.observed)), np.nan)
    if "lambda_histories" in draws:
        log_lambda = np.log(values_of(draws, "lambda_histories"))
    else:
        log_lambda = of.lambda_curve.at(_latent(of, draws, "z_lambda"))
    return log_lambda[..., None] + _against(of, draws)


def _by_estimate(of: Design, draws: xr.Dataset, values: np.ndarray) -> xr.DataArray:
    import xarray as xr

    coords = {"chain": draws.chain, "draw": draws.draw, "estimate": of.coords["estimate"]}
    return xr.DataArray(values, coords, ("chain", "draw", "estimate"))
