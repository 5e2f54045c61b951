"""The page: it opens anywhere, says what the report says, and answers edits as `sie.weighted` and as a refit do."""

import base64
import json
import re

import numpy as np
import pytest
from page_in_browser import opened, painted, text

import sie
from sie.base.errors import RefitNeeded
from sie.data.families import Prior
from sie.data.wording import hundredths
from sie.growth.events import EVENTS
from sie.page.document import MODULES, WEB, index, render
from sie.page.draw_sets import read_set
from sie.page.facts import EDITABLE
from sie.page.payload import view_payload
from sie.returns.design import design

pytestmark = pytest.mark.slow

VIEWS = ("reference", "davidson_houlden_2025")
EDITS, ROWS_OFF, STATES = 200, 40, 100
HOSTILE = "</script><script>document.title = 'ran'</script><img src=x onerror=\"document.title='ran'\"> & $x$"


@pytest.fixture(scope="module")
def payloads(evidence):
    """Two views as `sie page` has them."""
    return {
        name: view_payload(sie.read_view(name), evidence, draws=20000, wide=True, mechanisms=None)
        for name in VIEWS
    }


@pytest.fixture(scope="module")
def address(payloads, tmp_path_factory):
    """The file of both views."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(render([payloads[name] for name in VIEWS]), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser, address):
    page = opened(browser, address)
    yield page
    assert page.said == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:", "blob:"))] == []
    page.close()


def address_of(state):
    """The part after # of an address that somebody wrote by hand."""
    return base64.urlsafe_b64encode(json.dumps(state).encode()).decode().rstrip("=")


def inside(prior, rng):
    """A prior of the same family whose 5 to 95 % lie within the 1 to 99 % of another, at least a third as wide."""
    width = rng.uniform(2 * 1.645 / 3, 2 * 2.326)
    start = rng.uniform(-2.326, 2.326 - width)
    low, high = (float(x) for x in prior.at(np.array([start, start + width])))
    return (
        sie.halfnormal(high)
        if prior.family == "halfnormal"
        else Prior(family=prior.family, numbers=(low, high))
    )


def in_the_page(page, cases):
    """What the page's own modules answer to edits and rows left out, as `weigh` and `probabilities` give it."""
    return page.evaluate(
        """async (cases) => {
          const { makePrior } = await import("families");
          const { probabilities, weigh } = await import("weights");
          const { Loaded } = await import("answer");
          const data = JSON.parse(document.getElementById("data").textContent);
          const loaded = data.views.map((view) => new Loaded(view));
          return cases.map(({ view, given, edits, without }) => {
            const of = loaded[view];
            const now = new Map(of.base);
            for (const [name, [family, numbers]] of Object.entries(edits)) now.set(name, makePrior(family, numbers));
            const draws = of.draws.get(given);
            const weights = weigh(draws, of.base, now, without, of.correlated);
            const { khat, effective, refused } = weights;
            const found = refused ? [] : probabilities(draws, draws.events.get(""), weights, data.views[view].events.length);
            return { khat: Number.isNaN(khat) ? null : khat, effective, refused, p: found.map((x) => x.p), mcse: found.map((x) => x.mcse) };
          });
        }""",
        cases,
    )


def case(given, edits, without=(), view="reference"):
    packed = {name: [prior.family, list(prior.numbers)] for name, prior in edits.items()}
    return {"view": VIEWS.index(view), "given": given, "edits": packed, "without": list(without)}


def movable(view):
    return [name for name, entry in view.entries.items() if not entry.prior.has_atom]


def test_an_unedited_page_says_what_the_report_says_to_the_digit(page, payloads):
    for name, event in EVENTS.items():
        for given in ("priors", "evidence"):
            p, mcse = payloads["reference"]["answers"][given]["p"][name]
            assert text(page, f"p-{given}-{name}") == f"{hundredths(p)} %", (event, given)
            assert text(page, f"e-{given}-{name}") == f"± {100 * mcse:.1f}"
    assert text(page, "bar-how") == "the view as it stands"
    assert text(page, "headline").startswith("Reference view: P(r at ASARA > 1) is ")
    assert text(page, "headline") in sie.headline()


