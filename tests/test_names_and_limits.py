"""Names, seeds, numbers of draws and files of every kind: an answer, or one line before any work."""

import csv
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sie
from sie.base import errors, files, pytensor_folder
from sie.base.reading import data_folder
from sie.data.views import MOST_NAME_BYTES
from sie.inference.prior_draws import MOST_SEED, REPORTED_DRAWS
from sie.page.ledger import entries_of
from sie.page.snapshot import read_json

VIEW = data_folder("priors") / "davidson_houlden_2025.toml"
ORDINARY = ("mine (1)", "my view", "prévision", "見方", 'a, b; "c"', "x" * MOST_NAME_BYTES, "é" * (MOST_NAME_BYTES // 2))  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ORDINARY)
def test_what_a_report_writes_under_any_ordinary_name_is_read_again(command, tmp_path, name):
    path, out, json_ = tmp_path / f"{name}.toml", tmp_path / "out", tmp_path / "out.json"
    path.write_bytes(VIEW.read_bytes())
    report = ("report", path, "--priors-only", "--draws", 1000, "--out", out, "--json", json_)
    assert command(*report)[::2] == (0, "")
    assert command("open", out / f"{name}.nc")[::2] == (0, "")
    for saved in (json_, out / f"{name}.nc"):
        assert command("ledger", "add", tmp_path / "ledger", saved, "--date", "2026-01-31")[::2] == (0, "")
    assert [entry.view.name for entry in sie.read_ledger(tmp_path / "ledger")] == [name]
    assert command("ledger", "show", tmp_path / "ledger", "--view", name)[::2] == (0, "")
    with (out / "credences.csv").open(newline="", encoding="utf-8") as stream:
        assert {row["view"] for row in csv.DictReader(stream)} == {name}
    assert sie.read_sweep(_sweep(tmp_path, path)).cells[0].view == name
    (tmp_path / "copy").mkdir()
    copy = tmp_path / "copy" / path.name
    assert command("new", copy, "--from", path)[::2] == (0, "")
    assert sie.read_view(copy).name == name


def _sweep(folder, view):
    path = folder / "sweep.toml"
    path.write_text(f"draws = 1000\nseeds = [1]\nviews = [{json.dumps(str(view))}]\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", [".hidden", " space", "a\nb", "a\x1b[31m", "x" * (MOST_NAME_BYTES + 1)])
def test_other_names_are_refused_before_any_work(command, tmp_path, name):
    path = tmp_path / f"{name}.toml"
    path.write_bytes(VIEW.read_bytes())
    code, out, err = command("report", path, "--priors-only", "--out", tmp_path / "out")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith("the name of a view: found ")
    assert list(tmp_path.iterdir()) == [path]


def test_an_unfinished_file_has_a_name_that_the_system_takes(tmp_path):
    path = tmp_path / f"{'見' * 83}.toml"
    files.write_atomically(path, b"whole")
    assert path.read_bytes() == b"whole"


@pytest.mark.parametrize(
    ("args", "where"),
    [
        (("report", "--seed", 2**64), "--seed"),
        (("report", "--seed", MOST_SEED + 1), "--seed"),
        (("report", "--seed", -1), "--seed"),
        (("calibrate", "--seed", 2**64), "--seed"),
        (("series", "stockfish", "--seed", 2**64), "--seed"),
        (("report", "--draws", 4_000_000_000_000), "--draws"),
        (("report", "--draws", REPORTED_DRAWS[1] + 4), "--draws"),
        (("report", "--draws", REPORTED_DRAWS[1], "--out", "out"), "--draws"),
        (("table", "--draws", 4_000_000_000_000), "--draws"),
    ],
)
def test_seeds_and_draws_beyond_their_limits_are_one_line(command, args, where):
    code, out, err = command(*args)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith(f"{where}: found {args[args.index(where) + 1]}, want a")


@pytest.mark.parametrize("key", ["draws = 4000000000000\nseeds = [1]", f"draws = 1000\nseeds = [{2**64}]"])
def test_a_sweep_beyond_the_limits_is_refused(tmp_path, refused, key):
    path = tmp_path / "sweep.toml"
    path.write_text(f'{key}\nviews = ["davidson_2025"]\n')
    with refused("sweep.toml "):
        sie.read_sweep(path)


@pytest.mark.parametrize("seed", [2**64, -1, 1.5, None, True])
def test_a_seed_that_no_generator_takes_is_refused_in_python(seed, refused, evidence):
    view = sie.read_view("davidson_2025")
    with refused("seed"):
        sie.prior(view, draws=1000, seed=seed)
    with refused("seed"):
        sie.fit(sie.build(sie.usable(evidence, view), view), seed=seed)


@pytest.mark.slow
def test_the_largest_seed_has_an_answer(evidence):
    view = sie.read_view("davidson_2025")
    tree = sie.fit(sie.build(sie.usable(evidence, view), view), seed=MOST_SEED, draws=1000)
    assert tree.attrs["seed"] == MOST_SEED


def test_draws_whose_paths_exceed_the_memory_are_refused(command, monkeypatch):
    monkeypatch.setattr("sie.inference.prior_draws._memory", lambda: 4e9)
    code, out, err = command("report", "davidson_2025", "--priors-only", "--draws", 10_000_000)
    assert (code, out) == (2, "")
    assert err == "--draws: found 10000000, want at most 1739130, whose paths fit into 4.0 GB of memory\n"


def test_too_little_memory_is_one_line(command, monkeypatch):
    def starved(*args, **options):
        raise MemoryError

    monkeypatch.setattr("sie.page.text.compute", starved)
    code, out, err = command("report", "davidson_houlden_2025", "--priors-only", "--draws", 1000)
    assert (code, out) == (2, "")
    assert err.startswith("sie: found too little memory, want ")
    assert len(err.splitlines()) == 1


# Files


@pytest.mark.parametrize("table", ["", "[[lists]]\n[lists.deep]\n"], ids=["above all tables", "deep inside"])
def test_a_message_holds_nothing_that_a_terminal_obeys(table, command, tmp_path):
    path = tmp_path / "view.toml"
    key = f'{table}"\\u001b]0;pwned\\u0007" = 1\n'
    path.write_text(f"{VIEW.read_text()}\n{key}" if table else key + VIEW.read_text())
    code, _, err = command("check", path)
    assert (code, err.count("\n")) == (2, 1)
    assert err.rstrip("\n").isprintable()
    assert r"\x1b]0;pwned\x07" in err


def test_a_message_repeats_only_the_start_of_what_is_long():
    message = str(sie.DataError("x" * 10_000, "y" * 10_000, "less"))
    assert len(message.encode()) <= errors.MOST_BYTES
    assert message.endswith("..., want less")


@given(st.text(max_size=700), st.text(max_size=700) | st.integers() | st.binary(), st.text(max_size=900))
def test_no_message_is_longer_than_600_bytes_or_one_line(where, found, want):
    message = str(sie.DataError(where, found, want))
    assert len(message.encode()) <= errors.MOST_BYTES
    assert message.isprintable()
    assert ": found " in message
    assert ", want " in message


def test_what_cannot_be_printed_is_refused_all_the_same():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for found in (10**5000, deep):
        assert "too large to print" in str(sie.DataError("here", found, "less"))


HOSTILE = [
    "a" * 10**6,
    "a." * 10**5 + "!",
    "a . " * 60 + " " * 10**6,
    "1,111" * 200_000,
    "1" * 10**6,
    "-" * 10**6,
    '"' * 10**6,
]


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:4])
def test_patterns_on_a_million_letters_end(text):
    """Steps that grow with the square of the length would take hours."""
    from sie.base.reading import _LONG_KEY
    from sie.data.quotes import find_quote, fold, printed_numbers

    assert _LONG_KEY.search(text) is None or "." in text
    assert len(printed_numbers(text)) == 2
    assert not find_quote("a" * 1000 + "b", fold(text))


