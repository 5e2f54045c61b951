"""Figures recomputed by the growth engine: along its paths, and by where its law explodes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np

from .draws import one_draw

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "days_to_gain",
    "doubling_days",
    "doublings_in_year",
    "explosive_r",
    "explosive_sum",
    "first_year",
    "gain_in_a_year",
    "years_to_gain",
    "years_to_singularity",
]

DAYS_A_YEAR = 365.25

FAR = 300.0
"""Doublings at which a slope has long reached its limit."""


def _path(
    r: float, *, doublings_a_year: float, parallel: float = 1.0, left: float = math.inf, **mechanisms: float
) -> xr.Dataset:
    """One path that starts at so many doublings a year."""
    from ...growth.paths import simulate

    return simulate(
        one_draw(
            r_asara=r,
            parallel=parallel,
            pace_asara=doublings_a_year,
            recent_doublings_per_year=doublings_a_year,
            doublings_left=left,
            **mechanisms,
        )
    )


def _pace_for(first_years: float, r: float) -> float:
    """Doublings a year at the start of a path without ceiling (parallel 1) whose first doubling takes this long."""
    k = 1 - 1 / r
    return (1 - 2**-k) / (k * math.log(2)) / first_years


def gain_in_a_year(doubling_months: float) -> float:
    """The factor of a year at this doubling time and constant returns of 1, along a path."""
    from ...growth.paths import doublings_by

    path = _path(1.0, doublings_a_year=12 / doubling_months)
    return 2 ** float(doublings_by(path, np.array([1.0])).item())


def years_to_gain(factor: float, doubling_months: float) -> float:
    """Years to gain a factor at this doubling time and constant returns of 1, along a path."""
    from ...growth.paths import years_at

    path = _path(1.0, doublings_a_year=12 / doubling_months)
    return float(years_at(path, np.array([math.log2(factor)])).item())


def doubling_days(r: float, doubling: int) -> float:
    """Days of one doubling along a path whose first (0) takes a month."""
    from ...growth.paths import years_at

    path = _path(r, doublings_a_year=_pace_for(1 / 12, r))
    at = years_at(path, np.array([doubling, doubling + 1.0])).ravel()
    return DAYS_A_YEAR * float(at[1] - at[0])


def days_to_gain(r: float, factor: float) -> float:
    """Days until a path whose first doubling takes a month has gained this factor."""
    from ...growth.paths import years_at

    path = _path(r, doublings_a_year=_pace_for(1 / 12, r))
    return DAYS_A_YEAR * float(years_at(path, np.array([math.log2(factor)])).item())


def doublings_in_year(r: float, first_days: float, year: int, per_year: float = 1.0) -> float:
    """Doublings completed in one year (0 the first) of a path with this first doubling, in units of `per_year`."""
    from ...growth.paths import doublings_by

    path = _path(r, doublings_a_year=_pace_for(first_days / DAYS_A_YEAR, r))
    completed = np.floor(doublings_by(path, np.array([year, year + 1.0])).ravel())
    return float(completed[1] - completed[0]) / per_year


def years_to_singularity(r: float, factor_a_year: float, parallel: float) -> float:
    """Years until software is infinite, from a growth of this factor a year."""
    path = _path(r, doublings_a_year=math.log2(factor_a_year), parallel=parallel)
    return float(path.end_years.item())


def first_year(r: float, factor_a_year: float, parallel: float) -> float:
    """The factor gained within a year of a path that starts with a growth of this factor a year."""
    from ...growth.paths import doublings_by

    path = _path(r, doublings_a_year=math.log2(factor_a_year), parallel=parallel)
    return 2 ** float(doublings_by(path, np.array([1.0])).item())


def explosive_r(retraining: str) -> float:
    """r above which the pace rises although each generation must be trained, by a rule of `RETRAINING`."""
    from scipy.optimize import brentq

    from ...growth.law import pace_slope
    from ...growth.paths import laws

    def slope(r: float) -> float:
        draws = one_draw(r_asara=r, parallel=0.3, doublings_left=math.inf)
        return pace_slope(0.0, laws(draws, retraining=retraining)[0])

    return cast("float", brentq(slope, 0.2, 5.0, xtol=1e-9))


def explosive_sum(lambda_: float, sigma: float, what: str, phi_cog: float = math.nan) -> float:
    """Where explosion begins, in the comments' terms, as found on the growth law: `phi`, or `phi_plus_lambda` of experiments.

    Without `phi_cog` there is one technology that adds labour alone, or (`phi_both`) labour and experiments alike.
    """
    from scipy.optimize import brentq

    from ...growth.law import pace_slope
    from ...growth.paths import laws

    def slope(phi: float) -> float:
        two = not math.isnan(phi_cog)
        gain = 1.0 if two or what == "phi_both" else 0.0
        input_gain = 0.5 + 0.5 * gain
        beta = 1 - (phi_cog if two else phi)
        mechanisms = {"labour_share_asara": 0.5, "sigma": sigma, "epsilon": gain}
        if two:
            mechanisms["experiment_beta"] = 1 - phi
        draws = one_draw(
            r_asara=lambda_ * input_gain / beta if beta else math.inf,
            parallel=lambda_ * input_gain,
            doublings_left=math.inf,
            **mechanisms,
        )
        return pace_slope(FAR, laws(draws)[0])

    phi = cast("float", brentq(slope, -0.95, 0.99 if not math.isnan(phi_cog) else 1.5, xtol=1e-9))
    return phi + lambda_ if what == "phi_plus_lambda" else phi
