"""Growth inputs given rows on them, drawn by rejection: closed forms, quadrature, and what correlates them with the chain."""

import numpy as np
import pytest
from conftest import row_changed
from scipy.special import ndtr, ndtri
from scipy.stats import norm, spearmanr

import sie
from sie.inference.growth_given import growth_given, touched
from sie.inference.prior_draws import growth_values, prior
from sie.returns.design import design
from sie.returns.log_density import log_density
from sie.returns.packing import pack

DRAWS = 20000


@pytest.fixture(scope="module")
def davidson():
    return sie.read_view("davidson_2025")


def given(evidence, view, ids, seed=1):
    """Draws of everything but the chain given these rows, the chain at its prior; and the design."""
    rows = sie.usable(evidence, view).sel(estimate=ids)
    of = design(rows, view)
    chain = prior(view, draws=DRAWS, seed=seed)
    moved = {name: chain[name].values.ravel() for name in view.informed}
    return growth_given(of, moved, draws=DRAWS, seed=seed), of


def log_ends(view, name):
    """Mean and standard deviation of the log of a lognormal prior."""
    q05, q95 = np.log(view[name].prior.numbers)
    return (q05 + q95) / 2, (q95 - q05) / (2 * ndtri(0.95))


def normal_row(folder, value, sd):
    """The bundled row on what is left, as one number whose error is normal."""
    cells = {"q05": "", "q95": "", "q50": f"{value}", "definition_sd": f"{sd}", "basis": "ours", "quote": ""}
    row_changed(folder / "inputs.csv", "greenblatt_2025_ceiling", cells)
    return sie.read_evidence(folder)


def test_a_normal_row_on_the_log_of_a_lognormal_quantity_gives_the_closed_form(evidence_copy, davidson):
    value, sd = 4.0, 0.5
    evidence = normal_row(evidence_copy, value, sd)
    draws, of = given(evidence, davidson, ["greenblatt_2025_ceiling"])
    assert touched(of) == {"ceiling"}
    assert of.beside.all()
    mean, width = log_ends(davidson, "ceiling")
    precision = 1 / width**2 + 1 / sd**2
    wanted = norm((mean / width**2 + np.log(value) / sd**2) / precision, precision**-0.5)
    assert abs(wanted.mean() - mean) > 0.2
    found = np.log(draws["ceiling"])
    assert len(found) == DRAWS
    for p in (0.05, 0.25, 0.5, 0.75, 0.95):
        assert np.mean(found < wanted.ppf(p)) == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / DRAWS))


@pytest.mark.slow
def test_draws_are_independent_and_those_of_a_seed(evidence, davidson):
    first, _ = given(evidence, davidson, ["greenblatt_2025_ceiling"])
    again, _ = given(evidence, davidson, ["greenblatt_2025_ceiling"])
    other, _ = given(evidence, davidson, ["greenblatt_2025_ceiling"], seed=2)
    np.testing.assert_array_equal(first["ceiling"], again["ceiling"])
    assert not np.array_equal(first["ceiling"], other["ceiling"])
    log = np.log(first["ceiling"])
    assert abs(np.corrcoef(log[1:], log[:-1])[0, 1]) < 4 / np.sqrt(DRAWS)
    assert abs(spearmanr(log, first["speedup"])[0]) < 4 / np.sqrt(DRAWS)


def test_a_bound_cuts_softly_on_its_side(evidence, davidson):
    """Density of the log: prior times Phi((log ceiling - log bound) / sd)."""
    wide = davidson.replace(ceiling=sie.lognormal(0.5, 20))
    draws, _ = given(evidence, wide, ["eth_davidson_2025_ceiling"])
    row = evidence.sel(estimate="eth_davidson_2025_ceiling")
    assert row.bound == "lower"
    bound, sd = float(row.value.sel(quantile=0.5)), float(row.definition_sd)
    mean, width = log_ends(wide, "ceiling")
    log = np.linspace(mean - 6 * width, mean + 6 * width, 20001)
    density = norm.pdf(log, mean, width) * ndtr((log - np.log(bound)) / sd)
    below = np.cumsum(density) / density.sum()
    for p in (0.05, 0.25, 0.5, 0.75, 0.95):
        at = np.interp(p, below, log)
        assert np.mean(np.log(draws["ceiling"]) < at) == pytest.approx(
            p, abs=4 * np.sqrt(p * (1 - p) / DRAWS)
        )


