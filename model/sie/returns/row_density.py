"""The density of one evidence row's own error, over how far the model's value lies from the estimate.

    d = model's log value - log estimate,   row's log likelihood = log f(d)

f is a Student-t from a published estimate's own quantiles, the three quantiles of a growth rate, or a likelihood over log r that
stands for a whole series; each convolved with the row's own normal definition error. Tabulated as cubics with straight tails,
so that every level of evidence is the same kind of data to the model. What rows share is not here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import cast

import numpy as np

from ..base.stats import Z90

__all__ = [
    "NARROW",
    "NORMAL_DF",
    "PIECES",
    "RowDensity",
    "bound_density",
    "estimate_density",
    "growth_density",
    "growth_shape",
    "knots_between",
    "nodes_of",
    "on_knots",
    "published_density",
]

PIECES = 256
"""Cubic pieces of an error's log density."""

REACH = 12.0
"""The pieces of a published estimate's error span this many of its widths on each side; straight tails beyond."""

NORMAL_DF = 1e6
"""Degrees of freedom at which a Student-t error counts as normal."""

LOWEST_DF = 1.0
"""Tails fatter than a Cauchy's are not believed of any published interval."""

LEAST_SKEW = 1e-4
"""Skewness of a growth rate's quantiles below this (per standard score) counts as this: the limit is a normal error."""

NARROW = 0.01
"""Of two errors, one this much narrower than the other makes no difference."""

GROWTH_REACH = 4.5
"""Standard scores on each side to which the error of a growth rate is followed; straight tails beyond."""

MOST_NODES = 4001
"""Points at which the density of a growth rate is summed, at most."""

TINY = np.finfo(float).tiny

FINE = 16
"""Points within each piece between which a draw is interpolated."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RowDensity:
    """A row's log density: a normal one of standard deviation `sd`, or, where that is 0, a table.

    The table is at equally spaced deviations `start + step * (0 .. PIECES)`: a cubic spline with straight tails. `knot_values`
    integrate to 1 over the knots.
    """

    start: float
    step: float
    knot_values: np.ndarray
    sd: float = 0.0
    drawn_sd: float = 0.0
    """Of a bound: the standard deviation of the estimate of which only the side of it is known; 0 for others."""

    @property
    def knots(self) -> np.ndarray:
        """Deviations at which `knot_values` are stated, (PIECES + 1,)."""
        return self.start + self.step * np.arange(PIECES + 1)

    @cached_property
    def cubic(self) -> np.ndarray:
        """The spline's pieces in t in [0, 1], (piece, power 0 to 3)."""
        from scipy.interpolate import CubicSpline

        return CubicSpline(np.arange(PIECES + 1), self.knot_values).c[::-1].T

    @cached_property
    def tails(self) -> np.ndarray:
        """Slopes per step of the tails, (below, above); tails never rise outwards."""
        above = self.cubic[-1] @ np.arange(4)
        return np.array([max(self.cubic[0, 1], 0.0), min(above, 0.0)])

    def log_density(self, deviation: np.ndarray) -> np.ndarray:
        """log f at deviations, elementwise."""
        if self.sd > 0:
            return _log_normal(deviation, self.sd)
        position = (deviation - self.start) / self.step
        inside = np.clip(position, 0, PIECES)
        beyond = position - inside
        piece = np.minimum(inside.astype(int), PIECES - 1)
        t, c = inside - piece, np.moveaxis(self.cubic[piece], -1, 0)
        value = c[0] + t * (c[1] + t * (c[2] + t * c[3]))
        return value + beyond * np.where(beyond < 0, *self.tails)

    def quantile(self, p: np.ndarray | float) -> np.ndarray:
        """Deviations below which the density has mass p, elementwise; what the row alone says under a flat prior."""
        density = np.exp(self.knot_values)
        mass = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
        return np.interp(np.asarray(p), mass / mass[-1], self.knots)

    def draw(self, u: np.ndarray | float) -> np.ndarray:
        """The deviations below which the density has mass u, elementwise, straight tails included; a finer grid than `quantile`'s."""
        if (sd := self.sd or self.drawn_sd) > 0:
            from scipy.special import ndtri

            return sd * ndtri(u)
        fine, inside, left, right = self._fine
        below, above = self.tails / self.step
        mass = np.asarray(u) * (left + inside[-1] + right)
        beyond = left + inside[-1] + right - mass
        drawn = np.interp(mass - left, inside, fine)
        if below > 0:
            drawn = np.where(mass < left, fine[0] + np.log(np.maximum(mass, TINY) / left) / below, drawn)
        if above < 0:
            far = fine[-1] + np.log(np.maximum(beyond, TINY) / right) / above
            drawn = np.where(beyond < right, far, drawn)
        return drawn

    @cached_property
    def _fine(self) -> tuple[np.ndarray, np.ndarray, float, float]:
        """A fine grid, the mass up to each point from its first, and the masses of the tails below and above."""
        fine = np.linspace(self.knots[0], self.knots[-1], FINE * PIECES + 1)
        density = np.exp(self.log_density(fine))
        inside = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(fine))])
        below, above = self.tails / self.step
        left = density[0] / below if below > 0 else 0.0
        right = density[-1] / -above if above < 0 else 0.0
        return fine, inside, left, right


