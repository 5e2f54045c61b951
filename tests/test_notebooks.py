"""The notebooks run from top to bottom, and what they conclude agrees with the library that they show."""

import ast
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from conftest import PATIENCE
from matplotlib.figure import Figure

import sie
from sie.analysis import checking
from sie.base.errors import DataError
from sie.commands.notebooks import as_jupyter, notebooks, opened_with, title

ROOT = Path(__file__).parents[1]
NOTEBOOKS = {path.stem: path for path in sorted((ROOT / "notebooks").glob("*.py"))}
MOST_CELLS = 24
every_notebook = pytest.mark.parametrize("name", NOTEBOOKS)


def load(name):
    """The marimo app of a notebook, not yet run."""
    spec = importlib.util.spec_from_file_location(f"notebook_{name}", NOTEBOOKS[name])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.app


@cache
def run(name):
    """What each cell of a notebook shows, and what it defines; run once a process."""
    return load(name).run()


def functions(name):
    """Every function and class of a notebook's file, and those that are its cells."""
    nodes = list(ast.walk(ast.parse(NOTEBOOKS[name].read_text(encoding="utf-8"))))
    defined = [
        node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    return defined, [
        node
        for node in defined
        if any(ast.unparse(item).startswith("app.cell") for item in node.decorator_list)
    ]


def command(*args):
    """`sie notebooks` in a process of its own."""
    line = [sys.executable, "-m", "sie.cli", "notebooks", *map(str, args)]
    return subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE)


@every_notebook
def test_notebook_is_a_short_marimo_app(name):
    import marimo

    assert isinstance(load(name), marimo.App)
    assert 1 <= len(functions(name)[1]) <= MOST_CELLS


@every_notebook
def test_notebook_defines_nothing_longer_than_a_lambda(name):
    defined, cells = functions(name)
    assert defined == cells


@every_notebook
def test_notebook_names_no_path_of_a_machine(name):
    text = NOTEBOOKS[name].read_text(encoding="utf-8")
    assert not re.search(r"[\"'](/[a-z]+/|[A-Z]:\\)", text)


@every_notebook
def test_notebook_asks_a_question_and_every_cell_uses_what_stands_above_it(name):
    """So that it also runs from top to bottom where cells run in the order of the page."""
    first, *cells = functions(name)[1]
    assert "mo.md" in ast.unparse(first)
    assert title(NOTEBOOKS[name]).endswith("?")
    known = set()
    for cell in cells:
        assert {argument.arg for argument in cell.args.args} <= known
        returned = cell.body[-1] if isinstance(cell.body[-1], ast.Return) else ast.Return(value=None)
        known |= {node.id for node in ast.walk(returned) if isinstance(node, ast.Name)}


@pytest.mark.long
@pytest.mark.slow
@every_notebook
def test_notebook_runs_and_shows_prose_tables_and_figures(name):
    """Plain ones, so that marimo and Jupyter show the same; the last thing shown answers the title."""
    shown = [output for output in run(name)[0] if output is not None]
    kinds = [
        next((kind for kind in (pd.DataFrame, Figure) if isinstance(output, kind)), None) for output in shown
    ]
    assert all(kind or hasattr(output, "_repr_markdown_") for kind, output in zip(kinds, shown, strict=True))
    assert {pd.DataFrame, Figure} <= set(kinds)
    assert kinds[-1]


@pytest.mark.long
@pytest.mark.slow
@every_notebook
def test_notebook_labels_its_figures(name):
    for figure in (output for output in run(name)[0] if isinstance(output, Figure)):
        assert all(ax.get_xlabel() or figure.get_supxlabel() or ax.get_title() for ax in figure.axes)


@pytest.fixture(scope="module")
def defs():
    return run("1_update_priors")[1]


@pytest.fixture(scope="module")
def smarter():
    """The notebook with `capabilities` scaled up by nearly a half, at the width that the author states."""
    view2 = sie.read_view("davidson_2025").replace(capabilities=sie.lognormal(2.5, 3.7))
    return load("1_update_priors").run(defs={"view2": view2})[1]


