"""The stored specification curve of a view: made by `sie alternatives --save`, and refused where its inputs have changed since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...base.errors import DataError, plain
from ...base.files import sha256_of, strict_json, write_atomically
from ...base.reading import data_folder, read_bytes, read_json
from ...data.bibliography import REFERENCE
from ...data.evidence import read_evidence
from ...data.priors import ALTERNATIVES, read_view
from ...data.views import View
from ...returns.selection import default_levels
from ..result import inputs_sha256

__all__ = ["curve_sha256", "read_stored", "save_stored", "stored_path"]

FOLDER = "alternatives"
"""The folder of stored curves, beside the views."""


def stored_path(view: str) -> Path:
    """The file of a view's stored curve."""
    return data_folder("priors") / FOLDER / f"{view}.json"


def curve_sha256(view: View, alternatives: Path, folder: Path | None = None) -> str:
    """A hash of all that a curve depends on: the view, the evidence of a folder, the levels and the alternatives."""
    inputs = inputs_sha256(view, default_levels(read_evidence(folder)), folder)
    return sha256_of(inputs, [(alternatives.name, read_bytes(alternatives))])


def save_stored(document: dict[str, Any]) -> Path:
    """Write a curve where `read_stored` finds it, without its pairs: what they come to stands in its headline."""
    table = document["specifications"]
    kept = [i for i, second in enumerate(table["second"]) if not second]
    some = {name: [column[i] for i in kept] for name, column in table.items()}
    document = {**document, "specifications": some}
    path = stored_path(document["view"])
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, strict_json(document).encode())
    return path


def read_stored(view: str = REFERENCE, path: Path | None = None) -> dict[str, Any]:
    """The stored curve of a bundled view.

    Raises DataError where there is none, and where the view, the evidence or the alternatives have changed since it was made.
    """
    path = stored_path(view) if path is None else path
    cure = f"sie alternatives {view} --save"
    if not path.exists():
        raise DataError(f"{FOLDER}/{path.name}", plain("no such file"), f"the curve of {view} ({cure})")
    document = read_json(path)
    if document["inputs_sha256"] != curve_sha256(read_view(view), data_folder("priors") / ALTERNATIVES):
        raise DataError(
            f"{FOLDER}/{path.name}", plain("the curve of other inputs"), f"one of the present inputs ({cure})"
        )
    return document
