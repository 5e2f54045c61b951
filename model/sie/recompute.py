"""Short functions that recompute what the sources state, from the views, the evidence, the growth engine and `accounting`.

Each takes the numbers that its source starts from and returns one number; `FORMULAS` names them for `evidence/figures.csv`,
whose rows say which is used with which numbers. Probabilities are returned with their Monte Carlo error as (p, mcse).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from . import accounting
from .priors import ADJUSTMENTS, View, fixed, read_view, uniform

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["FORMULAS"]

DRAWS, SEED = 50_000, 1
"""Draws behind each credence, more than those of a default report, so that a point of rounding can be told from chance."""

PATHS = 20_000
"""Paths behind each part of the outcome, which needs them whole."""

DAYS_A_YEAR = 365.25

FAR = 300.0
"""Doublings at which a slope has long reached its limit."""

_formulas: dict[str, Callable[..., float | tuple[float, float]]] = {}

FORMULAS: Mapping[str, Callable[..., float | tuple[float, float]]] = MappingProxyType(_formulas)
"""Every formula by the name that `evidence/figures.csv` uses."""


def _formula(function: Callable) -> Callable:
    _formulas[function.__name__] = function
    return function


@cache
def _view(name: str) -> View:
    return read_view(name)


@cache
def _evidence() -> xr.Dataset:
    from .evidence import read_evidence

    return read_evidence()


@_formula
def chain(view: str, upto: str) -> float:
    """r of a typical domain times the view's adjustments up to one of them, at their medians."""
    names = ("r_typical", *ADJUSTMENTS)
    return math.prod(_view(view)[name].prior.median() for name in names[: names.index(upto) + 1])


@_formula
def chain_quantile(view: str, upto: str, probability: float) -> float:
    """A quantile of the same product over the view's priors."""
    from .priors import draw

    names = ("r_typical", *ADJUSTMENTS)
    names = names[: names.index(upto) + 1]
    return float(
        np.quantile(
            math.prod(draw(_view(view), names, size=DRAWS, seed=SEED)[name] for name in names), probability
        )
    )


@_formula
def median(view: str, quantity: str) -> float:
    """The median of a view's prior."""
    return _view(view)[quantity].prior.median()


@_formula
def upper_over_median(view: str, quantity: str) -> float:
    """How far the upper end of a prior lies above its median, as a ratio."""
    prior = _view(view)[quantity].prior
    return prior.support[1] / prior.median()


@_formula
def split(low: float, high: float) -> float:
    """The middle between two numbers."""
    return uniform(low, high).median()


@_formula
def evidence_quantile(row: str, probability: float = 0.5) -> float:
    """A quantile of an evidence row, as read from another place than the figure."""
    return float(_evidence().value.sel(estimate=row, quantile=probability))


@_formula
def evidence_ratio(top: str, bottom: str) -> float:
    """One evidence row over another, at their medians."""
    return evidence_quantile(top) / evidence_quantile(bottom)


def _draws(**values: float) -> xr.Dataset:
    import xarray as xr

    return xr.Dataset({name: (("chain", "draw"), [[float(value)]]) for name, value in values.items()})


def _path(
    r: float, *, doublings_a_year: float, parallel: float = 1.0, left: float = math.inf, **mechanisms: float
) -> xr.Dataset:
    """One path that starts at so many doublings a year."""
    from .dynamics import simulate

    return simulate(
        _draws(
            r_asara=r,
            parallel=parallel,
            speedup=1.0,
            recent_doublings_per_year=doublings_a_year,
            doublings_left=left,
            **mechanisms,
        )
    )


def _pace_for(first_years: float, r: float) -> float:
    """Doublings a year at the start of a path without ceiling (parallel 1) whose first doubling takes this long."""
    k = 1 - 1 / r
    return (1 - 2**-k) / (k * math.log(2)) / first_years


@_formula
def returns_left(r: float, gained_ooms: float, limit_ooms: float) -> float:
    """r when a part of the way to the limits is gone, with returns that fall linearly."""
    from .dynamics import laws
    from .growth import returns_at

    law = laws(_draws(r_asara=r, parallel=1.0, doublings_left=limit_ooms * math.log2(10)))[0]
    return returns_at(gained_ooms * math.log2(10), law)


