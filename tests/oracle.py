"""The posterior of r a second time, from the TOML and CSV files alone: plain NumPy, no module of `sie`, another sampler.

    log r_d     = log r_typical + spread remoteness_d z_d
    log r_hat_i = log r_d(i) + sum_k x_ik log f_k + c_i + shared_i w_input(i) + d_i                        d_i ~ f_i
    g(q_hat_l)  = g(q_l) + shared_l w_input(l) + d_l                     any other quantity of a view, on the row's scale g
    f_i(d)      = integral Normal(d; e_i(z), own_i) Normal(z; 0, 1) dz          e_i(z) the stated error at standard score z

c_i is what row i was measured against: log g_L where the view states `compute_bottleneck` (r is against labour). Else r is against
all inputs, q_h = a_h g_L + (1 - a_h) (1 - frontier_share) g_C, with labour's share of each history around today's and labour's
growth as it was counted times an error of the way of counting. Everything uncertain has a standard normal score, over which elliptical
slice sampling (Murray, Adams & MacKay 2010) needs neither gradients nor a step size. Domains enter as published estimates, growth
rates or raw histories; Epoch's own likelihoods are not modelled here, nor a factor at fixed compute that a row of r includes, nor
`parallel` in a view that derives the factor: no bundled file has the last two.
"""

import csv
import math
import tomllib
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.optimize import brentq, root
from scipy.special import expit, log_ndtr, logsumexp, ndtr, ndtri

ROOT = Path(__file__).resolve().parents[1]
FACTORS = ("capabilities", "post_training", "compute_bottleneck", "hardware_scale", "steepening")
UNREAD = ("recent_pace", "software_share", "shortest_doubling")
"""Quantities that neither r nor a row here follows from."""
FLOWS = ("labour", "compute")
TARGET = "language models"
KIND_AT = {"published": "r", "growth": "growth", "series": "series"}
OWN_COUNTS = {"entries", "records"}
"""Units of an effort that only numbers a history's own observations."""

SERIAL = 0.7
"""A doubling of parallel labour in doublings of serial labour (Greenblatt 2025)."""

Z95 = stats.norm.ppf(0.95)

SCORES = np.linspace(-8, 8, 801)
"""Standard scores at which the quantiles of a prior are stated."""

SUMMED = np.linspace(-7, 7, 281)
"""Standard scores over which a stated error is summed."""

FINE_SCORES = np.linspace(-8, 8, 16001)
"""Standard scores between which a latent's quantity is read off in straight lines: fine, so that the gap of a mixture stays one."""

DEVIATIONS = np.linspace(-10, 10, 2001)
"""Deviations at which a row's log density is stated; it is read off in straight lines between."""

LAMBDAS, LAMBDA_REACH = 400, 5
"""Values of each prior that the power of a history's effort follows from, from its scores up to this."""

BEYOND = 4.0
"""How far straight tails of a history's curve go on beyond its table, in log r."""

FINE = 12
"""Points of a history's curve over log r for each point of its table."""

FINE_LAMBDA = 12
"""Curves of a history for each lambda of its table."""

LEAST_SHARE = 1e-300
"""Labour's share where a speed-up that is reached would leave none."""

CHAINS, ROUNDS = 800, (60, 30, 40)
"""Chains side by side; iterations of each round of warm-up, after which the Gaussian they start from is fitted anew."""


# ---- files


def read_view(name):
    """A view as its file has it."""
    return tomllib.loads((ROOT / "priors" / f"{name}.toml").read_text(encoding="utf-8"))


