"""`sie list` and `sie new`: list views, events and evidence, and copy a view to start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.errors import DataError, plain
from ..base.files import refuse_unwritable, write_atomically
from ..data.bibliography import OURS, REFERENCE
from ..data.views import check_name
from ..data.wording import authored_in_words, input_in_words, input_number_in_words
from ..page.tables import aligned

if TYPE_CHECKING:
    import xarray as xr

    from ..data.views import View

__all__ = ["list_", "new"]


def list_() -> None:
    """List the views, the events with their wording, and the evidence rows."""
    from ..data.evidence import read_evidence
    from ..data.priors import read_view, view_names
    from ..growth.events import EVENTS

    views = [read_view(name) for name in view_names()]
    rows = read_evidence()
    print("views")
    print("\n".join(aligned([[view.name, view.label, _own_in_words(view)] for view in views], left=3)))
    print("events")
    events = [[event.name, f"{event.wording} [{event.within}; {event.source}]"] for event in EVENTS.values()]
    print("\n".join(aligned(events, left=2)))
    print("evidence rows")
    evidence = [_evidence_row(rows.isel(estimate=i)) for i in range(rows.sizes["estimate"])]
    print("\n".join(aligned(evidence, left=3)))


def _own_in_words(view: View) -> str:
    """How many quantities are the author's own, and whose the others are."""
    bases = [entry.basis for entry in view.entries.values()]
    others = [f"{bases.count(basis)} {basis}" for basis in (REFERENCE, OURS) if basis in bases]
    return f"{authored_in_words(view)} quantities the author's own" + (
        f" ({', '.join(others)})" if others else ""
    )


def _evidence_row(row: xr.Dataset) -> list[str]:
    """The id of an evidence row, its value, and what it measures with its basis and source."""
    measured = f"of {row.domain.values[row.domain_idx.item()]}, against {row.input.item()}"
    value = f"{row.value.sel(quantile=0.5).item():.3g}"
    match row.kind.item():
        case "r":
            what = f"r {measured}"
        case "factor":
            what = "factor " + " x ".join(row.adjustment.values[row.includes.values > 0])
        case "input":
            value, what = input_number_in_words(row), input_in_words(row)
        case "growth":
            value = f"{row.growth.sel(flow='output', growth_quantile=0.5).item():.3g}"
            what = f"growth a year (natural log) {measured}"
        case _:
            value, what = "", f"raw history {measured} (series/{row.file.item()})"
    return [row.estimate.item(), value, f"{what} [{row.basis.item()}; {row.source.item()}]"]


def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the new view, which is written to NAME.toml.")
    ],
    start: Annotated[str, typer.Option("--from", metavar="VIEW", help="The view to copy.")],
) -> None:
    """Copy an existing view to a new file for editing; quantities taken from the reference view are marked as such."""
    import dataclasses
    from types import MappingProxyType

    from ..data.priors import read_view, to_toml

    path = Path(name if name.endswith(".toml") else f"{name}.toml")
    check_name("sie new NAME", path.stem)
    if path.exists():
        raise DataError(str(path), plain("a file that exists"), "a new name")
    refuse_unwritable("sie new", path)
    view = dataclasses.replace(read_view(start), label=path.stem, concludes=MappingProxyType({}))
    if view.name == REFERENCE:  # its author has said nothing yet
        silent = {
            name: dataclasses.replace(entry, basis=REFERENCE, locator=f"{REFERENCE}.toml")
            for name, entry in view.entries.items()
        }
        view = dataclasses.replace(view, entries=MappingProxyType(silent))
    write_atomically(path, to_toml(view).encode())
    print(f"{path}: a copy of {start} without its conclusions; edit it, then: sie report {path}")
