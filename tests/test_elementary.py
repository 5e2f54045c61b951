"""2^x and log2 x against numpy."""

import numpy as np
import pytest
from numba import njit

from sie.growth.kernels import elementary

ULPS = 4 * np.finfo(float).eps


@njit
def exp2(x):
    return np.array([elementary.exp2(at) for at in x])


@njit
def log2(x):
    return np.array([elementary.log2(at) for at in x])


def test_powers_of_2_are_right_to_the_last_places():
    x = np.concatenate([np.linspace(-1022, 1023, 4001), np.linspace(-2, 2, 4001)])
    np.testing.assert_allclose(exp2(x), np.exp2(x), rtol=ULPS)


def test_logs_are_right_to_the_last_places_even_near_1():
    x = np.concatenate(
        [
            np.geomspace(1e-300, 1e300, 4001),
            1 + np.geomspace(1e-12, 0.5, 999),
            1 - np.geomspace(1e-12, 0.5, 999),
        ]
    )
    np.testing.assert_allclose(log2(x), np.log2(x), rtol=ULPS, atol=1e-19)


def test_powers_neither_overflow_nor_vanish():
    assert exp2(np.array([5000.0, np.inf]))[0] == exp2(np.array([np.inf]))[0] == 2.0**1023
    assert exp2(np.array([-5000.0, -np.inf])).tolist() == [2.0**-1022] * 2


@pytest.mark.parametrize("exponent", [-1022, -1, 0, 1, 52, 1023])
def test_whole_powers_are_exact(exponent):
    assert exp2(np.array([float(exponent)])).item() == 2.0**exponent
    assert log2(np.array([2.0**exponent])).item() == exponent
