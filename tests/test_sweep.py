"""Sweeps: what a file may say, cells that give the same numbers wherever they run, and stores that survive a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import xarray as xr
from conftest import PATIENCE

import sie
from sie.analysis.sweep.cells import FIELDS, run_cell
from sie.base import stores
from sie.base import tasks as engine
from sie.base.cluster import cluster
from sie.base.stores import open_rows, read_rows, read_values

PLAIN = 'draws = 1000\nseeds = [1, 2]\nviews = ["davidson_houlden_2025"]\n'
QUICK = "draws = 1000\nviews = ['davidson_houlden_2025']\nseeds = [" + ", ".join(map(str, range(150))) + "]\n"


@pytest.fixture
def spec(tmp_path):
    """spec(text): a sweep file with this text."""

    def write(text):
        path = tmp_path / "sweep.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_the_cells_are_the_product_of_the_axes(spec):
    text = 'draws = 1000\nseeds = [1, 2]\nviews = ["davidson_2025", "reference"]\n'
    text += "[edits.as_stated]\n[edits.low]\nceiling = { family = 'fixed', value = 2 }\n"
    text += "[evidence.all]\n[evidence.no_vision]\nleave_out = ['computer vision']\n"
    sweep = sie.read_sweep(spec(text))
    assert len(sweep.cells) == len(set(sweep.cells)) == 2 * 2 * 1 * 2 * 2
    low = next(cell for cell in sweep.cells if cell.edits == "low")
    assert sweep.view(low)["ceiling"].prior == sie.fixed(2)
    evidence = sie.read_evidence()
    vision = evidence.domain.values[evidence.domain_idx.values] == "computer vision"
    vision &= evidence.domain_idx.values >= 0
    assert sweep.evidence["no_vision"] == tuple(evidence.estimate.values[vision])
    assert set(sweep.evidence["no_vision"]) >= {"vision_growth", "alexnet_growth", "alexnet", "vision_2024"}


def test_a_sample_is_the_same_for_the_same_seed_and_scales_within_its_bounds(spec):
    path = spec(PLAIN + "[sample]\ncells = 40\nseed = 3\nscale = { ceiling = [0.5, 2.0] }\n")
    sweep = sie.read_sweep(path)
    assert sweep.cells == sie.read_sweep(path).cells
    factors = np.log2([dict(cell.scale)["ceiling"] for cell in sweep.cells])
    # A Latin hypercube has one point in each of 40 equal strata.
    assert sorted(np.floor((factors + 1) * 20)) == list(range(40))
    cell = sweep.cells[0]
    wanted = sie.read_view(cell.view)["ceiling"].prior.scaled(cell.scale[0][1])
    assert sweep.view(cell)["ceiling"].prior == wanted


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ("seeds = [1]\nviews = ['reference']\n", "sweep.toml draws", "nothing"),
        (PLAIN.replace("1000", "1001"), "sweep.toml draws", "1001"),
        (PLAIN.replace("[1, 2]", "[]"), "sweep.toml seeds", "[]"),
        (PLAIN.replace("[1, 2]", "[true]"), "sweep.toml seeds", "True"),
        (PLAIN.replace("davidson_houlden_2025", "nobody"), "sweep.toml views: view", "'nobody'"),
        (
            PLAIN + "[edits.a]\nnothing = { family = 'fixed', value = 1 }\n",
            "sweep.toml: davidson_houlden_2025 replace nothing",
            "",
        ),
        (
            PLAIN + "[edits.a]\nceiling = { family = 'fixt', value = 1 }\n",
            "sweep.toml [edits.a] ceiling family",
            "'fixt'",
        ),
        (PLAIN + "[edits.a]\nceiling = 3\n", "sweep.toml [edits.a] ceiling", "3"),
        (PLAIN.replace("[1, 2]", "[1, 1]"), "sweep.toml seeds", "[1, 1]"),
        (PLAIN.replace("[1, 2]", f"[{2**64}]"), "sweep.toml seeds", str(2**64)),
        (PLAIN + "[evidence.a]\nleave_out = ['bread']\n", "sweep.toml [evidence.a] leave_out", "'bread'"),
        (PLAIN + "[evidence.a]\nleave_out = [3]\n", "sweep.toml [evidence.a] leave_out", "3"),
        (PLAIN + "[evidence.a]\nlevels = 'growth'\n", "sweep.toml [evidence.a]", "levels"),
        (
            PLAIN + "[evidence.a]\nlevels = { 'SAT solvers' = 'series' }\n",
            "sweep.toml [evidence.a] levels SAT solvers",
            "'series'",
        ),
        (
            PLAIN + "[sample]\ncells = 5\nseed = 1\nscale = { ceiling = [1, 1" + 400 * "0" + "] }\n",
            "sweep.toml [sample] scale ceiling",
            "000",
        ),
        (PLAIN + "[sample]\ncells = 0\nseed = 1\n", "sweep.toml [sample] cells", "0"),
        (
            PLAIN + "[sample]\ncells = 5\nseed = 1\nscale = { ceiling = [2, 1] }\n",
            "sweep.toml [sample] scale ceiling",
            "[2, 1]",
        ),
        (PLAIN + "[cells]\n", "sweep.toml cells", "an unknown key"),
        (PLAIN + "draws = 2\n", "sweep.toml", "a TOML syntax error"),
    ],
)
def test_a_bad_sweep_is_refused_in_one_line(spec, refused, text, where, found):
    with refused(where, found):
        sie.read_sweep(spec(text))


@pytest.mark.parametrize(
    ("evidence", "found"),
    [
        ("leave_out = ['vision_2024']", "'vision_2024'"),  # at another level
        ("leave_out = ['cifar10']", "'cifar10'"),  # does not identify r
        ("leave_out = ['compute_poll_2025']", "'compute_poll_2025'"),  # another row is preferred
        ("leave_out = ['vision_growth', 'vision_growth']", "'vision_growth'"),
        ("leave_out = ['computer vision', 'alexnet_growth']", "'alexnet_growth'"),
        ("leave_out = []", "the rows of [evidence.all] in every view"),
        ("levels = { 'SAT solvers' = 'growth' }", "the rows of [evidence.all] in every view"),
    ],
)
def test_evidence_that_changes_nothing_is_refused(spec, refused, evidence, found):
    text = PLAIN.replace("davidson_houlden_2025", "reference") + f"[evidence.all]\n[evidence.a]\n{evidence}\n"
    with refused("sweep.toml [evidence.a]", f"found {found}"):
        sie.read_sweep(spec(text))


def test_a_domain_whose_rows_no_view_uses_is_refused(spec, refused):
    text = PLAIN.replace("davidson_houlden_2025", "davidson_2025") + "[evidence.all]\n[evidence.a]\n"
    for row in ("stockfish", "computer chess"):  # measured against another input than its compute factor
        with refused("sweep.toml [evidence.a]", f"found '{row}'"):
            sie.read_sweep(spec(f"{text}leave_out = ['{row}']\n"))


def test_a_row_that_moves_none_of_the_views_is_refused(spec, refused):
    text = "[evidence.all]\n[evidence.a]\nleave_out = ['vision_growth']\n"
    with refused("sweep.toml [evidence.a] leave_out", "'vision_growth'"):
        sie.read_sweep(spec(PLAIN + text))  # states r at ASARA
    with refused("sweep.toml [evidence.a] leave_out", "'vision_growth'", "which the view already reflects"):
        sie.read_sweep(spec(PLAIN.replace("davidson_houlden_2025", "davidson_2025") + text))
    both = PLAIN.replace('"davidson_houlden_2025"', '"davidson_2025", "reference"')
    assert sie.read_sweep(spec(both + text)).evidence["a"] == ("vision_growth",)


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        (
            "[edits.a]\n[edits.b]\nspeedup = { family = 'fixed', value = 8 }\n"
            "[edits.c]\nspeedup = { family = 'fixed', value = 8.0 }\n",
            "sweep.toml [edits.c]",
            "the priors of [edits.b] in every view",
        ),
        (
            "[mechanisms.a]\n[mechanisms.b]\nshape = { family = 'fixed', value = 1 }\n",
            "sweep.toml [mechanisms.b]",
            "the priors of [mechanisms.a] in every view",
        ),
        (
            "[edits.a]\nshape = { family = 'fixed', value = 2 }\n"
            "[mechanisms.b]\nshape = { family = 'fixed', value = 3 }\n",
            "sweep.toml [mechanisms.b] shape",
            "a quantity that [edits.a] sets too",
        ),
    ],
)
def test_priors_that_change_nothing_are_refused(spec, refused, text, where, found):
    with refused(where, found):
        sie.read_sweep(spec(PLAIN + text))


@pytest.mark.slow
def test_a_sweep_says_at_which_level_every_domain_entered(spec, tmp_path):
    from sie.analysis.sweep.run import open_sweep_rows

    text = PLAIN.replace("davidson_houlden_2025", "reference")
    text += "[evidence.all]\n[evidence.raw]\nlevels = { 'SAT solvers' = 'epoch' }\n"
    usual, chosen = (
        sie.read_sweep(str(spec(text)), levels=levels) for levels in ({}, {"linear programming": "epoch"})
    )
    assert usual.sha256 != chosen.sha256
    open_sweep_rows(chosen, tmp_path / "s.zarr")
    found = sie.open_sweep(tmp_path / "s.zarr")
    assert found.level.sel(domain="linear programming").values.tolist() == ["epoch"] * 4
    for choice, level in (("all", "growth"), ("raw", "epoch")):
        cells = found.sel(cell=found.evidence == choice)
        assert cells.level.sel(domain="SAT solvers").values.tolist() == [level] * 2
    found.to_netcdf(tmp_path / "s.nc", engine="h5netcdf")


def test_a_store_of_an_earlier_version_has_no_levels_and_opens(tmp_path):
    cells = [
        {"view": "mine", **dict.fromkeys(("edits", "mechanisms", "evidence"), "all"), "seed": 1, "scale": {}}
    ]
    open_rows(tmp_path / "s.zarr", cells, FIELDS, sha256="x")
    assert "level" not in sie.open_sweep(tmp_path / "s.zarr")


def test_a_sweep_with_no_cell_done_ends_as_one_that_did_not_converge(spec, tmp_path, command, monkeypatch):
    state = stores.NOT_CONVERGED
    from contextlib import nullcontext

    from sie.analysis.sweep import run as sweep

    def nothing(planned, store, client, **options):
        rows = sweep.open_sweep_rows(planned, store)
        rows[:, 0] = state
        return {"had": 0, "damaged": 0, "done": 0, stores.STATES[state]: 2}

    monkeypatch.setattr("sie.base.cluster.cluster", lambda *args, **options: nullcontext())
    monkeypatch.setattr(sweep, "run_sweep", nothing)
    code, out, err = command("sweep", spec(PLAIN), "--out", tmp_path / "s.zarr")
    assert (code, out, len(err.splitlines())) == (3, "", 1)
    assert f"found 2 cells: 0 had, 0 done, 2 {stores.STATES[state]}, want at least one done" in err


@pytest.mark.slow
def test_the_example_shows_a_real_difference():
    """Of docs/sweep.toml, the reference view as stated: with all evidence and without the report's halving for fixed hardware."""
    sweep = sie.read_sweep(Path(__file__).parents[1] / "docs" / "sweep.toml")
    assert len(sweep.cells) == 3 * 6 * 3 * 2 * 2  # as its first line says
    found = {}
    for evidence, leave_out in sweep.evidence.items():
        cell = next(
            cell
            for cell in sweep.cells
            if (cell.view, cell.edits, cell.mechanisms, cell.evidence)
            == ("reference", "as_stated", "as_stated", evidence)
        )
        options = {"seed": cell.seed, "draws": sweep.draws, "key": "here", "levels": sweep.levels[evidence]}
        row = run_cell(sweep.view(cell), sie.read_evidence(), leave_out, **options)
        found[evidence] = [row[FIELDS.index(f"{value} evidence r_above_1")] for value in ("p", "mcse")]
        print(f"{evidence}: P(r > 1) {found[evidence][0]:.3f} (MCSE {found[evidence][1]:.3f})")
    (p, error), (other, other_error) = found.values()
    assert abs(other - p) > 4 * np.hypot(error, other_error)


