"""The model of one raw history: its law in closed form, its errors against dense algebra, recovery, and what the data say."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import gamma, norm
from series_worlds import from_prior, panel, raw

import sie
from sie.histories.arrays import LEAST_GAIN, as_history, efforts, elapsed, ends, log_counts
from sie.histories.density import DRIFT_PRIOR, LOADING_SD, SCATTER_PRIOR, TIMING_SD, log_density
from sie.histories.fit import fit_series, is_identified, likelihood_of, log_width, naive_slope, replicate
from sie.histories.law import latents_of, pack
from sie.histories.model import LOG_LAMBDA_RANGE, priors_of, to_natural_scale
from sie.histories.readings import AT_LAMBDA, readings


def latents_at(past, **given):
    """Latents as a dataset of one draw, 0 where not given."""
    named, coords = latents_of(past)
    values = {name: np.zeros(len(coords[dims[0]])) for name, dims in named.items()}
    return xr.Dataset(
        {
            name: (("chain", "draw", *named[name]), given.get(name, value)[None, None])
            for name, value in values.items()
        },
        coords={"chain": [0], "draw": [0]},
    )


def law(past, *, r, lam, prior_effort, log_rate):
    """log2 A and log C of the model for given effort per year, through the latents."""
    prior = priors_of(past)
    log_value = np.array([np.log(r), 0, np.log(prior_effort), *prior[3:, 0]])
    scale = np.where(prior[:, 1] > 0, prior[:, 1], 1.0)
    score = (log_value - prior[:, 0]) / scale
    low, high = LOG_LAMBDA_RANGE
    score[1] = norm.ppf((np.log(lam) - low) / (high - low))
    bend = np.exp(prior[5, 0])
    flow = np.diff(log_rate) / np.sqrt(past.log_step) / bend
    values = to_natural_scale(latents_at(past, score=score, flow=flow), past, prior, LOG_LAMBDA_RANGE)
    return values.log2_a.values.ravel(), values.log_effort.values.ravel()


def test_with_constant_effort_the_law_is_that_of_elapsed_time():
    years = np.concatenate([[0], np.geomspace(0.1, 3, 12)])
    past = as_history(raw(years, np.arange(13.0), {"staff": years}))
    got, effort = law(past, r=0.8, lam=0.6, prior_effort=0.05, log_rate=np.zeros(past.years_in.shape[1]))
    want = 0.8 / 0.6 * np.log2(1 + past.years / past.years[-1] / 0.05)
    np.testing.assert_allclose(got, want, rtol=1e-9)
    np.testing.assert_allclose(effort - effort[-1], np.log(past.years / past.years[-1]), atol=1e-9)


@pytest.mark.parametrize("lam", [0.3, 1.0, 2.0])
def test_when_effort_always_grew_exponentially_the_slope_is_r_whatever_lambda(lam):
    rate = 0.3
    years = np.concatenate([[0], np.geomspace(0.02, 6, 50)])
    past = as_history(raw(years, np.arange(51.0) / 10, {"staff": years}))
    edges = np.concatenate([[0], np.cumsum(past.years_in[-1])])
    mean_effort = np.diff(np.expm1(rate * edges)) / np.diff(edges)
    before = 1 / np.expm1(lam * rate * years[-1])
    got, _ = law(past, r=0.83, lam=lam, prior_effort=before, log_rate=np.log(mean_effort / mean_effort[0]))
    want = 0.83 * rate * past.years / np.log(2)
    np.testing.assert_allclose(got, want, rtol=0.01, atol=0.01)


def test_the_naive_slope_on_effort_from_nothing_is_r_only_at_lambda_1():
    time = np.geomspace(0.01, 1, 200)
    r, lam = 0.83, 0.57
    constant = r / lam * np.log2(time)
    rising = r / lam * np.log2(time ** (1 + lam))
    for path, count, want in ((constant, time, r / lam), (rising, time**2, r / lam * (1 + lam) / 2)):
        years, output = np.concatenate([[0], time]), np.concatenate([[path[0] - 1], path])
        past = raw(years, output, {"staff": np.concatenate([[0], count])})
        assert naive_slope(past, "staff", 1.0)[0] == pytest.approx(want, rel=1e-6)


@pytest.mark.parametrize(
    ("proxy", "slope", "error"),
    [
        ("authors", 0.597, 0.017),
        ("contributors", 0.961, 0.026),
        ("pull_requests", 0.577, 0.014),
        ("active_days", 0.962, 0.021),
        ("trainer_lines", 0.822, 0.026),
    ],
)
def test_naive_slopes_of_the_speedrun_are_those_of_a_plain_regression(proxy, slope, error):
    got = naive_slope(sie.read_series("nanogpt_speedrun"), proxy, 1.0)
    np.testing.assert_allclose(got, (slope, error), atol=1.5e-3)


def test_equal_dates_are_spread_over_their_day():
    years = np.array([0, 10, 10, 10, 11, 40]) / 365.25
    past = raw(years, np.arange(6.0), {"staff": np.arange(6.0)})
    np.testing.assert_allclose(elapsed(past) * 365.25, [10, 10 + 1 / 3, 10 + 2 / 3, 11, 40])


def test_records_are_kept_where_pieces_of_effort_end_and_beside_a_change_of_machine():
    years = [0, 1, 1.01, 1.02, 1.5, 1.51, 1.52, 3, 3.01]
    past = raw(years, np.arange(9.0), {"staff": np.arange(9.0)}, regime=["a"] * 6 + ["b"] * 3)
    kept = ends(past, np.arange(9) == 6)
    assert kept[0] == 0
    assert {5, 6, 8} <= set(kept)
    seen = as_history(past)
    assert seen.shown[kept.index(6) - 1] == 0
    assert seen.shown.sum() == len(kept) - 2


def test_a_count_of_the_outputs_themselves_is_no_effort():
    past = sie.read_series("cifar10")
    assert efforts(past) == []
    assert not as_history(past).proxies


def test_an_unknown_proxy_is_refused(refused):
    with refused("series nanogpt_speedrun proxy", "'stars'"):
        as_history(sie.read_series("nanogpt_speedrun"), proxies=("stars",))


def histories():
    """Made-up histories of every shape that the density knows, with what was observed."""
    years, counts = panel()
    rng = np.random.default_rng(4)
    gains = np.cumsum(rng.gamma(2, 0.2, 9))
    tied = gains.copy()
    tied[4] = tied[3]
    error = rng.uniform(0.5, 2, 9)
    undated = ["a"] * 3 + ["a or b"] * 3 + ["b"] * 3
    three = ["a"] * 2 + ["b"] * 3 + ["b or c"] * 2 + ["c"] * 2
    measured = {"kind": "measurement", "error": error}
    two = raw(years, gains, counts, regime=three, **measured)
    return {
        "records": raw(years, tied, counts),
        "records, two regimes": raw(years, tied, counts, regime=["old"] * 5 + ["new"] * 4),
        "records, a switch without a date": raw(years, tied, counts, regime=undated),
        "measurements": raw(years, gains, counts, **measured),
        "measurements, three regimes": two,
        "measurements, two instruments": two.assign(instrument=("observation", ["x"] * 6 + ["y"] * 3)),
        "without effort": raw(years, tied, {"entries": np.full(9, np.nan)}),
    }


def test_the_gradient_is_that_of_differences_for_every_shape_of_history():
    rng = np.random.default_rng(0)
    for name, series in [*histories().items(), ("stockfish", sie.read_series("stockfish"))]:
        past = as_history(series)
        data = pack(past, priors_of(past), LOG_LAMBDA_RANGE)
        dims, coords = latents_of(past)
        size = sum(len(coords[dim]) for (dim,) in dims.values())
        for _ in range(5):
            x, unused, gradient = 0.7 * rng.standard_normal(size), np.empty(size), np.empty(size)
            log_density(x, gradient, data)
            steps = 1e-5 * np.eye(size)
            found = [log_density(x + s, unused, data) - log_density(x - s, unused, data) for s in steps]
            np.testing.assert_allclose(np.array(found) / 2e-5, gradient, rtol=1e-5, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("name", histories())
def test_the_density_is_that_of_dense_algebra_with_levels_and_jumps_projected_out(name):
    series = histories()[name]
    past = as_history(series)
    data = pack(past, priors_of(past), LOG_LAMBDA_RANGE)
    dims, coords = latents_of(past)
    rng = np.random.default_rng(1)
    differences = []
    for _ in range(3):
        point = {key: 0.5 * rng.standard_normal(len(coords[dim])) for key, (dim,) in dims.items()}
        x = np.concatenate(list(point.values()))
        differences.append(log_density(x, np.empty(len(x)), data) - dense_log_density(point, past, series))
    np.testing.assert_allclose(differences, differences[0], atol=1e-6)


def dense_log_density(point, past, series):
    """Latents, gains or restricted likelihoods from dense covariances, up to a constant; effort piece by piece, regimes year by year."""
    d = to_natural_scale(latents_at(past, **point), past, priors_of(past), LOG_LAMBDA_RANGE)
    d = d.isel(chain=0, draw=0)
    total = sum(norm.logpdf(value).sum() for value in point.values())
    clock = np.log(past.years)
    log_effort, path = by_hand(point, past, d)
    for p, name in enumerate(past.proxies):
        count = series.effort.sel(proxy=name).values
        at = np.flatnonzero(np.isfinite(count[1:]))
        loading = np.exp(LOADING_SD * point["loading"][p] * (name != past.anchor))
        drift = np.exp(DRIFT_PRIOR[0] + DRIFT_PRIOR[1] * point["drift"][p])
        scatter = np.exp(SCATTER_PRIOR[0] + SCATTER_PRIOR[1] * point["scatter"][p])
        walk = np.minimum.outer(clock[at], clock[at]) - clock[at][0]
        residual = np.log(count[1:][at]) - loading * log_effort[at]
        covariance = drift**2 * walk + scatter**2 * np.eye(len(at))
        total += restricted(residual, covariance, np.ones((len(at), 1)))
    if past.kind == "record":
        mean = np.diff(path, prepend=0)
        variance = mean * d.irregularity.item() + 2 * TIMING_SD**2
        of_gain = gamma(mean**2 / variance, scale=variance / mean)
        log_p = np.where(past.tied, of_gain.logcdf(LEAST_GAIN), of_gain.logpdf(past.gains))
        return total + log_p[past.shown > 0].sum()
    error = series.output_error.values[1:] * d.error_scale.item()
    level = np.cumsum(past.jumped)
    for j in range(past.instrument.max() + 1):
        at = np.flatnonzero(past.instrument == j)
        scale = point["scale"][j] if "scale" in point else 0.0
        elo = d.elo_per_doubling.item() * np.exp(past.instrument_sd * scale)
        np.testing.assert_allclose(d.elo_of.values[at], elo)
        walk = np.minimum.outer(clock[at], clock[at]) - clock[0]
        covariance = (elo * d.irregularity.item()) ** 2 * walk + np.diag(error[at] ** 2)
        free = (level[at][:, None] == np.unique(level[at])).astype(float)
        total += restricted(series.output.values[1:][at] - elo * path[at], covariance, free)
    return total


def by_hand(point, past, d):
    """log C and log2 A of Jones' law, integrated over each piece between two observations, and over the regimes in it."""
    rate = np.exp(d.bend.item() * np.concatenate([[0], np.cumsum(np.sqrt(past.log_step) * point["flow"])]))
    lam = d["lambda"].item()
    count, effort = past.years_in @ rate, past.years_in @ rate**lam
    e0 = d.prior_effort.item() * effort[-1]
    starts = np.concatenate([[0], past.years[:-1]])
    log_total = np.diff(np.log2(e0 + effort), prepend=np.log2(e0))
    switched = d.switch_year.values
    r_of, gain = d.r_of.values, np.zeros(len(effort))
    for k, r in enumerate(r_of):
        begins = switched[k - 1] if k else -np.inf
        stops = switched[k] if k + 1 < len(r_of) else np.inf
        within = np.clip(np.minimum(past.years, stops) - np.maximum(starts, begins), 0, None)
        gain += r / lam * log_total * within / (past.years - starts)
    return np.log(count), np.cumsum(gain)


