"""`sie diff`: why two views, or two saved reports, give different credences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from ..base.errors import DataError, plain
from ..base.files import make_folder, refuse_unwritable, write_json, write_whole
from ..base.stats import Z95
from ..data.wording import given_in_words, percent, points
from ..page.tables import aligned
from ..returns.inputs import levels_in
from .options import (
    Draws,
    Event,
    Evidence,
    Given,
    Json,
    Levels,
    PlotFolder,
    Seed,
    bibliography,
    check_given,
    check_sampling,
    chosen_events,
    chosen_levels,
)
from .waiting import progress

if TYPE_CHECKING:
    import xarray as xr

    from ..data.priors import View
    from ..page.snapshot import Saved

__all__ = ["diff"]

DEFAULT_DRAWS = 4000
"""Draws of each hybrid view; they are the same for all, so that their differences are precise."""

_Side = Annotated[
    str,
    typer.Argument(
        metavar="VIEW|FILE.json[:VIEW]|FILE.nc",
        help="A view, or one saved by sie report --json or --out.",
    ),
]


def diff(
    a: _Side,
    b: _Side,
    given: Given = "priors",
    event: Event = None,
    seed: Seed = 1,
    draws: Draws = DEFAULT_DRAWS,
    out: PlotFolder = None,
    json: Json = None,
    evidence: Evidence = None,
    levels: Levels = None,
) -> None:
    """Attribute the difference between the credences of A and B to the inputs in which they differ."""
    from ..analysis.differences import difference
    from ..data.evidence import evidence_files, read_evidence
    from ..returns.selection import usable

    check_sampling(seed, draws)
    check_given(given)
    events = chosen_events(event)
    works = bibliography(evidence)
    sides = [_read(side, works) for side in (a, b)]
    views: list[View] = [view for view, _, _ in sides]
    if given == "evidence" and any(saved is not None for _, saved, _ in sides):
        raise DataError("--given", given, "priors (a saved report holds no evidence to sample again)")
    inputs = [path for _, _, path in sides] + evidence_files(evidence)
    refuse_unwritable("--out", out, folder=True)
    refuse_unwritable("--json", json, inputs=inputs, others=[out] if out is not None else [])
    rows = read_evidence(evidence)
    chosen = chosen_levels(levels, rows, without=None if given == "evidence" else f"--given {given}")
    usable_rows = [
        usable(rows, view, levels=chosen) if given == "evidence" and not view.states_r_asara else None
        for view in views
    ]
    entered = next((levels_in(used) for used in usable_rows if used is not None), {})
    with progress() as on_progress:
        drawn: list[xr.Dataset] = []
        for view, used in zip(views, usable_rows, strict=True):
            on_progress(f"{view.name}: drawing")
            drawn.append(_draw(view, used, seed=seed, draws=draws))
        found = difference(
            views[0], views[1], drawn[0], drawn[1], events=events, given=given, on_progress=on_progress
        )
        if out is not None:
            _write_plots(found, (views[0].label, views[1].label), given, out)
    about = {"a": a, "b": b, "given": given, "levels": entered, "seed": seed, "draws": draws}
    write_json(json, _document(found, **about))
    print(_as_text(found, sides, given, seed))


def _read(side: str, works: dict) -> tuple[View, Saved | None, Path]:
    """A view by name or path, or one of a saved report; with the saved report and the file."""
    from ..data.priors import read_view, view_path
    from ..page.saved import read_report

    name, _, wanted = side.partition(".json:")
    if not (wanted or side.endswith((".json", ".nc"))):
        return read_view(side, sources=works), None, view_path(side)
    path = Path(f"{name}.json" if wanted else side)
    views = read_report(path)
    if wanted and wanted not in views:
        raise DataError(side, wanted, "one of " + ", ".join(views))
    if not wanted and len(views) > 1:
        raise DataError(side, plain(f"{len(views)} views"), f"{path}:VIEW with one of " + ", ".join(views))
    saved = views[wanted or next(iter(views))]
    if saved.levels is None:
        found = plain("a report of version 1, which is shown and not computed again")
        raise DataError(side, found, "one that this sie report wrote")
    saved.view.refuse_retired()
    return saved.view, saved, path


def _draw(view: View, rows: xr.Dataset | None, *, seed: int, draws: int) -> xr.Dataset:
    from ..inference.prior_draws import prior
    from ..inference.sampling import fit
    from ..returns.design import design

    if rows is None:
        return prior(view, draws=draws, seed=seed)
    return fit(design(rows, view), seed=seed, draws=draws, groups=())["posterior"].to_dataset()


def _write_plots(found: xr.Dataset, labels: tuple[str, str], given: str, folder: Path) -> None:
    from ..plots.differences import plot_difference
    from ..plots.style import save

    make_folder(folder)
    title = f"Why the credences differ, {given_in_words(given)}"
    for event in found.event.values.tolist():
        write_whole(
            folder / f"difference_{event}.png",
            lambda target, event=event: save(
                plot_difference(found, event, labels=labels, title=title), target
            ),
        )


def _document(found: xr.Dataset, **about: object) -> dict:
    events = []
    for event in found.event.values.tolist():
        one = found.sel(event=event)
        parts = [
            {"group": group, "part": float(part), "se": float(se)}
            for group, part, se in zip(one.group.values.tolist(), one.part.values, one.se.values, strict=True)
        ]
        events.append(
            {
                "event": event,
                "p_a": one.p_a.item(),
                "p_b": one.p_b.item(),
                "mcse_a": one.mcse_a.item(),
                "mcse_b": one.mcse_b.item(),
                "difference": one.whole.item(),
                "parts": parts,
            }
        )
    return {"version": 1, **about, "every_order": bool(found.attrs["every_order"]), "events": events}


def _as_text(found: xr.Dataset, sides: list, given: str, seed: int) -> str:
    lines = []
    for letter, (view, saved, _) in zip("AB", sides, strict=True):
        where = "" if saved is None else f", saved with {saved.draws} draws, seed {saved.seed}"
        lines.append(f"{letter}: {view.label}  ({view.name}{where})")
    lines.append(
        f"given {given}, {found.attrs['draws']} draws, seed {seed}; A and B ± Monte Carlo error, parts in percentage points ± half their"
        " 95 % interval"
    )
    for event in found.event.values.tolist():
        one = found.sel(event=event)
        ends = [
            f"{letter} {percent(p.item())} ± {100 * mcse.item():.1f}"
            for letter, p, mcse in (("A", one.p_a, one.mcse_a), ("B", one.p_b, one.mcse_b))
        ]
        lines += [
            "",
            f"{event}: {', '.join(ends)}, B - A {points(one.whole.item(), 2)}",
        ]
        order = np.argsort(-np.abs(one.part.values), kind="stable")
        rows = [
            [group, points(part, 2), f"± {100 * Z95 * se:.2f}"]
            for group, part, se in zip(
                one.group.values[order], one.part.values[order], one.se.values[order], strict=True
            )
        ]
        lines += aligned([*rows, ["sum of the parts", points(one.part.values.sum(), 2), ""]])
        for letter, p, (_, saved, _) in zip("AB", (one.p_a.item(), one.p_b.item()), sides, strict=True):
            if saved is not None and (event, given) in saved.credences:
                stored, mcse = saved.credences[event, given]
                lines.append(
                    f"  {letter} as saved: {100 * stored:.1f} % (MCSE {100 * mcse:.2f}); recomputed: {100 * p:.1f} %"
                )
    how = "every order" if found.attrs["every_order"] else "a sample of orders and their reverses"
    lines += [
        "",
        f"Each part is the effect of exchanging that group, averaged over {how}, from {found.attrs['hybrids']} hybrid views on"
        " common random numbers; the parts sum to the difference.",
    ]
    from ..analysis.differences import WHY_ONE

    lines += [text for group, text in WHY_ONE.items() if group in found.group.values]
    if given == "evidence":
        lines.append(
            "The inputs that evidence updates form one group, because two joint posteriors cannot be mixed."
        )
    if not found.sizes["group"]:
        lines.append("Both views state the same inputs: the difference is zero.")
    return "\n".join(lines)
