"""Cells of a sweep that share a fit: what they say is what a fit of their own says, whatever ran before them and whoever died."""

import dataclasses
import json
import os
import pickle
import signal
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import sie
from sie.analysis.sweep import cells as sweep_cells
from sie.analysis.sweep.cells import FIELDS, HOW, OF_CELL, TOGETHER, Cells, base_fit, run_cell, run_cells
from sie.analysis.sweep.run import open_sweep_rows
from sie.base.cluster import cluster
from sie.base.stores import open_rows
from sie.inference.answers import outcomes
from sie.inference.designs import Designs
from sie.inference.fits import Recent
from sie.returns.design import OF_ROWS, design

NUMBERS = [i for i, field in enumerate(FIELDS) if field not in ("seconds", "memory")]
SPEC = """draws = 4000
seeds = [1]
views = ["davidson_2025"]
[edits.as_stated]
[edits.alike]
spread = { family = "halfnormal", q95 = 0.3 }
[edits.lower_ceiling]
ceiling = { family = "lognormal", q05 = 4, q95 = 10 }
[edits.far]
capabilities = { family = "lognormal", q05 = 5, q95 = 6 }
"""


@pytest.fixture
def sweep(tmp_path):
    """A sweep of four cells: as stated, one that weights answer, one that new paths answer, one that only a fit answers."""
    path = tmp_path / "sweep.toml"
    path.write_text(SPEC)
    return sie.read_sweep(path)


def arguments(sweep, i):
    cell = sweep.cells[i]
    return {"seed": cell.seed, "draws": sweep.draws, "key": "here", "levels": sweep.levels[cell.evidence]}


def row(values):
    return dict(zip(FIELDS, values, strict=True))


@pytest.mark.slow
def test_a_cell_from_a_shared_fit_says_what_its_own_fit_says_and_how_it_was_answered(sweep, evidence):
    base = base_fit(sweep.views["davidson_2025"], evidence, (), **arguments(sweep, 0))
    for i, how in enumerate(("refitted", "reweighted", "paths", "refitted")):
        view = sweep.view(sweep.cells[i])
        shared = row(run_cell(view, evidence, (), **arguments(sweep, i), base=base))
        own = row(run_cell(view, evidence, (), **arguments(sweep, i)))
        assert (HOW[int(shared["how"])], HOW[int(own["how"])]) == (how, "refitted")
        assert np.isfinite(shared["khat"]) == (how == "reweighted")
        for field in FIELDS:
            if how != "reweighted" and field.startswith(("p ", "mcse ", "r_asara ")):
                assert shared[field] == own[field], field
            elif field.startswith("p evidence"):
                error = np.hypot(shared["mcse" + field[1:]], own["mcse" + field[1:]])
                assert abs(shared[field] - own[field]) <= 4 * error, field


@pytest.mark.slow
def test_a_cell_is_that_of_a_report(sweep, evidence):
    view = sweep.view(sweep.cells[2])
    found = row(run_cell(view, evidence, (), **arguments(sweep, 2)))
    tree = sie.fit(design(sie.usable(evidence, view), view), seed=1, draws=sweep.draws)
    for given, group in (("priors", "prior"), ("evidence", "posterior")):
        draws = tree[group].to_dataset()
        table = sie.credences(sie.simulate(draws))
        for event in table.event.values:
            assert found[f"p {given} {event}"] == table.p.sel(event=event)
            assert found[f"mcse {given} {event}"] == table.mcse.sel(event=event)
        for q in (0.05, 0.5, 0.95):
            assert found[f"r_asara {given} {q}"] == np.quantile(draws.r_asara.values, q)


