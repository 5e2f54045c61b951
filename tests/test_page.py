"""The report as a page: whole, self-contained, escaped, the same bytes for the same inputs, and right in a real browser."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest

import sie
from sie.analysis.result import CONDITIONS
from sie.base.reading import data_folder
from sie.data.bibliography import read_sources
from sie.data.quantities import QUANTITIES
from sie.data.wording import prior_in_words
from sie.growth.events import EVENTS
from sie.growth.mechanisms import LAW
from sie.page import equations, sections
from sie.page.page import COLOURS, TEMPLATES, Figure, Line, Paragraph, Section, Table, render, web
from sie.page.saved import versions
from sie.page.sections import as_html
from sie.page.text import compute

HOSTILE = "<script>alert(1)</script> \"'><img src=x onerror=alert(1)> & $x_1$"
VOID = {"meta", "link", "br", "wbr", "col", "img", "hr", "input"}


class Page(HTMLParser):
    """The elements, attributes and text of a page; refuses tags that do not close in order."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.pieces, self.skipped = [], [], [], 0
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.pieces.append(data)

    @property
    def text(self):
        return " ".join("".join(self.pieces).split())

    def of(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


def said(text):
    return " ".join(text.split())


@pytest.fixture(scope="module")
def results(evidence):
    """Views that a page can be made of without sampling: one with rows that cannot move it, one of priors only."""
    stated = compute(sie.read_view("davidson_houlden_2025"), evidence, seed=1, draws=1000)
    return [stated, compute(sie.read_view("davidson_2025"), None, seed=1, draws=1000)]


@pytest.fixture(scope="module")
def html(results):
    return as_html(results, read_sources())


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


@pytest.mark.slow
def test_every_prior_and_evidence_row_stands_on_the_page_with_quote_and_link(page, results, evidence):
    works = read_sources()
    for result in results:
        assert result.inputs_sha256 in page.text
        for name, entry in result.view.entries.items():
            assert name in page.text
            assert prior_in_words(entry.prior) in page.text
            assert said(entry.quote or "") in page.text
            assert said(entry.note or "") in page.text
    for row in evidence.estimate.values:
        one = evidence.sel(estimate=row)
        assert row in page.text
        assert said(one.quote.item()) in page.text
        assert said(one.note.item()) in page.text
    linked = {attrs.get("href") for attrs in page.of("a")}
    cited = {work.url for key, work in works.items() if key in set(evidence.source.values)} - {""}
    assert cited <= linked


def test_credences_on_the_page_are_those_of_the_result(page, results):
    for result in results:
        for table in result.credences.values():
            assert all(f"{100 * p:.1f}" in page.text for p in table.p.values)
    for event in EVENTS.values():
        assert event.wording[1:] in page.text


def test_the_page_has_equations_variables_versions_and_conditions(page):
    equation = [attrs["data-equation"] for attrs in page.of("p") if "data-equation" in attrs]
    assert equation == [line for block in equations.blocks() for line in block.lines]
    assert all(name in page.text for name in (*QUANTITIES, *LAW.names, *equations.COMPUTED))
    assert all(f"{name} {version}" in page.text for name, version in versions().items())
    assert CONDITIONS in page.text
    assert "sie report davidson_houlden_2025 --seed 1 --draws 1000 sie" in page.text
    assert "sie report davidson_2025 --seed 1 --draws 1000 --priors-only" in page.text


def test_the_page_runs_nothing_and_names_nothing_to_fetch(html, page):
    tags = {tag for tag, _ in page.elements}
    assert not tags & {
        "script",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
        "video",
        "audio",
        "foreignobject",
    }
    assert [attrs["href"] for attrs in page.of("link")] == ["data:,"]
    assert "@import" not in html
    assert re.findall(r"url\((?!#)", html) == []
    for _, attrs in page.elements:
        assert not [
            name for name in attrs if name.startswith("on") or name in ("src", "srcset", "srcdoc", "action")
        ]
    policy = [attrs["content"] for attrs in page.of("meta") if "http-equiv" in attrs]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_tables_have_captions_and_headers_and_figures_have_words(page):
    tags = [tag for tag, _ in page.elements]
    assert tags.count("caption") == tags.count("table") == tags.count("thead") > 5
    assert all(attrs["scope"] in ("row", "col") for attrs in page.of("th"))
    shown = [attrs for attrs in page.of("div") if attrs.get("role") == "img"]
    assert len(shown) == len(EVENTS) + 3 + 2
    assert all(len(attrs["aria-label"]) > 30 or "%" in attrs["aria-label"] for attrs in shown)
    names = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(names) == len(set(names))
    targets = {attrs["href"][1:] for attrs in page.of("a") if attrs.get("href", "").startswith("#")}
    assert targets <= set(names)


@pytest.mark.slow
def test_the_same_results_give_the_same_bytes(html, results):
    assert as_html(results, read_sources()) == html


def test_markup_in_data_files_stays_text(tmp_path, evidence_copy):
    toml = (data_folder("priors") / "davidson_houlden_2025.toml").read_text()
    quoted = HOSTILE.replace('"', '\\"')
    toml = toml.replace('"Davidson & Houlden (2025)"', f'"{quoted}"').replace(
        "their r0: 0.4, 1.2, 3.6", quoted
    )
    toml = toml.replace('"Summary of parameter assumptions, table"', f'"{quoted}"').replace(
        "table of results", quoted
    )
    (tmp_path / "own.toml").write_text(toml)
    sources = evidence_copy / "sources.toml"
    text = sources.read_text().replace("Tom Davidson and Tom Houlden", quoted).replace("CC BY 4.0", quoted)
    sources.write_text(text)
    returns = evidence_copy / "returns.csv"
    cell = HOSTILE.replace('"', '""')
    returns.write_text(
        returns.read_text().replace("Tables 7-8, SAT solvers", cell).replace("Posterior with the", cell)
    )
    works = {  # the reader refuses such an address; a page does not rely on it
        key: dataclasses.replace(work, url="javascript:alert(1)") if "2405.10494" in work.url else work
        for key, work in read_sources(evidence_copy).items()
    }
    rows = sie.read_evidence(evidence_copy)
    result = compute(sie.read_view(str(tmp_path / "own.toml"), sources=works), rows, seed=1, draws=1000)
    page = Page(as_html([result], works))
    assert not {tag for tag, _ in page.elements} & {"script", "img"}
    assert page.text.count(said(HOSTILE)) > 10
    assert not [attrs for attrs in page.of("a") if attrs.get("href", "").startswith("javascript")]


def test_markup_in_a_domain_stays_text_in_the_figure(results):
    from sie.plots.draws import plot_r
    from sie.plots.style import as_svg

    svg = as_svg(plot_r(results[1].draws("priors"), title=HOSTILE), salt="x")
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg
    assert "$x_1$" in svg


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "data:text/html,x", "//a.b", "ftp://a.b", "https://a b", "", None]
)
def test_only_web_addresses_become_links(href):
    assert web(href) is None
    assert web("https://arxiv.org/abs/2405.10494")
    block = Paragraph(lines=Line("text", href=href))
    html = render(title="t", summary=["s"], facts=[], sections=[Section(name="a", title="b", blocks=[block])])
    assert [attrs["href"] for attrs in Page(html).of("a")] == ["#content", "#a"]


