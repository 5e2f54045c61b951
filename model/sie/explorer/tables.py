"""What the explorer says in words and numbers, as HTML: credences, r, how it was answered, priors, evidence rows.

Every word of a user or a file is escaped. It computes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from ..analysis.result import conditions
from ..base.stats import QUANTILES
from ..data.bibliography import Source
from ..data.priors import Entry, View
from ..data.quantities import QUANTITIES
from ..data.wording import conclusion_in_words, input_number_in_words
from ..growth.events import EVENTS
from ..inference.answers import Answer
from .controls import interval, is_logarithmic
from .state import State

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["density", "entry_details", "numbers", "row_details", "status"]

DENSITY_POINTS = 80
"""Points of a density."""

DENSITY_WIDTH, DENSITY_HEIGHT = 300.0, 34.0
"""Size of a density in its own units; it is stretched to the width of the slider."""

GIVEN_WORDS = {"priors": "priors", "evidence": "+ evidence"}
"""Names of the columns."""


def status(answer: Answer) -> str:
    """How the numbers came about, in a sentence."""
    words = {
        "paths": "Paths: only growth inputs changed, or evidence does not count; the posterior draws are the same.",
        "reweighted": f"Reweighted: k-hat {answer.khat:.2f}, worth {answer.effective_draws:,.0f} of {answer.draws:,} draws.",
        "refitted": f"Refitted: {answer.draws:,} draws.",
    }[answer.how]
    if (worst := answer.diagnostics) is not None:
        words += (
            f" R-hat at most {worst['max_rhat']:.4f}, effective draws at least {worst['min_ess']:,.0f},"
            f" {worst['divergences']} divergences."
        )
    return words


def numbers(
    answer: Answer,
    author: View,
    *,
    other: Answer | None = None,
    message: str = "",
    edit: int = 0,
    stale: bool = False,
) -> str:
    """The credences of every event and r at ASARA, before and after evidence, beside what the author says and a second view."""
    columns = [("", answer, given) for given in answer.given]
    if other is not None:
        columns += [("other", other, given) for given in other.given]
    top = "".join(f'<th class="{kind}" scope="col">{GIVEN_WORDS[given]}</th>' for kind, _, given in columns)
    spans = "<th></th><th></th>" + _over_columns(answer, "")
    if other is not None:
        spans += _over_columns(other, "other")
    rows = [
        f'<tr><th scope="row">{escape(event.wording)}<code>{name}</code></th>'
        f'<td class="says">{escape(conclusion_in_words(author.concludes.get(name)))}</td>'
        + "".join(_credence(found, given, name, kind) for kind, found, given in columns)
        + "</tr>"
        for name, event in EVENTS.items()
    ]
    for quantile in (0.5, 0.05, 0.95):
        rows.append(_r_row(quantile, author, columns))
    state = (
        f"Sampling again: the numbers are those before the last edit. {message}" if stale else status(answer)
    )
    note = f'<p class="refused" role="alert">{escape(message)}</p>' if message and not stale else ""
    return (
        f'<section class="numbers {"stale" if stale else ""}" data-how="{"stale" if stale else answer.how}" data-edit="{edit}">'
        f'<p class="how" role="status">{escape(state)}</p>{note}'
        f'<div class="scroll"><table style="--columns: {1 + len(columns)}"><thead><tr>{spans}</tr><tr><th scope="col">event</th><th scope="col">author says</th>{top}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
        f'<p class="small">± is the Monte Carlo standard error, in points. Seed {answer.seed}, {answer.draws:,} draws. {escape(conditions([answer.view]))}</p>'
        "</section>"
    )


def _over_columns(answer: Answer, kind: str) -> str:
    """A view's name above its columns; a narrow screen lays rows out as grids, for which the span is a style too."""
    span, label = len(answer.given), escape(answer.view.label)
    return f'<th class="{kind}" colspan="{span}" style="--span: {span}" scope="colgroup">{label}</th>'


def _credence(answer: Answer, given: str, name: str, kind: str) -> str:
    table = answer.credences[given]
    i = list(EVENTS).index(name)
    p, mcse = 100 * table.p.values[i], 100 * table.mcse.values[i]
    return f'<td class="{kind}" data-event="{name}" data-given="{given}"><b>{p:.1f} %</b> <span>± {mcse:.1f}</span></td>'


def _r_row(quantile: float, author: View, columns: list[tuple[str, Answer, str]]) -> str:
    says = author.concludes.get("r_asara")
    key = f"q{100 * quantile:02.0f}"
    said = f"{says.numbers[key]:.2f}" if says is not None and key in says.numbers else "–"
    name = "median" if quantile == 0.5 else f"{100 * quantile:.0f} %"
    cells = "".join(
        f'<td class="{kind} r" data-r="{key}" data-given="{given}"><b>{found.r[given][QUANTILES.index(quantile)]:.2f}</b></td>'
        for kind, found, given in columns
    )
    unit = "<code>doublings of software per doubling of research input</code>" if quantile == 0.5 else ""
    return (
        f'<tr class="r"><th scope="row">r at ASARA, {name}{unit}</th><td class="says">{said}</td>{cells}</tr>'
    )


