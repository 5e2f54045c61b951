"""The verdict on a calibration: whether ranks of the truth are even and events happen as often as predicted.

    band: that of ArviZ, in which the whole ECDF of even ranks lies with probability 95 %
    outside_by_chance: the 99 % point of the number of quantities outside theirs, even ranks that correlate as those found

r at ASARA is a product of other quantities, so that one unlucky set of worlds takes several out of their bands: exceedances
are correlated, and a threshold for independent quantities is too strict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["summarise"]

BAND = 0.95
"""Probability that a calibrated quantity's whole ECDF lies within its band."""

BAND_SIMULATIONS = 4000
"""Uniform samples behind a band."""

CHANCE, CHANCE_SIMULATIONS = 0.99, 1000
"""Share of calibrations that have at most `outside_by_chance` quantities outside, and the simulated ones behind it."""

ROUNDING = 1e-9
"""Slack of a count that rounding may miss."""

MASSES = (0.5, 0.8, 0.9)
"""Central posterior intervals whose coverage of the true r at ASARA is counted."""


def summarise(found: xr.Dataset) -> xr.Dataset:
    """Verdicts on what `worlds.open_calibration` returns.

    Over `quantity`: `ecdf_difference` (quantity, at) with `band` (edge, at) that a calibrated quantity stays within with
    probability 95 %, `outside` (whether it does not), and `p_value` of uniformity (the pointwise order test of ArviZ).
    Over `mass`: `coverage` of the true r at ASARA by central posterior intervals.
    Over `event`: mean `predicted` probability, share `happened`, and `z`, their difference in standard errors.
    `attrs`: `outside_by_chance`, the number of quantities outside their bands that chance exceeds in 1 of 100 calibrations;
    `calibrated`, whether that number, the p-values with Bonferroni's correction and all |z| allow it.
    """
    import xarray as xr
    from arviz_stats.base import array_stats
    from arviz_stats.ecdf_utils import compute_ecdf, ecdf_pit
    from scipy.stats import norm

    pit = found.pit.transpose("quantity", "run").values
    at, _, low, high = ecdf_pit(
        pit[0], BAND, BAND_SIMULATIONS
    )  # one band: it depends on the number of worlds alone
    ecdf = np.array([compute_ecdf(values, at) for values in pit])
    outside = _outside(pit, at, low, high)
    p_value = np.array([float(array_stats.uniformity_test(values)[0]) for values in pit])
    r = found.pit.sel(quantity="r_asara").values
    predicted, happened = found.p.mean("run"), found.happened.mean("run")
    sd = np.sqrt((found.p * (1 - found.p)).sum("run")) / found.sizes["run"]
    z = xr.where(sd > 0, (happened - predicted) / sd, 0.0)
    by_chance = _outside_by_chance(pit, at, low, high)
    tests = len(pit) + z.size
    return xr.Dataset(
        {
            "ecdf_difference": (("quantity", "at"), ecdf - at),
            "band": (("edge", "at"), np.array([low - at, high - at])),
            "outside": ("quantity", outside),
            "p_value": ("quantity", p_value),
            "coverage": ("mass", [float((np.abs(2 * r - 1) <= mass).mean()) for mass in MASSES]),
            "predicted": predicted,
            "happened": happened,
            "z": z,
        },
        coords={"quantity": found.quantity, "at": at, "edge": ["low", "high"], "mass": list(MASSES)},
        attrs={
            "runs": found.sizes["run"],
            "lost": found.attrs["lost"],
            "outside_by_chance": by_chance,
            "calibrated": bool(
                outside.sum() <= by_chance
                and p_value.min() >= 0.01 / tests
                and float(np.abs(z).max()) <= norm.isf(0.005 / tests)
            ),
        },
    )


def _outside(pit: np.ndarray, at: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Whether the ECDF of each row leaves the band anywhere, (..., run) to (...)."""
    ordered = np.sort(pit, axis=-1)
    runs = pit.shape[-1]
    # The ECDF stays at or above `low` (at or below `high`) where the k-th smallest rank is early (late) enough.
    need = np.ceil(runs * low[1:-1] - ROUNDING).astype(int)
    most = np.floor(runs * high[1:-1] + ROUNDING).astype(int)
    late = (need > 0) & (ordered[..., np.maximum(need, 1) - 1] > at[1:-1])
    early = (most < runs) & (ordered[..., np.minimum(most, runs - 1)] <= at[1:-1])
    return (late | early).any(axis=-1)


def _outside_by_chance(pit: np.ndarray, at: np.ndarray, low: np.ndarray, high: np.ndarray) -> int:
    """How many quantities even ranks have outside their bands in all but 1 of 100 calibrations, given how they correlate.

    Ranks are simulated by a Gaussian copula with the rank correlations found.
    """
    from scipy.special import ndtr
    from scipy.stats import rankdata

    correlation = np.atleast_2d(np.corrcoef(rankdata(pit, axis=1)))
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 0))
    rng = np.random.default_rng(0)
    counts = [
        int(_outside(ndtr(root @ rng.standard_normal(pit.shape)), at, low, high).sum())
        for _ in range(CHANCE_SIMULATIONS)
    ]
    return int(np.quantile(counts, CHANCE, method="inverted_cdf"))
