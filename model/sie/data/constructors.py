"""The families of priors by name: `lognormal(1.5, 3.0)` and its siblings make a `Prior`."""

from __future__ import annotations

from collections.abc import Iterable

from .families import Prior

__all__ = [
    "beta",
    "fixed",
    "halfnormal",
    "lognormal",
    "loguniform",
    "mixture",
    "normal",
    "quantiles",
    "uniform",
]


def fixed(value: float) -> Prior:
    """A quantity that is known exactly.

    Evidence cannot move a quantity that has this prior.

    Parameters
    ----------
    value : float
        Its value, 0 or of a size from 1e-9 to 1e9; inf for a quantity that may be without limit (a ceiling: none).

    Returns
    -------
    Prior
        The family "fixed".

    Raises
    ------
    DataError
        If the value is NaN, -inf or out of range.

    Examples
    --------
    >>> view = sie.read_view("davidson_2025").replace(sigma=sie.fixed(0.7))
    """
    return Prior(family="fixed", numbers=(value,))


def uniform(lower: float, upper: float) -> Prior:
    """Equally likely anywhere between two bounds.

    Parameters
    ----------
    lower, upper : float
        The bounds, in the unit of the quantity; lower < upper, each 0 or of a size from 1e-9 to 1e9.

    Returns
    -------
    Prior
        The family "uniform".

    Raises
    ------
    DataError
        If a bound is out of range, or `lower` is not below `upper`.

    Examples
    --------
    >>> sie.uniform(6, 16).median()
    11.0
    """
    return Prior(family="uniform", numbers=(lower, upper))


def loguniform(lower: float, upper: float) -> Prior:
    """A quantity whose logarithm is equally likely anywhere between two bounds.

    Parameters
    ----------
    lower, upper : float
        The bounds, in the unit of the quantity; 1e-9 <= lower < upper <= 1e9.

    Returns
    -------
    Prior
        The family "loguniform".

    Raises
    ------
    DataError
        If a bound is out of range, or `lower` is not below `upper`.

    Examples
    --------
    >>> round(sie.loguniform(1, 100).median(), 9)
    10.0
    """
    return Prior(family="loguniform", numbers=(lower, upper))


def normal(q05: float, q95: float) -> Prior:
    """Normal with these 5 % and 95 % quantiles.

    Parameters
    ----------
    q05, q95 : float
        The quantiles, in the unit of the quantity; q05 < q95, each 0 or of a size from 1e-9 to 1e9.

    Returns
    -------
    Prior
        The family "normal".

    Raises
    ------
    DataError
        If a quantile is out of range, or `q05` is not below `q95`.

    Examples
    --------
    >>> sie.normal(-1, 3).median()
    1.0
    """
    return Prior(family="normal", numbers=(q05, q95))


def lognormal(q05: float, q95: float) -> Prior:
    """Log-normal with these 5 % and 95 % quantiles; the median is their geometric mean.

    Parameters
    ----------
    q05, q95 : float
        The quantiles, in the unit of the quantity; 1e-9 <= q05 < q95 <= 1e9.

    Returns
    -------
    Prior
        The family "lognormal".

    Raises
    ------
    DataError
        If a quantile is out of range, or `q05` is not below `q95`.

    Examples
    --------
    >>> round(sie.lognormal(1, 4).median(), 9)
    2.0
    """
    return Prior(family="lognormal", numbers=(q05, q95))


def quantiles(q05: float, q50: float, q95: float) -> Prior:
    """A quantity above 0 with these 5, 50 and 95 % quantiles.

    Its logarithm has normal tails with a different standard deviation on each side, joined smoothly around the median. If
    q50 is the geometric mean of the others it is `lognormal`.

    Parameters
    ----------
    q05, q50, q95 : float
        The quantiles, in the unit of the quantity; 1e-9 <= q05 < q50 < q95 <= 1e9. Neither side may be more than 6 times as long as the
        other, in log.

    Returns
    -------
    Prior
        The family "quantiles".

    Raises
    ------
    DataError
        If a quantile is out of range or order, or one side is too long.

    Examples
    --------
    >>> sie.quantiles(1, 2, 10).at([-1.6448536269514722, 0, 1.6448536269514722]).round(9).tolist()
    [1.0, 2.0, 10.0]
    """
    return Prior(family="quantiles", numbers=(q05, q50, q95))


def halfnormal(q95: float) -> Prior:
    """The upper half of a normal around 0, with this 95 % quantile.

    Parameters
    ----------
    q95 : float
        The quantile, in the unit of the quantity, from 1e-9 to 1e9.

    Returns
    -------
    Prior
        The family "halfnormal".

    Raises
    ------
    DataError
        If the quantile is out of range.

    Examples
    --------
    >>> float(sie.halfnormal(1.0).cdf(1.0))
    0.95
    """
    return Prior(family="halfnormal", numbers=(q95,))


def beta(q05: float, q95: float) -> Prior:
    """Beta on (0, 1) with these 5 % and 95 % quantiles.

    The two shape parameters are found numerically.

    Parameters
    ----------
    q05, q95 : float
        The quantiles; 1e-9 <= q05 < q95 < 1.

    Returns
    -------
    Prior
        The family "beta".

    Raises
    ------
    DataError
        If a quantile is out of range, `q05` is not below `q95`, or no beta distribution has these quantiles.

    Examples
    --------
    >>> float(sie.beta(0.2, 0.6).cdf(0.6).round(6))
    0.95
    """
    return Prior(family="beta", numbers=(q05, q95))


def mixture(weights: Iterable[float], parts: Iterable[Prior]) -> Prior:
    """One of several priors, with these probabilities.

    Parameters
    ----------
    weights : iterable of float
        A probability for each part, at least 0, with sum 1.
    parts : iterable of Prior
        At least two priors of finite numbers. A quantity that evidence may move takes no fixed part.

    Returns
    -------
    Prior
        The family "mixture".

    Raises
    ------
    DataError
        If there are fewer than two parts, not as many weights as parts, weights that are negative or do not sum to 1, or a part fixed
        at inf.

    Examples
    --------
    >>> prior = sie.mixture([0.8, 0.2], [sie.lognormal(1.5, 3.0), sie.uniform(3.0, 10.0)])
    >>> view = sie.read_view("davidson_2025").replace(capabilities=prior)
    """
    return Prior(family="mixture", numbers=tuple(weights), parts=tuple(parts))
