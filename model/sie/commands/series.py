"""`sie series`: what each raw history says of r, beside simpler readings of the same data; figures and stored likelihoods."""

from __future__ import annotations

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

LAMBDAS = (0.35, 0.6, 1.0)
"""r is shown given these: a view's lambda decides what a series says of r."""

NEAR = 0.01
"""Width in logs of the range that stands for one lambda."""


def series(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID ...]", help="Rows of series.csv (default: all).")
    ] = None,
    seed: Seed = 1,
    most_lambda: Annotated[
        float,
        typer.Option(
            metavar="X", help="Upper end of the log-uniform prior of lambda, above 0.1 and at most 4."
        ),
    ] = 1.0,
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
    for name in ids or ():
        if name not in known:
            raise DataError("series", name, "one of " + ", ".join(known))
    check_seed("--seed", seed)
    if not 0.1 < most_lambda <= 4:
        raise DataError("--most-lambda", most_lambda, "a number above 0.1, at most 4")
    refuse_unwritable("--out", out, folder=True)
    if rebuild and out is not None:
        raise DataError("--out", plain("--rebuild too"), "one of the two")
    histories = {name: read_series(name, evidence) for name in ids or known}
    with progress() as on_progress:
        for name, past in histories.items():
            on_progress(name)
            if rebuild:
                file = rows.file.sel(estimate=name).item()
                print(_rebuild(past, file, seed, evidence), flush=True)
            else:
                _show(past, rows, seed, float(np.log(most_lambda)), out, on_progress)


def _rebuild(past: xr.Dataset, file: str, seed: int, evidence: Path | None) -> str:
    from ..histories.arrays import efforts
    from ..histories.fit import likelihood_of
    from ..returns.likelihoods import write_likelihood

    name = past.attrs["id"]
    if not efforts(past):
        return f"{name}: no likelihood, since no effort was observed"
    table = likelihood_of(past, seed=seed)
    return f"{write_likelihood(name, table, [f'series/{file}'], evidence)}: written"


def _show(past: xr.Dataset, rows: xr.Dataset, seed: int, most: float, out: Path | None, on_progress) -> None:
    from ..histories.arrays import as_history, efforts, ends
    from ..histories.fit import fit_series, is_identified, replicate
    from ..histories.model import LOG_LAMBDA_RANGE

    limits = (LOG_LAMBDA_RANGE[0], most)
    proxies, name = efforts(past), past.attrs["id"]
    kinds = sorted(set(past.kind.values.tolist()))
    first, last = (str(date)[:10] for date in past.date.values[[0, -1]])
    print(
        f"{name} ({past.attrs['domain']}): {past.sizes['observation']} {' and '.join(kinds)}s, {first} to {last}"
    )
    print(f"  {'r: software doublings per doubling of effort':58s}     5 %    50 %    95 %")
    main = as_history(past)
    draws = fit_series(main, seed=seed, log_lambda_range=limits)
    _line(f"all effort, anchor {proxies[0]}" if proxies else "no effort observed", draws)
    blind = (
        draws if not proxies else fit_series(as_history(past, proxies=()), seed=seed, log_lambda_range=limits)
    )
    if proxies:
        for proxy in proxies if len(proxies) > 1 else ():
            on_progress(f"{name}: {proxy}")
            _line(
                f"{proxy} alone",
                fit_series(as_history(past, proxies=(proxy,)), seed=seed, log_lambda_range=limits),
            )
        _line("without any effort, from outputs and priors", blind)
    if len(set(past.regime.values.tolist())) > 1:
        smooth = as_history(past, jumps=False)
        _line("all effort, no jump allowed", fit_series(smooth, seed=seed, log_lambda_range=limits))
    wide = fit_series(main, seed=seed)
    _line(f"all effort, lambda up to {np.exp(LOG_LAMBDA_RANGE[1]):.2g}", wide)
    for value in LAMBDAS:
        on_progress(f"{name}: lambda {value:g}")
        near = tuple(np.log(value) + np.array([-NEAR, NEAR]) / 2)
        _line(f"all effort, lambda {value:g}", fit_series(main, seed=seed, log_lambda_range=near))
    if proxies:
        on_progress(f"{name}: independent errors")
        alike = as_history(past, independent_errors=True)
        _line("all effort, independent errors", fit_series(alike, seed=seed, log_lambda_range=limits))
        _naive(past, proxies)
    _published(rows, past.attrs["domain"])
    made = replicate(draws, main, seed=seed)
    _check(made, main, len(ends(past)) - 1)
    identified = is_identified(draws, blind) if proxies else False
    print(_verdict(past, draws, blind, proxies, identified))
    print(
        f"  lambda {_interval(draws['lambda'])}, and {_interval(wide['lambda'])} where it may be up to"
        f" {np.exp(LOG_LAMBDA_RANGE[1]):.2g}: a view takes r given its own lambda and does not learn lambda here"
    )
    print(f"  prior effort over the history's own {_interval(draws.prior_effort)}")
    print(
        f"  {diagnostics_in_words(draws.attrs)}",
        flush=True,
    )
    if out is not None:
        _figures(past, draws, main, made, identified, out)


