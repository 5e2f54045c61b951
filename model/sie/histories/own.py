"""A history of one's own, from a file or a table to a row of an evidence folder, with the likelihood by which it enters.

What is written: `series/<id>.csv`, its row in `series.csv`, a row in `domains.csv` where the domain is new, and
`likelihoods/<id>.csv` with its line in the index. All of it is put together in a folder aside, read as evidence and fitted before
the first file is written; a folder that does not exist is made as a copy of the bundled evidence, and appears whole.
"""

from __future__ import annotations

import csv
import io
import logging
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import DataError, in_one_line, plain
from ..base.files import csv_text, make_folder, refuse_unwritable, write_atomically
from ..base.reading import data_folder, read_bytes, read_text
from ..data.evidence import named_files as tables_of
from ..data.evidence import read_evidence, read_series
from ..data.histories import AI, FEWEST, OBSERVATION_KINDS, Observations, read_observations
from ..data.row_rules import USUAL_DEFINITION_SD
from ..data.rows import FIELDS, INPUTS
from ..data.schema import LINE, Field, one_of
from ..inference.prior_draws import check_seed
from ..returns.likelihoods import likelihood_files, read_likelihood, write_likelihood
from .arrays import efforts
from .fit import likelihood_of
from .own_table import EXAMPLES, as_cell, as_text, read_given

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["Added", "add_history", "add_own"]

LEVEL = "series"
"""The level at which a raw history enters, and at which a domain that is made for one does."""

RATIO = (0.5, 2.0)
"""5 and 95 % points of the growth of compute over that of labour where nobody saw it: ours, those of the NanoGPT speedrun."""

RATIO_NOTE = (
    "Compute's growth is not known; the ratio {:g} to {:g} is ours, as for the NanoGPT speedrun: whoever joined"
    " brought machines along, and neither input is seen to outrun the other."
)

RESERVED = ("index", "epoch_")
"""The index of stored likelihoods, and how the names of those by Epoch begin: no id of a history."""

KEPT = (".csv", ".toml", ".md")
"""How the names of the files that an evidence folder holds end."""

log = logging.getLogger("sie")


@dataclass(frozen=True, kw_only=True)
class Added:
    """What became of a history: its `id` and `domain` in the evidence `folder`, and the stored `likelihood`.

    `level` is that at which the domain enters by default; where it is not LEVEL the history counts only if `levels` is chosen, and
    then in place of the domain's rows of that level. `written` are the files, none where the very same history was there already;
    `beside` the ids of other histories of the domain, which count too.
    """

    folder: Path
    id: str
    domain: str
    level: str
    written: tuple[Path, ...]
    beside: tuple[str, ...]
    likelihood: xr.DataArray

    @property
    def levels(self) -> dict[str, str]:
        """What `sie.usable` needs as `levels` so that the history counts; empty where it counts anyway."""
        return {} if self.level == LEVEL else {self.domain: LEVEL}


