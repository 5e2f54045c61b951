"""What left-out rows and domains say: against refits by hand, invariants of the tables, the command and its figures."""

import os
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from conftest import PATIENCE
from matplotlib.colors import same_color

import sie
from sie.analysis import checking, leaving_out
from sie.analysis.sensitivity.power import power_scaling
from sie.commands.evidence import evidence as command
from sie.commands.evidence_tables import predicted_in_words
from sie.plots.evidence import plot_forest, plot_left_out, plot_predicted

VISION = "computer vision"


@pytest.fixture(scope="module")
def reference(stated):
    """A view whose r is against labour, as the published estimates are."""
    return stated


@pytest.fixture(scope="module")
def rows(evidence, reference):
    """Few rows, so that refits are few: two domains and one factor."""
    used = sie.usable(evidence, reference, levels={VISION: "published", "SAT solvers": "published"})
    return used.sel(estimate=["vision_2024", "alexnet_2020", "sat_2024", "toy_ml_2025"])


@pytest.fixture(scope="module")
def model(rows, reference):
    return sie.build(rows, reference)


@pytest.fixture(scope="module")
def tree(model):
    return sie.fit(model, seed=1, draws=8000)


@pytest.fixture(scope="module")
def moved(tree, rows, reference):
    return leaving_out.influence(tree, rows, reference, seed=1)


@pytest.fixture(scope="module")
def predicted(rows, reference):
    return leaving_out.leave_domains_out(rows, reference, seed=1)


@pytest.mark.slow
def test_a_row_s_influence_is_a_refit_without_it(moved, tree, rows, reference):
    kept = rows.sel(estimate=["vision_2024", "sat_2024", "toy_ml_2025"])
    posterior = sie.fit(sie.build(kept, reference), seed=1, draws=8000)["posterior"]
    full = tree["posterior"]
    shift = np.log(float(full.r_asara.median()) / float(posterior.r_asara.median()))
    one = moved.sel(estimate="alexnet_2020")
    assert float(one.log_r) == pytest.approx(shift)
    share = float((full.r_asara > 1).mean()) - float((posterior.r_asara > 1).mean())
    assert float(one.p.sel(event="r_above_1")) == pytest.approx(share)
    assert shift < -0.2
    assert 0 < float(one.log_r_mcse) < -shift / 4


@pytest.mark.slow
def test_pooling_draws_a_domain_from_its_own_rows_towards_the_typical_one(tree, model, rows):
    table = checking.domain_table(tree, model, seed=1).sel(domain="SAT solvers")
    own = rows.value.sel(estimate="sat_2024", quantile=0.5).item()
    assert table.raw.sel(quantile=0.5).item() == pytest.approx(own, rel=0.02)
    typical = float(tree["posterior"].r_typical.median())
    assert typical < table.pooled.sel(quantile=0.5).item() < own
    assert 0 < table.shrinkage.item() < 1


@pytest.mark.slow
def test_domains_without_rows_have_a_posterior_and_nothing_raw(tree, model, rows):
    table = checking.domain_table(tree, model, seed=1)
    empty = table.rows == 0
    assert int(empty.sum()) == table.sizes["domain"] - 2
    assert table.raw.where(empty, drop=True).isnull().all()
    assert table.pooled.notnull().all()


@pytest.mark.slow
def test_a_domain_left_out_is_predicted_by_the_others_alone(predicted, rows, reference):
    assert predicted.domain.values.tolist() == [VISION, "SAT solvers"]
    kept = rows.sel(estimate=["vision_2024", "alexnet_2020", "toy_ml_2025"])
    posterior = sie.fit(sie.build(kept, reference), seed=1, draws=8000)["posterior"]
    r = posterior.r.sel(domain="SAT solvers")
    one = predicted.sel(domain="SAT solvers")
    assert one.predicted.sel(quantile=0.5).item() == pytest.approx(float(r.median()), rel=0.05)
    low, _, high = np.quantile(r, [0.05, 0.5, 0.95])
    assert one.predicted.values[0] < low
    assert one.predicted.values[2] > high
    inside = one.predicted.values[0] <= one.observed.item() <= one.predicted.values[2]
    assert bool(one.hit.sel(mass=0.9)) == inside