def _line(label: str, draws: xr.Dataset) -> None:
    low, median, high = np.quantile(draws.r.values, INTERVAL)
    print(f"  {label:58s} {low:7.2f} {median:7.2f} {high:7.2f}", flush=True)


def _interval(values: xr.DataArray) -> str:
    low, median, high = np.quantile(values.values, INTERVAL)
    return f"{median:.2g} ({low:.2g} to {high:.2g})"


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


def _check(made, past, pieces: int) -> None:
    """Posterior predictive checks: how many observations lie within, and the largest single gain."""
    low, high = np.quantile(made.data, ENDS, axis=0)
    inside = int(((made.observed >= low) & (made.observed <= high)).sum())
    print(
        f"  replicated histories: {inside} of {len(made.observed)} observations lie within their 5-95 %",
        end="",
    )
    if past.kind == "record":
        seen = np.diff(made.observed, prepend=0.0)[past.shown > 0]
        largest = np.diff(made.data, axis=1, prepend=0.0)[:, past.shown > 0].max(axis=1)
        print(
            f"; the largest of {pieces} gains, {seen.max():.2f} doublings, is exceeded in {(largest > seen.max()).mean():.0%}",
            end="",
        )
    print()


def _verdict(
    past: xr.Dataset, draws: xr.Dataset, blind: xr.Dataset, proxies: list[str], identified: bool
) -> str:
    from ..histories.fit import log_width
    from ..histories.model import LOG_R_PRIOR

    width, without = np.exp(log_width(draws)), np.exp(log_width(blind))
    prior = np.exp(2 * Z90 * LOG_R_PRIOR[1])
    spans = f"its 5-95 % interval spans a factor {width:.1f}, prior {prior:.0f}"
    if not proxies:
        counts = ", ".join(past.proxy.values.tolist())
        return f"  r is not identified: {counts} counts the outputs themselves and is no effort; {spans}, all of it from outputs and priors"
    if not identified:
        return f"  r is not identified: {spans}, and {without:.1f} without any effort"
    return f"  r is identified: {spans}, and {without:.1f} without any effort"


def _figures(past: xr.Dataset, draws: xr.Dataset, main, made, identified: bool, out: Path) -> None:
    from ..base.files import write_whole
    from ..plots.histories import plot_replicates, plot_series
    from ..plots.style import save

    out.mkdir(parents=True, exist_ok=True)
    domain, name = past.attrs["domain"], past.attrs["id"]
    q = np.quantile(draws.r.values, INTERVAL)
    title = f"{domain}: r = {q[1]:.2f} ({q[0]:.2f} to {q[2]:.2f}, 5–95 %)"
    if not identified:
        title = f"{domain}: r is not identified ({q[0]:.2f} to {q[2]:.2f}, 5–95 %)"
    figures = {
        f"series_{name}.png": plot_series(draws, main, made, title=title),
        f"series_{name}_predictive.png": plot_replicates(main, made, title=f"{domain}: replicated histories"),
    }
    for file, ax in figures.items():
        write_whole(out / file, lambda target, ax=ax: save(ax, target))
        print(f"  {out / file}: written")
