"""`sie.weighted`: stored draws under edited priors and without rows, against refits, new paths, and what it refuses."""

import numpy as np
import pytest

import sie
from sie.base.errors import DataError, RefitNeeded
from sie.inference.reweighting import MAX_KHAT
from sie.inference.workbench import Workbench
from sie.returns.design import design

DRAWS = 4000
EDITS = 200
FITS = 8
"""Fits that share the edits: those of one fit share its error."""


@pytest.fixture(scope="module")
def evidence():
    return sie.read_evidence()


@pytest.fixture(scope="module")
def reference():
    return sie.read_view("reference")


@pytest.fixture(scope="module")
def rows(evidence, reference):
    return sie.usable(evidence, reference)


MANY = [
    "language_models_growth",
    "openai_growth",
    "vision_growth",
    "alexnet_growth",
    "sat_growth",
    "stockfish",
]


def stored(rows, view, seed):
    model = design(rows, view)
    return sie.stored_draws(sie.fit(model, seed=seed, draws=DRAWS, groups=()), model)


@pytest.fixture(scope="module")
def draws(rows, reference):
    return stored(rows, reference, 1)


def away(one, other):
    """How far two tables are apart, in combined errors, by event."""
    return np.abs(one.p.values - other.p.values) / np.hypot(one.mcse.values, other.mcse.values)


def moved(prior, rng):
    """A prior moved and stretched by random factors, within its support."""
    move, stretch = rng.normal(0, 0.2), np.exp(rng.normal(0, 0.25))
    if prior.family == "halfnormal":
        return sie.halfnormal(prior.numbers[0] * np.exp(move))
    low, high = prior.at(np.array([-1.645, 1.645]))
    if prior.family == "lognormal":
        middle, half = np.sqrt(low * high) * np.exp(move), np.sqrt(high / low) ** stretch
        return sie.lognormal(middle / half, middle * half)
    odds = np.log([low / (1 - low), high / (1 - high)])
    ends = odds.mean() + 3 * move + (odds - odds.mean()) * min(stretch, 0.95)
    return sie.beta(*(1 / (1 + np.exp(-ends))))


def random_edits(view, rng):
    """One to three priors of anything that is uncertain, growth inputs too."""
    names = [name for name, entry in view.entries.items() if not entry.prior.has_atom]
    chosen = rng.choice(names, size=rng.integers(1, 4), replace=False)
    return {str(name): moved(view[name].prior, rng) for name in chosen}


def refitted(rows, view, seed):
    tree = sie.fit(design(rows, view), seed=seed, draws=DRAWS, groups=())
    return sie.credences(sie.simulate(tree["posterior"].to_dataset()))


@pytest.mark.slow
def test_nothing_edited_and_nothing_left_out_is_the_answer_of_the_fit(draws):
    table = sie.weighted(draws, {})
    wanted = sie.credences(sie.simulate(draws.posterior))
    np.testing.assert_array_equal(table.p, wanted.p)
    np.testing.assert_allclose(table.mcse, wanted.mcse, rtol=1e-12)
    assert np.isnan(table.attrs["khat"])
    assert table.attrs["effective_draws"] == DRAWS


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    "part", [0, 1, 2, *(pytest.param(part, marks=pytest.mark.release) for part in range(3, FITS))]
)
def test_edits_by_weights_agree_with_refits_within_four_errors(part, rows, reference, capsys):
    rng, found, refused = np.random.default_rng([11, part]), [], 0
    base = stored(rows, reference, 1 + part)
    while len(found) < EDITS // FITS:
        edits = random_edits(reference, rng)
        try:
            table = sie.weighted(base, edits)
        except RefitNeeded:
            refused += 1
            continue
        assert table.attrs["khat"] <= MAX_KHAT
        wanted = refitted(rows, reference.replace(**edits), 1000 * (part + 1) + len(found))
        found.append(away(table, wanted))
    worst, mean = np.max(found), np.sqrt(np.mean(np.square(found)))
    with capsys.disabled():
        print(f"\n{len(found)} edits, {refused} refused; errors apart: most {worst:.2f}, rms {mean:.2f}")
    assert worst <= 4


