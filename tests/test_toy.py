"""The report's toy model, its day counts and Deep's and Greenblatt's growth accounting, against what they print."""

import math

import numpy as np
import pytest
from trajectories import draws_of

import sie
from sie.growth.accounting import (
    compute_factor,
    labour_exponent,
    mixed_compute_factor,
    parallel_exponent,
    parallel_share,
    retraining_months,
    serial_share,
    takeoff_ratio,
    toy_model,
    toy_ratio,
)
from sie.growth.law import research_taste

DAYS_A_MONTH = 365.25 / 12


def growth_of(r, *, per_year, parallel=1.0, left=math.inf):
    """The path of one draw that starts at so many doublings a year."""
    return sie.simulate(draws_of(r, parallel, left, speedup=1.0, recent=per_year))


def continuous_start(first_years, r):
    """Pace at ASARA, doublings a year, of a path whose first doubling takes this long."""
    k = 1 - 1 / r
    return (1 - 2**-k) / (k * math.log(2)) / first_years


def test_the_fizzle_of_the_toy_model_doubles_in_2_3_and_4_5_months():
    rows, asymptote = toy_model(2, 3, 3)
    assert [row["papers"] for row in rows] == [2, 6, 18]
    assert [row["time"] for row in rows] == [2, 3, 4.5]
    assert asymptote == math.inf


def test_the_explosion_of_the_toy_model_ends_at_8_months():
    rows, asymptote = toy_model(2, 1.5, 200)
    assert [row["time"] for row in rows[:3]] == [2, 1.5, 1.125]
    assert asymptote == 8
    assert rows[-1]["elapsed"] == pytest.approx(8, rel=1e-9)


def test_twice_the_papers_keep_the_doubling_time():
    rows, asymptote = toy_model(2, 2, 5)
    assert {row["time"] for row in rows} == {2.0}
    assert asymptote == math.inf


@pytest.mark.parametrize(("r", "days"), [(0.7, [41, 55, 74, 100]), (3, [19, 12, 7.6, 4.8])])
def test_doublings_from_one_month_take_the_days_that_the_report_prints(r, days):
    times = DAYS_A_MONTH * toy_ratio(r) ** np.arange(1, 5)
    np.testing.assert_allclose(times, days, rtol=0.015)


@pytest.mark.parametrize(("r", "days"), [(0.7, [41, 55, 74, 100]), (3, [19, 12, 7.6, 4.8])])
def test_the_path_takes_the_same_days(r, days):
    paths = growth_of(r, per_year=continuous_start(1 / 12, r))
    times = 365.25 * np.diff(sie.years_at(paths, np.arange(6.0)).ravel())
    assert times[0] == pytest.approx(DAYS_A_MONTH, rel=1e-9)
    np.testing.assert_allclose(times[1:], days, rtol=0.015)


def test_r_0_7_from_a_month_gains_about_30x_in_a_bit_under_a_year():
    paths = growth_of(0.7, per_year=continuous_start(1 / 12, 0.7))
    assert 0.75 < sie.years_at(paths, np.array([math.log2(30)])).item() < 1


def test_footnote_29_gains_30_doublings_in_the_first_year_and_then_9_and_6():
    paths = growth_of(0.9, per_year=continuous_start(3 / 365.25, 0.9))
    first, second, third = np.diff(sie.doublings_by(paths, np.array([0.0, 1.0, 2.0, 3.0])).ravel())
    assert first == pytest.approx(30, abs=1)
    assert first / 6 == pytest.approx(5, abs=0.2)
    assert second / 6 == pytest.approx(1.5, abs=0.15)
    assert third / 6 == pytest.approx(1, abs=0.2)


def deep(*, beta, a_year):
    """Deep's d(ln A)/dt ~ A^(lambda (1 - p) - beta) at the takeoff ratio of 1.056, from algorithms that grow `a_year` times a year."""
    return growth_of(1.056, parallel=1.056 * beta, per_year=math.log2(a_year))


