"""2^x and log2 x for compiled loops: branch-free, so that LLVM turns a loop over them into vector instructions.

A call of the C library per node costs more than all the rest of a path; numba has no vector version without Intel's library.
Both are right to two units in the last place (tested).
"""

from __future__ import annotations

import math

from numba import types
from numba.extending import intrinsic

from ...base.kernels import kernel

__all__ = ["exp2", "log2"]

_ROUND = 1.5 * 2.0**52
"""Added to a double, it leaves the nearest integer in the low bits."""

_MANTISSA_BITS = 52
_BIAS = 1023
_HALF_ROOT = 0x3FE6A09E667F3BCD
"""Bits of sqrt(1/2), from which mantissas run to sqrt(2)."""

_LN2 = math.log(2.0)
_E = tuple(1.0 / math.factorial(k) for k in range(14))
_A = tuple(1.0 / (2 * k + 1) for k in range(10))


@intrinsic
def _bits(typingctx, x):
    """The bits of a double as an integer."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(types.int64))

    return types.int64(types.float64), codegen


@intrinsic
def _double(typingctx, bits):
    """The double that has these bits."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(types.float64))

    return types.float64(types.int64), codegen


@kernel(inline="always")
def exp2(x):
    """2^x, x held between -1022 and 1023: it neither overflows nor reaches 0. The fraction's e^t by its series."""
    x = x if x > -1022.0 else -1022.0
    x = x if x < 1023.0 else 1023.0
    rounded = x + _ROUND
    t = (x - (rounded - _ROUND)) * _LN2
    low = _E[7] + t * (_E[8] + t * (_E[9] + t * (_E[10] + t * (_E[11] + t * (_E[12] + t * _E[13])))))
    series = 1.0 + t * (1.0 + t * (_E[2] + t * (_E[3] + t * (_E[4] + t * (_E[5] + t * (_E[6] + t * low))))))
    return series * _double((_bits(rounded) + _BIAS) << _MANTISSA_BITS)  # pyright: ignore[reportCallIssue]


@kernel(inline="always")
def log2(x):
    """log2 of a positive, finite and normal x. The mantissa's logarithm is 2 atanh((m - 1) / (m + 1)), by its series."""
    bits = _bits(x)  # pyright: ignore[reportCallIssue]
    exponent = (bits - _HALF_ROOT) >> _MANTISSA_BITS
    m = _double(bits - (exponent << _MANTISSA_BITS))
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    high = _A[5] + q * (_A[6] + q * (_A[7] + q * (_A[8] + q * _A[9])))
    series = 1.0 + q * (_A[1] + q * (_A[2] + q * (_A[3] + q * (_A[4] + q * high))))
    return exponent * 1.0 + s * series * (2.0 / _LN2)
