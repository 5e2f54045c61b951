"""The command line: `sie report`, `check`, `list`, `new`, `grow`, `explain`.

Results go to standard output, progress and errors to standard error. Exit codes: 0 good; 2 bad input (one line, nothing
written); 3 not converged; 130 interrupted.
"""

from __future__ import annotations

import gc
import io
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from . import __version__
from .grow_cli import explain, grow
from .inference import NotConverged
from .sources import DataError, Source, find_quote, plain, read_sources, read_text

__all__ = ["app", "main"]

DEFAULT_DRAWS = 20000
LEAST_DRAWS = 1000

BAD_INPUT, NOT_CONVERGED, INTERRUPTED = 2, 3, 130

app = typer.Typer(
    add_completion=False, no_args_is_help=False, pretty_exceptions_enable=False, help=__doc__.split("\n\n")[0]
)

_Evidence = Annotated[
    Path | None,
    typer.Option("--evidence", metavar="DIR", help="An evidence folder (default: the bundled one)."),
]


def main() -> None:
    """Run the command line and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = app(standalone_mode=False)
        if code == INTERRUPTED:  # typer has caught it
            raise KeyboardInterrupt
        sys.stdout.flush()
    except (DataError, TyperException) as error:
        message = error.format_message() if isinstance(error, TyperException) else str(error)
        code = _fail(
            message if not isinstance(error, TyperException) else f"sie: {message} (see sie --help)",
            BAD_INPUT,
        )
    except (KeyboardInterrupt, typer.Abort):
        code = _fail("sie: interrupted", INTERRUPTED)
    except NotConverged as error:
        code = _fail(str(error), NOT_CONVERGED)
    except OSError as error:
        code = _fail(
            f"sie: found {error.strerror or error} on standard output, want a place to write", BAD_INPUT
        )
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    gc.freeze()  # nothing is worth collecting at exit; it would take a second
    sys.exit(code or 0)


def _fail(message: str, code: int) -> int:
    print(" ".join(message.split()), file=sys.stderr)
    return code


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if show_version:
        print(f"sie {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        raise DataError(
            "sie", plain("no command"), "report, check, list, new, grow or explain (see sie --help)"
        )


@app.command()
def report(
    views: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[VIEW ...]", help="Names under priors/ or paths ending in .toml; all if none."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of every random number.")] = 1,
    draws: Annotated[
        int,
        typer.Option(metavar="N", help="Draws that reach growth and credences, prior and posterior each."),
    ] = DEFAULT_DRAWS,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write plots, draws and credences.csv here.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the results as JSON here.")
    ] = None,
    priors_only: Annotated[bool, typer.Option("--priors-only", help="Sample no posterior.")] = False,
    evidence: _Evidence = None,
) -> None:
    """Credences of views before and after evidence, with their Monte Carlo errors."""
    from . import report as reports
    from .evidence import evidence_files, read_evidence, usable
    from .priors import read_view, view_names

    if seed < 0:
        raise DataError("--seed", seed, "a whole number of at least 0")
    if draws < LEAST_DRAWS or draws % 4:
        raise DataError("--draws", draws, f"a multiple of 4, at least {LEAST_DRAWS}")
    names = views or view_names()
    bibliography = _bibliography(evidence)
    read = [read_view(name, sources=bibliography) for name in names]
    _refuse_same_stems(names, [view.name for view in read])
    inputs = [view.path for view in read] + evidence_files(evidence)
    targets = reports.planned_files(read, out) if out is not None else []
    _refuse_unwritable("--out", out, folder=True)
    _refuse_unwritable("--json", json, inputs=inputs, others=[*targets, *([out] if out is not None else [])])
    for target in targets:
        _refuse_unwritable("--out", target, inputs=inputs, parent_may_be_made=True)

    rows = read_evidence(evidence)
    for view in read:
        usable(rows, view)
    if priors_only:
        rows = None

    results = []
    with _progress() as say:
        for view in read:
            results.append(reports.compute(view, rows, seed=seed, draws=draws, folder=evidence, say=say))
        pages = [reports.as_text(result) for result in results]
        if out is not None:
            reports.write_folder(results, out, say=say)
        if json is not None:
            reports.write_atomically(json, reports.as_json(results, seed=seed, draws=draws).encode())
    print("\n".join(pages))
    print(reports.event_wordings())
    print(reports.CONDITIONS)


def _bibliography(evidence: Path | None) -> dict[str, Source]:
    """The bundled works and those of the user's own evidence folder."""
    return {**read_sources(), **(read_sources(evidence) if evidence is not None else {})}


