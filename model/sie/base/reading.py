"""The bundled folders, and files as they are read everywhere: bytes, text, TOML and JSON, each up to a limit."""

from __future__ import annotations

import json
import math
import re
import tomllib
from pathlib import Path
from typing import Any, NoReturn

from .errors import DataError, plain

__all__ = [
    "data_folder",
    "number_meant",
    "parse_json",
    "parse_toml",
    "read_bytes",
    "read_json",
    "read_text",
    "read_toml",
]

MOST_BYTES = 64 * 2**20
"""Bytes of a file that is read whole: a table, a report, a ledger, a source's text."""

MOST_TOML = 4 * 2**20
"""Bytes of a TOML file."""

MOST_PARTS = 64
"""Parts of a dotted key; the time that a TOML parser needs grows with their square."""

MOST_DEPTH = 64
"""Lists and objects within one another in a JSON document."""

MOST_LINE = 300
"""Letters of a line in which a usual slip is looked for."""

MOST_DIGITS = 20
"""Digits of a whole number in JSON: those of the largest seed."""

_LONG_KEY = re.compile(
    rf"""(?<![\w.-])(?:(?:[\w-]++|"[^"\n]{{0,80}}"|'[^'\n]{{0,80}}')[ \t]*+\.[ \t]*+){{{MOST_PARTS}}}"""
)