@_formula
def returns_lost(r: float, gained_ooms: float, limit_ooms: float) -> float:
    """The fall of r on the same way."""
    return r - returns_left(r, gained_ooms, limit_ooms)


@_formula
def pace_multiple(labour: float, exponent: float) -> float:
    """How much faster research gets with so many times the labour, at this exponent and without harder ideas."""
    from .dynamics import laws
    from .growth import log2_pace_gain

    law = laws(_draws(r_asara=math.inf, parallel=exponent, doublings_left=math.inf))[0]
    return 2 ** log2_pace_gain(math.log2(labour), law)


@_formula
def bottleneck_limit(rho: float, labour_share: float) -> float:
    """The most that infinite labour speeds up research with CES exponent rho and fixed compute."""
    from .growth import ces

    return 2 ** ces(FAR / -rho, labour_share, rho)[1]


@_formula
def compute_share(slower: float, less: float) -> float:
    """Compute's exponent where research is so many times slower with so many times less compute."""
    return math.log(slower) / math.log(less)


def _growth(software: float, compute: float, labour: float) -> dict[str, float]:
    """Factors a year as growth in logs a year."""
    return {
        "software_growth": math.log(software),
        "compute_growth": math.log(compute),
        "labour_growth": math.log(labour),
    }


@_formula
def input_growth(share: float, compute: float, labour: float) -> float:
    """q, the growth of research input, in logs a year."""
    return float(accounting.input_growth(share, math.log(compute), math.log(labour)))


@_formula
def input_factor(share: float, compute: float, labour: float) -> float:
    """The same as a factor a year."""
    return math.exp(input_growth(share, compute, labour))


@_formula
def first_alpha(share: float, software: float, compute: float, labour: float) -> float:
    """Greenblatt's first reasoning, since withdrawn: software gained a year over research input gained a year."""
    return software / input_factor(share, compute, labour)


@_formula
def first_estimate(slower: float, software: float, compute: float, labour: float) -> float:
    """The same, as what doubled labour does to algorithmic improvement, with the share from the poll."""
    share = compute_share(slower, 10.0)
    return first_alpha(share, software, compute, labour) * 2 ** (1 - share)


@_formula
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


@_formula
def returns_to_all_inputs(share: float, software: float, compute: float, labour: float) -> float:
    """lambda / beta = r / q: the takeoff ratio before labour's share."""
    return takeoff(share, software, compute, labour) / (1 - share)


@_formula
def takeoff_gain(share: float, before: float, after: float, compute: float, labour: float) -> float:
    """How much the takeoff ratio rises with a faster growth of software."""
    return takeoff(share, after, compute, labour) / takeoff(share, before, compute, labour)


@_formula
def growth_ratio(output: float, input: float) -> float:
    """r as growth of output over growth of labour, both given as shares a year."""
    return takeoff(0.0, 1 + output, 1.0, 1 + input)


@_formula
def growth_ratio_in_logs(software: float, share: float, compute: float, labour: float) -> float:
    """r against all inputs from growth rates given in logs a year."""
    return software / float(accounting.input_growth(share, compute, labour))


@_formula
def cut_without_compute(share: float) -> float:
    """By how much returns to all inputs shrink when compute stands still (Cobb-Douglas)."""
    return takeoff(0.0, math.e, 1.0, math.e) / takeoff(share, math.e, math.e, math.e)


@_formula
def years_of_trend(view: str) -> float:
    """Years of the view's recent pace in the gain above trend that Greenblatt asks for."""
    from .credences import TREND_GAIN

    return math.log2(TREND_GAIN) / median(view, "recent_pace")


@_formula
def labour_exponent(cost: float, speed: float) -> float:
    """Doublings of serial labour per doubling of algorithms, from cheaper and faster tokens."""
    return accounting.labour_exponent(cost=cost, speed=speed)


@_formula
def added_by_post_training(post_training: float, pre_training: float) -> float:
    """The factor on r where two kinds of improvement, given as factors a year, multiply."""
    return 1 + growth_ratio(post_training - 1, pre_training - 1)