@pytest.mark.slow
def test_a_sweep_whose_worker_is_killed_is_the_sweep_undisturbed_and_can_be_read_while_it_grows(
    sweep, tmp_path
):
    seen = []

    def look(done, cells):
        if (tmp_path / "killed.zarr" / "zarr.json").exists():
            seen.append(int(sie.open_sweep(tmp_path / "killed.zarr").status.notnull().sum()))

    with cluster(1) as client:
        assert sie.run_sweep(sweep, tmp_path / "whole.zarr", client)["done"] == 4
        pid = client.submit(os.getpid).result()
        told = []

        def kill(done, cells):
            look(done, cells)
            if done == 1 and not told:  # its fit and all that it holds is lost
                told.append(done)
                os.kill(pid, signal.SIGKILL)

        assert sie.run_sweep(sweep, tmp_path / "killed.zarr", client, progress=kill)["done"] == 4
    assert (told, seen[-1]) == ([1], 4)
    assert set(seen) >= {1, 2, 3, 4}
    whole, killed = (sie.open_sweep(tmp_path / name) for name in ("whole.zarr", "killed.zarr"))
    xr.testing.assert_identical(
        whole.drop_vars(["seconds", "memory"]), killed.drop_vars(["seconds", "memory"])
    )
    assert sorted(whole.how.values) == ["paths", "refitted", "refitted", "reweighted"]
    assert (whole.memory > 50).all()


@pytest.mark.slow
def test_a_resumed_sweep_answers_each_cell_as_if_it_had_run_alone(sweep, tmp_path):
    with cluster(1) as client:
        sie.run_sweep(sweep, tmp_path / "whole.zarr", client)
        rows = sweep_cells_of(tmp_path / "whole.zarr")
        for order in ([3, 1], [2, 0]):
            part = tmp_path / f"{order[0]}.zarr"
            some = dataclasses.replace(sweep, cells=tuple(sweep.cells[i] for i in order))
            sie.run_sweep(some, part, client)
            np.testing.assert_array_equal(sweep_cells_of(part), rows[order])


def sweep_cells_of(store):
    from sie.base.stores import read_rows, read_values

    return read_values(read_rows(store))[0][:, NUMBERS]


class Client:
    """Stands for a cluster: notes what is submitted, whose futures have this status."""

    def __init__(self, status="finished"):
        self.submitted, self.status = [], status

    def submit(self, task, **own):
        self.submitted.append((task.args[0].name, own["seed"]))
        return SimpleNamespace(status=self.status)


def grouped(text, tmp_path, evidence, client):
    (tmp_path / "s.toml").write_text(text)
    planned = sie.read_sweep(tmp_path / "s.toml")
    return planned, Cells(planned, client, {"evidence": evidence, "key": planned.sha256})


EVIDENCE = "[evidence.all]\n[evidence.without]\nleave_out = ['report_fixed_hardware_2025']\n"


def test_cells_share_a_fit_where_view_seed_and_rows_are_the_same(tmp_path, evidence):
    client, views = Client(), '["davidson_2025", "davidson_houlden_2025", "reference"]'
    text = SPEC.split("[edits.alike]")[0].replace('["davidson_2025"]', views).replace("[1]", "[1, 2]")
    text += "[edits.lower]\nceiling = { family = 'fixed', value = 20 }\n" + EVIDENCE
    planned, cells = grouped(text, tmp_path, evidence, client)
    for batch in cells.batches(range(len(planned.cells))):
        own = cells.arguments(*batch)
        assert [planned.cells[i].evidence for i in batch] == ["all", "without"]
        assert {planned.view(planned.cells[i]).entries == own["view"].entries for i in batch} == {True}
        for chosen in own["selections"]:
            assert (chosen["base"] is None) == (own["view"].name == "davidson_houlden_2025")
    # The row does not count for the first, no row counts for the second, and the third has a fit with it and one without it.
    assert sorted(client.submitted) == sorted(
        [("davidson_2025", 1), ("davidson_2025", 2), *2 * [("reference", 1), ("reference", 2)]]
    )


def test_every_cell_is_a_task_and_is_fitted_where_weights_are_not_wanted(tmp_path, evidence):
    client = Client()
    planned, cells = grouped(SPEC.replace("seeds", "weights = false\nseeds"), tmp_path, evidence, client)
    batches = list(cells.batches(range(len(planned.cells))))
    assert batches == [[0], [1], [2], [3]]
    assert [cells.arguments(*batch)["selections"][0]["base"] for batch in batches] == [None] * 4
    assert client.submitted == []


@pytest.mark.parametrize("status", ["error", "cancelled", "lost"])
def test_a_shared_fit_that_died_with_its_workers_is_begun_anew(status, sweep, tmp_path, evidence):
    """And is never done without: a cell would then say something else than in an undisturbed run."""
    planned, cells = grouped(SPEC, tmp_path, evidence, client := Client(status))
    for number, batch in enumerate(cells.batches(range(len(planned.cells))), start=1):
        assert cells.arguments(*batch)["selections"][0]["base"] is not None
        assert len(client.submitted) == number


