"""The posterior of r a second time, from the TOML and CSV files alone: plain NumPy, no module of `sie`, another sampler.

    log r_d     = log r_typical + spread remoteness_d z_d
    log r_hat_i = log r_d(i) + sum_k x_ik log f_k + c_i + shared_i w_input(i) + d_i                        d_i ~ f_i
    f_i(d)      = integral Normal(d; e_i(z), own_i) Normal(z; 0, 1) dz          e_i(z) the stated error at standard score z

c_i is what row i was measured against: log g_L where the view states `compute_bottleneck` (r is against labour), else a multiple of
log q, log g_L and log g_C with q = a g_L + (1 - a) g_C. Everything uncertain has a standard normal score, over which elliptical
slice sampling (Murray, Adams & MacKay 2010) needs neither gradients nor a step size. Domains enter as published estimates, growth
rates or raw histories; Epoch's own likelihoods and steepening that follows from a distance are not modelled here.
"""

import csv
import math
import tomllib
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq, root
from scipy.special import logsumexp, ndtr, ndtri

ROOT = Path(__file__).resolve().parents[1]
FACTORS = ("capabilities", "post_training", "compute_bottleneck", "hardware_scale", "steepening")
SHARES = ("labour_share", "experiment_gain", "speedup", "parallel", "sigma")
FLOWS = ("labour", "compute")
TARGET = "language models"
KIND_AT = {"published": "r", "growth": "growth", "series": "series"}
OWN_COUNTS = {"entries", "records"}
"""Units of an effort that only numbers a history's own observations."""

Z95 = stats.norm.ppf(0.95)

SCORES = np.linspace(-8, 8, 801)
"""Standard scores over which a stated error is summed, and at which the quantiles of a prior are stated."""

DEVIATIONS = np.linspace(-10, 10, 2001)
"""Deviations at which a row's log density is stated; it is read off in straight lines between."""

LAMBDAS, LAMBDA_REACH = 8000, 5
"""About so many values of the power of a history's effort, from scores of each prior up to this."""

BEYOND = 4.0
"""How far straight tails of a history's curve go on beyond its table, in log r."""

FINE = 32
"""Points of a history's curve over log r for each point of its table."""

CHAINS, ROUNDS = 800, (150, 40, 40)
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
    files = {"returns": "r", "factors": "factor", "growth": "growth", "series": "series"}
    return [row | {"kind": kind} for name, kind in files.items() for row in table(name)]


def growth_of(row, flow):
    """5, 50, 95 % of a flow's growth, NaN where not stated; of a growth row on the same input data where the row has no column."""
    here = (
        [row]
        if row["kind"] == "growth"
        else [r for r in table("growth") if r["input_data"] == row["input_data"]]
    )
    found = {tuple(r[f"{flow}_q{q}"] for q in ("05", "50", "95")) for r in here}
    return np.array([float(cell or "nan") for cell in found.pop()] if len(found) == 1 else [np.nan] * 3)


def includes(row, factor):
    return row[factor] == "1"


def against(row, view):
    """The multiples of log q, log g_L and log g_C in what a row shows."""
    fixed_compute, ratio = includes(row, "compute_bottleneck"), row["kind"] == "growth"
    if "compute_bottleneck" in view:
        return (0, 1, 0) if ratio else (0, 0, 0)
    if row["kind"] == "factor":
        return (-1, 1, 0) if fixed_compute else (0, 0, 0)
    if fixed_compute:
        return (0, 1, 0) if ratio else (0, 0, 0)
    if ratio:
        return (1, 0, 0)
    return {"labour": (1, -1, 0), "compute": (1, 0, -1), "all": (0, 0, 0)}[row["input"]]


def fits(row, view):
    """Whether a row was measured against what the view's r is against, and every growth it needs is known."""
    if "compute_bottleneck" in view and row["kind"] != "factor" and row["input"] != "labour":
        return False
    of_all, *of_flow = against(row, view)
    wanted = [flow for flow, multiple in zip(FLOWS, of_flow, strict=True) if of_all or multiple]
    return not any(math.isnan(growth_of(row, flow)[1]) for flow in wanted)


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
        if row["kind"] != "factor" and row["kind"] != KIND_AT[levels[row["domain"]]]:
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


def log_growth(quantiles):
    """The log of a growth rate with these 5, 50, 95 % quantiles at a standard score; known where the outer two are empty."""
    error = skewed(quantiles)
    return lambda z: math.log(quantiles[1]) + error(z)


