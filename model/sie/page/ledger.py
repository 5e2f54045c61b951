"""A record of credences over time: a plain-text file to which reports are appended, and what moved between its entries.

One line of JSON an entry, keys sorted: the date that the user gave, the view with the priors it stated, the rows used, the level
of each domain, seed, draws, versions, the hash of all inputs, and the credences. Lines without levels are of version 1. An entry that is there already is not added again. The file is replaced as a
whole under a lock, so that a killed process leaves the old or the new ledger and two at once lose nothing. It computes no credence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date as Date
from pathlib import Path

from ..base.errors import DataError, Problems, plain
from ..base.files import write_atomically
from ..base.reading import parse_json, read_text
from ..data.exogenous import variables
from ..data.priors import Entry as Stated
from ..data.priors import View
from ..data.quantities import EVENT_NAMES, GIVEN
from ..data.schema import DATE, anything, checked, optional
from ..data.wording import prior_in_words
from .snapshot import INPUTS, RUN, Saved, check_credences, check_levels, inputs_of, view_of

__all__ = ["Entry", "append", "changes", "entries_of", "moves", "read_ledger"]

LOCK_SECONDS = 60
"""How long to wait for another process that is writing."""

NOISE = 2.0
"""A credence has moved if by more than this many standard errors of both sides in quadrature."""

_FIELDS = {
    "date": DATE,
    **dict.fromkeys(("view", "label", "inputs", "credences"), anything()),
    "levels": optional(anything()),
    **INPUTS,
    **RUN,
}
"""What a line holds; in one of version 1 there are no levels."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One view on one date. `levels` is None in an entry of version 1, whose `inputs_sha256` did not cover them."""

    date: Date
    view: View
    rows_used: tuple[str, ...]
    levels: Mapping[str, str] | None
    inputs_sha256: str
    seed: int
    draws: int
    versions: Mapping[str, str]
    credences: Mapping[tuple[str, str], tuple[float, float]]


def entries_of(saved: Mapping[str, Saved], date: str) -> list[Entry]:
    """An entry for each view of a saved report. Raises DataError for a date that is not one."""
    day = DATE.of("--date", date)
    return [
        Entry(
            date=day,
            view=one.view,
            rows_used=one.rows_used,
            levels=one.levels,
            inputs_sha256=one.inputs_sha256,
            seed=one.seed,
            draws=one.draws,
            versions=one.versions,
            credences=one.credences,
        )
        for one in saved.values()
    ]


def append(path: Path | str, entries: Sequence[Entry]) -> list[Entry]:
    """Add entries to a ledger, which may be new; returns those that were not there already.

    Raises DataError for a file that is no ledger, and leaves it as it is.
    """
    path = Path(path)
    with _locked(path):
        old = read_text(path) if path.exists() and path.stat().st_size > 0 else ""
        if old:
            _read(path.name, old)
        known = set(old.splitlines())
        added, lines = [], []
        for entry in entries:
            line = _as_line(entry)
            if line not in known:
                known.add(line)
                lines.append(line)
                added.append(entry)
        if lines:
            write_atomically(path, (old + "".join(f"{line}\n" for line in lines)).encode())
    return added


def read_ledger(path: Path | str) -> list[Entry]:
    """The entries of a ledger in the order of their dates; those of one date in the order in which they were added.

    Parameters
    ----------
    path : Path or str
        A file that `sie ledger add` wrote.

    Returns
    -------
    list of Entry
        One for each view on each date, with its priors, rows used, levels, seed, draws, hash of inputs and credences.

    Raises
    ------
    DataError
        At the first line that is no entry.
    """
    path = Path(path)
    return sorted(_read(path.name, read_text(path)), key=lambda entry: entry.date)


