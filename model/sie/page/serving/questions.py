"""What the page asks its server: an edited view, and the answer as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...base.errors import DataError, plain
from ...base.reading import parse_json
from ...data.bibliography import Source
from ...data.priors import parse_view
from ...data.schema import Field, checked, whole, words
from ...data.weights import read_weights

if TYPE_CHECKING:
    from ...inference.workbench import Workbench

__all__ = ["Question", "read_question", "refit"]

MOST_TOML = 200_000
"""Bytes of a view in a request."""

MOST_NAME = 100
"""Bytes of a view's name in a request, and of a session's."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A request for a refit: a view, the levels of its evidence, and which request of which session it is."""

    toml: str
    name: str
    levels: Mapping[str, str]
    mechanism: str
    whole: bool
    session: str
    serial: int

    @property
    def key(self) -> bytes:
        """The same for questions that have the same answer."""
        parts = [self.name, self.toml, sorted(self.levels.items()), self.mechanism, self.whole]
        return hashlib.sha256(json.dumps(parts).encode()).digest()


def _levels(found: Any) -> Mapping[str, str] | None:
    is_levels = isinstance(found, dict) and all(isinstance(level, str) for level in found.values())
    return found if is_levels else None


def _short(found: Any) -> str | None:
    is_short = isinstance(found, str) and found.isprintable() and 0 < len(found.encode()) <= MOST_NAME
    return found if is_short else None


FIELDS = {
    "toml": words("the text of a view file"),
    "name": Field(_short, f"a name of at most {MOST_NAME} bytes that can be printed"),
    "levels": Field(_levels, "levels by domain"),
    "mechanism": Field(
        lambda found: found if found == "" else _short(found),
        "the name of a mechanism, or nothing for the view's own",
    ),
    "whole": Field(lambda found: found if isinstance(found, bool) else None, "true or false"),
    "session": Field(_short, f"an id of at most {MOST_NAME} bytes that can be printed"),
    "serial": whole(),
}
"""The keys of a request."""


def read_question(body: bytes) -> Question:
    """The question in the body of a request.

    Parameters
    ----------
    body : bytes
        Strict JSON.

    Returns
    -------
    Question
        Checked, except for the view and the levels.

    Raises
    ------
    DataError
        For anything else.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise DataError("request", plain("bytes that are not UTF-8"), "UTF-8 text") from None
    return Question(**checked("request", parse_json("request", text), FIELDS, want="an object"))


def refit(question: Question, *, bench: Workbench, folder: Path | None, works: Mapping[str, Source]) -> bytes:
    """The payload of a question's view as JSON, from a fit of this very view; what an edit needs of it where not the whole is asked for.

    Parameters
    ----------
    question : Question
        View and levels.
    bench : Workbench
        With the evidence.
    folder : Path or None
        The folder that the evidence was read from; None for the bundled one.
    works : mapping of str to Source
        The bibliography that a view must cite.

    Returns
    -------
    bytes
        Strict JSON.

    Raises
    ------
    DataError
        For a view or levels that `sie report` would refuse.
    NotConverged
        As in `fit`.
    """
    from ..payload import refitted, view_payload

    size = len(question.toml.encode())
    if size > MOST_TOML:
        raise DataError(f"{question.name}.toml", plain(f"{size} bytes"), f"at most {MOST_TOML}")
    view = parse_view(question.name, question.toml, sources=works)
    mechanisms = [question.mechanism] if question.mechanism else []
    if mechanisms and question.mechanism not in (known := read_weights().mechanisms):
        raise DataError("request mechanism", question.mechanism, "one of " + ", ".join(known))
    if question.whole:
        payload = view_payload(
            view,
            bench.evidence,
            levels=question.levels,
            seed=bench.seed,
            draws=bench.draws,
            mechanisms=None,
            folder=folder,
            works=works,
        )
    else:
        payload = refitted(bench, view, levels=question.levels, mechanisms=mechanisms)
    return json.dumps(payload, allow_nan=False, separators=(",", ":")).encode()
