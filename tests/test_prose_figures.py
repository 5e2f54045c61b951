"""The numbers in the prose of the README, the documentation and the notebooks are those of the data."""

import ast
import csv
import math
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from test_golden import GOLDEN

import sie
from sie.analysis.alternatives.summary import PAIR_QUANTILES
from sie.analysis.backtest import CUTS
from sie.analysis.sensitivity.measures import CLASSES, WINDOW
from sie.analysis.sensitivity.power import SENSITIVE
from sie.analysis.timeline import last_date
from sie.base.cluster import TERMINATE
from sie.base.exit_codes import BAD_INPUT, NOT_CONVERGED
from sie.base.stats import ENDS
from sie.commands.options import DEFAULT_DRAWS
from sie.data.own_rows import RATIO
from sie.data.quantities import SERIAL_PENALTY
from sie.data.row_rules import USUAL_DEFINITION_SD
from sie.data.timelines import DEFAULT_TIMELINE
from sie.data.wording import hundredths
from sie.inference.chains import CHAINS
from sie.inference.converged import MAX_RHAT, MIN_ESS
from sie.inference.reweighting import MAX_KHAT
from sie.page.saved import KIND

ROOT = Path(__file__).parents[1]
CHAIN = (ROOT / "docs" / "reference_chain.md").read_text(encoding="utf-8")
NOTEBOOKS = {
    path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "notebooks").glob("*.py"))
}
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


# ---- The prose


PAGES = {
    "README": ROOT / "README.md",
    **{
        path.relative_to(ROOT / "docs").with_suffix("").as_posix(): path
        for path in sorted((ROOT / "docs").rglob("*.md"))
    },
}
"""The README and every page of the documentation, by name."""

ELSEWHERE = ("checks", "reference_chain", "speed", "contributing", "changelog", "architecture")
"""Pages that another test holds to what made them, whose figures are measured, or that include a file."""

LINK = r"!?\[([^]]*)\]\([^)]*\)"


def prose_of_a_page(path):
    """Its paragraphs in one line; without code, tables, headings, generated parts, links' addresses, and times of the README."""
    text = path.read_text(encoding="utf-8").split("\n## Speed\n")[0]
    text = re.sub(r"^```.*?^```$|^<!--.*?-->$", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line for line in text.splitlines() if not line.startswith(("    ", "|", "#", "!"))]
    lines = [re.sub(r"^\d+\. ", "", line) for line in lines]
    return re.sub(LINK, r"\1", " ".join(" ".join(lines).replace(sie.headline(), "").split()))


def prose_of_a_notebook(name):
    """What its cells of Markdown say in fixed words, in one line; a value that is computed there is '...'."""
    calls = [
        node.args[0]
        for node in ast.walk(ast.parse(NOTEBOOKS[name]))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "mo.md"
    ]
    return " ".join(word for call in calls for word in fixed_words(call).split())


def fixed_words(node):
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(map(fixed_words, parts))
        case ast.BinOp(left=left, right=right):
            return fixed_words(left) + fixed_words(right)
        case _:
            return "..."


PROSE = {name: prose_of_a_page(path) for name, path in PAGES.items()}
PROSE |= {
    "README timings": PAGES["README"].read_text(encoding="utf-8").split("\n## Speed\n")[1],
    "speed": PAGES["speed"].read_text(encoding="utf-8"),
    "extras": PAGES["installation"].read_text(encoding="utf-8"),
    "chain": " ".join(CHAIN.split()),
    **{name: prose_of_a_notebook(name) for name in NOTEBOOKS},
}


# ---- The data


def table(header):
    """The lines of each table of the chain of references that starts with this header, as lists of cells."""
    for block in re.findall(rf"^\| {re.escape(header)} \|.*\n\|[-|]*\n((?:\|.*\n?)+)", CHAIN, re.MULTILINE):
        yield [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]


