"""An author's beliefs as frozen data: a `Prior` for a quantity, a `View` for all of them, and the TOML that holds them.

A prior is used through its quantile function at a standard normal score z, `x = F^-1(Phi(z))` (`Prior.at`), which serves
every family with one formula: draws are `at(standard normal draws)`, and the model puts the same curve on a normal latent.
This module knows no PyMC, no evidence and no growth law.
"""

from __future__ import annotations

import copyreg
import dataclasses
import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from types import MappingProxyType

import numpy as np

from .sources import DataError, Source, check_provenance, data_folder, plain, read_sources, read_toml

__all__ = [
    "ADJUSTMENTS",
    "CHAIN",
    "EVENT_NAMES",
    "GROWTH",
    "QUANTITIES",
    "WEIGHTS",
    "Conclusion",
    "Entry",
    "Prior",
    "Quantity",
    "View",
    "beta",
    "draw",
    "fixed",
    "halfnormal",
    "lognormal",
    "loguniform",
    "mixture",
    "normal",
    "read_entry",
    "read_prior",
    "read_view",
    "to_toml",
    "uniform",
    "view_names",
    "view_path",
]

ADJUSTMENTS = ("capabilities", "post_training", "compute_bottleneck", "hardware_scale", "steepening")
"""The factors between a domain's observed r and r at ASARA (design section 2), in the order of Davidson's chain."""

CHAIN = ("r_typical", "spread", *ADJUSTMENTS)
"""What a view states about r when it argues from observed domains."""

GROWTH = (
    "speedup",
    "recent_pace",
    "doublings_per_year_of_progress",
    "ceiling",
    "parallel",
    "labour_share",
    "sigma",
    "experiment_gain",
    "shape",
)
"""What a view states about growth after ASARA."""

EVENT_NAMES = (
    "r_above_1",
    "r_above_0_75",
    "pace_doubles",
    "years_3_in_1y",
    "years_10_in_1y",
    "years_3_in_4m",
    "years_10_in_4m",
    "ooms_5_in_1y",
    "gain_500x",
    "half_year_beats_three",
    "pace_above_5x",
)
"""The names that `[concludes.EVENT]` may use; `credences.EVENTS` gives each its meaning."""

WEIGHTS = "weights.toml"
"""The file beside the views that weighs them; no view itself."""

Z95 = 1.6448536269514722
"""Standard normal 95 % quantile."""

SMALLEST, LARGEST = 1e-9, 1e9
"""Numbers of a prior outside this range (of either sign, 0 apart) are taken for mistakes; beyond it growth overflows."""

SCORE_LIMIT = 8.0
"""Standard scores are clipped here (probability 1e-15), so that no draw leaves the finite range of its prior."""

