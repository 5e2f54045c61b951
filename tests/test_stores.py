"""Stores of results: what is damaged is found and computed again, one process writes, and what stops a run is one line."""

import json
import math
import os
import resource
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import PATIENCE

import sie
from sie.base import stores
from sie.base import tasks as engine
from sie.base.cluster import cluster
from sie.base.stores import locked, open_rows, read_rows, read_values, read_whole

FIELDS = ["status", "p something", "value"]
SIE = (sys.executable, "-m", "sie.cli")


@pytest.fixture
def rows(tmp_path):
    """A store of six tasks, of which the last is still to do."""
    table = open_rows(tmp_path / "s.zarr", [{"seed": i} for i in range(6)], FIELDS, sha256="x")
    for i in range(5):
        table[i] = [stores.DONE, 0.5, i]
    return table


def cell(rows, i):
    return stores.folder_of(rows) / "c" / str(i) / "0"


def other(change):
    """Change the bytes of a row."""
    return lambda rows, path: path.write_bytes(change(path.read_bytes()))


def replaced(make):
    """Put something else in the place of a row."""
    return lambda rows, path: (path.unlink(), make(path))


def number(field, value):
    """Write a number that no task gives, with its checksum."""

    def change(rows, path):
        own = rows[3]
        own[field] = value
        rows[3] = own

    return change


DAMAGE = {
    "empty": other(lambda content: b""),
    "truncated": other(lambda content: content[:-5]),
    "longer": other(lambda content: content + b"\0"),
    "garbled": other(lambda content: os.urandom(len(content))),
    "zeros": other(lambda content: bytes(len(content) - 1) + b"\1"),
    "a flipped bit": other(lambda content: content[:9] + bytes([content[9] ^ 1]) + content[10:]),
    "a flipped bit of the checksum": other(lambda content: content[:-1] + bytes([content[-1] ^ 1])),
    "a probability of 1e9": number(1, 1e9),
    "a negative probability": number(1, -0.1),
    "an unknown status": number(0, 7.0),
    "an infinite status": number(0, math.inf),
    "a folder": replaced(lambda path: path.mkdir()),
    "a pipe": replaced(os.mkfifo),
    "a link to itself": replaced(lambda path: path.symlink_to(path)),
    "a terabyte": lambda rows, path: os.truncate(path, 2**40),
    "an endless file": replaced(lambda path: path.symlink_to("/dev/zero")),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_row_is_found_told_in_one_line_and_to_do_again(rows, damage, refused):
    damage(rows, cell(rows, 3))
    values, damaged = read_values(rows)
    assert damaged == [3]
    np.testing.assert_array_equal(values[[0, 1, 2, 4], 2], [0, 1, 2, 4])
    assert np.isnan(values[[3, 5]]).all()
    with refused(str(stores.folder_of(rows)), "1 damaged rows (3)"):
        read_whole(rows)
    if cell(rows, 3).is_dir() and not cell(rows, 3).is_symlink():
        with refused(str(cell(rows, 3)), "remove it"):
            stores.discard_rows(rows, damaged)
        return
    stores.discard_rows(rows, damaged)
    assert np.isnan(read_whole(rows)[:, 0]).tolist() == [False, False, False, True, False, True]


def test_a_file_in_place_of_the_folder_of_a_row_is_damage(rows, refused):
    shutil.rmtree(cell(rows, 3).parent)
    cell(rows, 3).parent.write_text("")
    assert read_values(rows)[1] == [3]
    with refused(str(cell(rows, 3)), "Not a directory"):
        stores.discard_rows(rows, [3])


def metadata(change):
    def write(path):
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(document))

    return write


