"""Refits without a row and without a domain: what each row moves, and how well the others predict a domain."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..base.errors import NotConverged
from ..base.stats import INTERVAL
from ..base.stores import DONE, NOT_CONVERGED
from ..base.tasks import in_turn
from ..data.priors import View
from ..growth.credences import credences
from ..growth.paths import simulate
from ..inference.sampling import fit
from ..returns.design import design
from .checking import Likelihoods, draw_errors, rows_of

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["EVENTS_MOVED", "influence", "leave_domains_out"]

EVENTS_MOVED = ("r_above_1", "years_3_in_1y")
"""The meanings of SIE that a left-out row's effect is given for."""

MASSES = (0.5, 0.9)
"""Masses of the central predictive intervals checked for a left-out domain."""

PARTS = ("r_typical", "domain", "rows")
"""Where the uncertainty of a left-out domain's prediction comes from."""

REFIT_DRAWS = 8000
"""Draws of each refit without a row or a domain."""

Refits = Callable[..., np.ndarray]


def influence(
    tree: xr.DataTree,
    rows: xr.Dataset,
    view: View,
    *,
    seed: int,
    draws: int = REFIT_DRAWS,
    likelihoods: Likelihoods = None,
    on_progress: Callable[[str], None] = lambda text: None,
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
        on_progress=lambda i: on_progress(
            f"{view.name}: refit {i + 1} of {len(ids)} without a row, without {ids[i]}"
        ),
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
    on_progress: Callable[[str], None] = lambda text: None,
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

    domains = [domain for domain in rows.domain.values.tolist() if rows_of(rows, domain)]
    table = refits(
        without_domain,
        [{"domain": domain} for domain in domains],
        ["status", *map(str, INTERVAL), "observed", "below", *PARTS],
        shared={"rows": rows, "view": view, "seed": seed, "draws": draws, "likelihoods": likelihoods},
        on_progress=lambda i: on_progress(
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
        tree = fit(design(kept, view, likelihoods=likelihoods), seed=seed, draws=draws, groups=())
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
    own = rows_of(rows, domain)
    kept = rows.isel(estimate=[i for i in range(rows.sizes["estimate"]) if i not in own])
    try:
        tree = fit(design(kept, view, likelihoods=likelihoods), seed=seed, draws=draws, groups=())
    except NotConverged:
        return np.array([NOT_CONVERGED, *[np.nan] * (len(INTERVAL) + 2 + len(PARTS))])
    posterior = tree["posterior"].to_dataset()
    estimate = whole.expected(posterior)
    replicated = (estimate - draw_errors(whole, posterior, seed)).isel(estimate=own).mean("estimate")
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
    """Raise NotConverged for refits that did not converge."""
    lost = [name for name, status in zip(names, table[:, 0], strict=True) if status != DONE]
    if lost:
        raise NotConverged(
            f"{view.name}: found no posterior without {', '.join(lost)}, want one that converges"
        )


def _median_error(posterior: xr.Dataset) -> float:
    """Monte Carlo error of the median log r at ASARA."""
    from arviz_stats.base import array_stats

    log_r = np.log(posterior.r_asara.transpose("chain", "draw").values)
    return float(cast("Any", array_stats.mcse(log_r, method="quantile", prob=0.5)))
