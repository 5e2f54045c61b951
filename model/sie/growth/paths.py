"""Paths of software after ASARA: when each level is reached, for every draw at once.

    tau(x) = integral of dx / min(v(x), 1 / shortest_doubling),   v(0) = pace_asara
    lambda = p / e(0),   beta(0) = p / r

Time is the integral, never the state: a singularity is a finite limit of tau, not an overflow. A path lies on NODES points
spread evenly from ASARA to its `reach`: the ceiling or, without one, a level from which the pace is exponential, whose tail is
exact. Within a cell the log pace is a line and a parabola: the time of a cell is exact for an exponential, corrected for
curvature (fourth order), and divided where it bends too much. This is the only hot loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, check_holds, plain
from ..base.kernels import in_chunks, kernel
from ..data.exogenous import NUMBERS
from .events import pace_at_asara
from .exogenous import acted_on, acts, has_limit
from .kernels.path import END_VARIABLES, ENDS, WORK, compute_path, grids
from .kernels.windows import shortest_window
from .law import beta, input_gain
from .mechanisms import LAW, MECHANISMS, RETRAINING
from .readings import CHUNK, FEWEST, amounts, doublings_by, shortest_years, years_at

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "BLOCK",
    "NODES",
    "doublings_by",
    "laws",
    "shortest_years",
    "simulate",
    "summaries",
    "years_at",
]

NODES = 129
"""Points of a path; the error of a time falls with their fourth power."""

BLOCK = 65536
"""Draws that `summaries` holds at a time."""

LIMITED_BLOCK = 8192
"""Draws of these whose paths are kept at a time, where a shortest doubling time holds or something acts from outside."""

LOOKS = 128
"""Levels at which slopes are looked at for the public tool's rule of retraining."""

_LAW = ("r_asara", "parallel", "doublings_left")
_START = ("pace_asara", "recent_doublings_per_year")
WANT_DRAWS = "draws of sie.prior, or a group prior or posterior of sie.fit"
_CARRIED = (*_LAW, *_START, "software_share", "shortest_doubling", "conversion", *NUMBERS)


def laws(draws: xr.Dataset, *, retraining: str = "none") -> np.ndarray:
    """The growth law of each draw, one `mechanisms.LAW` each, in the order of the draws (chain, draw).

    lambda = p / e(0) and beta(0) = p / r, so that a negative r stands for a negative beta. Raises DataError for numbers outside
    their range, and for a technology of experiments where returns fall with a shape other than 1: no closed form.
    """
    if retraining not in RETRAINING:
        raise DataError("retraining", retraining, "one of " + ", ".join(RETRAINING))
    check_holds("draws", draws, _LAW, WANT_DRAWS)
    r, parallel, left = (_column(draws, name) for name in ("r_asara", "parallel", "doublings_left"))
    _check(r, (r != 0) & ~np.isnan(r), "r_asara", "a number other than 0")
    _check(parallel, (parallel > 0) & (parallel < math.inf), "parallel", "a number above 0")
    _check(left, left > 0, "doublings_left", "a number above 0")
    law = np.empty(r.size, dtype=LAW)
    for name, mechanism in MECHANISMS.items():
        law[name] = value = _column(draws, name) if name in draws else mechanism.off
        _check(value, mechanism.allowed(value), name, mechanism.want)
    if np.any(~np.isnan(law["experiment_beta"]) & (left < math.inf) & (law["shape"] != 1)):
        raise DataError(
            "experiment_beta",
            plain("returns that fall to a ceiling with another shape"),
            "shape 1 (or no ceiling) where experiments have a technology of their own",
        )
    law["beta"], law["doublings_left"], law["retraining"] = parallel / r, left, RETRAINING[retraining]
    law["lambda_"] = parallel / _gains_at_asara(law)
    if retraining == "tool" and np.any(steepest := _steepest(law) >= 1):
        raise DataError(
            "retraining tool",
            plain(f"{int(steepest.sum())} of {len(law)} laws whose pace doubles with a doubling of software"),
            "laws whose slope k stays below 1, since the public tool divides by |1 - k|",
        )
    return law


def _check(values: np.ndarray | float, good: np.ndarray | bool, name: str, want: str) -> None:
    if not np.all(good):
        raise DataError(name, float(np.ravel(values)[np.argmin(good)]), want)


def _column(draws: xr.Dataset, name: str) -> np.ndarray:
    return _aligned(draws, name).values.astype(float).ravel()


