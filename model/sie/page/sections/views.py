"""One section a view: its credences, figures, priors with their origin, and the rows used and left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ...base.stats import INTERVAL
from ...data.quantities import QUANTITIES, RETIRED
from ...data.wording import (
    authored_in_words,
    conclusion_in_words,
    correlations_in_words,
    exogenous_in_words,
    hundredths,
    prior_in_words,
)
from ...growth.events import EVENTS, FAST_PACE, pace_at_asara
from ..page import Figure, Line, Paragraph, Section, Table
from ..text import Result
from .contents import Contents, citation, origin, slug

if TYPE_CHECKING:
    import xarray as xr


__all__ = ["views"]


def views(contents: Contents) -> list[Section]:
    """One section a view: credences, figures, priors with their origin, rows used and left out."""
    found = [Section(name="each-view", title="Each view", blocks=[Paragraph(lines=_VIEWS)])]
    for result in contents.results:
        blocks = [
            Paragraph(
                lines=(
                    Line("Source: "),
                    citation(result.view.source, contents.works),
                    Line(f" {authored_in_words(result.view)} quantities are the author's own."),
                )
            ),
            _credence_table(result, contents),
            *_figures(result),
            _prior_table(result, contents),
            *_row_tables(result),
            Paragraph(lines=tuple(_remarks(result))),
        ]
        name = f"view-{slug(result.view.name)}"
        found.append(Section(name=name, title=result.view.label, blocks=blocks, level=3))
    return found


_VIEWS = (
    "A view is one author's beliefs: a prior for every quantity, and the evidence rows that they already rest on. Basis: stated, a source prints the number; "
    "transcribed, from a work read second-hand; derived, computed from such numbers; reference, the author says nothing of it and it is as in the "
    "reference view; ours, our judgement; calibrated, ours, set so that the whole comes out as the author says of the whole."
)


def _credence_table(result: Result, contents: Contents) -> Table:
    view, rows = result.view, []
    for name, event in EVENTS.items():
        tables = [table.sel(event=name) for table in result.credences.values()]
        after = hundredths(tables[1].p.item()) if len(tables) > 1 else "–"
        errors = " / ".join(f"{100 * table.mcse.item():.2f}" for table in tables)
        title = (Line(name, kind="strong"), Line(event.wording, kind="small"))
        rows.append(
            [
                title,
                conclusion_in_words(view.concludes.get(name)),
                hundredths(tables[0].p.item()),
                after,
                errors,
            ]
        )
    columns = ["event", "author says", "author's priors", "+ evidence", "MCSE (points)"]
    return Table(caption="Probability in %", columns=columns, rows=rows, numbers=True)


def _figures(result: Result) -> list[Figure]:
    """The figures of a view, each with what it shows in words."""
    from ...plots import draws as plots
    from ...plots.domains import plot_domains
    from ...plots.paths import plot_fan
    from ...plots.style import as_svg

    view, last = result.view, result.given[-1]
    fitted = last == "evidence"
    given = "given priors and evidence" if fitted else "given priors"
    r = {name: np.quantile(result.draws(name).r_asara.values, INTERVAL) for name in result.given}
    words = {name: "{:.2f} ({:.2f} to {:.2f})".format(*(q[i] for i in (1, 0, 2))) for name, q in r.items()}
    moved = f"; with evidence {words['evidence']}" if fitted else ""
    drawn = {}
    if "r_target" in result.draws(last):
        drawn["waterfall"] = (
            plots.plot_waterfall(result.draws(last), narrow=True),
            f"From r of language models through each adjustment to r at ASARA, {given}",
            f"r at ASARA has median {words[last]}, after the factors of five adjustments whose medians are marked.",
        )
    drawn["r"] = (
        plots.plot_r(result.draws("priors"), result.draws("evidence") if fitted else None, narrow=True),
        "r at ASARA before and after evidence" if fitted else "r at ASARA, from the priors",
        f"Median and 5 to 95 % of r at ASARA: priors {words['priors']}{moved}.",
    )
    if fitted and (rows := result.rows) is not None:
        drawn["domains"] = (
            plot_domains(rows, result.draws("evidence"), narrow=True),
            "Published estimates of r that were used, and r of each domain given all of them",
            f"{int((rows.kind == 'r').sum())} published estimates and {rows.sizes['domain']} domains.",
        )
    drawn["fan"] = (
        plot_fan(result.paths[last], narrow=True),
        f"Software gained after ASARA, {given}",
        _fan_words(result.paths[last]),
    )
    return [
        Figure(
            caption=caption,
            alt=f"{view.label}. {caption}. {alt}",
            svg=as_svg(ax, salt=f"{view.name} {name}"),
        )
        for name, (ax, caption, alt) in drawn.items()
    ]


def _fan_words(paths: xr.Dataset) -> str:
    from ...growth.paths import doublings_by
    from ...plots.paths import ENDLESS

    gained = np.minimum(doublings_by(paths, np.array([1.0])), ENDLESS)
    low, median, high = (
        f"{level:.0f}" if level < ENDLESS else "infinitely many" for level in np.quantile(gained, INTERVAL)
    )
    return f"After one year, median {median} doublings of software (5 to 95 %: {low} to {high})."


def _prior_table(result: Result, contents: Contents) -> Table:
    view = result.view
    rows = []
    for name, entry in view.entries.items():
        title = (Line(name, kind="strong"), Line({**QUANTITIES, **RETIRED}[name].meaning, kind="small"))
        unit = () if entry.unit == "1" else (Line(entry.unit, kind="small"),)
        rows.append(
            [
                title,
                (Line(prior_in_words(entry.prior)), *unit),
                entry.basis,
                origin(entry, view.source, contents.works),
            ]
        )
    return Table(
        caption=f"Priors of {view.label}",
        columns=["quantity", "prior", "basis", "where it comes from"],
        widths=(23, 21, 13, 43),
        rows=rows,
    )


def _row_tables(result: Result) -> list[Table]:
    """Which evidence rows moved a view, and why the others did not."""
    if not result.left_out and result.rows is None:
        return []
    reasons: dict[str, list[str]] = {}
    if result.rows is not None:
        reasons["used"] = result.rows.estimate.values.tolist()
    for row, why in result.left_out:
        reasons.setdefault(f"left out: {why}", []).append(row)
    rows = [[why, ", ".join(ids)] for why, ids in reasons.items()]
    caption = f"Evidence rows and {result.view.label}"
    return [Table(caption=caption, columns=["use", "rows"], widths=(38, 62), rows=rows)]


def _remarks(result: Result) -> Iterator[Line]:
    """What a reader must know about a view's draws beside the tables."""
    prior = result.draws("priors")
    fast = 100 * float((pace_at_asara(prior) > FAST_PACE * prior.recent_doublings_per_year).mean())
    yield Line(
        f"In {fast:.1f} % of prior draws the pace is above {FAST_PACE:g} times the recent pace at ASARA already."
    )
    if (discarded := prior.attrs.get("discarded_prior_mass", 0)) > 0:
        yield Line(f"{100 * discarded:.1f} % of the prior lay below gained_before_asara and was discarded.")
    if said := correlations_in_words(result.view):
        yield Line(f"Correlated: {said}.")
    for line in exogenous_in_words(result.view):
        yield Line(f"{line[0].upper()}{line[1:]}.")
    if result.view.states_r_asara:
        yield Line("The view states r at ASARA directly, so that evidence on r cannot move it.")
    if any(entry.basis == "calibrated" for entry in result.view.entries.values()):
        yield Line(
            "Calibrated priors agree with what the author says of the whole by construction; that reproduces nothing."
        )