@pytest.fixture(scope="module")
def inspected():
    return run("2_inspect_posterior")[1]


@pytest.fixture(scope="module")
def reported():
    return run("3_report_credences")[1]


@pytest.fixture(scope="module")
def evidenced():
    return run("4_evidence")[1]


@pytest.fixture(scope="module")
def extended():
    return run("5_extend_the_model")[1]


@pytest.fixture(scope="module")
def elicited():
    return run("6_elicit_a_view")[1]


@pytest.mark.long
@pytest.mark.slow
def test_update_priors_lists_every_prior_and_every_row(defs):
    assert defs["priors"]["quantity"].tolist() == list(defs["view"].entries)
    assert sorted(defs["estimates"].index) == sorted(defs["evidence"].estimate.values)
    assert (defs["estimates"].loc[defs["estimates"]["domain"] != "", "implied r"] != "").sum() >= 20
    assert defs["estimates"]["used"].sum() == defs["rows"].sizes["estimate"]
    assert (defs["estimates"]["why left out"] != "").equals(~defs["estimates"]["used"])


@pytest.mark.long
@pytest.mark.slow
def test_update_priors_fits_converge(defs):
    for tree in (defs["tree"], defs["tree2"]):
        assert tree.attrs["max_rhat"] <= 1.01
        assert tree.attrs["min_ess"] >= 400
        assert tree.attrs["divergences"] == 0


@pytest.mark.long
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


@pytest.mark.long
@pytest.mark.slow
def test_update_priors_reweighting_agrees_with_the_refit(defs):
    """Importance weights and NUTS are two derivations of one posterior."""
    reweighted, table = defs["reweighted"], defs["credences"]
    assert reweighted.attrs["khat"] <= 0.7
    p = sie.credences(sie.simulate(reweighted.posterior)).p.values
    # k-hat near 0.5 makes the stated effective draws optimistic, hence five errors rather than three.
    error = np.hypot(np.sqrt(p * (1 - p) / reweighted.attrs["effective_draws"]), table["mcse changed"])
    assert (np.abs(p - table["changed prior"]) < 5 * error).all()


@pytest.mark.long
@pytest.mark.slow
def test_update_priors_conclusion_names_the_credences_that_moved(defs):
    table = defs["credences"]
    moved = table.index[(table["changed prior"] - table["with evidence"]).abs() > 2 * table["combined mcse"]]
    assert defs["conclusion"].startswith(
        f"With the changed prior on capabilities, {len(moved)} of {len(sie.EVENTS)} credences moved"
    )
    assert all(f"{event} from " in defs["conclusion"] for event in moved)


@pytest.mark.long
@pytest.mark.slow
def test_update_priors_higher_capabilities_raise_r_and_its_credence(smarter):
    assert smarter["changed"] == ["capabilities"]
    medians, table = smarter["medians"], smarter["credences"]
    assert medians.loc["capabilities", "its posterior"] > medians.loc["capabilities", "posterior"]
    assert medians.loc["r_asara", "its posterior"] > medians.loc["r_asara", "posterior"]
    assert table.loc["r_above_1", "difference"] > 2 * table.loc["r_above_1", "combined mcse"]
    assert "r_above_1" in smarter["moved"].index


@pytest.mark.long
@pytest.mark.slow
def test_update_priors_says_so_where_reweighting_will_not_do(smarter):
    assert smarter["reweighted"] is None
    assert "want at most 0.7" in smarter["answer"]


@pytest.mark.long
@pytest.mark.slow
def test_inspect_posterior_shares_the_movement_of_log_r_out_exactly(inspected):
    moved = inspected["shifts"]["moved"]
    assert moved.drop("r_asara").prod() == pytest.approx(moved["r_asara"], rel=1e-9)
    posterior, prior = (np.log(inspected["tree"][group].r_asara) for group in ("posterior", "prior"))
    assert np.log(moved["r_asara"]) == pytest.approx(float(posterior.mean() - prior.mean()), rel=1e-9)


