"""The backtest of timelines: what each would have predicted, against closed forms, an integral, and what the tool does by default."""

import dataclasses
import datetime
import json

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import trapezoid
from scipy.stats import norm

import sie
from sie.analysis.backtest import CUTS
from sie.analysis.horizon_trend import log_densities, measured
from sie.base.reading import data_folder
from sie.data.constructors import fixed, lognormal, uniform
from sie.data.time_horizons import read_horizons
from sie.data.timelines import DEFAULT_TIMELINE, read_timeline, timeline_names

DRAWS = 20000


@pytest.fixture(scope="module")
def horizons():
    return read_horizons()


@pytest.fixture(scope="module")
def table(horizons):
    return sie.backtest_timelines(seed=1, draws=DRAWS, horizons=horizons)


@pytest.mark.slow
def test_the_exponential_put_all_seven_later_models_of_the_first_cut_above_89_percent(table):
    below = table.below.sel(timeline="exponential", cut="2024-12-31")
    assert below.sizes["model"] == 7
    assert float(below.min()) > 0.89


def test_the_default_timeline_is_the_one_that_the_backtest_supports(table):
    assert set(table.timeline.values) == set(timeline_names())
    others = table.drop_sel(timeline=DEFAULT_TIMELINE)
    best = table.sel(timeline=DEFAULT_TIMELINE)
    assert (best.total - others.total > 4 * np.hypot(best.total_mcse, others.total_mcse)).all()


def test_coverage_and_scores_are_those_of_the_positions(table):
    below = table.below.values
    assert np.isfinite(below).sum(axis=2).tolist() == [[7, 5, 4]] * 3
    np.testing.assert_array_equal(table.later, [7, 5, 4])
    np.testing.assert_array_equal(table.inside_50, ((below >= 0.25) & (below <= 0.75)).sum(axis=2))
    np.testing.assert_array_equal(table.inside_90, ((below >= 0.05) & (below <= 0.95)).sum(axis=2))
    np.testing.assert_allclose(table.log_score, np.nansum(table.log_density, axis=2))
    np.testing.assert_allclose(table.total, table.log_score.sum("cut"))


SIDE, SPREAD, LAST = 0.4, 0.3, 3.0


def straight_world(shared):
    """Horizons with Gaussian errors on a straight line in days that the cut divides, and the timeline that takes them for it."""
    years = np.array([0.0, 0.3, 0.7, 1.2, 1.6, 2.1, 2.4, LAST, 3.4, 3.8])
    noise = np.array([0.3, -0.2, 0.1, -0.4, 0.2, 0.3, -0.3, 0.0, 0.9, -0.6])
    days = np.round(years * 365.25).astype(int)
    measurements = xr.Dataset(
        {
            "minutes": ("measurement", np.exp2(2 + 2.4 * days / 365.25 + noise)),
            **{side: ("measurement", np.full(len(years), SIDE)) for side in ("low", "high")},
            "date": ("measurement", np.datetime64("2021-06-01", "ns") + days * np.timedelta64(1, "D")),
            "frontier": ("measurement", np.ones(len(years), dtype=bool)),
            "model": ("measurement", [f"m{i}" for i in range(len(years))]),
            "release": ("measurement", ["TH1.1"] * len(years)),
        }
    )
    timeline = dataclasses.replace(read_timeline("exponential"), since=datetime.date(2021, 1, 1))
    wide = {"horizon": lognormal(1e-4, 1e9), "doublings_per_year": uniform(0.01, 9)}
    known = {"model_spread": SPREAD, "shared_error": shared, "trend_error": 1, "compute_ahead": 1}
    return measurements, timeline.replace(**wide, **{name: fixed(value) for name, value in known.items()})


@pytest.mark.parametrize("shared", [0, 0.6])
def test_with_gaussian_errors_a_prediction_is_that_of_generalised_least_squares(shared):
    world, timeline = straight_world(shared)
    cut = world.date.values[7].astype("datetime64[D]").item()
    got = sie.backtest_timelines([timeline], cuts=[cut], seed=1, draws=DRAWS, horizons=world)
    years = (world.date.values - world.date.values[7]) / np.timedelta64(1, "D") / 365.25
    y, design = np.log2(world.minutes.values), np.stack([np.ones(10), years], axis=1)
    errors = np.eye(10) * (SPREAD**2 + (1 - shared) * SIDE**2) + shared * SIDE**2
    known, later = slice(0, 8), slice(8, 10)
    inverse = np.linalg.inv(errors[known, known])
    covariance = np.linalg.inv(design[known].T @ inverse @ design[known])
    best = covariance @ design[known].T @ inverse @ y[known]
    weights = errors[later, known] @ inverse
    mean = design[later] @ best + weights @ (y[known] - design[known] @ best)
    free = design[later] - weights @ design[known]
    variance = errors[later, later] - weights @ errors[known, later] + free @ covariance @ free.T
    sd = np.sqrt(np.diag(variance))
    np.testing.assert_allclose(got.below.values.ravel(), norm.cdf(y[later], mean, sd), atol=0.015)
    np.testing.assert_allclose(got.log_density.values.ravel(), norm.logpdf(y[later], mean, sd), atol=0.05)


