"""Figures recomputed by plain arithmetic on numbers that their sources or views print: sums that add up, no reproduction."""

from __future__ import annotations

import math

import numpy as np

from ...data.constructors import uniform
from ...data.priors import read_view
from ...data.quantities import ADJUSTMENTS
from ...data.time_horizons import read_horizons
from ...growth import accounting

__all__ = [
    "chain",
    "compounded",
    "compute_per_researcher",
    "compute_share",
    "doubling_months",
    "horizon_growth",
    "lambda_of",
    "median",
    "orders_of_magnitude",
    "ratio",
    "relative_exponent",
    "split",
    "taste_of_top",
    "upper_over_median",
    "yearly_growth",
    "years_of_trend",
]


def compute_share(slower: float, less: float) -> float:
    """Compute's exponent where research is so many times slower with so many times less compute."""
    return math.log(slower) / math.log(less)


def compute_per_researcher() -> float:
    """Compute for experiments over compute of its own inference, for each AI researcher."""
    return (1 - accounting.RESEARCH_INFERENCE) / accounting.RESEARCH_INFERENCE


def doubling_months(factor: float, years: float) -> float:
    """Months a doubling takes where so much was gained in these years."""
    return 12 * years / math.log2(factor)


def compounded(start: float, factor: float, times: float) -> float:
    """What is multiplied by a factor so many times."""
    return start * factor**times


def orders_of_magnitude(first: float, second: float, third: float = 1.0) -> float:
    """log10 of a product."""
    return math.log10(first * second * third)


def yearly_growth(factor: float, years: float) -> float:
    """Average growth a year."""
    return factor ** (1 / years) - 1


def ratio(top: float, bottom: float) -> float:
    """A gain or a share checked from the two numbers that the source gives for it."""
    return top / bottom


def relative_exponent(first: float, second: float) -> float:
    """How many times the elasticity of one input, given as gain per doubling, is that of another."""
    return math.log(first) / math.log(second)


def taste_of_top(multiple: float, at_sds: float, sds: float) -> float:
    """Research taste so many standard deviations above the median, log-normal, from its value at another number of them."""
    return multiple ** (sds / at_sds)


def chain(view: str, upto: str) -> float:
    """r of a typical domain times the view's adjustments up to one of them, at their medians."""
    names = ("r_typical", *ADJUSTMENTS)
    return math.prod(read_view(view)[name].prior.median() for name in names[: names.index(upto) + 1])


def median(view: str, quantity: str) -> float:
    """The median of a view's prior."""
    return read_view(view)[quantity].prior.median()


def upper_over_median(view: str, quantity: str) -> float:
    """How far the upper end of a prior lies above its median, as a ratio."""
    prior = read_view(view)[quantity].prior
    return prior.support[1] / prior.median()


def lambda_of(view: str) -> float:
    """lambda behind the view's p at its median, where p is lambda times labour's share."""
    return median(view, "parallel") / median(view, "labour_share")


def horizon_growth(release: str, since: str, until: str) -> float:
    """Longest time horizon measured on a task suite by one date over the longest by another."""
    table = read_horizons()
    table = table.isel(measurement=np.flatnonzero(table.release == release))
    longest = [float(table.minutes.where(table.date <= np.datetime64(date)).max()) for date in (until, since)]
    return longest[0] / longest[1]


def split(low: float, high: float) -> float:
    """The middle between two numbers."""
    return uniform(low, high).median()


def years_of_trend(view: str) -> float:
    """Years of the view's recent pace in the gain above trend that Greenblatt asks for."""
    from ...growth.events import TREND_GAIN

    return math.log2(TREND_GAIN) / median(view, "recent_pace")
