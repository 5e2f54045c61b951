"""How the likelihood of raw histories changes with a view's lambda, at posterior draws that are already there.

    log weight = sum over histories of log L(log r; lambda of the new view) - log L(log r; lambda of the old view)

A series enters under a view's own lambda (`levels`), so that a changed lambda changes its likelihood and no other. It knows
rows and stored draws; it must not know how they were drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..data.priors import View
from ..returns.inputs import input_terms, levels_of
from ..returns.levels import loadings, row_errors
from ..returns.row_density import PIECES, Error

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["log_likelihood", "log_likelihood_of"]


def log_likelihood(
    posterior: xr.Dataset, rows: xr.Dataset, view: View, likelihoods: Mapping[str, xr.DataArray]
) -> np.ndarray | None:
    """log L of all raw histories under a view's lambda, (draw,), chains one after another, each up to a constant.

    `posterior` is that of `sie.fit` for any lambda, `rows` those it was fitted to. None where a history is read against other
    inputs than its own, whose growth the draws do not hold.
    """
    histories = np.flatnonzero(levels_of(rows) == "series")
    if input_terms(rows, view)[histories].any():
        return None
    centres, errors = row_errors(rows, view, likelihoods)
    loading = loadings(rows)
    needed = np.flatnonzero(loading[histories].any(axis=0))
    effects = np.stack([_effect(posterior, rows, j) for j in needed])
    return sum(log_likelihood_of(errors[i], loading[i, needed] @ effects - centres[i]) for i in histories)


def log_likelihood_of(error: Error, deviation: np.ndarray) -> np.ndarray:
    """An error's log density at deviations, as the model's graph has it: cubics with straight tails beyond."""
    cubics, tails = error.cubic()
    position = (deviation - error.start) / error.step
    inside = np.clip(position, 0, PIECES)
    beyond = position - inside
    piece = np.clip(np.floor(inside), 0, PIECES - 1).astype(int)
    t = inside - piece
    c = cubics[piece].T
    return c[0] + t * (c[1] + t * (c[2] + t * c[3])) + beyond * np.where(beyond < 0, *tails)


def _effect(posterior: xr.Dataset, rows: xr.Dataset, place: int) -> np.ndarray:
    """One of what rows are made of, by its place in `levels.loadings`, (draw,)."""
    names = [(kind, name) for kind in ("domain", "adjustment", "input_data") for name in rows[kind].values]
    kind, name = names[place]
    match kind:
        case "domain":
            values = np.log(posterior.r.sel(domain=name))
        case "adjustment":
            values = np.log(posterior[name])
        case _:
            values = posterior.z_input.sel(input_data=name)
    return values.transpose("chain", "draw").values.ravel()
