"""Shared by tests of the log density: the C function that nutpie calls, as Python calls it."""

import ctypes

import numpy as np


def call(compiled, x):
    """Return code, log density and gradient."""
    gradient, value = np.empty_like(x), np.empty(1)
    pointer = ctypes.POINTER(ctypes.c_double)
    args = [array.ctypes.data_as(pointer) for array in (x, gradient, value, compiled.user_data)]
    return compiled.compiled_logp_func.ctypes(len(x), *args), value[0], gradient


def density_at(compiled, x):
    """Log density and gradient at latents where both are finite."""
    code, value, gradient = call(compiled, np.ascontiguousarray(x))
    assert code == 0
    return value, gradient
