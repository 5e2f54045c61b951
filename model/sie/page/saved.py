"""Results in a file and back: the draws of one view as NetCDF, with attributes that say everything needed to draw them again.

`sie report VIEW.toml --seed SEED --draws DRAWS` on the `view_toml` of a file gives the same draws; `evidence` holds every row
that there was and `levels` how each domain entered. Reading needs no sampler: paths and credences follow from the saved draws. A file is treated as hostile until it
is found to be plain: no links, no external or virtual data, no objects, bounded sizes, JSON for what NetCDF cannot hold.
"""

from __future__ import annotations

import dataclasses
import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..analysis.result import GROUPS, Result, conditions, draws_of
from ..base.errors import DataError, moved, plain
from ..base.reading import parse_json, read_text
from ..data.bibliography import Source, read_sources
from ..data.priors import View, read_saved_view, to_toml
from ..data.quantities import EVENT_NAMES
from ..data.schema import checked
from ..data.views import check_name
from .plain_hdf5 import WANT, unusual
from .saved_draws import FOR_GROWTH, refuse_other_shapes, with_names_of_now, with_outside
from .snapshot import RUN, Saved, check_levels, read_json, versions

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["KIND", "as_tree", "open_saved", "read_report", "versions"]

KIND = "draws of sie report, layout 2"
"""What a file says it is; another layout has another number."""

OLD_KIND = "draws of sie report, layout 1"
"""As KIND, but `inputs_sha256` does not cover levels, and domains have no default level: shown, never fitted again."""

_TABLES = ("evidence", "rows")
"""Groups that hold evidence rather than draws: every row, and the rows that were used."""

_DIAGNOSTICS = ("max_rhat", "min_ess", "divergences", "target_accept")


def as_tree(result: Result, *, works: Mapping[str, Source] | None = None) -> xr.DataTree:
    """The draws of a result, ready for `to_netcdf`: groups as in `sie.fit`, and those of _TABLES.

    `works` is the bibliography (default: the bundled one); the works that view and rows cite are stored.
    """
    import xarray as xr

    view, tree = result.view, result.tree
    groups = {name: _without_date(node.to_dataset()) for name, node in tree.children.items()}
    for name in _TABLES:
        if (rows := getattr(result, name)) is not None:
            groups[name] = rows.drop_attrs(deep=False)
    saved = xr.DataTree.from_dict(groups)
    saved.attrs = {
        **{key: value for key, value in tree.attrs.items() if isinstance(value, str | int | float)},
        "kind": tree.attrs.get("kind", KIND),
        "view": view.name,
        "label": view.label,
        "view_toml": read_text(view.path) if view.path is not None else to_toml(view),
        "rows_used": json.dumps(result.rows.estimate.values.tolist() if result.rows is not None else []),
        "levels": json.dumps(dict(result.levels)),
        "rows_left_out": json.dumps([list(pair) for pair in result.left_out]),
        "spreads": json.dumps({str(factor): list(r) for factor, r in result.spreads.items()}),
        "sources": json.dumps(_cited(result, read_sources() if works is None else works)),
        "versions": json.dumps(versions()),
        "inputs_sha256": result.inputs_sha256,
        "conditions": conditions([view]),
    }
    return saved


def _without_date(draws: xr.Dataset) -> xr.Dataset:
    """Draws without time stamps, so that the same inputs give the same bytes."""
    draws = draws.copy()
    draws.attrs.pop("created_at", None)
    return draws


def _cited(result: Result, works: Mapping[str, Source]) -> dict[str, dict[str, Any]]:
    view = result.view
    items = (*view.entries.values(), *view.exogenous.values(), *view.concludes.values())
    keys = {view.source, *(item.source for item in items if item.source)}
    keys |= set(result.evidence.source.values.tolist()) if result.evidence is not None else set()
    named = {key: dataclasses.asdict(works[key]) for key in sorted(keys)}
    return {
        key: {name: value for name, value in work.items() if name != "key"} for key, work in named.items()
    }


def open_saved(path: Path | str) -> Result:
    """What a report said, from the draws that it saved: paths and credences anew, nothing sampled.

    Parameters
    ----------
    path : Path or str
        A NetCDF file that `sie report --out` wrote.

    Returns
    -------
    Result
        View, evidence, draws, paths and credences of the report.

    Raises
    ------
    DataError
        For anything but a whole file that `sie report --out` wrote.

    Examples
    --------
    >>> result = sie.open_saved("out/davidson_2025.nc")
    >>> p = float(result.credences["evidence"].p.sel(event="gain_500x"))
    """
    return open_with_works(path)[0]


def read_report(path: Path) -> dict[str, Saved]:
    """A saved report by view; a path that ends in `.nc` is a file of draws, whose credences follow from them, all others are JSON.

    Raises DataError for anything else.
    """
    return _credences_of(path) if path.suffix == ".nc" else read_json(path)


def _credences_of(path: Path) -> dict[str, Saved]:
    result = open_saved(path)
    attrs, view = result.tree.attrs, result.view
    saved = Saved(
        view=view,
        inputs_sha256=result.inputs_sha256,
        rows_used=tuple(result.rows.estimate.values.tolist()) if result.rows is not None else (),
        levels=MappingProxyType(dict(result.levels)) if attrs["kind"] == KIND else None,
        credences=MappingProxyType(
            {
                (event, given): (table.p.sel(event=event).item(), table.mcse.sel(event=event).item())
                for event in EVENT_NAMES
                for given, table in result.credences.items()
            }
        ),
        seed=attrs["seed"],
        draws=attrs["draws"],
        versions=MappingProxyType(parse_json(f"{path.name} versions", attrs["versions"])),
    )
    return {view.name: saved}


