"""Every combination of levels at which the domains' evidence may enter a view, and few that hold all pairs of them."""

from itertools import combinations, product

import sie
from sie.evidence import LEVELS, domains_at


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


def covering(levels, size):
    """Few combinations that hold every `size` levels of different domains together: the next has the most that are new."""
    held = [set(combinations(one.items(), size)) for one in every(levels)]
    missing, chosen = set().union(*held), []
    while missing:
        best = max(range(len(held)), key=lambda i: len(held[i] & missing))
        chosen.append(best)
        missing -= held[best]
    return [every(levels)[i] for i in chosen]
