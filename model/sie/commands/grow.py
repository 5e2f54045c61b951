"""`sie grow` and `sie explain`: one trajectory for numbers given on the command line, as a table, a plot or in words.

It turns options into one draw for `dynamics.simulate`; it knows no view, evidence or event.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_type_hints

import numpy as np
import typer

from ..sources import DataError, plain

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["explain", "grow"]

PROGRESS_A_YEAR = 8.0
"""Labour doublings in a recent year of total AI progress (Davidson & Houlden 2025)."""

ROWS = 12
"""Steps of the table."""

LONG = 1e6
"""Years from which a time is told as a power of ten."""


def _number(text: str):
    return Annotated[float, typer.Option(metavar="X", help=text)]


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """What both commands are told about a trajectory; each field is an option."""

    r: _number("r at ASARA; negative for ideas that get easier, inf for no fall.") = 1.2
    ceiling: _number("Doublings left at ASARA; inf for none.") = 88.0
    sigma: _number("Elasticity of labour and compute.") = 1.0
    labour_share: _number("Labour's share of research input at ASARA.") = 1.0
    experiment_gain: _number("Doublings of experiment efficiency per doubling of software.") = 0.0
    parallel: _number("p: doublings of the pace per doubling of software, without harder ideas.") = 0.3
    shape: _number("How late returns fall towards the ceiling; 1 is linear.") = 1.0
    speedup: _number("Pace at ASARA over the recent pace.") = 8.0
    recent_pace: _number("Recent pace, labour doublings a year.") = 4.0
    years: _number("Years after ASARA to show.") = 5.0


def _told_a_trajectory(command: Callable) -> Callable:
    """The command with an option for each field of Trajectory in place of its first argument."""
    described, types = fields(Trajectory), get_type_hints(Trajectory, include_extras=True)
    own = list(signature(command, eval_str=True).parameters.values())[1:]

    @wraps(command)
    def run(**options):
        told = Trajectory(**{field.name: options.pop(field.name) for field in described})
        return command(told, **options)

    shared = [
        Parameter(field.name, Parameter.KEYWORD_ONLY, default=field.default, annotation=types[field.name])
        for field in described
    ]
    run.__signature__ = Signature([*shared, *(each.replace(kind=Parameter.KEYWORD_ONLY) for each in own)])
    run.__annotations__ = {each.name: each.annotation for each in run.__signature__.parameters.values()}
    return run


@_told_a_trajectory
def grow(
    told: Trajectory,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Write a plot (PNG) here, replacing an older picture."),
    ] = None,
) -> None:
    """One trajectory after ASARA: doublings, years of progress, pace and r along the way."""
    from ..dynamics import doublings_by, laws, simulate, years_at

    draws = _draw(told)
    if plot is not None and (plot.is_dir() or not plot.parent.is_dir()):
        raise DataError(f"--plot {plot}", plain("no place for a file"), "a file in a folder that exists")
    if plot is not None and (plot.suffix != ".png" or (plot.exists() and not plot.is_file())):
        raise DataError(f"--plot {plot}", plot.name, "a regular file whose name ends in .png")
    paths, law = simulate(draws), laws(draws)[0]
    end = min(told.years, paths.end_years.item())
    times = np.linspace(0, end, ROWS + 1)
    levels = doublings_by(paths, times).ravel()
    if math.isinf(told.ceiling) and end < told.years:
        levels = np.array([0.0, *(2.0 ** np.arange(ROWS))])
        times = years_at(paths, levels).ravel()
    print("   years  doublings  years of progress  doublings a year        r")
    for time, x in zip(times, levels, strict=True):
        pace, returns = _pace(x, law, told.speedup * told.recent_pace), _returns(x, law)
        print(f"{time:8.3f} {x:10.1f} {x / PROGRESS_A_YEAR:18.2f} {pace:17.4g} {returns:8.3f}")
    print(_ending(paths, law))
    if plot is not None:
        _plot(paths, told.years, plot)
        print(f"{plot}: written")


@_told_a_trajectory
def explain(told: Trajectory) -> None:
    """Say in words why a trajectory speeds up or fizzles, and where r x share crosses 1."""
    from ..dynamics import doublings_by, laws, simulate, years_at
    from ..growth import input_gain, pace_slope

    draws = _draw(told)
    paths, law = simulate(draws), laws(draws)[0]
    k = pace_slope(0.0, law)
    print(
        f"At ASARA software gains {told.speedup * told.recent_pace:.3g} doublings a year, {told.speedup:.3g} times the recent pace. A doubling"
        f" of software adds {input_gain(0.0, law):.3g} doublings of research input, worth {told.parallel:.3g} doublings of pace;"
        f" harder ideas take {told.parallel / told.r:.3g} back, so that r = {told.r:.3g} and the pace"
        f" {'rises' if k > 0 else 'falls' if k < 0 else 'stays'} ({k:+.3g} doublings of pace per doubling of software)."
    )
    if told.labour_share < 1 and told.experiment_gain != 1:
        print(_bottleneck(told, law, paths.reach.item()))
    if not math.isinf(told.ceiling):
        print(f"A ceiling {told.ceiling:.3g} doublings away makes ideas ever harder: returns reach 0 there.")
    crossings = _crossings(law, paths.reach.item())
    for x, rises in crossings:
        when = years_at(paths, np.array([x])).item()
        way = (
            "rises above 1 and the pace starts to rise"
            if rises
            else "falls below 1 and the pace starts to fall"
        )
        print(
            f"r x share, the returns with compute fixed, {way} at {x:.3g} doublings, {_time(when)} after ASARA."
        )
    if not crossings:
        print(
            f"r x share, the returns with compute fixed, never crosses 1: it stays {'above' if k > 0 else 'below' if k < 0 else 'at'} 1."
        )
    gained = doublings_by(paths, np.array([told.years])).item()
    print(
        f"After {told.years:.3g} years: {gained:.3g} doublings, {gained / PROGRESS_A_YEAR:.3g} years of progress at the recent pace."
    )
    print(_ending(paths, law))


def _draw(told: Trajectory) -> xr.Dataset:
    """The options as one draw; DataError names the option that is out of range."""
    import xarray as xr

    for field in fields(told):
        value, option = getattr(told, field.name), f"--{field.name.replace('_', '-')}"
        if field.name == "r":
            good, want = value != 0 and not math.isnan(value), "a number other than 0"
        elif field.name == "experiment_gain":
            good, want = 0 <= value < math.inf, "a number of at least 0"
        elif field.name == "labour_share":
            good, want = 0 < value <= 1, "a number above 0 and at most 1"
        else:
            good, want = value > 0 and (value < math.inf or field.name == "ceiling"), "a number above 0"
        if not good:
            raise DataError(option, value, want)
    values = {
        "r_asara": told.r,
        "parallel": told.parallel,
        "speedup": told.speedup,
        "recent_doublings_per_year": told.recent_pace,
        "doublings_left": told.ceiling,
        "labour_share": told.labour_share,
        "sigma": told.sigma,
        "experiment_gain": told.experiment_gain,
        "shape": told.shape,
    }
    return xr.Dataset({name: (("chain", "draw"), [[float(value)]]) for name, value in values.items()})


def _pace(x: float, law: np.ndarray, start: float) -> float:
    """Doublings a year at x, by the law itself where it has a closed form, else by the integral of its slope."""
    from scipy.integrate import quad

    from ..growth import log2_pace_gain, pace_slope

    if law["shape"] == 1 or x == 0:
        gain = log2_pace_gain(x, law)
    else:
        gain = quad(pace_slope, 0, x, args=(law,), limit=200)[0]
    return start * 2.0 ** min(gain, 1000.0)


def _returns(x: float, law: np.ndarray) -> float:
    from ..growth import returns_at

    return returns_at(x, law)


def _crossings(law: np.ndarray, reach: float) -> list[tuple[float, bool]]:
    """Where k changes sign below the reach, and whether it rises there."""
    from scipy.optimize import brentq

    from ..growth import pace_slope

    x = np.concatenate([[0.0], np.geomspace(1e-3, 1.0, 400)]) * reach * (1 - 1e-9)
    k = np.array([pace_slope(at, law) for at in x])
    found = np.flatnonzero(np.sign(k[:-1]) * np.sign(k[1:]) < 0)
    return [(brentq(pace_slope, x[i], x[i + 1], args=(law,)), bool(k[i] < 0)) for i in found]


def _bottleneck(told: Trajectory, law: np.ndarray, reach: float) -> str:
    from ..growth import input_gain

    kind = "complements" if told.sigma < 1 else "substitutes" if told.sigma > 1 else "Cobb-Douglas"
    end = input_gain(reach * (1 - 1e-9), law)
    moves = "stays" if abs(end - input_gain(0.0, law)) < 1e-6 else f"moves to {end:.3g} by the end"
    return (
        f"Compute is fixed and labour's share is {told.labour_share:.3g} at elasticity {told.sigma:.3g} ({kind}); experiments get {told.experiment_gain:.3g} doublings"
        f" cheaper per doubling of software. Growth of input per doubling of software {moves}."
    )


def _ending(paths: xr.Dataset, law: np.ndarray) -> str:
    """How the trajectory ends: a singularity, the ceiling, or a fizzle and when the pace is back at the recent one."""
    from ..dynamics import years_at
    from ..growth import pace_slope

    end, left = paths.end_years.item(), paths.doublings_left.item()
    if math.isinf(left):
        if math.isfinite(end):
            return f"singularity: software is infinite {_time(end)} after ASARA"
        if paths.tail_slope.item() == 0:
            return "no singularity: software grows exponentially for ever"
    x = paths.doubling.values * paths.reach.item()
    pace, recent = paths.log2_pace.values.ravel(), math.log2(paths.recent_doublings_per_year.item())
    peak = paths.peak_log2_pace.item()
    text = "explosion at first, then it slows" if pace_slope(0.0, law) > 0 else "fizzle"
    text = "explosion until the ceiling" if peak == pace[-1] and peak > pace[0] else text
    text += f": the pace peaks at {2 ** min(peak, 1000.0):.4g} doublings a year"
    below = np.flatnonzero((pace[1:] < recent) & (pace[:-1] >= recent))
    if below.size:
        i = below[0]
        part = (pace[i] - recent) / (pace[i] - pace[i + 1]) if math.isfinite(pace[i + 1]) else 0.0
        level = x[i] + part * (x[i + 1] - x[i])
        text += f" and is back at the recent pace after {level:.3g} doublings, {_time(years_at(paths, np.array([level])).item())} after ASARA"
    elif math.isinf(left):
        level = x[-1] + (recent - pace[-1]) / paths.tail_slope.item() if pace[-1] > recent else 0.0
        if level > 0:
            text += f" and is back at the recent pace after {level:.3g} doublings"
    return text + (f"; the ceiling is reached {_time(end)} after ASARA" if math.isfinite(end) else "")


def _time(years: float) -> str:
    if not math.isfinite(years):
        return "never"
    if years >= LONG:
        return f"10^{math.log10(years):.0f} years"
    return f"{years:.3g} years" if years >= 1 else f"{12 * years:.3g} months"


def _plot(paths: xr.Dataset, years: float, path: Path) -> None:
    """Doublings over time as PNG, with the recent trend and the time of a singularity."""
    from ..files import write_whole
    from ..plots import plot_path, save

    write_whole(path, lambda target: save(plot_path(paths, years=years), target))
