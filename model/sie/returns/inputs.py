"""What r was measured against, labour, compute or all inputs, and how each row follows from r, for a stated and for a derived compute factor.

With labour's share a in that history and the growth g_l of labour, g_c of compute, q = a g_l + (1 - a) g_c:

                                  stated compute factor, r against labour      derived from a, r against all inputs
    published, series (labour)    r                                            r q / g_l
    published, series (compute)   left out                                     r q / g_c
    published, series (all)       left out                                     r
    growth of output              r g_l (measured against labour only)         r q
    factor at fixed compute       compute_bottleneck                           e(0) g_l / q

At ASARA compute stands still: e(0) = a + epsilon (1 - a), and a has moved with the jump in labour,
1 - a_before = (1 - a) speedup^(kappa / lambda), kappa = (sigma - 1) / sigma, lambda = p / e(0): no move for sigma = 1.
(Compute's share in a CES falls as research input to the power kappa, and the pace rises as input to the power lambda.)
The share before the jump is used for the whole of each history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..data.priors import View

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "INPUT_FLOWS",
    "TERMS",
    "borrow_input_growth",
    "growth_of_inputs",
    "input_terms",
    "levels_in",
    "levels_of",
    "unmatched",
]

INPUT_FLOWS = ("labour", "compute")
"""The inputs of research whose growth a row may state."""

TERMS = ("all", *INPUT_FLOWS)
"""What a row's expected log contains a multiple of: log q, log g_l, log g_c."""


def growth_of_inputs(rows: xr.Dataset) -> np.ndarray:
    """The 5, 50, 95 % quantiles of each row's growth of labour and compute (estimate, flow, quantile); NaN where unknown."""
    if "growth" not in rows:
        return np.full((rows.sizes["estimate"], len(INPUT_FLOWS), 3), np.nan)
    return rows.growth.sel(flow=list(INPUT_FLOWS)).transpose("estimate", "flow", "growth_quantile").values


def borrow_input_growth(evidence: xr.Dataset) -> xr.Dataset:
    """The rows with the growth of labour and compute, where a row has neither, of a growth row on the same input data.

    Only where the growth rows on that input data agree.
    """
    if "growth" not in evidence:
        return evidence
    growth = evidence.growth.transpose("estimate", "flow", "growth_quantile").copy()
    flow = [growth.flow.values.tolist().index(name) for name in INPUT_FLOWS]
    known = ~np.isnan(growth.values[:, flow, 1])
    data = evidence.input_idx.values
    for i in np.flatnonzero(~known.any(axis=1)):
        alike = np.flatnonzero((data == data[i]) & known.any(axis=1))
        found = {tuple(np.nan_to_num(growth.values[j][flow].ravel(), nan=-1)) for j in alike}
        if len(found) == 1:
            growth.values[np.ix_([i], flow)] = growth.values[np.ix_([alike[0]], flow)]
    return evidence.assign(growth=growth)


def input_terms(rows: xr.Dataset, view: View) -> np.ndarray:
    """The multiples of log q, log g_l and log g_c in each row's expected log, (estimate, term)."""
    terms = np.zeros((rows.sizes["estimate"], len(TERMS)))
    fixed_compute = rows.includes.sel(adjustment="compute_bottleneck").values > 0
    ratio = is_growth_ratio(rows)
    if not view.derives_compute_bottleneck:
        terms[ratio] = 0, 1, 0
        return terms
    for i, (kind, against) in enumerate(zip(rows.kind.values, rows.input.values, strict=True)):
        if kind == "factor":
            terms[i] = (-1, 1, 0) if fixed_compute[i] else 0
        elif ratio[i]:
            terms[i] = (0, 1, 0) if fixed_compute[i] else (1, 0, 0)
        elif not fixed_compute[i]:
            terms[i] = {"labour": (1, -1, 0), "compute": (1, 0, -1), "all": 0}[str(against)]
    return terms


def is_growth_ratio(rows: xr.Dataset) -> np.ndarray:
    """Which rows enter as output growth over input growth."""
    return (rows.kind.values == "growth") & (levels_of(rows) == "growth")


def levels_in(rows: xr.Dataset) -> dict[str, str]:
    """The level at which each domain enters, of rows from `usable`; none of others."""
    return dict(rows.attrs.get("levels", ()))


def levels_of(rows: xr.Dataset) -> np.ndarray:
    """The level of each row, "" for factors."""
    levels, domains = levels_in(rows), rows.domain.values[rows.domain_idx.values].tolist()
    names = {"r": "published", "factor": "", "growth": "growth", "series": "series"}
    epoch = [
        kind == "growth" and levels.get(d) == "epoch"
        for kind, d in zip(rows.kind.values, domains, strict=True)
    ]
    found = [names[kind] for kind in rows.kind.values.tolist()]
    return np.where(epoch, "epoch", np.array(found, dtype=str))


def unmatched(rows: xr.Dataset, view: View) -> dict[str, str]:
    """Why a row's input does not match what the view says of inputs, by row id; rows that match are absent."""
    needed = input_terms(rows, view) != 0
    known = ~np.isnan(growth_of_inputs(rows)[..., 1])
    why = {}
    named = (rows[name].values.tolist() for name in ("estimate", "kind", "input"))
    for i, (row, kind, against) in enumerate(zip(*named, strict=True)):
        if not view.derives_compute_bottleneck and kind != "factor" and against != "labour":
            why[row] = f"measured against {against}; the view states the compute factor against labour"
            continue
        wanted = [flow for j, flow in enumerate(INPUT_FLOWS) if needed[i, 0] or needed[i, 1 + j]]
        if unknown := [flow for flow in wanted if not known[i, INPUT_FLOWS.index(flow)]]:
            verb = "needs" if view.derives_compute_bottleneck else "is measured against labour and needs"
            why[row] = f"growth of {' and '.join(unknown)} in that history is unknown; the row {verb} it"
    return why
