"""Draws for tests of growth, in the form that `simulate` reads."""

import numpy as np
import xarray as xr


def draws_of(r=1.2, parallel=0.3, left=np.inf, *, speedup=8.0, recent=4.0, **mechanisms):
    """Draws with one chain; arrays run along the draws."""
    columns = {
        "r_asara": r,
        "parallel": parallel,
        "pace_asara": np.multiply(speedup, recent),
        "recent_doublings_per_year": recent,
        "doublings_left": left,
        "software_share": 0.5,
        "conversion": 2.8,
        **mechanisms,
    }
    rows = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(values, dtype=float)) for values in columns.values())
    )
    return xr.Dataset(
        {name: (("chain", "draw"), row[None].copy()) for name, row in zip(columns, rows, strict=True)}
    )


def jones(*, lambda_, beta, labour_share_asara=1.0, automation=1.0, epsilon=0.0, **mechanisms):
    """Draws of dA/dt = A^(1 - beta) F^lambda, from its lambda and beta rather than p and r."""
    gain = labour_share_asara * automation + (1 - labour_share_asara) * epsilon
    parallel = lambda_ * gain
    mechanisms |= {"labour_share_asara": labour_share_asara, "automation": automation, "epsilon": epsilon}
    return draws_of(r=parallel / beta, parallel=parallel, **mechanisms)
