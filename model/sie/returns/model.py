"""The hierarchical model of r in PyMC: from the r of observed domains through the adjustments to r at ASARA.

    r_d      = r_typical exp(spread remoteness_d z_d)                     z_d ~ Normal(0, 1)
    r_asara  = r_target prod_k f_k                                        what follows at ASARA: `equations.at_asara`

The log of each row lies around `equations.expected` with the row's own error (`row_density`).
Every quantity of the view stands under its own name with its own distribution, every kind of row is an observed variable. Errors
that rows share stay latent: the definition errors on one input data (`z_input`), the growth of its inputs (`z_growth`).
`log_density` is the same posterior written out for speed; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..base.errors import DataError, plain
from ..data.evidence import TARGET
from ..data.families import SCORE_LIMIT
from ..data.priors import View
from ..data.quantities import ADJUSTMENTS, INPUT_SHARES, QUANTITIES
from .design import Design, design
from .equations import at_asara, expected, share_before
from .priors_in_pymc import DISTANCES, declare, declare_distances
from .row_density import PIECES

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
}
"""The observed variable of each level of evidence (`Design.level`; "" is a row on factors). Its dim is `<name>_row`."""


SCORES = 2049
"""Standard scores, evenly spaced, between which a tabulated error is drawn by interpolation."""


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
    coords = {dim: of.coords[dim] for dim in ("domain", "flow", "input_data")}
    with pm.Model(coords=coords) as model:
        stated = {
            name: declare(name, view[name].prior)
            for name in QUANTITIES
            if name in view and name not in DISTANCES
        }
        declare_distances(stated, view)

        z = pm.Normal("z", dims="domain")
        r = stated["r_typical"] * pt.exp(stated["spread"] * of.remoteness * z)
        r = pm.Deterministic("r", r, dims="domain")
        stated["r_target"] = pm.Deterministic("r_target", r[of.coords["domain"].index(TARGET)])
        follows = {name: pm.Deterministic(name, value) for name, value in at_asara(stated, view).items()}

        z_input = pm.Normal("z_input", dims="input_data")
        z_growth = pm.Normal("z_growth", dims=("flow", "input_data"))
        factors = follows | stated
        for level, name in OBSERVED.items():
            rows = of.only(np.flatnonzero(of.level == level))
            if not rows.densities:
                continue
            included = [
                factors[k] if used else 1.0 for k, used in zip(ADJUSTMENTS, rows.included, strict=True)
            ]
            mean = expected(
                pt,
                rows,
                log_r=pt.log(r),
                log_factor=pt.log(pt.stack(included)),
                z_input=z_input,
                z_growth=z_growth,
                share=share_before(pt, **{share: stated[share] for share in INPUT_SHARES}),
            )
            model.add_coord(f"{name}_row", rows.coords["estimate"])
            _observe(pm, pt, name, mean, rows)
    model.design, model.terms_as_built = of, _terms(model)
    return model


def _observe(pm, pt, name: str, mean, of: Design) -> None:
    """The log estimates of one level's rows: their mean less their own errors."""
    from scipy.special import ndtr

    errors, observed, dims = of.densities, of.observed, f"{name}_row"
    sd = np.array([error.sd for error in errors])
    if np.all(sd > 0):
        pm.Normal(name, mean, sd, observed=observed, dims=dims)
        return
    start, step = (np.array([getattr(error, of) for error in errors]) for of in ("start", "step"))
    cubic, tails = (np.stack([getattr(error, of) for error in errors]) for of in ("cubic", "tails"))
    rows = np.arange(len(errors))

    def log_density(value, mean):
        position = (mean - value - start) / step
        inside = pt.clip(position, 0, PIECES)
        piece = pt.clip(pt.floor(inside), 0, PIECES - 1)
        t, c = inside - piece, pt.as_tensor(cubic)[rows, pt.cast(piece, "int64")]
        beyond = position - inside
        slope = pt.switch(beyond < 0, tails[:, 0], tails[:, 1])
        tabulated = c[:, 0] + t * (c[:, 1] + t * (c[:, 2] + t * c[:, 3])) + beyond * slope
        normal = pm.logp(pm.Normal.dist(mean, np.where(sd > 0, sd, 1.0)), value)
        return pt.switch(sd > 0, normal, tabulated)

    edges = np.linspace(-SCORE_LIMIT, SCORE_LIMIT, SCORES)
    quantiles = np.stack([error.draw(ndtr(edges)) for error in errors])

    def random(mean, size):
        score = pm.Normal.dist(size=mean.shape if size is None else size)
        position = (pt.clip(score, -SCORE_LIMIT, SCORE_LIMIT) + SCORE_LIMIT) / (edges[1] - edges[0])
        piece = pt.clip(pt.floor(position), 0, SCORES - 2)
        low, high = (pt.as_tensor(quantiles)[rows, pt.cast(piece, "int64") + i] for i in (0, 1))
        return mean - (low + (position - piece) * (high - low))

    pm.CustomDist(
        name, mean, logp=log_density, dist=random, observed=observed, dims=dims, class_name="RowDensity"
    )


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
