"""Four figures of draws that others made: the chain from observed r to r at ASARA, r before and after evidence, r by domain
beside the published estimates, and software gained after ASARA.

Each function draws on one matplotlib Axes (its own unless `ax` is given) and returns it; intervals are 5-95 % and 25-75 %.
Draws are a Dataset or a DataTree node with dims (chain, draw). A figure is made without pyplot, so that nothing global
changes and no display is needed. This module must not know any prior, model or growth law: it samples nothing, and takes
products, quantiles and densities of what it is given.
"""

from __future__ import annotations

import io
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .distributions import Z95
from .dynamics import doublings_by
from .evidence import QUANTILES, TARGET
from .levels import own_estimates
from .quantities import ADJUSTMENTS, R_UNIT

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["as_svg", "plot_domains", "plot_fan", "plot_path", "plot_r", "plot_waterfall", "save"]

BLACK, BLUE, ORANGE, VERMILION, GREY = "#000000", "#0072B2", "#E69F00", "#D55E00", "#767676"
"""Okabe & Ito (2008), told apart by colour-blind readers, and a grey; each is used with a shape of its own."""

BEFORE = {"color": ORANGE, "marker": "s"}
"""How prior draws look; their curves are dashed."""

AFTER = {"color": BLUE, "marker": "o"}
"""How posterior draws look, and draws of one kind only; their curves are solid."""

PUBLISHED = {"color": BLACK, "marker": "D"}
"""How a published estimate looks."""

RAW = {"color": VERMILION, "marker": "^"}
"""How an estimate from growth rates or from a history looks."""

INNER, OUTER = "25–75 %", "5–95 %"
"""What the thick and the thin part of every interval cover."""

THIN, THICK = 1.5, 5.0
"""Line widths of the 5-95 % and the 25-75 % interval, in points."""

FAINT, SHADED = 0.18, 0.4
"""Opacities of the 5-95 % and the 25-75 % band."""

HOLLOW = {"markersize": 7.0, "markerfacecolor": "white"}
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

SHOWN_TAIL = 0.005
"""Share of draws beyond either end of the axis of `plot_r`."""

DENSITY_BINS = 512
"""Bins of a density before smoothing."""

STEP_WIDTH = 0.55
"""Width of a bar of the waterfall; columns are 1 apart."""

TIMES = 241
"""Points in time of the fan chart."""

FAN_CUT = 3.0
"""The fan chart ends at most this far up, in units of the highest 75 % quantile, or the median could not be read."""

DPI = 150
"""Resolution of a saved figure."""


def plot_waterfall(
    draws: xr.Dataset, *, title: str | None = None, narrow: bool = False, ax: Axes | None = None
) -> Axes:
    """r of language models, then after each adjustment in turn, to r at ASARA; from prior or posterior draws.

    A bar runs from one stage's median to the next; `× 2.1` is the factor's own median. Draws of a view that states r at
    ASARA directly have this one stage. `narrow`, here and below, makes a figure for a phone.
    """
    ax = _axes(ax, narrow=narrow)
    stages = _stages(draws)
    quantiles = [_quantiles(stage) for stage in stages.values()]
    medians = [stage[2] for stage in quantiles]
    _log_r(ax, "y", min(stage[0] for stage in quantiles), max(stage[-1] for stage in quantiles) * ROOM)
    for position, stage in enumerate(quantiles):
        if position > 0:
            _step(ax, position, medians[position - 1], medians[position])
        _interval(ax, position, stage, vertical=True, **AFTER)
        at = (position, medians[position])
        _note(ax, _two_digits(medians[position]), at, (2 * LABEL_GAP, LABEL_GAP), ha="left")
    for position, name in enumerate(list(stages)[1:], start=1):
        factor = f"× {_two_digits(np.median(draws[name]))}"
        if _is_narrow(ax):  # above, the factor would meet the median of the stage before
            at, offset = (position, quantiles[position][0]), (0, -LABEL_GAP - SMALL)
        else:
            at, offset = (position, quantiles[position][-1]), (0, LABEL_GAP)
        _note(ax, factor, at, offset, ha="center")
    _mark_one(ax, vertical=False)
    names = _stage_labels(stages)
    if _is_narrow(ax) and len(names) > 1:
        names = [name.replace("\n", " ") for name in names]
        ax.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    else:
        ax.set_xticks(range(len(names)), names)
    ax.set_xlim(-STEP_WIDTH, len(stages) - 1 + STEP_WIDTH)
    ax.set_ylabel(f"r ({R_UNIT})")
    return _finish(ax, title, intervals=True)


