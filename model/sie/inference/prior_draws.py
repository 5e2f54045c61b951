"""Draws from a view's priors, with what follows from them at ASARA; the seeds and numbers of draws that are taken.

Growth inputs, which no evidence row touches, are drawn from here for the posterior too.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, check_type, plain
from ..base.stats import ENDS
from ..data.constructors import beta, lognormal
from ..data.exogenous import NUMBERS
from ..data.families import Prior
from ..data.priors import View, draw
from ..data.quantities import GROWTH, HISTORY_SHARES
from ..returns.equations import at_asara, relative_lengths
from .chains import CHAINS

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "borrowed_from",
    "check_draws",
    "check_multiple",
    "check_seed",
    "complete",
    "growth_values",
    "prior",
    "prior_values",
    "shaped",
]

LEAST_KEPT = 0.01
"""A prior on the whole distance must leave at least this share beyond `gained_before_asara`."""

REPORTED_DRAWS = (1000, 10_000_000)
"""Fewest and most draws of a report, and of a cell of a sweep."""

BYTES_A_DRAW = 2300
"""Memory of a report without evidence, a draw: a peak of 751 MB at 200,000 draws and of 287 MB at 1,000. Most of it is the path."""

MOST_SEED = 2**63 - 1
"""Largest seed: nutpie takes those below 2^64, and some tasks add their number to it."""

_DERIVED_UNITS = {
    "conversion": "labour doublings per doubling of training efficiency",
    "recent_doublings_per_year": "labour doublings per year",
    "pace_asara": "labour doublings per year",
    **dict.fromkeys(("epsilon", "labour_share_asara", "lambda", "parallel"), "1"),
    "doublings_gained": "labour doublings",
    "doublings_left": "labour doublings",
    "r_asara": "software doublings per doubling of cumulative research input",
    "r_target": "software doublings per doubling of cumulative research input",
    "r": "software doublings per doubling of cumulative research input",
    **{name: number.unit for name, number in NUMBERS.items()},
}


def prior(view: View, *, draws: int = 20000, seed: int) -> xr.Dataset:
    """Independent draws of everything that a view states and of what follows at ASARA; dims (chain, draw).

    Quantities are independent but for the view's correlations.

    Parameters
    ----------
    view : View
        Any view.
    draws : int, optional
        Their total number over four chains, a multiple of 4.
    seed : int
        From 0 to 2**63 - 1. A quantity's draws depend on the seed, its name and its own prior alone, unless it is correlated.

    Returns
    -------
    xr.Dataset
        One variable (chain, draw) for each quantity that the view states, in its unit, and for what follows, such as `r_target`,
        `r_asara` and `doublings_left`. `attrs["discarded_prior_mass"]` is the share of the prior on the distance that lay below
        `gained_before_asara` and was read as impossible.

    Raises
    ------
    DataError
        For a seed or a number of draws that is none, and where less than 1 % of the prior on the whole distance lies beyond
        `gained_before_asara`.

    Examples
    --------
    >>> draws = sie.prior(sie.read_view("davidson_2025"), draws=4000, seed=1)
    >>> p_r_above_1 = float((draws.r_asara > 1).mean())
    """
    check_type("view", view, View, "a view, as sie.read_view returns it")
    values, discarded = prior_values(view, draws=draws, seed=seed)
    return _as_dataset(values, view).assign_attrs(discarded_prior_mass=discarded, independent_draws=1)


def borrowed_from(reference: View) -> dict[str, Prior]:
    """What a view of another form borrows of quantities that the reference view derives: priors of their 5 and 95 % quantiles.

    `conversion` is log-normal, as its factors are, with three decimals; `compute_bottleneck` a beta with two significant digits, of
    100,000 draws.
    """
    draws = prior(reference, draws=100_000, seed=1)
    ends = np.quantile(draws.compute_bottleneck.values, ENDS)
    factors = [reference[name].prior for name in ("capabilities", "post_training")]
    middle = math.prod(factor.median() for factor in factors)
    half = math.hypot(*(math.log(factor.numbers[1] / factor.median()) for factor in factors))
    return {
        "conversion": lognormal(*(round(middle * math.exp(sign * half), 3) for sign in (-1, 1))),
        "compute_bottleneck": beta(*(float(f"{end:.2g}") for end in ends)),
    }


def prior_values(view: View, *, draws: int, seed: int) -> tuple[dict[str, np.ndarray], float]:
    """Prior draws of what a view states and of `r_target`, by name, (draws,) each; and the discarded share of the distance."""
    view.refuse_retired()
    values, discarded = growth_values(view, draws=draws, seed=seed)
    if not view.states_r_asara:
        values |= draw(view, view.informed, size=draws, seed=seed)
        if correlated := {*view.informed} & {name for pair in view.correlations for name in pair.between}:
            size, kept, _ = _kept(view, draws=draws, seed=seed)
            joint = draw(view, sorted(correlated), size=size, seed=seed)
            values |= {name: value[kept] for name, value in joint.items()}
        z = np.random.default_rng(np.random.SeedSequence([seed, 0])).standard_normal(draws)
        with np.errstate(
            over="ignore"
        ):  # of a spread of hundreds; callers that need a finite number refuse it
            values["r_target"] = values["r_typical"] * np.exp(values["spread"] * z)
    return values, discarded


def check_seed(where: str, seed: object) -> None:
    """Refuse a seed that some random generator would not take."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed <= MOST_SEED:
        raise DataError(where, seed, f"a whole number from 0 to {MOST_SEED}")


