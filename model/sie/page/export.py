"""Tables of credences for a paper, a page or a spreadsheet: Markdown, LaTeX and CSV, by the ending of the file's name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..analysis.result import Result, conditions
from ..base.errors import DataError
from ..base.files import csv_text, write_atomically
from ..data.wording import AUTHOR_SAYS, conclusion_in_words, credence_in_words

__all__ = [
    "CREDENCE_COLUMNS",
    "FORMATS",
    "Block",
    "as_csv",
    "check_format",
    "credences_as_csv",
    "credences_of",
    "export",
    "export_report",
]

FORMATS = {".md": "Markdown", ".tex": "LaTeX", ".csv": "CSV"}
"""The formats by the ending of a file's name."""

CREDENCE_COLUMNS = ("view", "event", "given", "p", "mcse")
"""Columns of a CSV of credences: p and its Monte Carlo standard error from 0 to 1."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How cells begin that spreadsheets take for formulas."""

_LATEX = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "±": r"$\pm$",
    "<": r"$<$",
    ">": r"$>$",
    "–": "--",
    "“": "``",
    "”": "''",
    "λ": r"$\lambda$",
}
"""What LaTeX would obey or not find in its usual fonts."""


class Block(NamedTuple):
    """One table: what it shows, its head, and its rows, of which the first `words` columns are words."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1


def check_format(option: str, path: Path | None) -> None:
    """Refuse a name that does not say the format."""
    if path is not None and path.suffix not in FORMATS:
        kinds = " or ".join(f"{end} ({kind})" for end, kind in FORMATS.items())
        raise DataError(f"{option} {path}", path.name, f"a name that ends in {kinds}")


def export(path: Path, blocks: Iterable[Block], notes: Sequence[str], csv: str) -> None:
    """Write tables with notes below as Markdown or LaTeX, or `csv` as it is; the name's ending says which."""
    match path.suffix:
        case ".md":
            text = "\n\n".join([*map(_markdown, blocks), *map(_plain, notes)]) + "\n"
        case ".tex":
            text = "\n\n".join([*map(_latex, blocks), *(f"{_escaped(note)}\n" for note in notes)])
        case _:
            text = csv
    write_atomically(path, text.encode())


def as_csv(credences: Iterable[dict]) -> str:
    """Credences as CSV; a name that a spreadsheet would take for a formula has an apostrophe before it."""
    return csv_text(CREDENCE_COLUMNS, ([_inert(one[key]) for key in CREDENCE_COLUMNS] for one in credences))


def credences_of(result: Result) -> list[dict]:
    """The credences of a view, event by event, given priors and given evidence."""
    return [
        {
            "event": event,
            "given": given,
            "p": float(table.p.sel(event=event)),
            "mcse": float(table.mcse.sel(event=event)),
        }
        for event in result.credences["priors"].event.values.tolist()
        for given, table in result.credences.items()
    ]


def credences_as_csv(results: Iterable[Result]) -> str:
    """The credences of views as CSV."""
    return as_csv({"view": result.view.name, **one} for result in results for one in credences_of(result))


def export_report(path: Path, results: Sequence[Result]) -> None:
    """Write a table a view as Markdown or LaTeX, or the credences as CSV; the name's ending says which."""
    blocks = [
        Block(
            f"{result.view.label}: probability of each event in %, Monte Carlo standard error in points in brackets",
            ("event", "meaning", AUTHOR_SAYS, *_HEADS.values()),
            [*_rows_of(result)],
            words=2,
        )
        for result in results
    ]
    export(path, blocks, [conditions([result.view for result in results])], credences_as_csv(results))


_HEADS = {"priors": "author's priors", "evidence": "with evidence not yet used"}


def _rows_of(result: Result) -> Iterator[list[str]]:
    from ..growth.events import EVENTS

    tables = [result.credences.get(given) for given in _HEADS]
    for event in result.credences["priors"].event.values.tolist():
        cells = ["-" if table is None else credence_in_words(table, event) for table in tables]
        said = conclusion_in_words(result.view.concludes.get(event))
        yield [event, EVENTS[event].wording, said, *cells]


def _inert(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def _markdown(block: Block) -> str:
    head = [*map(_plain, block.head)]
    rule = [("---" if i < block.words else "---:") for i in range(len(head))]
    lines = [head, rule, *([*map(_plain, row)] for row in block.rows)]
    return f"**{_plain(block.caption)}**\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Text that Markdown shows letter for letter."""
    return re.sub(r"([\\`*_|<>\[\]#])", r"\\\1", " ".join(text.split()))


def _latex(block: Block) -> str:
    columns = "l" * block.words + "r" * (len(block.head) - block.words)
    lines = [" & ".join(map(_escaped, row)) + r" \\" for row in (block.head, *block.rows)]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_escaped(block.caption)}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\hline",
            lines[0],
            r"\hline",
            *lines[1:],
            r"\hline",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in " ".join(text.split()))
