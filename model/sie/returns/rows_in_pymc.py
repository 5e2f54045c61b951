"""Evidence rows as observed variables of PyMC, each with its density and a way to draw it anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..data.families import SCORE_LIMIT
from .history_density import FINE, SCORES, HistoryDensity, bicubic
from .row_density import PIECES

if TYPE_CHECKING:
    from .design import Design

__all__ = ["observe"]

DRAWN = 2049
"""Standard scores, evenly spaced, between which a tabulated error is drawn by interpolation."""


def observe(name: str, mean: Any, log_lambda: Any, of: Design) -> None:
    """The estimates of one level's rows, in the model of the context: their mean less their own errors."""
    import pymc

    pm = cast("Any", pymc)
    sd = np.array([error.sd for error in of.densities])
    dims = f"{name}_row"
    if np.all(sd > 0):
        pm.Normal(name, mean, sd, observed=of.observed, dims=dims)
        return
    if any(isinstance(error, HistoryDensity) for error in of.densities):
        arguments, (log_density, random) = (mean, log_lambda), _histories(of)
    else:
        arguments, (log_density, random) = (mean,), _tabulated(of, sd)
    named = {"class_name": "RowDensity", "observed": of.observed, "dims": dims}
    pm.CustomDist(name, *arguments, logp=log_density, dist=random, **named)


def _tabulated(of: Design, sd: np.ndarray) -> tuple[Any, Any]:
    """Log density and draws of rows with a normal error of `sd` or, where that is 0, a tabulated one."""
    import pymc
    import pytensor.tensor
    from scipy.special import ndtr

    pm, pt = cast("Any", pymc), cast("Any", pytensor.tensor)
    errors, grids = of.densities, of.row_grids
    start, step = grids["grid"].T
    rows = np.arange(len(errors))

    def log_density(value, mean):
        position = (mean - value - start) / step
        inside = pt.clip(position, 0, PIECES)
        piece = pt.clip(pt.floor(inside), 0, PIECES - 1)
        t, c = inside - piece, pt.as_tensor(grids["error"])[rows, pt.cast(piece, "int64")]
        beyond = position - inside
        slope = pt.switch(beyond < 0, grids["tails"][:, 0], grids["tails"][:, 1])
        tabulated = c[:, 0] + t * (c[:, 1] + t * (c[:, 2] + t * c[:, 3])) + beyond * slope
        normal = pm.logp(pm.Normal.dist(mean, np.where(sd > 0, sd, 1.0)), value)
        return pt.switch(sd > 0, normal, tabulated)

    edges = np.linspace(-SCORE_LIMIT, SCORE_LIMIT, DRAWN)
    quantiles = np.stack([error.draw(ndtr(edges)) for error in errors])  # pyright: ignore[reportCallIssue]

    def random(mean, size):
        score = pm.Normal.dist(size=mean.shape if size is None else size)
        return mean - _between(pt, quantiles, rows, edges, score)

    return log_density, random


def _histories(of: Design) -> tuple[Any, Any]:
    """The same of raw histories, given the log of the lambda under which each is read."""
    import pymc
    import pytensor.tensor

    pm, pt = cast("Any", pymc), cast("Any", pytensor.tensor)
    errors = cast("tuple[HistoryDensity, ...]", of.densities)

    def log_density(value, mean, log_lambda):
        each = [
            bicubic(pt, error, pt.as_tensor(error.cubic), mean[i] - value[i], log_lambda[i])
            for i, error in enumerate(errors)
        ]
        return pt.stack(each)

    start, step, cells = np.array([(each.log_lambda, each.step_lambda, each.cells) for each in errors]).T
    first = np.cumsum([0, *(len(each.quantiles) for each in errors[:-1])])
    quantiles = np.concatenate([each.quantiles for each in errors])

    def random(mean, log_lambda, size):
        score = pm.Normal.dist(size=mean.shape if size is None else size)
        place = pt.clip((log_lambda - start) / step * FINE, 0, cells * FINE)
        return mean - _between(pt, quantiles, first + pt.cast(pt.round(place), "int64"), SCORES, score)

    return log_density, random


def _between(pt: Any, quantiles: np.ndarray, row: Any, edges: np.ndarray, score: Any) -> Any:
    """The quantile at a score of each row of a table (row, edge), in straight lines between evenly spaced edges."""
    position = (pt.clip(score, edges[0], edges[-1]) - edges[0]) / (edges[1] - edges[0])
    piece = pt.clip(pt.floor(position), 0, len(edges) - 2)
    low, high = (pt.as_tensor(quantiles)[row, pt.cast(piece, "int64") + i] for i in (0, 1))
    return low + (position - piece) * (high - low)
