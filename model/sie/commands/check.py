"""`sie check`: whether data files are what they must be, and whether quotes stand in their texts."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.errors import DataError, plain
from ..base.exit_codes import BAD_INPUT
from ..base.reading import read_text
from ..data.bibliography import REFERENCE, Source, read_sources
from ..data.quotes import find_quote
from .options import Evidence, bibliography

if TYPE_CHECKING:
    import xarray as xr

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
            help="Also check that every quote stands in the source texts of this folder.",
        ),
    ] = None,
) -> int:
    """Validate data files; print one line per problem, and which works of the bibliography nothing cites."""
    if sources is not None and not sources.is_dir():
        raise DataError(f"--sources {sources}", plain("no such folder"), "a folder of texts")
    checks = list(_checks(files, evidence, sources))
    problems = []
    for _, run in checks:
        try:
            problems += run()
        except DataError as error:
            problems += [str(each) for each in (error, *error.others)]
    problems = list(dict.fromkeys(problems))
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"{len(checks)} data sets checked, no problem: " + ", ".join(name for name, _ in checks))
        for key in () if files else _uncited(evidence):
            print(f"remark: sources.toml [{key}]: no row, view or figure cites it")
    return BAD_INPUT if problems else 0


def _checks(
    files: list[Path] | None, evidence: Path | None, sources: Path | None
) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """Each data set by name with what reads it and returns the quotes that are not in their texts."""
    from ..data.evidence import named_files
    from ..data.priors import WEIGHTS, view_names, view_path
    from ..data.rows import FIELDS

    if not files:
        yield "evidence", lambda: _check_evidence(named_files(evidence), sources)
        yield from _other_data(evidence)
        for name in view_names():
            yield name, lambda name=name: _check_view(view_path(name), evidence, sources)
        yield "figures", lambda: _check_figures(None, sources)
        yield "buildout", lambda: _check_buildout(None, sources)
        yield "weights", lambda: _check_weights(None, evidence, sources)
        return
    for path in files:
        if (read := _reader_by_place(path)) is not None:
            yield path.name, read
        elif path.name == "figures.csv":
            yield path.name, lambda path=path: _check_figures(path, sources)
        elif path.name == "buildout.toml":
            yield path.name, lambda path=path: _check_buildout(path, sources)
        elif path.name in FIELDS or path.name == "sources.toml":
            yield path.name, lambda path=path: _check_evidence(_files_around(path, evidence), sources)
        elif path.suffix == ".csv":
            yield path.name, lambda path=path: _check_series(path)
        elif path.name == WEIGHTS:
            yield path.name, lambda path=path: _check_weights(path, evidence, sources)
        elif path.suffix == ".toml":
            yield path.name, lambda path=path: _check_view(path, evidence, sources)
        else:
            raise DataError(
                str(path), plain(f"the ending {path.suffix!r}"), "a view (.toml) or an evidence table (.csv)"
            )


def _uncited(evidence: Path | None) -> list[str]:
    """The works that no data file names: no problem, since a row may be on its way, but worth a line."""
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


def _other_data(evidence: Path | None) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """What informs no r directly: Epoch's author counts and METR's horizons, where the folder has them, and timelines."""
    from ..base.reading import data_folder
    from ..data.time_horizons import read_horizons
    from ..data.timelines import read_timeline, timeline_names
    from ..histories.erdil_2024 import read_idea_production

    folder = evidence if evidence is not None else data_folder("evidence")
    for name, read in (
        ("idea_production/fits.csv", read_idea_production),
        ("metr_horizons.csv", read_horizons),
    ):
        if (folder / name).exists():
            yield name, _only_read(read, folder)
    for name in timeline_names():
        yield f"timelines/{name}", _only_read(read_timeline, name)


def _reader_by_place(path: Path) -> Callable[[], list[str]] | None:
    """What reads a file whose folder, or whose name within the evidence, says what it is."""
    from ..data.evidence import named_files
    from ..data.time_horizons import read_horizons
    from ..data.timelines import read_timeline
    from ..histories.erdil_2024 import read_idea_production

    match path.parent.resolve().name, path.name:
        case _, "metr_horizons.csv":
            return _only_read(read_horizons, path.parent)
        case "idea_production", _:
            return _only_read(read_idea_production, path.parent.parent)
        case "timelines", _:
            return _only_read(read_timeline, str(path))
        case "likelihoods", _:
            return lambda: _check_evidence(named_files(path.parent.parent), None)
        case _:
            return None


def _only_read(read: Callable, *arguments: object) -> Callable[[], list[str]]:
    """A reader without quotes to find."""

    def run() -> list[str]:
        read(*arguments)
        return []

    return run


def _check_view(path: Path, evidence: Path | None, sources: Path | None) -> list[str]:
    from ..base.reading import data_folder
    from ..data.evidence import read_evidence
    from ..data.priors import check_borrowed, check_not_narrower, read_view
    from ..inference.prior_draws import borrowed_from
    from ..returns.selection import usable

    view = read_view(str(path), sources=bibliography(evidence))
    usable(read_evidence(evidence), view)
    if any(entry.basis == REFERENCE for entry in view.entries.values()):
        reference = read_view(REFERENCE)
        check_borrowed(view, reference, borrowed_from(reference))
        if path.resolve().parent == data_folder("priors").resolve():
            check_not_narrower(view, reference)
    tables = {**view.entries, **{f"concludes.{name}": item for name, item in view.concludes.items()}}
    tables |= {f"correlations {' and '.join(item.between)}": item for item in view.correlations}
    tables |= view.exogenous
    records = [
        (f"{path.name} [{name}]", item.source or view.source, item.quote) for name, item in tables.items()
    ]
    return _missing_quotes(records, sources, bibliography(evidence))


def _check_weights(path: Path | None, evidence: Path | None, sources: Path | None) -> list[str]:
    """The weights; a table of the bundled ones belongs to a view that there is."""
    from ..data.priors import WEIGHTS, view_names
    from ..data.weights import OTHERS, read_weights

    works = bibliography(evidence)
    weights = read_weights(path, sources=works)
    known = (OTHERS, *view_names())
    want = "one of " + ", ".join(known)
    places = [(f"{WEIGHTS} [views.{name}]", name) for name in weights.views]
    places += [
        (f"{WEIGHTS} [groups.{group.name}] views", name)
        for group in weights.groups.values()
        for name in group.views
    ]
    problems = [
        str(DataError(where, plain(f"no view {name}"), want))
        for where, name in places
        if path is None and name not in known
    ]
    return problems + _missing_quotes(list(weights.quotes), sources, works)


def _check_evidence(files: dict[str, Path], sources: Path | None) -> list[str]:
    from ..data.evidence import read_files

    rows = read_files(files)
    works = read_sources(files["sources.toml"])
    where = [f"evidence row {row}" for row in rows.estimate.values.tolist()]
    records = list(zip(where, rows.source.values.tolist(), rows.quote.values.tolist(), strict=True))
    return _likelihood_problems(rows, files["series.csv"].parent) + _missing_quotes(records, sources, works)


def _likelihood_problems(rows: xr.Dataset, folder: Path) -> list[str]:
    """The raw histories whose stored likelihood is missing, or was made from other data; without one a row cannot enter."""
    from ..base.reading import data_folder
    from ..returns.inputs import levels_of
    from ..returns.likelihoods import name_of, read_likelihood

    bundled = folder.resolve() == data_folder("evidence").resolve()
    rows = rows.isel(estimate=rows.kind.values != "input")
    problems = []
    for row, level, identified in zip(
        rows.estimate.values.tolist(), levels_of(rows).tolist(), rows.identified.values, strict=True
    ):
        if identified and (name := name_of(row, level)):
            try:
                read_likelihood(name, None if bundled else folder)
            except DataError as error:
                problems.append(f"series.csv {row}: {error}")
    return problems


def _check_series(path: Path) -> list[str]:
    """One file of observations; where its numbers come from stands in series.csv."""
    from ..data.histories import read_observations

    read_observations(path)
    return []


def _check_figures(path: Path | None, sources: Path | None) -> list[str]:
    """What the sources state and `sie reproduce` recomputes."""
    from ..page.figures import figures

    records = [(f"figure {figure.id}", figure.source, figure.quote) for figure in figures(path)]
    return _missing_quotes(records, sources, read_sources())


def _check_buildout(path: Path | None, sources: Path | None) -> list[str]:
    """The priors of Greenblatt's outcome."""
    from ..growth.outcome import read_buildout

    entries = read_buildout(path)
    records = [
        (f"buildout.toml [{name}]", entry.source or "", entry.quote) for name, entry in entries.items()
    ]
    return _missing_quotes(records, sources, read_sources())


def _files_around(path: Path, evidence: Path | None) -> dict[str, Path]:
    """An evidence file among its own siblings; those that it lacks come from the evidence folder."""
    from ..data.evidence import named_files

    if not path.exists():
        raise DataError(str(path), plain("no such file"), "a file that exists")
    files, own = named_files(evidence), named_files(path.parent)
    if any(name.startswith("series/") for name in own):
        files = {name: file for name, file in files.items() if not name.startswith("series/")}
    return files | {name: file for name, file in own.items() if file.exists()}


def _missing_quotes(
    records: Sequence[tuple[str, str, str | None]], folder: Path | None, works: Mapping[str, Source]
) -> list[str]:
    """The quotes that do not stand in the texts of a folder."""
    texts, missing = {}, []
    if folder is None:
        return []
    for where, key, quote in records:
        if not quote or (name := works[key].text) is None:
            continue
        if name not in texts:
            texts[name] = read_text(folder / name)
        if not find_quote(quote, texts[name]):
            missing.append(str(DataError(f"{where} quote", quote, f"words that stand in {name}")))
    return missing
