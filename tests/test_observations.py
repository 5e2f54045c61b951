"""Raw histories: the bundled ones say what their sources print, real oddities are accepted, and holes are refused."""

import csv
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sie
from sie.base.reading import data_folder
from sie.data.histories import jumps_between, read_observations
from sie.data.history_units import EFFORT_UNITS, OUTPUT_UNITS

TABLES = data_folder("evidence").parent.parent / "shared" / "evidence"
NEEDS_TABLES = pytest.mark.skipif(not TABLES.is_dir(), reason="the tables behind the files are not here")
RETIMED = 3.014 / 2.933
"""Record 21 of the NanoGPT speedrun timed again, over its first time."""


def table(name):
    with (TABLES / name).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def nanogpt():
    return sie.read_series("nanogpt_speedrun")


@pytest.fixture(scope="module")
def stockfish():
    return sie.read_series("stockfish")


@pytest.fixture
def series_file(tmp_path):
    """series_file(text): the path of a series file with this text."""

    def write(text):
        path = tmp_path / "own.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("name", "domain", "observations", "proxies", "identified"),
    [
        ("nanogpt_speedrun", "NanoGPT speedrun", 89, 5, True),
        ("stockfish", "computer chess", 295, 1, True),
        ("stockfish_builds", "computer chess", 172, 1, True),
        ("alexnet", "computer vision", 6, 1, True),
        ("cifar10", "CIFAR-10 speedrun", 19, 1, False),
    ],
)
def test_every_bundled_series_reads(name, domain, observations, proxies, identified):
    series = sie.read_series(name)
    assert dict(series.sizes) == {"observation": observations, "proxy": proxies}
    assert (series.attrs["id"], series.attrs["domain"]) == (name, domain)
    assert series.attrs["identified"] == identified
    assert np.isfinite(series.output).all()
    assert np.all(np.diff(series.years) >= 0)
    assert series.years[0] == 0


def test_an_unknown_series_is_refused(refused):
    with refused("series", "'go'", "one of nanogpt_speedrun, stockfish"):
        sie.read_series("go")


def test_a_series_is_read_from_another_folder(evidence_copy):
    path = evidence_copy / "series" / "alexnet.csv"
    path.write_text(path.read_text().replace(",3.1,", ",6.2,"))
    assert sie.read_series("alexnet", evidence_copy).output[0] == 6.2


def test_nanogpt_gained_5_23_doublings_with_the_retimings_chained_out(nanogpt):
    assert math.log2(nanogpt.output[0] / nanogpt.output[-1]) == pytest.approx(5.23, abs=0.005)
    assert float(nanogpt.output[-1]) * RETIMED == pytest.approx(1.23, abs=1e-4)
    assert nanogpt.output.attrs == {"units": "minutes", "better": "lower"}
    assert np.all(np.diff(nanogpt.output) < 0)


def test_nanogpt_has_records_of_one_day(nanogpt):
    assert np.sum(np.diff(nanogpt.years) == 0) == 6


@NEEDS_TABLES
def test_nanogpt_is_the_table_of_records_and_of_effort(nanogpt):
    records = [row for row in table("nanogpt_speedrun.csv") if row["track"] == "small_124M"]
    effort = [row for row in table("nanogpt_effort.csv") if row["track"] == "small_124M"]
    both = [(a, b) for a, b in zip(records, effort, strict=True) if a["is_retiming"] == "0"]
    printed = [float(a["minutes"]) for a, _ in both]
    chained = nanogpt.output.values * np.where(nanogpt.order > 21, RETIMED, 1)
    np.testing.assert_allclose(chained, printed, rtol=1e-4)
    assert [str(day)[:10] for day in nanogpt.date.values] == [a["date"] for a, _ in both]
    for proxy, column in {
        "authors": "authors_excl_track3_by_date",
        "contributors": "distinct_record_contributors_so_far",
        "pull_requests": "max_pr_number_by_date",
        "active_days": "active_days_excl_track3_by_date",
        "trainer_lines": "cum_lines_added_trainer_by_date",
    }.items():
        np.testing.assert_array_equal(nanogpt.effort.sel(proxy=proxy), [float(b[column]) for _, b in both])


def test_stockfish_effort_is_missing_where_it_was_not_observed(stockfish):
    seen = np.isfinite(stockfish.effort.sel(proxy="cpu_hours").values)
    assert seen.sum() == 20
    assert str(stockfish.date.values[seen][0])[:10] == "2016-10-07"
    assert stockfish.unit.values.tolist() == ["CPU hours"]


