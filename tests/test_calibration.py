"""Calibration: posteriors hold the truth as often as they say, in every form of a view and at every level; a wrong sign shows."""

import sys

import numpy as np
import pytest
import xarray as xr
from scipy.stats import kstest

import sie
from sie import calibration, cli, engine
from sie.errors import published_error
from sie.evidence import domains_at
from sie.returns import build

RUNS = 300
BROKEN_RUNS = 80

KINDS = {
    "first form, series and growth": ("reference", ()),
    "first form, published": ("davidson_2025", ("published",)),
    "second form, growth and Epoch's own": ("reference_all_inputs", ("growth", "epoch")),
}
"""Views of every kind that evidence moves, and the levels at which its domains enter (the last that a domain has)."""


def rows_of(evidence, name, levels):
    view = sie.read_view(name)
    chosen = {domain: level for level in levels for domain in domains_at(evidence, level)}
    return view, sie.usable(evidence, view, levels=chosen)


@pytest.fixture(scope="module")
def found(evidence, tmp_path_factory):
    """Every kind's calibration, on one cluster."""
    results = {}
    with engine.cluster(2) as client:
        for kind, (name, levels) in KINDS.items():
            view, rows = rows_of(evidence, name, levels)
            store = tmp_path_factory.mktemp("calibration") / "runs.zarr"
            ended = calibration.calibrate(view, rows, store, client, runs=RUNS, seed=1, sha256=kind)
            assert ended == {"had": 0, "done": RUNS, "not converged": 0, "lost": 0}
            again = calibration.calibrate(view, rows, store, client, runs=RUNS, seed=1, sha256=kind)
            assert again["had"] == RUNS
            results[kind] = calibration.open_calibration(store)
    return results


@pytest.fixture(scope="module")
def summaries(found):
    return {kind: calibration.summarise(runs) for kind, runs in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_ranks_evenly_among_the_draws(summaries, kind):
    table = summaries[kind]
    assert table.attrs["runs"] == RUNS
    assert int(table.outside.sum()) <= table.attrs["outside_by_chance"], table.p_value.to_series()
    assert table.attrs["calibrated"], table.p_value.to_series()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_r_at_asara_lies_in_its_intervals_and_events_happen_as_often_as_predicted(found, summaries, kind):
    table = summaries[kind]
    for mass, coverage in zip(table.mass.values, table.coverage.values, strict=True):
        assert abs(coverage - mass) < 3.3 * np.sqrt(mass * (1 - mass) / RUNS)
    assert float(abs(table.z).max()) < 3.3
    # Not by predicting always the same: in each third of the predicted probabilities they happen as often as said.
    p, happened = (found[kind][name].values.ravel() for name in ("p", "happened"))
    for third in np.array_split(np.argsort(p), 3):
        # Events of one world are as good as one, so that worlds count, not events.
        worlds = RUNS / 3
        assert abs(p[third].mean() - happened[third].mean()) < 3.3 * np.sqrt(0.25 / worlds)


@pytest.mark.slow
def test_a_wrong_sign_of_one_factor_fails(evidence):
    def build_wrongly(rows, view):
        model = build(rows, view)
        loadings = model["loadings"].get_value()
        at = list(model.coords["effect"]).index("compute_bottleneck")
        loadings[:, at] *= -1
        model["loadings"].set_value(loadings)
        return model

    view, rows = rows_of(evidence, "reference", ())
    table = np.array(
        [
            calibration.refit(seed, view=view, rows=rows, key="wrong", build=build_wrongly)
            for seed in range(BROKEN_RUNS)
        ]
    )
    verdict = calibration.summarise(calibration._labelled(table, calibration.fields(view, rows)))
    assert not verdict.attrs["calibrated"]
    assert verdict.outside.sel(quantity="compute_bottleneck")
    assert verdict.p_value.sel(quantity="compute_bottleneck") < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_world_expects_of_each_row_what_the_graph_does(evidence, kind):
    from sie.density import deterministics
    from sie.inference import short_fit

    view, rows = rows_of(evidence, *KINDS[kind])
    model = build(rows, view)
    draws = short_fit(model, seed=1, draws=80, tune=50)
    graph = deterministics(model, draws).log_estimate.transpose("chain", "draw", "estimate")
    np.testing.assert_allclose(calibration.expected(draws, rows, view), graph, atol=1e-3)


def test_errors_are_drawn_from_their_own_density():
    error = published_error(np.array([0.821, 1.243, 1.437, 1.597, 2.420]), np.nan, 0.3)
    drawn = np.array([calibration._draw_error(error, u) for u in (np.arange(2000) + 0.5) / 2000])
    p = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    np.testing.assert_allclose(np.quantile(drawn, p), error.quantile(p), atol=0.01)


def made_up(pit, *, bias=0.0):
    """Findings with these ranks, and with events that happen as often as predicted, or more often."""
    rng = np.random.default_rng(7)
    runs, quantities = pit.shape
    p = rng.random((runs, 3))
    return xr.Dataset(
        {
            "pit": (("run", "quantity"), pit),
            "p": (("run", "event"), p),
            "happened": (("run", "event"), (rng.random((runs, 3)) < p + bias).astype(float)),
        },
        {"quantity": ["r_asara", *(f"q{i}" for i in range(1, quantities))], "event": list("abc")},
        {"lost": 0},
    )


def test_even_ranks_pass_and_narrow_wide_or_shifted_posteriors_fail():
    uniform = np.random.default_rng(1).random((RUNS, 6))
    assert kstest(uniform.ravel(), "uniform").pvalue > 0.01
    assert calibration.summarise(made_up(uniform)).attrs["calibrated"]
    for spoilt in (uniform**1.5, 0.5 + (uniform - 0.5) * 0.7, np.abs(np.sin(np.pi * uniform / 2))):
        one = uniform.copy()
        one[:, 2] = spoilt[:, 2]
        table = calibration.summarise(made_up(one))
        assert not table.attrs["calibrated"]
        assert table.outside.values.tolist() == [False, False, True, False, False, False]


def test_events_that_happen_too_often_fail():
    uniform = np.random.default_rng(1).random((RUNS, 6))
    table = calibration.summarise(made_up(uniform, bias=0.15))
    assert not table.attrs["calibrated"]
    assert (table.z > 3).all()


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (("davidson_houlden_2025",), "r_asara stated directly"),
        (("--runs", "3"), "3"),
        (("--workers", "0"), "0"),
        (("--seed", "-1"), "-1"),
        (("--levels", "raw"), "raw"),
    ],
)
def test_calibrate_refuses_in_one_line(args, found, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["sie", "calibrate", *args])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    out, err = capsys.readouterr()
    assert (stopped.value.code, out, len(err.splitlines())) == (2, "", 1)
    assert found in err
    assert not list(tmp_path.iterdir())


def test_figures_show_what_is_outside():
    from sie.calibration_plots import plot_happened, plot_ranks

    pit = np.random.default_rng(1).random((RUNS, 6))
    pit[:, 3] **= 2
    table = calibration.summarise(made_up(pit))
    ax = plot_ranks(table, title="made up")
    assert "q3" in [text.get_text() for text in ax.get_legend().get_texts()]
    ax = plot_happened(table)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b", "c"]
