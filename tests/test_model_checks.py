"""Checks of a fitted model: leaving out by weights against refits, tails against their formula, and what broken models show."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

import sie
from sie.analysis import leaving_out
from sie.analysis.calibration import worlds
from sie.analysis.checking import draw_errors
from sie.analysis.model_checks import UNLIKELY, check_rows, verdicts, with_refits
from sie.analysis.sensitivity.power import power_scaling
from sie.inference.sampling import fit
from sie.returns.design import design

DRAWS = 8000


@pytest.fixture(scope="module")
def view():
    return sie.read_view("reference")


@pytest.fixture(scope="module")
def rows(view):
    return sie.usable(sie.read_evidence(), view)


@pytest.fixture(scope="module")
def of(rows, view):
    return design(rows, view)


@pytest.fixture(scope="module")
def tree(of):
    return fit(of, seed=1, draws=DRAWS, groups=())


@pytest.fixture(scope="module")
def checked(tree, of, rows, view):
    return with_refits(check_rows(tree, of, seed=1), tree, rows, view, seed=1, draws=DRAWS)


@pytest.mark.slow
@pytest.mark.parametrize(
    "row", ["report_fixed_hardware_2025", "language_models_growth", "ho_whitfill_third_2025"]
)
def test_a_row_left_out_by_weights_is_the_row_left_out_by_a_refit(checked, tree, rows, view, row):
    one = checked.sel(estimate=row)
    kept = rows.sel(estimate=[other for other in rows.estimate.values if other != row])
    refitted = fit(design(kept, view), seed=2, draws=DRAWS, groups=())["posterior"].to_dataset()
    full, without = (
        sie.credences(sie.simulate(draws), events=checked.event.values.tolist())
        for draws in (tree["posterior"].to_dataset(), refitted)
    )
    error = np.sqrt(one.mcse.values**2 + full.mcse.values**2 + without.mcse.values**2)
    assert np.all(np.abs(one.moved.values - (full.p.values - without.p.values)) < 4 * error)
    whole = design(rows, view)
    i = whole.coords["estimate"].index(row)
    replicated = (whole.expected(refitted) - draw_errors(whole, refitted, 3)).values[..., i]
    assert one.loo_pit.item() == pytest.approx((replicated < whole.observed[i]).mean(), abs=0.03)


@pytest.mark.slow
def test_rows_that_weights_cannot_leave_out_are_left_out_by_refits(checked, tree, rows, view):
    spoilt = checked.copy(deep=True).drop_vars("refitted")
    i = spoilt.estimate.values.tolist().index("post_training_davidson_2025")
    spoilt.khat.values[:] = 0.1
    spoilt.khat.values[i], spoilt.moved.values[i] = 0.9, 9.0
    found = with_refits(spoilt, tree, rows, view, seed=1, draws=DRAWS)
    assert found.refitted.values.nonzero()[0].tolist() == [i]
    error = np.hypot(found.mcse.values[i], checked.mcse.values[i])
    assert np.all(np.abs(found.moved.values[i] - checked.moved.values[i]) < 4 * error)


def test_bounds_have_no_tail_and_every_other_row_has(checked):
    bounds = {"eth_davidson_2025_ceiling", "gundlach_2025_origin"}
    assert set(checked.estimate.values[checked.loo_pit.isnull().values]) == bounds
    assert np.isfinite(checked.moved.values).all()


@pytest.mark.slow
def test_the_reference_agrees_with_its_evidence(checked, tree, of):
    found = verdicts(checked, power_scaling(tree, of))
    assert all(each.good for each in found)
    assert [each.check for each in found][:3] == ["prior predictive", "posterior predictive", "LOO-PIT"]


@pytest.mark.slow
def test_errors_that_are_too_small_are_found_by_the_tails_of_the_rows(of, tree):
    """A world whose rows lie off by three times their stated errors: their posterior and left-out tails say so."""
    fair = [row for row in range(len(of.observed)) if not np.isnan(of.observed[row])]
    world, observed = worlds.draw_world(of, seed=11)
    shown = of.expected(world).values.ravel()
    wide = replace(
        of, observed=np.where(np.isin(np.arange(len(shown)), fair), shown + 4 * (observed - shown), observed)
    )
    found = check_rows(fit(wide, seed=1, draws=4000, groups=()), wide, seed=1)
    found["refitted"] = found.khat > np.inf
    bad = {each.check for each in verdicts(found, power_scaling(tree, of)) if not each.good}
    assert {"posterior predictive", "LOO-PIT"} & bad


@pytest.mark.long
@pytest.mark.slow
def test_in_worlds_of_the_model_its_checks_find_nothing_but_by_chance(of):
    """Each of the three shapes speaks against a right model in at most about one of a hundred worlds."""
    runs = 20
    against, scaling = 0, None
    for seed in range(runs):
        _, observed = worlds.draw_world(of, seed=300 + seed)
        world = replace(of, observed=observed)
        tree = fit(world, seed=seed, draws=4000, groups=())
        found = check_rows(tree, world, seed=seed)
        found["refitted"] = found.khat > np.inf
        scaling = scaling if scaling is not None else power_scaling(tree, world)
        against += sum(not each.good for each in verdicts(found, scaling)[:3])
    assert against <= binom.ppf(0.999, 3 * runs, UNLIKELY) + 1


@pytest.mark.slow
def test_the_command_prints_a_line_a_row_and_a_verdict_a_check(command, tmp_path):
    target = tmp_path / "checks.json"
    code, out, err = command("check-model", "davidson_2025", "--quick", "--draws", 4000, "--json", target)
    assert (code, err) == (0, "")
    document = json.loads(target.read_text(), parse_constant=pytest.fail)
    assert out.count("points (MCSE") == len(document["rows"][0]["moved"]) == 2
    assert {each["check"] for each in document["verdicts"]} >= {
        "prior predictive",
        "LOO-PIT",
        "power scaling",
    }
    for row in document["rows"]:
        assert row["row"] in out


def test_a_view_that_evidence_cannot_move_is_refused(command):
    code, out, err = command("check-model", "davidson_houlden_2025")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "found r_asara stated directly, want a view that evidence can move" in err


@pytest.mark.slow
def test_domains_left_out_are_a_verdict(checked, tree, of, rows, view):
    predicted = leaving_out.leave_domains_out(rows.isel(estimate=slice(None)), view, seed=1, draws=1000)
    found = verdicts(checked, power_scaling(tree, of), predicted)[-1]
    hits = int(predicted.hit.sel(mass=0.9).sum())
    assert found.sentence.startswith(f"{hits} of {predicted.sizes['domain']} domains")