def without_a_row():
    """Rows by how much P(r > 1) of the reference changes without them, in points, the largest first."""
    [lines] = table("row | P(r > 1), points")
    changes = {row: -float(points) for row, points, *_ in lines}
    return sorted(changes.items(), key=lambda item: -abs(item[1]))


def moved_by(change):
    """Least and most points by which a change moves P(r > 1) of the reference, over the orders and the starts."""
    points = [
        abs(float(cell))
        for lines in table("change | forwards | backwards")
        for name, *cells in lines
        if name == change
        for cell in cells
    ]
    return [f"{min(points):.0f}", f"{max(points):.0f}"]


def reference():
    return hundredths(GOLDEN["reference", "r_above_1", "evidence"][0])


def said_of_rows():
    first, second, third, fourth = without_a_row()[:4]
    changes = [word for row, points in (first, second, third) for word in (f"{points:+.1f}", row)]
    return [
        reference(),
        *changes,
        told("chain", r"error of a difference ([\d.]+) points")[0],
        f"{math.ceil(abs(fourth[1]))}",
    ]


def earlier_references():
    low, high, derived = map(
        float, told("chain", r"([\d.]+) to ([\d.]+) % with the compute factor stated .*? and ([\d.]+) % with")
    )
    return [f"{(low + high) / 2:.0f}", f"{derived:.0f}"]


def measure_of_growth():
    """The commonest (measure_sd, definition_sd) of growth rows, and the rest of the variance."""
    with (ROOT / "evidence" / "growth.csv").open(encoding="utf-8", newline="") as file:
        [((part, whole), _)] = Counter(
            (row["measure_sd"], row["definition_sd"]) for row in csv.DictReader(file)
        ).most_common(1)
    return [part, whole, f"{math.sqrt(float(whole) ** 2 - float(part) ** 2):.2f}"]


def views():
    names = sie.view_names()
    return [f"{len(names)}", f"{sum(not sie.read_view(name).states_r_asara for name in names)}"]


def extras():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return sorted(project["optional-dependencies"])


@cache
def scores():
    """How far the default timeline's log score is above each other's."""
    table = sie.backtest_timelines(seed=1)
    total = {name: float(table.total.sel(timeline=name)) for name in table.timeline.values.tolist()}
    return {name: f"{total[DEFAULT_TIMELINE] - score:.1f}" for name, score in total.items()}


def years_of_asara(name, *levels):
    last = last_date(sie.read_horizons(), sie.read_timeline(name))
    dates = sie.asara_dates(sie.read_timeline(name), now=last, seed=1)
    return [
        f"{last.year + (last.timetuple().tm_yday + 365.25 * float(dates.years.quantile(q))) / 365.25:.4f}"[:4]
        for q in levels
    ]


def timelines():
    return [
        *(f"{cut.year}" for cut in CUTS[:2]),
        scores()["exponential"],
        scores()["long_trend"],
        *(
            f"{12 / rate:.0f}"
            for rate in reversed(sie.read_timeline("long_trend")["doublings_per_year"].prior.numbers)
        ),
        *years_of_asara(DEFAULT_TIMELINE, 0.5, 0.05, 0.95),
        *years_of_asara("exponential", 0.5),
        *years_of_asara("long_trend", 0.5),
    ]


def months_of(row):
    """Months in which output doubled, by a row of growth.csv."""
    growth = sie.read_evidence().growth.sel(estimate=row, flow="output", growth_quantile=0.5).item()
    return f"{12 * math.log(2) / growth:.0f}"


def nine_sixteenths():
    """The two doubling times, and the ratio that is the median of Davidson's factor."""
    slow, fast = months_of("alexnet_growth"), months_of("vision_growth")
    low, high = sie.read_view("davidson_2025")["hardware_scale"].prior.numbers
    assert math.sqrt(low * high) == pytest.approx(int(fast) / int(slow), rel=1e-3)
    return [fast, slow, fast, slow]


def pythons():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tested = [line.split(" :: ")[-1] for line in project["classifiers"] if ":: Python :: 3." in line]
    assert project["requires-python"] == f">={tested[0]}"
    return tested


def around_pythons():
    before, after = (int(version.split(".")[1]) for version in (pythons()[0], pythons()[-1]))
    return [*pythons(), f"3.{after + 1}", f"3.{before - 1}"]


def percents(shares):
    return [f"{100 * share:g}" for share in shares]


def capabilities():
    return [f"{number:g}" for number in sie.read_view("davidson_2025")["capabilities"].prior.numbers]


def code(name, pattern):
    """What the code of a notebook sets."""
    [match] = re.finditer(pattern, NOTEBOOKS[name])
    return list(match.groups())


# ---- What the prose says of the data: where, in which words, and the numbers that must stand there

FIRST, SECOND, THIRD, FOURTH, *_ = NOTEBOOKS
CLAIMS = {
    "errors of the tables": (
        "results",
        r"Monte Carlo standard error of at most ([\d.]+) points \(`sie report`, seed 1, ([\d,]+) draws\)",
        lambda: [f"{math.ceil(1000 * max(mcse for _, mcse in GOLDEN.values())) / 10}", f"{DEFAULT_DRAWS:,}"],
    ),
    "rows that the reference hangs on": (
        "results",
        r"`r_above_1` of ([\d.]+) % changes by ([-+][\d.]+) points without `(\w+)`, ([-+][\d.]+) without `(\w+)` and"
        r" ([-+][\d.]+) without `(\w+)` \(each fitted again, error ([\d.]+); no other row moves it by more than (\d+)\)",
        said_of_rows,
    ),
    "steepening": (
        "results",
        r"gained before ASARA from 2018 takes away (\d+) to (\d+) points",
        lambda: moved_by("steepening"),
    ),
    "frontier_share": (
        "results",
        r"in larger experiments adds (\d+) to (\d+)\.",
        lambda: moved_by("frontier_share"),
    ),
    "earlier references": ("results", r"goes from the earlier (\d+) % and (\d+) % to it", earlier_references),
    "the reference in the chain": (
        "chain",
        r"of the reference view given evidence is ([\d.]+) %",
        lambda: [reference()],
    ),
    "how labour is counted": (
        "howto/add_a_row",
        r"\(([\d.]+) of ([\d.]+) for one growth ratio; the squares subtract, so that ([\d.]+) is left\)",
        measure_of_growth,
    ),
    "usual definition error": (
        "howto/add_a_row",
        r"About ([\d.]+) where r rests on one growth ratio",
        lambda: [f"{USUAL_DEFINITION_SD}"],
    ),
    "definition errors in the method": (
        "method",
        r"about ([\d.]+) in natural log for an r from one ratio",
        lambda: [f"{USUAL_DEFINITION_SD}"],
    ),
    "nine sixteenths": (
        "method",
        r"doubled every (\d+) months by .*? and every (\d+) months by .*? progress (\d+)/(\d+) as fast",
        nine_sixteenths,
    ),
    "pairs of alternatives": (
        "howto/read_alternatives",
        r"shows (\d+) to (\d+) % over pairs",
        lambda: percents(PAIR_QUANTILES),
    ),
    "exit codes": (
        "reference/exit_codes",
        r"With a code of (\d) or (\d) there",
        lambda: [f"{BAD_INPUT}", f"{NOT_CONVERGED}"],
    ),
    "Python of the tutorial": ("tutorial", r"Python (3\.\d+) or (3\.\d+) and the wheel", pythons),
    "versions of Python": (
        "installation",
        r"(3\.\d+) and (3\.\d+) are tested in every change\. (3\.\d+): .*? (3\.\d+) and earlier are refused",
        around_pythons,
    ),
    "layout of saved draws": ("reference/files", r"returns it, layout (\d)\.", lambda: [KIND[-1]]),
    "defaults of a row of one's own": (
        "howto/add_a_row",
        r"`definition_sd` is ([\d.]+), `input` is labour, and where nothing says how compute grew, the ratio of its growth to labour's is"
        r" ([\d.]+) to ([\d.]+)\.",
        lambda: [f"{USUAL_DEFINITION_SD:g}", *(f"{end:g}" for end in RATIO)],
    ),
    "weights of a sweep": (
        "howto/sweep",
        r"k-hat is at most ([\d.]+) and (\d+) effective draws",
        lambda: [f"{MAX_KHAT}", f"{MIN_ESS}"],
    ),
    "memory of a worker": (
        "howto/sweep",
        r"more than (\d+) % of its share",
        lambda: [f"{TERMINATE:.0%}"[:-1]],
    ),
    "serial labour": ("howto/add_a_row", r"heads\^([\d.]+)\)", lambda: [f"{SERIAL_PENALTY}"]),
    "extras": (
        "extras",
        r"\| `sie\[(\w+)\]` \|[^|]*\|\n\| `sie\[(\w+)\]` \|[^|]*\|\n\| `sie\[(\w+)\]` \|",
        extras,
    ),
    "timelines": (
        "results",
        r"known at the end of (\d+), April and August (\d+), its log score on later frontier models is ([\d.]+) above the exponential's and"
        r" ([\d.]+) above that of Kwa's long trend of (\d) to (\d) months\. ASARA, not yet come at the last model's date, then comes in (\d+) \(5 to 95 %: (\d+) to (\d+)\), by the"
        r" exponential in (\d+) and by the long trend in (\d+);",
        timelines,
    ),
    "views": ("README timings", r"\((\d+) views, (\d+) of them fitted\)", views),
    "views of the page of timings": ("speed", r"\((\d+) views, (\d+) of them fitted\)", views),
    "a prior in words": (
        FIRST,
        r"`lognormal ([\d.]+) to ([\d.]+) \((\d+)–(\d+) %\)` is `sie.lognormal\(([\d.]+), ([\d.]+)\)`, given by its (\d+) % and (\d+) %",
        lambda: 2 * [*capabilities(), *percents(ENDS)],
    ),
    "the author's capabilities": (FIRST, r"author puts it at ([\d.]+) to ([\d.]+)\.", capabilities),
    "the changed capabilities": (
        FIRST,
        r"less sure: ([\d.]+) to ([\d.]+)\.",
        lambda: code(FIRST, r"capabilities=sie\.lognormal\(([\d.]+), ([\d.]+)\)"),
    ),
    "convergence": (
        FIRST,
        r"\(want at most ([\d.]+)\), the least effective sample size \.\.\. \(want at least (\d+)\)",
        lambda: [f"{MAX_RHAT}", f"{MIN_ESS}"],
    ),
    "quantiles of the summary": (
        FIRST,
        r"the (\d+) % and (\d+) % quantiles \(`eti90`\)",
        lambda: percents(ENDS),
    ),
    "chains": (SECOND, r"draws in (\w+) chains", lambda: [WORDS[CHAINS]]),
    "sensitive": (SECOND, r"From ([\d.]+) on, Kallioinen", lambda: [f"{SENSITIVE}"]),
    "Pareto shape": (SECOND, r"Pareto shape above ([\d.]+) marks", lambda: [f"{MAX_KHAT}"]),
    "the measurement added": (
        SECOND,
        r"once more, at ([\d.]+) with an error of a factor of ([\d.]+)\.",
        lambda: code(SECOND, r"np\.log\(([\d.]+)\), observed=np\.log\(([\d.]+)\)")[::-1],
    ),
    "ends of the tornado": (
        THIRD,
        r"near its (\d+) % quantile, and where it is near its (\d+) %",
        lambda: percents((WINDOW / 2, 1 - WINDOW / 2)),
    ),
    "classes of an input": (
        THIRD,
        r"in which (twentieth) of its distribution",
        lambda: [{20: "twentieth"}[CLASSES]],
    ),
    "the row added": (
        FOURTH,
        r"`r` between (\d+) and (\d+) against labour",
        lambda: code(FOURTH, r'"r_q05": (\d+),\s+"r_q50": \d+,\s+"r_q95": (\d+),'),
    ),
    "its growth of compute": (
        FOURTH,
        r"compute grew (\w+) to (\w+) times",
        lambda: [WORDS[int(number)] for number in code(FOURTH, r'"ratio_q05": (\d+),\s+"ratio_q95": (\d+),')],
    ),
}

