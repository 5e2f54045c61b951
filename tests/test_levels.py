"""Growth rates, series and elasticities as evidence, and the one level at which a domain enters."""

import itertools

import numpy as np
import pytest

import sie
from sie import evidence as module
from sie.evidence import default_levels
from sie.rows import FLOWS
from sie.sources import BASES, data_folder

RAW_FIRST = ("series", "growth", "published")


def left_out(rows):
    return dict(rows.attrs["left_out"])


def growth(evidence, row, flow):
    return evidence.growth.sel(estimate=row, flow=flow, growth_quantile=0.5).item()


@pytest.fixture
def raw_first(monkeypatch):
    monkeypatch.setattr(module, "DEFAULT_LEVELS", RAW_FIRST)


@pytest.mark.parametrize(
    ("row", "ratio"),
    [
        ("vision_growth", 1.449),
        ("rl_growth", 1.658),
        ("lp_growth", 1.510),
        ("language_models_growth", 1.896),
        ("algorithms_growth", 0.247 / 0.068),
    ],
)
def test_growth_ratios_against_labour_are_the_printed_ones(row, ratio, evidence):
    assert growth(evidence, row, "output") / growth(evidence, row, "labour") == pytest.approx(ratio, rel=0.01)


def test_sat_growth_holds_the_printed_ratio_within_its_labour_interval(evidence):
    low, high = evidence.growth.sel(estimate="sat_growth", flow="labour", growth_quantile=[0.05, 0.95]).values
    assert low < growth(evidence, "sat_growth", "output") / 4.166 < high


def test_openai_ratio_against_all_inputs_is_the_printed_0_96(evidence):
    inputs = 0.67 * growth(evidence, "openai_growth", "compute") + 0.33 * growth(
        evidence, "openai_growth", "labour"
    )
    assert growth(evidence, "openai_growth", "output") / inputs == pytest.approx(0.96, abs=0.005)


def test_the_vision_pair_differs_in_output_alone_by_9_sixteenths(evidence):
    ratio = growth(evidence, "alexnet_growth", "output") / growth(evidence, "vision_growth", "output")
    assert ratio == pytest.approx(9 / 16, rel=2e-3)
    pair = evidence.sel(estimate=["vision_growth", "alexnet_growth"])
    for flow in ("labour", "compute"):
        np.testing.assert_array_equal(*pair.growth.sel(flow=flow).values)
    assert pair.includes.sel(adjustment="hardware_scale").values.tolist() == [0, 1]
    assert pair.input_idx.values[0] == pair.input_idx.values[1]


def test_authors_grow_as_epoch_counted_them(evidence):
    from scipy import stats

    counts = {
        "vision_growth": (111, 174, 505, 1446, 3564, 7821, 14147, 22062, 25758, 34543),
        "rl_growth": (3233, 4123, 6932, 12536, 20041),
    }
    for row, authors in counts.items():
        years = len(authors) - 1
        middle = np.log(authors[-1] / authors[0]) / years
        fit = stats.linregress(range(len(authors)), np.log(authors))
        half = stats.t(years - 1).ppf(0.95) * fit.stderr
        np.testing.assert_allclose(
            evidence.growth.sel(estimate=row, flow="labour"),
            [middle - half, middle, middle + half],
            atol=0.001,
        )


def test_growth_and_series_share_the_data_names_of_published_rows(evidence):
    """Else the same history could enter twice. The speedruns are of their own: nobody published an r of them."""
    published = evidence.sel(estimate=evidence.kind == "r")
    pairs = set(zip(published.output_idx.values, published.input_idx.values, strict=True))
    outputs = set(published.output_idx.values.tolist())
    for row in evidence.estimate.values[evidence.kind.isin(["growth", "series"]).values]:
        if row not in ("nanogpt_speedrun", "cifar10"):
            at = evidence.sel(estimate=row)
            assert at.output_idx.item() in outputs
            assert (at.output_idx.item(), at.input_idx.item()) in pairs


def test_growth_is_ascending_and_the_input_it_is_measured_against_is_known(evidence):
    rows = evidence.sel(estimate=evidence.kind == "growth")
    spread = np.diff(rows.growth, axis=-1)
    assert np.all((spread > 0) | np.isnan(spread))
    known = np.isfinite(rows.growth.sel(growth_quantile=0.5))
    assert known.sel(flow="output").all()
    for i, measured in enumerate(rows.input.values):
        flows = ("labour", "compute") if measured == "all" else (measured,)
        assert all(known.sel(flow=flow).values[i] for flow in flows)


def test_every_row_says_where_its_numbers_come_from(evidence):
    works = sie.read_sources()
    for table in (evidence, sie.read_elasticities()):
        assert set(table.basis.values) <= set(BASES)
        assert set(table.source.values) <= set(works)
        assert all(table.locator.values)
        assert all((table.quote.values != "") | (table.note.values != ""))


