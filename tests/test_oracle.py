"""The model's answer against a second derivation of it from the same files (`oracle`): rows, densities, posteriors, calibration."""

import ast
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import oracle
import pytest
import xarray as xr
from arviz_stats.base import array_stats
from scipy import stats

import sie
from sie.data.correlations import Correlation
from sie.inference.sampling import short_fit
from sie.returns.design import design
from sie.returns.selection import domains_at

CHAIN_VIEWS = [
    path.stem
    for path in sorted((oracle.ROOT / "priors").glob("*.toml"))
    if "r_typical" in oracle.read_view(path.stem)
]

DRAWS = 60_000
"""Draws of the oracle, about a fifth as many effective ones."""

MOST_ERRORS = 4
"""Combined Monte Carlo standard errors by which two answers may differ."""

NEAR = 4
"""Log units below its best within which a row's two densities are compared."""

SAME, SAME_HISTORY = 0.02, 0.03
"""Log units by which they may differ; of a history, between the lambdas of whose table each interpolates in its own way."""

WORLDS, DRAWS_OF_WORLD, TUNE, RANKED = 60, 1200, 400, 100
"""Worlds of the calibration, draws and warm-up of a refit, and draws among which the truth is ranked."""

LEAST_P = 1e-3
"""Least p value at which ranks count as uniform."""


def two_capabilities(view):
    """A view of the oracle and of the package that are in two minds about capabilities."""
    parts = [{"family": "lognormal", "q05": 0.9, "q95": 1.1}, {"family": "lognormal", "q05": 3.6, "q95": 4.4}]
    ours = oracle.read_view(view)
    ours["capabilities"] = {"family": "mixture", "weights": [0.5, 0.5], "parts": parts}
    mixed = sie.mixture([0.5, 0.5], [sie.lognormal(part["q05"], part["q95"]) for part in parts])
    return ours, sie.read_view(view).replace(capabilities=mixed)


def as_stated(view):
    return oracle.read_view(view), sie.read_view(view)


def correlated(view):
    """A view of which two quantities of r go with two of what was counted in histories and of the jump in labour."""
    pairs = {("capabilities", "sigma"): 0.5, ("labour_share", "lambda"): -0.4}
    ours = oracle.read_view(view)
    ours["correlations"] = [{"between": list(between), "rank": rank} for between, rank in pairs.items()]
    told = {"basis": "ours", "locator": "test", "note": "test"}
    theirs = tuple(Correlation(between=between, rank=rank, **told) for between, rank in pairs.items())
    return ours, replace(sie.read_view(view), correlations=theirs)


def reached(view):
    """A view that states the speed-up that is reached, which its sigma all but forbids."""
    ours = oracle.read_view(view)
    ours["speedup"] = ours["speedup"] | {"reached": True, "family": "lognormal", "q05": 1.05, "q95": 1.8}
    theirs = sie.read_view(view)
    entry = replace(theirs["speedup"], prior=sie.lognormal(1.05, 1.8), reached=True)
    return ours, replace(theirs, entries=MappingProxyType({**theirs.entries, "speedup": entry}))


FORMS = {
    "reference": lambda: as_stated("reference"),
    "davidson_2025": lambda: as_stated("davidson_2025"),
    "reference, two capabilities": lambda: two_capabilities("reference"),
    "reference, correlated": lambda: correlated("reference"),
    "reference, speed-up reached": lambda: reached("reference"),
    "greenblatt_2025_updated": lambda: as_stated("greenblatt_2025_updated"),
    "eth_davidson_2025": lambda: as_stated("eth_davidson_2025"),
}


def test_the_oracle_imports_nothing_of_the_package():
    tree = ast.parse(Path(oracle.__file__).read_text(encoding="utf-8"))
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    packages = {module.split(".")[0] for module in modules}
    assert packages <= {"csv", "functools", "math", "numpy", "pathlib", "scipy", "tomllib"}


@pytest.mark.parametrize("name", CHAIN_VIEWS)
@pytest.mark.parametrize("level", [None, *oracle.KIND_AT])
def test_the_rows_that_may_update_a_view_are_those_of_its_rules(evidence, name, level):
    levels = dict.fromkeys(domains_at(evidence, level), level) if level else {}
    rows = sie.usable(evidence, sie.read_view(name), levels=levels)
    assert rows.estimate.values.tolist() == oracle.usable(oracle.read_view(name), levels)


def draws_for(of, model, scores):
    """What `Design.log_likelihood` reads, at latents of the oracle."""
    values = model.values(scores)
    dims = {"domain": of.coords["domain"], "flow": of.coords["flow"], **of.names}

    def at(kind, names):
        return [model.score(scores, kind, name) for name in names]

    r = [values.get(f"r of {name}", np.ones(scores.shape[:-1])) for name in dims["domain"]]
    latents = {
        "r": (("domain",), r),
        "z_input": (("input_data",), at("definition", dims["input_data"])),
        "z_growth": (("flow", "history"), [at(flow, dims["history"]) for flow in dims["flow"]]),
        "z_share": (("history",), at("share", dims["history"])),
        "z_measure": (("measure",), at("measure", dims["measure"])),
    }
    latents = {name: latents[name] for name in ("r", *of.latents) if name in latents}
    named = {name: (("chain", "draw"), value) for name, value in values.items() if " " not in name}
    named |= {name: ((*own, "chain", "draw"), np.array(value)) for name, (own, value) in latents.items()}
    named["lambda_histories"] = (("chain", "draw"), np.exp(model.log_lambda(scores)))
    coords = {"chain": range(scores.shape[0]), "draw": range(scores.shape[1])}
    return xr.Dataset(named, coords | dims)


