"""`sie add-history`: add a raw history of your own to an evidence folder, with its likelihood."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ..base.errors import DataError, moved
from ..base.stats import INTERVAL, Z90
from ..data.evidence import read_evidence
from ..data.row_rules import USUAL_DEFINITION_SD
from .options import Seed
from .waiting import progress

__all__ = ["add_history"]


def add_history(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A CSV file: date,output [UNIT],<effort> [UNIT],... (order and kind may be left out).",
        ),
    ],
    domain: Annotated[
        str, typer.Option(metavar="NAME", help="The domain whose r it shows; a new one needs --remoteness.")
    ],
    into: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="An evidence folder; one that does not exist is made as a copy of the bundled one.",
        ),
    ],
    id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Id of its row (default: from the file's name).")
    ] = None,
    input: Annotated[
        str,
        typer.Option("--input", metavar="labour|compute|all", help="Which research input the effort counts."),
    ] = "labour",
    remoteness: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="How much further a new domain lies from frontier AI R&D than language models, from 1 to 100.",
        ),
    ] = None,
    definition_sd: Annotated[
        float,
        typer.Option(
            metavar="X",
            help="How far its r may differ from the domain's: standard deviation of the natural log.",
        ),
    ] = USUAL_DEFINITION_SD,
    hardware_scale: Annotated[
        bool, typer.Option("--hardware-scale", help="Hardware was fixed throughout.")
    ] = False,
    ratio: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="LOW HIGH",
            help="Ratio of compute growth to labour growth, 5 and 95 % points (labour: 0.5 2 unless known).",
        ),
    ] = None,
    measure: Annotated[
        str,
        typer.Option(
            metavar="WORD",
            help="How labour is counted, e.g. authors: rows counted alike share that error (default: not shared).",
        ),
    ] = "",
    kind: Annotated[
        str,
        typer.Option(
            metavar="record|measurement", help="Kind of the outputs, where FILE has no such column."
        ),
    ] = "record",
    note: Annotated[str, typer.Option(metavar="TEXT", help="A note that describes the data.")] = "",
    seed: Seed = 1,
) -> None:
    """Add a raw history of your own to an evidence folder, and fit the likelihood by which it enters."""
    from ..histories.fit import r_at_lambda
    from ..histories.model import LOG_R_PRIOR
    from ..histories.own import add_history as add
    from ..histories.own import id_of, levels_for
    from ..histories.readings import LAMBDAS
    from ..returns.likelihoods import read_likelihood

    is_new = not into.exists()
    options = {"domain": domain, "into": into, "input": input, "remoteness": remoteness, "ratio": ratio}
    options |= {"definition_sd": definition_sd, "hardware_scale": int(hardware_scale), "measure": measure}
    with progress() as show:
        try:
            id = id_of(id, file, domain)
            before = _content(id, into)
            add(file, id=id, kind=kind, note=note, seed=seed, on_progress=show, **options)
        except DataError as error:
            raise moved(error, _as_option) from None
    if is_new:
        print(f"{into}: made as a copy of the bundled evidence")
    if _content(id, into) == before:
        print(f"{into}: has this very history already; nothing is written")
    else:
        print(f"{into}: series/{id}.csv, likelihoods/{id}.csv and their rows written")
    print(f"{id} ({domain}): r from this history alone, median and 5-95 %")
    mean, sd = LOG_R_PRIOR
    low, median, high = np.exp([mean - Z90 * sd, mean, mean + Z90 * sd])
    print(f"  r under the wide prior alone: {median:.2f} ({low:.2f} to {high:.2f})")
    likelihood = read_likelihood(id, into)
    for value in LAMBDAS:
        low, median, high = np.quantile(r_at_lambda(likelihood, value).r.values, INTERVAL)
        print(f"  r at lambda {value:g}: {median:.2f} ({low:.2f} to {high:.2f})")
    if beside := _beside(id, into):
        print(
            f"{domain} has other histories, which are used too and treated as independent data: {', '.join(beside)}"
        )
    levels = levels_for(id, into)
    for name in levels:
        print(
            f"{name} enters at another level: the history is used only with --levels, and then replaces the rows of that level"
        )
    choice = "".join(f" --levels {shlex.quote(f'{name}={level}')}" for name, level in levels.items())
    print(f"next: sie report reference --evidence {shlex.quote(str(into))}{choice}")


def _content(id: str, folder: Path) -> list[bytes]:
    """The files of a history in an evidence folder, as they are."""
    files = [folder / name / f"{id}.csv" for name in ("series", "likelihoods")]
    return [file.read_bytes() for file in files if file.is_file()]


def _beside(id: str, folder: Path) -> list[str]:
    """Other histories of its domain that count, too."""
    evidence = read_evidence(folder)
    alike = (evidence.domain_idx == evidence.domain_idx.sel(estimate=id)) & (evidence.kind == "series")
    alike &= evidence.identified & (evidence.preferred == 1)
    return [name for name in evidence.estimate.values[alike.values].tolist() if name != id]


ARGUMENTS = (
    *("domain", "into", "id", "input", "remoteness", "definition_sd", "hardware_scale", "ratio"),
    *("measure", "kind", "note", "seed"),
)
"""Arguments of `sie.add_history`, which are options here."""


def _as_option(where: str) -> str:
    """An argument as the option that it was."""
    name, space, rest = where.partition(" ")
    return f"--{name.replace('_', '-')}{space}{rest}" if name in ARGUMENTS else where
