"""One row of an evidence table, checked: cells to numbers, or a refusal that names the line and the column.

A row is a dict of what all kinds have in common (id, kind, value, se, growth, includes, ...); `evidence` makes the dataset.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..base.errors import Problems, plain
from .bibliography import Source, origin
from .columns import FIELDS, INPUTS, LEVELS, MAY_LACK
from .quantities import ADJUSTMENTS
from .row_rules import (
    FLOWS,
    INFORMED,
    LABOUR,
    check_adjusts,
    check_estimate,
    check_flows,
    check_history,
    check_input,
    check_labour,
    check_measure,
    check_ratio,
    check_read,
    check_series,
    given,
    quantile_keys,
)
from .schema import Field, Rule, checked, known, once
from .tables import read_table

__all__ = [
    "FIELDS",
    "FLOWS",
    "INFORMED",
    "INPUTS",
    "LABOUR",
    "LEVELS",
    "TARGET",
    "WORDS_OF_ROWS",
    "Domain",
    "read_domains",
    "read_rows",
    "row_of",
]

TARGET = "language models"
"""The domain whose r becomes r at ASARA, with or without rows on it."""


class Domain(NamedTuple):
    """How far a domain lies from frontier AI R&D (at least 1), and the level at which it enters by default."""

    remoteness: float
    level: str


def read_domains(path: Path) -> dict[str, Domain]:
    """The domains by name; the target domain is there, with remoteness 1."""
    with Problems() as problems:
        rules = (once("domain", want="a name that no other line has"),)
        rows = problems.attempt(read_table, path, FIELDS["domains.csv"], rules)
        if not problems:
            found = {row["domain"]: row["remoteness"] for _, row in rows}.get(TARGET, plain("nothing"))
            if found != 1:
                problems.refuse(f"{path.name} {TARGET}", found, "the target domain with remoteness 1")
    return {row["domain"]: Domain(row["remoteness"], row["level"]) for _, row in rows}


def read_rows(
    path: Path, domains: Collection[str] | None, sources: Mapping[str, Source] | None
) -> list[dict[str, Any]]:
    """The rows of returns.csv, factors.csv, inputs.csv, growth.csv or series.csv; the file's name says which.

    Without `domains` or `sources`, what could not be read, a row's domain or works are not looked up.
    """
    fields, rules = _fields_and_rules(path.name, domains, sources)
    rows = read_table(path, fields, rules, may_lack=MAY_LACK)
    return [_as_row(where, _KINDS[path.name][0], values) for where, values in rows]


def row_of(table: str, where: str, cells: Mapping[str, str], domains: Collection[str]) -> dict[str, Any]:
    """One row of a table (`returns.csv`, ...) from its cells, as `read_rows` has it. The works that it cites are not looked up."""
    fields, rules = _fields_and_rules(table, domains, None)
    return _as_row(where, _KINDS[table][0], checked(where, dict(cells), fields, rules))


def _fields_and_rules(
    table: str, domains: Collection[str] | None, sources: Mapping[str, Source] | None
) -> tuple[dict[str, Field], tuple[Rule, ...]]:
    fields = dict(FIELDS[table])
    _, numbers, rules = _KINDS[table]
    if "domain" in fields:
        fields["domain"] = known(domains, "one of " + ", ".join(domains or ()))
    return fields, (*rules, origin(sources, lambda row: given(row, numbers)), check_read)


WORDS_OF_ROWS = (
    *("domain", "input", "file", "labour", "measure", "history"),
    *("quantity", "scale", "bound", "unit", "distance"),
)
"""Columns of words that not every table has; "" stands in their place."""

_PREFIXES = {"r": "r_", "factor": "f_", "input": ""}
"""What stands before the columns of an estimate, by kind of row."""


def _as_row(where: str, kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the rows of all tables have in common; what a table lacks is empty, NaN or 0, and its rows are all preferred."""
    keys = quantile_keys(_PREFIXES[kind]) if kind in _PREFIXES else ()
    numbers = [values[key] for key in keys] or [math.nan] * 6
    return {
        **dict.fromkeys(WORDS_OF_ROWS, ""),
        "preferred": 1,
        "measure_sd": 0.0,
        **values,
        "where": where,
        "kind": kind,
        "value": numbers[:5],
        "se": numbers[5],
        "growth": [[values.get(f"{flow}_{q}", math.nan) for q in ("q05", "q50", "q95")] for flow in FLOWS],
        "ratio": [values.get(key, math.nan) for key in ("ratio_q05", "ratio_q95")],
        "includes": [values.get(name, 0) for name in ADJUSTMENTS],
    }


_against_labour = check_measure(lambda row: row["input"] != "compute")

_KINDS: Mapping[str, tuple[str, tuple[str, ...], tuple[Rule, ...]]] = {
    "returns.csv": ("r", quantile_keys("r_"), (*check_estimate("r"), _against_labour, check_ratio)),
    "factors.csv": (
        "factor",
        quantile_keys("f_"),
        (check_adjusts, *check_estimate("f"), check_labour(is_growth=False), check_history),
    ),
    "inputs.csv": ("input", quantile_keys(""), (check_input,)),
    "growth.csv": (
        "growth",
        tuple(key for key in FIELDS["growth.csv"] if key.startswith(FLOWS) and "_q" in key),
        (
            *(
                check_flows(FIELDS["growth.csv"]["output_q50"].want),
                check_labour(is_growth=True),
                check_ratio,
            ),
            check_measure(lambda row: not math.isnan(row["labour_q50"])),
        ),
    ),
    "series.csv": ("series", (), (check_series, check_ratio, _against_labour)),
}
"""Of each table that holds rows of evidence: their kind, the columns whose numbers a quote must print, and the rules between columns."""
