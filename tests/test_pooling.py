"""Pools of credences, mechanisms within a view, the weights as data, and the main table."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

import sie
from sie.analysis.pooling import OTHER_FLOORS, pool
from sie.base.reading import data_folder
from sie.data.priors import WEIGHTS, view_names
from sie.data.weights import read_weights

FILE = data_folder("priors") / WEIGHTS
EVENTS = ["r_above_1", "years_3_in_1y"]


@pytest.fixture(scope="module")
def weights():
    return read_weights()


def columns(*values):
    return np.array(values)[:, None]


def test_the_linear_pool_is_the_weighted_mean():
    p, error = pool(columns(0.2, 0.6), columns(0.01, 0.03), np.array([0.25, 0.75]), floor=0.01)["linear"]
    assert p.item() == pytest.approx(0.5)
    assert error.item() == pytest.approx(0.025)


def test_the_logarithmic_pool_of_odds_is_their_weighted_geometric_mean():
    p, _ = pool(columns(0.2, 0.8), columns(0.01, 0.01), np.array([0.5, 0.5]), floor=0)["logarithmic"]
    assert p.item() == pytest.approx(0.5)
    p, _ = pool(columns(0.5, 0.9), columns(0.01, 0.01), np.array([0.5, 0.5]), floor=0)["logarithmic"]
    assert p.item() == pytest.approx(3 / 4)  # odds of 1 and 9: sqrt(9) = 3


def test_equal_credences_pool_to_themselves():
    for p, error in pool(columns(0.3, 0.3), columns(0.01, 0.01), np.array([0.4, 0.6]), floor=0).values():
        assert p.item() == pytest.approx(0.3)
        assert error.item() == pytest.approx(0.01)


def test_a_weight_of_all_is_that_view_and_of_none_is_nothing():
    for p, _ in pool(columns(0.3, 0.9), columns(0.01, 0.01), np.array([1.0, 0.0]), floor=0).values():
        assert p.item() == pytest.approx(0.3)


def test_the_errors_of_pools_are_their_slopes_times_those_of_views():
    p, mcse, weights = columns(0.2, 0.7), columns(0.01, 0.02), np.array([0.3, 0.7])
    base = pool(p, mcse, weights, floor=0)
    step = 1e-6
    for kind, (pooled, error) in base.items():
        slopes = [
            (pool(p + step * unit, mcse, weights, floor=0)[kind][0].item() - pooled.item()) / step
            for unit in (columns(1.0, 0.0), columns(0.0, 1.0))
        ]
        assert error.item() == pytest.approx(np.dot(slopes, [0.01, 0.02]), rel=1e-4)


def test_at_a_floor_of_0_a_view_at_0_has_a_veto_and_above_it_none():
    p, mcse, half = columns(0.0, 0.9), columns(1e-4, 0.01), np.array([0.5, 0.5])
    veto, error = pool(p, mcse, half, floor=0)["logarithmic"]
    assert (veto.item(), error.item()) == (0, 0)
    free, error = pool(p, mcse, half, floor=0.01)["logarithmic"]
    odds = np.sqrt(0.01 / 0.99 * (0.01 + 0.98 * 0.9) / (0.99 - 0.98 * 0.9))
    assert free.item() == pytest.approx(odds / (1 + odds))
    assert 0 < error.item() < 0.01


def test_a_view_without_a_vote_has_no_veto():
    found, error = pool(columns(0.0, 0.4), columns(1e-4, 0.01), np.array([0.0, 1.0]), floor=0)["logarithmic"]
    assert found.item() == pytest.approx(0.4)
    assert error.item() == pytest.approx(0.01)


@pytest.mark.parametrize("floor", [-0.01, 0.5, np.nan])
def test_a_floor_out_of_range_is_refused(floor):
    with pytest.raises(ValueError, match="floor"):
        pool(columns(0.2, 0.6), columns(0.01, 0.03), np.array([0.5, 0.5]), floor=floor)


@pytest.mark.slow
def test_pools_of_the_bundled_views_do_not_depend_on_the_number_of_draws(weights):
    """One view is at 0 of n for every event; at about 1/n in its place the pools would fall by a fifth from 1,000 to 100,000 draws."""
    names = view_names()
    views = [sie.read_view(name) for name in names]
    nearly_0 = dict(labour_share=0.1, sigma=0.1, experiment_gain=0, speedup=32, **{"lambda": 0.3})
    views[names.index("deep_2025")] = sie.read_view("deep_2025").replace(
        **{name: sie.fixed(value) for name, value in nearly_0.items()}
    )

    def pools(draws, seed):
        drawn = [sie.prior(view, draws=draws, seed=seed) for view in views]
        tables = [sie.credences(sie.simulate(each), events=[*EVENTS, "years_10_in_1y"]) for each in drawn]
        p, mcse = (np.stack([table[key].values for table in tables]) for key in ("p", "mcse"))
        assert np.any(p == 0)
        return pool(p, mcse, weights.of(names), floor=weights.floor)

    few, many = pools(1000, 1), pools(100_000, 2)
    for kind, (p, error) in few.items():
        exact, rest = many[kind]
        assert np.all(np.abs(p - exact) < 2 * np.hypot(error, rest))
        assert np.all(error < 0.03)


def test_pools_never_mix_events():
    p, mcse = np.array([[0.2, 0.9], [0.4, 0.1]]), np.full((2, 2), 0.01)
    changed = np.array([[0.2, 0.5], [0.4, 0.6]])
    half = np.array([0.5, 0.5])
    for kind in ("linear", "logarithmic"):
        assert (
            pool(p, mcse, half, floor=0.01)[kind][0][0] == pool(changed, mcse, half, floor=0.01)[kind][0][0]
        )


def test_weights_that_do_not_sum_to_1_are_refused():
    with pytest.raises(ValueError, match="sum to 1"):
        pool(columns(0.2, 0.6), columns(0.01, 0.03), np.array([1.0, 1.0]), floor=0.01)


def test_a_group_of_authors_has_one_vote(weights):
    assert Path(WEIGHTS).stem not in view_names()
    assert len(weights.mechanisms) == 6
    share = dict(zip(view_names(), weights.of(view_names()), strict=True))
    votes = {
        **{name: 1 / 5 for name in share if "davidson" in name or name == "dhhk_2026"},
        "greenblatt_2025": 0,
        "ai_futures_2025": 0,
    }
    alone = 1 / (sum(votes.values()) + len(share) - len(votes))
    assert len(votes) == 7
    for name, found in share.items():
        assert found == pytest.approx(votes.get(name, 1) * alone)
    assert alone == pytest.approx(1 / 9)


def test_every_view_by_the_same_authors_is_in_their_group(weights):
    """An author in two views makes them one vote, by the bibliography's authors."""
    works = sie.read_sources()
    authors = {
        name: set(works[sie.read_view(name).source].authors.replace(",", " and").split(" and "))
        for name in view_names()
    }
    for one, first in authors.items():
        for other, second in authors.items():
            if {who.strip() for who in first} & {who.strip() for who in second} and one != other:
                assert weights.group_of(one) is weights.group_of(other) is not None, (one, other)


