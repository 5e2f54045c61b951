"""The parts of the page: what can be chosen and moved, laid out as HTML around marimo's elements."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from ..base.errors import DataError
from ..data.bibliography import Source
from ..data.evidence import LEVELS
from ..data.families import Prior
from ..data.priors import view_names
from ..data.quantities import GROWTH
from ..data.wording import input_in_words
from ..growth.events import EVENTS
from ..returns.selection import domains_at
from . import figures as drawing
from . import tables
from .controls import FAMILIES, SWITCHED_OFF, as_family, interval, prior_control, steps_of
from .session import Desk, History
from .state import MECHANISM, State, edited, mechanisms, start

if TYPE_CHECKING:
    import marimo as mo
    import xarray as xr

__all__ = [
    "choices",
    "command",
    "equations",
    "evidence",
    "figures",
    "forms",
    "header",
    "level_choices",
    "priors",
    "row_switches",
    "saving",
    "second_view",
    "sliders",
    "tornado_event",
]

_SetState = Callable[[tuple[State, str]], None]


def choices(desk: Desk, state: State, history: History, set_start: _SetState) -> dict[str, Any]:
    """What can be chosen about the view that is edited: which it is, its mechanism; undo and reset."""
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
        "view": _dropdown(
            list(names),
            value=state.author.label,
            on_change=lambda label: set_start((start(names[label], history.states[-1].levels), "")),
        ),
        "mechanism": _dropdown(
            list(ways),
            value=current,
            on_change=lambda way: way and set_start((history.states[-1].changed(**ways[way]), "")),
        ),
        "undo": mo.ui.button(label="Undo", on_change=undo),
        "reset": mo.ui.button(
            label="Reset to the author", on_change=lambda _: set_start((start(state.author), ""))
        ),
    }


def second_view(desk: Desk) -> mo.ui.dropdown:
    """The view beside the edited one; it stays whatever happens to that."""
    return _dropdown(list(desk.views), value=None)


def tornado_event() -> mo.ui.dropdown:
    """The event of the tornado."""
    wordings = {event.wording: name for name, event in EVENTS.items()}
    return _dropdown(wordings, value=EVENTS["r_above_1"].wording)


def _dropdown(options: Any, **settings: Any) -> mo.ui.dropdown:
    import marimo as mo

    return mo.ui.dropdown(options, full_width=True, **settings)


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


def level_choices(state: State, evidence: xr.Dataset, usual: Mapping[str, str]) -> dict[str, Any]:
    """For each domain that has rows at several levels, the level at which it enters; `usual` are the defaults."""
    open_to: dict[str, list[str]] = {}
    for level in LEVELS:
        for domain in domains_at(evidence, level):
            open_to.setdefault(domain, []).append(level)
    return {
        domain: _dropdown(
            {level + (" (default)" if level == usual.get(domain) else ""): level for level in levels},
            value=_named(state.levels.get(domain, usual.get(domain)), usual.get(domain)),
        )
        for domain, levels in open_to.items()
        if len(levels) > 1
    }


def _named(level: str | None, usual: str | None) -> str | None:
    return level + " (default)" if level is not None and level == usual else level


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
            "family": _dropdown(
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
    sliders: Mapping[str, str],
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


def _prior(name: str, state: State, slider: str, form: Mapping[str, Any], works: Mapping[str, Source]) -> str:
    changed = name in state.priors
    curve, ticks = tables.density(name, state, steps_of(name, state))
    counts = f'<span class="counts">{form["counts"]}</span>' if "counts" in form else ""
    was = f"author: {escape(interval(state.author[name].prior))}" if changed else ""
    unit = state.author[name].unit
    return (
        f'<div class="prior {"changed" if changed else ""}" data-prior="{name}">'
        f'<div class="name"><b>{escape(name.replace("_", " "))}</b>{counts}'
        f'<span class="interval">{escape(interval(state.prior(name)))}</span></div><span class="was">{was}</span>'
        f'{curve}<div class="slide">{slider}</div>{ticks}'
        f"<details><summary>{'factor' if unit == '1' else escape(unit)} · source and family</summary>"
        f"{tables.entry_details(name, state.author[name], state.author, works)}"
        f'<label class="family"><span>Family of the prior</span>{form["family"]}</label></details></div>'
    )


def evidence(
    rows: xr.Dataset,
    used: tuple[str, ...],
    left_out: tuple[tuple[str, str], ...],
    switches: Mapping[str, str],
    levels: Mapping[str, str],
    works: Mapping[str, Source],
) -> str:
    """Every evidence row with its switch: what it says, whether it counts and why not, where it comes from; levels above."""
    ids, why = rows.estimate.values.tolist(), dict(left_out)
    reflected = [row for row in ids if "reflects" in why.get(row, "")]
    others = [row for row in ids if row in why and row not in reflected]
    groups = (
        {
            "Rows that count": list(used),
            "Rows that the view reflects": reflected,
            "Rows left out for other reasons": others,
        }
        if used
        else {"Rows that do not count": ids}
    )
    note = (
        "A row that is switched off is one that the view's priors already reflect; a saved view says so."
        if used
        else "This view states r at ASARA directly, so that evidence cannot move it."
    )
    # Rows stay where they are in the page and are put in order by style: a switch that moves is made anew, and may forget.
    order = {row: place for place, members in enumerate(groups.values()) for row in members}
    parts = "".join(
        f'<h3 style="order: {place}">{title} ({len(members)})</h3>' if members else "<h3 hidden></h3>"
        for place, (title, members) in enumerate(groups.items())
    )
    parts += "".join(
        _row(rows.isel(estimate=i), rows, switches[row], why.get(row, ""), order[row], works)
        for i, row in enumerate(ids)
    )
    return (
        f'<section class="evidence"><h2>Evidence</h2><p class="small">{escape(note)}</p><div>{_levels(levels) if used else ""}</div>'
        f'<div class="groups">{parts}</div></section>'
    )


def _levels(choices: Mapping[str, str]) -> str:
    fields = "".join(
        f"<label><span>{escape(domain)}</span>{choice}</label>" for domain, choice in choices.items()
    )
    return (
        "<h3>Level at which each domain enters</h3>"
        '<p class="small">Estimates as published, the growth rates behind them, the posteriors that Epoch published, or the raw'
        f' history; never two of one domain.</p><div class="choices levels">{fields}</div>'
    )


def _row(
    one: xr.Dataset, rows: xr.Dataset, switch: str, why: str, order: int, works: Mapping[str, Source]
) -> str:
    row, place = str(one.estimate.item()), int(one.domain_idx)
    adjustments = rows.adjustment.values[one.includes.values > 0].tolist()
    about = str(rows.domain.values[place]) if place >= 0 else ", ".join(adjustments).replace("_", " ")
    about = about or input_in_words(one)
    value = escape(tables.row_value(one)).replace(" ", "&nbsp;")  # a number is not broken into lines
    return (
        f'<div class="row {"out" if why else "used"}" style="order: {order}" data-row="{row}"><span class="counts">{switch}</span>'
        f"<details><summary><b>{escape(row.replace('_', ' '))}</b>"
        f" <span>· {escape(about)}: {value}</span></summary>"
        f"{tables.row_details(one, why, works)}</details></div>"
    )


def figures(drawn: Mapping[str, str]) -> str:
    """The figures that are drawn."""
    parts = "".join(
        f'<figure data-figure="{name}"><figcaption>{escape(title)}</figcaption>{drawn.get(name, "")}</figure>'
        for name, title in drawing.FIGURES.items()
    )
    return f'<section class="figures {"" if drawn else "empty"}">{parts}</section>'


def command(desk: Desk, state: State) -> str:
    """The command that says of a saved view what the page says."""
    view = edited(state)
    name = view.name if view.path is not None and view.name in view_names() else f"{view.name}.toml"
    words = ["sie", "report", name, "--seed", str(desk.bench.seed), "--draws", str(desk.bench.draws)]
    for domain, level in state.levels.items():
        words += ["--levels", f"{domain}={level}"]
    if desk.folder is not None:
        words += ["--evidence", str(desk.folder)]
    return (
        '<section class="command"><p>The numbers of this page on the command line, once the view is saved:'
        f"<code>{escape(shlex.join(words))}</code></p></section>"
    )


def saving(downloads: Mapping[str, Any], upload: Any) -> str:
    """What leaves the explorer and what enters it."""
    return (
        '<section class="saving"><h2>Save and share</h2><p>The address of this page holds every change: send it, or open it again.'
        " A saved view is read by <code>sie report</code>, which gives the same numbers with the seed and draws named above.</p>"
        f'<div class="buttons">{"".join(f"{download}" for download in downloads.values())}</div>'
        f'<label class="upload"><span>Open a view of your own (NAME.toml)</span>{upload}</label></section>'
    )


def equations() -> str:
    """Every equation and variable of the model, as the code has them."""
    from ..page.equations import as_text

    return (
        '<section class="equations"><details><summary>Every equation, variable and event of the model</summary>'
        f"<pre>{escape(as_text(width=100))}</pre></details></section>"
    )
