"""The explorer without its page: edits as data, sliders, addresses, files, the command."""

import html
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import sie
from sie.base.errors import DataError
from sie.data.quantities import CHAIN
from sie.explorer import controls, panels, session, state


@pytest.fixture(scope="module")
def davidson():
    return sie.read_view("davidson_2025")


@pytest.fixture(scope="module")
def desk():
    return session.open_desk()


# Edits as data


@pytest.mark.parametrize("name", sie.view_names())
def test_an_unedited_state_is_the_authors_view(name):
    view = sie.read_view(name)
    assert state.edited(state.start(view)) is view


def test_an_edit_keeps_the_authors_other_entries_with_their_quotes(davidson):
    view = state.edited(state.start(davidson).changed(capabilities=sie.lognormal(2, 3)))
    assert view["capabilities"].prior == sie.lognormal(2, 3)
    assert view["capabilities"].basis == "ours"
    assert (
        view["capabilities"].note
        == "was lognormal 1.7 to 2.5 (5–95 %) in Davidson (2025), reply to Greenblatt"
    )
    assert view["post_training"] == davidson["post_training"]
    assert (view.name, view.label) == ("davidson_2025_edited", f"{davidson.label}, edited")


def test_going_back_to_the_authors_numbers_is_no_change(davidson):
    there = state.start(davidson).changed(capabilities=sie.lognormal(2, 3))
    back = there.changed(capabilities=davidson["capabilities"].prior)
    assert state.edited(back) is davidson


@pytest.mark.parametrize("name", sie.view_names())
def test_an_edited_view_is_accepted_by_the_reader(name, tmp_path):
    view = sie.read_view(name)
    now = state.start(view).changed(speedup=sie.lognormal(3, 20)).reflecting(("sat_2024",))
    path = tmp_path / "mine.toml"
    path.write_text(sie.to_toml(state.edited(now)))
    read = sie.read_view(str(path))
    assert read.entries == state.edited(now).entries
    assert read.reflects == ("sat_2024",)


@pytest.mark.parametrize("name", sie.view_names())
def test_an_address_restores_the_state(name):
    view = sie.read_view(name)
    before = state.start(view).changed(speedup=sie.lognormal(3.25, 20)).reflecting(("lp_2024", "sat_2024"))
    after = state.from_query(state.to_query(before))
    assert state.edited(after) == state.edited(before)


def test_an_address_holds_a_mixture_and_a_whole_view_of_ones_own(davidson):
    text = sie.to_toml(davidson).replace("Davidson (2025)", "Mine (2026)").encode()
    mine = state.start(state.read_upload("mine.toml", text))
    parts = [sie.lognormal(1, 2), sie.uniform(0.5, 3)]
    before = mine.changed(capabilities=sie.mixture([0.25, 0.75], parts))
    query = state.to_query(before)
    assert set(query) == {"name", "file", "capabilities"}
    assert state.edited(state.from_query(query)) == state.edited(before)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"view": "nobody"}, "URL view: found 'nobody', want one of"),
        ({"view": "davidson_2025", "luck": "fixed:1"}, "URL luck: found no quantity of this view"),
        ({"view": "davidson_2025", "sigma": "fixed:x"}, "URL sigma: found 'fixed:x', want a family"),
        ({"view": "davidson_2025", "sigma": "fixed:-1"}, "[sigma]: found a fixed prior"),
        ({"view": "davidson_2025", "sigma": "wild:1"}, "family: found 'wild'"),
        ({"file": "AAAA"}, "URL file: found something else"),
        ({"view": "davidson_2025", "levels": "chess"}, "URL levels: found 'chess', want each domain once"),
        ({"view": "davidson_2025", "levels": "a:series,a:epoch"}, "URL levels: found 'a:epoch', want each"),
    ],
)
def test_a_bad_address_is_refused_in_words(query, words):
    with pytest.raises(DataError, match=re.escape(words)):
        state.from_query(query)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"view": "nobody"}, "URL view: found 'nobody', want one of"),
        ({"view": "deep_2025", "reflects": "luck"}, "reflects: found 'luck', want the id of an evidence row"),
        ({"view": "deep_2025", "levels": "luck:series"}, "levels: found 'luck', want one of the domains"),
        (
            {"view": "deep_2025", "levels": "SAT solvers:series"},
            "levels SAT solvers: found 'series', want one of",
        ),
    ],
)
def test_a_bad_address_opens_the_first_view_and_says_why(desk, query, words):
    opened, why = session.opening(desk, query)
    assert opened == state.start(desk.first)
    assert words in why