def density(name: str, state: State, steps: list[float]) -> tuple[str, str]:
    """The prior beside the author's, for above its slider, and the scale, for below: filled as it now is, dashed the author's."""
    now, author = state.prior(name), state.author[name].prior
    low, high = (steps[0], steps[-1]) if now.family != "mixture" else (float(now.at(z)) for z in (-2.5, 2.5))
    spread = np.geomspace if is_logarithmic(name, now) else np.linspace
    at = spread(low, high, DENSITY_POINTS + 1)
    curves = [np.diff(prior.cdf(at)) for prior in (now, author)]
    top = max(float(curve.max()) for curve in curves) or 1.0
    paths = [
        f'<path class="{kind}" d="{_path(curve / top)}" vector-effect="non-scaling-stroke"/>'
        for kind, curve in zip(("now", "author"), curves, strict=True)
    ]
    label = f"density of {name}: {interval(now)}; dashed, the author's: {interval(author)}"
    ticks = "".join(f"<span>{step:.3g}</span>" for step in (at[0], at[DENSITY_POINTS // 2], at[-1]))
    return (
        f'<svg class="density" viewBox="0 0 {DENSITY_WIDTH:g} {DENSITY_HEIGHT:g}" preserveAspectRatio="none" role="img" aria-label="{escape(label)}">'
        f"{''.join(paths)}</svg>",
        f'<div class="ticks" aria-hidden="true">{ticks}</div>',
    )


def _path(heights: np.ndarray) -> str:
    x = (np.arange(len(heights)) + 0.5) * DENSITY_WIDTH / len(heights)
    y = DENSITY_HEIGHT - 1 - heights * (DENSITY_HEIGHT - 3)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return f"M0,{DENSITY_HEIGHT - 1:g} L{points} L{DENSITY_WIDTH:g},{DENSITY_HEIGHT - 1:g}"


def entry_details(name: str, entry: Entry, view: View, works: Mapping[str, Source]) -> str:
    """What a quantity means and where the author's numbers come from."""
    lines = [f"<p>{escape(QUANTITIES[name].meaning)}. Unit: {escape(entry.unit)}.</p>"]
    lines.append(f"<p>In {escape(view.label)}: {escape(interval(entry.prior))} ({entry.prior.family}).</p>")
    lines.append(
        _provenance(
            entry.basis, entry.source or view.source, entry.locator, entry.quote, entry.note, entry.via, works
        )
    )
    return "".join(lines)


def _provenance(
    basis: str,
    source: str,
    locator: str,
    quote: str | None,
    note: str | None,
    via: str | None,
    works: Mapping[str, Source],
) -> str:
    work = works.get(source)
    cited = escape(source)
    if work is not None:
        cited = f"{escape(work.authors)} ({work.year}), {escape(work.title)}"
        if work.url.startswith(("https://", "http://")):
            cited = f'<a href="{escape(work.url)}" target="_blank" rel="noopener noreferrer">{cited}</a>'
    parts = [f"<p>{basis}: {cited}; {escape(locator)}{f', via {escape(via)}' if via else ''}.</p>"]
    if quote:
        parts.append(f"<blockquote>{escape(quote)}</blockquote>")
    if note:
        parts.append(f"<p>{escape(note)}</p>")
    return "".join(parts)


def row_details(row: xr.Dataset, why: str, works: Mapping[str, Source]) -> str:
    """Where an evidence row comes from, and why it does not count if it does not."""
    words = {key: str(row[key].item()) for key in ("basis", "source", "locator", "quote", "note", "via")}
    left_out = f'<p class="why">Left out: {escape(why)}.</p>' if why else ""
    return left_out + _provenance(
        words["basis"],
        words["source"],
        words["locator"],
        words["quote"] or None,
        words["note"] or None,
        words["via"] or None,
        works,
    )


def row_value(row: xr.Dataset) -> str:
    """What a row says: median and 5 to 95 %, or the standard error, or the level at which it is kept."""
    value, se = row.value.values, float(row.se)
    kind = str(row.kind.item())
    if kind == "input":
        return input_number_in_words(row)
    if kind not in ("r", "factor") or math.isnan(value[2]):
        return {"growth": "growth rates", "series": "raw history"}.get(kind, kind)
    symbol = "r" if kind == "r" else "×"
    if not math.isnan(value[0]):
        return f"{symbol} {value[2]:.3g} ({value[0]:.3g} to {value[4]:.3g})"
    return f"{symbol} {value[2]:.3g} ± {se:.2g}"
