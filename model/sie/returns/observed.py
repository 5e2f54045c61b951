"""What each evidence row should show, for NumPy and PyTensor (`xp`): of a domain's r, of adjustments and of any other quantity of a view.

    log r_hat_i = log r_d + sum_k x_ik log f_k + c_i + delta_i + eps_i           an estimate of r, at its domain's level
    log f_hat_j = sum_k x_jk log f_k + c_j + delta_j + eps_j                     a published estimate of adjustments
    g(q_hat_l)  = g(q_l) + delta_l + eps_l                                       an estimate of another quantity, on its scale g
    c_i = m_i log q + n_i log g_l + o_i log g_c                                  what it was measured against, by `inputs`

x = 1 where a row already includes an adjustment; delta is the definition error that rows on one input data share, eps the row's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from ..base.errors import DataError
from ..data.quantities import ADJUSTMENTS

__all__ = [
    "LEFT",
    "expected",
    "input_value",
    "log_input_growth",
    "measured_against",
    "on_scale",
]

LEFT = "distance_left"
"""What a row may be on besides quantities of a view: the ceiling less what is gained before ASARA."""


def log_input_growth(xp: ModuleType, growth: Any, score: Any) -> Any:
    """Log growth of inputs at standard scores, from (median, scale, skew) along the last axis of `growth` (`row_density.growth_shape`)."""
    median, scale, skew = growth[..., 0], growth[..., 1], growth[..., 2]
    return median + scale * xp.expm1(skew * score) / skew


def measured_against(xp: ModuleType, design: Any, values: Mapping[str, Any]) -> Any:
    """c of each row, (..., estimate), at values with any leading axes.

        log g_l = counted + measure_sd z_w,   a_h = a e^s / (a e^s + 1 - a),  s = share_spread z_h
        q = a_h g_l + (1 - a_h) (1 - frontier_share) g_c

    Where only the ratio of compute's growth to labour's is known, g_c is that times g_l.

    Parameters
    ----------
    xp
        NumPy or `pytensor.tensor`.
    design
        As a `Design`: `terms` (estimate, term), `growth` (estimate, flow, shape), `relative` (estimate,), `history_of` (estimate,
        history), `measure_of` (estimate, measure).
    values
        `z_growth` (..., flow, history), and where r is against all inputs `labour_share`, `frontier_share`, `share_spread`,
        `measure_sd` (...), `z_share` (..., history) and `z_measure` (..., measure).
    """
    of_all, of_labour, of_compute = design.terms.T
    if not design.terms.any():
        return np.zeros(len(design.terms))
    score = xp.moveaxis(_product(xp, values["z_growth"], design.history_of), -1, -2)
    log_growth = log_input_growth(xp, design.growth, score)
    counted, log_c = log_growth[..., 0], log_growth[..., 1]
    total = of_labour * counted
    if not (of_all.any() or of_compute.any()):
        return total
    a, phi, spread, measure_sd = (
        xp.expand_dims(values[name], -1)
        for name in ("labour_share", "frontier_share", "share_spread", "measure_sd")
    )
    log_l = counted + measure_sd * _product(xp, values["z_measure"], design.measure_of)
    log_c = log_c + design.relative * log_l
    odds = a * xp.exp(spread * _product(xp, values["z_share"], design.history_of))
    q = (odds * xp.exp(log_l) + (1 - a) * (1 - phi) * xp.exp(log_c)) / (odds + 1 - a)
    return total + of_all * xp.log(xp.where(of_all != 0, q, 1.0)) + of_compute * log_c


def expected(
    xp: ModuleType, design: Any, *, log_r: Any, log_factor: Any, z_input: Any, inputs: Any, against: Any
) -> Any:
    """The log estimate, or estimate on its own scale, that each row should show, (..., estimate).

    Parameters
    ----------
    xp
        NumPy or `pytensor.tensor`.
    design
        As a `Design`: `loadings` (estimate, effect) and `remoteness` (domain).
    log_r, log_factor, z_input, inputs
        (..., domain), (..., adjustment), (..., input_data) and, on the scales of the rows, (..., input) of `design.inputs`.
    against
        From `measured_against`.
    """
    sizes = (len(design.remoteness), len(ADJUSTMENTS), len(design.coords["input_data"]), len(design.inputs))
    total, start = against, 0
    for values, size in zip((log_r, log_factor, z_input, inputs), sizes, strict=True):
        loading = design.loadings[:, start : start + size]
        start += size
        if size and loading.any():
            total = total + _product(xp, values, loading)
    return total


def _product(xp: ModuleType, values: Any, matrix: np.ndarray) -> Any:
    """Each row of a matrix with values (..., column): in PyTensor as sums, which compile in a second where a product takes ten."""
    return values @ matrix.T if xp is np else (values[..., None, :] * matrix).sum(axis=-1)


def input_value(xp: ModuleType, name: str, scale: str, values: Mapping[str, Any]) -> Any:
    """What a row on another quantity than r and adjustments is about, on the row's scale.

    distance_left = ceiling - gained_before_asara
    """
    value = values["ceiling"] - values["gained_before_asara"] if name == LEFT else values[name]
    return on_scale(xp, value, scale)


def on_scale(xp: ModuleType, value: Any, scale: str) -> Any:
    """A value on the scale of a row's error: log, logit or linear."""
    match scale:
        case "log":
            return xp.log(value)
        case "logit":
            return xp.log(value) - xp.log1p(-value)
        case "linear":
            return value
        case _:
            raise DataError("scale", scale, "log, logit or linear")
