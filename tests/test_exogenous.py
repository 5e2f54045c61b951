"""Hardware growth, a gradual boost and a pause of a view: against an ODE, in every command, in files; nothing where they are off."""

import json
import math
import pickle

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import solve_ivp
from trajectories import draws_of

import sie
from sie.analysis.result import CONDITIONS, conditions, inputs_sha256
from sie.analysis.sweep.cells import FIELDS, run_cell
from sie.data.exogenous import NUMBERS
from sie.growth.credences import indicators
from sie.growth.trajectory import follow
from sie.page.snapshot import inputs_of, view_of

HARDWARE = {"hardware_growth": {"doublings_per_year": 1.5}}
BOOST = {"boost": {"start": 0.1, "years": 5.0}}
BOOST_TO = {"boost": {"start": 0.1, "end": 12.0, "years": 2.0}}
PAUSE = {"pause": {"doublings": 10.0, "years": 1.5}}
SOME = [HARDWARE, BOOST, BOOST_TO, PAUSE, HARDWARE | PAUSE, BOOST | PAUSE]

DRAWS = 24
HORIZON = 30.0
CELL = 4e-4
"""Relative error of a level within the last cell below a ceiling."""

EDGE = 0.02
"""Relative distance from the threshold of an event within which it is not judged."""


@pytest.fixture(scope="module")
def view():
    return sie.read_view("davidson_houlden_2025")


def slope(x, of):
    """k(x) = lambda e(x) - beta(x), as design section 3 writes it, for one draw."""
    kappa = 1 - 1 / of["sigma"]
    odds = of["labour_share_asara"] * 2 ** (kappa * (1 - of["epsilon"]) * x)
    share = odds / (odds + 1 - of["labour_share_asara"])
    gained, whole = of["doublings_gained"], of["doublings_gained"] + of["doublings_left"]
    beta = of["parallel"] / of["r_asara"] * (1 - (gained / whole) ** of["shape"])
    return of["lambda"] * (share + of["epsilon"] * (1 - share)) - beta / (
        1 - ((gained + x) / whole) ** of["shape"]
    )


def by_ode(of, *, hardware_growth=None, boost=None, pause=None):
    """What is gained by any time of one draw: dx/dt = v(x) b(t), no progress for the years of a pause, v from its slope."""
    speedup = of["pace_asara"] / of["recent_doublings_per_year"]

    def factor(t):
        if hardware_growth:
            return 2 ** (of["lambda"] * hardware_growth["doublings_per_year"] * t)
        if boost:
            part = min(t / boost["years"], 1.0)
            return (1 + boost["start"] * (boost.get("end", speedup) / boost["start"]) ** part) / speedup
        return 1.0

    def rates(t, state):
        x = min(state[0], of["doublings_left"] * (1 - 1e-12))
        pace = 2 ** state[1] * factor(t)
        return [pace, slope(x, of) * pace]

    def at_pause(_, state):
        return state[0] - pause["doublings"]

    at_pause.terminal = True
    start = (0.0, math.log2(of["pace_asara"]))
    options = {"method": "LSODA", "rtol": 1e-9, "atol": 1e-11, "dense_output": True, "max_step": 0.1}
    first = solve_ivp(rates, (0, HORIZON), start, events=at_pause if pause else None, **options)
    if not pause or first.status != 1:
        return lambda t: first.sol(t)[0]
    begin = first.t[-1]
    end = begin + pause["years"]
    then = solve_ivp(rates, (end, HORIZON + 2), first.y[:, -1], **options)
    return lambda t: np.where(t < begin, first.sol(np.minimum(t, begin))[0], then.sol(np.maximum(t, end))[0])


