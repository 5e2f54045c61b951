"""From METR's time horizons to a date of ASARA and to software gained until then: the trend, its fit, the table for a view."""

import datetime
import math

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad
from scipy.stats import norm

import sie
from sie.analysis.horizon_trend import doublings_after, fit_trend, log_densities, years_until
from sie.analysis.timeline import (
    asara_dates,
    fitted_models,
    gained_before,
    gained_table,
    last_date,
    trend_at,
)
from sie.base.reading import data_folder
from sie.cli import COMMANDS
from sie.data.constructors import fixed, lognormal
from sie.data.time_horizons import doubling_days, read_horizons
from sie.data.timelines import read_timeline, timeline_names
from sie.inference.prior_draws import prior
from sie.plots.timeline import plot_timeline

NOW = datetime.date(2026, 2, 5)
DRAWS = 20000


@pytest.fixture(scope="module")
def horizons():
    return read_horizons()


@pytest.fixture(scope="module")
def exponential():
    return read_timeline("exponential")


@pytest.fixture(scope="module")
def dates(exponential, horizons):
    return asara_dates(exponential, now=NOW, seed=1, draws=DRAWS, horizons=horizons)


@pytest.fixture
def timeline_with(tmp_path):
    """timeline_with(old, new): the path of a copy of the exponential timeline with a text replaced."""

    def change(old, new):
        text = (data_folder("priors") / "timelines" / "exponential.toml").read_text(encoding="utf-8")
        assert old in text
        path = tmp_path / "mine.toml"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return str(path)

    return change


def plain_timeline(timeline, **others):
    """A timeline without anything ahead that bends the trend or moves its end."""
    certain = {"suite_bias": 1, "trend_error": 1, "compute_ahead": 1, "asara_horizon": 1, "pace": 1}
    return timeline.replace(**{name: fixed(value) for name, value in (certain | others).items()})


def test_metrs_own_doubling_time_since_2023_is_reproduced(horizons, exponential):
    assert doubling_days(fitted_models(horizons, exponential)) == pytest.approx(128.744, abs=5e-4)


def test_metrs_own_doubling_time_of_all_years_is_reproduced_without_gpt_3_5(horizons):
    best = horizons.isel(
        measurement=np.flatnonzero(
            (horizons.release == "TH1.1") & horizons.frontier & (horizons.model != "gpt_3_5_turbo_instruct")
        )
    )
    assert doubling_days(best) == pytest.approx(187.778, rel=1e-4)


def test_the_last_fitted_model_is_the_best_measured_one(horizons, exponential):
    models = fitted_models(horizons, exponential)
    assert models.sizes["measurement"] == 14
    assert last_date(horizons, exponential) == NOW
    assert str(models.model.values[-1]) == "claude_opus_4_6_inspect"
    assert models.minutes.values[-1] == models.minutes.max()


@pytest.mark.parametrize("ratio", [0.8, 0.95, 1.0, 1.1])
def test_a_time_until_doublings_is_the_inverse_of_doublings_after_a_time(ratio):
    doublings = np.linspace(-8, 12, 41)
    years = years_until(doublings, 2.5, ratio)
    np.testing.assert_allclose(doublings_after(years, 2.5, ratio), doublings, atol=1e-9)


def test_each_doubling_takes_the_ratio_of_the_one_before():
    lengths = np.diff(years_until(np.arange(6.0), 2.5, 0.9))
    np.testing.assert_allclose(lengths[1:] / lengths[:-1], 0.9, rtol=1e-12)


def test_a_superexponential_horizon_is_infinite_at_a_finite_date():
    pole = 1 / (2.5 * -math.log(0.9))
    assert np.isfinite(doublings_after(pole * (1 - 1e-9), 2.5, 0.9))
    assert doublings_after(pole * (1 + 1e-9), 2.5, 0.9) == np.inf
    assert years_until(1000.0, 2.5, 0.9) == pytest.approx(pole)


def test_the_likelihood_integrates_over_the_models_true_horizons():
    low, high, spread, share, score = 0.4, 1.2, 0.5, 0.6, 0.8
    years, measured, level, slope = -0.7, 4.0, 6.0, 2.0
    centre = measured + math.sqrt(share) * (
        (high + low) / 2 * score + (high - low) / 2 * (math.sqrt(score**2 + 1) - 1)
    )

    def density(theta):
        side = math.sqrt(1 - share) * (low if theta < centre else high)
        split = 2 / (math.sqrt(1 - share) * (low + high)) * norm.pdf((theta - centre) / side)
        return split * norm.pdf(theta, level + slope * years, spread)

    values = {"model_spread": spread, "shared_error": share, "shared_score": score}
    got = log_densities(
        {name: np.array([value]) for name, value in values.items()},
        np.array([[level + slope * years]]),
        *(np.array([value]) for value in (measured, low, high)),
    )
    expected = quad(density, -5, 15, points=[centre, level + slope * years], limit=200)[0]
    assert got.item() == pytest.approx(math.log(expected), abs=1e-8)


