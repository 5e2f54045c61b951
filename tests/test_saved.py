"""Saved results: they come back whole, say how to draw them again, and a file that is anything else is refused."""

import json
import subprocess
import sys
import warnings
from contextlib import suppress
from dataclasses import replace

import h5py
import numpy as np
import pytest
import xarray as xr
from conftest import PATIENCE

import sie
from sie.base.errors import DataError
from sie.inference.prior_draws import prior
from sie.page import plain_hdf5
from sie.page.saved import KIND, as_tree, open_saved, versions
from sie.page.text import as_text, compute, write_folder


@pytest.fixture(scope="module")
def result(evidence):
    """Priors of a view that states r at ASARA, beside rows that it cannot use."""
    return compute(sie.read_view("davidson_houlden_2025"), evidence, seed=3, draws=1000)


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    write_folder([result], folder)
    return folder


@pytest.fixture
def spoil(folder, tmp_path):
    """spoil(change): a copy of the saved file after `change(h5py.File)`."""

    def make(change):
        path = tmp_path / "spoilt.nc"
        path.write_bytes((folder / "davidson_houlden_2025.nc").read_bytes())
        with h5py.File(path, "r+") as file:
            change(file)
        return path

    return make


@pytest.mark.slow
def test_a_file_with_an_array_beside_the_draws_is_opened_without_a_warning(spoil):
    path = spoil(lambda file: file["posterior" if "posterior" in file else "prior"].create_dataset("extra", data=[1.0, 2.0]))  # fmt: skip
    with warnings.catch_warnings(action="error"), suppress(sie.DataError):
        open_saved(path)


@pytest.mark.slow
def test_an_opened_file_tells_the_same_report(result, folder, command):
    opened = open_saved(folder / "davidson_houlden_2025.nc")
    assert as_text(opened) == as_text(result)
    assert opened.inputs_sha256 == result.inputs_sha256
    assert opened.left_out == result.left_out
    for given, table in result.credences.items():
        xr.testing.assert_identical(opened.credences[given], table)
    code, out, err = command("open", folder / "davidson_houlden_2025.nc")
    assert (code, err) == (0, "")
    assert out.startswith(as_text(result))


@pytest.mark.slow
def test_a_file_says_everything_that_draws_it_again(result, folder, tmp_path):
    with xr.open_datatree(folder / "davidson_houlden_2025.nc", engine="h5netcdf") as tree:
        attrs = tree.attrs
        assert attrs["view_toml"] == result.view.path.read_text()
        assert (attrs["seed"], attrs["draws"], attrs["inputs_sha256"]) == (3, 1000, result.inputs_sha256)
        assert json.loads(attrs["versions"]) == versions()
        assert len(json.loads(attrs["rows_left_out"])) == tree["evidence"].sizes["estimate"]
        view = tmp_path / "davidson_houlden_2025.toml"
        view.write_text(attrs["view_toml"])
        again = prior(sie.read_view(str(view)), draws=int(attrs["draws"]), seed=int(attrs["seed"]))
        xr.testing.assert_equal(again, tree["prior"].to_dataset())


@pytest.mark.parametrize(
    ("said", "marked"),
    [("as the rows say", ["vision_2024"]), ("nothing", ["vision_2024", "alexnet_2020"])],
)
def test_a_report_marks_rows_that_were_read_second_hand(result, evidence, said, marked):
    """Where rows do not say, as in files of before, those that name where they were read count."""
    ids = ["vision_2024", "alexnet_2020", "toy_ml_2025"]
    rows = evidence.sel(estimate=ids)
    rows = rows if said != "nothing" else rows.drop_vars("read")
    text = " ".join(as_text(replace(result, rows=rows)).split())
    names = ", ".join(f"{row}*" if row in marked else row for row in ids)
    assert f"rows used (3; * cited second-hand, {len(marked)}): {names}" in text


@pytest.mark.slow
def test_a_file_with_a_table_of_sigmas_of_its_own_still_opens(result, spoil):
    """As files had before estimates of sigma became rows of the evidence."""
    opened = open_saved(spoil(lambda file: file.copy("evidence", "elasticities")))
    assert as_text(opened) == as_text(result)


@pytest.mark.slow
def test_the_same_result_is_saved_to_the_same_bytes(result, folder, tmp_path):
    write_folder([result], tmp_path)
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(path.name for path in tmp_path.iterdir())
    assert all((folder / name).read_bytes() == (tmp_path / name).read_bytes() for name in names)