@cache
def table(name):
    """The rows of a CSV file of the evidence folder, as dicts of text."""
    with (ROOT / "evidence" / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
        return tuple(csv.DictReader(stream))


def all_rows():
    """Every evidence row with its kind, in the order of the files."""
    files = {"returns": "r", "factors": "factor", "inputs": "input", "growth": "growth", "series": "series"}
    return [row | {"kind": kind} for name, kind in files.items() for row in table(name)]


def includes(row, factor):
    """Whether a row's number has an adjustment in it, or is the adjustment itself."""
    return row.get(factor) == "1" or row.get("quantity") == factor


def history_of(row):
    """The input data of the history that a row is about: its own, or that which a factor at fixed compute names."""
    return row.get("history") or row["input_data"]


def of_history(row, *columns):
    """Numbers of a row's history, None where unknown: those of the row, else those that rows of growth on this history agree on."""
    own = tuple(row.get(name) or "" for name in columns)
    if any(own):
        return np.array(own, dtype=float)
    there = [r for r in table("growth") if r["input_data"] == history_of(row)]
    found = {cells for r in there if any(cells := tuple(r[name] for name in columns))}
    return np.array(found.pop(), dtype=float) if len(found) == 1 else None


def growth_of(row, flow):
    """5, 50, 95 % of the growth of an input in a row's history; None where unknown."""
    return of_history(row, *(f"{flow}_q{q}" for q in ("05", "50", "95")))


def ratio_of(row):
    """5, 50, 95 % of compute's growth over labour's, stated where compute's is unknown; None elsewhere."""
    if growth_of(row, "compute") is not None:
        return None
    ends = of_history(row, "ratio_q05", "ratio_q95")
    return None if ends is None else np.array([ends[0], math.sqrt(ends[0] * ends[1]), ends[1]])


def measure_of(row):
    """How labour is counted in a row's history; empty where nobody says."""
    if row.get("measure"):
        return row["measure"]
    found = {r["measure"] for r in table("growth") if r["input_data"] == history_of(row)} - {""}
    return found.pop() if len(found) == 1 else ""


def against(row, view):
    """What a row's number was divided by: "q" or "labour" where it is output growth; else "q/labour", "q/compute" and, of factors,
    "labour/q"; "" where it is r or the factor as the view has it."""
    if row["kind"] == "input":
        return ""
    if "compute_bottleneck" in view:
        return "labour" if row["kind"] == "growth" else ""
    if row["kind"] == "factor":
        return "labour/q" if includes(row, "compute_bottleneck") else ""
    assert not includes(row, "compute_bottleneck")
    if row["kind"] == "growth":
        return "q"
    return "" if row["input"] == "all" else f"q/{row['input']}"


def fits(row, view):
    """Whether a row was measured against what the view's r is against, and what that needs is known of its history."""
    if row["kind"] == "input":
        return readable(row, view)
    if row["kind"] == "factor":
        free = [name for name in FACTORS if includes(row, name)]
        if all(name in view and view[name]["family"] == "fixed" for name in free):
            return False
    if "compute_bottleneck" in view and row["kind"] != "factor" and row["input"] != "labour":
        return False
    what = against(row, view)
    labour, compute = (growth_of(row, flow) is not None for flow in FLOWS)
    both = labour and compute
    known = {"": True, "labour": labour, "q": both or (labour and ratio_of(row) is not None)}
    return known.get(what, both or ratio_of(row) is not None)


def readable(row, view):
    """Whether a view states what a row of inputs.csv is on, in its unit and not fixed."""
    names = row["quantity"].split("*")
    if row["distance"] == "whole" and "gained_before_asara" not in view:
        return False
    if row["distance"] == "left" and view.get("gained_before_asara", row)["unit"] != row["unit"]:
        return False
    return all(
        name in view and view[name]["family"] != "fixed" and view[name]["unit"] == row["unit"]
        for name in names
    )


def identified(row):
    """Whether a history has an effort that is no count of its own observations."""
    columns = table(f"series/{row['file'].removesuffix('.csv')}")[0]
    units = {name.split(" [")[1][:-1] for name in columns if " [" in name and not name.startswith("output")}
    return bool(units - OWN_COUNTS)


def usable(view, levels=None):
    """The ids of the rows that may update a view, in the order of the files; `levels` of domains other than their own."""
    rows, reflected = all_rows(), set(view["reflects"])
    taken = {row["output_data"] for row in rows if row["id"] in reflected}
    levels = {row["domain"]: row["level"] for row in table("domains")} | (levels or {})
    stored = {row["id"] for row in table("likelihoods/index")}

    def may(row):
        if row["id"] in reflected or row["output_data"] in taken or not fits(row, view):
            return False
        if row["kind"] not in ("factor", "input") and row["kind"] != KIND_AT[levels[row["domain"]]]:
            return False
        return row["kind"] != "series" or (identified(row) and row["id"] in stored)

    left = [row for row in rows if may(row)]
    best = {row["output_data"] for row in left if row.get("preferred", "1") == "1"}
    left = [row for row in left if row.get("preferred", "1") == "1" or row["output_data"] not in best]
    if "gained_before_asara" in view:
        left = [row for row in left if not includes(row, "steepening")]
    return [row["id"] for row in left]


# ---- priors


def distribution(entry):
    """The frozen distribution of a table of a view that is no mixture."""
    match entry["family"]:
        case "uniform":
            return stats.uniform(entry["lower"], entry["upper"] - entry["lower"])
        case "loguniform":
            return stats.loguniform(entry["lower"], entry["upper"])
        case "normal":
            return stats.norm((entry["q05"] + entry["q95"]) / 2, (entry["q95"] - entry["q05"]) / (2 * Z95))
        case "lognormal":
            low, high = math.log(entry["q05"]), math.log(entry["q95"])
            return stats.lognorm((high - low) / (2 * Z95), scale=math.exp((low + high) / 2))
        case "halfnormal":
            return stats.halfnorm(scale=entry["q95"] / stats.halfnorm.ppf(0.95))
        case "beta":
            wanted = [entry["q05"], entry["q95"]]
            found = root(lambda s: stats.beta.ppf([0.05, 0.95], *np.exp(s)) - wanted, np.log([2.0, 2.0]))
            assert found.success
            return stats.beta(*np.exp(found.x))


def prior(entry):
    """The value of a quantity at a standard normal score, elementwise: straight lines between its quantiles at SCORES."""
    match entry["family"]:
        case "fixed":
            return lambda z: np.full_like(z, entry["value"], dtype=float)
        case "mixture":
            parts = [distribution(part) for part in entry["parts"]]
            values = np.unique(np.concatenate([quantiles(part) for part in parts]))
            below, above = (
                sum(w * mass(values) for w, mass in zip(entry["weights"], masses, strict=True))
                for masses in ([part.cdf for part in parts], [part.sf for part in parts])
            )
            scores = np.where(below < above, ndtri(below), -ndtri(above))
        case _:
            scores, values = SCORES, quantiles(distribution(entry))
    return lambda z: np.interp(z, scores, values)


def quantiles(of):
    """The quantiles of a frozen distribution at SCORES, each from its nearer end."""
    return np.where(SCORES < 0, of.ppf(ndtr(SCORES)), of.isf(ndtr(-SCORES)))


# ---- a row's own error


def skewed(quantiles):
    """(median, rise, stretch) of log growth: each standard score is longer than the last by the same ratio; rise 0 where it is known."""
    low, middle, high = np.log(quantiles)
    if not high > low:
        return middle, 0.0, math.e
    stretch = ((high - middle) / (middle - low)) ** (1 / Z95)
    if abs(math.log(stretch)) < 1e-5:
        stretch = math.exp(1e-5)
    return middle, (high - middle) / (stretch**Z95 - 1), stretch


def student(log_quantiles):
    """A Student-t error with the stated ratio of the 5 to 95 % range to the 25 to 75 % range, and the latter range."""
    q = log_quantiles
    ratio = (q[4] - q[0]) / (q[3] - q[1])

    def excess(df):
        return stats.t.ppf(0.95, df) / stats.t.ppf(0.75, df) - ratio

    df = 1.0 if excess(1.0) < 0 else 1e6 if excess(1e6) > 0 else brentq(excess, 1.0, 1e6)
    scale = (q[3] - q[1]) / (2 * stats.t.ppf(0.75, df))
    return lambda z: scale * stats.t.ppf(ndtr(z), df)


def history(row, own_sd):
    """(log lambdas, log densities at each of them over DEVIATIONS of log r) of a raw history with a normal definition error.

    Its table has a curve over log r for each lambda. Each is given straight tails, area 1 and the definition error; between lambdas
    of the table log densities follow a cubic spline.
    """
    cells = np.array([[float(cell) for cell in line.values()] for line in table(f"likelihoods/{row['id']}")])
    x, y = np.unique(cells[:, 0]), np.unique(cells[:, 1])
    fine = np.linspace(x[0] - BEYOND, x[-1] + BEYOND, FINE * len(x))
    within = np.clip(fine, x[0], x[-1])
    off = (DEVIATIONS[:, None] - fine) / own_sd
    kernel = np.exp(-(off**2) / 2) / (own_sd * math.sqrt(2 * math.pi))
    columns = []
    for curve in cells[:, 2].reshape(len(x), len(y)).T:
        rise, fall = (np.diff(curve) / np.diff(x))[[0, -1]]
        beyond = (fine - within) * np.where(fine < x[0], max(rise, 0), min(fall, 0))
        density = np.exp(PchipInterpolator(x, curve - curve.max())(within) + beyond)
        columns.append(np.log(kernel @ (density / density.sum()) + np.finfo(float).tiny))
    between = np.linspace(y[0], y[-1], FINE_LAMBDA * (len(y) - 1) + 1)
    return between, CubicSpline(y, np.array(columns))(between)


def on_scale(value, scale):
    """A number on the scale of its error."""
    return {"log": np.log, "logit": lambda x: np.log(x) - np.log1p(-x), "linear": lambda x: x}[scale](value)


def per_natural(value, scale):
    """The slope of a scale at a number."""
    return {"log": 1 / value, "logit": 1 / (value * (1 - value)), "linear": 1.0}[scale]


def stated_error(row):
    """(estimate on its own scale, error of it at a standard score), without the definition error; None for a raw history."""
    if row["kind"] == "series":
        return 0.0, None
    if row["kind"] == "growth":
        quantiles = np.array([float(row[f"output_q{q}"]) for q in ("05", "50", "95")])
        middle, rise, stretch = skewed(quantiles)
        return middle, lambda z: rise * (stretch**z - 1)
    letter = {"factor": "f_", "r": "r_", "input": ""}[row["kind"]]
    cell = {q: float(row.get(f"{letter}{q}") or "nan") for q in ("q05", "q25", "q50", "q75", "q95", "se")}
    scale = row.get("scale", "log")
    q = on_scale(np.array([cell[q] for q in ("q05", "q25", "q50", "q75", "q95")]), scale)
    if row["kind"] == "input" and row["labour"] == "serial" and row["quantity"] != "sigma":
        # Of the odds of a share, or of the elasticity of progress to labour, parallel labour has the same part of serial labour's.
        assert (row["quantity"], scale) in (("labour_share", "logit"), ("lambda*labour_share", "log"))
        q = q + math.log(SERIAL)
    if not math.isnan(q[1]):
        return q[2], student(q)
    if not math.isnan(q[0]):
        return q[2], lambda z: (q[4] - q[0]) / (2 * Z95) * z
    sd = 0.0 if math.isnan(cell["se"]) else cell["se"] * per_natural(cell["q50"], scale)
    return q[2], lambda z: sd * z


def log_density(error, own_sd):
    """The log density of a stated error plus a normal one, at DEVIATIONS."""
    off = (DEVIATIONS[:, None] - error(SUMMED)) / own_sd
    step = SUMMED[1] - SUMMED[0]
    return logsumexp(-(off**2 + SUMMED**2) / 2, axis=1) + math.log(step / own_sd / (2 * math.pi))


@cache
def density(row_id, own_sd):
    """A row's log density at DEVIATIONS, with a normal definition error; of a raw history, with the log lambdas at which it has one."""
    row = next(row for row in all_rows() if row["id"] == row_id)
    if row["kind"] == "series":
        return history(row, own_sd)
    if row.get("bound"):
        return log_ndtr((-1 if row["bound"] == "upper" else 1) * DEVIATIONS / own_sd)
    return log_density(stated_error(row)[1], own_sd)


# ---- the model


class Model:
    """A view and the rows that update it; latents are standard normal scores, (..., latent) in the order of `latents`."""

    def __init__(self, view, ids=None):
        assert "r_asara" not in view
        ids = usable(view) if ids is None else list(ids)
        self.view, self.rows = view, [row for row in all_rows() if row["id"] in ids]
        self.derived = "compute_bottleneck" not in view
        assert not (self.derived and "parallel" in view)
        self.remoteness = {row["domain"]: float(row["remoteness"]) for row in table("domains")}
        stated = {
            name: entry for name, entry in view.items() if isinstance(entry, dict) and "family" in entry
        }
        self.prior = {name: prior(entry) for name, entry in stated.items() if name not in UNREAD}
        self.uncertain = [name for name in self.prior if stated[name]["family"] != "fixed"]
        self.joined = np.eye(len(self.uncertain))
        for pair in view.get("correlations", ()):
            i, j = (self.uncertain.index(name) for name in pair["between"])
            self.joined[i, j] = self.joined[j, i] = 2 * math.sin(math.pi / 6 * pair["rank"])
        self.joined = np.linalg.cholesky(self.joined)
        self.curves = np.array([self.prior[name](FINE_SCORES) for name in self.uncertain])
        self._errors()
        self.against = [against(row, view) for row in self.rows]
        grown = [row for row, what in zip(self.rows, self.against, strict=True) if what]
        self.of_history = {history_of(row): row for row in grown}
        self.growth = {}
        for h, row in self.of_history.items():
            for flow in FLOWS if self.derived else ("labour",):
                known = growth_of(row, flow)
                if known is None and flow == "compute":
                    known = ratio_of(row)
                if known is not None:
                    self.growth[flow, h] = skewed(known)
        domains = {row["domain"] for row in self.rows if row.get("domain")} | {TARGET}
        of_all = grown if self.derived else []
        self.latents = [
            *(("quantity", name) for name in self.uncertain),
            *(("domain", name) for name in sorted(domains)),
            *sorted(
                {
                    ("definition", row["input_data"])
                    for row, s in zip(self.rows, self.shared_sd, strict=True)
                    if s
                }
            ),
            *sorted(self.growth),
            *sorted({("share", history_of(row)) for row in of_all}),
            *sorted({("measure", measure_of(row)) for row in of_all if measure_of(row)}),
            *([("lambda", "histories")] if any(row["kind"] == "series" for row in self.rows) else []),
        ]
        self.place = {key: i for i, key in enumerate(self.latents)}
        self.shapes = np.array([[self.growth.get((f, h), (0, 0, 1)) for h in self.of_history] for f in FLOWS])
        self.relative = np.array([growth_of(row, "compute") is None for row in self.of_history.values()])
        self.factors = np.array([[includes(row, name) for name in FACTORS] for row in self.rows], dtype=float)

    def _errors(self):
        """Each row's estimate, stated error and definition error, of which half the variance is shared with rows on its input data."""
        data = [row["input_data"] for row in self.rows]
        shares = np.array([data.count(name) > 1 for name in data], dtype=bool)
        variance = np.array([float(row["definition_sd"]) ** 2 for row in self.rows])
        if self.view.get("measure_sd", {"value": 0}).get("value") != 0:
            variance -= np.array([float(row.get("measure_sd") or 0) ** 2 for row in self.rows])
        sd = np.sqrt(variance)
        self.own_sd = np.where(shares, sd / math.sqrt(2), sd)
        self.shared_sd = np.where(shares, sd / math.sqrt(2), 0.0)
        stated = [stated_error(row) for row in self.rows]
        self.centre, self.error = np.array([c for c, _ in stated]), [error for _, error in stated]

    def score(self, scores, *key):
        """The latents of this name, 0 where there is none."""
        return scores[..., self.place[key]] if key in self.place else np.zeros(scores.shape[:-1])

    def values(self, scores):
        """What the view states, the domains' r, what follows at ASARA and r there, by name, at latents."""
        z = scores[..., : len(self.uncertain)] @ self.joined.T
        of = {name: at(np.zeros(z.shape[:-1])) for name, at in self.prior.items()}
        of |= zip(self.uncertain, np.moveaxis(read_off(self.curves, FINE_SCORES, z), -1, 0), strict=True)
        for kind, name in self.latents:
            if kind == "domain":
                off = self.remoteness[name] * self.score(scores, kind, name)
                of[f"r of {name}"] = of["r_typical"] * np.exp(of["spread"] * off)
        of["r_target"] = of[f"r of {TARGET}"]
        conversion = of["capabilities"] * of["post_training"]
        if self.derived:
            a, e = self.share_at_asara(of), of["experiment_gain"] / conversion
            returns = a + (1 - a) * e
            cheaper = of["r_target"] * of["experiment_gain"] * (1 - of["labour_share"])
            of["compute_bottleneck"] = returns / (1 + cheaper)
        of["possible"] = np.ones(z.shape[:-1], dtype=bool)
        if "gained_before_asara" in self.view:
            gained, whole = (
                of[name] * self.length(name, conversion) for name in ("gained_before_asara", "ceiling")
            )
            of["possible"] = gained < whole
            part = np.where(of["possible"], gained / whole, 0.0)
            of["steepening"] = 1 - part ** of["shape"]
        of["r_asara"] = of["r_target"] * np.prod([of[name] for name in FACTORS], axis=0)
        return of

    def share_at_asara(self, of):
        """Labour's share of research input after the jump in labour.

        A CES with elasticity of substitution sigma: the odds of labour's share rise by the jump to the power 1 - 1 / sigma.
        """
        kappa, a = 1 - 1 / of["sigma"], of["labour_share"]
        if self.view["speedup"].get("reached"):
            return np.maximum(1 - (1 - a) * of["speedup"] ** (-kappa / of["lambda"]), LEAST_SHARE)
        log_odds = np.log(a) - np.log1p(-a) + kappa * np.log(of["speedup"]) / (of["lambda"] * a)
        return expit(log_odds)

    def length(self, name, conversion):
        """Labour doublings in one unit of a distance."""
        ooms = self.view[name]["unit"] == "OOMs of training efficiency"
        assert ooms or self.view[name]["unit"] == "labour doublings"
        return math.log2(10) * conversion if ooms else 1.0

    def measured_against(self, of, scores):
        """The log of what a row's number has in it besides r, factors and errors, (..., row)."""
        total = np.zeros((*scores.shape[:-1], len(self.rows)))
        if not self.of_history:
            return total
        z = [[self.score(scores, flow, h) for h in self.of_history] for flow in FLOWS]
        middle, rise, stretch = np.moveaxis(self.shapes, -1, 0)[..., None]
        log_l, log_c = np.moveaxis(
            middle + rise * (stretch ** np.array(z).reshape(*middle.shape[:2], -1) - 1), -1, 1
        ).reshape(2, *scores.shape[:-1], -1)
        of_labour = {"labour": log_l}
        if self.derived:
            w, s = (
                np.stack([self.score(scores, kind, key) for key in keys], axis=-1)
                for kind, keys in (
                    ("measure", map(measure_of, self.of_history.values())),
                    ("share", self.of_history),
                )
            )
            more = of["measure_sd"][..., None] * w
            log_ratio = np.where(self.relative, log_c + more, log_c - log_l)
            today = np.log(of["labour_share"]) - np.log1p(-of["labour_share"])
            a = expit(today[..., None] + of["share_spread"][..., None] * s)
            phi = of["frontier_share"][..., None]
            log_q = np.log(a * np.exp(more) + (1 - a) * (1 - phi) * np.exp(log_ratio))
            of_labour |= {
                "q": log_l + log_q,
                "q/labour": log_q,
                "labour/q": -log_q,
                "q/compute": log_q - log_ratio,
            }
        histories = list(self.of_history)
        for i, what in enumerate(self.against):
            if what:
                total[..., i] = of_labour[what][..., histories.index(history_of(self.rows[i]))]
        return total

    def expected(self, scores, of=None):
        """(the estimate that each row should show, the log of what it was measured against), (..., row) each, on the row's scale."""
        of = self.values(scores) if of is None else of
        against = self.measured_against(of, scores)
        log_factors = np.stack([np.log(of[name]) * np.ones(scores.shape[:-1]) for name in FACTORS], axis=-1)
        total = against + log_factors @ self.factors.T
        for i, row in enumerate(self.rows):
            if row["kind"] == "input" and row["quantity"] not in FACTORS:
                for name in row["quantity"].split("*"):
                    value = of[name]
                    if row["distance"] == "left" and "gained_before_asara" in self.view:
                        value = np.where(of["possible"], value - of["gained_before_asara"], 1.0)
                    total[..., i] += on_scale(value, row["scale"])
            elif row["kind"] in KIND_AT.values():
                total[..., i] += np.log(of[f"r of {row['domain']}"])
            if self.shared_sd[i]:
                total[..., i] += self.shared_sd[i] * self.score(scores, "definition", row["input_data"])
        return total, against

    @cached_property
    def histories_lambda(self):
        """Log lambda of raw histories at SCORES: its prior, given the rows on lambda alone, if r is against all inputs; else parallel
        over compute_bottleneck, each at its prior."""
        names = ("lambda",) if self.derived else ("parallel", "compute_bottleneck")
        count = 10 * LAMBDAS if self.derived else LAMBDAS
        known = [self.view[name]["family"] == "fixed" for name in names]
        axes = [np.zeros(1) if k else np.linspace(-LAMBDA_REACH, LAMBDA_REACH, count) for k in known]
        scores = [z.ravel() for z in np.meshgrid(*axes, indexing="ij")]
        values = [self.prior[name](z) for name, z in zip(names, scores, strict=True)]
        log_lambda = np.log(values[0]) - (0 if self.derived else np.log(values[1]))
        log_weight = -sum(z**2 for z in scores) / 2
        if self.derived:
            log_weight = log_weight + self._rows_on_lambda(np.exp(log_lambda))
        order = np.argsort(log_lambda)
        weight = np.exp(log_weight - log_weight.max())[order]
        mass = np.cumsum(weight) - weight / 2
        return np.interp(ndtr(SCORES) * weight.sum(), mass, log_lambda[order])

    def _rows_on_lambda(self, value):
        """The log likelihood of the rows on lambda alone, the errors that they share integrated over."""
        on = [i for i, row in enumerate(self.rows) if row.get("quantity") == "lambda"]
        shared, total = np.linspace(-5, 5, 81), np.zeros(len(value))
        for data in {self.rows[i]["input_data"] for i in on}:
            log_p = -(shared**2) / 2 + np.zeros((len(value), 1))
            for i in (i for i in on if self.rows[i]["input_data"] == data):
                off = on_scale(value, self.rows[i]["scale"])[:, None] + self.shared_sd[i] * shared
                log_p = log_p + np.interp(off - self.centre[i], DEVIATIONS, self.densities[i])
            total += logsumexp(log_p, axis=1)
        return total

    @cached_property
    def densities(self):
        """Each row's log density, from `density`."""
        return [density(row["id"], sd) for row, sd in zip(self.rows, self.own_sd.tolist(), strict=True)]

    def log_lambda(self, scores):
        """The log of lambda that raw histories are read with, r being as the view has it."""
        return np.interp(self.score(scores, "lambda", "histories"), SCORES, self.histories_lambda)

    @cached_property
    def flat(self):
        """The rows that are no raw histories, and their densities (row, deviation)."""
        flat = [i for i, row in enumerate(self.rows) if row["kind"] != "series"]
        return flat, np.array([self.densities[i] for i in flat])

    def log_likelihoods(self, scores, of=None):
        """Each row's log density, (..., row), at latents."""
        expected, inputs = self.expected(scores, of)
        deviation, (flat, curves) = expected - self.centre, self.flat
        found = np.empty_like(deviation)
        found[..., flat] = read_off(curves, DEVIATIONS, deviation[..., flat])
        for i, row in enumerate(self.rows):
            if row["kind"] == "series":
                log_lambda = self.log_lambda(scores) + inputs[..., i]
                found[..., i] = bilinear(*self.densities[i], log_lambda, deviation[..., i])
        return found

    def log_posterior(self, scores):
        """The log posterior density at latents, up to a constant."""
        of = self.values(scores)
        log_p = self.log_likelihoods(scores, of).sum(axis=-1) - (scores**2).sum(axis=-1) / 2
        return np.where(of["possible"], log_p, -np.inf)


def read_off(curves, grid, x):
    """Each column of x (..., column) read off its curve (column, point) over an even grid, in straight lines; constant beyond."""
    at = np.clip((x - grid[0]) / (grid[1] - grid[0]), 0, len(grid) - 1.000001)
    place, column = at.astype(int), np.arange(len(curves))
    low, high = curves[column, place], curves[column, place + 1]
    return low + (high - low) * (at - place)


def bilinear(between, columns, log_lambda, deviation):
    """A history's log density read off in straight lines; beyond its lambdas the last curve stands."""
    step_x, step_y = DEVIATIONS[1] - DEVIATIONS[0], between[1] - between[0]
    x = np.clip((deviation - DEVIATIONS[0]) / step_x, 0, len(DEVIATIONS) - 1.001)
    y = np.clip((log_lambda - between[0]) / step_y, 0, len(between) - 1.001)
    i, j = y.astype(int), x.astype(int)
    u, t = y - i, x - j
    low = columns[i, j] * (1 - t) + columns[i, j + 1] * t
    high = columns[i + 1, j] * (1 - t) + columns[i + 1, j + 1] * t
    return low * (1 - u) + high * u


# ---- draws


def slices(log_ratio, u, length, rng):
    """`length` elliptical slices of each chain from states u (chain, latent), whose base is standard normal: (slice, chain, latent).

    `log_ratio` is the target over the base. Chains do not wait for each other: in each step all take one trial of their own slice.
    """
    chains, dims = u.shape
    u, value, kept = u.copy(), log_ratio(u), np.empty((length, chains, dims))
    other, level, angle, low, high = np.empty_like(u), *(np.empty(chains) for _ in range(4))
    done, begin, moving = np.zeros(chains, dtype=int), np.arange(chains), np.arange(chains)
    while len(moving):
        other[begin] = rng.standard_normal((len(begin), dims))
        level[begin] = value[begin] - rng.exponential(size=len(begin))
        angle[begin] = rng.uniform(0, 2 * np.pi, len(begin))
        low[begin], high[begin] = angle[begin] - 2 * np.pi, angle[begin]
        t = angle[moving, None]
        trial = u[moving] * np.cos(t) + other[moving] * np.sin(t)
        found = log_ratio(trial)
        good = found > level[moving]
        begin, rest = moving[good], moving[~good]
        u[begin], value[begin] = trial[good], found[good]
        kept[done[begin], begin] = trial[good]
        done[begin] += 1
        at = angle[rest]
        low[rest], high[rest] = np.where(at < 0, at, low[rest]), np.where(at < 0, high[rest], at)
        angle[rest] = rng.uniform(low[rest], high[rest])
        moving = moving[done[moving] < length]
        begin = begin[done[begin] < length]
    return kept


def sample(log_target, dims, *, seed, draws):
    """Draws of a density over latents (chain, draw, latent), from CHAINS chains that start at their standard normal prior.

    Each round of warm-up fits a Gaussian to the chains, over which the next takes its slices.
    """
    rng = np.random.default_rng(seed)
    mean, root_of, x = np.zeros(dims), np.eye(dims), rng.standard_normal((CHAINS, dims))
    while len(impossible := np.flatnonzero(log_target(x) == -np.inf)):
        x[impossible] = rng.standard_normal((len(impossible), dims))
    for length in (*ROUNDS, math.ceil(draws / CHAINS)):

        def log_ratio(u, mean=mean, root_of=root_of):
            return log_target(mean + u @ root_of.T) + (u**2).sum(axis=-1) / 2

        kept = slices(log_ratio, np.linalg.solve(root_of, (x - mean).T).T, length, rng)
        kept = mean + kept @ root_of.T
        x, late = kept[-1], kept[length // 2 :].reshape(-1, dims)
        mean, root_of = late.mean(axis=0), np.linalg.cholesky(np.cov(late, rowvar=False))
    return np.moveaxis(kept, 0, 1)


def posterior(view, rows_used=None, *, seed, draws):
    """Draws (chain, draw) of r at ASARA, of what the view states and does not fix, and of the domains' r, by name.

    `view` is a name or what `read_view` gives, `rows_used` the ids of rows (default: those that may update the view).
    """
    model = Model(read_view(view) if isinstance(view, str) else view, rows_used)
    draws = model.values(sample(model.log_posterior, len(model.latents), seed=seed, draws=draws))
    return {name: values for name, values in draws.items() if values.min() < values.max()}


def world(view, *, seed):
    """One draw of everything from the priors: (truth by name, observed estimate by row id).

    Bounds are no estimates: what they say is part of the prior, drawn by rejection. Raw histories are read with the world's own lambda;
    the estimate of one is how far its curves are shifted.
    """
    model = Model(read_view(view) if isinstance(view, str) else view)
    rng = np.random.default_rng(seed)
    while True:
        scores = rng.standard_normal(len(model.latents))
        truth = model.values(scores)
        expected, inputs = model.expected(scores, truth)
        bounds = [i for i, row in enumerate(model.rows) if row.get("bound")]
        held = sum(np.interp(expected[i] - model.centre[i], DEVIATIONS, model.densities[i]) for i in bounds)
        if truth["possible"] and np.log(rng.random()) < held:
            break
    observed = {}
    for i, row in enumerate(model.rows):
        if row["kind"] == "series":
            log_lambda = np.log(truth["lambda"]) if model.derived else model.log_lambda(scores)
            curve = bilinear(*model.densities[i], log_lambda + inputs[i], DEVIATIONS)
            mass = np.cumsum(np.exp(curve))
            own = np.interp(rng.random() * mass[-1], mass, DEVIATIONS)
        elif i in bounds:
            own = expected[i] - model.centre[i]
        else:
            own = model.error[i](rng.standard_normal()) + model.own_sd[i] * rng.standard_normal()
        observed[row["id"]] = float(expected[i] - own)
    return {name: float(value) for name, value in truth.items()}, observed
