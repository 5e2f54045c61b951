"""Growth inputs given evidence: from their priors, from rows of their own, and from what correlates them with the chain.

Rows on quantities that enter no other row (`Design.beside`) say nothing of the chain, so that these quantities are drawn apart from it,
by rejection from their priors: independent draws, exact once the largest likelihood was met. Rows that have neither a quantity nor an
error in common are apart from each other, too.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..base.errors import NotConverged
from ..data.correlations import correlation_matrix, joined
from ..data.priors import View
from ..returns.design import Design
from ..returns.observed import LEFT, input_value
from .prior_draws import growth_values

__all__ = ["growth_given", "touched"]

LEAST_ROUND, ROUNDS = 10_000, 400
"""Prior draws of a round, as many as are wanted or this many; rounds in which those are accepted that rows on them allow."""

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
    given_rows: dict[str, np.ndarray] = {}
    rng = np.random.default_rng(np.random.SeedSequence([seed, ROWS_STREAM]))
    for rows in _apart(design):
        found = _given_rows(design, rows, rng, draws=draws)
        if "z_input" in found and "z_input" in given_rows:
            one, other = given_rows["z_input"], found["z_input"]
            found["z_input"] = np.where(np.isnan(other), one, other)
        given_rows |= found
    return growth | given_rows | given_chain


def touched(design: Design) -> set[str]:
    """The growth inputs that rows beside the chain are on, and those that are drawn with them."""
    return _on(design, np.flatnonzero(design.beside).tolist())


def _on(of: Design, rows: list[int]) -> set[str]:
    """The growth inputs that these rows are on, and those that are drawn with them."""
    names = {name for i, (name, _) in enumerate(of.inputs) if of.loadings[rows, i - len(of.inputs)].any()}
    if names & {LEFT, "ceiling", "gained_before_asara"}:
        names = names - {LEFT} | {"ceiling", "gained_before_asara"}
    for group in joined(of.view.correlations):
        names |= {*group} if names & {*group} else set()
    return names & {*of.view.entries}


def _shared(of: Design) -> np.ndarray:
    """The standard deviation of the error that each row shares with others on its input data, (estimate, input_data)."""
    first = of.loadings.shape[1] - len(of.inputs)
    return of.loadings[:, first - len(of.coords["input_data"]) : first]


def _apart(of: Design) -> list[list[int]]:
    """The rows beside the chain, in groups that have neither quantities nor shared errors in common."""
    groups: list[tuple[list[int], set[object]]] = []
    shared = _shared(of)
    for row in np.flatnonzero(of.beside).tolist():
        rows, has = [row], {*_on(of, [row]), *np.flatnonzero(shared[row])}
        for group in [group for group in groups if group[1] & has]:
            groups.remove(group)
            rows, has = [*group[0], *rows], has | group[1]
        groups.append((rows, has))
    return [sorted(rows) for rows, _ in groups]


def _given_rows(
    of: Design, rows: list[int], rng: np.random.Generator, *, draws: int
) -> dict[str, np.ndarray]:
    """Draws of the quantities that a group of rows is on, and of what is drawn with them.

    A prior draw is accepted with its likelihood over the largest that was met; where a later round meets a larger one, those accepted
    before are thinned by the ratio, so that what is left is as if that had been the bound from the start (Caffo, Booth & Davis 2002).
    """
    shared = _shared(of)[rows]
    names, size = _on(of, rows), max(draws, LEAST_ROUND)
    kept: dict[str, np.ndarray] = {}
    most = -np.inf
    for _ in range(ROUNDS):
        values, _ = growth_values(of.view, draws=size, seed=int(rng.integers(2**62)), names=names)
        if shared.any():
            z = rng.standard_normal((size, shared.shape[1]))
            values["z_input"] = np.where(shared.any(axis=0), z, np.nan)
        log_p = _log_likelihood(of, rows, values, shared)
        values |= {"margin": log_p + rng.exponential(size=size)}
        kept = {name: np.concatenate([kept[name], new]) if kept else new for name, new in values.items()}
        most = max(most, float(log_p.max()))
        stay = kept["margin"] > most
        kept = {name: value[stay] for name, value in kept.items()}
        if stay.sum() >= draws:
            return {name: value[:draws] for name, value in kept.items() if name != "margin"}
    found = len(kept["margin"])
    named = ", ".join(of.coords["estimate"][row] for row in rows)
    raise NotConverged(
        f"{of.view.name}: found {found} draws in {ROUNDS * size} from the priors that {named} allow, want {draws} (wider priors, or fewer rows)"
    )


def _log_likelihood(
    of: Design, rows: list[int], values: Mapping[str, np.ndarray], shared: np.ndarray
) -> np.ndarray:
    """The rows' joint log likelihood at draws of what they are on and of the errors that they share, `shared` (estimate, input_data)."""
    first = of.loadings.shape[1] - len(of.inputs)
    z = np.nan_to_num(values["z_input"]) if shared.any() else None
    total: np.ndarray | float = 0.0
    on = {
        i: input_value(np, name, scale, values)
        for i, (name, scale) in enumerate(of.inputs)
        if of.loadings[rows, first + i].any()
    }
    for own, row in zip(shared, rows, strict=True):
        density = of.densities[row]
        expected = sum(of.loadings[row, first + i] * value for i, value in on.items())
        expected = expected if z is None else expected + z @ own
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
