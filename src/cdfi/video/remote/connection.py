"""Requests of a worker to ``cdfi serve``: the token, repeats after a failure, clear errors."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

from cdfi.common.download import fetch

T = TypeVar("T")
TOKEN = "CDFI_TOKEN"  # environment variable
TIMEOUT = 30.0  # seconds for one answer
PATIENCE = 120.0  # seconds without any answer after which a server counts as gone
LONGEST_PAUSE = 5.0  # seconds between two attempts
BUSY = (429, 502, 503, 504)


class ServerGoneError(ConnectionError):
    """A server that has not answered for long."""


class RefusedError(OSError):
    """A request that the server refuses: its status, and the server's own line."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def is_url(word: str) -> bool:
    """Return whether a word names a server, not a folder."""
    return word.startswith(("http://", "https://"))


class ServerConnection:
    """A server, and the token for it.

    Args:
        url: that ``cdfi serve`` printed, with ``?token=TOKEN`` or ``#TOKEN``; without a token,
            that of the environment variable ``CDFI_TOKEN`` is sent.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if not parts.netloc:
            raise ValueError(f"{url}: expected the URL that cdfi serve printed")
        self.base = f"{parts.scheme}://{parts.netloc}"
        given = parse_qs(parts.query).get("token", [parts.fragment.removeprefix("token=")])[0]
        token = given or os.environ.get(TOKEN, "")
        self.headers = {"User-Agent": "cdfi"}
        self.headers |= {"Authorization": f"Bearer {token}"} if token else {}

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        patient: bool = True,
        **query: object,
    ) -> Any:
        """Return the JSON answer to a request.

        Args:
            method: GET, POST, PUT or DELETE.
            path: below the server's URL.
            body: is sent as JSON.
            patient: repeat the request for two minutes if nothing answers.
            query: parameters in the URL.

        Raises:
            RefusedError: the server answered with an error.
            ServerGoneError: it does not answer.
        """
        data = None if body is None else json.dumps(body).encode()
        return self._answered(lambda: self._send(method, path, data, query), patient)

    def append(self, path: str, file: Path, **query: object) -> None:
        """Send what the server lacks of a file; continue after broken connections.

        Raises:
            RefusedError, ServerGoneError: as :meth:`ask`.
        """
        size = file.stat().st_size

        def send() -> None:
            have = self._send("GET", path, None, query)["received"]
            if have < size:
                with file.open("rb") as opened:
                    opened.seek(have)
                    self._send("PATCH", path, opened, {**query, "offset": have}, size - have)

        while self._answered(lambda: self._send("GET", path, None, query))["received"] != size:
            self._answered(send)

    def download(self, path: str, target: Path, size: int) -> None:
        """Fetch a file; continue what an earlier call has left.

        Raises:
            OSError: the server does not answer, or the disk is full.
        """
        fetch(self.base + path, target, size=size, headers=self.headers)

    def _answered(self, send: Callable[[], T], patient: bool = True) -> T:
        """Return the result of ``send``, which is repeated while nothing answers."""
        begin, pause = time.monotonic(), 0.2
        while True:
            try:
                return send()
            except RefusedError as error:
                if error.status not in BUSY:
                    raise
                reason: object = error
            except (urllib.error.URLError, HTTPException, OSError) as error:
                reason = getattr(error, "reason", None) or error
            waited = time.monotonic() - begin
            if not patient or waited > PATIENCE:
                since = f" for {waited:.0f} s" if patient else ""
                raise ServerGoneError(
                    f"{self.base} does not answer{since} ({reason}): start cdfi serve there, or "
                    "check the address"
                )
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _send(
        self,
        method: str,
        path: str,
        data: bytes | IO[bytes] | None,
        query: Mapping[str, object],
        length: int | None = None,
    ) -> Any:
        """Send one request, and return its JSON answer."""
        url = f"{self.base}{path}?{urlencode(query)}" if query else self.base + path
        headers = dict(self.headers)
        if length is not None:
            headers["Content-Length"] = str(length)
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as reply:
                return json.loads(reply.read())
        except urllib.error.HTTPError as error:
            raise self._refused(error) from None
        except ValueError as error:
            raise RefusedError(0, f"{self.base} is not cdfi serve: expected JSON") from error

    def _refused(self, error: urllib.error.HTTPError) -> RefusedError:
        """Return an error with the server's line, or with one of ours."""
        if error.code == 401:
            return RefusedError(
                401,
                f"{self.base}: the token is missing or wrong: give the whole URL that cdfi serve "
                f"printed, or set {TOKEN}",
            )
        try:
            text = str(json.loads(error.read())["error"])
        except (OSError, ValueError, LookupError, TypeError, HTTPException):
            text = f"the server answered {error.code} {error.reason}"
        return RefusedError(error.code, f"{self.base}: {text}")
