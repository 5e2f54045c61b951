"""What each column of a raw history may hold, what it means and its unit: one `Field` a column."""

from __future__ import annotations

import math
import re
from collections.abc import Collection

from .history_units import ELO, OUTPUT_UNITS
from .schema import DATE, Field, cell, meant, one_of, optional, words

__all__ = ["AI", "EITHER", "OBSERVATION_KINDS", "PEOPLE", "fields_of"]

PEOPLE, AI = MAKERS = ("people", "AI")

EITHER = " or "
"""Between two regimes, in a line that may belong to either: the switch lies among such lines."""

OBSERVATION_KINDS = ("record", "measurement")
"""A record does not fall behind the observation before it; a measurement (a re-timing, a noisy test) may."""

SMALLEST_OUTPUT, LARGEST_OUTPUT, LARGEST_EFFORT = 1e-9, 1e30, 1e15

UNIT = "[UNIT] of the header"

_EFFORT = meant(
    optional(
        cell(0, "a number of at least 0, or nothing where it was not observed", high=LARGEST_EFFORT), math.nan
    ),
    "research effort: all so far or a rate, as its unit says; one column a way to count it",
    UNIT,
)


def fields_of(output_unit: str, columns: Collection[str], proxies: Collection[str]) -> dict[str, Field]:
    """What the columns of a series may hold."""
    is_level = OUTPUT_UNITS[output_unit] in (ELO, "doublings")
    low, want = (-LARGEST_OUTPUT, "a number") if is_level else (SMALLEST_OUTPUT, "a number above 0")
    error = cell(SMALLEST_OUTPUT, "a standard error above 0, or nothing", high=LARGEST_OUTPUT)
    fields = {
        "order": meant(
            Field(lambda text: int(text) if re.fullmatch("[0-9]{1,9}", text) else None, "a whole number"),
            "rank of the observation; ascending, gaps allowed",
        ),
        "date": meant(DATE, "date of the observation; equal dates are allowed, falling ones are not"),
        "kind": meant(
            one_of(OBSERVATION_KINDS),
            "record: no worse than the observation before it; measurement: it may be worse",
        ),
        "output": meant(
            cell(low, want, high=LARGEST_OUTPUT), "output reached, in the unit of the header", UNIT
        ),
        "output_error": meant(optional(error, math.nan), "one standard error of the output", UNIT),
        "instrument": meant(
            words("the name of what measured the output"),
            "machine or test that measured the output; between two lies a jump of unknown size",
        ),
        "regime": meant(
            words(f"the name of the regime, or A{EITHER}B where it may be either"),
            "era of method, with an r of its own; at its date lies a jump of unknown size",
        ),
        "made_by": meant(
            optional(one_of(MAKERS), PEOPLE), "whether people or AI made it; the effort counts that of people"
        ),
        **dict.fromkeys(proxies, _EFFORT),
    }
    return {key: field for key, field in fields.items() if key in columns}
