"""Posterior draws with what weighs them anew: the answer under edited priors and without rows, without a fit or a new path.

    log w = sum_q [log p2(q) - log p(q)] + sum_i log L2_i - sum_i log L_i + log p2(lambda_h) - log p(lambda_h)
    p = sum w I / sum w

q are the quantities whose priors were edited, growth inputs among them, i the rows, and lambda_h the lambda of raw histories, whose
prior holds the rows on lambda alone. w is Pareto-smoothed; nothing is resampled.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, RefitNeeded
from ..base.stats import QUANTILES
from ..data.families import Prior
from ..growth.credences import as_table, probabilities
from ..growth.events import EVENTS
from ..returns.compiled import as_design
from ..returns.design import Design
from ..returns.history_lambda import log_density_of_lambda
from .answers import outcomes, weighted_probabilities
from .reweighting import Importance, changed_priors, log_prior_ratio, smoothed

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

__all__ = ["StoredDraws", "lambda_ratio", "log_likelihood_at", "log_ratio", "stored_draws", "weighted"]


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
    def outcomes(self) -> tuple[np.ndarray, np.ndarray]:
        """Whether each event happens (event, draw), and r at ASARA (draw,)."""
        return outcomes(self.values, self.design.view)

    @property
    def size(self) -> int:
        """The number of draws."""
        return self.posterior.sizes["chain"] * self.posterior.sizes["draw"]


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


def weighted(draws: StoredDraws, edits: Mapping[str, Prior], *, without: Iterable[str] = ()) -> xr.Dataset:
    """Credences from stored draws under edited priors and without some rows, by Pareto-smoothed weights.

    Parameters
    ----------
    draws : StoredDraws
        From `stored_draws`.
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
        Where k-hat is above 0.7; where a prior is fixed in either, or the new one reaches beyond the old one; for correlated quantities.
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
    ids, gone = draws.design.coords["estimate"], [*dict.fromkeys(without)]
    for row in gone:
        if row not in ids:
            raise DataError("without", row, "one of the rows that were fitted: " + ", ".join(ids))
    kept = np.array([row not in gone for row in ids])
    view = draws.design.view.replace(**edits) if edits else draws.design.view
    design = dataclasses.replace(draws.design.only(np.flatnonzero(kept)), view=view)
    changed = changed_priors(draws.design.view, view, view.entries)
    weights = None
    if changed or gone:
        ratio = log_ratio(draws, design, draws.log_likelihood[:, kept].sum(axis=1))
        what = ", ".join([*changed, *(f"leaving out {row}" for row in gone)])
        weights = smoothed(ratio, view.name, what)
    return _tabled(draws, *draws.outcomes, weights)


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


def _tabled(
    draws: StoredDraws, indicators: np.ndarray, r: np.ndarray, weights: Importance | None
) -> xr.Dataset:
    """The table of `weighted` for events (event, draw) and r at ASARA (draw,) on stored draws; equal weights where there are none."""
    chains = indicators.reshape(len(indicators), draws.posterior.sizes["chain"], -1)
    if weights is None:
        p, mcse = probabilities(chains)
        quantiles = np.quantile(r, QUANTILES)
        about = {"khat": np.nan, "effective_draws": float(draws.size)}
    else:
        p, mcse = weighted_probabilities(chains, weights.weight, weights.effective)
        quantiles = np.quantile(r, QUANTILES, weights=weights.weight, method="inverted_cdf")
        about = {"khat": weights.khat, "effective_draws": weights.effective}
    table = as_table(list(EVENTS.values()), p, mcse, draws=draws.size).assign_attrs(about)
    return table.assign(r_asara=("quantile", quantiles)).assign_coords(quantile=list(QUANTILES))
