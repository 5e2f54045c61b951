"""`sie grow` and `sie explain`: what they print, what they refuse."""

import numpy as np
import pytest
from scipy.integrate import quad
from trajectories import draws_of

from sie.growth.law import pace_slope
from sie.growth.mechanisms import MECHANISMS, RETRAINING
from sie.growth.paths import doublings_by, simulate
from sie.growth.trajectory import follow


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
        "--labour-share-asara",
        0.5,
        "--epsilon",
        0.2,
        "--ceiling",
        ceiling,
    )
    for verb in ("grow", "explain"):
        code, out, err = command(verb, *options)
        assert (code, err) == (0, "")
        assert "nan" not in out


@pytest.mark.parametrize("share", [1, 0.4])
def test_explain_says_what_r_is_and_that_labour_s_share_is_in_it(command, share):
    """The same r explodes at first whatever labour's share, which is what the words say."""
    _, out, _ = command("explain", "--r", 1.2, "--labour-share-asara", share, "--sigma", 0.7)
    first, *_ = out.splitlines()
    assert (
        "r = 1.2 is at ASARA: software doublings per doubling of cumulative research input, with hardware fixed"
        in first
    )
    assert "must not be multiplied by labour's share again" in first
    assert "so that r = 1.2 and the pace rises" in out
    assert "r x share" not in out


SWITCHED_ON = {
    "labour-share-asara": 0.5,
    "sigma": 0.7,
    "epsilon": 0.3,
    "shape": 2,
    "doublings-gained": 30,
    "shortest-doubling": 0.1,
    "automation": 0.9,
    "task-sigma": 0.5,
    "experiment-beta": 0.4,
    "sigma-later": 0.5,
    "sigma-switch": 8,
}
"""A value of every mechanism at which it acts beside all the others, but that technologies want shape 1."""


def test_every_mechanism_of_the_law_is_an_option():
    assert {name.replace("_", "-") for name in MECHANISMS} == set(SWITCHED_ON)


@pytest.mark.slow
@pytest.mark.parametrize("name", SWITCHED_ON)
def test_an_option_acts_through_its_mechanism(command, name):
    """The table's doublings after five years are those of the same draws."""
    chosen = {other: value for other, value in SWITCHED_ON.items() if other != "experiment-beta"}
    if name == "experiment-beta":
        chosen = SWITCHED_ON | {"shape": 1, "doublings-gained": 0}
    options = [word for other, value in chosen.items() for word in (f"--{other}", value)]
    code, out, err = command("grow", "--ceiling", 60, *options)
    assert (code, err) == (0, "")
    assert "changes nothing" not in out
    draws = draws_of(left=60.0, **{other.replace("-", "_"): value for other, value in chosen.items()})
    years, doublings = map(float, out.splitlines()[13].split()[:2])
    assert doublings == pytest.approx(doublings_by(simulate(draws), np.array([years])).item(), abs=0.06)
    _, without, _ = command(
        "grow", "--ceiling", 60, *options, f"--{name}", MECHANISMS[name.replace("-", "_")].off
    )
    assert without != out


@pytest.mark.parametrize("rule", RETRAINING)
def test_retraining_is_an_option(command, rule):
    code, out, err = command("grow", "--retraining", rule, "--ceiling", 60)
    assert (code, err) == (0, "")
    plain = command("grow", "--ceiling", 60)[1]
    assert (out == plain) == (rule == "none")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ("--automation", 0.9, "--task-sigma", 0.5),
            "AI does 90 % of research tasks and humans the rest, at elasticity 0.5",
        ),
        (
            ("--labour-share-asara", 0.5, "--sigma", 3, "--sigma-later", 0.5, "--sigma-switch", 12),
            "the elasticity is 0.5 (complements) in place of 3",
        ),
        (
            ("--labour-share-asara", 0.5, "--epsilon", 0.5, "--experiment-beta", 0.4),
            "a beta of 0.4 against 0.25 of software",
        ),
        (("--retraining", "slower"), "+0.0476 doublings per doubling of software in place of +0.05"),
        (("--shape", 3), "Returns fall late (shape 3): half way r is 1.05"),
        (("--r", -0.5, "--ceiling", "inf"), "ideas that get easier add 0.6"),
    ],
)
def test_words_say_what_a_mechanism_does(command, options, words):
    code, out, err = command("explain", *options)
    assert (code, err) == (0, "")
    assert words in out


def test_words_say_what_there_would_be_without_a_mechanism(command):
    plain = command("explain")[1]
    said = command("explain", "--labour-share-asara", 0.5, "--sigma", 0.7)[1]
    gained = plain.split("After 5 years: ")[1].split()[0]
    assert (
        f"With labour share at ASARA 1 in place of 0.5 there would be {gained} doublings after 5 years"
        in said
    )


@pytest.mark.parametrize(
    ("options", "needs"),
    [
        (("--sigma", 0.5), "--sigma changes nothing here: it acts with labour-share-asara below 1"),
        (("--task-sigma", 0.5), "--task-sigma changes nothing here: it acts with automation below 1"),
        (
            ("--labour-share-asara", 0.5),
            "--labour-share-asara changes nothing here: it acts with sigma other than 1",
        ),
        (("--shape", 3, "--ceiling", "inf"), "--shape changes nothing here: it acts with a ceiling"),
        (
            ("--retraining", "slower", "--r", 0.5),
            "--retraining changes nothing here: it acts with a pace that rises",
        ),
    ],
)
def test_an_option_that_changes_nothing_is_told(command, options, needs):
    for verb in ("grow", "explain"):
        assert needs in command(verb, *options)[1]


def test_technologies_of_their_own_want_a_linear_fall(command):
    options = ("--labour-share-asara", 0.5, "--epsilon", 0.5, "--experiment-beta", 0.4, "--shape", 2)
    code, out, err = command("grow", *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("--experiment-beta: found")


@pytest.mark.parametrize("retraining", RETRAINING)
@pytest.mark.parametrize("level", [0.3, 11.0, 25.0])
def test_the_pace_at_a_level_is_the_integral_of_the_slope(retraining, level):
    told = {"r": 1.5, "ceiling": 30.0, "parallel": 0.3, "speedup": 8.0, "recent_pace": 4.0}
    path = follow(**told, shape=2.0, labour_share_asara=0.5, sigma=0.7, retraining=retraining)
    gained = quad(pace_slope, 0, level, args=(path.law,), epsabs=1e-10, limit=500)[0]
    assert path.pace(level) == pytest.approx(32 * 2**gained, rel=1e-4)


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
        ("--labour-share-asara", 1.5),
        ("--labour-share-asara", 0),
        ("--epsilon", -1),
        ("--parallel", 0),
        ("--shape", "nan"),
        ("--speedup", -8),
        ("--recent-pace", 0),
        ("--years", -1),
        ("--years", "inf"),
        ("--ceiling", 1e300),
        ("--speedup", 1e-300),
        ("--automation", 0),
        ("--automation", 1.01),
        ("--task-sigma", "nan"),
        ("--experiment-beta", "inf"),
        ("--sigma-later", 0),
        ("--sigma-switch", -1),
        ("--sigma-switch", "nan"),
        ("--doublings-gained", -1),
        ("--retraining", "faster"),
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
