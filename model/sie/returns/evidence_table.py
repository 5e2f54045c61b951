"""Every row of evidence in words: its estimate, the r that it implies, and whether it counts for a view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, plain
from ..base.stats import Z90
from ..data.priors import View
from ..data.wording import input_number_in_words
from .inputs import INPUT_FLOWS, borrow_input_growth, growth_of_inputs, is_growth_ratio, ratio_of_inputs
from .levels import own_estimates
from .selection import default_levels, usable

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["evidence_table"]

NEEDS = {"labour": ("labour",), "compute": ("compute",), "all": INPUT_FLOWS}
"""The inputs whose growth a row of growth needs before r follows, by the input that it is against."""


def evidence_table(
    evidence: xr.Dataset,
    view: View,
    *,
    levels: Mapping[str, str] | None = None,
    draws: xr.Dataset | None = None,
) -> pd.DataFrame:
    """Every row of evidence on a line: what it says, the r that it implies, and why it counts for a view or does not.

    Parameters
    ----------
    evidence : xr.Dataset
        From `read_evidence`.
    view : View
        A view that states the chain from observed domains to r at ASARA.
    levels : mapping of str to str, optional
        As in `usable`.
    draws : xr.Dataset, optional
        The group `posterior` of a fit: its median labour's share and lambda convert growth rates and raw histories. By default they
        are the view's prior median and 0.6.

    Returns
    -------
    pd.DataFrame
        Index `row`. Columns `kind`, `domain`, `against` (the input that r is against), `estimate` (in words: median and 5 to 95 %,
        or ± a standard error), `implied r` (the same of r in the row's own domain, without its definition error; "" for rows that
        are not on r and for those from which it does not follow), `source`, `used` and `why left out`.

    Raises
    ------
    DataError
        For a view that states r at ASARA directly, which no row moves, and for levels that `usable` refuses.

    Examples
    --------
    >>> table = sie.evidence_table(sie.read_evidence(), sie.read_view("davidson_2025"))
    >>> table.loc["vision_2024", "implied r"]
    '1.44 (0.821–2.42)'
    """
    import pandas as pd
    import xarray as xr

    if view.states_r_asara:
        raise DataError(view.name, plain("r_asara stated directly"), "a view that evidence can move")
    why = dict(usable(evidence, view, levels=levels).attrs["left_out"])
    rows = borrow_input_growth(evidence).assign_attrs(
        levels=list((default_levels(evidence) | dict(levels or {})).items())
    )
    if draws is None:
        share = view["labour_share"].prior.median() if "labour_share" in view else np.nan
        draws = xr.Dataset({"labour_share": share})
    names = rows.estimate.values.tolist()
    on_r = rows.domain_idx.values >= 0
    return pd.DataFrame(
        {
            "kind": rows.kind.values,
            "domain": np.where(on_r, rows.domain.values[rows.domain_idx.values], ""),
            "against": np.where(on_r, rows.input.values, ""),
            "estimate": [_in_words(rows.isel(estimate=i)) for i in range(len(names))],
            "implied r": [
                _implied(rows.isel(estimate=[i]), draws) if on_r[i] else "" for i in range(len(names))
            ],
            "source": rows.source.values,
            "used": [name not in why for name in names],
            "why left out": [why.get(name, "") for name in names],
        },
        index=pd.Index(names, name="row"),
    )


def _in_words(row: xr.Dataset) -> str:
    kind = row.kind.item()
    included = " and ".join(row.adjustment.values[row.includes.values > 0].tolist())
    if kind == "growth":
        said = ", ".join(
            f"{flow} {middle:.3g}"
            for flow, middle in zip(row.flow.values.tolist(), row.growth.values[:, 1].tolist(), strict=True)
            if middle == middle
        )
        said = f"growth a year, natural log: {said}"
    elif kind == "series":
        said = "a raw history"
    elif kind == "factor":
        return f"{included} {input_number_in_words(row)}"
    elif kind == "input":
        unit = "" if row.unit.item() == "1" else f" {row.unit.item()}"
        return f"{row.quantity.item()} {input_number_in_words(row)}{unit}"
    else:
        said = f"r {input_number_in_words(row)}"
    return f"{said}; includes {included}" if included else said


def _implied(row: xr.Dataset, draws: xr.Dataset) -> str:
    """Median and 5 to 95 % of r in the domain of one row (estimate of size 1)."""
    if row.kind.values[0] == "r":
        low, _, median, _, high = row.value.values[0].tolist()
        if low != low:
            low, high = median * np.exp(np.array([-Z90, Z90]) * row.se.values[0] / median)
    elif not row.identified.values[0] or not _follows(row):
        return ""
    else:
        try:
            low, _, median, _, high = own_estimates(_at_its_level(row), draws)[0].tolist()
        except DataError:  # a history whose likelihood is not stored
            return ""
    return f"{median:.3g} ({low:.3g}–{high:.3g})"


def _at_its_level(row: xr.Dataset) -> xr.Dataset:
    """A row of growth or series as it would enter, were its domain at the level of its kind."""
    [place], kind = row.domain_idx.values, str(row.kind.values[0])
    levels = dict(row.attrs["levels"])
    if kind == "series" or levels[str(row.domain.values[place])] != "epoch" or not row.by_epoch.values[0]:
        levels[str(row.domain.values[place])] = kind
    return row.assign_attrs(levels=list(levels.items()))


def _follows(row: xr.Dataset) -> bool:
    """Whether the growth of every input that a row of growth is against is known."""
    if not is_growth_ratio(_at_its_level(row))[0]:
        return True
    known = dict(zip(INPUT_FLOWS, ~np.isnan(growth_of_inputs(row)[0, :, 1]), strict=True))
    known["compute"] = known["compute"] or (known["labour"] and not np.isnan(ratio_of_inputs(row)[0, 0]))
    return all(known[flow] for flow in NEEDS[str(row.input.values[0])])
