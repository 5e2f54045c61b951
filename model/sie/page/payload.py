"""What the page knows of one view, as data for JSON: its numbers with their origin, its rows, its answers and its draws."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analysis.alternatives.stored import read_stored
from ..analysis.mechanisms import under_at
from ..analysis.result import CONDITIONS, Result, compute, conditions
from ..base.errors import DataError
from ..data.alternatives import Alternative, read_alternatives
from ..data.bibliography import REFERENCE, Source, read_sources
from ..data.families import FAMILIES, Prior
from ..data.priors import Entry, View, to_toml
from ..data.quantities import CHAIN, QUANTITIES, RETIRED
from ..data.rows import LEVELS
from ..data.views import Conclusion
from ..data.weights import read_weights
from ..data.wording import (
    authored_in_words,
    conclusion_in_words,
    exogenous_in_words,
    input_in_words,
    input_number_in_words,
    prior_in_words,
    sampler_in_words,
)
from ..growth.events import EVENTS
from ..growth.speeds import PROGRESS_YEARS
from ..inference.mixture import Mixture, mixture_of_posterior, mixture_of_prior
from ..inference.sampling import fit
from ..returns.design import design
from ..returns.selection import domains_at
from .draw_sets import column_scale, stored_set
from .headline import headline_in_words
from .snapshot import versions

if TYPE_CHECKING:
    import xarray as xr

    from ..inference.workbench import Workbench

__all__ = ["STORED_DRAWS", "payload_of", "refitted", "view_payload"]

STORED_DRAWS = 4000
"""Draws of a set that a page stores."""

ENDS = (0.001, 0.01, 0.05, 0.5, 0.95, 0.99, 0.999)
"""Quantiles of a prior that its controls and its picture reach to."""

FEW_YEARS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 20.0)
"""Years of progress of the curve after a refit: fewer than a report's, for speed."""

EDITABLE = tuple(family for family in FAMILIES if family not in ("fixed", "mixture"))
"""Families that a page offers."""


