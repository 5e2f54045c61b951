"""The exceptions of the package. Bad input is a DataError: one line that says where, what was found and what was wanted.

A reader collects the refusals of a file in `Problems`, and raises the first with the others.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from typing import Any, Self, cast

__all__ = [
    "UNKNOWN",
    "DataError",
    "DoubleCounting",
    "NotConverged",
    "Problems",
    "RefitNeeded",
    "check_holds",
    "check_type",
    "in_one_line",
    "moved",
    "plain",
]

MOST_BYTES = 600
"""Bytes of the message of a DataError, in UTF-8 and after escaping."""

MOST_BYTES_OF_PART = 200
"""Bytes that a message repeats of a place and of what was found there; what was wanted has the rest."""


class DataError(ValueError):
    """Bad input, in one line: where, what was found, what was wanted.

    Parameters
    ----------
    where : str
        File, table, key, line or argument.
    found : object
        The value that was found there; shown as its repr and shortened to 200 bytes.
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
    others : tuple of DataError
        The further problems of the same file, which `sie check` prints too.

    Examples
    --------
    >>> sie.lognormal(3.0, 1.5)
    Traceback (most recent call last):
    sie.base.errors.DataError: prior q05: found 3, not below q95 1.5, want q05 < q95
    """

    def __init__(self, where: str, found: object, want: str) -> None:
        self.where, self.found, self.want = where, found, want
        self.others: tuple[DataError, ...] = ()
        place = _short(where, MOST_BYTES_OF_PART)
        shown = _short(_shown(found), MOST_BYTES_OF_PART) + _nearest(where, found, want)
        message = f"{place}: found {shown}, want "
        super().__init__(message + _short(want, MOST_BYTES - len(message.encode())))


UNKNOWN = "an unknown key"
"""`found` for an unknown key; the key itself is the last part of `where`."""

ALIKE = 0.75
"""Similarity (`difflib`) from which a name counts as a misspelling of another."""


def _nearest(where: str, found: object, want: str) -> str:
    """The accepted name that was probably meant, if one is spelt similarly."""
    listed = re.search(r"(?:one of|only) (?:the [^:,]*: |the domains )?(.+)", want)
    name = (
        re.split(r"[\s\[\]]+", where.strip("]"))[-1] if isinstance(found, str) and found == UNKNOWN else found
    )
    if listed is None or not isinstance(name, str) or isinstance(name, _Plain):
        return ""
    options = [option.strip(" '\"") for option in re.split(", | or ", listed[1])]
    if len(name) >= MOST_BYTES:
        return ""
    alike = [difflib.SequenceMatcher(None, option, name).ratio() for option in options]
    near = options[alike.index(max(alike))]
    return f" (did you mean {near}?)" if max(alike) >= ALIKE and near != name else ""


def moved(error: DataError, place: Callable[[str], str]) -> DataError:
    """The same problem and its others, each with `where` mapped by `place`."""
    new = DataError(place(error.where), error.found, error.want)
    new.others = tuple(moved(other, place) for other in error.others)
    return new


class Problems:
    """The refusals of one file, collected so that all of them are known: at the end of the block the first is raised.

    Examples
    --------
    >>> with Problems() as problems:
    ...     rows = [problems.attempt(read_row, cells) for cells in lines]
    """

    def __init__(self) -> None:
        self._found: list[DataError] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, error: DataError) -> None:
        """Remember a refusal and its others."""
        self._found += [error, *error.others]

    def refuse(self, where: str, found: object, want: str) -> None:
        """Remember a refusal."""
        self.add(DataError(where, found, want))

    def attempt[T](self, read: Callable[..., T], *args: Any) -> T:
        """The result of a call. If it raises DataError: None, which is not to be used, and the error is raised at the end of the block."""
        try:
            return read(*args)
        except DataError as error:
            self.add(error)
            return cast("T", None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None and not isinstance(error, DataError):
            return
        if error is not None:
            self.add(error)
        if self._found:
            first, *others = self._found
            first.others = tuple(others)
            raise first from None


def in_one_line(text: str) -> str:
    """The text in one line, with the escape sequence of whatever a terminal would obey or could not show."""
    shown = (letter if letter.isprintable() else _escaped(letter) for letter in " ".join(text.split()))
    return "".join(shown)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def _shown(found: object) -> str:
    if isinstance(found, _Plain):
        return found
    try:
        return repr(found)
    except (ValueError, RecursionError):  # a whole number of more digits than Python prints, a deep structure
        return f"a {type(found).__name__} that is too large to print"


def _short(text: str, most: int) -> str:
    """The text in one line of at most so many bytes."""
    shown = in_one_line(text[: 2 * most])
    content = shown.encode()
    if len(text) <= 2 * most and len(content) <= most:
        return shown
    return content[: most - 3].decode(errors="ignore") + "..."


class _Plain(str):
    """A finding that reads better without quotation marks (`nothing`, `3 rows`)."""


def plain(text: str) -> str:
    """Mark a finding that is a description rather than a value."""
    return _Plain(text)


def check_type(where: str, found: object, kind: type, want: str) -> None:
    """Refuse an argument of another type: `sie.build(view, rows)` with the two the wrong way round."""
    if not isinstance(found, kind):
        raise DataError(where, plain(f"a value of type {type(found).__name__}"), want)


def check_holds(where: str, found: Any, names: Iterable[str], want: str) -> None:
    """Refuse what is no dataset with these variables, such as a whole tree in place of one of its groups."""
    names = tuple(names)
    if not all(hasattr(found, part) for part in ("data_vars", "dims")):
        raise DataError(where, plain(f"a value of type {type(found).__name__}"), want)
    for name in names:
        if name not in found:
            raise DataError(where, plain(f"a {type(found).__name__} without {name}"), want)


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
    """Importance weights from the old prior to the new one are unreliable; fit the new view.

    Raised by `reweight` and by `Workbench.instant`; the message says why.
    """
