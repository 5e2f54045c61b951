"""Paths of software after ASARA: when each level is reached, for every draw at once.

    tau(x) = integral of dx / v(x),   v(0) = speedup recent_doublings_per_year
    lambda = p / e(0),   beta(0) = p / r

Time is the integral, never the state: a singularity is a finite limit of tau, not an overflow. A path lies on NODES points
spread evenly from ASARA to its `reach`: the ceiling or, without one, a level from which the pace is exponential, whose tail is
exact. Within a cell the log pace is a line and a parabola: the time of a cell is exact for an exponential, corrected for
curvature (fourth order), and divided where it bends too much. The only hot loop; it knows the growth law but no event.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numba import njit, prange

from .growth import (
    AUTOMATION,
    BETA,
    COLUMNS,
    EXPERIMENT_BETA,
    GAIN,
    GAINED,
    KAPPA,
    KAPPA_LATER,
    LAMBDA,
    LEFT,
    LN2,
    RETRAIN,
    RETRAINING,
    SHAPE,
    SHARE,
    SWITCH,
    TASK_KAPPA,
    beta,
    input_gain,
    input_level,
    pace_slope,
    research_input,
    retrained,
)
from .sources import DataError, plain

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "BLOCK",
    "NODES",
    "OPTIONAL",
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

_INPUTS = ("r_asara", "parallel", "speedup", "recent_doublings_per_year", "doublings_left")
_CARRIED = (*_INPUTS, "doublings_per_year_of_progress", "conversion")

OPTIONAL = {
    "labour_share": 1.0,
    "sigma": 1.0,
    "experiment_gain": 0.0,
    "shape": 1.0,
    "doublings_gained": 0.0,
    "automation": 1.0,
    "task_sigma": 1.0,
    "experiment_beta": math.nan,
    "sigma_later": 1.0,
    "sigma_switch": math.inf,
}
"""Mechanisms and the value at which each is switched off; draws without a variable take it."""

_BEND = 0.07
"""Curvature of a cell (nats off its chord) from which it is divided."""

_MOST_PARTS = 256
"""Parts that a cell is divided into at most."""

HUGE = 1e290
"""Years, or years a doubling, that count as never."""

_STEEP = 40.0
"""Nats that the pace may change over a cell for its time to be shared out within it; beyond, time is counted from its start."""

_GAUSS = (0.1127016653792583, 0.5, 0.8872983346207417)
_GAUSS_WEIGHT = (5 / 18, 8 / 18, 5 / 18)


def laws(draws: xr.Dataset, *, retraining: str = "none") -> np.ndarray:
    """The growth law of each draw, one row of `growth.COLUMNS` each, in the order of the draws (chain, draw).

    lambda = p / e(0) and beta(0) = p / r, so that a negative r stands for a negative beta. Raises DataError for numbers outside
    their range and for a technology of experiments below a ceiling, which has no closed form.
    """
    if retraining not in RETRAINING:
        raise DataError("retraining", retraining, "one of " + ", ".join(RETRAINING))
    size = draws.r_asara.size
    law = np.empty((size, len(COLUMNS)))
    value = {name: _column(draws, name, default) for name, default in OPTIONAL.items()}
    r, parallel, left = (_column(draws, name) for name in ("r_asara", "parallel", "doublings_left"))
    for name, good, want in (
        ("r_asara", (r != 0) & ~np.isnan(r), "a number other than 0"),
        ("parallel", (parallel > 0) & (parallel < math.inf), "a number above 0"),
        ("doublings_left", left > 0, "a number above 0"),
        *(
            (name, (value[name] > 0) & (value[name] <= 1), "a number above 0 and at most 1")
            for name in ("labour_share", "automation")
        ),
        *(
            (name, value[name] > 0, "a number above 0")
            for name in ("sigma", "task_sigma", "sigma_later", "shape")
        ),
        *(
            (name, (value[name] >= 0) & (value[name] < math.inf), "a number of at least 0")
            for name in ("experiment_gain", "doublings_gained")
        ),
    ):
        if not np.all(good):
            raise DataError(
                name, float(draws[name].values.ravel()[np.argmin(np.broadcast_to(good, size))]), want
            )
    if np.any(~np.isnan(value["experiment_beta"]) & (left < math.inf)):
        raise DataError(
            "experiment_beta",
            plain("a ceiling"),
            "none (doublings_left of inf) where experiments have a technology of their own",
        )
    kappa = {name: 1.0 - 1.0 / value[name] for name in ("sigma", "task_sigma", "sigma_later")}
    columns = (
        *(1.0, parallel / r, value["labour_share"], kappa["sigma"], value["experiment_gain"], value["shape"]),
        *(
            value["doublings_gained"],
            left,
            value["automation"],
            kappa["task_sigma"],
            value["experiment_beta"],
        ),
        *(value["sigma_switch"], kappa["sigma_later"], RETRAINING[retraining]),
    )
    for k, column in enumerate(columns):
        law[:, k] = column
    law[:, LAMBDA] = parallel / _gains_at_asara(law)
    return law


def _column(draws: xr.Dataset, name: str, default: float | None = None) -> np.ndarray | float:
    if name not in draws and default is not None:
        return default
    return _aligned(draws, name).values.astype(float).ravel()


def _aligned(draws: xr.Dataset, name: str) -> xr.DataArray:
    return draws[name].broadcast_like(draws.r_asara).transpose(*draws.r_asara.dims)


def simulate(draws: xr.Dataset, *, nodes: int = NODES, retraining: str = "none") -> xr.Dataset:
    """The path of each draw of `tree.prior` or `tree.posterior`; the same call before and after evidence.

    Reads `r_asara`, `parallel`, `speedup`, `recent_doublings_per_year`, `doublings_left` (inf: no ceiling) and the mechanisms of
    `OPTIONAL` that the draws have. Returns dims (chain, draw, doubling) where `doubling` is the fraction of the way to `reach`
    labour doublings: `years` since ASARA (inf where a level is never reached) and `log2_pace` (log2 of doublings a year; -inf at
    the ceiling); dims (chain, draw): `reach`, `tail_slope` (k beyond the reach; 0 at a ceiling), `end_years` (when the ceiling
    or, without one, infinite software is reached: the time of the singularity), `peak_log2_pace`, `most_ahead` (the most
    doublings above the recent trend) and the inputs that events need. `retraining` is a name of `growth.RETRAINING`.
    Raises DataError for numbers outside their range.
    """
    import xarray as xr

    law = laws(draws, retraining=retraining)
    start, recent = _start(draws)
    logs, inverses = _tables(nodes)
    years, log2_pace, ends = _paths(law, start, recent, logs, inverses)
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
    return paths.assign({name: _aligned(draws, name) for name in _CARRIED if name in draws})


def summaries(
    draws: xr.Dataset, gains: np.ndarray, *, nodes: int = NODES, retraining: str = "none"
) -> Iterator[xr.Dataset]:
    """What events need of each path without the path, a block of draws at a time, so that memory stays bounded.

    `gains` (gain, chain, draw) are doublings; each block has dims (draw,) with the (chain, draw) variables of `simulate`, and
    `shortest_years` (gain, draw) as `shortest_years` would give them.
    """
    import xarray as xr

    used = [name for name in (*_CARRIED, *OPTIONAL) if name in draws]
    flat = xr.Dataset({name: ("draw", _aligned(draws, name).values.ravel()) for name in used})
    flat.attrs = draws.attrs
    gains = np.asarray(gains, dtype=float).reshape(len(gains), -1)
    logs, inverses = _tables(nodes)
    for first in range(0, flat.sizes["draw"], BLOCK):
        block = flat.isel(draw=slice(first, first + BLOCK))
        start, recent = _start(block)
        wanted = np.ascontiguousarray(gains[:, first : first + BLOCK].T)
        shortest, ends = _summaries(laws(block, retraining=retraining), start, recent, wanted, logs, inverses)
        found = xr.Dataset(_end_variables(ends, block.r_asara.shape, ("draw",)))
        found["shortest_years"] = (("gain", "draw"), shortest.T)
        yield found.assign({name: block[name] for name in _CARRIED if name in block})


def _start(draws: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """log2 of the pace at ASARA and the recent pace, doublings a year, (draw,) each."""
    speedup, recent = (
        np.ascontiguousarray(_column(draws, name)) for name in ("speedup", "recent_doublings_per_year")
    )
    pace = speedup * recent
    if not np.all((pace > 0) & (pace < math.inf)):
        raise DataError(
            "speedup",
            plain("a pace at ASARA that is not a positive number"),
            "speedup and recent pace above 0",
        )
    return np.log2(pace), recent


def _tables(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """log2(w) and 1 / w of the share w of the way still to go, at all nodes but the last."""
    inverses = 1 / (1 - np.arange(nodes - 1) / (nodes - 1))
    return -np.log2(inverses), inverses


def _end_variables(ends: np.ndarray, shape: tuple, dims: tuple) -> dict:
    units = (
        "labour doublings",
        "doublings of the pace per doubling of software",
        "years since ASARA",
        "log2 of software doublings per year",
        "labour doublings",
    )
    names = ("reach", "tail_slope", "end_years", "peak_log2_pace", "most_ahead")
    return {
        name: (dims, ends[:, k].reshape(shape), {"unit": unit})
        for k, (name, unit) in enumerate(zip(names, units, strict=True))
    }


def shortest_years(paths: xr.Dataset, doublings: np.ndarray) -> np.ndarray:
    """The least time in which a path gains this many doublings, anywhere along it; inf where the ceiling is nearer.

    `doublings` has the shape of the draws; so has the result. 0 where the pace grows without limit.
    """
    shape = paths.reach.shape
    gain = np.ascontiguousarray(np.broadcast_to(doublings, shape), dtype=float).ravel()
    return _shortest(*_flat(paths), gain).reshape(shape)


def doublings_by(paths: xr.Dataset, years: np.ndarray) -> np.ndarray:
    """Software doublings gained by each of these times, (chain, draw, time); inf after a singularity without a ceiling."""
    at = np.ascontiguousarray(years, dtype=float)
    return _levels(*_flat(paths), at).reshape(*paths.reach.shape, len(at))


def years_at(paths: xr.Dataset, doublings: np.ndarray) -> np.ndarray:
    """When each of these levels is reached, (chain, draw, level); inf where it never is."""
    at = np.ascontiguousarray(doublings, dtype=float)
    return _times(*_flat(paths), at).reshape(*paths.reach.shape, len(at))


def _flat(paths: xr.Dataset) -> tuple[np.ndarray, ...]:
    nodes = paths.sizes["doubling"]
    grid = (np.ascontiguousarray(paths[name].values).reshape(-1, nodes) for name in ("years", "log2_pace"))
    return (
        *grid,
        *(
            np.ascontiguousarray(paths[name].values).ravel()
            for name in ("reach", "tail_slope", "doublings_left")
        ),
    )


@njit(cache=True, error_model="numpy")
def _gains_at_asara(law):
    gains = np.empty(len(law))
    for i in range(len(law)):
        gains[i] = input_gain(0.0, law[i])
    return gains


@njit(cache=True, error_model="numpy")
def _smooth_beta(x, law):
    """beta(x) less its pole at the ceiling, for a shape other than 1, in units of beta_now."""
    whole = law[GAINED] + law[LEFT]
    w, shape = (law[LEFT] - x) / whole, law[SHAPE]
    if w * (shape + 1.0) < 1e-4:
        return (shape - 1.0) / (2.0 * shape) + w * (shape * shape - 1.0) / (12.0 * shape)
    return -1.0 / math.expm1(shape * math.log1p(-w)) - 1.0 / (shape * w)


@njit(cache=True, error_model="numpy")
def _direct(law):
    """Whether the whole slope is integrated by quadrature: where retraining bounds it at the ceiling."""
    return law[RETRAIN] >= 2.0 or (law[RETRAIN] == 1.0 and law[BETA] < 0.0 and law[LEFT] < math.inf)


@njit(cache=True, error_model="numpy")
def _by_quadrature(x, width, law, beta_now, shaped):
    """The part of the log pace over [x, x + width] that has no closed form: a falling r of other shape, and retraining.

    Our retraining takes k to k less k^2 / (1 + k) where k > 0; the other rules are integrated whole.
    """
    total = 0.0
    for g in range(3):
        at = x + _GAUSS[g] * width
        weight = _GAUSS_WEIGHT[g] * width
        rule = law[RETRAIN]
        direct = _direct(law)
        if shaped and not direct:
            total -= weight * beta_now * _smooth_beta(at, law)
        if rule > 0.0:
            k = law[LAMBDA] * input_gain(at, law) - beta(at, law)
            if direct:
                total += weight * retrained(k, rule)
            elif k > 0.0:
                total -= weight * k * k / (1.0 + k)
    return total


@njit(cache=True, error_model="numpy")
def _pole(law):
    """(power b with which the pace falls at the ceiling, as distance^b; beta_now; whether the shape is not 1)."""
    if law[LEFT] == math.inf:
        return 0.0, law[BETA], False
    if law[SHAPE] == 1.0:
        return law[BETA] * law[LEFT] * LN2, law[BETA], False
    whole = law[GAINED] + law[LEFT]
    beta_now = law[BETA] * (1.0 - (law[GAINED] / whole) ** law[SHAPE])
    return beta_now * whole / law[SHAPE] * LN2, beta_now, True


@njit(cache=True, error_model="numpy")
def _node(x, law, power):
    """(closed-form part of the log2 pace at x over that at ASARA, k, e) at x."""
    gain, level = research_input(x, law)
    k = retrained(law[LAMBDA] * gain - beta(x, law), law[RETRAIN])
    if _direct(law):
        return 0.0, k, gain
    if law[LEFT] == math.inf or power == 0.0:
        return law[LAMBDA] * level - law[BETA] * x, k, gain
    return law[LAMBDA] * level + power / LN2 * math.log1p(-x / law[LEFT]), k, gain


@njit(cache=True, error_model="numpy", inline="always")
def _cell_years(width, root, end_root, s, bend):
    """Time to cross a cell: `root` and `end_root` are v^(-1/2) at its ends, s the nats that v gains over it, `bend` the nats of
    v above the chord of log v at its middle."""
    begin, end = root * root, end_root * end_root
    if not begin + end < HUGE:
        return math.inf
    if abs(s) < 1.0:
        q = s * s
        line = 1.0 + q * (1.0 / 24.0 + q * (1.0 / 1920.0 + q * (1.0 / 322560.0 + q * (1.0 / 92897280.0))))
        parabola = 1.0 / 6.0 + q * (1.0 / 240.0 + q * (1.0 / 26880.0 + q * (1.0 / 5806080.0)))
        return width * root * end_root * (line - 4.0 * bend * (parabola - bend / 15.0))
    line = (begin - end) / s
    parabola = ((s - 2.0) * begin + (s + 2.0) * end) / (s * s * s)
    square = 4.0 * ((s * s - 6.0 * s + 12.0) * begin - (s * s + 6.0 * s + 12.0) * end) / (s * s * s * s * s)
    return width * (line - 4.0 * bend * (parabola - bend * square))


@njit(cache=True, error_model="numpy")
def _divided_cell(x, width, start, low, base, law, power, beta_now, shaped, parts):
    """(time, quadrature part at the end) of a cell cut into equal parts, each with its own exact ends."""
    h = width / parts
    years, last_k = 0.0, pace_slope(x, law)
    root = math.exp(-0.5 * low * LN2)
    for m in range(1, parts + 1):
        at = x + m * h
        if shaped or law[RETRAIN] > 0.0:
            base += _by_quadrature(at - h, h, law, beta_now, shaped)
        high, k, _ = _node(at, law, power)
        high += start + base
        end_root = math.exp(-0.5 * high * LN2)
        years += _cell_years(h, root, end_root, (high - low) * LN2, (last_k - k) * h * LN2 / 8.0)
        low, last_k, root = high, k, end_root
    return years, base


@njit(cache=True, error_model="numpy")
def _moment(log_left, left_power, exponent):
    """Integral of z^(exponent - 1) from z = left to 1, `left_power` being left^exponent."""
    return -log_left if abs(exponent) < 1e-9 else (1.0 - left_power) / exponent


@njit(cache=True, error_model="numpy")
def _years_towards_ceiling(distance, part, low, slope, power):
    """Time to cross the first `part` (0 to 1) of the `distance` left to the ceiling, where v falls as the distance to a power.

    `low` and `slope` are the log2 pace and k at the start; what is left of k without its pole acts through the mean and the
    variance of the place at which time is spent. inf at the ceiling iff the power is at least 1.
    """
    left, b = 1.0 - part, 1.0 - power
    if left <= 0.0 and b <= 0.0:
        return math.inf
    log_left = math.log(left) if left > 0.0 else -math.inf
    scale = math.exp(b * log_left) if left > 0.0 else 0.0
    whole = _moment(log_left, scale, b)
    smooth = slope * LN2 * distance + power
    if whole < math.inf and whole > 0.0:
        mean = _moment(log_left, scale * left, b + 1.0) / whole
        variance = _moment(log_left, scale * left * left, b + 2.0) / whole - mean * mean
        whole *= math.exp(-smooth * (1.0 - mean)) * (1.0 + 0.5 * smooth * smooth * max(variance, 0.0))
    years = distance * math.exp(-low * LN2) * whole
    return years if years < HUGE else math.inf


@njit(cache=True, error_model="numpy")
def _reach(law):
    """Doublings that the grid spans: to the ceiling or, without one, to where the pace is exponential or beyond all bounds."""
    if law[LEFT] < math.inf:
        return law[LEFT]
    x = 64.0
    if law[SWITCH] < math.inf:
        x = max(x, 2.0 * law[SWITCH])
    while x < 4e6:
        k = pace_slope(x, law)
        if abs(k - pace_slope(16.0 * x, law)) < 1e-10:
            break
        if k > 0.0 and law[LAMBDA] * input_level(x, law) - law[BETA] * x > 400.0:
            break
        x *= 2.0
    return x


@njit(cache=True, error_model="numpy")
def _stepped_input(x, fallen, law):
    """`growth.research_input` for a plain CES, given 2^(-|kappa (1 - epsilon)| x), which a grid gets by multiplication."""
    a, gain, kappa = law[SHARE], law[GAIN], law[KAPPA]
    apart = (1.0 - gain) * x
    if kappa * apart > 0.0:
        whole = 1.0 + (1.0 - a) * (fallen - 1.0)
        share, joined = a / whole, apart + math.log(whole) / (kappa * LN2)
    else:
        whole = 1.0 + a * (fallen - 1.0)
        share, joined = a * fallen / whole, math.log(whole) / (kappa * LN2)
    return share + (1.0 - share) * gain, gain * x + joined


@njit(cache=True, error_model="numpy")
def _path(law, start, recent, logs, inverses, years, log2_pace, ends):
    """Fill one path and its end variables: reach, tail slope, end years, peak, most ahead. Returns whether k only falls."""
    n = len(logs)
    power, beta_now, shaped = _pole(law)
    reach = _reach(law)
    width = reach / n
    ceiling = law[LEFT] < math.inf and law[BETA] != 0.0
    plain_input = (
        (law[SHARE] == 1.0 or law[KAPPA] == 0.0 or law[GAIN] == 1.0)
        and law[SWITCH] == math.inf
        and law[AUTOMATION] == 1.0
        and math.isnan(law[EXPERIMENT_BETA])
    )
    tabled = ceiling and not shaped and law[RETRAIN] == 0.0
    fast = tabled and plain_input
    plain_ces = law[SWITCH] == math.inf and law[AUTOMATION] == 1.0 and math.isnan(law[EXPERIMENT_BETA])
    tilt = abs(law[KAPPA] * (1.0 - law[GAIN])) * LN2
    stepped = tabled and plain_ces and tilt * reach > 1e-4
    fallen, step = 1.0, math.exp(-tilt * width)
    whole_slope = law[LAMBDA] * input_gain(0.0, law)
    k0 = pace_slope(0.0, law)
    gain0 = input_gain(0.0, law)
    steep = 0.0 if plain_input else abs(law[KAPPA]) + abs(law[TASK_KAPPA]) + abs(law[KAPPA_LATER])
    low, base, time, peak, ahead = start, 0.0, 0.0, start, 0.0
    root = math.exp(-0.5 * start * LN2)
    years[0], log2_pace[0] = 0.0, start
    nodes = n if ceiling else n + 1
    bow = law[BETA] * width * LN2 / 8.0
    for j in range(1, nodes):
        x = j * width
        parts = 1
        new_base = base
        if fast:
            high = start + whole_slope * x + power * logs[j]
            k = whole_slope - law[BETA] * inverses[j]
            bend = bow * (inverses[j] - inverses[j - 1])
        else:
            if shaped or law[RETRAIN] > 0.0:
                new_base += _by_quadrature(x - width, width, law, beta_now, shaped)
            if tabled:
                if stepped:
                    fallen = fallen * step if fallen > 1e-300 else 0.0
                    gain, level = _stepped_input(x, fallen, law)
                else:
                    gain, level = research_input(x, law)
                high = start + law[LAMBDA] * level + power * logs[j]
                k = law[LAMBDA] * gain - law[BETA] * inverses[j]
            else:
                high, k, gain = _node(x, law, power)
                high += start + new_base
            bend = (k0 - k) * width * LN2 / 8.0
            change = law[LAMBDA] * abs(gain - gain0) * width
            if steep > 0.0 and change > 1e-3:
                parts = int(min(_MOST_PARTS, max(1.0, min(width * steep * 2.0, 200.0 * math.sqrt(change)))))
            gain0 = gain
        near_ceiling = False
        if abs(bend) > _BEND:
            near_ceiling = (
                ceiling
                and parts == 1
                and not _direct(law)
                and abs(k0 * LN2 * width + power * width / (reach - x + width)) < 0.5
            )
            parts = max(parts, int(min(_MOST_PARTS, math.ceil(math.sqrt(abs(bend) / 0.05)))))
        end_root = math.exp(-0.5 * high * LN2)
        if near_ceiling:
            distance = reach - x + width
            more = _years_towards_ceiling(distance, width / distance, low, k0, power)
        elif parts > 1:
            more, new_base = _divided_cell(
                x - width, width, start, low, base, law, power, beta_now, shaped, parts
            )
            if shaped or law[RETRAIN] > 0.0:
                high = start + new_base + _node(x, law, power)[0]
        else:
            more = _cell_years(width, root, end_root, (high - low) * LN2, bend)
        time += more
        if k0 > 0.0 and k < 0.0:
            peak = max(peak, low + width * k0 * k0 / (2.0 * (k0 - k)))
        peak = max(peak, high)
        ahead = max(ahead, x - recent * time)
        years[j], log2_pace[j] = time, high
        low, k0, base, root = high, k, new_base, end_root
    tail, end = 0.0, math.inf
    if ceiling and not _direct(law):
        end = time + _years_towards_ceiling(width, 1.0, low, k0, power)
        log2_pace[n] = -math.copysign(math.inf, law[BETA])
        peak = max(peak, log2_pace[n])
        years[n] = end
        ahead = max(ahead, reach - recent * end)
    elif ceiling:
        high = low + _by_quadrature(reach - width, width, law, beta_now, shaped)
        years[n] = end = time + _cell_years(
            width, math.exp(-0.5 * low * LN2), math.exp(-0.5 * high * LN2), (high - low) * LN2, 0.0
        )
        log2_pace[n] = high
    elif law[LEFT] < math.inf:
        end = time
    else:
        tail = k0
        if low > 1000.0:
            end = time
        elif tail > 0.0:
            end = time + math.exp(-low * LN2) / (tail * LN2)
        if tail > 0.0 or low > 1000.0:
            peak = ahead = math.inf
        elif tail == 0.0 and math.exp(low * LN2) > recent:
            ahead = math.inf
    ends[0], ends[1], ends[2], ends[3], ends[4] = reach, tail, end, peak, ahead
    return fast and law[BETA] >= 0.0


@njit(cache=True, error_model="numpy", parallel=True)
def _paths(law, start, recent, logs, inverses):
    n, nodes = len(law), len(logs) + 1
    years = np.empty((n, nodes))
    log2_pace = np.empty((n, nodes))
    ends = np.empty((n, 5))
    for i in prange(n):
        _path(law[i], start[i], recent[i], logs, inverses, years[i], log2_pace[i], ends[i])
    return years, log2_pace, ends


@njit(cache=True, error_model="numpy", parallel=True)
def _summaries(law, start, recent, gains, logs, inverses):
    n, nodes = len(law), len(logs) + 1
    shortest = np.empty(gains.shape)
    ends = np.empty((n, 5))
    chunks = (n + 255) // 256
    for c in prange(chunks):
        years = np.empty(nodes)
        log2_pace = np.empty(nodes)
        for i in range(256 * c, min(n, 256 * (c + 1))):
            falls = _path(law[i], start[i], recent[i], logs, inverses, years, log2_pace, ends[i])
            for g in range(gains.shape[1]):
                shortest[i, g] = _shortest_window(
                    gains[i, g], years, log2_pace, ends[i, 0], ends[i, 1], law[i, LEFT], falls
                )
    return shortest, ends


@njit(cache=True, error_model="numpy")
def _phi(s, part):
    """Share of the time of a cell spent on its first `part`, the log pace rising by s nats over the cell."""
    if abs(s) < 1e-6:
        return part * (1.0 + 0.5 * s * (1.0 - part))
    return math.expm1(-s * part) / math.expm1(-s)


@njit(cache=True, error_model="numpy")
def _time_at(x, years, log2_pace, reach, tail, left):
    """Time at which a path is at x doublings."""
    cells = len(years) - 1
    width = reach / cells
    if x > reach * (1.0 + 1e-12):
        if left < math.inf:
            return math.inf
        s = tail * (x - reach) * LN2
        step = (x - reach) * math.exp(-log2_pace[cells] * LN2)
        return years[cells] + (
            step if abs(s) < 1e-9 else step * -math.expm1(-s) / s if s > -700.0 else math.inf
        )
    j = min(int(x / width), cells - 1)
    part = min(1.0, max(0.0, x / width - j))
    if part <= 0.0:
        return years[j]
    if part >= 1.0:
        return years[j + 1]
    span = years[j + 1] - years[j]
    if math.isinf(log2_pace[j + 1]):
        slope, power = _end_shape(span, width, log2_pace[j - 1], log2_pace[j])
        return years[j] + _years_towards_ceiling(width, part, log2_pace[j], slope, power)
    s = (log2_pace[j + 1] - log2_pace[j]) * LN2
    if span < math.inf and abs(s) < _STEEP:
        return years[j] + span * _phi(s, part)
    return years[j] + width * math.exp(-log2_pace[j] * LN2) * -math.expm1(-s * part) / s


@njit(cache=True, error_model="numpy")
def _end_shape(span, width, before, low):
    """(slope, power) of the last cell: the power from its finite time or, where it has none, from the fall of the cell before."""
    if 0.0 < span < math.inf:
        return -(1.0 - width * math.exp(-low * LN2) / span) / (LN2 * width), 1.0 - width * math.exp(
            -low * LN2
        ) / span
    power = max(1.0, before - low)
    return -power / (LN2 * width), power


@njit(cache=True, error_model="numpy")
def _pace_near(x, log2_pace, reach, tail):
    """log2 of the pace at x, linear between nodes."""
    cells = len(log2_pace) - 1
    at = x / reach * cells
    if at >= cells:
        return log2_pace[cells] + (tail * (x - reach) if x > reach else 0.0)
    j = int(at)
    part = at - j
    return log2_pace[j] if part <= 0.0 else log2_pace[j] + part * (log2_pace[j + 1] - log2_pace[j])


@njit(cache=True, error_model="numpy")
def _window(x, gain, years, log2_pace, reach, tail, left):
    first = _time_at(x, years, log2_pace, reach, tail, left)
    return _time_at(x + gain, years, log2_pace, reach, tail, left) - first if first < math.inf else math.inf


@njit(cache=True, error_model="numpy")
def _shortest_window(gain, years, log2_pace, reach, tail, left, falls):
    """Least time of any window of `gain` doublings. A window's time is least where the pace at its ends is equal, the pace
    rising into it, or where the path starts or ends; `falls` says that k only falls, so that there is one such place."""
    cells = len(years) - 1
    if gain > left:
        return math.inf
    if left == math.inf and (tail > 0.0 or log2_pace[cells] > 1000.0):
        return 0.0
    width = reach / cells
    top = left - gain if left < math.inf else reach
    whole = min(int(top / width), cells)
    best = _window(0.0, gain, years, log2_pace, reach, tail, left)
    edge = _window(top, gain, years, log2_pace, reach, tail, left)
    if edge < best:
        best = edge
    first, last = 0, whole
    if falls:
        while last - first > 1:
            middle = (first + last) // 2
            if _pace_near(middle * width + gain, log2_pace, reach, tail) > log2_pace[middle]:
                first = middle
            else:
                last = middle
    before = _pace_near(first * width + gain, log2_pace, reach, tail) - log2_pace[first]
    for j in range(first + 1, last + 2):
        at = min(j * width, top)
        after = _pace_near(at + gain, log2_pace, reach, tail) - _pace_near(at, log2_pace, reach, tail)
        if before > 0.0 and not after > 0.0:
            step = at - (j - 1) * width
            x = (j - 1) * width + (step * before / (before - after) if after > -math.inf else 0.0)
            best = min(best, _window(x, gain, years, log2_pace, reach, tail, left))
            if not after > -math.inf:
                best = min(best, _window(min(top, x + 0.5 * step), gain, years, log2_pace, reach, tail, left))
        before = after
        if at >= top:
            break
    return best


@njit(cache=True, error_model="numpy", parallel=True)
def _shortest(years, log2_pace, reach, tail, left, doublings):
    shortest = np.empty(len(years))
    for i in prange(len(years)):
        shortest[i] = _shortest_window(
            doublings[i], years[i], log2_pace[i], reach[i], tail[i], left[i], False
        )
    return shortest


@njit(cache=True, error_model="numpy", parallel=True)
def _times(years, log2_pace, reach, tail, left, at):
    times = np.empty((len(years), len(at)))
    for i in prange(len(years)):
        for k in range(len(at)):
            times[i, k] = _time_at(at[k], years[i], log2_pace[i], reach[i], tail[i], left[i])
    return times


@njit(cache=True, error_model="numpy")
def _level_at(t, years, log2_pace, reach, tail, left):
    """Doublings gained by t; the inverse of `_time_at`."""
    cells = len(years) - 1
    width = reach / cells
    if t >= years[cells]:
        if left < math.inf:
            return left
        grown = (t - years[cells]) * math.exp(log2_pace[cells] * LN2)
        if abs(tail) < 1e-9:
            return reach + grown
        inner = 1.0 - grown * tail * LN2
        return reach - math.log(inner) / (tail * LN2) if inner > 0.0 else math.inf
    j = min(np.searchsorted(years, t, side="right") - 1, cells - 1)
    low, high, span = log2_pace[j], log2_pace[j + 1], years[j + 1] - years[j]
    if math.isinf(high):
        slope, power = _end_shape(span, width, log2_pace[j - 1], low)
        least, most = 0.0, 1.0
        for _ in range(50):
            middle = 0.5 * (least + most)
            if years[j] + _years_towards_ceiling(width, middle, low, slope, power) > t:
                most = middle
            else:
                least = middle
        return (j + least) * width
    s = (high - low) * LN2
    if span < math.inf and abs(s) < _STEEP:
        part = (t - years[j]) / span
        grown = -part * math.expm1(-s)
    else:
        part = (t - years[j]) * math.exp(low * LN2) / width
        grown = part * s
    if abs(s) >= 1e-6:
        part = -math.log1p(-grown) / s if grown < 1.0 else 1.0
    return (j + min(1.0, part)) * width


@njit(cache=True, error_model="numpy", parallel=True)
def _levels(years, log2_pace, reach, tail, left, at):
    levels = np.empty((len(years), len(at)))
    for i in prange(len(years)):
        for k in range(len(at)):
            levels[i, k] = _level_at(at[k], years[i], log2_pace[i], reach[i], tail[i], left[i])
    return levels
