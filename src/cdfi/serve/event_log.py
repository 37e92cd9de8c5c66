"""Server-sent events: one numbered list that all open pages read at their own speed."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable

KEPT = 2000  # events that are kept for pages that connect again
QUIET = 15.0  # seconds after which a comment keeps the connection open
_NUMBER = re.compile(r"[0-9]{1,15}")  # of an event
RETRY = 1500  # milliseconds after which a browser connects again


class EventLog:
    """Events in order. All methods belong to the event loop's thread.

    An event's id is ``<run>-<number>``, which distinguishes it from events of an earlier run of the
    server.
    """

    def __init__(self) -> None:
        self.run = secrets.token_hex(4)
        self.last = 0
        self._kept: deque[bytes] = deque(maxlen=KEPT)
        self._changed = asyncio.Event()
        self._closed = False

    def add(self, kind: str, values: object) -> None:
        """Add an event; its data is ``values`` as JSON."""
        self.last += 1
        self._kept.append(self._encoded(kind, values))
        self._wake()

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        self._wake()

    async def follow(self, seen: str, snapshot: Callable[[], object]) -> AsyncIterator[bytes]:
        """Yield the events after the one with the id ``seen``, as they are sent to a browser.

        If those are no longer kept, the stream begins with an event ``snapshot``.

        Args:
            seen: id of the last event that the page received, or "".
            snapshot: returns the state that the events describe changes of.
        """
        yield f"retry: {RETRY}\n\n".encode()
        position = self._position(seen)
        while not self._closed:
            if position is None or position < self.last - len(self._kept):
                position = self.last
                yield self._encoded("snapshot", snapshot())
            changed = self._changed
            while position < self.last and position >= self.last - len(self._kept):
                event = self._kept[position - self.last + len(self._kept)]
                position += 1
                yield event
            if position == self.last and not self._closed:
                try:
                    await asyncio.wait_for(changed.wait(), QUIET)
                except asyncio.TimeoutError:
                    yield b": quiet\n\n"

    def _position(self, seen: str) -> int | None:
        """Return the number of the event ``seen``; None if it is not of this run."""
        run, _, number = seen.partition("-")
        if run != self.run or not _NUMBER.fullmatch(number) or int(number) > self.last:
            return None
        return int(number)

    def _encoded(self, kind: str, values: object) -> bytes:
        data = json.dumps(values, separators=(",", ":"))
        return f"id: {self.run}-{self.last}\nevent: {kind}\ndata: {data}\n\n".encode()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