def restricted(residual, covariance, free):
    """log of the Gaussian density with flat priors on what multiplies `free`, up to a constant."""
    inverse = np.linalg.inv(covariance)
    inner = free.T @ inverse @ free
    left = residual - free @ np.linalg.solve(inner, free.T @ inverse @ residual)
    return -(np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(inner)[1] + left @ inverse @ left) / 2


def test_regimes_are_as_the_hierarchy_draws_them():
    """log r ~ its prior, log r_k | log r ~ Normal(log r, regime_spread), though the latents are rotated."""
    past = as_history(histories()["measurements, three regimes"])
    prior = priors_of(past, (0.3, 0.8))
    rng = np.random.default_rng(2)
    named, coords = latents_of(past)
    latents = xr.Dataset(
        {
            key: (("chain", "draw", dim), rng.standard_normal((1, 40000, len(coords[dim]))))
            for key, (dim,) in named.items()
        },
        coords={"chain": [0], "draw": np.arange(40000)},
    )
    latents["score"][..., 7] = 0.5
    d = to_natural_scale(latents, past, prior, LOG_LAMBDA_RANGE)
    log_r, off = np.log(d.r.values[0]), np.log(d.r_of.values[0] / d.r.values[0][:, None])
    spread = d.regime_spread.values[0, 0]
    assert (log_r.mean(), log_r.std()) == (pytest.approx(0.3, abs=0.02), pytest.approx(0.8, rel=0.02))
    np.testing.assert_allclose(np.cov(off.T), spread**2 * np.eye(len(past.regimes)), atol=0.03 * spread**2)
    np.testing.assert_allclose([np.corrcoef(log_r, o)[0, 1] for o in off.T], 0, atol=0.02)


