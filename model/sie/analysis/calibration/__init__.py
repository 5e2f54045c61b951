"""Simulation-based calibration: worlds drawn from the priors and refitted (`worlds`), and the verdict on their ranks (`summary`)."""

__all__ = ["summary", "worlds"]
