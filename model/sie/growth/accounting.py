"""Arithmetic of the papers around r: growth accounting, labour from algorithms, the discrete toy model. Pure functions.

    q = compute_share q_c + (1 - compute_share) q_l,   takeoff_ratio = conversion q_s (1 - compute_share) / q
    compute_bottleneck = e(0) q_l / (a q_l + (1 - a) q_c)
    labour_exponent = cost penalty + cost speed (1 - penalty) + productivity,   parallel_exponent = labour_exponent / penalty
    parallel_share = penalty a / (penalty a + 1 - a),   a in serial labour,   g_serial = penalty g_parallel
    toy_ratio = 2^(1/r - 1),   asymptote = first / (1 - toy_ratio)

They turn what authors measure into what growth runs on.
"""

from __future__ import annotations

import math

import numpy as np

from ..base.errors import DataError
from ..data.quantities import SERIAL_PENALTY

__all__ = [
    "RESEARCH_INFERENCE",
    "SERIAL_PENALTY",
    "compute_factor",
    "input_growth",
    "labour_exponent",
    "mixed_compute_factor",
    "parallel_exponent",
    "parallel_share",
    "retraining_months",
    "serial_share",
    "takeoff_ratio",
    "toy_model",
    "toy_ratio",
]

RESEARCH_INFERENCE = 0.2
"""Share of compute that runs AI researchers, the rest running experiments (Greenblatt 2025, appendix on compute)."""


def input_growth(compute_share, compute_growth, labour_growth):
    """q = p q_c + (1 - p) q_l: growth of research input from the growth of compute and labour, in the unit of both.

    `compute_share` is compute's share p (Deep 2025, comments, equation 4). Elementwise.
    """
    return np.add(
        np.multiply(compute_share, compute_growth), np.multiply(np.subtract(1, compute_share), labour_growth)
    )


def takeoff_ratio(compute_share, *, software_growth, compute_growth, labour_growth, conversion=1.0):
    """(r / q) (1 - p): above 1, AI research labour alone makes software grow ever faster (Deep 2025, comments).

    Elementwise: arrays of draws give the ratio's uncertainty.

    Parameters
    ----------
    compute_share : array_like
        Compute's share p in research input, from 0 to 1.
    software_growth : array_like
        Growth of software in training efficiency, per year: all growth in logs, or all in doublings.
    compute_growth : array_like
        Growth of compute for research, in the same unit.
    labour_growth : array_like
        Growth of research labour in serial equivalents, in the same unit.
    conversion : array_like, optional
        Labour doublings per doubling of training efficiency (Greenblatt: about 2).

    Returns
    -------
    float or np.ndarray
        The ratio, without unit, of the broadcast shape.

    References
    ----------
    Deep (2025), comments.
    """
    returns = np.multiply(conversion, software_growth) / input_growth(
        compute_share, compute_growth, labour_growth
    )
    return returns * np.subtract(1, compute_share)


def compute_factor(labour_share, *, labour_growth, compute_growth, share_at_asara=None):
    """The factor on an r measured against labour alone when compute stands still: e(0) g_l / (a g_l + (1 - a) g_c).

    Elementwise, over numbers or arrays of draws.

    Parameters
    ----------
    labour_share : array_like
        Labour's share a in research input in the history that r was measured on, from 0 to 1.
    labour_growth : array_like
        Growth g_l of research labour in that history, per year: natural log or doublings.
    compute_growth : array_like
        Growth g_c of research compute in that history, in the same unit.
    share_at_asara : array_like, optional
        The share e(0) at ASARA, where it differs from `labour_share` (default: the same).

    Returns
    -------
    float or np.ndarray
        The factor, without unit, of the broadcast shape.

    See Also
    --------
    takeoff_ratio : The condition for ever faster growth from the same growth rates.

    Examples
    --------
    >>> float(round(sie.compute_factor(0.6, labour_growth=0.3, compute_growth=0.6), 3))
    0.429
    """
    at_asara = labour_share if share_at_asara is None else share_at_asara
    return np.multiply(at_asara, labour_growth) / input_growth(
        np.subtract(1, labour_share), compute_growth, labour_growth
    )


def mixed_compute_factor(labour_share, *, labour_growth, compute_growth, frontier_growth, frontier_weight):
    """`compute_factor` where experiments are useful partly relative to the frontier and partly absolutely (Davidson 2025).

    Compute of experiments near the frontier grew only by what is left after the growth of the frontier run, so that growth
    counts with `frontier_weight` less: g_c - frontier_weight x frontier_growth.
    """
    effective = np.subtract(compute_growth, np.multiply(frontier_weight, frontier_growth))
    return compute_factor(labour_share, labour_growth=labour_growth, compute_growth=effective)