@pytest.mark.long
@pytest.mark.slow
def test_inspect_posterior_conclusion_names_the_largest_movement_and_the_most_sensitive_rows(inspected):
    moves = np.abs(np.log(inspected["shifts"]["moved"].drop("r_asara")))
    rows = inspected["sensitivity"].loc["row"].squeeze()
    assert f"that of {moves.idxmax()} (" in inspected["conclusion"]
    assert inspected["conclusion"].endswith(", ".join(rows.nlargest(3).index) + ".")
    assert rows.index.tolist() == inspected["rows"].estimate.values.tolist()


@pytest.mark.long
@pytest.mark.slow
def test_inspect_posterior_pools_every_domain_towards_the_typical_one(inspected):
    table = inspected["shrinkage"]
    typical = float(inspected["tree"].posterior.r_typical.median())
    own = table[table["shrinkage"].notna()]
    assert len(own) >= 5
    assert own["shrinkage"].between(0, 1.2).all()
    assert (np.sign(own["raw median"] - typical) == np.sign(own["raw median"] - own["pooled median"])).all()


@pytest.mark.long
@pytest.mark.slow
def test_report_credences_has_every_view_and_its_evidence(reported):
    views = {name: sie.read_view(name) for name in sie.view_names()}
    wanted = {(name, "priors") for name in views}
    wanted |= {(name, "evidence") for name, view in views.items() if not view.states_r_asara}
    assert set(reported["everything"].index) == set(reported["tables"]) == wanted
    assert reported["everything"].columns.tolist() == reported["meanings"].index.tolist() == list(sie.EVENTS)


@pytest.mark.long
@pytest.mark.slow
def test_report_credences_records_give_the_same_credences_again(reported):
    records = reported["records"]
    assert records.index.tolist() == list(sie.EVENTS)
    assert (records["above"] == records["in the ledger"]).all()
    assert (records["above"] == records["from the file"]).all()


@pytest.mark.long
@pytest.mark.slow
def test_report_credences_steps_sum_to_the_difference(reported):
    apart = reported["apart"].sel(event=reported["event"])
    p = [
        reported["tables"][reported[side], "priors"].p.sel(event=reported["event"])
        for side in ("mine", "other")
    ]
    assert float(apart.part.sum()) == pytest.approx(float(p[1] - p[0]), abs=1e-12)
    assert abs(float(p[1] - p[0])) > 0.1


@pytest.mark.long
@pytest.mark.slow
def test_report_credences_paragraph_states_probability_error_definition_and_condition(reported):
    table = reported["tables"][reported["mine"], "evidence"].sel(event=reported["event"])
    for said in (
        f"{100 * table.p.item():.0f} % (s.e. {100 * table.mcse.item():.1f})",
        sie.EVENTS[reported["event"]].wording,
        "fixed hardware",
        f"seed {reported['seed']}",
        reported["result"].inputs_sha256[:12],
    ):
        assert said in reported["paragraph"]


@pytest.mark.long
@pytest.mark.slow
def test_evidence_lists_every_row_with_its_source_and_words(evidenced):
    listed, evidence = evidenced["listed"], evidenced["evidence"]
    assert listed.index.tolist() == evidence.estimate.values.tolist()
    assert (listed["quote"] + listed["note"]).str.len().gt(20).all()
    assert set(listed["source"]) == set(evidenced["bibliography"].index)
    assert evidenced["bibliography"][["authors", "title"]].map(len).gt(0).all(axis=None)
    assert evidenced["entering"]["used"].sum() == evidenced["rows"].sizes["estimate"]


@pytest.mark.long
@pytest.mark.slow
def test_evidence_leaves_every_used_row_out_once(evidenced):
    influence = evidenced["influence"]
    assert influence.estimate.values.tolist() == evidenced["rows"].estimate.values.tolist()
    assert influence.attrs["median"] == float(evidenced["tree"].posterior.r_asara.median())


