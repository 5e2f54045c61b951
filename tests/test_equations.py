"""The equation page: nothing on it is a second copy, and nothing of the model is missing from it."""

import importlib
import inspect
import re

import pytest

import sie
from sie.data.priors import view_names
from sie.data.quantities import HISTORY_SHARES, QUANTITIES
from sie.data.wording import prior_in_words
from sie.growth.events import EVENTS
from sie.growth.mechanisms import LAW, MEANINGS
from sie.page.equations import COMPUTED, MODULES, as_text, blocks, parts, symbols_of, variables


@pytest.fixture(scope="module")
def lines():
    return [line for block in blocks() for line in block.lines]


def docstring(where):
    module = next(name for name in MODULES if where.startswith(name))
    function = where.removeprefix(module).removeprefix(".")
    found = importlib.import_module(f"sie.{module}")
    target = getattr(found, function) if function else found
    text = inspect.cleandoc(getattr(target, "py_func", target).__doc__)
    return re.split(r"^(?:Parameters|Returns|Raises)\n-+$", text, flags=re.MULTILINE)[0]


def test_equations_are_literally_the_indented_lines_of_docstrings():
    for block in blocks():
        text = docstring(block.where)
        indented = [line[4:].rstrip() for line in text.splitlines() if line.startswith("    ")]
        assert list(block.lines) == indented
        assert block.text == " ".join(text.split("\n\n")[0].split())


def test_every_module_of_the_model_has_equations(lines):
    assert {block.where for block in blocks() if block.lines} >= set(MODULES)
    text = as_text()
    assert all(line in text for line in lines)


def test_every_symbol_of_an_equation_is_in_the_index_and_every_entry_of_the_index_in_an_equation(lines):
    used = set().union(*(symbols_of(line) for line in lines))
    stated = {name for name, quantity in QUANTITIES.items() for name in (name, quantity.symbol or name)}
    assert used <= stated | set(COMPUTED)
    assert set(COMPUTED) <= used
    without = [variable.name for variable in variables() if not variable.enters]
    assert set(without) <= {*HISTORY_SHARES}  # what is stated of the histories, which no equation reads yet


def test_the_index_has_every_quantity_law_column_and_event_with_meaning_and_unit():
    text, index = as_text(), variables()
    stated = {variable.name: variable for variable in index[: len(QUANTITIES)]}
    for name, quantity in QUANTITIES.items():
        assert stated[name].meaning == quantity.meaning
        assert stated[name].unit == " or ".join(quantity.units)
    assert tuple(MEANINGS) == LAW.names
    for name in (*QUANTITIES, *LAW.names, *COMPUTED, *EVENTS):
        assert f"  {name}" in text
    for event in EVENTS.values():
        assert " ".join(event.wording.split()) in " ".join(text.split())
    assert all(variable.meaning and variable.unit for variable in index)


@pytest.mark.parametrize("name", view_names())
def test_a_view_adds_every_prior_with_its_quote(name):
    view = sie.read_view(name)
    text = " ".join(as_text(view).split())
    for entry in view.entries.values():
        assert f"prior: {prior_in_words(entry.prior)} ({entry.basis})" in text
        assert entry.quote is None or " ".join(entry.quote.split()) in text


def test_a_remark_beside_an_equation_has_no_symbols():
    line = "log r_hat_i  = log r_d(i) + eps_i        a published estimate of r,   p = q"
    assert parts(line) == [
        ("log r_hat_i = log r_d(i) + eps_i", False),
        ("a published estimate of r,", True),
        ("p = q", False),
    ]
    assert symbols_of(line) == {"r_hat_i", "r_d", "eps_i", "p", "q"}


def test_priors_are_told_as_people_state_them():
    assert prior_in_words(sie.lognormal(1.7, 2.5)) == "lognormal 1.7 to 2.5 (5–95 %)"
    assert prior_in_words(sie.uniform(6, 16)) == "uniform 6 to 16"
    assert prior_in_words(sie.halfnormal(1)) == "halfnormal 1 (0–95 %)"
    assert prior_in_words(sie.fixed(4)) == "fixed 4"
    half = sie.mixture([0.5, 0.5], [sie.fixed(1), sie.uniform(2, 3)])
    assert prior_in_words(half) == "mixture: 50 % fixed 1; 50 % uniform 2 to 3"


def test_the_command_prints_the_page_and_refuses_an_unknown_view(command):
    assert command("equations", "reference") == (0, as_text(sie.read_view("reference")), "")
    code, out, err = command("equations", "no_such_view")
    assert (code, out, err.count("\n")) == (2, "", 1)
