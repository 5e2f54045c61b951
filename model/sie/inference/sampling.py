"""The posterior of a view and its rows: chains that converged, with growth inputs from their priors beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from ..base.errors import NotConverged
from ..base.stats import worst
from ..returns.compiled import as_design, compile_density, compile_graph, is_written_out
from ..returns.design import Design
from ..returns.prior_curves import GRAPH, first_parts, mixtures
from .chains import CHAINS, in_chains, run_chains
from .groups import GROUPS, check_groups, groups_of, observed_data, with_latents
from .growth_given import growth_given, touched
from .prior_draws import check_multiple, check_seed, complete, prior, shaped

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr
    from nutpie.compile_pymc import CompiledPyMCModel

__all__ = [
    "Try",
    "fit",
    "sample_converged",
    "short_fit",
]

TUNE, RETRY_TUNE = 400, 1000
"""Warm-up draws of each chain: the latents are standard normal before evidence, so that few do; the retry has more."""

LEAST_DRAWS = 1000
"""A chain is at least this long, so that diagnostics mean something; shorter requests are thinned from it."""

TARGET_ACCEPT, RETRY_TARGET_ACCEPT = 0.95, 0.99
"""NUTS acceptance: the first try, and the one retry after a failed diagnosis."""

MAX_RHAT = 1.01
"""Largest rank-normalised R-hat of any parameter that counts as converged (Vehtari et al. 2021)."""


class Try(NamedTuple):
    """How chains are run: NUTS acceptance, warm-up draws, nutpie's adaptation, and how many times as many draws as are wanted."""

    target_accept: float
    tune: int
    adaptation: Literal["diag", "low_rank"] = "diag"
    longer: int = 1


TRIES = (Try(TARGET_ACCEPT, TUNE), Try(RETRY_TARGET_ACCEPT, RETRY_TUNE))
"""The first try and the retry."""

PARTS_STREAM = 1
"""The stream of a seed that draws the parts of mixtures."""

MIN_ESS = 400
"""Least bulk or tail effective sample size of any parameter (Vehtari et al. 2021)."""

MAX_DIVERGENT = 1e-3
"""Largest share of draws whose trajectory diverged. Fewer are reported: tests hold such answers to quadrature."""


@dataclass(frozen=True, kw_only=True)
class Diagnostics:
    """The worst of a fit over its parameters."""

    max_rhat: float
    min_ess: float
    divergences: int
    draws: int

    @property
    def converged(self) -> bool:
        """Whether every threshold holds; divergences within theirs are reported beside the answer."""
        return (
            self.max_rhat <= MAX_RHAT
            and self.min_ess >= MIN_ESS
            and self.divergences <= MAX_DIVERGENT * self.draws
        )


def fit(
    model: Design | pm.Model, *, seed: int, draws: int = 20000, groups: Iterable[str] = GROUPS
) -> xr.DataTree:
    """Sample the posterior of a model, with diagnostics.

    The sampler is NUTS (nutpie) with four chains. A `Design`, or a model as `build` made it, is sampled without PyMC; one that
    was changed since, or made from it by `pm.do`, is compiled from its graph.

    Parameters
    ----------
    model : Design or pm.Model
        From `build` (`sie.returns.design.design` for a `Design`).
    seed : int
        From 0 to 2**63 - 1.
    draws : int, optional
        The total number in each of prior and posterior, a multiple of 4. Chains of fewer than 1000 draws are thinned from longer
        ones.
    groups : iterable of str, optional
        Which of "log_likelihood", "log_prior", "prior_predictive" and "posterior_predictive" to add (default: all): what
        `az.loo`, `az.psense_summary` and predictive checks need.

    Returns
    -------
    xr.DataTree
        Groups `prior` and `posterior`, dims (chain, draw), both with every variable of the model: what the view states, what
        follows at ASARA, `r` (domain) and the latents of `returns.design.LATENTS`; `sample_stats`; `observed_data`; and those
        asked for. `tree.attrs` has `max_rhat`, `min_ess` and `divergences`.

    Raises
    ------
    DataError
        For a seed or a number of draws that is none, and an unknown group.
    NotConverged
        Where R-hat (above 1.01), bulk or tail ESS (below 400) or divergences (more than one in a thousand draws) fail twice, the
        second time at a target_accept of 0.99.

    References
    ----------
    Vehtari et al. (2021) for the thresholds of R-hat and ESS.

    Examples
    --------
    >>> view = sie.read_view("davidson_2025")
    >>> tree = sie.fit(sie.build(sie.usable(sie.read_evidence(), view), view), seed=1, draws=4000)
    >>> p_r_above_1 = float((tree["posterior"].r_asara > 1).mean())
    """
    import xarray as xr

    check_seed("seed", seed)
    check_multiple(draws)
    seed, draws, groups = int(seed), int(draws), check_groups(groups)
    if not (isinstance(model, Design) or is_written_out(model)):
        return _fit_graph(model, seed=seed, draws=draws, groups=groups)
    design, compiled = as_design(model), compile_density(model)
    view = design.view
    sampled, diagnostics = sample_converged(
        compiled,
        name=view.name,
        tries=TRIES,
        draws=draws,
        seed=seed,
        relabel=_relabel(design, compiled, seed=seed),
    )
    before = with_latents(prior(view, draws=draws, seed=seed), design, seed=seed)
    posterior = _posterior(sampled, design, draws=draws, seed=seed)
    tree = xr.DataTree.from_dict(
        {
            "prior": before,
            "posterior": posterior,
            "sample_stats": sampled["sample_stats"].to_dataset(),
            "observed_data": observed_data(design),
            **groups_of(design, before, posterior, groups, seed=seed),
        }
    )
    tree.attrs = {
        "view": view.name,
        "seed": seed,
        "draws": draws,
        "raw_histories": " ".join(design.histories),
        "growth_informed": " ".join(sorted(touched(design))),
        **diagnostics,
    }
    return tree


