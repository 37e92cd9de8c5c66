"""The display of a running video job in ``cdfi interpolate``: segment, decisions, warnings."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path

from cdfi.cli.console import stderr
from cdfi.video.jobs.watch import LiveWatch
from cdfi.video.timing.frame import OutputFrame

#: Counts that are not shown, as they follow from the number of frames.
PLAIN = ("interpolated", "source frames")


class JobDisplay(LiveWatch):
    """Collect a note for the progress bar, print warnings, write a live picture.

    Args:
        live: path of the live picture; None means none.
    """

    def __init__(self, live: Path | None) -> None:
        super().__init__(live)
        self._segments = 0
        self._segment: int | None = None
        self._counts: Counter[str] = Counter()

    @property
    def note(self) -> str:
        """The current segment and the decisions so far, such as "segment 3 of 12, 2 cuts held"."""
        parts = []
        if self._segment is not None and self._segments > 1:
            parts.append(f"segment {self._segment + 1} of {self._segments}")
        return ", ".join([*parts, *(f"{n} {what}" for what, n in self._counts.items())])

    def on_start(self, segments: int, finished: int) -> None:
        """Remember how many segments there are."""
        self._segments = segments

    def on_warning(self, text: str) -> None:
        """Print a warning."""
        stderr.print(f"cdfi: {text}", style="yellow", markup=False)

    def on_wait(self, folder: Path) -> None:
        """Print the command for the workers."""
        command = f"cdfi work {shlex.quote(str(folder))}"
        self.on_warning(f"waiting for workers: run {command} where this folder is seen")

    def on_frame(self, segment: int, frame: OutputFrame | None, counts: Counter[str]) -> None:
        """Count what was decided, and show the frame."""
        self._segment = segment
        self._counts.update({what: n for what, n in counts.items() if what not in PLAIN})
        super().on_frame(segment, frame, counts)
