"""Report lines for a view with a mixture prior: the credences under each part alone."""

from __future__ import annotations

from collections.abc import Iterator

from ..analysis.parts import by_part
from ..analysis.result import Result
from ..data.wording import share_in_words, with_error

__all__ = ["part_lines"]

PART_EVENTS = ("r_above_1", "years_3_in_1y")
"""The events whose credence is given under each part of a mixture."""


def part_lines(result: Result) -> Iterator[str]:
    """For each part of each mixture, the credences of PART_EVENTS under that part alone."""
    given = list(result.given)
    tables = [
        by_part(result.view, result.draws(name), result.paths[name], events=PART_EVENTS) for name in given
    ]
    for k in range(tables[0].sizes.get("part", 0)):
        part = tables[0].isel(part=k)
        weights = " -> ".join(share_in_words(table.weight.values[k]) for table in tables)
        said = "; ".join(
            f"{event} "
            + " -> ".join(with_error(table.p.values[k, e], table.mcse.values[k, e]) for table in tables)
            for e, event in enumerate(PART_EVENTS)
        )
        yield f"given {part.quantity.item()} {part.prior.item()} alone ({weights} of the draws): {said}"
