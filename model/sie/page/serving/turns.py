"""The queue of refits, and a cache of answers.

One refit runs at a time. Sessions (tabs of a browser) take turns, and each has one request in the queue, its latest.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

__all__ = ["Answers", "Busy", "Superseded", "Turns"]

MOST_WAITING = 64
"""Sessions that wait for their turn at a time."""


class Superseded(Exception):
    """A newer request of the same session has come."""


class Busy(Exception):
    """Too many sessions wait."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Request:
    session: str
    serial: int
    woken: anyio.Event = field(default_factory=anyio.Event)


class Turns:
    """A queue with one place a session; for the coroutines of one thread.

    Nothing is kept of a session that has no request running or waiting.
    """

    def __init__(self) -> None:
        self._running: _Request | None = None
        self._waiting: dict[str, _Request] = {}

    def __len__(self) -> int:
        """Requests that run or wait."""
        return len(self._waiting) + (self._running is not None)

    def supersede(self, session: str, serial: int) -> None:
        """Drop the request of the session that waits, since this one is answered without a turn. Raises Superseded if that is newer."""
        self._refuse_older(session, serial)
        if (older := self._waiting.pop(session, None)) is not None:
            older.woken.set()

    @asynccontextmanager
    async def turn(self, session: str, serial: int) -> AsyncIterator[None]:
        """Wait for the turn of a request, which lasts as long as the block.

        Parameters
        ----------
        session : str
            Whose request it is.
        serial : int
            Its place among the requests of the session.

        Raises
        ------
        Superseded
            Where a newer request of the session runs or waits, or comes while this one waits.
        Busy
            Where MOST_WAITING other sessions wait.
        """
        self._refuse_older(session, serial)
        mine, older = _Request(session=session, serial=serial), self._waiting.get(session)
        if self._running is None:
            self._running = mine
        elif older is None and len(self._waiting) >= MOST_WAITING:
            raise Busy
        else:
            self._waiting[session] = mine  # in the place of the older one
            if older is not None:
                older.woken.set()
        try:
            if self._running is not mine:
                await mine.woken.wait()
                if self._running is not mine:
                    raise Superseded
            yield
        finally:
            if self._running is mine:
                self._pass_on()
            elif self._waiting.get(session) is mine:
                del self._waiting[session]

    def _refuse_older(self, session: str, serial: int) -> None:
        for other in (self._running, self._waiting.get(session)):
            if other is not None and other.session == session and other.serial > serial:
                raise Superseded

    def _pass_on(self) -> None:
        first = next(iter(self._waiting), None)
        self._running = self._waiting.pop(first) if first is not None else None
        if self._running is not None:
            self._running.woken.set()


class Answers:
    """The answers that were used last, up to a number and a size of them all.

    Parameters
    ----------
    most : int
        Answers that are kept.
    most_bytes : int
        Bytes of them all.
    """

    def __init__(self, *, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()

    def get(self, key: bytes) -> bytes | None:
        """The answer, which counts as used now."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def keep(self, key: bytes, answer: bytes) -> None:
        """Keep an answer, and drop those that were not used for longest where they are too many."""
        self._kept[key] = answer
        self._kept.move_to_end(key)
        while len(self._kept) > self._most or sum(map(len, self._kept.values())) > self._most_bytes:
            self._kept.popitem(last=False)
