"""The table that states a prior: a family and its numbers, read into a `Prior`."""

from __future__ import annotations

from ..base.errors import DataError, plain
from .families import FAMILIES, Prior

__all__ = ["numbers_of", "read_prior"]


def read_prior(where: str, table: object, also: tuple[str, ...] = ()) -> Prior:
    """A prior from its table, which may have other keys besides. Raises DataError that starts with `where`."""
    if not isinstance(table, dict):
        raise DataError(where, table, "a table with a family and its numbers")
    if "family" not in table:
        raise DataError(f"{where} family", plain("nothing"), "one of " + ", ".join(FAMILIES))
    family = table["family"]
    if not isinstance(family, str) or family not in FAMILIES:
        raise DataError(f"{where} family", family, "one of " + ", ".join(FAMILIES))
    names = FAMILIES[family]
    for key in table:
        if key not in ("family", *names, *also):
            raise DataError(
                f"{where} {key}", plain("an unknown key"), "one of " + ", ".join(("family", *names, *also))
            )
    for key in names:
        if key not in table:
            raise DataError(f"{where} {key}", plain("nothing"), f"a value (family {family} requires it)")
    parts: tuple[Prior, ...] = ()
    if family == "mixture":
        for key in names:
            if not isinstance(table[key], list):
                raise DataError(f"{where} {key}", table[key], "a list")
        if any(not isinstance(part, dict) or part.get("family") == "mixture" for part in table["parts"]):
            raise DataError(
                f"{where} parts",
                table["parts"],
                "a list of tables, each a family and its numbers, no mixture within",
            )
        parts = tuple(read_prior(f"{where} parts[{i}]", part) for i, part in enumerate(table["parts"]))
    numbers = table["weights"] if family == "mixture" else [table[key] for key in names]
    try:
        return Prior(family=family, numbers=tuple(numbers), parts=parts)
    except DataError as error:
        raise DataError(error.where.replace("prior", where, 1), error.found, error.want) from None


def numbers_of(prior: Prior) -> list[float]:
    """Every number that a prior states, those of its parts too."""
    return [*prior.numbers, *(number for part in prior.parts for number in numbers_of(part))]
