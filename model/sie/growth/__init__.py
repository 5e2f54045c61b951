"""Growth after ASARA: the law of growth, its paths by exact integration (`kernels`), clocks, events and their credences. Nothing
here samples."""

__all__ = [
    "accounting",
    "calendar",
    "clock",
    "credences",
    "events",
    "explanation",
    "law",
    "mechanisms",
    "outcome",
    "paths",
    "speeds",
    "trajectory",
]
