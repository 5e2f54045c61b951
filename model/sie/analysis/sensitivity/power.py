"""Power scaling: which posterior answers would move if priors, or evidence, counted a little more or less.

    posterior ~ prior^alpha likelihood    or    prior likelihood^alpha,    alpha near 1

ArviZ's `psense` (Kallioinen et al. 2024). Each prior is scaled as a density over the scale of the graph (logs of positive
quantities), on which r is a sum. z of the domains is no top-level prior, so the hierarchy counts as neither; a row's likelihood
has its own definition error in it. It samples nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from ...data.priors import View
from ...data.quantities import QUANTITIES
from ...returns.compiled import as_design
from ...returns.design import Design

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

__all__ = ["SENSITIVE", "power_scaling"]

SENSITIVE = 0.05
"""Distance per doubling of a component's weight from which Kallioinen et al. (2024) call an answer sensitive."""

R = "log_r_asara"
"""The answer that single priors and rows are tried on."""

_DIGITS = 12


def power_scaling(tree: xr.DataTree, model: Design | pm.Model) -> xr.Dataset:
    """How far answers move per doubling of the weight of a prior or of an evidence row.

    The unit is that of ArviZ's `psense`: cumulative Jensen-Shannon distance of posteriors. From 0.05 on, Kallioinen et al. (2024)
    call an answer sensitive.

    Parameters
    ----------
    tree : xr.DataTree
        From `fit` of `model`.
    model : Design or pm.Model
        The model that was fitted.

    Returns
    -------
    xr.Dataset
        `prior` and `likelihood` (answer) weigh all priors or all rows at once; answers are log r at ASARA and the quantities that
        evidence may move and that vary. `of_prior` (quantity) and `of_row` (estimate) weigh one of them, on log r at ASARA.

    References
    ----------
    Kallioinen et al. (2024).
    """
    import arviz_stats
    import xarray as xr

    design, draws = as_design(model), tree["posterior"].to_dataset()
    priors = _log_priors(draws, design.view)
    answers = {R: np.log(draws.r_asara), **{name: draws[name] for name in priors}}
    groups = {
        "posterior": xr.Dataset(answers),
        "log_prior": xr.Dataset(
            {name: values for name, values in priors.items() if np.ptp(values.values) > 0}
        ),
        "log_likelihood": design.log_likelihood(draws).to_dataset(name="log_likelihood"),
    }
    data = xr.DataTree.from_dict({name: group.drop_attrs() for name, group in groups.items()})
    rows = design.coords["estimate"]

    def on_r(group: str, **part: object) -> float:
        return float(arviz_stats.psense(data, var_names=[R], group=group, **part)[R])

    def on_r_of_prior(name: str) -> float:
        """0 for a uniform prior, which a power leaves as it is."""
        return on_r("prior", group_var_names=[name]) if name in groups["log_prior"] else 0.0

    with _silent():
        table = arviz_stats.psense_summary(data, threshold=SENSITIVE, round_to=_DIGITS)
        of_prior = [on_r_of_prior(name) for name in priors]
        of_row = [on_r("likelihood", group_coords={"estimate": [row]}) for row in rows]
    return xr.Dataset(
        {
            "prior": ("answer", table["prior"].to_numpy(dtype=float)),
            "likelihood": ("answer", table["likelihood"].to_numpy(dtype=float)),
            "of_prior": ("quantity", of_prior),
            "of_row": ("estimate", of_row),
        },
        coords={"answer": [str(name) for name in table.index], "quantity": list(priors), "estimate": rows},
    )


def _log_priors(draws: xr.Dataset, view: View) -> dict[str, xr.DataArray]:
    """Log prior density of each quantity that evidence may move and that varies, over the scale of the graph."""
    found = {}
    for name in view.informed:
        prior = view[name].prior
        if not prior.has_atom:
            value = draws[name]
            log_density = prior.logpdf(value.values)
            if not QUANTITIES[name].lower_included:
                log_density = log_density + np.log(value.values)
            found[name] = value.copy(data=log_density)
    return found


@contextmanager
def _silent() -> Iterator[None]:
    """ArviZ says on standard error where to read about its table."""
    logger = logging.getLogger("arviz_stats.psense")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
