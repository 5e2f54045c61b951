"""`sie list` and `sie new`: what there is, and a view to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..base.errors import DataError, plain
from ..base.files import refuse_unwritable, write_atomically
from ..data.views import check_name

__all__ = ["list_", "new"]


def list_() -> None:
    """List the views, the events with their wording, and the evidence rows."""
    from ..data.evidence import read_evidence
    from ..data.priors import read_view, view_names
    from ..growth.events import EVENTS

    views = [read_view(name) for name in view_names()]
    rows = read_evidence()
    print("views")
    width = max(len(view.name) for view in views)
    for view in views:
        print(f"  {view.name:<{width}} {view.label}")
    print("events")
    for event in EVENTS.values():
        print(f"  {event.name:<24} {event.wording} [{event.within}; {event.source}]")
    print("evidence rows")
    for i, row in enumerate(rows.estimate.values.tolist()):
        value = f"{rows.value.sel(quantile=0.5).values[i]:.3g}"
        of = f"of {rows.domain.values[rows.domain_idx.values[i]]}, against {rows.input.values[i]}"
        match str(rows.kind.values[i]):
            case "r":
                what = f"r {of}"
            case "factor":
                what = "factor " + " x ".join(rows.adjustment.values[rows.includes.values[i] > 0])
            case "growth":
                output = rows.growth.sel(flow="output", growth_quantile=0.5).values[i]
                value, what = f"{output:.3g}", f"growth a year (natural log) {of}"
            case "series":
                value, what = "", f"raw history {of} (series/{rows.file.values[i]})"
        print(f"  {row:<30} {value:<6} {what} [{rows.basis.values[i]}; {rows.source.values[i]}]")


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new view; NAME.toml is written.")],
    start: Annotated[str, typer.Option("--from", metavar="VIEW", help="The view to start from.")],
) -> None:
    """Write a complete view to edit, from an existing one."""
    import dataclasses
    from types import MappingProxyType

    from ..data.priors import read_view, to_toml

    path = Path(name if name.endswith(".toml") else f"{name}.toml")
    check_name("sie new NAME", path.stem)
    if path.exists():
        raise DataError(str(path), plain("a file that exists"), "a new name")
    refuse_unwritable("sie new", path)
    view = dataclasses.replace(read_view(start), label=path.stem, concludes=MappingProxyType({}))
    write_atomically(path, to_toml(view).encode())
    print(f"{path}: a copy of {start} without its conclusions; edit it, then: sie report {path}")
