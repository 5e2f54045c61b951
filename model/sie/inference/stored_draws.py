"""Posterior draws with what weighs them anew: the answer under edited priors and without rows, without a fit or a new path.

    log w = sum_q [log p2(q) - log p(q)] - sum_i log L_i + log p2(lambda_h) - log p(lambda_h) - log m
    p = sum w I / sum w

q are the quantities whose priors were edited, growth inputs among them, i the rows that are left out, and lambda_h the lambda of raw
histories, whose prior holds the rows on lambda alone; m is the density of draws that are not the view's own over that of the view
(`mixture`). w is Pareto-smoothed; nothing is resampled.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..base.errors import DataError, RefitNeeded
from ..base.stats import QUANTILES
from ..data.families import Prior
from ..data.views import View
from ..growth.credences import as_table, probabilities
from ..growth.events import EVENTS
from ..returns.compiled import as_design
from ..returns.design import Design
from ..returns.history_lambda import (
    inputs_at_lambda,
    log_density_of_lambda,
    log_likelihoods_of_subsets,
    rows_on_lambda,
)
from .answers import outcomes, weighted_probabilities
from .reweighting import MIN_EFFECTIVE, Importance, changed_priors, log_prior_ratio, smoothed

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

__all__ = [
    "HISTORY_SEED",
    "HistoryLambda",
    "StoredDraws",
    "Weighable",
    "history_lambda",
    "lambda_ratio",
    "log_likelihood_at",
    "log_ratio",
    "stored_draws",
    "weighted",
]

MOST_ROWS_ON_LAMBDA = 6
"""Rows on lambda alone of which every subset is kept ready."""

HISTORY_SEED = 1
"""Seed of the draws of what the histories' lambda follows from."""


@dataclass(frozen=True, kw_only=True, eq=False)
class HistoryLambda:
    """The lambda under which raw histories were read, at draws.

    Attributes
    ----------
    inputs : mapping of str to np.ndarray
        What it follows from in each draw (`history_lambda.inputs_at_lambda`), (draw,) each.
    rows : tuple of str
        The rows on lambda alone, which its prior holds.
    log_likelihood : np.ndarray
        Theirs at the draws, (subset, draw): bit i of `subset` says whether row i counts.
    """

    inputs: Mapping[str, np.ndarray]
    rows: tuple[str, ...]
    log_likelihood: np.ndarray

    def log_ratio(self, gone: Iterable[str]) -> np.ndarray | float:
        """How much more likely a lambda is once some rows are gone, as a log, (draw,)."""
        whole = (1 << len(self.rows)) - 1
        kept = whole - sum(1 << self.rows.index(row) for row in gone if row in self.rows)
        return self.log_likelihood[kept] - self.log_likelihood[whole] if kept != whole else 0.0


class Weighable(Protocol):
    """Draws with what weighs them anew; `StoredDraws` and `mixture.DrawSet`."""

    @property
    def view(self) -> View:
        """The view whose priors the draws have."""
        ...

    @property
    def rows(self) -> tuple[str, ...]:
        """The ids of the rows that were fitted."""
        ...

    @property
    def values(self) -> Mapping[str, np.ndarray]:
        """Draws of what the view states, (draw,) each."""
        ...

    @property
    def log_likelihood(self) -> np.ndarray:
        """Each row's own log density, (draw, estimate)."""
        ...

    @property
    def history(self) -> HistoryLambda | None:
        """The lambda of raw histories; None without any."""
        ...

    @property
    def log_mixture(self) -> np.ndarray | None:
        """The log of the density of the draws over the view's own, (draw,); None where they are the view's."""
        ...

    @property
    def outcomes(self) -> tuple[np.ndarray, np.ndarray]:
        """Whether each event happens (event, draw), and r at ASARA (draw,)."""
        ...

    @property
    def chains(self) -> int:
        """How many chains the draws are of, one after another."""
        ...

    @property
    def effective_draws(self) -> float | None:
        """How many independent draws they are worth; None where their chains say so."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredDraws:
    """Posterior draws of a design, what each row says at them, and what happens on their paths.

    Attributes
    ----------
    design : Design
        The view and the rows that were fitted.
    posterior : xr.Dataset
        The draws, dims (chain, draw, ...).
    """

    design: Design
    posterior: xr.Dataset

    log_mixture = None
    effective_draws = None

    @property
    def view(self) -> View:
        """The view that was fitted."""
        return self.design.view

    @property
    def rows(self) -> tuple[str, ...]:
        """The ids of the rows that were fitted."""
        return tuple(self.design.coords["estimate"])

    @property
    def chains(self) -> int:
        """The number of chains."""
        return self.posterior.sizes["chain"]

    @cached_property
    def values(self) -> dict[str, np.ndarray]:
        """Draws of what the view states and of `r_target`, (draw,) each, chains one after another."""
        names = (*self.design.view.entries, "r_target")
        return {name: self.posterior[name].transpose("chain", "draw").values.ravel() for name in names}

    @cached_property
    def log_likelihood(self) -> np.ndarray:
        """Each row's own log density, (draw, estimate)."""
        return log_likelihood_at(self.design, self.posterior)

    @cached_property
    def history(self) -> HistoryLambda | None:
        """The lambda of raw histories; None without any."""
        return history_lambda(self.design, self.posterior)

    @cached_property
    def outcomes(self) -> tuple[np.ndarray, np.ndarray]:
        """Whether each event happens (event, draw), and r at ASARA (draw,)."""
        return outcomes(self.values, self.design.view)

    @property
    def size(self) -> int:
        """The number of draws."""
        return self.posterior.sizes["chain"] * self.posterior.sizes["draw"]