def _fit_graph(model: pm.Model, *, seed: int, draws: int, groups: tuple[str, ...]) -> xr.DataTree:
    """The tree of a model that no written-out density stands for, from its graph: every group by PyMC itself."""
    import pymc
    import xarray as xr
    from pymc.stats import compute_log_likelihood, compute_log_prior

    compiled = compile_graph(model)
    name = as_design(model).view.name if hasattr(model, "design") else model.name or "model"
    sampled, diagnostics = sample_converged(compiled, name=name, tries=TRIES, draws=draws, seed=seed)
    variables = sampled["posterior"].to_dataset()
    tree = xr.DataTree.from_dict(
        {
            "posterior": variables.drop_vars([v for v in variables if str(v).endswith("__")]),
            "sample_stats": sampled["sample_stats"].to_dataset(),
        }
    )
    before = pymc.sample_prior_predictive(draws, model=model, random_seed=seed)
    for group in ("prior", "prior_predictive", "observed_data"):
        if group in before.children and (group in groups or group != "prior_predictive"):
            tree[group] = before[group].to_dataset().map(in_chains, keep_attrs=True)
    with model:
        if "log_likelihood" in groups:
            compute_log_likelihood(tree, progressbar=False)
        if "log_prior" in groups:
            compute_log_prior(tree, progressbar=False)
        if "posterior_predictive" in groups:
            after = pymc.sample_posterior_predictive(tree, random_seed=seed, progressbar=False)
            tree["posterior_predictive"] = after["posterior_predictive"]
    tree.attrs = {"view": name, "seed": seed, "draws": draws, **diagnostics}
    return tree