@pytest.mark.slow
def test_a_section_is_added_by_one_function(results, monkeypatch):
    def tornado(contents):
        blocks = [
            Table(caption="a caption", columns=["input", "P"], rows=[["sigma", f"{len(contents.results)}"]])
        ]
        return [Section(name="tornado", title="What drives it", blocks=blocks)]

    monkeypatch.setattr(sections, "SECTIONS", (*sections.SECTIONS, tornado))
    page = Page(as_html(results, read_sources()))
    assert {"id": "tornado", "aria-label": "What drives it"} in page.of("section")
    assert "a caption" in page.text


def test_figures_take_the_colours_and_the_typeface_of_the_page(html, results):
    inside = "".join(re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL))
    assert not [colour for colour in COLOURS if colour in inside.lower()]
    assert "font-family" not in inside
    assert "var(--blue)" in inside
    style = (TEMPLATES / "page.css").read_text()
    assert len(re.findall(r"font(-family)?:[^;]*sans-serif", style)) == 1
    assert Figure(caption="c", alt="a", svg="<svg/>").shape == "figure"


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_text_and_marks_contrast_enough_in_light_dark_and_print():
    style = (TEMPLATES / "page.css").read_text()
    palettes = [
        dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    ]
    assert len(palettes) == 3
    for palette in palettes:
        for name in ("ink", "soft", "link"):
            assert contrast(palette[name], palette["paper"]) >= 4.5
            assert contrast(palette[name], palette["wash"]) >= 4.5
        for name in ("blue", "orange", "vermilion", "grey"):
            assert contrast(palette[name], palette["paper"]) >= 3


@pytest.mark.slow
def test_the_command_writes_the_page_and_open_writes_the_same_from_saved_draws(command, tmp_path):
    args = ("report", "davidson_houlden_2025", "--draws", 1000)
    assert command(*args, "--html", tmp_path / "one.html", "--out", tmp_path / "out")[0] == 0
    assert (
        command("open", tmp_path / "out" / "davidson_houlden_2025.nc", "--html", tmp_path / "two.html")[0]
        == 0
    )
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


