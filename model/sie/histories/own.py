"""A user's own history, from a file or a table to a row of an evidence folder, with its likelihood.

What is written: `series/<id>.csv`, its row in `series.csv`, a row in `domains.csv` where the domain is new, and
`likelihoods/<id>.csv` with its line in the index. All of it is put together in a folder aside, read as evidence and fitted before
the first file is written; a folder that does not exist is made as a copy of the bundled evidence, and appears whole.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import DataError, in_one_line, plain
from ..data.evidence import read_evidence, read_series
from ..data.histories import AI, FEWEST, OBSERVATION_KINDS
from ..data.own_rows import check, number, remoteness_of
from ..data.own_table import as_text, read_given
from ..data.row_rules import USUAL_DEFINITION_SD
from ..data.rows import FIELDS, INPUTS
from ..data.schema import LINE, one_of
from ..inference.prior_draws import check_seed
from ..returns.likelihoods import read_likelihood, write_likelihood
from .fit import likelihood_of
from .own_folder import LEVEL, Addition, base_of, install, rows_of
from .own_row import (
    check_effort,
    chosen,
    growth_of_compute,
    id_of,
    path_of,
    ratio_and_note,
)

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["add_history", "levels_for"]

log = logging.getLogger("sie")


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
    seed: int,
    on_progress: Callable[[str], object] = lambda _: None,
) -> Path:
    """Add a raw history of your own to an evidence folder, with the likelihood by which it enters the model.

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
        Which research input the effort counts, and r is measured against: "labour", "compute" or "all".
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
        How labour is counted, e.g. "authors" or "commits": histories counted alike share that error (default: not shared).
    note : str, optional
        What the data are, for the reader of a report.
    kind : str, optional
        "record" or "measurement", where the table has no column `kind`. A measurement may fall behind the one before it.
    seed : int
        Seed of the fit, from 0 to 2**63 - 1.
    on_progress : callable, optional
        Called with the name of what is being fitted.

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
    >>> folder = sie.add_history("records.csv", domain="my domain", remoteness=1.5, into="mine", seed=1)
    >>> rows = sie.usable(sie.read_evidence(folder), sie.read_view("reference"))
    """
    check_seed("seed", seed)
    check("domain", LINE, domain)
    check("input", one_of(INPUTS), input)
    check("kind", one_of(OBSERVATION_KINDS), kind)
    if note:
        check("note", LINE, note)
    into = path_of("into", into)
    id = id_of(id, history, domain)
    base = base_of(into)
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
            "definition_sd": number("definition_sd", definition_sd),
            **dict.fromkeys(("capabilities", "post_training", "compute_bottleneck", "steepening"), "0"),
            "hardware_scale": str(int(chosen("hardware_scale", hardware_scale, (0, 1)))),
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
            check("measure", FIELDS["series.csv"]["measure"], measure)
        row |= ratio_and_note(ratio, note, input, growth_of_compute(base, row["input_data"]))
        known = {row["domain"]: float(row["remoteness"]) for row in rows_of(base / "domains.csv")}
        added = Addition(base=base, row=row, text=text, remoteness=remoteness_of(known, domain, remoteness))
        there = added.is_there(observations)
        added.put_together(aside / "before")
        series = read_series(id, aside / "before")
        check_effort(series, shown or "history")
        table = _stored(id, base) if there else None
        if table is None or not into.exists():
            if table is None:
                table = likelihood_of(series, seed=seed, on_progress=on_progress)
            added = replace(added, base=base_of(into))  # what another process has made of it in the meantime
            added.is_there(observations)
            added.put_together(aside / "after")
            write_likelihood(id, table, [f"series/{id}.csv"], aside / "after")
            install(aside / "after", into)
    if levels := levels_for(id, into):
        log.warning(
            "%s: %s enters at another level; the history counts only with levels=%s", id, domain, levels
        )
    return into


def levels_for(id: str, folder: Path) -> dict[str, str]:
    """What `sie.usable` needs as `levels` so that a history of a folder counts; empty where it counts anyway."""
    evidence = read_evidence(folder)
    at = int(evidence.domain_idx.sel(estimate=id))
    domain, level = (str(evidence[name].values[at]) for name in ("domain", "level"))
    return {} if level == LEVEL else {domain: LEVEL}


def _stored(id: str, folder: Path) -> xr.DataArray | None:
    """The likelihood that is there already; None where there is none of these data."""
    try:
        return read_likelihood(id, folder)
    except DataError:
        return None
