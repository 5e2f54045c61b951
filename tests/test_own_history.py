"""A history of one's own: from a file or a table into an evidence folder and into the model; on any refusal nothing is written."""

import itertools
import logging

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import sie
from sie.base.reading import data_folder
from sie.histories import fit, own, own_folder
from sie.histories.model import LOG_LAMBDA_RANGE
from sie.inference import converged

DAYS = ["2024-01-01", "2024-03-01", "2024-06-01", "2024-10-01", "2025-01-01", "2025-06-01"]
OUTPUT = [40.0, 30.0, 20.0, 12.0, 8.0, 5.0]
TEAM = [1, 3, 6, 10, 15, 22]
DOMAIN = "my domain"
MINE = {"domain": DOMAIN, "remoteness": 1.5, "seed": 1}


def frame(**columns):
    """Six records with `team [persons]`; other columns, or None to leave one out."""
    data = {"date": pd.to_datetime(DAYS), "output [minutes]": OUTPUT, "team [persons]": TEAM}
    names = {"output": "output [minutes]", "team": "team [persons]"}
    data |= {names.get(name, name): values for name, values in columns.items()}
    return pd.DataFrame({name: values for name, values in data.items() if values is not None})


def content(folder):
    """Every file below a folder with its bytes."""
    return {path.relative_to(folder): path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def table(centre=0.0):
    """A likelihood as a fit makes it, in no time: log L = -(log r - centre)^2 * 4."""
    log_r = np.linspace(-4, 4, 161)
    edges = np.linspace(*LOG_LAMBDA_RANGE, 16)
    values = np.repeat(-4 * (log_r - centre)[:, None] ** 2, 15, axis=1)
    coords = {"log_r": log_r, "log_lambda": (edges[1:] + edges[:-1]) / 2}
    return xr.DataArray(values, dims=("log_r", "log_lambda"), coords=coords)


@pytest.fixture
def quick(monkeypatch):
    """The fits that were asked for, by id; each gives `table` at once."""
    fitted = []

    def made(series, *, seed, on_progress):
        fitted.append(series.attrs["id"])
        return table()

    monkeypatch.setattr(own, "likelihood_of", made)
    return fitted


@pytest.fixture
def unfitted(monkeypatch):
    """A fit would be a fault: what is refused is refused before it."""

    def fail(*args, **kwargs):
        raise AssertionError("a fit")

    monkeypatch.setattr(own, "likelihood_of", fail)


@pytest.mark.slow
def test_six_records_in_a_table_move_r_of_their_domain(tmp_path):
    slow = frame(output=[40, 39, 37.5, 36, 35, 34])
    into = sie.add_history(slow, **MINE, into=tmp_path / "ev", id="mine")
    view = sie.read_view("reference")
    rows = sie.usable(sie.read_evidence(into), view)
    assert "mine" in rows.estimate.values
    others = rows.isel(estimate=rows.estimate.values != "mine")
    with_it, without = (
        np.log(
            sie.fit(sie.build(used, view), seed=1, draws=4000, groups=())["posterior"].r.sel(domain=DOMAIN)
        )
        for used in (rows, others)
    )
    assert with_it.mean() < without.mean() - 0.1  # Monte Carlo errors are near 0.01


@pytest.mark.slow
def test_the_command_goes_from_a_file_to_the_next_command(command, tmp_path):
    file, into = tmp_path / "My Records.csv", tmp_path / "new" / "ev"
    frame().to_csv(file, index=False)
    arguments = ("add-history", file, "--domain", DOMAIN, "--into", into, "--remoteness", 1.5)
    code, out, err = command(*arguments)
    assert (code, err) == (0, "")
    assert f"{into}: series/my_records.csv, likelihoods/my_records.csv and their rows written" in out
    want = float(np.median(fit.r_at_lambda(sie.read_likelihood("my_records", into), 0.6).r))
    assert f"r at lambda 0.6: {want:.2f} (" in out
    assert out.splitlines()[-1] == f"next: sie report reference --evidence {into}"
    assert command("check", "--evidence", into)[0] == 0
    before = content(into)
    code, out, err = command(*arguments)
    assert (code, err) == (0, "")
    assert "nothing is written" in out
    assert content(into) == before


@pytest.mark.slow
def test_a_table_gives_the_likelihood_that_its_file_gives(tmp_path):
    data = frame().iloc[:4]
    full = data.assign(order=range(1, 5), kind="record")
    columns = ["order", "date", "kind", "output [minutes]", "team [persons]"]
    full[columns].to_csv(tmp_path / "mine.csv", index=False)
    tables = [
        sie.read_likelihood("mine", sie.add_history(given, **MINE, into=tmp_path / name, id="mine"))
        for name, given in (("a", data), ("b", tmp_path / "mine.csv"), ("c", str(tmp_path / "mine.csv")))
    ]
    direct = fit.likelihood_of(sie.read_series(tmp_path / "mine.csv"), seed=1)
    for made in tables:
        np.testing.assert_allclose(made, direct - direct.max(), atol=6e-5)


ODD = {
    "four records": {"team": TEAM},
    "ties": {"output": [40, 30, 30, 20, 20, 12]},
    "records of one day": {"date": [*DAYS[:2], DAYS[1], *DAYS[3:]]},
    "effort known only twice": {"team": [None, 3, None, None, None, 22]},
    "Elo without errors": {
        "output": None,
        "output [Elo]": [2000, 2080, 2070, 2200, 2260, 2330],
        "kind": "measurement",
    },
    "a regime that nobody dated": {"regime": ["A", "A", "A or B", "A or B", "B", "B"]},
    "a record by AI": {
        "made_by": ["people"] * 3 + ["AI"] + ["people"] * 2,
        "team": [1, 3, 6, None, 15, 22],
    },
    "a headcount": {"team": None, "team [persons at work]": [1, 3, 6, 4, 5, 9]},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_an_odd_history_is_fitted(name, tmp_path):
    data = frame(**ODD[name])
    into = sie.add_history(data.iloc[:4] if name == "four records" else data, **MINE, into=tmp_path / "ev")
    likelihood = sie.read_likelihood("my_domain", into)
    low, high = np.quantile(fit.r_at_lambda(likelihood, 0.6).r, [0.05, 0.95])
    assert 0.02 < low < high < 20


def test_a_row_says_what_was_given_and_owns_up_to_the_rest(quick, tmp_path):
    into = sie.add_history(frame(), **MINE, into=tmp_path / "ev", note="Timed by us.", hardware_scale=1)
    evidence = sie.read_evidence(into)
    row = evidence.sel(estimate="my_domain")
    assert (row.basis.item(), row.source.item(), row.read.item()) == ("ours", "sie_project", "primary")
    assert row.includes.values.tolist() == [0, 0, 0, 1, 0]
    assert row.ratio.values.tolist() == [0.5, 2]
    assert row.note.item().startswith("Timed by us. ")
    assert "ratio 0.5 to 2 of its growth to labour's is ours" in row.note.item()
    assert row.definition_sd.item() == 0.4
    at = evidence.domain.values.tolist().index(DOMAIN)
    assert (evidence.remoteness.values[at], evidence.level.values[at]) == (1.5, "series")
    series = sie.read_series("my_domain", into)
    assert series.order.values.tolist() == [1, 2, 3, 4, 5, 6]
    assert set(series.kind.values) == {"record"}
    assert series.output.values.tolist() == OUTPUT


def test_a_ratio_that_is_given_is_not_ours(quick, tmp_path):
    into = sie.add_history(frame(), **MINE, into=tmp_path / "ev", ratio=(1, 3.5), input="compute")
    row = sie.read_evidence(into).sel(estimate="my_domain")
    assert row.ratio.values.tolist() == [1, 3.5]
    assert "ratio" not in row.note.item()
    assert "my_domain" in sie.usable(sie.read_evidence(into), sie.read_view("reference")).estimate.values


def test_dates_may_be_the_index_and_columns_stand_in_any_order(quick, tmp_path):
    whole = sie.add_history(frame(), **MINE, into=tmp_path / "a")
    indexed = frame()[["team [persons]", "date", "output [minutes]"]].set_index("date")
    other = sie.add_history(indexed, **MINE, into=tmp_path / "b")
    assert (whole / "series" / "my_domain.csv").read_bytes() == (
        other / "series" / "my_domain.csv"
    ).read_bytes()


def test_a_new_folder_is_the_bundled_one_and_no_more_than_evidence(
    quick, evidence_copy, tmp_path, monkeypatch
):
    bundled = content(evidence_copy)
    for stray in (".hidden.csv", "notes.txt", "idea_production/.sat.host-1.csv"):
        (evidence_copy / stray).write_text("x")
    monkeypatch.setattr(own_folder, "data_folder", lambda name: evidence_copy)
    into = sie.add_history(frame(), **MINE, into=tmp_path / "new" / "ev")
    made = content(into)
    changed = {str(name) for name in made if made[name] != bundled.get(name)}
    assert set(bundled) <= set(made)
    assert changed == {
        *("domains.csv", "series.csv", "series/my_domain.csv"),
        *("likelihoods/index.csv", "likelihoods/my_domain.csv"),
    }
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["ev"]


def test_a_folder_that_is_there_gains_a_history_and_keeps_the_rest(quick, evidence_copy):
    (evidence_copy / "domains.csv").write_bytes(
        (evidence_copy / "domains.csv").read_bytes().replace(b"\n", b"\r\n").removesuffix(b"\r\n")
    )
    (evidence_copy / "report.html").write_text("not evidence")
    before = content(evidence_copy)
    sie.add_history(frame(), **MINE, into=evidence_copy)
    after = content(evidence_copy)
    assert {str(name) for name in after if name not in before} == {
        *("series/my_domain.csv", "likelihoods/my_domain.csv"),
    }
    for name, old in before.items():
        if after[name] != old:
            assert name.name in ("domains.csv", "series.csv", "index.csv")
            assert {*old.splitlines()} < {*after[name].splitlines()}
    assert after[next(name for name in after if name.name == "domains.csv")].count(b"\r\n") == 11
    sie.read_evidence(evidence_copy)


@pytest.mark.slow
def test_the_very_same_history_is_there_once(quick, tmp_path, refused):
    into = sie.add_history(frame(), **MINE, into=tmp_path / "ev")
    before = content(into)
    assert sie.add_history(frame(), domain=DOMAIN, into=into, seed=1) == into
    assert quick == ["my_domain"]
    assert content(into) == before
    with refused("id", "my_domain", "another folder for other options"):
        sie.add_history(frame(), **MINE, into=into, definition_sd=0.3)
    with refused("id", "my_domain", "another id for other data"):
        sie.add_history(frame(output=[40, 30, 20, 12, 8, 4]), **MINE, into=into)
    with refused("history", "the very same observations as my_domain"):
        sie.add_history(frame(), **MINE, into=into, id="again")
    assert content(into) == before
    (into / "likelihoods" / "my_domain.csv").unlink()
    sie.add_history(frame(), **MINE, into=into)
    assert content(into) == before


def test_a_copy_of_evidence_that_has_the_history_has_it_without_a_fit(
    quick, evidence_copy, tmp_path, monkeypatch
):
    sie.add_history(frame(), **MINE, into=evidence_copy)
    monkeypatch.setattr(own_folder, "data_folder", lambda name: evidence_copy)
    into = sie.add_history(frame(), **MINE, into=tmp_path / "ev")
    assert content(into) == content(evidence_copy)
    assert quick == ["my_domain"]


@pytest.mark.slow
def test_a_history_that_another_process_adds_in_the_meantime_is_kept(quick, evidence_copy, monkeypatch):
    def made(series, *, seed, on_progress):
        monkeypatch.setattr(own, "likelihood_of", lambda *args, **options: table())
        sie.add_history(
            frame(output=[9, 8, 7, 6, 5, 4]), domain="another", remoteness=2, into=evidence_copy, seed=1
        )
        return table()

    monkeypatch.setattr(own, "likelihood_of", made)
    sie.add_history(frame(), **MINE, into=evidence_copy)
    evidence = sie.read_evidence(evidence_copy)
    rows = sie.usable(evidence, sie.read_view("reference")).estimate.values.tolist()
    assert {"another", "my_domain"} <= {*rows}


def test_where_a_file_cannot_be_written_those_before_it_are_as_they_were(quick, evidence_copy, monkeypatch):
    before, written = content(evidence_copy), []

    def fail_at_last(path, data):
        if path.name == "series.csv":
            raise sie.DataError(str(path), "a full disk", "a writable place")
        written.append(path.name)
        path.write_bytes(data)

    monkeypatch.setattr(own_folder, "write_atomically", fail_at_last)
    with pytest.raises(sie.DataError, match="a full disk"):
        sie.add_history(frame(), **MINE, into=evidence_copy)
    assert "my_domain.csv" in written
    assert content(evidence_copy) == before


def test_a_domain_of_another_level_says_by_which_option_the_history_counts(quick, command, tmp_path, caplog):
    frame().to_csv(tmp_path / "mine.csv", index=False)
    code, out, _ = command(
        "add-history", tmp_path / "mine.csv", "--domain", "computer vision", "--into", tmp_path / "ev"
    )
    assert code == 0
    assert "computer vision enters at another level" in out
    assert "other histories, which are used too and treated as independent data: alexnet" in out
    assert out.splitlines()[-1].endswith("ev --levels 'computer vision=series'")
    view, evidence = sie.read_view("reference"), sie.read_evidence(tmp_path / "ev")
    assert "mine" not in sie.usable(evidence, view).estimate.values
    levels = {"computer vision": "series"}
    assert "mine" in sie.usable(evidence, view, levels=levels).estimate.values
    with caplog.at_level(logging.WARNING, logger="sie"):
        sie.add_history(tmp_path / "mine.csv", domain="computer vision", into=tmp_path / "ev", seed=1)
    assert "levels={'computer vision': 'series'}" in caplog.text


REFUSED = {
    "a bad id": ({"id": "Mine 2"}, "id", ("'Mine 2'", "lower-case")),
    "the id of the index": ({"id": "index"}, "id", ("another id",)),
    "an id as of Epoch's likelihoods": ({"id": "epoch_x"}, "id", ("another id",)),
    "an id of another table": ({"id": "vision_2024"}, "id", ("row of another table",)),
    "no letter for an id": ({"domain": "数"}, "id", ("nothing",)),
    "an unknown input": ({"input": "money"}, "input", ("one of labour, compute, all",)),
    "an unknown kind": ({"kind": "story"}, "kind", ("record, measurement",)),
    "an unknown measure": ({"measure": "heads"}, "measure", ("authors",)),
    "a negative remoteness": ({"remoteness": -1}, "remoteness", ("-1", "at least 1")),
    "no remoteness": ({"remoteness": None}, "domain", (DOMAIN, "with its remoteness", "language models")),
    "a remoteness of its own for a known domain": (
        {"domain": "computer chess", "remoteness": 3},
        "remoteness",
        ("3", "has 1.5"),
    ),
    "a blank domain": ({"domain": " "}, "domain", ("a line of text",)),
    "two lines of a note": ({"note": "a\nb"}, "note", ("a line of text",)),
    "a definition_sd below 0": ({"definition_sd": -0.1}, "definition_sd", ("-0.1", "at least 0")),
    "a definition_sd that is none": ({"definition_sd": "wide"}, "definition_sd", ("'wide'",)),
    "a flag of 2": ({"hardware_scale": 2}, "hardware_scale", ("0 or 1",)),
    "a ratio the wrong way round": ({"ratio": (2, 0.5)}, "ratio", ("low below high",)),
    "one number as a ratio": ({"ratio": 2}, "ratio", ("two numbers",)),
    "a ratio for all inputs": ({"input": "all", "ratio": (1, 2)}, "ratio", ("none",)),
    "compute without a ratio": ({"input": "compute"}, "ratio", ("nothing", "compute grew")),
    "a seed below 0": ({"seed": -1}, "seed", ("-1",)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_argument_is_refused_in_one_line_and_nothing_is_written(
    name, unfitted, evidence_copy, tmp_path, refused
):
    options, where, parts = REFUSED[name]
    before = content(tmp_path)
    for into in (evidence_copy, tmp_path / "new" / "ev"):
        with refused(where, *parts):
            sie.add_history(frame(), **{**MINE, "into": into} | options)
        assert content(tmp_path) == before


TABLES = {
    "no date": (frame(date=None), "history header", ("no column date", "team [persons]")),
    "no output": (frame(output=None), "history header", ("no column output",)),
    "no effort": (frame(team=None), "history header", ("no effort",)),
    "a date that is missing": (
        frame(date=[pd.NaT, *pd.to_datetime(DAYS[1:])]),
        "history.iloc[0] date",
        ("nothing", "a date such as"),
    ),
    "years for dates": (frame(date=[2019.5, 2020, 2021, 2022, 2023, 2024]), "history.iloc[0] date", ("'2019.5'",)),
    "output in words": (frame(output=["fast", *OUTPUT[1:]]), "history.iloc[0] output", ("'fast'", "a number")),
    "output of truth values": (frame(output=[True] * 6), "history.iloc[0] output", ("'True'",)),
    "output as a time": (frame(output=pd.to_timedelta(OUTPUT, "min")), "history.iloc[0] output", ("days",)),
    "output that is missing": (frame(output=[40, None, *OUTPUT[2:]]), "history.iloc[1] output", ("nothing",)),
    "a record that worsens": (frame(output=[40, 30, 50, 12, 8, 5]), "history.iloc[2] output", ("no worse",)),
    "three observations": (frame().iloc[:3], "history", ("3 observations", "at least 4")),
    "no observation": (frame().iloc[:0], "history", ("no rows",)),
    "a headcount as persons": (
        frame(team=[1, 3, 6, 4, 15, 22]),
        "history.iloc[3] team",
        ("4", "a headcount is in persons at work"),
    ),
    "an unknown unit of effort": (
        frame(**{"team": None, "team [person]": TEAM}),
        "history header team",
        ("'person'", "persons"),
    ),
    "a unit in other letters": (
        frame(**{"team": None, "gpu [gpu-hours]": TEAM}),
        "history header gpu",
        ("want GPU hours",),
    ),
    "an unknown unit of output": (
        frame(**{"output": None, "output [minuets]": OUTPUT}),
        "history header output",
        ("want minutes, or another",),
    ),
    "an effort that counts the outputs": (
        frame(**{"team": None, "entries [entries]": TEAM}),
        "history effort",
        ("entries [entries]", "authors [authors]", "GPU hours"),
    ),
    "an effort that never grew": (frame(team=[5] * 6), "history effort", ("hardly says how effort grew",)),
    "a list": ([1, 2], "history", ("a value of type list", "DataFrame")),
    "a column twice": (
        pd.concat([frame(), frame()[["team [persons]"]]], axis=1),
        "history header",
        ("each column once",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_refused_by_its_place_and_nothing_is_written(name, unfitted, tmp_path, refused):
    data, where, parts = TABLES[name]
    with refused(where, *parts):
        sie.add_history(data, **MINE, into=tmp_path / "ev")
    assert list(tmp_path.iterdir()) == []


def test_a_message_about_a_unit_has_room_for_the_closest(unfitted, tmp_path):
    data = frame(**{"team": None, "n" * 30 + " [person at work]": TEAM})
    with pytest.raises(sie.DataError, match="want persons at work") as caught:
        sie.add_history(data, **MINE, into=tmp_path / "ev")
    assert len(str(caught.value).encode()) <= 600


def test_the_command_refuses_in_one_line_with_the_name_of_the_option(unfitted, command, tmp_path):
    file, target = tmp_path / "mine.csv", tmp_path / "ev"
    frame().to_csv(file, index=False)
    (tmp_path / "folder").mkdir()
    (tmp_path / "bad.csv").write_text(file.read_text().replace(",15", ",9"))
    (tmp_path / "ragged.csv").write_text(file.read_text() + "2025-07-01,4\n")
    (tmp_path / "image.csv").write_bytes(b"\x89PNG\xff")
    before = content(tmp_path)
    usual = ["--domain", DOMAIN, "--remoteness", "1.5", "--into", target]
    for args, start in (
        (["missing.csv", *usual], "missing.csv: found no such file"),
        ([tmp_path / "folder", *usual], f"{tmp_path / 'folder'}: found"),
        ([tmp_path / "bad.csv", *usual], "bad.csv line 6 team: found 9.0"),
        ([tmp_path / "ragged.csv", *usual], "ragged.csv line 8: found 2 cells, want 3"),
        ([tmp_path / "image.csv", *usual], "image.csv line 1: found bytes"),
        ([file, "--into", target], "sie: Missing option '--domain'"),
        ([file, "--domain", DOMAIN, "--into", target], "--domain: found 'my domain'"),
        ([file, *usual, "--id", "A"], "--id: found 'A'"),
        ([file, *usual, "--ratio", "2", "1"], "--ratio: found (2.0, 1.0)"),
        ([file, *usual, "--definition-sd", "-1"], "--definition-sd: found -1"),
        ([file, *usual, "--seed", "-1"], "--seed: found -1"),
        ([file, *usual, "--into", file], f"--into {file}: found something else"),
        ([file, *usual, "--into", "/proc/nowhere"], "--into /proc/nowhere: found /proc"),
        ([file, *usual, "--into", tmp_path / "folder"], f"--into {tmp_path / 'folder'}: found no sources.toml"),
    ):  # fmt: skip
        code, out, err = command("add-history", *args)
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert err.startswith(start)
        assert content(tmp_path) == before


def test_a_folder_with_a_fault_of_its_own_is_not_added_to(unfitted, evidence_with, refused):
    folder = evidence_with("returns.csv", "vision_2024", domain="bread")
    before = content(folder)
    with refused("returns.csv line 2 domain", "bread"):
        sie.add_history(frame(), **MINE, into=folder)
    assert content(folder) == before


@pytest.fixture
def hopeless(monkeypatch):
    """No fit is good enough."""
    monkeypatch.setattr(converged, "MIN_ESS", 10**9)
    monkeypatch.setattr(fit, "TRIES", (converged.Try(0.9, 20),))


@pytest.mark.slow
def test_a_fit_that_fails_says_what_to_change_and_nothing_is_written(hopeless, command, tmp_path):
    data = frame(**{"gpu [GPU hours]": TEAM, "regime": ["A", "A", "A or B", "A or B", "B", "B"]})
    data.to_csv(tmp_path / "mine.csv", index=False)
    before = content(tmp_path)
    options = ("--domain", DOMAIN, "--remoteness", 1.5, "--into", tmp_path / "ev")
    code, out, err = command("add-history", tmp_path / "mine.csv", *options)
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert err.startswith("series mine: found R-hat")
    for cure in ("keep the effort team and leave out gpu", "'A or B'", "more than 6 observations"):
        assert cure in err
    assert content(tmp_path) == before


@pytest.mark.slow
def test_a_rebuild_that_fails_says_what_to_change_too(hopeless, command, evidence_copy):
    before = content(evidence_copy)
    code, out, err = command("series", "alexnet", "--rebuild", "--evidence", evidence_copy)
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert "change its file" in err
    assert "a coarser effort" in err
    assert content(evidence_copy) == before


def test_every_sentence_of_a_table_without_effort_is_true_of_it(command, tmp_path, monkeypatch):
    """`sie series FILE --rebuild` is refused; the reading of an effort known once after the first says so."""
    from sie.commands.series import _rebuild

    data = frame(team=[1, None, None, None, None, 22], order=range(1, 7), kind="record")
    columns = ["order", "date", "kind", "output [minutes]", "team [persons]"]
    data[columns].to_csv(tmp_path / "mine.csv", index=False)
    said = _rebuild(sie.read_series(tmp_path / "mine.csv"), "mine.csv", 1, None, lambda _: None)
    assert "two dates after the first" in said


def test_the_bundled_folder_is_no_more_than_evidence():
    """Otherwise `KEPT` would leave something out of a copy."""
    bundled = data_folder("evidence")
    suffixes = {path.suffix for path in bundled.rglob("*") if path.is_file()}
    assert suffixes <= set(itertools.chain(own_folder.KEPT))


def test_two_that_make_one_new_folder_are_both_kept(quick, tmp_path, monkeypatch):
    def made(series, *, seed, on_progress):
        monkeypatch.setattr(own, "likelihood_of", lambda *args, **options: table())
        other = frame(output=[9, 8, 7, 6, 5, 4])
        sie.add_history(other, domain="another", remoteness=2, into=tmp_path / "ev", seed=1)
        return table()

    monkeypatch.setattr(own, "likelihood_of", made)
    into = sie.add_history(frame(), **MINE, into=tmp_path / "ev")
    rows = sie.usable(sie.read_evidence(into), sie.read_view("reference")).estimate.values.tolist()
    assert {"another", "my_domain"} <= {*rows}
