"""Choices on the axes of a sweep: no two are the same thing under two names, and no name changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

from ...base.errors import DataError, moved, plain
from ...data.priors import View
from ...data.schema import Field, checked, optional
from ...returns.inputs import levels_in, levels_of
from ...returns.selection import usable

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["refuse_same", "selections"]

_CHOICE = {
    "leave_out": optional(
        Field(
            lambda names: (
                names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None
            ),
            "a list of row ids and domains",
        ),
        [],
    ),
    "levels": optional(
        Field(lambda table: table if isinstance(table, dict) else None, "a table of domains"), {}
    ),
}


def refuse_same(where: str, edits: Mapping, mechanisms: Mapping, views: Mapping[str, View]) -> None:
    """Refuse two choices that give every view the same priors, and a quantity that edits and mechanisms both set."""
    for axis, choices in (("edits", edits), ("mechanisms", mechanisms)):
        seen: dict[tuple, str] = {}
        for name, stated in choices.items():
            new = tuple(
                frozenset(item for item in map(_hashable, stated.items()) if item not in _stated(view))
                for view in views.values()
            )
            if (other := seen.setdefault(new, name)) != name:
                found = plain(f"the priors of [{axis}.{other}] in every view")
                raise DataError(f"{where} [{axis}.{name}]", found, "a choice that changes something")
    for (edit, priors), (name, others) in product(edits.items(), mechanisms.items()):
        for quantity in priors.keys() & others.keys():
            found = plain(f"a quantity that [edits.{edit}] sets too")
            raise DataError(f"{where} [mechanisms.{name}] {quantity}", found, "each quantity on one axis")


def _hashable(item: tuple[str, Any]) -> tuple:
    """A choice on an axis, a prior or the numbers of a table, in a form that can be compared."""
    name, value = item
    return name, tuple(sorted(value.items())) if isinstance(value, Mapping) else value


def _stated(view: View) -> set[tuple]:
    """What a view states, in that form."""
    tables = {name: table.numbers for name, table in view.exogenous.items()}
    return {*map(_hashable, ({name: entry.prior for name, entry in view.entries.items()} | tables).items())}


def selections(
    where: str,
    choices: Mapping[str, Mapping],
    evidence: xr.Dataset,
    views: Mapping[str, View],
    levels: Mapping[str, str],
) -> tuple[dict[str, tuple[str, ...]], dict[str, dict[str, str]]]:
    """The rows that each choice of evidence leaves out, and the level of each domain in it.

    A name that takes nothing from any view, and a choice that leaves every view the rows of another, are refused.
    """
    left_out, entered, seen = {}, {}, {}
    for choice, table in choices.items():
        here = f"{where} [evidence.{choice}]"
        read = checked(here, table, _CHOICE)
        names, own = read["leave_out"], read["levels"]
        try:
            used = {name: usable(evidence, view, levels={**levels, **own}) for name, view in views.items()}
        except DataError as error:
            raise moved(error, lambda place, here=here: f"{here} {place}") from None
        entered[choice] = levels_in(next(iter(used.values())))
        used = {name: rows for name, rows in used.items() if not views[name].states_r_asara}
        counted = {
            name: dict(zip(rows.estimate.values.tolist(), levels_of(rows).tolist(), strict=True))
            for name, rows in used.items()
        }
        left_out[choice] = ()
        for name in names:
            found = _named(f"{here} leave_out", name, evidence)
            if not any(rows.keys() & found for rows in counted.values()):
                why = next((dict(rows.attrs["left_out"]).get(found[0]) for rows in used.values()), None)
                want = (
                    f"a row or domain that a view uses ({found[0]}: {why})"
                    if why
                    else "one that a view uses, once"
                )
                raise DataError(f"{here} leave_out", name, want)
            left_out[choice] += tuple(found)
            counted = {
                view: {row: level for row, level in rows.items() if row not in found}
                for view, rows in counted.items()
            }
        same = tuple(tuple(rows.items()) for rows in counted.values())
        if (other := seen.setdefault(same, choice)) != choice:
            raise DataError(
                here,
                plain(f"the rows of [evidence.{other}] in every view"),
                "a choice that changes something",
            )
    return left_out, entered


def _named(where: str, name: str, evidence: xr.Dataset) -> list[str]:
    """The rows that a name stands for: a row, or all rows of a domain."""
    domains = evidence.domain.values[evidence.domain_idx.values]
    own = (domains == name) & (evidence.domain_idx.values >= 0)
    found = evidence.estimate.values[(evidence.estimate.values == name) | own].tolist()
    if not found:
        raise DataError(where, name, "the id of an evidence row, or a domain that has rows")
    return found
