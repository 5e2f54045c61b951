"""One row of an evidence table, checked: cells to numbers, or a refusal that names the line and the column.

A row is a dict of what all kinds have in common (id, kind, value, se, growth, includes, ...); `evidence` makes the dataset.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..base.errors import DataError, Problems, plain
from .bibliography import ORIGIN, Source, origin
from .quantities import ADJUSTMENTS, SERIAL_PENALTY
from .schema import FLAG, WORDS, Field, Rule, ascending, cell, known, matching, once, one_of, optional, words
from .tables import read_table

__all__ = [
    "FIELDS",
    "FLOWS",
    "INPUTS",
    "LABOUR",
    "LEVELS",
    "TARGET",
    "Domain",
    "check_preferred",
    "read_domains",
    "read_rows",
    "read_sigmas",
]

TARGET = "language models"
"""The domain whose r becomes r at ASARA, with or without rows on it."""

LEVELS = {"published": "r", "growth": "growth", "epoch": "growth", "series": "series"}
"""How raw the evidence on a domain is when it enters, and the kind of row that this takes: `epoch` is a growth row under the
likelihood of Erdil, Besiroglu & Ho (2024), for the rows that they fitted."""

INPUTS = ("labour", "compute", "all")
"""What research input r was measured against; labour is parallel labour, as heads are counted."""

LABOUR = ("parallel", "serial")
"""How a row counts labour (`accounting` converts). A factor for fixed compute is the same in both; all else must be parallel."""

FLOWS = ("output", "labour", "compute")
"""What grows in a row of growth.csv, in natural log a year."""

SMALLEST, LARGEST = 1e-6, 1e6
"""Estimates of r, factors and errors outside this range are taken for mistakes; beyond it the sampler overflows."""

SLOWEST, FASTEST = 1e-4, 10.0
"""Growth a year in natural logs: slower is nothing to divide by, faster (22,000x a year) is a factor or a percentage."""

MOST_LOG_SD = 10.0
"""Largest standard deviation of a log that a row may have, stated or as se / r."""

MOST_REMOTE = 100.0
"""Largest remoteness of a domain."""

LARGEST_SIGMA = 100.0
"""Largest size of an estimated elasticity of substitution; estimates may be negative, the quantity may not."""


class Domain(NamedTuple):
    """How far a domain lies from frontier AI R&D (at least 1), and the level at which it enters by default."""

    remoteness: float
    level: str


_VALUE = optional(cell(SMALLEST, f"a number above 0 ({SMALLEST:g} to {LARGEST:g})"), math.nan)
_GROWTH = optional(
    cell(SLOWEST, f"growth in natural log a year ({SLOWEST:g} to {FASTEST:g})", high=FASTEST), math.nan
)
_SIGMA = cell(-LARGEST_SIGMA, f"a number from {-LARGEST_SIGMA:g} to {LARGEST_SIGMA:g}", high=LARGEST_SIGMA)

_ID = {"id": matching("[a-z0-9_]+", "lower-case letters, digits and underscores")}
_DATA = dict.fromkeys(("output_data", "input_data"), words("the name of the data that the estimate rests on"))
_DOMAIN = {"domain": words(), "input": one_of(INPUTS)}
_COMMON = {
    **_DATA,
    "definition_sd": cell(0, f"a number of at least 0 and at most {MOST_LOG_SD:g}", high=MOST_LOG_SD),
    **dict.fromkeys(ADJUSTMENTS, FLAG),
    **ORIGIN,
}


def _quantiles(prefix: str) -> dict[str, Field]:
    return dict.fromkeys((f"{prefix}_{q}" for q in ("q05", "q25", "q50", "q75", "q95", "se")), _VALUE)


FIELDS: Mapping[str, Mapping[str, Field]] = {
    "domains.csv": {
        "domain": words("a name that no other line has"),
        "remoteness": cell(1, f"a number of at least 1 and at most {MOST_REMOTE:g}", high=MOST_REMOTE),
        "level": one_of(LEVELS),
        "note": words("the reason for the remoteness"),
    },
    "returns.csv": {**_ID, **_DOMAIN, "preferred": FLAG, **_quantiles("r"), **_COMMON},
    "factors.csv": {**_ID, **_quantiles("f"), **_COMMON, "labour": WORDS},
    "growth.csv": {
        **_ID,
        **_DOMAIN,
        "preferred": FLAG,
        **{f"{flow}_{q}": _GROWTH for flow in FLOWS for q in ("q05", "q50", "q95")},
        **_COMMON,
        "labour": WORDS,
    },
    "series.csv": {
        **_ID,
        **_DOMAIN,
        "preferred": FLAG,
        "file": matching(r"[a-z0-9_]+\.csv", "the name of a file in series/, as in stockfish.csv"),
        **_COMMON,
    },
    "elasticities.csv": {
        **_ID,
        "specification": words("what was estimated"),
        "sigma": _SIGMA,
        **dict.fromkeys(("sigma_q05", "sigma_q95"), optional(_SIGMA, math.nan)),
        "sigma_se": _VALUE,
        **ORIGIN,
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
    """The rows of returns.csv, factors.csv, growth.csv or series.csv; the file's name says which.

    Without `domains` or `sources`, what could not be read, a row's domain or works are not looked up.
    """
    fields = dict(FIELDS[path.name])
    kind, numbers, rules = _KINDS[path.name]
    if "domain" in fields:
        fields["domain"] = known(domains, "one of " + ", ".join(domains or ()))
    rules = (*rules, origin(sources, lambda row: _given(row, numbers)))
    rows = read_table(path, fields, rules)
    return [_as_row(where, kind, values) for where, values in rows]


def read_sigmas(path: Path, sources: Mapping[str, Source] | None) -> list[dict[str, Any]]:
    """The rows of elasticities.csv: estimates of the elasticity of substitution between labour and compute."""
    numbers = ("sigma_q05", "sigma", "sigma_q95", "sigma_se")
    rules = (_check_sigma, ascending(*numbers[:3]), origin(sources, lambda row: _given(row, numbers)))
    return [{"where": where, **row} for where, row in read_table(path, FIELDS["elasticities.csv"], rules)]


def _given(values: Mapping[str, Any], keys: Iterable[str]) -> list[float]:
    """The numbers that stand in a row."""
    return [number for key in keys if not math.isnan(number := values.get(key, math.nan))]


_LACKING = {"domain": "", "input": "", "preferred": 1, "file": "", "labour": ""}
"""What not every table has, and what stands in its place."""


def _as_row(where: str, kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the rows of all tables have in common; rows of factors have no domain, input or preference."""
    prefix = kind[0]
    return {
        **_LACKING,
        **values,
        "where": where,
        "kind": kind,
        "value": [values.get(f"{prefix}_{q}", math.nan) for q in ("q05", "q25", "q50", "q75", "q95")],
        "se": values.get(f"{prefix}_se", math.nan),
        "growth": [[values.get(f"{flow}_{q}", math.nan) for q in ("q05", "q50", "q95")] for flow in FLOWS],
        "includes": [values[name] for name in ADJUSTMENTS],
    }


