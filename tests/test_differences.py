"""Why two credences differ: exactly additive, exactly antisymmetric, zero without a difference, and equal to a closed form."""

import itertools
import json
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import norm

import sie
from sie.analysis.differences import difference, groups
from sie.data.wording import points
from sie.inference.prior_draws import prior
from sie.page.text import as_json, compute
from sie.plots.differences import plot_difference

DRAWS = 2000


def drawn(view, draws=DRAWS):
    return prior(view, draws=draws, seed=1)


def split(a, b, *, events=tuple(sie.EVENTS), draws=DRAWS):
    return difference(a, b, drawn(a, draws), drawn(b, draws), events=list(events))


@pytest.fixture(scope="module")
def views():
    """A view, and the same with four other priors."""
    a = sie.read_view("davidson_2025")
    b = a.replace(
        capabilities=sie.lognormal(1.2, 2.0),
        r_typical=sie.lognormal(1.5, 2.5),
        ceiling=sie.lognormal(6, 20),
        speedup=sie.loguniform(4, 16),
    )
    return a, b


@pytest.fixture(scope="module")
def parts(views):
    return split(*views)


@pytest.mark.slow
def test_a_view_does_not_differ_from_itself(views):
    for view in (*views, *map(sie.read_view, sie.view_names())):
        found = split(view, view)
        assert found.sizes["group"] == 0
        assert np.all(found.whole.values == 0)
        assert np.all(found.p_a.values == found.p_b.values)


def test_there_and_back_are_exact_opposites(views, parts):
    back = split(*reversed(views))
    assert back.group.values.tolist() == parts.group.values.tolist()
    assert np.all(back.part.values == -parts.part.values)
    assert np.all(back.whole.values == -parts.whole.values)
    np.testing.assert_allclose(back.se, parts.se, rtol=1e-9, atol=1e-15)


def test_the_parts_sum_to_the_whole_in_whole_draws(parts):
    whole = (parts.p_b - parts.p_a).values
    np.testing.assert_allclose(parts.part.sum("group"), whole, atol=1e-14)
    orders = math.factorial(parts.sizes["group"])
    in_draws = [
        [Fraction(part * DRAWS).limit_denominator(orders) for part in row]
        for row in parts.part.values.tolist()
    ]
    assert [sum(row) for row in in_draws] == [round(change * DRAWS) for change in whole.tolist()]


def test_both_ends_are_the_credences_of_the_views(views, parts):
    for view, name in zip(views, ("p_a", "p_b"), strict=True):
        np.testing.assert_array_equal(parts[name], sie.credences(sie.simulate(drawn(view))).p)


def test_only_inputs_that_differ_have_a_part_and_only_where_they_matter(parts):
    assert parts.group.values.tolist() == [
        "capabilities",
        "ceiling",
        "r_target (r_typical, spread)",
        "speedup",
    ]
    of_r = parts.sel(event="r_above_1")
    assert np.all(of_r.part.sel(group=["ceiling", "speedup"]) == 0)
    assert np.all(np.abs(of_r.part.sel(group=["capabilities", "r_target (r_typical, spread)"])) > 0.01)


