"""METR's 50 % time horizons of AI models, as measured: the table `metr_horizons.csv`."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.errors import DataError
from ..base.reading import data_folder
from ..base.stats import Z95
from .bibliography import ORIGIN, origin, read_sources
from .schema import DATE, FLAG, WORDS, cell, meant, once, words
from .tables import read_table

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["HORIZON_FIELDS", "doubling_days", "parse_date", "read_horizons"]

TABLE = "metr_horizons.csv"

_MINUTES = ("p50_q025_minutes", "p50_minutes", "p50_q975_minutes")
HORIZON_FIELDS = {
    "release": meant(WORDS, "release of METR's task suite"),
    "model": meant(words("a name that no other line of its release has"), "AI model"),
    "date": meant(DATE, "date of the model's release"),
    **{
        key: meant(cell(1e-6, "minutes above 0"), meaning, "minutes")
        for key, meaning in zip(
            _MINUTES,
            (
                "2.5 % point of the 50 % time horizon",
                "50 % time horizon",
                "97.5 % point of the 50 % time horizon",
            ),
            strict=True,
        )
    },
    "frontier": meant(FLAG, "1 if the model was the best at its release"),
    **ORIGIN,
}
"""What every column may hold."""


def read_horizons(path: Path | str | None = None) -> xr.Dataset:
    """METR's 50 % time horizons from an evidence folder.

    Parameters
    ----------
    path : Path or str, optional
        The folder (default: the bundled one).

    Returns
    -------
    xr.Dataset
        Dim `measurement`: `minutes`; `low` and `high`, the standard deviations of log2 minutes on either side (METR's 95 % interval
        over 1.96); `model`, `date`, `release` of the task suite; `frontier`, whether the model was the best at its release.

    Raises
    ------
    DataError
        If a line of `metr_horizons.csv` is not valid.
    """
    import xarray as xr

    folder = Path(path) if path is not None else data_folder("evidence")
    rules = (
        _check_interval,
        once("release", "model", want="a name that no other line of its release has"),
        origin(read_sources(folder), lambda row: [row[key] for key in _MINUTES if key in row]),
    )
    rows = []
    for _, values in read_table(folder / TABLE, HORIZON_FIELDS, rules):
        low, minutes, high = (values[key] for key in _MINUTES)
        rows.append(
            {
                "minutes": minutes,
                "low": math.log2(minutes / low) / Z95,
                "high": math.log2(high / minutes) / Z95,
                "date": np.datetime64(values["date"], "ns"),
                "frontier": values["frontier"] == 1,
                "model": values["model"],
                "release": values["release"],
            }
        )
    return xr.Dataset({key: ("measurement", [row[key] for row in rows]) for key in rows[0]})


def _check_interval(where: str, row: Mapping[str, Any]) -> None:
    low, minutes, high = (row[key] for key in _MINUTES)
    if not low < minutes < high:
        raise DataError(f"{where} p50_minutes", minutes, "a number inside its interval")


def parse_date(where: str, text: str) -> datetime.date:
    """A date written as 2026-02-05, or a DataError."""
    return DATE.of(where, text)


def doubling_days(models: xr.Dataset) -> float:
    """Days in which the horizon doubles, by least squares of log2 minutes on the date, as METR reports it."""
    days = (models.date.values - models.date.values[0]) / np.timedelta64(1, "D")
    return 1 / float(np.polyfit(days, np.log2(models.minutes.values), 1)[0])
