"""Where PyTensor keeps compiled code. If its usual folder cannot be made, PyTensor fails to import: use a temporary one then."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["default_folder", "discard_scratch", "in_scratch", "use_writable_folder"]

FLAG = "base_compiledir"

_scratch: tempfile.TemporaryDirectory | None = None


def default_folder() -> Path:
    """The folder that PyTensor takes unless it is told another."""
    return Path("~/.pytensor").expanduser()


def use_writable_folder() -> None:
    """Let PyTensor, which is not imported yet, and processes started from here use a temporary folder where its own cannot be written."""
    global _scratch
    flags, place = os.environ.get("PYTENSOR_FLAGS", ""), default_folder()
    if FLAG in flags or os.name != "posix" or Path("~/.pytensorrc").expanduser().exists():
        return  # as the user has set it
    while not place.exists() and place != place.parent:
        place = place.parent
    if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
        return
    _scratch = tempfile.TemporaryDirectory(prefix="sie-", ignore_cleanup_errors=True)
    os.environ["PYTENSOR_FLAGS"] = ",".join(filter(None, (flags, f"{FLAG}={_scratch.name}")))


def in_scratch() -> bool:
    """Whether compiled code is lost at the end of this process."""
    return _scratch is not None


def discard_scratch() -> None:
    """Remove the temporary folder, for a process that ends without the usual steps."""
    if _scratch is not None:
        _scratch.cleanup()
