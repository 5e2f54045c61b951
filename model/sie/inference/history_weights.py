"""How the likelihood of raw histories changes with a view's lambda, at posterior draws that are already there.

    log weight = sum over histories of log L(log r; lambda of the new view) - log L(log r; lambda of the old view)

A series enters under a view's own lambda (`levels`), so that a changed lambda changes its likelihood and no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..returns.design import Design

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["log_likelihood"]


def log_likelihood(posterior: xr.Dataset, design: Design) -> np.ndarray | None:
    """log L of all raw histories under the lambda of a design's view, (draw,), chains one after another, each up to a constant.

    `posterior` is that of `sie.fit` for the same rows and any lambda. None where a history is read against other inputs than
    its own, whose growth the draws do not hold.
    """
    histories = np.flatnonzero(design.level == "series")
    if design.terms[histories].any():
        return None
    effects = design.effects(posterior)
    effects = effects.reshape(-1, effects.shape[-1])
    each = (
        design.densities[i].log_density(effects @ design.loadings[i] - design.observed[i]) for i in histories
    )
    return sum(each, np.zeros(len(effects)))
