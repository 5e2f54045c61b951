"""What drives a view: closed forms for shares, Shapley effects, movements and crossings, and independence of every order."""

import itertools
import json
import math
import re

import numpy as np
import pytest
import xarray as xr
from scipy.special import ndtr
from scipy.stats import hypergeom, multivariate_normal, norm

import sie
from sie.analysis.sensitivity.crossings import crossings
from sie.analysis.sensitivity.measures import (
    effective_sample_size,
    independent_inputs,
    movement,
    tornado,
    variance_shares,
    varying_inputs,
)
from sie.analysis.sensitivity.shapley import shapley_effects, weights
from sie.growth.credences import indicators as event_indicators
from sie.inference.prior_draws import prior
from sie.plots.sensitivity import plot_shapley, plot_tornado, plot_variance_shares
from sie.returns.equations import at_asara

N = 20000
LOG_LINEAR = {
    "r_typical": (0.5, 3.0),
    "capabilities": (1.0, 3.0),
    "post_training": (1.0, 1.5),
    "compute_bottleneck": (0.2, 1.0),
    "hardware_scale": (0.5, 0.9),
    "steepening": (0.5, 0.9),
}


@pytest.fixture(scope="module")
def log_linear(stated):
    """A view whose log r at ASARA is a sum of independent normals, and its prior draws."""
    view = stated.replace(
        spread=sie.fixed(0),
        labour_share=sie.fixed(1),
        sigma=sie.fixed(1),
        experiment_gain=sie.fixed(0),
        shape=sie.fixed(1),
        **{name: sie.lognormal(*ends) for name, ends in LOG_LINEAR.items()},
    )
    return view, prior(view, draws=N, seed=5)


@pytest.fixture(scope="module")
def gaussian():
    """Four standard normal inputs, the last of which does nothing, and two events of their weighted sum."""
    x = np.random.default_rng(11).standard_normal((4, N))
    slope = np.array([1.0, 0.7, 0.4, 0.0])
    return {f"x{i}": column for i, column in enumerate(x)}, slope, np.stack([slope @ x > 0, slope @ x > 1])


def sum_of_normals(slope, covariance, threshold):
    """Shapley effects on 1{slope . x > threshold} of jointly normal x, by bivariate normal probabilities."""
    count = len(slope)
    sd = math.sqrt(slope @ covariance @ slope)
    p, z = norm.sf(threshold / sd), -threshold / sd

    def explained(u):
        if not u:
            return 0.0
        cov = covariance[np.ix_(u, range(count))] @ slope
        r2 = cov @ np.linalg.solve(covariance[np.ix_(u, u)], cov) / sd**2
        both = p if r2 > 1 - 1e-12 else multivariate_normal.cdf([z, z], cov=[[1, r2], [r2, 1]])
        return both - p * p

    phi = np.zeros(count)
    for i in range(count):
        rest = [j for j in range(count) if j != i]
        for size, weight in enumerate(weights(count)):
            for u in itertools.combinations(rest, size):
                phi[i] += weight * (explained(sorted((*u, i))) - explained(list(u)))
    return phi / (p * (1 - p))


def all_draws(indicators):
    return np.full(len(indicators), float(indicators.shape[1]))


def test_variance_shares_sum_to_1_and_agree_with_the_closed_form_of_a_log_linear_view(log_linear):
    _, draws = log_linear
    shares = variance_shares(draws)
    variance = np.array([math.log(high / low) ** 2 for low, high in LOG_LINEAR.values()])
    expected = variance / variance.sum()
    assert shares.share.sum().item() == pytest.approx(1, abs=1e-12)
    assert np.all(np.abs(shares.share.values - expected) < 4 * shares.se.values)
    assert np.all(shares.se.values < 0.01)


def test_a_term_that_moves_against_the_others_has_a_negative_share():
    z = np.random.default_rng(0).standard_normal(5000)
    ones = np.ones((1, 5000))
    idle = ("capabilities", "post_training", "hardware_scale", "steepening")
    draws = xr.Dataset(dict.fromkeys(idle, (("chain", "draw"), ones)))
    draws["r_target"] = (("chain", "draw"), np.exp(2 * z)[None])
    draws["compute_bottleneck"] = (("chain", "draw"), np.exp(-z)[None])
    share = variance_shares(draws).share
    assert share.sel(term="compute_bottleneck").item() == pytest.approx(-1)
    assert share.sel(term="r_target").item() == pytest.approx(2)
    assert share.sel(term="steepening").item() == 0


