"""The figure of a prior: its density and intervals, alone or beside another's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.errors import DataError, check_type
from ..base.stats import QUANTILES
from ..data.families import Prior
from ..data.quantities import QUANTITIES, RETIRED
from ..data.views import View
from ..data.wording import prior_in_words
from .style import AFTER, BEFORE, FAINT, THIN, axes_for, finish, interval, own_settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_prior"]

SHOWN_SCORE = 2.6
"""The axis reaches from here to here in standard scores of the wider prior: all but 1 % of it."""

POINTS = 801
"""Points of a density."""

LOG_FROM = 8.0
"""The axis is logarithmic where its ends are further apart than this and nothing is at or below 0."""

ROW = 0.09
"""Height of the row of an interval below the densities, as a share of the highest density."""


@own_settings()
def plot_prior(
    view: View,
    quantity: str,
    *,
    beside: View | Prior | None = None,
    title: str | None = None,
    narrow: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw the prior of a quantity, with its median, its 25 to 75 and its 5 to 95 % interval.

    Parameters
    ----------
    view : View
        The view whose prior is drawn, solid.
    quantity : str
        A quantity that it states.
    beside : View or Prior, optional
        The author's, or any other, drawn dashed: the prior of the same quantity in another view, which must state it in the same unit,
        or a prior by itself.
    title : str, optional
        Shown above the figure.
    narrow : bool, optional
        Whether a new figure is for a phone.
    ax : Axes, optional
        Drawn on (default: the axes of a new figure).

    Returns
    -------
    Axes
        With the quantity along x, in its unit; logarithmic where the prior spans a factor of 8 or more. The density is then one a natural log.

    Raises
    ------
    DataError
        If a view does not state the quantity, or in another unit.

    Examples
    --------
    >>> author = sie.read_view("davidson_2025")
    >>> mine = author.replace(capabilities=sie.quantiles(1.2, 2.0, 5.0))
    >>> ax = sie.plot_prior(mine, "capabilities", beside=author)
    """
    check_type("view", view, View, "a view, as sie.read_view returns it")
    entry = _entry(view, quantity)
    same = isinstance(beside, View) and beside.label == view.label
    priors = {f"{view.label}, edited" if same else view.label: (entry.prior, AFTER, "-")}
    if isinstance(beside, View):
        other = _entry(beside, quantity)
        if other.unit != entry.unit:
            raise DataError(
                f"{beside.name} [{quantity}] unit", other.unit, f"{entry.unit}, as in {view.name}"
            )
        priors[beside.label] = (other.prior, BEFORE, "--")
    elif beside is not None:
        check_type("beside", beside, Prior, "a view or a prior")
        priors["beside"] = (beside, BEFORE, "--")
    ax = axes_for(ax, narrow=narrow)
    is_log = _draw(ax, priors)
    meaning = {**QUANTITIES, **RETIRED}[quantity].meaning
    unit = "" if entry.unit == "1" else f", {entry.unit}"
    ax.set_xlabel(f"{quantity.replace('_', ' ')}{unit}\n{meaning}")
    ax.set_ylabel("probability density, per natural log" if is_log else "probability density")
    return finish(ax, title, intervals=any(not prior.has_atom for prior, _, _ in priors.values()))


def _entry(view: View, quantity: str) -> Any:
    if quantity not in view:
        raise DataError(f"{view.name} quantity", quantity, "one of " + ", ".join(view.entries))
    return view[quantity]


def _draw(ax: Axes, priors: Mapping[str, tuple[Prior, dict[str, Any], str]]) -> bool:
    """The densities above, the intervals in a row each below; whether x is logarithmic."""
    ends = np.concatenate(
        [prior.at(np.array([-SHOWN_SCORE, SHOWN_SCORE])) for prior, _, _ in priors.values()]
    )
    ends = ends[np.isfinite(ends)]
    low, high = (float(ends.min()), float(ends.max())) if len(ends) else (0.0, 1.0)
    is_log = low > 0 and high / low > LOG_FROM
    if low == high:
        low, high = low - 0.5 * abs(low or 1), high + 0.5 * abs(high or 1)
    x = np.geomspace(low, high, POINTS) if is_log else np.linspace(low, high, POINTS)
    densities = {
        label: np.exp(prior.logpdf(x)) * (x if is_log else 1)
        for label, (prior, _, _) in priors.items()
        if not prior.has_atom
    }
    top = max((float(y[np.isfinite(y)].max()) for y in densities.values()), default=1.0)
    for row, (label, (prior, look, line)) in enumerate(priors.items(), start=1):
        named = f"{label}: {prior_in_words(prior)}"
        if label in densities:
            ax.plot(x, densities[label], color=look["color"], linestyle=line, linewidth=THIN, label=named)
            ax.fill_between(x, densities[label], color=look["color"], alpha=FAINT, linewidth=0)
            values = np.array([float(prior.at(score)) for score in _scores()])
            interval(ax, -ROW * row * top, values, label=None, **look)
        else:
            median = prior.median()
            at = median if np.isfinite(median) else high
            ax.axvline(at, color=look["color"], linestyle=line, linewidth=THIN, label=named)
    ax.set_xlim(low, high)
    if is_log:
        from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator

        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(FormatStrFormatter("%g"))
        ax.xaxis.set_minor_locator(NullLocator())
    ax.set_ylim(-ROW * (len(priors) + 1) * top, 1.08 * top)
    ax.set_yticks([tick for tick in ax.get_yticks() if 0 <= tick <= top] if densities else [])
    ax.axhline(0, color="black", linewidth=THIN / 3)
    return is_log


def _scores() -> list[float]:
    from scipy.special import ndtri

    return [float(ndtri(level)) for level in QUANTILES]
