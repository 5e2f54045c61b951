"""Models broken on purpose, and what each check finds in one: the numbers of docs/checks.md.

A fault changes the `Design` that is fitted. The worlds of a calibration, the second derivation and the PyMC model of the property
test are those of the sound one. `uv run python tests/broken_models.py` measures everything and prints the two tables (half an hour).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

import numpy as np
import oracle
import xarray as xr
from calls import call
from model_density import ModelDensity
from scipy.stats import binom
from test_oracle import MOST_ERRORS, NEAR, SAME, differences, draws_for

import sie
from sie.analysis.calibration import worlds
from sie.analysis.calibration.summary import summarise
from sie.analysis.model_checks import UNLIKELY, check_rows, verdicts
from sie.analysis.sensitivity.power import SENSITIVE, power_scaling
from sie.base.errors import DoubleCounting, NotConverged
from sie.data.quantities import ADJUSTMENTS
from sie.inference.sampling import fit
from sie.returns.compiled import compile_density
from sie.returns.design import Design, design

TWICE = "report_fixed_hardware_2025"
"""The row that is counted twice."""

RUNS, MORE_RUNS, PREDICTED = 60, 200, 20
"""Worlds of the calibration in the tests and of the longer one, and worlds whose rows are predicted."""

DRAWS, WORLD_DRAWS, ORACLE_DRAWS = 8000, 4000, 60_000
"""Draws of a posterior of the real rows, of one of a world's rows, and of the second derivation's."""

SAME_DENSITY = 1e-9
"""Relative difference of two log densities that the property test allows."""


SAME_RANKS = 0.1
"""Root mean square difference of a quantity's ranks in the same worlds that other chains of the same model may make. They made 0.064 in
50 worlds; the same chains make none."""

LEAST_SHOWN = 0.0001
"""Smaller p values are shown as smaller than this."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Whether a check speaks against a model, None where it gives no verdict, and the number that shows it."""

    found: bool | None
    number: str

    @property
    def word(self) -> str:
        return "no verdict" if self.found is None else "found" if self.found else "not found"


# ---- faults


def as_it_is(of: Design) -> Design:
    """No fault."""
    return of


def wrong_sign(of: Design) -> Design:
    """Capabilities divide where they should multiply, in every row on them."""
    loadings = of.loadings.copy()
    loadings[:, len(of.remoteness) + ADJUSTMENTS.index("capabilities")] *= -1
    return replace(of, loadings=loadings)


def one_wrong_sign(of: Design) -> Design:
    """The hardware factor does, in one row: AlexNet's."""
    loadings = of.loadings.copy()
    row = of.coords["estimate"].index("alexnet_growth")
    loadings[row, len(of.remoteness) + ADJUSTMENTS.index("hardware_scale")] *= -1
    return replace(of, loadings=loadings)


def halved_errors(of: Design) -> Design:
    """Each row's own error is half as wide; bounds and rows that are drawn apart are as they are."""

    def half(row):
        return replace(
            row,
            start=row.start / 2,
            step=row.step / 2,
            knot_values=row.knot_values + np.log(2),
            sd=row.sd / 2,
        )

    densities = (
        row if apart or row.drawn_sd > 0 else half(row)
        for row, apart in zip(of.densities, of.beside, strict=True)
    )
    return replace(of, densities=tuple(densities))


def doubled(of: Design, rows: np.ndarray) -> Design:
    """The design with these rows, by position, a second time under names of their own."""
    twice = of.only(np.concatenate([np.arange(len(of.observed)), rows]))
    names = of.coords["estimate"]
    return replace(
        twice,
        rows=twice.rows.assign_coords(estimate=[*names, *(f"{names[row]} again" for row in rows)]),
    )


def one_row_twice(of: Design) -> Design:
    """One row counts twice."""
    return doubled(of, np.array([of.coords["estimate"].index(TWICE)]))


