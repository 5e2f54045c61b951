"""An author's beliefs as frozen data: a `View` with one `Entry` a quantity, the TOML that holds it, and draws from its priors.

This module knows no PyMC, no evidence and no growth law.
"""

from __future__ import annotations

import copyreg
import dataclasses
import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from .distributions import FAMILIES, Prior, is_finite, numbers_of, read_prior
from .quantities import CHAIN, EVENT_NAMES, GROWTH, INPUT_SHARES, QUANTITIES, Quantity
from .sources import DataError, Source, check_provenance, data_folder, plain, read_sources, read_toml

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

_PROVENANCE = ("basis", "locator", "quote", "note", "source", "via")


def _read_only(mapping: dict) -> Mapping:
    return MappingProxyType(mapping)


# A view travels between processes, which read-only mappings do not by themselves.
copyreg.pickle(MappingProxyType, lambda mapping: (_read_only, (dict(mapping),)))


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One table of a view: a prior with its unit and where it comes from. `source` None means the view's own."""

    prior: Prior
    unit: str
    basis: str
    locator: str
    quote: str | None = None
    note: str | None = None
    source: str | None = None
    via: str | None = None


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """What the author concludes about an event (p, or p_low to p_high) or about r_asara (quantiles). Never an input."""

    numbers: Mapping[str, float]
    basis: str
    locator: str
    quote: str | None = None
    note: str | None = None
    source: str | None = None
    via: str | None = None


@dataclass(frozen=True, kw_only=True)
class View:
    """An author's complete beliefs: one `Entry` per quantity (`view["capabilities"]`), and the evidence rows they rest on."""

    name: str
    label: str
    source: str
    reflects: tuple[str, ...]
    entries: Mapping[str, Entry]
    concludes: Mapping[str, Conclusion]
    path: Path | None = None

    def __getitem__(self, quantity: str) -> Entry:
        return self.entries[quantity]

    def __contains__(self, quantity: str) -> bool:
        return quantity in self.entries

    @property
    def states_r_asara(self) -> bool:
        """Whether the view states r at ASARA directly, so that evidence on r cannot move it."""
        return "r_asara" in self.entries

    @property
    def derives_compute_bottleneck(self) -> bool:
        """Whether the compute factor follows from labour's share (the second form), and r is against all inputs."""
        return not self.states_r_asara and "compute_bottleneck" not in self.entries

    @property
    def informed(self) -> tuple[str, ...]:
        """The quantities that evidence may move."""
        if self.states_r_asara:
            return ()
        chain = tuple(name for name in CHAIN if name in self.entries)
        return (*chain, *INPUT_SHARES) if self.derives_compute_bottleneck else chain

    def replace(self, **priors: Prior) -> View:
        """The same view with other priors; each keeps its unit, its basis becomes `ours`."""
        entries = dict(self.entries)
        for name, prior in priors.items():
            if name not in entries:
                raise DataError(
                    f"{self.name} replace {name}",
                    plain("a quantity this view does not state"),
                    "one of " + ", ".join(entries),
                )
            if not isinstance(prior, Prior):
                raise DataError(
                    f"{self.name} replace {name}", prior, "a prior such as sie.lognormal(1.5, 3.0)"
                )
            _check_range(f"{self.name} [{name}]", name, prior)
            if name in self.informed:
                _refuse_atom(f"{self.name} [{name}]", prior)
            entries[name] = Entry(
                prior=prior,
                unit=entries[name].unit,
                basis="ours",
                locator="View.replace",
                note="changed in Python",
            )
        return dataclasses.replace(
            self, entries=MappingProxyType(entries), concludes=MappingProxyType({}), path=None
        )


def view_names() -> list[str]:
    """The names of the bundled views, sorted."""
    return sorted(path.stem for path in data_folder("priors").glob("*.toml") if path.name != WEIGHTS)


def view_path(view: str) -> Path:
    """The file of a view: a path iff it ends in `.toml`, else a name under `priors/`."""
    if view.endswith(".toml"):
        return Path(view)
    if view not in view_names():
        raise DataError("view", view, "a path ending in .toml or one of " + ", ".join(view_names()))
    return data_folder("priors") / f"{view}.toml"


def read_view(view: str, *, sources: Mapping[str, Source] | None = None) -> View:
    """Read and check a view: a bundled name, or a path ending in `.toml`. Raises DataError at the first problem.

    `sources` is the bibliography that its tables must cite (default: the bundled one).
    """
    path = view_path(str(view))
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
    view = View(
        name=path.stem,
        label=label,
        source=source,
        reflects=tuple(reflects),
        entries=MappingProxyType(entries),
        concludes=MappingProxyType(read),
        path=path,
    )
    for name in view.informed:
        _refuse_atom(f"{where} [{name}]", entries[name].prior)
    return view


