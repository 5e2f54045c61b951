"""`sie ledger`: append saved reports to a record of credences, and show how they moved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.errors import DataError, plain
from ..base.files import refuse_unwritable
from ..base.stats import Z95
from ..data.quantities import GIVEN
from ..data.wording import with_error
from ..page.tables import aligned
from .options import Event, chosen_events

if TYPE_CHECKING:
    from ..page.ledger import Entry

__all__ = ["ledger"]


def ledger(
    action: Annotated[str, typer.Argument(metavar="add|show", help="What to do.")],
    path: Annotated[Path, typer.Argument(metavar="LEDGER", help="The ledger, a text file.")],
    report: Annotated[
        Path | None,
        typer.Argument(
            metavar="[REPORT]", help="add: a report saved by sie report --json, or the draws (.nc) of --out."
        ),
    ] = None,
    date: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="add: the date of the credences.")
    ] = None,
    view: Annotated[str | None, typer.Option(metavar="VIEW", help="show: only this view.")] = None,
    event: Event = None,
) -> None:
    """Add a saved report to a ledger under a date, or show how credences moved and which inputs changed."""
    if action == "add":
        if report is None or date is None:
            raise DataError(
                "sie ledger add",
                plain("no report" if report is None else "no --date"),
                "sie ledger add LEDGER REPORT --date YYYY-MM-DD",
            )
        if view is not None or event:
            raise DataError("sie ledger add", plain("--view or --event"), "these with show only")
        _add(path, report, date)
    elif action == "show":
        if report is not None or date is not None:
            raise DataError("sie ledger show", plain("a report or --date"), "these with add only")
        print(_as_text(path, view, chosen_events(event)))
    else:
        raise DataError("sie ledger", action, "add or show")


def _add(path: Path, report: Path, date: str) -> None:
    from ..page.ledger import append, entries_of
    from ..page.saved import read_report

    refuse_unwritable("sie ledger add", path, inputs=[report])
    entries = entries_of(read_report(report), date)
    added = append(path, entries)
    there = len(entries) - len(added)
    print(f"{path}: {len(added)} added" + (f", {there} already there" if there else ""))


def _as_text(path: Path, wanted: str | None, events: list[str]) -> str:
    from ..page.ledger import read_ledger

    entries = read_ledger(path)
    names = list(dict.fromkeys(entry.view.name for entry in entries))
    if wanted is not None and wanted not in names:
        raise DataError("--view", wanted, "one of " + ", ".join(names))
    blocks = []
    for name in names if wanted is None else [wanted]:
        own = [entry for entry in entries if entry.view.name == name]
        blocks.append("\n".join(_view_lines(own, events)))
    return "\n\n".join(blocks)


def _view_lines(entries: list[Entry], events: list[str]) -> list[str]:
    from ..page.ledger import NOISE, changes, moves

    lines = [f"{entries[-1].view.label}  ({entries[-1].view.name})"]
    for k, entry in enumerate(entries):
        lines.append(
            f"{entry.date}  inputs {entry.inputs_sha256[:12]}, {len(entry.rows_used)} rows, {entry.draws} draws,"
            f" seed {entry.seed}, sie {entry.versions.get('sie', 'unknown')}"
        )
        moved = moves(entries[k - 1], entry) if k else {}
        rows = []
        for event in events:
            cells = []
            for given in GIVEN:
                if (event, given) not in entry.credences:
                    continue
                p, mcse = entry.credences[event, given]
                cell = f"{given} {with_error(p, mcse)}"
                if (event, given) in moved:
                    change, error = moved[event, given]
                    noise = "" if abs(change) > NOISE * error else ", within noise"
                    cell += (
                        f" [{100 * change:+.1f} ± {100 * Z95 * error:.1f}{noise}]" if change else " [same]"
                    )
                cells.append(cell)
            if cells:
                rows.append([event, "   ".join(cells)])
        lines += aligned(rows, left=2)
        if k:
            found = changes(entries[k - 1], entry)
            lines += [f"  changed: {line}" for line in found] or ["  changed: nothing"]
    return lines