def _refuse_same_stems(names: list[str], stems: list[str]) -> None:
    for i, stem in enumerate(stems):
        if stem in stems[:i]:
            raise DataError(
                "sie report",
                plain(f"two views named {stem} ({names[stems.index(stem)]} and {names[i]})"),
                "views of different names",
            )


def _refuse_unwritable(
    option: str,
    path: Path | None,
    *,
    folder: bool = False,
    inputs: Sequence[Path] = (),
    others: Sequence[Path] = (),
    parent_may_be_made: bool = False,
) -> None:
    """Refuse a target that could not be written, or that is an input or another target, before the long work."""
    if path is None:
        return
    where = f"{option} {path}"
    try:
        resolved, exists = path.resolve(), path.exists()
    except OSError as error:
        raise DataError(where, plain(error.strerror or str(error)), "a path that can exist") from None
    if exists and not (path.is_dir() if folder else path.is_file()):
        raise DataError(
            where, plain("something else of that name"), "a folder" if folder else "a regular file"
        )
    if resolved in [other.resolve() for other in inputs]:
        raise DataError(where, plain("an input of this command"), "another file")
    if resolved in [other.resolve() for other in others]:
        raise DataError(where, plain("another target of this command"), "another file")
    place = path if folder else path.parent
    while not place.exists() and (folder or parent_may_be_made):
        place = place.parent
    if not place.is_dir():
        raise DataError(where, plain(f"no folder {place}"), "a place in a folder that exists")
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise DataError(where, plain(f"{place}: {error.strerror}"), "a writable place") from None


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Say on a terminal what is going on; elsewhere stay silent, so that an error is the only line."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: None
        return
    with console.status("starting") as status:
        yield status.update


@app.command()
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE ...]", help="Views (.toml) or evidence tables (.csv); everything if none."
        ),
    ] = None,
    evidence: _Evidence = None,
    sources: Annotated[
        Path | None,
        typer.Option("--sources", metavar="DIR", help="Also find every quote in the texts of this folder."),
    ] = None,
) -> int:
    """Validate data files; print one line per problem."""
    if sources is not None and not sources.is_dir():
        raise DataError(f"--sources {sources}", plain("no such folder"), "a folder of texts")
    checks = list(_checks(files, evidence, sources))
    problems = []
    for _, run in checks:
        try:
            problems += run()
        except DataError as error:
            problems.append(str(error))
    problems = list(dict.fromkeys(problems))
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"{len(checks)} data sets checked, no problem: " + ", ".join(name for name, _ in checks))
    return BAD_INPUT if problems else 0


def _checks(
    files: list[Path] | None, evidence: Path | None, sources: Path | None
) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """Each data set by name with what reads it and returns the quotes that are not in their texts."""
    from .evidence import evidence_files
    from .priors import view_names, view_path

    if not files:
        yield (
            "evidence",
            lambda: _check_evidence({file.name: file for file in evidence_files(evidence)}, sources),
        )
        for name in view_names():
            yield name, lambda name=name: _check_view(view_path(name), evidence, sources)
        return
    for path in files:
        if path.suffix == ".csv" or path.name == "sources.toml":
            yield path.name, lambda path=path: _check_evidence(_files_around(path, evidence), sources)
        elif path.suffix == ".toml":
            yield path.name, lambda path=path: _check_view(path, evidence, sources)
        else:
            raise DataError(
                str(path), plain(f"the ending {path.suffix!r}"), "a view (.toml) or an evidence table (.csv)"
            )


