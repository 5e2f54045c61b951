"""Draws of one design under another, of other rows or with other numbers in them: the ratio of both posteriors' densities."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import RefitNeeded
from ..returns.design import Design
from ..returns.history_lambda import log_density_of_lambda
from .reweighting import changed_priors, log_prior_ratio

if TYPE_CHECKING:
    import xarray as xr

    from .stored_draws import StoredDraws

__all__ = ["lambda_ratio", "log_likelihood_at", "log_ratio"]


def log_ratio(
    draws: StoredDraws,
    design: Design,
    log_likelihood: np.ndarray,
    *,
    redrawn: Iterable[str] = (),
    same_lambda: bool = False,
) -> np.ndarray:
    """How much denser another design's posterior is at stored draws, as a log up to a constant, (draw,).

    `log_likelihood` (draw,) is that of all of its rows at the draws; `redrawn` are quantities that are drawn anew from its priors;
    `same_lambda` leaves the prior of the histories' lambda as it was fitted.
    Raises RefitNeeded as `weighted`, and where the views state other quantities.
    """
    old, new = draws.design, design
    if set(old.view.entries) != set(new.view.entries):
        raise RefitNeeded(f"{new.view.name}: found other quantities than were fitted, want a refit")
    names = [name for name in changed_priors(old.view, new.view, new.view.entries) if name not in redrawn]
    ratio = log_prior_ratio(draws.values, old.view, new.view, names)
    ratio = ratio + log_likelihood - draws.log_likelihood.sum(axis=1)
    return ratio if same_lambda else ratio + lambda_ratio(old, new, draws.posterior)


def lambda_ratio(old: Design, new: Design, posterior: xr.Dataset) -> np.ndarray | float:
    """The log of the new density of the histories' lambda over the old one, (draw,), at draws; 0 where either design has no histories.

    Raises RefitNeeded where the draws lie beyond the old density.
    """
    before, after = old.lambda_curve, new.lambda_curve
    if before is None or after is None or np.array_equal(before.cubic, after.cubic):
        return 0.0
    log_lambda = np.log(posterior.lambda_histories.transpose("chain", "draw").values.ravel())
    if not np.isfinite(at_draws := log_density_of_lambda(before, log_lambda)).all():
        raise RefitNeeded(
            f"{new.view.name}: found another lambda of raw histories than the draws have, want a refit"
        )
    return log_density_of_lambda(after, log_lambda) - at_draws


def log_likelihood_at(design: Design, posterior: xr.Dataset) -> np.ndarray:
    """Each row's own log density at draws, (draw, estimate), chains one after another."""
    values = design.log_likelihood(posterior).transpose("chain", "draw", "estimate").values
    return values.reshape(values.shape[0] * values.shape[1], values.shape[2])
