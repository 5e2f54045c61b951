"""One row of an evidence table, checked: cells to numbers, or a refusal that names the line and the column.

A row is a dict of what all kinds have in common (id, kind, value, se, growth, includes, ...); `evidence` makes the dataset.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ..base.errors import DataError, plain
from .bibliography import Source, check_provenance
from .quantities import ADJUSTMENTS, SERIAL_PENALTY
from .tables import PROVENANCE, number, read_table

__all__ = [
    "COLUMNS",
    "FLOWS",
    "INPUTS",
    "LABOUR",
    "LEVELS",
    "TARGET",
    "Domain",
    "check_preferred",
    "read_domains",
    "read_rows",
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

WANT_VALUE = f"a number above 0 ({SMALLEST:g} to {LARGEST:g})"

SLOWEST, FASTEST = 1e-4, 10.0
"""Growth a year in natural logs: slower is nothing to divide by, faster (22,000x a year) is a factor or a percentage."""

WANT_GROWTH = f"growth in natural log a year ({SLOWEST:g} to {FASTEST:g})"

MOST_LOG_SD = 10.0
"""Largest standard deviation of a log that a row may have, stated or as se / r."""

MOST_REMOTE = 100.0
"""Largest remoteness of a domain."""

LARGEST_SIGMA = 100.0
"""Largest size of an estimated elasticity of substitution; estimates may be negative, the quantity may not."""

_DATA = ("output_data", "input_data")
COLUMNS = {
    "domains.csv": ("domain", "remoteness", "level", "note"),
    "returns.csv": (
        *("id", "domain", "input", *_DATA, "preferred"),
        *("r_q05", "r_q25", "r_q50", "r_q75", "r_q95", "r_se", "definition_sd", *ADJUSTMENTS, *PROVENANCE),
    ),
    "factors.csv": (
        *("id", *_DATA),
        *("f_q05", "f_q25", "f_q50", "f_q75", "f_q95", "f_se", "definition_sd", *ADJUSTMENTS),
        *("labour", *PROVENANCE),
    ),
    "growth.csv": (
        *("id", "domain", "input", *_DATA, "preferred"),
        *(f"{flow}_{q}" for flow in FLOWS for q in ("q05", "q50", "q95")),
        *("definition_sd", *ADJUSTMENTS, "labour", *PROVENANCE),
    ),
    "series.csv": (
        *("id", "domain", "input", "file", *_DATA, "preferred", "definition_sd", *ADJUSTMENTS, *PROVENANCE),
    ),
    "elasticities.csv": ("id", "specification", "sigma", "sigma_q05", "sigma_q95", "sigma_se", *PROVENANCE),
}
"""The header of every table, by its file's name."""


class Domain(NamedTuple):
    """How far a domain lies from frontier AI R&D (at least 1), and the level at which it enters by default."""

    remoteness: float
    level: str


def read_domains(path: Path) -> dict[str, Domain]:
    """The domains by name; the target domain is there, with remoteness 1."""
    domains: dict[str, Domain] = {}
    for where, cells in read_table(path, COLUMNS["domains.csv"]):
        name = cells["domain"]
        if not name or name in domains:
            raise DataError(f"{where} domain", name, "a name that no other line has")
        if not cells["note"]:
            raise DataError(f"{where} note", plain("nothing"), "the reason for the remoteness")
        remoteness = number(
            where,
            "remoteness",
            cells["remoteness"],
            low=1,
            high=MOST_REMOTE,
            want=f"a number of at least 1 and at most {MOST_REMOTE:g}",
        )
        if cells["level"] not in LEVELS:
            raise DataError(f"{where} level", cells["level"], "one of " + ", ".join(LEVELS))
        domains[name] = Domain(remoteness, cells["level"])
    found = domains[TARGET].remoteness if TARGET in domains else None
    if found != 1:
        raise DataError(f"{path.name} {TARGET}", found, "the target domain with remoteness 1")
    return domains


def read_rows(path: Path, domains: Mapping[str, Domain], sources: Mapping[str, Source]) -> list[dict]:
    """The rows of returns.csv, factors.csv, growth.csv or series.csv; the file's name says which."""
    read = {"returns.csv": _estimate, "factors.csv": _estimate, "growth.csv": _growth, "series.csv": _series}
    rows = []
    for where, cells in read_table(path, COLUMNS[path.name]):
        numbers, own = read[path.name](where, cells)
        row = _common(where, cells, domains) | own
        _check_labour(row)
        check_provenance(where, cells, numbers, sources)
        rows.append(row)
    return rows


