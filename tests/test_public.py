"""What every public name keeps: paths are strings or `Path`, and labelled data can be saved and opened again."""

import datetime
import inspect
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pymc as pm
import pytest
import xarray as xr

import sie
from sie.analysis.sweep import run as sweep
from sie.base.reading import data_folder

DRAWS = {"draws": 1000, "seed": 1}
HISTORY = (
    "date,output [hours],team [persons]\n2024-01-01,9,1\n2024-02-01,7,2\n2024-05-01,4,3\n2024-09-01,2,5\n"
)
SWEEP = 'draws = 1000\nseeds = [1]\nviews = ["davidson_houlden_2025"]\n'


def naming(word, part):
    """The public functions whose parameters, or whose result, name a type."""
    found = set()
    for name in sie.__all__:
        if inspect.isfunction(function := getattr(sie, name)):
            signature = inspect.signature(function)
            types = {
                "parameters": [parameter.annotation for parameter in signature.parameters.values()],
                "result": [signature.return_annotation],
            }
            if any(word in str(kind) for kind in types[part]):
                found.add(name)
    return found


@pytest.fixture(scope="module")
def places(tmp_path_factory, evidence):
    """A path that each reader takes, by the reader's name; (function, path)."""
    folder = tmp_path_factory.mktemp("places")
    priors, bundled = data_folder("priors"), data_folder("evidence")
    (folder / "sweep.toml").write_text(SWEEP)
    view = sie.read_view("davidson_houlden_2025")
    from sie.page import text as reports
    from sie.page.ledger import append, entries_of
    from sie.page.snapshot import read_json

    result = reports.compute(view, None, **DRAWS)
    reports.write_folder([result], folder)
    (folder / "report.json").write_text(reports.as_json([result], **DRAWS))
    append(folder / "ledger", entries_of(read_json(folder / "report.json"), "2026-01-31"))
    sweep.open_sweep_rows(sie.read_sweep(folder / "sweep.toml"), folder / "store.zarr")
    own = shutil.copytree(bundled, folder / "evidence")
    table = sie.read_likelihood("epoch_sat_growth")
    (folder / "mine.csv").write_text(HISTORY)
    return {
        "read_view": (sie.read_view, priors / "reference.toml"),
        "read_timeline": (sie.read_timeline, priors / "timelines" / "exponential.toml"),
        "read_weights": (sie.read_weights, priors / "weights.toml"),
        "read_alternatives": (sie.read_alternatives, priors / "alternatives.toml"),
        "read_evidence": (sie.read_evidence, bundled),
        "read_sources": (sie.read_sources, bundled),
        "read_horizons": (sie.read_horizons, bundled),
        "read_inputs": (sie.read_inputs, bundled),
        "read_idea_production": (sie.read_idea_production, bundled),
        "read_series": (lambda path: sie.read_series("stockfish", path), bundled),
        "read_likelihood": (lambda path: sie.read_likelihood("epoch_sat_growth", path), bundled),
        "write_likelihood": (
            lambda path: sie.write_likelihood("epoch_sat_growth", table, ["growth.csv"], path),
            own,
        ),
        "figures": (sie.figures, bundled / "figures.csv"),
        "add_history": (
            lambda path: sie.add_history(
                type(path)(folder / "mine.csv"), domain="bread", remoteness=2, into=path, seed=1
            ),
            folder / "evidence with mine",
        ),
        "read_sweep": (lambda path: sie.read_sweep(path, folder=type(path)(bundled)), folder / "sweep.toml"),
        "run_sweep": (
            lambda store: sie.run_sweep(sie.read_sweep(folder / "sweep.toml"), store, client=None),
            filled(folder / "store.zarr"),
        ),
        "open_sweep": (sie.open_sweep, folder / "store.zarr"),
        "open_saved": (sie.open_saved, folder / "davidson_houlden_2025.nc"),
        "read_ledger": (sie.read_ledger, folder / "ledger"),
    }


def filled(store):
    """A store with nothing left to do, so that `run_sweep` needs no cluster."""
    from sie.base.stores import DONE, read_rows

    read_rows(store, sweep.FIELDS, mode="r+")[:, 0] = DONE
    return store


@pytest.mark.slow
@pytest.mark.parametrize("kind", [str, Path])
def test_every_public_reader_takes_a_path_as_text_and_as_path(places, kind):
    assert set(places) >= naming("Path", "parameters") - {
        "cluster"
    }  # whose files are tried in test_cluster.py
    for read, path in places.values():
        read(kind(path))


