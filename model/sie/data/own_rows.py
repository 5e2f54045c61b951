"""A user's own row of evidence: missing columns get defaults, and the row is checked like any other row of its table."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.errors import DataError, Problems, check_holds, plain
from .between_rows import check_histories, check_ids, check_preferred
from .evidence import as_dataset
from .own_table import as_cell
from .quantities import ADJUSTMENTS
from .row_rules import USUAL_DEFINITION_SD
from .rows import FIELDS, Domain, row_of
from .schema import Field

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["RATIO", "RATIO_NOTE", "TABLES", "add_row", "cells_of", "check", "number", "remoteness_of"]

TABLES = {
    "returns": "published",
    "factors": None,
    "inputs": None,
    "growth": "growth",
}
"""Tables to which a user can add a row, and the level at which a domain created for that row enters."""

NOTE = "A row of one's own."

RATIO = (0.5, 2.0)
"""Default 5 and 95 % points of compute growth over labour growth where it is unknown: ours, as for the NanoGPT speedrun."""

RATIO_NOTE = "How fast compute grew is not known; the ratio {:g} to {:g} of its growth to labour's is ours: neither is known to outrun the other."


def add_row(
    evidence: xr.Dataset, table: str, *, id: str, remoteness: float | None = None, **columns: object
) -> xr.Dataset:
    """The evidence with a row of one's own, checked as if it stood in its table; no file is written (`sie add-row` does that).

    Parameters
    ----------
    evidence : xr.Dataset
        From `read_evidence`.
    table : str
        "returns" for a published estimate of r, "growth" for the growth of output and inputs, "factors" for an estimate of
        adjustments, "inputs" for an estimate of, or a bound on, any other quantity of a view. A raw history is added by `add_history`.
    id : str
        Id of the row: lower-case letters, digits and underscores.
    remoteness : float, optional
        Of a new domain: how much further it lies from frontier AI R&D than language models do, from 1 to 100.
    **columns
        The columns of the table by name, numbers or words, as in `r_q05=0.8, r_q50=1.2, r_q95=1.9`; `sie dictionary` lists them. Where they are
        not given, `input` is "labour", `preferred` 1, each adjustment 0, `basis` "ours", `definition_sd` of r and growth 0.4 (log
        scale), and the row rests on data that no other row has. Where r is against labour and nothing says how compute grew beside
        it, `ratio_q05` and `ratio_q95` are 0.5 and 2, and the note says so.

    Returns
    -------
    xr.Dataset
        All rows, the new one after the others of its kind. Whether it counts for a view, and why not, `usable` says; a domain that enters
        at another level needs `levels`.

    Raises
    ------
    DataError
        For an unknown table, column or domain, a cell that its column refuses, an id or preferred data that another row has.

    Examples
    --------
    >>> evidence = sie.add_row(sie.read_evidence(), "returns", id="mine", domain="robotics", remoteness=1.5,
    ...                        r_q05=0.8, r_q50=1.2, r_q95=1.9)
    >>> rows = sie.usable(evidence, sie.read_view("reference"))
    >>> "mine" in rows.estimate
    True
    """
    check_holds("evidence", evidence, ("estimate", "domain_idx"), "evidence, as sie.read_evidence returns it")
    names = evidence.domain.values.tolist()
    known = dict(zip(names, evidence.remoteness.values.tolist(), strict=True))
    cells = cells_of(table, id, columns)
    domain = cells.get("domain", "")
    far = remoteness_of(known, domain, remoteness) if "domain" in FIELDS[f"{table}.csv"] else None
    domains = {
        name: Domain(known[name], level)
        for name, level in zip(names, evidence.level.values.tolist(), strict=True)
    }
    if far is not None:
        domains[domain] = Domain(float(far), TABLES[table] or "published")
    row = row_of(f"{table}.csv", f"row {id}", cells, domains)
    rows = [*_as_rows(evidence), row]
    with Problems() as problems:
        for rule in (check_ids, check_preferred, check_histories):
            problems.attempt(rule, rows)
    return _joined(evidence, as_dataset([row], domains, {}))


def cells_of(table: str, id: str, columns: Mapping[str, object]) -> dict[str, str]:
    """The cells of a row as text, with what was not said of it filled in. Raises DataError for an unknown table or column."""
    if table not in TABLES:
        want = "one of " + ", ".join(TABLES)
        raise DataError("table", table, f"{want} (a raw history: sie add-history, sie.add_history)")
    fields = FIELDS[f"{table}.csv"]
    for name in columns:
        if name not in fields:
            raise DataError(f"row {id}", name, "one of " + ", ".join(fields))
    given = {
        name: as_cell(int(value) if isinstance(value, bool) else value) for name, value in columns.items()
    }
    usual = {
        "input": "labour",
        "output_data": f"{id}_output",
        "input_data": f"{id}_input",
        "preferred": "1",
        **dict.fromkeys(ADJUSTMENTS, "0"),
        "measure_sd": "0",
        "basis": "ours",
        "source": "sie_project",
        "locator": "given by hand",
        "note": NOTE,
    }
    if TABLES[table]:
        usual["definition_sd"] = f"{USUAL_DEFINITION_SD:g}"
    if table == "growth" and given.get("labour_q50"):
        usual["labour"] = "parallel"
    unknown = not any(given.get(name) for name in ("ratio_q05", "ratio_q95", "compute_q50", "input_data"))
    if TABLES[table] and given.get("input", usual["input"]) == "labour" and unknown:
        usual |= {name: f"{end:g}" for name, end in zip(("ratio_q05", "ratio_q95"), RATIO, strict=True)}
        said = (given.get("note") or NOTE).rstrip()
        given["note"] = f"{said}{'' if said[-1:] in '.!?' else '.'} {RATIO_NOTE.format(*RATIO)}"
    cells = {name: cell for name, cell in usual.items() if name in fields}
    cells |= {"id": id} | {name: cell for name, cell in given.items() if cell}
    needed = [name for name, field in fields.items() if not field.is_optional and name != "domain"]
    if missing := [name for name in needed if name not in cells]:
        want = "; ".join(f"{name}, {fields[name].want}" for name in missing)
        raise DataError(f"row {id}", plain("no " + " and no ".join(missing)), want)
    return cells


def check(where: str, field: Field, value: object, text: str | None = None) -> None:
    """Raise DataError for an argument that its field does not accept."""
    try:
        field.of(where, value if text is None else text)
    except DataError as error:
        raise DataError(where, value, error.want) from None


def number(where: str, value: float, field: Field | None = None) -> str:
    """A number as the cell of series.csv that it is for."""
    text = "" if isinstance(value, bool) else as_cell(value)
    check(where, field or FIELDS["series.csv"][where], value, text or "nothing")
    return text


def remoteness_of(known: Mapping[str, float], domain: str, remoteness: float | None) -> str | None:
    """The cell of a new domain; None for one that is known."""
    field = FIELDS["domains.csv"]["remoteness"]
    if domain in known:
        if remoteness is not None and number("remoteness", remoteness, field) != as_cell(known[domain]):
            raise DataError("remoteness", remoteness, f"none: {domain} is known and has {known[domain]:g}")
        return None
    if alike := _alike(domain, known):
        want = f"{alike}, or for another domain a name that differs more"
        raise DataError("domain", domain, want)
    if not domain:
        raise DataError("domain", plain("nothing"), "one of " + ", ".join(known))
    if remoteness is None:
        want = (
            f"one of {', '.join(known)}, or a new one with its remoteness, a number of at least 1: how much further it lies from"
            " frontier AI R&D than language models do (the bundled ones 1 to 2)"
        )
        raise DataError("domain", domain, want)
    return number("remoteness", remoteness, field)


def _alike(domain: str, known: Iterable[str]) -> str:
    """The known domain that was meant, where a new one is spelt nearly so."""
    near = difflib.get_close_matches(domain.casefold(), [name.casefold() for name in known], n=1, cutoff=0.9)
    return next((name for name in known if near and name.casefold() == near[0]), "")


def _as_rows(evidence: xr.Dataset) -> list[dict[str, Any]]:
    """What the rules between rows need to know of the existing rows."""
    outputs, inputs = evidence.output_data.values, evidence.input_data.values
    keys = ("kind", "history", "preferred")
    columns = [evidence[key].values.tolist() for key in keys]
    return [
        {
            "where": f"row {id}",
            "id": id,
            "output_data": outputs[evidence.output_idx.values[i]],
            "input_data": inputs[evidence.input_idx.values[i]],
            "growth": evidence.growth.values[i],
            "ratio": evidence.ratio.values[i],
            **{key: column[i] for key, column in zip(keys, columns, strict=True)},
        }
        for i, id in enumerate(evidence.estimate.values.tolist())
    ]


def _joined(evidence: xr.Dataset, new: xr.Dataset) -> xr.Dataset:
    """Both as one dataset, in the order in which `read_evidence` would have them."""
    import xarray as xr

    labels = {
        name: sorted({*evidence[name].values.tolist(), *new[name].values.tolist()})
        for name in ("output_data", "input_data")
    }
    of_domains = {name: new[name] for name in ("remoteness", "level")}  # which knows all domains
    parts = []
    for part in (evidence, new):
        codes = {}
        for name, code in (("output_data", "output_idx"), ("input_data", "input_idx")):
            places = np.array([labels[name].index(label) for label in part[name].values.tolist()])
            codes[code] = part[code].copy(data=places[part[code].values])
        parts.append(part.assign(codes).drop_dims(("domain", "output_data", "input_data")))
    rows = xr.concat(parts, dim="estimate", data_vars="all", join="exact", combine_attrs="override")
    kinds = list(dict.fromkeys(evidence.kind.values.tolist()))
    order = sorted(range(rows.sizes["estimate"]), key=lambda i: kinds.index(rows.kind.values[i]))
    joined = rows.isel(estimate=order).assign(of_domains)
    return joined.assign_coords(labels).assign_attrs(evidence.attrs)