def read_sigmas(path: Path, sources: Mapping[str, Source]) -> list[dict]:
    """The rows of elasticities.csv: estimates of the elasticity of substitution between labour and compute."""
    rows = []
    want = f"a number from {-LARGEST_SIGMA:g} to {LARGEST_SIGMA:g}"
    for where, cells in read_table(path, COLUMNS["elasticities.csv"]):
        _check_id(where, cells["id"])
        if not cells["specification"]:
            raise DataError(f"{where} specification", plain("nothing"), "what was estimated")
        values = [
            number(where, key, cells[key], low=-LARGEST_SIGMA, high=LARGEST_SIGMA, want=want)
            if cells[key] or key == "sigma"
            else math.nan
            for key in ("sigma_q05", "sigma", "sigma_q95")
        ]
        se = cells["sigma_se"]
        se = number(where, "sigma_se", se, low=SMALLEST, want=WANT_VALUE) if se else math.nan
        stated = [value for value in values if not math.isnan(value)]
        if len(stated) == 2 or (len(stated) == 3 and not math.isnan(se)):
            raise DataError(
                f"{where} sigma", plain("other numbers"), "sigma alone, with q05 and q95, or with se"
            )
        if stated != sorted(set(stated)):
            raise DataError(f"{where} sigma_q05", stated, "quantiles in ascending order")
        check_provenance(where, cells, [*stated, *([] if math.isnan(se) else [se])], sources)
        words = {key: cells[key] for key in ("id", "specification", *PROVENANCE)}
        rows.append({"where": where, "value": values, "se": se, **words})
    return rows


def _check_labour(row: dict) -> None:
    """Refuse a factor in units of labour, or a growth of labour, that does not say which labour it counts, or counts the wrong one."""
    where, labour = f"{row['where']} labour", row["labour"]
    includes = dict(zip(ADJUSTMENTS, row["includes"], strict=True))
    growth = row["kind"] == "growth" and not math.isnan(row["growth"][FLOWS.index("labour")][0])
    at_fixed_compute = row["kind"] == "factor" and includes["compute_bottleneck"] > 0
    conversion = row["kind"] == "factor" and includes["capabilities"] > 0
    if not (growth or at_fixed_compute or conversion):
        if labour:
            raise DataError(where, labour, "nothing, since no number of the row counts labour")
    elif labour not in LABOUR:
        raise DataError(where, labour if labour else plain("nothing"), "one of " + ", ".join(LABOUR))
    elif labour == "serial" and (growth or conversion):
        want = f"parallel labour (growth and exponents of serial labour, divided by {SERIAL_PENALTY:g})"
        raise DataError(where, labour, want)


def check_preferred(rows: list[dict]) -> None:
    """Exactly one preferred row for each output data set among the rows of one level (factors stand with estimates of r)."""
    preferred: dict[tuple[str, str], dict] = {}
    for row in rows:
        key = (row["kind"].replace("factor", "r"), row["output_data"])
        if row["preferred"] and key in preferred:
            other = preferred[key]["id"]
            raise DataError(
                f"{row['where']} preferred",
                plain(f"{other} preferred too for {row['output_data']}"),
                "exactly one preferred row",
            )
        if row["preferred"]:
            preferred[key] = row
    for row in rows:
        if (row["kind"].replace("factor", "r"), row["output_data"]) not in preferred:
            raise DataError(
                f"{row['where']} preferred",
                plain(f"no preferred row for {row['output_data']}"),
                "exactly one preferred row",
            )


def _check_id(where: str, text: str) -> None:
    if not re.fullmatch(r"[a-z0-9_]+", text):
        raise DataError(f"{where} id", text, "lower-case letters, digits and underscores")