def add_history(
    history: Path | str | pd.DataFrame,
    *,
    domain: str,
    into: Path | str,
    id: str | None = None,
    input: str = "labour",
    remoteness: float | None = None,
    definition_sd: float = USUAL_DEFINITION_SD,
    hardware_scale: int = 0,
    ratio: tuple[float, float] | None = None,
    measure: str = "",
    note: str = "",
    kind: str = OBSERVATION_KINDS[0],
    seed: int = 1,
    on_progress: Callable[[str], object] = lambda _: None,
) -> Path:
    """Add a raw history of one's own to an evidence folder, with the likelihood by which it enters the model.

    Everything is checked and fitted before the first file is written; on any refusal nothing is written. The fit takes some
    seconds for one column of effort, up to minutes for many records or several columns.

    Parameters
    ----------
    history : Path, str or pandas.DataFrame
        A CSV file or a table with the columns `date`, `output [UNIT]`, one or more `<effort> [UNIT]` and those that a series file may
        have (`output_error [UNIT]`, `instrument`, `regime`, `made_by`). `order` and `kind` may be absent; dates may be the index.
    domain : str
        The domain whose r the history shows, as in `domains.csv`; a new one needs `remoteness`.
    into : Path or str
        An evidence folder. One that does not exist is made as a copy of the bundled one.
    id : str, optional
        Id of the row: lower-case letters, digits and underscores (default: from the name of the file, or of the domain).
    input : str, optional
        What research input the effort is, so that r is against it: "labour", "compute" or "all".
    remoteness : float, optional
        How much further a new domain lies from frontier AI R&D than language models do, from 1 (as near) to 100; the bundled ones
        have 1 to 2.
    definition_sd : float, optional
        How far r of the history may be off the domain's r for its definition, a standard deviation in natural log, of at
        least 0. How labour is counted has an error of its own in the view.
    hardware_scale : int, optional
        1 where hardware was fixed throughout, so that r includes that adjustment already.
    ratio : tuple of float, optional
        5 and 95 % points of the growth of compute over the growth of labour. Default for labour: 0.5 and 2, where no row of
        `growth.csv` knows it. Required for compute, and none for all.
    measure : str, optional
        How labour is counted, as "authors" or "commits": histories that count alike share that error (default: in a way of its own).
    note : str, optional
        What the data are, for the reader of a report.
    kind : str, optional
        "record" or "measurement", where the table has no column `kind`. A measurement may fall behind the one before it.
    seed : int, optional
        Seed of the fit, from 0 to 2**63 - 1.
    on_progress : callable, optional
        Hears what is being fitted.

    Returns
    -------
    Path
        The evidence folder, for `read_evidence`. Where the domain enters at another level than series, the history counts only with
        `levels={domain: "series"}` in `usable`; the log says so (`logging`, logger "sie").

    Raises
    ------
    DataError
        For an argument or a line of the table that cannot be what it says, an effort that says nothing of r, a row of this id that is
        not the very same history, and a folder that is no evidence folder or not writable.
    NotConverged
        Where the fit fails; the message says what to change in the data.

    Examples
    --------
    >>> folder = sie.add_history("records.csv", domain="my domain", remoteness=1.5, into="evidence_of_mine")
    >>> rows = sie.usable(sie.read_evidence(folder), sie.read_view("reference"))
    """
    added = add_own(
        history,
        domain=domain,
        into=into,
        id=id,
        input=input,
        remoteness=remoteness,
        definition_sd=definition_sd,
        hardware_scale=hardware_scale,
        ratio=ratio,
        measure=measure,
        note=note,
        kind=kind,
        seed=seed,
        on_progress=on_progress,
    )
    if added.levels:
        log.warning(
            "%s: %s enters at level %s; the history counts only with levels=%s",
            *(added.id, added.domain, added.level, added.levels),
        )
    return added.folder