@pytest.mark.long
@pytest.mark.slow
def test_evidence_naive_slopes_are_surer_than_the_model(evidenced):
    width = evidenced["readings"]["95 %"] - evidenced["readings"]["5 %"]
    assert (4 * width.drop("the model, all effort") < width["the model, all effort"]).all()


@pytest.mark.long
@pytest.mark.slow
def test_evidence_own_row_raises_r_and_leaves_the_bundled_folder_alone(evidenced):
    before, after = (evidenced["compared"].iloc[i] for i in (0, 1))
    assert after["rows"] == before["rows"] + 1
    assert after["r of language models"] > 1.1 * before["r of language models"]
    assert after["r at ASARA"] > 1.05 * before["r at ASARA"]
    assert after["P(r > 1)"] - before["P(r > 1)"] > 5 * after["its MCSE"]
    assert evidenced["own"]["id"] not in sie.read_evidence().estimate.values


@pytest.mark.long
@pytest.mark.slow
def test_extend_the_model_adds_one_quantity_and_keeps_the_others(extended):
    before, after = (set(extended[name].posterior.data_vars) for name in ("tree", "heavy_tree"))
    assert after - before == {"degrees_of_freedom", "z_heavy"}
    assert {"r", "r_typical", "r_asara", "spread", "z"} <= before & after
    assert "StudentT" in type(extended["heavy"]["z_heavy"].owner.op).__name__


@pytest.mark.long
@pytest.mark.slow
def test_extend_the_model_compares_both_models_on_the_same_rows_on_r(extended):
    """Those of the model as it is are the scores of `sie evidence`, but for how far weights are smoothed, which hangs on other variables."""
    on_r = extended["rows"].estimate.values[extended["rows"].domain_idx.values >= 0]
    assert sorted(extended["by_row"].index) == sorted(on_r)
    scored = checking.loo(extended["tree"], extended["model"]).sel(estimate=extended["by_row"].index.values)
    np.testing.assert_allclose(extended["by_row"]["elpd, normal"], scored.elpd, atol=0.02)


@pytest.mark.long
@pytest.mark.slow
def test_extend_the_model_says_how_sure_the_comparison_is(extended):
    gap = extended["by_row"]["elpd, heavy tails"] - extended["by_row"]["elpd, normal"]
    assert extended["gap"] == pytest.approx(abs(gap.sum()), abs=1e-9)
    assert extended["error"] == pytest.approx(np.sqrt(len(gap) * gap.var(ddof=0)), rel=0.1)
    assert f"by {extended['gap']:.2f} with a standard error of {extended['error']:.2f}" in extended["verdict"]
    assert "do not tell" in extended["verdict"]


@pytest.mark.long
@pytest.mark.slow
def test_elicit_a_view_states_what_was_said(elicited):
    mine = elicited["mine"]
    assert elicited["changed"] == ["r_typical", "capabilities", "post_training"]
    assert mine["r_typical"].prior.numbers == (0.7, 1.3, 2.8)
    inside = mine["capabilities"].prior.cdf(2.8) - mine["capabilities"].prior.cdf(1.4)
    assert float(inside) == pytest.approx(0.8, abs=0.01)
    chips = np.repeat(elicited["columns"], elicited["chips"])
    assert mine["post_training"].prior.median() == pytest.approx(np.exp(np.log(chips).mean()), rel=0.01)
    assert elicited["scores"]["prior"] == pytest.approx(0.4, abs=0.05)


