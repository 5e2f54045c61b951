"""How fast takeoff is: the time to so many times the software at ASARA, and P(X years of progress within some time) over X.

    time(factor) = tau(log2 factor),   software in units of parallel labour
    P(X, w) = P(gain of X recent doublings_per_year / software_share within some window of w years)
    balanced_speedup = (1/a + compute_quality) q_c / ((1 - r) (q_l + (1/a - 1) q_c)),   r below 1, hardware growing

The curve over X is Davidson & Houlden's second figure: at 3 and 10 years of progress it is the events `years_3_in_1y` and so on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError
from ..base.stats import INTERVAL, quantile_errors
from .credences import credences, effective_sizes, probabilities
from .events import MONTHS_4, gain_within

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["FACTORS", "PROGRESS_YEARS", "WINDOWS", "balanced_speedup", "progress_curve", "software_times"]

FACTORS = (10.0, 100.0, 1000.0)
"""Times the software at ASARA whose dates are reported."""

WINDOWS = (1.0, MONTHS_4)
"""Windows of the curve, in years."""

PROGRESS_YEARS = (
    *(quarter / 4 for quarter in range(1, 12)),
    *(half / 2 for half in range(6, 20)),
    *map(float, range(10, 21)),
)
"""Years of progress at which the curve is computed: up to 20, as in the figure, closer together where it is steep."""


def software_times(paths: xr.Dataset, *, factors: Sequence[float] = FACTORS) -> xr.Dataset:
    """Years from ASARA until software is so many times what it was, in units of parallel labour.

    Ten times the software does at fixed hardware what ten times the parallel labour of the AIs at ASARA would do. Quantiles are over all
    draws, those that never get there counting as infinitely late.

    Parameters
    ----------
    paths : xr.Dataset
        Paths of `simulate`.
    factors : sequence of float, optional
        Times the software at ASARA, above 1.

    Returns
    -------
    xr.Dataset
        Dims `factor`, `quantile` (5, 50 and 95 %): `years`, inf where the quantile is never reached, and `years_mcse`, its Monte Carlo
        standard error (inf where draws that never get there are within it). Dim `factor`: `reached`, the share of draws that ever
        get there, and `reached_mcse`.

    Raises
    ------
    DataError
        If a factor is not a finite number above 1.

    References
    ----------
    Vehtari et al. (2021) for the error of a quantile.

    Examples
    --------
    >>> times = sie.software_times(paths)
    >>> median = float(times.years.sel(factor=100, quantile=0.5))
    """
    import xarray as xr

    from .readings import years_at

    asked = np.array(factors, dtype=float)
    if not np.all((asked > 1) & (asked < math.inf)):
        raise DataError("software_times factors", list(factors), "finite numbers above 1")
    times = np.moveaxis(years_at(paths, np.log2(asked)), -1, 0)
    quantiles = np.quantile(times, INTERVAL, axis=(1, 2), method="inverted_cdf").T
    most = paths.attrs.get("effective_draws", math.inf)
    independent = bool(paths.attrs.get("independent_draws"))
    errors = np.empty(quantiles.shape)
    for k, each in enumerate(times):
        below = each[None] <= quantiles[k][:, None, None]
        sizes = np.full(len(below), float(each.size)) if independent else effective_sizes(below)
        errors[k] = quantile_errors(each, INTERVAL, np.minimum(sizes, most))
    reached, reached_mcse = probabilities(np.isfinite(times), independent=independent, most=most)
    return xr.Dataset(
        {
            "years": (("factor", "quantile"), quantiles, {"unit": "years since ASARA"}),
            "years_mcse": (("factor", "quantile"), errors, {"unit": "years since ASARA"}),
            "reached": ("factor", reached, {"unit": "probability"}),
            "reached_mcse": ("factor", reached_mcse, {"unit": "probability"}),
        },
        coords={"factor": asked, "quantile": list(INTERVAL)},
    )


def progress_curve(
    paths: xr.Dataset,
    *,
    years_of_progress: Sequence[float] = PROGRESS_YEARS,
    windows: Sequence[float] = WINDOWS,
) -> xr.Dataset:
    """Probability that at least X years of total AI progress at the recent pace are gained within some window of time, over X.

    Parameters
    ----------
    paths : xr.Dataset
        Paths of `simulate`.
    years_of_progress : sequence of float, optional
        The X, above 0.
    windows : sequence of float, optional
        Lengths of the window in years, above 0.

    Returns
    -------
    xr.Dataset
        Dims `window`, `years_of_progress`: `p` and its Monte Carlo standard error `mcse`, as from `credences`.

    Raises
    ------
    DataError
        If a window or an X is not above 0.

    References
    ----------
    Davidson & Houlden (2025), second figure of their public tool.

    Examples
    --------
    >>> curve = sie.progress_curve(paths)
    >>> p = float(curve.p.sel(window=1.0, years_of_progress=3.0))
    """
    import xarray as xr

    if not np.all(np.asarray(years_of_progress) > 0):
        raise DataError("progress_curve years_of_progress", list(years_of_progress), "numbers above 0")
    events = [
        gain_within(f"{x:g} in {window:g}", years_of_progress=x, years=window)
        for window in windows
        for x in years_of_progress
    ]
    table, shape = credences(paths, events=events), (len(windows), len(years_of_progress))
    dims = ("window", "years_of_progress")
    return xr.Dataset(
        {name: (dims, table[name].values.reshape(shape), table[name].attrs) for name in ("p", "mcse")},
        coords={
            "window": ("window", np.asarray(windows, dtype=float), {"unit": "years"}),
            "years_of_progress": ("years_of_progress", np.asarray(years_of_progress, dtype=float)),
        },
    )


def balanced_speedup(r, *, labour_share, compute_growth, labour_growth, compute_quality=0.5):
    """How many times faster software grows in the long run once AI does the research, while compute goes on growing: for r below 1.

    Before, labour grows at its own rate q_l, and software at r q_l + r (1/a - 1) q_c. After, labour is the software on the compute, and grows
    at software's rate + (1 + compute_quality) q_c, so that software grows at r (1/a + compute_quality) q_c / (1 - r). Both are balanced
    paths with constant r: no ceiling and no initial jump. Elementwise, over numbers or arrays of draws.

    Parameters
    ----------
    r : array_like
        Returns to research labour with compute fixed, above 0 and below 1: r at ASARA, which the public tool calls r_cog.
    labour_share : array_like
        Labour's share a in research input, above 0 and at most 1.
    compute_growth : array_like
        Growth q_c of compute, before and after, per year: natural log or doublings. Above 0.
    labour_growth : array_like
        Growth q_l of research labour before, in the same unit; at least 0.
    compute_quality : array_like, optional
        Doublings of a researcher's productivity per unit of compute at runtime for each doubling of training compute (gamma; the public
        tool has 0.5). At least 0.

    Returns
    -------
    float or np.ndarray
        The speed-up, without unit, of the broadcast shape; inf where nothing made software grow before.

    Raises
    ------
    DataError
        For a number outside its range; at r of 1 and above there is no balanced path.

    References
    ----------
    Davidson & Houlden (2025), public tool, speed-up calculator (thoulden/Accelerated_AI_Progress, docs/index.html, commit 78941c6).

    Examples
    --------
    >>> speedup = sie.balanced_speedup(0.7, labour_share=0.5, compute_growth=1.224, labour_growth=0.627)
    >>> float(round(speedup, 2))
    5.51
    """
    r, a, compute, labour, quality = (
        np.asarray(each, dtype=float)
        for each in (r, labour_share, compute_growth, labour_growth, compute_quality)
    )
    for name, value, good, want in (
        ("r", r, (r > 0) & (r < 1), "numbers above 0 and below 1, or there is no balanced path"),
        ("labour_share", a, (a > 0) & (a <= 1), "numbers above 0 and at most 1"),
        ("compute_growth", compute, (compute > 0) & (compute < math.inf), "numbers above 0"),
        ("labour_growth", labour, (labour >= 0) & (labour < math.inf), "numbers of at least 0"),
        ("compute_quality", quality, (quality >= 0) & (quality < math.inf), "numbers of at least 0"),
    ):
        if not np.all(good):
            raise DataError(f"balanced_speedup {name}", float(np.ravel(value[~good])[0]), want)
    with np.errstate(divide="ignore"):
        return (1 / a + quality) * compute / ((1 - r) * (labour + (1 / a - 1) * compute))
