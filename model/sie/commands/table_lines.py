"""The main table as text: credences by view and event, pools, mechanisms, votes, and how answers moved over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..data.quantities import GIVEN
from ..data.wording import (
    AUTHOR_SAYS,
    authored_in_words,
    conclusion_in_words,
    credence_in_words,
    percent,
    points,
    share_in_words,
    with_error,
)
from ..page.tables import aligned

if TYPE_CHECKING:
    import xarray as xr

    from ..data.priors import View
    from ..data.weights import Weights

__all__ = ["as_text", "moves_in_words", "tables_of"]


def moves_in_words(moves: Sequence[dict], views: dict[str, View]) -> list[str]:
    if not moves:
        return ["", "None of these views updates another by the same forecaster."]
    lines = []
    for event in dict.fromkeys(move["event"] for move in moves):
        rows = [["forecaster", "from", "to", AUTHOR_SAYS, "given", "earlier", "later", "difference (points)"]]
        for move in (move for move in moves if move["event"] == event):
            says = (
                conclusion_in_words(views[move[when]].concludes.get(event)) for when in ("earlier", "later")
            )
            rows.append(
                [
                    move["forecaster"],
                    move["earlier"],
                    move["later"],
                    " -> ".join(says),
                    move["given"],
                    percent(move["p_earlier"]),
                    percent(move["p_later"]),
                    f"{points(move['difference'], 1)} ± {100 * move['mcse']:.1f}",
                ]
            )
        lines += ["", f"{event}: how each forecaster's answer moved", *aligned(rows, left=4)]
    return lines


def _votes_in_words(names: Sequence[str], weigh: Weights) -> list[str]:
    """Which of these views share a vote and which have none, with the reasons."""
    lines = []
    for group in weigh.groups.values():
        here = [name for name in group.views if name in names]
        replaced = {name: later for name in here if (later := weigh.superseded_by(name, names))}
        sharing = [name for name in here if name not in replaced]
        said = [f"{name} has no vote: {later} supersedes it" for name, later in replaced.items()]
        if len(sharing) > 1:
            said.insert(0, f"{', '.join(sharing)} share one vote")
        if said:
            lines.append(f"  {group.label}: {'; '.join(said)} ({group.note}).")
    if lines:
        lines.insert(0, "Votes: one for each group of authors; a view in no group is a group of its own.")
    return lines


def _vetoes_in_words(
    read: Sequence[View], found: dict[str, dict[str, xr.Dataset]], events: Sequence[str], weigh: Weights
) -> list[str]:
    """The floor of the logarithmic pool, and which views would have a veto without it."""
    weight = weigh.of([view.name for view in read])
    lines = [
        f"Logarithmic pool: each view's p enters as f + (1 - 2 f) p, with a floor f of {percent(weigh.floor)} that does not depend on"
        " the number of draws. Without a floor a view at 0 has a veto: the pool is 0 whatever the others say."
    ]
    for view, share in zip(read, weight, strict=True):
        tables = found[view.name].values()
        at_end = [event for event in events if any(float(t.p.sel(event=event)) in (0.0, 1.0) for t in tables)]
        if at_end and share > 0:
            of = "every event" if len(at_end) == len(events) else ", ".join(at_end)
            lines.append(f"  At 0 or 1 in its draws, so that the floor decides: {view.name} for {of}.")
    return lines


def tables_of(
    read: Sequence[View],
    found: dict[str, dict[str, xr.Dataset]],
    pooled: list[dict],
    weigh: Weights,
    events: Sequence[str],
) -> dict[str, list[list[str]]]:
    """The table of each event with its head, by what the event means."""
    from ..growth.events import EVENTS

    weight = weigh.of([view.name for view in read])
    tables = {}
    for event in events:
        rows = [["view", "author's own", "weight", AUTHOR_SAYS, "priors", "+ evidence"]]
        for view, share in zip(read, weight, strict=True):
            cells = [_cell(found[view.name].get(given), event) for given in GIVEN]
            rows.append(
                [
                    view.name,
                    authored_in_words(view),
                    share_in_words(share),
                    conclusion_in_words(view.concludes.get(event)),
                    *cells,
                ]
            )
        for kind, floor in dict.fromkeys((item["pool"], item["floor"]) for item in pooled):
            cells = {
                item["given"]: with_error(item["p"], item["mcse"])
                for item in pooled
                if (item["event"], item["pool"], item["floor"]) == (event, kind, floor)
            }
            name = f"{kind} pool" if floor is None else f"{kind} pool, floor {percent(floor)}"
            rows.append([name, "", "", "", *(cells.get(given, "-") for given in GIVEN)])
        tables[f"{event}: {EVENTS[event].wording}"] = rows
    return tables


def as_text(
    read: list[View],
    found: dict[str, dict[str, xr.Dataset]],
    pooled: list[dict],
    weigh: Weights,
    events: Sequence[str],
    split: dict[str, xr.Dataset],
) -> str:
    from ..analysis.result import conditions

    lines = []
    for title, (head, *rows) in tables_of(read, found, pooled, weigh, events).items():
        lines += [title, *aligned([head, *rows]), ""]
    lines.append(
        "Author's own: how many of a view's quantities its author states; the others are the reference's, or ours (sie list)."
    )
    lines.append("In brackets: Monte Carlo standard errors in percentage points (for pools, upper bounds).")
    lines += _vetoes_in_words(read, found, events, weigh)
    lines += _votes_in_words([view.name for view in read], weigh)
    moved = [item["views"] for item in pooled if item["given"] == "evidence"]
    if moved:
        lines.append(
            f"Pools given evidence include only the {len(moved[0])} views that evidence can move, with the votes split among these: "
            + ", ".join(moved[0])
        )
    for event in events if split else ():
        rows = [["view", *weigh.mechanisms, "weighted"]]
        for view, table in split.items():
            of_event = table.sel(event=event)
            cells = map(with_error, of_event.p.values, of_event.mcse.values)
            rows.append([view, *cells, percent(of_event.p_mean.item())])
        lines += ["", f"P({event}) by mechanism, from each view's priors", *aligned(rows)]
    if split:
        shares = ", ".join(
            f"{mechanism.label} {100 * share:.1f} %"
            for mechanism, share in zip(weigh.mechanisms.values(), weigh.of_mechanisms(), strict=True)
        )
        lines += [
            "",
            f"Weights of mechanisms: {shares}. A mechanism replaces what the view says of sigma, experiment_gain and the compute factor,"
            " with all that follows from it at ASARA: labour's share, pace, p and r. Where labour is the only research input, mechanisms have no effect.",
        ]
    return "\n".join([*lines, conditions(read)])


def _cell(table: xr.Dataset | None, event: str) -> str:
    return "-" if table is None else credence_in_words(table, event)
