"""What a raw history says about r, reduced once to a curve over (log r, log lambda) with all else integrated out.

    log L(log r, log lambda) = log posterior density - log prior density + constant

A history shares nothing but its domain's r with the rest of the model, so this curve is all that a joint model needs. It is
stored as `evidence/likelihoods/<id>.csv` and pinned by a hash to the data that it was made from. How a history is
modelled is in `histories`.
"""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, plain
from ..base.files import sha256_of, write_atomically
from ..base.reading import data_folder, read_text
from ..data.tables import read_cells
from .inputs import levels_of

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "likelihood_files",
    "name_of",
    "over_log_r",
    "read_likelihood",
    "rebuilding",
    "stored",
    "stored_of",
    "write_likelihood",
]

FOLDER, INDEX = "likelihoods", "index.csv"

EPOCH = "epoch_"
"""Before the id of a growth row: the likelihood by which the level `epoch` reads it."""

COLUMNS = ("log_r", "log_lambda", "log_likelihood")

DECIMALS = 4
"""Digits of a stored log likelihood after the point; grids keep six."""


BETWEEN = 8
"""Steps of a grid of log lambda over which log L is read off between two nodes, where it is straight."""


def read_likelihood(id: str, path: Path | str | None = None) -> xr.DataArray:
    """The stored log likelihood of a series or growth row, 0 at its largest.

    Parameters
    ----------
    id : str
        Id of the row; `epoch_` before it for Epoch's likelihood of a growth row.
    path : Path or str, optional
        The evidence folder (default: the bundled one).

    Returns
    -------
    xr.DataArray
        Dims (log_r, log_lambda), both uniform, natural logs. `log_lambda` has size 1, and value NaN, where no lambda is left in it.

    Raises
    ------
    DataError
        Where there is none, where it is no grid, or where the data it was made from have changed since; the message has the command
        that makes it anew.
    """
    import xarray as xr

    folder = Path(path) if path is not None else data_folder("evidence")
    index = _read_index(folder)
    if id not in index:
        raise DataError(
            f"{FOLDER}/{INDEX}", plain(f"no row {id}"), f"a likelihood of it ({rebuilding(id, path)})"
        )
    sha256, inputs = index[id]
    if hash_of(inputs, folder) != sha256:
        raise DataError(
            f"{FOLDER}/{id}.csv",
            plain(f"other data in {', '.join(inputs)} than it was made from"),
            f"a table made anew ({rebuilding(id, path)})",
        )
    file = folder / FOLDER / f"{id}.csv"
    log_r, log_lambda, values = _read_grid(file)
    return xr.DataArray(
        values, dims=("log_r", "log_lambda"), coords={"log_r": log_r, "log_lambda": log_lambda}, name=id
    )


def name_of(row: str, level: str) -> str:
    """The name of the stored likelihood by which a row enters at a level; "" where it needs none."""
    return {"series": row, "epoch": EPOCH + row}.get(level, "")


def stored_of(rows: xr.Dataset, read: dict[str, xr.DataArray]) -> dict[str, xr.DataArray]:
    """The stored likelihoods of rows by name; those in `read` are not read again, and what is read is added to it."""
    named = map(name_of, rows.estimate.values.tolist(), levels_of(rows).tolist())
    wanted = [name for name in named if name]
    for name in wanted:
        if name not in read:
            read[name] = read_likelihood(name, rows.attrs.get("folder"))
    return {name: read[name] for name in wanted}


def rebuilding(id: str, path: Path | str | None = None) -> str:
    """The command that makes the stored likelihood of a series or growth row in an evidence folder (default: the bundled one)."""
    command = "sie epoch" if id.startswith(EPOCH) else f"sie series {id}"
    return f"{command} --rebuild" + (f" --evidence {shlex.quote(str(path))}" if path is not None else "")


def likelihood_files(path: Path | str | None = None) -> list[Path]:
    """The stored likelihoods of an evidence folder (default: the bundled one) and their index, by name."""
    folder = Path(path) if path is not None else data_folder("evidence")
    return sorted((folder / FOLDER).glob("*.csv"))


def stored(path: Path | str | None = None) -> set[str]:
    """The ids of which an evidence folder (default: the bundled one) has a likelihood."""
    return set(_read_index(Path(path) if path is not None else data_folder("evidence")))


def write_likelihood(
    id: str, table: xr.DataArray, inputs: Sequence[str], path: Path | str | None = None
) -> Path:
    """Store a log likelihood, with the hash of what it was made from.

    Parameters
    ----------
    id : str
        Name of the likelihood, as for `read_likelihood`.
    table : xr.DataArray
        Dims (log_r, log_lambda) as `read_likelihood` gives it, or log_r alone; the largest value need not be 0.
    inputs : sequence of str
        Files relative to the evidence folder, or one row of one: `series/nanogpt.csv`, `growth.csv#openai_2025`.
    path : Path or str, optional
        The evidence folder (default: the bundled one).

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    DataError
        If the table is no uniform grid of finite numbers, or an input does not exist.
    """
    folder = Path(path) if path is not None else data_folder("evidence")
    if "log_lambda" not in table.dims:
        table = table.expand_dims(log_lambda=[np.nan], axis=-1)
    table = table.transpose("log_r", "log_lambda")
    _check_grid(f"{FOLDER}/{id}.csv", table.log_r.values, table.log_lambda.values, table.values)
    table = table - table.max()
    rows = [
        (f"{log_r:.6f}", "" if np.isnan(log_lambda) else f"{log_lambda:.6f}", f"{value:.{DECIMALS}f}")
        for log_r, line in zip(table.log_r.values, table.values, strict=True)
        for log_lambda, value in zip(table.log_lambda.values, line, strict=True)
    ]
    file = folder / FOLDER / f"{id}.csv"
    file.parent.mkdir(exist_ok=True)
    write_atomically(file, _csv_bytes([COLUMNS, *rows]))
    index = {**_read_index(folder), id: (hash_of(inputs, folder), tuple(inputs))}
    lines = [(name, sha256, " ".join(names)) for name, (sha256, names) in sorted(index.items())]
    write_atomically(folder / FOLDER / INDEX, _csv_bytes([("id", "sha256", "inputs"), *lines]))
    return file


