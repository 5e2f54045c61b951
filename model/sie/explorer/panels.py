"""The parts of the page: what can be chosen and moved, laid out as HTML around marimo's elements."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from ..credences import EVENTS
from ..inference import NotConverged
from ..instant import Answer, Workbench
from ..priors import GROWTH, Prior
from ..sources import DataError, Source
from . import figures as drawing
from . import tables
from .controls import FAMILIES, SWITCHED_OFF, as_family, interval, prior_control, steps_of
from .session import Desk, History
from .state import MECHANISM, State, mechanisms, start

if TYPE_CHECKING:
    import marimo as mo
    import xarray as xr

__all__ = [
    "choices",
    "equations",
    "evidence",
    "figures",
    "follow",
    "forms",
    "header",
    "priors",
    "row_switches",
    "saving",
    "sliders",
]

DRAW_AFTER_SECONDS = 0.12
"""Figures are drawn once an edit has stood for so long."""

REFIT_AFTER_SECONDS = 0.6
"""A reweighted answer is replaced by that of a refit once it has stood for so long."""

_SetState = Callable[[tuple[State, str]], None]


def choices(desk: Desk, state: State, history: History, set_start: _SetState) -> dict[str, Any]:
    """What can be chosen about the whole: view, mechanism, second view, event of the tornado; undo and reset."""
    import marimo as mo

    names = dict(desk.views)
    names.setdefault(state.author.label, state.author)
    ways = mechanisms(state.author)
    now = {name: state.prior(name) for name in MECHANISM}
    current = next((way for way, priors in ways.items() if priors == now), None)

    def undo(_: object) -> None:
        if (before := history.undo()) is not None:
            set_start((before, ""))

    return {
        "view": mo.ui.dropdown(
            list(names),
            value=state.author.label,
            on_change=lambda label: set_start((start(names[label]), "")),
        ),
        "mechanism": mo.ui.dropdown(
            list(ways),
            value=current,
            on_change=lambda way: way and set_start((history.states[-1].changed(**ways[way]), "")),
        ),
        "compare with": mo.ui.dropdown(list(desk.views), value=None),
        "event": mo.ui.dropdown(
            {event.wording: name for name, event in EVENTS.items()}, value=EVENTS["r_above_1"].wording
        ),
        "undo": mo.ui.button(label="Undo", on_change=undo),
        "reset": mo.ui.button(
            label="Reset to the author", on_change=lambda _: set_start((start(state.author), ""))
        ),
    }


def header(chosen: Mapping[str, Any], compared: mo.ui.dropdown, event: mo.ui.dropdown, problem: str) -> str:
    """Title and choices; words where a URL could not be read."""
    refused = f'<p class="refused" role="alert">{escape(problem)}</p>' if problem else ""
    fields = (
        ("View", chosen["view"]),
        ("Compare with", compared),
        ("Mechanism after ASARA", chosen["mechanism"]),
        ("Event of the tornado", event),
    )
    return (
        '<header class="top"><h1>Returns to AI software R&amp;D and the software intelligence explosion</h1>'
        f'<div class="choices">{"".join(f"<label><span>{name}</span>{element}</label>" for name, element in fields)}'
        f'<div class="buttons">{chosen["undo"]}{chosen["reset"]}</div></div>{refused}</header>'
    )


def sliders(state: State) -> dict[str, Any]:
    """A slider for every prior of the view."""
    return {name: prior_control(name, state) for name in state.author.entries}


def row_switches(state: State, evidence: xr.Dataset) -> dict[str, Any]:
    """A switch for every evidence row; off means that the view's priors reflect it already, so that it does not count."""
    import marimo as mo

    return {row: mo.ui.switch(value=row not in state.reflects) for row in evidence.estimate.values.tolist()}


def forms(state: State, set_start: _SetState, history: History) -> dict[str, dict[str, Any]]:
    """For each quantity its family and, for an adjustment, whether it counts; a change of either makes new sliders."""
    import marimo as mo

    def change(name: str, prior: Callable[[State], Prior]) -> None:
        now = history.states[-1]
        try:
            set_start((now.changed(**{name: prior(now)}), ""))
        except DataError as error:
            set_start((now, str(error)))

    found: dict[str, dict[str, Any]] = {}
    for name in state.author.entries:
        prior = state.prior(name)
        families = list(dict.fromkeys([prior.family, state.author[name].prior.family, *FAMILIES]))
        found[name] = {
            "family": mo.ui.dropdown(
                families,
                value=prior.family,
                on_change=lambda family, name=name: change(name, lambda now: _of_family(now, name, family)),
            )
        }
        if name in SWITCHED_OFF:
            off = Prior(family="fixed", numbers=(SWITCHED_OFF[name],))
            found[name]["counts"] = mo.ui.switch(
                value=prior != off,
                on_change=lambda on, name=name, off=off: change(
                    name, lambda now: now.author[name].prior if on else off
                ),
            )
    return found


def _of_family(state: State, name: str, family: str) -> Prior:
    author = state.author[name].prior
    return author if family == author.family else as_family(state.prior(name), family)


