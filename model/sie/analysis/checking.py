"""What the evidence does to a view and how well the model predicts it: left-out rows and domains, PSIS-LOO.

A row's log estimate is its expected log less the deviation d that its own error has (`row_density`), so that replicated
estimates and raw values of r come from the same density as the likelihood.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..base.errors import DataError, NotConverged
from ..base.stats import INTERVAL
from ..base.tasks import DONE, NOT_CONVERGED, in_turn
from ..data.evidence import LEVELS
from ..data.priors import View
from ..growth.events import credences
from ..growth.paths import simulate
from ..inference.sampling import fit
from ..returns.compiled import as_design
from ..returns.design import Design, design
from ..returns.selection import usable

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

__all__ = [
    "EVENTS_MOVED",
    "domain_table",
    "influence",
    "leave_domains_out",
    "loo",
    "raw_by_level",
]

EVENTS_MOVED = ("r_above_1", "years_3_in_1y")
"""The meanings of SIE that a left-out row's effect is given for."""

MASSES = (0.5, 0.9)
"""Central predictive intervals in which a left-out domain is looked for."""

PARTS = ("r_typical", "domain", "rows")
"""Where the uncertainty of a left-out domain's prediction comes from."""

REFIT_DRAWS = 8000
"""Draws of each refit without a row or a domain."""

LEAST_DISTANCE = 0.05
"""Shrinkage is not a number where the raw log r is this close to that of a typical domain."""

Likelihoods = Mapping[str, "xr.DataArray"] | None
Refits = Callable[..., np.ndarray]


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
    errors = _errors(of, estimate, seed)
    domains = rows.domain.values.tolist()
    raw, below, level = np.full((len(domains), 3), np.nan), np.full(len(domains), np.nan), [""] * len(domains)
    observed = xr.DataArray(of.observed, dims="estimate")
    for i, domain in enumerate(domains):
        own = _rows_of(rows, domain)
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
            "rows": ("domain", [len(_rows_of(rows, domain)) for domain in domains]),
            "raw": (("domain", "quantile"), raw),
            "pooled": (("domain", "quantile"), pooled),
            "shrinkage": ("domain", shrinkage),
            "below": ("domain", below),
        },
        coords={"domain": domains, "quantile": list(INTERVAL)},
    )


def influence(
    tree: xr.DataTree,
    rows: xr.Dataset,
    view: View,
    *,
    seed: int,
    draws: int = REFIT_DRAWS,
    likelihoods: Likelihoods = None,
    say: Callable[[str], None] = lambda text: None,
    refits: Refits = in_turn,
) -> xr.Dataset:
    """What each row does, as all rows less all but this one, by refits; dim `estimate`, and `event` of EVENTS_MOVED.

    `log_r` is the shift of the median log r at ASARA, `p` that of each event's probability, `log_r_mcse` and `mcse` their errors;
    `median_without` is the median r at ASARA without the row, `attrs["median"]` with all. `refits` runs the tasks: `tasks.in_turn`
    or what `tasks.on_cluster` gives. Raises NotConverged where a refit does not converge.
    """
    import xarray as xr

    with_all = tree["posterior"].to_dataset()
    before = credences(simulate(with_all), events=EVENTS_MOVED)
    ids = rows.estimate.values.tolist()
    table = refits(
        without_row,
        [{"row": row} for row in ids],
        ["status", "median", "median_error", *EVENTS_MOVED, *(f"mcse {event}" for event in EVENTS_MOVED)],
        shared={"rows": rows, "view": view, "seed": seed, "draws": draws, "likelihoods": likelihoods},
        say=lambda i: say(f"{view.name}: refit {i + 1} of {len(ids)} without a row, without {ids[i]}"),
    )
    _refuse_unconverged(view, ids, table)
    medians, events = table[:, 1], len(EVENTS_MOVED)
    p, errors = table[:, 3 : 3 + events], table[:, 3 + events :]
    full = float(with_all.r_asara.median())
    return xr.Dataset(
        {
            "median_without": ("estimate", medians),
            "log_r": ("estimate", np.log(full) - np.log(medians)),
            "log_r_mcse": ("estimate", np.hypot(_median_error(with_all), table[:, 2])),
            "p": (("estimate", "event"), before.p.values - p),
            "mcse": (("estimate", "event"), np.hypot(before.mcse.values, errors)),
        },
        coords={"estimate": ids, "event": list(EVENTS_MOVED)},
        attrs={"median": full},
    )


