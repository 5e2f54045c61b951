"""TOML and CSV to frozen values, checked: priors and views, evidence rows, raw histories, sources. It reads; it never cleans,
fills or drops."""

__all__ = [
    "bibliography",
    "constructors",
    "correlations",
    "evidence",
    "families",
    "histories",
    "history_units",
    "prior_tables",
    "priors",
    "quantities",
    "row_rules",
    "rows",
    "schema",
    "tables",
    "time_horizons",
    "timelines",
    "views",
    "weights",
    "wording",
]
