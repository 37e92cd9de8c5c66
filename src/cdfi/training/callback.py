"""Callbacks of a training run, and its outcome."""

from pathlib import Path
from typing import Literal, NamedTuple

Reason = Literal["finished", "time", "interrupted"]


class Callback:
    """Is called as a run proceeds; every method does nothing unless a subclass overrides it."""

    def on_decode(self, done: int, total: int | None) -> None:
        """Handle one more video decoded into the cache."""

    def on_step(self, step: int, steps: int) -> None:
        """Handle one more optimizer step."""

    def on_log(self, note: str) -> None:
        """Handle a short note on loss and speed, at each row of the log."""

    def on_message(self, text: str) -> None:
        """Handle a message for the user, one line."""


class Outcome(NamedTuple):
    """How a session of a run ended.

    Attributes:
        reason: all steps done, out of time, or interrupted by a signal.
        step: steps done since the start of the run.
        best: best validation PSNR in dB; -inf before the first validation.
        folder: of the run.
        leads: whether this process is the one that writes the files.
    """

    reason: Reason
    step: int
    best: float
    folder: Path
    leads: bool = True
