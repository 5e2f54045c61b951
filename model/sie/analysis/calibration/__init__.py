"""Simulation-based calibration: worlds drawn from the priors and refitted (`worlds`), the verdict on their ranks (`summary`), and what
is left out of the model (`varied`)."""

__all__ = ["summary", "varied", "worlds"]
