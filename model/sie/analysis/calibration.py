"""Whether posteriors are calibrated: worlds drawn from a view's priors make evidence, each is fitted, and the truth is looked for.

    truth ~ priors,   estimate_i = expected_i(truth) - d_i,   d_i ~ f_i,   pit = (rank of the truth among draws + u) / (draws + 1)

f_i is a row's own error (`row_density`) and u ~ uniform on (0, 1). Where the model is right, pit is uniform for every quantity (Talts et al. 2018), for the
joint log likelihood too (Modrák et al. 2023), and events happen as often as their posterior probability says. The world is
computed here from the equations, not from the graph that is fitted, so that a wrong graph shows. It must not know PyMC.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, plain
from ..base.tasks import DONE, open_rows, read_rows, run_tasks
from ..data.evidence import TARGET
from ..data.priors import View
from ..data.quantities import ADJUSTMENTS, EVENT_NAMES

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr
    from distributed import Client

    from ..returns.row_density import Error

__all__ = ["calibrate", "draw_errors", "draw_world", "expected", "open_calibration", "refit"]

LEAST_WORLDS, MOST_WORLDS = 20, 100_000
"""Worlds of a calibration; fewer make no band."""

DRAWS, TUNE = 1200, 400
"""Draws and warm-up draws of a refit, four chains together and each. Half as many leave r_typical an R-hat up to 1.04 and as
few as 103 effective draws (of 30 worlds of `reference_all_inputs`; with these 1.015 and 226), at four fifths of the time."""

RANKED = 100
"""Draws, thinned to be nearly independent, among which the truth is ranked."""

FINE = 16
"""Points within each piece of an error's log density from which it is drawn."""

_HEAD = ("status", "seconds", "divergences")

_models: dict[str, pm.Model] = {}


def draw_world(view: View, rows: xr.Dataset, *, seed: int) -> xr.Dataset:
    """One draw of everything from the priors, dims (chain, draw) of size 1: what `sie.prior` has, the domains' `r`, the shared
    errors `z_input` (input_data) and `z_growth` (flow, input_data)."""
    import xarray as xr

    from ..inference.sampling import prior
    from ..returns.inputs import INPUT_FLOWS

    world = prior(view, draws=4, seed=seed).isel(chain=slice(0, 1), draw=slice(0, 1))
    rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))
    z = rng.standard_normal(rows.sizes["domain"])
    r = world.r_typical * np.exp(world.spread * xr.DataArray(z, dims="domain") * rows.remoteness)
    return world.assign(
        r=xr.where(rows.domain == TARGET, world.r_target, r),
        z_input=(
            ("chain", "draw", "input_data"),
            rng.standard_normal((1, 1, rows.sizes["input_data"])),
        ),
        z_growth=(
            ("chain", "draw", "flow", "input_data"),
            rng.standard_normal((1, 1, len(INPUT_FLOWS), rows.sizes["input_data"])),
        ),
    )


def expected(draws: xr.Dataset, rows: xr.Dataset, view: View) -> np.ndarray:
    """The log estimate that each row should show (chain, draw, estimate), at draws of a world or of a posterior.

    Sums log r of the row's domain, the adjustments it includes, what it was measured against (`inputs`) and the shared
    definition error; written from those equations, beside the graph of `returns`.
    """
    from ..returns.inputs import INPUT_FLOWS, input_terms
    from ..returns.levels import growth_shapes, loadings

    def at(name: str, *dims: str) -> np.ndarray:
        return draws[name].transpose("chain", "draw", *dims).values

    domains, adjustments = rows.sizes["domain"], rows.sizes["adjustment"]
    shared_sd = loadings(rows)[:, domains + adjustments :].sum(axis=1)
    own_domain = rows.kind.values != "factor"
    log = np.where(own_domain, np.log(at("r", "domain"))[..., rows.domain_idx.values], 0.0)
    for name in ADJUSTMENTS:
        log = log + rows.includes.sel(adjustment=name).values * np.log(at(name))[..., None]
    log = log + shared_sd * at("z_input", "input_data")[..., rows.input_idx.values]

    shapes, terms = growth_shapes(rows), input_terms(rows, view)
    score = at("z_growth", "flow", "input_data")[..., rows.input_idx.values]
    log_growth = [
        shapes[:, i, 0] + shapes[:, i, 1] * np.expm1(shapes[:, i, 2] * score[..., i, :]) / shapes[:, i, 2]
        for i in range(len(INPUT_FLOWS))
    ]
    share = _share_before(draws)[..., None]
    log_all = np.log(share * np.exp(log_growth[0]) + (1 - share) * np.exp(log_growth[1]))
    for i, term in enumerate((log_all, *log_growth)):
        log = log + terms[:, i] * term
    return log