R_UNIT = "software doublings per doubling of cumulative research input"
_DISTANCES = ("years of progress", "labour doublings", "OOMs of training efficiency")
_PACES = ("labour doublings per year", "training-efficiency doublings per year")


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One quantity of the model: its meaning, its letter in the equations where that is not its name, the units a view may
    state it in, and the range it must keep to."""

    meaning: str
    symbol: str | None = None
    units: tuple[str, ...] = ("1",)
    lower: float = 0.0
    lower_included: bool = False
    upper: float = math.inf


QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "r_typical": Quantity(
            meaning="r of a typical software domain, against labour, before any adjustment", units=(R_UNIT,)
        ),
        "spread": Quantity(
            meaning="standard deviation of log r between domains at remoteness 1", lower_included=True
        ),
        "capabilities": Quantity(
            meaning="factor on r: training efficiency also makes AI smarter, not only cheaper", symbol="f_k"
        ),
        "post_training": Quantity(
            meaning="factor on r: fine-tuning, scaffolding and prompting add to pre-training", symbol="f_k"
        ),
        "compute_bottleneck": Quantity(
            meaning="factor on r measured against labour: compute for experiments no longer grows",
            symbol="f_k",
        ),
        "hardware_scale": Quantity(
            meaning="factor on r: no new hardware scales whose low-hanging fruit is unpicked", symbol="f_k"
        ),
        "steepening": Quantity(meaning="factor on r: returns fall between today and ASARA", symbol="f_k"),
        "gained_before_asara": Quantity(
            meaning="software gained between today and ASARA; steepening then follows from it, the ceiling and the shape",
            symbol="G",
            units=_DISTANCES,
            lower_included=True,
        ),
        "r_asara": Quantity(meaning="r at ASARA, stated directly", symbol="r", units=(R_UNIT,)),
        "conversion": Quantity(meaning="labour doublings per doubling of training efficiency"),
        "speedup": Quantity(meaning="pace of software at ASARA over the recent pace"),
        "recent_pace": Quantity(meaning="recent pace of software progress", units=_PACES),
        "doublings_per_year_of_progress": Quantity(
            meaning="labour doublings in one recent year of total AI progress"
        ),
        "ceiling": Quantity(
            meaning="software left at ASARA before effective limits (from today where gained_before_asara is stated)",
            symbol="H",
            units=_DISTANCES,
        ),
        "parallel": Quantity(
            meaning="p = lambda e(0): growth of the pace per doubling of software at ASARA, without harder ideas",
            symbol="p",
        ),
        "labour_share": Quantity(
            meaning="a: share of labour in research input at ASARA", symbol="a", upper=1.0
        ),
        "sigma": Quantity(meaning="elasticity of substitution of labour and compute in research"),
        "experiment_gain": Quantity(
            meaning="epsilon: doublings of experiment efficiency per doubling of software",
            symbol="epsilon",
            lower_included=True,
        ),
        "shape": Quantity(meaning="how late returns fall towards the ceiling; 1 is linear"),
    }
)

_FAMILIES = {
    "fixed": ("value",),
    "uniform": ("lower", "upper"),
    "loguniform": ("lower", "upper"),
    "normal": ("q05", "q95"),
    "lognormal": ("q05", "q95"),
    "halfnormal": ("q95",),
    "beta": ("q05", "q95"),
    "mixture": ("weights", "parts"),
}
_PROVENANCE = ("basis", "locator", "quote", "note", "source", "via")


@dataclass(frozen=True, kw_only=True)
class Prior:
    """A distribution as its author states it; make one with `lognormal(1.5, 3.0)` and its siblings.

    `numbers` are the family's own, in the order of the file (`q05, q95` or `lower, upper` or `value`); a mixture has
    `numbers` = weights and its `parts`.
    """

    family: str
    numbers: tuple[float, ...]
    parts: tuple[Prior, ...] = ()
    _beta: tuple[float, float] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_numbers(self)
        object.__setattr__(self, "numbers", tuple(float(number) for number in self.numbers))
        if self.family == "beta":
            object.__setattr__(self, "_beta", _beta_shapes(*self.numbers))

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
        """The prior of the quantity times a factor above 0. Raises DataError for a beta, which cannot leave (0, 1)."""
        if self.family == "beta":
            raise DataError("prior", plain("a beta"), "a family that can be scaled")
        if self.family == "mixture":
            return dataclasses.replace(self, parts=tuple(part.scaled(factor) for part in self.parts))
        return dataclasses.replace(self, numbers=tuple(factor * number for number in self.numbers))

    @property
    def has_atom(self) -> bool:
        """Whether a single value has positive probability."""
        return self.family == "fixed" or any(part.has_atom for part in self.parts)

    def at(self, score: np.ndarray | float) -> np.ndarray:
        """The value at a standard normal score: the quantile at Phi(score), elementwise."""
        from scipy.special import betaincinv, ndtr, ndtri

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
                return (n[0] + n[1]) / 2 + (n[1] - n[0]) / (2 * Z95) * z
            case "lognormal":
                return np.exp(math.log(n[0] * n[1]) / 2 + math.log(n[1] / n[0]) / (2 * Z95) * z)
            case "halfnormal":
                return -_halfnormal_scale(n[0]) * ndtri(ndtr(-z) / 2)
            case "beta":
                a, b = self._beta
                return np.where(z < 0, betaincinv(a, b, ndtr(z)), 1 - betaincinv(b, a, ndtr(-z)))
            case _:
                return self._invert(z)

    def median(self) -> float:
        """The median."""
        return float(self.at(0.0))

    def cdf(self, x: np.ndarray | float) -> np.ndarray:
        """Probability of a value at most x, elementwise."""
        from scipy.special import betainc, ndtr

        x = np.asarray(x, dtype=float)
        n = self.numbers
        with np.errstate(divide="ignore"):
            match self.family:
                case "fixed":
                    return (x >= n[0]).astype(float)
                case "uniform":
                    return np.clip((x - n[0]) / (n[1] - n[0]), 0, 1)
                case "loguniform":
                    return np.clip(np.log(np.maximum(x, n[0]) / n[0]) / math.log(n[1] / n[0]), 0, 1)
                case "normal":
                    return ndtr((x - (n[0] + n[1]) / 2) / ((n[1] - n[0]) / (2 * Z95)))
                case "lognormal":
                    scale = math.log(n[1] / n[0]) / (2 * Z95)
                    return ndtr((np.log(np.maximum(x, 0)) - math.log(n[0] * n[1]) / 2) / scale)
                case "halfnormal":
                    return np.maximum(2 * ndtr(x / _halfnormal_scale(n[0])) - 1, 0)
                case "beta":
                    return betainc(*self._beta, np.clip(x, 0, 1))
                case _:
                    return sum(w * part.cdf(x) for w, part in zip(n, self.parts, strict=True))

    def logpdf(self, x: np.ndarray | float) -> np.ndarray:
        """Log density at x, elementwise (-inf outside the support). Refuses priors with an atom, which have none."""
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
                    scale = (n[1] - n[0]) / (2 * Z95)
                    log = _log_phi((x - (n[0] + n[1]) / 2) / scale) - math.log(scale)
                case "lognormal":
                    scale = math.log(n[1] / n[0]) / (2 * Z95)
                    log = (
                        _log_phi((np.log(x) - math.log(n[0] * n[1]) / 2) / scale)
                        - math.log(scale)
                        - np.log(x)
                    )
                case "halfnormal":
                    scale = _halfnormal_scale(n[0])
                    log = math.log(2) + _log_phi(x / scale) - math.log(scale)
                case "beta":
                    a, b = self._beta
                    log = xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b)
                case _:
                    terms = [
                        math.log(w) + part.logpdf(x) for w, part in zip(n, self.parts, strict=True) if w > 0
                    ]
                    log = logsumexp(terms, axis=0)
        low, high = self.support
        return np.where((x >= low) & (x <= high) & ~np.isnan(log), log, -np.inf)

    def _invert(self, z: np.ndarray) -> np.ndarray:
        """Quantiles of a mixture by bisection between the quantiles of its parts."""
        from scipy.special import ndtr

        ends = np.stack([part.at(z) for part in self.parts])
        low, high, wanted = ends.min(axis=0), ends.max(axis=0), ndtr(z)
        for _ in range(60):
            middle = (low + high) / 2
            below = self.cdf(middle) < wanted
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return high


def _is_finite(number: object) -> bool:
    """Whether this is a real number (no bool) that a float can hold."""
    try:
        return isinstance(number, Real) and not isinstance(number, bool) and math.isfinite(number)
    except OverflowError:
        return False


def _check_numbers(prior: Prior) -> None:
    where, n = "prior", prior.numbers
    if prior.family not in _FAMILIES:
        raise DataError(f"{where} family", prior.family, "one of " + ", ".join(_FAMILIES))
    names = _FAMILIES[prior.family]
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
        if not _is_finite(number):
            raise DataError(f"{where} {name}", number, "a finite number")
        if number != 0 and prior.family != "mixture" and not SMALLEST <= abs(number) <= LARGEST:
            raise DataError(f"{where} {name}", number, f"0 or a size from {SMALLEST:g} to {LARGEST:g}")
    match prior.family:
        case "mixture":
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
    return q95 / 1.959963984540054


def _beta_shapes(q05: float, q95: float) -> tuple[float, float]:
    """The shape parameters (a, b) whose 5 % and 95 % quantiles are these."""
    from scipy.optimize import root
    from scipy.special import betaincinv, logit

    middle, half = (q05 + q95) / 2, (q95 - q05) / (2 * Z95)
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


def fixed(value: float) -> Prior:
    """Known exactly."""
    return Prior(family="fixed", numbers=(value,))


def uniform(lower: float, upper: float) -> Prior:
    """Equally likely anywhere between two bounds."""
    return Prior(family="uniform", numbers=(lower, upper))


def loguniform(lower: float, upper: float) -> Prior:
    """The logarithm equally likely anywhere between two bounds."""
    return Prior(family="loguniform", numbers=(lower, upper))


def normal(q05: float, q95: float) -> Prior:
    """Normal with these 5 % and 95 % quantiles."""
    return Prior(family="normal", numbers=(q05, q95))


def lognormal(q05: float, q95: float) -> Prior:
    """Log-normal with these 5 % and 95 % quantiles; the median is their geometric mean."""
    return Prior(family="lognormal", numbers=(q05, q95))


def halfnormal(q95: float) -> Prior:
    """The upper half of a normal around 0, with this 95 % quantile."""
    return Prior(family="halfnormal", numbers=(q95,))


def beta(q05: float, q95: float) -> Prior:
    """Beta on (0, 1) with these 5 % and 95 % quantiles."""
    return Prior(family="beta", numbers=(q05, q95))


def mixture(weights: Iterable[float], parts: Iterable[Prior]) -> Prior:
    """One of several priors, with these probabilities."""
    return Prior(family="mixture", numbers=tuple(weights), parts=tuple(parts))


def _read_only(mapping: dict) -> Mapping:
    return MappingProxyType(mapping)


# A view travels between processes, which read-only mappings do not by themselves.
copyreg.pickle(MappingProxyType, lambda mapping: (_read_only, (dict(mapping),)))


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One table of a view: a prior with its unit and where it comes from. `source` None means the view's own."""

    prior: Prior
    unit: str
    basis: str
    locator: str
    quote: str | None = None
    note: str | None = None
    source: str | None = None
    via: str | None = None


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """What the author concludes about an event (p, or p_low to p_high) or about r_asara (quantiles). Never an input."""

    numbers: Mapping[str, float]
    basis: str
    locator: str
    quote: str | None = None
    note: str | None = None
    source: str | None = None
    via: str | None = None


