"""Many tasks on an embedded cluster or a Dask scheduler, their results streamed into one store.

A task is a function of its arguments alone that returns a row of numbers, the same wherever it runs; the first number says what became of
it. A row is written in one piece when its task is done, so that a run that is killed goes on where it was. A task whose worker is
lost is recorded and stops nothing.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .errors import DataError
from .imports import require
from .stores import open_rows

if TYPE_CHECKING:
    import zarr
    from distributed import Client

__all__ = [
    "DONE",
    "LOST",
    "NOT_CONVERGED",
    "STATES",
    "cluster",
    "in_turn",
    "on_cluster",
    "run_tasks",
]

DONE, NOT_CONVERGED, LOST = 1.0, 2.0, 3.0
"""What became of a task, the first number of its row; NaN is still to do."""

STATES = {DONE: "done", NOT_CONVERGED: "not converged", LOST: "lost"}

RETRIES = 2
"""Times that a task is tried again after an error or after its worker was lost."""

AHEAD = 8
"""Tasks handed out for each worker thread beyond the one that runs, so that none waits and few are lost."""


@contextmanager
def cluster(workers: int, *, scheduler: str | None = None) -> Iterator[Client]:
    """A Dask client, of an embedded cluster on this machine or of a scheduler at an address.

    An embedded cluster has processes of one thread each, which end with this process, however it ends. Whoever may send tasks to
    its ports runs code as the user, so that all of it speaks TLS with credentials that exist in its own memory only.

    Parameters
    ----------
    workers : int
        Number of worker processes of an embedded cluster.
    scheduler : str, optional
        Address of a Dask scheduler, which is used in place of an embedded cluster.

    Yields
    ------
    Client
        Open until the `with` block ends.

    Raises
    ------
    DataError
        If no scheduler answers at the address.

    Examples
    --------
    >>> with sie.cluster(2) as client:
    ...     counts = sie.run_sweep(sweep, "sweep.zarr", client)
    """
    require("cluster", "a cluster")
    import tempfile

    import dask
    from distributed import Client, LocalCluster, Security

    quiet = {"distributed.logging.distributed": "critical", "distributed.admin.log-format": "%(message)s"}
    with tempfile.TemporaryDirectory() as folder, dask.config.set({**quiet, "temporary-directory": folder}):
        if scheduler is not None:
            try:
                client = Client(scheduler, timeout="10s")
            except (OSError, ValueError, TimeoutError) as error:
                raise DataError(
                    "--scheduler", scheduler, f"the address of a Dask scheduler ({type(error).__name__})"
                ) from None
            with client:
                yield client
            return
        # Before a worker starts: what Python and numpy read at their start. After: numba's, whose config in this process
        # would notice an environment that is changed around the start of a worker.
        before = dict.fromkeys(("PYTHON_CPU_COUNT", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        one_thread = {
            "distributed.nanny.pre-spawn-environ": before,
            "distributed.nanny.environ": {"NUMBA_NUM_THREADS": "1"},
        }
        silent = {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}
        with (
            dask.config.set(one_thread | silent),
            LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                security=Security.temporary(),
                dashboard_address="127.0.0.1:0",  # the default port may be taken by another sweep
                scheduler_kwargs={"dashboard": False},
                local_directory=folder,
                memory_limit=0,
                silence_logs=logging.CRITICAL,
            ) as local,
            Client(local) as client,
        ):
            yield client


def run_tasks(
    task: Callable[..., np.ndarray],
    arguments: Callable[[int], dict],
    rows: zarr.Array,
    client: Client,
    *,
    shared: dict[str, object],
    log: Path,
    progress: Callable[[int, int], None] = lambda done, tasks: None,
) -> dict[str, int]:
    """Run `task(**arguments(i), **shared)` for every row i that is still to do; how many ended in each state, and how many it had.

    `shared` travels with the function, which workers keep, so that none is lost with a worker. `log` gets one line of JSON for each task that ended, in the order in which they did.
    """
    from distributed import as_completed

    status = np.asarray(rows[:, 0])
    pending = np.flatnonzero(np.isnan(status)).tolist()
    ended = {"had": len(status) - len(pending), **dict.fromkeys(STATES.values(), 0)}
    progress(ended["had"], len(status))
    if not pending:
        return ended
    whole, queue, running = partial(task, **shared), iter(pending), {}

    def submit(i: int):
        future = client.submit(whole, **arguments(i), pure=False, retries=RETRIES)
        running[future.key] = i
        return future

    def record(i: int, row: np.ndarray, **entry: str) -> None:
        rows[i] = row
        state = STATES[row[0]]
        ended[state] += 1
        lines.write(json.dumps({"task": i, "state": state, **entry}) + "\n")
        lines.flush()
        progress(sum(ended.values()), len(status))

    threads = max(1, sum(client.nthreads().values()))  # pyright: ignore[reportAttributeAccessIssue]
    futures = as_completed([submit(i) for i in islice(queue, threads * AHEAD)])
    failed = []
    with log.open("a", encoding="utf-8") as lines:
        for future in futures:
            i = running.pop(future.key)
            try:
                row = future.result()
            except Exception:  # of the task itself, or of what ran beside it
                failed.append(i)
            else:
                record(i, row)
            future.release()
            if (following := next(queue, None)) is not None:
                futures.add(submit(following))
        # A task that kills its worker takes the tasks beside it along: each that failed gets a run alone.
        for i in failed:
            future = submit(i)
            try:
                row, entry = future.result(), {}
            except Exception as error:  # whatever a task or its worker died of is recorded
                row = np.full(rows.shape[1], math.nan)
                row[0], entry = LOST, {"error": " ".join(f"{type(error).__name__}: {error}".split())}
            record(i, row, **entry)
            future.release()
    return ended


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
    """`in_turn` on a cluster: the rows of tasks that finished are kept in `store`, which a run that was killed goes on with.

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
        return np.asarray(rows[:])

    return run
