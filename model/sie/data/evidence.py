"""Evidence on r, read from CSV into one labelled dataset.

One row is a published estimate of r (`returns.csv`) or of adjustments (`factors.csv`), an estimate of any other quantity of a
view (`inputs.csv`), the growth of output and inputs in a domain (`growth.csv`), or a raw history (`series.csv`, observations in
`series/`); `includes` (estimate, adjustment) is the incidence matrix x of design section 2. Evidence on one domain enters at one
level, so that no history counts twice.
This module reads: it never cleans, fills or drops. `usable` chooses, and says why the others are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import DataError, Problems, plain
from ..base.reading import data_folder
from ..base.stats import ENDS, INTERVAL, QUANTILES
from .between_rows import check_histories, check_ids, check_preferred
from .bibliography import PROVENANCE, read_sources
from .histories import read_observations
from .quantities import ADJUSTMENTS
from .rows import (
    FIELDS,
    FLOWS,
    INPUTS,
    LEVELS,
    TARGET,
    WORDS_OF_ROWS,
    Domain,
    read_domains,
    read_rows,
)

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "INPUTS",
    "LEVELS",
    "TARGET",
    "as_dataset",
    "evidence_files",
    "named_files",
    "read_evidence",
    "read_files",
    "read_inputs",
    "read_series",
]


EPOCH = "erdil_besiroglu_ho_2024"
"""The source whose published posteriors mark the growth rows that the level `epoch` can use."""


def evidence_files(folder: Path | None = None) -> list[Path]:
    """The files that `read_evidence` reads: the tables by name, then the series by name."""
    folder = Path(folder) if folder is not None else data_folder("evidence")
    tables = sorted(folder / name for name in (*FIELDS, "sources.toml"))
    return tables + sorted((folder / "series").glob("*.csv"))


def named_files(folder: Path | None = None) -> dict[str, Path]:
    """`evidence_files` by their names inside the folder: `growth.csv`, ..., `series/stockfish.csv`, ..."""
    folder = Path(folder) if folder is not None else data_folder("evidence")
    return {file.relative_to(folder).as_posix(): file for file in evidence_files(folder)}


def read_evidence(path: Path | str | None = None) -> xr.Dataset:
    """Every row of an evidence folder, checked.

    Parameters
    ----------
    path : Path or str, optional
        The folder (default: the bundled one).

    Returns
    -------
    xr.Dataset
        Dims `estimate` (row id), `adjustment`, `domain`, `output_data`, `input_data`, `quantile`, `flow`, `growth_quantile`,
        `ratio_quantile`. Variables: `kind` (estimate) is "r", "factor", "input", "growth" or "series"; `value` (estimate, quantile) on
        the natural scale and `se`, NaN where not given and for growth and series; `growth` (estimate, flow, growth_quantile), natural log
        per year, NaN where not known; `ratio` (estimate, ratio_quantile), growth of compute over growth of labour, NaN where not stated;
        `definition_sd` (log scale; of inputs the row's own `scale`) and `measure_sd`, the part of it that stands for how labour is
        counted; `includes` (estimate, adjustment); `domain_idx` (-1 for factors and inputs), `output_idx`, `input_idx`; `remoteness` and
        default `level` (domain); `identified`, whether a series has an effort of its own (True for other rows); `by_epoch`, whether
        Epoch fitted this growth row; `preferred`; the row's words, "" where its table has none (`input`, `labour`, `file`, `measure`,
        `history`, of inputs `quantity`, `scale`, `bound`, `unit`, `distance`, and `basis`, ..., `note`); `read`,
        where the numbers were read, "primary" or "second-hand", "" where the row does not say.

    Raises
    ------
    DataError
        At the first problem: no such folder, or the file, line and column of a cell that is not what it must be.

    Examples
    --------
    >>> evidence = sie.read_evidence()
    >>> histories = evidence.estimate[evidence.kind == "series"].values.tolist()
    """
    folder = Path(path) if path is not None else data_folder("evidence")
    if not folder.is_dir():
        raise DataError(str(folder), plain("no such folder"), "an evidence folder")
    evidence = read_files(named_files(folder))
    bundled = folder.resolve() == data_folder("evidence").resolve()
    return evidence if bundled else evidence.assign_attrs(folder=str(folder))


def read_files(files: Mapping[str, Path]) -> xr.Dataset:
    """What `read_evidence` reads, from one path for each of its files (`named_files`)."""
    with Problems() as problems:
        sources = problems.attempt(read_sources, files["sources.toml"])
        domains = problems.attempt(read_domains, files["domains.csv"])
        read = [
            problems.attempt(read_rows, files[name], domains, sources)
            for name in ("returns.csv", "factors.csv", "inputs.csv", "growth.csv", "series.csv")
        ]
        rows = [row for table in read for row in table or ()]
        identified = problems.attempt(_read_all_series, rows, files, read[-1] is not None)
        if not problems:
            problems.attempt(check_ids, rows)
            problems.attempt(check_preferred, rows)
            problems.attempt(check_histories, rows)
    return as_dataset(rows, domains, identified)


def as_dataset(rows: list[dict], domains: Mapping[str, Domain], identified: Mapping[str, bool]) -> xr.Dataset:
    """Checked rows (`rows.row_of`) and the domains by name as what `read_evidence` returns."""
    import xarray as xr

    outputs = sorted({row["output_data"] for row in rows})
    inputs = sorted({row["input_data"] for row in rows})
    names = list(domains)
    fitted = {(row["output_data"], row["input_data"]) for row in rows if row["source"] == EPOCH}
    words = {
        key: ("estimate", [row[key] for row in rows]) for key in ("kind", *WORDS_OF_ROWS, *PROVENANCE, "read")
    }
    del words["domain"]  # which `domain_idx` says
    return xr.Dataset(
        {
            "value": (("estimate", "quantile"), [row["value"] for row in rows]),
            "se": ("estimate", [row["se"] for row in rows]),
            "growth": (
                ("estimate", "flow", "growth_quantile"),
                [row["growth"] for row in rows],
                {"units": "natural log per year"},
            ),
            "ratio": (("estimate", "ratio_quantile"), [row["ratio"] for row in rows]),
            "definition_sd": ("estimate", [row["definition_sd"] for row in rows]),
            "measure_sd": ("estimate", [row["measure_sd"] for row in rows]),
            "includes": (("estimate", "adjustment"), [row["includes"] for row in rows]),
            "preferred": ("estimate", [row["preferred"] for row in rows]),
            "domain_idx": ("estimate", [names.index(row["domain"]) if row["domain"] else -1 for row in rows]),
            "output_idx": ("estimate", [outputs.index(row["output_data"]) for row in rows]),
            "input_idx": ("estimate", [inputs.index(row["input_data"]) for row in rows]),
            "identified": ("estimate", [identified.get(row["id"], True) for row in rows]),
            "by_epoch": (
                "estimate",
                [
                    row["kind"] == "growth" and (row["output_data"], row["input_data"]) in fitted
                    for row in rows
                ],
            ),
            "remoteness": ("domain", [domain.remoteness for domain in domains.values()]),
            "level": ("domain", [domain.level for domain in domains.values()]),
            **words,
        },
        coords={
            "estimate": [row["id"] for row in rows],
            "adjustment": list(ADJUSTMENTS),
            "quantile": list(QUANTILES),
            "flow": list(FLOWS),
            "growth_quantile": list(INTERVAL),
            "ratio_quantile": list(ENDS),
            "domain": names,
            "output_data": outputs,
            "input_data": inputs,
        },
    )


def read_series(name: Path | str, path: Path | str | None = None) -> xr.Dataset:
    """The observations of one raw history in an evidence folder.

    Parameters
    ----------
    name : str or Path
        Id of a row of `series.csv`, or your own file ending in .csv.
    path : Path or str, optional
        The folder (default: the bundled one).

    Returns
    -------
    xr.Dataset
        Dims `observation`, `proxy`. Variables: `order`; `date`; `years` since the first; `kind`, "record" or "measurement";
        `output`, with its `units` and which way is `better` as attributes; `output_error`, one standard error, NaN where not known;
        `instrument` and `regime`, "" where there is only one: between two lies one jump of unknown size, and each regime (`A or B` where
        it may be either) has an r of its own; `made_by`, "people" or "AI"; `effort` (observation, proxy), NaN where it was not observed. Along `proxy`: `unit`, and `effort_kind`, "cumulative", "flow" or "output count".
        Attributes: `id`, `domain`, `identified`; of a file of one's own the id is its stem and the domain "".

    Raises
    ------
    DataError
        If there is no series of this name, or its row or file is not valid.
    """
    if str(name).endswith(".csv"):
        from .own_table import read_own

        return read_own(Path(name)).to_dataset().assign_attrs(id=Path(name).stem, domain="")
    folder = Path(path) if path is not None else data_folder("evidence")
    domains = read_domains(folder / "domains.csv")
    rows = {row["id"]: row for row in read_rows(folder / "series.csv", domains, read_sources(folder))}
    if name not in rows:
        raise DataError("series", name, "one of " + ", ".join(rows))
    series = read_observations(folder / "series" / rows[name]["file"]).to_dataset()
    return series.assign_attrs(id=name, domain=rows[name]["domain"])


def read_inputs(path: Path | str | None = None) -> xr.Dataset:
    """The rows of `inputs.csv`: estimates of, and bounds on, quantities of a view other than r and the factors.

    Parameters
    ----------
    path : Path or str, optional
        An evidence folder (default: the bundled one).

    Returns
    -------
    xr.Dataset
        Dims `estimate` (row id), `quantile`. Variables: `quantity`, with its `unit`; `value` (estimate, quantile) and `se` as printed, NaN
        where not given; `scale` ("log", "logit" or "linear"), on which `definition_sd` and the error are; `bound` ("", "upper" or
        "lower": the median is then that bound); `distance` of a ceiling ("left" at ASARA, or the "whole" from where a view counts what is gained); `labour`, which
        labour a share, lambda or their product counts; `output_data`, `input_data`, `preferred`; the words of provenance;
        `read`, where the number was read, "primary" or "second-hand", "" where the row does not say.

    Raises
    ------
    DataError
        If `inputs.csv` is not valid.

    Examples
    --------
    >>> rows = sie.read_inputs()
    >>> sigma = rows.value.sel(quantile=0.5)[rows.quantity == "sigma"]
    """
    import xarray as xr

    folder = Path(path) if path is not None else data_folder("evidence")
    rows = read_rows(folder / "inputs.csv", None, read_sources(folder))
    keys = ("quantity", "scale", "bound", "unit", "distance", "labour", "se", "definition_sd")
    keys = (*keys, "output_data", "input_data", "preferred", *PROVENANCE, "read")
    return xr.Dataset(
        {
            "value": (("estimate", "quantile"), [row["value"] for row in rows]),
            **{key: ("estimate", [row[key] for row in rows]) for key in keys},
        },
        coords={"estimate": [row["id"] for row in rows], "quantile": list(QUANTILES)},
    )


def _read_all_series(rows: list[dict], files: Mapping[str, Path], is_whole: bool) -> dict[str, bool]:
    """Whether each series identifies r, by id. Every file is read and must belong to exactly one row.

    If the table is not whole (`is_whole`), files without a row are allowed.
    """
    owners: dict[str, str] = {}
    identified = {}
    with Problems() as problems:
        for row in rows:
            if row["kind"] != "series":
                continue
            file = f"series/{row['file']}"
            if file not in files:
                problems.refuse(f"{row['where']} file", row["file"], "a file in series/")
            elif file in owners:
                want = f"a file of its own ({owners[file]} has it)"
                problems.refuse(f"{row['where']} file", row["file"], want)
            else:
                owners[file] = row["id"]
        for file, path in files.items():
            if not file.startswith("series/"):
                continue
            observations = problems.attempt(read_observations, path)
            if file in owners and observations:
                identified[owners[file]] = observations.identified
            elif file not in owners and is_whole:
                found = plain("a file that no row of series.csv names")
                problems.refuse(file, found, "one row for each file")
    return identified
