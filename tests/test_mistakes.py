"""Forty mistakes of a new user: each is answered in one line that names the cure, with exit code 2 and nothing written."""

import pytest

import sie

REPORT = ("report", "--priors-only", "--draws", "1000")

COMMAND_LINES = {
    "view misspelt": ((*REPORT, "refrence"), "(did you mean reference?)"),
    "view in capitals": ((*REPORT, "Reference"), "(did you mean reference?)"),
    "view with a blank": ((*REPORT, "davidson 2025"), "(did you mean davidson_2025?)"),
    "own view without .toml": ((*REPORT, "mine"), "want mine.toml, which is a file here"),
    "own view with another ending": ((*REPORT, "mine.tml"), "want mine.toml, which is a file here"),
    "own view that is not there": ((*REPORT, "none.toml"), "none.toml: found no such file"),
    "command misspelt": (("reprot",), "Did you mean 'report'"),
    "option misspelt": (("report", "--draw", "1000"), "--draws"),
    "draws of a fraction": (("report", "--draws", "1000.5"), "--draws: found '1000.5', want a whole number"),
    "draws in words": (("report", "--draws", "many"), "--draws: found 'many', want a whole number"),
    "draws that chains cannot share": (("report", "--draws", "1001"), "want a multiple of 4"),
    "decimal comma": (("grow", "--r", "1,2"), "--r: found '1,2', want a number with a decimal point"),
    "no ceiling in words": (("grow", "--r", "1.2", "--ceiling", "none"), "inf for none"),
    "r of zero": (("grow", "--r", "0"), "--r: found 0.0, want a number other than 0"),
    "speed of retraining": (("grow", "--r", "1.2", "--retraining", "slow"), "(did you mean slower?)"),
    "domain misspelt": (("report", "reference", "--levels", "computer vison=growth"), "(did you mean computer vision?)"),
    "level misspelt": (("report", "reference", "--levels", "computer vision=publish"), "(did you mean published?)"),
    "evidence that is not there": (("report", "reference", "--evidence", "none"), "found no such folder, want a folder of evidence (sie add-row"),
    "event misspelt": (("table", "--event", "r_above1"), "(did you mean r_above_1?)"),
    "history misspelt": (("series", "stokfish"), "(did you mean stockfish?)"),
    "a year for a day": (("series", "stockfish", "--until", "2023"), "want a day, as 2023-06-30"),
    "a month 13": (("timeline", "--now", "2026-13-01"), "want a date such as 2026-02-05"),
    "a page as PDF": (("page", "reference", "--out", "x.pdf"), "want a name that ends in .html"),
    "a report as PDF": (("report", "reference", "--html", "x.pdf"), "want a name that ends in .html"),
    "a folder that is not there": (("report", "reference", "--json", "out/x.json"), "found no folder out"),
    "a folder to check": (("check", "."), "a whole evidence folder: sie check --evidence ."),
    "one view to compare": (("diff", "reference"), "Missing argument"),
    "a view to open": (("open", "mine.toml"), "want a file that sie report --out wrote"),
    "a name that is taken": (("new", "mine", "--from", "reference"), "mine.toml: found a file that exists"),
}  # fmt: skip
"""Words after `sie`, and what the answer says."""

FILES = {
    "quantity misspelt": ("[capabilities]", "[capabilites]", "line 23 capabilites: found an unknown key (did you mean capabilities?)"),
    "key above the tables misspelt": ("label ", "lable ", "(did you mean label?), want only label, source, reflects"),
    "key misspelt": ("q05 =", "q5 =", "(did you mean q05?)"),
    "family misspelt": ('"lognormal"', '"log-normal"', "(did you mean lognormal?)"),
    "family without quotation marks": ('"lognormal"', "lognormal", 'found lognormal, a word without quotation marks, want "lognormal"'),
    "curly quotation marks": ('"lognormal"', "“lognormal”", "a curly quotation mark, want a straight one"),
    "decimal comma in a file": ("q95 = 4.0", "q95 = 4,0", "line 26 q95: found 4,0, a decimal comma, want a decimal point, as in 4"),
    "percent": ("q95 = 4.0", "q95 = 40%", "found 40%, a percent sign, want a share, as in 0.4"),
    "number in quotation marks": ("q95 = 4.0", 'q95 = "30 %"', "found '30 %', want a finite number without quotation marks, as in 0.3"),
    "swapped quantiles": ("q95 = 4.0", "q95 = 0.5", "line 25 [capabilities] q05: found 1, not below q95 0.5, want q05 < q95 (are the two swapped?)"),
    "another unit": ('unit = "1"', 'unit = "%"', "[spread] unit: found '%', want one of 1"),
    "a table twice": ("[sigma]", "[capabilities]\n[sigma]", "twice"),
}  # fmt: skip
"""In a copy of the reference view: what is replaced, by what, and what `sie check` says."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a view of one's own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(sie.to_toml(sie.read_view("reference")), encoding="utf-8")
    return tmp_path


def test_there_are_forty():
    assert len(COMMAND_LINES) + len(FILES) >= 40


@pytest.mark.parametrize("mistake", COMMAND_LINES)
def test_a_command_line_is_answered_in_one_line_with_the_cure(mistake, command, folder):
    words, cure = COMMAND_LINES[mistake]
    code, out, err = command(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert cure in err
    assert [path.name for path in folder.iterdir()] == ["mine.toml"]


@pytest.mark.parametrize("mistake", FILES)
def test_a_file_is_answered_with_the_line_and_the_cure(mistake, command, folder):
    old, new, cure = FILES[mistake]
    text = (folder / "mine.toml").read_text(encoding="utf-8")
    assert old in text
    (folder / "mine.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    code, out, err = command("check", "mine.toml")
    assert (code, out) == (2, "")
    assert cure in err
    assert all(line.startswith("mine.toml") for line in err.splitlines())


def test_what_is_missing_is_sought_in_its_table(command, folder):
    text = (folder / "mine.toml").read_text(encoding="utf-8")
    start = text.index("[sigma]")
    (folder / "mine.toml").write_text(
        text[:start] + text[start:].replace("unit", "units", 1), encoding="utf-8"
    )
    line = text[:start].count("\n") + 1
    assert f"mine.toml line {line} [sigma] unit: found nothing" in command("check", "mine.toml")[2]


def test_draws_may_be_written_as_a_power_of_ten(command, folder):
    plain, power = (command("report", "davidson_houlden_2025", "--priors-only", "--draws", n) for n in ("1000", "1e3"))  # fmt: skip
    assert plain == power
    assert power[0] == 0
