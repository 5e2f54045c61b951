"""Factors on the pace that depend on calendar time alone: a boost that comes gradually, hardware that goes on growing.

`clock.on_clock` applies them to paths.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..base.errors import DataError
from ..data.exogenous import FOR_EVER

__all__ = ["Clock", "gradual_boost", "hardware_growth"]


class Clock(NamedTuple):
    """A factor on the pace that depends on time, b(t) = constant + 2^l(t), l being linear between knots and constant after the last.

    `years` (knot,) rise from 0; `log2_factor` is (knot,) or has the dims of the draws and then (knot,); `constant` is a number of at
    least 0 or one for each draw.
    """

    years: np.ndarray
    log2_factor: np.ndarray
    constant: np.ndarray | float = 0.0


def gradual_boost(
    *, start: np.ndarray | float, end: np.ndarray | float, years: float, speedup: np.ndarray | float
) -> Clock:
    """A boost from AI that comes gradually: pace = (1 + f) recent pace, f growing exponentially over some years.

    For paths whose pace at ASARA is `speedup` times the recent pace, the factor on it is (1 + f) / speedup; the feedback of
    software on itself acts beside it.

    Parameters
    ----------
    start : float or np.ndarray
        The f at ASARA, above 0. As for `end` and `speedup`, one number or one for each draw.
    end : float or np.ndarray
        The f after `years`, and from then on; above 0.
    years : float
        Years over which f grows from `start` to `end`, above 0.
    speedup : float or np.ndarray
        Pace of the paths at ASARA over the recent pace, above 0.

    Returns
    -------
    Clock
        The factor as a function of time, for `on_clock`.

    Raises
    ------
    DataError
        If a number is not finite and above 0.

    References
    ----------
    Davidson & Houlden (2025) have start 0.1, five years, and for `end` and `speedup` the speed-up of each draw.

    Examples
    --------
    >>> speedup = paths.pace_asara / paths.recent_doublings_per_year
    >>> boost = sie.gradual_boost(start=0.1, end=speedup, years=5, speedup=speedup)
    >>> slower = sie.on_clock(paths, boost)
    """
    start, end, speedup = (np.asarray(each, dtype=float) for each in (start, end, speedup))
    for name, value in {"start": start, "end": end, "years": np.asarray(years), "speedup": speedup}.items():
        if not np.all((value > 0) & (value < math.inf)):
            raise DataError(f"gradual boost {name}", float(np.ravel(value)[0]), "numbers above 0")
    knots = np.broadcast_arrays(start / speedup, end / speedup)
    return Clock(np.array([0.0, years]), np.log2(np.stack(knots, axis=-1)), 1 / speedup)


def hardware_growth(
    *, parallel: np.ndarray | float, doublings_per_year: np.ndarray | float, years: float = math.inf
) -> Clock:
    """Hardware C that goes on doubling: a factor C(t)^lambda on the pace.

    Cobb-Douglas, with AI copies and experiments both scaling with hardware.

    Parameters
    ----------
    parallel : float or np.ndarray
        Lambda, doublings of the pace per doubling of hardware; one number or one for each draw.
    doublings_per_year : float or np.ndarray
        Growth of hardware; one number or one for each draw.
    years : float, optional
        Years since ASARA after which growth stops; inf, the default, for growth without end.

    Returns
    -------
    Clock
        The factor as a function of time, for `on_clock`.

    Examples
    --------
    >>> faster = sie.on_clock(paths, sie.hardware_growth(parallel=paths.parallel, doublings_per_year=1.0, years=5))
    """
    end = min(years, FOR_EVER)
    grown = np.asarray(parallel * np.asarray(doublings_per_year, dtype=float)) * end
    return Clock(np.array([0.0, end]), np.stack([np.zeros_like(grown), grown], axis=-1))
