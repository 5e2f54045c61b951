"""METR's time horizons with their trend, the horizon at ASARA, and when it is reached; on one matplotlib Axes.

Intervals are 5-95 % and 25-75 %, measurements with their 95 % intervals. This module takes draws that others made.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..analysis.timeline import DAYS_PER_YEAR, MINUTES_PER_HOUR, WORK_MONTH_HOURS, trend_at
from ..base.stats import QUANTILES, Z95
from .style import BLACK, BLUE, FAINT, GREY, ORANGE, SHADED, THIN, VERMILION, own_settings
from .style import axes_for as _axes
from .style import finish as _finish
from .style import interval as _interval

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["plot_by_year", "plot_timeline"]

TIMES = 200
"""Points in time of the trend."""

ROOM = 0.5
"""Years shown before the first model and after the last date that is shown."""

MOST_YEARS = 15.0
"""Years after the last model that are shown at most; later dates of ASARA are off the right edge."""

DATES_AT = 0.07
"""Height of the interval of ASARA's date, as a share of the axes."""

DENSITY_TOP = 0.22
"""Height of the density of ASARA's date, as a share of the axes."""

BINS = 60

EVENT_LOOKS = ((BLUE, "-"), (VERMILION, "--"), (ORANGE, "-."), (GREY, ":"))
"""Colours and lines of events over the years; the lines start anew, thinner, where there are more."""

TICKS = {
    "1 min": 1,
    "10 min": 10,
    "1 h": MINUTES_PER_HOUR,
    "8 h": 8 * MINUTES_PER_HOUR,
    "1 work month": WORK_MONTH_HOURS * MINUTES_PER_HOUR,
    "1 work year": 12 * WORK_MONTH_HOURS * MINUTES_PER_HOUR,
    "10 work years": 120 * WORK_MONTH_HOURS * MINUTES_PER_HOUR,
    "100 work years": 1200 * WORK_MONTH_HOURS * MINUTES_PER_HOUR,
}
"""Labelled horizons, in minutes."""


