"""The growth law after ASARA, as the slope of the log pace over software gained.

    d log2 v / dx = k(x) = lambda e(x) - beta(x)

x is doublings of software since ASARA in units of parallel labour, v doublings a year. Research input grows e(x) doublings
per doubling of software, from labour (gain l, level s_l) and experiments (gain epsilon, level s_e) joined by a CES:

    e(x) = share l(x) + (1 - share) epsilon(x),   share = a_A 2^(kappa d) / (a_A 2^(kappa d) + 1 - a_A),   d = s_l(x) - s_e(x)
    beta(x) = beta_now / (1 - ((G + x) / (G + H))^shape),   kappa = (sigma - 1) / sigma
    p = lambda e(0),   r = lambda e(0) / beta(0)

A law is a record of numbers (`mechanisms.LAW`). A mechanism is a function here, called where it acts, and a line of
`mechanisms.MECHANISMS`. Pure functions on floats, compiled by numba.
"""

from __future__ import annotations

import math

from ..base.kernels import kernel

__all__ = [
    "beta",
    "input_gain",
    "input_level",
    "log2_pace_gain",
    "pace_slope",
    "research_taste",
    "retrained",
    "returns_at",
]

LN2 = math.log(2.0)
TINY = 1e-8
"""Below this a difference quotient is taken as its limit."""

FAR = 1e12
"""Doublings that stand for an experiment technology that has already gone to infinity."""

HUGE = 1e300
"""A technology's level, in units of itself, from which it grows no more."""

LAST = 1e-300
"""Share of the way to a ceiling that stands for none."""


@kernel
def ces_exponent(sigma: float) -> float:
    """kappa = (sigma - 1) / sigma: by how much the share of the scarcer input falls or rises, per doubling of the other."""
    return 1.0 - 1.0 / sigma


@kernel
def ces(x: float, a: float, c: float) -> tuple:
    """(share, log2) of a CES of one growing and one fixed input, a 2^(c x) + 1 - a with a the growing input's share at x = 0.

    share(x) = a 2^(c x) / (a 2^(c x) + 1 - a) is the slope of log2(a 2^(c x) + 1 - a) / c, which tends to a x as c does to 0.
    Finite for any c x."""
    z = c * x * LN2
    if a == 1.0 or x == 0.0:
        return a, x
    if a == 0.0:
        return 0.0, 0.0
    if abs(z) < TINY:
        return a + a * (1.0 - a) * z, a * x * (1.0 + (1.0 - a) * z / 2.0)
    fixed = a if z > 0.0 else 1.0 - a
    rest = (1.0 - fixed) * math.expm1(-abs(z))
    whole = fixed + (1.0 - fixed) * math.exp(-abs(z))
    level = (math.log1p(rest) if rest > -0.5 else math.log(whole)) / (c * LN2)
    return (a / whole, x + level) if z > 0.0 else (a * math.exp(z) / whole, level)


@kernel
def labour(x: float, law) -> tuple:
    """(gain, level) of AI research labour. AI does the share `automation` of tasks, humans the rest, joined with elasticity
    1 / (1 - task_kappa): an exponent at 1 (Whitfill & Wu 2025, comments), humans as the bottleneck below (Aghion et al. 2017)."""
    return ces(x, law.automation, ces_exponent(law.task_sigma))


@kernel
def experiments(x: float, law) -> tuple:
    """(gain, level) of the efficiency of experiments: a constant epsilon, or a technology A_exp of its own beta that grows with
    the same input (Davidson, comments on Whitfill & Wu 2025): (2^(b_e s_e) - 1) / b_e = epsilon(0) times the integral of what
    harder ideas cost labour, 2^(b_c x) without a ceiling, (1 - x / left)^-power below one that r falls to linearly."""
    gain, b, left = law.epsilon, law.experiment_beta * LN2, law.doublings_left
    if math.isnan(b) or gain == 0.0:
        return gain, gain * x
    way = x if left == math.inf else -left * math.log(max(1.0 - x / left, LAST))
    cost, rate = law.beta * LN2 * way, law.beta * LN2 - 1.0 / left
    rise = rate * way
    if rise > 500.0 and b > TINY:
        level = (rise + math.log(gain * b / rate)) / b
    else:
        grown = min(gain * (math.expm1(rise) / rate if abs(rise) > TINY else way), HUGE)
        if b * grown <= -1.0:
            return 0.0, FAR
        level = math.log1p(b * grown) / b if abs(b * grown) > TINY else grown
    return min(gain * math.exp(min(cost - b * level, 500.0)), FAR), min(level, FAR)


