"""The headline: the reference view's answer to two questions, with its range over other defensible choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..analysis.alternatives.stored import read_stored
from ..analysis.result import CONDITIONS
from ..base.errors import DataError
from ..data.wording import hundredths, percent

__all__ = ["headline", "headline_in_words"]

ASKED = {
    "r_above_1": "P(r at ASARA > 1)",
    "years_3_in_1y": "P(3 years of AI progress within some year)",
}
"""The events of the headline, in words."""


def headline() -> str:
    """The headline of the stored curve of the reference view.

    Returns
    -------
    str
        One line; if no curve is stored for the current inputs, the command that makes one.

    Examples
    --------
    >>> print(sie.headline())
    """
    try:
        return headline_in_words(read_stored())
    except DataError as error:
        return f"No headline: {error}"


def headline_in_words(document: Mapping[str, Any]) -> str:
    """The headline of a curve, as `analysis.alternatives.summary.document` gives it."""
    singles = sum(bool(first) and not second for first, second in _pairs(document))
    said = []
    for event, words in ASKED.items():
        found = document["headline"][event]
        low, high = found["least"]["p"], found["most"]["p"]
        error = max(found["least"]["mcse"], found["most"]["mcse"])
        over = f" over {singles} alternatives, one at a time" if not said else ""
        said.append(
            f"{words} is {percent(found['p'])} (Monte Carlo error {100 * found['mcse']:.1f} points; "
            f"{hundredths(low)} to {percent(high)}{over}, error of the ends at most {100 * error:.1f})"
        )
    hangs = [
        f"{item['group']} ({item['alternative']}: {percent(item['p'])})" for item in document["hangs_on"]
    ]
    return (
        f"Reference view: {' and '.join(said)}. The first hangs most on {'; '.join(hangs[:-1])}; and {hangs[-1]}. "
        f"{CONDITIONS}"
    )


def _pairs(document: Mapping[str, Any]) -> zip:
    table = document["specifications"]
    return zip(table["first"], table["second"], strict=True)