def test_each_shared_fit_is_begun_once_and_few_are_wanted_at_a_time(tmp_path, evidence):
    client, rows = Client(), sie.usable(evidence, sie.read_view("davidson_2025")).estimate.values
    text = SPEC.replace("[1]", "[1, 2]") + "[evidence.all]\n"
    text += "".join(f"[evidence.without_{i}]\nleave_out = ['{rows[i]}']\n" for i in range(2 * TOGETHER))
    planned, cells = grouped(text, tmp_path, evidence, client)
    batches = list(cells.batches(range(len(planned.cells))))
    assert sorted(i for batch in batches for i in batch) == list(range(len(planned.cells)))
    for batch in batches:
        assert len(cells.arguments(*batch)["selections"]) <= TOGETHER
        assert len(cells._fits) <= TOGETHER + 1
    assert len(client.submitted) == 2 * (1 + 2 * TOGETHER)


def test_cells_that_say_the_same_are_answered_once_and_the_priors_of_a_view_once(
    sweep, evidence, monkeypatch
):
    said, drawn = [], []
    monkeypatch.setattr(
        sweep_cells, "run_cell", lambda *args, **own: said.append(args) or run_cell(*args, **own)
    )
    monkeypatch.setattr("sie.inference.answers.outcomes", lambda *args: drawn.append(args) or outcomes(*args))
    chosen = [
        {"leave_out": (), "levels": {}, "base": None},
        {"leave_out": ("a",), "levels": {}, "base": None},
    ]
    view, options = sie.read_view("davidson_houlden_2025"), {"seed": 1, "draws": 1000, "key": "here"}
    one, other = run_cells(view, evidence, chosen, **options)
    assert (len(said), len(drawn)) == (1, 1)
    np.testing.assert_array_equal(one[NUMBERS], other[NUMBERS])
    run_cells(view, None, chosen[:1], **options)  # as another task of this process
    assert (len(said), len(drawn)) == (2, 1)
    for again in ({**options, "seed": 2}, {**options, "draws": 2000}):
        run_cells(view, evidence, chosen[:1], **again)
    run_cells(view.replace(ceiling=sie.fixed(20)), evidence, chosen[:1], **options)
    assert (len(said), len(drawn)) == (5, 4)


@pytest.mark.slow
def test_cells_that_come_to_the_same_rows_are_answered_each_from_its_own_fit(tmp_path):
    """A fixed ceiling takes the rows on it from every choice of evidence, also from the one that leaves them out already."""
    head = SPEC.split("[edits.as_stated]")[0]
    head += "[edits.e]\nceiling = { family = 'fixed', value = 8 }\ncapabilities = { family = 'lognormal', q05 = 1.5, q95 = 2.5 }\n"
    one = "[evidence.no_ceiling]\nleave_out = ['greenblatt_2025_ceiling', 'eth_davidson_2025_ceiling']\n"
    with cluster(1) as client:
        for name, text in (("both", head + "[evidence.all]\n" + one), ("alone", head + one)):
            (tmp_path / "s.toml").write_text(text)
            sie.run_sweep(sie.read_sweep(tmp_path / "s.toml"), tmp_path / f"{name}.zarr", client)
    both, alone = (sweep_cells_of(tmp_path / f"{name}.zarr") for name in ("both", "alone"))
    np.testing.assert_array_equal(both[1], alone[0])


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (lambda about: {**about, "tasks": about["tasks"][:1]}, "something else"),
        (lambda about: {**about, "tasks": about["tasks"][::-1]}, None),
        (lambda about: {**about, "tasks": "ab"}, "something else"),
        (lambda about: {**about, "tasks": [1, 2]}, "labels of other tasks"),
        (lambda about: {**about, "tasks": [{}, {}]}, "labels of other tasks"),
        (
            lambda about: {**about, "tasks": [{**task, "scale": [1]} for task in about["tasks"]]},
            "labels of other tasks",
        ),
        (
            lambda about: {**about, "tasks": [{**task, "view": []} for task in about["tasks"]]},
            "labels of other tasks",
        ),
        (lambda about: {**about, "levels": [1]}, "labels of other tasks"),
        (lambda about: {**about, "levels": {}}, None),
        (lambda about: {**about, "levels": {"all": {"rl": 1}}}, "labels of other tasks"),
        (lambda about: {**about, "levels": {"none": {"rl": "growth"}}}, "labels of other tasks"),
        (lambda about: {**about, "fields": [*range(len(FIELDS))]}, "something else"),
    ],
)
def test_a_store_whose_labels_were_changed_is_refused(edit, found, tmp_path, evidence, refused):
    """By the sweep that it is not of, and by a reader where it is of none."""
    view = sie.read_view("davidson_houlden_2025")
    (tmp_path / "s.toml").write_text(
        SPEC.split("[edits.alike]")[0]
        .replace("davidson_2025", view.name)
        .replace("seeds = [1]", "seeds = [1, 2]")
    )
    planned, store = sie.read_sweep(tmp_path / "s.toml"), tmp_path / "s.zarr"
    open_sweep_rows(planned, store)
    stated = json.loads((store / "zarr.json").read_text())
    stated["attributes"] = edit(stated["attributes"])
    (store / "zarr.json").write_text(json.dumps(stated))
    with refused(str(store)):
        open_sweep_rows(planned, store)
    if found:
        with refused(str(store), found, "the store of a sweep"):
            sie.open_sweep(store)