def test_a_store_of_another_sweep_is_refused(spec, tmp_path, refused):
    from sie.analysis.sweep.run import open_sweep_rows

    open_sweep_rows(sie.read_sweep(spec(PLAIN)), tmp_path / "s.zarr")
    with refused(str(tmp_path / "s.zarr"), "another run"):
        open_sweep_rows(sie.read_sweep(spec(PLAIN.replace("[1, 2]", "[1, 3]"))), tmp_path / "s.zarr")
    (tmp_path / "other").mkdir()
    with refused(str(tmp_path / "other"), "something else"):
        sie.open_sweep(tmp_path / "other")


def test_a_view_travels_between_processes():
    import pickle

    view = sie.read_view("davidson_2025")
    assert pickle.loads(pickle.dumps(view)) == view


def dies(seed, nothing):
    """A task whose worker does not come back for one of the seeds."""
    import os

    import numpy

    if seed == 1:
        os._exit(1)
    return numpy.array([1.0, float(seed)])


def dies_among(seeds):
    """Rows of several tasks, whose worker does not come back for one of the seeds."""
    import os

    import numpy

    if 1 in seeds:
        os._exit(1)
    return numpy.array([[1.0, float(seed)] for seed in seeds])


# Workers have no tests to import from: let the functions travel whole.
dies.__module__ = dies_among.__module__ = "__main__"