@pytest.mark.parametrize("view", VIEWS)
def test_edits_in_the_page_are_those_of_weighted_and_95_in_100_are_within_reach(page, payloads, view):
    of, rng = sie.read_view(view), np.random.default_rng(1)
    names = movable(of)
    given = "evidence" if "evidence" in payloads[view]["sets"] else "priors"
    draws = read_set(payloads[view]["sets"][given], of)
    edits = [{name: inside(of[name].prior, rng)} for name in rng.choice(names, EDITS)]
    rows = payloads[view]["sets"][given]["rows"]
    some = [(edit, ()) for edit in edits]
    for _ in range(ROWS_OFF if rows else 0):
        chosen = rng.choice(names, rng.integers(0, 3), replace=False)
        off = rng.choice(rows, rng.integers(1, 4), replace=False).tolist()
        some.append(({name: inside(of[name].prior, rng) for name in chosen}, off))
    answers = in_the_page(page, [case(given, edit, off, view) for edit, off in some])
    for (edit, off), found in zip(some, answers, strict=True):
        try:
            wanted = sie.weighted(draws, edit, without=off)
        except RefitNeeded:
            assert found["refused"], (edit, off)
            continue
        assert not found["refused"], (edit, off, found)
        np.testing.assert_allclose(found["p"], wanted.p, atol=1e-9)
        np.testing.assert_allclose(found["mcse"], wanted.mcse, atol=1e-9)
        assert abs(found["khat"] - wanted.attrs["khat"]) < 1e-6
    assert sum(not found["refused"] for found in answers[:EDITS]) >= 0.95 * EDITS


def test_edits_and_rows_off_agree_with_refits_within_four_errors(page, evidence, capsys):
    view, rng = sie.read_view("reference"), np.random.default_rng(3)
    rows = sie.usable(evidence, view)
    ids = rows.estimate.values.tolist()
    cases = [({name: inside(view[name].prior, rng)}, []) for name in rng.choice(movable(view), 8)]
    cases += [({}, [row]) for row in rng.choice(ids, 6, replace=False).tolist()]
    worst = 0.0
    for (edit, off), found in zip(
        cases, in_the_page(page, [case("evidence", *each) for each in cases]), strict=True
    ):
        if found["refused"]:
            continue
        kept = rows.isel(estimate=~rows.estimate.isin(off))
        tree = sie.fit(design(kept, view.replace(**edit)), seed=9, draws=20000, groups=())
        wanted = sie.credences(sie.simulate(tree["posterior"].to_dataset()))
        apart = np.abs(found["p"] - wanted.p.values) / np.hypot(found["mcse"], wanted.mcse.values)
        worst = max(worst, float(apart.max()))
        assert apart.max() <= 4, (edit, off)
    with capsys.disabled():
        print(f"\npage against refits: most {worst:.2f} errors")


DENSITIES = {
    "uniform": sie.uniform(1, 4),
    "loguniform": sie.loguniform(0.1, 30),
    "normal": sie.normal(-1, 3),
    "lognormal": sie.lognormal(0.5, 8),
    "quantiles": sie.quantiles(0.5, 1.0, 6.0),
    "quantiles to the left": sie.quantiles(0.1, 1.0, 1.5),
    "halfnormal": sie.halfnormal(0.5),
    "beta": sie.beta(0.1, 0.9),
}


@pytest.mark.parametrize("name", DENSITIES)
def test_the_page_has_the_density_of_every_family_that_a_reader_may_choose(page, name):
    prior = DENSITIES[name]
    x = [*prior.at(np.linspace(-5, 5, 41)).tolist(), -0.5, 0.0]
    found = page.evaluate(
        """async ([family, numbers, x]) => {
          const { logDensity, makePrior, NUMBERS } = await import("families");
          return [Array.from(logDensity(makePrior(family, numbers), x), String), Object.keys(NUMBERS)];
        }""",
        [prior.family, list(prior.numbers), x],
    )
    wanted = prior.logpdf(np.array(x))
    inside = np.isfinite(wanted)
    densities = np.array([float(y.replace("Infinity", "inf")) for y in found[0]])
    np.testing.assert_allclose(densities[inside], wanted[inside], rtol=1e-9, atol=1e-9)
    assert (densities[~inside] < -1e3).all()
    assert set(found[1]) == {each.family for each in DENSITIES.values()} == set(EDITABLE)


