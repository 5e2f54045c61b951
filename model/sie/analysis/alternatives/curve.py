"""The answer under every alternative and every pair of them: by weights on stored draws where these are to be trusted, else by a fit.

A specification is answered from the nearest fit: the view's own, or for a pair that of one of its two alternatives where that was
fitted. Growth inputs that no row is on are drawn anew, with new paths.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ...base.errors import DataError, NotConverged, RefitNeeded
from ...data.alternatives import Alternative, Alternatives
from ...data.views import View
from ...growth.credences import probabilities
from ...growth.events import EVENTS
from ...inference.answers import outcomes, weighted_probabilities
from ...inference.fits import form_of
from ...inference.growth_given import touched
from ...inference.prior_draws import growth_values
from ...inference.reweighting import changed_priors, smoothed
from ...inference.sampling import fit
from ...inference.stored_draws import StoredDraws, log_likelihood_at, log_ratio, stored_draws
from ...returns.design import Design, design
from .specification import Specification, check_alternative, specification

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["HEADLINE_EVENTS", "LEAST_EFFECTIVE", "Found", "SpecificationCurve", "specification_curve"]

HEADLINE_EVENTS = ("r_above_1", "years_3_in_1y")
"""The two events of the headline."""

LEAST_EFFECTIVE = 200
"""Fewer effective draws than this are too few, whatever k-hat: an error of 3.5 percentage points on a probability of a half."""

AT_ONCE = 2
"""Fits that run at once; each has four chains of its own."""

Names = tuple[str, ...]


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


@dataclass(frozen=True, kw_only=True)
class SpecificationCurve:
    """Every specification: the view's own first, then single alternatives, then pairs.

    Attributes
    ----------
    view : View
        The view.
    alternatives : Alternatives
        What was asked.
    found : tuple of Found
        The answers.
    missing : tuple of (names, why)
        What has no meaning for this view, and what neither weights nor a fit answered.
    seed, draws : int
        Of every fit.
    """

    view: View
    alternatives: Alternatives
    found: tuple[Found, ...]
    missing: tuple[tuple[Names, str], ...]
    seed: int
    draws: int

    @property
    def headline(self) -> Found:
        """The view as it is."""
        return self.found[0]

    def of_size(self, size: int) -> list[Found]:
        """The specifications with so many alternatives."""
        return [found for found in self.found if len(found.names) == size]


def specification_curve(
    view: View,
    evidence: xr.Dataset,
    alternatives: Alternatives,
    *,
    seed: int,
    draws: int,
    pairs: bool = True,
    on_progress: Callable[[str], None] = lambda text: None,
) -> SpecificationCurve:
    """Answer a view under each alternative and each pair of two groups.

    Parameters
    ----------
    view : View
        A view that evidence can move.
    evidence : xr.Dataset
        From `read_evidence`.
    alternatives : Alternatives
        From `read_alternatives`.
    seed, draws : int
        Of every fit.
    pairs : bool, optional
        Whether pairs are answered too.
    on_progress : callable, optional
        Called with a line of text as the work goes on.

    Returns
    -------
    SpecificationCurve
        Each answer with its Monte Carlo error and how it was found.

    Raises
    ------
    NotConverged
        Where the fit of the view as it is does not converge; others that do not are in `missing`.
    """
    bench = _Bench(view, evidence, seed=seed, draws=draws, on_progress=on_progress)
    own = specification(view, evidence, [])
    bench.fit(own)
    found, missing = [bench.by_weights(own, ())], []
    single: dict[str, Specification] = {}
    for name, choice in alternatives.choices.items():
        try:
            single[name] = check_alternative(view, evidence, choice)
        except DataError as error:
            missing.append(((name,), str(error)))
    singles, lost = bench.answers(single.values(), lambda spec: [()])
    refitted = {one.names for one in singles if one.refitted}
    found, missing = found + singles, missing + lost
    if pairs:
        specs, meaningless = _pairs(view, evidence, [alternatives.choices[name] for name in single])
        doubles, lost = bench.answers(specs, lambda spec: bench.nearest(spec, refitted))
        found, missing = found + doubles, missing + meaningless + lost
    return SpecificationCurve(
        view=view,
        alternatives=alternatives,
        found=tuple(found),
        missing=tuple(missing),
        seed=seed,
        draws=draws,
    )


def _pairs(
    view: View, evidence: xr.Dataset, choices: Sequence[Alternative]
) -> tuple[list[Specification], list[tuple[Names, str]]]:
    """The specifications of two alternatives of different groups; and the pairs without a meaning."""
    specs, meaningless = [], []
    for one, other in combinations(choices, 2):
        if one.group == other.group:
            continue
        try:
            specs.append(specification(view, evidence, [one, other]))
        except DataError as error:
            meaningless.append(((one.name, other.name), str(error)))
    return specs, meaningless


class _Bench:
    """Fits by the names of their alternatives, with designs and likelihoods that specifications share."""

    def __init__(
        self,
        view: View,
        evidence: xr.Dataset,
        *,
        seed: int,
        draws: int,
        on_progress: Callable[[str], None],
    ) -> None:
        self.view, self.evidence, self.seed, self.draws = view, evidence, seed, draws
        self.on_progress = on_progress
        self._fits: dict[Names, StoredDraws] = {}
        self._designs: dict[tuple, Design] = {}
        self._likelihoods: dict[tuple, np.ndarray] = {}

    def fit(self, spec: Specification) -> None:
        """Sample a specification and keep its draws."""
        of = self._design(spec)
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
        to_fit: list[Specification] = []
        lost: list[tuple[Names, str]] = []
        specs = list(specs)
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
                    to_fit.append(spec)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            done = pool.map(self._fitted, to_fit)
            for i, (spec, one) in enumerate(zip(to_fit, done, strict=True)):
                self.on_progress(f"{self.view.name}: {i + 1} of {len(to_fit)} specifications fitted")
                if isinstance(one, Found):
                    found[spec.names] = one
                else:
                    lost.append((spec.names, one))
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
        if np.ptp(ratio) > 0:
            weights = smoothed(ratio, spec.view.name, " and ".join(spec.names))
            if weights.effective < LEAST_EFFECTIVE:
                raise RefitNeeded(
                    f"{' and '.join(spec.names)}: found {weights.effective:.0f} effective draws, want at least {LEAST_EFFECTIVE}"
                )
        if anew or spec.at_asara:
            values = draws.values | anew
            indicators, r = outcomes(values, spec.view, from_asara=spec.at_asara)
        else:
            indicators, r = draws.outcomes
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
        values, _ = growth_values(view, draws=draws.size, seed=self.seed, names=sorted(names))
        return values

    def _log_ratio(
        self, spec: Specification, base: Names, of: Design, anew: Iterable[str]
    ) -> np.ndarray:
        draws = self._fits[base]
        key = (base, self._key(spec), spec.learns_lambda)
        if key not in self._likelihoods:
            posterior = draws.posterior
            if spec.learns_lambda and "lambda_histories" in posterior and "lambda" in posterior:
                posterior = posterior.assign(lambda_histories=posterior["lambda"])
            self._likelihoods[key] = log_likelihood_at(of, posterior).sum(axis=1)
        return log_ratio(
            draws, of, self._likelihoods[key], redrawn=anew, same_lambda=spec.learns_lambda
        )

    def _key(self, spec: Specification) -> tuple:
        """What a design depends on besides the priors of what is uncertain."""
        fixed = tuple(
            (name, entry.prior) for name, entry in spec.view.entries.items() if entry.prior.family == "fixed"
        )
        of_rows = tuple(
            choice.name
            for choice in spec.choices
            if choice.rows or choice.levels or choice.without or choice.definition_errors != 1
        )
        return form_of(spec.view), fixed, of_rows

    def _design(self, spec: Specification) -> Design:
        key = self._key(spec)
        if key not in self._designs:
            self._designs[key] = design(spec.rows, spec.view)
        found = self._designs[key]
        return found if found.view is spec.view else dataclasses.replace(found, view=spec.view)
