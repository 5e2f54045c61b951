"""From the TOML of an author's beliefs to a `View`: every key, unit, number and quote checked, no defaults.

What a view is, is in `views`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..base.errors import DataError, Problems, plain
from ..base.reading import data_folder, read_toml
from .bibliography import PROVENANCE, SOURCE_KEY, Source, read_sources
from .families import is_finite
from .prior_tables import ORIGIN_KEYS, origin_of, read_entry
from .quantities import CHAIN, EVENT_NAMES, GROWTH, QUANTITIES
from .schema import LINE, MANY_WORDS, Rule, checked, known, number
from .views import Conclusion, Entry, View, check_name, draw, refuse_atom, to_toml

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
    fields = {"label": LINE, "source": known(sources, SOURCE_KEY), "reflects": MANY_WORDS}
    with Problems() as problems:
        top = problems.attempt(lambda: checked(where, table, fields, others=True))
        source = str(table.get("source"))
        tables = {name: item for name, item in table.items() if name not in (*fields, "concludes")}
        names = _quantities_of(where, tables, problems)
        entries = {
            name: problems.attempt(read_entry, f"{where} [{name}]", name, tables[name], source, sources)
            for name in names
        }
        concludes = problems.attempt(_read_conclusions, where, table.get("concludes", {}), source, sources)
        if not problems:
            problems.attempt(_check_distances, where, entries)
    found = View(
        name=path.stem,
        label=top["label"],
        source=source,
        reflects=tuple(top["reflects"]),
        entries=MappingProxyType(entries),
        concludes=MappingProxyType(concludes),
        path=path,
    )
    with Problems() as problems:
        for name in found.informed:
            problems.attempt(refuse_atom, f"{where} [{name}]", entries[name].prior)
    return found


def _quantities_of(where: str, tables: Mapping[str, object], problems: Problems) -> list[str]:
    """The quantities of a view for which there are tables; which must be there depends on how it states r."""
    if "r_asara" in tables:
        names = ("r_asara", "conversion", *GROWTH)
    else:
        last = "gained_before_asara" if "gained_before_asara" in tables else "steepening"
        may_lack = {"compute_bottleneck", *(name for name in CHAIN if QUANTITIES[name].optional)}
        chain = [name for name in CHAIN[:-1] if name not in may_lack or name in tables]
        names = (*chain, last, *GROWTH)
    for name in names:
        if name not in tables:
            problems.refuse(f"{where} [{name}]", plain("nothing"), "a table (the quantity is required)")
    for name in tables:
        if name not in names:
            what = "a table that this kind of view may not have" if name in QUANTITIES else "an unknown key"
            problems.refuse(f"{where} {name}", plain(what), "only " + ", ".join(names))
    return [name for name in names if name in tables]


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


def _read_conclusions(
    where: str, tables: object, source: str, sources: Mapping[str, Source]
) -> dict[str, Conclusion]:
    if not isinstance(tables, dict):
        raise DataError(f"{where} [concludes]", tables, "tables [concludes.EVENT]")
    with Problems() as problems:
        return {
            name: problems.attempt(
                _read_conclusion, f"{where} [concludes.{name}]", name, item, source, sources
            )
            for name, item in tables.items()
        }


def _read_conclusion(
    where: str, name: str, table: object, source: str, sources: Mapping[str, Source]
) -> Conclusion:
    if name != "r_asara" and name not in EVENT_NAMES:
        raise DataError(where, plain("an unknown event"), "r_asara or one of " + ", ".join(EVENT_NAMES))
    if not isinstance(table, dict):
        raise DataError(where, table, "a table")
    allowed = (("q05", "q50", "q95"),) if name == "r_asara" else (("p",), ("p_low", "p_high"))
    keys = [key for key in table if key not in PROVENANCE]
    order = next((names for names in allowed if set(names) == set(keys)), None)
    if order is None:
        want = " or ".join(" and ".join(names) for names in allowed)
        raise DataError(where, plain(", ".join(keys) or "no numbers"), want)
    field = number(0, "a number of at least 0") if name == "r_asara" else number(0, "a probability", high=1)
    numbers = [value for key in order if is_finite(value := table[key])]
    rules = (_ascending(order), origin_of(source, numbers, sources))
    values = checked(where, table, {**dict.fromkeys(keys, field), **ORIGIN_KEYS}, rules)
    return Conclusion(numbers=MappingProxyType({key: values.pop(key) for key in keys}), **values)


def _ascending(keys: tuple[str, ...]) -> Rule:
    def rule(where: str, values: Mapping[str, Any]) -> None:
        stated = [values[key] for key in keys]
        if stated != sorted(stated):
            raise DataError(where, stated, "numbers in ascending order")

    return rule
