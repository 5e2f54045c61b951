"""Priors as curves, views as files: what a stated number means, and what a view file may not say."""

import itertools
import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import ndtr
from scipy.stats import norm

import sie
from sie.data.families import Prior
from sie.data.quantities import R_UNIT
from sie.inference.prior_draws import prior

PRIORS = [
    sie.uniform(6, 16),
    sie.loguniform(0.4, 3.6),
    sie.normal(-1, 2),
    sie.lognormal(1.5, 3.0),
    sie.quantiles(0.5, 2.0, 3.0),
    sie.quantiles(1.0, 1.2, 2.0),
    sie.halfnormal(0.8),
    sie.beta(0.35, 0.95),
    sie.mixture([0.3, 0.7], [sie.lognormal(0.5, 2), sie.uniform(3, 4)]),
]
VIEWS = sie.view_names()
Q95 = norm.ppf(0.95)


def positive(low=1e-3, high=1e3):
    return st.floats(low, high)


def apart(numbers, family):
    """A family of two numbers, the second at least a little above the first."""
    return (
        st.tuples(numbers, numbers)
        .map(sorted)
        .filter(lambda pair: pair[1] > 1.01 * pair[0])
        .map(lambda pair: family(*pair))
    )


SIMPLE = st.one_of(
    apart(positive(), sie.uniform),
    apart(positive(), sie.loguniform),
    apart(positive(), sie.normal),
    apart(positive(), sie.lognormal),
    st.tuples(positive(), st.floats(0.1, 2), st.floats(0.2, 5)).map(
        lambda drawn: sie.quantiles(
            drawn[0] * math.exp(-drawn[1]), drawn[0], drawn[0] * math.exp(drawn[1] * drawn[2])
        )
    ),
    positive().map(sie.halfnormal),
    st.tuples(st.floats(0.02, 0.7), st.floats(0.05, 0.25)).map(
        lambda pair: sie.beta(pair[0], pair[0] + pair[1])
    ),
)
CONTINUOUS = SIMPLE | st.tuples(st.floats(0, 1), SIMPLE, SIMPLE).map(
    lambda drawn: sie.mixture([drawn[0], 1 - drawn[0]], drawn[1:])
)


def family_of(prior):
    return prior.family


@pytest.mark.parametrize("family", [sie.normal, sie.lognormal, sie.beta])
@pytest.mark.parametrize(("q05", "q95"), [(0.1, 0.9), (0.4762, 0.99), (0.01, 0.02), (0.001, 0.5)])
def test_stated_quantiles_are_the_quantiles(family, q05, q95):
    np.testing.assert_allclose(family(q05, q95).at([-Q95, Q95]), [q05, q95], rtol=1e-6)


@pytest.mark.parametrize("numbers", [(1, 2, 10), (0.5, 3, 6), (1, 1.2, 2), (1e-6, 1, 1e6)])
def test_three_stated_quantiles_are_the_quantiles_and_each_tail_is_a_log_normal_s(numbers):
    prior = sie.quantiles(*numbers)
    np.testing.assert_allclose(prior.at([-Q95, 0, Q95]), numbers, rtol=1e-12)
    far = np.log(prior.at([-7.9, -7.8, 7.8, 7.9]))
    low, high = (far[1] - far[0]) / 0.1, (far[3] - far[2]) / 0.1
    stated = np.diff(np.log(numbers)) / Q95
    assert (low < high) == (stated[0] < stated[1]) or low == pytest.approx(high)
    assert low + high == pytest.approx(stated.sum(), rel=1e-2)


