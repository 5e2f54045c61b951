"""Alternatives: the list and its refusals, the specification curve against refits, the stored curve and the headline."""

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest

import sie
from sie.analysis.alternatives import stored, summary
from sie.analysis.alternatives.bench import Bench, Found
from sie.analysis.alternatives.curve import SpecificationCurve
from sie.analysis.alternatives.specification import Specifications
from sie.base.reading import data_folder
from sie.data.priors import ALTERNATIVES
from sie.page.headline import headline_in_words
from sie.plots.alternatives import plot_specification_curve

FILE = data_folder("priors") / ALTERNATIVES
ROOT = Path(__file__).parents[1]
DRAWS = 4000

SMALL = (
    "frontier_all",
    "shape_late",
    "no_davidson_compute",
    "conversion_falls",
    "lambda_learnt",
    "gain_none",
)
"""One of each kind: fitted twice, by paths, by weights, after the fit, and a model that only weights reach."""


@pytest.fixture(scope="module")
def listed():
    return sie.read_alternatives()


@pytest.fixture(scope="module")
def reference():
    return sie.read_view("reference")


@pytest.fixture(scope="module")
def evidence():
    return sie.read_evidence()


@pytest.fixture(scope="module")
def full(reference, evidence, listed):
    sie.fit(sie.build(sie.usable(evidence, reference), reference), seed=1, draws=1000, groups=())
    began = time.perf_counter()
    curve = sie.specification_curve(reference, evidence, listed, seed=1, draws=DRAWS)
    return curve, time.perf_counter() - began


def some(listed, names):
    """The alternatives of these names alone."""
    choices = {name: listed.choices[name] for name in names}
    return sie.Alternatives(groups=listed.groups, choices=choices, quotes=(), path=listed.path)


def test_there_are_at_least_thirty_in_ten_groups_each_with_its_reason(listed):
    assert len(listed.choices) >= 30
    assert len(listed.groups) >= 10
    assert all(len(choice.note) > 30 for choice in listed.choices.values())
    pairs = sum(
        one.group != other.group for one in listed.choices.values() for other in listed.choices.values()
    )
    assert pairs / 2 >= 400


@pytest.mark.slow
def test_each_changes_something_of_the_reference(listed, reference, evidence):
    specs = Specifications(reference, evidence)
    for choice in listed.choices.values():
        specs.check(choice)


def test_what_moved_earlier_reference_views_most_is_listed(listed):
    assert listed.choices["no_davidson_compute"].without == ("davidson_2025_compute",)
    assert "labour" in listed.choices["labour_staff"].rows["language_models_growth"]
    assert "compute" in listed.choices["compute_research"].rows["language_models_growth"]
    assert "compute_bottleneck" in listed.choices["stated_form"].priors


def test_the_file_of_alternatives_is_no_view():
    assert FILE.stem not in sie.view_names()


BAD = [
    ('priors  = { sigma = { family = "fixed", value = 1 } }\n', "", "[alternatives.sigma_one]: found an alternative that changes nothing"),
    ('label   = "sigma from manufacturing alone"', 'label   = "Cobb-Douglas, sigma 1"', "[alternatives.sigma_factories] label: found 'Cobb-Douglas, sigma 1', want a label of its own"),
    ("[alternatives.sigma_factories]", "[alternatives.sigma_one]", "alternatives.toml"),
    ('group   = "sigma"\nlabel   = "Cobb', 'group   = "nothing"\nlabel   = "Cobb', "[alternatives.sigma_one] group: found 'nothing', want one of [groups]"),
    ("value = 1 } }\nbasis   = \"ours\"\nsource  = \"davidson_houlden_2025\"", "value = -1 } }\nbasis   = \"ours\"\nsource  = \"davidson_houlden_2025\"", "[alternatives.sigma_one] priors sigma"),
    ('without = ["toy_ml_2025"]', 'without = ["toy_ml_2024"]', "[alternatives.capabilities_no_toy] without: found 'toy_ml_2024'"),
    ('{ sigma = { family = "fixed", value = 1 } }', '{ sigma = { family = "lognormal", q05 = 0.3, q95 = 4 } }', "[alternatives.sigma_one]: found what reference says already"),
    ('{ sigma = { family = "fixed", value = 1 } }', '{ shape = { family = "fixed", value = 1.5 } }', "found prior shape, set in group"),
    ("weight  = 0.3\n", "weight  = -1\n", "weight: found -1"),
    ("at_asara = {", "at_start = {", "at_start: found an unknown key"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), BAD, ids=[message[:40] for *_, message in BAD])
def test_a_bad_list_is_refused_in_one_line(old, new, message, tmp_path, command):
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / ALTERNATIVES
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    code, _, err = command("check", path)
    assert code == 2
    assert message in err.splitlines()[0]
    assert all(line.startswith(ALTERNATIVES) for line in err.splitlines())  # one a problem