PLAIN = (
    *(
        r"r at ASARA > 1\b",
        r"3 years of AI progress",
        r"\(notebook 2\)",
        r"\ba 1 for each",
        r"5, 50 and 95 % points",
    ),
    *(
        r"above 1, progress",
        r"Notebook 4",
        r"base 2\b",
        r"Values near 0 or 1 mean",
        r"a power near 1\b",
        r"\(2024\)",
    ),
    *(
        r"If r is 2, a doubling",
        r"if r is above 1: ",
        r"Below 1 progress",
        r"does 9/16 come from",
        r"\(2025\)",
    ),
    *(
        r"x_ik is 1 where",
        r"only if lambda is 1 or",
        r"\(labour's share 1\)",
        r"\(sigma 1\)",
        r"sigma near 0\b",
    ),
    *(
        r"3 years in 1\b",
        r"5 and 95 % points",
        r"; notebook 2 shows",
        r"x86-64",
        r"Version 1 knew",
        r"NetCDF 4\b",
    ),
    *(
        r"\(notebook 4\)",
        r"median and 5 % to 95 % quantiles",
        r"Juárez and Steel 2010: Gamma with shape 2 and rate 0\.1",
        r"from about 30 on a Student-t can hardly",
        r"A difference below 4 is small",
        r"fewer than 100 rows",
        r"Vehtari 2020",
        r"Pareto k is above 0\.7",
        r"`--remoteness 1\.5`",
        r"for a quantity above 0 without an upper end",
        r"```python .*? ```",
    ),
    *(r"1 \+ f times the recent pace", r"with a 95 % interval", r"P\(`r` > 1\)"),
)
"""Words with digits that are names, definitions or dates."""