def test_three_quantiles_of_which_one_is_the_geometric_mean_are_a_lognormal():
    x = np.geomspace(0.1, 50, 40)
    np.testing.assert_allclose(
        sie.quantiles(1, 3, 9).logpdf(x), sie.lognormal(1, 9).logpdf(x), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("family", [sie.uniform, sie.loguniform])
def test_stated_bounds_are_the_ends(family):
    prior = family(0.4, 3.6)
    np.testing.assert_allclose(prior.at([-40.0, 40.0]), [0.4, 3.6], rtol=1e-12)
    assert prior.support == (0.4, 3.6)


def test_five_percent_of_a_uniform_lies_a_twentieth_of_the_way():
    assert sie.uniform(0, 20).at(-Q95) == pytest.approx(1)
    assert sie.loguniform(1, math.e**20).at(-Q95) == pytest.approx(math.e)


def test_a_half_normal_has_its_95_percent_quantile_and_starts_at_0():
    assert sie.halfnormal(0.8).at(Q95) == pytest.approx(0.8)
    assert sie.halfnormal(0.8).at(-8.0) == pytest.approx(0, abs=1e-14)


def test_the_median_of_a_lognormal_is_the_geometric_mean():
    assert sie.lognormal(2, 32).median() == pytest.approx(8)


def test_a_fixed_value_is_every_quantile():
    assert np.all(sie.fixed(4).at([-3.0, 0.0, 3.0]) == 4)
    np.testing.assert_array_equal(sie.fixed(4).cdf([3.9, 4.0, 4.1]), [0, 1, 1])


@given(CONTINUOUS, st.floats(-5, 5))
def test_the_cdf_of_the_value_at_a_score_is_phi_of_the_score(prior, z):
    assert prior.cdf(prior.at(z)) == pytest.approx(ndtr(z), abs=1e-7)


@given(CONTINUOUS, st.floats(-6, 6), st.floats(-6, 6))
def test_a_higher_score_never_gives_a_lower_value(prior, a, b):
    low, high = prior.at(sorted([a, b]))
    assert low <= high * (1 + 1e-12)


@pytest.mark.slow
@given(SIMPLE | SIMPLE.map(lambda part: sie.mixture([0.5, 0.5], [part, sie.fixed(2)])))
def test_values_stay_in_the_support_and_finite(prior):
    values = prior.at([-50.0, -8.0, 0.0, 8.0, 50.0])
    low, high = prior.support
    assert np.all(np.isfinite(values))
    assert np.all(values >= low * (1 - 1e-12))
    assert np.all(values <= high * (1 + 1e-12))


@pytest.mark.parametrize("prior", PRIORS, ids=family_of)
def test_the_density_integrates_to_1(prior):
    edges = prior.at(np.array([-8, -4, -2, -1, 0, 1, 2, 4, 8.0]))
    cuts = sorted({*edges, *(end for part in prior.parts for end in part.support if math.isfinite(end))})
    mass = sum(
        quad(lambda x: np.exp(prior.logpdf(x)), a, b, limit=200)[0] for a, b in itertools.pairwise(cuts)
    )
    assert mass == pytest.approx(1, abs=1e-7)


@pytest.mark.parametrize("prior", PRIORS, ids=family_of)
def test_the_density_is_the_derivative_of_the_cdf(prior):
    x = prior.at(np.array([-1.3, -0.7, 0.1, 0.6, 1.2]))
    h = 1e-6 * np.maximum(np.abs(x), 1e-3)
    np.testing.assert_allclose(
        (prior.cdf(x + h) - prior.cdf(x - h)) / (2 * h), np.exp(prior.logpdf(x)), rtol=1e-5
    )


@pytest.mark.parametrize("prior", [p for p in PRIORS if p.family != "normal"], ids=family_of)
def test_there_is_no_density_outside_the_support(prior):
    low, high = prior.support
    assert prior.logpdf(low - 0.1) == -math.inf
    assert prior.logpdf(high + 0.1) == -math.inf
    assert prior.cdf(low - 0.1) == 0


@pytest.mark.parametrize(
    "prior", [sie.fixed(1), sie.mixture([0.5, 0.5], [sie.fixed(1), sie.uniform(0, 1)])], ids=family_of
)
def test_a_point_mass_has_no_density(prior):
    with pytest.raises(ValueError, match="found a prior with a fixed value"):
        prior.logpdf(1.0)


def test_a_mixture_draws_each_part_with_its_weight():
    values = sie.mixture([0.25, 0.75], [sie.uniform(0, 1), sie.uniform(10, 11)]).at(
        np.random.default_rng(1).standard_normal(10_000)
    )
    assert np.mean(values < 5) == pytest.approx(0.25, abs=0.02)
    assert not np.any((values > 1 + 1e-9) & (values < 10 - 1e-9))


@pytest.mark.parametrize("view", VIEWS)
def test_a_bundled_view_survives_being_written_and_read(view, write_view):
    view = sie.read_view(view)
    again = sie.read_view(write_view(sie.to_toml(view)))
    assert dict(again.entries) == dict(view.entries)
    assert dict(again.concludes) == dict(view.concludes)
    assert (again.label, again.source, again.reflects) == (view.label, view.source, view.reflects)


MIXTURE = sie.mixture([0.25, 0.75], [sie.lognormal(1e-05, 1.25), sie.uniform(1, 2)])


def test_a_mixture_survives_being_written_and_read(write_view):
    view = sie.read_view("davidson_2025").replace(capabilities=MIXTURE)
    again = sie.read_view(write_view(sie.to_toml(view)))
    assert again["capabilities"].prior == MIXTURE
    assert dict(again.entries) == dict(view.entries)


def test_any_text_survives_being_written_and_read(view_with, write_view):
    note = 'quotes " and \\ and\ttabs\nand lines, é and 😀'
    escaped = note.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    view = sie.read_view(view_with("speedup", note=f'"{escaped}"'))
    assert view["speedup"].note == note
    assert sie.read_view(write_view(sie.to_toml(view)))["speedup"].note == note


@pytest.mark.parametrize(
    "number", [np.float64(1.5), np.float32(1.5), np.int64(2)], ids=lambda n: type(n).__name__
)
def test_numpy_numbers_survive_being_written_and_read(number, write_view):
    view = sie.read_view("davidson_2025").replace(capabilities=sie.lognormal(number, 3.0))
    assert sie.read_view(write_view(sie.to_toml(view)))["capabilities"].prior == sie.lognormal(
        float(number), 3.0
    )


def test_replace_keeps_the_unit_and_owns_the_number():
    view = sie.read_view("davidson_2025")
    changed = view.replace(r_typical=sie.lognormal(0.5, 2))
    assert changed["r_typical"].unit == R_UNIT
    assert changed["r_typical"].basis == "ours"
    assert changed["r_typical"].prior == sie.lognormal(0.5, 2)
    assert view["r_typical"].basis == "calibrated"
    assert {name: entry for name, entry in changed.entries.items() if name != "r_typical"} == {
        name: entry for name, entry in view.entries.items() if name != "r_typical"
    }


def test_replace_leaves_the_draws_of_other_quantities_alone():
    view = sie.read_view("davidson_2025")
    before = prior(view, draws=400, seed=3)
    after = prior(view.replace(capabilities=sie.lognormal(1.0, 4.0)), draws=400, seed=3)
    moved = {name for name in before.data_vars if not np.array_equal(before[name], after[name])}
    assert moved == {"capabilities", "conversion", "doublings_left", "r_asara"}


def test_the_seed_alone_decides_the_draws():
    view = sie.read_view("davidson_2025")
    xr.testing.assert_identical(prior(view, draws=40, seed=3), prior(view, draws=40, seed=3))
    assert not prior(view, draws=40, seed=3).speedup.equals(prior(view, draws=40, seed=4).speedup)


@pytest.mark.parametrize("name", ["stated", "reference"])
def test_quantities_are_drawn_independently(name, stated):
    """All that a view states as uncertain but the two distances, of which one must be longer."""
    view = stated if name == "stated" else sie.read_view(name)
    draws = prior(view, draws=20000, seed=1)
    distances = {"gained_before_asara", "ceiling"} if "gained_before_asara" in view else set()
    names = [
        of for of, entry in view.entries.items() if entry.prior.family != "fixed" and of not in distances
    ]
    assert len(names) > 10
    ranks = np.array([draws[name].values.ravel().argsort().argsort() for name in names])
    off_diagonal = np.corrcoef(ranks)[~np.eye(len(names), dtype=bool)]
    assert np.abs(off_diagonal).max() < 5 / math.sqrt(20000)


@pytest.mark.parametrize("name", ["no_such_quantity", "r_asara"])
def test_replace_refuses_what_the_view_does_not_state(name, refused):
    with refused(f"davidson_2025 replace {name}", "does not state"):
        sie.read_view("davidson_2025").replace(**{name: sie.fixed(1)})


def test_replace_refuses_what_is_no_prior(refused):
    with refused("davidson_2025 replace speedup", "found 3"):
        sie.read_view("davidson_2025").replace(speedup=3)


def test_replace_refuses_a_prior_out_of_range(refused):
    with refused("davidson_2025 [speedup]", "normal"):
        sie.read_view("davidson_2025").replace(speedup=sie.normal(-1, 2))


@pytest.mark.parametrize("view", VIEWS)
def test_a_bundled_view_reads(view):
    read = sie.read_view(view)
    assert read.name == view
    assert read.label
    assert read.source in sie.read_sources()


def test_a_view_without_the_toml_ending_is_a_bundled_name(refused):
    with refused("view", "'nobody'", "davidson_2025"):
        sie.read_view("nobody")


@pytest.mark.parametrize(
    ("family", "numbers", "found"),
    [
        ("log-uniform", (1, 2), "'log-uniform'"),
        ("lognormal", (1,), "1 numbers"),
        ("lognormal", (2, 1), "2, not below q95 1"),
        ("lognormal", (1, 1), "1, not below q95 1"),
        ("uniform", (2, 2), "2, not below upper 2"),
        ("loguniform", (-1, 2), "-1"),
        ("lognormal", (0, 2), "0"),
        ("halfnormal", (0,), "0"),
        ("beta", (0.5, 1.0), "1.0"),
        ("fixed", (math.nan,), "nan"),
        ("fixed", (-math.inf,), "inf"),
        ("fixed", (True,), "True"),
        ("fixed", ("4",), "'4'"),
        ("fixed", (10**400,), "1000"),
        ("mixture", (1.0,), "1 weights and 0 parts"),
    ],
)
def test_a_prior_with_wrong_numbers_is_refused(family, numbers, found, refused):
    with refused("prior", found):
        Prior(family=family, numbers=numbers)


LOGNORMALS = "[{ family = 'lognormal', q05 = 1, q95 = 2 }, { family = 'lognormal', q05 = 2, q95 = 3 }]"
NO_NUMBERS = {"q05": None, "q95": None}


@pytest.mark.parametrize(
    ("table", "keys", "where", "found", "want"),
    [
        ("capabilities", {"q50": "2"}, "[capabilities] q50", "an unknown key", "q05, q95"),
        ("capabilities", {"q05": None}, "[capabilities] q05", "nothing", "lognormal (the key is required)"),
        ("capabilities", {"family": None}, "[capabilities] family", "nothing", "one of fixed"),
        (
            "capabilities",
            {"family": "'log-uniform'"},
            "[capabilities] family",
            "'log-uniform'",
            "loguniform, normal",
        ),
        ("capabilities", {"family": "3"}, "[capabilities] family", "3", "one of fixed"),
        ("capabilities", {"q05": "3"}, "[capabilities] q05", "3, not below q95 2.5", "q05 < q95"),
        ("capabilities", {"q05": "-1.7"}, "[capabilities] q05", "-1.7", "above 0"),
        ("capabilities", {"q95": "nan"}, "[capabilities] q95", "nan", "a finite number"),
        ("capabilities", {"q95": "inf"}, "[capabilities] q95", "inf", "a finite number"),
        ("capabilities", {"q95": "true"}, "[capabilities] q95", "True", "a finite number"),
        ("capabilities", {"q95": "'2.5'"}, "[capabilities] q95", "'2.5'", "a finite number"),
        ("capabilities", {"q95": "1" + 400 * "0"}, "[capabilities] q95", "1000", "a finite number"),
        ("capabilities", {"family": "'normal'"}, "[capabilities]", "from -inf to inf", "values above 0"),
        ("capabilities", {"unit": None}, "[capabilities] unit", "nothing", "one of 1"),
        ("capabilities", {"unit": "'years'"}, "[capabilities] unit", "'years'", "one of 1"),
        ("capabilities", {"unit": "1"}, "[capabilities] unit", "1", "one of 1"),
        ("capabilities", {"q05": "1.6"}, "[capabilities] quote", "no 1.6 in it", "every stated number"),
        ("capabilities", {"quote": "'two'"}, "[capabilities] quote", "no 1.7 in it", "every stated number"),
        ("capabilities", {"quote": "2"}, "[capabilities] quote", "2", "a string"),
        ("capabilities", {"quote": "' '"}, "[capabilities] quote", "' '", "a string"),
        ("capabilities", {"quote": None}, "[capabilities] quote", "nothing", "basis is stated"),
        ("capabilities", {"basis": None}, "[capabilities] basis", "nothing", "one of stated"),
        ("capabilities", {"basis": "'guessed'"}, "[capabilities] basis", "'guessed'", "one of stated"),
        ("capabilities", {"locator": None}, "[capabilities] locator", "nothing", "the place"),
        (
            "capabilities",
            {"source": "'nobody_1999'"},
            "[capabilities] source",
            "'nobody_1999'",
            "a key of sources.toml",
        ),
        ("spread", {"note": None}, "[spread] note", "nothing", "basis is calibrated"),
        ("speedup", {"via": None}, "[speedup] via", "nothing", "basis is transcribed"),
        ("r_typical", {"unit": "'1'"}, "[r_typical] unit", "'1'", R_UNIT),
        (
            "recent_pace",
            {"unit": "'doublings per month'"},
            "[recent_pace] unit",
            "'doublings per month'",
            "labour doublings per year",
        ),
        ("ceiling", {"unit": "'years'"}, "[ceiling] unit", "'years'", "years of progress"),
        ("recent_pace", {"value": "0"}, "[recent_pace]", "fixed prior", "values above 0"),
        ("labour_share", {"value": "1.5"}, "[labour_share]", "reaches from 1.5", "at most 1"),
        ("shape", {"value": "0"}, "[shape]", "fixed prior", "values above 0"),
        (
            "spread",
            {**NO_NUMBERS, "family": "'mixture'", "weights": "[0.5, 0.4]", "parts": LOGNORMALS},
            "[spread] weights",
            "[0.5, 0.4]",
            "sum to 1",
        ),
        (
            "spread",
            {**NO_NUMBERS, "family": "'mixture'", "weights": "[1.5, -0.5]", "parts": LOGNORMALS},
            "[spread] weights",
            "[1.5, -0.5]",
            "at least 0",
        ),
        (
            "spread",
            {**NO_NUMBERS, "family": "'mixture'", "weights": "[1]", "parts": LOGNORMALS},
            "[spread] weights",
            "1 weights and 2 parts",
            "as many",
        ),
        (
            "spread",
            {**NO_NUMBERS, "family": "'mixture'", "weights": "1", "parts": LOGNORMALS},
            "[spread] weights",
            "1",
            "a list",
        ),
        (
            "spread",
            {
                **NO_NUMBERS,
                "family": "'mixture'",
                "weights": "[0.5, 0.5]",
                "parts": LOGNORMALS.replace("q05 = 2", "q05 = 4"),
            },
            "[spread] parts[1] q05",
            "4, not below q95 3",
            "q05 < q95",
        ),
        (
            "spread",
            {
                **NO_NUMBERS,
                "family": "'mixture'",
                "weights": "[0.5, 0.5]",
                "parts": LOGNORMALS.replace("lognormal", "mixture"),
            },
            "[spread] parts",
            "mixture",
            "no mixture within",
        ),
        (
            "spread",
            {
                **NO_NUMBERS,
                "family": "'mixture'",
                "weights": "[0.5, 0.5]",
                "parts": "[{ family = 'fixed', value = 1 }, { family = 'lognormal', q05 = 2, q95 = 3 }]",
            },
            "[spread] parts",
            "a fixed part",
            "continuous parts",
        ),
        ("concludes.r_above_1", {"p": "1.2"}, "[concludes.r_above_1] p", "1.2", "a probability"),
        ("concludes.r_above_1", {"p": "-0.1"}, "[concludes.r_above_1] p", "-0.1", "a probability"),
        ("concludes.r_above_1", {"p": "nan"}, "[concludes.r_above_1] p", "nan", "a probability"),
        ("concludes.r_above_1", {"p": "true"}, "[concludes.r_above_1] p", "True", "a probability"),
        ("concludes.r_above_1", {"p": "1" + 400 * "0"}, "[concludes.r_above_1] p", "1000", "a probability"),
        ("concludes.r_above_1", {"p": None}, "[concludes.r_above_1]", "no numbers", "p or p_low and p_high"),
        (
            "concludes.r_above_1",
            {"p": None, "p_low": "0.5"},
            "[concludes.r_above_1]",
            "p_low",
            "p_low and p_high",
        ),
        (
            "concludes.r_above_1",
            {"p": None, "p_low": "0.6", "p_high": "0.5"},
            "[concludes.r_above_1]",
            "[0.6, 0.5]",
            "ascending",
        ),
        ("concludes.r_asara", {"q50": "4"}, "[concludes.r_asara]", "4", "ascending"),
    ],
)
def test_a_wrong_table_is_refused(table, keys, where, found, want, view_with, refused):
    path = view_with(table, **keys)
    with refused(f"view.toml {where}: found", found, want):
        sie.read_view(path)


CHAIN_TABLES = [
    "r_typical",
    "spread",
    "capabilities",
    "post_training",
    "hardware_scale",
    "steepening",
]
GROWTH_TABLES = ["speedup", "recent_pace", "software_share", "ceiling", "shortest_doubling"]
GROWTH_TABLES += ["labour_share", "sigma", "experiment_gain", "shape"]


def without_table(text, table):
    return "\n\n".join(block for block in text.split("\n\n") if not block.startswith(f"[{table}]\n"))


@pytest.mark.parametrize("table", CHAIN_TABLES + GROWTH_TABLES)
def test_every_table_is_required(table, view_text, write_view, refused):
    path = write_view(without_table(view_text, table))
    with refused(f"view.toml [{table}]", "found nothing", "required"):
        sie.read_view(path)


@pytest.mark.parametrize("key", ["label", "source", "reflects"])
def test_every_top_level_key_is_required(key, view_text, write_view, refused):
    top = {"label": "label = 'L'", "source": "source = 'davidson_2025_reply'", "reflects": "reflects = []"}
    lines = [line for name, line in top.items() if name != key]
    path = write_view("\n".join([*lines, view_text[view_text.index("[r_typical]") :]]))
    with refused(f"view.toml {key}", "found nothing", "required"):
        sie.read_view(path)


@pytest.mark.parametrize(
    ("old", "new", "where", "found"),
    [
        ('source   = "davidson_2025_reply"', 'source = "nobody_1999"', "view.toml source", "'nobody_1999'"),
        ('label    = "Davidson (2025), reply to Greenblatt"', "label = 3", "view.toml label", "3"),
        ('label    = "Davidson (2025), reply to Greenblatt"', "label = ' '", "view.toml label", "' '"),
        ('    "alexnet_2020",', '    "vision_2024",', "view.toml reflects", "'vision_2024', 'vision_2024'"),
        ('    "alexnet_2020",', "    3,", "view.toml reflects", "3"),
        ("[spread]", "[spred]", "view.toml spred", "did you mean spread?"),
        ("[concludes.r_above_1]", "[extra]\n[concludes.r_above_1]", "view.toml extra", "an unknown key"),
        ("reflects =", "colour = 'red'\nreflects =", "view.toml colour", "an unknown key"),
        (
            "[concludes.r_above_1]",
            "[concludes.r_above_2]",
            "view.toml [concludes.r_above_2]",
            "an unknown event",
        ),
        ("[shape]", "[[shape]]", "view.toml [shape]", "[{"),
    ],
)
def test_a_wrong_view_is_refused(old, new, where, found, view_text, write_view, refused):
    assert view_text.count(old) == 1
    path = write_view(view_text.replace(old, new))
    with refused(where, found):
        sie.read_view(path)


@pytest.mark.parametrize(
    ("extra", "surplus"),
    [("conversion", "conversion"), ("gained_before_asara", "steepening"), ("r_asara", "[conversion]")],
)
def test_a_view_states_r_one_way(extra, surplus, view_text, write_view, refused):
    block = next(block for block in view_text.split("\n\n") if block.startswith("[speedup]"))
    path = write_view(view_text + "\n" + block.replace("[speedup]", f"[{extra}]"))
    with refused(f"view.toml {surplus}: found"):
        sie.read_view(path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", "an empty file"),
        (" \n\n", "an empty file"),
        (b"label = '\xff'", "not UTF-8"),
        ("label = ", "a TOML syntax error"),
        ("label = 'a'\nlabel = 'b'", "a TOML syntax error"),
        ("[a]\nx = 1\n[a]\ny = 1", "a TOML syntax error"),
        ("x = 2025-13-45", "TOML"),
        ("x = " + 5000 * "1", "TOML"),
        ("x = " + 5000 * "[" + 5000 * "]", "TOML"),
        (b"\x00", "TOML"),
    ],
    ids=["empty", "blank", "latin", "syntax", "key twice", "table twice", "date", "digits", "nesting", "nul"],
)
def test_what_is_no_toml_is_refused(content, found, write_view, refused):
    path = write_view(content)
    with refused("view.toml", found):
        sie.read_view(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path, refused):
    with refused(str(tmp_path / "none.toml"), "no such file"):
        sie.read_view(str(tmp_path / "none.toml"))
    (tmp_path / "folder.toml").mkdir()
    with refused(str(tmp_path / "folder.toml"), "a readable file"):
        sie.read_view(str(tmp_path / "folder.toml"))