@pytest.mark.slow
def test_the_measurements_that_are_drawn_have_the_density_that_is_scored():
    rng = np.random.default_rng(3)
    draws, low, high = 4000, np.array([0.3, 0.9]), np.array([1.2, 0.5])
    values = {
        "model_spread": rng.uniform(0.2, 0.8, draws),
        "shared_error": rng.uniform(0.2, 0.9, draws),
        "shared_score": rng.standard_normal(draws),
    }
    trend = 8 + rng.standard_normal((draws, 2))
    trend[:400, 1] = np.inf
    drawn = measured(values, trend, low, high, rng)
    grid = np.linspace(-4, 20, 1201)
    for k in range(2):
        sides = (np.full(len(grid), side[k]) for side in (low, high))
        density = np.exp(log_densities(values, np.repeat(trend[:, [k]], len(grid), axis=1), grid, *sides))
        share = trapezoid(np.where(grid <= 8, density.mean(axis=0), 0), grid)
        assert trapezoid(density.mean(axis=0), grid) == pytest.approx([1.0, 0.9][k], abs=2e-3)
        assert (drawn[:, k] <= 8).mean() == pytest.approx(share, abs=0.02)


@pytest.mark.slow
def test_a_model_measured_after_the_cut_moves_no_prediction(horizons, table):
    other = horizons.copy(deep=True)
    last = other.model.values == "claude_opus_4_6_inspect"
    other.minutes.values[last] *= 100
    got = sie.backtest_timelines(seed=1, draws=DRAWS, horizons=other)
    rest = [name for name in table.model.values if name != "claude_opus_4_6_inspect"]
    np.testing.assert_array_equal(got.below.sel(model=rest), table.below.sel(model=rest))
    assert (
        got.below.sel(model="claude_opus_4_6_inspect") > table.below.sel(model="claude_opus_4_6_inspect")
    ).all()


@pytest.mark.slow
def test_the_errors_of_a_score_are_those_of_other_seeds(horizons):
    tables = [
        sie.backtest_timelines(["exponential"], seed=seed, draws=4000, horizons=horizons)
        for seed in range(12)
    ]
    for name in ("total", "below"):
        spread = np.std([each[name].values for each in tables], axis=0, ddof=1)
        error = np.mean([each[f"{name}_mcse"].values for each in tables], axis=0)
        assert 0.6 < np.nanmedian(spread / error) < 1.6, name


def test_what_cannot_be_backtested_is_refused(horizons, refused):
    exponential = read_timeline("exponential")
    first = dataclasses.replace(exponential, name="first", release="TH1.0")
    with refused("backtest first", "frontier models of TH1.0", "the later models of exponential"):
        sie.backtest_timelines([exponential, first], seed=1, horizons=horizons)
    with refused("backtest", "a cut after the last model"):
        sie.backtest_timelines(
            [exponential], cuts=[CUTS[0], datetime.date(2026, 2, 5)], seed=1, horizons=horizons
        )
    with refused("exponential release, since, models", "2 measurements"):
        sie.backtest_timelines([exponential], cuts=[datetime.date(2023, 12, 31)], seed=1, horizons=horizons)
    with refused("backtest", "timelines of different names"):
        sie.backtest_timelines([exponential, exponential], seed=1, horizons=horizons)


def test_kwas_long_trend_doubles_in_6_to_7_months():
    entry = read_timeline("long_trend")["doublings_per_year"]
    np.testing.assert_allclose(12 / np.array(entry.prior.numbers), [7, 6], rtol=1e-3)
    assert (entry.basis, entry.source) == ("derived", "kwa_2026")
    assert "one doubling every 6-7 months" in entry.quote


def test_the_quote_of_a_timeline_is_looked_for_in_its_text(command, tmp_path):
    folder = tmp_path / "timelines"
    folder.mkdir()
    bundled = data_folder("priors") / "timelines" / "long_trend.toml"
    (folder / "mine.toml").write_text(bundled.read_text())
    (tmp_path / "kwa_2026_shortform.txt").write_text(
        "the slope of the long-run trend (one doubling every 6-7 months)"
    )
    assert command("check", folder / "mine.toml", "--sources", tmp_path)[::2] == (0, "")
    (tmp_path / "kwa_2026_shortform.txt").write_text("one doubling every 5 months")
    code, _, err = command("check", folder / "mine.toml", "--sources", tmp_path)
    assert code == 2
    assert "[doublings_per_year] quote" in err
    assert "want words that stand in kwa_2026_shortform.txt" in err


@pytest.mark.slow
def test_the_command_prints_and_writes_every_position(command, tmp_path):
    path = tmp_path / "backtest.json"
    code, out, err = command("timeline", "--backtest", "--draws", 4000, "--json", path)
    assert (code, err) == (0, "")
    document = json.loads(path.read_text())
    assert document["default"] == DEFAULT_TIMELINE
    for one in document["backtest"]:
        assert [cut["later"] for cut in one["cuts"]] == [7, 5, 4]
        for cut in one["cuts"]:
            assert f"{cut['log_score']:.2f} ({cut['log_score_mcse']:.2f})" in out
            for model in cut["models"]:
                assert f"{100 * model['below']:.1f}" in out
    assert out.count("claude_opus_4_6_inspect") == 3
    assert f"highest: {DEFAULT_TIMELINE}, by " in out
