"""Clusters: TLS with files of one's own, and workers that hold no more memory than they may."""

import os
import subprocess
import sys

import pytest
from conftest import PATIENCE
from distributed import LocalCluster, Security

import sie
from sie.base import cluster as clusters
from sie.base import stores
from sie.base import tasks as engine
from sie.base.cluster import cluster
from sie.base.stores import open_rows

SPEC = 'draws = 1000\nseeds = [1, 2]\nviews = ["davidson_houlden_2025"]\n'


@pytest.fixture(scope="module")
def credentials(tmp_path_factory):
    """credentials(name): the PEM files of a new authority, a certificate and its key."""

    def make(name):
        folder = tmp_path_factory.mktemp(name)
        new = Security.temporary()
        texts = {"ca": new.tls_ca_file, "cert": new.tls_client_cert, "key": new.tls_client_key}
        for each, text in texts.items():
            (folder / f"{each}.pem").write_text(text)
        return [folder / f"{each}.pem" for each in texts]

    return make


def options(files):
    return [
        str(part)
        for pair in zip(("--tls-ca", "--tls-cert", "--tls-key"), files, strict=True)
        for part in pair
    ]


@pytest.mark.slow
def test_a_sweep_runs_on_a_scheduler_with_tls_files_and_on_no_other_ground(credentials, tmp_path):
    (tmp_path / "s.toml").write_text(SPEC)
    files, strangers = credentials("own"), credentials("other")
    own = dict(zip(("tls_ca_file", "tls_client_cert", "tls_client_key"), map(str, files), strict=True))
    both = {
        name.replace("client", side): path
        for name, path in own.items()
        for side in ("client", "worker", "scheduler")
    }

    def sweep(store, *args):
        return subprocess.run(
            [sys.executable, "-m", "sie.cli", "sweep", "s.toml", "--out", store, "--scheduler", address, *args],
            cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip

    with LocalCluster(n_workers=1, threads_per_worker=1, host="127.0.0.1", security=Security(**both, require_encryption=True), dashboard_address="127.0.0.1:0") as far:  # fmt: skip
        address = far.scheduler_address
        assert address.startswith("tls://")
        done = sweep("s.zarr", *options(files))
        assert (done.returncode, done.stderr) == (0, ""), done
        assert "2 cells: 0 had, 2 done" in done.stdout
        for store, args in (("none.zarr", ()), ("other.zarr", options(strangers))):
            refused = sweep(store, *args)
            assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1), refused
            assert refused.stderr.startswith("--scheduler: found 'tls://127.0.0.1:")
            assert not (tmp_path / store).exists()
    assert sie.open_sweep(tmp_path / "s.zarr").p.sel(given="priors", event="r_above_1").notnull().all()


def test_tls_files_are_all_there_and_are_some(command, credentials, tmp_path):
    (tmp_path / "s.toml").write_text(SPEC)
    ca, cert, key = credentials("own")
    (tmp_path / "text.pem").write_text("no certificate\n")
    other_key = credentials("other")[2]
    cases = [
        (("--tls-ca", ca), "TLS: found no --tls-cert and no --tls-key, want all three of"),
        (options((ca, cert, key)), "--tls-ca: found no --scheduler"),
        (("--scheduler", "tls://127.0.0.1:9", *options((tmp_path / "no.pem", cert, key))), "no.pem: found"),
        (("--scheduler", "tls://127.0.0.1:9", *options((tmp_path / "text.pem", cert, key))), "--tls-ca "),
        (("--scheduler", "tls://127.0.0.1:9", *options((ca, cert, other_key))), "--tls-cert "),
        (("--scheduler", "tls://127.0.0.1:9", *options((ca, cert, tmp_path))), f"{tmp_path}: found"),
    ]
    for args, told in cases:
        code, out, err = command("sweep", tmp_path / "s.toml", "--out", tmp_path / "s.zarr", *args)
        assert (code, out, len(err.splitlines())) == (2, "", 1), (args, err)
        assert told in err
    assert not (tmp_path / "s.zarr").exists()


def swells(seed):
    """A task that comes to hold 2 GiB for one of the seeds."""
    import time

    import numpy

    if seed == 1:
        held = numpy.ones(2**28)
        time.sleep(60)
        return held[:2]
    return numpy.array([1.0, float(seed)])


swells.__module__ = "__main__"  # workers have no tests to import from: the function travels whole


@pytest.mark.slow
def test_a_task_that_holds_more_than_its_worker_may_is_lost_and_stops_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(clusters, "memory_of_worker", lambda workers: 2**30)
    rows = open_rows(tmp_path / "s.zarr", [{"seed": i} for i in range(3)], ["status", "value"], sha256="x")
    with cluster(1) as client:
        ended = engine.run_tasks(swells, lambda i: {"seed": i}, rows, client, shared={}, log=tmp_path / "log")
    assert ended == {"had": 0, "damaged": 0, "done": 2, "not converged": 0, "lost": 1}
    assert rows[:, 0].tolist() == [stores.DONE, stores.LOST, stores.DONE]


def test_workers_share_the_memory_of_the_machine():
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < clusters.memory_of_worker(1) <= whole
    assert clusters.memory_of_worker(4) == clusters.memory_of_worker(1) // 4


def test_a_cluster_is_nobodys_default(refused):
    """Otherwise xarray would ask a scheduler, also one that was refused, for its locks."""
    from distributed.client import default_client

    with refused("--scheduler", "'foo'"), cluster(1, scheduler="foo"):
        pass
    with pytest.raises(ValueError, match="No clients found"):
        default_client()