GAINED = """[gained_before_asara]
family  = "lognormal"
q05     = 2
q95     = 5
unit    = "{unit}"
basis   = "ours"
locator = "judgement"
note    = "a test"
"""


@pytest.fixture
def gaining(view_text, write_view):
    """gaining(unit): the path of the view with gained_before_asara in place of steepening."""
    return lambda unit: write_view(without_table(view_text, "steepening") + "\n" + GAINED.format(unit=unit))


@pytest.fixture
def gaining_draws(gaining):
    view = sie.read_view(gaining("OOMs of training efficiency"))
    return prior(view, draws=20000, seed=2)


def test_steepening_follows_from_what_is_gained(gaining_draws):
    gained, left = gaining_draws.doublings_gained, gaining_draws.doublings_left
    np.testing.assert_allclose(gaining_draws.steepening, 1 - gained / (gained + left), rtol=1e-12)
    np.testing.assert_allclose(
        gaining_draws.steepening, 1 - gaining_draws.gained_before_asara / gaining_draws.ceiling, rtol=1e-12
    )


def test_steepening_from_what_is_gained_enters_r(gaining_draws):
    factors = math.prod(gaining_draws[name] for name in sie.ADJUSTMENTS)
    np.testing.assert_allclose(gaining_draws.r_asara, gaining_draws.r_target * factors, rtol=1e-12)


