"""The page as one self-contained HTML file: templates, style, modules of JavaScript and data, under a strict policy.

Modules lie in an import map of `data:` addresses, so that the file opens without a server or a request. Data is JSON with every `<`
escaped; the modules insert it as text, never as markup.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ..data.wording import percent
from .equations import blocks, parts, variables

__all__ = ["MODULES", "index", "render"]

FOLDER = Path(__file__).parent
WEB = FOLDER / "web"

MODULES = ("families", "weights", "state", "dom", "figures", "answer", "controls", "files", "screen", "main")
"""The page's modules, each after those that it imports."""

ASKED = {"r_above_1": "r at ASARA above 1", "years_3_in_1y": "3 years of progress within some year"}
"""The questions of the index, in words."""

FIGURES = (
    ("chain", "From r of language models to r at ASARA"),
    ("drivers", "What drives it"),
    ("fan", "Software after ASARA"),
    ("progress", "At least X years of progress"),
)
"""Figures below the controls, with their headings."""


def render(
    payloads: Sequence[dict[str, Any]],
    *,
    served: bool = False,
    date: datetime.date | None = None,
    calibrations: Sequence[str] = (),
) -> str:
    """The page of one or several views.

    Parameters
    ----------
    payloads : sequence of dict
        From `payload_of`; the first view is the one shown at first.
    served : bool, optional
        Whether the page is served by `sie explore`, which can refit.
    date : datetime.date, optional
        The date of the citation (default: today).
    calibrations : sequence of str, optional
        What calibrations of the views found, a paragraph each.

    Returns
    -------
    str
        HTML; the same bytes for the same payloads and date.
    """
    style = (WEB / "page.css").read_text(encoding="utf-8")
    importmap = json.dumps({"imports": {name: _module(name) for name in MODULES[:-1]}})
    entry = (WEB / "main.js").read_text(encoding="utf-8")
    document = {
        "views": list(payloads),
        "served": served,
        "date": (date or datetime.date.today()).isoformat(),
    }
    first = payloads[0]
    return (
        _environment()
        .get_template("page.html")
        .render(
            title=f"{first['label']}: how likely is a software intelligence explosion?",
            policy="; ".join(
                (
                    "default-src 'none'",
                    f"script-src {_hash(importmap)} {_hash(entry)} data:",
                    f"style-src {_hash(style)}",
                    "img-src data: blob:",
                    f"connect-src {chr(39)}self{chr(39)}" if served else "connect-src 'none'",
                    "base-uri 'none'",
                    "form-action 'none'",
                )
            ),
            style=Markup(style),
            importmap=Markup(importmap),
            entry=Markup(entry),
            data=Markup(json.dumps(document, allow_nan=False, sort_keys=True).replace("<", "\\u003c")),
            summary=(first["alternatives"] or {}).get("sentence", ""),
            figures=FIGURES,
            calibrations=calibrations,
            blocks=blocks(),
            variables=variables(),
        )
    )


def index(payloads: Sequence[dict[str, Any]]) -> str:
    """The list of a site's pages, with each view's answer to two questions.

    Parameters
    ----------
    payloads : sequence of dict
        From `payload_of`, without their draws, in the order of the list.

    Returns
    -------
    str
        HTML.
    """
    style = (WEB / "page.css").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("index.html")
        .render(
            policy=f"default-src 'none'; style-src {_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'",
            style=Markup(style),
            sentence=next(
                (each["alternatives"]["sentence"] for each in payloads if each["alternatives"]), ""
            ),
            asked=ASKED,
            views=payloads,
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"parts": parts, "percent": percent}
    return environment


def _module(name: str) -> str:
    source = (WEB / f"{name}.js").read_bytes()
    return f"data:text/javascript;base64,{base64.b64encode(source).decode()}"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