@dataclass(frozen=True, kw_only=True)
class View:
    """An author's complete beliefs: one `Entry` per quantity (`view["capabilities"]`), and the evidence rows they rest on."""

    name: str
    label: str
    source: str
    reflects: tuple[str, ...]
    entries: Mapping[str, Entry]
    concludes: Mapping[str, Conclusion]
    path: Path | None = None

    def __getitem__(self, quantity: str) -> Entry:
        return self.entries[quantity]

    def __contains__(self, quantity: str) -> bool:
        return quantity in self.entries

    @property
    def states_r_asara(self) -> bool:
        """Whether the view states r at ASARA directly, so that evidence on r cannot move it."""
        return "r_asara" in self.entries

    def replace(self, **priors: Prior) -> View:
        """The same view with other priors; each keeps its unit, its basis becomes `ours`."""
        entries = dict(self.entries)
        for name, prior in priors.items():
            if name not in entries:
                raise DataError(
                    f"{self.name} replace {name}",
                    plain("a quantity this view does not state"),
                    "one of " + ", ".join(entries),
                )
            if not isinstance(prior, Prior):
                raise DataError(
                    f"{self.name} replace {name}", prior, "a prior such as sie.lognormal(1.5, 3.0)"
                )
            _check_range(f"{self.name} [{name}]", name, prior)
            entries[name] = Entry(
                prior=prior,
                unit=entries[name].unit,
                basis="ours",
                locator="View.replace",
                note="changed in Python",
            )
        return dataclasses.replace(
            self, entries=MappingProxyType(entries), concludes=MappingProxyType({}), path=None
        )


