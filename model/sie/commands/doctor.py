"""`sie doctor`: check this installation, one line per finding."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..base.errors import in_one_line
from ..base.exit_codes import BAD_INPUT
from ..page.tables import aligned
from .waiting import progress

__all__ = ["doctor"]


def doctor(
    licences: Annotated[
        bool, typer.Option("--licences", help="List the packages in use with version and licence instead.")
    ] = False,
) -> int:
    """Check versions, caches, threads and compilers, and time a small fit."""
    from ..analysis import doctor as checks

    if licences:
        print("\n".join(aligned(checks.licences(), indent=0, left=3)))
        return 0
    findings = []
    with progress() as on_progress:
        for look, what in (
            (checks.versions, "versions"),
            (checks.compilers, "compilers"),
            (checks.threads, "threads"),
            (checks.caches, "caches"),
            (checks.fit_times, "a small fit: importing, compiling, sampling, propagating"),
        ):
            on_progress(what)
            try:
                findings += look()  # what was found before an error stays
            except Exception as error:  # whatever is wrong with the installation is a finding
                why = in_one_line(f"{type(error).__name__}: {error}")
                findings.append(checks.Finding(what=what.split(":")[0], verdict=checks.BAD, why=why))
    rows = [[finding.verdict, finding.what, finding.why] for finding in findings]
    print("\n".join(aligned(rows, indent=0, left=3)))
    bad = [finding.what for finding in findings if finding.verdict == checks.BAD]
    doubtful = [finding.what for finding in findings if finding.verdict == checks.DOUBTFUL]
    print(f"{len(findings)} findings: {len(bad)} bad, {len(doubtful)} doubtful")
    if bad:
        print(f"sie doctor: found {', '.join(bad)} bad, want none", file=sys.stderr)
    return BAD_INPUT if bad else 0
