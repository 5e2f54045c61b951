"""Compiled functions that integrate one path of `law` (`path`) and read levels, times and windows off it, without a clock
(`windows`) and on one (`clock`, `clock_search`); on either, when it first does something (`first_times`)."""

__all__ = ["clock", "clock_search", "first_times", "path", "windows"]