def changes(before: Entry, after: Entry) -> list[str]:
    """What differs between the inputs of two entries, a line each; empty where nothing does."""
    old, new = before.view.entries, after.view.entries
    found = []
    for name in dict.fromkeys((*old, *new)):
        sides = [_in_words(entries[name]) if name in entries else "not stated" for entries in (old, new)]
        if sides[0] != sides[1]:
            found.append(f"{name}: {sides[0]} -> {sides[1]}")
    tables = [variables(entry.view.exogenous) for entry in (before, after)]
    for name in dict.fromkeys(key for table in tables for key in table):
        sides = [f"{table[name]:g}" if name in table else "none" for table in tables]
        found += [f"{name}: {sides[0]} -> {sides[1]}"] if sides[0] != sides[1] else []
    gone = [row for row in before.rows_used if row not in after.rows_used]
    come = [row for row in after.rows_used if row not in before.rows_used]
    found += [f"rows no longer used: {', '.join(gone)}"] if gone else []
    found += [f"rows newly used: {', '.join(come)}"] if come else []
    found += _level_changes(before.levels, after.levels)
    if before.inputs_sha256 != after.inputs_sha256 and not found:
        found.append(
            "numbers of evidence rows, or words of the files (the hash of all inputs differs, the priors do not)"
        )
    for name in dict.fromkeys((*before.versions, *after.versions)):
        pair = [entry.versions.get(name, "none") for entry in (before, after)]
        if pair[0] != pair[1]:
            found.append(f"{name} {pair[0]} -> {pair[1]}")
    for name, pair in (("seed", (before.seed, after.seed)), ("draws", (before.draws, after.draws))):
        if pair[0] != pair[1]:
            found.append(f"{name}: {pair[0]} -> {pair[1]}")
    return found


def _level_changes(before: Mapping[str, str] | None, after: Mapping[str, str] | None) -> list[str]:
    """Which domains entered at another level, a line each."""
    if before is None or after is None:
        sides = ["not recorded" if levels is None else "recorded" for levels in (before, after)]
        return [f"levels of domains: {sides[0]} -> {sides[1]}"] if before is not after else []
    return [
        f"level of {domain}: {before.get(domain, 'none')} -> {after.get(domain, 'none')}"
        for domain in dict.fromkeys((*before, *after))
        if before.get(domain) != after.get(domain)
    ]


def moves(before: Entry, after: Entry) -> dict[tuple[str, str], tuple[float, float]]:
    """How far each credence that both have moved, and the standard error of that, by (event, given)."""
    return {
        key: (
            after.credences[key][0] - before.credences[key][0],
            math.hypot(before.credences[key][1], after.credences[key][1]),
        )
        for key in ((event, given) for event in EVENT_NAMES for given in GIVEN)
        if key in before.credences and key in after.credences
    }


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone with the ledger, by a lock file beside it that the system releases when a process ends."""
    from filelock import FileLock, Timeout

    place = path.resolve()
    try:
        with FileLock(place.with_name(f".{place.name}.lock"), timeout=LOCK_SECONDS):
            yield
    except Timeout:
        raise DataError(
            str(path), plain("another process that is writing"), f"its end within {LOCK_SECONDS} seconds"
        ) from None
    except OSError as error:
        raise DataError(str(path), plain(error.strerror or str(error)), "a writable place") from None


def _as_line(entry: Entry) -> str:
    record = {
        "credences": [
            {"event": event, "given": given, "p": p, "mcse": mcse}
            for (event, given), (p, mcse) in entry.credences.items()
        ],
        "date": entry.date.isoformat(),
        "draws": entry.draws,
        "inputs": inputs_of(entry.view),
        "inputs_sha256": entry.inputs_sha256,
        "label": entry.view.label,
        "rows_used": list(entry.rows_used),
        "seed": entry.seed,
        "versions": dict(entry.versions),
        "view": entry.view.name,
        **({"levels": dict(entry.levels)} if entry.levels is not None else {}),
    }
    return json.dumps(record, sort_keys=True, allow_nan=False, separators=(",", ":"))


def _read(where: str, text: str) -> list[Entry]:
    with Problems() as problems:
        if not text.endswith("\n"):
            problems.refuse(where, plain("a last line without an end"), "whole lines")
        lines = enumerate(text.splitlines(), start=1)
        return [problems.attempt(_entry, f"{where} line {k}", line) for k, line in lines]


def _entry(where: str, line: str) -> Entry:
    record = checked(where, parse_json(where, line), _FIELDS, want="an object with " + ", ".join(_FIELDS))
    return Entry(
        date=record["date"],
        view=view_of(where, record["view"], record["label"], record["inputs"]),
        rows_used=tuple(record["rows_used"]),
        levels=check_levels(where, record["levels"]) if record["levels"] is not None else None,
        credences=check_credences(where, record["credences"]),
        **{key: record[key] for key in ("inputs_sha256", *RUN)},
    )


def _in_words(entry: Stated) -> str:
    """A prior and its unit, unless that is 1."""
    unit = "" if entry.unit == "1" else f", {entry.unit}"
    return f"{prior_in_words(entry.prior)}{unit}"
