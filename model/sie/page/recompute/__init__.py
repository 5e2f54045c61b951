"""Short functions that recompute what the sources state, from the views, the evidence, the growth engine and `accounting`.

Each takes the numbers that its source starts from and returns one number, or, where it is drawn, one with its
Monte Carlo error.
The module in which a function stands says what computes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from . import arithmetic, beliefs, engine, equations

__all__ = ["ARITHMETIC", "COMPUTED_BY", "FORMULAS"]

ARITHMETIC = "plain arithmetic"
"""What computes a figure from printed numbers alone: that its sum adds up reproduces nothing."""

_MODULES = {
    engine: "the growth engine",
    beliefs: "the model",
    equations: "an equation",
    arithmetic: ARITHMETIC,
}

FORMULAS: Mapping[str, Callable[..., float | tuple[float, float]]] = MappingProxyType(
    {name: getattr(module, name) for module in _MODULES for name in module.__all__}
)
"""Every formula by the name that `evidence/figures.csv` uses."""

COMPUTED_BY: Mapping[str, str] = MappingProxyType(
    {name: kind for module, kind in _MODULES.items() for name in module.__all__}
)
"""What computes the figures of each formula."""
