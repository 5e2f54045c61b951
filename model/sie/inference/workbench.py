"""An edited view answered at once: by the stored draws' paths, by weights on them, or by a refit, and it says which.

    p = sum_i w_i I_i,   u_i = n w_i (I_i - p),   mcse^2 = Var(u) / ESS(u)

A growth input that changed moves paths and leaves the posterior of the chain where it was (`paths`). A prior that evidence
informs, or a lambda under which raw histories are read, changes the weights w of the stored draws (`reweighted`; Pareto-smoothed,
with k-hat, and an error that knows both the weights and the chains' autocorrelation). Where weights are not to be trusted, or
other rows or levels count, the view is sampled again on the same compiled graph (`refitted`), which becomes the base of later
edits.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import RefitNeeded
from ..base.stats import QUANTILES
from ..data.priors import View
from ..returns.design import Design, design
from ..returns.inputs import levels_of
from ..returns.levels import lambda_from
from .answers import Answer, Fit, as_table, autocorrelated, independent, outcomes, weighted
from .history_weights import log_likelihood
from .prior_draws import growth_values, prior_values
from .reweighting import Importance, importance_weights
from .sampling import MIN_ESS, fit

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["ANSWERED", "Answer", "Workbench"]

ANSWERED = ("paths", "reweighted", "refitted")
"""How an edit can be answered."""


NO_LEVELS: Mapping[str, str] = MappingProxyType({})
"""Every domain at its default level."""

ROWS_KEPT = 64
"""Choices of rows that are kept, so that an edit of a prior chooses none anew."""

FITS_KEPT = 12
"""Fits that are kept, so that undoing an edit, or a second view, samples nothing."""


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

    Examples
    --------
    >>> view = sie.read_view("davidson_2025")
    >>> bench = sie.Workbench(sie.read_evidence(), seed=1)
    >>> bench.answer(view).how
    'refitted'
    >>> bench.answer(view.replace(ceiling=sie.fixed(10.0))).how
    'paths'
    """

    def __init__(self, evidence: xr.Dataset | None, *, seed: int, draws: int = 4000) -> None:
        self.evidence, self.seed, self.draws = evidence, seed, draws
        self._fits: OrderedDict[tuple, Fit] = OrderedDict()
        self._rows: dict[tuple, xr.Dataset] = {}
        self._tables: dict[str, xr.DataArray] = {}
        self._fits_lock, self._sampling = threading.Lock(), threading.Lock()

    def instant(self, view: View, *, levels: Mapping[str, str] = NO_LEVELS) -> Answer:
        """The answer from stored draws.

        Weights are trusted up to a Pareto k-hat of `reweighting.MAX_KHAT`, and down to as many effective draws as a fit must have
        (`sampling.MIN_ESS`).

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
        likelihood = _likelihood_key(view, rows)
        if (found := self._found(view, likelihood)) is not None:
            how = "refitted" if _same(found.view, view) else "paths"
            return self._answer(view, levels, rows, how, found, None)
        why = f"{view.name}: found no draws yet, want a fit"
        for base in self._latest():
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
            why = f"{view.name}: found weights worth {weights.effective:.0f} draws, want at least {MIN_ESS} (refit)"
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
            likelihood = _likelihood_key(view, rows)
            with self._sampling:
                if self._found(view, likelihood) is None:
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
        from ..returns.selection import usable

        if self.evidence is None or view.states_r_asara:
            return None
        key = (view.name, _form(view), view.reflects, tuple(sorted(levels.items())))
        if key not in self._rows:
            if len(self._rows) >= ROWS_KEPT:
                self._rows.clear()
            self._rows[key] = usable(self.evidence, view, levels=levels)
        return self._rows[key]

    def _found(self, view: View, likelihood: tuple) -> Fit | None:
        with self._fits_lock:
            if (key := (likelihood, _chain_key(view))) in self._fits:
                self._fits.move_to_end(key)
            return self._fits.get(key)

    def _latest(self) -> list[Fit]:
        """The fits that are kept, the last used first."""
        with self._fits_lock:
            return list(reversed(self._fits.values()))

    def _keep(self, view: View, rows: xr.Dataset, likelihood: tuple) -> None:
        """Sample a view and keep the fit."""
        tree = fit(self._design(view, rows), seed=self.seed, draws=self.draws, groups=())
        names = (*view.informed, "r_target")
        posterior = tree["posterior"].to_dataset()
        moved = {name: posterior[name].values.ravel() for name in names}
        happened, r = self._after(view, moved)
        kept = Fit(
            view=view,
            likelihood=likelihood,
            tree=tree,
            moved=moved,
            happened=happened,
            r=r,
        )
        with self._fits_lock:
            self._fits[likelihood, _chain_key(view)] = kept
            while len(self._fits) > FITS_KEPT:
                self._fits.popitem(last=False)

    def _likelihoods(self, rows: xr.Dataset) -> dict[str, xr.DataArray]:
        """The stored likelihoods of these rows, each read once: whoever changes evidence opens another workbench."""
        from ..returns.likelihoods import name_of, read_likelihood

        named = map(name_of, rows.estimate.values.tolist(), levels_of(rows).tolist())
        wanted = [name for name in named if name]
        for name in wanted:
            if name not in self._tables:
                self._tables[name] = read_likelihood(name, rows.attrs.get("folder"))
        return {name: self._tables[name] for name in wanted}

    def _design(self, view: View, rows: xr.Dataset) -> Design:
        return design(rows, view, likelihoods=self._likelihoods(rows))

    def _likelihood_ratio(self, base: Fit, view: View, rows: xr.Dataset) -> np.ndarray:
        """How much more likely a view's lambda makes the raw histories at the draws of a fit, log, (draw,)."""
        posterior = base.tree["posterior"].to_dataset()
        found = [
            log_likelihood(posterior, self._design(lambdas_of, rows)) for lambdas_of in (view, base.view)
        ]
        if found[0] is None:
            raise RefitNeeded(
                f"{view.name}: found draws under another lambda of a history on other inputs, want a refit"
            )
        return found[0] - found[1]

    def _after(self, view: View, moved: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Events and r given evidence: what it moved, beside growth inputs at their priors."""
        growth, _ = growth_values(view, draws=self.draws, seed=self.seed)
        return outcomes({**growth, **moved}, view)

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
        values, _ = prior_values(view, draws=self.draws, seed=self.seed)
        happened, r = outcomes(values, view)
        credences = {"priors": as_table(*independent(happened), draws=self.draws)}
        quantiles = {"priors": np.quantile(r, QUANTILES)}
        if base is not None:
            happened, r = (
                (base.happened, base.r) if _same_growth(base.view, view) else self._after(view, base.moved)
            )
            chains = happened.reshape(len(happened), base.tree["posterior"].sizes["chain"], -1)
            if weights is None:
                found = autocorrelated(chains)
                quantiles["evidence"] = np.quantile(r, QUANTILES)
            else:
                found = weighted(chains, weights.weight, weights.effective)
                quantiles["evidence"] = np.quantile(
                    r, QUANTILES, weights=weights.weight, method="inverted_cdf"
                )
            credences["evidence"] = as_table(*found, draws=self.draws)
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
            rows=rows,
            fit=base,
            log_likelihood_ratio=log_likelihood_ratio,
        )


def _form(view: View) -> tuple:
    """What a view states, whatever the numbers: which rows may update it follows from this."""
    return tuple(sorted(view.entries))


def _likelihood_key(view: View, rows: xr.Dataset) -> tuple:
    """What the likelihood of the chain depends on: the form of the view, the rows and their levels, and lambda if a history is raw."""
    level = levels_of(rows)
    counted = tuple(zip(rows.estimate.values.tolist(), level.tolist(), strict=True))
    names = lambda_from(view) if "series" in level else ()
    return _form(view), view.reflects, counted, tuple(view[name].prior for name in names)


def _chain_key(view: View) -> tuple:
    """The priors that evidence informs."""
    return tuple((name, view[name].prior) for name in view.informed)


def _same(view: View, view2: View) -> bool:
    return all(view[name].prior == view2[name].prior for name in view.entries)


def _same_growth(view: View, view2: View) -> bool:
    """Whether all that evidence cannot move is alike."""
    return all(view[name].prior == view2[name].prior for name in view.entries if name not in view.informed)
