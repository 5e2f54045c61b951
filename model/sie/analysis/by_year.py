"""The probability of each event by the end of a year: the date of ASARA joined with what comes after it.

    P(event by Y) = mean over i, j of [asara_i + t_j <= end of Y]

asara_i are draws of the date of ASARA, t_j of the time from ASARA until the event, inf where it never happens. The two are independent,
so that every date is joined with every path. The Monte Carlo error adds in quadrature what either set of draws contributes to the
mean over pairs (the first term of Hoeffding's decomposition).
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, check_holds
from ..growth.credences import effective_sizes, event_years, standard_errors
from .timeline import DAYS_PER_YEAR

if TYPE_CHECKING:
    import xarray as xr

    from ..growth.events import Event

__all__ = ["check_years", "credences_by_year"]


def credences_by_year(
    paths: xr.Dataset,
    dates: xr.Dataset,
    *,
    years: Sequence[int],
    events: str | Event | Iterable[str | Event] | None = None,
) -> xr.Dataset:
    """Probability that each event has happened by the end of each year, ASARA's date and takeoff being independent.

    It is conditional on what dates and paths are: ASARA still to come now, hardware fixed from ASARA on. A view whose r falls with the time
    until ASARA is joined with all dates alike.

    Parameters
    ----------
    paths : xr.Dataset
        Paths of `simulate`.
    dates : xr.Dataset
        From `asara_dates`.
    years : sequence of int
        Calendar years, of whose ends the probability is given.
    events : str, Event or iterable of these, optional
        As in `event_years`.

    Returns
    -------
    xr.Dataset
        Dims `event`, `year`: `p` and its Monte Carlo standard error `mcse`; over `event` also `ever` and `ever_mcse`, the credence without a
        date. The first event is "asara", that it has come. Attribute `now`.

    Raises
    ------
    DataError
        If `dates` are no dates of ASARA, if a year ends before they begin or is above 9999, and as in `event_years`.

    Examples
    --------
    >>> dates = sie.asara_dates(sie.read_timeline("superexponential"), now=datetime.date(2026, 3, 1), seed=1)
    >>> table = sie.credences_by_year(paths, dates, years=[2030, 2040], events="years_3_in_1y")
    >>> p = float(table.p.sel(event="years_3_in_1y", year=2030))
    """
    import xarray as xr

    check_holds("dates", dates, ("years",), "dates of sie.asara_dates")
    now = datetime.date.fromisoformat(dates.attrs["now"])
    check_years("years", years, now)
    left = np.array([(datetime.date(year, 12, 31) - now).days / DAYS_PER_YEAR for year in years])
    times = event_years(paths, events=events)
    shape = np.atleast_2d(paths.reach).shape
    after = np.concatenate([np.zeros((1, *shape)), times.values.reshape(-1, *shape)])
    asara = np.sort(dates.years.values)
    effective = min(float(dates.attrs.get("effective_draws", asara.size)), asara.size)
    most = float(paths.attrs.get("effective_draws", math.inf))
    independent = bool(paths.attrs.get("independent_draws"))
    p, mcse = (np.empty((len(after), len(left))) for _ in range(2))
    for e, event in enumerate(after):
        ordered = np.sort(event, axis=None)
        for k, time in enumerate(left):
            by_path = np.searchsorted(asara, time - event, side="right") / asara.size
            by_date = np.searchsorted(ordered, time - asara, side="right") / ordered.size
            p[e, k] = by_date.mean()
            size = float(event.size) if independent else effective_sizes(by_path[None]).item()
            mcse[e, k] = math.sqrt(by_path.var() / min(size, most) + by_date.var() / effective)
    # A mean over pairs is no more precise than one over as many pairs as the smaller set has draws, so 0 of n is not certain.
    fewest = int(min(effective, most, after[0].size))
    mcse = np.maximum(mcse, standard_errors(np.zeros(1), fewest, fewest))
    happens = np.isfinite(after)
    ever = happens.mean(axis=(1, 2))
    sizes = np.full(len(after), float(after[0].size)) if independent else effective_sizes(happens)
    ever_mcse = standard_errors(happens.sum(axis=(1, 2)), after[0].size, np.minimum(sizes, most))
    return xr.Dataset(
        {
            "p": (("event", "year"), p, {"unit": "probability"}),
            "mcse": (("event", "year"), mcse, {"unit": "probability"}),
            "ever": ("event", ever, {"unit": "probability"}),
            "ever_mcse": ("event", ever_mcse, {"unit": "probability"}),
        },
        coords={"event": ["asara", *times.event.values], "year": list(years)},
        attrs={"now": str(now)},
    )


def check_years(where: str, years: Sequence[int], now: datetime.date) -> None:
    """Refuse a year that ends before `now`, or that no date has."""
    for year in years:
        if not now.year <= year <= datetime.MAXYEAR:
            raise DataError(where, year, f"a year from {now.year} to {datetime.MAXYEAR}")
