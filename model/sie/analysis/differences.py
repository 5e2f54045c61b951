"""Why two views give different credences: the difference shared out over the inputs in which they differ, in no order.

    part_g = average over orders of  P(before g, and g) - P(before g)             (Shapley over groups of inputs)

P(S) is the credence of a hybrid view that has the groups S from B and the rest from A, on common random numbers: a quantity's
draws depend on the seed, its name and its own prior alone. Counts are whole numbers and the averages fractions, so that parts
sum to the whole, B to A is minus A to B, and A to A is zero, all exactly. Given evidence, everything that evidence moves is
one group: the two posteriors are joint and cannot be mixed.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ..data.exogenous import variables
from ..data.priors import Entry, View
from ..data.quantities import CHAIN, INPUT_SHARES, YEARS_OF_PROGRESS
from ..growth.credences import indicators, probabilities
from ..returns.equations import at_asara
from .sensitivity.shapley import orders

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["difference", "groups"]

MOST_GROUPS = 10
"""Groups up to which every order counts; beyond, ORDERS orders and their reverses do."""

ORDERS = 32
"""Orders drawn, each used forwards and backwards, where there are too many groups for all."""

BLOCKS = 20
"""Blocks of consecutive draws whose scatter gives the standard errors."""

AT_ONCE = 16
"""Hybrids that are followed together."""

R = "r at ASARA"
"""The name of the group that holds everything about r, where one view states it directly or evidence has moved it."""

R_AND_COMPUTE = "r_target with compute's factor"
"""The name of the group that is r of language models and compute's factor, where one view states the factor, and r against labour, and
the other derives it, from r against all inputs."""

WHY_ONE = {
    R: f"{R} is one group: one view states it directly, the other as a chain of factors.",
    R_AND_COMPUTE: "r_target and compute's factor are one group: one view states the factor, on r against labour, the other derives it, on r"
    " against all research input.",
}
"""Why a group cannot be exchanged piece by piece."""


def groups(a: View, b: View, *, given: str = "priors") -> dict[str, tuple[str, ...]]:
    """The inputs in which two views differ, in groups that can be exchanged one by one, by name.

    A group is one quantity, but for: r_typical and spread, which act through r of language models alone; steepening or
    `gained_before_asara` with the ceiling, where either view states the latter; everything about r, where one states it directly;
    r of language models with compute's factor and what it is derived from, where one derives it; what is correlated; everything that
    evidence moves, `given` evidence.
    """
    of = {name: {name} for name in (*a.entries, *b.entries, *a.exogenous, *b.exogenous)}

    def join(names: set[str]) -> None:
        together = set().union(*(of[name] for name in names if name in of))
        for name in together:
            of[name] = together

    for view in (a, b):
        for correlation in getattr(view, "correlations", ()):
            join({*correlation.between})
    if {"hardware_growth", "boost"} & {*of}:  # which nothing but one of them may have
        join({"hardware_growth", "boost", "shortest_doubling"})
    join({"r_typical", "spread"})
    chain = {*CHAIN, "r_asara", "conversion", "gained_before_asara"}
    derives = [v.derives_compute_bottleneck for v in (a, b)]
    compute = {*INPUT_SHARES, "lambda", "parallel", "compute_bottleneck"} if any(derives) else set()
    if a.states_r_asara != b.states_r_asara:
        join(chain | compute)
    elif derives[0] != derives[1]:
        join({"r_typical"} | compute)
    if given == "evidence":
        join(chain | {name for v in (a, b) for name in getattr(v, "informed", ())})
    if "gained_before_asara" in of:
        distance = {"gained_before_asara", "steepening", "ceiling"}
        units = {v[name].unit for v in (a, b) for name in ("gained_before_asara", "ceiling") if name in v}
        join(distance | ({"software_share", "recent_pace"} if YEARS_OF_PROGRESS in units else set()))
    found = {}
    for name in sorted(of):
        members = tuple(sorted(of[name]))
        if members[0] == name and (
            any(_stated(a, m) != _stated(b, m) for m in members)
            or (given == "evidence" and set(members) & chain and a.reflects != b.reflects)
        ):
            found[_title(members, given, chain)] = members
    return dict(sorted(found.items()))


def difference(
    a: View,
    b: View,
    draws_a: xr.Dataset,
    draws_b: xr.Dataset,
    *,
    events: Sequence[str],
    given: str = "priors",
    on_progress: Callable[[str], None] = lambda text: None,
) -> xr.Dataset:
    """P(event) of view B less that of view A, shared out over groups of inputs, dims (event, group).

    Parameters
    ----------
    a, b : View
        The two views.
    draws_a, draws_b : xr.Dataset
        Draws of `prior` (or posteriors) of the two views, with one seed and number of draws.
    events : sequence of str
        Names in `EVENTS`.
    given : str, optional
        "priors" or "evidence": what the draws are given. Given evidence, everything that it moves is one group.
    on_progress : callable, optional
        Called with a line of text as the work goes on.

    Returns
    -------
    xr.Dataset
        `part` (event, group), probabilities that sum to the `whole` (event); its standard error `se`, of common random numbers and of
        sampled orders; `p_a` and `p_b` (event) with their Monte Carlo errors `mcse_a` and `mcse_b`. `attrs["every_order"]` is 0 where orders were sampled; `hybrids` and `draws` are
        numbers of hybrid views and of draws.

    References
    ----------
    Shapley values, over groups of inputs; the equation is in the docstring of this module.
    """
    import xarray as xr

    players = _with_unchanged(groups(a, b, given=given), a, b)
    names = list(players)
    steps, all_orders = _steps(len(names))
    sets = sorted(
        {0, 2 ** len(names) - 1} | {u for u, _, _, _ in steps} | {u | 1 << i for u, i, _, _ in steps}
    )
    size = draws_a.r_asara.size
    block = np.arange(size) * BLOCKS // size
    counts, mcse = {}, {}
    for some, hybrid in _batches(a, b, sets, list(players.values())):
        on_progress(f"{a.name} to {b.name}: {len(counts)} of {len(sets)} hybrid views")
        happens = indicators(_paths(hybrid, some, draws_a, draws_b), list(events)).values
        for u, part in zip(some, np.split(happens, len(some), axis=1), strict=True):
            if u in (sets[0], sets[-1]):
                own = draws_b if u else draws_a
                chains = part.reshape(len(events), *own.r_asara.shape)
                mcse[u] = probabilities(chains, independent=bool(own.attrs.get("independent_draws")))[1]
            counts[u] = np.stack([np.bincount(block, weights=event, minlength=BLOCKS) for event in part])
    blocks = np.zeros((len(events), len(names), BLOCKS))
    exact = [[Fraction(0)] * len(names) for _ in events]
    pairs = 1 + max((pair for _, _, _, pair in steps), default=0)
    by_pair = np.zeros((pairs, len(events), len(names)))
    for u, i, weight, pair in steps:
        change = (counts[u | 1 << i] - counts[u]).astype(int)
        blocks[:, i] += float(weight) * change
        by_pair[pair, :, i] += float(weight) * pairs * change.sum(axis=1) / size
        for e in range(len(events)):
            exact[e][i] += weight * int(change[e].sum())
    per_block = np.bincount(block, minlength=BLOCKS)
    se = (blocks / per_block).std(axis=-1, ddof=1) / math.sqrt(BLOCKS)
    if pairs > 1:
        se = np.hypot(se, by_pair.std(axis=0, ddof=1) / math.sqrt(pairs))
    ends = [counts[u].sum(axis=1) / size for u in (sets[0], sets[-1])]
    part = [[float(share / size) for share in row] for row in exact]
    return xr.Dataset(
        {
            "part": (("event", "group"), np.array(part).reshape(len(events), len(names))),
            "se": (("event", "group"), se),
            "p_a": ("event", ends[0]),
            "p_b": ("event", ends[1]),
            "mcse_a": ("event", mcse[sets[0]]),
            "mcse_b": ("event", mcse[sets[-1]]),
            "whole": ("event", [float(sum(row, Fraction(0)) / size) for row in exact]),
        },
        coords={"event": list(events), "group": names},
        attrs={"every_order": int(all_orders), "hybrids": len(sets), "draws": size},
    )


def _with_unchanged(players: dict[str, tuple[str, ...]], a: View, b: View) -> dict[str, tuple[str, ...]]:
    """The groups, with what does not differ in that of `gained_before_asara`, whose discarded draws leave a gap in every column."""
    taken = {name for members in players.values() for name in members}
    unchanged = tuple(name for name in a.entries if name in b and name not in taken)
    return {
        title: members + unchanged if "gained_before_asara" in members else members
        for title, members in players.items()
    }


def _stated(view: View, name: str) -> tuple | None:
    """What a view says of a quantity, its correlations included."""
    if name in view.exogenous:
        return tuple(view.exogenous[name].numbers.items())
    if name not in view:
        return None
    entry = view[name]
    pairs = {(frozenset(pair.between), pair.rank) for pair in view.correlations if name in pair.between}
    return entry.prior, entry.unit, entry.reached, pairs


def _title(members: tuple[str, ...], given: str, chain: set[str]) -> str:
    if "r_asara" in members or (given == "evidence" and "r_typical" in members):
        return f"{R} (priors and evidence)" if given == "evidence" else R
    if {"r_typical", "compute_bottleneck"} <= {*members}:
        return R_AND_COMPUTE
    if members == ("r_typical", "spread"):
        return "r_target (r_typical, spread)"
    if len(members) == 1:
        return members[0]
    return ", ".join(members)


def _steps(count: int) -> tuple[list[tuple[int, int, Fraction, int]], bool]:
    """(set, group that joins it, weight, pair of orders), over every order or over a sample that is its own reverse."""
    if count <= MOST_GROUPS:
        total = math.factorial(count)
        weight = [
            Fraction(math.factorial(size) * math.factorial(count - size - 1), total) for size in range(count)
        ]
        every = [(u, i) for u in range(2**count) for i in range(count) if not u >> i & 1]
        return [(u, i, weight[u.bit_count()], 0) for u, i in every], True
    chosen, steps = orders(count, ORDERS, np.random.default_rng(count)), []
    for k, order in enumerate(chosen):
        u = 0
        for i in order:
            steps.append((u, i, Fraction(1, len(chosen)), k // 2))
            u |= 1 << i
    return steps, False


@dataclass(frozen=True, kw_only=True)
class _Hybrid:
    """A view that has some quantities from B and the rest from A; views of one kind differ in their draws alone."""

    view: View
    names: tuple[str, ...]
    from_b: dict[int, frozenset[str]]


def _is_1(entry: Entry) -> bool:
    """Whether a quantity is 1 in every draw, for which `at_asara` has a formula of its own (sigma)."""
    return entry.prior.family == "fixed" and entry.prior.numbers[0] == 1


def _batches(
    a: View, b: View, sets: list[int], players: list[tuple[str, ...]]
) -> Iterator[tuple[list[int], _Hybrid]]:
    """Sets of exchanged groups, a few at a time, whose hybrid views state the same quantities in the same units."""
    from_b, kinds = {}, {}
    for u in sets:
        names = {name for i, members in enumerate(players) if u >> i & 1 for name in members}
        entries = {name: entry for name, entry in a.entries.items() if name not in names}
        entries |= {name: entry for name, entry in b.entries.items() if name in names}
        from_b[u] = frozenset({*names, "r_target"} if "r_typical" in names else names)
        outside = {name: table for name, table in a.exogenous.items() if name not in names}
        outside |= {name: table for name, table in b.exogenous.items() if name in names}
        form = sorted((name, entry.unit, entry.reached, _is_1(entry)) for name, entry in entries.items())
        kind = (*form, *variables(outside).items())
        kinds.setdefault(kind, (entries, outside, []))[2].append(u)
    for entries, outside, members in kinds.values():
        own = {"entries": MappingProxyType(entries), "exogenous": MappingProxyType(outside)}
        view = dataclasses.replace(a, **own, path=None)
        names = (*entries, *(() if view.states_r_asara else ("r_target",)))
        for first in range(0, len(members), AT_ONCE):
            yield members[first : first + AT_ONCE], _Hybrid(view=view, names=names, from_b=from_b)


def _paths(hybrid: _Hybrid, sets: list[int], draws_a: xr.Dataset, draws_b: xr.Dataset) -> xr.Dataset:
    """The paths of several hybrid views, one after the other along `draw`."""
    import xarray as xr

    from ..growth.paths import simulate

    columns = {
        name: np.concatenate(
            [(draws_b if name in hybrid.from_b[u] else draws_a)[name].values.ravel() for u in sets]
        )
        for name in hybrid.names
    }
    stated = xr.Dataset({name: ("draw", column) for name, column in columns.items()})
    return simulate(stated.assign(at_asara(stated.variables, hybrid.view)))
