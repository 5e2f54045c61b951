"""Results and inputs as text: probabilities, intervals, priors, conclusions, levels, diagnostics, rows left out.

Reports, tables, figures and the ledger print the same thing in the same words because they take them from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

    from .families import Prior
    from .views import Conclusion, View

__all__ = [
    "AUTHOR_SAYS",
    "WORKED_OUT",
    "authored_in_words",
    "conclusion_in_words",
    "correlations_in_words",
    "credence_in_words",
    "diagnostics_in_words",
    "exogenous_in_words",
    "given_in_words",
    "hundredths",
    "input_in_words",
    "input_number_in_words",
    "left_out_in_words",
    "levels_in_words",
    "percent",
    "points",
    "prior_in_words",
    "quantiles_in_words",
    "sampler_in_words",
    "share_in_words",
    "with_error",
]

AUTHOR_SAYS = "author says"

WORKED_OUT = "~: not the author's number, but worked out from what the author says"
"""What the tilde of `conclusion_in_words` means."""
"""Heading of what a view concludes, beside what follows from its priors."""

_NO_INTERVAL = {
    "fixed": "",
    "uniform": "",
    "loguniform": "",
    "halfnormal": " (0–95 %)",
    "quantiles": " (5, 50, 95 %)",
}
"""What the numbers of a family are, where they are not its 5 and 95 % quantiles."""


def hundredths(p: float) -> str:
    """A probability of a sample in hundredths: `< 0.1` and `> 99.9` where it would round to none and to certainty."""
    text = f"{100 * p:.1f}"
    return {"0.0": "< 0.1", "100.0": "> 99.9"}.get(text, text)


def percent(p: float) -> str:
    """A probability of a sample in %, as `hundredths` gives it."""
    return f"{hundredths(p)} %"


def share_in_words(share: float) -> str:
    """A share in %, of draws, of a variance or of weights: it may be none or all, and a share of a variance below 0."""
    return f"{100 * share:.1f} %"


def points(difference: float, digits: int) -> str:
    """A difference of probabilities in percentage points, with its sign; one that rounds to 0 has no sign.

    Differences that agree but for the last bit look the same.
    """
    text = f"{round(100 * float(difference), 9):+.{digits}f}"
    return text if float(text) else text[1:]


def with_error(p: float, mcse: float) -> str:
    """A probability in % and, in brackets, its Monte Carlo standard error in percentage points."""
    return f"{hundredths(p)} ({100 * mcse:.2f}) %"


def credence_in_words(table: xr.Dataset, event: str) -> str:
    """The probability of an event in a table of credences, `with_error`."""
    credence = table.sel(event=event)
    return with_error(credence.p.item(), credence.mcse.item())


def quantiles_in_words(values: Iterable[float]) -> str:
    """Quantiles with two decimals: `0.50 / 1.00 / 2.00`."""
    return " / ".join(f"{value:.2f}" for value in values)


def prior_in_words(prior: Prior) -> str:
    """A prior as text: `lognormal 1.7 to 2.5 (5–95 %)`."""
    if prior.family == "mixture":
        parts = zip(prior.numbers, prior.parts, strict=True)
        return "mixture: " + "; ".join(
            f"{100 * weight:.3g} % {prior_in_words(part)}" for weight, part in parts
        )
    numbers = " to ".join(f"{number:.6g}" for number in prior.numbers)
    return f"{prior.family} {numbers}{_NO_INTERVAL.get(prior.family, ' (5–95 %)')}"


def input_number_in_words(row: xr.Dataset) -> str:
    """The number of a row of inputs.csv: `0.55 (0.3–0.7)`, `0.24 ± 0.1`, `10`, or a bound, `at most 0.46`."""
    low, _, median, _, high = row.value.values.tolist()
    if bound := row.bound.item():
        return f"{'at most' if bound == 'upper' else 'at least'} {median:.3g}"
    if low == low:
        return f"{median:.3g} ({low:.3g}–{high:.3g})"
    se = row.se.item()
    return f"{median:.3g} ± {se:.2g}" if se == se else f"{median:.3g}"


def input_in_words(row: xr.Dataset) -> str:
    """What a row of inputs.csv is on: `labour_share (serial labour)`, `ceiling (left, OOMs of training efficiency)`."""
    labour, distance, unit = (row[key].item() for key in ("labour", "distance", "unit"))
    told = (distance, f"{labour} labour" if labour else "", "" if unit == "1" else unit)
    told = ", ".join(filter(None, told))
    return row.quantity.item() + (f" ({told})" if told else "")


def conclusion_in_words(conclusion: Conclusion | None) -> str:
    """The probability that an author states for an event, its range, or the words in its place; `none stated` where there is none.

    It starts with a tilde where it is worked out from what the author states (`WORKED_OUT`).
    """
    if conclusion is None:
        return "none stated"
    if conclusion.says:
        return f"“{conclusion.says}”"
    mark = "~ " if conclusion.basis == "derived" else ""
    if "p" in conclusion.numbers:
        return f"{mark}{100 * conclusion.numbers['p']:.0f} %"
    low, high = (100 * conclusion.numbers[key] for key in ("p_low", "p_high"))
    return f"{mark}{low:.0f} to {high:.0f} %"


def authored_in_words(view: View) -> str:
    """How many quantities of a view are its author's: `9 of 21`."""
    return f"{len(view.authored)} of {len(view.entries)}"


