"""Compiled functions that integrate one path of `law` and read levels, times and windows off it, with and without a clock."""
