"""Stored draws that reach beyond a view: most are the view's own, some have the prior of one quantity wider.

    m = w_0 + sum_q w_q rho_q / Z_q,   rho_q = prod over draws of q of p_wide(q) / p(q),   1 / Z_q = E_q[1 / rho_q]

m is the density of a draw over the view's own, w_0 = 1 - WIDE_SHARE, the other w_q are equal, and Z_q is the evidence under the wider
prior over that under the view's, estimated from all draws of a fit with the wider prior. A view's answer to edits within the reach of the
wider priors then has bounded weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, NotConverged
from ..data.families import Prior
from ..data.views import View
from ..returns.design import Design
from .between_designs import log_likelihood_at
from .growth_given import growth_given, touched
from .prior_draws import complete, prior
from .sampling import fit
from .weighable import HistoryLambda, history_lambda

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Mixture", "mixture_of_posterior", "mixture_of_prior", "wider"]

WIDE_SHARE = 0.3
"""The share of draws with a wider prior of some quantity, in total."""

TIMES_WIDER = 1.6
"""How many times wider, in normal scores: 5 to 95 % become about 0.4 to 99.6 %."""

CONSTANT_DRAWS = 4000
"""Draws of a fit with a wider prior, from which its constant is estimated; a few of them are stored."""

WIDE_STREAM = 10
"""The stream of a seed of fits with wider priors, and of what is chosen from them."""

TOGETHER = {"ceiling", "gained_before_asara"}
"""Quantities of which one must be above the other, so that a wider prior of one changes how often."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Mixture:
    """Independent draws of a view's priors or posterior, some with a wider prior of one quantity.

    Attributes
    ----------
    draws : xr.Dataset
        The draws, dims (chain, draw) with one chain; what `simulate` takes.
    wide : mapping of str to float
        1 / Z of each quantity of which some draws have a wider prior.
    log_mixture : np.ndarray
        log m at the draws, (draw,).
    log_likelihood : np.ndarray
        Each row's own log density, (draw, estimate).
    history : HistoryLambda or None
        The lambda of raw histories; None without any.
    """

    draws: xr.Dataset
    wide: Mapping[str, float]
    log_mixture: np.ndarray
    log_likelihood: np.ndarray
    history: HistoryLambda | None


def wider(prior: Prior, times: float = TIMES_WIDER) -> Prior | None:
    """A prior of the same family and support that is some times wider; None where the family has no wider one, or it is out of range."""
    n = prior.numbers
    try:
        match prior.family:
            case "normal":
                middle, half = (n[0] + n[1]) / 2, times * (n[1] - n[0]) / 2
                return replace(prior, numbers=(middle - half, middle + half))
            case "lognormal":
                middle, ratio = math.sqrt(n[0] * n[1]), (n[1] / n[0]) ** (times / 2)
                return replace(prior, numbers=(middle / ratio, middle * ratio))
            case "quantiles":
                low, middle, high = n
                numbers = (middle * (low / middle) ** times, middle, middle * (high / middle) ** times)
                return replace(prior, numbers=numbers)
            case "halfnormal":
                return replace(prior, numbers=(times * n[0],))
            case "beta":
                low, high = (math.log(x / (1 - x)) for x in n)
                middle, half = (low + high) / 2, times * (high - low) / 2
                return replace(
                    prior, numbers=tuple(1 / (1 + math.exp(-x)) for x in (middle - half, middle + half))
                )
            case "mixture" if not prior.has_atom:
                parts = [wider(part, times) or part for part in prior.parts]
                return replace(prior, parts=tuple(parts)) if parts != [*prior.parts] else None
            case _:
                return None
    except (DataError, OverflowError):
        return None


def mixture_of_posterior(
    view: View,
    tree: xr.DataTree,
    design: Design | None,
    *,
    seed: int,
    draws: int,
    wide: bool = True,
    on_progress: Callable[[str], None] = lambda text: None,
) -> Mixture:
    """Draws of a view's posterior and of its posteriors under one wider prior each.

    Parameters
    ----------
    view : View
        The view.
    tree : xr.DataTree
        From `fit` of the design; thinned.
    design : Design or None
        The view and its rows; None for draws whose rows are not at hand, which leaves out what rows say, and any wider prior.
    seed : int
        Seed of the other fits.
    draws : int
        How many draws, at most as many as the tree has.
    wide : bool, optional
        Whether any prior is made wider.
    on_progress : callable, optional
        Is told which quantity is at work.

    Returns
    -------
    Mixture
        Each of its draws as good as independent where the tree has several times as many effective draws.
    """
    own = _in_one_chain(tree["posterior"].to_dataset())
    beside = touched(design) if design is not None else set()
    streams = np.random.SeedSequence([seed, WIDE_STREAM])

    def one(name: str, prior_: Prior, stream: int) -> xr.Dataset:
        assert design is not None
        on_progress(f"{view.name}: draws with a wider prior of {name}")
        changed = replace(design, view=view.replace(**{name: prior_}))
        if name in view.informed:
            fitted = fit(changed, seed=stream, draws=CONSTANT_DRAWS, groups=())
            return _in_one_chain(fitted["posterior"].to_dataset())
        some = _thinned(own, CONSTANT_DRAWS)
        moved = {each: some[each].values.ravel() for each in view.informed}
        growth = growth_given(changed, moved, draws=some.sizes["draw"], seed=stream)
        shared = growth.pop("z_input", None)
        found = some.assign(_in_shape(growth))
        if shared is not None:
            shared = shared.reshape(some.z_input.shape)
            found["z_input"] = some.z_input.copy(data=np.where(np.isnan(shared), some.z_input, shared))
        return complete(found, view)

    exact = {*view.entries} - {*view.informed} - beside
    return _mixed(
        view,
        own,
        one,
        exact=exact,
        streams=streams,
        draws=draws,
        wide=wide and design is not None,
        design=design,
    )


