"""`sie check`: whether data files are valid, and whether their quotes appear in the source texts."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.errors import DataError, moved, plain
from ..base.exit_codes import BAD_INPUT
from ..base.reading import read_text
from .check_files import (
    check_alternatives,
    check_buildout,
    check_evidence,
    check_figures,
    check_series,
    check_view,
    check_weights,
    files_around,
    other_data,
    reader_by_place,
)
from .options import Evidence, bibliography

if TYPE_CHECKING:
    pass

__all__ = ["check"]


def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE ...]",
            help="Views (.toml), evidence tables or series (.csv); default: all.",
        ),
    ] = None,
    evidence: Evidence = None,
    sources: Annotated[
        Path | None,
        typer.Option(
            "--sources",
            metavar="DIR",
            help="Also check that every quote appears in the source texts in this folder.",
        ),
    ] = None,
) -> int:
    """Validate data files: print one line per problem, and the works in the bibliography that nothing cites."""
    if sources is not None and not sources.is_dir():
        raise DataError(f"--sources {sources}", plain("no such folder"), "a folder of texts")
    checks = list(_checks(files, evidence, sources))
    problems = []
    for name, run in checks:
        try:
            problems += run()
        except DataError as error:
            located = moved(error, partial(with_line, text=_text_of(name, files)))
            problems += [str(each) for each in (located, *located.others)]
    problems = list(dict.fromkeys(problems))
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"{len(checks)} data sets checked, no problem: " + ", ".join(name for name, _ in checks))
        for key in () if files else _uncited(evidence):
            print(f"remark: sources.toml [{key}]: no row, view or figure cites it")
    return BAD_INPUT if problems else 0


def _text_of(name: str, files: list[Path] | None) -> str:
    """The text of a view or table, by the name it is checked under; empty if there is no text to take line numbers from."""
    from ..data.priors import view_names, view_path

    paths = [path for path in files or () if path.name == name]
    if len(paths) > 1:  # of which one it is, is not known
        return ""
    path = paths[0] if paths else view_path(name) if name in view_names() else None
    try:
        return read_text(path) if path is not None and path.suffix == ".toml" else ""
    except DataError:
        return ""


def with_line(where: str, text: str) -> str:
    """A place in a TOML file, `mine.toml [sigma] unit`, with the line of its text, if it is there: `mine.toml line 8 [sigma] unit`."""
    place = re.match(r"(\S+\.toml) (?:\[([\w.]+)\])? ?(\w*)", where)
    if place is None:
        return where
    file, table, key = place[1], place[2] or "", place[3]
    inside, found = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[+\s*([\w.]+)\s*\]+", line):
            inside = header[1]
            found = found or (number if inside == (table or key) else 0)
        elif inside == table and key and re.match(rf"\s*{re.escape(key)}\s*=", line):
            found = number
            break
    return f"{file} line {found}{where[len(file) :]}" if found else where


def _checks(
    files: list[Path] | None, evidence: Path | None, sources: Path | None
) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """Each data set by name with what reads it and returns the quotes that are not in their texts."""
    from ..data.evidence import named_files
    from ..data.priors import ALTERNATIVES, WEIGHTS, view_names, view_path
    from ..data.rows import FIELDS

    if not files:
        yield (
            f"evidence in {evidence}" if evidence is not None else "evidence",
            lambda: check_evidence(named_files(evidence), sources),
        )
        yield from other_data(evidence, sources)
        for name in view_names():
            yield name, lambda name=name: check_view(view_path(name), evidence, sources)
        yield "figures", lambda: check_figures(None, sources)
        yield "buildout", lambda: check_buildout(None, sources)
        yield "weights", lambda: check_weights(None, evidence, sources)
        yield "alternatives", lambda: check_alternatives(None, evidence, sources)
        return
    for path in files:
        if (read := reader_by_place(path, sources)) is not None:
            yield path.name, read
        elif path.name == "figures.csv":
            yield path.name, lambda path=path: check_figures(path, sources)
        elif path.name == "buildout.toml":
            yield path.name, lambda path=path: check_buildout(path, sources)
        elif path.name in FIELDS or path.name == "sources.toml":
            yield path.name, lambda path=path: check_evidence(files_around(path, evidence), sources)
        elif path.suffix == ".csv":
            yield path.name, lambda path=path: check_series(path)
        elif path.name == ALTERNATIVES:
            yield path.name, lambda path=path: check_alternatives(path, evidence, sources)
        elif path.name == WEIGHTS:
            yield path.name, lambda path=path: check_weights(path, evidence, sources)
        elif path.suffix == ".toml":
            yield path.name, lambda path=path: check_view(path, evidence, sources)
        elif os.path.isdir(path):
            want = f"a view (.toml) or a table (.csv); a whole evidence folder: sie check --evidence {path}"
            raise DataError(str(path), plain("a folder"), want)
        elif not path.suffix and os.path.isfile(beside := f"{path}.toml"):
            raise DataError(str(path), plain("no such file"), f"{beside}, which is a file here")
        else:
            raise DataError(
                str(path), plain(f"the ending {path.suffix!r}"), "a view (.toml) or an evidence table (.csv)"
            )


def _uncited(evidence: Path | None) -> list[str]:
    """Works that no data file cites. Not an error, since a row may still be in preparation, but worth a line of output."""
    from ..base.reading import data_folder

    folders = dict.fromkeys(
        (evidence or data_folder("evidence"), data_folder("evidence"), data_folder("priors"))
    )
    files = [
        file
        for folder in folders
        for file in sorted(folder.rglob("*"))
        if file.suffix in (".csv", ".toml")
        and file.name != "sources.toml"
        and file.parent.name != "likelihoods"
    ]
    lines = (line for file in files for line in read_text(file).splitlines() if not line.startswith("#"))
    named = set(re.findall(r"\w+", "\n".join(lines)))
    return [key for key in bibliography(evidence) if key not in named]
