"""`sie notebooks`: copies of the notebooks that come with the package, and executed Jupyter copies of them.

A notebook is a marimo file that shows prose, plain tables and figures, so that marimo's own export gives a Jupyter notebook
that stands alone: tables as HTML, figures inline, prose as text. Each runs in a process of its own; one that fails or warns is
refused.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from ..base.errors import DataError, plain
from ..base.files import make_folder, refuse_unwritable, write_atomically
from ..base.imports import require
from ..base.reading import data_folder, read_bytes, read_json, read_text
from .waiting import progress

__all__ = ["as_jupyter", "notebooks", "opened_with", "title"]

PYTHON = {"name": "python3", "display_name": "Python 3", "language": "python"}
"""The Jupyter kernel that runs an exported notebook again."""

IMAGE = re.compile("<img src='data:image/png;base64,([A-Za-z0-9+/=]+)'/>")
"""How marimo writes a figure that was made without pyplot; Jupyter has a type for images."""

INLINE = "%matplotlib inline\n"
"""What Jupyter needs to show a figure that was made without pyplot."""

NEEDS = (
    '\n\n*Needs `pip install "sie[notebooks]"` and Jupyter. Numbers in the text are those of the run that wrote this file;'
    " `sie notebooks {name}` copies the marimo notebook, whose text is computed anew.*"
)
"""The last paragraph of the first cell of a Jupyter notebook."""

IMPORTS_MARIMO = "import marimo as mo\n"
"""The line of a notebook that Jupyter does not need once prose is text."""


def notebooks(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME ...]", help="Notebooks (default: all).")
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            "--into", metavar="DIR", help="Copy them into this folder (default: the current folder)."
        ),
    ] = None,
    ipynb: Annotated[
        Path | None,
        typer.Option("--ipynb", metavar="DIR", help="Run them and write Jupyter notebooks here."),
    ] = None,
    only_list: Annotated[bool, typer.Option("--list", help="List them and write nothing.")] = False,
) -> None:
    """Copy the notebooks to edit and run them, or run them and write Jupyter notebooks with their outputs."""
    known = {path.stem: path for path in sorted(data_folder("notebooks").glob("*.py"))}
    for name in names or ():
        if name not in known:
            raise DataError("sie notebooks", name, "one of " + ", ".join(known))
    ways = {"--into": into is not None, "--ipynb": ipynb is not None, "--list": only_list}
    if len(given := [option for option, here in ways.items() if here]) > 1:
        raise DataError("sie notebooks", plain(" and ".join(given)), "one of them")
    chosen = {name: known[name] for name in dict.fromkeys(names or known)}
    if only_list:
        for name, path in chosen.items():
            print(f"{name:<24}{title(path)}")
    elif ipynb is None:
        _copy(chosen, into)
    else:
        _export(chosen, ipynb)


def _copy(chosen: Mapping[str, Path], into: Path | None) -> None:
    """Copy notebooks, all or none; an existing file that differs is never overwritten."""
    require("notebooks", "sie notebooks")
    option, folder = ("--into", into) if into is not None else ("sie notebooks", Path())
    refuse_unwritable(option, folder, folder=True)
    targets = {name: folder / path.name for name, path in chosen.items()}
    for name, target in targets.items():
        refuse_unwritable(option, target, parent_may_be_made=True)
        if target.exists() and read_bytes(target) != read_bytes(chosen[name]):
            raise DataError(
                f"{option} {target}",
                plain("a file that differs from the notebook"),
                "another folder (--into DIR), or that file moved away",
            )
    make_folder(folder)
    marimo = opened_with(Path.cwd())
    for name, path in chosen.items():
        if not targets[name].exists():
            write_atomically(targets[name], read_bytes(path))
        print(f"{name:<24}{title(path)}\n{'':<24}{marimo} edit {shlex.quote(str(targets[name]))}")


def opened_with(here: Path) -> str:
    """The command that starts the marimo of this environment from a folder.

    `uv run` finds an environment only beside or above the folder; `marimo` alone is found where the environment is activated. A
    process that `uv run` started sees its environment as activated.
    """
    environment = Path(sys.prefix)
    settings = environment / "pyvenv.cfg"
    if (
        environment.name == ".venv"
        and environment.parent.resolve() in (here.resolve(), *here.resolve().parents)
        and settings.is_file()
        and re.search(r"^uv\s*=", read_text(settings), re.MULTILINE)
    ):
        return "uv run marimo"
    found = shutil.which("marimo")
    if (
        found
        and Path(found).parent == Path(sys.executable).parent
        and "UV_RUN_RECURSION_DEPTH" not in os.environ
    ):
        return "marimo"
    return f"{shlex.quote(sys.executable)} -m marimo"


def _export(chosen: Mapping[str, Path], ipynb: Path) -> None:
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
    _as_text(book["cells"])
    for cell in book["cells"]:
        cell["source"] = "".join(cell["source"])
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    if code and not any("mo." in cell["source"] for cell in code):
        for cell in code:
            cell["source"] = cell["source"].replace(IMPORTS_MARIMO, "")
    if code:
        code[0]["source"] = INLINE + code[0]["source"]
    if book["cells"][:1] and book["cells"][0]["cell_type"] == "markdown":
        book["cells"][0]["source"] += NEEDS.format(name=path.stem)
    book["metadata"]["kernelspec"] = PYTHON
    return json.dumps(book, ensure_ascii=False, indent=1) + "\n"


def _as_text(cells: list[dict]) -> None:
    """Turn cells that only show prose into Markdown cells; otherwise the text would appear twice, as code and as its output."""
    for cell in cells:
        if cell["cell_type"] != "code" or not "".join(cell["source"]).startswith("mo.md("):
            continue
        texts = [output.get("data", {}).get("text/markdown") for output in cell["outputs"]]
        if len(texts) == 1 and texts[0]:
            cell["cell_type"], cell["source"] = "markdown", "".join(texts[0])
            for key in ("outputs", "execution_count"):
                cell.pop(key, None)
            cell["metadata"] = {}