def student_error(value: np.ndarray, se: float) -> tuple[float, float]:
    """(degrees of freedom, scale) of the Student-t error of log r that has an estimate's own quantiles.

    `value` holds the 5, 25, 50, 75, 95 % quantiles (NaN where not given). All five fix both numbers: the ratio of the 5-95 %
    to the 25-75 % range gives the degrees of freedom, since Epoch's posteriors are peaked with fat tails. Three quantiles,
    or a standard error (se / r to first order), give a normal error.
    """
    return _student(np.log(value), se / value[2])


def _student(quantiles: np.ndarray, se: float) -> tuple[float, float]:
    """`student_error` from quantiles and standard error on the scale of the error."""
    from scipy.optimize import brentq
    from scipy.special import stdtrit

    q = quantiles
    if math.isnan(q[0]):
        return NORMAL_DF, 0.0 if math.isnan(se) else se
    if math.isnan(q[1]):
        return NORMAL_DF, (q[4] - q[0]) / (2 * Z90)
    ratio = (q[4] - q[0]) / (q[3] - q[1])

    def excess(log_df: float) -> float:
        return stdtrit(math.exp(log_df), 0.95) / stdtrit(math.exp(log_df), 0.75) - ratio

    lowest, highest = math.log(LOWEST_DF), math.log(NORMAL_DF)
    if excess(highest) >= 0:
        df = NORMAL_DF
    elif excess(lowest) <= 0:
        df = LOWEST_DF
    else:
        df = math.exp(cast("float", brentq(excess, lowest, highest)))
    return df, (q[3] - q[1]) / (2 * stdtrit(df, 0.75))


def growth_shape(quantiles: np.ndarray) -> tuple[float, float, float]:
    """(median, scale, skew) of a log growth rate with these 5, 50, 95 % quantiles of growth, all above 0.

    At a standard score z the log growth is median + scale (e^(skew z) - 1) / skew, which has just these quantiles. Without
    the outer two the growth counts as known.
    """
    low, middle, high = np.log(quantiles)
    if math.isnan(low) or low == high:
        return middle, 0.0, LEAST_SKEW
    below, above = middle - low, high - middle
    skew = math.log(above / below) / Z90
    if abs(skew) < LEAST_SKEW:
        skew = LEAST_SKEW
    return middle, (high - low) / (math.exp(skew * Z90) - math.exp(-skew * Z90)) * skew, skew


def published_density(value: np.ndarray, se: float, own_sd: float) -> RowDensity:
    """The error of a published estimate: Student-t from its quantiles, with a normal definition error of `own_sd`."""
    return _published(*student_error(value, se), own_sd)


def estimate_density(quantiles: np.ndarray, se: float, own_sd: float) -> RowDensity:
    """The error of an estimate from its 5, 25, 50, 75, 95 % quantiles or standard error, all on the scale of the error."""
    return _published(*_student(quantiles, se), own_sd)


