"""The only room that samples: fits, importance weights on stored draws, and the workbench that answers edits."""

__all__ = [
    "answers",
    "between_designs",
    "chains",
    "converged",
    "designs",
    "fits",
    "groups",
    "growth_given",
    "mixture",
    "prior_draws",
    "reweighting",
    "sampling",
    "stored_draws",
    "weighable",
    "workbench",
]