def _quantities_of(where: str, table: Mapping) -> tuple[str, ...]:
    """The quantities that a view must have, which depends on how it states r."""
    if "r_asara" in table:
        names = ("r_asara", "conversion", *GROWTH)
    else:
        last = "gained_before_asara" if "gained_before_asara" in table else "steepening"
        chain = [name for name in CHAIN[:-1] if name != "compute_bottleneck" or name in table]
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
    prior = read_prior(where, table, ("unit", *_PROVENANCE))
    units = quantities[name].units
    if "unit" not in table:
        raise DataError(f"{where} unit", plain("nothing"), "one of " + "; ".join(units))
    if table["unit"] not in units:
        raise DataError(f"{where} unit", table["unit"], "one of " + "; ".join(units))
    _check_range(where, name, prior, quantities)
    record = _provenance(where, table, source, numbers_of(prior), sources)
    return Entry(prior=prior, unit=table["unit"], **record)


def _check_range(
    where: str, name: str, prior: Prior, quantities: Mapping[str, Quantity] = QUANTITIES
) -> None:
    """Refuse a prior that lets a quantity leave its range."""
    quantity, (low, high) = quantities[name], prior.support
    at_bound = low == quantity.lower and not quantity.lower_included and prior.family == "fixed"
    if low < quantity.lower or high > quantity.upper or at_bound:
        sign = "at least" if quantity.lower_included else "above"
        upper = f" and at most {quantity.upper:g}" if math.isfinite(quantity.upper) else ""
        raise DataError(
            where,
            plain(f"a {prior.family} prior that reaches from {low:g} to {high:g}"),
            f"values {sign} {quantity.lower:g}{upper}",
        )


def _refuse_atom(where: str, prior: Prior) -> None:
    """Refuse a point mass within a mixture for a quantity that evidence may move."""
    if prior.family == "mixture" and prior.has_atom:
        raise DataError(
            f"{where} parts", plain("a fixed part"), "continuous parts (evidence cannot weigh a point mass)"
        )


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
    for key in _PROVENANCE:
        if key in table and (not isinstance(table[key], str) or not table[key].strip()):
            raise DataError(f"{where} {key}", table[key], "a string")
    record = {key: table.get(key) for key in _PROVENANCE}
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
    keys = tuple(key for key in table if key not in _PROVENANCE)
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


def draw(view: View, names: Iterable[str], *, size: int, seed: int) -> dict[str, np.ndarray]:
    """Independent prior draws of some quantities, in the units that the view states, shape (size,) each.

    A quantity's stream depends on the seed and its name alone, so that a changed prior moves only its own draws.
    """
    return {name: view[name].prior.at(_stream(name, seed).standard_normal(size)) for name in names}


def _stream(name: str, seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(name.encode())])))


def to_toml(view: View) -> str:
    """The view as a TOML file that `read_view` reads back to the same entries."""
    lines = [
        f"label    = {_quoted(view.label)}",
        f"source   = {_quoted(view.source)}",
        f"reflects = [{', '.join(_quoted(row) for row in view.reflects)}]",
    ]
    for name, entry in view.entries.items():
        lines += [
            "",
            f"[{name}]",
            *_prior_lines(entry.prior),
            f"unit = {_quoted(entry.unit)}",
            *_provenance_lines(entry),
        ]
    for name, conclusion in view.concludes.items():
        numbers = [f"{key} = {number!r}" for key, number in conclusion.numbers.items()]
        lines += ["", f"[concludes.{name}]", *numbers, *_provenance_lines(conclusion)]
    return "\n".join(lines) + "\n"


def _prior_lines(prior: Prior) -> list[str]:
    names = FAMILIES[prior.family]
    lines = [f"family = {_quoted(prior.family)}"]
    if prior.family != "mixture":
        return lines + [f"{key} = {number!r}" for key, number in zip(names, prior.numbers, strict=True)]
    parts = ", ".join("{ " + ", ".join(_prior_lines(part)) + " }" for part in prior.parts)
    return [*lines, f"weights = {list(prior.numbers)!r}", f"parts = [{parts}]"]


def _provenance_lines(item: Entry | Conclusion) -> list[str]:
    return [f"{key} = {_quoted(value)}" for key in _PROVENANCE if (value := getattr(item, key))]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in escaped) + '"'