def test_rows_fitted_by_epoch_are_those_with_their_posterior(evidence):
    assert evidence.estimate.values[evidence.by_epoch.values].tolist() == [
        "vision_growth",
        "rl_growth",
        "sat_growth",
        "lp_growth",
    ]


def test_raw_first_takes_the_level_that_loses_no_output_data(evidence, raw_first):
    assert default_levels(evidence) == {
        "language models": "growth",
        "computer vision": "growth",
        "reinforcement learning": "growth",
        "computer chess": "series",
        "SAT solvers": "growth",
        "linear programming": "growth",
        "algorithms in general": "growth",
        "NanoGPT speedrun": "series",
    }


def test_raw_first_leaves_published_rows_out_and_says_why(evidence, raw_first):
    rows = sie.usable(evidence, sie.read_view("reference"))
    out = left_out(rows)
    assert out["sat_2024"] == "the level of SAT solvers is growth"
    assert out["alexnet"] == "the level of computer vision is growth"
    assert out["cifar10"] == "its only effort counts its own observations, so that r is not identified"
    assert {"vision_growth", "alexnet_growth", "nanogpt_speedrun"} <= set(rows.estimate.values)
    assert rows.attrs["levels"]["computer vision"] == "growth"


@pytest.mark.parametrize(
    ("level", "kept", "gone", "why"),
    [
        (
            "published",
            {"vision_2024", "alexnet_2020"},
            "alexnet",
            "the level of computer vision is published",
        ),
        (
            "growth",
            {"vision_growth", "alexnet_growth"},
            "vision_2024",
            "the level of computer vision is growth",
        ),
        ("epoch", {"vision_growth"}, "alexnet_growth", "enters at the level epoch, and Epoch did not fit it"),
        ("series", {"alexnet"}, "vision_growth", "the level of computer vision is series"),
    ],
)
def test_a_domain_enters_at_the_level_that_is_asked_for(level, kept, gone, why, evidence):
    rows = sie.usable(evidence, sie.read_view("reference"), levels={"computer vision": level})
    vision = rows.domain.values.tolist().index("computer vision")
    assert set(rows.estimate.values[rows.domain_idx.values == vision]) == kept
    assert left_out(rows)[gone].endswith(why)
    assert rows.attrs["levels"]["computer vision"] == level
    assert "sat_2024" in rows.estimate.values


@pytest.mark.parametrize("view", sie.view_names())
def test_no_choice_of_levels_uses_output_data_twice(view, evidence):
    view = sie.read_view(view)
    vision, chess = ("published", "growth", "epoch", "series"), ("published", "growth", "series")
    for a, b, c in itertools.product(vision, chess, ("published", "growth")):
        levels = {"computer vision": a, "computer chess": b, "language models": c}
        rows = sie.usable(evidence, view, levels=levels)
        assert len(set(rows.output_idx.values)) == rows.sizes["estimate"]
        assert len(rows.attrs["left_out"]) + rows.sizes["estimate"] == evidence.sizes["estimate"]


def test_a_view_that_reflects_a_published_row_loses_the_growth_behind_it(evidence):
    rows = sie.usable(evidence, sie.read_view("davidson_2025"), levels={"computer vision": "growth"})
    why = "same output data as vision_2024, which the view already reflects"
    assert left_out(rows)["vision_growth"] == why


@pytest.mark.parametrize(
    ("levels", "where", "found", "want"),
    [
        ({"bread": "growth"}, "levels", "'bread'", "one of the domains language models"),
        ({"computer vision": "raw"}, "levels computer vision", "'raw'", "published, growth, epoch, series"),
        ({"SAT solvers": "series"}, "levels SAT solvers", "'series'", "one of published, growth, epoch"),
        ({"computer chess": "epoch"}, "levels computer chess", "'epoch'", "one of published, growth, series"),
        (
            {"CIFAR-10 speedrun": "series"},
            "levels CIFAR-10 speedrun",
            "'series'",
            "no row of it identifies r",
        ),
    ],
)
def test_a_level_without_rows_is_refused(levels, where, found, want, evidence, refused):
    with refused(where, found, want):
        sie.usable(evidence, sie.read_view("reference"), levels=levels)


def test_elasticities_are_read_as_printed():
    rows = sie.read_elasticities()
    assert rows.sigma.values.tolist() == [2.58, -0.10, 0.893, 1.0, 0.7]
    assert rows.sigma_se.sel(estimate="whitfill_wu_compute") == 0.68
    assert rows.sigma_q95.sel(estimate="besiroglu_2024_sigma") == 1.1
    assert np.isnan(rows.sigma_se.sel(estimate="oberfield_raval_2021"))


GROWTH, SERIES, SIGMA = (
    ("growth.csv", "vision_growth"),
    ("series.csv", "stockfish"),
    ("elasticities.csv", "whitfill_wu_compute"),
)