def every_row_twice(of: Design) -> Design:
    """Every row does, but for those that are drawn apart."""
    return doubled(of, np.flatnonzero(~of.beside))


def growth_of_labour(of: Design) -> Design:
    """Growth of all inputs is read as that of labour."""
    terms = of.terms.copy()
    terms[:, 1] += terms[:, 0]
    terms[:, 0] = 0
    return replace(of, terms=terms)


def no_spread(of: Design) -> Design:
    """Every domain has the typical domain's r."""
    return replace(of, remoteness=np.zeros_like(of.remoteness))


FAULTS: Mapping[str, Callable[[Design], Design]] = MappingProxyType(
    {
        "none": as_it_is,
        "a factor's sign, in all its rows": wrong_sign,
        "a factor's sign, in one row": one_wrong_sign,
        "row errors halved": halved_errors,
        "one row counted twice": one_row_twice,
        "every row counted twice": every_row_twice,
        "growth of all inputs read as labour's": growth_of_labour,
        "spread between domains ignored": no_spread,
    }
)


@cache
def sound() -> Design:
    """The reference without raw histories: these teach no lambda, so that with them no posterior is that of one joint model."""
    view = sie.read_view("reference")
    rows = sie.usable(sie.read_evidence(), view)
    return design(rows.isel(estimate=rows.kind.values != "series"), view)


@cache
def broken(fault: str) -> Design:
    return FAULTS[fault](sound())


@cache
def tree_of(fault: str) -> xr.DataTree:
    """The posterior of the real rows, as the broken model has it."""
    return fit(broken(fault), seed=1, draws=DRAWS, groups=())


# ---- checks that know the right model


def refusal(fault: str) -> Finding:
    """`design`, given the rows that the broken model counts."""
    try:
        design(broken(fault).rows, sound().view)
    except DoubleCounting:
        return Finding(found=True, number="refused")
    return Finding(found=False, number="accepted")


@cache
def points() -> list[tuple[np.ndarray, float]]:
    """Points of the latents, and the log density there as the sound PyMC model has it."""
    model, rng = ModelDensity(sound()), np.random.default_rng(1)
    size = compile_density(sound()).n_dim
    drawn = [scale * rng.standard_normal(size) for scale in (0.1, 0.5, 1.0)]
    return [(x, model(x)[0]) for x in drawn]


def _apart(of: Design, wanted: list[tuple[np.ndarray, float]]) -> Finding:
    compiled = compile_density(of)
    most = max(abs(call(compiled, x)[1] - value) / (1 + abs(value)) for x, value in wanted)
    return Finding(found=bool(most > SAME_DENSITY), number=f"{most:.1g}")


def property_of_density(fault: str) -> Finding:
    """The fast density with the fault against the PyMC model without it: the largest relative difference."""
    return _apart(broken(fault), points())


def property_of_both(fault: str) -> Finding:
    """The fast density and the PyMC model of the same broken design."""
    model = ModelDensity(broken(fault))
    return _apart(broken(fault), [(x, model(x)[0]) for x, _ in points()])


@cache
def second_derivation() -> tuple[oracle.Model, Mapping[str, np.ndarray]]:
    """The oracle's model of the same rows and its posterior."""
    view, rows = oracle.read_view("reference"), sound().coords["estimate"]
    return oracle.Model(view, rows), oracle.posterior(view, rows, seed=1, draws=ORACLE_DRAWS)


def rows_of_oracle(fault: str) -> Finding:
    """Each row's log density against the second derivation's, at the same values: the largest difference."""
    of, (model, _) = broken(fault), second_derivation()
    if [row["id"] for row in model.rows] != of.coords["estimate"]:
        return Finding(found=True, number="other rows")
    scores = np.random.default_rng(3).standard_normal((2, 4000, len(model.latents)))
    scores = scores[:, model.values(scores)["possible"].all(axis=0)][:, :400]
    expected = model.log_likelihoods(scores)
    found = of.log_likelihood(draws_for(of, model, scores)).values
    apart = np.where(found > found.max(axis=(0, 1)) - NEAR, np.abs(found - expected), 0).max()
    return Finding(found=bool(apart > SAME), number=f"{apart:.2g}")


