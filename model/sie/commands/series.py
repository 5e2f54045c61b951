"""`sie series`: what each raw history says of r, beside simpler readings of the same data; figures and stored likelihoods."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from ..base.errors import DataError, plain
from ..base.stats import ENDS, INTERVAL, Z90
from ..data.wording import diagnostics_in_words
from ..inference.prior_draws import check_seed
from .options import Evidence, Seed, progress

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["series"]

YEAR = np.timedelta64(1, "D") * 365.25


def series(
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID|FILE ...]",
            help="Rows of series.csv (default: all), or files of one's own that end in .csv.",
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
    """Print every reading of a history, and draw it; what is returned are the draws of each."""
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
        print(f"  {entered} of them enter, where pieces of constant effort end; the others say no more of r")
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
        _line(label + anchor, draws.r)
        for regime in history.regimes if label == MAIN and len(history.regimes) > 1 else ():
            _line(f"  {regime}", draws.r_of.sel(regime=regime))
    draws, blind, wide = found[MAIN], found.get(BLIND, found[MAIN]), found[WIDE]
    _naive(past, proxies)
    _published(rows, past.attrs["domain"])
    made = replicate(draws, history, seed=seed)
    _check(made, history)
    identified = is_identified(draws, blind) if proxies else False
    print(_verdict(past, draws, blind, proxies, identified))
    print(
        f"  lambda {_interval(draws['lambda'])}, and {_interval(wide['lambda'])} where lambda may be up to"
        f" {np.exp(LOG_LAMBDA_RANGE[1]):.2g}: views use r at their own lambda; what this history says of lambda is not used"
    )
    print(
        f"  effort before the first observation, as a share of the effort since: {_interval(draws.prior_effort)}"
    )
    _switches(past, history, draws)
    print(f"  {diagnostics_in_words(draws.attrs)}", flush=True)
    if out is not None:
        _figures(past, draws, history, made, identified, out)
    return found


def _line(label: str, r: xr.DataArray) -> None:
    low, median, high = np.quantile(r.values, INTERVAL)
    print(f"  {label:58s} {low:7.2f} {median:7.2f} {high:7.2f}", flush=True)


def _interval(values: xr.DataArray) -> str:
    low, median, high = np.quantile(values.values, INTERVAL)
    return f"{median:.2g} ({low:.2g} to {high:.2g})"


def _switches(past: xr.Dataset, history, draws: xr.Dataset) -> None:
    """When each regime whose beginning nobody dated began, and how far r differs between regimes."""
    for i, (low, high) in enumerate(history.switches):
        if low < high:
            days = np.quantile(draws.switch_year.values[..., i], INTERVAL) * YEAR
            early, middle, late = (str(past.date.values[0] + day)[:7] for day in days)
            print(f"  {history.regimes[i + 1]} began {middle} ({early} to {late})")
    if len(history.regimes) > 1:
        print(f"  sd of log r over its regimes {_interval(draws.regime_spread)}")


def _naive(past: xr.Dataset, proxies: list[str]) -> None:
    from ..histories.arrays import ELO_PRIOR
    from ..histories.fit import naive_slope

    for proxy in proxies:
        slope, se = naive_slope(past, proxy, float(np.exp(ELO_PRIOR[0])))
        low, high = slope - Z90 * se, slope + Z90 * se
        print(f"  {f'naive slope on {proxy}, s.e. {se:.3f}':58s} {low:7.2f} {slope:7.2f} {high:7.2f}")


def _published(rows: xr.Dataset, domain: str) -> None:
    """Published values of r in the same domain."""
    for i in np.flatnonzero(rows.kind.values == "r"):
        row = rows.isel(estimate=i)
        if rows.domain.values[row.domain_idx.item()] != domain:
            continue
        low, median, high = row.value.sel(quantile=list(INTERVAL)).values
        se = row.se.item()
        if np.isnan(low):
            low, high = median - Z90 * se, median + Z90 * se
        print(f"  {f'published: {row.estimate.item()}':58s} {low:7.2f} {median:7.2f} {high:7.2f}")


def _check(made, history) -> None:
    """Posterior predictive checks: how many observations lie within, and the largest single gain."""
    low, high = np.quantile(made.data, ENDS, axis=0)
    inside = (made.observed >= low) & (made.observed <= high)
    here, later = inside[: history.fitted], inside[history.fitted :]
    print(
        f"  histories simulated from the fit: {here.sum()} of {len(here)} observations lie within their 5-95 %",
        end="",
    )
    shown = history.shown > 0
    if history.kind == "record" and shown.any():
        seen = np.diff(made.observed, prepend=0.0)[shown]
        largest = np.diff(made.data, axis=1, prepend=0.0)[:, shown].max(axis=1)
        print(
            f"; {(largest > seen.max()).mean():.0%} of them have a largest gain above the observed {seen.max():.2f} doublings",
            end="",
        )
    print()
    if len(later):
        below = (made.data[:, -1] < made.observed[-1]).mean()
        print(
            f"  predicted: {later.sum()} of {len(later)} later observations lie within their 5-95 %; the last, {made.observed[-1]:.2f}"
            f" doublings, among {np.median(made.data[:, -1]):.2f} ({low[-1]:.2f} to {high[-1]:.2f}), is higher than {below:.0%} of the predictions"
        )


def _verdict(
    past: xr.Dataset, draws: xr.Dataset, blind: xr.Dataset, proxies: list[str], identified: bool
) -> str:
    from ..histories.fit import log_width
    from ..histories.model import LOG_R_PRIOR

    width, without = np.exp(log_width(draws)), np.exp(log_width(blind))
    prior = np.exp(2 * Z90 * LOG_R_PRIOR[1])
    spans = f"the top of its 5-95 % interval is {width:.1f} times the bottom, {prior:.0f} before the data"
    counts = ", ".join(past.proxy.values.tolist())
    if not proxies and past.attrs["identified"]:
        return f"  r is not identified: {counts} did not grow, or was not observed, at two dates after the first; {spans}, all of it from outputs and priors"
    if not proxies:
        return f"  r is not identified: {counts} counts the outputs themselves and is no effort; {spans}, all of it from outputs and priors"
    if not identified:
        return f"  r is not identified: {spans}, and {without:.1f} without any effort"
    return f"  r is narrowed by effort: {spans}, and {without:.1f} without any effort"


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
