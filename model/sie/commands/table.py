"""`sie table`: every view in one table, its credences pooled, and P by mechanism."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from ..base.files import refuse_unwritable, write_json
from ..data.quantities import GIVEN
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
    TableFile,
    ViewNames,
    bibliography,
    check_sampling,
    chosen_events,
    chosen_levels,
    read_views,
)
from .table_lines import as_text, moves_in_words, tables_of
from .waiting import each, progress

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
    over_time: Annotated[
        bool,
        typer.Option(
            "--over-time", help="Also give how each forecaster's answer moved from one view to the next."
        ),
    ] = False,
    weights: Annotated[
        Path | None,
        typer.Option("--weights", metavar="FILE", help="Weights of the pools (default: bundled)."),
    ] = None,
    file: TableFile = None,
    json: Json = None,
    evidence: Evidence = None,
    levels: Levels = None,
) -> None:
    """Credences of all views, event by event, and their weighted pools."""
    from ..analysis.mechanisms import by_mechanism
    from ..analysis.result import conditions
    from ..data.evidence import evidence_files, read_evidence
    from ..data.weights import read_weights
    from ..page.export import Block, as_csv, check_format, export
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
    check_format("--table", file)
    refuse_unwritable("--table", file, inputs=inputs, others=[json] if json is not None else [])
    rows = read_evidence(evidence)
    chosen = chosen_levels(levels, rows, without="--priors-only" if priors_only else None)
    usable_rows = [
        None if priors_only or view.states_r_asara else usable(rows, view, levels=chosen) for view in read
    ]
    with progress() as on_progress:
        found = {}
        for (view, used), tell in each(zip(read, usable_rows, strict=True), on_progress):
            tell(f"{view.name}: drawing")
            found[view.name] = _credences(view, used, events, seed=seed, draws=draws)
        split = {}
        for view, tell in each(read if mechanisms else (), on_progress):
            tell(f"{view.name}: mechanisms")
            split[view.name] = by_mechanism(view, weigh, events=events, draws=draws, seed=seed)
    pooled = _pooled(found, events, weigh)
    moves = moves_over_time(found, events, weigh)
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
        "over_time": moves if over_time else [],
    }
    write_json(json, document)
    if file is not None:
        tables = tables_of(read, found, pooled, weigh, events)
        blocks = [Block(title, head, rest, words=4) for title, (head, *rest) in tables.items()]
        pools = [{**item, "view": f"{item['pool']} pool"} for item in document["pooled"]]
        export(file, blocks, [conditions(read)], as_csv([*document["credences"], *pools]))
    print(as_text(read, found, pooled, weigh, events, split))
    if over_time:
        print("\n".join(moves_in_words(moves, {view.name: view for view in read})))


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


def moves_over_time(
    found: dict[str, dict[str, xr.Dataset]], events: Sequence[str], weigh: Weights
) -> list[dict]:
    """How a forecaster's answer moved from each view to the one that supersedes it, where both are in the table."""
    pairs = [(group.label, *pair) for group in weigh.groups.values() for pair in group.superseded.items()]
    return [
        {
            "forecaster": label,
            "event": event,
            "given": given,
            "earlier": earlier,
            "later": later,
            "p_earlier": float(before.p.sel(event=event)),
            "p_later": float(after.p.sel(event=event)),
            "difference": float(after.p.sel(event=event) - before.p.sel(event=event)),
            "mcse": float(np.hypot(before.mcse.sel(event=event), after.mcse.sel(event=event))),
        }
        for label, earlier, later in pairs
        if earlier in found and later in found
        for event in events
        for given, before in found[earlier].items()
        if (after := found[later].get(given)) is not None
    ]


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
