"""A log density as a C function that nutpie calls, with its data in one vector.

A `Design`, and a model that stands for one, has its density written out (`log_density`). Any other model is compiled from its
graph: PyTensor's function is read from its disk cache, where nutpie's own wrapper around it holds random names, cannot be
cached and costs ten seconds a process.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..base.errors import DataError, plain
from ..base.imports import import_without
from .design import Design

if TYPE_CHECKING:
    import pymc as pm
    from numba.core.ccallback import CFunc
    from nutpie.compile_pymc import CompiledPyMCModel

__all__ = ["as_design", "compile_density", "compile_graph", "import_nutpie", "is_written_out"]

_log = logging.getLogger(__name__)
_compiled: dict[str, CFunc] = {}


def compile_density(target: Design | pm.Model) -> CompiledPyMCModel:
    """A design or a model ready for `nutpie.sample`; graphs of the same text are compiled once a process, whatever their data.

    Free variables must have dims and be untransformed, as standard normal latents are; deterministics are not stored.
    """
    if isinstance(target, Design) or is_written_out(target):
        from .log_density import density_c
        from .packing import pack

        _log.info("log density as written out (its machine code is kept; seconds where it is not yet)")
        design = as_design(target)
        return _for_nutpie(design.latents, design.coords, density_c, pack(design))
    key = _text(target)
    if key not in _compiled:
        _log.info("compiling the model (once a process; up to a minute where no cache is)")
        with _flags():
            _compiled[key] = _compile(target)
    dims = {v.name: tuple(target.named_vars_to_dims[v.name]) for v in target.value_vars}
    return _for_nutpie(dims, _coords(target), _compiled[key], _pack(target))


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


def _text(model: pm.Model) -> str:
    """What tells one graph from another, whatever its data."""
    import pytensor

    outputs = [*model.basic_RVs, *model.deterministics, *model.potentials]
    return "\n".join([str(_shapes(model)), str(pytensor.dprint(outputs, file="str"))])


def _coords(model: pm.Model) -> dict[str, Sequence]:
    """The labels of each dim that has any."""
    return {dim: labels for dim, labels in model.coords.items() if labels is not None}


def _shapes(model: pm.Model) -> dict[str, tuple[int, ...]]:
    """The shape of each free variable, which its dims give."""
    coords = _coords(model)
    return {
        v.name: tuple(len(coords[dim]) for dim in model.named_vars_to_dims[v.name]) for v in model.value_vars
    }


def _shared(model: pm.Model) -> list:
    """What may change between models of one graph: the lengths of dims and the data."""
    return [
        variable
        for variable in (*model.dim_lengths.values(), *model.data_vars)
        if hasattr(variable, "get_value")
    ]


def _pack(model: pm.Model) -> np.ndarray:
    """All of it in one vector: its length, then each array as its shape and its values."""
    parts = [part for v in _shared(model) for part in (np.shape(v.get_value()), np.ravel(v.get_value()))]
    values = np.concatenate([np.asarray(part, dtype=float) for part in parts])
    return np.concatenate([[len(values) + 1.0], values])


def _unpack(model: pm.Model, packed) -> dict:
    """The shared variables as views of the packed vector, symbolically."""
    import pytensor.tensor as pt

    views, at = {}, 1
    for variable in _shared(model):
        shape = pt.cast(packed[at : at + variable.ndim], "int64")
        start, size = at + variable.ndim, pt.prod(shape)
        values = packed[start : start + size].reshape(shape, ndim=variable.ndim)
        views[variable] = variable.type.filter_variable(pt.cast(values, variable.dtype), allow_convert=True)
        at = start + size
    return views


def _slices(shapes: dict[str, tuple[int, ...]]) -> tuple[list[slice], int]:
    """Where each free variable lies in the vector of all, and its length."""
    ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes.values()]).tolist()
    return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)], ends[-1]


def _flat_inputs(model: pm.Model) -> tuple:
    """The vectors of free variables and of data, and what they stand for in the graph."""
    import pytensor.tensor as pt

    shapes = _shapes(model)
    slices, size = _slices(shapes)
    x, packed = pt.vector("x", shape=(size,)), pt.vector("packed")
    free = {}
    for variable, part in zip(model.value_vars, slices, strict=True):
        values = x[part].reshape(shapes[variable.name])
        free[variable] = values
        free[model.values_to_rvs[variable]] = values
    return x, packed, {**free, **_unpack(model, packed)}


def _compile(model: pm.Model) -> CFunc:
    import numba
    import pytensor.tensor as pt
    from pymc.pytensorf import compile as compile_pytensor
    from pytensor.graph.replace import clone_replace

    _, size = _slices(_shapes(model))
    x, packed, inputs = _flat_inputs(model)
    log_density = cast("Any", model.logp())
    slopes = cast("list[Any]", pt.grad(log_density, model.value_vars))
    gradient = cast("Any", pt.concatenate([part.ravel() for part in slopes]))
    log_density, gradient = clone_replace([log_density, gradient], inputs)
    with model:
        function = cast("Any", compile_pytensor([x, packed], [log_density, gradient], mode="NUMBA"))
    compute = function.vm.jit_fn

    doubles, count = numba.types.CPointer(numba.types.double), numba.types.uint64

    @numba.cfunc(numba.types.int64(count, doubles, doubles, doubles, doubles))
    def density_c(dim, x_, gradient_, value_, packed_):
        value, slope = compute(numba.carray(x_, (size,)), numba.carray(packed_, (int(packed_[0]),)))
        value_[0] = value.item()
        finite = np.isfinite(value_[0])
        for i in range(size):
            gradient_[i] = slope[i]
            finite = finite and np.isfinite(slope[i])
        return 0 if finite else 3

    return density_c


def _for_nutpie(
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
    slices, size = _slices(shapes)
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
