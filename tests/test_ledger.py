"""The ledger: harmless twice, whole after a kill, complete after two writers at once, and it says what moved and which input."""

import json
import os
import signal
import subprocess
import sys

import pytest
from conftest import PATIENCE

import sie
from sie.page.ledger import append, changes, entries_of, moves, read_ledger
from sie.page.snapshot import Saved, inputs_of, versions, view_of

CREDENCES = {("r_above_1", "priors"): (0.5, 0.004), ("r_above_1", "evidence"): (0.4, 0.005)}


LEVELS = {"SAT solvers": "growth", "computer chess": "series"}


def saved(view, p=0.5, rows=("vision_2024",), digest="0" * 64, seed=1, levels=LEVELS):
    return {
        view.name: Saved(
            view=view,
            inputs_sha256=digest,
            rows_used=rows,
            levels=levels,
            credences=CREDENCES | {("r_above_1", "priors"): (p, 0.004)},
            seed=seed,
            draws=20000,
            versions=versions(),
        )
    }


@pytest.fixture(scope="module")
def view():
    return sie.read_view("reference")


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "ledger.jsonl"


@pytest.mark.parametrize("name", sie.view_names())
def test_a_view_comes_back_from_what_is_saved_of_it(name):
    view = sie.read_view(name)
    inputs = json.loads(json.dumps(inputs_of(view)))
    back = view_of("test", name, view.label, inputs)
    assert list(back.entries) == list(view.entries)
    assert all(
        back[key].prior == view[key].prior and back[key].unit == view[key].unit for key in view.entries
    )


def test_appending_twice_is_harmless(ledger, view):
    entries = entries_of(saved(view), "2026-11-25")
    assert append(ledger, entries) == entries
    before = ledger.read_bytes()
    assert append(ledger, entries) == []
    assert ledger.read_bytes() == before


def test_entries_come_back_as_they_were_and_by_date(ledger, view):
    late, early = (
        entries_of(saved(view, p=p), date)[0] for p, date in ((0.6, "2027-01-02"), (0.5, "2026-11-25"))
    )
    append(ledger, [late])
    append(ledger, [early])
    first, second = read_ledger(ledger)
    assert (first.date, second.date) == (early.date, late.date)
    assert (dict(first.credences), first.seed, first.draws) == (dict(early.credences), 1, 20000)
    assert inputs_of(first.view) == inputs_of(view)
    assert len(ledger.read_text().splitlines()) == 2


def test_changes_name_the_input_that_changed_and_nothing_else(view):
    other = view.replace(capabilities=sie.lognormal(1.5, 3), speedup=sie.fixed(8))
    before = entries_of(saved(view, rows=("a", "b")), "2026-11-25")[0]
    after = entries_of(saved(other, rows=("b", "c"), digest="1" * 64, seed=2), "2026-12-01")[0]
    assert changes(before, before) == []
    assert changes(before, after) == [
        "capabilities: lognormal 1 to 4 (5–95 %) -> lognormal 1.5 to 3 (5–95 %)",
        "speedup: lognormal 2 to 32 (5–95 %) -> fixed 8",
        "rows no longer used: a",
        "rows newly used: c",
        "seed: 1 -> 2",
    ]


def test_a_changed_hash_alone_is_said_to_be_evidence_or_words(view):
    before, after = (entries_of(saved(view, digest=digit * 64), "2026-11-25")[0] for digit in "01")
    [line] = changes(before, after)
    assert "evidence rows" in line


def test_another_seed_does_not_hide_that_evidence_changed(view):
    before, after = (
        entries_of(saved(view, digest=str(seed) * 64, seed=seed), "2026-11-25")[0] for seed in (1, 2)
    )
    evidence, seed = changes(before, after)
    assert "evidence rows" in evidence
    assert seed == "seed: 1 -> 2"


def test_the_level_of_a_domain_is_an_input(ledger, view):
    other = {**LEVELS, "SAT solvers": "epoch"}
    for digit, date, levels in (("0", "2026-11-25", LEVELS), ("1", "2026-11-26", other)):
        append(ledger, entries_of(saved(view, digest=digit * 64, levels=levels), date))
    before, after = read_ledger(ledger)
    assert (dict(before.levels), dict(after.levels)) == (LEVELS, other)
    assert changes(before, after) == ["level of SAT solvers: growth -> epoch"]


def test_lines_of_version_1_are_read_and_stay_as_they_are(ledger, view):
    [old] = entries_of(saved(view, levels=None), "2026-11-25")
    append(ledger, [old])
    line = ledger.read_text()
    assert '"levels"' not in line
    assert append(ledger, [old]) == []
    append(ledger, entries_of(saved(view, digest="1" * 64), "2026-11-26"))
    assert ledger.read_text().startswith(line)
    before, after = read_ledger(ledger)
    assert (before.levels, dict(after.levels)) == (None, LEVELS)
    assert changes(before, before) == []
    assert changes(before, after) == ["levels of domains: not recorded -> recorded"]