def threads():
    """What a process believes it may use: by Python, which nutpie and thread pools ask, and by numba."""
    import numba

    return getattr(os, "process_cpu_count", os.cpu_count)(), numba.config.NUMBA_NUM_THREADS


threads.__module__ = "__main__"  # travels whole


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info < (3, 13), reason="PYTHON_CPU_COUNT is new in Python 3.13")
def test_a_worker_is_one_thread_and_this_process_keeps_its_own(monkeypatch):
    told = []
    putenv = os.environ.__class__.__setitem__

    def noted(self, name, value):
        told.append(name)
        putenv(self, name, value)

    monkeypatch.setattr(os.environ.__class__, "__setitem__", noted)
    before = threads()
    with cluster(2) as client:
        assert list(client.run(threads).values()) == [(1, 1)] * 2
    assert threads() == before
    assert "NUMBA_NUM_THREADS" not in told


@pytest.mark.slow
def test_a_lost_worker_is_recorded_and_stops_nothing(tmp_path):
    rows = open_rows(tmp_path / "s.zarr", [{"seed": i} for i in range(4)], ["status", "value"], sha256="x")
    with cluster(2) as client:
        ended = engine.run_tasks(
            dies, lambda i: {"seed": i}, rows, client, shared={"nothing": None}, log=tmp_path / "log.jsonl"
        )
    assert ended == {"had": 0, "damaged": 0, "done": 3, "not converged": 0, "lost": 1}
    assert rows[:, 0].tolist() == [stores.DONE, stores.LOST, stores.DONE, stores.DONE]
    [lost] = [
        line for line in map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines()) if "error" in line
    ]
    assert (lost["task"], lost["state"]) == (1, "lost")