def _aligned(draws: xr.Dataset, name: str) -> xr.DataArray:
    found, wanted = draws[name], draws.r_asara
    if found.dims == wanted.dims:
        return found
    return found.broadcast_like(wanted).transpose(*wanted.dims)


def simulate(draws: xr.Dataset, *, nodes: int = NODES, retraining: str = "none") -> xr.Dataset:
    """The path of software after ASARA for each draw; the same call before and after evidence.

    Parameters
    ----------
    draws : xr.Dataset
        Draws of `prior`, or a group `prior` or `posterior` of `fit`, dims (chain, draw). Read are `r_asara`, `parallel`, `pace_asara`,
        `recent_doublings_per_year`, `doublings_left` (labour doublings; inf: no ceiling) and, where the draws have them, the mechanisms
        of `mechanisms.MECHANISMS` and the numbers of what acts from outside, `mechanisms.OUTSIDE`.
    nodes : int, optional
        Points of a path, at least 5; the error of a time falls with their fourth power.
    retraining : str, optional
        A name of `mechanisms.RETRAINING`: "none" or "slower", or "paper" and "tool", which reproduce published models.

    Returns
    -------
    xr.Dataset
        Dims (chain, draw, doubling), where `doubling` is the fraction of the way to `reach`: `years` since ASARA (inf where a level
        is never reached) and `log2_pace` (log2 of labour doublings per year; -inf at the ceiling). Dims (chain, draw): `reach` (labour
        doublings), `tail_slope` (k beyond the reach; 0 at a ceiling), `end_years` (when the ceiling or, without one, infinite
        software is reached: the time of the singularity), `peak_log2_pace`, `most_ahead` (the most doublings above the recent trend)
        and the inputs that events need.

    Raises
    ------
    DataError
        For fewer than 5 nodes; for an unknown `retraining`, or "tool" with a slope k of 1 or more; for numbers outside their range
        (r is 0 or NaN; p, pace or distance to the ceiling not above 0); where experiments have a technology of their own below a
        ceiling with a shape other than 1, which has no closed form; and for hardware growth or a gradual boost with retraining, beside
        each other or beside a shortest doubling time.

    Examples
    --------
    >>> paths = sie.simulate(sie.prior(sie.read_view("davidson_2025"), draws=4000, seed=1))
    >>> sie.doublings_by(paths, [1.0, 5.0]).shape
    (4, 1000, 2)
    """
    import xarray as xr

    if nodes < FEWEST:
        raise DataError("nodes", nodes, f"at least {FEWEST}")
    law = laws(draws, retraining=retraining)
    start, recent = _start(draws)
    tables = grids(nodes)
    years, log2_pace = np.empty((len(law), nodes)), np.empty((len(law), nodes))
    ends = np.empty((len(law), ENDS))
    _in_chunks(_paths, law, start, recent, tables, years, log2_pace, ends)
    shape, dims = draws.r_asara.shape, draws.r_asara.dims
    grid, over = (*shape, nodes), (*dims, "doubling")
    paths = xr.Dataset(
        {
            "years": (over, years.reshape(grid), {"unit": "years since ASARA"}),
            "log2_pace": (over, log2_pace.reshape(grid), {"unit": "log2 of software doublings per year"}),
            **_end_variables(ends, shape, dims),
        },
        coords={"doubling": np.linspace(0, 1, nodes)},
        attrs={
            key: draws.attrs[key] for key in ("independent_draws", "effective_draws") if key in draws.attrs
        }
        | {"retraining": retraining},
    )
    paths = paths.assign({name: _aligned(draws, name) for name in _CARRIED if name in draws})
    return acted_on(paths, draws, law["lambda_"])


def summaries(
    draws: xr.Dataset, gains: np.ndarray, *, nodes: int = NODES, retraining: str = "none"
) -> Iterator[xr.Dataset]:
    """What events need of each path without the path, a block of draws at a time, so that memory stays bounded.

    `gains` (gain, chain, draw) are doublings; each block has dims (draw,) with the (chain, draw) variables of `simulate`, and
    `shortest_years` (gain, draw) as `shortest_years` would give them.
    """
    import xarray as xr

    used = [name for name in (*_CARRIED, *MECHANISMS) if name in draws]
    flat = xr.Dataset({name: ("draw", _aligned(draws, name).values.ravel()) for name in used})
    flat.attrs = draws.attrs
    gains = amounts("summaries", gains).reshape(len(gains), draws.r_asara.size)
    tables = grids(nodes)
    for first in range(0, flat.sizes["draw"], BLOCK):
        block = flat.isel(draw=slice(first, first + BLOCK))
        start, recent = _start(block)
        wanted = np.ascontiguousarray(gains[:, first : first + BLOCK].T)
        law, shortest = laws(block, retraining=retraining), np.empty(wanted.shape)
        ends = np.empty((len(law), ENDS))
        _in_chunks(_summaries, law, start, recent, wanted, tables, shortest, ends)
        found = xr.Dataset(_end_variables(ends, block.r_asara.shape, ("draw",)))
        found["shortest_years"] = (("gain", "draw"), shortest.T)
        found = found.assign({name: block[name] for name in _CARRIED if name in block})
        yield _anew(found, block, wanted, nodes=nodes, retraining=retraining)


