"""A trajectory in words: why the pace rises or falls, what each mechanism does, where r crosses 1.

Each mechanism has its sentence here, said where it acts. Numbers come from the trajectory and its law.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import cast

import numpy as np

from .mechanisms import RETRAINING
from .trajectory import OPTIONAL, Trajectory, alike, by_then, ending, told_time, without

__all__ = ["explanation", "outside"]


def explanation(path: Trajectory, years: float) -> list[str]:
    """Why the trajectory speeds up or fizzles, a sentence or two for each mechanism, and where r crosses 1."""
    said = [
        _meaning(path),
        _start(path),
        *_bottleneck(path),
        *_automation(path),
        *_technologies(path),
        *_switch(path),
    ]
    said += [*_retraining(path), *_ceiling(path), *_limit(path), *outside(path), *_crossings(path)]
    levels = by_then(path, years)
    gained = levels[-1]
    for name, other in without(path, years).items():
        if not alike(levels, other):
            instead = "none" if name == "retraining" else f"{OPTIONAL[name].off:g}"
            value = path.retraining if name == "retraining" else f"{path.numbers[name]:.3g}"
            said.append(
                f"With {_said(name)} {instead} in place of {value} there would be {_count(other[-1])} doublings"
                f" after {years:.3g} years, not {_count(gained)}."
            )
    progress = f"{_count(gained / path.doublings_in_a_year_of_progress)} years of progress at the recent pace"
    return [*said, f"After {years:.3g} years: {_count(gained)} doublings, {progress}.", ending(path)]


def _meaning(path: Trajectory) -> str:
    return (
        f"r = {path.numbers['r']:.3g} is at ASARA: software doublings per doubling of cumulative research input, with hardware fixed. It"
        " already contains labour's share and all else between an r of today's language models and ASARA, so it must not be multiplied by"
        " labour's share again: labour share at ASARA, sigma, epsilon and automation change only how r moves after ASARA."
    )


def _start(path: Trajectory) -> str:
    from .law import input_gain

    numbers, k = path.numbers, path.slope(0.0)
    take = numbers["parallel"] / numbers["r"]
    ideas = f"harder ideas take {take:.3g} back" if take >= 0 else f"ideas that get easier add {-take:.3g}"
    return (
        f"At ASARA software gains {path.start:.3g} doublings a year, {path.start / numbers['recent_pace']:.3g} times the recent pace. A doubling"
        f" of software adds {input_gain(0.0, path.law):.3g} doublings of research input, worth {numbers['parallel']:.3g} doublings"
        f" of pace; {ideas}, so that r = {numbers['r']:.3g} and the pace {'rises' if k > 0 else 'falls' if k < 0 else 'stays'}"
        f" ({k:+.3g} doublings of pace per doubling of software)."
    )


def _kind(sigma: float) -> str:
    return "complements" if sigma < 1 else "substitutes" if sigma > 1 else "Cobb-Douglas"


def _moves(before: float, after: float) -> str:
    return "stays" if abs(after - before) < 1e-6 else f"moves to {after:.3g} by the end"


def _bottleneck(path: Trajectory) -> Iterator[str]:
    from .law import input_gain

    numbers = path.numbers
    if numbers["labour_share_asara"] == 1 or numbers["epsilon"] == 1:
        return
    moves = _moves(input_gain(0.0, path.law), input_gain(path.end, path.law))
    yield (
        f"Compute is fixed and labour's share is {numbers['labour_share_asara']:.3g} at elasticity {numbers['sigma']:.3g}"
        f" ({_kind(numbers['sigma'])}); experiments get {numbers['epsilon']:.3g} doublings cheaper per doubling of software."
        f" Growth of input per doubling of software {moves}."
    )


def _automation(path: Trajectory) -> Iterator[str]:
    from .law import labour

    share, sigma = path.numbers["automation"], path.numbers["task_sigma"]
    if share < 1:
        first, last = (labour(x, path.law)[0] for x in (0.0, path.end))
        yield (
            f"AI does {100 * share:.3g} % of research tasks and humans the rest, at elasticity {sigma:.3g} ({_kind(sigma)}): a doubling"
            f" of AI labour is worth {first:.3g} doublings of labour, which {_moves(first, last)}."
        )


def _technologies(path: Trajectory) -> Iterator[str]:
    from .law import experiments

    numbers = path.numbers
    beta = numbers["experiment_beta"]
    if not math.isnan(beta) and numbers["epsilon"] > 0 and numbers["labour_share_asara"] < 1:
        first, last = (experiments(x, path.law)[0] for x in (0.0, path.end))
        own = numbers["parallel"] / numbers["r"]
        yield (
            f"Experiments are a technology of their own, fed by the same research and with a beta of {beta:.3g} against {own:.3g} of"
            f" software: their gain per doubling of software, {first:.3g} at ASARA, {_moves(first, last)}."
        )


def _switch(path: Trajectory) -> Iterator[str]:
    from .law import input_gain

    numbers = path.numbers
    x, later = numbers["sigma_switch"], numbers["sigma_later"]
    if math.isfinite(x) and numbers["labour_share_asara"] < 1 and later != numbers["sigma"]:
        if x >= path.end:
            yield f"The elasticity would change at {x:.3g} doublings, which are beyond the ceiling."
            return
        there, last = (input_gain(at, path.law) for at in (x, path.end))
        yield (
            f"From {x:.3g} doublings on, {told_time(path.years_at(x))} after ASARA, the elasticity is {later:.3g} ({_kind(later)}) in place of"
            f" {numbers['sigma']:.3g}: growth of input per doubling of software, {there:.3g} there, {_moves(there, last)}."
        )


def _retraining(path: Trajectory) -> Iterator[str]:
    if path.retraining != "none":
        plain = path.law.copy()
        plain["retraining"] = RETRAINING["none"]
        from .law import pace_slope

        yield (
            f"Each generation has to be trained, in runs that get shorter as the pace rises: at ASARA the pace changes by"
            f" {path.slope(0.0):+.3g} doublings per doubling of software in place of {pace_slope(0.0, plain):+.3g} (rule {path.retraining})."
        )


def _ceiling(path: Trajectory) -> Iterator[str]:
    from .law import returns_at

    left, shape = path.numbers["ceiling"], path.numbers["shape"]
    if math.isfinite(left):
        yield f"A ceiling {left:.3g} doublings away makes ideas ever harder: returns reach 0 there."
        if shape != 1:
            late = "late" if shape > 1 else "early"
            half = returns_at(left / 2, path.law)
            yield f"Returns fall {late} (shape {shape:.3g}): half way r is {half:.3g}."


def _limit(path: Trajectory) -> Iterator[str]:
    if entries := path.paths.attrs.get("limit_entries", 0):
        begin, end = path.paths.clock.values.ravel()[-entries:][3:5]
        until = f"to {end:.3g} doublings" if math.isfinite(end) else "on"
        yield (
            f"A doubling of software takes at least {told_time(path.numbers['shortest_doubling'])}: from {begin:.3g} doublings"
            f" {until} the pace is held at {path.fastest:.3g} doublings a year."
        )


def outside(path: Trajectory) -> Iterator[str]:
    """What acts on a trajectory from outside, a sentence each."""
    numbers = path.numbers
    if (growth := numbers["hardware_growth"]) > 0:
        yield (
            f"Hardware doubles {growth:.3g} {'time' if growth == 1 else 'times'} a year after ASARA, worth"
            f" {growth * path.law['lambda_']:.3g} doublings of the pace a year."
        )
    if not math.isnan(start := numbers["boost_start"]):
        end = numbers["speedup"] if math.isnan(numbers["boost_end"]) else numbers["boost_end"]
        yield (
            f"The boost from AI comes gradually: without software's feedback on itself the pace is {1 + start:.3g} times the recent pace"
            f" at ASARA and {1 + end:.3g} times after {numbers['boost_years']:.3g} years."
        )
    if (years := numbers["pause_years"]) > 0:
        level = numbers["pause_doublings"]
        when = path.years_at(level) if level < numbers["ceiling"] else math.inf
        begins = f"begins {told_time(when)} after ASARA" if math.isfinite(when) else "is never reached"
        yield f"The pause of {told_time(years)} at {level:.3g} doublings {begins}."


def _crossings(path: Trajectory) -> Iterator[str]:
    """Where k changes sign."""
    from scipy.optimize import brentq

    pace = "the pace" if path.factor is None else "what software alone does to the pace"
    x = np.concatenate([[0.0], np.geomspace(1e-3, 1.0, 400)]) * path.end
    k = np.array([path.slope(at) for at in x])
    found = np.flatnonzero(np.sign(k[:-1]) * np.sign(k[1:]) < 0)
    for i in found:
        at = cast("float", brentq(path.slope, x[i], x[i + 1]))
        way = f"rises above 1 and {pace} starts to rise"
        if k[i] > 0:
            way = f"falls below 1 and {pace} starts to fall"
        when = told_time(path.years_at(at))
        yield f"r {way} at {at:.3g} doublings, {when} after ASARA."
    if not found.size:
        side = "above" if k[0] > 0 else "below" if k[0] < 0 else "at"
        yield f"r never crosses 1: it stays {side} 1."


def _said(name: str) -> str:
    return name.replace("_", " ").replace("asara", "at ASARA")


def _count(doublings: float) -> str:
    return f"{doublings:.3g}" if math.isfinite(doublings) else "infinitely many"
