"""r from raw histories of outputs and effort, and the likelihood of Erdil, Besiroglu & Ho (2024)."""
