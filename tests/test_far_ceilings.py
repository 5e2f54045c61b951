"""Ceilings from next door to out of sight, and none: what 129 nodes say of events is what 8,193 say, and what quadrature says."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from trajectories import draws_of

import sie
from sie.growth import law as growth
from sie.growth.events import EVENTS
from sie.growth.paths import NODES, laws, summaries
from sie.page.snapshot import read_json

MOST = 0.002
"""Difference of a probability that more nodes may make."""

MANY = 8193


def probabilities(draws, nodes):
    """Probability of each event, by name, without storing the paths."""
    gains = list(dict.fromkeys(event.gain for event in EVENTS.values() if event.gain is not None))
    whole = draws.broadcast_like(draws.r_asara)
    wanted = np.array([np.broadcast_to(gain(whole), draws.r_asara.shape) for gain in gains])
    found = list(summaries(draws, wanted, nodes=nodes))
    happened = {}
    for name, event in EVENTS.items():
        happens = [
            event.happens(block)
            if event.gain is None
            else block.shortest_years.values[gains.index(event.gain)] <= event.years
            for block in found
        ]
        happened[name] = np.concatenate(happens).mean()
    return happened


@pytest.mark.slow
@pytest.mark.parametrize("view", sie.view_names())
def test_more_nodes_move_no_event_of_a_bundled_view(view):
    draws = sie.prior(sie.read_view(view), draws=20000, seed=2)
    few, many = (probabilities(draws, nodes) for nodes in (NODES, MANY))
    moved = {name: abs(few[name] - many[name]) for name in EVENTS}
    print(view, max(moved.items(), key=lambda item: item[1]))
    assert max(moved.values()) < MOST


def far(seed, size, low, high):
    """Laws below ceilings so many doublings away, with and without mechanisms."""
    rng = np.random.default_rng(seed)

    def loguniform(a, b):
        return np.exp(rng.uniform(math.log(a), math.log(b), size))

    half = rng.random(size) < 0.5
    return draws_of(
        loguniform(0.4, 3.6),
        loguniform(0.15, 0.6),
        loguniform(low, high),
        speedup=loguniform(1, 32),
        labour_share_asara=np.where(half, 1.0, rng.uniform(0.3, 1, size)),
        sigma=rng.uniform(0.5, 1.3, size),
        shape=np.where(rng.random(size) < 0.3, loguniform(0.5, 3), 1.0),
        doublings_gained=rng.uniform(0, 40, size),
    )


@pytest.mark.slow
@pytest.mark.parametrize(("low", "high"), [(200, 2000), (2000, 80000), (80000, 1e6), (1e6, 1e9)])
@pytest.mark.parametrize("retraining", ["none", "slower"])
def test_more_nodes_move_no_event_of_random_far_ceilings(low, high, retraining):
    draws = far(3, 10000, low, high)
    if retraining == "slower":
        draws = draws.isel(draw=slice(2000))
    few, many = (probabilities(draws, nodes) for nodes in (NODES, MANY))
    moved = {name: abs(few[name] - many[name]) for name in EVENTS}
    print(low, retraining, max(moved.items(), key=lambda item: item[1]))
    assert max(moved.values()) < MOST


@pytest.mark.parametrize("left", [3e3, 1e5, 1e7, 1e9])
@pytest.mark.parametrize("r", [0.6, 0.95, 1.0, 1.05, 2.0])
def test_times_below_a_far_ceiling_agree_with_quadrature(r, left):
    draws = draws_of(r, 0.3, left, labour_share_asara=0.6, sigma=0.9)
    law, x = laws(draws)[0], np.array([5.0, 24.0, 80.0, 200.0])
    times = sie.years_at(sie.simulate(draws), x).ravel()
    for at, years in zip(x, times, strict=True):
        exact = quad(lambda s: 2 ** -growth.log2_pace_gain(s, law), 0, at, epsrel=1e-10, limit=500)[0] / 32
        assert years == pytest.approx(exact, rel=2e-3)


def test_a_ceiling_out_of_sight_is_none():
    r = np.linspace(0.5, 3, 200)
    far, none = (sie.simulate(draws_of(r, 0.3, left)) for left in (1e9, math.inf))
    x = np.array([1.0, 10.0, 60.0])
    np.testing.assert_allclose(sie.years_at(far, x), sie.years_at(none, x), rtol=1e-3)
    for event in EVENTS.values():
        if event.gain is not None:
            ours = [sie.shortest_years(paths, event.gain(paths)) <= event.years for paths in (far, none)]
            assert np.mean(ours[0] != ours[1]) < 0.01


ENDLESS = """[ceiling]
family  = "fixed"
value   = inf
unit    = "labour doublings"
basis   = "ours"
locator = "none"
note    = "no ceiling"
"""


@pytest.fixture
def endless_view(view_text, write_view):
    head, rest = view_text.split("[ceiling]\n", 1)
    return write_view(head + ENDLESS + "\n" + rest.split("\n\n", 1)[1])


@pytest.mark.slow
def test_a_view_may_say_that_there_is_no_ceiling(endless_view, tmp_path, command):
    view = sie.read_view(endless_view)
    draws = sie.prior(view, draws=4000, seed=1)
    assert np.isinf(draws.doublings_left).all()
    np.testing.assert_array_equal(draws.doublings_gained, 0)
    paths = sie.simulate(draws)
    singular = np.isfinite(paths.end_years)
    assert 0.3 < singular.mean() < 0.9
    (tmp_path / "again.toml").write_text(sie.to_toml(view))
    assert sie.read_view(str(tmp_path / "again.toml"))["ceiling"].prior == sie.fixed(math.inf)
    options = ("--priors-only", "--draws", 1000, "--out", tmp_path / "out", "--json", tmp_path / "said.json")
    options += ("--html", tmp_path / "page.html")
    code, _, err = command("report", endless_view, *options)
    assert (code, err) == (0, "")
    assert "Infinity" not in (tmp_path / "said.json").read_text()
    assert read_json(tmp_path / "said.json")["view"].view["ceiling"].prior == sie.fixed(math.inf)
    opened = sie.open_saved(tmp_path / "out" / "view.nc")
    assert np.isinf(opened.paths["priors"].doublings_left).all()


def test_only_a_ceiling_may_be_without_limit(view_with, refused):
    with refused("view.toml [capabilities]", "inf", "a finite number"):
        sie.read_view(view_with("capabilities", family='"fixed"', value="inf", q05=None, q95=None))
    view = sie.read_view("davidson_houlden_2025")
    with refused("davidson_houlden_2025 [speedup]", "inf"):
        view.replace(speedup=sie.fixed(math.inf))
    with refused("prior parts", "found inf"):
        sie.mixture([0.5, 0.5], [sie.fixed(math.inf), sie.uniform(10, 20)])
    assert np.isinf(
        sie.prior(view.replace(ceiling=sie.fixed(math.inf)), draws=4, seed=1).doublings_left
    ).all()
