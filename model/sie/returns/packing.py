"""A `Design` in one vector of doubles, as the log density reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..data.evidence import TARGET
from ..data.families import SCORE_LIMIT
from ..data.quantities import ADJUSTMENTS, QUANTITIES
from .history_density import HistoryDensity
from .prior_curves import CELLS, GRAPH
from .row_density import PIECES

if TYPE_CHECKING:
    from .design import Design

__all__ = ["HEAD", "PLACES", "pack"]

PLACES = {name: GRAPH.index(name) for name in GRAPH}
"""Where each quantity stands among the scores."""

HEAD = 21
"""Numbers before the arrays of packed data, see `pack`."""

SCALES = ("log", "logit", "linear")
"""Scales of rows on other quantities, by their number in packed data."""


def pack(design: Design) -> np.ndarray:
    """A design in one vector, as `log_density` reads it, without the rows that stand beside; loadings without their zeros."""
    of = design.only(np.flatnonzero(~design.beside))
    knots, cubic = of.curves
    parts, log_weight = of.parts
    rows, columns = np.nonzero(of.loadings)
    first = np.searchsorted(rows, np.arange(len(of.loadings) + 1))
    copula = of.copula if of.copula is not None else np.zeros((0, 0))
    histories, tables = _tables(of)
    arrays = [
        parts,
        log_weight,
        *_curves(knots, cubic),
        copula,
        *(of.remoteness, of.terms, of.growth, of.relative),
        *(_places(of.history_of), _places(of.measure_of), of.observed),
        *(of.row_grids[name] for name in ("grid", "error", "tails", "sd")),
        *(_inputs(of), histories, tables),
        *(first, columns, of.loadings[rows, columns]),
    ]
    curves, most_pieces, _ = cubic.shape
    combinations, quantities = parts.shape
    view = of.view
    head = [
        HEAD + sum(array.size for array in arrays),
        quantities,
        len(of.remoteness),
        len(ADJUSTMENTS),
        len(of.names["input_data"]),
        len(of.observed),
        len(columns),
        most_pieces,
        PIECES,
        float(view.derives_compute_bottleneck),
        combinations,
        curves,
        len(copula),
        len(of.names["history"]),
        len(of.names["measure"]),
        len(of.inputs),
        len(tables),
        of.coords["domain"].index(TARGET),
        float(view["speedup"].reached) if view.derives_compute_bottleneck else 0.0,
        float("z_lambda" in design.latents),
        float("z_share" in design.latents),
    ]
    return np.concatenate([np.array(head, dtype=float), *(array.ravel().astype(float) for array in arrays)])


def _places(one_hot: np.ndarray) -> np.ndarray:
    """The column of each row's 1, or -1."""
    return np.where(one_hot.any(axis=1), one_hot.argmax(axis=1) if one_hot.size else 0, -1)


def _inputs(of: Design) -> np.ndarray:
    """The place of each quantity that rows are on, -1 for what no row here is on; its scale; whether
    its curve is in logs: (input, 3)."""
    found = np.empty((len(of.inputs), 3))
    first = of.loadings.shape[1] - len(of.inputs)
    for i, (name, scale) in enumerate(of.inputs):
        place = PLACES.get(name, -1) if of.loadings[:, first + i].any() else -1
        found[i] = place, SCALES.index(scale), place >= 0 and not QUANTITIES[name].lower_included
    return found


def _tables(of: Design) -> tuple[np.ndarray, np.ndarray]:
    """Where each row's history begins among the tables, -1 for others; each as its grids, cells and bicubic pieces."""
    start, parts, size = np.full(len(of.observed), -1), [], 0
    for i, row in enumerate(of.densities):
        if isinstance(row, HistoryDensity):
            start[i] = size
            parts += [
                np.array([row.start, row.step, row.log_lambda, row.step_lambda, row.cells]),
                row.cubic.ravel(),
            ]
            size += 5 + row.cubic.size
    return start, np.concatenate(parts) if parts else np.zeros(0)


def _curves(knots: np.ndarray, cubic: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first piece of each cell (curve, CELLS + 1), by which a piece is found fast, and each piece as six numbers."""
    edges = np.linspace(-SCORE_LIMIT, SCORE_LIMIT, CELLS + 1)
    first = np.array([np.searchsorted(start, edges, side="right") - 1 for start in knots[..., 0]])
    return first.reshape(len(knots), CELLS + 1), np.concatenate([knots, cubic], axis=2)