@pytest.mark.slow
def test_rows_left_out_by_weights_agree_with_refits_within_four_errors(draws, rows, reference, capsys):
    found = {}
    for row in rows.estimate.values.tolist():
        try:
            table = sie.weighted(draws, {}, without=[row])
        except RefitNeeded:
            continue
        wanted = refitted(
            rows.sel(estimate=[other for other in rows.estimate.values if other != row]), reference, 77
        )
        found[row] = away(table, wanted)
    with capsys.disabled():
        print(
            f"\n{len(found)} of {rows.sizes['estimate']} rows by weights; most {np.max([*found.values()]):.2f} errors"
        )
    assert len(found) >= 20
    assert max(map(np.max, found.values())) <= 4


@pytest.mark.slow
def test_an_edit_and_a_row_left_out_at_once_agree_with_a_refit(draws, rows, reference):
    edits, gone = {"experiment_gain": sie.beta(0.1, 0.6)}, "ord_2026_lambda_sec"
    table = sie.weighted(draws, edits, without=[gone])
    kept = rows.sel(estimate=[row for row in rows.estimate.values if row != gone])
    assert np.max(away(table, refitted(kept, reference.replace(**edits), 5))) <= 4


@pytest.mark.slow
@pytest.mark.parametrize(
    "edits",
    [
        {"ceiling": sie.lognormal(3, 12)},
        {"recent_pace": sie.lognormal(1.0, 2.0), "software_share": sie.beta(0.4, 0.6)},
    ],
    ids=["ceiling", "pace and share"],
)
def test_growth_inputs_by_weights_agree_with_new_paths(edits, evidence):
    view = sie.read_view("davidson_2025_thread" if "recent_pace" in edits else "davidson_2025")
    edits = {name: prior for name, prior in edits.items() if not view[name].prior.has_atom}
    assert edits
    bench = Workbench(evidence, seed=3, draws=DRAWS)
    base = bench.answer(view)
    draws = sie.stored_draws(base.fit.tree, design(base.rows, view))
    by_paths = bench.instant(view.replace(**edits))
    assert by_paths.how == "paths"
    assert np.max(away(sie.weighted(draws, edits), by_paths.credences["evidence"])) <= 4


@pytest.mark.slow
def test_weights_move_growth_inputs_that_no_row_is_on(draws, rows, reference):
    edits = {"recent_pace": sie.lognormal(1.2, 2.4), "software_share": sie.beta(0.45, 0.75)}
    fresh = sie.weighted(draws, edits)
    assert np.max(away(fresh, refitted(rows, reference.replace(**edits), 9))) <= 4
    assert fresh.p.sel(event="r_above_1") == pytest.approx(float(sie.weighted(draws, {}).p[0]), abs=0.03)


@pytest.mark.slow
def test_the_workbench_gives_the_same_number(evidence, reference):
    bench = Workbench(evidence, seed=1, draws=DRAWS)
    base = bench.answer(reference)
    draws = sie.stored_draws(base.fit.tree, design(base.rows, reference))
    edits = {"capabilities": sie.lognormal(1.2, 3.0), "lambda": reference["lambda"].prior.scaled(0.95)}
    answer, table = bench.instant(reference.replace(**edits)), sie.weighted(draws, edits)
    assert answer.how == "reweighted"
    # The workbench reads the density of the histories' lambda off its curve, which errs by 1e-6.
    np.testing.assert_allclose(table.p, answer.credences["evidence"].p, atol=1e-6)
    np.testing.assert_allclose(table.mcse, answer.credences["evidence"].mcse, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edits", "without", "error", "message"),
    [
        (
            {"frontier_share": sie.fixed(0)},
            [],
            RefitNeeded,
            r"\[frontier_share\]: found a prior that reaches beyond",
        ),
        ({"shape": sie.uniform(1, 2)}, [], RefitNeeded, r"\[shape\]: found a prior that reaches beyond"),
        ({"lambda": sie.lognormal(2, 3)}, [], RefitNeeded, "found k-hat .* for lambda, want at most 0.7"),
        ({}, MANY, RefitNeeded, "found k-hat .* for leaving out language_models_growth, leaving out"),
        ({"nothing": sie.fixed(0)}, [], DataError, "a quantity this view does not state"),
        ({}, ["nothing"], DataError, "without: found 'nothing', want one of the rows that were fitted"),
    ],
    ids=["made fixed", "was fixed", "far away", "many rows", "no quantity", "no row"],
)
def test_what_weights_cannot_answer_is_refused(draws, edits, without, error, message):
    with pytest.raises(error, match=message):
        sie.weighted(draws, edits, without=without)