def test_a_view_that_states_r_has_one_term():
    draws = prior(sie.read_view("davidson_houlden_2025"), draws=1000, seed=1)
    shares = variance_shares(draws)
    assert shares.term.values.tolist() == ["r_asara"]
    assert shares.share.item() == pytest.approx(1)


@pytest.mark.parametrize("dependence", [0.0, 0.5])
def test_shapley_effects_agree_with_the_closed_form_of_a_sum_of_normals(dependence):
    covariance = (1 - dependence) * np.eye(4) + dependence
    x = np.random.default_rng(2).multivariate_normal(np.zeros(4), covariance, size=N).T
    slope = np.array([1.0, 0.7, 0.4, 0.0])
    thresholds = {0.0: (0.03, 0.06), 1.0: (0.03, 0.06), 2.4: (0.06, 0.2)}  # the last is rare and harder
    indicators = np.stack([slope @ x > threshold for threshold in thresholds])
    found = shapley_effects(
        {f"x{i}": np.exp(column) for i, column in enumerate(x)}, indicators, effective=all_draws(indicators)
    )
    for e, (threshold, (near, most_missing)) in enumerate(thresholds.items()):
        expected = sum_of_normals(slope, covariance, threshold)
        missing = found.unattributed.values[e]
        assert 0 <= missing < most_missing
        assert found.share.values[e].sum() + missing == pytest.approx(1)
        np.testing.assert_allclose(found.share.values[e], expected, atol=near)


def test_shapley_effects_of_an_interaction_are_shared_alike():
    x = np.random.default_rng(3).standard_normal((3, N))
    indicators = (x[0] * x[1] > 0)[None]
    found = shapley_effects({"a": x[0], "b": x[1], "idle": x[2]}, indicators, effective=all_draws(indicators))
    share, se = found.share.values[0], found.se.values[0]
    np.testing.assert_allclose(share[:2], 0.5, atol=0.04)
    assert abs(share[2]) < 3 * se[2] + 0.005


def test_an_idle_input_has_no_shapley_effect_within_its_error(gaussian):
    inputs, _, indicators = gaussian
    found = shapley_effects(inputs, indicators, effective=all_draws(indicators)).sel(input="x3")
    assert np.all(np.abs(found.share.values) < 3 * found.se.values)


def test_errors_grow_with_the_square_root_of_the_draws_lost_to_autocorrelation(gaussian):
    inputs, _, indicators = gaussian
    full, quarter = (
        shapley_effects(inputs, indicators[:1], effective=np.array([float(n)])) for n in (N, N / 4)
    )
    np.testing.assert_allclose(quarter.se, 2 * full.se)
    wide, narrow = (movement(inputs, indicators[:1], effective=np.array([float(n)])) for n in (N / 4, N))
    np.testing.assert_allclose(wide.upper - wide.lower, 2 * (narrow.upper - narrow.lower))


def test_an_event_that_never_happens_has_no_shapley_effects(gaussian):
    inputs, _, indicators = gaussian
    found = shapley_effects(
        inputs, np.stack([indicators[0], np.zeros(N, dtype=bool)]), effective=np.full(2, float(N))
    )
    assert np.all(np.isnan(found.share.values[1]))
    assert np.all(np.isfinite(found.share.values[0]))


def test_more_inputs_than_all_orders_allow_are_sampled_and_still_agree(gaussian, monkeypatch):
    inputs, _, indicators = gaussian
    every = shapley_effects(inputs, indicators[:1], effective=np.array([float(N)]))
    monkeypatch.setattr("sie.analysis.sensitivity.shapley.MOST_SETS", 4)
    some = shapley_effects(inputs, indicators[:1], effective=np.array([float(N)]))
    assert (every.attrs["every_order"], some.attrs["every_order"]) == (1, 0)
    assert np.all(np.abs(some.share - every.share) < 4 * some.se)
    assert np.all(some.se < 0.03)
    assert some.share.sum().item() == pytest.approx(every.share.sum().item(), abs=1e-6)


def test_movement_agrees_with_the_closed_form_of_a_normal_input():
    x, e = np.random.default_rng(7).standard_normal((2, N))
    indicators = (x + e > 0)[None]
    found = movement({"x": x}, indicators, effective=all_draws(indicators))
    assert found.moved.item() == pytest.approx(0.25, abs=0.01)  # E |Phi(x) - 1/2| = 1/4
    assert found.lower.item() < 0.25 < found.upper.item() + found.null.item()


