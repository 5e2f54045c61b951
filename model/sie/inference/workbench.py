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
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import RefitNeeded
from ..base.stats import QUANTILES
from ..data.priors import View
from ..growth.events import EVENTS
from ..returns.design import Design, design
from ..returns.equations import at_asara
from ..returns.inputs import levels_of
from ..returns.levels import lambda_from
from .history_weights import log_likelihood
from .reweighting import Importance, importance_weights, reweight
from .sampling import MIN_ESS, fit, growth_values, prior_values

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


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The draws of one fit: what evidence moved, by name, the events on their paths (event, draw) and r at ASARA (draw,).

    `likelihood` is what the likelihood depends on beside the chain.
    """

    view: View
    likelihood: tuple
    tree: xr.DataTree
    moved: Mapping[str, np.ndarray]
    happened: np.ndarray
    r: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an edited view says, and how it was answered.

    Attributes
    ----------
    view : View
        The view that was asked about.
    levels : mapping of str to str
        The levels that were asked for, of domains that do not enter at the default (`usable`).
    seed : int
        Seed of the workbench.
    draws : int
        Number of draws.
    how : str
        "paths" (stored draws, growth inputs drawn anew), "reweighted" (weights on stored draws) or "refitted" (a fit of this view).
    khat : float
        Pareto k-hat of the weights; NaN unless `how` is "reweighted".
    effective_draws : float
        Effective number of weighted draws; all of them unless `how` is "reweighted".
    credences : mapping of str to xr.Dataset
        Credences as from `sie.credences`, by what is given: "priors", and "evidence" if it counts.
    r : mapping of str to np.ndarray
        5, 25, 50, 75 and 95 % quantiles of r at ASARA, by what is given.
    rows : xr.Dataset or None
        The evidence rows that count; None where evidence cannot move the view.
    fit : Fit or None
        The fit that the draws come from; None where evidence cannot move the view.
    log_likelihood_ratio : np.ndarray or None
        (draw,), not None where evidence says something else than in that fit, since a raw history is read under another lambda.
    """

    view: View
    levels: Mapping[str, str]
    seed: int
    draws: int
    how: str
    khat: float
    effective_draws: float
    credences: Mapping[str, xr.Dataset]
    r: Mapping[str, np.ndarray]
    rows: xr.Dataset | None
    fit: Fit | None
    log_likelihood_ratio: np.ndarray | None

    @property
    def given(self) -> tuple[str, ...]:
        """`priors`, and `evidence` where it counts."""
        return tuple(self.credences)

    @property
    def exact(self) -> bool:
        """Whether these are, to the last digit, the numbers of `sie report` with the same seed and draws."""
        return self.how != "reweighted"

    @property
    def counted(self) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
        """The rows that count, and those left out with the reason; nothing of either where evidence cannot move the view."""
        if self.rows is None:
            return (), ()
        return tuple(self.rows.estimate.values.tolist()), tuple(self.rows.attrs["left_out"])

    @property
    def diagnostics(self) -> dict[str, float] | None:
        """The worst R-hat and ESS of the fit behind the answer, and its divergences."""
        if self.fit is None:
            return None
        return {name: self.fit.tree.attrs[name] for name in ("max_rhat", "min_ess", "divergences")}

    @cached_property
    def tree(self) -> xr.DataTree:
        """Draws as from `sie.fit`, groups `prior` and, where evidence counts, `posterior`; resampled where they are weighted."""
        import xarray as xr

        from .sampling import prior

        if self.fit is None:
            tree = xr.DataTree.from_dict({"prior": prior(self.view, draws=self.draws, seed=self.seed)})
            tree.attrs = {"view": self.view.name, "seed": self.seed, "draws": self.draws}
            return tree
        if self.fit.view is self.view:
            return self.fit.tree
        return reweight(
            self.fit.tree,
            self.fit.view,
            self.view,
            seed=self.seed,
            log_likelihood_ratio=self.log_likelihood_ratio,
        )

    @cached_property
    def paths(self) -> xr.Dataset:
        """Paths of the draws given all that counts (`sie.simulate`)."""
        from ..growth.paths import simulate

        return simulate(self.draws_given(self.given[-1]))

    def draws_given(self, given: str) -> xr.Dataset:
        """The draws behind `priors` or `evidence`, dims (chain, draw).

        Parameters
        ----------
        given : str
            "priors" or "evidence", one of `self.given`.

        Returns
        -------
        xr.Dataset
            Draws that `simulate` takes.
        """
        return self.tree["prior" if given == "priors" else "posterior"].to_dataset()


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
        tree = fit(self._design(view, rows), seed=self.seed, draws=self.draws)
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
        return _outcomes({**growth, **moved}, view)

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
        happened, r = _outcomes(values, view)
        credences = {"priors": _table(*_independent(happened), draws=self.draws)}
        quantiles = {"priors": np.quantile(r, QUANTILES)}
        if base is not None:
            happened, r = (
                (base.happened, base.r) if _same_growth(base.view, view) else self._after(view, base.moved)
            )
            chains = happened.reshape(len(happened), base.tree["posterior"].sizes["chain"], -1)
            if weights is None:
                found = _autocorrelated(chains)
                quantiles["evidence"] = np.quantile(r, QUANTILES)
            else:
                found = _weighted(chains, weights.weight, weights.effective)
                quantiles["evidence"] = np.quantile(
                    r, QUANTILES, weights=weights.weight, method="inverted_cdf"
                )
            credences["evidence"] = _table(*found, draws=self.draws)
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


