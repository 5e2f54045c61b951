"""`sie table`: every view in one table, its credences pooled, and P by mechanism."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from ..base.files import refuse_unwritable, write_json
from ..data.quantities import GIVEN
from ..data.wording import (
    AUTHOR_SAYS,
    authored_in_words,
    conclusion_in_words,
    percent,
    share_in_words,
    with_error,
)
from ..page.tables import aligned
from ..returns.inputs import levels_in
from .options import (
    DEFAULT_DRAWS,
    Draws,
    Event,
    Evidence,
    Json,
    Levels,
    PriorsOnly,
    Seed,
    ViewNames,
    bibliography,
    check_sampling,
    chosen_events,
    chosen_levels,
    progress,
    read_views,
)

if TYPE_CHECKING:
    import xarray as xr

    from ..data.priors import View
    from ..data.weights import Weights

__all__ = ["table"]


def table(
    views: ViewNames = None,
    event: Event = None,
    seed: Seed = 1,
    draws: Draws = DEFAULT_DRAWS,
    priors_only: PriorsOnly = False,
    mechanisms: Annotated[
        bool, typer.Option("--by-mechanism", help="Also give P under each growth mechanism, from priors.")
    ] = False,
    weights: Annotated[
        Path | None,
        typer.Option("--weights", metavar="FILE", help="Weights of the pools (default: bundled)."),
    ] = None,
    json: Json = None,
    evidence: Evidence = None,
    levels: Levels = None,
) -> None:
    """Credences of all views, event by event, and their weighted pools."""
    from ..analysis.pooling import by_mechanism
    from ..data.evidence import evidence_files, read_evidence
    from ..data.weights import read_weights
    from ..returns.selection import usable

    check_sampling(seed, draws)
    events = chosen_events(event)
    works = bibliography(evidence)
    read = read_views("sie table", views, works)
    names = [view.name for view in read]
    weigh = read_weights(weights, sources=works)
    weigh.of(names)
    inputs = [view.path for view in read] + evidence_files(evidence)
    refuse_unwritable("--json", json, inputs=[*inputs, *([weights] if weights is not None else [])])
    rows = read_evidence(evidence)
    chosen = chosen_levels(levels, rows, without="--priors-only" if priors_only else None)
    usable_rows = [
        None if priors_only or view.states_r_asara else usable(rows, view, levels=chosen) for view in read
    ]
    with progress() as on_progress:
        found = {}
        for view, used in zip(read, usable_rows, strict=True):
            on_progress(f"{view.name}: drawing")
            found[view.name] = _credences(view, used, events, seed=seed, draws=draws)
        split = {}
        for view in read if mechanisms else ():
            on_progress(f"{view.name}: mechanisms")
            split[view.name] = by_mechanism(view, weigh, events=events, draws=draws, seed=seed)
    pooled = _pooled(found, events, weigh)
    document = {
        "version": 1,
        "seed": seed,
        "draws": draws,
        "levels": next((levels_in(used) for used in usable_rows if used is not None), {}),
        "weights": dict(zip(names, weigh.of(names).tolist(), strict=True)),
        "votes": _votes_json(names, weigh),
        "credences": _credences_json(found),
        "pooled": [item for item in pooled if item["floor"] in (None, weigh.floor)],
        "pooled_at_other_floors": [item for item in pooled if item["floor"] not in (None, weigh.floor)],
        "mechanisms": _mechanisms_json(split),
    }
    write_json(json, document)
    print(_as_text(read, found, pooled, weigh, events, split))


def _credences(
    view: View, rows: xr.Dataset | None, events: Sequence[str], *, seed: int, draws: int
) -> dict[str, xr.Dataset]:
    """Credences of one view given priors and, with rows, given evidence."""
    from ..growth.credences import credences
    from ..growth.paths import simulate
    from ..inference.prior_draws import prior
    from ..inference.sampling import fit
    from ..returns.design import design

    if rows is None:
        drawn = {"priors": prior(view, draws=draws, seed=seed)}
    else:
        tree = fit(design(rows, view), seed=seed, draws=draws)
        drawn = {"priors": tree["prior"].to_dataset(), "evidence": tree["posterior"].to_dataset()}
    return {given: credences(simulate(some), events=list(events)) for given, some in drawn.items()}


def _pooled(found: dict[str, dict[str, xr.Dataset]], events: Sequence[str], weigh: Weights) -> list[dict]:
    """Each event's pools given priors, over all views, and given evidence, over the views that it can move.

    The logarithmic pool is there at its own floor and at the others.
    """
    from ..analysis.pooling import OTHER_FLOORS, pool

    out = []
    for given in GIVEN:
        names = [name for name, tables in found.items() if given in tables]
        if not names or not weigh.any_of(names):
            continue
        p, mcse = (np.stack([found[name][given][key].values for name in names]) for key in ("p", "mcse"))
        shares = weigh.of(names)
        pools: list[tuple[str, float | None, tuple[np.ndarray, np.ndarray]]] = []
        for floor in dict.fromkeys((weigh.floor, *OTHER_FLOORS)):
            both = pool(p, mcse, shares, floor=floor)
            pools += [] if pools else [("linear", None, both["linear"])]
            pools.append(("logarithmic", floor, both["logarithmic"]))
        out += [
            {
                "event": event,
                "given": given,
                "pool": kind,
                "floor": floor,
                "views": names,
                "weights": shares.tolist(),
                "p": float(pooled[e]),
                "mcse": float(error[e]),
            }
            for kind, floor, (pooled, error) in pools
            for e, event in enumerate(events)
        ]
    return out


def _votes_json(names: Sequence[str], weigh: Weights) -> list[dict]:
    groups = {name: weigh.group_of(name) for name in names}
    return [
        {
            "view": name,
            "group": group.name if group is not None else name,
            "superseded_by": weigh.superseded_by(name, names),
        }
        for name, group in groups.items()
    ]


def _votes_in_words(names: Sequence[str], weigh: Weights) -> list[str]:
    """Which of these views share a vote and which have none, with the reasons."""
    lines = []
    for group in weigh.groups.values():
        here = [name for name in group.views if name in names]
        replaced = {name: later for name in here if (later := weigh.superseded_by(name, names))}
        sharing = [name for name in here if name not in replaced]
        said = [f"{name} has no vote: {later} supersedes it" for name, later in replaced.items()]
        if len(sharing) > 1:
            said.insert(0, f"{', '.join(sharing)} share one vote")
        if said:
            lines.append(f"  {group.label}: {'; '.join(said)} ({group.note}).")
    if lines:
        lines.insert(0, "Votes: one for each group of authors; a view in no group is a group of its own.")
    return lines


def _vetoes_in_words(
    read: Sequence[View], found: dict[str, dict[str, xr.Dataset]], events: Sequence[str], weigh: Weights
) -> list[str]:
    """The floor of the logarithmic pool, and which views would have a veto without it."""
    weight = weigh.of([view.name for view in read])
    lines = [
        f"Logarithmic pool: each view's p enters as f + (1 - 2 f) p, with a floor f of {percent(weigh.floor)} that does not depend on"
        " the number of draws. Without a floor a view at 0 has a veto: the pool is 0 whatever the others say."
    ]
    for view, share in zip(read, weight, strict=True):
        tables = found[view.name].values()
        at_end = [event for event in events if any(float(t.p.sel(event=event)) in (0.0, 1.0) for t in tables)]
        if at_end and share > 0:
            of = "every event" if len(at_end) == len(events) else ", ".join(at_end)
            lines.append(f"  At 0 or 1 in its draws, so that the floor decides: {view.name} for {of}.")
    return lines


def _credences_json(found: dict[str, dict[str, xr.Dataset]]) -> list[dict]:
    return [
        {"view": view, "event": event, "given": given, "p": float(p), "mcse": float(mcse)}
        for view, tables in found.items()
        for given, table in tables.items()
        for event, p, mcse in zip(table.event.values.tolist(), table.p.values, table.mcse.values, strict=True)
    ]


def _mechanisms_json(split: dict[str, xr.Dataset]) -> list[dict]:
    return [
        {
            "view": view,
            "event": event,
            "mechanism": mechanism,
            "weight": float(table.weight.values[m]),
            "p": float(table.p.values[m, e]),
            "mcse": float(table.mcse.values[m, e]),
        }
        for view, table in split.items()
        for m, mechanism in enumerate(table.mechanism.values.tolist())
        for e, event in enumerate(table.event.values.tolist())
    ]


def _as_text(
    read: list[View],
    found: dict[str, dict[str, xr.Dataset]],
    pooled: list[dict],
    weigh: Weights,
    events: Sequence[str],
    split: dict[str, xr.Dataset],
) -> str:
    from ..growth.events import EVENTS
    from ..page.text import CONDITIONS

    weight = weigh.of([view.name for view in read])
    lines = []
    for event in events:
        rows = [["view", "author's own", "weight", AUTHOR_SAYS, "priors", "+ evidence"]]
        for view, share in zip(read, weight, strict=True):
            cells = [_cell(found[view.name].get(given), event) for given in GIVEN]
            rows.append(
                [
                    view.name,
                    authored_in_words(view),
                    share_in_words(share),
                    conclusion_in_words(view.concludes.get(event)),
                    *cells,
                ]
            )
        for kind, floor in dict.fromkeys((item["pool"], item["floor"]) for item in pooled):
            cells = {
                item["given"]: with_error(item["p"], item["mcse"])
                for item in pooled
                if (item["event"], item["pool"], item["floor"]) == (event, kind, floor)
            }
            name = f"{kind} pool" if floor is None else f"{kind} pool, floor {percent(floor)}"
            rows.append([name, "", "", "", *(cells.get(given, "-") for given in GIVEN)])
        lines += [f"{event}: {EVENTS[event].wording}", *aligned(rows), ""]
    lines.append("Author's own: how many of a view's quantities are; the others are the reference's, or ours (sie list).")
    lines.append("In brackets: Monte Carlo standard errors in percentage points (for pools, upper bounds).")
    lines += _vetoes_in_words(read, found, events, weigh)
    lines += _votes_in_words([view.name for view in read], weigh)
    moved = [item["views"] for item in pooled if item["given"] == "evidence"]
    if moved:
        lines.append(
            f"Pools given evidence include only the {len(moved[0])} views that evidence can move, with the votes split among these: "
            + ", ".join(moved[0])
        )
    for event in events if split else ():
        rows = [["view", *weigh.mechanisms, "weighted"]]
        for view, table in split.items():
            of_event = table.sel(event=event)
            cells = map(with_error, of_event.p.values, of_event.mcse.values)
            rows.append([view, *cells, percent(of_event.p_mean.item())])
        lines += ["", f"P({event}) by mechanism, from each view's priors", *aligned(rows)]
    if split:
        shares = ", ".join(
            f"{mechanism.label} {100 * share:.1f} %"
            for mechanism, share in zip(weigh.mechanisms.values(), weigh.of_mechanisms(), strict=True)
        )
        lines += [
            "",
            f"Weights of mechanisms: {shares}. A mechanism replaces the view's compute_bottleneck, labour_share, sigma,"
            " experiment_gain and shape; r at ASARA is kept where the view states it directly.",
        ]
    return "\n".join([*lines, CONDITIONS])


def _cell(table: xr.Dataset | None, event: str) -> str:
    if table is None:
        return "-"
    credence = table.sel(event=event)
    return with_error(credence.p.item(), credence.mcse.item())