def test_a_view_of_a_user_is_a_group_of_its_own(weights):
    np.testing.assert_allclose(weights.of(["davidson_2025", "eth_davidson_2025", "mine"]), [0.25, 0.25, 0.5])


def test_a_superseded_view_votes_only_where_its_successor_is_not_there(weights):
    np.testing.assert_array_equal(weights.of(["greenblatt_2025", "greenblatt_2025_updated"]), [0, 1])
    np.testing.assert_array_equal(weights.of(["greenblatt_2025", "mine"]), [0.5, 0.5])


def test_a_weight_within_a_group_splits_its_vote(changed):
    own = 'basis = "ours"\nsource = "sie_project"\nlocator = "judgement"\nnote = "test"\n\n[groups.davidson]'
    path = changed(FILE, "[groups.davidson]", f"[views.davidson_2025]\nweight = 3\n{own}")
    names = ["davidson_2025", "eth_davidson_2025", "mine"]
    np.testing.assert_allclose(read_weights(path).of(names), [0.375, 0.125, 0.5])


def test_a_view_with_a_table_of_its_own_has_its_weight(changed):
    path = changed(
        FILE,
        "[mechanisms.no_bottleneck]\n",
        '[views.reference]\nweight = 3\nbasis = "ours"\nsource = "sie_project"\nlocator = "judgement"\nnote = "test"\n\n'
        "[mechanisms.no_bottleneck]\n",
    )
    np.testing.assert_allclose(read_weights(path).of(["davidson_2025", "reference"]), [0.25, 0.75])


