"""The cells of a sweep: each a task that answers one view, and the fits that groups of cells share.

Cells that differ in nothing but priors are answered from one fit of their view as stated, where Pareto k-hat allows, and are fitted
where it does not: a cell's numbers follow from the sweep alone, not from the cells that ran before it. A cell that does not
converge is recorded.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
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

__all__ = ["FIELDS", "GIVEN", "HOW", "OF_CELL", "Cells", "base_fit", "run_cell"]

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
)
FIELDS = (
    *OF_CELL,
    *(f"r_asara {given} {q}" for given in GIVEN for q in INTERVAL),
    *(f"{value} {given} {event}" for value in ("p", "mcse") for given in GIVEN for event in EVENT_NAMES),
)
"""What one row of the store holds."""

HOW = ("paths", "reweighted", "refitted")
"""How a cell was answered, as in `Answer`: a row has the position."""

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
    """The fit from which `run_cell` answers the edits of a view, arguments as there; None where it does not converge."""
    from ...base.errors import NotConverged
    from ...inference.workbench import Workbench

    designs = _designs(evidence, leave_out, key)
    try:
        found = Workbench(evidence, seed=seed, draws=draws, designs=designs).refit(view, levels=levels).fit
    except NotConverged:
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
        for given, table in answer.credences.items():
            of_r = dict(zip(QUANTILES, answer.r[given], strict=True))
            row |= {f"r_asara {given} {q}": of_r[q] for q in INTERVAL}
            for value in ("p", "mcse"):
                row |= dict(
                    zip([f"{value} {given} {event}" for event in EVENTS], table[value].values, strict=True)
                )
    row |= {"seconds": time.perf_counter() - began, "memory": _peak_mib()}
    return np.array([row[field] for field in FIELDS], dtype=float)


def _peak_mib() -> float:
    """The most memory that this process has held so far; NaN where the system does not say."""
    if sys.platform == "win32":
        return math.nan
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


class Cells:
    """The arguments of a sweep's cells, and the fits that groups of them share.

    A group is what one fit can answer: one view, one seed and the same rows. Its fit is a task of its own, which workers get from each other.
    """

    def __init__(self, sweep: Sweep, client: Client, shared: dict[str, Any]) -> None:
        self._sweep, self._client, self._shared = sweep, client, shared
        self._counted: dict[tuple[str, str], tuple] = {}
        self._to_do: dict[tuple, Cell] = {}
        self._fits: dict[tuple, Future] = {}

    def arguments(self, i: int) -> dict[str, Any]:
        """The arguments of a cell's task, its group's fit among them."""
        cell = self._sweep.cells[i]
        return {"view": self._sweep.view(cell), **self._chosen(cell), "base": self._fit_of(self.group(i))}

    def group(self, i: int) -> tuple:
        """View, seed and rows of a cell that is to do; no rows where evidence cannot move the view as stated."""
        cell = self._sweep.cells[i]
        group = (cell.view, cell.seed, self._rows(cell))
        self._to_do.setdefault(group, cell)
        return group

    def _chosen(self, cell: Cell) -> dict[str, Any]:
        sweep = self._sweep
        chosen = {"leave_out": sweep.evidence[cell.evidence], "levels": dict(sweep.levels[cell.evidence])}
        return {**chosen, "seed": cell.seed, "draws": sweep.draws}

    def _rows(self, cell: Cell) -> tuple:
        """The rows that count for a cell's view as stated, with their levels."""
        sweep, chosen = self._sweep, (cell.view, cell.evidence)
        if chosen not in self._counted:
            designs = _designs(self._shared["evidence"], sweep.evidence[cell.evidence], sweep.sha256)
            rows = designs.rows(sweep.views[cell.view], levels=sweep.levels[cell.evidence])
            ids = (
                []
                if rows is None
                else zip(rows.estimate.values.tolist(), levels_of(rows).tolist(), strict=True)
            )
            self._counted[chosen] = tuple(ids)
        return self._counted[chosen]

    def _fit_of(self, group: tuple) -> Future | None:
        """The fit of a group; None where there is none to share, or it failed, so that its cells are fitted.

        That of the next group is begun too: no worker waits while another fits.
        """
        if not (self._sweep.weights and group[-1]):
            return None
        if group not in self._fits:
            later = (other for other in sorted(self._to_do) if other > group and other[-1])
            wanted = [group, *islice(later, 1)]
            self._fits = {each: self._fits.get(each) or self._submit(each) for each in wanted}
        fit = self._fits[group]
        return fit if fit.status != "error" else None

    def _submit(self, group: tuple) -> Future:
        cell = self._to_do[group]
        fit = partial(base_fit, self._sweep.views[cell.view], **self._shared)
        return self._client.submit(fit, **self._chosen(cell), pure=False, retries=RETRIES)
