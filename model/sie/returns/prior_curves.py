"""A prior's quantile curve over standard normal scores as piecewise cubics: the one map of the log density and of its draws.

    q(z) = F^-1(Phi(z))   or its log,     each piece a cubic through four points of q at t = 0, 1/3, 2/3, 1

Pieces are cut until the cubic errs by less than `SHIFT` in z and `MISS` in q; where q jumps, between separate parts of a
mixture, until they are narrower than `NARROWEST`, so that a jump of q stays a jump.

A mixture's own curve is for the graph and for naming draws. NUTS cannot follow its jumps, so that the density in `log_density` is a
sum over combinations of the parts, each at its own curve, and draws are given a part each afterwards (`sampling`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..base.errors import DataError, plain
from ..data.constructors import fixed
from ..data.correlations import correlation_matrix
from ..data.families import SCORE_LIMIT, Prior
from ..data.quantities import CHAIN, INPUT_SHARES, QUANTITIES
from ..data.views import View

__all__ = [
    "CELLS",
    "GRAPH",
    "Curve",
    "copula",
    "curve_of",
    "curves",
    "first_parts",
    "mixtures",
    "part_combinations",
    "quantile_curve",
]

GRAPH = (*CHAIN, *INPUT_SHARES)
"""Every quantity that the density may have; those that are not among `View.informed` are fixed there."""

MOST_COMBINATIONS = 256
"""Combinations of the parts of a view's mixtures, at most."""

CELLS = 64
"""Equal cells of the scores, each of one piece or more; where a curve is smooth, few."""

SHIFT = 1e-7
"""Largest error of a curve, as a shift of the score."""

MISS = 1e-6
"""Largest error of a curve in its values, which are logs but for quantities that may be 0."""

NARROWEST = 1e-12
"""Pieces are not cut below this width: the probability of a score within is smaller still."""

ROUNDING = 1e-13
"""Errors below this, relative to values above 1, are rounding."""

PARTS = 4
"""A piece that errs is cut into this many."""

POINTS = np.array([0.0, 1 / 3, 2 / 3, 1.0])
"""Where a piece's cubic meets the curve, as shares of its width."""

BETWEEN = np.array([1 / 6, 1 / 2, 5 / 6])
"""Where it is compared with the curve."""

_TO_CUBIC = np.linalg.inv(np.vander(POINTS, increasing=True)).T
_POWERS = np.vander(BETWEEN, 4, increasing=True).T
_SLOPES = (np.arange(1, 4) * np.vander(BETWEEN, 3, increasing=True)).T


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Cubics in t = (z - start) / width (piece, power 0 to 3), pieces ascending from -SCORE_LIMIT to SCORE_LIMIT."""

    start: np.ndarray
    width: np.ndarray
    cubic: np.ndarray

    def at(self, score: np.ndarray) -> np.ndarray:
        """Values at scores, elementwise; scores beyond the limit count as the limit."""
        score = np.clip(score, -SCORE_LIMIT, SCORE_LIMIT)
        piece = np.searchsorted(self.start, score, side="right") - 1
        t = (score - self.start[piece]) / self.width[piece]
        c = np.moveaxis(self.cubic[piece], -1, 0)
        return c[0] + t * (c[1] + t * (c[2] + t * c[3]))


@lru_cache(maxsize=512)
def quantile_curve(prior: Prior, *, log: bool) -> Curve:
    """The curve of a prior's quantiles, or of their logs."""

    def q(score: np.ndarray) -> np.ndarray:
        values = prior.at(score)
        return np.log(np.maximum(values, np.finfo(float).tiny)) if log else values

    start = np.linspace(-SCORE_LIMIT, SCORE_LIMIT, CELLS, endpoint=False)
    width = np.full(CELLS, 2 * SCORE_LIMIT / CELLS)
    done = []
    while len(start):
        values = q(start[:, None] + width[:, None] * np.concatenate([POINTS, BETWEEN]))
        cubic, wanted = values[:, : len(POINTS)] @ _TO_CUBIC, values[:, len(POINTS) :]
        miss = np.abs(cubic @ _POWERS - wanted)
        slope = np.abs(cubic[:, 1:] @ _SLOPES) / width[:, None]
        rounding = ROUNDING * np.maximum(np.abs(wanted), 1)
        near = (miss <= np.minimum(MISS, SHIFT * slope) + rounding).all(axis=1) | (width <= NARROWEST)
        done.append((start[near], width[near], cubic[near]))
        part = width[~near] / PARTS
        start = (start[~near] + part * np.arange(PARTS)[:, None]).ravel()
        width = np.tile(part, PARTS)
    start, width, cubic = (np.concatenate(parts) for parts in zip(*done, strict=True))
    order = np.argsort(start)
    return Curve(start=start[order], width=width[order], cubic=cubic[order])


