"""What drives an answer: variance shares, tornado and expected movement (`measures`), Shapley effects, crossings, power scaling."""

__all__ = ["crossings", "measures", "power", "shapley"]
