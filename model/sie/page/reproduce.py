"""What the sources state about r, growth and P(SIE), beside what this model computes: one table, one verdict a figure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..base.errors import DataError, plain
from ..base.files import csv_text, strict_json
from .figures import SLIPS, Figure, figures
from .tables import rendered

if TYPE_CHECKING:
    from rich.table import Table

__all__ = [
    "VERDICTS",
    "Recomputed",
    "as_csv",
    "as_json",
    "as_text",
    "reproduce_figures",
    "summary",
]

VERDICTS = ("reproduced", "adds up", "within its error", "differs")
"""reproduced: the growth engine, the model or an equation gives the printed digits; adds up: plain arithmetic gives them; within its
error: a result from draws differs, by no more than its Monte Carlo error; differs: anything else."""

ERRORS = 2.0
"""Monte Carlo standard errors, beyond rounding, by which a result from draws may differ."""

EXACT = 1e-9
"""Error of the arithmetic."""


@dataclass(frozen=True, kw_only=True)
class Recomputed:
    """A figure with what the model computes (`mcse` None where nothing is drawn), the difference and the verdict.

    `difference` is computed less stated, 0 within a stated range, else from its nearer end.
    """

    figure: Figure
    computed: float
    mcse: float | None
    difference: float
    verdict: str


def reproduce_figures(chosen: Iterable[Figure] | None = None) -> tuple[Recomputed, ...]:
    """Every figure that a source states, recomputed.

    Parameters
    ----------
    chosen : iterable of Figure, optional
        From `figures` (default: all of the bundled ones).

    Returns
    -------
    tuple of Recomputed
        In order: the figure, what the model computes, the difference and the verdict.

    Raises
    ------
    DataError
        For a difference beyond rounding that no reason explains, and for a reason that explains none.
    """
    return tuple(_recomputed(figure) for figure in (figures() if chosen is None else chosen))


def _recomputed(figure: Figure) -> Recomputed:
    from .recompute import FORMULAS

    value = FORMULAS[figure.formula](**figure.given)
    computed, mcse = value if isinstance(value, tuple) else (float(value), None)
    nearest = min(max(computed, figure.stated), figure.upper)
    difference = 0.0 if computed == nearest else computed - nearest
    verdict = _verdict(figure, abs(difference), mcse)
    if (verdict == "differs") != bool(figure.reason):
        what = f"{computed:.6g}, which {'differs from' if verdict == 'differs' else 'agrees with'} {figure.stated:g}"
        raise DataError(
            f"figure {figure.id}",
            plain(what),
            "a reason for the difference" if verdict == "differs" else "no reason for a difference",
        )
    return Recomputed(figure=figure, computed=computed, mcse=mcse, difference=difference, verdict=verdict)


def _verdict(figure: Figure, difference: float, mcse: float | None) -> str:
    """An input that the source rounds explains a difference; only a Monte Carlo error excuses one."""
    if difference <= figure.rounding + EXACT:
        return "adds up" if computed_by(figure) == _arithmetic() else "reproduced"
    if mcse is not None and difference <= figure.rounding + ERRORS * mcse:
        return "within its error"
    return "differs"


def computed_by(figure: Figure) -> str:
    """What computes a figure: the growth engine, the model, an equation, or plain arithmetic."""
    from .recompute import COMPUTED_BY

    return COMPUTED_BY[figure.formula]


def _arithmetic() -> str:
    from .recompute import ARITHMETIC

    return ARITHMETIC


def summary(rows: Iterable[Recomputed]) -> str:
    """How many figures have each verdict, what explains the differences, and how many of them each way of computing has."""
    rows = tuple(rows)
    numbers = {name: sum(row.figure.slip == key for row in rows) for key, name in SLIPS.items()}
    slips = [f"{number} {name}" for name, number in numbers.items() if number]
    lines = [f"{len(rows)} figures: {_counts(rows)}" + (f" ({', '.join(slips)})" if slips else "")]
    for kind in dict.fromkeys(_kinds()):
        of_kind = [row for row in rows if computed_by(row.figure) == kind]
        if of_kind:
            lines.append(f"  by {kind}: {len(of_kind)} ({_counts(of_kind)})")
    lines.append(
        "  Plain arithmetic on numbers that the source prints only checks that they add up; it is not a reproduction."
    )
    return "\n".join(lines)


def _kinds() -> Iterable[str]:
    from .recompute import COMPUTED_BY

    return COMPUTED_BY.values()


def _counts(rows: Iterable[Recomputed]) -> str:
    numbers = Counter(row.verdict for row in rows)
    return ", ".join(f"{numbers[verdict]} {verdict}" for verdict in VERDICTS if numbers[verdict])


def as_text(rows: Iterable[Recomputed], *, width: int = 130) -> str:
    """The table as text: each figure with its quote and, where it differs, the reason below."""
    rows = tuple(rows)
    sources = dict.fromkeys(row.figure.source for row in rows)
    tables = (_table(source, [row for row in rows if row.figure.source == source]) for source in sources)
    return rendered((block for table in tables for block in (table, "")), width)


def _table(source: str, rows: list[Recomputed]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, title=source, title_justify="left", padding=(0, 2, 0, 0))
    for name in ("figure", "stated", "computed", "difference", "verdict"):
        words = name in ("figure", "verdict")
        table.add_column(name, justify="left" if words else "right", no_wrap=not words, overflow="fold")
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Recomputed) -> tuple[str, ...]:
    figure = row.figure
    words = f"“{figure.quote}”" if figure.quote else f"read at: {figure.via}"
    error = f" ± {row.mcse:.2g}" if row.mcse is not None else ""
    verdict = row.verdict
    if figure.reason:
        verdict += f" ({SLIPS[figure.slip]}): {figure.reason}"
    return (
        f"{figure.what} [{figure.locator}] {words}",
        _stated(figure),
        f"{row.computed:.4g}{error}",
        f"{row.difference:+.2g}" if row.difference else "0",
        verdict,
    )


def _stated(figure: Figure) -> str:
    if figure.upper == figure.stated:
        return f"{figure.stated:.6g}"
    return (
        f"above {figure.stated:.6g}" if math.isinf(figure.upper) else f"{figure.stated:g} to {figure.upper:g}"
    )


def _record(row: Recomputed) -> dict:
    figure = row.figure
    return {
        **{
            key: getattr(figure, key) for key in ("id", "what", "source", "via", "locator", "quote", "stated")
        },
        "upper": figure.upper if math.isfinite(figure.upper) else None,
        "computed_by": computed_by(figure),
        **{key: getattr(row, key) for key in ("computed", "mcse", "difference", "verdict")},
        "slip": figure.slip,
        "reason": figure.reason,
    }


def as_json(rows: Iterable[Recomputed]) -> str:
    """The table as strict JSON; `upper` is null for a bound from below."""
    return strict_json({"figures": [_record(row) for row in rows]})


def as_csv(rows: Iterable[Recomputed]) -> str:
    """The table as CSV."""
    records = [_record(row) for row in rows]
    return csv_text(records[0], (record.values() for record in records))
