"""The explorer's page in a real browser: every control, the address, files in and out, two tabs, two widths."""

import csv
import io
import json
import re
import shlex
import zipfile

import numpy as np
import pytest
from explorer_page import after_edit, choose, downloaded, how, opened, press, settled, shown, switch
from typer.testing import CliRunner

import sie
from sie.cli import app

pytestmark = pytest.mark.slow

SEED, DRAWS = 1, 4000


@pytest.fixture(scope="module")
def davidson():
    return sie.read_view("davidson_2025")


def sie_command(*arguments):
    """What a command prints; it must succeed."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def reported(tmp_path, command):
    """Credences that a `sie report ...` line gives, with their errors, by event and what is given."""
    target = tmp_path / "report.json"
    sie_command(*shlex.split(command)[1:], "--json", target)
    credences = json.loads(target.read_text())["views"][0]["credences"]
    return {(item["event"], item["given"]): (item["p"], item["mcse"]) for item in credences}


def test_the_page_asks_nothing_of_any_other_host_and_is_set_in_one_typeface(page, address):
    assert {re.match(r"[a-z]+://[^/]+/", url)[0] for url in page.requests if not url.startswith("data:")} == {
        address
    }
    fonts = page.evaluate(
        "[...new Set([...document.querySelectorAll('#App *')].filter(e => e.textContent.trim() && !e.children.length"
        " && !e.closest('pre')).map(e => getComputedStyle(e).fontFamily))]"
    )
    assert len(fonts) == 1


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_wider_than_the_screen(browser, address, width):
    page = opened(browser, address, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('#App').scrollWidth") <= width
    wide = page.evaluate(
        "[...document.querySelectorAll('#App section, #App header, #App figure, #App .prior, #App .row, #App table')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"
    )
    assert wide == []
    clipped = page.evaluate(
        "[...document.querySelectorAll('.figures svg')].flatMap(s => { const b = s.getBoundingClientRect();"
        " return [...s.querySelectorAll('text')].filter(t => { const r = t.getBoundingClientRect();"
        " return r.left < b.left - 1 || r.right > b.right + 1 || r.top < b.top - 1 || r.bottom > b.bottom + 1 })"
        ".map(t => t.textContent) })"
    )
    assert clipped == []
    page.close()


def test_every_control_changes_what_it_says(page):
    first = shown(page)
    after_edit(page, lambda: press(page, "capabilities"))
    assert how(page) in ("reweighted", "refitted")
    moved = shown(page)
    assert (
        page.locator('[data-prior="capabilities"].changed .was').inner_text()
        == "author: 1.7 to 2.5, 90 % of the mass"
    )
    settled(page)
    after_edit(page, lambda: press(page, "speedup", thumb=1))
    assert how(page) == "paths"
    after_edit(page, lambda: page.get_by_role("button", name="Undo").click())
    after_edit(page, lambda: page.get_by_role("button", name="Undo").click())
    assert shown(page) == first
    assert moved

    after_edit(page, lambda: page.locator('[data-prior="hardware_scale"] .counts [role=switch]').click())
    page.wait_for_selector('[data-prior="hardware_scale"] .interval:has-text("1, fixed")')
    assert how(page) == "refitted"
    after_edit(page, lambda: page.get_by_role("button", name="Reset").click())
    assert shown(page) == first

    page.locator('[data-prior="steepening"] summary').click()
    quote = page.locator('[data-prior="steepening"] blockquote').inner_text()
    assert quote == sie.read_view("davidson_2025")["steepening"].quote
    after_edit(
        page,
        lambda: page.locator('[data-prior="steepening"] .family select').select_option(label="loguniform"),
    )
    page.wait_for_selector('[data-prior="steepening"].changed')

    after_edit(page, lambda: switch(page, "sat_2024"))
    why = page.locator('[data-row="sat_2024"] .why:has-text("the view already reflects it")')
    why.wait_for(state="attached")
    page.locator('[data-row="sat_2024"] summary').click()
    why.wait_for(state="visible")
    link = page.locator('[data-row="sat_2024"] details a').get_attribute("href")
    row = sie.read_evidence().sel(estimate="sat_2024")
    assert link == sie.read_sources()[row.source.item()].url

    mechanism = page.locator('label:has(> span:text-is("Mechanism after ASARA")) select')
    names = mechanism.locator("option").all_inner_texts()
    other = next(name for name in names if name.startswith("as ") and name != "as the view states")
    after_edit(page, lambda: mechanism.select_option(label=other))

    choose(page, "Compare with", "Davidson & Houlden (2025)")
    page.wait_for_selector(".numbers td.other")
    choose(page, "Event of the tornado", sie.EVENTS["pace_doubles"].wording)
    page.wait_for_function(
        "document.querySelector('[data-figure=tornado]').textContent.includes('pace_doubles')"
    )

    after_edit(page, lambda: choose(page, "View", "Davidson & Houlden (2025)"))
    assert page.locator('.numbers td[data-given="evidence"]:not(.other)').count() == 0
    assert page.locator(".numbers td.other").count() > 0
    assert how(page) == "paths"


def test_old_numbers_are_grey_while_a_refit_runs(page):
    page.evaluate(
        "window.grey = []; new MutationObserver(() => { const s = document.querySelector('.numbers.stale');"
        " if (s) window.grey.push(getComputedStyle(s.querySelector('td')).opacity) })"
        ".observe(document.querySelector('[data-cell-name=numbers]'), {subtree: true, childList: true, attributes: true})"
    )
    after_edit(page, lambda: switch(page, "lp_2024"))
    assert page.evaluate("window.grey.length") > 0
    assert how(page) == "refitted"


def test_an_address_opened_in_a_second_tab_shows_the_same_and_the_tabs_do_not_touch_each_other(page, browser):
    after_edit(page, lambda: press(page, "compute_bottleneck"))
    after_edit(page, lambda: press(page, "ceiling", thumb=1))
    settled(page)
    page.wait_for_function("location.search.includes('compute_bottleneck=lognormal')")
    second = opened(browser, page.url)
    settled(second)
    assert second.locator(".numbers tbody").inner_text() == page.locator(".numbers tbody").inner_text()
    before = page.locator(".numbers tbody").inner_text()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        after_edit(second, lambda key=key: press(second, "r_typical", key))
        after_edit(page, lambda key=key: press(page, "shape", key))
    assert "r_typical" not in page.url
    assert second.locator(".numbers tbody").inner_text() != before
    second.close()


def test_a_saved_view_reported_by_the_command_on_the_page_gives_the_same_credences(page, tmp_path):
    after_edit(page, lambda: press(page, "capabilities", thumb=1))
    after_edit(page, lambda: press(page, "parallel"))
    after_edit(page, lambda: choose(page, "reinforcement learning", "epoch"))
    assert how(page) == "refitted"
    after_edit(page, lambda: choose(page, "linear programming", "published"))
    page.wait_for_selector(".command code:has-text('linear programming')")
    page.wait_for_function("location.search.includes('linear')")
    reported_as = page.locator(".command code").inner_text()
    view = tmp_path / "davidson_2025_edited.toml"
    assert reported_as == (
        f"sie report {view.name} --seed {SEED} --draws {DRAWS}"
        " --levels 'linear programming=published' --levels 'reinforcement learning=epoch'"
    )
    download = downloaded(page, "View (TOML)")
    assert download.suggested_filename == view.name
    download.save_as(view)
    table = tmp_path / "credences.csv"
    downloaded(page, "Credences (CSV)").save_as(table)
    sie_command("check", view)
    wanted = reported(tmp_path, reported_as.replace(view.name, str(view)))
    found = {
        (row["event"], row["given"]): (float(row["p"]), float(row["mcse"]))
        for row in csv.DictReader(table.read_text().splitlines())
    }
    assert found.keys() == wanted.keys()
    for key, (p, mcse) in wanted.items():
        assert found[key][0] == p
        assert found[key][1] == pytest.approx(mcse, rel=1e-12)
    settled(page)
    for (event, given), (p, _) in wanted.items():
        assert shown(page, event, given).startswith(f"{100 * p:.1f} %")


def test_a_level_is_refitted_counts_its_rows_and_is_undone(page):
    first = shown(page)
    after_edit(page, lambda: choose(page, "linear programming", "published"))
    assert how(page) == "refitted"
    page.wait_for_selector('[data-row="lp_2024"].used')
    why = page.locator('[data-row="lp_growth"] .why')
    assert why.text_content().startswith("Left out: the level of linear programming is published; --levels")
    after_edit(page, lambda: page.get_by_role("button", name="Undo").click())
    assert shown(page) == first
    page.wait_for_selector('[data-row="lp_growth"].used')


def test_draws_and_figures_are_files_that_can_be_read(page, tmp_path):
    draws = tmp_path / "draws.nc"
    downloaded(page, "Draws (NetCDF)").save_as(draws)
    result = sie.open_saved(draws)
    assert shown(page).startswith(
        f"{100 * float(result.credences['evidence'].p.sel(event='r_above_1')):.1f} %"
    )
    lines = tmp_path / "draws.csv"
    downloaded(page, "Draws (CSV)").save_as(lines)
    rows = list(csv.DictReader(io.StringIO(lines.read_text())))
    assert len(rows) == 2 * DRAWS
    above = np.mean([float(row["r_asara"]) > 1 for row in rows if row["given"] == "evidence"])
    assert shown(page).startswith(f"{100 * above:.1f} %")
    figures = tmp_path / "figures.zip"
    downloaded(page, "Figures (PNG)").save_as(figures)
    names = zipfile.ZipFile(figures).namelist()
    assert names == [f"davidson_2025_{name}.png" for name in ("r", "waterfall", "fan", "tornado")]


def test_a_good_upload_is_opened_and_a_bad_one_refused_in_words(page, tmp_path, davidson):
    bad, good = tmp_path / "bad.toml", tmp_path / "mine.toml"
    bad.write_text(sie.to_toml(davidson).replace('family = "lognormal"', 'family = "log-normal"', 1))
    good.write_text(
        sie.to_toml(davidson.replace(speedup=sie.lognormal(4, 9))).replace("Davidson (2025)", "Mine (2026)")
    )
    field = page.locator(".upload input[type=file]")
    before = shown(page)
    field.set_input_files(bad)
    words = page.wait_for_selector(".top .refused").inner_text()
    assert words.startswith("bad.toml [r_typical] family: found 'log-normal', want one of")
    assert shown(page) == before
    after_edit(page, lambda: page.locator(".upload input[type=file]").set_input_files(good))
    assert page.locator(".numbers thead").inner_text().count("Mine (2026)") == 1
    page.wait_for_selector('[data-prior="speedup"] .interval:has-text("4 to 9")')
