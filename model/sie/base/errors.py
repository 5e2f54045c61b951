"""The exceptions of the package. Bad input is a DataError: one line that says where, what was found and what was wanted."""

from __future__ import annotations

__all__ = ["DataError", "DoubleCounting", "NotConverged", "RefitNeeded", "in_one_line", "plain"]

MOST_LETTERS = 200
"""Letters that a message repeats of a place and of what was found there."""


class DataError(ValueError):
    """Bad input, in one line: where, what was found, what was wanted.

    Parameters
    ----------
    where : str
        File, table, key, line or argument.
    found : object
        The value that was found there; shown as its repr and shortened to 200 characters.
    want : str
        What would be accepted.

    Attributes
    ----------
    where : str
        File, table, key, line or argument.
    found : object
        The value as it was given, not shortened.
    want : str
        What would be accepted.

    Examples
    --------
    >>> sie.lognormal(3.0, 1.5)
    Traceback (most recent call last):
    sie.base.errors.DataError: prior q05: found 3, not below q95 1.5, want q05 < q95
    """

    def __init__(self, where: str, found: object, want: str) -> None:
        self.where, self.found, self.want = where, found, want
        found = found if isinstance(found, _Plain) else repr(found)
        super().__init__(in_one_line(f"{_short(where)}: found {_short(found)}, want {want}"))


def in_one_line(text: str) -> str:
    """The text in one line, with the escape sequence of whatever a terminal would obey or could not show."""
    shown = (letter if letter.isprintable() else _escaped(letter) for letter in " ".join(text.split()))
    return "".join(shown)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def _short(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 3]}..."


class _Plain(str):
    """A finding that reads better without quotation marks (`nothing`, `3 rows`)."""


def plain(text: str) -> str:
    """Mark a finding that is a description rather than a value."""
    return _Plain(text)


class DoubleCounting(ValueError):
    """Evidence would be used twice.

    Raised by `build` for two rows on the same output data, a domain at two levels, or a row that the view reflects; rows from
    `usable` have none of these.
    """


class NotConverged(RuntimeError):
    """The sampler failed its diagnostics twice; the message gives them.

    Raised by `fit` and by `Workbench.refit`.
    """


class RefitNeeded(RuntimeError):
    """Importance weights from the old prior to the new one are not to be trusted; fit the new view.

    Raised by `reweight` and by `Workbench.instant`; the message says why.
    """
