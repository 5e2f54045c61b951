"""How the model that is calibrated differs from that of a report: raw histories left out, or lambda fixed.

Raw histories are read at every lambda and teach none (a cut, `histories.model`), so that a posterior with them is not that of one
joint model. It is calibrated without them, or at a fixed lambda.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...data.constructors import fixed
from ...data.priors import View

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Varied"]


@dataclass(frozen=True, kw_only=True)
class Varied:
    """What is left out of the model, or fixed, in the worlds and in what is fitted to them."""

    without_histories: bool = False
    """Whether raw histories are left out."""
    fixed_lambda: float | None = None
    """The value of lambda; None where it is uncertain, as the view has it."""

    def view(self, view: View) -> View:
        """The view with lambda fixed, where it is. Raises DataError for one that states no lambda, and for a value out of range."""
        return view if self.fixed_lambda is None else view.replace(**{"lambda": fixed(self.fixed_lambda)})

    def rows(self, rows: xr.Dataset) -> xr.Dataset:
        """The rows that count, of those that `usable` gives."""
        return rows.isel(estimate=rows.kind.values != "series") if self.without_histories else rows

    @property
    def words(self) -> str:
        """What follows the view's label: nothing, or a comma and what is different."""
        without = ", without raw histories" if self.without_histories else ""
        return without + (f", lambda {self.fixed_lambda:g}" if self.fixed_lambda is not None else "")
