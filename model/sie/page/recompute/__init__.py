"""Short functions that recompute what the sources state, from the views, the evidence, the growth engine and `accounting`.

Each takes the numbers that its source starts from and returns one number, or a probability with its Monte Carlo error (p, mcse).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from . import arithmetic, beliefs, engine

__all__ = ["FORMULAS"]

FORMULAS: Mapping[str, Callable[..., float | tuple[float, float]]] = MappingProxyType(
    {name: getattr(module, name) for module in (beliefs, arithmetic, engine) for name in module.__all__}
)
"""Every formula by the name that `evidence/figures.csv` uses."""
