"""Figures of raw histories: the fitted law on log-log axes, and histories simulated from the fit over time.

Conventions are those of `plots`: one matplotlib Axes each, 5-95 % and 25-75 %, no pyplot. It must not sample or fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..base.stats import ENDS, INTERVAL, QUANTILES
from ..data.quantities import R_UNIT
from .style import (
    AFTER,
    BACKGROUND,
    BLACK,
    BLUE,
    FAINT,
    GREY,
    INNER,
    LABEL_GAP,
    ORANGE,
    OUTER,
    SHADED,
    SMALL,
    THIN,
    VERMILION,
    axes_for,
    finish,
    interval,
    log_r,
    mark_one,
    own_settings,
    quantiles_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import xarray as xr
    from matplotlib.axes import Axes

    from ..histories.arrays import History
    from ..histories.fit import Replicates

__all__ = ["plot_at_lambdas", "plot_replicates", "plot_series"]

BARS = 60
"""At most this many observations get an error bar of effort, or the bars would hide the curve."""


SINGLE = 4
"""Replicated histories drawn one by one."""

MILLION = 1e6

MARKS = ((BLUE, "o"), (BLACK, "s"), (VERMILION, "^"), (ORANGE, "D"))
"""Colours and shapes of a history at several lambdas, APART rows from each other."""

APART = 0.2

ASIDE = 1.3
"""Where what has no known effort is drawn, in multiples of the last effort."""

CLOSE = 0.3
"""Jumps nearer than this in log effort share a label."""


@own_settings()
def plot_series(
    draws: xr.Dataset, past: History, made: Replicates, *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Software gained against cumulative effort, both logarithmic: observations with the uncertainty of the effort behind
    them, the law's band, and how far single histories stray from it."""
    ax = axes_for(ax)
    log_effort = (draws.log_effort - draws.log_effort[..., -1]).values.reshape(-1, len(past.years))
    total = past.total_effort if past.anchor else 1.0
    low, effort, high = np.quantile(np.exp(log_effort), INTERVAL, axis=0) * total
    order = np.argsort(effort, kind="stable")
    _bands(ax, effort[order], made.law[:, order], "law")
    for level in ENDS:
        line = np.quantile(made.data, level, axis=0)[order]
        label = "single histories, 5–95 %" if level < 0.5 else None
        ax.plot(effort[order], 2**line, color=GREY, linestyle="--", linewidth=THIN / 2, label=label)
    shown = np.unique(np.linspace(0, len(effort) - 1, min(BARS, len(effort))).astype(int))
    ax.hlines(2 ** made.observed[shown], low[shown], high[shown], colors=BLACK, linewidth=THIN / 2)
    for at, face, words in (
        (past.counted, BLACK, "effort counted"),
        (~past.counted, "white", "effort latent"),
    ):
        if at.any():
            label = f"observed, {words} (bar: its 5–95 %)"
            ax.plot(effort[at], 2 ** made.observed[at], "o", color=BLACK, mfc=face, markersize=3, label=label)
    _mark_jumps(ax, effort[past.jumped])
    _mark_ai(ax, past, made, np.full(len(past.by_ai), effort[-1] * ASIDE), "effort unknown")
    ax.set(
        xscale="log",
        yscale="log",
        xlabel=f"cumulative effort since the first observation ({_words(past.anchor)})"
        if past.anchor
        else "cumulative effort since the first observation (share of the total; not observed)",
        ylabel="software, multiple of the first observation",
    )
    _plain_ticks(ax.yaxis, np.array([1.0, *(2**made.observed)]))
    _plain_powers(ax.xaxis)
    _mark_regimes(ax, past, np.interp(_switch_years(past, draws), past.years, effort))
    return _finish(ax, title)