def posterior_of_oracle(fault: str) -> Finding:
    """Quantiles of the posterior against the second derivation's: the largest difference in Monte Carlo standard errors."""
    posterior = tree_of(fault)["posterior"].to_dataset()
    found = {name: values.values for name, values in posterior.data_vars.items()}
    found |= {f"r of {name.item()}": posterior.r.sel(domain=name).values for name in posterior.domain}
    expected = {name: values for name, values in second_derivation()[1].items() if name in found}
    most = max(abs(by) for by in differences(found, expected).values())
    return Finding(found=bool(most > MOST_ERRORS), number=f"{most:.1f}")


@cache
def ranked(fault: str, runs: int) -> xr.Dataset:
    """Worlds of the sound model from seed 1 on, fitted by the broken one, as a calibration finds them."""
    of = sound()
    refitted = [
        worlds.refit(seed, view=of.view, rows=of.rows, key="sound", change=FAULTS[fault])
        for seed in range(1, runs + 1)
    ]
    return worlds._labelled(np.array(refitted), worlds.fields(of.view, of.rows))


def calibration(fault: str, *, runs: int = RUNS) -> Finding:
    """Whether the truth ranks evenly: the least p value of a quantity."""
    summary = summarise(ranked(fault, runs))
    name = summary.p_value.idxmin("quantity").item()
    least = float(summary.p_value.min())
    number = f"p {least:.1g}" if least >= LEAST_SHOWN else f"p < {LEAST_SHOWN}"
    return Finding(found=not summary.attrs["calibrated"], number=f"{number}, {name}")


def longer_calibration(fault: str) -> Finding:
    """The same with more worlds."""
    return calibration(fault, runs=MORE_RUNS)


def ranks_again(fault: str) -> Finding:
    """The ranks of the same worlds fitted by the sound model, as the stored record has them: root mean square difference."""
    name, apart = rank_difference(ranked(fault, RUNS), ranked("none", RUNS))
    return Finding(found=apart > SAME_RANKS, number=f"{apart:.2f}, {name}")


def rank_difference(found: xr.Dataset, wanted: xr.Dataset) -> tuple[str, float]:
    """The quantity whose ranks in the same worlds differ most, and their root mean square difference."""
    apart = np.sqrt(((found.pit - wanted.pit.values) ** 2).mean("run"))
    return apart.idxmax("quantity").item(), float(apart.max())


# ---- checks of a fit, behind `sie check-model`


@cache
def checked(fault: str) -> tuple[xr.Dataset, xr.Dataset]:
    """The real rows under the broken model, by weights alone, and power scaling."""
    rows = check_rows(tree_of(fault), broken(fault), seed=1)
    return rows.assign(refitted=rows.khat > np.inf), power_scaling(tree_of(fault), broken(fault))


@cache
def predicted(fault: str) -> Mapping[str, int]:
    """Of how many worlds of the sound model each check speaks against the broken one that is fitted to them; `fitted` is in how many the
    fit converged."""
    against = {"fitted": 0}
    for seed in range(PREDICTED):
        _, observed = worlds.draw_world(sound(), seed=300 + seed)
        of = FAULTS[fault](replace(sound(), observed=observed))
        try:
            tree = fit(of, seed=seed, draws=WORLD_DRAWS, groups=())
        except NotConverged:
            continue
        against["fitted"] += 1
        rows = check_rows(tree, of, seed=seed)
        for each in verdicts(rows.assign(refitted=rows.khat > np.inf), checked("none")[1]):
            against[each.check] = against.get(each.check, 0) + (not each.good)
    return against


def _of_real_rows(fault: str, check: str) -> Finding:
    verdict = next(each for each in verdicts(*checked(fault)) if each.check == check)
    return Finding(found=not verdict.good, number=verdict.sentence.split(" lie ")[0])