@pytest.mark.slow
def test_the_parts_of_a_prediction_s_variance_sum_to_it(predicted):
    """r_typical, the domain around it and the rows around that are independent where the domain has no row."""
    one = predicted.sel(domain="SAT solvers")
    low, _, high = np.log(one.predicted.values)
    sd = np.sqrt(one.variance.sum().item())
    assert (high - low) / (2 * 1.645) == pytest.approx(sd, rel=0.1)
    assert (one.variance > 0).all()


@pytest.mark.slow
def test_loo_agrees_with_a_refit_without_the_row(tree, model, rows, reference):
    """log p(row | others): the mean likelihood of the row over the posterior without it."""
    from sie.returns.design import design

    table = checking.loo(tree, model)
    assert float(table.elpd.sum()) == pytest.approx(table.attrs["elpd"])
    kept = rows.sel(estimate=["vision_2024", "alexnet_2020", "toy_ml_2025"])
    posterior = sie.fit(sie.build(kept, reference), seed=1, draws=8000)["posterior"].to_dataset()
    likelihood = np.exp(design(rows, reference).log_likelihood(posterior).sel(estimate="sat_2024"))
    exact = float(np.log(likelihood.mean()))
    assert table.elpd.sel(estimate="sat_2024").item() == pytest.approx(exact, abs=0.15)


@pytest.mark.slow
def test_power_scaling_sees_what_can_move_r(tree, model, reference):
    table = power_scaling(tree, model)
    assert set(table.quantity.values) == set(reference.informed)
    assert table.answer.values.tolist() == ["log_r_asara", *table.quantity.values.tolist()]
    for name in ("prior", "likelihood", "of_prior", "of_row"):
        assert (table[name] >= 0).all()
    strongest = table.estimate.values[int(table.of_row.values.argmax())]
    assert strongest == "alexnet_2020"


@pytest.mark.slow
def test_the_raw_r_of_a_level_does_not_depend_on_the_levels_of_the_fit(tree, evidence, reference):
    raw = checking.raw_by_level(tree, evidence, reference, seed=1)
    low, middle, high = raw["SAT solvers", "growth"]
    growth = evidence.growth.sel(estimate="sat_growth", growth_quantile=0.5)
    ratio = float(growth.sel(flow="output") / growth.sel(flow="labour"))
    assert low < middle < high
    assert middle == pytest.approx(ratio, rel=0.05)


# Figures


@pytest.fixture
def made_up():
    """Tables as `checking` makes them, of two domains and two rows."""
    domains = ["language models", "SAT solvers"]
    table = xr.Dataset(
        {
            "level": ("domain", ["growth", ""]),
            "pooled": (("domain", "quantile"), [[1.0, 1.6, 2.5], [0.8, 1.7, 3.9]]),
        },
        coords={"domain": domains, "quantile": [0.05, 0.5, 0.95]},
    )
    raw = {
        ("language models", "published"): np.array([0.8, 1.9, 4.5]),
        ("language models", "growth"): np.array([0.9, 1.8, 4.0]),
    }
    moved = xr.Dataset(
        {
            "median_without": ("estimate", [1.4, 0.9]),
            "log_r": ("estimate", [np.log(1.1 / 1.4), np.log(1.1 / 0.9)]),
            "log_r_mcse": ("estimate", [0.02, 0.02]),
            "p": (("estimate", "event"), [[-0.1, -0.1], [0.05, 0.04]]),
            "mcse": (("estimate", "event"), [[0.01, 0.01], [0.01, 0.01]]),
        },
        coords={"estimate": ["down", "up"], "event": list(leaving_out.EVENTS_MOVED)},
        attrs={"median": 1.1},
    )
    predicted = xr.Dataset(
        {
            "predicted": (("domain", "quantile"), [[0.5, 1.0, 2.0], [0.4, 1.6, 5.0]]),
            "observed": ("domain", [1.5, 6.4]),
            "below": ("domain", [0.7, 0.97]),
            "hit": (("domain", "mass"), [[True, True], [False, False]]),
            "variance": (("domain", "part"), [[0.1, 0.2, 0.1], [0.1, 0.2, 0.1]]),
        },
        coords={**table.coords, "mass": [0.5, 0.9], "part": list(leaving_out.PARTS)},
    )
    return table, raw, moved, predicted


