"""Progress as lines of JSON, for programs that run a command."""

import json
import time
from typing import TextIO

INTERVAL = 0.2  # seconds between two lines


class ProgressLines:
    """Write ``{"progress": {"done": N, "total": M}}`` at most five times a second.

    The first and the last call always write a line. ``total`` is null while it is unknown.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._written_at = float("-inf")

    def __call__(self, done: int, total: int | None) -> None:
        """Write the progress, unless the last line is too recent."""
        now = time.monotonic()
        if now - self._written_at < INTERVAL and done != total:
            return
        self._written_at = now
        line = json.dumps({"progress": {"done": done, "total": total}})
        self._file.write(f"{line}\n")
        self._file.flush()
