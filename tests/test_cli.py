"""The command line: its JSON, its refusals, its exit codes, and the same bytes for the same inputs."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest
from conftest import PATIENCE

from sie import cli
from sie.base.reading import data_folder
from sie.data.bibliography import read_sources
from sie.data.priors import read_view, view_names
from sie.growth.events import EVENTS


@pytest.mark.slow
def test_a_report_of_priors_writes_the_json_contract(command, tmp_path):
    target = tmp_path / "out.json"
    code, out, err = command("report", "--priors-only", "--draws", 1000, "--seed", 7, "--json", target)
    assert (code, err) == (0, "")
    document = json.loads(target.read_text())
    assert set(document) == {"version", "seed", "draws", "versions", "views"}
    assert (document["version"], document["seed"], document["draws"]) == (2, 7, 1000)
    assert [view["view"] for view in document["views"]] == view_names()
    for view in document["views"]:
        assert set(view) == {
            "view",
            "label",
            "inputs",
            "inputs_sha256",
            "levels",
            "rows_used",
            "rows_left_out",
            "r_asara",
            "credences",
            "software_times",
            "diagnostics",
        }
        assert [item["event"] for item in view["credences"]] == list(EVENTS)
        assert {item["given"] for item in view["credences"]} == {"priors"}
        assert set(view["r_asara"]) == {"priors"}
        assert view["diagnostics"] is None
        assert all(0 <= item["p"] <= 1 and item["mcse"] > 0 for item in view["credences"])
    assert "ASARA" in out
    assert "author says" in out


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (("nope",), "nope"),
        ((), "no command"),
        (("report", "--nope"), "--nope"),
        (("report", "--seed", "x"), "--seed"),
        (("report", "--seed", "-1"), "--seed"),
        (("report", "--draws", "999"), "999"),
        (("report", "--draws", "1002"), "1002"),
        (("report", "no_such_view"), "no_such_view"),
        (("report", "missing.toml"), "missing.toml"),
        (("report", "reference", "reference"), "two views named reference"),
        (("report", "--evidence", "no_such_folder"), "no_such_folder"),
        (("report", "--json", "no_such_folder/out.json"), "no_such_folder"),
        (("report", "--out", "file"), "--out file"),
        (("report", "--json", "same", "--out", "same"), "another target"),
        (("report", "own.toml", "--json", "own.toml"), "an input"),
        (("report", "--json", "pipe"), "--json pipe"),
        (("new", "", "--from", "reference"), "NAME"),
        (("new", "x" * 300, "--from", "reference"), "NAME"),
        (("report", "--out", "/proc/nowhere"), "/proc"),
        (("check", "--sources", "no_such_folder"), "no_such_folder"),
        (("check", "data.txt"), "'.txt'"),
        (("check", "missing.csv"), "missing.csv"),
        (("new", "mine", "--from", "no_such_view"), "no_such_view"),
        (("new", "mine"), "--from"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(command, tmp_path, monkeypatch, args, found):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "own.toml").write_text((data_folder("priors") / "reference.toml").read_text())
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.rglob("*"))
    code, out, err = command(*args)
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert found in err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_is_written_through_and_stays_a_link(command, tmp_path):
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("")
    link.symlink_to(target)
    assert command("report", "reference", "--priors-only", "--draws", 1000, "--json", link)[0] == 0
    assert link.is_symlink()
    assert json.loads(target.read_text())["version"] == 2


@pytest.mark.parametrize("r", ["0.001", "1000"])
def test_r_far_from_1_is_reported_all_the_same(command, tmp_path, r):
    text = (data_folder("priors") / "davidson_houlden_2025.toml").read_text()
    start = text.index("[r_asara]")
    path = tmp_path / "far.toml"
    path.write_text(
        text[:start]
        + text[start:]
        .replace('family  = "loguniform"', 'family  = "fixed"', 1)
        .replace("lower   = 0.4", f"value   = {r}", 1)
        .replace("upper   = 3.6", "", 1)
    )
    code, out, err = command("report", path, "--priors-only", "--draws", 1000)
    assert (code, err) == (0, "")
    assert "far" in out


@pytest.mark.slow
def test_a_closed_standard_output_is_no_traceback():
    for command in ("equations", "list"):
        piped = f"{sys.executable} -m sie.cli {command} | head -0; echo ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", piped], capture_output=True, text=True, timeout=PATIENCE)
        assert (done.stdout, done.stderr) == ("141\n", "")


@pytest.mark.slow
def test_text_that_a_terminal_cannot_show_is_replaced():
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "sie.cli", "equations", "reference"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "(5?95 %)" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "found", "want"),
    [
        ('family  = "lognormal"', 'family  = "log-normal"', "'log-normal'", "one of fixed"),
        ("[spread]", "[spred]", "unknown key", "did you mean spread?"),
        ("q05     = 1.7", "q05     = 17", "not below", "q05 < q95"),
        ("q05     = 1.7", "q05     = -1.7", "-1.7", "above 0"),
        ("q05     = 1.7", "q05     = nan", "nan", "finite"),
        ("q05     = 1.7", "q05     = 1.6", "no 1.6", "stated number"),
        ("label ", "lable ", "nothing", "required"),
        ('source   = "davidson_2025_reply"', 'source   = "nobody"', "'nobody'", "sources.toml"),
        ("[spread]", "[spread", "TOML syntax error", "valid TOML"),
        ('    "vision_2024",', '    "vision_1999",', "'vision_1999'", "evidence row"),
    ],
)
def test_a_bad_view_gets_one_line_that_names_the_file_and_nothing_is_written(
    command, changed, tmp_path, old, new, found, want
):
    path = changed(data_folder("priors") / "davidson_2025.toml", old, new)
    target = tmp_path / "out.json"
    code, out, err = command("report", path, "--priors-only", "--draws", 1000, "--json", target)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "davidson_2025" in err
    assert found in err
    assert want in err
    assert not target.exists()
    assert command("check", path)[0] == 2


@pytest.mark.slow
def test_check_finds_no_problem_in_the_bundled_data(command):
    code, out, err = command("check")
    assert (code, err) == (0, "")
    assert "no problem" in out


def test_check_reads_one_evidence_table_among_the_bundled_others(command, tmp_path):
    path = tmp_path / "returns.csv"
    text = (data_folder("evidence") / "returns.csv").read_text()
    path.write_text(text)
    assert command("check", path)[0] == 0
    path.write_text(text.replace(",labour,", ",work,", 1))
    code, _, err = command("check", path)
    assert (code, err.count("\n")) == (2, 1)
    assert "returns.csv line 2 input: found 'work', want one of labour" in err


@pytest.mark.slow
def test_check_names_a_quote_that_is_not_in_its_text(command, tmp_path):
    texts = tmp_path / "texts"
    texts.mkdir()
    for name in {work.text for work in read_sources().values() if work.text}:
        (texts / name).write_text("nothing of the kind")
    code, _, err = command("check", "--sources", texts)
    assert code == 2
    assert "davidson_2025.toml [capabilities] quote: found 'toy ML experiments" in err
    assert all("want words that stand in" in line for line in err.splitlines())


def test_list_names_every_view_event_and_row(command):
    code, out, _ = command("list")
    assert code == 0
    assert all(
        name in out for name in (*EVENTS, "reference", "davidson_2025", "alexnet_2020", "compute_poll_2025")
    )


def test_new_writes_a_complete_view_that_reports_like_its_origin(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command("new", "mine", "--from", "davidson_2025")[0] == 0
    command("report", "mine.toml", "--priors-only", "--draws", 1000, "--json", "mine.json")
    command("report", "davidson_2025", "--priors-only", "--draws", 1000, "--json", "his.json")
    mine, his = (json.loads((tmp_path / name).read_text())["views"][0] for name in ("mine.json", "his.json"))
    assert mine["credences"] == his["credences"]
    code, _, err = command("new", "mine", "--from", "davidson_2025")
    assert code == 2
    assert "a file that exists" in err


def test_a_view_begun_from_the_reference_is_silent_until_its_author_speaks(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command("new", "mine", "--from", "reference")[0] == 0
    view = read_view("mine.toml")
    assert {entry.basis for entry in view.entries.values()} == {"reference"}
    assert command("check", "mine.toml")[0] == 0


def test_version_is_printed(command):
    assert command("--version")[1].startswith("sie ")


def test_help_lists_every_command_once(command):
    code, out, _ = command("--help")
    assert code == 0
    assert sorted(name for names in cli.PANELS.values() for name in names) == sorted(cli.COMMANDS)
    listed = [line.split()[1] for line in out.splitlines() if re.match("│ [a-z]", line)]
    assert sorted(listed) == sorted(cli.COMMANDS)


def test_a_wrong_option_names_the_help_of_its_command(command):
    assert command("grow", "--nope")[2].endswith("(see sie grow --help)\n")
    assert command("nope")[2].endswith("(see sie --help)\n")


def process(*args, **env):
    done = subprocess.run(
        [sys.executable, "-m", "sie.cli", *map(str, args)],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def full_report(tmp_path_factory):
    """`sie report` of every view, as a process of its own."""
    folder = tmp_path_factory.mktemp("report")
    done = process(
        "report", "--verbose", "--draws", 4000, "--json", folder / "all.json", "--out", folder / "out"
    )
    return folder, done


@pytest.mark.slow
def test_a_full_report_has_evidence_wherever_it_can_move_the_view(full_report):
    folder, done = full_report
    views = {view["view"]: view for view in json.loads((folder / "all.json").read_text())["views"]}
    assert list(views) == view_names()
    for name in (name for name in view_names() if read_view(name).states_r_asara):
        direct = views.pop(name)
        assert {item["given"] for item in direct["credences"]} == {"priors"}
        assert direct["diagnostics"] is None
    assert "r stated directly" in done.stdout
    for view in views.values():
        assert [item["given"] for item in view["credences"][:2]] == ["priors", "evidence"]
        assert view["diagnostics"]["max_rhat"] <= 1.01
        assert view["diagnostics"]["divergences"] == 0
        left_out = {row["id"]: row["why"] for row in view["rows_left_out"]}
        assert not set(left_out) & set(view["rows_used"])
        if read_view(view["view"]).derives_compute_bottleneck:
            assert "stockfish" in view["rows_used"]
        elif "stockfish_2024" in read_view(view["view"]).reflects:
            assert (
                left_out["stockfish"] == "same output data as stockfish_2024, which the view already reflects"
            )
        else:
            assert "measured against compute" in left_out["stockfish"]
    assert "alexnet_growth" in views["reference"]["rows_used"]
    assert (
        "reflects"
        in {row["id"]: row["why"] for row in views["davidson_2025"]["rows_left_out"]}["alexnet_2020"]
    )


@pytest.mark.slow
def test_the_output_folder_has_draws_credences_and_plots(full_report):
    import xarray as xr

    folder, _ = full_report
    names = {path.name for path in (folder / "out").iterdir()}
    plots = {
        f"{view}_{plot}.png"
        for view in view_names()
        for plot in ("waterfall", "r", "domains", "fan", "progress")
        if plot != "domains" or not read_view(view).states_r_asara
    }
    draws = {f"{view}.nc" for view in view_names()}
    assert names == plots | draws | {"credences.csv"}
    with xr.open_datatree(folder / "out" / "reference.nc", engine="h5netcdf") as tree:
        assert tree["posterior"].r_asara.size == 4000
        assert tree["posterior"].recent_pace.attrs["unit"] == "training-efficiency doublings per year"


@pytest.mark.slow
@pytest.mark.parametrize("step", ["drawing from the priors", "log density", "sampling 4 chains"])
def test_an_interrupt_stops_with_130_and_writes_nothing(tmp_path, step):
    """At each step, as soon as it says that it has begun."""
    target = tmp_path / "out.json"
    options = ("--verbose", "report", "reference", "--draws", "4000000", "--json", target)
    command = [sys.executable, "-m", "sie.cli", *options]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        while step not in (line := running.stderr.readline()):
            assert line, "it ended before that step"
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=PATIENCE)
    finally:
        running.kill()
    assert (running.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "sie: interrupted"
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_bytes_do_not_depend_on_caches_cores_or_the_order_of_views(full_report, tmp_path):
    folder, _ = full_report
    every = {view["view"]: view for view in json.loads((folder / "all.json").read_text())["views"]}
    cold = {
        "PYTENSOR_FLAGS": f"base_compiledir={tmp_path / 'pytensor'}",
        "NUMBA_CACHE_DIR": str(tmp_path / "numba"),
        "NUMBA_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    process("report", "reference", "davidson_2025", "--draws", 4000, "--json", tmp_path / "some.json", **cold)
    some = json.loads((tmp_path / "some.json").read_text())["views"]
    assert [view["view"] for view in some] == ["reference", "davidson_2025"]
    for view in some:
        assert json.dumps(view) == json.dumps(every[view["view"]])


@pytest.mark.parametrize(
    ("args", "meant"),
    [
        (("report", "refrence"), "reference"),
        (("table", "--event", "years_3_1y", "--priors-only"), "years_3_in_1y"),
        (("report", "reference", "--levels", "SAT solver=epoch"), "SAT solvers"),
        (("sensitivity", "davidson2025"), "davidson_2025"),
    ],
)
def test_a_name_that_is_spelt_nearly_right_is_suggested(command, args, meant):
    code, _, err = command(*args)
    assert (code, err.count("\n")) == (2, 1)
    assert f"(did you mean {meant}?), want" in err


def test_several_views_come_on_one_screen_and_in_full_where_asked(command):
    views = ("davidson_houlden_2025", "ai_futures_2025", "--priors-only", "--draws", 1000)
    code, out, _ = command("report", *views)
    assert code == 0
    assert len(out.splitlines()) < 20
    assert "Reference view" not in out  # whose stored answer is of a run with evidence
    lines = {
        line.split()[0]: line.split()
        for line in out.splitlines()
        if line.startswith(" ") and line.split()[1:]
    }
    assert lines["ai_futures_2025"][1:4] == ["5", "of", "13"]
    assert "38" in lines["ai_futures_2025"]
    code, full, _ = command("report", *views, "--verbose")
    assert code == 0
    assert len(full.splitlines()) > 60
    for name, line in lines.items():
        if name in view_names():
            p = line[4]
            assert p in full
