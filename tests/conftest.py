"""What several test files share: the bundled data, copies of it to spoil, and the shape of a refusal."""

import csv
import os
import re
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import pytest
from page_in_browser import NO_CHROMIUM, browser  # noqa: F401 (a fixture)

import sie
from sie import cli
from sie.base.reading import data_folder

# Hundreds of processes start from here: none should compile the package again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

PATIENCE = 3600
"""Seconds after which what is waited for has hung; no load of the machine makes anything here so slow."""

hypothesis.settings.register_profile("sie", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("sie")


def pytest_addoption(parser):
    parser.addoption("--runs", type=int, default=None, help="kills of a sweep (default: 22)")
    parser.addoption(
        "--nightly", action="store_true", help="ten times as many spoilt files, from a seed that is the date"
    )


def pytest_xdist_auto_num_workers(config):
    """The whole suite runs on every core, whatever is named runs in this process, where it can be watched and timed."""
    return os.cpu_count() if config.args_source is pytest.Config.ArgsSource.TESTPATHS else 0


def pytest_collection_modifyitems(items):
    """The one long test first: a worker that came to it last would be alone with it."""
    items.sort(key=lambda item: item.path.name != "test_wheel.py")


def pytest_terminal_summary(terminalreporter):
    """Say in one line which tests were left out for want of a browser, and how to have them."""
    skipped = terminalreporter.stats.get("skipped", ())
    left = [report.nodeid.split("::")[0] for report in skipped if NO_CHROMIUM in str(report.longrepr)]
    if left:
        files = ", ".join(f"{left.count(file)} of {file}" for file in sorted(set(left)))
        cure = "install Debian's chromium (apt-get install chromium), or put another on the PATH as chromium"
        terminalreporter.write_line(f"left out for want of a browser: {files}; to have them, {cure}")


@pytest.fixture
def kills(request):
    """How often a sweep is killed."""
    return request.config.getoption("--runs") or 22


@pytest.fixture
def command(capsys, monkeypatch):
    """command("report", "--seed", 1): exit code, standard output and standard error of `sie` in this process."""

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["sie", *map(str, args)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        printed = capsys.readouterr()
        return stopped.value.code, printed.out, printed.err

    return run


@pytest.fixture(scope="session")
def evidence():
    """The bundled evidence."""
    return sie.read_evidence()


@pytest.fixture(scope="session")
def stated():
    """A view of tests alone that states the compute factor, as authors do, and is wide of everything else."""
    return sie.read_view(str(Path(__file__).parent / "stated.toml"))


@pytest.fixture
def evidence_copy(tmp_path):
    """A copy of the bundled evidence folder, to be spoilt."""
    return shutil.copytree(data_folder("evidence"), tmp_path / "evidence")


def row_changed(path, row, cells):
    """Give some cells of the row of a CSV file whose first cell is this other values."""
    with path.open(newline="", encoding="utf-8") as stream:
        lines = list(csv.reader(stream))
    header, [at] = lines[0], [i for i, line in enumerate(lines) if line[0] == row]
    for column, cell in cells.items():
        lines[at][header.index(column)] = cell
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(lines)


@pytest.fixture
def evidence_with(evidence_copy):
    """evidence_with("returns.csv", "vision_2024", domain="bread"): the copy with some cells of one row changed."""

    def change(file, row, /, **cells):
        row_changed(evidence_copy / file, row, cells)
        return evidence_copy

    return change


@pytest.fixture
def figures_with(tmp_path):
    """figures_with("deep_takeoff", stated="1.9"): the path of a figures.csv with some cells of one row changed."""

    def change(row, /, **cells):
        path = Path(shutil.copy(data_folder("evidence") / "figures.csv", tmp_path))
        row_changed(path, row, cells)
        return path

    return change


@pytest.fixture
def changed(tmp_path):
    """changed(path, old, new): a file with one text replaced; the file itself within the test's folder, else a copy there."""

    def change(path, old, new):
        text = path.read_text(encoding="utf-8")
        assert old in text
        target = path if tmp_path in path.parents else tmp_path / path.name
        target.write_text(text.replace(old, new, 1), encoding="utf-8")
        return target

    return change


@pytest.fixture(scope="session")
def view_text():
    """The text of a bundled view that argues from observed domains."""
    return (data_folder("priors") / "davidson_2025.toml").read_text(encoding="utf-8")


@pytest.fixture
def write_view(tmp_path):
    """write_view(text): the path of view.toml with this text (or these bytes)."""

    def write(text):
        path = tmp_path / "view.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return str(path)

    return write


@pytest.fixture
def view_with(view_text, write_view):
    """view_with("capabilities", q05="3"): the path of a view with keys of one table set to TOML values; None removes."""

    def change(table, **keys):
        blocks = view_text.split("\n\n")
        [at] = [i for i, block in enumerate(blocks) if block.startswith(f"[{table}]\n")]
        lines = blocks[at].splitlines()
        for key, value in keys.items():
            lines = [line for line in lines if line.split("=")[0].strip() != key]
            lines += [] if value is None else [f"{key} = {value}"]
        return write_view("\n\n".join([*blocks[:at], "\n".join(lines), *blocks[at + 1 :]]))

    return change


@pytest.fixture(scope="session")
def refused():
    """`with refused("view.toml [capabilities] family", "log-uniform"):` one line: where, what was found, what was wanted."""

    @contextmanager
    def expect(where, *parts):
        with pytest.raises(sie.DataError) as caught:
            yield
        message = str(caught.value)
        assert len(message.splitlines()) == 1
        assert re.fullmatch(r".+: found .+, want .+", message)
        assert message.startswith(where)
        for part in parts:
            assert part in message

    return expect