def _check_view(path: Path, evidence: Path | None, sources: Path | None) -> list[str]:
    from .evidence import read_evidence, usable
    from .priors import read_view

    view = read_view(str(path), sources=_bibliography(evidence))
    usable(read_evidence(evidence), view)
    tables = {**view.entries, **{f"concludes.{name}": item for name, item in view.concludes.items()}}
    records = [
        (f"{path.name} [{name}]", item.source or view.source, item.quote) for name, item in tables.items()
    ]
    return _missing_quotes(records, sources, _bibliography(evidence))


def _check_evidence(files: dict[str, Path], sources: Path | None) -> list[str]:
    from .evidence import read_files

    rows = read_files(files)
    where = (f"evidence row {row}" for row in rows.estimate.values)
    records = list(zip(where, rows.source.values, rows.quote.values, strict=True))
    return _missing_quotes(records, sources, read_sources(files["sources.toml"]))


def _files_around(path: Path, evidence: Path | None) -> dict[str, Path]:
    """An evidence file among its own siblings; those that it lacks come from the evidence folder."""
    from .evidence import evidence_files

    if not path.exists():
        raise DataError(str(path), plain("no such file"), "a file that exists")
    files = {file.name: file for file in evidence_files(evidence)}
    if path.name not in files:
        raise DataError(str(path), path.name, "one of " + ", ".join(files))
    return {
        name: path.parent / name if (path.parent / name).exists() else file for name, file in files.items()
    }


def _missing_quotes(
    records: list[tuple[str, str, str | None]], folder: Path | None, works: Mapping[str, Source]
) -> list[str]:
    """The quotes that do not stand in the texts of a folder."""
    texts, missing = {}, []
    for where, key, quote in records if folder is not None else ():
        if not quote:
            continue
        name = works[key].text
        if name not in texts:
            texts[name] = read_text(folder / name)
        if not find_quote(quote, texts[name]):
            missing.append(str(DataError(f"{where} quote", quote, f"words that stand in {name}")))
    return missing


@app.command("list")
def list_() -> None:
    """List the views, the events with their wording, and the evidence rows."""
    from .credences import EVENTS
    from .evidence import read_evidence
    from .priors import read_view, view_names

    views = [read_view(name) for name in view_names()]
    rows = read_evidence()
    print("views")
    for view in views:
        print(f"  {view.name:<24} {view.label}")
    print("events")
    for event in EVENTS.values():
        print(f"  {event.name:<24} {event.wording} [{event.within}; {event.source}]")
    print("evidence rows")
    for i, row in enumerate(rows.estimate.values.tolist()):
        value = rows.value.sel(quantile=0.5).values[i]
        if rows.kind.values[i] == "r":
            what = f"r of {rows.domain.values[rows.domain_idx.values[i]]}, against {rows.input.values[i]}"
        else:
            what = "factor " + " x ".join(rows.adjustment.values[rows.includes.values[i] > 0])
        print(f"  {row:<30} {value:<6.3g} {what} [{rows.basis.values[i]}; {rows.source.values[i]}]")


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new view; NAME.toml is written.")],
    start: Annotated[str, typer.Option("--from", metavar="VIEW", help="The view to start from.")],
) -> None:
    """Write a complete view to edit, from an existing one."""
    import dataclasses
    from types import MappingProxyType

    from .priors import read_view, to_toml
    from .report import write_atomically

    path = Path(name if name.endswith(".toml") else f"{name}.toml")
    if not re.fullmatch(r"\w[\w-]{0,99}", path.stem, re.ASCII):
        raise DataError("sie new NAME", path.stem, "up to 100 letters, digits, underscores and hyphens")
    if path.exists():
        raise DataError(str(path), plain("a file that exists"), "a new name")
    _refuse_unwritable("sie new", path)
    view = dataclasses.replace(read_view(start), label=path.stem, concludes=MappingProxyType({}))
    write_atomically(path, to_toml(view).encode())
    print(f"{path}: a copy of {start} without its conclusions; edit it, then: sie report {path}")


app.command()(grow)
app.command()(explain)


if __name__ == "__main__":
    main()
