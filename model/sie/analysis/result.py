"""What one view says, before and after the evidence, computed once: draws, paths, credences, and what they depend on.

It computes no probability itself: draws come from `sampling`, paths from `paths`, credences from `credences`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, moved
from ..base.files import sha256_of
from ..base.reading import read_bytes
from ..base.stats import INTERVAL
from ..data.evidence import evidence_files
from ..data.priors import View, to_toml
from ..data.quantities import GIVEN
from ..returns.inputs import levels_in
from ..returns.likelihoods import likelihood_files
from ..returns.selection import default_levels, usable

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "CONDITIONS",
    "GROUPS",
    "Result",
    "compute",
    "conditions",
    "draws_of",
    "inputs_sha256",
    "quantiles",
]

CONDITIONS = (
    "All credences are conditional: AI that fully automates AI R&D (ASARA) is reached, hardware stays fixed, and the inputs are "
    "independent except where said. The authors of published posteriors put their own priors into them."
)

_FIXED = "hardware stays fixed"


def conditions(views: Sequence[View]) -> str:
    """`CONDITIONS` of some views, in some of which hardware may grow."""
    growing = [view.name for view in views if "hardware_growth" in view.exogenous]
    if not growing:
        return CONDITIONS
    others = f"{_FIXED} except in {', '.join(growing)}, where it grows as the view says"
    return CONDITIONS.replace(
        _FIXED, "hardware grows as the view says" if len(growing) == len(views) else others
    )


SPREAD_DRAWS = 4000
"""Draws of a refit at another spread, if reweighting is unreliable."""


GROUPS = {"priors": "prior", "evidence": "posterior"}
"""The group of a tree of draws by what its draws are given."""


def draws_of(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    """The draws of a fit, or of priors alone, by what they are given."""
    return {given: tree[group].to_dataset() for given, group in GROUPS.items() if group in tree.children}


@dataclass(frozen=True, kw_only=True)
class Result:
    """Everything a report tells about one view. `tree` has `prior` and, where evidence can move the view, `posterior`."""

    view: View
    evidence: xr.Dataset | None
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

    @property
    def levels(self) -> Mapping[str, str]:
        """The level at which each domain entered; empty where no evidence counts."""
        return levels_in(self.rows) if self.rows is not None else {}

    @property
    def options(self) -> str:
        """The options of `sie report` that give the same numbers again."""
        attrs = self.tree.attrs
        evidence = self.evidence
        usual = (
            default_levels(evidence) if self.levels and evidence is not None and "level" in evidence else {}
        )
        asked = [f"{domain}={level}" for domain, level in self.levels.items() if usual.get(domain) != level]
        words = ["--seed", attrs["seed"], "--draws", attrs["draws"]]
        words += ["--priors-only"] if self.evidence is None else []
        return shlex.join(map(str, [*words, *(word for one in asked for word in ("--levels", one))]))

    def draws(self, given: str) -> xr.Dataset:
        """The draws given `priors` or `evidence`."""
        return self.tree[GROUPS[given]].to_dataset()

    def software_times(self, given: str) -> xr.Dataset:
        """The time until software is 10, 100 and 1,000 times its level at ASARA."""
        from ..growth.speeds import software_times

        return software_times(self.paths[given])

    def progress_curve(self, given: str) -> xr.Dataset:
        """P(at least X years of progress within some time) over X."""
        from ..growth.speeds import progress_curve

        return progress_curve(self.paths[given])


def compute(
    view: View,
    evidence: xr.Dataset | None,
    *,
    seed: int,
    draws: int,
    levels: Mapping[str, str] | None = None,
    folder: Path | None = None,
    on_progress: Callable[[str], None] = lambda text: None,
    spreads: bool = True,
) -> Result:
    """Draws, paths and credences of a view. `evidence` None means priors only; `levels` as in `sie.usable`; `on_progress` is told what
    is going on; without `spreads` r at half and twice the spread is left out.

    Raises NotConverged where the sampler fails.
    """
    import xarray as xr

    from ..growth.credences import credences
    from ..growth.paths import simulate
    from ..inference.prior_draws import prior

    if folder is None and evidence is not None:
        folder = evidence.attrs.get("folder")
    files = (*evidence_files(folder), *likelihood_files(folder)) if evidence is not None else ()
    on_progress(f"{view.name}: drawing from the priors")
    if evidence is None or view.states_r_asara:
        digest = _sha256(view, files, {})
        why = "the report is of priors only" if evidence is None else "the view states r at ASARA directly"
        rows, left_out = (
            None,
            () if evidence is None else tuple((row, why) for row in evidence.estimate.values.tolist()),
        )
        tree, at_spreads = xr.DataTree.from_dict({"prior": prior(view, draws=draws, seed=seed)}), {}
        tree.attrs = {"view": view.name, "seed": seed, "draws": draws}
    else:
        from ..inference.sampling import fit
        from ..returns.design import design

        rows = usable(evidence, view, levels=levels)
        left_out = tuple(rows.attrs["left_out"])
        digest = _sha256(view, files, levels_in(rows))  # before the files can change under a long fit
        on_progress(f"{view.name}: sampling the posterior from {rows.sizes['estimate']} rows")
        tree = fit(design(rows, view), seed=seed, draws=draws, groups=())
        at_spreads = {}
        if spreads:
            on_progress(f"{view.name}: half and twice the spread")
            at_spreads = _at_other_spreads(tree, rows, view, seed)
    on_progress(f"{view.name}: following the paths")
    try:
        paths = {given: simulate(draws) for given, draws in draws_of(tree).items()}
    except DataError as error:
        raise moved(error, lambda place: f"{view.name} {place}") from None
    return Result(
        view=view,
        evidence=evidence,
        rows=rows,
        left_out=left_out,
        tree=tree,
        paths=paths,
        credences={given: credences(path) for given, path in paths.items()},
        spreads=at_spreads,
        inputs_sha256=digest,
    )


def _at_other_spreads(
    tree: xr.DataTree, rows: xr.Dataset, view: View, seed: int
) -> dict[float, tuple[float, float, float]]:
    """5, 50 and 95 % of r at ASARA with the prior of the spread halved and doubled, which one row a domain cannot tell apart."""
    from ..base.errors import RefitNeeded
    from ..inference.reweighting import reweight
    from ..inference.sampling import fit
    from ..returns.design import design

    found = {}
    for factor in (0.5, 2.0):
        try:
            view2 = view.replace(spread=view["spread"].prior.scaled(factor))
        except DataError:  # a beta cannot be scaled
            continue
        try:
            posterior = reweight(tree, view, view2, seed=seed)["posterior"]
        except RefitNeeded:
            posterior = fit(design(rows, view2), seed=seed, draws=SPREAD_DRAWS, groups=())["posterior"]
        found[factor] = quantiles(posterior.r_asara.values)
    return found


def quantiles(r: np.ndarray) -> tuple[float, float, float]:
    """5, 50 and 95 % of draws."""
    low, middle, high = np.quantile(r, INTERVAL)
    return float(low), float(middle), float(high)


def inputs_sha256(view: View, levels: Mapping[str, str], folder: Path | None = None) -> str:
    """A hash of all that a view's answers given the evidence of a folder depend on: its files, and the level of each domain."""
    return _sha256(view, [*evidence_files(folder), *likelihood_files(folder)], levels)


def _sha256(view: View, files: Sequence[Path], levels: Mapping[str, str]) -> str:
    """A hash of the view and of these files, names and bytes sorted by name, and of the levels.

    Of a view that was made in Python, the TOML that would give it.
    """
    contents = [(path.name, read_bytes(path)) for path in files]
    if view.path is not None:
        contents.append((view.path.name, read_bytes(view.path)))
    else:
        contents.append((f"{view.name}.toml", to_toml(view).encode()))
    contents.append(("levels", json.dumps(dict(levels), sort_keys=True).encode()))
    return sha256_of("", sorted(contents))
