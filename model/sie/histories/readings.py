"""What one raw history says of r, read in several ways: by regime, by one count of effort, at one lambda, with another Elo scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from .arrays import ELO_PRIOR, as_history, efforts
from .fit import DRAWS, fit_series, r_at_lambda
from .model import LOG_LAMBDA_RANGE

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["AT_LAMBDA", "BLIND", "LAMBDAS", "MAIN", "WIDE", "readings"]

LAMBDAS = (0.35, 0.6, 1.0)
"""r is shown given these: a view's lambda decides what a series says of r."""

ELO_PER_DOUBLING = (60.0, 78.0, 100.0)
"""r is shown given these: measured values lie between 59 and 110, falling with strength and thinking time."""

NEAR = 0.01
"""Width in logs of the range that stands for one lambda or one Elo per doubling."""

FEWER = 6000
"""Draws where one quantity that mixes slowly is fixed."""

MAIN = "all effort"
WIDE = f"all effort, lambda up to {np.exp(LOG_LAMBDA_RANGE[1]):.2g}"
BLIND = "without any effort, from outputs and priors"
AT_LAMBDA = {f"all effort, lambda {value:g}": value for value in LAMBDAS}


def readings(
    series: xr.Dataset,
    *,
    most_lambda: float,
    until: float,
    seed: int,
    on_progress: Callable[[str], object],
    likelihood: xr.DataArray | None = None,
) -> Iterator[tuple[str, xr.Dataset]]:
    """Each reading's name and draws (`fit_series`), MAIN first; regimes of it are `r_of`.

    lambda is log-uniform up to `most_lambda` where the name does not say otherwise, and outputs later than `until` (years since the
    first observation) are not fitted. r at one lambda is that of the `likelihood`, where there is one. `on_progress` hears the name of each before it is fitted.
    """
    limits, proxies = (LOG_LAMBDA_RANGE[0], float(np.log(most_lambda))), efforts(series)
    name = series.attrs["id"]

    def fitted(label: str, *, lambdas=limits, draws: int = DRAWS, **options) -> tuple[str, xr.Dataset]:
        on_progress(f"{name}: {label}")
        history = as_history(series, until=until, **options)
        return label, fit_series(history, seed=seed, draws=draws, log_lambda_range=lambdas)

    def near(value: float) -> tuple[float, float]:
        return (float(np.log(value)) - NEAR / 2, float(np.log(value)) + NEAR / 2)

    main = as_history(series, until=until)
    yield fitted(MAIN)
    if proxies:
        for proxy in proxies if len(proxies) > 1 else ():
            yield fitted(f"{proxy} alone", proxies=(proxy,))
        yield fitted(BLIND, proxies=())
    if len(main.regimes) > 1:
        yield fitted("all effort, one r for all regimes", one_r=True)
    yield fitted(WIDE, lambdas=LOG_LAMBDA_RANGE)
    for label, value in AT_LAMBDA.items():
        if likelihood is not None:
            yield label, r_at_lambda(likelihood, value)
        else:
            yield fitted(label, lambdas=near(value), draws=FEWER)
    if main.elo_prior[1]:
        for value in ELO_PER_DOUBLING:
            label = f"all effort, {value:g} Elo per doubling (else {np.exp(ELO_PRIOR[0]):.0f} ± {ELO_PRIOR[1]:.0%})"
            yield fitted(label, elo_prior=(float(np.log(value)), NEAR / 2), draws=FEWER)