def add_own(
    history: Path | str | pd.DataFrame,
    *,
    domain: str,
    into: Path | str,
    id: str | None,
    input: str,
    remoteness: float | None,
    definition_sd: float,
    hardware_scale: int,
    ratio: tuple[float, float] | None,
    measure: str,
    note: str,
    kind: str,
    seed: int,
    on_progress: Callable[[str], object],
) -> Added:
    """What `add_history` does, with all that there is to say of it."""
    check_seed("seed", seed)
    _of("domain", LINE, domain)
    _of("input", one_of(INPUTS), input)
    _of("kind", one_of(OBSERVATION_KINDS), kind)
    if note:
        _of("note", LINE, note)
    into = _path("into", into)
    id = _id(id, history, domain)
    base = _base(into)
    text, shown = as_text(history, kind)
    with tempfile.TemporaryDirectory() as scratch:
        aside = Path(scratch)
        observations = read_given(text, id, shown, aside)
        people = len(observations.made_by) - observations.made_by.count(AI)
        if people < FEWEST:
            want = f"at least {FEWEST}: fewer say nothing of r that a growth ratio in growth.csv cannot"
            raise DataError(shown or "history", plain(f"{people} observations by people"), want)
        row = {
            "id": id,
            "domain": domain,
            "input": input,
            "file": f"{id}.csv",
            "output_data": f"{id}_output",
            "input_data": f"{id}_effort",
            "preferred": "1",
            "definition_sd": _number("definition_sd", definition_sd),
            **dict.fromkeys(("capabilities", "post_training", "compute_bottleneck", "steepening"), "0"),
            "hardware_scale": str(int(_chosen("hardware_scale", hardware_scale, (0, 1)))),
            "basis": "ours",
            "source": "sie_project",
            "via": "",
            "locator": "a pandas DataFrame" if shown is None else in_one_line(shown),
            "quote": "",
            "measure": measure,
            "measure_sd": "0",
            "read": "primary",
        }
        if measure:
            _of("measure", FIELDS["series.csv"]["measure"], measure)
        row |= _ratio_and_note(ratio, note, input, _growth_of_compute(base, row["input_data"]))
        added = _Addition(base=base, row=row, text=text, remoteness=_remoteness(base, domain, remoteness))
        there = added.is_there(observations)
        evidence = added.put_together(aside / "before")
        series = read_series(id, aside / "before")
        if not efforts(series):
            raise _no_effort(series, shown or "history")
        table = _stored(id, base) if there else None
        written: tuple[Path, ...] = ()
        if table is None or not into.exists():
            if table is None:
                table = likelihood_of(series, seed=seed, on_progress=on_progress)
            added.is_there(observations)  # of another process, in the meantime
            added.put_together(aside / "after")
            write_likelihood(id, table, [f"series/{id}.csv"], aside / "after")
            table = read_likelihood(id, aside / "after")
            written = _install(aside / "after", into)
    domains = evidence.domain.values.tolist()
    alike = (evidence.domain_idx == domains.index(domain)) & (evidence.kind == LEVEL) & evidence.identified
    return Added(
        folder=into,
        id=id,
        domain=domain,
        level=evidence.level.values[domains.index(domain)].item(),
        written=written,
        beside=tuple(name for name in evidence.estimate.values[alike.values].tolist() if name != id),
        likelihood=table,
    )


@dataclass(frozen=True, kw_only=True)
class _Addition:
    """A history that is to join the evidence of a `base` folder: the text of its file and its row; `remoteness` of a new domain."""

    base: Path
    row: Mapping[str, str]
    text: str
    remoteness: str | None

    def is_there(self, observations: Observations) -> bool:
        """Whether the very same history is there; one that is not, under its name, is refused."""
        id = self.row["id"]
        rows = {row["id"]: row for row in _rows(self.base / "series.csv")}
        file = self.base / "series" / f"{id}.csv"
        if id not in rows:
            others = [row["id"] for name in FIELDS if "id" in FIELDS[name] for row in _rows(self.base / name)]
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
        if id not in [row["id"] for row in _rows(folder / "series.csv")]:
            if self.remoteness is not None:
                note = f"Ours: given with the history {id}."
                cells = {"domain": domain, "remoteness": self.remoteness, "level": LEVEL, "note": note}
                _append(folder / "domains.csv", cells)
            _append(folder / "series.csv", self.row)
            file = folder / "series" / f"{id}.csv"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(self.text.encode())
        return read_evidence(folder)


def _of(where: str, field: Field, value: object, text: str | None = None) -> None:
    """Refuse an argument that the field of a table refuses."""
    try:
        field.of(where, value if text is None else text)
    except DataError as error:
        raise DataError(where, value, error.want) from None


def _number(where: str, value: float, field: Field | None = None) -> str:
    """A number as the cell of series.csv that it is for."""
    text = "" if isinstance(value, bool) else as_cell(value)
    _of(where, field or FIELDS["series.csv"][where], value, text or "nothing")
    return text


def _chosen(where: str, value: int, options: Sequence[int]) -> int:
    if value not in options:
        raise DataError(where, value, " or ".join(map(str, options)))
    return value


def _path(where: str, path: object) -> Path:
    if not isinstance(path, str | Path) or not str(path):
        raise DataError(where, path, "a path")
    return Path(path)


