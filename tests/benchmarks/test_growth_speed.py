"""How fast growth is beside what a user would pick instead, at the same accuracy. Run with `pytest tests/benchmarks -s`.

Speeds are printed, not asserted: they depend on the machine and on what else it does.
"""

import time

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import solve_ivp

import sie

pytestmark = pytest.mark.slow

DRAWS = 20000
LOOPED = 40
PART = 0.5
SPEEDS: dict[str, float] = {}


def draws_of(size, **mechanisms):
    """Draws like those of Davidson & Houlden."""
    rng = np.random.default_rng(1)
    columns = {
        "r_asara": np.exp(rng.uniform(np.log(0.4), np.log(3.6), size)),
        "parallel": np.exp(rng.uniform(np.log(0.15), np.log(0.6), size)),
        "speedup": np.exp(rng.uniform(np.log(2), np.log(32), size)),
        "doublings_left": rng.uniform(48, 128, size),
        "recent_doublings_per_year": np.full(size, 4.0),
        "doublings_per_year_of_progress": np.full(size, 8.0),
        "conversion": np.full(size, 2.8),
        **{name: np.full(size, value) for name, value in mechanisms.items()},
    }
    draws = xr.Dataset({name: (("chain", "draw"), values.reshape(4, -1)) for name, values in columns.items()})
    draws.attrs["independent_draws"] = 1
    return draws


def flat(draws):
    names = ("r_asara", "parallel", "doublings_left")
    return (
        *(draws[name].values.ravel() for name in names),
        (draws.speedup * draws.recent_doublings_per_year).values.ravel(),
    )


def log2_gain(x, r, parallel, left):
    return parallel * x + parallel / r * left * np.log1p(-x / left)


def by_quadrature(draws, nodes):
    """Years to half of the way to the ceiling, all draws at once: numpy's trapezoid on a grid."""
    r, parallel, left, pace = flat(draws)
    x = np.linspace(0, PART, nodes)[:, None] * left
    return np.trapezoid(np.exp2(-log2_gain(x, r, parallel, left)), x, axis=0) / pace


def by_solver(draws, rtol):
    """The same by a loop over scipy's solve_ivp, with doublings as the independent variable."""
    found = []
    for r, parallel, left, pace in zip(*flat(draws), strict=True):
        solved = solve_ivp(
            lambda x, _, r=r, parallel=parallel, left=left, pace=pace: [
                2 ** -log2_gain(x, r, parallel, left) / pace
            ],
            (0, PART * left),
            [0.0],
            rtol=rtol,
            atol=0 if rtol > 1e-4 else 1e-300,
            first_step=1e-3,
        )
        found.append(solved.y[0, -1])
    return np.array(found)


def ours(draws, nodes):
    """The same from a path of so many nodes."""
    return sie.simulate(draws, nodes=nodes).years.values[..., (nodes - 1) // 2].ravel()


def speed(benchmark, name, function, size):
    """Run a benchmark and note its trajectories a second."""
    function()
    found = benchmark.pedantic(function, rounds=2, iterations=1)
    begin = time.perf_counter()
    function()
    SPEEDS[name] = size / min(
        time.perf_counter() - begin, benchmark.stats.stats.min if benchmark.stats else np.inf
    )
    return found


def worst(found, draws):
    exact = by_quadrature(draws, 200001)
    return np.quantile(np.abs(found / exact - 1), 0.99)


@pytest.mark.parametrize(("accuracy", "nodes"), [(1e-3, 33), (1e-6, 257)])
def test_ours(benchmark, accuracy, nodes):
    draws = draws_of(DRAWS)
    found = speed(benchmark, f"ours {accuracy:g}", lambda: ours(draws, nodes), DRAWS)
    few = draws.isel(chain=slice(0, 1), draw=slice(0, LOOPED))
    assert worst(found[:LOOPED], few) < accuracy


@pytest.mark.parametrize(("accuracy", "nodes"), [(1e-3, 769), (1e-6, 24577)])
def test_numpy_quadrature(benchmark, accuracy, nodes):
    size = 100
    draws = draws_of(size)
    found = speed(benchmark, f"numpy {accuracy:g}", lambda: by_quadrature(draws, nodes), size)
    assert worst(found, draws) < accuracy


@pytest.mark.parametrize(("accuracy", "rtol"), [(1e-3, 1e-3), (1e-6, 1e-7)])
def test_solver_loop(benchmark, accuracy, rtol):
    draws = draws_of(LOOPED)
    found = speed(benchmark, f"solve_ivp {accuracy:g}", lambda: by_solver(draws, rtol), LOOPED)
    assert worst(found, draws) < 10 * accuracy


@pytest.mark.parametrize(
    ("name", "mechanisms"),
    [("ceiling", {}), ("CES", {"labour_share": 0.5, "sigma": 0.7}), ("late fall", {"shape": 2.0})],
)
def test_all_events_at_20000_draws(benchmark, name, mechanisms):
    draws = draws_of(20000, **mechanisms)
    speed(benchmark, f"all events, {name}", lambda: sie.stream([draws]), 20000)


@pytest.fixture(scope="module", autouse=True)
def ratios():
    """Print speeds and ratios once all have run."""
    yield
    print()
    for name, per_second in SPEEDS.items():
        print(f"{name:<28} {per_second:12,.0f} trajectories a second")
    for accuracy in ("0.001", "1e-06"):
        for rival in ("numpy", "solve_ivp"):
            if {f"ours {accuracy}", f"{rival} {accuracy}"} <= set(SPEEDS):
                print(
                    f"ours / {rival} at {accuracy}: {SPEEDS[f'ours {accuracy}'] / SPEEDS[f'{rival} {accuracy}']:,.0f}"
                )