def view_payload(
    view: View,
    evidence: xr.Dataset | None,
    *,
    levels: Mapping[str, str] | None = None,
    seed: int = 1,
    draws: int = STORED_DRAWS,
    wide: bool = False,
    mechanisms: Iterable[str] | None = (),
    folder: Path | None = None,
    works: Mapping[str, Source] | None = None,
    on_progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """`payload_of` the view's own fit.

    Parameters
    ----------
    view : View
        The view.
    evidence : xr.Dataset or None
        From `read_evidence`; None for priors only.
    levels : mapping of str to str, optional
        As in `sie.usable`.
    seed, draws : int, optional
        As in `sie report`.
    wide : bool, optional
        Whether some stored draws have wider priors, so that more edits are within reach.
    mechanisms : iterable of str, optional
        Names of the mechanisms under which the draws' outcomes are stored too; None for all.
    folder : Path, optional
        The evidence folder (default: that of `evidence`).
    works : mapping of str to Source, optional
        The bibliography.
    on_progress : callable, optional
        Is told what is at work.

    Returns
    -------
    dict
        For JSON.

    Raises
    ------
    DataError, NotConverged
        As in `sie report`.
    """
    result = compute(
        view,
        evidence,
        seed=seed,
        draws=draws,
        levels=levels,
        folder=folder,
        on_progress=on_progress,
        spreads=False,
    )
    works = read_sources() if works is None else works
    return payload_of(result, works, wide=wide, mechanisms=mechanisms, on_progress=on_progress)


def refitted(
    bench: Workbench, view: View, *, levels: Mapping[str, str], mechanisms: Iterable[str] = ()
) -> dict[str, Any]:
    """What a page that has the author's view needs of an edit of it: the priors, and draws of a fit.

    Parameters
    ----------
    bench : Workbench
        With the evidence, the seed and the number of draws.
    view : View
        The edited view.
    levels : mapping of str to str
        As in `sie.usable`.
    mechanisms : iterable of str, optional
        Names of the mechanisms under which the draws' outcomes are stored too.

    Returns
    -------
    dict
        Some keys of `payload_of`.

    Raises
    ------
    DataError, NotConverged
        As in `sie report`.
    """
    seed, draws, of = bench.seed, bench.draws, bench.design(view, levels=levels)
    tree = fit(of, seed=seed, draws=draws, groups=()) if of is not None else None
    drawn = tree["prior"].to_dataset() if tree is not None else None
    mixtures: dict[str, tuple[Mixture, list[str]]] = {
        "priors": (mixture_of_prior(view, seed=seed, draws=draws, wide=False, drawn=drawn), [])
    }
    if of is not None and tree is not None:
        mixture = mixture_of_posterior(view, tree, of, seed=seed, draws=draws, wide=False)
        mixtures["evidence"] = (mixture, of.coords["estimate"])
    return {
        "name": view.name,
        "quantities": [
            {"name": name, "prior": _prior(entry.prior), "correlated": _is_correlated(name, view)}
            for name, entry in view.entries.items()
        ],
        "sets": _sets(mixtures, view, seed=seed, mechanisms=mechanisms, years=FEW_YEARS),
    }


def payload_of(
    result: Result,
    works: Mapping[str, Source],
    *,
    wide: bool = True,
    mechanisms: Iterable[str] | None = None,
    on_progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """All that a page has of a result: every number with its origin, the answers of the report, and draws that the page weighs anew.

    Parameters
    ----------
    result : Result
        From `compute`.
    works : mapping of str to Source
        The bibliography.
    wide : bool, optional
        Whether some stored draws have wider priors, so that more edits are within reach.
    mechanisms : iterable of str, optional
        Names of the mechanisms under which the draws' outcomes are stored too (default: all).
    on_progress : callable, optional
        Is told what is at work.

    Returns
    -------
    dict
        For JSON: finite numbers, text, lists and mappings.
    """
    view, attrs = result.view, result.tree.attrs
    return {
        "name": view.name,
        "label": view.label,
        "bundled": _is_bundled(view),
        "work": _work(view.source, works),
        "toml": to_toml(view),
        "sha256": result.inputs_sha256,
        "seed": attrs["seed"],
        "draws": attrs["draws"],
        "command": f"sie report {_argument(view)} {result.options}",
        "page_command": f"sie page {_argument(view)} --out page.html",
        "levels": dict(result.levels),
        "versions": versions(),
        "authored": "Every number is our judgement and says why."
        if view.name == REFERENCE
        else f"{authored_in_words(view)} quantities are the author's own; the others are as in the reference view, or ours.",
        "remarks": _remarks(result),
        "sampler": sampler_in_words(attrs) if "evidence" in result.given else "",
        "conditions": conditions([view]) if view.exogenous else CONDITIONS,
        "events": [
            {
                "name": event.name,
                "wording": event.wording,
                "within": event.within,
                "work": _work(event.source, works),
                "says": conclusion_in_words(view.concludes.get(event.name)),
                "origin": _origin(view.concludes.get(event.name), view.source, works),
            }
            for event in EVENTS.values()
        ],
        "answers": {
            given: {
                "p": {name: _numbers(table, name) for name in EVENTS},
                "r": [
                    float(x)
                    for x in np.quantile(result.draws(given).r_asara.values, (0.05, 0.25, 0.5, 0.75, 0.95))
                ],
            }
            for given, table in result.credences.items()
        },
        "quantities": [_quantity(name, entry, view, works) for name, entry in view.entries.items()],
        "rows": _rows(result, works),
        "domains": _domains(result),
        "mechanisms": _mechanisms(),
        "alternatives": _alternatives(view),
        "sets": _sets_of(result, wide=wide, mechanisms=mechanisms, on_progress=on_progress),
    }


def _is_bundled(view: View) -> bool:
    from ..data.priors import view_names, view_path

    return view.path is not None and view.name in view_names() and view.path == view_path(view.name)


def _argument(view: View) -> str:
    return view.name if _is_bundled(view) else f"{view.name}.toml"


def _numbers(table: xr.Dataset, event: str) -> list[float]:
    return [float(table[name].sel(event=event)) for name in ("p", "mcse")]


def _work(key: str, works: Mapping[str, Source]) -> dict[str, str]:
    if key not in works:
        return {"words": key, "url": ""}
    work = works[key]
    return {"words": f"{work.authors} ({work.year}): {work.title}", "url": work.url or ""}


def _origin(
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
        "work": _work(key, works),
    }


def _prior(prior: Prior) -> dict[str, Any]:
    found: dict[str, Any] = {
        "family": prior.family,
        "numbers": [number if math.isfinite(number) else "inf" for number in prior.numbers],
    }
    if prior.family == "beta":
        found["shapes"] = list(prior.shapes)
    if prior.parts:
        found["parts"] = [_prior(part) for part in prior.parts]
    return found


def _quantity(name: str, entry: Entry, view: View, works: Mapping[str, Source]) -> dict[str, Any]:
    about, prior = {**QUANTITIES, **RETIRED}[name], entry.prior
    from scipy.special import ndtri

    fixed = prior.has_atom
    low, high = about.lower, about.upper
    fits = [
        family
        for family in EDITABLE
        if not (family == "beta" and high != 1.0)
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
        "prior": _prior(prior),
        "said": prior_in_words(prior),
        "moves": "" if not fixed else "fixed by the view: stored draws have one value of it",
        "correlated": _is_correlated(name, view),
        "informed": name in view.informed,
        "families": fits,
        "scale": "linear" if fixed else column_scale(prior),
        "ends": [] if fixed else [float(x) for x in prior.at(ndtri(np.array(ENDS)))],
        "origin": _origin(entry, view.source, works),
        "extra": {
            key: value for key, value in (("reached", entry.reached), ("against", entry.against)) if value
        },
    }


def _is_correlated(name: str, view: View) -> bool:
    return any(name in pair.between for pair in view.correlations)


def _words(name: str) -> str:
    return name.replace("_", " ").replace("asara", "ASARA").replace("post training", "post-training")


def _rows(result: Result, works: Mapping[str, Source]) -> list[dict[str, Any]]:
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
                "work": _work(str(one.source.item()), works),
            }
        )
    return found


