"""Power scaling: which posterior answers would move if the priors, or the evidence, counted a little more or less.

ArviZ's `psense_summary` (Kallioinen et al. 2023). The prior is that of the chain's quantities; z of the domains is no top-level
prior, so the hierarchy counts as neither. What is left of the sampler's log density is the evidence, its definition errors
included; their latents, which `sie.fit` does not keep, put a floor of a few hundredths of noise under `likelihood`. It samples nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from .priors import CHAIN, View

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["SENSITIVE", "power_scaling"]

SENSITIVE = 0.05
"""ArviZ's threshold: distance per doubling of a component's weight from which an answer counts as sensitive."""

_DIGITS = 12


def power_scaling(tree: xr.DataTree, view: View) -> xr.Dataset:
    """How far each answer moves per doubling of the weight of the `prior` and of the `likelihood`, dims (answer,).

    `tree` is from `sie.fit`. Answers are log r at ASARA and the chain's quantities that vary; the unit is ArviZ's cumulative
    Jensen-Shannon distance.
    """
    import xarray as xr
    from arviz_stats import psense_summary

    draws = tree["posterior"].to_dataset()
    free = [name for name in CHAIN if name in view and not view[name].prior.has_atom]
    log_density = tree["sample_stats"].to_dataset()["logp"]
    normal = (draws.score**2).sum("quantity") + (draws.z**2).sum("domain")
    groups = {
        "posterior": {"log_r_asara": np.log(draws.r_asara)} | {name: draws[name] for name in free},
        "log_prior": {
            name: draws[name].copy(data=view[name].prior.logpdf(draws[name].values)) for name in free
        },
        "log_likelihood": {"evidence": log_density + normal / 2},
    }
    plain = {name: xr.Dataset(group).drop_attrs() for name, group in groups.items()}
    logger = logging.getLogger("arviz_stats.psense")
    before, logger.disabled = logger.disabled, True  # it says on standard error where to read about its table
    try:
        table = psense_summary(xr.DataTree.from_dict(plain), threshold=SENSITIVE, round_to=_DIGITS)
    finally:
        logger.disabled = before
    return xr.Dataset(
        {name: ("answer", table[name].to_numpy(dtype=float)) for name in ("prior", "likelihood")},
        coords={"answer": [str(name) for name in table.index]},
    )
