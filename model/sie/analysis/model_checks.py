"""Standard checks of a fitted model, row by row and as a whole, each with a one-sentence verdict.

    prior predictive        P(replicated estimate < observed), parameters from the priors
    posterior predictive    the same, parameters from the posterior
    LOO-PIT                 the same, the row itself left out: draws weighted by 1 / likelihood, Pareto-smoothed (Vehtari et al. 2017)
    influence               P(event) with all rows less that without one, by the same weights

A row that states a bound has no estimate to replicate; of it only the influence is given. `leaving_out` predicts whole domains, by
refits, and `sensitivity.power` scales priors and rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..base.errors import NotConverged
from ..base.stores import DONE
from ..data.priors import View
from ..growth.credences import credences, effective_sizes, indicators
from ..growth.paths import simulate
from ..inference.reweighting import MAX_KHAT
from ..returns.compiled import as_design
from ..returns.design import Design
from ..returns.row_density import RowDensity
from .checking import draw_errors
from .leaving_out import EVENTS_MOVED, without_row
from .sensitivity.power import SENSITIVE

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

__all__ = ["Verdict", "check_rows", "verdicts", "with_refits"]

FAR_OUT = 0.005
"""Prior predictive tail, on either side, beyond which a row says that the priors did not foresee it."""

TAIL = 0.05
"""Posterior predictive tail, on either side, whose rows are counted."""

UNLIKELY = 0.01
"""p value under a correct model below which a count or a shape is evidence against it."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One check: its name, whether it speaks for the model, and what it found, in a sentence."""

    check: str
    good: bool
    sentence: str


def check_rows(tree: xr.DataTree, model: Design | pm.Model, *, seed: int) -> xr.Dataset:
    """Each row under the priors, under the posterior, and left out.

    Parameters
    ----------
    tree : xr.DataTree
        From `fit` of `model`.
    model : Design or pm.Model
        The model that was fitted.
    seed : int
        Of the rows' own replicated errors.

    Returns
    -------
    xr.Dataset
        Dim `estimate`: `prior_below`, `posterior_below` and `loo_pit`, probabilities of a replicated estimate below the observed one
        (NaN for a bound), and `khat` of the weights without the row. Dims (estimate, event): `moved`, the probability with all rows
        less that without the row, and `mcse`. Where k-hat is above 0.7 both are not to be trusted.

    References
    ----------
    Vehtari, Gelman & Gabry (2017); Gelman et al. (2013), chapter 6.
    """
    import xarray as xr

    of, posterior = as_design(model), tree["posterior"].to_dataset()
    estimate = {}
    for group, draws in (("prior", tree["prior"].to_dataset()), ("posterior", posterior)):
        with np.errstate(over="ignore", invalid="ignore"):  # a wide prior can overflow a float
            estimate[group] = (of.expected(draws) - draw_errors(of, draws, seed)).values < of.observed
    bound = np.array([isinstance(row, RowDensity) and row.drawn_sd > 0 for row in of.densities])
    log_likelihood = of.log_likelihood(posterior).values.reshape(-1, len(of.observed))
    happens = indicators(simulate(posterior), EVENTS_MOVED).values
    shape = posterior.r_asara.shape
    rows, events = len(of.observed), len(EVENTS_MOVED)
    pit, khat = np.full(rows, np.nan), np.empty(rows)
    moved, mcse = np.empty((rows, events)), np.empty((rows, events))
    below = estimate["posterior"].reshape(-1, rows)
    for i in range(rows):
        log_weight, khat[i] = _without(log_likelihood[:, i])
        weight = np.exp(log_weight - np.logaddexp.reduce(log_weight))
        pit[i] = weight @ below[:, i]
        without = happens @ weight
        moved[i] = happens.mean(axis=1) - without
        influence = (happens - happens.mean(axis=1)[:, None]) - len(weight) * weight * (
            happens - without[:, None]
        )
        influence = influence.reshape(events, *shape)
        mcse[i] = np.sqrt(influence.var(axis=(1, 2)) / effective_sizes(influence))

    def of_estimates(values: np.ndarray) -> tuple[str, np.ndarray]:
        return "estimate", np.where(bound, np.nan, values)

    return xr.Dataset(
        {
            "prior_below": of_estimates(estimate["prior"].mean(axis=(0, 1))),
            "posterior_below": of_estimates(estimate["posterior"].mean(axis=(0, 1))),
            "loo_pit": of_estimates(pit),
            "khat": ("estimate", khat),
            "moved": (("estimate", "event"), moved),
            "mcse": (("estimate", "event"), mcse),
        },
        coords={"estimate": of.coords["estimate"], "event": list(EVENTS_MOVED)},
    )


def _without(log_likelihood: np.ndarray) -> tuple[np.ndarray, float]:
    """Log weights (draw,) of the posterior without a row, and their k-hat; inf where the largest weights are all one number."""
    from arviz_stats.base import array_stats

    try:
        log_weight, khat = cast("Any", array_stats.psislw(log_likelihood, r_eff=1))
    except ValueError:  # a likelihood that ends flat
        return -log_likelihood, np.inf
    return log_weight, float(khat)


