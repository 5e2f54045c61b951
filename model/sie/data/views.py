"""An author's beliefs as frozen data: a `View` with one `Entry` a quantity, draws from its priors, and the TOML that holds it.

`priors` reads it.
"""

from __future__ import annotations

import copyreg
import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..base.errors import DataError, plain
from .bibliography import OURS, REFERENCE, Stated
from .correlations import Correlation, check_correlations, of_ranks
from .exogenous import EXOGENOUS, Exogenous, check_together, read_numbers
from .families import Prior
from .quantities import CHAIN, INPUT_SHARES, QUANTITIES, RETIRED, Quantity
from .view_tables import as_html, as_text

__all__ = [
    "Conclusion",
    "Entry",
    "View",
    "check_name",
    "check_range",
    "refuse_atom",
]


MOST_NAME_BYTES = 200
"""Bytes of a view's name: what a report writes is named after it, with endings, and a file's name has at most 255."""


def _read_only(mapping: dict) -> MappingProxyType:
    return MappingProxyType(mapping)


# A view travels between processes, which read-only mappings do not by themselves.
copyreg.pickle(MappingProxyType, lambda mapping: (_read_only, (dict(mapping),)))


@dataclass(frozen=True, kw_only=True)
class Entry(Stated):
    """One table of a view: a prior with its unit and where it comes from. `source` None means the view's own.

    `reached` is of `speedup` alone: whether it is the speed-up that is reached, whatever sigma is. `against` is of `r_typical` alone:
    the input it is measured against, "labour" or "all", where the file says so.
    """

    prior: Prior
    unit: str
    reached: bool = False
    against: str | None = None

    def replaced(self, prior: Prior, *, locator: str, note: str) -> Entry:
        """The same quantity with another prior, which is ours."""
        origin = {
            "basis": "ours",
            "locator": locator,
            "note": note,
            "quote": None,
            "source": None,
            "via": None,
        }
        return dataclasses.replace(self, prior=prior, **origin)


@dataclass(frozen=True, kw_only=True)
class Conclusion(Stated):
    """What the author concludes about an event (p, p_low to p_high, or words) or about r_asara (quantiles). Never an input."""

    numbers: Mapping[str, float]
    says: str | None = None
    """Words of the quote, where the author gives no number."""


