"""The tutorial, as its page prints it, from an empty folder with the wheel in an environment that has nothing else."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from test_docs import DOCS, PAGES, ROOT, blocks, put
from test_golden import GOLDEN

MOST_COMMANDS = 10
TUTORIAL = blocks(DOCS / "tutorial.md")
COMMANDS = [text.strip() for language, _, text in TUTORIAL if language == "bash"]
INSTALL = "pip install "
OURS = ("PYTHON", "VIRTUAL_ENV", "UV_PROJECT", "PYTENSOR", "NUMBA", "SIE_")
"""What the variables start with that could lead to the checkout or to its caches."""


def run(command, folder, environment):
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What each command of the tutorial prints, by command, and the folder in which all ran."""
    place = tmp_path_factory.mktemp("tutorial")
    folder, env, home = place / "folder", place / "env", place / "home"
    folder.mkdir()
    home.mkdir()
    subprocess.run(["uv", "build", "--wheel", "--quiet", "--out-dir", folder, ROOT], check=True)
    (folder / ".gitignore").unlink(missing_ok=True)  # uv's own
    subprocess.run(["uv", "venv", "--quiet", "--no-project", "--python", sys.executable, env], check=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (place / "pins.txt").write_text("\n".join(project["tool"]["uv"]["constraint-dependencies"]))
    outside = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    outside |= {"VIRTUAL_ENV": str(env), "PATH": f"{env / 'bin'}:{os.environ['PATH']}"}
    environment = outside | {"HOME": str(home), "LANG": "C.UTF-8"}
    printed = {}
    for language, caption, text in TUTORIAL:
        if caption:
            put(folder, caption, text)
        elif language == "bash":
            command = text.strip()
            if command.startswith(INSTALL):  # uv reads pip's arguments, and has the packages in its cache
                shell = command.replace(
                    INSTALL, f"uv pip install --quiet --constraints {place / 'pins.txt'} "
                )
                printed[command] = run(shell, folder, outside)
            else:
                printed[command] = run(command, folder, environment)
    where = run("python -c 'import sie; print(sie.__file__)'", folder, environment)
    assert Path(where.strip()).is_relative_to(env)
    return printed, folder


def test_the_tutorial_has_ten_commands_at_most():
    assert 0 < len(COMMANDS) <= MOST_COMMANDS
    assert COMMANDS[0].startswith(INSTALL)
    wheel = COMMANDS[0].removeprefix(INSTALL)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert wheel == f"sie-{version}-py3-none-any.whl"
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert set(re.findall(r"sie-([\d.]+)-py3", pages)) == {version}
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {version}\n" in citation
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    date = re.search(r"\ndate-released: (.*)\n", citation)[1]
    assert re.search(r"^## (.*)$", changes, re.MULTILINE)[1] == f"{version} ({date})"


@pytest.mark.long
@pytest.mark.slow
def test_the_tutorial_runs_in_an_empty_environment(told):
    printed, folder = told
    assert list(printed) == COMMANDS
    checks = [out for command, out in printed.items() if command.startswith("sie check")]
    assert len(checks) == 1
    assert all("no problem" in out for out in checks)
    report = next(
        out for command, out in printed.items() if command.startswith("sie report mine.toml --evidence")
    )
    used = re.search(r"rows used \(.*?\n(?=\S*left out|levels|\n)", report, re.DOTALL)[0]
    assert "speedrun" in used
    assert "my_survey" in used
    assert {path.name for path in folder.iterdir()} >= {"mine.toml", "my_evidence", "out", "page.html"}
    assert (folder / "out" / "credences.csv").is_file()
    assert "<html" in (folder / "page.html").read_text(encoding="utf-8")


@pytest.mark.long
@pytest.mark.slow
def test_the_wheel_answers_as_the_checkout_does(told):
    printed, _ = told
    said = next(out for command, out in printed.items() if command.startswith("sie report reference"))
    p, mcse = GOLDEN["reference", "r_above_1", "evidence"]
    assert f"{100 * p:.1f}" in said, mcse
