"""What a view states: the name, meaning, symbol, units and range of every quantity, and the names of the events.

One vocabulary for the keys of a view, the variables of the model, the draws, the equations and the plots.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = [
    "ADJUSTMENTS",
    "CHAIN",
    "DOUBLINGS_PER_OOM",
    "EVENT_NAMES",
    "GROWTH",
    "HISTORY_SHARES",
    "INPUT_SHARES",
    "LABOUR_DOUBLINGS",
    "LABOUR_PACE",
    "OOMS",
    "QUANTITIES",
    "RETIRED",
    "R_UNIT",
    "STATED_INSTEAD",
    "TRAINING_PACE",
    "YEARS_OF_PROGRESS",
    "Quantity",
]

ADJUSTMENTS = ("capabilities", "post_training", "compute_bottleneck", "hardware_scale", "steepening")
"""The factors between a domain's observed r and r at ASARA, in the order of Davidson's chain."""

CHAIN = ("r_typical", "spread", *ADJUSTMENTS)
"""What a view states about r when it argues from observed domains."""

GROWTH = (
    "speedup",
    "recent_pace",
    "software_share",
    "ceiling",
    "shortest_doubling",
    "parallel",
    "lambda",
    "labour_share",
    "sigma",
    "experiment_gain",
    "shape",
)
"""What a view states about growth after ASARA; of `parallel` and `lambda` it states one."""

HISTORY_SHARES = ("frontier_share", "measure_sd", "share_spread")
"""What else a view states that does not state the compute factor: how inputs grew in the histories, and how labour is counted."""

INPUT_SHARES = ("labour_share", "experiment_gain", "speedup", "lambda", "sigma", *HISTORY_SHARES)
"""What `compute_bottleneck` and the growth of all inputs in the histories follow from, in a view that does not state the factor."""

EVENT_NAMES = (
    "r_above_1",
    "r_above_0_75",
    "pace_doubles",
    "years_3_in_1y",
    "years_10_in_1y",
    "years_3_in_4m",
    "years_10_in_4m",
    "ooms_5_in_1y",
    "gain_500x",
    "half_year_beats_three",
    "pace_above_5x",
)
"""The names that `[concludes.EVENT]` may use; `growth.events.EVENTS` gives each its meaning."""

R_UNIT = "software doublings per doubling of cumulative research input"

YEARS_OF_PROGRESS, LABOUR_DOUBLINGS, OOMS = (
    "years of progress",
    "labour doublings",
    "OOMs of training efficiency",
)
"""Units of a distance of software progress; `returns.equations.labour_doublings` converts them."""

DOUBLINGS_PER_OOM = math.log2(10)
"""Doublings in an order of magnitude."""

_DISTANCES = (YEARS_OF_PROGRESS, LABOUR_DOUBLINGS, OOMS)

LABOUR_PACE, TRAINING_PACE = ("labour doublings per year", "training-efficiency doublings per year")
"""Units of a pace."""


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One quantity of the model: its meaning, its letter in the equations where that is not its name, the units a view may
    state it in, and the range it must keep to."""

    meaning: str
    symbol: str | None = None
    units: tuple[str, ...] = ("1",)
    lower: float = 0.0
    lower_included: bool = False
    upper: float = math.inf
    endless: bool = False
    """Whether it may be fixed at inf."""
    optional: bool = False
    """Whether a view may leave it out: an adjustment that it does not make, a factor of 1."""

    @property
    def range(self) -> str:
        """The range in words."""
        upper = f" and at most {self.upper:g}" if math.isfinite(self.upper) else ""
        return f"values {'at least' if self.lower_included else 'above'} {self.lower:g}{upper}"


QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "r_typical": Quantity(
            meaning="r of a typical software domain before any adjustment, against labour or all inputs, as the view says",
            units=(R_UNIT,),
        ),
        "spread": Quantity(
            meaning="standard deviation of log r between domains at remoteness 1", lower_included=True
        ),
        "capabilities": Quantity(
            meaning="factor on r: training efficiency also makes AI smarter, not only cheaper", symbol="f_k"
        ),
        "post_training": Quantity(
            meaning="factor on r: fine-tuning, scaffolding and prompting add to pre-training", symbol="f_k"
        ),
        "compute_bottleneck": Quantity(
            meaning="factor on r measured against labour: compute for experiments no longer grows",
            symbol="f_k",
        ),
        "hardware_scale": Quantity(
            meaning="factor on r: no new hardware scales whose low-hanging fruit is unpicked", symbol="f_k"
        ),
        "steepening": Quantity(
            meaning="factor on r: returns fall from when r was measured until ASARA", symbol="f_k"
        ),
        "gained_before_asara": Quantity(
            meaning="software gained before ASARA, counted from where the view says; steepening then follows from it, the ceiling and the shape",
            symbol="G",
            units=_DISTANCES,
            lower_included=True,
        ),
        "r_asara": Quantity(meaning="r at ASARA, stated directly", symbol="r", units=(R_UNIT,)),
        "conversion": Quantity(meaning="labour doublings per doubling of training efficiency"),
        "speedup": Quantity(
            meaning="pace of software at ASARA over the recent pace, as it would be at sigma 1 (or as reached, if so stated)"
        ),
        "recent_pace": Quantity(
            meaning="recent pace of software progress, before AI did a share of the work, over the years that the view says",
            units=(LABOUR_PACE, TRAINING_PACE),
        ),
        "software_share": Quantity(meaning="share of recent AI progress that was software", upper=1.0),
        "ceiling": Quantity(
            meaning="software left at ASARA before effective limits (where gained_before_asara is stated, from where that is counted)",
            symbol="H",
            units=_DISTANCES,
            endless=True,
        ),
        "shortest_doubling": Quantity(
            meaning="least years in which software doubles, in units of labour; 0 for no limit",
            lower_included=True,
        ),
        "parallel": Quantity(
            meaning="p = lambda e(0): growth of the pace per doubling of software at ASARA, without harder ideas",
            symbol="p",
        ),
        "lambda": Quantity(meaning="exponent of the pace in joint research input"),
        "labour_share": Quantity(meaning="a: share of labour in research input today", symbol="a", upper=1.0),
        "sigma": Quantity(meaning="elasticity of substitution of labour and compute in research"),
        "experiment_gain": Quantity(
            meaning="doublings of experiment efficiency per doubling of training efficiency",
            lower_included=True,
        ),
        "shape": Quantity(meaning="how late returns fall towards the ceiling; 1 is linear"),
        "frontier_share": Quantity(
            meaning="phi: share of compute's growth that went into larger experiments, not more of them",
            symbol="phi",
            lower_included=True,
            upper=1.0,
        ),
        "measure_sd": Quantity(
            meaning="error in the log of labour's growth from how labour is counted, shared by rows that count alike",
            lower_included=True,
        ),
        "share_spread": Quantity(
            meaning="standard deviation of the logit of labour's share between histories", lower_included=True
        ),
    }
)

RETIRED: Mapping[str, Quantity] = MappingProxyType(
    {
        "doublings_per_year_of_progress": Quantity(
            meaning="labour doublings in one recent year of total AI progress"
        )
    }
)
"""Quantities of earlier versions. Reports saved with them are shown, but nothing is computed from them."""

STATED_INSTEAD = MappingProxyType(
    {
        "doublings_per_year_of_progress": "[software_share], the recent pace in labour doublings a year over that number"
    }
)
"""What a view states in place of a retired quantity."""

SERIAL_PENALTY = 0.7
"""Exponent that turns parallel labour into serial-equivalent labour (Davidson's takeoff model; Greenblatt 2025)."""

GIVEN = ("priors", "evidence")
"""What a credence may be conditioned on."""
