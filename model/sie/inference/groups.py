"""The groups of a fit's tree beside `posterior` and `sample_stats`, named and shaped as PyMC names and shapes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError
from ..data.evidence import TARGET
from ..returns.design import Design
from ..returns.equations import labour_doublings
from ..returns.model import OBSERVED

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["GROUPS", "check_groups", "groups_of", "log_prior", "observed_data", "with_latents"]

GROUPS = ("log_likelihood", "log_prior", "prior_predictive", "posterior_predictive")
"""Groups that `fit` may add."""

LATENTS_STREAM, PRIOR_STREAM, POSTERIOR_STREAM = 3, 4, 5
"""The streams of a seed behind the prior's latents and both predictive groups."""


def check_groups(groups: Iterable[str]) -> tuple[str, ...]:
    """The groups asked for; raises DataError at one that does not exist."""
    if not isinstance(groups, Iterable):
        raise DataError("groups", groups, "names among " + ", ".join(GROUPS))
    groups = (groups,) if isinstance(groups, str) else tuple(groups)
    for group in groups:
        if group not in GROUPS:
            raise DataError("groups", group, "one of " + ", ".join(GROUPS))
    return groups


def groups_of(
    design: Design, prior: xr.Dataset, posterior: xr.Dataset, groups: Iterable[str], *, seed: int
) -> dict[str, xr.Dataset]:
    """Each group asked for, from the draws of prior and posterior, all latents among them."""
    make = {
        "log_likelihood": lambda: _by_variable(design, design.log_likelihood(posterior)),
        "log_prior": lambda: log_prior(design, posterior),
        "prior_predictive": lambda: _predictive(design, prior, seed=seed, stream=PRIOR_STREAM),
        "posterior_predictive": lambda: _predictive(design, posterior, seed=seed, stream=POSTERIOR_STREAM),
    }
    return {group: make[group]() for group in groups}


def observed_data(design: Design) -> xr.Dataset:
    """The log estimate of every row, by observed variable."""
    import xarray as xr

    values = xr.DataArray(design.observed, {"estimate": design.coords["estimate"]}, ("estimate",))
    return _by_variable(design, values)


def with_latents(prior: xr.Dataset, design: Design, *, seed: int) -> xr.Dataset:
    """Prior draws with those of the latents of a design, `r` (domain), and the lambda under which histories are read."""
    import xarray as xr

    rng = np.random.default_rng(np.random.SeedSequence([seed, LATENTS_STREAM]))
    shape = tuple(prior.r_target.shape)
    domains = design.coords["domain"]
    spread = prior.spread.values[..., None] * design.remoteness
    z = rng.standard_normal((*shape, len(domains)))
    target = domains.index(TARGET)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_target = np.log(prior.r_target / prior.r_typical).values / spread[..., target]
    z[..., target] = np.where(spread[..., target] > 0, of_target, z[..., target])
    with np.errstate(over="ignore"):  # a very wide prior reaches beyond what a float holds
        r = prior.r_typical.values[..., None] * np.exp(spread * z)
    latents = {"r": (("chain", "draw", "domain"), r), "z": (("chain", "draw", "domain"), z)}
    for name, dims in design.latents.items():
        if name not in ("score", "z"):
            size = tuple(len(design.coords[dim]) for dim in dims)
            latents[name] = (("chain", "draw", *dims), rng.standard_normal((*shape, *size)))
    if design.lambda_curve is not None:
        log_lambda = design.lambda_curve.at(latents["z_lambda"][1])
        latents["lambda_histories"] = (("chain", "draw"), np.exp(log_lambda))
    used = {dim for dims in design.latents.values() for dim in dims} - {"quantity"}
    return prior.assign(xr.Dataset(latents, {dim: design.coords[dim] for dim in sorted(used)}))


def log_prior(design: Design, draws: xr.Dataset) -> xr.Dataset:
    """The log density of every uncertain quantity and latent under the priors, of the shape of its draws."""
    view = design.view
    values = {
        name: draws[name].copy(data=entry.prior.logpdf(draws[name].values))
        for name, entry in view.entries.items()
        if not entry.prior.has_atom
    }
    if "gained_before_asara" in values:
        ceiling = draws["ceiling"]
        for name, way in (("ceiling", 1), ("gained_before_asara", -1)):
            one = labour_doublings(1.0, view[name].unit, draws.variables)
            ceiling = ceiling * one if way == 1 else ceiling / one
        given = np.log(view["gained_before_asara"].prior.cdf(ceiling.values))
        values["gained_before_asara"] = values["gained_before_asara"] - given
        if "ceiling" in values:
            values["ceiling"] = values["ceiling"] + given
    for name in (name for name in design.latents if name != "score"):
        values[name] = -0.5 * draws[name] ** 2 - 0.5 * np.log(2 * np.pi)
    return draws[[]].assign(values)


def _predictive(design: Design, draws: xr.Dataset, *, seed: int, stream: int) -> xr.Dataset:
    """What each row would show were it measured again."""
    mean = design.expected(draws)
    u = np.random.default_rng(np.random.SeedSequence([seed, stream])).random(mean.shape)
    return _by_variable(design, mean - design.errors(draws, u))


def _by_variable(design: Design, values: xr.DataArray) -> xr.Dataset:
    """Values of rows (..., estimate) as the observed variables of the model."""
    import xarray as xr

    variables = {
        name: values[..., design.level == level].rename(estimate=f"{name}_row")
        for level, name in OBSERVED.items()
        if (design.level == level).any()
    }
    return xr.Dataset(variables)
