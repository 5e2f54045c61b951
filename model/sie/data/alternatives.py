"""Other choices that could be defended, with their reasons: `priors/alternatives.toml` to frozen `Alternative`s in groups.

An alternative changes priors, rows or levels, or draws after the fit. Those of one group exclude each other; of two groups they
can be made together, so that no two groups change the same thing.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..base.errors import DataError, Problems, plain
from ..base.reading import data_folder, read_toml
from .bibliography import Source, Stated, read_sources
from .families import Prior, is_finite
from .prior_tables import ORIGIN_KEYS, numbers_of, origin_of, read_prior
from .priors import ALTERNATIVES
from .quantities import QUANTITIES
from .rows import LEVELS
from .schema import LINE, MANY_WORDS, Field, Rule, by_name, checked, meant, number, one_of, optional, words
from .views import check_range

__all__ = ["COLUMNS", "GROWN", "Alternative", "Alternatives", "fields_of", "read_alternatives"]

SHOWN_LETTERS = 110
"""Letters of a line of the list that is shown."""

MOST_WEIGHT = 100.0
"""Largest weight of an alternative, beside the headline's 1: anything weightier should be the headline itself."""

GROWN = ("output", "labour", "compute")
"""Growth rates of a row that an alternative may replace, by their 5, 50 and 95 % quantiles."""


@dataclass(frozen=True, kw_only=True)
class Alternative(Stated):
    """Another choice than that of the view, and why.

    Attributes
    ----------
    name, group, label : str
        Its key, its group's key, and a line of text.
    weight : float
        What it weighs in the average where the view's own choice weighs 1.
    priors : mapping of str to Prior
        Priors in place of the view's own; of a quantity that it does not state, too, where `drops` makes room for another form.
    drops : tuple of str
        Quantities that the view states no more.
    without : tuple of str
        Rows that do not count.
    levels : mapping of str to str
        The level of domains.
    rows : mapping of str to mapping
        Columns of rows with other values.
    definition_errors : float
        Factor on the definition error of every row.
    at_asara : mapping of str to float
        Factors on draws of quantities after the fit: what they are from ASARA on.
    learns_lambda : bool
        Whether raw histories teach the lambda under which they are read.
    """

    name: str
    group: str
    label: str
    weight: float
    priors: Mapping[str, Prior] = field(default_factory=dict)
    drops: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    levels: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    definition_errors: float = 1.0
    at_asara: Mapping[str, float] = field(default_factory=dict)
    learns_lambda: bool = False

    @property
    def edits_rows(self) -> bool:
        """Whether rows enter at other levels or with other numbers."""
        return bool(self.levels or self.rows) or self.definition_errors != 1

    @property
    def touched(self) -> set[str]:
        """What it sets, in words, by which two groups are told to set the same."""
        of = {"prior": self.priors, "level of": self.levels, "at ASARA": self.at_asara}
        found = {f"{kind} {name}" for kind, names in of.items() for name in names}
        found |= {f"row {row} {column}" for row, columns in self.rows.items() for column in columns}
        return found | ({"definition errors"} if self.definition_errors != 1 else set())


@dataclass(frozen=True, kw_only=True)
class Alternatives:
    """Every alternative, in groups.

    Attributes
    ----------
    groups : mapping of str to str
        The label of each group.
    choices : mapping of str to Alternative
        By name, in the order of the file.
    quotes : tuple of (where, source, quote)
        Of every table that quotes.
    path : Path
        The file.
    """

    groups: Mapping[str, str]
    choices: Mapping[str, Alternative]
    quotes: tuple[tuple[str, str, str], ...]
    path: Path

    def __repr__(self) -> str:
        lines = [f"{self.path.name}: {len(self.choices)} alternatives in {len(self.groups)} groups"]
        for group, label in self.groups.items():
            names = ", ".join(name for name, choice in self.choices.items() if choice.group == group)
            lines.append(textwrap.shorten(f"{label}: {names}", SHOWN_LETTERS, placeholder=" ..."))
        return "\n".join(lines)


def read_alternatives(
    path: Path | str | None = None, *, sources: Mapping[str, Source] | None = None
) -> Alternatives:
    """Read and check a list of alternatives.

    Parameters
    ----------
    path : Path or str, optional
        A TOML file (default: the bundled `alternatives.toml`).
    sources : mapping of str to Source, optional
        The bibliography that its tables must cite (default: the bundled one).

    Returns
    -------
    Alternatives
        In the order of the file.

    Raises
    ------
    DataError
        At the first problem: a key that is missing or unknown, an unknown group, two alternatives of one label, an alternative that
        changes nothing, a prior out of the range of its quantity, two groups that set the same.
    """
    path = data_folder("priors") / ALTERNATIVES if path is None else Path(path)
    sources, file = read_sources() if sources is None else sources, path.name
    kinds = {"groups": by_name(LINE, "a table GROUP = label"), "alternatives": _tables}
    with Problems() as problems:
        tables = problems.attempt(lambda: checked(file, read_toml(path), kinds))
        read = {
            name: problems.attempt(
                _read, f"{file} [alternatives.{name}]", name, item, tables["groups"], sources
            )
            for name, item in (tables["alternatives"] if tables else {}).items()
        }
        if not problems:
            _check_together(file, tables["groups"], read, problems)
    quotes = [
        (f"{file} [alternatives.{name}]", choice.source or "", choice.quote)
        for name, choice in read.items()
        if choice.quote
    ]
    return Alternatives(
        groups=MappingProxyType(tables["groups"]),
        choices=MappingProxyType(read),
        quotes=tuple(quotes),
        path=path,
    )


