"""The data dictionary: each column of an evidence table and each key of a TOML file, with meaning, unit and what it may hold.

Everything is read from the fields by which the files are checked; `sie dictionary` and the documentation print it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..data.alternatives import COLUMNS, read_alternatives
from ..data.alternatives import fields_of as alternative_fields
from ..data.bibliography import WORK
from ..data.columns import FIELDS, IDEA_COUNTS, IDEA_FITS
from ..data.exogenous import EXOGENOUS
from ..data.exogenous import fields_of as exogenous_fields
from ..data.families import FAMILIES
from ..data.history_columns import fields_of as history_fields
from ..data.history_units import EFFORT_UNITS, OUTPUT_UNITS
from ..data.prior_tables import CORRELATION, ORIGIN_KEYS, OWN_KEYS, top_keys
from ..data.quantities import QUANTITIES, Quantity
from ..data.schema import Field, words
from ..data.time_horizons import HORIZON_FIELDS
from ..data.timelines import ABOUT
from ..data.timelines import QUANTITIES as TIMELINE_QUANTITIES
from ..data.weight_keys import GROUP, LOGARITHMIC, MECHANISM, VIEW
from ..growth.outcome import BUILDOUT
from .figures import fields as figure_fields
from .tables import aligned

__all__ = ["Column", "Table", "as_text", "tables"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column or key: what it means, its unit where it is a number, and what it may hold."""

    name: str
    meaning: str
    unit: str
    holds: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table: the file it is in and, of a TOML file, its place there."""

    name: str
    what: str
    columns: tuple[Column, ...]


ROWS = {
    "evidence/returns.csv": "estimates of r, one a row",
    "evidence/factors.csv": "estimates of one or several adjustments, one a row",
    "evidence/inputs.csv": "estimates of, or bounds on, any other quantity of a view",
    "evidence/growth.csv": "growth of output, labour and compute in a domain",
    "evidence/series.csv": "the raw histories in series/, and what they are",
    "evidence/domains.csv": "the domains of software",
}
"""The tables that `sie.read_evidence` reads, in the order in which a reader wants them."""

PRIOR_KEYS = {
    "family": ("family of the distribution", f"one of {', '.join(FAMILIES)}"),
    "value": ("the value of a fixed quantity (inf: no limit, where the quantity may have none)", "a number"),
    "lower": ("lower end of a uniform or loguniform distribution", "a number"),
    "upper": ("upper end of a uniform or loguniform distribution", "a number"),
    "q05": ("5 % point of a normal, lognormal, quantiles or beta distribution", "a number"),
    "q50": ("median of a quantiles distribution", "a number"),
    "q95": ("95 % point of a normal, lognormal, quantiles, beta or halfnormal distribution", "a number"),
    "weights": ("weights of a mixture's parts", "a list of numbers"),
    "parts": ("parts of a mixture, each a family and its numbers", "a list of tables"),
    "unit": ("unit of the numbers", "a unit of the quantity"),
}
"""The keys of a prior; which numbers a table has follows from its family."""

CONCLUSIONS = {
    "p": ("probability of the event that the author states", "probability"),
    "p_low": ("lower end of a range of probabilities", "probability"),
    "p_high": ("upper end of a range of probabilities", "probability"),
    "says": ("words of the quote, where the author states no number", ""),
    "q05": ("of r_asara: 5 % point that the author states", "r"),
    "q50": ("of r_asara: median that the author states", "r"),
    "q95": ("of r_asara: 95 % point that the author states", "r"),
}
"""The keys of what an author concludes, which is shown and never used."""


def tables() -> list[Table]:
    """Every table of the data files."""
    return [*_evidence(), *_views(), *_choices()]


def _evidence() -> Iterator[Table]:
    for name, what in ROWS.items():
        yield _table(name, what, FIELDS[name.partition("/")[2]])
    everything = ("order", "date", "kind", "output", "output_error", "instrument", "regime", "made_by")
    history = history_fields(next(iter(OUTPUT_UNITS)), (*everything, "<effort>"), ["<effort>"])
    yield _table("evidence/series/NAME.csv", "one raw history, an observation a line", history)
    yield _units("units of output", "cost: halved by a doubling of software; multiple: doubled", OUTPUT_UNITS)
    yield _units(
        "units of effort",
        "cumulative: all so far; flow: a rate; output count: numbers the observations",
        EFFORT_UNITS,
    )
    yield _table("evidence/sources.toml [KEY]", "the bibliography, a work a table", WORK)
    yield _table("evidence/figures.csv", "figures that sources state, for sie reproduce", figure_fields())
    yield _table("evidence/metr_horizons.csv", "METR's time horizons, for sie timeline", HORIZON_FIELDS)
    yield _table("evidence/idea_production/fits.csv", "what Epoch fitted, for sie epoch", IDEA_FITS)
    yield _table("evidence/idea_production/NAME.csv", "authors a year behind a fit", IDEA_COUNTS)
    yield _quantities("evidence/buildout.toml", "priors of sie.takeover_before_buildout", BUILDOUT)


def _views() -> Iterator[Table]:
    yield _table("priors/VIEW.toml", "a view: keys before its tables", top_keys())
    yield _quantities("priors/VIEW.toml [QUANTITY]", "the quantities, a table each", QUANTITIES)
    prior = [
        Column(name=key, meaning=meaning, unit="", holds=holds)
        for key, (meaning, holds) in PRIOR_KEYS.items()
    ]
    own = {
        key: Field(field.read, field.want, True, None, f"of {name}: {field.meaning}")
        for name, fields in OWN_KEYS.items()
        for key, field in fields.items()
    }
    yield Table(
        name="priors/VIEW.toml [QUANTITY] keys",
        what="the keys of a quantity's table",
        columns=(*prior, *_columns(own), *_columns(ORIGIN_KEYS)),
    )
    yield _table("priors/VIEW.toml [[correlations]]", "quantities that are not independent", CORRELATION)
    for name in EXOGENOUS:
        yield _table(
            f"priors/VIEW.toml [{name}]", "what acts from outside (optional)", exogenous_fields(name)
        )
    yield Table(
        name="priors/VIEW.toml [concludes.EVENT]",
        what="what the author concludes, with the keys of its origin; shown, never an input",
        columns=tuple(
            Column(name=key, meaning=meaning, unit=unit, holds="a number" if unit else "text")
            for key, (meaning, unit) in CONCLUSIONS.items()
        ),
    )


def _choices() -> Iterator[Table]:
    groups = read_alternatives().groups
    where = "priors/alternatives.toml"
    yield _table(f"{where} [alternatives.NAME]", "choices that could be defended", alternative_fields(groups))
    yield _table(f"{where} [alternatives.NAME.rows.ROW]", "columns of a row with other values", COLUMNS)
    for place, what, fields in (
        ("[views.NAME]", "weight of a view", VIEW),
        ("[groups.NAME]", "a group of authors with one vote", GROUP),
        ("[logarithmic]", "the logarithmic pool", LOGARITHMIC),
        ("[mechanisms.NAME]", "a way in which compute limits research", MECHANISM),
    ):
        yield _table(f"priors/weights.toml {place}", what, {**fields, **ORIGIN_KEYS})
    where = "priors/timelines/NAME.toml"
    yield _table(where, "a timeline to ASARA: keys before its tables", ABOUT)
    yield _quantities(f"{where} [QUANTITY]", "its quantities, a table each", TIMELINE_QUANTITIES)


def _columns(fields: Mapping[str, Field]) -> tuple[Column, ...]:
    return tuple(
        Column(name=name, meaning=field.meaning, unit=field.unit, holds=_holds(field))
        for name, field in fields.items()
    )


def _holds(field: Field) -> str:
    """What a field may hold; nothing is said of plain words that must be there."""
    want = "words" if field.want == words().want else field.want
    if field.is_optional:
        return f"{want.removesuffix(', or nothing')}, or nothing"
    return "" if want == "words" else want


def _table(name: str, what: str, fields: Mapping[str, Field]) -> Table:
    return Table(name=name, what=what, columns=_columns(fields))


def _quantities(name: str, what: str, quantities: Mapping[str, Quantity]) -> Table:
    columns = (
        Column(
            name=key,
            meaning=each.meaning,
            unit=" or ".join(each.units),
            holds=each.range + (", or inf" if each.endless else ""),
        )
        for key, each in quantities.items()
    )
    return Table(name=name, what=what, columns=tuple(columns))


def _units(name: str, what: str, units: Mapping[str, str]) -> Table:
    columns = (Column(name=unit, meaning=counts, unit="", holds="") for unit, counts in units.items())
    return Table(name=f"evidence/series/NAME.csv {name}", what=what, columns=tuple(columns))


def as_text(chosen: list[Table]) -> str:
    """The tables for a terminal: a line a column."""
    lines = []
    for table in chosen:
        lines += [f"{table.name}: {table.what}"]
        cells = [
            [
                column.name,
                column.unit,
                column.meaning + (f" [{column.holds}]" if column.holds else ""),
            ]
            for column in table.columns
        ]
        lines += [*aligned(cells, left=3), ""]
    return "\n".join(lines)
