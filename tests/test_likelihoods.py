"""Stored likelihoods: what is written is read, what is stale is refused, and draws give back the curve they came from."""

import numpy as np
import pytest
import xarray as xr
from scipy.special import logsumexp, ndtri

import sie
from sie.base.reading import data_folder
from sie.histories.model import LOG_LAMBDA_RANGE
from sie.histories.reduction import Draws, reduce_draws
from sie.returns.design import design
from sie.returns.history_density import history_density
from sie.returns.predicted import log_lambda_at

LOG_R = np.linspace(-4, 4, 161)
EDGES = np.linspace(*LOG_LAMBDA_RANGE, 16)
LOG_LAMBDA = (EDGES[1:] + EDGES[:-1]) / 2
PRIOR_SD = 1.5


def on_grid(values):
    return xr.DataArray(
        values, dims=("log_r", "log_lambda"), coords={"log_r": LOG_R, "log_lambda": LOG_LAMBDA}
    )


@pytest.fixture
def gaussian():
    """gaussian(sd): log L = -(log r - log lambda / 2 - 0.2)^2 / (2 sd^2)."""
    return lambda sd: on_grid(-(((LOG_R[:, None] - LOG_LAMBDA / 2 - 0.2) / sd) ** 2) / 2)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "chess.csv").write_text("order\n1\n")
    (tmp_path / "growth.csv").write_text("id,value\nchess,1\nbread,2\n")
    return tmp_path


def whole_range(log_r, log_lambda, effective):
    return Draws(log_r=log_r, log_lambda=log_lambda, log_lambda_range=LOG_LAMBDA_RANGE, effective=effective)


def draws_under(sd, n, seed):
    """Exact draws of (log r, log lambda) for the Gaussian likelihood, under the sampling prior."""
    rng = np.random.default_rng(seed)
    log_lambda = rng.uniform(*LOG_LAMBDA_RANGE, 20 * n)
    centre = log_lambda / 2 + 0.2
    weight = np.exp(-(centre**2) / 2 / (PRIOR_SD**2 + sd**2))
    kept = rng.random(20 * n) < weight
    centre, log_lambda = centre[kept][:n], log_lambda[kept][:n]
    variance = 1 / (1 / PRIOR_SD**2 + 1 / sd**2)
    return rng.normal(variance * centre / sd**2, np.sqrt(variance)), log_lambda


@pytest.mark.slow
@pytest.mark.parametrize("sd", [0.2, 0.4, 0.9])
def test_draws_give_back_the_gaussian_likelihood_that_they_came_from(gaussian, sd):
    want = gaussian(sd)
    want = want - want.max()
    log_r, log_lambda = draws_under(sd, 24000, seed=1)
    log_prior = on_grid(np.repeat(-((LOG_R / PRIOR_SD) ** 2)[:, None] / 2, len(LOG_LAMBDA), axis=1))
    got = reduce_draws([whole_range(log_r, log_lambda, 8000)], log_prior)
    for deviations, tolerance in ((1, 0.1), (2, 0.3)):
        near = want.values > -(deviations**2) / 2
        assert np.abs(got.values - want.values)[near].max() < tolerance
    for name, prior_sd in (("wide", 1.5), ("narrow", 0.5)):
        quantiles = [under_prior(sie.over_log_r(t, np.exp(LOG_LAMBDA)), prior_sd) for t in (got, want)]
        np.testing.assert_allclose(*quantiles, atol=0.05, err_msg=name)


def under_prior(curve, sd):
    """5, 50 and 95 % of log r under a normal prior and a likelihood on the grid."""
    mass = np.exp(curve - curve.max() - (LOG_R / sd) ** 2 / 2)
    return np.interp([0.05, 0.5, 0.95], np.cumsum(mass) / mass.sum(), LOG_R)


@pytest.mark.slow
def test_windows_reach_lambdas_that_the_data_make_improbable():
    """log L falls by 27 over log lambda: one sample would have no draws at small lambda; four windows do."""
    steep = 2 * (LOG_LAMBDA - LOG_LAMBDA[-1]) ** 2
    want = -(((LOG_R[:, None] - LOG_LAMBDA / 2 - 0.2) / 0.3) ** 2) / 2 - steep
    log_prior = on_grid(np.repeat(-((LOG_R / PRIOR_SD) ** 2)[:, None] / 2, len(LOG_LAMBDA), axis=1))
    density = np.exp(log_prior.values + want)
    rng = np.random.default_rng(3)
    windows = []
    for start in (0, 3, 6, 9):
        inside = np.arange(len(LOG_LAMBDA))
        mass = np.where((inside >= start) & (inside < start + 6), density, 0).ravel()
        at = rng.choice(mass.size, 8000, p=mass / mass.sum())
        limits = (EDGES[start], EDGES[start + 6])
        log_r, log_lambda = np.repeat(LOG_R, 15)[at], np.tile(LOG_LAMBDA, 161)[at]
        windows.append(Draws(log_r=log_r, log_lambda=log_lambda, log_lambda_range=limits, effective=8000))
    got = reduce_draws(windows, log_prior).values
    ridge = want.argmax(axis=0), np.arange(len(LOG_LAMBDA))
    np.testing.assert_allclose(got[ridge] - got[ridge][-1], want[ridge] - want[ridge][-1], atol=1.0)


