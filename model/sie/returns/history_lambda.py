"""The distribution of lambda under which raw histories are read, one lambda for all of them.

    derived compute factor     lambda, given the rows on lambda alone: log density = log prior + log of their likelihood, the
                               definition errors that they share integrated over
    stated compute factor      p / compute_bottleneck, each at its prior: r against labour, with compute growing as it did

Histories do not teach lambda (`histories.model` says why): this is another lambda than that on which growth runs, with a score of
its own, so that a fit integrates over it and the view's own stays where its prior and rows have it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..data.families import SCORE_LIMIT
from ..data.priors import View
from .observed import on_scale
from .prior_curves import CELLS, Curve, curve_of

if TYPE_CHECKING:
    from .design import Design
    from .row_density import RowDensity

__all__ = [
    "RowOnLambda",
    "inputs_at_lambda",
    "lambda_curve",
    "lambda_from",
    "lambda_of_histories",
    "log_density_of_lambda",
    "log_likelihood_of_lambda",
    "log_likelihoods_of_subsets",
    "rows_on_lambda",
]

SCORES = np.linspace(-SCORE_LIMIT, SCORE_LIMIT, 1201)
"""Standard scores of each prior over which lambda is integrated."""

INPUTS_STREAM = 9
"""The stream of a seed that draws what the histories' lambda follows from."""

SMALLEST_DISTANCE = 1e-12
"""A distance of a lambda at the end of its range, whose rounding leaves it outside."""

SHARED = np.linspace(-6.0, 6.0, 97)
"""Standard scores over which a definition error that rows share is integrated."""


@dataclass(frozen=True, kw_only=True)
class RowOnLambda:
    """An evidence row on lambda alone."""

    name: str
    scale: str
    estimate: float
    density: RowDensity
    shared: str
    """The input data on which it shares a definition error; "" for none."""
    shared_sd: float


def lambda_from(view: View) -> tuple[str, ...]:
    """The quantities of a view that the histories' lambda follows from."""
    return ("lambda",) if view.derives_compute_bottleneck else ("parallel", "compute_bottleneck")


def lambda_of_histories(view: View, values: Mapping[Any, Any]) -> Any:
    """The histories' lambda where it is the view's own, as in a world that makes them."""
    numerator, *denominator = (values[name] for name in lambda_from(view))
    return numerator / denominator[0] if denominator else numerator * 1


def rows_on_lambda(design: Design) -> list[RowOnLambda]:
    """The rows of a design on lambda and nothing else."""
    found, shared = [], design.names["input_data"]
    first = design.loadings.shape[1] - len(design.inputs)
    for i, loading in enumerate(design.loadings):
        on = [each for each, used in zip(design.inputs, loading[first:], strict=True) if used]
        if design.level[i] == "input" and [name for name, _ in on] == ["lambda"]:
            definition = loading[first - len(shared) : first]
            found.append(
                RowOnLambda(
                    name=design.coords["estimate"][i],
                    scale=on[0][1],
                    estimate=float(design.observed[i]),
                    density=cast("RowDensity", design.densities[i]),
                    shared="".join(name for name, used in zip(shared, definition, strict=True) if used),
                    shared_sd=float(definition.sum()),
                )
            )
    return found


def lambda_curve(view: View, rows: Iterable[RowOnLambda]) -> Curve:
    """The quantile curve of the log of the histories' lambda over standard normal scores.

    Parameters
    ----------
    view
        A view that states the chain.
    rows
        Those on lambda alone.
    """
    from scipy.interpolate import PchipInterpolator
    from scipy.special import ndtri

    log_lambda, log_weight = _nodes(view)
    log_weight = log_weight + log_likelihood_of_lambda(np.exp(log_lambda), rows)
    order = np.argsort(log_lambda, kind="stable")
    value, weight = log_lambda[order], np.exp(log_weight - log_weight.max())[order]
    knots = np.linspace(-SCORE_LIMIT, SCORE_LIMIT, CELLS + 1)
    if value[-1] == value[0]:
        at_knots = np.full(CELLS + 1, value[0])
    else:
        below = np.cumsum(weight) - weight / 2
        above = np.cumsum(weight[::-1])[::-1] - weight / 2
        whole = weight.sum()
        score = np.where(below < above, ndtri(below / whole), -ndtri(above / whole))
        score, first = np.unique(score, return_index=True)
        at_knots = np.interp(knots, score, value[first])
    cubic = PchipInterpolator(knots, at_knots).c[::-1].T * (knots[1] - knots[0]) ** np.arange(4)
    return Curve(start=knots[:-1], width=np.full(CELLS, knots[1] - knots[0]), cubic=cubic)


