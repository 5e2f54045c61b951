"""What follows at ASARA from what a view states, and distances of software progress in one unit.

    r_asara = r_target * prod_k f_k

The same for prior and posterior, for arrays and graphs.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from ..base.errors import DataError
from ..data import quantities
from ..data.exogenous import variables
from ..data.quantities import ADJUSTMENTS
from ..data.views import View
from .asara import after_the_jump, returns_to_input

__all__ = [
    "at_asara",
    "labour_doublings",
    "recent_doublings",
    "relative_lengths",
]


def at_asara(values: Mapping[Any, Any], view: View) -> dict[str, Any]:
    """What follows at ASARA from values of what a view states: arrays, or variables of xarray. The same for prior and posterior.

        conversion = capabilities post_training,   recent_doublings_per_year = recent_pace conversion
        G = gained_before_asara,   G + H = ceiling,   steepening = 1 - (G / (G + H))^shape
        compute_bottleneck = e(0) / (1 + r_target experiment_gain (1 - a))             where it is derived

    Labour's share, the pace and lambda (or p) at ASARA are those of `asara`. G is 0 where steepening is stated. What the view says acts
    on growth from outside has its numbers (`data.exogenous`) in every draw. Raises DataError for
    a view that states a quantity of an earlier version.

    Returns
    -------
    dict
        `conversion` (labour doublings per doubling of training efficiency), `compute_bottleneck` where it is derived (on r
        against all inputs: part of r_target is that experiments became cheaper, which is taken out and put in anew), `steepening` where it is derived, `r_asara`; `epsilon`, `labour_share_asara` (a_A), `lambda` or
        `parallel`, whichever the view does not state; and in labour doublings `recent_doublings_per_year`, `pace_asara`,
        `doublings_gained` (G) and `doublings_left` (H).
    """
    view.refuse_retired()
    derived: dict[str, Any] = {}
    stated = ChainMap(derived, values)  # pyright: ignore[reportArgumentType]  # is only read
    if not view.states_r_asara:
        derived["conversion"] = values["capabilities"] * values["post_training"]
    derived["recent_doublings_per_year"] = recent_doublings(stated, view)
    derived |= after_the_jump(stated, view)
    if view.derives_compute_bottleneck:
        returns = returns_to_input(derived["labour_share_asara"], derived["epsilon"])
        cheaper = values["r_target"] * values["experiment_gain"] * (1 - values["labour_share"])
        derived["compute_bottleneck"] = returns / (1 + cheaper)
    total = labour_doublings(values["ceiling"], view["ceiling"].unit, stated)
    if "gained_before_asara" in view:
        gained = labour_doublings(values["gained_before_asara"], view["gained_before_asara"].unit, stated)
        derived["steepening"] = 1 - (gained / total) ** values["shape"]
    else:
        gained = 0.0 * (total > total)  # of its shape, for inf too
    derived["doublings_gained"], derived["doublings_left"] = gained, total - gained
    if not view.states_r_asara:
        derived["r_asara"] = values["r_target"]
        for name in (name for name in ADJUSTMENTS if name in stated):
            derived["r_asara"] = derived["r_asara"] * stated[name]
    nothing = 0.0 * derived["recent_doublings_per_year"]
    return derived | {name: nothing + number for name, number in variables(view.exogenous).items()}


def recent_doublings(values: Mapping[Any, Any], view: View) -> Any:
    """The recent pace in labour doublings a year, the unit of growth: `recent_pace`, times `conversion` if that is its unit."""
    match view["recent_pace"].unit:
        case quantities.LABOUR_PACE:
            return values["recent_pace"] * 1
        case quantities.TRAINING_PACE:
            return values["recent_pace"] * values["conversion"]
        case unit:
            raise DataError(f"{view.name} [recent_pace] unit", unit, "a unit of pace")


def relative_lengths(values: Mapping[Any, Any], view: View) -> tuple[Any, Any]:
    """A unit of `gained_before_asara` and one of `ceiling`, in a unit that both have in common: which is longer, draw by draw.

    `values` are of what evidence does not move. Both units are proportional to the conversion or neither (`data.priors` refuses
    others), which therefore need not be known.
    """
    known = {"conversion": 1.0, **values}
    known["recent_doublings_per_year"] = recent_doublings(known, view)
    of_gained, of_ceiling = (
        labour_doublings(1.0, view[name].unit, known) for name in ("gained_before_asara", "ceiling")
    )
    return of_gained, of_ceiling


def labour_doublings(distance: Any, unit: str, values: Mapping[Any, Any]) -> Any:
    """A distance of software progress in labour doublings, from years of progress or OOMs of training efficiency.

        labour_doublings = years recent_doublings_per_year / software_share = ooms log2(10) conversion

    The only place where distances are converted. `values` holds what the unit needs of `recent_doublings_per_year`,
    `software_share` and `conversion`.
    """
    match unit:
        case quantities.LABOUR_DOUBLINGS:
            return distance
        case quantities.YEARS_OF_PROGRESS:
            return distance * (values["recent_doublings_per_year"] / values["software_share"])
        case quantities.OOMS:
            return distance * quantities.DOUBLINGS_PER_OOM * values["conversion"]
        case _:
            raise DataError("unit", unit, "a unit of distance")
