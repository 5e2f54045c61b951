"""Calibration: posteriors hold the truth as often as they say, in both forms of a view and at every level; a wrong reading shows."""

import contextlib
import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy.special import ndtr
from scipy.stats import binom, kstest

import sie
from sie.analysis.calibration import worlds
from sie.analysis.calibration.summary import summarise
from sie.analysis.calibration.varied import Varied
from sie.base.cluster import cluster
from sie.data.quantities import EVENT_NAMES
from sie.page.calibration_record import as_json, in_words, make_record, read_record
from sie.returns.design import design
from sie.returns.row_density import published_density
from sie.returns.selection import domains_at

BROKEN_RUNS = 40
MADE_UP = 300

KINDS = {
    "derived, without histories": ("reference", {}, (), 90),
    "derived, with histories at a known lambda": ("reference", {"lambda": sie.fixed(0.5)}, (), 90),
    "stated, published and Epoch's own": ("davidson_2025", {}, ("published", "epoch"), 60),
}
"""Views of both forms, with the priors that are replaced, the levels at which its domains enter (the last that a domain has), and how
many worlds. Histories teach no lambda (a cut), so that posteriors with them are calibrated for a known lambda alone."""


def rows_of(evidence, name, replaced, levels):
    view = sie.read_view(name).replace(**replaced)
    chosen = {domain: level for level in levels for domain in domains_at(evidence, level)}
    rows = sie.usable(evidence, view, levels=chosen)
    keeps_histories = view.derives_compute_bottleneck and view["lambda"].prior.family == "fixed"
    return view, rows if keeps_histories else rows.isel(estimate=rows.kind.values != "series")


@pytest.fixture(scope="module")
def found(evidence, tmp_path_factory):
    """Every kind's calibration, on one cluster."""
    results = {}
    with cluster(2) as client:
        for kind, (*stated, runs) in KINDS.items():
            view, rows = rows_of(evidence, *stated)
            store = tmp_path_factory.mktemp("calibration") / "runs.zarr"
            ended = worlds.calibrate(view, rows, store, client, runs=runs, seed=1, sha256=kind)
            assert ended == {"had": 0, "damaged": 0, "done": runs, "not converged": 0, "lost": 0}
            again = worlds.calibrate(view, rows, store, client, runs=runs, seed=1, sha256=kind)
            assert again["had"] == runs
            results[kind] = worlds.open_calibration(store)
    return results


@pytest.fixture(scope="module")
def summaries(found):
    return {kind: summarise(runs) for kind, runs in found.items()}


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_ranks_evenly_among_the_draws(summaries, kind):
    table = summaries[kind]
    assert table.attrs["runs"] == KINDS[kind][-1]
    assert int(table.outside.sum()) <= table.attrs["outside_by_chance"], table.p_value.to_series()
    assert table.attrs["calibrated"], table.p_value.to_series()


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_r_at_asara_lies_in_its_intervals_and_events_happen_as_often_as_predicted(found, summaries, kind):
    table = summaries[kind]
    for mass, coverage in zip(table.mass.values, table.coverage.values, strict=True):
        assert abs(coverage - mass) < 3.3 * np.sqrt(mass * (1 - mass) / KINDS[kind][-1])
    assert float(abs(table.z).max()) < 3.3
    # Not by predicting always the same: in each third of the predicted probabilities they happen as often as said.
    p, happened = (found[kind][name].values.ravel() for name in ("p", "happened"))
    for third in np.array_split(np.argsort(p), 3):
        # Events of one world are as good as one, so that worlds count, not events.
        count = KINDS[kind][-1] / 3
        assert abs(p[third].mean() - happened[third].mean()) < 3.3 * np.sqrt(0.25 / count)


@pytest.mark.slow
def test_the_quantities_that_evidence_moves_are_ranked(evidence):
    for stated in (KINDS[kind][:-1] for kind in list(KINDS)[:2]):
        view, rows = rows_of(evidence, *stated)
        assert {"labour_share", "frontier_share", "measure_sd", "ceiling"} <= {*worlds.quantities(view, rows)}
        assert ("lambda" in worlds.quantities(view, rows)) == ("lambda" not in stated[1])


