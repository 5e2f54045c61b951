"""What a row should show and what follows at ASARA, each equation once, for NumPy and PyTensor (`xp`).

    log r_hat_i = log r_d(i) + sum_k x_ik log f_k + c_i + delta_i + eps_i           an estimate of r, at its domain's level
    log f_hat_j = sum_k x_jk log f_k + c_j + delta_j + eps_j                        a published estimate of adjustments
    r_asara     = r_target * prod_k f_k

x = 1 where a row already includes an adjustment; c = m_i . (log q, log g_L, log g_C) is what it was measured against (`inputs`);
delta is the definition error that rows on one input data share, eps the row's own (`row_density`).
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ..base.errors import DataError
from ..data import quantities
from ..data.quantities import ADJUSTMENTS
from ..data.views import View
from .asara import after_the_jump

__all__ = [
    "at_asara",
    "expected",
    "labour_doublings",
    "labour_returns",
    "log_input_growth",
    "recent_doublings",
    "relative_lengths",
    "share_before",
]

LEAST_SHARE = 1e-6
"""Labour's share before the jump in labour is at least this: a speed-up that asks for less could not have come from labour."""

MOST_LOG_SHIFT = 30.0
"""Compute's share moves by a factor of at most e to this."""


def labour_returns(labour_share: Any, experiment_gain: Any) -> Any:
    """e(0), the returns to research labour at fixed compute: labour's share, and compute's times what experiments gain."""
    return labour_share + experiment_gain * (1 - labour_share)


def share_before(
    xp: ModuleType, *, labour_share: Any, experiment_gain: Any, speedup: Any, parallel: Any, sigma: Any
) -> Any:
    """Labour's share of research before the jump in labour, elementwise (`inputs`).

    1 - a_before = (1 - a) speedup^(kappa e(0) / p),   kappa = (sigma - 1) / sigma
    """
    kappa = 1 - 1 / sigma
    log_shift = kappa * xp.log(speedup) * labour_returns(labour_share, experiment_gain) / parallel
    before = 1 - (1 - labour_share) * xp.exp(xp.clip(log_shift, -MOST_LOG_SHIFT, MOST_LOG_SHIFT))
    return xp.clip(before, LEAST_SHARE, 1)


def log_input_growth(xp: ModuleType, growth: Any, score: Any) -> Any:
    """Log growth of inputs at standard scores, from (median, scale, skew) along the last axis of `growth` (`row_density.growth_shape`)."""
    median, scale, skew = growth[..., 0], growth[..., 1], growth[..., 2]
    return median + scale * xp.expm1(skew * score) / skew


def expected(
    xp: ModuleType,
    design: Any,
    *,
    log_r: Any,
    log_factor: Any,
    z_input: Any,
    z_growth: Any,
    share: Any,
) -> Any:
    """The log estimate that each row should show, (..., estimate), at values with any leading axes.

    Parameters
    ----------
    xp
        NumPy or `pytensor.tensor`.
    design
        Has `loadings` (estimate, effect), `terms` (estimate, term), `growth` (estimate, flow, shape) and `input_idx` (estimate),
        as a `Design` does.
    log_r, log_factor
        (..., domain) and (..., adjustment).
    z_input, z_growth
        Shared errors as standard scores, (..., input_data) and (..., flow, input_data).
    share
        Labour's share before the jump in labour, (...).
    """
    domains, adjustments = len(design.remoteness), len(ADJUSTMENTS)
    ends = (0, domains, domains + adjustments, design.loadings.shape[1])
    parts = zip((log_r, log_factor, z_input), ends[:-1], ends[1:], strict=True)
    loaded = [(values, design.loadings[:, start:end]) for values, start, end in parts]
    total = sum(values @ loading.T for values, loading in loaded if loading.any())
    if not design.terms.any():
        return total
    of_all, of_labour, of_compute = design.terms.T
    score = xp.moveaxis(z_growth[..., design.input_idx], -1, -2)
    log_growth = log_input_growth(xp, design.growth, score)
    log_l, log_c = log_growth[..., 0], log_growth[..., 1]
    total = total + of_labour * log_l + of_compute * log_c
    if not of_all.any():
        return total
    share = xp.expand_dims(share, -1)
    return total + of_all * xp.log(share * xp.exp(log_l) + (1 - share) * xp.exp(log_c))