def history_lambda(design: Design, posterior: xr.Dataset) -> HistoryLambda | None:
    """The lambda of raw histories at draws of a design; None without any."""
    if design.lambda_curve is None:
        return None
    values = posterior.lambda_histories.transpose("chain", "draw").values.ravel()
    on = rows_on_lambda(design)
    if len(on) > MOST_ROWS_ON_LAMBDA:
        raise DataError("rows on lambda", len(on), f"at most {MOST_ROWS_ON_LAMBDA}")
    return HistoryLambda(
        inputs=inputs_at_lambda(design.view, values, seed=HISTORY_SEED),
        rows=tuple(row.name for row in on),
        log_likelihood=log_likelihoods_of_subsets(values, on, subsets=range(1 << len(on))),
    )


def stored_draws(tree: xr.DataTree, model: Design | pm.Model) -> StoredDraws:
    """The draws of a fit, ready to be weighed anew.

    Parameters
    ----------
    tree : xr.DataTree
        From `fit` of `model`.
    model : Design or pm.Model
        From `build`.

    Returns
    -------
    StoredDraws
        What `weighted` takes.

    Examples
    --------
    >>> model = sie.build(sie.usable(sie.read_evidence(), view), view)
    >>> draws = sie.stored_draws(sie.fit(model, seed=1, draws=4000), model)
    """
    return StoredDraws(design=as_design(model), posterior=tree["posterior"].to_dataset())


def weighted(draws: Weighable, edits: Mapping[str, Prior], *, without: Iterable[str] = ()) -> xr.Dataset:
    """Credences from stored draws under edited priors and without some rows, by Pareto-smoothed weights.

    Parameters
    ----------
    draws : StoredDraws
        From `stored_draws`, or the draws of a page (`page.draw_sets`).
    edits : mapping of str to Prior
        New priors by quantity, growth inputs too; none for all as they are.
    without : iterable of str, optional
        Ids of rows that shall not count.

    Returns
    -------
    xr.Dataset
        Dim `event`: `p`, its Monte Carlo standard error `mcse` (weights and autocorrelation in it) and `wording`; `r_asara` (quantile).
        `attrs` has `draws`, `khat` (NaN where nothing changed) and `effective_draws`.

    Raises
    ------
    RefitNeeded
        Where k-hat is above 0.7, or fewer than 100 draws are effective; where a prior is fixed in either, or the new one reaches beyond the old one; for correlated quantities.
    DataError
        For a quantity that the view does not state or a prior that it cannot have, and for a row that was not fitted.

    References
    ----------
    Vehtari et al. (2024), Pareto smoothed importance sampling.

    Examples
    --------
    >>> table = sie.weighted(draws, {"ceiling": sie.lognormal(8, 25)}, without=["toy_ml_2025"])
    >>> p, khat = float(table.p.sel(event="r_above_1")), table.attrs["khat"]
    """
    gone = [*dict.fromkeys(without)]
    for row in gone:
        if row not in draws.rows:
            raise DataError("without", row, "one of the rows that were fitted: " + ", ".join(draws.rows))
    view = draws.view.replace(**edits) if edits else draws.view
    changed = changed_priors(draws.view, view, view.entries)
    weights = None
    if changed or gone or draws.log_mixture is not None:
        what = ", ".join([*changed, *(f"leaving out {row}" for row in gone)]) or "the view as it is"
        weights = smoothed(_weighed_anew(draws, view, changed, gone), view.name, what)
        if weights.effective < MIN_EFFECTIVE:
            raise RefitNeeded(
                f"{view.name}: found {weights.effective:.0f} effective draws for {what}, want at least {MIN_EFFECTIVE} (refit)"
            )
    return _tabled(draws, weights)


