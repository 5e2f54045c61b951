"""A prior as its author states it: a family and its numbers, and the tables that hold them.

A prior is used through its quantile function at a standard normal score z, `x = F^-1(Phi(z))` (`Prior.at`), which serves
every family with one formula: draws are `at(standard normal draws)`, and the model puts the same curve on a normal latent.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from numbers import Real

import numpy as np

from ..base.errors import DataError, Problems, plain
from ..base.reading import number_meant
from .curves import MOST_SKEW, SCORE_LIMIT, beta_shapes, log_density, log_skew, masses, quantile

__all__ = [
    "FAMILIES",
    "SCORE_LIMIT",
    "Prior",
    "is_finite",
]

SMALLEST, LARGEST = 1e-9, 1e9
"""Numbers of a prior outside this range (of either sign, 0 apart) are taken for mistakes; beyond it growth overflows."""

FAMILIES = {
    "fixed": ("value",),
    "uniform": ("lower", "upper"),
    "loguniform": ("lower", "upper"),
    "normal": ("q05", "q95"),
    "lognormal": ("q05", "q95"),
    "quantiles": ("q05", "q50", "q95"),
    "halfnormal": ("q95",),
    "beta": ("q05", "q95"),
    "mixture": ("weights", "parts"),
}
"""Every family with the keys of its numbers."""


@dataclass(frozen=True, kw_only=True)
class Prior:
    """A distribution as its author states it; make one with `lognormal(1.5, 3.0)` and its siblings.

    Attributes
    ----------
    family : str
        "fixed", "uniform", "loguniform", "normal", "lognormal", "quantiles", "halfnormal", "beta" or
        "mixture".
    numbers : tuple of float
        The family's own, in the order of the file: `value`, or `lower, upper`, or `q05, q95`, or `q05, q50, q95`, or `q95`; weights for a mixture.
    parts : tuple of Prior
        The parts of a mixture; empty for the other families.
    shapes : tuple of float
        The two shape parameters of a beta; NaN for the other families.

    Raises
    ------
    DataError
        If the family is unknown, or its numbers are too few, too many, not finite, out of order or out of range: each is 0 or of a
        size from 1e-9 to 1e9.
    """

    family: str
    numbers: tuple[float, ...]
    parts: tuple[Prior, ...] = ()
    shapes: tuple[float, float] = field(default=(math.nan, math.nan), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_numbers(self)
        object.__setattr__(self, "numbers", tuple(float(number) for number in self.numbers))
        if self.family == "beta":
            object.__setattr__(self, "shapes", beta_shapes(*self.numbers))

    @property
    def support(self) -> tuple[float, float]:
        """Lower and upper end of what the quantity can be."""
        match self.family:
            case "fixed":
                return self.numbers[0], self.numbers[0]
            case "uniform" | "loguniform":
                return self.numbers[0], self.numbers[1]
            case "normal":
                return -math.inf, math.inf
            case "beta":
                return 0.0, 1.0
            case "mixture":
                ends = [part.support for part in self.parts]
                return min(low for low, _ in ends), max(high for _, high in ends)
            case _:
                return 0.0, math.inf

    def scaled(self, factor: float) -> Prior:
        """The prior of the quantity times a factor.

        Parameters
        ----------
        factor : float
            A number above 0.

        Returns
        -------
        Prior
            Of the same family.

        Raises
        ------
        DataError
            For a beta, which cannot leave (0, 1), and where a scaled number is out of range.
        """
        if self.family == "beta":
            raise DataError("prior", plain("a beta"), "a family that can be scaled")
        if self.family == "mixture":
            return dataclasses.replace(self, parts=tuple(part.scaled(factor) for part in self.parts))
        return dataclasses.replace(self, numbers=tuple(factor * number for number in self.numbers))

    @property
    def has_atom(self) -> bool:
        """Whether a single value has positive probability."""
        return self.family == "fixed" or any(part.has_atom for part in self.parts)

    @property
    def leaves(self) -> tuple[tuple[float, Prior], ...]:
        """What it is a mixture of, mixtures within it taken apart, with their weights; itself where it is none."""
        if self.family != "mixture":
            return ((1.0, self),)
        return tuple(
            (weight * inner, leaf)
            for weight, part in zip(self.numbers, self.parts, strict=True)
            if weight > 0
            for inner, leaf in part.leaves
        )

    def score(self, x: np.ndarray | float) -> np.ndarray:
        """The standard normal score of a value, elementwise: the inverse of `at`.

        Parameters
        ----------
        x : float or np.ndarray
            Values, in the unit of the quantity.

        Returns
        -------
        np.ndarray
            Scores, of the shape of `x`.
        """
        from scipy.special import ndtri

        below, above = masses(self, x)
        return np.where(below < above, ndtri(below), -ndtri(above))

    def at(self, score: np.ndarray | float) -> np.ndarray:
        """The value at a standard normal score: the quantile at Phi(score), elementwise.

        Parameters
        ----------
        score : float or np.ndarray
            Scores; those beyond -8 and 8 count as -8 and 8.

        Returns
        -------
        np.ndarray
            Values in the unit of the quantity, of the shape of `score`.
        """
        return quantile(self, score)

    def median(self) -> float:
        """The value that the quantity exceeds with probability one half.

        Returns
        -------
        float
            In the unit of the quantity.
        """
        return float(self.at(0.0))

    def cdf(self, x: np.ndarray | float) -> np.ndarray:
        """Probability of a value at most x, elementwise.

        Parameters
        ----------
        x : float or np.ndarray
            Values, in the unit of the quantity.

        Returns
        -------
        np.ndarray
            Probabilities, of the shape of `x`.
        """
        return masses(self, x)[0]

    def sf(self, x: np.ndarray | float) -> np.ndarray:
        """Probability of a value above x, elementwise; accurate where the cdf is nearly 1.

        Parameters
        ----------
        x : float or np.ndarray
            Values, in the unit of the quantity.

        Returns
        -------
        np.ndarray
            Probabilities, of the shape of `x`.
        """
        return masses(self, x)[1]

    def logpdf(self, x: np.ndarray | float) -> np.ndarray:
        """Log density at x, elementwise.

        Parameters
        ----------
        x : float or np.ndarray
            Values, in the unit of the quantity.

        Returns
        -------
        np.ndarray
            Natural log of the density, of the shape of `x`; -inf outside the support.

        Raises
        ------
        ValueError
            For a prior with an atom, which has no density.
        """
        if self.has_atom:
            raise ValueError(
                f"logpdf: found a prior with a fixed value ({self.family}), want a continuous one"
            )
        return log_density(self, x)


def is_finite(number: object) -> bool:
    """Whether this is a real number (no bool) that a float can hold."""
    try:
        return isinstance(number, Real) and not isinstance(number, bool) and math.isfinite(number)
    except OverflowError:
        return False


def _check_numbers(prior: Prior) -> None:
    where, n = "prior", prior.numbers
    if prior.family not in FAMILIES:
        raise DataError(f"{where} family", prior.family, "one of " + ", ".join(FAMILIES))
    names = FAMILIES[prior.family]
    if prior.family == "mixture":
        names = tuple(f"weights[{i}]" for i in range(len(n)))
        if len(n) != len(prior.parts) or len(n) < 2:
            raise DataError(
                f"{where} weights",
                plain(f"{len(n)} weights and {len(prior.parts)} parts"),
                "as many, at least 2",
            )
    elif len(n) != len(names):
        raise DataError(where, plain(f"{len(n)} numbers"), f"{len(names)} ({', '.join(names)})")
    with Problems() as problems:
        for name, number in zip(names, n, strict=True):
            if prior.family == "fixed" and number == math.inf:
                continue  # no limit; which quantity may have none is checked where quantities are known
            if not is_finite(number):
                meant = number_meant(number)
                hint = "" if meant is None else f" without quotation marks, as in {meant:g}"
                problems.refuse(f"{where} {name}", number, f"a finite number{hint}")
            elif number != 0 and prior.family != "mixture" and not SMALLEST <= abs(number) <= LARGEST:
                problems.refuse(f"{where} {name}", number, f"0 or a size from {SMALLEST:g} to {LARGEST:g}")
    match prior.family:
        case "mixture":
            if any(part.numbers == (math.inf,) for part in prior.parts):
                raise DataError(f"{where} parts", math.inf, "finite numbers within a mixture")
            if min(n) < 0 or not math.isclose(sum(n), 1, rel_tol=0, abs_tol=1e-9):
                raise DataError(f"{where} weights", list(n), "weights of at least 0 that sum to 1")
        case "uniform" | "loguniform" | "normal" | "lognormal" | "beta" if n[0] >= n[1]:
            raise DataError(
                f"{where} {names[0]}",
                plain(f"{n[0]:g}, not below {names[1]} {n[1]:g}"),
                f"{names[0]} < {names[1]} (are the two swapped?)",
            )
        case "quantiles" if not n[0] < n[1] < n[2]:
            raise DataError(f"{where} q50", plain(" / ".join(f"{x:g}" for x in n)), "q05 < q50 < q95")
    if prior.family in ("loguniform", "lognormal", "quantiles", "beta", "halfnormal") and n[0] <= 0:
        raise DataError(f"{where} {names[0]}", n[0], "a number above 0")
    if prior.family == "beta" and n[1] >= 1:
        raise DataError(f"{where} q95", n[1], "a number below 1")
    if prior.family == "quantiles" and not 1 / MOST_SKEW < (skew := log_skew(n)) < MOST_SKEW:
        side, times = ("upper", skew) if skew > 1 else ("lower", 1 / skew)
        found = plain(f"a tail to the {side} side {times:.3g} times as long as the other, on a log scale")
        raise DataError(f"{where} q50", found, f"at most {MOST_SKEW:g} times, or a mixture")