@pytest.mark.long
@pytest.mark.slow
def test_growth_of_all_inputs_read_as_that_of_labour_fails(evidence):
    def change(of):
        terms = of.terms.copy()
        terms[:, 1] += terms[:, 0]
        terms[:, 0] = 0
        return replace(of, terms=terms)

    view, rows = rows_of(evidence, *KINDS["derived, without histories"][:-1])
    table = np.array(
        [worlds.refit(seed, view=view, rows=rows, key="wrong", change=change) for seed in range(BROKEN_RUNS)]
    )
    verdict = summarise(worlds._labelled(table, worlds.fields(view, rows)))
    assert not verdict.attrs["calibrated"]
    assert verdict.outside.sel(quantity="r_target")
    assert verdict.p_value.sel(quantity="r_target") < 1e-4


@pytest.mark.slow
def test_a_world_keeps_the_bounds_that_rows_state(evidence):
    view, rows = rows_of(evidence, "reference", {}, ())
    of = design(rows, view)
    row = of.coords["estimate"].index("gundlach_2025_origin")
    scales = []
    for seed in range(60):
        world, observed = worlds.draw_world(of, seed=seed)
        assert observed[row] == of.observed[row]
        scales.append(np.log(world.hardware_scale.item()))
    prior, bound, sd = view["hardware_scale"].prior, of.observed[row], of.densities[row].drawn_sd
    z = np.random.default_rng(1).standard_normal(200_000)
    values = np.log(prior.at(z))
    weight = ndtr((bound - values) / sd)
    mean = (weight * values).sum() / weight.sum()
    width = np.sqrt((weight * (values - mean) ** 2).sum() / weight.sum())
    assert abs(np.mean(scales) - mean) < 3.3 * width / np.sqrt(len(scales))


def test_errors_are_drawn_from_their_own_density():
    error = published_density(np.array([0.821, 1.243, 1.437, 1.597, 2.420]), np.nan, 0.3)
    drawn = np.array([error.draw(u) for u in (np.arange(2000) + 0.5) / 2000])
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
            "divergences": ("run", np.zeros(runs)),
            "seconds": ("run", np.ones(runs)),
        },
        {"quantity": ["r_asara", *(f"q{i}" for i in range(1, quantities))], "event": list(EVENT_NAMES[:3])},
        {"lost": 0},
    )


def record_of(found, **about):
    """A record of the view davidson_2025 with these findings."""
    known = {"view": "davidson_2025", "label": "Davidson", "inputs_sha256": "0" * 64, "levels": {}, "seed": 1}
    return make_record(found, **{**known, **about})


@pytest.mark.slow
def test_even_ranks_pass_and_narrow_wide_or_shifted_posteriors_fail():
    uniform = np.random.default_rng(1).random((MADE_UP, 6))
    assert kstest(uniform.ravel(), "uniform").pvalue > 0.01
    assert summarise(made_up(uniform)).attrs["calibrated"]
    for spoilt in (uniform**1.5, 0.5 + (uniform - 0.5) * 0.7, np.abs(np.sin(np.pi * uniform / 2))):
        one = uniform.copy()
        one[:, 2] = spoilt[:, 2]
        table = summarise(made_up(one))
        assert not table.attrs["calibrated"]
        assert table.outside.values.tolist() == [False, False, True, False, False, False]


