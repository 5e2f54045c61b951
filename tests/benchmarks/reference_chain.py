"""How P(r at ASARA > 1) of the reference moved from the two earlier reference views to the present one, one change at a time.

Run with `python tests/benchmarks/reference_chain.py [DRAWS]`; prints the tables of docs/reference_chain.md.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import old_reference as old

import sie
from sie.inference.sampling import fit
from sie.returns.design import design

SEED = 1
DAVIDSON_SD = 0.3
"""The definition error that Davidson's 0.75 had."""

FORM, SHARES, R_AND_LAMBDA = "derived form", "share rows", "priors of r_typical and lambda"
RATIOS, DAVIDSON_IN = "ratio histories", "Davidson's 0.75 in"
FRONTIER, GAIN, MEASURE, SPREAD = "frontier_share", "experiment_gain", "measure_sd", "share_spread"
SIGMA, LAMBDA, HALVING = "sigma and speedup", "rows on lambda", "report's halving"
CHESS, STEEPENING, DAVIDSON, GUNDLACH = (
    "chess and OpenAI",
    "steepening",
    "Davidson's 0.75 at 0.5",
    "Gundlach's bound",
)

NEW = (FRONTIER, GAIN, MEASURE, SPREAD, SIGMA, LAMBDA, HALVING)
LAST = (STEEPENING, DAVIDSON, GUNDLACH)
FROM_STATED = {
    "forwards": (FORM, *NEW, CHESS, *LAST),
    "backwards": (*LAST[::-1], HALVING, FORM, CHESS, LAMBDA, SIGMA, SPREAD, MEASURE, GAIN, FRONTIER),
}
FROM_ALL_INPUTS = {
    "forwards": (R_AND_LAMBDA, RATIOS, SHARES, DAVIDSON_IN, *NEW, *LAST),
    "backwards": (*LAST[::-1], *NEW[::-1], DAVIDSON_IN, SHARES, RATIOS, R_AND_LAMBDA),
}
ALL = frozenset({FORM, SHARES, R_AND_LAMBDA, RATIOS, DAVIDSON_IN, *NEW, CHESS, *LAST})
GIVEN_FORM = {SHARES, R_AND_LAMBDA, RATIOS, DAVIDSON_IN}
"""What the first view has as soon as it is in the derived form."""


def problem(evidence, done):
    """The view and its rows where these changes are made."""
    reference, priors, gone = sie.read_view("reference"), {}, set()
    derived = FORM in done
    if derived:
        priors |= {name: prior for name, prior in old.NEUTRAL.items() if not done >= {name}}
        if SIGMA in done:
            del priors["sigma"]
        if R_AND_LAMBDA not in done:
            priors |= {name: old.ALL_INPUTS[name] for name in ("r_typical", "lambda")}
        if SHARES not in done:
            priors["labour_share"] = old.ALL_INPUTS["labour_share"]
    else:
        kept = ("r_typical", "compute_bottleneck", "labour_share", "parallel")
        priors |= {name: old.STATED[name] for name in kept}
        gone |= {"lambda", FRONTIER, MEASURE, SPREAD}
    if STEEPENING not in done:
        priors |= {name: old.COMMON[name] for name in ("steepening", "ceiling")}
        gone.add("gained_before_asara")
    assert {*old.COMMON} - {"steepening", "ceiling"} <= {*reference.entries}
    view = old.view_with(priors, without=gone)
    needs = {
        SHARES: old.NEW_SHARES,
        LAMBDA: old.LAMBDA_ROWS,
        SIGMA: old.SIGMA_ROWS,
        HALVING: ("report_fixed_hardware_2025",),
        CHESS: ("stockfish", "openai_growth"),
        STEEPENING: old.CEILING_ROWS,
        GUNDLACH: ("gundlach_2025_origin",),
        RATIOS: old.RATIO_ROWS,
        DAVIDSON_IN: ("davidson_2025_compute",),
    }
    if not derived:
        del needs[RATIOS], needs[DAVIDSON_IN]
    left_out = [row for change, rows in needs.items() if change not in done for row in rows]
    left_out += [f"old_{row}" for row in old.OLD_SHARES if derived]
    sd = None if DAVIDSON in done else DAVIDSON_SD
    return view, old.rows_without(evidence, view, left_out, davidson_sd=sd)


def probability(evidence, done, draws, known={}):  # noqa: B006 (states that two orders share are fitted once)
    """P(r at ASARA > 1) and its Monte Carlo error, and the median of r."""
    if done not in known:
        view, rows = problem(evidence, done)
        posterior = fit(design(rows, view), seed=SEED, draws=draws, groups=())["posterior"].to_dataset()
        found = sie.credences(sie.simulate(posterior), events=["r_above_1"])
        known[done] = (
            found.p.item(),
            found.mcse.item(),
            float(posterior.r_asara.median()),
            rows.sizes["estimate"],
        )
    return known[done]


def main(draws):
    """Print a table for each start, with a column for each order."""
    with tempfile.TemporaryDirectory() as folder:
        evidence = sie.read_evidence(old.folder_with_old_shares(Path(folder) / "evidence"))
        for start, orders in (
            (frozenset(), FROM_STATED),
            (ALL - {*FROM_ALL_INPUTS["forwards"]}, FROM_ALL_INPUTS),
        ):
            for order, changes in orders.items():
                assert {*changes} | start | (GIVEN_FORM if not start else set()) == ALL
                print(
                    f"\n| {order} | P(r > 1), % | error | moved by | median r | rows |\n|---|---|---|---|---|---|"
                )
                done, before = start, None
                for change in ("start", *changes):
                    if change != "start":
                        done |= {change} | (GIVEN_FORM if change == FORM else set())
                    p, mcse, median, rows = probability(evidence, done, draws)
                    moved = "" if before is None else f"{100 * (p - before):+.1f}"
                    print(
                        f"| {change} | {100 * p:.1f} | {100 * mcse:.1f} | {moved} | {median:.2f} | {rows} |",
                        flush=True,
                    )
                    before = p


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20000)