@pytest.mark.parametrize(
    ("old", "new", "where", "parts"),
    [
        ("[views.others]", "[views.other]", "weights.toml [views.others]", ("nothing", "every other view")),
        ("weight  = 1", "weight  = -1", "weights.toml [views.others] weight", ("-1", "at least 0")),
        ("weight  = 1", 'weight  = "1"', "weights.toml [views.others] weight", ("'1'", "at least 0")),
        ('basis   = "ours"', 'basis   = "guessed"', "weights.toml [views.others] basis", ("'guessed'",)),
        (
            'source  = "sie_project"',
            'source  = "nobody"',
            "weights.toml [views.others] source",
            ("'nobody'",),
        ),
        ("label   =", "name    =", "weights.toml [groups.davidson] name", ("an unknown key",)),
        ("floor   = 0.01", "floor   = 0", "weights.toml [logarithmic] floor", ("0", "from 1e-06 to 0.25")),
        ("[logarithmic]", "[logarithm]", "weights.toml logarithm", ("an unknown key",)),
        (
            '"eth_davidson_2025"]',
            '"deep_2025", "deep_2025"]',
            "weights.toml [groups.davidson] views",
            ("list",),
        ),
        (
            'views   = ["greenblatt_2025", ',
            'views   = ["davidson_2025", "greenblatt_2025", ',
            "weights.toml [groups.greenblatt] views",
            ("'davidson_2025'", "a view that davidson has not"),
        ),
        (
            '= "greenblatt_2025_updated" }',
            '= "deep_2025" }',
            "weights.toml [groups.greenblatt] superseded",
            ("'deep_2025'", "views of this group"),
        ),
        (
            '= "greenblatt_2025_updated" }',
            '= "greenblatt_2025" }',
            "weights.toml [groups.greenblatt] superseded",
            ("'greenblatt_2025'", "no view that takes its own place"),
        ),
        (
            "value   = 1\n",
            "value   = 0\n",
            "weights.toml [mechanisms.no_bottleneck.compute_bottleneck]",
            ("reaches",),
        ),
        ("upper   = 0.893\n", "upper   = 0.6\n", "weights.toml [mechanisms.complements.sigma]", ()),
        ("[history.compute_over_labour]", "[history.compute]", "weights.toml [history.compute", ("unknown",)),
        (
            'unit    = "1"',
            'unit    = "2"',
            "weights.toml [mechanisms.no_bottleneck.compute_bottleneck] unit",
            ("'2'",),
        ),
        (
            "cobb_douglas.sigma]",
            "cobb_douglas.speedup]",
            "weights.toml [mechanisms.cobb_douglas] speedup",
            ("unknown",),
        ),
    ],
)
def test_spoilt_weights_are_refused(changed, refused, command, old, new, where, parts):
    path = changed(FILE, old, new)
    with refused(where, *parts):
        read_weights(path)
    code, out, err = command("check", path)
    assert (code, out) == (2, "")
    assert re.sub(r" line \d+", "", err, count=1).startswith(where)


@pytest.mark.slow
def test_a_bundled_group_with_a_view_that_there_is_not_is_reported(command, monkeypatch, changed):
    from sie.data import weights

    path = changed(FILE, '"davidson_2025_thread"', '"davidson_2019"')
    monkeypatch.setattr(weights, "data_folder", lambda name: path.parent)
    code, _, err = command("check")
    assert code == 2
    assert "weights.toml [groups.davidson] views: found no view davidson_2019" in err


def test_check_looks_at_the_weights_with_everything_else(command):
    code, out, err = command("check", data_folder("priors") / WEIGHTS)
    assert (code, err) == (0, "")
    assert "weights.toml" in out


