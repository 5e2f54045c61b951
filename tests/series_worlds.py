"""Made-up raw histories: series in the form that is read, and worlds drawn from the priors of `sie.histories.model`."""

from dataclasses import replace

import numpy as np
import xarray as xr
from scipy.special import ndtri
from scipy.stats import binom, chi2, linregress, qmc

from sie.histories.arrays import LEAST_GAIN
from sie.histories.density import DRIFT_PRIOR, LOADING_SD, SCATTER_PRIOR, TIMING_SD
from sie.histories.law import latents_of
from sie.histories.model import LOG_LAMBDA_RANGE, compiled, priors_of, to_natural_scale

REFITS = 120
"""Worlds of a recovery, in each of which the 50 and 90 % intervals hold the truth or do not."""

DRAWS, TUNE, RANKED = 300, 300, 3
"""Draws and tuning of each of two chains; every so many-th draw is ranked, so that autocorrelation does not spread the ranks."""


def raw(years, log2_a, efforts, *, kind="record", regime=None, error=None):
    """A series as `sie.read_series` gives it; outputs in seconds for records, in Elo for measurements."""
    n = len(years)
    elo = kind == "measurement"
    output = 100 * np.asarray(log2_a) if elo else 2.0 ** -np.asarray(log2_a)
    return xr.Dataset(
        {
            "years": ("observation", np.asarray(years, dtype=float)),
            "kind": ("observation", [kind] * n),
            "regime": ("observation", [""] * n if regime is None else regime),
            "instrument": ("observation", [""] * n),
            "made_by": ("observation", ["people"] * n),
            "output": ("observation", output, {"units": "Elo" if elo else "seconds"}),
            "output_error": ("observation", np.full(n, np.nan) if error is None else error),
            "effort": (("observation", "proxy"), np.array(list(efforts.values()), dtype=float).T),
        },
        coords={"proxy": list(efforts), "effort_kind": ("proxy", ["cumulative"] * len(efforts))},
        attrs={"id": "made_up"},
    )


def panel():
    """Nine observations, two counts of effort of which the second starts late, and one jump."""
    years = np.concatenate([[0], np.geomspace(0.05, 4, 8)])
    counts = {
        "staff": np.concatenate([[0], np.geomspace(1, 80, 8)]),
        "papers": np.concatenate([[np.nan] * 3, np.geomspace(4, 90, 6)]),
    }
    return years, counts


def from_prior(past, size, rng):
    """Prior draws of the parameters, of the paths, and of each proxy's loading, drift and scatter.

    A Latin hypercube: each is drawn from its prior, and all of them together are spread as it is, so that what data hardly move is
    not outside because its truths happened to be.
    """
    named, coords = latents_of(past)
    sizes = {name: len(coords[dims[0]]) for name, dims in named.items()}
    z = ndtri(qmc.LatinHypercube(d=sum(sizes.values()), rng=rng).random(size))[None]
    parts = np.split(z, np.cumsum(list(sizes.values()))[:-1], axis=-1)
    latents = xr.Dataset(
        {name: (("chain", "draw", *named[name]), part) for name, part in zip(named, parts, strict=True)},
        coords={"chain": [0], "draw": np.arange(size)},
    )
    draws = to_natural_scale(latents, past, priors_of(past), LOG_LAMBDA_RANGE)
    if past.proxies:
        free = np.array([float(name != past.anchor) for name in past.proxies])
        draws["loading"] = np.exp(LOADING_SD * latents.loading * free)
        draws["drift"] = np.exp(DRIFT_PRIOR[0] + DRIFT_PRIOR[1] * latents.drift)
        draws["scatter"] = np.exp(SCATTER_PRIOR[0] + SCATTER_PRIOR[1] * latents.scatter)
    return draws


