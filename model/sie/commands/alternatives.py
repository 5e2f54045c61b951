"""`sie alternatives`: the answer under other choices that could be defended, one at a time and in pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..base.errors import DataError, plain
from ..base.files import csv_text, refuse_unwritable, write_atomically, write_json, write_whole
from .alternatives_lines import as_text
from .options import (
    DEFAULT_DRAWS,
    Draws,
    Evidence,
    Json,
    Seed,
    bibliography,
    check_sampling,
    refuse_unmoved,
)
from .waiting import progress

__all__ = ["alternatives"]

DRAWS = 4000
"""Draws of each fit. The headline that `--save` stores is a separate fit with DEFAULT_DRAWS."""

FILES = {
    "csv": "{}_alternatives.csv",
    "r_above_1": "{}_alternatives_r_above_1.png",
    "years_3_in_1y": "{}_alternatives_years_3_in_1y.png",
}
"""Files that `--out` writes, by content."""


def alternatives(
    view: Annotated[
        str, typer.Argument(metavar="[VIEW]", help="A view that evidence can move.")
    ] = "reference",
    choices: Annotated[
        Path | None,
        typer.Option(
            "--choices", metavar="FILE", help="The alternatives (default: priors/alternatives.toml)."
        ),
    ] = None,
    singles: Annotated[bool, typer.Option("--singles", help="No pairs.")] = False,
    save: Annotated[
        bool,
        typer.Option("--save", help="Store the result of a bundled view, from which the headline is made."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the table as CSV and the figures here.")
    ] = None,
    json: Json = None,
    seed: Seed = 1,
    draws: Draws = DRAWS,
    folder: Evidence = None,
) -> None:
    """A view's answer under each defensible alternative choice and each pair of them: its range, and what moves it most."""
    from ..data.alternatives import read_alternatives
    from ..data.evidence import read_evidence
    from ..data.priors import read_view, view_names

    check_sampling(seed, draws)
    works = bibliography(folder)
    chosen, listed = read_view(view, sources=works), read_alternatives(choices, sources=works)
    refuse_unmoved("sie alternatives", chosen)
    if save and (folder is not None or choices is not None or view not in view_names() or singles):
        found = plain("--save with --evidence, --choices, --singles or a view of one's own")
        raise DataError("--save", found, "a bundled view on the bundled evidence, with pairs")
    targets = {key: out / name.format(chosen.name) for key, name in FILES.items()} if out is not None else {}
    inputs = [chosen.path, listed.path]
    refuse_unwritable("--out", out, folder=True)
    refuse_unwritable("--json", json, inputs=inputs, others=[*targets.values()])
    for target in targets.values():
        refuse_unwritable("--out", target, inputs=inputs, parent_may_be_made=True)

    from ..analysis.alternatives import curve, stored, summary

    evidence = read_evidence(folder)
    with progress() as on_progress:
        found = curve.specification_curve(
            chosen, evidence, listed, seed=seed, draws=draws, pairs=not singles, on_progress=on_progress
        )
        quoted = [*zip(found.headline.p.tolist(), found.headline.mcse.tolist(), strict=True)]
        if save:
            on_progress(f"{chosen.name}: the fit that the headline quotes")
            quoted = curve.answer_of(chosen, evidence, seed=seed, draws=DEFAULT_DRAWS)
        sha256 = stored.curve_sha256(chosen, listed.path, folder)
        document = summary.document(found, inputs_sha256=sha256, headline=quoted)
        if out is not None:
            _write(found, targets)
    write_json(json, document)
    if save:
        stored.save_stored(document)
    print(as_text(found))


def _write(found, targets: dict[str, Path]) -> None:
    from ..analysis.alternatives.summary import COLUMNS, records
    from ..growth.events import EVENTS
    from ..page.headline import ASKED
    from ..plots.alternatives import plot_specification_curve
    from ..plots.style import save

    targets["csv"].parent.mkdir(parents=True, exist_ok=True)
    write_atomically(targets["csv"], csv_text(COLUMNS, records(found)).encode())
    for i, (event, words) in enumerate(ASKED.items()):
        assert event in EVENTS
        ax = plot_specification_curve(found, i, words=words, title=found.view.label)
        write_whole(targets[event], lambda target, ax=ax: save(ax, target))
