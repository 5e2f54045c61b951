"""A `Result` written as a page of text, as JSON and as a folder of draws, credences and plots. It computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..analysis.result import CONDITIONS, Result, compute, conditions, inputs_sha256, quantiles
from ..base.files import make_folder, strict_json, write_atomically, write_whole
from ..data.bibliography import Source
from ..data.priors import View
from ..data.quantities import R_UNIT
from ..data.wording import (
    AUTHOR_SAYS,
    WORKED_OUT,
    authored_in_words,
    conclusion_in_words,
    correlations_in_words,
    exogenous_in_words,
    given_in_words,
    left_out_in_words,
    levels_in_words,
    percent,
    quantiles_in_words,
    sampler_in_words,
    share_in_words,
)
from ..growth.events import FAST_PACE, pace_at_asara
from .export import credences_as_csv, credences_of
from .parts import part_lines
from .snapshot import inputs_of, versions
from .speeds import speed_lines, speeds_json
from .tables import aligned, new_table, rendered

if TYPE_CHECKING:
    import xarray as xr
    from rich.table import Table

__all__ = [
    "CONDITIONS",
    "Result",
    "as_json",
    "as_text",
    "compute",
    "conditions",
    "event_wordings",
    "inputs_sha256",
    "planned_files",
    "write_folder",
]

JSON_VERSION = 2
"""Version of the JSON layout: 2 says the level of each domain, and `inputs_sha256` covers it."""

PLOTS = ("waterfall", "r", "fan", "progress", "domains")
"""The figures of a view; domains only where evidence can move it."""

R_KEYS = ("q05", "q50", "q95")
"""Keys of r at ASARA in JSON and in `[concludes.r_asara]`: its 5, 50 and 95 % quantiles."""

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
            given: dict(zip(R_KEYS, quantiles(result.draws(given).r_asara.values), strict=True))
            for given in result.given
        },
        "credences": credences_of(result),
        "software_times": speeds_json(result),
        "diagnostics": {key: attrs[key] for key in ("max_rhat", "min_ess", "divergences")}
        if fitted
        else None,
    }


def as_text(result: Result, *, width: int = 110) -> str:
    """The report of one view as a page of text."""
    return rendered(_blocks(result), width)


def _blocks(result: Result) -> Iterator[str | Table]:
    view = result.view
    yield f"{view.label}  ({view.name})"
    yield _credence_table(result)
    yield from part_lines(result)
    yield from _r_lines(result)
    yield from speed_lines(result)
    prior = result.draws("priors")
    fast = share_in_words(float((pace_at_asara(prior) > FAST_PACE * prior.recent_doublings_per_year).mean()))
    yield f"pace at ASARA above {FAST_PACE:g} times the recent pace: {fast} of prior draws"
    if (discarded := prior.attrs.get("discarded_prior_mass")) and discarded > 0:
        yield f"prior mass discarded because the ceiling lay below gained_before_asara: {share_in_words(discarded)}"
    if said := correlations_in_words(view):
        yield f"correlated: {said}"
    yield from exogenous_in_words(view)
    yield from _provenance_lines(result)
    if "evidence" in result.given:
        yield sampler_in_words(result.tree.attrs)


def _credence_table(result: Result) -> Table:
    view, credences = result.view, result.credences
    table = new_table(
        "event", AUTHOR_SAYS, "author's priors", "+ evidence not yet used", "MCSE (points)", wrap_first=True
    )
    for event in credences["priors"].event.values.tolist():
        by_given = {given: credence.sel(event=event) for given, credence in credences.items()}
        after = by_given.get("evidence")
        table.add_row(
            event,
            conclusion_in_words(view.concludes.get(event)),
            percent(by_given["priors"].p.item()),
            percent(after.p.item()) if after is not None else _instead(view),
            " / ".join(f"{100 * credence.mcse.item():.2f}" for credence in by_given.values()),
        )
    return table


def event_wordings() -> str:
    """What each event means, who defined it and where a time limit starts."""
    from ..growth.events import EVENTS

    rows = [[event.name, f"{event.wording} ({event.within}; {event.source})"] for event in EVENTS.values()]
    return "\n".join(aligned(rows, indent=0, left=2))


def _r_lines(result: Result) -> Iterator[str]:
    if any(said.basis == "derived" for said in result.view.concludes.values()):
        yield WORKED_OUT
    yield f"r at ASARA ({R_UNIT}), 5 / 50 / 95 %; histogram from 0.1 to 10 on a log scale, with a mark at r = 1"
    if (conclusion := result.view.concludes.get("r_asara")) is not None:
        mark = "~ " if conclusion.basis == "derived" else ""
        yield f"  {AUTHOR_SAYS:<13} {mark}{quantiles_in_words(conclusion.numbers[key] for key in R_KEYS)}"
    for given in result.given:
        r = result.draws(given).r_asara.values
        label = "priors" if given == "priors" else "+ evidence"
        yield f"  {label:<13} {quantiles_in_words(quantiles(r))}   |{_histogram(r)}|"
    for factor, spread in result.spreads.items():
        name = "half" if factor < 1 else "twice"
        yield f"  + evidence, {name} the spread between domains   {quantiles_in_words(spread)}"


def _histogram(r: np.ndarray, bins: int = 30) -> str:
    """Log-spaced bars between 0.1 and 10, with 1 in the middle."""
    counts, _ = np.histogram(np.log10(r), bins=bins, range=(-1, 1))
    bars = [_BARS[round((len(_BARS) - 1) * count / max(1, counts.max()))] for count in counts]
    return "".join([*bars[: bins // 2], "┊", *bars[bins // 2 :]])


def _instead(view: View) -> str:
    return "r stated directly" if view.states_r_asara else "not computed"


def _provenance_lines(result: Result) -> Iterator[str]:
    view = result.view
    bases = [entry.basis for entry in view.entries.values()]
    counts = ", ".join(f"{bases.count(basis)} {basis}" for basis in dict.fromkeys(bases))
    yield f"{authored_in_words(view)} quantities are the author's own; priors by basis: {counts}"
    if "calibrated" in bases:
        yield "some priors are calibrated to the author's overall conclusion: a result that agrees with it is not an independent reproduction"
    if view.states_r_asara:
        yield "the view states r at ASARA directly, so evidence on r cannot move it"
    if result.rows is not None:
        used = result.rows
        second_hand = _second_hand(used)
        names = [
            f"{row}*" if cited else row for row, cited in zip(used.estimate.values, second_hand, strict=True)
        ]
        yield levels_in_words(result.levels)
        count = f"{used.sizes['estimate']}; * cited second-hand, {second_hand.sum()}"
        yield f"rows used ({count}): " + ", ".join(names)
        yield from left_out_in_words(result.left_out)


def _second_hand(rows: xr.Dataset) -> np.ndarray:
    """Which rows were read second-hand: by their `read`, or, where that is empty, by a `via` that is not."""
    read = rows.read.values if "read" in rows else np.full(rows.sizes["estimate"], "")
    return np.where(read == "", rows.via.values != "", read == "second-hand")


def planned_files(views: Iterable[View], folder: Path, *, figures: str = "png") -> list[Path]:
    """What `write_folder` may write for these views."""
    plots = [f"_{plot}.{figures}" for plot in PLOTS]
    names = [f"{view.name}{ending}" for view in views for ending in (".nc", *plots)]
    return [folder / name for name in ("credences.csv", *names)]


def write_folder(
    results: list[Result],
    folder: Path,
    *,
    figures: str = "png",
    works: Mapping[str, Source] | None = None,
    on_progress: Callable[[str], None] = lambda text: None,
) -> list[Path]:
    """Write `credences.csv`, each view's draws (NetCDF) and its plots (`figures`: png, svg or pdf); each file appears whole or not at all.

    `works` is the bibliography that views and rows cite (default: the bundled one).
    """
    make_folder(folder)
    from .saved import as_tree

    written = [folder / "credences.csv"]
    write_atomically(written[0], credences_as_csv(results).encode())
    for result in results:
        on_progress(f"{result.view.name}: writing draws and plots")
        path = folder / f"{result.view.name}.nc"
        # In memory first: HDF5 crashes the process when a disk is full.
        write_atomically(path, bytes(as_tree(result, works=works).to_netcdf(engine="h5netcdf")))
        written.append(path)
        for name, draw in _plots(result).items():
            path = folder / f"{result.view.name}_{name}.{figures}"
            write_whole(path, lambda target, draw=draw: _save_plot(draw, target))
            written.append(path)
    return written


def _plots(result: Result) -> dict[str, Callable]:
    from ..plots.domains import plot_domains
    from ..plots.draws import plot_r, plot_waterfall
    from ..plots.paths import plot_fan, plot_progress

    view, rows, fitted = result.view, result.rows, "evidence" in result.given
    last = result.given[-1]
    given = given_in_words(last)
    draw = {
        "waterfall": lambda: plot_waterfall(result.draws(last), title=f"{view.label}\n{given}"),
        "r": lambda: plot_r(
            result.draws("priors"), result.draws("evidence") if fitted else None, title=view.label
        ),
        "fan": lambda: plot_fan(result.paths[last], title=f"{view.label}\n{given}"),
        "progress": lambda: plot_progress(result.progress_curve(last), title=f"{view.label}\n{given}"),
    }
    if fitted and rows is not None:
        draw["domains"] = lambda: plot_domains(
            rows, result.draws("evidence"), evidence=result.evidence, title=view.label
        )
    return draw


def _save_plot(draw: Callable, target: Path) -> None:
    from ..plots.style import save

    save(draw(), target)
