"""A long run of several stages as a progress bar on stderr."""

from types import TracebackType

from cdfi.cli.console import progress, stderr
from cdfi.training.watch import Watcher


class Bar(Watcher):
    """Shows steps, notes and lines while it is entered; silent with ``quiet``."""

    def __init__(self, quiet: bool) -> None:
        self._bar = progress(quiet)
        self._quiet = quiet
        self._task = self._bar.add_task("starting", total=None, note="")

    def __enter__(self) -> "Bar":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def decoding(self, done: int, total: int | None) -> None:
        """Videos decoded so far."""
        self._bar.update(self._task, description="decoding", completed=done, total=total)

    def stepped(self, step: int, steps: int) -> None:
        """A step was taken."""
        self._bar.update(self._task, description="training", completed=step, total=steps)

    def measured(self, note: str) -> None:
        """How fast and how well it goes."""
        self._bar.update(self._task, note=note)

    def said(self, text: str) -> None:
        """A line of its own."""
        if not self._quiet:
            stderr.print(text, markup=False)
