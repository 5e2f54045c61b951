"""Shapley effects of inputs on an event's indicator, from draws alone, whether the inputs are independent or not.

    phi_i = average over orders of  v(before i, and i) - v(before i),      v(u) = Var E[1 event | x_u] / Var 1 event

(Owen 2014; Song, Nelson & Staum 2016: shares of the variance that stay fair where inputs depend on each other.) The event's log
odds are fitted as a polynomial q of the inputs' normal scores; for each set u, E[q | x_u] is its least-squares projection on
polynomials of x_u, which is exact for independent and for Gaussian inputs, and v(u) is the variance of the observed
indicator between classes of that projection (one-dimensional, so no curse of dimension), less its bias from noise. q and
its projections come from one half of the draws, v from the other, and the other way round. What q does not see is
returned as `unattributed`, never spread over the inputs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...base.kernels import kernel
from .measures import events_of

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["normal_scores", "orders", "shapley_effects", "weights"]

MOST_DRAWS = 10000
"""Draws used at most, chosen at random by what they are, not where they stand."""

MOST_SETS = 1024
"""Sets of inputs up to which every order counts; beyond, ORDERS orders and their reverses do."""

ORDERS = 24
"""Orders drawn, each used forwards and backwards, where there are too many inputs for all."""

CLASSES = 150
"""Classes of about equally many draws, by the projection's value."""

EDGE_DRAWS = 4
"""Draws for each edge between classes; the edges are quantiles of the first so many."""

BLOCKS = 20
"""Random blocks of draws whose scatter gives the standard errors."""

RIDGE = 1e-4
"""Weight of the penalty on the polynomial's coefficients, per draw, which keeps the fit finite where an event is certain."""

STEPS = 25
"""Newton steps of the fit."""

HALVINGS = 12
"""Halvings of a Newton step before the fit counts as done."""

LEAST_GAIN = 1e-5
"""Gain in log likelihood per draw below which the fit counts as done."""

CELLS = 1024
"""Cells of the table that finds a class from a value."""

SEED = 20241
"""Of the random halves, blocks and orders; a fixed part of the method."""


def shapley_effects(
    inputs: Mapping[str, np.ndarray], indicators: xr.DataArray | np.ndarray, *, effective: np.ndarray
) -> xr.Dataset:
    """Share of the variance of each event's indicator that is due to each input, dims (event, input).

    Neither the order of the inputs nor that of the draws matters.

    Parameters
    ----------
    inputs : mapping of str to np.ndarray
        Values of each input over draws, (draw,).
    indicators : xr.DataArray or np.ndarray
        Whether each event happens, bool (event, draw); a coordinate `event` names the events of the result.
    effective : np.ndarray
        Effective sample size of each event's indicator, (event,), from which `se` is widened.

    Returns
    -------
    xr.Dataset
        `share` (event, input) and its `se`, which has the error of sampled orders too; `unattributed` (event), what no input was
        found to explain. NaN for an event that never or always happens. `attrs["every_order"]` is 0 where orders were sampled.

    References
    ----------
    Owen (2014); Song, Nelson & Staum (2016).
    """
    import xarray as xr
    from threadpoolctl import threadpool_limits

    indicators, events = events_of(indicators)
    names = sorted(inputs)
    columns = np.stack([np.asarray(inputs[name], dtype=float) for name in names])
    total, scores, outcome = columns.shape[1], normal_scores(columns), indicators.astype(float)
    random = np.random.default_rng(SEED)
    chosen = random.permutation(np.lexsort((*outcome, *columns)))[:MOST_DRAWS]
    features, members = _features(scores[:, chosen])
    outcome = outcome[:, chosen]
    lively = (outcome.mean(axis=1) > 0) & (outcome.mean(axis=1) < 1)
    phi = np.full((BLOCKS, len(indicators), len(names)), np.nan)
    of_orders = np.zeros((len(indicators), len(names)))
    if lively.any() and names:
        with threadpool_limits(
            1, user_api="blas"
        ):  # many small products; threads would only wait for each other
            phi[:, lively], of_orders[lively] = _by_block(
                features, members, outcome[lively], len(names), random
            )
    mean = phi.mean(axis=0)
    widen = np.sqrt(np.maximum(total / np.maximum(effective, 1), 1))
    se = np.hypot(phi.std(axis=0, ddof=1) / math.sqrt(BLOCKS) * widen[:, None], of_orders)
    return xr.Dataset(
        {
            "share": (("event", "input"), mean),
            "se": (("event", "input"), se),
            "unattributed": ("event", 1 - mean.sum(axis=1)),
        },
        coords={**events, "input": names},
        attrs={"draws": len(chosen), "every_order": int(2 ** len(names) <= MOST_SETS)},
    ).sel(input=list(inputs))


