"""Many fits at once: the cells of a `spec.Sweep`, each one task of `tasks`, and what they found.

A cell that does not converge is recorded.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.stats import INTERVAL
from ...base.stores import DONE, NOT_CONVERGED, attributes, open_rows, read_rows, read_whole
from ...base.tasks import run_tasks
from ...data.evidence import read_evidence
from ...data.exogenous import variables
from ...data.priors import View
from ...data.quantities import EVENT_NAMES
from ...returns.selection import usable
from .spec import AXES, Sweep

if TYPE_CHECKING:
    import xarray as xr
    from distributed import Client

    from ...returns.design import Design

__all__ = ["FIELDS", "open_sweep", "open_sweep_rows", "run_cell", "run_sweep"]

_GIVEN = ("priors", "evidence")
FIELDS = (
    "status",
    "seconds",
    "max_rhat",
    "min_ess",
    "divergences",
    *(f"r_asara {given} {q}" for given in _GIVEN for q in INTERVAL),
    *(f"{value} {given} {event}" for value in ("p", "mcse") for given in _GIVEN for event in EVENT_NAMES),
)
"""What one row of the store holds."""

KEPT = 32
"""Designs that a process keeps: cells that differ in nothing but their seed follow each other, and share one."""

_designs: dict[tuple, Design] = {}


def _design(
    view: View,
    evidence: xr.Dataset,
    leave_out: tuple[str, ...],
    key: str,
    levels: Mapping[str, str] = MappingProxyType({}),
) -> Design:
    from ...returns.design import design

    priors = tuple((name, entry.prior) for name, entry in view.entries.items())
    outside = tuple(variables(view.exogenous).items())
    known = (key, view.name, priors, outside, view.reflects, leave_out, tuple(levels.items()))
    if known not in _designs:
        rows = usable(evidence, view, levels=levels)
        rows = rows.isel(estimate=~np.isin(rows.estimate.values, leave_out))
        while len(_designs) >= KEPT:
            del _designs[next(iter(_designs))]
        _designs[known] = design(rows, view)
    return _designs[known]


def run_cell(
    view: View,
    evidence: xr.Dataset | None,
    leave_out: tuple[str, ...],
    *,
    seed: int,
    draws: int,
    key: str,
    levels: Mapping[str, str] = MappingProxyType({}),
) -> np.ndarray:
    """The row of one cell, in the order of FIELDS. `evidence` None, or a view that states r at ASARA: priors only.

    `levels` as in `sie.usable`, whose rows enter without those of `leave_out`. `key` tells one body of evidence and one set of views from another.
    """
    from ...base.errors import NotConverged
    from ...growth.credences import credences
    from ...growth.paths import simulate
    from ...inference.prior_draws import prior
    from ...inference.sampling import fit

    began, row = time.perf_counter(), dict.fromkeys(FIELDS, math.nan)
    found = {}
    try:
        if evidence is None or view.states_r_asara:
            found["priors"] = prior(view, draws=draws, seed=seed)
        else:
            tree = fit(_design(view, evidence, leave_out, key, levels), seed=seed, draws=draws, groups=())
            found = {"priors": tree["prior"].to_dataset(), "evidence": tree["posterior"].to_dataset()}
            row.update({key: float(tree.attrs[key]) for key in ("max_rhat", "min_ess", "divergences")})
        row["status"] = DONE
    except NotConverged:
        row["status"] = NOT_CONVERGED
    for given, posterior in found.items():
        table = credences(simulate(posterior))
        for q, value in zip(INTERVAL, np.quantile(posterior.r_asara.values, INTERVAL), strict=True):
            row[f"r_asara {given} {q}"] = float(value)
        for event, p, mcse in zip(table.event.values, table.p.values, table.mcse.values, strict=True):
            row[f"p {given} {event}"], row[f"mcse {given} {event}"] = float(p), float(mcse)
    row["seconds"] = time.perf_counter() - began
    return np.array([row[field] for field in FIELDS])


def run_sweep(
    sweep: Sweep,
    store: Path | str,
    client: Client,
    *,
    folder: Path | str | None = None,
    progress: Callable[[int, int], None] = lambda done, cells: None,
) -> dict[str, int]:
    """Run the cells of a sweep that the store does not have yet.

    Results stream into `store` as they finish, so that a run that was stopped can be continued.

    Parameters
    ----------
    sweep : Sweep
        From `read_sweep`.
    store : Path or str
        Folder of the Zarr store, made if there is none.
    client : Client
        From `cluster`.
    folder : Path or str, optional
        The evidence folder (default: the bundled one).
    progress : callable, optional
        Called with the numbers of cells that are done and of all cells.

    Returns
    -------
    dict of str to int
        How many cells ended in each state, how many the store had, and how many of it were damaged and ran again.

    Raises
    ------
    DataError
        For a store of another sweep or of changed inputs, one that another process writes into, and as in `read_evidence`.

    Examples
    --------
    >>> with sie.cluster(2) as client:
    ...     counts = sie.run_sweep(sie.read_sweep("sweep.toml"), "sweep.zarr", client)
    >>> found = sie.open_sweep("sweep.zarr")
    """

    def arguments(i: int) -> dict:
        cell = sweep.cells[i]
        chosen = {"leave_out": sweep.evidence[cell.evidence], "levels": dict(sweep.levels[cell.evidence])}
        return {"view": sweep.view(cell), **chosen, "seed": cell.seed, "draws": sweep.draws}

    store = Path(store)
    rows = open_sweep_rows(sweep, store)
    shared = {"evidence": read_evidence(folder), "key": sweep.sha256}
    return run_tasks(
        run_cell, arguments, rows, client, shared=shared, log=store / "log.jsonl", progress=progress
    )


def open_sweep_rows(sweep: Sweep, store: Path):
    """The store of this sweep, made if there is none."""
    labels = [{**vars(cell), "scale": dict(cell.scale)} for cell in sweep.cells]
    about = {"levels": {name: dict(levels) for name, levels in sweep.levels.items()}}
    return open_rows(store, labels, FIELDS, sha256=sweep.sha256, about=about)


def open_sweep(store: Path | str) -> xr.Dataset:
    """What a sweep has found so far.

    Parameters
    ----------
    store : Path or str
        Folder that `run_sweep` wrote.

    Returns
    -------
    xr.Dataset
        `p` and `mcse` (cell, given, event), `r_asara` (cell, given, quantile), `status`, `seconds` and the sampler's diagnostics
        (cell), with each cell's choices as coordinates, and the `level` of each domain (cell, domain). NaN where there is nothing
        (yet).

    Raises
    ------
    DataError
        For anything but the store of a sweep, and for damaged cells, which `run_sweep` computes again.
    """
    import xarray as xr

    rows = read_rows(Path(store), FIELDS)
    values, about = read_whole(rows), attributes(rows)
    cells = about["tasks"]
    at = {field: i for i, field in enumerate(FIELDS)}

    def block(names: list[str], *shape: int) -> np.ndarray:
        return values[:, [at[name] for name in names]].reshape(len(cells), *shape)

    tables: dict[str, Any] = {
        value: (
            ("cell", "given", "event"),
            block([f"{value} {g} {e}" for g in _GIVEN for e in EVENT_NAMES], 2, -1),
        )
        for value in ("p", "mcse")
    }
    r_names = [f"r_asara {g} {q}" for g in _GIVEN for q in INTERVAL]
    scaled = sorted({name for cell in cells for name in cell["scale"]})
    levels = about.get("levels", {})  # none in the store of an earlier version
    domains = list(dict.fromkeys(domain for chosen in levels.values() for domain in chosen))
    if domains:
        chosen = [[levels[cell["evidence"]][domain] for domain in domains] for cell in cells]
        tables["level"] = (("cell", "domain"), chosen)
    return xr.Dataset(
        {
            **tables,
            "r_asara": (("cell", "given", "quantile"), block(r_names, 2, -1)),
            **{name: ("cell", values[:, at[name]]) for name in FIELDS[:5]},
        },
        coords={
            "given": list(_GIVEN),
            "event": list(EVENT_NAMES),
            "quantile": list(INTERVAL),
            **({"domain": domains} if domains else {}),
            **{key: ("cell", [cell[key] for cell in cells]) for key in ("view", *AXES, "seed")},
            **{
                f"scale_{name}": ("cell", [cell["scale"].get(name, 1.0) for cell in cells]) for name in scaled
            },
        },
    )
