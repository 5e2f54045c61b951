"""Figure of r by domain: each row that was used beside the posterior of its domain."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

import numpy as np

from ..base.stats import Z90
from ..data.quantities import R_UNIT
from ..returns.levels import own_estimates
from .style import (
    AFTER,
    FAINT,
    GREY,
    LABEL_GAP,
    LEGEND_COLUMNS,
    PUBLISHED,
    RAW,
    SHADED,
    SMALL,
    THIN,
    axes_for,
    finish,
    interval,
    is_narrow,
    log_r,
    mark_one,
    own_settings,
    quantiles_of,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["plot_domains"]

NONE_COUNTS = "no row counts"
"""Label of a domain whose posterior rests on the other domains alone, if no row gives the reason."""

OTHER_LEVEL = "the level of "
"""How `usable` begins the reason of a row that would count at another level of its domain."""

REASON_LETTERS, NARROW_LETTERS = 42, 24
"""Letters of a line of a reason."""

SMALL_LINES, ROOM = 0.4, 0.5
"""Height of a small line of text as a share of a line of the figure, and the small lines left free below a label."""


@own_settings()
def plot_domains(
    rows: xr.Dataset,
    posterior: xr.Dataset,
    *,
    evidence: xr.Dataset | None = None,
    title: str | None = None,
    narrow: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw each row on r that was used, at its level, and, below, the posterior of its domain.

    A row of growth or series has r against the input that it names, without its definition error. An arrow leads from an
    estimate's median to its domain's. The band is `r_typical`, r of a typical software domain. An estimate that already includes
    adjustments is not of the domain's own r; its label says so.

    Parameters
    ----------
    rows : xr.Dataset
        From `usable`.
    posterior : xr.Dataset
        The group `posterior` of `fit`.
    evidence : xr.Dataset, optional
        From `read_evidence`, what `usable` was given: with it a domain none of whose rows count says why they were left out.
    title : str, optional
        Shown above the figure.
    narrow : bool, optional
        Whether a new figure is for a phone.
    ax : Axes, optional
        Drawn on (default: the axes of a new figure).

    Returns
    -------
    Axes
        One line for each row and each domain, over r on a logarithmic scale.
    """
    is_r = rows.domain_idx.values >= 0
    used = [np.flatnonzero(is_r & (rows.domain_idx.values == i)) for i in range(rows.sizes["domain"])]
    reasons = _why_left_out(rows, evidence) if evidence is not None else {}
    is_thin = is_narrow(ax) if ax is not None else narrow
    labels = _labels(rows, used, reasons, NARROW_LETTERS if is_thin else REASON_LETTERS)
    heights = np.array([_height(text) if size else 1.0 for text, size in labels])
    ends = np.cumsum(heights) - 1 / 2
    middles = iter(ends - heights / 2)
    below = dict(zip(ends - heights / 2, ends, strict=True))
    ax = axes_for(ax, lines=math.ceil(heights.sum()), narrow=narrow)
    quantiles = []
    _band(ax, quantiles_of(posterior.r_typical))
    for domain, own in zip(rows.domain.values.tolist(), used, strict=True):
        after = quantiles_of(posterior.r.sel(domain=domain))
        *places, after_place = (next(middles) for _ in range(len(own) + 1))
        for i, place in zip(own, places, strict=True):
            published = rows.kind.values[i] == "r"
            if published:
                quantiles.append(_published(rows.value.values[i], float(rows.se.values[i])))
            else:
                quantiles.append(own_estimates(rows.isel(estimate=[i]), posterior)[0])
            name = "published estimate" if published else "growth rates or history"
            interval(ax, place, quantiles[-1], label=name, **(PUBLISHED if published else RAW))
            _arrow(ax, (quantiles[-1][2], place), (after[2], after_place))
        interval(ax, after_place, after, label="posterior", **AFTER)
        ax.axhline(below[after_place], color=GREY, linewidth=THIN / 2, alpha=SHADED)
        quantiles.append(after)
    log_r(ax, "x", np.nanmin(quantiles), np.nanmax(quantiles))
    mark_one(ax, vertical=True)
    ax.set_yticks(list(below), [text for text, _ in labels], parse_math=False)
    for tick, (_, size) in zip(ax.get_yticklabels(), labels, strict=True):
        if size:
            tick.set_fontsize(size)
    ax.set_ylim(ends[-1] + 1 / 4, -1 / 2)
    ax.set_xlabel(f"r ({R_UNIT})")
    return finish(ax, title, intervals=True, columns=2 if is_narrow(ax) else LEGEND_COLUMNS)


def _labels(
    rows: xr.Dataset, used: list[np.ndarray], reasons: dict[str, str], letters: int
) -> list[tuple[str, float | None]]:
    """Label and font size of each row and, after those of a domain, of the domain."""
    labels = []
    for domain, own in zip(rows.domain.values.tolist(), used, strict=True):
        labels += [(_row_label(rows.isel(estimate=i)), SMALL) for i in own]
        why = [] if len(own) else textwrap.wrap(reasons.get(domain, NONE_COUNTS), letters)
        labels.append(("\n".join([domain, *why]), SMALL if why else None))
    return labels


def _height(label: str) -> float:
    """Lines of the figure (`LINE_INCHES`) that a small label takes."""
    return max(1.0, (label.count("\n") + 1 + ROOM) * SMALL_LINES)


def _why_left_out(rows: xr.Dataset, evidence: xr.Dataset) -> dict[str, str]:
    """Why the rows of each domain do not count: the first reason that is not that they are of another level, where there is one."""
    reasons: dict[str, list[str]] = {}
    domain = dict(zip(evidence.estimate.values.tolist(), evidence.domain_idx.values.tolist(), strict=True))
    for row, why in rows.attrs["left_out"]:
        if domain[row] >= 0:
            reasons.setdefault(str(evidence.domain.values[domain[row]]), []).append(why)
    return {
        name: "left out: " + next((why for why in found if not why.startswith(OTHER_LEVEL)), found[0])
        for name, found in reasons.items()
    }


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate(
        "",
        end,
        start,
        arrowprops={"arrowstyle": "->", "color": GREY, "shrinkA": LABEL_GAP, "shrinkB": LABEL_GAP},
    )


def _band(ax: Axes, quantiles: np.ndarray) -> None:
    """r of a typical domain behind the domains."""
    low, inner_low, median, inner_high, high = quantiles
    ax.axvspan(low, high, color=GREY, alpha=FAINT / 2, linewidth=0)
    ax.axvspan(inner_low, inner_high, color=GREY, alpha=FAINT, linewidth=0)
    ax.axvline(median, color=GREY, linestyle=":", linewidth=THIN, label="r_typical")


def _published(value: np.ndarray, se: float) -> np.ndarray:
    """An estimate's five quantiles as the model reads them; a standard error is one of log r, to first order.

    25 and 75 % are NaN where only a standard error or three quantiles are given.
    """
    if np.isnan(value[0]):
        return value[2] * np.exp(np.array([-Z90, np.nan, 0.0, np.nan, Z90]) * se / value[2])
    return value


def _row_label(row: xr.Dataset) -> str:
    included = row.adjustment.values[row.includes.values > 0].tolist()
    words = [
        "at fixed hardware scale" if name == "hardware_scale" else f"includes {name}" for name in included
    ]
    return "\n".join([str(row.estimate.values), *words])