def skewed(quantiles):
    """Log growth around its median at a standard score: each score longer than the last by the same ratio."""
    low, middle, high = np.log(quantiles)
    if not high > low:
        return lambda z: np.zeros_like(z)
    stretch = ((high - middle) / (middle - low)) ** (1 / Z95)
    if abs(math.log(stretch)) < 1e-4:
        return lambda z: (high - low) / (2 * Z95) * z
    return lambda z: (high - middle) * (stretch**z - 1) / (stretch**Z95 - 1)


def student(log_quantiles):
    """A Student-t error with the stated ratio of the 5 to 95 % range to the 25 to 75 % range, and the latter range."""
    q = log_quantiles
    ratio = (q[4] - q[0]) / (q[3] - q[1])

    def excess(df):
        return stats.t.ppf(0.95, df) / stats.t.ppf(0.75, df) - ratio

    df = 1.0 if excess(1.0) < 0 else 1e6 if excess(1e6) > 0 else brentq(excess, 1.0, 1e6)
    scale = (q[3] - q[1]) / (2 * stats.t.ppf(0.75, df))
    return lambda z: scale * stats.t.ppf(ndtr(z), df)


def lambdas(row, view):
    """(values, log weights) of the power of a history's own effort in the pace, each quantity at its prior."""
    stated = "compute_bottleneck" in view
    names = ("parallel", "compute_bottleneck") if stated else ("parallel", "labour_share", "experiment_gain")
    known = [view[name]["family"] == "fixed" for name in names]
    count = round(LAMBDAS ** (1 / known.count(False)))
    axes = [np.zeros(1) if fixed else np.linspace(-LAMBDA_REACH, LAMBDA_REACH, count) for fixed in known]
    scores = np.stack([z.ravel() for z in np.meshgrid(*axes, indexing="ij")])
    values = {name: prior(view[name])(z) for name, z in zip(names, scores, strict=True)}
    log_weight = -(scores**2).sum(axis=0) / 2
    if stated:
        return values["parallel"] / values["compute_bottleneck"], log_weight
    a = values["labour_share"]
    power = values["parallel"] / (a + values["experiment_gain"] * (1 - a))
    if row["input"] != "all":
        growth = {flow: growth_of(row, flow)[1] for flow in FLOWS}
        power = power * (a * growth["labour"] + (1 - a) * growth["compute"]) / growth[row["input"]]
    return power, log_weight


def history(row, view):
    """(log r at the mode, error at a standard score) of a raw history: its curves over log r at each lambda, each of area 1,
    averaged over lambda's prior, with straight tails beyond the table."""
    cells = np.array([[float(cell) for cell in line.values()] for line in table(f"likelihoods/{row['id']}")])
    x, y = np.unique(cells[:, 0]), np.unique(cells[:, 1])
    curves = cells[:, 2].reshape(len(x), len(y))
    power, log_weight = lambdas(row, view)
    at = np.clip(np.log(power), y[0], y[-1])
    place = np.clip(np.searchsorted(y, at) - 1, 0, len(y) - 2)
    part = (at - y[place]) / (y[place + 1] - y[place])
    log_l = curves[:, place] * (1 - part) + curves[:, place + 1] * part
    mean = logsumexp(log_l - logsumexp(log_l, axis=0) + log_weight, axis=1)
    rise, fall = (np.diff(mean) / np.diff(x))[[0, -1]]
    fine = np.linspace(x[0] - BEYOND, x[-1] + BEYOND, FINE * len(x))
    within = np.clip(fine, x[0], x[-1])
    beyond = (fine - within) * np.where(fine < x[0], max(rise, 0), min(fall, 0))
    density = np.exp(PchipInterpolator(x, mean - mean.max())(within) + beyond)
    mass = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    mode = x[np.argmax(mean)]
    return mode, lambda z: np.interp(ndtr(z), mass / mass[-1], fine) - mode


def stated_error(row, view):
    """(log estimate, error of it at a standard score), without the definition error."""
    if row["kind"] == "series":
        return history(row, view)
    if row["kind"] == "growth":
        quantiles = np.array([float(row[f"output_q{q}"]) for q in ("05", "50", "95")])
        return math.log(quantiles[1]), skewed(quantiles)
    letter = "f" if row["kind"] == "factor" else "r"
    cell = {q: float(row.get(f"{letter}_{q}") or "nan") for q in ("q05", "q25", "q50", "q75", "q95", "se")}
    log = np.log([cell[q] for q in ("q05", "q25", "q50", "q75", "q95")])
    if math.isnan(log[0]):
        return log[2], lambda z: cell["se"] / cell["q50"] * z
    if math.isnan(log[1]):
        return log[2], lambda z: (log[4] - log[0]) / (2 * Z95) * z
    return log[2], student(log)