def test_a_report_of_version_1_is_added_and_never_drawn_again(command, tmp_path, ledger):
    report = tmp_path / "old.json"
    assert command("report", "reference", "--priors-only", "--draws", 1000, "--json", report)[0] == 0
    document = json.loads(report.read_text())
    assert (document["version"], document["views"][0].pop("levels")) == (2, {})
    report.write_text(json.dumps(document))
    code, out, err = command("ledger", "add", ledger, report, "--date", "2026-11-25")
    assert (code, out, err) == (
        2,
        "",
        "old.json levels: found nothing, want what a report that sie report --json wrote holds (the key is required)\n",
    )
    report.write_text(json.dumps(document | {"version": 1}))
    assert command("ledger", "add", ledger, report, "--date", "2026-11-25")[:2] == (0, f"{ledger}: 1 added\n")
    assert "r_above_1" in command("ledger", "show", ledger)[1]
    code, out, err = command("diff", report, "reference")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "found a report of version 1, which is shown and not computed again" in err


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            lambda view: view.update(levels={"SAT solvers": "raw"}),
            "reference levels SAT solvers: found 'raw'",
        ),
        (lambda view: view.update(levels=["series"]), "reference levels: found ['series']"),
        (lambda view: view.update(label="\ud800"), "half a character"),
        (lambda view: view["inputs"]["capabilities"].update(family=[]), "family: found []"),
        (lambda view: view["credences"][0].update(mcse=10**400), "a whole number of 401 digits"),
        (lambda view: view.update(view="a/b"), "view: found 'a/b'"),
    ],
)
def test_a_report_that_none_can_have_written_is_one_line(command, tmp_path, ledger, view, change, found):
    item = {
        "view": "reference",
        "label": view.label,
        "inputs": inputs_of(view),
        "inputs_sha256": "0" * 64,
        "rows_used": [],
        "levels": LEVELS,
        "credences": [{"event": "r_above_1", "given": "priors", "p": 0.5, "mcse": 0.01}],
    }
    change(item)
    document = {"version": 2, "seed": 1, "draws": 1000, "versions": versions(), "views": [item]}
    report = tmp_path / "report.json"
    report.write_text(json.dumps(document))
    code, out, err = command("ledger", "add", ledger, report, "--date", "2026-11-25")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert found in err
    assert not ledger.exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["my view", "mine (1)", "pr\u00e9vision"])
def test_what_report_writes_of_any_view_open_and_ledger_read(command, tmp_path, ledger, name):
    path = tmp_path / f"{name}.toml"
    path.write_text(sie.read_view("davidson_houlden_2025").path.read_text())
    report = (
        "report",
        path,
        "--priors-only",
        "--draws",
        1000,
        "--out",
        tmp_path / "out",
        "--json",
        tmp_path / "r.json",
    )
    assert command(*report)[0] == 0
    assert command("open", tmp_path / "out" / f"{name}.nc")[0] == 0
    for file in (tmp_path / "r.json", tmp_path / "out" / f"{name}.nc"):
        assert command("ledger", "add", ledger, file, "--date", "2026-11-25")[0] == 0
    [entry] = read_ledger(str(ledger))
    assert entry.view.name == name


def test_a_unit_counts_as_an_input(view, view_with):
    other = sie.read_view(view_with("recent_pace", unit='"training-efficiency doublings per year"'))
    own = sie.read_view("davidson_2025")
    before, after = (entries_of(saved(one), "2026-11-25")[0] for one in (own, other))
    assert changes(before, after) == [
        "recent_pace: fixed 4, labour doublings per year -> fixed 4, training-efficiency doublings per year"
    ]


def test_moves_have_the_errors_of_both_sides(view):
    before, after = (entries_of(saved(view, p=p), "2026-11-25")[0] for p in (0.5, 0.53))
    change, error = moves(before, after)["r_above_1", "priors"]
    assert change == pytest.approx(0.03)
    assert error == pytest.approx(0.004 * 2**0.5)


@pytest.mark.parametrize("date", ["2026-13-01", "25.11.2026", "2026-11-5", "today", "２０２６-11-25"])
def test_a_date_that_is_none_is_refused(refused, view, date):
    with refused("--date", date):
        entries_of(saved(view), date)


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda text: text[:-1], "a last line without an end"),
        (lambda text: text + "{}\n", "line 2"),
        (lambda text: text + "credences\n", "no JSON"),
        (lambda text: text.replace('"seed":1', '"seed":-1'), "line 1 seed"),
        (lambda text: text.replace('"seed":1', '"seed":NaN'), "NaN"),
        (lambda text: text.replace('"seed":1', '"seed":1,"seed":2'), "a key twice"),
        (lambda text: text.replace('"date":"2026', '"date":"20260'), "line 1 date"),
        (lambda text: text.replace('"family":"beta"', '"family":"alpha"', 1), "'alpha'"),
    ],
)
def test_a_file_that_is_no_ledger_is_refused_and_left_alone(command, ledger, view, spoil, found, tmp_path):
    entries = entries_of(saved(view), "2026-11-25")
    append(ledger, entries)
    ledger.write_text(spoil(ledger.read_text()))
    before = ledger.read_bytes()
    with pytest.raises(sie.DataError, match=found):
        append(ledger, entries_of(saved(view), "2026-11-26"))
    assert ledger.read_bytes() == before
    code, out, err = command("ledger", "show", ledger)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1


