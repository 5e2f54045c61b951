"""Symbols of the equations that the model computes, and the words in equations that are none."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..data.quantities import LABOUR_DOUBLINGS, OOMS, YEARS_OF_PROGRESS

__all__ = ["COMPUTED", "WORDS"]

COMPUTED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "r_d": ("r of domain d against labour, before adjustments", "r"),
        "z_d": ("how far domain d lies from the typical one, in standard deviations", "1"),
        "remoteness_d": ("how much further than language models domain d lies from frontier AI R&D", "1"),
        "r_hat_i": ("a published estimate of r", "r"),
        "f_hat_j": ("a published estimate of one or several adjustments", "1"),
        "x_ik": ("1 where estimate i of r already includes adjustment k", "1"),
        "x_jk": ("1 where estimate j of adjustments covers adjustment k", "1"),
        "c_i": ("what estimate i of r was measured against: all inputs over labour or compute", "log"),
        "c_j": ("the same of estimate j of adjustments, where it covers the compute factor", "log"),
        "delta_i": ("definition error of estimate i of r", "log"),
        "delta_j": ("definition error of estimate j of adjustments", "log"),
        "eps_i": ("error of estimate i of r", "log"),
        "eps_j": ("error of estimate j of adjustments", "log"),
        "r_target": ("r of language models", "r"),
        "x": ("software gained since ASARA", "labour doublings"),
        "v": ("pace of software", "labour doublings per year"),
        "k": ("growth of the pace", "doublings of the pace per doubling of software"),
        "lambda": ("growth of the pace per doubling of research input", "1"),
        "a_h": ("labour's share of research input in history h", "1"),
        "s": ("shift of its logit from today's", "1"),
        "z_h": ("the same in standard deviations", "1"),
        "z_w": ("error of how labour is counted, in standard deviations", "1"),
        "counted": ("log of labour's growth as a row counts it", "log"),
        "g_l": ("growth of research labour in a history", "natural log a year"),
        "g_c": ("growth of compute for research in a history", "natural log a year"),
        "m_i": ("multiple of log q in what estimate i was measured against", "1"),
        "n_i": ("multiple of log g_l in it", "1"),
        "o_i": ("multiple of log g_c in it", "1"),
        "g": ("scale of an estimate: log, logit or the number itself", "1"),
        "q_hat_l": ("a published estimate of another quantity", "that of the quantity"),
        "delta_l": ("definition error of estimate l, on its scale", "1"),
        "eps_l": ("error of estimate l, on its scale", "1"),
        "e": ("growth of research input", "doublings per doubling of software"),
        "beta": (
            "fall of the pace, since ideas get harder",
            "doublings of the pace per doubling of software",
        ),
        "beta_now": ("beta today, before ASARA", "doublings of the pace per doubling of software"),
        "share": ("labour's share of research input", "1"),
        "l": ("growth of AI research labour", "doublings per doubling of software"),
        "s_l": ("AI research labour gained since ASARA", "doublings"),
        "s_e": ("efficiency of experiments gained since ASARA", "doublings"),
        "d": ("labour gained less experiment efficiency gained", "doublings"),
        "kappa": ("exponent of the CES of labour and compute", "1"),
        "u": ("1 / lambda", "1"),
        "J": ("factor by which research labour grows at ASARA", "1"),
        "a_A": ("labour's share of research input at ASARA, after the jump in labour", "1"),
        "epsilon": ("growth of the efficiency of experiments", "doublings per doubling of software"),
        "pace_asara": ("pace of software at ASARA", "labour doublings per year"),
        "tau": ("time since ASARA at which a level is reached, by its own pace", "years"),
        "t": ("calendar time since ASARA", "years"),
        "b": ("exogenous factor on the pace", "1"),
        "B": ("integral of the exogenous factor", "years"),
        "recent_doublings_per_year": ("recent pace of software", "labour doublings per year"),
        "labour_doublings": ("a distance of software progress", LABOUR_DOUBLINGS),
        "years": ("the same distance", YEARS_OF_PROGRESS),
        "ooms": ("the same distance", OOMS),
        "credence": ("probability of an event", "1"),
        "count": ("draws in which the event happens", "draws"),
        "draws": ("all draws", "draws"),
        "effective_draws": ("effective sample size of the event's indicator", "draws"),
        "smoothed": ("probability that is never 0 or 1, for the error", "1"),
        "mcse": ("Monte Carlo standard error of a credence", "1"),
        "q": ("growth of research input in a history", "doublings per year"),
        "q_c": ("growth of compute for research", "doublings per year"),
        "q_l": ("growth of research labour", "doublings per year"),
        "q_s": ("growth of software", "doublings of training efficiency per year"),
        "compute_share": ("share of compute in research input", "1"),
        "takeoff_ratio": ("above 1, AI research labour alone makes software grow ever faster", "1"),
        "labour_exponent": ("doublings of serial-equivalent labour per doubling of software", "1"),
        "parallel_exponent": ("doublings of parallel labour per doubling of software", "1"),
        "cost": ("doublings of cost reduction per doubling of software", "1"),
        "speed": ("doublings of speed per doubling of cost reduction", "1"),
        "productivity": ("doublings of work per token per doubling of software", "1"),
        "parallel_share": ("labour's share in research input, of labour counted in parallel", "1"),
        "g_serial": ("growth of serial-equivalent labour", "natural log a year"),
        "g_parallel": ("growth of parallel labour", "natural log a year"),
        "penalty": ("exponent from parallel to serial-equivalent labour", "1"),
        "toy_ratio": ("length of a doubling over the one before it, in the toy model", "1"),
        "first": ("length of the first doubling", "months"),
        "asymptote": ("when infinitely many doublings are done", "months"),
    }
)
"""Symbols that the model computes rather than a view states: meaning and unit (`r`: that of r; `log`: of a logarithm)."""

WORDS = frozenset(
    {
        "i",
        "exp",
        "log",
        "log2",
        "min",
        "sum",
        "sum_k",
        "prod_k",
        "integral",
        "of",
        "inf",
        "Normal",
        "dx",
        "dt",
    }
)
"""Names of operations in the equations, which are no symbols."""
