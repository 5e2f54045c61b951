"""Every combination of levels of evidence is sampled, with the shortest chains that a command takes, 4 of 1000 draws.

Combinations that give a view the same rows at the same levels are one. `-s` shows what was found and how long it took.
"""

import time
from itertools import product

import numpy as np
import pytest

import sie
from sie.data.evidence import LEVELS
from sie.inference.sampling import MAX_RHAT, MIN_ESS
from sie.returns.design import design
from sie.returns.selection import domains_at

pytestmark = pytest.mark.slow

DRAWS = 4000


def choices(evidence, view):
    """The levels of each domain at which different rows of it may update the view; of levels that leave it none, one."""
    found = {}
    for domain in evidence.domain.values.tolist():
        different = {}
        for level in LEVELS:
            if domain in domains_at(evidence, level):
                rows = sie.usable(evidence, view, levels={domain: level})
                own = rows.isel(estimate=(rows.kind != "factor").values & (domain_of(rows) == domain))
                ids = tuple(own.estimate.values.tolist())
                different.setdefault((ids, level if ids else ""), level)
        if different:
            found[domain] = list(different.values())
    return found


def domain_of(rows):
    return rows.domain.values[rows.domain_idx.values]


def every(levels):
    """All combinations, as mappings of domain to level."""
    return [dict(zip(levels, chosen, strict=True)) for chosen in product(*levels.values())]


def views():
    """Both forms of the reference view, the second with all that the share may depend on uncertain too, and Davidson's."""
    free = sie.read_view("reference_all_inputs")
    free = free.replace(sigma=sie.lognormal(0.6, 1.2), experiment_gain=sie.uniform(0, 1))
    return {
        "reference": sie.read_view("reference"),
        "reference_all_inputs": sie.read_view("reference_all_inputs"),
        "reference_all_inputs, sigma and experiment_gain uncertain": free,
        "davidson_2025": sie.read_view("davidson_2025"),
    }


@pytest.mark.parametrize("name", views())
def test_every_combination_of_levels_converges(name, evidence):
    view = views()[name]
    sie.fit(design(sie.usable(evidence, view), view), seed=1, draws=DRAWS)
    levels = choices(evidence, view)
    wanted = every(levels)
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
        f"\n{name}: {len(wanted)} combinations that differ ({np.prod([len(one) for one in at])} of levels),"
        f" {len(failed)} not converged; R-hat at most {rhat.max():.4f}, ESS at least {ess.min():.0f}, {divergences.sum():.0f} divergences,"
        f" {int((accept > accept.min()).sum())} needed the retry; seconds a fit {np.median(wall):.2f} (median), {wall.max():.2f} (most),"
        f" of processor {np.median(processor):.2f} and {processor.max():.2f}, {processor.sum():.0f} in all"
    )
    assert not failed, "\n".join(failed)
    assert rhat.max() <= MAX_RHAT
    assert ess.min() >= MIN_ESS
    assert divergences.max() == 0