def _anew(
    found: xr.Dataset, block: xr.Dataset, gains: np.ndarray, *, nodes: int, retraining: str
) -> xr.Dataset:
    """`summaries` of a block, anew for the draws whose shortest doubling time holds the pace lower, and for all where something acts
    from outside; `gains` are (draw, gain)."""
    if acts(block):
        changed = np.arange(block.sizes["draw"])
    elif has_limit(found):
        with np.errstate(divide="ignore"):
            changed = np.flatnonzero(found.peak_log2_pace.values > -np.log2(found.shortest_doubling.values))
    else:
        return found
    found = found.assign(pace_asara=pace_at_asara(found))
    for first in range(0, len(changed), LIMITED_BLOCK):
        some = changed[first : first + LIMITED_BLOCK]
        paths = simulate(block.isel(draw=some), nodes=nodes, retraining=retraining)
        for name in END_VARIABLES:
            found[name].values[some] = paths[name].values
        found.shortest_years.values[:, some] = shortest_years(paths, gains[some].T)
    return found


def _start(draws: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """log2 of the pace at ASARA and the recent pace, doublings a year, (draw,) each."""
    check_holds("draws", draws, _START, WANT_DRAWS)
    pace, recent = (np.ascontiguousarray(_column(draws, name)) for name in _START)
    if not np.all((pace > 0) & (pace < math.inf) & (recent > 0)):
        raise DataError(
            "pace_asara",
            plain("a pace at ASARA that is not a positive number"),
            "a pace at ASARA and a recent pace above 0",
        )
    return np.log2(pace), recent


def _end_variables(ends: np.ndarray, shape: tuple, dims: tuple) -> dict:
    return {
        name: (dims, ends[:, k].reshape(shape), {"unit": unit})
        for k, (name, unit) in enumerate(END_VARIABLES.items())
    }


def _in_chunks(kernel: Callable, law: np.ndarray, *arrays: np.ndarray) -> None:
    in_chunks(lambda first, last: kernel(first, last, law, *arrays), len(law), CHUNK)


@kernel
def _gains_at_asara(law):
    """e(0) of each law; its `lambda_` is not read."""
    gains = np.empty(len(law))
    for i in range(len(law)):
        gains[i] = input_gain(0.0, law[i])
    return gains


@kernel
def _steepest(law):
    """Largest slope of the log pace without retraining, at ASARA and at levels up to the ceiling or far without one."""
    steepest = np.empty(len(law))
    for i in range(len(law)):
        left = law[i].doublings_left
        steepest[i] = law[i].lambda_ * input_gain(0.0, law[i]) - beta(0.0, law[i])
        for j in range(1, LOOKS):
            x = left * j / LOOKS if left < math.inf else math.expm1(j / 4.0)
            steepest[i] = max(steepest[i], law[i].lambda_ * input_gain(x, law[i]) - beta(x, law[i]))
    return steepest


@kernel
def _paths(first, last, law, start, recent, tables, years, log2_pace, ends):
    work = np.empty((WORK, tables.shape[2]))
    for i in range(first, last):
        compute_path(law[i], start[i], recent[i], tables, work, years[i], log2_pace[i], ends[i])


@kernel
def _summaries(first, last, law, start, recent, gains, tables, shortest, ends):
    nodes = tables.shape[2]
    work, years, log2_pace = np.empty((WORK, nodes)), np.empty(nodes), np.empty(nodes)
    for i in range(first, last):
        single_peak = compute_path(law[i], start[i], recent[i], tables, work, years, log2_pace, ends[i])
        reach, tail, stretch, left = ends[i, 0], ends[i, 1], ends[i, 5], law[i].doublings_left
        for g in range(gains.shape[1]):
            shortest[i, g] = shortest_window(
                gains[i, g], years, log2_pace, reach, stretch, tail, left, single_peak
            )