def labour_exponent(*, cost=1.0, speed=1.0, productivity=0.0, penalty=SERIAL_PENALTY):
    """Doublings of serial-equivalent labour per doubling of algorithmic progress (Greenblatt 2025, appendix).

    Labour is cost_reduction^penalty x speed^(1 - penalty) x productivity per token. Greenblatt has a cost of 1.25, a speed of 1/3 and
    a productivity of 0, which is exactly 1; his guess is 1.1, and 1.3 with much capability gain.

    Parameters
    ----------
    cost : float, optional
        Doublings of cost reduction per doubling of algorithms.
    speed : float, optional
        Doublings of speed per doubling of cost reduction.
    productivity : float, optional
        Doublings of productivity per token per doubling of algorithms.
    penalty : float, optional
        Exponent from parallel to serial-equivalent labour, from 0 to 1.

    Returns
    -------
    float
        Doublings of serial-equivalent labour per doubling of algorithms.

    References
    ----------
    Greenblatt (2025), appendix.

    Examples
    --------
    >>> round(sie.labour_exponent(cost=1.25, speed=1 / 3), 12)
    1.0
    """
    return cost * penalty + cost * speed * (1 - penalty) + productivity


def parallel_exponent(serial, *, penalty=SERIAL_PENALTY):
    """Doublings (or growth) of parallel labour from those of serial-equivalent labour: serial / penalty.

    Per doubling of algorithms, 1.0, 1.1 and 1.3 give 1.43, 1.57 and 1.86; Davidson's parallel estimate is 2. This is a prior on `capabilities`.
    """
    return np.divide(serial, penalty)


def parallel_share(serial, *, penalty=SERIAL_PENALTY):
    """Labour's share in research input counted in parallel labour, from the share counted in serial-equivalent labour.

    Serial labour is parallel labour to the power `penalty`, so that its elasticity a is penalty x a in parallel labour, beside 1 - a
    of compute, and shares sum to 1: 0.6 is 0.51. Growth converts too (`parallel_exponent`), and `compute_factor` is then the
    same in both. A serial share with parallel growth is neither: 0.43 in place of 0.34. Elementwise, both from 0 to 1.
    """
    own = np.multiply(penalty, serial)
    return own / (own + np.subtract(1, serial))


def serial_share(parallel, *, penalty=SERIAL_PENALTY):
    """The inverse of `parallel_share`: labour's share counted in serial-equivalent labour, elementwise."""
    return parallel_share(parallel, penalty=1 / penalty)


def toy_ratio(r):
    """Length of a doubling over the one before it: 2^(1/r) papers for 2 workers (Eth & Davidson 2025, footnotes 23, 25)."""
    return np.exp2(1 / np.asarray(r, dtype=float) - 1)


def toy_model(first: float, ratio: float, doublings: int) -> tuple[list[dict[str, float]], float]:
    """The report's discrete toy model, one row for each doubling of the workforce of AIs, and its asymptote.

    The asymptote is the time at which infinitely many doublings are done: first / (1 - ratio / 2), inf unless ratio < 2.

    Parameters
    ----------
    first : float
        Length of the first doubling, above 0, in any unit of time (the report uses months).
    ratio : float
        Papers that a doubling needs over those of the doubling before it, above 0.
    doublings : int
        Number of rows.

    Returns
    -------
    rows : list of dict
        Each has `workers` and `papers` (in units of one worker's output), the doubling's `time`, and the `elapsed` time at its end.
    asymptote : float
        In the unit of `first`.

    Raises
    ------
    DataError
        If `first` or `ratio` is not above 0.

    References
    ----------
    Eth & Davidson (2025), tables 1 to 3.

    Examples
    --------
    >>> rows, asymptote = sie.toy_model(12, 1.5, 3)
    >>> asymptote
    48.0
    """
    if not first > 0 or not ratio > 0:
        raise DataError("toy model", (first, ratio), "a first doubling and a ratio above 0")
    rows, elapsed = [], 0.0
    for n in range(doublings):
        workers, papers = 2.0**n, first * ratio**n
        elapsed += papers / workers
        rows.append({"workers": workers, "papers": papers, "time": papers / workers, "elapsed": elapsed})
    return rows, first / (1 - ratio / 2) if ratio < 2 else math.inf


def retraining_months(first: float, shrink: float) -> float:
    """Months for any number of training runs, each `shrink` times the last: first / (1 - shrink) (footnotes 42, 43).

    inf where runs do not get shorter.
    """
    return first / (1 - shrink) if shrink < 1 else math.inf
