"""Draws from a view's priors and from the posterior of a built model; the only file that samples.

NUTS (nutpie) runs on one compiled graph per process and graph: what differs between views and rows is data. Growth inputs,
which no evidence row touches, are drawn exactly from their priors on both sides. Nothing here writes a distribution.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .convergence import worst
from .density import compile_density
from .levels import LAMBDA_FROM
from .priors import View, draw
from .quantities import GROWTH
from .returns import at_asara, from_latents, labour_doublings
from .sources import DataError, plain

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

_log = logging.getLogger(__name__)

__all__ = [
    "CHAINS",
    "NotConverged",
    "RefitNeeded",
    "fit",
    "prior",
    "reweight",
    "run_chains",
    "sample_diagnosed",
    "short_fit",
]

CHAINS = 4
"""Markov chains of a fit; prior draws take the same shape."""

TUNE, RETRY_TUNE = 400, 1000
"""Warm-up draws of each chain: the latents are standard normal before evidence, so that few do; the retry has more."""

LEAST_DRAWS = 1000
"""A chain is at least this long, so that diagnostics mean something; shorter requests are thinned from it."""

TARGET_ACCEPT, RETRY_TARGET_ACCEPT = 0.95, 0.99
"""NUTS acceptance: the first try, and the one retry after a failed diagnosis."""

MAX_RHAT = 1.01
"""Largest rank-normalised R-hat of any parameter that counts as converged (Vehtari et al. 2021)."""

MIN_ESS = 400
"""Least bulk or tail effective sample size of any parameter (Vehtari et al. 2021)."""

MAX_KHAT = 0.7
"""Pareto k-hat above which importance weights are not trusted (Vehtari et al. 2024)."""

LEAST_KEPT = 0.01
"""A prior on the whole distance must leave at least this share beyond `gained_before_asara`."""


class NotConverged(RuntimeError):
    """The sampler failed its diagnostics twice; the message gives them."""


class RefitNeeded(RuntimeError):
    """Importance weights from the old prior to the new one are not to be trusted; fit the new view."""


@dataclass(frozen=True, kw_only=True)
class Diagnostics:
    """The worst of a fit over its parameters."""

    max_rhat: float
    min_ess: float
    divergences: int

    @property
    def converged(self) -> bool:
        """Whether every threshold holds."""
        return self.max_rhat <= MAX_RHAT and self.min_ess >= MIN_ESS and self.divergences == 0


def prior(view: View, *, draws: int = 20000, seed: int) -> xr.Dataset:
    """Independent draws of everything that a view states and of what follows at ASARA; dims (chain, draw).

    `draws` is their total number, a multiple of 4. `attrs["discarded_prior_mass"]` is the share of the prior on the distance
    that lay below `gained_before_asara` and was read as impossible.
    """
    values, discarded = prior_values(view, draws=draws, seed=seed)
    return _as_dataset(values, view).assign_attrs(discarded_prior_mass=discarded, independent_draws=1)


def prior_values(view: View, *, draws: int, seed: int) -> tuple[dict[str, np.ndarray], float]:
    """Prior draws of what a view states and of `r_target`, by name, (draws,) each; and the discarded share of the distance."""
    values, discarded = growth_values(view, draws=draws, seed=seed)
    if not view.states_r_asara:
        values |= draw(view, view.informed, size=draws, seed=seed)
        z = np.random.default_rng(np.random.SeedSequence([seed, 0])).standard_normal(draws)
        values["r_target"] = values["r_typical"] * np.exp(values["spread"] * z)
    return values, discarded


def fit(model: pm.Model, *, seed: int, draws: int = 20000) -> xr.DataTree:
    """Sample the posterior of a model from `sie.build`; groups `prior`, `posterior`, `sample_stats`, `observed_data`.

    `draws` is the total number in each of prior and posterior, a multiple of 4. `tree.attrs` has max_rhat, min_ess and
    divergences. Raises NotConverged where R-hat, bulk or tail ESS or divergences fail twice, the second time at a
    target_accept of 0.99.
    """
    import xarray as xr

    _check_draws(draws)
    view: View = model.view
    compiled = compile_density(model)
    for target_accept, tune in ((TARGET_ACCEPT, TUNE), (RETRY_TARGET_ACCEPT, RETRY_TUNE)):
        sampled, diagnostics = sample_diagnosed(
            compiled, draws=draws, tune=tune, seed=seed, target_accept=target_accept
        )
        if diagnostics.converged:
            break
    else:
        raise NotConverged(
            f"{view.name}: found R-hat {diagnostics.max_rhat:.4f}, ESS {diagnostics.min_ess:.0f}, {diagnostics.divergences} divergences"
            f" at target_accept {RETRY_TARGET_ACCEPT}, want at most {MAX_RHAT}, at least {MIN_ESS}, none"
        )
    tree = xr.DataTree.from_dict(
        {
            "prior": prior(view, draws=draws, seed=seed),
            "posterior": _posterior(sampled, model, draws=draws, seed=seed),
            "sample_stats": sampled["sample_stats"].to_dataset(),
            "observed_data": xr.Dataset(
                {"log_estimate": ("estimate", model["observed"].get_value())},
                {"estimate": list(model.coords["estimate"])},
            ),
        }
    )
    tree.attrs = {
        "view": view.name,
        "seed": seed,
        "draws": draws,
        "target_accept": target_accept,
        "raw_histories": " ".join(model.histories),
        **vars(diagnostics),
    }
    return tree


def short_fit(model: pm.Model, *, seed: int, draws: int = 1000, tune: int = 300) -> xr.Dataset:
    """The posterior from one short run without a diagnosis: for calibration, where none of hundreds of fits may be left out.

    `attrs` has `divergences`. A report's fit is `fit`, which refuses what has not converged.
    """
    _check_draws(draws)
    compiled = compile_density(model)
    sampled = run_chains(compiled, draws=draws // CHAINS, tune=tune, seed=seed, target_accept=TARGET_ACCEPT)
    divergences = int(sampled["sample_stats"]["diverging"].values.sum())
    return _posterior(sampled, model, draws=draws, seed=seed).assign_attrs(divergences=divergences)


def _posterior(sampled: xr.DataTree, model: pm.Model, *, draws: int, seed: int) -> xr.Dataset:
    """Sampled latents with what follows from them, and growth inputs from their priors beside them."""
    view: View = model.view
    growth, _ = growth_values(view, draws=draws, seed=seed)
    latents = from_latents(sampled["posterior"].to_dataset(), model["remoteness"].get_value(), view)
    growth = {name: values for name, values in growth.items() if name not in latents}
    return _with_units(at_asara(latents.assign(_shaped(growth)), view), view)


def reweight(
    tree: xr.DataTree,
    view: View,
    view2: View,
    *,
    seed: int = 1,
    log_likelihood_ratio: np.ndarray | None = None,
) -> xr.DataTree:
    """The tree that `view2` would give, by Pareto-smoothed importance sampling of the stored posterior draws.

    Priors of what evidence moves that differ reweight and resample the posterior; growth inputs that differ are only drawn anew. `attrs` has
    `khat` and `effective_draws` (NaN and all where none of these changed). Raises RefitNeeded when k-hat is above 0.7, when
    the views differ in what they reflect, or when a new prior reaches where the old one could not.

    Evidence must say the same under both views. Where a raw history counts and the views differ in what lambda follows from
    (`levels`) it does not, and RefitNeeded is raised without `log_likelihood_ratio` (draw,): how much more likely the new view
    makes the histories, chains one after another (`history_weights`).
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
    growth, _ = growth_values(view2, draws=draws, seed=seed)
    growth = {name: values for name, values in growth.items() if name not in view.informed}
    kept = [name for name in posterior.data_vars if name not in growth]
    resampled = posterior[kept]
    if index is not None:
        resampled = _resample(resampled, index)
    posterior2 = _with_units(at_asara(resampled.assign(_shaped(growth)), view2), view2)
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


