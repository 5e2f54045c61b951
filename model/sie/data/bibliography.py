"""Where every number comes from: the bibliography and the check of a quote against its number and its text.

A figure has a `basis`: `stated` (a quote prints it), `transcribed` (read second-hand, `via` says where), `derived`
(arithmetic in `note`), `ours` (judgement in `note`) or `calibrated` (ours, set so that the whole comes out as the author says).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import DataError, plain
from ..base.reading import data_folder, read_toml

__all__ = [
    "BASES",
    "Source",
    "check_provenance",
    "find_quote",
    "printed_numbers",
    "read_sources",
]

BASES = ("stated", "transcribed", "derived", "ours", "calibrated")

QUOTE_WORDS = 40
"""A quote has fewer words than this, so that it stays a quotation and not a reproduction."""

PRINTED_TOLERANCE = 2e-3
"""Relative rounding allowed between a number and a printed fraction (1/3 against 0.333); digits must agree exactly."""

_WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
_PARTS = {"half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4}
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:e[+-]?\d+)?|\.\d+)"


@dataclass(frozen=True, kw_only=True)
class Source:
    """One work. `text` names the file that holds its plain text where we have one; it is never shipped."""

    key: str
    authors: str
    title: str
    year: int
    url: str
    licence: str
    text: str | None = None


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
        If a key is missing, unknown or of the wrong type.
    """
    path = Path(path) if path is not None else data_folder("evidence")
    if path.name != "sources.toml":
        path = path / "sources.toml"
    required = {"authors": str, "title": str, "year": int, "url": str, "licence": str}
    optional = {"text": str}
    sources = {}
    for key, table in read_toml(path).items():
        where = f"{path.name} [{key}]"
        if not isinstance(table, dict):
            raise DataError(where, table, "a table")
        for name, kind in required.items():
            if name not in table:
                raise DataError(f"{where} {name}", plain("nothing"), "a value (the key is required)")
            if not isinstance(table[name], kind) or isinstance(table[name], bool):
                raise DataError(f"{where} {name}", table[name], kind.__name__)
        for name in table:
            if name not in required and name not in optional:
                raise DataError(
                    f"{where} {name}", plain("an unknown key"), "one of " + ", ".join([*required, *optional])
                )
        text = table.get("text")
        if text is not None and (not isinstance(text, str) or Path(text).name != text):
            raise DataError(f"{where} text", text, "a file name without a folder")
        sources[key] = Source(key=key, **table)
    return sources


def fold(text: str) -> str:
    """Text with typography removed: NFKC, plain quotes and dashes, single spaces, no hyphens (they break at line ends)."""
    text = unicodedata.normalize("NFKC", text)
    text = re.sub("[\u2018\u2019\u201a\u201b\u2032]", "'", text)
    text = re.sub("[\u201c\u201d\u201e\u2033]", '"', text)
    text = text.replace("\u2044", "/").replace("\u00ad", "")
    text = re.sub("[\u2010-\u2015\u2212]", "-", text)
    text = re.sub(r"-\s+", "-", text)
    return re.sub(r"\s+", " ", re.sub(r"(?<!\d)-|-(?!\d)", "", text)).strip()


def printed_numbers(quote: str) -> tuple[set[float], set[float]]:
    """The numbers that a quote prints: (exact ones, ones from fractions that a figure may round).

    Digits, percentages (50% = 0.5), fractions (9/16, two thirds), integers in words up to twelve, and numbers
    scaled by k, M or OOM (3 OOMs = 3 and 1000).
    """
    text = unicodedata.normalize("NFKC", quote).replace("\u2044", "/").lower()
    exact: set[float] = set()
    fractions: set[float] = set()
    for match in re.finditer(rf"({_NUMBER})\s*(%|per ?cent\b|k\b|m\b|ooms?\b|orders? of magnitude)?", text):
        value = float(match[1].replace(",", ""))
        exact.add(value)
        scale = match[2] or ""
        if scale == "%" or scale.endswith("cent"):
            exact.add(round(value / 100, 12))
        elif scale == "k":
            exact.add(value * 1e3)
        elif scale == "m":
            exact.add(value * 1e6)
        elif scale and value < 300:
            exact.add(10.0**value)
    for top, bottom in re.findall(rf"({_NUMBER})\s*/\s*({_NUMBER})", text):
        if float(bottom.replace(",", "")):
            fractions.add(float(top.replace(",", "")) / float(bottom.replace(",", "")))
    for number, word in enumerate(_WORDS):
        if re.search(rf"\b{word}\b", text):
            exact.add(float(number))
        for part, bottom in _PARTS.items():
            if re.search(rf"\b{word}[\s-]{part}\b", text):
                fractions.add(number / bottom)
    if re.search(r"\bhalf\b", text):
        exact.add(0.5)
    if re.search(r"\ba (third|quarter)\b", text):
        fractions.update(1 / _PARTS[part] for part in re.findall(r"\ba (third|quarter)\b", text))
    return exact, fractions


