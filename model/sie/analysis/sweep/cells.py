"""The cells of a sweep, and what they share.

Cells that differ in nothing but priors are answered from one fit of their view as stated, where Pareto k-hat allows, and are fitted
where it does not. Cells that differ in nothing but the choice of evidence are one task, which draws the paths of their priors once, and
answers once what says the same under several choices. A cell's numbers follow from the sweep alone, not from the cells that ran before
it. A cell that does not converge is recorded.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.stats import INTERVAL, QUANTILES
from ...base.stores import DONE, NOT_CONVERGED
from ...base.tasks import RETRIES
from ...data.priors import View
from ...data.quantities import EVENT_NAMES
from ...returns.inputs import levels_of
from .spec import Cell, Sweep

if TYPE_CHECKING:
    import xarray as xr
    from distributed import Client, Future

    from ...inference.designs import Designs
    from ...inference.fits import Fit

__all__ = ["FIELDS", "GIVEN", "HOW", "OF_CELL", "Cells", "base_fit", "run_cell", "run_cells"]

GIVEN = ("priors", "evidence")
OF_CELL = (
    "status",
    "seconds",
    "max_rhat",
    "min_ess",
    "divergences",
    "how",
    "khat",
    "effective_draws",
    "memory",
    "discarded_prior_mass",
)
FIELDS = (
    *OF_CELL,
    *(f"r_asara {given} {q}" for given in GIVEN for q in INTERVAL),
    *(f"{value} {given} {event}" for value in ("p", "mcse") for given in GIVEN for event in EVENT_NAMES),
)
"""What one row of the store holds."""

HOW = ("paths", "reweighted", "refitted")
"""How a cell was answered, as in `Answer`: a row has the position."""

TOGETHER = 4
"""Fits at most that the cells of one task are answered from."""

KEPT = 8
"""Bodies of evidence whose rows and designs a process keeps."""

_kept: dict[tuple, Designs] = {}


def _designs(evidence: xr.Dataset | None, leave_out: tuple[str, ...], key: str) -> Designs:
    from ...inference.designs import Designs

    known = (key, evidence is None, leave_out)
    if known not in _kept:
        while len(_kept) >= KEPT:
            del _kept[next(iter(_kept))]
        _kept[known] = Designs(evidence, without=leave_out)
    return _kept[known]


def base_fit(
    view: View,
    evidence: xr.Dataset,
    leave_out: tuple[str, ...],
    *,
    seed: int,
    draws: int,
    key: str,
    levels: Mapping[str, str] = MappingProxyType({}),
) -> Fit | None:
    """The fit from which `run_cell` answers the edits of a view, arguments as there; None where it does not converge, or is refused."""
    from ...base.errors import DataError, NotConverged
    from ...inference.workbench import Workbench

    designs = _designs(evidence, leave_out, key)
    try:
        found = Workbench(evidence, seed=seed, draws=draws, designs=designs).refit(view, levels=levels).fit
    except (NotConverged, DataError):
        return None
    if found is None:
        return None
    light = found.tree.copy()  # it travels between workers
    for group in light.children.keys() - {"posterior"}:
        del light[group]
    return replace(found, tree=light)


def run_cell(
    view: View,
    evidence: xr.Dataset | None,
    leave_out: tuple[str, ...],
    *,
    seed: int,
    draws: int,
    key: str,
    levels: Mapping[str, str] = MappingProxyType({}),
    base: Fit | None = None,
) -> np.ndarray:
    """The row of one cell, in the order of FIELDS. `evidence` None, or a view that states r at ASARA: priors only.

    `levels` as in `sie.usable`, whose rows enter without those of `leave_out`. `key` tells one body of evidence from another. The
    cell is fitted unless its answer follows from `base`, the `base_fit` of its view as stated.
    """
    from ...base.errors import NotConverged
    from ...growth.events import EVENTS
    from ...inference.workbench import Workbench

    began, row = time.perf_counter(), dict.fromkeys(FIELDS, math.nan)
    fits = [base] if base is not None else []
    designs = _designs(evidence, leave_out, key)
    bench = Workbench(evidence, seed=seed, draws=draws, designs=designs, fits=fits)
    try:
        answer = bench.answer(view, levels=levels)
    except NotConverged:
        row["status"] = NOT_CONVERGED
    else:
        row |= answer.diagnostics or {}
        row |= {"status": DONE, "how": float(HOW.index(answer.how))}
        row |= {"khat": answer.khat, "effective_draws": answer.effective_draws}
        row |= {"discarded_prior_mass": answer.discarded_prior_mass}
        for given, table in answer.credences.items():
            of_r = dict(zip(QUANTILES, answer.r[given], strict=True))
            row |= {f"r_asara {given} {q}": of_r[q] for q in INTERVAL}
            for value in ("p", "mcse"):
                row |= dict(
                    zip([f"{value} {given} {event}" for event in EVENTS], table[value].values, strict=True)
                )
    row |= {"seconds": time.perf_counter() - began, "memory": _peak_mib()}
    return np.array([row[field] for field in FIELDS], dtype=float)


def run_cells(
    view: View,
    evidence: xr.Dataset | None,
    selections: Sequence[Mapping[str, Any]],
    *,
    seed: int,
    draws: int,
    key: str,
) -> np.ndarray:
    """The rows of cells that differ in their choice of evidence alone: `run_cell` each, with its `leave_out`, `levels` and `base`."""
    found: dict[tuple, np.ndarray] = {}
    rows = []
    for chosen in selections:
        began = time.perf_counter()
        designs = _designs(evidence, chosen["leave_out"], key)
        says = _counted(designs, view, chosen["levels"]), id(chosen["base"])
        if says in found:
            row = found[says].copy()
            row[FIELDS.index("seconds")] = time.perf_counter() - began
        else:
            row = found[says] = run_cell(view, evidence, **chosen, seed=seed, draws=draws, key=key)
        rows.append(row)
    return np.array(rows)


def _counted(designs: Designs, view: View, levels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The rows that count for a view, with their levels; none where evidence cannot move it."""
    rows = designs.rows(view, levels=levels)
    if rows is None:
        return ()
    return tuple(zip(rows.estimate.values.tolist(), levels_of(rows).tolist(), strict=True))


