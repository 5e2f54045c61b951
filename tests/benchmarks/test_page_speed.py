"""How soon the page shows: first paint, an edit's changed text and figures; and a refit of the served page. Figures for the README."""

import json
import time

import numpy as np
import pytest
from page_in_browser import opened

import sie
from sie.page.document import render
from sie.page.payload import refitted, view_payload

EDITS, REFITS = 200, 40

MOVE = """async (edits) => {
  const slider = document.querySelector("#q-sigma input[type=range]");
  const found = [];
  for (let i = 0; i < edits; i++) {
    const start = performance.now();
    slider.value = String(250 + ((i * 37) % 400));
    slider.dispatchEvent(new Event("input"));
    const said = performance.now();
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
    found.push([said - start, performance.now() - said]);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def page_file(evidence, tmp_path_factory):
    payload = view_payload(sie.read_view("reference"), evidence, draws=20000, wide=True, mechanisms=None)
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(render([payload]), encoding="utf-8")
    return path


def test_an_edit_in_the_page(browser, page_file, capsys):
    page = opened(browser, page_file.as_uri())
    paint = page.evaluate("performance.getEntriesByType('paint')[0].startTime")
    times = np.array(page.evaluate(MOVE, EDITS))
    page.close()
    with capsys.disabled():
        words, figures = np.quantile(times, [0.5, 0.95], axis=0).T
        print(f"\nfirst paint {paint:.0f} ms; {page_file.stat().st_size / 1e6:.2f} MB")
        print(f"from input to changed text: median {words[0]:.1f}, 95 % {words[1]:.1f} ms")
        print(f"from there to figures: median {figures[0]:.0f}, 95 % {figures[1]:.0f} ms")


def test_a_refit(evidence, capsys):
    bench, rng = sie.Workbench(evidence, seed=1), np.random.default_rng(1)
    for name in ("reference", "davidson_2025"):
        view, times = sie.read_view(name), []
        for _ in range(REFITS + 1):
            edited = view.replace(r_typical=view["r_typical"].prior.scaled(float(np.exp(rng.normal(0, 0.5)))))
            start = time.perf_counter()
            json.dumps(refitted(bench, edited, levels={}))
            times.append(time.perf_counter() - start)
        with capsys.disabled():
            middle, late = np.quantile(times[1:], [0.5, 0.95])
            print(f"\nrefit of {name}: median {1000 * middle:.0f}, 95 % {1000 * late:.0f} ms")
