"""Figures recomputed by an equation at one point: growth accounting, the toy model, and the growth law where r is told."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ...base.stats import Z90
from ...data.priors import read_view
from ...data.quantities import DOUBLINGS_PER_OOM
from ...data.time_horizons import doubling_days, read_horizons
from ...growth import accounting
from .arithmetic import compute_share, median
from .draws import one_draw

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "added_by_post_training",
    "boost",
    "bottleneck_limit",
    "chance_above_1",
    "cut_without_compute",
    "doubling_with_labour",
    "effort_added",
    "effort_doublings",
    "first_alpha",
    "first_estimate",
    "growth_ratio",
    "growth_ratio_in_logs",
    "horizon_doubling",
    "horizon_year",
    "input_factor",
    "input_growth",
    "jones_returns",
    "labour_exponent",
    "next_doubling",
    "next_effort",
    "pace_multiple",
    "ratio_of_toy",
    "retraining_months",
    "returns_left",
    "returns_lost",
    "returns_lost_by_training",
    "returns_to_all_inputs",
    "software_growth",
    "takeoff",
    "takeoff_gain",
    "taste_doubling_ratio",
    "taste_returns",
    "toy",
    "toy_end",
]

FAR = 300.0
"""Doublings at which a slope has long reached its limit."""

DAYS_A_YEAR = 365.25

DOWNWARDS = ("compute_bottleneck", "hardware_scale", "steepening")
"""The adjustments that lower r."""


def _growth(software: float, compute: float, labour: float) -> dict[str, float]:
    """Factors a year as growth in logs a year."""
    return {
        "software_growth": math.log(software),
        "compute_growth": math.log(compute),
        "labour_growth": math.log(labour),
    }


def input_growth(share: float, compute: float, labour: float) -> float:
    """q, the growth of research input, in logs a year."""
    return float(accounting.input_growth(share, math.log(compute), math.log(labour)))


def input_factor(share: float, compute: float, labour: float) -> float:
    """The same as a factor a year."""
    return math.exp(input_growth(share, compute, labour))


def first_alpha(share: float, software: float, compute: float, labour: float) -> float:
    """Greenblatt's first reasoning, since withdrawn: software gained a year over research input gained a year."""
    return software / input_factor(share, compute, labour)


def first_estimate(slower: float, software: float, compute: float, labour: float) -> float:
    """The same, as what doubled labour does to algorithmic improvement, with the share from the poll."""
    share = compute_share(slower, 10.0)
    return first_alpha(share, software, compute, labour) * 2 ** (1 - share)


def takeoff(
    share: float,
    software: float,
    compute: float,
    labour: float,
    conversion: float = 1.0,
    penalty: float = 1.0,
) -> float:
    """Deep's takeoff ratio, r/q (1 - p); labour enters as labour^penalty, the conversion in the same unit."""
    return float(
        accounting.takeoff_ratio(
            share, conversion=conversion * penalty, **_growth(software, compute, labour**penalty)
        )
    )


def returns_to_all_inputs(share: float, software: float, compute: float, labour: float) -> float:
    """lambda / beta = r / q: the takeoff ratio before labour's share."""
    return takeoff(share, software, compute, labour) / (1 - share)


def takeoff_gain(share: float, before: float, after: float, compute: float, labour: float) -> float:
    """How much the takeoff ratio rises with a faster growth of software."""
    return takeoff(share, after, compute, labour) / takeoff(share, before, compute, labour)


def software_growth(view: str, compute: float, labour: float) -> float:
    """Software gained a year, as a factor, from research input gained a year, by the view's r and labour's share at their medians.

    r is against all inputs.
    """
    share = 1 - median(view, "labour_share")
    return math.exp(median(view, "r_typical") * input_growth(share, compute, labour))


def growth_ratio(output: float, input: float) -> float:
    """r as growth of output over growth of labour, both given as shares a year."""
    return takeoff(0.0, 1 + output, 1.0, 1 + input)


def growth_ratio_in_logs(software: float, share: float, compute: float, labour: float) -> float:
    """r against all inputs from growth rates given in logs a year."""
    return software / float(accounting.input_growth(share, compute, labour))


def cut_without_compute(share: float) -> float:
    """By how much returns to all inputs shrink when compute stands still (Cobb-Douglas)."""
    return takeoff(0.0, math.e, 1.0, math.e) / takeoff(share, math.e, math.e, math.e)


def labour_exponent(cost: float, speed: float) -> float:
    """Doublings of serial labour per doubling of algorithms, from cheaper and faster tokens."""
    return accounting.labour_exponent(cost=cost, speed=speed)


def added_by_post_training(post_training: float, pre_training: float) -> float:
    """The factor on r where two kinds of improvement, given as factors a year, multiply."""
    return 1 + growth_ratio(post_training - 1, pre_training - 1)


def toy(first: float, ratio: float, doubling: int, what: str) -> float:
    """A cell of the report's toy model: time, papers or workers of one doubling, from the first (0)."""
    return accounting.toy_model(first, ratio, int(doubling) + 1)[0][-1][what]


def toy_end(first: float, ratio: float) -> float:
    """When the toy model has done infinitely many doublings."""
    return accounting.toy_model(first, ratio, 1)[1]


def next_doubling(r: float) -> float:
    """Length of a doubling over the one before it."""
    return float(accounting.toy_ratio(r))


