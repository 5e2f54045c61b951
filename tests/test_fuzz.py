"""Spoilt files and command lines: each is accepted or refused in one clear line, at once, with nothing written.

Files are spoilt byte by byte from a seed, and in their structure by hypothesis; command lines are made from what every
command says of its options, so that a new command is covered when it is born.
"""

import contextlib
import io
import logging
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tomlkit
from conftest import PATIENCE
from hypothesis import given, settings
from hypothesis import strategies as st

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
from sie.page.figures import figures
from sie.page.ledger import append, entries_of, read_ledger
from sie.page.saved import read_report
from sie.returns.likelihoods import read_likelihood

FILES = 5_000
COMMAND_LINES = 1_000
STRUCTURES = 300
SECONDS = 60.0

JUNK = [
    *(b"nan", b"NaN", b"inf", b"-inf", b"1e999", b"-1e400", b"1e-400", b"0", b"-0.0", b"-1", b"9" * 400, b"0x10", b"1_0"),
    *(b"9" * 5000, b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\r", b"\n", b"\r\n", b'"', b"'''", b'"""', b","),
    *(b";", b"=", b"[", b"]", b"[[", b"{", b"}", b"#", b"\\", b"\\u0000", b"\x1b[31m", b"\xe2\x80\x8b", "١٢".encode(), "∞".encode()),
    *(b"[" * 500, b"{a=" * 200, b"a.b.c = 1\n", b"true", b"[]", b"{}", b"''", b"2026-01-01", b"1979-05-27T07:32:00Z", b"..", b"/dev/null"),
    *(b"../../etc/passwd", b"x" * 100_000, b"__proto__", b"%s%n", b"${HOME}", b"fixed", b"uniform", b"mixture", b"ours", b"stated"),
]  # fmt: skip
"""What is put into files."""

CLAIM = re.compile(r".+: found .+, want .+", re.DOTALL)


def spoil(content, random):
    """The bytes with one to three changes of chance."""
    for _ in range(random.integers(1, 4)):
        size = max(len(content), 1)
        at, length = int(random.integers(size)), int(random.integers(1, 1 + min(size, 40)))
        words = [m.span() for m in re.finditer(rb"[\w.+-]+", content)]
        lines = content.split(b"\n")
        match random.integers(9):
            case 0:
                content = content[:at] + bytes([random.integers(256)]) + content[at + 1 :]
            case 1:
                content = content[:at] + content[at + length :]
            case 2:
                content = content[:at] + content[at : at + length] * 2 + content[at + length :]
            case 3:
                content = content[:at] + JUNK[random.integers(len(JUNK))] + content[at:]
            case 4 if words:
                start, end = words[random.integers(len(words))]
                content = content[:start] + JUNK[random.integers(len(JUNK))] + content[end:]
            case 5 if words:
                (a, b), (c, d) = (words[random.integers(len(words))] for _ in range(2))
                content = content[:a] + content[c:d] + content[b:]
            case 6:
                del lines[random.integers(len(lines))]
                content = b"\n".join(lines)
            case 7:
                lines.insert(random.integers(len(lines) + 1), lines[random.integers(len(lines))])
                content = b"\n".join(lines)
            case _:
                content = content[:at]
    return content


def is_refused(read, path):
    """Whether a reader refuses the file; anything but one clear line fails the test."""
    began = time.process_time()
    try:
        read(path)
    except sie.DataError as error:
        message = str(error)
        assert len(message.splitlines()) == 1, message
        assert message.isprintable(), message
        assert CLAIM.fullmatch(message), message
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
    yield from ((priors / f"{name}.toml", lambda path: sie.read_view(str(path)), 1) for name in view_names())
    for name in timeline_names():
        yield priors / "timelines" / f"{name}.toml", lambda path: read_timeline(str(path)), 1
    yield priors / "weights.toml", read_weights, 1
    yield priors / "alternatives.toml", sie.read_alternatives, 1
    yield evidence / "buildout.toml", read_buildout, 1
    yield evidence / "figures.csv", figures, 1
    yield evidence / "metr_horizons.csv", lambda path: read_horizons(path.parent), 0.5
    for name in ("returns", "factors", "inputs", "growth", "series"):
        yield evidence / f"{name}.csv", lambda path: read_rows(path, domains, sources), 2
    yield evidence / "domains.csv", read_domains, 1
    yield evidence / "sources.toml", lambda path: read_sources(path.parent), 1
    for path in sorted((evidence / "series").glob("*.csv")):
        yield path, read_observations, 1
    for path in sorted((evidence / "idea_production").glob("*.csv")):
        yield path, lambda path: read_idea_production(a_folder(path)), 0.2
    yield (
        evidence / "likelihoods" / "index.csv",
        lambda path: read_likelihood("epoch_sat_growth", a_folder(path)),
        0.2,
    )
    yield (
        evidence / "likelihoods" / "epoch_sat_growth.csv",
        lambda path: read_likelihood("epoch_sat_growth", a_folder(path)),
        0.2,
    )
    for name in ("domains.csv", "growth.csv", "returns.csv", "series.csv", "sources.toml"):
        yield evidence / name, lambda path: sie.read_evidence(path.parent), 0.2


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


@pytest.mark.slow
def test_spoilt_files_are_accepted_or_refused_in_one_line(evidence_copy, tmp_path, monkeypatch):
    random = np.random.default_rng(20261125)
    sweep = tmp_path / "sweep.toml"
    sweep.write_bytes(SWEEP)
    monkeypatch.setattr(
        sys, "argv", ["sie", "report", *QUICK["report"], "--json", str(tmp_path / "saved.json")]
    )
    with contextlib.redirect_stdout(io.StringIO()), pytest.raises(SystemExit):
        cli.main()
    ledger = tmp_path / "ledger.jsonl"
    append(ledger, entries_of(read_report(tmp_path / "saved.json"), "2026-01-01"))
    saved = ((tmp_path / "saved.json", read_report, 1), (ledger, read_ledger, 0.5))
    bundled = [*readers(), (sweep, sie.read_sweep, 1), *saved]
    shares = np.array([share for _, _, share in bundled])
    counts = np.ceil(FILES * shares / shares.sum()).astype(int)
    refused = {}
    for (original, read, _), count in zip(bundled, counts, strict=True):
        content = original.read_bytes()
        inside = original.is_relative_to(data_folder("evidence"))
        path = (
            evidence_copy / original.relative_to(data_folder("evidence"))
            if inside
            else tmp_path / original.name
        )
        before = sorted(path.parent.iterdir())
        for _ in range(count):
            spoilt = spoil(content, random)
            path.write_bytes(spoilt)
            try:
                refused.setdefault(original.name, []).append(is_refused(read, path))
            except BaseException:
                (tmp_path / f"failed_{original.name}").write_bytes(spoilt)
                raise
        path.write_bytes(content)
        assert set(path.parent.iterdir()) - {path} == set(before) - {path}
    assert sum(map(len, refused.values())) >= FILES
    # The reader reads: what was spoilt is mostly noticed, and not everything is refused.
    for name, found in refused.items():
        assert 0.2 < np.mean(found) <= 1, name
    assert np.mean(np.concatenate(list(refused.values()))) < 0.98


VALUES = st.recursive(
    st.one_of(
        st.floats(),
        st.integers(-(2**70), 2**70),
        st.booleans(),
        st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12),
        st.dates(),
        st.sampled_from(["fixed", "mixture", "lognormal", "ours", "stated", "1", "labour doublings", "reference"]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["family", "value", "q05", "x"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=STRUCTURES)
@given(data=st.data())
def test_views_of_any_structure_are_accepted_or_refused_in_one_line(data, tmp_path_factory):
    table = (data_folder("priors") / "davidson_2025.toml").read_text(encoding="utf-8")
    document = tomlkit.parse(table).unwrap()
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(sorted(document)) | st.just("more"))
        if isinstance(document.get(name), dict) and document[name] and data.draw(st.booleans()):
            key = data.draw(st.sampled_from(sorted(document[name])) | st.just("more"))
            document[name][key] = data.draw(VALUES)
        elif name in document and data.draw(st.booleans()):
            del document[name]
        else:
            document[name] = data.draw(VALUES)
    path = tmp_path_factory.mktemp("view") / "view.toml"
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
    if not is_refused(lambda path: sie.read_view(str(path)), path):
        view = sie.read_view(str(path))
        try:
            draws = sie.prior(view, draws=400, seed=1)
        except sie.DataError:
            return
        assert np.isfinite(draws.r_asara).all()


@pytest.mark.slow
@settings(max_examples=STRUCTURES)
@given(data=st.data())
def test_tables_of_any_cells_are_accepted_or_refused_in_one_line(data, tmp_path_factory):
    import csv

    name = data.draw(
        st.sampled_from(["returns.csv", "factors.csv", "inputs.csv", "growth.csv", "series.csv"])
    )
    with (data_folder("evidence") / name).open(newline="", encoding="utf-8") as stream:
        lines = list(csv.reader(stream))
    for _ in range(data.draw(st.integers(1, 3))):
        line = data.draw(st.integers(0, len(lines) - 1))
        cell = data.draw(st.integers(0, len(lines[line]) - 1))
        lines[line][cell] = data.draw(
            st.text(st.characters(exclude_categories=("Cs",)), max_size=12) | st.floats().map(repr)
        )
    path = tmp_path_factory.mktemp("table") / name
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(lines)
    domains = read_domains(data_folder("evidence") / "domains.csv")
    is_refused(lambda path: read_rows(path, domains, read_sources()), path)


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


@pytest.mark.slow
def test_a_process_of_every_command_ends_with_one_line(workplace):
    """Of the lines that the test above takes in this process."""
    random = np.random.default_rng(20261127)
    wanted, lines = set(cli.COMMANDS), []
    while wanted:
        line = command_line(random)
        if line[0] in wanted and not any("\x00" in word or "\ud800" in word for word in line):
            lines.append(line)
            wanted.remove(line[0])

    def run(line):
        return subprocess.run(
            [os.fsencode(word) for word in (sys.executable, "-m", "sie.cli", *line)],
            capture_output=True,
            timeout=PATIENCE,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    with ThreadPoolExecutor(2) as pool:
        for line, done in zip(lines, pool.map(run, lines), strict=True):
            out, err = done.stdout.decode(), done.stderr.decode()
            judge(line, done.returncode, out, err, {}, {})
    assert not list(Path().glob(".*"))
