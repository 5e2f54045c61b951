"""The documentation: it builds without a warning, works offline, its links lead somewhere, its code runs, its tables are complete."""

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest
import xarray as xr

import sie
from sie import cli

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
MOST_LINES = 70
"""Lines of a README that is on one screen."""

BLOCK = re.compile(
    r'^```\{?([\w-]+)\}?(?: \w+)?\n(?::caption: "([^"]*)"\n)?(.*?)^```$', re.MULTILINE | re.DOTALL
)


# ---- The site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site, warnings being errors."""
    out = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "--fail-on-warning",
        "-d",
        out.parent / "trees",
        DOCS,
        out,
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return out


class Tags(HTMLParser):
    """What a page refers to, by kind, and its anchors."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.ids = [], [], {""}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids |= {found[key] for key in ("id", "name") if found.get(key)}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        elif found.get("src") or (tag == "link" and found.get("href") and found.get("rel") != "canonical"):
            self.loaded.append(found.get("src") or found["href"])


@pytest.fixture(scope="module")
def pages(site):
    return {path: Tags(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


@pytest.mark.slow
def test_the_site_loads_nothing_from_elsewhere(site, pages):
    remote = {address for page in pages.values() for address in page.loaded if urlsplit(address).netloc}
    assert remote == set()
    styles = list(site.rglob("*.css"))
    assert styles
    for path in styles:
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"@import\s+[^;]*https?:|url\(\s*[\"']?(?:https?:)?//", text) == [], path.name


@pytest.mark.slow
def test_every_link_within_the_site_leads_somewhere(site, pages):
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[target].ids if target in pages else {parts.fragment}
            if not target.exists() or unquote(parts.fragment) not in anchors:
                broken.append((path.relative_to(site).as_posix(), link))
    assert broken == []


@pytest.mark.slow
def test_the_reference_has_every_public_name_and_every_command(site):
    api = "".join(path.read_text(encoding="utf-8") for path in (site / "reference" / "api").glob("*.html"))
    assert [name for name in sie._HOME if f'id="sie.{name}"' not in api] == []
    commands = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    assert [name for name in cli.COMMANDS if f'id="sie-{name}"' not in commands] == []


@pytest.mark.slow
def test_the_results_have_every_event_and_every_view(site):
    results = (site / "results.html").read_text(encoding="utf-8")
    assert [name for name in (*sie.EVENTS, *sie.view_names()) if f">{name}<" not in results] == []


def test_every_comment_of_a_page_is_filled(generated):
    """An unknown name fails the build; a comment of another shape would vanish."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert text.count("<!--") == len(generated.MARKER.findall(text)), page.name


def test_a_page_links_only_to_files_of_the_repository():
    """Links of the README and of pages that are read in the repository, too."""
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *PAGES):
        text = BLOCK.sub("", page.read_text(encoding="utf-8"))
        for address in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            assert urlsplit(address).scheme or (page.parent / address).exists(), (page.name, address)


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 400])
def test_no_page_is_wider_than_its_window(site, pages, browser, width):
    window = browser.new_page(viewport={"width": width, "height": 900})
    wide = []
    for path in pages:
        window.goto(path.as_uri())
        if window.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(path.relative_to(site).as_posix())
    assert wide == []


def test_the_readme_fits_a_screen_and_has_the_two_commands():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MOST_LINES
    assert any(line.startswith("    pip install uv && uv run sie report ") for line in lines)
    assert any(line.startswith("    uv run pytest ") for line in lines)


