"""`sie epoch`: r by Epoch's own likelihood, exact or as their notebook computes it, beside what they published."""

from __future__ import annotations

from typing import Annotated

import typer

from ..base.errors import DataError, plain
from ..base.stats import QUANTILES
from .options import Evidence
from .waiting import progress

__all__ = ["epoch"]


def epoch(
    domains: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DOMAIN ...]", help="vision, rl, sat or lp (default: all)."),
    ] = None,
    as_coded: Annotated[
        bool,
        typer.Option(
            "--as-coded", help="Drop the terms in which the gamma function of Epoch's notebook overflows."
        ),
    ] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Only recompute the stored likelihoods of r (exact).")
    ] = False,
    evidence: Evidence = None,
) -> None:
    """Estimate r = lambda / beta by the method of Erdil, Besiroglu & Ho (2024), from output growth and yearly author counts."""
    from ..histories.erdil_2024 import log_likelihood, quantiles, read_idea_production, store

    fits = read_idea_production(evidence)
    for name in domains or ():
        if name not in fits:
            raise DataError("epoch", name, "one of " + ", ".join(fits))
    if rebuild and as_coded:
        raise DataError("--as-coded", plain("--rebuild too"), "one of the two (only the exact one is stored)")
    if not rebuild:
        print(
            f"Likelihood {'as coded, with its overflow' if as_coded else 'exact'}; r at " + _joined(QUANTILES)
        )
    with progress() as on_progress:
        for name in dict.fromkeys(domains or fits):
            on_progress(name)
            fit = fits[name]
            if rebuild:
                print(f"{store(fit, evidence)}: written", flush=True)
                continue
            r, above = quantiles(log_likelihood(fit, as_coded=as_coded))
            print(
                f"\n{fit.domain}: output {fit.output_doublings:.3g} doublings in {len(fit.researchers)} years",
                end="",
            )
            print(
                f", {len(fit.researchers)} counts of authors; growth ratio {fit.growth_ratio:.3f} (published {fit.naive:g})"
            )
            print("  here       " + "".join(f"{value:9.3f}" for value in r) + f"   P(r > 1) {above:.3f}")
            print("  published  " + "".join(f"{value:9.3f}" for value in fit.published))
            print(
                "  difference "
                + "".join(f"{here / there - 1:+9.1%}" for here, there in zip(r, fit.published, strict=True)),
                flush=True,
            )


def _joined(levels: tuple[float, ...]) -> str:
    return ", ".join(f"{level:.0%}" for level in levels)
