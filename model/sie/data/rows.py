"""One row of an evidence table, checked: cells to numbers, or a refusal that names the line and the column.

A row is a dict of what all kinds have in common (id, kind, value, se, growth, includes, ...); `evidence` makes the dataset.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..base.errors import Problems, plain
from .bibliography import ORIGIN, Source, origin
from .quantities import ADJUSTMENTS, QUANTITIES
from .row_rules import (
    BOUNDS,
    FLOWS,
    INFORMED,
    LABOUR,
    MEASURES,
    MOST_LOG_SD,
    READ,
    SCALES,
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
from .schema import FLAG, WORDS, Field, Rule, cell, checked, known, matching, once, one_of, optional, words
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

LEVELS = {"published": "r", "growth": "growth", "epoch": "growth", "series": "series"}
"""How raw the evidence on a domain is when it enters, and the kind of row that this takes: `epoch` is a growth row under the
likelihood of Erdil, Besiroglu & Ho (2024), for the rows that they fitted."""

INPUTS = ("labour", "compute", "all")
"""What research input r was measured against; labour is parallel labour, as heads are counted."""

SMALLEST, LARGEST = 1e-6, 1e6
"""Estimates of r, factors and errors outside this range are taken for mistakes; beyond it the sampler overflows."""

SLOWEST, FASTEST = 1e-4, 10.0
"""Growth a year in natural logs: slower is nothing to divide by, faster (22,000x a year) is a factor or a percentage."""

MOST_REMOTE = 100.0
"""Largest remoteness of a domain."""

MOST_RATIO = 1000.0
"""Largest growth of compute over growth of labour, and of labour over compute."""


class Domain(NamedTuple):
    """How far a domain lies from frontier AI R&D (at least 1), and the level at which it enters by default."""

    remoteness: float
    level: str


_VALUE = optional(cell(SMALLEST, f"a number above 0 ({SMALLEST:g} to {LARGEST:g})"), math.nan)
_GROWTH = optional(
    cell(SLOWEST, f"growth in natural log a year ({SLOWEST:g} to {FASTEST:g})", high=FASTEST), math.nan
)
_NUMBER = optional(cell(-LARGEST, f"a number from {-LARGEST:g} to {LARGEST:g}"), math.nan)
_RATIO = optional(
    cell(1 / MOST_RATIO, f"a ratio of growth rates ({1 / MOST_RATIO:g} to {MOST_RATIO:g})", high=MOST_RATIO),
    math.nan,
)
_SD = cell(0, f"a number of at least 0 and at most {MOST_LOG_SD:g}", high=MOST_LOG_SD)

_ID = {"id": matching("[a-z0-9_]+", "lower-case letters, digits and underscores")}
_DATA = dict.fromkeys(("output_data", "input_data"), words("the name of the data that the estimate rests on"))
_DOMAIN = {"domain": words(), "input": one_of(INPUTS)}
_INCLUDED = {name: optional(FLAG, 0) if QUANTITIES[name].optional else FLAG for name in ADJUSTMENTS}
_COMMON = {**_DATA, "definition_sd": _SD, **_INCLUDED, **ORIGIN}
_MEASURE = {"measure": optional(one_of(MEASURES), ""), "measure_sd": optional(_SD, 0.0)}
_RATIOS = dict.fromkeys(("ratio_q05", "ratio_q95"), _RATIO)
_READ = {"read": optional(one_of(READ), "")}
_MAY_LACK = {"read", *(name for name, field in _INCLUDED.items() if field.is_optional)}


def _quantiles(prefix: str) -> dict[str, Field]:
    return dict.fromkeys(quantile_keys(prefix), _VALUE)


FIELDS: Mapping[str, Mapping[str, Field]] = {
    "domains.csv": {
        "domain": words("a name that no other line has"),
        "remoteness": cell(1, f"a number of at least 1 and at most {MOST_REMOTE:g}", high=MOST_REMOTE),
        "level": one_of(LEVELS),
        "note": words("the reason for the remoteness"),
    },
    "returns.csv": {
        **_ID,
        **_DOMAIN,
        "preferred": FLAG,
        **_quantiles("r_"),
        **_RATIOS,
        **_MEASURE,
        **_COMMON,
        **_READ,
    },
    "factors.csv": {**_ID, **_quantiles("f_"), **_COMMON, "labour": WORDS, "history": WORDS, **_READ},
    "inputs.csv": {
        **_ID,
        "quantity": one_of(INFORMED),
        "scale": one_of(SCALES),
        "bound": optional(one_of(BOUNDS), ""),
        "unit": words("a unit of the quantity"),
        "distance": WORDS,
        "labour": WORDS,
        **dict.fromkeys(quantile_keys("")[:5], _NUMBER),
        "se": _VALUE,
        "definition_sd": _SD,
        **_DATA,
        "preferred": FLAG,
        **ORIGIN,
        **_READ,
    },
    "growth.csv": {
        **_ID,
        **_DOMAIN,
        "preferred": FLAG,
        **{f"{flow}_{q}": _GROWTH for flow in FLOWS for q in ("q05", "q50", "q95")},
        **_RATIOS,
        **_MEASURE,
        **_COMMON,
        "labour": WORDS,
        **_READ,
    },
    "series.csv": {
        **_ID,
        **_DOMAIN,
        "preferred": FLAG,
        "file": matching(r"[a-z0-9_]+\.csv", "the name of a file in series/, as in stockfish.csv"),
        **_RATIOS,
        **_MEASURE,
        **_COMMON,
        **_READ,
    },
}
"""What every column of a table may hold, by its file's name."""


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
    rows = read_table(path, fields, rules, may_lack=_MAY_LACK)
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
        "ratio": [values.get(key, math.nan) for key in _RATIOS],
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
        tuple(key for key, field in FIELDS["growth.csv"].items() if field is _GROWTH),
        (
            *(check_flows(_GROWTH.want), check_labour(is_growth=True), check_ratio),
            check_measure(lambda row: not math.isnan(row["labour_q50"])),
        ),
    ),
    "series.csv": ("series", (), (check_series, check_ratio, _against_labour)),
}
"""Of each table that holds rows of evidence: their kind, the columns whose numbers a quote must print, and the rules between columns."""