def log_density(error, own_sd):
    """The log density of a stated error plus a normal one, at DEVIATIONS."""
    off = (DEVIATIONS[:, None] - error(SCORES)) / own_sd
    step = SCORES[1] - SCORES[0]
    return logsumexp(-(off**2 + SCORES**2) / 2, axis=1) + math.log(step / own_sd / (2 * math.pi))


# ---- the model


class Model:
    """A view and the rows that update it; latents are standard normal scores, (..., latent) in the order of `latents`."""

    def __init__(self, view, ids=None):
        assert "r_asara" not in view
        assert "gained_before_asara" not in view
        ids = usable(view) if ids is None else list(ids)
        self.view, self.rows = view, [row for row in all_rows() if row["id"] in ids]
        self.derived = "compute_bottleneck" not in view
        self.remoteness = {row["domain"]: float(row["remoteness"]) for row in table("domains")}
        self.quantities = ["r_typical", "spread", *(name for name in FACTORS if name in view)]
        self.quantities += SHARES if self.derived else []
        self.prior = {name: prior(view[name]) for name in self.quantities}
        data = [row["input_data"] for row in self.rows]
        shares = np.array([data.count(name) > 1 for name in data], dtype=bool)
        sd = np.array([float(row["definition_sd"]) for row in self.rows])
        self.own_sd = np.where(shares, sd / math.sqrt(2), sd)
        self.shared_sd = np.where(shares, sd / math.sqrt(2), 0.0)
        stated = [stated_error(row, view) for row in self.rows]
        self.centre, self.error = np.array([c for c, _ in stated]), [error for _, error in stated]
        self.multiples = [against(row, view) for row in self.rows]
        domains = {row["domain"] for row in self.rows if row["kind"] != "factor"} | {TARGET}
        self.growth, grown = {}, set()
        for row, (of_all, *of_flow) in zip(self.rows, self.multiples, strict=True):
            for flow, multiple in zip(FLOWS, of_flow, strict=True):
                if of_all or multiple:
                    grown.add((flow, row["input_data"]))
                    self.growth[flow, row["id"]] = log_growth(growth_of(row, flow))
        self.latents = [
            *(("quantity", name) for name in self.quantities),
            *(("domain", name) for name in sorted(domains)),
            *(("definition", name) for name in sorted({d for d, s in zip(data, shares, strict=True) if s})),
            *sorted(grown),
        ]
        self.place = {key: i for i, key in enumerate(self.latents)}

    def values(self, scores):
        """What the view states, the domains' r and r at ASARA, by name, at latents."""
        of = {name: at(scores[..., self.place["quantity", name]]) for name, at in self.prior.items()}
        if self.derived:
            of["compute_bottleneck"] = of["labour_share"] + of["experiment_gain"] * (1 - of["labour_share"])
        for kind, name in self.latents:
            if kind == "domain":
                z = scores[..., self.place[kind, name]]
                of[f"r of {name}"] = of["r_typical"] * np.exp(of["spread"] * self.remoteness[name] * z)
        of["r_target"] = of[f"r of {TARGET}"]
        of["r_asara"] = of["r_target"] * np.prod([of[name] for name in FACTORS if name in of], axis=0)
        return of

    def expected(self, scores):
        """The log estimate that each row should show, (..., row)."""
        of = self.values(scores)
        if self.derived:
            # Labour's share before the jump in labour, in which a CES moves it.
            kappa, power = 1 - 1 / of["sigma"], of["parallel"] / of["compute_bottleneck"]
            a = np.clip(1 - (1 - of["labour_share"]) * of["speedup"] ** (kappa / power), 1e-6, 1)
        columns = []
        for i, row in enumerate(self.rows):
            total = np.zeros(scores.shape[:-1])
            if row["kind"] != "factor":
                total = total + np.log(of[f"r of {row['domain']}"])
            for factor in FACTORS:
                if includes(row, factor):
                    total = total + np.log(of[factor])
            of_all, *of_flow = self.multiples[i]
            log_g = {}
            for flow, multiple in zip(FLOWS, of_flow, strict=True):
                if of_all or multiple:
                    score = scores[..., self.place[flow, row["input_data"]]]
                    log_g[flow] = self.growth[flow, row["id"]](score)
                    total = total + multiple * log_g[flow]
            if of_all:
                total = total + of_all * np.log(
                    a * np.exp(log_g["labour"]) + (1 - a) * np.exp(log_g["compute"])
                )
            if self.shared_sd[i]:
                total = total + self.shared_sd[i] * scores[..., self.place["definition", row["input_data"]]]
            columns.append(total)
        return np.stack(columns, axis=-1)

    @cached_property
    def densities(self):
        """Each row's log density at DEVIATIONS."""
        return [log_density(error, sd) for error, sd in zip(self.error, self.own_sd, strict=True)]

    def log_likelihoods(self, scores):
        """Each row's log density, (..., row), at latents."""
        deviation = self.expected(scores) - self.centre
        columns = [np.interp(deviation[..., i], DEVIATIONS, f) for i, f in enumerate(self.densities)]
        return np.stack(columns, axis=-1)

    def log_posterior(self, scores):
        """The log posterior density at latents, up to a constant."""
        return self.log_likelihoods(scores).sum(axis=-1) - (scores**2).sum(axis=-1) / 2


