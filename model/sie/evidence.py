"""Published estimates of r and of the adjustments, read from CSV into one labelled dataset.

`returns.csv` (estimates of r in a domain) and `factors.csv` (estimates of adjustments) become one list of rows, dim
`estimate`; `includes` (estimate, adjustment) is the incidence matrix x of design section 2. This module reads: it never
cleans, fills or drops. `usable` says which rows a view may be confronted with, and why the others are left out.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .priors import ADJUSTMENTS, View
from .sources import DataError, Source, check_provenance, data_folder, plain, read_sources, read_text

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["INPUTS", "QUANTILES", "TARGET", "evidence_files", "read_evidence", "read_files", "usable"]

TARGET = "language models"
"""The domain whose r becomes r at ASARA, with or without rows on it."""

INPUTS = ("labour", "compute", "all")
"""What research input an estimate of r was measured against."""

SMALLEST, LARGEST = 1e-6, 1e6
"""Estimates of r, factors and errors outside this range are taken for mistakes; beyond it the sampler overflows."""

WANT_VALUE = f"a number above 0 ({SMALLEST:g} to {LARGEST:g})"

MOST_LOG_SD = 10.0
"""Largest standard deviation of a log that a row may have, stated or as se / r."""

MOST_REMOTE = 100.0
"""Largest remoteness of a domain."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

_PROVENANCE = ("basis", "source", "via", "locator", "quote", "note")
_COLUMNS = {
    "domains.csv": ("domain", "remoteness", "note"),
    "returns.csv": (
        *("id", "domain", "input", "output_data", "input_data", "preferred"),
        *("r_q05", "r_q25", "r_q50", "r_q75", "r_q95", "r_se", "definition_sd", *ADJUSTMENTS, *_PROVENANCE),
    ),
    "factors.csv": (
        *("id", "output_data", "input_data"),
        *("f_q05", "f_q25", "f_q50", "f_q75", "f_q95", "f_se", "definition_sd", *ADJUSTMENTS, *_PROVENANCE),
    ),
}


def evidence_files(folder: Path | None = None) -> list[Path]:
    """The files that `read_evidence` reads, sorted by name."""
    folder = Path(folder) if folder is not None else data_folder("evidence")
    return sorted(folder / name for name in (*_COLUMNS, "sources.toml"))


def read_evidence(path: Path | str | None = None) -> xr.Dataset:
    """Every row of an evidence folder (default: the bundled one), checked. Raises DataError at the first problem.

    Dims: `estimate` (row id), `adjustment`, `domain`, `output_data`, `input_data`, `quantile`. Variables: `kind` (estimate)
    is "r" or "factor"; `value` (estimate, quantile) on the natural scale, NaN where the source gives none; `se`;
    `definition_sd` (log scale); `includes` (estimate, adjustment); `domain_idx` (-1 for factors), `output_idx`, `input_idx`;
    `remoteness` (domain); the row's words (`input`, `basis`, `source`, `via`, `locator`, `quote`, `note`).
    """
    folder = Path(path) if path is not None else data_folder("evidence")
    if not folder.is_dir():
        raise DataError(str(folder), plain("no such folder"), "an evidence folder")
    return read_files({file.name: file for file in evidence_files(folder)})


def read_files(files: Mapping[str, Path]) -> xr.Dataset:
    """What `read_evidence` reads, from one path for each of its file names."""
    import xarray as xr

    sources = read_sources(files["sources.toml"])
    domains = _read_domains(files["domains.csv"])
    rows = [
        *_read_rows(files["returns.csv"], "r", domains, sources),
        *_read_rows(files["factors.csv"], "factor", domains, sources),
    ]
    _check_ids(rows)
    _check_preferred(rows)
    outputs = sorted({row["output_data"] for row in rows})
    inputs = sorted({row["input_data"] for row in rows})
    names = list(domains)
    words = {key: ("estimate", [row[key] for row in rows]) for key in ("kind", "input", *_PROVENANCE)}
    return xr.Dataset(
        {
            "value": (("estimate", "quantile"), [row["value"] for row in rows]),
            "se": ("estimate", [row["se"] for row in rows]),
            "definition_sd": ("estimate", [row["definition_sd"] for row in rows]),
            "includes": (("estimate", "adjustment"), [row["includes"] for row in rows]),
            "preferred": ("estimate", [row["preferred"] for row in rows]),
            "domain_idx": ("estimate", [names.index(row["domain"]) if row["domain"] else -1 for row in rows]),
            "output_idx": ("estimate", [outputs.index(row["output_data"]) for row in rows]),
            "input_idx": ("estimate", [inputs.index(row["input_data"]) for row in rows]),
            "remoteness": ("domain", list(domains.values())),
            **words,
        },
        coords={
            "estimate": [row["id"] for row in rows],
            "adjustment": list(ADJUSTMENTS),
            "quantile": list(QUANTILES),
            "domain": names,
            "output_data": outputs,
            "input_data": inputs,
        },
    )


