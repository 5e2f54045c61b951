"""The authors' views: what each states is what its source says, and what follows from it is what the formulas give."""

import math

import numpy as np
import pytest

import sie
from sie.data.quantities import ADJUSTMENTS, CHAIN, LABOUR_PACE
from sie.growth.accounting import compute_factor, parallel_exponent, takeoff_ratio
from sie.growth.events import gain_within
from sie.growth.law import ces
from sie.inference.prior_draws import prior
from sie.returns.asara import share_at_asara

AUTHORS = [name for name in sie.view_names() if not name.startswith("reference")]
CHAINED = [name for name in AUTHORS if not sie.read_view(name).states_r_asara]
WHITFILL_WU = ["whitfill_wu_2025_compute", "whitfill_wu_2025_effective", "whitfill_wu_2025_frontier"]
GREENBLATT = ["greenblatt_2025", "greenblatt_2025_updated"]

LABOUR_COST, COMPUTE_COST = 700, 1000
"""OpenAI's salaries and research compute in 2024, $M (Whitfill & Wu 2025, comments)."""

JUMP = math.log2(30 * 30)
"""Doublings of labour at ASARA: 30 copies at 30 times the speed per researcher (Davidson & Houlden 2025)."""

GROWTH = {"labour_growth": math.log(2), "compute_growth": math.log(4)}
"""Greenblatt's growth of parallel labour and compute, in logs a year."""


def share_after_jump(sigma):
    """Labour's share at ASARA, from its share of cost before the jump in labour."""
    share = LABOUR_COST / (LABOUR_COST + COMPUTE_COST)
    return ces(JUMP, share, 1 - 1 / sigma)[0]


def chain_median(view):
    """r at ASARA with every quantity of the chain at its median; without steepening where that is derived."""
    return math.prod(view[name].prior.median() for name in ("r_typical", *ADJUSTMENTS) if name in view)


def p_of(name, event, size=20000):
    table = sie.credences(sie.simulate(prior(sie.read_view(name), draws=size, seed=1)), events=[event])
    return table.p.item(), table.mcse.item()


def test_every_author_of_the_literature_has_a_view():
    sources = {sie.read_view(name).source for name in AUTHORS}
    assert sources == {
        *("davidson_2025_reply", "davidson_2025_thread", "eth_davidson_2025", "greenblatt_2025", "deep_2025"),
        *("whitfill_wu_2025", "kwa_2026", "ai_futures_2025", "davidson_houlden_2025"),
    }


@pytest.mark.parametrize("name", CHAINED)
def test_a_spread_that_its_author_does_not_state_is_ours_and_says_why(name):
    view = sie.read_view(name)
    assert view["spread"].basis == "ours"
    for quantity in CHAIN:
        if quantity in view and view[quantity].prior.family != "fixed":
            assert view[quantity].basis in ("stated", "transcribed") or len(view[quantity].note) > 30


@pytest.mark.parametrize("name", AUTHORS)
def test_what_an_author_does_not_state_names_another_source(name):
    view = sie.read_view(name)
    for entry in view.entries.values():
        if entry.source not in (None, view.source):
            assert entry.note
            assert entry.basis != "calibrated"


@pytest.mark.parametrize("name", AUTHORS)
def test_a_conclusion_is_no_input(name):
    """No number of a view changes when its conclusions go."""
    view = sie.read_view(name)
    without = view.replace(speedup=view["speedup"].prior)
    assert not without.concludes
    assert prior(view, draws=1000, seed=1).equals(prior(without, draws=1000, seed=1))


@pytest.mark.parametrize("name", sie.view_names())
def test_a_year_of_progress_is_a_year_at_the_views_own_pace(name):
    view = sie.read_view(name)
    assert name == "reference" or view["software_share"].prior == sie.fixed(0.5)
    draws = prior(view, draws=1000, seed=1)
    event = gain_within("one_year", years_of_progress=3, years=1)
    own = draws.recent_pace * (1 if view["recent_pace"].unit == LABOUR_PACE else draws.conversion)
    np.testing.assert_allclose(event.gain(sie.simulate(draws)), 3 * own / draws.software_share, rtol=1e-12)


def test_davidson_and_houldens_year_of_progress_is_8_doublings():
    draws = prior(sie.read_view("davidson_houlden_2025"), draws=1000, seed=1)
    assert np.all(gain_within("one", years_of_progress=1, years=1).gain(sie.simulate(draws)) == 8)


