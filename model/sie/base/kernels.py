"""How the package compiles its loops: one decorator, one cache keyed by content, and threads without a threading layer.

numba's own disk cache does not see a change in another file: a kernel goes on calling the old version of a function that it
imports. So compiled code is kept in a folder named by the content of every module in `SOURCES`. Loops over draws run in chunks on a
pool of threads that is made for the call, while the kernels release the interpreter's lock: numba's parallel loops would
not survive a fork, and not every threading layer takes two callers.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, overload

import numba
from numba import njit, types

from .errors import DataError, plain

__all__ = ["CONFIG", "DENSITY", "FOLDER", "SOURCES", "cached", "in_chunks", "kernel", "places", "status"]

CONFIG: Any = numba.config
"""numba's settings, which it names only when it is imported."""

SOURCES = (
    "base/kernels",
    "data/families",
    "returns/asara",
    "returns/density_parts",
    "returns/log_density",
    "returns/packing",
    "returns/prior_curves",
    "growth/law",
    "growth/mechanisms",
    "growth/kernels/elementary",
    "growth/kernels/pace",
    "growth/kernels/cells",
    "growth/kernels/path",
    "growth/kernels/windows",
    "growth/kernels/clock",
    "growth/kernels/clock_search",
    "growth/kernels/first_times",
    "growth/readings",
    "growth/paths",
    "histories/law",
    "histories/density",
    "histories/feller",
    "histories/erdil_2024",
    "analysis/sensitivity/shapley",
)
"""Modules with compiled functions, or whose constants or types those functions use."""

PACKAGE = Path(__file__).parents[1]

KEPT = 3
"""Folders of compiled code kept: today's, and those of other states of the sources."""

UNUSED_SECONDS = 3600.0
"""Time since its last use after which an older folder may go: a process that runs may still write to it."""


def _digest() -> str:
    sources = hashlib.sha256(numba.__version__.encode())
    for name in SOURCES:
        sources.update(hashlib.sha256((PACKAGE / f"{name}.py").read_bytes()).digest())
    return sources.hexdigest()[:16]


def places() -> list[Path]:
    """Where compiled code may be kept, best first."""
    if CONFIG.CACHE_DIR:
        return [Path(CONFIG.CACHE_DIR)]
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return [PACKAGE / "__pycache__", Path(home) / "sie"]


def _usable(folder: Path) -> bool:
    """Whether this user can write into a folder and nobody else but root can: what is loaded from there is run."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        os.utime(folder)
        state = folder.stat()
    except OSError:
        return False
    return os.name != "posix" or (state.st_uid in (os.geteuid(), 0) and not state.st_mode & 0o022)


def _choose_folder() -> Path | None:
    """The folder of today's compiled code; None, and a line on standard error, where there is none to write and to trust."""
    name = f"kernels-{_digest()}"
    for place in places():
        if _usable(place / name):
            _forget_old(place)
            return place / name
    tried = " and ".join(str(place) for place in places())
    print(
        f"sie: found no folder for compiled code that this user alone can write (tried {tried}), want one: set NUMBA_CACHE_DIR;"
        " this process compiles anew",
        file=sys.stderr,
    )
    return None


def _forget_old(place: Path) -> None:
    used: dict[Path, float] = {}
    for folder in place.glob("kernels-*"):
        try:
            used[folder] = folder.stat().st_mtime
        except OSError:
            continue
    for folder in sorted(used, key=used.__getitem__, reverse=True)[KEPT:]:
        if time.time() - used[folder] > UNUSED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


FOLDER = _choose_folder()
"""Where compiled code is kept; None where nothing can be written."""


def cached(decorate: Callable, *arguments, **options) -> Callable[[Callable], Any]:
    """A decorator of numba (`njit`, `vectorize`, `cfunc`) with its arguments, which keeps its code in FOLDER."""

    def compiled(function: Callable):
        before = CONFIG.CACHE_DIR
        CONFIG.CACHE_DIR = str(FOLDER or "")
        try:
            return decorate(*arguments, cache=FOLDER is not None, **options)(function)
        finally:
            CONFIG.CACHE_DIR = before

    return compiled


@overload
def kernel[**P, R](function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def kernel[**P, R](**options: Any) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def kernel(function: Callable | None = None, /, **options: Any) -> Any:
    """Compile a function: division as in NumPy, without the interpreter's lock, kept in FOLDER."""
    if CONFIG.DISABLE_JIT:  # the fields of a growth law are attributes in compiled code alone
        raise DataError(
            "NUMBA_DISABLE_JIT", plain(str(CONFIG.DISABLE_JIT)), "it unset: paths need compiled code"
        )
    decorated = cached(njit, error_model="numpy", nogil=True, **options)
    return decorated if function is None else decorated(function)


_doubles = types.CPointer(types.double)

DENSITY = types.int64(types.uint64, _doubles, _doubles, _doubles, _doubles)
"""A log density as nutpie calls it: the number of latents, they, its gradient, its value, the data; it returns its `status`. Each density
has a C function of its own, since numba keeps no machine code of a function that is made within another."""


@kernel
def status(value, gradient):
    """0, or 3 where something is not finite."""
    finite = math.isfinite(value)
    for slope in gradient:
        finite = finite and math.isfinite(slope)
    return 0 if finite else 3


def in_chunks(run: Callable[[int, int], None], count: int, chunk: int) -> None:
    """Call run(first, last) for the ranges of `chunk` items that make up `count`, on as many threads as numba may use.

    `run` fills arrays of its caller. No thread outlives the call, so a process may be forked at any time after it.
    """
    firsts = range(0, count, chunk)
    threads = min(CONFIG.NUMBA_NUM_THREADS, len(firsts))
    if threads <= 1:
        for first in firsts:
            run(first, min(first + chunk, count))
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(lambda first: run(first, min(first + chunk, count)), firsts):
            pass  # raises what a chunk raised
