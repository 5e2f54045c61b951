"""`sie timeline`: the date of ASARA by METR's time horizons, its backtest, and P(event by the end of a year) for a view."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from ..base.errors import DataError, plain
from ..base.stats import INTERVAL
from ..data.timelines import DEFAULT_TIMELINE
from ..data.wording import given_in_words
from .options import (
    DEFAULT_DRAWS,
    Event,
    Evidence,
    Json,
    Levels,
    PriorsOnly,
    Seed,
    bibliography,
    check_sampling,
    chosen_events,
    chosen_levels,
    progress,
)

if TYPE_CHECKING:
    import xarray as xr

    from ..data.priors import View
    from ..data.timelines import Timeline

__all__ = ["timeline"]

AHEAD = 24
"""Years after now of which P(event by year) is computed unless years are named."""

SHOWN = (1, 2, 4, 6, 9, 14, 24)
"""Those of them that are printed."""


def timeline(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[TIMELINE]",
            help="A name (exponential, long_trend, superexponential) or a .toml file.",
        ),
    ] = DEFAULT_TIMELINE,
    view: Annotated[
        str | None,
        typer.Option(metavar="VIEW", help="Print P(event by the end of a year) for this view's takeoff."),
    ] = None,
    event: Event = None,
    year: Annotated[
        list[int] | None, typer.Option("--year", metavar="YEAR", help="A year for --view; repeatable.")
    ] = None,
    priors_only: PriorsOnly = False,
    levels: Levels = None,
    backtest: Annotated[
        bool,
        typer.Option(
            "--backtest",
            help="Fit every timeline to what was known at three dates; where did later models fall?",
        ),
    ] = False,
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
    json: Json = None,
    evidence: Evidence = None,
) -> None:
    """The date of ASARA by METR's time horizons, and the prior gained_before_asara that it implies for a view."""
    from ..base.files import refuse_unwritable, write_json
    from ..data.time_horizons import parse_date, read_horizons
    from ..data.timelines import read_timeline

    check_sampling(seed, draws)
    _check_options(view, backtest, {"--event": event, "--year": year, "--priors-only": priors_only, "--levels": levels}, {"--now": now, "--plot": plot})  # fmt: skip
    refuse_unwritable("--plot", plot)
    if plot is not None and plot.suffix != ".png":
        raise DataError(f"--plot {plot}", plot.name, "a name that ends in .png")
    refuse_unwritable("--json", json, others=[plot] if plot is not None else [])
    beliefs, horizons = read_timeline(name), read_horizons(evidence)
    start = parse_date("--now", now) if now is not None else None
    sampling = {"seed": seed, "draws": draws, "horizons": horizons}
    if backtest:
        document = _backtest(name, sampling)
    elif view is not None:
        document = _by_year(
            beliefs, start, view, chosen_events(event), year, plot, sampling, evidence=evidence, levels=levels, priors_only=priors_only
        )  # fmt: skip
    else:
        document = _dates(beliefs, start, plot, sampling)
    write_json(json, {"version": 1, "seed": seed, "draws": draws, **document})


def _check_options(view: str | None, backtest: bool, of_view: dict, not_backtest: dict) -> None:
    """Refuse options that would change nothing."""
    if backtest:
        for option, value in ({"--view": view} | of_view | not_backtest).items():
            if value:
                raise DataError(option, plain("--backtest"), "one of them: a backtest has dates of its own")
    for option, value in of_view.items():
        if value and view is None:
            raise DataError(option, plain("no --view"), "a view for whose takeoff it is")


def _backtest(name: str, sampling: dict) -> dict:
    """Print the backtest of all bundled timelines and, if it is a file, this one."""
    from ..analysis.backtest import backtest_timelines
    from ..data.timelines import timeline_names
    from . import timeline_lines

    table = backtest_timelines(dict.fromkeys([*timeline_names(), name]), **sampling)
    print("\n".join(timeline_lines.backtest(table)))
    each = [
        {
            "timeline": one,
            "total": table.total.sel(timeline=one).item(),
            "total_mcse": table.total_mcse.sel(timeline=one).item(),
            "cuts": [_cut(table.sel(timeline=one, cut=cut)) for cut in table.cut.values.tolist()],
        }
        for one in table.timeline.values.tolist()
    ]
    return {"backtest": each, "default": DEFAULT_TIMELINE}


def _cut(of: xr.Dataset) -> dict:
    """One timeline at one cut for JSON."""
    names = ("later", "fitted", "inside_50", "inside_90", "log_score", "log_score_mcse")
    models = [
        {"model": model, "minutes": minutes, "below": below, "below_mcse": mcse, "log_density": density}
        for model, minutes, below, mcse, density in zip(
            *(of[key].values.tolist() for key in ("model", "minutes", "below", "below_mcse", "log_density")),
            strict=True,
        )
        if below == below
    ]
    return {"cut": of.cut.item(), "models": models, **{name: of[name].item() for name in names}}


