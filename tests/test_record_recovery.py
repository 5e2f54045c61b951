"""The model of a history of records recovers what its worlds were made with."""

import numpy as np
import pytest
from series_worlds import check_recovery, panel, raw

from sie.histories.arrays import as_history


@pytest.mark.slow
def test_truths_drawn_from_the_prior_are_recovered_from_records():
    """Half of these worlds have ties; a tie taken for a gain of a known tiny size would lose lambda."""
    years, counts = panel()
    past = as_history(raw(years, np.linspace(0, 3, 9), counts))
    check_recovery(past, ["r", "lambda", "prior_effort", "irregularity"], seed=11)
