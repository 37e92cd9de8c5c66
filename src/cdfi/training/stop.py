"""When a sitting ends before its last step: the time is up, or somebody asked."""

import signal
import time
from types import FrameType
from typing import Any

from cdfi.training.callback import Reason

# A launcher passes on what its workers were sent as well, moments later: not a second request.
_SAME_REQUEST = 5.0


class Stop:
    """Watches the clock and the signals while it is entered.

    The first SIGTERM or Ctrl-C asks for a clean end; one that comes more than five seconds later
    takes effect at once. Slurm signals every process of a job, and so does Ctrl-C; torchrun then
    sends its workers another.

    Args:
        minutes: the time limit; 0 has none.
    """

    def __init__(self, minutes: float = 0.0) -> None:
        self._deadline = time.monotonic() + minutes * 60 if minutes else float("inf")
        self._asked: float | None = None  # when
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Stop":
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                self._before[number] = signal.signal(number, self._ask)
            except ValueError:  # not in the main thread: whoever runs us handles signals
                break
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def reason(self) -> Reason | None:
        """Why to stop now; None to go on."""
        if self._asked is not None:
            return "interrupted"
        return "time" if time.monotonic() > self._deadline else None

    def _ask(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._asked is None:
            self._asked = now
        elif now - self._asked > _SAME_REQUEST:
            signal.signal(number, self._before[number])
            signal.raise_signal(number)
