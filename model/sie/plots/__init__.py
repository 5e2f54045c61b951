"""Figures, drawn in one style whatever the user's matplotlib settings, and the words in which numbers are told."""

__all__ = [
    "calibration",
    "differences",
    "draws",
    "evidence",
    "histories",
    "paths",
    "sensitivity",
    "style",
    "timeline",
    "wording",
]
