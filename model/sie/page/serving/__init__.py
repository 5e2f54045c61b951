"""The page served on this machine: who is answered, in which order, and what."""

__all__ = ["questions", "server"]
