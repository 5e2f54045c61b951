"""How fast takeoff is, as lines of a report and as JSON: the time to 10, 100 and 1,000 times the software at ASARA."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..analysis.result import Result
from ..data.wording import with_error
from .tables import aligned

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["speed_lines", "speeds_json"]

SOONEST, LATEST = 0.01, 1000.0
"""Times below the first or above the second (in years) are printed as `<` or `>` that number."""

QUANTILE_KEYS = ("q05", "q50", "q95")
"""Keys of the quantiles in JSON."""


def speed_lines(result: Result) -> Iterator[str]:
    """The times as lines of a report."""
    yield "years from ASARA until software is this multiple of its level at ASARA, in units of parallel labour (Monte Carlo errors)"
    rows = [["", "", "5 %", "50 %", "95 %", "ever reached"]]
    for given in result.given:
        times = result.software_times(given)
        label = "priors" if given == "priors" else "+ evidence"
        for factor in times.factor.values.tolist():
            of = times.sel(factor=factor)
            told = map(_told, of.years.values.tolist(), of.years_mcse.values.tolist())
            share = with_error(of.reached.item(), of.reached_mcse.item())
            rows.append([label, f"{factor:,.0f} times", *told, share])
    yield from aligned(rows, left=2)


def _told(years: float, mcse: float) -> str:
    """A number of years with its error; `< 0.01`, `> 1,000` and `never` have none."""
    if math.isinf(years):
        return "never"
    if years > LATEST:
        return f"> {LATEST:,.0f}"
    return f"{years:.3g} ({mcse:.2g})" if years >= SOONEST else f"< {SOONEST:g}"


def speeds_json(result: Result) -> list[dict]:
    """The times for JSON: years, null for never."""
    found = ((given, result.software_times(given)) for given in result.given)
    return [
        {"factor": factor, "given": given, **_numbers(times.sel(factor=factor))}
        for given, times in found
        for factor in times.factor.values.tolist()
    ]


def _numbers(of: xr.Dataset) -> dict[str, float | None]:
    numbers = {}
    for key, years, mcse in zip(
        QUANTILE_KEYS, of.years.values.tolist(), of.years_mcse.values.tolist(), strict=True
    ):
        numbers |= {key: years, f"{key}_mcse": mcse}
    finite = {key: value if math.isfinite(value) else None for key, value in numbers.items()}
    return finite | {"reached": of.reached.item(), "reached_mcse": of.reached_mcse.item()}
