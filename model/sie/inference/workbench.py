"""Answers to edited views: from stored draws with new paths, from weights on stored draws, or from a refit.

    p = sum_i w_i I_i,   u_i = n w_i (I_i - p),   mcse^2 = Var(u) / ESS(u)

A changed growth input changes the paths and not the posterior of the chain (`paths`). A changed prior that evidence informs, or
a changed lambda under which raw histories are read, changes the weights w of the stored draws (`reweighted`: Pareto-smoothed, with
k-hat; the error accounts for the weights and the chains' autocorrelation). Where k-hat is too large, or other rows or levels
count, the view is sampled again (`refitted`), and later edits start from that fit.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import RefitNeeded
from ..base.stats import QUANTILES
from ..data.priors import View
from ..growth.credences import as_table, probabilities
from ..growth.events import EVENTS
from ..returns.design import Design
from .answers import Answer, from_priors, outcomes, weighted_probabilities
from .between_designs import lambda_ratio
from .converged import MIN_ESS
from .designs import NO_LEVELS, Designs
from .fits import FITS_KEPT, Fit, Recent, fit_key, growth_key, likelihood_key, same_growth, same_priors
from .growth_given import growth_given
from .reweighting import Importance, importance_weights
from .sampling import fit

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Answer", "Workbench"]


class Workbench:
    """Posterior draws of views with their paths, ready for edits of any view on the same evidence.

    Threads may share it: instant answers do not wait for a fit of another thread.

    Parameters
    ----------
    evidence : xr.Dataset or None
        From `read_evidence`; None means priors only.
    seed : int
        Seed of every fit and every draw.
    draws : int, optional
        Draws of a fit, a multiple of 4.
    designs : Designs, optional
        Those of this evidence, where other workbenches share them, or where rows are left out.
    fits : iterable of Fit, optional
        What it has sampled before: `fit` of the answers of another workbench with the same evidence, seed and draws.

    Examples
    --------
    >>> view = sie.read_view("davidson_2025")
    >>> bench = sie.Workbench(sie.read_evidence(), seed=1)
    >>> bench.answer(view).how
    'refitted'
    >>> bench.answer(view.replace(ceiling=sie.lognormal(4.0, 12.0))).how
    'paths'
    """

    def __init__(
        self,
        evidence: xr.Dataset | None,
        *,
        seed: int,
        draws: int = 4000,
        designs: Designs | None = None,
        fits: Iterable[Fit] = (),
    ) -> None:
        self.evidence, self.seed, self.draws = evidence, seed, draws
        self._designs = designs if designs is not None else Designs(evidence)
        self._fits: Recent[Fit] = Recent(FITS_KEPT)
        for each in fits:
            self._fits.keep(fit_key(each.view, each.likelihood), each)
        self._sampling = threading.Lock()

    def instant(self, view: View, *, levels: Mapping[str, str] = NO_LEVELS) -> Answer:
        """The answer from stored draws.

        Weights are trusted up to a Pareto k-hat of `reweighting.MAX_KHAT`, and down to as many effective draws as a fit must have
        (`converged.MIN_ESS`).

        Parameters
        ----------
        view : View
            The view to be answered.
        levels : mapping of str to str, optional
            As in `usable`.

        Returns
        -------
        Answer
            Answered by "paths" or "reweighted", or from a stored fit of this very view.

        Raises
        ------
        RefitNeeded
            Where there are no draws, or none whose weights are to be trusted.
        DataError
            For levels that evidence does not have.
        """
        if (rows := self.rows(view, levels=levels)) is None:
            return self._answer(view, levels, None, "paths", None, None)
        likelihood = likelihood_key(view, rows)
        if (kept := self._fits.get(fit_key(view, likelihood))) is not None:
            how = "refitted" if same_priors(kept.view, view) else "paths"
            return self._answer(view, levels, rows, how, kept, None)
        why = f"{view.name}: found no draws yet, want a fit"
        for base in self._fits.latest():
            if base.likelihood[:-1] != likelihood[:-1]:
                why = f"{view.name}: found draws under other rows or levels, want a refit"
                continue
            try:
                ratio = self._likelihood_ratio(base, view, rows) if base.likelihood != likelihood else None
                weights = importance_weights(
                    base.moved, base.view, view, draws=self.draws, log_likelihood_ratio=ratio
                )
            except RefitNeeded as error:
                why = str(error)
                continue
            if weights.effective >= MIN_ESS:
                return self._answer(view, levels, rows, "reweighted", base, weights, ratio)
            why = f"{view.name}: found {weights.effective:.0f} effective draws, want {MIN_ESS} (refit)"
        raise RefitNeeded(why)

    def refit(self, view: View, *, levels: Mapping[str, str] = NO_LEVELS) -> Answer:
        """The answer from a fit of this very view, sampled unless it is kept.

        Parameters
        ----------
        view : View
            The view to be answered.
        levels : mapping of str to str, optional
            As in `usable`.

        Returns
        -------
        Answer
            With the numbers of `sie report` at the same seed and draws.

        Raises
        ------
        NotConverged
            As in `fit`.
        DataError
            As in `usable` and `fit`.
        """
        if (rows := self.rows(view, levels=levels)) is not None:
            likelihood = likelihood_key(view, rows)
            with self._sampling:
                if self._fits.get(fit_key(view, likelihood)) is None:
                    self._keep(view, rows, likelihood)
        return self.instant(view, levels=levels)

    def answer(self, view: View, *, levels: Mapping[str, str] = NO_LEVELS) -> Answer:
        """The instant answer where there is one to trust, else that of a refit.

        Parameters
        ----------
        view : View
            The view to be answered.
        levels : mapping of str to str, optional
            As in `usable`.

        Returns
        -------
        Answer
            `how` says which of the ways it is.

        Raises
        ------
        NotConverged
            As in `fit`.
        DataError
            As in `usable` and `fit`.
        """
        try:
            return self.instant(view, levels=levels)
        except RefitNeeded:
            return self.refit(view, levels=levels)

    def rows(self, view: View, *, levels: Mapping[str, str] = NO_LEVELS) -> xr.Dataset | None:
        """The rows that count for a view (`usable`).

        Parameters
        ----------
        view : View
            The view to be answered.
        levels : mapping of str to str, optional
            As in `usable`.

        Returns
        -------
        xr.Dataset or None
            None where evidence cannot move the view.

        Raises
        ------
        DataError
            As in `usable`.
        """
        return self._designs.rows(view, levels=levels)

    def _keep(self, view: View, rows: xr.Dataset, likelihood: tuple) -> None:
        """Sample a view and keep the fit."""
        tree = fit(self.design(view, rows), seed=self.seed, draws=self.draws, groups=())
        posterior = tree["posterior"].to_dataset()
        moved = {name: posterior[name].values.ravel() for name in (*view.informed, "r_target")}
        indicators, r = outcomes({**self._growth(view, rows, moved), **moved}, view)
        found = Fit(view=view, likelihood=likelihood, tree=tree, moved=moved, indicators=indicators, r=r)
        self._fits.keep(fit_key(view, likelihood), found)

    def design(self, view: View, rows: xr.Dataset) -> Design:
        """What a view and the rows that count for it (`rows`) are to the model.

        Parameters
        ----------
        view : View
            The view to be answered.
        rows : xr.Dataset
            Its `rows`.

        Returns
        -------
        Design
            For `fit`.
        """
        return self._designs.design(view, rows)

    def _likelihood_ratio(self, base: Fit, view: View, rows: xr.Dataset) -> np.ndarray:
        """How much more probable a view makes the lambda of the raw histories than a fit's view did, at its draws, as a log, (draw,)."""
        old, new = (self.design(each, rows) for each in (base.view, view))
        return np.broadcast_to(lambda_ratio(old, new, base.tree["posterior"].to_dataset()), self.draws)

    def _growth(self, view: View, rows: xr.Dataset, moved: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Growth inputs given the rows on them, beside draws of the quantities that evidence informs."""
        growth = growth_given(self.design(view, rows), moved, draws=self.draws, seed=self.seed)
        return {name: values for name, values in growth.items() if name != "z_input"}

    def _grown(
        self, base: Fit, view: View, rows: xr.Dataset
    ) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """`_growth` of a view at the draws of a fit and what follows from it (`outcomes`), kept with the fit."""
        key = growth_key(view, rows)
        if (found := base.grown.get(key)) is None:
            growth = self._growth(view, rows, base.moved)
            found = growth, *outcomes({**growth, **base.moved}, view)
            base.grown.keep(key, found)
        return found

    def _answer(
        self,
        view: View,
        levels: Mapping[str, str],
        rows: xr.Dataset | None,
        how: str,
        base: Fit | None,
        weights: Importance | None,
        log_likelihood_ratio: np.ndarray | None = None,
    ) -> Answer:
        prior = from_priors(view, draws=self.draws, seed=self.seed)
        credences, quantiles, growth = {"priors": prior.credences}, {"priors": prior.r}, None
        if base is not None:
            indicators, r = base.indicators, base.r
            if rows is not None and not same_growth(base.view, view):
                growth, indicators, r = self._grown(base, view, rows)
            chains = indicators.reshape(len(indicators), base.tree["posterior"].sizes["chain"], -1)
            if weights is None:
                table = probabilities(chains)
                quantiles["evidence"] = np.quantile(r, QUANTILES)
            else:
                table = weighted_probabilities(chains, weights.weight, weights.effective)
                quantiles["evidence"] = np.quantile(
                    r, QUANTILES, weights=weights.weight, method="inverted_cdf"
                )
            credences["evidence"] = as_table(list(EVENTS.values()), *table, draws=self.draws)
        return Answer(
            view=view,
            levels=levels,
            seed=self.seed,
            draws=self.draws,
            how=how,
            khat=weights.khat if weights is not None else math.nan,
            effective_draws=weights.effective if weights is not None else float(self.draws),
            credences=credences,
            r=quantiles,
            discarded_prior_mass=prior.discarded_prior_mass,
            rows=rows,
            fit=base,
            log_likelihood_ratio=log_likelihood_ratio,
            growth=growth,
        )