@pytest.fixture(scope="module")
def handed_out(places, evidence):
    """Labelled data of every public function that gives some, by its name."""
    view = sie.read_view("davidson_2025")
    rows = sie.usable(evidence, view)
    drawn = sie.prior(view, **DRAWS)
    paths, other = sie.simulate(drawn), view.replace(capabilities=sie.lognormal(1.8, 2.6))
    model = sie.build(rows, view)
    tree = sie.fit(model, **DRAWS)
    inputs = {name: drawn[name].values.ravel() for name in ("r_asara", "speedup", "ceiling")}
    indicators = (drawn.r_asara.values.ravel() > 1).astype(float)[None]
    shares = {"inputs": inputs, "effective": np.array([1000.0])}
    saved = places["open_saved"][0](places["open_saved"][1])
    dates = sie.asara_dates(sie.read_timeline("exponential"), now=datetime.date(2026, 2, 5), **DRAWS)
    parted = sie.read_view("govai_2026")
    of_parts = sie.prior(parted, **DRAWS)
    return {
        "read_evidence": evidence,
        "add_row": sie.add_row(
            evidence, "factors", id="mine", f_q50=0.6, f_se=0.1, definition_sd=0.2, hardware_scale=1
        ),
        "usable": rows,
        "read_series": sie.read_series("stockfish"),
        "read_horizons": sie.read_horizons(),
        "read_inputs": sie.read_inputs(),
        "read_likelihood": sie.read_likelihood("epoch_sat_growth"),
        "prior": drawn,
        "fit": tree,
        "reweight": sie.reweight(tree, view, other),
        "weighted": sie.weighted(sie.stored_draws(tree, model), {"capabilities": sie.lognormal(1.8, 2.6)}),
        "power_scaling": sie.power_scaling(tree, model),
        "simulate": paths,
        "capped": sie.capped(paths, log2_pace=3.0),
        "paused": sie.paused(paths, doublings=1.0, years=1.0),
        "on_clock": sie.on_clock(paths, sie.gradual_boost(start=0.1, end=1.0, years=5.0, speedup=drawn.speedup.values)),
        "credences": sie.credences(paths),
        "stream": sie.stream([drawn]),
        "by_part": sie.by_part(parted, of_parts, sie.simulate(of_parts), events=["r_above_1"]),
        "by_mechanism": sie.by_mechanism(view, sie.read_weights(), events=["r_above_1"], **DRAWS),
        "takeover_before_buildout": sie.takeover_before_buildout(paths, seed=1),
        "asara_dates": dates,
        "backtest_timelines": sie.backtest_timelines(["exponential"], **DRAWS),
        "credences_by_year": sie.credences_by_year(paths, dates, years=[2030], events="r_above_1"),
        "event_years": sie.event_years(paths),
        "software_times": sie.software_times(paths),
        "progress_curve": sie.progress_curve(paths, years_of_progress=[3, 10]),
        "difference": sie.difference(view, other, drawn, sie.prior(other, **DRAWS), events=["r_above_1"]),
        "crossings": sie.crossings(indicators=indicators, **shares),
        "movement": sie.movement(indicators=indicators, **shares),
        "tornado": sie.tornado(indicators=indicators, **shares),
        "shapley_effects": sie.shapley_effects(indicators=indicators, **shares),
        "variance_shares": sie.variance_shares(drawn),
        "open_sweep": sie.open_sweep(places["open_sweep"][1]),
        "open_saved": saved.tree,
        "the paths of open_saved": saved.paths["priors"],
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Consolidated metadata")  # zarr's own, of all that xarray saves
@pytest.mark.parametrize("engine", ["h5netcdf", "zarr"])
def test_all_labelled_data_can_be_saved_and_opened_again(handed_out, engine, tmp_path):
    given = naming("xr.", "result")
    assert set(handed_out) >= given
    openers = {
        xr.Dataset: xr.open_dataset,
        xr.DataArray: xr.open_dataarray,
        xr.DataTree: xr.open_datatree,
    }
    for name, data in handed_out.items():
        path = tmp_path / name
        (data.to_netcdf if engine == "h5netcdf" else data.to_zarr)(path)
        with openers[type(data)](path, engine=engine) as opened:
            assert opened.load().equals(data), name
    assert set(json.loads(json.dumps(handed_out["usable"].attrs))) >= {"left_out", "levels"}


REFERENCE = "davidson_2025"

OTHER_TYPES = {
    "a tree in place of a group": (
        lambda draws: sie.simulate(xr.DataTree.from_dict({"prior": draws})),
        "draws: found a DataTree without r_asara",
    ),
    "draws in place of paths": (
        lambda draws: sie.credences(draws),
        "paths: found a Dataset without log2_pace",
    ),
    "a view and rows the wrong way round": (
        lambda draws: sie.build(sie.read_view(REFERENCE), sie.read_evidence()),
        "view: found a value of type Dataset",
    ),
    "a name in place of a view": (
        lambda draws: sie.prior(REFERENCE, seed=1),
        "view: found a value of type str",
    ),
    "evidence in place of a view": (
        lambda draws: sie.usable(sie.read_view(REFERENCE), sie.read_evidence()),
        "view: found a value of type Dataset",
    ),
    "no model": (lambda draws: sie.fit(None, seed=1), "model: found a value of type NoneType"),
    "an empty model": (lambda draws: sie.fit(pm.Model(), seed=1), "model: found a model without variables"),
}


@pytest.mark.parametrize("mistake", OTHER_TYPES)
def test_an_argument_of_another_type_is_refused_in_one_line(mistake):
    call, message = OTHER_TYPES[mistake]
    with pytest.raises(sie.DataError, match=re.escape(message)) as refused:
        call(sie.prior(sie.read_view(REFERENCE), draws=4, seed=1))
    assert "\n" not in str(refused.value)


def test_one_event_is_as_good_as_a_list_of_one():
    paths = sie.simulate(sie.prior(sie.read_view(REFERENCE), draws=1000, seed=1))
    for event in ("r_above_1", sie.EVENTS["r_above_1"]):
        xr.testing.assert_identical(sie.credences(paths, events=event), sie.credences(paths, events=[event]))
