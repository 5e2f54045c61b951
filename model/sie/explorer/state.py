"""What a user of the explorer has edited, as data: an author's view, other priors, reflected rows, levels of the evidence.

An edit is a `View` like any other; undoing it gives the author's own entries back, quotes included. A state fits in the query
of a URL. It knows no screen.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import tempfile
import zlib
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ..base.errors import DataError, plain
from ..data.bibliography import Source
from ..data.families import Prior
from ..data.priors import View, read_view, to_toml, view_names
from ..data.wording import prior_in_words

__all__ = [
    "MECHANISM",
    "State",
    "edited",
    "from_query",
    "mechanisms",
    "read_upload",
    "start",
    "to_query",
    "write_query",
]

MECHANISM = ("labour_share", "sigma", "experiment_gain", "shape")
"""The growth inputs that say how research turns compute and labour into software."""

MOST_BYTES = 200_000
"""Bytes of an uploaded view."""

MOST_LETTERS = 100
"""Bytes of an uploaded view's name."""

EDITED = "_edited"
"""What the name of an edited view ends in."""

_BETWEEN, _WITHIN = ":", "~"


@dataclass(frozen=True, kw_only=True)
class State:
    """An author's view and what was changed in it: priors by quantity, and the rows that it reflects.

    `levels` is no part of a view: the level of each domain that does not enter at its default (`sie.usable`).
    """

    author: View
    priors: Mapping[str, Prior]
    reflects: tuple[str, ...]
    levels: Mapping[str, str] = MappingProxyType({})

    def prior(self, name: str) -> Prior:
        """The prior of a quantity as it now is."""
        return self.priors.get(name, self.author[name].prior)

    def changed(self, **priors: Prior) -> State:
        """With other priors; one that equals the author's is no change. Raises DataError for one out of its range."""
        self.author.replace(**priors)
        now = {**self.priors, **priors}
        kept = {name: prior for name, prior in now.items() if prior != self.author[name].prior}
        return dataclasses.replace(self, priors=MappingProxyType(kept))

    def reflecting(self, rows: tuple[str, ...]) -> State:
        """With other rows that the view reflects, in the author's order, then in the given one."""
        ordered = [row for row in self.author.reflects if row in rows]
        ordered += [row for row in rows if row not in ordered]
        return dataclasses.replace(self, reflects=tuple(ordered))

    def at_levels(self, levels: Mapping[str, str]) -> State:
        """With other levels of the evidence, by domain."""
        return dataclasses.replace(self, levels=MappingProxyType(dict(sorted(levels.items()))))


def start(view: View, levels: Mapping[str, str] = MappingProxyType({})) -> State:
    """An author's view, unedited, at these levels of the evidence."""
    return State(author=view, priors=MappingProxyType({}), reflects=view.reflects).at_levels(levels)


def edited(state: State) -> View:
    """The view that a state stands for: the author's own where nothing is changed.

    A changed prior has basis `ours` and says in its note what it was.
    """
    author = state.author
    if not state.priors and state.reflects == author.reflects:
        return author
    checked = author.replace(**state.priors)
    entries = {
        name: entry.replaced(
            state.priors[name],
            locator="the explorer",
            note=f"was {prior_in_words(entry.prior)} in {author.label}",
        )
        if name in state.priors
        else entry
        for name, entry in author.entries.items()
    }
    return dataclasses.replace(
        checked,
        name=author.name if author.name.endswith(EDITED) else author.name + EDITED,
        label=author.label if author.name.endswith(EDITED) else f"{author.label}, edited",
        reflects=state.reflects,
        entries=MappingProxyType(entries),
    )


def mechanisms(view: View) -> dict[str, dict[str, Prior]]:
    """Mechanisms of growth by name: the view's own, none at all, and those of the bundled views, as priors of MECHANISM."""
    own = {name: view[name].prior for name in MECHANISM}
    one, none = Prior(family="fixed", numbers=(1,)), Prior(family="fixed", numbers=(0,))
    found = {
        "as the view states": own,
        "no bottleneck in compute (labour's share 1)": {
            **own,
            "labour_share": one,
            "sigma": one,
            "experiment_gain": none,
        },
    }
    for name in view_names():
        other = read_view(name)
        priors = {quantity: other[quantity].prior for quantity in MECHANISM}
        if priors not in found.values():
            found[f"as {other.label}"] = priors
    return found


