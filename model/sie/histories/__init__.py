"""r from raw histories of outputs and effort (`arrays`, `model`, `fit`, `readings`), and the likelihood of Erdil, Besiroglu & Ho (2024)."""

__all__ = ["arrays", "erdil_2024", "fit", "model", "own", "own_folder", "readings"]