WRITER = """
import sys
from pathlib import Path
import sie
from sie.page.ledger import append, entries_of
sys.path.insert(0, sys.argv[3])
from test_ledger import saved
view = sie.read_view("reference")
print("ready", flush=True)
sys.stdin.readline()
for k in range(int(sys.argv[2].split(":")[0]), int(sys.argv[2].split(":")[1])):
    append(Path(sys.argv[1]), entries_of(saved(view, seed=k), "2026-11-25"))
    print(k, flush=True)
"""


def writer(ledger, first, last):
    folder = os.path.dirname(__file__)
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(ledger), f"{first}:{last}", folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


def start(process):
    process.stdin.write("\n")
    process.stdin.flush()


def written(ledger):
    return ledger.read_bytes().count(b"\n") if ledger.exists() else 0


@pytest.mark.slow
def test_two_processes_at_once_lose_nothing(ledger):
    both = [writer(ledger, first, first + 15) for first in (0, 100)]
    for process in both:
        start(process)
    for process in both:
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
    assert sorted(entry.seed for entry in read_ledger(ledger)) == [*range(15), *range(100, 115)]


@pytest.mark.slow
def test_a_killed_process_leaves_a_whole_ledger(ledger, view):
    first = 0
    for entries in (1, 2, 3, 5, 8):
        process = writer(ledger, first, 10**6)
        start(process)
        said = [int(process.stdout.readline()) for _ in range(entries)]
        process.send_signal(signal.SIGKILL)  # within one of those that follow
        process.communicate(timeout=PATIENCE)
        found = [entry.seed for entry in read_ledger(ledger)]
        assert found == list(range(len(found)))  # every entry whole, none missing between
        assert said == list(range(first, first + entries))
        assert len(found) >= first + entries
        first = len(found)
    assert append(ledger, entries_of(saved(view, seed=first), "2026-11-25"))  # the lock went with the process
    assert [entry.seed for entry in read_ledger(ledger)] == list(range(first + 1))


@pytest.mark.slow
def test_the_command_adds_a_report_and_shows_what_moved(command, tmp_path, ledger, view_with):
    own = view_with("capabilities", q05="1.2", basis='"derived"')
    for k, (name, date) in enumerate((("davidson_2025", "2026-11-25"), (own, "2026-12-01"))):
        report = tmp_path / f"report{k}.json"
        assert command("report", name, "--priors-only", "--draws", 4000, "--json", report)[0] == 0
        if k:  # the same view under its own name, edited
            document = json.loads(report.read_text())
            document["views"][0]["view"] = "davidson_2025"
            report.write_text(json.dumps(document))
        assert command("ledger", "add", ledger, report, "--date", date)[:2] == (0, f"{ledger}: 1 added\n")
    code, out, err = command("ledger", "add", ledger, report, "--date", "2026-12-01")
    assert (code, out, err) == (0, f"{ledger}: 0 added, 1 already there\n", "")
    code, out, err = command("ledger", "show", ledger, "--event", "r_above_1")
    assert (code, err) == (0, "")
    assert "changed: capabilities: lognormal 1.7 to 2.5 (5–95 %) -> lognormal 1.2 to 2.5 (5–95 %)" in out
    assert out.count("changed:") == 1
    lines = [line for line in out.splitlines() if line.startswith("  r_above_1")]
    assert len(lines) == 2
    assert "[-" in lines[1]
    assert "within noise" not in lines[1]


@pytest.mark.slow
def test_the_saved_draws_of_a_view_give_the_entry_of_its_json(command, tmp_path, ledger):
    report = (
        "report",
        "reference",
        "--priors-only",
        "--draws",
        1000,
        "--json",
        tmp_path / "out.json",
        "--out",
        tmp_path / "out",
    )
    assert command(*report)[0] == 0
    assert command("ledger", "add", ledger, tmp_path / "out.json", "--date", "2026-11-25")[1].endswith(
        "1 added\n"
    )
    code, out, err = command(
        "ledger", "add", ledger, tmp_path / "out" / "reference.nc", "--date", "2026-11-25"
    )
    assert (code, err) == (0, "")
    assert out.endswith("0 added, 1 already there\n")


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (("burn", "x.jsonl"), "'burn'"),
        (("add", "x.jsonl"), "no report"),
        (("add", "x.jsonl", "r.json"), "no --date"),
        (("add", "x.jsonl", "r.json", "--date", "2026-11-25"), "no such file"),
        (("add", "no_such_folder/x.jsonl", "r.json", "--date", "2026-11-25"), "no_such_folder"),
        (("show", "x.jsonl"), "no such file"),
        (("show", "x.jsonl", "--date", "2026-11-25"), "these with add only"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(command, args, found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = command("ledger", *args)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert found in err
    assert list(tmp_path.iterdir()) == []
