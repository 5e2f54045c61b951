"""Spoilt files and command lines: each is accepted or refused in one clear line, at once, with nothing written.

Files are spoilt in their structure and byte by byte (`mutations`), from a seed; command lines are made from what every
command says of its options, so that a new command is covered when it is born.
"""

import contextlib
import datetime
import hashlib
import io
import json
import logging
import os
import re
import socket
import subprocess
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, count, islice
from pathlib import Path

import numpy as np
import pytest
from conftest import PATIENCE
from mutations import mutations

import sie
from sie import cli
from sie.base.reading import data_folder
from sie.data.bibliography import read_sources
from sie.data.histories import read_observations
from sie.data.priors import view_names
from sie.data.rows import read_domains, read_rows
from sie.data.time_horizons import read_horizons
from sie.data.timelines import read_timeline, timeline_names
from sie.data.weights import read_weights
from sie.growth.outcome import read_buildout
from sie.histories.erdil_2024 import read_idea_production
from sie.page.calibration_record import read_record
from sie.page.figures import figures
from sie.page.ledger import append, entries_of, read_ledger
from sie.page.saved import read_report
from sie.page.text import as_json, compute, write_folder
from sie.returns.likelihoods import read_likelihood

FILES = 20_000
NIGHTLY = 10
"""How many times as many files a nightly run spoils."""

COMMAND_LINES = 1_000
SECONDS = 60.0

MOST_BYTES = 600

CASES = Path(__file__).parent / "fuzz_cases"
"""Where what fails is kept, a folder for each file that was spoilt. What is there is tried again first."""

CLAIM = re.compile(r".+: found .+, want .+", re.DOTALL)


def is_refused(read, path, names):
    """Whether a reader refuses the file; anything but one clear line that names a file fails the test."""
    began = time.process_time()
    try:
        read(path)
    except sie.DataError as error:
        for message in map(str, (error, *error.others)):
            assert len(message.encode()) <= MOST_BYTES, message
            assert message.isprintable(), message
            assert CLAIM.fullmatch(message), message
            assert any(name in message for name in names), message
        return True
    finally:
        assert time.process_time() - began < SECONDS
    return False


def a_folder(path):
    """The evidence folder that a file of it stands in."""
    return path.parents[1] if path.parent.name in ("likelihoods", "idea_production") else path.parent


def readers():
    """(file, what reads it, share of the mutations) for every kind of file that a user may write."""
    evidence, priors = data_folder("evidence"), data_folder("priors")
    sources = read_sources()
    domains = read_domains(evidence / "domains.csv")
    for i, name in enumerate(view_names()):
        yield priors / f"{name}.toml", partial(a_view, sources), 1 if i else 10
    for name in timeline_names():
        yield priors / "timelines" / f"{name}.toml", lambda path: read_timeline(str(path)), 0.3
    yield priors / "weights.toml", read_weights, 0.5
    yield priors / "alternatives.toml", sie.read_alternatives, 0.5
    yield evidence / "buildout.toml", read_buildout, 1
    yield evidence / "figures.csv", figures, 0.2
    yield evidence / "metr_horizons.csv", lambda path: read_horizons(path.parent), 0.5
    for name in ("returns", "factors", "inputs", "growth", "series"):
        yield evidence / f"{name}.csv", lambda path: read_rows(path, domains, sources), 6
    yield evidence / "domains.csv", read_domains, 3
    yield evidence / "sources.toml", lambda path: read_sources(path.parent), 0.5
    for path in sorted((evidence / "series").glob("*.csv")):
        yield path, read_observations, 1 if path.stem == "stockfish" else 4
    for path in sorted((evidence / "idea_production").glob("*.csv")):
        yield path, lambda path: read_idea_production(a_folder(path)), 0.2
    for name in ("index.csv", "epoch_sat_growth.csv"):
        yield (
            evidence / "likelihoods" / name,
            lambda path: read_likelihood("epoch_sat_growth", a_folder(path)),
            0.3,
        )
    for name in ("domains.csv", "growth.csv", "returns.csv", "series.csv", "sources.toml"):
        yield evidence / name, lambda path: sie.read_evidence(path.parent), 0.1


