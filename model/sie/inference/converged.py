"""Chains that converged: what is tried, how it is diagnosed, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from ..base.errors import NotConverged
from ..base.stats import worst
from .chains import CHAINS, run_chains

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["MIN_ESS", "Try", "sample_converged"]

LEAST_DRAWS = 1000
"""A chain is at least this long, so that diagnostics mean something; shorter requests are thinned from it."""

MAX_RHAT = 1.01
"""Largest rank-normalised R-hat of any parameter that counts as converged (Vehtari et al. 2021)."""

MIN_ESS = 400
"""Least bulk or tail effective sample size of any parameter (Vehtari et al. 2021)."""

MAX_DIVERGENT = 1e-3
"""Largest share of draws whose trajectory diverged. Fewer are reported: tests hold such answers to quadrature."""


class Try(NamedTuple):
    """How chains are run: NUTS acceptance, warm-up draws, nutpie's adaptation, and how many times as many draws as are wanted."""

    target_accept: float
    tune: int
    adaptation: Literal["diag", "low_rank"] = "diag"
    longer: int = 1


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