def test_stockfish_measurements_fall_and_share_days(stockfish):
    assert set(stockfish.kind.values) == {"measurement"}
    assert np.any(np.diff(stockfish.output) < 0)
    assert np.any(np.diff(stockfish.years) == 0)


def test_nnue_arrives_between_two_regimes(stockfish):
    runs = list(dict.fromkeys(stockfish.regime.values.tolist()))
    assert runs == ["classical", "NNUE arriving", "NNUE", "NNUE or late NNUE", "late NNUE"]
    before = stockfish.output.values[stockfish.regime.values == "classical"][-1]
    after = stockfish.output.values[stockfish.regime.values == "NNUE"][0]
    assert after - before == pytest.approx(108.2, abs=0.05)


@NEEDS_TABLES
def test_stockfish_is_the_table_of_tests_then_of_builds_and_of_hours(stockfish):
    tests = stockfish.isel(observation=(stockfish.instrument == "regression tests").values)
    printed = table("stockfish_elo_effort.csv")
    np.testing.assert_array_equal(
        tests.output, [float(row["cum_elo_chained_from_SF2_3_1"]) for row in printed]
    )
    np.testing.assert_allclose(
        tests.output_error * 1.96, [float(row["elo_err95"]) for row in printed], atol=1e-3
    )
    builds = stockfish.isel(observation=(stockfish.instrument == "fixed opponent").values)
    assert str(builds.date.values[0])[:10] == str(tests.date.values[-1])[:10] == "2023-06-12"
    for series, days in ((builds, 27), (sie.read_series("stockfish_builds"), 12)):
        check_builds(series)
        check_hours(stockfish if series is builds else series, days)


def check_builds(series):
    """Each release, the first build of each month and those with an effort, as printed."""
    printed = table("stockfish_ncm_elo.csv")
    known = {
        (row["date"], float(row["elo_vs_sf15"]), round(float(row["elo_err95"]), 2)): row for row in printed
    }
    dates = [str(day)[:10] for day in series.date.values]
    errors = (series.output_error.values * 1.96).round(2)
    rows = [known[key] for key in zip(dates, series.output.values, errors, strict=True)]
    within = [row for row in printed if dates[0] <= row["date"] <= "2025-12-24"]
    assert {row["release"] for row in within} == {row["release"] for row in rows}
    assert {row["date"][:7] for row in within} == {date[:7] for date in dates}


def check_hours(series, most_days):
    """Every count once, at the observation nearest in date."""
    printed = {
        float(row["cum_cpu_hours_listed_contributors"]): row["as_of"]
        for row in table("stockfish_cpu_hours.csv")
    }
    effort = series.effort.sel(proxy="cpu_hours").dropna("observation")
    assert sorted(effort.values) == sorted(printed)
    dates = series.date.sel(observation=effort.observation).values.astype("datetime64[D]")
    days = [
        abs(np.datetime64(printed[float(value)]) - day).astype(int)
        for value, day in zip(effort.values, dates, strict=True)
    ]
    assert max(days) == most_days


def test_alexnet_efforts_are_sums_of_the_printed_authors():
    series = sie.read_series("alexnet")
    authors = [111, 174, 505, 1446, 3564, 7821, 14147, 22062]
    for day, effort in zip(series.date.values, series.effort.values[:, 0], strict=True):
        year = day.astype("datetime64[Y]")
        share = (day.astype("datetime64[D]") - year.astype("datetime64[D]")).astype(int) / 365
        past = int(str(year)) - 2012
        assert effort == pytest.approx(sum(authors[:past]) + share * authors[past], rel=0.003, abs=1)


def test_alexnet_trend_is_the_15_7_months_behind_the_growth_row():
    from scipy import stats

    series = sie.read_series("alexnet")
    fit = stats.linregress(series.years, -np.log2(series.output))
    half = stats.t(4).ppf(0.975) * fit.stderr
    months = [12 / rate for rate in (fit.slope, fit.slope + half, fit.slope - half)]
    np.testing.assert_allclose(months, [15.7, 13.2, 19.3], atol=0.05)


def test_cifar10_changes_its_gpu_once_and_its_only_effort_counts_entries():
    series = sie.read_series("cifar10")
    assert list(dict.fromkeys(series.instrument.values.tolist())) == ["V100", "A100"]
    by_ai = series.isel(observation=(series.made_by == "AI").values)
    assert by_ai.output.values.tolist() == [1.99, 1.828]
    assert np.isnan(by_ai.effort.values).all()
    assert series.effort_kind.values.tolist() == ["output count"]


