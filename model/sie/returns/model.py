"""The hierarchical model of r in PyMC: from the r of observed domains through the adjustments to r at ASARA.

    r_d      = r_typical exp(spread remoteness_d z_d)                     z_d ~ Normal(0, 1)
    r_asara  = r_target prod_k f_k                                        what follows at ASARA: `equations.at_asara`

Each row lies around `observed.expected` with its own error (`row_density`).
Every quantity of the view stands under its own name with its own distribution, every kind of row is an observed variable. What rows
share stays latent: definition errors on one input data (`z_input`), the growth of its inputs (`z_growth`), and where r is against all
inputs labour's share in a history (`z_share`) and how labour is counted (`z_measure`); `z_lambda` is how raw histories are read.
`log_density` is the same posterior written out for speed; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..base.errors import DataError, plain
from ..data.evidence import TARGET
from ..data.priors import View
from ..data.quantities import ADJUSTMENTS, QUANTITIES
from .design import Design, design
from .equations import at_asara
from .observed import expected, input_value, measured_against
from .priors_in_pymc import DISTANCES, correlate, curve_at, declare, declare_distances
from .rows_in_pymc import observe

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

__all__ = ["OBSERVED", "build", "design_of", "is_as_built"]

OBSERVED = {
    "": "log_factor",
    "published": "log_r_published",
    "growth": "log_output_growth",
    "series": "log_r_history",
    "epoch": "log_r_epoch",
    "input": "input_estimate",
}
"""The observed variable of each level of evidence (`Design.level`; "" is a row on factors). Its dim is `<name>_row`."""


def build(rows: xr.Dataset, view: View, *, likelihoods: Mapping[str, xr.DataArray] | None = None) -> pm.Model:
    """The PyMC model of a view and the rows that may update it (`sie.usable`).

    An ordinary model: every quantity of the view is a variable of that name, `r` (domain) and what follows at ASARA are
    deterministics (`r_asara`, `conversion`, `doublings_left`, ...), and the rows are observed variables by level (`OBSERVED`).
    `sie.fit` samples it through a faster equal density; once it is changed (another term, `pm.do`), from its graph.

    Parameters
    ----------
    rows : xr.Dataset
        As `usable` returns them.
    view : View
        A view that states the chain from observed domains to r at ASARA.
    likelihoods : mapping of str to xr.DataArray, optional
        Those of the rows at the levels "series" and "epoch", by id (`epoch_` before it at that level); default: those of the
        evidence folder.

    Returns
    -------
    pm.Model
        Not yet sampled.

    Raises
    ------
    DoubleCounting
        For rows that the view already reflects, two rows on one output data, or one domain at two levels.
    DataError
        For a view that states r at ASARA (evidence cannot move it; use `prior`), rows measured against inputs of which the view or
        the row says too little, and a missing or stale likelihood.

    Examples
    --------
    >>> view = sie.read_view("davidson_2025")
    >>> model = sie.build(sie.usable(sie.read_evidence(), view), view)
    >>> tree = sie.fit(model, seed=1)
    """
    return graph(design(rows, view, likelihoods=likelihoods))


def graph(of: Design) -> pm.Model:
    """The PyMC model of a design."""
    import pymc
    import pytensor.tensor

    pm, pt = cast("Any", pymc), cast("Any", pytensor.tensor)  # which annotate no operators of graphs
    view = of.view
    dims = sorted({dim for dims in of.latents.values() for dim in dims} - {"quantity"})
    with pm.Model(coords={dim: of.coords[dim] for dim in dims}) as model:
        values = {
            name: declare(name, view[name].prior)
            for name in QUANTITIES
            if name in view and name not in DISTANCES
        }
        declare_distances(values, view)
        correlate(values, view)
        for name, dims in of.latents.items():
            if name != "score":
                values[name] = pm.Normal(name, dims=dims or None)

        r = values["r_typical"] * pt.exp(values["spread"] * of.remoteness * values["z"])
        r = pm.Deterministic("r", r, dims="domain")
        values["r_target"] = pm.Deterministic("r_target", r[of.coords["domain"].index(TARGET)])
        values |= {name: pm.Deterministic(name, value) for name, value in at_asara(values, view).items()}
        log_lambda = 0.0
        if of.lambda_curve is not None:
            log_lambda = curve_at(of.lambda_curve, values["z_lambda"])
            pm.Deterministic("lambda_histories", pt.exp(log_lambda))

        for level, name in OBSERVED.items():
            rows = of.only(np.flatnonzero(of.level == level))
            if not rows.densities:
                continue
            included = [
                values[k] if used else 1.0 for k, used in zip(ADJUSTMENTS, rows.included, strict=True)
            ]
            inputs = [
                input_value(pt, *of.inputs[i], values) if rows.loadings[:, i - len(of.inputs)].any() else 0.0
                for i in range(len(of.inputs))
            ]
            against = measured_against(pt, rows, values)
            mean = expected(
                pt,
                rows,
                log_r=pt.log(r),
                log_factor=pt.log(pt.stack(included)),
                z_input=values.get("z_input"),
                inputs=pt.stack(inputs) if inputs else None,
                against=against,
            )
            model.add_coord(f"{name}_row", rows.coords["estimate"])
            observe(name, mean, log_lambda + against, rows)
    model.design, model.terms_as_built = of, _terms(model)
    return model


def design_of(model: pm.Model) -> Design:
    """The design of a model from `build`; raises DataError for any other."""
    if (of := getattr(model, "design", None)) is None:
        raise DataError("model", plain("one without a design"), "a model as sie.build returned it")
    return of


def is_as_built(model: pm.Model) -> bool:
    """Whether `log_density` is a model's density: another term makes it another."""
    return getattr(model, "design", None) is not None and cast("Any", model).terms_as_built == _terms(model)


def _terms(model: pm.Model) -> tuple:
    """What the log density is a sum over."""
    return (*model.basic_RVs, *model.potentials)
