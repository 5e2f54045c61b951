"""What a page is made of, and how it becomes one self-contained HTML file that runs no script and fetches nothing.

A section is a heading and blocks: paragraphs, tables, figures, equations, scales. Blocks hold plain text; the template alone
writes markup and escapes every text, so that nothing in a data file can become markup.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from .equations import parts

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = [
    "Cell",
    "Equations",
    "Figure",
    "Line",
    "Mark",
    "Paragraph",
    "Scale",
    "Section",
    "Table",
    "render",
    "web",
]

TEMPLATES = Path(__file__).with_name("templates")

KINDS = ("plain", "strong", "quote", "small", "formula")
"""How a line of text can look."""

COLOURS = {
    "#000000": "currentColor",
    "#ffffff": "var(--paper)",
    "#0072b2": "var(--blue)",
    "#e69f00": "var(--orange)",
} | {
    "#d55e00": "var(--vermilion)",
    "#767676": "var(--grey)",
}
"""Colours of a figure and what the page has in their place, so that figures follow its light and dark."""


@dataclass(frozen=True)
class Line:
    """A line of text; `href` makes it a link, `kind` is one of KINDS."""

    text: str
    kind: str = "plain"
    href: str | None = None


Cell = str | Line | tuple[Line, ...]
"""What a cell of a table, or a paragraph, holds."""


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """Text in the flow."""

    shape: ClassVar[str] = "paragraph"
    lines: Cell


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table whose first column names its rows. `numbers` aligns the other columns right; `widths` are those of the columns
    in %; `shade` gives cells a share of colour, by (row, column). On a narrow screen each row becomes a card."""

    shape: ClassVar[str] = "table"
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    widths: Sequence[float] = ()
    numbers: bool = False
    shade: dict[tuple[int, int], float] | None = None


@dataclass(frozen=True, kw_only=True)
class Figure:
    """An SVG from `plots.as_svg`; `alt` says what it shows to those who cannot see it."""

    shape: ClassVar[str] = "figure"
    caption: str
    alt: str
    svg: str


@dataclass(frozen=True, kw_only=True)
class Equations:
    """What one docstring says, and its equations as they stand there."""

    shape: ClassVar[str] = "equations"
    heading: str
    text: str
    lines: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A view's probability on a scale: from its priors, and with evidence where there is any."""

    label: str
    before: float
    after: float | None = None

    @property
    def last(self) -> float:
        """With evidence where there is any."""
        return self.before if self.after is None else self.after


@dataclass(frozen=True, kw_only=True)
class Scale:
    """One statement with its probabilities on a line from 0 to 100 %, below the numbers of that line where `axis`."""

    shape: ClassVar[str] = "scale"
    heading: str
    lines: Cell
    answer: str
    marks: Sequence[Mark]
    axis: bool = False


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading, what is under it, and its name in links; `level` 3 belongs to the section before it."""

    name: str
    title: str
    blocks: Sequence[Paragraph | Table | Figure | Equations | Scale]
    level: int = 2


def render(
    *, title: str, summary: Sequence[Cell], facts: Sequence[tuple[str, str]], sections: Sequence[Section]
) -> str:
    """The whole page as HTML. The same blocks give the same text."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "lines": _lines,
        "web": web,
        "parts": parts,
        "runs": _runs,
        "breakable": _breakable,
        "name": _name,
    }
    environment.globals["themed"] = lambda svg: Markup(_themed(svg))
    style = Markup((TEMPLATES / "page.css").read_text(encoding="utf-8"))
    page = environment.get_template("page.html")
    return page.render(title=title, summary=summary, facts=facts, sections=sections, style=style)


def web(href: str | None) -> str | None:
    """An address that a page may link to: http or https, or a place on the page; None for anything else."""
    return href if href and re.match(r"https?://[^\s]+$|#[\w-]+$", href) else None


def _lines(cell: Cell) -> tuple[Line, ...]:
    return cell if isinstance(cell, tuple) else (cell if isinstance(cell, Line) else Line(cell),)


def _runs(blocks: Sequence) -> list[tuple[str, list]]:
    """Blocks of one shape that follow each other, together: figures and scales lie side by side."""
    return [(shape, list(group)) for shape, group in itertools.groupby(blocks, lambda block: block.shape)]


def _breakable(text: str) -> Markup:
    """Text that may break after an underscore, so that long names fit narrow columns."""
    from markupsafe import Markup, escape

    return Markup("_<wbr>").join(escape(part) for part in text.split("_"))


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _themed(svg: str) -> str:
    """An SVG in the page's typeface and colours, without what only a file of its own needs."""
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(
        r"<svg [^>]*?(viewBox=\"[^\"]*\")[^>]*>",
        r'<svg \1 aria-hidden="true" focusable="false">',
        svg,
        count=1,
    )
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg).replace("xlink:href", "href")
    for colour, variable in COLOURS.items():
        svg = re.sub(colour, variable, svg, flags=re.IGNORECASE)
    used = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", svg)
    svg = re.sub(r"\d+\.\d{3,}", lambda match: f"{float(match[0]):.2f}", svg)
    return re.sub(r"\s*\n\s*", " ", svg)