@pytest.mark.parametrize("name", GREENBLATT)
def test_greenblatts_r_is_his_takeoff_ratio(name):
    view = sie.read_view(name)
    serial = 0.7 * view["capabilities"].prior.median()
    ratio = takeoff_ratio(
        0.4,
        software_growth=math.log(3.5),
        compute_growth=math.log(4),
        labour_growth=0.7 * math.log(2),
        conversion=serial,
    )
    assert chain_median(view) == pytest.approx(ratio, rel=0.01)


def test_greenblatts_exponents_are_a_prior_on_capabilities():
    first, updated = (sie.read_view(name)["capabilities"].prior for name in GREENBLATT)
    assert first.median() == pytest.approx(parallel_exponent(1.1), rel=0.005)
    assert first.numbers[1] == pytest.approx(parallel_exponent(1.3), rel=0.005)
    assert updated.median() == pytest.approx(parallel_exponent(2), rel=0.001)


def test_deeps_r_is_his_takeoff_ratio_of_0_9():
    assert chain_median(sie.read_view("deep_2025")) == pytest.approx(0.9, abs=0.02)


def test_deep_has_one_serial_doubling_per_doubling_of_algorithms():
    assert sie.read_view("deep_2025")["capabilities"].prior.median() == pytest.approx(
        parallel_exponent(1), 0.001
    )


def test_the_polls_compute_factor_covers_half_to_twice_the_slowdown():
    for name in (*GREENBLATT, "deep_2025"):
        factor = sie.read_view(name)["compute_bottleneck"].prior
        slow, middle, fast = (
            compute_factor(
                1 - math.log10(slower), labour_growth=0.7 * math.log(2), compute_growth=math.log(4)
            )
            for slower in (3, 2.5, 2)
        )
        assert factor.numbers == pytest.approx((slow, fast), abs=0.01)
        assert factor.median() == pytest.approx(middle, abs=0.005)


def test_davidsons_thread_has_his_best_guess_of_4():
    view = sie.read_view("davidson_2025_thread")
    before = view["r_typical"].prior.median() * view["capabilities"].prior.median()
    assert before == pytest.approx(4, rel=0.001)
    assert view["compute_bottleneck"].prior.numbers[0] == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", WHITFILL_WU)
def test_whitfill_and_wus_share_is_openais_of_today(name):
    share = sie.read_view(name)["labour_share"].prior
    assert share == sie.fixed(0.412)
    assert share.median() == pytest.approx(LABOUR_COST / (LABOUR_COST + COMPUTE_COST), rel=1e-3)


def test_the_jump_in_labour_reaches_the_speedup_that_whitfill_and_wu_are_given():
    """900 times the labour, at lambda 0.3 and their baseline's sigma, reach 5 times the pace and the share behind their factor."""
    share = sie.read_view("whitfill_wu_2025_compute")["labour_share"].prior.median()
    level = ces(JUMP, share, 1 - 1 / 2.58)[1]
    assert 2 ** (0.3 * level) == pytest.approx(5.04, abs=0.01)
    reached = share_at_asara(np, 1 / 0.3, labour_share=share, sigma=2.58, speedup=5.04, reached=True)
    assert reached == pytest.approx(share_after_jump(2.58), abs=0.001)


@pytest.mark.parametrize("name", WHITFILL_WU)
def test_whitfill_and_wus_pace_at_asara_is_the_stated_one_where_it_is_reached(name):
    view = sie.read_view(name)
    draws = prior(view, draws=1000, seed=1)
    assert view["speedup"].reached == (name != "whitfill_wu_2025_effective")
    equal = draws.pace_asara == draws.recent_doublings_per_year * draws.speedup
    assert equal.all() if view["speedup"].reached else not equal.any()


def test_whitfill_and_wus_compute_factors_follow_from_shares_and_growth():
    before = LABOUR_COST / (LABOUR_COST + COMPUTE_COST)
    compute = compute_factor(before, share_at_asara=share_after_jump(2.58), **GROWTH)
    frontier = compute_factor(
        before, share_at_asara=share_after_jump(0.52), labour_growth=math.log(2), compute_growth=0
    )
    effective = compute_factor(
        before,
        share_at_asara=1,
        labour_growth=math.log(2),
        compute_growth=math.log(4) + 12 / 8 * math.log(2),
    )
    for name, factor in zip(WHITFILL_WU, (compute, effective, frontier), strict=True):
        assert sie.read_view(name)["compute_bottleneck"].prior.median() == pytest.approx(factor, rel=0.02)


