"""Reports as text and as one page, saved files, the ledger, the equation page, and the sources' figures recomputed."""

__all__ = [
    "calibration_record",
    "dictionary",
    "document",
    "equations",
    "export",
    "figures",
    "headline",
    "ledger",
    "payload",
    "reproduce",
    "saved",
    "saved_draws",
    "serving",
    "snapshot",
    "summary",
    "tables",
    "text",
]