def _outcomes(values: Mapping[str, np.ndarray], view: View) -> tuple[np.ndarray, np.ndarray]:
    """Whether each event happens on each path (event, draw), and r at ASARA (draw,)."""
    import xarray as xr

    from ..growth.paths import summaries

    columns = {**values, **at_asara(values, view)}
    draws = xr.Dataset({name: ("draw", column) for name, column in columns.items()})
    gains = list(dict.fromkeys(event.gain for event in EVENTS.values() if event.gain is not None))
    wanted = np.array([gain(draws) for gain in gains])
    blocks = []
    for found in summaries(draws, wanted):
        within = dict(zip(gains, found.shortest_years.values, strict=True))
        blocks.append([event.happened(found, within) for event in EVENTS.values()])
    return np.concatenate([np.array(block, dtype=bool) for block in blocks], axis=1), columns["r_asara"]


def _independent(happened: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """p and its standard error from independent draws (event, draw)."""
    return _smoothed(happened.mean(axis=1), happened.shape[1], np.full(len(happened), happened.shape[1]))


def _autocorrelated(happened: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """p and its standard error from chains (event, chain, draw), as `sie.credences` has them."""
    draws = happened[0].size
    return _smoothed(happened.mean(axis=(1, 2)), draws, _sizes(happened.astype(float)))


def _weighted(happened: np.ndarray, weight: np.ndarray, effective: float) -> tuple[np.ndarray, np.ndarray]:
    """p and its standard error from weighted chains (event, chain, draw); never better than so many effective draws."""
    weight = weight.reshape(happened.shape[1:])
    p = (happened * weight).sum(axis=(1, 2))
    influence = weight.size * weight * (happened - p[:, None, None])
    variance = (influence**2).mean(axis=(1, 2))
    worth = np.where(
        variance > 0, p * (1 - p) * _sizes(influence) / np.where(variance > 0, variance, 1), math.inf
    )
    return _smoothed(p, effective, np.minimum(effective, worth))


def _smoothed(p: np.ndarray, draws: float, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """p and its error from (s + 1/2) / (n + 1), so that 0 of n is not certainty, at each event's number of independent draws."""
    smoothed = (p * draws + 0.5) / (draws + 1)
    return p, np.sqrt(smoothed * (1 - smoothed) / size)


def _sizes(values: np.ndarray) -> np.ndarray:
    """How many independent draws the mean of each (event, chain, draw) is worth; all where it does not vary."""
    from arviz_stats.base import array_stats

    flat = values.reshape(len(values), -1)
    varies = np.ptp(flat, axis=1) > 0
    sizes = np.full(len(values), float(flat.shape[1]))
    if varies.any():
        sizes[varies] = array_stats.ess(values[varies], method="mean")
    return sizes


def _table(p: np.ndarray, mcse: np.ndarray, *, draws: int) -> xr.Dataset:
    """As `sie.credences` returns it."""
    import xarray as xr

    return xr.Dataset(
        {
            "p": ("event", p, {"unit": "probability"}),
            "mcse": ("event", mcse, {"unit": "probability"}),
            "wording": ("event", [event.wording for event in EVENTS.values()]),
        },
        coords={"event": list(EVENTS)},
        attrs={"draws": draws},
    )