def at_asara(values: Mapping[Any, Any], view: View) -> dict[str, Any]:
    """What follows at ASARA from values of what a view states: arrays, or variables of xarray. The same for prior and posterior.

        conversion = capabilities post_training,   recent_doublings_per_year = recent_pace conversion
        G = gained_before_asara,   G + H = ceiling,   steepening = 1 - (G / (G + H))^shape

    Labour's share, the pace and lambda (or p) at ASARA are those of `asara`. G is 0 where steepening is stated. Raises DataError for
    a view that states a quantity of an earlier version.

    Returns
    -------
    dict
        `conversion` (labour doublings per doubling of training efficiency), `compute_bottleneck` where it is derived (e(0), on r
        against all inputs), `steepening` where it is derived, `r_asara`; `epsilon`, `labour_share_asara` (a_A), `lambda` or
        `parallel`, whichever the view does not state; and in labour doublings `recent_doublings_per_year`, `pace_asara`,
        `doublings_gained` (G) and `doublings_left` (H).
    """
    view.refuse_retired()
    derived: dict[str, Any] = {}
    stated = ChainMap(derived, values)  # pyright: ignore[reportArgumentType]  # is only read
    if not view.states_r_asara:
        derived["conversion"] = values["capabilities"] * values["post_training"]
    if view.derives_compute_bottleneck:
        derived["compute_bottleneck"] = labour_returns(values["labour_share"], values["experiment_gain"])
    derived["recent_doublings_per_year"] = recent_doublings(stated, view)
    derived |= after_the_jump(stated, view)
    total = labour_doublings(values["ceiling"], view["ceiling"].unit, stated)
    if "gained_before_asara" in view:
        gained = labour_doublings(values["gained_before_asara"], view["gained_before_asara"].unit, stated)
        derived["steepening"] = 1 - (gained / total) ** values["shape"]
    else:
        gained = 0.0 * (total > total)  # of its shape, for inf too
    derived["doublings_gained"], derived["doublings_left"] = gained, total - gained
    if not view.states_r_asara:
        derived["r_asara"] = values["r_target"]
        for name in (name for name in ADJUSTMENTS if name in stated):
            derived["r_asara"] = derived["r_asara"] * stated[name]
    return derived


def recent_doublings(values: Mapping[Any, Any], view: View) -> Any:
    """The recent pace in labour doublings a year, the unit of growth: `recent_pace`, times `conversion` if that is its unit."""
    match view["recent_pace"].unit:
        case quantities.LABOUR_PACE:
            return values["recent_pace"] * 1
        case quantities.TRAINING_PACE:
            return values["recent_pace"] * values["conversion"]
        case unit:
            raise DataError(f"{view.name} [recent_pace] unit", unit, "a unit of pace")


def relative_lengths(values: Mapping[Any, Any], view: View) -> tuple[Any, Any]:
    """A unit of `gained_before_asara` and one of `ceiling`, in a unit that both have in common: which is longer, draw by draw.

    `values` are of what evidence does not move. Both units are proportional to the conversion or neither (`data.priors` refuses
    others), which therefore need not be known.
    """
    known = {"conversion": 1.0, **values}
    known["recent_doublings_per_year"] = recent_doublings(known, view)
    of_gained, of_ceiling = (
        labour_doublings(1.0, view[name].unit, known) for name in ("gained_before_asara", "ceiling")
    )
    return of_gained, of_ceiling


def labour_doublings(distance: Any, unit: str, values: Mapping[Any, Any]) -> Any:
    """A distance of software progress in labour doublings, from years of progress or OOMs of training efficiency.

        labour_doublings = years recent_doublings_per_year / software_share = ooms log2(10) conversion

    The only place where distances are converted. `values` holds what the unit needs of `recent_doublings_per_year`,
    `software_share` and `conversion`.
    """
    match unit:
        case quantities.LABOUR_DOUBLINGS:
            return distance
        case quantities.YEARS_OF_PROGRESS:
            return distance * (values["recent_doublings_per_year"] / values["software_share"])
        case quantities.OOMS:
            return distance * quantities.DOUBLINGS_PER_OOM * values["conversion"]
        case _:
            raise DataError("unit", unit, "a unit of distance")
