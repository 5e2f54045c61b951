"""The explorer's figures as SVG whose text is set in the page's typeface, and as PNG for files. It computes no number."""

from __future__ import annotations

import io
import re
import textwrap
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..inference.answers import Answer

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "Shown", "draw", "png", "shown", "svg"]

FIGURES = {
    "r": "r at ASARA, before and after evidence",
    "waterfall": "From r of language models to r at ASARA",
    "fan": "Software after ASARA",
    "tornado": "What moves the credence most",
}
"""The figures and their titles."""

INCHES = {"r": (5.0, 4.0), "waterfall": (5.0, 4.0), "fan": (5.0, 4.0), "tornado": (5.0, 4.2)}
"""Width and height of each, such that its text is about as large as that beside it."""

X_LETTERS, Y_LETTERS = 46, 36
"""Letters of a line of an axis label."""

TORNADO_ROOM, TORNADO_COLUMNS, TORNADO_LEGEND = 0.12, 2, 0.4
"""Room for the numbers at the ends of its bars, as a share of the axis; entries of its legend in a row, and its middle."""

FONT, FONT_POINTS = "DejaVu Sans", 10.0
"""Typeface that text on the axes is measured in, a little wider than that of the page, and its size."""

PLACES_KEPT = 200
"""Layouts that are kept."""

AT_AN_END = 0.03
"""Share of an axis next to its end at which a label sticks out."""

PLACE = re.compile(r' (?:d|x|y|transform)="[^"]*"')
"""Where in an SVG coordinates are; elsewhere a number may be a word or an opacity."""

LONG_NUMBER = re.compile(r"(\d\.\d\d)\d+")
"""A coordinate with more digits than a screen shows, a hundredth of a point."""

NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))

_DRAWING = threading.Lock()
"""Held while a figure is drawn: matplotlib's settings belong to the process."""

_places: dict[tuple, tuple[float, float, float, float]] = {}
"""Where the axes of a figure lie that bears such text: to find it takes as long as to draw the figure."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the figures of an answer are drawn from, light enough to be sent to another process.

    `draws` are those given all that counts, `before` those of r at ASARA before evidence, None where evidence does not count;
    `inputs` names what the tornado of `event` varies, whose probability is `p`, with the effective sample size `effective`.
    """

    draws: xr.Dataset
    before: xr.Dataset | None
    inputs: tuple[str, ...]
    event: str
    p: float
    effective: float


def shown(answer: Answer, *, event: str) -> Shown:
    """What figures of an answer are drawn from; the tornado is of one event."""
    from ..analysis.sensitivity import measures

    given = answer.given[-1]
    draws = answer.draws_given(given)
    table = answer.credences[given].sel(event=[event])
    return Shown(
        draws=draws[[name for name, values in draws.items() if values.dims == ("chain", "draw")]],
        before=answer.draws_given("priors")[["r_asara"]] if given == "evidence" else None,
        inputs=tuple(measures.independent_inputs(measures.varying_inputs(draws, answer.view))),
        event=event,
        p=float(table.p.item()),
        effective=float(measures.effective_sample_size(table)[0]),
    )


def draw(name: str, of: Shown) -> Axes:
    """One of FIGURES."""
    ax = _drawn(name, of, _axes(*INCHES[name]))
    ax.set_xlabel(textwrap.fill(ax.get_xlabel(), X_LETTERS))
    ax.set_ylabel(textwrap.fill(ax.get_ylabel(), Y_LETTERS))
    return ax


def _drawn(name: str, of: Shown, ax: Axes) -> Axes:
    from ..growth.paths import simulate
    from ..plots import draws as plots
    from ..plots.paths import plot_fan

    match name:
        case "r":
            return plots.plot_r(
                *((of.draws,) if of.before is None else (of.before, of.draws)),
                ax=ax,
            )
        case "waterfall":
            return plots.plot_waterfall(of.draws, ax=ax)
        case "fan":
            return plot_fan(simulate(of.draws), ax=ax)
        case _:
            return _tornado(of, ax)


def _tornado(of: Shown, ax: Axes) -> Axes:
    from matplotlib.ticker import PercentFormatter

    from ..analysis.sensitivity import measures
    from ..growth.credences import indicators
    from ..growth.paths import simulate
    from ..plots import style as plots
    from ..plots.sensitivity import plot_tornado

    inputs = {name: of.draws[name].values.ravel() for name in of.inputs}
    happens = indicators(simulate(of.draws), [of.event])
    found = measures.tornado(inputs, happens, effective=np.array([of.effective]))
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    plot_tornado(found, of.event, of.p, ax=ax)
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


def svg(name: str, of: Shown) -> str:
    """A figure as an `svg` element for a page."""
    from ..plots.style import own_settings

    out = io.StringIO()
    settings = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "font.size": FONT_POINTS,
        "font.sans-serif": [FONT],
    }
    with _DRAWING, own_settings(settings):
        figure = draw(name, of).get_figure(root=True)
        _lay_out(figure)
        figure.savefig(out, format="svg", metadata=NO_METADATA, transparent=True)
    text = out.getvalue()
    text = PLACE.sub(lambda place: LONG_NUMBER.sub(r"\1", place[0]), text[text.index("<svg") :])
    return text.replace("<svg", f'<svg role="img" aria-label="{FIGURES[name]}"', 1)


def _lay_out(figure: Figure) -> None:
    """Place the axes where the layout engine would, or did for a figure whose text is as long."""
    [ax] = figure.axes
    legend = ax.get_legend()
    around = [*(legend.get_texts() if legend else []), ax.xaxis.label, ax.yaxis.label]
    key = (
        tuple(figure.get_size_inches()),
        *(_tick_labels(axis) for axis in (ax.xaxis, ax.yaxis)),
        *(_as_long_as(text.get_text()) for text in around),
        max((len(text.get_text()) for text in ax.texts), default=0),
    )
    if key not in _places:
        figure.draw_without_rendering()
        if len(_places) >= PLACES_KEPT:
            _places.clear()
        _places[key] = ax.get_position().bounds
    figure.set_layout_engine("none")
    ax.set_position(_places[key])


def _tick_labels(axis: Axis) -> frozenset[tuple[str, bool]]:
    """Those on the axis, and whether they may stick out at an end of it."""
    at, ends = axis.get_majorticklocs(), axis.get_view_interval()
    low, high = axis.get_transform().transform(ends)
    share = (axis.get_transform().transform(at) - low) / (high - low)
    return frozenset(
        (_as_long_as(text), abs(place - 1 / 2) > 1 / 2 - AT_AN_END)
        for text, place in zip(axis.get_major_formatter().format_ticks(at), share, strict=True)
        if -AT_AN_END < place < 1 + AT_AN_END
    )


def _as_long_as(text: str) -> str:
    """All digits are alike in width."""
    return re.sub(r"\d", "0", text)


def png(name: str, of: Shown) -> bytes:
    """A figure as a picture."""
    from ..plots import style as plots

    out = io.BytesIO()
    with _DRAWING:
        plots.save(draw(name, of), out)
    return out.getvalue()
