"""Checks of an author's view against the reference view: borrowed priors are equal, and priors of ours are no narrower."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ..base.errors import Problems, plain
from ..base.stats import Z90
from .bibliography import OURS, REFERENCE
from .families import Prior
from .prior_tables import numbers_of
from .views import View

__all__ = ["check_borrowed", "check_not_narrower", "width"]


def check_borrowed(view: View, reference: View, derived: Mapping[str, Prior]) -> None:
    """Refuse a quantity with the basis `reference` whose prior is not exactly the reference view's.

    Where that view derives the quantity, it must be the prior in `derived`.
    """
    with Problems() as problems:
        for name in (name for name, entry in view.entries.items() if entry.basis == REFERENCE):
            where, entry = f"{view.name}.toml [{name}]", view[name]
            if name in reference:
                prior, unit = reference[name].prior, reference[name].unit
            elif name in derived:
                prior, unit = derived[name], entry.unit
            else:
                problems.refuse(where, plain("basis reference"), f"a quantity that {reference.name} states")
                continue
            if (entry.prior, entry.unit) != (prior, unit):
                want = f"{_in_words(prior, unit)}, as in {reference.name}.toml"
                problems.refuse(where, plain(_in_words(entry.prior, entry.unit)), want)


def check_not_narrower(view: View, reference: View) -> None:
    """Refuse an author's view with a prior of ours narrower than the reference's: it would attribute to the author a confidence not stated."""
    with Problems() as problems:
        for name in (
            name for name, entry in view.entries.items() if entry.basis == OURS and name in reference
        ):
            own, least = width(view[name].prior), width(reference[name].prior)
            if own < (1 - ROUNDING) * least:
                problems.refuse(
                    f"{view.name}.toml [{name}]",
                    plain(f"ours, with a 95 % point {math.exp(own):.3g} times the 5 % point"),
                    f"at least {math.exp(least):.3g} times, as in {reference.name}.toml",
                )


ROUNDING = 0.01
"""By how much a prior may be narrower than the reference's because its numbers are rounded."""


def width(prior: Prior) -> float:
    """How wide a prior is: the log of the ratio of its 95 and 5 % points, for a beta of their odds; 0 for a fixed number."""
    if prior.family == "fixed":
        return 0.0
    low, high = prior.at(np.array([-Z90, Z90]))
    if prior.family == "beta":
        low, high = low / (1 - low), high / (1 - high)
    return math.log(high / low)


def _in_words(prior: Prior, unit: str) -> str:
    return f"{prior.family} {', '.join(map(repr, numbers_of(prior)))} ({unit})"