def over_log_r(table: xr.DataArray, lambda_prior: np.ndarray, *, learn_lambda: bool = False) -> np.ndarray:
    """The log likelihood over log r alone, averaged over a prior of lambda.

    Log of the mean, over the prior, of the curve of each lambda, on the table's log_r grid.

    Each lambda's curve has area 1 first: r given lambda is learnt, lambda is not, a cut of feedback. What a history says of lambda
    rests on the timing of gains alone (`series`): the speedrun's curves are 12 log units higher at 1.7 than at 0.39, so that r would
    rest on the upper tail of any prior of lambda. A view's own p, on which growth runs, is not moved by evidence either.

    Parameters
    ----------
    table : xr.DataArray
        From `read_likelihood`, dims (log_r, log_lambda). A table without lambda is returned as it is.
    lambda_prior : np.ndarray
        Draws, or equally probable quantiles, of lambda, of any shape, all above 0; where the grid ends short of one, the last
        column stands for it.
    learn_lambda : bool, optional
        Whether to integrate the likelihood itself, as a joint fit would.

    Returns
    -------
    np.ndarray
        (log_r,), natural log, up to a constant.
    """
    from scipy.special import logsumexp

    if table.sizes["log_lambda"] == 1:
        return table.values[:, 0].copy()
    grid = table.log_lambda.values
    at = np.clip(np.log(np.ravel(lambda_prior)), grid[0], grid[-1])
    place = (at - grid[0]) / (grid[1] - grid[0]) * BETWEEN
    nodes = (len(grid) - 1) * BETWEEN + 1
    left = np.minimum(place.astype(int), nodes - 2)
    part = place - left
    weight = np.bincount(left, 1 - part, nodes) + np.bincount(left + 1, part, nodes)
    used = np.flatnonzero(weight)
    below = np.minimum(used // BETWEEN, len(grid) - 2)
    above = used / BETWEEN - below
    log_l = table.values[:, below] * (1 - above) + table.values[:, below + 1] * above
    if not learn_lambda:
        log_l = (
            log_l
            - np.asarray(logsumexp(log_l, axis=0))
            - np.log(table.log_r.values[1] - table.log_r.values[0])
        )
    return np.asarray(logsumexp(log_l, axis=1, b=weight[used] / weight.sum()))


def hash_of(inputs: Sequence[str], folder: Path) -> str:
    """SHA-256 of files, or of single rows of tables (`file#id`), by name and content."""
    texts = []
    for name in inputs:
        file, _, row = name.partition("#")
        text = read_text(folder / file)
        if row:
            lines = [line for line in csv.reader(io.StringIO(text)) if line and line[0] == row]
            if len(lines) != 1:
                raise DataError(file, plain(f"{len(lines)} rows {row}"), "one row")
            text = "\x1f".join(lines[0])
        texts.append(f"{name}\0{text}\0")
    return sha256_of("".join(texts))


def _read_index(folder: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    file = folder / FOLDER / INDEX
    if not file.exists():
        return {}
    rows = read_cells(file, ("id", "sha256", "inputs"))
    return {cells["id"]: (cells["sha256"], tuple(cells["inputs"].split())) for cells in rows}


def _read_grid(file: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    where = f"{FOLDER}/{file.name}"
    rows = read_cells(file, COLUMNS)
    try:
        cells = np.array([[float(row[column] or "nan") for column in COLUMNS] for row in rows])
    except ValueError:
        raise DataError(where, plain("a row that is not three numbers"), ",".join(COLUMNS)) from None
    log_lambda = np.unique(cells[:, 1])
    log_r = np.unique(cells[:, 0])
    whole = np.array_equal(cells[:, 0], np.repeat(log_r, len(log_lambda)))
    whole = whole and np.array_equal(cells[:, 1], np.tile(log_lambda, len(log_r)), equal_nan=True)
    if not whole:
        raise DataError(where, plain("holes or rows out of order"), "a complete grid in ascending order")
    values = cells[:, 2].reshape(len(log_r), len(log_lambda))
    _check_grid(where, log_r, log_lambda, values)
    return log_r, log_lambda, values


def _check_grid(where: str, log_r: np.ndarray, log_lambda: np.ndarray, values: np.ndarray) -> None:
    if not np.isfinite(values).all():
        raise DataError(where, plain("a log likelihood that is not finite"), "finite numbers")
    for name, grid, least in (("log_r", log_r, 4), ("log_lambda", log_lambda, 1)):
        steps = np.diff(grid)
        if len(grid) < least or (len(grid) > 1 and not np.allclose(steps, steps.mean(), rtol=1e-3)):
            raise DataError(f"{where} {name}", plain("an uneven grid"), f"at least {least} even steps")


def _csv_bytes(rows: Sequence[Sequence[str]]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode()