@_formula
def compute_per_researcher() -> float:
    """Compute for experiments over compute of its own inference, for each AI researcher."""
    return (1 - accounting.RESEARCH_INFERENCE) / accounting.RESEARCH_INFERENCE


@_formula
def doubling_months(factor: float, years: float) -> float:
    """Months a doubling takes where so much was gained in these years."""
    return 12 * years / math.log2(factor)


@_formula
def yearly_growth(factor: float, years: float) -> float:
    """Average growth a year."""
    return factor ** (1 / years) - 1


@_formula
def gain_in_a_year(doubling_months: float) -> float:
    """The factor of a year at this doubling time and constant returns of 1, along a path."""
    from .dynamics import doublings_by

    path = _path(1.0, doublings_a_year=12 / doubling_months)
    return 2 ** float(doublings_by(path, np.array([1.0])).item())


@_formula
def toy(first: float, ratio: float, doubling: int, what: str) -> float:
    """A cell of the report's toy model: time, papers or workers of one doubling, from the first (0)."""
    return accounting.toy_model(first, ratio, int(doubling) + 1)[0][-1][what]


@_formula
def toy_end(first: float, ratio: float) -> float:
    """When the toy model has done infinitely many doublings."""
    return accounting.toy_model(first, ratio, 1)[1]


@_formula
def next_doubling(r: float) -> float:
    """Length of a doubling over the one before it."""
    return float(accounting.toy_ratio(r))


@_formula
def next_effort(r: float) -> float:
    """Effort of a doubling over that of the one before it: cumulative effort must grow by 2^(1/r)."""
    return 2 * next_doubling(r)


@_formula
def effort_doublings(r: float) -> float:
    """Doublings of cumulative effort in a doubling of software."""
    return 1 + math.log2(next_doubling(r))


@_formula
def effort_added(r: float, of: str) -> float:
    """Effort of a doubling as a share of all effort `before` or `after` it."""
    return next_effort(r) - 1 if of == "before" else 1 - 1 / next_effort(r)


@_formula
def doubling_days(r: float, doubling: int) -> float:
    """Days of one doubling along a path whose first (0) takes a month."""
    from .dynamics import years_at

    path = _path(r, doublings_a_year=_pace_for(1 / 12, r))
    at = years_at(path, np.array([doubling, doubling + 1.0])).ravel()
    return DAYS_A_YEAR * float(at[1] - at[0])


@_formula
def days_to_gain(r: float, factor: float) -> float:
    """Days until a path whose first doubling takes a month has gained this factor."""
    from .dynamics import years_at

    path = _path(r, doublings_a_year=_pace_for(1 / 12, r))
    return DAYS_A_YEAR * float(years_at(path, np.array([math.log2(factor)])).item())


@_formula
def doublings_in_year(r: float, first_days: float, year: int, per_year: float = 1.0) -> float:
    """Doublings in one year (0 the first) of a path with this first doubling, in units of `per_year`."""
    from .dynamics import doublings_by

    path = _path(r, doublings_a_year=_pace_for(first_days / DAYS_A_YEAR, r))
    at = doublings_by(path, np.array([year, year + 1.0])).ravel()
    return float(at[1] - at[0]) / per_year


@_formula
def years_to_singularity(r: float, factor_a_year: float, parallel: float) -> float:
    """Years until software is infinite, from a growth of this factor a year."""
    path = _path(r, doublings_a_year=math.log2(factor_a_year), parallel=parallel)
    return float(path.end_years.item())


@_formula
def retraining_months(first: float, shrink: float) -> float:
    """Months for any number of training runs, each so much shorter than the last."""
    return accounting.retraining_months(first, shrink)


