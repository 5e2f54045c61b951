"""The answer of an edited view, and the probabilities of events with their errors from weighted draws.

p = sum_i w_i I_i,   u_i = n w_i (I_i - p),   mcse^2 = Var(u) / ESS(u)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ..base.stats import QUANTILES
from ..data.priors import View
from ..data.wording import credence_in_words, given_in_words, quantiles_in_words
from ..growth.credences import as_table, block_indicators, effective_sizes, probabilities, standard_errors
from ..growth.events import EVENTS
from ..returns.equations import at_asara
from .fits import Fit
from .prior_draws import prior_values
from .reweighting import reweight

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Answer", "from_priors", "outcomes", "weighted_probabilities"]

CELL = 25
"""Letters of a column of an answer."""


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
    discarded_prior_mass : float
        Share of the priors that is discarded because more would be gained before ASARA than there is to gain.
    rows : xr.Dataset or None
        The evidence rows that count; None where evidence cannot move the view.
    fit : Fit or None
        The fit that the draws come from; None where evidence cannot move the view.
    log_likelihood_ratio : np.ndarray or None
        (draw,), not None where evidence says something else than in that fit, since a raw history is read under another lambda.
    growth : mapping of str to np.ndarray or None
        Draws of the growth inputs given evidence on them, (draw,) each, where their priors are not those of that fit.
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
    discarded_prior_mass: float
    rows: xr.Dataset | None
    fit: Fit | None
    log_likelihood_ratio: np.ndarray | None
    growth: Mapping[str, np.ndarray] | None

    def __repr__(self) -> str:
        how = self.how if self.exact else f"{self.how}, Pareto k-hat {self.khat:.2f}"
        wide = max(map(len, EVENTS))
        r = (f"{quantiles_in_words(self.r[given][[0, 2, 4]]):<{CELL}}" for given in self.given)
        lines = [
            f"{self.view.called}: {how} (seed {self.seed}, {self.draws} draws)",
            f"{'':<{wide}}  " + "  ".join(f"{given_in_words(given):<{CELL}}" for given in self.given),
            f"{'r at ASARA, 5/50/95 %':<{wide}}  " + "  ".join(r),
        ]
        for event in EVENTS:
            cells = (f"{credence_in_words(self.credences[given], event):<{CELL}}" for given in self.given)
            lines.append(f"{event:<{wide}}  " + "  ".join(cells))
        return "\n".join(line.rstrip() for line in lines)

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

        from .prior_draws import prior

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
            growth=self.growth,
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


@dataclass(frozen=True)
class FromPriors:
    """What a view says before evidence: credences, quantiles of r at ASARA (`Answer.r`), and the discarded share of its priors."""

    credences: xr.Dataset
    r: np.ndarray
    discarded_prior_mass: float


_last: tuple[tuple[View, int, int], FromPriors] | None = None


def from_priors(view: View, *, draws: int, seed: int) -> FromPriors:
    """What a view says before evidence. The last answer is kept, so that other rows for the same view cost no paths of its priors."""
    global _last
    asked, last = (view, draws, seed), _last
    if last is not None and last[0][0] is view and last[0][1:] == asked[1:]:
        return last[1]
    values, discarded = prior_values(view, draws=draws, seed=seed)
    indicators, r = outcomes(values, view)
    p, mcse = probabilities(indicators[:, None], independent=True)
    table = as_table(list(EVENTS.values()), p, mcse, draws=draws)
    found = FromPriors(table, np.quantile(r, QUANTILES), discarded)
    _last = asked, found
    return found


NO_FACTORS: Mapping[str, float] = MappingProxyType({})
"""Every quantity is from ASARA on what it was before."""


def outcomes(
    values: Mapping[str, np.ndarray], view: View, *, from_asara: Mapping[str, float] = NO_FACTORS
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each event happens on each path (event, draw), and r at ASARA (draw,).

    `from_asara` are factors on quantities from ASARA on; what counts as recent progress stays as it was.
    """
    import xarray as xr

    columns = {**values, **at_asara(values, view)}
    if from_asara:
        later = {**values, **{name: values[name] * times for name, times in from_asara.items()}}
        recent = columns["recent_doublings_per_year"]
        columns = {**later, **at_asara(later, view), "recent_doublings_per_year": recent}
    draws = xr.Dataset({name: ("draw", column) for name, column in columns.items()})
    blocks = list(block_indicators(draws, list(EVENTS.values())))
    return np.concatenate(blocks, axis=1), columns["r_asara"]


def weighted_probabilities(
    indicators: np.ndarray, weight: np.ndarray, effective: float, *, effective_draws: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """p and its standard error from weighted chains (event, chain, draw), at an effective sample size of at most `effective`.

    `effective_draws` is the effective sample size of the unweighted draws, if it does not follow from the autocorrelation of chains.
    """
    weight = weight.reshape(indicators.shape[1:])
    p = np.clip((indicators * weight).sum(axis=(1, 2)), 0, 1)
    influence = weight.size * weight * (indicators - p[:, None, None])
    variance = (influence**2).mean(axis=(1, 2))
    own = effective_sizes(influence) if effective_draws is None else effective_draws
    sizes = np.where(
        variance > 0,
        p * (1 - p) * own / np.where(variance > 0, variance, 1),
        math.inf,
    )
    if effective_draws is not None:
        sizes = np.minimum(sizes, effective_draws)
    return p, standard_errors(p * effective, effective, np.minimum(effective, sizes))
