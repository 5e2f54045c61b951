"""Figures recomputed from what views and evidence rows hold: chains, quantiles, credences and Greenblatt's outcome."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ...data.constructors import fixed, uniform
from ...data.priors import View, draw, read_view
from ...data.quantities import ADJUSTMENTS

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "chain",
    "chain_quantile",
    "credence",
    "evidence_quantile",
    "evidence_ratio",
    "median",
    "outcome",
    "split",
    "upper_over_median",
    "years_of_trend",
]

DRAWS, SEED = 50_000, 1
"""Draws behind each credence, more than those of a default report, so that a point of rounding can be told from chance."""

PATHS = 20_000
"""Paths behind each part of the outcome, which needs them whole."""


@cache
def _view(name: str) -> View:
    return read_view(name)


@cache
def _evidence() -> xr.Dataset:
    from ...data.evidence import read_evidence

    return read_evidence()


def chain(view: str, upto: str) -> float:
    """r of a typical domain times the view's adjustments up to one of them, at their medians."""
    names = ("r_typical", *ADJUSTMENTS)
    return math.prod(_view(view)[name].prior.median() for name in names[: names.index(upto) + 1])


def chain_quantile(view: str, upto: str, probability: float) -> float:
    """A quantile of the same product over the view's priors."""
    names = ("r_typical", *ADJUSTMENTS)
    names = names[: names.index(upto) + 1]
    return float(
        np.quantile(
            math.prod(draw(_view(view), names, size=DRAWS, seed=SEED)[name] for name in names), probability
        )
    )


def median(view: str, quantity: str) -> float:
    """The median of a view's prior."""
    return _view(view)[quantity].prior.median()


def upper_over_median(view: str, quantity: str) -> float:
    """How far the upper end of a prior lies above its median, as a ratio."""
    prior = _view(view)[quantity].prior
    return prior.support[1] / prior.median()


def split(low: float, high: float) -> float:
    """The middle between two numbers."""
    return uniform(low, high).median()


def evidence_quantile(row: str, probability: float = 0.5) -> float:
    """A quantile of an evidence row, as read from another place than the figure."""
    return float(_evidence().value.sel(estimate=row, quantile=probability))


def evidence_ratio(top: str, bottom: str) -> float:
    """One evidence row over another, at their medians."""
    return evidence_quantile(top) / evidence_quantile(bottom)


def years_of_trend(view: str) -> float:
    """Years of the view's recent pace in the gain above trend that Greenblatt asks for."""
    from ...growth.events import TREND_GAIN

    return math.log2(TREND_GAIN) / median(view, "recent_pace")


def credence(
    view: str, event: str, progress: float = math.nan, doublings: float = math.nan, years: float = math.nan
) -> tuple[float, float]:
    """(p, mcse) of an event from a view's priors; `progress` changes its doublings in a year of progress.

    With `doublings` and `years` it is the event of such a gain within such a window.
    """
    if math.isnan(doublings):
        table = _credences(view, progress, None).sel(event=event)
    else:
        table = _credences(view, progress, (event, doublings, years)).isel(event=0)
    return float(table.p), float(table.mcse)


@cache
def _credences(view: str, progress: float, gain: tuple[str, float, float] | None) -> xr.Dataset:
    """Every event of a view's priors, or that of one gain (name, doublings, years)."""
    from ...growth.credences import stream
    from ...growth.events import gain_within
    from ...inference.prior_draws import prior

    changed = _view(view)
    if not math.isnan(progress):
        changed = changed.replace(software_share=fixed(changed["recent_pace"].prior.median() / progress))
    events = None if gain is None else [gain_within(gain[0], doublings=gain[1], years=gain[2])]
    return stream([prior(changed, draws=DRAWS, seed=SEED)], events=events)


def outcome(view: str, part: str) -> tuple[float, float]:
    """(p, mcse) of a part of Greenblatt's outcome over a view's paths."""
    table = _outcome(view).sel(part=part)
    return float(table.p), float(table.mcse)


@cache
def _outcome(view: str) -> xr.Dataset:
    from ...growth.outcome import takeover_before_buildout
    from ...growth.paths import simulate
    from ...inference.prior_draws import prior

    return takeover_before_buildout(simulate(prior(_view(view), draws=PATHS, seed=SEED)), seed=SEED)
