"""Fits that are kept for later edits, by what their likelihood and the priors that evidence informs depend on."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..data.exogenous import variables
from ..data.priors import View
from ..returns.history_lambda import lambda_from
from ..returns.inputs import levels_of

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["FITS_KEPT", "Fit", "Fits", "likelihood_key", "same_growth", "same_priors"]

FITS_KEPT = 12
"""Fits that are kept, so that undoing an edit, or a second view, samples nothing."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The draws of one fit: the quantities that evidence informs by name, the events' indicators (event, draw) and r at ASARA (draw,).

    `likelihood` is the fit's `likelihood_key`.
    """

    view: View
    likelihood: tuple
    tree: xr.DataTree
    moved: Mapping[str, np.ndarray]
    indicators: np.ndarray
    r: np.ndarray


class Fits:
    """The fits that were used last, at most FITS_KEPT. Threads may share it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple, Fit] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, view: View, likelihood: tuple) -> Fit | None:
        """The fit of a view under a likelihood, if it is kept."""
        with self._lock:
            if (key := (likelihood, chain_key(view))) in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def latest(self) -> list[Fit]:
        """The fits that are kept, the last used first."""
        with self._lock:
            return list(reversed(self._kept.values()))

    def keep(self, fit: Fit) -> None:
        """Keep a fit, and drop the one that was used least recently where there are too many."""
        with self._lock:
            self._kept[fit.likelihood, chain_key(fit.view)] = fit
            while len(self._kept) > FITS_KEPT:
                self._kept.popitem(last=False)


def likelihood_key(view: View, rows: xr.Dataset) -> tuple:
    """What the likelihood of the chain depends on: what the view states, the rows on it and their levels, and lambda if a history
    is raw."""
    level = levels_of(rows)
    counted = tuple(zip(rows.estimate.values.tolist(), level.tolist(), strict=True))
    names = lambda_from(view) if "series" in level else ()
    stated = tuple(sorted((name, entry.reached) for name, entry in view.entries.items()))
    return stated, view.correlations, view.reflects, counted, tuple(view[name].prior for name in names)


def chain_key(view: View) -> tuple:
    """The priors that evidence informs."""
    return tuple((name, view[name].prior) for name in view.informed)


def same_priors(view: View, other: View) -> bool:
    return all(view[name].prior == other[name].prior for name in view.entries) and _same_outside(view, other)


def same_growth(view: View, other: View) -> bool:
    """Whether all that evidence cannot move is alike."""
    growth = (name for name in view.entries if name not in view.informed)
    return all(view[name].prior == other[name].prior for name in growth) and _same_outside(view, other)


def _same_outside(view: View, other: View) -> bool:
    """Whether the same acts on growth from outside."""
    return variables(view.exogenous) == variables(other.exogenous)
