"""The tables of `sie evidence` on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..base.stats import ENDS, INTERVAL
from ..data.wording import (
    input_number_in_words,
    left_out_in_words,
    quantiles_in_words,
    sampler_in_words,
)
from ..page.tables import new_table

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "PAGE_WIDTH",
    "predicted_in_words",
    "print_domains",
    "print_inputs",
    "print_predicted",
    "print_rest",
    "print_rows",
    "print_scaling",
]

NINETY = 0.9
"""Mass of the interval that a left-out domain hits or misses."""

AT_THE_EDGE = 0.008
"""Two Monte Carlo errors of a predictive probability near 0.05 or 0.95 from about 3000 effective draws."""

PAGE_WIDTH = 110
"""Width of the tables, in letters."""


def _number(value: float, pattern: str = ".2f") -> str:
    return "-" if value != value else format(value, pattern)


def print_domains(console, table: xr.Dataset) -> None:
    shown = new_table("domain", "level", "rows", "r raw", "r pooled", "shrinkage", "below")
    for domain in table.domain.values.tolist():
        one = table.sel(domain=domain)
        known = bool(one.rows > 0)
        shown.add_row(
            domain,
            str(one.level.item()) or "none",
            str(one.rows.item()),
            quantiles_in_words(one.raw.values) if known else "-",
            quantiles_in_words(one.pooled.values),
            _number(one.shrinkage.item()),
            _number(one.below.item()),
        )
    console.print(shown)
    console.print(
        "r: 5 / 50 / 95 %; raw: from the domain's own rows alone, converted to the view's input and with adjustments removed, using the posterior of both;"
        " shrinkage: the share of the distance from the raw median to that of r_typical by which pooling moved it ('-': the two are"
        " nearly equal); below: posterior predictive probability below the observed value"
    )


def print_inputs(console, evidence: xr.Dataset) -> None:
    """The rows on quantities other than r and the factors, used or not."""
    rows = evidence.isel(estimate=evidence.kind.values == "input")
    if not rows.sizes["estimate"]:
        return
    shown = new_table("row", "quantity", "which", "number", "scale", "source")
    shown.padding = (0, 0, 0, 1)  # narrow, so that no number is cut off
    for i in range(rows.sizes["estimate"]):
        one = rows.isel(estimate=i)
        words = {key: one[key].item() for key in ("quantity", "labour", "distance", "scale", "source")}
        shown.add_row(
            one.estimate.item() + ("" if one.preferred.item() else " *"),
            words["quantity"],
            words["labour"] or words["distance"],
            input_number_in_words(one),
            words["scale"],
            words["source"],
        )
    console.print(shown)
    console.print(
        "rows on inputs: number as printed with 5 to 95 % or one standard error, and the scale of its error; which: the labour that a share,"
        " lambda or lambda*labour_share counts, or the distance to the ceiling (left at ASARA, whole from where a view counts what is gained; OOMs of training"
        " efficiency unless its note says else); *: another row on the same data is preferred"
    )


def print_rows(
    console, rows: xr.Dataset, predictive: xr.Dataset, scaling: xr.Dataset, moved: xr.Dataset | None
) -> None:
    """One line a row that counts. Where it was read is shown where the effects of leaving rows out do not need the width."""
    columns = ["row", "elpd", "Pareto k", "sensitivity"]
    columns += ["log r", *moved.event.values.tolist()] if moved is not None else ["read"]
    shown = new_table(*columns)
    for row in rows.estimate.values.tolist():
        cells = [
            f"{predictive.elpd.sel(estimate=row).item():.2f}",
            f"{predictive.khat.sel(estimate=row).item():.2f}",
            f"{scaling.of_row.sel(estimate=row).item():.3f}",
        ]
        if moved is None:
            cells.append(rows.read.sel(estimate=row).item() or "-")
        else:
            one = moved.sel(estimate=row)
            cells.append(f"{one.log_r.item():+.3f} ± {one.log_r_mcse.item():.3f}")
            cells += [
                f"{100 * p:+.1f} ± {100 * error:.1f}"
                for p, error in zip(one.p.values, one.mcse.values, strict=True)
            ]
        shown.add_row(row, *cells)
    console.print(shown)
    total = predictive.attrs
    bad = int((predictive.khat > 0.7).sum())
    console.print(
        f"PSIS-LOO over rows: elpd {total['elpd']:.2f} (s.e. {total['se']:.2f}), effective parameters {total['p']:.2f},"
        f" {bad} rows with Pareto k above 0.7"
        + (
            "; log r (at ASARA) and probabilities (percentage points): fit of all rows less refit without the row"
            if moved is not None
            else "; read: whether the row's numbers were read in the primary work or, some or all of them, second-hand in somebody"
            " else's write-up ('-': the row does not say)"
        )
    )


def print_scaling(console, scaling: xr.Dataset) -> None:
    from ..analysis.sensitivity.power import SENSITIVE

    shown = new_table("prior", "sensitivity of log r at ASARA")
    for name in scaling.quantity.values.tolist():
        shown.add_row(name, f"{scaling.of_prior.sel(quantity=name).item():.3f}")
    console.print(shown)
    r = scaling.isel(answer=0)
    console.print(
        f"power scaling: all priors {r.prior.item():.3f}, all rows {r.likelihood.item():.3f}; distance of posteriors per doubling of the weight,"
        f" from {SENSITIVE:g} on the posterior counts as sensitive"
    )


def print_predicted(console, predicted: xr.Dataset) -> None:
    shown = new_table("domain left out", "predicted 5/50/95 %", "95 / 5 %", "observed", "below", "hit")
    for domain in predicted.domain.values.tolist():
        one = predicted.sel(domain=domain)
        low, _, high = one.predicted.values
        shown.add_row(
            domain,
            quantiles_in_words(one.predicted.values),
            f"{high / low:.1f}x",
            f"{one.observed.item():.2f}",
            _number(one.below.item()),
            "yes" if one.hit.sel(mass=NINETY).item() else "no",
        )
    console.print(shown)
    console.print("\n".join(predicted_in_words(predicted)))


def predicted_in_words(predicted: xr.Dataset) -> list[str]:
    """How informative the hits of left-out domains are: how many are expected, how wide the intervals are and why; each miss."""
    total = predicted.sizes["domain"]
    hits, half = (int(predicted.hit.sel(mass=mass).sum()) for mass in (NINETY, 0.5))
    low, high = (predicted.predicted.sel(quantile=end) for end in ENDS)
    ratio = high / low
    shares = (predicted.variance / predicted.variance.sum("part")).mean("domain")
    typical, domain, own = (100 * shares.sel(part=part).item() for part in ("r_typical", "domain", "rows"))
    lines = [
        f"{hits} of {total} domains lie in the 90 % interval that the others predict for their rows (a right model: {NINETY * total:.1f} on"
        f" average, all {total} in {100 * NINETY**total:.0f} % of cases), {half} of {total} in the 50 % interval ({total / 2:.1f})",
        f"The 90 % intervals span factors of {ratio.min().item():.1f} to {ratio.max().item():.1f}: a domain is a miss only when about"
        f" {np.sqrt(ratio.median().item()):.1f}x off the median, so hits are weak evidence for the model. Of the variance of the log prediction"
        f" {domain:.0f} % is how domains differ (spread), {typical:.0f} % r_typical, {own:.0f} % the rows' own uncertainty (definition and measurement"
        " errors, lambda of a series, growth of inputs, adjustments)",
    ]
    edge = np.abs(np.abs(predicted.below.values - 0.5) - NINETY / 2) < AT_THE_EDGE
    lines += [
        f"borderline: {name} has {one:.3f} below it, so that another seed may turn a hit into a miss or a miss into a hit"
        for name, one in zip(predicted.domain.values[edge], predicted.below.values[edge], strict=True)
    ]
    for name in predicted.domain.values[~predicted.hit.sel(mass=NINETY).values].tolist():
        one = predicted.sel(domain=name)
        low, middle, high = one.predicted.values
        seen, sd = one.observed.item(), np.sqrt(one.variance.sum().item())
        side, end = ("above", high) if seen > middle else ("below", low)
        lines.append(
            f"miss: {name} at {seen:.2f} is {max(seen / end, end / seen):.2f}x {side} the interval's end, {abs(np.log(seen / middle)) / sd:.1f} standard"
            f" deviations from the median in logs; a larger spread, a remoteness further above 1 or a larger definition error of its rows"
            " would cover it"
        )
    return lines


def print_rest(console, tree: xr.DataTree, rows: xr.Dataset) -> None:
    from ..analysis.leaving_out import EVENTS_MOVED
    from ..growth.credences import credences
    from ..growth.paths import simulate

    posterior = tree["posterior"].to_dataset()
    table = credences(simulate(posterior), events=EVENTS_MOVED)
    for event in EVENTS_MOVED:
        one = table.sel(event=event)
        console.print(f"P({event}) = {100 * one.p.item():.1f} % (MCSE {100 * one.mcse.item():.2f} points)")
    r = posterior.r_asara.quantile(INTERVAL).values
    console.print(f"r at ASARA, {rows.sizes['estimate']} rows: {quantiles_in_words(r)}")
    console.print(sampler_in_words(tree.attrs))
    for line in left_out_in_words(rows.attrs["left_out"]):
        console.print(line)
