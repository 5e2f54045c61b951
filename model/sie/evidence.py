"""Evidence on r, read from CSV into one labelled dataset, and which of it a view may be confronted with.

One row is a published estimate of r (`returns.csv`) or of adjustments (`factors.csv`), the growth of output and inputs in a
domain (`growth.csv`), or a raw history (`series.csv`, observations in `series/`); `includes` (estimate, adjustment) is the
incidence matrix x of design section 2. Evidence on one domain enters at one level, so that no history counts twice.
This module reads: it never cleans, fills or drops. `usable` chooses, and says why the others are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from . import likelihoods
from .inputs import borrow_input_growth, levels_of, unmatched
from .observations import read_observations
from .priors import View
from .quantities import ADJUSTMENTS
from .rows import (
    COLUMNS,
    FLOWS,
    INPUTS,
    LEVELS,
    TARGET,
    check_preferred,
    read_domains,
    read_rows,
    read_sigmas,
)
from .sources import DataError, data_folder, plain, read_sources
from .tables import PROVENANCE

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "GROWTH_QUANTILES",
    "INPUTS",
    "LEVELS",
    "QUANTILES",
    "TARGET",
    "default_levels",
    "domains_at",
    "evidence_files",
    "named_files",
    "read_elasticities",
    "read_evidence",
    "read_files",
    "read_series",
    "usable",
]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
GROWTH_QUANTILES = (0.05, 0.5, 0.95)

UNSTORED = "no stored likelihood of it yet; make it with "
"""Why a raw history is left out, before the command that mends it."""

EPOCH = "erdil_besiroglu_ho_2024"
"""The source whose published posteriors mark the growth rows that the level `epoch` can use."""


def evidence_files(folder: Path | None = None) -> list[Path]:
    """The files that `read_evidence` reads: the tables by name, then the series by name."""
    folder = Path(folder) if folder is not None else data_folder("evidence")
    tables = sorted(folder / name for name in (*COLUMNS, "sources.toml"))
    return tables + sorted((folder / "series").glob("*.csv"))


def named_files(folder: Path | None = None) -> dict[str, Path]:
    """`evidence_files` by their names inside the folder: `growth.csv`, ..., `series/stockfish.csv`, ..."""
    folder = Path(folder) if folder is not None else data_folder("evidence")
    return {file.relative_to(folder).as_posix(): file for file in evidence_files(folder)}


def read_evidence(path: Path | str | None = None) -> xr.Dataset:
    """Every row of an evidence folder (default: the bundled one), checked. Raises DataError at the first problem.

    Dims: `estimate` (row id), `adjustment`, `domain`, `output_data`, `input_data`, `quantile`, `flow`, `growth_quantile`.
    Variables: `kind` (estimate) is "r", "factor", "growth" or "series"; `value` (estimate, quantile) on the natural scale and
    `se`, NaN where not given and for growth and series; `growth` (estimate, flow, growth_quantile), natural log a year, NaN
    where not known; `definition_sd` (log scale); `includes` (estimate, adjustment); `domain_idx` (-1 for factors),
    `output_idx`, `input_idx`; `remoteness` and default `level` (domain); `identified`, whether a series has an effort of its own (True for other
    rows); `by_epoch`, whether Epoch fitted this growth row; the row's words (`input`, `labour`, `file`, `basis`, ..., `note`).
    """
    folder = Path(path) if path is not None else data_folder("evidence")
    if not folder.is_dir():
        raise DataError(str(folder), plain("no such folder"), "an evidence folder")
    evidence = read_files(named_files(folder))
    bundled = folder.resolve() == data_folder("evidence").resolve()
    return evidence if bundled else evidence.assign_attrs(folder=str(folder))


def read_files(files: Mapping[str, Path]) -> xr.Dataset:
    """What `read_evidence` reads, from one path for each of its files (`named_files`)."""
    import xarray as xr

    sources = read_sources(files["sources.toml"])
    domains = read_domains(files["domains.csv"])
    rows = [
        row
        for name in ("returns.csv", "factors.csv", "growth.csv", "series.csv")
        for row in read_rows(files[name], domains, sources)
    ]
    _check_ids([*rows, *read_sigmas(files["elasticities.csv"], sources)])
    check_preferred(rows)
    identified = _read_all_series(rows, files)
    outputs = sorted({row["output_data"] for row in rows})
    inputs = sorted({row["input_data"] for row in rows})
    names = list(domains)
    fitted = {(row["output_data"], row["input_data"]) for row in rows if row["source"] == EPOCH}
    words = ("kind", "input", "labour", "file", *PROVENANCE)
    words = {key: ("estimate", [row[key] for row in rows]) for key in words}
    return xr.Dataset(
        {
            "value": (("estimate", "quantile"), [row["value"] for row in rows]),
            "se": ("estimate", [row["se"] for row in rows]),
            "growth": (
                ("estimate", "flow", "growth_quantile"),
                [row["growth"] for row in rows],
                {"units": "natural log per year"},
            ),
            "definition_sd": ("estimate", [row["definition_sd"] for row in rows]),
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
            "growth_quantile": list(GROWTH_QUANTILES),
            "domain": names,
            "output_data": outputs,
            "input_data": inputs,
        },
    )


def read_series(name: str, path: Path | str | None = None) -> xr.Dataset:
    """The observations of the series with this id in an evidence folder (default: the bundled one).

    Dims `observation`, `proxy`. Variables: `order`; `date`; `years` since the first; `kind`, "record" or "measurement";
    `output`, with its `units` and which way is `better` as attributes; `output_error`, one standard error, NaN where not known;
    `regime`, "" where there is but one: between two regimes lies one jump of unknown size; `effort` (observation, proxy), NaN
    where it was not observed. Along `proxy`: `unit`, and `effort_kind`, "cumulative", "flow" or "output count".
    Attributes: `id`, `domain`, `identified`.
    """
    folder = Path(path) if path is not None else data_folder("evidence")
    domains = read_domains(folder / "domains.csv")
    rows = {row["id"]: row for row in read_rows(folder / "series.csv", domains, read_sources(folder))}
    if name not in rows:
        raise DataError("series", name, "one of " + ", ".join(rows))
    series = read_observations(folder / "series" / rows[name]["file"]).to_dataset()
    return series.assign_attrs(id=name, domain=rows[name]["domain"])


def read_elasticities(path: Path | str | None = None) -> xr.Dataset:
    """Estimates of sigma, the elasticity of substitution between labour and compute, which a prior on sigma may cite.

    Dim `estimate` (row id): `sigma`, `sigma_q05`, `sigma_q95`, `sigma_se` (NaN where not given), `specification` and the
    words of provenance. No graph contains them. An estimate may be negative; the quantity may not.
    """
    import xarray as xr

    folder = Path(path) if path is not None else data_folder("evidence")
    rows = read_sigmas(folder / "elasticities.csv", read_sources(folder))
    values = {
        key: [row["value"][i] for row in rows] for i, key in enumerate(("sigma_q05", "sigma", "sigma_q95"))
    }
    values["sigma_se"] = [row["se"] for row in rows]
    words = {key: [row[key] for row in rows] for key in ("specification", *PROVENANCE)}
    return xr.Dataset(
        {key: ("estimate", column) for key, column in (values | words).items()},
        coords={"estimate": [row["id"] for row in rows]},
    )


def default_levels(evidence: xr.Dataset) -> dict[str, str]:
    """The level at which each domain enters unless a caller chooses another: the column of `domains.csv`."""
    if "level" not in evidence:
        raise DataError(
            "evidence", plain("domains without a level"), "evidence as sie.read_evidence reads it"
        )
    return dict(zip(evidence.domain.values.tolist(), evidence.level.values.tolist(), strict=True))


def domains_at(evidence: xr.Dataset, level: str) -> list[str]:
    """The domains that have rows which can enter at a level."""
    return [domain for domain in evidence.domain.values.tolist() if _outputs(evidence, domain, level)]


def usable(evidence: xr.Dataset, view: View, *, levels: Mapping[str, str] | None = None) -> xr.Dataset:
    """The rows that may update this view. `attrs["left_out"]` lists the others as (id, why), `attrs["levels"]` the domains
    as (domain, level).

    `levels` maps a domain to the level at which it enters (LEVELS); other domains enter at `default_levels`. Left out: rows
    of other levels, with the option that would use them; series that do not identify r, or have no stored likelihood yet;
    rows the view already reflects and rows on the same output data; rows measured against inputs of which the view, or the
    row, says too little (`inputs`); all but the preferred of shared output data; rows that include a steepening which the
    view derives. Raises DataError for an unknown domain or level, for a level at which the domain has no row, and for a level
    that was asked for, is not the default, and whose likelihood is not stored.
    """
    ids = evidence.estimate.values.tolist()
    for row in view.reflects:
        if row not in ids:
            raise DataError(f"{view.name} reflects", row, "the id of an evidence row")
    asked = _checked(levels or {}, evidence)
    chosen = default_levels(evidence) | asked
    evidence = borrow_input_growth(evidence)
    domains = dict(zip(ids, evidence.domain.values[evidence.domain_idx.values].tolist(), strict=True))
    known = likelihoods.stored(evidence.attrs.get("folder"))
    reasons = _reasons(evidence, view, chosen, known)
    for row, why in reasons.items():
        if domains[row] in asked and why.startswith(UNSTORED):
            found = plain(f"no stored likelihood of {row}")
            raise DataError(f"levels {domains[row]}", found, f"one ({why.removeprefix(UNSTORED)})")
    elsewhere = [row for row, why in reasons.items() if not why]
    at = {
        level: _reasons(evidence, view, dict.fromkeys(chosen, level), known) for level in LEVELS if elsewhere
    }
    kinds = dict(zip(ids, evidence.kind.values.tolist(), strict=True))
    for row in elsewhere:
        own = [level for level, kind in LEVELS.items() if kind == kinds[row]]
        fits = [level for level in own if row not in at[level]]
        if fits:
            then = f'--levels "{domains[row]}={fits[0]}" would use it'
        else:
            then = f"at {own[0]} it is left out too: {at[own[0]][row]}"
        reasons[row] = f"the level of {domains[row]} is {chosen[domains[row]]}; {then}"
    rows = evidence.isel(estimate=[i for i, row in enumerate(ids) if row not in reasons])
    left_out = [(row, reasons[row]) for row in ids if row in reasons]
    return rows.assign_attrs(left_out=left_out, levels=list(chosen.items()))  # pairs, which NetCDF holds


def _reasons(evidence: xr.Dataset, view: View, levels: Mapping[str, str], known: set[str]) -> dict[str, str]:
    """Why rows are left out where domains enter at these levels, by row id; "" for a row of another level. `known` are the
    stored likelihoods."""
    ids = evidence.estimate.values.tolist()
    output = dict(zip(ids, evidence.output_idx.values.tolist(), strict=True))
    reflected = {output[row]: row for row in view.reflects}
    evidence = evidence.assign_attrs(levels=list(levels.items()))
    against, level = unmatched(evidence, view), levels_of(evidence)
    domains = evidence.domain.values[evidence.domain_idx.values].tolist()
    kinds, identified, by_epoch = (
        evidence[name].values.tolist() for name in ("kind", "identified", "by_epoch")
    )
    reasons = {}
    for i, (row, kind, domain) in enumerate(zip(ids, kinds, domains, strict=True)):
        if row in view.reflects:
            reasons[row] = "the view already reflects it"
        elif output[row] in reflected:
            reasons[row] = f"same output data as {reflected[output[row]]}, which the view already reflects"
        elif kind == "factor":
            if row in against:
                reasons[row] = against[row]
        elif not identified[i]:
            reasons[row] = "its only effort counts its own observations, so that r is not identified"
        elif kind != LEVELS[levels[domain]] or (levels[domain] == "epoch" and not by_epoch[i]):
            reasons[row] = ""
        elif row in against:
            reasons[row] = against[row]
        elif (name := likelihoods.name_of(row, level[i])) and name not in known:
            reasons[row] = UNSTORED + likelihoods.rebuilding(name, evidence.attrs.get("folder"))
    steepened = evidence.includes.sel(adjustment="steepening").values > 0
    wanted = evidence.preferred.values > 0
    preferred = {output[row]: row for i, row in enumerate(ids) if row not in reasons and wanted[i]}
    for i, row in enumerate(ids):
        if row in reasons:
            continue
        if not wanted[i] and output[row] in preferred:
            reasons[row] = f"same output data as {preferred[output[row]]}, which is preferred"
        elif steepened[i] and "gained_before_asara" in view:
            reasons[row] = "includes steepening, which the view derives from gained_before_asara"
    return reasons


def _outputs(evidence: xr.Dataset, domain: str, level: str) -> set[int]:
    """The output data on which a domain has a row that can enter at this level."""
    here = evidence.domain_idx.values == evidence.domain.values.tolist().index(domain)
    here = here & evidence.identified.values & (evidence.kind.values == LEVELS[level])
    if level == "epoch":
        here = here & evidence.by_epoch.values
    return set(evidence.output_idx.values[here].tolist())


def _checked(levels: Mapping[str, str], evidence: xr.Dataset) -> dict[str, str]:
    """The caller's levels that are not the default, each of a domain that has a row there."""
    usual = default_levels(evidence)
    asked = {domain: level for domain, level in levels.items() if usual.get(domain) != level}
    for domain, level in asked.items():
        if domain not in usual:
            raise DataError("levels", domain, "one of the domains " + ", ".join(usual))
        open_to_it = [name for name in LEVELS if _outputs(evidence, domain, name)]
        if level not in open_to_it:
            want = "one of " + ", ".join(open_to_it) if open_to_it else "no level (no row of it identifies r)"
            raise DataError(f"levels {domain}", level, want)
    return asked


def _read_all_series(rows: list[dict], files: Mapping[str, Path]) -> dict[str, bool]:
    """Whether each series identifies r, by id; every file is read, belongs to one row, and no file belongs to none."""
    owners: dict[str, str] = {}
    identified = {}
    for row in rows:
        if row["kind"] != "series":
            continue
        file = f"series/{row['file']}"
        if file not in files:
            raise DataError(f"{row['where']} file", row["file"], "a file in series/")
        if file in owners:
            raise DataError(f"{row['where']} file", row["file"], f"a file of its own ({owners[file]} has it)")
        owners[file] = row["id"]
        identified[row["id"]] = read_observations(files[file]).identified
    for file in files:
        if file.startswith("series/") and file not in owners:
            raise DataError(file, plain("a file that no row of series.csv names"), "one row for each file")
    return identified


def _check_ids(rows: list[dict]) -> None:
    seen: dict[str, str] = {}
    for row in rows:
        if row["id"] in seen:
            raise DataError(f"{row['where']} id", row["id"], f"an id of its own ({seen[row['id']]} has it)")
        seen[row["id"]] = row["where"]
