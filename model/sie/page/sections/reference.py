"""What the numbers rest on: equations, index of variables, diagnostics and versions, works cited."""

from __future__ import annotations

import shlex

from ...data.quantities import QUANTITIES
from ...data.wording import prior_in_words
from ...growth.events import EVENTS
from .. import equations
from ..page import Equations, Line, Paragraph, Section, Table
from .contents import Contents

__all__ = ["diagnostics", "model", "sources", "variables"]


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
            Line(f"{result.view.label}: {prior_in_words(result.view[variable.name].prior)}", kind="small")
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
    rows, hashes, commands = [], [], {}
    for result in contents.results:
        attrs, fitted = result.tree.attrs, "evidence" in result.given
        numbers = (
            [f"{attrs['max_rhat']:.4f}", f"{attrs['min_ess']:.0f}", str(attrs["divergences"])]
            if fitted
            else ["–"] * 3
        )
        used = str(result.rows.sizes["estimate"]) if result.rows is not None else "0"
        rows.append([result.view.label, used, *numbers])
        hashes.append([result.view.name, Line(result.inputs_sha256)])
        commands.setdefault(result.options, []).append(result.view.name)
    again = [Line(f"sie report {shlex.join(names)} {options}") for options, names in commands.items()]
    blocks = [
        Table(
            caption="Sampler: four chains; R-hat and effective sample size (ESS) are the worst of any parameter",
            columns=["view", "rows used", "R-hat", "ESS", "divergences"],
            rows=rows,
            numbers=True,
        ),
        Paragraph(lines=(Line("To compute the same numbers again: ", kind="strong"), *again)),
        Table(
            caption="SHA-256 of the view, of every evidence file and of the level of each domain",
            columns=["view", "inputs"],
            widths=(30, 70),
            rows=hashes,
        ),
        Paragraph(
            lines=(
                Line("Versions: ", kind="strong"),
                Line(", ".join(map(" ".join, contents.versions.items())) + "."),
            )
        ),
    ]
    return [Section(name="diagnostics", title="Diagnostics and versions", blocks=blocks)]


def sources(contents: Contents) -> list[Section]:
    """Every work that a view or a row cites."""
    keys = {event.source for event in EVENTS.values()} | {result.view.source for result in contents.results}
    for result in contents.results:
        view = result.view
        items = (*view.entries.values(), *view.exogenous.values(), *view.concludes.values())
        keys |= {item.source for item in items if item.source}
    if (evidence := contents.evidence) is not None:
        keys |= set(evidence.source.values.tolist())
    rows = []
    for key in sorted(keys & set(contents.works)):
        work = contents.works[key]
        held = "quotes checked against its text" if work.text else "read second-hand or online; no text held"
        title = (Line(work.title, href=work.url or None), Line(f"{work.authors}, {work.year}"))
        rows.append([key, title, (Line(work.licence), Line(held, kind="small"))])
    table = Table(caption="Works cited", columns=["key", "work", "terms"], widths=(25, 45, 30), rows=rows)
    return [Section(name="sources", title="Sources", blocks=[table])]
