"""`sie grow` and `sie explain`: one trajectory for numbers given on the command line, as a table, a plot or in words.

Every mechanism of `mechanisms.MECHANISMS` and number of `mechanisms.OUTSIDE` is an option by its name. This turns options into a `trajectory.Trajectory`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated

import typer

from ..base.errors import DataError, plain
from ..data.families import LARGEST, SMALLEST
from ..growth.mechanisms import A_SHARE, ABOVE_0, MECHANISMS, OUTSIDE, RETRAINING, Mechanism
from ..growth.trajectory import Trajectory, ending, follow, idle, table

__all__ = ["explain", "grow"]

NUMBERS = {
    "r": Mechanism(
        off=1.2,
        allowed=lambda value: value != 0 and not math.isnan(value),
        want="a number other than 0",
        meaning="r at ASARA, labour's share already in it; negative: ideas get easier; inf: they get no harder",
    ),
    "ceiling": Mechanism(
        off=88.0,
        allowed=lambda value: value > 0,
        want="a number above 0, or inf for none",
        meaning="software left to gain at ASARA; inf: no ceiling",
        unit="labour doublings",
    ),
    "parallel": Mechanism(
        off=0.3,
        **ABOVE_0,
        meaning="p: doublings of the pace per doubling of software if ideas get no harder",
    ),
    "speedup": Mechanism(off=8.0, **ABOVE_0, meaning="pace at ASARA over the recent pace"),
    "recent_pace": Mechanism(off=4.0, **ABOVE_0, meaning="recent pace, labour doublings a year"),
    "software_share": Mechanism(
        off=0.5,
        **A_SHARE,
        meaning="share of recent AI progress that was software; a year of progress is recent pace / share",
    ),
    "years": Mechanism(off=5.0, **ABOVE_0, meaning="years after ASARA to show"),
    **MECHANISMS,
    **OUTSIDE,
}
"""Every number of a trajectory, one option each; `off` is its default."""

Retraining = Annotated[
    str,
    typer.Option(
        metavar="|".join(RETRAINING),
        help="Slowdown from training each AI generation: none, by our rule (slower), or as in the paper or its tool.",
    ),
]


def _option(name: str) -> Parameter:
    number = NUMBERS[name]
    unit = f" ({number.unit})" if number.unit != "1" else ""
    needs = f" Has an effect only with {number.needs.replace('_', '-')}." if number.needs else ""
    text = f"{number.meaning}{unit}.{needs}"
    kind = Annotated[float, typer.Option(metavar="X", help=text)]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=number.off, annotation=kind)


def _told_a_trajectory(command: Callable) -> Callable:
    """The command with its first two arguments replaced by an option for each number and for retraining."""
    own = list(signature(command, eval_str=True).parameters.values())[2:]

    @wraps(command)
    def run(**options):
        path = _follow({name: options.pop(name) for name in NUMBERS}, options.pop("retraining"))
        return command(*path, **options)

    retraining = Parameter("retraining", Parameter.KEYWORD_ONLY, default="none", annotation=Retraining)
    parameters = [*map(_option, NUMBERS), retraining]
    told = Signature([*parameters, *(each.replace(kind=Parameter.KEYWORD_ONLY) for each in own)])
    run.__signature__ = told  # pyright: ignore[reportAttributeAccessIssue]
    run.__annotations__ = {each.name: each.annotation for each in told.parameters.values()}
    return run


def _follow(numbers: dict[str, float], retraining: str) -> tuple[Trajectory, float]:
    """The trajectory and how many years of it to show; DataError names the option that is out of range."""
    for name, value in numbers.items():
        number = NUMBERS[name]
        if not number.allowed(value):
            raise DataError(_flag(name), value, number.want)
        if value != 0 and math.isfinite(value) and not SMALLEST <= abs(value) <= LARGEST:
            raise DataError(_flag(name), value, f"a size from {SMALLEST:g} to {LARGEST:g}")
    years = numbers.pop("years")
    try:
        return follow(**numbers, retraining=retraining), years
    except DataError as error:
        raise DataError(_flag(error.where), error.found, error.want) from None


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


@_told_a_trajectory
def grow(
    path: Trajectory,
    years: float,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot",
            metavar="FILE",
            help="Write a plot (.png, .svg or .pdf) here, replacing an older picture.",
        ),
    ] = None,
) -> None:
    """One trajectory after ASARA: doublings, years of progress, pace and r along the way."""
    from ..growth.explanation import outside
    from ..plots.style import FIGURE_FORMATS

    if plot is not None and (plot.is_dir() or not plot.parent.is_dir()):
        raise DataError(f"--plot {plot}", plain("no place for a file"), "a file in a folder that exists")
    if plot is not None and (plot.suffix[1:] not in FIGURE_FORMATS or (plot.exists() and not plot.is_file())):
        raise DataError(f"--plot {plot}", plot.name, "a regular file whose name ends in .png, .svg or .pdf")
    print(table(path, years))
    print("\n".join([ending(path), *outside(path)]))
    _print_idle(path, years)
    if plot is not None:
        from ..base.files import write_whole
        from ..plots.paths import plot_path
        from ..plots.style import save

        write_whole(plot, lambda target: save(plot_path(path.paths, years=years), target))
        print(f"{plot}: written")


@_told_a_trajectory
def explain(path: Trajectory, years: float) -> None:
    """Explain in words why a trajectory accelerates or slows down, and where r crosses 1."""
    from ..growth.explanation import explanation

    print("\n".join(explanation(path, years)))
    _print_idle(path, years)


def _print_idle(path: Trajectory, years: float) -> None:
    """Notes on options that have no effect here, so that nobody mistakes the output for their effect."""
    for name, needs in idle(path, years).items():
        print(
            f"{_flag(name)} changes nothing here: it acts with {needs.replace('_', '-')} (r and p are those at ASARA, with"
            " all that holds there)"
        )
