"""Figures of r: the chain from observed r to r at ASARA, and r before and after evidence.

Each function draws on one matplotlib Axes (its own unless `ax` is given) and returns it; intervals are 5-95 % and 25-75 %.
Draws are a Dataset or a DataTree node with dims (chain, draw). What all figures share is in `style`. Nothing is sampled here:
figures show products, quantiles and densities of the draws that they are given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..base.stats import QUANTILES
from ..data.evidence import TARGET
from ..data.quantities import ADJUSTMENTS, R_UNIT
from .style import (
    AFTER,
    BEFORE,
    BLUE,
    FAINT,
    GREY,
    HOLLOW,
    LABEL_GAP,
    ROOM,
    SHADED,
    SMALL,
    THIN,
    VERMILION,
    axes_for,
    finish,
    interval,
    is_narrow,
    log_r,
    mark_one,
    note,
    own_settings,
    quantiles_of,
    two_digits,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["plot_r", "plot_waterfall"]

SHOWN_TAIL = 0.005
"""Share of draws beyond either end of the axis of `plot_r`."""

DENSITY_BINS = 512
"""Bins of a density before smoothing."""

STEP_WIDTH = 0.55
"""Width of a bar of the waterfall; columns are 1 apart."""


@own_settings()
def plot_waterfall(
    draws: xr.Dataset, *, title: str | None = None, narrow: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw r of language models, then after each adjustment in turn, to r at ASARA.

    A bar runs from one stage's median to the next; `× 2.1` is the factor's own median. Draws of a view that states r at ASARA
    directly have this one stage.

    Parameters
    ----------
    draws : xr.Dataset
        Draws of `prior` or a group of `fit`, dims (chain, draw).
    title : str, optional
        Shown above the figure.
    narrow : bool, optional
        Whether a new figure is for a phone.
    ax : Axes, optional
        Drawn on (default: the axes of a new figure).

    Returns
    -------
    Axes
        With r on a logarithmic scale.

    Examples
    --------
    >>> ax = sie.plot_waterfall(sie.prior(sie.read_view("davidson_2025"), draws=4000, seed=1))
    """
    ax = axes_for(ax, narrow=narrow)
    stages = _stages(draws)
    quantiles = [quantiles_of(stage) for stage in stages.values()]
    medians = np.array([stage[2] for stage in quantiles])
    log_r(ax, "y", min(stage[0] for stage in quantiles), max(stage[-1] for stage in quantiles) * ROOM)
    _steps(ax, medians)
    for position in range(len(stages)):
        at = (position, medians[position])
        note(ax, two_digits(medians[position]), at, (2 * LABEL_GAP, LABEL_GAP), ha="left")
    interval(ax, np.arange(len(stages)), np.transpose(quantiles), vertical=True, **AFTER)
    for position, name in enumerate(list(stages)[1:], start=1):
        factor = f"× {two_digits(np.median(draws[name]))}"
        if is_narrow(ax):  # above, the factor would meet the median of the stage before
            at, offset = (position, quantiles[position][0]), (0, -LABEL_GAP - SMALL)
        else:
            at, offset = (position, quantiles[position][-1]), (0, LABEL_GAP)
        note(ax, factor, at, offset, ha="center")
    mark_one(ax, vertical=False)
    names = _stage_labels(stages)
    if is_narrow(ax) and len(names) > 1:
        names = [name.replace("\n", " ") for name in names]
        ax.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    else:
        ax.set_xticks(range(len(names)), names)
    ax.set_xlim(-STEP_WIDTH, len(stages) - 1 + STEP_WIDTH)
    ax.set_ylabel(f"r ({R_UNIT})")
    return finish(ax, title, intervals=True)