def view_names() -> list[str]:
    """The names of the bundled views, sorted."""
    return sorted(path.stem for path in data_folder("priors").glob("*.toml") if path.name != WEIGHTS)


def view_path(view: str) -> Path:
    """The file of a view: a path iff it ends in `.toml`, else a name under `priors/`."""
    if view.endswith(".toml"):
        return Path(view)
    if view not in view_names():
        raise DataError("view", view, "a path ending in .toml or one of " + ", ".join(view_names()))
    return data_folder("priors") / f"{view}.toml"


def read_view(view: str, *, sources: Mapping[str, Source] | None = None) -> View:
    """Read and check a view: a bundled name, or a path ending in `.toml`. Raises DataError at the first problem.

    `sources` is the bibliography that its tables must cite (default: the bundled one).
    """
    path = view_path(str(view))
    where, table = path.name, read_toml(path)
    sources = read_sources() if sources is None else sources
    table = dict(table)
    for key, kind, want in (
        ("label", str, "a string"),
        ("source", str, "a key of sources.toml"),
        ("reflects", list, "a list of row ids"),
    ):
        if key not in table:
            raise DataError(f"{where} {key}", plain("nothing"), f"{want} (the key is required)")
        if not isinstance(table[key], kind) or (kind is str and not table[key].strip()):
            raise DataError(f"{where} {key}", table[key], want)
    if not table["label"].isprintable():
        raise DataError(f"{where} label", table["label"], "a line without control characters")
    label, source, reflects = table.pop("label"), table.pop("source"), table.pop("reflects")
    if source not in sources:
        raise DataError(f"{where} source", source, "a key of sources.toml")
    if not all(isinstance(row, str) for row in reflects) or len(set(reflects)) != len(reflects):
        raise DataError(f"{where} reflects", reflects, "a list of different row ids")
    concludes = table.pop("concludes", {})
    names = _quantities_of(where, table)
    entries = {name: read_entry(f"{where} [{name}]", name, table[name], source, sources) for name in names}
    _check_distances(where, entries)
    if not isinstance(concludes, dict):
        raise DataError(f"{where} [concludes]", concludes, "tables [concludes.EVENT]")
    read = {
        name: _read_conclusion(f"{where} [concludes.{name}]", name, item, source, sources)
        for name, item in concludes.items()
    }
    return View(
        name=path.stem,
        label=label,
        source=source,
        reflects=tuple(reflects),
        entries=MappingProxyType(entries),
        concludes=MappingProxyType(read),
        path=path,
    )


