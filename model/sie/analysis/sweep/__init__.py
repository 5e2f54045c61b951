"""Many fits at once: the file that states a sweep, its axes, and the runs of its cells."""