@pytest.mark.slow
@pytest.mark.parametrize("acting", SOME)
def test_levels_and_windows_are_those_of_an_ode(view, acting):
    draws = sie.prior(view.replace(**acting), draws=DRAWS, seed=3)
    paths = sie.simulate(draws)
    happens = indicators(paths, ["years_3_in_1y"]).values[0]
    times, judged = np.array([0.3, 1.0, 2.5, 6.0, 12.0]), 0
    found = sie.doublings_by(paths, times).reshape(DRAWS, -1)
    for i in range(DRAWS):
        of = {name: float(draws[name].values.ravel()[i]) for name in draws}
        gained = by_ode(of, **acting)
        np.testing.assert_allclose(found[i], gained(times), rtol=CELL)
        t = np.linspace(0, HORIZON - 1, 20_001)
        most = (gained(t + 1) - gained(t)).max()
        gain = 3 * of["recent_doublings_per_year"] / of["software_share"]
        over = of["doublings_left"] - gained(HORIZON) < gain  # no such year can come later
        if abs(most / gain - 1) > EDGE and (over or most > gain):
            judged += 1
            assert happens[i] == (most > gain)
    assert judged > DRAWS / 2


@pytest.mark.slow
@pytest.mark.parametrize("acting", [HARDWARE, BOOST, PAUSE, HARDWARE | PAUSE])
def test_stored_paths_and_a_stream_agree(view, acting):
    draws = sie.prior(view.replace(**acting), draws=400, seed=1)
    table = sie.credences(sie.simulate(draws))
    np.testing.assert_array_equal(table.p, sie.stream([draws]).p)
    plain = sie.credences(sie.simulate(sie.prior(view, draws=400, seed=1)))
    assert (table.p != plain.p).sum() > 4
    assert table.p.sel(event="r_above_1") == plain.p.sel(event="r_above_1")


@pytest.mark.slow
def test_a_boost_without_an_end_goes_to_the_speed_up_of_each_draw(view):
    draws = sie.prior(view.replace(**BOOST), draws=400, seed=1)
    paths = sie.simulate(draws)
    speedup = (draws.pace_asara / draws.recent_doublings_per_year).values
    by_hand = sie.simulate(draws.drop_vars(["boost_start", "boost_years"]))
    by_hand = sie.on_clock(by_hand, sie.gradual_boost(start=0.1, end=speedup, years=5, speedup=speedup))
    np.testing.assert_array_equal(paths.years, by_hand.years)
    np.testing.assert_allclose(paths.pace_asara, 1.1 * draws.recent_doublings_per_year)


def same(one, other):
    names = [name for name in one if name not in NUMBERS]
    xr.testing.assert_identical(one[names], other[names])


def test_nothing_that_acts_changes_nothing_bit_for_bit(view):
    plain = sie.simulate(sie.prior(view, draws=400, seed=1))
    for acting in (
        {"hardware_growth": {"doublings_per_year": 0}},
        {"pause": {"doublings": 10, "years": 0}},
        {"hardware_growth": None, "pause": None},
    ):
        draws = sie.prior(view.replace(**acting), draws=400, seed=1)
        same(sie.simulate(draws), plain)
    assert not {*NUMBERS} & {*sie.prior(view, draws=400, seed=1)}


def test_a_boost_that_starts_and_ends_at_the_speed_up_changes_nothing_but_rounding():
    """The pace is (1 + f) times the recent pace: f is the speed-up less 1."""
    draws = draws_of(np.linspace(0.5, 3, 40), left=88.0, speedup=8.0)
    numbers = {"boost_start": 7.0, "boost_end": 7.0, "boost_years": 5.0}
    boosted = sie.simulate(draws.assign({name: value + 0 * draws.r_asara for name, value in numbers.items()}))
    plain = sie.simulate(draws)
    np.testing.assert_allclose(boosted.years, plain.years, rtol=1e-9)
    np.testing.assert_allclose(boosted.pace_asara, plain.pace_asara)
    np.testing.assert_array_equal(sie.credences(boosted).p, sie.credences(plain).p)


