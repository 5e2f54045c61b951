"""Figures of software gained after ASARA: the fan of all draws, and one path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..base.stats import QUANTILES
from ..growth.paths import doublings_by
from .style import (
    BLACK,
    BLUE,
    FAINT,
    GREY,
    INNER,
    LABEL_GAP,
    OUTER,
    SHADED,
    THIN,
    VERMILION,
    axes_for,
    finish,
    note,
    own_settings,
    two_digits,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["plot_fan", "plot_path"]

TIMES = 161
"""Points in time of the fan chart."""

ENDLESS = 1e12
"""Doublings that stand for infinitely many where quantiles are taken."""

FAN_CUT = 3.0
"""The fan chart ends at most this far up, in units of the highest 75 % quantile, or the median could not be read."""


@own_settings()
def plot_fan(
    paths: xr.Dataset,
    *,
    years: float = 5.0,
    title: str | None = None,
    narrow: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw the software doublings gained in the first years after ASARA, beside the recent trend.

    The axis is linear, since a doubling is a logarithm already; a 5-95 % band that leaves it is labelled with its end.

    Parameters
    ----------
    paths : xr.Dataset
        Paths of `simulate`.
    years : float, optional
        End of the time axis, in years since ASARA.
    title : str, optional
        Shown above the figure.
    narrow : bool, optional
        Whether a new figure is for a phone.
    ax : Axes, optional
        Drawn on (default: the axes of a new figure).

    Returns
    -------
    Axes
        Labour doublings over years since ASARA.
    """
    ax = axes_for(ax, narrow=narrow)
    times = np.linspace(0, years, TIMES)
    levels = np.ascontiguousarray(np.minimum(doublings_by(paths, times), ENDLESS).reshape(-1, TIMES).T)
    levels.sort(axis=1)  # sorted, quantiles take a third of the time
    low, inner_low, median, inner_high, high = np.quantile(levels, QUANTILES, axis=1)
    pace = float(paths.recent_doublings_per_year.median())
    ax.fill_between(times, low, high, color=BLUE, alpha=FAINT, linewidth=0, label=OUTER)
    ax.fill_between(times, inner_low, inner_high, color=BLUE, alpha=SHADED, linewidth=0, label=INNER)
    ax.plot(times, median, color=BLACK, linewidth=2, label="median")
    trend = f"recent pace, {two_digits(pace)} a year"
    ax.plot(times, pace * times, color=VERMILION, linestyle=":", linewidth=2, label=trend)
    top = max(inner_high[inner_high < ENDLESS].max() * FAN_CUT, pace * years)
    ax.set_xlim(0, years)
    ax.set_ylim(0, min(high.max(), top) * (1 + ax.get_ymargin()))
    if high.max() > top:
        reached = f"{high.max():.0f}" if high.max() < ENDLESS else "a singularity"
        note(ax, f"95 % reaches {reached}", (years, top), (-LABEL_GAP, 0), ha="right")
    ax.set_xlabel("years since ASARA")
    ax.set_ylabel("software doublings since ASARA (units of parallel labour)")
    return finish(ax, title)


@own_settings()
def plot_path(
    paths: xr.Dataset, *, years: float = 5.0, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw software doublings of a single path after ASARA, beside the recent trend, with its singularity if any.

    Parameters
    ----------
    paths : xr.Dataset
        Paths of `simulate`, of which the first is drawn.
    years : float, optional
        End of the time axis, in years since ASARA.
    title : str, optional
        Shown above the figure.
    ax : Axes, optional
        Drawn on (default: the axes of a new figure).

    Returns
    -------
    Axes
        Labour doublings over years since ASARA.
    """
    ax = axes_for(ax)
    end = float(paths.end_years.max())
    times = np.linspace(0, min(years, end) if np.isfinite(end) else years, TIMES)
    levels = doublings_by(paths, times)[0, 0]
    shown = np.isfinite(levels)
    pace = float(paths.recent_doublings_per_year.max())
    ax.plot(times[shown], levels[shown], color=BLACK, linewidth=2, label="software")
    trend = f"recent pace, {two_digits(pace)} a year"
    ax.plot([0, years], [0, pace * years], color=VERMILION, linestyle=":", linewidth=2, label=trend)
    if end < years:
        name = "singularity" if np.isinf(paths.doublings_left.max()) else "ceiling"
        ax.axvline(end, color=GREY, linestyle="--", linewidth=THIN, label=f"{name}, {end:.3g} years")
    ax.set_xlim(0, years)
    ax.set_ylim(0, None)
    ax.set_xlabel("years since ASARA")
    ax.set_ylabel("software doublings since ASARA (units of parallel labour)")
    return finish(ax, title)