def usable(evidence: xr.Dataset, view: View) -> xr.Dataset:
    """The rows that may update this view; `attrs["left_out"]` lists the others as (id, why).

    Left out: rows the view already reflects and rows on the same output data, rows of r measured against compute or all
    inputs (the view states the compute factor against labour), all but the preferred of shared output data, and rows
    that include a steepening which the view derives.
    """
    ids = evidence.estimate.values.tolist()
    for row in view.reflects:
        if row not in ids:
            raise DataError(f"{view.name} reflects", row, "the id of an evidence row")
    output = dict(zip(ids, evidence.output_idx.values.tolist(), strict=True))
    reflected = {output[row]: row for row in view.reflects}
    eligible = (
        evidence.preferred.values.astype(bool)
        & ((evidence.kind == "factor") | (evidence.input == "labour")).values
    )
    preferred = {output[row]: row for row, chosen in zip(ids, eligible.tolist(), strict=True) if chosen}
    steepened = evidence.includes.sel(adjustment="steepening").values > 0
    left_out = []
    for i, row in enumerate(ids):
        if row in view.reflects:
            left_out.append((row, "the view already reflects it"))
        elif output[row] in reflected:
            left_out.append(
                (row, f"same output data as {reflected[output[row]]}, which the view already reflects")
            )
        elif evidence.kind.values[i] == "r" and evidence.input.values[i] != "labour":
            left_out.append(
                (
                    row,
                    f"measured against {evidence.input.values[i]}; the view states the compute factor against labour",
                )
            )
        elif not evidence.preferred.values[i] and output[row] in preferred:
            left_out.append((row, f"same output data as {preferred[output[row]]}, which is preferred"))
        elif steepened[i] and "gained_before_asara" in view:
            left_out.append((row, "includes steepening, which the view derives from gained_before_asara"))
    dropped = {row for row, _ in left_out}
    rows = evidence.isel(estimate=[i for i, row in enumerate(ids) if row not in dropped])
    return rows.assign_attrs(left_out=left_out)


def _read_table(path: Path) -> list[tuple[str, dict[str, str]]]:
    """The rows of a CSV file as (where, cells); refuses any other header than the documented one."""
    columns, text = _COLUMNS[path.name], read_text(path)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise DataError(path.name, plain(f"a CSV error: {error}"), "comma-separated values") from None
    header = lines[0]
    for column in header:
        if column not in columns:
            raise DataError(f"{path.name} header", column, "only the columns " + ",".join(columns))
    for column in columns:
        if column not in header:
            raise DataError(
                f"{path.name} header", plain(f"no column {column}"), "the columns " + ",".join(columns)
            )
    if len(header) != len(columns):
        raise DataError(f"{path.name} header", plain("a column twice"), "each column once")
    rows, line = [], 1
    for cells in lines[1:]:
        line += 1 + sum(cell.count("\n") for cell in cells)
        if len(cells) != len(header):
            raise DataError(f"{path.name} line {line}", plain(f"{len(cells)} cells"), f"{len(header)}")
        rows.append((f"{path.name} line {line}", dict(zip(header, cells, strict=True))))
    if not rows:
        raise DataError(path.name, plain("a header and no rows"), "at least one row")
    return rows


def _number(where: str, key: str, text: str, *, low: float, high: float = LARGEST, want: str) -> float:
    try:
        number = float(text) if "_" not in text else math.nan
    except ValueError:
        number = math.nan
    if not text.isascii() or not math.isfinite(number) or number < low or number > high:
        raise DataError(f"{where} {key}", text, want)
    return number


def _read_domains(path: Path) -> dict[str, float]:
    domains: dict[str, float] = {}
    for where, cells in _read_table(path):
        name = cells["domain"]
        if not name or name in domains:
            raise DataError(f"{where} domain", name, "a name that no other line has")
        if not cells["note"]:
            raise DataError(f"{where} note", plain("nothing"), "the reason for the remoteness")
        domains[name] = _number(
            where,
            "remoteness",
            cells["remoteness"],
            low=1,
            high=MOST_REMOTE,
            want=f"a number of at least 1 and at most {MOST_REMOTE:g}",
        )
    if domains.get(TARGET) != 1:
        raise DataError(f"{path.name} {TARGET}", domains.get(TARGET), "the target domain with remoteness 1")
    return domains