def test_rows_on_one_input_data_share_half_of_their_variance(evidence_copy, davidson):
    """Two normal rows of equal error, half of its variance common, are one row with 3/4 of it."""
    value, sd = 4.0, 0.5
    normal_row(evidence_copy, value, sd)
    cells = {"q50": f"{value}", "definition_sd": f"{sd}", "bound": "", "basis": "ours", "quote": ""}
    row_changed(evidence_copy / "inputs.csv", "eth_davidson_2025_ceiling", cells)
    evidence = sie.read_evidence(evidence_copy)
    draws, of = given(evidence, davidson, ["greenblatt_2025_ceiling", "eth_davidson_2025_ceiling"])
    mean, width = log_ends(davidson, "ceiling")
    precision = 1 / width**2 + 1 / (0.75 * sd**2)
    wanted = norm((mean / width**2 + np.log(value) / (0.75 * sd**2)) / precision, precision**-0.5)
    found = np.log(draws["ceiling"])
    for p in (0.05, 0.5, 0.95):
        assert np.mean(found < wanted.ppf(p)) == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / DRAWS))
    # What they share is drawn with what they are on: regression of the common error on the mean of both.
    h2 = sd**2 / 2
    common = np.sqrt(h2) * (np.log(value) - mean) / (width**2 + h2 + sd**2 / 4)
    z = draws["z_input"][:, of.names["input_data"].index("brain_as_yardstick")]
    assert abs(common) > 0.1
    assert np.mean(z) == pytest.approx(common, abs=4 / np.sqrt(DRAWS))


@pytest.mark.slow
def test_the_two_distances_are_drawn_together_given_that_one_is_longer(evidence):
    """Against weights on prior draws: a row on the whole distance, one on what is left."""
    view = sie.read_view("reference")
    draws, of = given(evidence, view, ["davidson_2025_ceiling", "greenblatt_2025_ceiling"])
    assert touched(of) == {"ceiling", "gained_before_asara"}
    assert np.all(draws["ceiling"] > draws["gained_before_asara"])
    values, _ = growth_values(view, draws=100_000, seed=9, names=["ceiling", "gained_before_asara"])
    left = np.log(values["ceiling"] - values["gained_before_asara"])
    ids = of.coords["estimate"]
    on = {"davidson_2025_ceiling": np.log(values["ceiling"]), "greenblatt_2025_ceiling": left}
    log_weight = sum(of.densities[i].log_density(on[row] - of.observed[i]) for i, row in enumerate(ids))
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    effective = 1 / (weight**2).sum()
    assert effective > 10_000
    for name in ("ceiling", "gained_before_asara"):
        at = np.quantile(draws[name], [0.05, 0.5, 0.95])
        found = [(weight * (values[name] < x)).sum() for x in at]
        error = 4 * np.sqrt(0.25 * (1 / effective + 1 / DRAWS))
        np.testing.assert_allclose(found, [0.05, 0.5, 0.95], atol=error)


@pytest.mark.slow
def test_rows_with_nothing_in_common_are_drawn_apart(evidence, stated):
    """Three of labour_share on one judgement or alone, three of sigma, two of the ceiling: as many draws as of each alone."""
    on = {
        "labour_share": ["greenblatt_2026_share", "marginal_output_comment_2025", "idea_elasticities_2024"],
        "sigma": ["whitfill_wu_compute", "besiroglu_2024_sigma", "oberfield_raval_2021"],
        "ceiling": ["greenblatt_2025_ceiling", "eth_davidson_2025_ceiling"],
    }
    together, of = given(evidence, stated, [row for ids in on.values() for row in ids])
    assert of.beside.all()
    for seed, (name, ids) in enumerate(on.items(), 2):
        alone = given(evidence, stated, ids, seed=seed)[0][name]
        for p in (0.05, 0.25, 0.5, 0.75, 0.95):
            error = 4 * np.sqrt(2 * p * (1 - p) / DRAWS)
            assert np.mean(together[name] < np.quantile(alone, p)) == pytest.approx(p, abs=error)
        others = [other for other in on if other != name]
        assert all(abs(spearmanr(together[name], together[o])[0]) < 4 / np.sqrt(DRAWS) for o in others)


