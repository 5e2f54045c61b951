"""Interrupts, full disks, folders that cannot be written, closed pipes, two processes at once: no file is ever half written."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from conftest import PATIENCE

import sie
from sie.base import files
from sie.base import tasks as engine
from sie.base.cluster import cluster
from sie.base.errors import DataError
from sie.base.reading import data_folder
from sie.base.stores import open_rows

SIE = (sys.executable, "-m", "sie.cli")
REPORT = (
    "report",
    "davidson_houlden_2025",
    "--priors-only",
    "--draws",
    "1000",
    "--out",
    "out",
    "--json",
    "out.json",
)
SMALL_DISK = 20_000
HEAVY = ("xarray", "pandas", "arviz", "arviz_stats", "numba", "pymc", "nutpie", "matplotlib", "distributed", "dask", "zarr")  # fmt: skip
START_SECONDS = 1.0


def run(*args, folder, **options):
    return subprocess.run(
        [*SIE, *args], cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False, **options
    )


def seen(folder):
    """What a run left, by name: bytes, or for draws the credences that they give."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".nc" and path.name[0] != ".":
            found[path.relative_to(folder)] = sie.open_saved(path).credences["priors"].p.values.tolist()
        elif path.is_file():
            found[path.relative_to(folder)] = path.read_bytes()
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    done = run(*REPORT, folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return seen(folder)


KILLER = """
import json, os, resource, signal, sys
from sie import cli

def run(folder, arguments, step, size):
    os.chdir(folder)
    if size:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the system ends a process whose file would grow beyond this
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    count = 0
    def at(event, found):
        nonlocal count
        if event in ("open", "os.mkdir", "os.rename", "os.chmod") and folder in os.path.abspath(str(found[0])):
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
    if step:
        sys.addaudithook(at)
    sys.argv = ["sie", *arguments]
    cli.main()

def ended(line):
    try:
        run(*line)
    except SystemExit as stopped:
        return stopped.code or 0

answers = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
for line in map(json.loads, sys.stdin):
    if not any(line[2:]):
        code = ended(line)
    elif (child := os.fork()) == 0:
        os._exit(ended(line))
    else:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(code, file=answers, flush=True)
"""
"""Runs commands: in its own process, which then knows all modules, or in a fork that is killed before the nth step that it takes in
its folder, or while a file is written, as it grows beyond a size."""


@pytest.fixture(scope="module")
def killer():
    """killer(folder, arguments, step, size): how a command ended; 0 kills at no step, and at no size."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def run(folder, arguments, *, step=0, size=0):
            process.stdin.write(json.dumps([str(folder), arguments, step, size]) + "\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield run
    assert process.returncode == 0


NAME = "davidson_houlden_2025"
WRITERS = {
    "report": (REPORT, 12, 20),
    "ledger": (("ledger", "add", "ledger.jsonl", "../saved/out.json", "--date", "2026-02-01"), 8, 15),
    "page": (("open", f"../saved/out/{NAME}.nc", "--html", "page.html"), 5, 20),
}
"""Commands that write, and how often each is killed between steps and while it writes."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", WRITERS)
def test_a_command_killed_at_any_step_or_byte_leaves_whole_files(kind, tmp_path, killer, undisturbed):
    arguments, between, within = WRITERS[kind]
    for path, content in undisturbed.items():
        (tmp_path / "saved" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "saved" / path).write_bytes(content if isinstance(content, bytes) else b"")
    folder, quiet = tmp_path / "folder", tmp_path / "quiet"
    for place in (folder, quiet):
        place.mkdir()
        if kind == "page":
            assert (
                killer(place, ["report", NAME, "--priors-only", "--draws", "1000", "--out", "../saved/out"])
                == 0
            )
        if kind == "ledger":
            assert killer(place, [*arguments[:-1], "2026-01-01"]) == 0
    old, before = seen(folder), shutil.copytree(folder, tmp_path / "before")
    assert killer(quiet, arguments) == 0
    new, half_written, kills = seen(quiet), 0, []
    largest = max(path.stat().st_size for path in quiet.rglob("*") if path.is_file())
    plan = [{"step": 1 + i if i < 4 else 4 + 5 * (i - 4)} for i in range(between)]
    plan += [{"size": largest * (2 * i + 1) // (2 * within)} for i in range(within)]
    for kill in plan:
        if kills and kills[-1] >= 0:  # it came to its end: begin anew
            shutil.rmtree(folder)
            shutil.copytree(before, folder)
        kills.append(killer(folder, arguments, **kill))
        left = seen(folder)
        half = {name for name in left if name.name[0] == "."}
        half_written += any(name.suffix != ".lock" for name in half)
        for name, content in left.items():
            assert name in half or content in (old.get(name), new[name]), (kill, name)
    killed = [code for code in kills if code < 0]
    print(f"{kind}: {len(killed)} kills, {half_written} while a file was written")
    assert set(killed) == {-signal.SIGKILL, -signal.SIGXFSZ}
    assert half_written >= within / 2
    assert killer(folder, arguments) == 0
    assert seen(folder) == new  # what a kill left unfinished is gone, too


@pytest.mark.slow
def test_a_report_under_the_settings_of_jupyter_and_of_a_matplotlibrc_is_the_same(tmp_path, undisturbed):
    """Jupyter hands its backend to each command; where it is not installed, matplotlib cannot be imported."""
    settings = tmp_path / "matplotlibrc"
    settings.write_text("text.usetex: True\nno.such.key: 1\n")
    jupyter = {"MPLBACKEND": "module://no_such_package.backend_inline", "MATPLOTLIBRC": str(settings)}
    folder = tmp_path / "run"
    folder.mkdir()
    done = run(*REPORT, folder=folder, env={**os.environ, **jupyter})
    assert (done.returncode, done.stderr) == (0, "")
    assert seen(folder) == undisturbed


@pytest.mark.slow
def test_two_reports_into_one_folder_give_whole_files(tmp_path, undisturbed):
    both = [subprocess.Popen([*SIE, *REPORT], cwd=tmp_path, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [one.wait(PATIENCE) for one in both] == [0, 0]
    assert seen(tmp_path) == undisturbed


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_no_half_written_file(tmp_path, undisturbed):
    def little_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_DISK, SMALL_DISK))

    done = run(*REPORT, folder=tmp_path, preexec_fn=little_room)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "want a writable place" in done.stderr
    assert seen(tmp_path).items() <= undisturbed.items()


@pytest.mark.slow
def test_places_that_cannot_be_written_are_refused_before_the_work(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o555)
    places = ["/proc", "/dev/null/x", *([str(closed)] if os.geteuid() else [])]
    for place in places:
        for target in (("--out", f"{place}/out"), ("--json", f"{place}/x.json")):
            done = run(*REPORT[:-4], *target, folder=tmp_path)
            assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done
    assert list(tmp_path.iterdir()) == [closed]


@pytest.mark.slow
@pytest.mark.parametrize(
    "args", [("equations",), ("list",), ("--help",), ("--version",), REPORT[:5], ("check",)]
)
def test_a_closed_pipe_ends_silently_with_141_and_a_full_device_in_one_line(args, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    options = {"stderr": subprocess.PIPE, "text": True, "timeout": PATIENCE, "check": False, "cwd": tmp_path}
    done = subprocess.run([*SIE, *args], stdout=writer, **options)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")
    with open("/dev/full", "w") as full:
        done = subprocess.run([*SIE, *args], stdout=full, **options)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "No space left on device on standard output" in done.stderr


INTERRUPTED = """
import os, signal, sys
from sie.__main__ import main
count, last = 0, int(sys.argv[1])
def at(event, arguments):
    global count
    if event in ("import", "open", "subprocess.Popen", "socket.bind"):
        count += 1
        if count == last:
            os.killpg(0, signal.SIGINT)
sys.argv = ["sie", *sys.argv[2:]]
sys.addaudithook(at)
main()
"""
"""Interrupts itself and all that it started, as a terminal does, at the nth import or opening of a file."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "moments"),
    [
        (("equations",), (1, 2, 30, 150, 300, 450)),
        (("sweep", "sweep.toml", "--out", "s.zarr"), (900, 2000, 3000, 3800, 4300, 4800, 5100)),
    ],
)
def test_ctrl_c_at_any_moment_ends_with_130_and_one_line(args, moments, tmp_path):
    (tmp_path / "sweep.toml").write_text(
        'draws = 1000\nseeds = [1, 2, 3]\nviews = ["davidson_houlden_2025"]\n'
    )
    codes = []
    for moment in moments:
        done = subprocess.run(
            [sys.executable, "-c", INTERRUPTED, str(moment), *args], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, start_new_session=True
        )  # fmt: skip
        codes.append(done.returncode)
        assert (done.returncode, done.stderr) in ((130, "sie: interrupted\n"), (0, "")), (moment, done.stderr)
    print(args[0], dict(zip(moments, codes, strict=True)))
    assert codes.count(130) >= len(moments) - 2


def test_what_a_killed_process_left_is_removed_by_the_next_and_a_living_one_keeps_its_own(tmp_path):
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True)  # fmt: skip
    dead = tmp_path / f".table.{files._writer(int(gone.stdout))}.abc.csv"
    alive = tmp_path / f".table.{files._writer(os.getppid())}.abc.csv"
    other = tmp_path / ".table.another-machine-1.abc.csv"
    for path in (dead, alive, other):
        path.write_text("half")
    files.write_atomically(tmp_path / "table.csv", b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([alive.name, other.name, "table.csv"])


def test_a_writer_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def fails(target):
        target.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match="No space left on device"):
        files.write_whole(path, fails)
    assert [item.read_text() for item in tmp_path.iterdir()] == ["old"]


def one(seed):
    """A task that is done at once."""
    import numpy

    return numpy.array([1.0, float(seed)])


# Workers have no tests to import from: let the function travel whole.
one.__module__ = "__main__"


@pytest.mark.slow
def test_no_task_is_left_out_where_there_are_more_than_are_handed_out_at_first(tmp_path):
    labels = [{"seed": i} for i in range(3 * engine.AHEAD)]
    rows = open_rows(tmp_path / "s.zarr", labels, ["status", "value"], sha256="x")
    with cluster(1) as client:
        ended = engine.run_tasks(one, lambda i: labels[i], rows, client, shared={}, log=tmp_path / "log")
    assert ended == {"had": 0, "damaged": 0, "done": len(labels), "not converged": 0, "lost": 0}
    assert rows[:, 1].tolist() == list(range(len(labels)))


INTRUDER = """
import asyncio, os, pickle, sys, urllib.request
from distributed import Security
from distributed.core import connect, send_recv

async def run(port, protocol, security):
    arguments = security.get_connection_args("client") if security else {}
    comm = await connect(f"{protocol}://127.0.0.1:{port}", timeout=3, **arguments)
    for what in ({"op": "run", "function": pickle.dumps(os.getuid)}, {"op": "identity"}):
        try:
            print(port, await send_recv(comm, **what), flush=True)
        except Exception:  # closed before an answer
            pass

def http(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        print(port, answer.read(), flush=True)

async def main():
    for port in sys.argv[1:]:
        for attempt in (
            run(port, "tcp", None), run(port, "tls", Security.temporary()), asyncio.to_thread(http, port)
        ):
            try:
                await asyncio.wait_for(attempt, 10)
            except Exception:  # refused before anything was asked, or not answered
                pass

asyncio.run(main())
print("tried as", os.getuid())
"""


def listening():
    """The TCP ports on which this process and those below it listen."""
    here = psutil.Process()
    return {
        connection.laddr.port
        for process in (here, *here.children(recursive=True))
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }


STRANGER = 65534
"""Another user id; it may read the interpreter, nothing else of root's."""


@pytest.mark.slow
def test_nobody_else_runs_code_in_a_cluster_or_reads_what_it_says():
    other = ()
    if root := os.geteuid() == 0:
        user = (f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups")
        other = ("setpriv", *user, "--inh-caps=-all,+dac_read_search", "--ambient-caps=+dac_read_search")
    before = listening()  # a server of another test
    with cluster(1) as client:
        assert client.submit(os.getpid).result() != os.getpid()
        ports = listening() - before
        assert int(client.scheduler.address.rsplit(":", 1)[1]) in ports
        done = subprocess.run(
            [*other, sys.executable, "-c", INTRUDER, *map(str, ports)],
            capture_output=True,
            text=True,
            cwd="/",
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"tried as {STRANGER if root else os.getuid()}"]


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root acts as a second user")
def test_nobody_else_reads_the_temporary_folders_of_a_cluster_and_of_compiled_code(monkeypatch):
    from sie.base import pytensor_folder

    with tempfile.TemporaryDirectory(dir="/tmp") as public:
        os.chmod(public, 0o777)
        monkeypatch.setattr(tempfile, "tempdir", public)
        monkeypatch.setenv("HOME", "/dev/null")
        monkeypatch.setenv("PYTENSOR_FLAGS", "")
        pytensor_folder.use_writable_folder()
        user = ("setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups", "--inh-caps=-all")
        try:
            with cluster(1):
                held = sorted(path.name for path in Path(public).iterdir())
                seen = subprocess.run(
                    [*user, "find", public, "-mindepth", "2"], capture_output=True, text=True
                )
                wrote = [subprocess.run([*user, "touch", f"{public}/{name}/x"], capture_output=True).returncode for name in held]  # fmt: skip
        finally:
            pytensor_folder.discard_scratch()
            monkeypatch.setattr(pytensor_folder, "_scratch", None)
    assert len(held) == 2
    assert seen.stdout == ""
    assert seen.stderr.count("Permission denied") == len(held)
    assert all(wrote)


TRIED = """
import contextlib, io, os, pathlib, sys, tempfile
public, *rest = sys.argv[1:]
tried, inside = [], []

def attempt(path):
    "Whether another user may list where a file lies, or read it."
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
    for look in (lambda: os.listdir(os.path.dirname(path)), lambda: open(path, "rb")):
        with contextlib.suppress(PermissionError):
            look()
            os._exit(1)
    os._exit(0)

def watch(event, arguments):
    if event != "open" or inside or not str(arguments[0]).startswith(public + "/"):
        return
    inside.append(1)
    path = os.fsdecode(arguments[0])
    if os.path.dirname(path) != public:
        tried.append((os.path.basename(path), attempt(path)))
    elif os.path.exists(path):
        tried.append(("", os.stat(path).st_mode & 0o077 != 0))
    else:  # as tempfile makes them, for their owner alone
        tried.append(("", not arguments[2] & os.O_EXCL))
    inside.clear()

import sie
from sie import cli
from sie.page.snapshot import read_json
sys.addaudithook(watch)
for args in COMMANDS:
    sys.argv = ["sie", *args]
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            cli.main()
    except SystemExit as ended:
        assert not ended.code, args
    inside.clear()
read_json(pathlib.Path("out.json"))
print(sorted({name for name, _ in tried}))
print([name for name, read in tried if read])
"""
"""Runs commands whose temporary files go to a folder that everybody may write, and tries to read each of them as another user."""

HISTORY = "date,output [doublings],effort [person-years]\n" + "".join(
    f"{year}-01-01,{value},{work}\n"
    for year, value, work in [(2014, 0, 10), (2016, 1.1, 14), (2018, 2.3, 20), (2020, 3.2, 28), (2022, 4.4, 40), (2024, 5.3, 56)]
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root acts as a second user")
def test_nobody_else_reads_a_draft_or_a_table_from_a_temporary_folder(tmp_path):
    (tmp_path / "history.csv").write_text(HISTORY)
    commands = [
        ["report", "davidson_houlden_2025", "--draws", "1000", "--out", "out", "--json", "out.json"],
        ["open", "out/davidson_houlden_2025.nc"],
        ["add-row", "inputs", *["id=own", "quantity=sigma", "scale=log", "unit=1", "q05=0.5", "q50=0.8", "q95=1.3", "definition_sd=0.3", "note=here", "--into", "mine"]],
        ["series", "history.csv"],
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(dir="/tmp") as public:
        os.chmod(public, 0o777)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", TRIED.replace("COMMANDS", repr(commands)), public],
            cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, "TMPDIR": public},
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names, read = done.stdout.splitlines()
    assert {"view.toml", "inputs.csv"} <= set(json.loads(names.replace("'", '"')))
    assert read == "[]"


@pytest.mark.parametrize("spoil", ["another user's", "anybody's"])
def test_compiled_code_that_others_could_have_written_is_not_loaded(spoil, tmp_path, monkeypatch, capsys):
    from sie.base import kernels

    monkeypatch.setattr(kernels, "places", lambda: [tmp_path])
    folder = kernels._choose_folder()
    assert folder is not None
    assert folder.stat().st_mode & 0o777 == 0o700
    assert kernels._choose_folder() == folder
    if spoil == "anybody's":
        folder.chmod(0o777)
    elif os.geteuid() == 0:
        monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
        os.chown(folder, STRANGER + 1, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert kernels._choose_folder() is None
    assert "want one: set NUMBA_CACHE_DIR" in capsys.readouterr().err


# Starting


STARTS = [
    "import sie",
    "import sie.cli; sys.argv = ['sie', '--help']\ntry: sie.cli.main()\nexcept SystemExit: pass\n",
]


def started(statement):
    """The seconds of processor time that a statement took in a new process, and the modules that it imported."""
    code = f"import json, sys, time; began = time.process_time(); exec({statement!r}); took = time.process_time() - began; print(json.dumps([took, sorted(sys.modules)]), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    return json.loads(done.stderr.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("statement", STARTS)
def test_starting_imports_nothing_heavy(statement):
    assert not [name for name in HEAVY if name in started(statement)[1]]


@pytest.mark.slow
@pytest.mark.timed
@pytest.mark.parametrize("statement", STARTS)
def test_starting_is_quick(statement):
    assert started(statement)[0] < START_SECONDS


# What fuzzing found


@pytest.mark.parametrize(
    "text", ["id,sha256,inputs\nx\n", "id,sha256,inputs\n\n", f"id,sha256,inputs\nx,{'y' * 200_000},z\n"]
)
def test_a_spoilt_index_of_likelihoods_is_refused(text, evidence_copy, refused):
    from sie.returns.likelihoods import read_likelihood

    (evidence_copy / "likelihoods" / "index.csv").write_text(text)
    with refused("index.csv"):
        read_likelihood("epoch_sat_growth", evidence_copy)


def test_a_stray_quote_in_the_stated_figures_is_refused(tmp_path, refused):
    path = tmp_path / "figures.csv"
    text = (data_folder("evidence") / "figures.csv").read_text(encoding="utf-8")
    path.write_text(text + '"a"b,\n', encoding="utf-8")
    with refused("figures.csv", "a CSV error"):
        sie.figures(path)


def test_a_sweep_that_scales_what_a_view_does_not_state_is_refused(tmp_path, refused):
    path = tmp_path / "sweep.toml"
    text = "draws = 1000\nseeds = [1]\nviews = ['reference']\n[sample]\ncells = 2\nseed = 1\n"
    path.write_text(text + "scale = { ceilings = [0.5, 2.0] }\n")
    with refused("sweep.toml [sample] scale ceilings", "a quantity that reference does not state"):
        sie.read_sweep(path)


def test_a_name_that_is_too_long_is_refused_as_such(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = command("check", "--sources", "x" * 5000)
    assert (code, out) == (2, "")
    assert err == f"{'x' * 80}...: found File name too long, want a path that can be used\n"


@pytest.mark.parametrize(
    ("args", "package", "extra"),
    [
        (("sweep", "x.toml", "--out", "x.zarr"), "zarr", "cluster"),
        (("calibrate", "reference"), "distributed", "cluster"),
        (("evidence", "reference", "--loo", "--workers", "2"), "cryptography", "cluster"),
        (("explore",), "uvicorn", "serve"),
        (("notebooks", "--ipynb", "x"), "nbformat", "notebooks"),
    ],
)
def test_a_command_whose_extra_is_missing_says_which_to_install(
    args, package, extra, command, monkeypatch, tmp_path
):
    from sie.base import imports

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(imports, "find_spec", lambda name: None if name == package else True)
    code, out, err = command(*args)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f'found no package {package}, want it (pip install "sie[{extra}]")' in err
    assert list(tmp_path.iterdir()) == []


def test_the_extras_are_those_of_the_project():
    import tomllib

    from sie.base.imports import EXTRAS

    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    names = {
        extra: [need.split(">")[0] for need in needs]
        for extra, needs in project["optional-dependencies"].items()
    }
    assert names == {extra: list(names) for extra, names in EXTRAS.items()}


# Environments


QUICK = REPORT[:5]
PREPARED = """
import os, resource, sys
how, *arguments = sys.argv[1:]
if how == "files":
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
if how.startswith("memory"):
    resource.setrlimit(resource.RLIMIT_AS, (int(how.split()[1]),) * 2)
if how == "core":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
if how == "clock":
    import time
    for name, hour in (("time", 3600.0), ("time_ns", 3600 * 10**9)):
        def back(real=getattr(time, name), hour=hour, calls=[0]):
            calls[0] += 1
            return real() - calls[0] * hour
        setattr(time, name, back)
sys.argv = ["sie", *arguments]
from sie.__main__ import main
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    ["files", "core", "clock", "-O", "LC_ALL=C", "HOME=/nonexistent", "HOME=", "NUMBA_NUM_THREADS="],
)
def test_a_report_is_the_same_in_an_odd_environment(how, tmp_path, undisturbed):
    flags = [how] if how[0] == "-" else []
    odd = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"} if "LC_" in how else {}
    odd |= dict([how.split("=")]) if "=" in how else {}
    done = subprocess.run(
        [sys.executable, *flags, "-c", PREPARED, how, *REPORT], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, **odd}
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert seen(tmp_path) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "odd", "told"),
    [
        ("memory 100000000", {}, "found a limit of 95 MiB of memory, want at least 512 (ulimit -v)"),
        ("memory 300000000", {}, "found a limit of 286 MiB of memory, want at least 512 (ulimit -v)"),
        (
            "none",
            {"NUMBA_DISABLE_JIT": "1"},
            "NUMBA_DISABLE_JIT: found 1, want it unset: paths need compiled code",
        ),
        ("none", {"NUMBA_NUM_THREADS": "0"}, "NUMBA_NUM_THREADS: found '0', want a whole number above 0"),
        ("none", {"NUMBA_NUM_THREADS": "2,1"}, "NUMBA_NUM_THREADS: found '2,1', want a whole number above 0"),
        ("none", {"OMP_NUM_THREADS": "-3"}, "OMP_NUM_THREADS: found '-3', want a whole number above 0"),
        ("none", {"PYTHONOPTIMIZE": "2"}, "found Python without docstrings (-OO, PYTHONOPTIMIZE=2)"),
    ],
)
def test_where_there_can_be_no_answer_one_line_says_what_to_set(how, odd, told, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PREPARED, how, *QUICK], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, **odd}
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert told in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("size", [550_000_000, 700_000_000, 900_000_000])
def test_little_memory_gives_an_answer_or_one_line(size, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PREPARED, f"memory {size}", *QUICK], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) in ((0, 0), (2, 1)), done
    assert (done.stdout == "") == (done.returncode == 2)
    assert "memory" in done.stderr or done.returncode == 0


@pytest.mark.slow
def test_a_folder_that_is_gone_and_a_message_that_cannot_be_written_are_bad_input(tmp_path):
    code = "import os, sys; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone'); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    sie_here = [*SIE[1:], "report", "./nobody.toml"]
    done = subprocess.run(
        [sys.executable, "-c", code, *sie_here], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "standard output" not in done.stderr
    with open("/dev/full", "w") as full:
        assert subprocess.run([*SIE, "report", "nobody"], stderr=full, timeout=PATIENCE).returncode == 2


def without(*numbers):
    return lambda: [os.close(number) for number in numbers]


@pytest.mark.slow
def test_closed_streams_are_refused_and_nothing_is_written_into_another_file(tmp_path):
    args, options = [*SIE, *REPORT[:5], "--json", "out.json"], {"cwd": tmp_path, "timeout": PATIENCE}
    done = subprocess.run(args, stderr=subprocess.PIPE, preexec_fn=without(1), text=True, **options)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "a closed standard output" in done.stderr
    assert subprocess.run(args, preexec_fn=without(1, 2), **options).returncode == 2
    done = subprocess.run(
        [*SIE, "report", "nobody"], stdout=subprocess.PIPE, preexec_fn=without(2), **options
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert list(tmp_path.iterdir()) == []


def test_doctor_tells_what_fails_and_goes_on(command, monkeypatch):
    from sie.analysis import doctor

    def dies():
        yield doctor.Finding(what="one", verdict=doctor.GOOD, why="seen")
        raise RuntimeError("of a\ntest")

    for name in ("versions", "compilers", "threads", "caches", "fit_times"):
        monkeypatch.setattr(doctor, name, dies)
    code, out, err = command("doctor")
    assert (code, err.count("\n")) == (2, 1)
    assert out.count("RuntimeError: of a test") == out.count("one") == 5
