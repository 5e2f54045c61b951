"""What the page knows of one view, as data for JSON: its numbers with their origin, its rows, its answers and its draws."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analysis.mechanisms import under_at
from ..analysis.result import CONDITIONS, Result, compute, conditions
from ..base.errors import DataError
from ..data.bibliography import REFERENCE, Source, read_sources
from ..data.priors import View, to_toml
from ..data.weights import read_weights
from ..data.wording import (
    authored_in_words,
    conclusion_in_words,
    sampler_in_words,
)
from ..growth.events import EVENTS
from ..growth.speeds import PROGRESS_YEARS
from ..inference.mixture import Mixture, mixture_of_posterior, mixture_of_prior
from ..inference.sampling import fit
from ..returns.design import design
from .draw_sets import stored_set
from .facts import (
    alternatives_of,
    argument,
    domains_of,
    is_bundled,
    is_correlated,
    mechanisms_known,
    origin_of,
    prior_as_data,
    quantity_of,
    remarks_of,
    rows_of,
    work_of,
)
from .snapshot import versions

if TYPE_CHECKING:
    import xarray as xr

    from ..inference.workbench import Workbench

__all__ = ["STORED_DRAWS", "payload_of", "refitted", "view_payload"]

STORED_DRAWS = 4000
"""Draws of a set that a page stores."""

FEW_YEARS = (1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0)
"""Years of progress of the curve after a refit: fewer than a report's, for speed."""


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
    view, evidence, levels, seed, draws, folder
        As of `compute`.
    wide, mechanisms, on_progress
        As of `payload_of`.
    works : mapping of str to Source, optional
        The bibliography.

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
    """The part of a payload that changes when the author's view is edited: the priors, and draws of a fit.

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
    seed, draws, rows = bench.seed, bench.draws, bench.rows(view, levels=levels)
    of = bench.design(view, rows) if rows is not None else None
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
            {"name": name, "prior": prior_as_data(entry.prior), "correlated": is_correlated(name, view)}
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
        Called with a line of text as the work goes on.

    Returns
    -------
    dict
        For JSON: finite numbers, text, lists and mappings.
    """
    view, attrs = result.view, result.tree.attrs
    return {
        "name": view.name,
        "label": view.label,
        "bundled": is_bundled(view),
        "work": work_of(view.source, works),
        "toml": to_toml(view),
        "sha256": result.inputs_sha256,
        "seed": attrs["seed"],
        "draws": attrs["draws"],
        "command": f"sie report {argument(view)} {result.options}"
        + (" --evidence DIR" if _own_folder(result) else ""),
        "page_command": f"sie page {argument(view)} --out page.html",
        "levels": dict(result.levels),
        "versions": versions(),
        "authored": "Every number is our judgement and says why."
        if view.name == REFERENCE
        else f"{authored_in_words(view)} quantities are the author's own; the others are as in the reference view, or ours.",
        "remarks": remarks_of(result),
        "sampler": sampler_in_words(attrs) if "evidence" in result.given else "",
        "conditions": conditions([view]) if view.exogenous else CONDITIONS,
        "events": [
            {
                "name": event.name,
                "wording": event.wording,
                "within": event.within,
                "work": work_of(event.source, works),
                "says": conclusion_in_words(view.concludes.get(event.name)),
                "origin": origin_of(view.concludes.get(event.name), view.source, works),
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
        "quantities": [quantity_of(name, entry, view, works) for name, entry in view.entries.items()],
        "rows": rows_of(result, works),
        "domains": domains_of(result),
        "mechanisms": mechanisms_known(),
        "alternatives": alternatives_of(result),
        "sets": _sets_of(result, wide=wide, mechanisms=mechanisms, on_progress=on_progress),
    }


def _own_folder(result: Result) -> bool:
    """Whether the evidence comes from a user's folder."""
    return result.evidence is not None and result.evidence.attrs.get("folder") is not None


def _numbers(table: xr.Dataset, event: str) -> list[float]:
    return [float(table[name].sel(event=event)) for name in ("p", "mcse")]


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
    """The first draws of each chain, `size` in total."""
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
        by_mechanism = {
            name: under_at(mixture.draws, view, mechanism, weights.history, seed=seed)
            for name, mechanism in chosen.items()
        }
        sets[given] = stored_set(
            mixture, view, rows, by_mechanism=by_mechanism, years=years if given == last else ()
        )
    return sets