def short_fit(model: Design | pm.Model, *, seed: int, draws: int = 1000, tune: int = 300) -> xr.Dataset:
    """The posterior from one short run without a diagnosis: for calibration, where none of hundreds of fits may be left out.

    `attrs` has `divergences`. A report's fit is `fit`, which refuses what has not converged.
    """
    check_seed("seed", seed)
    check_multiple(draws)
    design, compiled = as_design(model), compile_density(model)
    sampled = run_chains(compiled, draws=draws // CHAINS, tune=tune, seed=seed, target_accept=TARGET_ACCEPT)
    divergences = int(sampled["sample_stats"].to_dataset().diverging.values.sum())
    if (relabel := _relabel(design, compiled, seed=seed)) is not None:
        sampled["posterior"] = relabel(sampled["posterior"].to_dataset())
    return _posterior(sampled, design, draws=draws, seed=seed).assign_attrs(divergences=divergences)


def _posterior(sampled: xr.DataTree, design: Design, *, draws: int, seed: int) -> xr.Dataset:
    """Sampled latents with what follows from them, and growth inputs from their priors beside them."""
    latents = design.from_latents(sampled["posterior"].to_dataset()).drop_vars(["score", "quantity"])
    moved = {name: latents[name].values.ravel() for name in design.view.informed}
    growth = growth_given(design, moved, draws=draws, seed=seed)
    if (shared := growth.pop("z_input", None)) is not None:
        shared = shared.reshape(latents.z_input.shape)
        latents["z_input"] = latents.z_input.copy(data=np.where(np.isnan(shared), latents.z_input, shared))
    return complete(latents.assign(shaped(growth)), design.view)


def _relabel(
    design: Design, compiled: CompiledPyMCModel, *, seed: int
) -> Callable[[xr.Dataset], xr.Dataset] | None:
    """What gives each mixture's score as that of its own curve, where the density has that of each part's; None without mixtures."""
    if not mixtures(design.view):
        return None
    return lambda latents: _with_parts(latents, design, compiled, seed=seed)


def _with_parts(latents: xr.Dataset, design: Design, compiled: CompiledPyMCModel, *, seed: int) -> xr.Dataset:
    """The latents with each mixture's score at a part drawn from its probability given the draw."""
    from ..returns.log_density import log_parts

    size = latents.sizes["chain"] * latents.sizes["draw"]
    columns = [
        latents[name].transpose("chain", "draw", ...).values.reshape(size, -1) for name in design.latents
    ]
    log_p = log_parts(np.concatenate(columns, axis=1), compiled.user_data)
    # The largest of log p + Gumbel noise is a draw with probabilities p.
    noise = np.random.default_rng(np.random.SeedSequence([seed, PARTS_STREAM])).gumbel(size=log_p.shape)
    chosen = design.parts[0][np.argmax(log_p + noise, axis=1)]
    score = latents.score.transpose("chain", "draw", "quantity").copy()
    flat = score.values.reshape(size, -1)
    for name, first in first_parts(design.view).items():
        place, prior = GRAPH.index(name), design.view[name].prior
        for offset, (_, part) in enumerate(prior.leaves):
            of_part = chosen[:, place] == first + offset
            flat[of_part, place] = prior.score(part.at(flat[of_part, place]))
    return latents.assign(score=score)


def sample_converged(
    compiled,
    *,
    name: str,
    tries: Iterable[Try],
    draws: int,
    seed: int,
    relabel: Callable[[xr.Dataset], xr.Dataset] | None = None,
) -> tuple[xr.DataTree, dict[str, float]]:
    """Draws of a compiled density (`compiled.compile_density`) and their diagnostics, of the first try that converges.

    `draws` is the total number, a multiple of 4: chains are
    LEAST_DRAWS long or longer, diagnosed whole and thinned to what was asked for. `relabel` turns the sampled latents into
    those to be diagnosed and kept. The diagnostics are max_rhat, min_ess, divergences and target_accept. Raises NotConverged,
    which names `name`, after the last try.
    """
    wanted = draws // CHAINS
    for target_accept, tune, adaptation, longer in tries:
        thin = -(-LEAST_DRAWS // wanted) * longer
        tree = run_chains(
            compiled,
            draws=wanted * thin,
            tune=tune,
            seed=seed,
            target_accept=target_accept,
            adaptation=adaptation,
        )
        if relabel is not None:
            tree["posterior"] = relabel(tree["posterior"].to_dataset())
        found = _diagnose(tree)
        if found.converged:
            kept = tree.isel(draw=slice(None, None, thin)) if thin > 1 else tree
            return kept, {
                "max_rhat": found.max_rhat,
                "min_ess": found.min_ess,
                "divergences": found.divergences,
                "target_accept": target_accept,
            }
    raise NotConverged(
        f"{name}: found R-hat {found.max_rhat:.4f}, ESS {found.min_ess:.0f}, {found.divergences} divergences in {found.draws} draws"
        f" at target_accept {target_accept}, want at most {MAX_RHAT}, at least {MIN_ESS}, at most {MAX_DIVERGENT * found.draws:.0f}"
    )


def _diagnose(tree: xr.DataTree) -> Diagnostics:
    columns = [
        values.transpose("chain", "draw", ...).values.reshape(*values.shape[:2], -1)
        for values in tree["posterior"].to_dataset().data_vars.values()
    ]
    every = np.moveaxis(np.concatenate(columns, axis=2), 2, 0)
    max_rhat, min_ess = worst(every[(every != every[:, :1, :1]).any(axis=(1, 2))])  # constants do not mix
    diverging = tree["sample_stats"].to_dataset().diverging.values
    return Diagnostics(
        max_rhat=max_rhat, min_ess=min_ess, divergences=int(diverging.sum()), draws=diverging.size
    )
