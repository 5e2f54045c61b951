"""The answer: each event in words with its probabilities, and all views side by side."""

from __future__ import annotations

import numpy as np

from ...base.stats import INTERVAL
from ...data.wording import hundredths
from ...growth.events import EVENTS
from ..page import Cell, Line, Mark, Paragraph, Scale, Section, Table
from ..text import Result
from .contents import Contents, citation, slug

__all__ = ["headline", "side_by_side"]


def headline(contents: Contents) -> list[Section]:
    """Each event in words, with the probabilities that the views give it."""
    several = len(contents.results) > 1
    scales = []
    for event in EVENTS.values():
        marks = [mark_of(result, event.name) for result in contents.results]
        low, high = (round(100 * pick(mark.last for mark in marks)) for pick in (min, max))
        lines = (
            Line(f"{event.name}; {event.within}. Defined by "),
            citation(event.source, contents.works),
        )
        answer = f"{low} %" if low == high else f"{low} – {high} %"
        capital = event.wording[1].isalpha() or event.wording[0].isdigit()
        heading = event.wording[0].upper() + event.wording[1:] if capital else event.wording
        scales.append(Scale(heading=heading, lines=lines, answer=answer, marks=marks, axis=not scales))
    how = (
        "the lowest and the highest probability that a view gives"
        if several
        else "the probability that the view gives"
    )
    text = (
        f"Software intelligence explosion has no single meaning. Each line below is one precise meaning; meanings are never pooled. The number is {how}, "
        "after all the evidence that it can use. On the line from 0 to 100 %, a square is a view's priors alone, a circle the same view with evidence."
    )
    return [Section(name="answer", title="The answer in words", blocks=[Paragraph(lines=text), *scales])]


def side_by_side(contents: Contents) -> list[Section]:
    """All views in one table: priors, then with evidence."""
    names = list(EVENTS)
    rows, shade = [], {}
    for i, result in enumerate(contents.results):
        marks = [mark_of(result, name) for name in names]
        shade |= {(i, j): mark.last for j, mark in enumerate(marks, start=1)}
        cells = [
            hundredths(mark.before)
            if mark.after is None
            else (Line(f"{hundredths(mark.before)} →"), Line(hundredths(mark.after), kind="strong"))
            for mark in marks
        ]
        rows.append([Line(result.view.label, href=f"#view-{slug(result.view.name)}"), *cells])
    worst = max(float(table.mcse.max()) for result in contents.results for table in result.credences.values())
    caption = (
        f"Probability in % of each event: author's priors → with evidence not yet used. Monte Carlo standard error at most {100 * worst:.2f} points. "
        "One number: the view was given no evidence or states r at ASARA directly, so that evidence on r cannot move it."
    )
    r_rows = [[result.view.label, *_r_cells(result)] for result in contents.results]
    tables = [
        Table(caption=caption, columns=["view", *names], rows=rows, numbers=True, shade=shade),
        Table(
            caption="r at ASARA: median, and 5 to 95 %",
            columns=["view", *_R_COLUMNS],
            rows=r_rows,
            numbers=True,
        ),
    ]
    return [Section(name="views", title="All views side by side", blocks=tables)]


_R_COLUMNS = (
    "author says",
    "author's priors",
    "+ evidence",
    "half the spread between domains",
    "twice the spread",
)


def _r_cells(result: Result) -> list[Cell]:
    says = result.view.concludes.get("r_asara")
    quantiles = {given: np.quantile(result.draws(given).r_asara.values, INTERVAL) for given in result.given}
    found = [
        says.numbers.values() if says is not None else None,
        quantiles["priors"],
        quantiles.get("evidence"),
    ]
    found += [result.spreads.get(factor) for factor in (0.5, 2.0)]
    return ["–" if numbers is None else _median_and_range(*numbers) for numbers in found]


def _median_and_range(low: float, median: float, high: float) -> Cell:
    return (Line(f"{median:.2f}"), Line(f"{low:.2f} to {high:.2f}", kind="small"))


def mark_of(result: Result, event: str) -> Mark:
    """A view's probability of an event."""
    p = [float(table.p.sel(event=event)) for table in result.credences.values()]
    return Mark(label=result.view.label, before=p[0], after=p[1] if len(p) > 1 else None)
