"""A view as a table that fits a screen, for `repr`, and as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from .wording import conclusion_in_words, correlations_in_words, exogenous_in_words, prior_in_words

if TYPE_CHECKING:
    from .views import Conclusion, View

__all__ = ["as_html", "as_text"]

WIDTH = 110
"""Letters of a line."""

WIDEST = {"quantity": 20, "prior": 44, "unit": 28, "basis": 11}
"""The columns of the table, and the letters of each; longer words are cut short."""

STYLE = "text-align: left; vertical-align: top"
"""Of every cell: notebooks set cells flush right."""


def as_text(view: View) -> str:
    """The view in lines of at most `WIDTH` letters: its name, a table of its quantities, and what else it states."""
    lines = [f"{view.name}: {view.label}", "  ".join(f"{name:<{size}}" for name, size in WIDEST.items())]
    for cells in _cells(view):
        shown = zip(cells, WIDEST.values(), strict=True)
        lines.append("  ".join(f"{_cut(cell, size):<{size}}" for cell, size in shown))
    return "\n".join(_cut(line.rstrip(), WIDTH) for line in [*lines, *_rest(view)])


def as_html(view: View) -> str:
    """The same as a table of HTML with nothing cut short."""
    head = "".join(f'<th style="{STYLE}">{name}</th>' for name in WIDEST)
    rows = "".join(
        "<tr>" + "".join(f'<td style="{STYLE}">{escape(cell)}</td>' for cell in cells) + "</tr>"
        for cells in _cells(view)
    )
    rest = "".join(f"<br>{escape(line)}" for line in _rest(view))
    return (
        f"<div><b>{escape(view.name)}</b>: {escape(view.label)}<table><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table>{rest.removeprefix('<br>')}</div>"
    )


def _cells(view: View) -> Iterator[tuple[str, str, str, str]]:
    for name, entry in view.entries.items():
        yield name, prior_in_words(entry.prior), "" if entry.unit == "1" else entry.unit, entry.basis


def _rest(view: View) -> list[str]:
    lines = exogenous_in_words(view)
    if view.correlations:
        lines.append(f"correlated: {correlations_in_words(view)}")
    lines += [f"author says: {name} {_concluded(each)}" for name, each in view.concludes.items()]
    if view.reflects:
        lines.append(f"rests on {len(view.reflects)} rows of evidence, which cannot update it (.reflects)")
    return lines


def _concluded(conclusion: Conclusion) -> str:
    if "q50" in conclusion.numbers:
        return ", ".join(f"{int(key[1:])} % {value:g}" for key, value in conclusion.numbers.items())
    return conclusion_in_words(conclusion)


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "…"
