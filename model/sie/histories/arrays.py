"""One raw history as the arrays that its model reads: times, pieces of constant effort, counts and outputs.

Observations are kept where pieces of constant effort end; levels and jumps are projected out of measurements, walks on log
elapsed time turned into independent numbers, so that all that differs between fits of one shape is data (`series` is the
model).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, plain
from ..data.histories import AI, EITHER, FEWEST, jumps_between
from ..data.history_units import ELO, OUTPUT_UNITS
from .contrasts import Contrasts, contrasts_of, contrasts_of_counts

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["History", "as_history", "efforts", "elapsed", "ends", "log2_outputs", "log_counts"]

STATED_ERROR_PRIOR, UNSTATED_ERROR_PRIOR = (0.0, 0.3), (float(np.log(0.1)), 1.0)
"""log of the true over the stated error; or of an unstated error in doublings, 0.02 to 0.5: less is no error to speak of, and a fit
that may pass through every point takes minutes."""

ELO_PRIOR = (float(np.log(78.0)), 0.2)
"""log of Elo per doubling of speed: 56 to 108, which covers measured 59 to 110, falling with strength and thinking time."""

INSTRUMENT_SD = 0.25
"""sd of log Elo per doubling between instruments of one history: over the same years two of them gained 0.5 and 1.8 times as much."""

LEAST_GAIN = 0.001
"""Gains up to this, in doublings, are ties: a tenth of the timing error. Of a tie only that it is one is used."""

SEGMENT = 0.1
"""Effort per year is constant in pieces at least this long in log elapsed time, or as long as observations are apart."""

PASSING = 1 / 12
"""A regime of a measured series that lasts less than this, in years, is a jump on its way."""

DAYS_A_YEAR = 365.25

ONE = ""
"""The name of the regime of a history that has one."""


@dataclass(frozen=True, kw_only=True)
class History:
    """One raw history as arrays of the model; the first observation is the origin, the others are dim `gain`.

    `years` (gain) since the origin; `years_in` (gain, segment) of them in each piece of constant effort, whose middles are `log_step`
    (bend) apart in log time. `proxies` by name: contrasts of log counts; the `anchor` has loading 1. Of records `gains`
    (gain) in doublings, no less than LEAST_GAIN: `tied` those that are at most that, `shown` those that count. Of measurements
    `measured` by instrument: contrasts of outputs over their stated errors, free of levels, on a scale of its own around the
    history's (`instrument_sd` in logs); `instrument` (gain) numbers it. Outputs of the first `fitted` gains are part of the
    model, later ones are there to be predicted. `counted` (gain): where effort was observed. `regimes` each have an r of their own around the
    history's; `switches` (switch, 2): the years between which each gives way to the next. `log2_output` (all observations) is the
    output in doublings or Elo, `error` (gain) its stated error, `level` (gain) numbers free levels and `jumped` marks the first
    observation after a jump. `total_effort` is what the anchor counted in all, in its unit. `by_ai` (observation, 2): years and output
    of what AI made, which is no part of the model.
    """

    id: str
    kind: str
    years: np.ndarray
    years_in: np.ndarray
    log_step: np.ndarray
    proxies: dict[str, Contrasts]
    anchor: str | None
    gains: np.ndarray
    shown: np.ndarray
    tied: np.ndarray
    measured: dict[str, Contrasts]
    instrument: np.ndarray
    instrument_sd: float
    fitted: int
    counted: np.ndarray
    regimes: tuple[str, ...]
    switches: np.ndarray
    log2_output: np.ndarray
    error: np.ndarray
    level: np.ndarray
    jumped: np.ndarray
    total_effort: float
    error_prior: tuple[float, float]
    elo_prior: tuple[float, float]
    by_ai: np.ndarray


def as_history(
    series: xr.Dataset,
    *,
    proxies: tuple[str, ...] | None = None,
    anchor: str | None = None,
    one_r: bool = False,
    all_observations: bool = False,
    elo_prior: tuple[float, float] = ELO_PRIOR,
    until: float = np.inf,
) -> History:
    """A series (`sie.read_series`) as the model sees it, with all proxies (the default) or those named.

    The first proxy with two counts is the anchor unless `anchor` names another. Observations made by AI are left out, since the
    effort behind them is not what was counted; what people did next begins behind an unknown jump, as at a change of
    `instrument` and at a dated change of `regime`. `one_r` gives every regime the same r. Outputs later than `until`, in years since
    the first observation, are not fitted; their effort is. `all_observations` keeps those that `ends` leaves out. Proxies that
    merely count the observations are no effort and never used.
    """
    records = (series.kind == "record").all().item()
    by_ai = (series.made_by == AI).values
    origin = series.years.values[~by_ai][0]
    aside = np.column_stack([series.years.values - origin, log2_outputs(series)])[by_ai]
    jump = jumps_between(*(series[name].values.tolist() for name in ("regime", "instrument", "made_by")))
    series = series.assign(jump=("observation", jump)).isel(observation=~by_ai)
    regimes, switches = ((ONE,), np.empty((0, 2))) if one_r else _regimes(series)
    if (count := int((series.years <= until).sum())) < FEWEST:
        raise DataError(
            f"series {series.attrs['id']}",
            plain(f"{count} observation{'s' * (count != 1)} by people to be fitted"),
            f"at least {FEWEST}: fewer say nothing of r that a growth ratio in growth.csv cannot",
        )
    if not all_observations:
        series = series.isel(observation=ends(series, series.jump.values))
    years = elapsed(series)
    n, fitted = len(years), int((years <= until - origin).sum())
    used = [name for name in efforts(series) if proxies is None or name in proxies]
    for name in (*(proxies or ()), *([anchor] if anchor else [])):
        if name not in used:
            raise DataError(f"series {series.attrs['id']} proxy", name, f"one of {', '.join(used) or 'none'}")
    years_in, log_step = _segments(years)
    counts = {name: contrasts_of_counts(years, log_counts(series, name)) for name in used}
    is_elo = series.output.attrs["units"] == ELO
    values = log2_outputs(series)
    jumped = series.jump.values[1:]
    error = series.output_error.values[1:]
    stated = np.isfinite(error).all()
    if not stated:
        error = np.full(n, np.exp(elo_prior[0]) if is_elo else 1.0)
    level = np.zeros(n)
    names, instrument = np.unique(series.instrument.values[1:], return_inverse=True)
    contrasts = {}
    gains, shown = np.maximum(np.diff(values), LEAST_GAIN), ~jumped & (np.arange(n) < fitted)
    if not records:
        starts = np.flatnonzero(jumped | _passing(series)[1:])
        steps = [np.arange(n) >= i for i in starts if i > 0]
        level = np.sum(steps, axis=0) + np.zeros(n)
        for j, name in enumerate(names):
            at = np.flatnonzero((instrument == j) & (np.arange(n) < fitted))
            if len(at):
                levels = np.unique(level[at], return_inverse=True)[1]
                free = np.eye(levels.max() + 1)[levels]
                contrasts[str(name)] = contrasts_of(years, values[1:], at, free, error[at])
    anchored = anchor or (used[0] if used else None)
    return History(
        id=series.attrs["id"],
        kind="record" if records else "measurement",
        years=years,
        years_in=years_in,
        log_step=log_step,
        proxies=counts,
        anchor=anchored,
        gains=np.where(shown, gains, 1.0),
        shown=shown.astype(float),
        tied=(shown & (gains <= LEAST_GAIN)).astype(float),
        measured=contrasts,
        instrument=instrument,
        instrument_sd=INSTRUMENT_SD if elo_prior == ELO_PRIOR else 0.0,
        fitted=fitted,
        counted=np.isfinite([log_counts(series, name) for name in used]).any(axis=0)
        if used
        else np.zeros(n, dtype=bool),
        regimes=regimes,
        switches=switches,
        log2_output=values,
        error=error,
        level=level,
        jumped=jumped,
        total_effort=float(np.exp(np.nanmax(log_counts(series, anchored)))) if anchored else np.nan,
        error_prior=STATED_ERROR_PRIOR if stated else UNSTATED_ERROR_PRIOR,
        elo_prior=elo_prior if is_elo else (0.0, 0.0),
        by_ai=aside,
    )


def log2_outputs(series: xr.Dataset) -> np.ndarray:
    """Each output in doublings of software, or in Elo."""
    values = series.output.values
    return {"cost": lambda: -np.log2(values), "multiple": lambda: np.log2(values)}.get(
        OUTPUT_UNITS[series.output.attrs["units"]], lambda: values
    )()


def _regimes(series: xr.Dataset) -> tuple[tuple[str, ...], np.ndarray]:
    """The regimes that have an r, and the years between which each gives way to the next (switch, 2), equal where that is dated."""
    years = np.concatenate([[0.0], elapsed(series)])
    label, passing = series.regime.values, _passing(series)
    within = {}
    for name in label[~passing]:
        if EITHER not in name:
            within[name] = years[label == name]
    names = tuple(str(name) for name in within)
    switches = []
    for one, other in pairwise(names):
        last, first = within[one][-1], within[other][0]
        between = label[(years > last) & (years < first)]
        dated = not any(EITHER in name for name in between)
        switches.append([(last + first) / 2] * 2 if dated else [last, first])
    return names, np.array(switches).reshape(-1, 2)


def elapsed(series: xr.Dataset) -> np.ndarray:
    """Years from the first observation to each later one; equal dates are spread evenly over their day."""
    day = np.round(series.years.values * DAYS_A_YEAR)
    _, first, count = np.unique(day, return_index=True, return_counts=True)
    place = np.arange(len(day)) - np.repeat(first, count)
    exact = day + place / np.repeat(count, count)
    return (exact[1:] - exact[0]) / DAYS_A_YEAR


def ends(series: xr.Dataset, jumps: np.ndarray) -> list[int]:
    """The observations at which pieces of constant effort end: the origin, then each at least SEGMENT further in log time.

    Both sides of the `jumps` (observation,) are kept, and where effort is not always observed, what was. How many records share a
    gain depends on when people submit and says nothing of r; measurements close in time share the walk that they err by. Between
    them they tell how rough the path is, which differs from era to era (0.2 to 0.7 doublings per e-fold for Stockfish, most just
    after NNUE), not r: at one lambda all 257 tests and the 53 kept agree, and only what they say of lambda differs.
    """
    years = np.concatenate([[0.0], elapsed(series)])
    observed = np.isfinite(series.effort.values).any(axis=1)
    rare = observed & (not observed.all())
    kept = [0]
    for i in range(1, len(years)):
        last = i + 1 == len(years) or jumps[i + 1]
        far = kept[-1] == 0 or np.log(years[i] / years[kept[-1]]) >= SEGMENT
        if jumps[i] or last or far or rare[i]:
            replaces = last and not (jumps[i] or far or rare[i]) and len(kept) > 1 and not rare[kept[-1]]
            if replaces and not jumps[kept[-2] + 1 : kept[-1] + 1].any():
                kept.pop()
            kept.append(i)
    return kept


def _passing(series: xr.Dataset) -> np.ndarray:
    """Which observations lie in a regime that is only the way from one to another: their own levels are unknown too."""
    regime, years = series.regime.values, series.years.values
    lasting = {name: np.ptp(years[regime == name]) for name in np.unique(regime)}
    ways = {name for name in lasting if lasting[name] < PASSING and EITHER not in name}
    ways -= {regime[0], regime[-1]}
    return np.isin(regime, list(ways))


def efforts(series: xr.Dataset) -> list[str]:
    """The proxies that say something of effort: two counts or more by people, and not of the observations themselves."""
    series = series.isel(observation=(series.made_by != AI).values)
    return [
        str(name)
        for name in series.proxy.values
        if series.effort_kind.sel(proxy=name) != "output count"
        and np.isfinite(log_counts(series, name)).sum() >= 2
    ]


def log_counts(series: xr.Dataset, name: str) -> np.ndarray:
    """log of what a proxy counted since the first observation (all of it, where not observed then); NaN where nothing.

    A flow is integrated over time first, straight between the dates at which it was observed and constant before the first.
    """
    proxy = series.sel(proxy=name)
    count = proxy.effort.values
    if proxy.effort_kind == "flow" and (seen := np.isfinite(count)).any():
        from scipy.integrate import cumulative_trapezoid

        years = np.concatenate([[0.0], elapsed(series)])
        flow = np.interp(years, years[seen], count[seen])
        count = np.where(seen, cumulative_trapezoid(flow, years, initial=0.0), np.nan)
        count[0] = 0.0
    since = count[1:] - (count[0] if np.isfinite(count[0]) else 0)
    return np.log(since, out=np.full(len(since), np.nan), where=since > 0)


def _segments(years: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(years in each piece of constant effort up to each observation, log time between the middles of pieces)."""
    edges = [0.0]
    for time in np.unique(years):
        if edges[-1] == 0 or np.log(time / edges[-1]) >= SEGMENT:
            edges.append(float(time))
    if edges[-1] < years[-1]:
        edges[-1] = float(years[-1])
    edges = np.array(edges)
    within = np.clip(years[:, None] - edges[:-1], 0, np.diff(edges))
    middle = (edges[1:] + edges[:-1]) / 2
    return within, np.diff(np.log(middle))
