"""Stores of results, one row per task, from which an interrupted run resumes.

A row is a Zarr chunk with a checksum, written whole or not at all. A row that is not as it was written, or that no task can have
given, is *damaged*: readers of the store are told so, and a resumed run computes that row again.
"""

from __future__ import annotations

import json
import math
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from .errors import DataError, plain
from .files import make_folder
from .imports import require
from .reading import read_json

if TYPE_CHECKING:
    import zarr

__all__ = [
    "DONE",
    "LOST",
    "NOT_CONVERGED",
    "STATES",
    "attributes",
    "discard_rows",
    "folder_of",
    "locked",
    "open_rows",
    "read_rows",
    "read_values",
    "read_whole",
    "write_row",
]

DONE, NOT_CONVERGED, LOST = 1.0, 2.0, 3.0
"""What became of a task, the first number of its row; NaN is still to do."""

STATES = {DONE: "done", NOT_CONVERGED: "not converged", LOST: "lost"}

PROBABILITIES = ("p", "pit", "happened")
"""First words of the fields that lie between 0 and 1."""

MOST_ABOUT = 2**30
"""Most bytes of the task descriptions in a store."""

NAMED = 5
"""Damaged rows that a message names."""

_METADATA, _LOCK, _CELLS, _HALF, _CHECKSUM = "zarr.json", "lock", "c", ".partial", 4


def open_rows(
    store: Path,
    labels: Sequence[dict],
    fields: Sequence[str],
    *,
    sha256: str,
    about: Mapping[str, Any] = MappingProxyType({}),
) -> zarr.Array:
    """The store's array (task, field), to be written, made if there is none.

    `sha256` covers all that the results depend on; `about` are more attributes of a store that is made. Raises DataError for
    a store of another run.
    """
    require("cluster", "a store of results")
    if not (store / _METADATA).exists():
        if store.is_dir() and any(path.name != _LOCK and path.suffix != _HALF for path in store.iterdir()):
            raise DataError(str(store), plain("something else"), "the store of a sweep, or a new name")
        own = {"sha256": sha256, "fields": list(fields), "tasks": list(labels), "version": __version__}
        with locked(store):
            if not (store / _METADATA).exists():  # another process may just have made it
                try:
                    for path in store.glob(f"*{_HALF}"):
                        path.unlink()
                    _made(store, len(labels), len(fields), {**own, **about})
                except OSError as error:
                    raise _unwritable(store, error) from None
    rows = read_rows(store, fields, mode="r+")
    own = json.loads(json.dumps({"sha256": sha256, "tasks": list(labels), **about}))
    if any(rows.attrs.get(key) != value for key, value in own.items()):
        raise DataError(
            str(store),
            plain("a store of another run, or of changed inputs"),
            "a new name, or the same inputs",
        )
    return rows


def _made(store: Any, tasks: int, fields: int, about: dict) -> zarr.Array:
    import zarr
    from zarr.codecs import Crc32cCodec

    return zarr.create_array(
        store=store,
        shape=(tasks, fields),
        chunks=(1, fields),
        dtype="float64",
        fill_value=math.nan,
        compressors=(Crc32cCodec(),),
        attributes=about,
    )


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Lock a store for writing until the block or the process ends. Raises DataError if another process holds the lock."""
    from filelock import FileLock, Timeout

    make_folder(store)
    lock = FileLock(store / _LOCK, timeout=0, preserve_lock_file=True)
    try:
        held = lock.acquire()
    except Timeout:
        found = plain("another process that writes into it")
        raise DataError(str(store), found, "another store, or to wait until that one ends") from None
    except OSError as error:
        raise _unwritable(store, error) from None
    with held:
        yield


def attributes(rows: zarr.Array) -> Mapping[str, Any]:
    """The attributes of a store's array, JSON values by name."""
    return rows.attrs


def folder_of(rows: zarr.Array) -> Path:
    """The folder of a store."""
    return Path(rows.store.root)  # pyright: ignore[reportAttributeAccessIssue]


