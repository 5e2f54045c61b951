"""A `Result` told as a page of text, as JSON and as a folder of draws, credences and plots. It computes nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from ..analysis.result import CONDITIONS, Result, compute, inputs_sha256, quantiles
from ..base.files import make_folder, strict_json, write_atomically, write_whole
from ..data.bibliography import Source
from ..data.priors import View
from ..plots.wording import levels_in_words, percent, says
from .snapshot import inputs_of, versions

__all__ = [
    "CONDITIONS",
    "Result",
    "as_json",
    "as_text",
    "compute",
    "event_wordings",
    "inputs_sha256",
    "planned_files",
    "write_folder",
]

JSON_VERSION = 2
"""Version of the JSON layout: 2 says the level of each domain, and `inputs_sha256` covers it."""

PLOTS = ("waterfall", "r", "fan", "domains")
"""The figures of a view; domains only where evidence can move it."""

_BARS = " ▁▂▃▄▅▆▇█"


def as_json(results: list[Result], *, seed: int, draws: int) -> str:
    """The results as strict JSON (design section 6): keys sorted, no NaN, no time stamp; the same bytes for the same inputs."""
    document = {
        "version": JSON_VERSION,
        "seed": seed,
        "draws": draws,
        "versions": versions(),
        "views": [_view_json(result) for result in results],
    }
    return strict_json(document)


def _view_json(result: Result) -> dict:
    attrs = result.tree.attrs
    fitted = "evidence" in result.given
    return {
        "view": result.view.name,
        "label": result.view.label,
        "inputs": inputs_of(result.view),
        "inputs_sha256": result.inputs_sha256,
        "levels": dict(result.levels),
        "rows_used": result.rows.estimate.values.tolist() if result.rows is not None else [],
        "rows_left_out": [{"id": row, "why": why} for row, why in result.left_out],
        "r_asara": {
            given: dict(
                zip(("q05", "q50", "q95"), quantiles(result.draws(given).r_asara.values), strict=True)
            )
            for given in result.given
        },
        "credences": [
            {
                "event": event,
                "given": given,
                "p": float(table.p.sel(event=event)),
                "mcse": float(table.mcse.sel(event=event)),
            }
            for event in result.credences["priors"].event.values.tolist()
            for given, table in result.credences.items()
        ],
        "diagnostics": {key: attrs[key] for key in ("max_rhat", "min_ess", "divergences")}
        if fitted
        else None,
    }


def as_text(result: Result, *, width: int = 110) -> str:
    """The report of one view as a page of text."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    view, fitted = result.view, "evidence" in result.given
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, markup=False, emoji=False, no_color=True)
    console.print(f"{view.label}  ({view.name})")
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("event")
    for name in ("author says", "author's priors", "+ evidence not yet used", "MCSE (points)"):
        table.add_column(name, justify="right", no_wrap=True)
    before, after = result.credences["priors"], result.credences.get("evidence")
    for event in before.event.values.tolist():
        errors = [credence.sel(event=event).mcse.item() for credence in result.credences.values()]
        table.add_row(
            event,
            says(view.concludes.get(event)),
            percent(before.p.sel(event=event).item()),
            percent(after.p.sel(event=event).item()) if after is not None else _instead(view),
            " / ".join(f"{100 * error:.2f}" for error in errors),
        )
    console.print(table)
    _print_r(console, result)
    prior = result.draws("priors")
    console.print(
        f"pace already above 5 times the recent pace at ASARA: {percent(float((prior.speedup > 5).mean()))} of prior draws"
    )
    if (discarded := prior.attrs.get("discarded_prior_mass")) and discarded > 0:
        console.print(
            f"prior mass discarded because the ceiling lay below gained_before_asara: {percent(discarded)}"
        )
    for line in _provenance_lines(result):
        console.print(line)
    if fitted:
        attrs = result.tree.attrs
        console.print(
            f"sampler: 4 chains, {attrs['draws']} draws, R-hat at most {attrs['max_rhat']:.4f}, ESS at least {attrs['min_ess']:.0f},"
            f" {attrs['divergences']} divergences, target_accept {attrs['target_accept']}"
        )
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def event_wordings() -> str:
    """What each event means, who defined it and where a time limit starts."""
    from ..growth.events import EVENTS

    return "\n".join(
        f"{event.name:<22} {event.wording} ({event.within}; {event.source})" for event in EVENTS.values()
    )