def priors(
    state: State,
    sliders: Mapping[str, Any],
    forms: Mapping[str, Mapping[str, Any]],
    works: Mapping[str, Source],
) -> str:
    """Every prior: its slider under its density, the author's dashed, the quote one click away."""
    author = state.author
    groups = (
        ("What r rests on", [name for name in author.entries if name not in GROWTH]),
        ("Growth after ASARA", [name for name in author.entries if name in GROWTH]),
    )
    parts = []
    for title, names in groups:
        lines = "".join(_prior(name, state, sliders[name], forms[name], works) for name in names)
        parts.append(f"<h2>{title}</h2>{lines}")
    return f'<section class="priors">{"".join(parts)}</section>'


def _prior(name: str, state: State, slider: Any, form: Mapping[str, Any], works: Mapping[str, Source]) -> str:
    changed = name in state.priors
    curve, ticks = tables.density(name, state, steps_of(name, state))
    counts = f'<span class="counts">{form["counts"]}</span>' if "counts" in form else ""
    was = f'<span class="was">author: {escape(interval(state.author[name].prior))}</span>' if changed else ""
    unit = state.author[name].unit
    return (
        f'<div class="prior {"changed" if changed else ""}" data-prior="{name}">'
        f'<div class="name"><b>{escape(name.replace("_", " "))}</b>{counts}'
        f'<span class="interval">{escape(interval(state.prior(name)))}</span></div>{was}'
        f'{curve}<div class="slide">{slider}</div>{ticks}'
        f"<details><summary>{'factor' if unit == '1' else escape(unit)} · source and family</summary>"
        f"{tables.entry_details(name, state.author[name], state.author, works)}"
        f'<label class="family"><span>Family of the prior</span>{form["family"]}</label></details></div>'
    )


def evidence(
    rows: xr.Dataset, answer: Answer, switches: Mapping[str, Any], works: Mapping[str, Source]
) -> str:
    """Every evidence row with its switch: what it says, whether it counts, where it comes from."""
    left_out = dict(answer.fit.rows.attrs["left_out"]) if answer.fit is not None else {}
    used = set(answer.fit.rows.estimate.values.tolist()) if answer.fit is not None else set()
    if answer.fit is None:
        note = "The view states r at ASARA directly, so that evidence cannot move it."
    else:
        note = f"{len(used)} of {rows.sizes['estimate']} rows count. A row that is switched off is one that the view's priors already reflect."
    lines = []
    for i, row in enumerate(rows.estimate.values.tolist()):
        one = rows.isel(estimate=i)
        about = (
            str(rows.domain.values[int(one.domain_idx)])
            if int(one.domain_idx) >= 0
            else ", ".join(rows.adjustment.values[one.includes.values > 0].tolist()).replace("_", " ")
        )
        lines.append(
            f'<div class="row {"used" if row in used else "out"}" data-row="{row}"><span class="counts">{switches[row]}</span>'
            f"<details><summary><b>{escape(row.replace('_', ' '))}</b> <span>{escape(about)}: {escape(tables.row_value(one))}</span></summary>"
            f"{tables.row_details(one, left_out.get(row, ''), works)}</details></div>"
        )
    return f'<section class="evidence"><h2>Evidence</h2><p class="small">{escape(note)}</p>{"".join(lines)}</section>'


def figures(drawn: Mapping[str, str], *, stale: bool) -> str:
    """The figures that are drawn; pale while newer ones are on their way."""
    parts = "".join(
        f'<figure data-figure="{name}"><figcaption>{escape(title)}</figcaption>{drawn.get(name, "<p>drawing</p>")}</figure>'
        for name, title in drawing.FIGURES.items()
    )
    return f'<section class="figures {"stale" if stale else ""}">{parts}</section>'


def follow(
    bench: Workbench, answer: Answer, event: str, history: History, settle: Callable[[Callable], None]
) -> None:
    """Draw the figures of an answer that stands, then replace a reweighted answer by that of a refit. Runs in a thread."""
    import marimo as mo

    thread = mo.current_thread()
    time.sleep(DRAW_AFTER_SECONDS)
    for name in drawing.FIGURES:
        if thread.should_exit:
            return
        history.figures[name] = drawing.svg(name, answer, event=event)
    if thread.should_exit:
        return
    mo.output.replace(mo.Html(figures(history.figures, stale=False)))
    if answer.exact:
        return
    time.sleep(REFIT_AFTER_SECONDS)
    if thread.should_exit:
        return
    try:
        bench.refit(answer.view)
    except NotConverged:
        return
    if not thread.should_exit:
        settle(lambda count: count + 1)


def saving(downloads: Mapping[str, Any], upload: Any, state: State) -> str:
    """What leaves the explorer and what enters it."""
    changes = len(state.priors) + (state.reflects != state.author.reflects)
    count = "no change" if not changes else f"{changes} change{'s' if changes > 1 else ''}"
    return (
        f'<section class="saving"><h2>Save and share</h2><p>{count} to {escape(state.author.label)}. The address of this page restores'
        f" them. <code>sie report</code> on the saved view gives the same numbers with the seed and draws named above.</p>"
        f'<div class="buttons">{"".join(str(download) for download in downloads.values())}</div>'
        f'<label class="upload"><span>Open a view of your own (NAME.toml)</span>{upload}</label></section>'
    )


def equations() -> str:
    """Every equation and variable of the model, as the code has them."""
    from ..equations import as_text

    return (
        '<section class="equations"><details><summary>Every equation, variable and event of the model</summary>'
        f"<pre>{escape(as_text(width=100))}</pre></details></section>"
    )
