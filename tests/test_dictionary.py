"""The data dictionary has every column and key of the bundled files, each with a meaning, and prints them."""

import csv
import tomllib

import pytest

from sie.base.reading import data_folder
from sie.data.columns import FIELDS
from sie.data.prior_tables import top_keys
from sie.data.quantities import QUANTITIES
from sie.page.dictionary import CONCLUSIONS, tables

TABLES = {table.name: {column.name: column for column in table.columns} for table in tables()}
EVIDENCE, PRIORS = data_folder("evidence"), data_folder("priors")
COLUMNS = {file.relative_to(EVIDENCE).as_posix(): file for file in EVIDENCE.rglob("*.csv")}
MADE = ("likelihoods/",)
"""Folders of tables that `sie series --rebuild` writes, and nobody else."""


def described(file):
    """The columns that the dictionary has of a file."""
    if f"evidence/{file}" in TABLES:
        return TABLES[f"evidence/{file}"]
    return TABLES[f"evidence/{file.partition('/')[0]}/NAME.csv"]


@pytest.mark.parametrize("table", TABLES)
def test_each_column_has_a_meaning(table):
    assert [name for name, column in TABLES[table].items() if not column.meaning.strip()] == []


@pytest.mark.parametrize("file", [name for name in COLUMNS if not name.startswith(MADE)])
def test_the_dictionary_has_the_columns_of_every_table(file):
    with COLUMNS[file].open(encoding="utf-8", newline="") as stream:
        header = next(csv.reader(stream))
    names = {"<effort>" if "<effort>" in described(file) and " [" in name else name for name in header}
    names = {name for name in names if not name.startswith("output")} if "series/" in file else names
    assert names <= set(described(file))


def test_a_column_of_numbers_has_a_unit():
    for file, fields in FIELDS.items():
        columns = TABLES[f"evidence/{file}"]
        assert [name for name in fields if "number" in fields[name].want and not columns[name].unit] == [], (
            file
        )


@pytest.mark.parametrize("path", sorted(PRIORS.glob("*_20*.toml")), ids=lambda path: path.stem)
def test_the_dictionary_has_the_keys_of_every_view(path):
    keys = {name for table in TABLES for name in TABLES[table] if table.startswith("priors/VIEW.toml")}
    view = tomllib.loads(path.read_text(encoding="utf-8"))
    assert set(view) - {"concludes", "correlations", "boost", "pause", "hardware_growth"} <= {
        *QUANTITIES,
        *top_keys(),
    }
    for name, table in view.items():
        if isinstance(table, dict) and name != "concludes":
            assert set(table) <= keys, name
    for conclusion in view.get("concludes", {}).values():
        assert set(conclusion) <= {*CONCLUSIONS, *keys}


def test_the_command_prints_the_tables_that_are_asked_for(command):
    code, out, err = command("dictionary", "domains.csv")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines() if line] == [
        "evidence/domains.csv:",
        *FIELDS["domains.csv"],
    ]
    assert FIELDS["domains.csv"]["remoteness"].meaning in out


def test_a_table_that_there_is_not_is_refused(command):
    code, out, err = command("dictionary", "nothing")
    assert (code, out) == (2, "")
    assert err.startswith(
        "sie dictionary: found 'nothing', want a column or key, or part of the name of a table, one of evidence/returns.csv"
    )