def test_the_ceiling_lies_beyond_what_is_gained(gaining_draws):
    assert bool((gaining_draws.ceiling > gaining_draws.gained_before_asara).all())
    assert bool((gaining_draws.doublings_left > 0).all())
    assert gaining_draws.ceiling.shape == (4, 5000)


def test_the_discarded_prior_mass_is_that_of_a_ceiling_within_what_is_gained(gaining_draws):
    low, high = sie.read_view("davidson_2025")["ceiling"].prior.numbers
    spread = math.hypot(math.log(5 / 2), math.log(high / low)) / (2 * Q95)
    exact = norm.cdf((math.log(2 * 5) - math.log(low * high)) / 2 / spread)
    assert gaining_draws.attrs["discarded_prior_mass"] == pytest.approx(
        exact, abs=4 * math.sqrt(exact / 20000)
    )


def test_a_ceiling_almost_surely_within_what_is_gained_is_refused(gaining, refused):
    view = sie.read_view(gaining("OOMs of training efficiency")).replace(ceiling=sie.lognormal(0.1, 0.2))
    with refused("view [ceiling]", "beyond gained_before_asara"):
        prior(view, draws=4000, seed=1)


@pytest.mark.parametrize("unit", ["years of progress", "labour doublings"])
def test_what_is_gained_and_the_ceiling_both_depend_on_the_conversion_or_neither(gaining, refused, unit):
    path = gaining(unit)
    with refused("view.toml [gained_before_asara] unit", f"'{unit}'", "as that of the ceiling does"):
        sie.read_view(path)


@pytest.mark.parametrize("draws", [0, -4, 1001])
def test_draws_come_in_fours(draws, refused):
    with refused("draws", f"found {draws}", "multiple of 4"):
        prior(sie.read_view("reference"), draws=draws, seed=1)


def test_a_quantile_that_a_part_has_too_is_found():
    """The whole weight on one part, and parts that cross: the root lies at an end of its bracket, to rounding."""
    z = np.linspace(-5, 5, 401)
    families = (sie.uniform, sie.loguniform, sie.lognormal)
    for one in families:
        for other in families:
            for share in (0.0, 1e-12, 0.5, 1.0):
                prior = sie.mixture([share, 1 - share], [one(1.0, 2.0), other(1.0, 2.0)])
                assert prior.cdf(prior.at(z)) == pytest.approx(ndtr(z), abs=1e-7)
