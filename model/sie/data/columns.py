"""What each column of an evidence table may hold, what it means and its unit: one `Field` a column, by the table's file.

`rows` reads by it and `sie dictionary` prints it. Rules between columns are in `row_rules`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from .bibliography import ORIGIN
from .quantities import ADJUSTMENTS, QUANTITIES
from .row_rules import (
    BOUNDS,
    DISTANCES,
    FLOWS,
    INFORMED,
    LABOUR,
    MEASURES,
    MOST_LOG_SD,
    READ,
    SCALES,
    quantile_keys,
)
from .schema import FLAG, WORDS, Field, cell, matching, meant, one_of, optional, words

__all__ = ["FIELDS", "IDEA_COUNTS", "IDEA_FITS", "IDEA_QUANTILES", "INPUTS", "LEVELS", "MAY_LACK"]

LEVELS = {"published": "r", "growth": "growth", "epoch": "growth", "series": "series"}
"""How raw the evidence on a domain is when it enters, and the kind of row that this takes: `epoch` is a growth row under the
likelihood of Erdil, Besiroglu & Ho (2024), for the rows that they fitted."""

INPUTS = ("labour", "compute", "all")
"""What research input r was measured against; labour is parallel labour, as heads are counted."""

SMALLEST, LARGEST = 1e-6, 1e6
"""Estimates of r, factors and errors outside this range are taken for mistakes; beyond it the sampler overflows."""

SLOWEST, FASTEST = 1e-4, 10.0
"""Range of growth a year in natural logs: less is too small to divide by, more (22,000x a year) must be a factor or a percentage."""

MOST_REMOTE = 100.0
"""Largest remoteness of a domain."""

MOST_RATIO = 1000.0
"""Largest growth of compute over growth of labour, and of labour over compute."""

R, FACTOR, LOG, LOG_YEAR, RATIO = "r", "factor on r", "sd of a natural log", "natural log a year", "ratio"
"""Units of columns. The unit r is software doublings per doubling of cumulative research input."""

_VALUE = optional(cell(SMALLEST, f"a number above 0 ({SMALLEST:g} to {LARGEST:g})"), math.nan)
_GROWTH = optional(
    cell(SLOWEST, f"growth in natural log a year ({SLOWEST:g} to {FASTEST:g})", high=FASTEST), math.nan
)
_NUMBER = optional(cell(-LARGEST, f"a number from {-LARGEST:g} to {LARGEST:g}"), math.nan)
_RATIO = optional(
    cell(1 / MOST_RATIO, f"a ratio of growth rates ({1 / MOST_RATIO:g} to {MOST_RATIO:g})", high=MOST_RATIO),
    math.nan,
)
_SD = cell(0, f"a number of at least 0 and at most {MOST_LOG_SD:g}", high=MOST_LOG_SD)

_ID = {
    "id": meant(
        matching("[a-z0-9_]+", "lower-case letters, digits and underscores"),
        "name of the row, which no other row of any table has; views list it in `reflects`",
    )
}
_DATA = {
    key: meant(words("the name of the data that the estimate rests on"), meaning)
    for key, meaning in {
        "output_data": "name of the data on output; of rows with the same name only the preferred one is used, since the same data must not count twice",
        "input_data": "name of the data on input; rows with the same name share that part of their definition error",
    }.items()
}
_DOMAIN = {
    "domain": meant(words(), "domain of software, one of domains.csv"),
    "input": meant(
        one_of(INPUTS),
        "research input against which r was measured, or which was counted; labour counts heads",
    ),
}
_PREFERRED = {
    "preferred": meant(FLAG, "1 for the row that is used among rows of one level with the same output_data")
}
_DEFINITION = {
    "definition_sd": meant(
        _SD,
        "definition error: how far what was measured may lie from what the model means, beside the row's own error",
        LOG,
    )
}
_ADJUSTS, _COVERS = (
    {
        name: meant(optional(FLAG, 0) if QUANTITIES[name].optional else FLAG, text.format(name))
        for name in ADJUSTMENTS
    }
    for text in (
        "1 if the number already includes the adjustment {}",
        "1 if the factor covers the adjustment {}",
    )
)
_COMMON = {**_DATA, **_DEFINITION, **_ADJUSTS, **ORIGIN}
_MEASURE = {
    "measure": meant(
        optional(one_of(MEASURES), ""),
        "how labour is counted; rows that count alike share the error of that count (empty: in a way of its own)",
    ),
    "measure_sd": meant(
        optional(_SD, 0.0),
        "part of definition_sd that stands for how labour is counted; it is taken out of definition_sd, since the view's measure_sd has it",
        LOG,
    ),
}
_RATIOS = {
    f"ratio_{q}": meant(
        _RATIO,
        f"{percent} % point of compute's growth over labour's growth, where compute's growth is not known",
        RATIO,
    )
    for q, percent in {"q05": 5, "q95": 95}.items()
}
_READ = {
    "read": meant(
        optional(one_of(READ), ""),
        "whether the numbers were read in the primary work or only in somebody else's write-up (may be left out of the header)",
    )
}
_LABOUR = {
    "labour": meant(
        WORDS,
        f"how the row counts labour, {' or '.join(LABOUR)} (serial is heads^0.7); empty if it counts none",
    )
}


def _quantiles(prefix: str, what: str, unit: str, field: Field = _VALUE) -> dict[str, Field]:
    """The columns of an estimate: five quantiles and a standard error."""
    found = {
        key: meant(field, f"{int(key[-2:])} % point of {what}", unit) for key in quantile_keys(prefix)[:5]
    }
    se = quantile_keys(prefix)[5]
    return found | {se: meant(_VALUE, f"standard error of {what}, beside {prefix}q50", unit)}


FIELDS: Mapping[str, Mapping[str, Field]] = {
    "domains.csv": {
        "domain": meant(words("a name that no other line has"), "name of the domain"),
        "remoteness": meant(
            cell(1, f"a number of at least 1 and at most {MOST_REMOTE:g}", high=MOST_REMOTE),
            "how much further the domain lies from frontier AI R&D than language models; multiplies the spread of its log r",
            RATIO,
        ),
        "level": meant(
            one_of(LEVELS), "level at which the domain's evidence enters unless --levels says otherwise"
        ),
        "note": meant(words("the reason for the remoteness"), "reason for the remoteness"),
    },
    "returns.csv": {
        **_ID,
        **_DOMAIN,
        **_PREFERRED,
        **_quantiles("r_", "the estimate of r", R),
        **_RATIOS,
        **_MEASURE,
        **_COMMON,
        **_READ,
    },
    "factors.csv": {
        **_ID,
        **_quantiles("f_", "the estimate of the factor", FACTOR),
        **_COMMON,
        **_COVERS,
        **_LABOUR,
        "history": meant(
            WORDS,
            "input_data of the history whose r against labour the factor multiplies; needed if compute_bottleneck is 1",
        ),
        **_READ,
    },
    "inputs.csv": {
        **_ID,
        "quantity": meant(one_of(INFORMED), "quantity of a view, or lambda*labour_share"),
        "scale": meant(
            one_of(SCALES), "scale on which the error of the row is: log, logit (shares) or linear"
        ),
        "bound": meant(
            optional(one_of(BOUNDS), ""),
            "upper or lower where q50 is a bound and definition_sd its softness; empty for an estimate",
        ),
        "unit": meant(
            words("a unit of the quantity"),
            "unit of the numbers; the row moves only views that state the quantity in this unit",
        ),
        "distance": meant(
            WORDS,
            f"of rows on the ceiling, which distance: {' or '.join(DISTANCES)} (H, or G + H); else empty",
        ),
        **_LABOUR,
        **_quantiles("", "the estimate", "as `unit`", _NUMBER),
        **{key: replace(field, unit="sd on the row's scale") for key, field in _DEFINITION.items()},
        **_DATA,
        **_PREFERRED,
        **ORIGIN,
        **_READ,
    },
    "growth.csv": {
        **_ID,
        **_DOMAIN,
        **_PREFERRED,
        **{
            f"{flow}_q{q:02}": meant(_GROWTH, f"{q} % point of the growth of {flow}", LOG_YEAR)
            for flow in FLOWS
            for q in (5, 50, 95)
        },
        **_RATIOS,
        **_MEASURE,
        **_COMMON,
        **_LABOUR,
        **_READ,
    },
    "series.csv": {
        **_ID,
        **_DOMAIN,
        **_PREFERRED,
        "file": meant(
            matching(r"[a-z0-9_]+\.csv", "the name of a file in series/, as in stockfish.csv"),
            "file of the raw history in series/",
        ),
        **_RATIOS,
        **_MEASURE,
        **_COMMON,
        **_READ,
    },
}
"""What every column of a table may hold, by its file's name."""