def mixture_of_prior(
    view: View, *, seed: int, draws: int, wide: bool = True, drawn: xr.Dataset | None = None
) -> Mixture:
    """Draws from a view's priors, and from them with one wider each.

    Parameters
    ----------
    view : View
        The view.
    seed : int
        Seed of the draws.
    draws : int
        How many draws.
    wide : bool, optional
        Whether any prior is made wider.
    drawn : xr.Dataset, optional
        Draws of `prior`, where there are some already.

    Returns
    -------
    Mixture
        Without rows.
    """

    def one(name: str, prior_: Prior, stream: int) -> xr.Dataset:
        return _in_one_chain(prior(view.replace(**{name: prior_}), draws=CONSTANT_DRAWS, seed=stream))

    drawn = prior(view, draws=4 * math.ceil(draws / 4), seed=seed) if drawn is None else drawn
    own = _in_one_chain(drawn)
    streams = np.random.SeedSequence([seed, WIDE_STREAM])
    return _mixed(view, own, one, exact={*view.entries}, streams=streams, draws=draws, wide=wide)


def _mixed(
    view: View,
    own: xr.Dataset,
    one: Callable[[str, Prior, int], xr.Dataset],
    *,
    exact: set[str],
    streams: np.random.SeedSequence,
    draws: int,
    wide: bool,
    design: Design | None = None,
) -> Mixture:
    """The mixture of own draws and of those that `one` makes with a wider prior; Z is 1 for what is `exact`."""
    import xarray as xr

    exact = exact - TOGETHER if {*view.entries} >= TOGETHER else exact
    correlated = {name for pair in view.correlations for name in pair.between}
    wanted = {
        name: prior_
        for name, entry in view.entries.items()
        if wide
        and name not in correlated
        and not entry.prior.has_atom
        and (prior_ := wider(entry.prior)) is not None
    }
    parts, constants = [], {}
    for (name, prior_), stream in zip(
        wanted.items(), streams.generate_state(len(wanted), np.uint64), strict=True
    ):
        try:
            drawn = one(name, prior_, int(stream >> 1))
        except (NotConverged, DataError):  # the view itself was sampled: only its wider form is out of reach
            continue
        log_rho = _log_rho(name, prior_, view, drawn, _history(design, drawn))
        constants[name] = 1.0 if name in exact else float(np.mean(np.exp(-log_rho)))
        parts.append(drawn)
    each = int(WIDE_SHARE * draws / len(parts)) if parts else 0
    mixed = xr.concat(
        [_thinned(own, draws - each * len(parts)), *(_thinned(part, each) for part in parts)],
        dim="draw",
        data_vars="minimal",
        coords="minimal",
        compat="override",
        combine_attrs="override",
    ).assign_coords(draw=np.arange(draws))
    history = _history(design, mixed)
    log_terms = [np.full(draws, math.log(1 - each * len(parts) / draws))]
    log_terms += [
        _log_rho(name, wanted[name], view, mixed, history) + math.log(each / draws * constant)
        for name, constant in constants.items()
    ]
    return Mixture(
        draws=mixed.assign_attrs(independent_draws=1),
        wide=constants,
        log_mixture=np.logaddexp.reduce(log_terms),
        log_likelihood=log_likelihood_at(design, mixed) if design is not None else np.empty((draws, 0)),
        history=history,
    )


def _history(design: Design | None, draws: xr.Dataset) -> HistoryLambda | None:
    return history_lambda(design, draws) if design is not None else None


def _log_rho(
    name: str, prior_: Prior, view: View, draws: xr.Dataset, history: HistoryLambda | None
) -> np.ndarray:
    """The log of a wider prior's density over the view's at draws of the quantity, the histories' own too, (draw,)."""
    columns = [draws[name].values.ravel()]
    if history is not None and name in history.inputs:
        columns.append(history.inputs[name])
    return sum((prior_.logpdf(x) - view[name].prior.logpdf(x) for x in columns), np.zeros(len(columns[0])))


def _in_one_chain(draws: xr.Dataset) -> xr.Dataset:
    """The draws of all chains, interleaved, as one chain: thinned, each chain gives as many."""
    flat = draws.stack(all_draws=("draw", "chain")).drop_vars(["all_draws", "draw", "chain"])
    flat = flat.rename(all_draws="draw").expand_dims(chain=[0])
    return flat.assign_coords(draw=np.arange(flat.sizes["draw"])).transpose("chain", "draw", ...)


def _thinned(draws: xr.Dataset, size: int) -> xr.Dataset:
    """So many of the draws, evenly apart."""
    return draws.isel(draw=np.linspace(0, draws.sizes["draw"], size, endpoint=False).astype(int))


def _in_shape(values: Mapping[str, np.ndarray]) -> dict[str, tuple]:
    return {name: (("chain", "draw"), value[None]) for name, value in values.items()}
