"""What must hold between the columns of an evidence row: the rules that `rows` applies, each a refusal of one line.

A row of inputs.csv is an estimate of, or a bound on, one quantity q of a view, on the scale g on which its error is:

    g(q_hat) = g(q) + definition error + own error,   g = log, logit or the number itself (linear)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..base.errors import DataError, Problems, plain
from .quantities import ADJUSTMENTS, QUANTITIES, SERIAL_PENALTY
from .schema import Rule, ascending

__all__ = [
    "BOUNDS",
    "DISTANCES",
    "FLOWS",
    "INFORMED",
    "LABOUR",
    "MEASURES",
    "MOST_LOG_SD",
    "PRODUCT",
    "READ",
    "SCALES",
    "USUAL_DEFINITION_SD",
    "check_adjusts",
    "check_estimate",
    "check_flows",
    "check_history",
    "check_input",
    "check_labour",
    "check_measure",
    "check_ratio",
    "check_read",
    "check_series",
    "given",
    "quantile_keys",
]

LABOUR = ("parallel", "serial")
"""How a row counts labour (`accounting` converts). A factor for fixed compute is the same in both."""

FLOWS = ("output", "labour", "compute")
"""What grows in a row of growth.csv, in natural log a year."""

MEASURES = ("authors", "publications", "staff", "contributors", "employment", "commits", "entries")
"""How labour is counted in a history. Histories that count alike share the error of that count."""

USUAL_DEFINITION_SD = 0.4
"""Definition error of r, log scale, where it rests on one history or one ratio of growth rates."""

MOST_LOG_SD = 10.0
"""Largest standard deviation that a row may have on a log or logit scale, stated or from its se."""

PRODUCT = "lambda*labour_share"
"""Elasticity of the pace of software to labour at fixed compute, which studies of uplift and of parallel work measure."""

INFORMED: Mapping[str, tuple[str, ...]] = {
    name: QUANTITIES[name].units if name in QUANTITIES else ("1",)
    for name in (
        *(
            "lambda",
            "parallel",
            "labour_share",
            PRODUCT,
            "sigma",
            "speedup",
            "ceiling",
            "gained_before_asara",
        ),
        *("experiment_gain", "frontier_share", "recent_pace", *ADJUSTMENTS),
    )
}
"""The quantities that a row of inputs.csv may inform, with their units. Estimates of an adjustment stand in factors.csv; here
is place for what that table cannot hold, a bound on one."""

SCALES = ("log", "logit", "linear")
"""The scale on which the error of a row of inputs.csv is."""

READ = ("primary", "second-hand")
"""Where a row's numbers were read: in the primary work (its text, its own data or code, or a full copy), or in somebody else's
write-up. What an abstract prints is primary where the abstract was read. A derived row counts by all the numbers that it is made
of: one that was read second-hand only makes it second-hand. Numbers and readings that a note calls ours do not count."""

BOUNDS = ("upper", "lower")
"""What q50 of a row of inputs.csv is where it is no estimate; definition_sd is then how soft the bound is."""

DISTANCES = ("left", "whole")
"""Which distance to the ceiling a row means: H, left at ASARA, or G + H, from where the view counts."""

_SHARES = ("labour_share", "frontier_share")
"""Quantities between 0 and 1, whose error may be on the logit scale."""

_COUNTED = ("labour_share", "lambda", PRODUCT)
"""Quantities whose number depends on whether labour is counted in parallel or in serial equivalents.

