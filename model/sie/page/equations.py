"""Every equation and every variable of the model on one page, read from the tables and docstrings that the code runs on.

An equation is an indented block of a docstring; a variable is a key of `quantities.QUANTITIES` or `mechanisms.MEANINGS`, or a symbol that
is computed (`COMPUTED`); where a variable enters is found by looking for it in the equations. Nothing here is a second copy.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..data.priors import Entry, View
from ..data.quantities import QUANTITIES, R_UNIT
from ..data.wording import prior_in_words
from ..growth.mechanisms import MEANINGS
from .symbols import COMPUTED, WORDS

__all__ = [
    "COMPUTED",
    "MODULES",
    "Block",
    "Variable",
    "as_text",
    "blocks",
    "parts",
    "symbols_of",
    "variables",
]

PACKAGE = Path(__file__).parents[1]

MODULES = (
    "returns.model",
    "returns.observed",
    "returns.equations",
    "returns.asara",
    "growth.law",
    "growth.paths",
    "growth.clock",
    "growth.credences",
    "growth.accounting",
)
"""Modules whose docstrings hold the model, in the order of the data."""

_SECTIONS = re.compile(r"^\w+\n-{3,}$", re.MULTILINE)
"""Where a numpydoc docstring turns from what a function is to its parameters."""

_GAP = re.compile(r"\s{3,}(?![=~ ])")
_SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class Block:
    """What one docstring says: its first paragraph and its equations, line by line. `where` is `growth` or `growth.beta`."""

    where: str
    text: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One variable of the index. `entry` is what a view states of it, if a view was given and states it."""

    name: str
    symbol: str
    meaning: str
    unit: str
    lies_in: str = ""
    enters: tuple[str, ...] = ()
    entry: Entry | None = None


def blocks() -> list[Block]:
    """Every module docstring and every documented public function of `MODULES`, in the order of the files."""
    found = []
    for module in MODULES:
        tree = ast.parse((PACKAGE / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name[0] != "_"]
        for where, node in ((module, tree), *((f"{module}.{node.name}", node) for node in functions)):
            if (docstring := ast.get_docstring(node)) is not None:
                paragraphs = _SECTIONS.split(docstring)[0].split("\n\n")
                lines = [line for text in paragraphs for line in text.splitlines() if line.startswith("    ")]
                first = " ".join(paragraphs[0].split())
                found.append(Block(where=where, text=first, lines=tuple(line[4:].rstrip() for line in lines)))
    return found


def parts(line: str) -> list[tuple[str, bool]]:
    """A line of equations as its parts, which wide gaps set apart, and whether each is a remark (it has no `=` and no `~`)."""
    found = [" ".join(part.split()) for part in _GAP.split(line)]
    return [(part, "=" not in part and "~" not in part) for part in found]


def symbols_of(line: str) -> set[str]:
    """The symbols in a line of equations; remarks have none."""
    names = {name for part, remark in parts(line) if not remark for name in _SYMBOL.findall(part)}
    return {name for name in names if name not in WORDS}


def variables(view: View | None = None) -> list[Variable]:
    """The index: what a view states, the numbers of a growth law, and what is computed, each with where it enters."""
    lines = [(block.where, line, symbols_of(line)) for block in blocks() for line in block.lines]

    def enters(*names: str | None) -> tuple[str, ...]:
        return tuple(dict.fromkeys(where for where, _, symbols in lines if symbols & set(names)))

    stated = [
        Variable(
            name=name,
            symbol=quantity.symbol or name,
            meaning=quantity.meaning,
            unit=" or ".join(quantity.units) if view is None or name not in view else view[name].unit,
            lies_in=_range(quantity),
            enters=enters(name, quantity.symbol),
            entry=view[name] if view is not None and name in view else None,
        )
        for name, quantity in QUANTITIES.items()
    ]
    law = [
        Variable(name=name, symbol=name, meaning=meaning, unit=unit, enters=("growth",))
        for name, (meaning, unit) in MEANINGS.items()
    ]
    computed = [
        Variable(
            name=name,
            symbol=name,
            meaning=meaning,
            unit={"r": R_UNIT, "log": "1 (of a log)"}.get(unit, unit),
            enters=enters(name),
        )
        for name, (meaning, unit) in COMPUTED.items()
    ]
    return [*stated, *law, *computed]


def _range(quantity) -> str:
    low = f"{'at least' if quantity.lower_included else 'above'} {quantity.lower:g}"
    return low if math.isinf(quantity.upper) else f"{low}, at most {quantity.upper:g}"


def as_text(view: View | None = None, *, width: int = 110) -> str:
    """Equations, index of variables (with a view's priors) and events, as a page of text."""
    return (
        "\n".join([*_equation_lines(width), "", *_variable_lines(view, width), "", *_event_lines(width)])
        + "\n"
    )


def _equation_lines(width: int) -> Iterator[str]:
    yield "EQUATIONS"
    for block in blocks():
        if block.where in MODULES:
            yield ""
        yield from _wrapped(f"{block.where}: {block.text}", width, indent=2 * (block.where not in MODULES))
        if block.lines:
            yield from ("", *(f"        {line}" for line in block.lines), "")


def _variable_lines(view: View | None, width: int) -> Iterator[str]:
    yield "VARIABLES" if view is None else f"VARIABLES, with the priors of {view.label}"
    heads = {next(iter(QUANTITIES)): "stated by a view", next(iter(MEANINGS)): "numbers of a growth law"}
    heads[next(iter(COMPUTED))] = "computed"
    for variable in variables(view):
        if variable.name in heads and (heading := heads.pop(variable.name)):
            yield from ("", f"{heading}:")
        letter = f" ({variable.symbol})" if variable.symbol != variable.name else ""
        limits = f"; {variable.lies_in}" if variable.lies_in else ""
        yield from _wrapped(
            f"{variable.name}{letter}: {variable.meaning} [{variable.unit}{limits}]", width, indent=2
        )
        if variable.enters:
            yield from _wrapped(f"enters {', '.join(variable.enters)}", width, indent=6)
        if (entry := variable.entry) is not None:
            yield from _wrapped(f"prior: {prior_in_words(entry.prior)} ({entry.basis})", width, indent=6)
            if entry.quote:
                yield from _wrapped(f"quote: “{entry.quote}” ({entry.locator})", width, indent=6)
            if entry.note:
                yield from _wrapped(f"note: {entry.note}", width, indent=6)


def _event_lines(width: int) -> Iterator[str]:
    from ..growth.events import EVENTS

    yield "EVENTS"
    for event in EVENTS.values():
        yield from _wrapped(
            f"{event.name}: {event.wording} ({event.within}; {event.source})", width, indent=2
        )


def _wrapped(text: str, width: int, *, indent: int) -> list[str]:
    import textwrap

    return textwrap.wrap(
        text,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )
