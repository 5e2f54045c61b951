"""A view and its rows as arrays: everything that the density, its graph and predictions read, computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import DataError, DoubleCounting, check_holds, check_type, plain
from ..data.evidence import TARGET
from ..data.priors import View
from ..data.quantities import ADJUSTMENTS, QUANTITIES
from .history_density import HistoryDensity
from .history_lambda import lambda_curve, rows_on_lambda
from .inputs import INPUT_FLOWS, histories_of, input_terms, levels_of, unmatched
from .levels import beside, definition_sds, growth_shapes, inputs_of, loadings, row_densities
from .predicted import errors_at, expected_at, likelihood_at, values_of
from .prior_curves import GRAPH, Curve, copula, curve_of, curves, part_combinations
from .row_density import PIECES, RowDensity

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Design", "design"]

LATENTS = {
    "score": ("quantity",),
    "z": ("domain",),
    "z_input": ("input_data",),
    "z_growth": ("flow", "history"),
    "z_share": ("history",),
    "z_measure": ("measure",),
    "z_lambda": (),
}
"""What is sampled, all standard normal before evidence, and its dims: scores of what the view states, the domains' r around the
typical one, the errors that rows on one input data share, of definition and of input growth, labour's share in each history, the
errors of how labour is counted, and the lambda of raw histories. A design has those that its rows need (`Design.latents`)."""

OF_ROWS = (
    "observed",
    "loadings",
    "terms",
    "growth",
    "relative",
    "history_of",
    "measure_of",
    "beside",
)
"""Arrays of a design with a row each, besides `level`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Design:
    """A view and the rows that update it as arrays; dims in brackets, as in `observed`. Made by `design`."""

    view: View
    rows: xr.Dataset
    level: np.ndarray
    """(estimate,) "published", "growth", "series" or "epoch"; "" for factors, "input" for rows on other quantities."""
    observed: np.ndarray
    """(estimate,) the estimate on its own scale: its log for r and factors."""
    densities: tuple[RowDensity | HistoryDensity, ...]
    """The density of each row's own error."""
    loadings: np.ndarray
    """(estimate, effect) over domains, adjustments, input data, inputs."""
    inputs: tuple[tuple[str, str], ...]
    """The other quantities that rows are on, with the scale: `observed.input_value`."""
    terms: np.ndarray
    """(estimate, term) multiples of log q, log g_L, log g_C."""
    growth: np.ndarray
    """(estimate, flow, shape) median, scale and skew of log input growth."""
    relative: np.ndarray
    """(estimate,) whether compute's growth is relative to labour's."""
    history_of: np.ndarray
    """(estimate, history) 1 where growth of inputs in that history enters."""
    measure_of: np.ndarray
    """(estimate, measure) 1 where labour is counted so."""
    beside: np.ndarray
    """(estimate,) whether the row is on quantities that no other row touches: those are drawn apart (`inference.prior_draws`)."""
    remoteness: np.ndarray
    """(domain,)"""
    names: Mapping[str, list[str]]
    """The labels of `input_data` on which rows share a definition error, of `history` and of `measure`."""

    @cached_property
    def curves(self) -> tuple[np.ndarray, np.ndarray]:
        """Quantile curves of the priors, from `prior_curves.curves`."""
        return curves(self.view, self.lambda_curve)

    @cached_property
    def lambda_curve(self) -> Curve | None:
        """Quantile curve of the log of the lambda under which raw histories are read; None without any."""
        if not self.histories:
            return None
        return lambda_curve(self.view, rows_on_lambda(self))

    @cached_property
    def parts(self) -> tuple[np.ndarray, np.ndarray]:
        """Combinations of the parts of mixtures, from `prior_curves.part_combinations`."""
        return part_combinations(self.view)

    @cached_property
    def copula(self) -> np.ndarray | None:
        """What turns independent scores into those of GRAPH (quantity, quantity); None where the view correlates nothing."""
        return copula(self.view)

    @cached_property
    def row_grids(self) -> dict[str, np.ndarray]:
        """The row densities stacked: `grid` (estimate, span), `error` (estimate, piece, power), `tails` (estimate, tail), `sd` (estimate);
        zeros for histories."""
        flat = [None if isinstance(row, HistoryDensity) else row for row in self.densities]
        return {
            "grid": _stack([(row.start, row.step) if row else (0, 1) for row in flat], 2),
            "error": _stack([row.cubic if row else np.zeros((PIECES, 4)) for row in flat], PIECES, 4),
            "tails": _stack([row.tails if row else (0, 0) for row in flat], 2),
            "sd": _stack([row.sd if row else 0.0 for row in flat]),
        }

    @cached_property
    def coords(self) -> dict[str, list]:
        """The labels of every dim of a latent, and of `estimate` and `adjustment`."""
        labels = {dim: self.rows[dim].values.tolist() for dim in ("estimate", "domain", "adjustment")}
        return {"quantity": list(GRAPH), "flow": list(INPUT_FLOWS), **labels, **self.names}

    @property
    def latents(self) -> dict[str, tuple[str, ...]]:
        """What is sampled, with its dims."""
        of_all = self.view.derives_compute_bottleneck and self.names["history"]
        needed = {
            "z_input": self.names["input_data"],
            "z_growth": self.names["history"],
            "z_share": of_all,
            "z_measure": self.names["measure"],
            "z_lambda": self.histories,
        }
        return {name: dims for name, dims in LATENTS.items() if needed.get(name, True)}

    def only(self, rows: np.ndarray) -> Design:
        """The same design with these rows alone, by their positions; its latents stay."""
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
        return [
            row
            for row, density in zip(self.rows.estimate.values.tolist(), self.densities, strict=True)
            if isinstance(density, HistoryDensity)
        ]

    def from_latents(self, latents: xr.Dataset) -> xr.Dataset:
        """The sampled latents, and by name what evidence moves, `r` (domain), `r_target` and the histories' lambda."""
        scores = values_of(latents, "score", "quantity")
        if self.copula is not None:
            scores = scores @ self.copula.T
        values = {}
        for name in self.view.informed:
            at_score = curve_of(name, self.view[name].prior).at(scores[..., GRAPH.index(name)])
            values[name] = at_score if QUANTITIES[name].lower_included else np.exp(at_score)
        z = values_of(latents, "z", "domain")
        r = values["r_typical"][..., None] * np.exp(values["spread"][..., None] * z * self.remoteness)
        values["r_target"] = r[..., self.coords["domain"].index(TARGET)]
        if self.lambda_curve is not None:
            values["lambda_histories"] = np.exp(self.lambda_curve.at(values_of(latents, "z_lambda")))
        named = {name: (("chain", "draw"), value) for name, value in values.items()}
        return latents[list(self.latents)].assign(named | {"r": (("chain", "draw", "domain"), r)})

    def expected(self, draws: xr.Dataset) -> xr.DataArray:
        """What each row should show, dims (chain, draw, estimate), at draws of a posterior or of a world."""
        return expected_at(self, draws)

    def log_likelihood(self, draws: xr.Dataset) -> xr.DataArray:
        """Each row's own log density, dims (chain, draw, estimate), at draws of a posterior or of a world."""
        return likelihood_at(self, draws)

    def errors(self, draws: xr.Dataset, u: np.ndarray) -> np.ndarray:
        """Each row's own error below which its density has mass u, (chain, draw, estimate) as u."""
        return errors_at(self, draws, u)


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
    on = inputs_of(rows, view)
    inputs = tuple(dict.fromkeys(each for row in on for each in row))
    apart = beside(on, view)
    own_sd, shared_sd = definition_sds(rows, view, apart)
    observed, densities = row_densities(rows, own_sd, likelihoods)
    terms, (growth, relative) = input_terms(rows, view), growth_shapes(rows)
    grown = (terms != 0).any(axis=1)
    histories, history_of = _one_hot(rows.input_data.values[histories_of(rows)], grown)
    measure = rows.measure.values if "measure" in rows else np.full(len(terms), "")
    measures, measure_of = _one_hot(measure, grown & (measure != "") & view.derives_compute_bottleneck)
    shared, shared_of = _one_hot(rows.input_data.values[rows.input_idx.values], shared_sd > 0)
    return Design(
        view=view,
        rows=rows,
        level=level,
        observed=observed,
        densities=densities,
        loadings=loadings(rows, shared_of * shared_sd[:, None], on, inputs),
        inputs=inputs,
        terms=terms,
        growth=growth,
        relative=relative,
        history_of=history_of,
        measure_of=measure_of,
        beside=apart,
        remoteness=rows.remoteness.values,
        names={"input_data": shared, "history": histories, "measure": measures},
    )


def _one_hot(labels: np.ndarray, used: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The labels that are used, sorted, and which row has which (row, label)."""
    names = sorted({str(label) for label in labels[used]})
    return names, np.array(
        [[float(u and label == name) for name in names] for label, u in zip(labels, used, strict=True)]
    ).reshape(len(labels), len(names))


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
        if level not in ("", "input") and entered.setdefault(name := rows.domain.values[at], level) != level:
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