@_formula
def explosive_sum(lambda_: float, sigma: float, what: str, phi_cog: float = math.nan) -> float:
    """Where explosion begins, in the comments' terms, as found on the growth law: `phi`, or `phi_plus_lambda` of experiments.

    Without `phi_cog` there is one technology that adds labour alone, or (`phi_both`) labour and experiments alike.
    """
    from scipy.optimize import brentq

    from .dynamics import laws
    from .growth import pace_slope

    def slope(phi: float) -> float:
        two = not math.isnan(phi_cog)
        gain = 1.0 if two or what == "phi_both" else 0.0
        input_gain = 0.5 + 0.5 * gain
        beta = 1 - (phi_cog if two else phi)
        mechanisms = {"labour_share": 0.5, "sigma": sigma, "experiment_gain": gain}
        if two:
            mechanisms["experiment_beta"] = 1 - phi
        draws = _draws(
            r_asara=lambda_ * input_gain / beta if beta else math.inf,
            parallel=lambda_ * input_gain,
            doublings_left=math.inf,
            **mechanisms,
        )
        return pace_slope(FAR, laws(draws)[0])

    phi = brentq(slope, -0.95, 0.99 if not math.isnan(phi_cog) else 1.5, xtol=1e-9)
    return phi + lambda_ if what == "phi_plus_lambda" else phi


@_formula
def ratio(top: float, bottom: float) -> float:
    """A gain or a share checked from the two numbers that the source gives for it."""
    return top / bottom


@_formula
def relative_exponent(first: float, second: float) -> float:
    """How many times the elasticity of one input, given as gain per doubling, is that of another."""
    return math.log(first) / math.log(second)


@_formula
def taste_of_top(multiple: float, at_sds: float, sds: float) -> float:
    """Research taste so many standard deviations above the median, log-normal, from its value at another number of them."""
    return multiple ** (sds / at_sds)


@_formula
def taste_returns(taste: float, beta: float) -> float:
    """r where progress is fed back by taste alone, m / beta."""
    from .growth import research_taste

    return research_taste(taste, beta)[0]


@_formula
def taste_doubling_ratio(taste: float, beta: float) -> float:
    """b, the length of a doubling of taste over the one before it."""
    return next_doubling(taste_returns(taste, beta))


@_formula
def jones_returns(lambda_: float, beta: float, labour_share: float = 1.0) -> float:
    """r = lambda e(0) / beta of the growth law at ASARA, compute fixed."""
    from .dynamics import laws
    from .growth import returns_at

    parallel = lambda_ * labour_share
    draws = _draws(
        r_asara=parallel / beta, parallel=parallel, doublings_left=math.inf, labour_share=labour_share
    )
    return returns_at(0.0, laws(draws)[0])


@_formula
def boost(copies: float, copies_exponent: float, speed: float, speed_exponent: float) -> float:
    """The speed-up of research from more copies and from faster ones."""
    return pace_multiple(copies, copies_exponent) * pace_multiple(speed, speed_exponent)


@_formula
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
    from .credences import gain_within, stream
    from .inference import prior

    changed = _view(view)
    if not math.isnan(progress):
        changed = changed.replace(doublings_per_year_of_progress=fixed(progress))
    events = None if gain is None else [gain_within(gain[0], doublings=gain[1], years=gain[2])]
    return stream([prior(changed, draws=DRAWS, seed=SEED)], events=events)


@_formula
def outcome(view: str, part: str) -> tuple[float, float]:
    """(p, mcse) of a part of Greenblatt's outcome over a view's paths."""
    table = _outcome(view).sel(part=part)
    return float(table.p), float(table.mcse)


@cache
def _outcome(view: str) -> xr.Dataset:
    from .dynamics import simulate
    from .inference import prior
    from .outcome import takeover_before_buildout

    return takeover_before_buildout(simulate(prior(_view(view), draws=PATHS, seed=SEED)), seed=SEED)


@_formula
def years_to_gain(factor: float, doubling_months: float) -> float:
    """Years to gain a factor at this doubling time and constant returns of 1, along a path."""
    from .dynamics import years_at

    path = _path(1.0, doublings_a_year=12 / doubling_months)
    return float(years_at(path, np.array([math.log2(factor)])).item())


@_formula
def ratio_of_toy(ratio: float) -> float:
    """Length of a doubling over the one before it in the toy model."""
    return toy(2.0, ratio, 1, "time") / toy(2.0, ratio, 0, "time")
