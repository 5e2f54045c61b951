"""The page served on this machine: access control, the queue of refits, and requests with their answers."""

__all__ = ["questions", "server"]