def log_likelihood_of_lambda(value: np.ndarray, rows: Iterable[RowOnLambda]) -> np.ndarray:
    """The rows' log likelihood at lambdas, elementwise, up to a constant."""
    return log_likelihoods_of_subsets(value, [*rows], subsets=[-1])[0]


def log_likelihoods_of_subsets(
    value: np.ndarray, rows: Sequence[RowOnLambda], *, subsets: Iterable[int]
) -> np.ndarray:
    """The log likelihood of some of the rows at lambdas, (subset, lambda), up to a constant: bit i of a subset says whether row i counts."""
    from scipy.special import logsumexp

    by_shared: defaultdict[str, list[tuple[int, np.ndarray]]] = defaultdict(
        list
    )  # (lambda, score of what is shared)
    for i, row in enumerate(rows):
        deviation = on_scale(np, value, row.scale)[:, None] + row.shared_sd * SHARED - row.estimate
        by_shared[row.shared].append((i, row.density.log_density(deviation)))
    found = []
    for subset in subsets:
        total = np.zeros(len(value))
        for of in by_shared.values():
            kept = [log_p for i, log_p in of if subset >> i & 1]
            total = total + np.asarray(logsumexp(sum(kept, np.zeros(1)) - SHARED**2 / 2, axis=-1))
        found.append(total)
    return np.stack(found)


def _nodes(view: View) -> tuple[np.ndarray, np.ndarray]:
    """Log lambdas on a fine grid of the scores of what it follows from, and their log weights."""
    names = lambda_from(view)
    uncertain = [name for name in names if view[name].prior.family != "fixed"]
    scores = SCORES if len(uncertain) < len(names) or len(names) == 1 else SCORES[::3]
    axes = [scores if name in uncertain else np.zeros(1) for name in names]
    grid = [axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")]
    logs = [curve_of(name, view[name].prior).at(z) for name, z in zip(names, grid, strict=True)]
    squares = np.sum([z**2 for z in grid], axis=0)
    return logs[0] - sum(logs[1:], np.zeros_like(logs[0])), -0.5 * squares


def inputs_at_lambda(view: View, values: np.ndarray, *, seed: int) -> dict[str, np.ndarray]:
    """What the histories' lambda follows from (`lambda_from`), one draw of it given each lambda, (draw,) each.

    p / compute_bottleneck gives the same lambda in many ways: the factor is drawn, from its prior and that of p, on the nodes over which
    lambda was integrated. Weights on both priors at such draws weigh lambda, whose own density need not be known.
    """
    names = lambda_from(view)
    if len(names) == 1:
        return {names[0]: values}
    (numerator, factor), grid = names, SCORES[::3]
    if view[factor].prior.family == "fixed":
        grid = np.zeros(1)
    at, weight = view[factor].prior.at(grid), np.exp(-(grid**2) / 2)
    if view[numerator].prior.family == "fixed":
        return {
            numerator: np.full(len(values), view[numerator].prior.median()),
            factor: view[numerator].prior.median() / values,
        }
    low, high = view[numerator].prior.support
    product = values[:, None] * at
    density = np.exp(view[numerator].prior.logpdf(product)) * product * weight
    density = np.where(
        density.sum(axis=1, keepdims=True) > 0,
        density,
        1 / np.maximum(np.abs(product - np.clip(product, low, high)), SMALLEST_DISTANCE),
    )
    below = np.cumsum(density, axis=1)
    u = np.random.default_rng(np.random.SeedSequence([seed, INPUTS_STREAM])).random(len(values))
    chosen = at[(below < u[:, None] * below[:, -1:]).sum(axis=1)]
    return {numerator: np.clip(values * chosen, low, high), factor: chosen}


def log_density_of_lambda(curve: Curve, log_lambda: np.ndarray) -> np.ndarray:
    """The log density of log lambda under a curve, elementwise: that of its score less the log of the curve's slope there."""
    knots = np.append(curve.start, curve.start[-1] + curve.width[-1])
    fine = np.linspace(knots[0], knots[-1], 32 * len(curve.start) + 1)
    values = curve.at(fine)
    score = np.interp(log_lambda, values, fine)
    slope = np.interp(score, fine, np.gradient(values, fine))
    inside = (log_lambda >= values[0]) & (log_lambda <= values[-1])
    with np.errstate(divide="ignore"):
        return np.where(inside, -0.5 * score**2 - np.log(slope), -np.inf)