def next_effort(r: float) -> float:
    """Effort of a doubling over that of the one before it: cumulative effort must grow by 2^(1/r)."""
    return 2 * next_doubling(r)


def effort_doublings(r: float) -> float:
    """Doublings of cumulative effort in a doubling of software."""
    return 1 + math.log2(next_doubling(r))


def effort_added(r: float, of: str) -> float:
    """Effort of a doubling as a share of all effort `before` or `after` it."""
    return next_effort(r) - 1 if of == "before" else 1 - 1 / next_effort(r)


def retraining_months(first: float, shrink: float) -> float:
    """Months for any number of training runs, each so much shorter than the last."""
    return accounting.retraining_months(first, shrink)


def taste_returns(taste: float, beta: float) -> float:
    """r where progress is fed back by taste alone, m / beta."""
    from ...growth.law import research_taste

    return research_taste(taste, beta)[0]


def taste_doubling_ratio(taste: float, beta: float) -> float:
    """b, the length of a doubling of taste over the one before it."""
    return next_doubling(taste_returns(taste, beta))


def ratio_of_toy(ratio: float) -> float:
    """Length of a doubling over the one before it in the toy model."""
    return toy(2.0, ratio, 1, "time") / toy(2.0, ratio, 0, "time")


def returns_left(r: float, gained_ooms: float, limit_ooms: float) -> float:
    """r when a part of the way to the limits is gone, with returns that fall linearly."""
    from ...growth.law import returns_at
    from ...growth.paths import laws

    law = laws(one_draw(r_asara=r, parallel=1.0, doublings_left=limit_ooms * DOUBLINGS_PER_OOM))[0]
    return returns_at(gained_ooms * DOUBLINGS_PER_OOM, law)


def returns_lost(r: float, gained_ooms: float, limit_ooms: float) -> float:
    """The fall of r on the same way."""
    return r - returns_left(r, gained_ooms, limit_ooms)


def returns_lost_by_training(
    r: float, training_ooms: float, limit_ooms: float, software_per_training: float
) -> float:
    """The same where the way is told in OOMs of training efficiency, each worth so many of software."""
    return returns_lost(r, training_ooms * software_per_training, limit_ooms)


def pace_multiple(labour: float, exponent: float) -> float:
    """How much faster research gets with so many times the labour, at this exponent and without harder ideas."""
    from ...growth.law import log2_pace_gain
    from ...growth.paths import laws

    law = laws(one_draw(r_asara=math.inf, parallel=exponent, doublings_left=math.inf))[0]
    return 2 ** log2_pace_gain(math.log2(labour), law)


def bottleneck_limit(rho: float, labour_share: float) -> float:
    """The most that infinite labour speeds up research with CES exponent rho and fixed compute."""
    from ...growth.law import ces

    return 2 ** ces(FAR / -rho, labour_share, rho)[1]


def jones_returns(lambda_: float, beta: float, labour_share: float = 1.0) -> float:
    """r = lambda e(0) / beta of the growth law at ASARA, compute fixed."""
    from ...growth.law import returns_at
    from ...growth.paths import laws

    parallel = lambda_ * labour_share
    draws = one_draw(
        r_asara=parallel / beta, parallel=parallel, doublings_left=math.inf, labour_share_asara=labour_share
    )
    return returns_at(0.0, laws(draws)[0])


def doubling_with_labour(view: str, months: float, labour: float) -> float:
    """Months of a doubling with so many times the labour, at the view's median p."""
    return months / pace_multiple(labour, median(view, "parallel"))


def chance_above_1(middle: float, below: float, above: float, view: str = "") -> float:
    """P(r > 1) of a log-normal of two halves, whose 5 and 95 % points lie so many times below and above the median.

    With a view its downward adjustments, at their medians, multiply r.
    """
    from scipy.special import ndtr

    if view:
        entries = read_view(view)
        middle *= math.prod(entries[name].prior.median() for name in DOWNWARDS)
    score = math.log(middle) * Z90 / math.log(below if middle > 1 else above)
    return float(ndtr(score))


def horizon_doubling(release: str, until: str) -> float:
    """Months in which the time horizon of the best models by a date doubled, by least squares."""
    return 12 * doubling_days(_best_models(release, until)) / DAYS_A_YEAR


def horizon_year(release: str, until: str, hours: float) -> float:
    """Year in which the same straight line reaches a horizon of so many hours."""
    models = _best_models(release, until)
    years = 1970 + models.date.values.astype("datetime64[D]").astype(float) / DAYS_A_YEAR
    slope, level = np.polyfit(years - years[-1], np.log2(models.minutes.values), 1)
    return float(years[-1] + (math.log2(60 * hours) - level) / slope)


def _best_models(release: str, until: str) -> xr.Dataset:
    """METR's measurements of models that were the best at their release."""
    table = read_horizons()
    chosen = (table.release == release) & table.frontier & (table.date <= np.datetime64(until))
    return table.isel(measurement=np.flatnonzero(chosen)).sortby("date")


def boost(copies: float, copies_exponent: float, speed: float, speed_exponent: float) -> float:
    """The speed-up of research from more copies and from faster ones."""
    return pace_multiple(copies, copies_exponent) * pace_multiple(speed, speed_exponent)
