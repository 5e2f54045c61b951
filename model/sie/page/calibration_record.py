"""A calibration as a file: which view and inputs it was of, the rank of the truth in every world, and the verdict.

The verdict is worked out anew from the ranks where a file is read, so that it cannot say more than they do. The same inputs, seed
and date give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analysis.calibration.summary import summarise
from ..analysis.calibration.varied import Varied
from ..analysis.calibration.worlds import LEAST_WORLDS, MOST_WORLDS
from ..base.errors import DataError, plain
from ..base.files import strict_json
from ..base.reading import read_json
from ..data.quantities import EVENT_NAMES
from ..data.schema import DATE, LINE, Field, by_name, checked, number, optional, whole, words
from .snapshot import INPUTS, versions

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Record", "as_json", "in_words", "make_record", "read_record", "read_records"]

VERSION = 2
"""Version of the layout; in 1, which is read too, `inputs_sha256` did not cover `levels`."""

RANK_DIGITS, P_DIGITS = 6, 4
"""Decimals of ranks, and of probabilities, in a record."""

_WHAT = "what `sie calibrate --json` writes"
_NAMES = by_name(words(), "names")
_NUMBERS = re.compile(r"\[\n[-\d.eE,\s]*\]")
"""A list of numbers in JSON that has a line for each; in a record it stands in one line."""
_ITEMS = Field(lambda items: items if isinstance(items, list) else None, _WHAT)
_FIELDS = {
    "calibration": Field(
        lambda number: number if number in (1, VERSION) and number is not True else None, f"1 or {VERSION}"
    ),
    **dict.fromkeys(("view", "label"), LINE),
    "inputs_sha256": INPUTS["inputs_sha256"],
    **dict.fromkeys(("levels", "versions"), _NAMES),
    **dict.fromkeys(("seed", "lost", "divergences"), whole()),
    **dict.fromkeys(("quantities", "events"), _ITEMS),
    "date": optional(Field(lambda text: text if DATE.read(text) else None, DATE.want)),
    "without_histories": optional(
        Field(lambda value: value if isinstance(value, bool) else None, "true or false"), False
    ),
    "lambda": optional(number(0, "a number of at least 0, or null")),
}


@dataclass(frozen=True, kw_only=True)
class Record:
    """A calibration of one view: `found` has its ranks, probabilities and outcomes by world, `table` is their summary.

    `inputs_sha256` is that of a report of the same view and evidence; `levels` are those at which domains entered;
    `varied` is how the model differed from that of the report. `date` is the one stated by whoever made the record, None where nobody did.
    """

    view: str
    label: str
    inputs_sha256: str
    levels: Mapping[str, str]
    seed: int
    versions: Mapping[str, str]
    found: xr.Dataset
    table: xr.Dataset
    varied: Varied = field(default_factory=Varied)
    date: str | None = None


def as_json(record: Record) -> str:
    """The record as strict JSON: keys sorted, no NaN, no time but the date that the record states."""
    found, table = record.found, record.table
    document = {
        "calibration": VERSION,
        "date": record.date,
        "without_histories": record.varied.without_histories,
        "lambda": record.varied.fixed_lambda,
        **{key: getattr(record, key) for key in ("view", "label", "inputs_sha256", "seed")},
        **{key: dict(getattr(record, key)) for key in ("levels", "versions")},
        "runs": found.sizes["run"],
        "lost": int(found.attrs["lost"]),
        "divergences": int(found.attrs["divergences"]),
        "calibrated": table.attrs["calibrated"],
        "coverage": {f"{mass:g}": float(table.coverage.sel(mass=mass)) for mass in table.mass.values},
        "quantities": [
            {
                "name": name,
                "outside": bool(table.outside.sel(quantity=name)),
                "p_value": float(table.p_value.sel(quantity=name)),
                "ranks": found.pit.sel(quantity=name).values.tolist(),
            }
            for name in table.quantity.values.tolist()
        ],
        "events": [
            {
                "name": name,
                "predicted": found.p.sel(event=name).values.tolist(),
                "happened": found.happened.sel(event=name).values.astype(int).tolist(),
                "z": float(table.z.sel(event=name)),
            }
            for name in table.event.values.tolist()
        ],
    }
    return _NUMBERS.sub(lambda numbers: "".join(numbers[0].split()), strict_json(document))


def make_record(found: xr.Dataset, **about) -> Record:
    """What `calibration.worlds.open_calibration` found with its summary, by the versions that run; `about` is the rest of a record.

    They are rounded, so that the file has the verdict of the run; a rank is never rounded to 0 or 1, where a test of evenness ends.
    """
    least = 10.0**-RANK_DIGITS
    found = found.assign(
        pit=found.pit.round(RANK_DIGITS).clip(least, 1 - least), p=found.p.round(P_DIGITS)
    ).assign_attrs(divergences=int(found.divergences.sum()))
    return Record(**about, versions=MappingProxyType(versions()), found=found, table=summarise(found))


def read_record(path: Path) -> Record:
    """A calibration from its file. Raises DataError where something is missing or not what it must be."""
    import xarray as xr

    document = read_json(path, want=_WHAT)
    document = checked(path.name, document, _FIELDS, others=True, want=_WHAT)
    quantities, events = (_names(path.name, document[key]) for key in ("quantities", "events"))
    if "r_asara" not in quantities or not events or not set(events) <= set(EVENT_NAMES):
        raise DataError(path.name, plain("other quantities or events"), _WHAT)
    ranks = _columns(path.name, document["quantities"], quantities, "ranks")
    predicted, happened = (
        _columns(path.name, document["events"], events, name) for name in ("predicted", "happened")
    )
    runs = ranks.shape[0]
    if not runs == predicted.shape[0] == happened.shape[0]:
        raise DataError(path.name, plain("columns of different lengths"), "a number for each world")
    if not np.isin(happened, (0, 1)).all():
        raise DataError(f"{path.name} happened", plain("another number"), "0 or 1")
    found = xr.Dataset(
        {
            "pit": (("run", "quantity"), ranks),
            "p": (("run", "event"), predicted),
            "happened": (("run", "event"), happened),
        },
        {"quantity": quantities, "event": events},
        {"lost": document["lost"], "divergences": document["divergences"]},
    )
    about = {key: document[key] for key in ("view", "label", "inputs_sha256", "seed")}
    return Record(
        **about,
        levels=document["levels"],
        versions=document["versions"],
        found=found,
        table=summarise(found),
        varied=Varied(without_histories=document["without_histories"], fixed_lambda=document["lambda"]),
        date=document["date"],
    )


def read_records(paths: Iterable[Path], views: Sequence[str]) -> list[Record]:
    """Calibrations of these views, at most one of each. Raises DataError for another view's."""
    found: dict[str, Record] = {}
    for path in paths:
        record = read_record(path)
        if record.view not in views:
            raise DataError(f"--calibration {path.name}", record.view, "a view of this report")
        if record.view in found:
            raise DataError(
                f"--calibration {path.name}", plain(f"a second one of {record.view}"), "one a view"
            )
        found[record.view] = record
    return list(found.values())