def with_refits(
    checked: xr.Dataset,
    tree: xr.DataTree,
    rows: xr.Dataset,
    view: View,
    *,
    seed: int,
    draws: int,
    on_progress: Callable[[str], None] = lambda text: None,
) -> xr.Dataset:
    """`checked` with `moved` and `mcse` by a refit where the weights without a row are not to be trusted, and `refitted` (estimate).

    `rows` and `view` are those behind `tree`. Raises NotConverged where a refit does not converge.
    """
    found = checked.copy(deep=True)
    found["refitted"] = checked.khat > MAX_KHAT
    full = credences(simulate(tree["posterior"].to_dataset()), events=EVENTS_MOVED)
    for i in np.flatnonzero(found.refitted.values):
        row = str(checked.estimate.values[i])
        on_progress(f"{view.name}: refit without {row}, whose k-hat is {checked.khat.values[i]:.2f}")
        status, _, _, *rest = without_row(row, rows=rows, view=view, seed=seed, draws=draws, likelihoods=None)
        if status != DONE:
            raise NotConverged(f"{view.name}: found no posterior without {row}, want one that converges")
        p, mcse = np.split(np.array(rest), 2)
        found.moved.values[i] = full.p.values - p
        found.mcse.values[i] = np.hypot(full.mcse.values, mcse)
    return found


def verdicts(checked: xr.Dataset, scaling: xr.Dataset, predicted: xr.Dataset | None = None) -> list[Verdict]:
    """What the checks say: `checked` from `with_refits`, `scaling` from `power_scaling`, `predicted` from `leave_domains_out`."""
    from scipy.stats import binom, binomtest, kstest

    found = []
    names = checked.estimate.values
    seen = checked.loo_pit.notnull().values
    far = seen & ~((checked.prior_below.values > FAR_OUT) & (checked.prior_below.values < 1 - FAR_OUT))
    expected = binom.ppf(1 - UNLIKELY, int(seen.sum()), 2 * FAR_OUT)
    found.append(
        Verdict(
            check="prior predictive",
            good=bool(far.sum() <= expected),
            sentence=f"{int(far.sum())} of {int(seen.sum())} rows lie in the outer {200 * FAR_OUT:g} % of what the priors foresaw"
            + _named(names[far]),
        )
    )
    tail = seen & ~((checked.posterior_below.values > TAIL) & (checked.posterior_below.values < 1 - TAIL))
    p = binomtest(int(tail.sum()), int(seen.sum()), 2 * TAIL, alternative="greater").pvalue
    found.append(
        Verdict(
            check="posterior predictive",
            good=bool(p > UNLIKELY),
            sentence=f"{int(tail.sum())} of {int(seen.sum())} rows lie in the outer {200 * TAIL:g} % of what the posterior predicts for them, about"
            f" {2 * TAIL * seen.sum():.1f} by chance (so many or more: p {p:.2g}){_named(names[tail])}",
        )
    )
    p = kstest(checked.loo_pit.values[seen], "uniform").pvalue
    middle = float((np.abs(checked.loo_pit.values[seen] - 0.5) < 0.25).mean())
    shape = (
        "errors are rather too wide than too narrow"
        if middle > 0.5
        else "errors are rather too narrow than too wide"
    )
    found.append(
        Verdict(
            check="LOO-PIT",
            good=bool(p > UNLIKELY),
            sentence=f"{100 * middle:.0f} % of the rows lie in the middle half of what the others predict for them: {shape} (uniform: p {p:.2g}, as if"
            " rows were independent, which those that share data are not)",
        )
    )
    refitted = checked.refitted.values
    how = (
        f"refits for {_named(names[refitted]).strip(' ()')}, weights for the others"
        if refitted.any()
        else "by weights"
    )
    for event in checked.event.values.tolist():
        moved = checked.moved.sel(event=event).values
        most = int(np.argmax(np.abs(moved)))
        error = checked.mcse.sel(event=event).values[most]
        found.append(
            Verdict(
                check=f"influence on {event}",
                good=True,
                sentence=f"{names[most]} moves it most, by {100 * moved[most]:+.1f} points (MCSE {100 * error:.1f}; {how})",
            )
        )
    priors, rows = (
        [str(name) for name, value in zip(of[dim].values, of.values, strict=True) if value >= SENSITIVE]
        for of, dim in ((scaling.of_prior, "quantity"), (scaling.of_row, "estimate"))
    )
    found.append(
        Verdict(
            check="power scaling",
            good=True,
            sentence=f"log r at ASARA moves by {SENSITIVE:g} or more a doubling of the weight of {_count(priors, 'prior')} and of {_count(rows, 'row')}",
        )
    )
    if predicted is not None:
        hits, total = int(predicted.hit.sel(mass=0.9).sum()), predicted.sizes["domain"]
        p = binomtest(hits, total, 0.9, alternative="less").pvalue
        missed = predicted.domain.values[~predicted.hit.sel(mass=0.9).values]
        found.append(
            Verdict(
                check="domains left out",
                good=bool(p > UNLIKELY),
                sentence=f"{hits} of {total} domains lie in the 90 % interval that the others predict (so few or fewer: p {p:.2g}){_named(missed)}",
            )
        )
    return found


def _count(names: list[str], what: str) -> str:
    return f"{len(names) or 'no'} {what}{'' if len(names) == 1 else 's'}{_named(names)}"


def _named(names) -> str:
    return f" ({', '.join(map(str, names))})" if len(names) else ""
