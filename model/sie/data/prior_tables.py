"""The table that states a prior: a family and its numbers, read into a `Prior`; with unit and provenance, into an `Entry`.

And the table that correlates two of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..base.errors import DataError, Problems, moved
from .bibliography import ORIGIN, PROVENANCE, SOURCE_KEY, Source, check_provenance
from .correlations import Correlation
from .exogenous import EXOGENOUS, Exogenous, fields_of, numbers_from
from .families import FAMILIES, Prior, is_finite
from .quantities import QUANTITIES, Quantity
from .schema import LINE, MANY_WORDS, Field, Rule, anything, checked, known, meant, one_of, optional, words
from .views import Entry, check_range

__all__ = [
    "CORRELATION",
    "ORIGIN_KEYS",
    "OWN_KEYS",
    "numbers_of",
    "origin_of",
    "read_correlations",
    "read_entry",
    "read_exogenous",
    "read_prior",
    "top_keys",
]

ORIGIN_KEYS = {key: meant(optional(words()), field.meaning) for key, field in ORIGIN.items()}
"""The fields of `PROVENANCE` in a TOML table, which leaves out those that it does not have."""

OWN_KEYS = {
    "speedup": {
        "reached": meant(
            optional(Field(lambda value: value if isinstance(value, bool) else None, "true or false"), False),
            "true if the speed-up is the one reached, and not what it would be at sigma 1",
        )
    },
    "r_typical": {
        "against": meant(
            optional(one_of(("labour", "all"))),
            "input that r is measured against; it follows from the form of the view and must agree with it",
        )
    },
}
"""Keys that the table of one quantity alone may have."""


def top_keys(sources: Collection[str] | None = None) -> dict[str, Field]:
    """The keys of a view beside its tables; without `sources` its work is not looked up."""
    return {
        "label": meant(LINE, "name of the view in reports and figures"),
        "source": meant(
            known(sources, SOURCE_KEY), "work that states the beliefs; tables may name another of their own"
        ),
        "reflects": meant(
            MANY_WORDS, "ids of evidence rows that the beliefs already rest on, which are not used again"
        ),
    }


_FAMILY = one_of(FAMILIES)
_LIST = Field(lambda items: items if isinstance(items, list) else None, "a list")


def _parts(tables: Any) -> list | None:
    simple = all(isinstance(table, dict) and table.get("family") != "mixture" for table in tables)
    return tables if isinstance(tables, list) and simple else None


_PARTS = Field(_parts, "a list of tables, each a family and its numbers, no mixture within")


def read_prior(where: str, table: object, also: tuple[str, ...] = ()) -> Prior:
    """A prior from its table, which may have other keys besides. Raises DataError that starts with `where`."""
    want = "a table with a family and its numbers"
    family = checked(where, table, {"family": _FAMILY}, others=True, want=want)["family"]
    if family == "mixture":
        fields = {"weights": _LIST, "parts": _PARTS}
    else:
        fields = dict.fromkeys(FAMILIES[family], anything(f"a number of the family {family}"))
    fields = {"family": _FAMILY, **fields, **dict.fromkeys(also, optional(anything()))}
    values = checked(where, table, fields)
    with Problems() as problems:
        parts = [
            problems.attempt(read_prior, f"{where} parts[{i}]", part)
            for i, part in enumerate(values.get("parts", ()))
        ]
    numbers = values["weights"] if family == "mixture" else [values[key] for key in FAMILIES[family]]
    try:
        return Prior(family=family, numbers=tuple(numbers), parts=tuple(parts))
    except DataError as error:
        raise moved(error, lambda place: place.replace("prior", where, 1)) from None


def numbers_of(prior: Prior) -> list[float]:
    """Every number that a prior states, those of its parts too."""
    return [*prior.numbers, *(number for part in prior.parts for number in numbers_of(part))]


def origin_of(
    source: str, numbers: list[float], sources: Mapping[str, Source], *, may_borrow: bool = False
) -> Rule:
    """The rule that a table's provenance is what its basis promises; `source` is used where the table names none."""

    def rule(where: str, values: Mapping[str, Any]) -> None:
        record = {key: values[key] for key in PROVENANCE}
        record["source"] = record["source"] or source
        check_provenance(where, record, numbers, sources, may_borrow=may_borrow)

    return rule


