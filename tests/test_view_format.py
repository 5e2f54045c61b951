"""The format of a view: correlations, borrowed quantities, the two forms of lambda, what belongs to the derived compute factor."""

import dataclasses
import json
import re

import numpy as np
import pytest
from scipy.stats import spearmanr

import sie
from sie.analysis.differences import groups
from sie.base.reading import data_folder
from sie.data.correlations import Correlation
from sie.data.quantities import HISTORY_SHARES
from sie.inference.prior_draws import prior
from sie.page.snapshot import inputs_of, view_of

DERIVED = (data_folder("priors") / "reference.toml").read_text(encoding="utf-8")


def table(name, body):
    return f'\n[{name}]\n{body}\nunit = "1"\nbasis = "ours"\nlocator = "judgement"\nnote = "of a test"\n'


def without(text, name):
    """A view's text without the table of one quantity."""
    assert f"[{name}]\n" in text
    return re.sub(rf"\n\[{name}\]\n(?:.+\n)+", "", text)


def pairs(*correlations):
    return "".join(
        f'\n[[correlations]]\nbetween = ["{a}", "{b}"]\nrank = {rank}\nbasis = "ours"\nlocator = "judgement"\nnote = "of a test"\n'
        for a, b, rank in correlations
    )


@pytest.fixture
def correlated(view_text, write_view):
    return lambda *correlations: sie.read_view(write_view(view_text + pairs(*correlations)))


PAIR = ("capabilities", "post_training", 0.6)
ACROSS = ("r_typical", "parallel", -0.8)


def test_draws_have_the_rank_correlation_and_every_quantity_its_own_prior(correlated):
    view = correlated(PAIR, ACROSS)
    draws, plain = (prior(of, draws=40_000, seed=1) for of in (view, sie.read_view("davidson_2025")))
    for a, b, rank in (PAIR, ACROSS):
        assert spearmanr(draws[a].values.ravel(), draws[b].values.ravel())[0] == pytest.approx(rank, abs=0.01)
        for name in (a, b):
            own = view[name].prior
            assert np.quantile(draws[name], [0.05, 0.5, 0.95]) == pytest.approx(
                own.at([-1.645, 0, 1.645]), rel=0.05
            )
    others = set(view.entries) - {"capabilities", "post_training", "r_typical", "parallel"}
    for name in (*others, "capabilities", "r_typical"):  # and the first of each pair
        np.testing.assert_array_equal(draws[name], plain[name])


def test_a_correlation_of_the_distance_holds_among_the_draws_that_are_kept(view_text, write_view):
    unit = "OOMs of training efficiency"
    text = without(without(view_text, "steepening"), "ceiling")
    text += table("gained_before_asara", 'family = "lognormal"\nq05 = 1\nq95 = 4').replace(
        '"1"', f'"{unit}"', 1
    )
    text += table("ceiling", 'family = "lognormal"\nq05 = 2\nq95 = 20').replace('"1"', f'"{unit}"', 1)
    draws = [
        prior(sie.read_view(write_view(text + more)), draws=20_000, seed=1)
        for more in (pairs(("capabilities", "ceiling", 0.9)), "")
    ]
    assert draws[0].attrs["discarded_prior_mass"] > 0.02
    rank = spearmanr(draws[0].capabilities.values.ravel(), draws[0].ceiling.values.ravel())[0]
    assert 0.8 < rank < 0.9  # a little less, since low ceilings are gone
    assert abs(spearmanr(draws[1].capabilities.values.ravel(), draws[1].ceiling.values.ravel())[0]) < 0.03
    np.testing.assert_array_equal(draws[0].post_training, draws[1].post_training)


@pytest.mark.parametrize(
    ("correlations", "where", "found"),
    [
        (
            [("capabilities", "speed", 0.5)],
            "capabilities and speed",
            "found 'speed', want a quantity that the view states",
        ),
        (
            [("capabilities", "sigma", 0.5)],
            "capabilities and sigma",
            "found a fixed prior of sigma, want a prior of a single",
        ),
        (
            [("capabilities", "capabilities", 0.5)],
            "capabilities and capabilities",
            "found the same quantity twice",
        ),
        (
            [PAIR, ("post_training", "capabilities", 0.1)],
            "post_training and capabilities",
            "found a pair that stands above",
        ),
        (
            [("capabilities", "post_training", 0)],
            "1 rank",
            "found 0, want a number between -1 and 1 other than 0",
        ),
        ([("capabilities", "post_training", -1.0)], "1 rank", "found -1.0, want a number between"),
        (
            [
                PAIR,
                ("post_training", "hardware_scale", 0.7),
                ("spread", "speedup", 0.1),
                ("capabilities", "hardware_scale", -0.9),
            ],
            "capabilities and hardware_scale",
            "found -0.9, want a rank that leaves the matrix of correlations positive definite",
        ),
    ],
)
def test_correlations_that_no_view_has(correlated, refused, correlations, where, found):
    with refused(f"view.toml [[correlations]] {where}", found):
        correlated(*correlations)


