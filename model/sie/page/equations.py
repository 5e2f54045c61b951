"""Every equation and every variable of the model on one page, read from the tables and docstrings that the code runs on.

An equation is an indented block of a docstring; a variable is a key of `quantities.QUANTITIES` or `mechanisms.MEANINGS`, or a symbol that
is computed (`COMPUTED`); where a variable enters is found by looking for it in the equations. Nothing here is a second copy.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ..data.priors import Entry, View
from ..data.quantities import LABOUR_DOUBLINGS, OOMS, QUANTITIES, R_UNIT, YEARS_OF_PROGRESS
from ..data.wording import prior_in_words
from ..growth.mechanisms import MEANINGS

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

COMPUTED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "r_d": ("r of domain d against labour, before adjustments", "r"),
        "z_d": ("how far domain d lies from the typical one, in standard deviations", "1"),
        "remoteness_d": ("how much further than language models domain d lies from frontier AI R&D", "1"),
        "r_hat_i": ("a published estimate of r", "r"),
        "f_hat_j": ("a published estimate of one or several adjustments", "1"),
        "x_ik": ("1 where estimate i of r already includes adjustment k", "1"),
        "x_jk": ("1 where estimate j of adjustments covers adjustment k", "1"),
        "c_i": ("what estimate i of r was measured against: all inputs over labour or compute", "log"),
        "c_j": ("the same of estimate j of adjustments, where it covers the compute factor", "log"),
        "delta_i": ("definition error of estimate i of r", "log"),
        "delta_j": ("definition error of estimate j of adjustments", "log"),
        "eps_i": ("error of estimate i of r", "log"),
        "eps_j": ("error of estimate j of adjustments", "log"),
        "r_target": ("r of language models", "r"),
        "x": ("software gained since ASARA", "labour doublings"),
        "v": ("pace of software", "labour doublings per year"),
        "k": ("growth of the pace", "doublings of the pace per doubling of software"),
        "lambda": ("growth of the pace per doubling of research input", "1"),
        "a_h": ("labour's share of research input in history h", "1"),
        "s": ("shift of its logit from today's", "1"),
        "z_h": ("the same in standard deviations", "1"),
        "z_w": ("error of how labour is counted, in standard deviations", "1"),
        "counted": ("log of labour's growth as a row counts it", "log"),
        "g_l": ("growth of research labour in a history", "natural log a year"),
        "g_c": ("growth of compute for research in a history", "natural log a year"),
        "m_i": ("multiple of log q in what estimate i was measured against", "1"),
        "n_i": ("multiple of log g_l in it", "1"),
        "o_i": ("multiple of log g_c in it", "1"),
        "g": ("scale of an estimate: log, logit or the number itself", "1"),
        "q_hat_l": ("a published estimate of another quantity", "that of the quantity"),
        "delta_l": ("definition error of estimate l, on its scale", "1"),
        "eps_l": ("error of estimate l, on its scale", "1"),
        "e": ("growth of research input", "doublings per doubling of software"),
        "beta": (
            "fall of the pace, since ideas get harder",
            "doublings of the pace per doubling of software",
        ),
        "beta_now": ("beta today, before ASARA", "doublings of the pace per doubling of software"),
        "share": ("labour's share of research input", "1"),
        "l": ("growth of AI research labour", "doublings per doubling of software"),
        "s_l": ("AI research labour gained since ASARA", "doublings"),
        "s_e": ("efficiency of experiments gained since ASARA", "doublings"),
        "d": ("labour gained less experiment efficiency gained", "doublings"),
        "kappa": ("exponent of the CES of labour and compute", "1"),
        "u": ("1 / lambda", "1"),
        "J": ("factor by which research labour grows at ASARA", "1"),
        "a_A": ("labour's share of research input at ASARA, after the jump in labour", "1"),
        "epsilon": ("growth of the efficiency of experiments", "doublings per doubling of software"),
        "pace_asara": ("pace of software at ASARA", "labour doublings per year"),
        "tau": ("time since ASARA at which a level is reached, by its own pace", "years"),
        "t": ("calendar time since ASARA", "years"),
        "b": ("exogenous factor on the pace", "1"),
        "B": ("integral of the exogenous factor", "years"),
        "recent_doublings_per_year": ("recent pace of software", "labour doublings per year"),
        "labour_doublings": ("a distance of software progress", LABOUR_DOUBLINGS),
        "years": ("the same distance", YEARS_OF_PROGRESS),
        "ooms": ("the same distance", OOMS),
        "credence": ("probability of an event", "1"),
        "count": ("draws in which the event happens", "draws"),
        "draws": ("all draws", "draws"),
        "effective_draws": ("effective sample size of the event's indicator", "draws"),
        "smoothed": ("probability that is never 0 or 1, for the error", "1"),
        "mcse": ("Monte Carlo standard error of a credence", "1"),
        "q": ("growth of research input in a history", "doublings per year"),
        "q_c": ("growth of compute for research", "doublings per year"),
        "q_l": ("growth of research labour", "doublings per year"),
        "q_s": ("growth of software", "doublings of training efficiency per year"),
        "compute_share": ("share of compute in research input", "1"),
        "takeoff_ratio": ("above 1, AI research labour alone makes software grow ever faster", "1"),
        "labour_exponent": ("doublings of serial-equivalent labour per doubling of software", "1"),
        "parallel_exponent": ("doublings of parallel labour per doubling of software", "1"),
        "cost": ("doublings of cost reduction per doubling of software", "1"),
        "speed": ("doublings of speed per doubling of cost reduction", "1"),
        "productivity": ("doublings of work per token per doubling of software", "1"),
        "parallel_share": ("labour's share in research input, of labour counted in parallel", "1"),
        "g_serial": ("growth of serial-equivalent labour", "natural log a year"),
        "g_parallel": ("growth of parallel labour", "natural log a year"),
        "penalty": ("exponent from parallel to serial-equivalent labour", "1"),
        "toy_ratio": ("length of a doubling over the one before it, in the toy model", "1"),
        "first": ("length of the first doubling", "months"),
        "asymptote": ("when infinitely many doublings are done", "months"),
    }
)
"""Symbols that the model computes rather than a view states: meaning and unit (`r`: that of r; `log`: of a logarithm)."""

WORDS = frozenset(
    {
        "i",
        "exp",
        "log",
        "log2",
        "min",
        "sum",
        "sum_k",
        "prod_k",
        "integral",
        "of",
        "inf",
        "Normal",
        "dx",
        "dt",
    }
)
"""Names of operations in the equations, which are no symbols."""

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
