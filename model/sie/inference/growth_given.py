"""Growth inputs given evidence: from their priors, from rows of their own, and from what correlates them with the chain.

Rows on quantities that enter no other row (`Design.beside`) say nothing of the chain, so that these quantities are drawn apart from it,
by rejection from their priors: exact, and independent draws.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from ..base.errors import NotConverged
from ..data.correlations import correlation_matrix, joined
from ..data.priors import View
from ..returns.design import Design
from ..returns.observed import LEFT, input_value
from .prior_draws import growth_values

__all__ = ["growth_given", "touched"]

ROUNDS = 400
"""Rounds of as many prior draws as are wanted, from which those are accepted that rows on them allow."""

ROWS_STREAM, OWN_STREAM = 6, 7
"""Streams of a seed: of acceptance, and of what correlates with the chain."""


def growth_given(
    design: Design, moved: Mapping[str, np.ndarray], *, draws: int, seed: int
) -> dict[str, np.ndarray]:
    """Draws of everything but the chain, (draws,) each, given the rows on it and posterior draws of the quantities that the density has.

    Where these rows share definition errors, `z_input` (draws, input_data) has those that they were accepted with; NaN for others.
    Raises NotConverged where the priors hardly allow what the rows say.
    """
    view, apart = design.view, touched(design)
    given_chain = _given_chain(view, moved, seed=seed)
    others = [name for name in view.entries if name not in {*moved, *apart, *given_chain}]
    growth, _ = growth_values(view, draws=draws, seed=seed, names=others)
    given_rows = _given_rows(design, apart, draws=draws, seed=seed) if apart else {}
    return growth | given_rows | given_chain


def touched(design: Design) -> set[str]:
    """The growth inputs that rows beside the chain are on, and those that are drawn with them."""
    of = design.only(np.flatnonzero(design.beside))
    names = {name for i, (name, _) in enumerate(of.inputs) if of.loadings[:, i - len(of.inputs)].any()}
    if names & {LEFT, "ceiling", "gained_before_asara"}:
        names = names - {LEFT} | {"ceiling", "gained_before_asara"}
    for group in joined(design.view.correlations):
        names |= {*group} if names & {*group} else set()
    return names & {*design.view.entries}


def _given_rows(design: Design, names: Collection[str], *, draws: int, seed: int) -> dict[str, np.ndarray]:
    """Draws of the quantities that rows beside the chain are on, and of what is drawn with them."""
    of = design.only(np.flatnonzero(design.beside))
    first = of.loadings.shape[1] - len(of.inputs)
    shared = of.loadings[:, first - len(of.coords["input_data"]) : first]
    most = sum(
        float(np.max(row.knot_values)) if row.sd == 0 else -np.log(row.sd * np.sqrt(2 * np.pi))
        for row in of.densities
    )
    rng = np.random.default_rng(np.random.SeedSequence([seed, ROWS_STREAM]))
    accepted: list[dict[str, np.ndarray]] = []
    found = 0
    for _ in range(ROUNDS):
        values, _ = growth_values(of.view, draws=draws, seed=int(rng.integers(2**62)), names=names)
        if shared.any():
            z = rng.standard_normal((draws, shared.shape[1]))
            values["z_input"] = np.where(shared.any(axis=0), z, np.nan)
        log_p = _log_likelihood(of, values, shared)
        kept = np.flatnonzero(np.log(rng.random(draws)) < log_p - most)
        accepted.append({name: value[kept] for name, value in values.items()})
        if (found := found + len(kept)) >= draws:
            return {name: np.concatenate([part[name] for part in accepted])[:draws] for name in accepted[0]}
    rows = ", ".join(of.coords["estimate"])
    raise NotConverged(
        f"{of.view.name}: found {found} draws in {ROUNDS * draws} from the priors that {rows} allow, want {draws} (wider priors, or fewer rows)"
    )


def _log_likelihood(of: Design, values: Mapping[str, np.ndarray], shared: np.ndarray) -> np.ndarray:
    """The rows' joint log likelihood at draws of what they are on and of the errors that they share, `shared` (estimate, input_data)."""
    first = of.loadings.shape[1] - len(of.inputs)
    z = np.nan_to_num(values["z_input"]) if shared.any() else None
    total: np.ndarray | float = 0.0
    on = {
        i: input_value(np, name, scale, values)
        for i, (name, scale) in enumerate(of.inputs)
        if of.loadings[:, first + i].any()
    }
    for row, density in enumerate(of.densities):
        expected = sum(of.loadings[row, first + i] * value for i, value in on.items())
        expected = expected if z is None else expected + z @ shared[row]
        total = total + density.log_density(expected - of.observed[row])  # pyright: ignore[reportCallIssue]
    return np.asarray(total)


def _given_chain(view: View, moved: Mapping[str, np.ndarray], *, seed: int) -> dict[str, np.ndarray]:
    """Draws of what is correlated with a quantity that evidence moves, given its draws: normal scores, given normal scores."""
    found = {}
    for group in joined(view.correlations):
        given = [name for name in group if name in moved]
        own = [name for name in group if name not in moved]
        if not given or not own:
            continue
        matrix = correlation_matrix(view.correlations, (*given, *own))
        k = len(given)
        weight = np.linalg.solve(matrix[:k, :k], matrix[:k, k:])
        rest = np.linalg.cholesky(matrix[k:, k:] - matrix[k:, :k] @ weight)
        scores = np.stack([view[name].prior.score(moved[name]) for name in given], axis=-1)
        rng = np.random.default_rng(np.random.SeedSequence([seed, OWN_STREAM]))
        drawn = scores @ weight + rng.standard_normal((len(scores), len(own))) @ rest.T
        found |= {name: view[name].prior.at(drawn[:, i]) for i, name in enumerate(own)}
    return found
