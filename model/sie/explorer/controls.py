"""Sliders for the numbers of a prior, on the scale on which its density is drawn, and back from their values to priors.

Two numbers share a range slider: the ends of the interval, whose mass the family fixes. Steps lie evenly in the logarithm of
what can only be positive, and hold the author's own numbers exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError
from ..base.stats import Z90
from ..data.families import SMALLEST, Prior
from ..data.quantities import ADJUSTMENTS, QUANTITIES
from .state import State

if TYPE_CHECKING:
    import marimo as mo

__all__ = [
    "FAMILIES",
    "SWITCHED_OFF",
    "as_family",
    "interval",
    "is_logarithmic",
    "moved",
    "prior_control",
    "priors_of",
    "steps_of",
]

STEPS = 140
"""Steps of a slider."""

ROOM = 5.0
"""How far beyond the author's numbers a slider reaches: a factor, or widths of the interval on a linear scale."""

HIGHEST_BETA = 0.995
"""Largest quantile of a beta that a slider offers."""

DIGITS = 3
"""Significant digits of a step."""

WIDEN = 1.25
"""A fixed value that becomes an interval reaches this factor to either side."""

FAMILIES = ("lognormal", "normal", "loguniform", "uniform", "beta", "halfnormal", "fixed")
"""Families that a prior can be changed to."""

SWITCHED_OFF = dict.fromkeys(ADJUSTMENTS, 1.0) | {"gained_before_asara": 0.0}
"""The value at which an adjustment does nothing."""

MASS = {
    "lognormal": "90 % of the mass",
    "normal": "90 % of the mass",
    "beta": "90 % of the mass",
    "loguniform": "all of the mass",
    "uniform": "all of the mass",
    "halfnormal": "0 to this has 95 % of the mass",
    "fixed": "fixed",
    "mixture": "a mixture",
}
"""How much of a prior lies in the interval that its numbers are."""


def interval(prior: Prior) -> str:
    """The numbers of a prior and what they mean: 1.5 to 3, 90 % of the mass."""
    if prior.family == "mixture":
        low, high = (float(prior.at(z)) for z in (-Z90, Z90))
        return f"{low:.3g} to {high:.3g}, 90 % of a mixture of {len(prior.parts)}"
    return " to ".join(f"{number:.4g}" for number in prior.numbers) + f", {MASS[prior.family]}"


def is_logarithmic(name: str, prior: Prior) -> bool:
    """Whether the slider and the density of a prior are on a logarithmic scale."""
    low = min(prior.numbers) if prior.family != "mixture" else float(prior.at(-2.0))
    return (
        low > 0 and prior.family not in ("normal", "uniform", "beta") and QUANTITIES[name].upper == math.inf
    )


def steps_of(name: str, state: State) -> list[float]:
    """The values that a slider of this quantity can take, ascending; the author's numbers and the present ones among them."""
    prior, author = state.prior(name), state.author[name].prior
    if prior.family == "mixture":
        return [round(weight / 100, 2) for weight in range(101)]
    own = [*prior.numbers, *(author.numbers if author.family not in ("mixture", "fixed") else ())]
    low, high = min(own), max(own)
    if is_logarithmic(name, prior) and low > 0:
        steps = np.geomspace(low / ROOM, high * ROOM, STEPS)
    else:
        width = (high - low) or abs(high) or 1.0
        steps = np.linspace(low - width * ROOM / 2, high + width * ROOM / 2, STEPS)
    quantity, zero = QUANTITIES[name], prior.family in ("uniform", "fixed", "normal")
    bottom = quantity.lower if quantity.lower_included and zero else max(quantity.lower, SMALLEST)
    top = min(quantity.upper, HIGHEST_BETA if prior.family == "beta" else math.inf)
    rounded = {float(f"{step:.{DIGITS}g}") for step in steps}
    offered = {step for step in rounded | set(own) if bottom <= step <= top}
    return sorted(offered | set(prior.numbers))


def prior_control(name: str, state: State) -> mo.ui.slider | mo.ui.range_slider:
    """The slider of a prior: its one number, its two, or the weight of the first part of a mixture."""
    import marimo as mo

    prior, steps = state.prior(name), steps_of(name, state)
    numbers = list(prior.numbers)
    if prior.family == "mixture":
        return mo.ui.slider(steps=sorted({*steps, numbers[0]}), value=numbers[0], full_width=True)
    if len(numbers) == 1:
        return mo.ui.slider(steps=steps, value=numbers[0], full_width=True)
    return mo.ui.range_slider(steps=steps, value=numbers, full_width=True)


def moved(prior: Prior, value: float | list[float]) -> Prior:
    """The prior with the numbers of its slider. Raises DataError for numbers it cannot have."""
    if prior.family == "mixture":
        if isinstance(value, list | tuple):
            raise DataError("weight of a mixture", list(value), "one number")
        rest = 1 - prior.numbers[0]
        scale = (1 - float(value)) / rest if rest else 0.0
        weights = (float(value), *(weight * scale for weight in prior.numbers[1:]))
        return (
            prior if weights == prior.numbers else Prior(family="mixture", numbers=weights, parts=prior.parts)
        )
    numbers = tuple(float(number) for number in (value if isinstance(value, list | tuple) else [value]))
    return prior if numbers == prior.numbers else Prior(family=prior.family, numbers=numbers)


def priors_of(state: State, values: Mapping[str, float | list[float]]) -> tuple[State, str]:
    """The state with the sliders' values, and in words why a slider's value was not taken ("" where all were)."""
    refused = ""
    for name, value in values.items():
        try:
            prior = moved(state.prior(name), value)
            if prior != state.prior(name):
                state = state.changed(**{name: prior})
        except DataError as error:
            refused = str(error)
    return state, refused


def as_family(prior: Prior, family: str) -> Prior:
    """A prior of another family that has the same 5 and 95 % quantiles, or the same median. Raises DataError."""
    low, middle, high = (float(f"{float(prior.at(z)):.4g}") for z in (-Z90, 0.0, Z90))
    if family == "fixed":
        return Prior(family=family, numbers=(middle,))
    if family == "halfnormal":
        return Prior(family=family, numbers=(high,))
    if low == high:
        low, high = (middle / WIDEN, middle * WIDEN) if middle > 0 else (middle, middle + 1)
    return Prior(family=family, numbers=(low, high))
