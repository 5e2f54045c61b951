"""How fast growth is beside what a user would pick instead, at the same accuracy. Run with `pytest tests/benchmarks -s`.

Every rival computes the years to half of the way to the ceiling for the same draws at several settings, which gives its curve of
time against error; ratios compare the fastest settings that are right to 1e-3 and to 1e-6. All events are timed beside a plain
compiled loop without mechanisms. Speeds depend on the machine and on what else it does, ratios hardly: only these are asserted.
"""

import math
import subprocess
import sys
import time

import numpy as np
import pytest
from numba import njit, prange
from scipy.integrate import solve_ivp
from trajectories import draws_of

import sie

pytestmark = pytest.mark.slow

DRAWS = 20000
ACCURACIES = (1e-3, 1e-6)
MECHANISMS = {"ceiling": {}, "CES": {"labour_share_asara": 0.5, "sigma": 0.7}, "late fall": {"shape": 2.0}}
CURVES: dict[str, list[tuple[float, float, float]]] = {}
"""(error, trajectories a second, trajectories a second of processor time) at each setting of each rival."""


def sampled(size, **mechanisms):
    """Draws like those of Davidson & Houlden."""
    rng = np.random.default_rng(1)
    return draws_of(
        np.exp(rng.uniform(np.log(0.4), np.log(3.6), size)),
        np.exp(rng.uniform(np.log(0.15), np.log(0.6), size)),
        rng.uniform(48, 128, size),
        speedup=np.exp(rng.uniform(np.log(2), np.log(32), size)),
        **mechanisms,
    ).assign_attrs(independent_draws=1)


def columns(draws):
    """(r, parallel, doublings left, pace at ASARA) of each draw."""
    names = ("r_asara", "parallel", "doublings_left")
    pace = draws.pace_asara
    return (*(draws[name].values.ravel() for name in names), pace.values.ravel())


def slowness(x, r, parallel, left, pace, log1p=np.log1p):
    """Years per doubling at x."""
    return 2 ** -(parallel * x + parallel / r * left * log1p(-x / left)) / pace


def ours(draws, nodes):
    return sie.simulate(draws, nodes=nodes).years.values[..., (nodes - 1) // 2].ravel()


def numpy_quadrature(draws, nodes):
    """Simpson's rule on an even grid, all draws at once."""
    from scipy.integrate import simpson

    r, parallel, left, pace = columns(draws)
    x = np.linspace(0, 0.5, nodes)[:, None] * left
    return simpson(slowness(x, r, parallel, left, pace), x=x, axis=0)


def solver_loop(draws, rtol):
    """A loop over scipy's solve_ivp, with doublings as the independent variable."""
    found = []
    for r, parallel, left, pace in zip(*columns(draws), strict=True):
        solved = solve_ivp(
            lambda x, _, args=(r, parallel, left, pace): [slowness(x, *args, log1p=math.log1p)],
            (0, left / 2),
            [0.0],
            rtol=rtol,
            atol=1e-300,
            first_step=1e-3,
        )
        found.append(solved.y[0, -1])
    return np.array(found)


def diffrax_vmap(draws, rtol):
    """diffrax over all draws at once, in double precision."""
    diffrax, jax = pytest.importorskip("diffrax"), pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)

    def solved(r, parallel, left, pace):
        rate = lambda x, _, args: slowness(x, r, parallel, left, pace, log1p=jax.numpy.log1p)  # noqa: E731
        controller = diffrax.PIDController(rtol=rtol, atol=1e-14)
        term, solver = diffrax.ODETerm(rate), diffrax.Tsit5()
        return diffrax.diffeqsolve(
            term, solver, 0.0, left / 2, 1e-3, 0.0, stepsize_controller=controller, max_steps=100000
        ).ys[0]

    compiled = _COMPILED.setdefault(rtol, jax.jit(jax.vmap(solved)))
    return np.asarray(compiled(*columns(draws)))


_COMPILED: dict = {}
"""diffrax's program for each tolerance."""

RIVALS = {
    "ours": (ours, DRAWS, (9, 17, 33, 65, 129, 257, 513)),
    "numpy quadrature": (numpy_quadrature, DRAWS, (65, 129, 257, 513)),
    "solve_ivp loop": (solver_loop, 40, (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)),
    "diffrax vmap": (diffrax_vmap, DRAWS, (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)),
}


def best_times(function, rounds=3):
    """Least (seconds, seconds of processor time over all cores): the second hardly depends on what else the machine does."""
    times = []
    for _ in range(rounds):
        begin, work = time.perf_counter(), time.process_time()
        function()
        times.append((time.perf_counter() - begin, time.process_time() - work))
    return np.min(times, axis=0)


