"""Credences under each part of a mixture: of one view that holds two specifications, what each of them alone would say.

A draw of a quantity x belongs to part k of its prior with the probability w_k(x) = weight_k p_k(x) / sum_j weight_j p_j(x), so that

    P(part k | given) = mean w_k,   P(event | part k, given) = mean(w_k event) / mean w_k

over the draws of either group: the parts share the draws, and no part is drawn again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ..data.priors import View
from ..data.wording import prior_in_words
from ..growth.credences import effective_sizes, indicators
from ..growth.events import EVENTS, Event

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["by_part"]


def by_part(
    view: View,
    draws: xr.Dataset,
    paths: xr.Dataset,
    *,
    events: Iterable[str | Event] | None = None,
) -> xr.Dataset:
    """Credences under each part of each quantity whose prior is a mixture.

    Parameters
    ----------
    view : View
        The view of the draws.
    draws : xr.Dataset
        Draws of `prior`, or a group `prior` or `posterior` of `fit`, dims (chain, draw).
    paths : xr.Dataset
        What `simulate` makes of them.
    events : iterable of str or Event, optional
        As in `credences` (default: all of `EVENTS`).

    Returns
    -------
    xr.Dataset
        Dims (part, event), no part where no prior is a mixture: `p` and `mcse`, the probability given the part and its Monte Carlo
        standard error; over `part`, `weight` (the probability of the part), `stated` (its weight in the prior), `quantity` and
        `prior` (the part in words).

    Raises
    ------
    DataError
        As in `credences`.

    Examples
    --------
    >>> view = sie.read_view("whitfill_wu_2025")
    >>> draws = sie.prior(view, draws=4000, seed=1)
    >>> table = sie.by_part(view, draws, sie.simulate(draws), events=["r_above_1"])
    """
    import xarray as xr

    chosen = list(EVENTS.values()) if events is None else list(events)
    happens = indicators(paths, chosen)
    found: dict[str, list] = {name: [] for name in ("quantity", "prior", "stated", "weight", "p", "mcse")}
    for name, entry in view.entries.items():
        if entry.prior.family != "mixture":
            continue
        x = draws[name].values
        with np.errstate(divide="ignore"):
            logs = [
                np.log(w) + part.logpdf(x)
                for w, part in zip(entry.prior.numbers, entry.prior.parts, strict=True)
            ]
        belongs = np.exp(np.array(logs) - np.logaddexp.reduce(logs, axis=0))
        for k, part in enumerate(entry.prior.parts):
            weight = float(belongs[k].mean())
            p = happens.values @ belongs[k].ravel() / belongs[k].sum()
            influence = belongs[k] * (happens.values.reshape(-1, *x.shape) - p[:, None, None]) / weight
            found["quantity"].append(name)
            found["prior"].append(prior_in_words(part))
            found["stated"].append(entry.prior.numbers[k])
            found["weight"].append(weight)
            found["p"].append(p)
            found["mcse"].append(np.sqrt(influence.var(axis=(1, 2)) / effective_sizes(influence)))
    over = (len(found["p"]), len(chosen))
    return xr.Dataset(
        {name: ("part", found[name]) for name in ("quantity", "prior", "stated", "weight")}
        | {name: (("part", "event"), np.reshape(found[name], over)) for name in ("p", "mcse")},
        coords={"event": happens.event},
    )
