"""A log density as a C function that nutpie calls, with its data in one vector.

A `Design`, and a model that stands for one, has its density written out (`log_density`), and so has a raw history
(`histories.density`). Any other model is compiled from its graph.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

import numpy as np

from ..base.errors import DataError, plain
from ..base.imports import import_without
from .design import Design

if TYPE_CHECKING:
    import pymc as pm
    from numba.core.ccallback import CFunc
    from nutpie.compile_pymc import CompiledPyMCModel

__all__ = ["as_design", "compile_density", "compile_graph", "for_nutpie", "import_nutpie", "is_written_out"]

_log = logging.getLogger(__name__)


def compile_density(target: Design | pm.Model) -> CompiledPyMCModel:
    """A design, or a model as `returns.build` made it, ready for `nutpie.sample`; deterministics are not stored."""
    from .log_density import density_c
    from .packing import pack

    _log.info("log density as written out (its machine code is kept; seconds where it is not yet)")
    design = as_design(target)
    return for_nutpie(design.latents, design.coords, density_c, pack(design))


def compile_graph(model: pm.Model) -> CompiledPyMCModel:
    """Any PyMC model ready for `nutpie.sample`, its deterministics among what is stored."""
    if not getattr(model, "free_RVs", None):
        found = (
            "a model without variables to sample"
            if hasattr(model, "free_RVs")
            else f"a value of type {type(model).__name__}"
        )
        raise DataError("model", plain(found), "a design, or a PyMC model with variables to sample")
    import_nutpie()
    from nutpie.compile_pymc import compile_pymc_model

    _log.info("compiling the model from its graph (up to a minute where no cache is)")
    with _flags():
        return cast("CompiledPyMCModel", compile_pymc_model(model))


def is_written_out(target: Design | pm.Model) -> bool:
    """Whether the density of a design or model is the one written out."""
    if isinstance(target, Design):
        return True
    from .model import is_as_built

    return is_as_built(target)


def as_design(target: Design | pm.Model) -> Design:
    """A design, or that of a model from `returns.build` with its data as they are now."""
    if isinstance(target, Design):
        return target
    from .model import design_of

    return design_of(target)


def import_nutpie() -> ModuleType:
    """nutpie without ArviZ, whose import, with Matplotlib's, takes a third of a process's time and which no fit here asks for."""
    return import_without("nutpie", later="arviz")


def _flags():
    """How PyTensor compiles: to the same bits from a cold and a warm cache, which fast-math would not, and without leaving files behind.

    Its generated source is kept beside its cache, by content, and aged like it; by default every function of every process
    leaves a file in the temporary folder.
    """
    import pytensor

    cache = Path(pytensor.config.base_compiledir)
    kept = pytensor.config.generated_src_dir or (str(cache / "sources") if os.access(cache, os.W_OK) else "")
    return pytensor.config.change_flags(numba__fastmath=False, generated_src_dir=kept)


def for_nutpie(
    latents: Mapping[str, tuple[str, ...]],
    coords: Mapping[str, Sequence],
    density_c: CFunc,
    user_data: np.ndarray,
) -> CompiledPyMCModel:
    """What nutpie samples, from the dims of each latent."""
    import_nutpie()
    from nutpie.compile_pymc import CompiledPyMCModel

    from .log_density import expand_c

    shapes = {name: tuple(len(coords[dim]) for dim in dims) for name, dims in latents.items()}
    ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes.values()]).tolist()
    slices, size = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)], ends[-1]
    return CompiledPyMCModel(
        compiled_logp_func=density_c,
        compiled_expand_func=expand_c,
        initial_point_func=lambda seed: np.random.default_rng(seed).uniform(-1, 1, size),
        shared_data={},
        shared_var_keys={},
        user_data=user_data,
        n_expanded=size,
        shape_info=(list(shapes), slices, list(shapes.values())),
        logp_func=None,
        expand_func=None,
        dims=dict(latents),
        reparameterized_names=[],
        _n_dim=size,
        _shapes=shapes,
        _coords={dim: list(coords[dim]) for dims in latents.values() for dim in dims},
    )