def bound_density(sd: float, *, upper: bool) -> RowDensity:
    """What a bound says of a value that an estimate with this error would lie below (`upper`) or above: log Phi."""
    from scipy.special import log_ndtr

    deviations = knots_between(-REACH * sd, REACH * sd)
    values = log_ndtr((-1 if upper else 1) * deviations / sd)
    return RowDensity(
        start=float(deviations[0]), step=float(deviations[1] - deviations[0]), knot_values=values, drawn_sd=sd
    )


@lru_cache(maxsize=256)
def _published(df: float, scale: float, own_sd: float) -> RowDensity:
    from scipy.special import gammaln, logsumexp

    scale = max(scale, own_sd * NARROW)
    width = math.hypot(scale, own_sd)
    deviations = knots_between(-REACH * width, REACH * width)
    if df == NORMAL_DF:
        return replace(on_knots(deviations, _log_normal(deviations, width)), sd=width)
    constant = gammaln((df + 1) / 2) - gammaln(df / 2) - 0.5 * math.log(df * math.pi) - math.log(scale)

    def log_student(x):
        return constant - (df + 1) / 2 * np.log1p((x / scale) ** 2 / df)

    if own_sd < scale * NARROW:
        return on_knots(deviations, log_student(deviations))
    # Half the narrower width is fine enough: the trapezoid's error falls as exp(-2 pi width / step).
    nodes = nodes_of(min(0.25, scale / own_sd / 2))
    summed = log_student(deviations[:, None] + own_sd * nodes) - nodes**2 / 2
    return on_knots(deviations, np.asarray(logsumexp(summed, axis=1)))


def growth_density(quantiles: np.ndarray, own_sd: float) -> RowDensity:
    """The error of a growth rate's log around its median, with a normal definition error of `own_sd`."""
    _, scale, skew = growth_shape(quantiles)
    return _growth(scale, skew, own_sd)


@lru_cache(maxsize=256)
def _growth(scale: float, skew: float, own_sd: float) -> RowDensity:
    from scipy.special import logsumexp

    def at(score):
        return scale * np.expm1(skew * score) / skew

    def log_growth(x):
        score = np.log1p(skew * x / scale) / skew
        return -(score**2) / 2 - skew * score

    scale = max(scale, own_sd * NARROW)
    low, high = at(np.array([-GROWTH_REACH, GROWTH_REACH]))
    if own_sd < scale * NARROW:
        deviations = knots_between(low, high)
        return on_knots(deviations, log_growth(deviations))
    deviations = knots_between(low - GROWTH_REACH * own_sd, high + GROWTH_REACH * own_sd)
    far = np.linspace(low, high, min(MOST_NODES, 1 + math.ceil(4 * (high - low) / own_sd)))
    scores = np.union1d(np.linspace(-GROWTH_REACH, GROWTH_REACH, 181), np.log1p(skew * far / scale) / skew)
    log_mass = np.log(np.gradient(scores)) - scores**2 / 2
    summed = log_mass + _log_normal(deviations[:, None] - at(scores), own_sd)
    return on_knots(deviations, np.asarray(logsumexp(summed, axis=1)))


def nodes_of(step: float) -> np.ndarray:
    """Standard scores at most `step` apart over which a normal error is summed."""
    return np.linspace(-6.5, 6.5, 1 + 2 * math.ceil(6.5 / step))


def knots_between(low: float, high: float) -> np.ndarray:
    return np.linspace(low, high, PIECES + 1)


def on_knots(deviations: np.ndarray, log_density: np.ndarray) -> RowDensity:
    """Normalised over the knots."""
    from scipy.special import logsumexp

    step = float(deviations[1] - deviations[0])
    log_density = log_density - logsumexp(log_density) - math.log(step)
    return RowDensity(start=float(deviations[0]), step=step, knot_values=log_density)


def _log_normal(x: np.ndarray, sd: float) -> np.ndarray:
    return -0.5 * (x / sd) ** 2 - math.log(sd) - 0.5 * math.log(2 * math.pi)