With a serial share s and the penalty k (`quantities.SERIAL_PENALTY`): the share in parallel labour is k s / (k s + 1 - s), lambda is
(k s + 1 - s) times the serial one, the product k times the serial one."""


def quantile_keys(prefix: str) -> tuple[str, ...]:
    """The columns of an estimate: five quantiles and a standard error."""
    return tuple(f"{prefix}{q}" for q in ("q05", "q25", "q50", "q75", "q95", "se"))


def given(values: Mapping[str, Any], keys: Iterable[str]) -> list[float]:
    """The numbers that stand in a row."""
    return [number for key in keys if not math.isnan(number := values.get(key, math.nan))]


def _pattern(row: Mapping[str, Any], keys: Iterable[str]) -> str:
    return "".join("0" if math.isnan(row[key]) else "1" for key in keys)


_WHOLE = ("111110", "101010", "001001")
"""Which of `quantile_keys` an estimate with an error of its own gives."""


def check_estimate(prefix: str) -> tuple[Rule, ...]:
    """Quantiles of a published estimate of r or of adjustments, or a median with its standard error."""
    keys = quantile_keys(f"{prefix}_")

    def numbers(where: str, row: Mapping[str, Any]) -> None:
        if _pattern(row, keys) not in _WHOLE:
            want = "five quantiles, or q05, q50 and q95, or q50 with se"
            raise DataError(f"{where} {prefix}_q50", plain("other numbers"), want)

    def size(where: str, row: Mapping[str, Any]) -> None:
        se = row[f"{prefix}_se"]
        if se / row[f"{prefix}_q50"] > MOST_LOG_SD:
            raise DataError(f"{where} {prefix}_se", se, f"at most {MOST_LOG_SD:g} times the estimate")

    return numbers, ascending(*keys[:5]), size


def check_input(where: str, row: Mapping[str, Any]) -> None:
    """A row of inputs.csv: its unit, scale, distance and labour are those of its quantity, its numbers those of its scale."""
    quantity, scale = row["quantity"], row["scale"]
    with Problems() as problems:
        if row["unit"] not in INFORMED[quantity]:
            problems.refuse(f"{where} unit", row["unit"], "one of " + ", ".join(INFORMED[quantity]))
        if scale == "logit" and quantity not in _SHARES:
            want = f"log or linear (logit is for {' and '.join(_SHARES)})"
            problems.refuse(f"{where} scale", scale, want)
        for key, options, needed in (
            ("distance", DISTANCES, quantity == "ceiling"),
            ("labour", LABOUR, quantity in _COUNTED),
        ):
            if needed and row[key] not in options:
                problems.refuse(
                    f"{where} {key}", row[key] or plain("nothing"), "one of " + ", ".join(options)
                )
            elif not needed and row[key]:
                problems.refuse(f"{where} {key}", row[key], f"nothing ({quantity} has none)")
        problems.attempt(_check_input_numbers, where, row)


def _check_input_numbers(where: str, row: Mapping[str, Any]) -> None:
    keys, scale = quantile_keys(""), row["scale"]
    pattern = _pattern(row, keys)
    if row["bound"] and pattern != "001000":
        raise DataError(f"{where} q50", plain("other numbers"), "q50 alone, which is the bound")
    if pattern not in (*_WHOLE, "001000"):
        found = plain("no number" if "1" not in pattern else "other numbers")
        want = "five quantiles, or q05, q50 and q95, or q50 with se, or q50 alone"
        raise DataError(f"{where} q50", found, want)
    if pattern == "001000" and not row["definition_sd"]:
        want = "above 0 (it alone says how far q50 may be off)"
        raise DataError(f"{where} definition_sd", row["definition_sd"], want)
    ascending(*keys[:5])(where, row)
    low, high = {"log": (0, math.inf), "logit": (0, 1), "linear": (-math.inf, math.inf)}[scale]
    for key in keys[:5]:
        if not math.isnan(row[key]) and not low < row[key] < high:
            want = (
                "a number between 0 and 1 (scale is logit)"
                if high == 1
                else "a number above 0 (scale is log)"
            )
            raise DataError(f"{where} {key}", row[key], want)
    middle = row["q50"]
    slope = 1 / middle if scale == "log" else 1 / (middle * (1 - middle)) if scale == "logit" else 0
    if row["se"] * slope > MOST_LOG_SD:
        raise DataError(f"{where} se", row["se"], f"at most {MOST_LOG_SD:g} on the scale of the row")


def check_labour(*, is_growth: bool) -> Rule:
    """A factor in units of labour, or a growth of labour, says which labour it counts, and not the wrong one."""

    def rule(where: str, row: Mapping[str, Any]) -> None:
        where, labour = f"{where} labour", row["labour"]
        growth = is_growth and not math.isnan(row["labour_q05"])
        conversion = not is_growth and row["capabilities"] > 0
        if not (growth or conversion or (not is_growth and row["compute_bottleneck"] > 0)):
            if labour:
                raise DataError(where, labour, "nothing, since no number of the row counts labour")
        elif labour not in LABOUR:
            raise DataError(where, labour if labour else plain("nothing"), "one of " + ", ".join(LABOUR))
        elif labour == "serial" and (growth or conversion):
            want = f"parallel labour (growth and exponents of serial labour, divided by {SERIAL_PENALTY:g})"
            raise DataError(where, labour, want)

    return rule


def check_measure(counts: Callable[[Mapping[str, Any]], bool]) -> Rule:
    """The part of a row's definition error that stands for how it `counts` labour is not larger than the whole."""

    def rule(where: str, row: Mapping[str, Any]) -> None:
        with Problems() as problems:
            if row["measure_sd"] > row["definition_sd"]:
                want = f"at most definition_sd, {row['definition_sd']:g}, of which it is a part"
                problems.refuse(f"{where} measure_sd", row["measure_sd"], want)
            if row["measure_sd"] and not counts(row):
                problems.refuse(f"{where} measure_sd", row["measure_sd"], "0 where no labour is counted")

    return rule