@pytest.mark.slow
def test_cells_of_one_task_say_what_each_says_alone(sweep, evidence):
    view = sweep.views["davidson_2025"].replace(spread=sie.halfnormal(0.4), ceiling=sie.lognormal(4, 10))
    chosen = []
    for leave_out in ((), ("rl_growth",), ("sat_growth", "lp_growth")):
        base = base_fit(sweep.views["davidson_2025"], evidence, leave_out, **arguments(sweep, 0))
        chosen.append({"leave_out": leave_out, "levels": {}, "base": base})
    options = {"seed": 1, "draws": sweep.draws, "key": "here"}
    together = run_cells(view, evidence, chosen, **options)
    assert [HOW[int(row(each)["how"])] for each in together] == ["reweighted"] * 3
    for each, own in zip(together, chosen, strict=True):
        fresh = dataclasses.replace(own["base"], grown=Recent(1))
        alone = run_cell(view, evidence, **{**own, "base": fresh}, **options)
        np.testing.assert_array_equal(each[NUMBERS], alone[NUMBERS])


@pytest.mark.slow
def test_growth_that_is_kept_with_a_fit_is_that_of_a_bench_that_has_answered_nothing(sweep, evidence):
    """Edits of every growth input, of its unit and of what acts from outside, one after the other on one fit."""
    view = sie.read_view("reference")
    fit = sie.Workbench(evidence, seed=1, draws=1000).answer(view).fit
    edits = [{"boost": {"start": 1.0, "end": end, "years": 2.0}} for end in (2.0, 4.0)]
    edits += [{"shape": sie.fixed(3)}, {"shape": sie.fixed(0.5)}]
    edits += [{name: view[name].prior.scaled(1.1)} for name in ("ceiling", "recent_pace")]
    assert not {*view.informed} & {name for edit in edits for name in edit}
    for edit in [*edits, edits[0], {}]:
        edited = view.replace(**edit)
        kept = sie.Workbench(evidence, seed=1, draws=1000, fits=[fit]).answer(edited)
        fresh = dataclasses.replace(fit, grown=Recent(1))
        alone = sie.Workbench(evidence, seed=1, draws=1000, fits=[fresh]).answer(edited)
        assert kept.how == alone.how == "paths" or not edit
        xr.testing.assert_identical(kept.credences["evidence"], alone.credences["evidence"])
        np.testing.assert_array_equal(kept.r["evidence"], alone.r["evidence"])


def test_what_was_used_last_is_kept_and_a_copy_starts_empty():
    recent = Recent(2)
    for key in "abc":
        recent.keep((key,), key)
        recent.get(("a",))
    assert recent.latest() == ["a", "c"]
    assert recent.get(("b",)) is None
    assert pickle.loads(pickle.dumps(recent)).latest() == []


