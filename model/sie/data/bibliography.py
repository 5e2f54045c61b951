"""Where every number comes from: the bibliography and the check of a quote against its number and its text.

A figure has a `basis`: `stated` (a quote prints it), `transcribed` (read second-hand, `via` says where), `derived`
(arithmetic in `note`), `ours` (judgement in `note`) or `calibrated` (ours, set so that the whole comes out as the author says).
A quantity of a view may be `reference`: its author says nothing of it, and it is as in the reference view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..base.errors import DataError, Problems, plain
from ..base.reading import data_folder, read_toml
from .quotes import is_printed
from .schema import WORDS, Field, Rule, checked, meant, optional, whole, words

__all__ = [
    "ORIGIN",
    "OURS",
    "PROVENANCE",
    "REFERENCE",
    "SOURCE_KEY",
    "WORK",
    "Source",
    "Stated",
    "check_provenance",
    "origin",
    "read_sources",
]

PROVENANCE = ("basis", "locator", "quote", "note", "source", "via")
"""What says where numbers come from: columns of a data table, keys of a table of a view (`check_provenance`)."""

_NEEDS = {
    "stated": ("quote", "a quote that prints the number"),
    "transcribed": ("via", "the public place where it was read"),
    **dict.fromkeys(("derived", "ours", "calibrated"), ("note", "a note that says why or how")),
}
"""The bases of a number, and what each needs."""

ORIGIN = {
    key: meant(WORDS, meaning)
    for key, meaning in {
        "basis": f"where the numbers come from: one of {', '.join(_NEEDS)}; of a view also reference",
        "locator": "place in the source",
        "quote": "words of the source that print the numbers, fewer than 40, letter for letter (needed if stated)",
        "note": "arithmetic, or reason (needed if derived, ours or calibrated)",
        "source": "work that the numbers are from, a key of sources.toml; of a table of a view: default, the view's source",
        "via": "public place where the work's numbers were read, if not in the work (needed if transcribed)",
    }.items()
}
"""The fields of `PROVENANCE`; which of them are needed depends on the basis."""

SOURCE_KEY = "a key of sources.toml (of your own: --evidence DIR)"

REFERENCE = "reference"
"""The basis of a quantity on which the author is silent: its prior is exactly the reference view's."""

OURS = "ours"
"""The basis of a number that is our judgement."""

_NO_QUOTE = {"transcribed": "we do not hold the work", REFERENCE: "the author says nothing of it"}
"""The bases of a number that no quote can print."""

QUOTE_WORDS, QUOTE_LETTERS = 40, 2000
"""A quote has fewer than this many words and at most this many characters, so that it remains a short quotation."""


@dataclass(frozen=True, kw_only=True)
class Stated:
    """Something with the words of `PROVENANCE`: where it comes from. `source` None means that of the view it stands in."""

    basis: str
    locator: str
    quote: str | None = None
    note: str | None = None
    source: str | None = None
    via: str | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """One work. `text` names the file that holds its plain text where we have one; it is never shipped.

    `url` is "" where we know no address, and `no_url` then says why.
    """

    key: str
    authors: str
    title: str
    year: int
    url: str
    licence: str
    no_url: str | None = None
    text: str | None = None


SHORTENERS = frozenset(
    (
        "bit.ly",
        "buff.ly",
        "cutt.ly",
        "goo.gl",
        "is.gd",
        "lnkd.in",
        "ow.ly",
        "rb.gy",
        "t.co",
        "t.ly",
        "tiny.cc",
        "tinyurl.com",
    )
)
"""Link shorteners: their addresses hide the target and stop working when the service ends."""


def _address(text: object) -> str | None:
    """A web address that is not a shortened link."""
    if not isinstance(text, str):
        return None
    parts = urlsplit(text)
    host = (parts.hostname or "").removeprefix("www.")
    return text if parts.scheme in ("http", "https") and "." in host and host not in SHORTENERS else None


def _check_address(where: str, work: Mapping[str, Any]) -> None:
    if bool(work["url"]) == bool(work["no_url"]):
        found = "both" if work["url"] else "neither"
        raise DataError(f"{where} url", plain(found), "a url, or no_url with the reason why there is none")


