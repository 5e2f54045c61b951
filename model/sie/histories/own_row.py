"""The arguments for a user's own history as cells of its row in series.csv, checked by the rules of that table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import DataError, plain
from ..data.own_rows import RATIO, RATIO_NOTE, check, number
from ..data.own_table import EXAMPLES
from ..data.rows import FIELDS
from .arrays import efforts
from .own_folder import rows_of

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "check_effort",
    "chosen",
    "growth_of_compute",
    "id_of",
    "path_of",
    "ratio_and_note",
]

RESERVED = ("index", "epoch_")
"""The index of stored likelihoods, and how the names of those by Epoch begin: no id of a history."""


def chosen(where: str, value: int, options: Sequence[int]) -> int:
    if value not in options:
        raise DataError(where, value, " or ".join(map(str, options)))
    return value


def path_of(where: str, path: object) -> Path:
    if not isinstance(path, str | Path) or not str(path):
        raise DataError(where, path, "a path")
    return Path(path)


def id_of(id: str | None, history: object, domain: str) -> str:
    """The id that was asked for, or one from the name of the file or of the domain."""
    if id is None:
        name = Path(history).stem if isinstance(history, str | Path) else domain
        id = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")
        if not id:
            raise DataError("id", plain("nothing"), f"an id ({name!r} has no letter of one)")
    check("id", FIELDS["series.csv"]["id"], id)
    if id == RESERVED[0] or id.startswith(RESERVED[1]):
        raise DataError("id", id, f"another id than {RESERVED[0]}, and none that starts with {RESERVED[1]}")
    return id


def ratio_and_note(
    ratio: tuple[float, float] | None, note: str, input: str, compute_is_known: bool
) -> dict[str, str]:
    """The cells of the ratio of growth rates, and the note, which says so if the ratio is a default."""
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
    low, high = (number("ratio", x, FIELDS["series.csv"]["ratio_q05"]) for x in ratio)
    if not float(low) < float(high):
        raise DataError("ratio", ratio, "low below high")
    note = note if given else f"{note} {RATIO_NOTE.format(*RATIO)}"
    return {"ratio_q05": low, "ratio_q95": high, "note": note}


def growth_of_compute(base: Path, input_data: str) -> bool:
    """Whether growth.csv knows how fast compute grew behind these inputs."""
    rows = rows_of(base / "growth.csv")
    return any(row["input_data"] == input_data and row["compute_q50"] for row in rows)


def check_effort(series: xr.Dataset, where: str) -> None:
    """Refuse a history whose effort carries no information about r."""
    if efforts(series):
        return
    names = [f"{name} [{unit}]" for name, unit in zip(series.proxy.values, series.unit.values, strict=True)]
    found = ", ".join(names)
    if not series.attrs["identified"]:
        want = f"a column of effort beside what counts the outputs themselves: {EXAMPLES}, ..."
        raise DataError(f"{where} effort", plain(found), want)
    want = "an effort that was observed at two or more dates after the first, and had grown by then"
    raise DataError(f"{where} effort", plain(f"{found}, which hardly says how effort grew"), want)