RAW = """order,date,kind,output [minutes],authors [authors]
20,2025-01-16,record,2.992,9
21,2025-01-26,record,2.933,10
22,2025-02-01,measurement,2.997,10
23,2025-05-24,measurement,3.014,10
24,2025-05-24,record,2.99,11
"""


def test_retimings_are_measurements_that_set_the_bar_anew(series_file):
    series = read_observations(series_file(RAW))
    assert series.output == [2.992, 2.933, 2.997, 3.014, 2.99]
    assert series.order == [20, 21, 22, 23, 24]


def test_a_record_over_a_retiming_is_refused(series_file, refused):
    with refused("own.csv line 6 output: found 3.02", "a record no worse than 3.014 (or kind measurement)"):
        read_observations(series_file(RAW.replace("2.99,11", "3.02,11")))


MACHINES = """order,date,kind,output [seconds],instrument,authors [authors]
1,2024-01-01,record,50,V100,1
2,2024-02-01,record,40,V100,2
3,2024-02-01,record,60,A100,
4,2024-03-01,record,55,A100,2
"""


def test_another_machine_may_be_slower_and_the_jump_is_a_change_of_instrument(series_file):
    series = read_observations(series_file(MACHINES))
    assert series.instrument == ["V100", "V100", "A100", "A100"]
    assert math.isnan(series.effort["authors"][2])


def test_without_the_instrument_the_slower_machine_is_a_worse_record(series_file, refused):
    text = MACHINES.replace(",instrument", "").replace(",V100", "").replace(",A100", "")
    with refused("own.csv line 4 output: found 60.0", "a record no worse than 40"):
        read_observations(series_file(text))


PLAIN = """order,date,kind,output [Elo],output_error [Elo],commits [commits],staff [staff]
1,2024-01-01,measurement,-5,1.5,10,3
2,2024-01-01,measurement,20,,,
3,2024-02-01,measurement,15,1,12,2
4,2024-03-01,measurement,18,1,,4
"""


def test_elo_may_be_negative_staff_may_fall_and_an_error_may_be_unknown(series_file):
    series = read_observations(series_file(PLAIN))
    assert series.output == [-5, 20, 15, 18]
    assert math.isnan(series.output_error[1])
    assert series.effort["staff"][2] == 2
    assert series.identified


@pytest.mark.parametrize(
    ("old", "new", "where", "found", "want"),
    [
        ("2,2024-01-01", "2,", "line 3 date", "nothing", "a date such as 2026-02-05"),
        ("2,2024-01-01", "2,2024-13-01", "line 3 date", "'2024-13-01'", "a date"),
        ("2,2024-01-01", "2,1/6/2024", "line 3 date", "'1/6/2024'", "a date"),
        ("2,2024-01-01", "2,2023-12-31", "line 3 date", "'2023-12-31'", "no date before 2024-01-01"),
        (",20,", ",,", "line 3 output", "nothing", "a number"),
        (",20,", ",nan,", "line 3 output", "'nan'", "a number"),
        (",20,", ",twenty,", "line 3 output", "'twenty'", "a number"),
        ("2,2024-01-01,m", "1,2024-01-01,m", "line 3 order", "1", "an order that no other line has"),
        ("2,2024-01-01,m", "9,2024-01-01,m", "line 4 order", "3", "ascending order"),
        ("2,2024-01-01,m", ",2024-01-01,m", "line 3 order", "nothing", "a whole number"),
        ("2,2024-01-01,m", "2.5,2024-01-01,m", "line 3 order", "'2.5'", "a whole number"),
        ("measurement,20", "estimate,20", "line 3 kind", "'estimate'", "one of record, measurement"),
        ("measurement,15", "record,15", "line 4 output", "15.0", "a record no worse than 20"),
        (",1.5,10", ",0,10", "line 2 output_error", "'0'", "a standard error above 0"),
        (
            ",1,12,2",
            ",1,9,2",
            "line 4 commits",
            "9.0",
            "at least 10: all so far, which never falls (a headcount is in persons at work)",
        ),
        (",1,12,2", ",1,-1,2", "line 4 commits", "'-1'", "a number of at least 0"),
        (",1,12,2", ",1,1_2,2", "line 4 commits", "'1_2'", "a number of at least 0"),
        (",1,12,2", ",1,,2", "commits", "hardly any value", "an effort observed at least 2 times"),
        ("output [Elo]", "output [points]", "header output", "'points'", ", ".join(OUTPUT_UNITS)),
        ("output [Elo]", "output", "header", "'output'", "a name and a unit"),
        ("output [Elo]", "output [commits]", "header output", "'commits'", "one of the units"),
        ("output_error [Elo]", "output_error [seconds]", "header output_error", "'seconds'", "output, Elo"),
        ("commits [commits]", "commits [Elo]", "header commits", "'Elo'", ", ".join(EFFORT_UNITS)),
        ("commits [commits]", "commits (n)", "header", "'commits (n)'", "a name and a unit"),
        ("staff [staff]", "commits [staff]", "header", "'commits [staff]'", "each column once"),
        ("order,date", "date,order", "header", "'date'", "order (a series starts with"),
        (
            ",output [Elo],output_error [Elo]",
            ",output_error [Elo],output [Elo]",
            "header",
            "'output_error",
            "after",
        ),
        ("1.5,10,3", "1.5,10", "line 2", "6 cells", "7"),
    ],
)
def test_a_wrong_series_is_refused(old, new, where, found, want, series_file, refused):
    assert old in PLAIN
    with refused(f"own.csv {where}: found", found, want):
        read_observations(series_file(PLAIN.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ("", "own.csv", "an empty file"),
        ("order,date,kind\n1,2024-01-01,record\n", "own.csv header", "no output"),
        ("order,date,kind,output [Elo]\n1,2024-01-01,record,3\n", "own.csv header", "no effort"),
        (RAW.splitlines()[0] + "\n", "own.csv", "a header and no rows"),
        ("\n".join(RAW.splitlines()[:2]) + "\n", "own.csv", "1 observation by people"),
        (
            MACHINES.replace("4,2024-03-01,record,55,A100", "4,2024-03-01,record,55,"),
            "own.csv line 5 instrument",
            "nothing",
        ),
        (
            MACHINES.replace("4,2024-03-01,record,55,A100", "4,2024-03-01,record,55,V100"),
            "own.csv line 5 instrument",
            "'V100'",
        ),
        (MACHINES.replace("record,40", "record,0"), "own.csv line 3 output", "'0'"),
    ],
    ids=[
        "empty",
        "no-output",
        "no-effort",
        "no-rows",
        "one-row",
        "no-instrument",
        "instrument-returns",
        "zero-seconds",
    ],
)
def test_a_file_that_is_no_series_is_refused(text, where, found, series_file, refused):
    with refused(where, found):
        read_observations(series_file(text))


