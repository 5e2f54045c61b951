"""What saved draws must be before growth is computed from them: dims, numbers and ranges, and names of an earlier version."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, plain
from ..data.exogenous import NUMBERS, variables
from ..data.priors import View
from ..data.quantities import QUANTITIES, RETIRED
from ..growth.mechanisms import MECHANISMS

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["FOR_GROWTH", "MOST_DRAWS", "refuse_other_shapes", "with_names_of_now", "with_outside"]

MOST_DRAWS = 2_000_000
"""Draws of a file; each path takes about 2 kB more."""

_DERIVED = {
    "r_asara": QUANTITIES["r_asara"],
    "parallel": QUANTITIES["parallel"],
    "software_share": QUANTITIES["recent_pace"],
    "recent_doublings_per_year": QUANTITIES["recent_pace"],
    "pace_asara": QUANTITIES["recent_pace"],
    "labour_share_asara": QUANTITIES["labour_share"],
    "epsilon": QUANTITIES["experiment_gain"],
    "doublings_gained": QUANTITIES["gained_before_asara"],
    "doublings_left": QUANTITIES["ceiling"],
    "conversion": QUANTITIES["conversion"],
}
"""What growth reads of a view's draws, and the quantity whose range it has; a share of an earlier version may be above 1."""

_MAY_LACK = {"doublings_gained", *MECHANISMS} - {"labour_share_asara", "epsilon"}
"""What draws need not have."""

FOR_GROWTH = (*_DERIVED, *MECHANISMS)
"""What growth may read."""


def with_names_of_now(draws: xr.Dataset) -> xr.Dataset:
    """Draws of an earlier version, whose shares were those at ASARA and whose speed-up was reached, as growth reads draws now."""
    recent = draws.recent_doublings_per_year
    return draws.assign(
        software_share=recent / draws.doublings_per_year_of_progress,
        labour_share_asara=draws.labour_share,
        epsilon=draws.experiment_gain,
        pace_asara=draws.speedup * recent,
    )


def with_outside(draws: xr.Dataset, view: View) -> xr.Dataset:
    """The draws with the view's own exogenous numbers, which replace any in the file."""
    nothing = 0.0 * draws.recent_doublings_per_year
    numbers = {name: nothing + number for name, number in variables(view.exogenous).items()}
    return draws.drop_vars(NUMBERS, errors="ignore").assign(numbers)


def refuse_other_shapes(
    where: str, draws: xr.Dataset, names: tuple[str, ...], view: View, attrs: dict
) -> None:
    """Draws have dims (chain, draw), as many as the file says, and these quantities, each in its range."""
    shape = (draws.sizes.get("chain", 0), draws.sizes.get("draw", 0))
    if shape[0] * shape[1] != attrs["draws"] or not 0 < attrs["draws"] <= MOST_DRAWS:
        raise DataError(
            where,
            plain(f"{shape[0]} chains of {shape[1]} draws"),
            f"{attrs['draws']} draws in all, at most {MOST_DRAWS}",
        )
    for name in (name for name in names if name not in _MAY_LACK):
        if name not in draws or draws[name].dims != ("chain", "draw") or draws[name].dtype.kind != "f":
            raise DataError(f"{where} {name}", plain("no such draws"), "numbers over (chain, draw)")
    for name in (name for name in names if name in draws):
        _refuse_out_of_range(f"{where} {name}", name, draws[name].values, view)


def _refuse_out_of_range(where: str, name: str, values: np.ndarray, view: View) -> None:
    """Draws are what their quantity may be, the distance to the ceiling of a view without one being inf."""
    quantity = _DERIVED.get(name) or QUANTITIES.get(name) or RETIRED.get(name)
    if quantity is None:
        good, want = MECHANISMS[name].allowed(values), MECHANISMS[name].want
    else:
        above = values >= quantity.lower if quantity.lower_included else values > quantity.lower
        endless = quantity.endless and view["ceiling"].prior.support[0] == math.inf
        finite = values == math.inf if endless else values < math.inf
        good, want = above & (values <= quantity.upper) & finite, quantity.range
    if not np.all(good):
        raise DataError(where, float(values[~good][0]), want)
