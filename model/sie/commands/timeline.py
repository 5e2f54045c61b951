"""`sie timeline`: the date of ASARA by METR's time horizons, software gained until then, and the table for a view."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from ..base.errors import DataError
from ..base.stats import QUANTILES
from ..page.tables import aligned
from .options import DEFAULT_DRAWS, Evidence, Seed, check_sampling

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["timeline"]

FURTHEST = 1000.0
"""Years from which a date is told as further than this."""


def timeline(
    name: Annotated[
        str,
        typer.Argument(metavar="[TIMELINE]", help="A name (exponential, superexponential) or a .toml file."),
    ] = "exponential",
    now: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="Date from which software gained is counted (default: that of the last fitted model).",
        ),
    ] = None,
    seed: Seed = 1,
    draws: Annotated[int, typer.Option(metavar="N", help="Draws of the date of ASARA.")] = DEFAULT_DRAWS,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Write a plot (PNG) here.")
    ] = None,
    evidence: Evidence = None,
) -> None:
    """The date of ASARA by METR's time horizons, and the prior gained_before_asara that it implies for a view."""
    from ..analysis.timeline import asara_dates, fitted_models, gained_table, last_date
    from ..base.files import refuse_unwritable, write_whole
    from ..data.time_horizons import doubling_days, parse_date, read_horizons
    from ..data.timelines import read_timeline

    check_sampling(seed, draws)
    refuse_unwritable("--plot", plot)
    if plot is not None and plot.suffix != ".png":
        raise DataError(f"--plot {plot}", plot.name, "a name that ends in .png")
    beliefs, horizons = read_timeline(name), read_horizons(evidence)
    models = fitted_models(horizons, beliefs)
    start = parse_date("--now", now) if now is not None else last_date(horizons, beliefs)
    dates = asara_dates(beliefs, now=start, seed=seed, draws=draws, horizons=horizons)
    print(
        f"{beliefs.label}: {models.sizes['measurement']} {beliefs.models} models of {beliefs.release} since {beliefs.since}"
    )
    print(f"least squares: the horizon doubles in {doubling_days(models):.3f} days")
    print(
        f"now {start}, given that ASARA is still to come (prior share before it: {dates.attrs['already']:.1%})\n"
    )
    rows = [["", *(f"{level:.0%}" for level in QUANTILES)]]
    for label, values in _lines(dates):
        rows.append([label, *(f"{value:.3g}" for value in np.quantile(values, QUANTILES))])
    rows.append(["date of ASARA", *(_date(start, value) for value in np.quantile(dates.years, QUANTILES))])
    print("\n".join(aligned(rows, indent=0)))
    print("\n" + gained_table(beliefs, dates))
    if plot is not None:
        from ..plots.style import save
        from ..plots.timeline import plot_timeline

        figure = plot_timeline(models, dates, title=beliefs.label)
        write_whole(plot, lambda target: save(figure, target))
        print(f"\n{plot}: written")


def _lines(dates: xr.Dataset) -> list[tuple[str, np.ndarray]]:
    days = 365.25 / dates.doublings_per_year.values
    return [
        ("horizon of the trend at the last model, minutes", dates.horizon.values),
        ("days to double there", days),
        ("duration of a doubling over the one before", dates.doubling_ratio.values),
        ("spread of models around the trend, doublings", dates.model_spread.values),
        ("share of the measurement error in common", dates.shared_error.values),
        ("rate of the trend ahead over the fitted one", dates.rate.values),
        ("horizon at ASARA, work months", dates.asara_horizon.values),
        ("years from now to ASARA", dates.years.values),
        ("pace of software, OOMs a year", dates.pace.values),
        ("G, OOMs of training efficiency until ASARA", dates.gained.values),
    ]


def _date(now: datetime.date, years: float) -> str:
    """Year and month so many years later."""
    if years > FURTHEST:
        return f">{FURTHEST:g} yr"
    months = now.year * 12 + now.month - 1 + round(years * 12)
    return f"{months // 12}-{months % 12 + 1:02d}"
