"""Each event from its printed definition, by brute force on the differential equation, for draws of every view."""

import math

import numpy as np
import pytest

import sie
from sie.growth.credences import indicators

DRAWS, LOOKED_AT, POINTS = 1000, 24, 60_001

CLEAR = 0.02
"""Relative distance from its boundary within which an event is not tested."""


def path(draw):
    """Doublings, log2 of the pace and years on a fine grid, from the slope of the log pace alone."""
    u = np.linspace(0, 1, POINTS)
    left, gone, shape = draw["doublings_left"], draw["doublings_gained"], draw["shape"]
    x = left * (1 - (1 - u) ** 3)[:-40]
    a, sigma, epsilon = draw["labour_share_asara"], draw["sigma"], draw["epsilon"]
    odds = math.log(a) - math.log1p(-a) if a < 1 else math.inf
    share = 1 / (1 + np.exp(-np.clip(odds + (1 - 1 / sigma) * (1 - epsilon) * x * math.log(2), -700, 700)))
    input_gain = share + (1 - share) * epsilon
    lambda_ = draw["parallel"] / (a + (1 - a) * epsilon)
    whole = gone + left
    now, then = 1 - (gone / whole) ** shape, 1 - ((gone + x) / whole) ** shape
    slope = lambda_ * input_gain - draw["parallel"] / draw["r_asara"] * now / then
    steps = np.diff(x)
    log2_pace = math.log2(draw["pace_asara"]) + np.concatenate(
        [[0], np.cumsum((slope[1:] + slope[:-1]) / 2 * steps)]
    )
    slowest = np.maximum(log2_pace, -900.0)  # all but at the ceiling
    a_step = np.exp2(-slowest[:-1]) * steps
    fall = np.diff(slowest) * math.log(2)
    years = np.concatenate(
        [
            [0],
            np.cumsum(
                a_step * np.where(abs(fall) < 1e-9, 1, -np.expm1(-fall) / np.where(fall == 0, 1, fall))
            ),
        ]
    )
    return x, log2_pace, years


def by_hand(draw):
    """Each event's value over its boundary: above 1 the event happens."""
    x, log2_pace, years = path(draw)
    recent, share, conversion = (
        draw[name] for name in ("recent_doublings_per_year", "software_share", "conversion")
    )
    progress, oom = recent / share, math.log2(10) * conversion

    def shortest(doublings):
        """The least time in which so much is gained, from any moment on."""
        begins = x[x + doublings <= x[-1]]
        if not len(begins):
            return math.inf
        return float(np.min(np.interp(begins + doublings, x, years) - years[: len(begins)]))

    def within(doublings, limit):
        """Limit over the least time; a gain beyond the ceiling never happens."""
        took = shortest(doublings)
        return limit / took if took > 0 else math.inf

    peak, r = 2.0 ** min(log2_pace.max(), 1000), draw["r_asara"]
    ahead = np.max(x - recent * years) / (math.log2(500) * conversion)
    return {
        "r_above_1": r,
        "r_above_0_75": r / 0.75,
        "pace_doubles": peak / (2 * draw["pace_asara"]),
        "years_3_in_1y": within(3 * progress, 1),
        "years_10_in_1y": within(10 * progress, 1),
        "years_3_in_4m": within(3 * progress, 4 / 12),
        "years_10_in_4m": within(10 * progress, 4 / 12),
        "ooms_5_in_1y": within(5 * oom, 1),
        "gain_500x": min(r, ahead) if abs(r - 1) > CLEAR else r,
        "half_year_beats_three": within(3 * progress, 0.5),
        "pace_above_5x": peak / (5 * recent),
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", sie.view_names())
def test_every_event_is_what_its_words_say(name):
    draws = sie.prior(sie.read_view(name), draws=DRAWS, seed=7)
    happens = indicators(sie.simulate(draws), list(sie.EVENTS))
    tested = dict.fromkeys(sie.EVENTS, 0)
    values = {key: variable.values.ravel() for key, variable in draws.data_vars.items()}
    for i in np.linspace(0, DRAWS - 1, LOOKED_AT).astype(int):
        draw = {key: float(value[i]) for key, value in values.items()}
        draw.setdefault("doublings_gained", 0.0)
        for event, over in by_hand(draw).items():
            if abs(over - 1) > CLEAR:
                tested[event] += 1
                assert bool(happens.sel(event=event).values[i]) == (over > 1), (event, i, over)
    assert min(tested.values()) >= LOOKED_AT - 4
