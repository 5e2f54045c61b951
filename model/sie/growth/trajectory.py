"""One trajectory after ASARA: its table, how it ends, and what it would be without one of its mechanisms.

Numbers come from `paths` and `growth`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .mechanisms import MECHANISMS, OUTSIDE

if TYPE_CHECKING:
    import xarray as xr

    from .calendar import Clock

__all__ = [
    "Trajectory",
    "alike",
    "by_then",
    "ending",
    "follow",
    "idle",
    "table",
    "told_time",
    "without",
]

NODES = 1025
"""Points of the path."""

ROWS = 12
"""Steps of the table."""

LONG = 1e6
"""Times of this many years or more are printed as a power of ten."""

MOST_LOG2 = 1000.0
"""log2(pace) is capped at this value, so that the pace does not overflow."""

OPTIONAL = {**MECHANISMS, **OUTSIDE}
"""What a trajectory may have beyond its first numbers."""

SAME = 1e-9
"""Difference, relative or in doublings, below which two trajectories are taken for one."""


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """A path with its numbers, by name, and its law; `draws` are the same numbers as `paths.simulate` reads them."""

    numbers: Mapping[str, float]
    retraining: str
    draws: xr.Dataset
    paths: xr.Dataset
    law: np.void

    @property
    def start(self) -> float:
        """Doublings a year at ASARA."""
        return self.paths.pace_asara.item()

    @property
    def fastest(self) -> float:
        """Doublings a year that the shortest doubling time allows; inf without one."""
        shortest = self.numbers["shortest_doubling"]
        return 1 / shortest if shortest > 0 else math.inf

    @property
    def factor(self) -> Clock | None:
        """The factor on the pace that depends on calendar time alone, if there is one."""
        from .exogenous import factor

        return factor(self.draws, self.law["lambda_"].reshape(1))

    @property
    def free_pace(self) -> str:
        """The variable of the paths that is log2 of the pace of the law alone."""
        return "own_log2_pace" if "own_log2_pace" in self.paths else "log2_pace"

    @property
    def doublings_in_a_year_of_progress(self) -> float:
        """Labour doublings in a recent year of total AI progress."""
        return self.numbers["recent_pace"] / self.numbers["software_share"]

    @property
    def end(self) -> float:
        """Just below the last level: the ceiling or, without one, where the pace has become exponential."""
        return self.paths.reach.item() * (1 - 1e-9)

    def slope(self, x: float) -> float:
        """k at a level: doublings of the pace per doubling of software."""
        from .law import pace_slope

        return pace_slope(x, self.law)

    def years_at(self, x: float) -> float:
        """When a level is reached."""
        from .paths import years_at

        return years_at(self.paths, np.array([x])).item()

    def pace(self, x: float) -> float:
        """Doublings a year at a level: that of the node before it and the integral of the slope from there."""
        from .readings import levels

        reach, log2_pace = self.paths.reach.item(), self.paths[self.free_pace].values.ravel()
        if x >= reach:
            gained = log2_pace[-1] + self.paths.tail_slope.item() * (x - reach)
        else:
            nodes = levels(self.paths).ravel()
            node = int(np.searchsorted(nodes, x, side="right")) - 1
            at, weight = np.polynomial.legendre.leggauss(8)
            half = (x - nodes[node]) / 2
            slopes = [self.slope(nodes[node] + half * (1 + point)) for point in at]
            gained = log2_pace[node] + half * float(np.dot(weight, slopes))
        if (clock := self.factor) is not None:
            from .exogenous import log2_at

            gained += log2_at(clock, np.array(self.years_at(x))).item()
        return min(2.0 ** min(gained, MOST_LOG2), self.fastest)


def follow(
    *,
    r: float,
    ceiling: float,
    parallel: float,
    speedup: float,
    recent_pace: float,
    software_share: float = 1.0,
    retraining: str = "none",
    **mechanisms: float,
) -> Trajectory:
    """The trajectory of these numbers; those of OPTIONAL that are not given are switched off.

    `r` at ASARA is negative where ideas get easier; `ceiling` is in doublings left, inf for none; `recent_pace` in labour doublings
    a year, `software_share` what part of recent progress they were. Raises DataError for numbers out of range.
    """
    from .paths import laws, simulate

    values = {
        "r_asara": r,
        "parallel": parallel,
        "pace_asara": speedup * recent_pace,
        "recent_doublings_per_year": recent_pace,
        "doublings_left": ceiling,
        **mechanisms,
    }
    draws = _as_draws([values])
    law = laws(draws, retraining=retraining)[0]
    off = {name: mechanism.off for name, mechanism in OPTIONAL.items()}
    told = {
        "r": r,
        "ceiling": ceiling,
        "parallel": parallel,
        "speedup": speedup,
        "recent_pace": recent_pace,
        "software_share": software_share,
    }
    return Trajectory(
        numbers=off | told | mechanisms,
        retraining=retraining,
        draws=draws,
        paths=simulate(draws, nodes=NODES, retraining=retraining),
        law=law,
    )


BEFORE_THE_END = 0.99
"""Part of the way to the ceiling or a singularity at which a path is compared last."""


def by_then(path: Trajectory, years: float) -> np.ndarray:
    """Doublings gained at even steps up to some years."""
    from .paths import doublings_by

    return doublings_by(path.paths, _steps(years))[0, 0]


def without(path: Trajectory, years: float) -> dict[str, np.ndarray]:
    """What `by_then` would be with one mechanism off, by its name, for each that was asked for."""
    from .paths import doublings_by, simulate

    told = {name: path.draws[name].item() for name in path.draws if name not in OPTIONAL}
    on = {name: path.numbers[name] for name in OPTIONAL if path.numbers[name] != OPTIONAL[name].off}
    on = {name: value for name, value in on.items() if not math.isnan(value)}
    found = {}
    for name in on:
        draws = _as_draws([told | on | {name: OPTIONAL[name].off}])
        paths = simulate(draws, nodes=NODES, retraining=path.retraining)
        found[name] = doublings_by(paths, _steps(years))[0, 0]
    if path.retraining != "none":
        found["retraining"] = doublings_by(simulate(path.draws, nodes=NODES), _steps(years))[0, 0]
    return found


def alike(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether what is gained is the same."""
    return np.allclose(a, b, rtol=SAME, atol=SAME)