@pytest.mark.slow
def test_parts_of_a_log_linear_view_agree_with_the_closed_form(stated):
    ends = {
        "capabilities": ((1.0, 3.0), (1.0, 1.5)),
        "compute_bottleneck": ((0.3, 1.0), (0.5, 1.0)),
        "hardware_scale": ((0.4, 1.0), (0.4, 0.6)),
    }
    start = stated.replace(
        spread=sie.fixed(0),
        post_training=sie.fixed(1.2),
        steepening=sie.fixed(0.8),
        r_typical=sie.lognormal(0.5, 4),
    )
    a, b = (start.replace(**{name: sie.lognormal(*sides[k]) for name, sides in ends.items()}) for k in (0, 1))
    names = list(ends)

    def p(u):
        mean, variance = math.log(1.2 * 0.8) + math.log(0.5 * 4) / 2, math.log(8) ** 2
        for name in names:
            low, high = ends[name][int(name in u)]
            mean, variance = mean + math.log(low * high) / 2, variance + math.log(high / low) ** 2
        return norm.cdf(mean / (math.sqrt(variance) / (2 * norm.ppf(0.95))))

    expected = dict.fromkeys(names, 0.0)
    for order in itertools.permutations(names):
        for k, name in enumerate(order):
            expected[name] += (p(order[: k + 1]) - p(order[:k])) / math.factorial(len(names))
    found = split(a, b, events=["r_above_1"], draws=40000).sel(event="r_above_1")
    for name in names:
        one = found.sel(group=name)
        assert abs(one.part.item() - expected[name]) < 4 * one.se.item() + 1e-4, name
        assert one.se.item() < 0.01


@pytest.mark.slow
def test_sampled_orders_stay_additive_and_antisymmetric(views, monkeypatch):
    exact = split(*views, events=["years_3_in_1y"])
    monkeypatch.setattr("sie.analysis.differences.MOST_GROUPS", 2)
    there, back = (split(*pair, events=["years_3_in_1y"]) for pair in (views, tuple(reversed(views))))
    assert there.attrs["every_order"] == 0
    assert np.all(back.part.values == -there.part.values)
    np.testing.assert_allclose(there.part.sum("group"), there.p_b - there.p_a, atol=1e-14)
    assert np.all(np.abs(there.part - exact.part) <= 4 * there.se)
    assert np.all(there.se < 0.01)


def test_r_stated_directly_against_a_chain_is_one_group():
    a, b = sie.read_view("davidson_2025"), sie.read_view("davidson_houlden_2025")
    found = groups(a, b)
    assert "r at ASARA" in found
    assert {"r_asara", "conversion", "r_typical", "capabilities", "steepening"} <= set(found["r at ASARA"])
    table = split(a, b)
    np.testing.assert_allclose(table.part.sum("group"), table.p_b - table.p_a, atol=1e-14)
    r = table.sel(event="r_above_1")
    assert r.part.sel(group="r at ASARA").item() == r.whole.item()


@pytest.mark.parametrize("other", ["reference", "deep_2025"])
def test_a_stated_factor_for_compute_against_a_derived_one_leaves_the_other_factors_apart(other):
    """Their parts are the Shapley values of r at ASARA as a product of columns, counted over all orders."""
    a, b = sie.read_view("davidson_2025"), sie.read_view(other)
    found = split(a, b, events=["r_above_1"]).sel(event="r_above_1")
    names = (
        "r_target with compute's factor",
        "steepening",
        "capabilities",
        "post_training",
        "hardware_scale",
    )
    draws = [drawn(view) for view in (a, b)]

    def probability(chosen):
        of = {name: draws[name in chosen][name].values for name in names[1:]}
        r, derived = draws[names[0] in chosen], names[0] in chosen
        compute = r.compute_bottleneck.values
        if derived:  # experiments become cheaper with each doubling of training efficiency, which is so many of software
            share, gain = r.labour_share_asara, r.experiment_gain
            returns = share + (1 - share) * gain / (of["capabilities"] * of["post_training"])
            compute = (returns / (1 + r.r_target * gain * (1 - r.labour_share))).values
        return np.mean(math.prod([r.r_target.values, compute, *of.values()]) > 1)

    p = {
        chosen: probability(chosen)
        for size in range(len(names) + 1)
        for chosen in map(frozenset, itertools.combinations(names, size))
    }
    orders = list(itertools.permutations(names))
    for name in names:
        before = [frozenset(order[: order.index(name)]) for order in orders]
        part = np.mean([p[some | {name}] - p[some] for some in before])
        [group] = [group for group in found.group.values if name in group]
        assert found.part.sel(group=group).item() == pytest.approx(part, abs=1e-12)


