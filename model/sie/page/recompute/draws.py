"""One draw of the numbers of a path, for figures that are told of one."""

from __future__ import annotations

import xarray as xr

__all__ = ["one_draw"]


def one_draw(**values: float) -> xr.Dataset:
    """These numbers as the only draw of a chain."""
    return xr.Dataset({name: (("chain", "draw"), [[float(value)]]) for name, value in values.items()})
