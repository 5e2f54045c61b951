"""The sampler against exact answers, the recovery of known truths, and what the evidence may and may not do."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

import sie
from sie.data.quantities import ADJUSTMENTS
from sie.inference import converged
from sie.inference import sampling as inference
from sie.returns.compiled import compile_density
from sie.returns.log_density import log_parts
from sie.returns.prior_curves import GRAPH
from sie.returns.row_density import student_error
from sie.returns.selection import domains_at

pytestmark = pytest.mark.slow


def usable(view, **isel):
    """Published estimates alone: with normal errors they make the model Gaussian given the spread."""
    evidence = sie.read_evidence()
    levels = dict.fromkeys(domains_at(evidence, "published"), "published")
    rows = sie.usable(evidence, view, levels=levels)
    rows = rows.isel(estimate=np.isin(rows.kind.values, ["r", "factor"]))
    return rows.isel(**isel)


def drop(rows, *ids):
    return rows.sel(estimate=[row for row in rows.estimate.values if row not in ids])


@pytest.fixture(scope="module")
def stated_tree(stated):
    return sie.fit(sie.build(usable(stated), stated), seed=1)


@pytest.fixture(scope="module")
def davidson():
    return sie.read_view("davidson_2025")


@pytest.fixture(scope="module")
def davidson_tree(davidson):
    return sie.fit(sie.build(usable(davidson), davidson), seed=1)


def normal_rows(rows):
    """The same rows with normal errors: three quantiles say nothing of tails."""
    value = rows.value.copy()
    value.loc[{"quantile": [0.25, 0.75]}] = np.nan
    return rows.assign(value=value)


def exact_log_r(rows, view, nodes=2000):
    """Mean, sd and P(> 0) of log r at ASARA by one quadrature over the spread; all else is Gaussian given it."""

    def lognormal(name):
        q05, q95 = np.log(view[name].prior.numbers)
        return (q05 + q95) / 2, (q95 - q05) / (2 * ndtri(0.95))

    is_r = rows.kind.values == "r"
    n = len(is_r)
    y = np.log(rows.value.sel(quantile=0.5).values)
    noise = (
        np.array([student_error(v, s)[1] for v, s in zip(rows.value.values, rows.se.values, strict=True)])
        ** 2
    )
    definition = rows.definition_sd.values
    same_input = rows.input_idx.values[:, None] == rows.input_idx.values[None, :]
    shared = same_input.sum(axis=1) > 1
    error = np.diag(noise + definition**2 * np.where(shared, 0.5, 1.0))
    error += np.where(same_input & shared[:, None], 0.5 * np.outer(definition, definition), 0.0)
    centre, width = lognormal("r_typical")
    factors = np.array([lognormal(name) for name in ADJUSTMENTS])
    x = rows.includes.values.astype(float)
    remoteness = rows.remoteness.values[rows.domain_idx.values]
    same_domain = (rows.domain_idx.values[:, None] == rows.domain_idx.values[None, :]) & np.outer(is_r, is_r)
    on_target = is_r & (rows.domain.values[rows.domain_idx.values] == "language models")

    mean_y = is_r * centre + x @ factors[:, 0]
    mean_t = centre + factors[:, 0].sum()
    log_weight, means, sds = np.empty(nodes), np.empty(nodes), np.empty(nodes)
    for i, spread in enumerate(view["spread"].prior.at(ndtri((np.arange(nodes) + 0.5) / nodes))):
        between = spread**2 * np.outer(remoteness, remoteness) * same_domain
        cov_y = error + width**2 * np.outer(is_r, is_r) + between + (x * factors[:, 1] ** 2) @ x.T
        cov_ty = is_r * width**2 + on_target * spread**2 + x @ factors[:, 1] ** 2
        var_t = width**2 + spread**2 + (factors[:, 1] ** 2).sum()
        gain = np.linalg.solve(cov_y, np.stack([y - mean_y, cov_ty], axis=1))
        log_weight[i] = -0.5 * (
            (y - mean_y) @ gain[:, 0] + np.linalg.slogdet(cov_y)[1] + n * np.log(2 * np.pi)
        )
        means[i] = mean_t + cov_ty @ gain[:, 0]
        sds[i] = np.sqrt(var_t - cov_ty @ gain[:, 1])
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    mean = weight @ means
    return mean, np.sqrt(weight @ (sds**2 + means**2) - mean**2), weight @ ndtr(means / sds)


def test_nuts_agrees_with_the_exact_posterior_when_errors_are_normal(stated):
    from arviz_stats.base import array_stats

    view = stated.replace(steepening=sie.lognormal(0.4, 1.0))
    rows = normal_rows(usable(view))
    tree = sie.fit(sie.build(rows, view), seed=2)
    log_r = np.log(tree["posterior"].r_asara.values)
    mean, sd, p = exact_log_r(rows, view)
    assert abs(log_r.mean() - mean) < 4 * float(array_stats.mcse(log_r, method="mean"))
    assert abs(log_r.std() - sd) < 4 * float(array_stats.mcse(log_r, method="sd"))
    above = (log_r > 0).astype(float)
    assert abs(above.mean() - p) < 4 * np.sqrt(p * (1 - p) / float(array_stats.ess(above, method="mean")))


def test_without_the_alexnet_row_hardware_scale_returns_to_its_prior(stated, stated_tree):
    tree = sie.fit(sie.build(drop(usable(stated), "alexnet_2020"), stated), seed=3)
    before, after = (np.log(tree[group].hardware_scale.values) for group in ("prior", "posterior"))
    n = before.size
    assert abs(after.mean() - before.mean()) < 4 * before.std() * np.sqrt(2 / n)
    assert abs(after.std() / before.std() - 1) < 4 * np.sqrt(1 / n)
    assert np.median(stated_tree["posterior"].hardware_scale) < 0.8
    assert np.median(tree["prior"].hardware_scale) == pytest.approx(1, abs=0.03)


def test_no_rows_leave_the_prior_as_it_is(stated):
    tree = sie.fit(sie.build(usable(stated, estimate=[]), stated), seed=4)
    before, after = (np.log(tree[group].r_asara.values) for group in ("prior", "posterior"))
    assert abs(after.mean() - before.mean()) < 4 * before.std() * np.sqrt(2 / before.size)
    assert abs(after.std() / before.std() - 1) < 0.03


def test_two_rows_on_the_same_output_data_are_refused(stated):
    rows = sie.read_evidence().sel(estimate=["vision_2024", "vision_2025"])
    with pytest.raises(sie.DoubleCounting, match="vision_2024 and vision_2025 on the same output data"):
        sie.build(rows, stated)


def test_a_row_that_the_view_reflects_is_refused(davidson):
    rows = sie.read_evidence().sel(estimate=["vision_2024"])
    with pytest.raises(sie.DoubleCounting, match="row vision_2024, want none that the view already reflects"):
        sie.build(rows, davidson)


def test_rows_measured_against_compute_are_refused(stated):
    rows = sie.read_evidence().sel(estimate=["stockfish_2024"])
    with pytest.raises(sie.DataError, match="stockfish_2024 input: found measured against compute"):
        sie.build(rows, stated)


def test_a_view_that_states_r_at_asara_cannot_be_built(stated):
    view = sie.read_view("davidson_houlden_2025")
    with pytest.raises(sie.DataError, match="r_asara stated directly"):
        sie.build(usable(stated), view)


def test_a_fit_that_does_not_converge_is_refused_after_every_try(stated, monkeypatch):
    tried = []
    sample = converged.run_chains
    monkeypatch.setattr(converged, "MIN_ESS", 1e9)
    monkeypatch.setattr(
        converged, "run_chains", lambda *a, **k: tried.append(k["target_accept"]) or sample(*a, **k)
    )
    with pytest.raises(sie.NotConverged, match=r"stated: found R-hat .* want at most 1\.01"):
        sie.fit(sie.build(usable(stated), stated), seed=1, draws=1000)
    assert tried == [0.95, 0.99, 0.99]


def with_few_divergences(model, monkeypatch):
    """An accepted fit with divergences, such as a few steps too long give."""
    monkeypatch.setattr(inference, "TRIES", (converged.Try(0.7, 400), *inference.TRIES[1:]))
    for seed in range(1, 9):
        tree = sie.fit(model, seed=seed)
        if tree.attrs["divergences"]:
            assert tree.attrs["target_accept"] == 0.7
            assert tree.attrs["divergences"] <= 20
            return tree
    raise AssertionError("no fit of eight diverged")


def test_an_answer_with_a_few_divergences_is_that_of_quadrature(stated, monkeypatch):
    from arviz_stats.base import array_stats

    view = stated.replace(steepening=sie.lognormal(0.4, 1.0), spread=sie.halfnormal(3.0))
    rows = normal_rows(usable(view))
    log_r = np.log(with_few_divergences(sie.build(rows, view), monkeypatch)["posterior"].r_asara.values)
    mean, _, p = exact_log_r(rows, view)
    assert abs(log_r.mean() - mean) < 4 * float(array_stats.mcse(log_r, method="mean"))
    above = (log_r > 0).astype(float)
    assert abs(above.mean() - p) < 4 * np.sqrt(p * (1 - p) / float(array_stats.ess(above, method="mean")))


def test_a_derived_form_with_a_few_divergences_is_that_of_importance_sampling(evidence, monkeypatch):
    """Draws of a Student-t around the posterior, weighted by the density itself: no chain, no trajectory.

    Of few rows, so that one proposal fits all latents.
    """
    from arviz_stats.base import array_stats

    view = sie.read_view("reference")
    model = sie.build(sie.usable(evidence, view).sel(estimate=FEW), view)
    tree = with_few_divergences(model, monkeypatch)
    posterior = tree["posterior"].to_dataset()
    rng = np.random.default_rng(3)
    scores = [
        view[name].prior.score(posterior[name].values.ravel())
        if name in view.informed and view[name].prior.family != "fixed"
        else rng.standard_normal(20000)
        for name in GRAPH
    ]
    others = [
        posterior[name].transpose("chain", "draw", ...).values.reshape(20000, -1)
        for name in model.design.latents
        if name != "score"
    ]
    x = np.concatenate([np.stack(scores, axis=1), *others], axis=1)
    proposed, log_q = student_draws(x.mean(axis=0), 1.1 * np.cov(x.T), df=8, size=400_000, seed=5)
    log_weight, khat = array_stats.psislw(log_q - log_densities(model, proposed))
    assert khat < 0.7
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    above = r_at_asara(model, proposed) > 1
    p = (weight * above).sum()
    error = np.sqrt((weight**2 * (above - p) ** 2).sum())
    found = (posterior.r_asara.values > 1).astype(float)
    mcse = np.sqrt(p * (1 - p) / float(array_stats.ess(found, method="mean")))
    assert error < 0.005
    assert abs(found.mean() - p) < 4 * np.hypot(error, mcse)


FEW = [
    "toy_ml_2025",
    "report_fixed_hardware_2025",
    "ord_2026_lambda_sec",
    "greenblatt_2026_share",
    "whitfill_wu_compute",
    "vision_growth",
    "openai_growth",
]


def student_draws(mean, covariance, *, df, size, seed):
    from scipy.stats import multivariate_t

    proposal = multivariate_t(mean, covariance, df=df, seed=seed)
    x = proposal.rvs(size)
    return x, proposal.logpdf(x)


def log_densities(model, x):
    """Up to a constant."""
    return log_parts(x, compile_density(model).user_data)[:, 0] - (x**2).sum(axis=1) / 2


def r_at_asara(model, x):
    """r at ASARA of latents (draw, latent), growth inputs at one prior draw each."""
    import xarray as xr

    latents = model.design.latents
    sizes = {name: [len(model.design.coords[dim]) for dim in dims] for name, dims in latents.items()}
    ends = np.cumsum([0, *(np.prod(size, dtype=int) for size in sizes.values())])
    columns = {
        name: (
            ("chain", "draw", *latents[name]),
            x[:, ends[i] : ends[i + 1]].reshape(inference.CHAINS, -1, *size),
        )
        for i, (name, size) in enumerate(sizes.items())
    }
    coords = {dim: model.design.coords[dim] for dims in latents.values() for dim in dims}
    sampled = xr.DataTree.from_dict({"posterior": xr.Dataset(columns, coords)})
    with np.errstate(over="ignore"):  # of the pace, where a proposal is far out
        return inference._posterior(sampled, model.design, draws=len(x), seed=1).r_asara.values.ravel()


def test_fits_meet_their_thresholds(stated_tree, davidson_tree):
    for tree in (stated_tree, davidson_tree):
        assert tree.attrs["max_rhat"] <= 1.01
        assert tree.attrs["min_ess"] >= 400
        assert tree.attrs["divergences"] <= 1e-3 * tree.attrs["draws"]


def test_r_at_asara_is_the_product_of_its_chain_in_prior_and_posterior(davidson_tree):
    for group in ("prior", "posterior"):
        draws = davidson_tree[group].to_dataset()
        product = draws.r_target
        for name in ADJUSTMENTS:
            product = product * draws[name]
        np.testing.assert_allclose(draws.r_asara, product, rtol=1e-12)
        np.testing.assert_allclose(draws.conversion, draws.capabilities * draws.post_training, rtol=1e-12)


def test_growth_inputs_are_the_same_draws_before_and_after_evidence(davidson_tree):
    prior, posterior = davidson_tree["prior"], davidson_tree["posterior"]
    np.testing.assert_array_equal(prior.speedup, posterior.speedup)


def test_reweighting_agrees_with_a_refit(davidson, davidson_tree):
    view2 = davidson.replace(capabilities=sie.lognormal(1.6, 2.3))
    light = sie.reweight(davidson_tree, davidson, view2)
    full = sie.fit(sie.build(usable(davidson), view2), seed=1)
    a, b = (np.log(tree["posterior"].r_asara.values) for tree in (light, full))
    error = b.std() * np.sqrt(1 / light.attrs["effective_draws"] + 1 / b.size)
    assert light.attrs["khat"] < 0.7
    assert abs(a.mean() - b.mean()) < 4 * error
    p, mcse = (
        sie.credences(sie.simulate(light.posterior), events=["r_above_1"])[name].item()
        for name in ("p", "mcse")
    )
    assert mcse >= 0.999 * np.sqrt(p * (1 - p) / light.attrs["effective_draws"])


def test_reweighting_refuses_a_prior_that_the_draws_cannot_reach(davidson, davidson_tree):
    with pytest.raises(sie.RefitNeeded, match="k-hat"):
        sie.reweight(davidson_tree, davidson, davidson.replace(capabilities=sie.lognormal(6, 7)))
    narrow = davidson.replace(capabilities=sie.uniform(1.9, 2.1))
    with pytest.raises(sie.RefitNeeded, match="reaches beyond"):
        sie.reweight(davidson_tree, narrow, davidson)


def test_a_changed_growth_input_changes_no_draw_of_r(davidson, davidson_tree):
    view2 = davidson.replace(speedup=sie.fixed(8))
    tree = sie.reweight(davidson_tree, davidson, view2)
    np.testing.assert_array_equal(tree["posterior"].r_asara, davidson_tree["posterior"].r_asara)
    assert np.isnan(tree.attrs["khat"])
    assert (tree["posterior"].speedup == 8).all()


def test_the_tree_s_groups_go_straight_into_simulate_and_credences(davidson_tree):
    for group, independent in ((davidson_tree.prior, True), (davidson_tree.posterior, False)):
        table = sie.credences(sie.simulate(group))
        assert table.p.dims == ("event",)
        assert table.event.values.tolist() == list(sie.EVENTS)
        n = group.r_asara.size
        p = (group.r_asara.values > 1).mean()
        assert table.p.sel(event="r_above_1").item() == pytest.approx(p)
        binomial = np.sqrt(p * (1 - p) / n)
        ratio = table.mcse.sel(event="r_above_1").item() / binomial
        assert ratio == pytest.approx(1, rel=1e-3 if independent else 0.5)