def test_a_pause_and_a_shortest_doubling_time_act_together():
    """A pace of 8, held at 4: 4 doublings in a year, a pause of 2, and 4 doublings a year again."""
    draws = draws_of(1.0, speedup=2.0, shortest_doubling=0.25, pause_doublings=4.0, pause_years=2.0)
    paths = sie.simulate(draws)
    assert sie.years_at(paths, [4.0, 8.0]).ravel() == pytest.approx([1.0, 4.0])
    assert paths.pace_asara == 4


@pytest.mark.parametrize(
    ("draws", "options", "where", "found"),
    [
        ({"hardware_growth": 1.0, "shortest_doubling": 0.1}, {}, "shortest_doubling", "0.1"),
        ({"hardware_growth": 1.0}, {"retraining": "slower"}, "hardware_growth", "retraining slower"),
        ({"hardware_growth": 1.0, "boost_start": 0.1, "boost_years": 5.0}, {}, "boost_start", "hardware_growth too"),
        ({"hardware_growth": [1.0, 2.0]}, {}, "hardware_growth", "different numbers"),
        ({"pause_years": -1.0}, {}, "pause_years", "-1.0"),
        ({"boost_start": 0.0}, {}, "boost_start", "0.0"),
    ],
)  # fmt: skip
def test_draws_on_which_nothing_can_act_so_are_refused(draws, options, where, found, refused):
    with refused(where, found):
        sie.simulate(draws_of(**draws), **options)


def table(name, numbers, basis='basis = "ours"\nlocator = "judgement"\nnote = "of a test"'):
    return f"\n[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in numbers.items()) + f"{basis}\n"


@pytest.fixture
def written(write_view):
    """written(PAUSE): the path of the view with these tables."""
    text = sie.to_toml(sie.read_view("davidson_houlden_2025"))
    return lambda tables, **basis: write_view(
        text + "".join(table(name, numbers, **basis) for name, numbers in tables.items())
    )


@pytest.mark.parametrize(
    ("tables", "where", "found"),
    [
        ({"hardware_growth": {}}, "view.toml [hardware_growth] doublings_per_year", "found nothing, want a number from 0 to 1e+09"),
        ({"hardware_growth": {"doublings_per_year": -1}}, "view.toml [hardware_growth] doublings_per_year", "found -1,"),
        ({"hardware_growth": {"doublings_per_year": '"1"'}}, "view.toml [hardware_growth] doublings_per_year", "found '1'"),
        ({"boost": {"start": 0, "years": 5}}, "view.toml [boost] start", "found 0, want a number from 1e-09"),
        ({"boost": {"start": 0.1, "end": 3}}, "view.toml [boost] years", "found nothing"),
        ({"pause": {"doublings": 10, "years": 2e6}}, "view.toml [pause] years", "to 1e+06"),
        ({"pause": {"doublings": 10, "years": 2, "until": 3}}, "view.toml [pause] until", "an unknown key"),
        (HARDWARE | BOOST, "view.toml [boost]", "found [hardware_growth] too"),
    ],
)  # fmt: skip
def test_a_table_that_is_none_is_refused(written, refused, tables, where, found):
    with refused(where, found):
        sie.read_view(written(tables))


def test_a_table_has_an_origin_as_every_number_has(written, refused):
    stated = 'basis = "stated"\nsource = "davidson_2025_reply"\nlocator = "p. 3"\nquote = "hardware doubles 7 times"'
    with refused("view.toml [hardware_growth] quote", "1.5"):
        sie.read_view(written(HARDWARE, basis=stated))
    with refused("view.toml [pause] basis", "nothing"):
        sie.read_view(written(PAUSE, basis=""))


def test_a_factor_of_time_beside_a_shortest_doubling_time_is_refused(view, refused):
    slow = view.replace(shortest_doubling=sie.lognormal(0.01, 0.1))
    for acting in (HARDWARE, BOOST):
        with refused(f"{view.name} [{next(iter(acting))}]", "a shortest_doubling other than fixed 0"):
            slow.replace(**acting)
    assert slow.replace(**PAUSE).exogenous["pause"].numbers["years"] == 1.5