def is_printed(number: float, quote: str) -> bool:
    """Whether a quote prints this number (signs aside: prose writes falls and minus signs in words)."""
    exact, fractions = printed_numbers(quote)
    number = abs(number)
    return any(math.isclose(number, value, rel_tol=1e-9) for value in exact) or any(
        math.isclose(number, value, rel_tol=PRINTED_TOLERANCE) for value in fractions
    )


def find_quote(quote: str, text: str) -> bool:
    """Whether the quote stands in the text: its parts, joined by ' ... ', in order."""
    folded, start = fold(text), 0
    for part in quote.split(" ... "):
        wanted = fold(part)
        before = r"(?<!\w)(?<!\d[.,-])" if wanted[:1].isalnum() else ""
        after = r"(?!\w)(?![.,-]\d)" if wanted[-1:].isalnum() else ""
        found = re.compile(before + re.escape(wanted) + after).search(folded, start) if wanted else None
        if found is None:
            return False
        start = found.end()
    return True


def check_provenance(
    where: str, record: Mapping[str, str | None], numbers: Iterable[float], sources: Mapping[str, Source]
) -> None:
    """Refuse a figure whose origin is not what its `basis` promises.

    `record` has basis, source, via, locator, quote and note (None or "" where not given); `numbers` are those that a
    `stated` quote must print.
    """
    has = {
        key: bool((record.get(key) or "").strip()) for key in ("source", "via", "locator", "quote", "note")
    }
    basis = record.get("basis")
    if basis not in BASES:
        raise DataError(f"{where} basis", basis, "one of " + ", ".join(BASES))
    if not has["source"]:
        raise DataError(f"{where} source", plain("nothing"), "a key of sources.toml")
    if record["source"] not in sources:
        raise DataError(f"{where} source", record["source"], "a key of sources.toml")
    if not has["locator"]:
        raise DataError(f"{where} locator", plain("nothing"), "the place in the source")
    if basis == "stated" and not has["quote"]:
        raise DataError(
            f"{where} quote", plain("nothing"), "a quote that prints the number (basis is stated)"
        )
    if basis == "transcribed" and not has["via"]:
        raise DataError(
            f"{where} via", plain("nothing"), "the public place where it was read (basis is transcribed)"
        )
    if basis == "transcribed" and has["quote"]:
        raise DataError(
            f"{where} quote", plain("a quote"), "no quote (basis is transcribed: we do not hold the work)"
        )
    if basis in ("derived", "ours", "calibrated") and not has["note"]:
        raise DataError(f"{where} note", plain("nothing"), f"a note that says why or how (basis is {basis})")
    if not has["quote"]:
        return
    quote = str(record["quote"])
    words = [word for word in quote.split() if word != "..."]
    if len(words) >= QUOTE_WORDS:
        raise DataError(f"{where} quote", plain(f"{len(words)} words"), f"fewer than {QUOTE_WORDS}")
    if sources[str(record["source"])].text is None:
        raise DataError(
            f"{where} quote", plain("a quote"), f"a source whose text we hold ({record['source']} names none)"
        )
    if basis == "stated":
        for number in numbers:
            if not is_printed(number, quote):
                raise DataError(
                    f"{where} quote", plain(f"no {number:g} in it"), "a quote that prints every stated number"
                )
