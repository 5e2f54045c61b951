import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import sie
from sie.base.stats import QUANTILES
from sie.data.quantities import ADJUSTMENTS, R_UNIT
from sie.plots.domains import plot_domains
from sie.plots.draws import plot_r, plot_waterfall
from sie.plots.paths import plot_fan
from sie.plots.style import as_svg, save

pytestmark = pytest.mark.filterwarnings("error")

DIMS = ("chain", "draw")
DOMAINS = ["language models", "computer vision", "SAT solvers"]
NAN = np.nan


def lognormal(seed: int, median: float, sd: float = 0.4, *, columns: tuple[int, ...] = ()) -> np.ndarray:
    return median * np.exp(sd * np.random.default_rng(seed).standard_normal((4, 100, *columns)))


@pytest.fixture
def chain() -> xr.Dataset:
    """Draws of a view that states the chain, with r of three domains."""
    draws = xr.Dataset({"r_target": (DIMS, lognormal(0, 1.5)), "r_typical": (DIMS, lognormal(1, 1.2))})
    draws["r"] = ((*DIMS, "domain"), lognormal(2, 1.5, columns=(3,)))
    draws = draws.assign_coords(domain=DOMAINS)
    draws["r_asara"] = draws.r_target
    for i, (name, median) in enumerate(zip(ADJUSTMENTS, (2, 1.4, 0.5, 0.6, 0.7), strict=True)):
        draws[name] = (DIMS, lognormal(3 + i, median, 0.2))
        draws["r_asara"] = draws.r_asara * draws[name]
    return draws


@pytest.fixture
def direct() -> xr.Dataset:
    """Draws of a view that states r at ASARA and no chain."""
    return xr.Dataset({"r_asara": (DIMS, lognormal(9, 1.2))})


@pytest.fixture
def rows() -> xr.Dataset:
    """Three estimates of r, one with a standard error that reaches zero and one at fixed hardware scale; and a factor."""
    includes = np.zeros((4, len(ADJUSTMENTS)), dtype=int)
    includes[2, ADJUSTMENTS.index("hardware_scale")] = 1
    value = [
        *([0.8, 1.2, 1.4, 1.6, 2.4], [NAN, NAN, 2.0, NAN, NAN]),
        *([0.6, NAN, 0.8, NAN, 1.0], [NAN, NAN, 0.5, NAN, NAN]),
    ]
    return xr.Dataset(
        {
            "value": (("estimate", "quantile"), value),
            "se": ("estimate", [NAN, 1.5, NAN, 0.1]),
            "domain_idx": ("estimate", [0, 0, 1, -1]),
            "kind": ("estimate", ["r", "r", "r", "factor"]),
            "includes": (("estimate", "adjustment"), includes),
        },
        coords={
            "estimate": ["first", "second", "third", "poll"],
            "adjustment": list(ADJUSTMENTS),
            "domain": DOMAINS,
            "quantile": list(QUANTILES),
        },
    )


@pytest.fixture
def paths() -> xr.Dataset:
    """Paths of constant pace to a ceiling, as `sie.simulate` lays them out."""
    fraction = np.linspace(0, 1, 129)
    pace, left = lognormal(20, 8)[..., None], lognormal(21, 40)[..., None]
    log2_pace = np.broadcast_to(np.log2(pace), (4, 100, 129)).copy()
    log2_pace[..., -1] = -np.inf
    return xr.Dataset(
        {
            "years": ((*DIMS, "doubling"), fraction * left / pace),
            "log2_pace": ((*DIMS, "doubling"), log2_pace),
            "doublings_left": (DIMS, left[..., 0]),
            "reach": (DIMS, left[..., 0]),
            "tail_slope": (DIMS, np.zeros((4, 100))),
            "recent_doublings_per_year": (DIMS, np.full((4, 100), 4.0)),
        },
        coords={"doubling": fraction},
    )


def medians(ax) -> list[tuple[float, float]]:
    """Where the markers are that stand for medians."""
    lines = [line for line in ax.lines if line.get_marker() not in ("None", None)]
    return [
        (float(x), float(y)) for line in lines if line.get_linestyle() == "None" for x, y in line.get_xydata()
    ]


def has_line_at_one(ax, *, vertical: bool) -> bool:
    data = [
        line.get_xdata() if vertical else line.get_ydata()
        for line in ax.lines
        if line.get_linestyle() == "--"
    ]
    return any(len(at) == 2 and all(x == 1 for x in at) for at in data) and "r = 1" in texts(ax)


def texts(ax) -> list[str]:
    return [text.get_text().strip() for text in ax.texts]


