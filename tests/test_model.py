"""`build` returns an ordinary PyMC model: what PyMC and ArviZ users do to a model works on it."""

import re
import warnings
from pathlib import Path

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
import xarray as xr
from pymc.stats import compute_log_likelihood, compute_log_prior
from pytensor.compile.mode import Mode
from scipy import stats

import sie
from sie.data.quantities import ADJUSTMENTS
from sie.inference.groups import GROUPS, groups_of
from sie.returns.priors_in_pymc import declare

PLAIN = Mode(linker="py", optimizer="fast_compile")
"""Without compiled code, for a few evaluations."""

VIEWS = ("reference", "davidson_2025")

FAMILIES = {
    "uniform": sie.uniform(1, 4),
    "loguniform": sie.loguniform(0.1, 30),
    "normal": sie.normal(1, 3),
    "lognormal": sie.lognormal(0.5, 8),
    "quantiles": sie.quantiles(0.5, 1.0, 6.0),
    "halfnormal": sie.halfnormal(0.5),
    "beta": sie.beta(0.1, 0.9),
    "mixture": sie.mixture([0.25, 0.75], [sie.uniform(0.2, 0.5), sie.lognormal(2, 3)]),
    "mixture of uniforms": sie.mixture([0.5, 0.5], [sie.uniform(0.2, 0.5), sie.loguniform(0.4, 0.9)]),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_prior_becomes_its_own_distribution_and_the_whole_line_its_support(family):
    prior = FAMILIES[family]
    x = prior.at(np.array([-3.0, -1.0, 0.0, 0.5, 2.5]))
    with pm.Model() as model:
        declare("x", prior)
    log_p = pm.logp(model["x"], x).eval(mode=PLAIN)
    np.testing.assert_allclose(log_p, prior.logpdf(x), rtol=1e-7, atol=1e-9)
    # Every value within the support has one on the line that NUTS walks, and back.
    transform = model.rvs_to_transforms[model["x"]]
    if transform is None:
        assert prior.support == (-np.inf, np.inf)
        return
    inputs = model["x"].owner.inputs
    for value in x:
        walked = transform.forward(pt.constant(value), *inputs)
        assert transform.backward(walked, *inputs).eval(mode=PLAIN) == pytest.approx(value, rel=1e-5)


def test_a_mixture_is_walked_in_its_own_scores(evidence):
    """Far parts are one standard normal to NUTS: the density over scores is normal, and the value its quantile."""
    prior = FAMILIES["mixture"]
    with pm.Model() as model:
        declare("x", prior)
    log_p = model.compile_logp(mode=PLAIN)
    for score in (-2.5, -1.0, -0.3, 0.4, 2.0):
        point = {model.value_vars[0].name: np.array(score)}
        assert log_p(point) == pytest.approx(float(stats.norm.logpdf(score)), abs=1e-9)


@pytest.fixture(scope="module", params=VIEWS)
def made(request, evidence):
    """A view, its model and a short fit."""
    view = sie.read_view(request.param)
    model = sie.build(sie.usable(evidence, view), view)
    return view, model, sie.fit(model, seed=1, draws=4000)


def few(tree, draws=5):
    """The tree with a few draws, for what PyMC computes draw by draw."""
    return tree.isel(draw=slice(draws), chain=slice(2))


@pytest.mark.slow
def test_every_quantity_stands_under_its_own_name(made):
    view, model, _ = made
    assert set(view.entries) <= set(model.named_vars)
    uncertain = {name for name in view.entries if view[name].prior.family != "fixed"}
    latents = {name for name in model.design.latents if name != "score"}
    assert {v.name for v in model.free_RVs} == uncertain | latents
    assert {"r", "r_target", "r_asara", "conversion", "doublings_left"} <= {
        v.name for v in model.deterministics
    }
    assert all(name in model.named_vars for name in ADJUSTMENTS)
    text = model.str_repr()
    assert "capabilities ~ LogNormal(" in text
    assert "log_factor ~ Normal(f(" in text


@pytest.mark.slow
def test_rows_are_observed_variables(made, evidence):
    view, model, tree = made
    rows = sie.usable(evidence, view).estimate.values.tolist()
    observed = [row for v in model.observed_RVs for row in model.coords[f"{v.name}_row"]]
    assert sorted(observed) == sorted(rows)
    assert {v.name for v in model.observed_RVs} == set(tree["observed_data"].data_vars)


@pytest.mark.slow
def test_the_graph_can_be_drawn(made):
    _, model, _ = made
    with pytensor.config.change_flags(cxx=""):  # PyMC evaluates every dim: nothing to compile for
        dot = pm.model_to_graphviz(model).source
    for name in ("r_typical", "r_asara", "log_factor"):
        assert f"{name}" in dot
    # An arrow is a dependence: rows on factors say nothing of any domain's r.
    assert "\tr -> log_factor" not in dot
    assert "r -> log_output_growth" in dot or "r -> log_r_published" in dot


@pytest.mark.slow
def test_the_picture_in_the_documentation_is_of_the_reference_model(reference):
    picture = (Path(__file__).parents[1] / "docs" / "reference_model.svg").read_text(encoding="utf-8")
    nodes = {
        title for title in re.findall(r"<title>([^<]*)</title>", picture) if title in reference.named_vars
    }
    assert nodes == set(reference.named_vars)


@pytest.mark.slow
def test_the_tree_has_the_standard_groups(made):
    _, _, tree = made
    assert set(tree.children) == {"prior", "posterior", "sample_stats", "observed_data", *GROUPS}
    prior, posterior = tree["prior"].to_dataset(), tree["posterior"].to_dataset()
    assert set(prior.data_vars) == set(posterior.data_vars)
    assert {name: v.dims for name, v in prior.items()} == {name: v.dims for name, v in posterior.items()}


@pytest.mark.slow
def test_prior_draws_of_r_agree_with_their_own_equation(made):
    _, model, tree = made
    prior = tree["prior"]
    spread = prior.spread * xr.DataArray(model.design.remoteness, dims="domain")
    np.testing.assert_allclose(prior.r, prior.r_typical * np.exp(spread * prior.z), rtol=1e-12)
    np.testing.assert_allclose(prior.r_target, prior.r.sel(domain="language models"), rtol=1e-12)


@pytest.mark.slow
def test_log_likelihood_and_log_prior_are_pymcs(made):
    _, model, tree = made
    some = few(tree)
    del some["log_likelihood"], some["log_prior"]
    with model:
        by_pymc = compute_log_likelihood(some, extend_inferencedata=False, progressbar=False)
        log_prior = compute_log_prior(some, extend_inferencedata=False, progressbar=False)
    ours = few(tree)
    for wanted, group in ((by_pymc, "log_likelihood"), (log_prior, "log_prior")):
        wanted = wanted[group].to_dataset() if isinstance(wanted, xr.DataTree) else wanted
        assert set(wanted.data_vars) == set(ours[group].data_vars)
        for name in wanted.data_vars:
            np.testing.assert_allclose(ours[group][name], wanted[name], rtol=1e-7, atol=1e-7, err_msg=name)


@pytest.mark.slow
def test_predictive_draws_have_pymcs_distribution(made):
    """Means and spreads of 400 replications at one point of the posterior: ours by inverse masses, PyMC's by its own variables."""
    _, model, tree = made
    point = tree["posterior"].to_dataset().isel(chain=[0], draw=[7])
    many = xr.concat([point] * 400, "draw").assign_coords(draw=np.arange(400))
    with model:
        by_pymc = pm.sample_posterior_predictive(
            many, random_seed=3, progressbar=False, compile_kwargs={"mode": PLAIN}
        )["posterior_predictive"]
    ours = groups_of(model.design, many, many, ["posterior_predictive"], seed=5)["posterior_predictive"]
    for name in ours.data_vars:
        for q in (0.25, 0.5, 0.75):
            a, b = (x[name].quantile(q, ("chain", "draw")).values for x in (ours, by_pymc))
            scale = ours[name].quantile(0.75, ("chain", "draw")) - ours[name].quantile(
                0.25, ("chain", "draw")
            )
            assert np.all(np.abs(a - b) < 0.45 * scale.values), name


@pytest.mark.slow
def test_prior_predictive_of_pymc_runs(made):
    _, model, _ = made
    tree = pm.sample_prior_predictive(200, model=model, random_seed=1, compile_kwargs={"mode": PLAIN})
    assert np.isfinite(tree["prior"].r_asara).all()
    paths = sie.simulate(tree["prior"].to_dataset())
    assert 0 < float(sie.credences(paths).p.sel(event="r_above_1")) < 1


@pytest.mark.slow
def test_arviz_takes_the_tree(made):
    _, _, tree = made
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a Pareto shape above 0.7 is told, and is so
        loo = az.loo(tree, var_name="log_factor")
    assert np.isfinite(loo.elpd)
    sense = az.psense_summary(tree, var_names=["r_asara"])
    assert float(sense.prior.iloc[0]) > 0
    az.plot_ppc_dist(tree, var_names=["log_factor"], num_samples=20)
    az.plot_prior_posterior(tree, var_names=["r_typical", "capabilities"])
    plt.close("all")


@pytest.mark.slow
@pytest.mark.parametrize("name", sie.view_names())
def test_every_row_that_counts_distinguishes_draws(name, evidence):
    """One that does not is left out with the reason: `az.loo` takes no constant."""
    view = sie.read_view(name)
    if view.states_r_asara:
        return
    rows = sie.usable(evidence, view)
    fixed = [factor for factor in ADJUSTMENTS if factor in view and view[factor].prior.family == "fixed"]
    why = dict(rows.attrs["left_out"])
    if "post_training" in fixed:
        reflected = {"the view already reflects it"}
        assert {why["post_training_davidson_2025"]} <= reflected | {"on post_training, which the view fixes"}
    tree = sie.fit(sie.build(rows, view), seed=1, draws=4000, groups=("log_likelihood",))
    for found in tree["log_likelihood"].data_vars.values():
        assert (found.std(("chain", "draw")) > 0).all()


@pytest.mark.slow
def test_an_unknown_group_is_refused(made):
    with pytest.raises(sie.DataError, match="groups: found 'waic', want one of log_likelihood"):
        sie.fit(made[1], seed=1, draws=4000, groups=["waic"])


@pytest.fixture(scope="module")
def reference(evidence):
    view = sie.read_view("reference")
    return sie.build(sie.usable(evidence, view), view)


@pytest.mark.long
@pytest.mark.slow
def test_pymcs_own_sampler_agrees_and_its_posterior_simulates(reference):
    tree = pm.sample(
        700, tune=700, chains=4, model=reference, random_seed=1, target_accept=0.95, progressbar=False
    )
    assert int(tree["sample_stats"].diverging.sum()) == 0
    ours = sie.fit(reference, seed=1)
    for name in ("r_asara", "r_target", "capabilities", "sigma", "ceiling", "labour_share"):
        for q in (0.1, 0.5, 0.9):
            a, b = (np.log(t["posterior"][name].quantile(q).item()) for t in (tree, ours))
            sd = float(np.log(ours["posterior"][name]).std())
            # A quantile's error is about 2 sd / sqrt(ESS) within these; theirs has at least 400.
            ess = float(az.ess(tree, var_names=[name], method="quantile", prob=q)[name])
            assert abs(a - b) < 4 * 2 * sd / np.sqrt(ess), (name, q)
    table = sie.credences(sie.simulate(tree["posterior"].to_dataset()))
    wanted = sie.credences(sie.simulate(ours["posterior"].to_dataset()))
    assert (abs(table.p - wanted.p) < 4 * np.hypot(table.mcse, wanted.mcse)).all()


@pytest.mark.slow
def test_a_changed_model_is_sampled_from_its_graph_where_an_added_term_and_an_intervention_count(evidence):
    """On the rows beside domains alone, whose graph is small."""
    view = sie.read_view("davidson_2025")
    rows = sie.usable(evidence, view)
    model = sie.build(rows.isel(estimate=rows.domain_idx.values < 0), view)
    before = sie.fit(model, seed=1, draws=4000, groups=())["posterior"].r_asara
    with model:
        pm.Normal("log_capabilities_again", pm.math.log(model["capabilities"]), 0.01, observed=np.log(4.0))
    tree = sie.fit(pm.do(model, {"post_training": 2.0}), seed=1, draws=4000)
    assert float(tree["posterior"].capabilities.median()) == pytest.approx(4.0, rel=0.1)
    assert float(tree["posterior"].r_asara.median()) > 1.2 * float(before.median())
    assert set(tree.children) >= {"prior", "posterior", "observed_data", *GROUPS}
    assert tree["prior"].sizes["chain"] == tree["posterior"].sizes["chain"] == 4
    assert "log_capabilities_again" in tree["log_likelihood"]
    conversion = tree["posterior"].conversion / tree["posterior"].capabilities
    np.testing.assert_allclose(conversion, 2.0, rtol=1e-12)
