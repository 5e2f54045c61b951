"""Compiled code: it follows its sources, leaves a process free to fork and thread, and does without a cache."""

import inspect
import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from importlib.util import resolve_name
from pathlib import Path

import numba
import pytest

import sie
from sie.base import kernels

PACKAGE = Path(sie.__file__).parent


def python(code, *, package=PACKAGE.parent, timeout=300, **environment):
    """Run a script on a package; (standard output, standard error)."""
    environment = {**os.environ, "PYTHONPATH": str(package), **environment}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.slow
def test_a_constant_of_another_module_is_seen_when_it_changes_and_when_it_changes_back(tmp_path):
    copy = shutil.copytree(PACKAGE, tmp_path / "sie", ignore=shutil.ignore_patterns("__pycache__"))
    pace = (copy / "growth" / "kernels" / "pace.py").read_text()
    told = []
    for most in (256, 7, 256):
        (copy / "growth" / "kernels" / "pace.py").write_text(
            re.sub(r"MOST_PARTS = \d+", f"MOST_PARTS = {most}", pace)
        )
        out, _ = python(
            "from sie.growth.kernels.cells import parts_by_bend; print(parts_by_bend(1e9))", package=tmp_path
        )
        told.append(int(out))
    assert told == [256, 7, 256]


def compiled_functions():
    """(module, plain function) of everything that numba compiles in the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if not re.search(
            r"^@(kernel|cached|njit|vectorize|numba\.|intrinsic)", path.read_text(), re.MULTILINE
        ):
            continue
        name = path.relative_to(PACKAGE).with_suffix("").as_posix()
        module = import_module(f"sie.{name.replace('/', '.')}")
        for value in vars(module).values():
            function = getattr(value, "py_func", None) or getattr(value, "__wrapped__", None)
            if inspect.isfunction(function) and function.__module__ == module.__name__:
                yield name, function


def test_the_key_of_the_cache_covers_every_module_that_compiled_code_reads():
    found = list(compiled_functions())
    assert len(found) > 50
    homes = {name for name, _ in found}
    for _, function in found:
        tree = inspect.getmodule(function)
        for name in function.__code__.co_names:
            value = function.__globals__.get(name)
            if isinstance(value, int | float | tuple):
                imported = r"^from (\.+[\w.]+) import [^\n]*\b" + name + r"\b"
                for where in re.findall(imported, inspect.getsource(tree), re.MULTILINE):
                    homes.add(resolve_name(where, tree.__package__).removeprefix("sie.").replace(".", "/"))
            home = getattr(getattr(value, "py_func", None), "__module__", "")
            homes |= {home.removeprefix("sie.").replace(".", "/")} if home.startswith("sie.") else set()
    assert homes <= set(kernels.SOURCES)
    assert all((PACKAGE / f"{name}.py").is_file() for name in kernels.SOURCES)


def test_old_folders_go_and_three_stay(tmp_path):
    for age in range(6):
        folder = tmp_path / f"kernels-{age}"
        folder.mkdir()
        os.utime(folder, (1e9 - age, 1e9 - age))
    kernels._forget_old(tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["kernels-0", "kernels-1", "kernels-2"]


def test_a_folder_in_recent_use_stays(tmp_path):
    for age in range(6):
        (tmp_path / f"kernels-{age}").mkdir()
    kernels._forget_old(tmp_path)
    assert len(list(tmp_path.iterdir())) == 6


@pytest.mark.slow
def test_without_a_place_for_a_cache_there_is_an_answer_and_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    out, err = python(
        "from sie.growth.kernels.cells import parts_by_bend; print(parts_by_bend(1e9))",
        NUMBA_CACHE_DIR=str(tmp_path / "file" / "cache"),
    )
    assert out == "256\n"
    assert len(err.splitlines()) == 1
    assert "want one: set NUMBA_CACHE_DIR" in err


FORKED = """
import multiprocessing, sie
draws = sie.prior(sie.read_view("davidson_houlden_2025"), seed=1, draws=2000)
def p(_):
    return sie.credences(sie.simulate(draws)).p.values.tolist()
if __name__ == "__main__":
    here = p(0)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print([there == here for there in pool.map_async(p, [1, 2]).get(timeout=60)])
"""


@pytest.mark.slow
def test_a_forked_child_answers_as_its_parent_did():
    assert python(FORKED)[0] == "[True, True]\n"


BESIDE = """
import threading
import numpy as np
from numba import njit, prange
import sie

@njit(parallel=True)
def own(x):
    total = 0.0
    for i in prange(len(x)):
        total += np.sin(x[i])
    return total

draws = sie.prior(sie.read_view("davidson_houlden_2025"), seed=1, draws=20000)
x = np.arange(1e6)
own(x), sie.simulate(draws)
stop = threading.Event()
def users():
    while not stop.is_set():
        own(x)
thread = threading.Thread(target=users)
thread.start()
for _ in range(20):
    paths = sie.simulate(draws)
stop.set()
thread.join()
print(paths.sizes["draw"])
"""


@pytest.mark.slow
def test_a_users_own_parallel_code_runs_in_a_thread_beside_ours():
    """Numba's work queue, its only layer on some machines, ends the process at two callers at once."""
    assert python(BESIDE, NUMBA_THREADING_LAYER="workqueue")[0] == "5000\n"


def test_chunks_cover_all_items_once_and_raise_what_one_of_them_raised():
    seen = []
    kernels.in_chunks(lambda first, last: seen.extend(range(first, last)), 1000, 64)
    assert sorted(seen) == list(range(1000))

    def fails(first, last):
        if first == 64:
            raise ValueError("here")

    with pytest.raises(ValueError, match="here"):
        kernels.in_chunks(fails, 1000, 64)


def test_no_kernel_is_parallel_and_all_release_the_lock():
    for _, function in compiled_functions():
        dispatcher = vars(inspect.getmodule(function))[function.__name__]
        if isinstance(dispatcher, numba.core.dispatcher.Dispatcher):
            assert not dispatcher.targetoptions.get("parallel")
            assert dispatcher.targetoptions["nogil"]
