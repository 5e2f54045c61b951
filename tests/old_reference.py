"""The two reference views before the derived form became the only one, as views and rows of the present model.

    stated       compute_bottleneck stated, r against labour; P(r at ASARA > 1) was 0.556 to 0.562
    all inputs   compute_bottleneck derived from labour's share alone; P was 0.2824 with a Monte Carlo error of 0.0032

Both stated p in place of lambda: the histories of the first were read at p / compute_bottleneck, of the second at p / labour_share.
"""

import csv
import dataclasses
import math
import shutil
from pathlib import Path
from types import MappingProxyType

import numpy as np
import xarray as xr

import sie
from sie.base.reading import data_folder
from sie.base.stats import Z90
from sie.data.views import Entry

P_ALL_INPUTS, MCSE_ALL_INPUTS = 0.2824, 0.0032
"""P(r at ASARA > 1) of the view `all inputs`, as the earlier model had it."""

OLD_SHARES = {
    "compute_poll_2025": ("0.337", "0.08", "0.3", "greenblatt_growth_rates"),
    "marginal_output_comment_2025": ("0.55", "0.12", "0.4", "greenblatt_growth_rates"),
    "idea_elasticities_2024": ("0.53", "0.10", "0.4", "greenblatt_growth_rates"),
    "ho_whitfill_third_2025": ("0.246", "0.05", "0.5", "openai_staff_and_compute"),
}
"""Shares that were rows on compute_bottleneck, against labour in frontier AI R&D: estimate, standard error, definition_sd, input data."""

NEW_SHARES = (
    "greenblatt_2026_share",
    "marginal_output_comment_2025",
    "idea_elasticities_2024",
    "ho_whitfill_third_2025",
)
LAMBDA_ROWS = (
    "davidson_lambda_2025",
    "greenblatt_lambda_2025",
    "ord_2026_lambda_browsecomp",
    "ord_2026_lambda_sec",
    "ord_2026_lambda_terminal",
    "anthropic_2026_elasticity",
)
SIGMA_ROWS = ("whitfill_wu_compute", "besiroglu_2024_sigma", "oberfield_raval_2021")
CEILING_ROWS = ("davidson_2025_ceiling", "greenblatt_2025_ceiling", "eth_davidson_2025_ceiling")
RATIO_ROWS = ("sat_growth", "lp_growth", "algorithms_growth", "nanogpt_speedrun")
"""Rows of histories in which only the ratio of compute's growth to labour's is known."""

REFLECTED = "davidson_2025_steepening"
"""Reflected by both, and left out by a view that derives steepening."""

NEUTRAL = {
    "frontier_share": sie.fixed(0),
    "experiment_gain": sie.fixed(0),
    "measure_sd": sie.fixed(0),
    "share_spread": sie.fixed(0),
    "sigma": sie.fixed(1),
}
"""Where each quantity that is new stands while it says nothing."""

COMMON = {
    "spread": sie.halfnormal(1.0),
    "capabilities": sie.lognormal(1.0, 4.0),
    "post_training": sie.lognormal(1.0, 2.5),
    "hardware_scale": sie.lognormal(0.4, 2.5),
    "steepening": sie.beta(0.35, 0.95),
    "ceiling": sie.lognormal(3, 18),
}
P_OLD = sie.lognormal(0.1, 0.9)
SHARE_ALL_INPUTS = sie.beta(0.33, 0.75)

STATED = COMMON | {
    "r_typical": sie.lognormal(0.3, 4.0),
    "compute_bottleneck": sie.lognormal(0.15, 1.0),
    "labour_share": sie.beta(0.3, 0.75),
    "parallel": P_OLD,
}


def lambda_all_inputs():
    """The lognormal with the mean and variance of log p - log labour_share, which the second view's histories were read at."""
    share = SHARE_ALL_INPUTS.at(np.random.default_rng(0).standard_normal(400_000))
    middle = math.log(math.sqrt(0.1 * 0.9)) - np.log(share).mean()
    sd = math.hypot(math.log(9) / (2 * Z90), np.log(share).std())
    return sie.lognormal(math.exp(middle - Z90 * sd), math.exp(middle + Z90 * sd))


ALL_INPUTS = (
    COMMON
    | NEUTRAL
    | {
        "r_typical": sie.lognormal(0.2, 2.6),
        "labour_share": SHARE_ALL_INPUTS,
        "lambda": lambda_all_inputs(),
    }
)


def view_with(priors, *, without=()):
    """The reference view with these priors, of quantities that it lacks too, and without others."""
    reference = sie.read_view("reference")
    entries = {name: entry for name, entry in reference.entries.items() if name not in without}
    for name, prior in priors.items():
        if name in entries:
            entries[name] = entries[name].replaced(prior, locator="judgement", note="earlier reference view")
        else:
            entries[name] = Entry(
                prior=prior, unit="1", basis="ours", locator="judgement", note="earlier reference view"
            )
    entries["r_typical"] = dataclasses.replace(entries["r_typical"], against=None)
    return dataclasses.replace(reference, entries=MappingProxyType(entries), reflects=(REFLECTED,), path=None)


def old_stated():
    """The first view."""
    gone = ("gained_before_asara", "lambda", "frontier_share", "measure_sd", "share_spread")
    return view_with(STATED, without=gone)


def old_all_inputs():
    """The second view, in the limits of the present model where it is that of then."""
    return view_with(ALL_INPUTS, without=("gained_before_asara",))


def folder_with_old_shares(folder):
    """A copy of the bundled evidence with the shares as rows on compute_bottleneck beside what replaced them, named `old_<id>`."""
    copy = Path(shutil.copytree(data_folder("evidence"), folder))
    with (copy / "factors.csv").open(newline="", encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    [compute] = [line for line in lines if line["id"] == "davidson_2025_compute"]
    for row, (estimate, se, definition_sd, input_data) in OLD_SHARES.items():
        changed = {"id": f"old_{row}", "output_data": f"old_{row}", "input_data": input_data}
        changed |= {"f_q50": estimate, "f_se": se, "definition_sd": definition_sd, "basis": "ours"}
        changed |= {"source": "sie_project", "locator": "judgement", "quote": "", "note": "as it once was"}
        lines.append(compute | changed)
    with (copy / "factors.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, lines[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    return copy


def rows_without(evidence, view, ids, *, davidson_sd=None):
    """The rows that update a view, but for some; with another definition error of Davidson's 0.75."""
    if davidson_sd is not None:
        own = evidence.estimate == "davidson_2025_compute"
        evidence = evidence.assign(definition_sd=xr.where(own, davidson_sd, evidence.definition_sd))
    rows = sie.usable(evidence, view)
    return rows.isel(estimate=~np.isin(rows.estimate.values, list(ids)))


def rows_all_inputs(evidence):
    """The rows of the second view: those in whose history both growth rates were known, none on inputs."""
    left_out = (*RATIO_ROWS, "davidson_2025_compute", "report_fixed_hardware_2025")
    rows = rows_without(evidence, old_all_inputs(), left_out)
    return rows.isel(estimate=rows.kind.values != "input")