@kernel
def research_input(x: float, law) -> tuple:
    """(e, log2 of input over input at ASARA) at x. Where sigma falls at the level `switch`, shares go on from their value there
    (Whitfill & Wu 2025, comments: a foom until sigma drops below 1)."""
    a, kappa, level, base = law.labour_share_asara, ces_exponent(law.sigma), 0.0, 0.0
    if x > law.sigma_switch:
        base = labour(law.sigma_switch, law)[1] - experiments(law.sigma_switch, law)[1]
        a, level = ces(base, a, kappa)
        kappa = ces_exponent(law.sigma_later)
    gain_l, level_l = labour(x, law)
    gain_e, level_e = experiments(x, law)
    share, joined = ces(level_l - level_e - base, a, kappa)
    return share * gain_l + (1.0 - share) * gain_e, level + level_e + joined


@kernel
def input_gain(x: float, law) -> float:
    """e(x): doublings of research input per doubling of software."""
    return research_input(x, law)[0]


@kernel
def input_level(x: float, law) -> float:
    """Doublings of research input since ASARA, the integral of `input_gain`, in closed form."""
    return research_input(x, law)[1]


@kernel
def beta(x: float, law) -> float:
    """beta(x): doublings by which the pace falls, per doubling of software, because ideas get harder; inf (with the sign of
    beta) at the ceiling. Davidson (2025): r falls linearly, shape 1."""
    gained, left, shape = law.doublings_gained, law.doublings_left, law.shape
    if left == math.inf:
        return law.beta
    if x >= left:
        return math.copysign(math.inf, law.beta) if law.beta != 0.0 else 0.0
    if shape == 1.0:
        return law.beta / (1.0 - x / left)
    whole = gained + left
    return law.beta * (1.0 - (gained / whole) ** shape) / -math.expm1(shape * math.log1p((x - left) / whole))


@kernel
def retrained(k: float, rule: float) -> float:
    """The slope when each new generation must be trained: time is spent on shorter runs, k / (1 + max(k, 0)). Rule 2 is the
    paper's k / (1 + |k|), 3 the public tool's k / |1 - k| (Davidson & Houlden 2025; the tool's own variable is -k): for reproduction
    only, the last one where k stays below 1. Rule 0 is k."""
    if rule == 0.0 or (rule == 1.0 and k <= 0.0):
        return k
    if math.isinf(k):
        return math.copysign(1.0, k)
    return k / (abs(1.0 - k) if rule == 3.0 else 1.0 + abs(k))


@kernel
def pace_slope(x: float, law) -> float:
    """k(x): doublings of the pace per doubling of software. -inf at a ceiling (+inf if beta is negative)."""
    return retrained(law.lambda_ * input_gain(x, law) - beta(x, law), law.retraining)


@kernel
def log2_pace_gain(x: float, law) -> float:
    """log2 of the pace at x over the pace at ASARA: the integral of `pace_slope` where it has a closed form, without retraining
    and with returns that fall linearly (shape 1) or not at all (no ceiling). -inf at the ceiling, inf if beta is negative."""
    gained = law.lambda_ * input_level(x, law)
    if law.doublings_left == math.inf or law.beta == 0.0:
        return gained - law.beta * x
    return gained + law.beta * law.doublings_left * (
        math.log1p(-x / law.doublings_left) if x < law.doublings_left else -math.inf
    )


@kernel
def returns_at(x: float, law) -> float:
    """r at x = lambda e(x) / beta(x); inf where beta is at most 0, and 0 at the ceiling."""
    b = beta(x, law)
    if b == math.inf:
        return 0.0
    return law.lambda_ * input_gain(x, law) / b if b > 0.0 else math.inf


def research_taste(taste_per_doubling: float, beta: float) -> tuple[float, float]:
    """(r, p) when progress is fed back by research taste alone: m doublings of pace per doubling of software against beta.

    r = m / beta, so that a singularity from taste alone needs m > beta (AI Futures Project 2025). r is inf for beta at most 0.
    """
    return (taste_per_doubling / beta if beta > 0 else math.inf), taste_per_doubling