def _print_r(console, result: Result) -> None:
    console.print(
        "r at ASARA (software doublings per doubling of cumulative research input), 5 / 50 / 95 %; bars: 0.1 to 10, the mark is r = 1"
    )
    if (says := result.view.concludes.get("r_asara")) is not None:
        console.print(
            "  author says   " + " / ".join(f"{says.numbers[key]:.2f}" for key in ("q05", "q50", "q95"))
        )
    for given in result.given:
        r = result.draws(given).r_asara.values
        label = "priors" if given == "priors" else "+ evidence"
        console.print(
            f"  {label:<13} " + " / ".join(f"{q:.2f}" for q in quantiles(r)) + f"   |{_histogram(r)}|"
        )
    for factor, spread in result.spreads.items():
        name = "half" if factor < 1 else "twice"
        console.print(
            f"  + evidence, {name} the spread between domains   " + " / ".join(f"{q:.2f}" for q in spread)
        )


def _histogram(r: np.ndarray, bins: int = 30) -> str:
    """Log-spaced bars between 0.1 and 10, with 1 in the middle."""
    counts, _ = np.histogram(np.log10(r), bins=bins, range=(-1, 1))
    bars = [_BARS[round((len(_BARS) - 1) * count / max(1, counts.max()))] for count in counts]
    return "".join([*bars[: bins // 2], "┊", *bars[bins // 2 :]])


def _instead(view: View) -> str:
    return "r stated directly" if view.states_r_asara else "not computed"


def _provenance_lines(result: Result) -> Iterable[str]:
    view = result.view
    bases = [entry.basis for entry in view.entries.values()]
    counts = ", ".join(f"{bases.count(basis)} {basis}" for basis in dict.fromkeys(bases))
    yield f"priors by basis: {counts}"
    if "calibrated" in bases:
        yield "some priors are calibrated to what the author says of the whole: agreement with it is no reproduction"
    if view.states_r_asara:
        yield "the view states r at ASARA directly, so evidence on r cannot move it"
    if result.rows is not None:
        used = result.rows
        names = [
            f"{row}*" if via else row for row, via in zip(used.estimate.values, used.via.values, strict=True)
        ]
        second_hand = int((used.via != "").sum())
        yield levels_in_words(result.levels)
        yield f"rows used ({used.sizes['estimate']}; * read second-hand, {second_hand}): " + ", ".join(names)
        reasons: dict[str, list[str]] = {}
        for row, why in result.left_out:
            reasons.setdefault(why, []).append(row)
        for why, rows in reasons.items():
            yield f"left out, {why}: " + ", ".join(rows)


def as_csv(results: list[Result]) -> str:
    """The credences of all views as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("view", "event", "given", "p", "mcse"))
    for result in results:
        for item in _view_json(result)["credences"]:
            writer.writerow((result.view.name, *(item[key] for key in ("event", "given", "p", "mcse"))))
    return out.getvalue()


def planned_files(views: Iterable[View], folder: Path) -> list[Path]:
    """What `write_folder` may write for these views."""
    names = [
        f"{view.name}{ending}" for view in views for ending in (".nc", *(f"_{plot}.png" for plot in PLOTS))
    ]
    return [folder / name for name in ("credences.csv", *names)]


def write_folder(
    results: list[Result],
    folder: Path,
    *,
    works: Mapping[str, Source] | None = None,
    on_progress: Callable[[str], None] = lambda text: None,
) -> list[Path]:
    """Write `credences.csv`, each view's draws (NetCDF) and its plots (PNG); each file appears whole or not at all.

    `works` is the bibliography that views and rows cite (default: the bundled one).
    """
    make_folder(folder)
    from .saved import as_tree

    written = [folder / "credences.csv"]
    write_atomically(written[0], as_csv(results).encode())
    for result in results:
        on_progress(f"{result.view.name}: writing draws and plots")
        path = folder / f"{result.view.name}.nc"
        # In memory first: HDF5 crashes the process when a disk is full.
        write_atomically(path, bytes(as_tree(result, works=works).to_netcdf(engine="h5netcdf")))
        written.append(path)
        for name, draw in _plots(result).items():
            path = folder / f"{result.view.name}_{name}.png"
            write_whole(path, lambda target, draw=draw: _save_plot(draw, target))
            written.append(path)
    return written


def _plots(result: Result) -> dict[str, Callable]:
    from ..plots import draws as plots
    from ..plots.paths import plot_fan

    view, rows, fitted = result.view, result.rows, "evidence" in result.given
    last = result.given[-1]
    given = "given priors and evidence" if fitted else "given priors"
    draw = {
        "waterfall": lambda: plots.plot_waterfall(result.draws(last), title=f"{view.label}\n{given}"),
        "r": lambda: plots.plot_r(
            result.draws("priors"), result.draws("evidence") if fitted else None, title=view.label
        ),
        "fan": lambda: plot_fan(result.paths[last], title=f"{view.label}\n{given}"),
    }
    if fitted and rows is not None:
        draw["domains"] = lambda: plots.plot_domains(rows, result.draws("evidence"), title=view.label)
    return draw


def _save_plot(draw: Callable, target: Path) -> None:
    from ..plots import draws as plots

    plots.save(draw(), target)
