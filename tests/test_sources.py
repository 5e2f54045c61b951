"""Provenance: what a quote prints, whether a text contains it, and what a figure's basis promises."""

import pytest

from sie.data.bibliography import Source, check_provenance
from sie.data.quotes import find_quote, is_printed, printed_numbers

SOURCES = {
    "held": Source(key="held", authors="A", title="T", year=2025, url="", licence="", text="held.txt"),
    "unheld": Source(key="unheld", authors="A", title="T", year=2025, url="", licence=""),
}
GOOD = {"basis": "stated", "source": "held", "locator": "page 1", "quote": "the answer is ~1.7"}


@pytest.mark.parametrize(
    ("number", "quote"),
    [
        (1.7, "the answer is ~1.7"),
        (4, "to r = ~4 (2.8*1.45=4)"),
        (1.45, "to r = ~4 (2.8*1.45=4)"),
        (0.5, "a gain of .5 at most"),
        (12000, "some 12,000 papers"),
        (1234567.5, "1,234,567.5 tokens"),
        (1, "a 1-2X increase"),
        (2, "a 1-2X increase"),
        (0.5, "by 50%"),
        (50, "by 50%"),
        (0.07, "around 7 percent"),
        (10000, "10k GPUs"),
        (2.5e6, "2.5M lines"),
        (3, "about 3 OOMs away"),
        (1000, "about 3 OOMs away"),
        (100, "2 orders of magnitude"),
        (9 / 16, "(3 * 9/16)"),
        (9 / 16, "(3 * 9⁄16)"),
        (0.5625, "(3 * 9⁄16)"),
        (0.333, "a compute share of 1/3"),
        (0.333, "one third of it"),
        (0.333, "about a third"),
        (0.667, "two thirds of it"),
        (0.667, "two-thirds of it"),
        (0.75, "three quarters"),
        (0.5, "half of it"),
        (0.5, "½ of it"),
        (3e5, "3e5 samples"),
        (-0.5, "falls by 0.5"),
    ],
)
def test_a_quote_prints_its_number(number, quote):
    assert is_printed(number, quote)


@pytest.mark.parametrize(
    ("number", "word"),
    list(
        enumerate(
            [
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
        )
    ),
)
def test_integers_up_to_twelve_count_as_words(number, word):
    assert float(number) in printed_numbers(f"took {word.capitalize()} years")[0]


@pytest.mark.parametrize(
    ("number", "quote"),
    [
        (1.6, "the answer is ~1.7"),
        (7, "the answer is ~1.7"),
        (13, "thirteen years"),
        (1, "someone said so"),
        (0.34, "a compute share of 1/3"),
        (0.33, "one third of it"),
        (1.701, "the answer is ~1.7"),
        (12, "12,000 papers"),
        (0.5, "no number at all"),
    ],
)
def test_a_quote_does_not_print_another_number(number, quote):
    assert not is_printed(number, quote)


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ('I\'ll estimate "2"', "so I’ll estimate “2” here"),
        ("r = 1.7 - 0.5", "r = 1.7 – 0.5"),
        ("a long line", "a long\n   line"),
        ("intelligence explosion", "intelli-\ngence explosion"),
        ("software-only singularity", "software-\nonly singularity"),
        ("(3 * 9/16)", "(3 * 9⁄16)"),
        ("efficient", "eﬃcient"),
        ("soft hyphen", "so\u00adft hyphen"),
        ("first ... last", "the first of many and the last of all"),
    ],
)
def test_a_quote_is_found_whatever_its_typography(quote, text):
    assert find_quote(quote, text)


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("my best estimate", "my median estimate"),
        ("r is 1.2", "r is 1.3"),
        ("last ... first", "the first of many and the last of all"),
        ("first ... first", "the first of many"),
        ("first last", "the first of many and the last of all"),
        ("First", "the first of many"),
        ("", "a text"),
        (" ... ", "a text"),
    ],
)
def test_a_quote_that_differs_is_not_found(quote, text):
    assert not find_quote(quote, text)


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("a median of r = ~1", "a median of r = ~1.7"),
        ("grew 12X", "grew 1-2X"),
        ("from 0.43.6", "from 0.4-3.6"),
        ("so r falls by 2", "so r falls by 20"),
    ],
)
def test_a_quote_cannot_change_a_number_of_the_text(quote, text):
    assert not find_quote(quote, text)


def test_a_good_record_passes():
    check_provenance("row", GOOD, [1.7], SOURCES)


@pytest.mark.parametrize(
    ("change", "where", "found"),
    [
        ({"basis": "guessed"}, "row basis", "'guessed'"),
        ({"basis": None}, "row basis", "nothing"),
        ({"source": ""}, "row source", "nothing"),
        ({"source": "lost"}, "row source", "'lost'"),
        ({"locator": None}, "row locator", "nothing"),
        ({"quote": None}, "row quote", "nothing"),
        ({"basis": "transcribed"}, "row via", "nothing"),
        ({"basis": "transcribed", "via": "a repository"}, "row quote", "a quote"),
        ({"basis": "derived"}, "row note", "nothing"),
        ({"basis": "ours"}, "row note", "nothing"),
        ({"basis": "calibrated"}, "row note", "nothing"),
        ({"quote": "1.7 " + 39 * "word "}, "row quote", "40 words"),
        ({"source": "unheld"}, "row quote", "a quote"),
        ({"quote": "the answer is ~1.6"}, "row quote", "no 1.7"),
    ],
)
def test_a_record_without_what_its_basis_promises_is_refused(refused, change, where, found):
    with refused(where, f"found {found}"):
        check_provenance("row", GOOD | change, [1.7], SOURCES)


def test_a_quote_of_39_words_passes_and_ellipses_do_not_count():
    check_provenance("row", GOOD | {"quote": "1.7 ... " + 38 * "word "}, [1.7], SOURCES)


def test_a_derived_number_need_not_be_printed():
    check_provenance("row", GOOD | {"basis": "derived", "note": "1.7 x 2"}, [3.4], SOURCES)
