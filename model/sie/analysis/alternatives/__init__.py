"""What an answer is under other choices that could be defended: what each choice changes, and all of them and their pairs."""

__all__ = ["curve", "specification", "stored", "summary"]