def test_gained_before_asara_goes_with_the_ceiling_that_it_is_measured_against(view_text, write_view):
    text = view_text[: view_text.index("[steepening]")] + (
        '[gained_before_asara]\nfamily = "fixed"\nvalue = 3\nunit = "OOMs of training efficiency"\nbasis = "ours"\n'
        'locator = "test"\nnote = "test"\n\n' + view_text[view_text.index("[speedup]") :]
    )
    a, b = sie.read_view("davidson_2025"), sie.read_view(write_view(text))
    assert ("ceiling", "gained_before_asara", "steepening") in groups(a, b).values()
    there, back = split(a, b), split(b, a)
    np.testing.assert_allclose(there.part.sum("group"), there.p_b - there.p_a, atol=1e-14)
    assert np.all(back.part.values == -there.part.values)


def test_the_same_prior_in_another_unit_is_a_difference(view_with):
    a = sie.read_view("davidson_2025")
    b = sie.read_view(view_with("recent_pace", unit='"training-efficiency doublings per year"'))
    assert list(groups(a, b)) == ["recent_pace"]
    parts = split(a, b)
    assert parts.sel(event="ooms_5_in_1y").whole.item() > 0
    assert parts.sel(event="years_3_in_1y").whole.item() < 0  # a year of progress is more, too


def test_the_figure_goes_from_one_credence_to_the_other(parts):
    ax = plot_difference(parts, "years_3_in_1y", labels=("first", "second"), title="title")
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert (names[0], names[-1]) == ("first", "second")
    one = parts.sel(event="years_3_in_1y")
    texts = [text.get_text() for text in ax.texts]
    assert texts[0] == f"{100 * one.p_a.item():.1f} %"
    assert texts[-1] == f"{100 * one.p_b.item():.1f} %"
    assert sum(float(text) for text in texts[1:-1]) == pytest.approx(100 * one.whole.item(), abs=0.3)


def test_a_step_that_rounds_to_nothing_has_no_sign(parts):
    one = parts.sel(event=["years_3_in_1y"]).isel(group=[0, 1, 2]).copy(deep=True)
    one["part"][:] = [[0.1, -2e-4, -2e-4]]
    texts = [text.get_text() for text in plot_difference(one, "years_3_in_1y", labels=("a", "b")).texts]
    assert texts[1:3] == ["+10.0", "0.0"]
    assert [points(p, 2) for p in (-0.3, -4e-5, -0.0, 4e-5, 6e-5)] == [
        "-30.00",
        "0.00",
        "0.00",
        "0.00",
        "+0.01",
    ]