def test_movement_less_its_null_is_salib_s_mean_pawn_index(gaussian):
    from SALib.analyze import pawn

    inputs, _, indicators = gaussian
    found = movement(inputs, indicators[:1], effective=np.array([float(N)]))
    problem = {"num_vars": 4, "names": list(inputs), "bounds": [[-5, 5]] * 4}
    index = pawn.analyze(
        problem, np.stack(list(inputs.values()), axis=1), indicators[0].astype(float), S=20, seed=1
    )
    np.testing.assert_allclose(found.moved.values[0] + found.null.values[0], index["mean"], atol=2e-3)


def test_the_interval_of_an_input_that_does_not_matter_covers_0():
    random = np.random.default_rng(13)
    idle = {f"idle{i}": column for i, column in enumerate(random.standard_normal((200, 4000)))}
    indicators = random.random((1, 4000)) < 0.4
    found = movement(idle, indicators, effective=all_draws(indicators))
    covered = (found.lower.values < 0) & (found.upper.values > 0)
    assert covered.mean() >= 0.95
    assert abs(found.moved.values.mean()) < 0.001


def test_the_null_is_the_hypergeometric_mean_deviation():
    from sie.analysis.sensitivity.measures import _mean_away

    for n, happens, size in ((2000, 900, 100), (100, 3, 7), (100, 99, 5), (50, 0, 5), (50, 50, 5)):
        k = np.arange(size + 1)
        expected = hypergeom.pmf(k, n, happens, size) @ np.abs(k / size - happens / n)
        assert _mean_away(n, happens, size) == pytest.approx(expected, abs=1e-12)


def test_the_tornado_is_the_probability_in_the_lowest_and_highest_tenth():
    x, e = np.random.default_rng(17).standard_normal((2, N))
    indicators = (x + e > 0)[None]
    found = tornado({"x": x}, indicators, effective=all_draws(indicators))
    z = norm.ppf((np.arange(2000) + 0.5) / 20000)
    expected = np.array([ndtr(z).mean(), ndtr(-z).mean()])
    assert np.all(np.abs(found.p.values[0, 0] - expected) < 4 * found.mcse.values[0, 0])
    np.testing.assert_allclose(found.value.values[0], norm.ppf([0.05, 0.95]), atol=0.05)


def test_crossings_lie_where_the_probability_is_a_half_and_nowhere_for_an_idle_input():
    x, e, idle = np.random.default_rng(19).standard_normal((3, N))
    indicators = np.stack([x + e > 0.7, x + e > 9])
    found = crossings({"x": np.exp(x), "idle": idle}, indicators, effective=all_draws(indicators))
    value, lower, upper = (found[name].values for name in ("value", "lower", "upper"))
    assert lower[0, 0] < math.exp(0.7) < upper[0, 0]
    assert value[0, 0] == pytest.approx(math.exp(0.7), rel=0.06)
    assert np.isnan(value[0, 1])
    assert np.all(np.isnan(value[1]))


def test_an_input_of_two_values_is_told_by_its_values():
    random = np.random.default_rng(23)
    x = np.where(random.random(N) < 0.3, 0.7, 2.6)
    indicators = (random.random(N) < np.where(x > 1, 0.8, 0.2))[None]
    effective = all_draws(indicators)
    found = tornado({"x": x}, indicators, effective=effective)
    np.testing.assert_allclose(found.p.values[0, 0], [0.2, 0.8], atol=0.02)
    assert movement({"x": x}, indicators, effective=effective).moved.item() == pytest.approx(0.252, abs=0.02)
    assert shapley_effects({"x": x}, indicators, effective=effective).share.item() == pytest.approx(
        0.32, abs=0.03
    )
    assert 0.7 <= crossings({"x": x}, indicators, effective=effective).value.item() <= 2.6


def test_results_depend_on_the_order_of_neither_draws_nor_inputs(gaussian):
    inputs, _, indicators = gaussian
    order = np.random.default_rng(29).permutation(N)
    shuffled = {name: inputs[name][order] for name in reversed(inputs)}
    for tell in (shapley_effects, movement, tornado, crossings):
        one = tell(inputs, indicators, effective=all_draws(indicators))
        other = tell(shuffled, indicators[:, order], effective=all_draws(indicators)).sel(input=list(inputs))
        for name in one.data_vars:
            np.testing.assert_allclose(other[name], one[name], rtol=1e-7, atol=1e-9, err_msg=name)


def test_variance_shares_do_not_depend_on_the_order_of_draws(log_linear):
    _, draws = log_linear
    shuffled = draws.isel(draw=np.random.default_rng(1).permutation(draws.sizes["draw"]))
    np.testing.assert_allclose(variance_shares(shuffled).share, variance_shares(draws).share, atol=1e-12)


