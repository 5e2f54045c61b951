"""What an answer rests on: results, sensitivity, checks against data, calibration, differences, pools, sweeps, timelines."""

__all__ = [
    "alternatives",
    "backtest",
    "by_year",
    "calibration",
    "checking",
    "differences",
    "doctor",
    "leaving_out",
    "mechanisms",
    "model_checks",
    "parts",
    "pooling",
    "result",
    "sensitivity",
    "sweep",
    "timeline",
]
