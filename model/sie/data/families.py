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

from ..base.errors import DataError, plain
from ..base.stats import Z90, Z95

__all__ = [
    "FAMILIES",
    "Prior",
    "is_finite",
]

SMALLEST, LARGEST = 1e-9, 1e9
"""Numbers of a prior outside this range (of either sign, 0 apart) are taken for mistakes; beyond it growth overflows."""

SCORE_LIMIT = 8.0
"""Standard scores are clipped here (probability 1e-15), so that no draw leaves the finite range of its prior."""

FAMILIES = {
    "fixed": ("value",),
    "uniform": ("lower", "upper"),
    "loguniform": ("lower", "upper"),
    "normal": ("q05", "q95"),
    "lognormal": ("q05", "q95"),
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
        "fixed", "uniform", "loguniform", "normal", "lognormal", "halfnormal", "beta" or "mixture".
    numbers : tuple of float
        The family's own, in the order of the file: `value`, or `lower, upper`, or `q05, q95`, or `q95`; weights for a mixture.
    parts : tuple of Prior
        The parts of a mixture; empty for the other families.
    shapes : tuple of float
        The shape parameters of a beta, which follow from its numbers; NaN for the other families.

    Raises
    ------
    DataError
        If the family is unknown, or its numbers are too few, too many, not finite, out of order or out of range: each is 0 or of a
        size from 1e-9 to 1e9.
    """

    family: str
    numbers: tuple[float, ...]
    parts: tuple[Prior, ...] = ()
    shapes: tuple[float, float] = field(default=(math.nan, math.nan), repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_numbers(self)
        object.__setattr__(self, "numbers", tuple(float(number) for number in self.numbers))
        if self.family == "beta":
            object.__setattr__(self, "shapes", _beta_shapes(*self.numbers))

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

        below, above = self._masses(x)
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
        from scipy.special import betaincinv, erfinv, ndtr, ndtri

        z = np.clip(np.asarray(score, dtype=float), -SCORE_LIMIT, SCORE_LIMIT)
        n = self.numbers
        match self.family:
            case "fixed":
                return np.full_like(z, n[0])
            case "uniform":
                return n[0] + (n[1] - n[0]) * ndtr(z)
            case "loguniform":
                return np.exp(math.log(n[0]) + math.log(n[1] / n[0]) * ndtr(z))
            case "normal":
                return (n[0] + n[1]) / 2 + (n[1] - n[0]) / (2 * Z90) * z
            case "lognormal":
                return np.exp(math.log(n[0] * n[1]) / 2 + math.log(n[1] / n[0]) / (2 * Z90) * z)
            case "halfnormal":
                low, high = math.sqrt(2) * erfinv(ndtr(np.minimum(z, 0))), -ndtri(ndtr(-np.maximum(z, 0)) / 2)
                return _halfnormal_scale(n[0]) * np.where(z < 0, low, high)
            case "beta":
                a, b = self.shapes
                return np.where(z < 0, betaincinv(a, b, ndtr(z)), 1 - betaincinv(b, a, ndtr(-z)))
            case _:
                return self._invert(z)

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
        return self._masses(x)[0]

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
        return self._masses(x)[1]

    def _masses(self, x: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities of a value at most x and of one above it, each to its own relative accuracy."""
        from scipy.special import betainc, betaincc, erf, erfc, ndtr

        x = np.asarray(x, dtype=float)
        n = self.numbers
        with np.errstate(divide="ignore"):
            match self.family:
                case "fixed":
                    return (x >= n[0]).astype(float), (x < n[0]).astype(float)
                case "uniform":
                    x = np.clip(x, n[0], n[1])
                    return (x - n[0]) / (n[1] - n[0]), (n[1] - x) / (n[1] - n[0])
                case "loguniform":
                    x = np.clip(x, n[0], n[1])
                    return np.log(x / n[0]) / math.log(n[1] / n[0]), np.log(n[1] / x) / math.log(n[1] / n[0])
                case "normal":
                    score = (x - (n[0] + n[1]) / 2) / ((n[1] - n[0]) / (2 * Z90))
                    return ndtr(score), ndtr(-score)
                case "lognormal":
                    scale = math.log(n[1] / n[0]) / (2 * Z90)
                    score = (np.log(np.maximum(x, 0)) - math.log(n[0] * n[1]) / 2) / scale
                    return ndtr(score), ndtr(-score)
                case "halfnormal":
                    x = np.maximum(x, 0) / (_halfnormal_scale(n[0]) * math.sqrt(2))
                    return erf(x), erfc(x)
                case "beta":
                    x = np.clip(x, 0, 1)
                    return betainc(*self.shapes, x), betaincc(*self.shapes, x)
                case _:
                    masses = [part._masses(x) for part in self.parts]
                    return (
                        sum((w * below for w, (below, _) in zip(n, masses, strict=True)), np.zeros(())),
                        sum((w * above for w, (_, above) in zip(n, masses, strict=True)), np.zeros(())),
                    )

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
        from scipy.special import betaln, logsumexp, xlog1py, xlogy

        if self.has_atom:
            raise ValueError(
                f"logpdf: found a prior with a fixed value ({self.family}), want a continuous one"
            )
        x = np.asarray(x, dtype=float)
        n = self.numbers
        with np.errstate(divide="ignore", invalid="ignore"):
            match self.family:
                case "uniform":
                    log = np.full_like(x, -math.log(n[1] - n[0]))
                case "loguniform":
                    log = -np.log(x) - math.log(math.log(n[1] / n[0]))
                case "normal":
                    scale = (n[1] - n[0]) / (2 * Z90)
                    log = _log_phi((x - (n[0] + n[1]) / 2) / scale) - math.log(scale)
                case "lognormal":
                    scale = math.log(n[1] / n[0]) / (2 * Z90)
                    log = (
                        _log_phi((np.log(x) - math.log(n[0] * n[1]) / 2) / scale)
                        - math.log(scale)
                        - np.log(x)
                    )
                case "halfnormal":
                    scale = _halfnormal_scale(n[0])
                    log = math.log(2) + _log_phi(x / scale) - math.log(scale)
                case "beta":
                    a, b = self.shapes
                    log = xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b)
                case _:
                    terms = [
                        math.log(w) + part.logpdf(x) for w, part in zip(n, self.parts, strict=True) if w > 0
                    ]
                    log = np.asarray(logsumexp(terms, axis=0))
        low, high = self.support
        return np.where((x >= low) & (x <= high) & ~np.isnan(log), log, -np.inf)

    def _invert(self, z: np.ndarray) -> np.ndarray:
        """Quantiles of a mixture, between the quantiles of its parts (Chandrupatla 1997)."""
        from scipy.optimize.elementwise import find_root
        from scipy.special import ndtr

        def excess(x, score):
            below, above = self._masses(x)
            return np.where(score < 0, below - ndtr(score), ndtr(-score) - above)

        ends = np.stack([part.at(z) for _, part in self.leaves])
        low, high = ends.min(axis=0), ends.max(axis=0)
        found = find_root(
            excess, (low, high), args=(z,), tolerances={"xatol": 0, "xrtol": 1e-15, "fatol": 0, "frtol": 0}
        )
        # At a quantile of a part, rounding may leave both ends on one side.
        nearest = np.where(np.abs(excess(low, z)) <= np.abs(excess(high, z)), low, high)
        return np.where(np.isfinite(found.x), found.x, nearest)


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
    for name, number in zip(names, n, strict=True):
        if prior.family == "fixed" and number == math.inf:
            continue  # no limit; which quantity may have none is checked where quantities are known
        if not is_finite(number):
            raise DataError(f"{where} {name}", number, "a finite number")
        if number != 0 and prior.family != "mixture" and not SMALLEST <= abs(number) <= LARGEST:
            raise DataError(f"{where} {name}", number, f"0 or a size from {SMALLEST:g} to {LARGEST:g}")
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
                f"{names[0]} < {names[1]}",
            )
    if prior.family in ("loguniform", "lognormal", "beta", "halfnormal") and n[0] <= 0:
        raise DataError(f"{where} {names[0]}", n[0], "a number above 0")
    if prior.family == "beta" and n[1] >= 1:
        raise DataError(f"{where} q95", n[1], "a number below 1")


