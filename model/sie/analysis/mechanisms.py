"""One view's credences under each way in which compute may limit research, with all that follows from it at ASARA.

A mechanism says what sigma, experiment_gain, today's labour's share or the histories' frontier_share are. Kept are lambda and the jump J
in labour, which are not about compute; anew follow, with a dash for what the mechanism says,

    speedup' = J^(lambda a'),   a_A' and the pace at ASARA as in `returns.asara`,   e' = a_A' + (1 - a_A') epsilon',   p' = lambda e'
    r_asara' = r_asara F' / F,   F = e(0) / (q (1 + r_all experiment_gain (1 - a)))

F is the compute factor that the derived form has, with r_all against all inputs; q, the growth of physical inputs in the history that r
was measured in, over that of labour, is a + (1 - a) (1 - frontier_share) compute_over_labour. Where r is stated against all inputs q
does not enter. A view that states its compute factor, or r at ASARA, has it scaled so; of the latter r_all is r_asara / (conversion e(0)).
A mechanism may state the factor itself, which then takes the place of a stated one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..data.priors import Entry, View, draw
from ..data.weights import Mechanism, Weights
from ..returns.asara import MOST_LOG, SMALL, pace_over_recent, returns_to_input, share_at_asara

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["by_mechanism", "under", "under_at"]


def by_mechanism(view: View, weights: Weights, *, events: Sequence[str], draws: int, seed: int) -> xr.Dataset:
    """Credences from a view's priors under each mechanism, and their mean under the weights.

    The same random numbers serve every mechanism.

    Parameters
    ----------
    view : View
        The view.
    weights : Weights
        From `read_weights`.
    events : sequence of str
        Names in `EVENTS`.
    draws : int
        Draws under each mechanism, a multiple of 4.
    seed : int
        From 0 to 2**63 - 1.

    Returns
    -------
    xr.Dataset
        `p` and `mcse` (mechanism, event); `weight` (mechanism), sum 1; `p_mean` and `mcse_mean` (event) by the law of total
        probability. The error of the mean is at most the weighted mean of the errors, which the mechanisms have in common.

    Raises
    ------
    DataError
        For an unknown event, a seed or a number of draws that is none.
    """
    import xarray as xr

    from ..growth.credences import credences
    from ..growth.paths import simulate

    tables = [
        credences(
            simulate(under(view, mechanism, weights.history, draws=draws, seed=seed)), events=list(events)
        )
        for mechanism in weights.mechanisms.values()
    ]
    share = weights.of_mechanisms()
    p, mcse = (np.stack([table[name].values for table in tables]) for name in ("p", "mcse"))
    return xr.Dataset(
        {
            "p": (("mechanism", "event"), p),
            "mcse": (("mechanism", "event"), mcse),
            "weight": ("mechanism", share),
            "p_mean": ("event", share @ p),
            "mcse_mean": ("event", share @ mcse),
        },
        coords={"mechanism": list(weights.mechanisms), "event": list(events)},
    )


def under(
    view: View, mechanism: Mechanism, history: Mapping[str, Entry], *, draws: int, seed: int
) -> xr.Dataset:
    """Prior draws of a view with what a mechanism makes of them: what `simulate` takes, dims (chain, draw).

    `history` has the priors of `compute_over_labour` and `frontier_share`, for views that state neither. At the view's own values the
    draws are the view's.
    """
    from ..inference.prior_draws import prior

    return under_at(prior(view, draws=draws, seed=seed), view, mechanism, history, seed=seed)


def under_at(
    own: xr.Dataset, view: View, mechanism: Mechanism, history: Mapping[str, Entry], *, seed: int
) -> xr.Dataset:
    """`under` at any draws of the view, given evidence too: what the mechanism says is drawn from its priors beside them."""
    from ..inference.prior_draws import prior

    draws = own.r_asara.size
    said = {name: entry.prior for name, entry in mechanism.entries.items()}
    replaced = {name: said[name] for name in said if name in view and name in _MOVED}
    drawn = own
    if replaced:
        beside = prior(view.replace(**replaced), draws=draws, seed=seed)
        drawn = own.assign(
            {name: own[name].copy(data=beside[name].values.reshape(own[name].shape)) for name in replaced}
        )

    def histories(name: str, entries: Mapping[str, Entry]) -> xr.DataArray:
        values = draw(entries, [name], size=draws, seed=seed)[name]
        return own.r_asara.copy(data=values.reshape(own.r_asara.shape))

    lambda_, log_jump = own["lambda"], _log_jump(own, view)
    a, sigma, gain = (drawn[name] for name in _MOVED)
    epsilon, conversion = gain / own.conversion, own.conversion
    speedup = np.exp(np.minimum(lambda_ * a * log_jump, MOST_LOG / 2))
    jump = {"labour_share": a, "sigma": sigma, "speedup": speedup, "reached": False}
    share = share_at_asara(np, 1 / lambda_, **jump)
    returns, before = returns_to_input(share, epsilon), own.parallel / lambda_

    if view.derives_compute_bottleneck:
        r_all, grew, grew_before = own.r_target, 1.0, 1.0
    else:
        larger = own.frontier_share if "frontier_share" in view else histories("frontier_share", history)
        now = histories("frontier_share", mechanism.entries) if "frontier_share" in said else larger
        over = histories("compute_over_labour", history)
        grew, grew_before = (
            share_ + (1 - share_) * (1 - phi) * over for share_, phi in ((a, now), (own.labour_share, larger))
        )
        r_all = own.r_asara / (conversion * before) if view.states_r_asara else own.r_target / grew_before
    factor = returns / (grew * (1 + r_all * gain * (1 - a)))
    factor_before = before / (grew_before * (1 + r_all * own.experiment_gain * (1 - own.labour_share)))
    ratio = factor / factor_before
    if "compute_bottleneck" in said and "compute_bottleneck" in view:
        ratio = histories("compute_bottleneck", mechanism.entries) / own.compute_bottleneck
    moved = {
        "labour_share": a,
        "sigma": sigma,
        "experiment_gain": gain,
        "speedup": speedup,
        "epsilon": epsilon,
        "labour_share_asara": share,
        "pace_asara": own.recent_doublings_per_year * pace_over_recent(np, 1 / lambda_, **jump),
        "parallel": lambda_ * returns,
        "r_asara": own.r_asara * ratio,
    }
    if "compute_bottleneck" in own:
        moved["compute_bottleneck"] = own.compute_bottleneck * ratio
    return own.assign({name: value.assign_attrs(own[name].attrs) for name, value in moved.items()})


_MOVED = ("labour_share", "sigma", "experiment_gain")


def _log_jump(draws: xr.Dataset, view: View) -> xr.DataArray:
    """The log of J, by how many times research labour grows at ASARA."""
    a, log_speedup = draws.labour_share, np.log(draws.speedup)
    if not view["speedup"].reached:
        return log_speedup / (draws["lambda"] * a)
    kappa = 1 - 1 / draws.sigma
    inner = (np.exp(kappa * log_speedup / draws["lambda"]) - (1 - a)) / a
    away = abs(kappa) > SMALL
    return (np.log(np.maximum(inner, np.finfo(float).tiny)) / kappa.where(away, 1.0)).where(
        away, log_speedup / (draws["lambda"] * a)
    )