def a_view(sources, path):
    """Read a view, and draw from one that is accepted."""
    view = sie.read_view(str(path), sources=sources)
    try:
        draws = sie.prior(view, draws=400, seed=1)
        sie.credences(sie.simulate(draws))
    except sie.DataError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017


SWEEP = b"""draws = 1000
seeds = [1, 2]
views = ["davidson_2025", "reference"]
[edits.wide]
capabilities = { family = "lognormal", q05 = 1.5, q95 = 3.0 }
[mechanisms.ces]
sigma = { family = "fixed", value = 0.7 }
[evidence.no_chess]
leave_out = []
[sample]
cells = 5
seed = 1
scale = { ceiling = [0.5, 2.0] }
"""


CALIBRATION = Path(__file__).parents[1] / "docs" / "calibration" / "reference_without_histories.json"


def saved_files(folder):
    """(file, what reads it, share of the mutations) of what `sie` itself writes."""
    result = compute(sie.read_view("davidson_houlden_2025"), None, seed=1, draws=1000)
    write_folder([result], folder)
    (folder / "saved.json").write_text(as_json([result], seed=1, draws=1000), encoding="utf-8")
    append(folder / "ledger.jsonl", entries_of(read_report(folder / "saved.json"), "2026-01-01"))
    record = json.loads(CALIBRATION.read_text(encoding="utf-8"))
    for column in (*record["quantities"], *record["events"]):
        column |= {key: values[:20] for key, values in column.items() if isinstance(values, list)}
    (folder / "calibration.json").write_text(json.dumps(record), encoding="utf-8")
    return (
        (folder / "calibration.json", read_record, 0.15),
        (folder / "davidson_houlden_2025.nc", read_report, 0.25),
        (folder / "saved.json", read_report, 10),
        (folder / "ledger.jsonl", read_ledger, 4),
    )


def keep(original, spoilt, error):
    """Keep what failed as a case."""
    folder = CASES / original.name
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(spoilt).hexdigest()[:12]
    (folder / f"{name}{original.suffix}").write_bytes(spoilt)
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{original.name} {name}: {type(error).__name__} at {Path(last.filename).name}:{last.lineno}: {str(error)[:200]!r}"


@pytest.mark.long
@pytest.mark.slow
def test_spoilt_files_are_accepted_without_a_warning_or_refused_in_one_line(evidence_copy, tmp_path, request):
    nightly = request.config.getoption("--nightly")
    seed = datetime.date.today().toordinal() if nightly else 20261130
    random = np.random.default_rng(seed)
    sweep = tmp_path / "sweep.toml"
    sweep.write_bytes(SWEEP)
    all_readers = [*readers(), (sweep, sie.read_sweep, 0.2), *saved_files(tmp_path)]
    shares = np.array([share for _, _, share in all_readers])
    counts = np.ceil(FILES * (NIGHTLY if nightly else 1) * shares / shares.sum()).astype(int)
    refused, failed, seconds = {}, [], {}
    for (original, read, _), files in zip(all_readers, counts, strict=True):
        content = original.read_bytes()
        inside = original.is_relative_to(data_folder("evidence"))
        path = (
            evidence_copy / original.relative_to(data_folder("evidence"))
            if inside
            else tmp_path / original.name
        )
        spoil = mutations(original.name, content)
        old = sorted((CASES / original.name).glob("*.*"))
        before, began = set(path.parent.iterdir()) | {path}, time.perf_counter()
        names = {item.name for item in before} | {original.stem, "evidence"}
        for spoilt in chain((case.read_bytes() for case in old), (spoil(random) for _ in range(files))):
            path.write_bytes(spoilt)
            try:
                refused.setdefault(original.name, []).append(is_refused(read, path, names))
            except Exception as error:
                failed.append(keep(original, spoilt, error))
        path.write_bytes(content)
        assert set(path.parent.iterdir()) == before
        seconds[original.name] = seconds.get(original.name, 0) + time.perf_counter() - began
    total = sum(map(len, refused.values()))
    print(f"seed {seed}: {total + len(failed)} files, {len(failed)} failed")
    for name in sorted(seconds, key=seconds.get, reverse=True):
        print(f"  {seconds[name]:6.1f} s {len(refused.get(name, [])):6} files  {name}")
    assert not failed, "\n".join(failed)
    assert total >= FILES
    # The reader reads: what was spoilt is mostly noticed, and not everything is refused.
    for name, found in refused.items():
        assert 0.2 < np.mean(found) <= 1, name
    assert np.mean(np.concatenate(list(refused.values()))) < 0.98


