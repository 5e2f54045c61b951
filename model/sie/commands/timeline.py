"""`sie timeline`: the date of ASARA by METR's time horizons, its backtest, and P(event by the end of a year) for a view."""

from __future__ import annotations

import datetime
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from ..base.errors import DataError, NotConverged, plain
from ..base.stats import INTERVAL, quantile_errors
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
)
from .waiting import progress

if TYPE_CHECKING:
    import xarray as xr

    from ..data.priors import View
    from ..data.timelines import Timeline

__all__ = ["timeline"]

SHOWN = (1, 2, 4, 6, 9, 14, 24)
"""Years after now of which P(event by year) is printed unless years are named."""

HEADLINE = ("r_above_1", "years_3_in_1y")
"""Events that are drawn unless some are named."""


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
            help="Backtest: fit every timeline to what was known at three dates, and compare its predictions with later models.",
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
    """The date of ASARA from METR's time horizons, the software gained until then, the backtest, and events by year."""
    from ..analysis.timeline import last_date
    from ..base.files import refuse_unwritable, write_json
    from ..data.evidence import evidence_files
    from ..data.time_horizons import parse_date, read_horizons
    from ..data.timelines import read_timeline
    from ..plots.style import FIGURE_FORMATS

    check_sampling(seed, draws)
    of_view = {"--event": event, "--year": year, "--priors-only": priors_only, "--levels": levels}
    if backtest:
        _refuse({"--view": view, "--now": now, "--plot": plot} | of_view, "--backtest", "one of the two")
    if view is None:
        _refuse(of_view, "no --view", "a view for whose takeoff it is")
    refuse_unwritable("--plot", plot)
    if plot is not None and plot.suffix[1:] not in FIGURE_FORMATS:
        raise DataError(f"--plot {plot}", plot.name, "a name that ends in .png, .svg or .pdf")
    inputs = [*map(Path, filter(None, (name, view))), *evidence_files(evidence)]
    refuse_unwritable("--json", json, inputs=inputs, others=[plot] if plot is not None else [])
    beliefs, horizons = read_timeline(name), read_horizons(evidence)
    start = parse_date("--now", now) if now is not None else last_date(horizons, beliefs)
    sampling = {"seed": seed, "draws": draws, "horizons": horizons}
    if backtest:
        document = _backtest(name, sampling)
    elif view is not None:
        events, years = chosen_events(event), _years(year, start)
        with progress() as on_progress:
            on_progress(f"{view}: drawing")
            takeoff = _takeoff(view, evidence, levels, priors_only, sampling)
        found = _by_year(beliefs, start, takeoff, events, years, sampling)
        if plot is not None:
            from ..plots.timeline import plot_by_year

            shown = found.sel(event=["asara", *(events if event else HEADLINE)])
            title = f"{takeoff[0].label}\n{beliefs.label}"
            _write(plot, lambda: plot_by_year(shown, title=title))
        document = {
            "now": str(start),
            "timeline": beliefs.name,
            "view": takeoff[0].name,
            "given": takeoff[2],
            "by_year": _by_year_json(found),
        }
    else:
        document = _dates(beliefs, start, plot, sampling)
    write_json(json, {"version": 1, "seed": seed, "draws": draws, **document})


def _refuse(options: dict[str, object], found: str, want: str) -> None:
    """Raise DataError for options that would have no effect."""
    for option, value in options.items():
        if value:
            raise DataError(option, plain(found), want)


def _years(asked: list[int] | None, now: datetime.date) -> list[int]:
    """The years that are printed."""
    from ..analysis.by_year import check_years

    years = sorted(set(asked)) if asked else [now.year + ahead for ahead in SHOWN]
    check_years("--year" if asked else "--now", years, now)
    return years


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


