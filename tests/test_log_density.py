"""The log density as written out, against the PyMC model: the same likelihood at the same values, and each prior's own map."""

import ast
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from calls import call as at
from model_density import ModelDensity, kernel_from
from scipy import stats

import sie
from sie.base.stats import Z90, Z95
from sie.data.correlations import Correlation
from sie.data.quantities import ADJUSTMENTS
from sie.returns import density_parts
from sie.returns import log_density as written_out
from sie.returns.compiled import compile_density
from sie.returns.design import design
from sie.returns.packing import pack
from sie.returns.prior_curves import quantile_curve
from sie.returns.selection import domains_at

SCALES = (0.1, 1.0, 3.0, 12.0)
"""Standard deviations of the latents at which the two are compared; the last lies beyond every curve and every error's pieces."""

INPUTS = (
    ("lambda", "log"),
    ("lambda", "linear"),
    ("labour_share", "logit"),
    ("sigma", "log"),
    ("frontier_share", "logit"),
    ("measure_sd", "log"),
    ("experiment_gain", "linear"),
)
"""What rows of random designs are on: each scale, of quantities whose curve is in logs and of others."""


def free():
    """The reference view with shares that stay off 0 and 1, where the odds of a rounded number are noise."""
    return sie.read_view("reference").replace(
        labour_share=sie.uniform(0.2, 0.8), frontier_share=sie.uniform(0.1, 0.9)
    )


def apart():
    """Two mixtures, one of parts that lie apart, so that the density is a sum over four combinations."""
    two = sie.mixture([0.3, 0.7], [sie.uniform(0.2, 0.5), sie.lognormal(2.0, 3.0)])
    return free().replace(
        capabilities=two, spread=sie.mixture([0.5, 0.5], [sie.halfnormal(0.4), sie.uniform(0.5, 1.5)])
    )


def correlated():
    """A chain of correlations, of quantities whose curves are in logs and of others."""
    pairs = {("capabilities", "sigma"): 0.5, ("labour_share", "lambda"): -0.4, ("sigma", "measure_sd"): 0.3}
    told = {"basis": "ours", "locator": "test", "note": "test"}
    items = tuple(Correlation(between=between, rank=rank, **told) for between, rank in pairs.items())
    return replace(free(), correlations=items)


def reached():
    """A speed-up that is reached, which sigma now and then forbids."""
    view = free()
    entry = replace(view["speedup"], reached=True)
    return replace(view, entries=MappingProxyType({**view.entries, "speedup": entry}))


VIEWS = {
    "stated": lambda: sie.read_view("davidson_2025"),
    "derived": free,
    "mixtures": apart,
    "correlated": correlated,
    "reached": reached,
}


def drawn(evidence, view, seed, level=None):
    """A design of a view with random loadings (zeros among them), terms, growth of either skew, relative or not, histories, measures,
    rows on all scales, remoteness and observations."""
    rng = np.random.default_rng(seed)
    level = level or rng.choice(["published", "growth", "series", "epoch"])
    rows = sie.usable(evidence, view, levels=dict.fromkeys(domains_at(evidence, level), level))
    of = design(rows, view)
    count = len(of.observed)
    inputs = INPUTS if view.derives_compute_bottleneck else ()
    shape = count, of.loadings.shape[1] - len(of.inputs) + len(inputs)
    loadings = np.where(rng.random(shape) < 0.4, rng.normal(0, 1, shape), 0.0)
    if "steepening" not in view:  # derived from distances, which the density does not have
        loadings[:, len(of.remoteness) + ADJUSTMENTS.index("steepening")] = 0
    skew = rng.choice([-1, 1], of.growth.shape[:2]) * rng.uniform(1e-3, 0.1, of.growth.shape[:2])
    growth = np.stack([rng.normal(0, 1, skew.shape), rng.uniform(0.05, 0.2, skew.shape), skew], axis=-1)
    terms = np.where(rng.random(of.terms.shape) < 0.7, rng.normal(0, 1, of.terms.shape), 0.0)
    if not view.derives_compute_bottleneck:
        terms[:, [0, 2]] = 0
    history_of, measure_of = (
        np.eye(one_hot.shape[1])[rng.integers(0, one_hot.shape[1], count)] if one_hot.size else one_hot
        for one_hot in (of.history_of, of.measure_of)
    )
    return replace(
        of,
        loadings=loadings,
        inputs=inputs,
        terms=terms,
        growth=growth,
        relative=rng.random(count) < 0.5,
        history_of=history_of,
        measure_of=measure_of * (rng.random((count, 1)) < 0.8),
        remoteness=rng.uniform(1, 3, len(of.remoteness)),
        observed=rng.normal(0, 1, count),
    )


