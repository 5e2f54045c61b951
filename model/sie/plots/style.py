"""What the figures share: colours and looks, axes without pyplot, intervals, the r axis, legend and title, and files.

A figure is made without pyplot and under matplotlib's default settings, so that nothing global changes, no display is needed and
the user's matplotlibrc does not matter.
"""

from __future__ import annotations

import io
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.imports import import_matplotlib
from ..base.stats import QUANTILES

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import RcKeyType

__all__ = [
    "FIGURE_FORMATS",
    "as_svg",
    "axes_for",
    "finish",
    "interval",
    "is_narrow",
    "log_r",
    "mark_one",
    "new_axes",
    "note",
    "own_settings",
    "quantiles_of",
    "save",
    "two_digits",
]

BLACK, BLUE, ORANGE, VERMILION, GREY = "#000000", "#0072B2", "#E69F00", "#D55E00", "#767676"
"""Okabe & Ito (2008), told apart by colour-blind readers, and a grey; each is used with a shape of its own."""

BEFORE: dict[str, Any] = {"color": ORANGE, "marker": "s"}
"""How prior draws look; their curves are dashed."""

AFTER: dict[str, Any] = {"color": BLUE, "marker": "o"}
"""How posterior draws look, and draws of one kind only; their curves are solid."""

PUBLISHED: dict[str, Any] = {"color": BLACK, "marker": "D"}
"""How a published estimate looks."""

RAW: dict[str, Any] = {"color": VERMILION, "marker": "^"}
"""How an estimate from growth rates or from a history looks."""

INNER, OUTER = "25–75 %", "5–95 %"
"""What the thick and the thin part of every interval cover."""

THIN, THICK = 1.5, 5.0
"""Line widths of the 5-95 % and the 25-75 % interval, in points."""

FAINT, SHADED = 0.18, 0.4
"""Opacities of the 5-95 % and the 25-75 % band."""

HOLLOW: dict[str, Any] = {"markersize": 7.0, "markerfacecolor": "white"}
"""How the marker of a median looks whatever its shape; size in points."""

SMALL = 8.5
"""Size of text within a figure, in points."""

LABEL_GAP = 4.0
"""Space between a mark and the text beside it, in points."""

BACKGROUND = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5}
"""What keeps a note readable on top of a line or a hatched bar."""

LEGEND_LETTERS, LEGEND_KEY = 20, 3.5
"""Letters of a row of the legend for each inch of the figure, and the width of a key in letters, long enough to show dashes."""

LEGEND_COLUMNS = 5
"""Most entries of the legend in a row."""

LEGEND_ROW = 15.0
"""Height of a row of the legend, which lies between title and axes, in points."""

FIGURE_INCHES = (9.0, 5.6)
"""Width and height of a figure; the height of `plot_domains` grows with its lines."""

NARROW_INCHES = (4.2, 4.0)
"""Width and height of a figure for a phone."""

NARROW_BELOW = 6.0
"""Width of a figure, in inches, below which long labels are broken or turned."""

LABEL_LETTERS = 9
"""Letters of an axis label for each inch along its axis, before it is broken into lines."""

LINE_INCHES = 0.36
"""Height of one line of `plot_domains`."""

R_TICKS = [digit * 10.0**power for power in range(-4, 5) for digit in (1, 3)]
"""Labelled values of a logarithmic r axis."""

LEAST_R_RANGE = (0.3, 3.0)
"""Every r axis covers at least this, so that r = 1 and two more ticks are on it."""

ROOM = 1.25
"""Factor on r between the outermost mark and the end of an r axis."""

_ABOUT: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": dict.fromkeys(("Date", "Creator")),
    "pdf": dict.fromkeys(("CreationDate", "Creator", "Producer")),
}
"""The formats of a saved figure, each without what says when and by what it was made."""

FIGURE_FORMATS = tuple(_ABOUT)

DPI = 150
"""Resolution of a saved figure."""


_SETTINGS = threading.RLock()
"""Held while a figure is drawn: matplotlib's settings belong to the process."""

_within: ContextVar[bool] = ContextVar("within", default=False)  # whether the settings are ours already


@contextmanager
def own_settings(settings: dict[RcKeyType, Any] | None = None) -> Iterator[None]:
    """matplotlib's defaults and these settings, whatever the process or a matplotlibrc has set (`text.usetex`, a font, a look).

    Settings within settings add to them. Also a decorator, of every function that draws.
    """
    import_matplotlib()
    from matplotlib import rc_context, style

    with _SETTINGS:
        if _within.get():
            with rc_context(settings):
                yield
            return
        token = _within.set(True)
        try:
            with style.context("default"), rc_context(settings):
                yield
        finally:
            _within.reset(token)


def axes_for(ax: Axes | None, *, lines: int = 0, narrow: bool = False) -> Axes:
    """The given axes, or those of a new figure, high enough for so many lines."""
    if ax is not None:
        return ax
    width, height = NARROW_INCHES if narrow else FIGURE_INCHES
    return new_axes(width, max(height, 1 + LINE_INCHES * lines))