def first_year(paths):
    return 2 ** sie.doublings_by(paths, np.array([1.0])).item()


@pytest.mark.parametrize(("a_year", "gain", "end"), [(3.5, 3.7, 14.3), (4, 4.2, 12.9)])
def test_a_takeoff_ratio_of_1_056_with_beta_1_gains_about_5x_but_takes_over_12_years_to_infinity(
    a_year, gain, end
):
    """The ratio alone sets no curve: beta is not stated. At beta = 1, dA/dt ~ A^1.056, only the "fairly slow" first year fits."""
    paths = deep(beta=1, a_year=a_year)
    assert first_year(paths) == pytest.approx(gain, abs=0.05)
    assert paths.end_years.item() == pytest.approx(end, abs=0.05)


@pytest.mark.parametrize(("a_year", "beta", "gain"), [(3.5, 7.1, 5.7), (4, 6.4, 6.8)])
def test_infinity_by_the_end_of_the_second_year_takes_beta_of_7_and_then_the_first_year_gains_about_5x(
    a_year, beta, gain
):
    """From the 3.5x a year that Deep plugs in, the one unstated number set by the end, the first year follows."""
    exact = 1 / (2 * 0.056 * math.log(a_year))
    assert exact == pytest.approx(beta, abs=0.05)
    paths = deep(beta=exact, a_year=a_year)
    assert paths.end_years.item() == pytest.approx(2, rel=1e-9)
    assert first_year(paths) == pytest.approx(gain, abs=0.05)


def test_the_takeoff_ratios_of_the_comments():
    growth = {"compute_growth": math.log(4), "labour_growth": math.log(1.6)}
    assert takeoff_ratio(0.4, software_growth=math.log(3.5), **growth) == pytest.approx(0.9, abs=0.01)
    assert takeoff_ratio(0.4, software_growth=math.log(4), **growth) == pytest.approx(0.99, abs=0.01)
    squared = takeoff_ratio(0.4, software_growth=math.log(3.5), conversion=2, **growth)
    assert squared == pytest.approx(1.8, abs=0.01)


def test_the_takeoff_ratio_carries_the_uncertainty_of_growth_rates():
    rng = np.random.default_rng(1)
    software = rng.normal(math.log(3.5), 0.2, 10000)
    ratio = takeoff_ratio(
        0.4, software_growth=software, compute_growth=math.log(4), labour_growth=math.log(1.6)
    )
    assert ratio.std() / ratio.mean() == pytest.approx(0.2 / math.log(3.5), rel=0.05)


def test_a_share_converts_between_serial_and_parallel_labour_both_ways():
    """In a Cobb-Douglas of compute and serial labour, serial labour being parallel labour to the power 0.7."""
    assert parallel_share(0.6) == pytest.approx(0.51, abs=0.005)
    assert serial_share(0.512) == pytest.approx(0.60, abs=0.005)
    shares = np.linspace(0, 1, 21)
    for penalty in (0.4, 0.7, 1.0):
        np.testing.assert_allclose(
            serial_share(parallel_share(shares, penalty=penalty), penalty=penalty), shares
        )
        np.testing.assert_allclose(
            parallel_share(serial_share(shares, penalty=penalty), penalty=penalty), shares
        )
        # The elasticities of labour and compute, by differences of the log of the output, over their sum.
        step = 1e-4
        labour = shares * penalty * np.log1p(step)
        compute = (1 - shares) * np.log1p(step)
        np.testing.assert_allclose(parallel_share(shares, penalty=penalty), labour / (labour + compute))


def test_the_compute_factor_is_the_same_in_serial_and_in_parallel_labour():
    rng = np.random.default_rng(1)
    share, penalty = rng.uniform(0.01, 0.99, 1000), rng.uniform(0.3, 1, 1000)
    labour, compute = rng.uniform(0.01, 2, (2, 1000))
    serial = compute_factor(share, labour_growth=labour, compute_growth=compute)
    parallel = compute_factor(
        parallel_share(share, penalty=penalty),
        labour_growth=parallel_exponent(labour, penalty=penalty),
        compute_growth=compute,
    )
    np.testing.assert_allclose(parallel, serial, rtol=1e-12)


