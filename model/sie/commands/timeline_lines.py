"""The lines of `sie timeline`: quantiles of dates, the backtest, and the probability of events by year."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..base.stats import INTERVAL, QUANTILES, quantile_errors
from ..data.timelines import DEFAULT_TIMELINE
from ..data.wording import hundredths, with_error
from ..page.tables import aligned

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["alternatives", "backtest", "by_year", "counted_from", "quantiles", "rows_of"]

FURTHEST = 1000.0
"""Dates further than this many years away are printed only as such."""

INDEPENDENT = (
    "The date of ASARA and what comes after it are drawn independently: every date is joined with every path. Conditional on ASARA still"
    " to come now; {hardware} after ASARA."
)

TOGETHER = (
    "The models of one cut share a trend and a measurement error: they are not independent tests. Horizons here are minutes"
    " to hours; the trend up to months is not tested."
)


def quantiles(dates: xr.Dataset) -> Iterator[str]:
    """What a timeline says, as quantiles of its draws."""
    rows = [["", *(f"{level:.0%}" for level in QUANTILES), "error of 50%"]]
    for label, values in rows_of(dates).items():
        told = [f"{value:.3g}" for value in np.quantile(values, QUANTILES)]
        rows.append([label, *told, f"{_error(dates, values):.2g}"])
    rows.append(["date of ASARA", *_dates(dates, QUANTILES), _months(dates)])
    yield from aligned(rows, indent=0)


def rows_of(dates: xr.Dataset) -> dict[str, np.ndarray]:
    """The quantities that are printed, by label."""
    return {
        "horizon of the trend at the last model, minutes": dates.horizon.values,
        "days to double there": 365.25 / dates.doublings_per_year.values,
        "duration of a doubling over the one before": dates.doubling_ratio.values,
        "spread of models around the trend, doublings": dates.model_spread.values,
        "share of the measurement error in common": dates.shared_error.values,
        "rate of the trend ahead over the fitted one": dates.rate.values,
        "horizon at ASARA, work months": dates.asara_horizon.values,
        "years from now to ASARA": dates.years.values,
        "pace of software, OOMs a year": dates.pace.values,
        "G, OOMs of training efficiency until ASARA": dates.gained.values,
    }


def counted_from(now: datetime.date) -> str:
    """For which views the table of what is gained before ASARA is, as a comment of it."""
    return (
        f"# For a view whose ceiling is counted from {now} too. Where it is counted from earlier (the reference: from about 2018),\n"
        "# --now with that date gives G from there, at the same pace; another date would leave out what was gained between the two."
    )


def alternatives(found: dict[str, xr.Dataset]) -> Iterator[str]:
    """The date of ASARA by timeline."""
    rows = [["date of ASARA by timeline", *(f"{level:.0%}" for level in INTERVAL), "error of 50%", ""]]
    for name, dates in found.items():
        told = "the default: the backtest supports it most" if name == DEFAULT_TIMELINE else ""
        rows.append([name, *_dates(dates, INTERVAL), _months(dates), told])
    yield from aligned(rows, indent=0)


def _error(dates: xr.Dataset, values: np.ndarray) -> float:
    """Monte Carlo error of the median of draws."""
    return quantile_errors(values, (0.5,), dates.attrs["effective_draws"]).item()


def _months(dates: xr.Dataset) -> str:
    return f"{12 * _error(dates, dates.years.values):.2f} months"


def _dates(dates: xr.Dataset, levels: tuple[float, ...]) -> list[str]:
    now = datetime.date.fromisoformat(dates.attrs["now"])
    return [_date(now, value) for value in np.quantile(dates.years, levels)]


def _date(now: datetime.date, years: float) -> str:
    """Year and month so many years later."""
    if years > FURTHEST:
        return f">{FURTHEST:g} yr"
    months = now.year * 12 + now.month - 1 + round(years * 12)
    return f"{months // 12}-{months % 12 + 1:02d}"


def backtest(table: xr.Dataset) -> Iterator[str]:
    """Where later models fell, cut by cut, the scores, and which timeline they support."""
    names = table.timeline.values.tolist()
    error = 100 * float(table.below_mcse.max())
    yield "share of each prediction that lies below what was measured, in % (Monte Carlo errors at most"
    yield f"{error:.2f}); log score of log2 minutes, natural logs, and its error; higher is better"
    for cut in table.cut.values.tolist():
        of = table.sel(cut=cut)
        later = int(of.later)
        rows = [[f"known until {cut}", *names]]
        for model in table.model.values[np.isfinite(of.below.values[0])]:
            one = of.sel(model=model)
            label = f"  {model}  {str(one.date.values)[:10]}, {one.minutes.item():.0f} min"
            rows.append([label, *(hundredths(value) for value in one.below.values)])
        rows.append(["  models fitted", *map(str, of.fitted.values)])
        for share in (50, 90):
            inside = of[f"inside_{share}"].values
            rows.append([f"  inside the central {share} %", *(f"{count} of {later}" for count in inside)])
        rows.append(["  log score", *_scores(of.log_score.values, of.log_score_mcse.values)])
        yield "\n" + "\n".join(aligned(rows, indent=0))
    rows = [["all cuts", *names], ["  log score", *_scores(table.total.values, table.total_mcse.values)]]
    yield "\n" + "\n".join(aligned(rows, indent=0))
    best, second = np.argsort(-table.total.values)[:2] if len(names) > 1 else (0, 0)
    ahead = table.total.values[best] - table.total.values[second]
    spread = np.hypot(*table.total_mcse.values[[best, second]])
    yield f"\nhighest: {names[best]}, by {ahead:.2f} ({spread:.2f}) over {names[second]}; default: {DEFAULT_TIMELINE}"
    yield TOGETHER


def _scores(scores: np.ndarray, errors: np.ndarray) -> list[str]:
    return [f"{score:.2f} ({error:.2f})" for score, error in zip(scores, errors, strict=True)]


def by_year(table: xr.Dataset, years: list[int], hardware: str) -> Iterator[str]:
    """P(event by the end of a year), a line an event."""
    rows = [["by the end of, %", *map(str, years), "ever"]]
    for event in table.event.values.tolist():
        of = table.sel(event=event)
        cells = [with_error(of.p.sel(year=year).item(), of.mcse.sel(year=year).item()) for year in years]
        cells.append(with_error(of.ever.item(), of.ever_mcse.item()))
        rows.append(["ASARA" if event == "asara" else event, *(cell.removesuffix(" %") for cell in cells)])
    yield from aligned(rows, indent=0)
    yield f"\n{INDEPENDENT.format(hardware=hardware)}"
