"""When ASARA comes by METR's time horizons, and how much software is gained until then (G).

`horizon_trend` fits the trend of models' 50 % time horizons up to the last model, t = 0. ASARA is where the horizon on real
work, the trend x suite_bias, is asara_horizon. Ahead of t = 0 the trend runs at the rate

    trend_error x (software_share + (1 - software_share) x compute_ahead),

and G = pace x years from now to ASARA: pace is that of software alone, never the growth of horizons, which holds compute too.
So shorter timelines leave less behind (Eth & Davidson 2025).

Pace and G count post-training as the training compute that it saves, as a distance D to limits of all software does. r falls with the
share G / D, in which any conversion to labour cancels: post-training is not counted twice there. It is in what is left: `conversion`,
capabilities x post_training, is labour per doubling of pre-training efficiency (Davidson: 8-9 months, 6 with post-training, 3 in
labour), so that H = (D - G) log2(10) conversion is too long by the factor post_training where D counts it. A view that minds
states D and G without post-training, or in labour doublings.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, plain
from ..base.stats import ENDS
from ..data.constructors import lognormal
from ..data.families import Prior
from ..data.priors import draw
from ..data.quantities import OOMS
from ..data.time_horizons import read_horizons
from ..data.timelines import AHEAD, Timeline, read_timeline
from .horizon_trend import FITTED, fit_trend, years_until
from .horizon_trend import trend_at as _trend_at

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "asara_dates",
    "fitted_models",
    "gained_before",
    "gained_table",
    "last_date",
    "trend_at",
    "trend_draws",
]

WORK_MONTH_HOURS = 167
"""Hours of human work in a work month (Kwa 2026: 1 month / 167 working hours)."""

DAYS_PER_YEAR = 365.25


LEAST_AHEAD = 0.02
"""Least probability that ASARA is not before now."""

LEAST_MODELS = 4
"""Fewest measurements that show a trend."""

MINUTES_PER_HOUR = 60


def fitted_models(horizons: xr.Dataset, timeline: Timeline) -> xr.Dataset:
    """The measurements that inform a timeline, by date."""
    chosen = (horizons.release == timeline.release) & (horizons.date >= np.datetime64(timeline.since, "ns"))
    if timeline.models == "frontier":
        chosen = chosen & horizons.frontier
    if int(chosen.sum()) < LEAST_MODELS:
        raise DataError(
            f"{timeline.name} release, since, models",
            plain(f"{int(chosen.sum())} measurements"),
            f"at least {LEAST_MODELS}",
        )
    return horizons.isel(measurement=np.flatnonzero(chosen.values)).sortby("date")


def last_date(horizons: xr.Dataset, timeline: Timeline) -> datetime.date:
    """The date of the last measurement that informs a timeline."""
    return fitted_models(horizons, timeline).date.values[-1].astype("datetime64[D]").item()


def asara_dates(
    timeline: Timeline,
    *,
    now: datetime.date,
    seed: int,
    draws: int = 20000,
    horizons: xr.Dataset | None = None,
) -> xr.Dataset:
    """Draws of when ASARA comes and what is gained until then, given that it has not come by `now`.

    Parameters
    ----------
    timeline : Timeline
        From `read_timeline`.
    now : datetime.date
        The day from which years count.
    seed : int
        Seed of the fit of the trend and of all draws.
    draws : int, optional
        Number of draws; some are used twice where part of them lies before `now`.
    horizons : xr.Dataset, optional
        From `read_horizons` (default: the bundled ones).

    Returns
    -------
    xr.Dataset
        Dim `draw`. `years`: from now to ASARA; `years_after_last`: from the last fitted model; `gained`: G in OOMs of training
        efficiency; and each quantity of the timeline, with `rate`, that of the trend ahead. `attrs`: `now`, `last` (dates),
        `already`, the prior share of draws with ASARA before now, which is left out, and `effective_draws`, the effective sample size.

    Raises
    ------
    DataError
        Where too small a share of the dates lies after `now`, and where too few measurements are left to fit.

    Examples
    --------
    >>> timeline = sie.read_timeline("superexponential")
    >>> dates = sie.asara_dates(timeline, now=datetime.date(2026, 3, 1), seed=1)
    >>> median_years = float(dates.years.median())
    """
    import xarray as xr

    models = fitted_models(read_horizons() if horizons is None else horizons, timeline)
    last = models.date.values[-1]
    before_now = (now - last_date(models, timeline)).days / DAYS_PER_YEAR
    values, effective = trend_draws(timeline, models, draws=draws, seed=seed)
    del values["shared_score"]
    work_minutes = values["asara_horizon"] * WORK_MONTH_HOURS * MINUTES_PER_HOUR
    left = np.log2(work_minutes / (values["suite_bias"] * values["horizon"]))
    after = years_until(left, values["doublings_per_year"], values["doubling_ratio"]) / values["rate"]
    kept = np.flatnonzero(after > before_now)
    if len(kept) < LEAST_AHEAD * draws:
        raise DataError(
            f"{timeline.name} now {now}",
            plain(f"{len(kept) / draws:.1%} of ASARA dates after it"),
            f"at least {LEAST_AHEAD:.0%}",
        )
    # With fewer draws left than asked for, some are used twice.
    index = kept[np.arange(draws) * len(kept) // draws]
    values |= {"years_after_last": after, "years": after - before_now}
    values["gained"] = values["pace"] * values["years"]
    return xr.Dataset(
        {name: ("draw", value[index]) for name, value in values.items()},
        attrs={
            "now": str(now),
            "last": str(last)[:10],
            "already": 1 - len(kept) / draws,
            "effective_draws": float(effective) * len(kept) / draws,
        },
    )


def trend_draws(
    timeline: Timeline, models: xr.Dataset, *, draws: int, seed: int
) -> tuple[dict[str, np.ndarray], float]:
    """Draws of what a timeline states given measurements, with `rate`, that of the trend after the last; how many are effective."""
    fitted, effective = fit_trend(
        years_after(models, models.date.values[-1]),
        np.log2(models.minutes.values),
        models.low.values,
        models.high.values,
        {name: timeline[name].prior for name in FITTED},
        draws=draws,
        seed=seed,
    )
    values = fitted | draw(timeline, AHEAD, size=draws, seed=seed)
    share = values["software_share"]
    values["rate"] = values["trend_error"] * (share + (1 - share) * values["compute_ahead"])
    return values, effective


def years_after(models: xr.Dataset, date: np.datetime64) -> np.ndarray:
    """When each model came, in years after a date."""
    return (models.date.values - date) / np.timedelta64(1, "D") / DAYS_PER_YEAR


def trend_at(dates: xr.Dataset, years_after_last: np.ndarray) -> np.ndarray:
    """log2 minutes of the measured horizon's trend, shape (time, draw), at times in years after the last fitted model."""
    values = {
        name: dates[name].values for name in ("horizon", "doublings_per_year", "doubling_ratio", "rate")
    }
    return ahead(values, np.asarray(years_after_last, dtype=float)).T