def _read_rows(
    path: Path, kind: str, domains: Mapping[str, float], sources: Mapping[str, Source]
) -> list[dict]:
    return [_read_row(where, cells, kind, domains, sources) for where, cells in _read_table(path)]


def _read_row(
    where: str, cells: dict[str, str], kind: str, domains: Mapping[str, float], sources: Mapping[str, Source]
) -> dict:
    if not re.fullmatch(r"[a-z0-9_]+", cells["id"]):
        raise DataError(f"{where} id", cells["id"], "lower-case letters, digits and underscores")
    prefix = "r" if kind == "r" else "f"
    values = [
        _number(where, f"{prefix}_{q}", cells[f"{prefix}_{q}"], low=SMALLEST, want=WANT_VALUE)
        if cells[f"{prefix}_{q}"]
        else math.nan
        for q in ("q05", "q25", "q50", "q75", "q95")
    ]
    se_text = cells[f"{prefix}_se"]
    se = _number(where, f"{prefix}_se", se_text, low=SMALLEST, want=WANT_VALUE) if se_text else math.nan
    given = "".join("0" if math.isnan(value) else "1" for value in values) + ("0" if math.isnan(se) else "1")
    if given not in ("111110", "101010", "001001"):
        raise DataError(
            f"{where} {prefix}_q50",
            plain("other numbers"),
            "five quantiles, or q05, q50 and q95, or q50 with se",
        )
    if (stated := [value for value in values if not math.isnan(value)]) != sorted(set(stated)):
        raise DataError(f"{where} {prefix}_q05", stated, "quantiles in ascending order")
    if se / values[2] > MOST_LOG_SD:
        raise DataError(f"{where} {prefix}_se", se_text, f"at most {MOST_LOG_SD:g} times the estimate")
    includes = []
    for name in ADJUSTMENTS:
        if cells[name] not in ("0", "1"):
            raise DataError(f"{where} {name}", cells[name], "0 or 1")
        includes.append(int(cells[name]))
    row = {
        "where": where,
        "kind": kind,
        "id": cells["id"],
        "value": values,
        "se": se,
        "definition_sd": _number(
            where,
            "definition_sd",
            cells["definition_sd"],
            low=0,
            high=MOST_LOG_SD,
            want=f"a number of at least 0 and at most {MOST_LOG_SD:g}",
        ),
        "includes": includes,
        "domain": "",
        "input": "",
        "preferred": 1,
        **{key: cells[key] for key in ("output_data", "input_data", *_PROVENANCE)},
    }
    for key in ("output_data", "input_data"):
        if not cells[key]:
            raise DataError(
                f"{where} {key}", plain("nothing"), "the name of the data that the estimate rests on"
            )
    if kind == "r":
        if cells["domain"] not in domains:
            raise DataError(f"{where} domain", cells["domain"], "one of " + ", ".join(domains))
        if cells["input"] not in INPUTS:
            raise DataError(f"{where} input", cells["input"], "one of " + ", ".join(INPUTS))
        if cells["preferred"] not in ("0", "1"):
            raise DataError(f"{where} preferred", cells["preferred"], "0 or 1")
        row |= {"domain": cells["domain"], "input": cells["input"], "preferred": int(cells["preferred"])}
    elif not any(includes):
        raise DataError(f"{where} {ADJUSTMENTS[0]}", plain("no adjustment"), "a 1 in at least one adjustment")
    numbers = stated + ([] if math.isnan(se) else [se])
    check_provenance(where, cells, numbers, sources)
    return row


def _check_ids(rows: list[dict]) -> None:
    seen: dict[str, str] = {}
    for row in rows:
        if row["id"] in seen:
            raise DataError(f"{row['where']} id", row["id"], f"an id of its own ({seen[row['id']]} has it)")
        seen[row["id"]] = row["where"]


def _check_preferred(rows: list[dict]) -> None:
    """Exactly one preferred row for each output data set."""
    preferred: dict[str, dict] = {}
    for row in rows:
        if row["preferred"] and row["output_data"] in preferred:
            other = preferred[row["output_data"]]["id"]
            raise DataError(
                f"{row['where']} preferred",
                plain(f"{other} preferred too for {row['output_data']}"),
                "exactly one preferred row",
            )
        if row["preferred"]:
            preferred[row["output_data"]] = row
    for row in rows:
        if row["output_data"] not in preferred:
            raise DataError(
                f"{row['where']} preferred",
                plain(f"no preferred row for {row['output_data']}"),
                "exactly one preferred row",
            )