def test_sigma_of_the_frontier_is_what_a_normal_estimate_leaves_above_0():
    """The part above 0 of a normal with mean -0.10 and standard error 0.30, at 5, 50 and 95 %."""
    from scipy.stats import truncnorm

    estimate = truncnorm(0.1 / 0.3, np.inf, loc=-0.1, scale=0.3)
    sigma = sie.read_view("whitfill_wu_2025_frontier")["sigma"].prior
    for q in (0.05, 0.5, 0.95):
        assert sigma.cdf(estimate.ppf(q)) == pytest.approx(q, abs=0.03)


def test_with_complements_nothing_explodes_and_with_substitutes_r_rises():
    assert p_of("whitfill_wu_2025_frontier", "r_above_0_75")[0] == 0
    draws = prior(sie.read_view("whitfill_wu_2025_compute"), draws=1000, seed=1)
    assert draws.labour_share_asara.max() < 1
    assert draws.sigma.quantile(0.01) > 1


def test_ai_futures_r_is_m_over_beta_with_17_percent_below_a_ratio_of_0_7():
    r = sie.read_view("ai_futures_2025")["r_asara"].prior
    assert r.median() == pytest.approx(0.248 / 0.315, rel=0.005)
    assert 1 - r.cdf(1 / (1 + math.log2(0.7))) == pytest.approx(0.17, abs=0.002)


def test_kwa_holds_returns_below_linear_at_a_fixed_scale():
    view = sie.read_view("kwa_2026")
    assert view["r_typical"].prior.median() < 1 < view["r_typical"].prior.numbers[1]
    assert p_of("kwa_2026", "r_above_1")[0] < 0.05


def test_sigma_of_the_reference_leaves_every_estimate_possible():
    """Estimates are rows on it and not its prior, which has complements and substitutes on both sides of Cobb-Douglas."""
    rows = sie.read_inputs()
    rows = rows.isel(estimate=rows.quantity.values == "sigma")
    estimates = rows.value.sel(quantile=0.5).values
    assert {"whitfill_wu_compute", "besiroglu_2024_sigma", "oberfield_raval_2021"} <= set(
        rows.estimate.values
    )
    sigma = sie.read_view("reference")["sigma"].prior
    assert sigma.family != "mixture"
    assert sigma.median() == pytest.approx(1, abs=0.1)
    for estimate in estimates[estimates > 0]:
        assert 0.05 < sigma.cdf(estimate) < 0.95


def test_sigma_moves_r_by_labours_share_after_the_jump_alone():
    view = sie.read_view("reference")
    draws, certain = (
        prior(of, draws=1000, seed=1) for of in (view, view.replace(sigma=sie.fixed(1), speedup=sie.fixed(8)))
    )
    np.testing.assert_allclose(certain.labour_share_asara, certain.labour_share)
    returns = [of.labour_share_asara + (1 - of.labour_share_asara) * of.epsilon for of in (draws, certain)]
    np.testing.assert_allclose(draws.r_asara / certain.r_asara, returns[0] / returns[1], rtol=1e-9)
    assert float(abs(draws.r_asara / certain.r_asara - 1).max()) > 0.1


@pytest.mark.parametrize(
    ("name", "event"),
    [(name, event) for name in AUTHORS for event in sie.read_view(name).concludes if event != "r_asara"],
)
def test_every_stated_credence_is_a_figure_that_is_compared(name, event):
    compared = {
        (figure.given["view"], figure.stated, figure.upper)
        for figure in sie.figures()
        if figure.formula == "credence"
    }
    numbers = sie.read_view(name).concludes[event].numbers
    wanted = [(p, p) for p in [numbers.get("p")] if p is not None] or [
        (numbers["p_low"], numbers["p_high"]),
        (numbers["p_low"], numbers["p_low"]),
    ]
    assert any((name, *pair) in compared for pair in wanted)


def test_the_reports_speedup_is_from_six_months_a_doubling_to_one_or_two():
    speedup = sie.read_view("eth_davidson_2025")["speedup"].prior
    assert speedup.numbers == (6 / 2, 6 / 1)
