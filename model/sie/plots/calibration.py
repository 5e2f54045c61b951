"""Figures of a calibration: where the truth ranks among posterior draws, and how often events happen that were given a probability.

As `plots`: each draws on one Axes and returns it. Tables come from `calibration.summary.summarise`; nothing is computed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..base.stats import Z95
from .style import BLUE, GREY, SMALL, THICK, THIN, VERMILION, own_settings
from .style import axes_for as _axes
from .style import finish as _finish

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["plot_happened", "plot_ranks"]


@own_settings()
def plot_ranks(
    table: xr.Dataset, *, title: str | None = None, narrow: bool = False, ax: Axes | None = None
) -> Axes:
    """Each quantity's ECDF of ranks less the uniform one, in the simultaneous 95 % band; those outside it are named."""
    ax = _axes(ax, narrow=narrow)
    ax.fill_between(
        table["at"], *table.band.values, color=GREY, alpha=0.25, linewidth=0, label="95 % band (whole curve)"
    )
    ax.axhline(0, color=GREY, linewidth=THIN)
    for name in table.quantity.values.tolist():
        one = table.sel(quantity=name)
        if name == "r_asara":
            look = {"color": BLUE, "linewidth": 2 * THIN, "label": "r at ASARA", "zorder": 3}
        elif bool(one.outside):
            look = {"color": VERMILION, "linewidth": THIN, "linestyle": "--", "zorder": 2, "label": name}
        else:
            look = {"color": GREY, "linewidth": THIN}
        ax.step(table["at"], one.ecdf_difference, where="post", **look)
    ax.plot([], [], color=GREY, linewidth=THIN, label="other quantities")
    ax.set_xlim(0, 1)
    ax.set_xlabel("rank of the true value among posterior draws, as a fraction")
    ax.set_ylabel("fraction of worlds below that rank, less the fraction expected")
    return _finish(ax, title)


@own_settings()
def plot_happened(
    table: xr.Dataset, *, title: str | None = None, narrow: bool = False, ax: Axes | None = None
) -> Axes:
    """For each event its mean posterior probability over the worlds, and in what share of them it happened (95 % interval)."""
    ax = _axes(ax, lines=table.sizes["event"], narrow=narrow)
    lines = np.arange(table.sizes["event"])[::-1]
    sd = np.where(table.z != 0, (table.happened - table.predicted) / np.where(table.z != 0, table.z, 1), 0.0)
    ax.hlines(
        lines, table.predicted - Z95 * sd, table.predicted + Z95 * sd, color=GREY, linewidth=THICK, alpha=0.5
    )
    ax.plot(
        table.predicted,
        lines,
        "o",
        color=BLUE,
        label="mean posterior probability, with the 95 % range of the fraction by chance",
    )
    ax.plot(
        table.happened,
        lines,
        "D",
        color=VERMILION,
        markersize=5,
        label="fraction of worlds in which it happened",
    )
    ax.set_yticks(lines, table.event.values.tolist(), fontsize=SMALL)
    ax.set_xlim(0, 1)
    ax.set_xlabel("probability")
    return _finish(ax, title)