def _fit(shared, copies=1, spread=0.3):
    """A fit of a straight line to eight measurements (or copies) with Gaussian errors; the answer of least squares."""
    years = np.tile(np.linspace(-3, 0, 8), copies)
    measured = 8 + 2.4 * years + np.tile([0.3, -0.2, 0.1, -0.4, 0.2, 0.3, -0.3, 0.0], copies)
    size = len(years)
    side = np.full(size, 0.4)
    priors = {
        "horizon": lognormal(0.01, 1e7),
        "doublings_per_year": lognormal(0.02, 300),
        "doubling_ratio": fixed(1),
        "model_spread": fixed(spread),
        "shared_error": fixed(shared),
    }
    draws, _ = fit_trend(years, measured, side, side, priors, draws=DRAWS, seed=1)
    design = np.stack([np.ones(size), years], axis=1)
    errors = np.eye(size) * (spread**2 + (1 - shared) * 0.4**2) + shared * 0.4**2
    covariance = np.linalg.inv(design.T @ np.linalg.solve(errors, design))
    best = covariance @ design.T @ np.linalg.solve(errors, measured)
    return draws, best, np.sqrt(np.diag(covariance))


@pytest.mark.parametrize("shared", [0, 0.7])
def test_with_gaussian_errors_the_fit_is_generalised_least_squares(shared):
    draws, best, sd = _fit(shared)
    level, slope = np.log2(draws["horizon"]), draws["doublings_per_year"]
    np.testing.assert_allclose([level.mean(), slope.mean()], best, atol=0.1 * sd.max())
    np.testing.assert_allclose([level.std(), slope.std()], sd, rtol=0.05)


@pytest.mark.slow
def test_errors_that_models_share_do_not_average_out():
    alone, common = (np.log2(_fit(shared, copies=6)[0]["horizon"]).std() for shared in (0, 0.7))
    assert alone < 0.15
    assert common > math.sqrt(0.7) * 0.4


def test_the_fit_brackets_metrs_doubling_time(dates):
    low, high = 365.25 / np.quantile(dates.doublings_per_year, [0.95, 0.05])
    assert low < 128.744 < high


def test_a_work_month_is_167_hours(exponential, horizons):
    timeline = plain_timeline(exponential, software_share=0.5)
    got = asara_dates(timeline, now=NOW, seed=1, draws=DRAWS, horizons=horizons)
    expected = np.log2(167 * 60 / got.horizon) / got.doublings_per_year
    np.testing.assert_allclose(got.years_after_last, expected, rtol=1e-9)
    np.testing.assert_allclose(got.years, got.years_after_last, rtol=1e-9)


def test_what_is_gained_is_pace_times_years_and_not_growth_of_horizons(dates, exponential, horizons):
    np.testing.assert_allclose(dates.gained, dates.pace * dates.years, rtol=1e-12)
    slow = plain_timeline(exponential, software_share=0.5, pace=0.3)
    got = asara_dates(slow, now=NOW, seed=1, draws=DRAWS, horizons=horizons)
    np.testing.assert_allclose(got.gained, 0.3 * got.years, rtol=1e-12)


@pytest.mark.slow
def test_slower_growth_of_compute_delays_asara_by_computes_share(exponential, horizons):
    years = [
        asara_dates(
            plain_timeline(exponential, software_share=share, compute_ahead=ahead),
            now=NOW,
            seed=1,
            draws=DRAWS,
            horizons=horizons,
        ).years.values
        for share, ahead in ((0.4, 1), (0.4, 0.5), (1, 0.5))
    ]
    np.testing.assert_allclose(years[1], years[0] / (0.4 + 0.6 * 0.5), rtol=1e-9)
    np.testing.assert_allclose(years[2], years[0], rtol=1e-9)


def test_the_trend_meets_the_horizon_at_asara_at_its_date(dates):
    few = dates.isel(draw=slice(0, 50))
    reached = np.diag(trend_at(few, few.years_after_last.values))
    wanted = np.log2(few.asara_horizon * 167 * 60 / few.suite_bias)
    np.testing.assert_allclose(reached, wanted, rtol=1e-9)


@pytest.mark.slow
def test_dates_before_now_are_left_out_and_their_share_is_told(exponential, horizons):
    later = datetime.date(2029, 1, 1)
    early = asara_dates(exponential, now=NOW, seed=1, draws=DRAWS, horizons=horizons)
    got = asara_dates(exponential, now=later, seed=1, draws=DRAWS, horizons=horizons)
    passed = (later - NOW).days / 365.25
    assert got.attrs["already"] == pytest.approx(float((early.years < passed).mean()), abs=2e-3)
    assert float(got.years.min()) > 0
    assert got.sizes["draw"] == DRAWS
    left = early.years.values[early.years.values > passed] - passed
    np.testing.assert_allclose(np.median(got.years), np.median(left), rtol=0.02)


