"""Observations of a walk in log elapsed time as independent numbers, free of levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Contrasts", "contrasts_of", "contrasts_of_counts"]


@dataclass(frozen=True, kw_only=True)
class Contrasts:
    """Observations as independent numbers: `values` (contrast) is `rotation` (contrast, gain) times what was observed, of
    variance `walk` (contrast) times that of a random walk a unit of log time, plus that of independent errors."""

    rotation: np.ndarray
    walk: np.ndarray
    values: np.ndarray


def contrasts_of_counts(years: np.ndarray, log_count: np.ndarray) -> Contrasts:
    """Those of the log of a count where it was observed (gain), free of its level."""
    at = np.flatnonzero(np.isfinite(log_count))
    return contrasts_of(years, log_count, at, np.ones((len(at), 1)), np.ones(len(at)))


def contrasts_of(
    years: np.ndarray, observed: np.ndarray, at: np.ndarray, free: np.ndarray, error: np.ndarray
) -> Contrasts:
    """Contrasts of what was `observed` (gain) at some gains, over their errors, that ignore the columns of `free` (at, level)."""
    turn, walk = _rotate(np.log(years[at]), free, error)
    rotation = np.zeros((len(turn), len(observed)))
    rotation[:, at] = turn
    return Contrasts(rotation=rotation, walk=walk, values=turn @ observed[at])


def _rotate(clock: np.ndarray, free: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rotation, walk): rows that ignore the `free` columns and turn a random walk on the clock plus independent errors of
    this size into independent numbers of variance walk * (sd of the walk)^2 + 1."""
    from scipy.linalg import null_space

    basis = null_space((free / error[:, None]).T).T
    covariance = np.minimum.outer(clock - clock[0], clock - clock[0]) / np.outer(error, error)
    walk, vectors = np.linalg.eigh(basis @ covariance @ basis.T)
    return vectors.T @ basis / error, np.maximum(walk, 0.0)