@pytest.mark.slow
def test_events_that_happen_too_often_fail():
    uniform = np.random.default_rng(1).random((MADE_UP, 6))
    table = summarise(made_up(uniform, bias=0.15))
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
        (("--date", "tomorrow"), "'tomorrow'"),
        (("--lambda", "-1"), "-1"),
        (("davidson_2025", "--lambda", "0.5"), "a quantity this view does not state"),
    ],
)
def test_calibrate_refuses_in_one_line(args, found, command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    code, out, err = command("calibrate", *args)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert found in err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_figures_show_what_is_outside():
    from sie.plots.calibration import plot_happened, plot_ranks

    pit = np.random.default_rng(1).random((MADE_UP, 6))
    pit[:, 3] **= 2
    table = summarise(made_up(pit))
    ax = plot_ranks(table, title="made up")
    assert "q3" in [text.get_text() for text in ax.get_legend().get_texts()]
    ax = plot_happened(table)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == list(EVENT_NAMES[:3])


@pytest.mark.slow
def test_one_unlucky_quantity_that_counts_six_times_is_left_to_its_own_test():
    uniform = np.random.default_rng(1).random((MADE_UP, 6))
    unlucky = np.repeat(uniform[:, :1] ** 1.2, 6, axis=1)
    table = summarise(made_up(unlucky))
    assert table.outside.all()
    assert table.attrs["outside_by_chance"] == 6
    # Of six independent quantities, 1 calibration in 100 has more than this many outside.
    assert summarise(made_up(uniform)).attrs["outside_by_chance"] == binom.ppf(0.99, 6, 0.05) == 2


@pytest.mark.slow
def test_a_record_comes_back_from_its_file_with_the_same_verdict(tmp_path):
    record = record_of(made_up(np.random.default_rng(1).random((60, 4))), levels={"chess": "growth"})
    text = as_json(record)
    assert text == as_json(record)
    (tmp_path / "c.json").write_text(text)
    read = read_record(tmp_path / "c.json")
    xr.testing.assert_identical(read.table, record.table)
    assert (read.view, read.seed, dict(read.levels), read.versions) == (
        record.view,
        1,
        {"chess": "growth"},
        record.versions,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("varied", "words"),
    [
        (Varied(), ""),
        (Varied(without_histories=True), ", without raw histories"),
        (Varied(fixed_lambda=0.5), ", lambda 0.5"),
    ],
)
def test_a_record_states_its_date_and_what_was_left_out(tmp_path, varied, words):
    ranks = made_up(np.random.default_rng(1).random((60, 4)))
    (tmp_path / "c.json").write_text(as_json(record_of(ranks, date="2026-02-05", varied=varied)))
    read = read_record(tmp_path / "c.json")
    assert (read.date, read.varied, read.varied.words) == ("2026-02-05", varied, words)
    told = in_words(read, inputs_sha256=read.inputs_sha256, levels=read.levels)
    assert "Dated 2026-02-05." in told
    assert ("Of another model than this page's" in told) == bool(words)
    assert words in told


def test_ranks_are_rounded_before_they_are_judged_and_never_to_an_end():
    ranks = np.random.default_rng(1).random((60, 4))
    ranks[:2, 1] = 1e-9, 1 - 1e-9
    record = record_of(made_up(ranks))
    assert record.found.pit.min() > 0
    assert record.found.pit.max() < 1
    np.testing.assert_allclose(record.found.pit, ranks, atol=1.1e-6)


def test_what_is_varied_changes_the_view_and_its_rows(evidence):
    view = sie.read_view("reference")
    fixed = Varied(fixed_lambda=0.5).view(view)
    assert fixed["lambda"].prior == sie.fixed(0.5)
    assert Varied().view(view) is view
    rows = sie.usable(evidence, view)
    left = Varied(without_histories=True).rows(rows)
    assert {*rows.estimate.values} - {*left.estimate.values} == {*design(rows, view).histories} != set()
    assert Varied().rows(rows) is rows


@pytest.mark.slow
def test_a_verdict_is_not_taken_from_the_file_but_from_its_ranks(tmp_path):
    document = json.loads(as_json(record_of(made_up(np.random.default_rng(1).random((MADE_UP, 4)) ** 2))))
    assert document["calibrated"] is False
    (tmp_path / "c.json").write_text(json.dumps(document | {"calibrated": True}))
    assert not read_record(tmp_path / "c.json").table.attrs["calibrated"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda d: d.pop("view"), "nothing"),
        (lambda d: d.update(seed=True), "seed: found True"),
        (lambda d: d.update(calibration=3), "3"),
        (lambda d: d.update(inputs_sha256="abc"), "'abc'"),
        (lambda d: d.update(date="tomorrow"), "date: found 'tomorrow'"),
        (lambda d: d.update(without_histories=1), "without_histories: found 1"),
        (lambda d: d.update({"lambda": -1}), "lambda: found -1"),
        (lambda d: d.update(levels={"chess": 1}), "levels: found {'chess': 1}"),
        (lambda d: d["quantities"].pop(0), "other quantities"),
        (lambda d: d["quantities"].append(d["quantities"][0]), "items without names of their own"),
        (lambda d: d["events"].clear(), "other quantities or events"),
        (lambda d: d["events"][0].update(name="doom"), "other quantities or events"),
        (lambda d: d["quantities"][1]["ranks"].pop(), "columns of different lengths"),
        (lambda d: d["quantities"][1]["ranks"].__setitem__(3, 1.5), "something else"),
        (lambda d: d["quantities"][1].update(ranks=[0.5] * 3), "no such list"),
        (lambda d: d["events"][0]["happened"].__setitem__(0, 0.5), "another number"),
        (lambda d: [item["predicted"].pop() for item in d["events"]], "columns of different lengths"),
    ],
)
def test_a_spoilt_record_is_refused_in_one_line(tmp_path, refused, change, found):
    document = json.loads(as_json(record_of(made_up(np.random.default_rng(1).random((30, 3))))))
    change(document)
    (tmp_path / "c.json").write_text(json.dumps(document))
    with refused("c.json", found):
        read_record(tmp_path / "c.json")


