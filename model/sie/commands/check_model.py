"""`sie check-model`: whether the model of a view and the evidence agree, check by check, each with its verdict in a sentence."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.files import refuse_unwritable, write_json
from ..page.tables import new_console, new_table
from .evidence_tables import PAGE_WIDTH
from .options import (
    Draws,
    Evidence,
    Json,
    Levels,
    Seed,
    bibliography,
    check_sampling,
    chosen_levels,
    refuse_unmoved,
)
from .waiting import progress

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["check_model"]

DRAWS = 8000
"""Draws of the posterior, and of each refit without a domain."""


def check_model(
    view: Annotated[
        str, typer.Argument(metavar="[VIEW]", help="A view that states the factors of r.")
    ] = "reference",
    levels: Levels = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Skip the left-out domains, each of which takes a refit.")
    ] = False,
    json: Json = None,
    seed: Seed = 1,
    draws: Draws = DRAWS,
    evidence: Evidence = None,
) -> None:
    """Prior and posterior predictive checks, LOO-PIT, influence of rows, power scaling and left-out domains, each with a verdict."""
    from ..analysis import leaving_out
    from ..analysis.model_checks import check_rows, verdicts, with_refits
    from ..analysis.sensitivity.power import power_scaling
    from ..data.evidence import read_evidence
    from ..data.priors import read_view
    from ..inference.sampling import fit
    from ..returns.design import design
    from ..returns.selection import usable

    check_sampling(seed, draws)
    read = read_view(view, sources=bibliography(evidence))
    refuse_unmoved("sie check-model", read)
    refuse_unwritable("--json", json, inputs=[read.path])
    everything = read_evidence(evidence)
    rows = usable(everything, read, levels=chosen_levels(levels, everything))
    with progress() as on_progress:
        on_progress(f"{read.name}: sampling the posterior from {rows.sizes['estimate']} rows")
        of = design(rows, read)
        tree = fit(of, seed=seed, draws=draws, groups=())
        on_progress(f"{read.name}: each row under the priors, the posterior and left out")
        checked = with_refits(
            check_rows(tree, of, seed=seed), tree, rows, read, seed=seed, draws=draws, on_progress=on_progress
        )
        on_progress(f"{read.name}: power scaling")
        scaling = power_scaling(tree, of)
        predicted = (
            None
            if quick
            else leaving_out.leave_domains_out(rows, read, seed=seed, draws=draws, on_progress=on_progress)
        )
    found = verdicts(checked, scaling, predicted)
    document = {
        "version": 1,
        "view": read.name,
        "seed": seed,
        "draws": draws,
        "rows": [_row_json(checked.isel(estimate=i)) for i in range(checked.sizes["estimate"])],
        "verdicts": [{"check": each.check, "good": each.good, "sentence": each.sentence} for each in found],
    }
    write_json(json, document)
    console = new_console(sys.stdout, PAGE_WIDTH)
    console.print(f"{read.label}  ({read.name})")
    _print_rows(console, checked)
    for each in found:
        console.print(f"{'' if each.good else 'AGAINST THE MODEL: '}{each.check}: {each.sentence}.")


def _row_json(row: xr.Dataset) -> dict:
    def number(name: str) -> float | None:
        value = float(row[name])
        return value if value == value else None

    return {
        "row": row.estimate.item(),
        "refitted": row.refitted.item(),
        **{name: number(name) for name in ("prior_below", "posterior_below", "loo_pit", "khat")},
        "moved": {
            event: {"p": float(row.moved.sel(event=event)), "mcse": float(row.mcse.sel(event=event))}
            for event in row.event.values.tolist()
        },
    }


def _print_rows(console, checked: xr.Dataset) -> None:
    events = checked.event.values.tolist()
    shown = new_table("row", "prior", "posterior", "left out", "k-hat", *events)
    for i in range(checked.sizes["estimate"]):
        row = checked.isel(estimate=i)
        shown.add_row(
            row.estimate.item(),
            *(
                "-" if row[name].isnull() else f"{row[name].item():.3f}"
                for name in ("prior_below", "posterior_below", "loo_pit")
            ),
            f"{row.khat.item():.2f}",
            *(
                f"{100 * row.moved.sel(event=event).item():+.1f} ± {100 * row.mcse.sel(event=event).item():.1f}"
                for event in events
            ),
        )
    console.print(shown)
    console.print(
        "prior, posterior, left out: probability of an estimate below the one observed, as the priors, the posterior and all other rows predict it"
        " ('-': a bound); events: percentage points by which the row moves them, by weights, or by a refit where k-hat is above 0.7"
    )
