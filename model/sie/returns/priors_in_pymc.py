"""The priors of a view as PyMC distributions, each quantity a variable of its own name."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np

from ..base.errors import DataError
from ..base.stats import Z90, Z95
from ..data.correlations import correlation_matrix
from ..data.families import SCORE_LIMIT, Prior
from ..data.priors import View
from .equations import relative_lengths
from .prior_curves import Curve, quantile_curve

__all__ = ["DISTANCES", "correlate", "curve_at", "declare", "declare_distances"]

DISTANCES = ("ceiling", "gained_before_asara")
"""Quantities that `declare_distances` declares: their prior is conditional on the ceiling's lying beyond what is gained."""


def declare(name: str, prior: Prior) -> Any:
    """The variable of a quantity in the model of the context; a constant for a `fixed` prior.

    Parameters
    ----------
    name : str
        The quantity.
    prior : Prior
        Of any family.

    Returns
    -------
    TensorVariable
        In the unit of the quantity.
    """
    pm, pt = _pymc()
    if prior.family == "fixed":
        return pm.Deterministic(name, pt.constant(prior.numbers[0], dtype="float64"))
    transform = {}
    if prior.family == "loguniform":
        from pymc.distributions.transforms import Interval

        transform["default_transform"] = Interval(*prior.support)
    elif prior.family == "mixture":
        transform["default_transform"] = _scores(prior)
    return pm.modelcontext(None).register_rv(_distribution(prior), name, **transform)


def declare_distances(stated: dict[str, Any], view: View) -> None:
    """Add the ceiling to `stated`, and what is gained before ASARA, given that it is less than the ceiling.

    p(ceiling, gained | gained < ceiling) = p(ceiling) p(gained | gained < ceiling) P(gained < ceiling) / constant
    """
    pm, _ = _pymc()
    ceiling = view["ceiling"].prior
    if "gained_before_asara" not in view:
        stated["ceiling"] = declare("ceiling", ceiling)
        return
    gained = view["gained_before_asara"].prior
    of_gained, of_ceiling = relative_lengths(stated, view)
    if gained.family == "fixed":
        stated["gained_before_asara"] = declare("gained_before_asara", gained)
        stated["ceiling"] = _within("ceiling", ceiling, lower=gained.numbers[0] * of_gained / of_ceiling)
        return
    stated["ceiling"] = declare("ceiling", ceiling)
    most = stated["ceiling"] * of_ceiling / of_gained
    stated["gained_before_asara"] = _within("gained_before_asara", gained, upper=most)
    pm.Potential("gained_below_ceiling", pm.logcdf(_distribution(gained), most))


def correlate(stated: dict[str, Any], view: View) -> None:
    """Add the log density of the Gaussian copula that joins correlated quantities, over that of independent ones.

    log c = -log det R / 2 - z (R^-1 - 1) z / 2,   z the quantities' standard scores
    """
    names = sorted({name for pair in view.correlations for name in pair.between})
    if not names:
        return
    pm, pt = _pymc()
    matrix = correlation_matrix(view.correlations, names)
    z = pt.stack([_score(stated[name], view[name].prior) for name in names])
    inverse = np.linalg.inv(matrix) - np.eye(len(names))
    log_det = np.linalg.slogdet(matrix)[1]
    pm.Potential("correlations", -0.5 * log_det - 0.5 * z @ inverse @ z)


def _score(value: Any, prior: Prior) -> Any:
    """The standard score of a value under its prior, from the nearer end."""
    pm, pt = _pymc()
    n = prior.numbers
    match prior.family:
        case "normal":
            return (value - (n[0] + n[1]) / 2) / ((n[1] - n[0]) / (2 * Z90))
        case "lognormal":
            return (pt.log(value) - math.log(n[0] * n[1]) / 2) / (math.log(n[1] / n[0]) / (2 * Z90))
        case _:
            below = pt.exp(pm.logcdf(_distribution(prior), value))
            return math.sqrt(2) * pt.erfinv(2 * below - 1)