def plot_r(
    prior: xr.Dataset,
    posterior: xr.Dataset | None = None,
    *,
    title: str | None = None,
    narrow: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Density of r at ASARA before and, where given, after evidence; the intervals lie below the curves."""
    ax = _axes(ax, narrow=narrow)
    sets = {"prior": (prior.r_asara.values.ravel(), BEFORE, "--")}
    if posterior is not None:
        sets["posterior"] = (posterior.r_asara.values.ravel(), AFTER, "-")
    ends = [np.quantile(r, (SHOWN_TAIL, 1 - SHOWN_TAIL)) for r, _, _ in sets.values()]
    _log_r(ax, "x", min(low for low, _ in ends), max(high for _, high in ends))
    densities = [_density(r) for r, _, _ in sets.values()]
    line = max(density.max() for _, density in densities) / len(QUANTILES) / 2
    for i, (name, (r, look, dashes)) in enumerate(sets.items()):
        at, density = densities[i]
        label = f"{name}: median {np.median(r):.2f}, P(r > 1) = {np.mean(r > 1):.2f}"
        ax.fill_between(at, density, color=look["color"], alpha=FAINT, linewidth=0)
        ax.plot(at, density, linestyle=dashes, linewidth=2, markevery=[], label=label, **look | HOLLOW)
        _interval(ax, -line * (i + 1), _quantiles(r), label=None, **look)
    ax.axhline(0, color=GREY, linewidth=THIN / 2)
    _mark_one(ax, vertical=True)
    ax.set_ylim(bottom=-line * (len(sets) + 1))
    ax.set_yticks([tick for tick in ax.get_yticks() if 0 <= tick <= ax.get_ylim()[1]])
    ax.set_xlabel(f"r at ASARA ({R_UNIT})")
    ax.set_ylabel("density (probability per factor of 10 in r)")
    return _finish(ax, title, intervals=True)


def plot_domains(
    rows: xr.Dataset,
    posterior: xr.Dataset,
    *,
    title: str | None = None,
    narrow: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Each row on r that was used (`sie.usable`), at its level, and, below, the posterior of its domain.

    A row of growth or series has r against the input that it names, without its definition error. An arrow leads from an
    estimate's median to its domain's. The band is `r_typical`, r of a typical software domain. An
    estimate that already includes adjustments is not of the domain's own r; its label says so.
    """
    is_r = rows.kind.values != "factor"
    ax = _axes(ax, lines=int(is_r.sum()) + rows.sizes["domain"], narrow=narrow)
    no_estimate = "\n(no estimate)" if _is_narrow(ax) else " (no estimate)"
    quantiles, labels, place = [], [], 0
    _band(ax, _quantiles(posterior.r_typical))
    for domain_idx, domain in enumerate(rows.domain.values.tolist()):
        used = np.flatnonzero(is_r & (rows.domain_idx.values == domain_idx))
        after, after_place = _quantiles(posterior.r.sel(domain=domain)), place + len(used)
        for i in used:
            published = rows.kind.values[i] == "r"
            if published:
                quantiles.append(_published(rows.value.values[i], float(rows.se.values[i])))
            else:
                quantiles.append(own_estimates(rows.isel(estimate=[i]), posterior)[0])
            name = "published estimate" if published else "growth rates or history"
            _interval(ax, place, quantiles[-1], label=name, **(PUBLISHED if published else RAW))
            _arrow(ax, (quantiles[-1][2], place), (after[2], after_place))
            labels.append((_row_label(rows.isel(estimate=i)), SMALL))
            place += 1
        _interval(ax, place, after, label="posterior", **AFTER)
        labels.append((domain if len(used) else f"{domain}{no_estimate}", None))
        place += 1
        ax.axhline(place - 1 / 2, color=GREY, linewidth=THIN / 2, alpha=SHADED)
        quantiles.append(after)
    _log_r(ax, "x", np.nanmin(quantiles), np.nanmax(quantiles))
    _mark_one(ax, vertical=True)
    ax.set_yticks(range(place), [text for text, _ in labels], parse_math=False)
    for tick, (_, size) in zip(ax.get_yticklabels(), labels, strict=True):
        tick.set_fontsize(size)
    ax.set_ylim(place - 1 / 4, -1 / 2)
    ax.set_xlabel(f"r ({R_UNIT})")
    return _finish(ax, title, intervals=True, columns=2 if _is_narrow(ax) else LEGEND_COLUMNS)


def plot_fan(
    paths: xr.Dataset,
    *,
    years: float = 5.0,
    title: str | None = None,
    narrow: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Software doublings gained in the first years after ASARA (`paths` from `sie.simulate`), beside the recent trend.

    The axis is linear, since a doubling is a logarithm already; a 5-95 % band that leaves it is labelled with its end.
    """
    ax = _axes(ax, narrow=narrow)
    times = np.linspace(0, years, TIMES)
    low, inner_low, median, inner_high, high = np.quantile(doublings_by(paths, times), QUANTILES, axis=(0, 1))
    pace = float(paths.recent_doublings_per_year.median())
    ax.fill_between(times, low, high, color=BLUE, alpha=FAINT, linewidth=0, label=OUTER)
    ax.fill_between(times, inner_low, inner_high, color=BLUE, alpha=SHADED, linewidth=0, label=INNER)
    ax.plot(times, median, color=BLACK, linewidth=2, label="median")
    trend = f"recent pace, {_two_digits(pace)} a year"
    ax.plot(times, pace * times, color=VERMILION, linestyle=":", linewidth=2, label=trend)
    top = max(inner_high.max() * FAN_CUT, pace * years)
    ax.set_xlim(0, years)
    ax.set_ylim(0, min(high.max(), top) * (1 + ax.margins()[1]))
    if high.max() > top:
        _note(ax, f"95 % reaches {high.max():.0f}", (years, top), (-LABEL_GAP, 0), ha="right")
    ax.set_xlabel("years since ASARA")
    ax.set_ylabel("software doublings since ASARA (units of parallel labour)")
    return _finish(ax, title)


def plot_path(
    paths: xr.Dataset, *, years: float = 5.0, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Software doublings of a single path after ASARA, beside the recent trend, with the time of its singularity if any."""
    ax = _axes(ax)
    end = float(paths.end_years.max())
    times = np.linspace(0, min(years, end) if np.isfinite(end) else years, TIMES)
    levels = doublings_by(paths, times)[0, 0]
    shown = np.isfinite(levels)
    pace = float(paths.recent_doublings_per_year.max())
    ax.plot(times[shown], levels[shown], color=BLACK, linewidth=2, label="software")
    trend = f"recent pace, {_two_digits(pace)} a year"
    ax.plot([0, years], [0, pace * years], color=VERMILION, linestyle=":", linewidth=2, label=trend)
    if end < years:
        name = "singularity" if np.isinf(paths.doublings_left.max()) else "ceiling"
        ax.axvline(end, color=GREY, linestyle="--", linewidth=THIN, label=f"{name}, {end:.3g} years")
    ax.set_xlim(0, years)
    ax.set_ylim(0, None)
    ax.set_xlabel("years since ASARA")
    ax.set_ylabel("software doublings since ASARA (units of parallel labour)")
    return _finish(ax, title)


def save(ax: Axes, path: Path | str) -> None:
    """Write the figure of `ax` as PNG, whatever the name ends in; the same figure gives the same bytes."""
    ax.get_figure(root=True).savefig(path, format="png", dpi=DPI, metadata={"Software": None})


def as_svg(ax: Axes, *, salt: str) -> str:
    """The figure of `ax` as an SVG element for a page: text stays text, the background is that of the page.

    `salt` keeps the ids within apart from those of other figures; the same figure and salt give the same text.
    """
    import matplotlib

    target = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}):
        ax.get_figure(root=True).savefig(
            target, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
        )
    svg = target.getvalue()
    return svg[svg.index("<svg") :]


