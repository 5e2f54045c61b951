"""TOML and CSV to frozen values, checked: priors and views, evidence rows, raw histories, sources. It reads; it never cleans,
fills or drops."""