@pytest.mark.long
@pytest.mark.slow
def test_elicit_a_view_ends_in_a_file_that_sie_check_accepts(elicited, tmp_path):
    assert elicited["is_same"]
    file = tmp_path / "mine.toml"
    file.write_text(elicited["text"], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "sie.cli", "check", str(file)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert elicited["credences"].index.tolist() == list(sie.EVENTS)
    assert f"{100 * elicited['first']['mine, posterior']:.0f} % after it" in elicited["conclusion"]


def test_wheel_has_the_notebooks():
    with (ROOT / "pyproject.toml").open("rb") as file:
        tool = tomllib.load(file)["tool"]
    assert tool["hatch"]["build"]["targets"]["wheel"]["force-include"]["notebooks"] == "sie/notebooks"


@pytest.mark.long
@pytest.mark.slow
def test_sie_notebooks_lists_them_with_their_questions():
    done = command("--list")
    assert done.returncode == 0
    assert [line.split(maxsplit=1) for line in done.stdout.splitlines()] == [
        [name, title(path)] for name, path in NOTEBOOKS.items()
    ]


def test_sie_notebooks_copies_them_to_the_working_folder_and_says_how_to_open_them(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):  # the second time they are there already, and are the same
        notebooks(["4_evidence", "1_update_priors"])
        lines = capsys.readouterr().out.splitlines()
        assert [line.split(maxsplit=1) for line in lines[::2]] == [
            [name, title(NOTEBOOKS[name])] for name in ("4_evidence", "1_update_priors")
        ]
        assert [line.rpartition(" marimo edit ")[2] for line in lines[1::2]] == [
            "4_evidence.py",
            "1_update_priors.py",
        ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1_update_priors.py", "4_evidence.py"]
    for path in tmp_path.iterdir():
        assert path.read_bytes() == NOTEBOOKS[path.stem].read_bytes()


@pytest.mark.long
@pytest.mark.slow
def test_the_command_that_sie_notebooks_prints_starts_marimo(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "sie.cli", "notebooks", "1_update_priors"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=tmp_path,
    )
    start, _, _ = done.stdout.splitlines()[1].strip().partition(" edit ")
    asked = subprocess.run(
        f"{start} --version", shell=True, capture_output=True, text=True, timeout=PATIENCE, cwd=tmp_path
    )
    assert (asked.returncode, asked.stdout.strip()) == (0, version("marimo"))


def test_marimo_is_started_as_the_environment_is_reached(tmp_path, monkeypatch):
    environment = tmp_path / "project" / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "pyvenv.cfg").write_text("home = /usr\nuv = 0.9.0\n")
    python, marimo = environment / "bin" / "python", environment / "bin" / "marimo"
    marimo.write_text("")
    marimo.chmod(0o755)
    monkeypatch.setattr(sys, "prefix", str(environment))
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("PATH", str(environment / "bin"))
    monkeypatch.delenv("UV_RUN_RECURSION_DEPTH", raising=False)
    assert opened_with(tmp_path / "project" / "mine") == "uv run marimo"
    assert opened_with(tmp_path) == "marimo"
    monkeypatch.setenv(
        "UV_RUN_RECURSION_DEPTH", "1"
    )  # as `uv run --project` sets it, whose PATH the user does not have
    assert opened_with(tmp_path) == f"{python} -m marimo"
    (environment / "pyvenv.cfg").write_text("home = /usr\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert opened_with(tmp_path / "project") == f"{python} -m marimo"


@pytest.mark.parametrize("folder", [None, "taken"])
def test_sie_notebooks_never_replaces_a_file_that_differs_and_then_writes_none(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = tmp_path / (folder or "")
    here.mkdir(exist_ok=True)
    (here / "2_inspect_posterior.py").write_text("mine")
    with pytest.raises(DataError, match="found a file that differs from the notebook, want another folder"):
        notebooks(into=folder and Path(folder))
    assert [path.name for path in here.iterdir()] == ["2_inspect_posterior.py"]
    assert (here / "2_inspect_posterior.py").read_text() == "mine"


def test_sie_notebooks_does_one_thing_at_a_time(tmp_path):
    with pytest.raises(DataError, match="found --into and --ipynb, want one of them"):
        notebooks(into=tmp_path / "a", ipynb=tmp_path / "b")
    assert not list(tmp_path.iterdir())


@pytest.mark.long
@pytest.mark.slow
def test_sie_notebooks_refuses_an_unknown_name_and_writes_nothing(tmp_path):
    done = command("5_unheard_of", "--ipynb", tmp_path / "new")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sie notebooks: found '5_unheard_of', want one of 1_update_priors, ")
    assert not (tmp_path / "new").exists()


@pytest.mark.long
@pytest.mark.slow
def test_sie_notebooks_refuses_a_file_in_place_of_a_folder(tmp_path):
    (tmp_path / "taken").write_text("mine")
    done = command("--ipynb", tmp_path / "taken")
    assert done.returncode == 2
    assert "want a folder" in done.stderr
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "new"
    done = command("1_update_priors", "--ipynb", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in folder.iterdir()] == ["1_update_priors.ipynb"]
    return json.loads((folder / "1_update_priors.ipynb").read_text(encoding="utf-8"))


@pytest.mark.long
@pytest.mark.slow
def test_exported_notebook_is_executed_and_stands_alone(exported):
    nbformat.validate(exported)
    first, *_ = exported["cells"]
    assert first["cell_type"] == "markdown"
    assert first["source"].startswith("# " + title(NOTEBOOKS["1_update_priors"]))
    assert 'pip install "sie[notebooks]"' in first["source"].splitlines()[-1]
    data = [
        output["data"]
        for cell in exported["cells"]
        for output in cell.get("outputs", ())
        if output["output_type"] == "display_data"
    ]
    assert sum("image/png" in each for each in data) == 1
    assert sum("text/html" in each for each in data) == 5
    html = "".join("".join(each.get("text/html", "")) for each in data)
    assert not re.search(r"<(script|link|img|iframe|marimo-)", html)


@pytest.mark.long
@pytest.mark.slow
def test_exported_notebook_says_everything_once(exported, defs):
    """Prose is text, not the code of it with what the code shows below."""
    said = [cell["source"] for cell in exported["cells"] if cell["cell_type"] == "markdown"]
    assert len(said) == len(set(said)) == NOTEBOOKS["1_update_priors"].read_text().count("mo.md(")
    assert sum(defs["conclusion"] in text for text in said) == 1
    code = [cell for cell in exported["cells"] if cell["cell_type"] == "code"]
    assert not any("mo." in cell["source"] or "marimo" in cell["source"] for cell in code)
    assert not any("text/markdown" in output["data"] for cell in code for output in cell["outputs"])


@pytest.mark.long
@pytest.mark.slow
def test_exported_notebook_runs_again_cell_by_cell(exported, defs):
    """As a Jupyter kernel would, but for the line that only a kernel knows."""
    known = {"__name__": "__main__"}
    for cell in exported["cells"]:
        if cell["cell_type"] == "code":
            lines = cell["source"].splitlines(keepends=True)
            exec("".join(line for line in lines if not line.startswith("%")), known)
    assert known["conclusion"] == defs["conclusion"]


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("name", ["5_extend_the_model", "6_elicit_a_view"])
def test_notebooks_on_other_packages_export_without_a_warning(name):
    """Which in a process that turns warnings into errors those packages may swallow."""
    book = json.loads(as_jupyter(NOTEBOOKS[name]))
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert not any("text/markdown" in output["data"] for cell in code for output in cell["outputs"])


SHORT = """
import marimo
app = marimo.App()

@app.cell
def _():
    {line}
    return
"""


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero, want a notebook that runs to its end"),
        ("import warnings; warnings.warn('beware', stacklevel=1)", "beware"),
    ],
    ids=["fails", "warns"],
)
def test_a_notebook_that_fails_or_warns_is_refused(tmp_path, line, told):
    path = tmp_path / "short.py"
    path.write_text(SHORT.format(line=line), encoding="utf-8")
    with pytest.raises(DataError, match=re.escape(told)):
        as_jupyter(path)
