"""Whether an HDF5 file is plain: no links, no external or virtual data, no objects, bounded sizes. Checked before anything is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, plain

if TYPE_CHECKING:
    import h5py

__all__ = ["WANT", "unusual"]

WANT = "a file that sie report --out wrote"

MOST_BYTES = 4 * 2**30
"""Bytes that the variables of a file may take once read, all of them."""

ALWAYS_BYTES = 256 * 2**20
"""Bytes that they may take however small the file is."""

EXPANSION = 50
"""Times the size of the file that they may take beyond that; draws, with constants beside, are compressed two- to fivefold."""

MOST_STRINGS = 100_000
"""Texts of varying length in the variables of a file. Any number of them may point to one text, and each is read as a copy."""

MOST_STRINGS_OF_ATTRIBUTE = 64
"""The same, of an attribute."""

MOST_VARIABLES = 2000
"""Variables of a file."""

MOST_TEXT = 2**20
"""Bytes of an attribute."""


def unusual(where: str, file: h5py.File) -> DataError | None:
    """What a file of draws never has, looked for before anything is read: links out of it, objects, sizes without bound.

    It is returned, not raised: a traceback would keep HDF5's objects, and HDF5 crashes at the end of the process on those of
    virtual data that it has to close itself.
    """
    import h5py

    count, size, strings = 0, 0.0, 0
    most = min(MOST_BYTES, ALWAYS_BYTES + EXPANSION * file.id.get_filesize())
    groups: list[tuple[h5py.Group, int]] = [(file, 0)]
    for group, depth in groups:
        if problem := _long_attribute(where, group):
            return problem
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                return DataError(f"{where} {name}", plain("a link"), "data in the file itself")
            item = group[name]
            if isinstance(item, h5py.Group) and depth == 0:
                groups.append((item, 1))
                continue
            if not isinstance(item, h5py.Dataset):
                return DataError(f"{where} {name}", plain("neither a group nor a variable"), WANT)
            if problem := _long_attribute(where, item) or _odd_variable(where, item):
                return problem
            count, strings = count + 1, strings + (item.size or 0) * (item.dtype.kind == "O")
            if count > MOST_VARIABLES:
                return DataError(where, plain(f"more than {MOST_VARIABLES} variables"), WANT)
            if strings > MOST_STRINGS:
                return DataError(f"{where} {name}", plain("more texts"), f"at most {MOST_STRINGS} in all")
            size += _bytes_read(item, most)
    if size > most:
        found = plain(f"{size / 2**30:.3g} GiB of variables")
        return DataError(where, found, f"at most {most / 2**30:.3g} GiB in a file of this size")
    return None


def _bytes_read(item: h5py.Dataset, most: float) -> float:
    """Bytes that a variable takes when it is read: its own, or those of a chunk, which may be larger; of texts up to `most`."""
    numbers = max(np.prod(item.shape or (), dtype=float), np.prod(item.chunks or (), dtype=float))
    size = float(numbers * max(item.dtype.itemsize, 1))
    if item.dtype.kind == "O" and item.size:
        for at in np.ndindex(item.shape):
            size += len(item[at])
            if size > most:
                break
    return size


def _odd_variable(where: str, item: h5py.Dataset) -> DataError | None:
    """What is wrong with where a variable's data are, or with their type."""
    import h5py

    if item.external or item.is_virtual:
        return DataError(f"{where} {item.name}", plain("data of another file"), "data in the file itself")
    known = item.dtype.kind in "biufS" or (item.dtype.kind == "O" and h5py.check_string_dtype(item.dtype))
    if not known:
        return DataError(f"{where} {item.name}", plain(f"the type {item.dtype}"), "numbers or strings")
    return None


def _long_attribute(where: str, item: h5py.Group | h5py.Dataset) -> DataError | None:
    for name in item.attrs:
        attribute = item.attrs.get_id(name)
        size = attribute.get_storage_size()
        if size > MOST_TEXT:
            return DataError(f"{where} {name}", plain(f"{size} bytes"), f"at most {MOST_TEXT}")
        if (
            attribute.dtype.kind == "O"
            and np.prod(attribute.shape or (), dtype=float) > MOST_STRINGS_OF_ATTRIBUTE
        ):
            return DataError(
                f"{where} {name}", plain("more texts"), f"at most {MOST_STRINGS_OF_ATTRIBUTE} in an attribute"
            )
    return None