def _domains(result: Result) -> list[dict[str, Any]]:
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


def _mechanisms() -> list[dict[str, str]]:
    return [
        {"name": mechanism.name, "label": mechanism.label} for mechanism in read_weights().mechanisms.values()
    ]


def _alternatives(view: View) -> dict[str, Any] | None:
    """The stored specification curve with its headline; None where the view has none of the present inputs."""
    if not _is_bundled(view):
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
    """What a page can do as an alternative does: priors, and rows left out; None where it does more."""
    alone = not (choice.drops or choice.edits_rows or choice.at_asara or choice.learns_lambda)
    movable = all(
        name in view and prior.family in EDITABLE and not view[name].prior.has_atom
        for name, prior in choice.priors.items()
    )
    if not (alone and movable):
        return None
    return {
        "priors": {name: _prior(prior) for name, prior in choice.priors.items()},
        "off": list(choice.without),
    }


def _remarks(result: Result) -> list[str]:
    """What else the reader of an answer must know."""
    found = [f"{text}." for text in exogenous_in_words(result.view)]
    if result.view.states_r_asara:
        found.append("The view states r at ASARA directly: evidence cannot move it.")
    elif "evidence" not in result.given:
        found.append("Priors only: no evidence was used.")
    return found


def _sets_of(
    result: Result, *, wide: bool, mechanisms: Iterable[str] | None, on_progress: Callable[[str], None]
) -> dict[str, Any]:
    view, attrs = result.view, result.tree.attrs
    seed, draws = attrs["seed"], min(STORED_DRAWS, attrs["draws"])
    drawn = None if wide else _some(result.draws("priors"), draws)
    mixtures: dict[str, tuple[Mixture, list[str]]] = {
        "priors": (mixture_of_prior(view, seed=seed, draws=draws, wide=wide, drawn=drawn), [])
    }
    if result.rows is not None:
        try:
            of = design(result.rows, view)
        except DataError:  # of a saved report whose evidence is not that of this installation
            of = None
        mixture = mixture_of_posterior(
            view, result.tree, of, seed=seed, draws=draws, wide=wide, on_progress=on_progress
        )
        mixtures["evidence"] = (mixture, result.rows.estimate.values.tolist() if of is not None else [])
    on_progress(f"{view.name}: outcomes under each mechanism")
    if view.retired:  # of which nothing is computed anew
        mechanisms = ()
    return _sets(mixtures, view, seed=seed, mechanisms=mechanisms, years=PROGRESS_YEARS)


def _some(draws: xr.Dataset, size: int) -> xr.Dataset:
    """The first draws of each chain, so many in total."""
    return draws.isel(draw=slice(0, size // draws.sizes["chain"]))


def _sets(
    mixtures: Mapping[str, tuple[Mixture, list[str]]],
    view: View,
    *,
    seed: int,
    mechanisms: Iterable[str] | None,
    years: Sequence[float],
) -> dict[str, Any]:
    """Mixtures as a page stores them, the last with what its figures need; under all mechanisms where none are named."""
    weights, last = read_weights(), [*mixtures][-1]
    chosen = (
        weights.mechanisms if mechanisms is None else {name: weights.mechanisms[name] for name in mechanisms}
    )
    sets = {}
    for given, (mixture, rows) in mixtures.items():
        by_mechanism = {"": mixture.draws} | {
            name: under_at(mixture.draws, view, mechanism, weights.history, seed=seed)
            for name, mechanism in chosen.items()
        }
        sets[given] = stored_set(
            mixture,
            view,
            rows,
            by_mechanism={name: _outcomes(each) for name, each in by_mechanism.items()},
            years=years if given == last else (),
        )
    return sets


def _outcomes(draws: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Events (event, draw) and r at ASARA (draw,) of draws that hold all that growth needs."""
    from ..growth.credences import block_indicators

    draws = draws[[name for name in draws if draws[name].dims == draws.r_asara.dims]].isel(chain=0)
    blocks = list(block_indicators(draws, list(EVENTS.values())))
    return np.concatenate(blocks, axis=1), draws.r_asara.values