# Command lines

QUICK = {
    "report": ["davidson_houlden_2025", "--priors-only", "--draws", "1000"],
    "list": [],
    "new": ["mine", "--from", "reference"],
    "check": ["view.toml"],
    "grow": ["--r", "1.2"],
    "explain": ["--r", "1.2"],
    "equations": [],
    "open": ["draws.nc"],
}
"""Commands that are quick when they are accepted, with arguments that are; every other one is called so that it must refuse."""

WORDS = [
    *("nan", "NaN", "inf", "-inf", "1e999", "-1", "0", "1e-320", "9" * 5000, "1_000", "0x10", "١", "", " ", "\t", "\n", "a\nb"),
    *("\x1b[31m", "\x07", "\udcff", "\ud800", "é", "日本", "‮", "x" * 5000, "'", '"', "$(id)", "`id`", "%s", "*", "~", "-", "--"),
    *("---", "-x", "--nope", "--nope=1", "--seed", "--draws", "--out", "--version=1", "..", "/", "/dev/null", "/dev/full", "/proc/self/mem"),
    *("nowhere/at/all", "view.toml", "draws.nc", "bad.toml", "a.csv", "folder", "reference", "davidson_2025", "none.toml", "x/../y.toml"),
    *("\x00", "a\x00b.toml", "con", ".", ".toml", "../../x.toml", "http://127.0.0.1:1", "tcp://127.0.0.1:1", "a=b", "published", "=growth"),
]  # fmt: skip


def options_of(command):
    """Each option of a command: its name, whether it takes a value."""
    found = cli.tree().commands[command].params
    return [
        (max(option.opts, key=len), not option.is_flag)
        for option in found
        if hasattr(option, "is_flag") and option.opts[0].startswith("-")
    ]


