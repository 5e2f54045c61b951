"""How fast the whole model is: sampling beside PyMC's own sampler, start, sweeps, memory. Run with `pytest tests/benchmarks -s`.

Ratios and what they come from are printed. `--runs 1000` sweeps 1,000 cells in place of 60. Times are of wall clock unless
they say processor: on a busy machine only ratios and processor times mean anything.
"""

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import sie

pytestmark = pytest.mark.slow

CELLS, VIEWS, PROFILED = 60, 20, 40
"""Cells and views of a sweep, and cells whose processor time is taken apart."""

DRAWS, FEW = 1000, 8
"""Draws of a chain of every sampler, and of a run that is all start."""

SIZES = (10**5, 10**6, 10**7)
BLOCK = 10**5

STARTS = """
import json, sys, time
begun, used = time.perf_counter(), time.process_time()
from sie.analysis.doctor import fit_times
found = {finding.what: finding.why for finding in fit_times()}
total = [time.perf_counter() - begun, time.process_time() - used]
print(json.dumps([found, total]))
"""

PRIORS = """
import time
begun, used = time.perf_counter(), time.process_time()
import sie
sie.credences(sie.simulate(sie.prior(sie.read_view("davidson_houlden_2025"), draws=20000, seed=1)))
print(time.perf_counter() - begun, time.process_time() - used)
"""

MEMORY = f"""
import sys; sys.path.insert(0, sys.argv[2])
import sie
from peak import megabytes
view = sie.read_view("davidson_houlden_2025")
sie.stream(sie.prior(view, draws={BLOCK}, seed=i) for i in range(1))
before = megabytes()
sie.stream(sie.prior(view, draws={BLOCK}, seed=i) for i in range(int(sys.argv[1]) // {BLOCK}))
print(before, megabytes())
"""


@pytest.fixture(scope="module", autouse=True)
def machine():
    print(f"\n{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}")  # fmt: skip


def script(code, *args, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code, *args],
        capture_output=True,
        text=True,
        timeout=580,
        check=True,
        env={**os.environ, **environment},
    )
    return done.stdout.splitlines()[-1]


def least_ess(tree, names):
    """The least bulk effective sample size, which a monotone map of a variable, such as its score, leaves as it is."""
    from arviz_stats.base import array_stats

    values = [tree["posterior"][name].transpose("chain", "draw", ...).values for name in names]
    columns = [v.reshape(*v.shape[:2], -1) for v in values]
    return min(float(array_stats.ess(c[..., i], method="bulk")) for c in columns for i in range(c.shape[-1]))


@pytest.mark.parametrize("rival", ["pymc", "numpyro"])
def test_effective_samples_a_second_beside(evidence, rival):
    """Sampling alone: no compile, four chains, the least bulk ESS of all 84 latents, per second of processor.

    At the same target_accept and warm-up, and with the rival at its own defaults (1000 warm-up draws, target_accept 0.8).
    numpyro is no dependency: `uv pip install numpyro` first.
    """
    import pymc as pm

    from sie.inference import sampling as inference
    from sie.returns.compiled import compile_density

    if rival == "numpyro":
        pytest.importorskip("numpyro")
    view = sie.read_view("reference")
    model = sie.build(sie.usable(evidence, view), view)
    compiled = compile_density(model)
    own = {"tune": inference.TRIES[0].tune, "target_accept": inference.TRIES[0].target_accept}

    def timed(function):
        begun, used = time.perf_counter(), time.process_time()
        tree = function()
        names = ("score", "z") if "score" in tree["posterior"] else (*view.informed, "z")
        return least_ess(tree, names), time.process_time() - used, time.perf_counter() - begun

    def ours():
        return inference.run_chains(compiled, draws=DRAWS, seed=1, **own)

    def theirs(draws, tune, target_accept):
        more = {"cores": 1} if rival == "pymc" else {"nuts_sampler_kwargs": {"chain_method": "sequential"}}
        with model:
            return pm.sample(
                draws=draws,
                tune=tune,
                chains=inference.CHAINS,
                nuts_sampler=rival,
                random_seed=1,
                target_accept=target_accept,
                progressbar=False,
                compute_convergence_checks=False,
                **more,
            )

    ours()
    ess, processor, seconds = timed(ours)
    print(f"\nours, {own}: least bulk ESS {ess:.0f} in {processor:.2f} s of processor ({seconds:.2f} s by the clock)")  # fmt: skip
    ratios = []
    for settings in (own, {"tune": 1000, "target_accept": 0.8}):
        # What a run of hardly any draws takes is compiling and starting; the first one fills caches.
        theirs(FEW, 1, settings["target_accept"])
        _, least, _ = timed(lambda at=settings: theirs(FEW, 1, at["target_accept"]))
        found, taken, _ = timed(lambda at=settings: theirs(DRAWS, **at))
        ratios.append(ess / processor / (found / (taken - least)))
        print(f"{rival}, {settings}: least bulk ESS {found:.0f} in {taken - least:.2f} s of processor beside {least:.1f} s of start; effective samples a second, ours / {rival}: {ratios[-1]:.1f}")  # fmt: skip
    assert min(ratios) > 1


