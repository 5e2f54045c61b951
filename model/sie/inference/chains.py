"""Chains of NUTS over a compiled log density, as a tree with the groups `posterior` and `sample_stats`."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..returns.compiled import import_nutpie

if TYPE_CHECKING:
    import xarray as xr
    from nutpie.compile_pymc import CompiledPyMCModel

__all__ = ["CHAINS", "in_chains", "run_chains"]

CHAINS = 4
"""Markov chains of a fit; prior draws take the same shape."""

_log = logging.getLogger(__name__)


def run_chains(
    compiled: CompiledPyMCModel,
    *,
    draws: int,
    tune: int,
    seed: int,
    target_accept: float,
    adaptation: Literal["diag", "low_rank"] = "diag",
) -> xr.DataTree:
    """Chains of NUTS, `draws` each after `tune` of warm-up, undiagnosed. An interrupt ends them.

    `adaptation` is nutpie's: "low_rank" learns correlations too, which pays where latents are strongly correlated.

    Returns groups `posterior` (the free variables, dims chain, draw, ...) and `sample_stats` (nutpie's numbers of each draw).
    """
    nutpie = import_nutpie()
    _log.info("sampling %d chains of %d draws after %d", CHAINS, draws, tune)
    sampler = nutpie.sample(
        compiled,
        draws=draws,
        tune=tune,
        chains=CHAINS,
        seed=seed,
        target_accept=target_accept,
        adaptation=adaptation,
        progress_bar=False,
        blocking=False,
        return_raw_trace=True,
    )
    try:
        trace = sampler.wait()
    except BaseException:
        sampler.cancel()  # a blocking call would answer an interrupt with the draws so far
        raise
    settings = {"target_accept": target_accept, "tune": tune, "draws": draws, "seed": seed}
    positions, stats = trace.get_arrow_trace()
    return _as_tree(positions, stats, compiled, tune=tune, settings=settings)


def _as_tree(
    positions: list, stats: list, compiled: CompiledPyMCModel, *, tune: int, settings: dict
) -> xr.DataTree:
    """One record batch a chain of the draws and of their statistics, without the warm-up."""
    import pyarrow
    import xarray as xr

    names, _, shapes = compiled.shape_info
    dims, labels = compiled.dims or {}, compiled.coords or {}
    posterior = {}
    for name, shape in zip(names, shapes, strict=True):
        columns = [pyarrow.array(batch.column(name)) for batch in positions]
        chains = [column.flatten().to_numpy() if len(shape) else column.to_numpy() for column in columns]
        values = np.stack([chain.reshape(-1, *shape)[tune:] for chain in chains])
        posterior[name] = (("chain", "draw", *dims.get(name, ())), values)
    numbers = [field.name for field in pyarrow.schema(stats[0].schema) if _is_number(field.type)]
    sample_stats = {
        name: (
            ("chain", "draw"),
            np.stack(
                [pyarrow.array(batch.column(name)).to_numpy(zero_copy_only=False)[tune:] for batch in stats]
            ),
        )
        for name in numbers
        if name not in ("chain", "draw", "tuning")
    }
    coords = {"chain": np.arange(len(positions)), "draw": np.arange(len(positions[0].column(0)) - tune)}
    of_dims = {dim: labels[dim] for name in names for dim in dims.get(name, ())}
    attrs = {
        "inference_library": "nutpie",
        "inference_library_version": import_nutpie().__version__,
        "inference_library_settings": json.dumps(settings),
    }
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(posterior, coords | of_dims),
            "sample_stats": xr.Dataset(sample_stats, coords, attrs),
        }
    )


def _is_number(kind) -> bool:
    import pyarrow.types as types

    return types.is_floating(kind) or types.is_integer(kind) or types.is_boolean(kind)


def in_chains(values: xr.DataArray) -> xr.DataArray:
    """Draws of one chain as those of CHAINS."""
    import xarray as xr

    if "draw" not in values.dims:
        return values
    size = values.sizes["draw"] // CHAINS
    chains = [values.isel(chain=0, draw=slice(i * size, (i + 1) * size), drop=True) for i in range(CHAINS)]
    return xr.concat([chain.assign_coords(draw=np.arange(size)) for chain in chains], "chain")
