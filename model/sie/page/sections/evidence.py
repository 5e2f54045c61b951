"""Every evidence row with its estimate, its quote and link, and the views that use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...data.wording import input_in_words, input_number_in_words
from ..page import Cell, Line, Section, Table
from .contents import Contents, place

if TYPE_CHECKING:
    import xarray as xr


__all__ = ["evidence"]


def evidence(contents: Contents) -> list[Section]:
    """Every evidence row with its quote, its link and the views that use it."""
    if (rows := contents.evidence) is None:
        return []
    users = {
        row: [
            result.view.label
            for result in contents.results
            if result.rows is not None and row in result.rows.estimate.values
        ]
        for row in rows.estimate.values.tolist()
    }
    found = []
    for i, row in enumerate(rows.estimate.values.tolist()):
        one = rows.isel(estimate=i)
        if one.kind.item() == "input":
            continue
        what, estimate = _estimate(one, rows)
        title = (Line(row, kind="strong"), Line(what, kind="small"))
        used = "; ".join(users[row]) or "no view"
        found.append([title, estimate, used, _basis(one), _row_origin(one, contents)])
    columns, widths = ["row", "estimate", "used by", "basis", "where it comes from"], (22, 11, 13, 13, 41)
    caption = "Every evidence row on r and its factors. Estimates: median, and 5 to 95 % or standard error"
    blocks = [Table(caption=caption, columns=columns, widths=widths, rows=found)]
    found = []
    for i in np.flatnonzero(rows.kind.values == "input"):
        one = rows.isel(estimate=i)
        row = one.estimate.item()
        title = (Line(row, kind="strong"), Line(input_in_words(one), kind="small"))
        estimate = (Line(input_number_in_words(one)), Line(f"{one.scale.item()} scale", kind="small"))
        used = "; ".join(users[row]) or "no view"
        found.append([title, estimate, used, _basis(one), _row_origin(one, contents)])
    if found:
        columns = ["row", "number", "used by", "basis", "where it comes from"]
        caption = "Rows on other quantities of a view: number as printed, with 5 to 95 % or standard error, and the scale of its error"
        blocks.append(Table(caption=caption, columns=columns, widths=widths, rows=found))
    return [Section(name="evidence", title="Evidence", blocks=blocks)]


def _estimate(row: xr.Dataset, rows: xr.Dataset) -> tuple[str, Cell]:
    """What a row is an estimate of, and the estimate."""
    included = ", ".join(rows.adjustment.values[row.includes.values > 0].tolist())
    if row.kind.item() == "factor":
        what = f"factor {included.replace(', ', ' x ')}"
    else:
        what = f"{rows.domain.values[row.domain_idx.item()]}, against {row.input.item()}"
        what += f"; already includes {included}" if included else ""
    match row.kind.item():
        case "growth":
            medians = row.growth.sel(growth_quantile=0.5)
            flows = zip(row.flow.values.tolist(), medians.values.tolist(), strict=True)
            known = [
                Line(f"{flow} {growth:.3g}", kind="small") for flow, growth in flows if not np.isnan(growth)
            ]
            return f"growth a year (natural log), {what}", tuple(known)
        case "series":
            return f"raw history, {what}", Line(f"series/{row.file.item()}", kind="small")
        case kind:
            low, _, median, _, high = row.value.values
            value = (Line(f"{median:.3g}"), *_spread(low, high, row.se.item()))
            return f"r of {what}" if kind == "r" else what, value


def _spread(low: float, high: float, error: float) -> tuple[Line, ...]:
    if not np.isnan(low):
        return (Line(f"{low:.3g} to {high:.3g}", kind="small"),)
    return () if np.isnan(error) else (Line(f"± {error:.3g}", kind="small"),)


def _basis(row: xr.Dataset) -> Cell:
    """The basis, and whether the numbers were read in the primary work, where the row says."""
    read = row.read.item() if "read" in row else ""
    return (Line(row.basis.item()), *([Line(f"read: {read}", kind="small")] if read else ()))


def _row_origin(row: xr.Dataset, contents: Contents) -> Cell:
    text = {key: str(row[key].item()) for key in ("quote", "note", "source", "locator", "via")}
    found = [Line(text["quote"], kind="quote")] if text["quote"] else []
    found += [Line(text["note"])] if text["note"] else []
    return (*found, *place(text["source"], text["locator"], text["via"] or None, contents.works))
