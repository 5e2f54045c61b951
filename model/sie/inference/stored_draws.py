"""Posterior draws that can be reweighted: the answer under edited priors and without rows, without a fit or a new path.

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
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, RefitNeeded
from ..base.stats import QUANTILES
from ..data.families import Prior
from ..data.views import View
from ..growth.credences import as_table, probabilities
from ..growth.events import EVENTS
from ..returns.compiled import as_design
from ..returns.design import Design
from .answers import outcomes, weighted_probabilities
from .between_designs import log_likelihood_at
from .reweighting import MIN_EFFECTIVE, Importance, changed_priors, log_prior_ratio, smoothed
from .weighable import HistoryLambda, Weighable, history_lambda

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

__all__ = ["StoredDraws", "stored_draws", "weighted"]


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


def stored_draws(tree: xr.DataTree, model: Design | pm.Model) -> StoredDraws:
    """The draws of a fit, ready to be reweighted.

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
        Ids of rows to leave out.

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