def test_an_alternative_of_another_form_has_no_meaning_for_a_view_that_states_the_factor(listed, evidence):
    specs = Specifications(sie.read_view("davidson_2025"), evidence)
    with pytest.raises(sie.DataError, match="a prior of frontier_share, which davidson_2025 does not state"):
        specs.check(listed.choices["frontier_none"])
    with pytest.raises(sie.DataError, match=r"\w+ dropped, which davidson_2025 does not state"):
        specs.check(listed.choices["stated_form"])


def test_an_alternative_that_a_view_already_has_changes_nothing(listed, evidence):
    specs = Specifications(sie.read_view("davidson_2025"), evidence)
    for name in ("sigma_one", "gain_none", "effort_current"):
        with pytest.raises(sie.DataError, match="found what davidson_2025 says already"):
            specs.check(listed.choices[name])


@pytest.mark.slow
def test_a_small_curve_says_how_each_was_answered(reference, evidence, listed):
    curve = sie.specification_curve(reference, evidence, some(listed, SMALL), seed=2, draws=DRAWS)
    how = {found.names: found.how for found in curve.found}
    assert how[()] == how["frontier_all",] == how["gain_none",] == how["frontier_all", "gain_none"] == "fit"
    assert how["shape_late",] == how["conversion_falls",] == how["shape_late", "conversion_falls"] == "paths"
    assert how["no_davidson_compute",] == how["lambda_learnt",] == "weights"
    base = {found.names: found.base for found in curve.found}
    assert base["frontier_all", "no_davidson_compute"] == ("frontier_all",)
    assert len(curve.found) == 1 + 6 + 15
    assert curve.missing == ()
    late = next(found for found in curve.found if found.names == ("shape_late",))
    paths = sie.simulate(_posterior(reference, evidence, listed.choices["shape_late"]))
    wanted = sie.credences(paths, events=["r_above_1", "years_3_in_1y"])
    assert np.all(np.abs(late.p - wanted.p.values) < 4 * np.hypot(late.mcse, wanted.mcse.values))


def _posterior(view, evidence, choice):
    spec = Specifications(view, evidence).of(choice)
    return sie.fit(sie.build(spec.rows, spec.view), seed=5, draws=DRAWS, groups=())["posterior"].to_dataset()


@pytest.mark.slow
def test_a_fall_of_the_conversion_lowers_r_and_leaves_what_is_past(reference, evidence, listed):
    curve = sie.specification_curve(
        reference, evidence, some(listed, ["conversion_falls"]), seed=1, draws=DRAWS, pairs=False
    )
    own, falls = curve.found
    assert (
        0.7 < falls.median / own.median < 0.82
    )  # cheaper experiments count for more where labour does for less
    assert np.all(falls.p < own.p)


@pytest.mark.long
@pytest.mark.slow
def test_every_pair_is_answered_and_the_time_is_told(full, capsys):
    curve, seconds = full
    counts = summary.counts(curve)
    pairs = curve.of_size(2)
    with capsys.disabled():
        print(f"\n{len(curve.of_size(1))} singles and {len(pairs)} pairs in {seconds:.0f} s: {dict(counts)}")
    assert len(pairs) >= 400
    assert all(found.khat <= 0.7 for found in curve.found if found.how == "weights")
    assert {name for names, _ in curve.missing for name in names} >= {"stated_form"}
    assert all("does not state" in why for _, why in curve.missing)


@pytest.mark.long
@pytest.mark.slow
def test_the_twenty_with_the_largest_khat_agree_with_refits(full, reference, evidence, capsys):
    curve, _ = full
    largest = sorted((f for f in curve.found if f.how == "weights"), key=lambda found: -found.khat)[:20]
    specs = Specifications(reference, evidence)
    bench = Bench(reference, seed=99, draws=DRAWS, on_progress=lambda text: None)
    away = []
    for found in largest:
        if any(curve.alternatives.choices[name].learns_lambda for name in found.names):
            continue
        spec = specs.of(*(curve.alternatives.choices[name] for name in found.names))
        bench.fit(spec)
        fitted = bench.by_weights(spec, spec.names)
        away.append(np.abs(found.p - fitted.p) / np.hypot(found.mcse, fitted.mcse))
    with capsys.disabled():
        print(
            f"\n{len(away)} refitted, k-hat {largest[-1].khat:.2f} to {largest[0].khat:.2f}: most {np.max(away):.2f} errors apart"
        )
    assert np.max(away) <= 4


@pytest.mark.long
@pytest.mark.slow
def test_the_document_holds_the_curve_and_its_range(full):
    curve, _ = full
    document = summary.document(curve, inputs_sha256="0", headline=[(0.3, 0.003), (0.4, 0.003)])
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    table = document["specifications"]
    assert len(table["first"]) == len(curve.found)
    singles = [
        p
        for p, one, two in zip(table["p r_above_1"], table["first"], table["second"], strict=True)
        if not two
    ]
    assert document["headline"]["r_above_1"]["least"]["p"] == min(singles)
    assert document["headline"]["r_above_1"]["most"]["p"] == max(singles)
    low, high = document["headline"]["r_above_1"]["pairs"]
    assert min(table["p r_above_1"]) < low < high < max(table["p r_above_1"])


