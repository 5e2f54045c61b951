"""The model of r: which rows may update a view, what each row is to the model (`design`), the PyMC model (`model`) and its fast
log density."""

__all__ = [
    "asara",
    "compiled",
    "design",
    "equations",
    "evidence_table",
    "history_lambda",
    "inputs",
    "levels",
    "likelihoods",
    "log_density",
    "model",
    "observed",
    "prior_curves",
    "row_density",
    "selection",
]