def test_levels_are_part_of_the_address_and_only_those_that_are_not_the_default_are_chosen(desk):
    chosen = desk.chosen({"SAT solvers": "epoch", "computer chess": desk.levels["computer chess"]})
    assert chosen == {"SAT solvers": "epoch"}
    before = state.start(desk.first).at_levels({"computer vision": "series", **chosen})
    assert state.edited(before) is desk.first
    query = state.to_query(before)
    assert query["levels"] == "SAT solvers:epoch,computer vision:series"
    assert session.opening(desk, query) == (before, "")


def test_levels_that_can_be_chosen_are_those_with_rows(desk):
    pytest.importorskip("marimo")
    choices = panels.level_choices(state.start(desk.first), desk.evidence, desk.levels)
    assert list(choices["computer chess"].options.values()) == ["published", "growth", "series"]
    assert list(choices["SAT solvers"].options.values()) == ["published", "growth", "epoch"]
    assert "NanoGPT speedrun" not in choices
    for domain, choice in choices.items():
        assert choice.value == desk.levels[domain]
        for level in choice.options.values():
            assert (
                dict(desk.bench.rows(desk.first, levels={domain: level}).attrs["levels"]).get(domain) == level
            )


def test_the_command_on_the_page_is_what_a_shell_reads(desk):
    edited = state.start(desk.first, {"SAT solvers": "epoch"}).changed(speedup=sie.lognormal(3, 20))
    text = re.search("<code>(.*)</code>", panels.command(desk, edited))[1]
    assert html.unescape(text) == (
        "sie report davidson_2025_edited.toml --seed 1 --draws 4000 --levels 'SAT solvers=epoch'"
    )
    assert "sie report davidson_2025 --seed" in panels.command(desk, state.start(desk.first))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("view.txt", b"", "want a view file, NAME.toml"),
        ("\0.toml", b"", "want a name of at most 100 bytes that can be printed"),
        ("view.toml", b"label = ", "view.toml"),
        ("view.toml", b"label = 'x'\nsource = 'sie_project'\nreflects = []\n", "[r_typical]: found nothing"),
        ("view.toml", b"\xff\xfe", "bytes that are not UTF-8"),
        ("view.toml", b"#" * 300_000, "300000 bytes, want at most 200000"),
    ],
)
def test_a_bad_upload_is_refused_in_words(name, content, words):
    with pytest.raises(DataError, match=re.escape(words)):
        state.read_upload(name, content)


def test_moves_of_one_slider_are_undone_together_and_moves_of_two_are_not(davidson):
    history, first = session.History(), state.start(davidson)
    second = first.changed(capabilities=sie.lognormal(1.8, 2.5))
    third = first.changed(capabilities=sie.lognormal(1.9, 2.5))
    other = third.changed(speedup=sie.loguniform(2, 20))
    for now in (first, second, third, other):
        history.note(now)
    assert history.undo() == third
    assert history.undo() == first
    assert history.undo() is None


# Sliders


@pytest.mark.parametrize("name", sie.view_names())
def test_a_slider_offers_the_authors_numbers_exactly_and_only_what_the_quantity_can_be(name):
    start = state.start(sie.read_view(name))
    for quantity, entry in start.author.entries.items():
        steps = controls.steps_of(quantity, start)
        assert steps == sorted(set(steps))
        if entry.prior.family != "mixture":
            assert set(entry.prior.numbers) <= set(steps)
        for step in (steps[0], steps[-1]):
            if entry.prior.family == "fixed" and quantity not in CHAIN:
                start.changed(**{quantity: sie.fixed(step)})


