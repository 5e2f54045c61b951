"""The authors' views: what each states is what its source says, and what follows from it is what the formulas give."""

import dataclasses
import math

import numpy as np
import pytest

import sie
from sie.data.borrowed import check_borrowed, check_not_narrower, width
from sie.data.families import Prior
from sie.data.quantities import ADJUSTMENTS, LABOUR_PACE
from sie.growth.accounting import parallel_exponent, takeoff_ratio
from sie.growth.events import gain_within
from sie.inference.prior_draws import borrowed_from, prior

AUTHORS = [name for name in sie.view_names() if not name.startswith("reference")]
GREENBLATT = ["greenblatt_2025", "greenblatt_2025_updated"]

CALIBRATED_TO = ["ai_futures_2025"]
"""Views whose one stated credence their width is set to, which is therefore no figure to reproduce."""

LABOUR_COST, COMPUTE_COST = 700, 1000
"""OpenAI's salaries and research compute in 2024, $M (Whitfill & Wu 2025, comments)."""


def chain_median(view):
    """r at ASARA with every quantity of the chain at its median, without limits: at sigma 1 labour's share is the compute factor."""
    names = ("r_typical", *ADJUSTMENTS, *(["labour_share"] if view.derives_compute_bottleneck else []))
    return math.prod(view[name].prior.median() for name in names if name in view)


def p_of(name, event, size=20000):
    table = sie.credences(sie.simulate(prior(sie.read_view(name), draws=size, seed=1)), events=[event])
    return table.p.item(), table.mcse.item()


@pytest.fixture(scope="module")
def reference():
    return sie.read_view("reference")


@pytest.fixture(scope="module")
def derived(reference):
    return borrowed_from(reference)


def test_every_author_of_the_literature_has_a_view():
    sources = {sie.read_view(name).source for name in AUTHORS}
    assert sources == {
        *("davidson_2025_reply", "davidson_2025_thread", "eth_davidson_2025", "greenblatt_2025", "deep_2025"),
        *("whitfill_wu_2025", "kwa_2026", "ai_futures_2025", "davidson_houlden_2025"),
        *("ai_futures_2026", "cunningham_2026", "dhhk_2026", "govai_2026"),
    }


@pytest.mark.parametrize("name", AUTHORS)
def test_a_view_is_the_reference_and_what_its_author_says(name, reference, derived):
    view = sie.read_view(name)
    check_borrowed(view, reference, derived)
    check_not_narrower(view, reference)
    others = [entry.basis for entry in view.entries.values()]
    assert len(view.authored) == len(others) - others.count("reference") - others.count("ours")


@pytest.mark.slow
def test_what_the_reference_derives_is_borrowed_as_its_draws_have_it(reference, derived):
    draws = prior(reference, draws=100_000, seed=5)
    for name, borrowed in derived.items():
        for level in (0.05, 0.95):
            assert borrowed.cdf(draws[name].quantile(level).item()) == pytest.approx(level, abs=0.01)


@pytest.mark.parametrize(
    ("quantity", "prior_", "found"),
    [
        ("spread", sie.halfnormal(0.5), None),
        ("capabilities", sie.lognormal(1.5, 2.5), "ours, with a 95 % point 1.67 times the 5 % point"),
        ("post_training", sie.fixed(1), "ours, with a 95 % point 1 times the 5 % point"),
        ("labour_share", sie.beta(0.4, 0.6), "ours, with a 95 % point 2.25 times the 5 % point"),
    ],
)
def test_a_number_of_ours_in_an_authors_view_is_no_narrower_than_the_references(
    reference, quantity, prior_, found
):
    view = sie.read_view("cunningham_2026").replace(**{quantity: prior_})
    if found is None:  # half-normals have one width
        check_not_narrower(view, reference)
        return
    with pytest.raises(sie.DataError) as refused:
        check_not_narrower(view, reference)
    assert str(refused.value).startswith(f"cunningham_2026.toml [{quantity}]: found {found}, want at least ")