def curve_at(curve: Curve, score: Any) -> Any:
    """The value of a quantile curve at a score."""
    _, pt = _pymc()
    score = pt.clip(score, -SCORE_LIMIT, SCORE_LIMIT)
    piece = (curve.start <= score).sum() - 1
    t = (score - pt.as_tensor(curve.start)[piece]) / pt.as_tensor(curve.width)[piece]
    c = pt.as_tensor(curve.cubic)[piece]
    return c[0] + t * (c[1] + t * (c[2] + t * c[3]))


def _within(name: str, prior: Prior, *, lower: Any = -math.inf, upper: Any = math.inf) -> Any:
    """The variable of a quantity that lies in an interval as well as in its prior's support."""
    pm, pt = _pymc()
    if prior.family == "fixed":
        return declare(name, prior)
    low, high = prior.support
    bounds = {"lower": pt.maximum(low, lower), "upper": pt.minimum(high, upper)}
    return pm.Truncated(name, _distribution(prior), **bounds)


def _distribution(prior: Prior) -> Any:
    """A variable without a name that has the prior's distribution."""
    pm, _ = _pymc()
    n = prior.numbers
    match prior.family:
        case "uniform":
            return pm.Uniform.dist(*n)
        case "loguniform":
            own = {"logp": _log_uniform_logp, "logcdf": _log_uniform_logcdf, "class_name": "LogUniform"}
            return pm.CustomDist.dist(*n, dist=_log_uniform, **own)
        case "normal":
            return pm.Normal.dist((n[0] + n[1]) / 2, (n[1] - n[0]) / (2 * Z90))
        case "lognormal":
            return pm.LogNormal.dist(math.log(n[0] * n[1]) / 2, math.log(n[1] / n[0]) / (2 * Z90))
        case "halfnormal":
            return pm.HalfNormal.dist(n[0] / Z95)
        case "beta":
            return pm.Beta.dist(*prior.shapes)
        case "mixture":
            weights, parts = zip(*prior.leaves, strict=True)
            return pm.Mixture.dist(weights, [_distribution(part) for part in parts])
        case family:
            raise DataError("prior family", family, "a family with a density")


def _log_uniform(lower: Any, upper: Any, size: Any) -> Any:
    pm, pt = _pymc()
    return pt.exp(pm.Uniform.dist(pt.log(lower), pt.log(upper), size=size))


def _log_uniform_logp(value: Any, lower: Any, upper: Any) -> Any:
    _, pt = _pymc()
    inside = (value >= lower) & (value <= upper)
    return pt.switch(inside, -pt.log(value) - pt.log(pt.log(upper / lower)), -math.inf)


def _log_uniform_logcdf(value: Any, lower: Any, upper: Any) -> Any:
    _, pt = _pymc()
    return pt.log(pt.log(pt.clip(value, lower, upper) / lower) / pt.log(upper / lower))


def _scores(prior: Prior) -> Any:
    """The transform to standard normal scores, in which a mixture of parts that hardly overlap is one normal."""
    from pymc.distributions.transforms import Transform

    pm, pt = _pymc()
    curve = quantile_curve(prior, log=False)

    class Scores(Transform):
        name = "score"

        def forward(self, value, *inputs):
            below = pt.exp(pm.logcdf(_distribution(prior), value))
            return math.sqrt(2) * pt.erfinv(2 * below - 1)

        def backward(self, value, *inputs):
            return curve_at(curve, value)

        def log_jac_det(self, value, *inputs):
            normal = pm.logp(pm.Normal.dist(), value)
            return normal - pm.logp(_distribution(prior), self.backward(value, *inputs))

    return Scores()


def _pymc() -> tuple[Any, Any]:
    """PyMC and PyTensor, which annotate no operators of graphs."""
    import pymc
    import pytensor.tensor

    return cast("Any", pymc), cast("Any", pytensor.tensor)