def read_rows(store: Path, fields: Sequence[str] | None = None, *, mode: str = "r") -> zarr.Array:
    """The array (task, field) of a store; attribute `tasks` has a label for each. Raises DataError for anything else, also for a
    store of other fields."""
    require("cluster", "a store of results")
    import zarr

    want = "the store of a sweep"
    try:
        found = read_json(store / _METADATA, limit=MOST_ABOUT, want=want)
        about = found["attributes"]
        names, tasks = about["fields"], about["tasks"]
        good = names == list(fields if fields is not None else names) and isinstance(about["sha256"], str)
        good = good and {type(name) for name in names} == {str} and isinstance(tasks, list)
        memory: dict[str, Any] = {}
        _made(memory, len(tasks), len(names), about)
        if good and json.loads(memory[_METADATA].to_bytes()) == found:
            return zarr.open_array(store, mode=mode)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
    ):  # a DataError is a ValueError, and would name a file that no user knows
        pass
    raise DataError(str(store), plain("something else"), want)


def read_values(rows: zarr.Array) -> tuple[np.ndarray, list[int]]:
    """The numbers (task, field), NaN where there are none, and the damaged tasks, whose numbers are NaN too."""
    tasks, fields = rows.shape
    values, damaged = np.full((tasks, fields), math.nan), []
    present = [i for i in range(tasks) if _is_there(rows, i, damaged)]
    for start, stop in _runs(present):
        _read(rows, start, stop, values, damaged)
    names = list(attributes(rows)["fields"])
    bounded = [i for i, name in enumerate(names) if name.split(" ")[0] in PROBABILITIES]
    status, shares = values[:, 0], values[:, bounded]
    odd = ~(np.isnan(status) | np.isin(status, list(STATES))) | ((shares < 0) | (shares > 1)).any(axis=1)
    values[odd] = math.nan
    return values, sorted({*damaged, *np.flatnonzero(odd).tolist()})


def _cell(rows: zarr.Array, i: int) -> Path:
    return folder_of(rows) / _CELLS / str(i) / "0"


def _is_there(rows: zarr.Array, i: int, damaged: list[int]) -> bool:
    """Whether a task has a row to be read: a regular file of the size of a row."""
    try:
        state = _cell(rows, i).lstat()
    except FileNotFoundError:
        return False
    except OSError:
        state = None
    size = rows.shape[1] * rows.dtype.itemsize + _CHECKSUM
    good = state is not None and stat.S_ISREG(state.st_mode) and state.st_size == size
    if not good:
        damaged.append(i)
    return good


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The numbers in ascending order as (start, stop) of those that follow each other."""
    breaks = [i for i in range(1, len(numbers)) if numbers[i] != numbers[i - 1] + 1]
    for start, stop in zip([0, *breaks], [*breaks, len(numbers)], strict=True):
        if start < stop:
            yield numbers[start], numbers[stop - 1] + 1


def _read(rows: zarr.Array, start: int, stop: int, values: np.ndarray, damaged: list[int]) -> None:
    try:
        values[start:stop] = rows[start:stop]
    except (OSError, ValueError):
        if stop == start + 1:
            damaged.append(start)
            return
        middle = (start + stop) // 2
        _read(rows, start, middle, values, damaged)
        _read(rows, middle, stop, values, damaged)


def read_whole(rows: zarr.Array) -> np.ndarray:
    """The numbers (task, field), NaN where there are none yet. Raises DataError where one is damaged."""
    values, damaged = read_values(rows)
    if damaged:
        raise DataError(
            str(folder_of(rows)),
            plain(damage_in_words(damaged)),
            "whole ones (the same command with this store computes them again)",
        )
    return values


def damage_in_words(damaged: Sequence[int]) -> str:
    """Which rows are damaged, the first of them by number."""
    more = f" and {len(damaged) - NAMED} more" if len(damaged) > NAMED else ""
    return f"{len(damaged)} damaged rows ({', '.join(map(str, damaged[:NAMED]))}{more})"


def discard_rows(rows: zarr.Array, damaged: Sequence[int]) -> None:
    """Remove damaged rows, and what a killed writer left, so that they are to do. Raises DataError for what is no file."""
    cells = folder_of(rows) / _CELLS
    for path in [*(_cell(rows, i) for i in damaged), *cells.glob(f"*/*{_HALF}")]:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise DataError(
                str(path), plain(error.strerror or str(error)), "a row of this store (remove it)"
            ) from None


def write_row(rows: zarr.Array, i: int, row: np.ndarray) -> None:
    """Write the row of a task. Raises DataError where it cannot be written."""
    try:
        rows[i] = row
    except OSError as error:
        raise _unwritable(folder_of(rows), error) from None


def _unwritable(store: Path, error: OSError) -> DataError:
    return DataError(str(store), plain(error.strerror or str(error)), "a writable place")
