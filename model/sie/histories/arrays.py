"""One raw history as the arrays that its model reads: times, pieces of constant effort, counts and outputs.

Observations are kept where pieces of constant effort end; levels and jumps are projected out of measurements, walks on log
elapsed time turned into independent numbers, so that all that differs between fits of one shape is data (`series` is the
model).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["History", "as_history", "efforts", "elapsed", "ends", "log_counts"]

STATED_ERROR_PRIOR, UNSTATED_ERROR_PRIOR = (0.0, 0.3), (float(np.log(0.2)), 2.0)
"""log of the true over the stated error; or of an unstated error in doublings, almost free."""

ELO_PRIOR = (float(np.log(78.0)), 0.2)
"""log of Elo per doubling of speed: 56 to 108, which covers measured 59 to 110, falling with strength and thinking time."""

LEAST_GAIN = 0.001
"""Gains up to this, in doublings, are ties: a tenth of the timing error. Of a tie only that it is one is used."""

SEGMENT = 0.1
"""Effort per year is constant in pieces at least this long in log elapsed time, or as long as observations are apart."""

PASSING = 1 / 12
"""A regime of a measured series that lasts less than this, in years, is a jump on its way."""

DAYS_A_YEAR = 365.25


@dataclass(frozen=True, kw_only=True)
class History:
    """One raw history as arrays of the model; the first observation is the origin, the others are dim `gain`.

    `years_in` (gain, segment): time since the origin in each piece of constant effort. `rotation` (proxy, contrast, gain)
    turns logs of counts into independent `contrasts` (proxy, contrast) whose variance is drift^2 `walk` + scatter^2 where
    `seen`. For records `output` (gain) holds gains in doublings, no less than LEAST_GAIN: `tied` (gain) marks those that are
    at most that, `shown` (gain) those that count. For measurements `output_rotation` (contrast, gain) turns log2 A into what `output` (contrast) measures, with variance
    elo^2 wander^2 `output_walk` + error_scale^2. `anchor` (proxy) is 1 for the proxy whose loading is 1. `log2_output` (all
    observations) is the output in doublings or Elo, `error` (gain) its stated error, `level` (gain) numbers free levels and `jumped`
    marks the first observation after a jump. `total_effort` is what the anchor counted in all, in its unit.
    """

    id: str
    kind: str
    proxies: tuple[str, ...]
    years: np.ndarray
    years_in: np.ndarray
    log_step: np.ndarray
    anchor: np.ndarray
    rotation: np.ndarray
    walk: np.ndarray
    contrasts: np.ndarray
    seen: np.ndarray
    output: np.ndarray
    shown: np.ndarray
    tied: np.ndarray
    output_rotation: np.ndarray
    output_walk: np.ndarray
    log2_output: np.ndarray
    error: np.ndarray
    level: np.ndarray
    jumped: np.ndarray
    total_effort: float
    error_prior: tuple[float, float]
    elo_prior: tuple[float, float]


def as_history(
    series: xr.Dataset,
    *,
    proxies: tuple[str, ...] | None = None,
    anchor: str | None = None,
    jumps: bool = True,
    independent_errors: bool = False,
    all_observations: bool = False,
) -> History:
    """A series (`sie.read_series`) as the model sees it, with all proxies (the default) or those named.

    The first proxy with two counts is the anchor unless `anchor` names another. Where `regime` changes, an unknown jump is
    allowed (`jumps=False` ignores it). `independent_errors` takes every error, of records too, as independent around the law:
    what a regression does; only for comparison, as is `all_observations`, which keeps those that `ends` leaves out. Proxies that merely count the observations are no effort and never used.
    """
    records = (series.kind == "record").all().item()
    measured = independent_errors or not records
    if not (all_observations or (records and independent_errors)):
        series = series.isel(observation=ends(series))
    years = elapsed(series)
    names = tuple(str(name) for name in series.proxy.values)
    used = [name for name in efforts(series) if proxies is None or name in proxies]
    for name in (*(proxies or ()), *([anchor] if anchor else [])):
        if name not in used:
            raise DataError(f"series {series.attrs['id']} proxy", name, f"one of {', '.join(used) or 'none'}")
    n = len(years)
    years_in, log_step = _segments(years)
    rotation, walk = np.zeros((len(names), n, n)), np.zeros((len(names), n))
    contrasts, seen = np.zeros((len(names), n)), np.zeros((len(names), n))
    for p, name in enumerate(names):
        log_count = log_counts(series, name)
        at = np.flatnonzero(np.isfinite(log_count))
        if name not in used or len(at) < 2:
            continue
        turn, spread = _rotate(np.log(years[at]), np.ones((len(at), 1)), np.ones(len(at)))
        rows = slice(len(turn))
        rotation[p, rows, at] = turn.T
        walk[p, rows], contrasts[p, rows], seen[p, rows] = spread, turn @ log_count[at], 1
    anchored = anchor or (used[0] if used else names[0] if names else None)
    is_elo = series.output.attrs["units"] == "Elo"
    values = series.output.values if is_elo else -np.log2(series.output.values)
    change = series.regime.values[1:] != series.regime.values[:-1]
    error = series.output_error.values[1:]
    stated = np.isfinite(error).all() and not independent_errors
    if not stated:
        error = np.full(n, np.exp(ELO_PRIOR[0]) if is_elo else 1.0)
    level = np.zeros(n)
    output_rotation, output_walk = np.zeros((n, n)), np.zeros(n)
    if measured:
        starts = np.flatnonzero(change | _passing(series)[1:])
        steps = [np.arange(n) >= i for i in starts if jumps and i > 0]
        level = np.sum(steps, axis=0) + np.zeros(n)
        turn, spread = _rotate(np.log(years), np.column_stack([np.ones(n), *steps]), error)
        rows = slice(len(turn))
        output_rotation[rows], output_walk[rows] = turn, spread
        output, shown = np.zeros(n), np.arange(n) < len(turn)
        output[rows] = turn @ values[1:]
    else:
        shown = ~(change & jumps)
        output = np.where(shown, np.maximum(np.diff(values), LEAST_GAIN), 1.0)
    return History(
        id=series.attrs["id"],
        kind="measurement" if measured else "record",
        proxies=names,
        years=years,
        years_in=years_in,
        log_step=log_step,
        anchor=np.array([float(name == anchored) for name in names]),
        rotation=rotation,
        walk=walk * (not independent_errors),
        contrasts=contrasts,
        seen=seen,
        output=output,
        shown=shown.astype(float),
        tied=(shown & (output <= LEAST_GAIN)).astype(float) * (not measured),
        output_rotation=output_rotation,
        output_walk=output_walk * (not independent_errors),
        log2_output=values,
        error=error,
        level=level,
        jumped=change & jumps,
        total_effort=_total(series, anchored) if used and anchored is not None else np.nan,
        error_prior=STATED_ERROR_PRIOR if stated else UNSTATED_ERROR_PRIOR,
        elo_prior=ELO_PRIOR if is_elo else (0.0, 0.0),
    )


def elapsed(series: xr.Dataset) -> np.ndarray:
    """Years from the first observation to each later one; equal dates are spread evenly over their day."""
    day = np.round(series.years.values * DAYS_A_YEAR)
    _, first, count = np.unique(day, return_index=True, return_counts=True)
    place = np.arange(len(day)) - np.repeat(first, count)
    exact = day + place / np.repeat(count, count)
    return (exact[1:] - exact[0]) / DAYS_A_YEAR


def ends(series: xr.Dataset) -> list[int]:
    """The observations at which pieces of constant effort end: the origin, then each at least SEGMENT further in log time.

    Both sides of a change of regime are kept, and where effort is not always observed, what was. How many records share a
    gain depends on when people submit and says nothing of r; measurements close in time share the walk that they err by. Between
    them they tell how rough the path is, which differs from era to era (0.2 to 0.7 doublings per e-fold for Stockfish, most just
    after NNUE), not r: at one lambda all 257 tests and the 53 kept agree, and only what they say of lambda differs.
    """
    years = np.concatenate([[0.0], elapsed(series)])
    regime = series.regime.values
    observed = np.isfinite(series.effort.values).any(axis=1)
    rare = observed & (not observed.all())
    kept = [0]
    for i in range(1, len(years)):
        last = i + 1 == len(years) or regime[i + 1] != regime[i]
        first = regime[i] != regime[i - 1]
        far = kept[-1] == 0 or np.log(years[i] / years[kept[-1]]) >= SEGMENT
        if first or last or far or rare[i]:
            replaces = last and not (first or far or rare[i]) and len(kept) > 1 and not rare[kept[-1]]
            if replaces and regime[kept[-2]] == regime[kept[-1]]:
                kept.pop()
            kept.append(i)
    return kept


def _passing(series: xr.Dataset) -> np.ndarray:
    """Which observations lie in a regime that is only the way to another: their own levels are unknown too."""
    regime, years = series.regime.values, series.years.values
    lasting = {name: np.ptp(years[regime == name]) for name in np.unique(regime)}
    return np.array([len(lasting) > 1 and lasting[name] < PASSING for name in regime])


def efforts(series: xr.Dataset) -> list[str]:
    """The proxies that say something of effort: two counts or more, and not of the observations themselves."""
    return [
        str(name)
        for name in series.proxy.values
        if series.effort_kind.sel(proxy=name) != "output count"
        and np.isfinite(log_counts(series, name)).sum() >= 2
    ]


def log_counts(series: xr.Dataset, name: str) -> np.ndarray:
    """log of what a proxy counted since the first observation (all of it, where not observed then); NaN where nothing.

    A flow is integrated over time first.
    """
    proxy = series.sel(proxy=name)
    count = proxy.effort.values
    if proxy.effort_kind == "flow":
        from scipy.integrate import cumulative_trapezoid

        count = cumulative_trapezoid(count, np.concatenate([[0.0], elapsed(series)]), initial=0.0)
    since = count[1:] - (count[0] if np.isfinite(count[0]) else 0)
    return np.log(since, out=np.full(len(since), np.nan), where=since > 0)


def _total(series: xr.Dataset, name: str) -> float:
    return float(np.exp(np.nanmax(log_counts(series, name))))


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


def _rotate(clock: np.ndarray, free: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rotation, walk): rows that ignore the `free` columns and turn a random walk on the clock plus independent errors of
    this size into independent numbers of variance walk * (sd of the walk)^2 + 1."""
    from scipy.linalg import null_space

    basis = null_space((free / error[:, None]).T).T
    covariance = np.minimum.outer(clock - clock[0], clock - clock[0]) / np.outer(error, error)
    walk, vectors = np.linalg.eigh(basis @ covariance @ basis.T)
    return vectors.T @ basis / error, np.maximum(walk, 0.0)
