"""Fits that are kept for later edits, by what their likelihood and the priors that evidence informs depend on."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ..data.exogenous import variables
from ..data.priors import View
from ..returns.history_lambda import lambda_from
from ..returns.inputs import levels_of

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "FITS_KEPT",
    "Fit",
    "Recent",
    "fit_key",
    "growth_key",
    "likelihood_key",
    "same_growth",
    "same_priors",
]

FITS_KEPT = 12
"""Fits that are kept, so that undoing an edit, or a second view, samples nothing."""

GROWN_KEPT = 8
"""Other growth inputs that are kept with a fit: a few hundred kilobytes each."""


class Recent[Value]:
    """The values that were used last, by key, at most so many. Threads may share it; a copy in another process starts empty."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[tuple, Value] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple:
        return Recent, (self._most,)

    def get(self, key: tuple) -> Value | None:
        """The value of a key, if it is kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def latest(self) -> list[Value]:
        """The values that are kept, the last used first."""
        with self._lock:
            return list(reversed(self._kept.values()))

    def keep(self, key: tuple, value: Value) -> None:
        """Keep a value, and drop the one that was used least recently where there are too many."""
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The draws of one fit: the quantities that evidence informs by name, the events' indicators (event, draw) and r at ASARA (draw,).

    `likelihood` is the fit's `likelihood_key`. `grown` has, by `growth_key`, other growth inputs at these draws, and the indicators
    and r that follow from them.
    """

    view: View
    likelihood: tuple
    tree: xr.DataTree
    moved: Mapping[str, np.ndarray]
    indicators: np.ndarray
    r: np.ndarray
    grown: Recent[tuple] = field(default_factory=partial(Recent, GROWN_KEPT), repr=False)


def likelihood_key(view: View, rows: xr.Dataset) -> tuple:
    """What the likelihood of the chain depends on: what the view states, the rows on it and their levels, and lambda if a history
    is raw."""
    level = levels_of(rows)
    counted = tuple(zip(rows.estimate.values.tolist(), level.tolist(), strict=True))
    names = lambda_from(view) if "series" in level else ()
    stated = tuple(sorted((name, entry.reached) for name, entry in view.entries.items()))
    return stated, view.correlations, view.reflects, counted, tuple(view[name].prior for name in names)


def fit_key(view: View, likelihood: tuple) -> tuple:
    """What the draws of a fit depend on: its likelihood and the priors that evidence informs."""
    return likelihood, tuple((name, view[name].prior) for name in view.informed)


def growth_key(view: View, rows: xr.Dataset) -> tuple:
    """What growth depends on beside the chain: what the view states in which unit, the priors that evidence does not inform, the rows,
    and what acts from outside."""
    priors = tuple(
        (name, entry.unit, entry.prior) for name, entry in view.entries.items() if name not in view.informed
    )
    return view.name, priors, tuple(variables(view.exogenous).items()), likelihood_key(view, rows)


def same_priors(view: View, other: View) -> bool:
    return all(view[name].prior == other[name].prior for name in view.entries) and _same_outside(view, other)


def same_growth(view: View, other: View) -> bool:
    """Whether all that evidence cannot move is alike."""
    growth = (name for name in view.entries if name not in view.informed)
    return all(view[name].prior == other[name].prior for name in growth) and _same_outside(view, other)


def _same_outside(view: View, other: View) -> bool:
    """Whether the same acts on growth from outside."""
    return variables(view.exogenous) == variables(other.exogenous)