@pytest.mark.slow
def test_the_table_has_every_view_event_and_pool(command, tmp_path):
    target = tmp_path / "table.json"
    code, out, err = command(
        "table",
        "--priors-only",
        "--by-mechanism",
        "--draws",
        1000,
        "--event",
        "r_above_1",
        "--event",
        "gain_500x",
        "--json",
        target,
    )
    assert (code, err) == (0, "")
    document = json.loads(target.read_text(), parse_constant=pytest.fail)
    assert {item["view"] for item in document["credences"]} == set(view_names())
    assert {item["event"] for item in document["credences"]} == {"r_above_1", "gain_500x"}
    for item in document["pooled"]:
        p = [c["p"] for c in document["credences"] if c["event"] == item["event"]]
        assert min(p) <= item["p"] <= max(p)
        if item["pool"] == "linear":
            weight = [
                document["weights"][c["view"]] for c in document["credences"] if c["event"] == item["event"]
            ]
            assert item["p"] == pytest.approx(np.dot(weight, p))
    assert {item["floor"] for item in document["pooled_at_other_floors"]} == set(OTHER_FLOORS)
    assert {v["view"] for v in document["votes"] if v["superseded_by"]} == {
        "greenblatt_2025",
        "ai_futures_2025",
    }
    assert len(document["mechanisms"]) == 2 * 6 * len(view_names())
    assert out.count("linear pool") == 2
    assert "58 %" in out
    assert out.count("logarithmic pool, floor 1.0 %") == out.count("logarithmic pool, floor 5.0 %") == 2
    assert "greenblatt_2025 has no vote: greenblatt_2025_updated supersedes it" in out
    assert (
        "davidson_2025, davidson_2025_thread, davidson_houlden_2025, dhhk_2026, eth_davidson_2025 share one vote"
        in out
    )
    assert "“plausible enough”" in out
    assert "none stated" in out


def test_how_a_forecaster_s_answer_moved_is_the_difference_of_two_views(command, tmp_path):
    names = ("greenblatt_2025", "greenblatt_2025_updated", "ai_futures_2025", "ai_futures_2026")
    target = tmp_path / "table.json"
    args = ("--priors-only", "--draws", 1000, "--event", "gain_500x", "--json", target)
    code, out, err = command("table", *names, *args, "--over-time")
    assert (code, err) == (0, "")
    document = json.loads(target.read_text(), parse_constant=pytest.fail)
    p = {item["view"]: (item["p"], item["mcse"]) for item in document["credences"]}
    for move, (earlier, later) in zip(document["over_time"], (names[:2], names[2:]), strict=True):
        assert (move["earlier"], move["later"]) == (earlier, later)
        assert move["difference"] == pytest.approx(p[later][0] - p[earlier][0])
        assert move["mcse"] == pytest.approx(math.hypot(p[later][1], p[earlier][1]))
    assert "50 % -> 60 %" in out
    code, out, _ = command("table", "davidson_2025", *args[:-2], "--over-time")
    assert "None of these views updates another by the same forecaster." in out


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (("nope",), "nope"),
        (("reference", "reference"), "two views named reference"),
        (("--event", "sie"), "'sie'"),
        (("--weights", "nowhere.toml"), "nowhere.toml"),
        (("--draws", "10"), "10"),
    ],
)
def test_bad_input_is_one_line(command, args, found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = command("table", "--priors-only", *args)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert found in err


def test_weights_of_nothing_are_refused(command, changed):
    path = changed(FILE, "weight  = 1", "weight  = 0")
    code, _, err = command("table", "--priors-only", "--weights", path)
    assert code == 2
    assert "at least one above 0" in err


@pytest.mark.slow
def test_given_evidence_only_the_views_that_it_can_move_are_pooled(command, tmp_path):
    target = tmp_path / "table.json"
    names = ("davidson_2025", "davidson_houlden_2025", "reference")
    assert command("table", *names, "--draws", 2000, "--event", "r_above_1", "--json", target)[0] == 0
    pooled = json.loads(target.read_text())["pooled"]
    assert {tuple(item["views"]) for item in pooled if item["given"] == "evidence"} == {
        ("davidson_2025", "reference")
    }
    assert {tuple(item["views"]) for item in pooled if item["given"] == "priors"} == {names}