def _dates(beliefs: Timeline, start: datetime.date | None, plot: Path | None, sampling: dict) -> dict:
    """Print the date of ASARA with what it rests on, by the other timelines too, and the table for a view."""
    from ..analysis.timeline import asara_dates, fitted_models, gained_table, last_date
    from ..data.time_horizons import doubling_days
    from ..data.timelines import read_timeline, timeline_names
    from . import timeline_lines

    models = fitted_models(sampling["horizons"], beliefs)
    now = start or last_date(sampling["horizons"], beliefs)
    dates = asara_dates(beliefs, now=now, **sampling)
    print(
        f"{beliefs.label}: {models.sizes['measurement']} {beliefs.models} models of {beliefs.release} since {beliefs.since}"
    )
    print(f"least squares: the horizon doubles in {doubling_days(models):.3f} days")
    print(
        f"now {now}, given that ASARA is still to come (prior share before it: {dates.attrs['already']:.1%})\n"
    )
    print("\n".join(timeline_lines.quantiles(dates)))
    found = {
        other: dates if other == beliefs.name else asara_dates(read_timeline(other), now=now, **sampling)
        for other in dict.fromkeys([beliefs.name, *timeline_names()])
    }
    print("\n" + "\n".join(timeline_lines.alternatives(found)))
    print("\n" + gained_table(beliefs, dates))
    if plot is not None:
        from ..plots.timeline import plot_timeline

        _write(plot, lambda: plot_timeline(models, dates, title=beliefs.label))
    return {
        "now": str(now),
        "years_to_asara": {
            name: dict(zip(("q05", "q50", "q95"), np.quantile(each.years, INTERVAL).tolist(), strict=True))
            for name, each in found.items()
        },
    }


def _by_year(
    beliefs: Timeline,
    start: datetime.date | None,
    name: str,
    events: list[str],
    asked: list[int] | None,
    plot: Path | None,
    sampling: dict,
    *,
    evidence: Path | None,
    levels: list[str] | None,
    priors_only: bool,
) -> dict:
    """Print P(event by the end of each year) for the takeoff of a view."""
    from ..analysis.by_year import credences_by_year
    from ..analysis.timeline import asara_dates, last_date
    from ..data.priors import read_view
    from ..growth.paths import simulate
    from . import timeline_lines

    now = start or last_date(sampling["horizons"], beliefs)
    view = read_view(name, sources=bibliography(evidence))
    years = sorted(set(asked or range(now.year, now.year + AHEAD + 1)))
    if years[0] < now.year:
        raise DataError("--year", years[0], f"a year that ends after {now}")
    with progress() as on_progress:
        on_progress(f"{view.name}: drawing")
        drawn, given = _takeoff(view, evidence, levels, priors_only, sampling)
        on_progress(f"{view.name}: events by year")
        dates = asara_dates(beliefs, now=now, **sampling)
        table = credences_by_year(simulate(drawn), dates, years=years, events=events)
    print(f"{view.label} ({view.name}), {given_in_words(given)}; {beliefs.label} ({beliefs.name}), now {now}")
    shown = years if asked else [now.year + ahead for ahead in SHOWN]
    print("\n".join(timeline_lines.by_year(table, shown)))
    if plot is not None:
        from ..plots.timeline import plot_by_year

        _write(plot, lambda: plot_by_year(table, title=f"{view.label}\n{beliefs.label}"))
    return {
        "now": str(now),
        "timeline": beliefs.name,
        "view": view.name,
        "given": given,
        "by_year": [
            {"event": one, "year": when, "p": table.p.sel(event=one, year=when).item(), "mcse": table.mcse.sel(event=one, year=when).item()}
            for one in table.event.values.tolist()
            for when in years
        ],
    }  # fmt: skip


def _takeoff(
    view: View, evidence: Path | None, levels: list[str] | None, priors_only: bool, sampling: dict
) -> tuple[xr.Dataset, str]:
    """Draws of a view, given evidence where it can move the view and nobody left it out; and what they are given."""
    from ..data.evidence import read_evidence
    from ..inference.prior_draws import prior
    from ..returns.selection import usable

    seed, draws = sampling["seed"], sampling["draws"]
    rows = read_evidence(evidence)
    chosen = chosen_levels(levels, rows, without="--priors-only" if priors_only else None)
    if priors_only or view.states_r_asara:
        return prior(view, draws=draws, seed=seed), "priors"
    from ..inference.sampling import fit
    from ..returns.design import design

    tree = fit(design(usable(rows, view, levels=chosen), view), seed=seed, draws=draws, groups=())
    return tree["posterior"].to_dataset(), "evidence"


def _write(plot: Path, draw) -> None:
    from ..base.files import write_whole
    from ..plots.style import save

    write_whole(plot, lambda target: save(draw(), target))
    print(f"\n{plot}: written")