@own_settings()
def plot_replicates(
    draws: xr.Dataset, past: History, made: Replicates, *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Posterior predictive check: what was observed over time, among histories that the fitted model makes."""
    ax = axes_for(ax)
    for part, (years, paths) in enumerate(_parts(past, made, made.data)):
        _bands(ax, years, paths, "simulated from the fit" if part == 0 else None)
        for i, path in enumerate(paths[:: max(1, len(paths) // SINGLE)][:SINGLE]):
            label = f"{SINGLE} of them" if i == part == 0 else None
            ax.plot(years, 2**path, color=GREY, linewidth=THIN / 2, label=label)
    ax.plot(past.years, 2**made.observed, "o", color=BLACK, markersize=3, label="observed")
    if past.fitted < len(past.years):
        ax.axvline(past.years[past.fitted - 1], color=BLACK, linestyle="--", linewidth=THIN / 2)
        ax.annotate(
            "predicted →",
            (past.years[past.fitted - 1], 0.02),
            (4, 0),
            xycoords=ax.get_xaxis_transform(),
            textcoords="offset points",
            fontsize=SMALL,
        )
    _mark_ai(ax, past, made, past.by_ai[:, 0], "in no fit")
    ax.set(
        yscale="log",
        xlabel="years since the first observation",
        ylabel="software, multiple of the first observation",
        xlim=(0, None),
    )
    _plain_ticks(ax.yaxis, np.array([1.0, *(2**made.observed)]))
    _mark_regimes(ax, past, _switch_years(past, draws))
    return _finish(ax, title)


@own_settings()
def plot_at_lambdas(
    draws: Mapping[str, Mapping[str, xr.Dataset]], *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """r of each history (rows) by the lambda that it is read at (marks): draws by history and by what lambda is."""
    ax = axes_for(ax, lines=2 * len(draws))
    ends = []
    for row, found in enumerate(draws.values()):
        for k, (label, of) in enumerate(found.items()):
            quantiles = quantiles_of(of.r)
            color, marker = MARKS[k % len(MARKS)]
            at = row + (k - (len(found) - 1) / 2) * APART
            interval(ax, at, quantiles, color=color, marker=marker, label=f"{label}, median")
            ends += [quantiles[0], quantiles[4]]
    log_r(ax, "x", min(ends), max(ends))
    mark_one(ax, vertical=True)
    ax.set(
        xlabel=f"r, {R_UNIT}",
        yticks=range(len(draws)),
        yticklabels=[_words(name) for name in draws],
        ylim=(len(draws) - 0.4, -0.6),
    )
    return finish(ax, title, intervals=True)


def _switch_years(past: History, draws: xr.Dataset) -> np.ndarray:
    """The median year, since the first observation, in which each regime gives way to the next."""
    return np.median(draws.switch_year.values, axis=(0, 1)) if len(past.switches) else np.empty(0)


def _mark_regimes(ax: Axes, past: History, switches: np.ndarray) -> None:
    """The name of each regime at the end of its stretch, and a line where it gives way to the next."""
    if len(past.regimes) < 2:
        return
    for at in switches:
        ax.axvline(at, color=GREY, linestyle="-", linewidth=THIN / 2)
    for k, (name, end) in enumerate(zip(past.regimes, [*switches, ax.get_xlim()[1]], strict=True)):
        at = (end, 0.97 - 0.045 * k)
        look = {"ha": "right", "va": "top", "fontsize": SMALL, "color": GREY, "bbox": BACKGROUND}
        place = {"xycoords": ax.get_xaxis_transform(), "textcoords": "offset points"}
        ax.annotate(name, at, (-LABEL_GAP, 0), **place, **look)


def _mark_ai(ax: Axes, past: History, made: Replicates, x: np.ndarray, words: str) -> None:
    """What AI made, beside what people made: of its effort nothing is known."""
    if len(past.by_ai):
        label = f"made by AI, {words}"
        ax.plot(x, 2**made.by_ai, "D", color=VERMILION, mfc="white", markersize=5, label=label)


def _mark_jumps(ax: Axes, efforts: np.ndarray) -> None:
    """A line for each jump; those too close for two labels share one."""
    for at in efforts:
        ax.axvline(at, color=VERMILION, linestyle=":", linewidth=THIN)
    apart = np.flatnonzero(np.diff(np.log(efforts), prepend=-np.inf) > CLOSE)
    for first, after in zip(apart, np.append(apart, len(efforts))[1:], strict=True):
        ax.annotate(
            "jump" if after - first == 1 else f"{after - first} jumps",
            (efforts[first], 0.02),
            (-4, 0),
            xycoords=ax.get_xaxis_transform(),
            textcoords="offset points",
            ha="right",
            fontsize=SMALL,
            color=VERMILION,
        )


def _parts(past: History, made: Replicates, paths: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Years and paths that were fitted; and those that follow, which start anew from the last observation that was."""
    yield past.years[: past.fitted], paths[:, : past.fitted]
    if past.fitted < len(past.years):
        start = np.full((len(paths), 1), made.observed[past.fitted - 1])
        yield past.years[past.fitted - 1 :], np.concatenate([start, paths[:, past.fitted :]], axis=1)


def _bands(ax: Axes, x: np.ndarray, paths: np.ndarray, name: str | None) -> None:
    q = 2 ** np.quantile(paths, QUANTILES, axis=0)
    color = AFTER["color"]
    outer, inner, median = (f"{name}, {words}" if name else None for words in (OUTER, INNER, "median"))
    ax.fill_between(x, q[0], q[4], color=color, alpha=FAINT, linewidth=0, label=outer)
    ax.fill_between(x, q[1], q[3], color=color, alpha=SHADED, linewidth=0, label=inner)
    ax.plot(x, q[2], color=color, linewidth=THIN, label=median)


def _words(name: str) -> str:
    return name.replace("_", " ").replace("cpu", "CPU").replace("author years", "author-years")


def _plain_ticks(axis, values: np.ndarray) -> None:
    """Powers of two over the observed range, as plain numbers."""
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    low, high = np.floor(np.log2(values.min())), np.ceil(np.log2(values.max()))
    step = max(1, int(np.ceil((high - low) / 8)))
    axis.set_major_locator(FixedLocator(2.0 ** np.arange(low, high + 2 * step, step)))
    axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axis.set_minor_locator(NullLocator())


def _plain_powers(axis) -> None:
    """Powers of ten as plain numbers, millions as M; twice and five times them, too, where there are few."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    def words(value: float, _) -> str:
        return (
            f"{value / MILLION:g} M" if value >= MILLION else f"{value:,.0f}" if value >= 1 else f"{value:g}"
        )

    low, high = axis.get_view_interval()
    if high < 100 * low:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(words))


def _finish(ax: Axes, title: str | None) -> Axes:
    ax.legend(fontsize=SMALL, loc="upper left", frameon=False)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    if title:
        ax.set_title(title, loc="left", parse_math=False)
    return ax
