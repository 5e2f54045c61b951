"""Figures of what evidence does: a forest of domains by the level of their evidence, and arrows from a row left out to it used.

As `plots`: each draws on one Axes and returns it. Tables come from `checking`; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.quantities import R_UNIT
from .style import BLACK, BLUE, GREY, HOLLOW, LABEL_GAP, OUTER, SMALL, THICK, THIN, VERMILION, own_settings
from .style import axes_for as _axes
from .style import finish as _finish
from .style import log_r as _log_r
from .style import mark_one as _mark_one

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["plot_forest", "plot_left_out", "plot_predicted"]

LOOKS: dict[str, dict[str, Any]] = {
    "published": {"color": BLACK, "marker": "D"},
    "growth": {"color": VERMILION, "marker": "^"},
    "epoch": {"color": "#009E73", "marker": "v"},
    "series": {"color": "#CC79A7", "marker": "s"},
    "pooled": {"color": BLUE, "marker": "o"},
}
"""A colour and a marker for each level of evidence, and for the posterior of the domain."""


@own_settings()
def plot_forest(
    table: xr.Dataset,
    raw: Mapping[tuple[str, str], np.ndarray],
    *,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """r of each domain as its own rows have it at every level (`checking.raw_by_level`), above its posterior after pooling.

    `table` is `checking.domain_table`; the level that entered has a filled marker. Lines are 5-95 %.
    """
    lines = [
        (domain, level)
        for domain in table.domain.values.tolist()
        for level in [*(level for at, level in raw if at == domain), "pooled"]
    ]
    ax = _axes(ax, lines=len(lines))
    labels, ends, last = [], [], None
    for level, look in LOOKS.items():
        if any(shown == level for _, shown in lines):
            name = "posterior" if level == "pooled" else level
            ax.plot([], [], linestyle="none", label=name, **HOLLOW | look)
    for place, (domain, level) in enumerate(lines):
        pooled = level == "pooled"
        quantiles = table.pooled.sel(domain=domain).values if pooled else raw[domain, level]
        used = pooled or level == str(table.level.sel(domain=domain).item())
        _interval(ax, place, quantiles, None, filled=used, thick=pooled, **LOOKS[level])
        labels.append(f"{domain if domain != last else ''}   {'posterior' if pooled else level}")
        ends.append(quantiles)
        if pooled:
            ax.axhline(place + 0.5, color=GREY, linewidth=THIN / 2, alpha=0.5)
        last = domain
    ends = np.array(ends)
    _log_r(ax, "x", max(np.nanmin(ends), 0.05), min(np.nanmax(ends), 50))
    _mark_one(ax, vertical=True)
    ax.set_yticks(range(len(lines)), labels, fontsize=SMALL)
    ax.set_ylim(len(lines) - 0.5, -0.5)
    ax.set_xlabel(
        f"r against the view's input ({R_UNIT});\na domain's own rows alone at each level (filled: the one that enters), and its posterior"
    )
    ax.plot([], [], color=GREY, linewidth=THIN, label=OUTER)
    return _finish(ax, title, columns=len(LOOKS) + 1)


@own_settings()
def plot_left_out(influence: xr.Dataset, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """The median r at ASARA without each row (`checking.influence`), with an arrow to where all rows have it."""
    order = np.argsort(-np.abs(influence.log_r.values))
    full = influence.attrs["median"]
    ax = _axes(ax, lines=len(order))
    for place, i in enumerate(order):
        without = float(influence.median_without.values[i])
        colour = BLUE if influence.log_r.values[i] > 0 else VERMILION
        look = {"arrowstyle": "->", "color": colour, "linewidth": THIN, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (full, place), (without, place), arrowprops=look)
        name = "without the row; it raises r" if colour == BLUE else "without the row; it lowers r"
        marker = "o" if colour == BLUE else "s"
        ax.plot([without], [place], color=colour, marker=marker, linestyle="none", label=name, **HOLLOW)
        change = 100 * float(influence.p.sel(event="r_above_1").values[i])
        error = 100 * float(influence.mcse.sel(event="r_above_1").values[i])
        ax.annotate(
            f"{change:+.1f} ± {error:.1f}",
            (1, place),
            (-LABEL_GAP, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=SMALL,
        )
    ax.axvline(full, color=BLACK, linewidth=THIN, label=f"all rows, {full:.2f}")
    ends = [*influence.median_without.values.tolist(), full]
    room = (max(ends) - min(ends)) * 0.15
    ax.set_xlim(min(ends) - room, max(ends) + 2.5 * room)
    ax.set_yticks(range(len(order)), [influence.estimate.values[i] for i in order], fontsize=SMALL)
    ax.set_ylim(len(order) - 0.5, -0.5)
    ax.set_xlabel(
        f"median r at ASARA ({R_UNIT});\nright: what the row adds to P(r > 1), points ± Monte Carlo error"
    )
    return _finish(ax, title)


@own_settings()
def plot_predicted(predicted: xr.Dataset, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Each domain's estimate beside the 90 % interval that all other domains predict (`checking.leave_domains_out`).

    As the observed over the median predicted, since rows of growth are no r.
    """
    ax = _axes(ax, lines=predicted.sizes["domain"])
    middle = predicted.predicted.sel(quantile=0.5)
    intervals = (predicted.predicted / middle).transpose("domain", "quantile").values
    observed = (predicted.observed / middle).values
    for place, (interval, seen, hit) in enumerate(
        zip(intervals, observed, predicted.hit.sel(mass=0.9).values, strict=True)
    ):
        _interval(ax, place, interval, "predicted by the other domains", thick=True, **LOOKS["pooled"])
        marker, colour = ("D", BLACK) if hit else ("X", VERMILION)
        name = "its own rows" if hit else "its own rows, outside"
        ax.plot([seen], [place], color=colour, marker=marker, linestyle="none", markersize=8, label=name)
    _log_r(ax, "x", min(intervals.min(), observed.min()), max(intervals.max(), observed.max()))
    ax.axvline(1, color=BLACK, linestyle="--", linewidth=THIN / 2)
    ax.set_yticks(range(len(observed)), predicted.domain.values, fontsize=SMALL)
    ax.set_ylim(len(observed) - 0.5, -0.5)
    ax.set_xlabel("estimate over the median that the other domains predict")
    ax.plot([], [], color=GREY, linewidth=THICK, label=OUTER)
    return _finish(ax, title)


def _interval(
    ax: Axes,
    place: float,
    quantiles: np.ndarray,
    label: str | None,
    *,
    color: str,
    marker: str,
    filled: bool = False,
    thick: bool = False,
) -> None:
    """The median and 5-95 % on a line of its own."""
    ax.hlines(place, quantiles[0], quantiles[2], colors=color, linewidth=THICK if thick else THIN)
    face = color if filled else "white"
    look: dict[str, Any] = {**HOLLOW, "markerfacecolor": face}
    ax.plot([quantiles[1]], [place], color=color, marker=marker, linestyle="none", label=label, **look)
