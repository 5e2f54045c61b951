"""Figure of r by domain: each row that was used beside the posterior of its domain."""

from __future__ import annotations

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


@own_settings()
def plot_domains(
    rows: xr.Dataset,
    posterior: xr.Dataset,
    *,
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
    ax = axes_for(ax, lines=int(is_r.sum()) + rows.sizes["domain"], narrow=narrow)
    no_estimate = "\n(no estimate)" if is_narrow(ax) else " (no estimate)"
    quantiles, labels, place = [], [], 0
    _band(ax, quantiles_of(posterior.r_typical))
    for domain_idx, domain in enumerate(rows.domain.values.tolist()):
        used = np.flatnonzero(is_r & (rows.domain_idx.values == domain_idx))
        after, after_place = quantiles_of(posterior.r.sel(domain=domain)), place + len(used)
        for i in used:
            published = rows.kind.values[i] == "r"
            if published:
                quantiles.append(_published(rows.value.values[i], float(rows.se.values[i])))
            else:
                quantiles.append(own_estimates(rows.isel(estimate=[i]), posterior)[0])
            name = "published estimate" if published else "growth rates or history"
            interval(ax, place, quantiles[-1], label=name, **(PUBLISHED if published else RAW))
            _arrow(ax, (quantiles[-1][2], place), (after[2], after_place))
            labels.append((_row_label(rows.isel(estimate=i)), SMALL))
            place += 1
        interval(ax, place, after, label="posterior", **AFTER)
        labels.append((domain if len(used) else f"{domain}{no_estimate}", None))
        place += 1
        ax.axhline(place - 1 / 2, color=GREY, linewidth=THIN / 2, alpha=SHADED)
        quantiles.append(after)
    log_r(ax, "x", np.nanmin(quantiles), np.nanmax(quantiles))
    mark_one(ax, vertical=True)
    ax.set_yticks(range(place), [text for text, _ in labels], parse_math=False)
    for tick, (_, size) in zip(ax.get_yticklabels(), labels, strict=True):
        tick.set_fontsize(size)
    ax.set_ylim(place - 1 / 4, -1 / 2)
    ax.set_xlabel(f"r ({R_UNIT})")
    return finish(ax, title, intervals=True, columns=2 if is_narrow(ax) else LEGEND_COLUMNS)


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
