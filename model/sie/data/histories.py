"""Raw histories: a file of dated output against cumulative effort, read as one labelled dataset.

`evidence/series/<file>.csv` has one row an observation: `order,date,kind,output [UNIT],<proxy> [UNIT],...`, with
`output_error [UNIT]` (one standard error) and `regime` where they are known. Between two regimes (another machine, a change
of method from outside) lies one jump of unknown size. Effort may be missing where it was not observed; order, date, kind
and output may not. This module reads and refuses: it never cleans, fills or drops.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import DataError, plain
from .tables import number, read_lines

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["EFFORT_UNITS", "OBSERVATION_KINDS", "OUTPUT_UNITS", "Observations", "read_observations"]

OUTPUT_UNITS = {
    **dict.fromkeys(("minutes", "seconds", "hours", "teraflop/s-days", "FLOP", "tokens"), "lower"),
    "Elo": "higher",
}
"""Units of output, and which way is better. All but Elo are what a fixed task costs: halved is one doubling of software."""

EFFORT_UNITS = {
    **dict.fromkeys(("authors", "author-years", "contributors", "person-years", "staff-years"), "cumulative"),
    **dict.fromkeys(("publications", "pull requests", "commits", "active days", "lines"), "cumulative"),
    **dict.fromkeys(("CPU hours", "GPU hours", "games", "dollars"), "cumulative"),
    **dict.fromkeys(("authors per year", "publications per year", "CPU hours per year", "staff"), "flow"),
    **dict.fromkeys(("entries", "records"), "output count"),
}
"""Units of effort. A cumulative effort never falls; an `output count` numbers the observations themselves, so that it
never identifies r."""

OBSERVATION_KINDS = ("record", "measurement")
"""A record does not fall behind the observation before it; a measurement (a re-timing, a noisy test) may."""

SMALLEST_OUTPUT, LARGEST_OUTPUT, LARGEST_EFFORT = 1e-9, 1e30, 1e15

FEWEST = 2
"""A series has at least so many observations, and each effort was observed at least so often."""

_FIRST = ("order", "date", "kind")


@dataclass(frozen=True, kw_only=True)
class Observations:
    """One series file, checked. Lists run over observations in their order; NaN where effort or error is not known."""

    order: list[int]
    date: list[date]
    kind: list[str]
    regime: list[str]
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
                "regime": ("observation", self.regime),
                "output": (
                    "observation",
                    self.output,
                    {"units": self.output_unit, "better": OUTPUT_UNITS[self.output_unit]},
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
    """One series file, or a DataError at the first line that cannot be what it says."""
    header, rows = read_lines(path, lambda header: _units(path.name, header))
    units = _units(path.name, header)
    proxies = {name: unit for name, unit in units.items() if name not in ("output", "output_error")}
    output_unit = units["output"]
    cells = [(where, {column.split(" [")[0]: cell for column, cell in row.items()}) for where, row in rows]
    if len(cells) < FEWEST:
        raise DataError(path.name, plain(f"{len(cells)} observation"), f"at least {FEWEST}")
    low = -LARGEST_OUTPUT if output_unit == "Elo" else SMALLEST_OUTPUT
    want = "a number" if output_unit == "Elo" else "a number above 0"
    series = Observations(
        order=[_order(where, row["order"]) for where, row in cells],
        date=[_date(where, row["date"]) for where, row in cells],
        kind=[_kind(where, row["kind"]) for where, row in cells],
        regime=[_regime(where, row.get("regime")) for where, row in cells],
        output=[
            number(where, "output", row["output"], low=low, high=LARGEST_OUTPUT, want=want)
            for where, row in cells
        ],
        output_error=[_error(where, row.get("output_error", "")) for where, row in cells],
        output_unit=output_unit,
        effort={name: [_effort(where, name, row[name]) for where, row in cells] for name in proxies},
        effort_unit=proxies,
    )
    _check_course([where for where, _ in cells], series)
    for name, values in series.effort.items():
        if sum(not math.isnan(value) for value in values) < FEWEST:
            raise DataError(
                f"{path.name} {name}",
                plain("hardly any value"),
                f"an effort observed at least {FEWEST} times",
            )
    return series


def _units(file: str, header: list[str]) -> dict[str, str]:
    """The unit of output, of its error and of each effort, from the header."""
    for column, name in zip(header, _FIRST, strict=False):
        if column != name:
            raise DataError(f"{file} header", column, f"{name} (a series starts with order,date,kind,output)")
    units = {}
    for column in header[len(_FIRST) :]:
        if column == "regime":
            continue
        match = re.fullmatch(r"([a-z0-9_]+) \[(.+)\]", column)
        if not match:
            raise DataError(f"{file} header", column, "a name and a unit, as in output [minutes]")
        name, unit = match.groups()
        if name in units or name in (*_FIRST, "regime"):
            raise DataError(f"{file} header", column, "each column once")
        if not units and name != "output":
            raise DataError(f"{file} header", column, "output [UNIT] after order,date,kind")
        known = OUTPUT_UNITS if name in ("output", "output_error") else EFFORT_UNITS
        if unit not in known:
            raise DataError(f"{file} header {name}", unit, "one of the units " + ", ".join(known))
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


def _order(where: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise DataError(f"{where} order", text if text else plain("nothing"), "a whole number")
    return int(text)


def _date(where: str, text: str) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise DataError(f"{where} date", text if text else plain("nothing"), "a date as in 2024-05-28")


def _kind(where: str, text: str) -> str:
    if text not in OBSERVATION_KINDS:
        raise DataError(f"{where} kind", text, "one of " + ", ".join(OBSERVATION_KINDS))
    return text


def _regime(where: str, text: str | None) -> str:
    if text is not None and not text.strip():
        raise DataError(f"{where} regime", plain("nothing"), "the name of the regime")
    return text or ""


def _error(where: str, text: str) -> float:
    want = "a standard error above 0, or nothing"
    return (
        number(where, "output_error", text, low=SMALLEST_OUTPUT, high=LARGEST_OUTPUT, want=want)
        if text
        else math.nan
    )


def _effort(where: str, name: str, text: str) -> float:
    want = "a number of at least 0, or nothing where it was not observed"
    return number(where, name, text, low=0, high=LARGEST_EFFORT, want=want) if text else math.nan


def _check_course(where: list[str], series: Observations) -> None:
    """What must hold between observations: ascending order, dates and cumulative effort, records that do not worsen."""
    sign = 1 if OUTPUT_UNITS[series.output_unit] == "higher" else -1
    reached = dict.fromkeys(series.effort, 0.0)
    seen = {series.regime[0]}
    for i, at in enumerate(where):
        for name, values in series.effort.items():
            if EFFORT_UNITS[series.effort_unit[name]] == "flow" or math.isnan(values[i]):
                continue
            if values[i] < reached[name]:
                raise DataError(
                    f"{at} {name}", values[i], f"at least {reached[name]:g} (cumulative effort never falls)"
                )
            reached[name] = values[i]
        if i == 0:
            continue
        if series.order[i] <= series.order[i - 1]:
            twice = series.order[i] in series.order[:i]
            raise DataError(
                f"{at} order",
                series.order[i],
                "an order that no other line has" if twice else "ascending order",
            )
        if series.date[i] < series.date[i - 1]:
            raise DataError(
                f"{at} date", str(series.date[i]), f"no date before {series.date[i - 1]}, the line before"
            )
        if series.regime[i] != series.regime[i - 1]:
            if series.regime[i] in seen:
                raise DataError(f"{at} regime", series.regime[i], "each regime in one run of lines")
            seen.add(series.regime[i])
        elif series.kind[i] == "record" and sign * series.output[i] < sign * series.output[i - 1]:
            raise DataError(
                f"{at} output",
                series.output[i],
                f"a record no worse than {series.output[i - 1]:g} (or kind measurement)",
            )
