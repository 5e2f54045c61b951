"""The processes that tasks run in (`tasks`): an embedded cluster on this machine, or a Dask scheduler at an address."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import DataError, plain
from .imports import require
from .interrupts import deaf_loop
from .reading import read_bytes

if TYPE_CHECKING:
    from distributed import Client, Security

__all__ = ["cluster", "memory_of_worker"]

MOST_PEM = 2**20
"""Most bytes of a certificate or key file."""

TERMINATE = 0.95
"""The share of its memory at which an embedded worker is ended, and its task tried again."""


def memory_of_worker(workers: int) -> int:
    """The bytes that each of so many embedded workers may hold: an equal share of what this machine, or its container, has."""
    from distributed.system import MEMORY_LIMIT

    return MEMORY_LIMIT // workers


@contextmanager
def cluster(
    workers: int,
    *,
    scheduler: str | None = None,
    tls: tuple[Path | str, Path | str, Path | str] | None = None,
) -> Iterator[Client]:
    """A Dask client, of an embedded cluster on this machine or of a scheduler at an address.

    An embedded cluster has processes of one thread each, which end with this process, however it ends. Anyone who can send tasks to
    its ports can run code as the user, so all its connections use TLS with credentials that exist in memory only. A worker that
    comes to hold 95 % of its share of the machine's memory is ended, and its task tried again.

    Parameters
    ----------
    workers : int
        Number of worker processes of an embedded cluster.
    scheduler : str, optional
        Address of a Dask scheduler, which is used in place of an embedded cluster.
    tls : tuple of Path or str, optional
        PEM files for a scheduler that asks for TLS: the authority's certificates, the client's certificate and its key.

    Yields
    ------
    Client
        Open until the `with` block ends.

    Raises
    ------
    DataError
        If no scheduler answers at the address, and for TLS files that are none.

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
            security = _security(tls) if tls is not None else None
            try:
                client = Client(scheduler, timeout="10s", security=security, set_as_default=False)
            except TypeError:  # an address of TLS and no files, here or in Dask's configuration
                want = "--tls-ca, --tls-cert and --tls-key beside it"
                raise DataError("--scheduler", scheduler, want) from None
            except (OSError, ValueError, RuntimeError) as error:
                want = f"the address of a Dask scheduler ({type(error).__name__})"
                raise DataError("--scheduler", scheduler, want) from None
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
        pauses = ("target", "spill", "pause")
        memory: dict = {f"distributed.worker.memory.{name}": False for name in pauses}
        memory["distributed.worker.memory.terminate"] = TERMINATE
        with dask.config.set(one_thread | silent | memory):
            try:
                local = LocalCluster(
                    loop=deaf_loop(),
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    security=Security.temporary(),
                    dashboard_address="127.0.0.1:0",  # the default port may be taken by another sweep
                    scheduler_kwargs={"dashboard": False},
                    local_directory=folder,
                    memory_limit=memory_of_worker(workers),
                    silence_logs=logging.CRITICAL,
                )
            except (RuntimeError, OSError) as error:
                found = plain(f"a worker process that does not start ({error})")
                raise DataError("--workers", found, "fewer, or more memory and open files") from None
            with local, Client(local, set_as_default=False) as client:
                yield client


def _security(tls: tuple[Path | str, Path | str, Path | str]) -> Security:
    """What Dask needs for TLS from the authority's certificates, the client's certificate and its key."""
    from distributed import Security

    authority, certificate, key = map(str, tls)
    for path in (authority, certificate, key):
        read_bytes(Path(path), limit=MOST_PEM)
    where, want = f"--tls-ca {authority}", "certificates in PEM format"
    try:
        context = ssl.create_default_context(cafile=authority)
        where, want = (
            f"--tls-cert {certificate} --tls-key {key}",
            "a certificate and its key, without a password, in PEM format",
        )
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise DataError(where, plain(str(error)), want) from None
    files = {"tls_ca_file": authority, "tls_client_cert": certificate, "tls_client_key": key}
    return Security(**files, require_encryption=True)