def data_folder(name: str) -> Path:
    """The bundled folder `priors` or `evidence`: inside an installed package, else at the root of a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / name, package.parents[1] / name):
        if folder.is_dir():
            return folder
    raise DataError(name, plain("no such folder"), f"the folder {name}/ in the package or the checkout")


def read_bytes(path: Path | str, *, limit: int = MOST_BYTES) -> bytes:
    """The content of a regular file of at most `limit` bytes. Raises DataError that names the file."""
    path = Path(path)
    try:
        if not (path.is_file() or path.is_dir()) and path.exists():  # to open a pipe would wait for a writer
            raise DataError(str(path), plain("something that is no file"), "a regular file")
        with path.open("rb") as stream:
            content = stream.read(limit + 1)
    except FileNotFoundError:
        raise DataError(str(path), plain("no such file"), "a file that exists") from None
    except OSError as error:
        raise DataError(str(path), plain(error.strerror or "an unreadable file"), "a readable file") from None
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(str(path), plain(str(error)), "a path that can exist") from None
    if len(content) > limit:
        raise DataError(str(path), plain("a larger file"), f"at most {limit / 2**20:g} MiB")
    return content


def read_text(path: Path | str, *, limit: int = MOST_BYTES) -> str:
    """The text of a data file, or a DataError that names it."""
    content, name = read_bytes(path, limit=limit), Path(path).name
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(f"{name} line {line}", plain("bytes that are not UTF-8"), "UTF-8 text") from None
    if text.startswith("\ufeff"):
        raise DataError(f"{name} line 1", plain("a byte order mark"), "UTF-8 text without one")
    if not text.strip():
        raise DataError(name, plain("an empty file"), "data")
    return text


def read_toml(path: Path | str) -> dict[str, Any]:
    """A TOML file as a dict, or a DataError with the line of the syntax error."""
    return parse_toml(Path(path).name, read_text(path, limit=MOST_TOML))


def parse_toml(name: str, text: str) -> dict[str, Any]:
    """The TOML of a file of this name as a dict, or a DataError with the line of the syntax error."""
    if found := _LONG_KEY.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise DataError(
            f"{name} line {line}", plain("a key of many parts"), f"keys of fewer than {MOST_PARTS}"
        )
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        if place := re.search(r"\(at line (\d+),", str(error)):
            _refuse_usual_slip(name, text.split("\n")[int(place[1]) - 1], int(place[1]))
        raise DataError(name, plain(f"a TOML syntax error: {error}"), "valid TOML") from None
    except ValueError as error:
        raise DataError(name, plain(f"a bad TOML value: {error}"), "valid TOML") from None
    _refuse_unprintable_keys(name, document)
    return document


def _refuse_unprintable_keys(name: str, document: object) -> None:
    """Refuse a file one of whose keys, at any depth, has a character that a terminal would obey: no key of ours has one."""
    waiting = [document]
    while waiting:
        match waiting.pop():
            case dict(table):
                for key in table:
                    if not key.isprintable():
                        raise DataError(f"{name} key", key, "keys without control characters")
                waiting += table.values()
            case list(items):
                waiting += items


_SLIPS = (
    (r"-?\d+,\d+", "a decimal comma", lambda value: f"a decimal point, as in {number_meant(value):g}"),
    (r"-?\d+(?:[.,]\d+)? *%", "a percent sign", lambda value: f"a share, as in {number_meant(value):g}"),
    (r"[“”‘’„].*", "a curly quotation mark", lambda value: 'a straight one: "'),
    (r"[A-Za-z][\w ()/-]*", "a word without quotation marks", lambda value: f'"{value}"'),
)
"""What people write for a value that TOML does not know: the pattern, what it is, and what is wanted."""


def _refuse_usual_slip(name: str, text: str, line: int) -> None:
    """Refuse the line at which the syntax breaks in the terms of whoever wrote it, where it is a usual slip."""
    key, equals, value = text[:MOST_LINE].partition("=")
    value = value.partition("#")[0].strip()
    for pattern, what, want in _SLIPS if equals else ():
        if re.fullmatch(pattern, value):
            raise DataError(f"{name} line {line} {key.strip()}", plain(f"{value}, {what}"), want(value))


def number_meant(text: object) -> float | None:
    """The number that a text with a decimal comma or a percent sign means; None where it means none."""
    if not isinstance(text, str):
        return None
    digits = text.strip().removesuffix("%").strip().replace(",", ".")
    try:
        number = float(digits) / (100 if text.strip().endswith("%") else 1)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def read_json(path: Path | str, *, limit: int = MOST_BYTES, want: str = "valid JSON") -> Any:
    """A strict JSON file (`parse_json`), or a DataError with the line of the syntax error."""
    return parse_json(Path(path).name, read_text(path, limit=limit), want=want)


def parse_json(where: str, text: str, *, want: str = "valid JSON") -> Any:
    """Strict JSON: no NaN, no number that is too large, no key twice, no deep nesting, no text with half a character."""

    def refuse(name: str) -> NoReturn:
        raise DataError(where, plain(name), f"finite numbers of at most {MOST_DIGITS} digits")

    def once(pairs: list[tuple[str, object]]) -> dict:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise DataError(where, plain("a key twice"), "each key once")
        return found

    def number(text: str) -> float:
        return float(text) if math.isfinite(float(text)) else refuse(text)

    def whole(text: str) -> int:
        digits = len(text.lstrip("-"))
        return int(text) if digits <= MOST_DIGITS else refuse(f"a whole number of {digits} digits")

    hooks = {"parse_constant": refuse, "parse_float": number, "parse_int": whole}
    try:
        found = json.loads(text, **hooks, object_pairs_hook=once)
        _refuse_deep(where, found)
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise DataError(where, plain("half a character (a lone surrogate)"), "whole text") from None
    except json.JSONDecodeError as error:
        place = f"{where} line {error.lineno} column {error.colno}" if "\n" in text.strip() else where
        raise DataError(place, plain(f"no JSON ({error})"), want) from None
    except RecursionError:
        raise DataError(where, plain("deeper nesting"), f"at most {MOST_DEPTH} levels") from None
    return found


def _refuse_deep(where: str, document: object) -> None:
    level, depth = [document], 0
    while level:
        if depth > MOST_DEPTH:
            raise DataError(where, plain("deeper nesting"), f"at most {MOST_DEPTH} levels")
        lists = [
            item.values() if isinstance(item, dict) else item
            for item in level
            if isinstance(item, dict | list)
        ]
        level, depth = [item for items in lists for item in items], depth + 1
