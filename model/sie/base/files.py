"""Files that appear whole or not at all, however the process ends."""

from __future__ import annotations

import csv
import glob
import hashlib
import io
import json
import os
import platform
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from .errors import DataError, plain

__all__ = [
    "csv_text",
    "discard_unfinished",
    "make_folder",
    "refuse_unwritable",
    "sha256_of",
    "strict_json",
    "write_atomically",
    "write_json",
    "write_whole",
]

MOST_BYTES = 60
"""Bytes of a file's and of a machine's name in the name of an unfinished file."""

_unfinished: set[Path] = set()


def discard_unfinished() -> None:
    """Remove what is being written, for a process that is about to end."""
    for path in tuple(_unfinished):
        path.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a killed process leaves the old one or the new one."""
    write_whole(path, lambda target: target.write_bytes(content))


def strict_json(document: object) -> str:
    """Strict JSON (no NaN), keys sorted: the same text for the same document."""
    return json.dumps(document, sort_keys=True, allow_nan=False, ensure_ascii=False, indent=1) + "\n"


def csv_text(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table as CSV: numbers with all their digits, lines that end in a line feed."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()


def write_json(path: Path | None, document: object) -> None:
    """Write `strict_json` where there is a path."""
    if path is not None:
        write_atomically(path, strict_json(document).encode())


def sha256_of(head: str, files: Iterable[tuple[str, bytes]] = ()) -> str:
    """SHA-256 of a text and of files, by name and content."""
    digest = hashlib.sha256(head.encode())
    for name, content in files:
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def make_folder(path: Path) -> None:
    """Make a folder and those above it, unless it is there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(str(path), plain(error.strerror or str(error)), "a folder that can be made") from None


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, then put it in its place; a link is written through."""
    path = path.resolve()
    try:
        _discard_orphans(path)
        prefix = f"{_start(path)}{_writer(os.getpid())}."
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=path.suffix)
        os.close(handle)
        target = Path(name)
        _unfinished.add(target)
        try:
            write(target)
            target.chmod(0o666 & ~_umask())
            target.replace(path)
        finally:
            target.unlink(missing_ok=True)
            _unfinished.discard(target)
    except OSError as error:
        raise DataError(str(path), plain(error.strerror or str(error)), "a writable place") from None


def _writer(pid: int | str) -> str:
    """A process of this machine, as unfinished files name it."""
    return f"{re.sub(r'[^A-Za-z0-9-]', '-', platform.node())[:MOST_BYTES]}-{pid}"


def _start(path: Path) -> str:
    """How the names of unfinished files of the same file begin."""
    return f".{os.fsdecode(os.fsencode(path.stem)[:MOST_BYTES])}."


def _discard_orphans(path: Path) -> None:
    """Remove unfinished copies of the same file that killed processes of this machine left; a running process keeps its own."""
    start = f"{_start(path)}{_writer('')}"
    for orphan in path.parent.glob(f"{glob.escape(start)}*{glob.escape(path.suffix)}"):
        pid = orphan.name.removeprefix(start).split(".")[0]
        if pid.isdecimal() and not _is_alive(int(pid)):
            orphan.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def refuse_unwritable(
    option: str,
    path: Path | None,
    *,
    folder: bool = False,
    inputs: Sequence[Path | None] = (),
    others: Sequence[Path] = (),
    parent_may_be_made: bool = False,
) -> None:
    """Refuse a target that could not be written, or that is an input or another target, before the long work."""
    if path is None:
        return
    where = f"{option} {path}"
    try:
        resolved, exists = path.resolve(), path.exists()
    except OSError as error:
        raise DataError(where, plain(error.strerror or str(error)), "a path that can exist") from None
    if exists and not (path.is_dir() if folder else path.is_file()):
        raise DataError(
            where, plain("something else of that name"), "a folder" if folder else "a regular file"
        )
    if resolved in [other.resolve() for other in inputs if other is not None]:
        raise DataError(where, plain("an input of this command"), "another file")
    if resolved in [other.resolve() for other in others]:
        raise DataError(where, plain("another target of this command"), "another file")
    place = path if folder else path.parent
    while not place.exists() and (folder or parent_may_be_made):
        place = place.parent
    if not place.is_dir():
        raise DataError(where, plain(f"no folder {place}"), "a place in a folder that exists")
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise DataError(where, plain(f"{place}: {error.strerror}"), "a writable place") from None