def test_a_state_comes_back_from_its_address_in_a_new_window(page, browser, address, payloads):
    view, rng = sie.read_view("reference"), np.random.default_rng(4)
    rows = payloads["reference"]["sets"]["evidence"]["rows"]
    states = []
    for _ in range(STATES):
        edits = {name: inside(view[name].prior, rng) for name in rng.choice(movable(view), 3, replace=False)}
        states.append(
            {
                "view": "reference",
                "second": str(rng.choice(["", VIEWS[1]])),
                "event": str(rng.choice(list(EVENTS))),
                "mechanism": str(
                    rng.choice(["", *(each["name"] for each in payloads["reference"]["mechanisms"])])
                ),
                "priors": {
                    name: {"family": p.family, "numbers": list(p.numbers)} for name, p in edits.items()
                },
                "off": rng.choice(rows, rng.integers(0, 3), replace=False).tolist(),
                "own": "",
                "levels": {},
            }
        )
    hashes, same = page.evaluate(
        """async (states) => {
          const { fromHash, toHash } = await import("state");
          const { makePrior } = await import("families");
          const made = states.map((state) => ({ ...state, priors: Object.fromEntries(Object.entries(state.priors).map(([name, p]) => [name, makePrior(p.family, p.numbers)])) }));
          const plain = (state) => JSON.stringify({ ...state, priors: Object.entries(state.priors).sort() });
          const hashes = made.map(toHash);
          return [hashes, made.every((state, i) => plain(fromHash(hashes[i]).state) === plain(state))];
        }""",
        states,
    )
    assert same
    for state, state_hash in list(zip(states, hashes, strict=True))[:5]:
        window = opened(browser, f"{address}#{state_hash}")
        now = window.evaluate("location.hash.slice(1)")
        again = opened(browser, f"{address}#{now}")
        for name in ("bar-p", "bar-how", "big-event", f"p-priors-{state['event']}"):
            assert text(window, name) == text(again, name)
        assert now == state_hash
        assert window.said == [] == again.said
        window.close()
        again.close()


def test_the_answer_follows_a_slider_undo_redo_and_reset(page):
    before = text(page, "bar-p")
    slider = page.locator("#q-capabilities input[type=range]").first
    slider.focus()
    for _ in range(150):
        page.keyboard.press("ArrowRight")
    moved = text(page, "bar-p")
    assert moved != before
    assert "1 prior edited; weighted, " in text(page, "bar-how")
    page.click("#undo")
    assert text(page, "bar-p") == before
    page.click("#redo")
    assert text(page, "bar-p") == moved
    page.locator("#q-sigma input[type=number]").first.fill("0.4")
    assert "2 priors edited" in text(page, "bar-how")
    page.locator("#q-sigma button.quiet").click()
    assert text(page, "bar-p") == moved
    page.click("#reset")
    assert (text(page, "bar-p"), text(page, "bar-how")) == (before, "the view as it stands")


def test_a_number_that_no_prior_has_is_refused_beside_its_control(page):
    before = text(page, "bar-p")
    page.locator("#q-capabilities input[type=number]").nth(1).fill("0.5")
    assert page.inner_text("#q-capabilities .problem") == "Not taken: want the 5 % below the 95 %."
    page.locator("#q-labour_share input[type=number]").nth(1).fill("1.5")
    assert page.inner_text("#q-labour_share .problem") == "Not taken: want a 95 % below 1."
    page.locator("#q-frontier_share input[type=number]").nth(0).fill("")
    assert page.inner_text("#q-frontier_share .problem") == "Not taken: want a number."
    page.locator("#q-frontier_share input[type=number]").nth(0).fill("")
    assert page.inner_text("#q-frontier_share .problem") == "Not taken: want a number."
    assert text(page, "bar-p") == before


