"""What follows an answer in the explorer: figures, the processes that draw them, and the threads that put things on the page."""

import html
import re
import threading

import numpy as np
import pytest
from conftest import PATIENCE

import sie
from sie.explorer import figures, following
from sie.explorer.following import Following, Standing, follow
from sie.explorer.painters import Painters
from sie.inference.workbench import Workbench

SEED, DRAWS = 1, 4000


@pytest.fixture(scope="module")
def davidson():
    return sie.read_view("davidson_2025")


@pytest.fixture(scope="module")
def shown(davidson):
    """What figures show of a view without evidence, which needs no fit."""
    return figures.shown(Workbench(None, seed=SEED, draws=DRAWS).answer(davidson), event="r_above_1")


@pytest.mark.slow
@pytest.mark.parametrize("name", figures.FIGURES)
def test_an_svg_says_what_its_axes_say(shown, name):
    """Coordinates are written short, words and numbers in full."""
    ax = figures.draw(name, shown)
    wanted = [text.get_text() for text in (*ax.texts, *ax.get_legend().get_texts())]
    said = html.unescape(" ".join(re.findall(r"<text[^>]*>([^<]*)</text>", figures.svg(name, shown))))
    assert wanted
    assert [text for text in wanted if text not in said] == []


def test_opacities_are_not_those_of_coordinates_written_short(shown):
    assert "opacity: 0.18" in figures.svg("fan", shown)


@pytest.mark.slow
@pytest.mark.parametrize("name", figures.FIGURES)
def test_a_kept_layout_is_close_to_that_of_the_engine(davidson, shown, name):
    """The axes of a drawing whose text is as long as that of another lie where the engine would put them, to 1 % of its size."""
    figures.svg(name, shown)
    kept = len(figures._places)
    edited = davidson.replace(steepening=davidson["steepening"].prior.scaled(1.001))
    other = figures.shown(Workbench(None, seed=SEED, draws=DRAWS).answer(edited), event="r_above_1")
    figures.svg(name, other)
    assert len(figures._places) == kept
    figure = figures.draw(name, other).get_figure()
    figure.draw_without_rendering()
    wanted = figure.axes[0].get_position().bounds
    assert min(np.abs(np.subtract(place, wanted)).max() for place in figures._places.values()) < 0.01


@pytest.mark.slow
def test_processes_draw_what_this_one_would_and_are_done_without_when_gone(shown):
    painters = Painters(shown)
    wanted = {name: figures.svg(name, shown) for name in figures.FIGURES}
    assert painters.svgs(figures.FIGURES, shown) == wanted
    assert painters.svgs(("tornado",), shown) == {"tornado": wanted["tornado"]}
    for pipe in painters._pipes:
        pipe.close()
    assert painters.svgs(figures.FIGURES, shown) == wanted


# Threads that follow


class Clock:
    """Time that passes only while a page waits; `then` is called once at the next wait."""

    now, then = 0.0, None

    def monotonic(self):
        return self.now

    def pass_(self, seconds):
        self.now += seconds
        act, self.then = self.then, None
        if act is not None:
            act()


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(following, "time", clock)
    return clock


@pytest.fixture
def page(clock):
    page = Standing()
    page._changed.wait = clock.pass_
    return page


def test_an_answer_is_followed_once_it_has_stood_for_a_while(page, clock):
    assert page.wait(0, 0.0) is None
    assert clock.now == pytest.approx(following.LOOK_AFTER_SECONDS)
    began = clock.now
    page.show("answer")
    count = page.wait(0, 0.04)
    assert count is not None
    assert clock.now - began == pytest.approx(0.04)
    assert page.stands(count)
    assert page.wait(count, 0.0) is None


def test_an_edit_ends_what_follows_the_last_one(page, clock):
    page.show("answer")
    count = page.wait(0, 0.0)
    clock.then = page.pause
    assert not page.lasts(count, 10.0)
    assert page.wait(count, 0.0) is None
    page.show("answer")
    assert page.wait(count, 0.0) > count


def test_an_event_chosen_before_there_is_an_answer_waits_for_it(page):
    page.choose("r_above_1")
    assert page.wait(0, 0.0) is None
    page.show("answer")
    seen = page.wait(0, 0.0)
    page.choose("pace_doubles")
    assert page.wait(seen, 0.0) > seen


def test_only_what_differs_is_written_and_threads_end_with_their_page(monkeypatch):
    monkeypatch.setattr(following, "LOOK_AFTER_SECONDS", 0.05)
    monkeypatch.setattr(following, "FOLLOW_AFTER_SECONDS", 0.02)
    page, state, written = Following(), ["first"], threading.Event()
    made = []

    def text(what):
        made.append(what)
        written.set()
        return what

    threads = [follow(page, lambda: state[0], text, shown="first") for _ in range(3)]
    page.standing.show("answer")
    assert not written.wait(0.3)
    state[0] = "second"
    page.standing.show("answer")
    assert written.wait(PATIENCE)
    del page
    for thread in threads:
        thread.join(timeout=PATIENCE)
        assert not thread.is_alive()
    assert set(made) == {"second"}
