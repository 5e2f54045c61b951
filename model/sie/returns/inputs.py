"""What r was measured against, labour, compute or all inputs, and how each row follows from r, for a stated and for a derived compute factor.

With labour's share a_h in a history, the growth g_l of labour and g_c of compute in it, of which phi went into larger experiments,

    q = a_h g_l + (1 - a_h) (1 - phi) g_c

and a row shows, up to the factors that it includes already:

                                  stated compute factor, r against labour      derived from a, r against all inputs
    published, series (labour)    r                                            r q / g_l
    published, series (compute)   left out                                     r q / g_c
    published, series (all)       left out                                     r
    growth of output              r g_l (measured against labour only)         r q
    factor at fixed compute       compute_bottleneck                           compute_bottleneck g_l / q of the history that it names

Labour is as the row counts it in g_l, and as it grew in q: `equations.measured_against`.
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
    "histories_of",
    "input_terms",
    "levels_in",
    "levels_of",
    "ratio_of_inputs",
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


def ratio_of_inputs(rows: xr.Dataset) -> np.ndarray:
    """The 5 and 95 % quantiles of g_c / g_l where compute's growth is unknown (estimate, quantile); NaN elsewhere."""
    if "ratio" not in rows:
        return np.full((rows.sizes["estimate"], 2), np.nan)
    return rows.ratio.transpose("estimate", ...).values


def histories_of(rows: xr.Dataset) -> np.ndarray:
    """The input data whose growth each row is about, as a position (estimate,): its own, or the history that a factor names."""
    if "history" not in rows:
        return rows.input_idx.values.astype("int64")
    labels = rows.input_data.values.tolist()
    named = zip(rows.history.values.tolist(), rows.input_idx.values.tolist(), strict=True)
    return np.array([labels.index(name) if name else own for name, own in named], dtype="int64")


def borrow_input_growth(evidence: xr.Dataset) -> xr.Dataset:
    """The rows with the growth of labour and compute, their ratio and how labour is counted, where a row has none of its own, of
    rows about the same history.

    Only where those rows agree. Where nobody says how labour is counted, it is counted in a way of its own.
    """
    if "growth" not in evidence:
        return evidence
    growth = evidence.growth.transpose("estimate", "flow", "growth_quantile").copy()
    flow = [growth.flow.values.tolist().index(name) for name in INPUT_FLOWS]
    history = histories_of(evidence)
    known = ~np.isnan(growth.values[:, flow, 1])
    for i in np.flatnonzero(~known.any(axis=1)):
        alike = np.flatnonzero((history == history[i]) & known.any(axis=1))
        found = {tuple(np.nan_to_num(growth.values[j][flow].ravel(), nan=-1)) for j in alike}
        if len(found) == 1:
            growth.values[np.ix_([i], flow)] = growth.values[np.ix_([alike[0]], flow)]
    borrowed = {"growth": growth}
    for name, empty in (("ratio", np.nan), ("measure", "")):
        if name in evidence:
            borrowed[name] = _borrowed(evidence[name], history, empty)
    if "measure" in borrowed:
        own, named = evidence.input_data.values[evidence.input_idx.values], borrowed["measure"]
        borrowed["measure"] = named.copy(data=np.where(named.values == "", own, named.values))
    return evidence.assign(borrowed)


def _borrowed(values: xr.DataArray, history: np.ndarray, empty: object) -> xr.DataArray:
    """Values (estimate, ...) with those of rows about the same history where a row has none, if these agree."""
    filled = values.transpose("estimate", ...).copy()
    given = [row.tolist() for row in filled.values]
    lacks = np.array(
        [row == empty or (not isinstance(row, str) and bool(np.isnan(row).all())) for row in given]
    )
    for i in np.flatnonzero(lacks):
        alike = {str(given[j]): j for j in np.flatnonzero((history == history[i]) & ~lacks)}
        if len(alike) == 1:
            filled.values[i] = filled.values[next(iter(alike.values()))]
    return filled


def input_terms(rows: xr.Dataset, view: View) -> np.ndarray:
    """The multiples of log q, log g_l and log g_c in each row's expected log, (estimate, term)."""
    terms = np.zeros((rows.sizes["estimate"], len(TERMS)))
    fixed_compute = rows.includes.sel(adjustment="compute_bottleneck").values > 0
    ratio = is_growth_ratio(rows)
    if not view.derives_compute_bottleneck:
        terms[ratio] = 0, 1, 0
        return terms
    for i, (kind, against) in enumerate(zip(rows.kind.values, rows.input.values, strict=True)):
        if kind in ("factor", "input"):
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
    """The level of each row: "" for factors, "input" for rows on other quantities."""
    levels, domains = levels_in(rows), rows.domain.values[rows.domain_idx.values].tolist()
    names = {"r": "published", "factor": "", "input": "input", "growth": "growth", "series": "series"}
    epoch = [
        kind == "growth" and levels.get(d) == "epoch"
        for kind, d in zip(rows.kind.values, domains, strict=True)
    ]
    found = [names[kind] for kind in rows.kind.values.tolist()]
    return np.where(epoch, "epoch", np.array(found, dtype=str))


def unmatched(rows: xr.Dataset, view: View) -> dict[str, str]:
    """Why a row's input does not match what the view says of inputs, by row id; rows that match are absent."""
    terms = input_terms(rows, view)
    known, ratio = ~np.isnan(growth_of_inputs(rows)[..., 1]), ~np.isnan(ratio_of_inputs(rows)[:, 0])
    why = {}
    named = (rows[name].values.tolist() for name in ("estimate", "kind", "input"))
    for i, (row, kind, against) in enumerate(zip(*named, strict=True)):
        if not view.derives_compute_bottleneck and kind not in ("factor", "input") and against != "labour":
            why[row] = f"measured against {against}; the view states the compute factor against labour"
            continue
        labour, compute = known[i]
        if ratio[i] and not compute:
            compute, labour = True, labour or terms[i].sum() == 0  # only the ratio of the two enters
        wanted = [flow for j, flow in enumerate(INPUT_FLOWS) if terms[i, 0] or terms[i, 1 + j]]
        there = {"labour": labour, "compute": compute}
        if unknown := [flow for flow in wanted if not there[flow]]:
            verb = "needs" if view.derives_compute_bottleneck else "is measured against labour and needs"
            ratio_helps = kind in ("r", "series") and view.derives_compute_bottleneck
            cure = (
                " (ratio_q05 and ratio_q95: how many times as fast as labour compute grew)"
                if ratio_helps
                else ""
            )
            why[row] = (
                f"growth of {' and '.join(unknown)} in that history is unknown; the row {verb} it{cure}"
            )
    return why
