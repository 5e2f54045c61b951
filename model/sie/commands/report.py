"""`sie report`: the credences of views before and after evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..base.errors import DataError, plain
from ..base.files import refuse_unwritable, write_atomically
from ..data.bibliography import REFERENCE
from .options import (
    DEFAULT_DRAWS,
    Draws,
    Evidence,
    Figures,
    Html,
    Json,
    Levels,
    PriorsOnly,
    Seed,
    TableFile,
    ViewNames,
    bibliography,
    check_figures,
    check_html,
    check_sampling,
    chosen_levels,
    read_views,
)
from .waiting import each, progress

__all__ = ["report"]


def report(
    views: ViewNames = None,
    seed: Seed = 1,
    draws: Draws = DEFAULT_DRAWS,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write plots, draws and credences.csv here.")
    ] = None,
    figures: Figures = "png",
    table: TableFile = None,
    json: Json = None,
    html: Html = None,
    calibrations: Annotated[
        list[Path] | None,
        typer.Option(
            "--calibration",
            metavar="FILE",
            help="A calibration from sie calibrate --json to show on the page of --html; repeatable.",
        ),
    ] = None,
    priors_only: PriorsOnly = False,
    evidence: Evidence = None,
    levels: Levels = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Print the full report of each view if there are several.")
    ] = False,
) -> None:
    """Credences before and after evidence, with their Monte Carlo errors: one view in full, several on one screen."""
    from ..data.evidence import evidence_files, read_evidence
    from ..page import text as reports
    from ..page.calibration_record import in_words, read_records
    from ..page.document import render
    from ..page.export import check_format, export_report
    from ..page.headline import headline
    from ..page.payload import payload_of
    from ..page.saved_draws import MOST_DRAWS
    from ..page.summary import summary
    from ..returns.selection import usable

    check_sampling(seed, draws)
    if out is not None and draws > MOST_DRAWS:
        raise DataError("--draws", draws, f"at most {MOST_DRAWS} with --out, or sie open could not read them")
    works = bibliography(evidence)
    read = read_views("sie report", views, works)
    inputs = [view.path for view in read] + evidence_files(evidence) + (calibrations or [])
    check_figures(figures)
    if figures != "png" and out is None:
        raise DataError(f"--figures {figures}", plain("no --out"), "the folder for the figures, --out DIR")
    check_format("--table", table)
    targets = reports.planned_files(read, out, figures=figures) if out is not None else []
    refuse_unwritable("--out", out, folder=True)
    refuse_unwritable("--json", json, inputs=inputs, others=[*targets, *([out] if out is not None else [])])
    before = [target for target in (*targets, out, json) if target is not None]
    check_html("--html", html)
    refuse_unwritable("--html", html, inputs=inputs, others=before)
    others = [*before, *([html] if html is not None else [])]
    refuse_unwritable("--table", table, inputs=inputs, others=others)
    for target in targets:
        refuse_unwritable("--out", target, inputs=inputs, parent_may_be_made=True)

    if calibrations and html is None:
        raise DataError("--calibration", plain("no --html"), "the page on which it is shown")
    records = read_records(calibrations or [], [view.name for view in read])
    rows = read_evidence(evidence)
    chosen = chosen_levels(levels, rows, without="--priors-only" if priors_only else None)
    for view in read:
        usable(rows, view, levels=chosen)
    if priors_only:
        rows = None

    results = []
    with progress() as on_progress:
        for view, tell in each(read, on_progress):
            results.append(
                reports.compute(
                    view,
                    rows,
                    levels=chosen,
                    seed=seed,
                    draws=draws,
                    folder=evidence,
                    on_progress=tell,
                )
            )
        brief = len(results) > 1 and not verbose
        pages = [summary(results)] if brief else [reports.as_text(result) for result in results]
        if out is not None:
            reports.write_folder(results, out, figures=figures, works=works, on_progress=on_progress)
        if table is not None:
            export_report(table, results)
        if html is not None:
            first = results if views else sorted(results, key=lambda result: result.view.name != REFERENCE)
            payloads = [
                payload_of(result, works, on_progress=tell) for result, tell in each(first, on_progress)
            ]
            on_progress("writing the page")
            by_name = {result.view.name: result for result in results}
            said = [
                in_words(
                    record,
                    inputs_sha256=by_name[record.view].inputs_sha256,
                    levels=by_name[record.view].levels,
                )
                for record in records
            ]
            write_atomically(html, render(payloads, calibrations=said).encode())
        if json is not None:
            write_atomically(json, reports.as_json(results, seed=seed, draws=draws).encode())
    if evidence is None and not levels and not priors_only:  # which the headline is of
        print(f"{headline()}\n")
    print("\n".join(pages))
    if table is not None:
        print(f"{table}: written")
    if brief:
        print(
            "More: sie report VIEW for one view, --verbose for all; sie list for wordings; sie alternatives for the range; sie page.\n"
        )
    else:
        print(reports.event_wordings())
    said = reports.conditions([result.view for result in results])
    if not brief or priors_only or evidence is not None or levels or said != reports.CONDITIONS:
        print(said)