def test_start_cold_and_warm(tmp_path):
    caches = {
        "PYTENSOR_FLAGS": f"base_compiledir={tmp_path / 'pytensor'}",
        "NUMBA_CACHE_DIR": str(tmp_path / "numba"),
    }
    for caches_are in ("cold", "warm"):
        found, (wall, processor) = json.loads(script(STARTS, **caches))
        steps = ", ".join(
            f"{step} {found[step].split(' s')[0]} s" for step in ("import", "compile", "sample", "propagate")
        )
        print(f"\n{caches_are} caches, to a posterior credence: {wall:.1f} s ({processor:.1f} s of processor): {steps}")  # fmt: skip
    for caches_are in ("cold", "warm"):
        wall, processor = map(float, script(PRIORS, NUMBA_CACHE_DIR=str(tmp_path / "priors")).split())
        print(f"{caches_are} caches, to prior credences: {wall:.1f} s ({processor:.1f} s of processor)")


def test_sweep_throughput(request, tmp_path):
    """Cells a second of 1 and 2 workers, and what a cell costs beyond its sampling, in processor time of one process."""
    import numba

    from sie.analysis.sweep import run as sweeps
    from sie.base import tasks as engine
    from sie.inference import sampling as inference
    from sie.returns import compiled as density

    cells = request.config.getoption("--runs") or CELLS
    chain = [name for name in sie.view_names() if not sie.read_view(name).states_r_asara]
    edits = -(-VIEWS // len(chain))
    views = len(chain) * edits
    seeds = -(-cells // views)
    text = f"draws = 1000\nseeds = {list(range(seeds))}\nviews = {json.dumps(chain)}\n"
    for i in range(edits):
        text += f"[edits.e{i}]\nspeedup = {{ family = 'loguniform', lower = 2, upper = {16 + i} }}\n"
    spec = tmp_path / "sweep.toml"
    spec.write_text(text)
    sweep, rates = sie.read_sweep(spec), {}
    warm = tmp_path / "warm.toml"
    warm.write_text(f"draws = 1000\nseeds = [1, 2, 3, 4]\nviews = {json.dumps(chain[:1])}\n")
    for workers in (1, 2):
        with engine.cluster(workers) as client:
            sie.run_sweep(sie.read_sweep(warm), tmp_path / f"warm{workers}.zarr", client)
            begun = time.perf_counter()
            ended = sie.run_sweep(sweep, tmp_path / f"{workers}.zarr", client)
            seconds = time.perf_counter() - begun
            compiled = client.run(compiles)
        inside = float(sie.open_sweep(tmp_path / f"{workers}.zarr").seconds.sum())
        rates[workers] = len(sweep.cells) / seconds
        beyond = 1000 * (seconds * workers - inside) / len(sweep.cells)
        print(f"\n{workers} worker(s): {len(sweep.cells)} cells of {views} views in {seconds:.1f} s; {beyond:.0f} ms a cell for the scheduler and the store; compiled {sorted(compiled.values())} graphs; {ended}")  # fmt: skip
        assert list(compiled.values()) == [0] * workers  # the density is written out
    print(f"throughput of 2 workers / 1: {rates[2] / rates[1]:.2f}")
    assert ended["lost"] == 0

    spent = {"fit": 0.0, "sampling": 0.0}

    def clocked(name, function):
        def call(*args, **options):
            begun = time.process_time()
            try:
                return function(*args, **options)
            finally:
                spent[name] += time.process_time() - begun

        return call

    some = sweep.cells[:: max(1, len(sweep.cells) // PROFILED)]
    read = sie.read_evidence()
    arguments = [(sweep.view(cell), read, ()) for cell in some]
    options = {"draws": sweep.draws, "key": "benchmark"}
    sweeps.run_cell(*arguments[0], seed=0, **options)  # compiles
    for own in arguments:  # a worker builds each model once for many seeds
        sweeps._design(*own, "benchmark")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inference, "fit", clocked("fit", inference.fit))
        patch.setattr(inference, "run_chains", clocked("sampling", inference.run_chains))
        threads = numba.get_num_threads()
        numba.set_num_threads(1)  # as a worker
        begun = time.process_time()
        for own, cell in zip(arguments, some, strict=True):
            sweeps.run_cell(*own, seed=cell.seed, **options)
        whole = time.process_time() - begun
        numba.set_num_threads(threads)
    per = 1000 / len(some)
    print(f"processor time of a cell: {per * whole:.0f} ms, of which its fit {per * spent['fit']:.0f} and in it the sampler {per * spent['sampling']:.0f}; beyond the fit {per * (whole - spent['fit']):.0f} ms, beyond the sampler {per * (whole - spent['sampling']):.0f} ms")  # fmt: skip
    assert not density._compiled


def compiles() -> int:
    """How many graphs a worker has compiled."""
    from sie.returns import compiled as density

    return len(density._compiled)


# Workers have no benchmarks to import from: let the function travel whole.
compiles.__module__ = "__main__"


def test_memory_of_streamed_draws():
    peaks, here = [], str(Path(__file__).parent)
    script(MEMORY, str(BLOCK), here)  # compiles where no cache is
    for size in SIZES:
        before, after = map(int, script(MEMORY, str(size), here).split())
        peaks.append(after)
        print(f"\n{size:.0e} draws: peak {after} MB ({before} after the first {BLOCK:,})")
    exponent = np.polyfit(np.log(SIZES), np.log(peaks), 1)[0]
    print(f"memory grows as draws to the power {exponent:.3f}")
    assert exponent < 0.1