NO_STORE = {
    "no JSON": lambda path: path.write_text("{"),
    "a list": lambda path: path.write_text("[]"),
    "deep": lambda path: path.write_text("[" * 100_000),
    "not UTF-8": lambda path: path.write_bytes(b"\xff"),
    "a huge chunk": metadata(lambda found: found.update(chunk_grid={"name": "regular", "configuration": {"chunk_shape": [1, 10**12]}})),
    "a huge shape": metadata(lambda found: found.update(shape=[10**12, 3])),
    "a negative shape": metadata(lambda found: found.update(shape=[-6, 3])),
    "other codecs": metadata(lambda found: found.update(codecs=[{"name": "bytes"}, {"name": "zstd"}])),
    "no checksum": metadata(lambda found: found["codecs"].pop()),
    "another type": metadata(lambda found: found.update(data_type="float32")),
    "no attributes": metadata(lambda found: found.pop("attributes")),
    "tasks of a number": metadata(lambda found: found["attributes"].update(tasks=6)),
    "fields of a number": metadata(lambda found: found["attributes"].update(fields=3)),
    "one task too many": metadata(lambda found: found["attributes"]["tasks"].append({})),
    "a sum of a list": metadata(lambda found: found["attributes"].update(sha256=[])),
}  # fmt: skip


@pytest.mark.parametrize("spoil", NO_STORE.values(), ids=NO_STORE)
def test_what_is_no_store_is_refused_in_one_line(rows, spoil, refused):
    spoil(stores.folder_of(rows) / "zarr.json")
    for fields in (FIELDS, None):
        with pytest.raises(sie.DataError) as told:
            read_rows(stores.folder_of(rows), fields)
        assert len(str(told.value).splitlines()) == 1


def test_a_folder_with_something_else_in_it_becomes_no_store(tmp_path, refused):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with refused(str(tmp_path / "mine"), "something else"):
        open_rows(tmp_path / "mine", [{}], FIELDS, sha256="x")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_a_store_whose_making_was_cut_short_is_made(tmp_path):
    (tmp_path / "s.zarr").mkdir()
    for name in ("lock", "zarr.abc.partial"):
        (tmp_path / "s.zarr" / name).write_text("")
    rows = open_rows(tmp_path / "s.zarr", [{}], FIELDS, sha256="x")
    assert np.isnan(read_whole(rows)).all()
    assert sorted(path.name for path in (tmp_path / "s.zarr").iterdir()) == ["lock", "zarr.json"]