def test_the_tables_are_kept_by_everything_that_keeps_a_view(written, view, command, tmp_path, monkeypatch):
    acting = BOOST_TO | PAUSE
    path = written(acting)
    read = sie.read_view(path)
    assert {name: dict(each.numbers) for name, each in read.exogenous.items()} == acting
    assert read.exogenous["boost"].note == "of a test"
    assert pickle.loads(pickle.dumps(read)) == read
    assert read.replace(sigma=sie.fixed(1)).exogenous == read.exogenous
    (tmp_path / "again.toml").write_text(sie.to_toml(read))
    assert sie.read_view(str(tmp_path / "again.toml")).exogenous == read.exogenous
    monkeypatch.chdir(tmp_path)
    assert command("new", "copy", "--from", path)[0] == 0
    assert sie.read_view("copy.toml").exogenous == read.exogenous
    shown = view_of("report.json", "mine", "Mine", json.loads(json.dumps(inputs_of(read))))
    assert {name: dict(each.numbers) for name, each in shown.exogenous.items()} == acting
    assert (
        len({inputs_sha256(of, {}) for of in (view.replace(), view.replace(**PAUSE), view.replace(**acting))})
        == 3
    )
    assert read.replace(boost=None, pause=None).exogenous == {}


@pytest.mark.slow
def test_report_sweep_workbench_and_python_agree_and_the_report_says_it(written, command, tmp_path):
    acting = {"hardware_growth": {"doublings_per_year": 1}}
    path = written(acting)
    read = sie.read_view(path)
    wanted = sie.credences(sie.simulate(sie.prior(read, draws=1000, seed=1))).p.values
    code, out, _ = command(
        "report", path, "--priors-only", "--draws", 1000, "--json", tmp_path / "r.json", "--out", tmp_path
    )
    assert code == 0
    assert "hardware doubles 1 time a year after ASARA [ours: of a test]" in out
    assert "hardware stays fixed" not in out.replace(sie.headline(), "")
    assert "hardware grows as the view says" in out
    [said] = json.loads((tmp_path / "r.json").read_text())["views"]
    assert [credence["p"] for credence in said["credences"]] == pytest.approx(wanted, abs=1e-12)
    assert said["inputs"]["hardware_growth"] == {"doublings_per_year": 1}
    opened = sie.open_saved(tmp_path / "view.nc")
    np.testing.assert_array_equal(opened.credences["priors"].p, wanted)
    assert "hardware grows" in command("open", tmp_path / "view.nc")[1]
    row = dict(zip(FIELDS, run_cell(read, None, (), seed=1, draws=1000, key=""), strict=True))
    assert [row[f"p priors {event}"] for event in opened.credences["priors"].event.values] == pytest.approx(
        wanted
    )
    answer = sie.Workbench(None, seed=1, draws=1000).answer(read)
    np.testing.assert_array_equal(answer.credences["priors"].p, wanted)
    np.testing.assert_array_equal(sie.credences(answer.paths).p, wanted)


@pytest.mark.slow
def test_a_saved_file_acts_as_its_view_says_whatever_its_draws_have(written, command, tmp_path):
    path = written(PAUSE)
    assert command("report", path, "--priors-only", "--draws", 1000, "--out", tmp_path)[0] == 0
    with xr.open_datatree(tmp_path / "view.nc", engine="h5netcdf") as tree:
        tree = tree.load()
    tree["prior"] = xr.DataTree(tree["prior"].to_dataset().drop_vars(["pause_years"]))
    tree.to_netcdf(tmp_path / "spoilt.nc", engine="h5netcdf")
    one, other = (sie.open_saved(tmp_path / name).credences["priors"] for name in ("view.nc", "spoilt.nc"))
    xr.testing.assert_equal(one, other)