def test_a_view_that_was_edited_in_python_is_saved_as_it_is(result, tmp_path):
    view = result.view.replace(r_asara=sie.loguniform(0.5, 2))
    edited = compute(view, None, seed=1, draws=1000)
    as_tree(edited).to_netcdf(tmp_path / "edited.nc", engine="h5netcdf")
    assert open_saved(tmp_path / "edited.nc").view["r_asara"].prior == sie.loguniform(0.5, 2)


@pytest.mark.slow
def test_opening_samples_nothing_and_loads_no_sampler(folder, tmp_path):
    code = (
        "import sys, sie; sie.open_saved(sys.argv[1]);"
        "print(sorted({'pymc', 'nutpie', 'pytensor', 'pickle5'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, folder / "davidson_houlden_2025.nc"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("conversion", -2.8),
        ("conversion", 0.0),
        ("doublings_left", -1.0),
        ("doublings_left", np.inf),
        ("software_share", -0.5),
        ("recent_doublings_per_year", 0.0),
        ("speedup", np.nan),
        ("labour_share", 1.5),
        ("experiment_gain", -0.1),
        ("doublings_gained", -3.0),
        ("r_asara", -np.inf),
    ],
)
def test_draws_that_no_quantity_may_be_are_refused(name, value, spoil, refused):
    def change(file):
        file[f"prior/{name}"][1, 2] = value

    with refused(f"spoilt.nc prior {name}", f"found {value}"):
        open_saved(spoil(change))


def _attribute(name, value):
    return lambda file: file.attrs.__setitem__(name, value)


def _external(file):
    del file["prior/r_asara"]
    file["prior/r_asara"] = h5py.ExternalLink("/etc/passwd", "/")


def _soft(file):
    file["prior/more"] = h5py.SoftLink("/prior/r_asara")


def _virtual(file):
    layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", shape=(4,))
    file.create_virtual_dataset("prior/more", layout)


def _elsewhere(file):
    file.create_dataset("prior/more", shape=(4,), dtype="f8", external=[("/etc/hostname", 0, 32)])


def _huge(file):
    file.create_dataset("prior/more", shape=(2**40,), dtype="f8", chunks=(1024,), compression="gzip")


def _zeros(file):
    file.create_dataset("prior/more", shape=(2**28,), dtype="f8", chunks=(2**20,), compression="gzip")


def _large_chunk(file):
    file.create_dataset(
        "prior/more", shape=(1,), maxshape=(None,), dtype="f8", chunks=(2**28,), compression="gzip"
    )


def _one_text_many_times(file):
    text = h5py.string_dtype()
    file.create_dataset(
        "prior/more", data=np.array(["x"] * (plain_hdf5.MOST_STRINGS + 1), dtype=object), dtype=text
    )


def _texts_of_an_attribute(file):
    file.attrs["more"] = ["x"] * (plain_hdf5.MOST_STRINGS_OF_ATTRIBUTE + 1)


def _reference(file):
    file.create_dataset("prior/more", data=file["prior"].ref, dtype=h5py.ref_dtype)


def _deep(file):
    file.create_group("prior/deep")


def _opaque(file):
    file.create_dataset("prior/more", data=np.void(b"\x80\x04K\x01."))


def _nan(file):
    file["prior/r_asara"][0, 0] = np.nan


def _negative(file):
    file["prior/r_asara"][0, 0] = -1


