"""Raw histories: a file of dated output against cumulative effort, read as one labelled dataset.

`evidence/series/<file>.csv` has one row an observation: `order,date,kind,output [UNIT],<proxy> [UNIT],...`, with
`output_error [UNIT]` (one standard error) where it is known. Where outputs cannot be compared, three columns say so:
`instrument` (the machine or the test that measured them; between two lies one jump of unknown size), `regime` (an era of method, with
an r of its own; at its date lies such a jump, and none where lines `A or B` say that the date is not known), and `made_by`
(`people`, or `AI`, whose effort is another kind than the one that is counted). Effort may be missing where it was not observed;
order, date, kind and output may not. This module reads and refuses: it never cleans, fills or drops.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import DataError, Problems, plain
from .history_columns import AI, EITHER, OBSERVATION_KINDS, PEOPLE, fields_of
from .history_units import EFFORT_UNITS, OUTPUT_UNITS, better
from .schema import checked
from .tables import read_lines

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "AI",
    "EITHER",
    "FEWEST",
    "OBSERVATION_KINDS",
    "Observations",
    "jumps_between",
    "read_observations",
]

ALIKE = 0.7
"""Similarity (`difflib`) from which an unknown unit counts as a misspelling of a known one."""

LEAST = 2
"""A series has at least so many observations by people, and each effort was observed at least so often."""

FEWEST = 4
"""Observations by people from which a series is fitted."""

_FIRST, _WORDS = ("order", "date", "kind"), ("instrument", "regime", "made_by")


@dataclass(frozen=True, kw_only=True)
class Observations:
    """One series file, checked. Lists run over observations in their order; NaN where effort or error is not known."""

    order: list[int]
    date: list[date]
    kind: list[str]
    instrument: list[str]
    regime: list[str]
    made_by: list[str]
    output: list[float]
    output_error: list[float]
    output_unit: str
    effort: dict[str, list[float]]
    effort_unit: dict[str, str]

    @property
    def identified(self) -> bool:
        """Whether any effort is more than a count of the observations themselves."""
        return any(EFFORT_UNITS[unit] != "output count" for unit in self.effort_unit.values())

    def to_dataset(self) -> xr.Dataset:
        """Dims `observation`, `proxy`; what `sie.read_series` returns."""
        import numpy as np
        import xarray as xr

        days = np.array(self.date, dtype="datetime64[D]")
        return xr.Dataset(
            {
                "order": ("observation", self.order),
                "date": ("observation", days.astype("datetime64[ns]")),
                "years": (
                    "observation",
                    (days - days[0]).astype(float) / 365.25,
                    {"units": "years", "long_name": "years since the first observation"},
                ),
                "kind": ("observation", self.kind),
                "instrument": ("observation", self.instrument),
                "regime": ("observation", self.regime),
                "made_by": ("observation", self.made_by),
                "output": (
                    "observation",
                    self.output,
                    {"units": self.output_unit, "better": better(self.output_unit)},
                ),
                "output_error": ("observation", self.output_error, {"units": self.output_unit}),
                "effort": (("observation", "proxy"), np.array(list(self.effort.values())).T),
            },
            coords={
                "observation": self.order,
                "proxy": list(self.effort),
                "unit": ("proxy", list(self.effort_unit.values())),
                "effort_kind": ("proxy", [EFFORT_UNITS[unit] for unit in self.effort_unit.values()]),
            },
            attrs={"identified": int(self.identified)},  # NetCDF has no booleans
        )


def read_observations(path: Path) -> Observations:
    """One series file, or a DataError with every invalid line."""
    with Problems() as problems:
        header, rows = read_lines(path, lambda header: _units(path.name, header), problems)
        units = _units(path.name, header)
        proxies = {name: unit for name, unit in units.items() if name not in ("output", "output_error")}
        names = {column: column.split(" [")[0] for column in header}
        fields = fields_of(units["output"], names.values(), proxies)
        observed = [
            (where, problems.attempt(checked, where, {names[key]: cell for key, cell in row.items()}, fields))
            for where, row in rows
        ]
        if not problems:
            people = sum(row.get("made_by", PEOPLE) == PEOPLE for _, row in observed)
            if people < LEAST:
                found = f"{people} observation{'s' * (people != 1)} by people"
                problems.refuse(path.name, plain(found), f"at least {LEAST}, and {FEWEST} for a fit")
        if not problems:
            series = Observations(
                **{key: [row[key] for _, row in observed] for key in ("order", "date", "kind", "output")},
                **{key: [row.get(key, empty) for _, row in observed] for key, empty in _MAY_LACK.items()},
                output_unit=units["output"],
                effort={name: [row[name] for _, row in observed] for name in proxies},
                effort_unit=proxies,
            )
            problems.attempt(_check_course, [where for where, _ in observed], series)
            for name, values in series.effort.items():
                if sum(not math.isnan(value) for value in values) < LEAST:
                    want = f"an effort observed at least {LEAST} times, or no such column"
                    problems.refuse(f"{path.name} {name}", plain("hardly any value"), want)
    return series


_MAY_LACK = {"instrument": "", "regime": "", "made_by": PEOPLE, "output_error": math.nan}
"""Columns that a series may lack, and what stands in their place."""


def _units(file: str, header: list[str]) -> dict[str, str]:
    """The unit of output, of its error and of each effort, from the header."""
    for column, name in zip(header, _FIRST, strict=False):
        if column != name:
            raise DataError(f"{file} header", column, f"{name} (a series starts with order,date,kind,output)")
    units = {}
    for column in header[len(_FIRST) :]:
        if column in _WORDS:
            continue
        match = re.fullmatch(r"([a-z0-9_]+) \[(.+)\]", column)
        if not match:
            raise DataError(f"{file} header", column, "a name and a unit, as in output [minutes]")
        name, unit = match.groups()
        if name in units or name in (*_FIRST, *_WORDS):
            raise DataError(f"{file} header", column, "each column once")
        if not units and name != "output":
            raise DataError(f"{file} header", column, "output [UNIT] after order,date,kind")
        known = OUTPUT_UNITS if name in ("output", "output_error") else EFFORT_UNITS
        if unit not in known:
            raise DataError(f"{file} header {name}", unit, _one_of_units(unit, known))
        units[name] = unit
    if "output" not in units:
        raise DataError(f"{file} header", plain("no output"), "order,date,kind,output [UNIT],<effort> [UNIT]")
    if units.get("output_error", units["output"]) != units["output"]:
        raise DataError(
            f"{file} header output_error", units["output_error"], f"the unit of output, {units['output']}"
        )
    if not set(units) - {"output", "output_error"}:
        raise DataError(f"{file} header", plain("no effort"), "at least one column of effort with its unit")
    return units


def _one_of_units(found: str, known: Collection[str]) -> str:
    """The units, after those that look like what was found: a message has room for a part of them."""
    folded = {unit.casefold(): unit for unit in known}
    near = difflib.get_close_matches(found.casefold(), folded, cutoff=ALIKE)
    perhaps = f"{' or '.join(folded[unit] for unit in near)}, or another " if near else "one "
    return f"{perhaps}of the units {', '.join(known)}"


def jumps_between(regime: Sequence[str], instrument: Sequence[str], made_by: Sequence[str]) -> list[bool]:
    """Whether an unknown jump lies between each observation by people and the one by people before it."""
    found, last = [False] * len(regime), None
    for i in range(len(regime)):
        if made_by[i] == AI:
            continue
        if last is not None:
            dated = EITHER not in regime[i] + regime[last]
            found[i] = i > last + 1 or instrument[i] != instrument[last]
            found[i] = found[i] or (dated and regime[i] != regime[last])
        last = i
    return found


def _check_course(where: list[str], series: Observations) -> None:
    """What must hold between observations: ascending order, dates and cumulative effort, records that do not worsen."""
    sign = -1 if better(series.output_unit) == "lower" else 1
    jumped = jumps_between(series.regime, series.instrument, series.made_by)
    with Problems() as problems:
        for name, values in series.effort.items():
            if EFFORT_UNITS[series.effort_unit[name]] != "flow":
                problems.attempt(_check_cumulative, where, name, values)
        problems.attempt(_check_runs, where, "regime", series.regime)
        problems.attempt(_check_runs, where, "instrument", series.instrument)
        for i, at in enumerate(where):
            if i == 0:
                continue
            if series.order[i] <= series.order[i - 1]:
                twice = series.order[i] in series.order[:i]
                want = "an order that no other line has" if twice else "ascending order"
                problems.refuse(f"{at} order", series.order[i], want)
            if series.date[i] < series.date[i - 1]:
                want = f"no date before {series.date[i - 1]}, the line before"
                problems.refuse(f"{at} date", str(series.date[i]), want)
            worse = sign * series.output[i] < sign * series.output[i - 1]
            if series.kind[i] == "record" and worse and not jumped[i]:
                want = f"a record no worse than {series.output[i - 1]:g} (or kind measurement)"
                problems.refuse(f"{at} output", series.output[i], want)


def _check_runs(where: list[str], column: str, names: list[str]) -> None:
    """Each name in one run of lines, and a run of `A or B` between those of A and of B."""
    runs = [(0, names[0])] + [(i, names[i]) for i in range(1, len(names)) if names[i] != names[i - 1]]
    with Problems() as problems:
        for k, (i, name) in enumerate(runs):
            if name in [earlier for _, earlier in runs[:k]]:
                problems.refuse(f"{where[i]} {column}", name, f"each {column} in one run of lines")
            around = [runs[j][1] if 0 <= j < len(runs) else "" for j in (k - 1, k + 1)]
            if EITHER in name and name != EITHER.join(around):
                want = f"such lines between one run of each, here '{EITHER.join(around)}'"
                problems.refuse(f"{where[i]} {column}", name, want)


def _check_cumulative(where: list[str], name: str, values: list[float]) -> None:
    reached = 0.0
    with Problems() as problems:
        for at, value in zip(where, values, strict=True):
            if value < reached:
                want = (
                    f"at least {reached:g}: all so far, which never falls (a headcount is in persons at work)"
                )
                problems.refuse(f"{at} {name}", value, want)
            reached = value if value > reached else reached
