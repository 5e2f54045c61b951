"""The rows that count for views and the views' designs, kept: an edit of a prior's numbers changes neither."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ..data.priors import View
from ..returns.design import Design, design
from ..returns.inputs import levels_of
from ..returns.likelihoods import stored_of

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["NO_LEVELS", "Designs", "form_of"]

NO_LEVELS: Mapping[str, str] = MappingProxyType({})
"""Every domain at its default level."""

KEPT = 64
"""Choices of rows that are kept, and designs."""


def form_of(view: View) -> tuple:
    """What a view states, in which unit, and what of it is fixed: which rows may update it follows from this."""
    return tuple(
        sorted((name, entry.unit, entry.prior.family == "fixed") for name, entry in view.entries.items())
    )


class Designs:
    """What one body of evidence is to any view.

    Parameters
    ----------
    evidence : xr.Dataset or None
        From `read_evidence`; None means priors only.
    without : collection of str, optional
        Rows that are left out of those that count.
    """

    def __init__(self, evidence: xr.Dataset | None, *, without: Collection[str] = ()) -> None:
        self.evidence, self.without = evidence, sorted(without)
        self._rows: dict[tuple, xr.Dataset] = {}
        self._designs: dict[tuple, Design] = {}
        self._tables: dict[str, xr.DataArray] = {}

    def rows(self, view: View, *, levels: Mapping[str, str] = NO_LEVELS) -> xr.Dataset | None:
        """The rows that count for a view (`usable`, less those of `without`); None where evidence cannot move it."""
        from ..returns.selection import usable

        if self.evidence is None or view.states_r_asara:
            return None
        key = (view.name, form_of(view), view.reflects, tuple(sorted(levels.items())))
        if key not in self._rows:
            rows = usable(self.evidence, view, levels=levels)
            left = ~np.isin(rows.estimate.values, self.without)
            _keep(self._rows, key, rows if left.all() else rows.isel(estimate=left))
        return self._rows[key]

    def design(self, view: View, rows: xr.Dataset) -> Design:
        """What a view and its `rows` are to the model."""
        counted = tuple(zip(rows.estimate.values.tolist(), levels_of(rows).tolist(), strict=True))
        key = (view.name, form_of(view), view.correlations, view.reflects, counted)
        if key not in self._designs:
            _keep(self._designs, key, design(rows, view, likelihoods=stored_of(rows, self._tables)))
        return replace(self._designs[key], view=view)


def _keep(kept: dict, key: tuple, value: object) -> None:
    if len(kept) >= KEPT:
        kept.clear()
    kept[key] = value
