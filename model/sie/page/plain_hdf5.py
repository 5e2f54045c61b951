"""Whether an HDF5 file is plain: no links, no external or virtual data, no objects, bounded sizes. Looked at before it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, plain

if TYPE_CHECKING:
    import h5py

__all__ = ["WANT", "unusual"]

WANT = "a file that sie report --out wrote"

MOST_BYTES = 4 * 2**30
"""Bytes that the variables of a file may take once read."""

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

    count, size = 0, 0
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
            count, size = (
                count + 1,
                size + int(np.prod(item.shape, dtype=float)) * max(item.dtype.itemsize, 1),
            )
            if count > MOST_VARIABLES:
                return DataError(where, plain(f"more than {MOST_VARIABLES} variables"), WANT)
            if problem := _long_attribute(where, item) or _odd_variable(where, item):
                return problem
    if size > MOST_BYTES:
        found, most = plain(f"{size / 2**30:.3g} GiB of variables"), f"at most {MOST_BYTES / 2**30:.0f} GiB"
        return DataError(where, found, most)
    return None


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
        size = item.attrs.get_id(name).get_storage_size()
        if size > MOST_TEXT:
            return DataError(f"{where} {name}", plain(f"{size} bytes"), f"at most {MOST_TEXT}")
    return None
