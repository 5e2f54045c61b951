"""Epoch's own likelihood: its density, its prior, their published quantiles as coded, and the exact ones."""

import csv
import dataclasses
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import ncx2

import sie
from sie.cli import COMMANDS
from sie.histories import feller
from sie.histories.erdil_2024 import (
    LOG_R,
    log_density,
    log_likelihood,
    prior_log_density,
    quantiles,
    read_idea_production,
    store,
)

FEW = 10
"""log2 of points that place every quantile within 2 %."""

AS_CODED_WITHIN = 0.03

EXACT = {
    "vision": ((0.76, 1.20, 1.42, 1.58, 2.34), 0.88),
    "rl": ((0.415, 1.05, 1.55, 2.00, 3.65), 0.78),
    "sat": ((1.11, 2.49, 3.43, 4.18, 6.79), 0.96),
    "lp": ((0.245, 0.672, 1.074, 1.508, 3.11), 0.546),
}
"""Quantiles and P(r > 1) of an independent importance sampling from the prior, 3 million draws."""

EXACT_WITHIN = 0.02

DENSITIES = [
    (2.0, -1.0, 0.4, -7.89507564983566),
    (6.0, 1.0, 3.0, -125.39970712212308),
    (4.0, -4.0, 20.0, -2187.1877430197205),
    (9.0, 0.5, 900.0, -2481.7423745117358),
    (12.0, 2.0, 1500.0, -16491.70810256455),
    (5.0, 8.0, 1e-3, -6.943737518182895),
    (3.0, -12.0, 3.1e6, 0.8383818830573166),
    (0.5, -19.0, 1.1577e8, 8.347539539157614),
]
"""log X's growth, log(a t), c / a, and the log density by the Poisson-gamma series in 40 to 50 digits (mpmath)."""


@pytest.fixture(scope="module")
def fits():
    return read_idea_production()


@pytest.mark.parametrize("name", EXACT)
def test_the_first_years_counts_give_the_published_growth_ratio(fits, name):
    assert fits[name].growth_ratio == pytest.approx(fits[name].naive, abs=5e-4)


@pytest.mark.parametrize("name", EXACT)
def test_the_growth_rows_have_epochs_published_ratio(fits, name):
    row = sie.read_evidence().growth.sel(estimate=f"{name}_growth", growth_quantile=0.5)
    ratio = row.sel(flow="output").item() / row.sel(flow="labour").item()
    assert ratio == pytest.approx(fits[name].naive, rel=5e-3)


@pytest.mark.parametrize(("growth", "log_scale", "shape", "expected"), DENSITIES)
def test_the_density_is_exact_from_no_noise_to_all_noise(growth, log_scale, shape, expected):
    assert feller.exact(growth, log_scale, shape) == pytest.approx(expected, rel=1e-12, abs=1e-9)


def test_the_density_is_a_noncentral_chi_square_of_output_to_the_beta(fits):
    fit, lam, beta, noise, drift = fits["rl"], 0.9, 0.7, 0.8, 0.4
    weight = np.sum((fit.researchers / fit.researchers[0]) ** lam) * fit.input_growth * lam / beta
    a, c = noise**2 * beta**2 / 2 * weight, beta * drift * weight
    x = math.exp(beta * fit.log_output)
    expected = ncx2.logpdf(2 * x / a, 2 * c / a, 2 / a) + math.log(2 * beta * x / a)
    got = log_density(fit, returns_to_input=lam, difficulty=beta, noise=noise, drift=drift)
    assert got == pytest.approx(expected, rel=1e-9)


def test_the_density_of_log_output_integrates_to_one(fits):
    def density(log_output):
        fit = dataclasses.replace(fits["vision"], output_doublings=log_output / math.log(2))
        return math.exp(log_density(fit, returns_to_input=0.6, difficulty=0.5, noise=0.5, drift=0.6))

    assert quad(density, 0, 40, limit=200)[0] + _below_start(fits["vision"]) == pytest.approx(1, abs=1e-6)


def _below_start(fit):
    """Probability that output falls below its start under the parameters of the test above."""
    lam, beta, noise, drift = 0.6, 0.5, 0.5, 0.6
    weight = np.sum((fit.researchers / fit.researchers[0]) ** lam) * fit.input_growth * lam / beta
    a, c = noise**2 * beta**2 / 2 * weight, beta * drift * weight
    return ncx2.cdf(2 / a, 2 * c / a, 2 / a)


def test_both_versions_agree_where_nothing_overflows(fits):
    numbers = {"returns_to_input": 0.8, "difficulty": 1.2, "noise": 1.5, "drift": 0.5}
    exact, coded = (log_density(fits["lp"], as_coded=choice, **numbers) for choice in (False, True))
    assert coded == pytest.approx(exact, rel=1e-10)


def test_the_version_as_coded_rejects_low_noise(fits):
    numbers = {"returns_to_input": 0.8, "difficulty": 1.0, "noise": 0.01, "drift": 0.2}
    assert log_density(fits["lp"], as_coded=True, **numbers) == -np.inf
    assert np.isfinite(log_density(fits["lp"], **numbers))


