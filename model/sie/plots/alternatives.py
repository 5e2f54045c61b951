"""The specification curve: an event's probability under every alternative and pair, sorted, and below it which choice each one makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..analysis.alternatives.summary import PAIR_QUANTILES
from ..base.stats import Z95
from ..data.wording import percent
from .style import BLACK, BLUE, GREY, ORANGE, SMALL, THIN, figure_of, finish, new_axes, own_settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..analysis.alternatives.curve import SpecificationCurve

__all__ = ["plot_specification_curve"]

WIDTH, CURVE_INCHES, CHOICE_INCHES = 11.0, 4.2, 0.165
"""Size of the figure in inches: width, height of the curve, and of a line of the choices."""

ROOM = 0.05
"""Probability above the highest specification."""

TINY = 6.5
"""Size of a choice's label, in points."""


@own_settings()
def plot_specification_curve(
    curve: SpecificationCurve, event: int = 0, *, words: str = "P(r at ASARA > 1)", title: str | None = None
) -> Axes:
    """Draw every specification by its probability, with 95 % intervals, and a mark for each choice that differs from the view's.

    Parameters
    ----------
    curve : SpecificationCurve
        From `specification_curve`.
    event : int, optional
        Position of the event in `HEADLINE_EVENTS`.
    words : str, optional
        The event, for the axis.
    title : str, optional
        Shown above the figure.

    Returns
    -------
    Axes
        Those of the curve; the choices are in axes below it.
    """
    order = sorted(curve.found, key=lambda found: found.p[event])
    choices = curve.alternatives.choices
    shown = sorted({name for found in order for name in found.names}, key=[*choices].index)
    ax = new_axes(WIDTH, 1 + CURVE_INCHES + CHOICE_INCHES * len(shown))
    figure = figure_of(ax)
    grid = figure.add_gridspec(2, 1, height_ratios=[CURVE_INCHES, CHOICE_INCHES * len(shown)])
    ax.set_subplotspec(grid[0])
    below = figure.add_subplot(grid[1], sharex=ax)
    p, error = (
        np.array([value[event] for value in column])
        for column in zip(*((f.p, f.mcse) for f in order), strict=True)
    )
    at = np.arange(len(order))
    ax.fill_between(
        at,
        p - Z95 * error,
        p + Z95 * error,
        color=GREY,
        alpha=0.3,
        linewidth=0,
        step="mid",
        label="95 % Monte Carlo interval",
    )
    size = np.array([len(found.names) for found in order])
    for some, marker, look in (
        (size > 1, ".", {"color": GREY, "markersize": 2, "label": "pairs of alternatives"}),
        (size == 1, "o", {"color": BLUE, "markersize": 4.5, "label": "single alternatives"}),
    ):
        if some.any():
            ax.plot(at[some], p[some], marker, **look)
    own = next(i for i, found in enumerate(order) if not found.names)
    ax.plot(
        own,
        p[own],
        "D",
        color=ORANGE,
        markeredgecolor=BLACK,
        markersize=9,
        label=f"the view as it is: {percent(p[own])}",
        zorder=4,
    )
    ax.axhline(p[own], color=BLACK, linewidth=THIN / 2, linestyle="--")
    ax.set_ylabel(words)
    pairs = [found.p[event] for found in curve.of_size(2)]
    if pairs:
        ax.axhspan(
            *np.quantile(pairs, PAIR_QUANTILES), color=BLUE, alpha=0.08, linewidth=0, label="10–90 % of pairs"
        )
    ax.set_ylim(0, min(1.0, p.max() + ROOM))
    ax.tick_params(labelbottom=False)
    finish(ax, title, columns=3)
    for line, name in enumerate(shown):
        where = np.array([i for i, found in enumerate(order) if name in found.names])
        below.plot(where, np.full(len(where), line), "|", color=BLACK, markersize=5, markeredgewidth=0.6)
        alone = [i for i in where if len(order[i].names) == 1]
        below.plot(alone, np.full(len(alone), line), "o", color=BLUE, markersize=4.5)
        if line and choices[name].group != choices[shown[line - 1]].group:
            below.axhline(line - 0.5, color=GREY, linewidth=0.4)
    below.axvline(own, color=BLACK, linewidth=THIN / 2, linestyle="--")
    below.set_yticks(range(len(shown)), [choices[name].label for name in shown], fontsize=TINY)
    below.set_ylim(len(shown) - 0.5, -0.5)
    below.set_xlabel("specifications, sorted by probability", fontsize=SMALL)
    below.spines[["top", "right"]].set_visible(False)
    return ax
