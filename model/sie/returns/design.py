"""What a view and its rows are to the model: every array that the density, its graph and predictions read, computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, DoubleCounting, check_holds, check_type, plain
from ..data.evidence import TARGET
from ..data.priors import View
from ..data.quantities import ADJUSTMENTS, INPUT_SHARES, QUANTITIES
from .equations import expected, share_before
from .inputs import INPUT_FLOWS, input_terms, levels_of, unmatched
from .levels import growth_shapes, loadings, row_densities
from .prior_curves import GRAPH, curve_of, curves, part_combinations
from .row_density import PIECES, RowDensity

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["LATENTS", "Design", "design"]

LATENTS = {
    "score": ("quantity",),
    "z": ("domain",),
    "z_input": ("input_data",),
    "z_growth": ("flow", "input_data"),
}
"""What is sampled, all standard normal before evidence, and its dims: what the view states at standard normal scores, the
domains' r around the typical one, and the errors that rows on one input data share, of definition and of input growth."""


OF_ROWS = ("observed", "loadings", "terms", "growth", "input_idx")
"""Arrays of a design with a row each, besides `level`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Design:
    """A view and the rows that update it as arrays; dims in brackets, as in `equations`. Made by `design`."""

    view: View
    rows: xr.Dataset
    level: np.ndarray
    """(estimate,) "published", "growth", "series" or "epoch"; "" for factors."""
    observed: np.ndarray
    """(estimate,) log estimate."""
    densities: tuple[RowDensity, ...]
    """The density of each row's own error."""
    loadings: np.ndarray
    """(estimate, effect) over domains, adjustments, input data."""
    terms: np.ndarray
    """(estimate, term) multiples of log q, log g_L, log g_C."""
    growth: np.ndarray
    """(estimate, flow, shape) median, scale and skew of log input growth."""
    input_idx: np.ndarray
    """(estimate,) position of the row's input data."""
    remoteness: np.ndarray
    """(domain,)"""

    @cached_property
    def curves(self) -> tuple[np.ndarray, np.ndarray]:
        """Quantile curves of the priors, from `prior_curves.curves`."""
        return curves(self.view)

    @cached_property
    def parts(self) -> tuple[np.ndarray, np.ndarray]:
        """Combinations of the parts of mixtures, from `prior_curves.part_combinations`."""
        return part_combinations(self.view)

    @cached_property
    def row_grids(self) -> dict[str, np.ndarray]:
        """The row densities stacked: `grid` (estimate, span), `error` (estimate, piece, power), `tails` (estimate, tail), `sd` (estimate)."""
        return {
            "grid": _stack([(row.start, row.step) for row in self.densities], 2),
            "error": _stack([row.cubic for row in self.densities], PIECES, 4),
            "tails": _stack([row.tails for row in self.densities], 2),
            "sd": _stack([row.sd for row in self.densities]),
        }

    @cached_property
    def coords(self) -> dict[str, list]:
        """The labels of every dim of a latent, and of `estimate` and `adjustment`."""
        dims = ("estimate", "domain", "adjustment", "input_data")
        labels = {dim: self.rows[dim].values.tolist() for dim in dims}
        return {"quantity": list(GRAPH), "flow": list(INPUT_FLOWS), **labels}

    def only(self, rows: np.ndarray) -> Design:
        """The same design with these rows alone, by their positions."""
        arrays = {name: getattr(self, name)[rows] for name in ("level", *OF_ROWS)}
        densities = tuple(self.densities[row] for row in rows)
        return replace(self, rows=self.rows.isel(estimate=rows), densities=densities, **arrays)

    @property
    def included(self) -> np.ndarray:
        """(adjustment,) Whether any row includes it."""
        first = len(self.remoteness)
        return self.loadings[:, first : first + len(ADJUSTMENTS)].any(axis=0)

    @property
    def histories(self) -> list[str]:
        """The rows that enter as raw histories."""
        return self.rows.estimate.values[self.level == "series"].tolist()

    def from_latents(self, latents: xr.Dataset) -> xr.Dataset:
        """The sampled latents, and by name what evidence moves, `r` (domain) and `r_target`."""
        scores = _at(latents, "score", "quantity")
        values = {}
        for name in self.view.informed:
            at_score = curve_of(name, self.view[name].prior).at(scores[..., GRAPH.index(name)])
            values[name] = at_score if QUANTITIES[name].lower_included else np.exp(at_score)
        z = _at(latents, "z", "domain")
        r = values["r_typical"][..., None] * np.exp(values["spread"][..., None] * z * self.remoteness)
        values["r_target"] = r[..., self.coords["domain"].index(TARGET)]
        named = {name: (("chain", "draw"), value) for name, value in values.items()}
        return latents[list(LATENTS)].assign(named | {"r": (("chain", "draw", "domain"), r)})

    def effects(self, draws: xr.Dataset) -> np.ndarray:
        """What the rows' expected logs are made of (chain, draw, effect), at draws of a posterior; 0 for adjustments in no row."""
        log_r = np.log(_at(draws, "r", "domain"))
        log_factor = np.zeros((*log_r.shape[:2], len(ADJUSTMENTS)))
        for i, name in enumerate(ADJUSTMENTS):
            if self.included[i] and name in draws:
                log_factor[..., i] = np.log(_at(draws, name))
        parts = [log_r, log_factor]
        return np.concatenate([*parts, _at(draws, "z_input", "input_data")], axis=-1)

    def expected(self, draws: xr.Dataset) -> xr.DataArray:
        """The log estimate that each row should show, dims (chain, draw, estimate), at draws of a posterior or of a world."""
        import xarray as xr

        effects = self.effects(draws)
        log_r, log_factor, z_input = np.split(
            effects, np.cumsum([len(self.remoteness), len(ADJUSTMENTS)]), axis=-1
        )
        share = share_before(np, **{name: _at(draws, name) for name in INPUT_SHARES})
        values = expected(
            np,
            self,
            log_r=log_r,
            log_factor=log_factor,
            z_input=z_input,
            z_growth=_at(draws, "z_growth", "flow", "input_data"),
            share=share,
        )
        coords = {"chain": draws.chain, "draw": draws.draw, "estimate": self.coords["estimate"]}
        return xr.DataArray(values, coords, ("chain", "draw", "estimate"))

    def log_likelihood(self, draws: xr.Dataset) -> xr.DataArray:
        """Each row's own log density, dims (chain, draw, estimate), at draws of a posterior or of a world."""
        deviation = self.expected(draws) - self.observed
        columns = [row.log_density(deviation.values[..., i]) for i, row in enumerate(self.densities)]
        return deviation.copy(data=np.stack(columns, axis=-1)) if columns else deviation