@own_settings()
def plot_r(
    prior: xr.Dataset,
    posterior: xr.Dataset | None = None,
    *,
    title: str | None = None,
    narrow: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw the density of r at ASARA before and, where given, after evidence; the intervals lie below the curves.

    Parameters
    ----------
    prior : xr.Dataset
        Draws of `prior` or the group `prior` of `fit`.
    posterior : xr.Dataset, optional
        The group `posterior` of `fit`.
    title : str, optional
        Shown above the figure.
    narrow : bool, optional
        Whether a new figure is for a phone.
    ax : Axes, optional
        Drawn on (default: the axes of a new figure).

    Returns
    -------
    Axes
        Density per factor of 10 in r, over r on a logarithmic scale.

    Examples
    --------
    >>> ax = sie.plot_r(tree["prior"].to_dataset(), tree["posterior"].to_dataset())
    """
    ax = axes_for(ax, narrow=narrow)
    sets = {"prior": (prior.r_asara.values.ravel(), BEFORE, "--")}
    if posterior is not None:
        sets["posterior"] = (posterior.r_asara.values.ravel(), AFTER, "-")
    ends = [np.quantile(r, (SHOWN_TAIL, 1 - SHOWN_TAIL)) for r, _, _ in sets.values()]
    log_r(ax, "x", min(low for low, _ in ends), max(high for _, high in ends))
    densities = [_density(r) for r, _, _ in sets.values()]
    line = max(density.max() for _, density in densities) / len(QUANTILES) / 2
    for i, (name, (r, look, dashes)) in enumerate(sets.items()):
        at, density = densities[i]
        label = f"{name}: median {np.median(r):.2f}, P(r > 1) = {np.mean(r > 1):.2f}"
        ax.fill_between(at, density, color=look["color"], alpha=FAINT, linewidth=0)
        ax.plot(at, density, linestyle=dashes, linewidth=2, markevery=[], label=label, **look | HOLLOW)
        interval(ax, -line * (i + 1), quantiles_of(r), label=None, **look)
    ax.axhline(0, color=GREY, linewidth=THIN / 2)
    mark_one(ax, vertical=True)
    ax.set_ylim(bottom=-line * (len(sets) + 1))
    ax.set_yticks([tick for tick in ax.get_yticks() if 0 <= tick <= ax.get_ylim()[1]])
    ax.set_xlabel(f"r at ASARA ({R_UNIT})")
    ax.set_ylabel("density (probability per factor of 10 in r)")
    return finish(ax, title, intervals=True)


def _stages(draws: xr.Dataset) -> dict[str, np.ndarray]:
    """Cumulative r after each link of the chain, by the link's name; `r_asara` alone where the chain is not stated."""
    if "r_target" not in draws:
        return {"r_asara": draws["r_asara"].values}
    stages = {"r_target": draws["r_target"].values}
    for name in (name for name in ADJUSTMENTS if name in draws):
        stages[name] = stages[list(stages)[-1]] * draws[name].values
    return stages


def _stage_labels(stages: dict[str, np.ndarray]) -> list[str]:
    words = {
        "r_target": f"r of\n{TARGET}",
        "r_asara": "r at ASARA",
        ADJUSTMENTS[-1]: f"{ADJUSTMENTS[-1]}\n= r at ASARA",
    }
    return [words.get(name, name.replace("_", "\n")) for name in stages]


def _steps(ax: Axes, medians: np.ndarray) -> None:
    """A bar of the waterfall from each stage's median to the next, hatched where r falls, tied to the stage before."""
    places, before, change = np.arange(1, len(medians)), medians[:-1], np.diff(medians)
    ax.hlines(before, places - 1, places + STEP_WIDTH / 2, colors=GREY, linewidth=THIN / 2)
    for some, hatch, colour in ((change < 0, "///", VERMILION), (change >= 0, "", BLUE)):
        bars = (places[some], change[some], STEP_WIDTH, before[some])
        ax.bar(*bars, color=colour, alpha=FAINT, linewidth=0)
        edge = {
            "facecolor": "none",
            "edgecolor": (colour, SHADED),
        }  # in SVG a hatch takes on its bar's opacity
        ax.bar(*bars, hatch=hatch, **edge)


def _density(r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(r, density of log10 r): a fine histogram smoothed at Scott's (1992) width, reflected at its ends.

    The reflection keeps the edge of a prior that ends abruptly.
    """
    from scipy.ndimage import gaussian_filter1d

    density, edges = np.histogram(np.log10(r), bins=DENSITY_BINS, density=True)
    width = np.log10(r).std() * len(r) ** (-1 / 5)
    smoothed = gaussian_filter1d(density, max(1.0, width / (edges[1] - edges[0])), mode="reflect")
    return 10 ** ((edges[1:] + edges[:-1]) / 2), smoothed