@own_settings()
def plot_timeline(
    models: xr.Dataset, dates: xr.Dataset, *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw measured horizons, their trend, the horizon at ASARA, and the dates where the two meet.

    The horizon at ASARA is drawn as a measured one: asara_horizon / suite_bias.

    Parameters
    ----------
    models : xr.Dataset
        The measurements that a timeline fits, from `analysis.timeline.fitted_models`.
    dates : xr.Dataset
        From `asara_dates`.
    title : str, optional
        Shown above the figure.
    ax : Axes, optional
        Drawn on (default: the axes of a new figure).

    Returns
    -------
    Axes
        Horizon in human working time, on a logarithmic scale, over the date.
    """
    ax = _axes(ax)
    last = models.date.values[-1]
    start = float((models.date.values[0] - last) / np.timedelta64(1, "D")) / DAYS_PER_YEAR - ROOM
    when = np.quantile(dates.years_after_last, QUANTILES)
    end = min(float(when[-1]), MOST_YEARS) + ROOM
    minutes = dates.asara_horizon.values * WORK_MONTH_HOURS * MINUTES_PER_HOUR / dates.suite_bias.values
    threshold = np.quantile(minutes, QUANTILES)
    top = math.log2(threshold[-1]) + 1
    years = np.linspace(start, end, TIMES)
    # An infinite horizon is drawn beyond the axes, not along their edge.
    trend = np.quantile(np.minimum(trend_at(dates, years), 2 * top), QUANTILES, axis=1)
    _bands(ax, _calendar(last, years), trend, BLUE, "trend")
    ends = _calendar(last, np.array([start, end]))
    _bands(
        ax, ends, np.log2(np.repeat(threshold[:, None], 2, axis=1)), VERMILION, "horizon at ASARA", style="--"
    )
    _measurements(ax, models)
    low = math.log2(models.minutes.min()) - 3
    ax.set_ylim(low, top)
    ax.set_xlim(*ends)
    _density(ax, last, dates.years_after_last.values, end)
    place = low + DATES_AT * (top - low)
    _interval(ax, place, _calendar(last, when), color=BLACK, marker="o", label="date of ASARA, median")
    ax.axvline(
        _decimal(np.datetime64(dates.attrs["now"])), color=BLACK, linewidth=1, linestyle=":", label="now"
    )
    shown = {label: math.log2(value) for label, value in TICKS.items() if low <= math.log2(value) <= top}
    ax.set_yticks(list(shown.values()), list(shown))
    ax.set_ylabel("50 % time horizon (human working time)")
    ax.set_xlabel("date")
    return _finish(ax, title, intervals=True, columns=3)


@own_settings()
def plot_by_year(table: xr.Dataset, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the probability that ASARA, and each event after it, has come by the end of each year.

    Bands are 95 % of the Monte Carlo error.

    Parameters
    ----------
    table : xr.Dataset
        From `credences_by_year`.
    title : str, optional
        Shown above the figure.
    ax : Axes, optional
        Drawn on (default: the axes of a new figure).

    Returns
    -------
    Axes
        Probability over calendar years.
    """
    ax = _axes(ax)
    years = table.year.values
    for k, event in enumerate(table.event.values.tolist()):
        p, error = table.p.sel(event=event).values, Z95 * table.mcse.sel(event=event).values
        turn, place = divmod(k - 1, len(EVENT_LOOKS))
        color, line = (BLACK, "-") if k == 0 else EVENT_LOOKS[place]
        ax.fill_between(years, p - error, p + error, color=color, alpha=SHADED, linewidth=0)
        ax.plot(
            years,
            p,
            color=color,
            linestyle=line,
            linewidth=2 / (1 + max(turn, 0)),
            label="ASARA" if k == 0 else event,
        )
    ax.set_xlim(years[0], max(years[-1], years[0] + 1))
    ax.set_ylim(0, 1)
    ax.locator_params(axis="x", integer=True)
    ax.set_xlabel("end of the year")
    ax.set_ylabel("probability that it has happened")
    return _finish(ax, title)


def _bands(ax: Axes, x: np.ndarray, quantiles: np.ndarray, color: str, label: str, style: str = "-") -> None:
    ax.fill_between(x, quantiles[0], quantiles[-1], color=color, alpha=FAINT, linewidth=0)
    ax.fill_between(x, quantiles[1], quantiles[-2], color=color, alpha=SHADED, linewidth=0)
    ax.plot(x, quantiles[2], color=color, linewidth=THIN, linestyle=style, label=f"{label}, median")


def _measurements(ax: Axes, models: xr.Dataset) -> None:
    y = np.log2(models.minutes.values)
    reach = Z95 * np.stack([models.low.values, models.high.values])
    ax.errorbar(
        [_decimal(date) for date in models.date.values],
        y,
        yerr=reach,
        fmt="D",
        color=BLACK,
        markersize=4,
        linewidth=1,
        capsize=2,
        label="METR's measurements, 95 %",
    )


def _density(ax: Axes, last: np.datetime64, years: np.ndarray, end: float) -> None:
    """When ASARA comes, as an outline along the bottom, its height without a scale."""
    edges = np.linspace(min(years.min(), end), end, BINS + 1)
    counts = np.histogram(years, edges)[0]
    low, top = ax.get_ylim()
    heights = low + DENSITY_TOP * (top - low) * counts / counts.max()
    ax.stairs(
        heights,
        _calendar(last, edges),
        baseline=low,
        color=BLACK,
        linewidth=1,
        label="date of ASARA, density",
    )


def _calendar(last: np.datetime64, years: np.ndarray) -> np.ndarray:
    return _decimal(last) + np.asarray(years)


def _decimal(date: np.datetime64) -> float:
    """A date as a year with its fraction."""
    day = np.datetime64(date, "D")
    return 1970 + float(day.astype(int)) / DAYS_PER_YEAR
