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

CELLS, VIEWS = 60, 20
DRAWS_OF_PYMC = 500
SIZES = (10**5, 10**6, 10**7)
BLOCK = 10**5

STARTS = """
import json, sys, time
begun, used = time.perf_counter(), time.process_time()
from sie.doctor import fit_times
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


def least_ess(tree):
    from arviz_stats.base import array_stats

    values = [tree["posterior"][name].transpose("chain", "draw", ...).values for name in ("score", "z")]
    columns = [v.reshape(*v.shape[:2], -1) for v in values]
    return min(float(array_stats.ess(c[..., i], method="bulk")) for c in columns for i in range(c.shape[-1]))


def test_effective_samples_a_second_beside_pymc(evidence):
    import pymc as pm

    from sie import inference
    from sie.density import compile_density

    view = sie.read_view("reference")
    model = sie.build(sie.usable(evidence, view), view)
    compiled = compile_density(model)

    def ours():
        return inference.run_chains(
            compiled, draws=1000, tune=inference.TUNE, seed=1, target_accept=inference.TARGET_ACCEPT
        )

    ours()
    begun, used = time.perf_counter(), time.process_time()
    tree = ours()
    seconds, processor = time.perf_counter() - begun, time.process_time() - used

    def pymcs(draws, tune):
        began = time.process_time()
        with model:
            found = pm.sample(
                draws=draws,
                tune=tune,
                chains=inference.CHAINS,
                cores=1,
                nuts_sampler="pymc",
                random_seed=1,
                target_accept=inference.TARGET_ACCEPT,
                progressbar=False,
                compute_convergence_checks=False,
            )
        return found, time.process_time() - began

    # What a run of hardly any draws takes is compiling and starting.
    pymcs(8, 1)  # the first fills caches
    (_, least), (theirs, taken) = pymcs(8, 1), pymcs(DRAWS_OF_PYMC, inference.TUNE)
    ratio = (least_ess(tree) / processor) / (least_ess(theirs) / (taken - least))
    print(f"\nleast ESS: ours {least_ess(tree):.0f} in {processor:.2f} s of processor ({seconds:.2f} s by the clock), PyMC's {least_ess(theirs):.0f} in {taken - least:.1f} s of processor")  # fmt: skip
    print(f"effective samples a second of processor, ours / PyMC's: {ratio:.1f}")
    assert ratio > 1


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
    from sie import engine

    cells = request.config.getoption("--runs") or CELLS
    chain = [name for name in sie.view_names() if not sie.read_view(name).states_r_asara]
    edits = -(-VIEWS // len(chain))
    seeds = -(-cells // (len(chain) * edits))
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
        inside = float(sie.open_sweep(tmp_path / f"{workers}.zarr").seconds.sum())
        rates[workers] = len(sweep.cells) / seconds
        overhead = (seconds * workers - inside) / len(sweep.cells)
        print(f"\n{workers} worker(s): {len(sweep.cells)} cells of {len(chain) * edits} views in {seconds:.1f} s, {1000 * overhead:.0f} ms a cell beyond its fit, {ended}")  # fmt: skip
    print(f"throughput of 2 workers / 1: {rates[2] / rates[1]:.2f}")
    assert ended["lost"] == 0


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
