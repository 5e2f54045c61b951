"""What an answer is of: the level at which each domain enters is stated, kept with the answer, and part of its hash."""

import csv
import json
import re

import numpy as np
import pytest
import xarray as xr
from conftest import row_changed

import sie
from sie.analysis.result import compute, inputs_sha256
from sie.base.reading import data_folder
from sie.data.evidence import LEVELS
from sie.page.saved import OLD_KIND, as_tree, open_saved, read_report
from sie.returns.likelihoods import stored, write_likelihood
from sie.returns.selection import default_levels

OPTION = re.compile(r'; --levels "(.+)=(.+)" would use it$')


def add_row(folder, file, /, **cells):
    """Add a row to a table of an evidence folder; cells that are not named are empty."""
    with (folder / file).open(newline="", encoding="utf-8") as stream:
        header = next(csv.reader(stream))
    with (folder / file).open("a", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerow([cells.get(name, "") for name in header])


OWN = {
    **dict.fromkeys((*sie.ADJUSTMENTS,), "0"),
    "input": "labour",
    "output_data": "own_output",
    "input_data": "own_input",
    "preferred": "1",
    "definition_sd": "0.3",
    "measure": "staff",
    "measure_sd": "0",
    "basis": "ours",
    "source": "sie_project",
    "locator": "own",
    "note": "a test",
}


@pytest.fixture
def with_series(evidence_copy):
    """The evidence with a raw history of its own domain, which has no stored likelihood."""
    add_row(evidence_copy, "domains.csv", domain="mine", remoteness="1.5", level="series", note="a test")
    add_row(evidence_copy, "series.csv", id="mine", domain="mine", file="mine.csv", **OWN)
    path = evidence_copy / "series" / "mine.csv"
    lines = [f"{k},2024-0{k}-01,record,{60 / k:g},{k * k}" for k in range(1, 7)]
    path.write_text("\n".join(["order,date,kind,output [minutes],authors [authors]", *lines]) + "\n")
    return evidence_copy


# The level of a domain is a column of domains.csv


def test_the_level_of_a_domain_is_the_one_in_its_table(evidence):
    with (data_folder("evidence") / "domains.csv").open(newline="", encoding="utf-8") as stream:
        wanted = {row["domain"]: row["level"] for row in csv.DictReader(stream)}
    assert default_levels(evidence) == wanted
    assert sie.usable(evidence, sie.read_view("reference")).attrs["levels"] == list(wanted.items())


@pytest.mark.parametrize("name", ["reference", "davidson_2025"])
def test_a_new_row_changes_the_use_of_no_other(name, evidence, evidence_copy):
    """A published row for every domain: the others are used as before, and the option that would use a new one does."""
    view = sie.read_view(name)
    domains = evidence.domain.values.tolist()
    for i, domain in enumerate(domains):
        own = OWN | {"id": f"mine_{i}", "output_data": f"own_{i}"}
        add_row(evidence_copy, "returns.csv", domain=domain, r_q50="1.3", r_se="0.3", **own)
    more = sie.read_evidence(evidence_copy)
    before, after = sie.usable(evidence, view), sie.usable(more, view)
    assert after.estimate.values.tolist() == before.estimate.values.tolist()
    left_out = dict(after.attrs["left_out"])
    for row, why in before.attrs["left_out"]:
        assert left_out[row] == why
    for i, domain in enumerate(domains):
        assert left_out[f"mine_{i}"].startswith(f"the level of {domain} is {default_levels(more)[domain]}; ")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reference", "davidson_2025"])
def test_the_option_of_a_row_left_out_uses_it_and_no_option_is_promised_in_vain(name, evidence):
    view = sie.read_view(name)
    promised = kept_out = 0
    for row, why in sie.usable(evidence, view).attrs["left_out"]:
        if (option := OPTION.search(why)) is not None:
            promised += 1
            assert row in sie.usable(evidence, view, levels={option[1]: option[2]}).estimate.values
        elif why.startswith("the level of "):
            kept_out += 1
            domain = why.removeprefix("the level of ").partition(" is ")[0]
            for level in LEVELS:
                try:
                    rows = sie.usable(evidence, view, levels={domain: level})
                except sie.DataError:  # the domain has no row there
                    continue
                assert row not in rows.estimate.values
    print(f"{name}: {promised} rows with an option, {kept_out} that no level lets in")
    assert promised
    assert kept_out


def test_a_domain_without_a_row_at_its_level_says_which_option_uses_its_rows(evidence_copy):
    add_row(evidence_copy, "domains.csv", domain="mine", remoteness="2", level="growth", note="a test")
    add_row(evidence_copy, "returns.csv", id="mine", domain="mine", r_q50="1.3", r_se="0.3", **OWN)
    evidence, view = sie.read_evidence(evidence_copy), sie.read_view("davidson_2025")
    why = dict(sie.usable(evidence, view).attrs["left_out"])["mine"]
    assert why == 'the level of mine is growth; --levels "mine=published" would use it'
    assert "mine" in sie.usable(evidence, view, levels={"mine": "published"}).estimate.values


def test_the_levels_of_an_answer_give_its_rows_again(evidence):
    view = sie.read_view("reference")
    first = sie.usable(evidence, view, levels={"SAT solvers": "epoch"})
    again = sie.usable(evidence, view, levels=dict(first.attrs["levels"]))
    assert again.attrs == first.attrs
    assert again.estimate.values.tolist() == first.estimate.values.tolist()


def test_evidence_of_an_earlier_layout_is_not_given_levels_by_guess(evidence, refused):
    with refused("evidence", "domains without a level"):
        sie.usable(evidence.drop_vars("level"), sie.read_view("reference"))


# A raw history without a stored likelihood


@pytest.mark.slow
def test_a_history_without_a_stored_likelihood_says_how_to_make_it(with_series, stated, command, refused):
    view, made = stated, f"sie series mine --rebuild --evidence {with_series}"
    evidence = sie.read_evidence(with_series)
    why = dict(sie.usable(evidence, view).attrs["left_out"])["mine"]
    assert why == f"no stored likelihood of it yet; make it with {made}"
    assert dict(sie.usable(evidence, view, levels={"mine": "series"}).attrs["left_out"])["mine"] == why
    row_changed(with_series / "domains.csv", "mine", {"level": "growth"})
    with refused("levels mine", "no stored likelihood of mine", made):
        sie.usable(sie.read_evidence(with_series), view, levels={"mine": "series"})
    code, out, err = command("check", "--evidence", with_series)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith("series.csv mine: ")
    assert f"({made})" in err
    log_r = np.linspace(-2, 2, 41)
    curve = xr.DataArray(-0.5 * (log_r / 0.3) ** 2, dims="log_r", coords={"log_r": log_r})
    write_likelihood("mine", curve, ["series/mine.csv"], with_series)
    assert "mine" in sie.usable(evidence, view).estimate.values
    assert command("check", with_series / "series.csv")[0] == 0
    path = with_series / "series" / "mine.csv"
    path.write_text(path.read_text().replace(",36\n", ",37\n"))
    code, _, err = command("check", with_series / "series.csv")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "other data in series/mine.csv than it was made from" in err
    assert f"({made})" in err


def test_a_change_of_the_table_of_domains_makes_no_stored_likelihood_stale(evidence_with):
    folder = evidence_with("domains.csv", "computer chess", remoteness="3", level="growth", note="changed")
    for name in stored(folder):
        sie.read_likelihood(name, folder)
    assert default_levels(sie.read_evidence(folder))["computer chess"] == "growth"


# The hash of all inputs


def test_two_answers_that_differ_share_no_hash(evidence):
    view = sie.read_view("reference")
    usual = default_levels(evidence)
    found = {}
    for domain in usual:
        for level in LEVELS:
            found.setdefault(inputs_sha256(view, usual | {domain: level}), set()).add((domain, level))
    default = found.pop(inputs_sha256(view, usual))
    assert default == set(usual.items())
    assert len(found) == len(usual) * (len(LEVELS) - 1)
    assert all(len(levels) == 1 for levels in found.values())
    edits = [view, *(view.replace(capabilities=sie.lognormal(1, q95)) for q95 in (3, 4))]
    assert len({inputs_sha256(edited, usual) for edited in edits}) == 3


def test_priors_only_has_a_hash_of_its_own_view_alone(tmp_path):
    view = sie.read_view("davidson_houlden_2025")
    edits = [view, *(view.replace(r_asara=sie.loguniform(0.4, upper)) for upper in (3, 4))]
    hashes = [compute(edited, None, seed=1, draws=1000).inputs_sha256 for edited in edits]
    assert len(set(hashes)) == 3
    as_tree(compute(edits[1], None, seed=1, draws=1000)).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    assert open_saved(tmp_path / "a.nc").inputs_sha256 == hashes[1]


# Every command that fits takes --levels


def stops(*args, levels=None, **options):
    raise sie.DataError("stopped", dict(levels or {}), "to see the levels")


@pytest.mark.parametrize(
    "words",
    [
        ("report", "reference"),
        ("table", "reference"),
        ("evidence", "reference"),
        ("sensitivity", "reference", "--given", "evidence"),
        ("diff", "reference", "davidson_2025", "--given", "evidence"),
        ("calibrate", "reference"),
        ("sweep", "spec.toml", "--out", "store"),
    ],
    ids=lambda words: words[0],
)
def test_every_command_that_fits_takes_levels(words, command, monkeypatch, tmp_path):
    from sie.analysis.sweep import axes
    from sie.returns import selection

    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.toml").write_text('draws = 1000\nseeds = [1]\nviews = ["reference"]\n')
    for module in (selection, axes):
        monkeypatch.setattr(module, "usable", stops)
    chosen = ("--levels", "SAT solvers=epoch", "--levels", "computer vision=published")
    code, out, err = command(*words, *chosen)
    assert (code, out) == (2, "")
    assert "{'SAT solvers': 'epoch', 'computer vision': 'published'}" in err
    code, out, err = command(*words, "--levels", "SAT solvers=raw")
    assert (code, out) == (2, "")
    assert err.startswith("--levels SAT solvers: found 'raw', want one of ")


@pytest.mark.parametrize(
    "words",
    [
        ("report", "reference", "--priors-only"),
        ("table", "reference", "--priors-only"),
        ("sensitivity", "reference"),
        ("diff", "reference", "davidson_2025"),
    ],
    ids=lambda words: words[0],
)
def test_levels_where_no_evidence_counts_are_refused(words, command):
    code, out, err = command(*words, "--levels", "SAT solvers=epoch")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith("--levels SAT solvers=epoch: found --")
    assert "want evidence that enters at a level" in err


@pytest.mark.slow
def test_reports_at_two_levels_differ_in_json_draws_page_and_ledger(command, tmp_path):
    """The levels of a domain alone: other credences, another hash, and every record says which level it was."""
    found = {}
    for level in ("growth", "epoch"):
        folder = tmp_path / level
        folder.mkdir()
        files = ("--json", folder / "r.json", "--html", folder / "r.html", "--out", folder)
        options = ("--draws", 4000, "--levels", f"SAT solvers={level}")
        code, out, _ = command("report", "reference", *options, *files)
        assert code == 0
        assert f"{level} of " in out
        document = json.loads((folder / "r.json").read_text())
        assert document["version"] == 2
        [found[level]] = document["views"]
        [saved] = read_report(folder / "reference.nc").values()
        assert dict(saved.levels) == found[level]["levels"]
        assert saved.inputs_sha256 == found[level]["inputs_sha256"]
        opened = open_saved(folder / "reference.nc")
        assert dict(opened.levels) == found[level]["levels"]
        again = "sie report reference --seed 1 --draws 4000"
        again += " --levels 'SAT solvers=epoch'" if level == "epoch" else ""
        assert f'"{again}"' in (folder / "r.html").read_text()
        assert (
            command("ledger", "add", tmp_path / "l", folder / "r.json", "--date", f"2026-01-0{len(found)}")[0]
            == 0
        )
    growth, epoch = found.values()
    assert growth["rows_used"] == epoch["rows_used"]
    assert growth["levels"] | {"SAT solvers": "epoch"} == epoch["levels"]
    assert growth["inputs_sha256"] != epoch["inputs_sha256"]
    p = [next(c["p"] for c in view["credences"] if c["given"] == "evidence") for view in (growth, epoch)]
    print(f"P(r > 1) {p[0]:.4f} at growth, {p[1]:.4f} at epoch")
    assert p[0] != p[1]
    assert "  changed: level of SAT solvers: growth -> epoch" in command("ledger", "show", tmp_path / "l")[1]


@pytest.mark.slow
def test_draws_of_the_first_layout_are_shown_and_never_fitted_again(evidence, tmp_path, command):
    view = sie.read_view("davidson_houlden_2025")
    tree = as_tree(result := compute(view, evidence, seed=1, draws=1000))
    tree["evidence"] = xr.DataTree(tree["evidence"].to_dataset().drop_vars(["level", "labour"]))
    tree.attrs["kind"] = OLD_KIND
    path = tmp_path / "old.nc"
    tree.to_netcdf(path, engine="h5netcdf")
    opened = open_saved(path)
    xr.testing.assert_identical(opened.credences["priors"], result.credences["priors"])
    assert command("open", path)[0] == 0
    assert read_report(path)[view.name].levels is None
    assert as_tree(opened).attrs["kind"] == OLD_KIND  # its hash means what it meant
    code, _, err = command("diff", path, "reference")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "found a report of version 1" in err