@pytest.mark.slow
def test_a_page_of_saved_draws_names_the_versions_that_drew_them(results, tmp_path):
    import json

    from sie.page.saved import as_tree, open_saved

    tree = as_tree(results[0])
    tree.attrs["versions"] = json.dumps(versions() | {"sie": "0.0.7", "numpy": "1.99.9"})
    tree.to_netcdf(tmp_path / "older.nc", engine="h5netcdf")
    text = Page(as_html([open_saved(tmp_path / "older.nc")], read_sources())).text
    assert "Made with" in text
    assert "sie 0.0.7" in text
    assert "numpy 1.99.9" in text


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (("--html", "no_such_folder/page.html"), "no_such_folder"),
        (("--html", "."), "something else of that name"),
        (("--html", "own.toml"), "an input of this command"),
        (("--html", "same", "--json", "same"), "another target"),
        (("--html", "out/credences.csv", "--out", "out"), "another target"),
    ],
)
def test_a_page_that_cannot_be_written_is_refused_before_the_work(
    command, tmp_path, monkeypatch, args, found
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.toml").write_text((data_folder("priors") / "reference.toml").read_text())
    (tmp_path / "out").mkdir()
    before = sorted(tmp_path.rglob("*"))
    code, out, err = command("report", "own.toml", *args)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert found in err
    assert sorted(tmp_path.rglob("*")) == before


MEASURE = """() => {
  const problems = [], width = document.documentElement.clientWidth, seen = [];
  if (document.documentElement.scrollWidth > width) problems.push(`page scrolls sideways: ${document.documentElement.scrollWidth} > ${width}`);
  const say = node => (node.textContent || '').trim().slice(0, 60);
  const hidden = element => element.closest('.skip, style, script') || (element.closest('thead') && width < 640);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!node.textContent.trim() || hidden(parent)) continue;
    const turned = parent.closest('text') && /rotate/.test(parent.closest('text').getAttribute('transform') || '');
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.width < 1 || box.height < 1) continue;
      if (box.left < -0.5 || box.right > width + 0.5) problems.push(`outside the window: ${say(node)}`);
      if (!turned) seen.push({ left: box.left, right: box.right, top: box.top + 2.5, bottom: box.bottom - 2.5, text: say(node), node });
    }
  }
  for (const svg of document.querySelectorAll('main svg')) {
    const frame = svg.getBoundingClientRect();
    for (const text of svg.querySelectorAll('text')) {
      const box = text.getBoundingClientRect();
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
        problems.push(`clipped in a figure: ${say(text)}`);
    }
  }
  for (const element of document.body.querySelectorAll('*')) {
    if (hidden(element) || element.closest('svg') || element.closest('nav')) continue;
    if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0 && getComputedStyle(element).display !== 'inline')
      problems.push(`wider than its box: ${element.tagName} ${say(element)}`);
  }
  seen.sort((a, b) => a.top - b.top);
  for (let i = 0; i < seen.length; i++)
    for (let j = i + 1; j < seen.length && seen[j].top < seen[i].bottom; j++) {
      const a = seen[i], b = seen[j];
      if (a.node === b.node || a.node.parentElement.closest('nav') || b.node.parentElement.closest('nav')) continue;
      if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1.5) problems.push(`overlap: ${a.text} | ${b.text}`);
    }
  return { problems, texts: seen.length };
}"""
"""What is wrong with where things are: text outside the window or its figure, boxes too narrow, text on text."""


@pytest.fixture(scope="module")
def whole_page(evidence, tmp_path_factory):
    """The page of a fitted view and of one that states r, as a file."""
    names = ("davidson_2025", "davidson_houlden_2025")
    made = [compute(sie.read_view(name), evidence, seed=1, draws=1000) for name in names]
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(as_html(made, read_sources()), encoding="utf-8")
    return path


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_in_a_browser_nothing_overlaps_is_clipped_is_fetched_or_complains(browser, whole_page, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab = context.new_page()
    requests, complaints = [], []
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(whole_page.as_uri())
    measured = tab.evaluate(MEASURE)
    context.close()
    assert requests == [whole_page.as_uri()]
    assert complaints == []
    assert measured["texts"] > 1000
    assert measured["problems"] == []


@pytest.mark.slow
def test_the_browser_test_sees_what_it_looks_for(browser):
    tab = browser.new_page(viewport={"width": 400, "height": 900})
    at = "position:absolute; left:0; top"
    tab.set_content(
        f'<!doctype html><body><p style="{at}:0">one line</p><p style="{at}:4px">another line</p><p style="{at}:90px; left:390px; white-space:nowrap">far out</p>'
        f'<p style="{at}:200px; width:30px; overflow:hidden; white-space:nowrap">much too long for its box</p>'
        f'<main><svg style="{at}:300px" width="50" height="20"><text x="30" y="15">cut off</text></svg></main>'
    )
    found = " ".join(tab.evaluate(MEASURE)["problems"])
    tab.close()
    for problem in ("overlap: one line | another line", "outside the window: far out", "scrolls sideways"):
        assert problem in found
    assert "wider than its box: P much too long" in found
    assert "clipped in a figure: cut off" in found


@pytest.mark.slow
def test_a_figure_of_a_fitted_view_shows_in_words_and_shapes(whole_page):
    page = Page(whole_page.read_text(encoding="utf-8"))
    words = [attrs["aria-label"] for attrs in page.of("div") if attrs.get("role") == "img"]
    assert sum("published estimates and" in text for text in words) == 1
    assert len(words) == len(EVENTS) + 4 + 2
    assert sum("→" in piece for piece in page.pieces) >= len(EVENTS)
