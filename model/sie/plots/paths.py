"""Figures of software gained after ASARA: the fan of all draws, one path, and P(X years of progress within some time)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..base.stats import QUANTILES, Z95
from ..data.wording import percent
from ..growth.paths import doublings_by
from .style import (
    BLACK,
    BLUE,
    FAINT,
    GREY,
    HOLLOW,
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

__all__ = ["plot_fan", "plot_path", "plot_progress"]

TIMES = 161
"""Points in time of the fan chart."""

ENDLESS = 1e12
"""Doublings that stand for infinitely many where quantiles are taken."""

FAN_CUT = 3.0
"""The fan chart ends at most this far up, in units of the highest 75 % quantile, or the median could not be read."""


WINDOW_LOOKS = (
    (BLUE, "-", "o", (LABEL_GAP, LABEL_GAP), "left"),
    (VERMILION, "--", "s", (-LABEL_GAP, -4 * LABEL_GAP), "right"),
)
"""Colour, line and marker of each window of `plot_progress`, and where the probabilities of its events stand."""

ON_THE_AXIS = 0.08
"""A probability whose note would lie on the axis if it stood below."""

EVENT_YEARS = (3.0, 10.0)
"""Years of progress of events, marked in `plot_progress`."""


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


@own_settings()
def plot_progress(curve: xr.Dataset, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the probability that at least X years of progress are gained within some window of time, over X.

    Bands are 95 % of the Monte Carlo error. The events at 3 and 10 years are marked.

    Parameters
    ----------
    curve : xr.Dataset
        From `progress_curve`, of one window or two.
    title : str, optional
        Shown above the figure.
    ax : Axes, optional
        Drawn on (default: the axes of a new figure).

    Returns
    -------
    Axes
        Probability over years of total AI progress at the recent pace.
    """
    ax = axes_for(ax)
    x = curve.years_of_progress.values
    for window, (color, line, marker, beside, ha) in zip(curve.window.values, WINDOW_LOOKS, strict=False):
        of = curve.sel(window=window)
        name = f"{12 * window:.3g} months" if window < 1 else f"{window:.3g} year{'' if window == 1 else 's'}"
        error = Z95 * of.mcse.values
        ax.fill_between(x, of.p - error, of.p + error, color=color, alpha=SHADED, linewidth=0)
        ax.plot(x, of.p, color=color, linestyle=line, linewidth=2, label=f"within {name}")
        marked = np.isin(x, EVENT_YEARS)
        ax.plot(x[marked], of.p.values[marked], color=color, marker=marker, linestyle="none", **HOLLOW)
        for at, p in zip(x[marked], of.p.values[marked], strict=True):
            note(ax, percent(p), (at, p), beside if p > ON_THE_AXIS else (beside[0], abs(beside[1])), ha=ha)
    ax.set_xlim(0, x.max())
    ax.locator_params(axis="x", integer=True)
    ax.set_ylim(0, 1)
    ax.set_xlabel("at least so many years of total AI progress at the recent pace")
    ax.set_ylabel("probability")
    return finish(ax, title)
