"""Checks before every request: its host, its origin, the token, the rate; headers after it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cdfi.serve.answers import failure
from cdfi.serve.serve_config import ServeConfig

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Any, Send], Awaitable[None]]

COOKIE = "cdfi_token"
BURST = 6.0  # seconds of a client's rate that it may use at once
MOST_CLIENTS = 1000  # whose rates are remembered
READS = ("GET", "HEAD")

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """An ASGI application that checks requests before another one handles them."""

    def __init__(self, app: App, config: ServeConfig) -> None:
        self.app, self.config = app, config
        self._rates = _Rates(config.writes_per_second)

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), text.encode()) for name, text in HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *added]
            await send(message)

        refusal = self._refusal(scope) or self._sign_in(scope) or self._limit(scope)
        await (refusal or self.app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Any:
        """Return the answer to a request that is refused, or None."""
        headers = _headers(scope)
        host = headers.get("host", "")
        if not self.config.accepts_host(_name_of(host)):
            return failure(421, f"this server is not called {host!r}: use the URL that it printed")
        if scope["path"].startswith("/api/") and not _same_origin(headers, host):
            return failure(403, "requests of other sites are refused")
        return None

    def _limit(self, scope: Scope) -> Any:
        """Return the answer to a client that sends too many requests that change something."""
        is_content = scope["method"] == "PATCH"  # of an upload, in many pieces
        client = (scope.get("client") or ("",))[0]
        if scope["method"] in READS or is_content or self._rates.allow(client):
            return None
        return failure(429, "too many requests: wait a second")

    def _sign_in(self, scope: Scope) -> Any:
        """Check the token; a URL with the token is answered by a cookie and a redirect."""
        token = self.config.token
        if token is None:
            return None
        headers = _headers(scope)
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if scope["path"] == "/" and _equal(query.get("token", [""])[0], token):
            return _redirect(token)
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if _equal(bearer, token) or _equal(_cookie(headers.get("cookie", "")), token):
            return None
        return failure(401, "open the URL with the token that cdfi serve printed")


class _Rates:
    """A token bucket for each client, for the requests that are handled."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._left: dict[str, tuple[float, float]] = {}  # client -> requests left, at a time

    def allow(self, client: str) -> bool:
        """Return whether ``client`` may send one more request now."""
        now, most = time.monotonic(), self.rate * BURST
        left, since = self._left.pop(client, (most, now))
        left = min(left + (now - since) * self.rate, most)
        allowed = left >= 1
        self._left[client] = (left - allowed, now)  # a refused request costs nothing
        if len(self._left) > MOST_CLIENTS:
            del self._left[next(iter(self._left))]
        return allowed


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers of a request by their names in lower case."""
    return {name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]}


def _same_origin(headers: dict[str, str], host: str) -> bool:
    """Return whether a request comes from our page or from a client that is not a browser."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == host.lower()


def _name_of(host: str) -> str:
    """Return the name in a Host header, without the port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _cookie(text: str) -> str:
    """Return the token in a Cookie header, or ""."""
    pairs = (part.strip().partition("=") for part in text.split(";"))
    return next((value for name, _, value in pairs if name == COOKIE), "")


def _equal(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode(), token.encode())


def _redirect(token: str) -> App:
    """Return an answer that stores the token in a cookie and removes it from the URL."""

    async def respond(scope: Scope, receive: Any, send: Send) -> None:
        cookie = f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict"
        headers = [(b"location", b"/"), (b"set-cookie", cookie.encode())]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return respond
