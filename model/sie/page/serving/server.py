"""The page served on this machine, with refits of edited views.

    GET /           the page
    POST /answer    {"toml": text of a view file, "name": of the view, "levels": {domain: level},
                    "mechanism": name or nothing, "session": id, "serial": n}
                    200 the payload of the view (`view_payload`)
                    400, 413, 422 {"problem": one line}: no such request, too large, a view that is refused or has no fit
                    409 {"problem": "superseded"}: a newer request of the session has come
                    503 {"problem": one line}: too many sessions wait

`admission` says who is answered, `turns` in which order, `questions` what.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

import anyio.to_thread
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from ...base.errors import DataError, NotConverged, in_one_line, plain
from .admission import LOOPBACK, Admission
from .questions import Question, read_question
from .turns import Answers, Busy, Superseded, Turns

__all__ = ["application", "listen", "serve"]

MOST_BODY = 300_000
"""Bytes of a request."""

MOST_CONNECTIONS = 128
"""Connections at a time."""

SECONDS_FOR_A_REQUEST = 20.0
"""Time for a whole request to come; a client that takes longer is no browser on this machine."""

NO_FILES = "accept() out of system resource"
"""What asyncio says, many times over, of a connection for which there is no file left; it goes on a second later."""

ANSWERS_KEPT = 12

MOST_BYTES_KEPT = 32 * 2**20
"""Bytes of the answers that are kept."""

Refit = Callable[[Question], bytes]
"""The answer to a question as JSON. Raises DataError or NotConverged."""


def application(page: str, refit: Refit, *, port: int) -> Admission:
    """The ASGI application: a page, and refits for it.

    Parameters
    ----------
    page : str
        The HTML.
    refit : callable
        From a question to its answer; called in another thread, one call at a time.
    port : int
        The port on which it is served.

    Returns
    -------
    Admission
        The application; its `token` belongs into the address.
    """
    content, turns = page.encode(), Turns()
    answers = Answers(most=ANSWERS_KEPT, most_bytes=MOST_BYTES_KEPT)

    async def show(request: Request) -> Response:
        return HTMLResponse(content)

    async def icon(request: Request) -> Response:
        return Response(status_code=204)

    async def answer(request: Request) -> Response:
        if (body := await _body(request)) is None:
            return _problem(413, str(DataError("request", plain("more bytes"), f"at most {MOST_BODY}")))
        try:
            question = read_question(body)
        except DataError as error:
            return _problem(400, str(error))
        key = question.key
        try:
            if (found := answers.get(key)) is not None:
                turns.supersede(question.session, question.serial)
                return _json(found)
            async with turns.turn(question.session, question.serial):
                if (found := answers.get(key)) is None:  # another session may have asked the same
                    if await request.is_disconnected():
                        raise Superseded
                    found = await anyio.to_thread.run_sync(refit, question, abandon_on_cancel=True)
                    answers.keep(key, found)
                return _json(found)
        except Superseded:
            return _problem(409, "superseded")
        except Busy:
            return _problem(503, "sie explore: found too many open tabs, want fewer")
        except (DataError, NotConverged) as error:
            return _problem(422, str(error))

    routes = [
        Route("/", show),
        Route("/favicon.ico", icon),
        Route("/answer", answer, methods=["POST"]),
    ]
    handlers = {HTTPException: _nothing_here, Exception: _fault}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return Admission(app, port=port)


def listen(port: int) -> socket.socket:
    """A socket on the loopback address, so that a port in use is refused before the work.

    Parameters
    ----------
    port : int
        0 for any that is free.

    Returns
    -------
    socket.socket
        A listening socket.

    Raises
    ------
    DataError
        If the port number is out of range or the port is in use.
    """
    if not 0 <= port <= 65535:
        raise DataError("--port", port, "a number from 0 to 65535")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise DataError(
            f"--port {port}", plain(error.strerror or str(error)), "a port that is free"
        ) from None
    return listener


def serve(page: str, refit: Refit, *, listener: socket.socket, browser: bool) -> None:
    """Serve a page and its refits until interrupted; says its address on standard output.

    Parameters
    ----------
    page : str
        The HTML.
    refit : callable
        From a question to its answer.
    listener : socket.socket
        From `listen`.
    browser : bool
        Whether to open a browser.
    """
    port = listener.getsockname()[1]
    app = application(page, refit, port=port)
    address = f"http://{LOOPBACK}:{port}/?token={app.token}"
    print(f"sie explore: {address} (stop with Ctrl-C)", flush=True)
    if browser:
        threading.Thread(target=partial(webbrowser.open, address), daemon=True).start()
    gc.freeze()  # so that no garbage collection scans the loaded modules during a refit
    logging.getLogger("asyncio").addFilter(lambda record: NO_FILES not in record.getMessage())
    _server(app).run(sockets=[listener])


class _InTime(H11Protocol):
    """A connection, one of at most `most`, that is ended where no whole request comes in time."""

    most = MOST_CONNECTIONS
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        open_now = [
            each for each in self.connections if isinstance(each, _InTime) and not each.transport.is_closing()
        ]
        if len(open_now) > self.most:  # one that has asked for nothing yet makes way
            waiting = (each for each in open_now if each.cycle is None and each is not self)
            next(waiting, self).transport.abort()
        self._wait()

    def data_received(self, data: bytes) -> None:
        if self._deadline is None:
            self._wait()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(SECONDS_FOR_A_REQUEST, self._give_up)

    def _give_up(self) -> None:
        self._deadline = None
        if self.cycle is None or self.cycle.more_body or self.cycle.response_complete:
            self.transport.abort()


def _most_connections() -> int:
    """Connections at a time: at most an eighth of the files that this process may open."""
    if sys.platform == "win32":
        return MOST_CONNECTIONS
    import resource

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if files == resource.RLIM_INFINITY else max(1, min(MOST_CONNECTIONS, files // 8))


def _server(app: Admission) -> uvicorn.Server:
    """The HTTP server. Signals stay with the command line, which ends at once, also in the middle of a refit."""
    most = _most_connections()
    found = uvicorn.Server(
        uvicorn.Config(
            app,
            access_log=False,
            backlog=max(
                1, most // 2
            ),  # so many are accepted at once, a few times over before the first is ended
            http=type("InTime", (_InTime,), {"most": most}),
            lifespan="off",
            loop="asyncio",
            log_level="error",
            proxy_headers=False,
            server_header=False,
            ws="none",
        )
    )
    found.capture_signals = nullcontext  # pyright: ignore[reportAttributeAccessIssue]
    return found


async def _body(request: Request) -> bytes | None:
    """The body of a request, None if it is too large; of that no more is read than need be."""
    if int(request.headers.get("content-length", 0)) > MOST_BODY:
        return None
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BODY:
                return None
    except ClientDisconnect:
        return b""  # nobody reads the answer
    return bytes(body)


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")


def _problem(status: int, problem: str) -> Response:
    return JSONResponse({"problem": in_one_line(problem)}, status_code=status)


async def _nothing_here(request: Request, error: Exception) -> Response:
    """The response to any other address or method."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    what = "Nothing is at this address" if status == 404 else "This address does not answer such a request"
    return PlainTextResponse(f"{what}; the page of sie explore is at /.\n", status_code=status)


async def _fault(request: Request, error: Exception) -> Response:
    """A fault of the program; its trace is on standard error."""
    return _problem(
        500, f"sie explore: found a fault of the program ({type(error).__name__}), want a report of it"
    )