@pytest.mark.slow
def test_of_rows_computed_together_those_are_kept_that_end_no_worker(tmp_path):
    rows = open_rows(tmp_path / "s.zarr", [{"seed": i} for i in range(4)], ["status", "value"], sha256="x")
    with cluster(1) as client:
        ended = engine.run_tasks(
            dies_among,
            lambda *batch: {"seeds": batch},
            rows,
            client,
            shared={},
            log=tmp_path / "log.jsonl",
            batches=lambda pending: [pending[2:], pending[:2]],
        )
    assert ended == {"had": 0, "damaged": 0, "done": 3, "not converged": 0, "lost": 1}
    assert rows[:, 0].tolist() == [stores.DONE, stores.LOST, stores.DONE, stores.DONE]
    assert rows[:, 1].tolist()[2:] == [2, 3]
    log = [json.loads(line)["task"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert sorted(log) == [0, 1, 2, 3]


@pytest.mark.slow
def test_cells_on_a_cluster_equal_cells_in_this_process_with_one_thread_or_two(spec, tmp_path):
    sweep = sie.read_sweep(
        spec('draws = 1000\nseeds = [1, 2]\nviews = ["davidson_houlden_2025", "reference"]\n')
    )
    with cluster(2) as client:
        ended = sie.run_sweep(sweep, tmp_path / "s.zarr", client)
        assert ended == {"had": 0, "damaged": 0, "done": 4, "not converged": 0, "lost": 0}
        again = sie.run_sweep(sweep, tmp_path / "s.zarr", client)
        assert again == {"had": 4, "damaged": 0, "done": 0, "not converged": 0, "lost": 0}
    found = sie.open_sweep(tmp_path / "s.zarr")
    for i, cell in enumerate(sweep.cells):
        here = dict(
            zip(
                FIELDS,
                run_cell(sweep.view(cell), sie.read_evidence(), (), seed=cell.seed, draws=1000, key="here"),
                strict=True,
            )
        )
        for given in ("priors", "evidence"):
            at = found.isel(cell=i).sel(given=given, event="r_above_1")
            np.testing.assert_equal(at.p.item(), here[f"p {given} r_above_1"])
            np.testing.assert_equal(at.mcse.item(), here[f"mcse {given} r_above_1"])


@pytest.mark.slow
def test_left_out_rows_and_domains_on_a_cluster_equal_those_of_this_process_and_are_kept(evidence, tmp_path):
    from sie.analysis import leaving_out
    from sie.returns.design import design

    view = sie.read_view("davidson_2025")
    rows = sie.usable(evidence, view)
    rows = rows.isel(estimate=np.flatnonzero(rows.domain_idx.values >= 0)[:2])
    tree = sie.fit(design(rows, view), seed=1, draws=1000)
    options = {"seed": 1, "draws": 1000}
    here = (
        leaving_out.influence(tree, rows, view, **options),
        leaving_out.leave_domains_out(rows, view, **options),
    )
    told = []
    with cluster(2) as client:
        refits = engine.on_cluster(client, tmp_path, sha256="x", progress=lambda *at: told.append(at))
        there = (
            leaving_out.influence(tree, rows, view, **options, refits=refits),
            leaving_out.leave_domains_out(rows, view, **options, refits=refits),
        )
        for one, other in zip(here, there, strict=True):
            xr.testing.assert_identical(one, other)
        assert told == [(0, 2), (1, 2), (2, 2)] * 2
        # A second run finds every refit done: none is run, also where none could be.
        again = leaving_out.influence(tree, rows, view, **options, refits=refits)
        assert told[6:] == [(2, 2)]
        xr.testing.assert_identical(again, here[0])


def test_refits_that_do_not_converge_are_named(evidence):
    from sie.analysis import leaving_out

    view = sie.read_view("davidson_2025")
    rows = sie.usable(evidence, view)

    def refits(task, arguments, fields, *, shared, on_progress):
        table = np.ones((len(arguments), len(fields)))
        table[1, 0] = stores.NOT_CONVERGED
        return table

    seen = rows.domain_idx.values[rows.domain_idx.values >= 0]
    second = rows.domain.values[np.unique(seen)][1]
    with pytest.raises(sie.NotConverged, match=f"no posterior without {second}, want one that converges"):
        leaving_out.leave_domains_out(rows, view, seed=1, draws=1000, refits=refits)


@pytest.mark.parametrize(
    ("args", "found"),
    [(("--workers", "0"), "0"), (("--workers", "2"), "no --loo"), (("--store", "s"), "no --loo")],
)
def test_refits_of_the_evidence_are_refused_in_one_line(command, monkeypatch, tmp_path, args, found):
    monkeypatch.chdir(tmp_path)
    code, out, err = command("evidence", *args)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert found in err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_report_and_a_sweep_leave_nothing_in_the_temporary_folder(spec, tmp_path):
    scratch, path = tmp_path / "scratch", spec("draws = 1000\nseeds = [1]\nviews = ['davidson_2025']\n")
    scratch.mkdir()
    for args in (
        ("report", "davidson_2025", "--draws", "1000"),
        ("sweep", str(path), "--out", str(tmp_path / "s.zarr")),
    ):
        subprocess.run(
            [sys.executable, "-m", "sie.cli", *args],
            capture_output=True,
            timeout=PATIENCE,
            check=True,
            env={**os.environ, "TMPDIR": str(scratch)},
        )
        assert not list(scratch.iterdir()), args[0]
    assert sie.open_sweep(tmp_path / "s.zarr").p.sel(given="evidence", event="r_above_1").notnull().all()


KILLED = """
import os, signal, sys
from sie import cli
count, last = 0, int(sys.argv[1])
def at(event, arguments):
    global count
    if event == "os.rename" and str(arguments[0]).endswith(".partial"):
        count += 1
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)
sys.argv = ["sie", *sys.argv[2:]]
if last:
    sys.addaudithook(at)
cli.main()
"""
"""Runs a sweep and kills it when its nth cell is written and not yet in its place; never for 0."""


def start(path, store, last=0):
    command = [sys.executable, "-c", KILLED, str(last), "sweep", str(path), "--out", str(store)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def descendants(process):
    return psutil.Process(process.pid).children(recursive=True)


@pytest.mark.long
@pytest.mark.slow
def test_a_sweep_killed_at_any_moment_goes_on_and_computes_nothing_twice(spec, tmp_path, kills):
    path, store = spec(QUICK), tmp_path / "s.zarr"
    random, orphans, half_written = np.random.default_rng(1), [], 0
    for i in range(kills):
        if store.exists() and not np.isnan(read_values(read_rows(store, FIELDS))[0][:, 0]).any():
            store.rename(tmp_path / f"full{i}.zarr")
        running = start(path, store, last=int(random.integers(1, 5)) if i % 2 else 0)
        try:
            running.communicate(timeout=PATIENCE if i % 2 else random.uniform(0.5, 6))
        except subprocess.TimeoutExpired:
            orphans += descendants(running)
            running.send_signal(signal.SIGKILL)
            running.communicate()
        half_written += bool(list(store.rglob("*.partial")))
    assert half_written >= kills // 2 - 1
    assert not list(tmp_path.glob("full*/**/*.partial"))
    ended = start(path, store)
    out, err = ended.communicate(timeout=PATIENCE)
    assert (ended.returncode, err) == (0, "")
    assert out.startswith("150 cells: ")
    deadline = time.monotonic() + PATIENCE
    while any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in orphans):
        assert time.monotonic() < deadline, "a worker outlives its sweep"
        time.sleep(0.2)
    for each in [store, *tmp_path.glob("full*.zarr")]:
        log = [json.loads(line)["task"] for line in (each / "log.jsonl").read_text().splitlines()]
        assert len(log) == len(set(log))
        found = sie.open_sweep(each)
        expected = sie.read_sweep(path)
        for i in (0, 77, 149):
            row = run_cell(expected.view(expected.cells[i]), None, (), seed=i, draws=1000, key="here")
            assert found.p.sel(given="priors").values[i].tolist() == [
                value for field, value in zip(FIELDS, row, strict=True) if field.startswith("p priors")
            ]


def test_a_scheduler_that_is_none_is_refused_before_a_store_is_made(command, tmp_path):
    spec, store = tmp_path / "spec.toml", tmp_path / "store.zarr"
    spec.write_text('draws = 1000\nseeds = [1]\nviews = ["reference"]\n')
    code, out, err = command("sweep", spec, "--out", store, "--scheduler", "foo")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith("--scheduler: found 'foo', want the address of a Dask scheduler")
    assert not store.exists()