REGIMES = """order,date,kind,output [doublings],regime,made_by,team [persons at work]
1,2024-01-01,measurement,0,old,,1
2,2024-02-01,measurement,1,old or new,people,3
3,2024-03-01,measurement,2,old or new,AI,
4,2024-04-01,measurement,2,new,,2
5,2024-05-01,measurement,3,new,,5
"""


def test_a_switch_without_a_date_and_what_ai_made_are_read(series_file):
    series = read_observations(series_file(REGIMES))
    assert series.regime == ["old", "old or new", "old or new", "new", "new"]
    assert series.made_by == ["people", "people", "AI", "people", "people"]
    assert jumps_between(series.regime, series.instrument, series.made_by) == [False] * 3 + [True, False]


@pytest.mark.parametrize(
    ("old", "new", "where", "found", "want"),
    [
        ("2,old or new", "2,old or later", "line 3 regime", "'old or new'", "between one run of each"),
        ("0,old,", "0,older,", "line 3 regime", "'old or new'", "here 'older or new'"),
        ("3,new", "3,old", "line 6 regime", "'old'", "each regime in one run of lines"),
        ("new,AI", "new,bot", "line 4 made_by", "'bot'", "one of people, AI"),
    ],
)
def test_wrong_regimes_and_makers_are_refused(old, new, where, found, want, series_file, refused):
    assert old in REGIMES
    with refused(f"own.csv {where}".removesuffix(" own.csv"), found, want):
        read_observations(series_file(REGIMES.replace(old, new, 1)))


@given(
    st.lists(st.floats(0.01, 0.99), min_size=2, max_size=12),
    st.lists(st.integers(0, 1000), min_size=12, max_size=12),
)
def test_numbers_come_back_as_they_were_written(tmp_path_factory, shrink, steps):
    output = np.cumprod(shrink).tolist()
    effort = np.cumsum(steps[: len(output)]).tolist()
    lines = [f"{i},2024-01-01,record,{a!r},{e}" for i, (a, e) in enumerate(zip(output, effort, strict=True))]
    path = tmp_path_factory.mktemp("series") / "own.csv"
    path.write_text("\n".join(["order,date,kind,output [seconds],lines [lines]", *lines]))
    series = read_observations(path)
    assert series.output == output
    assert series.effort["lines"] == effort
