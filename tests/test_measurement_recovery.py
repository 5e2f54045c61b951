"""The model of a history of measurements recovers what its worlds were made with."""

import numpy as np
import pytest
from series_worlds import check_recovery, panel, raw

from sie.histories.arrays import as_history


@pytest.mark.slow
def test_truths_drawn_from_the_prior_are_recovered_from_measurements():
    years, counts = panel()
    regime = ["old"] * 5 + ["new"] * 4
    made_up = raw(
        years, np.linspace(0, 3, 9), counts, kind="measurement", regime=regime, error=np.full(9, 4.0)
    )
    check_recovery(as_history(made_up), ["r", "lambda", "prior_effort", "irregularity"], seed=11)