def _of_worlds(fault: str, check: str) -> Finding:
    """Found where more worlds speak against the model than do by chance in 999 of 1000 of such counts."""
    count, fitted = predicted(fault)[check], predicted(fault)["fitted"]
    return Finding(
        found=bool(count > binom.ppf(0.999, fitted, UNLIKELY)), number=f"{count} of {fitted} worlds"
    )


def prior_predictive(fault: str) -> Finding:
    """Rows in the outer 1 % of what the priors foresaw."""
    return _of_real_rows(fault, "prior predictive")


def posterior_predictive(fault: str) -> Finding:
    """Rows in the outer 10 % of what the posterior predicts for them."""
    return _of_real_rows(fault, "posterior predictive")


def posterior_predictive_of_worlds(fault: str) -> Finding:
    """Worlds in which the same check speaks against the model."""
    return _of_worlds(fault, "posterior predictive")


def loo_pit(fault: str) -> Finding:
    """Share of the rows in the middle half of what the others predict for them."""
    return _of_real_rows(fault, "LOO-PIT")


def loo_pit_of_worlds(fault: str) -> Finding:
    """Worlds in which the same check speaks against the model."""
    return _of_worlds(fault, "LOO-PIT")


def influence(fault: str) -> Finding:
    """The row that moves P(r at ASARA > 1) most by weights, with the largest k-hat of any row; it says what an answer rests on."""
    rows = checked(fault)[0]
    moved = 100 * rows.moved.sel(event="r_above_1")
    most = int(abs(moved).argmax("estimate"))
    return Finding(
        found=None,
        number=f"{moved.values[most]:+.1f} points, {rows.estimate.values[most]}; k-hat {float(rows.khat.max()):.2f}",
    )


def scaling(fault: str) -> Finding:
    """How many rows move log r at ASARA, and the most that one does; it says what an answer rests on."""
    of_row = checked(fault)[1].of_row
    count = int((of_row >= SENSITIVE).sum())
    return Finding(
        found=None, number=f"{count} row{'' if count == 1 else 's'}, at most {float(of_row.max()):.3f}"
    )


RIGHT_MODEL = MappingProxyType(
    {
        "refusal": refusal,
        "property test, fault in the fast density": property_of_density,
        "property test, fault in the design": property_of_both,
        "second derivation, rows": rows_of_oracle,
        "second derivation, posterior": posterior_of_oracle,
        f"calibration, {RUNS} worlds": calibration,
        f"calibration, {MORE_RUNS} worlds": longer_calibration,
        f"ranks again, {RUNS} worlds": ranks_again,
    }
)
FIT = MappingProxyType(
    {
        "prior predictive": prior_predictive,
        "posterior predictive": posterior_predictive,
        f"posterior predictive, {PREDICTED} worlds": posterior_predictive_of_worlds,
        "LOO-PIT": loo_pit,
        f"LOO-PIT, {PREDICTED} worlds": loo_pit_of_worlds,
        "influence": influence,
        "power scaling": scaling,
    }
)
"""The checks of either table of docs/checks.md, by the heads of their columns."""

SLOW = (longer_calibration, posterior_predictive_of_worlds, loo_pit_of_worlds)
"""Checks that take minutes for all faults, which the tests leave out."""


def main() -> None:
    """Print the tables of docs/checks.md."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the checks that the tests leave out")
    quick = parser.parse_args().quick
    for table in (RIGHT_MODEL, FIT):
        checks = {head: check for head, check in table.items() if not (quick and check in SLOW)}
        print("| fault |", " | ".join(checks), "|")
        print("|---" * (1 + len(checks)) + "|")
        for fault in FAULTS:
            findings = [check(fault) for check in checks.values()]
            print(
                f"| {fault} |",
                " | ".join(f"{each.word}: {each.number}" for each in findings),
                "|",
                flush=True,
            )
        print()


if __name__ == "__main__":
    main()