def _dates(beliefs: Timeline, now: datetime.date, plot: Path | None, sampling: dict) -> dict:
    """Print the date of ASARA with what it rests on, by the other timelines too, and the table for a view."""
    from ..analysis.timeline import asara_dates, fitted_models, gained_table
    from ..data.time_horizons import doubling_days
    from ..data.timelines import read_timeline, timeline_names
    from . import timeline_lines

    models = fitted_models(sampling["horizons"], beliefs)
    dates = asara_dates(beliefs, now=now, **sampling)
    print(
        f"{beliefs.label}: {models.sizes['measurement']} {beliefs.models} models of {beliefs.release} since {beliefs.since}"
    )
    print(f"least squares: the horizon doubles in {doubling_days(models):.3f} days")
    print(
        f"now {now}, given that ASARA is still to come (prior share before it: {dates.attrs['already']:.1%})\n"
    )
    print("\n".join(timeline_lines.quantiles(dates)))
    found = {beliefs.name: dates}
    for other in timeline_names():
        if other not in found:
            with suppress(DataError, NotConverged):  # an alternative that has nothing to say is not shown
                found[other] = asara_dates(read_timeline(other), now=now, **sampling)
    print("\n" + "\n".join(timeline_lines.alternatives(found)))
    print(f"\n{timeline_lines.counted_from(now)}\n")
    print(gained_table(beliefs, dates))
    if plot is not None:
        from ..plots.timeline import plot_timeline

        _write(plot, lambda: plot_timeline(models, dates, title=beliefs.label))
    return {
        "now": str(now),
        "years_to_asara": {name: _years_json(each) for name, each in found.items()},
    }


def _years_json(dates: xr.Dataset) -> dict[str, float]:
    quantiles = np.quantile(dates.years, INTERVAL)
    errors = quantile_errors(dates.years.values, INTERVAL, dates.attrs["effective_draws"])
    keys = ("q05", "q50", "q95")
    return dict(zip(keys, quantiles.tolist(), strict=True)) | {
        f"{key}_mcse": error for key, error in zip(keys, errors.tolist(), strict=True)
    }


def _by_year(
    beliefs: Timeline,
    now: datetime.date,
    takeoff: tuple[View, xr.Dataset, str],
    events: list[str],
    years: list[int],
    sampling: dict,
) -> xr.Dataset:
    """Print P(event by the end of each year) for the takeoff of a view."""
    from ..analysis.by_year import credences_by_year
    from ..analysis.timeline import asara_dates
    from ..growth.paths import simulate
    from . import timeline_lines

    view, drawn, given = takeoff
    dates = asara_dates(beliefs, now=now, **sampling)
    every = range(now.year, years[-1] + 1)
    table = credences_by_year(simulate(drawn), dates, years=every, events=events)
    print(f"{view.label} ({view.name}), {given_in_words(given)}")
    print(f"{beliefs.label} ({beliefs.name}), now {now}\n")
    print("\n".join(timeline_lines.by_year(table, years, _hardware(view))))
    return table


def _by_year_json(table: xr.Dataset) -> list[dict]:
    """The table for JSON; a year of null means at any time."""
    rows = []
    for event in table.event.values.tolist():
        for year in table.year.values.tolist():
            of = table.sel(event=event, year=year)
            rows.append({"event": event, "year": year, "p": of.p.item(), "mcse": of.mcse.item()})
        rows.append({"event": event, "year": None, "p": of.ever.item(), "mcse": of.ever_mcse.item()})
    return rows


def _takeoff(
    name: str, evidence: Path | None, levels: list[str] | None, priors_only: bool, sampling: dict
) -> tuple[View, xr.Dataset, str]:
    """A view, its draws, and what they are given: evidence, unless it cannot move the view or was left out."""
    from ..data.evidence import read_evidence
    from ..data.priors import read_view
    from ..inference.prior_draws import prior
    from ..returns.selection import usable

    view = read_view(name, sources=bibliography(evidence))
    seed, draws = sampling["seed"], sampling["draws"]
    rows = read_evidence(evidence)
    chosen = chosen_levels(levels, rows, without="--priors-only" if priors_only else None)
    if priors_only or view.states_r_asara:
        return view, prior(view, draws=draws, seed=seed), "priors"
    from ..inference.sampling import fit
    from ..returns.design import design

    tree = fit(design(usable(rows, view, levels=chosen), view), seed=seed, draws=draws, groups=())
    return view, tree["posterior"].to_dataset(), "evidence"


def _write(plot: Path, draw) -> None:
    from ..base.files import write_whole
    from ..plots.style import save

    write_whole(plot, lambda target: save(draw(), target))
    print(f"\n{plot}: written")


def _hardware(view: View) -> str:
    """What hardware does after ASARA, in words."""
    return (
        "hardware grows as the view says" if "hardware_growth" in view.exogenous else "hardware stays fixed"
    )