_tables = Field(
    lambda found: found if isinstance(found, dict) and found else None, "tables [alternatives.NAME]"
)
_dict = Field(lambda found: found if isinstance(found, dict) and found else None, "a table")
_POSITIVE = number(1e-3, "a number from 0.001 to 1000", high=1e3)


def _quantiles(values: Any) -> list[float] | None:
    good = isinstance(values, list) and len(values) == 3 and all(map(is_finite, values))
    return values if good and 0 < values[0] < values[1] < values[2] else None


_GROWTH = Field(_quantiles, "its 5, 50 and 95 % quantiles, natural logs a year, above 0 and ascending")

COLUMNS = {
    **{key: meant(optional(_GROWTH), f"growth of {key}", "natural log a year") for key in GROWN},
    **{
        key: meant(optional(number(-100, "a number", high=100)), f"{key} of the row", "as in the table")
        for key in ("q50", "definition_sd", "measure_sd", "se")
    },
    "measure": meant(optional(words()), "how the row counts labour"),
    "preferred": meant(
        optional(Field(lambda v: v if isinstance(v, bool) else None, "true or false")),
        "whether the row is the one that counts of its output data",
    ),
}
"""Columns of a row that an alternative may set; those of one quantile are named after it, growth rates have all three."""


def _changes(where: str, values: Mapping[str, Any]) -> None:
    keys = (*_CHANGES,)
    if not any(values[key] for key in keys):
        raise DataError(where, plain("an alternative that changes nothing"), "one of " + ", ".join(keys))


_CHANGES = {
    "priors": meant(optional(_dict), "priors in place of the view's own, a table a quantity"),
    "drops": meant(optional(MANY_WORDS), "quantities that the view states no more"),
    "without": meant(optional(MANY_WORDS), "ids of rows that do not count"),
    "levels": meant(optional(by_name(one_of(LEVELS), "a table DOMAIN = LEVEL")), "level of domains"),
    "rows": meant(optional(_dict), "columns of rows with other values, a table a row"),
    "definition_errors": meant(optional(_POSITIVE), "factor on definition_sd of every row", "1"),
    "at_asara": meant(
        optional(by_name(_POSITIVE, "a table QUANTITY = factor")),
        "factors on draws of quantities after the fit: what they are from ASARA on",
        "1",
    ),
    "learns_lambda": meant(
        optional(Field(lambda v: v if v is True else None, "true")),
        "true: raw histories teach the lambda under which they are read",
    ),
}
"""What an alternative may change."""


def fields_of(groups: Collection[str]) -> dict[str, Field]:
    """The keys of an alternative; `groups` are those of the file."""
    weight = number(0, f"a number from 0 to {MOST_WEIGHT:g}", high=MOST_WEIGHT)
    return {
        "group": meant(
            one_of(groups, "one of [groups]: " + ", ".join(groups)),
            "group of choices that exclude each other",
        ),
        "label": meant(LINE, "name in tables and figures"),
        "weight": meant(weight, "what it weighs in the average where the view's own choice weighs 1", "1"),
        **_CHANGES,
        **ORIGIN_KEYS,
    }


def _read(
    where: str, name: str, item: Any, groups: Mapping[str, str], sources: Mapping[str, Source]
) -> Alternative:
    fields = fields_of(groups)
    with Problems() as problems:
        tables = item.get("priors") if isinstance(item, dict) else None
        priors = {
            quantity: problems.attempt(_read_prior, f"{where} priors", quantity, table)
            for quantity, table in (tables if isinstance(tables, dict) else {}).items()
        }
        numbers = [number for prior in priors.values() if prior for number in numbers_of(prior)]
        rules: tuple[Rule, ...] = (_changes, origin_of("", numbers, sources))
        values = problems.attempt(lambda: checked(where, item, fields, rules))
        rows = {
            row: problems.attempt(_read_columns, f"{where} rows {row}", columns)
            for row, columns in ((values or {}).get("rows") or {}).items()
        }
    values |= {"priors": MappingProxyType(priors), "rows": MappingProxyType(rows)}
    values |= {key: tuple(values[key] or ()) for key in ("drops", "without")}
    return Alternative(name=name, **{key: value for key, value in values.items() if value is not None})


def _read_prior(where: str, quantity: str, table: object) -> Prior:
    if quantity not in QUANTITIES:
        raise DataError(where, quantity, "one of " + ", ".join(QUANTITIES))
    prior = read_prior(f"{where} {quantity}", table)
    check_range(f"{where} {quantity}", quantity, prior)
    return prior


def _read_columns(where: str, table: object) -> dict[str, Any]:
    found = checked(where, table, COLUMNS, want="a table of columns")
    columns = {column: value for column, value in found.items() if value is not None}
    if not columns:
        raise DataError(where, plain("no column"), "one of " + ", ".join(COLUMNS))
    return columns


def _check_together(
    file: str, groups: Mapping[str, str], read: Mapping[str, Alternative], problems: Problems
) -> None:
    """Labels are different, every group has an alternative, and what one group sets no other sets."""
    labels: dict[str, str] = {}
    owners: dict[str, Alternative] = {}
    for name, choice in read.items():
        where = f"{file} [alternatives.{name}]"
        if (other := labels.setdefault(choice.label, name)) != name:
            want = f"a label of its own ([alternatives.{other}] has it)"
            problems.refuse(f"{where} label", choice.label, want)
        for what in sorted(choice.touched):
            if (owner := owners.setdefault(what, choice)).group != choice.group:
                want = f"one group for it ([alternatives.{owner.name}] is in {owner.group})"
                problems.refuse(where, plain(f"{what}, set in group {choice.group}"), want)
    for group in groups:
        if group not in {choice.group for choice in read.values()}:
            problems.refuse(f"{file} [groups] {group}", plain("no alternative in it"), "at least one")