def test_the_researchers_poll_is_0_337_in_serial_and_in_parallel_labour(evidence):
    """The note of its share says so. With 2x in place of 1.6x^(1 / 0.7) 0.344; a serial share with parallel growth would be 0.43, which is neither."""
    row = evidence.sel(estimate="compute_poll_2025")
    assert row.labour == "serial"
    serial, compute = math.log(1.6), math.log(4)
    parallel = parallel_exponent(serial)
    stated = float(row.value.sel(quantile=0.5))
    assert "0.282 / 0.837 = 0.337" in row.note.item()
    for share, labour in ((stated, serial), (parallel_share(stated), parallel)):
        found = compute_factor(share, labour_growth=labour, compute_growth=compute)
        print(f"share {share:.3f}, labour {labour:.3f}: {found:.4f}")
        assert found == pytest.approx(0.337, abs=0.0005)
    rounded = compute_factor(parallel_share(0.6), labour_growth=math.log(2), compute_growth=compute)
    assert rounded == pytest.approx(0.344, abs=0.0005)
    assert "0.43" not in row.note.item()


def test_every_row_on_a_share_or_on_the_growth_of_labour_says_which_labour_it_means(evidence):
    growth = ~np.isnan(evidence.growth.sel(flow="labour", growth_quantile=0.5).values)
    fixed = (evidence.kind.values == "factor") & (
        evidence.includes.sel(adjustment="compute_bottleneck").values > 0
    )
    shares = evidence.quantity.isin(["labour_share", "lambda", "lambda*labour_share"]).values
    labour = evidence.labour.values
    assert set(labour[growth]) == set(labour[fixed]) == {"parallel"}
    assert set(labour[shares]) == {"parallel", "serial"}


def test_the_takeoff_ratio_is_the_compute_factor_times_r_against_labour():
    software, compute, labour = 1.25, 1.4, 0.47
    ratio = takeoff_ratio(0.4, software_growth=software, compute_growth=compute, labour_growth=labour)
    assert ratio == pytest.approx(
        software / labour * compute_factor(0.6, labour_growth=labour, compute_growth=compute)
    )


def test_experiments_relative_to_the_frontier_weaken_the_compute_factor():
    rates = {"labour_growth": 0.5, "compute_growth": 1.4}
    none, half, all_ = (
        mixed_compute_factor(0.6, frontier_growth=1.4, frontier_weight=w, **rates) for w in (0, 0.5, 1)
    )
    assert none == compute_factor(0.6, **rates)
    assert none < half < all_ == pytest.approx(1)


def test_cheaper_tokens_and_the_speed_they_bring_give_an_exponent_of_1():
    assert labour_exponent(cost=1.25, speed=1 / 3) == pytest.approx(1, rel=1e-12)


def test_serial_exponents_as_parallel_ones():
    np.testing.assert_allclose(parallel_exponent([1.0, 1.1, 1.3]), [1.43, 1.57, 1.86], atol=0.005)


def test_retraining_takes_20_and_8_months():
    assert retraining_months(2, 0.9) == pytest.approx(20)
    assert retraining_months(2, 0.75) == pytest.approx(8)
    assert retraining_months(2, 1) == math.inf


def test_taste_alone_explodes_iff_it_grows_faster_than_ideas_get_harder():
    for taste in (0.248, 0.362):
        r, parallel = research_taste(taste, 0.315)
        assert (r > 1) == (taste > 0.315)
        assert np.isfinite(growth_of(r, parallel=parallel, per_year=4).end_years.item()) == (taste > 0.315)


def test_a_toy_model_without_papers_is_refused(refused):
    with refused("toy model", "(0, 3)"):
        toy_model(0, 3, 2)
