"""A specification curve as text: every single alternative, the range, what moves the answer most, and how each was answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..data.wording import hundredths, percent, points, with_error
from ..page.headline import ASKED
from ..page.tables import aligned

if TYPE_CHECKING:
    from ..analysis.alternatives.curve import SpecificationCurve

__all__ = ["as_text"]

MOST_SHOWN = 10
"""Number of alternatives listed as moving an event most."""


def as_text(curve: SpecificationCurve) -> str:
    """The whole report of `sie alternatives`."""
    from ..analysis.alternatives import summary

    own, choices = curve.headline, curve.alternatives.choices
    lines = [f"{curve.view.label}  ({curve.view.name}), seed {curve.seed}, {curve.draws} draws a fit"]
    rows = [["alternative", "group", *ASKED, "median r", "how", "k-hat", "effective draws"]]
    for found in sorted([own, *curve.of_size(1)], key=lambda one: one.p[0]):
        name = found.names[0] if found.names else ""
        rows.append(
            [
                choices[name].label if name else "*** the view as it is ***",
                choices[name].group if name else "",
                *map(with_error, found.p, found.mcse),
                f"{found.median:.2f}",
                found.how,
                f"{found.khat:.2f}" if found.khat == found.khat else "-",
                f"{found.effective_draws:.0f}",
            ]
        )
    lines += [*aligned(rows, left=2), ""]
    for e, words in enumerate(ASKED.values()):
        low, high = summary.single_range(curve, e)
        lines.append(
            f"{words}: {with_error(own.p[e], own.mcse[e])}; {len(curve.of_size(1))} single alternatives "
            f"{hundredths(low.p[e])} to {percent(high.p[e])}"
        )
        if quantiles := summary.pair_quantiles(curve, e):
            pairs = [found.p[e] for found in curve.of_size(2)]
            lines.append(
                f"  {len(pairs)} pairs: 10 to 90 % of them {hundredths(quantiles[0])} to {percent(quantiles[1])}, "
                f"all {hundredths(min(pairs))} to {percent(max(pairs))}"
            )
        mean, error = summary.average(curve, e)
        lines.append(
            f"  average under the stated weights, never in the headline: {percent(mean)} (error at most {100 * error:.2f})"
        )
        lines.append(f"  the {MOST_SHOWN} that move it most, in points:")
        moves = [(found, *summary.moved(curve, found, e)) for found in summary.most_moved(curve, e)]
        table = [
            [choices[found.names[0]].label, f"{points(by, 1)} ± {100 * off:.1f}"]
            for found, by, off in moves[:MOST_SHOWN]
        ]
        lines += aligned(table, indent=4)
        of_rows = [item for item in moves if _is_one_row(choices[item[0].names[0]])]
        if of_rows:
            found, by, off = of_rows[0]
            row = choices[found.names[0]].without[0]
            lines.append(
                f"  the single row that moves it most: {points(by, 1)} ± {100 * off:.1f} without {row}"
            )
        lines.append("")
    counted = summary.counts(curve)
    for size, what in ((1, "single alternatives"), (2, "pairs")):
        parts = [
            f"{counted[size, how]} by {how}" for how in ("weights", "paths", "fit") if counted[size, how]
        ]
        if parts:
            lines.append(f"{what}: {', '.join(parts)}")
    lines.append(
        "weights: reweighted draws of the nearest fit, k-hat at most 0.7; paths: stored draws, new growth inputs; fit: a fit of its own"
    )
    lines += [
        f"no meaning here, or not answered: {' and '.join(names)}: {why}" for names, why in curve.missing
    ]
    return "\n".join(lines)


def _is_one_row(choice) -> bool:
    return len(choice.without) == 1 and not (choice.priors or choice.edits_rows or choice.at_asara)