def _quantities_of(where: str, table: Mapping) -> tuple[str, ...]:
    """The quantities that a view must have, which depends on how it states r."""
    if "r_asara" in table:
        names = ("r_asara", "conversion", *GROWTH)
    else:
        last = "gained_before_asara" if "gained_before_asara" in table else "steepening"
        names = (*CHAIN[:-1], last, *GROWTH)
    for name in names:
        if name not in table:
            raise DataError(f"{where} [{name}]", plain("nothing"), "a table (the quantity is required)")
    for name in table:
        if name not in names:
            what = "a table that this kind of view may not have" if name in QUANTITIES else "an unknown key"
            raise DataError(f"{where} {name}", plain(what), "only " + ", ".join(names))
    return names


def read_entry(
    where: str,
    name: str,
    table: object,
    source: str,
    sources: Mapping[str, Source],
    quantities: Mapping[str, Quantity] = QUANTITIES,
) -> Entry:
    """One table as an `Entry`: prior, unit and provenance checked against its quantity. `source` is used where the table names none."""
    if not isinstance(table, dict):
        raise DataError(where, table, "a table with a family, its numbers, unit and basis")
    prior = read_prior(where, table, ("unit", *_PROVENANCE))
    units = quantities[name].units
    if "unit" not in table:
        raise DataError(f"{where} unit", plain("nothing"), "one of " + "; ".join(units))
    if table["unit"] not in units:
        raise DataError(f"{where} unit", table["unit"], "one of " + "; ".join(units))
    _check_range(where, name, prior, quantities)
    record = _provenance(where, table, source, _numbers_of(prior), sources)
    return Entry(prior=prior, unit=table["unit"], **record)