def test_the_figure_holds_steps_that_lead_below_0(parts):
    one = parts.sel(event=["years_3_in_1y"]).isel(group=[0, 1]).copy(deep=True)
    one["p_a"][:], one["p_b"][:], one["part"][:] = 0.2, 0.1, [[-0.4, 0.3]]
    ax = plot_difference(one, "years_3_in_1y", labels=("first", "second"))
    assert ax.get_xlim()[0] < -0.2


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A saved report of two views and one of a changed view, with its file."""
    folder = tmp_path_factory.mktemp("saved")
    both, changed, own = (folder / name for name in ("both.json", "changed.json", "own.toml"))
    view = sie.read_view("davidson_2025")
    own.write_text(sie.to_toml(view.replace(speedup=sie.loguniform(8, view["speedup"].prior.numbers[1]))))
    for target, views in ((both, (view, sie.read_view("reference"))), (changed, (sie.read_view(str(own)),))):
        results = [compute(each, None, seed=1, draws=DRAWS) for each in views]
        target.write_text(as_json(results, seed=1, draws=DRAWS))
    return both, changed, own


def test_saved_reports_give_the_parts_of_their_views(command, saved, tmp_path):
    both, changed, own = saved
    results = []
    for k, (a, b) in enumerate(((f"{both}:davidson_2025", changed), ("davidson_2025", own))):
        target = tmp_path / f"diff{k}.json"
        code, out, err = command("diff", a, b, "--event", "years_3_in_1y", "--draws", 2000, "--json", target)
        assert (code, err) == (0, "")
        results.append(json.loads(target.read_text(), parse_constant=pytest.fail)["events"])
        assert ("A as saved" in out) == (k == 0)
    assert results[0] == results[1]
    assert [part["group"] for part in results[0][0]["parts"]] == ["speedup"]


def test_a_saved_report_that_lacks_its_inputs_is_refused(command, saved, tmp_path):
    both, _, _ = saved
    document = json.loads(both.read_text())
    for key in ("inputs", "label", "credences", "rows_used"):
        poor = json.loads(both.read_text())
        for view in poor["views"]:
            del view[key]
        (tmp_path / "poor.json").write_text(json.dumps(poor))
        code, out, err = command("diff", f"{tmp_path}/poor.json:reference", "reference")
        assert (code, out) == (2, "")
        assert err.startswith(f"poor.json {key}: found nothing")
        assert len(err.splitlines()) == 1
    del document["versions"]
    (tmp_path / "poor.json").write_text(json.dumps(document))
    assert (
        "poor.json versions: found nothing"
        in command("diff", f"{tmp_path}/poor.json:reference", "reference")[2]
    )


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda view: view["inputs"].pop("speedup"), "[speedup]"),
        (lambda view: view["inputs"]["speedup"].update(numbers=[5, 2]), "speedup"),
        (lambda view: view["inputs"]["speedup"].update(family="logarithmic"), "speedup"),
        (lambda view: view["inputs"].update(nonsense=view["inputs"]["speedup"]), "nonsense"),
        (lambda view: view.update(view="../../etc"), "../../etc"),
        (lambda view: view["credences"][0].update(p=1.5), "1.5"),
        (lambda view: view.update(inputs_sha256="0"), "inputs_sha256"),
    ],
)
def test_a_spoilt_report_is_refused_in_one_line(command, saved, tmp_path, spoil, found):
    document = json.loads(saved[1].read_text())
    spoil(document["views"][0])
    path = tmp_path / "spoilt.json"
    path.write_text(json.dumps(document))
    code, out, err = command("diff", path, "reference")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("spoilt.json")
    assert found in err


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (("nope", "reference"), "nope"),
        (("reference", "nope.json"), "no such file"),
        (("reference", "reference", "--given", "both"), "'both'"),
        (("reference", "reference", "--event", "sie"), "'sie'"),
        (("reference",), "argument"),
    ],
)
def test_bad_input_is_one_line(command, args, found):
    code, out, err = command("diff", *args)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert found.lower() in err.lower()


def test_a_report_of_several_views_needs_a_name(command, saved):
    code, _, err = command("diff", saved[0], "reference")
    assert code == 2
    assert "one of davidson_2025, reference" in err


@pytest.mark.slow
def test_given_evidence_what_evidence_moves_is_one_group(evidence):
    a, b = sie.read_view("davidson_2025"), sie.read_view("reference")
    draws = [
        sie.fit(sie.build(sie.usable(evidence, view), view), seed=1, draws=4000)["posterior"].to_dataset()
        for view in (a, b)
    ]
    found = difference(a, b, *draws, events=["r_above_1", "years_3_in_1y"], given="evidence")
    assert {"recent_pace", "r at ASARA (priors and evidence)"} <= set(found.group.values.tolist())
    assert not {"r_typical", "capabilities", "ceiling", "lambda"} & set(found.group.values.tolist())
    np.testing.assert_allclose(found.part.sum("group"), found.p_b - found.p_a, atol=1e-14)
    r = found.sel(event="r_above_1")
    assert r.part.sel(group="r at ASARA (priors and evidence)").item() == r.whole.item()