def _common(where: str, cells: Mapping[str, str], domains: Mapping[str, Domain]) -> dict:
    """What the rows of all four tables share; rows of factors have no domain, input or preference."""
    _check_id(where, cells["id"])
    includes = []
    for name in ADJUSTMENTS:
        if cells[name] not in ("0", "1"):
            raise DataError(f"{where} {name}", cells[name], "0 or 1")
        includes.append(int(cells[name]))
    row = {
        "where": where,
        "id": cells["id"],
        "domain": "",
        "input": "",
        "preferred": 1,
        "file": "",
        "value": [math.nan] * 5,
        "se": math.nan,
        "growth": [[math.nan] * 3 for _ in FLOWS],
        "definition_sd": number(
            where,
            "definition_sd",
            cells["definition_sd"],
            low=0,
            high=MOST_LOG_SD,
            want=f"a number of at least 0 and at most {MOST_LOG_SD:g}",
        ),
        "includes": includes,
        "labour": cells.get("labour", ""),
        **{key: cells[key] for key in (*_DATA, *PROVENANCE)},
    }
    for key in _DATA:
        if not cells[key]:
            raise DataError(
                f"{where} {key}", plain("nothing"), "the name of the data that the estimate rests on"
            )
    if "domain" in cells:
        if cells["domain"] not in domains:
            raise DataError(f"{where} domain", cells["domain"], "one of " + ", ".join(domains))
        if cells["input"] not in INPUTS:
            raise DataError(f"{where} input", cells["input"], "one of " + ", ".join(INPUTS))
        if cells["preferred"] not in ("0", "1"):
            raise DataError(f"{where} preferred", cells["preferred"], "0 or 1")
        row |= {"domain": cells["domain"], "input": cells["input"], "preferred": int(cells["preferred"])}
    elif not any(includes):
        raise DataError(f"{where} {ADJUSTMENTS[0]}", plain("no adjustment"), "a 1 in at least one adjustment")
    return row


def _estimate(where: str, cells: Mapping[str, str]) -> tuple[list[float], dict]:
    """The numbers of a published estimate of r or of adjustments: quantiles, or a median with its standard error."""
    prefix = "r" if "r_q50" in cells else "f"
    values = [
        number(where, f"{prefix}_{q}", cells[f"{prefix}_{q}"], low=SMALLEST, want=WANT_VALUE)
        if cells[f"{prefix}_{q}"]
        else math.nan
        for q in ("q05", "q25", "q50", "q75", "q95")
    ]
    se_text = cells[f"{prefix}_se"]
    se = number(where, f"{prefix}_se", se_text, low=SMALLEST, want=WANT_VALUE) if se_text else math.nan
    given = "".join("0" if math.isnan(value) else "1" for value in values) + ("0" if math.isnan(se) else "1")
    if given not in ("111110", "101010", "001001"):
        raise DataError(
            f"{where} {prefix}_q50",
            plain("other numbers"),
            "five quantiles, or q05, q50 and q95, or q50 with se",
        )
    stated = [value for value in values if not math.isnan(value)]
    if stated != sorted(set(stated)):
        raise DataError(f"{where} {prefix}_q05", stated, "quantiles in ascending order")
    if se / values[2] > MOST_LOG_SD:
        raise DataError(f"{where} {prefix}_se", se_text, f"at most {MOST_LOG_SD:g} times the estimate")
    kind = "r" if prefix == "r" else "factor"
    return stated + ([] if math.isnan(se) else [se]), {"kind": kind, "value": values, "se": se}


def _growth(where: str, cells: Mapping[str, str]) -> tuple[list[float], dict]:
    """The growth of output and of labour, compute or both, each as its 5, 50 and 95 % points."""
    growth, known = [], set()
    for flow in FLOWS:
        keys = [f"{flow}_{q}" for q in ("q05", "q50", "q95")]
        if flow != "output" and not any(cells[key] for key in keys):
            growth.append([math.nan] * 3)
            continue
        known.add(flow)
        values = [number(where, key, cells[key], low=SLOWEST, high=FASTEST, want=WANT_GROWTH) for key in keys]
        if values != sorted(set(values)):
            raise DataError(f"{where} {keys[0]}", values, "quantiles in ascending order")
        growth.append(values)
    needed = {"labour", "compute"} if cells["input"] == "all" else {cells["input"]} & set(FLOWS)
    if len(known) == 1 or not needed <= known:
        missing = " and ".join(sorted(needed - known)) or "labour or compute"
        raise DataError(f"{where} {missing.split()[0]}_q50", plain("nothing"), f"the growth of {missing}")
    stated = [value for values in growth for value in values if not math.isnan(value)]
    return stated, {"kind": "growth", "growth": growth}


def _series(where: str, cells: Mapping[str, str]) -> tuple[list[float], dict]:
    """The file of a series by its name. Its numbers are too many to quote, so that they are never `stated`."""
    if not re.fullmatch(r"[a-z0-9_]+\.csv", cells["file"]):
        raise DataError(f"{where} file", cells["file"], "the name of a file in series/, as in stockfish.csv")
    if cells["basis"] == "stated":
        raise DataError(
            f"{where} basis", "stated", "transcribed, derived or ours (no quote prints a whole series)"
        )
    return [], {"kind": "series", "file": cells["file"]}
