"""The model of one raw history: its law in closed form, its errors against dense algebra, recovery, and what the data say."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import gamma, norm
from series_worlds import from_prior, panel, raw

import sie
from sie.histories import model as model_of
from sie.histories.arrays import LEAST_GAIN, as_history, efforts, elapsed, ends, log_counts
from sie.histories.fit import fit_series, is_identified, likelihood_of, log_width, naive_slope, replicate
from sie.histories.model import LOG_LAMBDA_RANGE, TIMING_SD, build_series, priors_of, to_natural_scale


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
    latents = xr.Dataset(
        {
            "score": (("chain", "draw", "parameter"), score[None, None]),
            "flow": (("chain", "draw", "bend"), flow[None, None]),
        },
        coords={"chain": [0], "draw": [0]},
    )
    values = to_natural_scale(latents, past, prior, LOG_LAMBDA_RANGE)
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
    kept = ends(past)
    assert kept[0] == 0
    assert {5, 6, 8} <= set(kept)
    seen = as_history(past)
    assert seen.shown[kept.index(6) - 1] == 0
    assert seen.shown.sum() == len(kept) - 2
    assert as_history(past, jumps=False).shown.all()


def test_a_count_of_the_outputs_themselves_is_no_effort():
    past = sie.read_series("cifar10")
    assert efforts(past) == []
    seen = as_history(past)
    assert not seen.seen.any()


def test_an_unknown_proxy_is_refused(refused):
    with refused("series nanogpt_speedrun proxy", "'stars'"):
        as_history(sie.read_series("nanogpt_speedrun"), proxies=("stars",))


@pytest.mark.slow
def test_the_density_is_that_of_dense_algebra_with_levels_and_jumps_projected_out():
    years, counts = panel()
    rng = np.random.default_rng(4)
    error = rng.uniform(0.5, 2, 9)
    regime = ["old"] * 5 + ["new"] * 4
    outputs = np.cumsum(rng.gamma(2, 0.2, 9))
    past = as_history(raw(years, outputs, counts, kind="measurement", regime=regime, error=error))
    model = build_series(past)
    logp = model.compile_logp(mode="FAST_COMPILE")
    differences = []
    for _ in range(2):
        point = random_point(model, rng)
        differences.append(float(logp(point)) - dense_log_density(point, past, outputs, counts, error))
    assert differences[0] == pytest.approx(differences[1], abs=1e-6)


def random_point(model, rng):
    shapes = {
        v.name: [len(model.coords[dim]) for dim in model.named_vars_to_dims[v.name]] for v in model.free_RVs
    }
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def dense_log_density(point, past, outputs, counts, error):
    """Latents plus restricted likelihoods from dense covariances, up to a constant."""
    latents = xr.Dataset(
        {
            "score": (("chain", "draw", "parameter"), point["score"][None, None]),
            "flow": (("chain", "draw", "bend"), point["flow"][None, None]),
        },
        coords={"chain": [0], "draw": [0]},
    )
    d = to_natural_scale(latents, past, priors_of(past), LOG_LAMBDA_RANGE).isel(chain=0, draw=0)
    total = sum(norm.logpdf(value).sum() for value in point.values())
    clock = np.log(past.years)
    loading = np.exp(model_of.LOADING_SD * point["loading"] * (1 - past.anchor))
    for p, count in enumerate(counts.values()):
        at = np.flatnonzero(np.isfinite(count[1:]))
        drift = np.exp(model_of.DRIFT_PRIOR[0] + model_of.DRIFT_PRIOR[1] * point["drift"][p])
        scatter = np.exp(model_of.SCATTER_PRIOR[0] + model_of.SCATTER_PRIOR[1] * point["scatter"][p])
        walk = np.minimum.outer(clock[at], clock[at]) - clock[at][0]
        residual = np.log(count[1:][at]) - loading[p] * d.log_effort.values[at]
        free = np.ones((len(at), 1))
        total += restricted(residual, drift**2 * walk + scatter**2 * np.eye(len(at)), free)
    elo = d.elo_per_doubling.item()
    walk = np.minimum.outer(clock, clock) - clock[0]
    covariance = (elo * d.irregularity.item()) ** 2 * walk + np.diag((error[1:] * d.error_scale.item()) ** 2)
    free = np.column_stack([np.ones(8), np.arange(8) >= 4])
    return total + restricted(100 * outputs[1:] - elo * d.log2_a.values, covariance, free)


def restricted(residual, covariance, free):
    """log of the Gaussian density with flat priors on what multiplies `free`, up to a constant."""
    inverse = np.linalg.inv(covariance)
    inner = free.T @ inverse @ free
    left = residual - free @ np.linalg.solve(inner, free.T @ inverse @ residual)
    return -(np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(inner)[1] + left @ inverse @ left) / 2


@pytest.mark.slow
def test_gains_between_records_have_the_law_s_mean_and_their_variance_and_a_tie_is_censored():
    years, counts = panel()
    outputs = np.linspace(0, 3, 9)
    outputs[4] = outputs[3]
    past = as_history(raw(years, outputs, counts))
    assert past.tied.tolist() == [0, 0, 0, 1, 0, 0, 0, 0]
    model = build_series(past)
    rng = np.random.default_rng(5)
    point = random_point(model, rng)
    latents = xr.Dataset(
        {
            "score": (("chain", "draw", "parameter"), point["score"][None, None]),
            "flow": (("chain", "draw", "bend"), point["flow"][None, None]),
        },
        coords={"chain": [0], "draw": [0]},
    )
    d = to_natural_scale(latents, past, priors_of(past), LOG_LAMBDA_RANGE).isel(chain=0, draw=0)
    mean = np.diff(d.log2_a.values, prepend=0)
    variance = mean * d.irregularity.item() + 2 * TIMING_SD**2
    of_gain = gamma(mean**2 / variance, scale=variance / mean)
    want = np.where(past.tied, of_gain.logcdf(LEAST_GAIN), of_gain.logpdf(past.output)).sum()
    got = model.compile_logp(vars=[model["observed_output"]], mode="FAST_COMPILE")(point)
    assert float(got) == pytest.approx(want, rel=1e-8)


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
    kept, whole = (
        np.log(fit_series(one, seed=1, draws=4000, log_lambda_range=limits).r.values)
        for one in (as_history(past), as_history(past, all_observations=True))
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
    assert len(ax.get_lines()[-1].get_xdata()) in (len(past.years), 2)
    over_time = plot_replicates(past, made)
    assert over_time.get_yscale() == "log"
    assert "years" in over_time.get_xlabel()


@pytest.mark.parametrize(
    ("arguments", "where", "want"),
    [
        (("bread",), "series: found 'bread'", "nanogpt_speedrun"),
        (("--most-lambda", "9"), "--most-lambda: found 9.0", "at most 4"),
        (("--rebuild", "--out", "x"), "--out: found --rebuild too", "one of the two"),
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