def test_the_inputs_of_a_view_are_what_it_states_and_varies(log_linear):
    view, draws = log_linear
    inputs = varying_inputs(draws, view)
    assert set(inputs) == {"r_target", *LOG_LINEAR, "speedup", "recent_pace", "ceiling", "parallel"}
    assert set(inputs) - set(independent_inputs(inputs)) == {"r_typical"}


def test_indicators_and_their_effective_sample_size_are_those_of_the_credences(log_linear):
    _, draws = log_linear
    paths = sie.simulate(draws)
    table = sie.credences(paths)
    indicators = event_indicators(paths, list(sie.EVENTS))
    np.testing.assert_array_equal(indicators.mean(axis=1), table.p.values)
    np.testing.assert_allclose(effective_sample_size(table), N)


def test_only_what_an_event_depends_on_moves_it(log_linear):
    view, draws = log_linear
    inputs = varying_inputs(draws, view)
    indicators = event_indicators(sie.simulate(draws), ["r_above_1"])
    found = movement(inputs, indicators, effective=all_draws(indicators))
    for name in ("speedup", "recent_pace", "ceiling", "parallel"):
        one = found.sel(input=name)
        assert one.lower.item() < 0 < one.upper.item(), name
    assert found.moved.sel(input="r_target").item() > 0.15


def labelled(indicators):
    return xr.DataArray(indicators, dims=("event", "draw"), coords={"event": ["a", "b"]})


@pytest.mark.slow
def test_tables_have_the_events_of_their_indicators_and_figures_take_them_as_they_are(gaussian):
    inputs, _, indicators = gaussian
    effective = all_draws(indicators)
    for table in (sie.tornado, sie.movement, sie.crossings, sie.shapley_effects):
        assert table(inputs, labelled(indicators), effective=effective).event.values.tolist() == ["a", "b"]
        assert "event" not in table(inputs, indicators, effective=effective).coords
    for table, plot in ((sie.tornado, sie.plot_tornado), (sie.shapley_effects, sie.plot_shapley)):
        several = table(inputs, labelled(indicators), effective=effective)
        single = table(inputs, labelled(indicators)[:1], effective=effective[:1])
        assert plot(single).get_xlabel() == plot(several, "a").get_xlabel()
        assert "1" in plot(table(inputs, indicators, effective=effective), 1).get_xlabel()
        with pytest.raises(sie.DataError, match="event: found none for 2 events, want one of a, b"):
            plot(several)
        with pytest.raises(sie.DataError, match="event: found 'c', want one of a, b"):
            plot(several, "c")


def test_a_tornado_is_drawn_around_the_credence_over_all_draws(gaussian):
    inputs, _, indicators = gaussian
    table = sie.tornado(inputs, labelled(indicators), effective=all_draws(indicators))
    np.testing.assert_array_equal(table.credence, indicators.mean(axis=1))
    chains = labelled(indicators).values.reshape(2, 4, -1)
    by_chain = xr.DataArray(chains, dims=("event", "chain", "draw"), coords={"event": ["a", "b"]})
    xr.testing.assert_identical(table, sie.tornado(inputs, by_chain, effective=all_draws(indicators)))


@pytest.mark.parametrize("kind", ["tornado", "shares", "shapley"])
def test_the_figures_say_what_they_show(gaussian, kind, tmp_path):
    inputs, _, indicators = gaussian
    effective = all_draws(indicators)
    if kind == "tornado":
        found = tornado(inputs, labelled(indicators), effective=effective)
        ax = plot_tornado(found, "a", title="title")
        assert len(ax.get_yticklabels()) == 4
        assert ax.get_yticklabels()[-1].get_text() == "x0"
    elif kind == "shapley":
        found = shapley_effects(inputs, labelled(indicators), effective=effective)
        ax = plot_shapley(found, "a", title="title")
        assert [label.get_text() for label in ax.get_yticklabels()][-1] == "unattributed"
    else:
        ax = plot_variance_shares(
            xr.Dataset(
                {"share": ("term", [1.2, -0.2]), "se": ("term", [0.01, 0.01])},
                {"term": ["r_target", "steepening"]},
            ),
            title="title",
        )
        assert {text.get_text() for text in ax.texts} == {"120.0 %", "-20.0 %"}
    assert ax.get_xlabel()
    assert ax.get_title() == "title"


