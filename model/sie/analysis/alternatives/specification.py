"""A view, its rows and its draws under some alternatives at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ...base.errors import DataError, plain
from ...data.alternatives import GROWN, Alternative
from ...data.quantities import QUANTITIES
from ...data.views import Entry, View
from ...inference.designs import form_of
from ...returns.inputs import levels_of
from ...returns.selection import usable

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Specification", "Specifications"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Specification:
    """What some alternatives make of a view: the view and rows to fit, and what happens to the draws.

    Attributes
    ----------
    choices : tuple of Alternative
        The alternatives; none for the view as it is.
    view : View
        With their priors.
    all_rows : xr.Dataset
        The rows that would count if none were left out.
    kept : np.ndarray
        Which of them count, bool (estimate,).
    key : tuple
        What the design of `all_rows` depends on besides the priors of what is uncertain.
    at_asara : mapping of str to float
        Factors on draws of quantities from ASARA on.
    learns_lambda : bool
        Whether raw histories teach the lambda under which they are read.
    """

    choices: tuple[Alternative, ...]
    view: View
    all_rows: xr.Dataset
    kept: np.ndarray
    key: tuple
    at_asara: Mapping[str, float]
    learns_lambda: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the alternatives."""
        return tuple(choice.name for choice in self.choices)

    @property
    def rows(self) -> xr.Dataset:
        """The rows that count."""
        return self.all_rows.isel(estimate=self.kept)

    @property
    def weight(self) -> float:
        """The product of the alternatives' weights: 1 for the view as it is."""
        return float(np.prod([choice.weight for choice in self.choices]))


class Specifications:
    """The specifications of a view and a body of evidence; rows that several share are chosen once.

    Parameters
    ----------
    view : View
        A view that evidence can move.
    evidence : xr.Dataset
        From `read_evidence`.
    """

    def __init__(self, view: View, evidence: xr.Dataset) -> None:
        self.view, self.evidence = view, evidence
        self._rows: dict[tuple, xr.Dataset] = {}

    def of(self, *choices: Alternative) -> Specification:
        """The specification of some alternatives, each of another group.

        Raises DataError where an alternative has no meaning for the view, or beside the others.
        """
        view = _view(self.view, choices)
        factors = {name: times for choice in choices for name, times in choice.at_asara.items()}
        for name in factors.keys() - {*view.entries}:
            found = plain(f"{name} at ASARA, which {view.name} does not state")
            raise DataError(_where(choices), found, "a quantity that it states")
        on_rows = tuple(choice for choice in choices if choice.edits_rows)
        key = (form_of(view), tuple(choice.name for choice in on_rows))
        if key not in self._rows:
            levels = {domain: level for choice in choices for domain, level in choice.levels.items()}
            self._rows[key] = usable(_evidence(self.evidence, on_rows), view, levels=levels)
        gone = {row for choice in choices for row in choice.without}
        rows = self._rows[key]
        return Specification(
            choices=choices,
            view=view,
            all_rows=rows,
            kept=np.array([row not in gone for row in rows.estimate.values.tolist()]),
            key=(*key, _fixed(view)),
            at_asara=MappingProxyType(factors),
            learns_lambda=any(choice.learns_lambda for choice in choices),
        )

    def check(self, choice: Alternative) -> Specification:
        """The specification of one alternative.

        Raises DataError where it has no meaning for the view, leaves out a row that the view does not use, or changes nothing.
        """
        found, own, where = self.of(choice), self.of(), _where([choice])
        ids = own.rows.estimate.values.tolist()
        for row in choice.without:
            if row not in ids:
                why = dict(own.rows.attrs["left_out"]).get(row, "no such row")
                raise DataError(f"{where} without", row, f"a row that {self.view.name} uses ({why})")
        same_view = found.view.entries.keys() == own.view.entries.keys() and all(
            found.view[name].prior == own.view[name].prior for name in own.view.entries
        )
        same_draws = not found.learns_lambda and all(times == 1 for times in found.at_asara.values())
        same_rows = found.rows.equals(own.rows) and np.array_equal(levels_of(found.rows), levels_of(own.rows))
        if same_view and same_draws and same_rows:
            said = plain(f"what {self.view.name} says already")
            raise DataError(where, said, "an alternative that changes something")
        return found


def _fixed(view: View) -> tuple:
    """What the view fixes."""
    return tuple((n, entry.prior) for n, entry in view.entries.items() if entry.prior.family == "fixed")


def _where(choices: Sequence[Alternative]) -> str:
    return " and ".join(f"[alternatives.{choice.name}]" for choice in choices)


def _view(view: View, choices: Sequence[Alternative]) -> View:
    """The view with the alternatives' priors, without the quantities that they drop."""
    if not any(choice.priors or choice.drops for choice in choices):
        return view
    drops = {name for choice in choices for name in choice.drops}
    for name in sorted(drops - {*view.entries}):
        found = plain(f"{name} dropped, which {view.name} does not state")
        raise DataError(_where(choices), found, "a quantity that it states")
    adds = {name for choice in choices if choice.drops for name in choice.priors}
    entries = {name: entry for name, entry in view.entries.items() if name not in drops}
    for choice in choices:
        for name, prior in choice.priors.items():
            if (name not in view and name not in adds) or name in drops:
                found = plain(f"a prior of {name}, which {view.name} does not state")
                raise DataError(_where(choices), found, "a quantity that it states")
            stands = entries.get(name) or Entry(
                prior=prior, unit=QUANTITIES[name].units[0], basis="ours", locator=""
            )
            entries[name] = stands.replaced(prior, locator="alternatives.toml", note=choice.label)
            if name in adds and name == "r_typical":
                entries[name] = dataclasses.replace(entries[name], against=None)
    return dataclasses.replace(
        view, entries=MappingProxyType(entries), concludes=MappingProxyType({}), path=None
    )


def _evidence(evidence: xr.Dataset, choices: Sequence[Alternative]) -> xr.Dataset:
    """The evidence with other values in some columns of some rows."""
    changing = [choice for choice in choices if choice.rows or choice.definition_errors != 1]
    if not changing:
        return evidence
    found, ids = evidence.copy(deep=True), evidence.estimate.values.tolist()
    for choice in changing:
        found["definition_sd"] = found.definition_sd * choice.definition_errors
        for row, columns in choice.rows.items():
            if row not in ids:
                raise DataError(f"{_where([choice])} rows", row, "the id of an evidence row")
            at = ids.index(row)
            for column, value in columns.items():
                if column in GROWN:
                    flow = found.flow.values.tolist().index(column)
                    found["growth"].transpose("estimate", "flow", "growth_quantile").values[at, flow] = value
                elif column == "q50":
                    middle = found["quantile"].values.tolist().index(0.5)
                    found["value"].transpose("estimate", "quantile").values[at, middle] = value
                else:
                    column_of = found[column]
                    values = column_of.values.astype(object if isinstance(value, str) else column_of.dtype)
                    values[at] = value
                    found[column] = column_of.copy(
                        data=values.astype(str) if isinstance(value, str) else values
                    )
    return found
