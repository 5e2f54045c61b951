"""`sie notebooks`: the notebooks that come with the package, and executed Jupyter copies of them.

A notebook is a marimo file that shows prose, plain tables and figures, so that marimo's own export gives a Jupyter notebook
that stands alone: tables as HTML, figures inline. Each runs in a process of its own; one that fails or warns is refused.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from ..base.errors import DataError, plain
from ..base.files import make_folder, refuse_unwritable, write_atomically
from ..base.imports import require
from ..base.reading import data_folder, read_json, read_text
from .options import progress

__all__ = ["as_jupyter", "notebooks", "title"]

PYTHON = {"name": "python3", "display_name": "Python 3", "language": "python"}
"""The Jupyter kernel that runs an exported notebook again."""

IMAGE = re.compile("<img src='data:image/png;base64,([A-Za-z0-9+/=]+)'/>")
"""How marimo writes a figure that was made without pyplot; Jupyter has a type for images."""

INLINE = "%matplotlib inline\n"
"""What Jupyter needs to show a figure that was made without pyplot."""


def notebooks(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME ...]", help="Notebooks (default: all).")
    ] = None,
    ipynb: Annotated[
        Path | None,
        typer.Option("--ipynb", metavar="DIR", help="Run them and write Jupyter notebooks here."),
    ] = None,
) -> None:
    """List the notebooks, or run them and write Jupyter notebooks with their outputs."""
    known = {path.stem: path for path in sorted(data_folder("notebooks").glob("*.py"))}
    for name in names or ():
        if name not in known:
            raise DataError("sie notebooks", name, "one of " + ", ".join(known))
    chosen = {name: known[name] for name in dict.fromkeys(names or known)}
    if ipynb is None:
        for name, path in chosen.items():
            print(f"{name:<24}{title(path)}\n{'':<24}marimo edit {path}")
        return
    require("notebooks", "sie notebooks --ipynb")
    refuse_unwritable("--ipynb", ipynb, folder=True)
    targets = {name: ipynb / f"{name}.ipynb" for name in chosen}
    for target in targets.values():
        refuse_unwritable("--ipynb", target, parent_may_be_made=True)
    with progress() as on_progress:
        for name, path in chosen.items():
            on_progress(f"running {name}")
            content = as_jupyter(path)
            make_folder(ipynb)
            write_atomically(targets[name], content.encode())
            print(f"{targets[name]}: written", flush=True)


def title(path: Path) -> str:
    """The first heading of a notebook."""
    heading = re.search(r"^\s*# (.+)$", read_text(path), re.MULTILINE)
    return heading[1] if heading else path.stem


def as_jupyter(path: Path) -> str:
    """A marimo notebook, run from top to bottom, as the text of a Jupyter notebook with its outputs.

    Raises DataError for a notebook that fails, warns or writes to standard error.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / path.name, Path(folder) / f"{path.stem}.ipynb"
        source.write_text(read_text(path), encoding="utf-8")  # marimo leaves a cache beside what it runs
        command = [sys.executable, "-m", "marimo", "--quiet", "--yes", "export", "ipynb", str(source)]
        options = ["--output", str(target), "--sort", "top-down", "--include-outputs", "--no-sandbox"]
        ran = subprocess.run([*command, *options], capture_output=True, text=True, encoding="utf-8")
        if not target.exists():
            last = (ran.stderr.strip() or f"exit code {ran.returncode}").splitlines()[-1]
            raise DataError(path.name, plain(last), "a notebook that marimo can run")
        book = read_json(target)
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    for cell in code:
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                raise DataError(
                    path.name,
                    plain(f"{output['ename']}: {output['evalue']}"),
                    "a notebook that runs to its end",
                )
            if output.get("name") == "stderr":
                said = " ".join("".join(output["text"]).split())
                raise DataError(path.name, plain(said), "a notebook without warnings")
            if image := IMAGE.fullmatch("".join(output.get("data", {}).get("text/html", ""))):
                output["data"] = {"image/png": image[1]}
    if code:
        code[0]["source"] = [INLINE, *code[0]["source"]]
    book["metadata"]["kernelspec"] = PYTHON
    return json.dumps(book, ensure_ascii=False, indent=1) + "\n"
