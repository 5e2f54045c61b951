"""Draws as a page stores them: columns of 16-bit codes in one string, with what each column is; and read back for `sie.weighted`.

    code = round((g(x) - low) / step),   x = g^-1(low + step code),   g: linear, log or logit

Codes of a finite value are 0 to 65,534; 65,535 is infinity. The page and Python both compute with the decoded values, so they
give the same numbers.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.families import Prior
from ..data.quantities import ADJUSTMENTS
from ..data.views import View
from ..growth.events import EVENTS
from ..inference.mixture import Mixture
from ..inference.weighable import HistoryLambda

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["FAN_YEARS", "StoredSet", "column_scale", "read_set", "stored_set"]

CODES = 65535
"""The code of infinity; finite values have those below."""

FAN_YEARS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0)
"""Years after ASARA at which each draw's software is stored."""

LEAST_LOG = 1e-9
"""A value of a log scale that stands for 0."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredSet:
    """Draws of a page, as their codes say; what `sie.weighted` takes.

    Attributes
    ----------
    view : View
        The view of the draws; some of the draws have a wider prior.
    rows : tuple of str
        The rows that were fitted.
    values : mapping of str to np.ndarray
        What the view states and evidence or an edit may move, (draw,) each.
    log_likelihood : np.ndarray
        (draw, estimate).
    history : HistoryLambda or None
        The lambda of raw histories.
    log_mixture : np.ndarray
        (draw,).
    outcomes : tuple of np.ndarray
        Whether each event happens (event, draw), and r at ASARA (draw,).
    effective_draws : float
        Effective sample size of the draws.
    """

    view: View
    rows: tuple[str, ...]
    values: Mapping[str, np.ndarray]
    log_likelihood: np.ndarray
    history: HistoryLambda | None
    log_mixture: np.ndarray
    outcomes: tuple[np.ndarray, np.ndarray]
    effective_draws: float
    chains: int = 1


def column_scale(prior: Prior) -> str:
    """The scale on which draws of a prior are coded: log, logit or linear."""
    low, high = prior.support
    if prior.family in ("normal", "halfnormal", "uniform") or low < 0:
        return "linear"
    return (
        "logit"
        if prior.family == "beta" and (low, high) == (0.0, 1.0)
        else "log"
        if low > 0 or high > 1
        else "linear"
    )


class _Columns:
    """Columns on the way into one string."""

    def __init__(self) -> None:
        self.about: list[dict[str, Any]] = []
        self.codes: list[np.ndarray] = []

    def add(self, role: str, name: str, values: np.ndarray, scale: str = "linear") -> np.ndarray:
        """A column of values; returns what the codes leave out, on the scale."""
        on_scale = _FORWARD[scale](np.asarray(values, dtype=float))
        finite = np.isfinite(on_scale)
        low = float(on_scale[finite].min()) if finite.any() else 0.0
        high = float(on_scale[finite].max()) if finite.any() else 0.0
        step = (high - low) / (CODES - 1) or 1.0
        code = np.where(finite, np.rint((np.where(finite, on_scale, low) - low) / step), CODES)
        self._append(role, name, code, scale=scale, low=low, step=step)
        return on_scale - (low + step * code)

    def add_bits(self, role: str, name: str, indicators: np.ndarray) -> None:
        """Whether each of at most 16 events happens, (event, draw): bit i is event i."""
        self._append(
            role, name, (indicators.T @ (1 << np.arange(len(indicators)))), scale="bits", low=0, step=1
        )

    def _append(self, role: str, name: str, code: np.ndarray, **about: Any) -> None:
        self.about.append({"role": role, "name": name, **about})
        self.codes.append(code.astype("<u2"))


def stored_set(
    mixture: Mixture,
    view: View,
    rows: Sequence[str],
    *,
    by_mechanism: Mapping[str, xr.Dataset],
    years: Sequence[float] = (),
) -> dict[str, Any]:
    """A mixture's draws with what the page shows of them, as data for JSON.

    Parameters
    ----------
    mixture : Mixture
        From `mixture_of_posterior` or `mixture_of_prior`.
    view : View
        Its view.
    rows : sequence of str
        The ids of its rows.
    by_mechanism : mapping of str to xr.Dataset
        The same draws with what each other mechanism makes of them.
    years : sequence of float, optional
        Years of progress whose probabilities the page plots, beside the chain and software over time; empty to leave out all three
        figures.

    Returns
    -------
    dict
        `n`, `effective`, `rows`, `history_rows`, `years`, `columns` and `data`, the codes of all columns one after another, little-endian, in base64.
    """
    columns, draws = _Columns(), mixture.draws
    for name, entry in view.entries.items():
        if not entry.prior.has_atom:
            columns.add("value", name, draws[name].values.ravel(), column_scale(entry.prior))
    rest = mixture.log_mixture
    for digits in ("first", "next"):  # more than 16 bits, or draws of nearly the same density would tie
        rest = columns.add("log_mixture", digits, rest)
    for i, row in enumerate(rows):
        columns.add("row", row, mixture.log_likelihood[:, i])
    history = mixture.history
    if history is not None:
        for name, values in history.inputs.items():
            if not view[name].prior.has_atom:
                columns.add("history", name, values, column_scale(view[name].prior))
        for subset, values in enumerate(history.log_likelihood):
            columns.add("history_rows", str(subset), values)
    for name, drawn in {"": draws, **by_mechanism}.items():
        indicators, r = _outcomes(drawn)
        columns.add_bits("events", name, indicators)
        columns.add("r", name, r, "log" if (r > 0).all() else "linear")
    if years:
        _add_outlook(columns, draws, years)
    return {
        "n": draws.sizes["draw"],
        "effective": _effective(draws.r_asara.values.ravel()),
        "years": list(years),
        "rows": list(rows),
        "history_rows": list(history.rows) if history is not None else [],
        "columns": columns.about,
        "data": base64.b64encode(np.concatenate(columns.codes).tobytes()).decode(),
    }


def _outcomes(draws: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Events (event, draw) and r at ASARA (draw,) of draws that hold all that growth needs."""
    from ..growth.credences import block_indicators

    draws = draws[[name for name in draws if draws[name].dims == draws.r_asara.dims]].isel(chain=0)
    blocks = list(block_indicators(draws, list(EVENTS.values())))
    return np.concatenate(blocks, axis=1), draws.r_asara.values


