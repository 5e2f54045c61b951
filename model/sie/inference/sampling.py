"""Draws from a view's priors and from the posterior of a built model.

Growth inputs, which no evidence row touches, are drawn exactly from their priors on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, NotConverged, plain
from ..base.stats import worst
from ..data.priors import View, draw
from ..data.quantities import GROWTH
from ..returns.compiled import as_design, compile_density, is_written_out
from ..returns.design import LATENTS, Design
from ..returns.equations import at_asara, labour_doublings
from ..returns.prior_curves import GRAPH, first_parts, mixtures
from .chains import CHAINS, run_chains

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr
    from nutpie.compile_pymc import CompiledPyMCModel

__all__ = [
    "check_draws",
    "check_seed",
    "fit",
    "prior",
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

PARTS_STREAM = 1
"""The stream of a seed that draws the parts of mixtures."""

MIN_ESS = 400
"""Least bulk or tail effective sample size of any parameter (Vehtari et al. 2021)."""

MAX_DIVERGENT = 1e-3
"""Largest share of draws whose trajectory diverged. Fewer are reported: tests hold such answers to quadrature."""

LEAST_KEPT = 0.01
"""A prior on the whole distance must leave at least this share beyond `gained_before_asara`."""


REPORTED_DRAWS = (1000, 10_000_000)
"""Fewest and most draws of a report, and of a cell of a sweep."""

MOST_SEED = 2**63 - 1
"""Largest seed: nutpie takes those below 2^64, and some tasks add their number to it."""


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


def prior(view: View, *, draws: int = 20000, seed: int) -> xr.Dataset:
    """Independent draws of everything that a view states and of what follows at ASARA; dims (chain, draw).

    Parameters
    ----------
    view : View
        Any view.
    draws : int, optional
        Their total number over four chains, a multiple of 4.
    seed : int
        From 0 to 2**63 - 1. A quantity's draws depend on the seed, its name and its own prior alone.

    Returns
    -------
    xr.Dataset
        One variable (chain, draw) for each quantity that the view states, in its unit, and for what follows, such as `r_target`,
        `r_asara` and `doublings_left`. `attrs["discarded_prior_mass"]` is the share of the prior on the distance that lay below
        `gained_before_asara` and was read as impossible.

    Raises
    ------
    DataError
        For a seed or a number of draws that is none, and where less than 1 % of the prior on the whole distance lies beyond
        `gained_before_asara`.

    Examples
    --------
    >>> draws = sie.prior(sie.read_view("davidson_2025"), draws=4000, seed=1)
    >>> p_r_above_1 = float((draws.r_asara > 1).mean())
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


def fit(model: Design | pm.Model, *, seed: int, draws: int = 20000) -> xr.DataTree:
    """Sample the posterior of a model, with diagnostics.

    The sampler is NUTS (nutpie) with four chains. A `Design`, or a model as `build` made it, is sampled without PyMC.

    Parameters
    ----------
    model : Design or pm.Model
        From `build` (`sie.returns.design.design` for a `Design`).
    seed : int
        From 0 to 2**63 - 1.
    draws : int, optional
        The total number in each of prior and posterior, a multiple of 4. Chains of fewer than 1000 draws are thinned from longer
        ones.

    Returns
    -------
    xr.DataTree
        Groups `prior` and `posterior`, dims (chain, draw), the variables of `prior` and, in the posterior, `r` (chain, draw, domain)
        and the latents; `sample_stats`; `observed_data`. `tree.attrs` has `max_rhat`, `min_ess` and `divergences`.

    Raises
    ------
    DataError
        For a seed or a number of draws that is none.
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
    _check_draws(draws)
    design, compiled = as_design(model), compile_density(model)
    view = design.view
    sampled, diagnostics = sample_converged(
        compiled,
        name=view.name,
        tries=((TARGET_ACCEPT, TUNE), (RETRY_TARGET_ACCEPT, RETRY_TUNE)),
        draws=draws,
        seed=seed,
        relabel=_relabel(model, design, compiled, seed=seed),
    )
    tree = xr.DataTree.from_dict(
        {
            "prior": prior(view, draws=draws, seed=seed),
            "posterior": _posterior(sampled, design, draws=draws, seed=seed),
            "sample_stats": sampled["sample_stats"].to_dataset(),
            "observed_data": xr.Dataset(
                {"log_estimate": ("estimate", design.observed)}, {"estimate": design.coords["estimate"]}
            ),
        }
    )
    tree.attrs = {
        "view": view.name,
        "seed": seed,
        "draws": draws,
        "raw_histories": " ".join(design.histories),
        **diagnostics,
    }
    return tree


def short_fit(model: Design | pm.Model, *, seed: int, draws: int = 1000, tune: int = 300) -> xr.Dataset:
    """The posterior from one short run without a diagnosis: for calibration, where none of hundreds of fits may be left out.

    `attrs` has `divergences`. A report's fit is `fit`, which refuses what has not converged.
    """
    check_seed("seed", seed)
    _check_draws(draws)
    design, compiled = as_design(model), compile_density(model)
    sampled = run_chains(compiled, draws=draws // CHAINS, tune=tune, seed=seed, target_accept=TARGET_ACCEPT)
    divergences = int(sampled["sample_stats"].to_dataset().diverging.values.sum())
    if (relabel := _relabel(model, design, compiled, seed=seed)) is not None:
        sampled["posterior"] = relabel(sampled["posterior"].to_dataset())
    return _posterior(sampled, design, draws=draws, seed=seed).assign_attrs(divergences=divergences)


def _posterior(sampled: xr.DataTree, design: Design, *, draws: int, seed: int) -> xr.Dataset:
    """Sampled latents with what follows from them, and growth inputs from their priors beside them."""
    view = design.view
    growth, _ = growth_values(view, draws=draws, seed=seed)
    latents = design.from_latents(sampled["posterior"].to_dataset())
    growth = {name: values for name, values in growth.items() if name not in latents}
    return complete(latents.assign(shaped(growth)), view)


def _relabel(
    model: Design | pm.Model, design: Design, compiled: CompiledPyMCModel, *, seed: int
) -> Callable[[xr.Dataset], xr.Dataset] | None:
    """What gives each mixture's score as that of its own curve; None where it is already.

    The density as written out sums over the parts, and a score is that of each part's curve; in the graph it is the mixture's.
    """
    if not mixtures(design.view) or not is_written_out(model):
        return None
    return lambda latents: _with_parts(latents, design, compiled, seed=seed)


def _with_parts(latents: xr.Dataset, design: Design, compiled: CompiledPyMCModel, *, seed: int) -> xr.Dataset:
    """The latents with each mixture's score at a part drawn from its probability given the draw."""
    from ..returns.log_density import log_parts

    size = latents.sizes["chain"] * latents.sizes["draw"]
    columns = [latents[name].transpose("chain", "draw", ...).values.reshape(size, -1) for name in LATENTS]
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


