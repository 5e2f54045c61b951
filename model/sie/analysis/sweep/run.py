"""A sweep run into a store, and the store read as a labelled dataset."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.errors import DataError, plain
from ...base.stats import INTERVAL
from ...base.stores import STATES, attributes, open_rows, read_rows, read_whole
from ...base.tasks import run_tasks
from ...data.evidence import read_evidence
from ...data.quantities import EVENT_NAMES, R_UNIT
from .cells import FIELDS, GIVEN, HOW, OF_CELL, Cells, run_cells
from .spec import AXES, Sweep

if TYPE_CHECKING:
    import xarray as xr
    from distributed import Client

__all__ = ["open_sweep", "open_sweep_rows", "run_sweep"]


_ABOUT = {
    "status": {
        "flag_values": list(STATES),
        "flag_meanings": " ".join(state.replace(" ", "_") for state in STATES.values()),
    },
    "seconds": {"unit": "s"},
    "memory": {"unit": "MiB"},
}
"""Attributes of the variables by cell that are no plain numbers."""


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
    store = Path(store)
    shared = {"evidence": read_evidence(folder), "key": sweep.sha256}
    cells = Cells(sweep, client, shared)
    return run_tasks(
        run_cells,
        cells.arguments,
        open_sweep_rows(sweep, store),
        client,
        shared=shared,
        log=store / "log.jsonl",
        progress=progress,
        batches=cells.batches,
    )


def open_sweep_rows(sweep: Sweep, store: Path):
    """The store of this sweep, made if there is none."""
    labels = [{**vars(cell), "scale": dict(cell.scale)} for cell in sweep.cells]
    about = {"levels": {name: dict(levels) for name, levels in sweep.levels.items()}}
    return open_rows(store, labels, FIELDS, sha256=sweep.sha256, about=about)


def _is_label(label: object) -> bool:
    """Whether a store has a cell's choices there."""
    return (
        isinstance(label, dict)
        and all(isinstance(label.get(key), str) for key in ("view", *AXES))
        and isinstance(label.get("seed"), int)
        and isinstance(scale := label.get("scale"), dict)
        and all(isinstance(factor, int | float) for factor in scale.values())
    )


def _are_levels(levels: object, cells: list[dict]) -> bool:
    """Whether a store has a level of the same domains there for each choice of evidence, or none at all."""
    if not isinstance(levels, dict) or not all(isinstance(chosen, dict) for chosen in levels.values()):
        return False
    names = (level for chosen in levels.values() for level in chosen.values())
    return not levels or (
        len({frozenset(chosen) for chosen in levels.values()}) == 1
        and all(isinstance(name, str) for name in names)
        and {cell["evidence"] for cell in cells} <= levels.keys()
    )


def open_sweep(store: Path | str) -> xr.Dataset:
    """What a sweep has found so far.

    Parameters
    ----------
    store : Path or str
        Folder that `run_sweep` wrote.

    Returns
    -------
    xr.Dataset
        `p` and `mcse` (cell, given, event), `r_asara` (cell, given, quantile), with each cell's choices as coordinates, and the
        `level` of each domain (cell, domain). By cell: `status`; `how` it was answered, `khat` and `effective_draws` as in
        `Answer`; the diagnostics of the fit behind it; `seconds` without a fit that it shares; `memory`, the most that its
        process had held by then; and `discarded_prior_mass`, as in `Answer`. NaN, and "" for `how`, where there is nothing (yet).
        Each has its `unit`; `status` has `flag_values` and `flag_meanings`.

    Raises
    ------
    DataError
        For anything but the store of a sweep, and for damaged cells, which `run_sweep` computes again.
    """
    import xarray as xr

    rows = read_rows(Path(store))
    values, about = read_whole(rows), attributes(rows)
    kept = {field: values[:, i] for i, field in enumerate(about["fields"])}
    want = "the store of a sweep"
    if missing := [field for field in FIELDS if field not in kept and field not in OF_CELL]:
        raise DataError(str(store), plain(f"results without {missing[0]}"), want)
    cells, levels = about["tasks"], about.get("levels", {})  # none in the store of an earlier version
    if not (all(map(_is_label, cells)) and _are_levels(levels, cells)):
        raise DataError(str(store), plain("labels of other tasks"), want)
    kept = {field: kept.get(field, np.full(len(cells), math.nan)) for field in FIELDS}
    if odd := kept["how"][~np.isnan(kept["how"]) & ~np.isin(kept["how"], range(len(HOW)))].tolist():
        raise DataError(f"{store} how", odd[0], f"a whole number below {len(HOW)}")

    def block(names: list[str], *shape: int) -> np.ndarray:
        return np.stack([kept[name] for name in names], axis=1).reshape(len(cells), *shape)

    tables: dict[str, Any] = {
        value: (
            ("cell", "given", "event"),
            block([f"{value} {g} {e}" for g in GIVEN for e in EVENT_NAMES], 2, -1),
            {"unit": "probability"},
        )
        for value in ("p", "mcse")
    }
    r_names = [f"r_asara {g} {q}" for g in GIVEN for q in INTERVAL]
    scaled = sorted({name for cell in cells for name in cell["scale"]})
    domains = list(dict.fromkeys(domain for chosen in levels.values() for domain in chosen))
    if domains:
        chosen = [[levels[cell["evidence"]][domain] for domain in domains] for cell in cells]
        tables["level"] = (("cell", "domain"), chosen)
    return xr.Dataset(
        {
            **tables,
            "r_asara": (("cell", "given", "quantile"), block(r_names, 2, -1), {"unit": R_UNIT}),
            **{name: ("cell", kept[name], _ABOUT.get(name, {"unit": "1"})) for name in OF_CELL},
            "how": ("cell", ["" if math.isnan(how) else HOW[int(how)] for how in kept["how"]]),
        },
        coords={
            "given": list(GIVEN),
            "event": list(EVENT_NAMES),
            "quantile": list(INTERVAL),
            **({"domain": domains} if domains else {}),
            **{key: ("cell", [cell[key] for cell in cells]) for key in ("view", *AXES, "seed")},
            **{
                f"scale_{name}": ("cell", [cell["scale"].get(name, 1.0) for cell in cells]) for name in scaled
            },
        },
    )