def simulated(past, draws, i, rng):
    """Data for the i-th prior draw: the history with counts with drift and scatter, and gains or measurements around the law; the logs
    of its counts by proxy; and log2 A as it was observed."""
    d = draws.isel(chain=0, draw=i)
    n = len(past.years)
    clock = np.log(past.years)

    def walk():
        return np.cumsum(rng.standard_normal(n) * np.sqrt(np.diff(clock, prepend=clock[0])))

    log_counts = {
        name: d.loading.values[p] * d.log_effort.values
        + d.drift.values[p] * walk()
        + d.scatter.values[p] * rng.standard_normal(n)
        for p, name in enumerate(past.proxies)
    }
    proxies = {
        name: replace(count, values=count.rotation @ log_counts[name]) for name, count in past.proxies.items()
    }
    if past.kind == "record":
        mean = np.maximum(np.diff(d.log2_a.values, prepend=0), 1e-12)
        variance = mean * d.irregularity.item() + 2 * TIMING_SD**2
        gains = np.maximum(rng.gamma(mean**2 / variance, variance / mean), LEAST_GAIN)
        tied = (gains == LEAST_GAIN).astype(float) * past.shown
        made = replace(past, proxies=proxies, gains=np.where(past.shown > 0, gains, 1.0), tied=tied)
        return made, log_counts, np.cumsum(gains)
    path = d.log2_a.values + d.irregularity.item() * walk()
    noise = past.error * d.error_scale.item() * rng.standard_normal(n)
    # Each instrument's level is free, so that a path of its own scale from 0 on is as good as any.
    outputs = d.elo_of.values * path + noise
    measured = {name: replace(of, values=of.rotation @ outputs) for name, of in past.measured.items()}
    return replace(past, proxies=proxies, measured=measured), log_counts, outputs


def short_posterior(made, *, seed):
    """Draws of one short fit, undiagnosed: of hundreds none may be left out."""
    import nutpie

    tree = nutpie.sample(
        compiled(made),
        draws=DRAWS,
        tune=TUNE,
        chains=2,
        cores=1,
        seed=seed,
        target_accept=0.9,
        adaptation="low_rank",
        progress_bar=False,
        save_warmup=False,
    )
    return to_natural_scale(tree["posterior"].to_dataset(), made, priors_of(made), LOG_LAMBDA_RANGE)


def check_recovery(past, names, *, seed):
    """Truths drawn from the prior lie inside the 50 and 90 % intervals as often as chance has it, and the squared normal scores of
    their ranks sum to a chi-square (99 % band each). What is returned is how many 90 % intervals of plain regressions on the first
    count, with independent errors, hold the true r."""
    rng = np.random.default_rng(seed)
    truths = from_prior(past, REFITS, rng)
    inside = {(name, mass): 0 for name in names for mass in (0.5, 0.9)}
    squares = dict.fromkeys(names, 0.0)
    naive = 0
    for i in range(REFITS):
        made, log_counts, outputs = simulated(past, truths, i, rng)
        posterior = short_posterior(made, seed=i)
        for name in names:
            of, truth = posterior[name].values[:, ::RANKED], truths[name].values[0, i]
            below = (
                (of < truth)[..., -1].ravel() if of.ndim > 2 else (of < truth).ravel()
            )  # of the last regime
            share = below.mean()
            squares[name] += ndtri((below.sum() + 0.5) / (below.size + 1)) ** 2
            for mass in (0.5, 0.9):
                inside[name, mass] += abs(share - 0.5) < mass / 2
        line = linregress(log_counts[past.anchor], outputs / np.exp(past.elo_prior[0]) * np.log(2))
        naive += abs(line.slope - truths.r.values[0, i]) < 1.645 * line.stderr
    low, high = chi2.ppf([0.005, 0.995], REFITS)
    print({name: f"{square:.0f}" for name, square in squares.items()}, inside, f"regressions {naive}")
    for name, square in squares.items():
        assert low <= square <= high, (
            f"{name}: scores of ranks sum to {square:.0f}, want {low:.0f} to {high:.0f}"
        )
    for (name, mass), hits in inside.items():
        low, high = binom.ppf([0.005, 0.995], REFITS, mass)
        assert low <= hits <= high, (
            f"{name}: {hits} of {REFITS} truths in the {mass:.0%} interval, want {low:.0f} to {high:.0f}"
        )
    return naive