def test_the_prior_of_log_r_is_that_of_a_ratio_of_half_cauchys():
    draws = np.random.default_rng(1).standard_cauchy((2, 400_000))
    log_r = np.log(np.abs(draws[0])) - np.log(np.abs(draws[1]))
    total, _ = quad(lambda u: math.exp(prior_log_density(u)), -60, 60, limit=400, points=[0])
    assert total == pytest.approx(1, abs=1e-9)
    for u in (-2.0, -0.5, 1.0):
        below = quad(lambda v: math.exp(prior_log_density(v)), -60, u, limit=400)[0]
        assert np.mean(log_r < u) == pytest.approx(below, abs=4 * 0.5 / math.sqrt(400_000))


@pytest.mark.slow
def test_the_likelihood_is_the_mean_density_over_the_priors_given_r(fits):
    fit, log_r = fits["lp"], np.array([-0.5, 0.5, 1.0, 1.5])
    curve = log_likelihood(fit, points=12, log_r=log_r)
    rng = np.random.default_rng(3)
    size = 200_000
    noise, drift = np.abs(rng.standard_cauchy((2, size)))
    means, errors = [], []
    for u in log_r:
        log_beta = rng.uniform(-12, 12, size)
        weight = 24 / np.pi**2 / np.cosh(log_beta) / np.cosh(log_beta + u) / math.exp(prior_log_density(u))
        beta = np.exp(log_beta)
        lam = beta * math.exp(u)
        density = weight * np.exp(
            log_density(fit, returns_to_input=lam, difficulty=beta, noise=noise, drift=drift)
        )
        means.append(density.mean())
        errors.append(density.std() / math.sqrt(size) / density.mean())
    difference = curve.values - np.log(means)
    assert np.ptp(difference) < 4 * max(errors) * math.sqrt(2)
    assert max(errors) < 0.05


@pytest.mark.parametrize("name", EXACT)
def test_the_exact_likelihood_gives_the_exact_quantiles(fits, name):
    expected, above = EXACT[name]
    got, p = quantiles(log_likelihood(fits[name], points=FEW))
    np.testing.assert_allclose(got, expected, rtol=EXACT_WITHIN + 0.02)
    assert p == pytest.approx(above, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXACT)
def test_the_exact_quantiles_are_within_two_percent_at_full_precision(fits, name):
    np.testing.assert_allclose(quantiles(log_likelihood(fits[name]))[0], EXACT[name][0], rtol=EXACT_WITHIN)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXACT)
def test_the_published_quantiles_are_those_of_the_likelihood_as_coded(fits, name):
    got, _ = quantiles(log_likelihood(fits[name], as_coded=True))
    np.testing.assert_allclose(got, fits[name].published, rtol=AS_CODED_WITHIN)


@pytest.mark.slow
def test_the_exact_lower_tail_is_longer_than_the_published_one(fits):
    for fit in fits.values():
        assert quantiles(log_likelihood(fit, points=FEW))[0][0] < fit.published[0] * 1.01


def test_the_stored_likelihoods_are_the_exact_ones(fits):
    for fit in fits.values():
        stored = sie.read_likelihood(f"epoch_{fit.growth_row}")
        assert stored.sizes == {"log_r": len(LOG_R), "log_lambda": 1}
        np.testing.assert_allclose(
            quantiles(stored.isel(log_lambda=0))[0], EXACT[fit.id][0], rtol=EXACT_WITHIN
        )


@pytest.mark.slow
def test_a_stored_likelihood_goes_stale_with_its_counts(fits, evidence_copy, refused):
    store(fits["rl"], evidence_copy)
    path = evidence_copy / "idea_production" / "rl.csv"
    path.write_text(path.read_text().replace("3233", "3234"))
    with refused("likelihoods/epoch_rl_growth.csv", "idea_production/rl.csv"):
        sie.read_likelihood("epoch_rl_growth", evidence_copy)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2016,4123", "2017,4123", "2016, the year after"),
        ("2016,4123", "2016,0", "a count of at least 1"),
        ("2019,20041\n", "", "at least the 5 years"),
    ],
)
def test_counts_with_holes_are_refused(evidence_copy, refused, old, new, message):
    path = evidence_copy / "idea_production" / "rl.csv"
    path.write_text(path.read_text().replace(old, new))
    with refused("rl.csv", message):
        read_idea_production(evidence_copy)


def test_quantiles_out_of_order_are_refused(evidence_copy, refused):
    path = evidence_copy / "idea_production" / "fits.csv"
    with path.open(newline="") as stream:
        lines = list(csv.reader(stream))
    lines[1][lines[0].index("r_q05")] = "1.3"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(lines)
    with refused("fits.csv line 2 r_q05", "ascending"):
        read_idea_production(evidence_copy)


@pytest.mark.slow
def test_the_command_prints_differences_from_the_published_quantiles(capsys):
    COMMANDS["epoch"](domains=["rl"])
    out = capsys.readouterr().out
    assert "Likelihood exact" in out
    assert "0.459" in out
    assert "difference" in out


def test_the_command_knows_its_domains(refused):
    with refused("epoch", "'chess'", "vision, rl, sat, lp"):
        COMMANDS["epoch"](domains=["chess"])
    with refused("--as-coded", "only the exact one"):
        COMMANDS["epoch"](as_coded=True, rebuild=True)
