"""Greenblatt's outcome: takeover-capable AI comes before AI has built out compute tenfold (Greenblatt & Mallen 2025).

    feasible   x(T) / (conversion log2 10) + T compute_trend log10 2 >= gain     at T = lead_time
    likely     the same at T = lead_time - held_back

x(T) is software gained since ASARA in labour doublings; `gain` the effective compute (OOMs) from ASARA to takeover-capable AI;
compute on its trend counts and is no build-out. It is not among the events of a report: hardware does not stay fixed here, and
it is never pooled with them. Priors of the four quantities, with their provenance, are in `evidence/buildout.toml`.
"""

from __future__ import annotations

import dataclasses
import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, Problems, plain
from ..base.reading import data_folder, read_toml
from ..data.bibliography import Source, read_sources
from ..data.priors import Entry, read_entry
from ..data.quantities import DOUBLINGS_PER_OOM, OOMS, Quantity

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["BUILDOUT", "read_buildout", "takeover_before_buildout"]

BUILDOUT: Mapping[str, Quantity] = MappingProxyType(
    {
        "gain": Quantity(
            meaning="effective compute from ASARA to takeover-capable AI",
            units=(OOMS,),
            lower_included=True,
        ),
        "lead_time": Quantity(
            meaning="time from ASARA to ten times the compute of the trend", units=("years",)
        ),
        "compute_trend": Quantity(
            meaning="growth of compute that is no build-out",
            units=("doublings of compute per year",),
            lower_included=True,
        ),
        "held_back": Quantity(
            meaning="time that progress is held back although it is feasible",
            units=("years",),
            lower_included=True,
        ),
    }
)
"""What the outcome needs beyond a view's paths."""


def read_buildout(
    path: Path | None = None, *, sources: Mapping[str, Source] | None = None
) -> Mapping[str, Entry]:
    """The priors of `BUILDOUT` from a TOML file (default: the bundled one). Raises DataError at the first problem."""
    path = data_folder("evidence") / "buildout.toml" if path is None else path
    sources = read_sources() if sources is None else sources
    table = read_toml(path)
    source = table.pop("source", None)
    if not isinstance(source, str) or source not in sources:
        raise DataError(f"{path.name} source", source, "a key of sources.toml")
    if set(table) != set(BUILDOUT):
        raise DataError(path.name, plain("tables " + ", ".join(table)), "the tables " + ", ".join(BUILDOUT))
    with Problems() as problems:
        entries = {
            name: problems.attempt(
                read_entry, f"{path.name} [{name}]", name, table[name], source, sources, BUILDOUT
            )
            for name in BUILDOUT
        }
    return MappingProxyType(
        {name: dataclasses.replace(entry, source=entry.source or source) for name, entry in entries.items()}
    )


def takeover_before_buildout(
    paths: xr.Dataset, *, seed: int, priors: Mapping[str, Entry] | None = None
) -> xr.Dataset:
    """Probability of Greenblatt's outcome over paths of `simulate`, and its Monte Carlo standard error, dims (part,).

    `feasible` and `likely` are the events in the equations of this module, 75 % and 60 % in the paper. `from_software` is the share
    of the feasible draws with a software-only singularity as the paper defines it, the event `gain_500x` (two thirds in the paper).

    Parameters
    ----------
    paths : xr.Dataset
        Paths of `simulate`; the draws count as independent.
    seed : int
        Seed of the draws of the four quantities of the outcome.
    priors : mapping of str to Entry, optional
        Priors of `gain`, `lead_time`, `compute_trend` and `held_back` (default: those of `evidence/buildout.toml`).

    Returns
    -------
    xr.Dataset
        `p` and `mcse` (part): `feasible`, `likely` and `from_software`.

    Raises
    ------
    DataError
        If the bundled file of priors is not valid.

    References
    ----------
    Greenblatt & Mallen (2025).
    """
    import xarray as xr

    from .events import EVENTS

    priors = read_buildout() if priors is None else priors
    shape = paths.reach.shape
    drawn = {name: entry.prior.at(_scores(name, seed, shape)) for name, entry in priors.items()}
    feasible, likely = (
        _effective_compute(paths, time, drawn["compute_trend"]) >= drawn["gain"]
        for time in (drawn["lead_time"], drawn["lead_time"] - drawn["held_back"])
    )
    software = EVENTS["gain_500x"].indicators(paths, {}) & feasible
    parts = {
        "feasible": (int(feasible.sum()), feasible.size),
        "likely": (int(likely.sum()), likely.size),
        "from_software": (int(software.sum()), int(feasible.sum())),
    }
    smoothed = [(hits + 0.5) / (size + 1) for hits, size in parts.values()]
    mcse = [
        math.sqrt(p * (1 - p) / max(1, size)) for p, (_, size) in zip(smoothed, parts.values(), strict=True)
    ]
    return xr.Dataset(
        {
            "p": ("part", [hits / max(1, size) for hits, size in parts.values()], {"unit": "probability"}),
            "mcse": ("part", mcse, {"unit": "probability"}),
        },
        coords={"part": list(parts)},
    )


def _scores(name: str, seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal scores of a quantity, from the seed and its name alone."""
    stream = np.random.SeedSequence([seed, zlib.crc32(name.encode())])
    return np.random.Generator(np.random.PCG64(stream)).standard_normal(shape)


def _effective_compute(paths: xr.Dataset, time: np.ndarray, trend: np.ndarray) -> np.ndarray:
    """OOMs of effective compute gained by a time of each draw's own; -inf before ASARA."""
    from .readings import doublings_by

    gained = doublings_by(paths, np.maximum(time, 0)[..., None])[..., 0]
    ooms = gained / (paths.conversion.values * DOUBLINGS_PER_OOM) + time * trend * math.log10(2)
    return np.where(time > 0, ooms, -math.inf)