def test_what_ai_made_changes_no_fit_and_what_follows_it_begins_behind_a_jump():
    series = sie.read_series("cifar10")
    by_ai = (series.made_by == "AI").values
    assert by_ai.sum() == 2
    whole, people = as_history(series), as_history(series.isel(observation=~by_ai))
    assert [len(past.by_ai) for past in (whole, people)] == [2, 0]
    for past in (whole, people):
        assert np.isfinite(pack(past, priors_of(past), LOG_LAMBDA_RANGE)).all()
    np.testing.assert_array_equal(
        *(pack(past, priors_of(past), LOG_LAMBDA_RANGE) for past in (whole, people))
    )
    years, counts = panel()
    between = raw(years, np.linspace(0, 3, 9), counts)
    between["made_by"] = ("observation", ["people"] * 4 + ["AI"] + ["people"] * 4)
    past = as_history(between)
    assert past.jumped.tolist() == [False] * 3 + [True] + [False] * 3
    assert past.shown.tolist() == [1, 1, 1, 0, 1, 1, 1]


@pytest.fixture(scope="module")
def alexnet():
    return sie.read_series("alexnet")


@pytest.mark.slow
def test_the_stored_likelihood_is_that_of_the_raw_series(alexnet):
    made, stored = likelihood_of(alexnet, seed=1), sie.read_likelihood("alexnet")
    curves = [np.exp(sie.over_log_r(table, np.geomspace(0.15, 1, 20))) for table in (made, stored)]
    areas = [np.cumsum(curve) / curve.sum() for curve in curves]
    np.testing.assert_allclose(areas[0], areas[1], atol=0.03)