def _effective(r: np.ndarray) -> float:
    from arviz_stats.base import array_stats

    size = float(np.ravel(array_stats.ess(r[None], method="mean"))[0]) if np.ptp(r) > 0 else float(r.size)
    return min(float(r.size), size)


def _add_outlook(columns: _Columns, draws: xr.Dataset, years: Sequence[float]) -> None:
    """Columns of the waterfall, of software over time and of progress within a year and four months."""
    from ..growth.credences import indicators
    from ..growth.events import gain_within
    from ..growth.paths import doublings_by, simulate, years_at
    from ..growth.speeds import FACTORS, WINDOWS

    for name in ("r_target", *ADJUSTMENTS):
        if name in draws:
            columns.add("stage", name, draws[name].values.ravel(), "log")
    columns.add("pace", "recent", draws.recent_doublings_per_year.values.ravel(), "log")
    paths = simulate(draws)
    levels = doublings_by(paths, np.array(FAN_YEARS))[0]
    for i, time in enumerate(FAN_YEARS):
        columns.add("level", f"{time:g}", np.maximum(levels[:, i], LEAST_LOG), "log")
    times = years_at(paths, np.log2(np.array(FACTORS)))[0]
    for i, factor in enumerate(FACTORS):
        columns.add("time", f"{factor:g}", np.maximum(times[:, i], LEAST_LOG), "log")
    for window in WINDOWS:
        events = [gain_within(f"{x:g}", years_of_progress=x, years=window) for x in years]
        reached = indicators(paths, events).values.reshape(len(events), -1)
        columns.add("progress", f"{window:g}", reached.sum(axis=0))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Read:
    """A stored set's columns."""

    document: Mapping[str, Any]

    @cached_property
    def codes(self) -> np.ndarray:
        """(column, draw)"""
        flat = np.frombuffer(base64.b64decode(self.document["data"]), dtype="<u2")
        return flat.reshape(-1, self.document["n"])

    def of(self, role: str) -> Iterable[tuple[str, np.ndarray]]:
        """The columns of a role by name, decoded."""
        for about, code in zip(self.document["columns"], self.codes, strict=True):
            if about["role"] == role:
                yield about["name"], _decoded(about, code)


def _decoded(about: Mapping[str, Any], code: np.ndarray) -> np.ndarray:
    if about["scale"] == "bits":
        return code
    found = _BACKWARD[about["scale"]](about["low"] + about["step"] * code.astype(float))
    return np.where(code == CODES, np.inf, found)


def read_set(document: Mapping[str, Any], view: View, *, mechanism: str = "") -> StoredSet:
    """The draws of a page, for `sie.weighted`.

    Parameters
    ----------
    document : mapping
        From `stored_set`.
    view : View
        The view whose draws they are.
    mechanism : str, optional
        The mechanism under which events and r are read; "" for the view's own.

    Returns
    -------
    StoredSet
        What the codes say.
    """
    read, n = _Read(document=document), document["n"]
    inputs, on_lambda = dict(read.of("history")), [values for _, values in read.of("history_rows")]
    bits, r = dict(read.of("events"))[mechanism], dict(read.of("r"))[mechanism]
    rows = [values for _, values in read.of("row")]
    return StoredSet(
        view=view,
        rows=tuple(document["rows"]),
        values=dict(read.of("value")),
        log_likelihood=np.stack(rows, axis=1) if rows else np.empty((n, 0)),
        history=HistoryLambda(
            inputs=inputs, rows=tuple(document["history_rows"]), log_likelihood=np.stack(on_lambda)
        )
        if on_lambda
        else None,
        log_mixture=np.sum([values for _, values in read.of("log_mixture")], axis=0),
        effective_draws=document["effective"],
        outcomes=(np.stack([(bits >> i) & 1 for i in range(len(EVENTS))]).astype(bool), r),
    )


_FORWARD = {
    "linear": lambda x: x,
    "log": np.log,
    "logit": lambda x: np.log(x) - np.log1p(-x),
}
_BACKWARD = {
    "linear": lambda y: y,
    "log": np.exp,
    "logit": lambda y: 1 / (1 + np.exp(-y)),
}
