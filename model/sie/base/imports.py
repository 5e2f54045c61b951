"""Imports that wait until they are needed, and those that only some commands need."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
from importlib.util import find_spec
from types import ModuleType

from .errors import DataError, plain

__all__ = ["EXTRAS", "import_matplotlib", "import_without", "require"]

EXTRAS = {
    "cluster": ("cryptography", "distributed", "zarr"),
    "notebooks": ("marimo", "nbformat", "preliz"),
    "serve": ("starlette", "uvicorn"),
}
"""Packages of each extra of the project, as its `optional-dependencies` have them."""


def require(extra: str, where: str) -> None:
    """Raise DataError, which says what to install, where a package of an extra is missing."""
    if missing := [name for name in EXTRAS[extra] if find_spec(name) is None]:
        raise DataError(where, plain(f"no package {', '.join(missing)}"), f'it (pip install "sie[{extra}]")')


def import_matplotlib() -> ModuleType:
    """matplotlib, imported without the user's matplotlibrc where that is not UTF-8: it would fail, and no figure uses it."""
    try:
        return importlib.import_module("matplotlib")
    except UnicodeDecodeError:
        for name in [name for name in sys.modules if name.startswith("matplotlib.")]:
            del sys.modules[name]  # what the failed import left
        before = os.environ.get("MATPLOTLIBRC")
        os.environ["MATPLOTLIBRC"] = os.devnull
        try:
            with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
                return importlib.import_module("matplotlib")
        finally:
            del os.environ["MATPLOTLIBRC"]
            if before is not None:
                os.environ["MATPLOTLIBRC"] = before


class _Later(ModuleType):
    """A module that is imported when one of its attributes is asked for."""

    def __getattr__(self, attribute: str) -> object:
        return getattr(importlib.import_module(self.__name__), attribute)


def import_without(name: str, *, later: str) -> ModuleType:
    """Import the module `name`, in which `import later` costs nothing until an attribute of it is asked for."""
    if name not in sys.modules and later not in sys.modules:
        sys.modules[later] = _Later(later)
        try:
            importlib.import_module(name)
        finally:
            del sys.modules[later]
    return importlib.import_module(name)
