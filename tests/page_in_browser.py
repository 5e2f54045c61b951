"""The page in a real browser: fixtures, and the readings that its tests are made of."""

import os
import shutil

import pytest

SLOW_MS = 300_000
"""A page on a busy machine may take this long; how fast it is, is for benchmarks to say."""

NO_CHROMIUM = "found no chromium, want one on the PATH"
"""Why tests of the page in a browser are left out."""

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def browser():
    """Debian's chromium, one a file of tests: while it is open, no other event loop runs in this thread. Where it is missing, a failure in CI and a skip elsewhere."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(NO_CHROMIUM)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield browser
        browser.close()


def opened(browser, address, *, width=1280, scheme="light"):
    """A page at an address; `requests` and `said` list what it asked for and what its console and its scripts complained of."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.set_default_timeout(SLOW_MS)
    page.requests, page.said = [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.goto(address)
    page.wait_for_selector("body.ready")
    painted(page)
    return page


def painted(page):
    """Wait until figures and address have followed the last change."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 250)))")


def text(page, name):
    """The text of an element by its id, with plain spaces."""
    return page.inner_text(f"#{name}").replace("\u00a0", " ")