def test_beyond_the_stored_draws_the_page_shows_no_number_and_says_what_to_do(page):
    page.locator("#q-r_typical input[type=number]").nth(0).fill("2.9")
    assert text(page, "bar-p") == "no number"
    assert "k-hat" in text(page, "refused")
    assert "sie page reference_edited.toml --out page.html" in text(page, "refused")
    assert page.locator("#figure-r svg").count() <= 1


def test_a_row_that_is_off_no_longer_counts_and_a_row_that_does_not_count_has_no_switch(page, payloads):
    used = [row["id"] for row in payloads["reference"]["rows"] if row["used"]]
    out = [row for row in payloads["reference"]["rows"] if not row["used"]]
    assert page.locator("#rows input[type=checkbox]").count() == len(used)
    before = text(page, "bar-p")
    page.locator("#row-report_fixed_hardware_2025").uncheck()
    assert text(page, "bar-p") != before
    assert "1 row off" in text(page, "bar-how")
    page.locator("#row-report_fixed_hardware_2025").check()
    assert text(page, "bar-p") == before
    said = page.locator("#rows").text_content()
    assert all(f"left out: {row['why']}" in said for row in out)


def test_a_mechanism_and_a_second_view_change_the_answer(page):
    before = text(page, "bar-p")
    page.select_option("#mechanism", "no_bottleneck")
    assert text(page, "bar-p") != before
    assert text(page, "bar-how").startswith("another mechanism")
    page.select_option("#mechanism", "")
    page.select_option("#second", VIEWS[1])
    painted(page)
    assert text(page, "p-second-r_above_1").endswith(" %")
    assert "Davidson & Houlden (2025)" in page.inner_text("#key")
    page.select_option("#view", VIEWS[1])
    assert text(page, "view-label") == "Davidson & Houlden (2025)"
    assert page.locator("#evidence").is_visible()


def test_an_alternative_chosen_on_the_page_gives_its_stored_answer_within_four_errors(page, payloads):
    choices = [one for one in payloads["reference"]["alternatives"]["singles"] if one["edits"]]
    assert len(choices) >= 10
    agreed = 0
    for choice in choices:
        page.select_option("#alternative", choice["name"])
        assert text(page, "alternative-answer").startswith(
            f"With this choice: {hundredths(choice['p']['r_above_1'])} %"
        )
        page.click("#alternative-apply")
        if (shown := text(page, "bar-p")) != "no number":
            p, error = (
                float(re.sub("[^0-9.]", "", words)) / 100 for words in (shown, text(page, "big-error"))
            )
            assert (
                abs(p - choice["p"]["r_above_1"]) <= 4 * np.hypot(error, choice["mcse"]["r_above_1"]) + 0.001
            )
            agreed += 1
        page.click("#reset")
    assert agreed >= 0.8 * len(choices)


def test_the_saved_view_is_one_that_the_command_line_reads_as_the_page_does(page, tmp_path):
    page.locator("#q-capabilities input[type=number]").nth(1).fill("3")
    page.select_option("#q-frontier_share-family", "beta")
    page.locator("#row-report_fixed_hardware_2025").uncheck()
    with page.expect_download() as saved:
        page.click("#save-toml")
    path = tmp_path / saved.value.suggested_filename
    saved.value.save_as(path)
    view, author = sie.read_view(str(path)), sie.read_view("reference")
    assert path.name == "reference_edited.toml"
    assert view["capabilities"].prior == sie.lognormal(1, 3)
    assert view["capabilities"].basis == "ours"
    assert view["frontier_share"].prior.family == "beta"
    assert view.reflects == ("report_fixed_hardware_2025",)
    changed = {name for name in author.entries if view[name].prior != author[name].prior}
    assert changed == {"capabilities", "frontier_share"}
    with page.expect_download() as saved:
        page.click("#save-credences")
    saved.value.save_as(tmp_path / "credences.csv")
    lines = (tmp_path / "credences.csv").read_text().splitlines()
    assert lines[0] == "view,event,given,p,mcse"
    assert len(lines) == 1 + 2 * len(EVENTS)
    shown = float(text(page, "bar-p").split()[0])
    row = next(line for line in lines if line.startswith("reference_edited,r_above_1,evidence,"))
    assert abs(100 * float(row.split(",")[3]) - shown) < 0.051


