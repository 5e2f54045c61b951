"""`sie series`: what each raw history says about r, beside simpler estimates from it; figures and stored likelihoods."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from ..base.errors import DataError, plain
from ..base.stats import INTERVAL
from ..data.wording import diagnostics_in_words
from ..inference.prior_draws import check_seed
from .options import Evidence, Seed
from .series_lines import YEAR, check, interval, line, naive, published, switches, verdict
from .waiting import progress

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["series"]


def series(
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID|FILE ...]",
            help="Rows of series.csv (default: all), or your own files ending in .csv.",
        ),
    ] = None,
    seed: Seed = 1,
    most_lambda: Annotated[
        float,
        typer.Option(
            metavar="X", help="Upper end of the log-uniform prior of lambda, above 0.1 and at most 4."
        ),
    ] = 1.0,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="Fit outputs up to this day (2023-06-30) and predict the later ones."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the figures (PNG) here.")
    ] = None,
    rebuild: Annotated[
        bool,
        typer.Option("--rebuild", help="Only recompute the stored likelihoods of r from the raw series."),
    ] = False,
    evidence: Evidence = None,
) -> None:
    """Estimate r from raw histories, beside simpler estimates from the same data."""
    from ..base.files import refuse_unwritable
    from ..data.evidence import read_evidence, read_series

    rows = read_evidence(evidence)
    known = rows.estimate.values[rows.kind.values == "series"].tolist()
    files = [name for name in ids or () if name.endswith(".csv")]
    for name in ids or ():
        if name not in (*known, *files):
            raise DataError("series", name, "one of " + ", ".join(known) + ", or a file that ends in .csv")
    check_seed("--seed", seed)
    if not 0.1 < most_lambda <= 4:
        raise DataError("--most-lambda", most_lambda, "a number above 0.1, at most 4")
    last = _day(until)
    refuse_unwritable("--out", out, folder=True)
    for option, given in (("--out", out), ("--until", until), ("a file", files)):
        if rebuild and given:
            raise DataError(option, plain("--rebuild too"), "one of the two")
    histories = {name: read_series(name, evidence) for name in ids or known}
    for name, past in histories.items():
        if [other.attrs["id"] for other in histories.values()].count(past.attrs["id"]) > 1:
            raise DataError(
                "series", name, "histories whose names differ, since their figures are called by them"
            )
    found = {}
    with progress() as on_progress:
        for name, past in histories.items():
            on_progress(name)
            if rebuild:
                file = rows.file.sel(estimate=name).item()
                print(_rebuild(past, file, seed, evidence, on_progress), flush=True)
            else:
                table = _stored(name, evidence) if name in known and last is None else None
                found[past.attrs["id"]] = _show(past, rows, table, seed, most_lambda, last, out, on_progress)
        if out is not None:
            _figure_of_lambdas(found, out)


def _day(until: str | None) -> np.datetime64 | None:
    if until is None:
        return None
    try:
        return np.datetime64(date.fromisoformat(until))
    except ValueError:
        raise DataError("--until", until, "a day, as 2023-06-30") from None


def _rebuild(past: xr.Dataset, file: str, seed: int, evidence: Path | None, on_progress) -> str:
    from ..histories.arrays import efforts
    from ..histories.fit import likelihood_of
    from ..returns.likelihoods import write_likelihood

    name = past.attrs["id"]
    if not efforts(past):
        return f"{name}: no likelihood, since no effort was observed at two dates after the first, or it only counts the outputs"
    table = likelihood_of(past, seed=seed, on_progress=on_progress)
    return f"{write_likelihood(name, table, [f'series/{file}'], evidence)}: written"


def _stored(name: str, evidence: Path | None) -> xr.DataArray | None:
    """The stored likelihood; None where there is none of these data."""
    from ..returns.likelihoods import read_likelihood

    try:
        return read_likelihood(name, evidence)
    except DataError:
        return None


def _show(
    past: xr.Dataset, rows: xr.Dataset, table, seed: int, most: float, last, out: Path | None, on_progress
) -> dict[str, xr.Dataset]:
    """Print and plot every reading of a history; returns the draws of each."""
    from ..histories.arrays import as_history, efforts
    from ..histories.fit import is_identified, replicate
    from ..histories.model import LOG_LAMBDA_RANGE
    from ..histories.readings import BLIND, MAIN, WIDE, readings

    proxies, name = efforts(past), past.attrs["id"]
    kinds = sorted(set(past.kind.values.tolist()))
    first, end = (str(day)[:10] for day in past.date.values[[0, -1]])
    of = f" ({past.attrs['domain']})" if past.attrs["domain"] else ""
    until = np.inf if last is None else float((last - past.date.values[0].astype("datetime64[D]")) / YEAR)
    history = as_history(past, until=until)
    print(f"{name}{of}: {past.sizes['observation']} {' and '.join(kinds)}s, {first} to {end}")
    if (entered := len(history.years) + 1) < past.sizes["observation"] - len(history.by_ai):
        print(
            f"  {entered} of them enter, at the ends of stretches of constant effort; the others add nothing about r"
        )
    if by_ai := len(history.by_ai):
        print(
            f"  {by_ai} by AI: the effort behind them is unknown and of another kind; shown in the figures, not used in the fit"
        )
    if until < np.inf:
        print(f"  fitted to outputs up to {last}; effort after that day is used too")
    print(f"  {'r: software doublings per doubling of effort':58s}     5 %    50 %    95 %")
    found = {}
    options = {"most_lambda": most, "until": until, "seed": seed, "likelihood": table}
    for label, draws in readings(past, **options, on_progress=on_progress):
        found[label] = draws
        anchor = (f", anchor {history.anchor}" if proxies else ": none observed") if label == MAIN else ""
        line(label + anchor, draws.r)
        for regime in history.regimes if label == MAIN and len(history.regimes) > 1 else ():
            line(f"  {regime}", draws.r_of.sel(regime=regime))
    draws, blind, wide = found[MAIN], found.get(BLIND, found[MAIN]), found[WIDE]
    naive(past, proxies)
    published(rows, past.attrs["domain"])
    made = replicate(draws, history, seed=seed)
    check(made, history)
    identified = is_identified(draws, blind) if proxies else False
    print(verdict(past, draws, blind, proxies, identified))
    print(
        f"  lambda {interval(draws['lambda'])}, and {interval(wide['lambda'])} where lambda may be up to"
        f" {np.exp(LOG_LAMBDA_RANGE[1]):.2g}: views use r at their own lambda; what this history says of lambda is not used"
    )
    print(
        f"  effort before the first observation, as a share of the effort since: {interval(draws.prior_effort)}"
    )
    switches(past, history, draws)
    print(f"  {diagnostics_in_words(draws.attrs)}", flush=True)
    if out is not None:
        _figures(past, draws, history, made, identified, out)
    return found


def _figures(past: xr.Dataset, draws: xr.Dataset, history, made, identified: bool, out: Path) -> None:
    from ..plots.histories import plot_replicates, plot_series

    domain, name = past.attrs["domain"] or past.attrs["id"], past.attrs["id"]
    q = np.quantile(draws.r.values, INTERVAL)
    title = f"{domain}: r = {q[1]:.2f} ({q[0]:.2f} to {q[2]:.2f}, 5–95 %)"
    if not identified:
        title = f"{domain}: r is not identified ({q[0]:.2f} to {q[2]:.2f}, 5–95 %)"
    predictive = plot_replicates(draws, history, made, title=f"{domain}: simulated from the fit")
    _save(out, f"series_{name}.png", plot_series(draws, history, made, title=title))
    _save(out, f"series_{name}_predictive.png", predictive)


def _figure_of_lambdas(found: Mapping[str, Mapping[str, xr.Dataset]], out: Path) -> None:
    """r of each history at each lambda, and with lambda learnt."""
    from ..histories.readings import AT_LAMBDA, BLIND, WIDE
    from ..plots.histories import plot_at_lambdas

    labels = {label: f"lambda {value:g}" for label, value in AT_LAMBDA.items()} | {WIDE: "lambda learnt"}
    draws = {
        name if BLIND in of else f"{name}\n(not identified)": {
            words: of[key] for key, words in labels.items()
        }
        for name, of in found.items()
    }
    _save(out, "series_lambda.png", plot_at_lambdas(draws, title="r by the lambda at which it is read"))


def _save(out: Path, name: str, ax) -> None:
    from ..base.files import write_whole
    from ..plots.style import save

    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / name, lambda target: save(ax, target))
    print(f"  {out / name}: written")
