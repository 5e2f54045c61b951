"""sie: the returns to AI software R&D, r, and the probability of a software intelligence explosion.

    view     = sie.read_view("davidson_2025")
    evidence = sie.read_evidence()
    rows     = sie.usable(evidence, view)
    tree     = sie.fit(sie.build(rows, view), seed=1)
    table    = sie.credences(sie.simulate(tree.posterior))

Names are imported when they are first used, so that `import sie` is quick.
"""

from importlib import import_module
from importlib.metadata import version

# Named like its module, so bound at once: a later import of the module cannot hide the function.
from .credences import credences

_MODULES = {
    "accounting": ("compute_factor", "labour_exponent", "takeoff_ratio", "toy_model"),
    "clock": ("capped", "gradual_boost", "hardware_growth", "on_clock", "paused"),
    "credences": ("EVENTS", "Event", "gain_within", "stream"),
    "difference_plots": ("plot_difference",),
    "differences": ("difference",),
    "dynamics": ("doublings_by", "shortest_years", "simulate", "years_at"),
    "evidence": ("read_elasticities", "read_evidence", "read_series", "usable"),
    "idea_production": ("read_idea_production",),
    "inference": ("NotConverged", "fit", "prior"),
    "ledger": ("read_ledger",),
    "pooling": ("by_mechanism", "pool", "read_weights"),
    "power": ("power_scaling",),
    "distributions": (
        "Prior",
        "beta",
        "fixed",
        "halfnormal",
        "loguniform",
        "lognormal",
        "mixture",
        "normal",
        "uniform",
    ),
    "priors": ("View", "read_view", "to_toml", "view_names"),
    "quantities": ("ADJUSTMENTS",),
    "instant": ("Answer", "Workbench"),
    "likelihoods": ("over_log_r", "read_likelihood", "write_likelihood"),
    "outcome": ("takeover_before_buildout",),
    "plots": ("plot_domains", "plot_fan", "plot_path", "plot_r", "plot_waterfall"),
    "reproduce": ("figures", "reproduce_figures"),
    "returns": ("DoubleCounting", "build"),
    "reweighting": ("RefitNeeded", "reweight"),
    "engine": ("cluster",),
    "sweep": ("open_sweep", "run_sweep"),
    "sweep_spec": ("read_sweep",),
    "saved": ("open_saved",),
    "time_horizons": ("read_horizons",),
    "timeline": ("Timeline", "asara_dates", "gained_before", "read_timeline"),
    "timeline_plot": ("plot_timeline",),
    "sensitivity": ("crossings", "movement", "tornado", "variance_shares"),
    "sensitivity_plots": ("plot_shapley", "plot_tornado", "plot_variance_shares"),
    "shapley": ("shapley_effects",),
    "sources": ("DataError", "read_sources"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__version__ = version("sie")
__all__ = [*_HOME, "__version__", "credences"]


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'sie' has no attribute {name!r}")
    value = getattr(import_module(f"sie.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
