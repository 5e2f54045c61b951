"""The log density as written out, against the graph it stands for: value and gradient, every form of a view, level and selection."""

import numpy as np
import pymc as pm
import pytest
from calls import call as at

import sie
from sie.data.evidence import LEVELS
from sie.returns.compiled import compile_density
from sie.returns.log_density import density_c
from sie.returns.selection import domains_at

SCALES = (0.1, 1.0, 3.0, 12.0)
"""Standard deviations of the latents at which the two are compared; the last lies beyond every curve and every error's pieces."""


def assert_same_density(model):
    written_out = compile_density(model)
    assert written_out.compiled_logp_func is density_c
    model.terms_as_built = None
    graph = compile_density(model)
    assert graph.compiled_logp_func is not density_c
    rng = np.random.default_rng(8)
    for scale in SCALES:
        x = scale * rng.standard_normal(written_out.n_dim)
        (code, value, gradient), (_, wanted, slopes) = at(written_out, x), at(graph, x)
        assert code == 0
        assert value == pytest.approx(wanted, rel=1e-11)
        np.testing.assert_allclose(gradient, slopes, rtol=1e-9, atol=1e-10)


def free():
    """The second form with all that labour's share may depend on uncertain: sigma = 1 would leave it where it is."""
    view = sie.read_view("reference_all_inputs")
    return view.replace(
        sigma=sie.lognormal(0.6, 1.2), experiment_gain=sie.uniform(0, 1), speedup=sie.loguniform(2, 32)
    )


VIEWS = {
    "reference": lambda: sie.read_view("reference"),
    "reference_all_inputs": lambda: sie.read_view("reference_all_inputs"),
    "reference_all_inputs, all uncertain": free,
    "davidson_2025": lambda: sie.read_view("davidson_2025"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", VIEWS)
def test_value_and_gradient_are_those_of_the_graph(evidence, name):
    view = VIEWS[name]()
    for level in LEVELS:
        rows = sie.usable(evidence, view, levels=dict.fromkeys(domains_at(evidence, level), level))
        assert rows.sizes["estimate"] > 5
        for part in (rows, rows.isel(estimate=slice(0, 1)), rows.isel(estimate=[])):
            assert_same_density(sie.build(part, view))


@pytest.mark.slow
def test_data_set_after_building_are_read(evidence):
    view = sie.read_view("reference_all_inputs")
    model = sie.build(sie.usable(evidence, view), view)
    _, before, _ = at(compile_density(model), np.zeros(compile_density(model).n_dim))
    model["observed"].set_value(model["observed"].get_value() + 0.3)
    model["loadings"].set_value(-model["loadings"].get_value())
    _, after, _ = at(compile_density(model), np.zeros(compile_density(model).n_dim))
    assert after != before
    assert_same_density(model)
    assert sie.fit(model, seed=1, draws=4000)["observed_data"].log_estimate.values == pytest.approx(
        model["observed"].get_value()
    )


@pytest.mark.slow
def test_other_priors_set_after_building_are_sampled_from_the_graph(evidence):
    view = sie.read_view("reference")
    model = sie.build(sie.usable(evidence, view), view)
    model["cubic"].set_value(model["cubic"].get_value() * 1.1)
    assert compile_density(model).compiled_logp_func is not density_c


@pytest.mark.slow
def test_a_model_with_another_term_is_sampled_with_it(evidence):
    view = sie.read_view("reference")
    model = sie.build(sie.usable(evidence, view), view)
    x = np.zeros(compile_density(model).n_dim)
    _, before, _ = at(compile_density(model), x)
    with model:
        pm.Potential("more", -3.0 * model["factor"].sum())
    _, after, _ = at(compile_density(model), x)
    assert after - before == pytest.approx(-3 * model["factor"].eval({model["score"]: np.zeros(12)}).sum())


def test_what_is_not_finite_is_told_to_the_sampler(evidence):
    view = sie.read_view("reference")
    compiled = compile_density(sie.build(sie.usable(evidence, view), view))
    assert at(compiled, np.zeros(compiled.n_dim))[0] == 0
    assert at(compiled, np.full(compiled.n_dim, np.nan))[0] == 3
