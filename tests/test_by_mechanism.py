"""Mechanisms within a view: what each does to r, to the pace at ASARA and to the path, in every form of view."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

import sie
from sie.analysis.mechanisms import by_mechanism, under
from sie.data.weights import Mechanism, read_weights
from sie.growth.readings import levels

EVENTS = ["r_above_1", "years_3_in_1y"]
FORMS = ("davidson_houlden_2025", "davidson_2025", "eth_davidson_2025", "reference", "deep_2025", "dhhk_2026")
HISTORY = {"compute_over_labour": 2.0, "frontier_share": 0.5}


@pytest.fixture(scope="module")
def weights():
    return read_weights()


def mechanism(entries):
    return Mechanism(name="own", label="own", weight=1.0, entries=entries)


def fixed(**numbers):
    """Entries of fixed numbers."""
    entry = sie.read_view("davidson_houlden_2025")["sigma"]
    return {name: replace(entry, prior=sie.fixed(value)) for name, value in numbers.items()}


@pytest.mark.parametrize("name", FORMS)
def test_a_mechanism_at_the_view_s_own_values_changes_nothing(weights, name):
    view = sie.read_view(name)
    own = sie.prior(view, draws=2000, seed=1)
    entries = {quantity: view[quantity] for quantity in ("labour_share", "sigma", "experiment_gain")}
    same = under(view, mechanism(entries), weights.history, draws=2000, seed=1)
    for variable in ("r_asara", "parallel", "pace_asara", "labour_share_asara", "epsilon", "speedup"):
        np.testing.assert_allclose(same[variable], own[variable], rtol=1e-6, err_msg=variable)


def test_the_speedup_that_is_reached_asks_for_a_jump_in_labour_that_reaches_it(weights):
    view = sie.read_view("davidson_houlden_2025").replace(sigma=sie.fixed(2), labour_share=sie.fixed(0.4))
    entries = dict(view.entries) | {"speedup": replace(view["speedup"], reached=True)}
    view = replace(view, entries=entries)
    own = sie.prior(view, draws=1000, seed=1)
    same = under(view, mechanism(fixed(sigma=2)), weights.history, draws=1000, seed=1)
    np.testing.assert_allclose(same.pace_asara, own.pace_asara, rtol=1e-6)
    np.testing.assert_allclose(same.r_asara, own.r_asara, rtol=1e-6)


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize(
    ("sigma", "gain", "share"), [(0.8, 0.0, None), (2.5, 0.0, None), (0.8, 0.7, None), (0.5, 0.2, 0.4)]
)
def test_a_mechanism_acts_on_r_on_the_pace_at_asara_and_on_the_path(name, sigma, gain, share):
    """The three by hand, from CES research input: its level after the jump in labour, and its growth with software."""
    view = sie.read_view(name)
    entries = fixed(sigma=sigma, experiment_gain=gain, **({"labour_share": share} if share else {}))
    own = sie.prior(view, draws=1000, seed=1)
    found = under(view, mechanism(entries), fixed(**HISTORY), draws=1000, seed=1)
    paths = sie.simulate(found)
    rho, step, looked_at = 1 - 1 / sigma, 1e-4, 0
    for i in range(0, 1000, 83):
        old = {key: float(value.values.ravel()[i]) for key, value in own.data_vars.items()}
        new = {key: float(value.values.ravel()[i]) for key, value in found.data_vars.items()}
        lambda_, a_old = old["lambda"], old["labour_share"]
        a, epsilon = share or a_old, gain / old["conversion"]
        rise = math.log2(old["speedup"]) / (lambda_ * a_old)
        if not rise * abs(rho) < 60:
            continue
        looked_at += 1

        def log2_input(x, a=a, rise=rise, epsilon=epsilon):
            return math.log2(a * 2 ** (rho * (rise + x)) + (1 - a) * 2 ** (rho * epsilon * x)) / rho

        def slope(x, log2_input=log2_input):
            return (log2_input(x + step) - log2_input(x - step)) / (2 * step)

        pace = old["recent_doublings_per_year"] * 2 ** (lambda_ * log2_input(0.0))
        assert new["pace_asara"] == pytest.approx(pace, rel=1e-6)
        assert new["parallel"] == pytest.approx(lambda_ * slope(0.0), rel=1e-5, abs=1e-9)

        before, phi = old["parallel"] / lambda_, HISTORY["frontier_share"]
        if view.derives_compute_bottleneck:
            r_all, q, q_old = old["r_target"], 1.0, 1.0
        else:
            over = HISTORY["compute_over_labour"]
            q, q_old = (s + (1 - s) * (1 - phi) * over for s in (a, a_old))
            r_all = (
                old["r_asara"] / (old["conversion"] * before)
                if view.states_r_asara
                else old["r_target"] / q_old
            )
        factor = slope(0.0) / (q * (1 + r_all * gain * (1 - a)))
        factor_old = before / (q_old * (1 + r_all * old["experiment_gain"] * (1 - a_old)))
        assert new["r_asara"] == pytest.approx(old["r_asara"] * factor / factor_old, rel=1e-4)

        gone = old["doublings_gained"]
        whole, harder = gone + old["doublings_left"], new["parallel"] / new["r_asara"]
        left_now = 1 - (gone / whole) ** old["shape"]

        def k(
            x, slope=slope, harder=harder, left_now=left_now, gone=gone, whole=whole, old=old, lambda_=lambda_
        ):
            left = 1 - ((gone + x) / whole) ** old["shape"]
            return lambda_ * slope(x) - harder * left_now / left

        at = levels(paths).reshape(1000, -1)[i]
        node = len(at) // 8
        path = paths.log2_pace.values.reshape(1000, -1)[i]
        integral = quad(k, 0, at[node], limit=400)[0]
        assert path[node] - path[0] == pytest.approx(integral, rel=2e-3, abs=5e-3)
    assert looked_at >= 4


@pytest.mark.slow
def test_every_mechanism_differs_where_labour_is_not_all_of_research(weights):
    for name in FORMS:
        found = by_mechanism(sie.read_view(name), weights, events=EVENTS, draws=20000, seed=1)
        for event in EVENTS:
            p = found.p.sel(event=event).values
            assert len(set(p)) == len(p), (name, event)


def test_cobb_douglas_keeps_what_a_cobb_douglas_view_says(weights):
    view = sie.read_view("davidson_houlden_2025")
    found = by_mechanism(view, weights, events=EVENTS, draws=2000, seed=1)
    own = sie.credences(sie.simulate(sie.prior(view, draws=2000, seed=1)), events=EVENTS)
    np.testing.assert_array_equal(found.p.sel(mechanism="cobb_douglas"), own.p)


@pytest.mark.slow
def test_mechanisms_move_the_answer_as_the_papers_say(weights):
    found = by_mechanism(sie.read_view("davidson_houlden_2025"), weights, events=EVENTS, draws=4000, seed=1)
    for event in EVENTS:
        p = found.p.sel(event=event).to_series()
        assert p["frontier_experiments"] < p["complements"] < p["cheaper_experiments"] < p["cobb_douglas"]
        assert p["cobb_douglas"] < p["substitutes"]
    np.testing.assert_allclose(found.weight, 1 / 6)
    np.testing.assert_allclose(found.p_mean, found.p.mean("mechanism"))


def test_without_a_bottleneck_the_compute_factor_is_1(weights):
    free = weights.mechanisms["no_bottleneck"]
    for name in ("reference", "davidson_2025"):
        found = under(sie.read_view(name), free, weights.history, draws=1000, seed=1)
        np.testing.assert_allclose(found.compute_bottleneck, 1, rtol=1e-9)
        np.testing.assert_allclose(found.labour_share_asara, 1, rtol=1e-9)


def test_frontier_experiments_mean_the_same_in_the_histories(weights):
    """All of compute's growth went into larger experiments: labour alone made r, which it no longer does after the jump."""
    view = sie.read_view("davidson_2025")
    larger = weights.mechanisms["frontier_experiments"]
    some = mechanism({key: entry for key, entry in larger.entries.items() if key != "frontier_share"})
    whole, part = (under(view, each, fixed(**HISTORY), draws=1000, seed=1) for each in (larger, some))
    a, phi, over = 0.6, HISTORY["frontier_share"], HISTORY["compute_over_labour"]
    np.testing.assert_allclose(whole.r_asara / part.r_asara, (a + (1 - a) * (1 - phi) * over) / a, rtol=1e-9)