@pytest.mark.parametrize("name", ["labour_share", "sigma"])
def test_rows_beside_the_chain_leave_its_density_finite(evidence, stated, name):
    rows = sie.usable(evidence, stated)
    of = design(
        rows.isel(estimate=[name in quantity.split("*") for quantity in rows.quantity.values]), stated
    )
    assert of.beside.all()
    packed = pack(of)
    slopes = np.full(
        len(of.coords["quantity"]) + len(of.coords["domain"]) + len(of.coords["input_data"]), np.nan
    )
    assert np.isfinite(log_density(np.zeros(len(slopes)), slopes, packed))
    np.testing.assert_array_equal(slopes, 0)


@pytest.mark.slow
def test_priors_that_hardly_allow_a_row_are_refused(evidence_copy, davidson):
    evidence = normal_row(evidence_copy, 4, 0.01)
    view = davidson.replace(ceiling=sie.lognormal(4000, 5000))
    with pytest.raises(sie.NotConverged, match="that greenblatt_2025_ceiling allow, want 20000"):
        given(evidence, view, ["greenblatt_2025_ceiling"])


RANK = 0.6


@pytest.fixture
def correlated(view_text, write_view):
    """Davidson's view with p, a growth input, correlated with a factor of the chain."""
    pair = f'\n[[correlations]]\nbetween = ["capabilities", "parallel"]\nrank = {RANK}\nbasis = "ours"\nlocator = "judgement"\nnote = "of a test"\n'
    return sie.read_view(write_view(view_text + pair))


def test_what_is_correlated_with_the_chain_follows_its_draws(evidence, correlated):
    """Given its normal score s, that of the other is normal around rho s with variance 1 - rho^2."""
    of = design(sie.usable(evidence, correlated).isel(estimate=[]), correlated)
    chain = prior(correlated, draws=DRAWS, seed=3)
    moved = {name: chain[name].values.ravel() for name in correlated.informed}
    rho = 2 * np.sin(np.pi / 6 * RANK)
    for score in (-1.5, 0.0, 2.0):
        told = moved | {"capabilities": np.full(DRAWS, correlated["capabilities"].prior.at(score))}
        drawn = growth_given(of, told, draws=DRAWS, seed=3)
        found = correlated["parallel"].prior.score(drawn["parallel"])
        wanted = norm(rho * score, np.sqrt(1 - rho**2))
        for p in (0.1, 0.5, 0.9):
            assert np.mean(found < wanted.ppf(p)) == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / DRAWS))
        assert np.all(np.isin(list(correlated.informed), list(drawn), invert=True))


def test_with_the_chain_at_its_prior_the_rank_correlation_is_the_stated_one(evidence, correlated):
    of = design(sie.usable(evidence, correlated).isel(estimate=[]), correlated)
    chain = prior(correlated, draws=DRAWS, seed=3)
    moved = {name: chain[name].values.ravel() for name in correlated.informed}
    drawn = growth_given(of, moved, draws=DRAWS, seed=3)
    assert spearmanr(moved["capabilities"], drawn["parallel"])[0] == pytest.approx(RANK, abs=0.02)
    assert abs(spearmanr(moved["post_training"], drawn["parallel"])[0]) < 4 / np.sqrt(DRAWS)


def test_what_no_row_is_on_keeps_its_prior_draws(evidence, davidson):
    draws, _ = given(evidence, davidson, ["greenblatt_2025_ceiling"])
    own = prior(davidson, draws=DRAWS, seed=1)
    for name in ("speedup", "parallel", "recent_pace"):
        np.testing.assert_array_equal(draws[name], own[name].values.ravel())
    assert not np.array_equal(draws["ceiling"], own.ceiling.values.ravel())
