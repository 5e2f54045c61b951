"""Reports as text and as one page, saved files, the ledger, the equation page, and the sources' figures recomputed."""

__all__ = [
    "calibration_record",
    "equations",
    "figures",
    "headline",
    "ledger",
    "questions",
    "reproduce",
    "saved",
    "saved_draws",
    "sections",
    "server",
    "snapshot",
    "tables",
    "text",
]
