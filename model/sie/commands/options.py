"""What several commands share: options, progress and the bibliography that a user's own evidence extends."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.errors import DataError, plain
from ..data.bibliography import Source, read_sources
from ..data.quantities import GIVEN
from ..inference.prior_draws import check_draws, check_seed

if TYPE_CHECKING:
    import xarray as xr

    from ..data.priors import View

__all__ = [
    "DEFAULT_DRAWS",
    "MOST_WORKERS",
    "Draws",
    "Event",
    "Evidence",
    "Figures",
    "Given",
    "Html",
    "Json",
    "Levels",
    "PlotFolder",
    "PriorsOnly",
    "Seed",
    "TableFile",
    "ViewName",
    "ViewNames",
    "bibliography",
    "check_figures",
    "check_given",
    "check_html",
    "check_sampling",
    "check_whole",
    "chosen_events",
    "chosen_levels",
    "log_to_standard_error",
    "read_views",
    "refuse_unmoved",
]

DEFAULT_DRAWS = 20000


def _whole(text: str | int) -> int:
    """A whole number, in digits or as 1e4."""
    if isinstance(text, int):
        return text
    value = float(text) if "_" not in text else math.nan
    if not value.is_integer():
        raise ValueError
    return int(text) if text.lstrip("-").isdigit() else int(value)


MOST_WORKERS = 256
"""Processes of an embedded cluster."""

Evidence = Annotated[
    Path | None,
    typer.Option("--evidence", metavar="DIR", help="An evidence folder (default: the bundled one)."),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Seed of every random number.")]
Draws = Annotated[
    int,
    typer.Option(
        metavar="N",
        parser=_whole,
        help="Draws of the prior and of the posterior, a multiple of 4; 1e4 is 10000.",
    ),
]
ViewName = Annotated[
    str, typer.Argument(metavar="VIEW", help="A name under priors/ or a path ending in .toml.")
]
ViewNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="[VIEW ...]", help="Names under priors/ or paths ending in .toml (default: all)."),
]
Event = Annotated[
    list[str] | None,
    typer.Option("--event", metavar="NAME", help="An event that sie list names; repeatable (default: all)."),
]
Levels = Annotated[
    list[str] | None,
    typer.Option(
        "--levels",
        metavar="DOMAIN=LEVEL",
        help="Level of a domain's evidence: published, growth, epoch or series (default: as in domains.csv). A level without"
        " a domain applies to all domains with rows at that level; repeatable.",
    ),
]
Given = Annotated[
    str, typer.Option(metavar="priors|evidence", help="Use draws from the priors, or from the posterior.")
]
PriorsOnly = Annotated[
    bool, typer.Option("--priors-only", help="Leave out the evidence; no posterior is sampled.")
]
PlotFolder = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write plots here.")]
Figures = Annotated[
    str, typer.Option("--figures", metavar="png|svg|pdf", help="Format of the plots of --out.")
]
TableFile = Annotated[
    Path | None,
    typer.Option(
        "--table",
        metavar="FILE",
        help="Write the credences here; the ending (.md, .tex or .csv) sets the format.",
    ),
]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the results as JSON here.")]
Html = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Write the whole report as one HTML file here."),
]


def check_sampling(seed: int, draws: int) -> None:
    """Raise DataError for a seed or a number of draws out of range."""
    check_seed("--seed", seed)
    check_draws("--draws", draws)


def check_whole(option: str, number: int, least: int, most: int) -> None:
    """Refuse a whole number that is out of range."""
    if not least <= number <= most:
        raise DataError(option, number, f"a whole number from {least} to {most}")


def check_figures(figures: str) -> None:
    """Raise DataError for a format that figures cannot be saved in."""
    from ..plots.style import FIGURE_FORMATS

    if figures not in FIGURE_FORMATS:
        raise DataError("--figures", figures, "one of " + ", ".join(FIGURE_FORMATS))


def check_given(given: str) -> None:
    """Raise DataError unless `given` is one of GIVEN."""
    if given not in GIVEN:
        raise DataError("--given", given, " or ".join(GIVEN))


def check_html(option: str, path: Path | None) -> None:
    """Raise DataError for a page whose file name a browser would not take for one."""
    if path is not None and path.suffix not in (".html", ".htm"):
        raise DataError(f"{option} {path}", path.name, "a name that ends in .html")


def chosen_events(names: list[str] | None) -> list[str]:
    """The events asked for, each once, in the order of every report; default: all."""
    from ..growth.events import EVENTS

    for name in names or ():
        if name not in EVENTS:
            raise DataError("--event", name, "one of " + ", ".join(EVENTS))
    return [name for name in EVENTS if not names or name in names]


def chosen_levels(
    options: list[str] | None, everything: xr.Dataset, *, without: str | None = None
) -> dict[str, str]:
    """`domain=level` options as a mapping; a level alone applies to every domain that has rows at it and is not named.

    `without` names an option that leaves out all evidence. Levels are then refused, since they would have no effect.
    """
    from ..data.evidence import LEVELS
    from ..returns.selection import domains_at

    if options and without is not None:
        raise DataError(f"--levels {options[0]}", plain(without), "evidence that enters at a level")
    named: dict[str, str] = {}
    every: dict[str, str] = {}
    for option in options or ():
        domain, equals, level = option.rpartition("=")
        if level not in LEVELS:
            if equals:
                raise DataError(f"--levels {domain}", level, "one of " + ", ".join(LEVELS))
            raise DataError("--levels", option, "DOMAIN=LEVEL or a LEVEL, of " + ", ".join(LEVELS))
        chosen = named if equals else every
        for name in [domain] if equals else domains_at(everything, level):
            if chosen.setdefault(name, level) != level:
                raise DataError(
                    "--levels", f"{name}={chosen[name]} and {name}={level}", "one level of a domain"
                )
    return every | named


def refuse_unmoved(command: str, view: View) -> None:
    """Refuse a view that evidence cannot move, for a command that fits."""
    if view.states_r_asara:
        raise DataError(
            f"{command} {view.name}", plain("r_asara stated directly"), "a view that evidence can move"
        )


def read_views(command: str, names: list[str] | None, works: Mapping[str, Source]) -> list[View]:
    """The views named on the command line, all the bundled ones if none; two of one name are refused."""
    from ..data.priors import read_view, view_names

    views: list[View] = []
    for name in names or view_names():
        view = read_view(name, sources=works)
        if view.name in [other.name for other in views]:
            raise DataError(command, plain(f"two views named {view.name}"), "views of different names")
        views.append(view)
    return views


def bibliography(evidence: Path | None) -> dict[str, Source]:
    """The bundled works and those of the user's own evidence folder."""
    if evidence is not None and not evidence.is_dir():
        want = "a folder of evidence (sie add-row and sie add-history make one)"
        raise DataError(f"--evidence {evidence}", plain("no such folder"), want)
    return {**read_sources(), **(read_sources(evidence) if evidence is not None else {})}


def log_to_standard_error() -> None:
    """Let the library's log through, each line with the seconds since the start."""
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(logging.Formatter("%(relativeCreated)8.0f ms  %(name)s: %(message)s"))
    log = logging.getLogger("sie")
    log.handlers = [stream]
    log.setLevel(logging.INFO)
    log.propagate = False