def normal_scores(columns: np.ndarray) -> np.ndarray:
    """Standard normal scores of the ranks in each row; equal values share their mean rank."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    return ndtri((rankdata(columns, axis=-1) - 0.5) / columns.shape[-1])


def weights(count: int) -> list[float]:
    """How much a set of each size counts, in the average over all orders, for a member that joins it."""
    return [
        math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
        for size in range(count)
    ]


def orders(count: int, pairs: int, random: np.random.Generator) -> list[tuple[int, ...]]:
    """Random orders of `count` players and the reverse of each, so that A before B and B before A count alike."""
    forwards = [tuple(random.permutation(count).tolist()) for _ in range(pairs)]
    return [order for forward in forwards for order in (forward, forward[::-1])]


def _features(scores: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Polynomials of the scores (draw, feature), Hermite up to the third and all products of two, and the set each needs."""
    count = len(scores)
    columns, members = [np.ones(scores.shape[1])], [0]
    for i, z in enumerate(scores):
        columns += [z, z**2 - 1, z**3 - 3 * z]
        members += [1 << i] * 3
    for i, j in itertools.combinations(range(count), 2):
        columns.append(scores[i] * scores[j])
        members.append(1 << i | 1 << j)
    return np.stack(columns, axis=1), members


def _by_block(
    features: np.ndarray, members: list[int], outcome: np.ndarray, count: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Shapley effects (block, event, input), the estimate being their mean over blocks; and the error of sampled orders."""
    gains = _memberships(count, random)
    sets = sorted({u for u, _, _, _ in gains} | {u | 1 << i for u, i, _, _ in gains})
    position = {u: k for k, u in enumerate(sets)}
    draws = len(features)
    halves = (np.arange(0, draws, 2), np.arange(1, draws, 2))
    block = np.arange(draws) // 2 % BLOCKS
    explained = np.zeros((len(sets), BLOCKS, len(outcome)))
    for fitted, judged in (halves, halves[::-1]):
        f, y = features[fitted], outcome[:, fitted]
        index = np.stack([_log_odds(f, event) for event in y], axis=1)
        gram = f.T @ f
        right = gram @ index
        g = np.ascontiguousarray(features[judged])
        observed, blocks = np.ascontiguousarray(outcome[:, judged].T), block[judged]
        for k, u in enumerate(sets):
            if u == 0:
                continue
            used = [j for j, member in enumerate(members) if member & ~u == 0]
            # The projection on fewer polynomials; a touch of ridge keeps inputs of few values (equal columns) solvable.
            within = gram[np.ix_(used, used)] + 1e-9 * len(f) * np.eye(len(used))
            projected = g[:, used] @ np.linalg.solve(within, right[used])
            explained[k] += _between(projected, observed, blocks, BLOCKS, CLASSES)
    counts = np.bincount(block, minlength=BLOCKS)
    explained /= counts[:, None] * outcome.var(axis=1, ddof=1)
    phi = np.zeros((BLOCKS, len(outcome), count))
    pairs = 1 + max(pair for _, _, _, pair in gains)
    by_pair = np.zeros((pairs, len(outcome), count))
    for u, i, weight, pair in gains:
        gain = explained[position[u | 1 << i]] - explained[position[u]]
        phi[:, :, i] += weight * gain
        by_pair[pair, :, i] += weight * pairs * gain.mean(axis=0)
    of_orders = by_pair.std(axis=0, ddof=1) / math.sqrt(pairs) if pairs > 1 else 0 * by_pair[0]
    return phi, of_orders


def _memberships(count: int, random: np.random.Generator) -> list[tuple[int, int, float, int]]:
    """(set, input that joins it, weight, pair of orders), over every order or a sample of orders and their reverses."""
    if 2**count <= MOST_SETS:
        weight = weights(count)
        return [
            (u, i, weight[u.bit_count()], 0) for u in range(2**count) for i in range(count) if not u >> i & 1
        ]
    chosen, found = orders(count, ORDERS, random), []
    for k, order in enumerate(chosen):
        u = 0
        for i in order:
            found.append((u, i, 1 / len(chosen), k // 2))
            u |= 1 << i
    return found


def _log_odds(features: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Coefficients of a penalised logistic regression, by Newton steps that are halved until the fit improves.

    The constant is not penalised.
    """
    from scipy.special import expit

    penalty = np.full(features.shape[1], RIDGE * len(event))
    penalty[0] = 1e-9
    rate = (event.sum() + 0.5) / (len(event) + 1)
    coefficient = np.zeros(features.shape[1])
    coefficient[0] = math.log(rate / (1 - rate))

    def misfit(log_odds: np.ndarray, coefficient: np.ndarray) -> float:
        return float(np.logaddexp(0, log_odds).sum() - event @ log_odds + penalty @ coefficient**2 / 2)

    log_odds = features @ coefficient
    now = misfit(log_odds, coefficient)
    for _ in range(STEPS):
        p = expit(log_odds)
        slope = features.T @ (event - p) - penalty * coefficient
        curvature = (features * (p * (1 - p))[:, None]).T @ features
        curvature[np.diag_indices_from(curvature)] += penalty
        step = np.linalg.solve(curvature, slope)
        change = features @ step
        for _ in range(HALVINGS):
            then = misfit(log_odds + change, coefficient + step)
            if then <= now:
                break
            step, change = step / 2, change / 2
        else:
            break
        coefficient, log_odds = coefficient + step, log_odds + change
        gain, now = now - then, then
        if gain < LEAST_GAIN * len(event):
            break
    return coefficient


@kernel
def _between(projected, observed, block, blocks, classes):
    """How much closer each event's indicators are to the mean of their class than to the mean, squared, summed by block.

    (block, event). Both squares are unbiased for the variance around the mean, so noise explains nothing on average.
    """
    n, events = projected.shape
    found = np.zeros((blocks, events))
    of = np.empty(n, dtype=np.int64)
    first = np.empty(CELLS + 1, dtype=np.int64)
    some = min(n, EDGE_DRAWS * classes)
    for e in range(events):
        edges = np.sort(projected[:some, e])[EDGE_DRAWS - 1 :: EDGE_DRAWS]
        low, last = edges[0], len(edges)
        scale = CELLS / (edges[-1] - low) if edges[-1] > low else 0.0
        k = 0
        for cell in range(CELLS + 1):
            while k < last and (edges[k] - low) * scale < cell:
                k += 1
            first[cell] = k
        count, hits = np.zeros(last + 1), np.zeros(last + 1)
        for i in range(n):
            value = projected[i, e]
            k = first[min(max(int((value - low) * scale), 0), CELLS)]
            while k > 0 and edges[k - 1] >= value:
                k -= 1
            while k < last and edges[k] < value:
                k += 1
            of[i] = k
            count[k] += 1
            hits[k] += observed[i, e]
        rate = hits.sum() / n
        for i in range(n):
            k, y = of[i], observed[i, e]
            if count[k] > 1:
                around = (y - rate) ** 2 * n / (n - 1)
                around -= (y - hits[k] / count[k]) ** 2 * count[k] / (count[k] - 1)
                found[block[i], e] += around
    return found