def open_with_works(path: Path | str) -> tuple[Result, dict[str, Source]]:
    """`open_saved`, and the works that the file cites."""
    path = Path(path)
    try:
        tree = _read(path)
        return _as_result(path.name, tree)
    except DataError as error:
        if error.where.startswith((path.name, str(path))):
            raise
        raise moved(error, lambda place: f"{path.name} {place}") from None
    except Exception as error:  # the readers of NetCDF raise whatever a damaged file makes of them
        name = type(error).__name__
    raise DataError(path.name, plain(f"no readable draws ({name})"), WANT)  # without what HDF5's error holds


def _read(path: Path) -> xr.DataTree:
    import h5py
    import xarray as xr

    if not path.is_file():
        raise DataError(
            str(path), plain("something that is no file" if path.exists() else "no such file"), WANT
        )
    try:
        with h5py.File(path, "r") as file:
            problem = unusual(path.name, file)
    except OSError:
        raise DataError(path.name, plain("a file that is not NetCDF"), WANT) from None
    if problem is not None:
        raise problem
    with xr.open_datatree(path, engine="h5netcdf", decode_times=False, phony_dims="access") as tree:
        return tree.load()


def _as_result(where: str, tree: xr.DataTree) -> tuple[Result, dict[str, Source]]:
    import xarray as xr

    from ..growth.credences import credences
    from ..growth.paths import simulate

    attrs = {key: getattr(value, "item", lambda value=value: value)() for key, value in tree.attrs.items()}
    if attrs.get("kind") not in (KIND, OLD_KIND):
        raise DataError(f"{where} kind", attrs.get("kind", plain("nothing")), KIND)
    said = {"versions": parse_json(f"{where} versions", attrs["versions"])}
    checked(where, {key: attrs[key] for key in RUN} | said, RUN)
    works = _works(where, attrs)
    view = _view(where, attrs, works)
    left_out = tuple(
        (_line(where, row), _line(where, why))
        for row, why in parse_json(f"{where} rows_left_out", attrs["rows_left_out"])
    )
    spreads = {
        float(key): (float(a), float(b), float(c))
        for key, (a, b, c) in parse_json(f"{where} spreads", attrs["spreads"]).items()
    }
    if not re.fullmatch("[0-9a-f]{64}", attrs["inputs_sha256"]):
        raise DataError(f"{where} inputs_sha256", attrs["inputs_sha256"], "64 hexadecimal digits")
    draws = draws_of(tree)
    if "priors" not in draws:
        raise DataError(f"{where} prior", plain("nothing"), "a group of prior draws")
    for given, group in draws.items():
        place = f"{where} {GROUPS[given]}"
        refuse_other_shapes(place, group, tuple(view.entries), view, attrs)
        draws[given] = group = with_names_of_now(group) if view.retired else group
        refuse_other_shapes(place, group, FOR_GROWTH, view, attrs)
        draws[given] = group = with_outside(group, view)
        tree[GROUPS[given]] = xr.DataTree(group)
    if "evidence" in draws:
        attrs |= {key: (int if key == "divergences" else float)(attrs[key]) for key in _DIAGNOSTICS}
    tables = {name: tree[name].to_dataset() if name in tree.children else None for name in _TABLES}
    if (rows := tables["rows"]) is not None:
        levels = check_levels(where, parse_json(f"{where} levels", attrs["levels"]))
        rows.attrs |= {"levels": list(levels.items()), "left_out": list(left_out)}
        for row in rows.estimate.values.tolist():
            _line(where, row)
    for row in parse_json(f"{where} rows_used", attrs["rows_used"]):
        _line(where, row)
    tree.attrs = attrs
    paths = {given: simulate(group) for given, group in draws.items()}
    result = Result(
        view=view,
        **tables,
        left_out=left_out,
        tree=tree,
        paths=paths,
        credences={given: credences(path) for given, path in paths.items()},
        spreads=spreads,
        inputs_sha256=attrs["inputs_sha256"],
    )
    return result, works


def _works(where: str, attrs: dict) -> dict[str, Source]:
    """The cited works, read as `sources.toml` is."""
    works = {}
    for key, work in parse_json(f"{where} sources", attrs["sources"]).items():
        known = {field.name for field in dataclasses.fields(Source)} - {"key"}
        if not set(work) <= known:
            raise DataError(f"{where} sources {key}", plain("unknown keys"), ", ".join(sorted(known)))
        works[key] = Source(key=key, **work)
    return works


def _view(where: str, attrs: dict, works: dict[str, Source]) -> View:
    """The view that a file holds as TOML, read as any view is."""
    name = attrs["view"]
    check_name(f"{where} view", name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "view.toml"
        path.write_text(attrs["view_toml"], encoding="utf-8")
        return dataclasses.replace(read_saved_view(path, sources=works), name=name, path=None)


def _line(where: str, text: object) -> str:
    if not isinstance(text, str) or not text.isprintable():
        raise DataError(where, text, "a line without control characters")
    return text
