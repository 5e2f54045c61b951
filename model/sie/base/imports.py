"""Imports that wait until they are needed."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

__all__ = ["import_without"]


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