@pytest.mark.parametrize("name", sie.view_names())
def test_sliders_that_were_not_moved_change_nothing(name):
    pytest.importorskip("marimo")
    start = state.start(sie.read_view(name))
    values = {quantity: controls.prior_control(quantity, start).value for quantity in start.author.entries}
    now, refused = controls.priors_of(start, values)
    assert (now, refused) == (start, "")


def test_a_slider_value_that_a_prior_cannot_have_is_refused_in_words_and_not_taken(davidson):
    start = state.start(davidson)
    now, refused = controls.priors_of(start, {"capabilities": [2.0, 2.0]})
    assert now == start
    assert "q05 < q95" in refused


@pytest.mark.parametrize("family", controls.FAMILIES)
def test_another_family_keeps_the_interval_or_the_median(family):
    prior = controls.as_family(sie.lognormal(0.2, 0.8), family)
    assert prior.family == family
    if family in ("lognormal", "normal", "beta"):
        assert prior.numbers == (0.2, 0.8)
    if family == "fixed":
        assert prior.numbers == (0.4,)


def test_an_interval_for_the_weight_of_a_mixture_is_refused():
    mixture = sie.mixture([0.5, 0.5], [sie.fixed(1), sie.fixed(2)])
    with pytest.raises(DataError, match=r"weight of a mixture: found .*, want one number"):
        controls.moved(mixture, [0.2, 0.3])


def test_weights_of_a_mixture_keep_their_sum(davidson):
    mixture = sie.mixture([0.2, 0.3, 0.5], [sie.fixed(1), sie.fixed(2), sie.fixed(3)])
    moved = controls.moved(mixture, 0.6)
    np.testing.assert_allclose(moved.numbers, [0.6, 0.15, 0.25])
    assert controls.moved(mixture, 0.2) is mixture


def test_mechanisms_are_the_views_own_none_and_those_of_the_bundled_views(davidson):
    found = state.mechanisms(davidson)
    assert found["as the view states"] == {name: davidson[name].prior for name in state.MECHANISM}
    for priors in found.values():
        state.start(davidson).changed(**priors)


# The command


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["nobody"], "view: found 'nobody', want a path ending in .toml or one of"),
        (["--port", "70000"], "--port: found 70000, want a number from 0 to 65535"),
        (["--evidence", "nowhere"], "found no such"),
    ],
)
def test_bad_options_are_refused_in_one_line(options, words):
    from typer.testing import CliRunner

    from sie.cli import app

    found = CliRunner().invoke(app, ["explore", "--no-browser", *options])
    assert isinstance(found.exception, DataError)
    assert words in str(found.exception)


def test_a_port_in_use_is_refused_before_anything_is_read():
    import socket

    from sie.explorer.serve import serve

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DataError, match=rf"--port {port}: found .*in use, want a port that is free"):
            serve("davidson_2025", port=port, browser=False)


@pytest.mark.slow
def test_the_explorer_starts_from_a_wheel_away_from_the_repository(tmp_path):
    """All but the first fit, which needs nothing of the wheel that is not read here."""
    root = Path(__file__).parents[1]
    if shutil.which("uv") is None or not (root / "pyproject.toml").is_file():
        pytest.skip("no uv, or no repository to build from")
    subprocess.run(["uv", "build", "--wheel", "--quiet", "--out-dir", tmp_path, root], check=True)
    [wheel] = tmp_path.glob("*.whl")
    folder = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("sie/")}
        archive.extractall(folder)
    package = root / "model"
    assets = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "sie/explorer/style.css" in assets
    assert assets <= held
    code = "\n".join(
        [
            "import sie, threading, urllib.request",
            "from sie.explorer import serve, session",
            "print(sie.__file__, session.open_desk().first.name)",
            "listener, server = serve._listener(0), serve._server()",
            "threading.Thread(target=server.run, kwargs={'sockets': [listener]}, daemon=True).start()",
            "address = 'http://%s:%s/' % listener.getsockname()",
            "print(urllib.request.urlopen(address).read().decode())",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    first, page = done.stdout.split("\n", 1)
    assert first == f"{folder / 'sie' / '__init__.py'} davidson_2025"
    assert "--sie-ink" in page
