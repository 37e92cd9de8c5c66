"""The end of a session before the last step: the time limit, or a signal."""

import signal
import time
from types import FrameType
from typing import Any

from cdfi.training.callback import Reason

# A launcher forwards a signal that its workers received too, moments later: not a second request.
_SAME_REQUEST = 5.0


class Stop:
    """A context that watches the clock and the signals.

    The first SIGTERM or Ctrl-C requests a clean end; one more than five seconds later takes effect
    at once. Slurm signals every process of a job, and so does Ctrl-C; torchrun then sends its
    workers another signal.

    Args:
        minutes: the time limit; 0 has none.
    """

    def __init__(self, minutes: float = 0.0) -> None:
        self._deadline = time.monotonic() + minutes * 60 if minutes else float("inf")
        self._requested: float | None = None  # when
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Stop":
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                self._before[number] = signal.signal(number, self._request)
            except ValueError:  # not the main thread: the caller handles signals
                break
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def reason(self) -> Reason | None:
        """Return why to stop now, or None to continue."""
        if self._requested is not None:
            return "interrupted"
        return "time" if time.monotonic() > self._deadline else None

    def _request(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if self._requested is None:
            self._requested = now
        elif now - self._requested > _SAME_REQUEST:
            signal.signal(number, self._before[number])
            signal.raise_signal(number)
