"""Read the log of a running job: progress lines, and messages."""

from __future__ import annotations

import json
import time
from collections import deque
from pathlib import Path
from typing import Any

WINDOW = 20.0  # seconds over which the rate is measured
LEAST = 0.5  # seconds of measurements below which the rate is unknown
MOST_BYTES = 1 << 20  # of a log that are read at a time
MOST_MESSAGES = 20
LONGEST = 2000  # characters of a message


class JobLog:
    """The progress of one run, updated from its log.

    Attributes:
        done: frames written.
        total: frames in all; None while it is unknown.
        messages: the last lines that are not progress.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: int | None = None
        self.total: int | None = None
        self.messages: deque[str] = deque(maxlen=MOST_MESSAGES)
        self._offset = 0
        self._rest = b""
        self._seen: deque[tuple[float, int]] = deque()

    def update(self) -> bool:
        """Read what was added; return whether anything was."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                data = file.read(MOST_BYTES)
        except OSError:
            return False
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-LONGEST:]
        for line in lines:
            self._read(line.decode("utf-8", "replace").strip())
        self._measure()
        return bool(lines)

    def finish(self) -> None:
        """Read to the end, after the process has ended."""
        while self.update():
            pass
        if self._rest:
            self._read(self._rest.decode("utf-8", "replace").strip())
            self._rest = b""

    @property
    def rate(self) -> float | None:
        """Frames per second in the last seconds, or None while it is unknown."""
        if len(self._seen) < 2:
            return None
        (begin, first), (end, last) = self._seen[0], self._seen[-1]
        return (last - first) / (end - begin) if end - begin > LEAST and last > first else None

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take, or None while it is unknown."""
        if self.rate is None or self.total is None or self.done is None:
            return None
        return max(self.total - self.done, 0) / self.rate

    @property
    def error(self) -> str:
        """The last error line of the command, else the last line, else ""."""
        named = [line for line in self.messages if line.startswith("cdfi: ")]
        last = (named or [*self.messages] or [""])[-1]
        return last.removeprefix("cdfi: ")

    def _read(self, line: str) -> None:
        progress = _progress(line)
        if progress is None:
            if line:
                self.messages.append(line[:LONGEST])
            return
        self.done, self.total = progress

    def _measure(self) -> None:
        """Remember when the latest number of frames was read."""
        now = time.monotonic()
        if self.done is not None and (not self._seen or self._seen[-1][1] != self.done):
            self._seen.append((now, self.done))
        while len(self._seen) > 2 and now - self._seen[0][0] > WINDOW:
            self._seen.popleft()


def _progress(line: str) -> tuple[int, int | None] | None:
    """Return the numbers of a progress line; None for other lines."""
    if not line.startswith('{"progress"'):
        return None
    try:
        values: dict[str, Any] = json.loads(line)["progress"]
        return int(values["done"]), None if values["total"] is None else int(values["total"])
    except (ValueError, KeyError, TypeError):
        return None