def test_bytes_at_random_make_a_record_or_one_line(tmp_path):
    whole = as_json(record_of(made_up(np.random.default_rng(1).random((20, 2))))).encode()
    rng, refusals = np.random.default_rng(2), 0
    for _ in range(150):
        spoilt = bytearray(whole)
        for at in rng.integers(len(whole), size=3):
            spoilt[at] = rng.integers(256)
        (tmp_path / "c.json").write_bytes(spoilt[: rng.integers(len(whole) // 2, len(whole) + 1)])
        refusal = None
        try:
            read_record(tmp_path / "c.json")
        except sie.DataError as error:
            refusal = str(error)
        refusals += refusal is not None
        assert len((refusal or "").splitlines()) <= 1
    assert refusals > 100


@pytest.mark.slow
def test_a_page_says_what_a_calibration_found_and_when_its_inputs_have_changed():
    even, spoilt = (made_up(np.random.default_rng(1).random((60, 4)) ** power) for power in (1, 3))
    same = record_of(even)
    told = in_words(same, inputs_sha256=same.inputs_sha256, levels=same.levels)
    assert ": calibrated. " in told
    assert "has changed since" not in told
    told = in_words(record_of(spoilt), inputs_sha256="f" * 64, levels=same.levels)
    assert ": not calibrated. " in told
    assert "has changed since" in told


def test_other_levels_are_told_as_levels_and_not_as_other_files():
    """The hash of all inputs covers the levels, so that it differs for them alone."""
    record = record_of(made_up(np.random.default_rng(1).random((60, 4))))
    told = [
        in_words(record, inputs_sha256="f" * 64, levels=levels)
        for levels in (record.levels, {**record.levels, "bread": "series"})
    ]
    assert ["has changed since" in text for text in told] == [True, False]
    assert ["at other levels" in text for text in told] == [False, True]


@pytest.mark.slow
def test_a_calibration_of_version_1_is_read(tmp_path):
    document = json.loads(as_json(record_of(made_up(np.random.default_rng(1).random((60, 4))))))
    path = tmp_path / "c.json"
    path.write_text(json.dumps(document | {"calibration": 1}))
    again = read_record(path)
    assert json.loads(as_json(again)) == document
    assert document["calibration"] == 2


@pytest.mark.slow
def test_calibration_on_the_command_line_needs_a_page_and_a_view_of_it(command, tmp_path):
    record = record_of(made_up(np.random.default_rng(1).random((30, 3))))
    (tmp_path / "c.json").write_text(as_json(record))
    file, page = str(tmp_path / "c.json"), str(tmp_path / "page.html")
    for args, found in (
        (("davidson_2025", "--calibration", file), "no --html"),
        (("reference", "--html", page, "--calibration", file), "davidson_2025"),
        (("davidson_2025", "--html", page, "--calibration", file, "--calibration", file), "a second one"),
        (("davidson_2025", "--html", page, "--calibration", str(tmp_path / "no.json")), "no such file"),
    ):
        code, out, err = command("report", *args)
        assert (code, out, len(err.splitlines())) == (2, "", 1)
        assert found in err
    assert [path.name for path in tmp_path.iterdir()] == ["c.json"]


def test_a_calibration_with_no_refit_done_ends_as_one_that_did_not_converge(command, monkeypatch, tmp_path):
    monkeypatch.setattr("sie.base.cluster.cluster", lambda workers: contextlib.nullcontext())
    monkeypatch.setattr(worlds, "calibrate", lambda *args, **options: {})
    nothing = made_up(np.random.default_rng(1).random((MADE_UP, 4))).isel(run=[])
    monkeypatch.setattr(worlds, "open_calibration", lambda store: nothing)
    code, out, err = command("calibrate", "davidson_2025", "--json", tmp_path / "c.json")
    assert (code, out, len(err.splitlines())) == (3, "", 1)
    assert "no refit that ended" in err
    assert not (tmp_path / "c.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("power", "code"), [(1.0, 0), (2.0, 3)])
def test_calibrate_ends_with_3_where_ranks_are_not_even_and_writes_all_the_same(
    command, monkeypatch, tmp_path, power, code
):
    monkeypatch.setattr("sie.base.cluster.cluster", lambda workers: contextlib.nullcontext())
    monkeypatch.setattr(worlds, "calibrate", lambda *args, **options: {})
    uniform = np.random.default_rng(1).random((MADE_UP, 4))
    monkeypatch.setattr(worlds, "open_calibration", lambda store: made_up(uniform**power))
    args = ("calibrate", "davidson_2025", "--json", str(tmp_path / "c.json"), "--out", str(tmp_path / "out"))
    ended, out, err = command(*args)
    assert ended == code
    assert len(err.splitlines()) == bool(code)
    assert out.splitlines()[-1].startswith("calibrated: " if code == 0 else "NOT calibrated: ")
    assert bool(read_record(tmp_path / "c.json").table.attrs["calibrated"]) == (code == 0)
    assert len(list((tmp_path / "out").glob("davidson_2025_*.png"))) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "varied"),
    [
        ((), Varied()),
        (("--without-histories",), Varied(without_histories=True)),
        (("--lambda", "0.5"), Varied(fixed_lambda=0.5)),
    ],
)
def test_calibrate_fits_the_model_that_its_record_states(command, monkeypatch, tmp_path, args, varied):
    fitted = []
    monkeypatch.setattr("sie.base.cluster.cluster", lambda workers: contextlib.nullcontext())
    monkeypatch.setattr(worlds, "calibrate", lambda *given, **options: fitted.append((given, options)) or {})
    uniform = np.random.default_rng(1).random((MADE_UP, 4))
    monkeypatch.setattr(worlds, "open_calibration", lambda store: made_up(uniform))
    target = tmp_path / "c.json"
    code, out, _ = command("calibrate", "reference", *args, "--date", "2026-02-05", "--json", target)
    assert code == 0
    assert out.startswith(f"{sie.read_view('reference').label}{varied.words}: ")
    record = read_record(target)
    assert (record.date, record.varied) == ("2026-02-05", varied)
    (view, rows, *_), _ = fitted[0]
    assert ("series" in rows.kind.values) == (not varied.without_histories)
    assert (view["lambda"].prior.family == "fixed") == (varied.fixed_lambda is not None)
