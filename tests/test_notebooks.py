"""The notebooks run from top to bottom, and what they conclude agrees with the library that they show."""

import ast
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import sie

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.py"))
UPDATE_PRIORS = next(path for path in NOTEBOOKS if path.name == "1_update_priors.py")
MOST_CELLS = 12


def load(path):
    """The marimo app of a notebook, not yet run."""
    spec = importlib.util.spec_from_file_location(f"notebook_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.app


def functions(path):
    """Every function and class of a notebook's file, and those that are its cells."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    defined = [
        node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    return defined, [
        node
        for node in defined
        if any(ast.unparse(item).startswith("app.cell") for item in node.decorator_list)
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_a_short_marimo_app(path):
    import marimo

    assert isinstance(load(path), marimo.App)
    assert 1 <= len(functions(path)[1]) <= MOST_CELLS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_defines_nothing_longer_than_a_lambda(path):
    defined, cells = functions(path)
    assert defined == cells


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_names_no_path_of_a_machine(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"[\"'](/[a-z]+/|[A-Z]:\\)", text)


@pytest.fixture(scope="module")
def defs():
    return load(UPDATE_PRIORS).run()[1]


@pytest.fixture(scope="module")
def smarter():
    """The notebook with `capabilities` scaled up by nearly a half, at the width that the author states."""
    view2 = sie.read_view("davidson_2025").replace(capabilities=sie.lognormal(2.5, 3.7))
    return load(UPDATE_PRIORS).run(defs={"view2": view2})[1]


@pytest.mark.slow
def test_update_priors_lists_every_prior_and_every_row(defs):
    assert defs["priors"]["quantity"].tolist() == list(defs["view"].entries)
    assert sorted(defs["estimates"]["estimate"]) == sorted(defs["evidence"].estimate.values)
    assert defs["estimates"]["used"].sum() == defs["rows"].sizes["estimate"]
    assert (defs["estimates"]["why left out"] != "").equals(~defs["estimates"]["used"])


@pytest.mark.slow
def test_update_priors_fits_converge(defs):
    for tree in (defs["tree"], defs["tree2"]):
        assert tree.attrs["max_rhat"] <= 1.01
        assert tree.attrs["min_ess"] >= 400
        assert tree.attrs["divergences"] == 0


@pytest.mark.slow
def test_update_priors_credences_are_probabilities_with_errors(defs):
    table = defs["credences"]
    assert table.index.tolist() == list(sie.EVENTS)
    for p, mcse in (
        ("author's priors", "mcse of priors"),
        ("with evidence", "mcse with evidence"),
        ("changed prior", "mcse changed"),
    ):
        assert table[p].between(0, 1).all()
        assert table[mcse].between(0, 0.02, inclusive="neither").all()
    assert np.allclose(table["combined mcse"], np.hypot(table["mcse with evidence"], table["mcse changed"]))


@pytest.mark.slow
def test_update_priors_reweighting_agrees_with_the_refit(defs):
    """Importance weights and NUTS are two derivations of one posterior."""
    reweighted, table = defs["reweighted"], defs["credences"]
    assert reweighted.attrs["khat"] <= 0.7
    p = sie.credences(sie.simulate(reweighted.posterior)).p.values
    # k-hat near 0.5 makes the stated effective draws optimistic, hence five errors rather than three.
    error = np.hypot(np.sqrt(p * (1 - p) / reweighted.attrs["effective_draws"]), table["mcse changed"])
    assert (np.abs(p - table["changed prior"]) < 5 * error).all()


@pytest.mark.slow
def test_update_priors_conclusion_names_the_credences_that_moved(defs):
    table = defs["credences"]
    moved = table.index[(table["changed prior"] - table["with evidence"]).abs() > 2 * table["combined mcse"]]
    assert defs["conclusion"].startswith(
        f"With the changed prior on capabilities, {len(moved)} of {len(sie.EVENTS)} credences moved"
    )
    assert all(f"{event} from " in defs["conclusion"] for event in moved)


@pytest.mark.slow
def test_update_priors_higher_capabilities_raise_r_and_its_credence(smarter):
    assert smarter["changed"] == ["capabilities"]
    medians, table = smarter["medians"], smarter["credences"]
    assert medians.loc["capabilities", "its posterior"] > medians.loc["capabilities", "posterior"]
    assert medians.loc["r_asara", "its posterior"] > medians.loc["r_asara", "posterior"]
    assert table.loc["r_above_1", "difference"] > 2 * table.loc["r_above_1", "combined mcse"]
    assert "r_above_1" in smarter["moved"].index


@pytest.mark.slow
def test_update_priors_says_so_where_reweighting_will_not_do(smarter):
    assert smarter["reweighted"] is None
    assert "want at most 0.7" in smarter["answer"]