def ahead(values: Mapping[str, np.ndarray], years: np.ndarray) -> np.ndarray:
    """The trend as `horizon_trend.trend_at` has it, (draw, time), but after the last fitted model at the draw's `rate`."""
    return _trend_at(values, np.where(years > 0, years * values["rate"][:, None], years))


def gained_before(
    timeline: Timeline | str,
    *,
    now: datetime.date,
    seed: int,
    draws: int = 20000,
    horizons: xr.Dataset | None = None,
) -> Prior:
    """G, software gained between `now` and ASARA, as a log-normal prior with the draws' 5 and 95 % quantiles.

    In OOMs of training efficiency, post-training counted as the training compute that it saves: for a view whose `ceiling`, the
    whole distance from now, is in the same unit and counts post-training likewise. Of r, only the share G / ceiling matters.

    Parameters
    ----------
    timeline : Timeline or str
        A timeline, or what `read_timeline` takes.
    now : datetime.date
        The day from which software counts.
    seed : int
        As in `asara_dates`.
    draws : int, optional
        As in `asara_dates`.
    horizons : xr.Dataset, optional
        As in `asara_dates`.

    Returns
    -------
    Prior
        For `gained_before_asara` of a view.

    Raises
    ------
    DataError
        As in `read_timeline` and `asara_dates`.
    """
    timeline = read_timeline(timeline) if isinstance(timeline, str) else timeline
    return _prior_of(asara_dates(timeline, now=now, seed=seed, draws=draws, horizons=horizons))


def _prior_of(dates: xr.Dataset) -> Prior:
    low, high = np.quantile(dates.gained.values, ENDS)
    return lognormal(*(float(f"{value:.3g}") for value in (low, high)))


def gained_table(timeline: Timeline, dates: xr.Dataset) -> str:
    """The TOML table `[gained_before_asara]` that a view can hold in place of `[steepening]`."""
    prior, median = _prior_of(dates), float(np.median(dates.gained))
    pace = np.quantile(dates.pace.values, ENDS)
    note = (
        f"pace of software ({pace[0]:.2g} to {pace[1]:.2g} OOMs a year, post-training counted as the training compute that it"
        f" saves) x years from {dates.attrs['now']} to ASARA by METR's time horizons; median of the draws {median:.2g}, of this"
        f" log-normal {prior.median():.2g}; the ceiling is then the whole distance from {dates.attrs['now']}"
    )
    return "\n".join(
        [
            "[gained_before_asara]",
            'family  = "lognormal"',
            f"q05     = {prior.numbers[0]:g}",
            f"q95     = {prior.numbers[1]:g}",
            f'unit    = "{OOMS}"',
            'basis   = "derived"',
            'source  = "metr_time_horizons"',
            f'locator = "sie timeline {timeline.name} --now {dates.attrs["now"]}"',
            f'note    = "{note}"',
        ]
    )
