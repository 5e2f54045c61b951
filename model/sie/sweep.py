"""Many fits at once: a grid or a sample over views, edits of priors, mechanisms, evidence and seeds.

A *cell* is one combination: a view with its edits, the rows that may update it, and a seed. It is one task of `engine`, and a cell that does not
converge is recorded. This module reads what to run and says what one cell is; it knows no cluster.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import __version__
from .distributions import Prior
from .engine import DONE, NOT_CONVERGED, open_rows, read_rows, run_tasks
from .evidence import evidence_files, read_evidence, usable
from .likelihoods import likelihood_files
from .prior_tables import read_prior
from .priors import View, read_view, view_names
from .quantities import EVENT_NAMES
from .sources import DataError, plain, read_sources, read_toml

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr
    from distributed import Client

__all__ = ["Cell", "Sweep", "open_sweep", "read_sweep", "run_cell", "run_sweep"]

MOST_CELLS = 1_000_000
"""Cells of a sweep at most."""

LEAST_DRAWS = 1000

_GIVEN = ("priors", "evidence")
_QUANTILES = (0.05, 0.5, 0.95)
FIELDS = (
    "status",
    "seconds",
    "max_rhat",
    "min_ess",
    "divergences",
    *(f"r_asara {given} {q}" for given in _GIVEN for q in _QUANTILES),
    *(f"{value} {given} {event}" for value in ("p", "mcse") for given in _GIVEN for event in EVENT_NAMES),
)
"""What one row of the store holds."""

_AXES = ("edits", "mechanisms", "evidence")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One combination: names of what was chosen on each axis, and the factors by which sampled priors are scaled."""

    view: str
    edits: str
    mechanisms: str
    evidence: str
    seed: int
    scale: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A sweep as its file states it: what each name on an axis means, and the cells in their order."""

    draws: int
    views: Mapping[str, View]
    edits: Mapping[str, Mapping[str, Prior]]
    mechanisms: Mapping[str, Mapping[str, Prior]]
    evidence: Mapping[str, tuple[str, ...]]
    cells: tuple[Cell, ...]
    sha256: str

    def view(self, cell: Cell) -> View:
        """The view of a cell, its edits and its scaled priors put in."""
        view = self.views[cell.view]
        changed = {**self.edits[cell.edits], **self.mechanisms[cell.mechanisms]}
        view = view.replace(**changed) if changed else view
        scaled = {name: view[name].prior.scaled(factor) for name, factor in cell.scale}
        return view.replace(**scaled) if scaled else view


def read_sweep(path: Path, *, folder: Path | None = None) -> Sweep:
    """Read and check a sweep file.

        draws = 4000                         # a fit's draws, a multiple of 4
        seeds = [1, 2]
        views = ["davidson_2025", "mine.toml"]
        [edits.wide]                         # priors put in the place of a view's own; an empty table leaves it as it is
        capabilities = { family = "lognormal", q05 = 1.5, q95 = 3.0 }
        [mechanisms.ces]                     # the same, for growth
        sigma = { family = "fixed", value = 0.7 }
        [evidence.no_chess]                  # rows left out
        leave_out = ["stockfish_2024"]
        [sample]                             # a random sample of the grid instead of all of it
        cells = 500
        seed = 1
        scale = { ceiling = [0.5, 2.0] }     # priors scaled by a factor between these, log-uniform (Latin hypercube)

    Every cell's view is built once here, so that a bad combination is refused before anything runs. Raises DataError.
    """
    where, table = path.name, dict(read_toml(path))
    draws, seeds, names = table.pop("draws", None), table.pop("seeds", None), table.pop("views", None)
    if not _whole(draws) or draws < LEAST_DRAWS or draws % 4:
        raise DataError(f"{where} draws", draws, f"a multiple of 4, at least {LEAST_DRAWS}")
    if not isinstance(seeds, list) or not seeds or not all(_whole(seed) and seed >= 0 for seed in seeds):
        raise DataError(f"{where} seeds", seeds, "a list of whole numbers of at least 0")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise DataError(
            f"{where} views", names, "a list of views (or the names of " + ", ".join(view_names()) + ")"
        )
    works = {**read_sources(), **(read_sources(folder) if folder is not None else {})}
    views = {}
    for name in names:
        view = read_view(str(path.parent / name) if name.endswith(".toml") else name, sources=works)
        if view.name in views:
            raise DataError(
                f"{where} views", plain(f"two views named {view.name}"), "views of different names"
            )
        views[view.name] = view
    axes = {axis: table.pop(axis, {"as_stated": {}}) for axis in _AXES}
    sample = table.pop("sample", None)
    for key in table:
        raise DataError(
            f"{where} {key}", plain("an unknown key"), "draws, seeds, views, sample, " + ", ".join(_AXES)
        )
    for axis, choices in axes.items():
        if (
            not isinstance(choices, dict)
            or not choices
            or not all(isinstance(choice, dict) for choice in choices.values())
        ):
            raise DataError(f"{where} [{axis}]", choices, f"tables [{axis}.NAME]")
    edits, mechanisms = (
        {name: _priors(f"{where} [{axis}.{name}]", choice) for name, choice in axes[axis].items()}
        for axis in ("edits", "mechanisms")
    )
    rows = read_evidence(folder).estimate.values.tolist()
    evidence = {
        name: _left_out(f"{where} [evidence.{name}]", choice, rows)
        for name, choice in axes["evidence"].items()
    }
    grid = product(views, edits, mechanisms, evidence, seeds)
    count = math.prod(map(len, (views, edits, mechanisms, evidence, seeds)))
    if sample is None and count > MOST_CELLS:
        raise DataError(where, plain(f"{count} cells"), f"at most {MOST_CELLS}")
    chosen = (
        [(values, ()) for values in grid]
        if sample is None
        else _sampled(where, sample, (views, edits, mechanisms, evidence, seeds))
    )
    keys = ("view", "edits", "mechanisms", "evidence", "seed")
    cells = tuple(Cell(**dict(zip(keys, values, strict=True)), scale=scale) for values, scale in chosen)
    files = [
        path,
        *(view.path for view in views.values()),
        *evidence_files(folder),
        *likelihood_files(folder),
    ]
    sweep = Sweep(
        draws=draws,
        views=views,
        edits=edits,
        mechanisms=mechanisms,
        evidence=evidence,
        cells=cells,
        sha256=_sha256(files),
    )
    for name in dict.fromkeys(name for cell in cells for name, _ in cell.scale):
        for view in views.values():
            if name not in view:
                raise DataError(
                    f"{where} [sample] scale {name}",
                    plain(f"a quantity that {view.name} does not state"),
                    "one of " + ", ".join(view.entries),
                )
    for cell in {(cell.view, cell.edits, cell.mechanisms, cell.scale): cell for cell in cells}.values():
        sweep.view(cell)
    return sweep


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _priors(where: str, table: Mapping) -> dict[str, Prior]:
    return {name: read_prior(f"{where} {name}", prior) for name, prior in table.items()}


def _left_out(where: str, table: Mapping, rows: list[str]) -> tuple[str, ...]:
    ids = table.get("leave_out", [])
    if set(table) - {"leave_out"} or not isinstance(ids, list):
        raise DataError(where, plain(", ".join(table)), "leave_out, a list of row ids")
    for row in ids:
        if row not in rows:
            raise DataError(f"{where} leave_out", row, "the id of an evidence row")
    return tuple(ids)


def _sampled(where: str, sample: object, axes: tuple) -> Iterator[tuple[tuple, tuple]]:
    """Cells at random: a choice on each axis and a factor for each scaled quantity, by a Latin hypercube."""
    from scipy.stats import qmc

    if not isinstance(sample, dict) or set(sample) - {"cells", "seed", "scale"}:
        raise DataError(f"{where} [sample]", sample, "cells, seed and scale")
    cells, seed, scale = sample.get("cells"), sample.get("seed"), sample.get("scale", {})
    if not _whole(cells) or not 1 <= cells <= MOST_CELLS:
        raise DataError(f"{where} [sample] cells", cells, f"a whole number from 1 to {MOST_CELLS}")
    if not _whole(seed) or seed < 0:
        raise DataError(f"{where} [sample] seed", seed, "a whole number of at least 0")
    if not isinstance(scale, dict):
        raise DataError(f"{where} [sample] scale", scale, "a table of quantities, each with two factors")
    for name, ends in scale.items():
        good = isinstance(ends, list) and len(ends) == 2 and all(isinstance(end, int | float) for end in ends)
        if not good or not 0 < ends[0] <= ends[1] < math.inf:
            raise DataError(f"{where} [sample] scale {name}", ends, "two factors above 0 in ascending order")
    unit = qmc.LatinHypercube(d=len(axes) + len(scale), rng=seed).random(cells)
    choices = [list(axis) for axis in axes]
    for row in unit:
        values = tuple(choice[int(u * len(choice))] for choice, u in zip(choices, row, strict=False))
        factors = (
            low * (high / low) ** u for (low, high), u in zip(scale.values(), row[len(axes) :], strict=True)
        )
        yield values, tuple(zip(scale, map(float, factors), strict=True))


def _sha256(files: list[Path]) -> str:
    digest = hashlib.sha256(__version__.encode())
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


KEPT = 32
"""Models that a process keeps: cells that differ in nothing but their seed follow each other, and share one."""

_models: dict[tuple, pm.Model] = {}


def _model(view: View, evidence: xr.Dataset, leave_out: tuple[str, ...], key: str) -> pm.Model:
    from .returns import build

    priors = tuple((name, entry.prior) for name, entry in view.entries.items())
    known = (key, view.name, priors, view.reflects, leave_out)
    if known not in _models:
        rows = usable(evidence, view)
        rows = rows.isel(estimate=~np.isin(rows.estimate.values, leave_out))
        while len(_models) >= KEPT:
            del _models[next(iter(_models))]
        _models[known] = build(rows, view)
    return _models[known]


def run_cell(
    view: View,
    evidence: xr.Dataset | None,
    leave_out: tuple[str, ...],
    *,
    seed: int,
    draws: int,
    key: str,
) -> np.ndarray:
    """The row of one cell, in the order of FIELDS. `evidence` None, or a view that states r at ASARA: priors only.

    `key` tells one body of evidence and one set of views from another.
    """
    from .credences import credences
    from .dynamics import simulate
    from .inference import NotConverged, fit, prior

    began, row = time.perf_counter(), dict.fromkeys(FIELDS, math.nan)
    found = {}
    try:
        if evidence is None or view.states_r_asara:
            found["priors"] = prior(view, draws=draws, seed=seed)
        else:
            tree = fit(_model(view, evidence, leave_out, key), seed=seed, draws=draws)
            found = {"priors": tree["prior"].to_dataset(), "evidence": tree["posterior"].to_dataset()}
            row.update({key: float(tree.attrs[key]) for key in ("max_rhat", "min_ess", "divergences")})
        row["status"] = DONE
    except NotConverged:
        row["status"] = NOT_CONVERGED
    for given, posterior in found.items():
        table = credences(simulate(posterior))
        for q, value in zip(_QUANTILES, np.quantile(posterior.r_asara.values, _QUANTILES), strict=True):
            row[f"r_asara {given} {q}"] = float(value)
        for event, p, mcse in zip(table.event.values, table.p.values, table.mcse.values, strict=True):
            row[f"p {given} {event}"], row[f"mcse {given} {event}"] = float(p), float(mcse)
    row["seconds"] = time.perf_counter() - began
    return np.array([row[field] for field in FIELDS])


def run_sweep(
    sweep: Sweep,
    store: Path,
    client: Client,
    *,
    folder: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, cells: None,
) -> dict[str, int]:
    """Run the cells that the store does not have yet; how many ended in each state, and how many it had.

    Results stream into `store` as they finish. Raises DataError for a store of another sweep.
    """

    def arguments(i: int) -> dict:
        cell = sweep.cells[i]
        left_out = sweep.evidence[cell.evidence]
        return {"view": sweep.view(cell), "leave_out": left_out, "seed": cell.seed, "draws": sweep.draws}

    rows = open_sweep_rows(sweep, store)
    shared = {"evidence": read_evidence(folder), "key": sweep.sha256}
    return run_tasks(
        run_cell, arguments, rows, client, shared=shared, log=store / "log.jsonl", progress=progress
    )


def open_sweep_rows(sweep: Sweep, store: Path):
    """The store of this sweep, made if there is none."""
    labels = [{**vars(cell), "scale": dict(cell.scale)} for cell in sweep.cells]
    return open_rows(store, labels, FIELDS, sha256=sweep.sha256)


def open_sweep(store: Path | str) -> xr.Dataset:
    """What a sweep found so far: `p` and `mcse` (cell, given, event), `r_asara` (cell, given, quantile), `status`, `seconds` and the
    sampler's diagnostics (cell), with each cell's choices as coordinates. NaN where there is nothing (yet)."""
    import xarray as xr

    rows = read_rows(Path(store), FIELDS)
    values, cells = rows[:], rows.attrs["tasks"]
    at = {field: i for i, field in enumerate(FIELDS)}

    def block(names: list[str], *shape: int) -> np.ndarray:
        return values[:, [at[name] for name in names]].reshape(len(cells), *shape)

    tables = {
        value: (
            ("cell", "given", "event"),
            block([f"{value} {g} {e}" for g in _GIVEN for e in EVENT_NAMES], 2, -1),
        )
        for value in ("p", "mcse")
    }
    r_names = [f"r_asara {g} {q}" for g in _GIVEN for q in _QUANTILES]
    scaled = sorted({name for cell in cells for name in cell["scale"]})
    return xr.Dataset(
        {
            **tables,
            "r_asara": (("cell", "given", "quantile"), block(r_names, 2, -1)),
            **{name: ("cell", values[:, at[name]]) for name in FIELDS[:5]},
        },
        coords={
            "given": list(_GIVEN),
            "event": list(EVENT_NAMES),
            "quantile": list(_QUANTILES),
            **{key: ("cell", [cell[key] for cell in cells]) for key in ("view", *_AXES, "seed")},
            **{
                f"scale_{name}": ("cell", [cell["scale"].get(name, 1.0) for cell in cells]) for name in scaled
            },
        },
    )
