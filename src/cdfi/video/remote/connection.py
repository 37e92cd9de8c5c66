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
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

from cdfi.common.download import PASSING, fetch

T = TypeVar("T")
TOKEN = "CDFI_TOKEN"  # environment variable
TIMEOUT = 30.0  # seconds for one answer
PATIENCE = 120.0  # seconds of failed attempts after which a server counts as gone
LONGEST_PAUSE = 5.0  # seconds between two attempts
PIECE = 1 << 24  # bytes of a file that are sent at a time
MOVED = 409  # answer to a piece that does not begin where the bytes at the server end


FAILURES = (HTTPException, OSError)  # of a request; the second is also the base of urllib's


class ServerGoneError(ConnectionError):
    """A server that has not answered for long."""


class RefusedError(OSError):
    """A request that the server refuses: its status, and the server's own line."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Retries:
    """The pauses between the attempts of one request, until it has failed for ``PATIENCE``.

    Args:
        server: shown in the error.
    """

    def __init__(self, server: str) -> None:
        self._server, self._pause = server, 0.2
        self._failing_since: float | None = None

    def wait(self, reason: object) -> None:
        """Wait before the next attempt.

        Args:
            reason: why the last attempt failed.

        Raises:
            ServerGoneError: the attempts have failed for too long.
        """
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        waited = now - self._failing_since
        if waited > PATIENCE:
            raise _gone(self._server, f" for {waited:.0f} s", reason)
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)


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

    def checked_name(self, name: str) -> str:
        """Return the name of a file or folder that the server has sent.

        Raises:
            ValueError: it would lead out of its folder.
        """
        if name in ("", ".", "..") or not {"/", "\\", "\0"}.isdisjoint(name):
            raise ValueError(f"{self.base} sent {name!r}: expected a plain name")
        return name

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
        """Send what the server lacks of a file, in pieces; continue after broken connections.

        Raises:
            RefusedError, ServerGoneError: as :meth:`ask`. The attempts count from the last byte
                that has arrived.
            OSError: the file cannot be read.
        """
        size, furthest, retries = file.stat().st_size, -1, Retries(self.base)
        reason: object = None
        with file.open("rb") as opened:
            while (have := self._received(path, query)) < size:
                if have > furthest:
                    furthest, retries = have, Retries(self.base)
                else:
                    retries.wait(reason)
                opened.seek(have)
                reason = self._try_piece(path, opened.read(PIECE), {**query, "offset": have})

    def download(self, path: str, target: Path, size: int) -> None:
        """Fetch a file; continue what an earlier call has left, and after broken connections.

        Raises:
            ServerGoneError: as :meth:`ask`. The attempts count from the last byte that arrived.
            OSError: the server refuses the request, or the disk is full.
        """
        part = target.with_name(f"{target.name}.part")
        furthest, retries = -1, Retries(self.base)
        while True:
            try:
                fetch(self.base + path, target, size=size, headers=self.headers)
                return
            except ConnectionError as error:
                have = part.stat().st_size if part.exists() else 0
                if have > furthest:
                    furthest, retries = have, Retries(self.base)
                retries.wait(error)

    def _received(self, path: str, query: Mapping[str, object]) -> int:
        """Return how many bytes of a file the server has."""
        answer = self._answered(lambda: self._send("GET", path, None, query), patient=True)
        return int(answer["received"])

    def _answered(self, send: Callable[[], T], patient: bool) -> T:
        """Return the result of ``send``, which is repeated while nothing answers."""
        retries = Retries(self.base)
        while True:
            try:
                return send()
            except FAILURES as error:
                reason = _passing(error)
            if not patient:
                raise _gone(self.base, "", reason)
            retries.wait(reason)

    def _try_piece(self, path: str, piece: bytes, query: Mapping[str, object]) -> object:
        """Send a piece of a file; return why it failed if it is worth another attempt."""
        try:
            self._send("PATCH", path, piece, query)
        except RefusedError as error:
            return error if error.status == MOVED else _passing(error)
        except FAILURES as error:
            return _passing(error)
        return "a piece of a file was lost"

    def _send(
        self,
        method: str,
        path: str,
        data: bytes | None,
        query: Mapping[str, object],
    ) -> Any:
        """Send one request, and return its JSON answer."""
        url = f"{self.base}{path}?{urlencode(query)}" if query else self.base + path
        request = urllib.request.Request(url, data, self.headers, method=method)
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


def _passing(error: Exception) -> object:
    """Return the reason of a failure that may pass; raise the error if it will not."""
    if isinstance(error, RefusedError) and error.status not in PASSING:
        raise error
    return getattr(error, "reason", None) or error


def _gone(server: str, since: str, reason: object) -> ServerGoneError:
    return ServerGoneError(
        f"{server} does not answer{since} ({reason}): start cdfi serve there, or check the address"
    )