def _check_labour(*, is_growth: bool) -> Rule:
    """A factor in units of labour, or a growth of labour, says which labour it counts, and not the wrong one."""

    def rule(where: str, row: Mapping[str, Any]) -> None:
        where, labour = f"{where} labour", row["labour"]
        growth = is_growth and not math.isnan(row["labour_q05"])
        conversion = not is_growth and row["capabilities"] > 0
        if not (growth or conversion or (not is_growth and row["compute_bottleneck"] > 0)):
            if labour:
                raise DataError(where, labour, "nothing, since no number of the row counts labour")
        elif labour not in LABOUR:
            raise DataError(where, labour if labour else plain("nothing"), "one of " + ", ".join(LABOUR))
        elif labour == "serial" and (growth or conversion):
            want = f"parallel labour (growth and exponents of serial labour, divided by {SERIAL_PENALTY:g})"
            raise DataError(where, labour, want)

    return rule


def check_preferred(rows: list[dict]) -> None:
    """Exactly one preferred row for each output data set among the rows of one level (factors stand with estimates of r)."""
    of_data: dict[tuple[str, str], list[dict]] = {}
    for row in rows:
        of_data.setdefault((row["kind"].replace("factor", "r"), row["output_data"]), []).append(row)
    with Problems() as problems:
        for (_, data), alike in of_data.items():
            preferred = [row for row in alike if row["preferred"]]
            for row in preferred[1:]:
                found = plain(f"{preferred[0]['id']} preferred too for {data}")
                problems.refuse(f"{row['where']} preferred", found, "exactly one preferred row")
            if not preferred:
                found = plain(f"no preferred row for {data}")
                problems.refuse(f"{alike[0]['where']} preferred", found, "exactly one preferred row")