def points(of, seed):
    rng = np.random.default_rng(seed)
    size = compile_density(of).n_dim
    return [scale * rng.standard_normal(size) for scale in SCALES]


def assert_same_density(of, seed=8):
    compiled, model = compile_density(of), ModelDensity(of)
    for x in points(of, seed):
        code, value, gradient = at(compiled, x)
        wanted, slopes = model(x)
        assert code == 0
        assert value == pytest.approx(wanted, abs=1e-9 * (1 + abs(wanted)))
        np.testing.assert_allclose(gradient, slopes, rtol=1e-9, atol=1e-9 * (1 + np.abs(slopes).max()))


@pytest.mark.slow
@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("seed", [1, 2])
def test_value_and_gradient_are_those_of_the_model_for_random_designs(evidence, name, seed):
    assert_same_density(drawn(evidence, VIEWS[name](), seed))


@pytest.mark.slow
@pytest.mark.parametrize("name", VIEWS)
def test_value_and_gradient_are_those_of_the_model_for_bundled_rows(evidence, name):
    view = VIEWS[name]()
    rows = sie.usable(evidence, view)
    for part in (rows, rows.isel(estimate=slice(0, 1))):
        assert_same_density(design(part, view))


# Every term of the written-out density matters

BEGIN = {
    "log_density": "combinations = int(data[10])",
    "given_parts": "total = data[log_weight + combination]",
    "quantile": "width = data[at + 1]",
    "curve": "piece = min(int(position), pieces - 1) if position > 0 else 0",
    "history": "cells = int(data[start + 4])",
    "share_at_asara": "kappa, per = (1 - math.exp(-log_sigma), math.exp(-log_lambda) / (1.0 if reached else share))",
    "on_scale": "natural = math.exp(value) if in_logs else value",
}
"""The functions whose terms are removed one at a time, each from this line on: after the positions of arrays in the packed data, and after
the search for a piece, which would not end."""

HELPERS = ("range", "int", "quantile", "curve_at", "history_at")
"""Calls whose arguments are positions."""


def without_kernels():
    """Both modules as one, with their functions as plain Python."""
    plain = ast.parse("kernel = lambda f: f\ncached = lambda *a: lambda f: f\nDENSITY = status = None").body
    trees = [
        ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        for module in (density_parts, written_out)
    ]
    parts, whole = (
        [
            n
            for n in tree.body
            if not (
                isinstance(n, ast.ImportFrom) and n.module in ("base.kernels", "density_parts", "__future__")
            )
        ]
        for tree in trees
    )
    names = ast.parse("curve_at, history_at = curve, history").body
    return ast.Module(body=[*plain, *parts, *names, *whole], type_ignores=[])


def sites(tree):
    """Every sum, product, sign and increment of the functions, but for those of positions in arrays."""
    for function in (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name in BEGIN):
        begun = False
        for statement in function.body:
            begun = begun or ast.unparse(statement) == BEGIN[function.name]
            if begun:
                yield from _sites(statement)
        assert begun, function.name


def _sites(node):
    if isinstance(node, ast.Subscript) or (isinstance(node, ast.Call) and ast.unparse(node.func) in HELPERS):
        return
    if isinstance(node, ast.BinOp | ast.UnaryOp | ast.AugAssign):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _sites(child)


def changes(node):
    """What to put in place of a node: without one operand, or with the other sign."""
    if isinstance(node, ast.AugAssign):
        yield "removed", ast.Pass()
        return
    if isinstance(node, ast.UnaryOp):
        if isinstance(node.op, ast.USub):
            yield "without its sign", node.operand
        return
    if isinstance(node.op, ast.Add | ast.Sub):
        other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield "with the other sign", ast.BinOp(node.left, other, node.right)
        yield "without its left term", node.right
    yield "without its right term", node.left


class Put(ast.NodeTransformer):
    def __init__(self, node, new):
        self.node, self.new = node, new

    def visit(self, node):
        return self.new if node is self.node else self.generic_visit(node)


