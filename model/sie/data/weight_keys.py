"""What the tables of `weights.toml` may hold beside their provenance: one `Field` a key, with its meaning."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from .schema import LINE, MANY_WORDS, anything, by_name, meant, number, optional, words

__all__ = ["GROUP", "LOGARITHMIC", "MECHANISM", "REPLACEABLE", "VIEW"]

REPLACEABLE = ("compute_bottleneck", "labour_share", "sigma", "experiment_gain", "frontier_share")
"""What a mechanism may state in place of a view."""

LARGEST_FLOOR = 0.25
"""A larger floor would say more about an event than the views."""

_WEIGHT = number(0, "a number of at least 0")
_LABEL = meant(LINE, "name in tables and figures")

VIEW = {"weight": meant(_WEIGHT, "what the view weighs beside others of its group, or alone", "1")}

GROUP = {
    "weight": meant(_WEIGHT, "vote of the group, which its views share", "1"),
    "label": _LABEL,
    "views": meant(replace(MANY_WORDS, want="a list of different views"), "views of the group's authors"),
    "superseded": meant(
        optional(by_name(words(), "a table VIEW = LATER VIEW"), MappingProxyType({})),
        "view that its author has given up, and the later one in its place",
    ),
}

LOGARITHMIC = {
    "floor": meant(
        number(1e-6, f"a number from 1e-06 to {LARGEST_FLOOR:g}", high=LARGEST_FLOOR),
        "probability that the logarithmic pool leaves each event, and its opposite, in every view",
        "probability",
    )
}

MECHANISM = {
    "weight": meant(_WEIGHT, "weight of the mechanism within a view", "1"),
    "label": _LABEL,
    **{
        name: meant(optional(anything("a table")), f"prior of {name} in place of the view's own, a table")
        for name in REPLACEABLE
    },
}
