"""`sie doctor` and `--verbose`: what they find and say."""

import logging
import subprocess
import sys

import pytest
from conftest import PATIENCE

from sie import cli
from sie.analysis import doctor


def run(monkeypatch, capsys, *args):
    monkeypatch.setattr(sys, "argv", ["sie", *args])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code, *capsys.readouterr()


@pytest.fixture
def quiet_log():
    """The library's log as it was."""
    log = logging.getLogger("sie")
    before = (log.handlers[:], log.level, log.propagate)
    yield
    log.handlers, log.level, log.propagate = before
    log.setLevel(before[1])


def test_another_version_than_the_pin_is_doubtful_and_a_missing_package_is_bad(monkeypatch):
    monkeypatch.setattr(doctor, "_pins", lambda: {"numpy": "1.0.0"})
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: ["numpy", "no-such-package>=2"])
    verdicts = {finding.what: (finding.verdict, finding.why) for finding in doctor.versions()}
    assert verdicts["numpy"][0] == "doubtful"
    assert "tested with 1.0.0" in verdicts["numpy"][1]
    assert verdicts["no-such-package"] == ("bad", "not installed, want no-such-package>=2")


def test_a_missing_package_of_an_extra_is_doubtful_and_says_which_extra(monkeypatch):
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: ['no-such-package; extra == "cluster"'])
    verdicts = {finding.what: (finding.verdict, finding.why) for finding in doctor.versions()}
    assert verdicts["no-such-package"] == ("doubtful", 'not installed, pip install "sie[cluster]" brings it')


def test_pins_are_read_from_the_checkout():
    assert {"numpy", "pymc", "nutpie", "numba"} <= set(doctor._pins())


def test_a_cache_that_cannot_be_written_is_bad(monkeypatch, tmp_path):
    from sie.base import kernels

    (tmp_path / "file").write_text("")
    monkeypatch.setattr(kernels, "FOLDER", None)
    monkeypatch.setattr(kernels, "places", lambda: [tmp_path / "file" / "cache"])
    found = {finding.what: finding for finding in doctor.caches()}
    assert found["numba cache"].verdict == "bad"
    assert "every process compiles anew" in found["numba cache"].why


def test_bad_findings_end_with_one_line_and_code_2(monkeypatch, capsys):
    missing = doctor.Finding(what="numba cache", verdict="bad", why="gone")
    for name in ("versions", "compilers", "threads", "fit_times"):
        monkeypatch.setattr(doctor, name, lambda: iter(()))
    monkeypatch.setattr(doctor, "caches", lambda: iter([missing]))
    code, out, err = run(monkeypatch, capsys, "doctor")
    assert code == 2
    assert err == "sie doctor: found numba cache bad, want none\n"
    assert "1 findings: 1 bad, 0 doubtful" in out


@pytest.mark.slow
def test_doctor_times_a_small_fit(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "sie.cli", "--verbose", "doctor"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = {line[10:26].strip(): line for line in done.stdout.splitlines()}
    assert {"python", "numba cache", "PyTensor cache", "LLVM", "import", "compile", "sample", "propagate", "fit"} <= set(lines)  # fmt: skip
    assert "ESS" in lines["fit"]
    assert "log density as written out" in done.stderr
    assert "sampling 4 chains" in done.stderr
    assert not list(tmp_path.iterdir())


def test_verbose_logs_on_standard_error_and_changes_no_result(monkeypatch, capsys, quiet_log):
    args = ("report", "davidson_houlden_2025", "--priors-only", "--draws", "1000")
    plain = run(monkeypatch, capsys, *args)
    verbose = run(monkeypatch, capsys, "--verbose", *args)
    assert (plain[0], plain[2]) == (0, "")
    assert verbose[:2] == plain[:2]
    assert "davidson_houlden_2025: drawing from the priors" in verbose[2]


def test_every_package_in_use_is_listed_with_a_licence(monkeypatch, capsys):
    code, out, err = run(monkeypatch, capsys, "doctor", "--licences")
    assert (code, err) == (0, "")
    rows = {line.split()[0]: line.split(None, 2)[1:] for line in out.splitlines()}
    assert {"sie", "numpy", "pymc", "pytensor", "llvmlite", "distributed"} <= set(rows)
    assert len(rows) > 60
    assert not [name for name, (_, licence) in rows.items() if licence == "not stated"]
