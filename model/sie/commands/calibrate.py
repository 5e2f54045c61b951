"""`sie calibrate`: whether a view's posteriors are calibrated, tested on worlds simulated from its priors."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.exit_codes import NOT_CALIBRATED
from ..base.files import refuse_unwritable, sha256_of, write_atomically, write_whole
from ..base.imports import require
from ..inference.prior_draws import check_seed
from ..page.tables import aligned
from ..returns.inputs import levels_in
from .options import (
    MOST_WORKERS,
    Evidence,
    Levels,
    Seed,
    bibliography,
    check_whole,
    chosen_levels,
    refuse_unmoved,
)
from .sweep import tell_damage
from .waiting import bar

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["calibrate"]

"""Exit code if the ranks are not uniform: the same as for a fit that did not converge."""


def calibrate(
    view: Annotated[
        str, typer.Argument(metavar="[VIEW]", help="A view that states the factors of r.")
    ] = "reference",
    runs: Annotated[int, typer.Option(metavar="N", help="Worlds to draw and refit.")] = 300,
    workers: Annotated[
        int, typer.Option(metavar="N", help="Processes of the embedded cluster, one thread each.")
    ] = 2,
    levels: Levels = None,
    without_histories: Annotated[
        bool,
        typer.Option(
            "--without-histories",
            help="Leave out raw histories: lambda is not learned from them, so a posterior with them is not that of one joint model.",
        ),
    ] = False,
    fixed_lambda: Annotated[
        float | None,
        typer.Option(
            "--lambda", metavar="X", help="Fix lambda here, in the worlds and in what is fitted to them."
        ),
    ] = None,
    date: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM-DD", help="Date to record in the JSON (default: none)."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Write the store and two figures here; an interrupted run resumes."
        ),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Write the result as JSON here, for sie report --calibration."
        ),
    ] = None,
    seed: Seed = 1,
    evidence: Evidence = None,
) -> int:
    """Simulation-based calibration: draw worlds from a view's priors, simulate and fit the evidence of each, and rank the truth among posterior draws.

    Exit code 0: calibrated; 3: not calibrated (results are still written and printed); 2: bad input.
    """
    require("cluster", "sie calibrate")
    from .. import __version__
    from ..analysis.calibration import worlds
    from ..analysis.calibration.varied import Varied
    from ..base.cluster import cluster
    from ..base.errors import NotConverged
    from ..data.evidence import evidence_files, read_evidence
    from ..data.priors import read_view
    from ..data.schema import DATE
    from ..page.calibration_record import as_json, make_record
    from ..page.text import inputs_sha256
    from ..returns.likelihoods import likelihood_files
    from ..returns.selection import usable

    check_whole("--runs", runs, worlds.LEAST_WORLDS, worlds.MOST_WORLDS)
    check_whole("--workers", workers, 1, MOST_WORKERS)
    check_seed("--seed", seed)
    read = read_view(view, sources=bibliography(evidence))
    refuse_unmoved("sie calibrate", read)
    if date is not None:
        DATE.of("--date", date)
    everything = read_evidence(evidence)
    varied = Varied(without_histories=without_histories, fixed_lambda=fixed_lambda)
    fitted = varied.view(read)
    rows = usable(everything, fitted, levels=chosen_levels(levels, everything))
    entered = levels_in(rows)
    refuse_unwritable("--out", out, folder=True)
    figures = [out / f"{read.name}_{what}.png" for what in ("ranks", "happened")] if out is not None else []
    for figure in figures:
        refuse_unwritable("--out", figure, inputs=[read.path], parent_may_be_made=True)
    files = [read.path, *evidence_files(evidence), *likelihood_files(evidence)]
    refuse_unwritable("--json", json, inputs=files, others=[*figures, *([out] if out is not None else [])])
    inputs = inputs_sha256(read, entered, evidence)
    about = f"{__version__} {seed} {runs} {inputs} {varied}"

    with tempfile.TemporaryDirectory() as scratch:
        folder = out or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        store = folder / f"{read.name}_calibration.zarr"
        with cluster(workers) as client, bar("worlds") as progress:
            ended = worlds.calibrate(
                fitted,
                varied.rows(rows),
                store,
                client,
                runs=runs,
                seed=seed,
                sha256=sha256_of(about),
                progress=progress,
            )
        found = worlds.open_calibration(store)
    tell_damage(store, ended)
    if not found.sizes["run"]:
        raise NotConverged(f"sie calibrate {view}: found no refit that ended, want at least one")
    record = make_record(
        found,
        view=read.name,
        label=read.label,
        inputs_sha256=inputs,
        levels=entered,
        seed=seed,
        date=date,
        varied=varied,
    )
    table = record.table
    if figures:
        from ..plots.calibration import plot_happened, plot_ranks
        from ..plots.style import save

        for figure, plot in zip(figures, (plot_ranks, plot_happened), strict=True):
            write_whole(figure, lambda target, plot=plot: save(plot(table, title=read.label), target))
    if json is not None:
        write_atomically(json, as_json(record).encode())
    print("\n".join(_lines(f"{read.label}{varied.words}", table, found)))
    if table.attrs["calibrated"]:
        return 0
    sys.stdout.flush()
    print(
        f"sie calibrate {view}: found ranks that chance does not explain, want uniform ranks", file=sys.stderr
    )
    return NOT_CALIBRATED


def _lines(label: str, table: xr.Dataset, found: xr.Dataset) -> list[str]:
    lines = [
        f"{label}: {table.attrs['runs']} worlds from its priors, each refitted ({table.attrs['lost']} lost, {int(found.divergences.sum())} divergences, {float(found.seconds.median()):.2g} s a refit)",
        "",
    ]
    rows = [["ranks of the truth", "largest difference", "95 % band", "p uniform"]]
    largest = abs(table.ecdf_difference).max("at")
    for name, difference, outside, p in zip(
        table.quantity.values, largest.values, table.outside.values, table.p_value.values, strict=True
    ):
        rows.append([name, f"{difference:.3f}", "outside" if outside else "within", f"{p:.3f}"])
    lines += [*aligned(rows, indent=0), "", "r at ASARA lies in its central posterior interval"]
    for mass, coverage in zip(table.mass.values, table.coverage.values, strict=True):
        error = (mass * (1 - mass) / table.attrs["runs"]) ** 0.5
        lines.append(f"  {mass:.0%} interval: {coverage:.1%} of worlds (chance {error:.1%})")
    rows = [["event", "predicted", "happened", "z"]]
    for name, p, happened, z in zip(
        table.event.values, table.predicted.values, table.happened.values, table.z.values, strict=True
    ):
        rows.append([name, f"{p:.3f}", f"{happened:.3f}", f"{z:+.1f}"])
    verdict = "calibrated" if table.attrs["calibrated"] else "NOT calibrated"
    return [
        *lines,
        "",
        *aligned(rows, indent=0),
        "",
        f"{verdict}: {int(table.outside.sum())} of {table.sizes['quantity']} quantities outside their band (by chance more than {table.attrs['outside_by_chance']} in 1 of 100 calibrations)",
    ]
