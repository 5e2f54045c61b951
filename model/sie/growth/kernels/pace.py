"""The log pace at the nodes of a path, from the law of one draw.

    log2 v(x) = log2 v(0) + lambda s(x) - integral of beta,   s the level of research input

What has a closed form is a loop that LLVM vectorises. What has none (a fall of r of another shape than a line, retraining) is
integrated along x between the nodes: fourth order, as the times are.
"""

from __future__ import annotations

import math

from ...base.kernels import kernel
from ..law import LN2, beta, ces_exponent, input_gain, pace_slope, research_input
from .elementary import exp2, log2

__all__ = [
    "MOST_PARTS",
    "ceiling_power",
    "input_on_grid",
    "integrates_slope",
    "pace_on_grid",
    "parts_by_input",
    "retraining",
    "retraining_on_grid",
    "smooth_beta",
    "smooth_on_grid",
    "smooth_on_stretched_grid",
    "steepness",
]

MOST_PARTS = 256
"""Parts that a cell is divided into at most."""

_GAUSS = (0.1127016653792583, 0.5, 0.8872983346207417)
_GAUSS_WEIGHT = (5 / 18, 8 / 18, 5 / 18)


@kernel
def pace_on_grid(start, lambda_, level, power, log2_w, fall, x, base, last, log2_pace):
    """log2 of the pace at the nodes, where the law has a closed form but for `base`."""
    for j in range(last + 1):
        log2_pace[j] = start + lambda_ * level[j] + power * log2_w[j] - fall * x[j] + base[j]


@kernel
def integrates_slope(law):
    """Whether the whole slope is integrated by quadrature: where retraining bounds it at the ceiling."""
    return law.retraining >= 2.0 or (
        law.retraining == 1.0 and law.beta < 0.0 and law.doublings_left < math.inf
    )


@kernel
def ceiling_power(law):
    """(power of w with which the pace falls at the ceiling, beta_now, whether the shape is not 1)."""
    if law.doublings_left == math.inf:
        return 0.0, law.beta, False
    if law.shape == 1.0:
        return law.beta * law.doublings_left * LN2, law.beta, False
    whole = law.doublings_gained + law.doublings_left
    beta_now = law.beta * (1.0 - (law.doublings_gained / whole) ** law.shape)
    return beta_now * whole / law.shape * LN2, beta_now, True


@kernel
def input_on_grid(law, x, last, gain, level):
    """`growth.research_input` at the nodes: a loop that is vectorised for a constant share and for a plain CES."""
    a, epsilon, kappa = law.labour_share_asara, law.epsilon, ces_exponent(law.sigma)
    plain = law.sigma_switch == math.inf and law.automation == 1.0 and math.isnan(law.experiment_beta)
    apart = 1.0 - epsilon
    tilt = -abs(kappa * apart)
    if plain and (a == 1.0 or kappa * apart == 0.0):
        constant = a + (1.0 - a) * epsilon
        for j in range(last + 1):
            gain[j] = constant
            level[j] = constant * x[j]
    elif plain and -tilt * x[last] > 1e-4:
        rises = kappa * apart > 0.0
        fixed, falling = (a, 1.0 - a) if rises else (1.0 - a, a)
        share_fixed, share_falling = (a, 0.0) if rises else (0.0, a)
        along = 1.0 if rises else epsilon
        for j in range(last + 1):
            fallen = exp2(tilt * x[j])
            whole = fixed + falling * fallen
            share = (share_fixed + share_falling * fallen) / whole
            gain[j] = epsilon + apart * share
            level[j] = along * x[j] + log2(whole) / kappa
    else:
        for j in range(last + 1):
            gain[j], level[j] = research_input(x[j], law)


@kernel
def steepness(law):
    """How fast shares can change, per doubling."""
    return (
        abs(ces_exponent(law.sigma)) + abs(ces_exponent(law.task_sigma)) + abs(ces_exponent(law.sigma_later))
    )


