"""The explorer's figures as SVG whose text is set in the page's typeface, and as PNG for files. It computes no number."""

from __future__ import annotations

import io
import textwrap
import threading
from typing import TYPE_CHECKING

from ..instant import Answer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FIGURES", "draw", "png", "svg"]

FIGURES = {
    "r": "r at ASARA, before and after evidence",
    "waterfall": "From r of language models to r at ASARA",
    "fan": "Software after ASARA",
    "tornado": "What moves the credence most",
}
"""The figures and their titles."""

INCHES = {"r": (6.0, 3.9), "waterfall": (6.0, 3.9), "fan": (6.0, 3.9), "tornado": (6.0, 4.4)}
"""Width and height of each."""

X_LETTERS, Y_LETTERS = 62, 36
"""Letters of a line of an axis label."""

TORNADO_ROOM, TORNADO_COLUMNS, TORNADO_LEGEND = 0.07, 2, 0.4
"""Room for the numbers at the ends of its bars, as a share of the axis; entries of its legend in a row, and its middle."""

FONT_POINTS = 10.0
"""Size of text on the axes."""

_DRAWING = threading.Lock()
"""Held while a figure is drawn: matplotlib's settings belong to the process."""


def draw(name: str, answer: Answer, *, event: str) -> Axes:
    """One of FIGURES of what an answer says, given all that counts; the tornado is of one event."""
    ax = _drawn(name, answer, event, _axes(*INCHES[name]))
    ax.set_xlabel(textwrap.fill(ax.get_xlabel(), X_LETTERS))
    ax.set_ylabel(textwrap.fill(ax.get_ylabel(), Y_LETTERS))
    return ax


def _drawn(name: str, answer: Answer, event: str, ax: Axes) -> Axes:
    from .. import plots

    given = answer.given[-1]
    draws = answer.draws_given(given)
    match name:
        case "r":
            after = draws if given == "evidence" else None
            return plots.plot_r(answer.draws_given("priors"), after, ax=ax)
        case "waterfall":
            return plots.plot_waterfall(draws, ax=ax)
        case "fan":
            return plots.plot_fan(answer.paths, ax=ax)
        case _:
            return _tornado(answer, event, ax)


def _tornado(answer: Answer, event: str, ax: Axes) -> Axes:
    from matplotlib.ticker import PercentFormatter

    from .. import plots, sensitivity
    from ..sensitivity_plots import plot_tornado

    given = answer.given[-1]
    draws = answer.draws_given(given)
    table = answer.credences[given].sel(event=[event])
    inputs = sensitivity.independent_inputs(sensitivity.varying_inputs(draws, answer.view))
    indicators = sensitivity.happened(answer.paths, [event])
    found = sensitivity.tornado(inputs, indicators, effective=sensitivity.worth(table)).assign_coords(
        event=[event]
    )
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    plot_tornado(found, event, float(table.p.item()), ax=ax)
    low, high = ax.get_xlim()
    ax.set_xlim(low - TORNADO_ROOM * (high - low), high + TORNADO_ROOM * (high - low))
    ax.legend(
        loc="lower center",
        bbox_to_anchor=(TORNADO_LEGEND, 1),
        ncols=TORNADO_COLUMNS,
        frameon=False,
        fontsize=plots.SMALL,
        borderaxespad=0.2,
    )
    return ax


def _axes(width: float, height: float) -> Axes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def svg(name: str, answer: Answer, *, event: str) -> str:
    """A figure as an `svg` element for a page."""
    from matplotlib import rc_context

    out = io.StringIO()
    settings = {"svg.fonttype": "none", "svg.hashsalt": name, "font.size": FONT_POINTS}
    with _DRAWING, rc_context(settings):
        figure = draw(name, answer, event=event).get_figure(root=True)
        figure.savefig(out, format="svg", metadata={"Date": None}, transparent=True)
    text = out.getvalue()
    return text[text.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{FIGURES[name]}"', 1)


def png(name: str, answer: Answer, *, event: str) -> bytes:
    """A figure as a picture."""
    from .. import plots

    out = io.BytesIO()
    with _DRAWING:
        plots.save(draw(name, answer, event=event), out)
    return out.getvalue()
