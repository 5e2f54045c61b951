"""`sie evidence`: what the evidence says domain by domain and row by row, and how well the model predicts it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ..base.errors import DataError, plain
from ..base.files import refuse_unwritable, sha256_of, write_whole
from ..base.imports import require
from ..page.tables import new_console
from ..returns.inputs import levels_in
from .evidence_tables import (
    PAGE_WIDTH,
    print_domains,
    print_inputs,
    print_predicted,
    print_rest,
    print_rows,
    print_scaling,
)
from .options import (
    MOST_WORKERS,
    Draws,
    Evidence,
    Levels,
    Seed,
    bibliography,
    check_sampling,
    check_whole,
    chosen_levels,
    refuse_unmoved,
)
from .waiting import progress

__all__ = ["evidence"]

DRAWS = 8000
"""Draws of the posterior behind every table; each refit of `--loo` has as many."""


PLOTS = {"forest": False, "left_out": True, "predicted": True}
"""The figures of `--out`, and whether they need `--loo`."""


def evidence(
    view: Annotated[
        str, typer.Argument(metavar="[VIEW]", help="A view that states the factors of r.")
    ] = "reference",
    levels: Levels = None,
    loo: Annotated[
        bool, typer.Option("--loo", help="Refit without each row and without each domain.")
    ] = False,
    workers: Annotated[
        int, typer.Option(metavar="N", help="Processes that run the refits of --loo (1: this process).")
    ] = 1,
    store: Annotated[
        Path | None,
        typer.Option(
            "--store", metavar="DIR", help="Keep the refits of --loo here; an interrupted run resumes."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write figures here.")] = None,
    seed: Seed = 1,
    draws: Draws = DRAWS,
    folder: Evidence = None,
) -> None:
    """r by domain before and after pooling, the effect of each row on r at ASARA and on P(SIE), the rows on inputs, predictive checks."""
    from ..data.evidence import read_evidence
    from ..data.priors import read_view
    from ..returns.selection import usable

    check_sampling(seed, draws)
    check_whole("--workers", workers, 1, MOST_WORKERS)
    if (workers > 1 or store is not None) and not loo:
        raise DataError("--workers" if store is None else "--store", plain("no --loo"), "refits to run")
    if workers > 1 or store is not None:
        require("cluster", "sie evidence --workers and --store")
    chosen_view = read_view(view, sources=bibliography(folder))
    refuse_unmoved("sie evidence", chosen_view)
    everything = read_evidence(folder)
    rows = usable(everything, chosen_view, levels=chosen_levels(levels, everything))
    names = [name for name, refits in PLOTS.items() if loo or not refits]
    targets = [out / f"{chosen_view.name}_{name}.png" for name in names] if out is not None else []
    refuse_unwritable("--out", out, folder=True)
    refuse_unwritable("--store", store, folder=True)
    for target in targets:
        refuse_unwritable("--out", target, inputs=[chosen_view.path], parent_may_be_made=True)

    from .. import __version__
    from ..analysis import checking, leaving_out
    from ..analysis.sensitivity.power import power_scaling
    from ..inference.sampling import fit
    from ..page.text import inputs_sha256
    from ..returns.design import design

    with progress() as on_progress:
        on_progress(f"{chosen_view.name}: sampling the posterior from {rows.sizes['estimate']} rows")
        of = design(rows, chosen_view)
        tree = fit(of, seed=seed, draws=draws, groups=())
        table = checking.domain_table(tree, of, seed=seed)
        predictive, scaling = checking.loo(tree, of), power_scaling(tree, of)
        moved = predicted = None
        if loo:
            inputs = f"{__version__} {inputs_sha256(chosen_view, levels_in(rows), folder)}"
            with _refits(workers, store, f"{inputs} {seed} {draws}", on_progress) as refits:
                options = {"seed": seed, "draws": draws, "on_progress": on_progress, "refits": refits}
                moved = leaving_out.influence(tree, rows, chosen_view, **options)
                predicted = leaving_out.leave_domains_out(rows, chosen_view, **options)
        if out is not None:
            raw = checking.raw_by_level(tree, everything, chosen_view, seed=seed)
            _write_figures(
                dict(zip(names, targets, strict=True)), table, raw, moved, predicted, chosen_view.label
            )
    console = new_console(sys.stdout, PAGE_WIDTH)
    console.print(f"{chosen_view.label}  ({chosen_view.name})")
    print_domains(console, table)
    print_rows(console, rows, predictive, scaling, moved)
    print_scaling(console, scaling)
    print_inputs(console, everything)
    if predicted is not None:
        print_predicted(console, predicted)
    print_rest(console, tree, rows)


@contextmanager
def _refits(
    workers: int, store: Path | None, about: str, on_progress: Callable[[str], None]
) -> Iterator[Callable]:
    """What runs the refits of `--loo`: this process, or a cluster of workers with a store from which an interrupted run resumes."""
    from ..base.cluster import cluster
    from ..base.tasks import in_turn, on_cluster

    if workers == 1 and store is None:
        yield in_turn
        return
    with tempfile.TemporaryDirectory() as scratch, cluster(workers) as client:
        folder = store or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        yield on_cluster(
            client,
            folder,
            sha256=sha256_of(about),
            progress=lambda done, tasks: on_progress(f"{done} of {tasks} refits"),
        )


def _write_figures(targets: dict[str, Path], table, raw, moved, predicted, label: str) -> None:
    from ..plots import evidence as figures
    from ..plots.style import save

    draw = {
        "forest": lambda: figures.plot_forest(table, raw, title=label),
        "left_out": lambda: figures.plot_left_out(moved, title=label),
        "predicted": lambda: figures.plot_predicted(predicted, title=label),
    }
    for name, path in targets.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(
                str(path.parent), plain(error.strerror or str(error)), "a folder that can be made"
            ) from None
        write_whole(path, lambda target, name=name: save(draw[name](), target))