def read_prior(where: str, table: object, also: tuple[str, ...] = ()) -> Prior:
    """A prior from its table, which may have other keys besides. Raises DataError that starts with `where`."""
    if not isinstance(table, dict):
        raise DataError(where, table, "a table with a family and its numbers")
    if "family" not in table:
        raise DataError(f"{where} family", plain("nothing"), "one of " + ", ".join(_FAMILIES))
    family = table["family"]
    if not isinstance(family, str) or family not in _FAMILIES:
        raise DataError(f"{where} family", family, "one of " + ", ".join(_FAMILIES))
    names = _FAMILIES[family]
    for key in table:
        if key not in ("family", *names, *also):
            raise DataError(
                f"{where} {key}", plain("an unknown key"), "one of " + ", ".join(("family", *names, *also))
            )
    for key in names:
        if key not in table:
            raise DataError(f"{where} {key}", plain("nothing"), f"a value (family {family} requires it)")
    parts: tuple[Prior, ...] = ()
    if family == "mixture":
        for key in names:
            if not isinstance(table[key], list):
                raise DataError(f"{where} {key}", table[key], "a list")
        if any(not isinstance(part, dict) or part.get("family") == "mixture" for part in table["parts"]):
            raise DataError(
                f"{where} parts",
                table["parts"],
                "a list of tables, each a family and its numbers, no mixture within",
            )
        parts = tuple(read_prior(f"{where} parts[{i}]", part) for i, part in enumerate(table["parts"]))
    numbers = table["weights"] if family == "mixture" else [table[key] for key in names]
    try:
        return Prior(family=family, numbers=tuple(numbers), parts=parts)
    except DataError as error:
        raise DataError(error.where.replace("prior", where, 1), error.found, error.want) from None


def _numbers_of(prior: Prior) -> list[float]:
    return [*prior.numbers, *(number for part in prior.parts for number in _numbers_of(part))]


def _check_range(
    where: str, name: str, prior: Prior, quantities: Mapping[str, Quantity] = QUANTITIES
) -> None:
    """Refuse a prior that lets a quantity leave its range."""
    quantity, (low, high) = quantities[name], prior.support
    at_bound = low == quantity.lower and not quantity.lower_included and prior.family == "fixed"
    if low < quantity.lower or high > quantity.upper or at_bound:
        sign = "at least" if quantity.lower_included else "above"
        upper = f" and at most {quantity.upper:g}" if math.isfinite(quantity.upper) else ""
        raise DataError(
            where,
            plain(f"a {prior.family} prior that reaches from {low:g} to {high:g}"),
            f"values {sign} {quantity.lower:g}{upper}",
        )
    if name in CHAIN and prior.family == "mixture" and prior.has_atom:
        raise DataError(
            f"{where} parts", plain("a fixed part"), "continuous parts (evidence cannot weigh a point mass)"
        )


def _check_distances(where: str, entries: Mapping[str, Entry]) -> None:
    """`gained_before_asara` and `ceiling` are compared draw by draw, which must not depend on what evidence moves."""
    if "gained_before_asara" not in entries:
        return
    units = (entries["gained_before_asara"].unit, entries["ceiling"].unit)
    if len({unit == "OOMs of training efficiency" for unit in units}) == 2:
        raise DataError(
            f"{where} [gained_before_asara] unit",
            units[0],
            f"OOMs in both or in neither (the ceiling has {units[1]!r})",
        )


