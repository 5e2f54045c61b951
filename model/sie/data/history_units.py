"""The units of a raw history: how an output counts doublings of software, and whether an effort is a total or a rate."""

from __future__ import annotations

__all__ = ["EFFORT_UNITS", "ELO", "OUTPUT_UNITS", "better"]

ELO = "Elo"

OUTPUT_UNITS = {
    **dict.fromkeys(
        ("milliseconds", "seconds", "minutes", "hours", "days", "CPU hours", "GPU hours"), "cost"
    ),
    **dict.fromkeys(("teraflop/s-days", "FLOP", "tokens", "samples", "steps", "dollars", "joules"), "cost"),
    **dict.fromkeys(("multiple", "per second", "per dollar"), "multiple"),
    "doublings": "doublings",
    ELO: ELO,
}
"""Units of output, and how they count doublings of software: a `cost` of a fixed task is halved by one, a `multiple` (how many times
as fast, or a throughput) doubled; `doublings` are counted, and Elo becomes doublings by the gain from twice the speed."""

EFFORT_UNITS = {
    **dict.fromkeys(
        ("persons", "people", "authors", "contributors", "researchers", "engineers"), "cumulative"
    ),
    **dict.fromkeys(("teams", "author-years", "person-years", "person-months", "person-days"), "cumulative"),
    **dict.fromkeys(("person-hours", "staff-years", "publications", "papers", "pull requests"), "cumulative"),
    **dict.fromkeys(("commits", "active days", "lines", "experiments", "runs", "games"), "cumulative"),
    **dict.fromkeys(("CPU hours", "GPU hours", "FLOP", "dollars", "euros"), "cumulative"),
    **dict.fromkeys(("authors per year", "publications per year", "CPU hours per year"), "flow"),
    **dict.fromkeys(("GPU hours per year", "dollars per year", "persons at work", "FTE", "staff"), "flow"),
    **dict.fromkeys(("entries", "records"), "output count"),
}
"""Units of effort. A `cumulative` effort counts all so far and never falls; a `flow` is a rate, as a headcount of those at work; an
`output count` numbers the observations themselves, so that it never identifies r."""


def better(unit: str) -> str:
    """Which way is better, by the unit of an output."""
    return "lower" if OUTPUT_UNITS[unit] == "cost" else "higher"
