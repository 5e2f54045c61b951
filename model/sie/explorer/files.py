"""Files that leave and enter the explorer: a view, draws, credences, figures. Each is made when it is asked for.

Whatever leaves is of a fit of the very view, never of weights: the numbers of `sie report` with the same seed and draws.
"""

from __future__ import annotations

import dataclasses
import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..base.errors import DataError
from ..base.files import csv_text
from ..data.priors import to_toml
from ..growth.events import EVENTS
from ..inference.answers import Answer
from ..page.saved import as_tree
from ..page.text import CREDENCE_COLUMNS, compute
from . import figures
from .session import Desk, History
from .state import State, read_upload, start

__all__ = ["credences_csv", "downloads", "draws_csv", "draws_netcdf", "figures_zip", "upload", "view_toml"]


def downloads(desk: Desk, history: History, event: str) -> dict[str, Any]:
    """A button for each file of what is shown when it is pressed."""
    import marimo as mo

    def shown() -> Answer:
        return history.answer

    def exact() -> Answer:
        return shown() if shown().exact else desk.bench.refit(shown().view, levels=shown().levels)

    kinds = {
        "View (TOML)": (lambda: view_toml(shown()), ".toml", "application/toml"),
        "Credences (CSV)": (lambda: credences_csv(exact()), "_credences.csv", "text/csv"),
        "Draws (NetCDF)": (lambda: draws_netcdf(desk, shown()), ".nc", "application/x-netcdf"),
        "Draws (CSV)": (lambda: draws_csv(exact()), "_draws.csv", "text/csv"),
        "Figures (PNG)": (lambda: figures_zip(exact(), event), "_figures.zip", "application/zip"),
    }
    return {
        label: mo.download(
            make, filename=lambda ending=ending: shown().view.name + ending, mimetype=kind, label=label
        )
        for label, (make, ending, kind) in kinds.items()
    }


def view_toml(answer: Answer) -> bytes:
    """The view as a file that `sie check` accepts."""
    return to_toml(answer.view).encode()


def credences_csv(answer: Answer) -> bytes:
    """The credences as `sie report --out` writes them."""
    rows = [
        (answer.view.name, event, given, table.p.sel(event=event).item(), table.mcse.sel(event=event).item())
        for event in EVENTS
        for given, table in answer.credences.items()
    ]
    return csv_text(CREDENCE_COLUMNS, rows).encode()


def draws_csv(answer: Answer) -> bytes:
    """Every draw at ASARA, one line each: given, chain, draw, then what is stated and what follows from it."""
    sets = {given: answer.draws_given(given) for given in answer.given}
    names = [
        name
        for name, values in sets["priors"].items()
        if values.dims == ("chain", "draw") and all(name in draws for draws in sets.values())
    ]
    parts = []
    for given, draws in sets.items():
        frame = draws[names].to_dataframe().reset_index()
        frame.insert(0, "given", given)
        parts.append(frame.to_csv(index=False, header=not parts))
    return "".join(parts).encode()


def draws_netcdf(desk: Desk, answer: Answer) -> bytes:
    """What `sie report --out` saves of the view, with everything that draws it again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{answer.view.name}.toml"
        path.write_bytes(view_toml(answer))
        view = dataclasses.replace(answer.view, path=path)
        result = compute(
            view,
            desk.evidence,
            levels=answer.levels,
            seed=answer.seed,
            draws=answer.draws,
            folder=desk.folder,
        )
        target = Path(folder) / "draws.nc"
        as_tree(result, works=desk.works).to_netcdf(target, engine="h5netcdf")
        return target.read_bytes()


def figures_zip(answer: Answer, event: str) -> bytes:
    """All figures as PNG."""
    out, of = io.BytesIO(), figures.shown(answer, event=event)
    with zipfile.ZipFile(out, "w") as archive:
        for name in figures.FIGURES:
            archive.writestr(f"{answer.view.name}_{name}.png", figures.png(name, of))
    return out.getvalue()


def upload(desk: Desk, set_start: Callable[[tuple[State, str]], None], history: History) -> Any:
    """A field that takes a view file; a bad one is refused in words and changes nothing."""
    import marimo as mo

    def opened(files: Any) -> None:
        if not files:
            return
        try:
            view = read_upload(files[0].name, files[0].contents, desk.works)
            levels = history.states[-1].levels
            desk.bench.rows(view, levels=levels)
            set_start((start(view, levels), ""))
        except DataError as error:
            set_start((history.states[-1], str(error)))

    return mo.ui.file(filetypes=[".toml"], on_change=opened, label="Choose a file")