def names(ax) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def labels(axis) -> list[str]:
    return [tick.get_text() for tick in axis.get_ticklabels()]


def bands(ax) -> list[tuple[np.ndarray, np.ndarray]]:
    """Lower and upper edge over time of each band of the fan, the 5-95 % band first."""
    edges = []
    for band in ax.collections:
        x, y = band.get_paths()[0].vertices.T
        times = np.unique(x)
        edges.append(tuple(np.array([pick(y[x == time]) for time in times]) for pick in (np.min, np.max)))
    return edges


def test_axes_are_labelled_with_units(chain, rows, paths):
    assert plot_waterfall(chain).get_ylabel() == f"r ({R_UNIT})"
    assert plot_r(chain).get_xlabel() == f"r at ASARA ({R_UNIT})"
    assert plot_r(chain).get_ylabel() == "density (probability per factor of 10 in r)"
    assert plot_domains(rows, chain).get_xlabel() == f"r ({R_UNIT})"
    assert plot_fan(paths).get_xlabel() == "years since ASARA"
    assert plot_fan(paths).get_ylabel() == "software doublings since ASARA (units of parallel labour)"


def test_r_equal_to_one_is_marked_wherever_r_is_an_axis(chain, rows):
    assert has_line_at_one(plot_waterfall(chain), vertical=False)
    assert has_line_at_one(plot_r(chain, chain), vertical=True)
    assert has_line_at_one(plot_domains(rows, chain), vertical=True)


def test_r_axes_are_logarithmic_with_plain_numbers(chain, rows):
    axes = [plot_waterfall(chain).yaxis, plot_r(chain).xaxis, plot_domains(rows, chain).xaxis]
    for axis in axes:
        low, high = axis.get_view_interval()
        assert axis.get_scale() == "log"
        shown = [
            text for at, text in zip(axis.get_ticklocs(), labels(axis), strict=True) if low <= at <= high
        ]
        assert {"0.3", "1", "3"} <= set(shown)


def test_stages_of_the_waterfall_are_medians_of_cumulative_products(chain):
    ax = plot_waterfall(chain)
    product, wanted = chain.r_target.values, [np.median(chain.r_target)]
    for name in ADJUSTMENTS:
        product = product * chain[name].values
        wanted.append(np.median(product))
    assert [x for x, _ in medians(ax)] == list(range(6))
    np.testing.assert_allclose([y for _, y in medians(ax)], wanted)
    np.testing.assert_allclose(medians(ax)[-1][1], np.median(chain.r_asara))


def test_steps_of_the_waterfall_run_from_median_to_median_and_name_their_factor(chain):
    ax = plot_waterfall(chain)
    at = [y for _, y in medians(ax)]
    outlines = sorted(
        (bar for bar in ax.patches if bar.get_facecolor()[-1] == 0), key=lambda bar: bar.get_x()
    )
    assert len(outlines) == len(ADJUSTMENTS)
    for i, bar in enumerate(outlines):
        np.testing.assert_allclose(
            sorted([bar.get_y(), bar.get_y() + bar.get_height()]), sorted(at[i : i + 2])
        )
        assert bool(bar.get_hatch()) == (at[i + 1] < at[i])
    factors = [text for text in texts(ax) if text.startswith("×")]
    assert factors == [f"× {np.median(chain[name]):#.2g}" for name in ADJUSTMENTS]


def test_the_waterfall_of_a_view_that_states_r_asara_has_one_stage(direct):
    ax = plot_waterfall(direct)
    assert medians(ax) == [(0.0, pytest.approx(float(direct.r_asara.median())))]
    assert labels(ax.xaxis) == ["r at ASARA"]


def test_a_node_of_a_tree_serves_as_draws(chain):
    tree = xr.DataTree.from_dict({"prior": chain, "posterior": chain})
    assert medians(plot_waterfall(tree["prior"])) == medians(plot_waterfall(chain))
    assert len(medians(plot_r(tree["prior"], tree["posterior"]))) == 2


def test_the_legend_of_plot_r_gives_median_and_probability_above_one(chain, direct):
    r = direct.r_asara.values
    wanted = f"prior: median {np.median(r):.2f}, P(r > 1) = {np.mean(r > 1):.2f}"
    assert names(plot_r(direct))[0] == wanted
    assert not any(name.startswith("posterior") for name in names(plot_r(direct)))
    assert any(name.startswith("posterior: median") for name in names(plot_r(direct, chain)))


def test_the_density_of_r_integrates_to_one_over_log10_r(direct):
    line = next(line for line in plot_r(direct).lines if len(line.get_xdata()) > 2)
    assert np.trapezoid(line.get_ydata(), np.log10(line.get_xdata())) == pytest.approx(1, abs=0.01)


