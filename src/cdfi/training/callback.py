"""Who is told how a run goes, and how it ended."""

from pathlib import Path
from typing import Literal, NamedTuple

Reason = Literal["finished", "time", "interrupted"]


class Callback:
    """Is told how a run goes; does nothing itself. The command line overrides it."""

    def on_decode(self, done: int, total: int | None) -> None:
        """Videos decoded so far, the first time they are used."""

    def on_step(self, step: int, steps: int) -> None:
        """A step was taken."""

    def on_log(self, note: str) -> None:
        """How fast and how well it goes, every so many steps."""

    def on_message(self, text: str) -> None:
        """Something worth a line."""


class Outcome(NamedTuple):
    """How a sitting ended."""

    reason: Reason
    step: int
    best: float  # dB on the validation triplets; -inf before the first validation
    folder: Path
    leads: bool = True  # this process is the one of several that writes and speaks
