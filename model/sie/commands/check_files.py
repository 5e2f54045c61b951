"""What `sie check` does with each kind of file: the reader for its name, checks that readers cannot make, and its quotes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import DataError, moved, plain
from ..base.reading import data_folder, read_text
from ..data.bibliography import REFERENCE, Source, read_sources
from ..data.quotes import find_quote
from .options import bibliography

if TYPE_CHECKING:
    import xarray as xr

    from ..data.families import Prior

__all__ = [
    "check_alternatives",
    "check_buildout",
    "check_evidence",
    "check_figures",
    "check_series",
    "check_view",
    "check_weights",
    "files_around",
    "other_data",
    "reader_by_place",
]


def other_data(evidence: Path | None, sources: Path | None) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """Data that do not inform r directly: Epoch's author counts and METR's horizons, where the folder has them, and timelines."""
    from ..data.time_horizons import read_horizons
    from ..data.timelines import timeline_names
    from ..histories.erdil_2024 import read_idea_production

    folder = evidence if evidence is not None else data_folder("evidence")
    for name, read in (
        ("idea_production/fits.csv", read_idea_production),
        ("metr_horizons.csv", read_horizons),
    ):
        if (folder / name).exists():
            yield name, _only_read(read, folder)
    for name in timeline_names():
        yield f"timelines/{name}", lambda name=name: _check_timeline(name, sources)


def reader_by_place(path: Path, sources: Path | None) -> Callable[[], list[str]] | None:
    """What reads a file whose folder, or whose name within the evidence, says what it is."""
    from ..data.evidence import named_files
    from ..data.time_horizons import read_horizons
    from ..histories.erdil_2024 import read_idea_production

    match path.parent.resolve().name, path.name:
        case _, "metr_horizons.csv":
            return _only_read(read_horizons, path.parent)
        case "idea_production", _:
            return _only_read(read_idea_production, path.parent.parent)
        case "timelines", _:
            return lambda: _check_timeline(str(path), sources)
        case "likelihoods", _:
            return lambda: check_evidence(named_files(path.parent.parent), None)
        case _:
            return None


def _only_read(read: Callable, *arguments: object) -> Callable[[], list[str]]:
    """A reader without quotes to find."""

    def run() -> list[str]:
        read(*arguments)
        return []

    return run


def check_view(path: Path, evidence: Path | None, sources: Path | None) -> list[str]:
    from ..data.borrowed import check_borrowed, check_not_narrower
    from ..data.evidence import read_evidence
    from ..data.priors import read_view, view_path
    from ..returns.selection import usable

    view = read_view(str(path), sources=bibliography(evidence))
    try:
        usable(read_evidence(evidence), view)
    except DataError as error:  # of the view, which says its name and not its file's
        raise moved(error, lambda where: where.replace(view.name, path.name, 1)) from None
    if any(entry.basis == REFERENCE for entry in view.entries.values()):
        reference = read_view(REFERENCE)
        check_borrowed(view, reference, _borrowed(read_text(view_path(REFERENCE))))
        if path.resolve().parent == data_folder("priors").resolve():
            check_not_narrower(view, reference)
    tables = {**view.entries, **{f"concludes.{name}": item for name, item in view.concludes.items()}}
    tables |= {f"correlations {' and '.join(item.between)}": item for item in view.correlations}
    tables |= view.exogenous
    records = [
        (f"{path.name} [{name}]", item.source or view.source, item.quote) for name, item in tables.items()
    ]
    return _missing_quotes(records, sources, bibliography(evidence))


@cache
def _borrowed(reference: str) -> dict[str, Prior]:
    """The priors that views of another form take from the reference view, given its text."""
    from ..data.priors import parse_view
    from ..inference.prior_draws import borrowed_from

    return borrowed_from(parse_view(REFERENCE, reference))


def check_weights(path: Path | None, evidence: Path | None, sources: Path | None) -> list[str]:
    """The weights; in the bundled file, each table must belong to an existing view."""
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


def check_alternatives(path: Path | None, evidence: Path | None, sources: Path | None) -> list[str]:
    """The alternatives; each of them has a meaning for the reference view and changes something of it."""
    from ..analysis.alternatives.specification import Specifications
    from ..data.alternatives import read_alternatives
    from ..data.evidence import read_evidence
    from ..data.priors import read_view

    works = bibliography(evidence)
    listed = read_alternatives(path, sources=works)
    specs, problems = Specifications(read_view(REFERENCE), read_evidence(evidence)), []
    for choice in listed.choices.values():
        try:
            specs.check(choice)
        except DataError as error:
            problems.append(f"{listed.path.name} {error}")
    return problems + _missing_quotes(list(listed.quotes), sources, works)


def check_evidence(files: dict[str, Path], sources: Path | None) -> list[str]:
    from ..data.evidence import read_files

    rows = read_files(files)
    works = read_sources(files["sources.toml"])
    where = [f"evidence row {row}" for row in rows.estimate.values.tolist()]
    records = list(zip(where, rows.source.values.tolist(), rows.quote.values.tolist(), strict=True))
    return _likelihood_problems(rows, files["series.csv"].parent) + _missing_quotes(records, sources, works)


def _likelihood_problems(rows: xr.Dataset, folder: Path) -> list[str]:
    """The raw histories whose stored likelihood is missing, or was made from other data; without one a row cannot enter."""
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


def check_series(path: Path) -> list[str]:
    """One file of observations; where its numbers come from stands in series.csv."""
    from ..data.histories import read_observations

    read_observations(path)
    return []


def check_figures(path: Path | None, sources: Path | None) -> list[str]:
    """The figures that sources state, which `sie reproduce` recomputes."""
    from ..page.figures import figures

    records = [(f"figure {figure.id}", figure.source, figure.quote) for figure in figures(path)]
    return _missing_quotes(records, sources, read_sources())


def check_buildout(path: Path | None, sources: Path | None) -> list[str]:
    """The priors of Greenblatt's outcome."""
    from ..growth.outcome import read_buildout

    entries = read_buildout(path)
    records = [
        (f"buildout.toml [{name}]", entry.source or "", entry.quote) for name, entry in entries.items()
    ]
    return _missing_quotes(records, sources, read_sources())


def _check_timeline(name: str, sources: Path | None) -> list[str]:
    from ..data.timelines import read_timeline

    timeline = read_timeline(name)
    records = [(f"{name} [{key}]", item.source or "", item.quote) for key, item in timeline.entries.items()]
    return _missing_quotes(records, sources, read_sources())


def files_around(path: Path, evidence: Path | None) -> dict[str, Path]:
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
    """Quotes that do not appear in the texts of a folder."""
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
