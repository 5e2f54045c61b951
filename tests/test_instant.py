"""Edited views answered by stored draws: by paths, by weights, by a refit, and never by weights that are not to be trusted."""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from pymc.stats import compute_log_likelihood

import sie
from sie.base.errors import DataError, RefitNeeded
from sie.base.stats import QUANTILES
from sie.inference.converged import MIN_ESS
from sie.inference.reweighting import MAX_KHAT
from sie.inference.workbench import Workbench
from sie.returns.design import design

SEED, DRAWS = 1, 4000


@pytest.fixture(scope="module")
def evidence():
    return sie.read_evidence()


@pytest.fixture(scope="module")
def davidson():
    return sie.read_view("davidson_2025")


@pytest.fixture(scope="module")
def bench(evidence, davidson):
    bench = Workbench(evidence, seed=SEED, draws=DRAWS)
    bench.answer(davidson)
    return bench


def reported(evidence, view, levels=None):
    """Credences of a view as a report computes them."""
    tree = sie.fit(sie.build(sie.usable(evidence, view, levels=levels), view), seed=SEED, draws=DRAWS)
    return {
        given: sie.credences(sie.simulate(tree[group].to_dataset()))
        for given, group in (("priors", "prior"), ("evidence", "posterior"))
    }


def assert_same(found, wanted):
    for given, table in wanted.items():
        np.testing.assert_array_equal(found.credences[given].p, table.p)
        np.testing.assert_allclose(found.credences[given].mcse, table.mcse, rtol=1e-12)
        assert found.credences[given].event.values.tolist() == table.event.values.tolist()


@pytest.mark.slow
def test_a_fitted_view_has_the_credences_of_a_report_to_the_last_digit(bench, evidence, davidson):
    answer = bench.answer(davidson)
    assert answer.how == "refitted"
    assert_same(answer, reported(evidence, davidson))


@pytest.mark.slow
def test_a_changed_growth_input_is_answered_by_paths_and_equals_a_report(bench, evidence, davidson):
    view = davidson.replace(speedup=sie.lognormal(3, 20), ceiling=sie.lognormal(4, 10))
    answer = bench.instant(view)
    assert answer.how == "paths"
    assert np.isnan(answer.khat)
    assert_same(answer, reported(evidence, view))


@pytest.mark.slow
def test_a_small_change_of_the_chain_is_reweighted_and_says_so(bench, davidson):
    answer = bench.instant(davidson.replace(capabilities=sie.lognormal(1.8, 2.6)))
    assert answer.how == "reweighted"
    assert answer.khat <= MAX_KHAT
    assert MIN_ESS <= answer.effective_draws < DRAWS
    assert not answer.exact
    assert answer.fit.view is davidson


@pytest.mark.slow
def test_priors_alone_of_an_edit_are_exact(bench, davidson):
    view = davidson.replace(capabilities=sie.lognormal(1.8, 2.6))
    wanted = sie.credences(sie.simulate(sie.prior(view, draws=DRAWS, seed=SEED)))
    found = bench.instant(view).credences["priors"]
    np.testing.assert_array_equal(found.p, wanted.p)
    np.testing.assert_allclose(found.mcse, wanted.mcse, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "edit", "why"),
    [
        ({}, {"capabilities": sie.lognormal(4, 6)}, "k-hat|draws, want at least"),
        ({}, {"hardware_scale": sie.lognormal(0.02, 2)}, "k-hat|draws, want at least"),
        ({}, {"spread": sie.fixed(0.3)}, "reaches beyond the old one"),
        (
            {"post_training": sie.uniform(1, 2)},
            {"post_training": sie.lognormal(1, 2)},
            "reaches beyond the old one",
        ),
    ],
    ids=["far away", "much wider", "an atom", "other support"],
)
def test_weights_that_are_not_to_be_trusted_are_refused_and_refitted(evidence, davidson, start, edit, why):
    bench = Workbench(evidence, seed=SEED, draws=DRAWS)
    bench.answer(davidson.replace(**start))
    view = davidson.replace(**edit)
    with pytest.raises(RefitNeeded, match=why):
        bench.instant(view)
    answer = bench.answer(view)
    assert answer.how == "refitted"
    assert answer.fit.view is view