@pytest.mark.slow
def test_the_command_tells_and_writes_what_drives_a_view(command, tmp_path):
    target, folder = tmp_path / "out.json", tmp_path / "plots"
    code, out, err = command(
        "sensitivity", "reference", "--event", "r_above_1", "--draws", 2000, "--json", target, "--out", folder
    )
    assert (code, err) == (0, "")
    assert re.search(r"^  sum +100\.0 %$", out, re.MULTILINE)
    document = json.loads(target.read_text(), parse_constant=pytest.fail)
    assert sum(item["value"] for item in document["shares"] if item["what"] == "share") == pytest.approx(1)
    crossing = {item["input"]: item["value"] for item in document["crossings"] if item["what"] == "value"}
    assert crossing["speedup"] is None
    assert 0.8 < crossing["r_target"] < 2
    assert {path.name for path in folder.iterdir()} == {
        "variance_shares.png",
        "tornado_r_above_1.png",
        "shapley_r_above_1.png",
    }


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (("nope",), "nope"),
        (("reference", "--given", "posterior"), "posterior"),
        (("reference", "--event", "sie"), "'sie'"),
        (("davidson_houlden_2025", "--given", "evidence"), "states r at ASARA"),
        (("reference", "--draws", "1001"), "1001"),
        (("reference", "--json", "no_such_folder/out.json"), "no_such_folder"),
    ],
)
def test_bad_input_is_one_line(command, args, found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = command("sensitivity", *args)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert found in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_power_scaling_sees_evidence_where_rows_speak_and_priors_where_none_does(evidence):
    from sie.analysis.sensitivity.power import SENSITIVE, power_scaling

    view = sie.read_view("reference")
    rows = sie.usable(evidence, view)
    model = sie.build(rows, view)
    found = power_scaling(sie.fit(model, seed=1, draws=8000), model)
    silent, spoken = (found.sel(answer=name) for name in ("speedup", "hardware_scale"))
    assert silent.likelihood.item() < silent.prior.item() / 2
    assert spoken.likelihood.item() > 2 * max(silent.likelihood.item(), SENSITIVE)
    assert found.answer.values[0] == "log_r_asara"


@pytest.mark.slow
def test_the_posterior_depends_on_its_inputs_jointly_and_shares_still_sum_to_1(evidence):
    view = sie.read_view("reference")
    tree = sie.fit(sie.build(sie.usable(evidence, view), view), seed=1, draws=8000)
    draws = tree["posterior"].to_dataset()
    assert variance_shares(draws).share.sum().item() == pytest.approx(1, abs=1e-12)
    terms = [np.log(draws[name].values.ravel()) for name in variance_shares(draws).term.values]
    dependence = np.corrcoef(terms) - np.eye(len(terms))
    assert dependence.min() < -0.05  # rows on r times a factor make the two move against each other


@pytest.mark.slow
def test_shapley_effects_of_a_path_event_agree_with_simulating_every_set_of_inputs_anew():
    free = ("r_typical", "compute_bottleneck", "ceiling", "speedup")
    reference = sie.read_view("reference")
    view = reference.replace(
        **{
            name: sie.fixed(0.0 if name == "spread" else reference[name].prior.median())
            for name in reference.entries
            if name not in free
        }
    )
    events = ["gain_500x", "years_3_in_1y"]
    one, other = (prior(view, draws=N, seed=seed) for seed in (1, 2))
    indicators = event_indicators(sie.simulate(one), events)
    inputs = independent_inputs(varying_inputs(one, view))
    found = shapley_effects(inputs, indicators, effective=all_draws(indicators))
    names = list(inputs)

    def explained(u):
        """Cov of the event with the event where all but the inputs u are drawn anew (pick and freeze)."""
        kept = {name: one[name] for i, name in enumerate(names) if u >> i & 1}
        mixed = other[[*view.entries, "r_target"]].assign(kept)
        again = event_indicators(sie.simulate(mixed.assign(at_asara(mixed.variables, view))), events)
        return np.array([np.cov(a, b)[0, 1] for a, b in zip(indicators, again, strict=True)])

    v = [explained(u) for u in range(2 ** len(names))]
    variance = indicators.var(axis=1)
    for i, name in enumerate(names):
        expected = sum(
            weights(len(names))[u.bit_count()] * (v[u | 1 << i] - v[u])
            for u in range(len(v))
            if not u >> i & 1
        )
        np.testing.assert_allclose(found.share.sel(input=name), expected / variance, atol=0.04, err_msg=name)
    assert np.all(found.unattributed.values < 0.08)
