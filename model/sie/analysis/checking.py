"""What the evidence does to a view and how well the model predicts it: left-out rows and domains, PSIS-LOO.

A row's log estimate is its expected log less the deviation d that its own error has (`row_density`), so that replicated
estimates and raw values of r come from the same density as the likelihood.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..base.errors import DataError
from ..base.stats import INTERVAL
from ..data.evidence import LEVELS
from ..data.priors import View
from ..returns.compiled import as_design
from ..returns.design import Design, design
from ..returns.selection import usable

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

__all__ = [
    "Likelihoods",
    "domain_table",
    "draw_errors",
    "loo",
    "raw_by_level",
    "rows_of",
]


LEAST_DISTANCE = 0.05
"""Shrinkage is not a number where the raw log r is this close to that of a typical domain."""

Likelihoods = Mapping[str, "xr.DataArray"] | None


def domain_table(tree: xr.DataTree, model: Design | pm.Model, *, seed: int) -> xr.Dataset:
    """Each domain before and after pooling, dims (domain, quantile); NaN where a domain has no row.

    `raw` is r as the domain's own rows have it: the mean over them of log estimate + error, brought to r_d with the posterior of
    adjustments and input growth. `pooled` is the posterior of r_d. `shrinkage` is the share of the way from the raw median to
    r_typical's that pooling went. `below` is the posterior predictive probability of a mean log estimate below the one observed.
    """
    import xarray as xr

    of, posterior = as_design(model), tree["posterior"].to_dataset()
    rows = of.rows
    estimate, log_r = of.expected(posterior), np.log(posterior.r)
    errors = draw_errors(of, posterior, seed)
    domains = rows.domain.values.tolist()
    raw, below, level = np.full((len(domains), 3), np.nan), np.full(len(domains), np.nan), [""] * len(domains)
    observed = xr.DataArray(of.observed, dims="estimate")
    for i, domain in enumerate(domains):
        own = rows_of(rows, domain)
        if not own:
            continue
        offset = estimate.isel(estimate=own) - log_r.sel(domain=domain, drop=True)
        one = observed.isel(estimate=own)
        raw[i] = np.quantile(np.exp((one + errors.isel(estimate=own) - offset).mean("estimate")), INTERVAL)
        replicated = (estimate - errors).isel(estimate=own).mean("estimate")
        below[i] = float((replicated < float(one.mean())).mean())
        level[i] = str(of.level[own[0]])
    pooled = np.quantile(posterior.r.transpose("chain", "draw", "domain").values, INTERVAL, axis=(0, 1)).T
    typical = float(np.log(posterior.r_typical).median())
    distance = np.log(raw[:, 1]) - typical
    moved = np.log(raw[:, 1]) - np.log(pooled[:, 1])
    shrinkage = np.where(np.abs(distance) < LEAST_DISTANCE, np.nan, moved / distance)
    return xr.Dataset(
        {
            "level": ("domain", level),
            "rows": ("domain", [len(rows_of(rows, domain)) for domain in domains]),
            "raw": (("domain", "quantile"), raw),
            "pooled": (("domain", "quantile"), pooled),
            "shrinkage": ("domain", shrinkage),
            "below": ("domain", below),
        },
        coords={"domain": domains, "quantile": list(INTERVAL)},
    )


def loo(tree: xr.DataTree, model: Design | pm.Model) -> xr.Dataset:
    """PSIS-LOO (Vehtari, Gelman & Gabry 2017) over rows: `elpd` and Pareto `khat` (estimate); the totals as attributes.

    A row's own definition error is integrated out; a series counts as one observation, its whole likelihood.
    """
    import arviz_stats
    import xarray as xr

    of, posterior = as_design(model), tree["posterior"].to_dataset()
    log_likelihood = of.log_likelihood(posterior).to_dataset(name="log_likelihood")
    groups = {"posterior": posterior[["r"]], "log_likelihood": log_likelihood}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of large Pareto k, which the table shows
        result = cast("Any", arviz_stats.loo(xr.DataTree.from_dict(groups), pointwise=True))
    return xr.Dataset(
        {
            "elpd": ("estimate", result.elpd_i.values),
            "khat": ("estimate", result.pareto_k.values),
        },
        coords={"estimate": of.coords["estimate"]},
        attrs={"elpd": float(result.elpd), "se": float(result.se), "p": float(result.p)},
    )


def raw_by_level(
    tree: xr.DataTree,
    evidence: xr.Dataset,
    view: View,
    *,
    seed: int,
    likelihoods: Likelihoods = None,
) -> dict[tuple[str, str], np.ndarray]:
    """The raw r of each domain at every level at which it has a usable row and likelihood: (domain, level) to 5, 50, 95 %.

    Adjustments and input growth are those of the posterior in `tree`, whatever the levels it was fitted at.
    """
    found = {}
    for level in LEVELS:
        for domain in evidence.domain.values.tolist():
            try:
                rows = usable(evidence, view, levels={domain: level})
                rows = rows.isel(estimate=rows_of(rows, domain))
                of = design(rows, view, likelihoods=likelihoods)
            except DataError:
                continue
            if rows.sizes["estimate"]:
                found[domain, level] = domain_table(tree, of, seed=seed).raw.sel(domain=domain).values
    return found


def rows_of(rows: xr.Dataset, domain: str) -> list[int]:
    """Positions of the rows on r in a domain."""
    at = rows.domain.values.tolist().index(domain)
    return np.flatnonzero(rows.domain_idx.values == at).tolist()


def draw_errors(of: Design, draws: xr.Dataset, seed: int) -> xr.DataArray:
    """Draws of each row's own deviation (chain, draw, estimate)."""
    import xarray as xr

    shape = (draws.sizes["chain"], draws.sizes["draw"], len(of.observed))
    uniform = np.random.default_rng(np.random.SeedSequence([seed, 1])).random(shape)
    coords = {"chain": draws.chain, "draw": draws.draw, "estimate": of.coords["estimate"]}
    return xr.DataArray(of.errors(draws, uniform), coords, ("chain", "draw", "estimate"))
