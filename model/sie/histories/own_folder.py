"""The folder to which a user's history or row is added: assembled in a temporary folder, checked, then written as a whole."""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import DataError, plain
from ..base.files import csv_text, make_folder, refuse_unwritable, write_atomically
from ..base.reading import data_folder, read_bytes, read_text
from ..data.evidence import named_files as tables_of
from ..data.evidence import read_evidence
from ..data.histories import Observations, read_observations
from ..data.own_rows import TABLES, cells_of, remoteness_of
from ..data.rows import FIELDS
from ..returns.likelihoods import likelihood_files

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["LEVEL", "Addition", "base_of", "install", "rows_of", "write_row"]

LEVEL = "series"
"""The level at which a raw history enters, and at which a domain that is made for one does."""

KEPT = (".csv", ".toml", ".md")
"""How the names of the files that an evidence folder holds end."""


@dataclass(frozen=True, kw_only=True)
class Addition:
    """A history that is to join the evidence of a `base` folder: the text of its file and its row; `remoteness` of a new domain."""

    base: Path
    row: Mapping[str, str]
    text: str
    remoteness: str | None

    def is_there(self, observations: Observations) -> bool:
        """Whether the very same history is there; one that is not, under its name, is refused."""
        id = self.row["id"]
        rows = {row["id"]: row for row in rows_of(self.base / "series.csv")}
        file = self.base / "series" / f"{id}.csv"
        if id not in rows:
            others = [
                row["id"] for name in FIELDS if "id" in FIELDS[name] for row in rows_of(self.base / name)
            ]
            if file.exists() or id in others:
                raise DataError(
                    "id", id, "another id: a row of another table, or the file of another row, has it"
                )
            for other in rows.values():
                if repr(read_observations(self.base / "series" / other["file"])) == repr(observations):
                    found = plain(f"the very same observations as {other['id']}, which {self.base} has")
                    raise DataError(
                        "history", found, "a history once (with other options: in another folder)"
                    )
            return False
        same = all(self.row.get(key, "") == cell for key, cell in rows[id].items())
        if not (same and file.is_file() and repr(read_observations(file)) == repr(observations)):
            found = plain(
                f"{id}, which {self.base} has for another history, or for this one with other options"
            )
            raise DataError("id", found, "another id for other data, another folder for other options")
        return True

    def put_together(self, folder: Path) -> xr.Dataset:
        """The whole evidence in a new folder, read and checked."""
        files = [*tables_of(self.base).values(), *likelihood_files(self.base)]
        _copy(self.base, [file for file in files if file.exists()], folder)
        id, domain = self.row["id"], self.row["domain"]
        if id not in [row["id"] for row in rows_of(folder / "series.csv")]:
            if self.remoteness is not None:
                note = f"Ours: given with the history {id}."
                cells = {"domain": domain, "remoteness": self.remoteness, "level": LEVEL, "note": note}
                _append(folder / "domains.csv", cells)
            _append(folder / "series.csv", self.row)
            file = folder / "series" / f"{id}.csv"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(self.text.encode())
        return read_evidence(folder)


def base_of(into: Path) -> Path:
    """The folder that is added to: `into`, which must be evidence and writable, or the bundled one, of which it becomes a copy."""
    refuse_unwritable("into", into, folder=True)
    if not into.exists():
        return data_folder("evidence")
    for name in ("sources.toml", *FIELDS):
        if not (into / name).is_file():
            want = "an evidence folder, or a folder that does not exist, which is made as a copy of the bundled one"
            raise DataError(f"into {into}", plain(f"no {name} in it"), want)
    for folder in ("series", "likelihoods"):
        refuse_unwritable("into", into / folder, folder=True)
    read_evidence(into)
    return into


def rows_of(path: Path) -> list[dict[str, str]]:
    """The cells of a table that is known to be evidence, or will be refused as such."""
    return list(csv.DictReader(io.StringIO(read_text(path), newline="")))