# ---- draws


def slice_step(log_ratio, u, value, rng):
    """One elliptical slice from states u (chain, latent), whose base is standard normal; `log_ratio` is the target over the base."""
    other = rng.standard_normal(u.shape)
    level = value - rng.exponential(size=len(u))
    angle = rng.uniform(0, 2 * np.pi, len(u))
    low, high = angle - 2 * np.pi, angle.copy()
    u, value, moving, start = u.copy(), value.copy(), np.arange(len(u)), u
    while len(moving):
        t = angle[moving, None]
        trial = start[moving] * np.cos(t) + other[moving] * np.sin(t)
        found = log_ratio(trial)
        good = found > level[moving]
        u[moving[good]], value[moving[good]] = trial[good], found[good]
        moving = moving[~good]
        at = angle[moving]
        low[moving], high[moving] = np.where(at < 0, at, low[moving]), np.where(at < 0, high[moving], at)
        angle[moving] = rng.uniform(low[moving], high[moving])
    return u, value


def sample(log_target, dims, *, seed, draws):
    """Draws of a density over latents (chain, draw, latent), from CHAINS chains that start at their standard normal prior.

    Each round of warm-up fits a Gaussian to the chains, over which the next takes its slices.
    """
    rng = np.random.default_rng(seed)
    mean, root_of, x = np.zeros(dims), np.eye(dims), rng.standard_normal((CHAINS, dims))
    for length in (*ROUNDS, math.ceil(draws / CHAINS)):

        def log_ratio(u, mean=mean, root_of=root_of):
            return log_target(mean + u @ root_of.T) + (u**2).sum(axis=-1) / 2

        u = np.linalg.solve(root_of, (x - mean).T).T
        value, kept = log_ratio(u), []
        for _ in range(length):
            u, value = slice_step(log_ratio, u, value, rng)
            kept.append(mean + u @ root_of.T)
        x, late = kept[-1], np.concatenate(kept[length // 2 :])
        mean, root_of = late.mean(axis=0), np.linalg.cholesky(np.cov(late, rowvar=False))
    return np.stack(kept, axis=1)


def posterior(view, rows_used=None, *, seed, draws):
    """Draws (chain, draw) of r at ASARA, of what the view states of r and of the domains' r, by name.

    `view` is a name or what `read_view` gives, `rows_used` the ids of rows (default: those that may update the view).
    """
    model = Model(read_view(view) if isinstance(view, str) else view, rows_used)
    return model.values(sample(model.log_posterior, len(model.latents), seed=seed, draws=draws))


def world(view, *, seed):
    """One draw of everything from the priors: (truth by name, observed log estimate by row id)."""
    model = Model(read_view(view) if isinstance(view, str) else view)
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal(len(model.latents))
    own = [error(rng.standard_normal()) for error in model.error]
    own = np.array(own) + model.own_sd * rng.standard_normal(len(own))
    observed = model.expected(scores) - own
    truth = {name: float(value) for name, value in model.values(scores).items()}
    return truth, {row["id"]: float(value) for row, value in zip(model.rows, observed, strict=True)}
