"""What a terminal shows while a command works: which step of how many, the time so far and the time left; elsewhere nothing."""

import os
import pty
import re
import sys

import pytest

from sie.commands.waiting import COUNT, each


def test_each_item_tells_which_of_how_many_it_is():
    told = []
    for item, tell in each(["a", "b"], told.append):
        tell(f"{item}: at work")
    assert told == ["a: at work (1 of 2)", "b: at work (2 of 2)"]
    assert [COUNT.search(text).groups() for text in told] == [("1", "2"), ("2", "2")]


def test_one_item_alone_is_not_counted():
    told = []
    for _, tell in each(["a"], told.append):
        tell("a: at work")
    assert told == ["a: at work"]


@pytest.mark.slow
def test_a_terminal_shows_the_step_the_time_so_far_and_the_time_left(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    shown = []

    def read(handle):
        shown.append(os.read(handle, 4096))
        return shown[-1]

    views = ("davidson_houlden_2025", "ai_futures_2025", "dhhk_2026")
    command = [sys.executable, "-m", "sie", "report", *views, "--priors-only"]
    with open(os.devnull, "w") as nowhere:
        monkeypatch.setattr(pty, "STDOUT_FILENO", nowhere.fileno())
        assert pty.spawn(command, read, lambda handle: b"") == 0
    text = b"".join(shown).decode(errors="replace")
    assert "(1 of 3)" in text
    assert re.search(r"\d:\d\d:\d\d\x1b\[0m left", text)
