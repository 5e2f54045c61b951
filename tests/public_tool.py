"""The public tool of Davidson & Houlden (2025), written anew from its equations: software doubles, time is stepped, r falls.

    dt <- dt 2^x (1 + f) / (1 + f'),   x = p (1 / r - 1),   x / |1 + x| with retraining,   r <- r - r0 / doublings to the ceiling

Its gradual boost f grows exponentially from 0.1 to f_max over five years, and software grows (1 + f) times as fast as recently;
without it, f_max times as fast. It follows a path for four years. Steps are doublings, or finer.
"""

import numpy as np

START, BOOST_YEARS, RECENT, HORIZON = 0.1, 5.0, 4.0, 4.0
"""The boost at ASARA, the years that it grows, recent doublings a year, and the years that a path is followed."""

EVENTS = ((24, 1.0), (26, 1 / 3), (80, 1.0), (80, 1 / 3))
"""(doublings, years) of the four events, in the order of its table."""


def times(r, parallel, left, f_max, *, gradual=False, retraining=False, parts=1, horizon=HORIZON):
    """Years at which each step of 1 / parts doublings is done, (draw, step); inf once a path has ended."""
    r, parallel, left, f_max = (np.asarray(each, dtype=float) for each in (r, parallel, left, f_max))
    steps = int(np.ceil(left.max() * parts))
    found = np.full((len(r), steps + 1), np.inf)
    found[:, 0], now, returns = 0.0, np.zeros(len(r)), r.copy()
    factor = 1 + START if gradual else f_max
    dt = 1 / (parts * RECENT * factor) * np.ones(len(r))
    alive = np.ones(len(r), dtype=bool)
    for n in range(1, steps + 1):
        alive &= (now < horizon) & ((n - 1) / parts < left) & (returns > 0)
        if not alive.any():
            break
        now = np.where(alive, now + dt, now)
        found[alive, n] = now[alive]
        returns = returns - r / (left * parts)
        x = parallel * (1 / np.where(returns > 1e-3, returns, np.inf) - 1)
        x = x / np.abs(1 + x) if retraining else x
        dt = np.minimum(dt * 2.0 ** (x / parts), 1e100)
        if gradual:
            boosted = 1 + START * (f_max / START) ** np.minimum(now / BOOST_YEARS, 1)
            dt, factor = dt * factor / boosted, boosted
    return found


def happened(found, doublings, years, *, parts=1):
    """Whether some window of this many doublings takes less than these years."""
    k = doublings * parts
    if k >= found.shape[1]:
        return np.zeros(len(found), dtype=bool)
    with np.errstate(invalid="ignore"):
        return np.any(found[:, k:] - found[:, :-k] < years, axis=1)