def design(rows: xr.Dataset, view: View, *, likelihoods: Mapping[str, xr.DataArray] | None = None) -> Design:
    """The design of a view and the rows that may update it (`sie.usable`).

    Parameters
    ----------
    rows
        As `sie.usable` returns them.
    view
        A view that states the chain.
    likelihoods
        Those of the rows at the levels `series` and `epoch`, by id (`epoch_` before it at that level); default: those of the
        evidence folder.

    Raises
    ------
    DoubleCounting
        Rows that the view already reflects, two rows on one output data, or one domain at two levels.
    DataError
        A view that states r at ASARA (evidence cannot move it; use `sie.prior`), rows measured against inputs of which the view
        or the row says too little, and a missing or stale likelihood.
    """
    check_type("view", view, View, "a view, as sie.read_view returns it")
    check_holds("rows", rows, ("estimate", "domain"), "rows, as sie.usable returns them")
    if view.states_r_asara:
        raise DataError(
            view.name,
            plain("r_asara stated directly, which evidence cannot move"),
            "a view that states the chain",
        )
    level = levels_of(rows)
    _refuse_double_counting(rows, view, level)
    _refuse_other_inputs(rows, view)
    observed, densities = row_densities(rows, view, likelihoods)
    return Design(
        view=view,
        rows=rows,
        level=level,
        observed=observed,
        densities=densities,
        loadings=loadings(rows),
        terms=input_terms(rows, view),
        growth=growth_shapes(rows),
        input_idx=rows.input_idx.values.astype("int64"),
        remoteness=rows.remoteness.values,
    )


def _at(draws: xr.Dataset, name: str, *dims: str) -> np.ndarray:
    return draws[name].transpose("chain", "draw", *dims).values


def _stack(arrays: list, *shape: int) -> np.ndarray:
    """Arrays of this shape along a first dim, none of them too."""
    return np.array(arrays, dtype=float).reshape(-1, *shape)


def _refuse_double_counting(rows: xr.Dataset, view: View, levels: np.ndarray) -> None:
    ids = rows.estimate.values.tolist()
    for row in ids:
        if row in view.reflects:
            raise DoubleCounting(
                f"{view.name}: found row {row}, want none that the view already reflects (use sie.usable)"
            )
    seen: dict[int, str] = {}
    for row, output in zip(ids, rows.output_idx.values.tolist(), strict=True):
        if output in seen:
            name = rows.output_data.values[output]
            raise DoubleCounting(
                f"{view.name}: found rows {seen[output]} and {row} on the same output data {name}, want one (use sie.usable)"
            )
        seen[output] = row
    entered: dict[str, str] = {}
    for at, level in zip(rows.domain_idx.values.tolist(), levels.tolist(), strict=True):
        if level and entered.setdefault(name := rows.domain.values[at], level) != level:
            raise DoubleCounting(
                f"{view.name}: found {name} at the levels {entered[name]} and {level}, want one (use sie.usable)"
            )


def _refuse_other_inputs(rows: xr.Dataset, view: View) -> None:
    for row, why in unmatched(rows, view).items():
        raise DataError(
            f"{view.name} row {row} input", plain(why), "rows that match the view (use sie.usable)"
        )
    derived = "steepening" not in view
    if derived and rows.includes.sel(adjustment="steepening").any():
        raise DataError(
            f"{view.name} rows", plain("a row that includes steepening"), "none (the view derives steepening)"
        )