@pytest.mark.slow
def test_a_refit_is_the_base_of_later_edits_and_is_kept(evidence, davidson):
    bench = Workbench(evidence, seed=SEED, draws=DRAWS)
    bench.answer(davidson)
    far = davidson.replace(capabilities=sie.lognormal(4, 6))
    bench.answer(far)
    near = bench.instant(davidson.replace(capabilities=sie.lognormal(4.1, 6)))
    assert near.how == "reweighted"
    assert near.fit.view is far
    assert bench.instant(davidson).how == "refitted"


@pytest.mark.slow
def test_rows_that_the_view_reflects_are_a_refit(bench, evidence, davidson):
    view = dataclasses.replace(davidson, reflects=(*davidson.reflects, "sat_2024"))
    with pytest.raises(RefitNeeded):
        bench.instant(view)
    answer = bench.answer(view)
    assert answer.how == "refitted"
    assert "sat_2024" not in answer.counted[0]
    assert "sat_2024" in dict(answer.counted[1])
    assert_same(answer, reported(evidence, view))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "factor"), [("parallel", 0.9), ("compute_bottleneck", 1.1)])
def test_a_changed_lambda_reweights_where_a_raw_history_counts_and_agrees_with_a_report(
    bench, evidence, davidson, name, factor
):
    view = davidson.replace(**{name: davidson[name].prior.scaled(factor)})
    assert "nanogpt_speedrun" in bench.answer(davidson).counted[0]
    answer = bench.instant(view)
    assert answer.how == "reweighted"
    before, after = answer.credences["evidence"], reported(evidence, view)["evidence"]
    assert np.all(np.abs(before.p - after.p) < 4 * np.hypot(before.mcse, after.mcse))
    resampled = sie.credences(sie.simulate(answer.draws_given("evidence")))
    assert np.all(np.abs(resampled.p.values - before.p.values) < 4 * before.mcse.values)


@pytest.mark.slow
def test_the_likelihood_of_a_raw_history_at_stored_draws_is_that_of_the_graph(bench, evidence, davidson):
    answer = bench.answer(davidson)
    rows, draws = answer.rows, answer.draws_given("evidence").isel(draw=slice(0, 25))
    model = sie.build(rows, davidson)
    with model:
        by_pymc = compute_log_likelihood(
            xr.DataTree.from_dict({"posterior": draws}),
            var_names=["log_r_history"],
            extend_inferencedata=False,
            progressbar=False,
        )
    found = design(rows, davidson).log_likelihood(draws).sel(estimate="nanogpt_speedrun").values.ravel()
    wanted = by_pymc.log_r_history.sel(log_r_history_row="nanogpt_speedrun").values.ravel()
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert np.ptp(wanted) > 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["parallel", "compute_bottleneck"])
def test_reweighting_by_priors_alone_is_refused_where_lambda_changes_and_a_raw_history_counts(
    bench, davidson, name
):
    view = davidson.replace(**{name: davidson[name].prior.scaled(0.95)})
    tree = bench.answer(davidson).fit.tree
    with pytest.raises(RefitNeeded, match=f"found another {name}, under which nanogpt_speedrun is read"):
        sie.reweight(tree, davidson, view)
    sie.reweight(tree, davidson, davidson.replace(labour_share=sie.fixed(0.5)))