def read_upload(name: str, content: bytes, sources: Mapping[str, Source] | None = None) -> View:
    """The view in an uploaded file, checked as `sie check` does. Raises DataError."""
    if not name.endswith(".toml"):
        raise DataError("upload", name, "a view file, NAME.toml")
    if not name.isprintable() or "/" in name or len(name.encode()) > MOST_LETTERS:
        raise DataError(
            "upload", name[:MOST_LETTERS], f"a name of at most {MOST_LETTERS} bytes that can be printed"
        )
    if len(content) > MOST_BYTES:
        raise DataError(name, plain(f"{len(content)} bytes"), f"at most {MOST_BYTES}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return dataclasses.replace(read_view(str(path), sources=sources), path=None)


def to_query(state: State) -> dict[str, str]:
    """The state as parameters of a URL: `view` (or `file`, a whole view) and one for each change."""
    author = state.author
    if author.name in view_names() and author.path is not None:
        query = {"view": author.name}
    else:
        packed = base64.urlsafe_b64encode(zlib.compress(to_toml(author).encode(), 9)).decode()
        query = {"name": author.name, "file": packed}
    if state.reflects != author.reflects:
        query["reflects"] = ",".join(state.reflects)
    if state.levels:
        query["levels"] = ",".join(f"{domain}{_BETWEEN}{level}" for domain, level in state.levels.items())
    return query | {name: _packed(prior) for name, prior in state.priors.items()}


def from_query(query: Mapping[str, str], *, sources: Mapping[str, Source] | None = None) -> State:
    """The state that `to_query` wrote. Raises DataError for what it could not have written."""
    query = dict(query)
    if "file" in query:
        view = read_upload(query.pop("name", "view") + ".toml", _unzipped(query.pop("file")), sources)
    else:
        name = query.pop("view", "")
        if name not in view_names():
            raise DataError("URL view", name, "one of " + ", ".join(view_names()))
        view = read_view(name, sources=sources)
    state = start(view)
    if "reflects" in query:
        state = state.reflecting(tuple(row for row in query.pop("reflects").split(",") if row))
    if "levels" in query:
        state = state.at_levels(_levels(query.pop("levels")))
    for name in query:
        if name not in view:
            raise DataError(
                f"URL {name}", plain("no quantity of this view"), "one of " + ", ".join(view.entries)
            )
    return state.changed(**{name: _unpacked(f"URL {name}", text) for name, text in query.items()})


def write_query(parameters: MutableMapping[str, str], state: State) -> None:
    """Bring the parameters of the page's address into line with a state, touching those only that differ."""
    wanted = to_query(state)
    for name in [name for name in parameters if name not in wanted]:
        del parameters[name]
    for name, value in wanted.items():
        if name not in parameters or parameters[name] != value:
            parameters[name] = value


def _unzipped(text: str) -> bytes:
    reader = zlib.decompressobj()
    try:
        content = reader.decompress(base64.urlsafe_b64decode(text), MOST_BYTES)
    except (zlib.error, binascii.Error, ValueError):
        raise DataError("URL file", plain("something else"), "a view as the explorer writes it") from None
    if reader.unconsumed_tail:
        raise DataError("URL file", plain(f"more than {MOST_BYTES} bytes"), "a smaller view")
    return content


def _levels(text: str) -> dict[str, str]:
    """Levels by domain. Which there are, evidence says."""
    levels = {}
    for part in text.split(","):
        domain, between, level = part.rpartition(_BETWEEN)
        if not between or not domain or domain in levels:
            raise DataError("URL levels", part, "each domain once and its level, as in computer chess:series")
        levels[domain] = level
    return levels


def _packed(prior: Prior) -> str:
    head = _BETWEEN.join([prior.family, *(repr(number) for number in prior.numbers)])
    return _WITHIN.join([head, *(_packed(part) for part in prior.parts)])


def _unpacked(where: str, text: str) -> Prior:
    head, *parts = text.split(_WITHIN)
    family, *numbers = head.split(_BETWEEN)
    try:
        values = tuple(float(number) for number in numbers)
    except ValueError:
        raise DataError(where, text, "a family and its numbers, as in lognormal:1.5:3") from None
    return Prior(family=family, numbers=values, parts=tuple(_unpacked(where, part) for part in parts))