def test_a_now_after_almost_every_date_is_refused(exponential, horizons, refused):
    with refused("exponential now 2300-01-01", "of ASARA dates after it"):
        asara_dates(exponential, now=datetime.date(2300, 1, 1), seed=1, draws=4000, horizons=horizons)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_prior(exponential, horizons):
    first, again, other = (
        gained_before(exponential, now=NOW, seed=seed, draws=4000, horizons=horizons) for seed in (1, 1, 2)
    )
    assert first == again
    assert other != first
    np.testing.assert_allclose(other.numbers, first.numbers, rtol=0.15)


def test_the_prior_has_the_quantiles_of_what_is_gained(dates, exponential, horizons):
    got = gained_before(exponential, now=NOW, seed=1, draws=DRAWS, horizons=horizons)
    np.testing.assert_allclose(got.numbers, np.quantile(dates.gained, [0.05, 0.95]), rtol=5e-3)
    assert got.median() == pytest.approx(float(np.median(dates.gained)), rel=0.1)


@pytest.fixture
def gaining_view(dates, exponential, write_view):
    """The reference view with the printed table in place of its own."""
    text = (data_folder("priors") / "reference.toml").read_text(encoding="utf-8")
    blocks = text.split("\n\n")
    [at] = [i for i, block in enumerate(blocks) if block.startswith("[gained_before_asara]")]
    blocks[at] = gained_table(exponential, dates)
    return sie.read_view(write_view("\n\n".join(blocks)))


def test_a_view_holds_the_printed_table(gaining_view, dates):
    entry = gaining_view["gained_before_asara"]
    np.testing.assert_allclose(entry.prior.numbers, np.quantile(dates.gained, [0.05, 0.95]), rtol=5e-3)
    assert entry.unit == "OOMs of training efficiency"
    assert entry.locator == "sie timeline exponential --now 2026-02-05"


@pytest.mark.slow
def test_shorter_timelines_raise_the_probability_of_an_explosion(gaining_view, exponential, horizons):
    events = ["r_above_1", "years_3_in_1y"]
    p = []
    for months in (lognormal(0.5, 2), lognormal(10, 1000), lognormal(1e5, 1e7)):
        timeline = exponential.replace(asara_horizon=months)
        gained = gained_before(timeline, now=NOW, seed=1, draws=4000, horizons=horizons)
        view = gaining_view.replace(gained_before_asara=gained)
        table = sie.credences(sie.simulate(prior(view, draws=20000, seed=1)), events=events)
        p.append(table.p.sel(event=events).values)
    assert (np.diff(p, axis=0) < -0.02).all()


def test_a_superexponential_trend_brings_asara_sooner_and_leaves_less_behind(dates, horizons):
    sooner = asara_dates(read_timeline("superexponential"), now=NOW, seed=1, draws=DRAWS, horizons=horizons)
    for level in (0.05, 0.5, 0.95):
        assert float(sooner.years.quantile(level)) < float(dates.years.quantile(level))
        assert float(sooner.gained.quantile(level)) < float(dates.gained.quantile(level))


@pytest.mark.parametrize(
    ("old", "new", "where", "found"),
    [
        ("since   = 2023-01-01", 'since   = "2023"', "mine.toml since", "'2023'"),
        ('models  = "frontier"', 'models  = "best"', "mine.toml models", "'best'"),
        ('unit    = "work months"', 'unit    = "months"', "mine.toml [asara_horizon] unit", "work months"),
        ("[pace]", "[speed]", "mine.toml speed", "an unknown key"),
        ('label   = "METR', 'colour = 1\nlabel   = "METR', "mine.toml colour", "an unknown key"),
        ("q05     = 0.3\nq95     = 0.7", "q05     = 0.7\nq95     = 0.3", "mine.toml [software_share]", "0.7"),
    ],
)
def test_a_spoilt_timeline_is_refused(timeline_with, refused, old, new, where, found):
    with refused(where, found):
        read_timeline(timeline_with(old, new))


def test_a_prior_out_of_range_and_an_unknown_timeline_are_refused(exponential, refused):
    with refused("exponential [software_share]", "values at least 0 and at most 1"):
        exponential.replace(software_share=lognormal(0.5, 2))
    with refused("exponential replace speed", "one of horizon"):
        exponential.replace(speed=fixed(1))
    with refused("timeline", "'fast'", "exponential, long_trend, superexponential"):
        read_timeline("fast")