def _many(file):
    for i in range(plain_hdf5.MOST_VARIABLES):
        file["prior"].create_dataset(f"more_{i}", data=0.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "found"),
    [
        (_external, "a link"),
        (_soft, "a link"),
        (_virtual, "data of another file"),
        (_elsewhere, "data of another file"),
        (_huge, "8.19e+03 GiB of variables"),
        (_zeros, "2 GiB of variables"),
        (_large_chunk, "2 GiB of variables"),
        (_one_text_many_times, "more texts"),
        (_texts_of_an_attribute, "more texts"),
        (lambda file: file.attrs.pop("seed"), "no readable draws"),
        (_attribute("seed", "x"), "seed: found 'x'"),
        (_attribute("versions", "[]"), "versions: found"),
        (_attribute("kind", b"\xff"), "kind"),
        (_reference, "the type object"),
        (_opaque, "the type |V5"),
        (_deep, "neither a group nor a variable"),
        (_many, "more than 2000 variables"),
        (_nan, "found nan"),
        (_negative, "-1.0"),
        (lambda file: file.pop("prior"), "prior: found nothing"),
        (lambda file: file.pop("prior/r_asara"), "no such draws"),
        (_attribute("kind", "something else"), "something else"),
        (_attribute("draws", 2000), "4 chains of 250 draws"),
        (_attribute("view", "../../etc/passwd"), "../../etc/passwd"),
        (_attribute("view_toml", "label = 3"), "label: found 3"),
        (_attribute("rows_left_out", '[["a\\u001b[2J", "b"]]'), "a line without control characters"),
        (_attribute("rows_left_out", "[1]"), "no readable draws"),
        (_attribute("spreads", "{"), "spreads: found no JSON"),
        (_attribute("inputs_sha256", "x"), "64 hexadecimal digits"),
        (lambda file: file.attrs.pop("sources"), "no readable draws"),
        (_attribute("sources", '{"a": {"text": "x", "code": 1}}'), "unknown keys"),
    ],
)
def test_a_file_that_is_not_plain_draws_is_refused_in_one_line(spoil, command, change, found):
    path = spoil(change)
    code, out, err = command("open", path)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert found in err


def test_a_long_attribute_is_refused_before_it_is_read(spoil, monkeypatch):
    monkeypatch.setattr(plain_hdf5, "MOST_TEXT", 10)
    with pytest.raises(DataError, match="bytes, want at most 10"):
        open_saved(spoil(lambda file: None))


@pytest.mark.slow
def test_virtual_data_are_refused_and_the_process_ends_as_it_should(spoil):
    """HDF5 crashes at exit on objects of virtual data that are still open."""
    args = [sys.executable, "-m", "sie.cli", "open", str(spoil(_virtual))]
    done = subprocess.run(args, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (2, "")
    assert "data of another file" in done.stderr


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04K\x01.", b"label = 'a view'\n", b"\x89HDF\r\n\x1a\n" + bytes(2000)]
)
def test_a_file_of_another_kind_is_refused(tmp_path, command, content):
    path = tmp_path / "other.nc"
    path.write_bytes(content)
    code, out, err = command("open", path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "other.nc: found a file that is not NetCDF" in err


def test_a_missing_file_and_a_cut_one_are_refused(folder, tmp_path, command):
    cut = tmp_path / "cut.nc"
    whole = (folder / "davidson_houlden_2025.nc").read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    for path in (cut, tmp_path / "missing.nc", tmp_path):
        code, out, err = command("open", path)
        assert (code, out, err.count("\n")) == (2, "", 1)


@pytest.mark.slow
def test_a_damaged_file_is_read_or_refused_and_nothing_else_happens(folder, tmp_path):
    whole, path, rng = (
        (folder / "davidson_houlden_2025.nc").read_bytes(),
        tmp_path / "damaged.nc",
        np.random.default_rng(1),
    )
    outcomes = set()
    for _ in range(25):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole) // 3, size=5):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            open_saved(path)
            outcomes.add("read")
        except DataError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_the_kind_of_a_file_is_checked_by_its_name(folder):
    with xr.open_datatree(folder / "davidson_houlden_2025.nc", engine="h5netcdf") as tree:
        assert tree.attrs["kind"] == KIND


@pytest.mark.slow
def test_evidence_comes_back_and_the_same_posterior_is_drawn_from_the_file(evidence, tmp_path):
    fitted = compute(sie.read_view("davidson_2025"), evidence, seed=2, draws=1000)
    write_folder([fitted], tmp_path)
    opened = open_saved(tmp_path / "davidson_2025.nc")
    assert as_text(opened) == as_text(fitted)
    view, attrs = opened.view, opened.tree.attrs
    again = sie.fit(sie.build(opened.rows, view), seed=attrs["seed"], draws=attrs["draws"])
    np.testing.assert_array_equal(again["posterior"].r_asara.values, opened.draws("evidence").r_asara.values)
    rows = sie.usable(opened.evidence, view)
    assert rows.estimate.values.tolist() == opened.rows.estimate.values.tolist()
    assert opened.rows.attrs["levels"] == fitted.rows.attrs["levels"] != []