def idle(path: Trajectory, years: float) -> dict[str, str]:
    """The mechanisms that were asked for and change nothing within some years, with what they need to act.

    Paths are compared before the told one ends: after that all of them may be at the ceiling, or infinite.
    """
    years = min(years, BEFORE_THE_END * path.paths.end_years.item())
    gained = by_then(path, years)
    same = [name for name, other in without(path, years).items() if alike(gained, other)]
    return {name: OPTIONAL[name].needs if name in OPTIONAL else "a pace that rises" for name in same}


def _steps(years: float) -> np.ndarray:
    return np.linspace(0, years, 2 * ROWS + 1)


def _as_draws(rows: Sequence[Mapping[Any, float]]) -> xr.Dataset:
    """Numbers by name as draws of one chain."""
    import xarray as xr

    return xr.Dataset({name: (("chain", "draw"), [[float(row[name]) for row in rows]]) for name in rows[0]})


def table(path: Trajectory, years: float) -> str:
    """Years, doublings, years of progress, pace and r along the way; up to a singularity, by levels that double."""
    from .law import returns_at
    from .paths import doublings_by, years_at

    end = min(years, path.paths.end_years.item())
    times = np.linspace(0, end, ROWS + 1)
    levels = doublings_by(path.paths, times).ravel()
    if math.isinf(path.numbers["ceiling"]) and end < years:
        levels = np.array([0.0, *(2.0 ** np.arange(ROWS))])
        times = years_at(path.paths, levels).ravel()
    a_year = path.doublings_in_a_year_of_progress
    lines = ["   years  doublings  years of progress  doublings a year        r"]
    for time, x in zip(times, levels, strict=True):
        r = returns_at(x, path.law)
        lines.append(f"{time:8.3f} {x:10.1f} {x / a_year:18.2f} {path.pace(x):17.4g} {r:8.3f}")
    return "\n".join(lines)


def ending(path: Trajectory) -> str:
    """How it ends: a singularity, the ceiling, or a fizzle and when the pace is back at the recent one."""
    from .readings import levels

    paths = path.paths
    end, left = paths.end_years.item(), paths.doublings_left.item()
    if math.isinf(left):
        if math.isfinite(end):
            return f"singularity: software is infinite {told_time(end)} after ASARA"
        if path.numbers["hardware_growth"] > 0:
            return "no singularity: software grows for ever, ever faster or towards a steady pace"
        if paths.tail_slope.item() == 0 or (paths.tail_slope.item() > 0 and math.isfinite(path.fastest)):
            return "no singularity: software grows exponentially for ever"
    x, pace = levels(paths).ravel(), paths.log2_pace.values.ravel()
    recent, peak = math.log2(path.numbers["recent_pace"]), paths.peak_log2_pace.item()
    text = "explosion at first, then it slows" if path.slope(0.0) > 0 else "fizzle"
    text = "explosion until the ceiling" if peak == pace[-1] and peak > pace[0] else text
    text += f": the pace peaks at {2 ** min(peak, MOST_LOG2):.4g} doublings a year"
    below = np.flatnonzero((pace[1:] < recent) & (pace[:-1] >= recent))
    if below.size:
        i = int(below[0])
        part = (pace[i] - recent) / (pace[i] - pace[i + 1]) if math.isfinite(pace[i + 1]) else 0.0
        level = x[i] + part * (x[i + 1] - x[i])
        text += f" and is back at the recent pace after {level:.3g} doublings, {told_time(path.years_at(level))} after ASARA"
    elif math.isinf(left) and path.factor is None:
        free = paths[path.free_pace].values.ravel()[-1]
        level = x[-1] + (recent - free) / paths.tail_slope.item() if free > recent else 0.0
        if level > 0:
            text += f" and is back at the recent pace after {level:.3g} doublings"
    return text + (f"; the ceiling is reached {told_time(end)} after ASARA" if math.isfinite(end) else "")


def told_time(years: float) -> str:
    """A time after ASARA in words."""
    if not math.isfinite(years):
        return "never"
    if years >= LONG:
        return f"10^{math.log10(years):.0f} years"
    return f"{years:.3g} years" if years >= 1 else f"{12 * years:.3g} months"
