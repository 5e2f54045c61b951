"""The evidence rows that may update a view: the level at which each domain enters, and why each other row is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..base.errors import DataError, check_holds, check_type, plain
from ..data.correlations import joined
from ..data.evidence import LEVELS
from ..data.priors import View
from . import likelihoods
from .inputs import borrow_input_growth, levels_of, unmatched

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["default_levels", "domains_at", "usable"]

UNSTORED = "no stored likelihood of it yet; make it with "
"""Why a raw history is left out; the command that fixes it follows."""


def default_levels(evidence: xr.Dataset) -> dict[str, str]:
    """The level at which each domain enters unless a caller chooses another: the column of `domains.csv`."""
    if "level" not in evidence:
        raise DataError(
            "evidence", plain("domains without a level"), "evidence as sie.read_evidence reads it"
        )
    return dict(zip(evidence.domain.values.tolist(), evidence.level.values.tolist(), strict=True))


def domains_at(evidence: xr.Dataset, level: str) -> list[str]:
    """The domains that have rows which can enter at a level."""
    return [domain for domain in evidence.domain.values.tolist() if _outputs(evidence, domain, level)]


def usable(evidence: xr.Dataset, view: View, *, levels: Mapping[str, str] | None = None) -> xr.Dataset:
    """The evidence rows that may update this view, each domain at one level.

    Left out are rows of other levels, with the option that would use them; series that do not identify r, or have no stored
    likelihood yet; rows the view already reflects and rows on the same output data; rows measured against inputs of which the view,
    or the row, says too little (`inputs`); rows on quantities that the view does not state, fixes or states in another unit; all but
    the preferred of shared output data; rows that include a steepening which the view derives.

    Parameters
    ----------
    evidence : xr.Dataset
        From `read_evidence`.
    view : View
        The view to be updated.
    levels : mapping of str to str, optional
        Level at which a domain enters, by domain: "published", "growth", "series" or "epoch"; other domains enter at the level in
        `domains.csv`.

    Returns
    -------
    xr.Dataset
        The rows that count, dim `estimate`. `attrs["left_out"]` lists the others as (id, why), `attrs["levels"]` the domains as
        (domain, level).

    Raises
    ------
    DataError
        For an unknown domain or level, for a level at which the domain has no row, for a level that was asked for, is not the
        default, and whose likelihood is not stored, and for a row in `reflects` that evidence does not have.

    Examples
    --------
    >>> rows = sie.usable(sie.read_evidence(), sie.read_view("davidson_2025"))
    >>> used, left_out = rows.estimate.values.tolist(), dict(rows.attrs["left_out"])
    >>> left_out["vision_2024"]
    'the view already reflects it'
    """
    check_type("view", view, View, "a view, as sie.read_view returns it")
    check_holds("evidence", evidence, ("estimate", "domain"), "evidence, as sie.read_evidence returns it")
    ids = evidence.estimate.values.tolist()
    for row in view.reflects:
        if row not in ids:
            raise DataError(
                f"{view.name} reflects", row, f"the id of an evidence row, one of {', '.join(ids)}"
            )
    asked = _checked(levels or {}, evidence)
    chosen = default_levels(evidence) | asked
    evidence = borrow_input_growth(evidence)
    domains = dict(zip(ids, evidence.domain.values[evidence.domain_idx.values].tolist(), strict=True))
    known = likelihoods.stored(evidence.attrs.get("folder"))
    reasons = _reasons(evidence, view, chosen, known)
    for row, why in reasons.items():
        if domains[row] in asked and why.startswith(UNSTORED):
            found = plain(f"no stored likelihood of {row}")
            raise DataError(f"levels {domains[row]}", found, f"one ({why.removeprefix(UNSTORED)})")
    elsewhere = [row for row, why in reasons.items() if not why]
    at = {
        level: _reasons(evidence, view, dict.fromkeys(chosen, level), known) for level in LEVELS if elsewhere
    }
    kinds = dict(zip(ids, evidence.kind.values.tolist(), strict=True))
    for row in elsewhere:
        own = [level for level, kind in LEVELS.items() if kind == kinds[row]]
        fits = [level for level in own if row not in at[level]]
        if fits:
            then = f'--levels "{domains[row]}={fits[0]}" would use it'
        else:
            then = f"at {own[0]} it is left out too: {at[own[0]][row]}"
        reasons[row] = f"the level of {domains[row]} is {chosen[domains[row]]}; {then}"
    rows = evidence.isel(estimate=[i for i, row in enumerate(ids) if row not in reasons])
    left_out = [(row, reasons[row]) for row in ids if row in reasons]
    return rows.assign_attrs(left_out=left_out, levels=list(chosen.items()))  # pairs, which NetCDF holds


def _reasons(evidence: xr.Dataset, view: View, levels: Mapping[str, str], known: set[str]) -> dict[str, str]:
    """Why rows are left out where domains enter at these levels, by row id; "" for a row of another level. `known` are the
    stored likelihoods."""
    ids = evidence.estimate.values.tolist()
    output = dict(zip(ids, evidence.output_idx.values.tolist(), strict=True))
    reflected = {output[row]: row for row in view.reflects}
    evidence = evidence.assign_attrs(levels=list(levels.items()))
    against, level = unmatched(evidence, view), levels_of(evidence)
    domains = evidence.domain.values[evidence.domain_idx.values].tolist()
    kinds, identified, by_epoch = (
        evidence[name].values.tolist() for name in ("kind", "identified", "by_epoch")
    )
    on = [evidence[name].values.tolist() for name in ("quantity", "unit", "distance") if name in evidence]
    asked = [*zip(*on, strict=True)]
    reasons = {}
    for i, (row, kind, domain) in enumerate(zip(ids, kinds, domains, strict=True)):
        if row in view.reflects:
            reasons[row] = "the view already reflects it"
        elif output[row] in reflected:
            reasons[row] = f"same output data as {reflected[output[row]]}, which the view already reflects"
        elif kind == "input":
            if why := _unread(*asked[i], view=view):
                reasons[row] = why
        elif kind == "factor":
            names = evidence.adjustment.values[evidence.includes.values[i] > 0].tolist()
            if row in against:
                reasons[row] = against[row]
            elif all(name in view and view[name].prior.family == "fixed" for name in names):
                reasons[row] = f"on {' and '.join(names)}, which the view fixes"
        elif not identified[i]:
            reasons[row] = "its only effort counts its own observations, so that r is not identified"
        elif kind != LEVELS[levels[domain]] or (levels[domain] == "epoch" and not by_epoch[i]):
            reasons[row] = ""
        elif row in against:
            reasons[row] = against[row]
        elif (name := likelihoods.name_of(row, level[i])) and name not in known:
            reasons[row] = UNSTORED + likelihoods.rebuilding(name, evidence.attrs.get("folder"))
    steepened = evidence.includes.sel(adjustment="steepening").values > 0
    wanted = evidence.preferred.values > 0
    preferred = {output[row]: row for i, row in enumerate(ids) if row not in reasons and wanted[i]}
    for i, row in enumerate(ids):
        if row in reasons:
            continue
        if not wanted[i] and output[row] in preferred:
            reasons[row] = f"same output data as {preferred[output[row]]}, which is preferred"
        elif steepened[i] and "gained_before_asara" in view:
            reasons[row] = "includes steepening, which the view derives from gained_before_asara"
    return reasons


def _unread(quantity: str, unit: str, distance: str, *, view: View) -> str:
    """Why a view does not read a row on one of its quantities; "" where it does."""
    for name in quantity.split("*"):
        if name not in view:
            return f"on {name}, which the view does not state"
        if view[name].prior.family == "fixed":
            return f"on {name}, which the view fixes"
        if unit != view[name].unit:
            return f"on {name} in {unit}; the view states it in {view[name].unit}"
    together = {*quantity.split("*")}
    if together & {"ceiling", "gained_before_asara"} and "gained_before_asara" in view:
        together |= {"ceiling", "gained_before_asara"}  # which are drawn as a pair
    for group in joined(view.correlations):
        apart = [name for name in group if name in together and name not in view.informed]
        if apart and (others := [name for name in group if name in view.informed]):
            return f"on {apart[0]}, which the view correlates with {others[0]}: rows on it would have to move both"
    if distance == "whole" and "gained_before_asara" not in view:
        return "on the whole distance; the ceiling of the view is what is left at ASARA"
    if distance == "left" and "gained_before_asara" in view and view["gained_before_asara"].unit != unit:
        return f"on what is left in {unit}; the view states gained_before_asara in another unit"
    return ""


def _outputs(evidence: xr.Dataset, domain: str, level: str) -> set[int]:
    """The output data on which a domain has a row that can enter at this level."""
    here = evidence.domain_idx.values == evidence.domain.values.tolist().index(domain)
    here = here & evidence.identified.values & (evidence.kind.values == LEVELS[level])
    if level == "epoch":
        here = here & evidence.by_epoch.values
    return set(evidence.output_idx.values[here].tolist())


def _checked(levels: Mapping[str, str], evidence: xr.Dataset) -> dict[str, str]:
    """The caller's levels that are not the default, each of a domain that has a row there."""
    usual = default_levels(evidence)
    asked = {domain: level for domain, level in levels.items() if usual.get(domain) != level}
    for domain, level in asked.items():
        if domain not in usual:
            raise DataError("levels", domain, "one of the domains " + ", ".join(usual))
        open_to_it = [name for name in LEVELS if _outputs(evidence, domain, name)]
        if level not in open_to_it:
            want = "one of " + ", ".join(open_to_it) if open_to_it else "no level (no row of it identifies r)"
            raise DataError(f"levels {domain}", level, want)
    return asked