def test_conditions_say_of_which_views_hardware_grows(view):
    growing = view.replace(**HARDWARE)
    assert conditions([view, view.replace(**PAUSE)]) == CONDITIONS
    assert "hardware grows as the view says, and" in conditions([growing])
    mixed = conditions([sie.read_view("reference"), growing])
    assert f"hardware stays fixed except in {view.name}, where it grows" in mixed


@pytest.mark.slow
def test_stored_draws_answer_for_a_view_with_a_pause_and_back(evidence):
    """What acts from outside changes paths, not the fit; the draws of a view without it keep nothing of another's."""
    plain = sie.read_view("davidson_2025")
    paused = plain.replace(**PAUSE)
    bench = sie.Workbench(evidence, seed=1, draws=1000)
    first, then = bench.answer(paused), bench.answer(plain)
    assert (first.how, then.how) == ("refitted", "paths")
    fresh = sie.Workbench(evidence, seed=1, draws=1000).answer(plain)
    for given in ("priors", "evidence"):
        np.testing.assert_array_equal(then.credences[given].p, fresh.credences[given].p)
        assert (first.credences[given].p != then.credences[given].p).any()
    assert not {*NUMBERS} & {*then.draws_given("evidence")}
    np.testing.assert_array_equal(sie.credences(first.paths).p, first.credences["evidence"].p)
    model = sie.build(sie.usable(evidence, paused), paused)
    assert {"pause_doublings", "pause_years"} <= {variable.name for variable in model.deterministics}
    row = dict(zip(FIELDS, run_cell(paused, evidence, (), seed=1, draws=1000, key="k"), strict=True))
    other = dict(zip(FIELDS, run_cell(plain, evidence, (), seed=1, draws=1000, key="k"), strict=True))
    for event in ("years_3_in_1y", "years_3_in_4m"):
        assert row[f"p evidence {event}"] == first.credences["evidence"].p.sel(event=event)
        assert other[f"p evidence {event}"] == fresh.credences["evidence"].p.sel(event=event)


SWEEP = """
draws = 1000
seeds = [1]
views = ["view.toml"]
[mechanisms.as_stated]
[mechanisms.more]
hardware_growth = { doublings_per_year = 2 }
"""


def test_a_sweep_has_them_on_its_axes(written, tmp_path, refused):
    written(HARDWARE)
    (tmp_path / "sweep.toml").write_text(SWEEP)
    sweep = sie.read_sweep(tmp_path / "sweep.toml")
    grown = [
        sweep.view(cell).exogenous["hardware_growth"].numbers["doublings_per_year"] for cell in sweep.cells
    ]
    assert grown == [1.5, 2]
    for old, new, where, found in (
        ("= 2 }", "= 1.5 }", "sweep.toml [mechanisms.more]", "the priors of [mechanisms.as_stated] in every view"),
        ("doublings_per_year = 2", "a_year = 2", "sweep.toml [mechanisms.more] hardware_growth a_year", "an unknown key"),
        ("hardware_growth = { doublings_per_year = 2 }", "boost = { start = 0.1, years = 5 }", "sweep.toml: view [boost]", "[hardware_growth] too"),
    ):  # fmt: skip
        (tmp_path / "sweep.toml").write_text(SWEEP.replace(old, new))
        with refused(where, found):
            sie.read_sweep(tmp_path / "sweep.toml")
    scaled = SWEEP + "[sample]\ncells = 2\nseed = 1\nscale = { hardware_growth = [0.5, 2.0] }\n"
    (tmp_path / "sweep.toml").write_text(scaled)
    with refused("sweep.toml [sample] scale hardware_growth", "a quantity that view does not state"):
        sie.read_sweep(tmp_path / "sweep.toml")


