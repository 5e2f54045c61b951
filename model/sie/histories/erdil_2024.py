"""Epoch's own likelihood of r = lambda / beta from one growth of output and yearly counts of researchers.

Erdil, Besiroglu & Ho (2024): output A follows the noisy Jones law, in operational time t = sum over years of I^lambda,

    dA = theta A^(1 - beta) dt + sigma A^(1 - beta/2) dW,

so that X = A^beta is a Feller diffusion, dX = c dt + sqrt(2 a X) dW, with a = sigma^2 beta^2 / 2 and
c = beta theta - sigma^2 beta (1 - beta) / 2. With A = 1 and I = 1 in the first year and dt = beta / (g_I lambda),

    theta dt = g_s + sigma_s^2 max(1 - beta, 0) / 2,    sigma sqrt(dt) = sigma_s,    lambda, beta, sigma_s, g_s ~ HalfCauchy(1).

Their notebook sums the transition density as Poisson-gamma terms whose gamma function overflows; `as_coded` drops the same
terms. The exact density, by a Bessel function in logs, is the default.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import Problems, plain
from ..base.kernels import in_chunks, kernel
from ..base.reading import data_folder
from ..base.stats import QUANTILES
from ..data.bibliography import origin, read_sources
from ..data.columns import IDEA_COUNTS, IDEA_FITS, IDEA_QUANTILES
from ..data.schema import ascending, once
from ..data.tables import read_table
from . import feller

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "IdeaProduction",
    "log_density",
    "log_likelihood",
    "prior_log_density",
    "quantiles",
    "read_idea_production",
    "store",
]


FOLDER, TABLE = "idea_production", "fits.csv"

LOG_R = np.round(np.arange(-300, 301) * 0.02, 6)
"""The grid of log r; the posteriors have less than 1e-4 of their mass beyond it."""

POINTS = 13
"""log2 of the quasi-random points of (beta, sigma_s, g_s) at each log r; doubling them moves no quantile by 0.5 %."""

SOBOL_SEED = 1
"""Scrambles the points; the same at every log r, so that the curve is smooth."""

CHUNK = 16
"""Values of log r that a thread takes at a time."""

SPREAD = 0.6
"""Scale of the logistic proposal of g_s around its best value, in standard deviations."""


@dataclass(frozen=True, kw_only=True)
class IdeaProduction:
    """What Epoch fitted in one domain: researchers a year, doublings of output over as many years, and what they published.

    `published` are the 5, 25, 50, 75 and 95 % quantiles of r; `naive` the published ratio of growth rates.
    """

    id: str
    growth_row: str
    domain: str
    researchers: np.ndarray
    output_doublings: float
    published: tuple[float, ...]
    naive: float

    @property
    def log_output(self) -> float:
        """Growth of output over the whole period, natural log."""
        return self.output_doublings * math.log(2)

    @property
    def log_researchers(self) -> np.ndarray:
        """log of each year's researchers over the first year's."""
        return np.log(self.researchers / self.researchers[0])

    @property
    def input_growth(self) -> float:
        """g_I: growth of researchers from the first to the last year, natural log per year."""
        return float(self.log_researchers[-1]) / (len(self.researchers) - 1)

    @property
    def growth_ratio(self) -> float:
        """Output growth a year over input growth a year."""
        return self.log_output / (len(self.researchers) * self.input_growth)


def read_idea_production(path: Path | str | None = None) -> Mapping[str, IdeaProduction]:
    """Every domain that Epoch fitted, from an evidence folder.

    Parameters
    ----------
    path : Path or str, optional
        The folder (default: the bundled one).

    Returns
    -------
    mapping of str to IdeaProduction
        By id: researchers a year, doublings of output over as many years, and the published quantiles of r.

    Raises
    ------
    DataError
        If a line of `idea_production/fits.csv`, or the counts of a domain, are not valid.

    References
    ----------
    Erdil, Besiroglu & Ho (2024).
    """
    folder = Path(path) if path is not None else data_folder("evidence")
    numbers = ("naive", *IDEA_QUANTILES)
    rules = (
        ascending(*IDEA_QUANTILES),
        once("id", want="a name that no other line has"),
        origin(read_sources(folder), lambda row: [row[key] for key in numbers if key in row]),
    )
    with Problems() as problems:
        rows = problems.attempt(read_table, folder / FOLDER / TABLE, IDEA_FITS, rules) or []
        counts = [
            problems.attempt(_read_counts, folder / FOLDER / f"{row['id']}.csv", row["years"])
            for _, row in rows
        ]
    return {
        row["id"]: IdeaProduction(
            **{key: row[key] for key in ("id", "growth_row", "domain", "output_doublings", "naive")},
            researchers=researchers,
            published=tuple(row[key] for key in IDEA_QUANTILES),
        )
        for (_, row), researchers in zip(rows, counts, strict=True)
    }


def _read_counts(path: Path, years: float) -> np.ndarray:
    """The counts of the first `years` years, each the year after the line before."""
    with Problems() as problems:
        rows = read_table(path, IDEA_COUNTS)
        for (_, last), (where, row) in pairwise(rows):
            if row["year"] != last["year"] + 1:
                want = f"{last['year'] + 1:.0f}, the year after the line before"
                problems.refuse(f"{where} year", row["year"], want)
        if not 2 <= years <= len(rows) or years % 1:
            found, want = plain(str(len(rows))), f"at least the {years:g} years of {TABLE}"
            problems.refuse(f"{path.name} lines", found, want)
    return np.array([row["authors"] for _, row in rows[: int(years)]])


def prior_log_density(log_r: np.ndarray) -> np.ndarray:
    """log density of log r = log lambda - log beta under two independent HalfCauchy(1) priors: (2 / pi^2) u / sinh(u)."""
    u = np.abs(np.asarray(log_r, dtype=float))
    near = np.where(u > 0, u, 1.0)
    log_sinh = near + np.log(-np.expm1(-2 * near)) - math.log(2)
    return math.log(2 / math.pi**2) + np.where(u > 0, np.log(near) - log_sinh, 0.0)


def log_density(
    fit: IdeaProduction,
    *,
    returns_to_input: np.ndarray,
    difficulty: np.ndarray,
    noise: np.ndarray,
    drift: np.ndarray,
    as_coded: bool = False,
) -> np.ndarray:
    """log density of the observed log output, given lambda (`returns_to_input`), beta, sigma_s and g_s, elementwise."""
    beta, lam = np.asarray(difficulty, dtype=float), np.asarray(returns_to_input, dtype=float)
    log_sum = np.logaddexp.reduce(np.multiply.outer(fit.log_researchers, lam), axis=0)
    log_time = log_sum + np.log(fit.input_growth * lam / beta)
    log_a = 2 * np.log(noise * beta) - math.log(2)
    c = beta * (drift + np.square(noise) * np.maximum(beta - 1, 0) / 2)
    density = feller.as_coded if as_coded else feller.exact
    return np.log(beta) + density(beta * fit.log_output, log_a + log_time, c / np.exp(log_a))


def log_likelihood(
    fit: IdeaProduction, *, as_coded: bool = False, points: int = POINTS, log_r: np.ndarray = LOG_R
) -> xr.DataArray:
    """log L(log r) on a grid: the density of the output with beta, sigma_s and g_s integrated over their priors given r.

    Quasi-Monte Carlo with 2^`points` points. Given r, beta has a closed quantile function; g_s is drawn half from its
    prior, half around the value that makes the expected growth the observed one. The largest value is 0.
    """
    import xarray as xr
    from scipy.stats import qmc

    uniform = qmc.Sobol(3, seed=SOBOL_SEED).random_base2(points)  # pyright: ignore[reportCallIssue]
    uniform = np.clip(uniform, np.finfo(float).eps, 1 - np.finfo(float).eps)
    grid, sizes = np.asarray(log_r, dtype=float), (fit.log_output, fit.input_growth)
    curve = np.zeros(len(grid))

    def integrate(first: int, last: int) -> None:
        _integrate(curve[first:last], grid[first:last], uniform, *sizes, fit.log_researchers, as_coded)

    in_chunks(integrate, len(grid), CHUNK)
    values = np.log(curve) - math.log(curve.max())
    return xr.DataArray(values, dims="log_r", coords={"log_r": log_r}, name=fit.id)


def quantiles(table: xr.DataArray, probabilities: tuple[float, ...] = QUANTILES) -> tuple[np.ndarray, float]:
    """Quantiles of r and P(r > 1) of the posterior: the likelihood times the prior of log r."""
    log_r = table.log_r.values
    log_weight = table.values + prior_log_density(log_r)
    weight = np.exp(log_weight - log_weight.max())
    below = np.concatenate([[0.0], np.cumsum((weight[1:] + weight[:-1]) / 2 * np.diff(log_r))])
    below /= below[-1]
    return np.exp(np.interp(probabilities, below, log_r)), float(1 - np.interp(0.0, log_r, below))


def store(fit: IdeaProduction, path: Path | str | None = None) -> Path:
    """Store the exact likelihood as `likelihoods/epoch_<growth row>.csv` of an evidence folder; returns the file."""
    from ..returns.likelihoods import name_of, write_likelihood

    inputs = (f"{FOLDER}/{TABLE}#{fit.id}", f"{FOLDER}/{fit.id}.csv")
    return write_likelihood(name_of(fit.growth_row, "epoch"), log_likelihood(fit), inputs, path)


@kernel
def _integrate(out, log_r, uniform, log_output, input_growth, log_researchers, as_coded):
    """Fill `out` with the mean over the points of density x prior / proposal, at each log r."""
    for i in range(len(log_r)):
        u = log_r[i]
        for j in range(len(uniform)):
            q = uniform[j, 0]
            if u == 0:
                log_beta = 0.5 * math.log(q / (1 - q))
            else:
                log_beta = 0.5 * math.log(math.expm1(2 * u * q) / -math.expm1(-2 * u * (1 - q))) - u
            beta, lam = math.exp(log_beta), math.exp(log_beta + u)
            noise = math.tan(math.pi / 2 * uniform[j, 1])
            top = lam * log_researchers.max()
            total = 0.0
            for year in range(len(log_researchers)):
                total += math.exp(lam * log_researchers[year] - top)
            log_time = top + math.log(total) + math.log(input_growth) + u
            growth = beta * log_output
            log_scale = 2 * math.log(noise * beta) - math.log(2) + log_time
            extra = noise * noise * max(beta - 1, 0.0) / 2
            best = math.exp(_bounded(growth + math.log(-math.expm1(-growth)) - log_time - log_beta)) - extra
            width = SPREAD * math.exp(
                _bounded(0.5 * (log_scale + growth + math.log1p(math.exp(-growth))) - log_time - log_beta)
            )
            drift, weight = _draw_drift(uniform[j, 2], max(best, 0.0), width)
            shape = 2 * (drift + extra) / (noise * noise * beta)
            if as_coded:
                log_value = feller.as_coded(growth, log_scale, shape)
            else:
                log_value = feller.exact(growth, log_scale, shape)
            if log_value > -700:
                out[i] += weight * beta * math.exp(log_value)
        out[i] /= len(uniform)


@kernel
def _bounded(exponent):
    return min(max(exponent, -300.0), 300.0)


@kernel
def _draw_drift(q, best, width):
    """g_s and its HalfCauchy(1) density over that of the mixture it is drawn from: the prior, and a logistic above 0."""
    cut = 1 / (1 + math.exp(min(best / width, 700.0)))
    if q < 0.5:
        drift = math.tan(math.pi * q)
    else:
        level = cut + (2 * q - 1) * (1 - cut)
        drift = max(best + width * math.log(level / (1 - level)), 1e-300)
    tail = math.exp(-abs(drift - best) / width)
    near = tail / (1 + tail) ** 2 / width / (1 - cut)
    prior = 2 / math.pi / (1 + drift * drift)
    return drift, prior / (0.5 * prior + 0.5 * near)