@dataclass(frozen=True, kw_only=True)
class View:
    """An author's complete beliefs: one `Entry` per quantity, and the evidence rows they rest on.

    `view["capabilities"]` is the entry of a quantity, `"sigma" in view` whether the view states it.

    Attributes
    ----------
    name : str
        Name of the view, its file's without the ending.
    label : str
        A line of text for tables and figures.
    source : str
        Key of the work in the bibliography (`read_sources`).
    reflects : tuple of str
        Ids of evidence rows that the priors already rest on; they cannot update the view.
    entries : mapping of str to Entry
        Prior, unit and provenance of each quantity.
    concludes : mapping of str to Conclusion
        What the author concludes about events or r; never an input.
    correlations : tuple of Correlation
        Rank correlations between quantities, which are independent otherwise.
    exogenous : mapping of str to Exogenous
        What acts on growth from outside: the tables `hardware_growth`, `boost` and `pause` that the view has.
    path : Path or None
        The file that it was read from; None after `replace`.
    """

    name: str
    label: str
    source: str
    reflects: tuple[str, ...]
    entries: Mapping[str, Entry]
    concludes: Mapping[str, Conclusion]
    correlations: tuple[Correlation, ...] = ()
    exogenous: Mapping[str, Exogenous] = _read_only({})
    path: Path | None = None

    def __getitem__(self, quantity: str) -> Entry:
        return self.entries[quantity]

    def __contains__(self, quantity: str) -> bool:
        return quantity in self.entries

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)

    @property
    def states_r_asara(self) -> bool:
        """Whether the view states r at ASARA directly, so that evidence on r cannot move it."""
        return "r_asara" in self.entries

    @property
    def derives_compute_bottleneck(self) -> bool:
        """Whether the compute factor is derived from labour's share, r being against all inputs, rather than stated."""
        return not self.states_r_asara and "compute_bottleneck" not in self.entries

    @property
    def authored(self) -> tuple[str, ...]:
        """The quantities that are the author's own: neither the reference's nor ours."""
        return tuple(name for name, entry in self.entries.items() if entry.basis not in (REFERENCE, OURS))

    @property
    def called(self) -> str:
        """The name, and whether something was changed with `replace`: the view is then no longer its author's."""
        return self.name + EDITED if self.label.endswith(EDITED) else self.name

    @property
    def informed(self) -> tuple[str, ...]:
        """The quantities that evidence may move."""
        if self.states_r_asara:
            return ()
        names = (*CHAIN, *INPUT_SHARES) if self.derives_compute_bottleneck else CHAIN
        return tuple(name for name in names if name in self.entries)

    @property
    def retired(self) -> tuple[str, ...]:
        """Quantities of earlier versions in a saved view. Such a view can be shown, but nothing is computed from it."""
        return tuple(name for name in self.entries if name in RETIRED)

    def refuse_retired(self) -> None:
        """Refuse a view with quantities of an earlier version.

        Raises
        ------
        DataError
            If it has a retired quantity.
        """
        for name in self.retired:
            raise DataError(
                f"{self.name} [{name}]",
                plain("a quantity of an earlier version"),
                "a view of this version (what was saved is shown, nothing is computed from it)",
            )

    def replace(
        self,
        *,
        correlations: Mapping[tuple[str, str], float]
        | Any = None,  # so that priors can be unpacked beside it
        **priors: Prior | Mapping[str, float] | None,
    ) -> View:
        """The same view with other priors or correlations, or with something else that acts on growth from outside.

        Each keeps its unit and its basis becomes `ours`; the label says that the view is edited, and what the author concludes is dropped.

        Parameters
        ----------
        correlations : mapping of (str, str) to float, optional
            Rank correlations (Spearman's, above -1 and below 1, not 0) by pair of quantities, in place of all that the view has; {} for none.
        **priors : Prior, mapping of str to float or None
            A prior by the name of a quantity that the view states; the numbers of `hardware_growth`, `boost` or `pause`, as in a view
            file, or None for none.

        Returns
        -------
        View
            A new view of the same name, without `path`.

        Raises
        ------
        DataError
            For a quantity that this view does not state, a value that is no `Prior`, a prior that leaves the range of its quantity, a
            mixture with a fixed part for a quantity that evidence may move, and a fixed prior or a mixture for one that is correlated;
            for correlations that cannot hold together, and numbers out of range, and what cannot act together: hardware growth, a boost and a shortest doubling time.

        Examples
        --------
        >>> view = sie.read_view("davidson_2025").replace(capabilities=sie.lognormal(1.5, 3.0))
        >>> view["capabilities"].basis
        'ours'
        >>> view = view.replace(correlations={("capabilities", "post_training"): 0.5})
        """
        entries, exogenous = dict(self.entries), dict(self.exogenous)
        for name, prior in priors.items():
            if name in EXOGENOUS:
                exogenous.pop(name, None)
                if prior is not None:
                    numbers = read_numbers(f"{self.name} [{name}]", name, prior)
                    exogenous[name] = Exogenous(numbers=numbers, basis="ours", **_IN_PYTHON)
                continue
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
            check_range(f"{self.name} [{name}]", name, prior)
            if name in self.informed:
                refuse_atom(f"{self.name} [{name}]", prior)
            entries[name] = entries[name].replaced(prior, **_IN_PYTHON)
        stated = {name: entry.prior for name, entry in entries.items()}
        pairs = self.correlations if correlations is None else of_ranks(self.name, correlations, **_IN_PYTHON)
        check_correlations(self.name, pairs, stated)
        check_together(self.name, exogenous, stated.get("shortest_doubling"))
        changed = bool(priors) or correlations is not None
        return dataclasses.replace(
            self,
            label=self.label + EDITED if changed and not self.label.endswith(EDITED) else self.label,
            entries=MappingProxyType(entries),
            exogenous=MappingProxyType({name: exogenous[name] for name in EXOGENOUS if name in exogenous}),
            concludes=MappingProxyType({}),
            correlations=pairs,
            path=None,
        )


EDITED = ", edited"
"""Ends the label of a view that was changed with `replace`."""

_IN_PYTHON = {"locator": "View.replace", "note": "changed in Python"}


def check_name(where: str, name: object) -> None:
    """Refuse a name that cannot be part of the file names of a report."""
    if not (
        isinstance(name, str)
        and name.isprintable()
        and name.strip() == name
        and name[:1] not in ("", ".")
        and "/" not in name
        and len(name.encode()) <= MOST_NAME_BYTES
    ):
        raise DataError(
            where,
            name,
            f"a name of at most {MOST_NAME_BYTES} bytes, no dot or space at its start, no slash or control character",
        )


def check_range(where: str, name: str, prior: Prior, quantities: Mapping[str, Quantity] = QUANTITIES) -> None:
    """Refuse a prior that lets a quantity leave its range."""
    quantity, (low, high) = quantities[name], prior.support
    if low == math.inf and not quantity.endless:
        raise DataError(where, plain("a fixed prior of inf"), "a finite number")
    at_bound = low == quantity.lower and not quantity.lower_included and prior.family == "fixed"
    if low < quantity.lower or high > quantity.upper or at_bound:
        hint = " (as a beta, a uniform or a mixture of them has)" if high == math.inf > quantity.upper else ""
        raise DataError(
            where,
            plain(f"a {prior.family} prior that reaches from {low:g} to {high:g}"),
            f"{quantity.range}{hint}",
        )


def refuse_atom(where: str, prior: Prior) -> None:
    """Refuse a point mass within a mixture for a quantity that evidence may move."""
    if prior.family == "mixture" and prior.has_atom:
        raise DataError(
            f"{where} parts", plain("a fixed part"), "continuous parts (evidence cannot weigh a point mass)"
        )
