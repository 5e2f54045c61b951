"""A row of evidence of one's own: in Python and in a file it is the same, and it is refused as its table would refuse it."""

import pytest
import xarray as xr

import sie
from sie.base.reading import data_folder

ROBOTICS = {"domain": "robotics", "r_q05": 0.8, "r_q50": 1.2, "r_q95": 1.9}
ROWS = {
    "returns": ROBOTICS,
    "growth": {
        "domain": "computer vision",
        "output_q05": 0.2,
        "output_q50": 0.4,
        "output_q95": 0.8,
        "labour_q05": 0.1,
        "labour_q50": 0.2,
        "labour_q95": 0.3,
    },
    "factors": {"f_q50": 0.6, "f_se": 0.1, "definition_sd": 0.2, "hardware_scale": 1},
    "inputs": {
        "quantity": "sigma",
        "scale": "log",
        "unit": "1",
        "q05": 0.3,
        "q50": 0.5,
        "q95": 0.8,
        "definition_sd": 0.2,
    },
}
"""A row of each table."""


@pytest.mark.parametrize("table", ROWS)
def test_a_row_in_python_is_the_row_in_a_file(table, evidence, tmp_path, command):
    columns = ROWS[table]
    far = {"remoteness": 1.5} if columns.get("domain") == "robotics" else {}
    added = sie.add_row(evidence, table, id="mine", **far, **columns)
    option = [word for name, value in far.items() for word in (f"--{name}", value)]
    cells = [f"{name}={value}" for name, value in {"id": "mine", **columns}.items()]
    code, out, err = command("add-row", table, *cells, "--into", tmp_path / "own", *option)
    assert (code, err) == (0, "")
    assert "mine written" in out
    read = sie.read_evidence(tmp_path / "own")
    del read.attrs["folder"]
    xr.testing.assert_identical(added, read)
    assert "mine" not in evidence.estimate


def test_a_row_of_a_new_domain_counts_and_moves_r_of_that_domain(evidence):
    rows = sie.usable(sie.add_row(evidence, "returns", id="mine", remoteness=1.5, **ROBOTICS), sie.read_view("reference"))  # fmt: skip
    assert "mine" in rows.estimate
    assert "the ratio 0.5 to 2 of its growth to labour's is ours" in rows.note.sel(estimate="mine").item()


def test_a_row_of_a_domain_at_another_level_is_left_out_with_the_option_that_uses_it(evidence):
    row = {**ROBOTICS, "domain": "linear programming"}
    added = sie.add_row(evidence, "returns", id="mine", **row)
    view = sie.read_view("reference")
    why = dict(sie.usable(added, view).attrs["left_out"])["mine"]
    assert '--levels "linear programming=published" would use it' in why
    assert "mine" in sie.usable(added, view, levels={"linear programming": "published"}).estimate


WRONG = {
    "table": ("return", {"id": "x"}, "table: found 'return' (did you mean returns?)"),
    "column": ("returns", {**ROBOTICS, "id": "x", "r_q5": 1}, "row x: found 'r_q5' (did you mean r_q05?)"),
    "domain": (
        "returns",
        {**ROBOTICS, "id": "x", "domain": "computer_vision"},
        "domain: found 'computer_vision', want computer vision, or for another domain a name that differs more",
    ),
    "no domain": ("returns", {"id": "x", "r_q50": 1}, "domain: found nothing, want one of language models"),
    "number": (
        "returns",
        {**ROBOTICS, "id": "x", "domain": "computer vision", "r_q50": "1,2"},
        "row x r_q50: found '1,2', want a number above 0",
    ),
    "order": (
        "returns",
        {**ROBOTICS, "id": "x", "domain": "computer vision", "r_q05": 1.5},
        "want quantiles in ascending order",
    ),
    "id": ("factors", {**ROWS["factors"], "id": "vision_2024"}, "found 'vision_2024', want an id of its own"),
    "scale": (
        "inputs",
        {**ROWS["inputs"], "id": "x", "scale": "logs"},
        "scale: found 'logs' (did you mean log?)",
    ),
    "twice": (
        "returns",
        {**ROBOTICS, "id": "x", "domain": "computer vision", "output_data": "erdil_besiroglu_2022_imagenet"},
        "found vision_2024 preferred too for erdil_besiroglu_2022_imagenet, want exactly one preferred row",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_its_table_refuses_is_refused_in_one_line_and_nothing_is_written(
    kind, evidence, tmp_path, command
):
    table, columns, message = WRONG[kind]
    with pytest.raises(sie.DataError) as refusal:
        sie.add_row(evidence, table, **columns)
    assert message in str(refusal.value)
    cells = [f"{name}={value}" for name, value in columns.items()]
    code, out, err = command("add-row", table, *cells, "--into", tmp_path / "own")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert message.partition(":")[2] in err
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["x"], "COLUMN=VALUE: found 'x', want a column and its value, as in r_q50=1.2"),
        (["r_q50=1"], "id=: found nothing, want an id for the row"),
        (["id=x", "r_q50=1", "r_q50=2"], "r_q50=: found it twice, want each column once"),
    ],
)
def test_words_that_are_no_cells_are_refused(cells, message, tmp_path, command):
    code, out, err = command("add-row", "returns", *cells, "--into", tmp_path / "own")
    assert (code, out) == (2, "")
    assert message in err


def test_the_bundled_evidence_is_not_written_to_when_another_folder_is_given(tmp_path, command):
    before = (data_folder("evidence") / "factors.csv").read_bytes()
    cells = [f"{name}={value}" for name, value in ROWS["factors"].items()]
    assert command("add-row", "factors", "id=mine", *cells, "--into", tmp_path / "own")[0] == 0
    assert (data_folder("evidence") / "factors.csv").read_bytes() == before


def test_the_command_says_what_it_filled_in_and_takes_the_remoteness_beside_the_columns(command, tmp_path):
    cells = [f"{name}={value}" for name, value in {**ROBOTICS, "remoteness": 1.5}.items()]
    code, out, _ = command("add-row", "returns", "id=mine", *cells, "--into", tmp_path / "own")
    assert code == 0
    assert "filled in: input labour, basis ours, source sie_project, definition_sd 0.4, ratio_q05 0.5, ratio_q95 2" in out  # fmt: skip


@pytest.mark.parametrize("name", ["Language Models", "language model", "SAT solver"])
def test_a_domain_spelt_nearly_like_a_known_one_is_no_new_domain(name, evidence):
    with pytest.raises(sie.DataError, match="or for another domain a name that differs more"):
        sie.add_row(evidence, "returns", id="mine", remoteness=1.5, **{**ROBOTICS, "domain": name})


def test_no_row_counts_for_a_view_that_evidence_cannot_move(evidence):
    with pytest.raises(sie.DataError, match="found r_asara stated directly, want a view that evidence can move"):  # fmt: skip
        sie.evidence_table(evidence, sie.read_view("davidson_houlden_2025"))