def test_a_shared_fit_that_does_not_converge_is_none(sweep, evidence, monkeypatch):
    def refuse(*args, **options):
        raise sie.NotConverged("of a test")

    monkeypatch.setattr("sie.inference.workbench.fit", refuse)
    assert base_fit(sweep.views["davidson_2025"], evidence, (), **arguments(sweep, 0)) is None
    found = row(run_cell(sweep.view(sweep.cells[1]), evidence, (), **arguments(sweep, 1)))
    assert found["status"] == sweep_cells.NOT_CONVERGED


@pytest.mark.parametrize("name", sie.view_names())
def test_no_number_of_a_prior_enters_a_design(name, evidence):
    """So that edits of numbers share it."""
    view = sie.read_view(name)
    if view.states_r_asara:
        return
    designs = Designs(evidence)
    rows = designs.rows(view)
    edited = view
    for each, entry in view.entries.items():
        if entry.prior.family in ("lognormal", "loguniform", "halfnormal", "normal", "fixed"):
            edited = edited.replace(**{each: entry.prior.scaled(1.1)})
    assert edited.entries != view.entries
    kept, anew = designs.design(edited, rows), design(rows, edited)
    assert designs.design(view, rows).densities is kept.densities
    assert kept.view is edited
    for field in (*OF_ROWS, "level", "remoteness"):
        np.testing.assert_array_equal(getattr(kept, field), getattr(anew, field))
    assert (kept.inputs, kept.names) == (anew.inputs, anew.names)
    for one, other in zip(kept.densities, anew.densities, strict=True):
        for part in dataclasses.fields(one):
            np.testing.assert_array_equal(getattr(one, part.name), getattr(other, part.name))


def test_a_store_of_a_version_without_weights_is_read(tmp_path):
    fields = [field for field in FIELDS if field not in OF_CELL[5:]]
    label = {
        "view": "reference",
        "edits": "as_stated",
        "mechanisms": "as_stated",
        "evidence": "all",
        "seed": 1,
        "scale": {},
    }
    rows = open_rows(tmp_path / "old.zarr", [label, label], fields, sha256="x")
    rows[0] = [1.0, *[0.5] * (len(fields) - 1)]
    found = sie.open_sweep(tmp_path / "old.zarr")
    assert (found.p[0] == 0.5).all()
    assert found.p[1].isnull().all()
    assert found.how.values.tolist() == ["", ""]
    assert found.khat.isnull().all()


def test_a_sweep_says_its_units_and_is_selected_by_what_its_cells_chose(tmp_path):
    labels = [
        {"view": view, "edits": edit, "mechanisms": "as_stated", "evidence": "all", "seed": 1, "scale": {}}
        for view in ("reference", "kwa_2026")
        for edit in ("as_stated", "wide")
    ]
    rows = open_rows(tmp_path / "s.zarr", labels, FIELDS, sha256="x")
    for i in range(3):
        row = dict.fromkeys(FIELDS, i / 4) | {"status": 1.0, "how": 1.0}
        rows[i] = [*row.values()]
    found = sie.open_sweep(tmp_path / "s.zarr")
    assert all(values.attrs.get("unit") or name in ("status", "how") for name, values in found.items())
    meanings = dict(zip(found.status.flag_values, found.status.flag_meanings.split(), strict=True))
    assert meanings == {1.0: "done", 2.0: "not_converged", 3.0: "lost"}
    index = ["view", "edits", "mechanisms", "evidence", "seed"]
    one = found.set_index(cell=index).sel(view="kwa_2026", edits="as_stated")
    assert (one.p == 0.5).all()
    found.to_netcdf(tmp_path / "s.nc")


def test_a_store_of_other_results_is_refused(tmp_path, refused):
    open_rows(tmp_path / "other.zarr", [{"seed": 1}], ["status", "value"], sha256="x")
    with refused(str(tmp_path / "other.zarr"), "results without r_asara priors 0.05", "the store of a sweep"):
        sie.open_sweep(tmp_path / "other.zarr")


def test_weights_is_true_or_false(tmp_path, refused):
    (tmp_path / "s.toml").write_text("weights = 1\n" + SPEC)
    with refused("s.toml weights", "1", "true or false"):
        sie.read_sweep(tmp_path / "s.toml")