def _is_narrow(ax: Axes) -> bool:
    """Whether the axes are too narrow for long labels."""
    return ax.get_figure(root=True).get_figwidth() < NARROW_BELOW


def _axes(ax: Axes | None, *, lines: int = 0, narrow: bool = False) -> Axes:
    """The given axes, or those of a new figure, high enough for so many lines."""
    if ax is not None:
        return ax
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = NARROW_INCHES if narrow else FIGURE_INCHES
    figure = Figure(figsize=(width, max(height, 1 + LINE_INCHES * lines)), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def _finish(ax: Axes, title: str | None, *, intervals: bool = False, columns: int = LEGEND_COLUMNS) -> Axes:
    """Title and legend above the axes, where they hide nothing; `intervals` explains thick and thin lines."""
    if intervals:
        ax.plot([], [], color=GREY, linewidth=THICK, label=INNER)
        ax.plot([], [], color=GREY, linewidth=THIN, label=OUTER)
    handles, labels = ax.get_legend_handles_labels()
    entries = dict(zip(labels, handles, strict=True))
    letters = max(len(label) for label in entries) + 2 * LEGEND_KEY
    fitting = int(LEGEND_LETTERS * ax.get_figure(root=True).get_figwidth() // letters)
    columns = min(max(1, fitting), columns, len(entries))
    rows = -(-len(entries) // columns)
    place = {"loc": "lower center", "bbox_to_anchor": (0.5, 1), "ncols": columns}
    if _is_narrow(ax):  # wide labels of the y axis would push a legend centred on the axes out of the figure
        from matplotlib.transforms import blended_transform_factory

        figure = ax.get_figure(root=True)
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
    if _is_narrow(ax):
        ax.tick_params(labelsize=SMALL)
        for axis, inches in ((ax.xaxis, NARROW_INCHES[0]), (ax.yaxis, NARROW_INCHES[1])):
            words = textwrap.wrap(axis.get_label_text(), int(LABEL_LETTERS * inches))
            axis.set_label_text("\n".join(words), fontsize=SMALL)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _quantiles(values: xr.DataArray | np.ndarray) -> np.ndarray:
    return np.quantile(np.ravel(values), QUANTILES)


def _stages(draws: xr.Dataset) -> dict[str, np.ndarray]:
    """Cumulative r after each link of the chain, by the link's name; `r_asara` alone where the chain is not stated."""
    if "r_target" not in draws:
        return {"r_asara": draws["r_asara"].values}
    stages = {"r_target": draws["r_target"].values}
    for name in ADJUSTMENTS:
        stages[name] = stages[list(stages)[-1]] * draws[name].values
    return stages


def _stage_labels(stages: dict[str, np.ndarray]) -> list[str]:
    words = {
        "r_target": f"r of\n{TARGET}",
        "r_asara": "r at ASARA",
        ADJUSTMENTS[-1]: f"{ADJUSTMENTS[-1]}\n= r at ASARA",
    }
    return [words.get(name, name.replace("_", "\n")) for name in stages]


def _step(ax: Axes, position: int, before: float, after: float) -> None:
    """A bar of the waterfall from one stage's median to the next, hatched where r falls, tied to the stage before."""
    hatch, colour = ("///", VERMILION) if after < before else ("", BLUE)
    sides = (position - STEP_WIDTH / 2, position + STEP_WIDTH / 2)
    ax.fill_between(sides, before, after, color=colour, alpha=FAINT, linewidth=0)
    edge = {"facecolor": "none", "edgecolor": (colour, SHADED)}  # in SVG a hatch takes on its bar's opacity
    ax.bar(position, after - before, STEP_WIDTH, bottom=before, hatch=hatch, **edge)
    ax.hlines(before, position - 1, position + STEP_WIDTH / 2, colors=GREY, linewidth=THIN / 2)


def _interval(
    ax: Axes,
    position: float,
    quantiles: np.ndarray,
    *,
    color: str,
    marker: str,
    vertical: bool = False,
    label: str | None = "median",
) -> None:
    """Median, 25-75 % where known and 5-95 % at a place on the other axis."""
    low, inner_low, median, inner_high, high = quantiles
    lines = ax.vlines if vertical else ax.hlines
    lines(position, low, high, colors=color, linewidth=THIN)
    if not np.isnan(inner_low):
        lines(position, inner_low, inner_high, colors=color, linewidth=THICK)
    at = (position, median) if vertical else (median, position)
    ax.plot(*([x] for x in at), color=color, marker=marker, linestyle="none", label=label, **HOLLOW)


def _two_digits(value: float) -> str:
    return f"{value:#.2g}".removesuffix(".")


def _note(ax: Axes, text: str, at: tuple[float, float], offset: tuple[float, float], *, ha: str) -> None:
    ax.annotate(
        text, at, offset, textcoords="offset points", fontsize=SMALL, ha=ha, va="bottom", bbox=BACKGROUND
    )


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate(
        "",
        end,
        start,
        arrowprops={"arrowstyle": "->", "color": GREY, "shrinkA": LABEL_GAP, "shrinkB": LABEL_GAP},
    )


def _band(ax: Axes, quantiles: np.ndarray) -> None:
    """r of a typical domain behind the domains."""
    low, inner_low, median, inner_high, high = quantiles
    ax.axvspan(low, high, color=GREY, alpha=FAINT / 2, linewidth=0)
    ax.axvspan(inner_low, inner_high, color=GREY, alpha=FAINT, linewidth=0)
    ax.axvline(median, color=GREY, linestyle=":", linewidth=THIN, label="r_typical")


def _mark_one(ax: Axes, *, vertical: bool) -> None:
    """The line r = 1 and its name at the end where nothing else is."""
    (ax.axvline if vertical else ax.axhline)(1, color=BLACK, linestyle="--", linewidth=THIN / 2)
    where = ax.get_xaxis_transform() if vertical else ax.get_yaxis_transform()
    beside = {"textcoords": "offset points", "fontsize": SMALL, "ha": "left"}
    ax.annotate(
        "r = 1", (1, 1 - vertical), (LABEL_GAP, 0), where, va="bottom" if vertical else "center", **beside
    )


def _log_r(ax: Axes, which: str, low: float, high: float) -> None:
    """Make the x or the y axis logarithmic in r, with plain numbers, from below `low` to above `high`."""
    from matplotlib.ticker import FixedLocator, FormatStrFormatter, NullLocator

    least, most = LEAST_R_RANGE
    ax.set(**{f"{which}scale": "log", f"{which}lim": (min(low, least) / ROOM, max(high, most) * ROOM)})
    axis = {"x": ax.xaxis, "y": ax.yaxis}[which]
    axis.set_major_locator(FixedLocator(R_TICKS))
    axis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set_minor_locator(NullLocator())


def _density(r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(r, density of log10 r): a fine histogram smoothed at Scott's (1992) width, reflected at its ends.

    The reflection keeps the edge of a prior that ends abruptly.
    """
    from scipy.ndimage import gaussian_filter1d

    density, edges = np.histogram(np.log10(r), bins=DENSITY_BINS, density=True)
    width = np.log10(r).std() * len(r) ** (-1 / 5)
    smoothed = gaussian_filter1d(density, max(1.0, width / (edges[1] - edges[0])), mode="reflect")
    return 10 ** ((edges[1:] + edges[:-1]) / 2), smoothed


def _published(value: np.ndarray, se: float) -> np.ndarray:
    """An estimate's five quantiles as the model reads them; a standard error is one of log r, to first order.

    25 and 75 % are NaN where only a standard error or three quantiles are given.
    """
    if np.isnan(value[0]):
        return value[2] * np.exp(np.array([-Z95, np.nan, 0.0, np.nan, Z95]) * se / value[2])
    return value


def _row_label(row: xr.Dataset) -> str:
    included = row.adjustment.values[row.includes.values > 0].tolist()
    words = [
        "at fixed hardware scale" if name == "hardware_scale" else f"includes {name}" for name in included
    ]
    return "\n".join([str(row.estimate.values), *words])
