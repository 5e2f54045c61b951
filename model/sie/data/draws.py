"""Prior draws of quantities, independent but for correlations."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol

import numpy as np

from .correlations import joined, scores
from .families import Prior
from .views import Entry

__all__ = ["draw"]


class _HasEntries(Protocol):
    """Anything with an `Entry` for each of its quantities: a view or a timeline."""

    def __getitem__(self, quantity: str, /) -> Entry: ...


def draw(view: _HasEntries, names: Iterable[str], *, size: int, seed: int) -> dict[str, np.ndarray]:
    """Prior draws of some quantities, in the units that the view states, shape (size,) each.

    Independent but for the view's correlations. The draws of a quantity that is correlated with no other depend on the seed, its
    name and its own prior alone.
    """
    names, correlations = [*names], getattr(view, "correlations", ())
    together = {name for group in joined(correlations) for name in group}
    drawn = scores([name for name in names if name in together], correlations, size=size, seed=seed)
    return {
        name: view[name].prior.at(drawn[name])
        if name in together
        else (_shared if size <= MOST_SHARED else _own)(view[name].prior, name, size, seed).copy()
        for name in names
    }


def _own(prior: Prior, name: str, size: int, seed: int) -> np.ndarray:
    """Draws of a quantity that is correlated with no other."""
    return prior.at(scores([name], (), size=size, seed=seed)[name])


MOST_SHARED = 32768
"""Most draws of a quantity for which they are cached; most views share the reference's prior."""

_shared = lru_cache(maxsize=128)(_own)