@pytest.mark.slow
def test_a_changed_lambda_of_growth_and_histories_alike_is_reweighted_and_agrees_with_a_report(evidence):
    """The derived form: lambda has a prior of its own, twice, once for the histories."""
    view = sie.read_view("reference")
    bench = Workbench(evidence, seed=SEED, draws=DRAWS)
    assert {"stockfish", "nanogpt_speedrun"} <= set(bench.answer(view).counted[0])
    changed = view.replace(**{"lambda": view["lambda"].prior.scaled(0.95)})
    answer = bench.instant(changed)
    assert answer.how == "reweighted"
    before, after = answer.credences["evidence"], reported(evidence, changed)["evidence"]
    assert np.all(np.abs(before.p - after.p) < 4 * np.hypot(before.mcse, after.mcse))


@pytest.mark.slow
def test_what_an_edit_fixes_has_no_rows_on_it(evidence, davidson):
    """Rows on a quantity count while it is uncertain; those of the view before are not used in their place."""
    bench = Workbench(evidence, seed=SEED, draws=DRAWS)
    for edit in ({}, {"ceiling": sie.fixed(10)}, {"hardware_scale": sie.fixed(0.5)}, {}):
        view = davidson.replace(**edit)
        found, wanted = bench.rows(view), sie.usable(evidence, view)
        assert found.estimate.values.tolist() == wanted.estimate.values.tolist()
    assert "greenblatt_2025_ceiling" not in bench.rows(davidson.replace(ceiling=sie.fixed(10))).estimate
    assert "gundlach_2025_origin" not in bench.rows(davidson.replace(hardware_scale=sie.fixed(1))).estimate


@pytest.mark.slow
def test_a_growth_input_that_is_fixed_is_refitted_without_the_rows_on_it(bench, evidence, davidson):
    view = davidson.replace(ceiling=sie.fixed(10))
    answer = bench.answer(view)
    assert answer.how == "refitted"
    assert "greenblatt_2025_ceiling" not in answer.counted[0]
    assert_same(answer, reported(evidence, view))


@pytest.mark.slow
def test_a_changed_lambda_moves_paths_alone_where_no_raw_history_counts(bench, evidence, davidson):
    view = dataclasses.replace(davidson, reflects=(*davidson.reflects, "nanogpt_speedrun"))
    bench.answer(view)
    changed = view.replace(parallel=sie.fixed(0.3))
    answer = bench.instant(changed)
    assert answer.how == "paths"
    assert_same(answer, reported(evidence, changed))


@pytest.mark.slow
@pytest.mark.parametrize(
    "levels",
    [{"SAT solvers": "epoch", "linear programming": "published"}, {"computer chess": "growth"}],
    ids=["rows that count", "rows that do not"],
)
def test_other_levels_have_the_credences_of_a_report_at_these_levels(bench, evidence, davidson, levels):
    bench.answer(davidson)
    answer = bench.answer(davidson, levels=levels)
    rows = sie.usable(evidence, davidson, levels=levels)
    assert answer.how == "refitted"
    assert answer.counted == (tuple(rows.estimate.values), tuple(rows.attrs["left_out"]))
    assert_same(answer, reported(evidence, davidson, levels))
    small = bench.instant(davidson.replace(capabilities=sie.lognormal(1.8, 2.6)), levels=levels)
    assert small.how == "reweighted"
    assert small.fit is answer.fit


def test_levels_that_evidence_does_not_have_are_refused(evidence, davidson):
    bench = Workbench(evidence, seed=SEED, draws=DRAWS)
    with pytest.raises(DataError, match="levels SAT solvers: found 'series', want one of published"):
        bench.answer(davidson, levels={"SAT solvers": "series"})


@pytest.mark.slow
def test_quantiles_of_r_are_weighted(bench, davidson):
    view = davidson.replace(hardware_scale=sie.lognormal(0.4, 0.8))
    weighted, refitted = bench.instant(view), bench.refit(view)
    assert weighted.how == "reweighted"
    np.testing.assert_allclose(weighted.r["evidence"], refitted.r["evidence"], rtol=0.08)
    np.testing.assert_array_equal(weighted.r["priors"], refitted.r["priors"])
    assert len(weighted.r["evidence"]) == len(QUANTILES)


