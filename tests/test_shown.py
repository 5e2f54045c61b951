"""What a session of Python prints of the values that it meets fits a screen, and says the numbers that they hold."""

import numpy as np
import pytest

import sie
from sie.analysis.alternatives.bench import Found
from sie.data.wording import credence_in_words

MOST_LINES, MOST_LETTERS = 40, 110


def lines_of(value):
    lines = repr(value).splitlines()
    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= MOST_LETTERS
    return lines


@pytest.mark.slow
def test_an_answer_is_shown_as_its_credences(evidence):
    bench = sie.Workbench(evidence, seed=1, draws=1000)
    view = sie.read_view("davidson_2025")
    answer = bench.answer(view)
    first, head, r, *rest = lines_of(answer)
    assert first == "davidson_2025: refitted (seed 1, 1000 draws)"
    assert head.split("given ")[1:] == [f"{'priors':<21}", "priors and evidence"]
    assert f"{answer.r['evidence'][2]:.2f}" in r
    assert [line.split()[0] for line in rest] == list(sie.EVENTS)
    for line, event in zip(rest, sie.EVENTS, strict=True):
        assert line.endswith(credence_in_words(answer.credences["evidence"], event))
    near = bench.instant(view.replace(capabilities=sie.lognormal(1.7, 2.6)))
    assert lines_of(near)[0].startswith(
        f"davidson_2025, edited: reweighted, Pareto k-hat {near.khat:.2f} (seed"
    )


@pytest.mark.parametrize(
    "edit",
    [
        {"capabilities": sie.lognormal(1.7, 2.6)},
        {"correlations": {("capabilities", "post_training"): 0.5}},
        {"boost": {"start": 1.0, "end": 2.0, "years": 2.0}},
    ],
)
def test_a_view_that_was_edited_is_not_shown_as_its_authors(edit, tmp_path):
    view = sie.read_view("davidson_2025")
    assert lines_of(view)[0] == f"davidson_2025: {view.label}"
    edited = view.replace(**edit)
    assert repr(edited).splitlines()[0] == f"davidson_2025: {view.label}, edited"
    assert edited.replace(**edit).label == edited.label
    assert f"{view.label}, edited" in edited._repr_html_()
    (tmp_path / "own.toml").write_text(sie.to_toml(edited), encoding="utf-8")
    assert sie.read_view(tmp_path / "own.toml").label == edited.label
    assert view.replace().label == view.label


def test_alternatives_are_shown_by_group():
    listed = sie.read_alternatives()
    first, *rest = lines_of(listed)
    assert first == f"alternatives.toml: {len(listed.choices)} alternatives in {len(listed.groups)} groups"
    assert [line.split(":")[0] for line in rest] == list(listed.groups.values())
    assert "definition errors: errors_twice" in rest


def test_a_specification_curve_is_shown_as_its_ranges():
    listed = sie.read_alternatives()
    p = {(): 0.3, ("errors_twice",): 0.4, ("gain_none",): 0.2, ("errors_twice", "gain_none"): 0.5}
    found = tuple(
        Found(
            names=names,
            p=np.array([one, one / 2]),
            mcse=np.full(2, 0.01),
            median=1.0,
            how="fit",
            base=(),
            khat=np.nan,
            effective_draws=4000,
            weight=1.0,
        )
        for names, one in p.items()
    )
    view = sie.read_view("reference")
    curve = sie.SpecificationCurve(
        view=view, alternatives=listed, found=found, missing=((("a",), "why"),), seed=1, draws=4000
    )
    assert lines_of(curve) == [
        "reference under 2 alternatives and 1 pairs of them (seed 1, 4000 draws each)",
        "r_above_1: 30.0 %; 20.0 to 40.0 %, one at a time; 50.0 to 50.0 %, pairs",
        "years_3_in_1y: 15.0 %; 10.0 to 20.0 %, one at a time; 25.0 to 25.0 %, pairs",
        "not answered: 1 (.missing says why)",
    ]