@pytest.mark.slow
def test_a_difference_of_views_is_shared_out_over_what_acts_too(view):
    other = view.replace(sigma=sie.fixed(0.6), **PAUSE)
    draws = [sie.prior(of, draws=400, seed=1) for of in (view, other)]
    found = sie.difference(view, other, *draws, events=["years_3_in_1y"])
    direct = [sie.credences(sie.simulate(each), events=["years_3_in_1y"]).p.item() for each in draws]
    assert [*found.group.values] == ["pause", "sigma"]
    assert found.part.sel(group="pause").item() < 0
    assert (found.p_a.item(), found.p_b.item()) == pytest.approx(direct)
    jump = sie.difference(
        view.replace(**HARDWARE),
        view.replace(**BOOST),
        *(sie.prior(view.replace(**acting), draws=40, seed=1) for acting in (HARDWARE, BOOST)),
        events=["years_3_in_1y"],
    )
    assert [*jump.group.values] == ["boost, hardware_growth, shortest_doubling"]


TOLD = {"r": 1.2, "ceiling": 88.0, "parallel": 0.3, "speedup": 8.0, "recent_pace": 4.0}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"hardware_growth": 1.5},
            "Hardware doubles 1.5 times a year after ASARA, worth 0.45 doublings of the pace a year",
        ),
        ({"boost_start": 0.1}, "the pace is 1.1 times the recent pace at ASARA and 9 times after 5 years"),
        ({"boost_start": 0.1, "boost_end": 12.0, "boost_years": 2.0}, "and 13 times after 2 years"),
        ({"pause_doublings": 10.0, "pause_years": 1.5}, "The pause of 1.5 years at 10 doublings begins"),
        (
            {"pause_doublings": 99.0, "pause_years": 1.5},
            "The pause of 1.5 years at 99 doublings is never reached",
        ),
    ],
)
def test_the_command_line_follows_and_tells_what_acts(command, options, said):
    path = follow(**TOLD, **options)
    flags = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]
    code, out, _ = command("grow", *flags)
    assert code == 0
    assert said in out
    assert said in command("explain", *flags)[1]
    lines = [line.split() for line in out.splitlines() if line[:8].strip()[:1].isdigit()]
    x = np.array([float(line[1]) for line in lines])
    wanted = sie.doublings_by(path.paths, np.array([float(line[0]) for line in lines])).ravel()
    np.testing.assert_allclose(x, wanted, atol=0.06)
    h = 1e-4
    for level in (5.0, 30.0):  # the pace is what the path gains
        span = np.diff(sie.years_at(path.paths, [level - h, level + h])).item()
        assert path.pace(level) == pytest.approx(2 * h / span, rel=1e-3)


def test_options_that_change_nothing_and_that_cannot_act_are_told(command):
    for flags, said in (
        (("--boost-years", 3), "--boost-years changes nothing here: it acts with boost-start"),
        (("--boost-end", 3), "--boost-end changes nothing here: it acts with boost-start"),
        (
            ("--pause-doublings", 3),
            "--pause-doublings changes nothing here: it acts with pause-years above 0",
        ),
        (("--pause-years", 1, "--pause-doublings", 99), "--pause-years changes nothing here"),
    ):
        assert said in command("grow", *flags)[1]
    for flags, said in (
        (("--hardware-growth", -1), "--hardware-growth: found -1.0, want a number from 0 to 1e+09\n"),
        (
            ("--hardware-growth", 1, "--retraining", "slower"),
            "--hardware-growth: found retraining slower, want",
        ),
        (("--hardware-growth", 1, "--shortest-doubling", 0.1), "--shortest-doubling: found 0.1, want"),
        (("--boost-start", 0.1, "--hardware-growth", 1), "--boost-start: found hardware_growth too, want"),
    ):
        code, out, err = command("grow", *flags)
        assert (code, out, len(err.splitlines())) == (2, "", 1)
        assert err.startswith(said)