MAY_LACK = {*_READ, *(name for name, field in _ADJUSTS.items() if field.is_optional)}
"""Columns that a table may lack."""

IDEA_QUANTILES = ("r_q05", "r_q25", "r_q50", "r_q75", "r_q95")
_ABOVE_0 = cell(1e-6, "a number above 0")
IDEA_FITS = {
    "id": meant(
        matching("[a-z0-9_]+", "lower-case letters, digits and underscores"),
        "name of the fit, and of the file with its counts",
    ),
    "growth_row": meant(WORDS, "row of growth.csv with the same data"),
    "domain": meant(WORDS, "domain of software"),
    "years": meant(_ABOVE_0, "length of the period", "years"),
    "output_doublings": meant(_ABOVE_0, "growth of output over the period", "doublings"),
    **{
        key: meant(_ABOVE_0, f"{int(key[-2:])} % point of r as the authors published it", "r")
        for key in IDEA_QUANTILES
    },
    "naive": meant(_ABOVE_0, "ratio of growth rates as the authors published it", "r"),
    **ORIGIN,
}
"""What every column of `idea_production/fits.csv` may hold."""

IDEA_COUNTS = {
    "year": meant(cell(1900, "a year", high=2100), "calendar year", "year"),
    "authors": meant(cell(1, "a count of at least 1"), "unique authors of that year", "persons"),
}
"""What every column of its files of counts may hold."""