def check_seed(where: str, seed: object) -> None:
    """Refuse a seed that some random generator would not take."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed <= MOST_SEED:
        raise DataError(where, seed, f"a whole number from 0 to {MOST_SEED}")


def check_draws(where: str, draws: object) -> None:
    """Refuse a number of draws that no report has."""
    least, most = REPORTED_DRAWS
    if not isinstance(draws, int) or isinstance(draws, bool) or not least <= draws <= most or draws % CHAINS:
        raise DataError(where, draws, f"a multiple of {CHAINS}, at least {least} and at most {most}")


def _check_draws(draws: int) -> None:
    if draws < 1 or draws % CHAINS:
        raise DataError("draws", draws, f"a positive multiple of {CHAINS}")


def growth_values(view: View, *, draws: int, seed: int) -> tuple[dict[str, np.ndarray], float]:
    """Prior draws of everything but the chain, given that the ceiling lies beyond what is gained; and the discarded share."""
    check_seed("seed", seed)
    _check_draws(draws)
    names = [name for name in ("r_asara", "conversion", "gained_before_asara", *GROWTH) if name in view]
    if "gained_before_asara" not in view:
        return draw(view, names, size=draws, seed=seed), 0.0
    size = draws
    while True:
        values = draw(view, names, size=size, seed=seed)
        in_ooms = view["ceiling"].unit == "OOMs of training efficiency"
        distance = [
            values[name] if in_ooms else labour_doublings(values[name], view[name].unit, values)
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


def shaped(values: dict[str, np.ndarray]) -> dict[str, tuple]:
    return {name: (("chain", "draw"), value.reshape(CHAINS, -1)) for name, value in values.items()}


def _as_dataset(values: dict[str, np.ndarray], view: View) -> xr.Dataset:
    import xarray as xr

    size = len(next(iter(values.values()))) // CHAINS
    draws = xr.Dataset(shaped(values), coords={"chain": np.arange(CHAINS), "draw": np.arange(size)})
    return complete(draws, view)


_DERIVED_UNITS = {
    "conversion": "labour doublings per doubling of training efficiency",
    "recent_doublings_per_year": "labour doublings per year",
    "doublings_gained": "labour doublings",
    "doublings_left": "labour doublings",
    "r_asara": "software doublings per doubling of cumulative research input",
    "r_target": "software doublings per doubling of cumulative research input",
    "r": "software doublings per doubling of cumulative research input",
}


def complete(draws: xr.Dataset, view: View) -> xr.Dataset:
    """Draws of what a view states with what follows from them at ASARA (`at_asara`), and units."""
    draws = draws.assign(at_asara(draws.variables, view))
    for name in map(str, draws.data_vars):
        unit = view[name].unit if name in view else _DERIVED_UNITS.get(name)
        if unit is not None:
            draws[name].attrs["unit"] = unit
    return draws


def sample_converged(
    compiled,
    *,
    name: str,
    tries: Iterable[tuple[float, int]],
    draws: int,
    seed: int,
    relabel: Callable[[xr.Dataset], xr.Dataset] | None = None,
) -> tuple[xr.DataTree, dict[str, float]]:
    """Draws of a compiled density (`compiled.compile_density`) and their diagnostics, of the first try that converges.

    A try is a target_accept and a number of warm-up draws. `draws` is the total number, a multiple of 4: chains are
    LEAST_DRAWS long or longer, diagnosed whole and thinned to what was asked for. `relabel` turns the sampled latents into
    those to be diagnosed and kept. The diagnostics are max_rhat, min_ess, divergences and target_accept. Raises NotConverged,
    which names `name`, after the last try.
    """
    wanted = draws // CHAINS
    thin = -(-LEAST_DRAWS // wanted)
    for target_accept, tune in tries:
        tree = run_chains(compiled, draws=wanted * thin, tune=tune, seed=seed, target_accept=target_accept)
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
    max_rhat, min_ess = worst(np.moveaxis(np.concatenate(columns, axis=2), 2, 0))
    diverging = tree["sample_stats"].to_dataset().diverging.values
    return Diagnostics(
        max_rhat=max_rhat, min_ess=min_ess, divergences=int(diverging.sum()), draws=diverging.size
    )