@pytest.mark.slow
def test_tails_fall_without_bumps():
    log_r, log_lambda = draws_under(0.3, 4000, seed=2)
    log_prior = on_grid(np.repeat(-((LOG_R / PRIOR_SD) ** 2)[:, None] / 2, len(LOG_LAMBDA), axis=1))
    got = reduce_draws([whole_range(log_r, log_lambda, 1000)], log_prior).values
    for column in got.T:
        top = column.argmax()
        assert (np.diff(column[:top]) > 0).all()
        assert (np.diff(column[top:]) < 0).all()
        assert column[[0, -1]].max() < column.max() - 10


def test_what_is_written_is_read(gaussian, folder):
    sie.write_likelihood("chess", gaussian(0.5) + 7, ["series/chess.csv"], folder)
    table = sie.read_likelihood("chess", folder)
    assert table.max() == 0
    np.testing.assert_allclose(table, gaussian(0.5) - gaussian(0.5).max(), atol=1e-4)
    np.testing.assert_allclose(table.log_lambda, LOG_LAMBDA, atol=1e-6)


def test_a_table_without_lambda_is_a_curve_of_log_r_alone(folder):
    curve = xr.DataArray(-(LOG_R**2), dims="log_r", coords={"log_r": LOG_R})
    sie.write_likelihood("epoch_chess", curve, ["growth.csv#chess"], folder)
    table = sie.read_likelihood("epoch_chess", folder)
    assert table.sizes["log_lambda"] == 1
    np.testing.assert_allclose(sie.over_log_r(table, np.array([0.3, 3.0])), -(LOG_R**2), atol=1e-4)


def test_lambda_is_integrated_against_the_view_s_prior(gaussian):
    table = gaussian(0.5)

    def learnt(lambdas):
        return sie.over_log_r(table, lambdas, learn_lambda=True)

    np.testing.assert_allclose(learnt(np.full(3, np.exp(LOG_LAMBDA[4]))), table.values[:, 4])
    halves = learnt(np.exp(LOG_LAMBDA[[2, 9]]))
    np.testing.assert_allclose(halves, logsumexp(table.values[:, [2, 9]], axis=1) - np.log(2))
    between = learnt(np.exp(LOG_LAMBDA[[3, 4]].mean(keepdims=True)))
    np.testing.assert_allclose(between, table.values[:, [3, 4]].mean(axis=1))
    np.testing.assert_allclose(learnt(np.array([1e-3])), table.values[:, 0])


def test_r_is_learnt_given_lambda_and_lambda_is_not(gaussian):
    """However much likelier one lambda than another, each counts as its prior has it."""
    table = gaussian(0.3)
    lambdas = np.exp(LOG_LAMBDA[[2, 9, 9, 9]])
    curve = sie.over_log_r(table, lambdas)
    np.testing.assert_allclose(np.exp(curve).sum() * np.diff(LOG_R)[0], 1)
    np.testing.assert_allclose(sie.over_log_r(table - 12 * LOG_LAMBDA, lambdas), curve)
    mean = (np.exp(curve) * LOG_R).sum() / np.exp(curve).sum()
    assert mean == pytest.approx((LOG_LAMBDA[2] + 3 * LOG_LAMBDA[9]) / 8 + 0.2, abs=1e-3)


def lambdas_of(rows, view, count=2000):
    """Equally probable values of the lambda under which a design reads histories."""
    return np.exp(design(rows, view).lambda_curve.at(ndtri((np.arange(count) + 0.5) / count)))


def test_in_the_stated_form_lambda_is_what_p_is_without_the_compute_factor(evidence, stated):
    """r against labour is lambda / beta and r at ASARA p / beta, so that the compute factor alone lies between them."""
    view = stated.replace(parallel=sie.fixed(0.3), compute_bottleneck=sie.fixed(0.4))
    rows = sie.usable(evidence, view)
    np.testing.assert_allclose(lambdas_of(rows, view), 0.3 / 0.4)


def test_in_the_derived_form_lambda_is_the_power_of_the_effort_that_was_counted(evidence):
    """Research input L^a C^(1-a) to the power lambda, along a history in which L and C grew exponentially."""
    share, power = 0.55, 0.6
    none = dict.fromkeys(("frontier_share", "share_spread", "measure_sd"), sie.fixed(0))
    view = sie.read_view("reference").replace(
        labour_share=sie.fixed(share), **none, **{"lambda": sie.fixed(power)}
    )
    of = design(sie.usable(evidence, view), view)
    middle = {
        name: (("chain", "draw", *dims), np.zeros((1, 1, *(len(of.coords[dim]) for dim in dims))))
        for name, dims in of.latents.items()
    }
    log_lambda = log_lambda_at(of, of.from_latents(xr.Dataset(middle, of.coords)))[0, 0]
    for row, effort in (("stockfish", "compute"), ("nanogpt_speedrun", "labour")):
        i = of.coords["estimate"].index(row)
        labour = np.exp(np.exp(of.growth[i, 0, 0]))
        compute = np.exp(np.exp(of.growth[i, 1, 0] + of.relative[i] * of.growth[i, 0, 0]))
        pace = (labour**share * compute ** (1 - share)) ** power
        counted = {"labour": labour, "compute": compute}[effort]
        np.testing.assert_allclose(counted ** np.exp(log_lambda[i]), pace, rtol=1e-9)


