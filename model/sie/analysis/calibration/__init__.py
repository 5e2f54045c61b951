"""Simulation-based calibration: worlds drawn from the priors and refitted, and the verdict on their ranks."""