def test_plot_r_takes_a_view_that_is_sure_of_r():
    ax = plot_r(xr.Dataset({"r_asara": (DIMS, np.full((4, 100), 1.2))}))
    assert medians(ax)[0][0] == pytest.approx(1.2)


def test_domains_without_estimate_are_shown_and_rows_at_fixed_hardware_scale_say_so(chain, rows):
    wanted = ["first", "second", "language models", "third\nat fixed hardware scale", "computer vision"]
    assert labels(plot_domains(rows, chain).yaxis) == [*wanted, "SAT solvers\nno row counts"]


def test_domains_whose_rows_are_left_out_say_why(chain, rows):
    """By the first reason that another level of the domain would not mend."""
    evidence = xr.Dataset(
        {"domain_idx": ("estimate", [0, 0, 1, -1, 2, 2])},
        coords={"estimate": [*rows.estimate.values, "other level", "reflected"], "domain": DOMAINS},
    )
    rows.attrs["left_out"] = [
        ("other level", "the level of SAT solvers is growth; another would use it"),
        ("reflected", "same output data as something else, which the view already reflects"),
    ]
    *_, last = labels(plot_domains(rows, chain, evidence=evidence).yaxis)
    assert last.splitlines()[0] == "SAT solvers"
    assert last.splitlines()[1:] == [
        "left out: same output data as something",
        "else, which the view already reflects",
    ]


def test_domains_show_published_medians_above_posterior_medians(chain, rows):
    after = chain.r.median(DIMS).values
    wanted = [1.4, 2.0, after[0], 0.8, after[1], after[2]]
    np.testing.assert_allclose(medians(plot_domains(rows, chain)), list(zip(wanted, range(6), strict=True)))


def test_a_standard_error_is_drawn_as_the_model_reads_it(chain, rows):
    ends = [c.get_segments()[0] for c in plot_domains(rows, chain).collections if hasattr(c, "get_segments")]
    second = [segment[:, 0] for segment in ends if np.all(segment[:, 1] == 1)]
    assert len(second) == 1
    np.testing.assert_allclose(second[0], 2 * np.exp(np.array([-1.645, 1.645]) * 1.5 / 2), rtol=1e-3)


def test_bands_of_the_fan_rise_with_time_and_hold_each_other(paths):
    outer, inner = bands(plot_fan(paths))
    for edge in (*outer, *inner):
        assert len(edge) > 100
        assert np.all(np.diff(edge) >= 0)
    assert np.all((outer[0] <= inner[0]) & (inner[0] <= inner[1]) & (inner[1] <= outer[1]))
    assert outer[0][-1] < inner[0][-1] < inner[1][-1] < outer[1][-1]


def test_the_fan_starts_at_zero_and_its_trend_is_the_recent_pace(paths):
    ax = plot_fan(paths, years=3)
    median, trend = ax.lines
    assert median.get_ydata()[0] == 0
    assert ax.get_xlim() == (0, 3)
    np.testing.assert_allclose(trend.get_ydata(), 4 * trend.get_xdata())
    assert trend.get_linestyle() == ":"


def test_a_fan_with_a_far_tail_is_cut_and_says_where_it_reaches(paths):
    far = paths.doublings_left.copy()
    far[:, :10], pace = 5000, paths.log2_pace.copy()
    pace[:, :10, :-1] = 12
    years = paths.years.copy()
    years[:, :10] = paths.doubling * 5000 / 2**12
    ax = plot_fan(paths.assign(doublings_left=far, log2_pace=pace, years=years))
    assert ax.get_ylim()[1] < 1000
    assert any(text.startswith("95 % reaches 5000") for text in texts(ax))


def test_plots_draw_on_given_axes_and_set_a_title(chain, rows, paths):
    from matplotlib.figure import Figure

    axes = Figure(figsize=(18, 12), layout="constrained").subplots(2, 2).ravel()
    calls = [(plot_waterfall, chain), (plot_r, chain, chain), (plot_domains, rows, chain), (plot_fan, paths)]
    for ax, (plot, *args) in zip(axes, calls, strict=True):
        assert plot(*args, title="a title", ax=ax) is ax
        assert ax.get_title() == "a title"


