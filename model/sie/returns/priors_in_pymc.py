"""The priors of a view as PyMC distributions, each quantity a variable of its own name."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np

from ..base.errors import DataError
from ..base.stats import Z90, Z95
from ..data.correlations import correlation_matrix
from ..data.curves import BEND, two_slopes
from ..data.families import SCORE_LIMIT, Prior
from ..data.priors import View
from .equations import relative_lengths
from .prior_curves import Curve, quantile_curve

__all__ = ["DISTANCES", "correlate", "curve_at", "declare", "declare_distances"]

DISTANCES = ("ceiling", "gained_before_asara")
"""Quantities that `declare_distances` declares: their prior is conditional on the ceiling's lying beyond what is gained."""


SCORES = np.linspace(-SCORE_LIMIT, SCORE_LIMIT, 2049)
"""Standard scores between which a draw of the ceiling is interpolated."""


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
    own = prior.family in ("loguniform", "quantiles", "mixture")
    transform = {"default_transform": _transform(prior)} if own else {}
    return pm.modelcontext(None).register_rv(_distribution(prior), name, **transform)


def declare_distances(stated: dict[str, Any], view: View) -> None:
    """Add the ceiling to `stated`, and what is gained before ASARA, given that it is less than the ceiling.

    p(ceiling, gained | gained < ceiling) = p(ceiling) P(gained < ceiling) p(gained | gained < ceiling) / constant
    """
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
    ratio = of_ceiling / of_gained
    medians = {name: entry.prior.median() for name, entry in view.entries.items()}
    usual_gained, usual_ceiling = relative_lengths(medians, view)
    if ceiling.has_atom:
        stated["ceiling"] = declare("ceiling", ceiling)
    else:
        stated["ceiling"] = _beyond(ceiling, gained, ratio, usual=float(usual_ceiling / usual_gained))
    stated["gained_before_asara"] = _within("gained_before_asara", gained, upper=stated["ceiling"] * ratio)


def _beyond(ceiling: Prior, gained: Prior, ratio: Any, *, usual: float) -> Any:
    """The ceiling, weighted by the probability that what is gained lies below it.

    `ratio` is its unit over that of what is gained. Where that is uncertain, draws take it as `usual`.
    """
    from scipy.special import ndtr

    pm, _ = _pymc()

    def log_density(value: Any, ratio: Any) -> Any:
        return pm.logp(_distribution(ceiling), value) + pm.logcdf(_distribution(gained), value * ratio)

    values = ceiling.at(SCORES)
    mass = np.cumsum(np.exp(-0.5 * SCORES**2) * gained.cdf(values * usual))
    quantiles = np.interp(ndtr(SCORES), (mass - mass[0]) / (mass[-1] - mass[0]), values)

    def random(ratio: Any, size: Any) -> Any:
        return _between(quantiles, pm.Normal.dist(size=size))

    variable = pm.CustomDist.dist(ratio, logp=log_density, dist=random, class_name="Ceiling")
    return pm.modelcontext(None).register_rv(variable, "ceiling", default_transform=_transform(ceiling))


def _between(quantiles: np.ndarray, score: Any) -> Any:
    """The quantile at a standard score, in straight lines between those at SCORES."""
    _, pt = _pymc()
    place = (pt.clip(score, SCORES[0], SCORES[-1]) - SCORES[0]) / (SCORES[1] - SCORES[0])
    low = pt.cast(pt.clip(pt.floor(place), 0, len(SCORES) - 2), "int64")
    table = pt.as_tensor(quantiles)
    return table[low] + (place - low) * (table[low + 1] - table[low])


def _transform(prior: Prior) -> Any:
    """What takes a prior's support to the whole line; None where that is its support."""
    from pymc.distributions.transforms import Interval, log

    if prior.family == "mixture":
        return _scores(prior)
    match prior.support:
        case (0.0, math.inf):
            return log
        case (low, high) if math.isfinite(low) and math.isfinite(high):
            return Interval(low, high)
        case _:
            return None


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
    pm.Potential("correlations", -0.5 * log_det - 0.5 * (z[:, None] * inverse * z).sum())


def _score(value: Any, prior: Prior) -> Any:
    """The standard score of a value under its prior, from the nearer end."""
    pm, pt = _pymc()
    n = prior.numbers
    match prior.family:
        case "normal":
            return (value - (n[0] + n[1]) / 2) / ((n[1] - n[0]) / (2 * Z90))
        case "lognormal":
            return (pt.log(value) - math.log(n[0] * n[1]) / 2) / (math.log(n[1] / n[0]) / (2 * Z90))
        case "quantiles":
            return _score_of_quantiles(value, *two_slopes(n))
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
        case "quantiles":
            own = {"logp": _quantiles_logp, "logcdf": _quantiles_logcdf, "class_name": "Quantiles"}
            return pm.CustomDist.dist(*two_slopes(n), dist=_quantiles, **own)
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


def _quantiles(middle: Any, slope: Any, bend: Any, size: Any) -> Any:
    pm, pt = _pymc()
    z = pm.Normal.dist(size=size)
    return pt.exp(middle + slope * z + bend * (pt.sqrt(z**2 + BEND**2) - BEND))


def _score_of_quantiles(value: Any, middle: Any, slope: Any, bend: Any) -> Any:
    """The inverse of the hyperbola of `data.curves.two_slopes`."""
    _, pt = _pymc()
    u, square = pt.log(value) - middle + bend * BEND, slope**2 - bend**2
    return (slope * u - bend * pt.sqrt(u**2 + BEND**2 * square)) / square


def _quantiles_logp(value: Any, middle: Any, slope: Any, bend: Any) -> Any:
    pm, pt = _pymc()
    z = _score_of_quantiles(value, middle, slope, bend)
    by_score = slope + bend * z / pt.sqrt(z**2 + BEND**2)
    inside = pm.logp(pm.Normal.dist(), z) - pt.log(by_score) - pt.log(value)
    return pt.switch(value > 0, inside, -math.inf)


def _quantiles_logcdf(value: Any, middle: Any, slope: Any, bend: Any) -> Any:
    pm, _ = _pymc()
    return pm.logcdf(pm.Normal.dist(), _score_of_quantiles(value, middle, slope, bend))


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