def told(text, pattern):
    """The groups of the one place in a text with these words."""
    [match] = re.finditer(pattern, PROSE[text])
    return list(match.groups())


@pytest.mark.parametrize("claim", CLAIMS)
def test_the_prose_tells_the_numbers_of_the_data(claim):
    text, pattern, numbers = CLAIMS[claim]
    assert told(text, pattern) == numbers()


@pytest.mark.parametrize("text", [*(name for name in PAGES if name not in ELSEWHERE), *NOTEBOOKS])
def test_every_number_in_the_prose_is_held_to_data_or_plain(text):
    """A number that is new in the prose needs its line in CLAIMS, or in PLAIN."""
    rest = PROSE[text]
    for pattern in [*(pattern for where, pattern, _ in CLAIMS.values() if where == text), *PLAIN]:
        rest = re.sub(pattern, "", rest)
    rest = re.sub(r"`[^`]*`", "", rest)
    assert re.findall(r".{0,40}\d.{0,40}", rest) == []


def test_the_times_of_the_readme_are_those_of_the_page_of_times():
    rows = [line for line in PROSE["README timings"].splitlines() if re.match(r"\|.*\d", line)]
    assert len(rows) == 3
    assert set(rows) <= set(PROSE["speed"].splitlines())


def test_rows_that_the_chain_leaves_out_are_rows():
    assert {row for row, _ in without_a_row()} <= set(sie.read_evidence().estimate.values.tolist())


@pytest.mark.parametrize(
    ("said", "change"),
    [
        ("uncertain sigma", "sigma and speedup"),
        ("frontier_share", "frontier_share"),
        ("the report's halving", "report's halving"),
        ("the form itself", "derived form"),
        ("steepening", "steepening"),
        ("Gundlach's bound", "Gundlach's bound"),
        ("experiment_gain", "experiment_gain"),
    ],
)
def test_the_chain_sums_its_tables_up(said, change):
    assert told("chain", rf"{said} \([-+](\d+) to [-+](\d+)\)") == moved_by(change)