@kernel
def parts_by_input(steep, width, change):
    """Parts of a cell within which shares may turn, `change` being what k changes by over it."""
    if change * width <= 1e-3:
        return 1
    return int(min(MOST_PARTS, max(1.0, min(width * steep * 2.0, 200.0 * math.sqrt(change * width)))))


@kernel
def smooth_beta(x, law):
    """beta(x) less its pole at the ceiling, for a shape other than 1, in units of beta_now."""
    whole = law.doublings_gained + law.doublings_left
    w, shape = (law.doublings_left - x) / whole, law.shape
    if w * (shape + 1.0) < 1e-4:
        return (shape - 1.0) / (2.0 * shape) + w * (shape * shape - 1.0) / (12.0 * shape)
    return -1.0 / math.expm1(shape * math.log1p(-w)) - 1.0 / (shape * w)


@kernel
def smooth_on_grid(law, width, smooth, base, beta_now):
    """`smooth_beta` at the nodes, and what it takes from the log pace until each: its integral, by cubics through four nodes."""
    n = len(smooth) - 1
    shape, whole = law.shape, law.doublings_gained + law.doublings_left
    for j in range(1, n):
        u = (law.doublings_gained + j * width) / whole
        smooth[j] = 1.0 / (1.0 - exp2(shape * log2(u))) - whole / (shape * width * (n - j))
    smooth[0], smooth[n] = smooth_beta(0.0, law), smooth_beta(law.doublings_left, law)
    scale = -beta_now * width / 24.0
    base[1] = scale * (9.0 * smooth[0] + 19.0 * smooth[1] - 5.0 * smooth[2] + smooth[3])
    for j in range(2, n):
        base[j] = base[j - 1] + scale * (13.0 * (smooth[j - 1] + smooth[j]) - smooth[j - 2] - smooth[j + 1])
    base[n] = base[n - 1] + scale * (
        9.0 * smooth[n] + 19.0 * smooth[n - 1] - 5.0 * smooth[n - 2] + smooth[n - 3]
    )


@kernel
def smooth_on_stretched_grid(law, x, smooth, base, beta_now):
    """`smooth_on_grid` for nodes at uneven levels x: its integral by Gauss's rule in each cell."""
    smooth[0] = smooth_beta(0.0, law)
    for j in range(1, len(smooth)):
        smooth[j], width, mean = smooth_beta(x[j], law), x[j] - x[j - 1], 0.0
        for g in range(3):
            mean += _GAUSS_WEIGHT[g] * smooth_beta(x[j - 1] + _GAUSS[g] * width, law)
        base[j] = base[j - 1] - beta_now * width * mean


@kernel
def retraining_on_grid(law, x, last, gain, steep, base):
    """Add to `base` what retraining takes from the log pace until each node."""
    total = 0.0
    for j in range(1, last + 1):
        width = x[j] - x[j - 1]
        parts = parts_by_input(steep, width, law.lambda_ * abs(gain[j] - gain[j - 1]))
        for m in range(parts):
            total += retraining(x[j - 1] + m * width / parts, width / parts, law)
        base[j] += total


@kernel
def retraining(x, width, law):
    """What retraining takes from the log pace over [x, x + width]: k becomes k less k^2 / (1 + k) where k > 0. The interval is cut
    where k changes sign, so that the integrand is smooth. Other rules, and ours below some ceilings, integrate the whole slope."""
    direct = integrates_slope(law)
    if not direct:
        first, second = _untrained(x, law), _untrained(x + width, law)
        if (first > 0.0) != (second > 0.0) and not math.isinf(second):
            cut = width * first / (first - second)
            x, width = (x, cut) if first > 0.0 else (x + cut, width - cut)
    total = 0.0
    for g in range(3):
        at = x + _GAUSS[g] * width
        if direct:
            total += _GAUSS_WEIGHT[g] * pace_slope(at, law)
        else:
            k = _untrained(at, law)
            total -= _GAUSS_WEIGHT[g] * (k * k / (1.0 + k) if k > 0.0 else 0.0)
    return total * width


@kernel
def _untrained(x, law):
    """k(x) without retraining."""
    return law.lambda_ * input_gain(x, law) - beta(x, law)
