"""Fits and stored draws from which specifications are answered: by weights from the nearest fit, else by a fit of their own.

Growth inputs that no row is on are drawn anew, with new paths.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...base.errors import DataError, NotConverged, RefitNeeded
from ...data.views import View
from ...growth.credences import probabilities
from ...growth.events import EVENTS
from ...inference.answers import outcomes, weighted_probabilities
from ...inference.between_designs import log_likelihood_at, log_ratio
from ...inference.converged import MIN_ESS
from ...inference.growth_given import touched
from ...inference.prior_draws import growth_values
from ...inference.reweighting import changed_priors, smoothed
from ...inference.sampling import fit
from ...inference.stored_draws import StoredDraws, stored_draws
from ...returns.design import Design, design
from ...returns.likelihoods import stored_of
from .specification import Specification

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["HEADLINE_EVENTS", "Bench", "Found", "Names"]

HEADLINE_EVENTS = ("r_above_1", "years_3_in_1y")
"""The two events of the headline."""

AT_ONCE = 2
"""Fits that run at once; each has four chains of its own."""

SAME = 1e-9
"""Log ratios that differ by less are equal but for the order of a sum."""

Names = tuple[str, ...]
"""The alternatives of a specification; none for the view as it is."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one specification says, and how it was answered.

    Attributes
    ----------
    names : tuple of str
        Its alternatives; none for the view as it is.
    how : str
        "fit", "paths" (stored draws with growth inputs or draws from ASARA on that differ) or "weights".
    base : tuple of str
        The alternatives of the fit behind it.
    p, mcse : np.ndarray
        Of HEADLINE_EVENTS, (event,).
    median : float
        Median r at ASARA.
    khat, effective_draws : float
        Of the weights; NaN and all draws without.
    weight : float
        What it weighs in the average, where the view as it is weighs 1.
    """

    names: Names
    how: str
    base: Names
    p: np.ndarray
    mcse: np.ndarray
    median: float
    khat: float
    effective_draws: float
    weight: float

    @property
    def refitted(self) -> bool:
        """Whether it needed a fit of its own."""
        return bool(self.names) and self.base == self.names


class Bench:
    """Fits by the names of their alternatives, with designs and likelihoods that specifications share."""

    def __init__(
        self,
        view: View,
        *,
        seed: int,
        draws: int,
        on_progress: Callable[[str], None],
    ) -> None:
        self.view, self.seed, self.draws = view, seed, draws
        self.on_progress = on_progress
        self._fits: dict[Names, StoredDraws] = {}
        self._designs: dict[tuple, Design] = {}
        self._likelihoods: dict[tuple, np.ndarray] = {}
        self._paths: dict[tuple, tuple[np.ndarray, np.ndarray]] = {}
        self._tables: dict[str, xr.DataArray] = {}

    def fit(self, spec: Specification) -> None:
        """Sample a specification and keep its draws."""
        of = self._design(spec) if spec.kept.all() else self._made(spec.rows, spec.view)
        tree = fit(of, seed=self.seed, draws=self.draws, groups=())
        self._fits[spec.names] = stored_draws(tree, of)

    def nearest(self, spec: Specification, refitted: set[Names]) -> list[Names]:
        """The fits from which a pair may be weighed: those of its alternatives that were fitted, else that of the view."""
        return [(name,) for name in spec.names if (name,) in refitted] or [()]

    def answers(
        self, specs: Iterable[Specification], bases: Callable[[Specification], list[Names]]
    ) -> tuple[list[Found], list[tuple[Names, str]]]:
        """Each specification by weights from one of its bases, or by a fit; and those that neither answers, with the reason."""
        found: dict[Names, Found] = {}
        fitting: dict[Names, Future[Found | str]] = {}
        lost: list[tuple[Names, str]] = []
        specs = list(specs)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for i, spec in enumerate(specs):
                self.on_progress(f"{self.view.name}: {i + 1} of {len(specs)} specifications by weights")
                why = ""
                for base in bases(spec):
                    try:
                        found[spec.names] = self.by_weights(spec, base)
                        break
                    except RefitNeeded as error:
                        why = str(error)
                else:
                    if spec.learns_lambda:  # which is no posterior that a fit samples
                        lost.append((spec.names, why))
                    else:
                        fitting[spec.names] = pool.submit(self._fitted, spec)
            for i, (names, future) in enumerate(fitting.items()):
                self.on_progress(f"{self.view.name}: {i + 1} of {len(fitting)} specifications fitted")
                one = future.result()
                if isinstance(one, Found):
                    found[names] = one
                else:
                    lost.append((names, one))
        return [found[spec.names] for spec in specs if spec.names in found], lost

    def _fitted(self, spec: Specification) -> Found | str:
        try:
            self.fit(spec)
        except (NotConverged, DataError) as error:
            return str(error)
        found = self.by_weights(spec, spec.names)
        if len(spec.names) > 1:
            del self._fits[spec.names]
        return found

    def by_weights(self, spec: Specification, base: Names) -> Found:
        """The answer from the draws of a fit; RefitNeeded where weights do not give one."""
        draws, of = self._fits[base], self._design(spec)
        anew = self._drawn_anew(spec, draws, of)
        ratio = self._log_ratio(spec, base, of, anew)
        weights = None
        if base != spec.names and np.ptp(ratio) > SAME:
            weights = smoothed(ratio, spec.view.name, " and ".join(spec.names))
            if weights.effective < MIN_ESS:
                raise RefitNeeded(
                    f"{' and '.join(spec.names)}: found {weights.effective:.0f} effective draws, want at least {MIN_ESS}"
                )
        indicators, r = self._outcomes(spec, base, anew)
        events = [list(EVENTS).index(event) for event in HEADLINE_EVENTS]
        chains = indicators[events].reshape(len(events), draws.posterior.sizes["chain"], -1)
        if weights is None:
            p, mcse = probabilities(chains)
            median = float(np.median(r))
        else:
            p, mcse = weighted_probabilities(chains, weights.weight, weights.effective)
            median = float(np.quantile(r, 0.5, weights=weights.weight, method="inverted_cdf"))
        return Found(
            names=spec.names,
            how="fit" if base == spec.names else "paths" if weights is None else "weights",
            base=base,
            p=p,
            mcse=mcse,
            median=median,
            khat=weights.khat if weights is not None else math.nan,
            effective_draws=weights.effective if weights is not None else float(draws.size),
            weight=spec.weight,
        )

    def _outcomes(
        self, spec: Specification, base: Names, anew: Mapping[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Events and r on the paths of a fit's draws, with what is drawn anew or differs from ASARA on."""
        draws = self._fits[base]
        if not (anew or spec.at_asara):
            return draws.outcomes
        key = (base, tuple((name, spec.view[name].prior) for name in anew), tuple(spec.at_asara.items()))
        if key not in self._paths:
            self._paths[key] = outcomes({**draws.values, **anew}, spec.view, from_asara=spec.at_asara)
        return self._paths[key]

    def _drawn_anew(self, spec: Specification, draws: StoredDraws, of: Design) -> dict[str, np.ndarray]:
        """New draws of the growth inputs that no row is on and whose priors differ from those of a fit."""
        view, fitted = spec.view, draws.design.view
        if view.entries.keys() != fitted.entries.keys():
            return {}
        held = {*view.informed, *touched(of), *touched(draws.design)}
        held |= {name for pair in view.correlations for name in pair.between}
        names = {*changed_priors(fitted, view, view.entries)} - held
        if names & {"ceiling", "gained_before_asara"}:
            names |= {"ceiling", "gained_before_asara"} & {*view.entries}
        if not names:
            return {}
        return growth_values(view, draws=draws.size, seed=self.seed, names=sorted(names))[0]

    def _log_ratio(self, spec: Specification, base: Names, of: Design, anew: Iterable[str]) -> np.ndarray:
        """How much denser the posterior of a specification is at a fit's draws, as a log up to a constant, (draw,)."""
        draws = self._fits[base]
        key = (base, spec.key, spec.learns_lambda)
        if key not in self._likelihoods:
            posterior = draws.posterior
            if spec.learns_lambda and "lambda_histories" in posterior and "lambda" in posterior:
                posterior = posterior.assign(lambda_histories=posterior["lambda"])
            self._likelihoods[key] = log_likelihood_at(self._all_rows(spec), posterior)
        log_likelihood = self._likelihoods[key][:, spec.kept].sum(axis=1)
        return log_ratio(draws, of, log_likelihood, redrawn=anew, same_lambda=spec.learns_lambda)

    def _design(self, spec: Specification) -> Design:
        """The design by which a specification is weighed: rows that are left out leave those that share an error with them as they are."""
        found = self._all_rows(spec)
        found = found if spec.kept.all() else found.only(np.flatnonzero(spec.kept))
        return found if found.view is spec.view else dataclasses.replace(found, view=spec.view)

    def _all_rows(self, spec: Specification) -> Design:
        if spec.key not in self._designs:
            self._designs[spec.key] = self._made(spec.all_rows, spec.view)
        return self._designs[spec.key]

    def _made(self, rows: xr.Dataset, view: View) -> Design:
        return design(rows, view, likelihoods=stored_of(rows, self._tables))
