"""Every pair of levels of two domains is sampled, with the shortest chains that a command takes, 4 of 1000 draws.

Levels that give a view the same rows at the same levels are one. `-s` shows what was found and how long it took.
"""

import time
from itertools import combinations, product

import numpy as np
import pytest

import sie
from sie.data.evidence import LEVELS
from sie.inference.converged import MAX_RHAT, MIN_ESS
from sie.returns.design import design
from sie.returns.selection import domains_at

pytestmark = pytest.mark.slow

DRAWS = 4000

TRIED = 200
"""Random combinations of which the best is taken."""


def choices(evidence, view):
    """The levels of each domain at which different rows of it may update the view; of levels that leave it none, one."""
    found = {}
    for domain in evidence.domain.values.tolist():
        different = {}
        for level in LEVELS:
            if domain in domains_at(evidence, level):
                rows = sie.usable(evidence, view, levels={domain: level})
                own = rows.isel(estimate=(rows.domain_idx.values >= 0) & (domain_of(rows) == domain))
                ids = tuple(own.estimate.values.tolist())
                different.setdefault((ids, level if ids else ""), level)
        if different:
            found[domain] = list(different.values())
    return found


def domain_of(rows):
    return rows.domain.values[rows.domain_idx.values]


def covering(levels, rng):
    """Combinations, as mappings of domain to level, among which every pair of levels of two domains occurs: greedily, each the
    one of TRIED random ones that has most pairs which none has yet."""
    domains = list(levels)
    missing = {((a, x), (b, y)) for a, b in combinations(domains, 2) for x in levels[a] for y in levels[b]}
    found = []
    while missing:
        first = sorted(missing)[rng.integers(len(missing))]
        tried = [
            {domain: str(rng.choice(levels[domain])) for domain in domains} | dict(first)
            for _ in range(TRIED)
        ]
        found.append(max(tried, key=lambda chosen: len(pairs(chosen) & missing)))
        missing -= pairs(found[-1])
    return found


def pairs(chosen):
    return set(combinations(chosen.items(), 2))


def views():
    """Both forms: the reference derives the compute factor, Davidson states it."""
    return {"reference": sie.read_view("reference"), "davidson_2025": sie.read_view("davidson_2025")}


def test_every_pair_of_levels_is_among_the_combinations(evidence):
    levels = choices(evidence, sie.read_view("reference"))
    found = covering(levels, np.random.default_rng(1))
    for a, b in combinations(levels, 2):
        assert {(chosen[a], chosen[b]) for chosen in found} == set(product(levels[a], levels[b]))
    assert len(found) < np.prod([len(one) for one in levels.values()]) / 4


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("name", views())
def test_every_pair_of_levels_converges(name, evidence):
    view = views()[name]
    sie.fit(design(sie.usable(evidence, view), view), seed=1, draws=DRAWS)
    levels = choices(evidence, view)
    wanted = covering(levels, np.random.default_rng(1))
    found, failed = [], []
    for chosen in wanted:
        rows = sie.usable(evidence, view, levels=chosen)
        began, used = time.perf_counter(), time.process_time()
        try:
            attrs = sie.fit(design(rows, view), seed=1, draws=DRAWS).attrs
        except sie.NotConverged as error:
            failed.append(f"{chosen}: {error}")
            continue
        spent = time.perf_counter() - began, time.process_time() - used
        kept = [attrs[key] for key in ("max_rhat", "min_ess", "divergences", "target_accept")]
        found.append((*kept, *spent))
    rhat, ess, divergences, accept, wall, processor = np.array(found).T
    at = [[level for level in LEVELS if domain in domains_at(evidence, level)] for domain in levels]
    print(
        f"\n{name}: {len(wanted)} combinations of {np.prod([len(one) for one in at])},"
        f" {len(failed)} not converged; R-hat at most {rhat.max():.4f}, ESS at least {ess.min():.0f}, {divergences.sum():.0f} divergences,"
        f" {int((accept > accept.min()).sum())} needed the retry; seconds a fit {np.median(wall):.2f} (median), {wall.max():.2f} (most),"
        f" of processor {np.median(processor):.2f} and {processor.max():.2f}, {processor.sum():.0f} in all"
    )
    assert not failed, "\n".join(failed)
    assert rhat.max() <= MAX_RHAT
    assert ess.min() >= MIN_ESS
    assert divergences.max() == 0