def leave_domains_out(
    rows: xr.Dataset,
    view: View,
    *,
    seed: int,
    draws: int = REFIT_DRAWS,
    likelihoods: Likelihoods = None,
    say: Callable[[str], None] = lambda text: None,
    refits: Refits = in_turn,
) -> xr.Dataset:
    """Each domain's rows predicted from all others, dims (domain, quantile): the mean of their log estimates, exponentiated.

    `predicted` is the predictive distribution (spread between domains, definition errors, the rows' own errors and input
    growth), `observed` what they show, `below` the predictive probability below it, `hit` (domain, mass) whether it lies in
    the central interval of that mass. `variance` (domain, part) is the variance of the log prediction that comes from
    r_typical, from the domain's own r around it, and from the rows around that (their errors, adjustments, inputs).
    Domains without rows are absent; `refits` and errors as in `influence`. An estimate is in its row's own unit: r, or output growth for growth rows.
    """
    import xarray as xr

    domains = [domain for domain in rows.domain.values.tolist() if _rows_of(rows, domain)]
    table = refits(
        without_domain,
        [{"domain": domain} for domain in domains],
        ["status", *map(str, INTERVAL), "observed", "below", *PARTS],
        shared={"rows": rows, "view": view, "seed": seed, "draws": draws, "likelihoods": likelihoods},
        say=lambda i: say(
            f"{view.name}: refit {i + 1} of {len(domains)} without a domain, without {domains[i]}"
        ),
    )
    _refuse_unconverged(view, domains, table)
    predicted, observed, below, variance = np.split(table[:, 1:], np.cumsum([len(INTERVAL), 1, 1]), axis=1)
    off = np.abs(below - 0.5)
    return xr.Dataset(
        {
            "predicted": (("domain", "quantile"), np.exp(predicted)),
            "observed": ("domain", np.exp(observed[:, 0])),
            "below": ("domain", below[:, 0]),
            "hit": (("domain", "mass"), off <= np.array(MASSES) / 2),
            "variance": (("domain", "part"), variance),
        },
        coords={"domain": domains, "quantile": list(INTERVAL), "mass": list(MASSES), "part": list(PARTS)},
    )


def without_row(row: str, *, rows: xr.Dataset, view: View, seed: int, draws: int, likelihoods: Likelihoods):
    """A task of `influence`: status, median r at ASARA without the row and the error of its log, probabilities and their errors."""
    kept = rows.sel(estimate=[other for other in rows.estimate.values.tolist() if other != row])
    try:
        tree = fit(design(kept, view, likelihoods=likelihoods), seed=seed, draws=draws)
    except NotConverged:
        return np.array([NOT_CONVERGED, *[np.nan] * (2 + 2 * len(EVENTS_MOVED))])
    posterior = tree["posterior"].to_dataset()
    found = credences(simulate(posterior), events=EVENTS_MOVED)
    median = float(posterior.r_asara.median())
    return np.array([DONE, median, _median_error(posterior), *found.p.values, *found.mcse.values])


def without_domain(
    domain: str, *, rows: xr.Dataset, view: View, seed: int, draws: int, likelihoods: Likelihoods
):
    """A task of `leave_domains_out`: status, log of what is predicted and of what is seen, probability below it, variances."""
    whole = design(rows, view, likelihoods=likelihoods)
    own = _rows_of(rows, domain)
    kept = rows.isel(estimate=[i for i in range(rows.sizes["estimate"]) if i not in own])
    try:
        tree = fit(design(kept, view, likelihoods=likelihoods), seed=seed, draws=draws)
    except NotConverged:
        return np.array([NOT_CONVERGED, *[np.nan] * (len(INTERVAL) + 2 + len(PARTS))])
    posterior = tree["posterior"].to_dataset()
    estimate = whole.expected(posterior)
    replicated = (estimate - _errors(whole, estimate, seed)).isel(estimate=own).mean("estimate")
    log_typical, log_r = np.log(posterior.r_typical), np.log(posterior.r.sel(domain=domain, drop=True))
    seen = whole.observed[own].mean()
    parts = (log_typical, log_r - log_typical, replicated - log_r)
    return np.array(
        [
            DONE,
            *np.quantile(replicated, INTERVAL),
            seen,
            float((replicated < seen).mean()),
            *(float(part.var()) for part in parts),
        ]
    )


def _refuse_unconverged(view: View, names: list[str], table: np.ndarray) -> None:
    """Raise NotConverged for refits that did not end well."""
    lost = [name for name, status in zip(names, table[:, 0], strict=True) if status != DONE]
    if lost:
        raise NotConverged(
            f"{view.name}: found no posterior without {', '.join(lost)}, want one that converges"
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
                rows = rows.isel(estimate=_rows_of(rows, domain))
                of = design(rows, view, likelihoods=likelihoods)
            except DataError:
                continue
            if rows.sizes["estimate"]:
                found[domain, level] = domain_table(tree, of, seed=seed).raw.sel(domain=domain).values
    return found


def _median_error(posterior: xr.Dataset) -> float:
    """Monte Carlo error of the median log r at ASARA."""
    from arviz_stats.base import array_stats

    log_r = np.log(posterior.r_asara.transpose("chain", "draw").values)
    return float(cast("Any", array_stats.mcse(log_r, method="quantile", prob=0.5)))


def _rows_of(rows: xr.Dataset, domain: str) -> list[int]:
    """Positions of the rows on r in a domain."""
    at = rows.domain.values.tolist().index(domain)
    return np.flatnonzero((rows.domain_idx.values == at) & (rows.kind.values != "factor")).tolist()


def _errors(of: Design, estimate: xr.DataArray, seed: int) -> xr.DataArray:
    """Draws of each row's own deviation (chain, draw, estimate)."""
    uniform = np.random.default_rng(np.random.SeedSequence([seed, 1])).random(estimate.shape)
    columns = [density.quantile(uniform[..., i]) for i, density in enumerate(of.densities)]
    return estimate.copy(data=np.stack(columns, axis=-1))
