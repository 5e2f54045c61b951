"""What the pages take from the package: a line `<!-- NAME ARGUMENT -->` of a page becomes the Markdown that NAME makes.

Nothing of it is stored, so that no page can differ from the code. A marker that no function has is an error of the build.
"""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import sie
from sie import cli
from sie.analysis.alternatives.stored import read_stored
from sie.base import exit_codes
from sie.data.priors import read_view, view_names
from sie.data.quantities import LABOUR_PACE, OOMS, QUANTITIES, TRAINING_PACE, YEARS_OF_PROGRESS
from sie.data.wording import authored_in_words, hundredths
from sie.growth.events import EVENTS
from sie.page import equations as equation_page
from sie.page.dictionary import tables as dictionary_tables

ROOT = Path(__file__).parents[1]
WIDTH = 100
"""Letters of an equation that fit into a line of a page."""

MARKER = re.compile(r"^<!-- (\w+)(?: ([^>]+?))? -->$", re.MULTILINE)


def filled(text: str) -> str:
    """A page with its generated parts."""
    return MARKER.sub(lambda match: MAKERS[match[1]](*filter(None, [match[2]])), text)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: str) -> str:
    """Words in the font of code."""
    return f"`{text}`" if text else ""


# ---- Answers


def golden() -> dict[tuple[str, str, str], float]:
    """The credences that the tests hold, by view, event and what is given."""
    with (ROOT / "tests" / "golden.csv").open(encoding="utf-8") as file:
        return {(row["view"], row["event"], row["given"]): float(row["p"]) for row in csv.DictReader(file)}


SHOWN = {
    "Davidson 2025: priors": ("davidson_2025", "priors"),
    "+ evidence": ("davidson_2025", "evidence"),
    "Davidson & Houlden 2025: priors": ("davidson_houlden_2025", "priors"),
    "reference (ours): priors": ("reference", "priors"),
    "+ evidence ": ("reference", "evidence"),
}
"""The columns of the table of events."""


def by_event() -> str:
    found = golden()
    rows = [
        [code(event), *(hundredths(found[view, event, given]) for view, given in SHOWN.values())]
        for event in EVENTS
    ]
    return table(["event", *map(str.strip, SHOWN)], rows)


def by_view() -> str:
    found = golden()
    asked = [(event, given) for event in ("r_above_1", "years_3_in_1y") for given in ("priors", "evidence")]
    rows = [
        [
            code(view),
            authored_in_words(read_view(view)),
            *("-" if (p := found.get((view, *key))) is None else hundredths(p) for key in asked),
        ]
        for view in view_names()
    ]
    header = ["view", "author's own", "r > 1: priors", "+ evidence", "3 years in 1: priors", "+ evidence"]
    return table(header, rows)


def alternatives(most: str) -> str:
    """The single alternatives that move P(r at ASARA > 1) of the reference view most."""
    document = read_stored()
    stored, choices = document["specifications"], {each["name"]: each for each in document["alternatives"]}
    base = document["headline"]["r_above_1"]["p"]
    singles = [
        (first, p)
        for first, second, p in zip(stored["first"], stored["second"], stored["p r_above_1"], strict=True)
        if first and not second
    ]
    singles.sort(key=lambda item: -abs(item[1] - base))
    rows = [
        [choices[name]["label"], hundredths(p), f"{100 * (p - base):+.1f}", choices[name]["note"]]
        for name, p in singles[: int(most)]
    ]
    return table(["other choice", "P(r > 1), %", "change, points", "why it could be made"], rows)


def domains() -> str:
    evidence = sie.read_evidence()
    kinds = {"r": "published", "growth": "growth", "series": "series"}
    rows = []
    for i, name in enumerate(evidence.domain.values.tolist()):
        of = evidence.kind.values[evidence.domain_idx.values == i].tolist()
        count = ", ".join(f"{of.count(kind)} {word}" for kind, word in kinds.items() if kind in of)
        rows.append([name, f"{evidence.remoteness.values[i]:g}", str(evidence.level.values[i]), count])
    return table(["domain", "remoteness", "enters at level", "rows"], rows)


# ---- Reference


def dictionary(letters: str = "") -> str:
    parts = []
    for each in dictionary_tables():
        if letters not in each.name:
            continue
        rows = [
            [
                code(column.name),
                column.meaning,
                column.unit,
                column.holds,
            ]
            for column in each.columns
        ]
        kept = [i for i in range(4) if any(row[i] for row in rows)]
        header = [("name", "meaning", "unit", "holds")[i] for i in kept]
        body = table(header, [[row[i] for i in kept] for row in rows])
        parts.append(f"### {code(each.name)}\n\n{each.what[0].upper()}{each.what[1:]}.\n\n{body}")
    return "\n\n".join(parts)


def commands() -> str:
    parts = []
    for panel, names in cli.PANELS.items():
        parts.append(f"## {panel}")
        parts += [_command(name, cli.tree().commands[name]) for name in names]
    return "\n\n".join(parts)


def _command(name, command) -> str:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option" and each.name != "help"]
    usage = " ".join(["sie", name, *(each.metavar or each.name.upper() for each in arguments)])
    rows = [[code(each.metavar or each.name), each.help or "", ""] for each in arguments]
    rows += [
        [
            code(f"{each.opts[0]} {each.metavar}" if each.metavar and not each.is_flag else each.opts[0]),
            each.help or "",
            "required" if each.required else _default(each),
        ]
        for each in options
    ]
    body = table(["", "meaning", "default"], rows) if rows else ""
    return f"### sie {name}\n\n    {usage}{' [OPTIONS]' if options else ''}\n\n{command.help}\n\n{body}"


