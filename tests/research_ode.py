"""Research as an ordinary differential equation, brute force and apart from the package: a history, the jump in labour, ASARA.

    d log A / dt = B R^lambda A^-beta                                  A training efficiency
    R = (a L^kappa + (1 - a) X^kappa)^(1 / kappa),   kappa = (sigma - 1) / sigma
    X = C^(1 - frontier_share) A^experiment_gain                       experiments of the size that the frontier needs

L and X are in units of today. In the history labour and compute C grow at constant rates. At ASARA compute stands still, labour jumps
by a factor J and is then proportional to A^conversion. x is software in labour doublings, conversion log2 A.
"""

from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

TOLERANCE = {"method": "DOP853", "rtol": 1e-11, "atol": 1e-11}
"""Of the integration: what is compared is exact to about 1e-8."""

STEP = 1e-3
"""Labour doublings between the points at which slopes are taken at ASARA, by differences of fourth order."""


@dataclass(frozen=True, kw_only=True)
class Research:
    """The constants of the equation; growth rates are natural logs a year, `share` is labour's share of research today."""

    lambda_: float
    beta: float
    share: float
    sigma: float
    experiment_gain: float
    frontier_share: float
    growth_labour: float
    growth_compute: float
    conversion: float

    def log_input(self, log_labour, log_experiments):
        """log R."""
        if self.sigma == 1:
            return self.share * log_labour + (1 - self.share) * log_experiments
        kappa = 1 - 1 / self.sigma
        terms = np.log([self.share, 1 - self.share]) + kappa * np.array([log_labour, log_experiments])
        return np.logaddexp(*terms) / kappa

    def history(self, *, years, pace, disequilibrium=1.0):
        """log A today after `years` in which inputs grow, from 0; and the growth of A over the last year.

        It starts at the rate `pace` times `disequilibrium`. X is in units of its start: with sigma other than 1 the shares are those
        of today if they never move, as where labour and experiments grow alike.
        """

        def rate(t, log_a):
            log_x = (1 - self.frontier_share) * self.growth_compute * t + self.experiment_gain * log_a
            start = pace * disequilibrium
            log_rate = self.lambda_ * self.log_input(self.growth_labour * t, log_x[0]) - self.beta * log_a
            return start * np.exp(log_rate)

        path = solve_ivp(rate, (0, years), [0.0], t_eval=[years - 1, years], **TOLERANCE)
        return path.y[0, 1], path.y[0, 1] - path.y[0, 0]

    def jump(self, factor):
        """The factor on the pace when labour grows by `factor` at once, and labour's share afterwards: d log R / d log L."""
        log_l, d = np.log(factor), 1e-5
        gained = self.lambda_ * (self.log_input(log_l, 0.0) - self.log_input(0.0, 0.0))
        share = (self.log_input(log_l + d, 0.0) - self.log_input(log_l - d, 0.0)) / (2 * d)
        return np.exp(gained), share

    def log_pace(self, x, *, jump):
        """The log of the pace at a level x after the jump in labour, over that before it."""
        log_a = x * np.log(2) / self.conversion
        log_input = self.log_input(np.log(jump) + x * np.log(2), self.experiment_gain * log_a)
        return self.lambda_ * log_input - self.beta * log_a

    def years_to(self, levels, *, jump, recent):
        """Years from ASARA to each level x; `recent` is the pace before the jump, labour doublings a year."""

        def rate(t, x):
            return [recent * np.exp(self.log_pace(x[0], jump=jump))]

        events = [lambda t, x, level=level: x[0] - level for level in levels]
        events[-1].terminal = True
        path = solve_ivp(rate, (0, 1e9), [0.0], events=events, **TOLERANCE)
        return np.array([times[0] for times in path.t_events])

    def returns_at_asara(self, *, jump):
        """r at ASARA: the returns p to software at fixed difficulty of ideas over how fast ideas get harder, by differences.

        k is what a doubling of software adds to the log pace, beta / conversion what it costs it, p = k + beta / conversion.
        """
        x = STEP * np.arange(5)
        weights = np.array([-25, 48, -36, 16, -3]) / (12 * STEP * np.log(2))
        k = weights @ [self.log_pace(at, jump=jump) for at in x]
        harder = self.beta / self.conversion
        return (k + harder) / harder