def curve_of(name: str, prior: Prior) -> Curve:
    """A quantity's quantile curve on the scale of the graph: in logs, but for those that may be zero."""
    return quantile_curve(prior, log=not QUANTITIES[name].lower_included)


def mixtures(view: View) -> tuple[str, ...]:
    """The quantities that evidence may move whose prior is a mixture."""
    return tuple(name for name in view.informed if len(view[name].prior.leaves) > 1)


def first_parts(view: View) -> dict[str, int]:
    """Where the curves of each mixture's parts begin among those of `curves`."""
    sizes = {name: len(view[name].prior.leaves) for name in mixtures(view)}
    starts = np.cumsum([len(GRAPH), *sizes.values()]).tolist()
    return dict(zip(sizes, starts, strict=False))


def part_combinations(view: View) -> tuple[np.ndarray, np.ndarray]:
    """Each combination of the parts of the view's mixtures: a curve of `curves` (combination, quantity), and its log weight.

    Raises DataError beyond MOST_COMBINATIONS, each of which costs a log density.
    """
    names, first = mixtures(view), first_parts(view)
    leaves = [view[name].prior.leaves for name in names]
    if (count := math.prod(map(len, leaves))) > MOST_COMBINATIONS:
        raise DataError(
            f"{view.name} mixtures of {', '.join(names)}",
            plain(f"{count} combinations of their parts"),
            f"at most {MOST_COMBINATIONS} (mixtures of fewer parts)",
        )
    parts, log_weight = np.tile(np.arange(len(GRAPH)), (count, 1)), np.zeros(count)
    chosen = np.indices(tuple(map(len, leaves))).reshape(len(names), count)
    for name, own, choice in zip(names, leaves, chosen, strict=True):
        parts[:, GRAPH.index(name)] = first[name] + choice
        log_weight += np.log([weight for weight, _ in own])[choice]
    return parts, log_weight


def curves(view: View, of_lambda: Curve | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Start and width (curve, interval, span) and cubic (curve, interval, power) of the pieces of quantile curves.

    Those of GRAPH come first, then those of the parts of mixtures, last that of the histories' lambda (flat without one). Shorter
    curves are filled up with pieces that no score reaches. What the view derives or evidence cannot move is 0 on its scale.
    """
    flat = quantile_curve(fixed(1), log=True)
    found = [curve_of(name, view[name].prior) if name in view.informed else flat for name in GRAPH]
    found += [curve_of(name, part) for name in mixtures(view) for _, part in view[name].prior.leaves]
    found.append(of_lambda or flat)
    most = max(len(curve.start) for curve in found)
    knots = np.tile([np.inf, 1.0], (len(found), most, 1))
    cubics = np.zeros((len(found), most, 4))
    for i, curve in enumerate(found):
        size = len(curve.start)
        knots[i, :size], cubics[i, :size] = np.stack([curve.start, curve.width], axis=1), curve.cubic
    return knots, cubics


def copula(view: View) -> np.ndarray | None:
    """The matrix (quantity, quantity) that turns independent standard scores into those of GRAPH under the view's correlations.

    The Cholesky factor of a Gaussian copula's matrix, whose entries are 2 sin(pi rank / 6); None where no two quantities of the
    density are correlated.
    """
    pairs = [pair for pair in view.correlations if {*pair.between} <= {*view.informed}]
    matrix = correlation_matrix(pairs, GRAPH)
    return None if (matrix == np.eye(len(GRAPH))).all() else np.linalg.cholesky(matrix)
