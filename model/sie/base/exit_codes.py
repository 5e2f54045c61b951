"""How a `sie` command ends: 0 good, 1 only a fault of the program, and these."""

__all__ = ["BAD_INPUT", "CLOSED_PIPE", "INTERRUPTED", "NOT_CALIBRATED", "NOT_CONVERGED"]

BAD_INPUT = 2
"""Bad input, a wrong option, an unknown command, a target that cannot be written, a missing extra."""

NOT_CONVERGED = 3
"""No converged answer; nothing is written."""

NOT_CALIBRATED = 3
"""A calibration whose ranks are not even; everything is written all the same."""

INTERRUPTED = 130

CLOSED_PIPE = 141
"""Broken pipe: the reader of standard output closed it, as in `sie list | head -1`."""
