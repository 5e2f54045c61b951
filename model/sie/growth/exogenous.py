"""What draws say acts on their paths from outside: hardware that grows, a boost that comes gradually, a pause.

    b(t) = 2^(lambda hardware_growth t)   or   (1 + f(t)) / speedup,   f from boost_start to boost_end in boost_years

A pause waits at a level in calendar time, in which b goes on: it lasts B(t + pause_years) - B(t) of the path's own time, B being the
integral of b. The numbers are those of `data.exogenous.NUMBERS`, one number each in all draws. `paths.simulate` calls this.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, plain
from ..data.exogenous import NO_LIMIT_BESIDE, NUMBERS, ONE_FACTOR
from .calendar import Clock, gradual_boost, hardware_growth
from .events import pace_at_asara
from .kernels.path import BEYOND
from .mechanisms import OUTSIDE

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["acted_on", "acts", "factor", "has_limit", "log2_at", "passed"]

LONGEST = 1e300
"""Stands for a pause that, in the path's own time, is too long for a float."""


def acts(draws: xr.Dataset) -> bool:
    """Whether anything acts on the paths of these draws from outside."""
    return _on(draws, "pause_years") > 0 or _factor_of(draws) is not None


def has_limit(draws: xr.Dataset) -> bool:
    """Whether some draws have a shortest doubling time."""
    return "shortest_doubling" in draws and bool((draws.shortest_doubling > 0).any())


def acted_on(paths: xr.Dataset, draws: xr.Dataset, lambda_: np.ndarray) -> xr.Dataset:
    """The paths of draws under what acts on them, the shortest doubling time last; `lambda_` is (draw,), in their order.

    Raises DataError for numbers out of range or that differ between draws; for hardware growth or a boost with retraining, beside
    each other or beside a shortest doubling time.
    """
    from .clock import limited

    if acts(draws):
        paths = _under(paths, draws, lambda_)
    if not (has_limit(paths) or "boost_start" in paths):
        return paths
    return limited(paths).assign(pace_asara=pace_at_asara(paths))


def _under(paths: xr.Dataset, draws: xr.Dataset, lambda_: np.ndarray) -> xr.Dataset:
    from .clock import on_clock, paused
    from .readings import years_at

    clock, years = factor(draws, lambda_), _on(draws, "pause_years")
    if clock is not None:
        _refuse_beside(draws, paths.attrs["retraining"])
    if years > 0:
        level = np.full((*paths.reach.shape, 1), _on(draws, "pause_doublings"))
        own: np.ndarray | float = years
        if clock is not None:
            begin = years_at(on_clock(paths, clock), level)[..., 0]
            begin = np.where(np.isfinite(begin), begin, 0.0)  # a level that is never reached
            own = np.minimum(passed(clock, begin + years) - passed(clock, begin), LONGEST)
        paths = paused(paths, doublings=level[..., 0], years=own, longest=LONGEST)
    return paths if clock is None else on_clock(paths, clock)


def factor(draws: xr.Dataset, lambda_: np.ndarray) -> Clock | None:
    """The factor on the pace that depends on calendar time alone; None where it is 1."""
    match _factor_of(draws):
        case "hardware_growth":
            lambda_ = lambda_.reshape(draws.r_asara.shape)
            return hardware_growth(parallel=lambda_, doublings_per_year=_on(draws, "hardware_growth"))
        case "boost_start":
            speedup = (draws.pace_asara / draws.recent_doublings_per_year).values
            end = _on(draws, "boost_end")
            return gradual_boost(
                start=_on(draws, "boost_start"),
                end=speedup if math.isnan(end) else end,
                years=_on(draws, "boost_years"),
                speedup=speedup,
            )
    return None


def log2_at(clock: Clock, years: np.ndarray) -> np.ndarray:
    """log2 of the factor at a time of each draw."""
    begins = clock.log2_factor[..., 0]
    slope = (clock.log2_factor[..., 1] - begins) / clock.years[1]
    return np.log2(
        clock.constant + np.exp2(np.minimum(begins + slope * np.minimum(years, clock.years[1]), BEYOND))
    )


def passed(clock: Clock, years: np.ndarray) -> np.ndarray:
    """B: the factor integrated until a time of each draw."""
    begins, ends, knot = clock.log2_factor[..., 0], clock.log2_factor[..., 1], clock.years[1]
    slope = (ends - begins) / knot * math.log(2)
    flat, within = slope == 0, np.minimum(years, knot)
    with np.errstate(over="ignore"):
        rising = np.expm1(slope * within) / np.where(flat, 1.0, slope)
    after = np.exp2(np.minimum(ends, BEYOND)) * (years - within)
    return clock.constant * years + np.exp2(begins) * np.where(flat, within, rising) + after


def _on(draws: xr.Dataset, name: str) -> float:
    """An exogenous number, the same in all draws; its `off` value if the draws have none."""
    if name not in draws:
        return NUMBERS[name].off
    values = np.ravel(draws[name].values)
    if not np.all(good := OUTSIDE[name].allowed(values)):
        raise DataError(name, float(values[np.argmin(good)]), OUTSIDE[name].want)
    if np.any(values != values[0]) and not np.isnan(values).all():
        raise DataError(name, plain("different numbers"), "one number for all draws")
    return float(values[0])


def _factor_of(draws: xr.Dataset) -> str | None:
    """Which number switches the factor on. Raises DataError where both do."""
    grows, comes = _on(draws, "hardware_growth") > 0, not math.isnan(_on(draws, "boost_start"))
    if grows and comes:
        raise DataError("boost_start", plain("hardware_growth too"), ONE_FACTOR)
    return "hardware_growth" if grows else "boost_start" if comes else None


def _refuse_beside(draws: xr.Dataset, retraining: str) -> None:
    name = str(_factor_of(draws))
    if retraining != "none":
        want = "retraining none beside it (its slope depends on the pace itself)"
        raise DataError(name, plain(f"retraining {retraining}"), want)
    if has_limit(draws):
        raise DataError("shortest_doubling", float(draws.shortest_doubling.max()), NO_LIMIT_BESIDE)