def _default(option) -> str:
    nothing = option.is_flag or option.default in (None, "", ()) or callable(option.default)
    return "" if nothing else f"{option.default}"


def api(room: str) -> str:
    parts = []
    for name, module in sorted(sie._HOME.items(), key=lambda item: item[0].lower()):
        if module.split(".")[0] != room:
            continue
        thing = getattr(sie, name)
        if not callable(thing):
            parts.append(f"```{{eval-rst}}\n.. data:: sie.{name}\n\n   {_said(module, name)}\n```")
            continue
        kind = "autoclass" if isinstance(thing, type) else "autofunction"
        members = "\n   :members:" if kind == "autoclass" and not issubclass(thing, Exception) else ""
        parts.append(f"```{{eval-rst}}\n.. {kind}:: sie.{name}{members}\n```")
    return "\n\n".join(parts)


def _said(module: str, name: str) -> str:
    """The words below the assignment of a constant."""
    source = Path(sie.__file__).parent / (module.replace(".", "/") + ".py")
    body = ast.parse(source.read_text(encoding="utf-8")).body
    for node, after in pairwise(body):
        target = node.target if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [None])[0]
        if getattr(target, "id", None) == name and isinstance(after, ast.Expr):
            return " ".join(ast.literal_eval(after.value).split())
    raise LookupError(f"{module}.{name}: found no words, want a docstring below it")


def events() -> str:
    rows = [[code(event.name), event.wording, event.within, code(event.source)] for event in EVENTS.values()]
    return table(["event", "happens when", "within", "source"], rows)


def quantities() -> str:
    rows = [
        [code(name), each.symbol or "", each.meaning, " or ".join(each.units)]
        for name, each in QUANTITIES.items()
    ]
    return table(["quantity", "symbol", "meaning", "unit"], rows)


def symbols() -> str:
    rows = [[code(name), meaning, unit] for name, (meaning, unit) in sorted(equation_page.COMPUTED.items())]
    return table(["symbol", "meaning", "unit"], rows)


def equations() -> str:
    return f"```text\n{equation_page.as_text(width=100)}```"


def equation(where: str) -> str:
    """The equations of one docstring of the code."""
    [block] = [block for block in equation_page.blocks() if block.where == where]
    lines = []
    for line in block.lines:
        parts = [part.strip() for part, _ in equation_page.parts(line)]
        joined = "    ".join(parts)
        lines += [joined] if len(joined) <= WIDTH else [parts[0], *(f"    {part}" for part in parts[1:])]
    return "\n".join(["```text", *lines, "```"])


def exits() -> str:
    names = ("BAD_INPUT", "NOT_CONVERGED", "NOT_CALIBRATED", "INTERRUPTED", "CLOSED_PIPE")
    source = Path(exit_codes.__file__).read_text(encoding="utf-8")
    said = dict(re.findall(r'^(\w+) = \d+\n"""(.*?)"""', source, re.MULTILINE | re.DOTALL))
    rows = [["0", "Good."], ["1", "A fault of the program."]]
    rows += [[f"{getattr(exit_codes, name)}", said.get(name, "Interrupted by Ctrl-C.")] for name in names]
    return table(["code", "meaning"], rows)


def units() -> str:
    said = {
        YEARS_OF_PROGRESS: "years at the view's own recent pace of all AI progress: recent doublings a year over `software_share`",
        OOMS: "factors of ten of training efficiency: log2(10) x conversion labour doublings",
        LABOUR_PACE: "doublings of software in units of parallel labour a year",
        TRAINING_PACE: "doublings of training efficiency a year; x conversion for labour doublings",
    }
    return table(["unit", "meaning"], [[name, meaning] for name, meaning in said.items()])


def schema() -> dict:
    """The JSON schema of a saved report."""
    path = ROOT / "docs" / "reference" / "report.schema.json"
    return json.loads(path.read_text(encoding="utf-8"))


def report_schema() -> str:
    rows = [[code(path), _type(node), node.get("description", "")] for path, node in schema_keys(schema())]
    return table(["key", "type", "meaning"], rows)


def schema_keys(node: dict, path: str = "") -> Iterable[tuple[str, dict]]:
    """Every key of a schema by its path: `views[].credences[].p`."""
    for key, below in node.get("properties", {}).items():
        yield f"{path}{key}", _resolved(below)
        here = _resolved(below)
        here = next((each for each in here.get("anyOf", ()) if "properties" in each), here)
        if "items" in here:
            yield from schema_keys(_resolved(here["items"]), f"{path}{key}[].")
        yield from schema_keys(here, f"{path}{key}.")


def _resolved(node: dict) -> dict:
    """A node with what it refers to; a prior within a prior stays a reference."""
    name = node.get("$ref", "").removeprefix("#/$defs/")
    return {**schema()["$defs"][name], **node} if name and name != "prior" else node


def _type(node: dict) -> str:
    kind = node.get("type") or [each.get("type", "") for each in node.get("anyOf", ())]
    if "enum" in node or "const" in node:
        return ", ".join(f"{value}" for value in node.get("enum", [node.get("const")]))
    return kind if isinstance(kind, str) else " or ".join(kind)


def headline() -> str:
    return sie.headline()


MAKERS = {
    make.__name__: make
    for make in (
        *(alternatives, api, by_event, by_view, commands, dictionary, domains, equation, equations),
        *(events, exits, headline),
        *(quantities, report_schema, symbols, units),
    )
}
"""Every marker that a page may have."""
