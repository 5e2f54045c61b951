"""sie: the returns to AI software R&D, r, and the probability of a software intelligence explosion.

    view     = sie.read_view("davidson_2025")
    evidence = sie.read_evidence()
    rows     = sie.usable(evidence, view)
    tree     = sie.fit(sie.build(rows, view), seed=1)
    table    = sie.credences(sie.simulate(tree.posterior))

Names are imported when they are first used, so that `import sie` is quick.
"""

from importlib import import_module

_MODULES = {
    "growth.accounting": ("compute_factor", "labour_exponent", "takeoff_ratio", "toy_model"),
    "growth.calendar": ("gradual_boost", "hardware_growth"),
    "growth.clock": ("capped", "on_clock", "paused"),
    "growth.credences": ("credences", "event_years", "stream"),
    "growth.events": ("EVENTS", "Event", "gain_within"),
    "plots.differences": ("plot_difference",),
    "analysis.differences": ("difference",),
    "growth.speeds": ("balanced_speedup", "progress_curve", "software_times"),
    "growth.paths": ("doublings_by", "shortest_years", "simulate", "years_at"),
    "data.evidence": ("read_evidence", "read_inputs", "read_series"),
    "data.own_rows": ("add_row",),
    "histories.erdil_2024": ("read_idea_production",),
    "histories.own": ("add_history",),
    "inference.prior_draws": ("prior",),
    "inference.sampling": ("fit",),
    "page.headline": ("headline",),
    "page.ledger": ("read_ledger",),
    "analysis.parts": ("by_part",),
    "analysis.mechanisms": ("by_mechanism",),
    "analysis.pooling": ("pool",),
    "data.alternatives": ("Alternatives", "read_alternatives"),
    "analysis.alternatives.curve": ("SpecificationCurve", "specification_curve"),
    "plots.alternatives": ("plot_specification_curve",),
    "data.weights": ("read_weights",),
    "analysis.sensitivity.power": ("power_scaling",),
    "data.families": ("Prior",),
    "data.constructors": (
        "beta",
        "fixed",
        "halfnormal",
        "loguniform",
        "lognormal",
        "mixture",
        "normal",
        "quantiles",
        "uniform",
    ),
    "data.priors": ("View", "read_view", "to_toml", "view_names"),
    "data.quantities": ("ADJUSTMENTS",),
    "inference.answers": ("Answer",),
    "inference.workbench": ("Workbench",),
    "returns.likelihoods": ("over_log_r", "read_likelihood", "write_likelihood"),
    "growth.outcome": ("takeover_before_buildout",),
    "plots.domains": ("plot_domains",),
    "plots.draws": ("plot_r", "plot_waterfall"),
    "plots.priors": ("plot_prior",),
    "plots.paths": ("plot_fan", "plot_path", "plot_progress"),
    "page.figures": ("figures",),
    "page.reproduce": ("reproduce_figures",),
    "returns.evidence_table": ("evidence_table",),
    "returns.selection": ("usable",),
    "returns.model": ("build",),
    "inference.reweighting": ("reweight",),
    "inference.stored_draws": ("StoredDraws", "stored_draws", "weighted"),
    "base.errors": ("DataError", "DoubleCounting", "NotConverged", "RefitNeeded"),
    "base.cluster": ("cluster",),
    "analysis.sweep.run": ("open_sweep", "run_sweep"),
    "analysis.sweep.spec": ("read_sweep",),
    "page.saved": ("open_saved",),
    "data.time_horizons": ("read_horizons",),
    "data.timelines": ("Timeline", "read_timeline"),
    "analysis.timeline": ("asara_dates", "gained_before"),
    "analysis.backtest": ("backtest_timelines",),
    "analysis.by_year": ("credences_by_year",),
    "plots.timeline": ("plot_by_year", "plot_timeline"),
    "analysis.sensitivity.crossings": ("crossings",),
    "analysis.sensitivity.measures": ("movement", "tornado", "variance_shares"),
    "plots.sensitivity": ("plot_shapley", "plot_tornado", "plot_variance_shares"),
    "analysis.sensitivity.shapley": ("shapley_effects",),
    "data.bibliography": ("read_sources",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__version__: str
__all__ = [*_HOME, "__version__"]


def __getattr__(name: str):
    if name == "__version__":
        value = import_module("importlib.metadata").version("sie")
    elif name in _HOME:
        value = getattr(import_module(f"sie.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"module 'sie' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
