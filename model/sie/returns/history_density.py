"""The density of one raw history, over how far the model's log r lies from its centre and over the log of lambda.

    row's log likelihood = log f(d, log lambda_h)        lambda_h = lambda e^c_h, c_h the log of q / g_l or q / g_c there

For each lambda the curve over log r has area 1 and is convolved with the row's own normal definition error: r given lambda is
learnt, lambda is not. Between the curves of the stored table (`likelihoods`) a cubic spline runs along log lambda; beyond the table's
ends the curve of its last lambda stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .row_density import NARROW, PIECES, RowDensity, knots_between, nodes_of, on_knots

__all__ = ["HistoryDensity", "bicubic", "history_density", "likelihood_density"]


LEAST_LOG = 60.0
"""A likelihood is followed down to this far below its maximum; straight tails beyond."""

LIKELIHOOD_REACH = 6.0
"""Definition errors by which the pieces of a likelihood's error go beyond it on each side."""

SCORES = np.linspace(-8.0, 8.0, 801)
"""Standard scores between which a draw is interpolated."""

FINE = 4
"""Steps of a cell of log lambda at which draws are tabulated."""


@dataclass(frozen=True, kw_only=True, eq=False)
class HistoryDensity:
    """Curves over deviations, one for each of evenly spaced log lambdas: `log_lambda + step_lambda * (0 .. cells)`."""

    start: float
    step: float
    log_lambda: float
    step_lambda: float
    knot_values: np.ndarray
    """(PIECES + 1, cells + 1), each column with area 1 over its knots."""
    sd: float = 0.0
    """0: never a closed form."""

    @property
    def cells(self) -> int:
        """Steps along log lambda."""
        return self.knot_values.shape[1] - 1

    @cached_property
    def cubic(self) -> np.ndarray:
        """The bicubic pieces in t and u in [0, 1], (piece, cell, power of t, power of u)."""
        from scipy.interpolate import CubicSpline

        along_r = CubicSpline(np.arange(PIECES + 1), self.knot_values).c[::-1]  # (power, piece, column)
        along_lambda = CubicSpline(np.arange(self.cells + 1), along_r, axis=2).c[::-1]  # (power, cell, ...)
        return np.ascontiguousarray(np.transpose(along_lambda, (3, 1, 2, 0)))

    def at_lambda(self, log_lambda: float) -> RowDensity:
        """The density over deviations at one lambda."""
        u, cell = self._place(np.array(log_lambda))
        column = self.cubic[:, int(cell)] @ float(u) ** np.arange(4)
        values = np.append(column[:, 0], column[-1].sum())
        return RowDensity(start=self.start, step=self.step, knot_values=values)

    def log_density(self, deviation: np.ndarray, log_lambda: np.ndarray) -> np.ndarray:
        """log f at deviations and log lambdas, elementwise."""
        deviation, log_lambda = np.broadcast_arrays(deviation, log_lambda)
        return bicubic(np, self, self.cubic, deviation, log_lambda)

    @cached_property
    def quantiles(self) -> np.ndarray:
        """Deviations at SCORES for each of FINE log lambdas a cell, (lambda, score)."""
        from scipy.special import ndtr

        log_lambdas = self.log_lambda + self.step_lambda * np.arange(self.cells * FINE + 1) / FINE
        return np.stack([self.at_lambda(at).draw(ndtr(SCORES)) for at in log_lambdas])

    def draw(self, u: np.ndarray | float, log_lambda: np.ndarray | float) -> np.ndarray:
        """The deviations below which the density has mass u at log lambdas, elementwise; between scores in straight lines."""
        from scipy.special import ndtri

        place, score = np.broadcast_arrays(
            np.asarray(log_lambda, dtype=float), np.clip(ndtri(u), *SCORES[[0, -1]])
        )
        place = np.clip((place - self.log_lambda) / self.step_lambda * FINE, 0, self.cells * FINE)
        at = (score - SCORES[0]) / (SCORES[1] - SCORES[0])
        low = np.minimum(at.astype("int64"), len(SCORES) - 2)
        row = np.rint(place).astype("int64")
        return self.quantiles[row, low] + (at - low) * (
            self.quantiles[row, low + 1] - self.quantiles[row, low]
        )

    def _place(self, log_lambda: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        place = np.clip((log_lambda - self.log_lambda) / self.step_lambda, 0, self.cells)
        cell = np.minimum(place.astype("int64"), self.cells - 1)
        return place - cell, cell


def bicubic(xp: Any, of: Any, cubic: Any, deviation: Any, log_lambda: Any) -> Any:
    """log f by its pieces, with straight tails in the deviation that never rise outwards (NumPy or PyTensor)."""
    position = (deviation - of.start) / of.step
    inside = xp.clip(position, 0, PIECES)
    piece = xp.clip(xp.floor(inside), 0, PIECES - 1).astype("int64")
    place = xp.clip((log_lambda - of.log_lambda) / of.step_lambda, 0, of.cells)
    cell = xp.clip(xp.floor(place), 0, of.cells - 1).astype("int64")
    t, u = inside - piece, place - cell
    c = cubic[piece, cell]
    a = [c[..., i, 0] + u * (c[..., i, 1] + u * (c[..., i, 2] + u * c[..., i, 3])) for i in range(4)]
    beyond = position - inside
    slope = a[1] + t * (2 * a[2] + t * 3 * a[3])
    slope = xp.where(beyond < 0, xp.maximum(slope, 0), xp.minimum(slope, 0))
    return a[0] + t * (a[1] + t * (a[2] + t * a[3])) + beyond * slope


def history_density(
    log_r: np.ndarray, log_lambda: np.ndarray, log_likelihood: np.ndarray, own_sd: float, *, usual: float
) -> tuple[float, HistoryDensity]:
    """(log r at the maximum where lambda is `usual`, density around it) of a table (log r, log lambda), even in both."""
    from scipy.special import logsumexp

    column = int(np.argmin(np.abs(log_lambda - np.log(usual))))
    centre = float(log_r[np.argmax(log_likelihood[:, column])])
    each = [likelihood_density(log_r, values, own_sd) for values in log_likelihood.T]
    low = min(at + one.start - centre for at, one in each)
    high = max(at + one.start + PIECES * one.step - centre for at, one in each)
    deviations = np.linspace(low, high, PIECES + 1)
    step = float(deviations[1] - deviations[0])
    values = np.stack([one.log_density(deviations + centre - at) for at, one in each], axis=1)
    values -= np.asarray(logsumexp(values, axis=0)) + np.log(step)
    return centre, HistoryDensity(
        start=float(low),
        step=step,
        log_lambda=float(log_lambda[0]),
        step_lambda=float(log_lambda[1] - log_lambda[0]),
        knot_values=values,
    )


def likelihood_density(
    log_r: np.ndarray, log_likelihood: np.ndarray, own_sd: float
) -> tuple[float, RowDensity]:
    """(log r at the maximum, error around it) of a likelihood tabulated over log r, with a normal definition error."""
    from scipy.interpolate import CubicSpline
    from scipy.special import logsumexp

    top = int(np.argmax(log_likelihood))
    low = np.isfinite(log_likelihood) & (log_likelihood > log_likelihood[top] - LEAST_LOG)
    first = top - int(np.argmin(np.append(low[top::-1], False))) + 1
    last = top + int(np.argmin(np.append(low[top:], False))) - 1
    x, y = log_r[first : last + 1], log_likelihood[first : last + 1]
    centre, curve = float(log_r[top]), CubicSpline(x, y)
    slopes = max(float(curve(x[0], 1)), 0.0), min(float(curve(x[-1], 1)), 0.0)

    def at(points):
        inside = np.clip(points, x[0], x[-1])
        beyond = points - inside
        return curve(inside) + beyond * np.where(beyond < 0, *slopes)

    low, high = float(x[0]) - centre, float(x[-1]) - centre
    deviations = knots_between(low - LIKELIHOOD_REACH * own_sd, high + LIKELIHOOD_REACH * own_sd)
    if own_sd < (x[1] - x[0]) * NARROW:
        return centre, on_knots(deviations, at(deviations + centre))
    nodes = nodes_of(min(0.1, float(x[1] - x[0]) / own_sd / 2))
    summed = at(deviations[:, None] + centre + own_sd * nodes) - nodes**2 / 2
    return centre, on_knots(deviations, np.asarray(logsumexp(summed, axis=1)))
