"""What the jump in labour at ASARA does: labour's share of research after it, the pace, and lambda where p is stated.

    kappa = (sigma - 1) / sigma,   u = 1 / lambda,   J = speedup^(u / a)
    a_A = a J^kappa / (a J^kappa + 1 - a),   pace_asara = recent_doublings_per_year (a J^kappa + 1 - a)^(lambda / kappa)
    epsilon = experiment_gain / conversion,   e(0) = a_A + (1 - a_A) epsilon,   p = lambda e(0)

a is labour's share today, J the factor by which research labour grows, `speedup` what it would be at sigma 1, where the pace is
recent_doublings_per_year speedup. Below sigma 1 the pace is bounded: labour alone cannot speed up research that lacks compute. Where
the speed-up that is reached is stated, the pace is that, and 1 - a_A = (1 - a) speedup^(-kappa u).

Where p is stated, p u = e(0) has one solution in u but where more labour makes input grow faster (e(0) rises with u) and p is
large, of which the least is taken: the largest lambda, the smallest jump in labour. Elementwise, for NumPy and PyTensor (`xp`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from ..data.views import View

__all__ = ["after_the_jump", "lambda_of", "pace_over_recent", "returns_to_input", "share_at_asara"]

LEAST_SHARE = 1e-300
"""Labour's share at ASARA is at least this: a speed-up that its sigma forbids leaves labour none."""

MOST_LOG = 700.0
"""Exponents are held at this, beyond which a double overflows."""

SMALL = 1e-8
"""Exponents below which a ratio of logs is taken as its limit."""

STEPS, HALVINGS = 32, 60
"""Steps in which the first solution is looked for, and halvings of the step that it lies in."""


def after_the_jump(values: Mapping[Any, Any], view: View) -> dict[str, Any]:
    """What the jump in labour makes of values of what a view states, by name: arrays, variables of xarray or of PyTensor.

    Parameters
    ----------
    values : mapping
        What the view states, with `conversion` and `recent_doublings_per_year`.
    view : View
        Says whether `speedup` is the one that is reached, and whether p or lambda is stated.

    Returns
    -------
    dict
        `epsilon`, `labour_share_asara` (a_A), `pace_asara` (labour doublings a year), and `lambda` or `parallel`.
    """
    stated, derived = ("lambda", "parallel") if "lambda" in view else ("parallel", "lambda")
    always_1 = view["sigma"].prior.family == "fixed" and view["sigma"].prior.numbers[0] == 1
    names = (stated, "labour_share", "experiment_gain", "sigma", "speedup")

    def computed(xp: ModuleType, power, a, gain, sigma, speedup, conversion, recent) -> tuple:
        epsilon = gain / conversion
        jump = {"labour_share": a, "sigma": sigma, "speedup": speedup, "reached": view["speedup"].reached}
        if always_1:
            returns = returns_to_input(a, epsilon)
            other = power * returns if derived == "parallel" else power / returns
            return epsilon, a * 1, recent * speedup, other
        lambda_ = power if derived == "parallel" else lambda_of(xp, power, epsilon=epsilon, **jump)
        share = share_at_asara(xp, 1 / lambda_, **jump)
        other = power * returns_to_input(share, epsilon) if derived == "parallel" else lambda_
        return epsilon, share, recent * pace_over_recent(xp, 1 / lambda_, **jump), other

    arguments = [values[name] for name in (*names, "conversion", "recent_doublings_per_year")]
    results = _elementwise(computed, arguments)
    return dict(zip(("epsilon", "labour_share_asara", "pace_asara", derived), results, strict=True))


def _elementwise(function: Callable[..., tuple], arguments: list) -> tuple:
    """A function of `xp` and arrays, for whichever kind of arrays these are."""
    libraries = {type(each).__module__.partition(".")[0] for each in arguments}
    if "pytensor" in libraries:
        import pytensor.tensor

        return function(pytensor.tensor, *map(pytensor.tensor.as_tensor, arguments))
    if "xarray" in libraries:
        import xarray as xr

        found = xr.apply_ufunc(lambda *arrays: function(np, *arrays), *arguments, output_core_dims=[()] * 4)
        return tuple(found)
    return function(np, *arguments)


def returns_to_input(labour_share: Any, epsilon: Any) -> Any:
    """e(0): doublings of research input per doubling of software, in units of labour."""
    return labour_share + (1 - labour_share) * epsilon


