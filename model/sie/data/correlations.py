"""Rank correlations between quantities of a view: `[[correlations]]` of its file, and scores that are so correlated.

    z = L w,   w independent standard normal,   L L' = R,   R_ij = 2 sin(pi rank_ij / 6)

The quantities are joined by a Gaussian copula: each keeps its own prior, evaluated at its score z.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, check_type, plain
from .bibliography import Stated

if TYPE_CHECKING:
    from .families import Prior

__all__ = ["Correlation", "check_correlations", "correlation_matrix", "joined", "of_ranks", "scores"]


@dataclass(frozen=True, kw_only=True)
class Correlation(Stated):
    """A rank correlation (Spearman's) between two quantities of a view, with where it comes from."""

    between: tuple[str, str]
    rank: float

    @property
    def normal(self) -> float:
        """The correlation of the two standard normal scores."""
        return 2 * math.sin(math.pi * self.rank / 6)


def of_ranks(where: str, ranks: Mapping[tuple[str, str], float], **origin: str) -> tuple[Correlation, ...]:
    """User-defined correlations: ranks by pair of quantities. Raises DataError for an invalid pair or rank."""
    check_type(f"{where} correlations", ranks, Mapping, "ranks by pair: {('r_typical', 'spread'): 0.5}")
    pairs = []
    for between, rank in ranks.items():
        if not (isinstance(between, tuple) and len(between) == 2):
            want = "a pair of quantities, as in ('r_typical', 'spread')"
            raise DataError(f"{where} [[correlations]]", between, want)
        if isinstance(rank, bool) or not isinstance(rank, int | float) or not -1 < rank < 1 or rank == 0:
            place = f"{where} [[correlations]] {' and '.join(map(str, between))}"
            raise DataError(place, rank, "a rank above -1 and below 1, not 0")
        pairs.append(Correlation(between=between, rank=float(rank), basis="ours", **origin))
    return tuple(pairs)


def check_correlations(where: str, items: Sequence[Correlation], priors: Mapping[str, Prior]) -> None:
    """Refuse pairs that the priors cannot have, and a matrix that is not positive definite."""
    seen = set()
    for item in items:
        place = f"{where} [[correlations]] {' and '.join(item.between)}"
        for name in item.between:
            if name not in priors:
                raise DataError(place, name, "a quantity that the view states")
            if priors[name].family in ("fixed", "mixture"):
                raise DataError(
                    place, plain(f"a {priors[name].family} prior of {name}"), "a prior of a single family"
                )
        if len(pair := frozenset(item.between)) == 1:
            raise DataError(place, plain("the same quantity twice"), "two quantities")
        if pair in seen:
            raise DataError(place, plain("a pair that stands above already"), "each pair once")
        seen.add(pair)
    if not _is_positive_definite(items):
        last = next(n for n in range(len(items) - 1, -1, -1) if _is_positive_definite(items[:n]))
        raise DataError(
            f"{where} [[correlations]] {' and '.join(items[last].between)}",
            items[last].rank,
            "a rank that leaves the matrix of correlations positive definite",
        )


def _is_positive_definite(items: Sequence[Correlation]) -> bool:
    try:
        np.linalg.cholesky(correlation_matrix(items, _names(items)))
    except np.linalg.LinAlgError:
        return False
    return True


def _names(items: Iterable[Correlation]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for item in items for name in item.between))


def correlation_matrix(items: Iterable[Correlation], names: Sequence[str]) -> np.ndarray:
    """Correlations of the normal scores of some quantities (quantity, quantity)."""
    matrix, place = np.eye(len(names)), {name: i for i, name in enumerate(names)}
    for item in items:
        a, b = item.between
        if a in place and b in place:
            matrix[place[a], place[b]] = matrix[place[b], place[a]] = item.normal
    return matrix


def joined(items: Iterable[Correlation]) -> list[tuple[str, ...]]:
    """The quantities that are correlated, in groups that are independent of each other."""
    groups: list[set[str]] = []
    items = list(items)
    for item in items:
        together = {*item.between}.union(*(group for group in groups if group & {*item.between}))
        groups = [group for group in groups if not group & together] + [together]
    return [tuple(name for name in _names(items) if name in group) for group in groups]


def scores(
    names: Iterable[str], correlations: Sequence[Correlation], *, size: int, seed: int
) -> dict[str, np.ndarray]:
    """Standard normal scores of some quantities, (size,) each.

    Those of a quantity that is correlated with no other depend on the seed and its name alone, so that a changed prior moves only
    its own draws.
    """
    found = {}
    groups = {name: group for group in joined(correlations) for name in group}
    for name in names:
        if (group := groups.get(name)) is None:
            found[name] = _independent(name, size, seed)
            continue
        root = np.linalg.cholesky(correlation_matrix(correlations, group))[group.index(name)]
        own = [
            weight * _independent(other, size, seed)
            for weight, other in zip(root, group, strict=True)
            if weight
        ]
        found[name] = np.sum(own, axis=0)
    return found


def _independent(name: str, size: int, seed: int) -> np.ndarray:
    stream = np.random.SeedSequence([seed, zlib.crc32(name.encode())])
    return np.random.Generator(np.random.PCG64(stream)).standard_normal(size)