@pytest.mark.slow
def test_the_same_figure_is_saved_to_the_same_bytes_under_any_name(chain, tmp_path):
    for name in ("one.png", "two.part"):
        save(plot_waterfall(chain, title="a title"), tmp_path / name)
    one, two = (tmp_path / name for name in ("one.png", "two.part"))
    assert one.read_bytes() == two.read_bytes()
    assert one.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_plots_need_no_pyplot(chain, rows, paths, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    for ax in (plot_waterfall(chain), plot_r(chain, chain), plot_domains(rows, chain), plot_fan(paths)):
        save(ax, tmp_path / "figure.png")


HOSTILE = {"text.usetex": True, "font.family": "no such font", "lines.linewidth": 9.0, "savefig.bbox": "tight", "axes.grid": True, "figure.dpi": 30}  # fmt: skip


@pytest.mark.slow
def test_a_figure_is_the_same_under_whatever_settings_the_user_has(chain, rows, paths, tmp_path):
    import matplotlib

    def drawn(name):
        axes = (plot_waterfall(chain), plot_r(chain, chain), plot_domains(rows, chain), plot_fan(paths))
        for i, ax in enumerate(axes):
            save(ax, tmp_path / f"{name}{i}.png")
        svg = as_svg(plot_waterfall(chain), salt="salt")
        return [(tmp_path / f"{name}{i}.png").read_bytes() for i in range(len(axes))], svg

    wanted = drawn("plain")
    with matplotlib.rc_context(HOSTILE):
        assert drawn("hostile") == wanted
        assert {name: matplotlib.rcParams[name] for name in HOSTILE} == HOSTILE | {
            "font.family": ["no such font"]
        }


def test_every_plot_is_drawn_under_our_settings():
    modules = [
        import_module(f"sie.plots.{path.stem}") for path in (Path(sie.__file__).parent / "plots").glob("*.py")
    ]
    plots = [value for module in modules for name, value in vars(module).items() if name.startswith("plot_")]
    assert len(plots) > 10
    assert [plot.__name__ for plot in plots if not hasattr(plot, "__wrapped__")] == []


@pytest.mark.slow
def test_nothing_that_is_drawn_leaves_the_figure(chain, rows, paths):
    for ax in (plot_waterfall(chain), plot_r(chain, chain), plot_domains(rows, chain), plot_fan(paths)):
        ax.figure.canvas.draw()
        drawn, whole = ax.get_tightbbox(), ax.figure.bbox
        assert np.all(drawn.min >= whole.min)
        assert np.all(drawn.max <= whole.max)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["here", "MATPLOTLIBRC", "MPLCONFIGDIR"])
def test_a_matplotlibrc_that_is_not_utf_8_is_ignored(tmp_path, place):
    """matplotlib cannot be imported where it reads one."""
    (tmp_path / "matplotlibrc").write_bytes("# Größe\nfont.size: 40\n".encode("latin-1"))
    code = "from sie.plots.style import new_axes; assert new_axes(4, 3).title.get_fontsize() < 20"
    settings = {} if place == "here" else {place: str(tmp_path)}
    folder = tmp_path if place == "here" else Path.cwd()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=os.environ | settings, capture_output=True, text=True
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr


@pytest.mark.slow
def test_a_command_ignores_a_matplotlibrc_that_is_not_utf_8(tmp_path):
    (tmp_path / "matplotlibrc").write_bytes("# Größe\n".encode("latin-1"))
    command = [sys.executable, "-m", "sie.cli", "grow", "--plot", "path.png"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "path.png").exists()


@pytest.mark.parametrize("name", ["capabilities", "spread", "ceiling", "labour_share"])
def test_a_drawn_prior_has_the_area_that_its_axis_covers_and_the_intervals_it_states(name):
    view = sie.read_view("reference")
    author = view.replace(capabilities=sie.quantiles(1.2, 2.0, 5.0))
    ax = sie.plot_prior(author, name, beside=view)
    solid = ax.get_lines()[0]
    assert view[name].unit in ax.get_xlabel() or view[name].unit == "1"
    x, y = solid.get_data()
    is_log = ax.get_xscale() == "log"
    area = np.trapezoid(y, np.log(x) if is_log else x)
    prior = author[name].prior
    assert area == pytest.approx(float(prior.cdf(x[-1]) - prior.cdf(x[0])), abs=2e-3)
    assert area > 0.97
    thin = ax.collections[1].get_segments()[0][:, 0]
    np.testing.assert_allclose(thin, prior.at(np.array([-1.6448536, 1.6448536])), rtol=1e-6)


def test_a_prior_is_not_drawn_beside_one_in_another_unit():
    with pytest.raises(sie.DataError, match=r"davidson_houlden_2025 \[ceiling\] unit"):
        sie.plot_prior(
            sie.read_view("davidson_2025"), "ceiling", beside=sie.read_view("davidson_houlden_2025")
        )
    with pytest.raises(sie.DataError, match="did you mean capabilities"):
        sie.plot_prior(sie.read_view("davidson_2025"), "capabilites")