def _provenance(
    where: str, table: Mapping, source: str, numbers: Iterable[float], sources: Mapping[str, Source]
) -> dict:
    for key in _PROVENANCE:
        if key in table and (not isinstance(table[key], str) or not table[key].strip()):
            raise DataError(f"{where} {key}", table[key], "a string")
    record = {key: table.get(key) for key in _PROVENANCE}
    check_provenance(where, {**record, "source": record["source"] or source}, numbers, sources)
    return record


def _read_conclusion(
    where: str, name: str, table: object, source: str, sources: Mapping[str, Source]
) -> Conclusion:
    if name != "r_asara" and name not in EVENT_NAMES:
        raise DataError(where, plain("an unknown event"), "r_asara or one of " + ", ".join(EVENT_NAMES))
    if not isinstance(table, dict):
        raise DataError(where, table, "a table")
    allowed = (("q05", "q50", "q95"),) if name == "r_asara" else (("p",), ("p_low", "p_high"))
    keys = tuple(key for key in table if key not in _PROVENANCE)
    if tuple(sorted(keys)) not in {tuple(sorted(names)) for names in allowed}:
        raise DataError(
            where,
            plain(", ".join(keys) or "no numbers"),
            " or ".join(" and ".join(names) for names in allowed),
        )
    numbers = {key: table[key] for key in keys}
    top = math.inf if name == "r_asara" else 1.0
    for key, number in numbers.items():
        if not (_is_finite(number) and 0 <= number <= top):
            raise DataError(
                f"{where} {key}", number, "a number of at least 0" if top > 1 else "a probability"
            )
    ordered = [numbers[key] for key in ("q05", "q50", "q95", "p_low", "p_high") if key in numbers]
    if ordered != sorted(ordered):
        raise DataError(where, list(numbers.values()), "numbers in ascending order")
    record = _provenance(where, table, source, numbers.values(), sources)
    return Conclusion(numbers=MappingProxyType(numbers), **record)


def draw(view: View, names: Iterable[str], *, size: int, seed: int) -> dict[str, np.ndarray]:
    """Independent prior draws of some quantities, in the units that the view states, shape (size,) each.

    A quantity's stream depends on the seed and its name alone, so that a changed prior moves only its own draws.
    """
    return {name: view[name].prior.at(_stream(name, seed).standard_normal(size)) for name in names}


def _stream(name: str, seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(name.encode())])))


def to_toml(view: View) -> str:
    """The view as a TOML file that `read_view` reads back to the same entries."""
    lines = [
        f"label    = {_quoted(view.label)}",
        f"source   = {_quoted(view.source)}",
        f"reflects = [{', '.join(_quoted(row) for row in view.reflects)}]",
    ]
    for name, entry in view.entries.items():
        lines += [
            "",
            f"[{name}]",
            *_prior_lines(entry.prior),
            f"unit = {_quoted(entry.unit)}",
            *_provenance_lines(entry),
        ]
    for name, conclusion in view.concludes.items():
        numbers = [f"{key} = {number!r}" for key, number in conclusion.numbers.items()]
        lines += ["", f"[concludes.{name}]", *numbers, *_provenance_lines(conclusion)]
    return "\n".join(lines) + "\n"


def _prior_lines(prior: Prior) -> list[str]:
    names = _FAMILIES[prior.family]
    lines = [f"family = {_quoted(prior.family)}"]
    if prior.family != "mixture":
        return lines + [f"{key} = {number!r}" for key, number in zip(names, prior.numbers, strict=True)]
    parts = ", ".join("{ " + ", ".join(_prior_lines(part)) + " }" for part in prior.parts)
    return [*lines, f"weights = {list(prior.numbers)!r}", f"parts = [{parts}]"]


def _provenance_lines(item: Entry | Conclusion) -> list[str]:
    return [f"{key} = {_quoted(value)}" for key in _PROVENANCE if (value := getattr(item, key))]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in escaped) + '"'