def test_figures_and_draws_are_saved(page, tmp_path):
    for button, head in (
        ("#save-draws", b"weight,"),
        ("button[data-figure=r][data-as=svg]", b"<?xml"),
        ("button[data-figure=r][data-as=png]", b"\x89PNG"),
    ):
        with page.expect_download() as saved:
            page.locator(button).first.click()
        saved.value.save_as(tmp_path / "file")
        assert (tmp_path / "file").read_bytes().startswith(head)


@pytest.mark.parametrize(
    ("hash_", "said"),
    [
        ("nonsense!", "holds no state that this page wrote"),
        ("eyJ2aWV3IjoibW9vbiJ9", "is about the view moon, which this file does not hold"),
        ("eyJ2aWV3IjoicmVmZXJlbmNlIiwiZXZlbnQiOiJubyJ9", "no event is called no"),
        ("eyJ2aWV3IjoicmVmZXJlbmNlIiwib2ZmIjpbIjxiPiJdfQ", "no row <b> counts in this view"),
        (
            "eyJ2aWV3IjoicmVmZXJlbmNlIiwicHJpb3JzIjp7InNpZ21hIjpbImV2aWwiLFsxXV19fQ",
            "sigma: no family is called evil",
        ),
        (
            address_of({"view": "reference", "priors": {"sigma": ["lognormal", [2, 1]]}}),
            "sigma: want the 5 % below",
        ),
        (
            address_of({"view": "reference", "priors": {"sigma": ["constructor", [1]]}}),
            "sigma: no family is called constructor",
        ),
        (
            address_of({"view": "reference", "priors": {"sigma": ["mixture", [0.5, 0.5]]}}),
            "sigma: no family is called mixture here",
        ),
        (
            address_of({"view": "reference", "levels": {"language models": "published"}}),
            "other levels of the evidence, which need a fit",
        ),
    ],
)
def test_an_address_that_does_not_fit_is_refused_in_a_sentence(browser, address, hash_, said):
    page = opened(browser, f"{address}#{hash_}")
    assert said in text(page, "problem")
    assert text(page, "bar-how") == "the view as it stands"
    assert page.said == []
    page.close()


def test_a_row_named_twice_in_an_address_is_left_out_once(browser, address):
    shown = []
    for off in (["report_fixed_hardware_2025"], 3 * ["report_fixed_hardware_2025"]):
        page = opened(browser, f"{address}#{address_of({'view': 'reference', 'off': off})}")
        shown.append((text(page, "bar-p"), text(page, "bar-how")))
        page.close()
    assert shown[0] == shown[1]


def test_another_run_of_the_reference_does_not_claim_the_stored_range(evidence):
    view = sie.read_view("reference")
    assert view_payload(view, evidence, draws=1000)["alternatives"]
    assert view_payload(view, None, draws=1000)["alternatives"] is None
    other = view_payload(view, evidence, draws=1000, levels={"SAT solvers": "epoch"})
    assert other["alternatives"] is None
    assert other["command"] == "sie report reference --seed 1 --draws 1000 --levels 'SAT solvers=epoch'"


def test_what_a_view_file_cannot_state_is_said_in_it(page, tmp_path):
    page.select_option("#mechanism", "complements")
    with page.expect_download() as saved:
        page.click("#save-toml")
    saved.value.save_as(tmp_path / "reference.toml")
    assert "the mechanism complements" in (tmp_path / "reference.toml").read_text().splitlines()[0]
    assert "Not in the saved file" in text(page, "problem")
    assert (
        sie.read_view(str(tmp_path / "reference.toml"))["sigma"].prior
        == sie.read_view("reference")["sigma"].prior
    )
    with page.expect_download() as saved:
        page.click("#save-credences")
    assert saved.value.suggested_filename == "reference_complements_credences.csv"


