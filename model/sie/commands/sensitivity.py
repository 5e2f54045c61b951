"""`sie sensitivity`: which inputs drive a view's answers, from one set of draws."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, plain
from ..base.files import make_folder, refuse_unwritable, write_json, write_whole
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
    progress,
)

if TYPE_CHECKING:
    import xarray as xr

    from ..returns.design import Design

__all__ = ["sensitivity"]


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
    """What drives a view's credences: variance shares, Shapley effects, tornado, value of information, crossings."""
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
    from ..analysis.crossings import crossings
    from ..analysis.power import power_scaling
    from ..analysis.sensitivity import (
        happened,
        independent_inputs,
        movement,
        tornado,
        variance_shares,
        varying_inputs,
        worth,
    )
    from ..analysis.shapley import shapley_effects
    from ..growth.events import credences
    from ..growth.paths import simulate

    paths = simulate(drawn)
    table = credences(paths, events=events)
    inputs = varying_inputs(drawn, view)
    if not inputs:
        raise DataError(view.name, plain("no quantity that varies"), "a view with uncertainty")
    indicators, effective = happened(paths, events), worth(table)
    found = {
        "credences": table,
        "shares": variance_shares(drawn, effective=float(effective.min())),
        "tornado": tornado(inputs, indicators, effective=effective),
        "movement": movement(inputs, indicators, effective=effective),
        "crossings": crossings(inputs, indicators, effective=effective),
        "shapley": shapley_effects(independent_inputs(inputs), indicators, effective=effective),
    }
    for name in ("tornado", "movement", "crossings", "shapley"):
        found[name] = found[name].assign_coords(event=events)
    if tree is not None and of is not None:
        found["power"] = power_scaling(tree, of)
    return found


def _write_plots(found: dict[str, xr.Dataset], label: str, given: str, folder: Path) -> None:
    from ..plots import sensitivity as plots

    make_folder(folder)
    title = f"{label}, given {'priors' if given == 'priors' else 'priors and evidence'}"
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
        write_whole(folder / f"{name}.png", lambda target, make=make: plots.save(make(), target))


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
    shares = found["shares"]
    lines = [
        f"{label}  ({document['view']}), given {document['given']}, {document['draws']} draws, seed {document['seed']}",
        "",
    ]
    lines.append(
        "share of the variance of log r at ASARA (sum 1; negative: moves against the others), +- 1.96 s.e."
    )
    for term, share, se in zip(shares.term.values, shares.share.values, shares.se.values, strict=True):
        lines.append(f"  {term:<32}{100 * share:7.1f} % +- {196 * se:.1f}")
    lines.append(f"  {'sum':<32}{100 * shares.share.values.sum():7.1f} %")
    effects = found["shapley"]
    how = "every order of the inputs" if effects.attrs["every_order"] else "a sample of orders"
    for e, event in enumerate(found["credences"].event.values.tolist()):
        p, mcse = (found["credences"][name].values[e] for name in ("p", "mcse"))
        lines += [
            "",
            f"{event}: P = {100 * p:.1f} % (MCSE {100 * mcse:.2f})",
            f"  {'input':<32}{'5 %':>9}{'95 %':>9}  {'P at 5 %':>9} {'P at 95 %':>9}  {'moves P by (95 %)':>22}  {'P = 50 % at (95 %)':>26}  {'Shapley':>13}",
        ]
        for name in _by_movement(found["movement"].isel(event=e)):
            lines.append("  " + _line(found, e, name))
        if np.isfinite(effects.unattributed.values[e]):
            lines.append(f"  {'not attributed':<32}{'':>82}{100 * effects.unattributed.values[e]:>9.1f} %")
    lines += ["", *_notes(effects, how)]
    if "power" in found:
        lines += [
            "",
            "power scaling (ArviZ): distance per doubling of the weight of the priors and of the evidence; above 0.05 is sensitive",
        ]
        for answer, prior, likelihood in zip(
            found["power"].answer.values,
            found["power"].prior.values,
            found["power"].likelihood.values,
            strict=True,
        ):
            lines.append(f"  {answer:<32}{prior:7.3f} {likelihood:7.3f}")
    return "\n".join(line.rstrip() for line in lines)


def _by_movement(movement: xr.Dataset) -> list[str]:
    order = np.argsort(-movement.moved.values, kind="stable")
    return movement.input.values[order].tolist()


def _line(found: dict[str, xr.Dataset], event: int, name: str) -> str:
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
        shapley = f"{100 * share:.1f} +- {196 * se:.1f}"
    return f"{name:<32}{tornado.value.values[0]:>9.3g}{tornado.value.values[1]:>9.3g}  {low:>9} {high:>9}  {moved:>22}  {half:>26}  {shapley:>13}"


def _notes(effects: xr.Dataset, how: str) -> list[str]:
    return [
        "P at 5 % (95 %): among the tenth of the draws with the lowest (highest) values, whose median is that quantile.",
        "moves P by: mean absolute movement of P, in points, if the input were known to a twentieth of its probability, less that of shuffled values.",
        "P = 50 % at: where a cubic in the input's normal score, fitted to the log odds of all draws, crosses a half; none where it does not, or not beyond its error.",
        f"Shapley: share of the variance of whether the event happens, over {how}, from {effects.attrs['draws']} draws; r_typical and spread act through r_target.",
        "Inputs may depend on each other given evidence: then conditional quantities include what goes with an input.",
    ]