def test_a_chain_that_its_last_pair_makes_positive_definite_is_one(correlated):
    view = correlated(
        ("capabilities", "post_training", 0.8),
        ("post_training", "hardware_scale", 0.8),
        ("capabilities", "hardware_scale", 0.8),
    )
    assert len(view.correlations) == 3


def test_a_correlated_quantity_keeps_a_single_family(correlated, refused):
    view = correlated(PAIR)
    with refused(
        "view [[correlations]] capabilities and post_training", "found a mixture prior of capabilities"
    ):
        view.replace(capabilities=sie.mixture([0.5, 0.5], [sie.lognormal(1, 2), sie.lognormal(3, 4)]))
    with refused(
        "view [[correlations]] capabilities and post_training", "found a fixed prior of post_training"
    ):
        view.replace(post_training=sie.fixed(2))


def test_correlations_of_ones_own_are_those_of_a_file_that_says_the_same(correlated, write_view):
    view, plain = correlated(PAIR, ACROSS), correlated()
    own = plain.replace(correlations={(a, b): rank for a, b, rank in (PAIR, ACROSS)})
    assert [(pair.between, pair.rank, pair.basis) for pair in own.correlations] == [
        (pair.between, pair.rank, pair.basis) for pair in view.correlations
    ]
    assert prior(own, draws=1000, seed=1).equals(prior(view, draws=1000, seed=1))
    assert sie.read_view(write_view(sie.to_toml(own))).correlations == own.correlations
    assert own.replace(sigma=sie.fixed(0.5)).correlations == own.correlations
    assert own.replace(correlations={}).correlations == ()


@pytest.mark.parametrize(
    ("ranks", "where", "found"),
    [
        ({PAIR[:2]: 0}, "capabilities and post_training", "found 0, want a rank above -1 and below 1"),
        ({PAIR[:2]: 1.0}, "capabilities and post_training", "found 1.0, want a rank above -1"),
        ({PAIR[:2]: "0.6"}, "capabilities and post_training", "want a rank above -1"),
        ({PAIR[:1]: 0.6}, "", "want a pair of quantities, as in ('r_typical', 'spread')"),
        ({("capabilities", "unheard"): 0.6}, "capabilities and unheard", "a quantity that the view states"),
    ],
)
def test_correlations_of_ones_own_that_no_view_has(correlated, refused, ranks, where, found):
    with refused(f"view [[correlations]] {where}".rstrip(), found):
        correlated().replace(correlations=ranks)


def test_correlations_go_through_toml_and_json(correlated, write_view):
    view = correlated(PAIR, ACROSS)
    again = sie.read_view(write_view(sie.to_toml(view)))
    assert again.correlations == view.correlations
    assert sie.to_toml(view) != sie.to_toml(dataclasses.replace(view, correlations=view.correlations[:1]))
    saved = view_of("report", "mine", "Mine", json.loads(json.dumps(inputs_of(view))))
    assert [(pair.between, pair.rank) for pair in saved.correlations] == [(PAIR[:2], 0.6), (ACROSS[:2], -0.8)]
    assert prior(saved, draws=1000, seed=1).equals(prior(view, draws=1000, seed=1))


def test_what_is_correlated_is_one_input_of_a_difference(correlated):
    view, plain = correlated(PAIR), sie.read_view("davidson_2025")
    assert groups(view, plain) == {"capabilities, post_training": ("capabilities", "post_training")}


def test_a_correlation_names_its_normal_scores():
    assert Correlation(between=("a", "b"), rank=0.5, basis="ours", locator="here").normal == pytest.approx(
        0.5176, abs=1e-4
    )


@pytest.mark.parametrize("name", HISTORY_SHARES)
def test_what_the_histories_need_belongs_to_the_derived_compute_factor(name, view_text, write_view, refused):
    with refused(f"view.toml [{name}]", "found nothing", "required"):
        sie.read_view(write_view(without(DERIVED, name)))
    with refused(f"view.toml {name}", "found a table that this kind of view may not have"):
        sie.read_view(write_view(view_text + table(name, 'family = "fixed"\nvalue = 0')))