@pytest.mark.slow
def test_the_curve_gives_the_posterior_that_a_joint_fit_gives(alexnet):
    """Under another prior than the one that was divided out: log r ~ Normal(log 1.1, 0.6), lambda from 0.3 to 1."""
    limits = (float(np.log(0.3)), 0.0)
    draws = fit_series(
        as_history(alexnet), seed=2, draws=12000, log_r_prior=(np.log(1.1), 0.6), log_lambda_range=limits
    )
    stored = sie.read_likelihood("alexnet")
    curve = sie.over_log_r(stored, np.exp(np.linspace(*limits, 200)), learn_lambda=True)
    x = stored.log_r.values
    mass = np.exp(curve - curve.max() - ((x - np.log(1.1)) / 0.6) ** 2 / 2)
    want = np.interp([0.05, 0.5, 0.95], np.cumsum(mass) / mass.sum(), x + 0.025)
    got = np.quantile(np.log(draws.r.values), [0.05, 0.5, 0.95])
    np.testing.assert_allclose(got, want, atol=0.08)


@pytest.mark.slow
def test_r_at_one_lambda_is_the_same_from_the_likelihood_and_from_a_fit(alexnet):
    table = sie.read_likelihood("alexnet")
    options = {"most_lambda": 1.0, "until": np.inf, "seed": 3, "on_progress": lambda _: None}
    found = [dict(readings(alexnet, **options, likelihood=of)) for of in (table, None)]
    assert list(found[0]) == list(found[1])
    for label in AT_LAMBDA:
        both = [np.quantile(np.log(of[label].r.values), [0.05, 0.5, 0.95]) for of in found]
        np.testing.assert_allclose(*both, atol=0.1, err_msg=label)