def _id(id: str | None, history: object, domain: str) -> str:
    """The id that was asked for, or one from the name of the file or of the domain."""
    if id is None:
        name = Path(history).stem if isinstance(history, str | Path) else domain
        id = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")
        if not id:
            raise DataError("id", plain("nothing"), f"an id ({name!r} has no letter of one)")
    _of("id", FIELDS["series.csv"]["id"], id)
    if id == RESERVED[0] or id.startswith(RESERVED[1]):
        raise DataError("id", id, f"another id than {RESERVED[0]}, and none that starts with {RESERVED[1]}")
    return id


def _base(into: Path) -> Path:
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


def _remoteness(base: Path, domain: str, remoteness: float | None) -> str | None:
    """The cell of a new domain; None for one that is known."""
    field = FIELDS["domains.csv"]["remoteness"]
    known = {row["domain"]: row["remoteness"] for row in _rows(base / "domains.csv")}
    if domain in known:
        if remoteness is not None and _number("remoteness", remoteness, field) != as_cell(
            float(known[domain])
        ):
            raise DataError("remoteness", remoteness, f"none: {domain} is known and has {known[domain]}")
        return None
    if remoteness is None:
        want = (
            f"a number of at least 1 for the new domain {domain!r}: how much further it lies from frontier AI R&D than language models"
            f" do (the bundled ones 1 to 2); known domains need none: {', '.join(known)}"
        )
        raise DataError("remoteness", plain("nothing"), want)
    return _number("remoteness", remoteness, field)


def _ratio_and_note(
    ratio: tuple[float, float] | None, note: str, input: str, compute_is_known: bool
) -> dict[str, str]:
    """The cells of the ratio of growth rates, and the note, which owns up to a ratio that nobody gave."""
    note = note or "A history of one's own, added by sie add-history."
    given = ratio is not None
    if ratio is None and input == "labour" and not compute_is_known:
        ratio = RATIO
    if ratio is None:
        if input == "compute" and not compute_is_known:
            want = (
                "LOW HIGH: how many times as fast as labour compute grew, 5 and 95 % points; r is against compute, and with no"
                f" growth of labour it could not be compared ({RATIO[0]:g} 2 where neither is known to outrun the other)"
            )
            raise DataError("ratio", plain("nothing"), want)
        return {"ratio_q05": "", "ratio_q95": "", "note": note}
    if given and (input == "all" or compute_is_known):
        why = "r is against all inputs" if input == "all" else "growth.csv has the growth of compute"
        raise DataError("ratio", ratio, f"none ({why})")
    if not (isinstance(ratio, Sequence) and len(ratio) == 2):
        raise DataError("ratio", ratio, "two numbers, low and high")
    low, high = (_number("ratio", x, FIELDS["series.csv"]["ratio_q05"]) for x in ratio)
    if not float(low) < float(high):
        raise DataError("ratio", ratio, "low below high")
    note = note if given else f"{note} {RATIO_NOTE.format(*RATIO)}"
    return {"ratio_q05": low, "ratio_q95": high, "note": note}


def _growth_of_compute(base: Path, input_data: str) -> bool:
    """Whether growth.csv knows how fast compute grew behind these inputs."""
    rows = _rows(base / "growth.csv")
    return any(row["input_data"] == input_data and row["compute_q50"] for row in rows)


def _no_effort(series: xr.Dataset, where: str) -> DataError:
    """Why a history says nothing of r."""
    names = [f"{name} [{unit}]" for name, unit in zip(series.proxy.values, series.unit.values, strict=True)]
    found = ", ".join(names)
    if not series.attrs["identified"]:
        want = f"a column of effort beside what counts the outputs themselves: {EXAMPLES}, ..."
        return DataError(f"{where} effort", plain(found), want)
    want = "an effort that was observed at two or more dates after the first, and had grown by then"
    return DataError(f"{where} effort", plain(f"{found}, which hardly says how effort grew"), want)


def _stored(id: str, folder: Path) -> xr.DataArray | None:
    """The likelihood that is there already; None where there is none of these data."""
    try:
        return read_likelihood(id, folder)
    except DataError:
        return None


def _rows(path: Path) -> list[dict[str, str]]:
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


def _install(made: Path, into: Path) -> tuple[Path, ...]:
    """Put what was put together in its place; the files that are new or other than before."""
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