@own_settings()
def new_axes(width: float, height: float) -> Axes:
    """The axes of a new figure of this size in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def figure_of(ax: Axes) -> Figure:
    """The whole figure that axes are part of."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def finish(ax: Axes, title: str | None, *, intervals: bool = False, columns: int = LEGEND_COLUMNS) -> Axes:
    """Title and legend above the axes, where they hide nothing; `intervals` explains thick and thin lines."""
    if intervals:
        ax.plot([], [], color=GREY, linewidth=THICK, label=INNER)
        ax.plot([], [], color=GREY, linewidth=THIN, label=OUTER)
    handles, labels = ax.get_legend_handles_labels()
    entries = dict(zip(labels, handles, strict=True))
    letters = max(len(label) for label in entries) + 2 * LEGEND_KEY
    fitting = int(LEGEND_LETTERS * figure_of(ax).get_figwidth() // letters)
    columns = min(max(1, fitting), columns, len(entries))
    rows = -(-len(entries) // columns)
    place = {"loc": "lower center", "bbox_to_anchor": (0.5, 1), "ncols": columns}
    if is_narrow(ax):  # wide labels of the y axis would push a legend centred on the axes out of the figure
        from matplotlib.transforms import blended_transform_factory

        figure = figure_of(ax)
        place["bbox_transform"] = blended_transform_factory(figure.transFigure, ax.transAxes)
    look = {
        "fontsize": SMALL,
        "frameon": False,
        "handlelength": LEGEND_KEY,
        "borderaxespad": 0,
        "columnspacing": 1,
    }
    ax.legend(entries.values(), entries, **place, **look)
    if title is not None:
        ax.set_title(title, pad=LEGEND_ROW * rows + LABEL_GAP, parse_math=False)
    if is_narrow(ax):
        ax.tick_params(labelsize=SMALL)
        for axis, inches in ((ax.xaxis, NARROW_INCHES[0]), (ax.yaxis, NARROW_INCHES[1])):
            words = textwrap.wrap(axis.get_label_text(), int(LABEL_LETTERS * inches))
            axis.set_label_text("\n".join(words), fontsize=SMALL)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def is_narrow(ax: Axes) -> bool:
    """Whether the axes are too narrow for long labels."""
    return figure_of(ax).get_figwidth() < NARROW_BELOW


def interval(
    ax: Axes,
    position: float | np.ndarray,
    quantiles: np.ndarray,
    *,
    color: str,
    marker: str,
    vertical: bool = False,
    label: str | None = "median",
) -> None:
    """Median, 25-75 % where known and 5-95 % at a place on the other axis; or at several, with quantiles (5, place)."""
    position, quantiles = np.atleast_1d(position), np.reshape(quantiles, (5, -1))
    low, inner_low, median, inner_high, high = quantiles
    lines = ax.vlines if vertical else ax.hlines
    lines(position, low, high, colors=color, linewidth=THIN)
    if (known := ~np.isnan(inner_low)).any():
        lines(position[known], inner_low[known], inner_high[known], colors=color, linewidth=THICK)
    at = (position, median) if vertical else (median, position)
    ax.plot(*at, color=color, marker=marker, linestyle="none", label=label, **HOLLOW)


def note(ax: Axes, text: str, at: tuple[float, float], offset: tuple[float, float], *, ha: str) -> None:
    ax.annotate(
        text, at, offset, textcoords="offset points", fontsize=SMALL, ha=ha, va="bottom", bbox=BACKGROUND
    )


def mark_one(ax: Axes, *, vertical: bool) -> None:
    """The line r = 1 and its name at the end where nothing else is."""
    (ax.axvline if vertical else ax.axhline)(1, color=BLACK, linestyle="--", linewidth=THIN / 2)
    where = ax.get_xaxis_transform() if vertical else ax.get_yaxis_transform()
    beside = {"textcoords": "offset points", "fontsize": SMALL, "ha": "left"}
    ax.annotate(
        "r = 1", (1, 1 - vertical), (LABEL_GAP, 0), where, va="bottom" if vertical else "center", **beside
    )


def log_r(ax: Axes, which: str, low: float, high: float) -> None:
    """Make the x or the y axis logarithmic in r, with plain numbers, from below `low` to above `high`."""
    from matplotlib.ticker import FixedLocator, FormatStrFormatter, NullLocator

    least, most = LEAST_R_RANGE
    ax.set(**{f"{which}scale": "log", f"{which}lim": (min(low, least) / ROOM, max(high, most) * ROOM)})
    axis = {"x": ax.xaxis, "y": ax.yaxis}[which]
    axis.set_major_locator(FixedLocator(R_TICKS))
    axis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set_minor_locator(NullLocator())


def quantiles_of(values: xr.DataArray | np.ndarray) -> np.ndarray:
    """The 5, 25, 50, 75 and 95 % quantiles of draws, as `interval` takes them."""
    return np.quantile(np.ravel(values), QUANTILES)


def two_digits(value: float) -> str:
    return f"{value:#.2g}".removesuffix(".")


@own_settings()
def save(ax: Axes, path: Path | str) -> None:
    """Write the figure of `ax` as SVG or PDF where the name ends so, otherwise as PNG; the same figure gives the same bytes."""
    kind = suffix if (suffix := Path(path).suffix[1:]) in _ABOUT else "png"
    with own_settings({"svg.fonttype": "none", "svg.hashsalt": "sie"}):
        figure_of(ax).savefig(path, format=kind, dpi=DPI, metadata=_ABOUT[kind])


def as_svg(ax: Axes, *, salt: str) -> str:
    """The figure of `ax` as an SVG element for a page: text stays text, the background is that of the page.

    `salt` keeps the ids within apart from those of other figures; the same figure and salt give the same text.
    """
    target = io.StringIO()
    with own_settings({"svg.fonttype": "none", "svg.hashsalt": salt}):
        figure_of(ax).savefig(
            target, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
        )
    svg = target.getvalue()
    return svg[svg.index("<svg") :]