def test_a_pipe_and_an_endless_file_are_refused_without_reading(tmp_path, refused):
    pipe, zeros = tmp_path / "pipe.toml", tmp_path / "zeros.toml"
    os.mkfifo(pipe)
    zeros.symlink_to("/dev/zero")
    for path in (pipe, zeros):
        with refused(str(path), "something that is no file, want a regular file"):
            sie.read_view(path)


def test_a_file_of_a_terabyte_is_refused(tmp_path, refused):
    path = tmp_path / "view.toml"
    with path.open("wb") as stream:
        stream.truncate(2**40)
    with refused(str(path), "a larger file, want at most 4 MiB"):
        sie.read_view(path)


@pytest.mark.parametrize("part", ["a", '"a"', "'a'"])
@pytest.mark.parametrize("dot", [".", " . "])
def test_a_key_of_very_many_parts_is_refused_at_once(tmp_path, refused, part, dot):
    path = tmp_path / "view.toml"
    path.write_text("label = 'x'\n" + dot.join([part] * 100_000) + " = 1\n")
    with refused("view.toml line 2", "a key of many parts"):
        sie.read_view(path)


def test_half_of_a_surrogate_pair_is_refused(command, tmp_path):
    report = tmp_path / "out.json"
    assert command("report", VIEW, "--priors-only", "--draws", 1000, "--json", report)[0] == 0
    document = json.loads(report.read_text(encoding="utf-8"))
    document["views"][0]["label"] = "a \ud800 label"
    report.write_text(json.dumps(document))
    with pytest.raises(sie.DataError, match="a lone surrogate"):
        entries_of(read_json(report), "2026-01-31")


# Places that cannot be written


def test_pytensor_gets_a_folder_that_ends_with_the_process_where_its_own_cannot_be_made(
    monkeypatch, tmp_path
):
    (tmp_path / "home").write_text("a file, in which nothing can be made")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTENSOR_FLAGS", "floatX=float64")
    monkeypatch.setattr(pytensor_folder, "_scratch", None)
    pytensor_folder.use_writable_folder()
    flags = os.environ["PYTENSOR_FLAGS"]
    assert flags.startswith("floatX=float64,base_compiledir=")
    folder = flags.split("=")[-1]
    assert os.access(folder, os.W_OK)
    assert pytensor_folder.in_scratch()
    pytensor_folder.discard_scratch()
    assert not os.path.exists(folder)


def test_a_folder_that_the_user_has_chosen_stays(monkeypatch, tmp_path):
    for home, flags in ((tmp_path, ""), (tmp_path / "none", "base_compiledir=/x")):
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("PYTENSOR_FLAGS", flags)
        monkeypatch.setattr(pytensor_folder, "_scratch", None)
        pytensor_folder.use_writable_folder()
        assert os.environ["PYTENSOR_FLAGS"] == flags
