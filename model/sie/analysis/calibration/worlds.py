"""Whether posteriors are calibrated: worlds drawn from a view's priors make evidence, each is fitted, and the truth is looked for.

    truth ~ priors,   estimate_i = expected_i(truth) - d_i,   d_i ~ f_i,   pit = (rank of the truth among draws + u) / (draws + 1)

f_i is a row's own error (`row_density`) and u ~ uniform on (0, 1). Where the model is right, pit is uniform for every quantity (Talts et al. 2018), for the
joint log likelihood too (Modrák et al. 2023), and events happen as often as their posterior probability says. The world follows `equations`; what is fitted is `log_density`, which
is written out apart, so that a wrong one shows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...base.errors import DataError, plain
from ...base.stores import DONE, attributes, open_rows, read_rows, read_whole
from ...base.tasks import run_tasks
from ...data.evidence import TARGET
from ...data.priors import View
from ...data.quantities import EVENT_NAMES

if TYPE_CHECKING:
    import xarray as xr
    from distributed import Client

    from ...returns.design import Design

__all__ = ["calibrate", "draw_world", "open_calibration", "refit"]

LEAST_WORLDS, MOST_WORLDS = 20, 100_000
"""Worlds of a calibration; fewer make no band."""

DRAWS, TUNE = 1200, 400
"""Draws and warm-up draws of a refit, four chains together and each. Half as many leave r_typical an R-hat up to 1.04 and as
few as 103 effective draws (of 30 worlds of an earlier reference view; with these 1.015 and 226), at four fifths of the time."""

RANKED = 100
"""Draws, thinned to be nearly independent, among which the truth is ranked."""

CANDIDATES = 400
"""Prior draws among which a world is looked for that keeps the bounds which rows state."""

ERRORS_STREAM = 2
"""The stream of a seed behind the rows' own errors."""

_HEAD = ("status", "seconds", "divergences")

_designs: dict[str, Design] = {}


def draw_world(of: Design, *, seed: int) -> tuple[xr.Dataset, np.ndarray]:
    """One draw of everything from the priors, dims (chain, draw) of size 1, and what each row observes in it (estimate,).

    The world has what `sie.prior` has, the domains' `r` and the latents of the design. Raw histories are read at the world's own
    lambda. A row that states a bound keeps its number: the world is one of those in which the estimate behind it lies on that side,
    so that its prior is the view's given the bounds. Raises DataError where none of CANDIDATES does.
    """
    from ...inference.groups import with_latents
    from ...inference.prior_draws import prior
    from ...returns.history_lambda import lambda_of_histories
    from ...returns.row_density import RowDensity

    world = with_latents(prior(of.view, draws=CANDIDATES, seed=seed), of, seed=seed)
    if of.histories:
        world["lambda_histories"] = lambda_of_histories(of.view, world)
    rng = np.random.default_rng(np.random.SeedSequence([seed, ERRORS_STREAM]))
    shown = of.expected(world)
    observed = shown.values - of.errors(world, rng.random(shown.shape))
    bounds = [i for i, row in enumerate(of.densities) if isinstance(row, RowDensity) and row.drawn_sd > 0]
    upper = np.array([of.densities[i].knot_values[0] > of.densities[i].knot_values[-1] for i in bounds])
    below = observed[..., bounds] < of.observed[bounds]
    allowed = np.argwhere((below == upper).all(axis=-1))
    if not len(allowed):
        rows = ", ".join(of.coords["estimate"][i] for i in bounds)
        raise DataError(f"{of.view.name} rows {rows}", plain("bounds that no world keeps"), "wider priors")
    chain, draw = allowed[0]
    own = observed[chain, draw]
    own[bounds] = of.observed[bounds]
    return world.isel(chain=[chain], draw=[draw]), own


def quantities(view: View, rows: xr.Dataset) -> list[str]:
    """What is ranked: r at ASARA, r of the target domain, every uncertain quantity that evidence may move, r of each other domain with
    rows, and the joint log likelihood."""
    moved = [name for name in _moved(view, rows) if view[name].prior.family != "fixed"]
    seen = np.unique(rows.domain_idx.values[rows.domain_idx.values >= 0])
    domains = [f"r of {name}" for name in rows.domain.values[seen] if name != TARGET]
    return ["r_asara", "r_target", *moved, *domains, "log_likelihood"]


def _moved(view: View, rows: xr.Dataset) -> list[str]:
    """The quantities that the density has, and the others that rows are on."""
    from ...returns.levels import inputs_of
    from ...returns.observed import LEFT

    on = {name for row in inputs_of(rows, view) for name, _ in row}
    if LEFT in on:
        on |= {"ceiling", "gained_before_asara"}
    return [*view.informed, *(name for name in view.entries if name in on and name not in view.informed)]


def fields(view: View, rows: xr.Dataset) -> list[str]:
    """What one row of a store holds."""
    ranked = quantities(view, rows)
    return [
        *_HEAD,
        *(f"{what} {name}" for what in ("pit", "truth") for name in ranked),
        *(f"{what} {event}" for what in ("p", "happened") for event in EVENT_NAMES),
    ]


def refit(
    seed: int,
    *,
    view: View,
    rows: xr.Dataset,
    key: str,
    change: Callable[[Design], Design] = lambda of: of,
) -> np.ndarray:
    """The row of one world, in the order of `fields`. Designs are made once a process for each `key`; worlds differ in what is
    observed. `change` makes the design that is fitted from the one that draws the world, to see that a wrong one shows."""
    from ...growth.credences import credences
    from ...growth.paths import simulate
    from ...inference.sampling import short_fit
    from ...returns.design import design

    began = time.perf_counter()
    if key not in _designs:
        _designs[key] = design(rows, view)
    of = _designs[key]
    world, observed = draw_world(of, seed=seed)
    of = replace(of, observed=observed)
    posterior = short_fit(change(of), seed=seed, draws=DRAWS, tune=TUNE)

    def ranked(draws: xr.Dataset) -> dict[str, np.ndarray]:
        values = {name: draws[name].values for name in ("r_asara", "r_target", *_moved(view, rows))}
        values |= {f"r of {name}": draws.r.sel(domain=name).values for name in rows.domain.values}
        return values | {"log_likelihood": of.log_likelihood(draws).sum("estimate").values}

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
    rows = read_rows(store)
    return _labelled(read_whole(rows), list(attributes(rows)["fields"]))


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