@pytest.mark.parametrize(
    ("row", "cells", "where", "found", "want"),
    [
        (GROWTH, {"output_q50": ""}, "growth.csv line 2 output_q50", "nothing", "natural log a year"),
        (GROWTH, {"output_q50": "92.4"}, "growth.csv line 2 output_q50", "'92.4'", "0.0001 to 10"),
        (GROWTH, {"output_q05": "0.93"}, "growth.csv line 2 output_q05", "[0.93, 0.924", "ascending"),
        (GROWTH, {"labour_q05": ""}, "growth.csv line 2 labour_q05", "nothing", "natural log a year"),
        (GROWTH, {"labour_q50": "-0.6"}, "growth.csv line 2 labour_q50", "'-0.6'", "natural log a year"),
        (
            GROWTH,
            {"labour_q05": "", "labour_q50": "", "labour_q95": ""},
            "growth.csv line 2 labour_q50",
            "nothing",
            "the growth of labour",
        ),
        (
            ("growth.csv", "sat_growth"),
            {"labour_q05": "", "labour_q50": "", "labour_q95": ""},
            "growth.csv line 5 labour_q50",
            "nothing",
            "the growth of labour",
        ),
        (
            ("growth.csv", "sat_growth"),
            {"input": "all"},
            "growth.csv line 5 compute_q50",
            "nothing",
            "compute",
        ),
        (GROWTH, {"domain": "bread"}, "growth.csv line 2 domain", "'bread'", "language models"),
        (
            GROWTH,
            {"id": "vision_2024"},
            "growth.csv line 2 id",
            "'vision_2024'",
            "(returns.csv line 2 has it)",
        ),
        (GROWTH, {"preferred": "0"}, "growth.csv line 2 preferred", "no preferred row", "exactly one"),
        (
            GROWTH,
            {"output_data": "dorner_2021_atari"},
            "growth.csv line 4 preferred",
            "vision_growth preferred too",
            "exactly one",
        ),
        (GROWTH, {"note": ""}, "growth.csv line 2 note", "nothing", "derived"),
        (GROWTH, {"locator": ""}, "growth.csv line 2 locator", "nothing", "the place"),
        (SERIES, {"domain": "bread"}, "series.csv line 3 domain", "'bread'", "language models"),
        (SERIES, {"file": "../fish.csv"}, "series.csv line 3 file", "'../fish.csv'", "a file in series/"),
        (SERIES, {"file": "fish.csv"}, "series.csv line 3 file", "'fish.csv'", "a file in series/"),
        (SERIES, {"file": "alexnet.csv"}, "series.csv line 4 file", "'alexnet.csv'", "(stockfish has it)"),
        (SERIES, {"basis": "stated"}, "series.csv line 3 basis", "'stated'", "transcribed, derived or ours"),
        (SERIES, {"source": "nobody"}, "series.csv line 3 source", "'nobody'", "a key of sources.toml"),
        (SERIES, {"input": ""}, "series.csv line 3 input", "''", "labour, compute, all"),
        (SIGMA, {"sigma": ""}, "elasticities.csv line 2 sigma", "nothing", "-100 to 100"),
        (
            SIGMA,
            {"sigma_q05": "2"},
            "elasticities.csv line 2 sigma",
            "other numbers",
            "with q05 and q95, or with se",
        ),
        (
            SIGMA,
            {"specification": ""},
            "elasticities.csv line 2 specification",
            "nothing",
            "what was estimated",
        ),
        (SIGMA, {"sigma": "2.6"}, "elasticities.csv line 2 quote", "no 2.6 in it", "every stated number"),
        (
            SIGMA,
            {"id": "vision_2024"},
            "elasticities.csv line 2 id",
            "'vision_2024'",
            "(returns.csv line 2 has it)",
        ),
        (
            ("elasticities.csv", "besiroglu_2024_sigma"),
            {"sigma_q05": "1.2"},
            "elasticities.csv line 5 sigma_q05",
            "[1.2, 1.0, 1.1]",
            "ascending",
        ),
    ],
)
def test_a_wrong_row_is_refused(row, cells, where, found, want, evidence_with, refused):
    folder = evidence_with(*row, **cells)
    with refused(f"{where}: found", found, want):
        sie.read_evidence(folder)


def test_a_spoilt_series_is_refused_with_the_evidence(evidence_copy, refused):
    path = evidence_copy / "series" / "nanogpt_speedrun.csv"
    path.write_text(path.read_text().replace("2,2024-06-06,", "2,,"))
    with refused("nanogpt_speedrun.csv line 3 date", "nothing"):
        sie.read_evidence(evidence_copy)


def test_a_series_that_no_row_names_is_refused(evidence_copy, refused):
    series = evidence_copy / "series"
    (series / "stray.csv").write_bytes((series / "alexnet.csv").read_bytes())
    with refused("series/stray.csv", "a file that no row of series.csv names"):
        sie.read_evidence(evidence_copy)


def test_flows_are_the_columns_of_growth(evidence):
    assert evidence.flow.values.tolist() == list(FLOWS)
    header = (data_folder("evidence") / "growth.csv").read_text().splitlines()[0].split(",")
    assert [name for name in header if name.endswith("_q50")] == [f"{flow}_q50" for flow in FLOWS]