def _log_phi(x: np.ndarray) -> np.ndarray:
    return -0.5 * x * x - 0.5 * math.log(2 * math.pi)


def _halfnormal_scale(q95: float) -> float:
    return q95 / Z95


def _beta_shapes(q05: float, q95: float) -> tuple[float, float]:
    """The shape parameters (a, b) whose 5 % and 95 % quantiles are these."""
    from scipy.optimize import root
    from scipy.special import betaincinv, logit

    middle, half = (q05 + q95) / 2, (q95 - q05) / (2 * Z90)
    size = max(middle * (1 - middle) / half**2 - 1, 0.2)
    start = np.log([middle * size, (1 - middle) * size])

    def miss(log_shapes: np.ndarray) -> list[float]:
        a, b = np.exp(np.clip(log_shapes, -20, 20))
        got = np.clip(betaincinv(a, b, [0.05, 0.95]), 1e-300, 1 - 1e-16)
        return list(logit(got) - logit([q05, q95]))

    found = root(miss, start, tol=1e-12)
    if np.abs(miss(found.x)).max() > 1e-6:
        raise DataError(
            "prior beta", plain(f"q05 {q05:g} and q95 {q95:g}"), "quantiles that a beta distribution can have"
        )
    a, b = np.exp(found.x)
    return float(a), float(b)