def _share_before(draws: xr.Dataset) -> np.ndarray:
    """Labour's share before the jump in labour (`inputs`), (chain, draw)."""
    from ..returns.inputs import LEAST_SHARE, MOST_LOG_SHIFT

    names = ("labour_share", "experiment_gain", "speedup", "parallel", "sigma")
    share, gain, speedup, parallel, sigma = (draws[name].transpose("chain", "draw").values for name in names)
    labour_returns = share + gain * (1 - share)
    log_shift = (sigma - 1) / sigma * np.log(speedup) * labour_returns / parallel
    before = 1 - (1 - share) * np.exp(np.clip(log_shift, -MOST_LOG_SHIFT, MOST_LOG_SHIFT))
    return np.clip(before, LEAST_SHARE, 1.0)


def draw_errors(errors: list[Error], *, seed: int) -> np.ndarray:
    """One deviation from each row's own error, its straight tails included."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 2]))
    return np.array([_draw_error(error, rng.random()) for error in errors])


def _draw_error(error: Error, u: float) -> float:
    deviations = np.linspace(
        error.deviations[0], error.deviations[-1], FINE * (len(error.deviations) - 1) + 1
    )
    density = np.exp(_log_density(error, deviations))
    inside = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(deviations))])
    below, above = error.cubic()[1] / error.step
    left = density[0] / below if below > 0 else 0.0
    right = density[-1] / -above if above < 0 else 0.0
    mass = u * (left + inside[-1] + right)
    if mass < left:
        return float(deviations[0] + math.log(mass / left) / below)
    if mass > left + inside[-1]:
        return float(deviations[-1] + math.log((left + inside[-1] + right - mass) / right) / above)
    return float(np.interp(mass - left, inside, deviations))


def _log_density(error: Error, deviation: np.ndarray) -> np.ndarray:
    """Its cubics with straight tails."""
    pieces, tails = error.cubic()
    position = (deviation - error.start) / error.step
    inside = np.clip(position, 0, len(pieces))
    i = np.minimum(inside.astype(int), len(pieces) - 1)
    t, c = inside - i, pieces[i]
    value = c[..., 0] + t * (c[..., 1] + t * (c[..., 2] + t * c[..., 3]))
    beyond = position - inside
    return value + beyond * np.where(beyond < 0, *tails)


def _log_likelihood(errors: list[Error], deviations: np.ndarray) -> np.ndarray:
    return sum(_log_density(error, deviations[..., i]) for i, error in enumerate(errors))


def quantities(view: View, rows: xr.Dataset) -> list[str]:
    """What is ranked: r at ASARA, r of the target domain, every uncertain quantity that evidence may move, r of each other domain with
    rows, and the joint log likelihood."""
    moved = [name for name in view.informed if view[name].prior.family != "fixed"]
    seen = np.unique(rows.domain_idx.values[rows.kind.values != "factor"])
    domains = [f"r of {name}" for name in rows.domain.values[seen] if name != TARGET]
    return ["r_asara", "r_target", *moved, *domains, "log_likelihood"]


def fields(view: View, rows: xr.Dataset) -> list[str]:
    """What one row of a store holds."""
    ranked = quantities(view, rows)
    return [
        *_HEAD,
        *(f"{what} {name}" for what in ("pit", "truth") for name in ranked),
        *(f"{what} {event}" for what in ("p", "happened") for event in EVENT_NAMES),
    ]


def _build(rows: xr.Dataset, view: View) -> pm.Model:
    from ..returns.model import build

    return build(rows, view)


def refit(
    seed: int,
    *,
    view: View,
    rows: xr.Dataset,
    key: str,
    build: Callable[[xr.Dataset, View], pm.Model] = _build,
) -> np.ndarray:
    """The row of one world, in the order of `fields`. Models are built once a process for each `key`; worlds differ in their data."""
    from ..growth.events import credences
    from ..growth.paths import simulate
    from ..inference.sampling import short_fit

    began = time.perf_counter()
    if key not in _models:
        _models[key] = build(rows, view)
    model = _models[key]
    world = draw_world(view, rows, seed=seed)
    deviations = draw_errors(model.errors, seed=seed)
    estimates = expected(world, rows, view)[0, 0] - deviations
    model["observed"].set_value(estimates)
    posterior = short_fit(model, seed=seed, draws=DRAWS, tune=TUNE)

    def ranked(draws: xr.Dataset) -> dict[str, np.ndarray]:
        values = {name: draws[name].values for name in ("r_asara", "r_target", *view.informed)}
        values |= {f"r of {name}": draws.r.sel(domain=name).values for name in rows.domain.values}
        return values | {
            "log_likelihood": _log_likelihood(model.errors, expected(draws, rows, view) - estimates)
        }

    truth, thinned = ranked(world), ranked(posterior.isel(draw=slice(None, None, DRAWS // RANKED)))
    rng = np.random.default_rng(np.random.SeedSequence([seed, 3]))
    row = {"status": DONE, "divergences": posterior.attrs["divergences"]}
    for name in quantities(view, rows):
        value, draws = truth[name].item(), thinned[name].ravel()
        row |= {
            f"pit {name}": ((draws < value).sum() + rng.random()) / (draws.size + 1),
            f"truth {name}": value,
        }
    for what, of in (("p", posterior), ("happened", world)):
        found = credences(simulate(of.drop_dims(["quantity", "domain"], errors="ignore")))
        row |= {f"{what} {event}": float(found.p.sel(event=event)) for event in EVENT_NAMES}
    row["seconds"] = time.perf_counter() - began
    return np.array([row[field] for field in fields(view, rows)])


def calibrate(
    view: View,
    rows: xr.Dataset,
    store: Path,
    client: Client,
    *,
    runs: int,
    seed: int,
    sha256: str,
    progress: Callable[[int, int], None] = lambda done, tasks: None,
) -> dict[str, int]:
    """Refit `runs` worlds, with seeds from `seed` on, on the cluster; how many ended in each state.

    Results stream into `store`, which a run that was killed goes on with; `sha256` covers the inputs. Raises DataError for a
    view that states r at ASARA, whose posterior is its prior.
    """
    if view.states_r_asara:
        raise DataError(
            view.name,
            plain("r_asara stated directly, which evidence cannot move"),
            "a view that states the chain",
        )
    labels = [{"seed": seed + i} for i in range(runs)]
    table = open_rows(store, labels, fields(view, rows), sha256=sha256)
    shared = {"view": view, "rows": rows, "key": sha256}
    return run_tasks(
        refit, lambda i: labels[i], table, client, shared=shared, log=store / "log.jsonl", progress=progress
    )


def open_calibration(store: Path) -> xr.Dataset:
    """What a calibration found: `pit` and `truth` (run, quantity), `p` and `happened` (run, event), `seconds`, `divergences` (run).

    Worlds whose refit was lost are absent; `attrs["lost"]` is how many.
    """
    import zarr

    try:
        names = list(zarr.open_array(store, mode="r").attrs["fields"])
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(str(store), plain("something else"), "the store of a calibration") from None
    table = read_rows(store, names)
    return _labelled(table[:], names)


def _labelled(values: np.ndarray, names: list[str]) -> xr.Dataset:
    import xarray as xr

    done = values[:, names.index("status")] == DONE
    blocks = {}
    for what, dim in (("pit", "quantity"), ("truth", "quantity"), ("p", "event"), ("happened", "event")):
        columns = [i for i, name in enumerate(names) if name.startswith(f"{what} ")]
        labels = [names[i].removeprefix(f"{what} ") for i in columns]
        blocks[what] = xr.DataArray(
            values[done][:, columns], dims=("run", dim), coords={dim: labels, "run": np.flatnonzero(done)}
        )
    found = xr.Dataset(blocks)
    for name in _HEAD[1:]:
        found[name] = ("run", values[done, names.index(name)])
    return found.assign_attrs(lost=int((~done).sum()))
