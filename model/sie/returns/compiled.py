"""A PyMC model's log density as a C function that nutpie calls, with the model's data in one vector.

A model as `returns.build` made it has its density written out (`log_density`). Any other is compiled from its graph: PyTensor's
function is read from its disk cache, where nutpie's own wrapper around it holds random names, cannot be cached and costs ten
seconds a process. It knows nothing of what the model means. It must not sample.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr
    from numba.core.ccallback import CFunc
    from nutpie.compile_pymc import CompiledPyMCModel

__all__ = ["compile_density", "deterministics", "is_as_built", "random_part"]

_log = logging.getLogger(__name__)
_compiled: dict[str, CFunc] = {}
_functions: dict[str, Callable] = {}


def compile_density(model: pm.Model) -> CompiledPyMCModel:
    """The model ready for `nutpie.sample`; graphs of the same text are compiled once a process, whatever their data.

    Free variables must have dims and be untransformed, as standard normal latents are; deterministics are not stored.
    """
    if is_as_built(model):
        _log.info("log density as written out (its machine code is kept; seconds where it is not yet)")
        from . import log_density as fused

        return _for_nutpie(model, fused.density_c, fused.pack(model))
    key = _text(model)
    if key not in _compiled:
        _log.info("compiling the model (once a process; up to a minute where no cache is)")
        with _flags():
            _compiled[key] = _compile(model)
    return _for_nutpie(model, _compiled[key], _pack(model))


def is_as_built(model: pm.Model) -> bool:
    """Whether a model is as `returns.build` made it, so that its density is the one written out."""
    return getattr(model, "as_built", None) == random_part(model)


def random_part(model: pm.Model) -> tuple:
    """What the log density is a sum over; other data leave it the same, another term does not."""
    return (*model.basic_RVs, *model.potentials)


def deterministics(model: pm.Model, latents: xr.Dataset) -> xr.Dataset:
    """The deterministics of a model at draws of its free variables, dims (chain, draw, ...).

    Compiled once a process for graphs of the same text, whatever their data.
    """
    import xarray as xr
    from pymc.pytensorf import compile as compile_pytensor
    from pytensor.graph.replace import clone_replace

    key, names = _text(model), [variable.name for variable in model.deterministics]
    if key not in _functions:
        x, packed, inputs = _flat_inputs(model)
        outputs = clone_replace([model[name] for name in names], inputs)
        with _flags(), model:
            _functions[key] = compile_pytensor([x, packed], outputs, mode="NUMBA").vm.jit_fn
    compute, packed = _functions[key], _pack(model)
    parts = [latents[name].transpose("chain", "draw", ...).values for name in _shapes(model)]
    size = parts[0].shape[:2]
    flat = np.concatenate([part.reshape(size[0] * size[1], -1) for part in parts], axis=1)
    columns = zip(*(compute(point, packed) for point in flat), strict=True)
    return xr.Dataset(
        {
            name: (
                ("chain", "draw", *model.named_vars_to_dims[name]),
                np.array(column).reshape(*size, *column[0].shape),
            )
            for name, column in zip(names, columns, strict=True)
        },
        {dim: list(model.coords[dim]) for name in names for dim in model.named_vars_to_dims[name]},
    )


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
    return "\n".join([str(_shapes(model)), pytensor.dprint(outputs, file="str")])


def _shapes(model: pm.Model) -> dict[str, tuple[int, ...]]:
    """The shape of each free variable, which its dims give."""
    return {
        v.name: tuple(len(model.coords[dim]) for dim in model.named_vars_to_dims[v.name])
        for v in model.value_vars
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
    log_density = model.logp()
    gradient = pt.concatenate([part.ravel() for part in pt.grad(log_density, model.value_vars)])
    log_density, gradient = clone_replace([log_density, gradient], inputs)
    with model:
        compute = compile_pytensor([x, packed], [log_density, gradient], mode="NUMBA").vm.jit_fn

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


def _for_nutpie(model: pm.Model, density_c: CFunc, user_data: np.ndarray) -> CompiledPyMCModel:
    from nutpie.compile_pymc import CompiledPyMCModel

    from . import log_density as fused

    shapes = _shapes(model)
    slices, size = _slices(shapes)
    dims = {name: tuple(model.named_vars_to_dims[name]) for name in shapes}
    return CompiledPyMCModel(
        compiled_logp_func=density_c,
        compiled_expand_func=fused.expand_c,
        initial_point_func=lambda seed: np.random.default_rng(seed).uniform(-1, 1, size),
        shared_data={},
        shared_var_keys={},
        user_data=user_data,
        n_expanded=size,
        shape_info=(list(shapes), slices, list(shapes.values())),
        logp_func=None,
        expand_func=None,
        dims=dims,
        reparameterized_names=[],
        _n_dim=size,
        _shapes=shapes,
        _coords={dim: list(model.coords[dim]) for of in dims.values() for dim in of},
    )
