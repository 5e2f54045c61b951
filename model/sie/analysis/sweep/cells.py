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
from functools import partial
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
        return Workbench(evidence, seed=seed, draws=draws, designs=designs).refit(view, levels=levels).fit
    except NotConverged:
        return None


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
                row |= {
                    f"{value} {given} {event}": table[value].sel(event=event).item() for event in EVENT_NAMES
                }
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
        self._base: tuple[tuple, Future | None] = ((), None)

    def arguments(self, i: int) -> dict[str, Any]:
        sweep = self._sweep
        cell = sweep.cells[i]
        chosen = {"leave_out": sweep.evidence[cell.evidence], "levels": dict(sweep.levels[cell.evidence])}
        own = {**chosen, "seed": cell.seed, "draws": sweep.draws}
        return {"view": sweep.view(cell), **own, "base": self._fit_of(cell, own)}

    def group(self, i: int) -> tuple:
        return self._group(self._sweep.cells[i])

    def _group(self, cell: Cell) -> tuple:
        """View, seed and rows; no rows where evidence cannot move the view as stated."""
        chosen = (cell.view, cell.evidence)
        if chosen not in self._counted:
            sweep = self._sweep
            designs = _designs(self._shared["evidence"], sweep.evidence[cell.evidence], sweep.sha256)
            rows = designs.rows(sweep.views[cell.view], levels=sweep.levels[cell.evidence])
            ids = (
                []
                if rows is None
                else zip(rows.estimate.values.tolist(), levels_of(rows).tolist(), strict=True)
            )
            self._counted[chosen] = tuple(ids)
        return cell.view, cell.seed, self._counted[chosen]

    def _fit_of(self, cell: Cell, own: dict[str, Any]) -> Future | None:
        """The fit that the latest groups share; none for one that failed, whose cells are fitted."""
        group = self._group(cell)
        if not (self._sweep.weights and group[-1]):
            return None
        if group != self._base[0]:
            fit = partial(base_fit, self._sweep.views[cell.view], **self._shared)
            self._base = group, self._client.submit(fit, **own, pure=False, retries=RETRIES)
        base = self._base[1]
        return base if base is not None and base.status != "error" else None