@pytest.mark.slow
def test_a_sweep_goes_on_with_a_store_whose_making_was_cut_short(tmp_path):
    (tmp_path / "sweep.toml").write_text(SWEEP)
    (tmp_path / "s.zarr").mkdir()
    done = subprocess.run(
        [*SIE, "sweep", "sweep.toml", "--out", "s.zarr"], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


HOLDER = "import sys, time; from pathlib import Path; from sie.base.stores import locked\nwith locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(3600)"


@pytest.fixture
def held(rows):
    """A process that writes into the store."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, stores.folder_of(rows)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    yield holder
    holder.kill()
    holder.communicate()


def test_a_second_writer_is_refused_and_readers_are_not_until_the_first_is_dead(rows, held, refused):
    with refused(str(stores.folder_of(rows)), "another process that writes into it"):
        engine.run_tasks(lambda: None, lambda i: {}, rows, None, shared={}, log=None)
    assert read_whole(rows)[4, 2] == 4
    held.kill()
    held.wait()
    with locked(stores.folder_of(rows)):
        pass


def test_a_store_is_readable_while_it_grows(rows):
    reader = read_rows(stores.folder_of(rows), FIELDS)
    assert np.isnan(read_whole(reader)[5]).all()
    stores.write_row(rows, 5, np.array([stores.DONE, 0.25, 5.0]))
    assert read_whole(reader)[5].tolist() == [1, 0.25, 5]


def test_what_a_killed_writer_left_is_removed(rows):
    half = cell(rows, 4).with_name("0.abc.partial")
    half.write_bytes(b"half")
    stores.discard_rows(rows, [])
    assert not half.exists()


def value(seed):
    """A task that is done at once."""
    import numpy

    return numpy.array([1.0, 0.5, float(seed)])


value.__module__ = "__main__"  # workers have no tests to import from: the function travels whole


@pytest.mark.slow
def test_damaged_rows_are_computed_again_and_a_full_disk_is_one_line(rows, refused):
    folder = stores.folder_of(rows)
    options = {"shared": {}, "log": folder / "log.jsonl"}
    with cluster(1) as client:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
        try:
            with refused(str(folder), "File too large", "want a writable place"):
                engine.run_tasks(value, lambda i: {"seed": i}, rows, client, **options)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        (folder / "own").write_text("precious")
        (folder / "link").symlink_to(folder / "own")
        (folder / "device").symlink_to("/dev/full")
        os.mkfifo(folder / "pipe")
        for name in ("link", "device", "pipe"):  # the store of somebody else
            with refused(str(folder / name), "no regular file", "want a log of this store, or nothing"):
                engine.run_tasks(value, lambda i: {"seed": i}, rows, client, shared={}, log=folder / name)
            stores.write_row(rows, 5, np.full(3, np.nan))
        assert (folder / "own").read_text() == "precious"
        for i, name in enumerate(("empty", "garbled", "a flipped bit")):
            DAMAGE[name](rows, cell(rows, i))
        done = engine.run_tasks(value, lambda i: {"seed": i}, rows, client, **options)
    assert done == {"had": 2, "damaged": 3, "done": 4, "not converged": 0, "lost": 0}
    assert read_whole(rows)[:, 2].tolist() == list(range(6))
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["task"] for line in log if line["state"] == "damaged"] == [0, 1, 2]


ILL = """
import os, signal, sys
if "spawn_main" in " ".join(sys.orig_argv):
    if os.path.exists(os.environ.get("DIES_IF_THERE", "")):
        os.kill(os.getpid(), signal.SIGKILL)
    def fails(event, arguments):
        if event == "import" and arguments[0] == os.environ.get("FAILS_AT"):
            raise OSError("of a test")
    sys.addaudithook(fails)
"""
"""Makes worker processes die as they start, or fail in every task."""


@pytest.fixture
def ill(tmp_path):
    """ill(NAME=value): the environment in which workers are ill."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(ILL)
    return lambda **how: {**os.environ, "PYTHONPATH": str(tmp_path / "site"), **how}


SWEEP = 'draws = 1000\nseeds = [1, 2]\nviews = ["davidson_houlden_2025"]\n'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("sweep", "sweep.toml", "--out", "s.zarr"), "found 2 cells: 0 had, 0 done, 0 not converged, 2 lost"),
        (("calibrate", "--runs", "20", "--out", "runs"), "found no refit that ended"),
    ],
)
def test_where_every_cell_is_lost_the_end_is_that_of_no_answer(args, told, ill, tmp_path):
    (tmp_path / "sweep.toml").write_text(SWEEP)
    done = subprocess.run(
        [*SIE, *args], cwd=tmp_path, env=ill(FAILS_AT="sie.growth.paths"), capture_output=True, text=True, timeout=PATIENCE
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1), done
    assert told in done.stderr


@pytest.mark.slow
def test_workers_that_do_not_start_are_one_line(ill, tmp_path):
    (tmp_path / "sweep.toml").write_text(SWEEP)
    done = subprocess.run(
        [*SIE, "sweep", "sweep.toml", "--out", "s.zarr"], cwd=tmp_path, env=ill(DIES_IF_THERE=str(tmp_path)), capture_output=True, text=True, timeout=PATIENCE
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done
    assert done.stderr.startswith("--workers: found a worker process that does not start")
    assert not (tmp_path / "s.zarr").exists()


def poisons(seed, flag):
    """A task after which its worker is dead, and no other starts."""
    import os

    open(flag, "w").close()
    os._exit(1)


poisons.__module__ = "__main__"


@pytest.mark.slow
def test_a_run_that_no_worker_is_left_for_ends_in_one_line(ill, tmp_path, rows, monkeypatch, refused):
    flag = str(tmp_path / "flag")
    for name, text in ill(DIES_IF_THERE=flag).items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr(engine, "CHECK_SECONDS", 1.0)
    monkeypatch.setattr(engine, "NO_WORKER_SECONDS", 3.0)
    with cluster(1) as client, refused("the cluster", "no worker left"):
        engine.run_tasks(
            poisons, lambda i: {"seed": i, "flag": flag}, rows, client, shared={}, log=tmp_path / "log"
        )
    assert read_whole(rows)[4, 2] == 4
