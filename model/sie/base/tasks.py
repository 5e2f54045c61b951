"""Many tasks on a cluster (`cluster`), their results streamed into one store.

A task is a function of its arguments alone that returns a row of numbers, the same wherever it runs; the first number says what became of
it. A row is written in one piece when its task is done, so that an interrupted run resumes where it was. A task whose worker is
lost is recorded and does not stop the run.
"""

from __future__ import annotations

import json
import math
import os
import stat
from asyncio import CancelledError
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .errors import DataError, plain
from .stores import (
    LOST,
    STATES,
    discard_rows,
    folder_of,
    locked,
    open_rows,
    read_values,
    read_whole,
    write_row,
)

if TYPE_CHECKING:
    import zarr
    from distributed import Client, Future

__all__ = ["RETRIES", "in_turn", "on_cluster", "run_tasks"]

RETRIES = 2
"""Times that a task is tried again after an error or after its worker was lost."""

CHECK_SECONDS = 10.0
"""Seconds between two looks at whether there is still a worker."""

NO_WORKER_SECONDS = 120.0
"""Seconds without any worker after which the run gives up; a lost worker restarts within a few."""

AHEAD = 8
"""Tasks handed out for each worker thread beyond the one that runs, so that none waits and few are lost."""


def alone(pending: Sequence[int]) -> Iterable[list[int]]:
    """Each row by itself."""
    return ([i] for i in pending)


def run_tasks(
    task: Callable[..., np.ndarray],
    arguments: Callable[..., dict],
    rows: zarr.Array,
    client: Client,
    *,
    shared: dict[str, object],
    log: Path,
    progress: Callable[[int, int], None] = lambda done, tasks: None,
    batches: Callable[[Sequence[int]], Iterable[Sequence[int]]] = alone,
) -> dict[str, int]:
    """Run `task(**arguments(*batch), **shared)` for all rows that are still to do; how many ended in each state, and how many it had.

    `batches` divides these rows into those that one call computes, in the order in which they run; the call returns a row for each.
    `shared` travels with the function, which workers
    keep, so that none is lost with a worker. `log` gets one line of JSON for each row that ended, in the order in which they did. A
    damaged row is counted, logged and computed again. Raises DataError where
    another process writes into the store, or where it cannot be written.
    """
    with locked(folder_of(rows)):
        values, damaged = read_values(rows)
        discard_rows(rows, damaged)
        pending = np.flatnonzero(np.isnan(values[:, 0])).tolist()
        ended = {
            "had": len(values) - len(pending),
            "damaged": len(damaged),
            **dict.fromkeys(STATES.values(), 0),
        }
        progress(ended["had"], len(values))
        for i in damaged:
            _add_line(log, {"task": i, "state": "damaged"})

        def record(i: int, row: np.ndarray, **entry: str) -> None:
            write_row(rows, i, row)
            state = STATES[row[0]]
            ended[state] += 1
            _add_line(log, {"task": i, "state": state, **entry})
            progress(sum(ended.values()) - len(damaged), len(values))

        if pending:
            whole = partial(task, **shared)
            _run(whole, arguments, batches(pending), client, record, width=rows.shape[1])
    return ended


def _add_line(log: Path, entry: Mapping[str, object]) -> None:
    """Add a line of JSON to a file in one piece: none is left half in a buffer. Nothing but a regular file is written to."""
    how = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        if os.path.lexists(log) and not stat.S_ISREG(os.lstat(log).st_mode):
            raise DataError(str(log), plain("no regular file"), "a log of this store, or nothing")
        with open(log, "ab", buffering=0, opener=lambda path, _: os.open(path, how, 0o666)) as lines:
            lines.write(json.dumps(entry).encode() + b"\n")
    except OSError as error:
        raise DataError(str(log), plain(error.strerror or str(error)), "a writable place") from None


