"""The model of a raw history recovers what its worlds were made with, where regimes and instruments change, too."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import binom, chi2
from series_worlds import REFITS, check_recovery, from_prior, panel, raw, short_posterior, simulated

from sie.histories.arrays import as_history
from sie.histories.fit import replicate

WORLDS = 80
"""Worlds of a prediction."""

NAMES = ["r", "lambda", "prior_effort", "irregularity", "regime_spread", "r_of"]
UNDATED = ["old"] * 3 + ["old or new"] * 3 + ["new"] * 3
THREE = ["old"] * 3 + ["new"] * 2 + ["new or later"] * 2 + ["later"] * 2


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "regime", "instruments", "names"),
    [
        ("record", UNDATED, 1, NAMES),
        ("measurement", THREE, 2, NAMES),
    ],
    ids=[
        "records of two regimes",
        "measurements of three regimes by two instruments",
    ],
)
def test_truths_drawn_from_the_prior_are_recovered(kind, regime, instruments, names):
    """Half of the worlds of records have ties; a tie taken for a gain of a known tiny size would lose lambda. Independent errors,
    what a regression has, are far too narrow."""
    years, counts = panel()
    error = np.full(9, 4.0) if kind == "measurement" else None
    series = raw(years, np.linspace(0, 3, 9), counts, kind=kind, regime=regime, error=error)
    if instruments == 2:
        series = series.assign(instrument=("observation", ["x"] * 7 + ["y"] * 2))
    held = check_recovery(as_history(series), names, seed=11)
    assert held < 0.6 * REFITS


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["record", "measurement"])
def test_what_comes_after_the_fit_lies_where_it_was_predicted(kind):
    """Ranks of the last output among its predictions, in worlds of which only the first six gains are fitted."""
    years, counts = panel()
    error = np.full(9, 4.0) if kind == "measurement" else None
    series = raw(years, np.linspace(0, 3, 9), counts, kind=kind, error=error)
    past = as_history(series, until=years[6] + 0.01)
    assert (past.fitted, len(past.years)) == (6, 8)
    rng = np.random.default_rng(5)
    truths = from_prior(past, WORLDS, rng)
    scores, inside = [], 0
    for i in range(WORLDS):
        made, _, outputs = simulated(past, truths, i, rng)
        made = replace(made, log2_output=np.concatenate([[0.0], outputs]))
        draws = short_posterior(made, seed=i)
        found = replicate(draws, made, seed=i)
        share = (found.data[:, -1] < found.observed[-1]).mean()
        scores.append(ndtri((share * len(found.data) + 0.5) / (len(found.data) + 1)))
        inside += abs(share - 0.5) < 0.45
    low, high = chi2.ppf([0.005, 0.995], WORLDS)
    assert low <= np.square(scores).sum() <= high
    low, high = binom.ppf([0.005, 0.995], WORLDS, 0.9)
    assert low <= inside <= high