def _moved_lambda(view: View, view2: View) -> str:
    """What differs of what lambda follows from (`levels.lambda_draws`), in words; "" for nothing."""
    stated = "compute_bottleneck" in view and "compute_bottleneck" in view2
    names = ("parallel", "compute_bottleneck") if stated else LAMBDA_FROM
    return " and ".join(name for name in names if view[name].prior != view2[name].prior)


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
    from arviz_stats.base import array_stats

    if set(view.entries) != set(view2.entries) or view.reflects != view2.reflects:
        raise RefitNeeded(
            f"{view2.name}: found other quantities or reflected rows than {view.name}, want a refit"
        )
    changed = [name for name in view.informed if view[name].prior != view2[name].prior]
    log_ratio = np.zeros(draws) if log_likelihood_ratio is None else log_likelihood_ratio.copy()
    for name in changed:
        old, new = view[name].prior, view2[name].prior
        if old.has_atom or new.has_atom or new.support[0] < old.support[0] or new.support[1] > old.support[1]:
            raise RefitNeeded(
                f"{view2.name} [{name}]: found a prior that reaches beyond the old one, want a refit"
            )
        values = np.ravel(informed[name])
        log_ratio += new.logpdf(values) - old.logpdf(values)
    if not changed and log_likelihood_ratio is None:
        return Importance(weight=np.full(draws, 1 / draws), khat=np.nan, effective=float(draws))
    log_weight, khat = array_stats.psislw(-log_ratio)
    if not khat <= MAX_KHAT:
        raise RefitNeeded(
            f"{view2.name}: found k-hat {khat:.2f} for {', '.join(changed) or 'lambda'}, want at most {MAX_KHAT} (refit)"
        )
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


