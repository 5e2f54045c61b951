"""The bundled folders, and text and TOML files as they are read everywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from .errors import DataError, plain

__all__ = ["data_folder", "read_text", "read_toml"]

MOST_BYTES = 64 * 2**20
"""Bytes of a text file."""

MOST_PARTS = 64
"""Parts of a dotted key; the time that a TOML parser needs grows with their square."""

_LONG_KEY = re.compile(
    rf"""(?<![\w.-])(?:(?:[\w-]+|"[^"\n]{{0,80}}"|'[^'\n]{{0,80}}')[ \t]*\.[ \t]*){{{MOST_PARTS}}}"""
)


def data_folder(name: str) -> Path:
    """The bundled folder `priors` or `evidence`: inside an installed package, else at the root of a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / name, package.parents[1] / name):
        if folder.is_dir():
            return folder
    raise DataError(name, plain("no such folder"), f"the folder {name}/ in the package or the checkout")


def read_text(path: Path) -> str:
    """The text of a data file, or a DataError that names it."""
    try:
        if not (path.is_file() or path.is_dir()) and path.exists():  # to open a pipe would wait for a writer
            raise DataError(str(path), plain("something that is no file"), "a regular file")
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise DataError(str(path), plain("no such file"), "a file that exists") from None
    except OSError as error:
        raise DataError(str(path), plain(error.strerror or "an unreadable file"), "a readable file") from None
    if len(content) > MOST_BYTES:
        raise DataError(str(path), plain("a larger file"), f"at most {MOST_BYTES // 2**20} MiB")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(f"{path.name} line {line}", plain("bytes that are not UTF-8"), "UTF-8 text") from None
    if text.startswith("\ufeff"):
        raise DataError(f"{path.name} line 1", plain("a byte order mark"), "UTF-8 text without one")
    if not text.strip():
        raise DataError(path.name, plain("an empty file"), "data")
    return text


def read_toml(path: Path) -> dict:
    """A TOML file as a dict, or a DataError with the line of the syntax error."""
    text = read_text(path)
    if found := _LONG_KEY.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise DataError(
            f"{path.name} line {line}", plain("a key of many parts"), f"keys of fewer than {MOST_PARTS}"
        )
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise DataError(path.name, plain(f"a TOML syntax error: {error}"), "valid TOML") from None
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(path.name, plain(f"a bad TOML value: {error}"), "valid TOML") from None