def test_a_likelihood_of_changed_data_is_refused(gaussian, folder, refused):
    sie.write_likelihood("chess", gaussian(0.5), ["series/chess.csv", "growth.csv#chess"], folder)
    (folder / "growth.csv").write_text("id,value\nchess,1\nbread,3\n")
    assert sie.read_likelihood("chess", folder).max() == 0
    (folder / "growth.csv").write_text("id,value\nchess,9\nbread,3\n")
    with refused("likelihoods/chess.csv", "other data in series/chess.csv, growth.csv#chess"):
        sie.read_likelihood("chess", folder)


def test_a_likelihood_that_was_never_made_is_refused(folder, refused):
    with refused("likelihoods/index.csv", "no row bread"):
        sie.read_likelihood("bread", folder)


def test_a_table_with_a_hole_is_refused(gaussian, folder, refused):
    file = sie.write_likelihood("chess", gaussian(0.5), ["series/chess.csv"], folder)
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:50], *lines[51:]]))
    with refused("likelihoods/chess.csv", "holes"):
        sie.read_likelihood("chess", folder)


def test_a_likelihood_that_is_not_finite_is_not_written(gaussian, folder, refused):
    with refused("likelihoods/chess.csv", "not finite"):
        sie.write_likelihood("chess", gaussian(0.5) * np.inf, ["series/chess.csv"], folder)
    assert not (folder / "likelihoods").exists()


def test_stored_likelihoods_are_those_of_the_data(evidence):
    identified = [
        name
        for name in evidence.estimate.values[evidence.kind.values == "series"].tolist()
        if sie.read_series(name).attrs["identified"]
    ]
    assert identified
    for name in identified:
        table = sie.read_likelihood(name)
        assert table.sizes["log_lambda"] > 1
        assert (data_folder("evidence") / "likelihoods" / f"{name}.csv").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["stated", "davidson_2025", "reference"])
def test_lambda_is_integrated_over_its_distribution_without_a_sampling_error(name, evidence, stated):
    """Against Gauss-Legendre in the probabilities of what lambda follows from, 300 nodes each, weighted by the rows on lambda."""
    view = stated if name == "stated" else sie.read_view(name)
    rows = sie.usable(evidence, view)
    of = design(rows, view)
    nodes, weights = np.polynomial.legendre.leggauss(300)
    if view.derives_compute_bottleneck:
        wanted, weight = view["lambda"].prior.at(ndtri((nodes + 1) / 2)), weights / 2
        alone = [i for i, row in enumerate(of.coords["estimate"]) if row.startswith("ord_2026_lambda")]
        assert len(alone) == 3
        # They share half of the variance of their definition error: one error, integrated over with all three.
        shared = ndtri((np.arange(400) + 0.5) / 400)[:, None] / np.sqrt(2)
        log_p = sum(
            of.densities[i].log_density(
                np.log(wanted) + rows.definition_sd.values[i] * shared - of.observed[i]
            )
            for i in alone
        )
        weight = weight * np.exp(log_p).mean(axis=0)
    else:
        p, factor = (view[key].prior.at(ndtri((nodes + 1) / 2)) for key in ("parallel", "compute_bottleneck"))
        wanted, weight = (p[:, None] / factor).ravel(), (weights[:, None] * weights / 4).ravel()
    weight = weight / weight.sum()
    order = np.argsort(wanted)
    below = np.cumsum(weight[order]) - weight[order] / 2
    probability = np.array([0.001, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999])
    quantiles = np.interp(probability, below, np.log(wanted[order]))
    np.testing.assert_allclose(of.lambda_curve.at(ndtri(probability)), quantiles, atol=0.01)
    drawn = lambdas_of(rows, view)
    for power in (-1, 0.5, 1):
        assert np.mean(drawn**power) == pytest.approx(weight @ wanted**power, rel=5e-3)


@pytest.mark.parametrize("name", ["nanogpt_speedrun", "stockfish", "stockfish_builds", "alexnet"])
def test_a_tail_between_two_lambdas_falls_as_those_of_both(name):
    """Slopes that differed from lambda to lambda would leave one between them that hardly falls, and an r without bound."""
    table = sie.read_likelihood(name)
    _, density = history_density(table.log_r.values, table.log_lambda.values, table.values, 0.2, usual=0.6)
    probability = np.array([1e-9, 1 - 1e-9])[:, None]
    ends = density.draw(probability, np.linspace(*LOG_LAMBDA_RANGE, 300))
    assert np.abs(ends).max() < 25
