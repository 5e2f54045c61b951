"""What can be wrong with an installation, each as one finding: versions, caches, threads, compilers, and the time of a small fit.

It measures and judges; it repairs nothing.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.metadata import PackageMetadata
from pathlib import Path

from ..base.errors import in_one_line
from ..base.pytensor_folder import default_folder, in_scratch
from ..base.reading import read_toml
from ..data.wording import diagnostics_in_words

__all__ = ["Finding", "caches", "compilers", "fit_times", "licences", "threads", "versions"]

GOOD, DOUBTFUL, BAD = "good", "doubtful", "bad"

MOST_CACHE_MEGABYTES = 5000.0
"""A compile cache above this deserves to be emptied."""

SLOW_SECONDS = {"import": 20.0, "compile": 60.0, "sample": 5.0, "propagate": 5.0}
"""From these times on a step counts as slow: several times what it takes on two idle cores of 2026 with cold caches."""

DRAWS = 4000
"""Draws of the small fit."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at: its verdict (good, doubtful, bad), and why in one line."""

    what: str
    verdict: str
    why: str


def licences() -> list[list[str]]:
    """Name, version and licence of every installed package that the package needs, those of extras and of dependencies too."""
    seen: dict[str, list[str]] = {}
    waiting = ["sie"]
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        try:
            about = metadata.metadata(name) if name not in seen else None
        except metadata.PackageNotFoundError:
            continue  # of an extra, or of another platform
        if about is None:
            continue
        seen[name] = [name, about["Version"], _licence(about)]
        needs = metadata.requires(name) or []
        if name != "sie":
            needs = [need for need in needs if "extra ==" not in need]
        waiting += [re.findall(r"^[A-Za-z0-9_.-]+", need)[0] for need in needs]
    return [["package", "version", "licence"], *(seen[name] for name in sorted(seen))]


def _licence(about: PackageMetadata) -> str:
    """The licence that a package states: its expression, its classifier, or the first line of its text."""
    if expression := about.get("License-Expression"):
        return expression
    kinds = [
        kind.split(" :: ")[-1] for kind in about.get_all("Classifier") or [] if kind.startswith("License")
    ]
    stated = (about.get("License") or "").strip().splitlines()
    return ", ".join(kinds) or (in_one_line(stated[0]) if stated else "not stated")


def versions() -> Iterator[Finding]:
    """Python, and each direct dependency, those of extras too, against its pin (of the checkout) or else its requirement."""
    yield Finding(what="python", verdict=GOOD, why=f"{platform.python_version()} at {sys.executable}")
    pins = _pins()
    for requirement in metadata.requires("sie") or []:
        name = re.findall(r"^[A-Za-z0-9_.-]+", requirement)[0]
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            extra = re.search(r"extra == ['\"](\w+)", requirement)
            verdict = BAD if extra is None else DOUBTFUL
            how = f"want {requirement}" if extra is None else f'pip install "sie[{extra.group(1)}]" brings it'
            yield Finding(what=name, verdict=verdict, why=f"not installed, {how}")
            continue
        pinned = pins.get(name.lower().replace("_", "-"))
        if pinned is None or pinned == found:
            why = f"{found}, as pinned" if pinned else f"{found} (no pins at hand, want {requirement})"
            yield Finding(what=name, verdict=GOOD, why=why)
        else:
            yield Finding(what=name, verdict=DOUBTFUL, why=f"{found}, tested with {pinned}")


def _pins() -> dict[str, str]:
    """Pinned versions by name where the package runs from a checkout."""
    project = Path(__file__).resolve().parents[3] / "pyproject.toml"
    if not project.is_file():
        return {}
    table = read_toml(project)
    pins = table.get("tool", {}).get("uv", {}).get("constraint-dependencies", [])
    return dict(pair for pin in pins for pair in re.findall(r"^([^=\s]+)==([^\s;]+)", pin))