def test_the_forest_has_a_line_for_each_level_and_fills_the_one_that_enters(made_up):
    table, raw, _, _ = made_up
    ax = plot_forest(table, raw)
    assert [label.get_text().split()[-1] for label in ax.get_yticklabels()] == [
        "published",
        "growth",
        "posterior",
        "posterior",
    ]
    filled = {
        float(line.get_xdata()[0]): not same_color(line.get_markerfacecolor(), "white")
        for line in ax.get_lines()
        if len(line.get_xdata()) == 1
    }
    assert filled == {1.9: False, 1.8: True, 1.6: True, 1.7: True}


def test_arrows_lead_from_the_row_left_out_to_all_rows_the_largest_first(made_up):
    ax = plot_left_out(made_up[2])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["down", "up"]
    arrows = [text for text in ax.texts if text.arrow_patch is not None]
    assert [(float(arrow.xyann[0]), float(arrow.xy[0])) for arrow in arrows] == [(1.4, 1.1), (0.9, 1.1)]
    assert "-10.0 ± 1.0" in [text.get_text() for text in ax.texts]


def test_a_miss_is_marked(made_up):
    ax = plot_predicted(made_up[3])
    labels = ax.get_legend_handles_labels()[1]
    assert "its own rows, outside" in labels
    marks = [line.get_marker() for line in ax.get_lines() if line.get_label().startswith("its own rows")]
    assert marks == ["D", "X"]


def test_hits_are_printed_with_what_they_are_worth_and_each_miss_with_its_reason(made_up):
    hits, width, miss = predicted_in_words(made_up[3])
    assert hits.startswith("1 of 2 domains lie in the 90 % interval")
    assert (
        "(a right model: 1.8 on average, all 2 in 81 % of cases), 1 of 2 in the 50 % interval (1.0)" in hits
    )
    assert width.startswith("The 90 % intervals span factors of 4.0 to 12.5")
    assert "50 % is how domains differ (spread), 25 % r_typical, 25 % the rows' own" in width
    assert miss.startswith(
        "miss: SAT solvers at 6.40 is 1.28x above the interval's end, 2.2 standard deviations"
    )


def test_a_hit_that_another_seed_may_turn_is_said_to_be_one(made_up):
    edge = made_up[3].assign(below=("domain", [0.948, 0.97]))
    assert any(line.startswith("borderline: language models") for line in predicted_in_words(edge))
    assert not any(line.startswith("borderline") for line in predicted_in_words(made_up[3]))


# The command


def run(*args):
    return subprocess.run(
        [sys.executable, "-m", "sie.cli", "evidence", *args],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONWARNINGS": "error"},
        timeout=PATIENCE,
    )


@pytest.mark.parametrize(
    ("options", "where", "found"),
    [
        ({"view": "davidson_houlden_2025"}, "sie evidence", "r_asara stated directly"),
        ({"levels": ["chess=growth"]}, "levels", "found 'chess', want one of the domains"),
        ({"levels": ["computer vision=raw"]}, "--levels computer vision", "found 'raw', want one of"),
        (
            {"levels": ["linear programming=series"]},
            "levels linear programming",
            "found 'series', want one of",
        ),
        ({"draws": 10}, "--draws", "found 10"),
    ],
)
def test_bad_options_are_one_line_and_write_nothing(options, where, found, tmp_path, refused):
    with refused(where, found):
        command(**options, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_command_prints_domains_rows_and_priors_and_writes_the_forest(tmp_path):
    done = run("--levels", "published", "--draws", "4000", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["reference_forest.png"]
    lines = done.stdout.splitlines()
    [domain] = [line.split() for line in lines if line.strip().startswith("SAT solvers")]
    assert domain[2] == "published"
    [row] = [line.split() for line in lines if line.strip().startswith("alexnet_2020 ")]
    assert len(row) == 5
    assert row[-1] == "primary"
    assert any(line.startswith("PSIS-LOO over rows: elpd") for line in lines)
    assert any(line.startswith("P(years_3_in_1y) = ") for line in lines)
    assert any("0 divergences" in line for line in lines)