def test_a_timeline_may_take_all_models_of_the_first_suite(timeline_with, horizons):
    every = fitted_models(horizons, read_timeline(timeline_with('"frontier"', '"all"')))
    assert every.sizes["measurement"] == 21
    first = fitted_models(horizons, read_timeline(timeline_with('"TH1.1"', '"TH1.0"')))
    assert set(first.release.values) == {"TH1.0"}
    assert doubling_days(first) == pytest.approx(165.25, abs=0.01)


def test_too_few_measurements_are_refused(timeline_with, horizons, refused):
    late = read_timeline(timeline_with("2023-01-01", "2025-12-01"))
    with refused("mine release, since, models", "2 measurements"):
        fitted_models(horizons, late)


@pytest.mark.parametrize(
    ("old", "new", "where", "found"),
    [
        ("2023-03-14,3.987428", "2023-02-30,3.987428", "date", "2023-02-30"),
        ("2023-03-14,3.987428", ",3.987428", "date", "nothing"),
        ("2023-03-14,3.987428", "2023-03-14,", "p50_minutes", "nothing"),
        ("2023-03-14,3.987428", "2023-03-14,30.987428", "p50_minutes", "inside its interval"),
        ("TH1.1,gpt_4,", "TH1.1,gpt2,", "model", "no other line"),
    ],
)
def test_horizons_with_holes_are_refused(evidence_copy, refused, old, new, where, found):
    path = evidence_copy / "metr_horizons.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with refused("metr_horizons.csv line", where, found):
        read_horizons(evidence_copy)


@pytest.mark.slow
def test_the_check_reads_horizons_counts_and_timelines(evidence_copy, capsys):
    assert COMMANDS["check"](evidence=evidence_copy) == 0
    out = capsys.readouterr().out
    for name in ("idea_production/fits.csv", "metr_horizons.csv", "timelines/exponential"):
        assert name in out
    path = evidence_copy / "metr_horizons.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",3.987428,", ",-3.987428,"), encoding="utf-8")
    assert COMMANDS["check"](evidence=evidence_copy) == 2
    assert "want minutes above 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "differs"), [("superexponential", "doubling_ratio"), ("long_trend", "doublings_per_year")]
)
def test_the_bundled_timelines_differ_in_the_trend_alone(exponential, name, differs):
    other = read_timeline(name)
    assert [entry for entry in other.entries if other[entry] != exponential[entry]] == [differs]


@pytest.mark.slow
def test_every_bundled_timeline_is_shown_beside_the_one_asked_for(command):
    code, out, err = command("timeline", "--draws", 4000)
    assert (code, err) == (0, "")
    shown, _, note = (
        out.split("date of ASARA by timeline")[1].split("[gained_before_asara]")[0].partition("#")
    )
    assert "For a view whose ceiling is counted from 2026-02-05 too" in note
    assert sorted(line.split()[0] for line in shown.splitlines()[1:] if line) == timeline_names()


def test_the_plot_shows_every_measurement_and_names_its_axes(horizons, exponential, dates):
    models = fitted_models(horizons, exponential)
    ax = plot_timeline(models, dates)
    assert ax.get_ylabel() == "50 % time horizon (human working time)"
    labels = ax.get_legend_handles_labels()[1]
    assert {"trend, median", "horizon at ASARA, median", "now", "METR's measurements, 95 %"} <= set(labels)
    shown = ax.containers[0].lines[0].get_ydata()
    np.testing.assert_allclose(shown, np.log2(models.minutes))


@pytest.mark.slow
def test_the_command_counts_from_the_last_fitted_models_date(capsys):
    COMMANDS["timeline"](draws=4000)
    out = capsys.readouterr().out
    assert "128.744 days" in out
    assert "now 2026-02-05" in out
    assert "[gained_before_asara]" in out


@pytest.mark.slow
def test_an_alternative_without_dates_after_now_does_not_stop_the_command(command):
    code, out, err = command("timeline", "long_trend", "--now", "2040-01-01", "--draws", 4000)
    assert (code, err) == (0, "")
    shown = out.split("date of ASARA by timeline")[1].split("[gained_before_asara]")[0]
    assert "long_trend" in shown
    assert "superexponential" not in shown


def test_the_command_refuses_what_is_no_date(refused):
    with refused("--now", "'soon'", "2026-02-05"):
        COMMANDS["timeline"](now="soon")


@pytest.mark.slow
def test_the_command_writes_its_plot(tmp_path, capsys):
    COMMANDS["timeline"](name="superexponential", now="2026-06-01", draws=4000, plot=tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "--now 2026-06-01" in capsys.readouterr().out


def test_horizons_carry_their_units(horizons):
    assert isinstance(horizons, xr.Dataset)
    assert horizons.sizes["measurement"] == 57