POWER = 'family = "loguniform"\nlower = 0.3\nupper = 0.9'


def test_a_view_states_p_with_the_compute_factor_and_lambda_without(view_text, write_view, refused):
    assert "lambda" in sie.read_view(write_view(DERIVED))
    assert "parallel" in sie.read_view(write_view(view_text))
    for text, own, other in ((DERIVED, "lambda", "parallel"), (view_text, "parallel", "lambda")):
        with refused(f"view.toml {other}", "found a table that this kind of view may not have"):
            sie.read_view(write_view(text + table(other, POWER)))
        with refused(f"view.toml [{own}]", "found nothing", "required"):
            sie.read_view(write_view(without(text, own)))


@pytest.mark.parametrize(
    ("text", "right", "wrong"), [("stated", "labour", "all"), ("derived", "all", "labour")]
)
def test_r_is_against_what_the_form_of_the_view_says(text, right, wrong, view_text, write_view, refused):
    text = {"stated": view_text, "derived": DERIVED}[text]
    text = text.replace('against = "all"\n', "")
    says = lambda what: write_view(text.replace("[r_typical]\n", f'[r_typical]\nagainst = "{what}"\n'))  # noqa: E731
    assert sie.read_view(says(right))["r_typical"].against == right
    with refused("view.toml [r_typical] against", f"found '{wrong}', want {right} (the view"):
        sie.read_view(says(wrong))
    with refused("view.toml [r_typical] against", "found 'compute', want one of labour, all"):
        sie.read_view(says("compute"))


def test_keys_of_one_table_stand_in_no_other(view_with, refused):
    assert sie.read_view(view_with("speedup", reached="true"))["speedup"].reached
    for table_name, key, value in (("sigma", "reached", "true"), ("speedup", "against", '"labour"')):
        with refused(f"view.toml [{table_name}] {key}", "found an unknown key"):
            sie.read_view(view_with(table_name, **{key: value}))
    with refused("view.toml [speedup] reached", "found 1, want true or false"):
        sie.read_view(view_with("speedup", reached="1"))


def test_what_a_table_adds_goes_through_toml_json_and_edits(view_with, write_view):
    view = sie.read_view(view_with("speedup", reached="true"))
    assert sie.read_view(write_view(sie.to_toml(view)))["speedup"] == view["speedup"]
    assert view_of("report", "mine", "Mine", json.loads(json.dumps(inputs_of(view))))["speedup"].reached
    assert view.replace(speedup=sie.lognormal(3, 9))["speedup"].reached


BORROWED = """
[shape]
family  = "fixed"
value   = {value}
unit    = "1"
basis   = "reference"
locator = "reference.toml"
"""


def test_what_an_author_is_silent_about_is_the_references_to_the_digit(view_text, write_view, command):
    own = sie.read_view("reference")["shape"].prior.numbers[0]
    text = without(view_text, "shape")
    path = write_view(text + BORROWED.format(value=own))
    assert sie.read_view(path)["shape"].basis == "reference"
    assert command("check", path)[0] == 0
    code, out, err = command("check", write_view(text + BORROWED.format(value=own + 1e-9)))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "view.toml line " in err
    assert err.endswith("[shape]: found fixed 1.000000001 (1), want fixed 1.0 (1), as in reference.toml\n")


def test_only_a_quantity_of_another_view_is_borrowed(view_text, write_view, tmp_path, refused):
    text = without(view_text, "shape") + BORROWED.format(value=1)
    own = without(view_text, "shape").replace('basis   = "reference"', 'basis   = "ours"\nnote    = "a test"')
    (tmp_path / "reference.toml").write_text(own + BORROWED.format(value=1))
    with refused("reference.toml [shape] basis", "found 'reference', want one of stated"):
        sie.read_view(tmp_path / "reference.toml")
    with refused("view.toml [shape] quote", "found a quote, want no quote (basis is reference"):
        sie.read_view(write_view(text + 'quote = "1"\n'))
    concluding = re.sub(
        r"(\[concludes\.\w+\]\n(?:.+\n)*?)basis .*", r'\1basis = "reference"', view_text, count=1
    )
    with refused("view.toml [concludes.", "found 'reference', want one of stated"):
        sie.read_view(write_view(concluding))


def test_a_quantity_that_the_reference_does_not_state_is_not_borrowed(view_text, write_view, command):
    text = without(view_text, "parallel") + BORROWED.replace("[shape]", "[parallel]").format(value=0.3)
    code, _, err = command("check", write_view(text))
    assert code == 2
    assert "[parallel]: found basis reference, want a quantity that reference states" in err