def _run(
    whole: Callable[..., np.ndarray],
    arguments: Callable[..., dict],
    batches: Iterable[Sequence[int]],
    client: Client,
    record: Callable[..., None],
    *,
    width: int,
) -> None:
    """Run the tasks that are to do, each of which `record` is given."""
    queue, running, failed = iter(batches), {}, []

    def submit(batch: Sequence[int]) -> None:
        running[client.submit(whole, **arguments(*batch), pure=False, retries=RETRIES)] = batch

    threads = max(1, sum(client.nthreads().values()))  # pyright: ignore[reportAttributeAccessIssue]
    for batch in islice(queue, threads * AHEAD):
        submit(batch)
    while running:
        for future in _ended(client, list(running)):
            batch = running.pop(future)
            try:
                found = np.atleast_2d(future.result())
            except (Exception, CancelledError):  # of the task itself, or of what ran beside it
                failed += batch
            else:
                for i, row in zip(batch, found, strict=True):
                    record(i, row)
            if (following := next(queue, None)) is not None:
                submit(following)
    # A task that kills its worker takes the tasks beside it along: each row that failed gets a run alone.
    for i in failed:
        submit([i])
        [future] = _ended(client, list(running))
        running.clear()
        try:
            [row], entry = np.atleast_2d(future.result()), {}
        except (Exception, CancelledError) as error:  # whatever a task or its worker died of is recorded
            row = np.full(width, math.nan)
            row[0], entry = LOST, {"error": " ".join(f"{type(error).__name__}: {error}".split())}
        record(i, row, **entry)


def _ended(client: Client, futures: list[Future]) -> Collection[Future]:
    """Those of the futures that have ended, at least one. Raises DataError where no worker is left that could end one."""
    from distributed import wait

    seconds = 0.0
    while seconds < NO_WORKER_SECONDS:
        try:
            with client.as_current():
                return wait(futures, timeout=CHECK_SECONDS, return_when="FIRST_COMPLETED").done  # pyright: ignore[reportAttributeAccessIssue]
        except TimeoutError:
            seconds = 0.0 if client.nthreads() else seconds + CHECK_SECONDS
        except CancelledError:
            # Of some, where a worker died with their results, or of all, where the scheduler ended.
            cancelled = [future for future in futures if future.cancelled()]
            if client.status == "running" and cancelled:
                return cancelled
            break
    raise DataError(
        "the cluster", plain("no worker left"), "one that starts (see sie doctor); what is done is kept"
    )


def in_turn(
    task: Callable[..., np.ndarray],
    arguments: Sequence[dict],
    fields: Sequence[str],
    *,
    shared: dict[str, object],
    on_progress: Callable[[int], None] = lambda i: None,
) -> np.ndarray:
    """The rows (task, field) of all tasks, one after the other in this process; `on_progress` is told which one starts."""
    rows = np.empty((len(arguments), len(fields)))
    for i, own in enumerate(arguments):
        on_progress(i)
        rows[i] = task(**own, **shared)
    return rows


def on_cluster(
    client: Client,
    store: Path,
    *,
    sha256: str,
    progress: Callable[[int, int], None] = lambda done, tasks: None,
) -> Callable[..., np.ndarray]:
    """`in_turn` on a cluster: the rows of tasks that finished are kept in `store`, from which an interrupted run resumes.

    Several kinds of tasks may share a folder: each has the store named after its function.
    """

    def run(
        task: Callable[..., np.ndarray],
        arguments: Sequence[dict],
        fields: Sequence[str],
        *,
        shared: dict[str, object],
        on_progress: Callable[[int], None] = lambda i: None,
    ) -> np.ndarray:
        own = store / f"{task.__name__.strip('_')}.zarr"
        rows = open_rows(own, arguments, fields, sha256=sha256)
        run_tasks(
            task,
            lambda i: arguments[i],
            rows,
            client,
            shared=shared,
            log=own / "log.jsonl",
            progress=progress,
        )
        return read_whole(rows)

    return run
