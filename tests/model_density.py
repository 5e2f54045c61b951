"""The log density of a design from its PyMC model: value and gradient in the latents that the written-out density has."""

from types import SimpleNamespace

import numpy as np
import pytensor
from pymc.model.transform.conditioning import remove_value_transforms
from pytensor.compile.mode import Mode
from scipy.special import logsumexp

from sie.data.families import SCORE_LIMIT
from sie.data.quantities import QUANTITIES
from sie.returns.model import graph
from sie.returns.prior_curves import GRAPH


def latents_of(design, x):
    """The vector of latents by name."""
    shapes = {name: tuple(len(design.coords[dim]) for dim in dims) for name, dims in design.latents.items()}
    ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes.values()])
    parts = np.split(x, ends[:-1])
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


class ModelDensity:
    """The rows' log likelihood and its gradient at natural values, as PyMC has it, without compiled code."""

    def __init__(self, design):
        self.design = design
        model = remove_value_transforms(graph(design.only(np.flatnonzero(~design.beside))))
        value = model.logp(vars=model.observed_RVs, jacobian=False)
        self.names = [variable.name for variable in model.value_vars]
        slopes = pytensor.grad(value, model.value_vars, disconnected_inputs="ignore")
        self.function = pytensor.function(
            model.value_vars, [value, *slopes], mode=Mode(linker="py", optimizer=None)
        )

    def given_parts(self, x, combination):
        """log w_c + the log likelihood at one combination of parts, and the gradient in x."""
        design = self.design
        latents = latents_of(design, x)
        parts, log_weight = design.parts
        natural, slopes = {}, np.zeros(len(GRAPH))
        joined = np.eye(len(GRAPH)) if design.copula is None else design.copula
        scores = joined @ latents["score"]
        for k, name in enumerate(GRAPH):
            value, slope = curve_at(design.curves, int(parts[combination, k]), scores[k])
            if not QUANTITIES[name].lower_included:
                value, slope = np.exp(value), slope * np.exp(value)
            natural[name], slopes[k] = value, slope
        values = {**dict.fromkeys(self.names, 1.0), **natural, **latents}
        log_p, *found = self.function(*(values[name] for name in self.names))
        found = dict(zip(self.names, found, strict=True))
        of_scores = joined.T @ [found.get(name, 0.0) * slopes[k] for k, name in enumerate(GRAPH)]
        others = [np.ravel(found[name]) for name in design.latents if name != "score"]
        return float(log_p) + log_weight[combination], np.concatenate([of_scores, *others])

    def __call__(self, x):
        """Value and gradient of the log density in the latents, summed over the combinations of parts."""
        each = [self.given_parts(x, c) for c in range(len(self.design.parts[0]))]
        values = np.array([value for value, _ in each])
        total = logsumexp(values)
        gradient = sum(np.exp(value - total) * slope for value, slope in each)
        return total - 0.5 * (x @ x) - 0.5 * len(x) * np.log(2 * np.pi), gradient - x


def curve_at(curves, which, score):
    """Value and slope of one quantile curve of a design."""
    knots, cubic = curves
    inside = np.clip(score, -SCORE_LIMIT, SCORE_LIMIT)
    piece = int((knots[which, :, 0] <= inside).sum()) - 1
    start, width = knots[which, piece]
    t = (inside - start) / width
    c = np.polynomial.Polynomial(cubic[which, piece])
    return float(c(t)), float(c.deriv()(t) / width) if inside == score else 0.0


def kernel_from(source):
    """The written-out density from its source, as plain Python."""
    space = {"__name__": "sie.returns.log_density_changed", "__package__": "sie.returns"}
    exec(compile(source, "log_density", "exec"), space)
    return SimpleNamespace(**space)
