"""Public docstrings are numpydoc: every function, class and method of `sie.__all__`, by numpydoc's own validation."""

import ast
import dataclasses
import doctest
import inspect
import re
import textwrap

import pytest
from numpydoc.docscrape import ClassDoc
from numpydoc.validate import validate

import sie

CODES = (
    *(
        "GL01",
        "GL02",
        "GL03",
        "GL05",
        "GL06",
        "GL07",
        "GL08",
    ),  # layout; sections known, in order; a docstring at all
    *("SS01", "SS03", "SS04", "SS06"),  # a summary: ends in a period, on one line
    *("PR01", "PR02", "PR03", "PR04", "PR05", "PR06", "PR07", "PR08", "PR09", "PR10"),  # as in the signature
    *("RT01", "RT02", "RT03", "RT04", "RT05", "YD01"),  # what is returned or yielded, each with a meaning
)
"""Codes of `numpydoc.validate` that fail."""

OF_SIGNATURES = ("PR01", "PR02", "PR03")

OBJECTS = {name: thing for name in sie.__all__ if callable(thing := getattr(sie, name))}


def members(name, thing):
    """A public object and the public methods and properties that its class itself has."""
    yield name, thing
    if inspect.isclass(thing):
        for member, value in vars(thing).items():
            is_property = inspect.isdatadescriptor(value) or hasattr(value, "attrname")
            if not member.startswith("_") and (inspect.isfunction(value) or is_property):
                yield f"{name}.{member}", value


def raised(thing):
    """The exceptions that the body of a function, or of a class's own `__post_init__`, raises by name."""
    source = thing.__dict__.get("__post_init__") if inspect.isclass(thing) else inspect.unwrap(thing)
    if not inspect.isfunction(source):
        return set()
    nodes = ast.walk(ast.parse(textwrap.dedent(inspect.getsource(source))))
    calls = [node.exc for node in nodes if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)]
    return {call.func.id for call in calls if isinstance(call.func, ast.Name)}


def documented(thing, section):
    doc = ClassDoc(None, doc=inspect.getdoc(thing), config={"show_class_members": False})
    return [name for entry in doc[section] for name in (entry.name or entry.type).split(", ")]


def faults(name, thing):
    found = [f"{code} {text}" for code, text in validate(f"sie.{name}")["errors"] if code in CODES]
    fields = [field.name for field in dataclasses.fields(thing)] if dataclasses.is_dataclass(thing) else []
    if fields:  # its Attributes are its parameters
        found = [fault for fault in found if not fault.startswith(OF_SIGNATURES)]
        fields = [field for field in fields if not field.startswith("_")]
        if (attributes := documented(thing, "Attributes")) != fields:
            found.append(f"Attributes: found {attributes}, want {fields}")
    if missing := raised(thing) - set(documented(thing, "Raises")):
        found.append(f"Raises: nothing of {sorted(missing)}")
    return found


@pytest.mark.parametrize("name", OBJECTS)
def test_a_public_docstring_is_numpydoc(name):
    found = {
        member: wrong for member, thing in members(name, OBJECTS[name]) if (wrong := faults(member, thing))
    }
    assert found == {}


QUICK = (
    *("compute_factor", "labour_exponent", "toy_model", "gain_within", "read_view", "View.replace", "usable"),
    *(
        "beta",
        "fixed",
        "halfnormal",
        "loguniform",
        "lognormal",
        "mixture",
        "normal",
        "quantiles",
        "uniform",
        "DataError",
    ),
)
"""What has an example that needs nothing but `sie` and no fit."""

EXAMPLES = {
    member: doctest.DocTestParser().get_examples(thing.__doc__ or "")
    for name, public in OBJECTS.items()
    for member, thing in members(name, public)
}


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_example_gives_what_it_says(name):
    assert EXAMPLES[name]
    test, said = doctest.DocTest(EXAMPLES[name], {"sie": sie}, name, None, 0, None), []
    failed, _ = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL).run(test, out=said.append)
    assert not failed, "".join(said)


def test_every_example_uses_public_names():
    used = {
        name
        for examples in EXAMPLES.values()
        for example in examples
        for name in re.findall(r"\bsie\.(\w+)\(", example.source)
    }
    assert len(used) > 20
    assert used <= set(OBJECTS)
