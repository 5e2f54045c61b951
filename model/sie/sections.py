"""The report as a page: which sections it has, each made by one function from the same results, tables and docstrings.

To add a section, write a function that takes `Contents` and returns sections (none where it has nothing to say), and name it
in `SECTIONS`. Sections hold plain text and numbers; `page` makes them HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import equations
from .credences import EVENTS, FAST_PACE
from .page import Cell, Equations, Figure, Line, Mark, Paragraph, Scale, Section, Table, render
from .priors import QUANTITIES, Conclusion, Entry
from .report import CONDITIONS, Result
from .saved import versions
from .sources import Source

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["SECTIONS", "Contents", "as_html"]

TITLE = "How probable is a software intelligence explosion?"

MEANING = (
    "r, the returns to software R&D, is how many times AI software doubles for each doubling of cumulative research input. Once AI does the "
    "research, progress at fixed hardware speeds up if and only if r is above 1: a software intelligence explosion (SIE). ASARA stands for "
    "AI systems that fully automate AI R&D."
)


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a page is about: results of one or more views and the bibliography that they cite."""

    results: list[Result]
    works: Mapping[str, Source]

    @property
    def evidence(self) -> xr.Dataset | None:
        """Every evidence row that there was, used or not; None for priors only."""
        return next((result.evidence for result in self.results if result.evidence is not None), None)

    @property
    def elasticities(self) -> xr.Dataset | None:
        """Published estimates of sigma; None for priors only."""
        return next((result.elasticities for result in self.results if result.elasticities is not None), None)


def as_html(results: list[Result], works: Mapping[str, Source]) -> str:
    """The report of these views as one self-contained HTML file; the same results give the same text."""
    contents = Contents(results=results, works=works)
    attrs = results[0].tree.attrs
    names = ", ".join(result.view.label for result in results)
    facts = [
        ("Views", names if len(results) < 4 else str(len(results))),
        (
            "Evidence rows",
            "none, priors only" if contents.evidence is None else str(contents.evidence.sizes["estimate"]),
        ),
        ("Draws", f"{attrs['draws']:,} of each view"),
        ("Seed", str(attrs["seed"])),
        ("Made with", f"sie {versions()['sie']}"),
    ]
    summary = (MEANING, CONDITIONS)
    sections = [section for make in SECTIONS for section in make(contents)]
    return render(title=TITLE, summary=summary, facts=facts, sections=sections)