def _weighed_anew(draws: Weighable, view: View, changed: list[str], gone: list[str]) -> np.ndarray:
    """How much denser another view without some rows is at draws, as a log up to a constant, (draw,)."""
    _, r = draws.outcomes
    ratio = np.zeros(len(r)) if draws.log_mixture is None else -draws.log_mixture
    ratio = ratio + log_prior_ratio(draws.values, draws.view, view, changed)
    for row in gone:
        ratio = ratio - draws.log_likelihood[:, draws.rows.index(row)]
    if draws.history is None:
        return ratio
    again = [name for name in draws.history.inputs if name in changed]
    return (
        ratio + log_prior_ratio(draws.history.inputs, draws.view, view, again) + draws.history.log_ratio(gone)
    )


def log_ratio(
    draws: StoredDraws,
    design: Design,
    log_likelihood: np.ndarray,
    *,
    redrawn: Iterable[str] = (),
    same_lambda: bool = False,
) -> np.ndarray:
    """How much denser another design's posterior is at stored draws, as a log up to a constant, (draw,).

    `log_likelihood` (draw,) is that of all of its rows at the draws; `redrawn` are quantities that are drawn anew from its priors;
    `same_lambda` leaves the prior of the histories' lambda as it was fitted.
    Raises RefitNeeded as `weighted`, and where the views state other quantities.
    """
    old, new = draws.design, design
    if set(old.view.entries) != set(new.view.entries):
        raise RefitNeeded(f"{new.view.name}: found other quantities than were fitted, want a refit")
    names = [name for name in changed_priors(old.view, new.view, new.view.entries) if name not in redrawn]
    ratio = log_prior_ratio(draws.values, old.view, new.view, names)
    ratio = ratio + log_likelihood - draws.log_likelihood.sum(axis=1)
    return ratio if same_lambda else ratio + lambda_ratio(old, new, draws.posterior)


def lambda_ratio(old: Design, new: Design, posterior: xr.Dataset) -> np.ndarray | float:
    """The log of the new density of the histories' lambda over the old one, (draw,), at draws; 0 where either design has no histories.

    Raises RefitNeeded where the draws lie beyond the old density.
    """
    before, after = old.lambda_curve, new.lambda_curve
    if before is None or after is None or np.array_equal(before.cubic, after.cubic):
        return 0.0
    log_lambda = np.log(posterior.lambda_histories.transpose("chain", "draw").values.ravel())
    if not np.isfinite(at_draws := log_density_of_lambda(before, log_lambda)).all():
        raise RefitNeeded(
            f"{new.view.name}: found another lambda of raw histories than the draws have, want a refit"
        )
    return log_density_of_lambda(after, log_lambda) - at_draws


def log_likelihood_at(design: Design, posterior: xr.Dataset) -> np.ndarray:
    """Each row's own log density at draws, (draw, estimate), chains one after another."""
    values = design.log_likelihood(posterior).transpose("chain", "draw", "estimate").values
    return values.reshape(-1, values.shape[-1])


def _tabled(draws: Weighable, weights: Importance | None) -> xr.Dataset:
    """The table of `weighted`; equal weights where there are none."""
    indicators, r = draws.outcomes
    by_chain = indicators.reshape(len(indicators), draws.chains, -1)
    own = draws.effective_draws
    if weights is None:
        p, mcse = probabilities(by_chain, independent=own is not None, most=math.inf if own is None else own)
        quantiles = np.quantile(r, QUANTILES)
        about = {"khat": np.nan, "effective_draws": float(len(r))}
    else:
        p, mcse = weighted_probabilities(by_chain, weights.weight, weights.effective, effective_draws=own)
        quantiles = np.quantile(r, QUANTILES, weights=weights.weight, method="inverted_cdf")
        about = {"khat": weights.khat, "effective_draws": weights.effective}
    table = as_table(list(EVENTS.values()), p, mcse, draws=len(r)).assign_attrs(about)
    return table.assign(r_asara=("quantile", quantiles)).assign_coords(quantile=list(QUANTILES))