def read_entry(
    where: str,
    name: str,
    table: object,
    source: str,
    sources: Mapping[str, Source],
    quantities: Mapping[str, Quantity] = QUANTITIES,
    *,
    may_borrow: bool = False,
) -> Entry:
    """One table as an `Entry`: prior, unit and provenance checked against its quantity.

    `source` is used where the table names none; `may_borrow` allows the basis `reference`.
    """
    want = "a table with a family, its numbers, unit and basis"
    if not isinstance(table, dict):
        raise DataError(where, table, want)
    units = quantities[name].units
    own = OWN_KEYS.get(name, {}) if quantities is QUANTITIES else {}
    fields = {"unit": one_of(units, "one of " + "; ".join(units)), **ORIGIN_KEYS, **own}
    with Problems() as problems:
        prior = problems.attempt(read_prior, where, table, tuple(fields))
        if prior is not None:
            problems.attempt(check_range, where, name, prior, quantities)
        numbers = numbers_of(prior) if prior is not None else []
        rules = (origin_of(source, numbers, sources, may_borrow=may_borrow),)
        values = problems.attempt(lambda: checked(where, table, fields, rules, others=True))
    return Entry(prior=prior, **values)


def _pair(names: Any) -> tuple[str, str] | None:
    good = isinstance(names, list) and len(names) == 2 and all(isinstance(name, str) for name in names)
    return (names[0], names[1]) if good else None


CORRELATION = {
    "between": meant(Field(_pair, "a list of two quantities"), "the two quantities"),
    "rank": meant(
        Field(
            lambda rank: float(rank) if is_finite(rank) and -1 < rank < 1 and rank != 0 else None,
            "a number between -1 and 1 other than 0",
        ),
        "their rank correlation, which a Gaussian copula has",
        "1",
    ),
    **ORIGIN_KEYS,
}


def read_correlations(
    where: str, items: object, source: str, sources: Mapping[str, Source]
) -> tuple[Correlation, ...]:
    """The tables `[[correlations]]` of a view; whether its priors allow them is checked with the view."""
    if not isinstance(items, list):
        raise DataError(f"{where} [[correlations]]", items, "tables [[correlations]]")
    with Problems() as problems:
        return tuple(
            problems.attempt(_read_correlation, f"{where} [[correlations]] {i}", item, source, sources)
            for i, item in enumerate(items, start=1)
        )


def _read_correlation(where: str, item: object, source: str, sources: Mapping[str, Source]) -> Correlation:
    numbers = [item["rank"]] if isinstance(item, dict) and is_finite(item.get("rank")) else []
    rules = (origin_of(source, numbers, sources),)
    want = "a table with between, rank and basis"
    return Correlation(**checked(where, item, CORRELATION, rules, want=want))


def read_exogenous(
    where: str, name: str, table: object, source: str, sources: Mapping[str, Source]
) -> Exogenous:
    """A table of `EXOGENOUS`: numbers and provenance."""

    def origin(where: str, values: Mapping[str, Any]) -> None:
        numbers = [number for key in EXOGENOUS[name] if (number := values.get(key)) is not None]
        origin_of(source, numbers, sources)(where, values)

    want = f"a table with {', '.join(EXOGENOUS[name])} and basis"
    values = checked(where, table, {**fields_of(name), **ORIGIN_KEYS}, (origin,), want=want)
    return Exogenous(numbers=numbers_from(name, values), **{key: values[key] for key in ORIGIN_KEYS})