def test_markup_in_a_view_stays_text(browser, tmp_path, evidence):
    source = (sie.base.reading.data_folder("priors") / "reference.toml").read_text(encoding="utf-8")
    note = f"note    = {json.dumps(HOSTILE)}"
    hostile = re.sub(r"^label .*$", f"label = {json.dumps(HOSTILE)}", source, flags=re.MULTILINE)
    hostile = re.sub(r"^note    = .*$", lambda _: note, hostile, count=3, flags=re.MULTILINE)
    (tmp_path / "mine.toml").write_text(hostile, encoding="utf-8")
    payload = view_payload(sie.read_view(str(tmp_path / "mine.toml")), None, draws=1000)
    html = render([payload])
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    assert html.count("<script") == 3 == html.count("</script>")
    page = opened(browser, (tmp_path / "page.html").as_uri())
    assert text(page, "view-label") == " ".join(HOSTILE.split())
    assert page.title() != "ran"
    assert page.locator("main img").count() == 0
    assert page.said == []
    page.close()


def test_an_own_view_named_like_a_bundled_one_is_the_own_view(browser, tmp_path):
    own = tmp_path / "davidson_2025.toml"
    author = sie.read_view("davidson_2025")
    mine = author.replace(capabilities=sie.lognormal(1.2, 2.0))
    own.write_text(sie.to_toml(mine), encoding="utf-8")
    view = sie.read_view(str(own))
    payload = view_payload(view, None, draws=1000)
    (tmp_path / "page.html").write_text(render([payload]), encoding="utf-8")
    page = opened(browser, (tmp_path / "page.html").as_uri())
    assert page.locator("#q-capabilities input[type=number]").nth(1).input_value() == "2"
    page.click("#event-gain_500x")
    painted(page)
    state = page.evaluate("location.hash.slice(1)")
    again = opened(browser, f"{(tmp_path / 'page.html').as_uri()}#{state}")
    assert text(again, "problem") == ""
    assert again.get_attribute("#event-gain_500x", "aria-pressed") == "true"
    bundled = view_payload(sie.read_view("davidson_2025"), None, draws=1000)
    (tmp_path / "other.html").write_text(render([bundled]), encoding="utf-8")
    other = opened(browser, f"{(tmp_path / 'other.html').as_uri()}#{state}")
    assert "a view of its own, which this file does not hold" in text(other, "problem")
    for window in (page, again, other):
        window.close()


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_leaves_the_window_and_axe_finds_no_violation(browser, address, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(browser, address, width=width, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate("document.querySelectorAll('footer details').forEach((one) => { one.open = false; })")
    found = Axe().run(page).response["violations"]
    assert found == [], [(one["id"], one["nodes"][0]["html"][:200]) for one in found]
    page.close()


def test_the_same_payloads_give_the_same_bytes_within_bounds(payloads):
    first, both = render([payloads["reference"]]), render([payloads[name] for name in VIEWS])
    assert first == render([payloads["reference"]])
    assert len(first) < 3_000_000
    assert len(both) < 6_000_000


def test_the_policy_allows_the_page_alone():
    html = render([{"label": "x", "alternatives": None}])
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    policy = policy.replace("&#39;", "'")
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.findall(r"\son\w+=", html)
    assert "http://" not in re.sub(r"data:text/javascript;base64,[^\"]*", "", html).split('id="data"')[0]
    assert {f"{name}.js" for name in MODULES} == {path.name for path in WEB.glob("*.js")}


def test_an_index_lists_every_view_with_its_answer(payloads):
    listed = [
        {key: value for key, value in payload.items() if key != "sets"} for payload in payloads.values()
    ]
    html = index(listed)
    for name in VIEWS:
        assert f'href="{name}.html"' in html
    assert "<script" not in html
