"""The lines that `sie series` prints about a history and its r."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..base.stats import ENDS, INTERVAL, Z90

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["YEAR", "check", "interval", "line", "naive", "published", "switches", "verdict"]

YEAR = np.timedelta64(1, "D") * 365.25


def line(label: str, r: xr.DataArray) -> None:
    low, median, high = np.quantile(r.values, INTERVAL)
    print(f"  {label:58s} {low:7.2f} {median:7.2f} {high:7.2f}", flush=True)


def interval(values: xr.DataArray) -> str:
    low, median, high = np.quantile(values.values, INTERVAL)
    return f"{median:.2g} ({low:.2g} to {high:.2g})"


def switches(past: xr.Dataset, history, draws: xr.Dataset) -> None:
    """When each regime whose beginning nobody dated began, and how far r differs between regimes."""
    for i, (low, high) in enumerate(history.switches):
        if low < high:
            days = np.quantile(draws.switch_year.values[..., i], INTERVAL) * YEAR
            early, middle, late = (str(past.date.values[0] + day)[:7] for day in days)
            print(f"  {history.regimes[i + 1]} began {middle} ({early} to {late})")
    if len(history.regimes) > 1:
        print(f"  sd of log r over its regimes {interval(draws.regime_spread)}")


def naive(past: xr.Dataset, proxies: list[str]) -> None:
    from ..histories.arrays import ELO_PRIOR
    from ..histories.fit import naive_slope

    for proxy in proxies:
        slope, se = naive_slope(past, proxy, float(np.exp(ELO_PRIOR[0])))
        low, high = slope - Z90 * se, slope + Z90 * se
        print(f"  {f'naive slope on {proxy}, s.e. {se:.3f}':58s} {low:7.2f} {slope:7.2f} {high:7.2f}")


def published(rows: xr.Dataset, domain: str) -> None:
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


def check(made, history) -> None:
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


def verdict(
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