def correlations_in_words(view: View) -> str:
    """Which quantities of a view are correlated: `capabilities and post_training (rank 0.6)`; empty for none."""
    return "; ".join(f"{' and '.join(pair.between)} (rank {pair.rank:g})" for pair in view.correlations)


def exogenous_in_words(view: View) -> list[str]:
    """What a view says acts on growth from outside, a line each: `hardware doubles 1 time a year after ASARA [ours: its note]`."""
    return [
        f"{_OUTSIDE[name](table.numbers)} [{table.basis}: {table.note or table.locator}]"
        for name, table in view.exogenous.items()
    ]


def _boost_in_words(numbers: Mapping[str, float]) -> str:
    end = f"{1 + numbers['end']:.3g}" if "end" in numbers else "1 + the speed-up at ASARA"
    return (
        f"the boost comes gradually: the pace is {1 + numbers['start']:.3g} times the recent pace at ASARA and {end} times after"
        f" {numbers['years']:.3g} years, software's feedback on itself beside it"
    )


def _times(number: float) -> str:
    return f"{number:.3g} {'time' if number == 1 else 'times'}"


_OUTSIDE = {
    "hardware_growth": lambda numbers: (
        f"hardware doubles {_times(numbers['doublings_per_year'])} a year after ASARA"
    ),
    "boost": _boost_in_words,
    "pause": lambda numbers: (
        f"a pause of {numbers['years']:.3g} years begins {numbers['doublings']:.3g} labour doublings after ASARA"
    ),
}


def given_in_words(given: str) -> str:
    """What draws are conditional on: `given priors` or `given priors and evidence`."""
    return "given priors" if given == "priors" else "given priors and evidence"


def levels_in_words(levels: Mapping[str, str]) -> str:
    """The domains by the level at which their evidence entered."""
    domains: dict[str, list[str]] = {}
    for domain, level in levels.items():
        domains.setdefault(level, []).append(domain)
    return "levels at which domains enter, where a row of theirs counts: " + "; ".join(
        f"{level} of {', '.join(names)}" for level, names in domains.items()
    )


def left_out_in_words(rows: Iterable[tuple[str, str]]) -> list[str]:
    """The rows left out, given as (id, reason), a line for each reason."""
    reasons: dict[str, list[str]] = {}
    for row, why in rows:
        reasons.setdefault(why, []).append(row)
    return [f"left out, {why}: {', '.join(ids)}" for why, ids in reasons.items()]


def diagnostics_in_words(attrs: Mapping) -> str:
    """The worst R-hat and effective sample size (ESS) of any parameter, and the number of divergences, of a fit's `attrs`."""
    return (
        f"R-hat at most {attrs['max_rhat']:.4f}, ESS at least {attrs['min_ess']:.0f},"
        f" {attrs['divergences']} divergences"
    )


def sampler_in_words(attrs: Mapping) -> str:
    """The sampler's line of a report: its settings and diagnostics, from a fit's `attrs`."""
    return f"sampler: 4 chains, {attrs['draws']} draws, {diagnostics_in_words(attrs)}, target_accept {attrs['target_accept']}"