def _append(path: Path, cells: Mapping[str, str]) -> None:
    """A further row of a table, under the columns that it has."""
    text = read_text(path)
    header = next(csv.reader(io.StringIO(text, newline="")))
    end = "\r\n" if "\r\n" in text else "\n"
    line = csv_text([cells.get(name, "") for name in header], []).removesuffix("\n")
    path.write_bytes(f"{text}{'' if text.endswith(end) else end}{line}{end}".encode())


def _copy(source: Path, files: Sequence[Path], folder: Path) -> None:
    for file in files:
        target = folder / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def install(made: Path, into: Path) -> tuple[Path, ...]:
    """Move the assembled files into place; returns those that are new or changed."""
    files = sorted(file.relative_to(made) for file in made.rglob("*") if file.is_file())
    if not into.exists():
        _as_new_folder(made, into)
        before = data_folder("evidence")
    else:
        before = into
    new = [
        name
        for name in files
        if not (before / name).is_file() or read_bytes(before / name) != read_bytes(made / name)
    ]
    if before == into:
        _replace(made, into, new)
    return tuple(into / name for name in new)


def _as_new_folder(made: Path, into: Path) -> None:
    """The bundled evidence with what was made, in a folder that appears whole."""
    make_folder(into.parent)
    bundled = data_folder("evidence")
    files = [file for file in bundled.rglob("*") if file.is_file() and file.suffix in KEPT]
    files = [
        file for file in files if not any(part.startswith(".") for part in file.relative_to(bundled).parts)
    ]
    try:
        with tempfile.TemporaryDirectory(dir=into.parent, prefix=f".{into.name}."[:60]) as beside:
            whole = Path(beside) / "evidence"
            _copy(bundled, files, whole)
            _copy(made, [file for file in made.rglob("*") if file.is_file()], whole)
            whole.replace(into)
    except OSError as error:
        raise DataError(f"into {into}", plain(error.strerror or str(error)), "a writable place") from None


def _replace(made: Path, into: Path, names: Sequence[Path]) -> None:
    """Write these files, each whole; where one cannot be written, those before it become what they were."""
    old: dict[Path, bytes | None] = {}
    try:
        for name in names:
            target = into / name
            make_folder(target.parent)
            old[target] = read_bytes(target) if target.exists() else None
            write_atomically(target, read_bytes(made / name))
    except BaseException:
        for target, content in old.items():
            if content is None:
                target.unlink(missing_ok=True)
            elif read_bytes(target) != content:
                write_atomically(target, content)
        raise


def write_row(
    table: str, id: str, columns: Mapping[str, object], *, into: Path, remoteness: float | None = None
) -> Path:
    """A row of one's own (`data.own_rows.cells_of`) in its table of an evidence folder; the file that was written.

    A folder that does not exist is made as a copy of the bundled evidence. All of it is read as evidence before anything is written.
    """
    base = base_of(into)
    cells = cells_of(table, id, columns)
    far = None
    if "domain" in FIELDS[f"{table}.csv"]:
        known = {row["domain"]: float(row["remoteness"]) for row in rows_of(base / "domains.csv")}
        far = remoteness_of(known, cells.get("domain", ""), remoteness)
    elif remoteness is not None:
        raise DataError("remoteness", remoteness, f"none: rows of {table}.csv have no domain")
    with tempfile.TemporaryDirectory() as scratch:
        aside = Path(scratch) / "evidence"
        _copy(base, [file for file in tables_of(base).values() if file.exists()], aside)
        if far is not None:
            note = f"Ours: given with the row {id}."
            new = {"domain": cells["domain"], "remoteness": far, "level": TABLES[table] or "", "note": note}
            _append(aside / "domains.csv", new)
        _append(aside / f"{table}.csv", cells)
        read_evidence(aside)
        install(aside, into)
    return into / f"{table}.csv"