@pytest.mark.parametrize(
    ("prior_", "log_ratio"),
    [
        (sie.fixed(3), 0.0),
        (sie.lognormal(1, 4), math.log(4)),
        (sie.uniform(1, 2), math.log(1.95 / 1.05)),
        (sie.beta(0.2, 0.8), math.log(16)),
        (sie.mixture([0.5, 0.5], [sie.uniform(1, 2), sie.uniform(8, 9)]), math.log(8.9 / 1.1)),
    ],
)
def test_how_wide_a_prior_is(prior_: Prior, log_ratio):
    assert width(prior_) == pytest.approx(log_ratio, abs=1e-6)


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
    draws = prior(view, draws=1000, seed=1)
    event = gain_within("one_year", years_of_progress=3, years=1)
    own = draws.recent_pace * (1 if view["recent_pace"].unit == LABOUR_PACE else draws.conversion)
    np.testing.assert_allclose(event.gain(sie.simulate(draws)), 3 * own / draws.software_share, rtol=1e-12)


def test_davidson_and_houldens_year_of_progress_is_8_doublings():
    draws = prior(sie.read_view("davidson_houlden_2025"), draws=1000, seed=1)
    assert np.all(gain_within("one", years_of_progress=1, years=1).gain(sie.simulate(draws)) == 8)


@pytest.mark.parametrize(
    ("name", "per_year"), [("davidson_2025", 8), ("eth_davidson_2025", 6), ("whitfill_wu_2025", 3)]
)
def test_doublings_in_an_authors_year_of_progress_at_the_medians(name, per_year):
    view = sie.read_view(name)
    assert view["recent_pace"].prior.median() / view["software_share"].prior.median() == pytest.approx(
        per_year, rel=2e-3
    )


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
    assert chain_median(view) == pytest.approx(ratio, rel=0.015)  # r in the middle of 3x and 4x


def test_greenblatts_exponents_are_a_prior_on_capabilities():
    first, updated = (sie.read_view(name)["capabilities"].prior for name in GREENBLATT)
    assert first.median() == pytest.approx(parallel_exponent(1.1), rel=0.005)
    assert first.numbers[1] == pytest.approx(parallel_exponent(1.3), rel=0.005)
    assert updated.median() == pytest.approx(parallel_exponent(2), rel=0.001)


def test_deeps_r_is_his_takeoff_ratio_of_0_9():
    assert chain_median(sie.read_view("deep_2025")) == pytest.approx(0.9, abs=0.03)  # 3x to 4x for 3.5x


def test_deep_has_one_serial_doubling_per_doubling_of_algorithms():
    assert sie.read_view("deep_2025")["capabilities"].prior.median() == pytest.approx(
        parallel_exponent(1), rel=0.005
    )


def test_greenblatts_share_of_labour_is_that_of_his_poll_in_parallel_labour():
    for name in GREENBLATT:
        share = sie.read_view(name)["labour_share"].prior
        for slower, quantile in ((3, 0.05), (2.5, 0.5)):
            serial = 1 - math.log10(slower)
            parallel = 0.7 * serial / (0.7 * serial + 1 - serial)
            assert share.cdf(parallel) == pytest.approx(quantile, abs=0.03)


def test_davidsons_thread_has_his_best_guess_of_4():
    view = sie.read_view("davidson_2025_thread")
    before = view["r_typical"].prior.median() * view["capabilities"].prior.median()
    assert before == pytest.approx(4, rel=0.001)


def test_davidsons_widths_are_one_factor_that_gives_his_whole():
    """r at ASARA has the 5 and 95 % points of his log-uniform; the five links whose width he does not state share one."""
    view = sie.read_view("davidson_2025")
    links = [view[name].prior for name in ("r_typical", "compute_bottleneck", "hardware_scale", "steepening")]
    assert max(map(width, links)) == pytest.approx(min(map(width, links)), rel=1e-3)
    scale = width(links[0]) / (2 * 1.6449)
    assert view["spread"].prior.numbers[0] == pytest.approx(1.96 * scale, rel=0.01)
    draws = prior(view, draws=200_000, seed=3).r_asara
    assert draws.quantile([0.05, 0.95]).values == pytest.approx([0.446, 3.225], rel=0.02)


@pytest.mark.slow
def test_eth_and_davidsons_half_to_two_is_the_middle_half_of_r_at_fixed_hardware():
    draws = prior(sie.read_view("eth_davidson_2025"), draws=200_000, seed=3)
    fixed = draws.r_asara / draws.steepening
    assert fixed.quantile([0.25, 0.5, 0.75]).values == pytest.approx([0.5, 1, 2], rel=0.04)


def test_whitfill_and_wus_share_is_openais_of_today():
    share = sie.read_view("whitfill_wu_2025")["labour_share"].prior
    assert share.median() == pytest.approx(LABOUR_COST / (LABOUR_COST + COMPUTE_COST), abs=0.002)