def check_draws(where: str, draws: object) -> None:
    """Raise DataError for a number of draws outside the range of reports."""
    least, most = REPORTED_DRAWS
    if not isinstance(draws, int) or isinstance(draws, bool) or not least <= draws <= most or draws % CHAINS:
        raise DataError(where, draws, f"a multiple of {CHAINS}, at least {least} and at most {most}")
    if draws * BYTES_A_DRAW > (memory := _memory()):
        raise DataError(
            where,
            draws,
            f"at most {int(memory / BYTES_A_DRAW)}, whose paths fit into {memory / 1e9:.1f} GB of memory",
        )


def _memory() -> float:
    """Bytes of the machine's memory; inf where the system does not say."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return math.inf


def check_multiple(draws: object) -> None:
    """Refuse a number of draws that four chains cannot share, or that no fit has."""
    most = REPORTED_DRAWS[1]
    whole = isinstance(draws, int | np.integer) and not isinstance(draws, bool)
    if not whole or not CHAINS <= draws <= most or draws % CHAINS:  # pyright: ignore[reportOperatorIssue]
        raise DataError("draws", draws, f"a positive multiple of {CHAINS}, at most {most}")


def growth_values(
    view: View, *, draws: int, seed: int, names: Iterable[str] | None = None
) -> tuple[dict[str, np.ndarray], float]:
    """Prior draws of everything but the chain, given that the ceiling lies beyond what is gained; and the discarded share.

    `names` are those that are wanted (default: all).
    """
    everything = (*_DISTANCE, "r_asara", "conversion", *GROWTH, *HISTORY_SHARES)
    names = [name for name in (everything if names is None else names) if name in view]
    size, kept, discarded = _kept(view, draws=draws, seed=seed)
    return {name: value[kept] for name, value in draw(view, names, size=size, seed=seed).items()}, discarded


_DISTANCE = ("gained_before_asara", "ceiling")


def _kept(view: View, *, draws: int, seed: int) -> tuple[int, np.ndarray, float]:
    """How many draws it takes, and which of them are kept, for `draws` whose ceiling lies beyond what is gained; the rest's share."""
    check_seed("seed", seed)
    check_multiple(draws)
    if "gained_before_asara" not in view:
        return draws, np.arange(draws), 0.0
    needed = [name for name in (*_DISTANCE, "recent_pace", "software_share", "conversion") if name in view]
    size = draws
    while True:
        values = draw(view, needed, size=size, seed=seed)
        of_gained, of_ceiling = relative_lengths(values, view)
        kept = np.flatnonzero(values["ceiling"] * of_ceiling > values["gained_before_asara"] * of_gained)
        if len(kept) >= draws:
            return size, kept[:draws], 1 - len(kept) / size
        if len(kept) < LEAST_KEPT * size:
            raise DataError(
                f"{view.name} [ceiling]",
                plain(f"{len(kept) / size:.2%} of it beyond gained_before_asara"),
                f"at least {LEAST_KEPT:.0%}",
            )
        size *= 2


def shaped(values: Mapping[str, np.ndarray]) -> dict[str, tuple]:
    return {name: (("chain", "draw"), value.reshape(CHAINS, -1)) for name, value in values.items()}


def _as_dataset(values: dict[str, np.ndarray], view: View) -> xr.Dataset:
    import xarray as xr

    size = len(next(iter(values.values()))) // CHAINS
    draws = xr.Dataset(shaped(values), coords={"chain": np.arange(CHAINS), "draw": np.arange(size)})
    return complete(draws, view)


def complete(draws: xr.Dataset, view: View) -> xr.Dataset:
    """Draws of what a view states with what follows from them at ASARA (`at_asara`), and units."""
    draws = draws.drop_vars(NUMBERS, errors="ignore")  # which may hold those of another view
    draws = draws.assign(at_asara(draws.variables, view))
    for name in map(str, draws.data_vars):
        unit = view[name].unit if name in view else _DERIVED_UNITS.get(name)
        if unit is not None:
            draws[name].attrs["unit"] = unit
    return draws
