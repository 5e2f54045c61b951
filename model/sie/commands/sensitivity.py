"""`sie sensitivity`: which inputs drive a view's answers, from one set of draws."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, plain
from ..base.files import make_folder, refuse_unwritable, write_json, write_whole
from ..base.stats import Z95
from ..data.wording import given_in_words, percent, share_in_words
from ..page.tables import aligned
from ..returns.inputs import levels_in
from .options import (
    DEFAULT_DRAWS,
    Draws,
    Event,
    Evidence,
    Given,
    Json,
    Levels,
    PlotFolder,
    Seed,
    ViewName,
    bibliography,
    check_given,
    check_sampling,
    chosen_events,
    chosen_levels,
)
from .waiting import progress

if TYPE_CHECKING:
    import xarray as xr

    from ..returns.design import Design

__all__ = ["sensitivity"]

COLUMNS = [
    "input",
    "5 %",
    "95 %",
    "P at 5 %",
    "P at 95 %",
    "moves P by (95 %)",
    "P = 50 % at (95 %)",
    "Shapley",
]
"""Columns of the table of one event."""


def sensitivity(
    view: ViewName,
    given: Given = "priors",
    event: Event = None,
    seed: Seed = 1,
    draws: Draws = DEFAULT_DRAWS,
    out: PlotFolder = None,
    json: Json = None,
    evidence: Evidence = None,
    levels: Levels = None,
) -> None:
    """Which inputs drive a view's credences: variance shares, Shapley effects, tornado, value of information, crossings of 50 %."""
    from ..data.evidence import evidence_files, read_evidence
    from ..data.priors import read_view
    from ..inference.prior_draws import prior
    from ..returns.selection import usable

    check_sampling(seed, draws)
    check_given(given)
    events = chosen_events(event)
    read = read_view(view, sources=bibliography(evidence))
    if given == "evidence" and read.states_r_asara:
        raise DataError(
            "--given", given, f"priors ({read.name} states r at ASARA, which evidence cannot move)"
        )
    inputs = [read.path, *evidence_files(evidence)]
    refuse_unwritable("--out", out, folder=True)
    refuse_unwritable("--json", json, inputs=inputs, others=[out] if out is not None else [])
    everything = read_evidence(evidence)
    chosen = chosen_levels(levels, everything, without=None if given == "evidence" else f"--given {given}")
    rows = usable(everything, read, levels=chosen) if given == "evidence" else None
    with progress() as on_progress:
        on_progress(f"{read.name}: drawing")
        tree = of = None
        if rows is None:
            drawn = prior(read, draws=draws, seed=seed)
        else:
            from ..inference.sampling import fit
            from ..returns.design import design

            of = design(rows, read)
            tree = fit(of, seed=seed, draws=draws)
            drawn = tree["posterior"].to_dataset()
        on_progress(f"{read.name}: what drives it")
        found = _analyse(drawn, read, events, tree, of)
        if out is not None:
            _write_plots(found, read.label, given, out)
    entered = levels_in(rows) if rows is not None else {}
    document = _document(found, view=read.name, given=given, levels=entered, seed=seed, draws=draws)
    write_json(json, document)
    print(_as_text(found, document, read.label))


def _analyse(
    drawn: xr.Dataset, view, events: list[str], tree: xr.DataTree | None, of: Design | None
) -> dict[str, xr.Dataset]:
    from ..analysis.sensitivity.crossings import crossings
    from ..analysis.sensitivity.measures import (
        effective_sample_size,
        independent_inputs,
        movement,
        tornado,
        variance_shares,
        varying_inputs,
    )
    from ..analysis.sensitivity.power import power_scaling
    from ..analysis.sensitivity.shapley import shapley_effects
    from ..growth.credences import credences, indicators
    from ..growth.paths import simulate

    paths = simulate(drawn)
    table = credences(paths, events=events)
    inputs = varying_inputs(drawn, view)
    if not inputs:
        raise DataError(view.name, plain("no quantity that varies"), "a view with uncertainty")
    happens, effective = indicators(paths, events), effective_sample_size(table)
    found = {
        "credences": table,
        "shares": variance_shares(drawn, effective=float(effective.min())),
        "tornado": tornado(inputs, happens, effective=effective),
        "movement": movement(inputs, happens, effective=effective),
        "crossings": crossings(inputs, happens, effective=effective),
        "shapley": shapley_effects(independent_inputs(inputs), happens, effective=effective),
    }
    if tree is not None and of is not None:
        found["power"] = power_scaling(tree, of)
    return found


def _write_plots(found: dict[str, xr.Dataset], label: str, given: str, folder: Path) -> None:
    from ..plots import sensitivity as plots
    from ..plots.style import save

    make_folder(folder)
    title = f"{label}, {given_in_words(given)}"
    draw = {"variance_shares": lambda: plots.plot_variance_shares(found["shares"], title=title)}
    for event, p in zip(found["credences"].event.values.tolist(), found["credences"].p.values, strict=True):
        draw[f"tornado_{event}"] = lambda event=event, p=p: plots.plot_tornado(
            found["tornado"], event, float(p), title=title
        )
        if np.all(np.isfinite(found["shapley"].share.sel(event=event))):
            draw[f"shapley_{event}"] = lambda event=event: plots.plot_shapley(
                found["shapley"], event, title=title
            )
    for name, make in draw.items():
        write_whole(folder / f"{name}.png", lambda target, make=make: save(make(), target))