def _check_draws(draws: int) -> None:
    if draws < 1 or draws % CHAINS:
        raise DataError("draws", draws, f"a positive multiple of {CHAINS}")


def growth_values(view: View, *, draws: int, seed: int) -> tuple[dict[str, np.ndarray], float]:
    """Prior draws of everything but the chain, given that the ceiling lies beyond what is gained; and the discarded share."""
    _check_draws(draws)
    names = [name for name in ("r_asara", "conversion", "gained_before_asara", *GROWTH) if name in view]
    if "gained_before_asara" not in view:
        return draw(view, names, size=draws, seed=seed), 0.0
    size = draws
    while True:
        values = draw(view, names, size=size, seed=seed)
        in_ooms = view["ceiling"].unit == "OOMs of training efficiency"
        distance = [
            values[name] if in_ooms else labour_doublings(values[name], view[name].unit, _Namespace(values))
            for name in ("gained_before_asara", "ceiling")
        ]
        kept = np.flatnonzero(distance[1] > distance[0])
        if len(kept) >= draws:
            return {name: value[kept[:draws]] for name, value in values.items()}, 1 - len(kept) / size
        if len(kept) < LEAST_KEPT * size:
            raise DataError(
                f"{view.name} [ceiling]",
                plain(f"{len(kept) / size:.2%} of it beyond gained_before_asara"),
                f"at least {LEAST_KEPT:.0%}",
            )
        size *= 2


class _Namespace:
    """Prior draws by attribute, as `labour_doublings` reads them."""

    def __init__(self, values: dict[str, np.ndarray]) -> None:
        self.__dict__.update(values)


def _shaped(values: dict[str, np.ndarray]) -> dict[str, tuple]:
    return {name: (("chain", "draw"), value.reshape(CHAINS, -1)) for name, value in values.items()}


def _as_dataset(values: dict[str, np.ndarray], view: View) -> xr.Dataset:
    import xarray as xr

    size = len(next(iter(values.values()))) // CHAINS
    draws = xr.Dataset(_shaped(values), coords={"chain": np.arange(CHAINS), "draw": np.arange(size)})
    return _with_units(at_asara(draws, view), view)


_DERIVED_UNITS = {
    "conversion": "labour doublings per doubling of training efficiency",
    "recent_doublings_per_year": "labour doublings per year",
    "doublings_gained": "labour doublings",
    "doublings_left": "labour doublings",
    "r_asara": "software doublings per doubling of cumulative research input",
    "r_target": "software doublings per doubling of cumulative research input",
    "r": "software doublings per doubling of cumulative research input",
}


def _with_units(draws: xr.Dataset, view: View) -> xr.Dataset:
    for name in draws.data_vars:
        if name in view:
            draws[name].attrs["unit"] = view[name].unit
        elif name in _DERIVED_UNITS:
            draws[name].attrs["unit"] = _DERIVED_UNITS[name]
    return draws


def sample_diagnosed(
    compiled, *, draws: int, seed: int, target_accept: float, tune: int = RETRY_TUNE
) -> tuple[xr.DataTree, Diagnostics]:
    """One run of NUTS on a compiled density (`density.compile_density`), and its diagnosis.

    `draws` is the total number, a multiple of 4. Chains are LEAST_DRAWS long or longer, diagnosed whole and thinned to what
    was asked for. Whether the diagnosis is good enough is the caller's to say.
    """
    wanted = draws // CHAINS
    thin = -(-LEAST_DRAWS // wanted)
    tree = run_chains(compiled, draws=wanted * thin, tune=tune, seed=seed, target_accept=target_accept)
    return tree.isel(draw=slice(None, None, thin)) if thin > 1 else tree, _diagnose(tree)


def run_chains(compiled, *, draws: int, tune: int, seed: int, target_accept: float) -> xr.DataTree:
    """Chains of NUTS, `draws` each, undiagnosed. An interrupt ends them."""
    import nutpie

    _log.info("sampling %d chains of %d draws after %d", CHAINS, draws, tune)
    sampler = nutpie.sample(
        compiled,
        draws=draws,
        tune=tune,
        chains=CHAINS,
        seed=seed,
        target_accept=target_accept,
        progress_bar=False,
        save_warmup=False,
        blocking=False,
    )
    try:
        return sampler.wait()
    except BaseException:
        sampler.cancel()  # a blocking call would answer an interrupt with the draws so far
        raise


def _diagnose(tree: xr.DataTree) -> Diagnostics:
    columns = [
        values.transpose("chain", "draw", ...).values.reshape(*values.shape[:2], -1)
        for values in tree["posterior"].to_dataset().data_vars.values()
    ]
    max_rhat, min_ess = worst(np.moveaxis(np.concatenate(columns, axis=2), 2, 0))
    return Diagnostics(
        max_rhat=max_rhat, min_ess=min_ess, divergences=int(tree["sample_stats"]["diverging"].values.sum())
    )
