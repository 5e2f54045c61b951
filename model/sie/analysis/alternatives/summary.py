"""What a specification curve comes to: its range, what moves the answer most, the average under stated weights, and all of it as data.

average = sum_s w_s p_s / sum_s w_s,   w_s the product of the alternatives' weights, 1 for the view as it is
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...data.wording import prior_in_words
from .bench import HEADLINE_EVENTS, Found
from .curve import SpecificationCurve

__all__ = [
    "COLUMNS",
    "PAIR_QUANTILES",
    "average",
    "counts",
    "document",
    "most_moved",
    "moved",
    "pair_quantiles",
    "records",
    "single_range",
]

PAIR_QUANTILES = (0.1, 0.9)
"""The quantiles over pairs that the figure shows, each pair alike."""

DIGITS = 5
"""Digits after the point of a probability in a file."""

COLUMNS = (
    "first",
    "second",
    "how",
    "base",
    "khat",
    "effective_draws",
    *(f"{value} {event}" for event in HEADLINE_EVENTS for value in ("p", "mcse")),
    "median_r",
    "weight",
)
"""Columns of the CSV: a line a specification, the view as it is first."""


def single_range(curve: SpecificationCurve, event: int) -> tuple[Found, Found]:
    """The single alternatives, or the view as it is, with the least and the largest probability of an event."""
    some = [curve.headline, *curve.of_size(1)]
    return min(some, key=lambda found: found.p[event]), max(some, key=lambda found: found.p[event])


def pair_quantiles(curve: SpecificationCurve, event: int) -> tuple[float, float] | None:
    """PAIR_QUANTILES of an event's probability over pairs; None without any."""
    pairs = [found.p[event] for found in curve.of_size(2)]
    if not pairs:
        return None
    low, high = np.quantile(pairs, PAIR_QUANTILES)
    return float(low), float(high)


def moved(curve: SpecificationCurve, found: Found, event: int) -> tuple[float, float]:
    """How far a specification moves an event's probability, and the error of that: both in quadrature."""
    own = curve.headline
    return float(found.p[event] - own.p[event]), float(np.hypot(found.mcse[event], own.mcse[event]))


def most_moved(curve: SpecificationCurve, event: int, *, by_group: bool = False) -> list[Found]:
    """Single alternatives by how far they move an event, the farthest first; `by_group` has the farthest of each group alone."""
    order = sorted(curve.of_size(1), key=lambda found: -abs(moved(curve, found, event)[0]))
    if not by_group:
        return order
    groups: dict[str, Found] = {}
    for found in order:
        groups.setdefault(curve.alternatives.choices[found.names[0]].group, found)
    return list(groups.values())


def average(curve: SpecificationCurve, event: int) -> tuple[float, float]:
    """The average of an event's probability under the stated weights; its error is at most this, since specifications share draws."""
    weights = np.array([found.weight for found in curve.found])
    weights = weights / weights.sum()
    p, mcse = (np.array([getattr(found, name)[event] for found in curve.found]) for name in ("p", "mcse"))
    return float(weights @ p), float(weights @ mcse)


def counts(curve: SpecificationCurve) -> Mapping[tuple[int, str], int]:
    """How many specifications of so many alternatives were answered by a fit, by paths and by weights."""
    return Counter((len(found.names), found.how) for found in curve.found)


def records(curve: SpecificationCurve) -> list[list[object]]:
    """The specifications as rows of COLUMNS; cells are empty where there is nothing."""
    return [
        [
            *(*found.names, "", "")[:2],
            found.how,
            " and ".join(found.base),
            "" if math.isnan(found.khat) else round(found.khat, 3),
            round(found.effective_draws),
            *(
                round(float(value[e]), DIGITS)
                for e in range(len(HEADLINE_EVENTS))
                for value in (found.p, found.mcse)
            ),
            round(found.median, DIGITS),
            round(found.weight, DIGITS),
        ]
        for found in curve.found
    ]


def document(
    curve: SpecificationCurve, *, inputs_sha256: str, headline: Sequence[tuple[float, float]]
) -> dict[str, Any]:
    """All of a curve as data for JSON, the specifications column by column.

    `headline` has p and mcse of each of HEADLINE_EVENTS from the fit that the headline quotes.
    """
    columns = [*zip(*records(curve), strict=True)]
    return {
        "version": 1,
        "view": curve.view.name,
        "seed": curve.seed,
        "draws": curve.draws,
        "inputs_sha256": inputs_sha256,
        "events": list(HEADLINE_EVENTS),
        "groups": dict(curve.alternatives.groups),
        "alternatives": [
            {
                "name": choice.name,
                "group": choice.group,
                "label": choice.label,
                "weight": choice.weight,
                "basis": choice.basis,
                "source": choice.source,
                "locator": choice.locator,
                "note": choice.note,
                "priors": {name: prior_in_words(prior) for name, prior in choice.priors.items()},
                "without": list(choice.without),
            }
            for choice in curve.alternatives.choices.values()
        ],
        "specifications": {name: list(column) for name, column in zip(COLUMNS, columns, strict=True)},
        "missing": [{"alternatives": list(names), "why": why} for names, why in curve.missing],
        "headline": {event: _headline(curve, e, *headline[e]) for e, event in enumerate(HEADLINE_EVENTS)},
        "hangs_on": [
            {
                "group": curve.alternatives.groups[curve.alternatives.choices[found.names[0]].group],
                "alternative": curve.alternatives.choices[found.names[0]].label,
                "p": round(float(found.p[0]), DIGITS),
                "mcse": round(float(found.mcse[0]), DIGITS),
            }
            for found in most_moved(curve, 0, by_group=True)[:3]
        ],
    }


def _headline(curve: SpecificationCurve, event: int, p: float, mcse: float) -> dict[str, Any]:
    low, high = single_range(curve, event)
    mean, error = average(curve, event)
    quantiles = pair_quantiles(curve, event)
    return {
        "p": round(p, DIGITS),
        "mcse": round(mcse, DIGITS),
        "least": {
            "alternative": " ".join(low.names),
            "p": round(float(low.p[event]), DIGITS),
            "mcse": round(float(low.mcse[event]), DIGITS),
        },
        "most": {
            "alternative": " ".join(high.names),
            "p": round(float(high.p[event]), DIGITS),
            "mcse": round(float(high.mcse[event]), DIGITS),
        },
        "pairs": None if quantiles is None else [round(each, DIGITS) for each in quantiles],
        "average": {"p": round(mean, DIGITS), "mcse_at_most": round(error, DIGITS)},
    }
