"""What a quote prints, and where it stands in a text."""

from __future__ import annotations

import math
import re
import unicodedata
from itertools import pairwise

__all__ = ["find_quote", "fold", "is_printed", "printed_numbers"]

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
    for top, bottom in pairwise(re.finditer(_NUMBER, text)):
        value = float(bottom[0].replace(",", ""))
        if value and text[top.end() : bottom.start()].strip() == "/":
            fractions.add(float(top[0].replace(",", "")) / value)
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
        start = _end_of(fold(part), folded, start)
        if start < 0:
            return False
    return True


_NO_WORD_BEFORE, _NO_WORD_AFTER = re.compile(r"(?<!\w)(?<!\d[.,-])"), re.compile(r"(?!\w)(?![.,-]\d)")


def _end_of(part: str, text: str, start: int) -> int:
    """Where whole words end that stand in the text from `start` on; -1 where they do not."""
    place = text.find(part, start) if part else -1
    while place >= 0:
        end = place + len(part)
        if (not part[0].isalnum() or _NO_WORD_BEFORE.match(text, place)) and (
            not part[-1].isalnum() or _NO_WORD_AFTER.match(text, end)
        ):
            return end
        place = text.find(part, place + 1)
    return -1
