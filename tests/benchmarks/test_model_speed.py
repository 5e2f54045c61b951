"""How fast the whole model is: sampling beside PyMC's own sampler, start, memory. Run with `pytest tests/benchmarks -s`.

Ratios and what they come from are printed. Times are of wall clock unless they say processor: on a busy machine only ratios and processor times mean anything.
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