@pytest.mark.slow
def test_draws_of_a_reweighted_answer_have_its_credences(bench, davidson):
    answer = bench.instant(davidson.replace(steepening=sie.lognormal(0.5, 1.0)))
    assert answer.how == "reweighted"
    resampled = sie.credences(sie.simulate(answer.draws_given("evidence")))
    away = np.abs(resampled.p.values - answer.credences["evidence"].p.values)
    assert np.all(away < 4 * answer.credences["evidence"].mcse.values)


def test_a_view_that_states_r_is_answered_by_paths_without_a_fit(evidence):
    view = sie.read_view("davidson_houlden_2025")
    answer = Workbench(evidence, seed=SEED, draws=DRAWS).answer(view)
    assert answer.how == "paths"
    assert answer.given == ("priors",)
    assert answer.diagnostics is None
    assert answer.counted == ((), ())
    wanted = sie.credences(sie.simulate(sie.prior(view, draws=DRAWS, seed=SEED)))
    np.testing.assert_array_equal(answer.credences["priors"].p, wanted.p)


def test_without_evidence_there_are_priors_only(davidson):
    answer = Workbench(None, seed=SEED, draws=1000).answer(davidson)
    assert answer.how == "paths"
    assert answer.given == ("priors",)
    assert answer.tree["prior"].sizes == {"chain": 4, "draw": 250}


def test_before_any_fit_there_is_no_instant_answer(evidence, davidson):
    with pytest.raises(RefitNeeded, match="no draws yet"):
        Workbench(evidence, seed=SEED, draws=DRAWS).instant(davidson)


def random_edit(view, rng):
    """One to three priors of the chain, each moved and stretched by random factors."""
    names = rng.choice(view.informed, size=rng.integers(1, 4), replace=False)
    edit = {}
    for name in names:
        move, stretch = np.exp(rng.normal(0, 0.2)), np.exp(rng.normal(0, 0.25))
        if view[name].prior.family == "halfnormal":
            edit[str(name)] = view[name].prior.scaled(float(move))
            continue
        low, high = view[name].prior.numbers
        middle, half = np.sqrt(low * high) * move, np.sqrt(high / low) ** stretch
        edit[str(name)] = sie.lognormal(middle / half, middle * half)
    return view.replace(**edit)


@pytest.mark.slow
def test_reweighted_credences_agree_with_a_refit_within_four_errors(evidence, davidson, capsys):
    """Ten random edits below the k-hat threshold of each of four fits; those above it, met on the way, are all refitted.

    The answers of one fit share its error: one fit that lies two errors off would have all of its edits off.
    """
    rng = np.random.default_rng(7)
    worst, reweighted, refitted = [], 0, 0
    while reweighted < 40:
        if reweighted % 10 == 0:
            bench = Workbench(evidence, seed=SEED + reweighted // 10, draws=DRAWS)
            base = bench.answer(davidson)
        view = random_edit(davidson, rng)
        bench = Workbench(evidence, seed=base.seed, draws=DRAWS, fits=[base.fit])
        try:
            instant = bench.instant(view)
        except RefitNeeded:
            refitted += 1
            assert bench.answer(view).how == "refitted"
            continue
        assert instant.how == "reweighted"
        assert instant.khat <= MAX_KHAT
        exact = Workbench(evidence, seed=SEED + 100 + reweighted, draws=DRAWS).answer(view)
        assert exact.how == "refitted"
        before, after = instant.credences["evidence"], exact.credences["evidence"]
        worst.append(np.abs(before.p - after.p).values / np.hypot(before.mcse, after.mcse).values)
        reweighted += 1
    with capsys.disabled():
        print(
            f"\n{reweighted} edits reweighted, {refitted} refitted; |difference| / error: "
            f"largest {np.max(worst):.2f}, root mean square {np.sqrt(np.mean(np.square(worst))):.2f}"
        )
    assert np.max(worst) <= 4
    assert np.sqrt(np.mean(np.square(worst))) <= 1.25
