"""What a sweep runs, as its file states it: a grid or a sample over views, edits of priors, mechanisms, evidence and seeds.

A *cell* is one combination: a view with its edits, the rows that may update it, and a seed. No two choices on an axis are the
same thing under two names, and no name changes nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from ... import __version__
from ...base.errors import DataError, moved, plain
from ...base.files import sha256_of
from ...base.reading import read_bytes, read_toml
from ...data.bibliography import Source, read_sources
from ...data.evidence import evidence_files, read_evidence
from ...data.exogenous import EXOGENOUS, read_numbers
from ...data.families import LARGEST, SMALLEST, Prior, is_finite
from ...data.prior_tables import read_prior
from ...data.priors import View, read_view
from ...data.schema import Field, anything, checked, optional
from ...inference.prior_draws import check_draws, check_seed
from ...returns.likelihoods import likelihood_files
from .axes import refuse_same, selections

__all__ = ["AXES", "Cell", "Sweep", "read_sweep"]

MOST_CELLS = 1_000_000
"""Cells of a sweep at most."""

AXES = ("edits", "mechanisms", "evidence")


def _seeds(seeds: Any) -> list | None:
    return seeds if isinstance(seeds, list) and seeds and len(set(seeds)) == len(seeds) else None


def _names(names: Any) -> list[str] | None:
    return (
        names if names and all(isinstance(name, str) for name in names) and isinstance(names, list) else None
    )


def _choices(tables: Any) -> dict | None:
    good = isinstance(tables, dict) and tables and all(isinstance(table, dict) for table in tables.values())
    return tables if good else None


_FIELDS = {
    "draws": anything("a number of draws"),
    "seeds": Field(_seeds, "a list of different whole numbers"),
    "views": Field(_names, "a list of views"),
    "weights": optional(Field(lambda flag: flag if isinstance(flag, bool) else None, "true or false"), True),
    "sample": optional(anything()),
    **{axis: optional(Field(_choices, f"tables [{axis}.NAME]"), {"as_stated": {}}) for axis in AXES},
}
_SAMPLE = {
    "cells": Field(
        lambda cells: (
            cells if isinstance(cells, int) and cells is not True and 1 <= cells <= MOST_CELLS else None
        ),
        f"a whole number from 1 to {MOST_CELLS}",
    ),
    "seed": anything("a seed"),
    "scale": optional(
        Field(
            lambda table: table if isinstance(table, dict) else None,
            "a table of quantities, each with two factors",
        ),
        {},
    ),
}


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
    """A sweep as its file states it: what each name on an axis means, and the cells in their order.

    `evidence` are the rows left out by each choice of evidence, `levels` the level of each domain in it. `weights` is whether a
    cell may be answered from the fit of its view as stated.
    """

    draws: int
    weights: bool
    views: Mapping[str, View]
    edits: Mapping[str, Mapping[str, Prior | Mapping[str, float]]]
    mechanisms: Mapping[str, Mapping[str, Prior | Mapping[str, float]]]
    evidence: Mapping[str, tuple[str, ...]]
    levels: Mapping[str, Mapping[str, str]]
    cells: tuple[Cell, ...]
    sha256: str

    def view(self, cell: Cell) -> View:
        """The view of a cell, its edits and its scaled priors put in."""
        view = self.views[cell.view]
        changed = {**self.edits[cell.edits], **self.mechanisms[cell.mechanisms]}
        view = view.replace(**changed) if changed else view
        scaled = {name: view[name].prior.scaled(factor) for name, factor in cell.scale}
        return view.replace(**scaled) if scaled else view


def read_sweep(
    path: Path | str, *, folder: Path | str | None = None, levels: Mapping[str, str] | None = None
) -> Sweep:
    """Read and check a sweep file.

        draws = 4000                         # a fit's draws, a multiple of 4
        seeds = [1, 2]
        weights = true                       # false fits every cell; true also answers from the fit of the view as stated
        views = ["davidson_2025", "mine.toml"]
        [edits.wide]                         # priors put in the place of a view's own; an empty table leaves it as it is
        capabilities = { family = "lognormal", q05 = 1.5, q95 = 3.0 }
        [mechanisms.ces]                     # the same, for growth
        sigma = { family = "fixed", value = 0.7 }
        [mechanisms.more_hardware]           # what acts on growth from outside: hardware_growth, boost or pause
        hardware_growth = { doublings_per_year = 1.0 }
        [evidence.no_vision]                 # rows left out, or all rows of a domain; domains at other levels
        leave_out = ["computer vision"]
        levels = { "SAT solvers" = "published" }
        [sample]                             # a random sample of the grid instead of all of it
        cells = 500
        seed = 1
        scale = { ceiling = [0.5, 2.0] }     # priors scaled by a factor between these, log-uniform (Latin hypercube)

    Every cell's view is built once here, so that a bad combination is refused before anything runs.

    Parameters
    ----------
    path : Path or str
        The TOML file; views ending in `.toml` are looked for beside it.
    folder : Path or str, optional
        The evidence folder (default: the bundled one).
    levels : mapping of str to str, optional
        Levels of domains, as in `usable`, where a choice of evidence names no other.

    Returns
    -------
    Sweep
        The cells in their order, and what each name on an axis means.

    Raises
    ------
    DataError
        At the first problem, in the file or in a view, row or level that it names.
    """
    path, folder = Path(path), Path(folder) if folder is not None else None
    where = path.name
    table = checked(where, read_toml(path), _FIELDS)
    draws, seeds, names, sample = (table[key] for key in ("draws", "seeds", "views", "sample"))
    check_draws(f"{where} draws", draws)
    for seed in seeds:
        check_seed(f"{where} seeds", seed)
    works = {**read_sources(), **(read_sources(folder) if folder is not None else {})}
    views = _views(f"{where} views", path.parent, names, works)
    axes = {axis: table[axis] for axis in AXES}
    edits, mechanisms = (
        {name: _changes(f"{where} [{axis}.{name}]", choice) for name, choice in axes[axis].items()}
        for axis in ("edits", "mechanisms")
    )
    refuse_same(where, edits, mechanisms, views)
    read = read_evidence(folder)
    evidence, entered = selections(where, axes["evidence"], read, views, levels or {})
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
    cells = tuple(
        Cell(**dict[str, Any](zip(keys, values, strict=True)), scale=scale) for values, scale in chosen
    )
    files = [
        path,
        *(view.path for view in views.values()),
        *evidence_files(folder),
        *likelihood_files(folder),
    ]
    sweep = Sweep(
        draws=draws,
        weights=table["weights"],
        views=views,
        edits=edits,
        mechanisms=mechanisms,
        evidence=evidence,
        levels=entered,
        cells=cells,
        sha256=_sha256(files, entered),
    )
    _build_views(where, sweep)
    return sweep


def _build_views(where: str, sweep: Sweep) -> None:
    """Build the view of every cell, so that a bad combination is refused."""
    for name in dict.fromkeys(name for cell in sweep.cells for name, _ in cell.scale):
        here = f"{where} [sample] scale {name}"
        for view in sweep.views.values():
            if name not in view:
                found = plain(f"a quantity that {view.name} does not state")
                raise DataError(here, found, "one of " + ", ".join(view.entries))
            try:
                view[name].prior.scaled(1.0)
            except DataError as error:
                raise DataError(f"{here} of {view.name}", error.found, error.want) from None
    for cell in {(cell.view, cell.edits, cell.mechanisms, cell.scale): cell for cell in sweep.cells}.values():
        try:
            sweep.view(cell)
        except DataError as error:
            raise moved(error, lambda place: f"{where}: {place}") from None


def _views(where: str, folder: Path, names: list[str], works: Mapping[str, Source]) -> dict[str, View]:
    views = {}
    for name in names:
        try:
            view = read_view(str(folder / name) if name.endswith(".toml") else name, sources=works)
        except DataError as error:
            raise moved(error, lambda place: f"{where}: {place}") from None
        if view.name in views:
            raise DataError(where, plain(f"two views named {view.name}"), "views of different names")
        views[view.name] = view
    return views


def _changes(where: str, table: Mapping) -> dict[str, Prior | Mapping[str, float]]:
    """Priors by quantity, and the numbers of what acts on growth from outside."""
    return {
        name: read_numbers(f"{where} {name}", name, item)
        if name in EXOGENOUS
        else read_prior(f"{where} {name}", item)
        for name, item in table.items()
    }


def _sampled(where: str, sample: object, axes: tuple) -> Iterator[tuple[tuple, tuple]]:
    """Cells at random: a choice on each axis and a factor for each scaled quantity, by a Latin hypercube."""
    from scipy.stats import qmc

    found = checked(f"{where} [sample]", sample, _SAMPLE)
    cells, seed, scale = (found[key] for key in ("cells", "seed", "scale"))
    check_seed(f"{where} [sample] seed", seed)
    for name, ends in scale.items():
        good = isinstance(ends, list) and len(ends) == 2 and all(is_finite(end) for end in ends)
        if not good or not SMALLEST <= ends[0] <= ends[1] <= LARGEST:
            want = f"two factors from {SMALLEST:g} to {LARGEST:g} in ascending order"
            raise DataError(f"{where} [sample] scale {name}", ends, want)
    unit = qmc.LatinHypercube(d=len(axes) + len(scale), rng=seed).random(cells)
    choices = [list(axis) for axis in axes]
    for row in unit:
        values = tuple(choice[int(u * len(choice))] for choice, u in zip(choices, row, strict=False))
        factors = (
            low * (high / low) ** u for (low, high), u in zip(scale.values(), row[len(axes) :], strict=True)
        )
        yield values, tuple(zip(scale, map(float, factors), strict=True))


def _sha256(files: list[Path], levels: Mapping[str, Mapping[str, str]]) -> str:
    head = f"{__version__} {json.dumps(levels, sort_keys=True)}\n"
    return sha256_of(head, ((path.name, read_bytes(path)) for path in files))
