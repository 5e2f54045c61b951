"""What a page shows of a view besides its answers: quantities, rows and alternatives with their sources, as data for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analysis.alternatives.stored import read_stored
from ..analysis.result import Result, inputs_sha256
from ..base.errors import DataError
from ..data.alternatives import Alternative, read_alternatives
from ..data.bibliography import REFERENCE, Source
from ..data.evidence import read_evidence
from ..data.families import FAMILIES, Prior
from ..data.priors import Entry, View, read_view, to_toml, view_names
from ..data.quantities import CHAIN, QUANTITIES, RETIRED
from ..data.rows import LEVELS
from ..data.views import Conclusion
from ..data.weights import read_weights
from ..data.wording import (
    exogenous_in_words,
    input_in_words,
    input_number_in_words,
    prior_in_words,
)
from ..returns.selection import default_levels, domains_at
from .draw_sets import column_scale
from .headline import headline_in_words

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "alternatives_of",
    "argument",
    "domains_of",
    "is_bundled",
    "is_correlated",
    "mechanisms_known",
    "origin_of",
    "prior_as_data",
    "quantity_of",
    "remarks_of",
    "rows_of",
    "work_of",
]

ENDS = (0.001, 0.01, 0.05, 0.5, 0.95, 0.99, 0.999)
"""Quantiles of a prior that set the range of its controls and its figure."""

EDITABLE = tuple(family for family in FAMILIES if family not in ("fixed", "mixture"))
"""Families that a page offers."""


def is_bundled(view: View) -> bool:
    """Whether a view is the bundled one of its name, whatever file it was read from."""
    return view.name in view_names() and to_toml(view) == to_toml(read_view(view.name))


def argument(view: View) -> str:
    return view.name if is_bundled(view) else f"{view.name}.toml"


def work_of(key: str, works: Mapping[str, Source]) -> dict[str, str]:
    if key not in works:
        return {"words": key, "url": ""}
    work = works[key]
    return {"words": f"{work.authors} ({work.year}): {work.title}", "url": work.url or ""}


def origin_of(
    item: Entry | Conclusion | None, source: str, works: Mapping[str, Source]
) -> dict[str, Any] | None:
    if item is None:
        return None
    key = item.source or source
    return {
        "basis": item.basis,
        "quote": item.quote or "",
        "note": item.note or "",
        "locator": item.locator or "",
        "via": item.via or "",
        "work": work_of(key, works),
    }


def prior_as_data(prior: Prior) -> dict[str, Any]:
    found: dict[str, Any] = {
        "family": prior.family,
        "numbers": [number if math.isfinite(number) else "inf" for number in prior.numbers],
    }
    if prior.family == "beta":
        found["shapes"] = list(prior.shapes)
    if prior.parts:
        found["parts"] = [prior_as_data(part) for part in prior.parts]
    return found


def quantity_of(name: str, entry: Entry, view: View, works: Mapping[str, Source]) -> dict[str, Any]:
    about, prior = {**QUANTITIES, **RETIRED}[name], entry.prior
    from scipy.special import ndtri

    fixed = prior.has_atom
    low, high = about.lower, about.upper
    fits = [
        family
        for family in EDITABLE
        if not (family == "normal" and low >= 0)
        and not (family == "beta" and high != 1.0)
        and not (family == "halfnormal" and not about.lower_included)
    ]
    return {
        "name": name,
        "words": _words(name),
        "symbol": about.symbol or "",
        "meaning": about.meaning,
        "unit": entry.unit,
        "range": [low, high if math.isfinite(high) else None, about.lower_included],
        "group": "r"
        if name in CHAIN or name in ("r_asara", "conversion", "gained_before_asara")
        else "growth",
        "prior": prior_as_data(prior),
        "said": prior_in_words(prior),
        "moves": "" if not fixed else "fixed by the view: stored draws have one value of it",
        "correlated": is_correlated(name, view),
        "informed": name in view.informed,
        "families": fits,
        "scale": "linear" if fixed else column_scale(prior),
        "ends": [] if fixed else [float(x) for x in prior.at(ndtri(np.array(ENDS)))],
        "origin": origin_of(entry, view.source, works),
        "extra": {
            key: value for key, value in (("reached", entry.reached), ("against", entry.against)) if value
        },
    }


def is_correlated(name: str, view: View) -> bool:
    return any(name in pair.between for pair in view.correlations)


def _words(name: str) -> str:
    return name.replace("_", " ").replace("asara", "ASARA").replace("post training", "post-training")


def rows_of(result: Result, works: Mapping[str, Source]) -> list[dict[str, Any]]:
    """Every evidence row: what it says, whether it counts and, where not, why."""
    if result.evidence is None:
        return []
    used = set(result.rows.estimate.values.tolist()) if result.rows is not None else set()
    why = dict(result.left_out)
    found = []
    for i, row in enumerate(result.evidence.estimate.values.tolist()):
        one = result.evidence.isel(estimate=i)
        what, number = _said(one, result.evidence)
        found.append(
            {
                "id": row,
                "kind": one.kind.item(),
                "what": what,
                "number": number,
                "used": row in used,
                "why": "" if row in used else why.get(row, "not used"),
                "basis": str(one.basis.item()),
                "quote": str(one.quote.item()),
                "note": str(one.note.item()),
                "locator": str(one.locator.item()),
                "via": str(one.via.item()),
                "work": work_of(str(one.source.item()), works),
            }
        )
    return found


def domains_of(result: Result) -> list[dict[str, Any]]:
    """The domains with evidence at several levels, and at which each entered."""
    if result.evidence is None or not result.levels:
        return []
    options: dict[str, list[str]] = {}
    for level in LEVELS:
        for domain in domains_at(result.evidence, level):
            options.setdefault(domain, []).append(level)
    return [
        {"name": name, "level": result.levels[name], "options": found}
        for name, found in options.items()
        if name in result.levels and len(found) > 1
    ]


def _said(row: xr.Dataset, rows: xr.Dataset) -> tuple[str, str]:
    """What a row is an estimate of, and its number."""
    kind = row.kind.item()
    if kind == "input":
        return input_in_words(row), input_number_in_words(row)
    included = rows.adjustment.values[row.includes.values > 0].tolist()
    if kind == "factor":
        what = "factor " + " times ".join(included)
    else:
        what = f"{rows.domain.values[row.domain_idx.item()]}, r against {row.input.item()}"
        what += f", with {' and '.join(included)} in it" if included else ""
    if kind == "series":
        return what, "raw history"
    if kind == "growth":
        medians = zip(
            row.flow.values.tolist(), row.growth.sel(growth_quantile=0.5).values.tolist(), strict=True
        )
        return what, ", ".join(
            f"{flow} {growth:.3g} a year" for flow, growth in medians if not math.isnan(growth)
        )
    low, _, median, _, high = row.value.values.tolist()
    spread = f" ({low:.3g} to {high:.3g})" if not math.isnan(low) else ""
    error = row.se.item()
    return what, f"{median:.3g}{spread or ('' if math.isnan(error) else f' ± {error:.3g}')}"


def mechanisms_known() -> list[dict[str, str]]:
    return [
        {"name": mechanism.name, "label": mechanism.label} for mechanism in read_weights().mechanisms.values()
    ]


def alternatives_of(result: Result) -> dict[str, Any] | None:
    """The stored specification curve with its headline; None where the view has none of these inputs, levels and evidence."""
    view = result.view
    if not is_bundled(view) or "evidence" not in result.given:
        return None
    usual = default_levels(read_evidence())
    if result.inputs_sha256 != inputs_sha256(read_view(view.name), usual):
        return None
    try:
        document = read_stored(view.name)
    except DataError:
        return None
    singles = document["specifications"]
    words = {choice["name"]: choice["label"] for choice in document["alternatives"]}
    groups = {choice["name"]: document["groups"][choice["group"]] for choice in document["alternatives"]}
    events, choices = document["events"], read_alternatives().choices
    return {
        "sentence": headline_in_words(document) if view.name == REFERENCE else "",
        "headline": document["headline"],
        "hangs_on": document["hangs_on"],
        "events": events,
        "singles": [
            {
                "name": first,
                "label": words[first],
                "group": groups[first],
                "edits": _edits_of(choices[first], view),
                "p": {event: singles[f"p {event}"][i] for event in events},
                "mcse": {event: singles[f"mcse {event}"][i] for event in events},
            }
            for i, (first, second) in enumerate(zip(singles["first"], singles["second"], strict=True))
            if first and not second
        ],
    }


def _edits_of(choice: Alternative, view: View) -> dict[str, Any] | None:
    """The priors and left-out rows by which a page can apply an alternative; None if the alternative changes anything else."""
    alone = not (choice.drops or choice.edits_rows or choice.at_asara or choice.learns_lambda)
    movable = all(
        name in view and prior.family in EDITABLE and not view[name].prior.has_atom
        for name, prior in choice.priors.items()
    )
    if not (alone and movable):
        return None
    return {
        "priors": {name: prior_as_data(prior) for name, prior in choice.priors.items()},
        "off": list(choice.without),
    }


def remarks_of(result: Result) -> list[str]:
    """What else the reader of an answer must know."""
    found = [f"{text}." for text in exogenous_in_words(result.view)]
    if result.view.states_r_asara:
        found.append("The view states r at ASARA directly: evidence cannot move it.")
    elif "evidence" not in result.given:
        found.append("Priors only: no evidence was used.")
    return found