@pytest.mark.long
@pytest.mark.slow
def test_every_term_of_the_written_out_density_is_seen(evidence):
    mixed, seeds = apart(), iter(range(1, 9))
    of_rows = design(sie.usable(evidence, mixed), mixed)  # here several parts are probable at once
    designs = [drawn(evidence, VIEWS[name](), next(seeds), "series") for name in VIEWS]
    cases = []
    for of in (*designs, of_rows):
        model = ModelDensity(of)
        cases += [(x, pack(of), *model(x)) for x in points(of, 2)]

    def differs(kernel):
        for x, data, wanted, slopes in cases:
            gradient = np.empty(len(x))
            try:
                value = kernel.log_density(x, gradient, data)
            except (ArithmeticError, IndexError, ValueError, TypeError, NameError):
                return True
            near = np.allclose(gradient, slopes, rtol=1e-9, atol=1e-9 * (1 + np.abs(slopes).max()))
            if not (near and abs(value - wanted) <= 1e-9 * (1 + abs(wanted))):
                return True
        return False

    def source(tree):
        return ast.unparse(ast.fix_missing_locations(tree))

    assert not differs(kernel_from(source(without_kernels())))
    unseen, count = [], 0
    for position in range(len(list(sites(without_kernels())))):
        for choice in range(3):
            tree = without_kernels()
            node = list(sites(tree))[position]
            options = list(changes(node))
            if choice >= len(options):
                continue
            what, new = options[choice]
            text = ast.unparse(node)
            count += 1
            with np.errstate(all="ignore"):
                if not differs(kernel_from(source(Put(node, new).visit(tree)))):
                    unseen.append(f"{text} {what}")
    assert count > 300
    assert unseen == []


@pytest.mark.slow
def test_each_combination_of_parts_has_its_own_density(evidence):
    view = apart()
    of = design(sie.usable(evidence, view), view)
    model, x = ModelDensity(of), np.array(points(of, 4)[:2])
    count = len(of.parts[0])
    expected = [[model.given_parts(each, c)[0] for c in range(count)] for each in x]
    assert count == 4
    np.testing.assert_allclose(written_out.log_parts(x, pack(of)), expected, rtol=1e-9)


# Each prior's map

FAMILIES = {
    "uniform": (sie.uniform(1, 4), stats.uniform(1, 3)),
    "narrow uniform": (sie.uniform(1, 1.001), stats.uniform(1, 0.001)),
    "loguniform": (sie.loguniform(0.1, 30), stats.loguniform(0.1, 30)),
    "normal": (sie.normal(1, 3), stats.norm(2, 1 / Z90)),
    "lognormal": (sie.lognormal(0.5, 8), stats.lognorm(np.log(16) / (2 * Z90), scale=2)),
    "halfnormal": (sie.halfnormal(0.5), stats.halfnorm(scale=0.5 / Z95)),
}
APART = sie.mixture([0.25, 0.75], [sie.uniform(0.2, 0.5), sie.lognormal(2, 3)])


@pytest.mark.parametrize("name", [*FAMILIES, "beta", "quantiles", "mixture"])
def test_a_curve_is_its_prior_s_own_quantiles(name):
    if name == "beta":
        prior = sie.beta(0.1, 0.9)
        a, b = prior.shapes
        exact = stats.beta(a, b)
        np.testing.assert_allclose(exact.ppf([0.05, 0.95]), [0.1, 0.9], rtol=1e-6)
        cdf = exact.cdf
    elif name == "quantiles":
        prior = sie.quantiles(0.5, 1.0, 6.0)
        cdf = prior.cdf
    elif name == "mixture":
        prior, log_sd = APART, np.log(1.5) / (2 * Z90)

        def cdf(x):
            return 0.25 * stats.uniform(0.2, 0.3).cdf(x) + 0.75 * stats.lognorm(log_sd, scale=6**0.5).cdf(x)

    else:
        prior, exact = FAMILIES[name]
        cdf = exact.cdf
    score = np.linspace(-6, 6, 4001)
    for log in (False, True) if prior.support[0] >= 0 else (False,):
        at_score = quantile_curve(prior, log=log).at(score)
        x = np.exp(at_score) if log else at_score
        np.testing.assert_allclose(cdf(x), stats.norm.cdf(score), atol=1e-6)


def test_what_is_not_finite_is_told_to_the_sampler(evidence):
    view = sie.read_view("reference")
    compiled = compile_density(design(sie.usable(evidence, view), view))
    assert at(compiled, np.zeros(compiled.n_dim))[0] == 0
    assert at(compiled, np.full(compiled.n_dim, np.nan))[0] == 3
