"""Whatever an address, a file or a slider holds, the explorer takes it or refuses it in one line."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sie
from sie.base.errors import DataError
from sie.data.families import FAMILIES as FAMILIES_OF_A_VIEW
from sie.explorer import controls, session, state

CASES = 420
"""Cases of each test here, of which there are five."""

NAMES = sie.view_names()
VIEWS = {name: sie.read_view(name) for name in NAMES}
DAVIDSON = VIEWS["davidson_2025"]
TEXT = sie.to_toml(DAVIDSON).encode()


@pytest.fixture(scope="module")
def desk():
    return session.open_desk()


def taken_or_refused(call):
    """What a call returns, or None for a refusal, which must be a line that says what was found and what was wanted."""
    try:
        return call()
    except DataError as error:
        assert_one_line(str(error))
        return None


def assert_one_line(message):
    assert len(message.splitlines()) == 1
    assert re.fullmatch(r".*: found .+, want .+", message)


numbers = st.one_of(
    st.floats(), st.integers(-3, 3), st.floats(0, 2), st.sampled_from([1e308, 1e-308, 5e-324, -0.0])
)
families = st.sampled_from([*FAMILIES_OF_A_VIEW, "wild", ""])
packed = st.builds(
    lambda parts: "~".join(":".join([family, *map(str, values)]) for family, values in parts),
    st.lists(st.tuples(families, st.lists(st.one_of(numbers, st.text(max_size=3)), max_size=4)), max_size=4),
)
keys = st.one_of(
    st.sampled_from([*DAVIDSON.entries, "r_asara", "view", "reflects", "levels", "file", "name"]),
    st.text(max_size=8),
)
values = st.one_of(
    packed,
    st.text(max_size=12),
    st.sampled_from([*NAMES, "sat_2024,lp_2024", "computer chess:series", "SAT solvers:epoch,:x"]),
)


@pytest.mark.slow
@settings(max_examples=CASES)
@given(st.dictionaries(keys, values, max_size=5), st.sampled_from([*NAMES, None]))
def test_any_address_opens_a_state_that_evidence_can_answer_or_says_why_not(desk, query, name):
    if name is not None:
        query["view"] = name
    opened, words = session.opening(desk, query)
    if words:
        assert_one_line(words)
        assert opened == state.start(desk.first)
    else:
        assert (
            desk.bench.rows(state.edited(opened), levels=opened.levels) is not None
            or opened.author.states_r_asara
        )
        assert state.from_query(state.to_query(opened), sources=desk.works) == opened


@settings(max_examples=CASES)
@given(
    st.one_of(
        st.just("mine.toml"), st.text(max_size=12).map(lambda text: text + ".toml"), st.text(max_size=8)
    ),
    st.binary(max_size=200),
)
def test_any_file_is_refused_in_words(name, content):
    assert taken_or_refused(lambda: state.read_upload(name, content)) is None


@pytest.mark.slow
@settings(max_examples=CASES)
@given(
    st.integers(0, len(TEXT)),
    st.integers(0, 40),
    st.one_of(
        st.binary(max_size=20), packed.map(str.encode), numbers.map(lambda number: str(number).encode())
    ),
)
def test_any_change_of_a_good_file_is_taken_or_refused_in_words(at, cut, put):
    view = taken_or_refused(lambda: state.read_upload("mine.toml", TEXT[:at] + put + TEXT[at + cut :]))
    if view is not None:
        assert view.name == "mine"
        assert state.from_query(state.to_query(state.start(view))).author.entries == view.entries


@pytest.mark.slow
@settings(max_examples=CASES)
@given(
    st.sampled_from(NAMES).map(VIEWS.get),
    st.dictionaries(
        st.sampled_from(list(DAVIDSON.entries)), st.one_of(numbers, st.lists(numbers, max_size=3))
    ),
)
def test_any_slider_values_are_taken_or_refused_in_words(view, values):
    start = state.start(view)
    values = {name: value for name, value in values.items() if name in view}
    now, refused = controls.priors_of(start, values)
    if refused:
        assert_one_line(refused)
    for name in now.priors:
        assert now.prior(name) == controls.moved(start.prior(name), values[name])
    assert state.from_query(state.to_query(now)).priors == now.priors


@pytest.mark.slow
@settings(max_examples=CASES)
@given(
    st.sampled_from(NAMES).map(VIEWS.get),
    st.lists(
        st.tuples(st.sampled_from(list(DAVIDSON.entries)), st.sampled_from(controls.FAMILIES)), max_size=4
    ),
)
def test_any_changes_of_family_leave_sliders_that_stand_at_the_prior(view, changes):
    now = state.start(view)
    for name, family in changes:
        if name in view:
            changed = taken_or_refused(
                lambda now=now, name=name, family=family: now.changed(
                    **{name: controls.as_family(now.prior(name), family)}
                )
            )
            now = changed or now
    for name in now.priors:
        prior, steps = now.prior(name), controls.steps_of(name, now)
        assert steps == sorted(set(steps))
        assert set(prior.numbers) <= set(steps) or prior.family == "mixture"
