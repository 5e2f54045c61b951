"""The explorer's server: marimo's own, on the loopback address only, with the first fit made before it answers."""

from __future__ import annotations

import gc
import socket
import sys
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import DataError, plain
from ..inference.workbench import Workbench
from .figures import Shown, shown
from .painters import Painters
from .session import Desk, open_desk, use_painters

if TYPE_CHECKING:
    import uvicorn

__all__ = ["LOOPBACK", "serve"]

LOOPBACK = "127.0.0.1"
"""The only address that is served."""

SECONDS_BETWEEN_THREADS = 0.001
"""How soon a thread that draws figures gives way to one that answers an edit; Python's own 5 ms add up on the way there."""

SECONDS_TO_CLOSE = 1
"""How long open pages may keep the server from stopping."""


def serve(view: str, *, port: int, evidence: Path | None = None, browser: bool = True) -> None:
    """Serve the explorer of a view until interrupted; says its address on standard output. Raises DataError for bad input."""
    with _listener(port) as listener:
        desk = open_desk(view, evidence=evidence)
        print("sie explore: the first fit", file=sys.stderr, flush=True)
        desk = use_painters(desk, Painters(_before_evidence(desk)))
        desk.bench.answer(desk.first)
        address = f"http://{LOOPBACK}:{listener.getsockname()[1]}/"
        print(f"sie explore: {address} (stop with Ctrl-C)", flush=True)
        if browser:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        sys.setswitchinterval(SECONDS_BETWEEN_THREADS)
        gc.freeze()  # what is loaded by now stays, and need not be looked through in the middle of an edit
        _server().run(sockets=[listener])


def _before_evidence(desk: Desk) -> Shown:
    """What figures show of the first view as long as there is no fit."""
    bench = Workbench(None, seed=desk.bench.seed, draws=desk.bench.draws)
    return shown(bench.answer(desk.first), event="r_above_1")


def _server() -> uvicorn.Server:
    import marimo
    import uvicorn

    app = marimo.create_asgi_app(quiet=True).with_app(path="/", root=str(Path(__file__).with_name("app.py")))
    return uvicorn.Server(
        uvicorn.Config(
            app.build(),
            log_level="warning",
            timeout_graceful_shutdown=SECONDS_TO_CLOSE,
            ws_per_message_deflate=False,  # nothing leaves this machine
        )
    )


def _listener(port: int) -> socket.socket:
    """A socket on the loopback address, so that a port in use is refused before the work."""
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
