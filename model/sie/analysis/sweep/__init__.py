"""Many fits at once: the file that states a sweep (`spec`), its axes, and the runs of its cells (`run`)."""

__all__ = ["run", "spec"]
