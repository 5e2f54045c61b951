"""The answer under every alternative and every pair of them, with how each was found.

A specification is answered from the nearest fit: the view's own, or for a pair that of one of its two alternatives where that was
fitted; by weights where these are to be trusted, else by a fit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from ...base.errors import DataError
from ...data.alternatives import Alternative, Alternatives
from ...data.views import View
from ...data.wording import hundredths, percent
from .bench import HEADLINE_EVENTS, Bench, Found, Names
from .specification import Specification, Specifications

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["SpecificationCurve", "answer_of", "specification_curve"]


@dataclass(frozen=True, kw_only=True)
class SpecificationCurve:
    """Every specification: the view's own first, then single alternatives, then pairs.

    Attributes
    ----------
    view : View
        The view.
    alternatives : Alternatives
        What was asked.
    found : tuple of Found
        The answers.
    missing : tuple of (names, why)
        What has no meaning for this view, and what neither weights nor a fit answered.
    seed, draws : int
        Of every fit.
    """

    view: View
    alternatives: Alternatives
    found: tuple[Found, ...]
    missing: tuple[tuple[Names, str], ...]
    seed: int
    draws: int

    def __repr__(self) -> str:
        singles, pairs = len(self.of_size(1)), len(self.of_size(2))
        lines = [
            f"{self.view.name} under {singles} alternatives and {pairs} pairs of them (seed {self.seed}, {self.draws} draws each)"
        ]
        for i, event in enumerate(HEADLINE_EVENTS):
            said = f"{event}: {percent(self.headline.p[i])}"
            for size, words in ((1, "one at a time"), (2, "pairs")):
                if p := [found.p[i] for found in self.of_size(size)]:
                    said += f"; {hundredths(min(p))} to {percent(max(p))}, {words}"
            lines.append(said)
        lines += [f"not answered: {len(self.missing)} (.missing says why)"] if self.missing else []
        return "\n".join(lines)

    @property
    def headline(self) -> Found:
        """The view as it is."""
        return self.found[0]

    def of_size(self, size: int) -> list[Found]:
        """The specifications with so many alternatives.

        Parameters
        ----------
        size : int
            1 for single alternatives, 2 for pairs.

        Returns
        -------
        list of Found
            In the order of the alternatives.
        """
        return [found for found in self.found if len(found.names) == size]


def specification_curve(
    view: View,
    evidence: xr.Dataset,
    alternatives: Alternatives,
    *,
    seed: int,
    draws: int,
    pairs: bool = True,
    on_progress: Callable[[str], None] = lambda text: None,
) -> SpecificationCurve:
    """Answer a view under each alternative and each pair of two groups.

    Parameters
    ----------
    view : View
        A view that evidence can move.
    evidence : xr.Dataset
        From `read_evidence`.
    alternatives : Alternatives
        From `read_alternatives`.
    seed, draws : int
        Of every fit.
    pairs : bool, optional
        Whether pairs are answered too.
    on_progress : callable, optional
        Called with a line of text as the work goes on.

    Returns
    -------
    SpecificationCurve
        Each answer with its Monte Carlo error and how it was found.

    Raises
    ------
    NotConverged
        Where the fit of the view as it is does not converge; others that do not are in `missing`.
    """
    bench = Bench(view, seed=seed, draws=draws, on_progress=on_progress)
    specs = Specifications(view, evidence)
    own = specs.of()
    bench.fit(own)
    found, missing = [bench.by_weights(own, ())], []
    single: dict[str, Specification] = {}
    for name, choice in alternatives.choices.items():
        try:
            single[name] = specs.check(choice)
        except DataError as error:
            missing.append(((name,), str(error)))
    singles, lost = bench.answers(single.values(), lambda spec: [()])
    refitted = {one.names for one in singles if one.refitted}
    found, missing = found + singles, missing + lost
    if pairs:
        two, meaningless = _pairs(specs, [alternatives.choices[name] for name in single])
        doubles, lost = bench.answers(two, lambda spec: bench.nearest(spec, refitted))
        found, missing = found + doubles, missing + meaningless + lost
    return SpecificationCurve(
        view=view,
        alternatives=alternatives,
        found=tuple(found),
        missing=tuple(missing),
        seed=seed,
        draws=draws,
    )


def answer_of(view: View, evidence: xr.Dataset, *, seed: int, draws: int) -> list[tuple[float, float]]:
    """p and mcse of each of HEADLINE_EVENTS, of the view as it is, from a fit of its own. Raises NotConverged as `fit`."""
    bench = Bench(view, seed=seed, draws=draws, on_progress=lambda text: None)
    own = Specifications(view, evidence).of()
    bench.fit(own)
    found = bench.by_weights(own, ())
    return [*zip(found.p.tolist(), found.mcse.tolist(), strict=True)]


def _pairs(
    specs: Specifications, choices: Sequence[Alternative]
) -> tuple[list[Specification], list[tuple[Names, str]]]:
    """The specifications of two alternatives of different groups; and the pairs without a meaning."""
    found, meaningless = [], []
    for one, other in combinations(choices, 2):
        if one.group == other.group:
            continue
        try:
            found.append(specs.of(one, other))
        except DataError as error:
            meaningless.append(((one.name, other.name), str(error)))
    return found, meaningless
