"""Stored posterior draws under another prior, by Pareto-smoothed importance sampling (Vehtari et al. 2024): the instant answer.

It never samples, and never answers from unreliable weights: it raises RefitNeeded with the reason, and `sampling` refits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import RefitNeeded
from ..data.priors import View
from ..returns.history_lambda import lambda_from
from .prior_draws import complete, growth_values, prior, shaped

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "MAX_KHAT",
    "MIN_EFFECTIVE",
    "Importance",
    "changed_priors",
    "importance_weights",
    "log_prior_ratio",
    "resampling",
    "reweight",
    "smoothed",
]

MAX_KHAT = 0.7
"""Pareto k-hat above which importance weights are not trusted (Vehtari et al. 2024)."""

ALIKE = 1e-9
"""Log ratios that differ by less differ by rounding."""

MIN_EFFECTIVE = 100
"""Fewest effective draws from which `weighted` gives a number: below, its error would be 5 points."""


def reweight(
    tree: xr.DataTree,
    view: View,
    view2: View,
    *,
    seed: int = 1,
    log_likelihood_ratio: np.ndarray | None = None,
    growth: Mapping[str, np.ndarray] | None = None,
) -> xr.DataTree:
    """The tree that `view2` would give, by Pareto-smoothed importance sampling of the stored posterior draws.

    Where the priors differ of what evidence moves, the posterior is reweighted and resampled; growth inputs that differ are only
    drawn anew.

    Evidence must say the same under both views. It does not where a raw history counts and the views differ in what lambda follows
    from (`levels`): give `log_likelihood_ratio` then.

    Parameters
    ----------
    tree : xr.DataTree
        From `fit` of `view`.
    view : View
        The view that was fitted.
    view2 : View
        The view to be answered, with the same quantities and `reflects`.
    seed : int, optional
        Seed of resampling and of the draws of growth inputs.
    log_likelihood_ratio : np.ndarray, optional
        (draw,), chains one after another: how much more likely, as a natural log, the new view makes the histories' lambda
        (`history_lambda.log_density_of_lambda`).
    growth : mapping of str to np.ndarray, optional
        Draws of the growth inputs of `view2`, (draw,) each, where evidence rows are on them (`growth_given`).

    Returns
    -------
    xr.DataTree
        Groups `prior` and `posterior` of `view2`. `attrs` has `khat` and `effective_draws`, which are NaN and the number of draws where
        nothing that evidence moves has changed.

    Raises
    ------
    RefitNeeded
        When k-hat is above 0.7, when the views differ in their quantities or in what they reflect, when a new prior reaches where
        the old one could not, when a raw history is read under another lambda and no `log_likelihood_ratio` is given, and when
        evidence is on a growth input whose prior differs and no `growth` is given.

    References
    ----------
    Vehtari et al. (2024), Pareto smoothed importance sampling.

    Examples
    --------
    >>> view2 = view.replace(capabilities=sie.lognormal(1.6, 2.6))
    >>> tree2 = sie.reweight(tree, view, view2)
    >>> tree2.attrs["khat"] < 0.7
    True
    """
    import xarray as xr

    histories, moved = tree.attrs.get("raw_histories"), _moved_lambda(view, view2)
    if histories and moved and log_likelihood_ratio is None:
        raise RefitNeeded(
            f"{view2.name}: found another {moved}, under which {histories} is read, want a refit"
        )
    posterior = tree["posterior"].to_dataset()
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    weights = importance_weights(
        {name: posterior[name].values for name in view.informed},
        view,
        view2,
        draws=draws,
        log_likelihood_ratio=log_likelihood_ratio,
    )
    index = None if np.isnan(weights.khat) else resampling(weights.weight, seed=seed)
    if growth is None:
        growth = _growth(tree, view, view2, draws=draws, seed=seed)
    kept = [name for name in posterior.data_vars if name not in growth]
    resampled = posterior[kept]
    if index is not None:
        resampled = _resample(resampled, index)
    posterior2 = complete(resampled.assign(shaped(growth)), view2)
    posterior2.attrs["effective_draws"] = weights.effective
    tree = xr.DataTree.from_dict({"prior": prior(view2, draws=draws, seed=seed), "posterior": posterior2})
    tree.attrs = {
        "view": view2.name,
        "seed": seed,
        "draws": draws,
        "khat": weights.khat,
        "effective_draws": weights.effective,
    }
    return tree


def _growth(tree: xr.DataTree, view: View, view2: View, *, draws: int, seed: int) -> dict[str, np.ndarray]:
    """Growth inputs of `view2` from their priors; those that evidence is on, or that are correlated, are left as they were drawn."""
    kept = {*str(tree.attrs.get("growth_informed", "")).split()}
    kept |= {name for pair in view.correlations for name in pair.between}
    for name in sorted(kept - {*view.informed}):
        if view[name].prior != view2[name].prior:
            raise RefitNeeded(
                f"{view2.name} [{name}]: found another prior of what evidence moves, want a refit"
            )
    growth, _ = growth_values(view2, draws=draws, seed=seed)
    return {name: values for name, values in growth.items() if name not in (*view.informed, *kept)}


def _moved_lambda(view: View, view2: View) -> str:
    """What differs of what lambda follows from (`levels.lambda_from`), in words; "" for nothing."""
    if lambda_from(view) != lambda_from(view2):
        return "compute factor"
    return " and ".join(name for name in lambda_from(view) if view[name].prior != view2[name].prior)


@dataclass(frozen=True, kw_only=True)
class Importance:
    """Weights of stored draws under another prior, (draw,), sum 1; k-hat is NaN where nothing that evidence moves changed."""

    weight: np.ndarray
    khat: float
    effective: float


def importance_weights(
    informed: Mapping[str, np.ndarray],
    view: View,
    view2: View,
    *,
    draws: int,
    log_likelihood_ratio: np.ndarray | None = None,
) -> Importance:
    """Pareto-smoothed weights that turn posterior draws of `view` into draws of `view2`; RefitNeeded as in `reweight`.

    `informed` has the `draws` values of each quantity that evidence moves; `log_likelihood_ratio` as in `reweight`.
    """
    if set(view.entries) != set(view2.entries) or view.reflects != view2.reflects:
        raise RefitNeeded(
            f"{view2.name}: found other quantities or reflected rows than {view.name}, want a refit"
        )
    changed = changed_priors(view, view2, view.informed)
    if not changed and log_likelihood_ratio is None and view.correlations == view2.correlations:
        return Importance(weight=np.full(draws, 1 / draws), khat=np.nan, effective=float(draws))
    log_ratio = log_prior_ratio(informed, view, view2, changed)
    if log_likelihood_ratio is not None:
        log_ratio = log_ratio + log_likelihood_ratio
    return smoothed(np.broadcast_to(log_ratio, draws), f"{view2.name}", ", ".join(changed) or "lambda")


def changed_priors(view: View, view2: View, names: Iterable[str]) -> list[str]:
    """Those of the names of which the two views state different priors."""
    return [name for name in names if view[name].prior != view2[name].prior]


def log_prior_ratio(
    values: Mapping[str, np.ndarray], view: View, view2: View, names: Iterable[str]
) -> np.ndarray:
    """The log of the new prior density of these quantities over the old one, (draw,), at draws of them.

    Raises RefitNeeded where either prior is fixed, where the new one reaches beyond the old one, and where one of them is correlated.
    """
    names = [*names]
    correlated = {name for pair in (*view.correlations, *view2.correlations) for name in pair.between}
    if view.correlations != view2.correlations or correlated & {*names}:
        raise RefitNeeded(f"{view2.name}: found another prior of correlated quantities, want a refit")
    log_ratio = np.zeros(())
    for name in names:
        old, new = view[name].prior, view2[name].prior
        if old.has_atom or new.has_atom or new.support[0] < old.support[0] or new.support[1] > old.support[1]:
            raise RefitNeeded(
                f"{view2.name} [{name}]: found a prior that reaches beyond the old one, want a refit"
            )
        at = np.ravel(values[name])
        log_ratio = log_ratio + new.logpdf(at) - old.logpdf(at)
    return log_ratio


def smoothed(log_ratio: np.ndarray, where: str, what: str) -> Importance:
    """Pareto-smoothed weights from log ratios of densities, (draw,); RefitNeeded, which names `what` changed, above MAX_KHAT."""
    from arviz_stats.base import array_stats

    size = math.floor(3 * math.sqrt(len(log_ratio)))
    if np.ptp(np.partition(log_ratio, -size)[-size:]) < ALIKE:  # bounded weights, of which no tail is fitted
        log_weight, khat = log_ratio, 0.0
    else:
        log_weight, khat = array_stats.psislw(-log_ratio)
    if not khat <= MAX_KHAT:
        raise RefitNeeded(f"{where}: found k-hat {khat:.2f} for {what}, want at most {MAX_KHAT} (refit)")
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    return Importance(weight=weight, khat=float(khat), effective=float(1 / np.sum(weight**2)))


def resampling(weight: np.ndarray, *, seed: int) -> np.ndarray:
    """Positions of as many draws as there are weights, systematically resampled by them, in random order."""
    draws = len(weight)
    positions = (np.arange(draws) + np.random.default_rng(seed).random()) / draws
    index = np.minimum(np.searchsorted(np.cumsum(weight), positions), draws - 1)
    return np.random.default_rng(seed).permutation(index)


def _resample(draws: xr.Dataset, index: np.ndarray) -> xr.Dataset:
    """Draws at flat positions (chain-major), in the same (chain, draw) shape."""
    shape = (draws.sizes["chain"], draws.sizes["draw"])
    out = draws.copy()
    for name, values in draws.data_vars.items():
        ordered = values.transpose("chain", "draw", ...)
        flat = ordered.values.reshape(-1, *ordered.shape[2:])[index]
        out[name] = (ordered.dims, flat.reshape(*shape, *ordered.shape[2:]))
    return out
