"""Figures recomputed by the model: quantiles, times and credences over a view's draws, Greenblatt's outcome, Epoch's posterior."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ...data.constructors import fixed
from ...data.priors import View, draw, read_view
from ...data.quantities import ADJUSTMENTS

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "chain_quantile",
    "credence",
    "epoch_quantile",
    "median_years",
    "months_to_double",
    "outcome",
    "retraining_delay",
    "taste_ratio_below",
]

DRAWS, SEED = 50_000, 1
"""Draws behind each credence, more than those of a default report, so that a point of rounding can be told from chance."""

PATHS = 20_000
"""Paths behind what needs them whole."""

BATCHES = 20
"""Parts of the draws whose spread gives the Monte Carlo error of what is no probability."""

POINTS = 11
"""log2 of the points at which Epoch's likelihood is integrated; four times as many move no printed digit."""


@cache
def _view(name: str) -> View:
    return read_view(name)


def chain_quantile(view: str, upto: str, probability: float) -> float:
    """A quantile of the same product over the view's priors."""
    names = ("r_typical", *ADJUSTMENTS)
    names = names[: names.index(upto) + 1]
    return float(
        np.quantile(
            math.prod(draw(_view(view), names, size=DRAWS, seed=SEED)[name] for name in names), probability
        )
    )


def taste_ratio_below(view: str, ratio: float) -> float:
    """P that each doubling takes less than `ratio` of the one before, 2^(1/r - 1) at constant hardware and taste alone, from r at ASARA."""
    return float(_view(view)["r_asara"].prior.sf(1 / (1 + math.log2(ratio))))


def epoch_quantile(domain: str, probability: float = 0.5) -> float:
    """A quantile of Epoch's posterior of r, from output growth and yearly counts of authors by their likelihood as they coded it."""
    from ...histories.erdil_2024 import quantiles

    return float(quantiles(_epoch_likelihood(domain), (probability,))[0][0])


@cache
def _epoch_likelihood(domain: str) -> xr.DataArray:
    from ...histories.erdil_2024 import log_likelihood, read_idea_production

    return log_likelihood(read_idea_production()[domain], as_coded=True, points=POINTS)


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


def median_years(view: str, share: float, within: float, r: float = math.nan) -> tuple[float, float]:
    """(years, mcse) in which half of a view's paths cover the distance that this share of them covers within so many years.

    With `r` the distance is the same and the paths are those of that r.
    """
    from ...growth.paths import doublings_by, years_at

    paths, other = _paths(view), _paths(view, r)

    def found(batch: slice) -> float:
        covered = doublings_by(paths.isel(draw=batch), np.array([within]))
        distance = np.quantile(covered, 1 - share)
        return float(np.median(years_at(other.isel(draw=batch), np.array([distance]))))

    size = PATHS // BATCHES // paths.sizes["chain"]
    batches = [found(slice(i * size, (i + 1) * size)) for i in range(BATCHES)]
    return found(slice(None)), float(np.std(batches, ddof=1) / math.sqrt(BATCHES))


def months_to_double(view: str) -> float:
    """Months until software has doubled, the median over a view's paths."""
    from ...growth.paths import years_at

    return 12 * float(np.median(years_at(_paths(view), np.array([1.0]))))


def retraining_delay(view: str, factor: float, probability: float) -> float:
    """A quantile of how many times as long a view's paths take to gain a factor where each generation must be trained."""
    from ...growth.paths import years_at

    gain = np.array([math.log2(factor)])
    without, longer = years_at(_paths(view), gain), years_at(_paths(view, retraining="slower"), gain)
    done = np.isfinite(longer)
    return float(np.quantile(longer[done] / without[done], probability))


@cache
def _paths(view: str, r: float = math.nan, retraining: str = "none") -> xr.Dataset:
    """A view's paths, where asked with a fixed r or with retraining."""
    from ...growth.paths import simulate
    from ...inference.prior_draws import prior

    changed = _view(view) if math.isnan(r) else _view(view).replace(r_asara=fixed(r))
    return simulate(prior(changed, draws=PATHS, seed=SEED), retraining=retraining)


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