def _document(found: dict[str, xr.Dataset], **about: object) -> dict:
    """The results as plain data; what does not exist is null."""
    return {"version": 1, **about} | {name: _rows(table) for name, table in found.items()}


def _rows(table: xr.Dataset) -> list[dict]:
    frame = table.drop_vars("wording", errors="ignore")
    out = []
    for name in frame.data_vars:
        variable = frame[name]
        for at in np.ndindex(*variable.shape):
            key = {dim: str(frame[dim].values[k]) for dim, k in zip(variable.dims, at, strict=True)}
            value = float(variable.values[at])
            out.append({**key, "what": str(name), "value": value if np.isfinite(value) else None})
    return out


def _as_text(found: dict[str, xr.Dataset], document: dict, label: str) -> str:
    from ..analysis.sensitivity.power import SENSITIVE

    shares = found["shares"]
    lines = [
        f"{label}  ({document['view']}), given {document['given']}, {document['draws']} draws, seed {document['seed']}",
        "",
    ]
    lines.append(
        "share of the variance of log r at ASARA ± half its 95 % interval (negative: varies against the other terms)"
    )
    rows = [
        [term, share_in_words(share), f"± {100 * Z95 * se:.1f}"]
        for term, share, se in zip(shares.term.values, shares.share.values, shares.se.values, strict=True)
    ]
    lines += aligned([*rows, ["sum", share_in_words(shares.share.values.sum()), ""]])
    effects = found["shapley"]
    how = "every order of the inputs" if effects.attrs["every_order"] else "a sample of orders"
    for e, event in enumerate(found["credences"].event.values.tolist()):
        p, mcse = (found["credences"][name].values[e] for name in ("p", "mcse"))
        rows = [COLUMNS, *(_row(found, e, name) for name in _by_movement(found["movement"].isel(event=e)))]
        if np.isfinite(effects.unattributed.values[e]):
            blank = [""] * (len(COLUMNS) - 2)
            rows.append(["not attributed", *blank, share_in_words(effects.unattributed.values[e])])
        lines += ["", f"{event}: P = {percent(p)} (MCSE {100 * mcse:.2f})", *aligned(rows)]
    lines += ["", *_notes(effects, how)]
    if "power" in found:
        lines += [
            "",
            f"power scaling (ArviZ): distance of posteriors per doubling of the weight of the priors and of the evidence; above {SENSITIVE:g}, sensitive",
        ]
        power = found["power"]
        rows = [["", "priors", "evidence"]]
        for answer, *distances in zip(
            power.answer.values, power.prior.values, power.likelihood.values, strict=True
        ):
            rows.append([str(answer), *(f"{distance:.3f}" for distance in distances)])
        lines += aligned(rows)
    return "\n".join(lines)


def _by_movement(movement: xr.Dataset) -> list[str]:
    order = np.argsort(-movement.moved.values, kind="stable")
    return movement.input.values[order].tolist()


def _row(found: dict[str, xr.Dataset], event: int, name: str) -> list[str]:
    at = {"event": event}
    tornado, movement, crossing = (
        found[key].isel(at).sel(input=name) for key in ("tornado", "movement", "crossings")
    )
    low, high = (f"{100 * p:.1f}" for p in tornado.p.values)
    moved = f"{100 * movement.moved.item():.1f} ({100 * movement.lower.item():.1f} to {100 * movement.upper.item():.1f})"
    if np.isnan(crossing.value.item()):
        half = "none"
    else:
        half = f"{crossing.value.item():.3g} ({crossing.lower.item():.3g} to {crossing.upper.item():.3g})"
    effects = found["shapley"].isel(at)
    shapley = "-"
    if name in effects.input.values and np.isfinite(effects.share.sel(input=name).item()):
        share, se = (effects[key].sel(input=name).item() for key in ("share", "se"))
        shapley = f"{100 * share:.1f} ± {100 * Z95 * se:.1f} %"
    ends = (f"{value:.3g}" for value in tornado.value.values)
    return [name, *ends, low, high, moved, half, shapley]


def _notes(effects: xr.Dataset, how: str) -> list[str]:
    return [
        "P at 5 % (95 %): P among the 10 % of draws with the lowest (highest) values of the input; their median is its 5 % (95 %) quantile.",
        "moves P by: expected absolute change of P, in percentage points, if it were known in which twentieth of its distribution the input lies, less that of shuffled values.",
        "P = 50 % at: value of the input at which P crosses 50 %, by a cubic in its normal score fitted to the log odds; none where P does not cross, or not beyond its error.",
        f"Shapley: share of the variance of the event's indicator, averaged over {how}, from {effects.attrs['draws']} draws; r_typical and spread act through r_target.",
        "Given evidence, inputs are correlated: P at a value of one input includes the effect of inputs that vary with it.",
    ]
