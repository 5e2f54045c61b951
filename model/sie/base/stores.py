"""Stores of results, one row a task, which a run that was killed goes on with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from .errors import DataError, plain
from .imports import require

if TYPE_CHECKING:
    import zarr

__all__ = ["attributes", "open_rows", "read_rows"]


def open_rows(
    store: Path,
    labels: Sequence[dict],
    fields: Sequence[str],
    *,
    sha256: str,
    about: Mapping[str, Any] = MappingProxyType({}),
) -> zarr.Array:
    """The store's array (task, field), made if there is none. One chunk a row, so that a row is written whole or not at all.

    `sha256` covers all that the results depend on; `about` are more attributes of a store that is made. Raises DataError for
    a store of another run.
    """
    require("cluster", "a store of results")
    import zarr

    if not store.exists():
        fresh = store.with_name(f".{store.name}.new")
        zarr.create_array(
            store=fresh,
            shape=(len(labels), len(fields)),
            chunks=(1, len(fields)),
            dtype="float64",
            fill_value=math.nan,
            attributes={
                "sha256": sha256,
                "fields": list(fields),
                "tasks": list(labels),
                "version": __version__,
                **about,
            },
            overwrite=True,
        )
        fresh.rename(store)
    rows = read_rows(store, fields)
    if rows.attrs["sha256"] != sha256:
        raise DataError(
            str(store),
            plain("a store of another run, or of changed inputs"),
            "a new name, or the same inputs",
        )
    return rows


def attributes(rows: zarr.Array) -> Mapping[str, Any]:
    """The attributes of a store's array, JSON values by name."""
    return rows.attrs


def read_rows(store: Path, fields: Sequence[str]) -> zarr.Array:
    """The array (task, field) of a store; attribute `tasks` has a label for each. Raises DataError for anything else."""
    require("cluster", "a store of results")
    import zarr

    try:
        rows = zarr.open_array(store, mode="r+")
        if (
            rows.attrs["fields"] == list(fields)
            and rows.shape == (len(attributes(rows)["tasks"]), len(fields))
            and rows.dtype == np.float64
            and isinstance(rows.attrs["sha256"], str)
        ):
            return rows
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise DataError(str(store), plain("something else"), "the store of a sweep")