def _peak_mib() -> float:
    """The most memory that this process has held so far; NaN where the system does not say."""
    if sys.platform == "win32":
        return math.nan
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


class Cells:
    """The tasks of a sweep, and the fits that they share.

    A group is what one fit can answer: one view, one seed and the same rows. Its fit is a task of its own, which workers get from each other.
    """

    def __init__(self, sweep: Sweep, client: Client, shared: dict[str, Any]) -> None:
        self._sweep, self._client, self._shared = sweep, client, shared
        self._counted: dict[tuple[str, str], tuple] = {}
        self._groups: list[tuple[tuple, Cell]] = []
        self._places: dict[tuple, int] = {}
        self._fits: dict[tuple, Future] = {}

    def batches(self, pending: Sequence[int]) -> Iterator[list[int]]:
        """The cells of each task, in an order in which few fits are wanted at a time: one cell each where every cell is fitted."""
        if not self._sweep.weights:
            return ([i] for i in pending)
        cells = self._sweep.cells
        by_fits: dict[tuple, dict[tuple, int]] = {}
        for i in pending:
            seen = by_fits.setdefault((cells[i].view, cells[i].seed), {})
            seen.setdefault(self._rows(cells[i]), len(seen))

        def task(i: int) -> tuple:
            cell, rows = cells[i], self._rows(cells[i])
            near = by_fits[cell.view, cell.seed][rows] // TOGETHER
            return cell.view, cell.seed, near, cell.edits, cell.mechanisms, cell.scale

        ordered = sorted(pending, key=task)
        first = {self._group(cells[i]): cells[i] for i in reversed(ordered) if self._rows(cells[i])}
        self._groups = list(reversed(first.items()))
        self._places = {group: place for place, (group, _) in enumerate(self._groups)}
        return (list(batch) for _, batch in groupby(ordered, key=task))

    def arguments(self, *batch: int) -> dict[str, Any]:
        """The arguments of the task of these cells (`run_cells`), their groups' fits among them."""
        sweep = self._sweep
        cells = [sweep.cells[i] for i in batch]
        self._begin({self._places[group] for cell in cells if (group := self._group(cell)) in self._places})
        selections = [{**self._chosen(cell), "base": self._fit_of(cell)} for cell in cells]
        return {"view": sweep.view(cells[0]), "selections": selections, **self._numbers(cells[0])}

    def _group(self, cell: Cell) -> tuple:
        return cell.view, cell.seed, self._rows(cell)

    def _chosen(self, cell: Cell) -> dict[str, Any]:
        sweep = self._sweep
        return {"leave_out": sweep.evidence[cell.evidence], "levels": dict(sweep.levels[cell.evidence])}

    def _numbers(self, cell: Cell) -> dict[str, int]:
        return {"seed": cell.seed, "draws": self._sweep.draws}

    def _rows(self, cell: Cell) -> tuple:
        """The rows that count for a cell's view as stated, with their levels."""
        sweep, chosen = self._sweep, (cell.view, cell.evidence)
        if chosen not in self._counted:
            designs = _designs(self._shared["evidence"], sweep.evidence[cell.evidence], sweep.sha256)
            view, levels = sweep.views[cell.view], sweep.levels[cell.evidence]
            self._counted[chosen] = _counted(designs, view, levels)
        return self._counted[chosen]

    def _begin(self, places: set[int]) -> None:
        """Begin the fits of these groups and of the group after them: no worker waits while another fits. Forget those of others.

        One that died with its workers is begun anew: whether a cell is answered from it never depends on what happened to a worker.
        """
        if not places:
            return
        wanted = [self._groups[i] for i in sorted({*places, max(places) + 1}) if i < len(self._groups)]
        alive = {group: fit for group, fit in self._fits.items() if fit.status in ("pending", "finished")}
        self._fits = {group: alive.get(group) or self._submit(cell) for group, cell in wanted}

    def _fit_of(self, cell: Cell) -> Future | None:
        """The fit of a cell's group; None where there is none to share, so that its cells are fitted."""
        return self._fits.get(self._group(cell))

    def _submit(self, cell: Cell) -> Future:
        fit = partial(base_fit, self._sweep.views[cell.view], **self._shared)
        own = {**self._chosen(cell), **self._numbers(cell)}
        return self._client.submit(fit, **own, pure=False, retries=RETRIES)
