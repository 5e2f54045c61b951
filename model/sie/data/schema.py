"""What the keys and cells of data files may hold: each a `Field`, each table a set of fields and rules between them.

`checked` turns a table of TOML or JSON, or a row of CSV, into values, or into one DataError with all its problems.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from ..base.errors import UNKNOWN, DataError, Problems, plain

__all__ = [
    "DATE",
    "FLAG",
    "LINE",
    "MANY_WORDS",
    "REQUIRED",
    "WORDS",
    "Field",
    "Rule",
    "anything",
    "ascending",
    "by_name",
    "cell",
    "checked",
    "known",
    "matching",
    "meant",
    "number",
    "once",
    "one_of",
    "optional",
    "whole",
    "words",
]

LARGEST = 1e6
"""Larger numbers in a table are taken for mistakes unless a column says otherwise."""

REQUIRED = "(the key is required)"

Rule = Callable[[str, Mapping[str, Any]], object]
"""What must hold between the fields of a table: called with where and the values, it raises DataError."""


@dataclass(frozen=True)
class Field:
    """What a key or a cell may hold.

    `read` makes the value of what stands there; None, ValueError and TypeError refuse it. An optional key need not be there, and has
    the value `empty` then; so has an empty cell or string, unless `empty` is None. `meaning` and `unit` are what the data dictionary
    says of it (`page.dictionary`).
    """

    read: Callable[[Any], Any]
    want: str
    is_optional: bool = False
    empty: Any = None
    meaning: str = ""
    unit: str = ""

    def of(self, where: str, found: object) -> Any:
        """The value, or a DataError."""
        nothing = found is None or (isinstance(found, str) and not found)
        if nothing and self.is_optional and (found is None or self.empty is not None):
            return self.empty
        try:
            value = self.read(found) if found is not None else None
        except DataError:
            raise
        except (ValueError, TypeError, OverflowError):
            value = None
        if value is None:
            raise DataError(where, plain("nothing") if nothing else found, self.want)
        return value


def optional(field: Field, empty: Any = None) -> Field:
    """The same field, made optional."""
    return replace(field, is_optional=True, empty=empty)


def meant(field: Field, meaning: str, unit: str = "") -> Field:
    """The field with its meaning in one line, and its unit where it is a number."""
    return replace(field, meaning=meaning, unit=unit)


def checked(
    where: str,
    table: object,
    fields: Mapping[str, Field],
    rules: Iterable[Rule] = (),
    *,
    others: bool = False,
    want: str = "a table",
) -> dict[str, Any]:
    """The values of a table by key. `others` allows further keys, which are left out.

    A rule that asks for a value that was refused is not applied.
    """
    if not isinstance(table, dict):
        raise DataError(where, table, want)
    values: dict[str, Any] = {}
    refused = set()
    with Problems() as problems:
        for key in () if others else table:
            if key not in fields:
                problems.refuse(f"{where} {key}", plain(UNKNOWN), "one of " + ", ".join(fields))
        for key, field in fields.items():
            try:
                if key not in table and not field.is_optional:
                    raise DataError(f"{where} {key}", plain("nothing"), f"{field.want} {REQUIRED}")
                values[key] = field.of(f"{where} {key}", table.get(key))
            except DataError as error:
                problems.add(error)
                refused.add(key)
        for rule in rules:
            try:
                rule(where, values)
            except DataError as error:
                problems.add(error)
            except KeyError as error:
                if error.args[0] not in refused:
                    raise
    return values


def anything(want: str = "a value") -> Field:
    """Any value; it is checked elsewhere."""
    return Field(lambda value: value, want)


def words(want: str = "a string") -> Field:
    """Text that is not blank."""
    return Field(lambda text: text if isinstance(text, str) and text.strip() else None, want)


def one_of(options: Collection[Any], want: str | None = None) -> Field:
    """One of these values."""
    return Field(
        lambda value: value if isinstance(value, str) and value in options else None,
        want or "one of " + ", ".join(options),
    )


def known(keys: Collection[str] | None, want: str) -> Field:
    """A key of something else that was read; any text where that could not be read."""
    return words(want) if keys is None else one_of(keys, want)


def matching(pattern: str, want: str) -> Field:
    """Text of this pattern."""
    return Field(lambda text: text if re.fullmatch(pattern, text, re.ASCII) else None, want)


def cell(low: float, want: str, *, high: float = LARGEST) -> Field:
    """A cell of a CSV file that is a number from `low` to `high`."""

    def read(text: str) -> float | None:
        value = float(text) if "_" not in text and text.isascii() else math.nan
        return value if low <= value <= high else None

    return Field(read, want)


def number(low: float, want: str, *, high: float = math.inf) -> Field:
    """A number of a TOML or JSON document, from `low` to `high` and finite."""

    def read(value: Any) -> float | None:
        good = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if good and low <= value <= high and math.isfinite(value) else None

    return Field(read, want)


def whole(low: int = 0, *, want: str = "a whole number of at least 0") -> Field:
    """A whole number of a TOML or JSON document, at least `low`."""
    return Field(
        lambda value: (
            value if isinstance(value, int) and not isinstance(value, bool) and value >= low else None
        ),
        want,
    )


def by_name(field: Field, want: str) -> Field:
    """A table of such values by names without control characters."""

    def read(table: Any) -> Mapping[str, Any] | None:
        if not isinstance(table, dict) or not all(name.isprintable() for name in table):
            return None
        values = {name: field.read(value) for name, value in table.items()}
        return None if None in values.values() else MappingProxyType(values)

    return Field(read, want)


def _different_words(items: Any) -> list[str] | None:
    good = isinstance(items, list) and all(isinstance(item, str) for item in items)
    return items if good and len(set(items)) == len(items) else None


def _date(found: Any) -> datetime.date | None:
    if type(found) is datetime.date:
        return found
    return datetime.date.fromisoformat(found) if re.fullmatch(r"\d{4}-\d\d-\d\d", found, re.ASCII) else None


WORDS = optional(words(), "")
"""Optional text."""

LINE = Field(
    lambda text: text if isinstance(text, str) and text.strip() and text.isprintable() else None,
    "a line of text without control characters",
)
MANY_WORDS = Field(_different_words, "a list of different row ids")
FLAG = Field(lambda text: ("0", "1").index(text), "0 or 1")
DATE = Field(_date, "a date such as 2026-02-05")


def ascending(*keys: str) -> Rule:
    """The numbers of these keys, those left empty (NaN) apart, ascend."""

    def rule(where: str, values: Mapping[str, Any]) -> None:
        stated = [value for key in keys if not math.isnan(value := values[key])]
        if stated != sorted(set(stated)):
            raise DataError(f"{where} {keys[0]}", stated, "quantiles in ascending order")

    return rule


def once(*keys: str, want: str) -> Rule:
    """No two tables have the same values of these keys."""
    seen = set()

    def rule(where: str, values: Mapping[str, Any]) -> None:
        found = tuple(values[key] for key in keys)
        if found in seen:
            raise DataError(f"{where} {keys[-1]}", found[-1], want)
        seen.add(found)

    return rule