@pytest.mark.slow
def test_independent_errors_are_far_too_narrow_on_the_speedrun():
    past = sie.read_series("nanogpt_speedrun")
    limits = (LOG_LAMBDA_RANGE[0], 0.0)
    whole = fit_series(as_history(past), seed=1, log_lambda_range=limits)
    slopes = [naive_slope(past, name, 1.0) for name in efforts(past)]
    for slope, error in slopes:
        assert log_width(whole) > 5 * 2 * 1.645 * error / slope
    low, high = np.quantile(whole.r.values, [0.05, 0.95])
    assert low < 0.961 < high
    assert whole.attrs["max_rhat"] <= 1.01
    assert whole.attrs["min_ess"] >= 400
    assert whole.attrs["divergences"] == 0


@pytest.mark.slow
def test_at_one_lambda_all_stockfish_tests_and_those_kept_give_one_r():
    """With lambda free they do not: 0.61 and 0.91, since all 257 put lambda at 0.30 and the 53 kept at 0.67."""
    limits = (-0.005, 0.005)
    past = sie.read_series("stockfish")
    past = past.isel(observation=(past.instrument == "regression tests").values)
    kept, whole = (
        np.log(fit_series(one, seed=1, draws=4000, log_lambda_range=limits).r.values)
        for one in (as_history(past, one_r=True), as_history(past, one_r=True, all_observations=True))
    )
    assert abs(np.median(kept) - np.median(whole)) < np.std(kept) / 3
    assert np.std(whole) == pytest.approx(np.std(kept), rel=0.2)


@pytest.mark.slow
def test_replicated_records_never_worsen_and_cover_what_was_observed(alexnet):
    past = as_history(alexnet)
    draws = fit_series(past, seed=3)
    made = replicate(draws, past, seed=1)
    assert (np.diff(made.data, axis=1) >= 0).all()
    low, high = np.quantile(made.data, [0.01, 0.99], axis=0)
    assert ((made.observed > low) & (made.observed < high)).all()
    blind = fit_series(as_history(alexnet, proxies=()), seed=3)
    assert is_identified(draws, blind)
    assert not is_identified(blind, blind)


def test_log_counts_start_at_the_first_observation_and_leave_holes():
    past = raw([0, 1, 2, 3], np.arange(4.0), {"a": [5, 5, 7, 9], "b": [np.nan, np.nan, 3, 4]})
    np.testing.assert_allclose(log_counts(past, "a"), [np.nan, np.log(2), np.log(4)])
    np.testing.assert_allclose(log_counts(past, "b"), [np.nan, np.log(3), np.log(4)])


def test_a_flow_of_effort_is_integrated_over_time():
    past = raw([0, 1, 3], np.arange(3.0), {"a": [2, 2, 4]})
    past = past.assign_coords(effort_kind=("proxy", ["flow"]))
    np.testing.assert_allclose(np.exp(log_counts(past, "a")), [2, 8], rtol=0.01)


