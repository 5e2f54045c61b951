"""The explorer: a marimo app (`app.py`) whose cells call the small functions of the modules beside it.

`state` holds what a user edited, `controls` the sliders, `tables` and `figures` what is shown, `files` what leaves the app.
"""

__all__ = ["serve"]
