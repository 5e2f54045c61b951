"""Several views on one screen, a line each."""

from __future__ import annotations

from ..analysis.result import Result
from ..data.quantities import GIVEN
from ..data.wording import WORKED_OUT, authored_in_words, conclusion_in_words, hundredths
from .tables import new_table, rendered

__all__ = ["summary"]

SUMMED_UP = {"r_above_1": "r > 1", "years_3_in_1y": "3 years in 1"}
"""The events of `summary`, with their heads."""


def summary(results: list[Result], *, width: int = 110) -> str:
    """Several views on one screen: one line each, with the answers to the headline's two questions.

    Parameters
    ----------
    results : list of Result
        From `compute`.
    width : int, optional
        Characters per line.

    Returns
    -------
    str
        Probabilities in %, with the larger Monte Carlo error of both, from the priors and with evidence; what the author says; how to see more.
    """
    table = new_table(
        "view", "author's own", "r > 1", "+ evidence", "author says", "3 years in 1", "+ evidence"
    )
    for result in results:
        said = result.view.concludes.get("r_above_1")
        cells = [_two_in_words(result, event) for event in SUMMED_UP]
        table.add_row(
            result.view.name,
            authored_in_words(result.view),
            *cells[0],
            conclusion_in_words(said) if said is not None and not said.says else "-",
            *cells[1],
        )
    worst = max(
        float(table.mcse.sel(event=event))
        for result in results
        for table in result.credences.values()
        for event in SUMMED_UP
    )
    asked = "; ".join(f"{words}: {name}" for name, words in SUMMED_UP.items())
    note = (
        f"Probability in %, Monte Carlo error at most {100 * worst:.1f} points ({asked}). A dash: evidence cannot move the view, or the author "
        f"gives no number. {WORKED_OUT}."
    )
    return rendered([table, note], width)


def _two_in_words(result: Result, event: str) -> list[str]:
    tables = [result.credences.get(given) for given in GIVEN]
    return ["-" if table is None else hundredths(float(table.p.sel(event=event))) for table in tables]