@pytest.mark.slow
@pytest.mark.parametrize("level", [None, *oracle.KIND_AT])
@pytest.mark.parametrize("name", FORMS)
def test_each_row_has_the_density_that_its_own_numbers_give(evidence, name, level):
    levels = dict.fromkeys(domains_at(evidence, level), level) if level else {}
    ours, theirs = FORMS[name]()
    of = design(sie.usable(evidence, theirs, levels=levels), theirs)
    model = oracle.Model(ours, oracle.usable(ours, levels))
    assert [row["id"] for row in model.rows] == of.coords["estimate"]
    series = of.level == "series"
    np.testing.assert_allclose(model.centre[~series], of.observed[~series], atol=1e-9)
    scores = np.random.default_rng(3).standard_normal((2, 4000, len(model.latents)))
    scores = scores[:, model.values(scores)["possible"].all(axis=0)][:, :400]
    expected, found = model.log_likelihoods(scores), of.log_likelihood(draws_for(of, model, scores)).values
    near = found > found.max(axis=(0, 1)) - NEAR
    apart = np.where(near, np.abs(found - expected), 0).max(axis=(0, 1))
    most = np.where(series, SAME_HISTORY, SAME)
    assert {
        row: by for row, by, limit in zip(of.coords["estimate"], apart, most, strict=True) if by > limit
    } == {}


@pytest.mark.parametrize("name", ["reference", "davidson_2025", "reference, correlated"])
def test_histories_are_read_under_lambda_given_the_rows_on_it_alone(evidence, name):
    ours, theirs = FORMS[name]()
    of = design(sie.usable(evidence, theirs), theirs)
    scores = np.linspace(-3, 3, 61)
    expected = np.interp(scores, oracle.SCORES, oracle.Model(ours).histories_lambda)
    np.testing.assert_allclose(of.lambda_curve.at(scores), expected, atol=0.002)


def quantile_and_error(draws, p):
    """A quantile of draws (chain, draw) and its Monte Carlo standard error.

    error = sqrt(p (1 - p) / S) / f,   S the effective sample size of [x <= quantile], f the density there, from the
    quantiles one standard error of p on each side
    """
    share_error = np.sqrt(p * (1 - p) / array_stats.ess(draws, method="quantile", prob=p))
    low, at, high = np.quantile(draws, np.clip([p - share_error, p, p + share_error], 0, 1))
    density = 2 * share_error / (high - low)
    return at, share_error / density


def share_and_error(happened):
    """The probability of an event and its Monte Carlo standard error sqrt(p (1 - p) / S)."""
    p = happened.mean()
    return p, np.sqrt(p * (1 - p) / array_stats.ess(happened.astype(float), method="mean"))


def differences(found, expected):
    """How far answers lie apart in combined Monte Carlo standard errors, by what is asked."""
    apart = {}
    for name in expected:
        for p in (0.05, 0.25, 0.5, 0.75, 0.95):
            (one, error), (other, other_error) = (
                quantile_and_error(draws[name], p) for draws in (found, expected)
            )
            apart[name, p] = (one - other) / np.hypot(error, other_error)
    (one, error), (other, other_error) = (
        share_and_error(draws["r_asara"] > 1) for draws in (found, expected)
    )
    return apart | {"r_asara above 1": (one - other) / np.hypot(error, other_error)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["reference", "davidson_2025", "reference, two capabilities", "reference, correlated"]
)
def test_the_posterior_is_that_of_a_second_derivation(evidence, name):
    ours, theirs = FORMS[name]()
    rows = sie.usable(evidence, theirs)
    assert rows.estimate.values.tolist() == oracle.usable(ours)
    posterior = sie.fit(sie.build(rows, theirs), seed=1)["posterior"]
    found = {name: values.values for name, values in posterior.data_vars.items()}
    found |= {f"r of {name.item()}": posterior.r.sel(domain=name).values for name in posterior.domain}
    expected = oracle.posterior(ours, seed=1, draws=DRAWS)
    uncertain = {name for name in theirs.entries if theirs[name].prior.family != "fixed"}
    assert set(expected) >= {"r_asara", "r_target", *uncertain} - {*oracle.UNREAD}
    apart = differences(found, expected)
    assert {what: by for what, by in apart.items() if not abs(by) < MOST_ERRORS} == {}


@pytest.mark.long
@pytest.mark.slow
def test_fits_of_worlds_that_the_second_derivation_draws_are_calibrated(evidence):
    view = sie.read_view("reference")
    of = design(sie.usable(evidence, view), view)
    names = (
        "r_asara",
        "r_target",
        "capabilities",
        "compute_bottleneck",
        "spread",
        "labour_share",
        "sigma",
        "lambda",
    )
    centre = oracle.Model(oracle.read_view("reference")).centre
    rng = np.random.default_rng(0)
    ranks = {name: [] for name in names}
    for seed in range(1, WORLDS + 1):
        truth, estimates = oracle.world("reference", seed=seed)
        shift = np.array([estimates[row] for row in of.coords["estimate"]]) - centre
        observed = of.observed + shift
        draws = short_fit(replace(of, observed=observed), seed=seed, draws=DRAWS_OF_WORLD, tune=TUNE)
        thinned = draws.isel(draw=slice(None, None, DRAWS_OF_WORLD // RANKED))
        for name in names:
            below = (thinned[name].values < truth[name]).sum()
            ranks[name].append((below + rng.random()) / (thinned[name].size + 1))
    p_values = {name: stats.kstest(values, "uniform").pvalue for name, values in ranks.items()}
    assert {name: p for name, p in p_values.items() if p < LEAST_P} == {}