def headline(contents: Contents) -> list[Section]:
    """Each event in words, with the probabilities that the views give it."""
    several = len(contents.results) > 1
    scales = []
    for event in EVENTS.values():
        marks = [_mark(result, event.name) for result in contents.results]
        low, high = (round(100 * pick(mark.last for mark in marks)) for pick in (min, max))
        lines = (
            Line(f"{event.name}; {event.within}. Defined by "),
            _citation(event.source, contents.works),
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
        marks = [_mark(result, name) for name in names]
        shade |= {(i, j): mark.last for j, mark in enumerate(marks, start=1)}
        cells = [
            f"{100 * mark.before:.1f}"
            if mark.after is None
            else (Line(f"{100 * mark.before:.1f} →"), Line(f"{100 * mark.after:.1f}", kind="strong"))
            for mark in marks
        ]
        rows.append([Line(result.view.label, href=f"#view-{_slug(result.view.name)}"), *cells])
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
    quantiles = {
        given: np.quantile(result.draws(given).r_asara.values, [0.05, 0.5, 0.95]) for given in result.given
    }
    found = [
        says.numbers.values() if says is not None else None,
        quantiles["priors"],
        quantiles.get("evidence"),
    ]
    found += [result.spreads.get(factor) for factor in (0.5, 2.0)]
    return ["–" if numbers is None else _median_and_range(*numbers) for numbers in found]


def _median_and_range(low: float, median: float, high: float) -> Cell:
    return (Line(f"{median:.2f}"), Line(f"{low:.2f} to {high:.2f}", kind="small"))


def views(contents: Contents) -> list[Section]:
    """One section a view: credences, figures, priors with their origin, rows used and left out."""
    found = [Section(name="each-view", title="Each view", blocks=[Paragraph(lines=_VIEWS)])]
    for result in contents.results:
        blocks = [
            Paragraph(lines=(Line("Source: "), _citation(result.view.source, contents.works))),
            _credence_table(result, contents),
            *_figures(result),
            _prior_table(result, contents),
            *_row_tables(result),
            Paragraph(lines=tuple(_remarks(result))),
        ]
        name = f"view-{_slug(result.view.name)}"
        found.append(Section(name=name, title=result.view.label, blocks=blocks, level=3))
    return found


_VIEWS = (
    "A view is one author's beliefs: a prior for every quantity, and the evidence rows that they already rest on. Basis: stated, a source prints the number; "
    "transcribed, from a work read second-hand; derived, computed from such numbers; ours, our judgement; calibrated, ours, set so that the whole "
    "comes out as the author says of the whole."
)


def _credence_table(result: Result, contents: Contents) -> Table:
    view, rows = result.view, []
    for name, event in EVENTS.items():
        says = view.concludes.get(name)
        tables = [table.sel(event=name) for table in result.credences.values()]
        after = f"{100 * tables[1].p.item():.1f}" if len(tables) > 1 else "–"
        errors = " / ".join(f"{100 * table.mcse.item():.2f}" for table in tables)
        title = (Line(name, kind="strong"), Line(event.wording, kind="small"))
        rows.append([title, _says(says), f"{100 * tables[0].p.item():.1f}", after, errors])
    columns = ["event", "author says", "author's priors", "+ evidence", "MCSE (points)"]
    return Table(caption="Probability in %", columns=columns, rows=rows, numbers=True)


def _says(conclusion: Conclusion | None) -> str:
    if conclusion is None:
        return "–"
    numbers = [f"{100 * number:.3g}" for number in conclusion.numbers.values()]
    return " – ".join(numbers)


def _figures(result: Result) -> list[Figure]:
    """The figures of a view, each with what it shows in words."""
    from . import plots

    view, last = result.view, result.given[-1]
    fitted = last == "evidence"
    given = "given priors and evidence" if fitted else "given priors"
    r = {name: np.quantile(result.draws(name).r_asara.values, [0.05, 0.5, 0.95]) for name in result.given}
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
    if fitted:
        drawn["domains"] = (
            plots.plot_domains(result.rows, result.draws("evidence"), narrow=True),
            "Published estimates of r that were used, and r of each domain given all of them",
            f"{int((result.rows.kind == 'r').sum())} published estimates and {result.rows.sizes['domain']} domains.",
        )
    drawn["fan"] = (
        plots.plot_fan(result.paths[last], narrow=True),
        f"Software gained after ASARA, {given}",
        _fan_words(result.paths[last]),
    )
    return [
        Figure(
            caption=caption,
            alt=f"{view.label}. {caption}. {alt}",
            svg=plots.as_svg(ax, salt=f"{view.name} {name}"),
        )
        for name, (ax, caption, alt) in drawn.items()
    ]


def _fan_words(paths: xr.Dataset) -> str:
    from .dynamics import doublings_by

    low, median, high = np.quantile(doublings_by(paths, np.array([1.0])), [0.05, 0.5, 0.95])
    return f"After one year, median {median:.0f} doublings of software (5 to 95 %: {low:.0f} to {high:.0f})."


def _prior_table(result: Result, contents: Contents) -> Table:
    view = result.view
    rows = []
    for name, entry in view.entries.items():
        title = (Line(name, kind="strong"), Line(QUANTITIES[name].meaning, kind="small"))
        unit = () if entry.unit == "1" else (Line(entry.unit, kind="small"),)
        rows.append(
            [
                title,
                (Line(equations.describe(entry.prior)), *unit),
                entry.basis,
                _origin(entry, view.source, contents.works),
            ]
        )
    return Table(
        caption=f"Priors of {view.label}",
        columns=["quantity", "prior", "basis", "where it comes from"],
        widths=(23, 21, 13, 43),
        rows=rows,
    )


def _origin(item: Entry | Conclusion, source: str, works: Mapping[str, Source]) -> Cell:
    """Quote, note and place of a number, linked to its source."""
    found = [Line(item.quote, kind="quote")] if item.quote else []
    found += [Line(item.note)] if item.note else []
    return (*found, *_place(item.source or source, item.locator, item.via, works))


def _place(source: str, locator: str, via: str | None, works: Mapping[str, Source]) -> tuple[Line, ...]:
    work = _citation(source, works)
    place = Line(f"{work.text}: {locator}", kind="small", href=work.href)
    return (place, Line(f"read at {via}", kind="small")) if via else (place,)


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
    fast = 100 * float((prior.speedup > FAST_PACE).mean())
    yield Line(
        f"In {fast:.1f} % of prior draws the pace is above {FAST_PACE:g} times the recent pace at ASARA already."
    )
    if (discarded := prior.attrs.get("discarded_prior_mass", 0)) > 0:
        yield Line(f"{100 * discarded:.1f} % of the prior lay below gained_before_asara and was discarded.")
    if result.view.states_r_asara:
        yield Line("The view states r at ASARA directly, so that evidence on r cannot move it.")
    if any(entry.basis == "calibrated" for entry in result.view.entries.values()):
        yield Line(
            "Calibrated priors agree with what the author says of the whole by construction; that reproduces nothing."
        )


def evidence(contents: Contents) -> list[Section]:
    """Every evidence row with its quote, its link and the views that use it."""
    if (rows := contents.evidence) is None:
        return []
    users = {
        row: [
            result.view.label
            for result in contents.results
            if result.rows is not None and row in result.rows.estimate.values
        ]
        for row in rows.estimate.values.tolist()
    }
    found = []
    for i, row in enumerate(rows.estimate.values.tolist()):
        one = rows.isel(estimate=i)
        what, estimate = _estimate(one, rows)
        title = (Line(row, kind="strong"), Line(what, kind="small"))
        used = "; ".join(users[row]) or "no view"
        found.append([title, estimate, used, one.basis.item(), _row_origin(one, contents)])
    columns, widths = ["row", "estimate", "used by", "basis", "where it comes from"], (22, 11, 13, 13, 41)
    caption = "Every evidence row. Estimates: median, and 5 to 95 % or standard error"
    blocks = [Table(caption=caption, columns=columns, widths=widths, rows=found)]
    if (sigmas := contents.elasticities) is not None:
        found = []
        for i, row in enumerate(sigmas.estimate.values.tolist()):
            one = sigmas.isel(estimate=i)
            title = (Line(row, kind="strong"), Line(one.specification.item(), kind="small"))
            spread = _spread(one.sigma_q05.item(), one.sigma_q95.item(), one.sigma_se.item())
            estimate = (Line(f"{one.sigma.item():.3g}"), *spread)
            found.append([title, estimate, one.basis.item(), _row_origin(one, contents)])
        caption = "Estimates of sigma, the elasticity of substitution of labour and compute; no row of the model, a prior on sigma may cite them"
        columns, widths = ["row", "sigma", "basis", "where it comes from"], (28, 14, 13, 45)
        blocks.append(Table(caption=caption, columns=columns, widths=widths, rows=found))
    return [Section(name="evidence", title="Evidence", blocks=blocks)]


def _estimate(row: xr.Dataset, rows: xr.Dataset) -> tuple[str, Cell]:
    """What a row is an estimate of, and the estimate."""
    included = ", ".join(rows.adjustment.values[row.includes.values > 0].tolist())
    if row.kind.item() == "factor":
        what = f"factor {included.replace(', ', ' x ')}"
    else:
        what = f"{rows.domain.values[row.domain_idx.item()]}, against {row.input.item()}"
        what += f"; already includes {included}" if included else ""
    match row.kind.item():
        case "growth":
            medians = row.growth.sel(growth_quantile=0.5)
            flows = zip(row.flow.values.tolist(), medians.values.tolist(), strict=True)
            known = [
                Line(f"{flow} {growth:.3g}", kind="small") for flow, growth in flows if not np.isnan(growth)
            ]
            return f"growth a year (natural log), {what}", tuple(known)
        case "series":
            return f"raw history, {what}", Line(f"series/{row.file.item()}", kind="small")
        case kind:
            low, _, median, _, high = row.value.values
            value = (Line(f"{median:.3g}"), *_spread(low, high, row.se.item()))
            return f"r of {what}" if kind == "r" else what, value


def _spread(low: float, high: float, error: float) -> tuple[Line, ...]:
    if not np.isnan(low):
        return (Line(f"{low:.3g} to {high:.3g}", kind="small"),)
    return () if np.isnan(error) else (Line(f"± {error:.3g}", kind="small"),)


def _row_origin(row: xr.Dataset, contents: Contents) -> Cell:
    text = {key: str(row[key].item()) for key in ("quote", "note", "source", "locator", "via")}
    found = [Line(text["quote"], kind="quote")] if text["quote"] else []
    found += [Line(text["note"])] if text["note"] else []
    return (*found, *_place(text["source"], text["locator"], text["via"] or None, contents.works))


def model(contents: Contents) -> list[Section]:
    """The equations as the docstrings of the code have them."""
    text = "Read from the docstrings of the code that computed this page, in the order in which data flows."
    blocks = [
        Equations(heading=block.where, text=block.text.replace("`", ""), lines=block.lines)
        for block in equations.blocks()
    ]
    return [Section(name="equations", title="Equations", blocks=[Paragraph(lines=text), *blocks])]


def variables(contents: Contents) -> list[Section]:
    """The index of variables, each with the prior that every view has of it."""
    rows = []
    index = equations.variables()
    for variable in index:
        name = variable.name if variable.symbol == variable.name else f"{variable.name} ({variable.symbol})"
        unit = f"{variable.unit}; {variable.lies_in}" if variable.lies_in else variable.unit
        priors = tuple(
            Line(f"{result.view.label}: {equations.describe(result.view[variable.name].prior)}", kind="small")
            for result in contents.results
            if variable.name in result.view
        )
        meaning = (Line(variable.meaning), Line(f"unit {unit}", kind="small"))
        rows.append([name, meaning, ", ".join(variable.enters), priors])
    stated = len(QUANTITIES)
    columns = ["variable (symbol)", "meaning", "enters", "priors"]
    tables = [
        Table(caption="Stated by views", columns=columns, widths=(20, 27, 15, 38), rows=rows[:stated]),
        Table(
            caption="Numbers of a growth law, and what is computed",
            columns=columns[:3],
            widths=(25, 50, 25),
            rows=[row[:3] for row in rows[stated:]],
        ),
    ]
    return [Section(name="variables", title="Index of variables", blocks=tables)]


def diagnostics(contents: Contents) -> list[Section]:
    """How the sampler fared, what made the numbers, and how to make them again."""
    rows, commands = [], []
    for result in contents.results:
        attrs, fitted = result.tree.attrs, "evidence" in result.given
        numbers = (
            [f"{attrs['max_rhat']:.4f}", f"{attrs['min_ess']:.0f}", str(attrs["divergences"])]
            if fitted
            else ["–"] * 3
        )
        used = str(result.rows.sizes["estimate"]) if result.rows is not None else "0"
        rows.append([result.view.label, used, *numbers])
        commands.append([result.view.name, Line(result.inputs_sha256)])
    attrs = contents.results[0].tree.attrs
    names = " ".join(result.view.name for result in contents.results)
    flags = "" if contents.evidence is not None else " --priors-only"
    again = f"sie report {names} --seed {attrs['seed']} --draws {attrs['draws']}{flags}"
    blocks = [
        Table(
            caption="Sampler: four chains; R-hat and effective sample size (ESS) are the worst of any parameter",
            columns=["view", "rows used", "R-hat", "ESS", "divergences"],
            rows=rows,
            numbers=True,
        ),
        Paragraph(lines=(Line("To compute the same numbers again: ", kind="strong"), Line(again))),
        Table(
            caption="SHA-256 of the view and of every evidence file",
            columns=["view", "inputs"],
            widths=(30, 70),
            rows=commands,
        ),
        Paragraph(
            lines=(
                Line("Versions: ", kind="strong"),
                Line(", ".join(map(" ".join, versions().items())) + "."),
            )
        ),
    ]
    return [Section(name="diagnostics", title="Diagnostics and versions", blocks=blocks)]


def sources(contents: Contents) -> list[Section]:
    """Every work that a view or a row cites."""
    keys = {event.source for event in EVENTS.values()} | {result.view.source for result in contents.results}
    for result in contents.results:
        items = (*result.view.entries.values(), *result.view.concludes.values())
        keys |= {item.source for item in items if item.source}
    for rows in (contents.evidence, contents.elasticities):
        keys |= set(rows.source.values.tolist()) if rows is not None else set()
    rows = []
    for key in sorted(keys & set(contents.works)):
        work = contents.works[key]
        held = "quotes checked against its text" if work.text else "read second-hand or online; no text held"
        title = (Line(work.title, href=work.url), Line(f"{work.authors}, {work.year}"))
        rows.append([key, title, (Line(work.licence), Line(held, kind="small"))])
    table = Table(caption="Works cited", columns=["key", "work", "terms"], widths=(25, 45, 30), rows=rows)
    return [Section(name="sources", title="Sources", blocks=[table])]


SECTIONS: tuple[Callable[[Contents], list[Section]], ...] = (
    *(headline, side_by_side, views, evidence),
    *(model, variables, diagnostics, sources),
)
"""What makes the sections of a page, in their order."""


def _mark(result: Result, event: str) -> Mark:
    """A view's probability of an event."""
    p = [float(table.p.sel(event=event)) for table in result.credences.values()]
    return Mark(label=result.view.label, before=p[0], after=p[1] if len(p) > 1 else None)


def _citation(key: str, works: Mapping[str, Source]) -> Line:
    """A work by authors and year, linked where it has an address."""
    if key not in works:
        return Line(key)
    work = works[key]
    return Line(f"{work.authors} ({work.year})", href=work.url or None)


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in name.lower())
