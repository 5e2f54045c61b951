"""What one view says, before and after the evidence, computed once: draws, paths, credences, and what they depend on.

It computes no probability itself: draws come from `inference`, paths from `dynamics`, credences from `credences`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .evidence import evidence_files, read_elasticities, usable
from .likelihoods import likelihood_files
from .priors import View
from .snapshot import GIVEN
from .sources import DataError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["CONDITIONS", "Result", "compute", "inputs_sha256", "quantiles"]

CONDITIONS = (
    "All credences are conditional: AI that fully automates AI R&D (ASARA) is reached, hardware stays fixed, and the inputs are "
    "independent except where said. The authors of published posteriors put their own priors into them."
)

SPREAD_DRAWS = 4000
"""Draws of a refit at another spread, where reweighting does not do."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """Everything a report tells about one view. `tree` has `prior` and, where evidence can move the view, `posterior`."""

    view: View
    evidence: xr.Dataset | None
    elasticities: xr.Dataset | None
    rows: xr.Dataset | None
    left_out: tuple[tuple[str, str], ...]
    tree: xr.DataTree
    paths: dict[str, xr.Dataset]
    credences: dict[str, xr.Dataset]
    spreads: dict[float, tuple[float, float, float]]
    inputs_sha256: str

    @property
    def given(self) -> tuple[str, ...]:
        """Which of `priors` and `evidence` there are."""
        return tuple(given for given in GIVEN if given in self.paths)

    def draws(self, given: str) -> xr.Dataset:
        """The draws behind one of them."""
        return self.tree["prior" if given == "priors" else "posterior"].to_dataset()


def compute(
    view: View,
    evidence: xr.Dataset | None,
    *,
    seed: int,
    draws: int,
    levels: Mapping[str, str] | None = None,
    folder: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Result:
    """Draws, paths and credences of a view. `evidence` None means priors only; `levels` as in `sie.usable`; `say` is told what
    is going on.

    Raises NotConverged where the sampler fails.
    """
    import xarray as xr

    from .credences import credences
    from .dynamics import simulate
    from .inference import prior

    say(f"{view.name}: drawing from the priors")
    if evidence is None or view.states_r_asara:
        why = "the report is of priors only" if evidence is None else "the view states r at ASARA directly"
        rows, left_out = (
            None,
            () if evidence is None else tuple((row, why) for row in evidence.estimate.values.tolist()),
        )
        tree, spreads = xr.DataTree.from_dict({"prior": prior(view, draws=draws, seed=seed)}), {}
        tree.attrs = {"view": view.name, "seed": seed, "draws": draws}
    else:
        from .inference import fit
        from .returns import build

        rows = usable(evidence, view, levels=levels)
        left_out = tuple(rows.attrs["left_out"])
        say(f"{view.name}: sampling the posterior from {rows.sizes['estimate']} rows")
        tree = fit(build(rows, view), seed=seed, draws=draws)
        say(f"{view.name}: half and twice the spread")
        spreads = _at_other_spreads(tree, rows, view, seed)
    say(f"{view.name}: following the paths")
    groups = {"priors": "prior", "evidence": "posterior"}
    paths = {
        given: simulate(tree[group].to_dataset()) for given, group in groups.items() if group in tree.children
    }
    return Result(
        view=view,
        evidence=evidence,
        elasticities=read_elasticities(folder) if evidence is not None else None,
        rows=rows,
        left_out=left_out,
        tree=tree,
        paths=paths,
        credences={given: credences(path) for given, path in paths.items()},
        spreads=spreads,
        inputs_sha256=inputs_sha256(view, folder) if evidence is not None else _sha256([view.path]),
    )


def _at_other_spreads(
    tree: xr.DataTree, rows: xr.Dataset, view: View, seed: int
) -> dict[float, tuple[float, float, float]]:
    """5, 50 and 95 % of r at ASARA with the prior of the spread halved and doubled, which one row a domain cannot tell apart."""
    from .inference import fit
    from .returns import build
    from .reweighting import RefitNeeded, reweight

    found = {}
    for factor in (0.5, 2.0):
        try:
            view2 = view.replace(spread=view["spread"].prior.scaled(factor))
        except DataError:  # a beta cannot be scaled
            continue
        try:
            posterior = reweight(tree, view, view2, seed=seed)["posterior"]
        except RefitNeeded:
            posterior = fit(build(rows, view2), seed=seed, draws=SPREAD_DRAWS)["posterior"]
        found[factor] = quantiles(posterior.r_asara.values)
    return found


def quantiles(r: np.ndarray) -> tuple[float, float, float]:
    """5, 50 and 95 % of draws."""
    return tuple(float(q) for q in np.quantile(r, [0.05, 0.5, 0.95]))


def inputs_sha256(view: View, folder: Path | None = None) -> str:
    """A hash of all files that a view's answers given the evidence of a folder depend on."""
    return _sha256([view.path, *_evidence_files(folder)])


def _evidence_files(folder: Path | None) -> list[Path]:
    """What the answers depend on besides the view: the evidence and the stored likelihoods."""
    return [*evidence_files(folder), *likelihood_files(folder)]


def _sha256(paths: Iterable[Path | None]) -> str:
    """A hash of these files' names and bytes, sorted by name."""
    digest = hashlib.sha256()
    for path in sorted((path for path in paths if path is not None), key=lambda path: path.name):
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()
