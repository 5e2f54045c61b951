"""Access control of the local server: it answers the browser that opened the printed address, no other page, program or user.

The token in the printed address works once. It is exchanged for a cookie, another secret, and removed from the address.
"""

from __future__ import annotations

import hmac
import secrets

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HEADERS", "LOOPBACK", "Admission"]

LOOPBACK = "127.0.0.1"
"""The only address that is served."""

HTTP_PORT = 80
"""The port that a browser leaves out of an address."""

SECRET_BYTES = 32
"""Bytes of the token and of the cookie."""

HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every answer."""

NO_COOKIE = "Open the address that sie explore printed: it holds a token, which this request does not have."

USED = (
    "This address was used before. Use the window that it opened then;"
    " if there is none, stop sie explore with Ctrl-C and start it again."
)

OTHER_SITE = "This request comes from another site. Copy the address that sie explore printed into the browser's address bar."


class Admission:
    """An application behind the checks of host, origin, token and cookie; every answer has HEADERS.

    Parameters
    ----------
    app : ASGI application
        What answers the requests that are let in.
    port : int
        The port on which it is served; part of the cookie's name, since browsers send a cookie to every port of a host.

    Attributes
    ----------
    token : str
        What the first address must hold.
    cookie : str
        Name of the cookie.
    """

    def __init__(self, app: ASGIApp, *, port: int) -> None:
        self.token, self.cookie = secrets.token_urlsafe(SECRET_BYTES), f"sie_explore_{port}"
        self._app, self._key, self._unused = app, secrets.token_urlsafe(SECRET_BYTES), True
        names = (LOOPBACK, "localhost")
        self._hosts = {f"{name}:{port}" for name in names} | (set(names) if port == HTTP_PORT else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        answer = self._instead(Request(scope)) or self._app
        await answer(scope, receive, send_with_headers)

    def _instead(self, request: Request) -> Response | None:
        """The response sent instead of the application's: a refusal, or the cookie in exchange for the token."""
        headers = request.headers
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return _refusal(f"Only {' and '.join(sorted(self._hosts))} are served.")
        origins, sites = headers.getlist("origin"), headers.getlist("sec-fetch-site")
        if set(origins) - {f"http://{hosts[0]}"} or set(sites) - {"same-origin", "none"}:
            return _refusal(OTHER_SITE)
        has_cookie = _same(request.cookies.get(self.cookie, ""), self._key)
        token = request.query_params.get("token")
        if request.url.path != "/" or request.method != "GET" or token is None:
            return None if has_cookie else _refusal(NO_COOKIE)
        if _same(token, self.token) and self._unused:
            self._unused = False
        elif not has_cookie:
            return _refusal(USED if _same(token, self.token) else NO_COOKIE)
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(self.cookie, self._key, path="/", httponly=True, samesite="strict")
        return answer


def _same(found: str, secret: str) -> bool:
    return hmac.compare_digest(found.encode(), secret.encode())


def _refusal(sentence: str) -> Response:
    return PlainTextResponse(f"{sentence}\n", status_code=403)