def _check_estimate(prefix: str) -> tuple[Rule, ...]:
    """Quantiles of a published estimate of r or of adjustments, or a median with its standard error."""
    keys = tuple(_quantiles(prefix))

    def numbers(where: str, row: Mapping[str, Any]) -> None:
        given = "".join("0" if math.isnan(row[key]) else "1" for key in keys)
        if given not in ("111110", "101010", "001001"):
            want = "five quantiles, or q05, q50 and q95, or q50 with se"
            raise DataError(f"{where} {prefix}_q50", plain("other numbers"), want)

    def size(where: str, row: Mapping[str, Any]) -> None:
        se = row[f"{prefix}_se"]
        if se / row[f"{prefix}_q50"] > MOST_LOG_SD:
            raise DataError(f"{where} {prefix}_se", se, f"at most {MOST_LOG_SD:g} times the estimate")

    return numbers, ascending(*keys[:5]), size


def _check_adjusts(where: str, row: Mapping[str, Any]) -> None:
    if not any(row[name] for name in ADJUSTMENTS):
        found = plain("no adjustment")
        raise DataError(f"{where} {ADJUSTMENTS[0]}", found, "a 1 in at least one adjustment")


def _check_flows(where: str, row: Mapping[str, Any]) -> None:
    """The growth of output and of labour, compute or both, each as its 5, 50 and 95 % points, or not at all."""
    stated = {flow: [row[f"{flow}_{q}"] for q in ("q05", "q50", "q95")] for flow in FLOWS}
    with Problems() as problems:
        for flow, values in stated.items():
            missing = [math.isnan(value) for value in values]
            if any(missing) and (flow == "output" or not all(missing)):
                key = f"{where} {flow}_{('q05', 'q50', 'q95')[missing.index(True)]}"
                problems.refuse(key, plain("nothing"), _GROWTH.want)
            elif not any(missing):
                problems.attempt(ascending(*(f"{flow}_{q}" for q in ("q05", "q50", "q95"))), where, row)
    known_flows = {flow for flow, values in stated.items() if not math.isnan(values[0])}
    needed = {"labour", "compute"} if row["input"] == "all" else {row["input"]} & set(FLOWS)
    if len(known_flows) == 1 or not needed <= known_flows:
        missing = " and ".join(sorted(needed - known_flows)) or "labour or compute"
        raise DataError(f"{where} {missing.split()[0]}_q50", plain("nothing"), f"the growth of {missing}")


def _check_series(where: str, row: Mapping[str, Any]) -> None:
    """The numbers of a series are too many to quote, so that they are never `stated`."""
    if row["basis"] == "stated":
        want = "transcribed, derived or ours (no quote prints a whole series)"
        raise DataError(f"{where} basis", "stated", want)


def _check_sigma(where: str, row: Mapping[str, Any]) -> None:
    low, high, se = (not math.isnan(row[f"sigma_{key}"]) for key in ("q05", "q95", "se"))
    if low != high or (low and se):
        want = "sigma alone, with q05 and q95, or with se"
        raise DataError(f"{where} sigma", plain("other numbers"), want)


_KINDS: Mapping[str, tuple[str, tuple[str, ...], tuple[Rule, ...]]] = {
    "returns.csv": ("r", tuple(_quantiles("r")), _check_estimate("r")),
    "factors.csv": (
        "factor",
        tuple(_quantiles("f")),
        (_check_adjusts, *_check_estimate("f"), _check_labour(is_growth=False)),
    ),
    "growth.csv": (
        "growth",
        tuple(key for key, field in FIELDS["growth.csv"].items() if field is _GROWTH),
        (_check_flows, _check_labour(is_growth=True)),
    ),
    "series.csv": ("series", (), (_check_series,)),
}
"""Of each table that holds rows of evidence: their kind, the columns whose numbers a quote must print, and the rules between columns."""