@pytest.mark.parametrize("rival", RIVALS)
def test_time_against_error(benchmark, rival):
    function, size, settings = RIVALS[rival]
    draws = sampled(size)
    few = draws.isel(draw=slice(0, 40))
    exact = ours(few, 8193)
    curve = []
    for setting in settings:
        error = np.max(np.abs(function(few, setting) / exact - 1))
        function(draws, setting)
        curve.append((error, *(size / best_times(lambda at=setting: function(draws, at)))))
    CURVES[rival] = curve
    print(f"\n{rival}")
    for setting, (error, speed, work) in zip(settings, curve, strict=True):
        print(
            f"  {setting:<8g} error {error:8.1e} {speed:12,.0f} trajectories a second, {work:12,.0f} a core"
        )
    benchmark.pedantic(lambda: function(draws, settings[-1]), rounds=1)
    assert min(error for error, *_ in curve) < min(ACCURACIES)


@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_ratios_at_matched_errors(accuracy):
    if not {"ours", "solve_ivp loop"} <= set(CURVES):
        pytest.skip("needs the curves")
    fastest = {
        rival: np.max([speeds for error, *speeds in curve if error <= accuracy], axis=0)
        for rival, curve in CURVES.items()
    }
    print()
    for rival in sorted(set(fastest) - {"ours"}):
        whole, core = fastest["ours"] / fastest[rival]
        print(f"ours / {rival} at {accuracy:g}: {whole:,.1f}, of processor time {core:,.1f}")
    assert fastest["ours"][0] > 100 * fastest["solve_ivp loop"][0]


@njit(parallel=True, error_model="numpy")
def prototype(r, parallel, left, pace, gains):
    """A plain loop for the ceiling law alone: 129 nodes, second-order times, the shortest windows on the nodes."""
    nodes = 129
    shortest = np.empty((len(r), len(gains)))
    for i in prange(len(r)):
        years, h = np.zeros(nodes), left[i] / (nodes - 1)
        last = 1.0 / pace[i]
        for j in range(1, nodes - 1):
            x = j * h
            slow = math.exp(
                -0.6931471805599453
                * (parallel[i] * x + parallel[i] / r[i] * left[i] * math.log1p(-x / left[i]))
            )
            slow /= pace[i]
            s = math.log(last / slow)
            years[j] = years[j - 1] + h * ((last - slow) / s if abs(s) > 1e-6 else slow)
            last = slow
        years[nodes - 1] = np.inf
        for g in range(len(gains)):
            best, m = np.inf, int(gains[g] / h)
            part = gains[g] / h - m
            for j in range(nodes - 2 - m):
                best = min(best, years[j + m] + part * (years[j + m + 1] - years[j + m]) - years[j])
            shortest[i, g] = best
    return shortest


def test_all_events_at_20000_draws(benchmark):
    draws = {name: sampled(DRAWS, **mechanisms) for name, mechanisms in MECHANISMS.items()}
    plain, gains = columns(draws["ceiling"]), np.array([24.0, 80.0, 46.5])
    jobs = {name: lambda at=at: sie.stream([at]) for name, at in draws.items()}
    jobs["plain loop"] = lambda: prototype(*plain, gains)
    for job in jobs.values():
        job()
    times = {name: [] for name in jobs}
    for _ in range(10):
        for name, job in jobs.items():
            times[name].append(best_times(job, rounds=1))
    least = {name: np.min(of, axis=0) for name, of in times.items()}
    print()
    for name, (seconds, work) in least.items():
        print(
            f"all events, {name}: {1000 * seconds:.1f} ms for {DRAWS} draws, {DRAWS / seconds:,.0f} trajectories a second;"
            f" {1e6 * work / DRAWS:.2f} us of one core a trajectory"
        )
    benchmark.pedantic(jobs["CES"], rounds=3)
    work = {name: core for name, (_, core) in least.items()}
    assert work["ceiling"] < work["plain loop"]
    assert sum(work[name] for name in MECHANISMS) < 4 * work["plain loop"]


STREAMED = """
import sys; sys.path[:0] = sys.argv[2:]
import sie
from peak import megabytes
from test_growth_speed import sampled
block = sampled(250_000, labour_share_asara=0.5, sigma=0.7)
table = sie.stream(block for _ in range(int(sys.argv[1])))
print(table.attrs["draws"], megabytes())
"""


def test_ten_million_draws_fit_in_a_gigabyte():
    here = __file__.rsplit("/", 1)[0]

    def streamed(blocks):
        done = subprocess.run(
            [sys.executable, "-c", STREAMED, str(blocks), here, here.rsplit("/", 1)[0]],
            capture_output=True,
            text=True,
            check=True,
        )
        return map(int, done.stdout.split())

    streamed(1)  # compiles where no cache is: the compiler's memory is not that of the draws
    _, least = streamed(1)
    begin = time.perf_counter()
    draws, most = streamed(40)
    print(f"\n{draws:,} draws in {time.perf_counter() - begin:.0f} s within {most} MB, a fortieth of them within {least} MB")  # fmt: skip
    assert draws == 10_000_000
    assert most < 1000
    assert most < 1.2 * least
