"""TOML and CSV to frozen values, checked: priors and views, evidence rows, raw histories, sources. It reads; it never cleans,
fills or drops."""

__all__ = [
    "bibliography",
    "constructors",
    "evidence",
    "families",
    "histories",
    "prior_tables",
    "priors",
    "quantities",
    "rows",
    "schema",
    "tables",
    "time_horizons",
    "timelines",
    "views",
    "weights",
    "wording",
]
