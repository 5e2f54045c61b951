"""From the TOML of an author's beliefs to a `View`: every key, unit, number and quote checked, no defaults.

What a view is, is in `views`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from ..base.errors import DataError, plain
from ..base.reading import data_folder, read_toml
from .bibliography import Source, check_provenance, read_sources
from .families import is_finite
from .prior_tables import numbers_of, read_prior
from .quantities import CHAIN, EVENT_NAMES, GROWTH, QUANTITIES, Quantity
from .views import PROVENANCE, Conclusion, Entry, View, check_name, check_range, draw, refuse_atom, to_toml

__all__ = [
    "WEIGHTS",
    "Conclusion",
    "Entry",
    "View",
    "draw",
    "read_entry",
    "read_view",
    "to_toml",
    "view_names",
    "view_path",
]

WEIGHTS = "weights.toml"
"""The file beside the views that weighs them; no view itself."""


def view_names() -> list[str]:
    """The names of the bundled views, sorted.

    Returns
    -------
    list of str
        Names that `read_view` takes.
    """
    return sorted(path.stem for path in data_folder("priors").glob("*.toml") if path.name != WEIGHTS)


def view_path(view: str) -> Path:
    """The file of a view: a path iff it ends in `.toml`, else a name under `priors/`."""
    if view.endswith(".toml"):
        return Path(view)
    if view not in view_names():
        raise DataError("view", view, "a path ending in .toml or one of " + ", ".join(view_names()))
    return data_folder("priors") / f"{view}.toml"


def read_view(view: Path | str, *, sources: Mapping[str, Source] | None = None) -> View:
    """Read and check a view.

    Parameters
    ----------
    view : Path or str
        A bundled name (`view_names`), or a path ending in `.toml`.
    sources : mapping of str to Source, optional
        The bibliography that its tables must cite (default: the bundled one).

    Returns
    -------
    View
        Frozen; `View.replace` makes another.

    Raises
    ------
    DataError
        At the first problem: an unknown name; a key that is missing, unknown or of the wrong type; a unit or number that the
        quantity cannot have; a quote that does not print its number.

    Examples
    --------
    >>> view = sie.read_view("davidson_2025")
    >>> view["capabilities"].prior.family
    'lognormal'
    """
    path = view_path(str(view))
    check_name("the name of a view", path.stem)
    where, table = path.name, read_toml(path)
    sources = read_sources() if sources is None else sources
    table = dict(table)
    for key, kind, want in (
        ("label", str, "a string"),
        ("source", str, "a key of sources.toml"),
        ("reflects", list, "a list of row ids"),
    ):
        if key not in table:
            raise DataError(f"{where} {key}", plain("nothing"), f"{want} (the key is required)")
        if not isinstance(table[key], kind) or (kind is str and not table[key].strip()):
            raise DataError(f"{where} {key}", table[key], want)
    if not table["label"].isprintable():
        raise DataError(f"{where} label", table["label"], "a line without control characters")
    label, source, reflects = table.pop("label"), table.pop("source"), table.pop("reflects")
    if source not in sources:
        raise DataError(f"{where} source", source, "a key of sources.toml")
    if not all(isinstance(row, str) for row in reflects) or len(set(reflects)) != len(reflects):
        raise DataError(f"{where} reflects", reflects, "a list of different row ids")
    concludes = table.pop("concludes", {})
    names = _quantities_of(where, table)
    entries = {name: read_entry(f"{where} [{name}]", name, table[name], source, sources) for name in names}
    _check_distances(where, entries)
    if not isinstance(concludes, dict):
        raise DataError(f"{where} [concludes]", concludes, "tables [concludes.EVENT]")
    read = {
        name: _read_conclusion(f"{where} [concludes.{name}]", name, item, source, sources)
        for name, item in concludes.items()
    }
    found = View(
        name=path.stem,
        label=label,
        source=source,
        reflects=tuple(reflects),
        entries=MappingProxyType(entries),
        concludes=MappingProxyType(read),
        path=path,
    )
    for name in found.informed:
        refuse_atom(f"{where} [{name}]", entries[name].prior)
    return found


def _quantities_of(where: str, table: Mapping) -> tuple[str, ...]:
    """The quantities that a view must have, which depends on how it states r."""
    if "r_asara" in table:
        names = ("r_asara", "conversion", *GROWTH)
    else:
        last = "gained_before_asara" if "gained_before_asara" in table else "steepening"
        may_lack = {"compute_bottleneck", *(name for name in CHAIN if QUANTITIES[name].optional)}
        chain = [name for name in CHAIN[:-1] if name not in may_lack or name in table]
        names = (*chain, last, *GROWTH)
    for name in names:
        if name not in table:
            raise DataError(f"{where} [{name}]", plain("nothing"), "a table (the quantity is required)")
    for name in table:
        if name not in names:
            what = "a table that this kind of view may not have" if name in QUANTITIES else "an unknown key"
            raise DataError(f"{where} {name}", plain(what), "only " + ", ".join(names))
    return names


def read_entry(
    where: str,
    name: str,
    table: object,
    source: str,
    sources: Mapping[str, Source],
    quantities: Mapping[str, Quantity] = QUANTITIES,
) -> Entry:
    """One table as an `Entry`: prior, unit and provenance checked against its quantity. `source` is used where the table names none."""
    if not isinstance(table, dict):
        raise DataError(where, table, "a table with a family, its numbers, unit and basis")
    prior = read_prior(where, table, ("unit", *PROVENANCE))
    units = quantities[name].units
    if "unit" not in table:
        raise DataError(f"{where} unit", plain("nothing"), "one of " + "; ".join(units))
    if table["unit"] not in units:
        raise DataError(f"{where} unit", table["unit"], "one of " + "; ".join(units))
    check_range(where, name, prior, quantities)
    record = _provenance(where, table, source, numbers_of(prior), sources)
    return Entry(prior=prior, unit=table["unit"], **record)


def _check_distances(where: str, entries: Mapping[str, Entry]) -> None:
    """`gained_before_asara` and `ceiling` are compared draw by draw, which must not depend on what evidence moves."""
    if "gained_before_asara" not in entries:
        return
    units = (entries["gained_before_asara"].unit, entries["ceiling"].unit)
    if len({unit == "OOMs of training efficiency" for unit in units}) == 2:
        raise DataError(
            f"{where} [gained_before_asara] unit",
            units[0],
            f"OOMs in both or in neither (the ceiling has {units[1]!r})",
        )


def _provenance(
    where: str, table: Mapping, source: str, numbers: Iterable[float], sources: Mapping[str, Source]
) -> dict:
    for key in PROVENANCE:
        if key in table and (not isinstance(table[key], str) or not table[key].strip()):
            raise DataError(f"{where} {key}", table[key], "a string")
    record = {key: table.get(key) for key in PROVENANCE}
    check_provenance(where, {**record, "source": record["source"] or source}, numbers, sources)
    return record


def _read_conclusion(
    where: str, name: str, table: object, source: str, sources: Mapping[str, Source]
) -> Conclusion:
    if name != "r_asara" and name not in EVENT_NAMES:
        raise DataError(where, plain("an unknown event"), "r_asara or one of " + ", ".join(EVENT_NAMES))
    if not isinstance(table, dict):
        raise DataError(where, table, "a table")
    allowed = (("q05", "q50", "q95"),) if name == "r_asara" else (("p",), ("p_low", "p_high"))
    keys = tuple(key for key in table if key not in PROVENANCE)
    if tuple(sorted(keys)) not in {tuple(sorted(names)) for names in allowed}:
        raise DataError(
            where,
            plain(", ".join(keys) or "no numbers"),
            " or ".join(" and ".join(names) for names in allowed),
        )
    numbers = {key: table[key] for key in keys}
    top = math.inf if name == "r_asara" else 1.0
    for key, number in numbers.items():
        if not (is_finite(number) and 0 <= number <= top):
            raise DataError(
                f"{where} {key}", number, "a number of at least 0" if top > 1 else "a probability"
            )
    ordered = [numbers[key] for key in ("q05", "q50", "q95", "p_low", "p_high") if key in numbers]
    if ordered != sorted(ordered):
        raise DataError(where, list(numbers.values()), "numbers in ascending order")
    record = _provenance(where, table, source, numbers.values(), sources)
    return Conclusion(numbers=MappingProxyType(numbers), **record)