def _names(where: str, items: list) -> list[str]:
    """What the items are called, each once."""
    names: list[Any] = [item.get("name") if isinstance(item, dict) else None for item in items]
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise DataError(where, plain("items without names of their own"), _WHAT)
    return names


def _columns(where: str, items: list[dict], names: list[str], key: str) -> np.ndarray:
    """One column an item, (world, item), of numbers from 0 to 1."""
    columns: list[Any] = [item.get(key) for item in items]
    for name, column in zip(names, columns, strict=True):
        if not isinstance(column, list) or not LEAST_WORLDS <= len(column) <= MOST_WORLDS:
            raise DataError(
                f"{where} {name} {key}", plain("no such list"), f"{LEAST_WORLDS} to {MOST_WORLDS} numbers"
            )
        if not all(isinstance(x, int | float) and not isinstance(x, bool) and 0 <= x <= 1 for x in column):
            raise DataError(f"{where} {name} {key}", plain("something else"), "numbers from 0 to 1")
    if len({len(column) for column in columns}) != 1:
        raise DataError(f"{where} {key}", plain("columns of different lengths"), "a number for each world")
    return np.ascontiguousarray(np.array(columns, dtype=float).T)


def in_words(record: Record, *, inputs_sha256: str, levels: Mapping[str, str]) -> str:
    """A calibration in a paragraph, beside a report of these inputs and levels."""
    table, attrs = record.table, record.table.attrs
    coverage = ", ".join(
        f"{mass:.0%} interval {share:.1%}"
        for mass, share in zip(table.mass.values.tolist(), table.coverage.values.tolist(), strict=True)
    )
    said = [
        f"{record.label}: {'calibrated' if attrs['calibrated'] else 'not calibrated'}.",
        "Worlds were drawn from the view's priors, and the evidence of each was fitted as the real evidence is.",
        f"{int(table.outside.sum())} of {table.sizes['quantity']} quantities lie outside their 95 % band; by chance alone more than "
        f"{attrs['outside_by_chance']} do in 1 of 100 calibrations.",
        f"The true r at ASARA lay in its central posterior interval in these shares of worlds: {coverage}.",
        f"{attrs['runs']} worlds, {attrs['lost']} lost, {record.found.attrs['divergences']} divergences; seed {record.seed}; "
        f"made with sie {record.versions.get('sie', '?')}.",
    ]
    if record.varied.words:
        said.append(f"Of another model than this page's: the view{record.varied.words}.")
    if record.date is not None:
        said.append(f"Dated {record.date}.")
    if dict(record.levels) != dict(levels):
        said.append("Domains entered at other levels than on this page.")
    elif record.inputs_sha256 != inputs_sha256:
        said.append(
            "The view or an evidence file has changed since: this is not a calibration of the numbers on this page."
        )
    return " ".join(said)