def test_the_stored_curve_is_of_the_present_inputs():
    document = stored.read_stored()
    assert document["view"] == "reference"
    assert document["seed"] == 1


def test_a_stored_curve_of_other_inputs_is_refused_in_one_line(tmp_path):
    path = tmp_path / "reference.json"
    text = stored.stored_path("reference").read_text(encoding="utf-8")
    path.write_text(re.sub(r'"inputs_sha256": "\w+"', '"inputs_sha256": "0"', text), encoding="utf-8")
    with pytest.raises(
        sie.DataError, match="the curve of other inputs, want one of the present inputs"
    ) as error:
        stored.read_stored(path=path)
    assert "\n" not in str(error.value)
    with pytest.raises(sie.DataError, match="no such file, want the curve of reference"):
        stored.read_stored(path=tmp_path / "none.json")


def test_the_headline_is_one_sentence_with_errors_and_ranges():
    said = headline_in_words(stored.read_stored())
    assert said == sie.headline()
    assert said.count("Monte Carlo error") == 2
    assert said.count("error of the ends") == 2
    assert "The first hangs most on" in said
    assert "\n" not in said


def test_the_readme_has_the_headline():
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert sie.headline() in text


def test_a_report_begins_with_the_headline(command):
    code, out, _ = command("report", "davidson_houlden_2025", "--draws", 1000)
    assert code == 0
    assert out.startswith(sie.headline())


def test_a_report_of_priors_does_not_begin_with_an_answer_given_evidence(command):
    code, out, _ = command("report", "davidson_houlden_2025", "--draws", 1000, "--priors-only")
    assert code == 0
    assert "Reference view" not in out


@pytest.mark.slow
def test_the_command_tells_and_writes_the_curve(command, listed, tmp_path):
    text = FILE.read_text(encoding="utf-8")
    head, *tables = re.split(r"(?m)^(?=\[alternatives\.)", text)
    kept = [table for table in tables if re.match(r"\[alternatives\.(\w+)\]", table)[1] in SMALL]
    groups = {listed.choices[name].group for name in SMALL}
    head = "\n".join(line for line in head.splitlines() if " = " not in line or line.split()[0] in groups)
    (tmp_path / ALTERNATIVES).write_text("\n".join([head, *kept]), encoding="utf-8")
    code, out, err = command(
        "alternatives", "--choices", tmp_path / ALTERNATIVES, "--draws", 4000, "--out", tmp_path / "out", "--json", tmp_path / "x.json"
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert "*** the view as it is ***" in out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "reference_alternatives.csv",
        "reference_alternatives_r_above_1.png",
        "reference_alternatives_years_3_in_1y.png",
    }
    document = json.loads((tmp_path / "x.json").read_text(), parse_constant=pytest.fail)
    lines = (tmp_path / "out" / "reference_alternatives.csv").read_text().splitlines()
    assert len(lines) == 1 + len(document["specifications"]["first"]) == 1 + 22


@pytest.mark.parametrize(
    ("sizes", "named"),
    [((1,), ("single",)), ((2,), ("pairs", "10–90 %")), ((1, 2), ("pairs", "single", "10–90 %"))],
)
def test_the_legend_names_what_is_drawn_alone(reference, listed, sizes, named):
    """Without singles, or without pairs, of a curve it names none."""
    names = [(), ("sigma_one",), ("sigma_one", "gain_none")]
    found = tuple(
        Found(
            names=each,
            p=np.array([p, p]),
            mcse=np.full(2, 0.01),
            median=1.0,
            how="fit",
            base=(),
            khat=np.nan,
            effective_draws=4000,
            weight=1.0,
        )
        for each, p in zip(names, (0.3, 0.4, 0.5), strict=True)
        if not each or len(each) in sizes
    )
    curve = SpecificationCurve(
        view=reference, alternatives=listed, found=found, missing=(), seed=1, draws=DRAWS
    )
    legend = plot_specification_curve(curve).get_legend()
    shown = {text.get_text() for text in legend.get_texts()} - {"95 % Monte Carlo interval"}
    shown = {text for text in shown if not text.startswith("the view as it is")}
    assert {text for text in shown if text.startswith(named)} == shown
    assert len(shown) == len(named)


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (("davidson_houlden_2025",), "r_asara stated directly"),
        (("nope",), "nope"),
        (("--choices", "nope.toml"), "nope.toml"),
        (("--save", "--singles"), "--save with"),
        (("--draws", "1001"), "1001"),
    ],
)
def test_bad_input_is_one_line(command, args, found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = command("alternatives", *args)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert found in err
