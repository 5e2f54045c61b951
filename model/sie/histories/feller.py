"""The transition density of a Feller diffusion, dX = c dt + sqrt(2 a X) dW, started at X = 1, in logs.

A noncentral chi-square: with y = 1/(a t), w = X y and nu = c / a - 1, the density of log X is

    w (w / y)^(nu/2) exp(-y - w) I_nu(2 sqrt(y w)).

`exact` holds from almost no noise to all noise; `as_coded` is a sum that loses terms.
"""

from __future__ import annotations

import math

import numpy as np
from numba import vectorize

from ..base.kernels import cached, kernel

__all__ = ["as_coded", "exact"]

MANY = 30.0
"""Size of sqrt(nu^2 + z^2) from which the uniform expansion of I_nu(z) is exact to 2e-8; below it, the power series."""

OVERFLOW = 171.62437695630272
"""The gamma function of a larger number is infinite in double precision."""

LEAST_LOG_VARIANCE = -32.0
"""Smallest log(a t): a noise below 1e-14 of the output is none, and has no density."""


@kernel
def _bessel_correction(p, size):
    """log of the sum of the uniform expansion of I_nu(z) (DLMF 10.41.3), p = (nu / size)^2, size = sqrt(nu^2 + z^2)."""
    u1 = (3 - 5 * p) / 24
    u2 = (81 - p * (462 - 385 * p)) / 1152
    u3 = (30375 - p * (369603 - p * (765765 - 425425 * p))) / 414720
    u4 = (4465125 - p * (94121676 - p * (349922430 - p * (446185740 - 185910725 * p)))) / 39813120
    return math.log(1 + (u1 + (u2 + (u3 + u4 / size) / size) / size) / size)


@cached(vectorize, ["float64(float64, float64, float64)"])
def exact(growth, log_scale, shape):
    """log density of log X at `growth` = log X; `log_scale` = log(a t), `shape` = c / a.

    Large terms cancel, so the exponent is written in the distance of w from its mean, w - y - nu.
    """
    if log_scale < LEAST_LOG_VARIANCE or growth - log_scale > -LEAST_LOG_VARIANCE or not shape < 1e14:
        return -np.inf
    y, log_w, nu = math.exp(-log_scale), growth - log_scale, shape - 1
    w = math.exp(log_w)
    size = math.hypot(nu, 2 * math.sqrt(y * w))
    if size > MANY:
        distance = (w - y if growth > 1 else math.expm1(growth) * y) - nu
        excess = distance * (2 * (w - y) - distance) / (w + y + size)
        step = (distance + excess) / (nu + size)
        log_step = math.log1p(step) if step > -0.5 else math.log(2 / (nu + size)) + log_w
        return (
            log_w
            - excess
            + nu * log_step
            - 0.5 * math.log(2 * math.pi * size)
            + _bessel_correction((nu / size) ** 2, size)
        )
    term, total, k = 1.0, 1.0, 0
    while term > 1e-17 * total:
        term *= y * w / ((k + 1) * (shape + k))
        total += term
        k += 1
    return shape * log_w - y - w - math.lgamma(shape) + math.log(total)


@cached(vectorize, ["float64(float64, float64, float64)"])
def as_coded(growth, log_scale, shape):
    """The same as a sum of Poisson-gamma terms, without those in which a gamma function overflows (see `erdil_2024`)."""
    log_y, log_w = -log_scale, growth - log_scale
    if not shape <= OVERFLOW or log_w > 700:
        return -np.inf
    log_term = shape * log_w - math.exp(log_y) - math.exp(log_w) - math.lgamma(shape)
    largest, total, k = log_term, 1.0, 0
    while k + 2 <= OVERFLOW and k + 1 + shape <= OVERFLOW:
        log_ratio = log_y + log_w - math.log((k + 1) * (k + shape))
        log_term += log_ratio
        k += 1
        if log_term > largest:
            total = total * math.exp(largest - log_term) + 1
            largest = log_term
        elif log_ratio < 0 and log_term < largest - 50:
            break
        else:
            total += math.exp(log_term - largest)
    return largest + math.log(total)
