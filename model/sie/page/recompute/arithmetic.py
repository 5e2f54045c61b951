"""Figures recomputed by `accounting`: growth accounting, the toy model, exponents, and gains from their two ends."""

from __future__ import annotations

import math

from ...growth import accounting

__all__ = [
    "added_by_post_training",
    "compute_per_researcher",
    "compute_share",
    "cut_without_compute",
    "doubling_months",
    "effort_added",
    "effort_doublings",
    "first_alpha",
    "first_estimate",
    "growth_ratio",
    "growth_ratio_in_logs",
    "input_factor",
    "input_growth",
    "labour_exponent",
    "next_doubling",
    "next_effort",
    "ratio",
    "ratio_of_toy",
    "relative_exponent",
    "retraining_months",
    "returns_to_all_inputs",
    "takeoff",
    "takeoff_gain",
    "taste_doubling_ratio",
    "taste_of_top",
    "taste_returns",
    "toy",
    "toy_end",
    "yearly_growth",
]


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


def compute_per_researcher() -> float:
    """Compute for experiments over compute of its own inference, for each AI researcher."""
    return (1 - accounting.RESEARCH_INFERENCE) / accounting.RESEARCH_INFERENCE


def doubling_months(factor: float, years: float) -> float:
    """Months a doubling takes where so much was gained in these years."""
    return 12 * years / math.log2(factor)


def yearly_growth(factor: float, years: float) -> float:
    """Average growth a year."""
    return factor ** (1 / years) - 1


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


def ratio(top: float, bottom: float) -> float:
    """A gain or a share checked from the two numbers that the source gives for it."""
    return top / bottom


def relative_exponent(first: float, second: float) -> float:
    """How many times the elasticity of one input, given as gain per doubling, is that of another."""
    return math.log(first) / math.log(second)


def taste_of_top(multiple: float, at_sds: float, sds: float) -> float:
    """Research taste so many standard deviations above the median, log-normal, from its value at another number of them."""
    return multiple ** (sds / at_sds)


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