def command_line(random):
    """A command and whether it may be accepted."""
    word = lambda: str(WORDS[random.integers(len(WORDS))])  # noqa: E731
    names = list(cli.COMMANDS)
    command = names[random.integers(len(names))] if random.random() < 0.95 else word()
    line = list(QUICK.get(command, []))
    options = options_of(command) if command in cli.COMMANDS else []
    for _ in range(random.integers(0, 4)):
        at = int(random.integers(len(line) + 1))
        match random.integers(4):
            case 0 if options:
                name, takes = options[random.integers(len(options))]
                line[at:at] = [name, word()] if takes and random.random() < 0.9 else [name]
            case 1 if line:
                line[at % len(line)] = word()
            case 2 if line:
                del line[at % len(line)]
            case _:
                line[at:at] = [word()]
    if command not in QUICK:
        line += [["--nope"], ["--out"], ["--seed", "x"], ["one", "two", "three", "four"]][random.integers(4)]
        line += ["--no-such-option", "--no-such-option"]  # an option before may take the first for its value
    if command == "report":
        # Twice, since an option before may take the first for its value; a report of posteriors is no quick answer.
        line += (
            ["--priors-only", "--priors-only", "--draws", "1000"]
            if random.random() < 0.7
            else ["--draws", "x"]
        )
        line = [
            name if name not in ("reference", "davidson_2025") else "davidson_houlden_2025" for name in line
        ]
    before = [["--verbose"], ["--nope"], [word()]][random.integers(3)] if random.random() < 0.05 else []
    return [*before, command, *line]


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A working folder with a view, a broken one, draws that are none, and a folder."""
    log = logging.getLogger("sie")
    for name in ("handlers", "level", "propagate"):  # --verbose changes them
        monkeypatch.setattr(log, name, getattr(log, name))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "view.toml").write_bytes((data_folder("priors") / "davidson_houlden_2025.toml").read_bytes())
    (tmp_path / "bad.toml").write_text("a = \n")
    (tmp_path / "draws.nc").write_bytes(b"\x89HDF\r\n\x1a\n")
    (tmp_path / "a.csv").write_text("a,b\n")
    (tmp_path / "folder").mkdir()
    return tmp_path


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def judge(line, code, out, err, before, after):
    """Whether an answer to a command line is one that a user should get."""
    said = repr((line, code, out[-300:], err[-600:]))
    assert code in (0, 2), said
    assert "Traceback" not in err, said
    if code == 2:
        if line[0] != "check" and "check" not in line:
            assert len(err.splitlines()) == 1 or "--verbose" in line, said
        assert err.strip(), said
        assert "on standard output" not in err, said
        assert after == before, said


@pytest.mark.slow
def test_command_lines_are_accepted_or_refused_in_one_line(workplace, monkeypatch):
    random = np.random.default_rng(20261126)
    before, refused = contents(workplace), 0
    for _ in range(COMMAND_LINES):
        line = command_line(random)
        monkeypatch.setattr(sys, "argv", ["sie", *line])
        out, err, began = io.StringIO(), io.StringIO(), time.process_time()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                cli.main()
            except SystemExit as stopped:
                code = stopped.code
            except BaseException as error:
                raise AssertionError(f"{line}: {error!r}") from error
        assert code == 0 or time.process_time() - began < SECONDS, line  # what is accepted may take its time
        after = contents(workplace)
        judge(line, code, out.getvalue(), err.getvalue(), before, after)
        refused += code == 2
        if code == 0 and after != before:
            for path in set(after) - set(before):
                if (workplace / path).is_file():
                    (workplace / path).unlink()
            for path, content in before.items():
                if content is not None:
                    (workplace / path).write_bytes(content)
            before = contents(workplace)
    assert COMMAND_LINES / 2 < refused < COMMAND_LINES


PROCESSES = 200
READING = {
    "check": ("check", "{}"),
    "report": ("report", "{}", "--priors-only", "--draws", "1000"),
    "open": ("open", "{}"),
    "new": ("new", "mine", "--from", "{}"),
    "diff": ("diff", "{}", "davidson_houlden_2025"),
    "ledger": ("ledger", "show", "{}"),
    "sweep": ("sweep", "{}", "--out", "s.zarr"),
}
"""Commands that read a file."""

NO_FILES = ("folder.toml", "pipe.toml", "loop.toml", "socket.toml", "zero.toml", "none.toml", "\udcff.toml", "\x1b[2J.toml", "x" * 5000 + ".toml")  # fmt: skip


def no_files(folder):
    """Make what is no regular file under some of these names."""
    (folder / "folder.toml").mkdir()
    os.mkfifo(folder / "pipe.toml")
    (folder / "loop.toml").symlink_to("loop.toml")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.toml")
    (folder / "zero.toml").symlink_to("/dev/zero")


def wrong_lines(folder, random):
    """Command lines that must be refused: of every command, of what is no file, and of spoilt views with one thing wrong."""
    no_files(folder)
    for name in cli.COMMANDS:
        line = command_line(random)
        while line[0] != name or any("\x00" in word or "\ud800" in word for word in line):
            line = command_line(random)
        yield [*line, "--no-such-option"]
    for args in READING.values():
        for name in NO_FILES:
            yield [word.format(name) for word in args]
    for i in count():
        view = data_folder("priors") / f"{view_names()[i % len(view_names())]}.toml"
        path = folder / f"spoilt{i}.toml"
        path.write_bytes(mutations(view.name, view.read_bytes())(random))
        try:
            sie.read_view(str(path))
        except sie.DataError as error:
            if not error.others:
                yield [word.format(path.name) for word in READING[["check", "report", "new"][i % 3]]]


@pytest.mark.long
@pytest.mark.slow
def test_processes_with_wrong_input_end_with_code_2_and_one_line(workplace):
    lines = list(islice(wrong_lines(workplace, np.random.default_rng(20261127)), PROCESSES))
    before = sorted(os.listdir())

    def run(line):
        return subprocess.run(
            [os.fsencode(word) for word in (sys.executable, "-m", "sie.cli", *line)],
            capture_output=True,
            timeout=PATIENCE,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for line, done in zip(lines, pool.map(run, lines), strict=True):
            told = repr((line, done.returncode, done.stdout[-300:], done.stderr[-900:]))
            assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1), told
            assert done.stderr.decode().rstrip("\n").isprintable(), told
            assert len(done.stderr) <= MOST_BYTES + 1, told
    assert sorted(os.listdir()) == before