@pytest.mark.parametrize("name", ["nanogpt_speedrun", "stockfish", "cifar10"])
def test_figures_have_logarithmic_axes_with_units_and_every_observation(name):
    from sie.plots.histories import plot_replicates, plot_series

    past = as_history(sie.read_series(name))
    draws = from_prior(past, 50, np.random.default_rng(2))
    made = replicate(draws, past, seed=1)
    ax = plot_series(draws, past, made)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert "effort" in ax.get_xlabel()
    assert ("not observed" in ax.get_xlabel()) == (name == "cifar10")
    drawn = [line for line in ax.get_lines() if str(line.get_label()).startswith("observed")]
    assert sum(len(line.get_xdata()) for line in drawn) == len(past.years)
    assert sum("made by AI" in str(line.get_label()) for line in ax.get_lines()) == (name == "cifar10")
    over_time = plot_replicates(draws, past, made)
    assert over_time.get_yscale() == "log"
    assert "years" in over_time.get_xlabel()


@pytest.mark.parametrize(
    ("arguments", "where", "want"),
    [
        (("bread",), "series: found 'bread'", "nanogpt_speedrun"),
        (("--most-lambda", "9"), "--most-lambda: found 9.0", "at most 4"),
        (("--rebuild", "--out", "x"), "--out: found --rebuild too", "one of the two"),
        (("--rebuild", "--until", "2020-01-01"), "--until: found --rebuild too", "one of the two"),
        (("--until", "2020"), "--until: found '2020'", "a day, as 2023-06-30"),
        (("alexnet", "--until", "2013-01-01"), "series alexnet: found 1 observation by people", "at least 4"),
        (("nowhere.csv",), "nowhere.csv: found no such file", "a series: date,output [UNIT]"),
    ],
)
def test_sie_series_refuses_what_it_cannot_do_in_one_line(arguments, where, want, capsys, monkeypatch):
    from sie.cli import main

    monkeypatch.setattr("sys.argv", ["sie", "series", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    error = capsys.readouterr().err
    assert stopped.value.code == 2
    assert error.startswith(where)
    assert want in error
    assert len(error.splitlines()) == 1


def test_a_rate_of_effort_with_a_hole_is_integrated_over_it():
    """Straight between what was observed, and constant before the first; where it was not observed there is no count."""
    past = raw([0, 1, 2, 3], np.arange(4.0), {"a": [2, np.nan, 2, 4], "b": [np.nan, 3, 3, np.nan]})
    past = past.assign_coords(effort_kind=("proxy", ["flow", "flow"]))
    np.testing.assert_allclose(np.exp(log_counts(past, "a")), [np.nan, 4, 7], rtol=0.01)
    np.testing.assert_allclose(np.exp(log_counts(past, "b")), [3, 6, np.nan], rtol=0.01)


def test_effort_on_what_ai_made_is_no_effort_of_people():
    past = raw([0, 1, 2, 3, 4, 5], np.arange(6.0), {"a": [np.nan, 1, np.nan, np.nan, 3, 5]})
    past["made_by"] = ("observation", ["people"] * 4 + ["AI"] * 2)
    assert efforts(past) == []


def test_what_ai_made_is_drawn_ahead_of_the_people_before_it_by_what_it_gained():
    years, counts = panel()
    series = raw(years, np.linspace(0, 3, 9), counts, kind="measurement", error=np.full(9, 4.0))
    series["made_by"] = ("observation", ["AI"] + ["people"] * 3 + ["AI"] + ["people"] * 4)
    past = as_history(series)
    draws = from_prior(past, 50, np.random.default_rng(2))
    made = replicate(draws, past, seed=1)
    scale = np.median(draws.elo_of.values)
    gained = 100 * 3 / 8 / scale  # one step of the panel, in doublings
    np.testing.assert_allclose(made.by_ai, [-gained, made.observed[1] + gained], rtol=1e-6)


def test_one_line_that_may_be_of_either_regime_is_no_way_between_them():
    years, counts = panel()
    regime = ["old"] * 4 + ["old or new"] + ["new"] * 4
    past = as_history(raw(years, np.linspace(0, 3, 9), counts, kind="measurement", regime=regime))
    assert set(past.level) == {0}
    assert past.switches.shape == (1, 2)