def check_ratio(where: str, row: Mapping[str, Any]) -> None:
    """Growth of compute over growth of labour as 5 and 95 % points, or not at all; not where both growth rates are known."""
    low, high = row["ratio_q05"], row["ratio_q95"]
    if math.isnan(low) != math.isnan(high):
        key = "ratio_q05" if math.isnan(low) else "ratio_q95"
        raise DataError(f"{where} {key}", plain("nothing"), "both ratio_q05 and ratio_q95, or neither")
    if not math.isnan(low) and not math.isnan(row.get("compute_q50", math.nan)):
        raise DataError(f"{where} ratio_q05", low, "nothing (the growth of compute is known)")
    ascending("ratio_q05", "ratio_q95")(where, row)


def check_history(where: str, row: Mapping[str, Any]) -> None:
    """A factor for fixed compute names the history whose r against labour it multiplies; no other factor does."""
    if row["compute_bottleneck"] and not row["history"]:
        raise DataError(
            f"{where} history", plain("nothing"), "the input_data of the history that it multiplies"
        )
    if row["history"] and not row["compute_bottleneck"]:
        raise DataError(f"{where} history", row["history"], "nothing (the row has no compute_bottleneck)")


def check_adjusts(where: str, row: Mapping[str, Any]) -> None:
    """A factor covers at least one adjustment."""
    if not any(row[name] for name in ADJUSTMENTS):
        found = plain("no adjustment")
        raise DataError(f"{where} {ADJUSTMENTS[0]}", found, "a 1 in at least one adjustment")


def check_flows(growth: str) -> Rule:
    """The growth of output and of labour, compute or both, each as its 5, 50 and 95 % points, or not at all; `growth` is what
    a cell must hold."""

    def rule(where: str, row: Mapping[str, Any]) -> None:
        stated = {flow: [row[f"{flow}_{q}"] for q in ("q05", "q50", "q95")] for flow in FLOWS}
        with Problems() as problems:
            for flow, values in stated.items():
                missing = [math.isnan(value) for value in values]
                if any(missing) and (flow == "output" or not all(missing)):
                    key = f"{where} {flow}_{('q05', 'q50', 'q95')[missing.index(True)]}"
                    problems.refuse(key, plain("nothing"), growth)
                elif not any(missing):
                    problems.attempt(ascending(*(f"{flow}_{q}" for q in ("q05", "q50", "q95"))), where, row)
        known_flows = {flow for flow, values in stated.items() if not math.isnan(values[0])}
        needed = {"labour", "compute"} if row["input"] == "all" else {row["input"]} & set(FLOWS)
        if len(known_flows) == 1 or not needed <= known_flows:
            missing = " and ".join(sorted(needed - known_flows)) or "labour or compute"
            raise DataError(f"{where} {missing.split()[0]}_q50", plain("nothing"), f"the growth of {missing}")

    return rule


def check_read(where: str, row: Mapping[str, Any]) -> None:
    """A quoted number is in a text that we hold, so it was not read second-hand."""
    if row["basis"] == "stated" and row["read"] == READ[1]:
        want = f"{READ[0]} or nothing (basis is stated: we quote a text that we hold)"
        raise DataError(f"{where} read", row["read"], want)


def check_series(where: str, row: Mapping[str, Any]) -> None:
    """A series has too many numbers to quote, so its basis is never `stated`."""
    if row["basis"] == "stated":
        want = "transcribed, derived or ours (no quote prints a whole series)"
        raise DataError(f"{where} basis", "stated", want)
