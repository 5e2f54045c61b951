"""What a growth law is made of: the name of each mechanism, what it may be and what it means. `law` says how it acts.

It is data that commands can read without compiling anything; adding a mechanism is a line of MECHANISMS here and its function in `law`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..data.exogenous import NUMBERS, Number

__all__ = ["LAW", "MEANINGS", "MECHANISMS", "OUTSIDE", "RETRAINING", "Mechanism"]

AT_LEAST_0 = {"allowed": lambda value: (value >= 0) & (value < math.inf), "want": "a number of at least 0"}
ABOVE_0 = {"allowed": lambda value: (value > 0) & (value < math.inf), "want": "a number above 0"}
A_SHARE = {
    "allowed": lambda value: (value > 0) & (value <= 1),
    "want": "a number above 0 and at most 1",
}
FINITE_OR_NONE = {
    "allowed": lambda value: ~np.isinf(value),
    "want": "a finite number, or nan for none",
}
FROM_0 = {"allowed": lambda value: value >= 0, "want": "a number of at least 0, or inf for never"}


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """A number of a law: the value at which it is switched off, what it may be (elementwise), meaning, unit, and what else it
    needs to act at all."""

    off: float
    allowed: Callable
    want: str
    meaning: str
    unit: str = "1"
    needs: str = ""


MECHANISMS = {
    "labour_share_asara": Mechanism(
        off=1.0,
        **A_SHARE,
        meaning="a: share of labour in research input at ASARA; 1 is no need of compute",
        needs="sigma other than 1",
    ),
    "sigma": Mechanism(
        off=1.0,
        **ABOVE_0,
        meaning="elasticity of substitution of labour and compute; 1 is Cobb-Douglas",
        needs="labour_share_asara below 1",
    ),
    "epsilon": Mechanism(
        off=0.0,
        **AT_LEAST_0,
        meaning="epsilon(0): doublings of experiment efficiency per doubling of software",
        needs="labour_share_asara below 1 and sigma other than 1",
    ),
    "shape": Mechanism(
        off=1.0,
        **ABOVE_0,
        meaning="how late returns fall towards the ceiling; 1 is linear",
        needs="a ceiling",
    ),
    "doublings_gained": Mechanism(
        off=0.0,
        **AT_LEAST_0,
        meaning="G: software gained before ASARA, since r was as it was measured",
        unit="labour doublings",
        needs="a ceiling and a shape other than 1",
    ),
    "shortest_doubling": Mechanism(
        off=0.0,
        **AT_LEAST_0,
        meaning="least time in which software doubles, a limit on the pace; 0 for none",
        unit="years per labour doubling",
        needs="a pace above 1 / shortest_doubling",
    ),
    "automation": Mechanism(
        off=1.0,
        **A_SHARE,
        meaning="share of research tasks that AI does; 1 is all",
        needs="task_sigma other than 1",
    ),
    "task_sigma": Mechanism(
        off=1.0,
        **ABOVE_0,
        meaning="elasticity of substitution of the tasks of AI and of humans",
        needs="automation below 1",
    ),
    "experiment_beta": Mechanism(
        off=math.nan,
        **FINITE_OR_NONE,
        meaning="b_e: beta of the technology of experiments; nan for a constant epsilon",
        needs="epsilon above 0 and labour_share_asara below 1",
    ),
    "sigma_later": Mechanism(
        off=1.0,
        **ABOVE_0,
        meaning="elasticity of labour and compute beyond the switch",
        needs="sigma_switch and labour_share_asara below 1",
    ),
    "sigma_switch": Mechanism(
        off=math.inf,
        **FROM_0,
        meaning="software at which sigma changes; inf for never",
        unit="labour doublings",
        needs="sigma_later other than sigma, labour_share_asara below 1 and a ceiling beyond it",
    ),
}
"""What a law may have beyond lambda, beta and a ceiling. Draws with a variable of that name have it, and the law carries it under
that name."""


def _outside(number: Number) -> Mechanism:
    def allowed(value):
        none = np.isnan(value) & math.isnan(number.off)
        return none | ((value >= number.lower) & (value <= number.upper))

    want = number.want + (", or nan" if math.isnan(number.off) else "")
    return Mechanism(
        off=number.off,
        allowed=allowed,
        want=want,
        meaning=number.meaning,
        unit=number.unit,
        needs=number.needs,
    )


OUTSIDE = {name: _outside(number) for name, number in NUMBERS.items()}
"""What acts on a path from outside, no part of its law: numbers that draws may have under these names (`exogenous`)."""

RETRAINING = {"none": 0.0, "slower": 1.0, "paper": 2.0, "tool": 3.0}
"""How retraining changes the slope: ours, and two that exist to reproduce the paper and the public tool (slopes below 1 only)."""

MEANINGS = {
    "lambda_": ("lambda: doublings of the pace per doubling of research input", "1"),
    "beta": ("beta(0): doublings by which the pace falls, at ASARA, per doubling of software", "1"),
    "doublings_left": ("H: software left at ASARA; inf without a ceiling", "labour doublings"),
    **{name: (mechanism.meaning, mechanism.unit) for name, mechanism in MECHANISMS.items()},
    "retraining": ("a code of RETRAINING", "1"),
}
"""Meaning and unit of each number of a law."""

LAW = np.dtype({"names": [*MEANINGS], "formats": [np.float64] * len(MEANINGS)})
"""The numbers of a law. `beta` is beta(0), `retraining` a code of `RETRAINING`."""
