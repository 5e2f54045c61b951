"""How well timelines would have predicted METR's later frontier models: fitted to what was known at a cut, asked for the rest.

    below = P(prediction < measurement),   log_score = sum over models of log E[p(measurement | draw)]

A prediction holds everything between a timeline and a measured horizon: its fit, the rate at which the trend runs ahead, the
distance of a model from the trend, and the error of the measurement, whose part in common with the models already measured is
known. E is over the draws. The models of one cut share a trend and an error, so that they are no independent tests.

The measurements are those of one task suite, made later: what was known at a cut are the models, not today's numbers on them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, plain
from ..data.time_horizons import read_horizons
from ..data.timelines import Timeline, read_timeline, timeline_names
from ..growth.credences import standard_errors
from .horizon_trend import log_densities, measured
from .timeline import ahead, fitted_models, trend_draws, years_after

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["CUTS", "INSIDE", "backtest_timelines"]

CUTS = (datetime.date(2024, 12, 31), datetime.date(2025, 4, 30), datetime.date(2025, 8, 31))
"""The ends of what was known."""

INSIDE = {"inside_50": (0.25, 0.75), "inside_90": (0.05, 0.95)}
"""Central intervals of a prediction whose coverage is counted, by the name of the count."""


def backtest_timelines(
    timelines: Iterable[Timeline | str] | None = None,
    *,
    cuts: Sequence[datetime.date] = CUTS,
    seed: int,
    draws: int = 20000,
    horizons: xr.Dataset | None = None,
) -> xr.Dataset:
    """Where later models fell in what each timeline, fitted to the models known at each cut, would have predicted.

    Parameters
    ----------
    timelines : iterable of Timeline or str, optional
        Timelines, or what `read_timeline` takes (default: all bundled ones), of one task suite and one choice of models.
    cuts : sequence of datetime.date, optional
        The ends of what was known, each before the last model.
    seed : int
        Seed of the fits and of all draws.
    draws : int, optional
        Draws of each prediction.
    horizons : xr.Dataset, optional
        From `read_horizons` (default: the bundled ones).

    Returns
    -------
    xr.Dataset
        Dims `timeline`, `cut`, `model`. Over all three: `below`, the share of the prediction below the measurement, and `log_density`
        of log2 minutes, natural logs; NaN for a model known at the cut. Over timeline and cut: `log_score`, their sum, and of the models
        `inside_50` and `inside_90`, how many lie within the central interval. Over timeline: `total`, of the log scores. Over cut:
        `later` and `fitted` (timeline, cut), how many models were predicted and fitted. `below_mcse`, `log_score_mcse` and `total_mcse`
        are Monte Carlo standard errors. Coordinates of `model`: `date` and `minutes`.

    Raises
    ------
    DataError
        If the timelines predict different models, if no model is later than a cut, and where too few are left to fit.

    Examples
    --------
    >>> table = sie.backtest_timelines(["exponential", "superexponential"], seed=1, draws=4000)
    >>> best = str(table.timeline[table.total.argmax()].item())
    """
    import xarray as xr

    horizons = read_horizons() if horizons is None else horizons
    chosen = [
        read_timeline(one) if isinstance(one, str) else one
        for one in (timeline_names() if timelines is None else timelines)
    ]
    predicted = _later(horizons, chosen, min(cuts))
    shape = (len(chosen), len(cuts), predicted.sizes["measurement"])
    names = ("below", "below_mcse", "log_density")
    each = {name: np.full(shape, np.nan) for name in names}
    score_mcse, fitted = np.empty(shape[:2]), np.empty(shape[:2], dtype=int)
    for i, timeline in enumerate(chosen):
        for j, cut in enumerate(cuts):
            known = horizons.isel(measurement=np.flatnonzero(horizons.date.values <= np.datetime64(cut)))
            models = fitted_models(known, timeline)
            later = np.flatnonzero(predicted.date.values > np.datetime64(cut))
            found = _predicted(
                timeline, models, predicted.isel(measurement=later), draws=draws, seed=_seed(seed, i, j)
            )
            fitted[i, j], score_mcse[i, j] = models.sizes["measurement"], found.pop("log_score_mcse")
            for name in names:
                each[name][i, j, later] = found[name]
    dims = ("timeline", "cut", "model")
    score = np.nansum(each["log_density"], axis=2)
    counts = {
        name: (dims[:2], ((low <= each["below"]) & (each["below"] <= high)).sum(axis=2))
        for name, (low, high) in INSIDE.items()
    }
    return xr.Dataset(
        {name: (dims, values) for name, values in each.items()}
        | {
            "log_score": (dims[:2], score),
            "log_score_mcse": (dims[:2], score_mcse),
            "total": ("timeline", score.sum(axis=1)),
            "total_mcse": ("timeline", np.sqrt(np.square(score_mcse).sum(axis=1))),
            "fitted": (dims[:2], fitted),
            "later": ("cut", np.isfinite(each["below"][0]).sum(axis=1)),
        }
        | counts,
        coords={
            "timeline": [timeline.name for timeline in chosen],
            "cut": [str(cut) for cut in cuts],
            "model": predicted.model.values,
            "date": ("model", predicted.date.values),
            "minutes": ("model", predicted.minutes.values),
        },
    )


def _later(horizons: xr.Dataset, timelines: Sequence[Timeline], cut: datetime.date) -> xr.Dataset:
    """The models after the first cut, the same for all timelines."""
    if len({timeline.name for timeline in timelines}) != len(timelines) or not timelines:
        raise DataError("backtest", [timeline.name for timeline in timelines], "timelines of different names")
    first, *others = (
        every.isel(measurement=np.flatnonzero(every.date.values > np.datetime64(cut)))
        for every in (fitted_models(horizons, timeline) for timeline in timelines)
    )
    for timeline, other in zip(timelines[1:], others, strict=True):
        if not first.equals(other):
            raise DataError(
                f"backtest {timeline.name}",
                plain(f"{timeline.models} models of {timeline.release}"),
                f"the later models of {timelines[0].name}: {timelines[0].models} of {timelines[0].release}",
            )
    return first


def _seed(seed: int, timeline: int, cut: int) -> int:
    """A seed of its own for each fit, so that their errors are independent."""
    return int(np.random.SeedSequence([seed, timeline, cut]).generate_state(1)[0])


def _predicted(
    timeline: Timeline, models: xr.Dataset, later: xr.Dataset, *, draws: int, seed: int
) -> dict[str, np.ndarray]:
    """What a timeline fitted to `models` says of later ones: the columns of `backtest_timelines` for one cut."""
    if not later.sizes["measurement"]:
        raise DataError("backtest", plain("a cut after the last model"), "cuts before it")
    values, effective = trend_draws(timeline, models, draws=draws, seed=seed)
    trend = ahead(values, years_after(later, models.date.values[-1]))
    low, high, found = later.low.values, later.high.values, np.log2(later.minutes.values)
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, draws])))
    counts = (measured(values, trend, low, high, rng) < found).sum(axis=0)
    densities = np.exp(log_densities(values, trend, found, low, high))
    mean = densities.mean(axis=0)
    return {
        "below": counts / draws,
        "below_mcse": standard_errors(counts, draws, effective),
        "log_density": np.log(mean),
        "log_score_mcse": (densities / mean).sum(axis=1).std() / np.sqrt(effective),
    }