def test_sigma_of_the_frontier_is_what_a_normal_estimate_leaves_above_0():
    """The part above 0 of a normal with mean -0.10 and standard error 0.30, at 5, 50 and 95 %."""
    from scipy.stats import truncnorm

    estimate = truncnorm(0.1 / 0.3, np.inf, loc=-0.1, scale=0.3)
    sigma = sie.read_view("whitfill_wu_2025")["sigma"].prior.parts[1]
    for q in (0.05, 0.5, 0.95):
        assert sigma.cdf(estimate.ppf(q)) == pytest.approx(q, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["whitfill_wu_2025", "govai_2026"])
def test_each_part_of_a_mixture_is_the_view_with_that_part_alone(name):
    """The parts' credences from draws of the whole, against draws of each part."""
    view = sie.read_view(name)
    draws = prior(view, draws=20000, seed=1)
    table = sie.by_part(view, draws, sie.simulate(draws), events=["r_above_1", "years_3_in_1y"])
    np.testing.assert_allclose(table.weight, table.stated, atol=0.01)
    whole = sie.credences(sie.simulate(draws), events=["r_above_1", "years_3_in_1y"])
    np.testing.assert_allclose((table.weight * table.p).sum("part"), whole.p, atol=1e-12)
    for k, quantity in enumerate(table.quantity.values):
        part = view[str(quantity)].prior.parts[k]
        alone = prior(view.replace(**{str(quantity): part}), draws=20000, seed=2)
        wanted = sie.credences(sie.simulate(alone), events=["r_above_1", "years_3_in_1y"])
        error = np.hypot(table.mcse.values[k], wanted.mcse.values)
        assert np.all(abs(table.p.values[k] - wanted.p.values) < 4 * error)


def test_ai_futures_r_is_m_over_beta_and_above_1_with_the_38_percent_that_kwa_reports():
    r = sie.read_view("ai_futures_2025")["r_asara"].prior
    assert r.median() == pytest.approx(0.248 / 0.315, rel=0.005)
    assert r.sf(1.0) == pytest.approx(0.38, abs=0.002)
    later = sie.read_view("ai_futures_2026")["r_asara"].prior
    assert later.median() == pytest.approx(0.285 / 0.318, rel=0.005)
    assert width(later) == pytest.approx(width(r), rel=0.01)


def test_kwas_returns_are_those_of_speed_on_lines_of_code_and_on_improvements():
    """Between the slope over his 53 records, less 1.645 of its standard error, and linear."""
    records = sie.read_series("nanogpt_speedrun")
    r = sie.read_view("kwa_2026")["r_typical"].prior
    lines = records.effort.sel(proxy="trainer_lines").values[2:55]
    minutes = records.output.values[2:55]
    slope = np.polyfit(np.log(lines), np.log(1 / minutes), 1)[0]
    assert slope == pytest.approx(0.79, abs=0.005)
    assert r.numbers == pytest.approx((slope - 1.645 * 0.13, 1), abs=0.01)


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
    [
        (name, event)
        for name in AUTHORS
        for event, said in sie.read_view(name).concludes.items()
        if event != "r_asara" and said.numbers and name not in CALIBRATED_TO
    ],
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


@pytest.mark.parametrize("name", sie.view_names())
def test_a_view_is_shown_as_a_table_that_fits_a_screen(name):
    view = sie.read_view(name)
    lines = repr(view).splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 110
    assert lines[0] == f"{name}: {view.label}"
    assert [line.split()[0] for line in lines[2 : 2 + len(view.entries)]] == list(view.entries)
    html = view._repr_html_()
    assert len(html) < 10_000
    assert html.count("<tr>") == 1 + len(view.entries)


def test_a_view_says_what_it_correlates_and_what_its_author_concludes_and_html_is_escaped():
    view = sie.read_view("davidson_2025")
    said = repr(view).splitlines()
    assert "author says: r_asara 5 % 0.446, 50 % 1.2, 95 % 3.225" in said
    assert "author says: ooms_5_in_1y 10 to 40 %" in said
    mine = dataclasses.replace(
        view.replace(correlations={("capabilities", "post_training"): 0.4}), label="<b>mine</b> & yours"
    )
    assert "correlated: capabilities and post_training (rank 0.4)" in repr(mine).splitlines()
    assert "author says" not in repr(mine)
    assert "&lt;b&gt;mine&lt;/b&gt; &amp; yours" in mine._repr_html_()
    assert "<b>mine</b>" not in mine._repr_html_()
