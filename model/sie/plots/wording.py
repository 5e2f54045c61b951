"""How numbers are told: probabilities in %, differences in points, what an author concludes, levels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..data.priors import Conclusion

__all__ = ["levels_in_words", "percent", "points", "says"]


def levels_in_words(levels: Mapping[str, str]) -> str:
    """At which level each domain entered."""
    domains: dict[str, list[str]] = {}
    for domain, level in levels.items():
        domains.setdefault(level, []).append(domain)
    return "levels: " + "; ".join(f"{level} of {', '.join(names)}" for level, names in domains.items())


def percent(p: float, digits: int = 1) -> str:
    """A probability in %."""
    return f"{100 * p:.{digits}f} %"


def points(difference: float, digits: int) -> str:
    """A difference of probabilities in points, with its sign; one that rounds to nothing has none, whichever side it lies on.

    Sums that agree but for the last bit look the same.
    """
    text = f"{round(100 * float(difference), 9):+.{digits}f}"
    return text if float(text) else text[1:]


def says(conclusion: Conclusion | None) -> str:
    """The probability that an author states for an event, or its range."""
    if conclusion is None:
        return "-"
    if "p" in conclusion.numbers:
        return percent(conclusion.numbers["p"], 0)
    return f"{100 * conclusion.numbers['p_low']:.0f} - {percent(conclusion.numbers['p_high'], 0)}"
