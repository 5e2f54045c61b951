"""How fast sweeps are: fits of every cell beside weights on shared fits, and what a cell costs that does nothing.

Run with `pytest tests/benchmarks/test_sweeps.py -s`; `--runs 10000` has as many cells that do nothing in place of 1,000 at most.
"""

import dataclasses
import os
import time
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import psutil
import pytest

import sie
from sie.analysis.sweep.cells import FIELDS
from sie.base.cluster import cluster
from sie.base.stores import open_rows, read_rows, read_whole
from sie.base.tasks import run_tasks

pytestmark = pytest.mark.slow

SPEC = Path(__file__).parents[2] / "docs" / "sweep.toml"


def test_throughput_of_fits_and_of_weights(tmp_path):
    rates, found = {}, {}
    for workers, weights in product((1, 2), (False, True)):
        sweep = dataclasses.replace(sie.read_sweep(SPEC), weights=weights)
        first = dataclasses.replace(sweep, cells=sweep.cells[: 2 * workers])
        name = f"{workers}{weights}.zarr"
        with cluster(workers) as client:
            sie.run_sweep(first, tmp_path / f"warm{name}", client)
            begun = time.perf_counter()
            ended = sie.run_sweep(sweep, tmp_path / name, client)
            seconds = time.perf_counter() - begun
        rates[workers, weights] = len(sweep.cells) / seconds
        found[workers, weights] = table = sie.open_sweep(tmp_path / name)
        inside, memory = float(table.seconds.sum()), float(table.memory.max())
        how = dict(Counter(table.how.values.tolist()))
        print(f"\n{workers} worker(s), weights {weights}: {len(sweep.cells)} cells in {seconds:.1f} s ({inside:.1f} s in cells), {rates[workers, weights]:.2f} a second; {how}; at most {memory:.0f} MiB a worker")  # fmt: skip
        assert ended["done"] == len(sweep.cells)
    for workers in (1, 2):
        print(f"{workers} worker(s): weights / fits {rates[workers, True] / rates[workers, False]:.2f}")
    print(f"2 workers / 1: {rates[2, False] / rates[1, False]:.2f} of fits, {rates[2, True] / rates[1, True]:.2f} with weights")  # fmt: skip
    fits, weighted = found[2, False], found[2, True]
    z = (weighted.p - fits.p) / np.hypot(weighted.mcse, fits.mcse)
    print(f"largest difference of a probability {float(abs(weighted.p - fits.p).max()):.4f}, in standard errors {float(abs(z).max()):.1f}")  # fmt: skip
    assert abs(z).max() < 5
    np.testing.assert_array_equal(found[1, True].p, weighted.p)


def nothing(seed, fields):
    """A cell without sampling."""
    import numpy

    return numpy.full(fields, 1.0)


nothing.__module__ = "__main__"  # workers have no benchmarks to import from: the function travels whole


def test_cells_that_do_nothing(request, tmp_path):
    most = request.config.getoption("--runs") or 1000
    sizes, taken, here = [most // 100, most // 10, most], [], psutil.Process()
    label = {"view": "reference", "edits": "as_stated", "mechanisms": "as_stated", "evidence": "all"}
    with cluster(2) as client:
        client.submit(nothing, 0, 1).result()
        for size in sizes:
            before = here.memory_info().rss
            store = tmp_path / f"{size}.zarr"
            rows = open_rows(
                store, [{**label, "seed": i, "scale": {}} for i in range(size)], FIELDS, sha256="x"
            )
            begun = time.perf_counter()
            run_tasks(
                nothing,
                lambda i: {"seed": i, "fields": len(FIELDS)},
                rows,
                client,
                shared={},
                log=store / "log.jsonl",
            )
            taken.append(time.perf_counter() - begun)
            grown = here.memory_info().rss - before
            begun = time.perf_counter()
            assert (read_whole(read_rows(store, FIELDS)) == 1).all()
            read = time.perf_counter() - begun
            states = [os.stat(Path(at) / name) for at, _, names in os.walk(store) for name in names]
            size_of, on_disk = (
                sum(state.st_size for state in states),
                sum(512 * state.st_blocks for state in states),
            )
            print(f"\n{size:,} cells: {1000 * taken[-1] / size:.2f} ms a cell; {size_of / size:.0f} bytes a cell in files ({on_disk / size:.0f} on disk, and a folder); scheduler and client grew by {grown / size:.0f} bytes a cell; read in {1000 * read / size:.3f} ms a cell")  # fmt: skip
    exponent = np.polyfit(np.log(sizes[1:]), np.log(taken[1:]), 1)[0]
    print(f"time grows as cells to the power {exponent:.2f}")
    assert exponent < 1.3
