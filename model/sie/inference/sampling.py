"""The posterior of a view and its rows: chains that converged, with growth inputs from their priors beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from ..returns.compiled import as_design, compile_density, compile_graph, is_written_out
from ..returns.design import Design
from ..returns.prior_curves import GRAPH, first_parts, mixtures
from .chains import CHAINS, in_chains, run_chains
from .converged import Try, sample_converged
from .groups import GROUPS, check_groups, groups_of, observed_data, with_latents
from .growth_given import growth_given, touched
from .prior_draws import check_multiple, check_seed, complete, prior, shaped

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr
    from nutpie.compile_pymc import CompiledPyMCModel

__all__ = ["fit", "short_fit"]

TRIES = (Try(0.95, 400), Try(0.99, 1000), Try(0.99, 1000, longer=5))
"""The latents are standard normal before evidence, so that few warm-up draws do. The second try takes smaller steps; the third is longer as
well, for the chains that mix slowly between the parts of a mixture."""

PARTS_STREAM = 1
"""The stream of a seed that draws the parts of mixtures."""


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
        Where R-hat (above 1.01), bulk or tail ESS (below 400) or divergences (more than one in a thousand draws) fail in
        every try of `TRIES`.

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
    """The posterior from one short run without diagnostics: for calibration, where no fit of hundreds may be dropped.

    `attrs` has `divergences`. A report's fit is `fit`, which refuses what has not converged.
    """
    check_seed("seed", seed)
    check_multiple(draws)
    design, compiled = as_design(model), compile_density(model)
    sampled = run_chains(
        compiled, draws=draws // CHAINS, tune=tune, seed=seed, target_accept=TRIES[0].target_accept
    )
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