def caches() -> Iterator[Finding]:
    """The folders in which PyTensor and numba keep compiled code: whether they can be written, and their size."""
    import pytensor

    from ..base.kernels import FOLDER, places

    numba_folder = FOLDER or places()[0]
    pytensor_folder = default_folder() if in_scratch() else pytensor.config.compiledir
    for what, folder in (("PyTensor cache", pytensor_folder), ("numba cache", numba_folder)):
        path = Path(folder)
        try:
            path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path):
                pass
        except OSError as error:
            yield Finding(
                what=what,
                verdict=BAD,
                why=f"{path}: {error.strerror}; every process compiles anew (some 10 s)",
            )
            continue
        size = sum(_size(file) for file in path.rglob("*")) / 1e6
        verdict = DOUBTFUL if size > MOST_CACHE_MEGABYTES else GOOD
        yield Finding(what=what, verdict=verdict, why=f"{path}, {size:.1f} MB, can be written")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def threads() -> Iterator[Finding]:
    """Processors that this process may use, and how many numba takes."""
    from ..base.kernels import CONFIG

    usable = os.process_cpu_count() if sys.version_info >= (3, 13) else len(os.sched_getaffinity(0))
    taken = CONFIG.NUMBA_NUM_THREADS
    limits = [
        f"{name}={os.environ[name]}"
        for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
        if name in os.environ
    ]
    why = f"{usable} of {os.cpu_count()} processors, numba takes {taken}" + "".join(
        f", {one}" for one in limits
    )
    yield Finding(what="threads", verdict=GOOD if taken <= (usable or 1) else DOUBTFUL, why=why)
    if hasattr(os, "getloadavg"):
        load = os.getloadavg()[0]
        busy = load > (usable or 1)
        why = f"{load:.1f} over the last minute" + (
            ": times below are those of a busy machine" if busy else ""
        )
        yield Finding(what="load", verdict=DOUBTFUL if busy else GOOD, why=why)


def compilers() -> Iterator[Finding]:
    """LLVM, which compiles all that runs here; a C++ compiler is not needed."""
    import llvmlite.binding
    import pytensor

    version = ".".join(map(str, llvmlite.binding.llvm_version_info))
    yield Finding(what="LLVM", verdict=GOOD, why=f"{version} for {llvmlite.binding.get_host_cpu_name()}")
    found = pytensor.config.cxx or shutil.which("g++")
    yield Finding(
        what="C++", verdict=GOOD, why=found or "none (not needed: all graphs are compiled by numba)"
    )


def fit_times(seed: int = 1) -> Iterator[Finding]:
    """Seconds of each part of a small fit of the reference view, and whether it converges."""
    began = time.perf_counter()
    from ..base.errors import NotConverged
    from ..data.evidence import read_evidence
    from ..data.priors import read_view
    from ..growth.credences import credences
    from ..growth.paths import simulate
    from ..inference.sampling import fit
    from ..returns.compiled import compile_density
    from ..returns.design import design
    from ..returns.selection import usable

    view = read_view("reference")
    of = design(usable(read_evidence(), view), view)
    times = {"import": time.perf_counter() - began}
    began = time.perf_counter()
    compile_density(of)
    times["compile"] = time.perf_counter() - began
    began = time.perf_counter()
    try:
        tree = fit(of, seed=seed, draws=DRAWS, groups=())
    except NotConverged as error:
        yield Finding(what="fit", verdict=BAD, why=str(error))
        return
    times["sample"] = time.perf_counter() - began
    began = time.perf_counter()
    table = credences(simulate(tree["posterior"].to_dataset()))
    times["propagate"] = time.perf_counter() - began
    for step, seconds in times.items():
        slow = seconds > SLOW_SECONDS[step]
        why = f"{seconds:.2f} s" + (f", slow (above {SLOW_SECONDS[step]:.0f} s)" if slow else "")
        yield Finding(what=step, verdict=DOUBTFUL if slow else GOOD, why=why)
    why = f"reference, {DRAWS} draws: {diagnostics_in_words(tree.attrs)}, r_above_1 {table.p.sel(event='r_above_1').item():.3f}"
    yield Finding(what="fit", verdict=GOOD, why=why)
