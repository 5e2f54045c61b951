"""`sie grow` and `sie explain`: what they print, what they refuse."""

import pytest


def test_a_trajectory_is_a_table_of_years_doublings_progress_pace_and_r(command):
    code, out, err = command("grow", "--r", 1.5, "--ceiling", 40, "--speedup", 4, "--recent-pace", 4)
    assert (code, err) == (0, "")
    header, first, *_ = out.splitlines()
    assert header.split() == ["years", "doublings", "years", "of", "progress", "doublings", "a", "year", "r"]
    assert [float(cell) for cell in first.split()] == [0, 0, 0, 16, 1.5]
    assert "explosion at first" in out


def test_a_singularity_is_told_with_its_time(command):
    code, out, _ = command("grow", "--r", 2, "--ceiling", "inf")
    assert code == 0
    assert "software is infinite 3.61 months after ASARA" in out


def test_a_fizzle_is_told_with_the_time_at_which_the_pace_is_the_recent_one(command):
    _, out, _ = command("grow", "--r", 0.6, "--ceiling", 60)
    assert "fizzle" in out
    assert "back at the recent pace after" in out


@pytest.mark.parametrize("shape", [1, 2.5])
@pytest.mark.parametrize("sigma", [0.5, 1, 2])
@pytest.mark.parametrize("ceiling", [30, "inf"])
def test_every_mechanism_has_a_table_and_words(command, shape, sigma, ceiling):
    options = (
        "--shape",
        shape,
        "--sigma",
        sigma,
        "--labour-share",
        0.5,
        "--experiment-gain",
        0.2,
        "--ceiling",
        ceiling,
    )
    for verb in ("grow", "explain"):
        code, out, err = command(verb, *options)
        assert (code, err) == (0, "")
        assert "nan" not in out


def test_words_say_where_returns_cross_1(command):
    _, out, _ = command("explain", "--r", 1.5, "--ceiling", 30)
    assert "falls below 1 and the pace starts to fall at 10 doublings" in out
    _, out, _ = command("explain", "--r", 0.5, "--ceiling", 30)
    assert "never crosses 1: it stays below 1" in out


def test_a_plot_is_written(command, tmp_path):
    code, out, _ = command("grow", "--plot", tmp_path / "path.png")
    assert code == 0
    assert (tmp_path / "path.png").read_bytes().startswith(b"\x89PNG")
    assert "path.png: written" in out


@pytest.mark.parametrize("verb", ["grow", "explain"])
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--r", 0),
        ("--r", "nan"),
        ("--r", "x"),
        ("--ceiling", 0),
        ("--ceiling", -3),
        ("--sigma", 0),
        ("--sigma", "inf"),
        ("--labour-share", 1.5),
        ("--labour-share", 0),
        ("--experiment-gain", -1),
        ("--parallel", 0),
        ("--shape", "nan"),
        ("--speedup", -8),
        ("--recent-pace", 0),
        ("--years", -1),
        ("--nope", 1),
    ],
)
def test_a_bad_number_gets_one_line_and_exit_code_2(command, verb, option, value):
    code, out, err = command(verb, option, value)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert option in err


def test_a_plot_never_replaces_a_file_that_is_no_picture(command, tmp_path):
    path = tmp_path / "notes.md"
    path.write_text("mine")
    code, out, err = command("grow", "--plot", path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "want a regular file whose name ends in .png" in err
    assert path.read_text() == "mine"


def test_a_plot_without_a_folder_is_refused(command, tmp_path):
    code, out, err = command("grow", "--plot", tmp_path / "none" / "path.png")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
