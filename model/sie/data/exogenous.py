"""What a view may say acts on growth from outside, beside its quantities: hardware that grows, a gradual boost, a pause.

Each is an optional table of plain numbers, the same in every draw; `growth.exogenous` says how it acts. Without the table there is none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..base.errors import DataError, plain
from .bibliography import Stated
from .families import LARGEST, SMALLEST, Prior
from .schema import Field, checked, meant, number, optional

__all__ = [
    "EXOGENOUS",
    "FOR_EVER",
    "NUMBERS",
    "Exogenous",
    "Number",
    "check_together",
    "fields_of",
    "numbers_from",
    "read_numbers",
    "variables",
]

FOR_EVER = 1e6
"""Years that stand for no end of hardware growth; no pause is longer."""


@dataclass(frozen=True, kw_only=True)
class Number:
    """One number of a table: its name among the draws and the options of `sie grow`, and `off`, what it is there if nothing is said."""

    variable: str
    meaning: str
    unit: str
    off: float
    lower: float = 0.0
    upper: float = LARGEST
    optional: bool = False
    needs: str

    @property
    def want(self) -> str:
        """The range in words."""
        return f"a number from {self.lower:g} to {self.upper:g}"


EXOGENOUS: Mapping[str, Mapping[str, Number]] = MappingProxyType(
    {
        "hardware_growth": {
            "doublings_per_year": Number(
                variable="hardware_growth",
                meaning="growth of hardware after ASARA; AI copies and experiments both scale with it",
                unit="doublings a year",
                off=0.0,
                needs="a path that goes on growing",
            )
        },
        "boost": {
            "start": Number(
                variable="boost_start",
                meaning="f at ASARA of a boost that comes gradually, the pace being (1 + f) times the recent pace; nan for a boost at once",
                unit="1",
                off=math.nan,
                lower=SMALLEST,
                needs="an f other than speedup - 1",
            ),
            "end": Number(
                variable="boost_end",
                meaning="f after boost_years; nan for the speed-up at ASARA",
                unit="1",
                off=math.nan,
                lower=SMALLEST,
                optional=True,
                needs="boost_start",
            ),
            "years": Number(
                variable="boost_years",
                meaning="years in which f grows exponentially from boost_start to boost_end",
                unit="years",
                off=5.0,
                lower=SMALLEST,
                upper=FOR_EVER,
                needs="boost_start and another boost_end",
            ),
        },
        "pause": {
            "doublings": Number(
                variable="pause_doublings",
                meaning="software gained since ASARA at which a pause begins",
                unit="labour doublings",
                off=0.0,
                needs="pause_years above 0",
            ),
            "years": Number(
                variable="pause_years",
                meaning="length of the pause",
                unit="years",
                off=0.0,
                upper=FOR_EVER,
                needs="a path that reaches pause_doublings",
            ),
        },
    }
)
"""The tables that a view may have, and their numbers."""

NUMBERS: Mapping[str, Number] = MappingProxyType(
    {each.variable: each for numbers in EXOGENOUS.values() for each in numbers.values()}
)
"""Every number by its variable."""


@dataclass(frozen=True, kw_only=True)
class Exogenous(Stated):
    """One of the tables of a view: its numbers by key, and where they come from."""

    numbers: Mapping[str, float]


def fields_of(name: str) -> dict[str, Field]:
    """What the keys of a table may hold."""
    fields = {
        key: meant(number(each.lower, each.want, high=each.upper), each.meaning, each.unit)
        for key, each in EXOGENOUS[name].items()
    }
    return {key: optional(field) if EXOGENOUS[name][key].optional else field for key, field in fields.items()}


def numbers_from(name: str, values: Mapping[str, Any]) -> Mapping[str, float]:
    """The numbers among the values of a table, without those that it leaves out."""
    found = {key: values[key] for key in EXOGENOUS[name]}
    return MappingProxyType({key: value for key, value in found.items() if value is not None})


def read_numbers(where: str, name: str, table: object) -> Mapping[str, float]:
    """The numbers of a table that has nothing else. Raises DataError that starts with `where`."""
    want = "a table with " + ", ".join(EXOGENOUS[name])
    table = dict(table) if isinstance(table, Mapping) else table
    return numbers_from(name, checked(where, table, fields_of(name), want=want))


def variables(tables: Mapping[str, Exogenous]) -> dict[str, float]:
    """The numbers of a view's tables, by the variable that each is among its draws."""
    return {
        EXOGENOUS[name][key].variable: value
        for name, table in tables.items()
        for key, value in table.numbers.items()
    }


def check_together(where: str, tables: Mapping[str, Exogenous], shortest_doubling: Prior | None) -> None:
    """Refuse tables that cannot act together, or beside a shortest doubling time. Raises DataError that starts with `where`."""
    factors = [name for name in ("hardware_growth", "boost") if name in tables]
    if len(factors) > 1:
        raise DataError(f"{where} [boost]", plain("[hardware_growth] too"), ONE_FACTOR)
    if factors and shortest_doubling is not None and shortest_doubling != NO_LIMIT:
        found = plain(f"a shortest_doubling other than {NO_LIMIT.family} {NO_LIMIT.numbers[0]:g}")
        raise DataError(f"{where} [{factors[0]}]", found, NO_LIMIT_BESIDE)


NO_LIMIT = Prior(family="fixed", numbers=(0.0,))

ONE_FACTOR = "one of hardware growth and a boost (their product is no factor that paths can follow exactly)"
NO_LIMIT_BESIDE = "shortest_doubling 0 beside hardware growth or a boost (which would go on in calendar time while it holds the pace)"
"""Why some things are not followed together."""
