"""The interface of draws that can be reweighted, and the lambda of raw histories at draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..base.errors import DataError
from ..data.views import View
from ..returns.design import Design
from ..returns.history_lambda import inputs_at_lambda, log_likelihoods_of_subsets, rows_on_lambda

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["HistoryLambda", "Weighable", "history_lambda"]

MOST_ROWS_ON_LAMBDA = 6
"""Rows on lambda alone of which every subset is kept ready."""

HISTORY_SEED = 1
"""Seed of the draws of what the histories' lambda follows from."""


@dataclass(frozen=True, kw_only=True, eq=False)
class HistoryLambda:
    """The lambda under which raw histories were read, at draws.

    Attributes
    ----------
    inputs : mapping of str to np.ndarray
        What it follows from in each draw (`history_lambda.inputs_at_lambda`), (draw,) each.
    rows : tuple of str
        The rows on lambda alone, which its prior holds.
    log_likelihood : np.ndarray
        Theirs at the draws, (subset, draw): bit i of `subset` says whether row i counts.
    """

    inputs: Mapping[str, np.ndarray]
    rows: tuple[str, ...]
    log_likelihood: np.ndarray

    def log_ratio(self, gone: Iterable[str]) -> np.ndarray | float:
        """How much more likely a lambda is once some rows are gone, as a log, (draw,)."""
        whole = (1 << len(self.rows)) - 1
        kept = whole - sum(1 << self.rows.index(row) for row in gone if row in self.rows)
        return self.log_likelihood[kept] - self.log_likelihood[whole] if kept != whole else 0.0


class Weighable(Protocol):
    """Draws with what is needed to reweight them; `StoredDraws` and `mixture.DrawSet`."""

    @property
    def view(self) -> View:
        """The view whose priors the draws have."""
        ...

    @property
    def rows(self) -> tuple[str, ...]:
        """The ids of the rows that were fitted."""
        ...

    @property
    def values(self) -> Mapping[str, np.ndarray]:
        """Draws of what the view states, (draw,) each."""
        ...

    @property
    def log_likelihood(self) -> np.ndarray:
        """Each row's own log density, (draw, estimate)."""
        ...

    @property
    def history(self) -> HistoryLambda | None:
        """The lambda of raw histories; None without any."""
        ...

    @property
    def log_mixture(self) -> np.ndarray | None:
        """The log of the density of the draws over the view's own, (draw,); None where they are the view's."""
        ...

    @property
    def outcomes(self) -> tuple[np.ndarray, np.ndarray]:
        """Whether each event happens (event, draw), and r at ASARA (draw,)."""
        ...

    @property
    def chains(self) -> int:
        """How many chains the draws are of, one after another."""
        ...

    @property
    def effective_draws(self) -> float | None:
        """Effective sample size of the draws; None where it follows from their chains."""
        ...


def history_lambda(design: Design, posterior: xr.Dataset) -> HistoryLambda | None:
    """The lambda of raw histories at draws of a design; None without any."""
    if design.lambda_curve is None:
        return None
    values = posterior.lambda_histories.transpose("chain", "draw").values.ravel()
    on = rows_on_lambda(design)
    if len(on) > MOST_ROWS_ON_LAMBDA:
        raise DataError("rows on lambda", len(on), f"at most {MOST_ROWS_ON_LAMBDA}")
    return HistoryLambda(
        inputs=inputs_at_lambda(design.view, values, seed=HISTORY_SEED),
        rows=tuple(row.name for row in on),
        log_likelihood=log_likelihoods_of_subsets(values, on, subsets=range(1 << len(on))),
    )
