"""A running explorer and a real browser that drives it: fixtures, and the actions and readings that its tests are made of."""

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

SLOW_MS = 300_000
"""A page on a busy machine may take this long; how fast it is, is for the timed tests to say."""

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def address(browser):
    """The address of a server of the explorer, once a page of it has opened: where none does, every test fails at once."""
    with serving() as found:
        opened(browser, found).close()
        yield found


@contextmanager
def serving(*options, **settings):
    """A server of the explorer, as a user starts it, ended by an interrupt; gives its address. `settings` are those of a process."""
    command = [
        *(sys.executable, "-c", "from sie.cli import main; main()"),
        *("explore", "--port", "0", "--no-browser", *options),
    ]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes, **settings) as process:
        try:
            line = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+/", line)
            assert found, process.stderr.read()
            yield found[0]
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=SLOW_MS / 1000) == 130
            assert "Traceback" not in process.stderr.read()
        finally:
            process.kill()


@pytest.fixture(scope="session")
def browser():
    """Debian's chromium, one a process; where it is missing, a failure in CI and a skip elsewhere."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("found no chromium, want one on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(browser, address):
    page = opened(browser, address)
    yield page
    page.close()


def opened(browser, address, width=1280):
    """A page with its numbers and all figures; `requests` lists what it asked for."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(SLOW_MS)
    page.requests = []
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(address)
    page.wait_for_selector(".numbers td[data-event]")
    page.wait_for_function("document.querySelectorAll('.figures svg').length === 4")
    return page


def shown(page, event="r_above_1", given="evidence"):
    """A credence as the page has it."""
    return page.locator(f'.numbers td[data-event="{event}"][data-given="{given}"]:not(.other)').inner_text()


def how(page):
    """How the numbers came about."""
    return page.locator(".numbers").get_attribute("data-how")


def after_edit(page, act):
    """Do something and wait until the numbers answer it."""
    before = int(page.locator(".numbers").get_attribute("data-edit"))
    act()
    page.wait_for_function(
        "n => { const s = document.querySelector('.numbers'); return +s.dataset.edit > n && s.dataset.how !== 'stale' }",
        arg=before,
    )


def settled(page):
    """Wait until the numbers are not those of weights."""
    page.wait_for_selector('.numbers[data-how="refitted"], .numbers[data-how="paths"]')


def press(page, prior, key="ArrowRight", thumb=0):
    """A step of a slider."""
    page.locator(f'[data-prior="{prior}"] .slide [role=slider]').nth(thumb).press(key)


def switch(page, row):
    """Switch an evidence row on or off; by key, since a row that moves to its group slips from under a pointer."""
    page.locator(f'[data-row="{row}"] [role=switch]').press("Space")


def choose(page, label, option):
    """Choose from a list."""
    page.locator(f'label:has(> span:text-is("{label}")) select').select_option(label=option)


def downloaded(page, label):
    """What a button saves."""
    with page.expect_download() as download:
        page.get_by_role("button", name=label).or_(page.get_by_role("link", name=label)).first.click()
    return download.value
