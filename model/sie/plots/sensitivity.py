"""Figures of what drives a view: the tornado of one event, the shares of the variance of log r, the Shapley effects.

Each takes what `sensitivity.measures` or `sensitivity.shapley` returned, draws on one Axes (its own unless `ax` is given) and returns it; intervals
are 95 %. Lightness, hatching and markers repeat the information in the colours. It computes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, plain
from ..base.stats import Z95
from ..data.wording import percent
from .style import BLACK, BLUE, GREY, ORANGE, SMALL, new_axes, own_settings

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["axes_for", "plot_shapley", "plot_tornado", "plot_variance_shares"]

LOW, HIGH, PALE = ORANGE, BLUE, "#D9D9D9"
"""A light orange and a dark blue, far apart in grey too; each with a marker of its own."""

BAR = 0.62
"""Height of a bar; lines are 1 apart."""

FIGURE_WIDTH, LINE_INCHES, MARGIN_INCHES = 9.0, 0.38, 1.7
"""Size of a figure in inches: width, height of a line, and what is above and below the lines."""

LEAST_RANGE = 0.05
"""A tornado's axis covers at least this much probability on either side of P."""


@own_settings()
def plot_tornado(
    tornado: xr.Dataset,
    event: str | None = None,
    p: float | None = None,
    *,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw P(event) with each input near its 5 % and near its 95 % quantile, the widest swing on top.

    Parameters
    ----------
    tornado : xr.Dataset
        From `tornado`.
    event : str, optional
        An event in it (default: its only one).
    p : float, optional
        P(event) itself, drawn as a line (default: that over the draws behind `tornado`).
    title : str, optional
        Shown above the figure.
    ax : Axes, optional
        Drawn on (default: the axes of a new figure).

    Returns
    -------
    Axes
        Probability; bars at the marks are 95 % intervals.

    Raises
    ------
    DataError
        For an event that the table does not have, and for none where it has several.

    Examples
    --------
    >>> draws = sie.prior(sie.read_view("davidson_2025"), draws=4000, seed=1)
    >>> r = draws.r_asara.values.ravel()
    >>> indicators = xr.DataArray([r > 1], dims=("event", "draw"), coords={"event": ["r_above_1"]})
    >>> ax = sie.plot_tornado(sie.tornado({"r": r}, indicators, effective=np.array([4000])))
    """
    table, event = _of_event(tornado, event)
    p = float(table.credence) if p is None else p
    order = np.argsort(np.abs(table.p.values[:, 1] - table.p.values[:, 0]), kind="stable")
    table, lines = table.isel(input=order), np.arange(len(order))
    ax = axes_for(ax, len(lines))
    conditional, error = table.p.values, Z95 * table.mcse.values
    look = {"height": BAR, "color": PALE, "edgecolor": GREY, "linewidth": 0.8}
    ax.barh(lines, conditional[:, 1] - conditional[:, 0], left=conditional[:, 0], **look)
    ends = ((LOW, "s", "near its 5 % quantile"), (HIGH, "o", "near its 95 % quantile"))
    for end, (color, marker, label) in enumerate(ends):
        ax.errorbar(
            conditional[:, end],
            lines,
            xerr=error[:, end],
            color=color,
            marker=marker,
            markeredgecolor=BLACK,
            markersize=7,
            capsize=2,
            linestyle="none",
            label=f"input {label}",
            zorder=3,
        )
    for line in lines:
        left = int(conditional[line, 1] < conditional[line, 0])
        for end, side, away in ((left, "right", -1), (1 - left, "left", 1)):
            ax.annotate(
                f"{table.value.values[line, end]:.3g}",
                (conditional[line, end] + away * error[line, end], line),
                (7 * away, 0),
                textcoords="offset points",
                fontsize=SMALL,
                ha=side,
                va="center",
            )
    ax.axvline(p, color=BLACK, linewidth=1, linestyle="--", label=f"P = {percent(p)}", zorder=1)
    ax.set_yticks(lines, [_words(name) for name in table.input.values])
    ends_at = [*conditional.ravel(), p - LEAST_RANGE, p + LEAST_RANGE]
    room = 0.12 * (max(ends_at) - min(ends_at)) + 0.02
    ax.set_xlim(min(ends_at) - room, max(ends_at) + room)
    ax.set_xlabel(
        f"P({event} | input), probability; numbers are the input's quantiles, bars at the marks 95 %"
    )
    return _finish(ax, title)


@own_settings()
def plot_variance_shares(shares: xr.Dataset, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw each term's share of the variance of log r at ASARA.

    A hatched bar is a term that moves against the others.

    Parameters
    ----------
    shares : xr.Dataset
        From `variance_shares`.
    title : str, optional
        Shown above the figure.
    ax : Axes, optional
        Drawn on (default: the axes of a new figure).

    Returns
    -------
    Axes
        Shares that sum to 100 %, with 95 % intervals.
    """
    ax = axes_for(ax, shares.sizes["term"])
    _bars(ax, shares.term.values, shares.share.values, shares.se.values)
    ax.set_xlabel("Cov(log term, log r at ASARA) / Var(log r at ASARA); they sum to 100 %")
    return _finish(ax, title)


@own_settings()
def plot_shapley(
    effects: xr.Dataset, event: str | None = None, *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw each input's Shapley effect on whether an event happens, and what no input was found to explain.

    Parameters
    ----------
    effects : xr.Dataset
        From `shapley_effects`.
    event : str, optional
        An event in it (default: its only one).
    title : str, optional
        Shown above the figure.
    ax : Axes, optional
        Drawn on (default: the axes of a new figure).

    Returns
    -------
    Axes
        Shares of the variance, with 95 % intervals.

    Raises
    ------
    DataError
        As in `plot_tornado`.
    """
    table, event = _of_event(effects, event)
    order = np.argsort(table.share.values, kind="stable")[::-1]
    names = [*table.input.values[order], "unattributed"]
    share = [*table.share.values[order], table.unattributed.item()]
    ax = axes_for(ax, len(names))
    _bars(ax, names, np.array(share), np.array([*table.se.values[order], 0.0]))
    ax.set_xlabel(f"Share of the variance of whether {event} happens (Shapley effect)")
    return _finish(ax, title)


def _of_event(table: xr.Dataset, event: str | None) -> tuple[xr.Dataset, str]:
    """The part of a table that is about one event, and its name; events without names are numbered."""
    names = table["event"].values.tolist()
    if event is None and len(names) > 1:
        raise DataError(
            "event", plain(f"none for {len(names)} events"), f"one of {', '.join(map(str, names))}"
        )
    event = names[0] if event is None else event
    if event not in names:
        raise DataError("event", event, f"one of {', '.join(map(str, names))}")
    return table.isel(event=names.index(event)), str(event)


def _bars(ax: Axes, names, share: np.ndarray, se: np.ndarray) -> None:
    lines = np.arange(len(share))[::-1]
    for line, value, error in zip(lines, share, se, strict=True):
        known = PALE if error == 0 else HIGH
        color, hatch = (LOW, "////") if value < 0 else (known, None)
        ax.barh(line, value, height=BAR, color=color, edgecolor=BLACK, hatch=hatch)
        if error > 0:
            ax.errorbar(value, line, xerr=Z95 * error, color=BLACK, capsize=3, linestyle="none")
        beyond = max(value + Z95 * error, 0)
        ax.annotate(
            f"{100 * value:.1f} %",
            (beyond, line),
            (6, 0),
            textcoords="offset points",
            fontsize=SMALL,
            va="center",
        )
    ax.axvline(0, color=BLACK, linewidth=1)
    ax.set_yticks(lines, [_words(name) for name in names])
    low, high = min(0.0, float(share.min())), float(share.max())
    ax.set_xlim(low - 0.06 * (high - low) * (low < 0), high + 0.16 * (high - low))


def _words(name: str) -> str:
    return {"r_target": "r of language models", "r_asara": "r at ASARA"}.get(
        str(name), str(name).replace("_", " ")
    )


def axes_for(ax: Axes | None, lines: int) -> Axes:
    """The given axes, or those of a new figure high enough for so many lines."""
    if ax is not None:
        return ax
    from matplotlib.ticker import PercentFormatter

    ax = new_axes(FIGURE_WIDTH, MARGIN_INCHES + LINE_INCHES * lines)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return ax


def _finish(ax: Axes, title: str | None) -> Axes:
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        ax.legend(
            handles,
            labels,
            loc="lower center",
            bbox_to_anchor=(0.5, 1),
            ncols=3,
            frameon=False,
            fontsize=SMALL,
            borderaxespad=0.2,
        )
    if title is not None:
        ax.set_title(title, pad=24 if handles else 8, parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
