"""Figures, drawn in one style whatever the user's matplotlib settings."""

__all__ = [
    "alternatives",
    "calibration",
    "differences",
    "domains",
    "draws",
    "evidence",
    "histories",
    "paths",
    "priors",
    "sensitivity",
    "style",
    "timeline",
]