def share_at_asara(
    xp: ModuleType, u: Any, *, labour_share: Any, sigma: Any, speedup: Any, reached: bool
) -> Any:
    """a_A, labour's share of research input after the jump in labour, at u = 1 / lambda."""
    a, log_jump = labour_share, (1 - 1 / sigma) * xp.log(speedup) * u
    if reached:
        share = a - (1 - a) * xp.expm1(-xp.clip(log_jump, -MOST_LOG, MOST_LOG))
        return xp.maximum(share, LEAST_SHARE)
    log_odds = xp.clip(log_jump / a, -MOST_LOG, MOST_LOG)
    rising, falling = xp.exp(xp.minimum(log_odds, 0.0)), xp.exp(-xp.maximum(log_odds, 0.0))
    return xp.maximum(a * rising / (a * rising + (1 - a) * falling), LEAST_SHARE)


def pace_over_recent(
    xp: ModuleType, u: Any, *, labour_share: Any, sigma: Any, speedup: Any, reached: bool
) -> Any:
    """The pace at ASARA over the recent pace, at u = 1 / lambda; exactly `speedup` where that is reached, and at sigma 1."""
    if reached:
        return speedup * 1
    a, log_speedup = labour_share, xp.log(speedup)
    t = (1 - 1 / sigma) * log_speedup * u / a
    near = (xp.abs(t) < SMALL) | (a >= 1)
    far = xp.where(near, 1.0, t)
    fallen = xp.exp(-xp.minimum(xp.abs(far), MOST_LOG))
    constant = xp.where(far > 0, a, 1 - a)
    rest = (1 - constant) * (fallen - 1)
    log_input = xp.where(
        rest > -0.5, xp.log1p(xp.maximum(rest, -0.5)), xp.log(constant + (1 - constant) * fallen)
    )
    level = xp.where(near, 1 + (1 - a) * t / 2, (log_input + xp.maximum(far, 0.0)) / (a * far))
    return speedup * xp.exp(xp.clip(log_speedup * (level - 1), -MOST_LOG, MOST_LOG))


def lambda_of(
    xp: ModuleType, parallel: Any, *, epsilon: Any, labour_share: Any, sigma: Any, speedup: Any, reached: bool
) -> Any:
    """Lambda where p is stated: the largest that solves p = lambda e(0), e(0) being that of the jump which lambda asks for."""

    def miss(u: Any, parallel: Any, epsilon: Any, a: Any, sigma: Any, speedup: Any) -> Any:
        share = share_at_asara(xp, u, labour_share=a, sigma=sigma, speedup=speedup, reached=reached)
        return returns_to_input(share, epsilon) - parallel * u

    def on(low: Any, step: Any, *given: Any) -> tuple:
        return (xp.where(miss(low * step, *given) > 0, low * step, low),)

    def halved(low: Any, high: Any, *given: Any) -> tuple:
        middle = (low + high) / 2
        above = miss(middle, *given) > 0
        return xp.where(above, middle, low), xp.where(above, high, middle)

    given = (parallel, epsilon, labour_share, sigma, speedup)
    start, most = returns_to_input(labour_share, epsilon) / parallel, xp.maximum(epsilon, 1.0) / parallel
    rises = (1 - epsilon) * (1 - 1 / sigma) * xp.log(speedup) > 0
    step = (most / start) ** (1 / STEPS)
    (before,) = _repeated(xp, on, (start,), (step, *given), STEPS)
    bracket = (xp.where(rises, before, 0.0), xp.where(rises, before * step, start))
    low, high = _repeated(xp, halved, bracket, given, HALVINGS)
    u = (low + high) / 2
    return 1 / (u if xp is np else _with_gradient(u, miss, given))


def _repeated(xp: ModuleType, step: Callable[..., tuple], state: tuple, given: tuple, times: int) -> tuple:
    """The state after so many steps, each of which is given some values too; for PyTensor one node of the graph."""
    if xp is np:
        for _ in range(times):
            state = step(*state, *given)
        return state
    from pytensor import scan

    start, others = ([xp.as_tensor(value) for value in values] for values in (state, given))
    found = scan(
        lambda *now: list(step(*now)),
        outputs_info=start,
        non_sequences=others,
        n_steps=times,
        strict=True,
        return_updates=False,
    )
    return tuple(each[-1] for each in (found if isinstance(found, list) else [found]))


def _with_gradient(u: Any, miss: Callable[..., Any], given: tuple) -> Any:
    """A solution of miss(u, *given) = 0 with its gradient in what it is given, that of one step of Newton from it."""
    from pytensor.gradient import disconnected_grad, grad

    u = disconnected_grad(u)
    slope = disconnected_grad(grad(miss(u, *given).sum(), u))
    return u - miss(u, *given) / slope
