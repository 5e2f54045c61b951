"""`sie sweep`: many fits on an embedded cluster or a Dask scheduler, into one store from which an interrupted sweep resumes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.errors import DataError, plain
from ..base.files import refuse_unwritable
from ..base.imports import require
from .options import MOST_WORKERS, Evidence, Levels, check_whole, chosen_levels
from .waiting import bar

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["sweep", "tell_damage"]


def sweep(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.toml", help="What to run (see docs/sweep.toml).")],
    out: Annotated[
        Path, typer.Option("--out", metavar="STORE", help="The Zarr store; an interrupted sweep resumes.")
    ],
    workers: Annotated[
        int, typer.Option(metavar="N", help="Processes of the embedded cluster, one thread each.")
    ] = 2,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A running Dask scheduler in place of the embedded cluster."),
    ] = None,
    tls_ca: Annotated[
        Path | None,
        typer.Option("--tls-ca", metavar="FILE", help="Certificates of the scheduler's authority (PEM)."),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option("--tls-cert", metavar="FILE", help="The client's certificate (PEM).")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option("--tls-key", metavar="FILE", help="The key of that certificate (PEM).")
    ] = None,
    evidence: Evidence = None,
    levels: Levels = None,
) -> None:
    """Answer a grid or a random sample of views, priors, mechanisms, evidence and seeds."""
    require("cluster", "sie sweep")
    from ..analysis.sweep.run import open_sweep, open_sweep_rows, run_sweep
    from ..analysis.sweep.spec import read_sweep
    from ..base.cluster import cluster, memory_of_worker
    from ..base.errors import NotConverged
    from ..base.stores import DONE, locked
    from ..data.evidence import read_evidence

    check_whole("--workers", workers, 1, MOST_WORKERS)
    tls = _tls(scheduler, tls_ca, tls_cert, tls_key)
    if out.exists() and not out.is_dir():
        raise DataError(f"--out {out}", plain("a file"), "a store of this sweep or a new name")
    refuse_unwritable("--out", out, folder=True)
    planned = read_sweep(spec, folder=evidence, levels=chosen_levels(levels, read_evidence(evidence)))
    if out.exists():
        open_sweep_rows(planned, out)  # refuses another sweep's store before a cluster starts
        with locked(out):  # and one that another process writes into
            pass
    with cluster(workers, scheduler=scheduler, tls=tls) as client, bar("cells") as progress:
        ended = run_sweep(planned, out, client, folder=evidence, progress=progress)
    tell_damage(out, ended)
    told = f"{len(planned.cells)} cells: " + ", ".join(f"{count} {state}" for state, count in ended.items())
    found = open_sweep(out)
    if not (found.status == DONE).any():
        raise NotConverged(
            f"sie sweep {spec}: found {told}, want at least one done (see {out / 'log.jsonl'})"
        )
    print(told)
    bound = "" if scheduler else f" of {memory_of_worker(workers) / 2**30:.1f} GiB"
    print(_answered(found) + f"; most memory of a worker {float(found.memory.max()) / 1024:.2f} GiB{bound}")
    print(f"{out}: sie.open_sweep({str(out)!r}) reads it as a labelled dataset")


def _tls(scheduler: str | None, *files: Path | None) -> tuple[Path, Path, Path] | None:
    """The three files of TLS, all or none of them."""
    match files:
        case (None, None, None):
            return None
        case (Path() as authority, Path() as certificate, Path() as key):
            if scheduler is None:
                raise DataError("--tls-ca", plain("no --scheduler"), "the address of a Dask scheduler")
            return authority, certificate, key
    names = ("--tls-ca", "--tls-cert", "--tls-key")
    missing = [name for name, file in zip(names, files, strict=True) if file is None]
    raise DataError("TLS", plain(f"no {' and no '.join(missing)}"), "all three of " + ", ".join(names))


def _answered(found: xr.Dataset) -> str:
    """How the cells of a store were answered, in words."""
    paths, fitted = found.how == "paths", found.max_rhat.notnull()
    chosen = {
        "fitted": found.how == "refitted",
        "from weights on a shared fit": found.how == "reweighted",
        "from new paths on a shared fit": paths & fitted,
        "of priors that no evidence moves": paths & ~fitted,
    }
    counts = {words: int(cells.sum()) for words, cells in chosen.items()}
    return "answered: " + ", ".join(f"{count} {words}" for words, count in counts.items())


def tell_damage(store: Path, ended: dict[str, int]) -> None:
    """Say on standard error that rows of a store were damaged, and take them out of the counts."""
    if damaged := ended.pop("damaged", 0):
        print(
            f"{store}: found {damaged} damaged rows, which were computed again (see {store / 'log.jsonl'})",
            file=sys.stderr,
        )