@pytest.mark.slow
def test_a_run_without_a_browser_says_in_one_line_what_it_leaves_out(tmp_path):
    """The README's test command on a machine without Chromium, for one of the tests of the page."""
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {
        "PATH": str(tmp_path)
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/test_page.py",
        "-k",
        "named_twice",
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    [line] = [line for line in done.stdout.splitlines() if line.startswith("left out for want of a browser")]
    assert "1 of tests/test_page.py; to have them, install" in line


# ---- Code in pages


def blocks(page):
    """(language, caption, text) of each block of code of a page."""
    return [
        (language, caption, text)
        for language, caption, text in BLOCK.findall(page.read_text(encoding="utf-8"))
        if language not in ("toctree", "include", "literalinclude")
    ]


def lines_of_commands(page):
    """The commands of blocks that a reader types, those that are run and those that take too long."""
    for language, _, text in blocks(page):
        if language in ("bash", "console"):
            yield from (line for line in text.splitlines() if line.strip())
    indented = re.findall(r"^    (?:uv run )?(sie .*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    yield from (line.split("  #")[0] for line in indented)


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", *(page for page in PAGES if [*lines_of_commands(page)])],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_every_command_has_the_options_that_a_page_gives_it(page):
    for line in lines_of_commands(page):
        words = shlex.split(line.split("  #")[0])
        if words[0] != "sie":
            assert words[0] in ("pip", "uv"), line
            continue
        command = cli.tree().commands[words[1]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words[2:] if word.startswith("--")} <= known, line


def put(folder, caption, text):
    """What a captioned block says: a file, lines at the end of one, or the table of a TOML file."""
    name, _, where = caption.partition(", ")
    path = folder / name
    if where == "at the end":
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    elif where.startswith("table "):
        tables = re.split(r"\n\n(?=\[)", path.read_text(encoding="utf-8"))
        [at] = [i for i, table in enumerate(tables) if table.startswith(f"[{where[6:]}]\n")]
        tables[at] = text.rstrip("\n")
        path.write_text("\n\n".join(tables).rstrip("\n") + "\n", encoding="utf-8")
    else:
        path.write_text(text, encoding="utf-8")


RUN = [
    page
    for page in PAGES
    if page.parent.name == "howto" and {"bash", "python"} & {b[0] for b in blocks(page)}
]


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_the_code_of_a_how_to_page_runs(page, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    names = {}
    for language, caption, text in blocks(page):
        if caption:
            put(tmp_path, caption, text)
        elif language == "python":
            exec(compile(text, page.name, "exec"), names)
        elif language == "bash":
            for line in text.splitlines():
                code, out, err = command(*shlex.split(line)[1:])
                assert (code, err) == (0, ""), (line, err)
                assert out


@pytest.mark.slow
def test_the_python_of_the_readme_runs():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.search(r"^    import sie\n(?:    .*\n)+", text, re.MULTILINE)[0]
    names = {}
    exec(textwrap.dedent(lines), names)
    assert names["table"].p.sizes["event"] == len(sie.EVENTS)


# ---- Formats


@pytest.fixture(scope="module")
def generated():
    sys.path.insert(0, str(DOCS))
    try:
        import generated
    finally:
        sys.path.remove(str(DOCS))
    return generated


@pytest.fixture
def saved(tmp_path, command):
    """A saved report with a fit, and its draws."""
    file, out = tmp_path / "report.json", tmp_path / "out"
    assert command("report", "davidson_2025", "--draws", 1000, "--json", file, "--out", out)[0] == 0
    return json.loads(file.read_text(encoding="utf-8")), out


def paths_of(value, path=""):
    """Every key of a document by its path."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield f"{path}{key}"
            yield from paths_of(below, f"{path}{key}.")
    elif isinstance(value, list):
        for item in value:
            yield from paths_of(item, f"{path.removesuffix('.')}[].")


FREE = ("versions.", "views[].inputs.", "views[].levels.")
"""Objects whose keys are names."""


@pytest.mark.slow
def test_a_saved_report_is_what_the_schema_says(saved, generated):
    document, _ = saved
    schema = generated.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    for prior in document["views"][0]["inputs"].values():
        jsonschema.validate(prior, {**schema, **schema["$defs"]["prior"]})
    described = dict(generated.schema_keys(schema))
    found = {path for path in paths_of(document) if not path.startswith(FREE)}
    assert found <= set(described)
    assert [path for path, node in described.items() if not node.get("description")] == []


@pytest.mark.slow
def test_saved_draws_have_the_groups_and_attributes_of_the_page(saved):
    _, out = saved
    text = (DOCS / "reference" / "files.md").read_text(encoding="utf-8")
    with xr.open_datatree(out / "davidson_2025.nc") as tree:
        groups = {node.path for node in tree.subtree if node.path != "/"}
        attributes = set(tree.attrs)
    named = {
        name
        for cell in re.findall(r"^\| ([^|]*) \|", text, re.MULTILINE)
        for name in re.findall("`(.*?)`", cell)
    }
    assert groups == {name for name in named if name.startswith("/")}
    assert attributes <= named
    assert (out / "credences.csv").read_text(encoding="utf-8").splitlines()[0] in text