WORK = {
    "authors": meant(words(), "authors of the work"),
    "title": meant(words(), "title of the work"),
    "year": meant(whole(want="a year as a whole number"), "year in which it appeared"),
    "url": meant(
        optional(Field(_address, "an http(s) address, and none of a link shortener"), ""),
        "address of the work",
    ),
    "no_url": meant(
        optional(words("the reason why there is no address")), "why there is no address (needed without url)"
    ),
    "licence": meant(words(), "terms of the work"),
    "text": meant(
        optional(
            Field(lambda text: text if Path(text).name == text else None, "a file name without a folder")
        ),
        "file with its plain text, in which sie check --sources DIR looks for the quotes",
    ),
}
"""What a table of sources.toml may hold."""


def read_sources(path: Path | str | None = None) -> Mapping[str, Source]:
    """The bibliography: every work that a view, an evidence row or a figure may cite, by key.

    Parameters
    ----------
    path : Path or str, optional
        A file named `sources.toml`, or an evidence folder that holds one (default: the bundled one).

    Returns
    -------
    mapping of str to Source
        Authors, title, year, url and licence of each work.

    Raises
    ------
    DataError
        If a key is missing, unknown or of the wrong type, or an address is a link shortener's.
    """
    path = Path(path) if path is not None else data_folder("evidence")
    if path.name != "sources.toml":
        path = path / "sources.toml"
    with Problems() as problems:
        works = {
            key: problems.attempt(checked, f"{path.name} [{key}]", table, WORK, (_check_address,))
            for key, table in read_toml(path).items()
        }
    return {key: Source(key=key, **work) for key, work in works.items()}


def origin(
    sources: Mapping[str, Source] | None, numbers: Callable[[Mapping[str, Any]], Iterable[float]]
) -> Rule:
    """The rule that a row's provenance is what its basis promises; `numbers` are those that a `stated` quote must print."""
    return lambda where, values: check_provenance(where, values, numbers(values), sources)


def check_provenance(
    where: str,
    record: Mapping[str, Any],
    numbers: Iterable[float],
    sources: Mapping[str, Source] | None,
    *,
    may_borrow: bool = False,
) -> None:
    """Refuse a figure whose origin is not what its `basis` promises.

    `record` has basis, source, via, locator, quote and note (None or "" where not given); `numbers` are those that a `stated`
    quote must print. Without `sources` the keys of works are not looked up. `may_borrow` allows the basis `reference`.
    """
    given = {key: (record.get(key) or "").strip() for key in PROVENANCE}
    with Problems() as problems:

        def refuse(key: str, found: object, want: str) -> None:
            problems.refuse(f"{where} {key}", found if found else plain("nothing"), want)

        basis, quote, work = given["basis"], given["quote"], given["source"]
        bases = (*_NEEDS, REFERENCE) if may_borrow else _NEEDS
        if basis not in bases:
            refuse("basis", record.get("basis"), "one of " + ", ".join(bases))
        if not work or (sources is not None and work not in sources):
            refuse("source", record.get("source"), SOURCE_KEY)
        if not given["locator"]:
            refuse("locator", None, "the place in the source")
        key, want = _NEEDS.get(basis, ("", ""))
        if key and not given[key]:
            refuse(key, None, f"{want} (basis is {basis})")
        if quote and (why := _NO_QUOTE.get(basis)):
            refuse("quote", plain("a quote"), f"no quote (basis is {basis}: {why})")
        if not quote or basis in _NO_QUOTE:
            return
        size = sum(word != "..." for word in quote.split())
        if size >= QUOTE_WORDS or len(quote) > QUOTE_LETTERS:
            found = f"{size} words" if size >= QUOTE_WORDS else f"{len(quote)} letters"
            refuse(
                "quote", plain(found), f"fewer than {QUOTE_WORDS} words, of at most {QUOTE_LETTERS} letters"
            )
            return
        if sources is not None and work in sources and sources[work].text is None:
            refuse("quote", plain("a quote"), f"a source whose text we hold ({work} names none)")
        for number in numbers if basis == "stated" else ():
            if not is_printed(number, quote):
                refuse("quote", plain(f"no {number:g} in it"), "a quote that prints every stated number")
