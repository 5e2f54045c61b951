"""A figure of why two credences differ: from P of the one view to P of the other, a step for each group of inputs.

It draws on one Axes (its own unless `ax` is given) and returns it; intervals are 95 %. Rises and falls differ in lightness, hatch
and sign. It computes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..base.stats import Z95
from ..data.wording import percent, points
from .sensitivity import BAR, HIGH, LOW, axes_for
from .style import BLACK, GREY, SMALL, own_settings

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["plot_difference"]

ENDS = "#404040"
"""The colour of the two credences themselves."""

LEAST_PART = 0.0005
"""Steps smaller than this, as a probability, are drawn together as `the other N`."""


@own_settings()
def plot_difference(
    parts: xr.Dataset,
    event: str,
    *,
    labels: tuple[str, str],
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the steps from P(event) of the first view to that of the second, the largest first.

    The steps sum to the whole difference.

    Parameters
    ----------
    parts : xr.Dataset
        From `difference`.
    event : str
        Name of an event in it.
    labels : tuple of str
        Labels of the two views.
    title : str, optional
        Shown above the figure.
    ax : Axes, optional
        Drawn on (default: the axes of a new figure).

    Returns
    -------
    Axes
        Probability; bars are 95 % of the Monte Carlo error.
    """
    found = parts.sel(event=event)
    order = np.argsort(-np.abs(found.part.values), kind="stable")
    shown = [i for i in order if abs(found.part.values[i]) >= LEAST_PART]
    rest = [i for i in order if i not in shown]
    steps = [
        (str(found.group.values[i]), float(found.part.values[i]), float(found.se.values[i])) for i in shown
    ]
    if rest:
        name = f"the other {len(rest)}, each below {100 * LEAST_PART:.2g} points"
        steps.append((name, float(found.part.values[rest].sum()), 0.0))
    ax = axes_for(ax, len(steps) + 2)
    lines = len(steps) + 1
    ax.barh(lines, found.p_a.item(), height=BAR, color=ENDS)
    _note(ax, percent(found.p_a.item()), found.p_a.item(), lines)
    at = found.p_a.item()
    for k, (_, part, se) in enumerate(steps):
        line = lines - 1 - k
        rises = part >= 0
        ax.barh(
            line,
            part,
            left=at,
            height=BAR,
            color=HIGH if rises else LOW,
            edgecolor=BLACK,
            hatch=None if rises else "////",
        )
        if se > 0:
            ax.errorbar(at + part, line, xerr=Z95 * se, color=BLACK, capsize=3, linestyle="none")
        ax.vlines(at, line, line + 1, colors=GREY, linewidth=0.8)
        at += part
        _note(ax, points(part, 1), max(at, at - part) + Z95 * se, line)
    ax.vlines(at, 0, 1, colors=GREY, linewidth=0.8)
    ax.barh(0, found.p_b.item(), height=BAR, color=ENDS)
    _note(ax, percent(found.p_b.item()), found.p_b.item(), 0)
    names = [labels[0], *(name.replace("_", " ") for name, _, _ in steps), labels[1]]
    ax.set_yticks(range(lines, -1, -1), names)
    reached = np.cumsum(
        [found.p_a.item(), *(part for _, part, _ in steps)]
    )  # a sum of parts may leave 0 to 1
    low, top = min(0.0, reached.min()), max(found.p_b.item(), reached.max())
    ax.set_xlim(low - 0.04 * (top - low) * (low < 0), top + 0.14 * (top - low) + 0.01)
    ax.axvline(0, color=BLACK, linewidth=0.8)
    ax.set_xlabel(f"P({event}), probability; steps in points, bars 95 % of their Monte Carlo error")
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right"]].set_visible(False)
    if title is not None:
        ax.set_title(title, parse_math=False)
    return ax


def _note(ax: Axes, text: str, x: float, line: float) -> None:
    ax.annotate(text, (x, line), (6, 0), textcoords="offset points", fontsize=SMALL, va="center")
